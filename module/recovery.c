// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: loss recovery: proportional rate reduction (rfc6937), F-RTO
 * (rfc5682), undo of what turned out needless (rfc4015, rfc3708), NewReno
 * (rfc6582) for peers without SACK. Which segments are lost is found in rack.c
 * (rfc8985), which have arrived, in sack.c (rfc2018, rfc2883).
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
	if (tp->disorder) {
		tp->disorder->rto_stamp = 0;
		tp->disorder->total_rto_time = 0;
		tp->disorder->total_rto = 0;
		tp->disorder->total_rto_recoveries = 0;
	}
}

/**
 * tcpx_update_rto_time() - recovered from timeouts
 * @tp: socket, locked
 */
void tcpx_update_rto_time(struct tcpx_sock *tp)
{
	struct tcpx_disorder *d = tp->disorder;

	if (d && d->rto_stamp) {
		d->total_rto_time += tcpx_time_stamp(tp) - d->rto_stamp;
		d->rto_stamp = 0;
	}
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
	const struct sk_buff *hint = tp->retransmit_skb_hint;
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	int pcount = tcpx_skb_pcount(skb);

	if (cb->sacked & TCPXCB_SACKED_ACKED)
		return;
	/* Without a hint the search begins at the queue's head, and it must not begin here
	 * as long as others wait to be retransmitted, which may come before this one.
	 */
	if (hint ? before(cb->seq, TCPX_CB(hint)->seq) : tp->retrans_out >= tp->lost_out)
		tp->retransmit_skb_hint = skb;

	/* Without LOST, too: where that was undone, the retransmission is still counted. */
	if (cb->sacked & TCPXCB_SACKED_RETRANS) {
		cb->sacked &= ~TCPXCB_SACKED_RETRANS;
		tp->retrans_out -= pcount;
		tp->cc.lost += pcount;
		TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPLOSTRETRANSMIT, pcount);
	}
	if (cb->sacked & TCPXCB_LOST)
		return;
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

/**
 * tcpx_retrans_stamp_cleanup() - forget the first retransmission's time if none is out
 * @sk: socket, locked
 */
void tcpx_retrans_stamp_cleanup(struct sock *sk)
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

/* --- what is lost? ---------------------------------------------------------------- */

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
	mss = tcpx_skb_mss(skb);
	if (tcpx_skb_pcount(skb) > 1 && skb->len > mss)
		tcpx_fragment_rtx(sk, skb, mss, mss, GFP_ATOMIC);
	tcpx_mark_skb_lost(sk, skb);
	/* Without memory to split it, more is lost than what arrived leaves room for. */
	tcpx_limit_reno_sacked(tp);
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

/* --- reduction of the window: rfc6937 --------------------------------------------------- */

