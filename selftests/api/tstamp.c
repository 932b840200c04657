// SPDX-License-Identifier: GPL-2.0
/* Time stamps: of what is received, and of what is sent, on the error queue. */
#include "api.h"
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/netlink.h>
#include <sys/uio.h>

#define REPORT	(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | \
		 SOF_TIMESTAMPING_OPT_TSONLY)
#define ALL_TX	(SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | \
		 SOF_TIMESTAMPING_TX_ACK)

API_PAIR_FIXTURE(tstamp);

static double seconds(const struct timespec *ts)
{
	return ts->tv_sec + ts->tv_nsec / 1e9;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return seconds(&ts);
}

/* --- received ------------------------------------------------------------- */

/* What came with a byte: kinds of stamps, and the time. */
struct got {
	int types;	/* how many control messages of SOL_SOCKET */
	int type;	/* the last one's */
	double when;
};

static struct got receive(int fd)
{
	char control[512], x[100];
	struct iovec iov = { x, sizeof(x) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct got got = { 0 };
	struct timespec ts;
	struct timeval tv;
	struct cmsghdr *cm;

	if (recvmsg(fd, &msg, 0) <= 0)
		api_die("recvmsg: %s", strerror(errno));
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET)
			continue;
		got.types++;
		got.type = cm->cmsg_type;
		if (cm->cmsg_type == SO_TIMESTAMP || cm->cmsg_type == SO_TIMESTAMP_NEW) {
			memcpy(&tv, CMSG_DATA(cm), sizeof(tv));
			got.when = tv.tv_sec + tv.tv_usec / 1e6;
		} else {
			/* The first of SCM_TIMESTAMPING's three is such a one, too. */
			memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
			got.when = seconds(&ts);
		}
	}
	return got;
}

/* Stamps begin some time after they were asked for: the host turns them on by a work. */
static struct got stamped(int from, int to)
{
	struct got got = { 0 };

	API_WAIT((api_send(from, "x", 1), got = receive(to), got.types));
	return got;
}

TEST_F(tstamp, receive)
{
	static const struct { int name, value; } c[] = {
		{ SO_TIMESTAMP, 1 }, { SO_TIMESTAMPNS, 1 }, { SO_TIMESTAMP_NEW, 1 },
		{ SO_TIMESTAMPNS_NEW, 1 },
		{ SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE },
		{ SO_TIMESTAMPING_NEW,
		  SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE },
	};
	struct got got;
	double before;
	size_t i;

	api_send(self->c, "x", 1);
	EXPECT_EQ(0, receive(self->s).types);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		api_opt(self->s, SOL_SOCKET, c[i].name, c[i].value);
		stamped(self->c, self->s);
		before = now();
		got = stamped(self->c, self->s);
		EXPECT_EQ(1, got.types);
		EXPECT_EQ(c[i].name, got.type);
		EXPECT_LE(before - 1e-6, got.when);
		EXPECT_GE(now(), got.when);
		api_opt(self->s, SOL_SOCKET, c[i].name, 0);
	}
}

/* Both kinds at once; of two segments read together, the later one's. */
TEST_F(tstamp, receive_last)
{
	struct got got;
	double between;
	int queued;

	api_opt(self->s, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	api_opt(self->s, SOL_SOCKET, SO_TIMESTAMPING,
		SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
	stamped(self->c, self->s);
	EXPECT_EQ(2, stamped(self->c, self->s).types);
	api_send(self->c, "a", 1);
	ASSERT_TRUE(api_readable(self->s));
	between = now();
	api_send(self->c, "b", 1);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) && queued == 2));
	got = receive(self->s);
	EXPECT_LE(between - 1e-6, got.when);
}

/* --- sent ----------------------------------------------------------------- */

/* A message of the error queue. */
struct stamp {
	int type;		/* SCM_TSTAMP_* */
	uint32_t id;
	double when;
	uint64_t stats;		/* bit for each TCP_NLA_* */
	uint64_t value[64];	/* theirs */
	int len;		/* data that came with it */
	uint8_t data[300];
};

