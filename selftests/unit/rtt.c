// SPDX-License-Identifier: GPL-2.0
/*
 * module/ack.c: smoothed RTT, its variance and the RTO, rfc6298.
 */
#include <kselftest_harness.h>

#include "cong.h"

struct tcpx_sock {
	struct tcpx_cc cc;
	u32 mdev_us, mdev_max_us, rttvar_us, rtt_seq, snd_nxt, snd_una, rto, rto_max;
};

struct sock {
	struct tcpx_sock tp;
};

#define tcpx_sk(sk)	(&(sk)->tp)

#include "rtt-types.h"

static u32 tcpx_rto_min_us(struct sock *sk)
{
	return 200000;
}

#include "rtt-code.h"

static struct sock sk = { .tp.rto_max = TCPX_RTO_MAX };

/* An RTT of @ms was measured; a window of 10 is acked each time. */
static void sample(u32 us)
{
	sk.tp.snd_una += 10;
	tcpx_rtt_estimator(&sk, us);
	sk.tp.snd_nxt = sk.tp.snd_una + 10;
	tcpx_set_rto(&sk);
}

static u32 srtt(void)
{
	return sk.tp.cc.srtt_us >> 3;
}

static u32 rto_ms(void)
{
	return jiffies_to_msecs(sk.tp.rto);
}

/* rfc6298#section-2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR */
TEST(first_sample)
{
	sample(500000);
	EXPECT_EQ(500000, srtt());
	EXPECT_EQ(1500, rto_ms());
}

TEST(first_sample_of_nothing)
{
	sample(0);
	EXPECT_NE(0, sk.tp.cc.srtt_us);
}

/* rfc6298#section-2.3: alpha = 1/8 */
TEST(srtt_moves_by_an_eighth)
{
	sample(100000);
	sample(180000);
	EXPECT_EQ(110000, srtt());
	sample(30000);
	EXPECT_EQ(100000, srtt());
}

/* The RTO is the RTT and at least 200 ms above it, however steady the path. */
TEST(steady_path)
{
	int i;

	for (i = 0; i < 200; i++)
		sample(50000);
	EXPECT_EQ(50000, srtt());
	EXPECT_LE(llabs(250LL - rto_ms()), 1000 / HZ);
}

/* The RTO covers what the path was seen to do. */
TEST(swinging_path)
{
	int i;

	for (i = 0; i < 200; i++)
		sample(i & 1 ? 100000 : 900000);
	EXPECT_LE(900, rto_ms());
	EXPECT_LE(llabs(500000LL - srtt()), 60000);
}

/* One late segment raises the RTO at once, and it comes down by and by: not
 * faster than a quarter of what is above the 200 ms a window.
 */
TEST(spike_decays_slowly)
{
	u32 top, before;
	int i;

	for (i = 0; i < 100; i++)
		sample(100000);
	sample(2000000);
	top = rto_ms();
	EXPECT_LE(600, top);
	for (i = 0; i < 10; i++) {
		before = sk.tp.rttvar_us;
		sample(100000);
		EXPECT_LE(before - sk.tp.rttvar_us, (before - 200000) / 4 + 1);
	}
	EXPECT_GT(top, rto_ms());
	for (i = 0; i < 200; i++)
		sample(100000);
	EXPECT_LE(llabs(300LL - rto_ms()), 4);
}

/* A path that became faster is no reason for a longer RTO. */
TEST(shorter_path)
{
	u32 before;
	int i;

	for (i = 0; i < 200; i++)
		sample(1000000);
	before = rto_ms();
	for (i = 0; i < 50; i++) {
		sample(10000);
		EXPECT_GE(before + 1000 / HZ, rto_ms());
	}
	EXPECT_GT(before, rto_ms());
}

TEST(upper_bound)
{
	sample(200000000);
	EXPECT_EQ(TCPX_RTO_MAX, sk.tp.rto);
	EXPECT_EQ(120000, rto_ms());
}

TEST_HARNESS_MAIN
