// SPDX-License-Identifier: GPL-2.0
/*
 * BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00; Cardwell et al., "BBR:
 * Congestion-Based Congestion Control", ACM Queue 14-5). It does not wait for losses but
 * keeps a model of the path: the bottleneck's bandwidth, as the best delivery rate of
 * the last ten round trips, and the round trip without a queue, as the shortest of the
 * last ten seconds. It sends at that rate, and keeps at most some of their product
 * in flight.
 *
 *	STARTUP		twice the rate each round trip, until it brings no more
 *	DRAIN		slower, until the queue that this has made is gone
 *	PROBE_BW	mostly at the rate; now and then a round trip faster, to see
 *			whether there is more, then one slower, to undo the queue
 *	PROBE_RTT	every ten seconds, unless such an RTT came by itself: almost
 *			nothing in flight for 200 ms, to see the path without us
 *
 * Bandwidths are segments per microsecond, shifted; gains are 256ths. What
 * the paper does not have is taken from what Linux does: the allowance for paths that
 * gather ACKs, and room for what TSO and delayed ACKs hold back. Nothing detects
 * policers (draft, section 4.5): their losses are taken as any others'.
 */
#include "cong.h"

#define BW_SHIFT	24
#define GAIN_ONE	256

#define STARTUP_GAIN	739	/* 2 / ln 2 */
#define DRAIN_GAIN	88	/* its reciprocal */
#define CWND_GAIN	(2 * GAIN_ONE)

#define BW_ROUNDS	10	/* length of the bandwidth filter, round trips */
/* Rounds are counted up to here: a multiple of BW_ROUNDS, so that the slots stay in step. */
#define ROUNDS		(U16_MAX - U16_MAX % BW_ROUNDS)
#define CYCLE_LEN	8	/* phases of PROBE_BW */
#define MIN_CWND	4	/* segments: enough for the ACKs of a delaying receiver */
#define MIN_RTT_WINDOW	(10 * HZ)
#define PROBE_RTT_TIME	(HZ / 5)
#define FULL_BW_ROUNDS	3	/* of less growth than a quarter: the pipe is full */
#define INIT_CWND	10
#define PACING_MARGIN	99	/* percent: a little below the estimate, so that queues drain */
#define SLOW_RATE	150000	/* bytes a second: bursts of one segment below */
#define EXTRA_ROUNDS	5	/* length of a slot of the aggregation filter */
#define EXTRA_MAX_US	100000	/* no more aggregation than so long */

enum bbr_mode {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_PROBE_BW,
	BBR_PROBE_RTT,
};

static const u16 bbr_cycle_gain[CYCLE_LEN] = {
	GAIN_ONE * 5 / 4, GAIN_ONE * 3 / 4,
	GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE, GAIN_ONE,
};

/**
 * struct bbr - the private state of a connection
 * @bw: best rate of each of the last rounds, by round modulo BW_ROUNDS
 * @max_bw: maximum of them
 * @min_rtt_us: shortest RTT of its window, ~0U: none yet
 * @min_rtt_stamp: 32-bit jiffies when it was seen
 * @probe_rtt_done: 32-bit jiffies when PROBE_RTT may end, 0: what is in flight is not little yet
 * @round_delivered: the round ends when what is sent beyond this is delivered
 * @cycle_us: when the phase of PROBE_BW began
 * @epoch_us: when the present sampling of aggregation began
 * @epoch_acked: segments acked since
 * @prior_cwnd: window before a recovery or PROBE_RTT
 * @full_bw: bandwidth of the last round that brought more
 * @extra: excess of ACKs over the rate, maximum of the last and the present slot
 * @round: rounds so far, modulo 2^16
 * @bw_round: round of the last sample in @bw
 * @extra_rounds: rounds of the present slot of @extra
 * @pacing_gain: of the present mode
 * @cwnd_gain: of the present mode
 * @mode: enum bbr_mode
 * @cycle: phase of PROBE_BW
 * @ca_state: at the last ACK
 * @full_rounds: rounds that brought nothing
 * @extra_slot: present slot of @extra
 * @round_start: this ACK began a round
 * @idle_restart: sending again after idle
 * @full_reached: STARTUP has found the bandwidth
 * @rtt_dated: min_rtt_stamp is set
 * @rtt_seen: the pacing rate is based on a true RTT
 * @probe_rtt_round: a round trip has passed in PROBE_RTT
 * @conserve: first round of a recovery: one out for one in
 */
