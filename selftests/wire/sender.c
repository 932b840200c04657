// SPDX-License-Identifier: GPL-2.0
/*
 * What holds a sender back besides the peer's window, what it says of that, and what
 * it begins with after a silence.
 */
#include "fixture.h"

#define OPTS	"mss=1000 sackok ws=0"
/* What glibc's struct tcp_info does not have: <linux/tcp.h> and it exclude each other. */
#define INFO_MIN_RTT	148	/* offset of tcpi_min_rtt, us, __u32 */

/* ---- the queue ---- */

/* What could not be copied leaves nothing behind. */
CASE(write_that_faults)
{
	conn_passive(w, c, NULL);
	CHECK_EQ(w, -1, send(c->fd, (void *)16, 100, MSG_NOSIGNAL));
	CHECK_EQ(w, EFAULT, errno);
	none(c);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	tx(c, ". ack=101");
	CHECK_EQ(w, -1, send(c->fd, (void *)16, 100, MSG_NOSIGNAL));
	CHECK_EQ(w, EFAULT, errno);
	conn_close(c);
	rx(c, "F. seq=101 len=0");
}

/* Nor does it spoil what waits already. */
CASE(write_that_faults_behind_another)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	conn_write(c, 100, 0);
	CHECK_EQ(w, -1, send(c->fd, (void *)16, 100, MSG_NOSIGNAL));
	CHECK_EQ(w, EFAULT, errno);
	none(c);
	tx(c, ". ack=101");
	rx(c, "P. seq=101 len=100");
	none(c);
}

/* MSG_EOR: what comes later is a segment of its own, however small. */
CASE(end_of_record)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	conn_write(c, 100, MSG_EOR);
	none(c);
	/* Nothing can be added to it: what follows lets it go. */
	conn_write(c, 100, 0);
	rx(c, "P. seq=101 len=100");
	none(c);
	tx(c, ". ack=201");
	rx(c, "P. seq=201 len=100");
}

/* Nor are records put together when they are sent again. */
CASE(end_of_record_when_sent_again)
{
	conn_slow(w, c, OPTS);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	conn_write(c, 100, MSG_EOR);
	conn_write(c, 100, MSG_EOR);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	rx(c, "P. seq=101 len=100");
	rx(c, "P. seq=201 len=100");
	rx(c, "P. seq=1 len=100 t>=%d", SLOW_RTO_MS);
	tx(c, ". ack=101");
	rx(c, "P. seq=101 len=100");
}

/* PSH is for the end of what was written, and not for what MSG_MORE holds open. */
CASE(push)
{
	conn_passive(w, c, NULL);
	conn_write(c, 1000, MSG_MORE);
	rx(c, ". seq=1 len=1000 nopush");
	tx(c, ". ack=1001");
	conn_write(c, 1000, 0);
	rx(c, "P. seq=1001 len=1000");
	tx(c, ". ack=2001");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_CORK, 1);
	conn_write(c, 2000, 0);
	rx(c, ". seq=2001 len=1000 nopush");
	rx(c, ". seq=3001 len=1000");
}

/* ---- pacing ---- */

#define RATE	100000	/* bytes per second: ten segments take 100 ms and a bit */

/*
 * SO_MAX_PACING_RATE: the first ten segments go as they come, what follows waits until
 * they would have gone at that rate, or part of them: bursts are of two or more.
 */
CASE(pacing)
{
	__s64 begin;
	int i;

	conn_slow(w, c, OPTS);
	sock_set(w, c->fd, SOL_SOCKET, SO_MAX_PACING_RATE, RATE);
	conn_write(c, 20000, 0);
	rx_stream(c, 1, 10001, 1000);
	begin = c->seg.time;
	tx(c, ". ack=10001");
	for (i = 10; i < 20; i++)
		rx(c, ". seq=%d len=1000", 1 + i * 1000);
	CHECK_TIME(w, c->seg.time - begin >= 35 * 1000000LL);
	CHECK_TIME(w, c->seg.time - begin <= 250 * 1000000LL);
}

/*
 * A burst smaller than it could be waits for an ACK that is due within a millisecond, not for
 * one that is a quarter of a round trip away.
 */
CASE(burst_waits_for_no_distant_ack)
{
	conn_slow(w, c, "mss=1000 sackok ws=0");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 8001, 1000);
	none_for(c, SLOW_RTT_MS * 3 / 4);
	conn_write(c, 1000, 0);
	conn_write(c, 8000, 0);
	rx(c, "P. seq=8001 len=1000");
	rx(c, ". seq=9001 len=1000");
	none(c);
}

/* ---- idle times, rfc5681#section-4.1 ---- */

/* A window that has grown to 20, then silence for longer than the RTO. */
static void grown_then_idle(struct wire *w, struct conn *c)
{
	conn_slow(w, c, OPTS);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=10001");
	CHECK_EQ(w, 20, sock_info(c).snd_cwnd);
	none_for(c, 3 * SLOW_RTT_MS);
	conn_write(c, 40000, 0);
}

