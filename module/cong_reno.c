// SPDX-License-Identifier: GPL-2.0
/*
 * Slow start and congestion avoidance of rfc5681, with appropriate byte
 * counting by whole segments (rfc3465): the algorithm "reno", and the pieces
 * that other algorithms are made of.
 */
#include "cong.h"

/**
 * tcpx_slow_start() - one segment more for every segment acked, up to ssthresh
 * @cc: connection in slow start
 * @acked: segments newly acked
 *
 * rfc5681#section-3.1. No limit per ACK: an ACK that the receiver's GRO made of
 * many counts for as many.
 *
 * Return: the part of @acked that was not needed to reach ssthresh.
 */
u32 tcpx_slow_start(struct tcpx_cc *cc, u32 acked)
{
	u32 room = cc->snd_ssthresh - cc->snd_cwnd;
	u32 used = min(acked, room);

	cc->snd_cwnd = min(cc->snd_cwnd + used, cc->snd_cwnd_clamp);
	return acked - used;
}
EXPORT_SYMBOL_GPL(tcpx_slow_start);

/**
 * tcpx_cong_avoid_ai() - one segment more for every @w segments acked
 * @cc: connection
 * @w: acked segments it takes, not 0; cwnd itself makes it reno
 * @acked: segments newly acked
 */
void tcpx_cong_avoid_ai(struct tcpx_cc *cc, u32 w, u32 acked)
{
	u32 cwnd = cc->snd_cwnd;

	/* Credit from the time of a larger w is worth one step, not many. */
	if (cc->snd_cwnd_cnt >= w) {
		cc->snd_cwnd_cnt = 0;
		cwnd++;
	}
	cc->snd_cwnd_cnt += acked;
	cwnd += cc->snd_cwnd_cnt / w;
	cc->snd_cwnd_cnt %= w;
	cc->snd_cwnd = min(cwnd, cc->snd_cwnd_clamp);
}
EXPORT_SYMBOL_GPL(tcpx_cong_avoid_ai);

/**
 * tcpx_reno_cong_avoid() - slow start, then congestion avoidance
 * @cc: connection
 * @ack: ACK number
 * @acked: segments newly acked
 * @now32: 32-bit jiffies
 */
void tcpx_reno_cong_avoid(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32)
{
	if (!tcpx_is_cwnd_limited(cc))
		return;
	if (tcpx_in_slow_start(cc))
		acked = tcpx_slow_start(cc, acked);
	if (acked)
		tcpx_cong_avoid_ai(cc, cc->snd_cwnd, acked);
}
EXPORT_SYMBOL_GPL(tcpx_reno_cong_avoid);

/**
 * tcpx_reno_ssthresh() - half the window, rfc5681#section-3.1 equation 4
 * @cc: connection that lost a segment
 *
 * Return: segments, at least 2.
 */
u32 tcpx_reno_ssthresh(struct tcpx_cc *cc)
{
	return max(cc->snd_cwnd / 2, 2U);
}
EXPORT_SYMBOL_GPL(tcpx_reno_ssthresh);

/**
 * tcpx_reno_undo_cwnd() - the window from before a reduction that was in vain
 * @cc: connection
 *
 * Return: segments; never less than there are now.
 */
u32 tcpx_reno_undo_cwnd(struct tcpx_cc *cc)
{
	return max(cc->snd_cwnd, cc->prior_cwnd);
}
EXPORT_SYMBOL_GPL(tcpx_reno_undo_cwnd);

struct tcpx_congestion_ops tcpx_reno = {
	.ssthresh	= tcpx_reno_ssthresh,
	.cong_avoid	= tcpx_reno_cong_avoid,
	.undo_cwnd	= tcpx_reno_undo_cwnd,
	.name		= "reno",
	.owner		= THIS_MODULE,
	.flags		= TCPX_CONG_NON_RESTRICTED,
};