struct bbr {
	u32	bw[BW_ROUNDS];
	u32	max_bw;
	u32	min_rtt_us;
	u32	min_rtt_stamp;
	u32	probe_rtt_done;
	u32	round_delivered;
	u32	epoch_acked;
	u64	cycle_us;
	u64	epoch_us;
	u32	prior_cwnd;
	u32	full_bw;
	u16	extra[2];
	u16	round;
	u16	bw_round;
	u16	pacing_gain;
	u16	cwnd_gain;
	u8	extra_rounds;
	u8	mode:2,
		cycle:3,
		ca_state:3;
	u8	full_rounds:2,
		extra_slot:1,
		round_start:1,
		idle_restart:1,
		full_reached:1,
		rtt_seen:1,
		probe_rtt_round:1;
	u8	conserve:1,
		rtt_dated:1;
};

static_assert(sizeof(struct bbr) <= TCPX_CC_PRIV_SIZE);

/* --- the model -------------------------------------------------------------- */

/* Samples leave the filter only as new ones come: what an idle or limited
 * application did not try is still true.
 */
static void bbr_add_bw(struct bbr *ca, u32 bw)
{
	u32 age = min_t(u32, (ca->round + ROUNDS - ca->bw_round) % ROUNDS, BW_ROUNDS);
	int i;

	for (i = 0; i < age; i++)
		ca->bw[(ca->round + ROUNDS - i) % BW_ROUNDS] = 0;
	ca->bw_round = ca->round;
	i = ca->round % BW_ROUNDS;
	ca->bw[i] = max(ca->bw[i], bw);

	ca->max_bw = 0;
	for (i = 0; i < BW_ROUNDS; i++)
		ca->max_bw = max(ca->max_bw, ca->bw[i]);
}

static void bbr_update_round(struct bbr *ca, const struct tcpx_cc *cc,
			     const struct tcpx_rate_sample *rs)
{
	if ((s32)(rs->prior_delivered - ca->round_delivered) < 0)
		return;
	ca->round_delivered = cc->delivered;
	ca->round = ca->round == ROUNDS - 1 ? 0 : ca->round + 1;
	ca->round_start = 1;
	ca->conserve = 0;
}

/* Draft, section 4.1.1: rounds, and the bandwidth they show. */
static void bbr_update_bw(struct bbr *ca, const struct tcpx_cc *cc,
			  const struct tcpx_rate_sample *rs)
{
	u64 bw;

	ca->round_start = 0;
	if (!rs->interval_us || !rs->delivered)
		return;
	bbr_update_round(ca, cc, rs);
	bw = div_u64((u64)rs->delivered << BW_SHIFT, rs->interval_us);
	bw = min_t(u64, bw, U32_MAX);
	if (!rs->is_app_limited || bw >= ca->max_bw)
		bbr_add_bw(ca, bw);
}

/* Bytes per second. */
static u64 bbr_rate(const struct tcpx_cc *cc, u64 bw, u32 gain)
{
	u64 rate = (bw * cc->mss_cache * gain) / GAIN_ONE;

	return (rate * (USEC_PER_SEC / 100 * PACING_MARGIN)) >> BW_SHIFT;
}

/* Segments in one burst: a millisecond of them, as tcpx_tso_segs() has it. */
static u32 bbr_burst(const struct tcpx_cc *cc)
{
	u32 floor = cc->pacing_rate < SLOW_RATE ? 1 : 2;
	u64 bytes = min_t(u64, cc->pacing_rate >> 10, 65536);

	return clamp_t(u32, div_u64(bytes, max(cc->mss_cache, 1U)), floor, 127);
}

/* Bandwidth times round trip, times gain: draft, section 4.2.3.1. */
static u32 bbr_bdp(const struct bbr *ca, u32 bw, u32 gain)
{
	u64 segs;

	if (ca->min_rtt_us == ~0U)
		return INIT_CWND;
	segs = ((u64)bw * ca->min_rtt_us >> 8) * gain / GAIN_ONE;
	return (segs + (1U << (BW_SHIFT - 8)) - 1) >> (BW_SHIFT - 8);
}

/* What must be in flight beyond it for the pipe to be full nevertheless: bursts at
 * the sender, the qdisc and the receiver; and an even number, for an ACK every two.
 */
