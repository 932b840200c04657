// SPDX-License-Identifier: GPL-2.0
/*
 * module/cong_bbr.c on an imagined path: a sender that paces and heeds the window, a
 * bottleneck with a queue, a receiver that acknowledges each segment. The samples are
 * made as module/rate.c makes them.
 */
#include <kselftest_harness.h>

#include "cong.h"

u32 tcpx_cc_random(const struct tcpx_cc *cc, u32 n)
{
	return 3 % n;
}

#define MSS		1000
#define MAX_SEGS	(1 << 16)

/* A segment on its way. */
struct seg {
	u64 sent, acked;		/* us */
	u64 first_tx, delivered_mstamp;
	u32 delivered;
	bool app_limited, lost;
};

/**
 * struct path - a connection and where it runs
 * @now: us
 * @free: us, when the bottleneck is done with what it has
 * @next: us, when the pacer lets the next segment go
 * @rate: segments per second of the bottleneck
 * @rtt: us without a queue
 * @limit: segments the queue holds
 * @loss: every so many segments one is lost, 0: none
 * @demand: segments per second the application writes, 0: no limit
 */
struct path {
	struct tcpx_cc cc;
	struct seg seg[MAX_SEGS];
	u32 head, tail;			/* in flight */
	u64 now, free, next, first_tx, delivered_mstamp;
	u32 rate, rtt, limit, loss, demand;
	u32 sent, recover, losses;
	u32 max_queue, min_cwnd, max_in_flight;
	u8 ca_state;
};

static u32 in_flight(const struct path *p)
{
	return p->head - p->tail;
}

static u32 now32(const struct path *p)
{
	return p->now * HZ / USEC_PER_SEC;
}

static void path_init(struct path *p, u32 rate, u32 rtt)
{
	memset(p, 0, sizeof(*p));
	p->rate = rate;
	p->rtt = rtt;
	p->limit = 100000;
	p->now = 1000000;
	p->next = p->now;
	p->cc.ops = &tcpx_bbr;
	p->cc.snd_cwnd = 10;
	p->cc.snd_cwnd_clamp = ~0U;
	p->cc.srtt_us = rtt << 3;
	p->cc.min_rtt_us = rtt;
	p->cc.mss_cache = MSS;
	p->cc.tcp_mstamp = p->now;
	p->min_cwnd = ~0U;
	p->cc.ops->init(&p->cc);
}

static void path_send(struct path *p)
{
	struct seg *s = &p->seg[p->head++ % MAX_SEGS];
	u32 queue = p->free > p->now ? (p->free - p->now) * p->rate / USEC_PER_SEC : 0;

	if (in_flight(p) == 1) {
		p->first_tx = p->now;
		p->delivered_mstamp = p->now;
	}
	*s = (struct seg) {
		.sent = p->now,
		.first_tx = p->first_tx,
		.delivered_mstamp = p->delivered_mstamp,
		.delivered = p->cc.delivered,
		.app_limited = p->cc.app_limited,
	};
	p->sent++;
	s->lost = queue >= p->limit || (p->loss && p->sent % p->loss == 0);
	if (!s->lost)
		p->free = max(p->free, p->now) + USEC_PER_SEC / p->rate;
	s->acked = max(p->free, p->now) + p->rtt;
	p->max_queue = max(p->max_queue, queue);
	p->max_in_flight = max(p->max_in_flight, in_flight(p));
	p->next = max(p->next, p->now) + (u64)MSS * USEC_PER_SEC / p->cc.pacing_rate;
	if (p->demand) {
		p->next = max(p->next, p->now + USEC_PER_SEC / p->demand);
		p->cc.app_limited = (p->cc.delivered + in_flight(p)) ?: 1;
	}
}

/* The oldest segment is acknowledged, or found lost by the ACK of the next. */
static void path_ack(struct path *p)
{
	struct tcpx_rate_sample rs = { .prior_in_flight = in_flight(p) };
	struct seg *s = &p->seg[p->tail % MAX_SEGS];

	p->now = max(p->now, s->acked);
	p->cc.tcp_mstamp = p->now;
	p->tail++;
	rs.rtt_us = -1;
	if (s->lost) {
		rs.losses = 1;
		p->losses++;
		if (p->ca_state < TCP_CA_Recovery) {
			p->cc.snd_ssthresh = p->cc.ops->ssthresh(&p->cc);
			p->cc.ops->set_state(&p->cc, TCP_CA_Recovery);
			p->ca_state = TCP_CA_Recovery;
			p->recover = p->head;
		}
	} else {
		if (p->ca_state == TCP_CA_Recovery && (s32)(p->tail - p->recover) > 0) {
			p->cc.ops->set_state(&p->cc, TCP_CA_Open);
			p->ca_state = TCP_CA_Open;
		}
		p->cc.delivered++;
		if (p->cc.app_limited && after(p->cc.delivered, p->cc.app_limited))
			p->cc.app_limited = 0;
		p->delivered_mstamp = p->now;
		p->first_tx = s->sent;
		rs.acked_sacked = 1;
		rs.rtt_us = p->now - s->sent;
		rs.prior_delivered = s->delivered;
		rs.prior_mstamp = s->delivered_mstamp;
		rs.is_app_limited = s->app_limited;
		rs.delivered = p->cc.delivered - s->delivered;
		rs.interval_us = max(p->now - s->delivered_mstamp, s->sent - s->first_tx);
	}
	rs.now_us = p->now;
	rs.now32 = now32(p);
	rs.in_flight = in_flight(p);
	rs.ca_state = p->ca_state;
	rs.ahead_us = p->next > p->now ? p->next - p->now : 0;
	p->cc.ops->cong_control(&p->cc, &rs);
	p->min_cwnd = min(p->min_cwnd, p->cc.snd_cwnd);
}

