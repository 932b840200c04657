// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options. The same calls, good and bad, go to an AF_INET socket and to
 * the one under test: results, errors, lengths and values have to be the same.
 */
#include "api.h"
#include <linux/filter.h>
#include <linux/sock_diag.h>

enum { FRESH = 1, LISTENING = 2, CONNECTED = 4, ANY = 7 };

/* An option whose value is an int. */
struct option {
	int level, name;
	const char *text;
	bool required;	/* otherwise it may be refused with ENOPROTOOPT */
	int states;
};

#define MUST(level, name, states)	{ level, name, #name, true, states }
#define MAY(level, name, states)	{ level, name, #name, false, states }

static const struct option options[] = {
	MUST(SOL_SOCKET, SO_REUSEADDR, ANY),
	MUST(SOL_SOCKET, SO_REUSEPORT, FRESH),
	MUST(SOL_SOCKET, SO_KEEPALIVE, ANY),
	MUST(SOL_SOCKET, SO_RCVBUF, FRESH | LISTENING),
	MUST(SOL_SOCKET, SO_SNDBUF, FRESH | LISTENING),
	MUST(SOL_SOCKET, SO_RCVBUFFORCE, FRESH),
	MUST(SOL_SOCKET, SO_SNDBUFFORCE, FRESH),
	MUST(SOL_SOCKET, SO_RCVLOWAT, ANY),
	MUST(SOL_SOCKET, SO_SNDLOWAT, ANY),
	MUST(SOL_SOCKET, SO_ERROR, ANY),
	MUST(SOL_SOCKET, SO_TYPE, ANY),
	MUST(SOL_SOCKET, SO_DOMAIN, ANY),
	MUST(SOL_SOCKET, SO_ACCEPTCONN, ANY),
	MUST(SOL_SOCKET, SO_OOBINLINE, ANY),
	MUST(SOL_SOCKET, SO_PRIORITY, ANY),
	MUST(SOL_SOCKET, SO_MARK, ANY),
	MUST(SOL_SOCKET, SO_DONTROUTE, FRESH),
	MUST(SOL_SOCKET, SO_BROADCAST, FRESH),
	MUST(SOL_SOCKET, SO_DEBUG, FRESH),
	MUST(SOL_SOCKET, SO_LINGER, ANY),
	MUST(SOL_SOCKET, SO_TIMESTAMP, ANY),
	MUST(SOL_SOCKET, SO_MAX_PACING_RATE, ANY),
	MUST(SOL_SOCKET, 9999, ANY),
	MAY(SOL_SOCKET, SO_PASSCRED, FRESH),
	MAY(SOL_SOCKET, SO_NO_CHECK, FRESH),
	MAY(SOL_SOCKET, SO_BUSY_POLL, FRESH),
	MUST(IPPROTO_TCP, TCP_NODELAY, ANY),
	MUST(IPPROTO_TCP, TCP_CORK, ANY),
	MUST(IPPROTO_TCP, TCP_MAXSEG, ANY),
	MUST(IPPROTO_TCP, TCP_KEEPIDLE, ANY),
	MUST(IPPROTO_TCP, TCP_KEEPINTVL, ANY),
	MUST(IPPROTO_TCP, TCP_KEEPCNT, ANY),
	MUST(IPPROTO_TCP, TCP_SYNCNT, ANY),
	MUST(IPPROTO_TCP, TCP_LINGER2, ANY),
	MUST(IPPROTO_TCP, TCP_DEFER_ACCEPT, ANY),
	MUST(IPPROTO_TCP, TCP_QUICKACK, ANY),
	MUST(IPPROTO_TCP, TCP_USER_TIMEOUT, ANY),
	MAY(IPPROTO_TCP, TCP_WINDOW_CLAMP, FRESH | LISTENING),
	MAY(IPPROTO_TCP, TCP_NOTSENT_LOWAT, ANY),
	MUST(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, ANY),
	MUST(IPPROTO_TCP, TCP_THIN_DUPACK, ANY),
	MAY(IPPROTO_TCP, TCP_SAVE_SYN, ANY),
	MUST(IPPROTO_TCP, 0, ANY),
	MUST(IPPROTO_TCP, 9999, ANY),
	MUST(IPPROTO_IP, IP_TOS, ANY),
	MUST(IPPROTO_IP, IP_TTL, ANY),
	MAY(IPPROTO_IP, IP_MTU_DISCOVER, ANY),
	MAY(IPPROTO_IP, IP_RECVERR, ANY),
	MAY(IPPROTO_IP, IP_FREEBIND, FRESH),
	MAY(IPPROTO_IP, IP_MINTTL, ANY),
	MAY(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, FRESH),
	MAY(IPPROTO_IP, IP_MTU, ANY),
	MAY(IPPROTO_IP, IP_PKTINFO, FRESH),
	MAY(IPPROTO_IP, IP_RECVTTL, FRESH),
	MAY(IPPROTO_IP, IP_HDRINCL, FRESH),
	MUST(IPPROTO_IP, 9999, ANY),
	/* Unknown to IPv4 sockets, which have no such level. */
	MUST(IPPROTO_IPV6, IPV6_V6ONLY, ANY),
	MUST(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ANY),
	MUST(IPPROTO_IPV6, IPV6_TCLASS, ANY),
	MAY(IPPROTO_IPV6, IPV6_MTU_DISCOVER, ANY),
	MAY(IPPROTO_IPV6, IPV6_MTU, ANY),
	MAY(IPPROTO_IPV6, IPV6_RECVERR, ANY),
	MAY(IPPROTO_IPV6, IPV6_FREEBIND, FRESH),
	MAY(IPPROTO_IPV6, IPV6_MINHOPCOUNT, ANY),
	MAY(IPPROTO_IPV6, IPV6_DONTFRAG, ANY),
	MAY(IPPROTO_IPV6, IPV6_RECVPKTINFO, FRESH),
	MAY(IPPROTO_IPV6, IPV6_RECVTCLASS, FRESH),
	MAY(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, ANY),
	MUST(IPPROTO_IPV6, 9999, ANY),
	/* Levels that a TCP has not. */
	MUST(IPPROTO_UDP, 1, ANY),
	MUST(12345, 1, ANY),
};

