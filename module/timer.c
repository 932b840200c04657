// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the timers of a connection.
 *
 *   sk_timer		for all that waits jiffies:
 *     xmit_due		told apart by tp->pending; one of them at a time
 *       RETRANS	no ACK came for an RTO: go back to loss recovery, rfc6298
 *       LOSS_PROBE	tail loss probe, rfc8985#section-7
 *       REO_TIMEOUT	RACK waited long enough for a reordered segment, rfc8985
 *       PROBE0		the peer's window is closed: ask, rfc9293#section-3.8.6.1
 *     delack_due	an ACK was put off, rfc9293#section-3.8.6.3
 *     keepalive_due	keepalive, rfc9293#section-3.8.4, and, once the user has
 *			closed, a FIN that there was no memory for, the end of FIN_WAIT2
 *   compressed_ack_timer	an ACK of segments out of order waits for more of them
 *   pacing_timer	departure of the next skb (output.c)
 *
 * A pending timer holds a reference on the socket. If it fires while the user
 * owns the socket, the work is left to tcpx_release_cb().
 *
 * What sk_timer waits for is put off by nearly each segment, and hardly ever due. So one
 * that fires early enough is not moved: when the work is due is in the socket, and the handler
 * arms the timer for what is left. Nothing is decided without
 * the socket's lock therefore: a handler that saw nothing pending and went away might be the
 * one that somebody else has just relied on. And so one timer is enough for all.
 */

#include "tcpx.h"
#include "trace.h"

/* --- arming ----------------------------------------------------------------- */

/* The wheel rounds far ends up, by an eighth at most: to multiples of 8 jiffies from 64 on,
 * of 64 from 512 on, and so on. Rounded down before, none is late.
 */
static unsigned long tcpx_wheel_slot(unsigned long expires, long when)
{
	if (when < 64)
		return expires;
	return round_down(expires + 1, 1UL << (ilog2(when) / 3 * 3 - 3)) - 1;
}

/* Work is due at @expires: the timer fires then, or earlier if it is to already. */
static void tcpx_timer_by(struct sock *sk, unsigned long expires)
{
	if (timer_pending(&sk->sk_timer) && time_before_eq(sk->sk_timer.expires, expires))
		return;
	sk_reset_timer(sk, &sk->sk_timer, tcpx_wheel_slot(expires, expires - jiffies));
}

/**
 * tcpx_reset_xmit_timer() - (re)arm the retransmit timer
 * @sk: socket, locked
 * @what: TCPX_TIME_*
 * @when: jiffies from now; bounded by TCP_RTO_MAX_MS
 */
void tcpx_reset_xmit_timer(struct sock *sk, int what, unsigned long when)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	when = clamp_t(unsigned long, when, 1, tp->rto_max);
	when += jiffies;
	WRITE_ONCE(tp->pending, what);
	WRITE_ONCE(tp->xmit_due, (u32)when);
	tcpx_timer_by(sk, when);
}

/**
 * tcpx_reset_paced_timer() - the same, for what was sent by now
 * @sk: socket, locked
 * @what: TCPX_TIME_*
 * @when: jiffies from the departure of the last skb, which pacing may hold back
 *
 * Not for what is sent again after a timeout: its time is a bound of the user's, or grows
 * by backing off.
 */
void tcpx_reset_paced_timer(struct sock *sk, int what, unsigned long when)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->tcp_wstamp_ns > tcpx_mstamp_ns(tp))
		when += nsecs_to_jiffies(tp->tcp_wstamp_ns - tcpx_mstamp_ns(tp));
	tcpx_reset_xmit_timer(sk, what, when);
}

/**
 * tcpx_clear_xmit_timer() - nothing to wait for
 * @sk: socket, locked
 *
 * The timer is left running: finding nothing pending is cheaper than
 * deleting it for each ACK.
 */
void tcpx_clear_xmit_timer(struct sock *sk)
{
	WRITE_ONCE(tcpx_sk(sk)->pending, 0);
}

/**
 * tcpx_reset_delack_timer() - send the ACK at @expires at the latest
 * @sk: socket, locked
 * @expires: jiffies
 */
