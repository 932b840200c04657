// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: what an acknowledgement does: the window, the retransmit queue,
 * the round trip time, the congestion window. rfc9293#section-3.10.7.4 "fifth,
 * check the ACK field". What it says about losses goes to recovery.c.
 */

#include "tcpx.h"
#include "trace.h"

/* --- round trip time, rfc6298 --------------------------------------------- */

/**
 * tcpx_rto_min() - no retransmission timeout is less than this
 * @sk: socket; a route with rto_min goes before it
 *
 * Return: jiffies.
 */
u32 tcpx_rto_min(struct sock *sk)
{
	const struct dst_entry *dst = __sk_dst_get(sk);
	u32 rto_min = tcpx_sk(sk)->rto_min;

	if (dst && dst_metric_locked(dst, RTAX_RTO_MIN))
		rto_min = dst_metric_rtt(dst, RTAX_RTO_MIN);
	return rto_min;
}

static u32 tcpx_rto_min_us(struct sock *sk)
{
	return jiffies_to_usecs(tcpx_rto_min(sk));
}

/* rfc6298#section-2, in eighths and quarters. The variance is the largest
 * deviation of the last RTT rather than a mean: with many samples per RTT the
 * mean would forget a spike at once. A falling RTT widens it only slowly.
 */
static void tcpx_rtt_estimator(struct sock *sk, long rtt_us)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 srtt = tp->cc.srtt_us;
	long err;

	if (!srtt) {
		tp->cc.srtt_us = max(1U, (u32)rtt_us << 3);
		tp->mdev_us = rtt_us << 1;
		tp->rttvar_us = max(tp->mdev_us, tcpx_rto_min_us(sk));
		tp->mdev_max_us = tp->rttvar_us;
		tp->rtt_seq = tp->snd_nxt;
		return;
	}

	err = rtt_us - (srtt >> 3);
	tp->cc.srtt_us = max_t(u32, 1, srtt + err);
	if (err < 0) {
		err = -err - (tp->mdev_us >> 2);
		if (err > 0)
			err >>= 3;
	} else {
		err -= tp->mdev_us >> 2;
	}
	tp->mdev_us += err;
	if (tp->mdev_us > tp->mdev_max_us) {
		tp->mdev_max_us = tp->mdev_us;
		if (tp->mdev_max_us > tp->rttvar_us)
			tp->rttvar_us = tp->mdev_max_us;
	}
	if (after(tp->snd_una, tp->rtt_seq)) {
		if (tp->mdev_max_us < tp->rttvar_us)
			tp->rttvar_us -= (tp->rttvar_us - tp->mdev_max_us) >> 2;
		tp->rtt_seq = tp->snd_nxt;
		tp->mdev_max_us = tcpx_rto_min_us(sk);
	}
}

/**
 * tcpx_set_rto() - RTO from the smoothed RTT and its variance
 * @sk: socket, locked
 */
void tcpx_set_rto(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->rto = usecs_to_jiffies((tp->cc.srtt_us >> 3) + tp->rttvar_us);
	tp->rto = min_t(u32, tp->rto, tp->rto_max);
}

/**
 * tcpx_rtt_init() - no RTT is known yet
 * @sk: socket
 */
void tcpx_rtt_init(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->cc.srtt_us = 0;
	tp->cc.min_rtt_us = ~0U;
	tp->mdev_us = jiffies_to_usecs(TCPX_TIMEOUT_INIT);
	tp->mdev_max_us = 0;
	tp->rttvar_us = 0;
	tp->rto = TCPX_TIMEOUT_INIT;
	tp->rtt_min.cur = ~0U;
	tp->rtt_min.prev = ~0U;
	tp->rtt_min.stamp = tcpx_jiffies32();
}

/* Minimum of the last half to whole window: of two half windows, the older
 * one is forgotten when the younger is full.
 */
static void tcpx_update_rtt_min(struct sock *sk, u32 rtt_us)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 half = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_min_rtt_wlen) * HZ / 2;
	u32 now = tcpx_jiffies32();

	rtt_us = rtt_us ?: jiffies_to_usecs(1);
	if (now - tp->rtt_min.stamp > half) {
		tp->rtt_min.prev = now - tp->rtt_min.stamp > 2 * half ? ~0U : tp->rtt_min.cur;
		tp->rtt_min.cur = ~0U;
		tp->rtt_min.stamp = now;
	}
	tp->rtt_min.cur = min(tp->rtt_min.cur, rtt_us);
	tp->cc.min_rtt_us = min(tp->rtt_min.cur, tp->rtt_min.prev);
}