/* What a getsockopt() gave. */
struct answer {
	long ret;
	socklen_t len;
	uint8_t value[16];
};

static struct answer ask(int fd, const struct option *o, socklen_t len)
{
	struct answer a = { .len = len };

	memset(a.value, 0xa5, sizeof(a.value));
	a.ret = SYS(getsockopt(fd, o->level, o->name, a.value, &a.len));
	return a;
}

static long tell(int fd, const struct option *o, int value, socklen_t len)
{
	int pair[2] = { value, 0 };

	return SYS(setsockopt(fd, o->level, o->name, pair, len));
}

/* Refusing an option that need not be there is no difference. */
static bool same(const struct option *o, const struct answer *inet,
		 const struct answer *mine)
{
	if (!o->required && mine->ret == -ENOPROTOOPT)
		return true;
	return !memcmp(inet, mine, sizeof(*inet));
}

static void explain(const struct option *o, const char *what, int value,
		    const struct answer *inet, const struct answer *mine)
{
	const struct answer *a[2] = { inet, mine };
	int i, num[2];

	for (i = 0; i < 2; i++)
		memcpy(&num[i], a[i]->value, sizeof(int));
	fprintf(stderr,
		"#  level %d %s, %s %d: AF_INET %ld (len %u, %d), here %ld (len %u, %d)\n",
		o->level, o->text, what, value, inet->ret, inet->len, num[0],
		mine->ret, mine->len, num[1]);
}

/* Two sockets in the same state, one of AF_INET and one of FAMILY. */
static void make(int state, int family, int *inet, int *mine)
{
	int *fds[2] = { inet, mine }, families[2] = { AF_INET, family }, i;
	struct sockaddr_in addr;

	for (i = 0; i < 2; i++) {
		if (state == CONNECTED) {
			api_listener(families[i], &addr);
			*fds[i] = api_connected(families[i], &addr);
		} else {
			*fds[i] = api_socket(families[i], 0);
			if (state == LISTENING && listen(*fds[i], 1))
				api_die("listen");
		}
	}
}

FIXTURE(option) { int unused; };

API_FAMILY_VARIANTS(option);

FIXTURE_SETUP(option)
{
	API_BEGIN(variant->family);
}

FIXTURE_TEARDOWN(option)
{
}

