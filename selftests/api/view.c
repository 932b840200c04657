// SPDX-License-Identifier: GPL-2.0
/* /proc/net/tcpx, ss on top of it, and that the two stacks leave each other be. */
#include "api.h"
#include <sys/stat.h>

struct row {
	char laddr[33], raddr[33];	/* hexadecimal, as they stand there */
	unsigned int lport, rport, state, tx, rx, timer;
	unsigned long when, retransmits, uid, timeout, inode;
	int refs;
	size_t length;
};

static FILE *table(int family)
{
	FILE *f = fopen(api_table(family), "r");

	if (!f)
		api_die("%s", api_table(family));
	return f;
}

/* The row with this local and this remote port; false if there is none. */
static bool row_of(int family, int lport, int rport, struct row *r)
{
	FILE *f = table(family);
	bool found = false;
	char line[256];

	while (!found && fgets(line, sizeof(line), f)) {
		memset(r, 0, sizeof(*r));
		r->length = strlen(line);
		found = sscanf(line,
			       " %*d: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X %8X:%8X %2X:%lX %lX %lu %lu %lu %d",
			       r->laddr, &r->lport, r->raddr, &r->rport,
			       &r->state, &r->tx, &r->rx, &r->timer, &r->when,
			       &r->retransmits, &r->uid, &r->timeout,
			       &r->inode, &r->refs) == 14 &&
			(int)r->lport == lport && (int)r->rport == rport;
	}
	fclose(f);
	return found;
}

/* An address as the tables have it: words of the machine's byte order. */
static const char *hex(struct sockaddr_in addr)
{
	static char text[33];
	struct sockaddr_in6 in6;
	const uint32_t *word = (const uint32_t *)&in6.sin6_addr;
	int i;

	if (api_sockaddr(&addr, &in6) == sizeof(addr)) {
		sprintf(text, "%08X", addr.sin_addr.s_addr);
		return text;
	}
	for (i = 0; i < 4; i++)
		sprintf(text + 8 * i, "%08X", word[i]);
	return text;
}

static unsigned long inode_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		api_die("fstat");
	return st.st_ino;
}

API_PAIR_FIXTURE(view);

/* To the letter, so that whatever reads the one can read the other. */
TEST_F(view, layout_is_that_of_proc_net_tcp)
{
	char reference[256] = "", line[256] = "";
	FILE *f = table(AF_INET), *g = table(variant->server);

	ASSERT_TRUE(fgets(reference, sizeof(reference), f));
	ASSERT_TRUE(fgets(line, sizeof(line), g));
	EXPECT_STREQ(reference, line);
	/* Rows are padded to the length of the head; those of tcp6 are not. */
	while (variant->face == API_V4 && fgets(line, sizeof(line), g))
		EXPECT_EQ(strlen(reference), strlen(line));
	fclose(f);
	fclose(g);
}

TEST_F(view, listener)
{
	struct row r;

	ASSERT_TRUE(row_of(variant->server, ntohs(self->addr.sin_port), 0, &r));
	EXPECT_STREQ(hex(self->addr), r.laddr);
	EXPECT_EQ(strlen(r.raddr), strspn(r.raddr, "0"));
	EXPECT_EQ(ST_LISTEN, r.state);
	EXPECT_EQ(0, r.tx);
	EXPECT_EQ(0, r.rx);
	EXPECT_EQ(0, r.timer);
	EXPECT_EQ(0, r.uid);
	EXPECT_EQ(inode_of(self->l), r.inode);
	/* Those who wait to be accepted count as its receive queue. */
	api_connected(variant->client, &self->addr);
	api_connected(variant->client, &self->addr);
	EXPECT_TRUE(API_WAIT(row_of(variant->server,
				    ntohs(self->addr.sin_port), 0, &r) &&
			     r.rx == 2));
}

TEST_F(view, owner)
{
	int l = api_bound(variant->server, "127.0.0.1", 5000);
	struct row r;

	ASSERT_EQ(0, fchown(l, 4711, -1) ?: listen(l, 1));
	ASSERT_TRUE(row_of(variant->server, 5000, 0, &r));
	EXPECT_EQ(4711, r.uid);
	close(l);
	EXPECT_FALSE(row_of(variant->server, 5000, 0, &r));
}

