// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: SYN cookies, rfc4987#section-3.6. When the SYN queue is full (or always,
 * tcp_syncookies = 2) the SYN-ACK's sequence number itself remembers the
 * connection, and the listener remembers nothing:
 *
 *	31      24 23                    0
 *	| minute | MAC(4-tuple, minute) + MSS index |
 *
 * plus the peer's ISN plus a hash of the 4-tuple, so that an outsider learns neither
 * part. The minute says how old a cookie is, and makes every MAC good for two minutes
 * only. The other options fit in the low bits of the SYN-ACK's timestamp,
 * which the peer echoes if it uses timestamps:
 *
 *	| 31 ... 6  |  5  |  4   | 3 2 1 0 |
 *	| timestamp | ECN | SACK | wscale  |	(wscale 15: no window scaling)
 */
#include <linux/security.h>
#include <linux/siphash.h>
#include <net/sock_reuseport.h>

#include "tcpx.h"

#define TCPX_COOKIE_BITS	24
#define TCPX_COOKIE_MASK	((1U << TCPX_COOKIE_BITS) - 1)
#define TCPX_COOKIE_PERIOD	(60 * HZ)
#define TCPX_COOKIE_MAX_AGE	2	/* periods */

#define TCPX_COOKIE_TS_BITS	6
#define TCPX_COOKIE_TS_WSCALE	0xf
#define TCPX_COOKIE_TS_SACK	BIT(4)
#define TCPX_COOKIE_TS_ECN	BIT(5)

/* [0] hides the minute, [1] is the MAC's. */
static siphash_aligned_key_t tcpx_cookie_secret[2] __ro_after_init;

/*
 * The MSS that a cookie can tell, ascending. IPv4: what a peer must take, IPv6's minimum
 * and tunnels, PPPoE, Ethernet. IPv6: the minimum MTU, a tunnel in Ethernet,
 * Ethernet, jumbo frames.
 */
static const u16 tcpx_cookie_mss[2][4] = {
	{ 536, 1300, 1440, 1460 },
	{ IPV6_MIN_MTU - 60, 1420, 1440, 9000 - 60 },
};

static u32 tcpx_cookie_minute(void)
{
	return div_u64(get_jiffies_64(), TCPX_COOKIE_PERIOD);
}

static u32 tcpx_cookie_v6_hash(const struct sk_buff *skb, u32 minute, int key)
{
	const struct {
		struct in6_addr	saddr;
		struct in6_addr	daddr;
		u32		minute;
		__be16		sport;
		__be16		dport;
	} __aligned(SIPHASH_ALIGNMENT) ends = {
		.saddr	= ipv6_hdr(skb)->saddr,
		.daddr	= ipv6_hdr(skb)->daddr,
		.minute	= minute,
		.sport	= tcp_hdr(skb)->source,
		.dport	= tcp_hdr(skb)->dest,
	};

	return siphash(&ends, offsetofend(typeof(ends), dport), &tcpx_cookie_secret[key]);
}

/* Of a segment from the peer. */
static u32 tcpx_cookie_hash(const struct sk_buff *skb, u32 minute, int key)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct tcphdr *th = tcp_hdr(skb);

	if (tcpx_skb_is_v6(skb))
		return tcpx_cookie_v6_hash(skb, minute, key);
	return siphash_4u32((__force u32)iph->saddr, (__force u32)iph->daddr,
			    (__force u32)th->source << 16 | (__force u32)th->dest,
			    minute, &tcpx_cookie_secret[key]);
}

/**
 * tcpx_cookie_init_seq() - make a cookie
 * @skb: SYN
 * @mssp: the peer's MSS; rounded down to one that a cookie can tell
 *
 * Return: the ISN of the SYN-ACK.
 */
