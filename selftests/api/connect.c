// SPDX-License-Identifier: GPL-2.0
/* connect(): success and every way to fail, blocking, non-blocking, interrupted. */
#include "api.h"
#include <signal.h>
#include <sys/time.h>

API_SOCKET_FIXTURE(connect_one);

/* Which address connect() takes; len 0 stands for a whole sockaddr_in(6). */
struct address {
	int family;
	const char *ip;
	socklen_t len;
	int expected;
};

static long connect_to(int fd, const struct address *a)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = { .in6.sin6_port = htons(5000) };
	bool v4 = api_face == API_V4;

	inet_pton(v4 ? AF_INET : AF_INET6, a->ip,
		  v4 ? (void *)&addr.in.sin_addr : (void *)&addr.in6.sin6_addr);
	addr.in.sin_family = a->family;
	return SYS(connect(fd, (void *)&addr, a->len ?: api_sockaddr_len()));
}

TEST_F(connect_one, address)
{
	static const struct address v4[] = {
		{ AF_INET, "127.0.0.1", 0, -ECONNREFUSED },
		{ AF_INET, "0.0.0.0", 0, -ECONNREFUSED },
		{ AF_INET, "127.4.5.6", 0, -ECONNREFUSED },
		{ AF_INET, "127.0.0.1", 15, -EINVAL },
		{ AF_INET, "127.0.0.1", 2, -EINVAL },
		{ AF_INET, "127.0.0.1", 1, -EINVAL },
		{ AF_INET6, "127.0.0.1", 0, -EAFNOSUPPORT },
		{ AF_UNIX, "127.0.0.1", 0, -EAFNOSUPPORT },
		{ AF_INET, "224.0.0.1", 0, -ENETUNREACH },
		{ AF_INET, "127.255.255.255", 0, -ENETUNREACH },
		{ AF_INET, "192.0.2.1", 0, -ENETUNREACH },
		{ AF_UNSPEC, "0.0.0.0", 0, 0 },
	}, v6[] = {
		{ AF_INET6, "::1", 0, -ECONNREFUSED },
		{ AF_INET6, "::", 0, -ECONNREFUSED },
		{ AF_INET6, "::1", 24, -ECONNREFUSED },
		{ AF_INET6, "::1", 23, -EINVAL },
		{ AF_INET6, "::1", sizeof(struct sockaddr_in), -EINVAL },
		{ AF_INET6, "::1", 2, -EINVAL },
		{ AF_INET6, "::1", 1, -EINVAL },
		{ AF_INET, "::1", 0, -EAFNOSUPPORT },
		{ AF_UNIX, "::1", 0, -EAFNOSUPPORT },
		{ AF_INET6, "ff0e::1", 0, -ENETUNREACH },
		{ AF_INET6, "2001:db8::1", 0, -ENETUNREACH },
		{ AF_INET6, "fe80::1", 0, -EINVAL },
		{ AF_INET6, "::ffff:127.0.0.1", 0, -ECONNREFUSED },
		{ AF_INET6, "::ffff:127.4.5.6", 0, -ECONNREFUSED },
		{ AF_INET6, "::ffff:192.0.2.1", 0, -ENETUNREACH },
		{ AF_INET6, "::ffff:224.0.0.1", 0, -ENETUNREACH },
		{ AF_UNSPEC, "::", 0, 0 },
	};
	bool is_v4 = variant->face == API_V4;
	const struct address *a = is_v4 ? v4 : v6;
	size_t i, n = is_v4 ? ARRAY_SIZE(v4) : ARRAY_SIZE(v6);
	int fd;

	for (i = 0; i < n; i++, a++) {
		fd = api_socket(variant->family, 0);
		EXPECT_EQ(a->expected, connect_to(fd, a))
			TH_LOG("family %d %s length %u", a->family, a->ip,
			       a->len);
		EXPECT_EQ(ST_CLOSE, api_state(fd));
		close(fd);
	}
}

