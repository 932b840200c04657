// SPDX-License-Identifier: GPL-2.0
/*
 * TIME_WAIT, and FIN_WAIT2 of sockets nobody has open any more: a connection's
 * last minute does not need a socket, so a small object takes its place in the
 * connection table and among the owners of its port.
 *
 * Who takes an entry out of the connection table (one can only) ends it: its
 * timer when it expires, an RST, a SYN that starts the next connection, a
 * connect() that takes over its addresses, or the end of its netns. There is one
 * reference for being in the table and one per lookup. Entries hold neither the
 * module nor the netns: both purge them before they go.
 */
#include <linux/slab.h>

#include "tcpx.h"

/* New sequence numbers begin so far beyond those of the old connection. */
#define TCPX_TW_ISN_GAP		(65535 + 2)

static struct kmem_cache *tcpx_tw_slab __ro_after_init;

static struct sock *tcpx_tw_sk(struct tcpx_timewait_sock *tw)
{
	return (struct sock *)tw;
}

static struct net *tcpx_tw_net(const struct tcpx_timewait_sock *tw)
{
	return read_pnet(&tw->__tw_common.skc_net);
}

/* --- end ------------------------------------------------------------------- */

/**
 * tcpx_tw_put() - drop a reference on a TIME_WAIT entry
 * @tw: the entry
 *
 * Context: any.
 */
void tcpx_tw_put(struct tcpx_timewait_sock *tw)
{
	if (!refcount_dec_and_test(&tw->__tw_common.skc_refcnt))
		return;
	tcpx_auth_tw_put(tw);
	kmem_cache_free(tcpx_tw_slab, tw);
}

/* Out of the table and without a timer: give back what else it has. */
static void tcpx_tw_finish(struct tcpx_timewait_sock *tw)
{
	struct tcpx_net *tn = tcpx_pernet(tcpx_tw_net(tw));

	tcpx_bind_tw_del(tw);
	atomic_dec(&tn->tw_count);
	tcpx_active_put();
	tcpx_tw_put(tw);
}

/**
 * tcpx_tw_retire() - end an entry that the caller took out of the table
 * @tw: the entry; the table's reference is dropped
 *
 * Context: process or softirq, no lock of a table held.
 */
void tcpx_tw_retire(struct tcpx_timewait_sock *tw)
{
	timer_delete_sync(&tw->timer);
	tcpx_tw_finish(tw);
}

/**
 * tcpx_tw_deschedule_put() - end an entry now
 * @tw: the entry; the caller's reference is dropped
 *
 * Context: process or softirq, no lock of a table held.
 */
void tcpx_tw_deschedule_put(struct tcpx_timewait_sock *tw)
{
	bool removed;

	tcpx_ehash_remove(tcpx_tw_sk(tw), &removed);
	if (removed)
		tcpx_tw_retire(tw);
	tcpx_tw_put(tw);
}

/* TIME_WAIT (2 MSL, rfc9293#section-3.10.8) or FIN_WAIT2 is over. */
static void tcpx_tw_timer(struct timer_list *t)
{
	struct tcpx_timewait_sock *tw = compat_from_timer(tw, t, timer);
	bool removed;

	tcpx_ehash_remove(tcpx_tw_sk(tw), &removed);
	if (removed)
		tcpx_tw_finish(tw);
}

/* Start the minute anew, unless the entry is being ended. */
static void tcpx_tw_reschedule(struct tcpx_timewait_sock *tw)
{
	mod_timer_pending(&tw->timer, jiffies + TCPX_TIMEWAIT_LEN);
}

/* --- beginning ------------------------------------------------------------- */

/* Lockless readers may still look at the memory's former inhabitant: no memset,
 * and the reference count stays 0 until all else is in place.
 */
static void tcpx_tw_init_common(struct tcpx_timewait_sock *tw, const struct sock *sk)
{
	struct sock_common *c = &tw->__tw_common;

	c->skc_daddr = sk->sk_daddr;
	c->skc_rcv_saddr = sk->sk_rcv_saddr;
	c->skc_dport = sk->sk_dport;
	c->skc_num = sk->sk_num;
	c->skc_family = sk->sk_family;
	c->skc_state = TCP_TIME_WAIT;
	c->skc_reuse = sk->sk_reuse;
	c->skc_reuseport = sk->sk_reuseport;
	c->skc_ipv6only = 0;
	c->skc_net_refcnt = 0;
	c->skc_bound_dev_if = sk->sk_bound_dev_if;
	c->skc_prot = sk->sk_prot;
	write_pnet(&c->skc_net, sock_net(sk));
	atomic64_set(&c->skc_cookie, atomic64_read(&sk->sk_cookie));
#if IS_ENABLED(CONFIG_IPV6)
	c->skc_v6_daddr = sk->sk_v6_daddr;
	c->skc_v6_rcv_saddr = sk->sk_v6_rcv_saddr;
	c->skc_ipv6only = sk->sk_ipv6only;
#endif
}

