// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: memory of what was received, and what to do when it runs out.
 *
 * First segments are copied together, which leaves out their overhead, then those beyond
 * a hole are dropped (tcpx_prune_queue()): they are unacknowledged and come again,
 * rfc2018#section-8. What may be promised, so that it seldom comes to that, is in rcvbuf.c.
 */

#include "tcpx.h"

/* A CPU keeps at most so many pages to itself before it tells the others. */
#define TCPX_MEM_PCPU_PAGES	(SZ_1M >> PAGE_SHIFT)

/* The two receive queues look alike to tcpx_collapse(). */
struct tcpx_rcv_queue {
	struct sk_buff_head	*list;	/* the receive queue, or NULL: */
	struct rb_root		*root;	/* the out-of-order queue */
};

static struct sk_buff *tcpx_rq_next(const struct tcpx_rcv_queue *q, struct sk_buff *skb)
{
	if (!q->list)
		return skb_rb_next(skb);
	return skb_queue_is_last(q->list, skb) ? NULL : skb->next;
}

/* Free an skb whose data is no longer needed here; return the next one. */
static struct sk_buff *tcpx_rq_free(struct sock *sk, const struct tcpx_rcv_queue *q,
				    struct sk_buff *skb)
{
	struct sk_buff *next = tcpx_rq_next(q, skb);

	if (q->list)
		__skb_unlink(skb, q->list);
	else
		rb_erase(&skb->rbnode, q->root);
	__kfree_skb(skb);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPRCVCOLLAPSED);
	return next;
}

static void tcpx_ofo_insert(struct rb_root *root, struct sk_buff *skb)
{
	struct rb_node **p = &root->rb_node;
	struct rb_node *parent = NULL;

	while (*p) {
		parent = *p;
		if (before(TCPX_CB(skb)->seq, TCPX_CB(rb_to_skb(parent))->seq))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, root);
}

static bool tcpx_collapsible(const struct sk_buff *skb)
{
	return !(TCPX_CB(skb)->tcp_flags & (TCPHDR_SYN | TCPHDR_FIN));
}

/* The first skb of @skb .. @tail from where copying saves memory, NULL if
 * there is none. *start: the first sequence number still needed.
 */
static struct sk_buff *tcpx_collapse_first(struct sock *sk, const struct tcpx_rcv_queue *q,
					   struct sk_buff *skb, struct sk_buff *tail,
					   u32 *start)
{
	struct sk_buff *next;

	while (skb && skb != tail) {
		if (!before(*start, TCPX_CB(skb)->end_seq)) {
			skb = tcpx_rq_free(sk, q, skb);
			continue;
		}
		next = tcpx_rq_next(q, skb);
		if (tcpx_collapsible(skb) &&
		    (tcpx_guess_win_from_space(sk, skb->truesize) > skb->len ||
		     before(TCPX_CB(skb)->seq, *start)))
			return skb;
		if (next && next != tail && TCPX_CB(skb)->end_seq != TCPX_CB(next)->seq)
			return tcpx_collapsible(skb) ? skb : NULL;
		*start = TCPX_CB(skb)->end_seq;
		skb = next;
	}
	return NULL;
}

/* Fill @nskb with up to @room bytes from @skb on; free what is used up. The skb
 * that comes next, NULL: the end, or it can't be collapsed.
 */
static struct sk_buff *tcpx_collapse_fill(struct sock *sk, const struct tcpx_rcv_queue *q,
					  struct sk_buff *nskb, int room,
					  struct sk_buff *skb, struct sk_buff *tail)
{
	u32 seq = TCPX_CB(nskb)->seq;

	while (room > 0) {
		int size = min_t(int, room, TCPX_CB(skb)->end_seq - seq);

		if (size > 0) {
			if (WARN_ON_ONCE(skb_copy_bits(skb, seq - TCPX_CB(skb)->seq,
						       skb_tail_pointer(nskb), size)))
				return NULL;
			skb_put(nskb, size);
			seq += size;
			room -= size;
			TCPX_CB(nskb)->end_seq = seq;
		}
		if (before(seq, TCPX_CB(skb)->end_seq))
			continue;
		skb = tcpx_rq_free(sk, q, skb);
		if (!skb || skb == tail || !tcpx_collapsible(skb))
			return NULL;
	}
	return skb;
}

/* Copy the contiguous data of @head .. @tail (exclusive, NULL: all) into dense
 * skbs. @start .. @end is the range that is needed.
 */
