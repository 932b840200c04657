// SPDX-License-Identifier: GPL-2.0
/*
 * The active open: the SYN, the answers to it, and simultaneous open.
 */
#define WIRE_MAPPED_TOO
#include "fixture.h"

static void connecting(struct wire *w, struct conn *c)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0 skip");
}

CASE(syn_contents)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0 ack=0 mss=1460 sackok ts tsecr=0 ws>0 win>=1460 df=1 ttl=64 tos=0");
}

CASE(syn_obeys_sysctls)
{
	static const struct {
		const char *name, *syn;
	} cases[] = {
		{ "tcp_timestamps", "nots sackok ws" },
		{ "tcp_sack", "ts nosackok ws" },
		{ "tcp_window_scaling", "ts sackok nows" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sysctl_set(w, cases[i].name, "0");
		conn_init(w, c);
		sock_connect(c);
		rx(c, "S seq=0 mss=1460 %s", cases[i].syn);
		conn_close(c);
		sysctl_set(w, cases[i].name, "1");
	}
}

CASE(three_way)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=1 win=64240 mss=1460 sackok ts ws=7 tsval=55");
	rx(c, ". seq=1 ack=1 ts tsecr=55 nosack");
	none(c);
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	CHECK_EQ(w, 0, sock_error(c->fd));
	check_alive(c);
}

/* Only what both sides offered is used afterwards. */
CASE(synack_options)
{
	const struct {
		const char *synack;
		int mss;
		bool sack;
	} cases[] = {
		{ "", default_mss(w), false },
		{ "mss=1000", 1000, false },
		{ "mss=1000 sackok", 1000, true },
		{ "mss=1012 ts", 1000, false },
		{ "mss=1012 ts sackok ws=4", 1000, true },
		{ "mss=9000", 1460, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		connecting(w, c);
		tx(c, "S. seq=0 ack=1 %s", cases[i].synack);
		rx(c, ". seq=1 ack=1");
		CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
		conn_write(c, 3000, 0);
		rx_stream(c, 1, 3001, cases[i].mss);
		tx(c, ". ack=3001");
		tx(c, ". seq=101 len=100 ack=3001");
		if (cases[i].sack)
			rx(c, ". ack=1 sack=101:201");
		else
			rx(c, ". ack=1 nosack");
		conn_close(c);
	}
}

/* The window of a SYN-ACK is never scaled, later ones are. */
CASE(peer_window_scale)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=1 win=2000 mss=1000 ws=2");
	rx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 2001, 1000);
	none(c);
	tx(c, ". ack=2001 win=1000");
	rx_stream(c, 2001, 6001, 1000);
	none(c);
}

/* Without our scale the peer must not scale, and neither must the socket. */
CASE(no_scale_without_both)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=1 win=65535 mss=1000");
	rx(c, ". seq=1 ack=1 win>=1460");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	tx(c, ". len=10 win=2000");
	rx(c, ". ack=11 win>=1460");
	conn_write(c, 4000, 0);
	rx_stream(c, 1, 2001, 1000);
	none(c);
}

CASE(synack_with_bad_ack)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=0 mss=1000");
	rx(c, "R seq=0 skip");
	tx(c, "S. seq=0 ack=2 mss=1000");
	rx(c, "R seq=2 skip");
	/* The SYN may be repeated early after such an answer. */
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, ". seq=1 ack=1 skip");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
}

/* rfc7323: an echo of a time never sent is no answer to this SYN. */
CASE(synack_with_bad_echo)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=1 mss=1000 ts tsecr=%u", c->ts_recent + 100000);
	rx(c, "R seq=1 skip");
	tx(c, "S. seq=0 ack=1 mss=1000 ts tsecr=%u", c->ts_recent);
	rx(c, ". seq=1 ack=1 ts skip");
}

CASE(refused)
{
	connecting(w, c);
	tx(c, "R. seq=0 ack=1");
	CHECK_EQ(w, ECONNREFUSED, wait_error(c));
	none(c);
}

CASE(blind_rst_ignored)
{
	static const char * const rsts[] = {
		"R seq=0", "R seq=1", "R. seq=0 ack=0", "R. seq=0 ack=2",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rsts); i++) {
		connecting(w, c);
		tx(c, "%s", rsts[i]);
		CHECK(w, !wait_for(c->fd, POLLOUT, 0));
		tx(c, "S. seq=0 ack=1 mss=1000");
		rx(c, ". seq=1 ack=1 skip");
		conn_close(c);
	}
}

