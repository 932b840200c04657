// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: from the write queue to the IP layer.
 *
 * The write queue (sk_write_queue) holds what the user queued and nobody has
 * sent; when an skb is sent it moves to the retransmit queue (tcp_rtx_queue,
 * an rbtree by seq) and to tsorted_sent_queue (by time of sending), and stays
 * there until it is acknowledged. What goes down the stack is a clone.
 *
 * How a segment looks is decided here, in tcpx_transmit_skb(); which of them may
 * go, and when, in xmit.c; which go again, in retransmit.c. Segments without new
 * data (SYN, ACK, FIN, RST, probes) are made in output_ctl.c; what is lost is
 * decided in recovery.c, rack.c and timer.c.
 */

#include "tcpx.h"
#include "trace.h"

/**
 * tcpx_mstamp_refresh() - note the time, once per burst
 * @tp: socket
 */
void tcpx_mstamp_refresh(struct tcpx_sock *tp)
{
	tp->tcp_mstamp = div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

/**
 * tcpx_rtx_queue_insert() - put a sent skb into the retransmit queue
 * @sk: socket, locked
 * @skb: the skb, ordered by TCPX_CB(skb)->seq
 */
void tcpx_rtx_queue_insert(struct sock *sk, struct sk_buff *skb)
{
	struct rb_node **p = &sk->tcp_rtx_queue.rb_node;
	struct rb_node *parent = NULL;

	while (*p) {
		struct sk_buff *at = rb_to_skb(*p);

		parent = *p;
		if (before(TCPX_CB(skb)->seq, TCPX_CB(at)->seq))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &sk->tcp_rtx_queue);
}

/**
 * tcpx_rtx_queue_unlink_free() - an skb is acknowledged for good
 * @sk: socket, locked
 * @skb: skb in the retransmit queue
 */
void tcpx_rtx_queue_unlink_free(struct sock *sk, struct sk_buff *skb)
{
	list_del(&skb->tcp_tsorted_anchor);
	/* It lies over what freeing looks at. */
	tcp_skb_tsorted_anchor_cleanup(skb);
	rb_erase(&skb->rbnode, &sk->tcp_rtx_queue);
	tcpx_wmem_free_skb(sk, skb);
}

/**
 * tcpx_skb_entail() - append a fresh skb to the write queue
 * @sk: socket, locked
 * @skb: from tcpx_stream_alloc_skb(), empty
 */
void tcpx_skb_entail(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);

	cb->seq = tp->write_seq;
	cb->end_seq = tp->write_seq;
	cb->tcp_flags = TCPHDR_ACK;
	__skb_header_release(skb);
	__skb_queue_tail(&sk->sk_write_queue, skb);
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	if (sk->sk_write_queue.next == skb)
		tcpx_chrono_start(sk, TCP_CHRONO_BUSY);
	if (tp->nonagle & TCPX_NAGLE_PUSH)
		tp->nonagle &= ~TCPX_NAGLE_PUSH;
	tcpx_slow_start_after_idle_check(sk);
}

/**
 * tcpx_stream_alloc_skb() - an empty skb for the write queue
 * @sk: socket, locked
 * @gfp: allocation flags
 * @force: no limit of memory may keep us from it
 *
 * Headers go into the linear part, payload into page fragments. Memory is
 * reserved but not charged: tcpx_skb_entail() does that.
 *
 * Return: the skb, or NULL without memory (pressure is then noted).
 */
struct sk_buff *tcpx_stream_alloc_skb(struct sock *sk, gfp_t gfp, bool force)
{
	struct sk_buff *skb = alloc_skb_fclone(TCPX_MAX_HEADER, gfp);

	if (unlikely(!skb)) {
		if (!compat_sk_bypass_prot_mem(sk))
			tcpx_enter_memory_pressure(sk);
		sk_stream_moderate_sndbuf(sk);
		return NULL;
	}

	skb->truesize = SKB_TRUESIZE(skb_end_offset(skb));
	/* With empty queues no ACK would ever make room. */
	if (force || tcpx_rtx_and_write_queues_empty(sk)) {
		tcpx_forced_mem_schedule(sk, skb->truesize);
	} else if (unlikely(!sk_wmem_schedule(sk, skb->truesize))) {
		__kfree_skb(skb);
		return NULL;
	}
	skb_reserve(skb, TCPX_MAX_HEADER);
	skb->ip_summed = CHECKSUM_PARTIAL;
	memset(skb->cb, 0, sizeof(skb->cb));
	INIT_LIST_HEAD(&skb->tcp_tsorted_anchor);
	return skb;
}

