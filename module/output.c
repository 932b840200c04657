// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: from the write queue to the IP layer.
 *
 * The write queue (sk_write_queue) holds what the user queued and nobody has
 * sent; when an skb is sent it moves to the retransmit queue (tcp_rtx_queue,
 * an rbtree by seq) and to tsorted_sent_queue (by time of sending), and stays
 * there until it is acknowledged. What goes down the stack is a clone.
 *
 * Which segments may go is decided in tcpx_write_xmit(); how one of them
 * looks, in tcpx_transmit_skb(). Segments without new data (SYN, ACK, FIN,
 * RST, probes) are made in output_ctl.c; when a retransmission is due is
 * decided in recovery.c and timer.c.
 */

#include "tcpx.h"
#include "trace.h"

/**
 * tcpx_mstamp_refresh() - note the time, once per burst
 * @tp: socket
 */
void tcpx_mstamp_refresh(struct tcpx_sock *tp)
{
	u64 now = ktime_get_ns();

	tp->tcp_clock_cache = now;
	tp->tcp_mstamp = div_u64(now, NSEC_PER_USEC);
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
	if (tp->nonagle & TCPX_NAGLE_PUSH)
		tp->nonagle &= ~TCPX_NAGLE_PUSH;
	tcpx_slow_start_after_idle_check(sk);
}

/**
 * tcpx_stream_alloc_skb() - an empty skb for the write queue
 * @sk: socket, locked
 * @gfp: allocation flags
 *
 * Headers go into the linear part, payload into page fragments. Memory is
 * reserved but not charged: tcpx_skb_entail() does that.
 *
 * Return: the skb, or NULL without memory (pressure is then noted).
 */
