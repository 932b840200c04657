// SPDX-License-Identifier: GPL-2.0
/*
 * module/cong_reno.c: slow start and congestion avoidance of rfc5681.
 */
#include <kselftest_harness.h>

#include "cong.h"

FIXTURE(reno)
{
	struct tcpx_cc cc;
};

FIXTURE_SETUP(reno)
{
	self->cc = (struct tcpx_cc) {
		.ops = &tcpx_reno,
		.snd_cwnd = 10,
		.snd_cwnd_clamp = ~0U,
		.snd_ssthresh = TCP_INFINITE_SSTHRESH,
		.is_cwnd_limited = true,
	};
}

FIXTURE_TEARDOWN(reno)
{
}

static void acked(struct tcpx_cc *cc, u32 n)
{
	cc->ops->cong_avoid(cc, 0, n, 0);
}

TEST_F(reno, slow_start_doubles)
{
	int i;

	for (i = 0; i < 10; i++)
		acked(&self->cc, 1);
	EXPECT_EQ(20, self->cc.snd_cwnd);
	acked(&self->cc, 20);
	EXPECT_EQ(40, self->cc.snd_cwnd);
}

/* What is left of an ACK when ssthresh is reached counts for avoidance. */
TEST_F(reno, slow_start_ends_at_ssthresh)
{
	self->cc.snd_ssthresh = 14;
	EXPECT_EQ(6, tcpx_slow_start(&self->cc, 10));
	EXPECT_EQ(14, self->cc.snd_cwnd);

	self->cc.snd_cwnd = 10;
	acked(&self->cc, 4 + 13);
	EXPECT_EQ(14, self->cc.snd_cwnd);
	EXPECT_EQ(13, self->cc.snd_cwnd_cnt);
	acked(&self->cc, 1);
	EXPECT_EQ(15, self->cc.snd_cwnd);
}

TEST_F(reno, avoidance_adds_one_a_window)
{
	int i;

	self->cc.snd_ssthresh = 5;
	for (i = 0; i < 9; i++)
		acked(&self->cc, 1);
	EXPECT_EQ(10, self->cc.snd_cwnd);
	acked(&self->cc, 1);
	EXPECT_EQ(11, self->cc.snd_cwnd);
	for (i = 0; i < 10; i++)
		acked(&self->cc, 1);
	EXPECT_EQ(11, self->cc.snd_cwnd);
	acked(&self->cc, 1);
	EXPECT_EQ(12, self->cc.snd_cwnd);
}

TEST_F(reno, stretch_ack)
{
	self->cc.snd_ssthresh = 5;
	acked(&self->cc, 25);
	EXPECT_EQ(12, self->cc.snd_cwnd);
	EXPECT_EQ(5, self->cc.snd_cwnd_cnt);
}

/* Credit of a slower time must not become a burst. */
TEST_F(reno, old_credit_is_one_step)
{
	self->cc.snd_ssthresh = 5;
	self->cc.snd_cwnd_cnt = 1000;
	tcpx_cong_avoid_ai(&self->cc, 10, 1);
	EXPECT_EQ(11, self->cc.snd_cwnd);
	EXPECT_EQ(1, self->cc.snd_cwnd_cnt);
}

/* rfc7661: a window that is not used does not grow... */
TEST_F(reno, unused_window_stays)
{
	self->cc.is_cwnd_limited = false;
	self->cc.max_packets_out = 4;
	acked(&self->cc, 4);
	EXPECT_EQ(10, self->cc.snd_cwnd);
	self->cc.snd_ssthresh = 5;
	self->cc.max_packets_out = 10;
	acked(&self->cc, 10);
	EXPECT_EQ(10, self->cc.snd_cwnd);
}

/* ...except in slow start, if more than half of it is. */
TEST_F(reno, half_used_window_grows_in_slow_start)
{
	self->cc.is_cwnd_limited = false;
	self->cc.max_packets_out = 6;
	acked(&self->cc, 6);
	EXPECT_EQ(16, self->cc.snd_cwnd);
}

TEST_F(reno, clamp)
{
	self->cc.snd_cwnd_clamp = 12;
	acked(&self->cc, 10);
	EXPECT_EQ(12, self->cc.snd_cwnd);
	self->cc.snd_ssthresh = 5;
	acked(&self->cc, 100);
	EXPECT_EQ(12, self->cc.snd_cwnd);
}

TEST_F(reno, ssthresh_is_half)
{
	EXPECT_EQ(5, self->cc.ops->ssthresh(&self->cc));
	self->cc.snd_cwnd = 7;
	EXPECT_EQ(3, self->cc.ops->ssthresh(&self->cc));
	self->cc.snd_cwnd = 1;
	EXPECT_EQ(2, self->cc.ops->ssthresh(&self->cc));
}

TEST_F(reno, undo_restores_and_never_shrinks)
{
	self->cc.prior_cwnd = 40;
	EXPECT_EQ(40, self->cc.ops->undo_cwnd(&self->cc));
	self->cc.prior_cwnd = 4;
	EXPECT_EQ(10, self->cc.ops->undo_cwnd(&self->cc));
}

TEST_HARNESS_MAIN