/* --- segment sizes ------------------------------------------------------ */

/**
 * tcpx_mtu_to_mss() - payload per segment for a path MTU
 * @sk: socket
 * @pmtu: bytes
 *
 * Return: bytes, the options that every segment carries deducted
 * (rfc6691, rfc9293#section-3.7.1).
 */
u32 tcpx_mtu_to_mss(struct sock *sk, u32 pmtu)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int floor = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_min_snd_mss);
	int mss = (int)pmtu - tp->af_ops->net_header_len - (int)sizeof(struct tcphdr);

	if (mss > tp->rx_opt.mss_clamp)
		mss = tp->rx_opt.mss_clamp;
	mss -= tp->ext_hdr_len;
	if (mss < floor)
		mss = floor;
	mss -= tp->tcp_header_len - sizeof(struct tcphdr);
	return max(mss, 1);
}

/**
 * tcpx_mss_to_mtu() - inverse of tcpx_mtu_to_mss()
 * @sk: socket
 * @mss: bytes
 *
 * Return: bytes.
 */
u32 tcpx_mss_to_mtu(struct sock *sk, u32 mss)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	return mss + tp->tcp_header_len + tp->ext_hdr_len + tp->af_ops->net_header_len;
}

/* A peer whose whole window is small would never see a full segment
 * acknowledged in time: use at most half of it (rfc9293#section-3.8.6.2.1).
 */
static int tcpx_bound_to_half_wnd(const struct tcpx_sock *tp, int size)
{
	int cutoff = tp->max_window;

	if (tp->max_window > TCP_MSS_DEFAULT)
		cutoff = tp->max_window >> 1;
	if (cutoff && size > cutoff)
		return max_t(int, cutoff, 68 - tp->tcp_header_len);
	return size;
}

/**
 * tcpx_sync_mss() - the path MTU is (now) pmtu
 * @sk: socket, locked
 * @pmtu: bytes
 *
 * Return: the MSS now in force, also in tp->mss_cache.
 */
unsigned int tcpx_sync_mss(struct sock *sk, u32 pmtu)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int mss = tcpx_bound_to_half_wnd(tp, tcpx_mtu_to_mss(sk, pmtu));

	tp->pmtu_cookie = pmtu;
	tp->mtup.search_high = min(tp->mtup.search_high, pmtu);
	if (unlikely(tp->mtup.enabled))
		mss = min_t(int, mss, tcpx_mtu_to_mss(sk, tp->mtup.search_low));
	tp->mss_cache = mss;
	return mss;
}

/**
 * tcpx_current_mss() - payload of a full segment sent now
 * @sk: socket, locked
 *
 * Follows the route's MTU, and the SACK blocks that are due.
 *
 * Return: bytes.
 */
unsigned int tcpx_current_mss(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);
	struct tcpx_out_options opts;
	unsigned int header_len;
	u32 mss = tp->mss_cache;

	if (dst) {
		u32 mtu = dst_mtu(dst);

		if (mtu != tp->pmtu_cookie)
			mss = tcpx_sync_mss(sk, mtu);
	}

	header_len = tcpx_established_options(sk, NULL, &opts) + sizeof(struct tcphdr);
	if (header_len != tp->tcp_header_len)
		mss -= (int)header_len - tp->tcp_header_len;
	return mss;
}

/**
 * tcpx_advertise_mss() - MSS option of our SYN
 * @sk: socket, locked, routed
 *
 * Return: bytes, from the route (rfc9293#section-3.7.1).
 */
u16 tcpx_advertise_mss(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);

	if (dst) {
		unsigned int metric = dst_metric_advmss(dst);

		if (metric < tp->advmss)
			tp->advmss = metric;
	}
	return tp->advmss;
}

/* How many bytes one skb may carry: whole segments, up to what the device
 * can segment and half the peer's window.
 */
static unsigned int tcpx_xmit_size_goal(struct sock *sk, u32 mss_now, bool large)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 want, goal;

	if (!large)
		return mss_now;

	want = tcpx_bound_to_half_wnd(tp, sk->sk_gso_max_size);
	goal = tp->gso_segs * mss_now;
	if (unlikely(want < goal || want >= goal + mss_now)) {
		tp->gso_segs = min_t(u16, want / mss_now, READ_ONCE(sk->sk_gso_max_segs));
		goal = tp->gso_segs * mss_now;
	}
	return max(goal, mss_now);
}

