// SPDX-License-Identifier: GPL-2.0
/*
 * Control groups: their BPF programs and their memory limits bind TCPX too. What is attached
 * and enabled here the kernel does for every socket: nothing else should run beside it.
 */
#include "api.h"
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A cgroup of our own, which we are in. */
FIXTURE(cgroup) {
	int l, dir;
	struct sockaddr_in addr;
	char root[32], path[64];
};

API_PAIR_VARIANTS(cgroup);

static bool write_pid(const char *dir)
{
	char path[128];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "w");
	ok = f && fprintf(f, "%d\n", getpid()) > 0;
	return f && !fclose(f) && ok;
}

FIXTURE_SETUP(cgroup)
{
	API_BEGIN_PAIR(variant->client, variant->server);
	self->l = api_listener(variant->server, &self->addr);
	/* A mount of our own: nothing that the host has mounted changes. */
	strcpy(self->root, "/tmp/api-cgroup.XXXXXX");
	if (!mkdtemp(self->root) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", self->root, "cgroup2", 0, NULL))
		API_SKIP("no cgroup2: %s", strerror(errno));
	snprintf(self->path, sizeof(self->path), "%s/api-%d", self->root,
		 getpid());
	if (mkdir(self->path, 0700) || !write_pid(self->path))
		API_SKIP("no cgroup of our own: %s", strerror(errno));
	self->dir = open(self->path, O_DIRECTORY | O_CLOEXEC);
}

/* For all cgroups below, those of tests that come later, too: to be taken back. */
static bool control_memory(const char *root, const char *how)
{
	char path[128];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", root);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, how, strlen(how)) == (ssize_t)strlen(how);
	close(fd);
	return ok;
}

FIXTURE_TEARDOWN(cgroup)
{
	close(self->dir);
	write_pid(self->root);
	rmdir(self->path);
	control_memory(self->root, "-memory\n");
	umount(self->root);
	rmdir(self->root);
}

static int attach(int cgroup, int type, int hook, const struct bpf_insn *code, int len)
{
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = hook,
		.insns = (uintptr_t)code,
		.insn_cnt = len,
		.license = (uintptr_t)"GPL",
	};
	int prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (prog < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = cgroup;
	attr.attach_bpf_fd = prog;
	attr.attach_type = hook;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)))
		return -1;
	return prog;
}

/* A program that denies everything, attached at one of the hooks. */
static int deny(int cgroup, int type, int hook)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return attach(cgroup, type, hook, code, ARRAY_SIZE(code));
}

static void allow(int cgroup, int prog, int hook)
{
	union bpf_attr attr = {
		.target_fd = cgroup,
		.attach_bpf_fd = prog,
		.attach_type = hook,
	};

	if (syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)))
		api_die("BPF_PROG_DETACH");
	close(prog);
}

static long try_socket(int family, const struct sockaddr_in *addr)
{
	long fd = SYS(socket(api_family(family), SOCK_STREAM,
			     api_protocol(family)));

	(void)addr;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static long try_bind(int family, const struct sockaddr_in *addr)
{
	struct sockaddr_in own = *addr;
	int fd = api_socket(family, 0);
	long ret;

	own.sin_port = htons(5001);
	ret = SYS(api_bind(fd, &own));
	close(fd);
	return ret;
}

static long try_connect(int family, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0);
	long ret = SYS(api_connect(fd, addr));

	close(fd);
	return ret;
}

static long try_setsockopt(int family, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0), one = 1;
	long ret = SYS(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));

	(void)addr;
	close(fd);
	return ret;
}

static long try_getsockopt(int family, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0), value;
	socklen_t len = sizeof(value);
	long ret = SYS(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len));

	(void)addr;
	close(fd);
	return ret;
}

