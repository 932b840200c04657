// SPDX-License-Identifier: GPL-2.0
/*
 * Explicit Congestion Notification, rfc3168: who asks for it, what is marked, how a
 * mark comes back and what it does.
 */
#include <linux/inet_diag.h>
#include "fixture.h"

#define ECT_0	"tos=2"
#define CE	"tos=3"
#define NOT_ECT	"tos=0"

static void listening(struct wire *w, struct conn *c)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
}

static void open_passive(struct wire *w, struct conn *c)
{
	listening(w, c);
	tx(c, "SEW seq=0 mss=1000 sackok ws=0");
	rx(c, "SE. seq=0 ack=1 " NOT_ECT);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
}

static void open_active(struct wire *w, struct conn *c)
{
	sysctl_set(w, "tcp_ecn", "1");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEW seq=0 " NOT_ECT);
	tx(c, "SE. seq=0 ack=1 mss=1000 sackok ws=0");
	rx(c, ". seq=1 ack=1 " NOT_ECT);
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
}

/* ---- the handshake ---- */

/* rfc3168#section-6.1.1: what a listener answers, and what it means for its data. */
CASE(passive)
{
	static const struct {
		const char *mode, *syn, *tos, *synack;
	} cases[] = {
		{ "2", "SEW", NOT_ECT, "SE." },
		{ "1", "SEW", NOT_ECT, "SE." },
		{ "0", "SEW", NOT_ECT, "S." },
		{ "1", "S", NOT_ECT, "S." },
		{ "1", "SE", NOT_ECT, "S." },
		{ "1", "SW", NOT_ECT, "S." },
		/* A SYN is not ECN-capable: its IP header was changed on the way... */
		{ "1", "SEW", ECT_0, "S." },
		{ "1", "SEW", "tos=1", "S." },
		{ "1", "SEW", CE, "S." },
		/* ...unless it is of an extension: rfc8311#section-4.3 */
		{ "1", "SEWA", ECT_0, "SE." },
		{ "1", "SEWA", NOT_ECT, "SE." },
	};
	size_t i;

	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ecn = !strcmp(cases[i].synack, "SE.");
		struct conn one;

		conn_init(w, &one);
		one.listener = c->listener;
		one.lport = PORT;
		sysctl_set(w, "tcp_ecn", cases[i].mode);
		tx(&one, "%s seq=0 mss=1000 %s", cases[i].syn, cases[i].tos);
		rx(&one, "%s seq=0 ack=1 " NOT_ECT, cases[i].synack);
		tx(&one, ". seq=1 ack=1");
		conn_accept(&one);
		CHECK_EQ(w, ecn, sock_info(&one).ecn);
		conn_write(&one, 10, 0);
		rx(&one, "P. seq=1 len=10 tos=%d", ecn ? 2 : 0);
		close(one.fd);
	}
}

CASE(active)
{
	static const struct {
		const char *mode, *syn, *synack;
		bool ecn;
	} cases[] = {
		{ "1", "SEW", "SE.", true },
		{ "1", "SEW", "S.", false },
		/* This peer only echoes bits. */
		{ "1", "SEW", "SEW.", false },
		{ "1", "SEW", "SW.", false },
		{ "2", "S", "S.", false },
		{ "2", "S", "SE.", false },
		{ "0", "S", "SE.", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sysctl_set(w, "tcp_ecn", cases[i].mode);
		conn_init(w, c);
		sock_connect(c);
		rx(c, "%s seq=0 " NOT_ECT, cases[i].syn);
		tx(c, "%s seq=0 ack=1 mss=1000", cases[i].synack);
		rx(c, ". seq=1 ack=1 " NOT_ECT);
		conn_write(c, 10, 0);
		rx(c, "P. seq=1 len=10 tos=%d", cases[i].ecn ? 2 : 0);
		CHECK_EQ(w, cases[i].ecn, sock_info(c).ecn);
		close(c->fd);
	}
}

/* rfc3168#section-6.1.1.1: who drops such SYNs must not keep us out. */
CASE(fallback)
{
	sysctl_set(w, "tcp_ecn", "1");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEW seq=0");
	rx(c, "S seq=0");
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, ". seq=1 ack=1");
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " NOT_ECT);
}

CASE(no_fallback)
{
	sysctl_set(w, "tcp_ecn", "1");
	sysctl_set(w, "tcp_ecn_fallback", "0");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEW seq=0");
	rx(c, "SEW seq=0");
}

