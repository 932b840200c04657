// SPDX-License-Identifier: GPL-2.0
/*
 * Loss recovery: what is held for lost and when, how fast it is repaired, and
 * how a sender finds out that it was wrong.
 */
#include "fixture.h"

#define OPTS	"mss=1000 sackok ws=0"

/* So many segments in flight, for a round trip. */
static void in_flight(struct wire *w, struct conn *c, const char *opts, int segs)
{
	conn_slow(w, c, opts);
	conn_write(c, segs * 1000, 0);
	rx_stream(c, 1, segs * 1000 + 1, 1000);
	none_for(c, SLOW_RTT_MS);
}

/* Three SACKs beyond a hole at the first segment. */
static void lose_first(struct conn *c)
{
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
}

/* rfc3042: each of the first two duplicates lets a new segment go. */
CASE(limited_transmit)
{
	in_flight(w, c, OPTS, 10);
	conn_write(c, 2000, 0);
	none(c);
	tx(c, ". ack=1 sack=1001:2001");
	rx(c, ". seq=10001 len=1000");
	tx(c, ". ack=1 sack=1001:3001");
	rx(c, ". seq=11001 len=1000");
	none(c);
}

CASE(limited_transmit_without_sack)
{
	in_flight(w, c, "mss=1000", 10);
	conn_write(c, 2000, 0);
	none(c);
	tx(c, ". ack=1");
	rx(c, ". seq=10001 len=1000");
	tx(c, ". ack=1");
	rx(c, ". seq=11001 len=1000");
	none(c);
}

/*
 * rfc8985#section-6.2: one SACK of the last segment is not enough to hold the
 * others for lost, but a quarter of a round trip later it is.
 */
CASE(rack_waits_for_reordering)
{
	in_flight(w, c, OPTS, 4);
	tx(c, ". ack=1 sack=3001:4001");
	rx(c, ". seq=1 len=1000 t>=%d t<%d", SLOW_RTT_MS / 4 - JIFFY_MS, SLOW_RTT_MS / 2);
}

/* What was merely late teaches patience: three SACKs are no loss any more. */
CASE(reordering_is_learnt)
{
	in_flight(w, c, OPTS, 8);
	CHECK_EQ(w, 3, tcp_info_of(c).tcpi_reordering);
	tx(c, ". ack=1 sack=7001:8001");
	tx(c, ". ack=8001");
	none(c);
	CHECK(w, tcp_info_of(c).tcpi_reordering >= 8);

	conn_write(c, 8000, 0);
	rx_stream(c, 8001, 16001, 1000);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=8001 sack=9001:10001");
	tx(c, ". ack=8001 sack=9001:11001");
	tx(c, ". ack=8001 sack=9001:12001");
	tx(c, ". ack=8001 sack=9001:13001");
	none(c);
	tx(c, ". ack=16001");
	none(c);
	CHECK_EQ(w, TCP_CA_Open, tcp_info_of(c).tcpi_ca_state);
}

/*
 * The highest SACK stays the highest when one below it comes, also where it is that
 * of the last segment sent: what lies between is the extent of reordering, and with
 * that much of it a SACK is progress (the window grows by the segment).
 */
CASE(reordering_below_the_last_segment)
{
	in_flight(w, c, OPTS, 10);
	tx(c, ". ack=1 sack=9001:10001");
	tx(c, ". ack=1 sack=3001:4001,9001:10001");
	none(c);
	CHECK_EQ(w, 7, tcp_info_of(c).tcpi_reordering);
	CHECK_EQ(w, 11, tcp_info_of(c).tcpi_snd_cwnd);
	tx(c, ". ack=10001");
	none(c);
	CHECK_EQ(w, 10, tcp_info_of(c).tcpi_reordering);
	CHECK_EQ(w, 19, tcp_info_of(c).tcpi_snd_cwnd);
}

/*
 * The newest block comes first (rfc2018#section-4), which mostly is the highest. What the same
 * ACK says of lower ones for the first time arrived before it: nothing has been reordered, and
 * three segments beyond a hole are a loss at once.
 */
