// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU discovery by packetization layer, rfc4821: tcp_mtu_probing.
 */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include "fixture.h"

/*
 * Probing from the start. The peer's MSS is 1460, segments begin at tcp_base_mss. With
 * timestamps off, a segment of 512 and an MTU of 1500 give a first probe of (1500 + 552)
 * / 2, 1026 bytes, or 986 of payload.
 */
#define BASE	512
#define PROBE	986

static void probing(struct wire *w, const char *mode)
{
	sysctl_set(w, "tcp_mtu_probing", mode);
	sysctl_set(w, "tcp_base_mss", "512");
	sysctl_set(w, "tcp_timestamps", "0");
}

/* Passive, and enough written for a probe with what must follow it. */
static void with_data(struct wire *w, struct conn *c, int bytes)
{
	conn_active(w, c, "mss=1460 sackok ws=7");
	conn_write(c, bytes, 0);
}

/* Acknowledge in steps until the congestion window admits a probe; its place. */
static __u32 rx_probe(struct conn *c, int size)
{
	__u32 acked = c->rcv_nxt;
	struct seg *s;

	for (;;) {
		s = wire_next(c, DEADLINE_MS);
		CHECK(c->w, s);
		if (s->len == size)
			return s->seq - c->irs;
		CHECK(c->w, s->len <= BASE);
		if (c->rcv_nxt - acked >= 2 * BASE) {
			acked = c->rcv_nxt;
			tx(c, ". ack=%u", acked);
		}
	}
}

CASE(larger_is_tried)
{
	__u32 at;

	probing(w, "2");
	with_data(w, c, 60000);
	at = rx_probe(c, PROBE);
	/* It arrives: from now on segments have its size. */
	tx(c, ". ack=%u", at + PROBE);
	CHECK_EQ(w, 1, mib(w, "TCPMTUPSuccess"));
	rx(c, ". seq>=%u len=%d skip", at + PROBE, PROBE);
	CHECK_EQ(w, 0, mib(w, "TCPMTUPFail"));
}

CASE(larger_is_lost)
{
	__u32 at, next;
	int i;

	probing(w, "2");
	with_data(w, c, 60000);
	at = rx_probe(c, PROBE);
	next = at + PROBE;
	tx(c, ". ack=%u", at);
	/* All that follows it arrives. */
	for (i = 1; i <= 3; i++) {
		rx(c, ". seq=%u len=%d skip", next + (i - 1) * BASE, BASE);
		tx(c, ". ack=%u sack=%u:%u", at, next, next + i * BASE);
	}
	/* Sent again in what passes. */
	rx(c, ". seq=%u len=%d skip", at, BASE);
	CHECK_EQ(w, 1, mib(w, "TCPMTUPFail"));
	CHECK_EQ(w, 0, mib(w, "TCPMTUPSuccess"));
}

/* A probe that is retransmitted is cut, and its acknowledgment says nothing of its size. */
CASE(retransmitted_says_nothing)
{
	__u32 at;

	probing(w, "2");
	with_data(w, c, 60000);
	at = rx_probe(c, PROBE);
	tx(c, ". ack=%u", at);
	/* The timeout: with all that follows it, it was lost. */
	rx(c, ". seq=%u len=%d skip", at, BASE);
	tx(c, ". ack=%u", at + PROBE);
	CHECK_EQ(w, 0, mib(w, "TCPMTUPSuccess"));
	rx(c, ". seq=%u len=%d skip", at + PROBE, BASE);
}

CASE(not_by_default)
{
	int i;

	with_data(w, c, 30000);
	for (i = 0; i < 10; i++)
		rx(c, ". seq=%d len=1460", 1 + 1460 * i);
}

