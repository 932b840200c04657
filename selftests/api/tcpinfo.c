// SPDX-License-Identifier: GPL-2.0
/*
 * TCP_INFO, field by field, of the struct that the running kernel has: the same traffic
 * goes over AF_INET and over the family under test, and both ends of both are compared.
 * The variant of AF_INET compares kernel TCP with itself, which proves the bounds.
 */
#include "api.h"

#define ROOM	512	/* more than the struct of any kernel */
/* Places of some fields */
#define TOTAL_RETRANS	100
#define REORD_SEEN	220
#define RCV_OOOPACK	224
#define TRIES	5

enum how {
	SAME,		/* no matter of time: equal */
	NEAR,		/* depends on how segments were cut and merged: in its order of size */
	SET,		/* a time or a rate: zero only where kernel TCP's is */
	TIME,		/* a time that may well be zero: bounded */
};

/*
 * By place, for the headers that this was built with may be older than the kernel. Left
 * out is what the traffic here does not move.
 */
static const struct field {
	const char *name;
	int at, size;
	enum how how;
} fields[] = {
	{ "state", 0, 1, SAME },
	{ "ca_state", 1, 1, SAME },
	{ "retransmits", 2, 1, SAME },
	{ "probes", 3, 1, SAME },
	{ "backoff", 4, 1, SAME },
	{ "options", 5, 1, SAME },
	{ "snd_wscale and rcv_wscale", 6, 1, SAME },
	{ "rto", 8, 4, NEAR },
	{ "ato", 12, 4, NEAR },
	{ "snd_mss", 16, 4, NEAR },
	{ "rcv_mss", 20, 4, NEAR },
	{ "unacked", 24, 4, SAME },
	{ "sacked", 28, 4, SAME },
	{ "lost", 32, 4, SAME },
	{ "retrans", 36, 4, SAME },
	{ "fackets", 40, 4, SAME },
	{ "last_data_sent", 44, 4, TIME },
	{ "last_ack_sent", 48, 4, SAME },
	{ "last_data_recv", 52, 4, TIME },
	{ "last_ack_recv", 56, 4, TIME },
	{ "pmtu", 60, 4, SAME },
	{ "rcv_ssthresh", 64, 4, NEAR },
	{ "rtt", 68, 4, SET },
	{ "rttvar", 72, 4, SET },
	{ "snd_ssthresh", 76, 4, SET },
	{ "snd_cwnd", 80, 4, NEAR },
	{ "advmss", 84, 4, SAME },
	{ "reordering", 88, 4, SAME },
	{ "rcv_space", 96, 4, NEAR },
	{ "total_retrans", TOTAL_RETRANS, 4, SAME },
	{ "pacing_rate", 104, 8, SET },
	{ "max_pacing_rate", 112, 8, SAME },
	{ "bytes_acked", 120, 8, SAME },
	{ "bytes_received", 128, 8, SAME },
	{ "segs_out", 136, 4, NEAR },
	{ "segs_in", 140, 4, NEAR },
	{ "notsent_bytes", 144, 4, SAME },
	{ "min_rtt", 148, 4, SET },
	{ "data_segs_in", 152, 4, NEAR },
	{ "data_segs_out", 156, 4, NEAR },
	{ "delivery_rate", 160, 8, SET },
	{ "delivered", 192, 4, NEAR },
	{ "delivered_ce", 196, 4, SAME },
	{ "bytes_sent", 200, 8, NEAR },
	{ "reord_seen", REORD_SEEN, 4, SAME },
	{ "rcv_ooopack", RCV_OOOPACK, 4, SAME },
	{ "snd_wnd", 228, 4, NEAR },
	{ "rcv_wnd", 232, 4, NEAR },
	{ "rehash", 236, 4, SAME },
	{ "total_rto", 240, 2, SAME },
	{ "total_rto_recoveries", 242, 2, SAME },
	{ "total_rto_time", 244, 4, SAME },
	{ "received_ce", 248, 4, SAME },
	{ "delivered_e1_bytes", 252, 4, SAME },
	{ "delivered_e0_bytes", 256, 4, SAME },
	{ "delivered_ce_bytes", 260, 4, SAME },
	{ "received_e1_bytes", 264, 4, SAME },
	{ "received_e0_bytes", 268, 4, SAME },
	{ "received_ce_bytes", 272, 4, SAME },
};

static uint64_t value(const uint8_t *info, const struct field *f)
{
	uint64_t v = 0;

	memcpy(&v, info + f->at, f->size);
	return v;
}

static bool agrees(const struct field *f, uint64_t inet, uint64_t mine)
{
	switch (f->how) {
	case SAME:
		return inet == mine;
	case NEAR:
		return mine <= 20 * inet + 20 && inet <= 20 * mine + 20 && !inet == !mine;
	case SET:
		return !inet == !mine;
	case TIME:
		break;
	}
	return mine < (uint64_t)API_DEADLINE_MS;
}

