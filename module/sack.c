// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the sender's scoreboard: what SACK blocks say of the retransmit
 * queue. rfc2018, rfc2883 (D-SACK), rfc6675#section-3
 */

#include "tcpx.h"

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
		/* sacked_out was raised already: compare with the mark itself, which is
		 * NULL where it stands behind all that was sent.
		 */
		if (tp->highest_sack && !before(cb->seq, TCPX_CB(tp->highest_sack)->seq))
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

/* The same from sequence number start on. */
static bool tcpx_sacktag_block(struct sock *sk, struct tcpx_sacktag_state *state, u32 start,
			       const struct tcp_sack_block *block, u32 limit, bool dup_sack)
{
	return tcpx_sacktag_walk(sk, state, tcpx_rtx_search(sk, start), block, limit, dup_sack);
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

/* Segments that a D-SACK reports; 0: the peer makes things up. */
static u32 tcpx_dsack_seen(struct tcpx_sock *tp, u32 start, u32 end,
			   struct tcpx_sacktag_state *state)
{
	u32 segs = 1;

	/* More than was ever in flight? */
	if (!before(start, end) || end - start > tp->max_window)
		return 0;
	if (end - start > tp->mss_cache)
		segs = DIV_ROUND_UP(end - start, tp->mss_cache);
	tp->dsack_dups += segs;
	/* More than was ever sent twice? */
	if (tp->dsack_dups > tp->total_retrans)
		return 0;
	/* The duplicate of a loss probe tells about the probe; any other, where
	 * reordering was seen, that RACK was too impatient.
	 */
	if (segs == 1 && tp->tlp_high_seq && tp->tlp_high_seq == end)
		state->flag |= TCPX_FLAG_DSACK_TLP;
	else if (tp->reord_seen)
		tp->rack.dsack_seen = 1;
	state->flag |= TCPX_FLAG_DSACKING_ACK;
	/* Needless, but it has left the network. */
	tp->cc.delivered += segs;
	return segs;
}

/* Is the first block a D-SACK (rfc2883#section-4)? Then count it. */
static bool tcpx_check_dsack(struct sock *sk, const struct tcp_sack_block_wire *sp, int num,
			     u32 ack_seq, u32 prior_snd_una, struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 start = get_unaligned_be32(&sp[0].start_seq);
	u32 end = get_unaligned_be32(&sp[0].end_seq);
	u32 segs;

	if (before(start, ack_seq)) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDSACKRECV);
	} else if (num > 1) {
		u32 end1 = get_unaligned_be32(&sp[1].end_seq);
		u32 start1 = get_unaligned_be32(&sp[1].start_seq);

		if (after(end, end1) || before(start, start1))
			return false;
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDSACKOFORECV);
	} else {
		return false;
	}

	segs = tcpx_dsack_seen(tp, start, end, state);
	if (!segs) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPDSACKIGNOREDDUBIOUS);
		return false;
	}
	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPDSACKRECVSEGS, segs);
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
static bool tcpx_sack_clip(const struct tcpx_disorder *d, u32 *start, u32 *end)
{
	int i;

	for (i = 0; d && i < ARRAY_SIZE(d->recv_sack_cache); i++) {
		u32 s = d->recv_sack_cache[i].start_seq;
		u32 e = d->recv_sack_cache[i].end_seq;

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

/* Put a valid block among the others, by sequence number. */
static void tcpx_sack_sort_in(struct tcp_sack_block *sorted, int used, u32 start, u32 end)
{
	for (; used > 0 && before(start, sorted[used - 1].start_seq); used--)
		sorted[used] = sorted[used - 1];
	sorted[used].start_seq = start;
	sorted[used].end_seq = end;
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
	struct tcpx_disorder *d = tcpx_disorder_get(sk);	/* NULL: without the cache */
	struct tcp_sack_block sorted[4] = {}, dup_block;
	bool dsack, dup_due = false, all = true;

	if (!tp->sacked_out) {
		tp->highest_sack = tcpx_rtx_queue_head(sk);
		if (d)
			memset(d->recv_sack_cache, 0, sizeof(d->recv_sack_cache));
	}
	dsack = tcpx_check_dsack(sk, wire, num, ack_seq, prior_snd_una, state);
	/* Too old to say anything true about the queue. */
	if (before(ack_seq, prior_snd_una - tp->max_window) || !tp->packets_out)
		return state->flag;

	for (i = 0; i < num; i++) {
		u32 start = get_unaligned_be32(&wire[i].start_seq);
		u32 end = get_unaligned_be32(&wire[i].end_seq);
		bool dup = !i && dsack;

		if (!tcpx_sackblock_valid(tp, dup, start, end)) {
			/* Those of an ACK that comes late were good in their time. */
			if (dup || ack_seq == tp->snd_una || after(end, tp->snd_una))
				tcpx_sack_invalid(sk, dup);
			continue;
		}
		if (!after(end, prior_snd_una))
			continue;
		if (dup) {
			dup_block = (struct tcp_sack_block){ start, end };
			dup_due = true;
		} else {
			tcpx_sack_sort_in(sorted, used++, start, end);
		}
	}
	/* The option begins with the newest block, mostly the highest. What is below it and is
	 * news by the same ACK arrived before, and is no sign of reordering: so upwards, the
	 * D-SACK, which lies in one of the others, in its turn.
	 */
	for (i = 0; i < used; i++) {
		u32 start = sorted[i].start_seq, end = sorted[i].end_seq;

		if (!tcpx_sack_clip(d, &start, &end))
			continue;
		if (dup_due && before(dup_block.start_seq, end)) {
			if (before(start, dup_block.start_seq))
				all &= tcpx_sacktag_block(sk, state, start, &sorted[i],
							  dup_block.start_seq, false);
			all &= tcpx_sacktag_block(sk, state, dup_block.start_seq, &dup_block,
						  dup_block.end_seq, true);
			dup_due = false;
			if (before(start, dup_block.end_seq))
				start = dup_block.end_seq;
		}
		if (before(start, end))
			all &= tcpx_sacktag_block(sk, state, start, &sorted[i], end, false);
	}
	if (dup_due)
		all &= tcpx_sacktag_block(sk, state, dup_block.start_seq, &dup_block,
					  dup_block.end_seq, true);
	if (d && used && all)
		memcpy(d->recv_sack_cache, sorted, sizeof(sorted));

	if (tp->ca_state != TCP_CA_Loss || tp->undo_marker)
		tcpx_check_sack_reordering(sk, state->reord, false);
	return state->flag;
}
