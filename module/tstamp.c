// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: time stamps, SO_TIMESTAMPING and its older kin.
 *
 * Receiving: the arrival of the last byte that a recvmsg() returns goes with it as a
 * control message. Sending: each write may ask for stamps of its last byte; when that
 * enters the qdisc (SCHED), leaves (SND) and is acknowledged (ACK), a message of
 * SO_EE_ORIGIN_TIMESTAMPING goes to the error queue. The first two the kernel makes, where
 * the skb passes, the third one we.
 *
 * OPT_ID numbers a message by the byte, counted from where the socket was when the option
 * was set. For sockets that are not kernel TCP's the kernel tells skb_shinfo.tskey as
 * it is, so it has to be that count already; and it clears sk_tskey when the option
 * is set, by which we see that a new count begins (tcpx_tskey_sync()).
 *
 * OPT_STATS adds the state of the connection. The kernel does it for its own TCP only:
 * tcpx_error_report() gets to see each message on its way to the user.
 */

#include <linux/errqueue.h>
#include <net/netlink.h>

#include "tcpx.h"

/* --- received ----------------------------------------------------------- */

/* SO_TIMESTAMP and SO_TIMESTAMPNS, with old and new layouts of time. */
static void tcpx_put_cmsg_timestamp(struct msghdr *msg, const struct sock *sk, ktime_t when)
{
	struct timespec64 ts = ktime_to_timespec64(when);
	bool new = sock_flag(sk, SOCK_TSTAMP_NEW);

	if (sock_flag(sk, SOCK_RCVTSTAMPNS)) {
		struct __kernel_timespec kts = { ts.tv_sec, ts.tv_nsec };
		struct __kernel_old_timespec old = { ts.tv_sec, ts.tv_nsec };

		if (new)
			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS_NEW, sizeof(kts), &kts);
		else
			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMPNS_OLD, sizeof(old), &old);
	} else {
		struct __kernel_sock_timeval stv = { ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC };
		struct __kernel_old_timeval old = { ts.tv_sec, ts.tv_nsec / NSEC_PER_USEC };

		if (new)
			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP_NEW, sizeof(stv), &stv);
		else
			put_cmsg(msg, SOL_SOCKET, SO_TIMESTAMP_OLD, sizeof(old), &old);
	}
}

/**
 * tcpx_recv_timestamp() - tell the reader when what it got arrived
 * @msg: the reader's message
 * @sk: socket
 * @stamps: of the last byte
 *
 * What of it the user asked for.
 *
 * Context: process, no lock.
 */
void tcpx_recv_timestamp(struct msghdr *msg, const struct sock *sk,
			 const struct tcpx_rx_stamps *stamps)
{
	u32 wanted = READ_ONCE(sk->sk_tsflags);
	struct scm_timestamping_internal tss = {};
	bool any = false;

	if (stamps->sw && sock_flag(sk, SOCK_RCVTSTAMP))
		tcpx_put_cmsg_timestamp(msg, sk, stamps->sw);
	if (stamps->sw && compat_rx_stamp_wanted(wanted, SOF_TIMESTAMPING_SOFTWARE,
						 SOF_TIMESTAMPING_RX_SOFTWARE)) {
		compat_set_scm_timestamp(&tss, 0, stamps->sw);
		any = true;
	}
	if (stamps->hw && compat_rx_stamp_wanted(wanted, SOF_TIMESTAMPING_RAW_HARDWARE,
						 SOF_TIMESTAMPING_RX_HARDWARE)) {
		compat_set_scm_timestamp(&tss, 2, stamps->hw);
		any = true;
	}
	if (!any)
		return;
	if (sock_flag(sk, SOCK_TSTAMP_NEW))
		put_cmsg_scm_timestamping64(msg, &tss);
	else
		put_cmsg_scm_timestamping(msg, &tss);
}

/* --- what a sent byte is called ----------------------------------------- */

