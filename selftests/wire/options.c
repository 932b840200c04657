// SPDX-License-Identifier: GPL-2.0
/*
 * TCP options in the header, well made and not: timestamps with PAWS, odd
 * lengths, unknown kinds; and the header fields beside them.
 */
#define WIRE_MAPPED_TOO
#include "fixture.h"

#define TS_OPTS	"mss=1012 sackok ts ws=0"

/* An option field in a SYN, and what the SYN-ACK must make of it. */
struct odd {
	const char *what, *opt, *synack;
};

static void open_with(struct wire *w, const struct odd *odd)
{
	struct conn c;
	int listener = sock_listen(w, PORT, 4);

	trace("--- %s", odd->what);
	conn_init(w, &c);
	c.listener = listener;
	c.lport = PORT;
	tx(&c, "S seq=0 opt=%s", odd->opt);
	rx(&c, "S. seq=0 ack=1 mss=1460 %s", odd->synack);
	tx(&c, "R seq=1");
	close(listener);
}

CASE(odd_options_on_syn)
{
	static const struct odd odd[] = {
		{ "unknown kind", "02040400fd04aabb", "nosackok nots nows" },
		{ "unknown kind before others", "fd06010203040402020405b4",
		  "sackok nots nows" },
		{ "no-operations all over", "010101040201010101", "sackok" },
		{ "end, then a SACK-permitted", "0204040000040200", "nosackok" },
		{ "length 0", "02040400fd000402", "nosackok" },
		{ "length 1", "02040400fd010402", "nosackok" },
		{ "runs over the header", "02040400fd280402", "nosackok" },
		{ "kind without length", "02040400010101fd", "nosackok" },
		{ "MSS of length 3", "0203040402", "sackok" },
		{ "MSS of length 6", "0206040400000402", "sackok" },
		{ "window scale of length 2", "03020402", "nows sackok" },
		{ "window scale of length 4", "030407070402", "nows sackok" },
		{ "SACK-permitted of length 3", "04030003030701",
		  "nosackok ws" },
		{ "timestamps of length 8", "0808000003e800000402",
		  "nots sackok" },
		{ "SACK blocks on a SYN", "050a00000000000000010402",
		  "sackok nosack" },
		{ "options twice", "04020402020403e8020403e8",
		  "sackok" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odd); i++)
		open_with(w, &odd[i]);
}

/* The same field on a segment with data: the data counts. */
CASE(odd_options_on_data)
{
	static const char * const fields[] = {
		"fd04aabb", "fd00", "fd01aabb", "fd28aabb", "010101fd",
		"020405b4", "030307", "0402", "050a00000000000000010101",
		"0502", "0503", "05080000", "080a0000000100000001",
		"00000000", "0101010101010101",
		"fd280000000000000000000000000000000000000000000000000000000000000000000000000000",
	};
	size_t i;

	conn_passive(w, c, NULL);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		tx(c, "P. seq=%zu len=100 opt=%s", 1 + i * 100, fields[i]);
		rx(c, ". seq=1 ack=%zu", 101 + i * 100);
	}
	conn_read(c, 0, 100 * ARRAY_SIZE(fields));
}

/* What a SYN says after the SYN, in a later segment, changes nothing. */
CASE(options_count_on_syn_only)
{
	conn_passive(w, c, "mss=1000");
	tx(c, ". seq=1 len=10 opt=0204006403030e0004020101");
	rx(c, ". seq=1 ack=11");
	conn_write(c, 3000, 0);
	rx_stream(c, 1, 3001, 1000);
	tx(c, ". seq=101 ack=3001 len=10");
	rx(c, ". ack=11 nosack");
}

/* rfc7323#section-4.3: the echo is of the segment that moved the left edge. */
CASE(timestamp_echo)
{
	conn_passive(w, c, TS_OPTS);
	c->tsval = 2000;
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 tsecr=2000");
	c->tsval = 3000;
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=2001 tsecr=3000");
	conn_write(c, 10, 0);
	rx(c, ". ack=2001 len=10 tsecr=3000");
}

/* They take room from the payload, by which buffers are reckoned from the first on. */
CASE(timestamps_take_room)
{
	conn_passive(w, c, TS_OPTS);
	CHECK_EQ(w, 10 * sock_info(c).advmss, sock_info(c).rcv_space);
}

/* A segment ahead of its turn is not echoed until the hole is filled. */
CASE(timestamp_echo_out_of_order)
{
	conn_passive(w, c, TS_OPTS);
	c->tsval = 2000;
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 tsecr=2000");
	c->tsval = 3000;
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=1001 tsecr=2000");
	c->tsval = 4000;
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1001 tsecr=2000");
	c->tsval = 5000;
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=4001 tsecr=5000");
}

/* Data that an ACK has overtaken moves the left edge as any other. */
CASE(timestamp_echo_of_data_with_an_old_ack)
{
	conn_passive(w, c, TS_OPTS);
	conn_write(c, 2000, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, ". seq=1 ack=2001 tsval=2000");
	tx(c, ". seq=1 ack=1001 len=100 tsval=3000");
	rx(c, ". ack=101 tsecr=3000");
}

