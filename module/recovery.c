// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: loss recovery: the SACK scoreboard (rfc2018, rfc2883), RACK-TLP
 * (rfc8985), proportional rate reduction (rfc6937), F-RTO (rfc5682), undo of
 * what turned out needless (rfc4015, rfc3708), and NewReno (rfc6582) for peers
 * without SACK.
 *
 * ca_state says where we are:
 *
 *   Open		nothing unusual
 *   Disorder	duplicate ACKs or SACKs, nothing held for lost yet
 *   CWR		the window is being reduced without a loss (ECN, local drop)
 *   Recovery	a loss was detected by ACKs; fast retransmit
 *   Loss		the RTO fired; everything unacked may be lost
 *
 * Recovery and Loss end when snd_una reaches high_seq, the snd_nxt they began
 * with. Which segments are out, SACKed, lost or retransmitted stands in
 * TCPX_CB(skb)->sacked of the retransmit queue, counted in packets_out,
 * sacked_out, lost_out and retrans_out.
 */

#include "tcpx.h"
#include "trace.h"

static bool tcpx_in_cwnd_reduction(const struct tcpx_sock *tp)
{
	return tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery;
}

static u64 tcpx_skb_mstamp(const struct sk_buff *skb)
{
	return div_u64(skb->tstamp, NSEC_PER_USEC);
}

/**
 * tcpx_set_ca_state() - change ca_state, tell the congestion control
 * @sk: socket, locked
 * @ca_state: enum tcp_ca_state
 */
void tcpx_set_ca_state(struct sock *sk, u8 ca_state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->cc.ops->set_state)
		tp->cc.ops->set_state(&tp->cc, ca_state);
	WRITE_ONCE(tp->ca_state, ca_state);
}

/**
 * tcpx_init_cwnd() - initial window, segments (rfc6928, or the route's)
 * @tp: socket
 * @dst: its route or NULL
 *
 * Return: segments.
 */
u32 tcpx_init_cwnd(const struct tcpx_sock *tp, const struct dst_entry *dst)
{
	u32 cwnd = dst ? dst_metric(dst, RTAX_INITCWND) : 0;

	return min(cwnd ?: TCP_INIT_CWND, tp->cc.snd_cwnd_clamp);
}

/**
 * tcpx_current_ssthresh() - threshold that remembers the present window
 * @tp: socket
 *
 * Return: segments.
 */
u32 tcpx_current_ssthresh(const struct tcpx_sock *tp)
{
	u32 cwnd = tp->cc.snd_cwnd;

	if (tcpx_in_cwnd_reduction(tp))
		return tp->cc.snd_ssthresh;
	return max(tp->cc.snd_ssthresh, (cwnd >> 1) + (cwnd >> 2));
}

/* --- marks ---------------------------------------------------------------- */

/**
 * tcpx_highest_sack_seq() - where the highest SACKed segment ends
 * @tp: socket
 *
 * Return: sequence number; snd_una if nothing is SACKed.
 */
u32 tcpx_highest_sack_seq(const struct tcpx_sock *tp)
{
	if (!tp->sacked_out)
		return tp->snd_una;
	if (!tp->highest_sack)
		return tp->snd_nxt;
	return TCPX_CB(tp->highest_sack)->seq;
}

/**
 * tcpx_rtx_hints_drop() - an skb leaves the retransmit queue
 * @tp: socket
 * @skb: skb
 */
void tcpx_rtx_hints_drop(struct tcpx_sock *tp, struct sk_buff *skb)
{
	if (tp->retransmit_skb_hint == skb)
		tp->retransmit_skb_hint = NULL;
}

/**
 * tcpx_clear_retrans() - nothing is in flight
 * @tp: socket
 */
void tcpx_clear_retrans(struct tcpx_sock *tp)
{
	tp->retrans_out = 0;
	tp->lost_out = 0;
	tp->undo_marker = 0;
	tp->undo_retrans = -1;
	tp->sacked_out = 0;
	tp->retransmit_skb_hint = NULL;
}

/**
 * tcpx_mark_skb_lost() - hold a sent segment for lost
 * @sk: socket, locked
 * @skb: in the retransmit queue; if its retransmission was out, that one is
 *	 lost as well
 */
void tcpx_mark_skb_lost(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	int pcount = tcpx_skb_pcount(skb);

	if (cb->sacked & TCPXCB_SACKED_ACKED)
		return;
	if (!tp->retransmit_skb_hint ||
	    before(cb->seq, TCPX_CB(tp->retransmit_skb_hint)->seq))
		tp->retransmit_skb_hint = skb;

	if (cb->sacked & TCPXCB_LOST) {
		if (cb->sacked & TCPXCB_SACKED_RETRANS) {
			cb->sacked &= ~TCPXCB_SACKED_RETRANS;
			tp->retrans_out -= pcount;
			tp->cc.lost += pcount;
			TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPLOSTRETRANSMIT, pcount);
		}
		return;
	}
	cb->sacked |= TCPXCB_LOST;
	tp->lost_out += pcount;
	tp->cc.lost += pcount;
}

static bool tcpx_any_retrans_done(const struct sock *sk)
{
	const struct sk_buff *skb;

	if (tcpx_sk(sk)->retrans_out)
		return true;
	skb = tcpx_rtx_queue_head(sk);
	return skb && (TCPX_CB(skb)->sacked & TCPXCB_EVER_RETRANS);
}

static void tcpx_retrans_stamp_cleanup(struct sock *sk)
{
	if (!tcpx_any_retrans_done(sk))
		tcpx_sk(sk)->retrans_stamp = 0;
}

