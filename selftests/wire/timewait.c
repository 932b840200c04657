// SPDX-License-Identifier: GPL-2.0
/*
 * TIME-WAIT and the orphans on the way to it: what they answer, when they end,
 * and when a new connection may take their place.
 */
#include "fixture.h"

/* The peer answers our close: TIME-WAIT on our side, with an open listener. */
static void time_wait(struct wire *w, struct conn *c, const char *opts)
{
	conn_passive(w, c, opts);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

static void check_in_time_wait(struct conn *c)
{
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

/* Orphan in FIN-WAIT-2. */
static void fin_wait2(struct wire *w, struct conn *c)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
}

CASE(fin_is_acked_again)
{
	time_wait(w, c, NULL);
	check_in_time_wait(c);
}

CASE(fin_is_acked_again_with_timestamps)
{
	time_wait(w, c, "mss=1012 sackok ts");
	c->tsval += 10;
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2 ts");
}

/* rfc1337#section-3 hazard (a): an old duplicate must not do harm. */
CASE(old_data_is_answered)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	conn_close(c);
	rx(c, "F. seq=1 ack=1001");
	tx(c, "F. seq=1001 ack=2");
	rx(c, ". seq=2 ack=1002");
	tx(c, ". seq=1 ack=2 len=1000");
	rx(c, ". seq=2 ack=1002");
}

CASE(pure_ack_is_silent)
{
	time_wait(w, c, NULL);
	tx(c, ". seq=2 ack=2");
	none(c);
	check_in_time_wait(c);
}

/*
 * rfc9293#section-3.4.1: twice the lifetime of a segment, which is half a minute here,
 * from the last segment that restarts it (a pure ACK, in kernel TCP too). The wheel's
 * granularity is two seconds there.
 */
CASE_TIMEOUT(lasts_a_minute, 300)
{
	time_wait(w, c, NULL);
	none_for(c, 59500);
	tx(c, ". seq=2 ack=2");
	none_for(c, 63000);
	check_gone(c);
}

/* rfc1122#section-4.2.2.13: a later SYN opens the next incarnation. */
CASE(new_syn_reuses)
{
	__u32 old;

	time_wait(w, c, NULL);
	old = c->irs + 2;
	c->iss += 100000;
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1 mss=1460 sackok");
	/* Its own numbers lie beyond those of the old one. */
	CHECK(w, (__s32)(c->irs - old) > 0);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	c->snd_nxt = 1;
	check_alive(c);
}

/* rfc7323#section-5: a newer timestamp makes up for a lower number. */
CASE(newer_timestamp_reuses)
{
	time_wait(w, c, "mss=1012 sackok ts");
	c->iss -= 100000;
	c->tsval += 1000;
	tx(c, "S seq=0 mss=1012 sackok ts");
	rx(c, "S. seq=0 ack=1 ts");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	c->snd_nxt = 1;
	check_alive(c);
}

CASE(old_syn_does_not_reuse)
{
	time_wait(w, c, NULL);
	c->iss -= 100000;
	tx(c, "S seq=0 mss=1000");
	c->iss += 100000;
	rx(c, ". seq=2 ack=2");
	c->my_ws = 0;
	check_in_time_wait(c);
}

CASE(older_timestamp_does_not_reuse)
{
	time_wait(w, c, "mss=1012 sackok ts");
	c->iss += 100000;
	tx(c, "S seq=0 mss=1012 sackok ts tsval=%u", c->tsval - 500);
	c->iss -= 100000;
	rx(c, ". seq=2 ack=2");
}

/*
 * Our own connect() takes the place of a TIME-WAIT, and the peer's clock starts anew with its
 * SYN-ACK: it has rebooted.
 */
CASE(connect_to_a_peer_whose_clock_restarted)
{
	struct conn old;

	conn_init(w, &old);
	old.fd = sock_open(w);
	sock_bind(w, old.fd, PORT);
	old.tsval = 1000000;
	sock_connect(&old);
	rx(&old, "S seq=0");
	finish_active(&old, "mss=1012 sackok ts");
	conn_close(&old);
	rx(&old, "F. seq=1 ack=1");
	tx(&old, "F. seq=1 ack=2");
	rx(&old, ". seq=2 ack=2 tsecr=1000000");

	conn_init(w, c);
	c->pport = old.pport;
	c->fd = sock_open(w);
	sock_bind(w, c->fd, PORT);
	c->tsval = 5;
	sock_connect(c);
	rx(c, "S seq=0");
	CHECK_EQ(w, old.irs + 2 + 65535 + 2, c->irs);
	tx(c, "S. seq=0 ack=1 mss=1012 sackok ts");
	rx(c, ". seq=1 ack=1 tsecr=5");
	c->tsval = 6;
	tx(c, ". seq=1 ack=1 len=100");
	rx(c, ". seq=1 ack=101 tsecr=6");
	CHECK_EQ(w, 0, mib(w, "PAWSEstab"));
	conn_read(c, 0, 100);
}

