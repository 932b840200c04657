// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of a path before a connection begins: the metrics of ip route(8), and what
 * earlier connections have learnt, ip-tcp_metrics(8).
 */
#include "fixture.h"

#define OPTS	"mss=1000 sackok ws=0"

/* The route to the peer, with these. */
static void add_route(struct wire *w, const char *metrics)
{
	char command[160];

	snprintf(command, sizeof(command), "ip route add %s dev tun0 %s",
		 on_v6(w) ? PEER_ADDR6 "/128" : PEER_ADDR "/32", metrics);
	run_command(w, command);
}

/*
 * Some that kernel TCP takes from its cache of peers, where they get to with the end of
 * a connection; and there a measurement replaces what is not locked.
 */
static void route_known(struct wire *w, const char *metrics)
{
	struct conn before;

	add_route(w, metrics);
	conn_passive(w, &before, OPTS);
	conn_close(&before);
	rx(&before, "F. seq=1 ack=1");
	tx(&before, "F. seq=1 ack=2");
	rx(&before, ". seq=2 ack=2");
	close(before.listener);
}

/* The SYN-ACK, and no more. */
static void synack(struct wire *w, struct conn *c, const char *want)
{
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1 %s", want);
}

CASE(initcwnd)
{
	add_route(w, "initcwnd 4");
	conn_slow(w, c, OPTS);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 4001, 1000);
	none(c);
}

CASE(initrwnd)
{
	add_route(w, "initrwnd 5");
	synack(w, c, "win=7300");
}

CASE(window)
{
	add_route(w, "window 8000");
	synack(w, c, "win<=8000");
}

CASE(advmss)
{
	add_route(w, "advmss 600");
	synack(w, c, "mss=600");
}

CASE(cwnd_locked)
{
	route_known(w, "cwnd lock 3");
	conn_slow(w, c, OPTS);
	conn_write(c, 20000, 0);
	rx_stream(c, 1, 3001, 1000);
	none(c);
	tx(c, ". ack=3001");
	rx_stream(c, 3001, 6001, 1000);
	none(c);
}

/* A hint only, which kernel TCP does not begin with. */
CASE(cwnd_not_locked)
{
	add_route(w, "cwnd 3");
	conn_slow(w, c, OPTS);
	conn_write(c, 20000, 0);
	rx_stream(c, 1, 10001, 1000);
	none(c);
}

CASE(ssthresh)
{
	sysctl_set(w, "tcp_no_ssthresh_metrics_save", "0");
	route_known(w, "ssthresh lock 12");
	conn_slow(w, c, OPTS);
	CHECK_EQ(w, 12, sock_info(c).snd_ssthresh);
	conn_write(c, 40000, 0);
	rx_stream(c, 1, 10001, 1000);
	/* Slow start ends there. */
	tx(c, ". ack=10001");
	rx_stream(c, 10001, 22001, 1000);
	none(c);
}

CASE(ssthresh_not_by_default)
{
	route_known(w, "ssthresh lock 12");
	conn_slow(w, c, OPTS);
	CHECK_EQ(w, 0x7fffffff, sock_info(c).snd_ssthresh);
}

/* That a SYN was lost is no reason to leave slow start early. */
CASE(ssthresh_after_a_lost_syn)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	rx(c, "S seq=0 t>=%d", 1000 - JIFFY_MS);
	finish_active(c, OPTS);
	CHECK_EQ(w, 0x7fffffff, sock_info(c).snd_ssthresh);
}

CASE(reordering)
{
	route_known(w, "reordering lock 9");
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, 9, tcp_info_of(c).tcpi_reordering);
}

/* The first timeout is that of the route's RTT, not of the handshake's. */
CASE(rtt)
{
	route_known(w, "rtt lock 500ms");
	conn_passive(w, c, OPTS);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<3000", 1500 - JIFFY_MS);
}

/* One that is shorter than what was measured says nothing. */
CASE(rtt_shorter)
{
	route_known(w, "rtt lock 10ms");
	conn_slow(w, c, OPTS);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS);
}

CASE(rto_min)
{
	add_route(w, "rto_min 800ms");
	conn_passive(w, c, OPTS);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<1500", 800 - JIFFY_MS);
}

CASE(rto_min_less)
{
	add_route(w, "rto_min 40ms");
	conn_passive(w, c, OPTS);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<%d", 40 - JIFFY_MS, RTO_MIN_MS);
}

/* Each segment is acknowledged at once, far beyond the start of a connection. */
CASE(quickack)
{
	int i;

	add_route(w, "quickack 1");
	conn_passive(w, c, OPTS);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	for (i = 0; i < 50; i++) {
		tx(c, ". len=100");
		rx(c, ". ack=%d t<20", 101 + 100 * i);
		conn_read(c, i * 100, 100);
	}
}

/* --- what earlier connections have learnt ------------------------------------------ */

/* The user closes, or the peer does first; each ends in a state of its own. */
static void end_by_user(struct conn *c, int from)
{
	conn_close(c);
	rx(c, "F. seq=%d ack=1", from);
	tx(c, "F. seq=1 ack=%d", from + 1);
	rx(c, ". seq=%d ack=2", from + 1);
	close(c->listener);
}

