// SPDX-License-Identifier: GPL-2.0
/*
 * CUBIC (rfc9438): in congestion avoidance the window follows a cubic function
 * of the time since the last reduction, flat around the size at which the loss
 * came. HyStart ends slow start before it overruns the path: when the ACKs of
 * a round trip spread over half of it, or when the round trips grow longer.
 *
 * Windows are segments. Times are milliseconds where the cubic function is
 * concerned, microseconds where HyStart is.
 */
#include "cong.h"

/* beta_cubic = 0.7, rfc9438#section-4.6, in 1024ths as the rest of it */
#define CUBIC_BETA		717
#define CUBIC_BETA_SCALE	1024

/* alpha_cubic = 3 * (1 - beta) / (1 + beta) = 9/17, rfc9438#section-4.3 */
#define CUBIC_ALPHA_NUM		9
#define CUBIC_ALPHA_DEN		17

/* Beyond some 17 minutes the curve is taken as if it were then: its cube fits. */
#define CUBIC_MAX_OFFSET	0x100000U
#define CUBIC_UPDATE_INTERVAL	(HZ / 32)	/* of the step while the window stays */

#define HYSTART_LOW_WINDOW	16	/* segments, no verdict on less */
#define HYSTART_MIN_SAMPLES	8	/* RTTs before a round's minimum counts */
#define HYSTART_ACK_GAP_US	2000	/* ACKs closer than this are one train */
#define HYSTART_DELAY_MIN_US	4000	/* bounds of the tolerated growth of */
#define HYSTART_DELAY_MAX_US	16000	/* the RTT, which is an eighth of it */
#define HYSTART_BURST		65536	/* bytes, one TSO skb */

/**
 * struct cubic_epoch - the curve of the current congestion avoidance
 * @w_max: window at the last reduction, 0: none yet
 * @origin: window at the curve's plateau
 * @k: milliseconds from the epoch's start to the plateau
 * @start: jiffies of the epoch's start
 * @w_est: window that Reno would have by now (rfc9438#section-4.3)
 * @est_cnt: segments acked towards its next step
 * @started: all but the first are valid
 */
struct cubic_epoch {
	u32	w_max;
	u32	origin;
	u32	k;
	u32	start;
	u32	w_est;
	u32	est_cnt;
	bool	started;
};

/**
 * struct cubic - the private state of a connection
 * @epoch: now
 * @undo: @epoch before the last reduction
 * @cwnd_prior: window when ssthresh was last set, 0: never; outlives an RTO
 * @cnt: segments to be acked for one more segment of window
 * @cnt_time: jiffies when @cnt was computed
 * @cnt_cwnd: window that it was computed for
 * @min_rtt_us: smallest RTT of the connection, 0: none yet
 * @round_start_us: HyStart: when the current round trip began
 * @last_ack_us: last ACK that belonged to its train
 * @round_min_us: smallest RTT in it
 * @round_end: it ends when this sequence number is acked
 * @samples: RTTs in it
 * @in_round: the five above are valid
 * @found: slow start has been ended
 */
struct cubic {
	struct cubic_epoch epoch;
	struct cubic_epoch undo;
	u32	cwnd_prior;
	u32	cnt;
	u32	cnt_time;
	u32	cnt_cwnd;
	u32	min_rtt_us;
	u32	round_start_us;
	u32	last_ack_us;
	u32	round_min_us;
	u32	round_end;
	u8	samples;
	bool	in_round;
	bool	found;
};

static_assert(sizeof(struct cubic) <= TCPX_CC_PRIV_SIZE);

/* Integer part of the cube root, a binary digit at a time. */
static u32 cubic_root(u64 x)
{
	u64 root = 0, step;
	int shift;

	for (shift = 63; shift >= 0; shift -= 3) {
		root <<= 1;
		step = 3 * root * (root + 1) + 1;	/* (root + 1)^3 - root^3 */
		if (x >> shift >= step) {
			x -= step << shift;
			root++;
		}
	}
	return root;
}

/* C * (offset in seconds)^3 with C = 0.4, in segments. */
static u32 cubic_curve(u32 offset_ms)
{
	u64 t = min(offset_ms, CUBIC_MAX_OFFSET);

	return div64_u64(t * t * t, 2500000000ULL);
}

static void cubic_epoch_begin(struct cubic *ca, u32 cwnd, u32 acked, u32 now32)
{
	struct cubic_epoch *e = &ca->epoch;

	e->started = true;
	e->start = now32;
	e->k = 0;
	e->origin = cwnd;
	if (e->w_max > cwnd) {
		/* K = cbrt((W_max - cwnd) / C), rfc9438#section-4.2 */
		e->k = cubic_root((e->w_max - cwnd) * 2500000000ULL);
		e->origin = e->w_max;
	}
	ca->epoch.w_est = cwnd;
	ca->epoch.est_cnt = acked;
}

