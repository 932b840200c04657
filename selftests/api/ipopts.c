// SPDX-License-Identifier: GPL-2.0
/*
 * What options below TCP do to connections, seen from the socket itself: the ports one
 * gets, the SYN that came, filters that stay, options in the IP header.
 */
#include "api.h"
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/mman.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE	51	/* since 6.3 */
#endif

API_SOCKET_FIXTURE(alone);

static void use_up_ports(struct __test_metadata *_metadata, int family, int lo, int hi)
{
	/* Of a port that is none of these. */
	int l = api_bound(family, "127.0.0.1", lo - 10000), fd, i, err;
	struct sockaddr_in addr = api_addr("127.0.0.1", lo - 10000);
	uint32_t range = lo | (uint32_t)hi << 16;

	ASSERT_EQ(0, listen(l, 16));
	for (i = 0; i <= hi - lo + 1; i++) {
		fd = api_socket(family, 0);
		ASSERT_EQ(0, setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range,
					sizeof(range)));
		if (i > hi - lo) {
			/* To this peer, all are taken. */
			EXPECT_EQ(-EADDRNOTAVAIL, SYS(api_connect(fd, &addr)));
			break;
		}
		err = SYS(api_connect(fd, &addr));
		/* Before 6.8 kernel TCP leaves the last one of an odd number out. */
		if (family == AF_INET && err == -EADDRNOTAVAIL && i && i == hi - lo && !(i & 1))
			break;
		ASSERT_EQ(0, err);
		EXPECT_LE(lo, api_port(fd));
		EXPECT_GE(hi, api_port(fd));
		api_accept(l);
	}
}

/* By connect(), and by bind() to port 0. */
TEST_F(alone, local_port_range)
{
	struct sockaddr_in any = api_addr("127.0.0.1", 0);
	uint32_t range = 40000 | 40003u << 16, bad = 40003 | 40000u << 16;

	if (setsockopt(self->fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)) &&
	    errno == ENOPROTOOPT)
		SKIP(return, "no IP_LOCAL_PORT_RANGE before 6.3");
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &bad,
					  sizeof(bad))));
	ASSERT_EQ(0, SYS(api_bind(self->fd, &any)));
	EXPECT_LE(40000, api_port(self->fd));
	EXPECT_GE(40003, api_port(self->fd));
	use_up_ports(_metadata, variant->family, 41000, 41003);
	/* An odd number; one. */
	use_up_ports(_metadata, variant->family, 42000, 42002);
	use_up_ports(_metadata, variant->family, 43001, 43001);
}

/* Once locked, a filter can neither be taken off nor replaced, nor the lock. */
TEST_F(alone, lock_filter)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0xffff) };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)));
	api_opt(self->fd, SOL_SOCKET, SO_LOCK_FILTER, 1);
	EXPECT_EQ(1, api_getopt(self->fd, SOL_SOCKET, SO_LOCK_FILTER));
	EXPECT_EQ(-EPERM, SYS(setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
					 sizeof(prog))));
	EXPECT_EQ(-EPERM, SYS(setsockopt(self->fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 },
					 sizeof(int))));
	EXPECT_EQ(-EPERM, SYS(setsockopt(self->fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){ 0 },
					 sizeof(int))));
}

API_PAIR_FIXTURE(pair);

/* The CPU that the last segment came in by. */
TEST_F(pair, incoming_cpu)
{
	char x = 'x';
	int cpu;

	api_send(self->c, &x, 1);
	api_recv(self->s, &x, 1);
	cpu = api_getopt(self->s, SOL_SOCKET, SO_INCOMING_CPU);
	EXPECT_LE(0, cpu);
	EXPECT_GT(sysconf(_SC_NPROCESSORS_CONF), cpu);
}