static void tcpx_tw_init_tcp(struct tcpx_timewait_sock *tw, struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	const struct inet_sock *inet = inet_sk(sk);

	tw->af_ops = tp->af_ops;
	tw->tw_rcv_nxt = tp->rcv_nxt;
	tw->tw_snd_nxt = tp->snd_nxt;
	tw->tw_rcv_wnd = tcpx_receive_window(tp);
	tw->tw_rcv_wscale = tp->rx_opt.rcv_wscale;
	tw->tw_ts_offset = tp->tsoffset;
	tw->tw_ts_recent = tp->rx_opt.ts_recent;
	tw->tw_ts_recent_stamp = tp->rx_opt.ts_recent_stamp;
	tw->tw_entry_stamp = tcpx_clock_ms();
	tw->tw_last_oow_ack_time = 0;
	tcpx_auth_time_wait(tw, sk);
	tw->tw_mark = READ_ONCE(sk->sk_mark);
	tw->tw_priority = READ_ONCE(sk->sk_priority);
	tw->tw_txhash = sk->sk_txhash;
	tw->tw_sport = inet->inet_sport;
	tw->tw_tos = inet->tos;
	tw->tw_flowlabel = 0;
	if (tcpx_sk_is_v6(sk))
		tcpx_v6_tw_init(tw, sk);
	tw->tw_transparent = compat_inet_test(TRANSPARENT, sk);
}

static struct tcpx_timewait_sock *tcpx_tw_alloc(struct sock *sk, int state)
{
	struct net *net = sock_net(sk);
	struct tcpx_net *tn = tcpx_pernet(net);
	struct tcpx_timewait_sock *tw;

	/* As with kernel TCP the limit is soft: CPUs may pass it by a few. */
	if (atomic_read(&tn->tw_count) >= READ_ONCE(net->ipv4.tcp_death_row.sysctl_max_tw_buckets))
		return NULL;
	tw = kmem_cache_alloc(tcpx_tw_slab, GFP_ATOMIC);
	if (!tw)
		return NULL;
	tcpx_tw_init_common(tw, sk);
	tcpx_tw_init_tcp(tw, sk);
	tw->tw_substate = state;
	/* Pinned: with BH off it can't fire before the entry is complete. */
	timer_setup(&tw->timer, tcpx_tw_timer, TIMER_PINNED);
	atomic_inc(&tn->tw_count);
	tcpx_active_hold();
	return tw;
}

/* How long the entry lives. An orphan in FIN_WAIT2 gets time for two
 * retransmissions (1 + 2 + 1/2 RTO) at least.
 */
static unsigned long tcpx_tw_timeout(const struct sock *sk, int state, int timeo)
{
	const int rto = (tcpx_sk(sk)->rto << 2) - (tcpx_sk(sk)->rto >> 1);

	if (state == TCP_TIME_WAIT || !timeo)
		return TCPX_TIMEWAIT_LEN;
	return max(timeo, rto);
}

/**
 * tcpx_time_wait() - a socket's connection goes on without it
 * @sk: the socket; closed by tcpx_done()
 * @state: TCP_TIME_WAIT, or TCP_FIN_WAIT2 for an orphan
 * @timeo: jiffies to stay in FIN_WAIT2, 0 for a minute as in TIME_WAIT
 *
 * Without memory, or beyond net.ipv4.tcp_max_tw_buckets, the connection just
 * ends (TCPTimeWaitOverflow).
 *
 * Context: socket lock, BH off.
 */
void tcpx_time_wait(struct sock *sk, int state, int timeo)
{
	struct tcpx_timewait_sock *tw = tcpx_tw_alloc(sk, state);
	unsigned long len = tcpx_tw_timeout(sk, state, timeo);

	tcpx_update_metrics(sk);
	if (!tw) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPTIMEWAITOVERFLOW);
		tcpx_done(sk);
		return;
	}

	if (len <= 4 * HZ)
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TIMEWAITKILLED);
	else
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TIMEWAITED);

	local_bh_disable();
	tcpx_bind_tw_add(tw, sk);
	mod_timer(&tw->timer, jiffies + len);
	/* All that went before is visible to who gets a reference. */
	smp_wmb();
	refcount_set(&tw->__tw_common.skc_refcnt, 1);
	tcpx_ehash_replace_tw(sk, tw);
	local_bh_enable();

	tcpx_done(sk);
}