TEST_F(cgroup, calls_are_denied)
{
	static const struct {
		const char *name;
		int type, hook[2];	/* of IPv4 and of IPv6 sockets */
		long (*attempt)(int family, const struct sockaddr_in *addr);
	} c[] = {
		{ "socket", BPF_PROG_TYPE_CGROUP_SOCK,
		  { BPF_CGROUP_INET_SOCK_CREATE, BPF_CGROUP_INET_SOCK_CREATE },
		  try_socket },
		{ "bind", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		  { BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND }, try_bind },
		{ "post-bind", BPF_PROG_TYPE_CGROUP_SOCK,
		  { BPF_CGROUP_INET4_POST_BIND, BPF_CGROUP_INET6_POST_BIND },
		  try_bind },
		{ "connect", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		  { BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_INET6_CONNECT },
		  try_connect },
		{ "setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT,
		  { BPF_CGROUP_SETSOCKOPT, BPF_CGROUP_SETSOCKOPT }, try_setsockopt },
		{ "getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT,
		  { BPF_CGROUP_GETSOCKOPT, BPF_CGROUP_GETSOCKOPT }, try_getsockopt },
	};
	int prog, hook;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		hook = c[i].hook[variant->face != API_V4];
		prog = deny(self->dir, c[i].type, hook);
		if (prog < 0)
			SKIP(return, "no cgroup-BPF: %s", strerror(errno));
		EXPECT_EQ(-EPERM, c[i].attempt(variant->client, &self->addr))
			TH_LOG("%s", c[i].name);
		allow(self->dir, prog, hook);
		EXPECT_EQ(0, c[i].attempt(variant->client, &self->addr))
			TH_LOG("%s, allowed", c[i].name);
	}
}

/* A program that says another port than the socket has. */
static int rename_port(int cgroup, int hook, int port)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = htons(port) },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = 2,
		  .off = offsetof(struct bpf_sock_addr, user_port) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return attach(cgroup, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, hook, code, ARRAY_SIZE(code));
}

TEST_F(cgroup, names_are_rewritten)
{
	bool v4 = variant->face == API_V4;
	int c = api_connected(variant->client, &self->addr);
	int hook = v4 ? BPF_CGROUP_INET4_GETSOCKNAME : BPF_CGROUP_INET6_GETSOCKNAME;
	int prog = rename_port(self->dir, hook, 4242), port = ntohs(self->addr.sin_port);
	struct sockaddr_in name;

	if (prog < 0)
		SKIP(return, "no cgroup-BPF: %s", strerror(errno));
	EXPECT_EQ(4242, api_port(c));
	allow(self->dir, prog, hook);
	EXPECT_NE(4242, api_port(c));

	hook = v4 ? BPF_CGROUP_INET4_GETPEERNAME : BPF_CGROUP_INET6_GETPEERNAME;
	prog = rename_port(self->dir, hook, 4243);
	ASSERT_LE(0, prog);
	EXPECT_EQ(0, SYS(api_peer(c, &name)));
	EXPECT_EQ(4243, ntohs(name.sin_port));
	allow(self->dir, prog, hook);
	EXPECT_EQ(0, SYS(api_peer(c, &name)));
	EXPECT_EQ(port, ntohs(name.sin_port));
}

/* Bytes of socket buffers that our cgroup is charged with. */
static long charged(const char *dir)
{
	char path[128], line[128];
	long bytes = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	f = fopen(path, "r");
	while (f && bytes < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "sock %ld", &bytes);
	if (f)
		fclose(f);
	return bytes;
}

/* What a socket has queued is on the bill of the cgroup that made it. */
TEST_F(cgroup, memory_is_charged)
{
	int c;

	if (!control_memory(self->root, "+memory\n"))
		SKIP(return, "no memory cgroup: %s", strerror(errno));
	c = api_connected(variant->client, &self->addr);
	ASSERT_EQ(0, charged(self->path));
	api_nonblock(c);
	api_fill(c);
	EXPECT_TRUE(API_WAIT(charged(self->path) > 100000));
	close(api_accept(self->l));
	close(c);
	EXPECT_TRUE(API_WAIT(!charged(self->path)));
}

/* An accepted one is on the bill of who accepts, with all that came before. */
TEST_F(cgroup, accepted_memory_is_charged)
{
	int c, s;

	if (!control_memory(self->root, "+memory\n"))
		SKIP(return, "no memory cgroup: %s", strerror(errno));
	ASSERT_TRUE(write_pid(self->root));
	c = api_connected(variant->client, &self->addr);
	ASSERT_TRUE(write_pid(self->path));
	api_nonblock(c);
	api_fill(c);
	ASSERT_EQ(0, charged(self->path));
	s = api_accept(self->l);
	EXPECT_TRUE(API_WAIT(charged(self->path) > 30000));
	/* Neither more nor less than that is given back. */
	close(c);
	close(s);
	EXPECT_TRUE(API_WAIT(!charged(self->path)));
}

