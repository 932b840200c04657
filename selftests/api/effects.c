// SPDX-License-Identifier: GPL-2.0
/*
 * What some options do, beyond that they can be set and read: TCP_INQ, SO_TXTIME,
 * SO_BUSY_POLL, SO_MARK, SO_PRIORITY, IP_TRANSPARENT and TCP_NOTSENT_LOWAT; and sockmap,
 * which has to refuse a socket that is none of the kernel's.
 */
#include "api.h"
#include <linux/bpf.h>
#include <linux/net_tstamp.h>
#include <sys/syscall.h>

#define CM_INQ	36	/* TCP_CM_INQ */

API_PAIR_FIXTURE(effects);

/* --- TCP_INQ -------------------------------------------------------------- */

enum { NO_HINT = -1, CUT_OFF = -2 };

/* Read up to @len bytes: what is left in the queue, as the control message says. */
static int read_with_hint(int fd, size_t len, int flags, size_t room)
{
	char control[256], buf[256];
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = room,
	};
	struct cmsghdr *cm;
	int hint;

	if (recvmsg(fd, &msg, flags) < 0)
		api_die("recvmsg: %s", strerror(errno));
	if (msg.msg_flags & MSG_CTRUNC)
		return CUT_OFF;
	cm = CMSG_FIRSTHDR(&msg);
	if (!cm)
		return NO_HINT;
	if (cm->cmsg_level != IPPROTO_TCP || cm->cmsg_type != CM_INQ ||
	    cm->cmsg_len != CMSG_LEN(sizeof(hint)) || CMSG_NXTHDR(&msg, cm))
		api_die("not TCP_CM_INQ");
	memcpy(&hint, CMSG_DATA(cm), sizeof(hint));
	return hint;
}

TEST_F(effects, inq)
{
	int two = 2;
	char buf[100] = "";

	api_send(self->c, buf, 100);
	ASSERT_TRUE(API_WAIT(read_with_hint(self->s, 200, MSG_PEEK, 256) == NO_HINT &&
			     recv(self->s, buf, 100, MSG_PEEK) == 100));
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->s, IPPROTO_TCP, TCP_INQ, &two, sizeof(two))));
	api_opt(self->s, IPPROTO_TCP, TCP_INQ, 1);
	EXPECT_EQ(100, read_with_hint(self->s, 30, MSG_PEEK, 256));
	EXPECT_EQ(70, read_with_hint(self->s, 30, 0, 256));
	EXPECT_EQ(CUT_OFF, read_with_hint(self->s, 10, 0, 8));
	EXPECT_EQ(0, read_with_hint(self->s, 60, 0, 256));

	/* The end counts as a byte: read again. */
	api_send(self->c, buf, 10);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	EXPECT_EQ(6, read_with_hint(self->s, 5, 0, 256));
	EXPECT_EQ(1, read_with_hint(self->s, 5, 0, 256));
	api_opt(self->s, IPPROTO_TCP, TCP_INQ, 0);
	EXPECT_EQ(NO_HINT, read_with_hint(self->s, 5, 0, 256));
}

/* --- SO_TXTIME ------------------------------------------------------------ */

/* Send a byte with a control message of @len bytes, MSG_FASTOPEN to an address. */
static long send_with(int fd, int type, uint64_t value, size_t len, const struct sockaddr_in *to)
{
	struct sockaddr_in6 name;
	union {
		char buf[CMSG_SPACE(16)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = CMSG_SPACE(len),
		.msg_name = to ? &name : NULL, .msg_namelen = to ? api_sockaddr(to, &name) : 0,
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = type;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), &value, len < sizeof(value) ? len : sizeof(value));
	return SYS(sendmsg(fd, &msg, MSG_NOSIGNAL | (to ? MSG_FASTOPEN : 0)));
}

/* Send a byte at a time to come; the message is of @len bytes. */
static long send_at(int fd, uint64_t when, size_t len)
{
	return send_with(fd, SCM_TXTIME, when, len, NULL);
}

