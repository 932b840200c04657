// SPDX-License-Identifier: GPL-2.0
/* bind(): addresses, permissions, conflicts within and across the families. */
#include "api.h"
#include <net/if.h>

API_SOCKET_FIXTURE(bind_one);

/* Which address bind() takes; len 0 stands for a whole sockaddr_in(6). */
struct address {
	int family;
	const char *ip;
	int port;
	socklen_t len;
	int expected;
};

static const struct address addresses[] = {
	{ AF_INET, "127.0.0.1", 5000, 0, 0 },
	{ AF_INET, "127.1.2.3", 5000, 0, 0 },
	{ AF_INET, "0.0.0.0", 5000, 0, 0 },
	{ AF_INET, "127.0.0.1", 65535, 0, 0 },
	{ AF_INET, "127.0.0.1", 5000, sizeof(struct sockaddr_storage), 0 },
	{ AF_INET, "192.0.2.1", 5000, 0, -EADDRNOTAVAIL },
	{ AF_INET, "192.0.2.1", 0, 0, -EADDRNOTAVAIL },
	{ AF_INET, "224.0.0.1", 5000, 0, 0 },
	{ AF_INET, "127.0.0.1", 5000, 15, -EINVAL },
	{ AF_INET, "127.0.0.1", 5000, 2, -EINVAL },
	{ AF_INET, "127.0.0.1", 5000, 4096, -EINVAL },
	{ AF_UNSPEC, "0.0.0.0", 5000, 0, 0 },
	{ AF_UNSPEC, "127.0.0.1", 5000, 0, -EAFNOSUPPORT },
	{ AF_INET6, "0.0.0.0", 5000, 0, -EAFNOSUPPORT },
	{ AF_UNIX, "127.0.0.1", 5000, 0, -EAFNOSUPPORT },
	{ AF_TCPX, "127.0.0.1", 5000, 0, -EAFNOSUPPORT },
};

/* The same of IPv6 sockets, which take IPv4 addresses as mapped ones only. */
static const struct address addresses_v6[] = {
	{ AF_INET6, "::1", 5000, 0, 0 },
	{ AF_INET6, "::", 5000, 0, 0 },
	{ AF_INET6, "::1", 65535, 0, 0 },
	{ AF_INET6, "::1", 5000, sizeof(struct sockaddr_storage), 0 },
	{ AF_INET6, "::1", 5000, 24, 0 },	/* RFC 2133: no scope id */
	{ AF_INET6, "::1", 5000, 23, -EINVAL },
	{ AF_INET6, "::1", 5000, sizeof(struct sockaddr_in), -EINVAL },
	{ AF_INET6, "::1", 5000, 2, -EINVAL },
	{ AF_INET6, "::1", 5000, 4096, -EINVAL },
	{ AF_INET6, "2001:db8::1", 5000, 0, -EADDRNOTAVAIL },
	{ AF_INET6, "2001:db8::1", 0, 0, -EADDRNOTAVAIL },
	{ AF_INET6, "ff0e::1", 5000, 0, -EINVAL },
	{ AF_INET6, "fe80::1", 5000, 0, -EINVAL },	/* which link? */
	{ AF_INET6, "::ffff:127.0.0.1", 5000, 0, 0 },
	{ AF_INET6, "::ffff:127.1.2.3", 5000, 0, 0 },
	{ AF_INET6, "::ffff:0.0.0.0", 5000, 0, 0 },
	{ AF_INET6, "::ffff:192.0.2.1", 5000, 0, -EADDRNOTAVAIL },
	{ AF_INET, "::1", 5000, 0, -EAFNOSUPPORT },
	{ AF_UNSPEC, "::", 5000, 0, -EAFNOSUPPORT },
	{ AF_UNIX, "::1", 5000, 0, -EAFNOSUPPORT },
	{ AF_TCPX, "::1", 5000, 0, -EAFNOSUPPORT },
};