/**
 * tcpx_send_mss() - sizes for sendmsg()
 * @sk: socket, locked
 * @size_goal: returns bytes one skb should carry
 * @flags: MSG_*; out-of-band data is not gathered
 *
 * Return: the MSS, bytes.
 */
unsigned int tcpx_send_mss(struct sock *sk, int *size_goal, int flags)
{
	unsigned int mss_now = tcpx_current_mss(sk);

	*size_goal = tcpx_xmit_size_goal(sk, mss_now, !(flags & MSG_OOB));
	return mss_now;
}

/**
 * tcpx_set_skb_tso_segs() - into how many segments is an skb cut?
 * @skb: skb of the write or retransmit queue
 * @mss_now: payload bytes of a segment
 */
void tcpx_set_skb_tso_segs(struct sk_buff *skb, unsigned int mss_now)
{
	struct tcpx_skb_cb *cb = TCPX_CB(skb);

	if (skb->len <= mss_now) {
		cb->gso_segs = 1;
		cb->gso_size = 0;
	} else {
		cb->gso_segs = DIV_ROUND_UP(skb->len, mss_now);
		cb->gso_size = mss_now;
	}
}

/**
 * tcpx_init_tso_segs() - the same, if it is not known yet or the MSS changed
 * @skb: skb of the write queue
 * @mss_now: payload bytes of a segment
 *
 * Return: segments.
 */
int tcpx_init_tso_segs(struct sk_buff *skb, unsigned int mss_now)
{
	int segs = tcpx_skb_pcount(skb);

	if (!segs || (segs > 1 && tcpx_skb_mss(skb) != mss_now)) {
		tcpx_set_skb_tso_segs(skb, mss_now);
		segs = tcpx_skb_pcount(skb);
	}
	return segs;
}

/* --- splitting ---------------------------------------------------------- */

/**
 * tcpx_unclone() - make the skb's head and fragment array ours alone
 * @skb: skb of the write or retransmit queue; stays charged as it was
 * @gfp: allocation flags
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_unclone(struct sk_buff *skb, gfp_t gfp)
{
	unsigned int truesize = skb->truesize;
	int err = 0;

	if (skb_cloned(skb)) {
		err = pskb_expand_head(skb, 0, 0, gfp);
		skb->truesize = truesize;
	}
	return err;
}

/**
 * tcpx_adjust_pcount() - an skb that was sent is now fewer wire segments
 * @sk: socket, locked
 * @skb: the skb, its marks as they were
 * @decr: how many fewer; may be negative
 */
void tcpx_adjust_pcount(struct sock *sk, const struct sk_buff *skb, int decr)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u8 sacked = TCPX_CB(skb)->sacked;

	tp->packets_out -= decr;
	if (sacked & TCPXCB_SACKED_ACKED)
		tp->sacked_out -= decr;
	if (sacked & TCPXCB_SACKED_RETRANS)
		tp->retrans_out -= decr;
	if (sacked & TCPXCB_LOST)
		tp->lost_out -= decr;
	/* Without SACK, sacked_out is a guess: keep it plausible. */
	if (!tcpx_is_sack(tp) && decr > 0)
		tp->sacked_out -= min_t(u32, tp->sacked_out, decr);
}

/* Move what lies beyond len into a new skb that follows in the same queue. */
static struct sk_buff *tcpx_split(struct sock *sk, struct sk_buff *skb, u32 len, gfp_t gfp)
{
	struct tcpx_skb_cb *cb = TCPX_CB(skb), *ncb;
	struct sk_buff *buff;
	u32 nlen;

	if (tcpx_unclone(skb, gfp))
		return NULL;
	/* What can't be cut can't be retransmitted, and then no ACK makes room. */
	buff = tcpx_stream_alloc_skb(sk, gfp, true);
	if (!buff)
		return NULL;

	sk_wmem_queued_add(sk, buff->truesize);
	sk_mem_charge(sk, buff->truesize);
	nlen = skb->len - len;
	buff->truesize += nlen;
	skb->truesize -= nlen;