void tcpx_reset_delack_timer(struct sock *sk, unsigned long expires)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->ack.pending |= TCPX_ACK_SCHED | TCPX_ACK_TIMER;
	WRITE_ONCE(tp->delack_due, (u32)expires);
	tcpx_timer_by(sk, expires);
}

/**
 * tcpx_reset_keepalive_timer() - look at the connection by itself
 * @sk: socket, locked
 * @len: jiffies from now
 */
void tcpx_reset_keepalive_timer(struct sock *sk, unsigned long len)
{
	unsigned long expires = jiffies + len;

	/* 0 means none. */
	WRITE_ONCE(tcpx_sk(sk)->keepalive_due, (u32)expires ?: 1);
	tcpx_timer_by(sk, expires);
}

/**
 * tcpx_clear_xmit_timers() - the connection is over: stop all
 * @sk: socket, locked; any context
 */
void tcpx_clear_xmit_timers(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	WRITE_ONCE(tp->pending, 0);
	tp->ack.pending = 0;
	WRITE_ONCE(tp->keepalive_due, 0);
	sk_stop_timer(sk, &sk->sk_timer);
	tp->compressed_ack = 0;
	if (!tp->disorder)
		return;
	if (hrtimer_try_to_cancel(&tp->disorder->pacing_timer) == 1)
		__sock_put(sk);
	if (hrtimer_try_to_cancel(&tp->disorder->compressed_ack_timer) == 1)
		__sock_put(sk);
}

/**
 * tcpx_clear_xmit_timers_sync() - the same, and nothing of them runs on another processor
 * @sk: socket, not locked; process context
 *
 * A handler that ran meanwhile may have armed its timer again.
 */
void tcpx_clear_xmit_timers_sync(struct sock *sk)
{
	struct tcpx_disorder *d = tcpx_sk(sk)->disorder;

	tcpx_clear_xmit_timers(sk);
	sk_stop_timer_sync(sk, &sk->sk_timer);
	if (!d)
		return;
	if (hrtimer_cancel(&d->pacing_timer) == 1)
		__sock_put(sk);
	if (hrtimer_cancel(&d->compressed_ack_timer) == 1)
		__sock_put(sk);
}

/* --- values ------------------------------------------------------------------ */

/**
 * tcpx_keepalive_time_when() - idle time before the first keepalive
 * @tp: socket
 *
 * Return: jiffies.
 */
unsigned int tcpx_keepalive_time_when(const struct tcpx_sock *tp)
{
	unsigned int own = READ_ONCE(tp->keepalive_time);

	return own ?: READ_ONCE(sock_net((struct sock *)tp)->ipv4.sysctl_tcp_keepalive_time);
}

/**
 * tcpx_keepalive_intvl_when() - time between keepalives
 * @tp: socket
 *
 * Return: jiffies.
 */
unsigned int tcpx_keepalive_intvl_when(const struct tcpx_sock *tp)
{
	unsigned int own = READ_ONCE(tp->keepalive_intvl);

	return own ?: READ_ONCE(sock_net((struct sock *)tp)->ipv4.sysctl_tcp_keepalive_intvl);
}

/**
 * tcpx_keepalive_probes() - unanswered keepalives that end the connection
 * @tp: socket
 *
 * Return: number.
 */
int tcpx_keepalive_probes(const struct tcpx_sock *tp)
{
	unsigned int own = READ_ONCE(tp->keepalive_probes);

	return own ?: READ_ONCE(sock_net((struct sock *)tp)->ipv4.sysctl_tcp_keepalive_probes);
}

/**
 * tcpx_fin_time() - how long to stay in FIN_WAIT2 after close
 * @sk: socket
 *
 * Return: jiffies: TCP_LINGER2 or tcp_fin_timeout, at least 3.5 RTOs.
 */
int tcpx_fin_time(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int rto = tp->rto;
	int fin = tp->linger2 ?: READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fin_timeout);

	return max(fin, (rto << 2) - (rto >> 1));
}

/**
 * tcpx_probe0_base() - first interval between zero-window probes
 * @sk: socket
 *
 * Return: jiffies, the RTO but not less than TCPX_RTO_MIN.
 */
unsigned long tcpx_probe0_base(const struct sock *sk)
{
	return max_t(unsigned long, tcpx_sk(sk)->rto, TCPX_RTO_MIN);
}

