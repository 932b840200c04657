// SPDX-License-Identifier: GPL-2.0
/*
 * rfc5961 and rfc9293#section-3.10.7.4: which RST, SYN and ACK a connection
 * believes in each state, and which it challenges.
 */
#include "fixture.h"

/* Ways into the states, all with a socket that is still open. */
static void established(struct wire *w, struct conn *c)
{
	conn_passive(w, c, NULL);
}

static void established_active(struct wire *w, struct conn *c)
{
	conn_active(w, c, NULL);
}

static void fin_wait1(struct wire *w, struct conn *c)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
}

static void fin_wait2(struct wire *w, struct conn *c)
{
	fin_wait1(w, c);
	tx(c, ". ack=2");
}

static void close_wait(struct wire *w, struct conn *c)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
}

static void last_ack(struct wire *w, struct conn *c)
{
	close_wait(w, c);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=2");
}

static void closing(struct wire *w, struct conn *c)
{
	fin_wait1(w, c);
	tx(c, "F. ack=1");
	rx(c, ". seq=2 ack=2");
}

static const struct state {
	const char *name;
	void (*reach)(struct wire *w, struct conn *c);
	int error;
	int tcp_state;
} states[] = {
	{ "ESTABLISHED", established, ECONNRESET, TCP_ESTABLISHED },
	{ "ESTABLISHED by connect", established_active, ECONNRESET,
	  TCP_ESTABLISHED },
	{ "FIN-WAIT-1", fin_wait1, ECONNRESET, TCP_FIN_WAIT1 },
	{ "FIN-WAIT-2", fin_wait2, ECONNRESET, TCP_FIN_WAIT2 },
	{ "CLOSE-WAIT", close_wait, EPIPE, TCP_CLOSE_WAIT },
	{ "LAST-ACK", last_ack, ECONNRESET, TCP_LAST_ACK },
	{ "CLOSING", closing, ECONNRESET, TCP_CLOSING },
};

/* Run a body in each state, on a port of its own each time. */
static void in_each_state(struct wire *w, struct conn *c,
			  void (*body)(struct conn *c, const struct state *s))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		trace("--- %s", states[i].name);
		states[i].reach(w, c);
		CHECK_EQ(w, states[i].tcp_state, tcp_info_of(c).tcpi_state);
		body(c, &states[i]);
		if (c->fd >= 0)
			conn_close(c);
		if (c->listener >= 0)
			close(c->listener);
	}
}

static void exact_rst(struct conn *c, const struct state *s)
{
	tx(c, "R seq=%u", c->snd_nxt);
	CHECK_EQ(c->w, s->error, wait_error(c));
	CHECK_EQ(c->w, TCP_CLOSE, tcp_info_of(c).tcpi_state);
	check_gone(c);
}

CASE(exact_rst_resets)
{
	in_each_state(w, c, exact_rst);
}

static void rst_with_ack(struct conn *c, const struct state *s)
{
	tx(c, "R. seq=%u ack=%u", c->snd_nxt, c->rcv_nxt);
	CHECK_EQ(c->w, s->error, wait_error(c));
	check_gone(c);
}

CASE(exact_rst_with_ack_resets)
{
	in_each_state(w, c, rst_with_ack);
}

/* A reset of the connection must be exact; inside the window it is a guess. */
static void inside_rst(struct conn *c, const struct state *s)
{
	tx(c, "R seq=%u", c->snd_nxt + 100);
	rx(c, ". seq=%u ack=%u skip", c->rcv_nxt, c->snd_nxt);
	CHECK_EQ(c->w, s->tcp_state, tcp_info_of(c).tcpi_state);
}

CASE(rst_inside_window_is_challenged)
{
	in_each_state(w, c, inside_rst);
}

static void outside_rst(struct conn *c, const struct state *s)
{
	/* A retransmission may come in between in states that wait for ACK. */
	/* One below would be the sequence number of a FIN, which may be reset. */
	tx(c, "R seq=%u", c->snd_nxt - 5);
	tx(c, "R seq=%u", c->snd_nxt + 10000000);
	tx(c, "R seq=%u", c->snd_nxt - 10000000);
	CHECK_EQ(c->w, s->tcp_state, tcp_info_of(c).tcpi_state);
	CHECK_EQ(c->w, 0, sock_error(c->fd));
}

CASE(rst_outside_window_is_ignored)
{
	in_each_state(w, c, outside_rst);
}

CASE(rst_outside_window_is_not_answered)
{
	established(w, c);
	tx(c, "R seq=0");
	none(c);
	tx(c, "R seq=10000000");
	none(c);
	tx(c, "R. seq=4000000000 ack=1");
	none(c);
	check_alive(c);
}