static long bind_to(int fd, const struct address *a)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		char more[8192];
	} addr = { .in6.sin6_port = htons(a->port) };
	bool v4 = api_face == API_V4;

	inet_pton(v4 ? AF_INET : AF_INET6, a->ip,
		  v4 ? (void *)&addr.in.sin_addr : (void *)&addr.in6.sin6_addr);
	addr.in.sin_family = a->family;
	return SYS(bind(fd, (void *)&addr, a->len ?: api_sockaddr_len()));
}

TEST_F(bind_one, address)
{
	bool v4 = variant->face == API_V4;
	const struct address *a = v4 ? addresses : addresses_v6;
	size_t i, n = v4 ? ARRAY_SIZE(addresses) : ARRAY_SIZE(addresses_v6);
	int fd;

	for (i = 0; i < n; i++, a++) {
		fd = api_socket(variant->family, 0);
		EXPECT_EQ(a->expected, bind_to(fd, a))
			TH_LOG("family %d %s:%d length %u", a->family, a->ip,
			       a->port, a->len);
		close(fd);
	}
}

/* IPV6_V6ONLY keeps IPv4 out, and out of the way of IPv4's own sockets. */
TEST_F(bind_one, v6only)
{
	static const struct address mapped = {
		AF_INET6, "::ffff:127.0.0.1", 5000, 0, -EINVAL,
	}, any = { AF_INET6, "::", 5000, 0, 0 };
	int other;

	if (variant->face != API_V6)
		SKIP(return, "is about IPv6");
	api_opt(self->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	EXPECT_EQ(mapped.expected, bind_to(self->fd, &mapped));
	ASSERT_EQ(any.expected, bind_to(self->fd, &any));
	EXPECT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->fd, IPPROTO_IPV6, IPV6_V6ONLY,
					  &(int){ 0 }, sizeof(int))));
	api_face = API_V4;
	other = api_bound(variant->family, "0.0.0.0", 5000);
	EXPECT_EQ(0, SYS(listen(other, 1)));
	close(other);
	close(self->fd);
	/* Without it, :: is all of IPv4 too. */
	api_face = API_V6;
	self->fd = api_bound(variant->family, "0.0.0.0", 5000);
	ASSERT_EQ(0, listen(self->fd, 1));
	api_face = API_V4;
	other = api_socket(variant->family, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(other, &(struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(5000) })));
	close(other);
	other = api_socket(variant->family, 0);
	EXPECT_EQ(0, SYS(api_connect(other, &(struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = htons(5000),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) })));
	close(other);
}

TEST_F(bind_one, name_of_a_bound_socket)
{
	struct sockaddr_in addr = api_addr("127.0.0.7", 5001), name;

	ASSERT_EQ(0, api_name(self->fd, &name));
	EXPECT_EQ(0, name.sin_port);
	EXPECT_EQ(0, name.sin_addr.s_addr);

	ASSERT_EQ(0, api_bind(self->fd, &addr));
	ASSERT_EQ(0, api_name(self->fd, &name));
	EXPECT_EQ(htons(5001), name.sin_port);
	EXPECT_EQ(addr.sin_addr.s_addr, name.sin_addr.s_addr);
	EXPECT_EQ(-ENOTCONN, SYS(api_peer(self->fd, &name)));
}

TEST_F(bind_one, only_once)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);

	ASSERT_EQ(0, api_bind(self->fd, &addr));
	EXPECT_EQ(-EINVAL, SYS(api_bind(self->fd, &addr)));
	addr.sin_port = 0;
	EXPECT_EQ(-EINVAL, SYS(api_bind(self->fd, &addr)));
	EXPECT_EQ(5000, api_port(self->fd));
}

/* A refused bind leaves the socket fit for another. */
TEST_F(bind_one, again_after_an_error)
{
	struct sockaddr_in bad = api_addr("192.0.2.1", 5000);
	struct sockaddr_in good = api_addr("127.0.0.1", 5000);

	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_bind(self->fd, &bad)));
	EXPECT_EQ(0, api_port(self->fd));
	EXPECT_EQ(0, SYS(api_bind(self->fd, &good)));
	EXPECT_EQ(5000, api_port(self->fd));
}