/* A SYN's headers: 1 from that of IP on, 2 from that of the link. Read once. */
static void saved(struct __test_metadata *_metadata, int s, int mode, int dport)
{
	uint8_t syn[256];
	socklen_t len = sizeof(syn), shorter = 20;
	const uint8_t *ip = syn + (mode == 2 ? 14 : 0), *tcp;
	uint16_t port;

	EXPECT_EQ(-EINVAL, SYS(getsockopt(s, IPPROTO_TCP, TCP_SAVED_SYN, syn, &shorter)));
	EXPECT_LE(40, shorter);
	ASSERT_EQ(0, getsockopt(s, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	EXPECT_EQ(shorter, len);
	tcp = ip + (ip[0] >> 4 == 6 ? 40 : (ip[0] & 15) * 4);
	ASSERT_LE(tcp + 20, syn + len);
	memcpy(&port, tcp + 2, sizeof(port));
	EXPECT_EQ(dport, ntohs(port));
	EXPECT_EQ(0x02, tcp[13] & 0x3f);
	EXPECT_EQ(syn + len, tcp + (tcp[12] >> 4) * 4);
	len = sizeof(syn);
	EXPECT_EQ(0, getsockopt(s, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	EXPECT_EQ(0, len);
}

TEST_F(pair, save_syn)
{
	socklen_t len = 1;
	char none;
	int mode;

	for (mode = 1; mode <= 2; mode++) {
		api_opt(self->l, IPPROTO_TCP, TCP_SAVE_SYN, mode);
		api_connected(variant->client, &self->addr);
		saved(_metadata, api_accept(self->l), mode, ntohs(self->addr.sin_port));
	}
	/* The one accepted before was not asked to. */
	EXPECT_EQ(0, getsockopt(self->s, IPPROTO_TCP, TCP_SAVED_SYN, &none, &len));
	EXPECT_EQ(0, len);
}

/* Whoever can't be told its length has not had it. */
TEST_F(pair, saved_syn_of_a_bad_length)
{
	socklen_t *len = mmap(NULL, sizeof(*len), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t syn[256];
	int s;

	ASSERT_NE(MAP_FAILED, len);
	api_opt(self->l, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	*len = sizeof(syn);
	ASSERT_EQ(0, mprotect(len, sizeof(*len), PROT_READ));
	EXPECT_EQ(-EFAULT, SYS(getsockopt(s, IPPROTO_TCP, TCP_SAVED_SYN, syn, len)));
	saved(_metadata, s, 1, ntohs(self->addr.sin_port));
}

/* What a connection has left behind is not the next one's. */
TEST_F(pair, another_connection)
{
	int c, s, off = 0;
	socklen_t len = 1;
	char buf[8];

	api_opt(self->l, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	setsockopt(s, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off));
	api_send(c, "12345", 5);
	ASSERT_TRUE(api_readable(s));
	EXPECT_EQ(5, recv(s, buf, sizeof(buf), MSG_PEEK));
	ASSERT_EQ(0, api_dissolve(s));
	ASSERT_EQ(0, SYS(api_connect(s, &self->addr)));
	EXPECT_EQ(0, getsockopt(s, IPPROTO_TCP, TCP_SAVED_SYN, buf, &len));
	EXPECT_EQ(0, len);
	c = api_accept(self->l);
	api_send(c, "abc", 3);
	ASSERT_TRUE(api_readable(s));
	EXPECT_EQ(3, recv(s, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
}

/*
 * A socket that IPV6_ADDRFORM has made one of IPv4 may listen, and what it has of IPv6 still
 * is not its children's.
 */
TEST_F(pair, listen_after_addrform)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	int v4 = AF_INET, c, s;
	char x;

	if (variant->face != API_MAPPED)
		SKIP(return, "is about mapped addresses");
	ASSERT_EQ(0, SYS(setsockopt(self->c, IPPROTO_IPV6, IPV6_ADDRFORM, &v4, sizeof(v4))));
	ASSERT_EQ(0, api_dissolve(self->c));
	ASSERT_EQ(0, SYS(bind(self->c, (void *)&addr, len)));
	ASSERT_EQ(0, SYS(listen(self->c, 1)));
	ASSERT_EQ(0, getsockname(self->c, (void *)&addr, &len));
	addr = api_addr("127.0.0.1", ntohs(addr.sin_port));
	c = api_connected(variant->client, &addr);
	s = accept(self->c, NULL, NULL);
	ASSERT_LE(0, s);
	close(self->c);
	/* A grace period: nobody looks at the listener any more. */
	ASSERT_EQ(0, syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	close(s);
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_CLOSE_WAIT));
	close(c);
}

/* They are in each header: segments carry that much less. */
TEST_F(pair, ip_options)
{
	static const uint8_t nops[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	uint8_t buf[40], data[3000] = "";
	socklen_t len = sizeof(buf);
	const int most = 65536 - 20 - 20 - 12;	/* the device's MTU, less the headers */

	if (variant->face == API_V6)
		SKIP(return, "options of IPv4");
	ASSERT_EQ(0, setsockopt(self->c, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)));
	ASSERT_EQ(0, getsockopt(self->c, IPPROTO_IP, IP_OPTIONS, buf, &len));
	EXPECT_EQ(sizeof(nops), len);
	EXPECT_EQ(0, memcmp(nops, buf, sizeof(nops)));
	api_send(self->c, data, sizeof(data));
	api_recv(self->s, data, sizeof(data));
	EXPECT_GE(most - (int)sizeof(nops), api_getopt(self->c, IPPROTO_TCP, TCP_MAXSEG));
	EXPECT_EQ(0, setsockopt(self->c, IPPROTO_IP, IP_OPTIONS, nops, 0));
	len = sizeof(buf);
	EXPECT_EQ(0, getsockopt(self->c, IPPROTO_IP, IP_OPTIONS, buf, &len));
	EXPECT_EQ(0, len);
	api_send(self->c, data, sizeof(data));
	api_recv(self->s, data, sizeof(data));
}

TEST_HARNESS_MAIN