/* With a delayed ACK the earliest unacknowledged segment is echoed. */
CASE(timestamp_echo_delayed_ack)
{
	conn_passive(w, c, TS_OPTS);
	c->tsval = 2000;
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 tsecr=2000");
	conn_read(c, 0, 1000);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	c->tsval = 3000;
	tx(c, ". seq=1001 len=400");
	c->tsval = 4000;
	tx(c, ". seq=1401 len=400");
	/* Usually one ACK of both; two, if injecting took that long. */
	if (rx(c, ". tsecr=3000")->ack - c->iss == 1401)
		rx(c, ". ack=1801 tsecr=4000");
}

CASE(own_timestamps_grow)
{
	__u32 first, second;

	conn_passive(w, c, TS_OPTS);
	tx(c, ". seq=1 len=10");
	first = rx(c, ". ack=11 ts")->tsval;
	none_for(c, 100);
	tx(c, ". seq=11 len=10");
	second = rx(c, ". ack=21 ts")->tsval;
	CHECK_TIME(w, second - first >= 100 - JIFFY_MS);
	CHECK(w, second - first < 60000);
}

/* The clock starts elsewhere for each peer and says nothing of the uptime. */
CASE(timestamps_differ_between_peers)
{
	__u32 val[4];
	int i, near = 0;

	for (i = 0; i < 4; i++) {
		conn_init(w, c);
		sock_connect(c);
		val[i] = rx(c, "S seq=0 ts")->tsval;
		conn_close(c);
	}
	for (i = 1; i < 4; i++)
		near += val[i] - val[0] + 100000 < 200000;
	/* The offset is keyed by addresses or by ports too, as the kernel. */
	CHECK(w, near == 0 || near == 3);
}

/* A connection that has 100 bytes of a peer whose clock stood at 5000. */
static void conn_at_5000(struct wire *w, struct conn *c)
{
	conn_passive(w, c, TS_OPTS);
	c->tsval = 5000;
	tx(c, ". seq=1 len=100");
	rx(c, ". ack=101 tsecr=5000");
}

/* rfc7323#section-5: too old to be of this connection. */
CASE(paws_drops)
{
	conn_at_5000(w, c);
	tx(c, ". seq=101 len=100 tsval=4000");
	rx(c, ". seq=1 ack=101 tsecr=5000");
	conn_read(c, 0, 100);
	conn_would_block(c);
	tx(c, ". seq=101 len=100 tsval=5000");
	rx(c, ". ack=201");
	conn_read(c, 100, 100);
}

/* An ACK of before is a straggler: newer kernels spare the answer, and count it. */
CASE(paws_old_ack)
{
	bool counted = mib_if_any(w, "PAWSOldAck") >= 0;

	conn_at_5000(w, c);
	tx(c, ". seq=1 tsval=4000");
	if (counted)
		none(c);
	else
		rx(c, ". seq=1 ack=101 tsecr=5000");
	CHECK_EQ(w, counted ? 1 : -1, mib_if_any(w, "PAWSOldAck"));
	CHECK_EQ(w, !counted, mib(w, "PAWSEstab"));
	conn_read(c, 0, 100);
}

/* Nor does it close the window, by when another had opened it again. */
CASE(paws_old_zero_window)
{
	conn_at_5000(w, c);
	tx(c, ". seq=101 ack=1");
	tx(c, ". seq=101 ack=1 win=0 tsval=4990");
	conn_write(c, 500, 0);
	rx(c, "P. seq=1 len=500 t<100 skip");
}

/* The ACK of a handshake with the echo of a time that no SYN-ACK had. */
CASE(tsecr_of_handshake)
{
	bool counted = mib_if_any(w, "TSEcrRejected") >= 0;
	int listener = sock_listen(w, PORT, 4);
	__u32 sent;

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1460 " TS_OPTS);
	sent = rx(c, "S. seq=0 ack=1 ts")->tsval;
	tx(c, ". seq=1 ack=1 tsecr=%u", sent - 1000);
	if (counted) {
		rx(c, ". seq=1 ack=1");
		CHECK_EQ(w, 1, mib_if_any(w, "TSEcrRejected"));
		CHECK(w, !wait_for(listener, POLLIN, QUIET_MS));
		tx(c, ". seq=1 ack=1 tsecr=%u", sent);
	}
	conn_accept(c);
	check_alive(c);
}

/* A SYN is challenged as any is, and nothing else. */
CASE(paws_of_a_syn)
{
	kernel_tcp_since(w, 7, 3);
	conn_at_5000(w, c);
	tx(c, "S seq=5000 mss=1000 ts tsval=4000");
	rx(c, ". seq=1 ack=101 tsecr=5000");
	CHECK_EQ(w, 1, mib(w, "TCPSYNChallenge"));
	CHECK_EQ(w, 1, mib(w, "TCPChallengeACK"));
	CHECK_EQ(w, 0, mib(w, "PAWSEstab"));
}

