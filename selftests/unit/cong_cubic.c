// SPDX-License-Identifier: GPL-2.0
/*
 * module/cong_cubic.c against rfc9438's formulas in floating point, on an
 * imagined path: a window of segments leaves at once, its ACKs come back one
 * round trip later, evenly spaced.
 */
#include <math.h>

#include <kselftest_harness.h>

#include "cong.h"

static bool paced;
static u32 counted[__LINUX_MIB_MAX];

bool tcpx_cc_paced(const struct tcpx_cc *cc)
{
	return paced;
}

void tcpx_cc_count(const struct tcpx_cc *cc, int mib, u32 n)
{
	counted[mib] += n;
}

#define EXPECT_NEAR_U32(want, is, tolerance) \
	EXPECT_LE(llabs((long long)(want) - (long long)(is)), (tolerance))

/* A connection and its clock. */
struct path {
	struct tcpx_cc cc;
	double now;	/* ms */
	double rtt;	/* ms */
};

static u32 now32(const struct path *p)
{
	return (u32)(p->now * HZ / 1000) + 0xfffff000;	/* wraps early */
}

static void path_init(struct path *p, double rtt, u32 cwnd, u32 ssthresh)
{
	memset(p, 0, sizeof(*p));
	p->rtt = rtt;
	p->cc.ops = &tcpx_cubic;
	p->cc.snd_cwnd = cwnd;
	p->cc.snd_cwnd_clamp = ~0U;
	p->cc.snd_ssthresh = ssthresh;
	p->cc.is_cwnd_limited = true;
	p->cc.pacing_rate = ~0UL;
	p->cc.snd_una = 0xffffff00;
	p->cc.snd_nxt = p->cc.snd_una + cwnd;
	p->cc.ops->init(&p->cc);
}

/* One ACK for @n segments, @rtt_ms after they were sent; ours count one each. */
static void path_ack(struct path *p, u32 n, double rtt_ms)
{
	struct tcpx_ack_sample s = {
		.pkts_acked = n,
		.rtt_us = rtt_ms * 1000,
		.now_us = p->now * 1000,
		.now32 = now32(p),
	};

	p->cc.snd_una += n;
	p->cc.ops->pkts_acked(&p->cc, &s);
	p->cc.ops->cong_avoid(&p->cc, p->cc.snd_una, n, now32(p));
	p->cc.snd_nxt = p->cc.snd_una + p->cc.snd_cwnd;
}

/* Acknowledge window after window for @ms. */
static void path_run(struct path *p, double ms)
{
	double end = p->now + ms;

	while (p->now < end) {
		p->now += p->rtt / p->cc.snd_cwnd;
		path_ack(p, 1, p->rtt);
	}
}

/* A loss: what to come back to, and the new threshold. */
static void path_reduce(struct path *p)
{
	p->cc.prior_cwnd = p->cc.snd_cwnd;
	p->cc.prior_ssthresh = p->cc.snd_ssthresh;
	p->cc.snd_ssthresh = p->cc.ops->ssthresh(&p->cc);
}

/* A loss was found and repaired. */
static void path_loss(struct path *p)
{
	path_reduce(p);
	p->cc.snd_cwnd = p->cc.snd_ssthresh;
	p->cc.snd_cwnd_cnt = 0;
	p->cc.ops->set_state(&p->cc, TCP_CA_Recovery);
	p->cc.ops->set_state(&p->cc, TCP_CA_Open);
}

/* rfc9438#section-4.2, t in ms since the reduction. */
static double w_cubic(double t, double cwnd, double w_max)
{
	double k = cbrt((w_max - cwnd) / 0.4);

	return 0.4 * pow(t / 1000 - k, 3) + w_max;
}