/* --- without SACK: sacked_out counts duplicate ACKs ------------------------- */

/**
 * tcpx_reset_reno_sack() - forget the duplicate ACKs
 * @tp: socket
 */
void tcpx_reset_reno_sack(struct tcpx_sock *tp)
{
	tp->sacked_out = 0;
}

/* At least one segment, the hole, must be missing. */
static bool tcpx_limit_reno_sacked(struct tcpx_sock *tp)
{
	u32 holes = clamp(tp->lost_out, 1U, tp->packets_out);

	if (tp->sacked_out + holes <= tp->packets_out)
		return false;
	tp->sacked_out = tp->packets_out - holes;
	return true;
}

/* More duplicate ACKs than segments can be missing: it was reordering. */
static void tcpx_check_reno_reordering(struct sock *sk, int addend)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tcpx_limit_reno_sacked(tp))
		return;
	tp->reordering = min_t(u32, tp->packets_out + addend,
			       READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_max_reordering));
	tp->reord_seen++;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPRENOREORDER);
}

static void tcpx_add_reno_sack(struct sock *sk, int num_dupack)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 prior = tp->sacked_out;

	if (!num_dupack)
		return;
	tp->sacked_out += num_dupack;
	tcpx_check_reno_reordering(sk, 0);
	if (tp->sacked_out > prior)
		tp->cc.delivered += tp->sacked_out - prior;
}

/**
 * tcpx_remove_reno_sacks() - segments were acked: one fills the hole, the
 *	others were the cause of duplicate ACKs
 * @sk: socket, locked
 * @acked: segments
 */
void tcpx_remove_reno_sacks(struct sock *sk, u32 acked)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (acked) {
		tp->cc.delivered += max_t(int, acked - tp->sacked_out, 1);
		if (acked - 1 >= tp->sacked_out)
			tp->sacked_out = 0;
		else
			tp->sacked_out -= acked - 1;
	}
	tcpx_check_reno_reordering(sk, acked);
}

/* --- reordering ---------------------------------------------------------------- */

/**
 * tcpx_check_sack_reordering() - a segment never retransmitted was delivered
 *	below the highest SACKed one
 * @sk: socket, locked
 * @low_seq: its sequence number
 * @ts: a timestamp told
 */
void tcpx_check_sack_reordering(struct sock *sk, u32 low_seq, bool ts)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 fack = tcpx_highest_sack_seq(tp), mss = tp->mss_cache, metric;

	if (!before(low_seq, fack))
		return;
	metric = fack - low_seq;
	if (metric > tp->reordering * mss && mss)
		tp->reordering = min_t(u32, DIV_ROUND_UP(metric, mss),
				       READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_max_reordering));
	tp->reord_seen++;
	TCPX_NET_INC(sock_net(sk), ts ? LINUX_MIB_TCPTSREORDER : LINUX_MIB_TCPSACKREORDER);
}

/* --- RACK, rfc8985 ---------------------------------------------------------------- */

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

static s32 tcpx_rack_skb_timeout(const struct tcpx_sock *tp, const struct sk_buff *skb, u32 reo_wnd)
{
	return tp->rack.rtt_us + reo_wnd - (s32)(tp->tcp_mstamp - tcpx_skb_mstamp(skb));
}

/* Hold for lost what was sent long enough before something delivered
 * (rfc8985#section-6.2 step 5). Microseconds until the next may be.
 */
static u32 tcpx_rack_detect_loss(struct sock *sk)
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

/* True if the reordering timer was armed. */
static bool tcpx_rack_mark_lost(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 timeout;

	if (!tp->rack.advanced)
		return false;
	tp->rack.advanced = 0;
	timeout = tcpx_rack_detect_loss(sk);
	if (timeout)
		tcpx_reset_xmit_timer(sk, TCPX_TIME_REO_TIMEOUT, usecs_to_jiffies(timeout) + 2);
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

/* NewReno (rfc6582): after enough duplicate ACKs, and at each partial ACK,
 * the first segment is lost.
 */
static void tcpx_newreno_mark_lost(struct sock *sk, bool snd_una_advanced)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;
	u32 mss;

	if (!(tp->ca_state < TCP_CA_Recovery && tp->sacked_out >= tp->reordering) &&
	    !(tp->ca_state == TCP_CA_Recovery && snd_una_advanced))
		return;
	skb = tcpx_rtx_queue_head(sk);
	if (TCPX_CB(skb)->sacked & TCPXCB_LOST)
		return;
	mss = tp->mss_cache;
	if (tcpx_skb_pcount(skb) > 1 && skb->len > mss)
		tcpx_fragment_rtx(sk, skb, mss, mss, GFP_ATOMIC);
	tcpx_mark_skb_lost(sk, skb);
}

static void tcpx_identify_packet_loss(struct sock *sk, int *ack_flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 prior_retrans = tp->retrans_out;

	if (tcpx_rtx_queue_empty(sk))
		return;
	if (!tcpx_is_sack(tp)) {
		tcpx_newreno_mark_lost(sk, *ack_flag & TCPX_FLAG_SND_UNA_ADVANCED);
		return;
	}
	if (tcpx_rack_mark_lost(sk))
		*ack_flag &= ~TCPX_FLAG_SET_XMIT_TIMER;
	if (prior_retrans > tp->retrans_out)
		*ack_flag |= TCPX_FLAG_LOST_RETRANS;
}

/* --- SACK blocks ------------------------------------------------------------------ */

