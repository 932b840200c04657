// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: segment arrival, rfc9293#section-3.10.7.
 *
 * tcpx_rcv_established() handles the common state, with Van Jacobson's header
 * prediction in front; tcpx_rcv_state_process() all others. Both first check
 * sequence number, RST and SYN (tcpx_validate_incoming()), then the ACK (ack.c),
 * then the data (reassembly.c), then FIN.
 */

#include "tcpx.h"
#include "trace.h"

/* A segment with one of these may well be shorter than its sender's MSS. */
#define TCPX_REMNANT	(TCP_FLAG_FIN | TCP_FLAG_URG | TCP_FLAG_SYN | TCP_FLAG_PSH)

/* The fastest clock of timestamps there is in practice; rfc7323#section-5.4 has 1 to 1000. */
#define TCPX_PEER_TS_HZ	1200

/* What header prediction compares of word 3: not PSH, nor what is reserved but for AE. */
#define TCPX_HP_BITS	(~(cpu_to_be32(0x0E000000) | TCP_FLAG_PSH))

/**
 * tcpx_drop() - a segment is not accepted
 * @sk: socket
 * @skb: segment, consumed
 * @reason: why
 */
void tcpx_drop(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason)
{
	compat_sk_drops_skb(sk, skb);
	trace_tcpx_drop_segment(sk, skb, reason);
	compat_sk_skb_reason_drop(sk, skb, reason);
}

/* --- when to acknowledge ---------------------------------------------------- */

static void tcpx_incr_quickack(struct sock *sk, unsigned int max_quickacks)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int quickacks = tp->rcv_wnd / (2 * tp->ack.rcv_mss);

	quickacks = min(quickacks ?: 2U, max_quickacks);
	if (quickacks > tp->ack.quick)
		tp->ack.quick = quickacks;
}

/**
 * tcpx_enter_quickack_mode() - acknowledge the next segments at once
 * @sk: socket, locked
 * @max_quickacks: how many
 */
void tcpx_enter_quickack_mode(struct sock *sk, unsigned int max_quickacks)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_incr_quickack(sk, max_quickacks);
	tp->ack.pingpong = 0;
	tp->ack.ato = TCPX_ATO_MIN;
}

static bool tcpx_in_quickack_mode(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);

	return (dst && dst_metric(dst, RTAX_QUICKACK)) ||
	       (tp->ack.quick && !tcpx_in_pingpong_mode(sk));
}

/**
 * tcpx_initialize_rcv_mss() - a first guess at the peer's segment size
 * @sk: socket, locked
 */
void tcpx_initialize_rcv_mss(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int hint = min_t(unsigned int, tp->advmss, tp->mss_cache);

	hint = min(hint, tp->rcv_wnd / 2);
	hint = min(hint, TCP_MSS_DEFAULT);
	tp->ack.rcv_mss = max(hint, TCP_MIN_MSS);
}

/**
 * tcpx_measure_rcv_mss() - how large are the peer's full segments?
 * @sk: socket, locked
 * @skb: one with data, header pulled
 *
 * Decides when an ACK is due.
 */
void tcpx_measure_rcv_mss(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const u16 prior = tp->ack.last_seg_size;
	unsigned int len = skb_shinfo(skb)->gso_size ?: skb->len;

	tp->ack.last_seg_size = 0;
	if (len >= tp->ack.rcv_mss) {
		tp->ack.rcv_mss = min_t(unsigned int, len, tp->advmss);
		/* A full segment with PSH ends what the peer wrote: it may wait
		 * for our ACK, so let the reader send one.
		 */
		if (TCPX_CB(skb)->tcp_flags & TCPHDR_PSH)
			tp->ack.pending |= TCPX_ACK_PUSHED;
		return;
	}

	/* Twice the same, smaller size, and not obviously a remnant: that is
	 * what the path gives now.
	 */
	len += skb->data - skb_transport_header(skb);
	if (len >= TCP_MSS_DEFAULT + sizeof(struct tcphdr) ||
	    (len >= TCP_MIN_MSS + sizeof(struct tcphdr) &&
	     !(tcp_flag_word(tcp_hdr(skb)) & TCPX_REMNANT))) {
		len -= tp->tcp_header_len;
		tp->ack.last_seg_size = len;
		if (len == prior) {
			tp->ack.rcv_mss = len;
			return;
		}
	}
	if (tp->ack.pending & TCPX_ACK_PUSHED)
		tp->ack.pending |= TCPX_ACK_PUSHED2;
	tp->ack.pending |= TCPX_ACK_PUSHED;
}

