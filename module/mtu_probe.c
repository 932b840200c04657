// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: path MTU discovery by packetization layer, rfc4821.
 *
 * ICMP may not get through to tell what is too long. Instead a segment longer than the
 * others goes out, whose loss costs little: if it arrives, the path takes that
 * size (search_low), if it alone is lost, not (search_high); then half-way again.
 *
 *	tcp_mtu_probing = 1	when retransmissions fail: the route may be a black hole
 *	tcp_mtu_probing = 2	always, from tcp_base_mss upwards
 */

#include "tcpx.h"

/**
 * tcpx_mtup_init() - what sizes there may be: the search begins
 * @sk: socket, locked; the peer's MSS option is known if it ever will be
 */
void tcpx_mtup_init(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);

	tp->mtup.enabled = READ_ONCE(net->ipv4.sysctl_tcp_mtu_probing) > 1;
	tp->mtup.search_high = tp->rx_opt.mss_clamp + sizeof(struct tcphdr) +
			       tp->af_ops->net_header_len;
	tp->mtup.search_low = tcpx_mss_to_mtu(sk, READ_ONCE(net->ipv4.sysctl_tcp_base_mss));
	tp->mtup.probe_size = 0;
	if (tp->mtup.enabled)
		tp->mtup.probe_timestamp = tcpx_jiffies32();
}

/**
 * tcpx_mtu_blackhole() - segments were retransmitted in vain: are they too long?
 * @sk: socket, locked
 *
 * rfc4821#section-7.7. The first time begin to probe; if that did not help, with
 * ever shorter segments.
 */
void tcpx_mtu_blackhole(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	int mss;

	if (!READ_ONCE(net->ipv4.sysctl_tcp_mtu_probing))
		return;
	if (!tp->mtup.enabled) {
		tp->mtup.enabled = true;
		tp->mtup.probe_timestamp = tcpx_jiffies32();
	} else {
		mss = tcpx_mtu_to_mss(sk, tp->mtup.search_low) >> 1;
		mss = min(mss, READ_ONCE(net->ipv4.sysctl_tcp_base_mss));
		mss = max(mss, READ_ONCE(net->ipv4.sysctl_tcp_mtu_probe_floor));
		mss = max(mss, READ_ONCE(net->ipv4.sysctl_tcp_min_snd_mss));
		tp->mtup.search_low = tcpx_mss_to_mtu(sk, mss);
	}
	tcpx_sync_mss(sk, tp->pmtu_cookie);
}

/**
 * tcpx_mtup_probe_failed() - the probe alone was lost
 * @sk: socket, locked
 *
 * No sign of congestion, rfc4821#section-7.6.2.
 */
void tcpx_mtup_probe_failed(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->mtup.search_high = tp->mtup.probe_size - 1;
	tp->mtup.probe_size = 0;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPMTUPFAIL);
	tp->cc.snd_cwnd++;	/* the probe stood for two segments */
	tcpx_simple_retransmit(sk);
}

/**
 * tcpx_mtup_probe_success() - the probe has arrived: the path takes it
 * @sk: socket, locked
 *
 * rfc4821#section-7.6.1. The congestion window remains the same in bytes.
 */
void tcpx_mtup_probe_success(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u64 cwnd = (u64)tp->cc.snd_cwnd * tcpx_mss_to_mtu(sk, tp->mss_cache);

	tp->cc.prior_ssthresh = tcpx_current_ssthresh(tp);
	do_div(cwnd, tp->mtup.probe_size);
	tp->cc.snd_cwnd = max_t(u32, 1, cwnd);
	tp->cc.snd_cwnd_cnt = 0;
	tp->snd_cwnd_stamp = tcpx_jiffies32();
	tp->cc.snd_ssthresh = tcpx_current_ssthresh(tp);

	tp->mtup.search_low = tp->mtup.probe_size;
	tp->mtup.probe_size = 0;
	tcpx_sync_mss(sk, tp->pmtu_cookie);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPMTUPSUCCESS);
}