TEST(beta)
{
	struct path p;

	path_init(&p, 100, 100, 10);
	path_loss(&p);
	EXPECT_EQ(70, p.cc.snd_ssthresh);
	p.cc.snd_cwnd = 2;
	path_loss(&p);
	EXPECT_EQ(2, p.cc.snd_ssthresh);
	p.cc.snd_cwnd = 1000000;
	path_loss(&p);
	EXPECT_NEAR_U32(700000, p.cc.snd_ssthresh, 300);
}

/* Below the plateau, on it, and beyond it: the window is on its way to where the
 * curve will be one round trip later.
 */
TEST(follows_the_curve)
{
	struct path p;
	double start;
	int t;

	path_init(&p, 400, 1000, 10);
	path_loss(&p);
	start = p.now;
	for (t = 1000; t <= 16000; t += 1000) {
		path_run(&p, start + t - p.now);
		EXPECT_LE(w_cubic(t, 700, 1000) - 10, p.cc.snd_cwnd);
		EXPECT_GE(w_cubic(t + 400, 700, 1000) + 10, p.cc.snd_cwnd) {
			TH_LOG("%d ms: cwnd %u, curve %.0f", t, p.cc.snd_cwnd,
			       w_cubic(t, 700, 1000));
		}
	}
	EXPECT_LT(1000, p.cc.snd_cwnd);
}

/* rfc9438#section-4.7: losses below the last plateau lower it by 15 %. */
TEST(fast_convergence)
{
	struct path p;
	double start;

	path_init(&p, 400, 1000, 10);
	path_loss(&p);
	p.cc.snd_cwnd = 800;
	path_loss(&p);
	EXPECT_EQ(560, p.cc.snd_cwnd);
	start = p.now;
	/* K of 560 and 680 */
	path_run(&p, cbrt((680 - 560) / 0.4) * 1000);
	EXPECT_LE(fabs(p.cc.snd_cwnd - 680.0), 14);
	path_run(&p, start + 3000 - p.now);
	EXPECT_GT(700, p.cc.snd_cwnd);
}

/* Where the curve is slower than Reno: 9/17 of a segment a round trip up to
 * the window of the loss, then a whole one (rfc9438#section-4.3).
 */
TEST(reno_friendly)
{
	struct path p;
	u32 cwnd;
	int i;

	path_init(&p, 10, 100, 10);
	path_loss(&p);
	for (i = 0; i < 34; i++)
		path_run(&p, 10);
	EXPECT_NEAR_U32(70 + 34 * 9 / 17, p.cc.snd_cwnd, 3);
	while (p.cc.snd_cwnd < 101 && p.now < 3000)
		path_run(&p, 10);
	ASSERT_EQ(101, p.cc.snd_cwnd);
	cwnd = p.cc.snd_cwnd;
	for (i = 0; i < 20; i++)
		path_run(&p, 10);
	EXPECT_NEAR_U32(cwnd + 20, p.cc.snd_cwnd, 3);
}

/* A tick is long on a short path. A loss within it does not put a window of two onto the
 * plateau of an epoch of its own, where it takes 200 ACKs to the next segment: how fast it was
 * growing still holds.
 */
TEST(losses_within_a_tick)
{
	struct path p;
	int i, n;

	path_init(&p, 0.1, 4, 2);
	for (i = 0; i < 4; i++) {
		path_loss(&p);
		ASSERT_EQ(2, p.cc.snd_cwnd);
		for (n = 0; n < 4 && p.cc.snd_cwnd == 2; n++)
			path_run(&p, 0.05);
		EXPECT_EQ(3, p.cc.snd_cwnd);
	}
}

/* However far behind the curve, half as much again a round trip is the most. */
TEST(growth_is_bounded)
{
	struct path p;
	u32 before;

	path_init(&p, 200, 1000, 10);
	path_loss(&p);
	path_run(&p, 1000);
	p.now += 60000;		/* no ACK for a minute */
	before = p.cc.snd_cwnd;
	path_ack(&p, before, 200);
	EXPECT_LE(p.cc.snd_cwnd, before + before / 2 + 1);
	EXPECT_GE(p.cc.snd_cwnd, before + before / 3);
}