struct sk_buff *tcpx_stream_alloc_skb(struct sock *sk, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb_fclone(TCPX_MAX_HEADER, gfp);

	if (unlikely(!skb)) {
		tcpx_enter_memory_pressure(sk);
		sk_stream_moderate_sndbuf(sk);
		return NULL;
	}

	skb->truesize = SKB_TRUESIZE(skb_end_offset(skb));
	if (unlikely(!sk_wmem_schedule(sk, skb->truesize))) {
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
	tp->mss_cache = mss;
	tp->cc.mss = mss;
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

static void tcpx_set_skb_tso_segs(struct sk_buff *skb, unsigned int mss_now)
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

static int tcpx_init_tso_segs(struct sk_buff *skb, unsigned int mss_now)
{
	int segs = tcpx_skb_pcount(skb);

	if (!segs || (segs > 1 && tcpx_skb_mss(skb) != mss_now)) {
		tcpx_set_skb_tso_segs(skb, mss_now);
		segs = tcpx_skb_pcount(skb);
	}
	return segs;
}

/* --- splitting ---------------------------------------------------------- */

/* Before the fragment array changes, it must be ours alone. The skb stays
 * charged as it was.
 */
static int tcpx_unclone(struct sk_buff *skb, gfp_t gfp)
{
	unsigned int truesize = skb->truesize;
	int err = 0;

	if (skb_cloned(skb)) {
		err = pskb_expand_head(skb, 0, 0, gfp);
		skb->truesize = truesize;
	}
	return err;
}

/* The number of wire segments in an skb that was already sent shrank. */
static void tcpx_adjust_pcount(struct sock *sk, const struct sk_buff *skb, int decr)
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
	buff = tcpx_stream_alloc_skb(sk, gfp);
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
	compat_skb_set_delivery_mono(buff, skb->tstamp);
	__skb_header_release(buff);
	return buff;
}

/* An skb that waits in the write queue is too long for what may be sent. */
static int tcpx_fragment_new(struct sock *sk, struct sk_buff *skb, u32 len,
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
	if (tp->highest_sack == skb)
		tp->highest_sack = buff;
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
static void tcpx_event_ack_sent(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->ack.quick)
		tp->ack.quick--;
	tp->ack.pending = 0;
	tp->ack.retry = 0;
	tp->compressed_ack = 0;
}

/* Data leaves: is this an interactive session, was it idle? */
static void tcpx_event_data_sent(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 now = tcpx_jiffies32();

	if (!tcpx_packets_in_flight(tp) && tp->cc.ops->cwnd_event)
		tp->cc.ops->cwnd_event(&tp->cc, TCPX_CA_EVENT_TX_START, now);
	tp->lsndtime = now;
	tp->cc.lsndtime = now;
	/* An answer within the delayed-ACK time: ACKs can ride on data. */
	if ((u32)(now - tp->ack.lrcvtime) < tp->ack.ato &&
	    tp->ack.pingpong < 255)
		tp->ack.pingpong++;
}

/* rfc9293#section-3.8.5; the pointer names the byte after the urgent one, as
 * every TCP in use does (rfc6093).
 */
static void tcpx_write_urg(struct tcphdr *th, u32 seq, u32 snd_up)
{
	th->urg_ptr = htons(before(snd_up, seq + 0x10000) ? snd_up - seq : 0xFFFF);
	th->urg = 1;
}

static void tcpx_build_header(struct sock *sk, struct sk_buff *skb, u32 hdr_len, u16 window)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	struct tcphdr *th = (struct tcphdr *)skb->data;

	th->source = inet->inet_sport;
	th->dest = inet->inet_dport;
	th->seq = htonl(cb->seq);
	th->ack_seq = htonl(cb->tcp_flags & TCPHDR_ACK ? tp->rcv_nxt : 0);
	*(((__be16 *)th) + 6) = htons(((hdr_len >> 2) << 12) | cb->tcp_flags);
	th->window = htons(window);
	th->check = 0;
	th->urg_ptr = 0;
	if (unlikely(tcpx_urg_mode(tp) && before(cb->seq, tp->snd_up)))
		tcpx_write_urg(th, cb->seq, tp->snd_up);
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

static void tcpx_charge_to_socket(struct sock *sk, struct sk_buff *skb)
{
	skb_orphan(skb);
	skb->sk = sk;
	skb->destructor = tcpx_skb_is_pure_ack(skb) ? tcpx_ack_wfree : tcpx_wfree;
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
 * tcpx_transmit_skb() - give one skb a TCP header and send it
 * @sk: socket, locked
 * @skb: the skb; consumed unless @clone
 * @clone: send a clone and keep @skb for retransmission
 * @gfp: allocation flags
 *
 * Return: 0, or a negative errno, or NET_XMIT_* folded by net_xmit_eval():
 * the segment counts as sent only if 0.
 */
int tcpx_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone, gfp_t gfp)
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

	tp->tcp_wstamp_ns = max(tp->tcp_wstamp_ns, tp->tcp_clock_cache);
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
	skb_push(skb, hdr_len);
	skb_reset_transport_header(skb);
	tcpx_charge_to_socket(sk, skb);

	window = syn ? min(tp->rcv_wnd, 65535U) : tcpx_select_window(sk);
	tcpx_build_header(sk, skb, hdr_len, window);
	tcpx_options_write((struct tcphdr *)skb->data, tp, &opts);
	skb_shinfo(skb)->gso_type = sk->sk_gso_type;
	skb_shinfo(skb)->gso_segs = max_t(u16, tcpx_skb_pcount(skb), 1);
	skb_shinfo(skb)->gso_size = tcpx_skb_mss(skb);
	tp->af_ops->send_check(sk, skb);

	if (TCPX_CB(skb)->tcp_flags & TCPHDR_ACK)
		tcpx_event_ack_sent(sk);
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

/* --- chronograph, for TCP_INFO ------------------------------------------ */

static void tcpx_chrono_set(struct tcpx_sock *tp, u8 new)
{
	u32 now = tcpx_jiffies32();

	if (tp->chrono_type > TCP_CHRONO_UNSPEC)
		tp->chrono_stat[tp->chrono_type - 1] += now - tp->chrono_start;
	tp->chrono_start = now;
	tp->chrono_type = new;
}

/**
 * tcpx_chrono_start() - the connection is now busy, or limited by something
 * @sk: socket, locked
 * @type: what time is to be counted for; the higher one wins
 */
void tcpx_chrono_start(struct sock *sk, enum tcp_chrono type)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (type > tp->chrono_type)
		tcpx_chrono_set(tp, type);
}

/**
 * tcpx_chrono_stop() - it no longer is
 * @sk: socket, locked
 * @type: what ended
 */
void tcpx_chrono_stop(struct sock *sk, enum tcp_chrono type)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_rtx_and_write_queues_empty(sk))
		tcpx_chrono_set(tp, TCP_CHRONO_UNSPEC);
	else if (type == tp->chrono_type)
		tcpx_chrono_set(tp, TCP_CHRONO_BUSY);
}

/* --- pacing -------------------------------------------------------------- */

static void tcpx_tsq_run_one(struct sock *sk);

/**
 * tcpx_pace_kick() - the pacing timer: the next skb's time has come
 * @timer: tcpx_sock.pacing_timer; holds a reference
 *
 * Return: HRTIMER_NORESTART.
 */