/**
 * tcpx_probe0_when() - current interval between zero-window probes
 * @sk: socket
 * @max_when: jiffies, upper bound
 *
 * Return: jiffies, with backoff.
 */
unsigned long tcpx_probe0_when(const struct sock *sk, unsigned long max_when)
{
	u8 shift = min_t(u8, ilog2(TCPX_RTO_MAX / TCPX_RTO_MIN) + 1, tcpx_sk(sk)->backoff);
	u64 when = (u64)tcpx_probe0_base(sk) << shift;

	return min_t(u64, when, max_when);
}

/* What TCP_USER_TIMEOUT leaves of an interval, rfc5482. */
static u32 tcpx_clamp_to_user_timeout(const struct sock *sk, u32 when, u32 elapsed)
{
	u32 user = msecs_to_jiffies(READ_ONCE(tcpx_sk(sk)->user_timeout));
	s32 left;

	if (!user)
		return when;
	left = user - elapsed;
	if (left <= 0)
		return 1;
	return min_t(u32, when, left);
}

/**
 * tcpx_clamp_probe0() - an interval between probes, bounded by TCP_USER_TIMEOUT
 * @sk: socket, locked
 * @when: jiffies
 *
 * Return: jiffies.
 */
unsigned long tcpx_clamp_probe0(const struct sock *sk, unsigned long when)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	s32 elapsed, left;

	if (!READ_ONCE(tp->user_timeout) || !tp->probes_tstamp)
		return when;
	elapsed = max_t(s32, tcpx_jiffies32() - tp->probes_tstamp, 0);
	left = max_t(s32, msecs_to_jiffies(READ_ONCE(tp->user_timeout)) - elapsed,
		     TCP_TIMEOUT_MIN);
	return min_t(unsigned long, when, left);
}

/**
 * tcpx_check_probe_timer() - data waits, nothing is in flight: will someone
 *	restart us?
 * @sk: socket, locked
 */
void tcpx_check_probe_timer(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->packets_out && !tp->pending)
		tcpx_reset_paced_timer(sk, TCPX_TIME_PROBE0, tcpx_probe0_base(sk));
}

/* --- giving up ---------------------------------------------------------------- */

/**
 * tcpx_write_err() - the peer does not answer any more
 * @sk: socket, locked, BH off
 *
 * Context: the user sees ETIMEDOUT, or the last ICMP error if there was one.
 */
void tcpx_write_err(struct sock *sk)
{
	tcpx_done_with_error(sk, READ_ONCE(sk->sk_err_soft) ?: ETIMEDOUT);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPABORTONTIMEOUT);
}

/* Too many orphans, no memory, or the netns is gone? Then the connection
 * ends here. do_reset: tell the peer.
 */
static bool tcpx_out_of_resources(struct sock *sk, bool do_reset)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 idle = tcpx_jiffies32() - tp->lsndtime;
	int shift = 0;

	if ((s32)idle > (s32)(2 * tp->rto_max) || !do_reset)
		shift++;
	if (READ_ONCE(sk->sk_err_soft))
		shift++;
	if (tcpx_check_oom(sk, shift)) {
		/* The peer was alive lately, or waits for us: it shall know. */
		if (idle <= TCPX_TIMEWAIT_LEN || (!tp->snd_wnd && !tp->packets_out))
			do_reset = true;
		if (do_reset)
			tcpx_send_active_reset(sk, GFP_ATOMIC);
		tcpx_done(sk);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPABORTONMEMORY);
		return true;
	}
	if (!check_net(sock_net(sk))) {
		tcpx_done(sk);
		return true;
	}
	return false;
}

/* tcp_orphan_retries; a dead network gets none, 0 means 8. */
static int tcpx_orphan_retries(struct sock *sk, bool alive)
{
	int retries = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_orphan_retries);

	if (READ_ONCE(sk->sk_err_soft) && !alive)
		return 0;
	if (!retries && alive)
		return 8;
	return retries;
}

/* Milliseconds that so many retransmissions with backoff take. */
static unsigned int tcpx_model_timeout(const struct sock *sk, unsigned int boundary,
				       unsigned int rto_base)
{
	unsigned int rto_max = tcpx_sk(sk)->rto_max;
	unsigned int linear = ilog2(max(rto_max / rto_base, 1U));
	unsigned int timeout;

	if (boundary <= linear)
		timeout = ((2 << boundary) - 1) * rto_base;
	else
		timeout = ((2 << linear) - 1) * rto_base + (boundary - linear) * rto_max;
	return jiffies_to_msecs(timeout);
}