/* An undone reduction leaves no trace: window and curve are those of a twin
 * that had none (rfc9438#section-4.9).
 */
TEST(undo)
{
	struct path p, twin;

	path_init(&p, 400, 1000, 10);
	path_loss(&p);
	path_run(&p, 3000);
	twin = p;
	path_loss(&p);
	EXPECT_GT(twin.cc.snd_cwnd, p.cc.snd_cwnd);
	p.cc.snd_cwnd = p.cc.ops->undo_cwnd(&p.cc);
	EXPECT_EQ(twin.cc.snd_cwnd, p.cc.snd_cwnd);
	p.cc.snd_cwnd_cnt = twin.cc.snd_cwnd_cnt;
	path_run(&p, 8000);
	path_run(&twin, 8000);
	EXPECT_EQ(twin.cc.snd_cwnd, p.cc.snd_cwnd);
}

/* So does one after a timeout, but for the few ACKs until the minimum RTT is known again. */
TEST(undo_of_a_timeout)
{
	struct path p, twin;

	/* So far below the plateau that Reno's window is the greater one. */
	path_init(&p, 10, 100, 10);
	path_loss(&p);
	path_run(&p, 300);
	twin = p;
	path_reduce(&p);
	p.cc.ops->set_state(&p.cc, TCP_CA_Loss);
	p.cc.snd_cwnd = p.cc.ops->undo_cwnd(&p.cc);
	p.cc.snd_ssthresh = twin.cc.snd_ssthresh;
	EXPECT_EQ(twin.cc.snd_cwnd, p.cc.snd_cwnd);
	path_run(&p, 1000);
	path_run(&twin, 1000);
	EXPECT_GT(p.cc.snd_cwnd * 100, twin.cc.snd_cwnd * 97);
}

/* Idle time is not spent on the curve (rfc9438#section-5.8). */
TEST(idle)
{
	struct path p, twin;

	path_init(&p, 400, 1000, 10);
	path_loss(&p);
	path_run(&p, 2000);
	twin = p;
	p.cc.lsndtime = now32(&p);
	p.now += 20000;
	p.cc.ops->cwnd_event(&p.cc, TCPX_CA_EVENT_TX_START, now32(&p));
	path_run(&p, 4000);
	path_run(&twin, 4000);
	EXPECT_NEAR_U32(twin.cc.snd_cwnd, p.cc.snd_cwnd, 2);
}

/* After an RTO the old plateau means nothing (rfc9438#section-4.8): K is 0, and
 * as long as no other plateau is known 5 % a round trip is the least.
 */
TEST(timeout_forgets)
{
	struct path p;

	path_init(&p, 400, 1000, 10);
	path_loss(&p);
	p.cc.ops->ssthresh(&p.cc);
	p.cc.ops->set_state(&p.cc, TCP_CA_Loss);
	p.cc.snd_cwnd = 500;
	p.cc.snd_ssthresh = 500;
	path_run(&p, 10000);
	EXPECT_LT(500 * pow(1.05, 24), p.cc.snd_cwnd);
	EXPECT_GT(500 * pow(1.06, 25), p.cc.snd_cwnd);
}

/* 2^22 ms beyond the plateau: in 64 bits the cube of that is 0. */
TEST(cube_of_long_times)
{
	struct path p;
	u32 before;

	path_init(&p, 101, 100, 10);
	path_loss(&p);
	path_ack(&p, 1, 101);
	p.now = (1 << 22) + (u32)(cbrt(30 / 0.4) * 1000) - 101;
	p.cc.snd_cwnd = 200;	/* above the plateau */
	before = p.cc.snd_cwnd;
	path_ack(&p, 3, 101);
	EXPECT_LT(before, p.cc.snd_cwnd);
	EXPECT_LE(p.cc.snd_cwnd, before + 2);
}