enum hrtimer_restart tcpx_pace_kick(struct hrtimer *timer)
{
	struct tcpx_sock *tp = container_of(timer, struct tcpx_sock, pacing_timer);
	struct sock *sk = (struct sock *)tp;

	tcpx_tsq_run_one(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

/* Is it too early for the next skb? Only without fq, which keeps the
 * departure time itself.
 */
static bool tcpx_pacing_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (READ_ONCE(sk->sk_pacing_status) != SK_PACING_NEEDED ||
	    tp->tcp_wstamp_ns <= tp->tcp_clock_cache)
		return false;
	if (!hrtimer_is_queued(&tp->pacing_timer)) {
		hrtimer_start(&tp->pacing_timer, ns_to_ktime(tp->tcp_wstamp_ns),
			      HRTIMER_MODE_ABS_PINNED_SOFT);
		sock_hold(sk);
	}
	return true;
}

/* --- which segments may go ---------------------------------------------- */

static void tcpx_event_new_data_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int prior = tp->packets_out;

	WRITE_ONCE(tp->snd_nxt, TCPX_CB(skb)->end_seq);
	__skb_unlink(skb, &sk->sk_write_queue);
	tcpx_rtx_queue_insert(sk, skb);
	if (tp->highest_sack == NULL)
		tp->highest_sack = skb;
	tp->packets_out += tcpx_skb_pcount(skb);
	if (!prior || tp->pending == TCPX_TIME_LOSS_PROBE)
		tcpx_rearm_rto(sk);
	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPORIGDATASENT, tcpx_skb_pcount(skb));
	tcpx_check_space(sk);
}

/* Segments the congestion window has room for. */
static unsigned int tcpx_cwnd_test(const struct tcpx_sock *tp, const struct sk_buff *skb)
{
	u32 in_flight, cwnd = tp->cc.snd_cwnd;

	/* A FIN alone goes always: it closes nothing that waits behind it. */
	if ((TCPX_CB(skb)->tcp_flags & TCPHDR_FIN) && tcpx_skb_pcount(skb) == 1)
		return 1;
	in_flight = tcpx_packets_in_flight(tp);
	if (in_flight >= cwnd)
		return 0;
	/* Half the window at a time at most, so that bursts overlap. */
	return min(max(cwnd >> 1, 1U), cwnd - in_flight);
}

static bool tcpx_snd_wnd_test(const struct tcpx_sock *tp, const struct sk_buff *skb,
			      unsigned int cur_mss)
{
	u32 end = TCPX_CB(skb)->end_seq;

	if (skb->len > cur_mss)
		end = TCPX_CB(skb)->seq + cur_mss;
	return !after(end, tcpx_wnd_end(tp));
}

/* Minshall's change to Nagle: a small segment waits only for a small one. */
static bool tcpx_minshall_check(const struct tcpx_sock *tp)
{
	return after(tp->snd_sml, tp->snd_una) && !after(tp->snd_sml, tp->snd_nxt);
}

static bool tcpx_nagle_check(bool partial, const struct tcpx_sock *tp, int nonagle)
{
	return partial && ((nonagle & TCPX_NAGLE_CORK) ||
			   (!nonagle && tp->packets_out && tcpx_minshall_check(tp)));
}

/* May this (last, small) segment go? rfc9293#section-3.7.4 */
static bool tcpx_nagle_test(const struct tcpx_sock *tp, const struct sk_buff *skb,
			    unsigned int cur_mss, int nonagle)
{
	if (nonagle & TCPX_NAGLE_PUSH)
		return true;
	if (tcpx_urg_mode(tp) || (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN))
		return true;
	return !tcpx_nagle_check(skb->len < cur_mss, tp, nonagle);
}

static void tcpx_minshall_update(struct tcpx_sock *tp, unsigned int mss_now,
				 const struct sk_buff *skb)
{
	if (skb->len < tcpx_skb_pcount(skb) * mss_now)
		tp->snd_sml = TCPX_CB(skb)->end_seq;
}

/* Segments per skb that take about a millisecond at the pacing rate: bursts
 * that the path can take, and ACKs that come steadily.
 */
static u32 tcpx_tso_segs(struct sock *sk, unsigned int mss_now)
{
	u32 min_segs = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_min_tso_segs);
	unsigned long bytes = READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift);

	bytes = min_t(unsigned long, bytes, sk->sk_gso_max_size);
	return min_t(u32, max_t(u32, bytes / mss_now, min_segs), READ_ONCE(sk->sk_gso_max_segs));
}

/* Bytes of skb that may go now: the window, the quota, and no needless
 * partial segment at the end.
 */
