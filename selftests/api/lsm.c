// SPDX-License-Identifier: GPL-2.0
/*
 * Security modules: each of their hooks for sockets is asked about TCPX too, and
 * its "no" counts. The module is a BPF program of ours, at one hook after the
 * other; it answers only for this process's calls or for sockets that we marked.
 */
#include "api.h"
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sys/syscall.h>

#define MARK	0x10c5

/* The kernel's types: they say which function a hook is, and where a field lies. */
struct types {
	char *all, *strings;
	size_t len;
};

static struct types types_read(void)
{
	static const char path[] = "/sys/kernel/btf/vmlinux";
	struct types t = {};
	struct btf_header *h;
	ssize_t n;
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return t;
	do {
		t.all = realloc(t.all, size + (1 << 20));
		if (!t.all)
			api_die("%s", path);
		n = read(fd, t.all + size, 1 << 20);
		size += n > 0 ? n : 0;
	} while (n > 0);
	close(fd);
	h = (void *)t.all;
	t.strings = t.all + h->hdr_len + h->str_off;
	t.len = h->type_len;
	return t;
}

/* Size of what follows a type of that kind. */
static size_t type_rest(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

/* The type of that kind and name; its number in *id. */
static const struct btf_type *type_find(const struct types *t, unsigned int kind,
					const char *name, int *id)
{
	const char *pos = t->all + ((struct btf_header *)t->all)->hdr_len, *end = pos + t->len;
	const struct btf_type *type;

	for (*id = 1; pos < end; pos += sizeof(*type) + type_rest(type), (*id)++) {
		type = (const void *)pos;
		if (BTF_INFO_KIND(type->info) == kind &&
		    !strcmp(t->strings + type->name_off, name))
			return type;
	}
	return NULL;
}

/* Where in a struct that member is, or -1. */
static int type_offset(const struct types *t, const char *name, const char *member)
{
	const struct btf_member *m;
	const struct btf_type *type;
	unsigned int i;
	int id;

	type = type_find(t, BTF_KIND_STRUCT, name, &id);
	if (!type)
		return -1;
	m = (const void *)(type + 1);
	for (i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		if (!strcmp(t->strings + m[i].name_off, member))
			return BTF_MEMBER_BIT_OFFSET(m[i].offset) / 8;
	}
	return -1;
}

FIXTURE(lsm) {
	struct types types;
	int l, map;
	struct sockaddr_in addr;
};

API_PAIR_VARIANTS(lsm);

static long sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* An array of one counter. */
static int counter_new(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};

	return sys_bpf(BPF_MAP_CREATE, &attr);
}

static uint64_t counter(int map)
{
	uint32_t key = 0;
	uint64_t value = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	if (sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		api_die("BPF_MAP_LOOKUP_ELEM");
	return value;
}

static bool have_bpf_lsm(void)
{
	return !api_sh("grep -qw bpf /sys/kernel/security/lsm");
}

FIXTURE_SETUP(lsm)
{
	if (!api_have(variant->client))
		API_SKIP("the tcpx module is not loaded");
	API_BEGIN(variant->server);
	self->l = api_listener(variant->server, &self->addr);
	self->types = types_read();
	self->map = counter_new();
	if (!self->types.all || self->map < 0 || !have_bpf_lsm())
		API_SKIP("no BPF security module here");
}

FIXTURE_TEARDOWN(lsm)
{
	close(self->l);
	close(self->map);
	free(self->types.all);
}

#define LOAD_ID(reg, kind, value)						\
	{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = (reg), .src_reg = (kind),	\
	  .imm = (value) }, {}
#define MOV(dst, value)								\
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (dst), .imm = (value) }
#define EXIT		{ .code = BPF_JMP | BPF_EXIT }

/* r0 == value: count and return ret, else return 0 */
#define WHEN(value, map, ret)							\
	{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .off = 6, .imm = (value) }, \
	LOAD_ID(1, BPF_PSEUDO_MAP_VALUE, map),					\
	MOV(2, 1),								\
	{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = 1, .src_reg = 2, .imm = BPF_ADD }, \
	MOV(0, ret),								\
	EXIT,									\
	MOV(0, 0),								\
	EXIT

/* Attach a program at a hook: a file descriptor, as long as which is open. */
static int attach(const struct types *t, const char *hook, const struct bpf_insn *code, int n)
{
	static char log[1 << 16];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_LSM,
		.expected_attach_type = BPF_LSM_MAC,
		.insns = (uintptr_t)code,
		.insn_cnt = n,
		.license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	char name[64];
	int id, prog, link;

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	if (!type_find(t, BTF_KIND_FUNC, name, &id))
		api_die("no hook %s", name);
	attr.attach_btf_id = id;
	prog = sys_bpf(BPF_PROG_LOAD, &attr);
	if (prog < 0)
		api_die("BPF_PROG_LOAD for %s: %s", hook, log);
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = prog;
	link = sys_bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
	if (link < 0)
		api_die("BPF_RAW_TRACEPOINT_OPEN for %s", hook);
	close(prog);
	return link;
}

/* "No" to calls of this process. */
static int deny_calls(const struct types *t, int map, const char *hook)
{
	struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_pid_tgid },
		{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = 0, .imm = 32 },
		WHEN(getpid(), map, -EPERM),
	};

	return attach(t, hook, code, ARRAY_SIZE(code));
}

