// SPDX-License-Identifier: GPL-2.0
/*
 * A peer, or somebody who guesses, that wants to harm: floods, segments forged by one who
 * does not see the connection (rfc5961), and the tricks of SegmentSmack (CVE-2018-5390)
 * and SACK Panic (CVE-2019-11477 to 11479). What the stack holds stays bounded, what it
 * answers too, and a connection beside it goes on at once.
 */
#include <linux/sock_diag.h>

#include "fixture.h"

#define FLOOD		400
#define FLOOD_PORTS	20000	/* of peers; those of others are far above */

static __u32 meminfo(struct conn *c, int which)
{
	__u32 info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	CHECK_EQ(c->w, 0, getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, info, &len));
	return info[which];
}

/* Sockets of this namespace in a state, half-open ones among them. */
static int count_state(struct wire *w, int state)
{
	bool kernel = w->kind.family == AF_INET || w->kind.family == AF_INET6;
	char line[512], path[40];
	unsigned int st;
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/net/%s%s", kernel ? "tcp" : "tcpx",
		 w->kind.face == FACE_V4 ? "" : "6");
	f = fopen(path, "r");
	CHECK(w, f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*[^:]: %*s %*s %x", &st) == 1 && (int)st == state)
			n++;
	fclose(f);
	return n;
}

static int count_answers(struct conn *c)
{
	int n = 0;

	while (wire_next(c, QUIET_MS))
		n++;
	return n;
}

/* Answers that tcp_invalid_ratelimit, 500 ms, lets through since @start. */
static int most_answers(__s64 start)
{
	return 2 + (wire_now() - start) / 500000000;
}

/* Another connection, to the same listener. */
static void bystander(struct conn *c, struct conn *of)
{
	conn_init(of->w, c);
	c->listener = of->listener;
	handshake(c, NULL);
	conn_accept(c);
}

/*
 * SYNs from a thousand ports that never answer, beside a connection that goes on: no more
 * than the backlog is kept.
 */
static void flood_with_syns(struct wire *w, struct conn *c, const char *cookies)
{
	struct conn flood;
	int i;

	sysctl_set(w, "tcp_syncookies", cookies);
	sysctl_set(w, "tcp_max_syn_backlog", "32");
	conn_passive(w, c, NULL);
	conn_init(w, &flood);
	flood.lport = PORT;
	for (i = 0; i < FLOOD; i++) {
		flood.pport = FLOOD_PORTS + i;
		tx(&flood, "S seq=0 mss=1000 sackok");
		if (i % 100 == 0)
			check_alive(c);
	}
	CHECK(w, count_state(w, TCP_SYN_RECV) <= 33);
}

CASE(syn_flood)
{
	struct conn late;

	flood_with_syns(w, c, "1");
	CHECK(w, mib(w, "TCPReqQFullDoCookies") >= FLOOD - 33);
	bystander(&late, c);
	check_alive(&late);
	check_alive(c);
}

/* Without cookies a flood keeps new ones out, but not those that are in. */
CASE(syn_flood_without_cookies)
{
	flood_with_syns(w, c, "0");
	CHECK(w, mib(w, "TCPReqQFullDrop") + mib(w, "ListenDrops") >= FLOOD - 33);
	check_alive(c);
}

/* ACKs of connections that are not there: nothing comes of them. */
CASE(ack_flood_at_listener)
{
	struct conn flood;
	int i;

	conn_passive(w, c, NULL);
	conn_init(w, &flood);
	flood.lport = PORT;
	for (i = 0; i < FLOOD; i++) {
		flood.pport = FLOOD_PORTS + i;
		tx(&flood, ". seq=%u ack=%u", 1 + i * 2862933u, i * 3037000u);
		if (i % 100 == 0)
			check_alive(c);
	}
	CHECK_EQ(w, 0, count_state(w, TCP_SYN_RECV));
	CHECK_EQ(w, 1, count_state(w, TCP_ESTABLISHED));
	CHECK(w, !wait_for(c->listener, POLLIN, 0));
	check_alive(c);
}

/*
 * What a connection says to segments it does not want, whoever sends them, is limited; but
 * to those with data, which no loop of ACKs is made of.
 */
CASE(flood_outside_window)
{
	static const char * const lines[] = {
		". seq=%u ack=1", "S seq=%u", "S. seq=%u ack=1 mss=100", "P. seq=%u ack=7",
	};
	__s64 start = wire_now();
	int i;

	conn_passive(w, c, NULL);
	for (i = 0; i < FLOOD; i++)
		tx(c, lines[i % ARRAY_SIZE(lines)], 2000000000u + i * 1000);
	i = count_answers(c);
	CHECK(w, i > 0 && i <= most_answers(start));
	conn_would_block(c);
	c->snd_nxt = 1;
	c->my_ws = -1;
	check_alive(c);
}

/* rfc5961#section-5.2: one who hits the window with a guess of SEQ has to guess ACK too. */
CASE(blind_data_injection)
{
	__s64 start = wire_now();
	int i;

	conn_passive(w, c, NULL);
	for (i = 0; i < 400; i++)
		tx(c, "P. seq=1 ack=%u len=100 fill=88", 100000 + i * 10000000u);
	CHECK(w, count_answers(c) <= most_answers(start));
	conn_would_block(c);
	c->snd_nxt = 1;
	check_alive(c);
}