static void tcpx_init_undo(struct tcpx_sock *tp)
{
	tp->undo_marker = tp->snd_una;
	/* What may still be D-SACKed, a loss probe included. Without any there
	 * is nothing that a D-SACK could undo.
	 */
	tp->undo_retrans = tp->retrans_out + (tp->tlp_high_seq && tp->tlp_retrans);
	if (!tp->undo_retrans)
		tp->undo_retrans = -1;
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
	tcpx_ecn_queue_cwr(tp);
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

	if (tp->cc.ops->cong_control)
		return;
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

static void tcpx_try_to_open(struct sock *sk, int flag)
{
	tcpx_retrans_stamp_cleanup(sk);
	if (flag & TCPX_FLAG_ECE)
		tcpx_enter_cwr(sk);
	if (tcpx_sk(sk)->ca_state != TCP_CA_CWR)
		tcpx_try_keep_open(sk);
}

static void tcpx_enter_recovery(struct sock *sk, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	/* The time of what is retransmitted now counts, not of what one recovery before was:
	 * for undo and for who gives up.
	 */
	tcpx_retrans_stamp_cleanup(sk);
	TCPX_NET_INC(sock_net(sk), tcpx_is_sack(tp) ? LINUX_MIB_TCPSACKRECOVERY :
						      LINUX_MIB_TCPRENORECOVERY);
	tp->cc.prior_ssthresh = 0;
	tcpx_init_undo(tp);
	if (!tcpx_in_cwnd_reduction(tp)) {
		/* A mark proves congestion, even if the loss proves none. */
		if (!(flag & TCPX_FLAG_ECE))
			tp->cc.prior_ssthresh = tcpx_current_ssthresh(tp);
		tcpx_init_cwnd_reduction(sk);
	}
	tcpx_set_ca_state(sk, TCP_CA_Recovery);
}

/* --- undo ------------------------------------------------------------------------------ */

/* Eifel (rfc4015): the ACK echoes a timestamp from before the first
 * retransmission, so it was the original that arrived. So it was when nothing
 * could be retransmitted yet (small queues, a full device), except where
 * retrans_stamp was cleared though something was: after the SYN, and in
 * tcpx_reno_must_stay().
 */
static bool tcpx_packet_delayed(const struct tcpx_sock *tp)
{
	if (tp->retrans_stamp)
		return tcpx_tsecr_before(tp, tp->retrans_stamp);
	if (!tcpx_is_sack(tp) && !before(tp->snd_una, tp->high_seq))
		return false;
	return tp->inet.sk.sk_state != TCP_SYN_SENT;
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
		if (tp->cc.prior_ssthresh > tp->cc.snd_ssthresh) {
			tp->cc.snd_ssthresh = tp->cc.prior_ssthresh;
			tcpx_ecn_withdraw_cwr(tp);
		}
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
bool tcpx_try_undo_recovery(struct sock *sk)
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
	tp->tlp_high_seq = 0;	/* tcpx_init_undo() has counted it */
	tcpx_ecn_queue_cwr(tp);
	tp->frto = READ_ONCE(net->ipv4.sysctl_tcp_frto) && !tp->mtup.probe_size &&
		   (new_recovery || tp->retransmits);
}

/* An ACK in state Loss: rfc5682#section-3.1 for SACK, then NewReno. */
static void tcpx_process_loss(struct sock *sk, int flag, int num_dupack, int *rexmit)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool recovered = !before(tp->snd_una, tp->high_seq);

	if ((flag & TCPX_FLAG_SND_UNA_ADVANCED || tp->fastopen_rsk) &&
	    tcpx_try_undo_loss(sk, false))
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
	/* Congestion is proven: nothing to undo, rfc3168#section-6.1.2 */
	if (flag & TCPX_FLAG_ECE)
		tp->cc.prior_ssthresh = 0;
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
			tcpx_try_to_open(sk, flag);
		tcpx_identify_packet_loss(sk, ack_flag);
		if (tp->ca_state != TCP_CA_Recovery) {
			if (!tp->lost_out)
				return;
			tcpx_enter_recovery(sk, flag);
		}
		break;
	case TCP_CA_Loss:
		tcpx_process_loss(sk, flag, num_dupack, rexmit);
		if (tp->ca_state != TCP_CA_Loss)
			tcpx_update_rto_time(tp);
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
			tcpx_try_to_open(sk, flag);
			return;
		}
		if (tp->ca_state < TCP_CA_CWR && tp->mtup.probe_size &&
		    tp->snd_una == tp->mtup.probe_seq_start) {
			tcpx_mtup_probe_failed(sk);
			return;
		}
		tcpx_enter_recovery(sk, flag);
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
	if (!tp->tlp_retrans || (flag & TCPX_FLAG_DSACK_TLP)) {
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
			tcpx_enter_recovery(sk, 0);
			if (!tp->cc.ops->cong_control)
				tcpx_cwnd_reduction(sk, 1, tp->cc.lost - prior_lost, 0);
		}
		tcpx_xmit_retransmit_queue(sk);
	}
	if (tp->pending != TCPX_TIME_RETRANS)
		tcpx_rearm_rto(sk);
}

/**
 * tcpx_non_congestion_loss_retransmit() - send again what is marked lost
 * @sk: socket, locked
 *
 * What it was lost by says nothing of congestion: the window stays.
 */
void tcpx_non_congestion_loss_retransmit(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->ca_state != TCP_CA_Loss) {
		tp->high_seq = tp->snd_nxt;
		tp->cc.snd_ssthresh = tcpx_current_ssthresh(tp);
		tp->cc.prior_ssthresh = 0;
		tp->undo_marker = 0;
		tcpx_set_ca_state(sk, TCP_CA_Loss);
	}
	tcpx_xmit_retransmit_queue(sk);
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
	bool syn_data = tp->syn_data && sk->sk_state == TCP_SYN_SENT;
	u32 mss = tcpx_current_mss(sk);
	struct sk_buff *skb;

	for (skb = tcpx_rtx_queue_head(sk); skb; skb = skb_rb_next(skb)) {
		u32 seg = tcpx_skb_mss(skb) ?: skb->len;

		/* SYN and data of Fast Open were one segment. */
		if (seg > mss || syn_data)
			tcpx_mark_skb_lost(sk, skb);
	}
	if (!tp->lost_out)
		return;
	if (!tcpx_is_sack(tp))
		tcpx_limit_reno_sacked(tp);
	tcpx_non_congestion_loss_retransmit(sk);
}
