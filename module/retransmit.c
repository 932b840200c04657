// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: sending again what was sent. What is lost is decided in recovery.c,
 * rack.c and timer.c.
 */

#include "tcpx.h"
#include "trace.h"

/* May the retransmission take its successor along? */
static bool tcpx_retrans_can_collapse(const struct tcpx_sock *tp, const struct sk_buff *to,
				      const struct sk_buff *skb, int space)
{
	if ((TCPX_CB(to)->tcp_flags | TCPX_CB(skb)->tcp_flags) & TCPHDR_SYN || TCPX_CB(to)->eor)
		return false;
	if (TCPX_CB(skb)->sacked & TCPXCB_SACKED_ACKED)
		return false;
	return to->len + skb->len <= space && tcpx_skb_pcount(skb) == 1 && !skb_cloned(skb) &&
	       !skb_cloned(to) && !after(TCPX_CB(skb)->end_seq, tcpx_wnd_end(tp));
}

/* It does: skb, of the retransmit queue, ends in to. A FIN alone has nothing but its flag. */
static bool tcpx_retrans_collapse(struct sock *sk, struct sk_buff *to, struct sk_buff *skb)
{
	int shared = skb_shinfo(skb)->flags & SKBFL_SHARED_FRAG;
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool stolen = false;
	int delta = 0;

	if (skb->len && !skb_try_coalesce(to, skb, &stolen, &delta))
		return false;

	skb_shinfo(to)->flags |= shared;
	tcpx_collapse_tx_stamp(to, skb);
	/* to->truesize has grown by delta; skb's charge is given back as a whole below. */
	sk_wmem_queued_add(sk, delta);
	sk_mem_charge(sk, delta);
	TCPX_CB(to)->end_seq = TCPX_CB(skb)->end_seq;
	TCPX_CB(to)->tcp_flags |= TCPX_CB(skb)->tcp_flags;
	TCPX_CB(to)->eor = TCPX_CB(skb)->eor;
	TCPX_CB(to)->sacked |= TCPX_CB(skb)->sacked & TCPXCB_EVER_RETRANS;
	tcpx_adjust_pcount(sk, skb, tcpx_skb_pcount(skb));
	if (tp->highest_sack == skb)
		tp->highest_sack = skb_rb_next(skb);
	tcpx_rtx_hints_drop(tp, skb);
	list_del(&skb->tcp_tsorted_anchor);
	rb_erase(&skb->rbnode, &sk->tcp_rtx_queue);
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	/* tcp_tsorted_anchor lies over what kfree looks at. */
	skb->_skb_refdst = 0;
	skb->destructor = NULL;
	kfree_skb_partial(skb, stolen);
	return true;
}

/* A small retransmitted skb takes along those that follow it and fit. */
static void tcpx_retrans_try_collapse(struct sock *sk, struct sk_buff *to, int space)
{
	struct sk_buff *skb;

	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_retrans_collapse))
		return;
	do {
		skb = skb_rb_next(to);
	} while (skb && tcpx_retrans_can_collapse(tcpx_sk(sk), to, skb, space) &&
		 tcpx_retrans_collapse(sk, to, skb));
}

/* Cut or grow skb to what is to be retransmitted now. */
static int tcpx_retransmit_prepare(struct sock *sk, struct sk_buff *skb, int segs,
				   unsigned int cur_mss, unsigned int window)
{
	/* Each segment has an urgent pointer of its own, which only we can write. */
	unsigned int len = cur_mss * (tcpx_urg_mode(tcpx_sk(sk)) ? 1 : segs);
	int old, diff;

	if (len > window)
		len = rounddown(window, cur_mss) ?: window;

	if (skb->len > len)
		return tcpx_fragment_rtx(sk, skb, len, cur_mss, GFP_ATOMIC);

	if (tcpx_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	old = tcpx_skb_pcount(skb);
	tcpx_set_skb_tso_segs(skb, cur_mss);
	diff = old - tcpx_skb_pcount(skb);
	if (diff)
		tcpx_adjust_pcount(sk, skb, diff);
	window = min(window, cur_mss);
	if (skb->len < window)
		tcpx_retrans_try_collapse(sk, skb, window);
	return 0;
}

/**
 * tcpx_skb_still_in_host_queue() - has the first copy not left yet?
 * @sk: socket, locked; told when it has
 * @skb: in the retransmit queue
 *
 * Return: true if so: to send another would be of no use, and is counted
 */
bool tcpx_skb_still_in_host_queue(struct sock *sk, const struct sk_buff *skb)
{
	if (likely(!skb_fclone_busy(sk, skb)))
		return false;
	set_bit(TSQ_THROTTLED, &sk->sk_tsq_flags);
	/* Either tcpx_wfree() sees the flag or we see it gone. */
	smp_mb__after_atomic();
	if (!skb_fclone_busy(sk, skb))
		return false;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPSPURIOUS_RTX_HOSTQUEUES);
	return true;
}

/**
 * __tcpx_retransmit_skb() - send an skb of the retransmit queue again
 * @sk: socket, locked
 * @skb: the skb
 * @segs: at most so many wire segments of it (the rest is split off)
 *
 * Return: 0; -EBUSY: the first copy is still in the device's queue; -EAGAIN:
 * beyond the peer's window; -EHOSTUNREACH, -ENOMEM, or the IP layer's error.
 */
