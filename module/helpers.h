/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: small functions on the module's types that all of it uses. Included by
 * tcpx.h, which has the types.
 */
#ifndef _TCPX_HELPERS_H
#define _TCPX_HELPERS_H

/* --- time --------------------------------------------------------------- */

static inline u32 tcpx_jiffies32(void)
{
	return (u32)jiffies;
}

static inline u64 tcpx_clock_us(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

/* The clock of TSval: milliseconds (rfc7323#section-5.4 allows 1 ms .. 1 s). */
static inline u32 tcpx_clock_ms(void)
{
	return (u32)div_u64(ktime_get_ns(), NSEC_PER_MSEC);
}

/* That clock at tcp_mstamp, without the connection's offset. */
static inline u32 tcpx_time_stamp(const struct tcpx_sock *tp)
{
	return (u32)div_u64(tp->tcp_mstamp, USEC_PER_MSEC);
}

/* The same clock, as of when the skb left last. */
static inline u32 tcpx_skb_timestamp(const struct sk_buff *skb)
{
	return div_u64(skb->tstamp, NSEC_PER_MSEC);
}

/* --- which IP ------------------------------------------------------------ */

/* Of a received segment: an IPv6 socket may get one of IPv4. */
static inline bool tcpx_skb_is_v6(const struct sk_buff *skb)
{
	return IS_ENABLED(CONFIG_IPV6) && skb->protocol == htons(ETH_P_IPV6);
}

/* Was the socket, of any kind, made as one of IPv6? It may talk IPv4 nonetheless. */
static inline bool tcpx_sk_is_v6(const struct sock *sk)
{
	return IS_ENABLED(CONFIG_IPV6) && sk->sk_family == AF_INET6;
}

/* Try another path: another flow label, and over IPv6 maybe another one of several routes of equal
 * cost, which is looked up anew. False: SO_TXREHASH says no.
 */
static inline bool tcpx_rethink_path(struct sock *sk)
{
	if (!sk_rethink_txhash(sk))
		return false;
	if (tcpx_sk_is_v6(sk))
		__sk_dst_reset(sk);
	return true;
}

#if IS_ENABLED(CONFIG_IPV6)
/* Device that a segment came in by, once TCPX_CB is filled. */
static inline int tcpx_v6_iif(const struct sk_buff *skb)
{
	const struct inet6_skb_parm *cb = &TCPX_CB(skb)->header.h6;

	return ipv6_l3mdev_skb(cb->flags) ? skb->skb_iif : cb->iif;
}
#endif

/* --- small helpers shared by all ---------------------------------------- */

/* Segments in flight that can still arrive, rfc6675#section-4 "pipe". */
static inline unsigned int tcpx_left_out(const struct tcpx_sock *tp)
{
	return tp->sacked_out + tp->lost_out;
}

static inline unsigned int tcpx_packets_in_flight(const struct tcpx_sock *tp)
{
	return tp->packets_out - tcpx_left_out(tp) + tp->retrans_out;
}

static inline bool tcpx_is_sack(const struct tcpx_sock *tp)
{
	return likely(tp->rx_opt.sack_ok);
}

/* When a sent skb left, us. */
static inline u64 tcpx_skb_mstamp(const struct sk_buff *skb)
{
	return div_u64(skb->tstamp, NSEC_PER_USEC);
}

/* First byte beyond the peer's window. */
static inline u32 tcpx_wnd_end(const struct tcpx_sock *tp)
{
	return tp->snd_una + tp->snd_wnd;
}

/* What is left of the window we advertised. */
static inline u32 tcpx_receive_window(const struct tcpx_sock *tp)
{
	s32 win = tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt;

	return win < 0 ? 0 : win;
}

/* First byte beyond all that was ever promised. What was taken back may be on its way. */
static inline u32 tcpx_promised_edge(const struct tcpx_sock *tp)
{
	if (unlikely(tp->rx_opt.window_retracted))
		return tp->disorder->rcv_mwnd_seq;
	return tp->rcv_wup + tp->rcv_wnd;
}

/* Is an urgent byte on its way? */
static inline bool tcpx_urg_mode(const struct tcpx_sock *tp)
{
	return tp->snd_una != tp->snd_up;
}

static inline struct sk_buff *tcpx_send_head(const struct sock *sk)
{
	return skb_peek(&sk->sk_write_queue);
}

static inline struct sk_buff *tcpx_rtx_queue_head(const struct sock *sk)
{
	return skb_rb_first(&sk->tcp_rtx_queue);
}

static inline struct sk_buff *tcpx_rtx_queue_tail(const struct sock *sk)
{
	return skb_rb_last(&sk->tcp_rtx_queue);
}

static inline bool tcpx_rtx_queue_empty(const struct sock *sk)
{
	return RB_EMPTY_ROOT(&sk->tcp_rtx_queue);
}

static inline bool tcpx_rtx_and_write_queues_empty(const struct sock *sk)
{
	return tcpx_rtx_queue_empty(sk) && skb_queue_empty(&sk->sk_write_queue);
}

static inline int tcpx_skb_pcount(const struct sk_buff *skb)
{
	return TCPX_CB(skb)->gso_segs;
}

static inline int tcpx_skb_mss(const struct sk_buff *skb)
{
	return TCPX_CB(skb)->gso_size;
}

/* Free an skb of the write or retransmit queue. Its anchor in the time-sorted
 * list lies over the fields that freeing looks at.
 */
static inline void tcpx_wmem_free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk_wmem_queued_add(sk, -skb->truesize);
	sk_mem_uncharge(sk, skb->truesize);
	skb->destructor = NULL;
	skb->_skb_refdst = 0;
	__kfree_skb(skb);
}