/* What is sent of a byte while there is no memory for sockets. net.ipv4.tcp_mem, one for all, is
 * to be seen from the first network namespace only.
 */
static long send_without_memory(int fd)
{
	int first = open("/proc/1/ns/net", O_RDONLY), own = open("/proc/self/ns/net", O_RDONLY);
	long mem[3], sent;
	int i;

	if (setns(first, CLONE_NEWNET))
		api_die("setns");
	for (i = 0; i < 3; i++)
		mem[i] = api_sysctl_get("ipv4/tcp_mem", i);
	api_sysctl("ipv4/tcp_mem", "1 1 1");
	sent = SYS(send(fd, "x", 1, MSG_DONTWAIT));
	api_sysctl("ipv4/tcp_mem", "%ld %ld %ld", mem[0], mem[1], mem[2]);
	if (setns(own, CLONE_NEWNET))
		api_die("setns back");
	close(first);
	close(own);
	return sent;
}

/* Pages of memory in use by sockets of both stacks: those that are not in a CPU's reserve. */
static long tcp_pages(void)
{
	char line[128];
	long pages = -1;
	FILE *f = fopen("/proc/net/sockstat", "r");

	while (f && pages < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "TCP: inuse %*d orphan %*d tw %*d alloc %*d mem %ld", &pages);
	if (!f || pages < 0)
		api_die("/proc/net/sockstat");
	fclose(f);
	return pages;
}

/* Where there is none for others, memory for a little is there: no ACK would ever make room. */
TEST_F(cgroup, a_little_memory_is_always_there)
{
	int c, hog, i;
	char x;

	if (!control_memory(self->root, "+memory\n"))
		SKIP(return, "no memory cgroup: %s", strerror(errno));
	c = api_connected(variant->client, &self->addr);
	for (i = 0; i < 10 && tcp_pages() < 100; i++) {
		hog = api_connected(variant->client, &self->addr);
		api_nonblock(hog);
		api_fill(hog);
	}
	ASSERT_LE(100, tcp_pages());
	EXPECT_EQ(1, send_without_memory(c));
	api_recv(api_accept(self->l), &x, 1);
	EXPECT_EQ('x', x);
}

/* What newer kernels leave to cgroups alone is not on everybody's bill. */
TEST_F(cgroup, memory_that_is_not_everybodys)
{
	struct sockaddr_in addr;
	int l, c, s, i;
	long before;
	char x;

	if (access("/proc/sys/net/core/bypass_prot_mem", F_OK))
		SKIP(return, "no net.core.bypass_prot_mem");
	api_sysctl("core/bypass_prot_mem", "1");
	before = tcp_pages();
	l = api_listener(variant->server, &addr);
	c = api_connected(variant->client, &addr);
	s = api_accept(l);
	for (i = 0; i < 2000; i++) {
		api_send(c, "x", 1);
		api_recv(s, &x, 1);
		api_send(s, "y", 1);
		api_recv(c, &x, 1);
	}
	close(c);
	close(s);
	close(l);
	/* Some are in the CPUs' reserves. */
	EXPECT_GT(before + 1000, tcp_pages());
}

/* Packets of a denied socket neither leave it nor reach it. */
TEST_F(cgroup, packets_are_denied)
{
	static const int hooks[] = {
		BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET_INGRESS,
	};
	int prog, c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		/* Sockets belong to the cgroup they were made in. */
		c = api_socket(variant->client, SOCK_NONBLOCK);
		prog = deny(self->dir, BPF_PROG_TYPE_CGROUP_SKB, hooks[i]);
		if (prog < 0)
			SKIP(return, "no cgroup-BPF: %s", strerror(errno));
		EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
		EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
		allow(self->dir, prog, hooks[i]);
		EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
		close(c);
	}
}

TEST_HARNESS_MAIN