/* Call CASE(o, inet, mine) for each option in each state that suits it. */
#define FOR_EACH_OPTION(o, inet, mine)					\
	for (int _s = FRESH; _s <= CONNECTED; _s <<= 1)			\
		for (make(_s, variant->family, &(inet), &(mine)), (o) = options; \
		     (o) < options + ARRAY_SIZE(options); (o)++)	\
			if ((o)->states & _s)

TEST_F(option, initial_value)
{
	const struct option *o;
	struct answer a, b;
	int inet, mine;

	FOR_EACH_OPTION(o, inet, mine) {
		a = ask(inet, o, sizeof(a.value));
		b = ask(mine, o, sizeof(b.value));
		EXPECT_TRUE(same(o, &a, &b))
			explain(o, "initially", 0, &a, &b);
	}
}

/* Odd lengths of the buffer for a value. */
TEST_F(option, get_length)
{
	static const socklen_t lens[] = { 0, 1, 2, 3, 4, 5, 8, -1 };
	const struct option *o;
	struct answer a, b;
	int inet, mine;
	size_t i;

	FOR_EACH_OPTION(o, inet, mine) {
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			a = ask(inet, o, lens[i]);
			b = ask(mine, o, lens[i]);
			EXPECT_TRUE(same(o, &a, &b))
				explain(o, "get length", lens[i], &a, &b);
		}
	}
}

TEST_F(option, set_length)
{
	static const socklen_t lens[] = { 0, 1, 2, 3, 5, 8, -1 };
	struct answer a = { 0 }, b = { 0 };
	const struct option *o;
	int inet, mine;
	size_t i;

	FOR_EACH_OPTION(o, inet, mine) {
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			a.ret = tell(inet, o, 1, lens[i]);
			b.ret = tell(mine, o, 1, lens[i]);
			EXPECT_TRUE(same(o, &a, &b))
				explain(o, "set length", lens[i], &a, &b);
		}
	}
}

/* Values in and out of range, and what is read back after each. */
TEST_F(option, values)
{
	static const int values[] = {
		0, 1, 2, 3, 7, 50, 64, 87, 88, 127, 128, 253, 254, 255, 256,
		1000, 32767, 32768, 65495, 65535, 65536, 1000000, INT32_MAX,
		-1, -2, INT32_MIN, 1, 0,
	};
	const struct option *o;
	struct answer a, b;
	int inet, mine;
	size_t i;

	FOR_EACH_OPTION(o, inet, mine) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			memset(&a, 0, sizeof(a));
			memset(&b, 0, sizeof(b));
			a.ret = tell(inet, o, values[i], sizeof(int));
			b.ret = tell(mine, o, values[i], sizeof(int));
			EXPECT_TRUE(same(o, &a, &b))
				explain(o, "set", values[i], &a, &b);
			a = ask(inet, o, sizeof(int));
			b = ask(mine, o, sizeof(int));
			EXPECT_TRUE(same(o, &a, &b))
				explain(o, "get after", values[i], &a, &b);
		}
	}
}

/*
 * Whatever number one tries: no option that kernel TCP refuses succeeds, and
 * none that it has does nothing and says it did.
 */
TEST_F(option, unknown)
{
	static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP };
	int inet = api_socket(AF_INET, 0), mine;
	struct option o = { .text = "" };
	struct answer a, b;
	size_t i;

	mine = api_socket(variant->family, 0);
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		o.level = levels[i];
		for (o.name = 60; o.name < 300; o.name++) {
			/* SO_*_NEW, SO_COOKIE and the like are generic. */
			if (o.level == SOL_SOCKET && o.name < 120)
				continue;
			a = ask(inet, &o, sizeof(int));
			b = ask(mine, &o, sizeof(int));
			EXPECT_EQ(a.ret, b.ret)
				explain(&o, "get of", o.name, &a, &b);
			a.ret = tell(inet, &o, 1, sizeof(int));
			b.ret = tell(mine, &o, 1, sizeof(int));
			EXPECT_EQ(a.ret, b.ret)
				explain(&o, "set of", o.name, &a, &b);
		}
	}
	/* Those that kernel TCP has: refused, or as there. */
	o.level = IPPROTO_TCP;
	for (o.name = 0; o.name < 60; o.name++) {
		/* 38 to 42 (TCP-AO) and 44 to 46 not every kernel has, and we on all. */
		if ((o.name >= 38 && o.name <= 42) || (o.name >= 44 && o.name <= 46) ||
		    o.name == TCP_REPAIR || o.name == TCP_CC_INFO ||
		    o.name == TCP_INFO || o.name == TCP_ZEROCOPY_RECEIVE ||
		    o.name == TCP_TIMESTAMP)
			continue;
		a.ret = tell(inet, &o, 1, sizeof(int));
		b.ret = tell(mine, &o, 1, sizeof(int));
		EXPECT_TRUE(b.ret == a.ret || b.ret == -ENOPROTOOPT)
			explain(&o, "set of", o.name, &a, &b);
		a = ask(inet, &o, sizeof(int));
		b = ask(mine, &o, sizeof(int));
		EXPECT_TRUE(b.ret == -ENOPROTOOPT ||
			    !memcmp(&a, &b, sizeof(a)))
			explain(&o, "get of", o.name, &a, &b);
	}
}