static u32 bbr_inflight(const struct bbr *ca, const struct tcpx_cc *cc, u32 bw, u32 gain)
{
	u32 segs = bbr_bdp(ca, bw, gain) + 3 * bbr_burst(cc);

	segs = (segs + 1) & ~1U;
	if (ca->mode == BBR_PROBE_BW && !ca->cycle)
		segs += 2;
	return segs;
}

/* Segments that will still be in flight when the next one leaves: what is paced
 * has its departure ahead.
 */
static u32 bbr_inflight_then(const struct bbr *ca, const struct tcpx_cc *cc,
			     const struct tcpx_rate_sample *rs, u32 in_flight)
{
	u32 delivered = (u64)ca->max_bw * rs->ahead_us >> BW_SHIFT;

	if (ca->pacing_gain > GAIN_ONE)
		in_flight += bbr_burst(cc);
	return in_flight > delivered ? in_flight - delivered : 0;
}

/* --- ACKs that come in clusters --------------------------------------------------- */

static void bbr_extra_epoch(struct bbr *ca, u64 now_us)
{
	ca->epoch_us = now_us;
	ca->epoch_acked = 0;
}

/* How many more segments were acked than the rate accounts for. */
static void bbr_update_extra(struct bbr *ca, const struct tcpx_cc *cc,
			     const struct tcpx_rate_sample *rs)
{
	u32 expected, extra;

	if (!rs->acked_sacked || !rs->delivered || !rs->interval_us)
		return;
	if (ca->round_start && ++ca->extra_rounds >= EXTRA_ROUNDS) {
		ca->extra_rounds = 0;
		ca->extra_slot = !ca->extra_slot;
		ca->extra[ca->extra_slot] = 0;
	}
	expected = (u64)ca->max_bw * (rs->now_us - ca->epoch_us) >> BW_SHIFT;
	/* The rate has caught up, or the sum grows too large: begin anew. */
	if (ca->epoch_acked <= expected || ca->epoch_acked > 1U << 20) {
		bbr_extra_epoch(ca, rs->now_us);
		expected = 0;
	}
	ca->epoch_acked += rs->acked_sacked;
	extra = min3(ca->epoch_acked - expected, cc->snd_cwnd, (u32)U16_MAX);
	ca->extra[ca->extra_slot] = max_t(u16, ca->extra[ca->extra_slot], extra);
}

static u32 bbr_extra_cwnd(const struct bbr *ca)
{
	u64 most = (u64)ca->max_bw * EXTRA_MAX_US >> BW_SHIFT;

	if (!ca->full_reached)
		return 0;
	return min_t(u64, max(ca->extra[0], ca->extra[1]), most);
}

/* --- modes ---------------------------------------------------------------------------- */

static void bbr_enter(struct bbr *ca, enum bbr_mode mode, u16 pacing_gain, u16 cwnd_gain)
{
	ca->mode = mode;
	ca->pacing_gain = pacing_gain;
	ca->cwnd_gain = cwnd_gain;
}

static void bbr_enter_startup(struct bbr *ca)
{
	bbr_enter(ca, BBR_STARTUP, STARTUP_GAIN, STARTUP_GAIN);
}

static void bbr_next_phase(struct bbr *ca, u64 now_us)
{
	ca->cycle = (ca->cycle + 1) % CYCLE_LEN;
	ca->cycle_us = now_us;
	ca->pacing_gain = bbr_cycle_gain[ca->cycle];
}

/* Anywhere in the cycle but at the slow phase, so that flows do not move in step. */
static void bbr_enter_probe_bw(struct bbr *ca, const struct tcpx_cc *cc, u64 now_us)
{
	bbr_enter(ca, BBR_PROBE_BW, GAIN_ONE, CWND_GAIN);
	ca->cycle = CYCLE_LEN - 1 - tcpx_cc_random(cc, CYCLE_LEN - 1);
	bbr_next_phase(ca, now_us);
}