/* Nobody listens: the SYN finds neither connection nor listener. */
CASE(new_syn_without_listener)
{
	conn_active(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
	c->iss += 100000;
	tx(c, "S seq=0 mss=1000");
	c->iss -= 100000;
	/* The connection keeps answering, or its end says so; no SYN-ACK. */
	if (wire_next(c, QUIET_MS))
		CHECK(w, !(c->seg.flags & TH_SYN));
}

CASE(rst_ends_it)
{
	time_wait(w, c, NULL);
	tx(c, "R seq=2");
	none(c);
	check_gone(c);
}

CASE(rst_not_exact_does_not)
{
	time_wait(w, c, NULL);
	tx(c, "R seq=500");
	none(c);
	tx(c, "R seq=1");
	none(c);
	check_in_time_wait(c);
}

/* rfc1337: as the host wishes, resets do not end TIME-WAIT. */
CASE(rst_ignored_under_rfc1337)
{
	sysctl_set(w, "tcp_rfc1337", "1");
	time_wait(w, c, NULL);
	tx(c, "R seq=2");
	none(c);
	check_in_time_wait(c);
}

CASE(paws_in_time_wait)
{
	time_wait(w, c, "mss=1012 sackok ts");
	tx(c, ". seq=2 ack=2 len=10 tsval=%u", c->tsval - 500);
	rx(c, ". seq=2 ack=2");
}

/* Each is found by its own ports, and the last of them leaves nothing. */
CASE(many_time_waits)
{
	struct conn many[20];
	int i, listener = sock_listen(w, PORT, 32);

	for (i = 0; i < 20; i++) {
		conn_init(w, &many[i]);
		many[i].listener = listener;
		handshake(&many[i], NULL);
		conn_accept(&many[i]);
		conn_close(&many[i]);
		rx(&many[i], "F. seq=1 ack=1");
		tx(&many[i], "F. seq=1 ack=2");
		rx(&many[i], ". seq=2 ack=2");
	}
	for (i = 19; i >= 0; i--)
		check_in_time_wait(&many[i]);
	close(listener);
	for (i = 0; i < 20; i++) {
		tx(&many[i], "R seq=2");
		check_gone(&many[i]);
	}
}

CASE(fin_wait2_orphan_answers_fin)
{
	fin_wait2(w, c);
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
	check_in_time_wait(c);
}

CASE(fin_wait2_orphan_reset)
{
	fin_wait2(w, c);
	tx(c, "R seq=1");
	none(c);
	check_gone(c);
}

/* FIN-WAIT-2 without a user does not last for ever: ask until it is over. */
static void wait_for_end(struct conn *c, int at_least_ms)
{
	__s64 begin = c->last;
	struct seg *s;

	do {
		CHECK(c->w, wire_now() - begin < DEADLINE_MS * 1000000LL);
		/* Below the window: a connection would answer with an ACK. */
		tx(c, ". seq=0 ack=2");
		s = wire_next(c, 100);
	} while (!s || !(s->flags & TH_RST));
	CHECK_TIME(c->w, (s->time - begin) / 1000000 >= at_least_ms);
}

CASE(fin_wait2_ends_by_linger2)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_LINGER2, 1);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	wait_for_end(c, 1000 - JIFFY_MS);
}

CASE(fin_wait2_ends_by_sysctl)
{
	sysctl_set(w, "tcp_fin_timeout", "1");
	fin_wait2(w, c);
	wait_for_end(c, 1000 - JIFFY_MS);
}

/* A negative value: do not wait at all. */
CASE(fin_wait2_skipped)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_LINGER2, -1);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	/* Some say goodbye with a reset, some only forget. */
	while (wire_next(c, QUIET_MS))
		CHECK(w, c->seg.flags & TH_RST);
	check_gone(c);
}

/* With its user there, FIN-WAIT-2 lasts as long as the peer wants. */
CASE(fin_wait2_with_user_stays)
{
	sysctl_set(w, "tcp_fin_timeout", "1");
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	none_for(c, 1500);
	tx(c, ". seq=1 ack=2 len=100");
	rx(c, ". seq=2 ack=101");
	conn_read(c, 0, 100);
}