static unsigned int tcpx_mss_split_point(const struct sock *sk, const struct sk_buff *skb,
					 unsigned int mss_now, unsigned int max_segs, int nonagle)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 window = tcpx_wnd_end(tp) - TCPX_CB(skb)->seq;
	u32 max_len = mss_now * max_segs, needed, partial;

	if (likely(max_len <= window && skb != skb_peek_tail(&sk->sk_write_queue)))
		return max_len;
	needed = min(skb->len, window);
	if (max_len <= needed)
		return max_len;
	partial = needed % mss_now;
	if (tcpx_nagle_check(partial != 0, tp, nonagle))
		return needed - partial;
	return needed;
}

/* Should a partial burst wait for the next ACK, which will allow more? */
static bool tcpx_tso_should_defer(struct sock *sk, struct sk_buff *skb, u32 max_segs,
				  bool *cwnd_limited, bool *rwnd_limited)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 cong_win, send_win, limit, divisor;
	struct sk_buff *head;
	s64 age;

	if (tp->ca_state >= TCP_CA_Recovery)
		return false;
	/* Silent for a millisecond: waiting costs more than it gains. */
	if ((s64)(tp->tcp_clock_cache - tp->tcp_wstamp_ns) > NSEC_PER_MSEC)
		return false;

	cong_win = (tp->cc.snd_cwnd - tcpx_packets_in_flight(tp)) * tp->mss_cache;
	send_win = tcpx_wnd_end(tp) - TCPX_CB(skb)->seq;
	limit = min(send_win, cong_win);
	if (limit >= max_segs * tp->mss_cache)
		return false;
	if (skb != skb_peek_tail(&sk->sk_write_queue) && limit >= skb->len)
		return false;
	divisor = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_tso_win_divisor);
	if (divisor) {
		if (limit >= min(tp->snd_wnd, tp->cc.snd_cwnd * tp->mss_cache) / divisor)
			return false;
	} else if (limit > 3 * tp->mss_cache) {
		return false;
	}
	/* Don't wait when the next ACK is still more than half an RTT away. */
	head = tcpx_rtx_queue_head(sk);
	if (!head)
		return false;
	age = tp->tcp_clock_cache - head->tstamp;
	if (age < (s64)NSEC_PER_USEC * (tp->cc.srtt_us >> 4))
		return false;

	if (cong_win < send_win) {
		if (cong_win <= skb->len) {
			*cwnd_limited = true;
			return true;
		}
	} else if (send_win <= skb->len) {
		*rwnd_limited = true;
		return true;
	}
	/* Nothing will be added to it. */
	return !((TCPX_CB(skb)->tcp_flags & TCPHDR_FIN) || TCPX_CB(skb)->eor);
}

/* Small queues: about a millisecond of the flow, or two skbs, may wait in
 * the qdisc and device; tcpx_wfree() continues when they have left.
 */
static bool tcpx_small_queue_check(struct sock *sk, const struct sk_buff *skb, unsigned int factor)
{
	unsigned long limit;

	limit = max_t(unsigned long, 2 * skb->truesize,
		      READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift));
	if (sk->sk_pacing_status == SK_PACING_NONE)
		limit = min_t(unsigned long, limit,
			      READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_limit_output_bytes));
	limit <<= factor;
	if (refcount_read(&sk->sk_wmem_alloc) <= limit)
		return false;
	/* With nothing in flight no ACK would restart us: don't rely on a
	 * driver that frees what it sent late.
	 */
	if (tcpx_rtx_queue_empty(sk))
		return false;
	set_bit(TSQ_THROTTLED, &sk->sk_tsq_flags);
	/* Either tcpx_wfree() sees the flag or we see what it freed. */
	smp_mb__after_atomic();
	return refcount_read(&sk->sk_wmem_alloc) > limit;
}

/* The window was not used for an RTO: meet halfway what was (rfc7661). */
static void tcpx_cwnd_application_limited(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->ca_state == TCP_CA_Open &&
	    !(sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))) {
		u32 used = max(tp->snd_cwnd_used, tcpx_init_cwnd(tp, __sk_dst_get(sk)));

		if (used < tp->cc.snd_cwnd) {
			tp->cc.snd_ssthresh = tcpx_current_ssthresh(tp);
			tp->cc.snd_cwnd = (tp->cc.snd_cwnd + used) >> 1;
		}
		tp->snd_cwnd_used = 0;
	}
	tp->snd_cwnd_stamp = tcpx_jiffies32();
}

