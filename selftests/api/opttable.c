// SPDX-License-Identifier: GPL-2.0
/*
 * Every socket option there can be, by number, in each state of a socket: what kernel
 * TCP answers, AF_TCPX answers, result, length and value, but for what the table
 * says below. The calls are odd ones too: values out of range, lengths too short and
 * too long, pointers to nothing.
 */
#include "api.h"
#include "states.h"
#include <sys/mman.h>

enum difference {
	VALUE = 1,	/* the same result, another value: it is the socket's own */
	REFUSED = 2,	/* AF_TCPX has no such option: ENOPROTOOPT */
	SEEN = 4,	/* what the kernel does not let modules see */
	MORE = 8,	/* kernel TCP has none, in older kernels */
	NAME = 16,	/* set by name, and for a wrong one modprobe is asked: it is not set here */
};

/* What is different, and why; README.md has the same list for its readers. */
static const struct {
	int level, name, how;
	const char *why;
} different[] = {
	{ SOL_SOCKET, 38, VALUE, "SO_PROTOCOL: 0x606, not to be taken for kernel TCP" },
	{ SOL_SOCKET, 57, VALUE, "SO_COOKIE: each has its own" },
	{ SOL_SOCKET, 28, VALUE, "SO_PEERNAME: each has its own port" },
	{ SOL_SOCKET, 55, VALUE, "SO_MEMINFO: sizes of the sockets' own structures" },
	{ SOL_SOCKET, 49, VALUE, "SO_INCOMING_CPU: where the last segment came in" },
	{ SOL_SOCKET, 7, VALUE, "SO_SNDBUF: grows as a connection goes" },
	{ SOL_SOCKET, 8, VALUE, "SO_RCVBUF: grows as a connection goes" },
	{ SOL_SOCKET, 59, VALUE, "SO_PEERGROUPS: of local sockets" },
	{ SOL_SOCKET, SO_PEEK_OFF, MORE, "" },
	{ SOL_SOCKET, 60, SEEN, "SO_ZEROCOPY: TCPX_ZEROCOPY is there" },
	{ SOL_SOCKET, 37, SEEN, "SO_TIMESTAMPING: OPT_ID before there is a connection" },
	{ SOL_SOCKET, 65, SEEN, "SO_TIMESTAMPING_NEW: the same" },
	{ SOL_SOCKET, 74, SEEN, "SO_TXREHASH: 7.3 lets TCP only read it" },
	{ SOL_SOCKET, 80, REFUSED, "SO_DEVMEM_DONTNEED: no device memory" },
	{ IPPROTO_IP, 52, VALUE, "IP_PROTOCOL: the port, of 6.1's stream sockets" },
	{ IPPROTO_TCP, TCP_CONGESTION, NAME, "" },
	{ IPPROTO_TCP, TCP_ULP, NAME, "" },
	{ IPPROTO_TCP, TCP_QUICKACK, VALUE, "follows the traffic: whether a FIN was answered yet" },
	{ IPPROTO_TCP, TCP_INFO, VALUE, "times, and what each connection has seen" },
	{ IPPROTO_TCP, TCP_CC_INFO, VALUE, "the same" },
	{ IPPROTO_TCP, TCP_TIMESTAMP, VALUE, "a clock" },
	{ IPPROTO_TCP, TCP_REPAIR, REFUSED, "no checkpoint and restart" },
	{ IPPROTO_TCP, TCP_REPAIR_QUEUE, REFUSED, "the same" },
	{ IPPROTO_TCP, TCP_QUEUE_SEQ, REFUSED, "the same" },
	{ IPPROTO_TCP, TCP_REPAIR_OPTIONS, REFUSED, "the same" },
	{ IPPROTO_TCP, TCP_REPAIR_WINDOW, REFUSED, "the same" },
	{ IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, REFUSED, "no mmap" },
	{ IPPROTO_TCP, TCP_TX_DELAY, REFUSED, "a testing aid: netem does it" },
	{ IPPROTO_TCP, 38, MORE, "TCP_AO_ADD_KEY: of Debian's kernels 7.3 has it" },
	{ IPPROTO_TCP, 39, MORE, "TCP_AO_DEL_KEY" },
	{ IPPROTO_TCP, 40, MORE, "TCP_AO_INFO" },
	{ IPPROTO_TCP, 41, MORE, "TCP_AO_GET_KEYS" },
	{ IPPROTO_TCP, 42, MORE, "TCP_AO_REPAIR" },
	{ IPPROTO_TCP, 44, MORE, "TCP_RTO_MAX_MS: since 6.15" },
	{ IPPROTO_TCP, 45, MORE, "TCP_RTO_MIN_US" },
	{ IPPROTO_TCP, 46, MORE, "TCP_DELACK_MAX_US" },
};

static int how_different(int level, int name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(different); i++)
		if (different[i].level == level && different[i].name == name)
			return different[i].how;
	return 0;
}

static const struct {
	int level, last;
} levels[] = {
	{ SOL_SOCKET, 99 }, { IPPROTO_IP, 69 }, { IPPROTO_IPV6, 89 }, { IPPROTO_TCP, 59 },
	{ IPPROTO_UDP, 3 }, { IPPROTO_RAW, 3 },
};

/* One call; a length of 1 << 16 or more is a pointer to nothing, with the rest of it. */
#define BAD	(1 << 16)