/* What a (D-)SACK block says of one segment; returns its new marks. */
static u8 tcpx_sacktag_one(struct sock *sk, struct tcpx_sacktag_state *state,
			   const struct tcpx_skb_cb *cb, bool dup_sack, int pcount, u64 xmit_time)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u8 sacked = cb->sacked;

	if (dup_sack && (sacked & TCPXCB_RETRANS)) {
		if (tp->undo_marker && tp->undo_retrans > 0 &&
		    after(cb->end_seq, tp->undo_marker))
			tp->undo_retrans = max(0, tp->undo_retrans - pcount);
		if ((sacked & TCPXCB_SACKED_ACKED) && before(cb->seq, state->reord))
			state->reord = cb->seq;
	}
	if (!after(cb->end_seq, tp->snd_una))
		return sacked;

	if (!(sacked & TCPXCB_SACKED_ACKED)) {
		tcpx_rack_advance(tp, sacked, cb->end_seq, xmit_time);
		if (sacked & TCPXCB_SACKED_RETRANS) {
			/* The retransmission or the original: either way the
			 * loss is repaired.
			 */
			if (sacked & TCPXCB_LOST) {
				sacked &= ~(TCPXCB_LOST | TCPXCB_SACKED_RETRANS);
				tp->lost_out -= pcount;
				tp->retrans_out -= pcount;
			}
		} else {
			if (!(sacked & TCPXCB_RETRANS)) {
				if (before(cb->seq, tcpx_highest_sack_seq(tp)) &&
				    before(cb->seq, state->reord))
					state->reord = cb->seq;
				if (!after(cb->end_seq, tp->high_seq))
					state->flag |= TCPX_FLAG_ORIG_SACK_ACKED;
				if (!state->first_sackt)
					state->first_sackt = xmit_time;
				state->last_sackt = xmit_time;
			}
			if (sacked & TCPXCB_LOST) {
				sacked &= ~TCPXCB_LOST;
				tp->lost_out -= pcount;
			}
		}
		sacked |= TCPXCB_SACKED_ACKED;
		state->flag |= TCPX_FLAG_DATA_SACKED;
		tp->sacked_out += pcount;
		tp->cc.delivered += pcount;
	}

	if (dup_sack && (sacked & TCPXCB_SACKED_RETRANS)) {
		sacked &= ~TCPXCB_SACKED_RETRANS;
		tp->retrans_out -= pcount;
	}
	return sacked;
}

/* How does a block lie on an skb? Splits the skb where the block's edge falls
 * inside, at a segment boundary. 1: the skb (now) lies in the block; 0: it does
 * not; < 0: it could not be split.
 */
static int tcpx_match_skb_to_sack(struct sock *sk, struct sk_buff *skb, u32 start, u32 end)
{
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	u32 mss = tcpx_skb_mss(skb), len;
	bool inside;
	int err;

	if (!after(start, cb->seq) && !before(end, cb->end_seq))
		return 1;
	if (tcpx_skb_pcount(skb) <= 1 || !mss)
		return 0;

	inside = !after(start, cb->seq);
	if (inside) {
		/* The head is covered: whole segments of it only. */
		len = end - cb->seq;
		if (len < mss)
			return 0;
		len -= len % mss;
	} else {
		/* The tail is: segments from the first that is whole. */
		len = roundup(start - cb->seq, mss);
	}
	if (len >= skb->len)
		return 0;
	err = tcpx_fragment_rtx(sk, skb, len, mss, GFP_ATOMIC);
	return err < 0 ? err : inside;
}

/* Mark the segments of the block that begin before limit, from skb on. False
 * if memory was short, so that not all could be.
 */
static bool tcpx_sacktag_walk(struct sock *sk, struct tcpx_sacktag_state *state,
			      struct sk_buff *skb, const struct tcp_sack_block *block,
			      u32 limit, bool dup_sack)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	for (; skb; skb = skb_rb_next(skb)) {
		struct tcpx_skb_cb *cb = TCPX_CB(skb);
		bool was_sacked;
		int in;

		if (!before(cb->seq, limit))
			break;
		in = tcpx_match_skb_to_sack(sk, skb, block->start_seq, block->end_seq);
		if (in < 0)
			return false;
		if (!in)
			continue;
		was_sacked = cb->sacked & TCPXCB_SACKED_ACKED;
		cb->sacked = tcpx_sacktag_one(sk, state, cb, dup_sack, tcpx_skb_pcount(skb),
					      tcpx_skb_mstamp(skb));
		if (was_sacked || !(cb->sacked & TCPXCB_SACKED_ACKED))
			continue;
		tcpx_rate_skb_delivered(sk, skb, &state->rs);
		list_del_init(&skb->tcp_tsorted_anchor);
		/* sacked_out was raised already: compare with the mark itself. */
		if (!tp->highest_sack || !before(cb->seq, TCPX_CB(tp->highest_sack)->seq))
			tp->highest_sack = skb_rb_next(skb);
	}
	return true;
}

/* The skb that holds seq, or the first after it. */
static struct sk_buff *tcpx_rtx_search(struct sock *sk, u32 seq)
{
	struct rb_node *p = sk->tcp_rtx_queue.rb_node;
	struct sk_buff *found = NULL;

	while (p) {
		struct sk_buff *skb = rb_to_skb(p);

		if (after(TCPX_CB(skb)->end_seq, seq)) {
			found = skb;
			p = p->rb_left;
		} else {
			p = p->rb_right;
		}
	}
	return found;
}

