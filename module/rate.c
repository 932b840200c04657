// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: delivery rate samples (draft-cheng-iccrg-delivery-rate-estimation).
 *
 * Each sent skb remembers how much had been delivered when it left; when it is
 * (S)ACKed, what was delivered since, over the time it took, is the rate.
 */

#include "tcpx.h"

/**
 * tcpx_rate_skb_sent() - note in a sent skb the state of delivery
 * @sk: socket, locked
 * @skb: the skb that stays in the retransmit queue
 */
void tcpx_rate_skb_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);

	/* Nothing in flight: the sending phase starts here, not with the
	 * last ACK, which would make the rate look low.
	 */
	if (!tp->packets_out) {
		u32 now = div_u64(skb->tstamp, NSEC_PER_USEC);

		tp->first_tx_mstamp = now;
		tp->delivered_mstamp = now;
	}
	cb->tx.first_tx_mstamp = tp->first_tx_mstamp;
	cb->tx.delivered_mstamp = tp->delivered_mstamp;
	cb->tx.delivered = tp->cc.delivered;
	cb->tx.delivered_ce = tp->cc.delivered_ce;
	cb->is_app_limited = tp->cc.app_limited ? 1 : 0;
}

/**
 * tcpx_rate_skb_delivered() - an skb was (S)ACKed: it may be the sample
 * @sk: socket, locked
 * @skb: skb
 * @rs: the ACK's sample; the skb sent last wins
 */
void tcpx_rate_skb_delivered(struct sock *sk, struct sk_buff *skb, struct tcpx_rate_sample *rs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	u32 sent;

	if (!cb->tx.delivered_mstamp)
		return;
	sent = div_u64(skb->tstamp, NSEC_PER_USEC);
	if (!rs->prior_delivered || after(sent, tp->first_tx_mstamp) ||
	    (sent == tp->first_tx_mstamp && after(cb->end_seq, rs->last_end_seq))) {
		rs->prior_delivered = cb->tx.delivered;
		rs->prior_delivered_ce = cb->tx.delivered_ce;
		rs->prior_mstamp = cb->tx.delivered_mstamp;
		rs->is_app_limited = cb->is_app_limited;
		rs->is_retrans = cb->sacked & TCPXCB_RETRANS;
		rs->send_us = sent - cb->tx.first_tx_mstamp;
		rs->last_end_seq = cb->end_seq;
		tp->first_tx_mstamp = sent;
	}
	/* A SACKed skb is seen again when it is acked: count it once. */
	if (cb->sacked & TCPXCB_SACKED_ACKED)
		cb->tx.delivered_mstamp = 0;
}

/**
 * tcpx_rate_gen() - the ACK is processed: what rate does it show?
 * @sk: socket, locked
 * @delivered: segments it delivered
 * @lost: segments held for lost with it
 * @reneg: the peer had taken back SACKs: what it delivers now was counted before
 * @rs: sample
 *
 * The best recent rate is kept for TCP_INFO.
 */
void tcpx_rate_gen(struct sock *sk, u32 delivered, u32 lost, bool reneg,
		   struct tcpx_rate_sample *rs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 ack_us, interval;

	if (tp->cc.app_limited && after(tp->cc.delivered, tp->cc.app_limited))
		tp->cc.app_limited = 0;
	if (delivered)
		tp->delivered_mstamp = tp->tcp_mstamp;
	rs->acked_sacked = delivered;
	rs->losses = lost;
	if (!rs->prior_mstamp || reneg)
		return;

	/* ACKs may come in a burst, sending may have: the slower is true. */
	ack_us = (u32)tp->tcp_mstamp - rs->prior_mstamp;
	interval = max(rs->send_us, ack_us);
	rs->delivered = tp->cc.delivered - rs->prior_delivered;
	rs->delivered_ce = tp->cc.delivered_ce - rs->prior_delivered_ce;
	/* Shorter than a round trip can be: some segment was acked that was lost. */
	if (!interval || interval < tp->cc.min_rtt_us)
		return;
	rs->interval_us = interval;
	if (!rs->is_app_limited ||
	    (u64)rs->delivered * tp->rate_interval_us >= (u64)tp->rate_delivered * interval) {
		tp->rate_delivered = rs->delivered;
		tp->rate_interval_us = interval;
		tp->rate_app_limited = rs->is_app_limited;
	}
}

/**
 * tcpx_rate_check_app_limited() - the user writes: was it the bottleneck?
 * @sk: socket, locked
 */
void tcpx_rate_check_app_limited(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->write_seq - tp->snd_nxt < tp->mss_cache &&
	    sk_wmem_alloc_get(sk) < SKB_TRUESIZE(1) &&
	    tcpx_packets_in_flight(tp) < tp->cc.snd_cwnd &&
	    tp->lost_out <= tp->retrans_out)
		tp->cc.app_limited = (tp->cc.delivered + tcpx_packets_in_flight(tp)) ? : 1;
}