TEST_F(view, connection)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct row c, s;

	ASSERT_TRUE(row_of(variant->client, port, lport, &c));
	ASSERT_TRUE(row_of(variant->server, lport, port, &s));
	EXPECT_EQ(ST_ESTABLISHED, c.state);
	EXPECT_EQ(ST_ESTABLISHED, s.state);
	EXPECT_STREQ(c.laddr, s.raddr);
	EXPECT_STREQ(c.raddr, s.laddr);
	EXPECT_STREQ(hex(self->addr), s.laddr);
	EXPECT_EQ(inode_of(self->c), c.inode);
	EXPECT_EQ(inode_of(self->s), s.inode);
	EXPECT_EQ(0, c.tx + c.rx + s.tx + s.rx);

	api_send(self->c, "12345", 5);
	EXPECT_TRUE(API_WAIT(row_of(variant->server, lport, port, &s) &&
			     s.rx == 5));
	EXPECT_TRUE(API_WAIT(row_of(variant->client, port, lport, &c) &&
			     c.tx == 0));
	/* What is not acknowledged is in the send queue, under a timer. */
	api_deafen(self->s);
	api_send(self->c, "123", 3);
	ASSERT_TRUE(row_of(variant->client, port, lport, &c));
	EXPECT_EQ(3, c.tx);
	EXPECT_EQ(1, c.timer);
	EXPECT_TRUE(API_WAIT(row_of(variant->client, port, lport, &c) &&
			     c.retransmits >= 1));
	close(self->c);
	ASSERT_TRUE(row_of(variant->client, port, lport, &c));
	EXPECT_EQ(ST_FIN_WAIT1, c.state);
	EXPECT_EQ(0, c.inode);
}

/* Sockets that /proc/net/protocols counts: listeners and connections of this namespace. */
static int in_use(int family, bool v6)
{
	static const char *const inet[] = { "TCP", "TCPv6" }, *const tcpx[] = { "TCPX", "TCPXv6" };
	const char *proto = family == AF_TCPX ? tcpx[v6] : inet[v6];
	FILE *f = fopen("/proc/net/protocols", "r");
	char line[256], name[32];
	int n = -1, sockets;

	while (f && n < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %*u %d", name, &sockets) == 2 && !strcmp(name, proto))
			n = sockets;
	if (!f || n < 0)
		api_die("/proc/net/protocols");
	fclose(f);
	return n;
}

TEST_F(view, sockets_in_use)
{
	bool v6 = variant->face != API_V4, same = variant->client == variant->server;
	int v4 = AF_INET, other;

	EXPECT_EQ(2 + same, in_use(variant->server, v6));
	EXPECT_EQ(1 + 2 * same, in_use(variant->client, v6));
	/* Neither what is only bound nor what is refused. */
	api_bound(variant->client, "127.0.0.1", 0);
	self->addr.sin_port ^= 1;
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(api_socket(variant->client, 0), &self->addr)));
	EXPECT_EQ(1 + 2 * same, in_use(variant->client, v6));
	if (variant->face == API_MAPPED) {
		ASSERT_EQ(0, SYS(setsockopt(self->c, IPPROTO_IPV6, IPV6_ADDRFORM, &v4,
					    sizeof(v4))));
		EXPECT_EQ(2, in_use(variant->client, true));
		EXPECT_EQ(1, in_use(variant->client, false));
	}
	/* TIME_WAIT is not counted. */
	close(self->c);
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	close(self->s);
	close(self->l);
	for (other = 0; other < 2; other++) {
		EXPECT_TRUE(API_WAIT(!in_use(variant->client, other)));
		EXPECT_TRUE(API_WAIT(!in_use(variant->server, other)));
	}
}