/**
 * tcpx_event_data_recv() - new data in order has arrived
 * @sk: socket, locked
 * @skb: segment, header pulled
 *
 * Follows the rhythm of arrivals, so that a delayed ACK waits about as long as
 * the next segment takes.
 */
void tcpx_event_data_recv(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 now = tcpx_jiffies32();

	tcpx_schedule_ack(sk);
	tcpx_measure_rcv_mss(sk, skb);
	tcpx_rcv_rtt_measure(tp);

	if (!tp->ack.ato) {
		/* The first data: the peer is in slow start and needs ACKs. */
		tcpx_incr_quickack(sk, TCP_MAX_QUICKACKS);
		tp->ack.ato = TCPX_ATO_MIN;
	} else {
		int gap = now - tp->ack.lrcvtime;

		if (gap <= TCPX_ATO_MIN / 2) {
			tp->ack.ato = (tp->ack.ato >> 1) + TCPX_ATO_MIN / 2;
		} else if (gap < tp->ack.ato) {
			tp->ack.ato = min3((tp->ack.ato >> 1) + gap, tp->rto,
					   (u32)TCPX_DELACK_MAX);
		} else if (gap > tp->rto) {
			/* The peer restarts after a pause. */
			tcpx_incr_quickack(sk, TCP_MAX_QUICKACKS);
		}
	}
	tp->ack.lrcvtime = now;
	tcpx_ecn_check_ce(sk, skb);
	if (skb->len >= 128)
		tcpx_grow_window(sk, skb);
}

/* How long one ACK may stand for those of several segments out of order: a fraction
 * of the RTT, the smaller of what we know as a receiver and as a sender.
 */
static u64 tcpx_comp_sack_delay_ns(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	u32 rtt_us = tp->rcv_rtt_est.rtt_us;
	u64 rtt_part;

	if (tp->cc.srtt_us && tp->cc.srtt_us < rtt_us)
		rtt_us = tp->cc.srtt_us;
	rtt_part = (u64)rtt_us * (NSEC_PER_USEC >> 3) * tcpx_sysctl_comp_sack_percent(net);
	return min_t(u64, READ_ONCE(net->ipv4.sysctl_tcp_comp_sack_delay_ns),
		     div_u64(rtt_part, 100));
}

/* A segment out of order came. The first duplicate ACKs start the peer's recovery and
 * leave at once; after them one may stand for many, for their SACK blocks say it all.
 */
static void tcpx_ofo_ack_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	struct tcpx_disorder *d = tp->disorder;

	if (d->compressed_ack_rcv_nxt != tp->rcv_nxt) {
		d->compressed_ack_rcv_nxt = tp->rcv_nxt;
		tp->dup_ack_counter = 0;
	}
	if (!tcpx_is_sack(tp) ||
	    tp->compressed_ack >= READ_ONCE(net->ipv4.sysctl_tcp_comp_sack_nr)) {
		tcpx_send_ack(sk);
		return;
	}
	if (tp->dup_ack_counter < TCP_FASTRETRANS_THRESH) {
		tp->dup_ack_counter++;
		tcpx_send_ack(sk);
		return;
	}
	tp->compressed_ack++;
	if (hrtimer_is_queued(&d->compressed_ack_timer))
		return;
	sock_hold(sk);
	hrtimer_start_range_ns(&d->compressed_ack_timer,
			       ns_to_ktime(tcpx_comp_sack_delay_ns(sk)),
			       READ_ONCE(net->ipv4.sysctl_tcp_comp_sack_slack_ns),
			       HRTIMER_MODE_REL_PINNED_SOFT);
}

/* rfc9293#section-3.8.6.3, rfc5681#section-4.2: at least every second full
 * segment, at once when out of order, else a little later.
 */
static void __tcpx_ack_snd_check(struct sock *sk, bool ofo_possible)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if ((tp->rcv_nxt - tp->rcv_wup > tp->ack.rcv_mss &&
	     /* and the reader is not about to make a better window */
	     (tp->rcv_nxt - tp->copied_seq < sk->sk_rcvlowat ||
	      __tcpx_select_window(sk) >= tp->rcv_wnd)) ||
	    tcpx_in_quickack_mode(sk) ||
	    (tp->ack.pending & TCPX_ACK_NOW)) {
		/* One ACK for all that the backlog brings */
		if (sock_owned_by_user_nocheck(sk) &&
		    tcpx_sysctl_backlog_ack_defer(sock_net(sk)))
			set_bit(TCPX_ACK_DEFERRED, &sk->sk_tsq_flags);
		else
			tcpx_send_ack(sk);
		return;
	}
	if (ofo_possible && !tcpx_ofo_empty(tp))
		tcpx_ofo_ack_check(sk);
	else
		tcpx_send_delayed_ack(sk);
}

