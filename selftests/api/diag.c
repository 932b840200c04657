// SPDX-License-Identifier: GPL-2.0
/*
 * sock_diag: what ss asks and how it ends sockets. AF_INET asks inet_diag, AF_TCPX
 * the module, by requests that differ in the family only (uapi/tcpx.h).
 */
#include "api.h"
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/stat.h>

#define ALL_STATES	0xfff
#define TCPF_BOUND_INACTIVE	(1 << 13)
#define EXT(attr)	(1 << ((attr) - 1))

struct request {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 r;
	char bytecode[64];
};

/* One socket as it was told; attr[] points into buf. */
struct told {
	struct inet_diag_msg msg;
	struct rtattr *attr[INET_DIAG_MAX + 1];
	char buf[1 << 16];
};

static int diag_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	struct timeval timeout = { .tv_sec = API_DEADLINE_MS / 1000 };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)))
		api_die("NETLINK_SOCK_DIAG");
	return fd;
}

/* Kernel TCP is asked by version, TCPX about both. */
static struct request ask(int family, unsigned int states)
{
	bool v6 = family == AF_INET && api_face != API_V4;
	struct request q = {
		.nlh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(q.r)),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.r = {
			.sdiag_family = v6 ? AF_INET6 : family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = states,
			.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
		},
	};

	return q;
}

static void add_bytecode(struct request *q, const void *code, size_t len)
{
	struct rtattr *rta = (void *)q->bytecode;

	rta->rta_type = INET_DIAG_REQ_BYTECODE;
	rta->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(rta), code, len);
	q->nlh.nlmsg_len += RTA_ALIGN(rta->rta_len);
}

static void tell(const struct nlmsghdr *nlh, struct told *t)
{
	struct rtattr *rta;
	int len;

	memset(t, 0, sizeof(*t));
	memcpy(&t->msg, NLMSG_DATA(nlh), sizeof(t->msg));
	len = nlh->nlmsg_len - NLMSG_LENGTH(sizeof(t->msg));
	if (len > (int)sizeof(t->buf))
		api_die("a message of %d bytes", len);
	memcpy(t->buf, (char *)nlh + NLMSG_LENGTH(sizeof(t->msg)), len);
	for (rta = (void *)t->buf; RTA_OK(rta, len); rta = RTA_NEXT(rta, len))
		if (rta->rta_type <= INET_DIAG_MAX)
			t->attr[rta->rta_type] = rta;
}

/* Send a request, hand each answer to each(). The number of answers, or -errno. */
static int diag(const struct request *q, void (*each)(const struct told *t, void *arg), void *arg)
{
	static char buf[1 << 17] __attribute__((aligned(4)));
	int fd = diag_socket(), n = 0, err = 1;
	struct nlmsghdr *nlh;
	struct told t;
	int len;

	if (send(fd, q, q->nlh.nlmsg_len, 0) != (ssize_t)q->nlh.nlmsg_len)
		api_die("request");
	while (err > 0) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0)
			api_die("no answer");
		for (nlh = (void *)buf; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE) {
				err = 0;
			} else if (nlh->nlmsg_type == NLMSG_ERROR) {
				err = ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
			} else {
				tell(nlh, &t);
				if (each)
					each(&t, arg);
				n++;
				if (!(q->nlh.nlmsg_flags & NLM_F_DUMP & ~NLM_F_REQUEST))
					err = 0;
			}
		}
	}
	close(fd);
	return err < 0 ? err : n;
}

struct wanted { int lport, rport; struct told told; int n; };

static void pick(const struct told *t, void *arg)
{
	struct wanted *w = arg;

	if (ntohs(t->msg.id.idiag_sport) != w->lport || ntohs(t->msg.id.idiag_dport) != w->rport)
		return;
	/* attr[] has to follow its buffer. */
	w->told = *t;
	for (int i = 0; i <= INET_DIAG_MAX; i++)
		if (t->attr[i])
			w->told.attr[i] = (void *)(w->told.buf + ((char *)t->attr[i] - t->buf));
	w->n++;
}

