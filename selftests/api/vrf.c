// SPDX-License-Identifier: GPL-2.0
/*
 * VRFs: "red" has an address and a routing table of its own. Sockets that are bound to it
 * talk within it, others outside of it; net.ipv4.tcp_l3mdev_accept lets a listener without
 * a device hear all of them.
 */
#include "api.h"
#include <net/if.h>

#define ADDR	"10.9.0.1"
#define PORT	5000

FIXTURE(vrf) { struct sockaddr_in any, red; };
API_PAIR_VARIANTS(vrf);

FIXTURE_SETUP(vrf)
{
	API_BEGIN_PAIR(variant->client, variant->server);
	if (api_sh("ip link add red type vrf table 10 2>/dev/null"))
		API_SKIP("this kernel has no VRFs");
	ASSERT_EQ(0, api_sh("ip link set red up && ip addr add %s dev red%s",
			    api_ip(ADDR "/32"), variant->face == API_V6 ? " nodad" : ""));
	self->any = api_addr("0.0.0.0", PORT);
	self->red = api_addr(ADDR, PORT);
}

FIXTURE_TEARDOWN(vrf)
{
}

static void tie(int fd, const char *dev)
{
	if (dev && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev, strlen(dev) + 1))
		api_die("SO_BINDTODEVICE %s", dev);
}

/* The device that it is bound to, or "". */
static const char *tied(int fd)
{
	static char name[IFNAMSIZ];
	socklen_t len = sizeof(name);

	memset(name, 0, sizeof(name));
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len))
		api_die("SO_BINDTODEVICE");
	return name;
}

static int listener(int family, const char *dev, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0);

	tie(fd, dev);
	if (api_bind(fd, addr) || listen(fd, 4))
		api_die("bind, listen");
	return fd;
}

static int client(int family, const char *dev)
{
	int fd = api_socket(family, 0);

	tie(fd, dev);
	return fd;
}

/* One connection and a byte each way; the server's end. */
static int connection(int c, int l, const struct sockaddr_in *addr)
{
	char byte = 0;
	int s;

	if (api_connect(c, addr))
		api_die("connect");
	s = api_accept(l);
	api_send(c, "a", 1);
	api_recv(s, &byte, 1);
	api_send(s, &byte, 1);
	api_recv(c, &byte, 1);
	if (byte != 'a')
		api_die("another byte");
	return s;
}

TEST_F(vrf, bound_to_it)
{
	int l = listener(variant->server, "red", &self->any);
	int c = client(variant->client, "red"), s;

	s = connection(c, l, &self->red);
	EXPECT_STREQ("red", tied(s));
	close(s);
	close(c);
	/* Outside there is no such address. */
	c = client(variant->client, NULL);
	EXPECT_EQ(-ENETUNREACH, SYS(api_connect(c, &self->red)));
	close(c);
	/* Nor is it heard outside. */
	c = client(variant->client, NULL);
	self->red = api_addr("127.0.0.1", PORT);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &self->red)));
}

/* A listener without a device is outside, but for tcp_l3mdev_accept. */
TEST_F(vrf, unbound_listener)
{
	int l = listener(variant->server, NULL, &self->any), c = client(variant->client, "red"), s;

	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &self->red)));
	close(c);
	api_sysctl("ipv4/tcp_l3mdev_accept", "1");
	c = client(variant->client, "red");
	s = connection(c, l, &self->red);
	EXPECT_STREQ("red", tied(s));
	EXPECT_STREQ("", tied(l));
	close(s);
	close(c);
}

/* Its ports are its own, unless others hear it. */
TEST_F(vrf, same_port_outside)
{
	int out = listener(variant->server, NULL, &self->any), in, c, fd;

	in = listener(variant->server, "red", &self->any);
	c = client(variant->client, "red");
	close(connection(c, in, &self->red));
	EXPECT_EQ(0, api_events(out, POLLIN, 0));
	close(c);
	close(in);
	api_sysctl("ipv4/tcp_l3mdev_accept", "1");
	fd = api_socket(variant->server, 0);
	tie(fd, "red");
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &self->any)));
}

/*
 * Who may have a port of which device beside whom: a VRF's belong to one of the two stacks, as
 * those outside do. "red0" is a device in it, "out0" one that is not.
 */
static const struct {
	const char *holder, *binder;
	int expected;
	bool whole;	/* to kernel TCP all of AF_TCPX's port is taken, whatever the device */
} neighbours[] = {
	{ "red", "red", -EADDRINUSE, false },
	{ "red", NULL, 0, false },
	{ "red", "out0", 0, false },
	{ NULL, "red", 0, false },
	{ NULL, "red0", 0, false },
	{ "out0", "red", 0, false },
	{ "red0", "red0", -EADDRINUSE, false },
	{ "red0", NULL, 0, false },
	{ "red0", "red", 0, true },
	{ "red", "red0", 0, true },
};