u32 tcpx_cookie_init_seq(const struct sk_buff *skb, u16 *mssp)
{
	const u16 *mss = tcpx_cookie_mss[tcpx_skb_is_v6(skb)];
	u32 minute = tcpx_cookie_minute();
	int i = ARRAY_SIZE(tcpx_cookie_mss[0]) - 1;

	while (i && mss[i] > *mssp)
		i--;
	*mssp = mss[i];
	return tcpx_cookie_hash(skb, 0, 0) + ntohl(tcp_hdr(skb)->seq) +
	       (minute << TCPX_COOKIE_BITS) +
	       ((tcpx_cookie_hash(skb, minute, 1) + i) & TCPX_COOKIE_MASK);
}

/* The MSS that the cookie in an ACK tells, 0 if it is none or too old. */
static u16 tcpx_cookie_peer_mss(const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	u32 cookie = ntohl(th->ack_seq) - 1;
	u32 isn = ntohl(th->seq) - 1;
	u32 minute = tcpx_cookie_minute();
	u32 age, i;

	cookie -= tcpx_cookie_hash(skb, 0, 0) + isn;
	age = (minute - (cookie >> TCPX_COOKIE_BITS)) & (U32_MAX >> TCPX_COOKIE_BITS);
	if (age >= TCPX_COOKIE_MAX_AGE)
		return 0;
	i = (cookie - tcpx_cookie_hash(skb, minute - age, 1)) & TCPX_COOKIE_MASK;
	return i < ARRAY_SIZE(tcpx_cookie_mss[0]) ? tcpx_cookie_mss[tcpx_skb_is_v6(skb)][i] : 0;
}

/**
 * tcpx_cookie_init_timestamp() - hide the SYN's options in a timestamp
 * @req: request with the options
 * @now_us: tcpx_clock_us()
 *
 * Return: TSval of the SYN-ACK, without the connection's offset: the latest time not
 * after now whose low bits are the options, lest later timestamps look old.
 */
u32 tcpx_cookie_init_timestamp(struct tcpx_request_sock *req, u64 now_us)
{
	const struct inet_request_sock *ireq = &req->req;
	u32 now = (u32)div_u64(now_us, USEC_PER_MSEC);
	u32 options = ireq->wscale_ok ? ireq->snd_wscale : TCPX_COOKIE_TS_WSCALE;
	u32 ts;

	if (ireq->sack_ok)
		options |= TCPX_COOKIE_TS_SACK;
	if (ireq->ecn_ok)
		options |= TCPX_COOKIE_TS_ECN;
	ts = (now & ~(BIT(TCPX_COOKIE_TS_BITS) - 1)) | options;
	if (after(ts, now))
		ts -= BIT(TCPX_COOKIE_TS_BITS);
	return ts;
}

/*
 * Undo tcpx_cookie_init_timestamp(): @opt is what the ACK carries, our offset already
 * subtracted. False: it tells an option that this host has switched off, so it is
 * none of our timestamps.
 */
static bool tcpx_cookie_timestamp_decode(const struct net *net,
					 struct tcpx_options_received *opt)
{
	u32 options = opt->rcv_tsecr;

	if (!opt->saw_tstamp) {
		tcpx_clear_options(opt);
		return true;
	}
	if (!READ_ONCE(net->ipv4.sysctl_tcp_timestamps))
		return false;
	opt->sack_ok = !!(options & TCPX_COOKIE_TS_SACK);
	if (opt->sack_ok && !READ_ONCE(net->ipv4.sysctl_tcp_sack))
		return false;
	opt->wscale_ok = 0;
	opt->snd_wscale = 0;
	if ((options & TCPX_COOKIE_TS_WSCALE) == TCPX_COOKIE_TS_WSCALE)
		return true;
	opt->wscale_ok = 1;
	opt->snd_wscale = min_t(u32, options & TCPX_COOKIE_TS_WSCALE, TCP_MAX_WSCALE);
	return READ_ONCE(net->ipv4.sysctl_tcp_window_scaling);
}

/* --- when ------------------------------------------------------------------ */

/**
 * tcpx_syn_flood_action() - the SYN queue is full: what to do with a SYN?
 * @sk: listener
 *
 * Counts, and says so in the kernel log once for each time the socket listens.
 *
 * Return: true to send a cookie, false to drop the SYN.
 */