/* RTT of the TSecr just received, us; < 0 none (rfc7323#section-4.1). */
static long tcpx_rtt_tsopt_us(const struct tcpx_sock *tp)
{
	u32 delta = tcpx_time_stamp(tp) - tp->rx_opt.rcv_tsecr;

	if (delta >= INT_MAX / (int)USEC_PER_MSEC)
		return -1;
	return max(delta, 1U) * (long)USEC_PER_MSEC;
}

/* Take a sample. Karn: retransmitted segments give one only by timestamp. */
static bool tcpx_ack_update_rtt(struct sock *sk, int flag, long seq_rtt_us,
				long sack_rtt_us, long *ca_rtt_us)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (seq_rtt_us < 0)
		seq_rtt_us = sack_rtt_us;
	if (seq_rtt_us < 0 && tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr &&
	    (flag & TCPX_FLAG_ACKED)) {
		seq_rtt_us = tcpx_rtt_tsopt_us(tp);
		*ca_rtt_us = seq_rtt_us;
	}
	if (seq_rtt_us < 0)
		return false;
	/* A peer that always waits would have the minimum grow by that, once the true one is
	 * forgotten.
	 */
	if (*ca_rtt_us >= 0 && !((flag & TCPX_FLAG_ACK_MAYBE_DELAYED) &&
				 *ca_rtt_us > tp->cc.min_rtt_us))
		tcpx_update_rtt_min(sk, *ca_rtt_us);
	tcpx_rtt_estimator(sk, seq_rtt_us);
	tcpx_set_rto(sk);
	tp->backoff = 0;
	return true;
}

/**
 * tcpx_valid_rtt_meas() - a sample from elsewhere
 * @sk: socket, locked
 * @seq_rtt_us: microseconds
 */
void tcpx_valid_rtt_meas(struct sock *sk, u32 seq_rtt_us)
{
	tcpx_update_rtt_min(sk, seq_rtt_us);
	tcpx_rtt_estimator(sk, seq_rtt_us);
	tcpx_set_rto(sk);
}

/**
 * tcpx_synack_rtt_meas() - the handshake's round trip
 * @sk: child, locked
 * @req: request; a retransmitted SYN-ACK gives no sample
 */
void tcpx_synack_rtt_meas(struct sock *sk, struct tcpx_request_sock *req)
{
	long rtt = -1;

	if (req && !req->req.req.num_retrans && req->snt_synack)
		rtt = tcpx_clock_us() - req->snt_synack;
	tcpx_ack_update_rtt(sk, TCPX_FLAG_SYN_ACKED, rtt, -1, &rtt);
}

/* --- timers ------------------------------------------------------------------ */

/* Microseconds until the oldest segment's RTO. */
static s64 tcpx_rto_delta_us(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct sk_buff *skb = tcpx_rtx_queue_head(sk);
	u64 when;

	if (!skb)
		return jiffies_to_usecs(tp->rto);
	when = div_u64(skb->tstamp, NSEC_PER_USEC) + jiffies_to_usecs(tp->rto);
	return when - tp->tcp_mstamp;
}

/**
 * tcpx_rearm_rto() - data was sent or acked: restart the RTO
 * @sk: socket, locked
 *
 * rfc6298#section-5.1 to 5.3.
 */
void tcpx_rearm_rto(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 rto = tp->rto;

	/* The timer is the SYN-ACK's: data comes after it. */
	if (unlikely(tp->fastopen_rsk))
		return;
	if (!tp->packets_out) {
		tcpx_clear_xmit_timer(sk);
		return;
	}
	/* A probe or reordering timer ran: the RTO counts from the segment. */
	if (tp->pending == TCPX_TIME_REO_TIMEOUT || tp->pending == TCPX_TIME_LOSS_PROBE)
		rto = usecs_to_jiffies(max_t(s64, tcpx_rto_delta_us(sk), 1));
	tcpx_reset_paced_timer(sk, TCPX_TIME_RETRANS, rto);
}