static int differences(const char *what, const uint8_t *inet, const uint8_t *mine,
		       socklen_t len)
{
	const struct field *f;
	int n = 0;

	for (f = fields; f < fields + ARRAY_SIZE(fields); f++) {
		uint64_t a = value(inet, f), b = value(mine, f);

		if (f->at + f->size > (int)len || agrees(f, a, b))
			continue;
		n++;
		fprintf(stderr, "#  %s: tcpi_%s: AF_INET %llu, here %llu\n", what, f->name,
			(unsigned long long)a, (unsigned long long)b);
	}
	return n;
}

struct ends {
	int c, s;
	socklen_t len;
	uint8_t of_c[ROOM], of_s[ROOM], of_l[ROOM];
};

static socklen_t get_info(int fd, uint8_t *info)
{
	socklen_t len = ROOM;

	memset(info, 0, ROOM);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len))
		api_die("TCP_INFO");
	return len;
}

static bool all_acked(int fd)
{
	uint8_t info[ROOM];
	uint32_t unacked;

	get_info(fd, info);
	memcpy(&unacked, info + 24, sizeof(unacked));
	return !unacked;
}

/* Both ways, the client's first. */
static void traffic(struct ends *e, int family)
{
	static uint8_t buf[100000];
	struct sockaddr_in addr;
	int l = api_listener(family, &addr), i;

	e->c = api_connected(family, &addr);
	/* The last ACK of the handshake may come later than connect() returns. */
	if (!api_readable(l))
		api_die("nothing to accept");
	get_info(l, e->of_l);
	e->s = api_accept(l);
	for (i = 0; i < 5; i++) {
		api_send(e->c, buf, sizeof(buf));
		api_recv(e->s, buf, sizeof(buf));
		api_send(e->s, buf, 1000);
		api_recv(e->c, buf, 1000);
	}
	if (!API_WAIT(all_acked(e->c) && all_acked(e->s)))
		api_die("not acknowledged");
	e->len = get_info(e->c, e->of_c);
	get_info(e->s, e->of_s);
	close(l);
}

static bool disturbed(const uint8_t *info)
{
	static const int signs[] = { TOTAL_RETRANS, REORD_SEEN, RCV_OOOPACK };
	uint32_t n, any = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signs); i++) {
		memcpy(&n, info + signs[i], sizeof(n));
		any |= n;
	}
	return any;
}

/*
 * A machine that stalls for longer than the timeout makes either stack retransmit, and two
 * processors that send for the same socket reorder: once more.
 */
static void smooth_traffic(struct ends *e, int family)
{
	int tries;

	for (tries = 1;; tries++) {
		traffic(e, family);
		if (tries == TRIES || (!disturbed(e->of_c) && !disturbed(e->of_s)))
			return;
		close(e->c);
		close(e->s);
	}
}

FIXTURE(info) { struct ends inet, mine; };

API_FAMILY_VARIANTS(info);

FIXTURE_SETUP(info)
{
	API_BEGIN(variant->family);
	/* A tail loss probe on a loaded machine would be a difference. */
	api_sysctl("ipv4/tcp_early_retrans", "0");
	/* The next one begins without what was learnt of reordering. */
	api_sysctl("ipv4/tcp_no_metrics_save", "1");
	smooth_traffic(&self->inet, AF_INET);
	smooth_traffic(&self->mine, variant->family);
}

FIXTURE_TEARDOWN(info)
{
}

TEST_F(info, each_field)
{
	ASSERT_EQ(self->inet.len, self->mine.len);
	EXPECT_LE(232, self->mine.len);
	EXPECT_EQ(0, differences("client", self->inet.of_c, self->mine.of_c, self->mine.len));
	EXPECT_EQ(0, differences("server", self->inet.of_s, self->mine.of_s, self->mine.len));
	EXPECT_EQ(0, differences("listener", self->inet.of_l, self->mine.of_l, self->mine.len));
}

/* As much as there is room for, the length of it, and not a byte more. */
TEST_F(info, each_length)
{
	uint8_t raw[ROOM];
	socklen_t room, len;

	for (room = 0; room < ROOM; room++) {
		memset(raw, 0xa5, sizeof(raw));
		len = room;
		ASSERT_EQ(0, getsockopt(self->mine.c, IPPROTO_TCP, TCP_INFO, raw, &len));
		ASSERT_EQ(room < self->inet.len ? room : self->inet.len, len);
		for (; len < ROOM; len++)
			ASSERT_EQ(0xa5, raw[len]);
	}
}

TEST_HARNESS_MAIN
