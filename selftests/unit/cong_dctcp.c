// SPDX-License-Identifier: GPL-2.0
/*
 * module/cong_dctcp.c against rfc8257's formulas in floating point.
 */
#include <math.h>

#include <kselftest_harness.h>

#include "cong.h"

static u32 ecn;

u32 tcpx_cc_ecn(const struct tcpx_cc *cc)
{
	return ecn;
}

/* What PLB was told */
static struct {
	int	rounds;
	u32	marked;
	u32	delivered;
	int	checks;
	int	suspends;
} plb;

void tcpx_plb_round(struct tcpx_cc *cc, struct tcpx_plb *p, u32 marked, u32 delivered)
{
	plb.rounds++;
	plb.marked = marked;
	plb.delivered = delivered;
}

void tcpx_plb_check_rehash(struct tcpx_cc *cc, struct tcpx_plb *p)
{
	plb.checks++;
}

void tcpx_plb_suspend(struct tcpx_cc *cc, struct tcpx_plb *p)
{
	plb.suspends++;
}

static struct tcp_dctcp_info info(const struct tcpx_cc *cc)
{
	union tcp_cc_info info;

	memset(&info, 0xff, sizeof(info));
	assert(cc->ops->get_info(cc, &info, sizeof(info)) == sizeof(info.dctcp));
	return info.dctcp;
}

FIXTURE(dctcp)
{
	struct tcpx_cc cc;
};

FIXTURE_SETUP(dctcp)
{
	ecn = TCPX_CC_ECN_OK;
	memset(&plb, 0, sizeof(plb));
	self->cc = (struct tcpx_cc) {
		.ops = &tcpx_dctcp,
		.snd_cwnd = 100,
		.snd_cwnd_clamp = ~0U,
		.snd_ssthresh = 50,
		.is_cwnd_limited = true,
		.mss_cache = 1000,
		.snd_una = 0xffff0000,
		.snd_nxt = 0xffff0000 + 100 * 1000,
		.delivered = 0xfffffff0,
		.delivered_ce = 0xfffffffa,
	};
	self->cc.ops->init(&self->cc);
}

FIXTURE_TEARDOWN(dctcp)
{
}

/* A window of segments is delivered, so many of them marked; then the ACK comes that
 * is the first of the next.
 */
static void window(struct tcpx_cc *cc, u32 segs, u32 marked)
{
	u32 end = cc->snd_nxt;

	cc->snd_una = end - 1;
	cc->ops->in_ack(cc);
	cc->delivered += segs;
	cc->delivered_ce += marked;
	cc->snd_una = end;
	cc->snd_nxt = end + segs * cc->mss_cache;
	cc->ops->in_ack(cc);
}

static double alpha(const struct tcpx_cc *cc)
{
	return info(cc).dctcp_alpha / 1024.0;
}

/* rfc8257#section-4.2: at first as if all were marked, so like Reno. */
TEST_F(dctcp, begins_like_reno)
{
	EXPECT_EQ(1.0, alpha(&self->cc));
	EXPECT_EQ(50, self->cc.ops->ssthresh(&self->cc));
	EXPECT_EQ(1, info(&self->cc).dctcp_enabled);
}

/* rfc8257#section-3.3 step 6, for a while of every kind. */
TEST_F(dctcp, alpha_follows_the_marks)
{
	static const u32 marked[] = { 0, 0, 100, 30, 0, 1, 50, 0, 0, 0, 100, 100, 7 };
	double want = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marked); i++) {
		window(&self->cc, 100, marked[i]);
		want = want * 15 / 16 + marked[i] / 100.0 / 16;
		EXPECT_LE(fabs(want - alpha(&self->cc)), 1.0 / 512);
	}
}

TEST_F(dctcp, plb_is_told)
{
	window(&self->cc, 100, 30);
	EXPECT_EQ(1, plb.rounds);
	EXPECT_EQ(30, plb.marked);
	EXPECT_EQ(100, plb.delivered);
	EXPECT_EQ(0, plb.checks);
	self->cc.ops->cwnd_event(&self->cc, TCPX_CA_EVENT_TX_START, 0);
	EXPECT_EQ(1, plb.checks);
	EXPECT_EQ(0, plb.suspends);
	self->cc.ops->cwnd_event(&self->cc, TCPX_CA_EVENT_LOSS, 0);
	EXPECT_EQ(1, plb.suspends);
	EXPECT_EQ(1, plb.checks);
}