/* Call bytes already written by the new count. */
static void tcpx_tskey_rebase(struct sock *sk, u32 base)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 shift = tp->tskey_base - base;
	struct sk_buff *skb;

	tp->tskey_base = base;
	skb_queue_walk(&sk->sk_write_queue, skb)
		skb_shinfo(skb)->tskey += shift;
	skb_rbtree_walk(skb, &sk->tcp_rtx_queue)
		skb_shinfo(skb)->tskey += shift;
}

/**
 * tcpx_tskey_sync() - begin a new count if the user has asked for one
 * @sk: socket
 *
 * Where setsockopt() does not pass by us, the next write does: nothing was written
 * meanwhile, but with OPT_ID and not OPT_ID_TCP bytes may have been acknowledged.
 *
 * Context: socket lock.
 */
void tcpx_tskey_sync(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 flags = READ_ONCE(sk->sk_tsflags);

	if (!(flags & SOF_TIMESTAMPING_OPT_ID) || atomic_read(&sk->sk_tskey))
		return;
	tcpx_tskey_rebase(sk, flags & COMPAT_TIMESTAMPING_OPT_ID_TCP ? tp->write_seq :
								       tp->snd_una);
	atomic_set(&sk->sk_tskey, 1);
}

/**
 * tcpx_tx_timestamp() - remember what is wanted for the last byte written
 * @sk: socket
 * @sockc: what the write asks for
 *
 * Context: socket lock.
 */
void tcpx_tx_timestamp(struct sock *sk, const struct sockcm_cookie *sockc)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue) ?: tcpx_rtx_queue_tail(sk);
	u32 wanted = sockc->tsflags;

	if (likely(!wanted) || !skb)
		return;
	compat_sock_tx_timestamp(sk, sockc, &skb_shinfo(skb)->tx_flags);
	if (wanted & SOF_TIMESTAMPING_TX_ACK)
		TCPX_CB(skb)->txstamp_ack = 1;
	if (wanted & SOF_TIMESTAMPING_TX_RECORD_MASK)
		skb_shinfo(skb)->tskey = TCPX_CB(skb)->seq + skb->len - 1 -
					 tcpx_sk(sk)->tskey_base;
}

/* Is there a stamp to come for a byte of @skb? */
static bool tcpx_has_tx_stamp(const struct sk_buff *skb)
{
	return TCPX_CB(skb)->txstamp_ack || (skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP);
}

/* @to shall have what is wanted of @from. */
static void tcpx_move_tx_stamp(struct sk_buff *to, const struct sk_buff *from)
{
	skb_shinfo(to)->tx_flags |= skb_shinfo(from)->tx_flags & SKBTX_ANY_TSTAMP;
	skb_shinfo(to)->tskey = skb_shinfo(from)->tskey;
	TCPX_CB(to)->txstamp_ack |= TCPX_CB(from)->txstamp_ack;
}

/**
 * tcpx_split_tx_stamp() - an skb was split: the byte may be in the second part
 * @sk: socket
 * @skb: first part
 * @buff: second part, its sequence numbers known
 *
 * Context: socket lock.
 */
void tcpx_split_tx_stamp(const struct sock *sk, struct sk_buff *skb, struct sk_buff *buff)
{
	u32 byte = skb_shinfo(skb)->tskey + tcpx_sk(sk)->tskey_base;

	if (likely(!tcpx_has_tx_stamp(skb)) || before(byte, TCPX_CB(buff)->seq))
		return;
	tcpx_move_tx_stamp(buff, skb);
	skb_shinfo(skb)->tx_flags &= ~SKBTX_ANY_TSTAMP;
	TCPX_CB(skb)->txstamp_ack = 0;
}

/**
 * tcpx_collapse_tx_stamp() - an skb was appended to another
 * @to: the other
 * @from: the skb, about to be freed
 *
 * Of two stamps the later one stays.
 */
void tcpx_collapse_tx_stamp(struct sk_buff *to, const struct sk_buff *from)
{
	if (unlikely(tcpx_has_tx_stamp(from)))
		tcpx_move_tx_stamp(to, from);
}

/* --- OPT_STATS ---------------------------------------------------------- */