/* What the routing table says about the destination. */
TEST_F(connect_one, route)
{
	static const struct { const char *type; int expected; } c[] = {
		{ "unreachable", -EHOSTUNREACH },
		{ "prohibit", -EACCES },
		{ "blackhole", -EINVAL },
		{ "throw", -ENETUNREACH },
	};
	struct sockaddr_in addr = api_addr("192.0.2.1", 5000);
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		ASSERT_EQ(0, api_sh("ip route add %s %s", c[i].type,
				    api_ip("192.0.2.0/24")));
		fd = api_socket(variant->family, 0);
		EXPECT_EQ(c[i].expected, SYS(api_connect(fd, &addr)))
			TH_LOG("%s", c[i].type);
		close(fd);
		ASSERT_EQ(0, api_sh("ip route del %s %s", c[i].type,
				    api_ip("192.0.2.0/24")));
	}
}

/* 10.9.0.0/24, where nobody answers; ARP on or OFF. */
static bool blackhole(const char *arp)
{
	return !api_sh("ip link add bh0 type veth peer name bh1") &&
	       !api_sh("ip link set bh0 up arp %s", arp) &&
	       !api_sh("ip link set bh1 up; ip addr add %s dev bh0 %s",
		       api_ip("10.9.0.1/24"),
		       api_face == API_V6 ? "nodad" : "");
}

/* Attempts that end by themselves, all at the same time: seconds each. */
TEST_F(connect_one, nobody_answers)
{
	struct sockaddr_in addr = api_addr("10.9.0.2", 5000);
	int fd = api_socket(variant->family, SOCK_NONBLOCK);
	int64_t start = api_now_ms(), end;

	if (!blackhole("off"))
		SKIP(return, "no veth devices here");
	/* One retry: after a second; given up two seconds later. */
	api_opt(self->fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	api_nonblock(self->fd);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(self->fd, &addr)));
	api_sysctl("ipv4/tcp_syn_retries", "1");
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(fd, &addr)));
	EXPECT_EQ(-EALREADY, SYS(api_connect(fd, &addr)));
	EXPECT_EQ(ST_SYN_SENT, api_state(fd));

	EXPECT_TRUE(api_events(self->fd, POLLOUT, API_DEADLINE_MS) & POLLERR);
	EXPECT_EQ(ETIMEDOUT, api_getopt(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_TRUE(api_events(fd, POLLOUT, API_DEADLINE_MS) & POLLERR);
	EXPECT_EQ(-ETIMEDOUT, SYS(api_connect(fd, &addr)));
	end = api_now_ms();
	EXPECT_LE(2000, end - start);
	EXPECT_EQ(ST_CLOSE, api_state(fd));
	close(fd);
}

TEST_F(connect_one, no_such_neighbour)
{
	struct sockaddr_in addr = api_addr("10.9.0.2", 5000);

	if (!blackhole("on"))
		SKIP(return, "no veth devices here");
	api_sysctl(variant->face == API_V6 ? "ipv6/neigh/bh0/retrans_time_ms" :
		   "ipv4/neigh/bh0/retrans_time_ms", "50");
	EXPECT_EQ(-EHOSTUNREACH, SYS(api_connect(self->fd, &addr)));
}

TEST_F(connect_one, gives_up_for_now)
{
	struct sockaddr_in addr = api_addr("10.9.0.2", 5000);
	char x = 0;

	if (!blackhole("off"))
		SKIP(return, "no veth devices here");
	api_timeout(self->fd, SO_SNDTIMEO, 50);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(ST_SYN_SENT, api_state(self->fd));
	/* It goes on behind the scenes. */
	EXPECT_EQ(-EALREADY, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(-EAGAIN, SYS(send(self->fd, &x, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->fd, &x, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EINVAL, SYS(listen(self->fd, 1)));
	EXPECT_EQ(0, api_events(self->fd, POLLIN | POLLOUT | POLLRDHUP, 0));
	/* Until one says otherwise. */
	EXPECT_EQ(0, SYS(api_dissolve(self->fd)));
	EXPECT_EQ(ST_CLOSE, api_state(self->fd));
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(0, shutdown(self->fd, SHUT_RDWR));
	EXPECT_EQ(ST_CLOSE, api_state(self->fd));
}

/* Refused without waiting: the error shows once, in one of several places. */
TEST_F(connect_one, refused)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int fd;

	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(0, api_getopt(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(self->fd, &addr)));

	fd = api_socket(variant->family, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(fd, &addr)));
	EXPECT_TRUE(API_WAIT(api_events(fd, 0, 0) & POLLHUP));
	EXPECT_EQ(POLLIN | POLLOUT | POLLERR | POLLHUP, api_events(fd, POLLIN | POLLOUT, 0));
	EXPECT_EQ(ECONNREFUSED, api_getopt(fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, api_getopt(fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(-ECONNABORTED, SYS(api_connect(fd, &addr)));
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(fd, &addr)));
	EXPECT_TRUE(api_events(fd, POLLOUT, API_DEADLINE_MS) & POLLERR);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(fd, &addr)));
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(fd, &addr)));
	EXPECT_TRUE(api_events(fd, POLLOUT, API_DEADLINE_MS) & POLLERR);
	EXPECT_EQ(-ECONNREFUSED, SYS(recv(fd, &addr, 1, 0)));
	close(fd);
}