/**
 * tcpx_cwnd_restart() - sending again after idle: rfc5681#section-4.1
 * @sk: socket, locked
 * @delta: jiffies since the last data was sent
 */
void tcpx_cwnd_restart(struct sock *sk, s32 delta)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 restart = tcpx_init_cwnd(tp, __sk_dst_get(sk));
	u32 cwnd = tp->cc.snd_cwnd;

	if (tp->cc.ops->cwnd_event)
		tp->cc.ops->cwnd_event(&tp->cc, TCPX_CA_EVENT_CWND_RESTART, tcpx_jiffies32());
	tp->cc.snd_ssthresh = tcpx_current_ssthresh(tp);
	restart = min(restart, cwnd);
	while ((delta -= tp->rto) > 0 && cwnd > restart)
		cwnd >>= 1;
	tp->cc.snd_cwnd = max(cwnd, restart);
	tp->snd_cwnd_stamp = tcpx_jiffies32();
	tp->snd_cwnd_used = 0;
}

/**
 * tcpx_slow_start_after_idle_check() - data comes after a pause?
 * @sk: socket, locked
 */
void tcpx_slow_start_after_idle_check(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	s32 delta;

	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_slow_start_after_idle) || tp->packets_out)
		return;
	delta = tcpx_jiffies32() - tp->lsndtime;
	if (delta > (s32)tp->rto)
		tcpx_cwnd_restart(sk, delta);
}

/* rfc7661: remember whether the window was the limit, shrink it slowly if
 * the application is.
 */
static void tcpx_cwnd_validate(struct sock *sk, bool limited)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!before(tp->snd_una, tp->cwnd_usage_seq) ||
	    limited || (!tp->cc.is_cwnd_limited &&
			tp->packets_out > tp->cc.max_packets_out)) {
		tp->cc.is_cwnd_limited = limited;
		tp->cc.max_packets_out = tp->packets_out;
		tp->cwnd_usage_seq = tp->snd_nxt;
	}

	if (tcpx_is_cwnd_limited(&tp->cc)) {
		tp->snd_cwnd_used = 0;
		tp->snd_cwnd_stamp = tcpx_jiffies32();
		return;
	}
	if (tp->packets_out > tp->snd_cwnd_used)
		tp->snd_cwnd_used = tp->packets_out;
	if (READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_slow_start_after_idle) &&
	    (s32)(tcpx_jiffies32() - tp->snd_cwnd_stamp) >= tp->rto)
		tcpx_cwnd_application_limited(sk);
}

/* Push out what may go. push_one: 0 all, 1 one skb, 2 one skb whatever the
 * congestion window says (loss probe).
 *
 * Return: true if there is data, none of it could be sent and nothing is in
 * flight: then only the probe timer keeps the connection alive.
 */
static bool tcpx_write_xmit(struct sock *sk, unsigned int mss_now, int nonagle,
			    int push_one, gfp_t gfp)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool cwnd_limited = false, rwnd_limited = false;
	unsigned int segs, quota, limit, sent = 0;
	u32 max_segs;
	struct sk_buff *skb;

	tcpx_mstamp_refresh(tp);
	max_segs = tcpx_tso_segs(sk, mss_now);
	while ((skb = tcpx_send_head(sk))) {
		if (tcpx_pacing_check(sk))
			break;
		segs = tcpx_init_tso_segs(skb, mss_now);
		quota = tcpx_cwnd_test(tp, skb);
		if (!quota) {
			if (push_one != 2)
				break;
			quota = 1;
		}
		if (unlikely(!tcpx_snd_wnd_test(tp, skb, mss_now))) {
			rwnd_limited = true;
			break;
		}
		if (segs == 1) {
			bool last = skb_queue_is_last(&sk->sk_write_queue, skb);

			if (!push_one && unlikely(!tcpx_nagle_test(tp, skb, mss_now, last ?
							nonagle : TCPX_NAGLE_PUSH)))
				break;
		} else if (!push_one && tcpx_tso_should_defer(sk, skb, max_segs, &cwnd_limited,
							      &rwnd_limited)) {
			break;
		}

		limit = mss_now;
		if (segs > 1 && !tcpx_urg_mode(tp))
			limit = tcpx_mss_split_point(sk, skb, mss_now,
						     min(quota, max_segs), nonagle);
		if (skb->len > limit && unlikely(tcpx_fragment_new(sk, skb, limit, mss_now, gfp)))
			break;
		if (tcpx_small_queue_check(sk, skb, 0))
			break;
		/* The device queue refuses it: try again at the next event. */
		if (unlikely(tcpx_transmit_skb(sk, skb, true, gfp)))
			break;

		tcpx_event_new_data_sent(sk, skb);
		tcpx_minshall_update(tp, mss_now, skb);
		sent += tcpx_skb_pcount(skb);
		if (push_one)
			break;
	}

	if (rwnd_limited)
		tcpx_chrono_start(sk, TCP_CHRONO_RWND_LIMITED);
	else
		tcpx_chrono_stop(sk, TCP_CHRONO_RWND_LIMITED);
	cwnd_limited |= tcpx_packets_in_flight(tp) >= tp->cc.snd_cwnd;
	if (likely(sent || cwnd_limited))
		tcpx_cwnd_validate(sk, cwnd_limited);
	if (likely(sent)) {
		if (tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery)
			tp->prr_out += sent;
		if (push_one != 2)
			tcpx_schedule_loss_probe(sk, false);
		return false;
	}
	return !tp->packets_out && tcpx_send_head(sk);
}