/* The search is over. After tcp_probe_interval begin anew: the path may have changed. */
static void tcpx_mtu_check_reprobe(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	u32 interval = READ_ONCE(net->ipv4.sysctl_tcp_probe_interval);

	if (tcpx_jiffies32() - tp->mtup.probe_timestamp < interval * HZ)
		return;
	tp->mtup.probe_size = 0;
	tp->mtup.search_high = tp->rx_opt.mss_clamp + sizeof(struct tcphdr) +
			       tp->af_ops->net_header_len;
	tp->mtup.search_low = tcpx_mss_to_mtu(sk, tcpx_current_mss(sk));
	tp->mtup.probe_timestamp = tcpx_jiffies32();
}

/* Can the first @len bytes of the write queue be one segment? Not across what the user
 * wants told apart, nor what must stay in its own skb. One that all of it is in may.
 */
static bool tcpx_can_gather(const struct sock *sk, int len)
{
	const struct sk_buff *skb;

	skb_queue_walk(&sk->sk_write_queue, skb) {
		if (skb_headlen(skb) || skb_zcopy((struct sk_buff *)skb))
			return false;
		len -= skb->len;
		if (len <= 0)
			return true;
		if (TCPX_CB(skb)->eor || TCPX_CB(skb)->txstamp_ack ||
		    (skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP))
			return false;
	}
	return false;
}

/* Add the first @len bytes of @from's pages to @to. False: it has room for no more. */
static bool tcpx_share_pages(struct sk_buff *to, const struct sk_buff *from, int len)
{
	int i;

	skb_shinfo(to)->flags |= skb_shinfo(from)->flags & SKBFL_SHARED_FRAG;
	for (i = 0; len > 0 && i < skb_shinfo(from)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(from)->frags[i];
		int size = min_t(int, len, skb_frag_size(frag)), n = skb_shinfo(to)->nr_frags;

		if (skb_can_coalesce(to, n, skb_frag_page(frag), skb_frag_off(frag))) {
			skb_frag_size_add(&skb_shinfo(to)->frags[n - 1], size);
		} else {
			if (n == MAX_SKB_FRAGS)
				return false;
			skb_fill_page_desc(to, n, skb_frag_page(frag), skb_frag_off(frag), size);
			get_page(skb_frag_page(frag));
		}
		to->len += size;
		to->data_len += size;
		len -= size;
	}
	return true;
}

/* An skb of the first @size bytes of the write queue, which they are still in. */
static struct sk_buff *tcpx_mtu_probe_skb(struct sock *sk, int size)
{
	const struct sk_buff *head = tcpx_send_head(sk), *skb;
	struct sk_buff *probe = tcpx_stream_alloc_skb(sk, GFP_ATOMIC, false);

	if (!probe)
		return NULL;
	TCPX_CB(probe)->seq = TCPX_CB(head)->seq;
	TCPX_CB(probe)->end_seq = TCPX_CB(head)->seq + size;
	TCPX_CB(probe)->tcp_flags = TCPHDR_ACK;
	sk_wmem_queued_add(sk, probe->truesize);
	sk_mem_charge(sk, probe->truesize);
	skb_queue_walk(&sk->sk_write_queue, skb) {
		if (!tcpx_share_pages(probe, skb, min_t(int, skb->len, size - probe->len))) {
			tcp_skb_tsorted_anchor_cleanup(probe);
			tcpx_wmem_free_skb(sk, probe);
			return NULL;
		}
		if (probe->len == size)
			break;
	}
	return probe;
}