/* The sysctl is for new sockets, not for those that are dissolved. */
TEST_F(option, rto_min_of_a_dissolved_socket)
{
	static const char *const knobs[] = { "ipv4/tcp_rto_min_us", "tcpx/tcp_rto_min_us" };
	bool own = access("/proc/sys/net/ipv4/tcp_rto_min_us", F_OK);
	int fd = api_socket(variant->family, 0), val;
	socklen_t len = sizeof(val);

	if (getsockopt(fd, IPPROTO_TCP, 45 /* TCP_RTO_MIN_US */, &val, &len))
		SKIP(return, "no TCP_RTO_MIN_US before 6.15");
	api_sysctl(knobs[own], "40000");
	fd = api_socket(variant->family, 0);
	EXPECT_EQ(40000, api_getopt(fd, IPPROTO_TCP, 45));
	EXPECT_EQ(0, api_dissolve(fd));
	EXPECT_EQ(200000, api_getopt(fd, IPPROTO_TCP, 45));
}

/* A clock of milliseconds, which is what an even value says from 6.7 on. */
TEST_F(option, timestamp_says_its_unit)
{
	int fd = api_socket(variant->family, 0), odd = 0, i;

	for (i = 0; i < 20; i++) {
		odd += api_getopt(fd, IPPROTO_TCP, TCP_TIMESTAMP) & 1;
		api_pause();
	}
	if (odd && variant->family == AF_INET)
		SKIP(return, "kernel TCP does not say it before 6.7");
	EXPECT_EQ(0, odd);
}

TEST_F(option, congestion_control)
{
	static const struct { const char *name; socklen_t len; int expected; } c[] = {
		{ "reno", 4, 0 }, { "reno", 5, 0 }, { "cubic", 16, 0 },
		{ "nosuch", 6, -ENOENT }, { "", 0, -EINVAL }, { "", 1, -ENOENT },
	};
	int fd = api_socket(variant->family, 0), status;
	char name[32] = "";
	socklen_t len = sizeof(name);
	size_t i;
	pid_t pid;

	api_sysctl("ipv4/tcp_congestion_control", "reno");
	fd = api_socket(variant->family, 0);
	EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_STREQ("reno", name);
	EXPECT_EQ(16, len);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		EXPECT_EQ(c[i].expected,
			  SYS(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION,
					 c[i].name, c[i].len)))
			TH_LOG("\"%s\" length %u", c[i].name, c[i].len);
	}
	len = sizeof(name);
	EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_STREQ("cubic", name);
	/* A short buffer gets a part of it. */
	len = 3;
	memset(name, 0, sizeof(name));
	EXPECT_EQ(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	EXPECT_EQ(3, len);
	EXPECT_STREQ("cub", name);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_drop_root();
		/* tcp_allowed_congestion_control is what everybody may have. */
		_exit(SYS(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno",
				     4)) != 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(option, privileges)
{
	static const struct { int level, name, expected; } c[] = {
		{ SOL_SOCKET, SO_MARK, -EPERM },
		{ SOL_SOCKET, SO_RCVBUFFORCE, -EPERM },
		{ SOL_SOCKET, SO_SNDBUFFORCE, -EPERM },
		{ SOL_SOCKET, SO_DEBUG, -EACCES },
		{ IPPROTO_IP, IP_TRANSPARENT, -EPERM },
		{ IPPROTO_IP, IP_TTL, 0 },
		{ IPPROTO_TCP, TCP_NODELAY, 0 },
	};
	int fd = api_socket(variant->family, 0), status;
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int one = 1;

			api_drop_root();
			_exit(-SYS(setsockopt(fd, c[i].level, c[i].name, &one,
					      sizeof(one))));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(c[i].expected, -WEXITSTATUS(status))
			TH_LOG("level %d option %d", c[i].level, c[i].name);
	}
}