/* A stream takes the time, and goes when it likes. */
TEST_F(effects, txtime)
{
	uint64_t hour = 3600ULL * 1000000000;
	struct sock_txtime txtime = { .clockid = CLOCK_MONOTONIC }, got;
	socklen_t len = sizeof(got);
	char x = 0;

	EXPECT_EQ(-EINVAL, send_at(self->c, hour, sizeof(hour)));
	ASSERT_EQ(0, setsockopt(self->c, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime)));
	ASSERT_EQ(0, getsockopt(self->c, SOL_SOCKET, SO_TXTIME, &got, &len));
	EXPECT_EQ(CLOCK_MONOTONIC, got.clockid);
	EXPECT_EQ(-EINVAL, send_at(self->c, hour, 4));
	EXPECT_EQ(1, send_at(self->c, api_now_ms() * 1000000 + hour, sizeof(hour)));
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

/* --- bad control messages ------------------------------------------------- */

/* What is not allowed is not a mistake: newer kernel TCP tells. */
TEST_F(effects, mark_of_a_message)
{
	long ret;
	char x;

	EXPECT_EQ(1, send_with(self->c, SO_MARK, 7, 4, NULL));
	api_recv(self->s, &x, 1);
	api_drop_root();
	ret = send_with(self->c, SO_MARK, 7, 4, NULL);
	EXPECT_TRUE(ret == -EPERM || (ret == -EINVAL && variant->client == AF_INET));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
}

/* Device memory that is not there: no other memory is sent instead of it. */
TEST_F(effects, no_device_memory)
{
	char x;

	EXPECT_EQ(-EINVAL, send_with(self->c, 79 /* SCM_DEVMEM_DMABUF */, 4711, 4, NULL));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
}

/* The data goes with the SYN; that the rest does not is an error all the same. */
TEST_F(effects, bad_message_with_fastopen)
{
	int c = api_socket(variant->client, 0), s;
	char x;

	/* Without cookies on both sides. */
	api_sysctl("ipv4/tcp_fastopen", "%d", 0x207);
	api_opt(self->l, IPPROTO_TCP, TCP_FASTOPEN, 5);
	EXPECT_EQ(-EINVAL, send_with(c, 99, 7, 4, &self->addr));
	s = api_accept(self->l);
	EXPECT_EQ(1, recv(s, &x, 1, MSG_DONTWAIT));
}

/* --- SO_BUSY_POLL --------------------------------------------------------- */

/* Who polls busily waits no longer than he said, and gets what comes. */
TEST_F(effects, busy_poll)
{
	struct pollfd pfd = { .fd = self->s, .events = POLLIN };
	int wrong = -1;
	char x = 0;

	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->s, SOL_SOCKET, SO_BUSY_POLL, &wrong,
					  sizeof(wrong))));
	api_opt(self->s, SOL_SOCKET, SO_BUSY_POLL, 1000);
	EXPECT_EQ(1000, api_getopt(self->s, SOL_SOCKET, SO_BUSY_POLL));
	api_timeout(self->s, SO_RCVTIMEO, 20);
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, poll(&pfd, 1, 1));
	api_send(self->c, "y", 1);
	EXPECT_EQ(1, poll(&pfd, 1, API_DEADLINE_MS));
	api_recv(self->s, &x, 1);
	EXPECT_EQ('y', x);
}

/* --- SO_MARK, SO_PRIORITY ------------------------------------------------- */

/* Packets that the only rule has counted. */
static long counted(void)
{
	FILE *f = popen("nft list table inet t", "r");
	char line[256], *at;
	long n = -1;

	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, "counter packets ");
		if (at)
			n = atol(at + strlen("counter packets "));
	}
	if (!f || pclose(f) || n < 0)
		api_die("nft list");
	return n;
}