/* --- segments that arrive -------------------------------------------------- */

/* Does the segment touch the window [@wnd, @end)? rfc9293#section-3.10.7.4 */
static bool tcpx_tw_in_window(const struct sk_buff *skb, u32 wnd, u32 end)
{
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

	if (seq == wnd)
		return true;
	if (after(end_seq, wnd) && before(seq, end))
		return true;
	return seq == end && seq == end_seq;
}

/* Answer with an ACK, unless one went out just now: two ends that hold each
 * other's segments for wrong would go on for ever.
 */
static enum tcpx_tw_status tcpx_tw_oow_ack(struct tcpx_timewait_sock *tw,
					   const struct sk_buff *skb, int mib_idx)
{
	if (!tcpx_oow_rate_limited(tcpx_tw_net(tw), skb, mib_idx, &tw->tw_last_oow_ack_time))
		return TCPX_TW_ACK;
	tcpx_tw_put(tw);
	return TCPX_TW_SUCCESS;
}

/* Get the segment's timestamp; true if PAWS (rfc7323#section-5) refuses it. */
static bool tcpx_tw_paws(struct tcpx_timewait_sock *tw, const struct sk_buff *skb,
			 const struct tcphdr *th, struct tcpx_options_received *opt)
{
	int stamp = READ_ONCE(tw->tw_ts_recent_stamp);

	opt->saw_tstamp = 0;
	if (th->doff <= sizeof(*th) >> 2 || !stamp)
		return false;
	tcpx_parse_options(tcpx_tw_net(tw), skb, opt, false);
	if (!opt->saw_tstamp)
		return false;
	if (opt->rcv_tsecr)
		opt->rcv_tsecr -= tw->tw_ts_offset;
	opt->ts_recent = READ_ONCE(tw->tw_ts_recent);
	opt->ts_recent_stamp = stamp;
	return tcpx_paws_reject(opt, th->rst);
}

static void tcpx_tw_store_ts(struct tcpx_timewait_sock *tw,
			     const struct tcpx_options_received *opt)
{
	if (!opt->saw_tstamp)
		return;
	WRITE_ONCE(tw->tw_ts_recent, opt->rcv_tsval);
	WRITE_ONCE(tw->tw_ts_recent_stamp, (int)ktime_get_seconds());
}

/* FIN_WAIT2 without a user: nobody can read data, so they get a reset. */
static enum tcpx_tw_status tcpx_tw_fin_wait2(struct tcpx_timewait_sock *tw,
					     const struct sk_buff *skb, const struct tcphdr *th,
					     const struct tcpx_options_received *opt,
					     bool paws_reject)
{
	u32 rcv_nxt = READ_ONCE(tw->tw_rcv_nxt);
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;

	if (paws_reject || !tcpx_tw_in_window(skb, rcv_nxt, rcv_nxt + tw->tw_rcv_wnd))
		return tcpx_tw_oow_ack(tw, skb, LINUX_MIB_TCPACKSKIPPEDFINWAIT2);
	if (th->rst) {
		tcpx_tw_deschedule_put(tw);
		return TCPX_TW_SUCCESS;
	}
	if (th->syn && !before(seq, rcv_nxt))
		return TCPX_TW_RST;

	/* nothing new */
	if (!th->ack || !after(end_seq, rcv_nxt) || end_seq == seq) {
		tcpx_tw_put(tw);
		return TCPX_TW_SUCCESS;
	}
	if (!th->fin || end_seq != rcv_nxt + 1)
		return TCPX_TW_RST;

	/* Its FIN: TIME_WAIT proper, rfc9293#section-3.10.7.4 eighth step. */
	WRITE_ONCE(tw->tw_entry_stamp, tcpx_clock_ms());
	WRITE_ONCE(tw->tw_rcv_nxt, end_seq);
	WRITE_ONCE(tw->tw_substate, TCP_TIME_WAIT);
	tcpx_tw_store_ts(tw, opt);
	tcpx_tw_reschedule(tw);
	return TCPX_TW_ACK;
}

/* Exactly the expected RST or bare ACK. By rfc1337 an RST should not end
 * TIME_WAIT; that is up to net.ipv4.tcp_rfc1337.
 */