/**
 * tcpx_schedule_loss_probe() - arm the tail loss probe, rfc8985#section-7.2
 * @sk: socket, locked
 * @advancing_rto: the RTO is about to restart as well
 *
 * Return: false if a probe is of no use now.
 */
bool tcpx_schedule_loss_probe(struct sock *sk, bool advancing_rto)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int early = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_early_retrans);
	u32 timeout_us;
	s64 rto_us;

	if ((early != 3 && early != 4) || !tp->packets_out || !tcpx_is_sack(tp) ||
	    tp->fastopen_rsk ||
	    (tp->ca_state != TCP_CA_Open && tp->ca_state != TCP_CA_CWR))
		return false;

	if (tp->cc.srtt_us) {
		timeout_us = tp->cc.srtt_us >> 2;
		/* One segment alone: allow for the peer's delayed ACK. */
		if (tp->packets_out == 1)
			timeout_us += tcpx_rto_min_us(sk);
		else
			timeout_us += TCP_TIMEOUT_MIN_US;
	} else {
		timeout_us = jiffies_to_usecs(TCPX_TIMEOUT_INIT);
	}
	rto_us = advancing_rto ? jiffies_to_usecs(tp->rto) : tcpx_rto_delta_us(sk);
	if (rto_us > 0)
		timeout_us = min_t(u64, timeout_us, rto_us);
	tcpx_reset_paced_timer(sk, TCPX_TIME_LOSS_PROBE, usecs_to_jiffies(timeout_us));
	return true;
}

/* The window may have opened: stop probing, or probe on. */
static void tcpx_ack_probe(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct sk_buff *head = tcpx_send_head(sk);

	if (!head)
		return;
	if (!after(TCPX_CB(head)->end_seq, tcpx_wnd_end(tp))) {
		tp->backoff = 0;
		tp->probes_tstamp = 0;
		tcpx_clear_xmit_timer(sk);
	} else {
		tcpx_reset_paced_timer(sk, TCPX_TIME_PROBE0,
				       tcpx_clamp_probe0(sk, tcpx_probe0_when(sk, tp->rto_max)));
	}
}

/* --- window ------------------------------------------------------------------ */

/**
 * tcpx_fast_path_on() - compute the header of the segment we expect next
 * @tp: socket
 *
 * The data offset, ACK and the window as they stand in word 3 of the header.
 */
void tcpx_fast_path_on(struct tcpx_sock *tp)
{
	tp->pred_flags = htonl((tp->tcp_header_len << 26) | ntohl(TCP_FLAG_ACK) |
			       (tcpx_ecn_accurate(tp) ? tcpx_accecn_expected(tp) : 0) |
			       (tp->snd_wnd >> tp->rx_opt.snd_wscale));
}

/**
 * tcpx_fast_path_check() - may header prediction be used?
 * @sk: socket, locked
 */
void tcpx_fast_path_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_ofo_empty(tp) && tp->rcv_wnd && !tp->urg_data &&
	    atomic_read(&sk->sk_rmem_alloc) < sk->sk_rcvbuf)
		tcpx_fast_path_on(tp);
}

static void tcpx_snd_una_update(struct tcpx_sock *tp, u32 ack)
{
	tp->bytes_acked += ack - tp->snd_una;
	tp->snd_una = ack;
}

/* rfc9293#section-3.10.7.4: SND.WL1 and the window */
static bool tcpx_may_update_window(const struct tcpx_sock *tp, u32 ack, u32 ack_seq, u32 nwin)
{
	return after(ack, tp->snd_una) || after(ack_seq, tp->snd_wl1) ||
	       (ack_seq == tp->snd_wl1 && (nwin > tp->snd_wnd || !nwin));
}

static int tcpx_ack_update_window(struct sock *sk, const struct sk_buff *skb, u32 ack, u32 ack_seq)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 nwin = ntohs(tcp_hdr(skb)->window);
	int flag = 0;

	if (likely(!tcp_hdr(skb)->syn))
		nwin <<= tp->rx_opt.snd_wscale;
	if (tcpx_may_update_window(tp, ack, ack_seq, nwin)) {
		flag |= TCPX_FLAG_WIN_UPDATE;
		tp->snd_wl1 = ack_seq;
		if (tp->snd_wnd != nwin) {
			tp->snd_wnd = nwin;
			tp->pred_flags = 0;
			tcpx_fast_path_check(sk);
			if (tcpx_send_head(sk))
				tcpx_slow_start_after_idle_check(sk);
			if (nwin > tp->max_window) {
				tp->max_window = nwin;
				tcpx_sync_mss(sk, tp->pmtu_cookie);
			}
		}
	}
	tcpx_snd_una_update(tp, ack);
	return flag;
}