CASE(restart_after_idle)
{
	sysctl_set(w, "tcp_slow_start_after_idle", "1");
	grown_then_idle(w, c);
	rx_stream(c, 10001, 20001, 1000);
	none(c);
	CHECK_EQ(w, 10, sock_info(c).snd_cwnd);
}

CASE(restart_after_idle_switched_off)
{
	sysctl_set(w, "tcp_slow_start_after_idle", "0");
	grown_then_idle(w, c);
	rx_stream(c, 10001, 30001, 1000);
	none(c);
	CHECK_EQ(w, 20, sock_info(c).snd_cwnd);
}

/* ---- what TCP_INFO says of who is to blame ---- */

CASE(busy_time)
{
	conn_slow(w, c, OPTS);
	CHECK_EQ(w, 0, sock_info(c).busy_ms);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).busy_ms >= 300 - JIFFY_MS);
	tx(c, ". ack=1001");
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).busy_ms < 500);
	CHECK_EQ(w, 0, sock_info(c).rwnd_limited_ms);
	CHECK_EQ(w, 0, sock_info(c).sndbuf_limited_ms);
}

/* A FIN alone makes busy as well. */
CASE(busy_time_of_a_fin)
{
	conn_slow(w, c, OPTS);
	CHECK_EQ(w, 0, shutdown(c->fd, SHUT_WR));
	rx(c, "F. seq=1");
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).busy_ms >= 300 - JIFFY_MS);
}

CASE(limited_by_the_peers_window)
{
	w->peer_win = 2000;
	conn_slow(w, c, OPTS);
	conn_write(c, 5000, 0);
	rx_stream(c, 1, 2001, 1000);
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).rwnd_limited_ms >= 300 - JIFFY_MS);
	CHECK_EQ(w, 0, sock_info(c).sndbuf_limited_ms);
	tx(c, ". ack=2001 win=10000");
	rx_stream(c, 2001, 5001, 1000);
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).rwnd_limited_ms < 500);
	CHECK_TIME(w, sock_info(c).busy_ms >= 600 - 2 * JIFFY_MS);
}

/* All that the buffer holds is in flight, less than cwnd, and the writer would have more. */
CASE(limited_by_the_send_buffer)
{
	static const char data[100000];
	ssize_t n;

	w->peer_win = 2000;
	conn_slow(w, c, OPTS);
	sock_set(w, c->fd, SOL_SOCKET, SO_SNDBUF, 1);
	n = send(c->fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
	CHECK(w, n > 2000 && n <= 5000);
	tx(c, ". ack=1 win=50000");
	while (c->rcv_nxt < 1 + n)
		CHECK(w, wire_next(c, DEADLINE_MS));
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).sndbuf_limited_ms >= 300 - JIFFY_MS);
	tx(c, ". ack=%u", c->rcv_nxt);
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	none_for(c, 300);
	CHECK_TIME(w, sock_info(c).sndbuf_limited_ms < 500);
	CHECK_TIME(w, sock_info(c).busy_ms >= 300 - JIFFY_MS);
	CHECK_TIME(w, sock_info(c).busy_ms < 500);
	CHECK_TIME(w, sock_info(c).rwnd_limited_ms < 100);
}

/* ---- small queues ---- */

/*
 * The qdisc cuts what it gets, packets of two segments here, and the whole waits in it.
 * What is in it counts still, and each that leaves makes room, without an ACK.
 */
static void small_queue(struct wire *w, struct conn *c, bool paced)
{
	__u32 seq;

	sysctl_set(w, "tcp_limit_output_bytes", "1000");
	slow_link();
	conn_slow(w, c, OPTS);
	if (paced)
		sock_set(w, c->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 100000000);
	conn_write(c, 8000, 0);
	/* One packet waits, and another if there was but one. */
	CHECK_EQ(w, 4, sock_info(c).unacked);
	for (seq = 1; seq < 8001; seq += 1000) {
		rx(c, ". seq=%u len=1000", seq);
		CHECK(w, sock_info(c).unacked <= seq / 1000 + 4);
	}
	none_for(c, QUIET_MS);
}

CASE(small_queue_in_a_qdisc_that_cuts)
{
	small_queue(w, c, false);
}

CASE(small_queue_of_a_paced_flow)
{
	kernel_tcp_since(w, 7, 3);
	small_queue(w, c, true);
}

/* ---- autocorking ---- */

/*
 * Two segments, the second of which waits in the device's queue for a while, and two small
 * writes behind it. Its memory is less than that of two small ones, which the least limit of
 * small queues admits, however slow everything is.
 */
static void write_behind(struct wire *w, struct conn *c)
{
	slow_link();
	conn_passive(w, c, OPTS);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	conn_write(c, 1000, 0);
	rx(c, "P. seq=1 len=1000");
	conn_write(c, 700, 0);
	conn_write(c, 100, 0);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1001 len=700");
}