static void tcpx_ack_snd_check(struct sock *sk)
{
	if (tcpx_sk(sk)->ack.pending & TCPX_ACK_SCHED)
		__tcpx_ack_snd_check(sk, true);
}

/* --- timestamps ---------------------------------------------------------------- */

/**
 * tcpx_store_ts_recent() - TS.Recent := SEG.TSval, rfc7323#section-4.3
 * @tp: socket, locked
 *
 * Return: TCPX_FLAG_TS_PROGRESS if it is later than the last one, else 0.
 */
int tcpx_store_ts_recent(struct tcpx_sock *tp)
{
	const struct tcpx_options_received *opt = &tp->rx_opt;
	s32 later = opt->rcv_tsval - opt->ts_recent;

	/* A segment that PAWS would refuse (an ACK out of order) must not
	 * turn the clock back.
	 */
	if (!opt->saw_tstamp || tcpx_paws_reject(opt, false))
		return 0;
	tp->rx_opt.ts_recent = opt->rcv_tsval;
	tp->rx_opt.ts_recent_stamp = ktime_get_seconds();
	return later > 0 ? TCPX_FLAG_TS_PROGRESS : 0;
}

static bool tcpx_paws_check(const struct tcpx_options_received *opt, int slack)
{
	if ((s32)(opt->ts_recent - opt->rcv_tsval) <= slack)
		return true;
	if (!time_before32(ktime_get_seconds(), opt->ts_recent_stamp + TCPX_PAWS_WRAP))
		return true;
	/* Some peers send 0 in the SYN and the truth later. */
	return !opt->ts_recent;
}

/**
 * tcpx_paws_reject() - is the timestamp too old?
 * @opt: options of the segment and TS.Recent
 * @rst: it is a RST: accepted after a pause, as peers lose their clock
 *
 * Return: true if the segment is to be dropped, rfc7323#section-5.3.
 */
bool tcpx_paws_reject(const struct tcpx_options_received *opt, bool rst)
{
	if (tcpx_paws_check(opt, 0))
		return false;
	return !rst || time_before32(ktime_get_seconds(),
				     opt->ts_recent_stamp + TCP_PAWS_MSL);
}

/* Pure ACKs may overtake data on the way: not a replay. */
static bool tcpx_disordered_ack(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	u32 seq = TCPX_CB(skb)->seq, ack = TCPX_CB(skb)->ack_seq;
	u32 win = ntohs(th->window) << tp->rx_opt.snd_wscale;

	return th->ack && seq == TCPX_CB(skb)->end_seq && seq == tp->rcv_nxt &&
	       ack == tp->snd_una &&
	       /* it does not change the window either */
	       !after(seq, tp->snd_wl1) &&
	       !(seq == tp->snd_wl1 && (win > tp->snd_wnd || !win)) &&
	       (s32)(tp->rx_opt.ts_recent - tp->rx_opt.rcv_tsval) <=
		       (s32)(tp->rto * TCPX_PEER_TS_HZ / HZ);
}

/* A pure ACK of before rcv_nxt: it came late, and nobody waits for an answer. */
static bool tcpx_old_pure_ack(const struct tcpx_sock *tp, const struct sk_buff *skb)
{
	return tcp_hdr(skb)->ack && TCPX_CB(skb)->seq == TCPX_CB(skb)->end_seq &&
	       before(TCPX_CB(skb)->seq, tp->rcv_nxt);
}

/* --- segments that are not acceptable --------------------------------------------- */

/* Was a bad segment answered so shortly ago that this one is not? A request is not locked. */
static bool tcpx_answered_lately(struct net *net, int mib_idx, u32 *last)
{
	u32 now = tcpx_jiffies32(), lately = READ_ONCE(*last);
	s32 elapsed = now - lately;

	if (lately && elapsed >= 0 &&
	    elapsed < READ_ONCE(net->ipv4.sysctl_tcp_invalid_ratelimit)) {
		TCPX_NET_INC(net, mib_idx);
		return true;
	}
	WRITE_ONCE(*last, now ?: 1);
	return false;
}