/* The range is too small to be worth it. */
CASE(threshold)
{
	int i;

	probing(w, "2");
	sysctl_set(w, "tcp_probe_threshold", "1000");
	with_data(w, c, 20000);
	for (i = 0; i < 10; i++)
		rx(c, ". seq=%d len=%d", 1 + BASE * i, BASE);
	tx(c, ". ack=%d", 1 + BASE * 10);
	for (; i < 20; i++)
		rx(c, ". seq=%d len=%d", 1 + BASE * i, BASE);
}

/* rfc4821#section-7.7: segments that are not answered get shorter. */
CASE(black_hole)
{
	int len = 1460, i;

	probing(w, "1");
	sysctl_set(w, "tcp_retries1", "1");
	sysctl_set(w, "tcp_mtu_probe_floor", "128");
	conn_active(w, c, "mss=1460 sackok ws=7");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	for (i = 0; i < 5; i++) {
		rx(c, ". seq=1 len<=%d t>=%d", len, RTO_MIN_MS);
		len = c->seg.len;
	}
	CHECK(w, len >= 128 && len <= 256);
	tx(c, ". ack=%d", 1 + len);
	rx(c, ". seq=%d len>0", 1 + len);
}

CASE(black_hole_not_by_default)
{
	int i;

	sysctl_set(w, "tcp_retries1", "1");
	conn_active(w, c, "mss=1460 sackok ws=7");
	conn_write(c, 1460, 0);
	for (i = 0; i < 5; i++)
		rx(c, ". seq=1 len=1460");
}

/* TCP_MAXSEG bounds both what we send and what we ask for. */
CASE(maxseg_of_listener)
{
	int fd = sock_listen(w, PORT, 16);

	sock_set(w, fd, IPPROTO_TCP, TCP_MAXSEG, 700);
	conn_init(w, c);
	c->listener = fd;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1460 sackok ws=0");
	rx(c, "S. seq=0 ack=1 mss=700");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 2100, 0);
	rx_stream(c, 1, 2101, 700);
}

CASE(maxseg_of_client)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_MAXSEG, 700);
	sock_connect(c);
	rx(c, "S seq=0 mss=700");
	finish_active(c, "mss=1460 sackok ws=0");
	conn_write(c, 2100, 0);
	rx_stream(c, 1, 2101, 700);
}

/*
 * IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, and what ICMP's "fragmentation needed" or
 * ICMPv6's "packet too big" does: shorter segments at once, or only with the next
 * timeout, when the route has it. Nobody on the way splits a packet of IPv6, so there
 * a mode either heeds the message or does not.
 */
static void discover(struct wire *w, struct conn *c, int mode, bool df, bool at_once)
{
	const struct icmp_error too_big = {
		.type = on_v6(w) ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH,
		.code = on_v6(w) ? 0 : ICMP_FRAG_NEEDED,
		.mtu = 1300 + ip_hlen(w, NULL),
	};

	conn_active(w, c, "mss=1460 sackok ws=0");
	if (on_v6(w))
		sock_set(w, c->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode);
	else
		sock_set(w, c->fd, IPPROTO_IP, IP_MTU_DISCOVER, mode);
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460 df=%d", df || on_v6(w));
	wire_icmp(c, &too_big, 1, 8);
	rx(c, ". seq=1 len=%d %s%d", at_once || !on_v6(w) ? 1280 : 1460,
	   at_once ? "t<" : "t>=", RTO_MIN_MS);
}

CASE(discover_want)
{
	discover(w, c, IP_PMTUDISC_WANT, true, true);
}

CASE(discover_do)
{
	discover(w, c, IP_PMTUDISC_DO, true, true);
}

CASE(discover_dont)
{
	discover(w, c, IP_PMTUDISC_DONT, false, on_v6(w));
}

CASE(discover_probe)
{
	discover(w, c, IP_PMTUDISC_PROBE, false, true);
}

CASE(discover_interface)
{
	discover(w, c, IP_PMTUDISC_INTERFACE, false, false);
}

CASE(discover_omit)
{
	discover(w, c, IP_PMTUDISC_OMIT, false, false);
}
