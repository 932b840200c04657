// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: which segments may go now: the peer's window, the congestion window,
 * Nagle, the size of bursts, pacing, and how much may wait in the device's
 * queue.
 */

#include "tcpx.h"
#include "trace.h"

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
 * @timer: tcpx_disorder.pacing_timer; holds a reference
 *
 * Return: HRTIMER_NORESTART.
 */
enum hrtimer_restart tcpx_pace_kick(struct hrtimer *timer)
{
	struct sock *sk = container_of(timer, struct tcpx_disorder, pacing_timer)->sk;

	tcpx_tsq_run_one(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

/**
 * tcpx_pacing_check() - is it too early for the next skb?
 * @sk: socket, locked
 *
 * Only without fq, which keeps the departure time itself.
 *
 * Return: true: the pacing timer will continue.
 */
bool tcpx_pacing_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_disorder *d;

	if (READ_ONCE(sk->sk_pacing_status) != SK_PACING_NEEDED ||
	    tp->tcp_wstamp_ns <= tcpx_mstamp_ns(tp))
		return false;
	d = tcpx_disorder_get(sk);
	/* Without memory for a timer, rather too early than never. */
	if (unlikely(!d))
		return false;
	if (!hrtimer_is_queued(&d->pacing_timer)) {
		hrtimer_start(&d->pacing_timer, ns_to_ktime(tp->tcp_wstamp_ns),
			      HRTIMER_MODE_ABS_PINNED_SOFT);
		sock_hold(sk);
	}
	return true;
}

/* --- which segments may go ---------------------------------------------- */

/**
 * tcpx_event_new_data_sent() - the head of the write queue was sent
 * @sk: socket, locked
 * @skb: it
 */
void tcpx_event_new_data_sent(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int prior = tp->packets_out;

	WRITE_ONCE(tp->snd_nxt, TCPX_CB(skb)->end_seq);
	__skb_unlink(skb, &sk->sk_write_queue);
	tcpx_rtx_queue_insert(sk, skb);
	if (!tp->highest_sack)
		tp->highest_sack = skb;
	tp->packets_out += tcpx_skb_pcount(skb);
	if (!prior || tp->pending == TCPX_TIME_LOSS_PROBE)
		tcpx_rearm_rto(sk);
	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPORIGDATASENT, tcpx_skb_pcount(skb));
	tcpx_check_space(sk);
}

/* Segments the congestion window has room for. */
static unsigned int tcpx_cwnd_test(const struct tcpx_sock *tp)
{
	u32 in_flight = tcpx_packets_in_flight(tp), cwnd = tp->cc.snd_cwnd;

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

/**
 * tcpx_tso_segs() - most segments one skb may carry now
 * @sk: socket, locked
 * @mss_now: current MSS
 *
 * About a millisecond at the pacing rate: bursts that the path can take, and
 * ACKs that come steadily. On a short path more, where queues are a matter of
 * the hosts (net.ipv4.tcp_tso_rtt_log).
 *
 * Return: segments.
 */
u32 tcpx_tso_segs(struct sock *sk, unsigned int mss_now)
{
	const struct tcpx_cc *cc = &tcpx_sk(sk)->cc;
	u32 min_segs = cc->ops->min_tso_segs ? cc->ops->min_tso_segs(cc) :
		       READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_min_tso_segs);
	unsigned long bytes = READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift);
	u32 shift = tcpx_sk(sk)->cc.min_rtt_us >>
		    READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_tso_rtt_log);

	if (tcpx_ecn_accurate(tcpx_sk(sk)) && tcpx_accecn_single(tcpx_sk(sk)))
		return 1;
	if (shift < BITS_PER_TYPE(sk->sk_gso_max_size))
		bytes += sk->sk_gso_max_size >> shift;
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
	u64 srtt_ns;
	s64 left;

	if (tp->ca_state >= TCP_CA_Recovery)
		return false;
	/* Silent for a millisecond: waiting costs more than it gains. */
	if ((s64)(tcpx_mstamp_ns(tp) - tp->tcp_wstamp_ns) > NSEC_PER_MSEC)
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
	/* Don't wait when the next ACK is more than a millisecond away, or half an RTT. */
	head = tcpx_rtx_queue_head(sk);
	if (!head)
		return false;
	srtt_ns = (u64)(NSEC_PER_USEC >> 3) * tp->cc.srtt_us;
	left = head->tstamp + srtt_ns - tcpx_mstamp_ns(tp);
	if (left > (s64)min_t(u64, srtt_ns >> 1, NSEC_PER_MSEC))
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

