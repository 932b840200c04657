// SPDX-License-Identifier: GPL-2.0
/*
 * The passive open: SYN, SYN-ACK, ACK, and what may come instead of each.
 */
#define WIRE_MAPPED_TOO
#include "fixture.h"

/* A listener and a connection towards it that has not begun. */
static void listening(struct wire *w, struct conn *c)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
}

/* Half open: the SYN-ACK is out, the last ACK is missing. */
static void half_open(struct wire *w, struct conn *c)
{
	listening(w, c);
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
}

static void complete(struct conn *c)
{
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
}

CASE(three_way)
{
	listening(w, c);
	c->tsval = 7777;
	tx(c, "S seq=0 win=64240 mss=1460 sackok ts ws=7");
	rx(c, "S. seq=0 ack=1 mss=1460 sackok ts tsecr=7777 ws>0 win>=1460");
	tx(c, ". seq=1 ack=1 win=502");
	none(c);
	conn_accept(c);
	check_alive(c);
}

/* Each option is offered back exactly when the peer offered it. */
CASE(synack_mirrors_options)
{
	static const struct {
		const char *syn, *synack;
	} cases[] = {
		{ "", "mss=1460 nosackok nots nows" },
		{ "mss=1460", "mss=1460 nosackok nots nows" },
		{ "mss=1460 sackok", "mss=1460 sackok nots nows" },
		{ "mss=1460 ts", "mss=1460 nosackok ts nows" },
		{ "mss=1460 ws=3", "mss=1460 nosackok nots ws" },
		{ "mss=1460 ws=0", "mss=1460 nosackok nots ws" },
		{ "mss=1460 sackok ts", "mss=1460 sackok ts nows" },
		{ "mss=1460 sackok ws=14", "mss=1460 sackok nots ws" },
		{ "ts ws=1", "mss=1460 nosackok ts ws" },
		{ "mss=536 sackok ts ws=2", "mss=1460 sackok ts ws" },
	};
	size_t i;

	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conn one;

		conn_init(w, &one);
		one.listener = c->listener;
		one.lport = PORT;
		tx(&one, "S seq=0 %s", cases[i].syn);
		rx(&one, "S. seq=0 ack=1 %s", cases[i].synack);
		tx(&one, ". seq=1 ack=1");
		conn_accept(&one);
		check_alive(&one);
		close(one.fd);
	}
}

/* What the sysctls switch off is not offered even to a peer that has it. */
CASE(synack_obeys_sysctls)
{
	static const struct {
		const char *name, *synack;
	} cases[] = {
		{ "tcp_timestamps", "nots sackok ws" },
		{ "tcp_sack", "ts nosackok ws" },
		{ "tcp_window_scaling", "ts sackok nows" },
	};
	size_t i;

	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conn one;

		conn_init(w, &one);
		one.lport = PORT;
		sysctl_set(w, cases[i].name, "0");
		tx(&one, "S seq=0 mss=1460 sackok ts ws=7");
		rx(&one, "S. seq=0 ack=1 mss=1460 %s", cases[i].synack);
		tx(&one, "R seq=1");
		sysctl_set(w, cases[i].name, "1");
	}
}

CASE(window_of_synack_is_unscaled)
{
	__u32 first;

	listening(w, c);
	tx(c, "S seq=0 mss=1460 ws=0");
	first = rx(c, "S. seq=0 ack=1 ws>0 win>=1460")->win;
	complete(c);
	tx(c, ". len=1");
	/* Scaled now: the same window in bytes is a smaller field. */
	rx(c, ". ack=2 win<%u wnd>=1460", first);
}

CASE(repeated_syn_repeats_synack)
{
	half_open(w, c);
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1 mss=1460 sackok ws");
	complete(c);
	check_alive(c);
}

/* rfc9293#section-3.10.7.4: unacceptable ACK in SYN-RECEIVED gets a reset. */
CASE(bad_ack_in_syn_recv)
{
	static const __u32 acks[] = { 0, 2, 1000, 0x7fffffff, 0x80000001 };
	size_t i;

	half_open(w, c);
	for (i = 0; i < ARRAY_SIZE(acks); i++) {
		tx(c, ". seq=1 ack=%u", acks[i]);
		rx(c, "R seq=%u", acks[i]);
	}
	complete(c);
	check_alive(c);
}