/**
 * __tcpx_push_pending_frames() - send what may be sent
 * @sk: socket, locked
 * @mss_now: from tcpx_current_mss()
 * @nonagle: TCPX_NAGLE_*
 */
void __tcpx_push_pending_frames(struct sock *sk, unsigned int mss_now, int nonagle)
{
	if (unlikely(sk->sk_state == TCP_CLOSE))
		return;
	if (tcpx_write_xmit(sk, mss_now, nonagle, 0, sk_gfp_mask(sk, GFP_ATOMIC)))
		tcpx_check_probe_timer(sk);
}

/**
 * tcpx_push_pending_frames() - the same with the socket's own settings
 * @sk: socket, locked
 */
void tcpx_push_pending_frames(struct sock *sk)
{
	if (tcpx_send_head(sk))
		__tcpx_push_pending_frames(sk, tcpx_current_mss(sk), tcpx_sk(sk)->nonagle);
}

/**
 * tcpx_push_one() - send the first skb of the write queue now
 * @sk: socket, locked
 * @mss_now: from tcpx_current_mss()
 */
void tcpx_push_one(struct sock *sk, unsigned int mss_now)
{
	tcpx_write_xmit(sk, mss_now, TCPX_NAGLE_PUSH, 1, sk->sk_allocation);
}

/**
 * tcpx_data_snd_check() - after an ACK: is there more to send, room to write?
 * @sk: socket, locked
 */
void tcpx_data_snd_check(struct sock *sk)
{
	tcpx_push_pending_frames(sk);
	tcpx_check_space(sk);
}

/**
 * tcpx_push_probe() - send what the window admits of the next skb, as a probe
 * @sk: socket, locked
 * @skb: head of the write queue, starts inside the window
 *
 * Return: 0 or the transmission's error.
 */
int tcpx_push_probe(struct sock *sk, struct sk_buff *skb)
{
	unsigned int mss = tcpx_current_mss(sk);
	u32 size = tcpx_wnd_end(tcpx_sk(sk)) - TCPX_CB(skb)->seq;
	int err;

	TCPX_CB(skb)->tcp_flags |= TCPHDR_PSH;
	if (size < skb->len || skb->len > mss) {
		size = min(size, mss);
		if (tcpx_fragment_new(sk, skb, size, mss, GFP_ATOMIC))
			return -1;
		TCPX_CB(skb)->tcp_flags |= TCPHDR_PSH;
	} else if (!tcpx_skb_pcount(skb)) {
		tcpx_set_skb_tso_segs(skb, mss);
	}
	err = tcpx_transmit_skb(sk, skb, true, GFP_ATOMIC);
	if (!err)
		tcpx_event_new_data_sent(sk, skb);
	return err;
}

/* --- retransmission ------------------------------------------------------ */

/* A small retransmitted skb takes its successor along when both fit. */
static void tcpx_retrans_try_collapse(struct sock *sk, struct sk_buff *to, int space)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb = skb_rb_next(to);
	bool stolen = false;
	int delta = 0;

	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_retrans_collapse) || !skb)
		return;
	if ((TCPX_CB(to)->tcp_flags | TCPX_CB(skb)->tcp_flags) & (TCPHDR_SYN | TCPHDR_FIN))
		return;
	if (TCPX_CB(to)->eor || TCPX_CB(skb)->sacked & (TCPXCB_SACKED_ACKED | TCPXCB_SACKED_RETRANS) ||
	    !(TCPX_CB(skb)->sacked & TCPXCB_LOST) != !(TCPX_CB(to)->sacked & TCPXCB_LOST))
		return;
	if (to->len + skb->len > space || tcpx_skb_pcount(skb) != 1 || skb_cloned(skb) ||
	    skb_cloned(to) || after(TCPX_CB(skb)->end_seq, tcpx_wnd_end(tp)))
		return;
	if (!skb_try_coalesce(to, skb, &stolen, &delta))
		return;

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
}

