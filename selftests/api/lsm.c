// SPDX-License-Identifier: GPL-2.0
/*
 * Security modules: each of their hooks for sockets is asked about TCPX too, and
 * its "no" counts. The module is a BPF program of ours, at one hook after the
 * other; it answers only for this process's calls or for sockets that we marked.
 * To attach and to detach one each wait for RCU, which takes far longer than what is
 * tried in between: so each is there once, for all pairs of sockets.
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

/* A listener, and who talks to it. */
struct pair {
	const char *name;
	int family;
	enum api_face face;
	int l, fresh, c, s;
	struct sockaddr_in addr;
};

FIXTURE(lsm) {
	struct types types;
	int map;
	struct pair pairs[6];
};

#define ARRAY_END(array)	((array) + ARRAY_SIZE(array))

/* Those that are wanted and can be had: the tests are about each of them. */
static struct pair *pair_next(FIXTURE_DATA(lsm) *self, struct pair *p)
{
	for (p = p ? p + 1 : self->pairs; p != ARRAY_END(self->pairs); p++) {
		if (p->l >= 0) {
			api_face = p->face;
			return p;
		}
	}
	return NULL;
}

#define for_each_pair(p)							\
	for ((p) = pair_next(self, NULL); (p); (p) = pair_next(self, p))

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

#define PAIR(title, af, version)						\
	{ .name = (title), .family = (af), .face = (version), .l = -1 }

FIXTURE_SETUP(lsm)
{
	static const struct pair pairs[] = {
		PAIR("inet_to_inet", AF_INET, API_V4),
		PAIR("tcpx_to_tcpx", AF_TCPX, API_V4),
		PAIR("inet6_to_inet6", AF_INET, API_V6),
		PAIR("tcpx6_to_tcpx6", AF_TCPX, API_V6),
		PAIR("inet_mapped_to_inet_mapped", AF_INET, API_MAPPED),
		PAIR("tcpx_mapped_to_tcpx_mapped", AF_TCPX, API_MAPPED),
	};
	struct pair *p;

	self->types = types_read();
	self->map = counter_new();
	if (!self->types.all || self->map < 0 || !have_bpf_lsm())
		API_SKIP("no BPF security module here");
	api_netns();
	memcpy(self->pairs, pairs, sizeof(pairs));
	for (p = self->pairs; p != ARRAY_END(self->pairs); p++) {
		api_face = p->face;
		if (wanted(p->name) && api_have(p->family) && api_have_face(p->family))
			p->l = api_listener(p->family, &p->addr);
	}
}