CASE(newest_block_first_is_no_reordering)
{
	in_flight(w, c, OPTS, 10);
	tx(c, ". ack=1 sack=9001:10001,7001:8001,5001:6001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTT_MS / 4 - JIFFY_MS);
	CHECK_EQ(w, 3, tcp_info_of(c).tcpi_reordering);
}

/* The same where the first block is a D-SACK, of a segment that no ACK has told of before. */
CASE(dsack_block_first_is_no_reordering)
{
	in_flight(w, c, OPTS, 4);
	lose_first(c);
	tx(c, ". ack=4001");
	conn_write(c, 6000, 0);
	rx_stream(c, 4001, 10001, 1000);
	tx(c, ". ack=4001 sack=9001:10001,5001:10001");
	rx(c, ". seq=4001 len=1000 t<%d", SLOW_RTT_MS / 4 - JIFFY_MS);
	CHECK_EQ(w, 1, mib(w, "TCPDSACKOfoRecv"));
	CHECK_EQ(w, 0, mib(w, "TCPSACKReorder"));
	CHECK_EQ(w, 3, tcp_info_of(c).tcpi_reordering);
}

/* The network doubled a segment that was sent once: no D-SACK to undo by, but one to count. */
CASE(dsack_of_what_was_sent_once)
{
	in_flight(w, c, OPTS, 8);
	tx(c, ". ack=4001");
	tx(c, ". ack=4001 sack=1:1001");
	none(c);
	CHECK_EQ(w, 1, mib(w, "TCPDSACKRecv"));
	CHECK_EQ(w, 1, mib(w, "TCPDSACKIgnoredDubious"));
	CHECK_EQ(w, 1, mib(w, "TCPSACKDiscard"));
	/* A block that was good before the ACK was overtaken is nothing to count. */
	tx(c, ". ack=2001 sack=3001:4001");
	none(c);
	CHECK_EQ(w, 1, mib(w, "TCPSACKDiscard"));
	CHECK_EQ(w, 3, tcp_info_of(c).tcpi_reordering);
}

/*
 * A lost retransmission is found by what was sent after it and arrived, long
 * before the timer (rfc8985#section-3.2).
 */
CASE(lost_retransmission)
{
	in_flight(w, c, OPTS, 10);
	lose_first(c);
	conn_write(c, 10000, 0);
	/* What the window admits meanwhile. */
	tx(c, ". ack=1 sack=1001:10001");
	while (wire_next(c, QUIET_MS))
		;
	CHECK(w, c->rcv_nxt > 10001);
	none_for(c, SLOW_RTT_MS / 2);
	tx(c, ". ack=1 sack=1001:%u", c->rcv_nxt);
	rx(c, ". seq=1 len=1000 t<%d skip", SLOW_RTO_MS / 2);
}

/* rfc2883, rfc3708: all that was sent again came twice. */
CASE(undo_by_dsack)
{
	struct tcp_info before, after;

	in_flight(w, c, OPTS, 10);
	before = tcp_info_of(c);
	lose_first(c);
	CHECK_EQ(w, TCP_CA_Recovery, tcp_info_of(c).tcpi_ca_state);
	CHECK(w, tcp_info_of(c).tcpi_snd_ssthresh < before.tcpi_snd_ssthresh);
	/* The original was late; then its duplicate arrives. */
	tx(c, ". ack=4001");
	tx(c, ". ack=10001 sack=1:1001");
	after = tcp_info_of(c);
	CHECK_EQ(w, TCP_CA_Open, after.tcpi_ca_state);
	CHECK(w, after.tcpi_snd_cwnd >= before.tcpi_snd_cwnd);
	CHECK_EQ(w, before.tcpi_snd_ssthresh, after.tcpi_snd_ssthresh);
}

/* rfc4015: the ACK echoes the time of the original transmission. */
CASE(undo_by_timestamp)
{
	struct tcp_info before, after;
	__u32 sent;

	conn_slow(w, c, "mss=1012 sackok ts ws=0");
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 8001, 1000);
	sent = c->ts_recent;
	before = tcp_info_of(c);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=1 tsecr=%u sack=1001:2001", sent);
	tx(c, ". ack=1 tsecr=%u sack=1001:3001", sent);
	tx(c, ". ack=1 tsecr=%u sack=1001:4001", sent);
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	CHECK_EQ(w, TCP_CA_Recovery, tcp_info_of(c).tcpi_ca_state);
	tx(c, ". ack=8001 tsecr=%u", sent);
	after = tcp_info_of(c);
	CHECK_EQ(w, TCP_CA_Open, after.tcpi_ca_state);
	CHECK(w, after.tcpi_snd_cwnd >= before.tcpi_snd_cwnd);
	CHECK_EQ(w, before.tcpi_snd_ssthresh, after.tcpi_snd_ssthresh);
}