static enum tcpx_tw_status tcpx_tw_expected(struct tcpx_timewait_sock *tw,
					    const struct tcphdr *th,
					    const struct tcpx_options_received *opt)
{
	if (th->rst && !READ_ONCE(tcpx_tw_net(tw)->ipv4.sysctl_tcp_rfc1337)) {
		tcpx_tw_deschedule_put(tw);
		return TCPX_TW_SUCCESS;
	}
	if (!th->rst)
		tcpx_tw_reschedule(tw);
	tcpx_tw_store_ts(tw, opt);
	tcpx_tw_put(tw);
	return TCPX_TW_SUCCESS;
}

/* Nonzero, and beyond all that the old connection sent. */
static u32 tcpx_tw_next_isn(const struct tcpx_timewait_sock *tw)
{
	return (tw->tw_snd_nxt + TCPX_TW_ISN_GAP) ?: 1;
}

/* May this segment start the next connection? Its sequence numbers, or its
 * timestamp, must be newer than all of the old one's:
 * rfc9293#section-3.6.1 (MAY-2), rfc6191#section-2.
 */
static bool tcpx_tw_new_syn(const struct tcpx_timewait_sock *tw, const struct sk_buff *skb,
			    const struct tcphdr *th, const struct tcpx_options_received *opt)
{
	if (!th->syn || th->rst || th->ack)
		return false;
	if (after(TCPX_CB(skb)->seq, READ_ONCE(tw->tw_rcv_nxt)))
		return true;
	return opt->saw_tstamp && (s32)(READ_ONCE(tw->tw_ts_recent) - opt->rcv_tsval) < 0;
}

/**
 * tcpx_timewait_state_process() - a segment came for a TIME_WAIT entry
 * @tw: the entry, referenced by the caller
 * @skb: the segment, TCPX_CB filled
 * @th: its header
 *
 * rfc9293#section-3.10.7.4, for FIN_WAIT2 and TIME_WAIT.
 *
 * Context: softirq, RCU.
 * Return: what to do. TCPX_TW_SUCCESS: drop @skb, the caller's reference is gone;
 * otherwise the caller keeps it, to be dropped by tcpx_tw_put() or
 * tcpx_tw_deschedule_put(). With TCPX_TW_SYN, TCPX_CB(skb)->tw_isn is set.
 */
enum tcpx_tw_status tcpx_timewait_state_process(struct tcpx_timewait_sock *tw,
						struct sk_buff *skb, const struct tcphdr *th)
{
	struct tcpx_options_received opt = { };
	bool paws_reject = tcpx_tw_paws(tw, skb, th, &opt);
	u32 seq = TCPX_CB(skb)->seq;

	if (READ_ONCE(tw->tw_substate) == TCP_FIN_WAIT2)
		return tcpx_tw_fin_wait2(tw, skb, th, &opt, paws_reject);

	if (!paws_reject && seq == READ_ONCE(tw->tw_rcv_nxt) &&
	    (seq == TCPX_CB(skb)->end_seq || th->rst))
		return tcpx_tw_expected(tw, th, &opt);

	if (!paws_reject && tcpx_tw_new_syn(tw, skb, th, &opt)) {
		TCPX_CB(skb)->tw_isn = tcpx_tw_next_isn(tw);
		return TCPX_TW_SYN;
	}

	if (paws_reject)
		TCPX_NET_INC(tcpx_tw_net(tw), LINUX_MIB_PAWS_TW_REJECTED);
	if (th->rst) {
		tcpx_tw_put(tw);
		return TCPX_TW_SUCCESS;
	}
	/* The peer has not seen our last ACK: wait another minute. A bare SYN may be
	 * a new connection's with an unlucky number, which shall not have to wait.
	 */
	if (paws_reject || th->ack)
		tcpx_tw_reschedule(tw);
	return tcpx_tw_oow_ack(tw, skb, LINUX_MIB_TCPACKSKIPPEDTIMEWAIT);
}

/* --- reuse by connect() ---------------------------------------------------- */

static bool tcpx_tw_is_loopback(const struct tcpx_timewait_sock *tw)
{
	const struct sock_common *c = &tw->__tw_common;

	if (c->skc_bound_dev_if == LOOPBACK_IFINDEX)
		return true;
#if IS_ENABLED(CONFIG_IPV6)
	if (c->skc_family == AF_INET6 && !ipv6_addr_v4mapped(&c->skc_v6_daddr))
		return ipv6_addr_loopback(&c->skc_v6_daddr) ||
		       ipv6_addr_loopback(&c->skc_v6_rcv_saddr);
#endif
	return ipv4_is_loopback(c->skc_daddr) || ipv4_is_loopback(c->skc_rcv_saddr);
}