/* Bytes of tcpx_put_stats(), with what aligning those of 64 bits may take. */
#define TCPX_STATS_SIZE	(10 * nla_total_size_64bit(sizeof(u64)) +	\
			 12 * nla_total_size(sizeof(u32)) +		\
			 1 * nla_total_size(sizeof(u16)) +		\
			 4 * nla_total_size(sizeof(u8)))

static void tcpx_put_stat64(struct sk_buff *skb, int what, u64 val)
{
	nla_put_u64_64bit(skb, what, val, TCP_NLA_PAD);
}

/* What TCP_INFO says of the sender. @edt: when the skb was to leave. */
static void tcpx_put_stats(struct sk_buff *skb, const struct sock *sk, u64 edt)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcp_info info = {};

	tcpx_info_stats(sk, &info);
	tcpx_put_stat64(skb, TCP_NLA_BUSY, info.tcpi_busy_time);
	tcpx_put_stat64(skb, TCP_NLA_RWND_LIMITED, info.tcpi_rwnd_limited);
	tcpx_put_stat64(skb, TCP_NLA_SNDBUF_LIMITED, info.tcpi_sndbuf_limited);
	tcpx_put_stat64(skb, TCP_NLA_DATA_SEGS_OUT, info.tcpi_data_segs_out);
	tcpx_put_stat64(skb, TCP_NLA_TOTAL_RETRANS, info.tcpi_total_retrans);
	tcpx_put_stat64(skb, TCP_NLA_PACING_RATE, info.tcpi_pacing_rate);
	tcpx_put_stat64(skb, TCP_NLA_DELIVERY_RATE, info.tcpi_delivery_rate);
	nla_put_u32(skb, TCP_NLA_SND_CWND, info.tcpi_snd_cwnd);
	nla_put_u32(skb, TCP_NLA_REORDERING, info.tcpi_reordering);
	nla_put_u32(skb, TCP_NLA_MIN_RTT, info.tcpi_min_rtt);
	nla_put_u8(skb, TCP_NLA_RECUR_RETRANS, info.tcpi_retransmits);
	nla_put_u8(skb, TCP_NLA_DELIVERY_RATE_APP_LMT, info.tcpi_delivery_rate_app_limited);
	nla_put_u32(skb, TCP_NLA_SND_SSTHRESH, info.tcpi_snd_ssthresh);
	nla_put_u32(skb, TCP_NLA_DELIVERED, info.tcpi_delivered);
	nla_put_u32(skb, TCP_NLA_DELIVERED_CE, info.tcpi_delivered_ce);
	nla_put_u32(skb, TCP_NLA_SNDQ_SIZE, tp->write_seq - tp->snd_una);
	nla_put_u8(skb, TCP_NLA_CA_STATE, info.tcpi_ca_state);
	tcpx_put_stat64(skb, TCP_NLA_BYTES_SENT, info.tcpi_bytes_sent);
	tcpx_put_stat64(skb, TCP_NLA_BYTES_RETRANS, info.tcpi_bytes_retrans);
	nla_put_u32(skb, TCP_NLA_DSACK_DUPS, info.tcpi_dsack_dups);
	nla_put_u32(skb, TCP_NLA_REORD_SEEN, info.tcpi_reord_seen);
	nla_put_u32(skb, TCP_NLA_SRTT, info.tcpi_rtt);
	nla_put_u16(skb, TCP_NLA_TIMEOUT_REHASH, tp->timeout_rehash);
	nla_put_u32(skb, TCP_NLA_BYTES_NOTSENT, info.tcpi_notsent_bytes);
	tcpx_put_stat64(skb, TCP_NLA_EDT, edt);
	compat_nla_put_rehash(skb, tp->timeout_rehash + tp->plb_rehash);
}

/* A message of the kernel's that lacks what OPT_STATS asks for. */
static bool tcpx_lacks_stats(const struct sk_buff *skb)
{
	const struct sock_exterr_skb *serr = SKB_EXT_ERR(skb);

	return serr->ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING && !serr->opt_stats && !skb->len;
}