/* rfc2018#section-4 allows blocks within (snd_una, snd_nxt]; a D-SACK may also lie below,
 * but not further than a window or the recovery it undoes.
 */
static bool tcpx_sackblock_valid(const struct tcpx_sock *tp, bool dsack, u32 start, u32 end)
{
	if (after(end, tp->snd_nxt) || !before(start, end))
		return false;
	if (!before(start, tp->snd_nxt))
		return false;
	if (after(start, tp->snd_una))
		return true;
	if (!dsack || !tp->undo_marker)
		return false;
	if (after(end, tp->snd_una))
		return false;
	if (!before(start, tp->undo_marker))
		return true;
	if (!after(end, tp->undo_marker))
		return false;
	return !before(start, end - tp->max_window);
}

/* Is the first block a D-SACK (rfc2883#section-4)? Then count it. */
static bool tcpx_check_dsack(struct sock *sk, const struct tcp_sack_block_wire *sp, int num,
			     u32 ack_seq, u32 prior_snd_una, struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 start = get_unaligned_be32(&sp[0].start_seq);
	u32 end = get_unaligned_be32(&sp[0].end_seq);
	u32 segs, mss = tp->mss_cache ?: 1;
	int mib;

	if (before(start, ack_seq)) {
		mib = LINUX_MIB_TCPDSACKRECV;
	} else if (num > 1) {
		u32 end1 = get_unaligned_be32(&sp[1].end_seq);
		u32 start1 = get_unaligned_be32(&sp[1].start_seq);

		if (after(end, end1) || before(start, start1))
			return false;
		mib = LINUX_MIB_TCPDSACKOFORECV;
	} else {
		return false;
	}
	TCPX_NET_INC(sock_net(sk), mib);

	/* More than was ever in flight: the peer makes things up. */
	if (!before(start, end) || end - start > tp->max_window ||
	    tp->dsack_dups > tp->total_retrans) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDSACKIGNOREDDUBIOUS);
		return false;
	}
	segs = DIV_ROUND_UP(end - start, mss);
	/* A duplicate of a loss probe tells about the probe, not about
	 * reordering.
	 */
	if (!(tp->tlp_high_seq && tp->tlp_retrans && tp->tlp_high_seq == end))
		tp->rack.dsack_seen = 1;
	tp->dsack_dups += segs;
	state->flag |= TCPX_FLAG_DSACKING_ACK;

	/* Below snd_una nothing is left to be marked; the undo may still count
	 * on it.
	 */
	if (!after(end, prior_snd_una) && after(end, tp->undo_marker) &&
	    tp->undo_marker && tp->undo_retrans > 0)
		tp->undo_retrans = max_t(int, 0, tp->undo_retrans - segs);
	return true;
}

/* What of a block is news: blocks grow at one edge, and come again with each
 * ACK. Returns false if nothing is.
 */
static bool tcpx_sack_clip(const struct tcpx_sock *tp, u32 *start, u32 *end)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tp->recv_sack_cache); i++) {
		u32 s = tp->recv_sack_cache[i].start_seq;
		u32 e = tp->recv_sack_cache[i].end_seq;

		if (!s && !e)
			continue;
		if (!before(*start, s) && !after(*end, e))
			return false;
		if (!before(*start, s) && before(*start, e))
			*start = e;
		else if (after(*end, s) && !after(*end, e))
			*end = s;
	}
	return true;
}

static void tcpx_sack_invalid(struct sock *sk, bool dup_sack)
{
	int mib = LINUX_MIB_TCPSACKDISCARD;

	if (dup_sack)
		mib = tcpx_sk(sk)->undo_marker ? LINUX_MIB_TCPDSACKIGNOREDOLD :
						 LINUX_MIB_TCPDSACKIGNOREDNOUNDO;
	TCPX_NET_INC(sock_net(sk), mib);
}

/**
 * tcpx_sacktag_write_queue() - apply the SACK option of an ACK
 * @sk: socket, locked
 * @ack_skb: the ACK; TCPX_CB()->sacked says where the option is
 * @prior_snd_una: snd_una before this ACK
 * @state: collects what is learned
 *
 * Return: TCPX_FLAG_*.
 */
int tcpx_sacktag_write_queue(struct sock *sk, const struct sk_buff *ack_skb,
			     u32 prior_snd_una, struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const u8 *opt = skb_transport_header(ack_skb) + TCPX_CB(ack_skb)->sacked;
	const struct tcp_sack_block_wire *wire = (const struct tcp_sack_block_wire *)(opt + 2);
	int num = min(4, (opt[1] - TCPOLEN_SACK_BASE) >> 3), used = 0, i;
	u32 ack_seq = TCPX_CB(ack_skb)->ack_seq;
	struct tcp_sack_block seen[4] = {};
	bool dsack, all = true;

	if (!tp->sacked_out) {
		tp->highest_sack = tcpx_rtx_queue_head(sk);
		memset(tp->recv_sack_cache, 0, sizeof(tp->recv_sack_cache));
	}
	dsack = tcpx_check_dsack(sk, wire, num, ack_seq, prior_snd_una, state);
	/* Too old to say anything true about the queue. */
	if (before(ack_seq, prior_snd_una - tp->max_window) || !tp->packets_out)
		return state->flag;

	for (i = 0; i < num; i++) {
		u32 start = get_unaligned_be32(&wire[i].start_seq);
		u32 end = get_unaligned_be32(&wire[i].end_seq);
		struct tcp_sack_block block = { start, end };
		bool dup = !i && dsack;

		if (!tcpx_sackblock_valid(tp, dup, start, end)) {
			if (after(end, prior_snd_una) || dup)
				tcpx_sack_invalid(sk, dup);
			continue;
		}
		if (!after(end, prior_snd_una))
			continue;
		if (!dup) {
			seen[used++] = block;
			if (!tcpx_sack_clip(tp, &start, &end))
				continue;
		}
		all &= tcpx_sacktag_walk(sk, state, tcpx_rtx_search(sk, start), &block, end, dup);
	}
	if (used && all)
		memcpy(tp->recv_sack_cache, seen, sizeof(seen));

	if (tp->ca_state != TCP_CA_Loss || tp->undo_marker)
		tcpx_check_sack_reordering(sk, state->reord, false);
	return state->flag;
}

