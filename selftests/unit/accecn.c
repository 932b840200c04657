// SPDX-License-Identifier: GPL-2.0
/*
 * module/accecn.c: what three bits and some counters tell, rfc9768.
 */
#include <kselftest_harness.h>

enum { INET_ECN_NOT_ECT, INET_ECN_ECT_1, INET_ECN_ECT_0, INET_ECN_CE };

#include "accecn-types.h"
#include "accecn-code.h"

#define MSS	1000

/* appendix A.2.1: never less than there were, never more than there can be. */
TEST(without_option_the_guess_is_safe)
{
	u32 delivered, marked, guess;

	for (delivered = 0; delivered < 100; delivered++) {
		for (marked = 0; marked <= delivered; marked++) {
			guess = accecn_marked(marked & 7, delivered, false, 0, MSS);
			EXPECT_GE(guess, marked);
			EXPECT_LE(guess, delivered);
			EXPECT_EQ(marked & 7, guess & 7);
			/* What ACE can tell for itself is exact. */
			if (delivered <= 7)
				EXPECT_EQ(marked, guess);
		}
	}
}

/* appendix A.2.2: the bytes decide where they are clear. */
TEST(option_corrects_the_guess)
{
	u32 delivered, marked, guess, safer;

	for (delivered = 0; delivered < 100; delivered++) {
		for (marked = 0; marked <= delivered; marked++) {
			safer = accecn_marked(marked & 7, delivered, false, 0, MSS);
			guess = accecn_marked(marked & 7, delivered, true, marked * MSS, MSS);
			EXPECT_GE(guess, marked);
			EXPECT_LE(guess, safer);
			if (marked <= 7 && safer > 2 * marked)
				EXPECT_EQ(marked, guess);
		}
	}
}

/* Runts that were marked: their bytes are few, but not so few that it is clear. */
TEST(option_with_small_segments)
{
	EXPECT_EQ(9, accecn_marked(1, 10, true, 9 * MSS * 6 / 10, MSS));
	EXPECT_EQ(1, accecn_marked(1, 10, true, 1, MSS));
	EXPECT_EQ(8, accecn_marked(0, 10, true, 4 * MSS, MSS));
	EXPECT_EQ(0, accecn_marked(0, 10, true, 0, MSS));
}

/* section 3.2.2.3: ECT may become CE and nothing else anything. */
TEST(transitions)
{
	u8 sent, seen;

	for (sent = 0; sent < 4; sent++)
		for (seen = 0; seen < 4; seen++)
			EXPECT_EQ(sent == seen ||
				  ((sent == INET_ECN_ECT_0 || sent == INET_ECN_ECT_1) &&
				   seen != INET_ECN_NOT_ECT),
				  accecn_transition_valid(sent, seen));
}

/* Table 2, there and back; what it does not have says nothing. */
TEST(handshake_encoding)
{
	static const u8 used[8] = { [2] = 1, [3] = 1, [4] = 1, [6] = 1 };
	u8 ecn, ace;

	for (ecn = 0; ecn < 4; ecn++) {
		EXPECT_TRUE(used[accecn_handshake[ecn]]);
		EXPECT_EQ(ecn, accecn_seen_as(accecn_handshake[ecn], (ecn + 1) % 4));
	}
	for (ace = 0; ace < 8; ace++)
		if (!used[ace])
			EXPECT_EQ(INET_ECN_ECT_0, accecn_seen_as(ace, INET_ECN_ECT_0));
}

/* As many counters as there is room for, whole words of options. */
TEST(option_fits)
{
	EXPECT_EQ(3, accecn_fit(40, 0, 0));
	EXPECT_EQ(3, accecn_fit(12, 3, 0));
	EXPECT_EQ(2, accecn_fit(11, 0, 0));
	EXPECT_EQ(2, accecn_fit(8, 2, 0));
	EXPECT_EQ(-1, accecn_fit(8, 3, 0));
	EXPECT_EQ(0, accecn_fit(4, 0, 0));
	EXPECT_EQ(-1, accecn_fit(4, 1, 0));
	EXPECT_EQ(-1, accecn_fit(0, 0, 0));
	/* What exceeds a word may take the place of what pads the next option. */
	EXPECT_EQ(1, accecn_fit(4, 1, 1));
	EXPECT_EQ(0, accecn_fit(0, 0, 2));
	EXPECT_EQ(-1, accecn_fit(0, 0, 1));
}

TEST_HARNESS_MAIN
