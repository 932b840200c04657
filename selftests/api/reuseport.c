// SPDX-License-Identifier: GPL-2.0
/* SO_REUSEPORT groups: who of several listeners gets a connection. */
#include "api.h"
#include <linux/bpf.h>
#include <linux/filter.h>
#include <sys/syscall.h>

#define MEMBERS		4
#define CONNECTIONS	128

FIXTURE(group) {
	int l[MEMBERS];
	struct sockaddr_in addr;
};

API_PAIR_VARIANTS(group);

static int member(int family, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0);

	api_opt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (api_bind(fd, addr) || listen(fd, CONNECTIONS))
		api_die("bind or listen");
	return fd;
}

FIXTURE_SETUP(group)
{
	int i;

	API_BEGIN_PAIR(variant->client, variant->server);
	self->addr = api_addr("127.0.0.1", 5000);
	for (i = 0; i < MEMBERS; i++)
		self->l[i] = member(variant->server, &self->addr);
}

FIXTURE_TEARDOWN(group)
{
	int i;

	for (i = 0; i < MEMBERS; i++)
		close(self->l[i]);
}

/* Connect N times; count[i] is how many of them listener i has got. */
static void spread(const int *l, int family, const struct sockaddr_in *addr,
		   int n, int *count)
{
	int i, j, c, s;

	memset(count, 0, MEMBERS * sizeof(*count));
	for (j = 0; j < MEMBERS; j++)
		if (l[j] >= 0)
			api_nonblock(l[j]);
	for (i = 0; i < n; i++) {
		c = api_connected(family, addr);
		/* Accepted as soon as connect() is through, or a little later. */
		for (s = -1; s < 0; api_pause()) {
			for (j = 0; j < MEMBERS && s < 0; j++) {
				s = l[j] < 0 ? -1 : accept(l[j], NULL, NULL);
				count[j] += s >= 0;
			}
			if (s >= 0)
				break;
		}
		close(c);
		close(s);
	}
}

TEST_F(group, spreads_the_load)
{
	int count[MEMBERS], i, sum = 0;

	spread(self->l, variant->client, &self->addr, CONNECTIONS, count);
	for (i = 0; i < MEMBERS; i++) {
		EXPECT_LT(0, count[i]);
		EXPECT_GT(CONNECTIONS / 2, count[i]);
		sum += count[i];
	}
	EXPECT_EQ(CONNECTIONS, sum);
}

/* When a member leaves, the rest of the group carries on. */
TEST_F(group, goes_on_without_a_member)
{
	int count[MEMBERS];

	close(self->l[1]);
	self->l[1] = -1;
	spread(self->l, variant->client, &self->addr, CONNECTIONS, count);
	EXPECT_LT(0, count[0]);
	EXPECT_LT(0, count[2]);
	EXPECT_LT(0, count[3]);
	EXPECT_EQ(CONNECTIONS, count[0] + count[2] + count[3]);
}

/* Only the listening members count: the others are bound, no more. */
TEST_F(group, bound_members_get_nothing)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5001);
	int bound = api_socket(variant->server, 0), i;
	int l[MEMBERS] = { -1, -1, -1, -1 }, count[MEMBERS];

	api_opt(bound, SOL_SOCKET, SO_REUSEPORT, 1);
	ASSERT_EQ(0, api_bind(bound, &addr));
	l[0] = member(variant->server, &addr);
	for (i = 0; i < 8; i++)
		spread(l, variant->client, &addr, 1, count);
	EXPECT_EQ(1, count[0]);
}

/* A classic program that says INDEX, whatever comes. */
static int attach_cbpf(int fd, int index)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, index) };
	struct sock_fprog prog = { ARRAY_SIZE(code), code };

	return SYS(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
			      &prog, sizeof(prog)));
}

TEST_F(group, classic_bpf_selects)
{
	int count[MEMBERS], i, zero = 0;

	for (i = 0; i < MEMBERS; i++) {
		/* Any member may set the program: it is the group's. */
		ASSERT_EQ(0, attach_cbpf(self->l[i], i));
		spread(self->l, variant->client, &self->addr, 6, count);
		EXPECT_EQ(6, count[i]);
	}

	/* No such member: back to the hash. */
	ASSERT_EQ(0, attach_cbpf(self->l[0], 1000));
	spread(self->l, variant->client, &self->addr, CONNECTIONS, count);
	for (i = 0; i < MEMBERS; i++)
		EXPECT_LT(0, count[i]);

	ASSERT_EQ(0, attach_cbpf(self->l[0], 0));
	EXPECT_EQ(0, SYS(setsockopt(self->l[0], SOL_SOCKET,
				    SO_DETACH_REUSEPORT_BPF, &zero,
				    sizeof(zero))));
	spread(self->l, variant->client, &self->addr, CONNECTIONS, count);
	for (i = 0; i < MEMBERS; i++)
		EXPECT_LT(0, count[i]);
	EXPECT_EQ(-ENOENT, SYS(setsockopt(self->l[0], SOL_SOCKET,
					  SO_DETACH_REUSEPORT_BPF, &zero,
					  sizeof(zero))));
}

TEST_F(group, extended_bpf_selects)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)code,
		.insn_cnt = ARRAY_SIZE(code),
		.license = (uintptr_t)"GPL",
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	int count[MEMBERS];

	if (fd < 0)
		SKIP(return, "bpf() is not available: %s", strerror(errno));
	ASSERT_EQ(0, SYS(setsockopt(self->l[0], SOL_SOCKET,
				    SO_ATTACH_REUSEPORT_EBPF, &fd,
				    sizeof(fd))));
	spread(self->l, variant->client, &self->addr, 8, count);
	EXPECT_EQ(8, count[2]);
}

/* A lone socket without SO_REUSEPORT has no group to select from. */
TEST_F(group, program_without_a_group)
{
	int fd = api_socket(variant->server, 0);

	EXPECT_EQ(-EINVAL, attach_cbpf(fd, 0));
	close(fd);
}

/* tcp_migrate_req: a closing member's waiting connections change over. */
TEST_F(group, queued_connections_migrate)
{
	int c, s;
	char x;

	api_sysctl("ipv4/tcp_migrate_req", "1");
	ASSERT_EQ(0, attach_cbpf(self->l[0], 0));
	c = api_connected(variant->client, &self->addr);
	ASSERT_TRUE(api_readable(self->l[0]));
	api_send(c, "m", 1);
	close(self->l[3]);
	close(self->l[2]);
	close(self->l[0]);
	s = api_accept(self->l[1]);
	api_recv(s, &x, 1);
	EXPECT_EQ('m', x);
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
}

TEST_HARNESS_MAIN