/* RFC 4898 counters of a segment that arrived for the socket. */
static inline void tcpx_segs_in(struct tcpx_sock *tp, const struct sk_buff *skb)
{
	u16 segs = max_t(u16, 1, skb_shinfo(skb)->gso_segs);

	WRITE_ONCE(tp->segs_in, tp->segs_in + segs);
	if (skb->len > tcp_hdrlen(skb))
		WRITE_ONCE(tp->data_segs_in, tp->data_segs_in + segs);
}

/* tcp_mstamp in ns */
static inline u64 tcpx_mstamp_ns(const struct tcpx_sock *tp)
{
	return tp->tcp_mstamp * NSEC_PER_USEC;
}

/* What lies beyond a hole, if anything does. */
static inline bool tcpx_ofo_empty(const struct tcpx_sock *tp)
{
	return likely(!tp->disorder) || RB_EMPTY_ROOT(&tp->disorder->out_of_order_queue);
}

/* NULL if it never listened and has nothing of Fast Open set */
static inline struct tcpx_accept_queue *tcpx_queue(const struct sock *lsk)
{
	return READ_ONCE(tcpx_sk(lsk)->accept_queue);
}

/* Unlock a child, which was locked when it was cloned, and drop its creator's reference. */
static inline void tcpx_child_release(struct sock *child)
{
	__acquire(&child->sk_lock.slock);	/* sparse did not see it */
	bh_unlock_sock(child);
	sock_put(child);
}

/* A listener could not take a SYN, or the ACK that completes a handshake. */
static inline void tcpx_listendrop(struct sock *lsk, const struct sk_buff *skb)
{
	compat_sk_drops_skb(lsk, skb);
	TCPX_NET_INC(sock_net(lsk), LINUX_MIB_LISTENDROPS);
}

static inline void tcpx_cc_set_pacing_rate(struct sock *sk, unsigned long rate)
{
	rate = min(rate, READ_ONCE(sk->sk_max_pacing_rate));
	tcpx_sk(sk)->cc.pacing_rate = rate;
	WRITE_ONCE(sk->sk_pacing_rate, rate);
}

/* --- ECN -------------------------------------------------------------------- */

/* Feedback as in rfc3168, as in rfc9768; neither while a SYN asks for the latter. */
static inline bool tcpx_ecn_classic(const struct tcpx_sock *tp)
{
	return (tp->ecn_flags & TCPX_ECN_MODE) == TCPX_ECN_OK;
}

static inline bool tcpx_ecn_accurate(const struct tcpx_sock *tp)
{
	return unlikely((tp->ecn_flags & TCPX_ECN_MODE) == TCPX_ECN_ACCECN);
}

/* --- knobs that older kernels lack ---------------------------------------- */

/* The host's tcp_ecn, or net.tcpx's where the host's has no AccECN. */
static inline u8 tcpx_sysctl_ecn(const struct net *net)
{
	u8 host = READ_ONCE(net->ipv4.sysctl_tcp_ecn);

	if (TCPX_HAVE_SYSCTL_TCP_ECN_OPTION)
		return host;
	return READ_ONCE(tcpx_pernet(net)->sysctl.tcp_ecn) ?: host;
}