/* --- the retransmit queue ------------------------------------------------------ */

/**
 * struct tcpx_clean - what tcpx_clean_rtx_queue() learns from the queue
 * @first_ackt: us, sending time of the first and
 * @last_ackt: of the last original segment acked
 * @reord: lowest sequence that was acked without retransmission
 * @pkts_acked: segments
 * @flag: TCPX_FLAG_*
 */
struct tcpx_clean {
	u64	first_ackt;
	u64	last_ackt;
	u32	reord;
	u32	pkts_acked;
	int	flag;
};

/* Part of a multi-segment skb is acked: trim it. Segments gone. */
static u32 tcpx_tso_acked(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 segs = tcpx_skb_pcount(skb);

	if (tcpx_trim_head(sk, skb, tp->snd_una - TCPX_CB(skb)->seq))
		return 0;
	return segs - tcpx_skb_pcount(skb);
}

/* One skb, of which pcount segments are acked. */
static void tcpx_clean_one(struct sock *sk, struct sk_buff *skb, u32 start, u32 pcount,
			   struct tcpx_clean *c, struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcpx_skb_cb *cb = TCPX_CB(skb);
	u64 mstamp = div_u64(skb->tstamp, NSEC_PER_USEC);
	u8 sacked = cb->sacked;

	if (unlikely(sacked & TCPXCB_RETRANS)) {
		if (sacked & TCPXCB_SACKED_RETRANS)
			tp->retrans_out -= pcount;
		c->flag |= TCPX_FLAG_RETRANS_DATA_ACKED;
	} else if (!(sacked & TCPXCB_SACKED_ACKED)) {
		c->last_ackt = mstamp;
		if (!c->first_ackt)
			c->first_ackt = mstamp;
		if (before(start, c->reord))
			c->reord = start;
		if (!after(cb->end_seq, tp->high_seq))
			c->flag |= TCPX_FLAG_ORIG_SACK_ACKED;
	}

	if (sacked & TCPXCB_SACKED_ACKED) {
		tp->sacked_out -= pcount;
	} else if (tcpx_is_sack(tp)) {
		tp->cc.delivered += pcount;
		/* rfc8985#section-6.2 step 2: not if the original was what
		 * arrived.
		 */
		if (!(sacked & TCPXCB_RETRANS) ||
		    !tcpx_tsecr_before(tp, (u32)div_u64(mstamp, USEC_PER_MSEC)))
			tcpx_rack_advance(tp, sacked, cb->end_seq, mstamp);
	}
	if (sacked & TCPXCB_LOST)
		tp->lost_out -= pcount;
	tp->packets_out -= pcount;
	c->pkts_acked += pcount;
	tcpx_rate_skb_delivered(sk, skb, &state->rs);

	if (likely(!(cb->tcp_flags & TCPHDR_SYN))) {
		c->flag |= TCPX_FLAG_DATA_ACKED;
	} else {
		c->flag |= TCPX_FLAG_SYN_ACKED;
		tp->retrans_stamp = 0;
	}
}

static void tcpx_pkts_acked(struct sock *sk, u32 pkts, long rtt_us)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_ack_sample s = {
		.pkts_acked	= pkts,
		.rtt_us		= rtt_us,
		.in_flight	= tcpx_packets_in_flight(tp),
		.now_us		= tp->tcp_mstamp,
		.now32		= tcpx_jiffies32(),
	};

	if (tp->cc.ops->pkts_acked)
		tp->cc.ops->pkts_acked(&tp->cc, &s);
}

/* A lone runt segment for all of a round trip: its receiver has most likely waited for another. */
static bool tcpx_ack_maybe_delayed(const struct tcpx_sock *tp, u32 prior_snd_una,
				   const struct tcpx_clean *c, const struct tcpx_rate_sample *rs)
{
	return c->pkts_acked == 1 && tp->snd_una - prior_snd_una < tp->mss_cache &&
	       rs->prior_delivered + 1 == tp->cc.delivered && !(c->flag & TCPX_FLAG_SYN_ACKED);
}