/* What a byte from one end to the other adds to it. */
static long counts(int from, int to)
{
	long before = counted();
	char x;

	api_send(from, "x", 1);
	api_recv(to, &x, 1);
	return counted() - before;
}

/* Rules see what the socket says of its packets, from the next one on. */
TEST_F(effects, mark_and_priority_are_matched)
{
	static const struct { int name, value; const char *match; } cases[] = {
		{ SO_MARK, 7, "meta mark 7" }, { SO_PRIORITY, 7, "meta priority 0:7" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (api_sh("nft 'table inet t { chain c { %s; tcp dport %d %s counter; }; }'",
			   "type filter hook output priority 0", ntohs(self->addr.sin_port),
			   cases[i].match))
			SKIP(return, "no nft");
		EXPECT_EQ(0, counts(self->c, self->s));
		api_opt(self->c, SOL_SOCKET, cases[i].name, cases[i].value);
		/* More than one if the machine stalls. */
		EXPECT_LE(1, counts(self->c, self->s));
		/* Those the other way, the other end says. */
		EXPECT_EQ(cases[i].value, api_getopt(self->c, SOL_SOCKET, cases[i].name));
		EXPECT_EQ(0, api_getopt(self->s, SOL_SOCKET, cases[i].name));
		api_opt(self->c, SOL_SOCKET, cases[i].name, 5);
		EXPECT_EQ(0, counts(self->c, self->s));
		EXPECT_EQ(0, api_sh("nft delete table inet t"));
	}
}

/* Only what has the mark gets to or from the port: rules that stand before those of lo. */
static bool only_marked(const char *version)
{
	static const char * const rules[] = {
		"add pref 40 fwmark 7 lookup local", "add pref 50 ipproto tcp dport 7000 prohibit",
		"add pref 51 ipproto tcp sport 7000 prohibit", "add pref 100 lookup local",
		"del pref 0",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (api_sh("ip %s rule %s", version, rules[i]))
			return false;
	return true;
}

/* Of both ends: the answer to a SYN goes as the listener is marked, or as the SYN was. */
TEST_F(effects, mark_decides_the_route)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 7000);
	int l = api_bound(variant->server, "0.0.0.0", 7000), c, s, by_syn;
	char x = 0;

	ASSERT_EQ(0, listen(l, 1));
	ASSERT_TRUE(only_marked(variant->face == API_V6 ? "-6" : "-4"));
	for (by_syn = 0; by_syn < 2; by_syn++) {
		api_opt(l, SOL_SOCKET, SO_MARK, by_syn ? 0 : 7);
		api_sysctl("ipv4/tcp_fwmark_accept", "%d", by_syn);
		c = api_socket(variant->client, 0);
		EXPECT_EQ(-EACCES, SYS(api_connect(c, &addr)));
		api_opt(c, SOL_SOCKET, SO_MARK, 7);
		ASSERT_EQ(0, SYS(api_connect(c, &addr)));
		s = api_accept(l);
		EXPECT_EQ(7, api_getopt(s, SOL_SOCKET, SO_MARK));
		api_send(c, "x", 1);
		api_recv(s, &x, 1);
		EXPECT_EQ('x', x);
		close(c);
		close(s);
	}
	/* Nobody marks the answer. */
	api_sysctl("ipv4/tcp_fwmark_accept", "0");
	c = api_socket(variant->client, SOCK_NONBLOCK);
	api_opt(c, SOL_SOCKET, SO_MARK, 7);
	ASSERT_EQ(-EINPROGRESS, SYS(api_connect(c, &addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	close(c);
	close(l);
}

/* --- IP_TRANSPARENT ------------------------------------------------------- */

/* Answering for addresses that are not the host's, which routing brings here. */
TEST_F(effects, transparent)
{
	struct sockaddr_in addr = api_addr("10.9.0.1", 7000), name;
	int l = api_bound(variant->server, "0.0.0.0", 7000), c, s;
	const char *version = variant->face == API_V6 ? "-6" : "-4", *ip = api_ip("10.9.0.1/32");
	char x = 0;

	ASSERT_EQ(0, listen(l, 4));
	ASSERT_EQ(0, api_sh("ip %s route add local %s dev lo table 7 src %s", version, ip,
			    api_ip("127.0.0.1")));
	ASSERT_EQ(0, api_sh("ip %s rule add to %s lookup 7", version, ip));
	/* IPv6 lets everybody send from any address. */
	if (variant->face != API_V6) {
		c = api_socket(variant->client, SOCK_NONBLOCK);
		ASSERT_EQ(-EINPROGRESS, SYS(api_connect(c, &addr)));
		EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
		close(c);
		api_opt(l, IPPROTO_IP, IP_TRANSPARENT, 1);
	} else {
		api_opt(l, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
	}
	c = api_connected(variant->client, &addr);
	s = api_accept(l);
	ASSERT_EQ(0, api_name(s, &name));
	EXPECT_EQ(addr.sin_addr.s_addr, name.sin_addr.s_addr);
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	api_send(s, &x, 1);
	api_recv(c, &x, 1);
	EXPECT_EQ('x', x);
	close(c);
	close(s);
	close(l);
}

/* --- TCP_NOTSENT_LOWAT ---------------------------------------------------- */

#define SIOCOUTQNSD	0x894B

static int not_sent(int fd)
{
	int n;

	if (ioctl(fd, SIOCOUTQNSD, &n))
		api_die("SIOCOUTQNSD");
	return n;
}

static bool writable(int fd)
{
	return api_events(fd, POLLOUT, 0) & POLLOUT;
}

/*
 * No more is taken while that much has not been sent, however large the buffer, and POLLOUT
 * comes when it is half of that.
 */
TEST_F(effects, notsent_lowat)
{
	enum { LOW = 40000, CHUNK = 16384 };
	static uint8_t buf[2 << 20];
	size_t took, got = 0;
	ssize_t n;

	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 20000);
	api_opt(self->c, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20);
	api_opt(self->c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, LOW);
	took = api_fill(self->c);
	EXPECT_LE(LOW, not_sent(self->c));
	EXPECT_GE(LOW + 4 * CHUNK, not_sent(self->c));
	EXPECT_FALSE(writable(self->c));
	EXPECT_EQ(-EAGAIN, SYS(send(self->c, buf, 1, MSG_DONTWAIT)));

	/* With another limit there is room, and with this one there is not. */
	api_opt(self->c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 8 * LOW);
	EXPECT_TRUE(writable(self->c));
	api_opt(self->c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, LOW);
	EXPECT_FALSE(writable(self->c));

	while (got < took && !writable(self->c)) {
		n = recv(self->s, buf, 1000, MSG_DONTWAIT);
		if (n > 0)
			got += n;
		else
			ASSERT_TRUE(api_readable(self->s));
	}
	EXPECT_GT(took, got);
	EXPECT_GT(LOW / 2, not_sent(self->c));
	EXPECT_EQ(1, send(self->c, buf, 1, MSG_DONTWAIT));
}

/* --- sockmap -------------------------------------------------------------- */

static int map_of_sockets(int type)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = 4, .value_size = 4, .max_entries = 1,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long put(int map, int fd)
{
	int key = 0;
	union bpf_attr attr = {
		.map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&fd,
	};

	return SYS(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)));
}

TEST_F(effects, sockmap)
{
	static const int types[] = { BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH };
	bool other = variant->client == AF_TCPX;
	char x = 0;
	size_t i;
	int map;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		map = map_of_sockets(types[i]);
		if (map < 0)
			SKIP(return, "no sockmap: %s", strerror(errno));
		EXPECT_EQ(other ? -EOPNOTSUPP : 0, put(map, self->c));
		close(map);
	}
	/* It is what it was. */
	api_send(self->c, "x", 1);
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

TEST_HARNESS_MAIN