/* The socket with these ports as a dump of all tells it; false unless just one is there. */
static bool find(int family, int lport, int rport, int ext, struct told *t)
{
	struct request q = ask(family, ALL_STATES);
	struct wanted w = { .lport = lport, .rport = rport };

	q.r.idiag_ext = ext;
	if (diag(&q, pick, &w) < 0 || w.n != 1)
		return false;
	pick(&w.told, &w);
	*t = w.told;
	for (int i = 0; i <= INET_DIAG_MAX; i++)
		if (w.told.attr[i])
			t->attr[i] = (void *)(t->buf + ((char *)w.told.attr[i] - w.told.buf));
	return true;
}

static unsigned long inode_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		api_die("fstat");
	return st.st_ino;
}

/* As the messages have it */
static const uint8_t loopback[][16] = {
	[API_V4] = { 127, 0, 0, 1 },
	[API_V6] = { [15] = 1 },
	[API_MAPPED] = { [10] = 0xff, 0xff, 127, 0, 0, 1 },
};

API_PAIR_FIXTURE(diag);

TEST_F(diag, connection)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct told t;

	ASSERT_EQ(0, fchown(self->c, 4711, -1));
	api_send(self->s, "hello", 5);
	ASSERT_TRUE(API_WAIT(find(variant->client, port, lport, 0, &t) &&
			     t.msg.idiag_rqueue == 5));
	EXPECT_EQ(variant->face == API_V4 ? AF_INET : AF_INET6, t.msg.idiag_family);
	EXPECT_EQ(ST_ESTABLISHED, t.msg.idiag_state);
	EXPECT_EQ(0, memcmp(loopback[variant->face], t.msg.id.idiag_src, 16));
	EXPECT_EQ(0, memcmp(loopback[variant->face], t.msg.id.idiag_dst, 16));
	EXPECT_EQ(4711, t.msg.idiag_uid);
	EXPECT_EQ(inode_of(self->c), t.msg.idiag_inode);
	EXPECT_EQ(0, t.msg.idiag_wqueue);
}

TEST_F(diag, listener)
{
	int lport = ntohs(self->addr.sin_port);
	struct told t;

	api_connected(variant->client, &self->addr);
	ASSERT_TRUE(API_WAIT(find(variant->server, lport, 0, 0, &t) && t.msg.idiag_rqueue == 1));
	EXPECT_EQ(ST_LISTEN, t.msg.idiag_state);
	EXPECT_LT(1, t.msg.idiag_wqueue);
	EXPECT_EQ(inode_of(self->l), t.msg.idiag_inode);
}

/* Sockets of kernel TCP that are bound to @port and do nothing, as 6.8 and newer tell. */
static int bound_inactive(int port)
{
	struct wanted w = { .lport = port };
	struct request q = ask(AF_INET, TCPF_BOUND_INACTIVE);

	for (int i = 0; i < 2; i++) {
		q.r.sdiag_family = i ? AF_INET6 : AF_INET;
		if (diag(&q, pick, &w) < 0)
			api_die("dump of bound sockets");
	}
	return w.n;
}

/* What keeps a port of TCPX from kernel TCP is no socket to show to anybody. */
TEST_F(diag, reservation_is_no_socket)
{
	int port = api_port(api_bound(variant->client, "127.0.0.1", 0));

	if (bound_inactive(api_port(api_bound(AF_INET, "127.0.0.1", 0))) != 1)
		SKIP(return, "this kernel does not list bound sockets");
	EXPECT_EQ(variant->client == AF_TCPX ? 0 : 1, bound_inactive(port));
	EXPECT_EQ(0, bound_inactive(api_port(self->c)));
}

