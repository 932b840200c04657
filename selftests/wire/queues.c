// SPDX-License-Identifier: GPL-2.0
/*
 * The two queues behind listen(), what overflows of each do to the peer, and
 * SYN cookies, which do without the first of them.
 */
#include "fixture.h"

static void listening(struct wire *w, struct conn *c, int backlog)
{
	int listener = sock_listen(w, PORT, backlog);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
}

/* More connections towards the same listener. */
static void another(struct conn *c, struct conn *like)
{
	conn_init(like->w, c);
	c->listener = like->listener;
	c->lport = PORT;
}

static void half_open(struct conn *c)
{
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
}

/*
 * A backlog of two takes three (the kernel counts from 0). Two are complete,
 * two half open, and there is room for one of these.
 */
static void nearly_full(struct wire *w, struct conn *many)
{
	int i;

	sysctl_set(w, "tcp_syncookies", "0");
	listening(w, &many[0], 2);
	for (i = 1; i < 5; i++)
		another(&many[i], &many[0]);
	for (i = 0; i < 4; i += 2) {
		half_open(&many[i]);
		half_open(&many[i + 1]);
		if (i)
			break;
		tx(&many[0], ". seq=1 ack=1");
		tx(&many[1], ". seq=1 ack=1");
	}
}

CASE(accept_queue_full_drops_syn)
{
	struct conn many[5];
	int i;

	nearly_full(w, many);
	tx(&many[2], ". seq=1 ack=1");
	tx(&many[3], "R seq=1");
	tx(&many[4], "S seq=0 mss=1000");
	none(&many[4]);
	conn_accept(&many[0]);
	half_open(&many[4]);
	tx(&many[4], ". seq=1 ack=1");
	for (i = 1; i < 5; i++) {
		if (i == 3)
			continue;
		conn_accept(&many[i]);
		check_alive(&many[i]);
	}
}

/* The last ACK finds no room: the connection stays half open, unharmed. */
CASE(accept_queue_full_ignores_ack)
{
	struct conn many[5];

	nearly_full(w, many);
	tx(&many[2], ". seq=1 ack=1");
	tx(&many[3], ". seq=1 ack=1");
	none(&many[3]);
	conn_accept(&many[0]);
	conn_accept(&many[1]);
	conn_accept(&many[2]);
	CHECK(w, !wait_for(many[0].listener, POLLIN, 0));
	/* The peer believes it is open and sends; that opens it here too. */
	tx(&many[3], "P. seq=1 ack=1 len=100");
	rx(&many[3], ". seq=1 ack=101 skip");
	conn_accept(&many[3]);
	conn_read(&many[3], 0, 100);
}

CASE(abort_on_overflow)
{
	struct conn many[5];

	sysctl_set(w, "tcp_abort_on_overflow", "1");
	nearly_full(w, many);
	tx(&many[2], ". seq=1 ack=1");
	tx(&many[3], ". seq=1 ack=1");
	rx(&many[3], "R seq=1");
	conn_accept(&many[0]);
	check_gone(&many[3]);
	check_alive(&many[0]);
}

/*
 * Without cookies a SYN that finds the first queue full gets no answer. A
 * backlog of one has room for two, as the kernel counts.
 */
CASE(syn_queue_full)
{
	struct conn second, third;

	sysctl_set(w, "tcp_syncookies", "0");
	listening(w, c, 1);
	another(&second, c);
	another(&third, c);
	half_open(c);
	half_open(&second);
	tx(&third, "S seq=0 mss=1000");
	none(&third);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	half_open(&third);
	tx(&third, ". seq=1 ack=1");
	conn_accept(&third);
}

CASE(max_syn_backlog)
{
	struct conn many[5];
	int i;

	sysctl_set(w, "tcp_syncookies", "0");
	sysctl_set(w, "tcp_max_syn_backlog", "4");
	listening(w, &many[0], 100);
	half_open(&many[0]);
	for (i = 1; i < 4; i++) {
		another(&many[i], &many[0]);
		half_open(&many[i]);
	}
	another(&many[4], &many[0]);
	tx(&many[4], "S seq=0 mss=1000");
	none(&many[4]);
	tx(&many[0], "R seq=1");
	half_open(&many[4]);
}