/* rfc5961#section-4.2: a SYN is challenged wherever it is, and changes nothing. */
static void any_syn(struct conn *c, const struct state *s)
{
	tx(c, "S seq=%u", c->snd_nxt);
	rx(c, ". seq=%u ack=%u skip", c->rcv_nxt, c->snd_nxt);
	CHECK_EQ(c->w, s->tcp_state, tcp_info_of(c).tcpi_state);
}

CASE(syn_is_challenged)
{
	in_each_state(w, c, any_syn);
}

CASE(syn_anywhere_is_challenged)
{
	static const char * const syns[] = {
		"S seq=0", "S seq=1", "S seq=500", "S seq=10000000",
		"S. seq=1 ack=1", "S. seq=10000000 ack=7", "SF. seq=1 ack=1",
		"SP. seq=1 ack=1 len=10", "S seq=4000000000 mss=1000",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(syns); i++) {
		established(w, c);
		tx(c, "%s", syns[i]);
		rx(c, ". seq=1 ack=1");
		/* What was learned from its options does not count. */
		c->my_ts = false;
		c->my_ws = 0;
		conn_would_block(c);
		check_alive(c);
		conn_close(c);
		close(c->listener);
	}
}

/* The answers themselves must not become a flood. */
CASE(challenge_is_limited)
{
	int i;

	established(w, c);
	for (i = 0; i < 5; i++)
		tx(c, "S seq=0");
	rx(c, ". seq=1 ack=1");
	/*
	 * One in tcp_invalid_ratelimit, 500 ms; more only if injecting the
	 * five took longer than that.
	 */
	for (i = 0; wire_next(c, QUIET_MS); i++)
		CHECK(w, i < 3);
}

/* rfc5961#section-5.2: ACK of something too old to have been in flight. */
CASE(ack_too_old)
{
	established(w, c);
	tx(c, ". seq=1 ack=%u len=10", 1u - 3000000u);
	rx(c, ". seq=1 ack=1");
	conn_would_block(c);
	c->snd_nxt = 1;
	check_alive(c);
}

/*
 * ACK of data never sent: neither it nor its data is taken. From 7.3 on the answer tells what
 * was sent (rfc5961#section-5.2), but not at any rate; until then there is none.
 */
CASE(ack_of_unsent)
{
	established(w, c);
	tx(c, ". seq=1 ack=5000 len=10");
	if (kernel_since(w, 7, 3)) {
		rx(c, ". seq=1 ack=1");
		CHECK_EQ(w, 1, mib(w, "TCPChallengeACK"));
		tx(c, ". seq=1 ack=5000 len=10");
		none(c);
		CHECK_EQ(w, 1, mib(w, "TCPACKSkippedChallenge"));
	} else {
		none(c);
	}
	conn_would_block(c);
	c->snd_nxt = 1;
	conn_write(c, 500, 0);
	rx(c, ". seq=1 len=500");
	tx(c, ". seq=1 ack=501");
	check_alive(c);
}

CASE(old_ack_is_ignored)
{
	established(w, c);
	conn_write(c, 2000, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, ". ack=2001");
	tx(c, ". ack=1001");
	none(c);
	tx(c, ". ack=1");
	none(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=2001 len=100");
}

/* Data received before the reset can be read, then comes the error. */
CASE(rst_after_data)
{
	char byte;

	established(w, c);
	tx(c, ". len=100");
	rx(c, ". ack=101");
	tx(c, "R seq=101");
	conn_read(c, 0, 100);
	CHECK_EQ(w, -1, recv(c->fd, &byte, 1, 0));
	CHECK_EQ(w, ECONNRESET, errno);
	CHECK_EQ(w, 0, recv(c->fd, &byte, 1, 0));
}

CASE(rst_drops_unsent_data)
{
	w->peer_win = 2000;
	established(w, c);
	conn_write(c, 5000, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, "R seq=1");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
	none(c);
	CHECK_EQ(w, -1, send(c->fd, "x", 1, MSG_NOSIGNAL));
	CHECK_EQ(w, EPIPE, errno);
}

/* An RST with data in it is an RST. */
CASE(rst_with_payload)
{
	established(w, c);
	tx(c, "R seq=1 len=20");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}

CASE(rst_with_broken_checksum)
{
	established(w, c);
	tx(c, "R seq=1 badsum");
	none(c);
	check_alive(c);
}

/* A reset has no timestamp to be judged by. */
CASE(rst_without_timestamp)
{
	conn_passive(w, c, "mss=1012 ts");
	tx(c, "R seq=1 nots");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}