static void tcpx_collapse(struct sock *sk, const struct tcpx_rcv_queue *q,
			  struct sk_buff *head, struct sk_buff *tail, u32 start, u32 end)
{
	struct sk_buff *skb = tcpx_collapse_first(sk, q, head, tail, &start);
	struct sk_buff *nskb, *next;
	struct sk_buff_head done;

	__skb_queue_head_init(&done);
	while (skb && before(start, end)) {
		int room = min_t(int, SKB_MAX_ORDER(0, 0), end - start);

		nskb = alloc_skb(room, GFP_ATOMIC);
		if (!nskb)
			break;
		memcpy(nskb->cb, skb->cb, sizeof(skb->cb));
		nskb->tstamp = skb->tstamp;
		TCPX_CB(nskb)->seq = start;
		TCPX_CB(nskb)->end_seq = start;
		/* Into the tree only when the old ones have left it. */
		if (q->list)
			__skb_queue_before(q->list, skb, nskb);
		else
			__skb_queue_tail(&done, nskb);
		skb_set_owner_r(nskb, sk);
		skb = tcpx_collapse_fill(sk, q, nskb, room, skb, tail);
		start = TCPX_CB(nskb)->end_seq;
		if (unlikely(!nskb->len)) {
			__skb_unlink(nskb, q->list ?: &done);
			__kfree_skb(nskb);
			break;
		}
	}

	skb_queue_walk_safe(&done, nskb, next) {
		__skb_unlink(nskb, &done);
		tcpx_ofo_insert(q->root, nskb);
	}
}

/* Collapse each contiguous range of the out-of-order queue. A single small skb
 * is not worth it, and many of those end the walk: it must not be a way to
 * keep us busy.
 */
static void tcpx_collapse_ofo_queue(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_rcv_queue q = {};
	struct sk_buff *skb;
	u32 tiny = 0;

	if (tcpx_ofo_empty(tp))
		return;
	q.root = &tp->disorder->out_of_order_queue;
	skb = skb_rb_first(q.root);

	while (skb) {
		struct sk_buff *head = skb;
		u32 start = TCPX_CB(skb)->seq;
		u32 end = TCPX_CB(skb)->end_seq;
		u32 truesize = skb->truesize;

		while ((skb = skb_rb_next(skb)) && !after(TCPX_CB(skb)->seq, end)) {
			truesize += skb->truesize;
			if (after(TCPX_CB(skb)->end_seq, end))
				end = TCPX_CB(skb)->end_seq;
		}
		if (truesize != head->truesize || end - start >= SKB_WITH_OVERHEAD(PAGE_SIZE)) {
			tcpx_collapse(sk, &q, head, skb, start, end);
		} else {
			tiny += truesize;
			if (tiny > sk->sk_rcvbuf >> 3)
				return;
		}
	}
	tp->disorder->ooo_last_skb = skb_rb_last(q.root);
}

/**
 * tcpx_prune_ofo_queue() - drop out-of-order segments, the latest first
 * @sk: socket
 * @in_skb: the segment that needs the room; what precedes it is kept
 *
 * An eighth of the buffer at a time, so that an attack on the queue has to
 * start over; all of it, if that is what it takes. What was SACKed may be
 * dropped (rfc2018#section-8), the blocks to report then go too.
 *
 * Context: socket lock.
 * Return: true if something was dropped
 */
bool tcpx_prune_ofo_queue(struct sock *sk, const struct sk_buff *in_skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int goal = sk->sk_rcvbuf >> 3;
	bool pruned = false;
	struct sk_buff *skb, *prev;

	if (tcpx_ofo_empty(tp))
		return false;

	for (skb = tp->disorder->ooo_last_skb; skb; skb = prev) {
		if (after(TCPX_CB(in_skb)->seq, TCPX_CB(skb)->seq))
			break;
		prev = skb_rb_prev(skb);
		rb_erase(&skb->rbnode, &tp->disorder->out_of_order_queue);
		tp->disorder->ooo_last_skb = prev;
		pruned = true;
		goal -= skb->truesize;
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_OFO_QUEUE_PRUNE);
		if (goal > 0)
			continue;
		if (atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
		    !tcpx_under_memory_pressure(sk))
			break;
		goal = sk->sk_rcvbuf >> 3;
	}

	if (pruned) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_OFOPRUNED);
		tp->rx_opt.dsack = 0;
		tp->rx_opt.num_sacks = 0;
	}
	return pruned;
}

static bool tcpx_rcvbuf_overdrawn(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) > sk->sk_rcvbuf;
}

/**
 * tcpx_prune_queue() - get back within the receive buffer
 * @sk: socket
 * @in_skb: the segment that needs room
 *
 * Context: socket lock.
 * Return: 0, or -1: drop what comes until the user has read
 */