/* The last quarter is for those who are known from an earlier connection. */
CASE(max_syn_backlog_of_proven_peer)
{
	struct conn before, many[5];
	int i;

	sysctl_set(w, "tcp_syncookies", "0");
	sysctl_set(w, "tcp_max_syn_backlog", "4");
	listening(w, &before, 100);
	half_open(&before);
	tx(&before, ". seq=1 ack=1");
	conn_accept(&before);
	conn_close(&before);
	rx(&before, "F. seq=1 ack=1");
	tx(&before, "F. seq=1 ack=2");
	rx(&before, ". seq=2 ack=2");
	for (i = 0; i < 5; i++) {
		another(&many[i], &before);
		half_open(&many[i]);
	}
}

CASE(accept_in_order_of_completion)
{
	static const int order[] = { 2, 0, 3, 1 };
	struct conn many[4];
	int i;

	listening(w, &many[0], 16);
	for (i = 0; i < 4; i++) {
		if (i)
			another(&many[i], &many[0]);
		half_open(&many[i]);
	}
	for (i = 0; i < 4; i++)
		tx(&many[order[i]], ". seq=1 ack=1");
	for (i = 0; i < 4; i++)
		conn_accept(&many[order[i]]);
}

/* A connection reset while it waits for accept() is still handed out. */
CASE(reset_before_accept)
{
	listening(w, c, 16);
	half_open(c);
	tx(c, ". seq=1 ack=1");
	tx(c, "R seq=1");
	conn_accept(c);
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}

/* The bare ACK does not wake the server, the data does. */
CASE(defer_accept)
{
	listening(w, c, 16);
	sock_set(w, c->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	half_open(c);
	tx(c, ". seq=1 ack=1");
	none(c);
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
	tx(c, "P. seq=1 ack=1 len=100");
	rx(c, ". seq=1 ack=101");
	conn_accept(c);
	conn_read(c, 0, 100);
}

/* After the time the SYN-ACK comes again and the bare ACK is enough. */
CASE(defer_accept_runs_out)
{
	listening(w, c, 16);
	sock_set(w, c->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	half_open(c);
	tx(c, ". seq=1 ack=1");
	CHECK(w, !wait_for(c->listener, POLLIN, QUIET_MS));
	rx(c, "S. seq=0 ack=1 t>=%d", 900 - QUIET_MS);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
}

/* ---- SYN cookies: under 2 every SYN gets one ---- */

static void cookies(struct wire *w, struct conn *c)
{
	sysctl_set(w, "tcp_syncookies", "2");
	listening(w, c, 16);
}

CASE(cookie)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1 mss=1460");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
}

struct kept_mss {
	int offered, kept;
};

static void cookie_mss(struct wire *w, struct conn *c, const struct kept_mss *m)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=%d", m->offered);
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 3 * m->kept, 0);
	rx_stream(c, 1, 3 * m->kept + 1, m->kept);
	conn_close(c);
	close(c->listener);
}

/*
 * The cookie has two bits for the MSS: the next value not above it, where there
 * is one.
 */
CASE(cookie_keeps_mss)
{
	static const struct kept_mss v4[] = {
		{ 536, 536 }, { 1000, 536 }, { 1300, 1300 }, { 1400, 1300 },
		{ 1440, 1440 }, { 1460, 1460 }, { 9000, 1460 },
	}, v6[] = {
		{ 1000, 1220 }, { 1220, 1220 }, { 1300, 1220 }, { 1420, 1420 },
		{ 1430, 1420 }, { 1460, 1440 }, { 9000, 1460 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v4); i++)
		cookie_mss(w, c, on_v6(w) ? &v6[i] : &v4[i]);
}

/* Nothing but timestamps can carry the other options. */
CASE(cookie_without_timestamps_has_no_options)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=1460 sackok ws=7");
	rx(c, "S. seq=0 ack=1 mss=1460 nosackok nows nots");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	tx(c, ". seq=101 len=10");
	rx(c, ". ack=1 nosack");
}