API_PAIR_FIXTURE(effect);

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		api_die("TCP_INFO");
	return info;
}

TEST_F(effect, tcp_info)
{
	static uint8_t buf[100000];
	struct tcp_info c, s;
	socklen_t len = 8;
	uint8_t raw[sizeof(struct tcp_info) + 64];

	api_send(self->c, buf, sizeof(buf));
	api_recv(self->s, buf, sizeof(buf));
	ASSERT_TRUE(API_WAIT(!info_of(self->c).tcpi_unacked));
	c = info_of(self->c);
	s = info_of(self->s);
	EXPECT_EQ(ST_ESTABLISHED, c.tcpi_state);
	EXPECT_EQ(TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE,
		  c.tcpi_options & ~(TCPI_OPT_ECN | TCPI_OPT_ECN_SEEN));
	EXPECT_EQ(c.tcpi_options, s.tcpi_options);
	EXPECT_EQ(c.tcpi_snd_wscale + 0, s.tcpi_rcv_wscale + 0);
	EXPECT_EQ(s.tcpi_snd_wscale + 0, c.tcpi_rcv_wscale + 0);
	/* Bounded by what the peer's window has been, too. */
	EXPECT_LE(10000, c.tcpi_snd_mss);
	EXPECT_GE(65483, c.tcpi_snd_mss);
	EXPECT_EQ(variant->face == API_V6 ? 65464 : 65483, c.tcpi_advmss);
	EXPECT_EQ(100000, s.tcpi_bytes_received);
	/* The SYN's sequence number counts on the side that opened. */
	EXPECT_EQ(100001, c.tcpi_bytes_acked);
	/* A loaded machine may make a tail loss probe of it. */
	EXPECT_EQ(100000, c.tcpi_bytes_sent - c.tcpi_bytes_retrans);
	EXPECT_EQ(!c.tcpi_total_retrans, !c.tcpi_bytes_retrans);
	EXPECT_LE(2, c.tcpi_data_segs_out);
	EXPECT_LE(2, s.tcpi_data_segs_in);
	EXPECT_LT(c.tcpi_data_segs_out, c.tcpi_segs_out);
	EXPECT_LT(0, c.tcpi_rtt);
	EXPECT_LE(200000, c.tcpi_rto);
	EXPECT_LE(2, c.tcpi_snd_cwnd);
	EXPECT_LT(0, c.tcpi_min_rtt);
	EXPECT_GT(API_DEADLINE_MS, c.tcpi_last_data_sent);

	/* As much of it as there is room for, and no more than there is. */
	memset(raw, 0xa5, sizeof(raw));
	ASSERT_EQ(0, getsockopt(self->c, IPPROTO_TCP, TCP_INFO, raw, &len));
	EXPECT_EQ(8, len);
	EXPECT_EQ(ST_ESTABLISHED, raw[0]);
	EXPECT_EQ(0xa5, raw[8]);
	len = 0;
	EXPECT_EQ(0, SYS(getsockopt(self->c, IPPROTO_TCP, TCP_INFO, raw,
				    &len)));
	EXPECT_EQ(0, len);
}

/* TCP_MAXSEG, set before, bounds the segments of both directions. */
TEST_F(effect, maxseg)
{
	int c = api_socket(variant->client, 0), s;

	api_opt(c, IPPROTO_TCP, TCP_MAXSEG, 1000);
	EXPECT_EQ(1000, api_getopt(c, IPPROTO_TCP, TCP_MAXSEG));
	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	s = api_accept(self->l);
	EXPECT_EQ(988, api_getopt(s, IPPROTO_TCP, TCP_MAXSEG));
	EXPECT_EQ(988, api_getopt(c, IPPROTO_TCP, TCP_MAXSEG));
	EXPECT_LT(10000, api_getopt(self->c, IPPROTO_TCP, TCP_MAXSEG));
}

