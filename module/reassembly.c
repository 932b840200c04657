// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: arriving data: the receive queue, the out-of-order queue, and the
 * SACK blocks that describe the latter (rfc2018, rfc2883).
 *
 * sk_receive_queue holds data in order, up to rcv_nxt. What lies beyond a hole
 * waits in out_of_order_queue, an rbtree without overlaps between neighbours
 * that start at the same byte, until the hole is filled.
 */

#include "tcpx.h"
#include "trace.h"

/* Beside a timestamp and a D-SACK, so many blocks fit into an ACK. */
#define TCPX_SACK_BLOCKS_EXPECTED	2

/* --- SACK blocks to report ------------------------------------------------ */

/* Grow a block by a range that touches it. */
static bool tcpx_sack_extend(struct tcp_sack_block *sp, u32 seq, u32 end_seq)
{
	if (after(seq, sp->end_seq) || after(sp->start_seq, end_seq))
		return false;
	if (before(seq, sp->start_seq))
		sp->start_seq = seq;
	if (after(end_seq, sp->end_seq))
		sp->end_seq = end_seq;
	return true;
}

/**
 * tcpx_dsack_set() - report that a range came twice
 * @sk: socket, locked
 * @seq: its start
 * @end_seq: its end
 *
 * rfc2883#section-4
 */
void tcpx_dsack_set(struct sock *sk, u32 seq, u32 end_seq)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tcpx_is_sack(tp) || !READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_dsack) ||
	    !tcpx_disorder_get(sk))
		return;
	TCPX_NET_INC(sock_net(sk), before(seq, tp->rcv_nxt) ? LINUX_MIB_TCPDSACKOLDSENT :
							      LINUX_MIB_TCPDSACKOFOSENT);
	tp->rx_opt.dsack = 1;
	tp->disorder->duplicate_sack[0].start_seq = seq;
	tp->disorder->duplicate_sack[0].end_seq = end_seq;
}

static void tcpx_dsack_extend(struct sock *sk, u32 seq, u32 end_seq)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->rx_opt.dsack)
		tcpx_dsack_set(sk, seq, end_seq);
	else
		tcpx_sack_extend(tp->disorder->duplicate_sack, seq, end_seq);
}

/* The first block has grown: it may have met others. */
static void tcpx_sack_maybe_coalesce(struct tcpx_sock *tp)
{
	struct tcp_sack_block *first = tp->disorder->selective_acks;
	int i = 1;

	while (i < tp->rx_opt.num_sacks) {
		struct tcp_sack_block *sp = first + i;

		if (!tcpx_sack_extend(first, sp->start_seq, sp->end_seq)) {
			i++;
			continue;
		}
		tp->rx_opt.num_sacks--;
		memmove(sp, sp + 1, (tp->rx_opt.num_sacks - i) * sizeof(*sp));
	}
}

/* A segment went to the out-of-order queue: its block comes first (rfc2018#section-4).
 * An ACK that waits would tell of fewer blocks than there were: not all that the peer
 * needs fits into an option any more.
 */
static void tcpx_sack_new_ofo_skb(struct sock *sk, u32 seq, u32 end_seq)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcp_sack_block *sp = tp->disorder->selective_acks, block;
	int n = tp->rx_opt.num_sacks, i;

	for (i = 0; i < n; i++) {
		if (!tcpx_sack_extend(sp + i, seq, end_seq))
			continue;
		if (i >= TCPX_SACK_BLOCKS_EXPECTED)
			tcpx_sack_compress_send_ack(sk);
		block = sp[i];
		memmove(sp + 1, sp, i * sizeof(*sp));
		sp[0] = block;
		tcpx_sack_maybe_coalesce(tp);
		return;
	}

	if (n >= TCPX_SACK_BLOCKS_EXPECTED)
		tcpx_sack_compress_send_ack(sk);
	/* The oldest block gives way. */
	if (n >= (int)ARRAY_SIZE(tp->disorder->selective_acks))
		n--;
	memmove(sp + 1, sp, n * sizeof(*sp));
	sp[0].start_seq = seq;
	sp[0].end_seq = end_seq;
	tp->rx_opt.num_sacks = n + 1;
}

/**
 * tcpx_sack_remove() - rcv_nxt has advanced: forget blocks it has passed
 * @tp: socket, locked
 */
void tcpx_sack_remove(struct tcpx_sock *tp)
{
	int n = tp->rx_opt.num_sacks, i = 0;
	struct tcp_sack_block *sp;

	if (tcpx_ofo_empty(tp)) {
		tp->rx_opt.num_sacks = 0;
		return;
	}
	sp = tp->disorder->selective_acks;
	while (i < n) {
		if (before(tp->rcv_nxt, sp[i].start_seq)) {
			i++;
			continue;
		}
		n--;
		memmove(sp + i, sp + i + 1, (n - i) * sizeof(*sp));
	}
	tp->rx_opt.num_sacks = n;
}