/* Where the curve will be one round trip from now, rfc9438#section-4.2. */
static u32 cubic_target(const struct cubic *ca, u32 now32)
{
	const struct cubic_epoch *e = &ca->epoch;
	u32 t = jiffies_to_msecs(now32 - e->start) + ca->min_rtt_us / 1000;
	u32 delta;

	if (t >= e->k)
		return e->origin + cubic_curve(t - e->k);
	delta = cubic_curve(e->k - t);
	return e->origin > delta ? e->origin - delta : 0;
}

/* Acked segments per step of the window that the curve asks for. */
static u32 cubic_count(const struct cubic *ca, u32 cwnd, u32 now32)
{
	u32 target = cubic_target(ca, now32);
	u32 cnt = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;

	/* Nothing is known of the path yet: don't dwell on the plateau. */
	if (!ca->epoch.w_max)
		cnt = min(cnt, 20U);
	return cnt;
}

/* The Reno-friendly region, rfc9438#section-4.3: not slower than Reno. */
static u32 cubic_friendly(struct cubic *ca, u32 cwnd, u32 cnt)
{
	u32 step = cwnd;

	/* Slower than Reno until the window of the last loss: alpha, then 1. */
	if (ca->epoch.w_est < ca->cwnd_prior)
		step = cwnd * CUBIC_ALPHA_DEN / CUBIC_ALPHA_NUM;
	if (ca->epoch.est_cnt > step) {
		ca->epoch.w_est += (ca->epoch.est_cnt - 1) / step;
		ca->epoch.est_cnt = (ca->epoch.est_cnt - 1) % step + 1;
	}
	if (ca->epoch.w_est > cwnd)
		cnt = min(cnt, cwnd / (ca->epoch.w_est - cwnd));
	return cnt;
}

static void cubic_update(struct cubic *ca, u32 cwnd, u32 acked, u32 now32)
{
	ca->epoch.est_cnt += acked;
	/* In so short a time neither curve gets far: as kernel TCP, look again later, even if
	 * windows were lost and won again meanwhile. Where some dozen round trips fit into a
	 * tick a window of two would else stay so: each loss begins an epoch on its plateau.
	 */
	if (ca->cnt_cwnd == cwnd && now32 - ca->cnt_time <= CUBIC_UPDATE_INTERVAL)
		return;
	/* The curve moves with the clock: once a tick is enough. */
	if (!ca->epoch.started || ca->cnt_time != now32) {
		if (!ca->epoch.started)
			cubic_epoch_begin(ca, cwnd, acked, now32);
		ca->cnt = cubic_count(ca, cwnd, now32);
		ca->cnt_time = now32;
		ca->cnt_cwnd = cwnd;
	}
	/* At most half as much again a round trip, rfc9438#section-4.2. */
	ca->cnt = max(cubic_friendly(ca, cwnd, ca->cnt), 2U);
}

static void cubic_cong_avoid(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32)
{
	struct cubic *ca = tcpx_cc_priv(cc);

	if (!tcpx_is_cwnd_limited(cc))
		return;
	if (tcpx_in_slow_start(cc)) {
		acked = tcpx_slow_start(cc, acked);
		if (!acked)
			return;
	}
	cubic_update(ca, cc->snd_cwnd, acked, now32);
	tcpx_cong_avoid_ai(cc, ca->cnt, acked);
}

static u32 cubic_scale(u32 cwnd, u32 num, u32 den)
{
	return div_u64((u64)cwnd * num, den);
}

static u32 cubic_ssthresh(struct tcpx_cc *cc)
{
	struct cubic *ca = tcpx_cc_priv(cc);
	u32 cwnd = cc->snd_cwnd;

	ca->undo = ca->epoch;
	ca->epoch.started = false;
	ca->cwnd_prior = cwnd;
	/* Fast convergence, rfc9438#section-4.7: leave room for newcomers. */
	if (cwnd < ca->epoch.w_max)
		ca->epoch.w_max = cubic_scale(cwnd, CUBIC_BETA_SCALE + CUBIC_BETA,
					      2 * CUBIC_BETA_SCALE);
	else
		ca->epoch.w_max = cwnd;
	return max(cubic_scale(cwnd, CUBIC_BETA, CUBIC_BETA_SCALE), 2U);
}

/* The loss was none, rfc9438#section-4.9: back onto the curve. */
static u32 cubic_undo_cwnd(struct tcpx_cc *cc)
{
	struct cubic *ca = tcpx_cc_priv(cc);

	ca->epoch = ca->undo;
	return tcpx_reno_undo_cwnd(cc);
}

/* After an RTO the path may be another: begin anew, rfc9438#section-4.8. */
static void cubic_set_state(struct tcpx_cc *cc, u8 new_state)
{
	struct cubic *ca = tcpx_cc_priv(cc);
	struct cubic_epoch undo = ca->undo;
	u32 cwnd_prior = ca->cwnd_prior;

	if (new_state != TCP_CA_Loss)
		return;
	memset(ca, 0, sizeof(*ca));
	ca->undo = undo;
	ca->cwnd_prior = cwnd_prior;
}