/* Take out of the write queue what @probe has, and put that at its head. */
static void tcpx_mtu_probe_replace(struct sock *sk, struct sk_buff *probe, unsigned int mss_now)
{
	int left = probe->len;

	while (left) {
		struct sk_buff *skb = tcpx_send_head(sk);
		int len = min_t(int, left, skb->len);

		left -= len;
		TCPX_CB(probe)->tcp_flags |= TCPX_CB(skb)->tcp_flags & ~(TCPHDR_FIN | TCPHDR_PSH);
		if (len == skb->len) {
			TCPX_CB(probe)->tcp_flags |= TCPX_CB(skb)->tcp_flags;
			TCPX_CB(probe)->eor = TCPX_CB(skb)->eor;
			tcpx_collapse_tx_stamp(probe, skb);
			__skb_unlink(skb, &sk->sk_write_queue);
			tcp_skb_tsorted_anchor_cleanup(skb);
			tcpx_wmem_free_skb(sk, skb);
		} else {
			/* Not cloned: it was never sent. */
			tcpx_trim_head(sk, skb, len);
			tcpx_set_skb_tso_segs(skb, mss_now);
		}
	}
	/* Their memory is the probe's now. */
	probe->truesize += probe->len;
	sk_wmem_queued_add(sk, probe->len);
	sk_mem_charge(sk, probe->len);
	__skb_header_release(probe);
	__skb_queue_head(&sk->sk_write_queue, probe);
	tcpx_set_skb_tso_segs(probe, probe->len);
}

/* Which size to try next, MSS; 0: none now. */
static int tcpx_mtu_probe_size(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 high = tp->mtup.search_high, low = tp->mtup.search_low;
	int size = tcpx_mtu_to_mss(sk, (high + low) >> 1);

	if (size > (int)tcpx_mtu_to_mss(sk, high) ||
	    (int)(high - low) < (int)READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_probe_threshold)) {
		tcpx_mtu_check_reprobe(sk);
		return 0;
	}
	return size;
}

/* Is the connection in a state in which a lost probe is told from other losses? */
static bool tcpx_mtu_may_probe(const struct tcpx_sock *tp)
{
	return tp->mtup.enabled && !tp->mtup.probe_size && tp->ca_state == TCP_CA_Open &&
	       tp->cc.snd_cwnd >= 11 && !tp->rx_opt.num_sacks && !tp->rx_opt.dsack;
}

/**
 * tcpx_mtu_probe() - send a longer segment, if it is time to
 * @sk: socket, locked, something in the write queue
 *
 * rfc4821#section-7.4. Enough data must follow for its loss to be noticed by duplicate
 * ACKs.
 *
 * Return: 1: a probe was sent; 0: it will be soon, send nothing else now; -1: no.
 */
int tcpx_mtu_probe(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int mss_now;
	struct sk_buff *probe;
	u64 needed;
	int size;

	if (likely(!tcpx_mtu_may_probe(tp)))
		return -1;
	mss_now = tcpx_current_mss(sk);
	size = tcpx_mtu_probe_size(sk);
	needed = size + (tp->reordering + 1) * (u64)tp->mss_cache;
	if (!size || tp->write_seq - tp->snd_nxt < needed || tp->snd_wnd < needed)
		return -1;
	if (after(tp->snd_nxt + (u32)needed, tcpx_wnd_end(tp)))
		return 0;
	/* It counts for two, to be sent when the window has room. */
	if (tcpx_packets_in_flight(tp) + 2 > tp->cc.snd_cwnd)
		return tcpx_packets_in_flight(tp) ? 0 : -1;
	if (!tcpx_can_gather(sk, size))
		return -1;

	probe = tcpx_mtu_probe_skb(sk, size);
	if (!probe)
		return -1;
	tcpx_mtu_probe_replace(sk, probe, mss_now);
	/* If that fails it is cut like all others. */
	if (tcpx_transmit_skb(sk, probe, true, GFP_ATOMIC))
		return -1;
	tp->cc.snd_cwnd--;
	tcpx_event_new_data_sent(sk, probe);
	tp->mtup.probe_size = tcpx_mss_to_mtu(sk, probe->len);
	tp->mtup.probe_seq_start = TCPX_CB(probe)->seq;
	tp->mtup.probe_seq_end = TCPX_CB(probe)->end_seq;
	return 1;
}