/* A socket that connects to its own address talks to itself. */
TEST_F(connect_one, self)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000), name;
	char buf[8] = "";

	ASSERT_EQ(0, SYS(api_bind(self->fd, &addr)));
	ASSERT_EQ(0, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->fd));
	ASSERT_EQ(0, api_peer(self->fd, &name));
	EXPECT_EQ(0, memcmp(&addr, &name, sizeof(addr)));
	api_send(self->fd, "myself", 6);
	api_recv(self->fd, buf, 6);
	EXPECT_STREQ("myself", buf);
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	EXPECT_TRUE(api_readable(self->fd));
	EXPECT_EQ(0, recv(self->fd, buf, 1, 0));
}

TEST_F(connect_one, all_ports_in_use)
{
	struct sockaddr_in addr, other;
	int l = api_listener(variant->family, &addr);
	int m = api_listener(variant->family, &other);
	int fds[4], i, j, fd;

	/* The listeners have none of these. */
	api_sysctl("ipv4/ip_local_port_range", "20000 20003");
	for (i = 0; i < 4; i++) {
		fds[i] = api_connected(variant->family, &addr);
		for (j = 0; j < i; j++)
			EXPECT_NE(api_port(fds[j]), api_port(fds[i]));
	}
	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_connect(self->fd, &addr)));
	/* The same ports do for another peer. */
	for (i = 0; i < 4; i++) {
		fd = api_connected(variant->family, &other);
		EXPECT_LE(20000, api_port(fd));
		EXPECT_GE(20003, api_port(fd));
	}
	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_connect(self->fd, &other)));
	/* And each serves again once its connection is reset. */
	ASSERT_EQ(0, setsockopt(fds[2], SOL_SOCKET, SO_LINGER,
				&(struct linger){ 1, 0 },
				sizeof(struct linger)));
	i = api_port(fds[2]);
	close(fds[2]);
	EXPECT_EQ(0, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(i, api_port(self->fd));
	close(l);
	close(m);
}

TEST_F(connect_one, ports_are_random)
{
	struct sockaddr_in addr;
	int l = api_listener(variant->family, &addr);
	int i, fd, first = 0, last = 0, differs = 0;

	ASSERT_EQ(0, listen(l, 64));
	for (i = 0; i < 16; i++) {
		fd = api_connected(variant->family, &addr);
		EXPECT_LE(api_sysctl_get("ipv4/ip_local_port_range", 0),
			  api_port(fd));
		EXPECT_GE(api_sysctl_get("ipv4/ip_local_port_range", 1),
			  api_port(fd));
		differs += i && api_port(fd) != last;
		last = api_port(fd);
		first = first ?: last;
	}
	EXPECT_EQ(15, differs);
	close(l);
}

API_LISTENER_FIXTURE(attempt);

TEST_F(attempt, blocking)
{
	int c = api_socket(variant->client, 0);

	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
	EXPECT_EQ(-EISCONN, SYS(api_connect(c, &self->addr)));
	EXPECT_NE(0, api_port(c));
}