TEST_F(view, time_wait)
{
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	struct row r;

	close(self->c);
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	ASSERT_TRUE(API_WAIT(row_of(variant->client, port, lport, &r) &&
			     r.state == ST_FIN_WAIT2));
	close(self->s);
	ASSERT_TRUE(API_WAIT(row_of(variant->client, port, lport, &r) &&
			     r.state == ST_TIME_WAIT));
	EXPECT_EQ(3, r.timer);
	EXPECT_EQ(0, r.inode);
	/* The last ACK is on its way. */
	EXPECT_TRUE(API_WAIT(!row_of(variant->server, lport, port, &r)));
}

/* Half-open, on both sides of it: the client does not hear the answer. */
TEST_F(view, half_open)
{
	int lport = ntohs(self->addr.sin_port), port;
	int c = api_bound(variant->client, "127.0.0.1", 0);
	struct row r;

	port = api_port(c);
	api_deafen(c);
	api_nonblock(c);
	ASSERT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	ASSERT_TRUE(API_WAIT(row_of(variant->server, lport, port, &r)));
	EXPECT_EQ(ST_SYN_RECV, r.state);
	EXPECT_EQ(1, r.timer);
	ASSERT_TRUE(row_of(variant->client, port, lport, &r));
	EXPECT_EQ(ST_SYN_SENT, r.state);
	EXPECT_EQ(inode_of(c), r.inode);
	close(c);
	EXPECT_FALSE(row_of(variant->client, port, lport, &r));
}

/* Long tables are read in pieces: nothing is left out, nothing comes twice. */
TEST_F(view, many_rows)
{
	enum { N = 400 };
	static bool seen[N];
	unsigned int lport, state;
	char line[256];
	int i, fds[N], rows = 0;
	FILE *f;

	for (i = 0; i < N; i++) {
		fds[i] = api_bound(variant->server, "127.0.0.1", 20000 + i);
		ASSERT_EQ(0, listen(fds[i], 1));
	}
	f = table(variant->server);
	setvbuf(f, NULL, _IOFBF, 512);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x", &lport, &state) != 2 ||
		    lport < 20000 || lport >= 20000 + N)
			continue;
		EXPECT_EQ(ST_LISTEN, state);
		EXPECT_FALSE(seen[lport - 20000]);
		seen[lport - 20000] = true;
		rows++;
	}
	EXPECT_EQ(N, rows);
	fclose(f);
	for (i = 0; i < N; i++)
		close(fds[i]);
}

TEST_F(view, ss)
{
	static const char * const names[] = {
		[API_V4] = "127.0.0.1",
		[API_V6] = "\\[::1\\]",
		[API_MAPPED] = "\\[::ffff:127.0.0.1\\]",
	};
	const char *file = variant->server == AF_TCPX ? "tcpx" : "tcp";
	const char *ip = names[variant->face];
	int lport = ntohs(self->addr.sin_port), port = api_port(self->c);
	char env[96];

	/* Without the first of the two ss would ask the kernel for both. */
	snprintf(env, sizeof(env), "PROC_NET_TCP=/proc/net/%s PROC_NET_TCP6=/proc/net/%s6",
		 file, file);
	EXPECT_EQ(0, api_sh("%s ss -tan%d >/tmp/api-ss.%d",
			    env, variant->face == API_V4 ? 4 : 6, getpid()));
	EXPECT_EQ(0, api_sh("grep -q '^LISTEN .*%s:%d ' /tmp/api-ss.%d",
			    ip, lport, getpid()));
	EXPECT_EQ(0, api_sh("grep -q '^ESTAB .*%s:%d *%s:%d' /tmp/api-ss.%d",
			    ip, lport, ip, port, getpid()))
		api_sh("sed 's/^/# /' /tmp/api-ss.%d >&2", getpid());
	api_sh("rm /tmp/api-ss.%d", getpid());
}

/* A counter as stock nstat shows it, of the family's files. */
static long nstat_value(int family, const char *name)
{
	const char *prefix = family == AF_TCPX ? "tcpx_" : "";
	char cmd[256], line[256], word[64];
	long value = -1;
	FILE *f;

	snprintf(cmd, sizeof(cmd),
		 "PROC_NET_SNMP=/proc/net/%ssnmp PROC_NET_NETSTAT=/proc/net/%snetstat nstat -asz %s",
		 prefix, prefix, name);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", word, &value) != 2 || strcmp(word, name))
			value = -1;
	if (!f || pclose(f))
		api_die("%s", cmd);
	return value;
}