static void parse_stats(struct stamp *s, struct cmsghdr *cm)
{
	uint8_t *p = CMSG_DATA(cm), *end = (uint8_t *)cm + cm->cmsg_len;
	struct nlattr nla;

	for (; p + sizeof(nla) <= end; p += NLA_ALIGN(nla.nla_len)) {
		memcpy(&nla, p, sizeof(nla));
		if (nla.nla_len < sizeof(nla) || nla.nla_type >= 64)
			api_die("attribute %u of length %u", nla.nla_type, nla.nla_len);
		s->stats |= 1ULL << nla.nla_type;
		memcpy(&s->value[nla.nla_type], p + sizeof(nla),
		       nla.nla_len - sizeof(nla) < 8 ? nla.nla_len - sizeof(nla) : 8);
	}
}

static bool next_stamp(int fd, struct stamp *s)
{
	const struct sock_extended_err *e;
	const struct scm_timestamping *t;
	char control[1024];
	struct iovec iov = { s->data, sizeof(s->data) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm;

	memset(s, 0, sizeof(*s));
	s->type = -1;
	s->len = -1;
	while (s->len < 0) {
		if (!(api_events(fd, 0, API_DEADLINE_MS) & POLLERR))
			return false;
		s->len = recvmsg(fd, &msg, MSG_ERRQUEUE);
	}
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_TIMESTAMPING) {
			t = (void *)CMSG_DATA(cm);
			s->when = seconds((void *)&t->ts[0]);
		} else if (cm->cmsg_level == SOL_SOCKET &&
			   cm->cmsg_type == SCM_TIMESTAMPING_OPT_STATS) {
			parse_stats(s, cm);
		} else {
			e = (void *)CMSG_DATA(cm);
			if (e->ee_errno != ENOMSG || e->ee_origin != SO_EE_ORIGIN_TIMESTAMPING)
				api_die("message: errno %u, origin %u", e->ee_errno, e->ee_origin);
			s->type = e->ee_info;
			s->id = e->ee_data;
		}
	}
	return true;
}

/* No more of them. */
static bool nothing_more(int fd)
{
	struct msghdr msg = { 0 };

	return SYS(recvmsg(fd, &msg, MSG_ERRQUEUE)) == -EAGAIN;
}

static void want(int fd, int flags)
{
	api_opt(fd, SOL_SOCKET, SO_TIMESTAMPING, flags);
}

static void swallow(int fd, size_t len)
{
	static uint8_t buf[1 << 20];

	api_recv(fd, buf, len);
}

/* Each step of each write's last byte, in its order. */
TEST_F(tstamp, sent)
{
	static const int steps[] = { SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SCM_TSTAMP_ACK };
	struct stamp s;
	double last;
	uint32_t i, j;

	want(self->c, ALL_TX | REPORT);
	for (i = 0; i < 3; i++) {
		last = now();
		api_send(self->c, "0123456789", 10);
		swallow(self->s, 10);
		for (j = 0; j < 3; j++) {
			ASSERT_TRUE(next_stamp(self->c, &s));
			EXPECT_EQ(steps[j], s.type);
			EXPECT_EQ(10 * i + 9, s.id);
			EXPECT_LE(last - 1e-6, s.when);
			EXPECT_EQ(0, s.len);
			last = s.when;
		}
		EXPECT_GE(now(), last);
	}
	EXPECT_TRUE(nothing_more(self->c));
	/* Asked for no more. */
	want(self->c, 0);
	api_send(self->c, "x", 1);
	swallow(self->s, 1);
	ASSERT_TRUE(API_WAIT(api_state(self->c) == ST_ESTABLISHED));
	EXPECT_TRUE(nothing_more(self->c));
}

/* Each step alone; a message makes the socket readable for errors, and only so. */
TEST_F(tstamp, each_alone)
{
	static const struct { int flag, type; } c[] = {
		{ SOF_TIMESTAMPING_TX_SCHED, SCM_TSTAMP_SCHED },
		{ SOF_TIMESTAMPING_TX_SOFTWARE, SCM_TSTAMP_SND },
		{ SOF_TIMESTAMPING_TX_ACK, SCM_TSTAMP_ACK },
	};
	struct stamp s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		want(self->c, c[i].flag | REPORT);
		api_send(self->c, "abc", 3);
		swallow(self->s, 3);
		EXPECT_EQ(POLLERR, api_events(self->c, POLLIN, API_DEADLINE_MS));
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(c[i].type, s.type);
		EXPECT_TRUE(nothing_more(self->c));
		EXPECT_EQ(0, api_events(self->c, POLLIN, 0));
		EXPECT_EQ(0, api_getopt(self->c, SOL_SOCKET, SO_ERROR));
		want(self->c, 0);
	}
}

