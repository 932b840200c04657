// SPDX-License-Identifier: GPL-2.0
/*
 * What a route says of the path: the metrics of ip route(8).
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

static struct tcp_info info_of(struct conn *c)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info;
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
	CHECK_EQ(w, 9, info_of(c).tcpi_reordering);
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