/* Complete the newest messages, while nobody can take them. That of an ACK is ours. */
static void tcpx_complete_stats(struct sock *sk)
{
	struct sk_buff_head *queue = &sk->sk_error_queue;
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	skb_queue_reverse_walk(queue, skb) {
		if (!tcpx_lacks_stats(skb))
			break;
		if (skb_tailroom(skb) < TCPX_STATS_SIZE &&
		    pskb_expand_head(skb, 0, TCPX_STATS_SIZE, GFP_ATOMIC))
			break;
		/* SCHED is made as the skb is handed down: this is its time of departure. */
		tcpx_put_stats(skb, sk, tcpx_sk(sk)->tcp_wstamp_ns);
		SKB_EXT_ERR(skb)->opt_stats = 1;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* What sock_init_data() gives a socket; the same for all. */
static void (*tcpx_default_error_report)(struct sock *sk);

static void tcpx_error_report(struct sock *sk)
{
	const u32 both = SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_OPT_TSONLY;

	if (unlikely((READ_ONCE(sk->sk_tsflags) & both) == both))
		tcpx_complete_stats(sk);
	tcpx_default_error_report(sk);
}

/**
 * tcpx_init_error_report() - see what goes to the error queue
 * @sk: new socket
 */
void tcpx_init_error_report(struct sock *sk)
{
	WRITE_ONCE(tcpx_default_error_report, sk->sk_error_report);
	sk->sk_error_report = tcpx_error_report;
}

/* --- acknowledged ------------------------------------------------------- */

static u8 tcpx_skb_ttl(const struct sk_buff *skb)
{
	return tcpx_skb_is_v6(skb) ? ipv6_hdr(skb)->hop_limit : ip_hdr(skb)->ttl;
}

/* The message of an ACK with OPT_STATS. */
static void tcpx_ack_stats(struct sock *sk, const struct sk_buff *orig,
			   const struct sk_buff *ack_skb)
{
	struct sk_buff *skb = alloc_skb(TCPX_STATS_SIZE, GFP_ATOMIC);
	struct sock_exterr_skb *serr;

	if (!skb)
		return;
	tcpx_put_stats(skb, sk, orig->tstamp);
	nla_put_u8(skb, TCP_NLA_TTL, tcpx_skb_ttl(ack_skb));
	__net_timestamp(skb);

	serr = SKB_EXT_ERR(skb);
	memset(serr, 0, sizeof(*serr));
	serr->ee.ee_errno = ENOMSG;
	serr->ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
	serr->ee.ee_info = SCM_TSTAMP_ACK;
	serr->opt_stats = 1;
	if (READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID)
		serr->ee.ee_data = skb_shinfo(orig)->tskey;
	if (sock_queue_err_skb(sk, skb))
		kfree_skb(skb);
}

/**
 * __tcpx_ack_tstamp() - a byte whose acknowledgement is to be told may be acknowledged
 * @sk: socket
 * @skb: of the retransmit queue
 * @ack_skb: the segment that acknowledges it
 * @prior_snd_una: SND.UNA before it
 *
 * Context: socket lock.
 */
void __tcpx_ack_tstamp(struct sock *sk, struct sk_buff *skb, const struct sk_buff *ack_skb,
		       u32 prior_snd_una)
{
	const u32 both = SOF_TIMESTAMPING_OPT_STATS | SOF_TIMESTAMPING_OPT_TSONLY;
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 byte = skb_shinfo(skb)->tskey + tp->tskey_base;

	if (before(byte, prior_snd_una) || !before(byte, tp->snd_una))
		return;
	if ((READ_ONCE(sk->sk_tsflags) & both) == both) {
		tcpx_ack_stats(sk, skb, ack_skb);
		return;
	}
	tcp_skb_tsorted_save(skb) {
		__skb_tstamp_tx(skb, ack_skb, NULL, sk, SCM_TSTAMP_ACK);
	} tcp_skb_tsorted_restore(skb);
}