/*
 * One recovery ends with the ACK that begins the next. What counts then is when the second one
 * sent again, not the first.
 */
CASE(undo_in_the_second_of_two_recoveries)
{
	struct tcp_info before;
	__u32 sent;

	conn_slow(w, c, "mss=1012 sackok ts ws=0");
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=1 sack=1001:4001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	conn_write(c, 10000, 0);
	none_for(c, SLOW_RTT_MS / 4);
	tx(c, ". ack=1 sack=1001:10001");
	while (wire_next(c, QUIET_MS))
		;
	CHECK(w, c->rcv_nxt > 14001);
	sent = c->ts_recent;
	none_for(c, SLOW_RTT_MS / 2);
	tx(c, ". ack=10001 sack=11001:%u", c->rcv_nxt);
	rx(c, ". seq=10001 len=1000 t<%d skip", SLOW_RTO_MS / 2);
	before = tcp_info_of(c);
	CHECK_EQ(w, TCP_CA_Recovery, before.tcpi_ca_state);
	CHECK_EQ(w, 0, mib(w, "TCPFullUndo"));
	/* It was only late. */
	tx(c, ". ack=%u tsecr=%u", c->rcv_nxt, sent);
	CHECK_EQ(w, 1, mib(w, "TCPFullUndo"));
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd > before.tcpi_snd_cwnd);
}

/* What is to be sent again has to wait for what the device still has, and meanwhile the
 * original turns out to have been late.
 */
CASE(undo_without_retransmission)
{
	struct tcp_info before, after;

	slow_link();
	conn_slow(w, c, OPTS);
	conn_write(c, 4000, 0);
	rx_stream(c, 1, 4001, 1000);
	sysctl_set(w, "tcp_limit_output_bytes", "1");
	conn_write(c, 2000, 0);
	rx(c, ". seq=4001 len=1000");
	before = tcp_info_of(c);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	CHECK_EQ(w, TCP_CA_Recovery, tcp_info_of(c).tcpi_ca_state);
	tx(c, ". ack=4001");
	after = tcp_info_of(c);
	CHECK_EQ(w, TCP_CA_Open, after.tcpi_ca_state);
	CHECK_EQ(w, before.tcpi_snd_ssthresh, after.tcpi_snd_ssthresh);
	CHECK_EQ(w, 0, after.tcpi_total_retrans);
	rx(c, "P. seq=5001 len=1000");
}

/* Neither the probe nor the timeout sends again what this host has not let go of. */
CASE(no_retransmission_of_what_netem_delays)
{
	link_qdisc("netem");
	conn_slow(w, c, OPTS);
	link_qdisc("netem delay 3000ms");
	conn_write(c, 1000, 0);
	none_for(c, 2500);
	rx(c, "P. seq=1 len=1000");
	tx(c, ". ack=1001");
	none_for(c, 4000);
	CHECK_EQ(w, 0, tcp_info_of(c).tcpi_total_retrans);
	CHECK_EQ(w, 0, tcp_info_of(c).tcpi_unacked);
}

/* And a new time does not. */
CASE(no_undo_of_a_true_loss)
{
	struct tcp_info before, after;

	conn_slow(w, c, "mss=1012 sackok ts ws=0");
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 8001, 1000);
	before = tcp_info_of(c);
	none_for(c, SLOW_RTT_MS);
	lose_first(c);
	tx(c, ". ack=8001");
	after = tcp_info_of(c);
	CHECK_EQ(w, TCP_CA_Open, after.tcpi_ca_state);
	CHECK(w, after.tcpi_snd_ssthresh < before.tcpi_snd_ssthresh);
	CHECK_EQ(w, after.tcpi_snd_ssthresh, after.tcpi_snd_cwnd);
}