TEST_F(vrf, whose_port)
{
	bool to_kernel = variant->server == AF_TCPX && variant->client == AF_INET;
	int holder, binder;
	size_t i;

	ASSERT_EQ(0, api_sh("ip link add red0 type veth && ip link set red0 master red up"));
	ASSERT_EQ(0, api_sh("ip link add out0 type veth && ip link set out0 up"));
	for (i = 0; i < ARRAY_SIZE(neighbours); i++) {
		holder = listener(variant->server, neighbours[i].holder, &self->any);
		binder = client(variant->client, neighbours[i].binder);
		EXPECT_EQ(to_kernel && neighbours[i].whole ? -EADDRINUSE : neighbours[i].expected,
			  SYS(api_bind(binder, &self->any)))
			TH_LOG("row %zu", i);
		if (!neighbours[i].expected && !(to_kernel && neighbours[i].whole)) {
			EXPECT_EQ(0, SYS(listen(binder, 1)))
				TH_LOG("row %zu: listen", i);
		}
		close(binder);
		close(holder);
	}
	/* Else the VRF misses its peer when the namespace goes, and says so. */
	ASSERT_EQ(0, api_sh("ip link set red0 nomaster"));
}

/* The client closes first, so that the listener's port is without a TIME_WAIT. */
static void served(int c, int l, const struct sockaddr_in *addr)
{
	int s = connection(c, l, addr);

	close(c);
	if (!API_WAIT(api_state(s) == ST_CLOSE_WAIT))
		api_die("no FIN");
	close(s);
}

/* Each stack serves the port where it has it, and it comes back where it was given up. */
TEST_F(vrf, port_of_each_stack)
{
	int in = listener(variant->server, "red", &self->any), out, c, fd;
	struct sockaddr_in lo = api_addr("127.0.0.1", PORT);

	out = listener(variant->client, NULL, &self->any);
	c = client(variant->client, "red");
	served(c, in, &self->red);
	c = client(variant->server, NULL);
	served(c, out, &lo);

	close(in);
	c = client(variant->client, "red");
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &self->red)));
	close(c);
	c = client(variant->client, NULL);
	served(c, out, &lo);
	fd = api_socket(variant->client, 0);
	tie(fd, "red");
	api_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT_TRUE(API_WAIT(!api_bind(fd, &self->any)));
	EXPECT_EQ(0, SYS(listen(fd, 1)));
	close(fd);
	close(out);
}

/* Ports of choice are of the VRF's, too. */
TEST_F(vrf, any_port)
{
	struct sockaddr_in addr = api_addr("0.0.0.0", 0);
	int in[2], out[2], i, fd;

	api_sysctl("ipv4/ip_local_port_range", "40000 40001");
	for (i = 0; i < 2; i++) {
		in[i] = client(i ? variant->client : variant->server, "red");
		ASSERT_EQ(0, SYS(api_bind(in[i], &addr)));
		out[i] = client(i ? variant->client : variant->server, NULL);
		ASSERT_EQ(0, SYS(api_bind(out[i], &addr)));
	}
	EXPECT_NE(api_port(in[0]), api_port(in[1]));
	EXPECT_NE(api_port(out[0]), api_port(out[1]));
	fd = client(variant->client, "red");
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &addr)));
	close(fd);
	fd = client(variant->client, NULL);
	EXPECT_EQ(-EADDRINUSE, SYS(api_bind(fd, &addr)));
	close(fd);
}

/* Of two keys for one address that of the segment's VRF holds. */
TEST_F(vrf, md5_key_of_it)
{
	int red = if_nametoindex("red"), l, c, s, wrong;

	api_sysctl("ipv4/tcp_l3mdev_accept", "1");
	l = listener(variant->server, NULL, &self->any);
	ASSERT_EQ(0, api_md5_key(l, &self->red, TCP_MD5SIG_FLAG_IFINDEX, red, "inside"));
	ASSERT_EQ(0, api_md5_key(l, &self->red, TCP_MD5SIG_FLAG_IFINDEX, 0, "outside"));
	c = client(variant->client, "red");
	ASSERT_EQ(0, api_md5_key(c, &self->red, 0, 0, "inside"));
	s = connection(c, l, &self->red);
	close(s);
	close(c);

	/* The SYN of the first is there before that of the second, which is heard. */
	wrong = api_socket(variant->client, SOCK_NONBLOCK);
	tie(wrong, "red");
	ASSERT_EQ(0, api_md5_key(wrong, &self->red, 0, 0, "outside"));
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(wrong, &self->red)));
	c = client(variant->client, "red");
	ASSERT_EQ(0, api_md5_key(c, &self->red, 0, 0, "inside"));
	close(connection(c, l, &self->red));
	EXPECT_EQ(0, api_events(l, POLLIN, 0));
	EXPECT_EQ(ST_SYN_SENT, api_state(wrong));
	close(wrong);
	close(c);
}

/* A key of no VRF in particular is for all. */
TEST_F(vrf, md5_key_of_all)
{
	int l = listener(variant->server, "red", &self->any), c = client(variant->client, "red");

	ASSERT_EQ(0, api_md5_key(l, &self->red, 0, 0, "secret"));
	ASSERT_EQ(0, api_md5_key(c, &self->red, 0, 0, "secret"));
	close(connection(c, l, &self->red));
	close(c);
}

/* A key of another VRF does not concern it: segments without a signature are as good as ever. */
TEST_F(vrf, md5_key_of_another)
{
	int l, c, blue;

	ASSERT_EQ(0, api_sh("ip link add blue type vrf table 11 && ip link set blue up"));
	blue = if_nametoindex("blue");
	l = listener(variant->server, "red", &self->any);
	ASSERT_EQ(0, api_md5_key(l, &self->red, TCP_MD5SIG_FLAG_IFINDEX, blue, "secret"));
	c = client(variant->client, "red");
	close(connection(c, l, &self->red));
	close(c);
}

TEST_HARNESS_MAIN