/* Draft, section 4.3.4.2: is it time for the next phase? */
static bool bbr_phase_over(const struct bbr *ca, const struct tcpx_cc *cc,
			   const struct tcpx_rate_sample *rs)
{
	bool full_length = rs->now_us - ca->cycle_us > ca->min_rtt_us;
	u32 in_flight;

	if (ca->pacing_gain == GAIN_ONE)
		return full_length;
	in_flight = bbr_inflight_then(ca, cc, rs, rs->prior_in_flight);
	/* Probing needs as much in flight as would show more bandwidth. */
	if (ca->pacing_gain > GAIN_ONE)
		return full_length &&
		       (rs->losses ||
			in_flight >= bbr_inflight(ca, cc, ca->max_bw, ca->pacing_gain));
	return full_length || in_flight <= bbr_inflight(ca, cc, ca->max_bw, GAIN_ONE);
}

/* Draft, section 4.3.2.2: has the bandwidth stopped growing? */
static void bbr_check_full(struct bbr *ca, const struct tcpx_rate_sample *rs)
{
	if (ca->full_reached || !ca->round_start || rs->is_app_limited)
		return;
	if (ca->max_bw >= (u64)ca->full_bw * 5 / 4) {
		ca->full_bw = ca->max_bw;
		ca->full_rounds = 0;
		return;
	}
	ca->full_reached = ++ca->full_rounds >= FULL_BW_ROUNDS;
}

static void bbr_check_drain(struct bbr *ca, struct tcpx_cc *cc,
			    const struct tcpx_rate_sample *rs)
{
	if (ca->mode == BBR_STARTUP && ca->full_reached) {
		bbr_enter(ca, BBR_DRAIN, DRAIN_GAIN, STARTUP_GAIN);
		cc->snd_ssthresh = bbr_inflight(ca, cc, ca->max_bw, GAIN_ONE);
	}
	if (ca->mode == BBR_DRAIN &&
	    bbr_inflight_then(ca, cc, rs, rs->in_flight) <=
	    bbr_inflight(ca, cc, ca->max_bw, GAIN_ONE))
		bbr_enter_probe_bw(ca, cc, rs->now_us);
}

/* --- round trips ------------------------------------------------------------------------ */

static void bbr_save_cwnd(struct bbr *ca, const struct tcpx_cc *cc)
{
	if (ca->ca_state < TCP_CA_Recovery && ca->mode != BBR_PROBE_RTT)
		ca->prior_cwnd = cc->snd_cwnd;
	else
		ca->prior_cwnd = max(ca->prior_cwnd, cc->snd_cwnd);
}

static void bbr_check_probe_rtt_done(struct bbr *ca, struct tcpx_cc *cc, u64 now_us, u32 now32)
{
	if (!ca->probe_rtt_done || (s32)(now32 - ca->probe_rtt_done) <= 0)
		return;
	ca->min_rtt_stamp = now32;
	cc->snd_cwnd = max(cc->snd_cwnd, ca->prior_cwnd);
	if (ca->full_reached)
		bbr_enter_probe_bw(ca, cc, now_us);
	else
		bbr_enter_startup(ca);
}

/* Draft, section 4.3.5: at least 200 ms and a round trip with next to nothing in flight. */
static void bbr_probe_rtt(struct bbr *ca, struct tcpx_cc *cc, const struct tcpx_rate_sample *rs)
{
	/* It is us who limit it, not the path. */
	cc->app_limited = (cc->delivered + rs->in_flight) ? : 1;
	if (!ca->probe_rtt_done) {
		if (rs->in_flight > MIN_CWND)
			return;
		ca->probe_rtt_done = (rs->now32 + PROBE_RTT_TIME) ? : 1;
		ca->probe_rtt_round = 0;
		ca->round_delivered = cc->delivered;
		return;
	}
	if (ca->round_start)
		ca->probe_rtt_round = 1;
	if (ca->probe_rtt_round)
		bbr_check_probe_rtt_done(ca, cc, rs->now_us, rs->now32);
}

/* Draft, section 4.1.2 */
static void bbr_update_min_rtt(struct bbr *ca, struct tcpx_cc *cc,
			       const struct tcpx_rate_sample *rs)
{
	bool expired;

	if (unlikely(!ca->rtt_dated)) {
		ca->rtt_dated = 1;
		ca->min_rtt_stamp = rs->now32;
	}
	expired = (s32)(rs->now32 - ca->min_rtt_stamp - MIN_RTT_WINDOW) > 0;
	if (rs->rtt_us >= 0 && ((u32)rs->rtt_us < ca->min_rtt_us ||
				(expired && !rs->is_ack_delayed))) {
		ca->min_rtt_us = rs->rtt_us;
		ca->min_rtt_stamp = rs->now32;
	}
	if (expired && !ca->idle_restart && ca->mode != BBR_PROBE_RTT) {
		/* In this order: a larger window, not yet regained after a loss, is kept. */
		bbr_enter(ca, BBR_PROBE_RTT, GAIN_ONE, GAIN_ONE);
		bbr_save_cwnd(ca, cc);
		ca->probe_rtt_done = 0;
	}
	if (ca->mode == BBR_PROBE_RTT)
		bbr_probe_rtt(ca, cc, rs);
	if (rs->delivered)
		ca->idle_restart = 0;
}