/* Has the segment been retransmitted for as long as boundary retries take (or
 * timeout ms, if given)? Time counts, not the number of tries: local
 * congestion makes for tries that were none.
 */
static bool tcpx_retransmits_timed_out(const struct sock *sk, unsigned int boundary,
				       unsigned int timeout)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->retransmits || !tp->retrans_stamp)
		return false;
	if (!timeout) {
		bool opening = (1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV);

		timeout = tcpx_model_timeout(sk, boundary,
					     opening ? TCPX_TIMEOUT_INIT : TCPX_RTO_MIN);
	}
	return (s32)(tcpx_time_stamp(tp) - tp->retrans_stamp - timeout) >= 0;
}

/* How many RTOs may pass; true: give up (done). */
static bool tcpx_write_timeout(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	int retry_until, linear = 0;
	bool expired = false;

	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		if (tp->retransmits)
			dst_negative_advice(sk);
		retry_until = READ_ONCE(tp->syn_retries) ?:
			      READ_ONCE(net->ipv4.sysctl_tcp_syn_retries);
		/* Those that came no slower are not counted. */
		if (sk->sk_state == TCP_SYN_SENT)
			linear = tcpx_sysctl_syn_linear(net);
		expired = tp->retransmits >= retry_until + linear;
	} else {
		if (tcpx_retransmits_timed_out(sk, READ_ONCE(net->ipv4.sysctl_tcp_retries1), 0)) {
			tcpx_mtu_blackhole(sk);
			dst_negative_advice(sk);
		}
		retry_until = READ_ONCE(net->ipv4.sysctl_tcp_retries2);
		if (sock_flag(sk, SOCK_DEAD)) {
			bool alive = tp->rto < tp->rto_max;

			retry_until = tcpx_orphan_retries(sk, alive);
			alive = alive || !tcpx_retransmits_timed_out(sk, retry_until, 0);
			if (tcpx_out_of_resources(sk, alive))
				return true;
		}
	}
	if (!expired)
		expired = tcpx_retransmits_timed_out(sk, retry_until,
						     READ_ONCE(tp->user_timeout));
	tcpx_fastopen_detect_blackhole(sk, expired);
	if (expired) {
		tcpx_write_err(sk);
		return true;
	}
	if (tcpx_rethink_path(sk)) {
		tp->timeout_rehash++;
		TCPX_NET_INC(net, LINUX_MIB_TCPTIMEOUTREHASH);
	}
	return false;
}

/* --- retransmission timeout ----------------------------------------------------- */

static void tcpx_count_rto(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	bool sack = tcpx_is_sack(tp);
	int mib;

	if (tp->retransmits)
		return;
	if (tp->ca_state == TCP_CA_Recovery)
		mib = sack ? LINUX_MIB_TCPSACKRECOVERYFAIL : LINUX_MIB_TCPRENORECOVERYFAIL;
	else if (tp->ca_state == TCP_CA_Loss)
		mib = LINUX_MIB_TCPLOSSFAILURES;
	else if (tp->ca_state == TCP_CA_Disorder || tp->sacked_out)
		mib = sack ? LINUX_MIB_TCPSACKFAILURES : LINUX_MIB_TCPRENOFAILURES;
	else
		return;
	TCPX_NET_INC(sock_net(sk), mib);
}

/**
 * tcpx_update_rto_stats() - count a timeout, of data or of a SYN-ACK
 * @sk: socket, locked
 *
 * TCP_INFO tells less where there is no memory for it.
 */