/* Run for so many seconds; the share of the bottleneck that was used, percent. */
static u32 path_run(struct path *p, double seconds)
{
	u64 end = p->now + seconds * USEC_PER_SEC;
	u32 before = p->cc.delivered;

	p->max_queue = 0;
	p->max_in_flight = 0;
	p->min_cwnd = ~0U;
	while (p->now < end) {
		bool may_send = in_flight(p) < p->cc.snd_cwnd;
		u64 ack = in_flight(p) ? p->seg[p->tail % MAX_SEGS].acked : ~0ULL;

		if (may_send && max(p->next, p->now) <= ack) {
			p->now = max(p->next, p->now);
			path_send(p);
		} else {
			path_ack(p);
		}
	}
	return (p->cc.delivered - before) * 100.0 / (p->rate * seconds);
}

static struct tcp_bbr_info info(const struct path *p)
{
	union tcp_cc_info info;

	assert(p->cc.ops->get_info(&p->cc, &info, sizeof(info)) == sizeof(info.bbr));
	return info.bbr;
}

#define EXPECT_BETWEEN(lo, is, hi) do {	\
	EXPECT_GE((is), (lo));		\
	EXPECT_LE((is), (hi));		\
} while (0)

static struct path path;

TEST(begins_at_the_rate_of_the_first_window)
{
	path_init(&path, 1000, 100000);
	/* 2 / ln 2 times ten segments a round trip, less the margin */
	EXPECT_BETWEEN(2 * 100 * MSS, path.cc.pacing_rate, 29 * 10 * MSS);
	EXPECT_EQ(739, info(&path).bbr_pacing_gain);
	EXPECT_EQ(100000, info(&path).bbr_min_rtt);
}