/**
 * tcpx_small_queue_check() - is enough of this flow in the device's queue?
 * @sk: socket, locked
 * @skb: what would come next
 * @factor: shift of the limit, 1 for retransmissions
 *
 * About a millisecond of the flow, or two skbs, may wait in the qdisc and
 * device; tcpx_wfree() continues when they have left.
 *
 * Return: true: wait.
 */
bool tcpx_small_queue_check(struct sock *sk, const struct sk_buff *skb, unsigned int factor)
{
	const struct rb_node *root;
	unsigned long limit;

	limit = max_t(unsigned long, 2 * skb->truesize,
		      READ_ONCE(sk->sk_pacing_rate) >> READ_ONCE(sk->sk_pacing_shift));
	limit = min_t(unsigned long, limit,
		      READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_limit_output_bytes));
	limit <<= factor;
	if (refcount_read(&sk->sk_wmem_alloc) <= limit)
		return false;
	/* With nothing in flight no ACK would restart us, and with one skb it may be long in
	 * coming: don't rely on a driver that frees late what it sent.
	 */
	root = sk->tcp_rtx_queue.rb_node;
	if (!root || (!root->rb_left && !root->rb_right))
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
	    sk->sk_socket && !test_bit(SOCK_NOSPACE, &sk->sk_socket->flags)) {
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

	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_slow_start_after_idle) ||
	    tp->packets_out || tp->cc.ops->cong_control)
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
	    !tp->cc.ops->cong_control && (s32)(tcpx_jiffies32() - tp->snd_cwnd_stamp) >= tp->rto)
		tcpx_cwnd_application_limited(sk);
	/* All was sent, and the writer would have had more: the buffer is small. */
	if (skb_queue_empty(&sk->sk_write_queue) && sk->sk_socket &&
	    test_bit(SOCK_NOSPACE, &sk->sk_socket->flags) &&
	    (1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))
		tcpx_chrono_start(sk, TCP_CHRONO_SNDBUF_LIMITED);
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
	/* By that clock the option may be due now, and take its part of the MSS. */
	if (tcpx_ecn_accurate(tp) && tcpx_accecn_beacon(sk))
		mss_now = tcpx_current_mss(sk);
	if (!push_one) {
		int probe = tcpx_mtu_probe(sk);

		if (!probe)
			return false;
		if (probe > 0)
			sent = 1;
	}
	max_segs = tcpx_tso_segs(sk, mss_now);
	while ((skb = tcpx_send_head(sk))) {
		if (tcpx_pacing_check(sk))
			break;
		segs = tcpx_init_tso_segs(skb, mss_now);
		quota = tcpx_cwnd_test(tp);
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
		/* A writer waits for memory and has not filled it yet. */
		if (unlikely(TCPX_CB(skb)->seq == TCPX_CB(skb)->end_seq))
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

/* Would tcpx_write_xmit() do nothing? A writer of small pieces asks after each of them, and
 * while Nagle's algorithm, or a cork, keeps the one segment that they gather in, neither the
 * clock nor the pace matter. Nothing in flight, or windows without room, now or until now,
 * are for the long way to note.
 */
static bool tcpx_nagle_holds(const struct sock *sk, unsigned int mss_now, int nonagle)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct sk_buff *skb = tcpx_send_head(sk);

	return skb && skb->len < mss_now && skb_queue_is_last(&sk->sk_write_queue, skb) &&
	       tp->packets_out && tp->chrono_type != TCP_CHRONO_RWND_LIMITED &&
	       !tcpx_nagle_test(tp, skb, mss_now, nonagle) &&
	       tcpx_packets_in_flight(tp) < tp->cc.snd_cwnd && tcpx_snd_wnd_test(tp, skb, mss_now);
}