/*
 * rfc5682: after a timeout, an ACK of something that was sent once only: then
 * new data goes, and when that is acknowledged the timeout was for nothing.
 */
CASE(frto)
{
	struct tcp_info before;

	in_flight(w, c, OPTS, 10);
	before = tcp_info_of(c);
	conn_write(c, 5000, 0);
	rx(c, ". seq=1 len=1000 skip t>=%d", SLOW_RTO_MS / 2);
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	tx(c, ". ack=2001");
	CHECK_EQ(w, TCP_CA_Open, tcp_info_of(c).tcpi_ca_state);
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd >= before.tcpi_snd_cwnd);
}

/* What was sent again without need, and is then held for lost, is out once, not twice: who
 * counts it twice, as kernel TCP does, has a segment in flight for ever that nobody
 * acknowledges.
 */
CASE(retransmission_undone_and_lost)
{
	__u32 sent;

	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	conn_slow(w, c, "mss=1012 sackok ts ws=0");
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 8001, 1000);
	sent = c->ts_recent;
	none_for(c, SLOW_RTT_MS);
	rx(c, ". seq=1 len=1000 skip t>=%d", SLOW_RTO_MS / 2);
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	/* Half of it, so that it stays in the queue. */
	tx(c, ". ack=501 tsecr=%u", sent);
	CHECK(w, tcp_info_of(c).tcpi_ca_state != TCP_CA_Loss);
	CHECK_EQ(w, 1, tcp_info_of(c).tcpi_retrans);
	rx(c, ". seq=501 len=500 skip t>=%d", SLOW_RTO_MS / 2);
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	CHECK_EQ(w, 1, tcp_info_of(c).tcpi_retrans);
	tx(c, ". ack=8001");
	CHECK_EQ(w, 0, tcp_info_of(c).tcpi_retrans);
}

/*
 * The same without SACK: whether the second segment arrived for itself or only
 * with the retransmission of the first is not known; that takes one more ACK.
 */
CASE(frto_without_sack)
{
	in_flight(w, c, "mss=1000", 10);
	conn_write(c, 5000, 0);
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS / 2);
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	tx(c, ". ack=2001");
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	rx_stream(c, 10001, 13001, 1000);
	none(c);
	tx(c, ". ack=3001");
	CHECK_EQ(w, TCP_CA_Open, tcp_info_of(c).tcpi_ca_state);
}

/* Duplicates for the new data instead: the loss was real. */
CASE(frto_true_loss)
{
	in_flight(w, c, "mss=1000", 10);
	conn_write(c, 5000, 0);
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=2001");
	rx_stream(c, 10001, 13001, 1000);
	tx(c, ". ack=2001");
	CHECK_EQ(w, TCP_CA_Loss, tcp_info_of(c).tcpi_ca_state);
	rx(c, ". seq=2001 len=1000 t<%d", SLOW_RTO_MS / 2);
}

/*
 * The timeout holds for lost what is old, RACK the rest, later: the old ones go first,
 * and none is passed over until the next timeout.
 */
CASE(oldest_first_after_timeout)
{
	sysctl_set(w, "tcp_frto", "0");
	in_flight(w, c, OPTS, 2);
	tx(c, ". ack=2001");
	conn_write(c, 4000, 0);
	rx_stream(c, 2001, 6001, 1000);
	/* So shortly before the timeout that they may be on their way. */
	none_for(c, SLOW_RTO_MS - 350);
	conn_write(c, 2000, 0);
	rx_stream(c, 6001, 8001, 1000);
	rx(c, ". seq=2001 len=1000 t<%d", SLOW_RTO_MS / 2);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=3001");
	rx(c, ". seq=3001 len=1000 t<%d", SLOW_RTO_MS / 2);
	rx(c, ". seq=4001 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=5001");
	rx(c, "P. seq=5001 len=1000 t<%d", SLOW_RTO_MS / 2);
}