	ncb = TCPX_CB(buff);
	ncb->seq = cb->seq + len;
	ncb->end_seq = cb->end_seq;
	cb->end_seq = ncb->seq;
	ncb->tcp_flags = cb->tcp_flags;
	cb->tcp_flags &= ~(TCPHDR_FIN | TCPHDR_PSH);
	ncb->sacked = cb->sacked;
	ncb->eor = cb->eor;
	cb->eor = 0;
	ncb->tx = cb->tx;
	ncb->is_app_limited = cb->is_app_limited;

	skb_split(skb, buff, len);
	tcpx_split_tx_stamp(sk, skb, buff);
	compat_skb_set_delivery_mono(buff, skb->tstamp);
	__skb_header_release(buff);
	return buff;
}

/**
 * tcpx_fragment_new() - split an skb that waits in the write queue
 * @sk: socket, locked
 * @skb: the skb; keeps the first part
 * @len: bytes of the first part
 * @mss_now: current MSS
 * @gfp: allocation flags
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_fragment_new(struct sock *sk, struct sk_buff *skb, u32 len,
		      unsigned int mss_now, gfp_t gfp)
{
	struct sk_buff *buff = tcpx_split(sk, skb, len, gfp);

	if (!buff)
		return -ENOMEM;
	tcpx_set_skb_tso_segs(skb, mss_now);
	tcpx_set_skb_tso_segs(buff, mss_now);
	__skb_queue_after(&sk->sk_write_queue, skb, buff);
	return 0;
}

/**
 * tcpx_fragment_rtx() - split an skb of the retransmit queue
 * @sk: socket, locked
 * @skb: the skb; keeps the first part
 * @len: bytes of the first part, less than skb->len
 * @mss_now: current MSS
 * @gfp: allocation flags
 *
 * Context: counters of segments in flight stay right.
 * Return: 0, or -ENOMEM: no memory, or a peer tries to have us cut the queue
 * into crumbs (CVE-2019-11478).
 */
int tcpx_fragment_rtx(struct sock *sk, struct sk_buff *skb, u32 len,
		      unsigned int mss_now, gfp_t gfp)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	long limit = sk->sk_sndbuf + 2 * SKB_TRUESIZE(GSO_LEGACY_MAX_SIZE);
	int old = tcpx_skb_pcount(skb);
	struct sk_buff *buff;

	if (unlikely((sk->sk_wmem_queued >> 1) > limit &&
		     skb != tcpx_rtx_queue_head(sk) &&
		     skb != tcpx_rtx_queue_tail(sk))) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPWQUEUETOOBIG);
		return -ENOMEM;
	}

	buff = tcpx_split(sk, skb, len, gfp);
	if (!buff)
		return -ENOMEM;
	tcpx_set_skb_tso_segs(skb, mss_now);
	tcpx_set_skb_tso_segs(buff, mss_now);
	if (!before(tp->snd_nxt, TCPX_CB(buff)->end_seq)) {
		int diff = old - tcpx_skb_pcount(skb) - tcpx_skb_pcount(buff);

		if (diff)
			tcpx_adjust_pcount(sk, skb, diff);
	}
	tcpx_rtx_queue_insert(sk, buff);
	list_add(&buff->tcp_tsorted_anchor, &skb->tcp_tsorted_anchor);
	/* A SACKed skb is not in the time-sorted list; nor is its tail. */
	if (list_empty(&skb->tcp_tsorted_anchor) ||
	    TCPX_CB(skb)->sacked & TCPXCB_SACKED_ACKED)
		list_del_init(&buff->tcp_tsorted_anchor);
	return 0;
}

/* Drop the first len bytes of the payload. Returns what fragments gave up. */
static u32 tcpx_eat_head(struct sk_buff *skb, u32 len)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 eat = min_t(u32, len, skb_headlen(skb));
	int i, k = 0;

	if (eat)
		__skb_pull(skb, eat);
	len -= eat;
	eat = len;
	for (i = 0; i < shinfo->nr_frags; i++) {
		u32 size = skb_frag_size(&shinfo->frags[i]);

		if (size <= eat) {
			skb_frag_unref(skb, i);
			eat -= size;
			continue;
		}
		shinfo->frags[k] = shinfo->frags[i];
		if (eat) {
			skb_frag_off_add(&shinfo->frags[k], eat);
			skb_frag_size_sub(&shinfo->frags[k], eat);
			eat = 0;
		}
		k++;
	}
	shinfo->nr_frags = k;
	skb->data_len -= len;
	skb->len -= len;
	return len;
}

