// SPDX-License-Identifier: GPL-2.0
/* Network namespaces and netfilter: the host's rules bind TCPX too. */
#include "api.h"
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

API_LISTENER_FIXTURE(netns);

/* What one namespace has is not there in another. */
TEST_F(netns, separate)
{
	int port = ntohs(self->addr.sin_port), fd, status;
	pid_t pid;

	api_sysctl("ipv4/tcp_rmem", "4096 55555 6291456");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_netns();
		fd = api_socket(variant->client, 0);
		if (SYS(api_connect(fd, &self->addr)) != -ECONNREFUSED)
			_exit(1);
		if (api_getopt(fd, SOL_SOCKET, SO_RCVBUF) == 55555)
			_exit(2);
		if (api_tcp_row(variant->server, port, 0, 0))
			_exit(3);
		/* The port is free here, for either family. */
		close(api_bound(variant->server, "127.0.0.1", port));
		fd = api_socket(variant->client, 0);
		if (!API_WAIT(!api_bind(fd, &self->addr)))
			_exit(4);
		_exit(listen(fd, 1) ? 5 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_TRUE(api_tcp_row(variant->server, port, 0, ST_LISTEN));
	EXPECT_LE(0, api_connected(variant->client, &self->addr));
}

/* A socket belongs to the namespace of its birth, wherever its owner goes. */
TEST_F(netns, socket_stays)
{
	int fd = api_socket(variant->client, 0), s;
	char x;

	api_netns();
	EXPECT_EQ(0, SYS(api_connect(fd, &self->addr)));
	s = api_accept(self->l);
	api_send(s, "x", 1);
	api_recv(fd, &x, 1);
	EXPECT_EQ('x', x);
	/* New ones are made here. */
	fd = api_socket(variant->client, 0);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(fd, &self->addr)));
}

/*
 * A namespace goes although orphans and TIME_WAIT entries are left in it. Its
 * end of a veth pair goes with it, and so does ours: that is how we know.
 */
TEST_F(netns, deleted_with_sockets)
{
	int ready[2], go[2], status, l, c, s;
	struct sockaddr_in addr;
	pid_t pid;
	char x;

	ASSERT_EQ(0, pipe(ready) ?: pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_netns();
		if (write(ready[1], "r", 1) != 1 || read(go[0], &x, 1) != 1)
			_exit(1);
		l = api_listener(variant->server, &addr);
		/* TIME_WAIT */
		c = api_connected(variant->client, &addr);
		s = api_accept(l);
		close(c);
		close(s);
		/* An orphan with data that the other one does not take. */
		c = api_connected(variant->client, &addr);
		s = api_accept(l);
		api_fill(c);
		close(c);
		/* Connections that nobody accepts. */
		api_connected(variant->client, &addr);
		/* An attempt under way, and bound ports. */
		c = api_socket(variant->client, SOCK_NONBLOCK);
		api_connect(c, &addr);
		api_bound(variant->client, "127.0.0.1", 0);
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &x, 1));
	if (api_sh("ip link add ns0 type veth peer name ns1 netns %d", pid)) {
		kill(pid, SIGKILL);
		SKIP(return, "no veth devices here");
	}
	EXPECT_NE(0, if_nametoindex("ns0"));
	ASSERT_EQ(1, write(go[1], "g", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(API_WAIT(!if_nametoindex("ns0")));
}

/* IPv6 addresses may be used at once. */
static const char *nodad(void)
{
	return api_face == API_V6 ? "nodad" : "";
}

/* From one namespace to another over a wire of 1500-byte packets. */
TEST_F(netns, across_veth)
{
	struct sockaddr_in addr = api_addr("10.7.0.2", 5000);
	static uint8_t buf[1 << 18];
	int ready[2], go[2], status, l, c;
	pid_t pid;
	char x;

	ASSERT_EQ(0, pipe(ready) ?: pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_netns();
		if (write(ready[1], "r", 1) != 1 || read(go[0], &x, 1) != 1)
			_exit(1);
		api_sh("ip addr add %s dev ns1 %s; ip link set ns1 up",
		       api_ip("10.7.0.2/24"), nodad());
		l = api_bound(variant->server, "10.7.0.2", 5000);
		if (listen(l, 1) || write(ready[1], "l", 1) != 1)
			_exit(2);
		c = api_accept(l);
		api_recv(c, buf, sizeof(buf));
		if (!api_pattern_ok(buf, sizeof(buf), 0))
			_exit(3);
		api_send(c, buf, sizeof(buf));
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &x, 1));
	if (api_sh("ip link add ns0 type veth peer name ns1 netns %d", pid) ||
	    api_sh("ip addr add %s dev ns0 %s; ip link set ns0 up",
		   api_ip("10.7.0.1/24"), nodad())) {
		kill(pid, SIGKILL);
		SKIP(return, "no veth devices here");
	}
	ASSERT_EQ(1, write(go[1], "g", 1));
	ASSERT_EQ(1, read(ready[0], &x, 1));
	c = api_connected(variant->client, &addr);
	api_pattern(buf, sizeof(buf), 0);
	api_send(c, buf, sizeof(buf));
	memset(buf, 0, sizeof(buf));
	api_recv(c, buf, sizeof(buf));
	EXPECT_TRUE(api_pattern_ok(buf, sizeof(buf), 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* A counter of how often this process, with the softirqs that it sets off, comes by a tracepoint
 * where a filter holds: what other tests do meanwhile does not count. -1: none to be had.
 */
static int count_event(const char *event, const char *filter)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	char path[80];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", event);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%llu", &attr.config) != 1)
		api_die("%s", path);
	fclose(f);
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		api_die("perf_event_open %s", event);
	return fd;
}