void tcpx_update_rto_stats(struct sock *sk)
{
	struct tcpx_disorder *d = tcpx_disorder_get(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (d && !tp->retransmits) {
		d->total_rto_recoveries++;
		d->rto_stamp = tcpx_time_stamp(tp);
	}
	if (d)
		d->total_rto++;
	tp->retransmits = min(tp->retransmits + 1, 255);
}

/* The peer shrank its window over data in flight: retransmissions are probes
 * and go on as long as it answers, at most as long as tcp_retries2 allows.
 */
static bool tcpx_rtx_probe0_timed_out(const struct sock *sk, const struct sk_buff *skb)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 user = READ_ONCE(tp->user_timeout);
	u32 trying = tcpx_time_stamp(tp) - (tp->retrans_stamp ?:
					    (u32)div_u64(skb->tstamp, NSEC_PER_MSEC));
	s32 silent = (s32)(tcpx_jiffies32() - tp->rcv_tstamp);
	int limit = 2 * tp->rto_max;

	if (user) {
		/* However often it answers that there is no room. */
		if (trying > user)
			return true;
		limit = min_t(u32, limit, msecs_to_jiffies(user));
	}
	return silent > limit && trying > jiffies_to_msecs(limit);
}

static void tcpx_rearm_after_rto(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	u32 elapsed = 0;

	/* Thin streams gain nothing from a long silence. */
	if (sk->sk_state == TCP_ESTABLISHED &&
	    (tp->thin_lto || READ_ONCE(net->ipv4.sysctl_tcp_thin_linear_timeouts)) &&
	    tp->packets_out < 4 && tp->cc.snd_ssthresh < TCP_INFINITE_SSTHRESH &&
	    tp->retransmits <= TCP_THIN_LINEAR_RETRIES) {
		tp->backoff = 0;
		if (tp->cc.srtt_us)
			tcpx_set_rto(sk);
	} else if (sk->sk_state != TCP_SYN_SENT ||
		   tp->retransmits > tcpx_sysctl_syn_linear(net)) {
		/* rfc6298#section-5.5 */
		tp->backoff++;
		tp->rto = min_t(u32, tp->rto << 1, tp->rto_max);
	}
	if (tp->retrans_stamp)
		elapsed = msecs_to_jiffies(tcpx_time_stamp(tp) - tp->retrans_stamp);
	tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS,
			      tcpx_clamp_to_user_timeout(sk, tp->rto, elapsed));
	if (tcpx_retransmits_timed_out(sk, READ_ONCE(net->ipv4.sysctl_tcp_retries1) + 1, 0))
		__sk_dst_reset(sk);
}

static void tcpx_retransmit_timer(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;

	if (unlikely(tp->fastopen_rsk)) {
		tcpx_fastopen_synack_timer(sk);
		return;
	}
	if (!tp->packets_out)
		return;
	skb = tcpx_rtx_queue_head(sk);
	if (WARN_ON_ONCE(!skb))
		return;

	if (!tp->snd_wnd && !sock_flag(sk, SOCK_DEAD) &&
	    !((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))) {
		if (tcpx_rtx_probe0_timed_out(sk, skb)) {
			tcpx_write_err(sk);
			return;
		}
		tcpx_enter_loss(sk);
		tcpx_retransmit_skb(sk, skb, 1);
		__sk_dst_reset(sk);
		tcpx_rearm_after_rto(sk);
		return;
	}

	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPTIMEOUTS);
	if (tcpx_write_timeout(sk))
		return;
	tcpx_count_rto(sk);
	tcpx_enter_loss(sk);
	tcpx_update_rto_stats(sk);
	if (tcpx_retransmit_skb(sk, tcpx_rtx_queue_head(sk), 1) > 0) {
		/* It didn't leave: the path is not to blame, no backoff. */
		tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS, TCP_RESOURCE_PROBE_INTERVAL);
		return;
	}
	tcpx_rearm_after_rto(sk);
}

/**
 * tcpx_ld_rto_revert() - no route, says a router: it was not congestion, rfc6069
 * @sk: socket, locked, not by the user
 * @seq: of the segment that it says it of
 *
 * If that is what the timeout retransmitted, the timer goes back by one backoff. When the
 * path comes back, the connection need not wait for what had become of the timeout meanwhile.
 *
 * Context: softirq.
 */
