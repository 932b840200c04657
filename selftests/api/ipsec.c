// SPDX-License-Identifier: GPL-2.0
/*
 * IPsec: policies and states bind TCPX as they bind kernel TCP. All of it goes
 * over lo, where one ESP state serves both directions.
 */
#include "api.h"
#include <linux/xfrm.h>

#define LEN	(1 << 17)

API_LISTENER_FIXTURE(ipsec);

/* lo is exempt from IPsec unless told otherwise. */
static bool ipsec_on_lo(void)
{
	if (api_sh("ip xfrm policy count >/dev/null 2>&1"))
		return false;
	api_sysctl("ipv4/conf/lo/disable_xfrm", "0");
	api_sysctl("ipv4/conf/lo/disable_policy", "0");
	return true;
}

#define NEED_IPSEC() do {						\
	if (!ipsec_on_lo())						\
		SKIP(return, "no ip xfrm here");			\
} while (0)

/* A kernel built for debugging may have policies, but nothing that encrypts or counts. */
#define NEED_ESP() do {							\
	NEED_IPSEC();							\
	if (access("/proc/net/xfrm_stat", R_OK))			\
		SKIP(return, "this kernel has no ESP");			\
} while (0)

/* What goes in or out by this port of the listener's; "then": what is done. */
static void lo_policy(const char *verb, const char *dir, const char *which, int port,
		      const char *then)
{
	const char *ip = api_ip("127.0.0.1");

	if (api_sh("ip xfrm policy %s src %s dst %s proto tcp %s %d dir %s %s",
		   verb, ip, ip, which, port, dir, then))
		api_die("ip xfrm policy %s %s %s %d %s", verb, dir, which, port, then);
}

#define ESP	(api_face == API_V6 ? "tmpl src ::1 dst ::1 proto esp mode transport" : \
		 "tmpl src 127.0.0.1 dst 127.0.0.1 proto esp mode transport")

static void esp_state(void)
{
	const char *ip = api_ip("127.0.0.1");

	if (api_sh("ip xfrm state add src %s dst %s proto esp spi 256 %s %s %s", ip, ip,
		   "mode transport", "auth 'hmac(sha1)' 0x0123456789abcdef0123456789abcdef01234567",
		   "enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff"))
		api_die("ip xfrm state add");
}

/* What the ESP state has carried. */
static long esp_bytes(void)
{
	static const char cmd[] =
		"ip -s xfrm state | sed -n 's/^[[:space:]]*\\([0-9]\\+\\)(bytes),.*/\\1/p'";
	FILE *f = popen(cmd, "r");
	long bytes = -1;

	if (!f || fscanf(f, "%ld", &bytes) != 1)
		api_die("ip -s xfrm state");
	pclose(f);
	return bytes;
}

static long stat_of(const char *name)
{
	long value, found = -1;
	char field[64];
	FILE *f = fopen("/proc/net/xfrm_stat", "r");

	if (!f)
		api_die("/proc/net/xfrm_stat");
	while (fscanf(f, "%63s %ld", field, &value) == 2) {
		if (!strcmp(field, name))
			found = value;
	}
	fclose(f);
	return found;
}

TEST_F(ipsec, blocks_output)
{
	int port = ntohs(self->addr.sin_port), c = api_socket(variant->client, 0);

	NEED_IPSEC();
	lo_policy("add", "out", "dport", port, "action block");
	EXPECT_EQ(-EPERM, SYS(api_connect(c, &self->addr)));
	lo_policy("delete", "out", "dport", port, "");
	EXPECT_EQ(0, SYS(api_connect(c, &self->addr)));
}