static void end_by_peer(struct conn *c, int from)
{
	tx(c, "F. seq=1 ack=%d", from);
	rx(c, ". seq=%d ack=2", from);
	conn_close(c);
	rx(c, "F. seq=%d ack=2", from);
	tx(c, ". seq=2 ack=%d", from + 1);
	close(c->listener);
}

static void end_by_reset(struct conn *c, int from)
{
	tx(c, "R seq=1");
	close(c->fd);
	close(c->listener);
}

/*
 * A connection that loses a segment, recovers, sends all there is and ends by @end. What
 * it has to teach of the window.
 */
static __u32 lossy(struct wire *w, void (*end)(struct conn *c, int from))
{
	struct conn before, *c = &before;
	struct tcp_info info;

	conn_slow(w, c, OPTS);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	rx(c, ". seq=1 len=1000");
	tx(c, ". ack=10001");
	conn_write(c, 1000, 0);
	rx(c, ". seq=10001 len=1000");
	tx(c, ". ack=11001");
	info = tcp_info_of(c);
	CHECK_EQ(w, 0, info.tcpi_ca_state);
	CHECK(w, info.tcpi_snd_ssthresh < 10);
	end(c, 11001);
	return info.tcpi_snd_cwnd / 2 > info.tcpi_snd_ssthresh ? info.tcpi_snd_cwnd / 2 :
								   info.tcpi_snd_ssthresh;
}

static void save_ssthresh(struct wire *w)
{
	sysctl_set(w, "tcp_no_ssthresh_metrics_save", "0");
}

CASE(learnt_ssthresh)
{
	__u32 learnt;

	save_ssthresh(w);
	learnt = lossy(w, end_by_user);
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, learnt, tcp_info_of(c).tcpi_snd_ssthresh);
}

/* At the end of LAST_ACK, and used by who opens. */
CASE(learnt_ssthresh_last_ack)
{
	__u32 learnt;

	save_ssthresh(w);
	learnt = lossy(w, end_by_peer);
	conn_active(w, c, OPTS);
	CHECK_EQ(w, learnt, tcp_info_of(c).tcpi_snd_ssthresh);
}

CASE(learnt_ssthresh_not_by_default)
{
	lossy(w, end_by_user);
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, 0x7fffffff, tcp_info_of(c).tcpi_snd_ssthresh);
}

CASE(learnt_nothing_by_reset)
{
	save_ssthresh(w);
	lossy(w, end_by_reset);
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, 0x7fffffff, tcp_info_of(c).tcpi_snd_ssthresh);
}

CASE(learnt_nothing_unless_saved)
{
	save_ssthresh(w);
	sysctl_set(w, "tcp_no_metrics_save", "1");
	lossy(w, end_by_user);
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, 0x7fffffff, tcp_info_of(c).tcpi_snd_ssthresh);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<%d", RTO_MIN_MS, SLOW_RTT_MS);
}

/* A connection in which nothing happened leaves it as it was. */
CASE(learnt_ssthresh_stays)
{
	struct conn before;
	__u32 learnt;

	save_ssthresh(w);
	learnt = lossy(w, end_by_user);
	conn_passive(w, &before, OPTS);
	CHECK_EQ(w, learnt, tcp_info_of(&before).tcpi_snd_ssthresh);
	end_by_user(&before, 1);
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, learnt, tcp_info_of(c).tcpi_snd_ssthresh);
}

/* The first timeout follows the RTT of the connection before, if that was longer. */
CASE(learnt_rtt)
{
	struct conn before;

	conn_slow(w, &before, OPTS);
	end_by_user(&before, 1);
	conn_passive(w, c, OPTS);
	CHECK(w, tcp_info_of(c).tcpi_rtt < 1000 * SLOW_RTT_MS / 2);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<3000", SLOW_RTT_MS * 2);
}

/* After a SYN-ACK that was lost nothing is measured: what is known is better than 3 s. */
CASE(learnt_rtt_without_a_sample)
{
	struct conn before;

	conn_slow(w, &before, "mss=1000");
	end_by_user(&before, 1);
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d t<2500", SLOW_RTT_MS * 2);
}

/* The same line by both stacks, but for times. */
CASE(learnt_is_shown)
{
	bool tcpx = w->kind.family != AF_INET && w->kind.family != AF_INET6;
	char command[300];
	__u32 learnt;

	save_ssthresh(w);
	learnt = lossy(w, end_by_user);
	snprintf(command, sizeof(command),
		 "%s | grep -Eq '^%s age [0-9.]+sec ssthresh %u cwnd [0-9]+ rtt [0-9]+us rttvar [0-9]+us source %s *$'",
		 tcpx ? "cat /proc/net/tcpx_metrics" : "ip tcp_metrics show",
		 on_v6(w) ? PEER_ADDR6 : PEER_ADDR, learnt, on_v6(w) ? LOCAL_ADDR6 : LOCAL_ADDR);
	run_command(w, command);
}

CASE(learnt_is_flushed)
{
	bool tcpx = w->kind.family != AF_INET && w->kind.family != AF_INET6;

	save_ssthresh(w);
	lossy(w, end_by_user);
	run_command(w, tcpx ? "echo flush >/proc/net/tcpx_metrics" : "ip tcp_metrics flush all");
	conn_passive(w, c, OPTS);
	CHECK_EQ(w, 0x7fffffff, tcp_info_of(c).tcpi_snd_ssthresh);
}