/* What ss -mioe prints comes from these. */
TEST_F(diag, attributes)
{
	static const int want[] = {
		INET_DIAG_MEMINFO, INET_DIAG_INFO, INET_DIAG_CONG, INET_DIAG_TOS,
		INET_DIAG_SKMEMINFO, INET_DIAG_SHUTDOWN, INET_DIAG_CLASS_ID, INET_DIAG_MARK,
		INET_DIAG_CGROUP_ID, INET_DIAG_SOCKOPT,
	};
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct tcp_info info, *told_info;
	struct inet_diag_sockopt *flags;
	socklen_t len = sizeof(info);
	char cong[16] = "";
	struct told t;
	size_t i;

	bool v4 = variant->face == API_V4;

	if (v4)
		api_opt(self->c, SOL_IP, IP_TOS, 0x10);
	else
		api_opt(self->c, SOL_IPV6, IPV6_TCLASS, 0x10);
	if (v4)
		api_opt(self->c, SOL_IP, IP_RECVERR, 1);
	api_opt(self->c, SOL_SOCKET, SO_MARK, 42);
	api_send(self->c, "hello", 5);
	ASSERT_EQ(0, shutdown(self->c, SHUT_RD));
	ASSERT_TRUE(API_WAIT(find(variant->client, port, lport, 0xff, &t) &&
			     !t.msg.idiag_wqueue));
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		ASSERT_TRUE(t.attr[want[i]])
			TH_LOG("attribute %d is missing", want[i]);
	ASSERT_TRUE(v4 || t.attr[INET_DIAG_TCLASS]);
	EXPECT_EQ(0x10, *(uint8_t *)RTA_DATA(t.attr[v4 ? INET_DIAG_TOS : INET_DIAG_TCLASS]));
	EXPECT_EQ(42, *(uint32_t *)RTA_DATA(t.attr[INET_DIAG_MARK]));
	EXPECT_EQ(1, *(uint8_t *)RTA_DATA(t.attr[INET_DIAG_SHUTDOWN]));
	flags = RTA_DATA(t.attr[INET_DIAG_SOCKOPT]);
	EXPECT_EQ(v4, flags->recverr + 0);
	ASSERT_EQ(0, getsockopt(self->c, IPPROTO_TCP, TCP_CONGESTION, cong, &(socklen_t){ 16 }));
	EXPECT_STREQ(cong, (char *)RTA_DATA(t.attr[INET_DIAG_CONG]));
	ASSERT_EQ(0, getsockopt(self->c, IPPROTO_TCP, TCP_INFO, &info, &len));
	EXPECT_LE(len, RTA_PAYLOAD(t.attr[INET_DIAG_INFO]));
	told_info = RTA_DATA(t.attr[INET_DIAG_INFO]);
	EXPECT_EQ(info.tcpi_snd_mss, told_info->tcpi_snd_mss);
	EXPECT_EQ(info.tcpi_bytes_acked, told_info->tcpi_bytes_acked);
	EXPECT_LE(5, told_info->tcpi_bytes_acked);
}