struct call {
	bool set;
	int value;
	int len;
};

static const struct call calls[] = {
	{ false, 0, 4 }, { false, 0, 0 }, { false, 0, 1 }, { false, 0, 3 }, { false, 0, 200 },
	{ false, 0, -1 }, { false, 0, BAD + 4 },
	{ true, 1, 4 }, { false, 0, 4 }, { true, 0, 4 }, { false, 0, 4 }, { true, 2, 4 },
	{ true, 100, 4 }, { false, 0, 4 }, { true, -1, 4 }, { false, 0, 4 },
	{ true, INT32_MAX, 4 }, { true, INT32_MIN, 4 }, { false, 0, 4 },
	{ true, 1, 0 }, { true, 1, 1 }, { true, 1, 3 }, { true, 1, 8 }, { true, 1, 16 },
	{ true, 1, 200 }, { true, 1, -1 }, { true, 1, BAD + 4 }, { true, 0, BAD },
	{ false, 0, 64 },
};

struct answer {
	long ret;
	socklen_t len;
	uint8_t value[256];
};

static struct answer ask(int fd, int level, int name, const struct call *c)
{
	void *bad = (void *)8;
	struct answer a = { .len = c->len < BAD ? c->len : c->len - BAD };

	if (c->set) {
		memcpy(a.value, &c->value, sizeof(c->value));
		a.ret = SYS(setsockopt(fd, level, name, c->len < BAD ? a.value : bad, a.len));
		memset(a.value, 0, sizeof(a.value));
	} else {
		a.ret = SYS(getsockopt(fd, level, name, c->len < BAD ? a.value : bad, &a.len));
	}
	return a;
}

static void explain(enum state state, int level, int name, const struct call *c,
		    const struct answer *inet, const struct answer *mine)
{
	int v[2];

	memcpy(&v[0], inet->value, sizeof(int));
	memcpy(&v[1], mine->value, sizeof(int));
	fprintf(stderr,
		"#  %s, level %d option %d, %s %d length %d: AF_INET %ld (len %d, %d), here %ld (len %d, %d)\n",
		states[state].name, level, name, c->set ? "set" : "get", c->value, c->len,
		inet->ret, inet->len, v[0], mine->ret, mine->len, v[1]);
}

/* Is the answer kernel TCP's, or another one as the table allows? */
static bool agrees(int how, const struct answer *inet, const struct answer *mine)
{
	if (mine->ret == inet->ret &&
	    (how & (VALUE | SEEN) || (mine->len == inet->len &&
				      !memcmp(mine->value, inet->value, sizeof(inet->value)))))
		return true;
	if ((how & REFUSED) && (mine->ret == -ENOPROTOOPT || mine->ret == -EINVAL ||
				mine->ret == -EFAULT || mine->ret == -EBADF))
		return true;
	if ((how & MORE) && (inet->ret == -EOPNOTSUPP || inet->ret == -ENOPROTOOPT))
		return true;
	/* There one gets EINVAL, or it works. */
	return (how & SEEN) && (mine->ret == -EOPNOTSUPP || inet->ret == -EINVAL || !inet->ret);
}

FIXTURE(table) { int unused; };

API_FAMILY_VARIANTS(table);

FIXTURE_SETUP(table)
{
	API_BEGIN(variant->family);
}

FIXTURE_TEARDOWN(table)
{
}

static int differences_of(enum state state, int family, int level, int name)
{
	struct made inet = make(AF_INET, state), mine = make(family, state);
	int how = how_different(level, name), n = 0;
	struct answer a, b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if ((how & NAME) && calls[i].set && calls[i].len > 0 && calls[i].len < BAD)
			continue;
		a = ask(inet.fd, level, name, &calls[i]);
		b = ask(mine.fd, level, name, &calls[i]);
		if (agrees(how, &a, &b))
			continue;
		if (!n++)
			explain(state, level, name, &calls[i], &a, &b);
	}
	unmake(&inet);
	unmake(&mine);
	return n;
}

static int differences_in(enum state state, int family)
{
	int n = 0, name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		for (name = 0; name <= levels[i].last; name++)
			n += differences_of(state, family, levels[i].level, name);
	return n;
}

TEST_F(table, fresh)
{
	EXPECT_EQ(0, differences_in(FRESH, variant->family));
}

TEST_F(table, bound)
{
	EXPECT_EQ(0, differences_in(BOUND, variant->family));
}

TEST_F(table, listening)
{
	EXPECT_EQ(0, differences_in(LISTENING, variant->family));
}

TEST_F_TIMEOUT(table, connected, 120)
{
	EXPECT_EQ(0, differences_in(CONNECTED, variant->family));
}

TEST_F_TIMEOUT(table, closed_by_the_peer, 120)
{
	EXPECT_EQ(0, differences_in(CLOSED, variant->family));
}

/* What can't be had, in a program's words. */
TEST_F(table, refused)
{
	struct made m = make(variant->family, CONNECTED);
	void *map = mmap(NULL, 65536, PROT_READ, MAP_SHARED, m.fd, 0);

	EXPECT_EQ(variant->family == AF_TCPX, map == MAP_FAILED);
	EXPECT_TRUE(map != MAP_FAILED || errno == ENODEV);
	unmake(&m);
}

TEST_HARNESS_MAIN