/**
 * tcpx_oow_rate_limited() - may a bad segment be answered?
 * @net: netns
 * @skb: the segment; one with data may always (SYN excepted)
 * @mib_idx: LINUX_MIB_* to count a refusal under
 * @last: tcpx_jiffies32() of the last answer, updated
 *
 * Two ends that each think the other is out of window would answer forever.
 *
 * Return: true: do not answer.
 */
bool tcpx_oow_rate_limited(struct net *net, const struct sk_buff *skb, int mib_idx, u32 *last)
{
	if (TCPX_CB(skb)->seq != TCPX_CB(skb)->end_seq && !tcp_hdr(skb)->syn)
		return false;
	return tcpx_answered_lately(net, mib_idx, last);
}

/**
 * tcpx_challenge_ack_allowed() - may a challenge ACK be sent? It counts as sent.
 * @net: netns
 * @last: tcpx_jiffies32() of the last answer to a bad segment, updated
 *
 * Limited per connection or request, whatever the segment holds, and per netns
 * (rfc5961#section-7); the latter by a budget that varies, so that it can't be used
 * to find connections (CVE-2016-5696).
 *
 * Return: true: send it.
 */
bool tcpx_challenge_ack_allowed(struct net *net, u32 *last)
{
	u32 limit = READ_ONCE(net->ipv4.sysctl_tcp_challenge_ack_limit), sec, count;
	struct tcpx_net *tn = tcpx_pernet(net);

	if (tcpx_answered_lately(net, LINUX_MIB_TCPACKSKIPPEDCHALLENGE, last))
		return false;
	if (limit != INT_MAX) {
		sec = tcpx_jiffies32() / HZ;
		if (sec != READ_ONCE(tn->challenge_timestamp)) {
			u32 half = (limit + 1) >> 1;

			WRITE_ONCE(tn->challenge_timestamp, sec);
			WRITE_ONCE(tn->challenge_count, half + get_random_u32_below(limit ?: 1));
		}
		count = READ_ONCE(tn->challenge_count);
		if (!count)
			return false;
		WRITE_ONCE(tn->challenge_count, count - 1);
	}
	TCPX_NET_INC(net, LINUX_MIB_TCPCHALLENGEACK);
	return true;
}

/**
 * tcpx_send_challenge_ack() - make the peer prove itself, rfc5961
 * @sk: socket, locked
 */
void tcpx_send_challenge_ack(struct sock *sk)
{
	if (tcpx_challenge_ack_allowed(sock_net(sk), &tcpx_sk(sk)->last_oow_ack_time))
		tcpx_send_ack(sk);
}

/* An old segment: our ACK got lost, or it is a duplicate. */
static void tcpx_send_dupack(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

	if (end_seq != seq && before(seq, tp->rcv_nxt)) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_DELAYEDACKLOST);
		tcpx_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		tcpx_rcv_spurious_retrans(sk, skb);
		if (after(end_seq, tp->rcv_nxt))
			end_seq = tp->rcv_nxt;
		tcpx_dsack_set(sk, seq, end_seq);
	}
	tcpx_send_ack(sk);
}

/**
 * tcpx_reset() - a valid RST: the connection is gone
 * @sk: socket, locked
 * @skb: the segment
 *
 * rfc9293#section-3.10.7.4 "second, check the RST bit"
 */
void tcpx_reset(struct sock *sk, struct sk_buff *skb)
{
	int err = ECONNRESET;

	trace_tcpx_receive_reset(sk);
	switch (sk->sk_state) {
	case TCP_SYN_SENT:
		err = ECONNREFUSED;
		break;
	case TCP_CLOSE_WAIT:
		err = EPIPE;
		break;
	case TCP_CLOSE:
		return;
	}
	tcpx_done_with_error(sk, err);
}

/* A RST at the sequence number of a FIN we have had: some peers do that. */
static bool tcpx_reset_check(const struct sock *sk, const struct sk_buff *skb)
{
	return TCPX_CB(skb)->seq == tcpx_sk(sk)->rcv_nxt - 1 &&
	       ((1 << sk->sk_state) & (TCPF_CLOSE_WAIT | TCPF_LAST_ACK | TCPF_CLOSING));
}

/* rfc5961#section-3.2: exactly RCV.NXT resets; but that may lie beyond what
 * the peer knows to be received: then the end of the last SACK block does.
 */