/* --- reduction of the window: rfc6937 --------------------------------------------------- */

static void tcpx_init_undo(struct tcpx_sock *tp)
{
	tp->undo_marker = tp->snd_una;
	/* Without a retransmission there is nothing a D-SACK could undo. */
	tp->undo_retrans = tp->retrans_out ?: -1;
}

static void tcpx_init_cwnd_reduction(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->high_seq = tp->snd_nxt;
	tp->tlp_high_seq = 0;
	tp->cc.snd_cwnd_cnt = 0;
	tp->cc.prior_cwnd = tp->cc.snd_cwnd;
	tp->prr_delivered = 0;
	tp->prr_out = 0;
	tp->cc.snd_ssthresh = tp->cc.ops->ssthresh(&tp->cc);
}

/**
 * tcpx_cwnd_reduction() - proportional rate reduction, for one ACK
 * @sk: socket, locked, in CWR or Recovery
 * @newly_acked_sacked: segments it delivered
 * @newly_lost: segments found lost with it
 * @flag: TCPX_FLAG_*
 */
void tcpx_cwnd_reduction(struct sock *sk, int newly_acked_sacked, int newly_lost, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int in_flight = tcpx_packets_in_flight(tp);
	int delta = tp->cc.snd_ssthresh - in_flight, sndcnt;

	if (newly_acked_sacked <= 0 || !tp->cc.prior_cwnd)
		return;
	tp->prr_delivered += newly_acked_sacked;
	if (delta < 0) {
		u64 dividend = (u64)tp->cc.snd_ssthresh * tp->prr_delivered + tp->cc.prior_cwnd - 1;

		sndcnt = div_u64(dividend, tp->cc.prior_cwnd) - tp->prr_out;
	} else {
		/* rfc6937#section-3: slow start back to ssthresh, unless
		 * more losses turn up
		 */
		sndcnt = max_t(int, tp->prr_delivered - tp->prr_out, newly_acked_sacked);
		if ((flag & TCPX_FLAG_SND_UNA_ADVANCED) && !newly_lost)
			sndcnt++;
		sndcnt = min(delta, sndcnt);
	}
	/* The first retransmission goes in any case. */
	sndcnt = max(sndcnt, tp->prr_out ? 0 : 1);
	tp->cc.snd_cwnd = max(in_flight + sndcnt, 1);
}

static void tcpx_end_cwnd_reduction(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->cc.snd_ssthresh < TCP_INFINITE_SSTHRESH &&
	    (tp->ca_state == TCP_CA_CWR || tp->undo_marker)) {
		tp->cc.snd_cwnd = tp->cc.snd_ssthresh;
		tp->snd_cwnd_stamp = tcpx_jiffies32();
	}
	if (tp->cc.ops->cwnd_event)
		tp->cc.ops->cwnd_event(&tp->cc, TCPX_CA_EVENT_COMPLETE_CWR, tcpx_jiffies32());
}

/**
 * tcpx_enter_cwr() - congestion without loss: reduce the window
 * @sk: socket, locked
 */
void tcpx_enter_cwr(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->cc.prior_ssthresh = 0;
	if (tp->ca_state < TCP_CA_CWR) {
		tp->undo_marker = 0;
		tcpx_init_cwnd_reduction(sk);
		tcpx_set_ca_state(sk, TCP_CA_CWR);
	}
}

static void tcpx_try_keep_open(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u8 state = TCP_CA_Open;

	if (tcpx_left_out(tp) || tcpx_any_retrans_done(sk))
		state = TCP_CA_Disorder;
	if (tp->ca_state != state) {
		tcpx_set_ca_state(sk, state);
		tp->high_seq = tp->snd_nxt;
	}
}

static void tcpx_try_to_open(struct sock *sk)
{
	tcpx_retrans_stamp_cleanup(sk);
	if (tcpx_sk(sk)->ca_state != TCP_CA_CWR)
		tcpx_try_keep_open(sk);
}

static void tcpx_enter_recovery(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	TCPX_NET_INC(sock_net(sk), tcpx_is_sack(tp) ? LINUX_MIB_TCPSACKRECOVERY :
						      LINUX_MIB_TCPRENORECOVERY);
	tp->cc.prior_ssthresh = 0;
	tcpx_init_undo(tp);
	if (!tcpx_in_cwnd_reduction(tp)) {
		tp->cc.prior_ssthresh = tcpx_current_ssthresh(tp);
		tcpx_init_cwnd_reduction(sk);
	}
	tcpx_set_ca_state(sk, TCP_CA_Recovery);
}

/* --- undo ------------------------------------------------------------------------------ */

/* Eifel (rfc4015): the ACK echoes a timestamp from before the first
 * retransmission, so it was the original that arrived.
 */