void tcpx_ld_rto_revert(struct sock *sk, u32 seq)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct sk_buff *skb = tcpx_rtx_queue_head(sk);
	s32 left;

	if (seq != tp->snd_una || !tp->retransmits || !tp->backoff || !skb)
		return;
	tp->backoff--;
	if (tp->cc.srtt_us)
		tcpx_set_rto(sk);
	else
		tp->rto = TCPX_TIMEOUT_INIT;
	tp->rto = min_t(u64, (u64)tp->rto << tp->backoff, tp->rto_max);

	tcpx_mstamp_refresh(tp);
	left = tp->rto - usecs_to_jiffies(tp->cc.tcp_mstamp - div_u64(skb->tstamp, NSEC_PER_USEC));
	if (left > 0) {
		tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS, left);
	} else {
		WRITE_ONCE(tp->pending, 0);
		tcpx_retransmit_timer(sk);
	}
}

/* --- zero-window probe ------------------------------------------------------------ */

static void tcpx_probe_timer(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 user = READ_ONCE(tp->user_timeout);
	int max_probes;

	if (tp->packets_out || !tcpx_send_head(sk)) {
		tp->probes_out = 0;
		tp->probes_tstamp = 0;
		return;
	}

	/* A peer may keep its window closed for as long as it acknowledges the
	 * probes (rfc9293#section-3.8.6.1), unless the user set a limit.
	 */
	if (!tp->probes_tstamp) {
		tp->probes_tstamp = tcpx_jiffies32();
	} else if (user && (s32)(tcpx_jiffies32() - tp->probes_tstamp) >=
		   (s32)msecs_to_jiffies(user)) {
		tcpx_write_err(sk);
		return;
	}
	max_probes = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_retries2);
	if (sock_flag(sk, SOCK_DEAD)) {
		bool alive = (u64)tp->rto << tp->backoff < tp->rto_max;

		max_probes = tcpx_orphan_retries(sk, alive);
		if (!alive && tp->backoff >= max_probes) {
			tcpx_write_err(sk);
			return;
		}
		if (tcpx_out_of_resources(sk, true))
			return;
	}

	if (tp->probes_out >= max_probes)
		tcpx_write_err(sk);
	else
		tcpx_send_probe0(sk);
}

/* What tp->pending says is due. */
static void tcpx_xmit_timeout(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int event = tp->pending;

	tcpx_mstamp_refresh(tp);
	switch (event) {
	case TCPX_TIME_REO_TIMEOUT:
		tcpx_rack_reo_timeout(sk);
		break;
	case TCPX_TIME_LOSS_PROBE:
		tcpx_send_loss_probe(sk);
		break;
	case TCPX_TIME_RETRANS:
		WRITE_ONCE(tp->pending, 0);
		tcpx_retransmit_timer(sk);
		break;
	case TCPX_TIME_PROBE0:
		WRITE_ONCE(tp->pending, 0);
		tcpx_probe_timer(sk);
		break;
	}
}

/* --- compressed ACKs -------------------------------------------------------------------- */

/**
 * tcpx_sack_compress_send_ack() - send the ACK that others were saved for
 * @sk: socket, locked
 */
void tcpx_sack_compress_send_ack(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->compressed_ack)
		return;
	/* It is one of them: the others were saved. */
	tp->compressed_ack--;
	TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPACKCOMPRESSED, tp->compressed_ack);
	tp->compressed_ack = 0;
	if (hrtimer_try_to_cancel(&tp->disorder->compressed_ack_timer) == 1)
		__sock_put(sk);
	tcpx_mstamp_refresh(tp);
	tcpx_send_ack(sk);
}

static enum hrtimer_restart tcpx_compressed_ack_kick(struct hrtimer *timer)
{
	struct sock *sk = container_of(timer, struct tcpx_disorder, compressed_ack_timer)->sk;

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		tcpx_sack_compress_send_ack(sk);
	else if (!test_and_set_bit(TCP_DELACK_TIMER_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);
	bh_unlock_sock(sk);
	sock_put(sk);
	return HRTIMER_NORESTART;
}

/* --- delayed ACK -------------------------------------------------------------------- */

/* The ACK has waited long enough. */
static void tcpx_delack_timeout(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->compressed_ack) {
		tcpx_sack_compress_send_ack(sk);
		return;
	}
	tp->ack.pending &= ~TCPX_ACK_TIMER;
	if (!(tp->ack.pending & TCPX_ACK_SCHED))
		return;