bool tcpx_syn_flood_action(struct sock *sk)
{
	struct tcpx_accept_queue *queue = tcpx_queue(sk);
	struct net *net = sock_net(sk);
	u8 syncookies = READ_ONCE(net->ipv4.sysctl_tcp_syncookies);

	if (syncookies)
		TCPX_NET_INC(net, LINUX_MIB_TCPREQQFULLDOCOOKIES);
	else
		TCPX_NET_INC(net, LINUX_MIB_TCPREQQFULLDROP);
	if (!READ_ONCE(queue->synflood_warned) && syncookies != 2 &&
	    xchg(&queue->synflood_warned, 1) == 0)
		net_info_ratelimited("tcpx: possible SYN flooding on port %d. %s.\n", sk->sk_num,
				     syncookies ? "Sending cookies" : "Dropping requests");
	return syncookies;
}

/* Where it is kept that cookies were sent: all members of a SO_REUSEPORT group may
 * get the ACK. RCU.
 */
static u32 *tcpx_synq_overflow_ts(const struct sock *sk)
{
	struct sock_reuseport *reuse = NULL;

	if (sk->sk_reuseport)
		reuse = rcu_dereference(sk->sk_reuseport_cb);
	return reuse ? &reuse->synq_overflow_ts : &tcpx_queue(sk)->synq_overflow_ts;
}

/**
 * tcpx_syncookie_overflow() - remember that a cookie was sent
 * @sk: listener
 *
 * Context: RCU. Dirties the memory at most once a second.
 */
void tcpx_syncookie_overflow(const struct sock *sk)
{
	u32 *ts = tcpx_synq_overflow_ts(sk);
	u32 last = READ_ONCE(*ts);
	u32 now = tcpx_jiffies32();

	if (!time_between32(now, last, last + HZ))
		WRITE_ONCE(*ts, now);
}

/**
 * tcpx_syncookie_no_recent_overflow() - can no cookie of ours be out?
 * @sk: listener
 *
 * Return: true if an ACK at the listener is no cookie.
 */
bool tcpx_syncookie_no_recent_overflow(const struct sock *sk)
{
	u32 now = tcpx_jiffies32();
	u32 last = READ_ONCE(*tcpx_synq_overflow_ts(sk));

	return !time_between32(now, last - HZ, last + TCPX_COOKIE_MAX_AGE * TCPX_COOKIE_PERIOD);
}

/* --- an ACK at a listener ------------------------------------------------------ */

/* The request that the cookie stands for; what the SYN said else is forgotten. */
static struct tcpx_request_sock *tcpx_cookie_req(struct sock *lsk, struct sk_buff *skb,
						 const struct tcpx_options_received *opt,
						 u16 mss, u32 ts_off)
{
	struct tcpx_request_sock *req = tcpx_reqsk_alloc(lsk, skb, false);
	const struct tcphdr *th = tcp_hdr(skb);
	struct inet_request_sock *ireq;

	if (!req)
		return NULL;
	ireq = &req->req;
	req->rcv_isn = ntohl(th->seq) - 1;
	req->rcv_nxt = req->rcv_isn + 1;
	req->snt_isn = ntohl(th->ack_seq) - 1;
	req->txhash = req->snt_isn;
	req->ts_off = ts_off;
	req->tos = TCPX_CB(skb)->ip_dsfield;
	ireq->req.mss = mss;
	ireq->req.ts_recent = opt->saw_tstamp ? opt->rcv_tsval : 0;
	ireq->ir_num = ntohs(th->dest);
	ireq->ir_rmt_port = th->source;
	ireq->ir_mark = inet_request_mark(lsk, skb);
	ireq->ir_iif = inet_request_bound_dev_if(lsk, skb);
	ireq->snd_wscale = opt->snd_wscale;
	ireq->wscale_ok = opt->wscale_ok;
	ireq->sack_ok = opt->sack_ok;
	ireq->tstamp_ok = opt->saw_tstamp;
	ireq->ecn_ok = 0;
	ireq->smc_ok = 0;
	ireq->acked = 0;
	ireq->no_srccheck = compat_inet_test(TRANSPARENT, lsk);
	req->af_ops->init_req(req, lsk, skb);
	tcpx_ao_request(req, skb);
	return req;
}