/* A connection that waits for its first data. */
TEST_F(diag, deferred_connect)
{
	int lport = ntohs(self->addr.sin_port), c = api_socket(variant->client, 0);
	struct inet_diag_sockopt *flags;
	struct told t;

	/* Without a cookie at once. */
	api_sysctl("ipv4/tcp_fastopen", "5");
	api_opt(c, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	ASSERT_TRUE(find(variant->client, api_port(c), lport, 0, &t));
	flags = RTA_DATA(t.attr[INET_DIAG_SOCKOPT]);
	EXPECT_EQ(1, flags->defer_connect + 0);
	EXPECT_EQ(1, flags->is_icsk + 0);
	ASSERT_TRUE(find(variant->client, api_port(self->c), lport, 0, &t));
	flags = RTA_DATA(t.attr[INET_DIAG_SOCKOPT]);
	EXPECT_EQ(0, flags->defer_connect + 0);
	EXPECT_EQ(1, flags->is_icsk + 0);
	ASSERT_TRUE(find(variant->server, lport, 0, 0, &t));
	flags = RTA_DATA(t.attr[INET_DIAG_SOCKOPT]);
	EXPECT_EQ(1, flags->is_icsk + 0);
}

/* Keys of rfc2385, for administrators; of mapped addresses as IPv4's. */
TEST_F(diag, md5_keys)
{
	static const struct { const char *ip, *key; } keys[] = {
		{ "127.0.0.1", "first" }, { "127.0.0.2", "the second key" },
	};
	int family = variant->face == API_V6 ? AF_INET6 : AF_INET;
	int lport = ntohs(self->addr.sin_port), i, j;
	const int ext = EXT(INET_DIAG_INFO);
	struct tcp_diag_md5sig *told;
	struct sockaddr_in v4;
	struct sockaddr_in6 addr;
	struct told t;

	ASSERT_TRUE(find(variant->server, lport, 0, ext, &t));
	EXPECT_FALSE(t.attr[INET_DIAG_MD5SIG]);
	for (i = 0; i < 2; i++) {
		v4 = api_addr(keys[i].ip, 0);
		ASSERT_EQ(0, SYS(api_md5_key(self->l, &v4, 0, 0, keys[i].key)));
	}
	ASSERT_TRUE(find(variant->server, lport, 0, ext, &t));
	ASSERT_TRUE(t.attr[INET_DIAG_MD5SIG]);
	ASSERT_EQ(2 * sizeof(*told), RTA_PAYLOAD(t.attr[INET_DIAG_MD5SIG]));
	told = RTA_DATA(t.attr[INET_DIAG_MD5SIG]);
	EXPECT_NE(told[0].tcpm_keylen, told[1].tcpm_keylen);
	for (i = 0; i < 2; i++, told++) {
		j = told->tcpm_keylen != strlen(keys[0].key);
		EXPECT_EQ(strlen(keys[j].key), told->tcpm_keylen);
		EXPECT_EQ(0, memcmp(told->tcpm_key, keys[j].key, told->tcpm_keylen));
		EXPECT_EQ(family, told->tcpm_family);
		EXPECT_EQ(family == AF_INET ? 32 : 128, told->tcpm_prefixlen);
		v4 = api_addr(keys[j].ip, 0);
		api_sockaddr(&v4, &addr);
		EXPECT_EQ(0, family == AF_INET ?
			     memcmp(&v4.sin_addr, told->tcpm_addr, sizeof(v4.sin_addr)) :
			     memcmp(&addr.sin6_addr, told->tcpm_addr, sizeof(addr.sin6_addr)));
	}
	/* Who does not ask for TCP_INFO is not told, nor is who is no administrator. */
	ASSERT_TRUE(find(variant->server, lport, 0, 0, &t));
	EXPECT_FALSE(t.attr[INET_DIAG_MD5SIG]);
	api_drop_root();
	ASSERT_TRUE(find(variant->server, lport, 0, ext, &t));
	EXPECT_FALSE(t.attr[INET_DIAG_MD5SIG]);
}

/* More than a buffer of a dump has room for at first. */
TEST_F(diag, many_md5_keys)
{
	int lport = ntohs(self->addr.sin_port), n = 0;
	struct request q = ask(variant->server, ALL_STATES);
	struct sockaddr_in v4;
	struct told t;
	char ip[32];

	if (variant->server != AF_TCPX)
		API_SKIP("kernel TCP leaves such a socket out");
	do {
		snprintf(ip, sizeof(ip), "10.1.%d.%d", n / 256, n % 256);
		v4 = api_addr(ip, 0);
	} while (!api_md5_key(self->l, &v4, 0, 0, "secret") && ++n < 600);
	q.r.idiag_ext = EXT(INET_DIAG_INFO);
	EXPECT_LE(2, diag(&q, NULL, NULL));
	ASSERT_TRUE(find(variant->server, lport, 0, EXT(INET_DIAG_INFO), &t));
	ASSERT_TRUE(t.attr[INET_DIAG_MD5SIG]);
	EXPECT_EQ(n, RTA_PAYLOAD(t.attr[INET_DIAG_MD5SIG]) / sizeof(struct tcp_diag_md5sig));
}

/* What a congestion control tells of itself, here and by TCP_CC_INFO. */
TEST_F(diag, congestion_control_info)
{
	static const struct { const char *name; int attr; size_t len; } c[] = {
		{ "bbr", INET_DIAG_BBRINFO, sizeof(struct tcp_bbr_info) },
		{ "dctcp", INET_DIAG_DCTCPINFO, sizeof(struct tcp_dctcp_info) },
		{ "reno", 0, 0 },
	};
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct told t;
	size_t i;
	long err;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		err = SYS(setsockopt(self->c, IPPROTO_TCP, TCP_CONGESTION, c[i].name,
				     strlen(c[i].name)));
		if (err == -ENOENT && variant->client == AF_INET)
			continue;	/* the kernel's is a module of its own */
		ASSERT_EQ(0, err);
		ASSERT_TRUE(find(variant->client, port, lport,
				 1 << (INET_DIAG_VEGASINFO - 1), &t));
		EXPECT_EQ(c[i].attr == INET_DIAG_BBRINFO, !!t.attr[INET_DIAG_BBRINFO]);
		EXPECT_EQ(c[i].attr == INET_DIAG_DCTCPINFO, !!t.attr[INET_DIAG_DCTCPINFO]);
		if (c[i].attr && t.attr[c[i].attr])
			EXPECT_EQ(c[i].len, RTA_PAYLOAD(t.attr[c[i].attr]));
	}
}

