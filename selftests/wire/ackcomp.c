// SPDX-License-Identifier: GPL-2.0
/*
 * One ACK for several segments out of order (tcp_comp_sack_*): after the first three
 * duplicate ACKs, which start the peer's recovery, its SACK blocks say it all.
 */
#include "fixture.h"

#define RTT_MS	500
#define NEXT	2001	/* what the peer sends next: all before it is in order */

static __u32 echo;

/*
 * A connection whose RTT is known to both. An ACK may wait five per cent of it (newer
 * kernels: tcp_comp_sack_rtt_percent), if the test lets it.
 */
static void slow_path(struct wire *w, struct conn *c, const char *nr)
{
	sysctl_try("net/ipv4/tcp_comp_sack_rtt_percent", "5");
	sysctl_set(w, "tcp_comp_sack_delay_ns", "1000000000");
	sysctl_set(w, "tcp_comp_sack_slack_ns", "0");
	sysctl_set(w, "tcp_comp_sack_nr", nr);
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1012 sackok ts ws=7");
	rx(c, "S. seq=0 ack=1");
	none_for(c, RTT_MS);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 1000, 0);
	echo = rx(c, ". seq=1 len=1000 ts")->tsval;
	none_for(c, RTT_MS);
	c->tsval += 2 * RTT_MS;
	tx(c, ". seq=1 ack=1001 len=1000");
	tx(c, ". seq=1001 ack=1001 len=1000");
	rx(c, ". ack=2001 skip");
	/* No more of the first quick ACKs. */
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
}

/* With an old timestamp, lest the RTT look shorter. */
static void beyond(struct conn *c, int from, int to)
{
	int i;

	for (i = from; i < to; i++)
		tx(c, ". seq=%d ack=1001 len=1000 tsecr=%u", NEXT + 1000 * i, echo);
}

/* The three that start the peer's recovery. */
static void three(struct conn *c)
{
	int i;

	for (i = 1; i <= 3; i++) {
		beyond(c, i, i + 1);
		rx(c, ". ack=%d sack=%d:%d t<4", NEXT, NEXT + 1000, NEXT + 1000 * (i + 1));
	}
}

CASE(three_go_at_once)
{
	slow_path(w, c, "44");
	three(c);
	beyond(c, 4, 10);
	rx(c, ". ack=%d sack=%d:%d t>=5 t<200", NEXT, NEXT + 1000, NEXT + 10000);
	none(c);
	CHECK_EQ(w, 5, mib(w, "TCPAckCompressed"));
}

/* Filling the hole ends the waiting: the ACK of it says the same and more. */
CASE(filled_hole_is_told_at_once)
{
	slow_path(w, c, "44");
	three(c);
	beyond(c, 4, 6);
	beyond(c, 0, 1);
	rx(c, ". ack=%d nosack t<4", NEXT + 6000);
	none(c);
	CHECK_EQ(w, 2, mib(w, "TCPAckCompressed"));
}

/* A third block: two are all that is sure to fit, so what waits goes first. */
CASE(third_block_is_told_at_once)
{
	slow_path(w, c, "44");
	three(c);
	beyond(c, 5, 6);
	beyond(c, 7, 8);
	rx(c, ". ack=%d sack=7001:8001,3001:6001 t<4", NEXT);
	none(c);
	CHECK_EQ(w, 0, mib(w, "TCPAckCompressed"));
}

/* As many as tcp_comp_sack_nr, then one is sent. */
CASE(limited_number)
{
	slow_path(w, c, "2");
	three(c);
	beyond(c, 4, 7);
	rx(c, ". ack=%d sack=%d:%d t<4", NEXT, NEXT + 1000, NEXT + 7000);
	none(c);
	CHECK_EQ(w, 2, mib(w, "TCPAckCompressed"));
}

CASE(switched_off)
{
	int i;

	slow_path(w, c, "0");
	for (i = 1; i <= 8; i++) {
		beyond(c, i, i + 1);
		rx(c, ". ack=%d sack=%d:%d", NEXT, NEXT + 1000, NEXT + 1000 * (i + 1));
	}
	CHECK_EQ(w, 0, mib(w, "TCPAckCompressed"));
}

/* Without SACK each duplicate ACK counts. */
CASE(not_without_sack)
{
	int i;

	sysctl_set(w, "tcp_sack", "0");
	conn_passive(w, c, "mss=1000");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	for (i = 1; i <= 8; i++) {
		tx(c, ". seq=%d len=1000", 1 + 1000 * i);
		rx(c, ". ack=1");
	}
	CHECK_EQ(w, 0, mib(w, "TCPAckCompressed"));
}