/* Without OPT_TSONLY the data come too: with all headers, but for the ACK. */
TEST_F(tstamp, with_data)
{
	struct stamp s;
	int i;

	want(self->c, (ALL_TX | REPORT) & ~SOF_TIMESTAMPING_OPT_TSONLY);
	api_send(self->c, "payload", 7);
	swallow(self->s, 7);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(6, s.id);
		EXPECT_EQ(s.type == SCM_TSTAMP_ACK, s.len == 7);
		ASSERT_LE(7, s.len);
		EXPECT_EQ(0, memcmp(s.data + s.len - 7, "payload", 7));
	}
}

/* OPT_ID counts from where the socket is when it is set, and again when set again. */
TEST_F(tstamp, ids)
{
	struct stamp s;
	int round;

	for (round = 0; round < 2; round++) {
		api_send(self->c, "0123456789", 10);
		swallow(self->s, 10);
		ASSERT_TRUE(API_WAIT(!ioctl(self->c, TIOCOUTQ, &s.len) && !s.len));
		want(self->c, SOF_TIMESTAMPING_TX_ACK | REPORT);
		api_send(self->c, "abcde", 5);
		swallow(self->s, 5);
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(4, s.id);
		/* A change of the others does not matter. */
		want(self->c, SOF_TIMESTAMPING_TX_SCHED | REPORT);
		api_send(self->c, "f", 1);
		swallow(self->s, 1);
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(5, s.id);
		want(self->c, 0);
	}
	/* Without it there are none. */
	want(self->c, (SOF_TIMESTAMPING_TX_ACK | REPORT) & ~SOF_TIMESTAMPING_OPT_ID);
	api_send(self->c, "g", 1);
	swallow(self->s, 1);
	ASSERT_TRUE(next_stamp(self->c, &s));
	EXPECT_EQ(0, s.id);
}

#ifndef SOF_TIMESTAMPING_OPT_ID_TCP
#define SOF_TIMESTAMPING_OPT_ID_TCP	(1 << 16)
#endif

/* OPT_ID_TCP counts from what is written, OPT_ID from what is acknowledged. */
TEST_F(tstamp, ids_with_data_under_way)
{
	static const int flags[] = { 0, SOF_TIMESTAMPING_OPT_ID_TCP };
	static const uint32_t expected[] = { 14, 4 };
	struct stamp s;
	int i, val;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, api_sh("ip link set lo down"));
		api_send(self->c, "0123456789", 10);
		val = SOF_TIMESTAMPING_TX_ACK | REPORT | flags[i];
		if (setsockopt(self->c, SOL_SOCKET, SO_TIMESTAMPING, &val, sizeof(val)))
			SKIP(return, "this kernel has no OPT_ID_TCP");
		api_send(self->c, "abcde", 5);
		ASSERT_EQ(0, api_sh("ip link set lo up"));
		swallow(self->s, 15);
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(expected[i], s.id);
		want(self->c, 0);
	}
}