static void count(const struct told *t, void *arg)
{
	(void)t;
	++*(int *)arg;
}

static int dump(const struct request *q)
{
	int n = 0, err = diag(q, count, &n);

	return err < 0 ? err : n;
}

TEST_F(diag, filters)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	bool same = variant->client == variant->server;
	struct request q = ask(variant->server, 1 << ST_LISTEN);

	EXPECT_EQ(1, dump(&q));
	q = ask(variant->server, 1 << ST_ESTABLISHED);
	EXPECT_EQ(same ? 2 : 1, dump(&q));
	q.r.id.idiag_sport = htons(lport);
	EXPECT_EQ(1, dump(&q));
	q.r.id.idiag_dport = htons(port);
	EXPECT_EQ(1, dump(&q));
	q.r.id.idiag_dport = htons(port + 1);
	EXPECT_EQ(0, dump(&q));
}

/* ss compiles its filters to programs. */
TEST_F(diag, bytecode)
{
	int lport = ntohs(self->addr.sin_port);
	struct inet_diag_bc_op port_eq[] = {
		{ INET_DIAG_BC_S_EQ, 8, 12 }, { .no = lport },
	};
	struct {
		struct inet_diag_bc_op op;
		struct inet_diag_hostcond cond;
		uint32_t addr[4];
	} host = {
		.cond = { .family = AF_INET, .prefix_len = 8, .port = -1 },
		.addr = { htonl(0x7f000000) },
	};
	/* A condition on an IPv4 address holds for a mapped one. */
	size_t size = sizeof(host) - 12;
	struct request q = ask(variant->server, 1 << ST_ESTABLISHED);

	add_bytecode(&q, port_eq, sizeof(port_eq));
	EXPECT_EQ(1, dump(&q));
	port_eq[1].no = lport == 1 ? 2 : 1;
	q = ask(variant->server, 1 << ST_ESTABLISHED);
	add_bytecode(&q, port_eq, sizeof(port_eq));
	EXPECT_EQ(0, dump(&q));

	if (variant->face == API_V6) {
		size = sizeof(host);
		host.cond.family = AF_INET6;
		host.cond.prefix_len = 128;
		memcpy(host.addr, loopback[API_V6], 16);
	}
	host.op = (struct inet_diag_bc_op){ INET_DIAG_BC_D_COND, size, size + 4 };
	q = ask(variant->server, 1 << ST_ESTABLISHED);
	add_bytecode(&q, &host, size);
	EXPECT_EQ(variant->client == variant->server ? 2 : 1, dump(&q));
	host.addr[0] ^= htonl(0x40000000);
	q = ask(variant->server, 1 << ST_ESTABLISHED);
	add_bytecode(&q, &host, size);
	EXPECT_EQ(0, dump(&q));
}