/* --- the two knobs: rate and window ---------------------------------------------------- */

/* The first rate: of the initial window, at the RTT of the handshake. */
static void bbr_init_pacing_rate(struct bbr *ca, struct tcpx_cc *cc)
{
	u32 rtt_us = USEC_PER_MSEC;

	if (cc->srtt_us) {
		rtt_us = max(cc->srtt_us >> 3, 1U);
		ca->rtt_seen = 1;
	}
	cc->pacing_rate = bbr_rate(cc, div_u64((u64)cc->snd_cwnd << BW_SHIFT, rtt_us),
				   STARTUP_GAIN);
}

/* Not slower before the bandwidth is known: few samples say little. */
static void bbr_set_pacing_rate(struct bbr *ca, struct tcpx_cc *cc)
{
	u64 rate = bbr_rate(cc, ca->max_bw, ca->pacing_gain);

	if (unlikely(!ca->rtt_seen && cc->srtt_us))
		bbr_init_pacing_rate(ca, cc);
	if (ca->full_reached || rate > cc->pacing_rate)
		cc->pacing_rate = rate;
}

/* Draft, section 4.2.3.4: in a recovery's first round packets are conserved; after it
 * the window is what it was. True: the window is decided.
 */
static bool bbr_recover(struct bbr *ca, const struct tcpx_cc *cc,
			const struct tcpx_rate_sample *rs, u32 *cwnd)
{
	u8 prev = ca->ca_state;

	*cwnd = cc->snd_cwnd;
	if (rs->losses)
		*cwnd = *cwnd > rs->losses ? *cwnd - rs->losses : 1;
	if (rs->ca_state == TCP_CA_Recovery && prev != TCP_CA_Recovery) {
		ca->conserve = 1;
		ca->round_delivered = cc->delivered;
		*cwnd = rs->in_flight + rs->acked_sacked;
	} else if (prev >= TCP_CA_Recovery && rs->ca_state < TCP_CA_Recovery) {
		*cwnd = max(*cwnd, ca->prior_cwnd);
		ca->conserve = 0;
	}
	ca->ca_state = rs->ca_state;
	if (!ca->conserve)
		return false;
	*cwnd = max(*cwnd, rs->in_flight + rs->acked_sacked);
	return true;
}

static void bbr_set_cwnd(struct bbr *ca, struct tcpx_cc *cc, const struct tcpx_rate_sample *rs)
{
	u32 cwnd = cc->snd_cwnd, target;

	if (rs->acked_sacked && !bbr_recover(ca, cc, rs, &cwnd)) {
		target = bbr_inflight(ca, cc, ca->max_bw, ca->cwnd_gain) + bbr_extra_cwnd(ca);
		if (ca->full_reached)
			cwnd = min(cwnd + rs->acked_sacked, target);
		else if (cwnd < target || cc->delivered < INIT_CWND)
			cwnd += rs->acked_sacked;
		cwnd = max_t(u32, cwnd, MIN_CWND);
	}
	cc->snd_cwnd = min(cwnd, cc->snd_cwnd_clamp);
	if (ca->mode == BBR_PROBE_RTT)
		cc->snd_cwnd = min_t(u32, cc->snd_cwnd, MIN_CWND);
}

/* --- what the engine calls --------------------------------------------------------------- */

static void bbr_cong_control(struct tcpx_cc *cc, const struct tcpx_rate_sample *rs)
{
	struct bbr *ca = tcpx_cc_priv(cc);

	bbr_update_bw(ca, cc, rs);
	bbr_update_extra(ca, cc, rs);
	if (ca->mode == BBR_PROBE_BW && bbr_phase_over(ca, cc, rs))
		bbr_next_phase(ca, rs->now_us);
	bbr_check_full(ca, rs);
	bbr_check_drain(ca, cc, rs);
	bbr_update_min_rtt(ca, cc, rs);
	bbr_set_pacing_rate(ca, cc);
	bbr_set_cwnd(ca, cc, rs);
}