/* An answer about sockets with our mark; the hook's first argument is the socket. */
static int answer_marked(const struct types *t, int map, const char *hook, int answer)
{
	struct bpf_insn code[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1 },
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 0, .src_reg = 1,
		  .off = type_offset(t, "sock", "sk_mark") },
		WHEN(MARK, map, answer),
	};

	return attach(t, hook, code, ARRAY_SIZE(code));
}

/* What is tried while a hook says no: on an unconnected socket, a listener, a connection. */
struct tried {
	int family, fresh, l, c;
	struct sockaddr_in *addr;
};

static long try_create(struct tried *t)
{
	return SYS(socket(api_family(t->family), SOCK_STREAM, 0));
}

static long try_bind(struct tried *t)
{
	struct sockaddr_in any = api_addr("127.0.0.1", 0);

	return SYS(api_bind(t->fresh, &any));
}

static long try_connect(struct tried *t)
{
	return SYS(api_connect(t->fresh, t->addr));
}

static long try_listen(struct tried *t)
{
	return SYS(listen(t->l, 5));
}

static long try_accept(struct tried *t)
{
	return SYS(accept4(t->l, NULL, NULL, SOCK_NONBLOCK));
}

static long try_send(struct tried *t)
{
	return SYS(send(t->c, "x", 1, MSG_NOSIGNAL));
}

static long try_recv(struct tried *t)
{
	char x;

	return SYS(recv(t->c, &x, 1, MSG_DONTWAIT));
}

static long try_getsockname(struct tried *t)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	return SYS(getsockname(t->c, (void *)&addr, &len));
}

static long try_getpeername(struct tried *t)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	return SYS(getpeername(t->c, (void *)&addr, &len));
}

static long try_setsockopt(struct tried *t)
{
	int one = 1;

	return SYS(setsockopt(t->c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
}

static long try_getsockopt(struct tried *t)
{
	int value;
	socklen_t len = sizeof(value);

	return SYS(getsockopt(t->c, IPPROTO_TCP, TCP_NODELAY, &value, &len));
}

static long try_shutdown(struct tried *t)
{
	return SYS(shutdown(t->c, SHUT_WR));
}

/* Attaching waits for RCU, a dozen times: that may take longer than a test usually may. */
TEST_F_TIMEOUT(lsm, calls_are_denied, 120)
{
	static const struct {
		const char *hook;
		long (*attempt)(struct tried *t);
	} c[] = {
		{ "socket_create", try_create },
		{ "socket_bind", try_bind },
		{ "socket_connect", try_connect },
		{ "socket_listen", try_listen },
		{ "socket_accept", try_accept },
		{ "socket_sendmsg", try_send },
		{ "socket_recvmsg", try_recv },
		{ "socket_getsockname", try_getsockname },
		{ "socket_getpeername", try_getpeername },
		{ "socket_setsockopt", try_setsockopt },
		{ "socket_getsockopt", try_getsockopt },
		{ "socket_shutdown", try_shutdown },
	};
	struct tried t = {
		.family = variant->client,
		.fresh = api_socket(variant->client, 0),
		.l = self->l,
		.c = api_connected(variant->client, &self->addr),
		.addr = &self->addr,
	};
	uint64_t before;
	size_t i;
	int link;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		before = counter(self->map);
		link = deny_calls(&self->types, self->map, c[i].hook);
		EXPECT_EQ(-EPERM, c[i].attempt(&t))
			TH_LOG("%s", c[i].hook);
		close(link);
		EXPECT_LT(before, counter(self->map))
			TH_LOG("%s was not asked", c[i].hook);
		/* A refused connect() or accept() has left nothing behind. */
		if (c[i].attempt == try_recv)
			continue;
		EXPECT_LE(0, c[i].attempt(&t))
			TH_LOG("%s, allowed", c[i].hook);
	}
}

/* Connections are refused to a listener: its SYNs are dropped. */
TEST_F(lsm, requests_are_denied)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK), link;

	api_opt(self->l, SOL_SOCKET, SO_MARK, MARK);
	link = answer_marked(&self->types, self->map, "inet_conn_request", -EPERM);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	EXPECT_LE(1, counter(self->map));
	close(link);
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

/* ... by way of a SYN cookie too, where it is the last ACK that asks. */
TEST_F(lsm, cookies_are_denied)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK), link;

	api_sysctl("ipv4/tcp_syncookies", "2");
	api_opt(self->l, SOL_SOCKET, SO_MARK, MARK);
	link = answer_marked(&self->types, self->map, "inet_conn_request", -EPERM);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_WAIT(counter(self->map)));
	EXPECT_TRUE(API_STAYS(!api_readable(self->l)));
	close(link);
	api_accept(self->l);
}

/* What a socket's security module refuses does not reach it, until it may. */
TEST_F(lsm, segments_are_denied)
{
	int c = api_connected(variant->client, &self->addr), s = api_accept(self->l), link;
	char x;

	api_opt(c, SOL_SOCKET, SO_MARK, MARK);
	link = answer_marked(&self->types, self->map, "socket_sock_rcv_skb", -EPERM);
	api_send(s, "x", 1);
	EXPECT_TRUE(API_STAYS(!api_readable(c)));
	EXPECT_LE(1, counter(self->map));
	close(link);
	api_recv(c, &x, 1);
	EXPECT_EQ('x', x);
}

/* The client's module hears of the connection when it is there. */
TEST_F(lsm, hears_of_connections)
{
	int c = api_socket(variant->client, 0), link;

	api_opt(c, SOL_SOCKET, SO_MARK, MARK);
	link = answer_marked(&self->types, self->map, "inet_conn_established", 0);
	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(1, counter(self->map));
	close(link);
}

TEST_HARNESS_MAIN