/* Sent again, each segment points at the urgent byte that was written meanwhile. */
CASE(urgent_pointer_of_what_is_sent_again)
{
	__u32 at;

	sysctl_set(w, "tcp_frto", "0");
	in_flight(w, c, "mss=1000", 10);
	conn_write(c, 1, MSG_OOB);
	rx(c, "U. seq=1 len=1000 urg=10001 t<%d", 2 * SLOW_RTO_MS);
	tx(c, ". ack=1001");
	for (at = 1001; at < 7001; at += 1000) {
		rx(c, "U. seq=%u len=1000 urg=%u t<%d", at, 10002 - at, SLOW_RTO_MS / 2);
		/* What follows is sent in bursts. */
		if (at == 2001)
			tx(c, ". ack=3001");
	}
}

/*
 * The urgent byte is beyond what the pointer reaches, and so is some of what was sent: the
 * receiver may have the byte that the pointer could name, which is not urgent.
 */
CASE(no_urgent_pointer_into_what_was_sent)
{
	__u32 at = 1, segs;

	sysctl_set(w, "tcp_early_retrans", "0");
	w->peer_win = 65535;
	conn_slow(w, c, "mss=1000 sackok ws=4");
	sock_set(w, c->fd, SOL_SOCKET, SO_SNDBUF, 1 << 20);
	/* Slow start, to a window of more than 64 KB. */
	for (segs = 10; ; segs *= 2) {
		conn_write(c, segs * 1000, 0);
		rx_stream(c, at, at + segs * 1000, 1000);
		if (segs == 80)
			break;
		at += segs * 1000;
		tx(c, ". ack=%u", at);
	}
	conn_write(c, 20000, MSG_OOB);
	rx(c, ". seq=%u len=1000 urg=0 t<%d skip", at, 2 * SLOW_RTO_MS);
}

/* Of two that were sent twice, a probe among them, the D-SACK of one proves nothing. */
CASE(no_undo_by_dsack_of_a_probe)
{
	/* 6.1's has not learnt it. */
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	sysctl_set(w, "tcp_early_retrans", "3");
	sysctl_set(w, "tcp_frto", "0");
	in_flight(w, c, OPTS, 4);
	rx(c, ". seq=3001 len=1000 t<%d", SLOW_RTO_MS - 100);
	rx(c, ". seq=1 len=1000");
	tx(c, ". ack=1 sack=3001:4001,1001:4001");
	tx(c, ". ack=4001");
	CHECK(w, tcp_info_of(c).tcpi_snd_ssthresh < 10);
	CHECK_EQ(w, 0, mib(w, "TCPLossUndo"));
	CHECK_EQ(w, 0, mib(w, "TCPFullUndo"));
}

/* The peer took window back: what lies beyond it is not sent again either. */
CASE(retransmission_stays_in_window)
{
	w->peer_win = 10000;
	in_flight(w, c, "mss=1000", 5);
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS / 2);
	/* Slow start would allow two. */
	tx(c, ". ack=1001 win=1500");
	rx(c, ". seq=1001 len=1000");
	rx(c, ". seq=2001 len=500");
	none(c);
}

/*
 * rfc2018#section-8: the peer dropped what it had SACKed, as its ACK stands
 * before a SACKed segment. A timer later it is sent again.
 */
CASE(reneging)
{
	in_flight(w, c, OPTS, 6);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1001");
	rx(c, ". seq=1001 len=1000 t<%d", SLOW_RTO_MS / 2);
}

/* Without SACK, too, small segments that follow go along with the one sent again. */
CASE(fast_retransmit_gathers_small_segments)
{
	int i;

	conn_slow(w, c, "mss=1000");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	for (i = 0; i < 5; i++) {
		conn_write(c, 100, 0);
		rx(c, "P. seq=%d len=100", i * 100 + 1);
	}
	none_for(c, SLOW_RTT_MS);
	for (i = 0; i < 3; i++)
		tx(c, ". ack=1");
	rx(c, "P. seq=1 len=500 t<%d", SLOW_RTO_MS / 2);
}