/* net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 on loopback only */
static bool tcpx_tw_reuse_allowed(const struct tcpx_timewait_sock *tw)
{
	struct net *net = tcpx_tw_net(tw);
	int reuse = READ_ONCE(net->ipv4.sysctl_tcp_tw_reuse);

	if (READ_ONCE(tw->tw_substate) == TCP_FIN_WAIT2)
		return false;
	if (!reuse || (reuse == 2 && !tcpx_tw_is_loopback(tw)))
		return false;
	return time_after32(tcpx_clock_ms(),
			    READ_ONCE(tw->tw_entry_stamp) + tcpx_sysctl_tw_reuse_delay(net));
}

/**
 * tcpx_twsk_unique() - may a connecting socket take over a TIME_WAIT's addresses?
 * @sk: the connecting socket; if so, it continues the entry's sequence numbers
 *	and timestamps, by which the peer tells new from old (rfc6191)
 * @tw: TIME_WAIT entry of the same 4-tuple
 * @autobind: the port is ours to choose, so others may do; a port that the user
 *	bound is the only one he can get, and PAWS makes it safe
 *
 * Context: the connection table's lock.
 */
bool tcpx_twsk_unique(struct sock *sk, const struct tcpx_timewait_sock *tw, bool autobind)
{
	int stamp = READ_ONCE(tw->tw_ts_recent_stamp);
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!stamp || (autobind && !tcpx_tw_reuse_allowed(tw)))
		return false;
	WRITE_ONCE(tp->write_seq, tcpx_tw_next_isn(tw));
	tp->rx_opt.ts_recent = READ_ONCE(tw->tw_ts_recent);
	tp->rx_opt.ts_recent_stamp = stamp;
	return true;
}

/* --- netns, module --------------------------------------------------------- */

/* One entry of @chain, referenced, or NULL. */
static struct tcpx_timewait_sock *tcpx_tw_first(const struct net *net,
						struct hlist_nulls_head *chain)
{
	struct tcpx_timewait_sock *found = NULL;
	struct hlist_nulls_node *node;
	struct sock *sk;

	rcu_read_lock();
	sk_nulls_for_each_rcu(sk, node, chain) {
		if (sk->sk_state != TCP_TIME_WAIT || !refcount_inc_not_zero(&sk->sk_refcnt))
			continue;
		/* freed and taken by another netns meanwhile? */
		if (likely(net_eq(sock_net(sk), net)))
			found = tcpx_twsk(sk);
		else
			tcpx_tw_put(tcpx_twsk(sk));
		break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * tcpx_timewait_net_purge() - end all TIME_WAIT entries of a netns
 * @tn: the netns; no socket is left in it, nothing arrives
 *
 * Context: process, may sleep.
 */
void tcpx_timewait_net_purge(struct tcpx_net *tn)
{
	struct tcpx_timewait_sock *tw;
	unsigned int i;

	/* The timer of the last one may be at it: look until none is counted. */
	while (atomic_read(&tn->tw_count)) {
		for (i = 0; i <= tn->hinfo->ehash_mask; i++) {
			while ((tw = tcpx_tw_first(tn->net, &tn->hinfo->ehash[i].chain)))
				tcpx_tw_deschedule_put(tw);
			cond_resched();
		}
	}
}

/**
 * tcpx_timewait_init() - make the slab of TIME_WAIT entries
 *
 * Return: 0 or -ENOMEM.
 */
int __init tcpx_timewait_init(void)
{
#if !defined(CONFIG_LOCKDEP) && !defined(CONFIG_DEBUG_OBJECTS_TIMERS)
	/* Thousands of them may exist: no larger than kernel TCP's on 6.1. */
	BUILD_BUG_ON(sizeof(struct tcpx_timewait_sock) > 248);
#endif
	tcpx_tw_slab = kmem_cache_create("tw_sock_TCPX", sizeof(struct tcpx_timewait_sock), 0,
					 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU,
					 NULL);
	return tcpx_tw_slab ? 0 : -ENOMEM;
}

/**
 * tcpx_timewait_exit() - free the slab; all netns were purged
 */
void tcpx_timewait_exit(void)
{
	kmem_cache_destroy(tcpx_tw_slab);
}