static long counted(int count)
{
	uint64_t n;

	if (read(count, &n, sizeof(n)) != sizeof(n))
		api_die("perf event");
	return n;
}

/* A connection with request and response; how often its segments were routed. */
static long routed_for_one(int count, int family, int l, const struct sockaddr_in *addr)
{
	long before = counted(count);
	int c, s;
	char x;

	c = api_connected(family, addr);
	s = api_accept(l);
	api_send(c, "q", 1);
	api_recv(s, &x, 1);
	api_send(s, "a", 1);
	api_recv(c, &x, 1);
	close(c);
	/* Its FIN is here, and the socket that sends the last one remembers the way. */
	if (recv(s, &x, 1, 0))
		api_die("no end");
	close(s);
	return counted(count) - before;
}

static int netns_of(pid_t pid)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		api_die("%s", path);
	return fd;
}

/* A segment is routed only where its connection has not seen another: SYN, SYN-ACK and the ACK
 * of that. With kernel TCP as client it is five: the SYN-ACK and the ACK of the request come
 * while connect() and send() have the socket, which thus learns nothing of them.
 */
TEST_F(netns, routed_once)
{
	struct sockaddr_in addr = api_addr("10.7.0.2", 5000);
	int ready[2], go[2], i, l, here, there;
	const long most = variant->client == AF_TCPX ? 3 : 5;
	int count;
	long sum = 0;
	pid_t pid;
	char x;

	/* Of what comes in; a route that is looked up for sending has loopback or no device. */
	count = count_event(api_face == API_V6 ? "fib6/fib6_table_lookup" : "fib/fib_table_lookup",
			    "iif > 1");
	if (count < 0)
		SKIP(return, "no tracepoints here");
	ASSERT_EQ(0, pipe(ready) ?: pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		api_netns();
		_exit(write(ready[1], "r", 1) != 1 || read(go[0], &x, 1) != 0);
	}
	ASSERT_EQ(1, read(ready[0], &x, 1));
	there = netns_of(pid);
	here = netns_of(getpid());
	if (api_sh("ip link add ns0 type veth peer name ns1 netns %d", pid)) {
		close(go[1]);
		SKIP(return, "no veth devices here");
	}
	ASSERT_EQ(0, api_sh("ip addr add %s dev ns0 %s; ip link set ns0 up",
			    api_ip("10.7.0.1/24"), nodad()));
	ASSERT_EQ(0, setns(there, CLONE_NEWNET));
	ASSERT_EQ(0, api_sh("ip addr add %s dev ns1 %s; ip link set ns1 up",
			    api_ip("10.7.0.2/24"), nodad()));
	l = api_bound(variant->server, "10.7.0.2", 5000);
	ASSERT_EQ(0, listen(l, 4));
	ASSERT_EQ(0, setns(here, CLONE_NEWNET));

	/* The first ones are before our hook is there. */
	EXPECT_TRUE(API_WAIT(routed_for_one(count, variant->client, l, &addr) <= most));
	for (i = 0; i < 50; i++)
		sum += routed_for_one(count, variant->client, l, &addr);
	TH_LOG("%ld routed of 50 connections", sum);
	EXPECT_LE(sum, most * 50 + 25);
	/* The segments did come by. */
	EXPECT_LT(50, sum);
	close(go[1]);
	close(l);
}

API_LISTENER_FIXTURE(nft);

/*
 * Load rules into a chain at one of the hooks in the test's namespace; false if
 * nft or the hook is not to be had.
 */