/* --- in order ------------------------------------------------------------------ */

static void tcpx_rcv_nxt_update(struct tcpx_sock *tp, u32 seq)
{
	tp->bytes_received += seq - tp->rcv_nxt;
	WRITE_ONCE(tp->rcv_nxt, seq);
}

/**
 * tcpx_queue_rcv() - append a segment in order to the receive queue
 * @sk: socket, locked
 * @skb: segment, header pulled; memory was reserved
 * @fragstolen: returned by skb_try_coalesce()
 *
 * Return: 1 if its data went into the last skb; the caller then frees it with
 * kfree_skb_partial().
 */
int tcpx_queue_rcv(struct sock *sk, struct sk_buff *skb, bool *fragstolen)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	int eaten = tail && tcpx_try_coalesce(sk, tail, skb, fragstolen);

	tcpx_rcv_nxt_update(tcpx_sk(sk), TCPX_CB(skb)->end_seq);
	if (!eaten) {
		__skb_queue_tail(&sk->sk_receive_queue, skb);
		skb_set_owner_r(skb, sk);
	}
	return eaten;
}

static void tcpx_ofo_erase(struct tcpx_sock *tp, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &tp->disorder->out_of_order_queue);
}

/* The hole before the out-of-order queue was filled: take what now follows. */
static void tcpx_ofo_queue(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_disorder *d = tp->disorder;
	u32 dsack_high = tp->rcv_nxt;
	struct sk_buff *skb, *tail;
	bool fin, fragstolen, eaten;

	while ((skb = skb_rb_first(&d->out_of_order_queue))) {
		u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

		if (after(seq, tp->rcv_nxt))
			break;
		/* What came twice, and no more than that. */
		if (before(seq, dsack_high))
			tcpx_dsack_extend(sk, seq,
					  before(end_seq, dsack_high) ? end_seq : dsack_high);
		tcpx_ofo_erase(tp, skb);
		if (unlikely(!after(end_seq, tp->rcv_nxt))) {
			tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_OFO_DROP);
			continue;
		}
		tail = skb_peek_tail(&sk->sk_receive_queue);
		eaten = tail && tcpx_try_coalesce(sk, tail, skb, &fragstolen);
		tcpx_rcv_nxt_update(tp, end_seq);
		fin = TCPX_CB(skb)->tcp_flags & TCPHDR_FIN;
		if (!eaten)
			__skb_queue_tail(&sk->sk_receive_queue, skb);
		else
			kfree_skb_partial(skb, fragstolen);
		if (unlikely(fin)) {
			tcpx_fin(sk);
			/* It has purged the queue: nothing follows a FIN. */
			break;
		}
	}
	if (RB_EMPTY_ROOT(&d->out_of_order_queue))
		d->ooo_last_skb = NULL;
}

/* --- out of order ---------------------------------------------------------------- */

/* Overlaps behind skb: what it covers goes away. */
static void tcpx_ofo_merge_right(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 end_seq = TCPX_CB(skb)->end_seq;
	struct sk_buff *next;

	while ((next = skb_rb_next(skb))) {
		if (!after(end_seq, TCPX_CB(next)->seq))
			break;
		if (before(end_seq, TCPX_CB(next)->end_seq)) {
			tcpx_dsack_extend(sk, TCPX_CB(next)->seq, end_seq);
			break;
		}
		tcpx_ofo_erase(tp, next);
		tcpx_dsack_extend(sk, TCPX_CB(next)->seq, TCPX_CB(next)->end_seq);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPOFOMERGE);
		tcpx_drop(sk, next, SKB_DROP_REASON_TCP_OFOMERGE);
	}
	if (!next)
		tp->disorder->ooo_last_skb = skb;
}

/* Append skb's data to one that ends where it starts. */
static bool tcpx_ofo_try_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *skb)
{
	u32 segs = max_t(u32, 1, skb_shinfo(to)->gso_segs) +
		   max_t(u32, 1, skb_shinfo(skb)->gso_segs);
	bool fragstolen;

	if (TCPX_CB(skb)->seq != TCPX_CB(to)->end_seq ||
	    !tcpx_try_coalesce(sk, to, skb, &fragstolen))
		return false;
	/* So many are dropped if it is pruned. */
	skb_shinfo(to)->gso_segs = min_t(u32, segs, U16_MAX);
	/* As for one that stays: the window goes on growing. */
	if (tcpx_is_sack(tcpx_sk(sk)))
		tcpx_grow_window(sk, skb);
	/* One gone, its truesize went along. */
	kfree_skb_partial(skb, fragstolen);
	return true;
}