static void tcpx_bbr_init(struct tcpx_cc *cc)
{
	struct bbr *ca = tcpx_cc_priv(cc);

	memset(ca, 0, sizeof(*ca));
	ca->min_rtt_us = cc->min_rtt_us;
	ca->epoch_us = cc->tcp_mstamp;
	ca->round_delivered = cc->delivered;
	cc->snd_ssthresh = TCP_INFINITE_SSTHRESH;
	bbr_init_pacing_rate(ca, cc);
	bbr_enter_startup(ca);
}

/* A loss does not tell the rate. But the window of before must be kept. */
static u32 tcpx_bbr_ssthresh(struct tcpx_cc *cc)
{
	bbr_save_cwnd(tcpx_cc_priv(cc), cc);
	return cc->snd_ssthresh;
}

/* It was none: nor was it a sign that the pipe is full. */
static u32 tcpx_bbr_undo_cwnd(struct tcpx_cc *cc)
{
	struct bbr *ca = tcpx_cc_priv(cc);

	ca->full_bw = 0;
	ca->full_rounds = 0;
	return cc->snd_cwnd;
}

/* An RTO: what was known of the path may be gone. */
static void tcpx_bbr_set_state(struct tcpx_cc *cc, u8 new_state)
{
	struct bbr *ca = tcpx_cc_priv(cc);

	if (new_state != TCP_CA_Loss)
		return;
	ca->ca_state = TCP_CA_Loss;
	ca->full_bw = 0;
	ca->round_start = 1;
}

/* Draft, section 4.3.4.4: after idle, send at the rate, not in a burst. */
static void tcpx_bbr_cwnd_event(struct tcpx_cc *cc, enum tcpx_ca_event ev, u32 now32)
{
	struct bbr *ca = tcpx_cc_priv(cc);

	if (ev != TCPX_CA_EVENT_TX_START || !cc->app_limited)
		return;
	ca->idle_restart = 1;
	bbr_extra_epoch(ca, cc->tcp_mstamp);
	if (ca->mode == BBR_PROBE_BW)
		cc->pacing_rate = bbr_rate(cc, ca->max_bw, GAIN_ONE);
	else if (ca->mode == BBR_PROBE_RTT)
		bbr_check_probe_rtt_done(ca, cc, cc->tcp_mstamp, now32);
}

static u32 tcpx_bbr_min_tso_segs(const struct tcpx_cc *cc)
{
	return cc->pacing_rate < SLOW_RATE ? 1 : 2;
}

static size_t bbr_get_info(const struct tcpx_cc *cc, void *buf, size_t len)
{
	const struct bbr *ca = (const struct bbr *)cc->priv;
	struct tcp_bbr_info *info = buf;
	u64 bw = ((u64)ca->max_bw * cc->mss_cache * USEC_PER_SEC) >> BW_SHIFT;

	if (len < sizeof(*info))
		return 0;
	*info = (struct tcp_bbr_info) {
		.bbr_bw_lo	 = (u32)bw,
		.bbr_bw_hi	 = bw >> 32,
		.bbr_min_rtt	 = ca->min_rtt_us,
		.bbr_pacing_gain = ca->pacing_gain,
		.bbr_cwnd_gain	 = ca->cwnd_gain,
	};
	return sizeof(*info);
}

/* Those that kernel TCP has as kfuncs must not have their names: its module would not load. */
struct tcpx_congestion_ops tcpx_bbr = {
	.init		= tcpx_bbr_init,
	.cong_control	= bbr_cong_control,
	.ssthresh	= tcpx_bbr_ssthresh,
	.undo_cwnd	= tcpx_bbr_undo_cwnd,
	.set_state	= tcpx_bbr_set_state,
	.cwnd_event	= tcpx_bbr_cwnd_event,
	.min_tso_segs	= tcpx_bbr_min_tso_segs,
	.sndbuf_windows	= 3,
	.get_info	= bbr_get_info,
	.diag_attr	= INET_DIAG_BBRINFO,
	.name		= "bbr",
	.owner		= THIS_MODULE,
	.flags		= TCPX_CONG_NON_RESTRICTED | TCPX_CONG_NEEDS_PACING,
};