/* Cut or grow skb to what is to be retransmitted now. */
static int tcpx_retransmit_prepare(struct sock *sk, struct sk_buff *skb, int segs,
				   unsigned int cur_mss)
{
	unsigned int len = cur_mss * segs;
	int old, diff;

	if (skb->len > len)
		return tcpx_fragment_rtx(sk, skb, len, cur_mss, GFP_ATOMIC);

	if (tcpx_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	old = tcpx_skb_pcount(skb);
	tcpx_set_skb_tso_segs(skb, cur_mss);
	diff = old - tcpx_skb_pcount(skb);
	if (diff)
		tcpx_adjust_pcount(sk, skb, diff);
	if (skb->len < cur_mss)
		tcpx_retrans_try_collapse(sk, skb, cur_mss);
	return 0;
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
	int err;

	if (unlikely(skb_fclone_busy(sk, skb))) {
		set_bit(TSQ_THROTTLED, &sk->sk_tsq_flags);
		smp_mb__after_atomic();
		if (skb_fclone_busy(sk, skb)) {
			TCPX_NET_INC(net, LINUX_MIB_TCPSPURIOUS_RTX_HOSTQUEUES);
			return -EBUSY;
		}
	}

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
	/* The peer took its window back: only the first segment is a probe. */
	if (!before(TCPX_CB(skb)->seq, tcpx_wnd_end(tp))) {
		if (TCPX_CB(skb)->seq != tp->snd_una)
			return -EAGAIN;
		cur_mss = min_t(unsigned int, cur_mss, max(skb->len, 1U));
	}
	err = tcpx_retransmit_prepare(sk, skb, segs, cur_mss);
	if (err)
		return err;

	n = tcpx_skb_pcount(skb);
	TCPX_ADD_STATS(net, TCP_MIB_RETRANSSEGS, n);
	if (TCPX_CB(skb)->tcp_flags & TCPHDR_SYN)
		TCPX_NET_INC(net, LINUX_MIB_TCPSYNRETRANS);
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
	/* Also when it failed: retransmission was tried at this time. */
	if (!tp->retrans_stamp)
		tp->retrans_stamp = tcpx_time_stamp(tp);
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
	for (skb = tp->retransmit_skb_hint ?: tcpx_rtx_queue_head(sk); skb; skb = skb_rb_next(skb)) {
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
		tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS, tp->rto);
}

/**
 * tcpx_send_loss_probe() - the tail may be lost: provoke an ACK
 * @sk: socket, locked
 *
 * rfc8985#section-7.3: new data if the windows admit it, else the last segment
 * again.
 */
void tcpx_send_loss_probe(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int mss = tcpx_current_mss(sk);
	u32 prior = tp->packets_out;
	struct sk_buff *skb;

	/* At most one probe is out. */
	if (tp->tlp_high_seq)
		goto rearm;
	tp->tlp_retrans = 0;
	skb = tcpx_send_head(sk);
	if (skb && tcpx_snd_wnd_test(tp, skb, mss)) {
		tcpx_write_xmit(sk, mss, tp->nonagle, 2, GFP_ATOMIC);
		if (tp->packets_out > prior)
			goto sent;
		goto rearm;
	}
	skb = tcpx_rtx_queue_tail(sk);
	if (unlikely(!skb)) {
		WRITE_ONCE(tp->pending, 0);
		return;
	}
	if (tcpx_skb_pcount(skb) > 1 && skb->len > (tcpx_skb_pcount(skb) - 1) * mss) {
		if (tcpx_fragment_rtx(sk, skb, (tcpx_skb_pcount(skb) - 1) * mss, mss, GFP_ATOMIC))
			goto rearm;
		skb = skb_rb_next(skb);
	}
	if (!skb || __tcpx_retransmit_skb(sk, skb, 1))
		goto rearm;
	tp->tlp_retrans = 1;
sent:
	tp->tlp_high_seq = tp->snd_nxt;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPLOSSPROBES);
	WRITE_ONCE(tp->pending, 0);
rearm:
	tcpx_rearm_rto(sk);
}

/* --- small queues, and what was put off while the user held the lock ----- */

struct tcpx_tsq {
	struct tasklet_struct	tasklet;
	struct list_head	head;	/* tcpx_sock.tsq_node, this CPU, IRQs off */
};