TEST_F(effect, filter)
{
	char x = 0;

	api_deafen(self->s);
	api_send(self->c, "f", 1);
	EXPECT_EQ(0, api_events(self->s, POLLIN, API_QUIET_MS));
	api_opt(self->s, SOL_SOCKET, SO_DETACH_FILTER, 0);
	/* A retransmission gets through. */
	api_recv(self->s, &x, 1);
	EXPECT_EQ('f', x);
	EXPECT_LT(0, info_of(self->c).tcpi_total_retrans);
	EXPECT_EQ(-ENOENT, SYS(setsockopt(self->s, SOL_SOCKET,
					  SO_DETACH_FILTER, &x, 4)));
}

/* Bytes of buffers that the send queue is charged with. */
static int queued_memory(int fd)
{
	return api_memory(fd, SK_MEMINFO_WMEM_QUEUED);
}

/* Small segments are sent again as one: the books have to balance after it. */
TEST_F(effect, retransmission_of_small_segments)
{
	char buf[4] = "";

	api_opt(self->c, IPPROTO_TCP, TCP_NODELAY, 1);
	api_deafen(self->s);
	api_send(self->c, "1", 1);
	api_send(self->c, "2", 1);
	api_send(self->c, "3", 1);
	ASSERT_TRUE(API_WAIT(info_of(self->c).tcpi_total_retrans));
	api_opt(self->s, SOL_SOCKET, SO_DETACH_FILTER, 0);
	api_recv(self->s, buf, 3);
	EXPECT_STREQ("123", buf);
	EXPECT_TRUE(API_WAIT(!queued_memory(self->c)));
	api_send(self->c, buf, 3);
	EXPECT_TRUE(API_WAIT(!queued_memory(self->c)));
}

/* A listener's filter sees the segments that want to open a connection. */
TEST_F(effect, filter_of_a_listener)
{
	int c, s;

	api_deafen(self->l);
	c = api_socket(variant->client, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	api_opt(self->l, SOL_SOCKET, SO_DETACH_FILTER, 0);
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
	s = api_accept(self->l);
	EXPECT_EQ(ST_ESTABLISHED, api_state(s));
}

TEST_F(effect, user_timeout)
{
	char x;

	api_deafen(self->s);
	api_opt(self->c, IPPROTO_TCP, TCP_USER_TIMEOUT, 500);
	api_send(self->c, "x", 1);
	ASSERT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE));
	EXPECT_EQ(-ETIMEDOUT, SYS(recv(self->c, &x, 1, 0)));
}

TEST_F(effect, keepalive)
{
	char x;

	/* Kept alive by its answers, as long as it gives them. */
	api_opt(self->s, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	api_opt(self->s, SOL_SOCKET, SO_KEEPALIVE, 1);
	api_opt(self->c, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	api_opt(self->c, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	api_opt(self->c, IPPROTO_TCP, TCP_KEEPCNT, 1);
	api_opt(self->c, SOL_SOCKET, SO_KEEPALIVE, 1);
	ASSERT_TRUE(API_WAIT(info_of(self->c).tcpi_last_ack_recv < 500 &&
			     info_of(self->c).tcpi_segs_out >= 3));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->c));
	api_deafen(self->s);
	api_deafen(self->c);
	ASSERT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE));
	EXPECT_EQ(-ETIMEDOUT, SYS(recv(self->c, &x, 1, 0)));
}

/* TCP_NODELAY sends a small segment although another is under way. */
TEST_F(effect, nagle)
{
	unsigned int before;

	api_deafen(self->s);
	api_send(self->c, "1", 1);
	before = info_of(self->c).tcpi_data_segs_out;
	EXPECT_LE(1, before);
	api_send(self->c, "2", 1);
	EXPECT_LT(0, info_of(self->c).tcpi_notsent_bytes);
	api_opt(self->c, IPPROTO_TCP, TCP_NODELAY, 1);
	EXPECT_EQ(0, info_of(self->c).tcpi_notsent_bytes);
}

TEST_HARNESS_MAIN