static bool tcpx_rst_exact(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq = TCPX_CB(skb)->seq, max_sack;
	const struct tcp_sack_block *sp;
	int i;

	if (seq == tp->rcv_nxt || tcpx_reset_check(sk, skb))
		return true;
	if (!tcpx_is_sack(tp) || !tp->rx_opt.num_sacks)
		return false;
	sp = tp->disorder->selective_acks;
	max_sack = sp[0].end_seq;
	for (i = 1; i < tp->rx_opt.num_sacks; i++) {
		if (after(sp[i].end_seq, max_sack))
			max_sack = sp[i].end_seq;
	}
	return seq == max_sack;
}

/* rfc9293#section-3.4: the right edge. What only ends beyond it is taken while nothing else is
 * there to read, as it would cost as much to trim it. Some peers let a FIN stick out.
 */
static bool tcpx_beyond_window(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 edge = tcpx_promised_edge(tp);

	if (before(edge, tp->rcv_nxt))
		edge = tp->rcv_nxt;
	if (!after(TCPX_CB(skb)->end_seq - tcp_hdr(skb)->fin, edge))
		return false;
	return after(TCPX_CB(skb)->seq, edge) || !skb_queue_empty(&sk->sk_receive_queue);
}

static bool tcpx_sequence_ok(const struct sock *sk, const struct sk_buff *skb)
{
	return !before(TCPX_CB(skb)->end_seq, tcpx_sk(sk)->rcv_wup) && !tcpx_beyond_window(sk, skb);
}

static void tcpx_syn_challenge(struct sock *sk, struct sk_buff *skb, bool syn_inerr)
{
	if (syn_inerr)
		TCPX_INC_STATS(sock_net(sk), TCP_MIB_INERRS);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPSYNCHALLENGE);
	tcpx_send_challenge_ack(sk);
	tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_INVALID_SYN);
}

/* Not acceptable: answer with an ACK, unless it is a RST. */
static void tcpx_unacceptable(struct sock *sk, struct sk_buff *skb, bool syn_inerr, int mib,
			      enum skb_drop_reason reason)
{
	if (tcp_hdr(skb)->syn) {
		tcpx_syn_challenge(sk, skb, syn_inerr);
		return;
	}
	if (!tcpx_oow_rate_limited(sock_net(sk), skb, mib, &tcpx_sk(sk)->last_oow_ack_time))
		tcpx_send_dupack(sk, skb);
	tcpx_drop(sk, skb, reason);
}

/* PAWS, sequence number, RST, SYN. False: the segment was dealt with. */
static bool tcpx_validate_incoming(struct sock *sk, struct sk_buff *skb, const struct tcphdr *th,
				   bool syn_inerr)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);

	/* rfc7323#section-5.3 R1; a RST is spared */
	if (tcpx_fast_parse_options(net, skb, th, tp) && !th->rst &&
	    !tcpx_paws_check(&tp->rx_opt, TCP_PAWS_WINDOW) && !tcpx_disordered_ack(sk, skb)) {
		if (COMPAT_PAWS_SPARES_OLD_ACK && tcpx_old_pure_ack(tp, skb)) {
			TCPX_NET_INC(net, LINUX_MIB_PAWS_OLD_ACK);
			tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_RFC7323_PAWS_ACK);
			return false;
		}
		if (!th->syn)
			TCPX_NET_INC(net, LINUX_MIB_PAWSESTABREJECTED);
		tcpx_unacceptable(sk, skb, syn_inerr, LINUX_MIB_TCPACKSKIPPEDPAWS,
				  SKB_DROP_REASON_TCP_RFC7323_PAWS);
		return false;
	}

	/* "first, check sequence number" */
	if (!tcpx_sequence_ok(sk, skb)) {
		if (!th->rst) {
			if (!th->syn && tcpx_beyond_window(sk, skb))
				TCPX_NET_INC(net, LINUX_MIB_BEYOND_WINDOW);
			tcpx_unacceptable(sk, skb, syn_inerr, LINUX_MIB_TCPACKSKIPPEDSEQ,
					  SKB_DROP_REASON_TCP_INVALID_SEQUENCE);
			return false;
		}
		if (!tcpx_reset_check(sk, skb)) {
			tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_INVALID_SEQUENCE);
			return false;
		}
		tcpx_reset(sk, skb);
		consume_skb(skb);
		return false;
	}

	/* "second, check the RST bit" */
	if (th->rst) {
		if (tcpx_rst_exact(sk, skb)) {
			tcpx_reset(sk, skb);
			consume_skb(skb);
			return false;
		}
		if (!tp->data_segs_in && sk->sk_state == TCP_ESTABLISHED)
			tcpx_fastopen_bad_end(sk);
		tcpx_send_challenge_ack(sk);
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_RESET);
		return false;
	}

	/* "fourth, check the SYN bit", rfc5961#section-4.2. At simultaneous
	 * open the peer's SYN-ACK repeats the SYN we had: that is its ACK.
	 */
	if (th->syn) {
		if (sk->sk_state == TCP_SYN_RECV && sk->sk_socket && th->ack &&
		    TCPX_CB(skb)->seq + 1 == TCPX_CB(skb)->end_seq &&
		    TCPX_CB(skb)->seq + 1 == tp->rcv_nxt &&
		    TCPX_CB(skb)->ack_seq == tp->snd_nxt)
			return true;
		if (tcpx_ecn_accurate(tp))
			tcpx_accecn_syn_again(tp, skb);
		tcpx_syn_challenge(sk, skb, syn_inerr);
		/* Sent or not (there is a limit), it was for that ACK. */
		if (tcpx_ecn_accurate(tp))
			tp->accecn.reflect = 0;
		return false;
	}
	return true;
}