/* rfc5961#section-3.2: a RST that is not exact costs the guesser the whole window. */
CASE(blind_reset)
{
	__s64 start = wire_now();
	int i;

	conn_passive(w, c, NULL);
	for (i = 1; i < 400; i++)
		tx(c, "R seq=%u", 1 + i * 150);
	CHECK(w, count_answers(c) <= most_answers(start));
	CHECK_EQ(w, 0, sock_error(c->fd));
	c->snd_nxt = 1;
	check_alive(c);
}

/* CVE-2018-5390: every second byte, so that each segment is a hole of its own. */
CASE(out_of_order_exhaustion)
{
	__u32 limit, most = 0, held;
	struct conn other;
	int i;

	conn_passive(w, c, NULL);
	bystander(&other, c);
	/* As long as nobody sets it, it may grow. */
	sock_set(w, c->fd, SOL_SOCKET, SO_RCVBUF, 30000);
	limit = meminfo(c, SK_MEMINFO_RCVBUF);
	for (i = 0; i < 2 * FLOOD; i++) {
		tx(c, ". seq=%u ack=1 len=1", 3 + 2 * i);
		held = meminfo(c, SK_MEMINFO_RMEM_ALLOC);
		most = held > most ? held : most;
		if (i % 100 == 0)
			check_alive(&other);
	}
	/* One segment may go beyond. */
	CHECK(w, most <= limit + 4096);
	CHECK(w, mib(w, "PruneCalled") > 0);
	/* The stream is what it should be, whatever was dropped. */
	c->snd_nxt = 1;
	for (i = 0; i < 6 * FLOOD; i += 1000) {
		tx(c, ". seq=%u ack=1 len=1000", 1 + i);
		conn_read(c, i, 1000);
	}
}

/* Pull the window open: acknowledge all until so many bytes are in flight. */
static __u32 fill_pipe(struct conn *c, __u32 want)
{
	__u32 una = 1, end = 1;
	struct seg *s;

	while (end - una < want) {
		una = end;
		tx(c, ". ack=%u", una);
		while ((s = wire_next(c, QUIET_MS)))
			if ((__s32)(s->seq - c->irs + s->len - end) > 0)
				end = s->seq - c->irs + s->len;
		CHECK(c->w, end != una);
	}
	return una;
}

/*
 * CVE-2019-11477 to 11479: segments as small as they get, and SACK blocks that make
 * crumbs of the retransmit queue. What is queued may not become many times the buffer.
 */
CASE(sack_of_crumbs)
{
	__u32 una, end, at, bound, mss;
	struct conn other;
	struct seg *s;
	int i;

	w->peer_win = 60000;
	conn_passive(w, c, "mss=8 sackok ws=0 ts");
	bystander(&other, c);
	sock_set(w, c->fd, SOL_SOCKET, SO_SNDBUF, 100000);
	conn_write(c, 60000, 0);
	s = wire_next(c, DEADLINE_MS);
	CHECK(w, s && s->len >= 8);
	mss = s->len;
	una = fill_pipe(c, 12000);
	bound = 2 * (meminfo(c, SK_MEMINFO_SNDBUF) + (3 << 16));
	end = una + 12000;
	for (at = una, i = 0; at + 6 * mss < end; at += 6 * mss, i++) {
		tx(c, ". ack=%u sack=%u:%u,%u:%u,%u:%u", una, at + 5 * mss, at + 6 * mss,
		   at + 3 * mss, at + 4 * mss, at + mss, at + 2 * mss);
		CHECK(w, meminfo(c, SK_MEMINFO_WMEM_QUEUED) <= bound);
		if (i % 10 == 0)
			check_alive(&other);
	}
	check_alive(&other);
	/* Whatever it believes by now: all of the stream comes in the end. */
	while (una < 60001) {
		tx(c, ". ack=%u", una);
		while ((s = wire_next(c, QUIET_MS)) && una < 60001)
			if (s->seq - c->irs <= una && s->seq - c->irs + s->len > una)
				una = s->seq - c->irs + s->len;
	}
	tx(c, ". ack=%u", una);
	check_alive(c);
}

/* Peers that ask for much and take nothing: each costs its buffer, and orphans end. */
CASE(slow_readers)
{
	struct conn many[24], other;
	static char data[1 << 16];
	size_t i;

	sysctl_set(w, "tcp_orphan_retries", "1");
	conn_passive(w, &other, NULL);
	for (i = 0; i < ARRAY_SIZE(many); i++) {
		w->peer_win = 0;
		bystander(&many[i], &other);
		while (send(many[i].fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
			;
		CHECK_EQ(w, EAGAIN, errno);
		CHECK(w, meminfo(&many[i], SK_MEMINFO_WMEM_QUEUED) <=
			 meminfo(&many[i], SK_MEMINFO_SNDBUF) + (2 << 16));
	}
	check_alive(&other);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		conn_close(&many[i]);
	for (i = 0; count_state(w, TCP_FIN_WAIT1) && i < 100; i++)
		count_answers(&many[0]);
	CHECK_EQ(w, 0, count_state(w, TCP_FIN_WAIT1));
	check_alive(&other);
}