/**
 * tcpx_trim_head() - the first bytes of a sent skb are acknowledged
 * @sk: socket, locked
 * @skb: skb in the retransmit queue
 * @len: bytes to drop, at most skb->len
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_trim_head(struct sock *sk, struct sk_buff *skb, u32 len)
{
	u32 freed;

	if (tcpx_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	freed = tcpx_eat_head(skb, len);
	TCPX_CB(skb)->seq += len;
	skb->truesize -= freed;
	sk_wmem_queued_add(sk, -(int)freed);
	sk_mem_uncharge(sk, freed);
	if (tcpx_skb_pcount(skb) > 1)
		tcpx_set_skb_tso_segs(skb, tcpx_skb_mss(skb));
	return 0;
}

/* --- one segment -------------------------------------------------------- */

/* Bookkeeping for an ACK that leaves with any segment. */
static void tcpx_event_ack_sent(struct sock *sk, u32 rcv_nxt)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	/* What has come since (tcpx_ecn_exact_ece()) is not acknowledged yet. */
	if (unlikely(rcv_nxt != tp->rcv_nxt))
		return;
	/* Only what acknowledges something new counts. */
	if (tp->ack.quick && (tp->ack.pending & TCPX_ACK_SCHED)) {
		tp->ack.quick--;
		if (!tp->ack.quick)
			tp->ack.ato = TCPX_ATO_MIN;
	}
	tp->ack.pending = 0;
	tp->ack_retry = 0;
	if (unlikely(tp->compressed_ack)) {
		TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPACKCOMPRESSED, tp->compressed_ack);
		tp->compressed_ack = 0;
		if (hrtimer_try_to_cancel(&tp->disorder->compressed_ack_timer) == 1)
			__sock_put(sk);
	}
}

/* Sending begins, or goes on after a pause. */
static void tcpx_cong_tx_start(struct sock *sk, u32 now)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->cc.ops->cwnd_event(&tp->cc, TCPX_CA_EVENT_TX_START, now);
	if (tp->cc.ops->cong_control)
		tcpx_cc_set_pacing_rate(sk, tp->cc.pacing_rate);
}

/* Data leaves: is this an interactive session, was it idle? */
static void tcpx_event_data_sent(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 now = tcpx_jiffies32();

	if (!tcpx_packets_in_flight(tp) && tp->cc.ops->cwnd_event)
		tcpx_cong_tx_start(sk, now);
	tp->lsndtime = now;
	/* An answer within the delayed-ACK time: ACKs can ride on data. */
	if ((u32)(now - tp->ack.lrcvtime) < tp->ack.ato &&
	    tp->ack.pingpong < 255)
		tp->ack.pingpong++;
}

/* rfc9293#section-3.8.5; the pointer names the byte after the urgent one, as
 * every TCP in use does (rfc6093). If that is too far, the farthest will do, but only one that
 * has not been sent: the receiver may have it already, and would take it for the urgent one.
 */
static void tcpx_write_urg(const struct tcpx_sock *tp, struct tcphdr *th, u32 seq)
{
	if (before(tp->snd_up, seq + 0x10000))
		th->urg_ptr = htons(tp->snd_up - seq);
	else if (after(seq + 0xFFFF, tp->snd_nxt))
		th->urg_ptr = htons(0xFFFF);
	else
		return;
	th->urg = 1;
}

static void tcpx_build_header(struct sock *sk, struct sk_buff *skb, u32 hdr_len, u16 window,
			      u32 rcv_nxt)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	struct tcphdr *th = (struct tcphdr *)skb->data;

	th->source = inet->inet_sport;
	th->dest = inet->inet_dport;
	th->seq = htonl(cb->seq);
	th->ack_seq = htonl(cb->tcp_flags & TCPHDR_ACK ? rcv_nxt : 0);
	*(((__be16 *)th) + 6) = htons(((hdr_len >> 2) << 12) | (cb->ae << 8) | cb->tcp_flags);
	th->window = htons(window);
	th->check = 0;
	th->urg_ptr = 0;
	if (unlikely(tcpx_urg_mode(tp) && before(cb->seq, tp->snd_up)))
		tcpx_write_urg(tp, th, cb->seq);
}

static void tcpx_count_sent(struct tcpx_sock *tp, struct net *net, const struct sk_buff *skb,
			    u32 payload)
{
	unsigned int segs = max_t(unsigned int, tcpx_skb_pcount(skb), 1);

	tp->segs_out += segs;
	if (payload) {
		tp->data_segs_out += segs;
		tp->bytes_sent += payload;
	}
	if (after(TCPX_CB(skb)->end_seq, tp->snd_nxt) ||
	    TCPX_CB(skb)->seq == TCPX_CB(skb)->end_seq)
		TCPX_ADD_STATS(net, TCP_MIB_OUTSEGS, segs);
}