CASE(rst_in_syn_recv)
{
	half_open(w, c);
	tx(c, "R seq=1");
	none(c);
	check_gone(c);
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
}

CASE(rst_outside_window_in_syn_recv)
{
	half_open(w, c);
	tx(c, "R seq=0");
	none(c);
	tx(c, "R seq=3000000");
	none(c);
	complete(c);
	check_alive(c);
}

/*
 * rfc5961#section-3.2: one inside the window is challenged, as seldom as any other, and
 * data in it gains the sender nothing.
 */
CASE(rst_inside_window_in_syn_recv)
{
	half_open(w, c);
	tx(c, "R seq=100 len=10");
	rx(c, ". seq=1 ack=1");
	CHECK_EQ(w, 1, mib(w, "TCPChallengeACK"));
	tx(c, "R seq=100 len=10");
	none(c);
	CHECK_EQ(w, 1, mib(w, "TCPACKSkippedChallenge"));
	complete(c);
	check_alive(c);
}

/* A SYN elsewhere in the sequence space belongs to another incarnation. */
CASE(old_syn_in_syn_recv)
{
	half_open(w, c);
	c->iss -= 100000;
	tx(c, "S seq=0 mss=1000");
	c->iss += 100000;
	rx(c, ". seq=1 ack=1");
	complete(c);
	check_alive(c);
}

CASE(syn_inside_window_in_syn_recv)
{
	half_open(w, c);
	tx(c, "S seq=100");
	rx(c, "R. ack=101");
	check_gone(c);
}

CASE(data_on_last_ack)
{
	half_open(w, c);
	tx(c, "P. seq=1 ack=1 len=100");
	rx(c, ". seq=1 ack=101");
	conn_accept(c);
	conn_read(c, 0, 100);
}

/* Not in order, so not the end of the handshake's data, yet its ACK counts. */
CASE(last_ack_lost)
{
	half_open(w, c);
	tx(c, ". seq=501 ack=1 len=500");
	rx(c, ". seq=1 ack=1 sack=501:1001");
	conn_accept(c);
	conn_would_block(c);
	tx(c, ". seq=1 ack=1 len=500");
	rx(c, ". ack=1001 nosack");
	conn_read(c, 0, 1000);
}

CASE(fin_on_last_ack)
{
	half_open(w, c);
	tx(c, "F. seq=1 ack=1");
	conn_accept(c);
	rx(c, ". seq=1 ack=2");
	conn_eof(c);
}

/* No Fast Open was agreed on: bytes of the SYN are not taken. */
CASE(data_on_syn)
{
	listening(w, c);
	tx(c, "S seq=0 mss=1000 len=10");
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1 len=10");
	rx(c, ". seq=1 ack=11");
	conn_accept(c);
	conn_read(c, 0, 10);
}

/* ECN was not asked for, or is switched off: no ECE in the answer. */
CASE(no_ecn)
{
	listening(w, c);
	sysctl_set(w, "tcp_ecn", "0");
	tx(c, "SEW seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	complete(c);
	tx(c, ". len=10 tos=3");
	rx(c, ". ack=11");
	conn_write(c, 10, 0);
	rx(c, ". len=10 tos=0");
}

CASE(no_ecn_when_not_asked)
{
	listening(w, c);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1 tos=0");
	complete(c);
	conn_write(c, 10, 0);
	rx(c, ". len=10 tos=0");
}

/* What a listener says to segments that open nothing. */
CASE(listener_without_syn)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ ". seq=5 ack=77", "R seq=77" },
		{ "P. seq=5 ack=77 len=10", "R seq=77" },
		{ "F. seq=5 ack=77", "R seq=77" },
		{ "S. seq=5 ack=77", "R seq=77" },
		{ "FPU. seq=5 ack=77", "R seq=77" },
		{ "R seq=5", NULL },
		{ "R. seq=5 ack=77", NULL },
		{ "SR seq=5", NULL },
		{ "SF seq=5", NULL },
		{ "SFRPU seq=5", NULL },
		{ "- seq=5", NULL },
		{ "F seq=5", NULL },
		{ "P seq=5 len=10", NULL },
		{ "FPU seq=5", NULL },
	};
	size_t i;

	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		tx(c, "%s", cases[i].in);
		if (cases[i].out)
			rx(c, "%s", cases[i].out);
		else
			none(c);
	}
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	complete(c);
	check_alive(c);
}

