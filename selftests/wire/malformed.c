// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that no right stack sends. Whatever comes, nothing of it may be
 * taken, and the connection or the listener goes on as before.
 */
#include "fixture.h"

/* A line for tx(), and what comes back: nothing where it is NULL. */
struct malformed {
	const char *in, *out;
};

/* Dropped before TCP looks at them, in any state. */
static const struct malformed broken[] = {
	{ "P. len=100 badsum", NULL },
	{ "P. len=100 zerosum", NULL },
	{ "P. len=100 badip", NULL },
	{ "P. len=100 doff=0", NULL },
	{ "P. len=100 doff=4", NULL },
	{ "P. len=10 doff=15", NULL },
	{ ". doff=6", NULL },
	{ "P. len=100 iplen=20", NULL },
	{ "P. len=100 iplen=24", NULL },
	{ "P. len=100 iplen=39", NULL },
	{ "P. len=100 iplen=19", NULL },
	{ "P. len=100 iplen=0", NULL },
	{ "P. len=100 iplen=200", NULL },
	{ "P. len=100 iplen=65535", NULL },
	{ "P. len=100 iplen=100", NULL },
	{ "S seq=0 badsum", NULL },
	{ "R seq=1 badsum", NULL },
	{ "R seq=1 doff=4", NULL },
	{ "F. seq=1 badsum", NULL },
};

static const struct malformed strange[] = {
	{ "- seq=1", NULL },
	{ "- seq=1 len=100", NULL },
	{ "F seq=1", NULL },
	{ "P seq=1 len=100", NULL },
	{ "U seq=1 urg=10 len=100", NULL },
	{ "FPU seq=1", NULL },
	{ "FPU seq=1 len=100 urg=5", NULL },
	{ "SF seq=1", ". seq=1 ack=1" },
};

static void inject(struct conn *c, const struct malformed *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		tx(c, "%s", m[i].in);
		if (m[i].out)
			rx(c, "%s", m[i].out);
		else
			none(c);
	}
}

CASE(broken_on_connection)
{
	conn_passive(w, c, NULL);
	inject(c, broken, ARRAY_SIZE(broken));
	conn_would_block(c);
	CHECK_EQ(w, 0, sock_error(c->fd));
	check_alive(c);
}

CASE(strange_on_connection)
{
	conn_passive(w, c, NULL);
	inject(c, strange, ARRAY_SIZE(strange));
	conn_would_block(c);
	CHECK_EQ(w, 0, sock_error(c->fd));
	check_alive(c);
}

CASE(broken_on_listener)
{
	int listener = sock_listen(w, PORT, 4);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	inject(c, broken, ARRAY_SIZE(broken));
	tx(c, "S seq=0 mss=1000 badsum");
	none(c);
	tx(c, "S seq=0 mss=1000 badip");
	none(c);
	tx(c, "S seq=0 doff=4");
	none(c);
	c->snd_nxt = 0;
	handshake(c, NULL);
	conn_accept(c);
	check_alive(c);
}

CASE(broken_while_connecting)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	tx(c, "S. seq=0 ack=1 mss=1000 badsum");
	none(c);
	tx(c, "R. seq=0 ack=1 badsum");
	none(c);
	tx(c, "S. seq=0 ack=1 doff=4");
	none(c);
	finish_active(c, NULL);
	check_alive(c);
}

CASE(broken_in_syn_recv)
{
	int listener = sock_listen(w, PORT, 4);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1 badsum");
	none(c);
	tx(c, "R seq=1 badsum");
	none(c);
	tx(c, ". seq=1 ack=1 doff=4");
	none(c);
	CHECK(w, !wait_for(listener, POLLIN, 0));
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
}

CASE(broken_in_time_wait)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
	tx(c, "R seq=2 badsum");
	none(c);
	tx(c, "R seq=2 doff=4");
	none(c);
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

/* Flags with everything set, on top of a right sequence number. */
CASE(all_flag_pairs)
{
	static const char letters[] = "FPU";
	int i;

	conn_passive(w, c, NULL);
	for (i = 0; i < 8; i++) {
		char flags[8] = "";
		int n = 0, bit;

		for (bit = 0; bit < 3; bit++)
			if (i & 1 << bit)
				flags[n++] = letters[bit];
		/* No ACK, SYN or RST among them: none may count. */
		tx(c, "%s seq=1 len=20 urg=3", n ? flags : "-");
		none(c);
	}
	conn_would_block(c);
	check_alive(c);
}

/* Reserved bits and ECN bits nobody agreed on do not spoil a segment. */
CASE(ecn_bits_not_negotiated)
{
	conn_passive(w, c, NULL);
	tx(c, "P.E seq=1 len=100");
	rx(c, ". ack=101");
	tx(c, "P.W seq=101 len=100");
	rx(c, ". ack=201");
	tx(c, "P.EW seq=201 len=100 tos=3");
	rx(c, ". ack=301");
	conn_read(c, 0, 300);
	conn_write(c, 10, 0);
	rx(c, ". len=10 tos=0");
}

/* The last fragment never comes: no part of it may arrive. */
CASE(segment_longer_than_packet)
{
	conn_passive(w, c, NULL);
	tx(c, "P. seq=1 len=1000 iplen=1041");
	none(c);
	tx(c, "P. seq=1 len=1000 iplen=540");
	none(c);
	conn_would_block(c);
	check_alive(c);
}

/* Bytes behind the end of the IP packet, as Ethernet pads, do not count. */
CASE(tiny_segments)
{
	int i;

	conn_passive(w, c, NULL);
	for (i = 0; i < 50; i++)
		tx(c, "P. seq=%d len=1", 1 + i);
	do {
		rx(c, ". seq=1");
	} while (c->seg.ack - c->iss != 51);
	conn_read(c, 0, 50);
}
