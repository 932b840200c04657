// SPDX-License-Identifier: GPL-2.0
/*
 * module/input.c: is a timestamp of before, rfc7323#section-5.
 */
#include <kselftest_harness.h>

#define TCP_PAWS_MSL	60
#define time_before32(a, b)	((s32)((u32)(a) - (u32)(b)) < 0)

#include "paws-types.h"

/* s since boot */
static long now;

static long ktime_get_seconds(void)
{
	return now;
}

#include "paws-code.h"

/* A segment with @tsval, @idle seconds after one with 0x80000000. */
static bool rejected(u32 tsval, int idle, bool rst)
{
	struct tcpx_options_received opt = {
		.saw_tstamp = 1, .rcv_tsval = tsval, .ts_recent = 0x80000000,
		.ts_recent_stamp = 5000,
	};

	now = opt.ts_recent_stamp + idle;
	return tcpx_paws_reject(&opt, rst);
}

TEST(older_or_not)
{
	EXPECT_FALSE(rejected(0x80000000, 1, false));
	EXPECT_FALSE(rejected(0x80000001, 1, false));
	EXPECT_TRUE(rejected(0x7fffffff, 1, false));
	EXPECT_TRUE(rejected(1, 1, false));
}

/* Half of what a clock of microseconds can count: 2147 s. */
TEST(after_a_long_pause_the_clock_may_have_wrapped)
{
	EXPECT_TRUE(rejected(0x7ffffffe, 0, false));
	EXPECT_TRUE(rejected(0x7ffffffe, 2146, false));
	EXPECT_FALSE(rejected(0x7ffffffe, 2147, false));
	EXPECT_FALSE(rejected(0x7ffffffe, 2200, false));
	EXPECT_FALSE(rejected(1, 2200, false));
}

TEST(a_reset_holds_after_a_minute)
{
	EXPECT_TRUE(rejected(0x7fffffff, 59, true));
	EXPECT_FALSE(rejected(0x7fffffff, 60, true));
}

/* As some peers' SYN says it. */
TEST(zero_is_no_time)
{
	struct tcpx_options_received opt = {
		.saw_tstamp = 1, .rcv_tsval = 0xf0000000, .ts_recent_stamp = 5000,
	};

	now = 5001;
	EXPECT_FALSE(tcpx_paws_reject(&opt, false));
}

TEST_HARNESS_MAIN