CASE(cookie_keeps_options_in_timestamp)
{
	w->peer_win = 250;
	cookies(w, c);
	tx(c, "S seq=0 mss=1460 sackok ws=3 ts");
	rx(c, "S. seq=0 ack=1 mss=1460 sackok ws ts");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	tx(c, ". seq=101 len=10");
	rx(c, ". ack=1 sack=101:111");
	/* 250 << 3 bytes of window. */
	conn_write(c, 8000, 0);
	while (wire_next(c, QUIET_MS))
		;
	CHECK(w, c->rcv_nxt > 1001 && c->rcv_nxt <= 2001);
}

CASE(cookie_keeps_no_sack)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=1460 ts");
	rx(c, "S. seq=0 ack=1 mss=1460 nosackok nows ts");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	tx(c, ". seq=101 len=10");
	rx(c, ". ack=1 nosack");
	check_alive(c);
}

CASE(cookie_with_data)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1");
	tx(c, "P. seq=1 ack=1 len=100");
	rx(c, ". seq=1 ack=101");
	conn_accept(c);
	conn_read(c, 0, 100);
}

/*
 * A neighbour of the right number can be another value of the MSS, so the
 * wrong ones are further away.
 */
CASE(bogus_cookies)
{
	static const __u32 acks[] = {
		9, 100, 0x1000001, 0x2000001, 0xff000001, 0x12345678,
	};
	size_t i;

	cookies(w, c);
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1");
	for (i = 0; i < ARRAY_SIZE(acks); i++) {
		tx(c, ". seq=1 ack=%u", acks[i]);
		rx(c, "R seq=%u", acks[i]);
	}
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
}

/* The cookie belongs to the numbers and ports it was made for. */
CASE(cookie_of_another)
{
	struct conn other;

	cookies(w, c);
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1");
	another(&other, c);
	other.iss = c->iss;
	other.irs = c->irs;
	tx(&other, ". seq=1 ack=1");
	rx(&other, "R seq=1");
	/* One off in the initial number is not the same SYN. */
	tx(c, ". seq=9 ack=1");
	rx(c, "R seq=1");
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
}

CASE(cookies_differ)
{
	__u32 isn[8];
	int i, j;

	cookies(w, c);
	for (i = 0; i < 8; i++) {
		struct conn one;

		another(&one, c);
		tx(&one, "S seq=0 mss=1460");
		isn[i] = rx(&one, "S. seq=0 ack=1")->seq - one.iss;
		for (j = 0; j < i; j++)
			CHECK(w, isn[i] != isn[j]);
	}
}

/* No state, so nothing to send again. */
CASE(cookie_is_stateless)
{
	cookies(w, c);
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1");
	none_for(c, 1500);
	tx(c, "R seq=1");
	none(c);
	/* Even a reset has nothing to remove. */
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
}

/* The default: cookies only once the queue is full. */
CASE(cookie_on_overflow)
{
	struct conn second, third;

	listening(w, c, 1);
	another(&second, c);
	another(&third, c);
	half_open(c);
	half_open(&second);
	tx(&third, "S seq=0 mss=1460 sackok ws=7");
	rx(&third, "S. seq=0 ack=1 mss=1460 nosackok nows");
	tx(&third, ". seq=1 ack=1");
	conn_accept(&third);
	check_alive(&third);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
}

/* No overflow lately: an ACK out of the blue cannot be a cookie's. */
CASE(no_cookie_without_overflow)
{
	listening(w, c, 16);
	tx(c, ". seq=1 ack=12345");
	rx(c, "R seq=12345");
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
}

CASE(cookie_needs_room_to_accept)
{
	struct conn many[4];
	int i;

	sysctl_set(w, "tcp_syncookies", "2");
	listening(w, &many[0], 1);
	for (i = 0; i < 4; i++) {
		if (i)
			another(&many[i], &many[0]);
		tx(&many[i], "S seq=0 mss=1460");
		if (i == 2) {
			none(&many[i]);
			break;
		}
		rx(&many[i], "S. seq=0 ack=1");
		tx(&many[i], ". seq=1 ack=1");
	}
	conn_accept(&many[0]);
	conn_accept(&many[1]);
}