/* rfc8985#section-7: a probe instead of the timeout, with new data if any. */
CASE(tail_loss_probe)
{
	sysctl_set(w, "tcp_early_retrans", "3");
	in_flight(w, c, OPTS, 4);
	rx(c, ". seq=3001 len=1000 t>=%d t<%d", 2 * SLOW_RTT_MS - JIFFY_MS,
	   SLOW_RTO_MS - 100);
	/* It repaired the loss, as more is acknowledged without a D-SACK: the
	 * window is reduced all the same.
	 */
	tx(c, ". ack=4001");
	conn_write(c, 1000, 0);
	rx(c, ". seq=4001 len=1000");
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd >= 10);
	tx(c, ". ack=5001");
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd < 10);
	CHECK_EQ(w, TCP_CA_Open, tcp_info_of(c).tcpi_ca_state);
}

/*
 * The probe comes two round trips and 2 ms after what was sent last, not less, wherever in a
 * jiffy that was, and whatever the timer was for before. Here it is put off all the time.
 */
CASE(tail_loss_probe_not_early)
{
	__s64 before, acked, since;
	struct seg *s;
	__u32 at;

	sysctl_set(w, "tcp_early_retrans", "3");
	conn_passive(w, c, OPTS);
	conn_write(c, 3000, 0);
	rx_stream(c, 1, 3001, 1000);
	for (at = 3001; at < 300001; at += 1000) {
		before = c->last;
		tx(c, ". ack=%u", at - 2000);
		acked = c->last;
		conn_write(c, 1000, 0);
		for (;;) {
			s = wire_next(c, DEADLINE_MS);
			CHECK(w, s);
			if (s->seq - c->irs == at)
				break;
			since = s->time < acked ? before : s->time < c->last ? acked : c->last;
			CHECK_TIME(w, s->time - since >= 2000000);
			/* This process had no time, and the probe was due: nothing was lost. */
			tx(c, ". ack=%u sack=%u:%u", at, at - 1000, at);
		}
	}
}

CASE(tail_loss_probe_was_needless)
{
	sysctl_set(w, "tcp_early_retrans", "3");
	in_flight(w, c, OPTS, 4);
	rx(c, ". seq=3001 len=1000 t>=%d t<%d", 2 * SLOW_RTT_MS - JIFFY_MS,
	   SLOW_RTO_MS - 100);
	/* Both copies arrived. */
	tx(c, ". ack=4001 sack=3001:4001");
	conn_write(c, 1000, 0);
	rx(c, ". seq=4001 len=1000");
	tx(c, ". ack=5001");
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd >= 10);
}

/*
 * rfc6937: while more is in flight than the new threshold, seven segments go
 * for ten that arrive; one ACK for each segment shows it.
 */
CASE(proportional_rate_reduction)
{
	int acked, sent = 0;

	in_flight(w, c, OPTS, 10);
	conn_write(c, 50000, 0);
	/* Twenty in flight. */
	tx(c, ". ack=10001");
	rx_stream(c, 10001, 30001, 1000);
	none_for(c, SLOW_RTT_MS);
	CHECK_EQ(w, 20, tcp_info_of(c).tcpi_snd_cwnd);

	tx(c, ". ack=10001 sack=11001:12001");
	tx(c, ". ack=10001 sack=11001:13001");
	tx(c, ". ack=10001 sack=11001:14001");
	for (acked = 15001; acked <= 30001; acked += 1000) {
		while (wire_next(c, QUIET_MS))
			sent++;
		tx(c, ". ack=10001 sack=11001:%d", acked);
	}
	while (wire_next(c, QUIET_MS))
		sent++;
	CHECK_EQ(w, 14, tcp_info_of(c).tcpi_snd_ssthresh);
	/* Limited transmit, the retransmission, and the rest at 7:10. */
	CHECK(w, sent >= 12 && sent <= 15);
	tx(c, ". ack=%u", c->rcv_nxt);
	CHECK(w, tcp_info_of(c).tcpi_snd_cwnd >= 14 && tcp_info_of(c).tcpi_snd_cwnd < 20);
}