/* --- FIN ------------------------------------------------------------------------- */

/**
 * tcpx_fin() - the peer's FIN has arrived in order
 * @sk: socket, locked
 *
 * rfc9293#section-3.10.7.4 "eighth, check the FIN bit"
 */
void tcpx_fin(struct sock *sk)
{
	tcpx_schedule_ack(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sock_set_flag(sk, SOCK_DONE);

	switch (sk->sk_state) {
	case TCP_SYN_RECV:
	case TCP_ESTABLISHED:
		tcpx_set_state(sk, TCP_CLOSE_WAIT);
		/* An answer will follow soon: let the ACK ride on it. */
		tcpx_enter_pingpong_mode(sk);
		break;
	case TCP_FIN_WAIT1:
		/* Simultaneous close. */
		tcpx_send_ack(sk);
		tcpx_set_state(sk, TCP_CLOSING);
		break;
	case TCP_FIN_WAIT2:
		tcpx_send_ack(sk);
		tcpx_time_wait(sk, TCP_TIME_WAIT, 0);
		break;
	default:
		/* CLOSE_WAIT, CLOSING, LAST_ACK: it was retransmitted. */
		break;
	}

	/* Nothing can follow a FIN. */
	tcpx_ofo_purge(sk);
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);
		if (sk->sk_shutdown == SHUTDOWN_MASK || sk->sk_state == TCP_CLOSE)
			sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_HUP);
		else
			sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
	}
}

/* --- ESTABLISHED -------------------------------------------------------------------- */

/* Header prediction, a pure ACK. */
static void tcpx_rcv_fast_ack(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int flag = 0;

	if (tp->rcv_nxt == tp->rcv_wup)
		flag = tcpx_store_ts_recent(tp);
	if (tcpx_ecn_accurate(tp))
		tcpx_accecn_received(sk, skb, 0);
	tcpx_ack(sk, skb, flag);
	__kfree_skb(skb);
	tcpx_data_snd_check(sk);
	/* Only marks on pure ACKs, which AccECN counts, make an ACK owed here. */
	if (unlikely(tp->ack.pending & TCPX_ACK_NOW))
		tcpx_ack_snd_check(sk);
	tp->rcv_rtt_last_tsecr = tp->rx_opt.rcv_tsecr;
}

/* Header prediction, data in order. */
static void tcpx_rcv_fast_data(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool fragstolen, ack_done = false;
	int eaten, flag = TCPX_FLAG_DATA;

	if (tp->rcv_nxt == tp->rcv_wup)
		flag |= tcpx_store_ts_recent(tp);
	tcpx_rcv_rtt_measure_ts(sk, skb);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPHPHITS);
	if (tcpx_ecn_accurate(tp))
		tcpx_accecn_received(sk, skb, skb->len - tp->tcp_header_len);

	skb_dst_drop(skb);
	__skb_pull(skb, tp->tcp_header_len);
	eaten = tcpx_queue_rcv(sk, skb, &fragstolen);
	tcpx_event_data_recv(sk, skb);
	if (TCPX_CB(skb)->ack_seq != tp->snd_una) {
		tcpx_ack(sk, skb, flag);
		tcpx_data_snd_check(sk);
		ack_done = !(tp->ack.pending & TCPX_ACK_SCHED);
	} else {
		tp->snd_wl1 = TCPX_CB(skb)->seq;
	}
	if (!ack_done)
		__tcpx_ack_snd_check(sk, false);
	if (eaten)
		kfree_skb_partial(skb, fragstolen);
	tcpx_data_ready(sk);
}