TEST_F(attempt, non_blocking)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK);

	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(POLLOUT, api_events(c, POLLIN | POLLOUT, API_DEADLINE_MS));
	EXPECT_EQ(0, api_getopt(c, SOL_SOCKET, SO_ERROR));
	/* The first call afterwards still reports the success. */
	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(-EISCONN, SYS(api_connect(c, &self->addr)));
}

/* Make the listener deaf: its queue is full. */
static void fill_queue(int l, int family, const struct sockaddr_in *addr)
{
	api_sysctl("ipv4/tcp_syncookies", "0");
	if (listen(l, 0))
		api_die("listen");
	api_connected(family, addr);
}

static int waiting_listener;
static volatile sig_atomic_t signals;

/* The third signal makes room in the queue. */
static void on_signal(int sig)
{
	(void)sig;
	if (++signals == 3)
		close(accept(waiting_listener, NULL, NULL));
}

static void tick(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };

	if (sigaction(SIGALRM, &sa, NULL) || setitimer(ITIMER_REAL, &it, NULL))
		api_die("timer");
}

TEST_F(attempt, interrupted)
{
	int c = api_socket(variant->client, 0);

	fill_queue(self->l, variant->client, &self->addr);
	waiting_listener = self->l;
	tick(0);
	EXPECT_EQ(-EINTR, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(ST_SYN_SENT, api_state(c));
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	api_nonblock(c);
	EXPECT_EQ(-EALREADY, SYS(api_connect(c, &self->addr)));
	api_accept(self->l);
	EXPECT_TRUE(api_events(c, POLLOUT, API_DEADLINE_MS) & POLLOUT);
	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(-EISCONN, SYS(api_connect(c, &self->addr)));
}

TEST_F(attempt, restarted)
{
	int c = api_socket(variant->client, 0);

	fill_queue(self->l, variant->client, &self->addr);
	waiting_listener = self->l;
	tick(SA_RESTART);
	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	EXPECT_LE(3, signals);
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
}

/* A blocking send() or recv() waits for a connection under way. */
TEST_F(attempt, send_waits_for_it)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK);
	char x = 0;

	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	fcntl(c, F_SETFL, 0);
	EXPECT_EQ(1, SYS(send(c, "w", 1, 0)));
	api_recv(api_accept(self->l), &x, 1);
	EXPECT_EQ('w', x);
}

TEST_F(attempt, dissolved_and_made_again)
{
	struct sockaddr_in peer;
	int c = api_connected(variant->client, &self->addr);
	int s = api_accept(self->l);
	char x;

	EXPECT_EQ(0, SYS(api_dissolve(c)));
	EXPECT_EQ(ST_CLOSE, api_state(c));
	EXPECT_EQ(-ENOTCONN, SYS(api_peer(c, &peer)));
	ASSERT_TRUE(api_readable(s));
	EXPECT_EQ(-ECONNRESET, SYS(recv(s, &x, 1, 0)));
	close(s);

	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	s = api_accept(self->l);
	api_send(c, "2", 1);
	api_recv(s, &x, 1);
	EXPECT_EQ('2', x);
	api_send(s, "3", 1);
	api_recv(c, &x, 1);
	EXPECT_EQ('3', x);
}

/* A port of one's own choice stays through a disconnect. */
TEST_F(attempt, bound_port_stays)
{
	int c = api_bound(variant->client, "127.0.0.2", 5001), s;

	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	s = api_accept(self->l);
	EXPECT_EQ(0, SYS(api_dissolve(c)));
	EXPECT_EQ(5001, api_port(c));
	ASSERT_TRUE(api_readable(s));
	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(5001, api_port(c));
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
}

/* connect(AF_UNSPEC) ends a listener's listening. */
TEST_F(attempt, listener_disconnects)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int l = api_bound(variant->server, "127.0.0.1", 5000);
	int c = api_socket(variant->client, 0);

	ASSERT_EQ(0, SYS(listen(l, 1)));
	EXPECT_EQ(0, SYS(api_dissolve(l)));
	EXPECT_EQ(ST_CLOSE, api_state(l));
	EXPECT_EQ(-EINVAL, SYS(accept(l, NULL, NULL)));
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &addr)));
	EXPECT_EQ(0, SYS(listen(l, 1)));
	EXPECT_EQ(5000, api_port(l));
	EXPECT_EQ(0, SYS(api_connect(c, &addr)));
	EXPECT_LE(0, api_accept(l));
}