/* ip_unprivileged_port_start is the first port open to everybody. */
TEST_F(bind_one, privileged_ports)
{
	static const struct {
		int start, port, expected;
	} cases[] = {
		{ 1024, 1, -EACCES }, { 1024, 1023, -EACCES },
		{ 1024, 1024, 0 }, { 80, 79, -EACCES }, { 80, 80, 0 },
		{ 0, 1, 0 }, { 3000, 2999, -EACCES }, { 3000, 3000, 0 },
	};
	struct sockaddr_in addr;
	size_t i;
	int fd, status;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		api_sysctl("ipv4/ip_unprivileged_port_start", "%d",
			   cases[i].start);
		addr = api_addr("127.0.0.1", cases[i].port);
		fd = api_socket(variant->family, 0);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			api_drop_root();
			_exit(-SYS(api_bind(fd, &addr)));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(cases[i].expected, -WEXITSTATUS(status))
			TH_LOG("start %d port %d", cases[i].start,
			       cases[i].port);
		close(fd);
		/* Root may bind any of them. */
		fd = api_socket(variant->family, 0);
		EXPECT_EQ(0, SYS(api_bind(fd, &addr)));
		close(fd);
	}
}

TEST_F(bind_one, foreign_address_if_asked_for)
{
	struct sockaddr_in addr = api_addr("192.0.2.1", 5000);
	int fd = api_socket(variant->family, 0);

	if (variant->face == API_V6)
		api_opt(self->fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	else
		api_opt(self->fd, IPPROTO_IP, IP_FREEBIND, 1);
	EXPECT_EQ(0, SYS(api_bind(self->fd, &addr)));
	close(self->fd);
	EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_bind(fd, &addr)));
	api_sysctl(variant->face == API_V6 ? "ipv6/ip_nonlocal_bind" :
					     "ipv4/ip_nonlocal_bind", "1");
	EXPECT_EQ(0, SYS(api_bind(fd, &addr)));
	close(fd);
}

TEST_F(bind_one, address_without_port)
{
	struct sockaddr_in addr = api_addr("127.0.0.5", 0), peer, name;
	int listener = api_listener(variant->family, &peer);

	api_opt(self->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	ASSERT_EQ(0, SYS(api_bind(self->fd, &addr)));
	EXPECT_EQ(0, api_port(self->fd));
	ASSERT_EQ(0, SYS(api_connect(self->fd, &peer)));
	ASSERT_EQ(0, api_name(self->fd, &name));
	EXPECT_EQ(addr.sin_addr.s_addr, name.sin_addr.s_addr);
	EXPECT_NE(0, name.sin_port);
	close(listener);
}

/* Port 0: any of ip_local_port_range but the reserved ones, until all are gone. */
TEST_F(bind_one, any_port)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);
	bool seen[10] = { 0 };
	int i, fd, port;

	api_sysctl("ipv4/ip_local_port_range", "40000 40009");
	api_sysctl("ipv4/ip_local_reserved_ports", "40003-40005");
	for (i = 0; i < 7; i++) {
		fd = api_socket(variant->family, 0);
		ASSERT_EQ(0, SYS(api_bind(fd, &addr)));
		port = api_port(fd);
		ASSERT_LE(40000, port);
		ASSERT_GE(40009, port);
		EXPECT_FALSE(port >= 40003 && port <= 40005);
		EXPECT_FALSE(seen[port - 40000]);
		seen[port - 40000] = true;
	}
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(self->fd, &addr)));
	/* Listening without bind wants a port too. */
	EXPECT_EQ(-EADDRINUSE, SYS(listen(self->fd, 1)));
	/* One may have a reserved port by name. */
	addr.sin_port = htons(40004);
	EXPECT_EQ(0, SYS(api_bind(self->fd, &addr)));
	EXPECT_EQ(40004, api_port(self->fd));
}