/* HyStart. A round of @n ACKs, @gap apart; the first closes the last round. */
static void hystart_round(struct path *p, int n, double gap, double rtt)
{
	int i;

	p->now += 1000;
	for (i = 0; i < n; i++) {
		p->now += gap;
		path_ack(p, 1, rtt);
	}
}

static void hystart_init(struct path *p, u32 cwnd)
{
	memset(counted, 0, sizeof(counted));
	paced = false;
	path_init(p, 100, cwnd, TCP_INFINITE_SSTHRESH);
	/* The window stands still, so that rounds have a known length. */
	p->cc.is_cwnd_limited = false;
	p->cc.max_packets_out = 1;
	/* Each round ends when what is out at its start was acked. */
	p->cc.snd_nxt = p->cc.snd_una;
	hystart_round(p, 1, 0, 100);
}

TEST(hystart_ack_train)
{
	struct path p;

	hystart_init(&p, 100);
	hystart_round(&p, 45, 1, 100);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	hystart_init(&p, 100);
	hystart_round(&p, 60, 1, 100);
	EXPECT_EQ(100, p.cc.snd_ssthresh);
	EXPECT_EQ(1, counted[LINUX_MIB_TCPHYSTARTTRAINDETECT]);
	EXPECT_EQ(100, counted[LINUX_MIB_TCPHYSTARTTRAINCWND]);
}

/* ACKs that are further apart than a train's don't belong to it. */
TEST(hystart_gaps)
{
	struct path p;

	hystart_init(&p, 100);
	hystart_round(&p, 60, 3, 100);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
}

TEST(hystart_paced)
{
	struct path p;

	hystart_init(&p, 200);
	paced = true;
	hystart_round(&p, 90, 1, 100);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	hystart_init(&p, 200);
	paced = true;
	hystart_round(&p, 110, 1, 100);
	EXPECT_NE(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
}

/* 12.5 ms more than the 100 ms that are known is the most. */
TEST(hystart_delay)
{
	struct path p;

	hystart_init(&p, 100);
	hystart_round(&p, 20, 3, 110);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	hystart_init(&p, 100);
	hystart_round(&p, 8, 3, 114);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	hystart_round(&p, 9, 3, 114);
	EXPECT_NE(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	EXPECT_EQ(1, counted[LINUX_MIB_TCPHYSTARTDELAYDETECT]);
	/* One short sample among them: the path is not longer. */
	hystart_init(&p, 100);
	hystart_round(&p, 4, 3, 120);
	path_ack(&p, 1, 105);
	hystart_round(&p, 10, 3, 120);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
}

TEST(hystart_not_on_small_windows)
{
	struct path p;

	hystart_init(&p, 15);
	hystart_round(&p, 100, 1, 20);
	EXPECT_EQ(TCP_INFINITE_SSTHRESH, p.cc.snd_ssthresh);
	hystart_init(&p, 16);
	hystart_round(&p, 100, 1, 20);
	EXPECT_EQ(16, p.cc.snd_ssthresh);
}

/* Found once, slow start after it is the RTO's business. */
TEST(hystart_once)
{
	struct path p;

	hystart_init(&p, 100);
	hystart_round(&p, 60, 1, 100);
	EXPECT_EQ(1, counted[LINUX_MIB_TCPHYSTARTTRAINDETECT]);
	p.cc.snd_ssthresh = TCP_INFINITE_SSTHRESH;
	hystart_round(&p, 160, 1, 100);
	EXPECT_EQ(1, counted[LINUX_MIB_TCPHYSTARTTRAINDETECT]);
	p.cc.ops->set_state(&p.cc, TCP_CA_Loss);
	hystart_round(&p, 60, 1, 100);
	EXPECT_EQ(2, counted[LINUX_MIB_TCPHYSTARTTRAINDETECT]);
}

TEST_HARNESS_MAIN