/* Remove what is acked by @ack_skb from the retransmit queue. */
static int tcpx_clean_rtx_queue(struct sock *sk, const struct sk_buff *ack_skb, u32 prior_fack,
				u32 prior_snd_una, struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_clean c = { .reord = tp->snd_nxt };
	long seq_rtt = -1, sack_rtt = -1, ca_rtt = -1;
	bool sacked = tp->sacked_out, whole = true;
	struct sk_buff *skb, *next;
	bool rtt_updated;

	for (skb = tcpx_rtx_queue_head(sk); skb; skb = next) {
		u32 start = TCPX_CB(skb)->seq, pcount = tcpx_skb_pcount(skb);

		tcpx_ack_tstamp(sk, skb, ack_skb, prior_snd_una);
		if (after(TCPX_CB(skb)->end_seq, tp->snd_una)) {
			if (pcount == 1 || !after(tp->snd_una, start))
				break;
			pcount = tcpx_tso_acked(sk, skb);
			if (!pcount)
				break;
			whole = false;
		}
		tcpx_clean_one(sk, skb, start, pcount, &c, state);
		if (!whole)
			break;
		next = skb_rb_next(skb);
		tcpx_rtx_hints_drop(tp, skb);
		if (tp->highest_sack == skb)
			tp->highest_sack = next;
		tcpx_rtx_queue_unlink_free(sk, skb);
	}

	if (!skb)
		tcpx_chrono_stop(sk, TCP_CHRONO_BUSY);
	if (likely(between(tp->snd_up, prior_snd_una, tp->snd_una)))
		tp->snd_up = tp->snd_una;
	/* The peer dropped what it had SACKed (rfc2018#section-8). */
	if (skb && (TCPX_CB(skb)->sacked & TCPXCB_SACKED_ACKED))
		c.flag |= TCPX_FLAG_SACK_RENEGING;

	if (likely(c.first_ackt) && !(c.flag & TCPX_FLAG_RETRANS_DATA_ACKED)) {
		seq_rtt = tp->tcp_mstamp - c.first_ackt;
		ca_rtt = tp->tcp_mstamp - c.last_ackt;
		if (whole && !sacked && tcpx_ack_maybe_delayed(tp, prior_snd_una, &c, &state->rs))
			c.flag |= TCPX_FLAG_ACK_MAYBE_DELAYED;
	}
	if (state->first_sackt) {
		sack_rtt = tp->tcp_mstamp - state->first_sackt;
		ca_rtt = tp->tcp_mstamp - state->last_sackt;
	}
	rtt_updated = tcpx_ack_update_rtt(sk, c.flag, seq_rtt, sack_rtt, &ca_rtt);

	if (c.flag & TCPX_FLAG_ACKED) {
		c.flag |= TCPX_FLAG_SET_XMIT_TIMER;
		if (unlikely(tp->mtup.probe_size && !after(tp->mtup.probe_seq_end, tp->snd_una)))
			tcpx_mtup_probe_success(sk);
		if (!tcpx_is_sack(tp)) {
			tcpx_remove_reno_sacks(sk, c.pkts_acked);
			/* Beside a retransmission, which of the others
			 * arrived is not known: no sign for F-RTO.
			 */
			if (c.flag & TCPX_FLAG_RETRANS_DATA_ACKED)
				c.flag &= ~TCPX_FLAG_ORIG_SACK_ACKED;
		} else if (before(c.reord, prior_fack)) {
			tcpx_check_sack_reordering(sk, c.reord, false);
		}
	} else if (skb && rtt_updated && sack_rtt >= 0 &&
		   sack_rtt > (long)(tp->tcp_mstamp - div_u64(skb->tstamp, NSEC_PER_USEC))) {
		/* The RTO was based on a stale RTT. */
		c.flag |= TCPX_FLAG_SET_XMIT_TIMER;
	}
	state->rs.rtt_us = ca_rtt;
	state->rs.is_ack_delayed = c.flag & TCPX_FLAG_ACK_MAYBE_DELAYED;
	tcpx_pkts_acked(sk, c.pkts_acked, ca_rtt);
	return c.flag;
}

/* --- the congestion window ------------------------------------------------------- */

