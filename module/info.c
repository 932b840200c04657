// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: TCP_INFO.
 */

#include "tcpx.h"

/* Since when and for how long was the sender busy, and what held it up?
 * Microseconds; limited time counts as busy too.
 */
static void tcpx_info_chrono(const struct tcpx_sock *tp, struct tcp_info *info)
{
	u64 us[__TCP_CHRONO_MAX] = {};
	int i;

	for (i = TCP_CHRONO_BUSY; i < __TCP_CHRONO_MAX; i++) {
		us[i] = tp->chrono_stat[i - 1];
		if (i == tp->chrono_type)
			us[i] += tcpx_jiffies32() - tp->chrono_start;
		us[i] *= USEC_PER_SEC / HZ;
		info->tcpi_busy_time += us[i];
	}
	info->tcpi_rwnd_limited = us[TCP_CHRONO_RWND_LIMITED];
	info->tcpi_sndbuf_limited = us[TCP_CHRONO_SNDBUF_LIMITED];
}

/* Bytes per second that the last good rate sample says. */
static u64 tcpx_info_delivery_rate(const struct tcpx_sock *tp)
{
	u64 bytes = (u64)tp->rate_delivered * tp->mss_cache;

	if (!tp->rate_delivered || !tp->rate_interval_us)
		return 0;
	return div64_ul(bytes * USEC_PER_SEC, tp->rate_interval_us);
}

static u64 tcpx_info_rate(unsigned long rate)
{
	return rate == ~0UL ? ~0ULL : rate;
}

/* What was agreed on in the handshake. */
static void tcpx_info_options(const struct tcpx_sock *tp, struct tcp_info *info)
{
	if (tp->rx_opt.tstamp_ok)
		info->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if (tcpx_is_sack(tp))
		info->tcpi_options |= TCPI_OPT_SACK;
	if (tp->rx_opt.wscale_ok) {
		info->tcpi_options |= TCPI_OPT_WSCALE;
		info->tcpi_snd_wscale = tp->rx_opt.snd_wscale;
		info->tcpi_rcv_wscale = tp->rx_opt.rcv_wscale;
	}
	if (tp->ecn_flags & TCPX_ECN_MODE)
		info->tcpi_options |= TCPI_OPT_ECN;
	if (tp->ecn_flags & TCPX_ECN_SEEN)
		info->tcpi_options |= TCPI_OPT_ECN_SEEN;
	if (tp->syn_data_acked)
		info->tcpi_options |= TCPI_OPT_SYN_DATA;
	if (tp->rx_opt.tfo_child)
		info->tcpi_options |= TCPI_OPT_TFO_CHILD;
	info->tcpi_fastopen_client_fail = tp->fastopen_client_fail;
}

/* TCPI_ECN_MODE_*: off, rfc3168, AccECN, not known yet. */
static u32 tcpx_info_ecn_mode(const struct tcpx_sock *tp)
{
	return (tp->ecn_flags & TCPX_ECN_OK ? 1 : 0) | (tp->ecn_flags & TCPX_ECN_ACCECN ? 2 : 0);
}

/* Loss, recovery and congestion. */
static void tcpx_info_sender(const struct tcpx_sock *tp, struct tcp_info *info)
{
	info->tcpi_ca_state = tp->ca_state;
	info->tcpi_retransmits = tp->retransmits;
	info->tcpi_probes = tp->probes_out;
	info->tcpi_backoff = tp->backoff;
	info->tcpi_rto = jiffies_to_usecs(tp->rto);
	info->tcpi_snd_mss = tp->mss_cache;
	info->tcpi_unacked = tp->packets_out;
	info->tcpi_sacked = tp->sacked_out;
	info->tcpi_lost = tp->lost_out;
	info->tcpi_retrans = tp->retrans_out;
	info->tcpi_pmtu = tp->pmtu_cookie;
	info->tcpi_rtt = tp->cc.srtt_us >> 3;
	info->tcpi_rttvar = tp->mdev_us >> 2;
	info->tcpi_min_rtt = tp->cc.min_rtt_us;
	info->tcpi_snd_ssthresh = tp->cc.snd_ssthresh;
	info->tcpi_snd_wnd = tp->snd_wnd;
	info->tcpi_notsent_bytes = max_t(int, 0, tp->write_seq - tp->snd_nxt);
	info->tcpi_total_retrans = tp->total_retrans;
	info->tcpi_reord_seen = tp->reord_seen;
	info->tcpi_dsack_dups = tp->dsack_dups;
	info->tcpi_delivered = tp->cc.delivered;
	info->tcpi_delivered_ce = tp->cc.delivered_ce;
	info->tcpi_delivery_rate = tcpx_info_delivery_rate(tp);
	info->tcpi_delivery_rate_app_limited = tp->rate_app_limited;
}