CASE(autocorking)
{
	long before = mib(w, "TCPAutoCorking");

	write_behind(w, c);
	rx(c, "P. seq=1701 len=200");
	CHECK_EQ(w, before + 1, mib(w, "TCPAutoCorking"));
}

CASE(autocorking_switched_off)
{
	long before = mib(w, "TCPAutoCorking");

	sysctl_set(w, "tcp_autocorking", "0");
	write_behind(w, c);
	rx(c, "P. seq=1701 len=100");
	rx(c, "P. seq=1801 len=100");
	CHECK_EQ(w, before, mib(w, "TCPAutoCorking"));
}

/* ---- probes of a closed window ---- */

/* What comes is answered by a window of 0, and by an ACK of so much, each time. */
static void user_timeout_ends(struct wire *w, struct conn *c, __u32 ack)
{
	__s64 begin;
	int sent = 0;

	conn_slow(w, c, OPTS);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	tx(c, ". ack=%u win=0", ack);
	conn_write(c, 1000, 0);
	begin = c->last;
	while (wire_next(c, 4000) && !(c->seg.flags & TH_RST) && ++sent < 20)
		tx(c, ". ack=%u win=0", ack);
	CHECK_EQ(w, ETIMEDOUT, sock_error(c->fd));
	CHECK(w, sent >= 1 && sent < 10);
	CHECK_TIME(w, c->last - begin < 9000 * 1000000LL);
}

/* TCP_USER_TIMEOUT ends it even if each is answered, and not a back-off later. */
CASE(probes_end_with_the_user_timeout)
{
	user_timeout_ends(w, c, 1001);
}

/* The same if there is data in flight, which the peer has taken the window from. */
CASE(user_timeout_while_the_window_is_shut)
{
	user_timeout_ends(w, c, 1);
}

/* ---- acknowledging ---- */

/* Quick ACKs come to an end, and after a silence the sender starts slowly again. */
CASE(quick_acks_after_a_silence)
{
	struct seg *s;
	int i;

	conn_passive(w, c, NULL);
	for (i = 0; i < 100; i++) {
		tx(c, ". len=100");
		s = wire_next(c, DEADLINE_MS);
		CHECK(w, s);
		conn_read(c, i * 100, 100);
		if (s->time - c->last >= 20 * 1000000LL)
			break;
	}
	CHECK(w, i < 100);
	none_for(c, 1000);
	tx(c, ". len=100");
	rx(c, ". ack=%d t<20", 1 + 100 * (i + 2));
}

/* ---- RACK ---- */

/*
 * An ACK that comes too soon after a retransmission is about the original, so it says
 * nothing of what was sent between the two (rfc8985#section-6.2 step 2).
 */
CASE(ack_of_the_original)
{
	conn_slow(w, c, OPTS);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	none_for(c, SLOW_RTT_MS);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=4001");
	none_for(c, SLOW_RTT_MS / 2);
}

/* The peer waits before it acknowledges a lone short segment: that is not the round trip. */
CASE(minimum_rtt_without_delayed_acks)
{
	__u8 info[256] = { 0 };
	socklen_t len = sizeof(info);
	__u32 min_rtt;
	int i;

	sysctl_set(w, "tcp_min_rtt_wlen", "1");
	conn_passive(w, c, "mss=1000 sackok ws=0");
	for (i = 0; i < 50; i++) {
		conn_write(c, 100, 0);
		rx(c, "P. seq=%d len=100", i * 100 + 1);
		none_for(c, 80);
		tx(c, ". ack=%d", i * 100 + 101);
	}
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &len));
	memcpy(&min_rtt, info + INFO_MIN_RTT, sizeof(min_rtt));
	CHECK_TIME(w, min_rtt < 40000);
}

/* ---- CUBIC ---- */

/*
 * After an RTO: slow start up to ssthresh, and then no faster than the curve and Reno,
 * which both take more than a window of ACKs for the next segment.
 */
CASE(cubic_after_rto)
{
	int acked = 1, i;

	/* What is acknowledged is to count as the retransmission. */
	sysctl_set(w, "tcp_frto", "0");
	conn_slow(w, c, OPTS);
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5));
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS);
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
	CHECK_EQ(w, 1, sock_info(c).snd_cwnd);
	conn_write(c, 60000, 0);
	none_for(c, SLOW_RTT_MS);
	for (i = 0; sock_info(c).snd_cwnd < 7; i++) {
		CHECK(w, i < 20);
		acked += 1000;
		tx(c, ". ack=%d", acked);
		while (wire_next(c, 0))
			;
	}
	/* One at a time, all at once: time stands still for the curve. */
	for (i = 1; i <= 13; i++) {
		acked += 1000;
		tx(c, ". ack=%d", acked);
		CHECK_EQ(w, 7, sock_info(c).snd_cwnd);
		while (wire_next(c, 0))
			;
	}
	CHECK_EQ(w, TCP_CA_Open, sock_info(c).ca_state);
}