int __tcpx_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	unsigned int cur_mss, n;
	int window, err;

	/* What is acknowledged from now on says nothing of the size of an MTU probe. */
	tp->mtup.probe_size = 0;
	if (tcpx_skb_still_in_host_queue(sk, skb))
		return -EBUSY;

	if (before(TCPX_CB(skb)->seq, tp->snd_una) &&
	    !(TCPX_CB(skb)->tcp_flags & TCPHDR_SYN)) {
		if (unlikely(before(TCPX_CB(skb)->end_seq, tp->snd_una)))
			return -EINVAL;
		if (tcpx_trim_head(sk, skb, tp->snd_una - TCPX_CB(skb)->seq))
			return -ENOMEM;
	}
	if (tp->af_ops->rebuild_header(sk))
		return -EHOSTUNREACH;

	cur_mss = tcpx_current_mss(sk);
	/* The peer took its window back: only the first segment goes, as a probe. */
	window = tcpx_wnd_end(tp) - TCPX_CB(skb)->seq;
	if (window <= 0) {
		if (TCPX_CB(skb)->seq != tp->snd_una)
			return -EAGAIN;
		window = cur_mss;
	}
	err = tcpx_retransmit_prepare(sk, skb, segs, cur_mss, window);
	if (err)
		return err;

	n = tcpx_skb_pcount(skb);
	TCPX_ADD_STATS(net, TCP_MIB_RETRANSSEGS, n);
	if (TCPX_CB(skb)->tcp_flags & TCPHDR_SYN) {
		TCPX_NET_INC(net, LINUX_MIB_TCPSYNRETRANS);
		if (!(TCPX_CB(skb)->tcp_flags & TCPHDR_ACK))
			tcpx_ecn_clear_syn(sk, skb);
	}
	tp->total_retrans += n;
	tp->bytes_retrans += skb->len;

	err = tcpx_transmit_skb(sk, skb, true, GFP_ATOMIC);
	/* Karn: also after a failure, no RTT may be taken from its ACK. */
	TCPX_CB(skb)->sacked |= TCPXCB_EVER_RETRANS;
	if (likely(!err))
		trace_tcpx_retransmit_segment(sk, skb);
	else if (err != -EBUSY)
		TCPX_NET_ADD(net, LINUX_MIB_TCPRETRANSFAIL, n);
	return err;
}

/**
 * tcpx_retransmit_skb() - the same, with the counters of recovery
 * @sk: socket, locked
 * @skb: the skb
 * @segs: at most so many segments
 *
 * Return: as __tcpx_retransmit_skb().
 */
int tcpx_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int err = __tcpx_retransmit_skb(sk, skb, segs);

	if (!err) {
		TCPX_CB(skb)->sacked |= TCPXCB_RETRANS;
		tp->retrans_out += tcpx_skb_pcount(skb);
	}
	/* Also when it failed: then it is the time of the last transmission, later than which
	 * nothing can answer.
	 */
	if (!tp->retrans_stamp)
		tp->retrans_stamp = tcpx_skb_timestamp(skb);
	if (tp->undo_retrans < 0)
		tp->undo_retrans = 0;
	tp->undo_retrans += tcpx_skb_pcount(skb);
	return err;
}

/**
 * tcpx_xmit_retransmit_queue() - retransmit what is held for lost
 * @sk: socket, locked
 *
 * Lost segments in order of sequence, as the congestion window allows.
 */
void tcpx_xmit_retransmit_queue(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb, *hole = NULL;
	bool rearm = false;
	u32 max_segs;

	if (!tp->packets_out)
		return;
	max_segs = tcpx_tso_segs(sk, tcpx_current_mss(sk));
	skb = tp->retransmit_skb_hint ?: tcpx_rtx_queue_head(sk);
	for (; skb; skb = skb_rb_next(skb)) {
		u8 sacked = TCPX_CB(skb)->sacked;
		int segs;

		if (tcpx_pacing_check(sk))
			break;
		if (!hole)
			tp->retransmit_skb_hint = skb;
		segs = (int)tp->cc.snd_cwnd - (int)tcpx_packets_in_flight(tp);
		if (segs <= 0)
			break;
		segs = min_t(int, segs, max_segs);
		if (tp->retrans_out >= tp->lost_out)
			break;
		if (!(sacked & TCPXCB_LOST)) {
			if (!hole && !(sacked & (TCPXCB_SACKED_RETRANS | TCPXCB_SACKED_ACKED)))
				hole = skb;
			continue;
		}
		if (sacked & (TCPXCB_SACKED_ACKED | TCPXCB_SACKED_RETRANS))
			continue;
		if (tcpx_small_queue_check(sk, skb, 1))
			break;
		if (tcpx_retransmit_skb(sk, skb, segs))
			break;
		TCPX_NET_ADD(sock_net(sk), tp->ca_state == TCP_CA_Loss ?
			     LINUX_MIB_TCPSLOWSTARTRETRANS : LINUX_MIB_TCPFASTRETRANS,
			     tcpx_skb_pcount(skb));
		if (tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery)
			tp->prr_out += tcpx_skb_pcount(skb);
		if (skb == tcpx_rtx_queue_head(sk) && tp->pending != TCPX_TIME_REO_TIMEOUT)
			rearm = true;
	}
	if (rearm)
		tcpx_reset_paced_timer(sk, TCPX_TIME_RETRANS, tp->rto);
}