/* Wanted for one write only: by a control message. */
TEST_F(tstamp, by_control_message)
{
	union {
		struct cmsghdr cm;
		char space[CMSG_SPACE(sizeof(uint32_t))];
	} u = { .cm = {
		.cmsg_level = SOL_SOCKET, .cmsg_type = SO_TIMESTAMPING,
		.cmsg_len = CMSG_LEN(sizeof(uint32_t)),
	} };
	struct iovec iov = { "cmsg", 4 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	uint32_t flags = SOF_TIMESTAMPING_TX_ACK;
	struct stamp s;

	want(self->c, REPORT);
	memcpy(CMSG_DATA(&u.cm), &flags, sizeof(flags));
	api_send(self->c, "none", 4);
	ASSERT_EQ(4, SYS(sendmsg(self->c, &msg, 0)));
	api_send(self->c, "none", 4);
	swallow(self->s, 12);
	ASSERT_TRUE(next_stamp(self->c, &s));
	EXPECT_EQ(SCM_TSTAMP_ACK, s.type);
	EXPECT_EQ(7, s.id);
	EXPECT_TRUE(nothing_more(self->c));
	/* What is reported can't be said there. */
	flags = SOF_TIMESTAMPING_SOFTWARE;
	memcpy(CMSG_DATA(&u.cm), &flags, sizeof(flags));
	EXPECT_EQ(-EINVAL, SYS(sendmsg(self->c, &msg, 0)));
}

/* A write of many segments, cut up again as it goes: its last byte only. */
TEST_F(tstamp, of_many_segments)
{
	enum { LEN = 300000 };
	static uint8_t out[LEN];
	struct stamp s;
	int seen[3] = { 0 };

	ASSERT_EQ(0, api_sh("ip link set lo mtu 1500"));
	self->c = api_connected(variant->client, &self->addr);
	self->s = api_accept(self->l);
	want(self->c, ALL_TX | REPORT);
	api_nonblock(self->c);
	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 2 * LEN);
	ASSERT_EQ(LEN, SYS(send(self->c, out, LEN, 0)));
	swallow(self->s, LEN);
	do {
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(LEN - 1, s.id);
		ASSERT_LE(0, s.type);
		ASSERT_GT(3, s.type);
		seen[s.type]++;
	} while (s.type != SCM_TSTAMP_ACK);
	EXPECT_EQ(1, seen[SCM_TSTAMP_ACK]);
	/* A loaded machine may send it again. */
	EXPECT_LE(1, seen[SCM_TSTAMP_SCHED]);
	EXPECT_LE(1, seen[SCM_TSTAMP_SND]);
	EXPECT_TRUE(nothing_more(self->c));
}

/* OPT_STATS: the state of the connection with each stamp. */
TEST_F(tstamp, stats)
{
	const uint64_t known = ((1ULL << (TCP_NLA_TTL + 1)) - 1) & ~(1ULL << TCP_NLA_PAD);
	int i, bad = SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_SOFTWARE;
	struct stamp s;
	uint64_t all;

	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->c, SOL_SOCKET, SO_TIMESTAMPING, &bad, 4)));
	api_send(self->c, "0123456789", 10);
	swallow(self->s, 10);
	ASSERT_TRUE(API_WAIT(!ioctl(self->c, TIOCOUTQ, &i) && !i));
	want(self->c, ALL_TX | REPORT | SOF_TIMESTAMPING_OPT_STATS);
	api_send(self->c, "0123456789", 10);
	swallow(self->s, 10);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(next_stamp(self->c, &s));
		EXPECT_EQ(9, s.id);
		/* The hop limit is that of the ACK; REHASH is not in every kernel. */
		all = known & ~(1ULL << TCP_NLA_TTL);
		if (s.type == SCM_TSTAMP_ACK) {
			all = known;
			EXPECT_EQ(64, s.value[TCP_NLA_TTL]);
		}
		EXPECT_EQ(all, s.stats & known)
			TH_LOG("step %d", s.type);
		EXPECT_LE(1, s.value[TCP_NLA_DATA_SEGS_OUT]);
		EXPECT_LE(10, s.value[TCP_NLA_BYTES_SENT]);
		EXPECT_LT(0, s.value[TCP_NLA_SRTT]);
		EXPECT_LT(0, s.value[TCP_NLA_MIN_RTT]);
		EXPECT_LE(2, s.value[TCP_NLA_SND_CWND]);
		EXPECT_EQ(3, s.value[TCP_NLA_REORDERING]);
		EXPECT_LT(0, s.value[TCP_NLA_EDT]);
		EXPECT_EQ(s.type == SCM_TSTAMP_ACK ? 0 : 10, s.value[TCP_NLA_SNDQ_SIZE]);
	}
}

/* Nothing to count from before there is a connection. */
TEST_F(tstamp, ids_need_a_connection)
{
	int fd = api_socket(variant->client, 0), one = 1, flags = REPORT;
	bool seen = !setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) &&
		    !setsockopt(self->l, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one));

	if (!seen)
		SKIP(return, "this kernel does not show modules what is set");
	EXPECT_EQ(-EINVAL, SYS(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, 4)));
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->l, SOL_SOCKET, SO_TIMESTAMPING, &flags, 4)));
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->c, SOL_SOCKET, SO_TIMESTAMPING, &flags, 3)));
	EXPECT_EQ(0, SYS(setsockopt(self->c, SOL_SOCKET, SO_TIMESTAMPING, &flags, 4)));
	EXPECT_EQ(flags, api_getopt(self->c, SOL_SOCKET, SO_TIMESTAMPING));
}

TEST_HARNESS_MAIN