/* Is this what we expect next? Timestamps included. */
static bool tcpx_header_predicted(struct sock *sk, struct sk_buff *skb, const struct tcphdr *th)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->rx_opt.saw_tstamp = 0;
	tp->rx_opt.accecn = 0;
	if ((tcp_flag_word(th) & TCPX_HP_BITS) != tp->pred_flags ||
	    TCPX_CB(skb)->seq != tp->rcv_nxt || after(TCPX_CB(skb)->ack_seq, tp->snd_nxt) ||
	    before(TCPX_CB(skb)->ack_seq, tp->snd_una))
		return false;
	if (tp->tcp_header_len == sizeof(*th))
		return true;
	if (!tcpx_fast_parse_options(sock_net(sk), skb, th, tp))
		return false;
	return (s32)(tp->rx_opt.rcv_tsval - tp->rx_opt.ts_recent) >= 0 && !TCPX_CB(skb)->sacked;
}

/**
 * tcpx_rcv_established() - a segment for a connection in ESTABLISHED
 * @sk: socket, locked
 * @skb: segment, checksum verified, consumed
 */
void tcpx_rcv_established(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	bool predicted;
	int reason;

	tcpx_mstamp_refresh(tp);
	predicted = tcpx_header_predicted(sk, skb, th);
	if (predicted && skb->len == tp->tcp_header_len) {
		tcpx_rcv_fast_ack(sk, skb);
		return;
	}
	if (predicted && likely(!after(TCPX_CB(skb)->end_seq, tp->rcv_wup + tp->rcv_wnd))) {
		/* Of memory that had to be had and was not granted it is negative. */
		if ((int)skb->truesize <= sk->sk_forward_alloc) {
			tcpx_rcv_fast_data(sk, skb);
			return;
		}
	} else {
		if (!th->ack && !th->rst && !th->syn) {
			tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_FLAGS);
			return;
		}
		if (!tcpx_validate_incoming(sk, skb, th, true))
			return;
	}

	/* First: what the ACK makes us send tells of the mark. */
	if (tcpx_ecn_accurate(tp))
		tcpx_accecn_received(sk, skb, skb->len - th->doff * 4);
	reason = tcpx_ack(sk, skb, TCPX_FLAG_SLOWPATH | TCPX_FLAG_UPDATE_TS_RECENT);
	if (reason < 0) {
		tcpx_drop(sk, skb, -reason);
		return;
	}
	tcpx_rcv_rtt_measure_ts(sk, skb);
	tcpx_urg(sk, skb, th);
	tcpx_data_queue(sk, skb);
	tcpx_data_snd_check(sk);
	tcpx_ack_snd_check(sk);
}

/* --- the states after ESTABLISHED ------------------------------------------------------ */

/* Data for which there is no reader any more. */
static bool tcpx_data_after_close(const struct sock *sk, const struct sk_buff *skb)
{
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

	return end_seq != seq && after(end_seq - tcp_hdr(skb)->fin, tcpx_sk(sk)->rcv_nxt);
}

/* Our FIN is acked. 1: reset; 0: go on; -1: the socket is gone, drop skb. */
static int tcpx_fin_wait1_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int tmo;

	tcpx_set_state(sk, TCP_FIN_WAIT2);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	sk_dst_confirm(sk);
	if (!sock_flag(sk, SOCK_DEAD)) {
		/* Wake up a lingering close(). */
		sk->sk_state_change(sk);
		return 0;
	}

	if (READ_ONCE(tp->linger2) < 0 || tcpx_data_after_close(sk, skb)) {
		if (READ_ONCE(tp->linger2) >= 0 && tcp_hdr(skb)->fin)
			tcpx_fastopen_bad_end(sk);
		tcpx_done(sk);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPABORTONDATA);
		return 1;
	}
	tmo = tcpx_fin_time(sk);
	if (tmo > TCPX_TIMEWAIT_LEN) {
		tcpx_reset_keepalive_timer(sk, tmo - TCPX_TIMEWAIT_LEN);
	} else if (tcp_hdr(skb)->fin || sock_owned_by_user(sk)) {
		/* The FIN in this very segment will do the rest. */
		tcpx_reset_keepalive_timer(sk, tmo);
	} else {
		tcpx_time_wait(sk, TCP_FIN_WAIT2, tmo);
		return -1;
	}
	return 0;
}