/* A program that would run off its end, backwards or for ever is refused. */
TEST_F(diag, bad_bytecode)
{
	static const struct inet_diag_bc_op bad[][2] = {
		{ { INET_DIAG_BC_S_EQ, 4, 8 } },		/* no operand */
		{ { INET_DIAG_BC_S_COND, 8, 12 } },		/* cut short */
		{ { INET_DIAG_BC_NOP, 0, 8 } },			/* goes nowhere */
		{ { INET_DIAG_BC_NOP, 6, 8 } },			/* askew */
		{ { INET_DIAG_BC_NOP, 12, 8 } },		/* too far */
		{ { 200, 8, 12 } },				/* unknown */
	};
	struct request q;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		q = ask(variant->server, ALL_STATES);
		add_bytecode(&q, bad[i], sizeof(bad[i]));
		EXPECT_EQ(-EINVAL, dump(&q))
			TH_LOG("program %zu", i);
	}
}

TEST_F(diag, bad_requests)
{
	struct request q = ask(variant->server, ALL_STATES);

	q.nlh.nlmsg_len -= 8;
	EXPECT_EQ(-EINVAL, dump(&q));
	/* One socket, and there is none. */
	q = ask(variant->server, ALL_STATES);
	q.nlh.nlmsg_flags = NLM_F_REQUEST;
	EXPECT_EQ(-ENOENT, dump(&q));
}

static void ports(const struct told *t, void *arg)
{
	int i = ntohs(t->msg.id.idiag_sport) - 20000;

	if (i >= 0 && i < 400)
		((uint8_t *)arg)[i]++;
}

/* A long dump comes in pieces: nothing is left out, nothing comes twice. */
TEST_F(diag, many)
{
	struct request q = ask(variant->server, 1 << ST_LISTEN);
	static uint8_t seen[400];
	int i;

	for (i = 0; i < 400; i++)
		ASSERT_EQ(0, listen(api_bound(variant->server, "127.0.0.1", 20000 + i), 1));
	q.r.idiag_ext = 0xff;
	EXPECT_EQ(401, diag(&q, ports, seen));
	for (i = 0; i < 400; i++)
		EXPECT_EQ(1, seen[i]);
}

/* The request for one socket: an exact name, and what was told of it as its cookie. */
static struct request name_of(int family, const struct told *t, int type)
{
	struct request q = ask(family, ALL_STATES);

	q.nlh.nlmsg_type = type;
	q.nlh.nlmsg_flags = NLM_F_REQUEST | (type == SOCK_DESTROY ? NLM_F_ACK : 0);
	q.r.id = t->msg.id;
	return q;
}

TEST_F(diag, one)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct request q;
	struct told t;

	ASSERT_TRUE(find(variant->client, port, lport, 0, &t));
	q = name_of(variant->client, &t, SOCK_DIAG_BY_FAMILY);
	EXPECT_EQ(1, dump(&q));
	ASSERT_TRUE(find(variant->server, lport, 0, 0, &t));
	q = name_of(variant->server, &t, SOCK_DIAG_BY_FAMILY);
	EXPECT_EQ(1, dump(&q));
}

TEST_F(diag, destroy_connection)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct request q;
	struct told t;
	char c;

	ASSERT_TRUE(find(variant->client, port, lport, 0, &t));
	q = name_of(variant->client, &t, SOCK_DESTROY);
	EXPECT_EQ(0, dump(&q));
	EXPECT_EQ(-ECONNABORTED, SYS(recv(self->c, &c, 1, 0)));
	EXPECT_EQ(-ECONNRESET, SYS(recv(self->s, &c, 1, 0)));
	EXPECT_EQ(ST_CLOSE, api_state(self->c));
	/* Gone: nobody of that name any more. */
	EXPECT_EQ(-ENOENT, dump(&q));
}

TEST_F(diag, destroy_listener)
{
	int waiting = api_connected(variant->client, &self->addr);
	int lport = ntohs(self->addr.sin_port);
	struct request q;
	struct told t;
	char c;

	ASSERT_TRUE(API_WAIT(find(variant->server, lport, 0, 0, &t) && t.msg.idiag_rqueue == 1));
	q = name_of(variant->server, &t, SOCK_DESTROY);
	EXPECT_EQ(0, dump(&q));
	EXPECT_EQ(-EINVAL, SYS(accept(self->l, NULL, NULL)));
	EXPECT_EQ(-ECONNRESET, SYS(recv(waiting, &c, 1, 0)));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->c));
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(api_socket(variant->client, 0), &self->addr)));
}