static int retransmitted(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		api_die("TCP_INFO");
	return info.tcpi_total_retrans;
}

/* Counters rise by as much as was done. */
TEST_F(view, nstat)
{
	enum { OPENED, TAKEN, ENDED, DATA, RESETS, AGAIN, COUNTERS };
	static const struct { const char *name; bool server; int rise; } counters[] = {
		[OPENED] = { "TcpActiveOpens", false, 3 },
		[TAKEN] = { "TcpPassiveOpens", true, 3 },
		[ENDED] = { "TcpEstabResets", false, 2 },
		[DATA] = { "TcpExtTCPOrigDataSent", false, 11 },
		[RESETS] = { "TcpOutRsts", false, 2 },
		[AGAIN] = { "TcpRetransSegs", false, 0 },
	};
	struct linger now = { .l_onoff = 1 };
	int i, rise, c[3], s[3], family[COUNTERS];
	long before[COUNTERS];
	char x;

	for (i = 0; i < COUNTERS; i++) {
		family[i] = counters[i].server ? variant->server : variant->client;
		before[i] = nstat_value(family[i], counters[i].name);
		ASSERT_LE(0, before[i]) TH_LOG("%s", counters[i].name);
	}
	for (i = 0; i < 3; i++) {
		c[i] = api_connected(variant->client, &self->addr);
		s[i] = api_accept(self->l);
	}
	for (i = 0; i < 10; i++) {
		api_send(c[0], "x", 1);
		api_recv(s[0], &x, 1);
	}
	for (i = 1; i < 3; i++) {
		ASSERT_EQ(0, setsockopt(c[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
		close(c[i]);
		ASSERT_TRUE(API_WAIT(api_state(s[i]) == ST_CLOSE));
		close(s[i]);
	}
	api_deafen(s[0]);
	api_send(c[0], "x", 1);
	for (i = 0; i < COUNTERS; i++) {
		if (i == AGAIN)
			continue;
		/* At both ends. */
		rise = counters[i].rise << (i == ENDED && variant->client == variant->server);
		EXPECT_EQ(before[i] + rise, nstat_value(family[i], counters[i].name))
			TH_LOG("%s", counters[i].name);
	}
	ASSERT_TRUE(API_WAIT(retransmitted(c[0])));
	EXPECT_TRUE(API_WAIT(nstat_value(family[AGAIN], counters[AGAIN].name) - before[AGAIN] ==
			     retransmitted(c[0])));
}

FIXTURE(counters) { int unused; };

FIXTURE_VARIANT(counters) { const char *theirs, *ours, *line; enum api_face face; };

FIXTURE_VARIANT_ADD(counters, tcpx_snmp) {
	.theirs = "snmp", .ours = "tcpx_snmp", .line = "Tcp:" };
FIXTURE_VARIANT_ADD(counters, tcpx_netstat) {
	.theirs = "netstat", .ours = "tcpx_netstat", .line = "TcpExt:" };

FIXTURE_SETUP(counters)
{
	API_BEGIN(AF_TCPX);
	api_socket(AF_TCPX, 0);
}

FIXTURE_TEARDOWN(counters)
{
}

/* The line of names that begins so. */
static void names_of(const char *file, const char *line, char *names, size_t len)
{
	char path[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
	f = fopen(path, "r");
	while (f && !found && fgets(names, len, f))
		found = !strncmp(names, line, strlen(line));
	if (!found)
		api_die("no line %s in %s", line, path);
	fclose(f);
}

/*
 * Each name that kernel TCP has, of this kernel; but MPTCP's and those of devices and
 * routes, which TcpExt has too.
 */
TEST_F(counters, names)
{
	static char theirs[16384], ours[16384];
	char word[80], *name, *state;

	names_of(variant->theirs, variant->line, theirs, sizeof(theirs));
	names_of(variant->ours, variant->line, ours, sizeof(ours));
	ours[strcspn(ours, "\n")] = ' ';
	for (name = strtok_r(theirs, "\n ", &state); name; name = strtok_r(NULL, "\n ", &state)) {
		snprintf(word, sizeof(word), "%s ", name);
		EXPECT_TRUE(strstr(ours, word))
			TH_LOG("%s has no %s", variant->ours, name);
	}
}

API_PAIR_FIXTURE(coexist);

/* The kernel's TCP does not reset what it does not know of. */
TEST_F(coexist, no_reset)
{
	long rsts = api_snmp("Tcp:", "OutRsts"), errs = api_snmp("Tcp:", "InErrs");
	long again = api_snmp("Tcp:", "RetransSegs");
	static uint8_t buf[100000];
	int i;

	for (i = 0; i < 5; i++) {
		api_send(self->c, buf, sizeof(buf));
		api_recv(self->s, buf, sizeof(buf));
		close(self->c);
		ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
		close(self->s);
		self->c = api_connected(variant->client, &self->addr);
		self->s = api_accept(self->l);
	}
	/* A FIN that is sent twice is acknowledged twice, for the second time to nobody. */
	EXPECT_TRUE(rsts == api_snmp("Tcp:", "OutRsts") ||
		    again != api_snmp("Tcp:", "RetransSegs"));
	EXPECT_EQ(errs, api_snmp("Tcp:", "InErrs"));
}

/* Connections of the kernel's own go on beside those under test. */
TEST_F(coexist, side_by_side)
{
	int kl, kc[8], ks[8], tc[8], ts[8], i, round;
	struct sockaddr_in addr;
	uint8_t out[2000], in[2000];

	kl = api_listener(AF_INET, &addr);
	for (i = 0; i < 8; i++) {
		kc[i] = api_connected(AF_INET, &addr);
		ks[i] = api_accept(kl);
		tc[i] = api_connected(variant->client, &self->addr);
		ts[i] = api_accept(self->l);
	}
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 8; i++) {
			api_pattern(out, sizeof(out), i * 77 + round);
			api_send(kc[i], out, sizeof(out));
			api_pattern(out, sizeof(out), i * 99 + round);
			api_send(tc[i], out, sizeof(out));
		}
		for (i = 0; i < 8; i++) {
			api_recv(ks[i], in, sizeof(in));
			ASSERT_TRUE(api_pattern_ok(in, sizeof(in),
						   i * 77 + round));
			api_recv(ts[i], in, sizeof(in));
			ASSERT_TRUE(api_pattern_ok(in, sizeof(in),
						   i * 99 + round));
		}
	}
	for (i = 0; i < 8; i++) {
		close(tc[i]);
		close(ts[i]);
		EXPECT_EQ(ST_ESTABLISHED, api_state(kc[i]));
		EXPECT_EQ(ST_ESTABLISHED, api_state(ks[i]));
	}
}

/* A port that is bound but not listening refuses, whoever holds it. */
TEST_F(coexist, bound_port_refuses)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int held = api_bound(variant->server, "127.0.0.1", 5000);
	int c = api_socket(variant->client, 0), port;

	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &addr)));
	/* So does a port with connections but no listener. */
	port = api_port(self->c);
	addr = api_addr("127.0.0.1", port);
	/* From a port of its own, which else might happen to be that very one. */
	c = api_bound(variant->client, "127.0.0.1", 5001);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &addr)));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->c));
	close(held);
}

/* Each table shows its own sockets only. */
TEST_F(coexist, tables_do_not_mix)
{
	int other = variant->server == AF_TCPX ? AF_INET : AF_TCPX;
	int lport = ntohs(self->addr.sin_port);

	EXPECT_TRUE(api_tcp_row(variant->server, lport, 0, ST_LISTEN));
	if (variant->client == variant->server && api_have(other))
		EXPECT_FALSE(api_tcp_row(other, lport, 0, ST_LISTEN));
}

TEST_HARNESS_MAIN