/* What the ACK of our FIN does; same answers. */
static int tcpx_closing_acked(struct sock *sk, struct sk_buff *skb)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (unlikely(tp->fastopen_rsk))
		tcpx_fastopen_established(sk);
	if (tp->snd_una != tp->write_seq)
		return 0;
	switch (sk->sk_state) {
	case TCP_FIN_WAIT1:
		return tcpx_fin_wait1_acked(sk, skb);
	case TCP_CLOSING:
		tcpx_time_wait(sk, TCP_TIME_WAIT, 0);
		return -1;
	case TCP_LAST_ACK:
		tcpx_update_metrics(sk);
		tcpx_done(sk);
		return -1;
	}
	return 0;
}

/* "seventh, process the segment text", by state. 0: skb consumed. */
static int tcpx_state_text(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	switch (sk->sk_state) {
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		/* Nothing new can come; old things get their ACK. */
		if (!before(TCPX_CB(skb)->seq, tp->rcv_nxt))
			break;
		fallthrough;
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
		/* rfc1122#section-4.2.2.13: data for nobody resets */
		if ((sk->sk_shutdown & RCV_SHUTDOWN) && tcpx_data_after_close(sk, skb)) {
			TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPABORTONDATA);
			tcpx_reset(sk, skb);
			return 1;
		}
		fallthrough;
	case TCP_ESTABLISHED:
		tcpx_data_queue(sk, skb);
		return 0;
	}
	return -1;
}

/* rfc9293#section-3.10.7.2. 1: reset; 0: consumed. */
static int tcpx_rcv_listen(struct sock *sk, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	if (th->ack)
		return 1;
	if (th->rst || !th->syn || th->fin) {
		tcpx_drop(sk, skb, th->rst ? SKB_DROP_REASON_TCP_RESET : SKB_DROP_REASON_TCP_FLAGS);
		return 0;
	}
	if (tcpx_sk(sk)->af_ops->conn_request(sk, skb) < 0)
		return 1;
	consume_skb(skb);
	return 0;
}

/**
 * tcpx_rcv_state_process() - a segment in any state but ESTABLISHED
 * @sk: socket, locked (LISTEN: not)
 * @skb: segment, checksum verified
 *
 * Return: 0: @skb is consumed; 1: answer it with a RST, then free it.
 */
int tcpx_rcv_state_process(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	int ret;

	if (sk->sk_state == TCP_CLOSE) {
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_CLOSE);
		return 0;
	}
	if (sk->sk_state == TCP_LISTEN)
		return tcpx_rcv_listen(sk, skb);

	tcpx_mstamp_refresh(tp);
	tp->rx_opt.saw_tstamp = 0;
	if (sk->sk_state == TCP_SYN_SENT) {
		ret = tcpx_rcv_synsent_state_process(sk, skb);
		if (ret >= 0)
			return ret;
		tcpx_urg(sk, skb, th);
		__kfree_skb(skb);
		tcpx_data_snd_check(sk);
		return 0;
	}

	if (unlikely(tp->fastopen_rsk) &&
	    !tcpx_fastopen_check_req(sk, skb, tp->fastopen_rsk)) {
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_FASTOPEN);
		return 0;
	}
	if (!th->ack && !th->rst && !th->syn) {
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_FLAGS);
		return 0;
	}
	if (!tcpx_validate_incoming(sk, skb, th, false))
		return 0;

	/* "fifth, check the ACK field" */
	ret = tcpx_ack(sk, skb, TCPX_FLAG_SLOWPATH | TCPX_FLAG_UPDATE_TS_RECENT |
		       TCPX_FLAG_NO_CHALLENGE_ACK);
	if (ret <= 0) {
		if (sk->sk_state == TCP_SYN_RECV)
			return 1;
		if (ret < 0) {
			tcpx_send_challenge_ack(sk);
			tcpx_drop(sk, skb, -ret);
			return 0;
		}
	}
	if (sk->sk_state == TCP_SYN_RECV) {
		tcpx_syn_recv_established(sk, skb);
	} else {
		ret = tcpx_closing_acked(sk, skb);
		if (ret > 0)
			return 1;
		if (ret < 0) {
			consume_skb(skb);
			return 0;
		}
	}

	if (tcpx_ecn_accurate(tp))
		tcpx_accecn_received(sk, skb, skb->len - th->doff * 4);
	tcpx_urg(sk, skb, th);
	ret = tcpx_state_text(sk, skb);
	if (ret > 0)
		return 1;
	if (sk->sk_state != TCP_CLOSE) {
		tcpx_data_snd_check(sk);
		tcpx_ack_snd_check(sk);
	}
	if (ret < 0)
		consume_skb(skb);
	return 0;
}