	if (!tcpx_in_pingpong_mode(sk)) {
		/* Data came more slowly than we thought. */
		tp->ack.ato = min3(tp->ack.ato << 1, tp->rto, (u32)TCPX_DELACK_MAX);
	} else {
		/* We hoped for an answer to ride on: there was none. */
		tp->ack.pingpong = 0;
		tp->ack.ato = TCPX_ATO_MIN;
	}
	tcpx_mstamp_refresh(tp);
	tcpx_send_ack(sk);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_DELAYEDACKS);
}

/* --- keepalive and FIN_WAIT2 ----------------------------------------------------------- */

static u32 tcpx_keepalive_elapsed(const struct tcpx_sock *tp)
{
	u32 now = tcpx_jiffies32();

	return min(now - tp->ack.lrcvtime, now - tp->rcv_tstamp);
}

/* Jiffies until the next look; 0: the connection ended. */
static u32 tcpx_keepalive_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 user = READ_ONCE(tp->user_timeout);
	u32 when = tcpx_keepalive_time_when(tp);
	u32 elapsed;

	/* Data in flight is probe enough. */
	if (tp->packets_out || tcpx_send_head(sk))
		return max(when, 1U);
	elapsed = tcpx_keepalive_elapsed(tp);
	if (elapsed < when)
		return when - elapsed;

	if (user ? elapsed >= msecs_to_jiffies(user) && tp->probes_out > 0 :
		   tp->probes_out >= tcpx_keepalive_probes(tp)) {
		tcpx_send_active_reset(sk, GFP_ATOMIC);
		tcpx_write_err(sk);
		return 0;
	}
	if (tcpx_write_wakeup(sk, LINUX_MIB_TCPKEEPALIVE) <= 0) {
		tp->probes_out++;
		return max_t(u32, tcpx_keepalive_intvl_when(tp), 1);
	}
	return TCP_RESOURCE_PROBE_INTERVAL;
}

/* The user is gone and the peer does not close its half. */
static void tcpx_fin_wait2_over(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int left = tcpx_fin_time(sk) - TCPX_TIMEWAIT_LEN;

	if (tp->linger2 >= 0 && left > 0) {
		tcpx_time_wait(sk, TCP_FIN_WAIT2, left);
		return;
	}
	tcpx_send_active_reset(sk, GFP_ATOMIC);
	tcpx_done(sk);
}

/**
 * tcpx_fin_is_missing() - is a FIN still to be made, for want of memory so far?
 * @sk: socket, locked
 *
 * It would be the last in a queue, or its acknowledgment had changed the state. What was
 * sent before it may well be on its way yet.
 *
 * Return: true if so; sk_timer then makes it, and must be left alone.
 */
bool tcpx_fin_is_missing(const struct sock *sk)
{
	const struct sk_buff *last;

	if (!((1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK)))
		return false;
	last = skb_peek_tail(&sk->sk_write_queue);
	if (!last)
		last = tcpx_rtx_queue_tail(sk);
	return !last || !(TCPX_CB(last)->tcp_flags & TCPHDR_FIN);
}

/* Return: jiffies until the timer is due again, 0: it is not. */
static u32 tcpx_send_missing_fin(struct sock *sk)
{
	tcpx_sk(sk)->write_seq--;	/* it was counted already */
	tcpx_send_fin(sk);
	if (tcpx_fin_is_missing(sk))
		return TCP_RESOURCE_PROBE_INTERVAL;
	if (!sock_flag(sk, SOCK_KEEPOPEN))
		return 0;
	return max_t(u32, tcpx_keepalive_time_when(tcpx_sk(sk)), 1);
}

static void tcpx_keepalive_timeout(struct sock *sk)
{
	u32 next = 0;

	WRITE_ONCE(tcpx_sk(sk)->keepalive_due, 0);
	tcpx_mstamp_refresh(tcpx_sk(sk));
	if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD))
		tcpx_fin_wait2_over(sk);
	else if (unlikely(tcpx_fin_is_missing(sk)))
		next = tcpx_send_missing_fin(sk);
	else if (sock_flag(sk, SOCK_KEEPOPEN) && sk->sk_state != TCP_SYN_SENT)
		next = tcpx_keepalive_check(sk);
	if (next)
		tcpx_reset_keepalive_timer(sk, next);
}

/**
 * tcpx_set_keepalive() - SO_KEEPALIVE was switched (proto.keepalive)
 * @sk: socket, locked
 * @val: new value; the flag still has the old one
 */