TEST_F(bind_one, any_port_is_random)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);
	int ports[24], i, j, distinct = 0, steps = 0, fd;

	for (i = 0; i < 24; i++) {
		fd = api_socket(variant->family, 0);
		ASSERT_EQ(0, SYS(api_bind(fd, &addr)));
		ports[i] = api_port(fd);
		close(fd);
		for (j = 0; j < i && ports[j] != ports[i]; j++)
			;
		distinct += j == i;
		steps += i && abs(ports[i] - ports[i - 1]) <= 2;
	}
	EXPECT_LE(20, distinct);
	EXPECT_GE(3, steps);
}

/* Who may have port 5000 beside whom; flags of either side. */
#define REUSEADDR	0x01	/* SO_REUSEADDR */
#define REUSEPORT	0x02	/* SO_REUSEPORT */
#define LISTEN		0x04	/* and listens */
#define ON_LO		0x08	/* SO_BINDTODEVICE lo */
#define ON_DEV		0x10	/* SO_BINDTODEVICE dev0 */
#define OTHER_UID	0x20	/* is somebody else's */

static const struct {
	const char *what;
	const char *held;
	int holder;
	const char *wanted;
	int binder;
	int expected;
} conflicts[] = {
	{ "same address", "127.0.0.1", 0, "127.0.0.1", 0, -EADDRINUSE },
	{ "any against one", "127.0.0.1", 0, "0.0.0.0", 0, -EADDRINUSE },
	{ "one against any", "0.0.0.0", 0, "127.0.0.1", 0, -EADDRINUSE },
	{ "any against any", "0.0.0.0", 0, "0.0.0.0", 0, -EADDRINUSE },
	{ "different addresses", "127.0.0.1", 0, "127.0.0.2", 0, 0 },
	{ "different addresses, a listener", "127.0.0.1", LISTEN,
	  "127.0.0.2", 0, 0 },
	{ "listener", "127.0.0.1", LISTEN, "127.0.0.1", 0, -EADDRINUSE },
	{ "both REUSEADDR", "127.0.0.1", REUSEADDR,
	  "127.0.0.1", REUSEADDR, 0 },
	{ "both REUSEADDR, any", "0.0.0.0", REUSEADDR,
	  "127.0.0.1", REUSEADDR, 0 },
	{ "holder REUSEADDR", "127.0.0.1", REUSEADDR,
	  "127.0.0.1", 0, -EADDRINUSE },
	{ "binder REUSEADDR", "127.0.0.1", 0,
	  "127.0.0.1", REUSEADDR, -EADDRINUSE },
	{ "both REUSEADDR, a listener", "127.0.0.1", REUSEADDR | LISTEN,
	  "127.0.0.1", REUSEADDR, -EADDRINUSE },
	{ "both REUSEADDR, a listener on any", "0.0.0.0", REUSEADDR | LISTEN,
	  "127.0.0.1", REUSEADDR, -EADDRINUSE },
	{ "both REUSEPORT", "127.0.0.1", REUSEPORT,
	  "127.0.0.1", REUSEPORT, 0 },
	{ "both REUSEPORT, a listener", "127.0.0.1", REUSEPORT | LISTEN,
	  "127.0.0.1", REUSEPORT, 0 },
	{ "both REUSEPORT, any and one", "0.0.0.0", REUSEPORT | LISTEN,
	  "127.0.0.1", REUSEPORT, 0 },
	{ "holder REUSEPORT", "127.0.0.1", REUSEPORT,
	  "127.0.0.1", 0, -EADDRINUSE },
	{ "binder REUSEPORT", "127.0.0.1", 0,
	  "127.0.0.1", REUSEPORT, -EADDRINUSE },
	{ "REUSEPORT against REUSEADDR", "127.0.0.1", REUSEPORT,
	  "127.0.0.1", REUSEADDR, -EADDRINUSE },
	{ "both REUSEPORT, two users", "127.0.0.1", REUSEPORT,
	  "127.0.0.1", REUSEPORT | OTHER_UID, -EADDRINUSE },
	{ "same device", "0.0.0.0", ON_LO,
	  "0.0.0.0", ON_LO, -EADDRINUSE },
	{ "two devices", "0.0.0.0", ON_LO | LISTEN, "0.0.0.0", ON_DEV, 0 },
	{ "device against none", "0.0.0.0", 0,
	  "0.0.0.0", ON_LO, -EADDRINUSE },
	{ "none against device", "0.0.0.0", ON_LO,
	  "0.0.0.0", 0, -EADDRINUSE },
};