/* The listener's socket, or its request, is refused the SYN. */
TEST_F(ipsec, blocks_a_syn)
{
	int port = ntohs(self->addr.sin_port), c = api_socket(variant->client, SOCK_NONBLOCK);

	NEED_ESP();
	lo_policy("add", "in", "dport", port, "action block");
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	EXPECT_TRUE(API_WAIT(stat_of("XfrmInPolBlock") >= 1));
	lo_policy("delete", "in", "dport", port, "");
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

TEST_F(ipsec, blocks_a_synack)
{
	int port = ntohs(self->addr.sin_port), c = api_socket(variant->client, SOCK_NONBLOCK);

	NEED_IPSEC();
	lo_policy("add", "in", "sport", port, "action block");
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	lo_policy("delete", "in", "sport", port, "");
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

/* A connection that exists already obeys a new policy, and goes on without it. */
TEST_F(ipsec, blocks_established)
{
	int port = ntohs(self->addr.sin_port), c, s;
	char x;

	NEED_ESP();
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	lo_policy("add", "in", "sport", port, "action block");
	api_send(s, "x", 1);
	EXPECT_TRUE(API_STAYS(!api_events(c, POLLIN, 0)));
	EXPECT_TRUE(API_WAIT(stat_of("XfrmInPolBlock") >= 1));
	lo_policy("delete", "in", "sport", port, "");
	api_recv(c, &x, 1);
	EXPECT_EQ('x', x);
}

static void require_esp(int port)
{
	lo_policy("add", "out", "dport", port, ESP);
	lo_policy("add", "out", "sport", port, ESP);
	lo_policy("add", "in", "dport", port, ESP);
	lo_policy("add", "in", "sport", port, ESP);
}

/* Both ways through ESP; segments leave room for its header. */
TEST_F(ipsec, protects)
{
	static uint8_t buf[LEN];
	int c, s, mss;

	NEED_ESP();
	if (api_sh("ip link set lo mtu 1500"))
		api_die("ip link set lo mtu 1500");
	esp_state();
	require_esp(ntohs(self->addr.sin_port));
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	api_opt(c, SOL_SOCKET, SO_SNDBUF, 4 * LEN);
	api_opt(s, SOL_SOCKET, SO_SNDBUF, 4 * LEN);
	api_pattern(buf, LEN, 0);
	api_send(c, buf, LEN);
	memset(buf, 0, LEN);
	api_recv(s, buf, LEN);
	EXPECT_TRUE(api_pattern_ok(buf, LEN, 0));
	api_send(s, buf, LEN);
	memset(buf, 0, LEN);
	api_recv(c, buf, LEN);
	EXPECT_TRUE(api_pattern_ok(buf, LEN, 0));
	EXPECT_LE(2 * LEN, esp_bytes());
	/* 1500 less headers, timestamps, and what ESP adds. */
	mss = api_getopt(c, IPPROTO_TCP, TCP_MAXSEG);
	EXPECT_GT(1448, mss);
	EXPECT_LT(1380, mss);
}

/* What came in the clear is no use where ESP is required. */
TEST_F(ipsec, refuses_clear_text)
{
	int port = ntohs(self->addr.sin_port), c = api_socket(variant->client, SOCK_NONBLOCK);

	NEED_ESP();
	esp_state();
	lo_policy("add", "in", "dport", port, ESP);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	EXPECT_TRUE(API_WAIT(stat_of("XfrmInTmplMismatch") >= 1));
	lo_policy("delete", "in", "dport", port, "");
	EXPECT_TRUE(API_WAIT(api_state(c) == ST_ESTABLISHED));
}

/* A policy of the socket itself. */
TEST_F(ipsec, of_the_socket)
{
	struct xfrm_userpolicy_info block = {
		.sel.family = variant->face == API_V6 ? AF_INET6 : AF_INET,
		.lft = {
			.soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF,
			.soft_packet_limit = XFRM_INF, .hard_packet_limit = XFRM_INF,
		},
		.dir = XFRM_POLICY_OUT,
		.action = XFRM_POLICY_BLOCK,
	};
	int level = variant->face == API_V4 ? SOL_IP : SOL_IPV6;
	int name = variant->face == API_V4 ? IP_XFRM_POLICY : IPV6_XFRM_POLICY;
	int c = api_socket(variant->client, 0);

	NEED_IPSEC();
	ASSERT_EQ(0, SYS(setsockopt(c, level, name, &block, sizeof(block))));
	EXPECT_EQ(-EPERM, SYS(api_connect(c, &self->addr)));
	/* Nobody else's. */
	EXPECT_LE(0, api_connected(variant->client, &self->addr));
}

TEST_HARNESS_MAIN