static inline u8 tcpx_sysctl_ecn_option(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_ECN_OPTION, tcp_ecn_option);
}

static inline u32 tcpx_sysctl_ecn_beacon(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_ECN_OPTION, tcp_ecn_option_beacon);
}

/* The least RTO, jiffies, as far as tcpx_sock.rto_min has room. */
static inline u32 tcpx_sysctl_rto_min(const struct net *net)
{
	u32 us = COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_RTO_MIN_US, tcp_rto_min_us);

	return clamp_t(u32, usecs_to_jiffies(us), 1, S16_MAX);
}

/* The greatest RTO, jiffies. */
static inline u32 tcpx_sysctl_rto_max(const struct net *net)
{
	return msecs_to_jiffies(COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_RTO_MAX_MS, tcp_rto_max_ms));
}

/* Timeouts of a SYN before they begin to double. */
static inline u32 tcpx_sysctl_syn_linear(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_SYN_LINEAR_TIMEOUTS,
			   tcp_syn_linear_timeouts);
}

/* Age at which connect() may take over a TIME_WAIT's addresses, ms. */
static inline u32 tcpx_sysctl_tw_reuse_delay(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_TW_REUSE_DELAY, tcp_tw_reuse_delay);
}

/* Per cent of the RTT that an ACK of segments out of order may wait. */
static inline u32 tcpx_sysctl_comp_sack_percent(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_COMP_SACK_RTT_PERCENT,
			   tcp_comp_sack_rtt_percent);
}

/* RTT, us, below which a receive buffer grows the slower the shorter it is. */
static inline u32 tcpx_sysctl_rcvbuf_low_rtt(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_RCVBUF_LOW_RTT, tcp_rcvbuf_low_rtt);
}

static inline u32 tcpx_sysctl_plb_enabled(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_PLB, tcp_plb_enabled);
}

/* Congested round trips after which who sends again after idleness takes another path; 0: none. */
static inline u32 tcpx_sysctl_plb_idle_rehash_rounds(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_PLB, tcp_plb_idle_rehash_rounds);
}

/* Congested round trips after which everybody does. */
static inline u32 tcpx_sysctl_plb_rehash_rounds(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_PLB, tcp_plb_rehash_rounds);
}

/* Seconds after an RTO in which nobody does. */
static inline u32 tcpx_sysctl_plb_suspend_rto_sec(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_PLB, tcp_plb_suspend_rto_sec);
}

/* How many of the segments must be marked for a round trip to be congested, 256ths. */
static inline u32 tcpx_sysctl_plb_cong_thresh(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_PLB, tcp_plb_cong_thresh);
}

/* May ACKs wait until all of the backlog has been worked through? */
static inline bool tcpx_sysctl_backlog_ack_defer(const struct net *net)
{
	return COMPAT_KNOB(net, TCPX_HAVE_SYSCTL_TCP_BACKLOG_ACK_DEFER, tcp_backlog_ack_defer);
}

/* Does data go both ways by turns, so that ACKs can ride on it? */
static inline bool tcpx_in_pingpong_mode(const struct sock *sk)
{
	return tcpx_sk(sk)->ack.pingpong >= compat_pingpong_thresh(sock_net(sk));
}

static inline void tcpx_enter_pingpong_mode(struct sock *sk)
{
	tcpx_sk(sk)->ack.pingpong = compat_pingpong_thresh(sock_net(sk));
}

/* Are the options of a SYN or SYN-ACK those that nearly all have, in the order that nearly all
 * choose: MSS, SACK permitted, timestamp, window scale? Who looks for another need not walk
 * through them.
 */
static inline bool tcpx_syn_options_usual(const struct tcphdr *th)
{
	const __be32 *word = (const __be32 *)(th + 1);

	return th->doff == (sizeof(*th) + 20) / 4 &&
	       (word[0] & htonl(0xffff0000)) == htonl((TCPOPT_MSS << 24) | (TCPOLEN_MSS << 16)) &&
	       word[1] == htonl((TCPOPT_SACK_PERM << 24) | (TCPOLEN_SACK_PERM << 16) |
				(TCPOPT_TIMESTAMP << 8) | TCPOLEN_TIMESTAMP) &&
	       (word[4] & htonl(0xffffff00)) == htonl((TCPOPT_NOP << 24) | (TCPOPT_WINDOW << 16) |
						      (TCPOLEN_WINDOW << 8));
}

#endif /* _TCPX_HELPERS_H */