static bool tcpx_packet_delayed(const struct tcpx_sock *tp)
{
	return tp->retrans_stamp && tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr &&
	       before(tp->rx_opt.rcv_tsecr, tp->retrans_stamp);
}

static bool tcpx_may_undo(const struct tcpx_sock *tp)
{
	return tp->undo_marker && (!tp->undo_retrans || tcpx_packet_delayed(tp));
}

static void tcpx_undo_cwnd_reduction(struct sock *sk, bool unmark_loss)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (unmark_loss) {
		struct sk_buff *skb;

		for (skb = tcpx_rtx_queue_head(sk); skb; skb = skb_rb_next(skb))
			TCPX_CB(skb)->sacked &= ~TCPXCB_LOST;
		tp->lost_out = 0;
		tp->retransmit_skb_hint = NULL;
	}
	if (tp->cc.prior_ssthresh) {
		tp->cc.snd_cwnd = tp->cc.ops->undo_cwnd(&tp->cc);
		if (tp->cc.prior_ssthresh > tp->cc.snd_ssthresh)
			tp->cc.snd_ssthresh = tp->cc.prior_ssthresh;
	}
	tp->snd_cwnd_stamp = tcpx_jiffies32();
	tp->undo_marker = 0;
	tp->rack.advanced = 1;
}

/* Without SACK, an ACK of exactly high_seq may be a duplicate of an old
 * flight: stay, so that it does not start another recovery (rfc6582).
 */
static bool tcpx_reno_must_stay(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_is_sack(tp) || tp->snd_una != tp->high_seq)
		return false;
	tcpx_retrans_stamp_cleanup(sk);
	return true;
}

/* The recovery is over; true: but the state stays. */
static bool tcpx_try_undo_recovery(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_may_undo(tp)) {
		TCPX_NET_INC(sock_net(sk), tp->ca_state == TCP_CA_Loss ? LINUX_MIB_TCPLOSSUNDO :
									LINUX_MIB_TCPFULLUNDO);
		tcpx_undo_cwnd_reduction(sk, false);
	} else if (tp->rack.reo_wnd_persist) {
		tp->rack.reo_wnd_persist--;
	}
	if (tcpx_reno_must_stay(sk))
		return true;
	tcpx_set_ca_state(sk, TCP_CA_Open);
	tp->is_sack_reneg = 0;
	return false;
}

/* All retransmissions were D-SACKed: none was needed. */
static bool tcpx_try_undo_dsack(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->undo_marker || tp->undo_retrans)
		return false;
	tp->rack.reo_wnd_persist = min(16, tp->rack.reo_wnd_persist + 1);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDSACKUNDO);
	tcpx_undo_cwnd_reduction(sk, false);
	return true;
}

static bool tcpx_try_undo_loss(struct sock *sk, bool frto_undo)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!frto_undo && !tcpx_may_undo(tp))
		return false;
	tcpx_undo_cwnd_reduction(sk, true);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPLOSSUNDO);
	if (frto_undo)
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPSPURIOUSRTOS);
	tp->retransmits = 0;
	if (tcpx_reno_must_stay(sk))
		return true;
	if (frto_undo || tcpx_is_sack(tp)) {
		tcpx_set_ca_state(sk, TCP_CA_Open);
		tp->is_sack_reneg = 0;
	}
	return true;
}

/* A partial ACK of a segment that was merely late: true if retransmissions
 * are still out, so that nothing more may be concluded.
 */
static bool tcpx_try_undo_partial(struct sock *sk, u32 prior_snd_una)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->undo_marker || !tcpx_packet_delayed(tp))
		return false;
	tcpx_check_sack_reordering(sk, prior_snd_una, true);
	if (tp->retrans_out)
		return true;
	tcpx_retrans_stamp_cleanup(sk);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPPARTIALUNDO);
	tcpx_undo_cwnd_reduction(sk, true);
	tcpx_try_keep_open(sk);
	return false;
}

/* --- after an RTO ------------------------------------------------------------------------ */

static void tcpx_timeout_mark_lost(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb, *head = tcpx_rtx_queue_head(sk);
	bool reneg = head && (TCPX_CB(head)->sacked & TCPXCB_SACKED_ACKED);

	if (reneg) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPSACKRENEGING);
		tp->sacked_out = 0;
		tp->is_sack_reneg = 1;
	} else if (!tcpx_is_sack(tp)) {
		tcpx_reset_reno_sack(tp);
	}

	for (skb = head; skb; skb = skb_rb_next(skb)) {
		if (reneg)
			TCPX_CB(skb)->sacked &= ~TCPXCB_SACKED_ACKED;
		else if (tcpx_is_sack(tp) && skb != head &&
			 tcpx_rack_skb_timeout(tp, skb, 0) > 0)
			continue;	/* sent so lately that it may be on its way */
		tcpx_mark_skb_lost(sk, skb);
	}
	tp->retransmit_skb_hint = NULL;
}

/**
 * tcpx_enter_loss() - the RTO fired: rfc5681#section-3.1, rfc6298#section-5.4
 * @sk: socket, locked
 */