/* Many paths: the pipe is full, the queue is not. */
TEST(fills_the_pipe)
{
	static const struct {
		u32 rate, rtt;
	} paths[] = {
		{ 100, 50000 }, { 1000, 10000 }, { 1000, 100000 }, { 10000, 1000 },
		{ 10000, 40000 }, { 5000, 200000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		u32 bdp = (u64)paths[i].rate * paths[i].rtt / USEC_PER_SEC;

		path_init(&path, paths[i].rate, paths[i].rtt);
		path_run(&path, 4);
		EXPECT_BETWEEN(94, path_run(&path, 4), 101);
		EXPECT_BETWEEN(paths[i].rate * 95 / 100 * MSS, info(&path).bbr_bw_lo,
			       paths[i].rate * 105 / 100 * MSS);
		EXPECT_BETWEEN(paths[i].rtt, info(&path).bbr_min_rtt,
			       paths[i].rtt * 11 / 10 + 10000);
		/* One more product of rate and RTT, and three bursts of a millisecond. */
		EXPECT_LE(path.max_queue, bdp + 3 * max(paths[i].rate / 1000, 2U) + 4);
	}
}

/* STARTUP takes about log2 of the product in round trips, then makes good for it. */
TEST(startup_is_fast_and_drained)
{
	path_init(&path, 10000, 100000);
	path_run(&path, 1.5);
	EXPECT_GE(path_run(&path, 1), 90);
	EXPECT_NE(739, info(&path).bbr_pacing_gain);
	EXPECT_EQ(512, info(&path).bbr_cwnd_gain);
}

TEST(probes_for_bandwidth)
{
	bool faster = false, slower = false;
	int i;

	path_init(&path, 1000, 40000);
	path_run(&path, 2);
	for (i = 0; i < 100; i++) {
		path_run(&path, 0.01);
		faster |= info(&path).bbr_pacing_gain == 320;
		slower |= info(&path).bbr_pacing_gain == 192;
	}
	EXPECT_TRUE(faster);
	EXPECT_TRUE(slower);
}

TEST(finds_more_bandwidth)
{
	path_init(&path, 1000, 20000);
	path_run(&path, 3);
	path.rate = 4000;
	path_run(&path, 4);
	EXPECT_GE(path_run(&path, 1), 90);
}

/* The old maximum is forgotten after ten round trips. */
TEST(gives_bandwidth_up)
{
	path_init(&path, 4000, 20000);
	path_run(&path, 3);
	path.rate = 1000;
	path_run(&path, 3);
	EXPECT_LE(info(&path).bbr_bw_lo, 1050 * MSS);
	EXPECT_GE(path_run(&path, 1), 90);
	EXPECT_LE(path.max_queue, 60);
}

/* Ten seconds without a shorter RTT: four segments for 200 ms, then as before. */
TEST(probes_the_round_trip)
{
	u32 cwnd;

	path_init(&path, 1000, 50000);
	path_run(&path, 5);
	EXPECT_GT(path.min_cwnd, 4);
	cwnd = path.cc.snd_cwnd;
	path_run(&path, 10);
	EXPECT_EQ(4, path.min_cwnd);
	EXPECT_BETWEEN(50000, info(&path).bbr_min_rtt, 52000);
	path_run(&path, 1);
	EXPECT_BETWEEN(cwnd * 8 / 10, path.cc.snd_cwnd, cwnd * 12 / 10);
}

/* So where no queue makes a difference, and all round trips are the same: to see one like the
 * minimum is no reason to put it off.
 */
TEST(probes_a_round_trip_that_never_varies)
{
	path_init(&path, 1000, 50000);
	path.demand = 500;
	path_run(&path, 5);
	EXPECT_GT(path.min_cwnd, 4);
	path_run(&path, 10);
	EXPECT_EQ(4, path.min_cwnd);
}

/* The path became longer: known after the window of the minimum. */
TEST(learns_a_longer_round_trip)
{
	path_init(&path, 1000, 10000);
	path_run(&path, 3);
	path.rtt = 50000;
	path_run(&path, 13);
	EXPECT_BETWEEN(50000, info(&path).bbr_min_rtt, 60000);
	EXPECT_GE(path_run(&path, 3), 90);
}

/* Losses that are none of ours do not slow it down. */
TEST(random_loss)
{
	path_init(&path, 2000, 40000);
	path.loss = 100;
	path_run(&path, 4);
	EXPECT_GE(path_run(&path, 4), 90);
}

/* A queue shorter than the product: lossy, but full, and no collapse. */
TEST(short_queue)
{
	path_init(&path, 2000, 40000);
	path.limit = 16;
	path_run(&path, 4);
	EXPECT_GE(path_run(&path, 4), 85);
}

/* What a lazy application does not send says nothing of the path. */
TEST(application_limit)
{
	path_init(&path, 4000, 20000);
	path_run(&path, 3);
	path.demand = 200;
	path_run(&path, 5);
	EXPECT_GE(info(&path).bbr_bw_lo, 3800 * MSS);
	path.demand = 0;
	EXPECT_GE(path_run(&path, 1), 85);
}

/* After idle the rate is that of the model, not a burst. */
TEST(restart_after_idle)
{
	path_init(&path, 1000, 40000);
	path_run(&path, 3);
	while (in_flight(&path))
		path_ack(&path);
	path.now += 2 * USEC_PER_SEC;
	path.cc.tcp_mstamp = path.now;
	path.cc.app_limited = path.cc.delivered + 1;
	path.cc.ops->cwnd_event(&path.cc, TCPX_CA_EVENT_TX_START, now32(&path));
	EXPECT_BETWEEN(950 * MSS, path.cc.pacing_rate, 1010 * MSS);
}

/* rfc-less, but what Linux does: in a recovery's first round, one out for one in;
 * after it the window of before.
 */
TEST(recovery)
{
	struct tcpx_rate_sample rs = { .prior_in_flight = 80 };
	u32 cwnd;

	path_init(&path, 1000, 40000);
	path_run(&path, 3);
	cwnd = path.cc.snd_cwnd;
	path.cc.ops->ssthresh(&path.cc);
	path.cc.ops->set_state(&path.cc, TCP_CA_Recovery);
	rs.now_us = path.now;
	rs.now32 = now32(&path);
	rs.rtt_us = -1;
	rs.ca_state = TCP_CA_Recovery;
	rs.in_flight = 30;
	rs.acked_sacked = 2;
	rs.losses = 3;
	path.cc.ops->cong_control(&path.cc, &rs);
	EXPECT_EQ(32, path.cc.snd_cwnd);
	rs.losses = 0;
	rs.ca_state = TCP_CA_Open;
	path.cc.ops->cong_control(&path.cc, &rs);
	EXPECT_GE(path.cc.snd_cwnd, cwnd);
	EXPECT_EQ(path.cc.snd_cwnd, path.cc.ops->undo_cwnd(&path.cc));
}

TEST(slow_paths_send_single_segments)
{
	path_init(&path, 20, 100000);
	path_run(&path, 8);
	EXPECT_EQ(1, path.cc.ops->min_tso_segs(&path.cc));
	path_init(&path, 2000, 100000);
	EXPECT_EQ(2, path.cc.ops->min_tso_segs(&path.cc));
}

TEST_HARNESS_MAIN