/* A further segment of the peer's answer, which acknowledges no more: no window without marks. */
TEST_F(dctcp, plb_counts_no_empty_window)
{
	window(&self->cc, 100, 30);
	self->cc.snd_una = self->cc.snd_nxt;
	self->cc.ops->in_ack(&self->cc);
	self->cc.delivered += 100;
	self->cc.ops->in_ack(&self->cc);
	EXPECT_EQ(2, plb.rounds);
	self->cc.ops->in_ack(&self->cc);
	EXPECT_EQ(2, plb.rounds);
	EXPECT_EQ(100, plb.delivered);
}

TEST_F(dctcp, alpha_is_updated_once_a_window)
{
	self->cc.delivered += 50;
	self->cc.snd_una += 50 * 1000;
	self->cc.ops->in_ack(&self->cc);
	EXPECT_EQ(1.0, alpha(&self->cc));
}

/* Without a mark it must not get stuck above zero: the window would shrink for ever. */
TEST_F(dctcp, alpha_fades_to_nothing)
{
	int i;

	for (i = 0; i < 300; i++)
		window(&self->cc, 100, 0);
	EXPECT_EQ(0.0, alpha(&self->cc));
	EXPECT_EQ(100, self->cc.ops->ssthresh(&self->cc));
}

TEST_F(dctcp, alpha_is_at_most_one)
{
	int i;

	for (i = 0; i < 300; i++)
		window(&self->cc, 100, 100);
	EXPECT_EQ(1.0, alpha(&self->cc));
	window(&self->cc, 0, 0);
	EXPECT_LT(alpha(&self->cc), 1.0);
}

/* rfc8257#section-3.3 step 9 */
TEST_F(dctcp, reduction_is_in_proportion)
{
	int i;

	for (i = 0; i < 200; i++)
		window(&self->cc, 100, 25);
	self->cc.snd_cwnd = 1000;
	EXPECT_LE(abs(875 - (int)self->cc.ops->ssthresh(&self->cc)), 2);
	self->cc.snd_cwnd = 2;
	EXPECT_EQ(2, self->cc.ops->ssthresh(&self->cc));
}

/* rfc8257#section-3.5: a loss halves the window, once for each recovery. */
TEST_F(dctcp, loss_halves)
{
	int i;

	for (i = 0; i < 300; i++)
		window(&self->cc, 100, 0);
	self->cc.snd_ssthresh = self->cc.ops->ssthresh(&self->cc);
	EXPECT_EQ(100, self->cc.snd_ssthresh);
	self->cc.ops->set_state(&self->cc, TCP_CA_Recovery);
	EXPECT_EQ(50, self->cc.snd_ssthresh);
	self->cc.snd_cwnd = 50;
	self->cc.ops->set_state(&self->cc, TCP_CA_Recovery);
	EXPECT_EQ(50, self->cc.snd_ssthresh);
	EXPECT_EQ(100, self->cc.ops->undo_cwnd(&self->cc));

	self->cc.ops->set_state(&self->cc, TCP_CA_Open);
	self->cc.ops->cwnd_event(&self->cc, TCPX_CA_EVENT_LOSS, 0);
	EXPECT_EQ(25, self->cc.snd_ssthresh);
	self->cc.ops->cwnd_event(&self->cc, TCPX_CA_EVENT_TX_START, 0);
	EXPECT_EQ(25, self->cc.snd_ssthresh);
}

TEST_F(dctcp, grows_like_reno)
{
	self->cc.ops->cong_avoid(&self->cc, 0, 100, 0);
	EXPECT_EQ(101, self->cc.snd_cwnd);
}

TEST_F(dctcp, info)
{
	ecn |= TCPX_CC_ECN_CE;
	self->cc.delivered += 7;
	self->cc.delivered_ce += 3;
	EXPECT_EQ(1, info(&self->cc).dctcp_ce_state);
	EXPECT_EQ(7000, info(&self->cc).dctcp_ab_tot);
	EXPECT_EQ(3000, info(&self->cc).dctcp_ab_ecn);
	EXPECT_EQ(0, self->cc.ops->get_info(&self->cc, NULL, 1));
}

/* Without ECN there are no marks: Reno, by another name. */
TEST_F(dctcp, falls_back_to_reno)
{
	ecn = 0;
	self->cc.ops->init(&self->cc);
	EXPECT_STREQ("dctcp-reno", self->cc.ops->name);
	EXPECT_EQ(50, self->cc.ops->ssthresh(&self->cc));
	EXPECT_EQ(0, info(&self->cc).dctcp_enabled);
	EXPECT_EQ(0, self->cc.ops->flags & TCPX_CONG_NEEDS_ECN);
}

TEST_HARNESS_MAIN