void tcpx_enter_loss(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	bool new_recovery = tp->ca_state < TCP_CA_Recovery;
	u32 reordering = READ_ONCE(net->ipv4.sysctl_tcp_reordering);

	tcpx_timeout_mark_lost(sk);
	if (tp->ca_state <= TCP_CA_Disorder || !after(tp->high_seq, tp->snd_una) ||
	    (tp->ca_state == TCP_CA_Loss && !tp->retransmits)) {
		tp->cc.prior_ssthresh = tcpx_current_ssthresh(tp);
		tp->cc.prior_cwnd = tp->cc.snd_cwnd;
		tp->cc.snd_ssthresh = tp->cc.ops->ssthresh(&tp->cc);
		if (tp->cc.ops->cwnd_event)
			tp->cc.ops->cwnd_event(&tp->cc, TCPX_CA_EVENT_LOSS, tcpx_jiffies32());
		tcpx_init_undo(tp);
	}
	tp->cc.snd_cwnd = tcpx_packets_in_flight(tp) + 1;
	tp->cc.snd_cwnd_cnt = 0;
	tp->snd_cwnd_stamp = tcpx_jiffies32();

	/* What looked like reordering was loss. */
	if (tp->ca_state <= TCP_CA_Disorder && tp->sacked_out >= reordering)
		tp->reordering = min(tp->reordering, reordering);
	tcpx_set_ca_state(sk, TCP_CA_Loss);
	tp->high_seq = tp->snd_nxt;
	tp->tlp_high_seq = 0;
	tp->frto = READ_ONCE(net->ipv4.sysctl_tcp_frto) && (new_recovery || tp->retransmits);
}

/* An ACK in state Loss: rfc5682#section-3.1 for SACK, then NewReno. */
static void tcpx_process_loss(struct sock *sk, int flag, int num_dupack, int *rexmit)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool recovered = !before(tp->snd_una, tp->high_seq);

	if ((flag & TCPX_FLAG_SND_UNA_ADVANCED) && tcpx_try_undo_loss(sk, false))
		return;
	if (tp->frto) {
		/* Step 3.b: something of before the RTO arrived. */
		if ((flag & TCPX_FLAG_ORIG_SACK_ACKED) && tcpx_try_undo_loss(sk, true))
			return;
		if (after(tp->snd_nxt, tp->high_seq)) {
			if ((flag & TCPX_FLAG_DATA_SACKED) || num_dupack)
				tp->frto = 0;	/* step 3.a: a true loss */
		} else if ((flag & TCPX_FLAG_SND_UNA_ADVANCED) && !recovered) {
			tp->high_seq = tp->snd_nxt;
			/* Step 2.b: try new data instead of retransmitting. */
			if (tcpx_send_head(sk) && after(tcpx_wnd_end(tp), tp->snd_nxt)) {
				*rexmit = TCPX_REXMIT_NEW;
				return;
			}
			tp->frto = 0;
		}
	}
	if (recovered) {
		tcpx_try_undo_recovery(sk);
		return;
	}
	if (!tcpx_is_sack(tp)) {
		if (after(tp->snd_nxt, tp->high_seq) && num_dupack)
			tcpx_add_reno_sack(sk, num_dupack);
		else if (flag & TCPX_FLAG_SND_UNA_ADVANCED)
			tcpx_reset_reno_sack(tp);
	}
	*rexmit = TCPX_REXMIT_LOST;
}

/* --- the state machine --------------------------------------------------------------------- */

/* snd_una stands at a SACKed segment: the peer may have thrown it away
 * (rfc2018#section-8). Give it half a round trip to show otherwise.
 */
static bool tcpx_check_sack_reneging(struct sock *sk, int *ack_flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!(*ack_flag & TCPX_FLAG_SACK_RENEGING) ||
	    !(*ack_flag & TCPX_FLAG_SND_UNA_ADVANCED))
		return false;
	tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS,
			      max_t(u32, usecs_to_jiffies(tp->cc.srtt_us >> 4),
				    msecs_to_jiffies(10)));
	*ack_flag &= ~TCPX_FLAG_SET_XMIT_TIMER;
	return true;
}

/* CWR or Recovery has reached its end; true: nothing more to do. */
static bool tcpx_end_of_episode(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	switch (tp->ca_state) {
	case TCP_CA_CWR:
		/* One more byte, so that the FIN of a short flow counts. */
		if (tp->snd_una != tp->high_seq) {
			tcpx_end_cwnd_reduction(sk);
			tcpx_set_ca_state(sk, TCP_CA_Open);
		}
		return false;
	case TCP_CA_Recovery:
		if (!tcpx_is_sack(tp))
			tcpx_reset_reno_sack(tp);
		if (tcpx_try_undo_recovery(sk))
			return true;
		tcpx_end_cwnd_reduction(sk);
		return false;
	}
	return false;
}

/**
 * tcpx_fastretrans_alert() - an ACK that is not plain progress
 * @sk: socket, locked
 * @prior_snd_una: snd_una before it
 * @num_dupack: duplicate ACKs it stands for
 * @ack_flag: TCPX_FLAG_*; TCPX_FLAG_SET_XMIT_TIMER is cleared if a timer was
 *	      set here
 * @rexmit: returns what to send
 */