static bool tcpx_may_raise_cwnd(const struct sock *sk, int flag)
{
	/* With reordering, SACKs are progress too, else the window would
	 * stand still for too long.
	 */
	if (tcpx_sk(sk)->reordering > READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_reordering))
		return flag & TCPX_FLAG_FORWARD_PROGRESS;
	return flag & TCPX_FLAG_DATA_ACKED;
}

/**
 * tcpx_update_pacing_rate() - pace by the window and the RTT
 * @sk: socket, locked
 *
 * Twice the rate of the last RTT in slow start, 1.2 times after it.
 */
void tcpx_update_pacing_rate(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	u64 rate = (u64)tp->mss_cache * ((USEC_PER_SEC / 100) << 3);

	if (tp->cc.snd_cwnd < tp->cc.snd_ssthresh / 2)
		rate *= READ_ONCE(net->ipv4.sysctl_tcp_pacing_ss_ratio);
	else
		rate *= READ_ONCE(net->ipv4.sysctl_tcp_pacing_ca_ratio);
	rate *= max(tp->cc.snd_cwnd, tp->packets_out);
	if (likely(tp->cc.srtt_us))
		do_div(rate, tp->cc.srtt_us);
	tcpx_cc_set_pacing_rate(sk, min_t(u64, rate, ULONG_MAX));
}

/* An algorithm that decides all by itself. */
static void tcpx_cong_control_custom(struct sock *sk, struct tcpx_rate_sample *rs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	/* Not at work yet: tcpx_init_congestion_control() comes after this ACK. */
	if (unlikely((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)))
		return;
	rs->now_us = tp->tcp_mstamp;
	rs->now32 = tcpx_jiffies32();
	rs->in_flight = tcpx_packets_in_flight(tp);
	rs->ca_state = tp->ca_state;
	if (tp->tcp_wstamp_ns > tcpx_mstamp_ns(tp))
		rs->ahead_us = div_u64(tp->tcp_wstamp_ns - tcpx_mstamp_ns(tp), NSEC_PER_USEC);
	tp->cc.ops->cong_control(&tp->cc, rs);
	tcpx_cc_set_pacing_rate(sk, tp->cc.pacing_rate);
}

static void tcpx_cong_control(struct sock *sk, u32 ack, u32 acked_sacked, u32 lost, int flag,
			      struct tcpx_rate_sample *rs)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->cc.ops->cong_control) {
		tcpx_cong_control_custom(sk, rs);
		return;
	}
	if (tp->ca_state == TCP_CA_CWR || tp->ca_state == TCP_CA_Recovery) {
		tcpx_cwnd_reduction(sk, acked_sacked, lost, flag);
	} else if (tcpx_may_raise_cwnd(sk, flag)) {
		tp->cc.ops->cong_avoid(&tp->cc, ack, acked_sacked, tcpx_jiffies32());
		tp->snd_cwnd_stamp = tcpx_jiffies32();
	}
	tcpx_update_pacing_rate(sk);
}

/* --- an ACK ------------------------------------------------------------------------ */

static bool tcpx_ack_is_dubious(const struct sock *sk, int flag)
{
	return !(flag & TCPX_FLAG_NOT_DUP) ||
	       (flag & (TCPX_FLAG_DATA_SACKED | TCPX_FLAG_ECE | TCPX_FLAG_DSACKING_ACK)) ||
	       tcpx_sk(sk)->ca_state != TCP_CA_Open;
}

/* What an ACK with ECE told of was marked, all of it, as far as rfc3168 can say. */
static void tcpx_count_ece(struct tcpx_sock *tp, const struct tcpx_sacktag_state *state, int flag)
{
	if ((flag & TCPX_FLAG_ECE) && !tcpx_ecn_accurate(tp))
		tp->cc.delivered_ce = state->prior_delivered_ce +
				      tp->cc.delivered - state->prior_delivered;
}

/* The algorithm sees the ACK in the counters, before anything follows from it. */
static void tcpx_in_ack(struct sock *sk, const struct tcpx_sacktag_state *state, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->cc.ops->in_ack)
		return;
	tcpx_count_ece(tp, state, flag);
	tp->cc.ops->in_ack(&tp->cc);
}

static u32 tcpx_newly_delivered(struct sock *sk, const struct tcpx_sacktag_state *state, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 n = tp->cc.delivered - state->prior_delivered;

	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPDELIVERED, n);
	if ((flag & TCPX_FLAG_ECE) && !tcpx_ecn_accurate(tp)) {
		tcpx_count_ece(tp, state, flag);
		TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPDELIVEREDCE, n);
	}
	return n;
}