/* Put skb into the tree. Returns it, or NULL if it was merged or dropped. */
static struct sk_buff *tcpx_ofo_insert(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_disorder *d = tcpx_sk(sk)->disorder;
	struct rb_node **p = &d->out_of_order_queue.rb_node, *parent = NULL;
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

	/* Most often it continues the last one. */
	if (d->ooo_last_skb) {
		if (tcpx_ofo_try_coalesce(sk, d->ooo_last_skb, skb))
			return NULL;
		if (!before(seq, TCPX_CB(d->ooo_last_skb)->end_seq)) {
			parent = &d->ooo_last_skb->rbnode;
			p = &parent->rb_right;
		}
	}
	while (*p) {
		struct sk_buff *at = rb_to_skb(*p);

		parent = *p;
		if (before(seq, TCPX_CB(at)->seq)) {
			p = &parent->rb_left;
			continue;
		}
		if (before(seq, TCPX_CB(at)->end_seq)) {
			if (!after(end_seq, TCPX_CB(at)->end_seq)) {
				TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPOFOMERGE);
				tcpx_dsack_set(sk, seq, end_seq);
				tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_OFOMERGE);
				return NULL;
			}
			if (!after(seq, TCPX_CB(at)->seq)) {
				/* Same start, and longer: takes its place. */
				rb_replace_node(&at->rbnode, &skb->rbnode,
						&d->out_of_order_queue);
				tcpx_dsack_extend(sk, TCPX_CB(at)->seq, TCPX_CB(at)->end_seq);
				TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPOFOMERGE);
				tcpx_drop(sk, at, SKB_DROP_REASON_TCP_OFOMERGE);
				tcpx_ofo_merge_right(sk, skb);
				return skb;
			}
			tcpx_dsack_set(sk, seq, TCPX_CB(at)->end_seq);
		} else if (tcpx_ofo_try_coalesce(sk, at, skb)) {
			/* It may now reach into its neighbours. */
			tcpx_ofo_merge_right(sk, at);
			return NULL;
		}
		p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &d->out_of_order_queue);
	tcpx_ofo_merge_right(sk, skb);
	return skb;
}

/* A segment beyond a hole. */
static void tcpx_data_queue_ofo(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;
	unsigned int segs = max_t(u16, 1, skb_shinfo(skb)->gso_segs);

	tcpx_ecn_check_ce(sk, skb);
	if (unlikely(tcpx_try_rmem_schedule(sk, skb, skb->truesize) || !tcpx_disorder_get(sk))) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPOFODROP);
		sk->sk_data_ready(sk);
		tcpx_drop(sk, skb, SKB_DROP_REASON_PROTO_MEM);
		return;
	}

	tcpx_measure_rcv_mss(sk, skb);
	tp->pred_flags = 0;
	tcpx_schedule_ack(sk);
	tp->rcv_ooopack += segs;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPOFOQUEUE);

	skb = tcpx_ofo_insert(sk, skb);
	if (tcpx_is_sack(tp))
		tcpx_sack_new_ofo_skb(sk, seq, end_seq);
	if (skb) {
		/* The hole will be filled: the window may go on growing. */
		if (tcpx_is_sack(tp))
			tcpx_grow_window(sk, skb);
		skb_set_owner_r(skb, sk);
	}
	tcpx_rcvbuf_grow_ofo(sk);
}

/**
 * tcpx_ofo_purge() - throw the out-of-order queue away
 * @sk: socket, locked
 */
void tcpx_ofo_purge(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_disorder *d = tp->disorder;
	struct sk_buff *skb;

	tp->rx_opt.num_sacks = 0;
	tp->rx_opt.dsack = 0;
	if (!d)
		return;
	while ((skb = skb_rb_first(&d->out_of_order_queue))) {
		tcpx_ofo_erase(tp, skb);
		__kfree_skb(skb);
	}
	d->ooo_last_skb = NULL;
}

/* --- all data ---------------------------------------------------------------------- */

/**
 * tcpx_rcv_spurious_retrans() - a segment came that was acknowledged before
 * @sk: socket, locked
 * @skb: segment
 *
 * For the second time, and with another flow label: the peer has had a timeout, so that our ACKs
 * may be what gets lost. Try another path, unless we are about to by a timeout of our own. The
 * same label, and any duplicate of IPv4, may as well be the network's doing. Or it is AccECN's
 * option that gets them lost.
 */