/* Neither SYN nor RST: not for this state. */
CASE(no_syn_ignored)
{
	static const char * const segments[] = {
		". seq=1 ack=1", "P. seq=1 ack=1 len=10", "F. seq=1 ack=1",
		"F seq=1", "- seq=1", "FPU seq=1",
	};
	size_t i;

	connecting(w, c);
	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		tx(c, "%s", segments[i]);
		none(c);
	}
	CHECK(w, !wait_for(c->fd, POLLOUT, 0));
	finish_active(c, NULL);
	check_alive(c);
}

CASE(bad_ack_without_syn)
{
	connecting(w, c);
	tx(c, ". seq=1 ack=5");
	rx(c, "R seq=5 skip");
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, ". seq=1 ack=1 skip");
}

/* rfc9293#section-3.5, figure 8. */
CASE(simultaneous_open)
{
	connecting(w, c);
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1 mss=1460 sackok ws");
	tx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	CHECK_EQ(w, 0, sock_error(c->fd));
	conn_write(c, 500, 0);
	rx(c, ". seq=1 ack=1 len=500");
	tx(c, ". ack=501");
	check_alive(c);
}

/* The MSS of its SYN-ACK is that of its SYN, with timestamps, too. */
CASE(simultaneous_open_with_timestamps)
{
	connecting(w, c);
	tx(c, "S seq=0 mss=1000 ts ws=0");
	rx(c, "S. seq=0 ack=1 mss=1460 ts ws");
	tx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	CHECK_EQ(w, 1448, tcp_info_of(c).tcpi_advmss);
	conn_write(c, 988, 0);
	rx(c, "P. seq=1 ack=1 len=988 ts");
}

/*
 * The peer answers our SYN with a SYN-ACK of its own. Newer kernels take it as
 * the end of the handshake, older ones answer with a challenge ACK and end it
 * with the ACK after that.
 */
CASE(simultaneous_open_crossing_synacks)
{
	connecting(w, c);
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0");
	rx(c, ". seq=1 ack=1");
	tx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	check_alive(c);
}

CASE(simultaneous_open_then_rst)
{
	connecting(w, c);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	tx(c, "R seq=1");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
	check_gone(c);
}

CASE(close_while_connecting)
{
	connecting(w, c);
	conn_close(c);
	none(c);
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, "R seq=1");
}

CASE(bound_port_is_used)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	sock_bind(w, c->fd, 5555);
	sock_connect(c);
	rx(c, "S seq=0");
	CHECK_EQ(w, 5555, c->lport);
	finish_active(c, NULL);
}

CASE(repeated_synack)
{
	conn_active(w, c, NULL);
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0");
	rx(c, ". seq=1 ack=1");
	check_alive(c);
}

CASE(isn_unpredictable)
{
	__u32 isn[8];
	int i, j, near = 0;

	for (i = 0; i < 8; i++) {
		conn_init(w, c);
		sock_connect(c);
		isn[i] = rx(c, "S seq=0")->seq;
		conn_close(c);
	}
	for (i = 0; i < 8; i++)
		for (j = 0; j < i; j++)
			near += isn[i] - isn[j] + (1 << 24) < 2 << 24;
	CHECK(w, near <= 4);
}

/* rfc6528 again, from the side that opens. */
CASE(isn_of_same_pair_grows)
{
	__u32 isn[3];
	int i;

	conn_init(w, c);
	for (i = 0; i < 3; i++) {
		c->fd = sock_open(w);
		sock_bind(w, c->fd, 5555);
		sock_connect(c);
		isn[i] = rx(c, "S seq=0")->seq;
		tx(c, "R. seq=0 ack=1");
		CHECK_EQ(w, ECONNREFUSED, wait_error(c));
		conn_close(c);
	}
	CHECK(w, isn[1] - isn[0] - 1 < 1u << 31);
	CHECK(w, isn[2] - isn[1] - 1 < 1u << 31);
}

/* Data of the first write goes with the sequence number after the SYN. */
CASE(data_after_connect)
{
	conn_active(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 ack=1 len=100");
	tx(c, ". ack=101");
	none(c);
}

/* With a SYN-ACK comes data: taken or not, the stream is right. */
CASE(data_on_synack)
{
	connecting(w, c);
	tx(c, "S. seq=0 ack=1 mss=1000 len=10");
	rx(c, ". seq=1 ack>=1");
	tx(c, ". seq=1 ack=1 len=10");
	rx(c, ". ack=11 skip");
	conn_read(c, 0, 10);
}