TEST_F(diag, destroy_time_wait)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct request q;
	struct told t;

	close(self->c);
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	close(self->s);
	ASSERT_TRUE(API_WAIT(find(variant->client, port, lport, 0, &t) &&
			     t.msg.idiag_state == ST_TIME_WAIT));
	EXPECT_EQ(3, t.msg.idiag_timer);
	EXPECT_LT(50000, t.msg.idiag_expires);
	q = name_of(variant->client, &t, SOCK_DESTROY);
	EXPECT_EQ(0, dump(&q));
	EXPECT_FALSE(find(variant->client, port, lport, 0, &t));
}

TEST_F(diag, destroy_is_for_administrators)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct request q;
	struct told t;

	ASSERT_TRUE(find(variant->client, port, lport, 0, &t));
	EXPECT_TRUE(t.attr[INET_DIAG_MARK]);
	api_drop_root();
	q = name_of(variant->client, &t, SOCK_DESTROY);
	EXPECT_EQ(-EPERM, dump(&q));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->c));
	/* Everybody may look, but at the mark. */
	ASSERT_TRUE(find(variant->client, port, lport, 0, &t));
	EXPECT_FALSE(t.attr[INET_DIAG_MARK]);
}

/* Nor may everybody find a mark out by a filter, or by one that jumps to what it hides. */
TEST_F(diag, marks_are_for_administrators)
{
	struct {
		struct inet_diag_bc_op op;
		struct inet_diag_markcond cond;
	} mark = {
		.op = { INET_DIAG_BC_MARK_COND, sizeof(mark), sizeof(mark) + 4 },
		.cond = { .mark = 42, .mask = ~0U },
	};
	struct {
		struct inet_diag_bc_op jump;
		typeof(mark) hidden;
	} detour = {
		.jump = { INET_DIAG_BC_JMP, sizeof(detour), sizeof(detour.jump) },
		.hidden = mark,
	};
	struct request q = ask(variant->client, 1 << ST_ESTABLISHED);

	api_opt(self->c, SOL_SOCKET, SO_MARK, 42);
	add_bytecode(&q, &mark, sizeof(mark));
	EXPECT_EQ(1, dump(&q));
	api_drop_root();
	EXPECT_EQ(-EPERM, dump(&q));
	q = ask(variant->client, 1 << ST_ESTABLISHED);
	add_bytecode(&q, &detour, sizeof(detour));
	EXPECT_GE(0, dump(&q));
}

TEST_F(diag, tcpx_ss)
{
	const char *ss = variant->server == AF_TCPX ? "../../scripts/tcpx-ss" : "ss";
	int lport = ntohs(self->addr.sin_port);

	EXPECT_EQ(0, api_sh("%s -tanpmioe 'sport = :%d' >/tmp/api-diag.%d", ss, lport, getpid()));
	EXPECT_EQ(0, api_sh("grep -q '^LISTEN .*:%d .*pid=' /tmp/api-diag.%d", lport, getpid()));
	EXPECT_EQ(0, api_sh("grep -q '^ESTAB .*:%d ' /tmp/api-diag.%d", lport, getpid()));
	EXPECT_EQ(0, api_sh("grep -q 'skmem:(.*cwnd:10' /tmp/api-diag.%d", getpid()))
		api_sh("sed 's/^/# /' /tmp/api-diag.%d >&2", getpid());
	api_sh("rm /tmp/api-diag.%d", getpid());
	EXPECT_EQ(0, api_sh("%s -tnK 'sport = :%d' >/dev/null", ss, lport));
	EXPECT_EQ(ST_CLOSE, api_state(self->s));
}

/* A listener, a connection that has carried something both ways, and one that is being closed. */
struct shown { int l, c[2], s[2], port; };

static struct shown traffic(int client, int server)
{
	struct sockaddr_in addr;
	struct shown n = { .l = api_listener(server, &addr) };
	char buf[1000] = "";
	int i;