/* Repeated, the SYN-ACK still says it. */
CASE(synack_again)
{
	listening(w, c);
	tx(c, "SEW seq=0 mss=1000");
	rx(c, "SE. seq=0 ack=1");
	rx(c, "SE. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " ECT_0);
}

CASE(simultaneous_open)
{
	sysctl_set(w, "tcp_ecn", "1");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEW seq=0");
	tx(c, "SEW seq=0 mss=1000");
	rx(c, "SE. seq=0 ack=1");
	tx(c, "SE. seq=0 ack=1");
	rx(c, ". seq=1 ack=1");
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " ECT_0);
}

/* A cookie has it in the timestamp, if there is one. */
CASE(cookie)
{
	static const struct {
		const char *opts, *synack;
	} cases[] = {
		{ "mss=1000 sackok ts", "SE." },
		{ "mss=1000 sackok", "S." },
	};
	size_t i;

	sysctl_set(w, "tcp_syncookies", "2");
	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ecn = !strcmp(cases[i].synack, "SE.");
		struct conn one;

		conn_init(w, &one);
		one.listener = c->listener;
		one.lport = PORT;
		tx(&one, "SEW seq=0 %s", cases[i].opts);
		rx(&one, "%s seq=0 ack=1", cases[i].synack);
		tx(&one, ". seq=1 ack=1");
		conn_accept(&one);
		CHECK_EQ(w, ecn, sock_info(&one).ecn);
		conn_write(&one, 10, 0);
		rx(&one, "P. seq=1 len=10 tos=%d", ecn ? 2 : 0);
		close(one.fd);
	}
}

/* A route may want it where the host does not. */
CASE(route_feature)
{
	sysctl_set(w, "tcp_ecn", "0");
	run_command(w, on_v6(w) ?
		    "ip route add " PEER_ADDR6 "/128 dev tun0 features ecn" :
		    "ip route add " PEER_ADDR "/32 dev tun0 features ecn");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEW seq=0");
	tx(c, "SE. seq=0 ack=1 mss=1000");
	rx(c, ". seq=1 ack=1");
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " ECT_0);
	close(c->fd);

	listening(w, c);
	tx(c, "SEW seq=0 mss=1000");
	rx(c, "SE. seq=0 ack=1");
}

/* ---- the receiver ---- */

/* rfc3168#section-6.1.3: ECE from the mark on, until CWR. */
CASE(mark_is_echoed_until_cwr)
{
	open_passive(w, c);
	CHECK(w, !sock_info(c).ecn_seen);
	tx(c, "P. len=1000 " CE);
	rx(c, "E. ack=1001 " NOT_ECT);
	CHECK(w, sock_info(c).ecn_seen);
	/* Acknowledged at once: the peer may be down to one segment. */
	tx(c, "P. len=1000 " ECT_0);
	rx(c, "E. ack=2001 t<20");
	tx(c, "P. len=1000 " ECT_0);
	rx(c, "E. ack=3001");
	/* Data carries it as well. */
	conn_write(c, 10, 0);
	rx(c, "PE. seq=1 len=10 " ECT_0);
	tx(c, ". ack=11");

	tx(c, "PW. len=1000 " ECT_0);
	rx(c, ". ack=4001 t<20");
	tx(c, "P. len=1000 " ECT_0);
	rx(c, ". ack=5001");
	/* A mark on the segment that says CWR is a new one. */
	tx(c, "PW. len=1000 " CE);
	rx(c, "E. ack=6001");
}

/* Beyond a hole a mark counts as well. */
CASE(mark_out_of_order)
{
	open_passive(w, c);
	tx(c, "P. seq=1001 len=1000 " CE);
	rx(c, "E. ack=1 sack=1001:2001");
	tx(c, "P. seq=1 len=1000 " NOT_ECT);
	rx(c, "E. ack=2001");
}

/* Without ECN, marks mean nothing. */
CASE(mark_without_ecn)
{
	conn_passive(w, c, NULL);
	tx(c, "P. len=1000 " CE);
	rx(c, ". ack=1001");
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " NOT_ECT);
	tx(c, "E. ack=11");
	CHECK_EQ(w, 0, sock_info(c).delivered_ce);
}

/* ---- the sender ---- */