int tcpx_prune_queue(struct sock *sk, const struct sk_buff *in_skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_rcv_queue q = { .list = &sk->sk_receive_queue };

	/* There is nothing to prune: others have the memory. */
	if (!atomic_read(&sk->sk_rmem_alloc))
		return -1;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_PRUNECALLED);

	if (tcpx_rcvbuf_overdrawn(sk))
		tcpx_clamp_window(sk);
	else if (tcpx_under_memory_pressure(sk))
		tcpx_pressure_rcv_ssthresh(sk);
	if (!tcpx_rcvbuf_overdrawn(sk))
		return 0;

	tcpx_collapse_ofo_queue(sk);
	if (!skb_queue_empty(q.list))
		tcpx_collapse(sk, &q, skb_peek(q.list), NULL, tp->copied_seq, tp->rcv_nxt);
	if (!tcpx_rcvbuf_overdrawn(sk))
		return 0;

	tcpx_prune_ofo_queue(sk, in_skb);
	if (!tcpx_rcvbuf_overdrawn(sk))
		return 0;

	TCPX_NET_INC(sock_net(sk), LINUX_MIB_RCVPRUNED);
	tp->pred_flags = 0;
	return -1;
}

/**
 * tcpx_try_rmem_schedule() - may this segment be queued?
 * @sk: socket
 * @skb: the segment
 * @size: bytes it needs, usually skb->truesize
 *
 * Makes room if there is none.
 *
 * Context: socket lock.
 * Return: 0, memory for it is reserved; or -1: drop it
 */
int tcpx_try_rmem_schedule(struct sock *sk, struct sk_buff *skb, unsigned int size)
{
	if (!tcpx_rcvbuf_overdrawn(sk) && sk_rmem_schedule(sk, skb, size))
		return 0;
	if (tcpx_prune_queue(sk, skb) < 0)
		return -1;
	while (!sk_rmem_schedule(sk, skb, size))
		if (!tcpx_prune_ofo_queue(sk, skb))
			return -1;
	return 0;
}

/**
 * tcpx_forced_mem_schedule() - reserve memory for an skb, whatever the limits say
 * @sk: socket
 * @size: bytes, skb->truesize
 *
 * For what must not be refused, lest the connection stands still: the segment that the
 * reader waits for, the first one of an empty send queue. Also the short way for
 * the common case, as it has not to ask.
 *
 * Context: socket lock.
 */
void tcpx_forced_mem_schedule(struct sock *sk, int size)
{
	int __percpu *reserve = sk->sk_prot->per_cpu_fw_alloc;
	int missing = size - sk->sk_forward_alloc;
	int pages = sk_mem_pages(missing);

	if (missing <= 0)
		return;
	if (unlikely(sk->sk_memcg)) {
		tcpx_memcg_forced_schedule(sk, missing);
		return;
	}
	sk_forward_alloc_add(sk, pages << PAGE_SHIFT);
	if (compat_sk_bypass_prot_mem(sk))
		return;
	/* What sk_memory_allocated_add() does, with a smaller share per CPU. */
	if (unlikely(this_cpu_add_return(*reserve, pages) >= TCPX_MEM_PCPU_PAGES))
		atomic_long_add(this_cpu_xchg(*reserve, 0), sk->sk_prot->memory_allocated);
}

/**
 * tcpx_try_coalesce() - append a received segment to the one before it
 * @sk: socket
 * @to: in a receive queue
 * @from: the next one, not in a queue
 * @fragstolen: result: free @from with kfree_skb_partial(from, *fragstolen)
 *
 * Context: socket lock.
 * Return: true if @to now has the data of @from
 */
bool tcpx_try_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *from,
		       bool *fragstolen)
{
	int delta;

	*fragstolen = false;
	if (TCPX_CB(from)->seq != TCPX_CB(to)->end_seq)
		return false;
	if (!skb_try_coalesce(to, from, fragstolen, &delta))
		return false;

	atomic_add(delta, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, delta);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPRCVCOALESCE);
	TCPX_CB(to)->end_seq = TCPX_CB(from)->end_seq;
	TCPX_CB(to)->ack_seq = TCPX_CB(from)->ack_seq;
	TCPX_CB(to)->tcp_flags |= TCPX_CB(from)->tcp_flags;
	if (TCPX_CB(from)->has_rxtstamp) {
		TCPX_CB(to)->has_rxtstamp = 1;
		to->tstamp = from->tstamp;
		skb_hwtstamps(to)->hwtstamp = skb_hwtstamps(from)->hwtstamp;
	}
	return true;
}