void tcpx_fastretrans_alert(struct sock *sk, u32 prior_snd_una, int num_dupack,
			    int *ack_flag, int *rexmit)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int flag = *ack_flag;

	if (!tp->packets_out && tp->sacked_out)
		tp->sacked_out = 0;
	if (tcpx_check_sack_reneging(sk, ack_flag))
		return;

	if (tp->ca_state == TCP_CA_Open)
		tp->retrans_stamp = 0;
	else if (!before(tp->snd_una, tp->high_seq) && tcpx_end_of_episode(sk))
		return;

	switch (tp->ca_state) {
	case TCP_CA_Recovery:
		if (!(flag & TCPX_FLAG_SND_UNA_ADVANCED)) {
			if (!tcpx_is_sack(tp))
				tcpx_add_reno_sack(sk, num_dupack);
		} else if (tcpx_try_undo_partial(sk, prior_snd_una)) {
			return;
		}
		if (tcpx_try_undo_dsack(sk))
			tcpx_try_to_open(sk);
		tcpx_identify_packet_loss(sk, ack_flag);
		if (tp->ca_state != TCP_CA_Recovery) {
			if (!tp->lost_out)
				return;
			tcpx_enter_recovery(sk);
		}
		break;
	case TCP_CA_Loss:
		tcpx_process_loss(sk, flag, num_dupack, rexmit);
		tcpx_identify_packet_loss(sk, ack_flag);
		if (!(tp->ca_state == TCP_CA_Open || (*ack_flag & TCPX_FLAG_LOST_RETRANS)))
			return;
		fallthrough;	/* undone, or a retransmission was lost */
	default:
		if (!tcpx_is_sack(tp)) {
			if (flag & TCPX_FLAG_SND_UNA_ADVANCED)
				tcpx_reset_reno_sack(tp);
			tcpx_add_reno_sack(sk, num_dupack);
		}
		if (tp->ca_state <= TCP_CA_Disorder)
			tcpx_try_undo_dsack(sk);
		tcpx_identify_packet_loss(sk, ack_flag);
		if (!tp->lost_out) {
			tcpx_try_to_open(sk);
			return;
		}
		tcpx_enter_recovery(sk);
	}
	*rexmit = TCPX_REXMIT_LOST;
}

/**
 * tcpx_xmit_recovery() - send what the processing of an ACK asked for
 * @sk: socket, locked
 * @rexmit: enum tcpx_rexmit
 */
void tcpx_xmit_recovery(struct sock *sk, int rexmit)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (rexmit == TCPX_REXMIT_NONE || sk->sk_state == TCP_SYN_SENT)
		return;
	if (unlikely(rexmit == TCPX_REXMIT_NEW)) {
		__tcpx_push_pending_frames(sk, tcpx_current_mss(sk), TCPX_NAGLE_OFF);
		if (after(tp->snd_nxt, tp->high_seq))
			return;
		tp->frto = 0;
	}
	tcpx_xmit_retransmit_queue(sk);
}

/**
 * tcpx_process_tlp_ack() - an ACK while a loss probe is out, rfc8985#section-7.4
 * @sk: socket, locked
 * @ack: its ACK number
 * @flag: TCPX_FLAG_*
 */
void tcpx_process_tlp_ack(struct sock *sk, u32 ack, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (before(ack, tp->tlp_high_seq))
		return;
	if (!tp->tlp_retrans || (flag & TCPX_FLAG_DSACKING_ACK)) {
		/* It was new data, or was not needed. */
		tp->tlp_high_seq = 0;
	} else if (after(ack, tp->tlp_high_seq)) {
		/* The probe repaired a loss, without a sign of reordering:
		 * the congestion it tells of must have its effect.
		 */
		tcpx_init_cwnd_reduction(sk);
		tcpx_set_ca_state(sk, TCP_CA_CWR);
		tcpx_end_cwnd_reduction(sk);
		tcpx_try_keep_open(sk);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPLOSSPROBERECOVERY);
	} else if (!(flag & (TCPX_FLAG_SND_UNA_ADVANCED | TCPX_FLAG_NOT_DUP |
			     TCPX_FLAG_DATA_SACKED))) {
		/* A duplicate ACK: original and probe both arrived. */
		tp->tlp_high_seq = 0;
	}
}

/**
 * tcpx_rack_reo_timeout() - the reordering timer fired, rfc8985#section-6.3
 * @sk: socket, locked
 */
void tcpx_rack_reo_timeout(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 prior_in_flight = tcpx_packets_in_flight(tp), prior_lost = tp->cc.lost;

	tcpx_rack_detect_loss(sk);
	if (prior_in_flight != tcpx_packets_in_flight(tp)) {
		if (tp->ca_state != TCP_CA_Recovery) {
			tcpx_enter_recovery(sk);
			tcpx_cwnd_reduction(sk, 1, tp->cc.lost - prior_lost, 0);
		}
		tcpx_xmit_retransmit_queue(sk);
	}
	if (tp->pending != TCPX_TIME_RETRANS)
		tcpx_rearm_rto(sk);
}

/**
 * tcpx_simple_retransmit() - the path MTU shrank: send again what is too long
 * @sk: socket, locked
 *
 * Not a sign of congestion (rfc1191#section-6.4): the window stays.
 */
void tcpx_simple_retransmit(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 mss = tcpx_current_mss(sk);
	struct sk_buff *skb;

	for (skb = tcpx_rtx_queue_head(sk); skb; skb = skb_rb_next(skb)) {
		u32 seg = tcpx_skb_mss(skb) ?: skb->len;

		if (seg > mss)
			tcpx_mark_skb_lost(sk, skb);
	}
	if (!tp->lost_out)
		return;
	if (!tcpx_is_sack(tp))
		tcpx_limit_reno_sacked(tp);
	if (tp->ca_state != TCP_CA_Loss) {
		tp->high_seq = tp->snd_nxt;
		tp->cc.snd_ssthresh = tcpx_current_ssthresh(tp);
		tp->cc.prior_ssthresh = 0;
		tp->undo_marker = 0;
		tcpx_set_ca_state(sk, TCP_CA_Loss);
	}
	tcpx_xmit_retransmit_queue(sk);
}