/* The child of a cookie's request, queued; dst is taken over, and so is req. */
static struct sock *tcpx_cookie_sock(struct sock *lsk, struct sk_buff *skb,
				     struct tcpx_request_sock *req, struct dst_entry *dst)
{
	struct sock *child;
	bool own_req;

	child = req->af_ops->syn_recv_sock(lsk, skb, req, dst, &own_req);
	if (!child) {
		tcpx_reqsk_free(req);
		return NULL;
	}
	sock_rps_save_rxhash(child, skb);
	refcount_set(&req->req.req.rsk_refcnt, 1);
	if (tcpx_reqsk_queue_add(lsk, req, child))
		return child;
	tcpx_child_release(child);
	tcpx_reqsk_put(req);
	return NULL;
}

/* tcpx_cookie_check() of an ACK that may be one. Out of line, for the compiler clears its variables
 * first thing, and most of what comes to a listener is a SYN.
 */
static noinline struct sock *tcpx_cookie_ack(struct sock *lsk, struct sk_buff *skb)
{
	struct net *net = sock_net(lsk);
	struct tcpx_options_received opt;
	struct tcpx_request_sock *req;
	struct dst_entry *dst;
	struct flowi fl;
	u32 ts_off = 0;
	u16 mss;

	mss = tcpx_cookie_peer_mss(skb);
	if (!mss) {
		TCPX_NET_INC(net, LINUX_MIB_SYNCOOKIESFAILED);
		return lsk;
	}
	TCPX_NET_INC(net, LINUX_MIB_SYNCOOKIESRECV);

	memset(&opt, 0, sizeof(opt));
	tcpx_parse_options(net, skb, &opt, false);
	if (opt.saw_tstamp && opt.rcv_tsecr) {
		ts_off = tcpx_skb_af_ops(lsk, skb)->init_isn(net, skb).ts_off;
		opt.rcv_tsecr -= ts_off;
	}
	if (!tcpx_cookie_timestamp_decode(net, &opt))
		return lsk;

	req = tcpx_cookie_req(lsk, skb, &opt, mss, ts_off);
	if (!req)
		return NULL;
	if (security_inet_conn_request(lsk, skb, &req->req.req))
		goto free;
	/* The window that the SYN-ACK offered: from the same route, if it still is. */
	dst = req->af_ops->route_req(lsk, req, &fl);
	if (!dst)
		goto free;
	if (opt.saw_tstamp && (opt.rcv_tsecr & TCPX_COOKIE_TS_ECN))
		tcpx_ecn_cookie_request(req, skb, net, dst);
	tcpx_openreq_init_rwin(req, lsk, dst);
	return tcpx_cookie_sock(lsk, skb, req, dst);

free:
	tcpx_reqsk_free(req);
	return NULL;
}

/**
 * tcpx_cookie_check() - is an ACK at a listener that of a cookie?
 * @lsk: listener, not locked
 * @skb: segment, TCPX_CB filled; not consumed
 *
 * Context: softirq, RCU
 * Return: @lsk if it is not; the child, locked and referenced, if it is; NULL if it is
 * and could not be (no memory, no room): drop the segment.
 */
struct sock *tcpx_cookie_check(struct sock *lsk, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	if (!th->ack || th->rst || th->syn ||
	    !READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_syncookies) ||
	    tcpx_syncookie_no_recent_overflow(lsk))
		return lsk;
	return tcpx_cookie_ack(lsk, skb);
}

/**
 * tcpx_cookie_init() - make the secrets
 *
 * Return: 0, or -ERESTARTSYS: interrupted while the kernel had no random numbers yet
 */
int __init tcpx_cookie_init(void)
{
	return get_random_bytes_wait(tcpx_cookie_secret, sizeof(tcpx_cookie_secret));
}