/* AccECN: the ACK tells how many were marked. TCPX_FLAG_ECE if any. */
static int tcpx_accecn_ack(struct sock *sk, const struct sk_buff *skb,
			   const struct tcpx_sacktag_state *state, u32 prior_snd_una, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 segs = tp->cc.delivered - state->prior_delivered;
	u32 bytes = tp->snd_una - prior_snd_una ?: segs * tp->mss_cache;
	u32 marked = tcpx_accecn_process(sk, skb, segs, bytes, flag);

	if (!marked)
		return 0;
	tp->cc.delivered_ce += marked;
	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPDELIVEREDCE, marked);
	/* The next header will look otherwise. */
	tp->pred_flags = 0;
	tcpx_fast_path_check(sk);
	return TCPX_FLAG_ECE;
}

/* An ACK of less than we know: only its SACK blocks may be news. */
static int tcpx_old_ack(struct sock *sk, const struct sk_buff *skb, int flag,
			struct tcpx_sacktag_state *state)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int rexmit = TCPX_REXMIT_NONE;

	/* rfc7323#section-4.3 (2): its data may still be the next. */
	if ((flag & TCPX_FLAG_UPDATE_TS_RECENT) && !after(TCPX_CB(skb)->seq, tp->rcv_wup))
		tcpx_store_ts_recent(tp);
	if (TCPX_CB(skb)->sacked) {
		flag |= tcpx_sacktag_write_queue(sk, skb, tp->snd_una, state);
		tcpx_fastretrans_alert(sk, tp->snd_una, 0, &flag, &rexmit);
		tcpx_newly_delivered(sk, state, flag);
		tcpx_xmit_recovery(sk, rexmit);
	}
	return 0;
}

/* Is the ACK number acceptable at all? rfc5961#section-5.2. 0 or -reason. */
static int tcpx_ack_check(struct sock *sk, u32 ack, int flag)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (before(ack, tp->snd_una)) {
		/* Never more than was ever acked, early in a connection. */
		u32 max_window = min_t(u64, tp->max_window, tp->bytes_acked);

		if (before(ack, tp->snd_una - max_window)) {
			if (!(flag & TCPX_FLAG_NO_CHALLENGE_ACK))
				tcpx_send_challenge_ack(sk);
			return -SKB_DROP_REASON_TCP_TOO_OLD_ACK;
		}
	}
	if (after(ack, tp->snd_nxt)) {
		if (COMPAT_UNSENT_ACK_CHALLENGED && !(flag & TCPX_FLAG_NO_CHALLENGE_ACK))
			tcpx_send_challenge_ack(sk);
		return -SKB_DROP_REASON_TCP_ACK_UNSENT_DATA;
	}
	return 0;
}

/* Segments a duplicate ACK stands for: GRO may have merged several. */
static int tcpx_num_dupack(const struct sk_buff *skb, int flag)
{
	if (flag & (TCPX_FLAG_SND_UNA_ADVANCED | TCPX_FLAG_NOT_DUP | TCPX_FLAG_DSACKING_ACK))
		return 0;
	if (flag & TCPX_FLAG_DATA)
		return 1;
	return max_t(u16, 1, skb_shinfo(skb)->gso_segs);
}

/**
 * tcpx_ack() - process the ACK of a segment
 * @sk: socket, locked, synchronized state or SYN_SENT; tcp_mstamp fresh
 * @skb: segment, its options parsed
 * @flag: TCPX_FLAG_SLOWPATH, _UPDATE_TS_RECENT, _NO_CHALLENGE_ACK
 *
 * Return: 1 acceptable, 0 old; < 0: -SKB_DROP_REASON_*, drop the segment.
 */
