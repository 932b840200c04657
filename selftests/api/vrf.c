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