void tcpx_rcv_spurious_retrans(struct sock *sk, const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	struct tcpx_disorder *d = tcpx_skb_is_v6(skb) ? tcpx_disorder_get(sk) : NULL;
	u32 label, last;
#endif

	if (tcpx_ecn_accurate(tcpx_sk(sk)))
		tcpx_accecn_spurious(tcpx_sk(sk), TCPX_CB(skb)->seq);
#if IS_ENABLED(CONFIG_IPV6)
	if (!d)
		return;
	last = d->lrcv_flowlabel;
	label = ntohl(ip6_flowlabel(ipv6_hdr(skb)));
	d->lrcv_flowlabel = label;
	if (last && label != last && TCPX_CB(skb)->seq == d->duplicate_sack[0].start_seq &&
	    tcpx_sk(sk)->ca_state != TCP_CA_Loss && tcpx_rethink_path(sk))
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDUPLICATEDATAREHASH);
#endif
}

/* Data that says nothing new, or that can't be taken: answer at once. */
static void tcpx_data_unwelcome(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)
{
	tcpx_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
	tcpx_schedule_ack(sk);
	tcpx_drop(sk, skb, reason);
}

/* Memory for the next segment in order. None: the peer is told to stop, and why have the reader
 * sleep on? But what an empty queue's reader waits for, or a FIN, is taken beyond the
 * limits: it can't be more than one window.
 */
static bool tcpx_schedule_in_order(struct sock *sk, struct sk_buff *skb)
{
	bool empty = skb_queue_empty(&sk->sk_receive_queue);

	/* Not that it were refused: the short way to the same. */
	if (empty && atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
	    !tcpx_under_memory_pressure(sk)) {
		tcpx_forced_mem_schedule(sk, skb->truesize);
		return true;
	}
	if (!tcpx_try_rmem_schedule(sk, skb, skb->truesize))
		return true;
	tcpx_sk(sk)->ack.pending |= TCPX_ACK_SCHED | TCPX_ACK_NOW | TCPX_ACK_NOMEM;
	sk->sk_data_ready(sk);
	if (!empty && skb->len)
		return false;
	tcpx_forced_mem_schedule(sk, skb->truesize);
	return true;
}

static void tcpx_data_in_order(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool fragstolen;
	int eaten;

	if (unlikely(!tcpx_schedule_in_order(sk, skb))) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPRCVQDROP);
		tcpx_drop(sk, skb, SKB_DROP_REASON_PROTO_MEM);
		return;
	}

	eaten = tcpx_queue_rcv(sk, skb, &fragstolen);
	if (skb->len)
		tcpx_event_data_recv(sk, skb);
	if (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN)
		tcpx_fin(sk);
	if (!tcpx_ofo_empty(tp)) {
		tcpx_ofo_queue(sk);
		/* rfc5681#section-4.2: when a hole is filled, tell at once */
		if (tcpx_ofo_empty(tp))
			tp->ack.pending |= TCPX_ACK_NOW;
	}
	if (tp->rx_opt.num_sacks)
		tcpx_sack_remove(tp);
	tcpx_fast_path_check(sk);
	if (eaten)
		kfree_skb_partial(skb, fragstolen);
	if (!sock_flag(sk, SOCK_DEAD))
		tcpx_data_ready(sk);
}

/**
 * tcpx_data_queue() - rfc9293#section-3.10.7.4 "seventh, process the segment text"
 * @sk: socket, locked
 * @skb: acceptable segment, consumed
 */
void tcpx_data_queue(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;
	u32 window = tcpx_receive_window(tp);

	if (seq == end_seq) {
		__kfree_skb(skb);
		return;
	}
	skb_dst_drop(skb);
	__skb_pull(skb, tcp_hdr(skb)->doff * 4);
	tp->rx_opt.dsack = 0;

	if (!after(end_seq, tp->rcv_nxt)) {
		/* Old: our ACK was lost, or the peer was impatient. */
		tcpx_rcv_spurious_retrans(sk, skb);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_DELAYEDACKLOST);
		tcpx_dsack_set(sk, seq, end_seq);
		tcpx_data_unwelcome(sk, skb, SKB_DROP_REASON_TCP_OLD_DATA);
		return;
	}
	if (after(seq, tp->rcv_nxt)) {
		if (before(seq, tp->rcv_nxt + window)) {
			tcpx_data_queue_ofo(sk, skb);
			return;
		}
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_BEYOND_WINDOW);
		tcpx_data_unwelcome(sk, skb, SKB_DROP_REASON_TCP_OVERWINDOW);
		return;
	}

	/* It starts at rcv_nxt or before. */
	if (before(seq, tp->rcv_nxt))
		tcpx_dsack_set(sk, seq, tp->rcv_nxt);
	/* A bare FIN needs no room. */
	if (!window && skb->len) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPZEROWINDOWDROP);
		tcpx_data_unwelcome(sk, skb, SKB_DROP_REASON_TCP_ZEROWINDOW);
		return;
	}
	tcpx_data_in_order(sk, skb);
}
