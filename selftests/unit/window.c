// SPDX-License-Identifier: GPL-2.0
/*
 * module/rcvbuf.c: memory to window and back, and the window of a SYN.
 */
#include <kselftest_harness.h>

struct net {
	struct {
		int sysctl_tcp_adv_win_scale, sysctl_tcp_workaround_signed_windows;
		int sysctl_tcp_rmem[3];
	} ipv4;
};

struct sock {
	struct net *net;
};

struct tcpx_sock {
	struct sock sk;
	u32 rcv_wnd;
	u8 payload_share;
};

static u32 sysctl_rmem_max = 212992;

#define sock_net(sk)	((sk)->net)
#define tcpx_sk(ptr)	((struct tcpx_sock *)(ptr))

#include "window-code.h"

static struct net net;
static struct tcpx_sock tsk = { .sk.net = &net };
#define sk	tsk.sk

static void knobs(int adv_win_scale)
{
	net.ipv4.sysctl_tcp_adv_win_scale = adv_win_scale;
	net.ipv4.sysctl_tcp_workaround_signed_windows = 0;
	net.ipv4.sysctl_tcp_rmem[2] = 6291456;
}

TEST(win_from_space)
{
	knobs(1);
	EXPECT_EQ(65536, tcpx_win_from_space(&sk, 131072));
	EXPECT_EQ(-500, tcpx_win_from_space(&sk, -1000));
	knobs(2);
	EXPECT_EQ(98304, tcpx_win_from_space(&sk, 131072));
	knobs(-2);
	EXPECT_EQ(32768, tcpx_win_from_space(&sk, 131072));
	knobs(0);
	EXPECT_EQ(131072, tcpx_win_from_space(&sk, 131072));
}

/* What was measured is in the place of the guess. */
TEST(win_from_space_measured)
{
	u64 win, back;
	int share;

	knobs(1);
	tsk.payload_share = 240;
	EXPECT_EQ(122880, tcpx_win_from_space(&sk, 131072));
	EXPECT_EQ(-938, tcpx_win_from_space(&sk, -1000));
	EXPECT_EQ(65536, tcpx_guess_win_from_space(&sk, 131072));
	for (share = 1; share < 256; share++) {
		tsk.payload_share = share;
		for (win = 1000; win < 1000000; win += 9973) {
			back = tcpx_win_from_space(&sk, tcpx_space_from_win(&sk, win));
			EXPECT_LE(win - back, 1);
		}
	}
	tsk.payload_share = 0;
}

/* Memory for a window is at least worth that window. */
TEST(space_from_win)
{
	u64 win, back;
	int scale;

	for (scale = -8; scale <= 8; scale++) {
		knobs(scale);
		for (win = 1000; win < 1000000; win += 9973) {
			back = tcpx_win_from_space(&sk, tcpx_space_from_win(&sk, win));
			EXPECT_LE(llabs((s64)(win - back)), 1);
		}
	}
}

struct result {
	u32 wnd, clamp;
	u8 shift;
};

static struct result initial(int space, u32 mss, u32 clamp, bool wscale, u32 init_rcv_wnd)
{
	struct result r = { .clamp = clamp, .shift = 99 };

	tcpx_select_initial_window(&sk, space, mss, &r.wnd, &r.clamp, wscale, &r.shift,
				   init_rcv_wnd);
	return r;
}

TEST(initial_window)
{
	struct result r;

	knobs(1);
	/* Debian's defaults: tcp_rmem[1] 131072 is worth 65536, whole segments, 64 KiB */
	r = initial(65536, 1460, 0, true, 0);
	EXPECT_EQ(65536 / 1460 * 1460, r.wnd);
	EXPECT_EQ(7, r.shift);
	EXPECT_EQ(65535U << 7, r.clamp);
	/* loopback */
	r = initial(65536, 65483, 0, true, 0);
	EXPECT_EQ(65483, r.wnd);
	/* a larger buffer, too, though the SYN cannot say so */
	r = initial(1000000, 1460, 0, true, 0);
	EXPECT_EQ(1000000 / 1460 * 1460, r.wnd);
	net.ipv4.sysctl_tcp_workaround_signed_windows = 1;
	r = initial(1000000, 1460, 0, true, 0);
	EXPECT_EQ(32767, r.wnd);
}

TEST(initial_window_without_scale)
{
	struct result r;

	knobs(1);
	r = initial(1000000, 1460, 0, false, 0);
	EXPECT_EQ(65535, r.wnd);
	EXPECT_EQ(0, r.shift);
	EXPECT_EQ(65535, r.clamp);
	net.ipv4.sysctl_tcp_workaround_signed_windows = 1;
	r = initial(1000000, 1460, 0, false, 0);
	EXPECT_EQ(32767, r.wnd);
}

TEST(initial_window_bounds)
{
	struct result r;

	knobs(1);
	/* the route's initrwnd */
	EXPECT_EQ(14600, initial(65536, 1460, 0, true, 10).wnd);
	/* TCP_WINDOW_CLAMP: no shift is needed for what is never offered */
	r = initial(65536, 1460, 30000, true, 0);
	EXPECT_EQ(30000 / 1460 * 1460, r.wnd);
	EXPECT_EQ(0, r.shift);
	EXPECT_EQ(30000, r.clamp);
	/* nothing, or less */
	EXPECT_EQ(0, initial(0, 1460, 0, true, 0).wnd);
	EXPECT_EQ(0, initial(-1, 1460, 0, true, 0).wnd);
	/* less than a segment is offered as it is */
	EXPECT_EQ(1000, initial(1000, 1460, 0, true, 0).wnd);
}

/* The shift must carry tcp_rmem[2] and rmem_max, and no more than it must. */
TEST(shift_carries_the_largest_buffer)
{
	u64 rmem;
	u8 shift;

	knobs(1);
	for (rmem = 4096; rmem < 1ULL << 30; rmem = rmem * 3 / 2) {
		u64 most = max_t(u64, max_t(u64, rmem, sysctl_rmem_max), 65536);

		net.ipv4.sysctl_tcp_rmem[2] = rmem;
		shift = initial(65536, 1460, 0, true, 0).shift;
		EXPECT_GE(65536ULL << shift, most);
		EXPECT_LT(65536ULL << shift >> 1, most + 1);
	}
	net.ipv4.sysctl_tcp_rmem[2] = INT_MAX;
	EXPECT_EQ(14, initial(65536, 1460, 0, true, 0).shift);
}

/* rfc9293#section-3.8.6.2.2: the window opens by whole segments. */
TEST(round_window)
{
	struct tcpx_sock tp = { .rcv_wnd = 10000 };

	/* a little more: stay */
	EXPECT_EQ(10000, tcpx_round_window(&tp, 10900, 1000, 40000));
	/* a segment more: whole segments */
	EXPECT_EQ(11000, tcpx_round_window(&tp, 11100, 1000, 40000));
	/* less than promised */
	EXPECT_EQ(9000, tcpx_round_window(&tp, 9900, 1000, 40000));
	/* the buffer is one segment: half of it counts */
	EXPECT_EQ(15001, tcpx_round_window(&tp, 15001, 10000, 10000));
	EXPECT_EQ(10000, tcpx_round_window(&tp, 15000, 10000, 10000));
}

TEST_HARNESS_MAIN