FIXTURE(bind_two) { int unused; };

API_PAIR_VARIANTS(bind_two);	/* client: the binder, server: the holder */

FIXTURE_SETUP(bind_two)
{
	API_BEGIN_PAIR(variant->client, variant->server);
	if (api_sh("ip link add dev0 type veth"))
		API_SKIP("no veth devices here");
}

FIXTURE_TEARDOWN(bind_two)
{
}

static int made(int family, int flags)
{
	static const char lo[] = "lo", dev[] = "dev0";
	int fd = api_socket(family, 0);

	if (flags & REUSEADDR)
		api_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (flags & REUSEPORT)
		api_opt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (flags & (ON_LO | ON_DEV) &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
		       flags & ON_LO ? lo : dev, IFNAMSIZ))
		api_die("SO_BINDTODEVICE");
	if (flags & OTHER_UID && fchown(fd, 1234, -1))
		api_die("fchown");
	return fd;
}

TEST_F(bind_two, conflict)
{
	bool cross = variant->client != variant->server;
	struct sockaddr_in held, wanted;
	int holder, binder, both, expected;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conflicts); i++) {
		held = api_addr(conflicts[i].held, 5000);
		wanted = api_addr(conflicts[i].wanted, 5000);
		holder = made(variant->server, conflicts[i].holder);
		ASSERT_EQ(0, SYS(api_bind(holder, &held)));
		if (conflicts[i].holder & LISTEN)
			ASSERT_EQ(0, listen(holder, 1));

		binder = made(variant->client, conflicts[i].binder);
		both = conflicts[i].holder & conflicts[i].binder;
		expected = conflicts[i].expected;
		/*
		 * A port belongs to one of the two stacks as a whole, but for
		 * what SO_REUSEADDR is there for: TCPX may take over where
		 * kernel TCP has no listener any more.
		 */
		if (cross && !(both & REUSEADDR && variant->client == AF_TCPX))
			expected = -EADDRINUSE;
		EXPECT_EQ(expected, SYS(api_bind(binder, &wanted)))
			TH_LOG("%s", conflicts[i].what);
		if (!expected) {
			EXPECT_EQ(0, SYS(listen(binder, 1)))
				TH_LOG("%s: listen", conflicts[i].what);
		}
		if (!expected && both & REUSEADDR) {
			EXPECT_EQ(-EADDRINUSE, SYS(listen(holder, 1)))
				TH_LOG("%s: both listen", conflicts[i].what);
		}
		close(binder);
		close(holder);
	}
}

/* Two may share a port by SO_REUSEADDR until one of them listens. */
TEST_F(bind_two, the_second_listener_loses)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int a = made(variant->server, REUSEADDR);
	int b = made(variant->server, REUSEADDR);

	ASSERT_EQ(0, SYS(api_bind(a, &addr)));
	ASSERT_EQ(0, SYS(api_bind(b, &addr)));
	EXPECT_EQ(0, SYS(listen(a, 1)));
	EXPECT_EQ(-EADDRINUSE, SYS(listen(b, 1)));
	close(a);
	EXPECT_EQ(0, SYS(listen(b, 1)));
	close(b);
}

/* A port is free again when its holder is gone. */
TEST_F(bind_two, port_comes_back)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int fd, i;

	for (i = 0; i < 3; i++) {
		fd = api_bound(variant->server, "127.0.0.1", 5000);
		close(fd);
		fd = api_socket(variant->server, 0);
		EXPECT_EQ(0, SYS(api_bind(fd, &addr)));
		EXPECT_EQ(0, SYS(listen(fd, 1)));
		close(fd);
	}
	/* The other stack may have to wait: a port stays reserved a while. */
	fd = api_socket(variant->client, 0);
	EXPECT_TRUE(API_WAIT(!api_bind(fd, &addr)));
	close(fd);
}