/* The source address is the route's, unless bound. */
TEST_F(attempt, source_address)
{
	/* IPv6 has one address in the place of a network of them. */
	const char *of_net = variant->face == API_V6 ? "127.5.5.5" : "127.0.0.1";
	const struct { const char *from, *to, *source; } c[] = {
		{ NULL, "127.0.0.1", "127.0.0.1" },
		{ NULL, "127.5.5.5", of_net },
		{ "127.0.0.9", "127.5.5.5", "127.0.0.9" },
		{ "0.0.0.0", "127.0.0.1", "127.0.0.1" },
		{ NULL, "0.0.0.0", "127.0.0.1" },
		{ NULL, "10.8.0.1", "10.8.0.1" },
	};
	struct sockaddr_in any = api_addr("0.0.0.0", 5000), name, to;
	struct sockaddr_in source;
	int l = api_socket(variant->server, 0), fd;
	size_t i;

	ASSERT_EQ(0, api_sh("ip addr add %s dev lo", api_ip("10.8.0.1/24")));
	ASSERT_EQ(0, api_bind(l, &any) ?: listen(l, 16));
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		/* To :: is to ::1, which is not mapped. */
		if (variant->face == API_MAPPED && !strcmp(c[i].to, "0.0.0.0"))
			continue;
		fd = c[i].from ? api_bound(variant->client, c[i].from, 0) :
				 api_socket(variant->client, 0);
		to = api_addr(c[i].to, 5000);
		ASSERT_EQ(0, SYS(api_connect(fd, &to)));
		ASSERT_EQ(0, api_name(fd, &name));
		source = api_addr(c[i].source, 0);
		EXPECT_EQ(source.sin_addr.s_addr, name.sin_addr.s_addr)
			TH_LOG("from %s to %s: got %s", c[i].from, c[i].to,
			       inet_ntoa(name.sin_addr));
	}
}

/* The same four numbers cannot stand for two connections. */
TEST_F(attempt, taken)
{
	struct sockaddr_in from = api_addr("127.0.0.1", 5001);
	int c[2], i;

	for (i = 0; i < 2; i++) {
		c[i] = api_socket(variant->client, 0);
		api_opt(c[i], SOL_SOCKET, SO_REUSEADDR, 1);
		ASSERT_EQ(0, SYS(api_bind(c[i], &from)));
	}
	EXPECT_EQ(0, SYS(api_connect(c[0], &self->addr)));
	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_connect(c[1], &self->addr)));
}

/* A client's TIME_WAIT blocks its port for that peer, or tcp_tw_reuse lets go. */
TEST_F(attempt, time_wait)
{
	int c, s, port, fd;

	/* The listener has none of these. */
	api_sysctl("ipv4/ip_local_port_range", "20000 20001");
	api_sysctl("ipv4/tcp_tw_reuse", "0");
	fd = api_bound(variant->client, "127.0.0.1", 0);
	c = api_connected(variant->client, &self->addr);
	port = api_port(c);
	s = api_accept(self->l);
	close(c);
	ASSERT_TRUE(API_WAIT(api_state(s) == ST_CLOSE_WAIT));
	close(s);
	ASSERT_TRUE(API_WAIT(api_tcp_row(variant->client, port, 0,
					 ST_TIME_WAIT)));

	c = api_socket(variant->client, 0);
	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_connect(c, &self->addr)));
	/* Timestamps have to have moved on by a second for a reuse. */
	api_sysctl("ipv4/tcp_tw_reuse", "1");
	EXPECT_TRUE(API_WAIT(!api_connect(c, &self->addr)));
	EXPECT_EQ(port, api_port(c));
	EXPECT_LE(0, api_accept(self->l));
	close(fd);
}

TEST_HARNESS_MAIN