int tcpx_ack(struct sock *sk, const struct sk_buff *skb, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_sacktag_state state = {
		.reord			= tp->snd_nxt,
		.prior_delivered	= tp->cc.delivered,
		.prior_delivered_ce	= tp->cc.delivered_ce,
	};
	u32 ack = TCPX_CB(skb)->ack_seq, seq = TCPX_CB(skb)->seq;
	u32 prior_snd_una = tp->snd_una, prior_packets = tp->packets_out;
	u32 prior_lost = tp->cc.lost;
	int rexmit = TCPX_REXMIT_NONE, num_dupack = 0, err;
	bool reneg = tp->is_sack_reneg;	/* before this ACK may end it */
	u32 prior_fack, delivered;

	err = tcpx_ack_check(sk, ack, flag);
	if (unlikely(err))
		return err;
	if (before(ack, prior_snd_una))
		return tcpx_old_ack(sk, skb, flag, &state);
	if (after(ack, prior_snd_una)) {
		flag |= TCPX_FLAG_SND_UNA_ADVANCED;
		tp->retransmits = 0;
	}
	prior_fack = tcpx_is_sack(tp) ? tcpx_highest_sack_seq(tp) : tp->snd_una;
	state.rs.prior_in_flight = tcpx_packets_in_flight(tp);
	/* rfc7323#section-4.3 (2) */
	if ((flag & TCPX_FLAG_UPDATE_TS_RECENT) && !after(seq, tp->rcv_wup))
		flag |= tcpx_store_ts_recent(tp);

	if ((flag & (TCPX_FLAG_SLOWPATH | TCPX_FLAG_SND_UNA_ADVANCED)) ==
	    TCPX_FLAG_SND_UNA_ADVANCED) {
		/* Header prediction: the window did not change. */
		tp->snd_wl1 = seq;
		tcpx_snd_una_update(tp, ack);
		flag |= TCPX_FLAG_WIN_UPDATE;
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPHPACKS);
	} else {
		if (seq != TCPX_CB(skb)->end_seq)
			flag |= TCPX_FLAG_DATA;
		else
			TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPPUREACKS);
		if (tcpx_ecn_rcv_ecn_echo(tp, tcp_hdr(skb)))
			flag |= TCPX_FLAG_ECE;
		tcpx_ecn_accept_cwr(sk, skb);
		flag |= tcpx_ack_update_window(sk, skb, ack, seq);
		if (TCPX_CB(skb)->sacked)
			flag |= tcpx_sacktag_write_queue(sk, skb, prior_snd_una, &state);
	}

	WRITE_ONCE(sk->sk_err_soft, 0);
	tp->probes_out = 0;
	tp->rcv_tstamp = tcpx_jiffies32();
	if (!prior_packets) {
		if (tcpx_ecn_accurate(tp))
			flag |= tcpx_accecn_ack(sk, skb, &state, prior_snd_una, flag);
		tcpx_in_ack(sk, &state, flag);
		if (flag & TCPX_FLAG_DSACKING_ACK) {
			tcpx_fastretrans_alert(sk, prior_snd_una, 0, &flag, &rexmit);
			tcpx_newly_delivered(sk, &state, flag);
		}
		tcpx_ack_probe(sk);
		if (tp->tlp_high_seq)
			tcpx_process_tlp_ack(sk, ack, flag);
		return 1;
	}

	flag |= tcpx_clean_rtx_queue(sk, skb, prior_fack, prior_snd_una, &state);
	if (tcpx_ecn_accurate(tp))
		flag |= tcpx_accecn_ack(sk, skb, &state, prior_snd_una, flag);
	tcpx_in_ack(sk, &state, flag);
	tcpx_rack_update_reo_wnd(sk, &state.rs);
	if (tp->tlp_high_seq)
		tcpx_process_tlp_ack(sk, ack, flag);
	if (tcpx_ack_is_dubious(sk, flag)) {
		num_dupack = tcpx_num_dupack(skb, flag);
		tcpx_fastretrans_alert(sk, prior_snd_una, num_dupack, &flag, &rexmit);
	}
	if ((flag & TCPX_FLAG_SET_XMIT_TIMER) && !tcpx_schedule_loss_probe(sk, true))
		tcpx_rearm_rto(sk);
	if ((flag & TCPX_FLAG_FORWARD_PROGRESS) || !(flag & TCPX_FLAG_NOT_DUP))
		sk_dst_confirm(sk);

	delivered = tcpx_newly_delivered(sk, &state, flag);
	tcpx_rate_gen(sk, delivered, tp->cc.lost - prior_lost, reneg, &state.rs);
	tcpx_cong_control(sk, ack, delivered, tp->cc.lost - prior_lost, flag, &state.rs);
	tcpx_xmit_recovery(sk, rexmit);
	return 1;
}