/* Automatic choice avoids the other family's ports. */
TEST_F(bind_two, any_port_shares_one_range)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);
	bool seen[6] = { 0 };
	int i, fd, port;

	api_sysctl("ipv4/ip_local_port_range", "40000 40005");
	for (i = 0; i < 6; i++) {
		fd = api_socket(i & 1 ? variant->client : variant->server, 0);
		ASSERT_EQ(0, SYS(api_bind(fd, &addr)));
		port = api_port(fd);
		ASSERT_TRUE(port >= 40000 && port <= 40005);
		EXPECT_FALSE(seen[port - 40000]);
		seen[port - 40000] = true;
	}
	fd = api_socket(variant->client, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &addr)));
	fd = api_socket(variant->server, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &addr)));
}

/* The server closed first: its port is in TIME_WAIT. */
TEST_F(bind_two, reuse_after_time_wait)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int l = made(variant->server, REUSEADDR), c, s;

	ASSERT_EQ(0, SYS(api_bind(l, &addr)));
	ASSERT_EQ(0, SYS(listen(l, 1)));
	c = api_connected(variant->client, &addr);
	s = api_accept(l);
	close(s);
	ASSERT_TRUE(API_WAIT(api_state(c) == ST_CLOSE_WAIT));
	close(c);
	close(l);
	ASSERT_TRUE(API_WAIT(api_tcp_row(variant->server, 5000, 0,
					 ST_TIME_WAIT)));

	l = made(variant->server, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(l, &addr)));
	close(l);
	l = made(variant->server, REUSEADDR);
	EXPECT_EQ(0, SYS(api_bind(l, &addr)));
	EXPECT_EQ(0, SYS(listen(l, 1)));
	c = api_connected(variant->client, &addr);
	s = api_accept(l);
	EXPECT_EQ(ST_ESTABLISHED, api_state(s));
}

/* A server may be restarted on the other stack: what is left does no harm. */
TEST_F(bind_two, restart_on_the_other_stack)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int l = made(variant->server, REUSEADDR), c, s;

	ASSERT_EQ(0, SYS(api_bind(l, &addr)));
	ASSERT_EQ(0, SYS(listen(l, 1)));
	c = api_connected(variant->server, &addr);
	s = api_accept(l);
	close(s);
	ASSERT_TRUE(API_WAIT(api_state(c) == ST_CLOSE_WAIT));
	close(c);
	close(l);
	ASSERT_TRUE(API_WAIT(api_tcp_row(variant->server, 5000, 0,
					 ST_TIME_WAIT)));

	/* The entry is to be seen a moment before the socket has left the port. */
	l = made(variant->client, REUSEADDR);
	EXPECT_TRUE(API_WAIT(!api_bind(l, &addr)));
	EXPECT_EQ(0, SYS(listen(l, 1)));
	c = api_connected(variant->server, &addr);
	s = api_accept(l);
	EXPECT_EQ(ST_ESTABLISHED, api_state(s));
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
}

/* A restarted server takes over from its old connections the same way. */
TEST_F(bind_two, reuse_beside_connections)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int l = made(variant->server, REUSEADDR), c, s;
	char x;

	ASSERT_EQ(0, SYS(api_bind(l, &addr)));
	ASSERT_EQ(0, SYS(listen(l, 1)));
	c = api_connected(variant->client, &addr);
	s = api_accept(l);
	close(l);

	l = made(variant->server, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(l, &addr)));
	close(l);
	l = made(variant->server, REUSEADDR);
	EXPECT_EQ(0, SYS(api_bind(l, &addr)));
	EXPECT_EQ(0, SYS(listen(l, 1)));
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	EXPECT_EQ('x', x);
}