/**
 * __tcpx_push_pending_frames() - send what may be sent
 * @sk: socket, locked
 * @mss_now: from tcpx_current_mss()
 * @nonagle: TCPX_NAGLE_*
 */
void __tcpx_push_pending_frames(struct sock *sk, unsigned int mss_now, int nonagle)
{
	if (unlikely(sk->sk_state == TCP_CLOSE) || tcpx_nagle_holds(sk, mss_now, nonagle))
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
	if (size < TCPX_CB(skb)->end_seq - TCPX_CB(skb)->seq || skb->len > mss) {
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
		tcpx_write_xmit(sk, mss, TCPX_NAGLE_OFF, 2, GFP_ATOMIC);
		if (tp->packets_out > prior)
			goto sent;
		goto rearm;
	}
	skb = tcpx_rtx_queue_tail(sk);
	if (unlikely(!skb)) {
		WRITE_ONCE(tp->pending, 0);
		return;
	}
	/* Before its end is split off, which would look as if it had never been sent. */
	if (tcpx_skb_still_in_host_queue(sk, skb))
		goto rearm;
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
	struct tcpx_sock	*head;	/* by tcpx_sock.tsq_next, this CPU, IRQs off */
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
	struct tcpx_sock *tp, *next;
	unsigned long flags;

	local_irq_save(flags);
	next = tsq->head;
	tsq->head = NULL;
	local_irq_restore(flags);

	while ((tp = next)) {
		struct sock *sk = (struct sock *)tp;

		next = tp->tsq_next;
		/* tcpx_wfree() may queue it again only when it is off. */
		smp_mb__before_atomic();
		clear_bit(TSQ_QUEUED, &sk->sk_tsq_flags);
		tcpx_tsq_run_one(sk);
		sk_free(sk);
	}
}

/* Does the socket wait for room, and is not queued yet? It is to be queued then. */
static bool tcpx_tsq_claim(struct sock *sk)
{
	unsigned long old = READ_ONCE(sk->sk_tsq_flags), new;

	do {
		if (!(old & TSQF_THROTTLED) || (old & TSQF_QUEUED))
			return false;
		new = (old & ~TSQF_THROTTLED) | TSQF_QUEUED;
	} while (!try_cmpxchg(&sk->sk_tsq_flags, &old, new));
	return true;
}

/* With a unit of sk_wmem_alloc, which the tasklet gives back. */
static void tcpx_tsq_queue(struct sock *sk)
{
	struct tcpx_tsq *tsq;
	unsigned long flags;

	local_irq_save(flags);
	tsq = this_cpu_ptr(&tcpx_tsq);
	tcpx_sk(sk)->tsq_next = tsq->head;
	tsq->head = tcpx_sk(sk);
	tasklet_schedule(&tsq->tasklet);
	local_irq_restore(flags);
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

	WARN_ON_ONCE(refcount_sub_and_test(skb->truesize - 1, &sk->sk_wmem_alloc));
	if (tcpx_tsq_claim(sk))
		tcpx_tsq_queue(sk);
	else
		sk_free(sk);
}

/**
 * tcpx_tsq_continue() - what tcpx_wfree() does, without a skb
 * @sk: socket; the caller's unit of sk_wmem_alloc stays the caller's
 */
void tcpx_tsq_continue(struct sock *sk)
{
	if (tcpx_tsq_claim(sk)) {
		refcount_inc(&sk->sk_wmem_alloc);
		tcpx_tsq_queue(sk);
	}
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
		tcpx_timer_handler(sk);
		__sock_put(sk);
	}
	if (flags & BIT(TCP_DELACK_TIMER_DEFERRED)) {
		tcpx_sack_compress_send_ack(sk);
		__sock_put(sk);
	}
	if (flags & BIT(TCP_MTU_REDUCED_DEFERRED)) {
		tcpx_sk(sk)->af_ops->mtu_reduced(sk);
		__sock_put(sk);
	}
	if ((flags & BIT(TCPX_ACK_DEFERRED)) && (tcpx_sk(sk)->ack.pending & TCPX_ACK_SCHED))
		tcpx_send_ack(sk);
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