/* The skb that stays in the queue remembers when it left. */
static void tcpx_note_sent(struct sock *sk, struct sk_buff *oskb, u64 prior_wstamp)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (sk->sk_pacing_status != SK_PACING_NONE) {
		unsigned long rate = READ_ONCE(sk->sk_pacing_rate);

		/* Half a burst of credit while the clock ran ahead of us. */
		if (rate != ~0UL && rate && tp->data_segs_out >= 10) {
			u64 len_ns = div64_ul((u64)oskb->len * NSEC_PER_SEC, rate);
			u64 credit = tp->tcp_wstamp_ns - prior_wstamp;

			len_ns -= min_t(u64, len_ns / 2, credit);
			tp->tcp_wstamp_ns += len_ns;
		}
	}
	list_move_tail(&oskb->tcp_tsorted_anchor, &tp->tsorted_sent_queue);
}

/* A pure ACK is charged next to nothing, so that the small-queue limits don't
 * count it.
 */
static void tcpx_ack_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	WARN_ON_ONCE(refcount_sub_and_test(skb->truesize - 1, &sk->sk_wmem_alloc));
	sk_free(sk);
}

static bool tcpx_skb_is_pure_ack(const struct sk_buff *skb)
{
	return skb->truesize == 2;
}

/*
 * May what is sent wait in a queue on this host? Loopback has one only where an administrator
 * gave it one. Where nothing waits, nothing is to be kept back.
 */
static bool tcpx_may_wait_in_queue(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);
	struct net_device *dev;
	bool may = true;

	rcu_read_lock();
	dev = dst ? dst_dev_rcu(dst) : NULL;
	if (dev && dev->flags & IFF_LOOPBACK)
		may = rcu_dereference(netdev_get_tx_queue(dev, 0)->qdisc)->enqueue;
	rcu_read_unlock();
	return may;
}

/* sock_wfree() is tcpx_wfree() by way of sk_write_space(), for what may wait: the kernel knows
 * its name. skb_segment() hands what a packet is charged for to the last segment, and
 * skb_orphan_partial(), by which netem takes what it delays off the account, leaves the owner,
 * so that skb_fclone_busy() tells that it is here still. With a destructor of ours both forget
 * it. Where no segment waits that is as good, and better for a receiver on this host: it would
 * pay for the whole packet with the last segment of it, and only ours has
 * tcpx_charge_own_part(). And where somebody in the kernel has sk_write_space() it is not ours
 * to be called: nothing would continue what the small-queue limits hold back.
 */
static void tcpx_charge_to_socket(struct sock *sk, struct sk_buff *skb)
{
	skb_orphan(skb);
	skb->sk = sk;
	if (tcpx_skb_is_pure_ack(skb))
		skb->destructor = tcpx_ack_wfree;
	else if (READ_ONCE(sk->sk_write_space) == tcpx_write_space && tcpx_may_wait_in_queue(sk))
		skb->destructor = sock_wfree;
	else
		skb->destructor = tcpx_wfree;
	refcount_add(skb->truesize, &sk->sk_wmem_alloc);
	skb_set_dst_pending_confirm(skb, READ_ONCE(sk->sk_dst_pending_confirm));
}

static struct sk_buff *tcpx_clone_for_xmit(struct sk_buff *oskb, gfp_t gfp)
{
	struct sk_buff *skb;

	tcp_skb_tsorted_save(oskb) {
		if (unlikely(skb_cloned(oskb)))
			skb = pskb_copy(oskb, gfp);
		else
			skb = skb_clone(oskb, gfp);
	} tcp_skb_tsorted_restore(oskb);
	if (skb)
		skb->dev = NULL;
	return skb;
}

/**
 * __tcpx_transmit_skb() - give one skb a TCP header and send it
 * @sk: socket, locked
 * @skb: the skb; consumed unless @clone
 * @clone: send a clone and keep @skb for retransmission
 * @gfp: allocation flags
 * @rcv_nxt: what to acknowledge
 *
 * Return: 0, or a negative errno, or NET_XMIT_* folded by net_xmit_eval():
 * the segment counts as sent only if 0.
 */
