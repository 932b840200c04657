// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: RACK, loss detection by time: what was sent long enough before
 * something that has been delivered is lost. rfc8985#section-6
 */

#include "tcpx.h"

static bool tcpx_rack_sent_after(u64 t1, u64 t2, u32 seq1, u32 seq2)
{
	return t1 > t2 || (t1 == t2 && after(seq1, seq2));
}

/**
 * tcpx_rack_advance() - a segment was delivered: is it the one sent last?
 * @tp: socket
 * @sacked: its marks
 * @end_seq: its end
 * @xmit_time: us, when it was (last) sent
 *
 * rfc8985#section-6.2 step 2. A retransmission acked sooner than a round trip
 * can be is not what was delivered: the original was.
 */
void tcpx_rack_advance(struct tcpx_sock *tp, u8 sacked, u32 end_seq, u64 xmit_time)
{
	u32 rtt_us = tp->tcp_mstamp - xmit_time;

	if (rtt_us < tp->cc.min_rtt_us && (sacked & TCPXCB_RETRANS))
		return;
	tp->rack.advanced = 1;
	tp->rack.rtt_us = rtt_us;
	if (tcpx_rack_sent_after(xmit_time, tp->rack.mstamp, end_seq, tp->rack.end_seq)) {
		tp->rack.mstamp = xmit_time;
		tp->rack.end_seq = end_seq;
	}
}

/* Time to allow for reordering, us: rfc8985#section-6.2 step 4. */
static u32 tcpx_rack_reo_wnd(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->reord_seen) {
		if (tp->ca_state >= TCP_CA_Recovery)
			return 0;
		/* What three duplicate ACKs were: the classic threshold. */
		if (tp->sacked_out >= tp->reordering &&
		    !(READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_recovery) &
		      TCP_RACK_NO_DUPTHRESH))
			return 0;
	}
	if (tp->cc.min_rtt_us == ~0U)
		return tp->cc.srtt_us >> 3;
	return min((tp->cc.min_rtt_us >> 2) * tp->rack.reo_wnd_steps, tp->cc.srtt_us >> 3);
}

/**
 * tcpx_rack_skb_timeout() - how long until an skb counts as lost?
 * @tp: socket
 * @skb: sent before what was delivered last
 * @reo_wnd: microseconds allowed for reordering
 *
 * Return: microseconds, <= 0: it does.
 */
s32 tcpx_rack_skb_timeout(const struct tcpx_sock *tp, const struct sk_buff *skb, u32 reo_wnd)
{
	return tp->rack.rtt_us + reo_wnd - (s32)(tp->tcp_mstamp - tcpx_skb_mstamp(skb));
}

/**
 * tcpx_rack_detect_loss() - hold for lost what was sent long enough before
 *	something delivered
 * @sk: socket, locked
 *
 * rfc8985#section-6.2 step 5
 *
 * Return: microseconds until more may be, 0: nothing to wait for.
 */
u32 tcpx_rack_detect_loss(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 reo_wnd = tcpx_rack_reo_wnd(sk), timeout = 0;
	struct sk_buff *skb, *tmp;

	list_for_each_entry_safe(skb, tmp, &tp->tsorted_sent_queue, tcp_tsorted_anchor) {
		struct tcpx_skb_cb *cb = TCPX_CB(skb);
		s32 remaining;

		if ((cb->sacked & TCPXCB_LOST) && !(cb->sacked & TCPXCB_SACKED_RETRANS))
			continue;
		if (!tcpx_rack_sent_after(tp->rack.mstamp, tcpx_skb_mstamp(skb),
					  tp->rack.end_seq, cb->end_seq))
			break;
		remaining = tcpx_rack_skb_timeout(tp, skb, reo_wnd);
		if (remaining <= 0) {
			tcpx_mark_skb_lost(sk, skb);
			list_del_init(&skb->tcp_tsorted_anchor);
		} else {
			timeout = max_t(u32, timeout, remaining);
		}
	}
	return timeout;
}

/**
 * tcpx_rack_mark_lost() - an ACK came: is something lost?
 * @sk: socket, locked
 *
 * Return: true if the reordering timer was armed.
 */
bool tcpx_rack_mark_lost(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 timeout;

	if (!tp->rack.advanced)
		return false;
	tp->rack.advanced = 0;
	timeout = tcpx_rack_detect_loss(sk);
	/* A retransmission that took long to be acknowledged must not put off the RTO. */
	if (timeout)
		tcpx_reset_xmit_timer(sk, TCPX_TIME_REO_TIMEOUT,
				      min_t(unsigned long, tp->rto,
					    usecs_to_jiffies(timeout + TCP_TIMEOUT_MIN_US)));
	return timeout;
}

/**
 * tcpx_rack_update_reo_wnd() - a D-SACK: we were too impatient
 * @sk: socket, locked
 * @rs: sample of this ACK
 *
 * rfc8985#section-6.2 step 4: once per round trip, for 16 recoveries.
 */
void tcpx_rack_update_reo_wnd(struct sock *sk, const struct tcpx_rate_sample *rs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if ((READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_recovery) & TCP_RACK_STATIC_REO_WND) ||
	    !rs->prior_delivered)
		return;
	if (before(rs->prior_delivered, tp->rack.last_delivered))
		tp->rack.dsack_seen = 0;
	if (tp->rack.dsack_seen) {
		tp->rack.reo_wnd_steps = min(255, tp->rack.reo_wnd_steps + 1);
		tp->rack.dsack_seen = 0;
		tp->rack.last_delivered = tp->cc.delivered;
		tp->rack.reo_wnd_persist = 16;
	} else if (!tp->rack.reo_wnd_persist) {
		tp->rack.reo_wnd_steps = 1;
	}
}
