// SPDX-License-Identifier: GPL-2.0
/*
 * module/syncookies.c: what a cookie and its timestamp carry there and back.
 * The MAC's strength is siphash's; a poorer mixer takes its place here.
 */
#include <kselftest_harness.h>

#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#define IPV6_MIN_MTU		1280
#define SIPHASH_ALIGNMENT	8
#define __aligned(x)		__attribute__((__aligned__(x)))
#define offsetofend(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

struct net {
	struct {
		u8 sysctl_tcp_timestamps, sysctl_tcp_sack, sysctl_tcp_window_scaling;
	} ipv4;
};

struct sk_buff {
	bool v6;
	struct iphdr iph;
	struct ipv6hdr ip6h;
	struct tcphdr th;
};

struct inet_request_sock {
	u8 snd_wscale;
	bool wscale_ok, sack_ok, ecn_ok;
};

struct tcpx_request_sock {
	struct inet_request_sock req;
};

static u64 jiffies_64;
static const u64 tcpx_cookie_secret[2] = { 0x0123456789abcdefULL, 0xfedcba9876543210ULL };

static u64 get_jiffies_64(void)
{
	return jiffies_64;
}

static u64 siphash_4u32(u32 a, u32 b, u32 c, u32 d, const u64 *key)
{
	const u32 in[] = { a, b, c, d };
	u64 h = *key;
	int i;

	for (i = 0; i < 4; i++) {
		h = (h ^ in[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h;
}

static u64 siphash(const void *data, size_t len, const u64 *key)
{
	const u8 *in = data;
	u64 h = *key;

	while (len--) {
		h = (h ^ *in++) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	return h;
}

static bool tcpx_skb_is_v6(const struct sk_buff *skb)
{
	return skb->v6;
}

#define ip_hdr(skb)	(&(skb)->iph)
#define ipv6_hdr(skb)	(&(skb)->ip6h)
#define tcp_hdr(skb)	(&(skb)->th)

#include "cookies-types.h"
#include "cookies-code.h"

#define CLIENT_ISN	0xfffffff0U

FIXTURE(cookie)
{
	struct sk_buff skb;
};

FIXTURE_SETUP(cookie)
{
	self->skb.iph.saddr = htonl(0x0a000001);
	self->skb.iph.daddr = htonl(0x0a000002);
	self->skb.th.source = htons(40000);
	self->skb.th.dest = htons(80);
	self->skb.th.seq = htonl(CLIENT_ISN);
	jiffies_64 = 1000ULL * TCPX_COOKIE_PERIOD;
}

FIXTURE_TEARDOWN(cookie)
{
}

/* The SYN in @skb is answered; then @skb is the ACK to that. */
static u16 answer(struct sk_buff *skb, u16 mss)
{
	u32 isn = tcpx_cookie_init_seq(skb, &mss);

	skb->th.seq = htonl(CLIENT_ISN + 1);
	skb->th.ack_seq = htonl(isn + 1);
	return mss;
}

TEST_F(cookie, mss)
{
	static const u16 cases[][2] = {
		{ 1460, 1460 }, { 9000, 1460 }, { 65535, 1460 }, { 1459, 1440 }, { 1440, 1440 },
		{ 1400, 1300 }, { 1000, 536 }, { 536, 536 }, { 100, 536 }, { 0, 536 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		self->skb.th.seq = htonl(CLIENT_ISN);
		EXPECT_EQ(cases[i][1], answer(&self->skb, cases[i][0]));
		EXPECT_EQ(cases[i][1], tcpx_cookie_peer_mss(&self->skb));
	}
}

/* Good for the period it was made in and the next, whatever the counter's
 * low bits do meanwhile.
 */
TEST_F(cookie, age)
{
	u64 start, age;

	for (start = 0; start < 600; start++) {
		self->skb.th.seq = htonl(CLIENT_ISN);
		jiffies_64 = start * TCPX_COOKIE_PERIOD;
		answer(&self->skb, 1460);
		for (age = 0; age < 5; age++) {
			jiffies_64 = (start + age) * TCPX_COOKIE_PERIOD;
			ASSERT_EQ(age < 2 ? 1460 : 0, tcpx_cookie_peer_mss(&self->skb));
		}
		jiffies_64 = (start + 2) * TCPX_COOKIE_PERIOD - 1;
		ASSERT_EQ(1460, tcpx_cookie_peer_mss(&self->skb));
	}
}

TEST_F(cookie, of_another)
{
	struct sk_buff skb;

	answer(&self->skb, 1460);
	skb = self->skb;
	skb.iph.saddr ^= htonl(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	skb = self->skb;
	skb.iph.daddr ^= htonl(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	skb = self->skb;
	skb.th.source ^= htons(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	skb = self->skb;
	skb.th.dest ^= htons(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	skb = self->skb;
	skb.th.seq = htonl(CLIENT_ISN + 100);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
}

/* Over IPv6 the steps are others, and all of both addresses counts. */
TEST_F(cookie, v6_mss)
{
	static const u16 cases[][2] = {
		{ 8940, 8940 }, { 65535, 8940 }, { 8939, 1440 }, { 1440, 1440 }, { 1430, 1420 },
		{ 1419, 1220 }, { 1220, 1220 }, { 536, 1220 },
	};
	int i;

	self->skb.v6 = true;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		self->skb.th.seq = htonl(CLIENT_ISN);
		EXPECT_EQ(cases[i][1], answer(&self->skb, cases[i][0]));
		EXPECT_EQ(cases[i][1], tcpx_cookie_peer_mss(&self->skb));
	}
}

TEST_F(cookie, v6_of_another)
{
	struct sk_buff skb;
	int i;

	self->skb.v6 = true;
	answer(&self->skb, 1440);
	EXPECT_EQ(1440, tcpx_cookie_peer_mss(&self->skb));
	for (i = 0; i < 16; i++) {
		skb = self->skb;
		skb.ip6h.saddr.s6_addr[i] ^= 1;
		EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
		skb = self->skb;
		skb.ip6h.daddr.s6_addr[i] ^= 1;
		EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	}
	skb = self->skb;
	skb.th.source ^= htons(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
	skb = self->skb;
	skb.th.dest ^= htons(1);
	EXPECT_EQ(0, tcpx_cookie_peer_mss(&skb));
}

/* Guessing: 4 MSS of 2^24, two periods of 256. */
TEST_F(cookie, guesses)
{
	u32 i, hits = 0;

	srand(1);
	answer(&self->skb, 1460);
	for (i = 0; i < 1000000; i++) {
		self->skb.th.ack_seq = htonl((u32)rand() << 8 ^ rand());
		hits += !!tcpx_cookie_peer_mss(&self->skb);
	}
	EXPECT_LE(hits, 2);
}

static u32 encode(u64 ms, int wscale, bool sack)
{
	struct tcpx_request_sock req = {
		.req = { .wscale_ok = wscale >= 0, .snd_wscale = max(wscale, 0), .sack_ok = sack },
	};

	return tcpx_cookie_init_timestamp(&req, ms * USEC_PER_MSEC);
}

/* All options, at every phase of the clock; never later than now. */
TEST(timestamp)
{
	struct net net = { { 1, 1, 1 } };
	int wscale, sack;
	u64 ms;

	for (ms = 0x100000000ULL - 200; ms < 0x100000000ULL + 200; ms++)
		for (wscale = -1; wscale <= 14; wscale++)
			for (sack = 0; sack <= 1; sack++) {
				struct tcpx_options_received opt = { .saw_tstamp = 1 };

				opt.rcv_tsecr = encode(ms, wscale, sack);
				ASSERT_LE((u32)ms - opt.rcv_tsecr, 64);
				ASSERT_TRUE(tcpx_cookie_timestamp_decode(&net, &opt));
				ASSERT_EQ(wscale >= 0, +opt.wscale_ok);
				ASSERT_EQ(max(wscale, 0), +opt.snd_wscale);
				ASSERT_EQ(sack, +opt.sack_ok);
			}
}

/* A timestamp that tells of an option we never grant is not ours. */
TEST(timestamp_of_what_is_off)
{
	struct tcpx_request_sock req = { .req = { .wscale_ok = 1, .snd_wscale = 7, .sack_ok = 1 } };
	struct tcpx_options_received opt = { .saw_tstamp = 1 };
	struct net net = { { 1, 1, 1 } };

	opt.rcv_tsecr = tcpx_cookie_init_timestamp(&req, 12345678);
	net.ipv4.sysctl_tcp_sack = 0;
	EXPECT_FALSE(tcpx_cookie_timestamp_decode(&net, &opt));
	net = (struct net) { { 1, 1, 0 } };
	EXPECT_FALSE(tcpx_cookie_timestamp_decode(&net, &opt));
	net = (struct net) { { 0, 1, 1 } };
	EXPECT_FALSE(tcpx_cookie_timestamp_decode(&net, &opt));
	/* Without one there are no options. */
	opt = (struct tcpx_options_received) { .sack_ok = 1, .wscale_ok = 1, .snd_wscale = 3 };
	EXPECT_TRUE(tcpx_cookie_timestamp_decode(&net, &opt));
	EXPECT_EQ(0, +opt.sack_ok);
	EXPECT_EQ(0, +opt.wscale_ok);
}

TEST_HARNESS_MAIN