void tcpx_set_keepalive(struct sock *sk, int val)
{
	if ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return;
	if (tcpx_fin_is_missing(sk))
		return;
	if (val && !sock_flag(sk, SOCK_KEEPOPEN))
		tcpx_reset_keepalive_timer(sk, tcpx_keepalive_time_when(tcpx_sk(sk)));
	else if (!val)
		WRITE_ONCE(tcpx_sk(sk)->keepalive_due, 0);
}

/* --- the timer of all of them --------------------------------------------------- */

static bool tcpx_delack_pending(const struct tcpx_sock *tp)
{
	return READ_ONCE(tp->ack.pending) & TCPX_ACK_TIMER;
}

/* Is @due over? It was reckoned from somewhere in a jiffy, so it must be over, too, as the
 * timer wheel would have it. If it is not, *@left becomes no more than what is left.
 */
static bool tcpx_is_due(u32 due, s32 *left)
{
	s32 rest = due - tcpx_jiffies32();

	if (rest >= 0)
		*left = min(*left, rest);
	return rest < 0;
}

/**
 * tcpx_timer_handler() - do what is due, and arm the timer for what is not
 * @sk: socket, locked, not owned by the user; may be closed when this returns
 */
void tcpx_timer_handler(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	s32 left = S32_MAX;

	if ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		return;
	if (tcpx_delack_pending(tp) && tcpx_is_due(tp->delack_due, &left))
		tcpx_delack_timeout(sk);
	if (tp->pending && tcpx_is_due(tp->xmit_due, &left))
		tcpx_xmit_timeout(sk);
	if (unlikely(tp->keepalive_due) && tcpx_is_due(tp->keepalive_due, &left))
		tcpx_keepalive_timeout(sk);
	if (left == S32_MAX || sk->sk_state == TCP_CLOSE)
		return;
	/* Who got data just now gets some soon: its ACK's delay shall not move the timer. */
	if (tcpx_jiffies32() - tp->ack.lrcvtime < TCPX_ATO_MIN)
		left = min_t(s32, left, TCPX_ATO_MIN);
	tcpx_timer_by(sk, jiffies + left);
}

static void tcpx_timer(struct timer_list *t)
{
	struct sock *sk = compat_from_timer(sk, t, sk_timer);
	struct tcpx_sock *tp = tcpx_sk(sk);
	s32 left = 0;

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		tcpx_timer_handler(sk);
	} else {
		if (tcpx_delack_pending(tp) && tcpx_is_due(READ_ONCE(tp->delack_due), &left))
			TCPX_NET_INC(sock_net(sk), LINUX_MIB_DELAYEDACKLOCKED);
		if (!test_and_set_bit(TCP_WRITE_TIMER_DEFERRED, &sk->sk_tsq_flags))
			sock_hold(sk);
	}
	bh_unlock_sock(sk);
	sock_put(sk);
}

/**
 * tcpx_init_xmit_timers() - set the timer up, not armed, nothing to wait for
 * @sk: new socket
 */
void tcpx_init_xmit_timers(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	timer_setup(&sk->sk_timer, tcpx_timer, 0);
	tp->pending = 0;
	tp->ack.pending = 0;
	tp->keepalive_due = 0;
}

/**
 * tcpx_disorder_get() - what segments need that are lost, reordered, paced, signed or late
 * @sk: socket, locked; any context
 *
 * Return: it; NULL if there is no memory for it.
 */
struct tcpx_disorder *tcpx_disorder_get(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_disorder *d = tp->disorder;

	if (d)
		return d;
	d = kzalloc(sizeof(*d), GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);
	if (!d)
		return NULL;
	d->sk = sk;
	d->out_of_order_queue = RB_ROOT;
	compat_hrtimer_setup(&d->pacing_timer, tcpx_pace_kick, CLOCK_MONOTONIC,
			     HRTIMER_MODE_ABS_PINNED_SOFT);
	compat_hrtimer_setup(&d->compressed_ack_timer, tcpx_compressed_ack_kick, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_PINNED_SOFT);
	/* Complete before who holds no lock looks for keys in it. */
	smp_store_release(&tp->disorder, d);
	return d;
}