/* rfc3168#section-6.1.2: one reduction a window, told once by CWR. */
CASE(echo_reduces_window)
{
	open_passive(w, c);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	tx(c, "E. ack=1001");
	CHECK_EQ(w, 1, sock_info(c).delivered_ce);
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
	CHECK_EQ(w, 2 /* CWR */, sock_info(c).ca_state);
	/* The same window: no second reduction. */
	tx(c, "E. ack=4001");
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
	tx(c, ". ack=10001");
	CHECK_EQ(w, 4, sock_info(c).delivered_ce);

	conn_write(c, 3000, 0);
	rx(c, "W. seq=10001 len=1000 " ECT_0);
	rx(c, ". seq=11001 len=1000 " ECT_0);
	rx(c, "P. seq=12001 len=1000 " ECT_0);
	/* The next window: reduced again. */
	tx(c, "E. ack=13001");
	CHECK_EQ(w, 7, sock_info(c).delivered_ce);
	CHECK(w, sock_info(c).snd_ssthresh < 7);
	conn_write(c, 10, 0);
	rx(c, "PW. seq=13001 len=10 " ECT_0);
}

/*
 * DCTCP's window ends with the ACK of its last segment, whose marks are of it: alpha begins
 * with 1024, and had they come too late for the first window it would be 960 then.
 */
CASE(dctcp_counts_the_last_ack_of_a_window)
{
	union tcp_cc_info info;
	socklen_t len = sizeof(info);

	open_passive(w, c);
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "dctcp", 5));
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	tx(c, "E. ack=10001");
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_CC_INFO, &info, &len));
	CHECK_EQ(w, 1024, info.dctcp.dctcp_alpha);
	CHECK_EQ(w, 5, sock_info(c).snd_ssthresh);
}

/* rfc3168#section-6.1.5: what is sent again is not ECN-capable; after a loss, too,
 * the window was reduced, and new data says so.
 */
CASE(retransmission_is_not_ect)
{
	open_passive(w, c);
	conn_write(c, 5000, 0);
	rx_stream(c, 1, 5001, 1000);
	tx(c, ". ack=1 sack=1001:5001");
	rx(c, ". seq=1 len=1000 " NOT_ECT);
	tx(c, ". ack=5001");
	conn_write(c, 10, 0);
	rx(c, "PW. seq=5001 len=10 " ECT_0);
}

CASE(timeout_is_not_ect)
{
	open_passive(w, c);
	conn_write(c, 10, 0);
	rx(c, "P. seq=1 len=10 " ECT_0);
	rx(c, "P. seq=1 len=10 " NOT_ECT);
	tx(c, ". ack=11");
	conn_write(c, 10, 0);
	rx(c, "PW. seq=11 len=10 " ECT_0);
}

/* rfc3168#section-6.1.4 and 6.1.6: neither ACKs nor window probes. */
CASE(pure_ack_is_not_ect)
{
	open_active(w, c);
	conn_write(c, 1000, 0);
	rx(c, "P. seq=1 len=1000 " ECT_0);
	tx(c, "P. len=1000 ack=1001 " ECT_0);
	rx(c, ". ack=1001 " NOT_ECT);
	conn_close(c);
	rx(c, "R. seq=1001 " NOT_ECT);
}

/* Nor what answers a segment that may be of nobody's connection: its other bits of TOS are
 * kept, not that it could be marked, or is.
 */
CASE(answers_to_strays_are_not_ect)
{
	kernel_tcp_since(w, 7, 3);
	/* A port that is closed, */
	conn_init(w, c);
	c->lport = PORT;
	tx(c, ". seq=1 ack=1000 tos=43");
	rx(c, "R seq=1000 tos=40");
	/* a connection that is half open, */
	listening(w, c);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=100000 ack=1 len=10 tos=42");
	rx(c, ". seq=1 ack=1 tos=40");
	tx(c, "R seq=1");
	close(c->listener);
	/* and one that is closed. */
	open_passive(w, c);
	conn_write(c, 100, MSG_MORE);
	conn_close(c);
	rx(c, "F. seq=1 ack=1 len=100 " ECT_0);
	tx(c, ". seq=1 ack=102");
	tx(c, "F. seq=1 ack=102");
	rx(c, ". seq=102 ack=2");
	tx(c, ". seq=1 ack=102 len=1 " CE);
	rx(c, ". seq=102 ack=2 " NOT_ECT);
}