FIXTURE_TEARDOWN(lsm)
{
	struct pair *p;

	for_each_pair(p)
		close(p->l);
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

static long try_create(struct pair *p)
{
	return SYS(socket(api_family(p->family), SOCK_STREAM, api_protocol(p->family)));
}

static long try_bind(struct pair *p)
{
	struct sockaddr_in any = api_addr("127.0.0.1", 0);

	return SYS(api_bind(p->fresh, &any));
}

static long try_connect(struct pair *p)
{
	return SYS(api_connect(p->fresh, &p->addr));
}

static long try_listen(struct pair *p)
{
	return SYS(listen(p->l, 5));
}

static long try_accept(struct pair *p)
{
	return SYS(accept4(p->l, NULL, NULL, SOCK_NONBLOCK));
}

static long try_send(struct pair *p)
{
	return SYS(send(p->c, "x", 1, MSG_NOSIGNAL));
}

static long try_recv(struct pair *p)
{
	char x;

	return SYS(recv(p->c, &x, 1, MSG_DONTWAIT));
}

static long try_getsockname(struct pair *p)
{
	struct sockaddr_in addr;

	return SYS(api_name(p->c, &addr));
}

static long try_getpeername(struct pair *p)
{
	struct sockaddr_in addr;

	return SYS(api_peer(p->c, &addr));
}

static long try_setsockopt(struct pair *p)
{
	int one = 1;

	return SYS(setsockopt(p->c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
}

static long try_getsockopt(struct pair *p)
{
	int value;
	socklen_t len = sizeof(value);

	return SYS(getsockopt(p->c, IPPROTO_TCP, TCP_NODELAY, &value, &len));
}

static long try_shutdown(struct pair *p)
{
	return SYS(shutdown(p->c, SHUT_WR));
}

TEST_F_TIMEOUT(lsm, calls_are_denied, 120)
{
	static const struct {
		const char *hook;
		long (*attempt)(struct pair *p);
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
	struct pair *p;
	uint64_t before;
	size_t i;
	int link;

	for_each_pair(p) {
		p->fresh = api_socket(p->family, 0);
		p->c = api_connected(p->family, &p->addr);
	}
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		link = deny_calls(&self->types, self->map, c[i].hook);
		for_each_pair(p) {
			before = counter(self->map);
			EXPECT_EQ(-EPERM, c[i].attempt(p))
				TH_LOG("%s, %s", p->name, c[i].hook);
			EXPECT_LT(before, counter(self->map))
				TH_LOG("%s: %s was not asked", p->name, c[i].hook);
		}
		close(link);
		/* A refused connect() or accept() has left nothing behind. */
		if (c[i].attempt == try_recv)
			continue;
		for_each_pair(p)
			EXPECT_LE(0, c[i].attempt(p))
				TH_LOG("%s, %s, allowed", p->name, c[i].hook);
	}
}

/*
 * What was refused is sent again, but the timer has backed off: after as long as it has been
 * refused, and the other pairs and the detaching count.
 */
#define WAIT_LONG(cond)	(API_WAIT(cond) || API_WAIT(cond) || API_WAIT(cond))

/* Begins to connect to marked listeners, whose SYNs our module sees. */
static void try_to_connect(struct __test_metadata *_metadata, FIXTURE_DATA(lsm) *self)
{
	uint64_t before;
	struct pair *p;

	for_each_pair(p) {
		before = counter(self->map);
		p->c = api_socket(p->family, SOCK_NONBLOCK);
		api_opt(p->l, SOL_SOCKET, SO_MARK, MARK);
		EXPECT_EQ(-EINPROGRESS, SYS(api_connect(p->c, &p->addr)))
			TH_LOG("%s", p->name);
		EXPECT_TRUE(API_WAIT(counter(self->map) > before))
			TH_LOG("%s: nobody was asked", p->name);
	}
}

/* Connections are refused to a listener: its SYNs are dropped. */
TEST_F_TIMEOUT(lsm, requests_are_denied, 120)
{
	int link = answer_marked(&self->types, self->map, "inet_conn_request", -EPERM);
	struct pair *p;

	try_to_connect(_metadata, self);
	for_each_pair(p)
		EXPECT_TRUE(API_STAYS(api_state(p->c) == ST_SYN_SENT))
			TH_LOG("%s", p->name);
	close(link);
	for_each_pair(p)
		EXPECT_TRUE(WAIT_LONG(api_state(p->c) == ST_ESTABLISHED))
			TH_LOG("%s", p->name);
}

/* ... by way of a SYN cookie too, where it is the last ACK that asks. */
TEST_F_TIMEOUT(lsm, cookies_are_denied, 120)
{
	int link = answer_marked(&self->types, self->map, "inet_conn_request", -EPERM);
	struct pair *p;

	api_sysctl("ipv4/tcp_syncookies", "2");
	try_to_connect(_metadata, self);
	for_each_pair(p)
		EXPECT_TRUE(API_STAYS(!api_events(p->l, POLLIN, 0)))
			TH_LOG("%s", p->name);
	close(link);
	for_each_pair(p)
		EXPECT_TRUE(WAIT_LONG(api_readable(p->l)))
			TH_LOG("%s", p->name);
}

/* What a socket's security module refuses does not reach it, until it may. */
TEST_F_TIMEOUT(lsm, segments_are_denied, 120)
{
	int link = answer_marked(&self->types, self->map, "socket_sock_rcv_skb", -EPERM);
	uint64_t before;
	struct pair *p;
	char x;

	for_each_pair(p) {
		before = counter(self->map);
		p->c = api_connected(p->family, &p->addr);
		p->s = api_accept(p->l);
		api_opt(p->c, SOL_SOCKET, SO_MARK, MARK);
		api_send(p->s, "x", 1);
		EXPECT_TRUE(API_STAYS(!api_events(p->c, POLLIN, 0)))
			TH_LOG("%s", p->name);
		EXPECT_LT(before, counter(self->map))
			TH_LOG("%s: nobody was asked", p->name);
	}
	close(link);
	for_each_pair(p) {
		x = 0;
		EXPECT_TRUE(WAIT_LONG(api_readable(p->c)));
		api_recv(p->c, &x, 1);
		EXPECT_EQ('x', x)
			TH_LOG("%s", p->name);
	}
}

/* The client's module hears of the connection when it is there. */
TEST_F_TIMEOUT(lsm, hears_of_connections, 120)
{
	int link = answer_marked(&self->types, self->map, "inet_conn_established", 0);
	uint64_t before;
	struct pair *p;

	for_each_pair(p) {
		before = counter(self->map);
		p->c = api_socket(p->family, 0);
		api_opt(p->c, SOL_SOCKET, SO_MARK, MARK);
		ASSERT_EQ(0, SYS(api_connect(p->c, &p->addr)))
			TH_LOG("%s", p->name);
		EXPECT_EQ(before + 1, counter(self->map))
			TH_LOG("%s", p->name);
	}
	close(link);
}

TEST_HARNESS_MAIN