static DEFINE_PER_CPU(struct tcpx_tsq, tcpx_tsq);

static void tcpx_tsq_write(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_CLOSING |
				     TCPF_CLOSE_WAIT | TCPF_LAST_ACK)))
		return;
	if (tp->lost_out > tp->retrans_out && tp->cc.snd_cwnd > tcpx_packets_in_flight(tp)) {
		tcpx_mstamp_refresh(tp);
		tcpx_xmit_retransmit_queue(sk);
	}
	tcpx_write_xmit(sk, tcpx_current_mss(sk), tp->nonagle, 0, GFP_ATOMIC);
}

static void tcpx_tsq_run_one(struct sock *sk)
{
	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		tcpx_tsq_write(sk);
	else if (!test_and_set_bit(TCP_TSQ_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);
	bh_unlock_sock(sk);
}

static void tcpx_tsq_tasklet(struct tasklet_struct *t)
{
	struct tcpx_tsq *tsq = from_tasklet(tsq, t, tasklet);
	struct tcpx_sock *tp, *tmp;
	unsigned long flags;
	LIST_HEAD(list);

	local_irq_save(flags);
	list_splice_init(&tsq->head, &list);
	local_irq_restore(flags);

	list_for_each_entry_safe(tp, tmp, &list, tsq_node) {
		struct sock *sk = (struct sock *)tp;

		list_del(&tp->tsq_node);
		smp_mb__before_atomic();
		clear_bit(TSQ_QUEUED, &sk->sk_tsq_flags);
		tcpx_tsq_run_one(sk);
		sk_free(sk);
	}
}

/**
 * tcpx_wfree() - destructor of a sent skb: it has left the device
 * @skb: skb
 *
 * If the socket waits for room in the device's queue, it is put on this CPU's
 * list and continues to send from a tasklet. It keeps the last unit of
 * sk_wmem_alloc meanwhile, so that it can't go away.
 */
void tcpx_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	unsigned long old, new, flags;
	struct tcpx_tsq *tsq;

	WARN_ON_ONCE(refcount_sub_and_test(skb->truesize - 1, &sk->sk_wmem_alloc));

	old = READ_ONCE(sk->sk_tsq_flags);
	do {
		if (!(old & TSQF_THROTTLED) || (old & TSQF_QUEUED)) {
			sk_free(sk);
			return;
		}
		new = (old & ~TSQF_THROTTLED) | TSQF_QUEUED;
	} while (!try_cmpxchg(&sk->sk_tsq_flags, &old, new));

	local_irq_save(flags);
	tsq = this_cpu_ptr(&tcpx_tsq);
	list_add(&tcpx_sk(sk)->tsq_node, &tsq->head);
	tasklet_schedule(&tsq->tasklet);
	local_irq_restore(flags);
}

/**
 * tcpx_release_cb() - the user lets go of the socket lock: do what waited
 * @sk: socket, still owned, spinlock held
 */
void tcpx_release_cb(struct sock *sk)
{
	unsigned long flags = READ_ONCE(sk->sk_tsq_flags);

	do {
		if (!(flags & TCPX_DEFERRED_ALL))
			return;
	} while (!try_cmpxchg(&sk->sk_tsq_flags, &flags, flags & ~TCPX_DEFERRED_ALL));

	if (flags & BIT(TCP_TSQ_DEFERRED)) {
		tcpx_tsq_write(sk);
		__sock_put(sk);
	}
	if (flags & BIT(TCP_WRITE_TIMER_DEFERRED)) {
		tcpx_write_timer_handler(sk);
		__sock_put(sk);
	}
	if (flags & BIT(TCP_DELACK_TIMER_DEFERRED)) {
		tcpx_delack_timer_handler(sk);
		__sock_put(sk);
	}
	if (flags & BIT(TCP_MTU_REDUCED_DEFERRED)) {
		tcpx_sk(sk)->af_ops->mtu_reduced(sk);
		__sock_put(sk);
	}
}

/**
 * tcpx_tsq_init() - the per-CPU lists
 *
 * Return: 0.
 */
int tcpx_tsq_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct tcpx_tsq *tsq = per_cpu_ptr(&tcpx_tsq, cpu);

		INIT_LIST_HEAD(&tsq->head);
		tasklet_setup(&tsq->tasklet, tcpx_tsq_tasklet);
	}
	return 0;
}

/**
 * tcpx_tsq_exit() - no socket is left: wait for tasklets that just ran
 */
void tcpx_tsq_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(&tcpx_tsq, cpu)->tasklet);
}