int __tcpx_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone, gfp_t gfp,
			u32 rcv_nxt)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_out_options opts;
	struct sk_buff *oskb = NULL;
	u64 prior_wstamp = tp->tcp_wstamp_ns;
	unsigned int hdr_len;
	u32 payload = skb->len;
	bool syn = TCPX_CB(skb)->tcp_flags & TCPHDR_SYN;
	u16 window;
	int err;

	tp->tcp_wstamp_ns = max(tp->tcp_wstamp_ns, tcpx_mstamp_ns(tp));
	compat_skb_set_delivery_mono(skb, tp->tcp_wstamp_ns);
	if (clone) {
		oskb = skb;
		skb = tcpx_clone_for_xmit(oskb, gfp);
		if (unlikely(!skb))
			return -ENOBUFS;
		compat_skb_set_delivery_mono(skb, tp->tcp_wstamp_ns);
	}

	hdr_len = sizeof(struct tcphdr);
	hdr_len += syn ? tcpx_syn_options(sk, skb, &opts) :
			 tcpx_established_options(sk, skb, &opts);
	/* Nothing of ours in the device queues: reordering by a new transmit
	 * queue can't hurt.
	 */
	skb->ooo_okay = sk_wmem_alloc_get(sk) < SKB_TRUESIZE(1) || tcpx_rtx_queue_empty(sk);
	/* Made from the host's last reserves, maybe. But a receiver on this host must not drop
	 * it for that, and each retransmission of it, when they are not needed any more.
	 */
	skb->pfmemalloc = 0;
	/* The end of a GSO packet: let the peer's GRO pass it on. */
	if (tcpx_skb_pcount(skb) > 1)
		TCPX_CB(skb)->tcp_flags |= TCPHDR_PSH;
	skb_push(skb, hdr_len);
	skb_reset_transport_header(skb);
	tcpx_charge_to_socket(sk, skb);
	/* ECMP, transmit queues and IPv6's flow label go by it: an RTO chooses anew. */
	skb_set_hash_from_sk(skb, sk);

	window = syn ? min(tp->rcv_wnd, 65535U) : tcpx_select_window(sk);
	tcpx_build_header(sk, skb, hdr_len, window, rcv_nxt);
	if (unlikely(opts.options & TCPX_OPT_ACCECN))
		tcpx_accecn_option_sent(tp, tp->rx_opt.dsack);
	else if (!syn && tcpx_ecn_accurate(tp))
		tp->accecn.opt_with_dsack = 0;
	tcpx_options_write((struct tcphdr *)skb->data, tp, &opts);
	skb_shinfo(skb)->gso_type = sk->sk_gso_type;
	if (!syn)
		tcpx_ecn_send(sk, skb, (struct tcphdr *)skb->data, hdr_len);
	skb_shinfo(skb)->gso_segs = max_t(u16, tcpx_skb_pcount(skb), 1);
	skb_shinfo(skb)->gso_size = tcpx_skb_mss(skb);
	if (unlikely(opts.auth.size))
		tcpx_auth_sign(skb, &opts.auth, sk);
	tp->af_ops->send_check(sk, skb);

	if (TCPX_CB(skb)->tcp_flags & TCPHDR_ACK)
		tcpx_event_ack_sent(sk, rcv_nxt);
	if (payload)
		tcpx_event_data_sent(sk);
	tcpx_count_sent(tp, sock_net(sk), skb, payload);
	trace_tcpx_send_segment(sk, skb);
	/* The IP layer keeps its own things there, and expects none of ours. */
	memset(skb->cb, 0, sizeof(skb->cb));

	err = tp->af_ops->queue_xmit(sk, skb);
	if (unlikely(err > 0)) {
		tcpx_enter_cwr(sk);
		err = net_xmit_eval(err);
	}
	if (!err && oskb) {
		tcpx_note_sent(sk, oskb, prior_wstamp);
		tcpx_rate_skb_sent(sk, oskb);
	}
	return err;
}

/**
 * tcpx_transmit_skb() - the same, acknowledging all that has come
 * @sk: socket, locked
 * @skb: the skb; consumed unless @clone
 * @clone: send a clone and keep @skb for retransmission
 * @gfp: allocation flags
 *
 * Return: as __tcpx_transmit_skb().
 */
int tcpx_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone, gfp_t gfp)
{
	return __tcpx_transmit_skb(sk, skb, clone, gfp, tcpx_sk(sk)->rcv_nxt);
}