/* Idle time is no time on the curve, rfc9438#section-5.8. */
static void cubic_cwnd_event(struct tcpx_cc *cc, enum tcpx_ca_event ev, u32 now32)
{
	struct cubic *ca = tcpx_cc_priv(cc);
	s32 idle = now32 - cc->lsndtime;

	if (ev != TCPX_CA_EVENT_TX_START || !ca->epoch.started || idle <= 0)
		return;
	ca->epoch.start += idle;
	if ((s32)(ca->epoch.start - now32) > 0)
		ca->epoch.start = now32;
}

static void hystart_round_begin(struct cubic *ca, const struct tcpx_cc *cc, u32 now_us)
{
	ca->in_round = true;
	ca->round_start_us = now_us;
	ca->last_ack_us = now_us;
	ca->round_end = cc->snd_nxt;
	ca->round_min_us = ~0U;
	ca->samples = 0;
}

/* How much longer TSO and GRO may make a train than the path does. */
static u32 hystart_burst_us(const struct tcpx_cc *cc)
{
	if (!cc->pacing_rate || cc->pacing_rate == ~0UL)
		return 0;
	return min_t(u64, USEC_PER_MSEC,
		     div64_u64(4ULL * HYSTART_BURST * USEC_PER_SEC, cc->pacing_rate));
}

/* Do the ACKs of this round trip already fill half of it? */
static bool hystart_train(struct cubic *ca, const struct tcpx_cc *cc, u32 now_us)
{
	u32 limit = ca->min_rtt_us + hystart_burst_us(cc);

	if (now_us - ca->last_ack_us > HYSTART_ACK_GAP_US)
		return false;
	ca->last_ack_us = now_us;
	/* A pacer spreads the segments itself, over up to half a round trip. */
	if (!tcpx_cc_paced(cc))
		limit /= 2;
	return now_us - ca->round_start_us > limit;
}

/* Is this round trip longer than the shortest known by more than an eighth? */
static bool hystart_delay(struct cubic *ca, u32 rtt_us)
{
	u32 slack = clamp(ca->min_rtt_us / 8, (u32)HYSTART_DELAY_MIN_US,
			  (u32)HYSTART_DELAY_MAX_US);

	ca->round_min_us = min(ca->round_min_us, rtt_us);
	if (ca->samples < HYSTART_MIN_SAMPLES) {
		ca->samples++;
		return false;
	}
	return ca->round_min_us > ca->min_rtt_us + slack;
}

static void hystart_found(struct tcpx_cc *cc, int detected, int cwnd)
{
	struct cubic *ca = tcpx_cc_priv(cc);

	ca->found = true;
	cc->snd_ssthresh = cc->snd_cwnd;
	tcpx_cc_count(cc, detected, 1);
	tcpx_cc_count(cc, cwnd, cc->snd_cwnd);
}

static void hystart_update(struct tcpx_cc *cc, u32 rtt_us, u32 now_us)
{
	struct cubic *ca = tcpx_cc_priv(cc);

	if (!ca->in_round || (s32)(cc->snd_una - ca->round_end) > 0)
		hystart_round_begin(ca, cc, now_us);
	if (cc->snd_cwnd < HYSTART_LOW_WINDOW)
		return;
	if (hystart_train(ca, cc, now_us))
		hystart_found(cc, LINUX_MIB_TCPHYSTARTTRAINDETECT,
			      LINUX_MIB_TCPHYSTARTTRAINCWND);
	else if (hystart_delay(ca, rtt_us))
		hystart_found(cc, LINUX_MIB_TCPHYSTARTDELAYDETECT,
			      LINUX_MIB_TCPHYSTARTDELAYCWND);
}

static void cubic_pkts_acked(struct tcpx_cc *cc, const struct tcpx_ack_sample *s)
{
	struct cubic *ca = tcpx_cc_priv(cc);
	u32 rtt_us;

	if (s->rtt_us < 0)
		return;
	/* Right after a recovery the RTTs are those of the queue it left. */
	if (ca->epoch.started && (s32)(s->now32 - ca->epoch.start) < HZ)
		return;
	rtt_us = max(s->rtt_us, 1);
	if (!ca->min_rtt_us || rtt_us < ca->min_rtt_us)
		ca->min_rtt_us = rtt_us;
	if (!ca->found && tcpx_in_slow_start(cc))
		hystart_update(cc, rtt_us, (u32)s->now_us);
}

static void cubic_init(struct tcpx_cc *cc)
{
	memset(tcpx_cc_priv(cc), 0, sizeof(struct cubic));
}

struct tcpx_congestion_ops tcpx_cubic = {
	.init		= cubic_init,
	.ssthresh	= cubic_ssthresh,
	.cong_avoid	= cubic_cong_avoid,
	.set_state	= cubic_set_state,
	.cwnd_event	= cubic_cwnd_event,
	.pkts_acked	= cubic_pkts_acked,
	.undo_cwnd	= cubic_undo_cwnd,
	.name		= "cubic",
	.owner		= THIS_MODULE,
	.flags		= TCPX_CONG_NON_RESTRICTED,
};