	n.port = ntohs(addr.sin_port);
	for (i = 0; i < 2; i++) {
		n.c[i] = api_connected(client, &addr);
		n.s[i] = api_accept(n.l);
		api_opt(n.c[i], SOL_SOCKET, SO_KEEPALIVE, 1);
	}
	for (i = 0; i < 10; i++) {
		api_send(n.c[0], buf, 1000);
		api_recv(n.s[0], buf, 1000);
		api_send(n.s[0], buf, 500);
		api_recv(n.c[0], buf, 500);
	}
	if (shutdown(n.c[1], SHUT_WR) || !API_WAIT(api_state(n.s[1]) == ST_CLOSE_WAIT))
		api_die("shutdown");
	return n;
}

/*
 * What "ss -tanpmioe" says of them, but for times, rates, windows, ports, inodes and the like,
 * and what is only there if a time is not zero. Client and server are asked for one by one.
 */
static void say(char *text, size_t len, int client, int server, const struct shown *n)
{
	static const char blank[] =
		"sed -E 's/([]0-9]):(%d|[0-9]{4,5})( |$)/\\1:PORT /g; s/(pid|fd|ino|sk)([=:])[0-9a-f]+/\\1\\2N/g;"
		" s/\\b(rto|ato|rtt|minrtt|lastsnd|lastrcv|lastack|segs_out|segs_in):[0-9.\\/]+/\\1:N/g;"
		/* The window may have grown a little, and a segment is half of it. */
		" s/\\b(mss|snd_wnd|rcv_ssthresh):[0-9]+/\\1:N/g;"
		/* The processes of this pipe may be there, too. */
		" s/users:[^ ]*(\\(\"diag\",pid=N,fd=N\\))[^ ]*/users:\\1/;"
		" s/(send|rate) [0-9]+bps/\\1 N/g; s/keepalive,[0-9a-z.]+/keepalive,N/;"
		" s/ (busy|rcv_rtt|app_limited|lastsnd|lastrcv|lastack)(:[0-9a-zN.]+)?//g;"
		" s/[ \t]+/ /g; s/ $//' | sort";
	static const char * const port[] = { "dport", "sport" };
	char cmd[1024];
	size_t got = 0;
	FILE *f;
	int i, m;

	for (i = 0; i < 2; i++) {
		m = snprintf(cmd, sizeof(cmd), "%s -tanpmioeOH '%s = :%d' | ",
			     (i ? server : client) == AF_TCPX ? "../../scripts/tcpx-ss" : "ss",
			     port[i], n->port);
		snprintf(cmd + m, sizeof(cmd) - m, blank, n->port);
		f = popen(cmd, "r");
		if (f)
			got += fread(text + got, 1, len - 1 - got, f);
		if (!f || pclose(f))
			api_die("%s", cmd);
	}
	text[got] = 0;
}

/* Word for word. */
TEST_F(diag, tcpx_ss_says_what_ss_says)
{
	static char inet[8192], mine[8192];
	struct shown a, b;
	int64_t end;
	int tries;

	/* Others have figures of their own to tell. */
	api_sysctl("ipv4/tcp_congestion_control", "reno");
	/* Whoever was held up has sent something again, and says so for ever. */
	for (tries = 0; tries < 4 && (!tries || strcmp(inet, mine)); tries++) {
		a = traffic(AF_INET, AF_INET);
		b = traffic(variant->client, variant->server);
		/* Until nothing is under way any more. */
		end = api_now_ms() + API_DEADLINE_MS / 4;
		do {
			say(inet, sizeof(inet), AF_INET, AF_INET, &a);
			say(mine, sizeof(mine), variant->client, variant->server, &b);
		} while (strcmp(inet, mine) && api_now_ms() < end);
	}
	EXPECT_STREQ(inet, mine);
	EXPECT_TRUE(strstr(inet, "LISTEN 0 16") && strstr(inet, "FIN-WAIT-2") &&
		    strstr(inet, "bytes_sent:10000 bytes_acked:10001 bytes_received:5000") &&
		    strstr(inet, "skmem:(") && strstr(inet, "timer:(keepalive,N,0)") &&
		    strstr(inet, "users:(\"diag\",pid=N,fd=N)"));
}

TEST_HARNESS_MAIN