/*
 * rfc9293#section-3.10.7.1. The port belongs to nobody, so the host's kernel
 * answers; the module must let these segments through to it.
 */
CASE(closed_port)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "S seq=0", "R. seq=0 ack=1" },
		{ "S seq=0 len=10", "R. seq=0 ack=11" },
		{ "F seq=0", "R. seq=0 ack=1" },
		{ "P seq=0 len=10", "R. seq=0 ack=10" },
		{ "- seq=0", "R. seq=0 ack=0" },
		{ ". seq=0 ack=99", "R seq=99" },
		{ "S. seq=0 ack=99", "R seq=99" },
		{ "F. seq=0 ack=99 len=10", "R seq=99" },
		{ "R seq=0", NULL },
		{ "R. seq=0 ack=99", NULL },
	};
	size_t i;

	listening(w, c);
	c->lport = PORT + 1;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		tx(c, "%s", cases[i].in);
		if (cases[i].out)
			rx(c, "%s", cases[i].out);
		else
			none(c);
	}
}

CASE(listener_closed_while_half_open)
{
	half_open(w, c);
	close(c->listener);
	tx(c, ". seq=1 ack=1");
	rx(c, "R seq=1");
}

CASE(listener_closed_before_accept)
{
	half_open(w, c);
	tx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(c->listener, POLLIN, DEADLINE_MS));
	close(c->listener);
	rx(c, "R. seq=1 ack=1");
	check_gone(c);
}

/* rfc6528: initial numbers of different connections have nothing in common. */
CASE(isn_unpredictable)
{
	__u32 isn[8];
	int i, j, near = 0;

	listening(w, c);
	for (i = 0; i < 8; i++) {
		struct conn one;

		conn_init(w, &one);
		one.lport = PORT;
		tx(&one, "S seq=0 mss=1000");
		isn[i] = rx(&one, "S. seq=0 ack=1")->seq;
		tx(&one, "R seq=1");
	}
	for (i = 0; i < 8; i++)
		for (j = 0; j < i; j++)
			near += isn[i] - isn[j] + (1 << 24) < 2 << 24;
	/* 28 pairs, each this near with a chance of 1 in 128. */
	CHECK(w, near <= 4);
}

/* rfc6528: for one pair of ends the number grows, here by 1 each 64 ns. */
CASE(isn_of_same_pair_grows)
{
	__u32 isn[4];
	int i;

	listening(w, c);
	for (i = 0; i < 4; i++) {
		tx(c, "S seq=0 mss=1000");
		isn[i] = rx(c, "S. seq=0 ack=1")->seq;
		tx(c, "R seq=1");
		none(c);
	}
	for (i = 1; i < 4; i++) {
		CHECK(w, isn[i] != isn[i - 1]);
		CHECK(w, isn[i] - isn[i - 1] < 1u << 31);
	}
}

/* Many at once, answered in another order than they began. */
CASE(interleaved)
{
	struct conn many[16];
	int i;

	listening(w, c);
	for (i = 0; i < 16; i++) {
		conn_init(w, &many[i]);
		many[i].listener = c->listener;
		many[i].lport = PORT;
		tx(&many[i], "S seq=0 mss=1000 sackok");
	}
	for (i = 0; i < 16; i++)
		rx(&many[i], "S. seq=0 ack=1 sackok");
	for (i = 15; i >= 0; i--)
		tx(&many[i], ". seq=1 ack=1");
	for (i = 15; i >= 0; i--)
		conn_accept(&many[i]);
	for (i = 0; i < 16; i++) {
		check_alive(&many[i]);
		close(many[i].fd);
	}
}

CASE(duplicate_last_ack)
{
	half_open(w, c);
	complete(c);
	tx(c, ". seq=1 ack=1");
	tx(c, ". seq=1 ack=1");
	none(c);
	check_alive(c);
}