static bool rules(const char *hook, const char *text)
{
	return !api_sh("nft 'table inet t { chain c { type %s; %s; }; }'", hook, text);
}

static bool no_rules(void)
{
	return !api_sh("nft delete table inet t");
}

#define INPUT	"filter hook input priority 0"
#define OUTPUT	"filter hook output priority 0"

TEST_F(nft, drop)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK);

	if (!rules(INPUT, "tcp flags syn counter drop"))
		SKIP(return, "no nft");
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	ASSERT_TRUE(no_rules());
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

TEST_F(nft, reject)
{
	static const struct reject { const char *with; int expected; } v4[] = {
		{ "tcp reset", -ECONNREFUSED },
		{ "icmp type host-unreachable", -EHOSTUNREACH },
		{ "icmp type net-unreachable", -ENETUNREACH },
		{ "icmp type port-unreachable", -ECONNREFUSED },
		{ "icmp type admin-prohibited", -EHOSTUNREACH },
	}, v6[] = {
		{ "tcp reset", -ECONNREFUSED },
		{ "icmpv6 type addr-unreachable", -EHOSTUNREACH },
		{ "icmpv6 type no-route", -ENETUNREACH },
		{ "icmpv6 type port-unreachable", -ECONNREFUSED },
		{ "icmpv6 type admin-prohibited", -EACCES },
	};
	const struct reject *c = variant->face == API_V6 ? v6 : v4;
	struct sockaddr_in addr = self->addr;
	int fd[ARRAY_SIZE(v4)];
	char text[1024];
	size_t i, n;

	for (i = n = 0; i < ARRAY_SIZE(v4); i++)
		n += sprintf(text + n, "tcp dport %zu tcp flags syn reject with %s;",
			     6000 + i, c[i].with);
	if (!rules(INPUT, text))
		SKIP(return, "no nft");
	/* The first answer may find the socket busy, and only the next count. */
	for (i = 0; i < ARRAY_SIZE(v4); i++) {
		fd[i] = api_socket(variant->client, SOCK_NONBLOCK);
		addr.sin_port = htons(6000 + i);
		EXPECT_EQ(-EINPROGRESS, SYS(api_connect(fd[i], &addr)));
	}
	for (i = 0; i < ARRAY_SIZE(v4); i++) {
		EXPECT_TRUE(api_events(fd[i], POLLOUT, API_DEADLINE_MS) & POLLERR);
		EXPECT_EQ(c[i].expected, -api_getopt(fd[i], SOL_SOCKET, SO_ERROR))
			TH_LOG("%s", c[i].with);
	}
}

/* Rules on the way out know whose socket it is. */
TEST_F(nft, owner)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK);

	if (!rules(OUTPUT, "meta skuid 0 meta mark 7 tcp flags syn drop"))
		SKIP(return, "no nft");
	api_opt(c, SOL_SOCKET, SO_MARK, 7);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	/* Nobody else is concerned. */
	EXPECT_LE(0, api_connected(variant->client, &self->addr));
	ASSERT_TRUE(no_rules());
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

/* There is an entry for connections to this port that looks like that. */
static bool tracked(int port, const char *state)
{
	return !api_sh("conntrack -L -f %s -p tcp --dport %d 2>/dev/null | grep -q %s",
		       api_face == API_V6 ? "ipv6" : "ipv4", port, state);
}

TEST_F(nft, conntrack)
{
	int port = ntohs(self->addr.sin_port), c, s;
	char x;

	if (!rules(INPUT, "ct state invalid drop"))
		SKIP(return, "no nft");
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	EXPECT_TRUE(tracked(port, "ESTABLISHED.*ASSURED"));
	close(c);
	close(s);
	EXPECT_TRUE(API_WAIT(tracked(port, "TIME_WAIT")));
}

/* Address translation stands between the two ends. */
TEST_F(nft, redirect)
{
	struct sockaddr_in to = api_addr("127.0.0.1", 6000), peer;
	char text[256], x;
	int c, s;

	snprintf(text, sizeof(text), "tcp dport 6000 redirect to :%d",
		 ntohs(self->addr.sin_port));
	if (!rules("nat hook output priority -100", text))
		SKIP(return, "no nft");
	c = api_connected(variant->client, &to);
	s = api_accept(self->l);
	ASSERT_EQ(0, api_peer(c, &peer));
	EXPECT_EQ(htons(6000), peer.sin_port);
	ASSERT_EQ(0, api_name(s, &peer));
	EXPECT_EQ(self->addr.sin_port, peer.sin_port);
	api_send(s, "x", 1);
	api_recv(c, &x, 1);
	EXPECT_EQ('x', x);
}

TEST_HARNESS_MAIN