static void tcpx_info_receiver(struct sock *sk, struct tcp_info *info)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	info->tcpi_ato = jiffies_to_usecs(min(tp->ack.ato, tcpx_delack_max(sk)));
	info->tcpi_rcv_mss = tp->ack.rcv_mss;
	info->tcpi_rcv_ssthresh = tp->rcv_ssthresh;
	info->tcpi_advmss = tp->advmss;
	info->tcpi_rcv_rtt = tp->rcv_rtt_est.rtt_us >> 3;
	info->tcpi_rcv_space = tp->rcvq_space.space;
	info->tcpi_rcv_ooopack = tp->rcv_ooopack;
}

/* rfc4898, and when something last happened. */
static void tcpx_info_counters(const struct tcpx_sock *tp, struct tcp_info *info)
{
	u32 now = tcpx_jiffies32();

	info->tcpi_last_data_sent = jiffies_to_msecs(now - tp->lsndtime);
	info->tcpi_last_data_recv = jiffies_to_msecs(now - tp->ack.lrcvtime);
	info->tcpi_last_ack_recv = jiffies_to_msecs(now - tp->rcv_tstamp);
	info->tcpi_bytes_acked = tp->bytes_acked;
	info->tcpi_bytes_received = tp->bytes_received;
	info->tcpi_bytes_sent = tp->bytes_sent;
	info->tcpi_bytes_retrans = tp->bytes_retrans;
	info->tcpi_segs_out = tp->segs_out;
	info->tcpi_data_segs_out = tp->data_segs_out;
	/* Counted in softirq, whoever owns the lock. */
	info->tcpi_segs_in = READ_ONCE(tp->segs_in);
	info->tcpi_data_segs_in = READ_ONCE(tp->data_segs_in);
}

/* Timeouts: how many, in how many rows, and how long until the peer answered. */
static void tcpx_info_rto_stats(const struct tcpx_sock *tp, struct tcp_info *info)
{
	const struct tcpx_disorder *d = tp->disorder;
	u32 ms;

	if (!d)
		return;
	ms = d->total_rto_time;
	if (d->rto_stamp)
		ms += tcpx_clock_ms() - d->rto_stamp;
	compat_tcp_info_rto(info, d->total_rto, d->total_rto_recoveries, ms);
}

/**
 * tcpx_info_stats() - what a transmit time stamp tells of the sender
 * @sk: socket
 * @info: result; zeroed by the caller, not all of it is filled
 *
 * Context: any; exact with the socket lock.
 */
void tcpx_info_stats(const struct sock *sk, struct tcp_info *info)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	info->tcpi_pacing_rate = tcpx_info_rate(READ_ONCE(sk->sk_pacing_rate));
	info->tcpi_reordering = tp->reordering;
	info->tcpi_snd_cwnd = tp->cc.snd_cwnd;
	tcpx_info_sender(tp, info);
	tcpx_info_counters(tp, info);
	tcpx_info_chrono(tp, info);
}

/**
 * tcpx_get_info() - TCP_INFO
 * @sk: socket, full, in any state
 * @info: result, as the running kernel's headers have it
 *
 * A listener tells the length of its accept queue and its limit in tcpi_unacked
 * and tcpi_sacked.
 *
 * Context: process or BH; takes the socket lock.
 */
void tcpx_get_info(struct sock *sk, struct tcp_info *info)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	bool slow;

	memset(info, 0, sizeof(*info));
	info->tcpi_state = inet_sk_state_load(sk);
	info->tcpi_pacing_rate = tcpx_info_rate(READ_ONCE(sk->sk_pacing_rate));
	info->tcpi_max_pacing_rate = tcpx_info_rate(READ_ONCE(sk->sk_max_pacing_rate));
	info->tcpi_reordering = READ_ONCE(tp->reordering);
	info->tcpi_snd_cwnd = READ_ONCE(tp->cc.snd_cwnd);

	if (info->tcpi_state == TCP_LISTEN) {
		info->tcpi_unacked = READ_ONCE(sk->sk_ack_backlog);
		info->tcpi_sacked = READ_ONCE(sk->sk_max_ack_backlog);
		return;
	}

	slow = lock_sock_fast(sk);
	tcpx_info_options(tp, info);
	tcpx_info_sender(tp, info);
	tcpx_info_receiver(sk, info);
	tcpx_info_counters(tp, info);
	tcpx_info_chrono(tp, info);
	tcpx_info_rto_stats(tp, info);
	compat_tcp_info_newer(info, tp->rcv_wnd, tp->timeout_rehash + tp->plb_rehash);
	compat_tcp_info_accecn(info, tp->accecn.received_ce, tp->accecn.delivered_bytes,
			       tp->accecn.received_bytes, tcpx_info_ecn_mode(tp),
			       tp->accecn.opt_seen, tp->accecn.fail);
	unlock_sock_fast(sk, slow);
}