CASE(paws_drops_fin)
{
	conn_passive(w, c, TS_OPTS);
	tx(c, "F. seq=1 tsval=%u", c->tsval - 500);
	rx(c, ". seq=1 ack=1");
	conn_would_block(c);
}

CASE(paws_does_not_hold_for_rst)
{
	conn_passive(w, c, TS_OPTS);
	tx(c, "R seq=1 ts tsval=%u", c->tsval - 500);
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}

/* Time stamps wrap like sequence numbers. */
CASE(paws_wraps)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->tsval = 0xffffff00;
	handshake(c, TS_OPTS);
	conn_accept(c);
	c->tsval = 0xfffffff0;
	tx(c, ". seq=1 len=100");
	rx(c, ". ack=101 tsecr=%u", c->tsval);
	c->tsval = 16;
	tx(c, ". seq=101 len=100");
	rx(c, ". ack=201 tsecr=16");
	tx(c, ". seq=201 len=100 tsval=%u", 0xfffffff8);
	rx(c, ". ack=201 tsecr=16");
	conn_read(c, 0, 200);
	conn_would_block(c);
}

/* A duplicate that is out of order in time does not move the echo back. */
CASE(old_duplicate_keeps_echo)
{
	conn_passive(w, c, TS_OPTS);
	c->tsval = 2000;
	tx(c, ". seq=1 len=100");
	rx(c, ". ack=101 tsecr=2000");
	c->tsval = 3000;
	tx(c, ". seq=101 len=100");
	rx(c, ". ack=201 tsecr=3000");
	tx(c, ". seq=1 len=100 tsval=2000");
	rx(c, ". ack=201 tsecr=3000");
}

/* The peer never offered them: what it sends later is not one. */
CASE(timestamps_not_negotiated)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=100 ts tsval=77");
	rx(c, ". ack=101 nots");
	conn_write(c, 10, 0);
	rx(c, ". seq=1 len=10 nots");
}

CASE(maxseg_limits_both)
{
	int listener = sock_open(w);

	sock_bind(w, listener, PORT);
	sock_set(w, listener, IPPROTO_TCP, TCP_MAXSEG, 700);
	CHECK_EQ(w, 0, listen(listener, 4));
	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1 mss=700");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 2100, 0);
	rx_stream(c, 1, 2101, 700);
}

CASE(maxseg_on_connect)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_MAXSEG, 600);
	sock_connect(c);
	rx(c, "S seq=0 mss=600");
	finish_active(c, "mss=1460");
	conn_write(c, 1200, 0);
	rx_stream(c, 1, 1201, 600);
}

/* The IP header, by the options of either version. */
static void set_ttl(struct wire *w, int fd, int value)
{
	if (on_v6(w))
		sock_set(w, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
	else
		sock_set(w, fd, IPPROTO_IP, IP_TTL, value);
}

static void set_tos(struct wire *w, int fd, int value)
{
	if (on_v6(w))
		sock_set(w, fd, IPPROTO_IPV6, IPV6_TCLASS, value);
	else
		sock_set(w, fd, IPPROTO_IP, IP_TOS, value);
}

static void set_min_ttl(struct wire *w, int fd, int value)
{
	if (on_v6(w))
		sock_set(w, fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, value);
	else
		sock_set(w, fd, IPPROTO_IP, IP_MINTTL, value);
}

CASE(ip_ttl)
{
	conn_passive(w, c, NULL);
	set_ttl(w, c->fd, 17);
	conn_write(c, 10, 0);
	rx(c, ". len=10 ttl=17");
	tx(c, ". len=10 ack=11");
	rx(c, ". ack=11 ttl=17");
}

CASE(ip_ttl_on_connect)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	set_ttl(w, c->fd, 33);
	sock_connect(c);
	rx(c, "S seq=0 ttl=33");
}

CASE(ip_tos)
{
	conn_passive(w, c, NULL);
	set_tos(w, c->fd, 0x10);
	conn_write(c, 10, 0);
	rx(c, ". len=10 tos=0x10");
}

CASE(ip_tos_on_connect)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	/* The ECN bits are TCP's own, not the user's. */
	set_tos(w, c->fd, 0x28 | 3);
	sock_connect(c);
	rx(c, "S seq=0 tos=0x28");
}

/* rfc5082: packets from too far away are not the neighbour's. */
CASE(ip_minttl)
{
	conn_passive(w, c, NULL);
	set_min_ttl(w, c->fd, 255);
	tx(c, ". seq=1 len=10 ttl=254");
	none(c);
	conn_would_block(c);
	tx(c, "R seq=1 ttl=64");
	none(c);
	tx(c, ". seq=1 len=10 ttl=255");
	rx(c, ". ack=11");
	conn_read(c, 0, 10);
}