/* Two listeners on one port each get what is for their address. */
TEST_F(bind_two, specific_addresses)
{
	struct sockaddr_in one = api_addr("127.0.0.1", 5000);
	struct sockaddr_in two = api_addr("127.0.0.2", 5000);
	int l1 = api_bound(variant->server, "127.0.0.1", 5000);
	int l2 = api_bound(variant->server, "127.0.0.2", 5000);
	struct sockaddr_in three = api_addr("127.0.0.3", 5000), name;
	int s, c;

	ASSERT_EQ(0, listen(l1, 4));
	ASSERT_EQ(0, listen(l2, 4));
	c = api_connected(variant->client, &two);
	s = api_accept(l2);
	EXPECT_EQ(0, api_events(l1, POLLIN, 0));
	ASSERT_EQ(0, api_name(s, &name));
	EXPECT_EQ(two.sin_addr.s_addr, name.sin_addr.s_addr);
	close(c);
	close(s);
	c = api_connected(variant->client, &one);
	s = api_accept(l1);
	EXPECT_EQ(0, api_events(l2, POLLIN, 0));
	close(c);
	c = api_socket(variant->client, 0);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &three)));
	close(c);
}

/* Of a wildcard and a specific listener (SO_REUSEPORT) the specific one wins. */
TEST_F(bind_two, specific_before_any)
{
	struct sockaddr_in any = api_addr("0.0.0.0", 5000);
	struct sockaddr_in one = api_addr("127.0.0.1", 5000);
	struct sockaddr_in two = api_addr("127.0.0.2", 5000);
	int la = made(variant->server, REUSEPORT);
	int l1 = made(variant->server, REUSEPORT);
	int i;

	ASSERT_EQ(0, api_bind(la, &any) ?: listen(la, 16));
	ASSERT_EQ(0, api_bind(l1, &one) ?: listen(l1, 16));
	for (i = 0; i < 4; i++) {
		api_connected(variant->client, &one);
		EXPECT_LE(0, api_accept(l1));
		EXPECT_EQ(0, api_events(la, POLLIN, 0));
	}
	api_connected(variant->client, &two);
	EXPECT_LE(0, api_accept(la));
	EXPECT_EQ(0, api_events(l1, POLLIN, 0));
}

/* A listener tied to a device hears what comes in there and nothing else. */
TEST_F(bind_two, bound_to_device)
{
	struct sockaddr_in any = api_addr("0.0.0.0", 5000);
	struct sockaddr_in one = api_addr("127.0.0.1", 5000);
	int l = made(variant->server, ON_LO), c;
	char name[IFNAMSIZ] = "";
	socklen_t len = sizeof(name);

	ASSERT_EQ(0, getsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	EXPECT_STREQ("lo", name);
	ASSERT_EQ(0, api_bind(l, &any) ?: listen(l, 4));
	c = api_socket(variant->client, 0);
	EXPECT_EQ(0, SYS(api_connect(c, &one)));
	close(c);
	close(l);
	EXPECT_EQ(-ENODEV, SYS(setsockopt(c = api_socket(variant->server, 0),
					  SOL_SOCKET, SO_BINDTODEVICE,
					  "none", 5)));
	close(c);

	l = made(variant->server, ON_DEV);
	any.sin_port = htons(5001);
	one.sin_port = htons(5001);
	ASSERT_EQ(0, api_bind(l, &any) ?: listen(l, 4));
	c = api_socket(variant->client, 0);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &one)));
}

/* bind() of an address that a peer's connection already uses as its own. */
TEST_F(bind_two, port_of_a_connection)
{
	struct sockaddr_in addr;
	int l = api_listener(variant->server, &addr);
	int c = api_connected(variant->client, &addr);
	int fd = api_socket(variant->client, 0);
	struct sockaddr_in same = api_addr("127.0.0.1", api_port(c));

	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &same)));
	EXPECT_EQ(-EINVAL, SYS(api_bind(c, &same)));
	close(fd);
	fd = api_socket(variant->server, 0);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &same)));
	close(l);
}

TEST_HARNESS_MAIN
