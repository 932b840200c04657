// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: what connections have learnt of their way to a peer, kept for the next (rfc9040):
 * round-trip time, end of slow start, reordering, and what Fast Open knows. As kernel
 * TCP's "ip tcp_metrics", shown by /proc/net/tcpx_metrics.
 *
 * One table for all network namespaces, so that its size has one bound. What is learnt are
 * hints: readers and writers of one entry take no lock, and may see the values of two
 * connections mixed. Only entries that come and go, and Fast Open's part, have a lock.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/tcp_metrics.h>
#include <net/netns/hash.h>

#include "tcpx.h"

#define TCPX_METRICS_BITS	13
#define TCPX_METRICS_BUCKETS	BIT(TCPX_METRICS_BITS)

/* Entries of a bucket; for one more the oldest goes. */
#define TCPX_METRICS_DEPTH	6

/* After that the route is asked again. */
#define TCPX_METRICS_TIMEOUT	(60 * 60 * HZ)

/* What is kept, by the kernel's numbers; and what a route may say of each. */
static const u8 tcpx_metrics_rtax[] = {
	[TCP_METRIC_RTT]	= RTAX_RTT,
	[TCP_METRIC_RTTVAR]	= RTAX_RTTVAR,
	[TCP_METRIC_SSTHRESH]	= RTAX_SSTHRESH,
	[TCP_METRIC_CWND]	= RTAX_CWND,
	[TCP_METRIC_REORDERING]	= RTAX_REORDERING,
};

/**
 * struct tcpx_metrics_key - from where to where; IPv4's addresses mapped
 * @saddr: ours
 * @daddr: the peer's
 */
struct tcpx_metrics_key {
	struct in6_addr	saddr;
	struct in6_addr	daddr;
} __aligned(sizeof(u64));

/**
 * struct tcpx_metrics - what is known of a peer
 * @node: in its bucket; read under RCU
 * @rcu: frees it
 * @net: netns, which removes its entries before it goes
 * @key: addresses
 * @stamp: jiffies when something was last learnt, or the route asked
 * @val: by enum tcp_metric_index; RTT in us << 3, RTTVAR in us << 2; lockless
 * @cookie: of Fast Open, rfc7413#section-4.1.3; len 0: none
 * @mss: the peer's MSS option, 0: not known
 * @try_exp: 1: it did not answer to Fast Open's own number: try the experimental one;
 *	2: nor to that
 *
 * @cookie, @mss and @try_exp are changed under tcpx_metrics_lock.
 */
struct tcpx_metrics {
	struct hlist_node		node;
	struct rcu_head			rcu;
	const struct net		*net;
	struct tcpx_metrics_key		key;
	unsigned long			stamp;
	u32				val[ARRAY_SIZE(tcpx_metrics_rtax)];
	struct tcp_fastopen_cookie	cookie;
	u16				mss;
	u8				try_exp;
};

static struct hlist_head *tcpx_metrics_table __ro_after_init;

/* Writers of the chains and of what Fast Open has; its readers. */
static DEFINE_SEQLOCK(tcpx_metrics_lock);

/* --- entries ------------------------------------------------------------------- */

static void tcpx_metrics_key(const struct sock *sk, struct tcpx_metrics_key *key)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		key->saddr = sk->sk_v6_rcv_saddr;
		key->daddr = sk->sk_v6_daddr;
		return;
	}
#endif
	ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, &key->saddr);
	ipv6_addr_set_v4mapped(sk->sk_daddr, &key->daddr);
}

static void tcpx_metrics_key_of_request(const struct inet_request_sock *ireq,
					struct tcpx_metrics_key *key)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ireq->req.rsk_ops->family == AF_INET6) {
		key->saddr = ireq->ir_v6_loc_addr;
		key->daddr = ireq->ir_v6_rmt_addr;
		return;
	}
#endif
	ipv6_addr_set_v4mapped(ireq->ir_loc_addr, &key->saddr);
	ipv6_addr_set_v4mapped(ireq->ir_rmt_addr, &key->daddr);
}

/* Cheap, for this is done four times in a connection's life: chains are bounded, whoever
 * chooses the addresses. Those of IPv4 differ in the last words.
 */
static struct hlist_head *tcpx_metrics_bucket(const struct net *net,
					      const struct tcpx_metrics_key *key)
{
	const u64 *d = (const u64 *)&key->daddr, *s = (const u64 *)&key->saddr;
	u64 sum = d[0] ^ d[1] ^ rol64(s[0] ^ s[1], 7) ^ tcpx_secret() ^ net_hash_mix(net);

	return &tcpx_metrics_table[hash_64(sum, TCPX_METRICS_BITS)];
}

/* RCU, or the lock. */
static struct tcpx_metrics *tcpx_metrics_find(struct hlist_head *bucket, const struct net *net,
					      const struct tcpx_metrics_key *key)
{
	struct tcpx_metrics *tm;

	hlist_for_each_entry_rcu(tm, bucket, node, true) {
		if (tm->net == net && ipv6_addr_equal(&tm->key.daddr, &key->daddr) &&
		    ipv6_addr_equal(&tm->key.saddr, &key->saddr))
			return tm;
	}
	return NULL;
}

/* What the route says; RTTs in the unit of @val. */
static u32 tcpx_metrics_of_route(const struct dst_entry *dst, enum tcp_metric_index i)
{
	u32 val = dst_metric_raw(dst, tcpx_metrics_rtax[i]);

	return i == TCP_METRIC_RTT || i == TCP_METRIC_RTTVAR ? val * USEC_PER_MSEC : val;
}

static void tcpx_metrics_begin(struct tcpx_metrics *tm, const struct dst_entry *dst)
{
	int i;

	WRITE_ONCE(tm->stamp, jiffies);
	for (i = 0; i < ARRAY_SIZE(tm->val); i++)
		WRITE_ONCE(tm->val[i], tcpx_metrics_of_route(dst, i));
}

static void tcpx_metrics_forget(struct tcpx_metrics *tm)
{
	hlist_del_rcu(&tm->node);
	kfree_rcu(tm, rcu);
}

/* Room for one more in a bucket. Lock held. */
static void tcpx_metrics_evict(struct hlist_head *bucket)
{
	struct tcpx_metrics *tm, *oldest = NULL;
	int n = 0;

	hlist_for_each_entry(tm, bucket, node) {
		if (!oldest || time_before(READ_ONCE(tm->stamp), READ_ONCE(oldest->stamp)))
			oldest = tm;
		n++;
	}
	if (n >= TCPX_METRICS_DEPTH)
		tcpx_metrics_forget(oldest);
}

/* Somebody else may have been faster: then it is theirs. */
static struct tcpx_metrics *tcpx_metrics_new(struct hlist_head *bucket, const struct net *net,
					     const struct tcpx_metrics_key *key,
					     const struct dst_entry *dst)
{
	struct tcpx_metrics *old, *tm = kzalloc(sizeof(*tm), GFP_ATOMIC | __GFP_NOWARN);

	if (!tm)
		return NULL;
	tm->net = net;
	tm->key = *key;
	tcpx_metrics_begin(tm, dst);

	write_seqlock_bh(&tcpx_metrics_lock);
	old = tcpx_metrics_find(bucket, net, key);
	if (!old) {
		tcpx_metrics_evict(bucket);
		hlist_add_head_rcu(&tm->node, bucket);
	}
	write_sequnlock_bh(&tcpx_metrics_lock);
	if (!old)
		return tm;
	kfree(tm);
	return old;
}

/* As tcpx_metrics_find(), but not what is too old. */
static struct tcpx_metrics *tcpx_metrics_fresh(struct hlist_head *bucket, const struct net *net,
					       const struct tcpx_metrics_key *key,
					       const struct dst_entry *dst)
{
	struct tcpx_metrics *tm = tcpx_metrics_find(bucket, net, key);

	if (tm && time_after(jiffies, READ_ONCE(tm->stamp) + TCPX_METRICS_TIMEOUT))
		tcpx_metrics_begin(tm, dst);
	return tm;
}

/* What is known of a socket's peer, or NULL. RCU. */
static struct tcpx_metrics *tcpx_metrics_get(const struct sock *sk, const struct dst_entry *dst,
					     bool create)
{
	const struct net *net = sock_net(sk);
	struct tcpx_metrics_key key;
	struct hlist_head *bucket;
	struct tcpx_metrics *tm;

	if (!dst)
		return NULL;
	tcpx_metrics_key(sk, &key);
	bucket = tcpx_metrics_bucket(net, &key);
	tm = tcpx_metrics_fresh(bucket, net, &key, dst);
	if (!tm && create)
		tm = tcpx_metrics_new(bucket, net, &key, dst);
	return tm;
}

/* --- learning ------------------------------------------------------------------ */

/**
 * struct tcpx_lesson - what an end of a connection writes to
 * @tm: its peer
 * @dst: its route, which may have the last word
 */
struct tcpx_lesson {
	struct tcpx_metrics	*tm;
	const struct dst_entry	*dst;
};

static u32 tcpx_known(const struct tcpx_lesson *l, enum tcp_metric_index i)
{
	return READ_ONCE(l->tm->val[i]);
}

static void tcpx_learn(const struct tcpx_lesson *l, enum tcp_metric_index i, u32 val)
{
	if (!dst_metric_locked(l->dst, tcpx_metrics_rtax[i]))
		WRITE_ONCE(l->tm->val[i], val);
}

/* Better too long than too short: a longer one is taken at once, a shorter slowly. */
static void tcpx_learn_rtt(const struct tcpx_lesson *l, const struct tcpx_sock *tp)
{
	u32 rtt = tcpx_known(l, TCP_METRIC_RTT), var = tcpx_known(l, TCP_METRIC_RTTVAR);
	s32 less = rtt - tp->cc.srtt_us;
	u32 dev = max_t(u32, abs(less) >> 1, tp->mdev_us);

	tcpx_learn(l, TCP_METRIC_RTT, less <= 0 ? tp->cc.srtt_us : rtt - (less >> 3));
	tcpx_learn(l, TCP_METRIC_RTTVAR, dev >= var ? dev : var - ((var - dev) >> 2));
}

/* How far the window went, and how much of that is to be believed. */
static void tcpx_learn_window(const struct tcpx_lesson *l, const struct tcpx_sock *tp,
			      const struct net *net)
{
	u32 cwnd = tp->cc.snd_cwnd, ssthresh = tp->cc.snd_ssthresh;
	u32 old_cwnd = tcpx_known(l, TCP_METRIC_CWND);
	u32 old_ssthresh = tcpx_known(l, TCP_METRIC_SSTHRESH);
	u32 new_ssthresh = old_ssthresh;

	if (ssthresh >= TCP_INFINITE_SSTHRESH) {
		/* Slow start did not come to its end: at least that far. */
		if (old_ssthresh)
			new_ssthresh = max(old_ssthresh, cwnd >> 1);
		tcpx_learn(l, TCP_METRIC_CWND, max(cwnd, old_cwnd));
	} else if (cwnd >= ssthresh && tp->ca_state == TCP_CA_Open) {
		/* Congestion avoidance, undisturbed: the window fits the path. */
		new_ssthresh = max(cwnd >> 1, ssthresh);
		tcpx_learn(l, TCP_METRIC_CWND, (old_cwnd + cwnd) >> 1);
	} else {
		/* On the way back after a loss: the window says nothing. */
		if (old_ssthresh)
			new_ssthresh = max(old_ssthresh, ssthresh);
		tcpx_learn(l, TCP_METRIC_CWND, (old_cwnd + ssthresh) >> 1);
		if (tp->reordering > tcpx_known(l, TCP_METRIC_REORDERING) &&
		    tp->reordering != READ_ONCE(net->ipv4.sysctl_tcp_reordering))
			tcpx_learn(l, TCP_METRIC_REORDERING, tp->reordering);
	}
	if (!READ_ONCE(net->ipv4.sysctl_tcp_no_ssthresh_metrics_save))
		tcpx_learn(l, TCP_METRIC_SSTHRESH, new_ssthresh);
}

/**
 * tcpx_update_metrics() - a connection has come to its proper end
 * @sk: socket, locked, on its way to TIME_WAIT or out of LAST_ACK
 *
 * Does nothing if net.ipv4.tcp_no_metrics_save says so.
 */
void tcpx_update_metrics(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_lesson l = { .dst = __sk_dst_get(sk) };
	bool measured = tp->cc.srtt_us && !tp->backoff;

	sk_dst_confirm(sk);
	if (READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_nometrics_save))
		return;
	rcu_read_lock();
	l.tm = tcpx_metrics_get(sk, l.dst, measured);
	if (l.tm && !measured) {
		/* Nothing came back in time: what was known holds no longer. */
		tcpx_learn(&l, TCP_METRIC_RTT, 0);
	} else if (l.tm) {
		tcpx_learn_rtt(&l, tp);
		tcpx_learn_window(&l, tp, sock_net(sk));
		WRITE_ONCE(l.tm->stamp, jiffies);
	}
	rcu_read_unlock();
}

/* --- use ----------------------------------------------------------------------- */

/* The first data's RTO. The SYN was small and says less of their RTT than what is known,
 * if that is longer.
 */
static void tcpx_init_rto(struct sock *sk, u32 known_us)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (known_us > tp->cc.srtt_us) {
		u32 rtt = known_us / (8 * USEC_PER_SEC / HZ);

		tp->rto = rtt + max(2 * rtt, tcpx_rto_min(sk));
	} else if (!tp->cc.srtt_us) {
		/* No RTT yet: the SYN was lost, so be careful (rfc6298#section-5.7). */
		tp->rttvar_us = jiffies_to_usecs(TCPX_TIMEOUT_FALLBACK);
		tp->mdev_us = tp->rttvar_us;
		tp->mdev_max_us = tp->rttvar_us;
		tp->rto = TCPX_TIMEOUT_FALLBACK;
	}
}

/* A metric: the route's, if it is locked there or nothing is known of the peer. */
static u32 tcpx_metric(const struct tcpx_metrics *tm, const struct dst_entry *dst,
		       enum tcp_metric_index i)
{
	if (tm && !dst_metric_locked(dst, tcpx_metrics_rtax[i]))
		return READ_ONCE(tm->val[i]);
	return dst ? tcpx_metrics_of_route(dst, i) : 0;
}

/**
 * tcpx_init_metrics() - a connection begins with what is known of its path
 * @sk: socket, locked, its handshake just done
 */
void tcpx_init_metrics(struct sock *sk)
{
	const struct dst_entry *dst = __sk_dst_get(sk);
	const struct tcpx_metrics *tm;
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 ssthresh = 0, reordering;

	sk_dst_confirm(sk);
	rcu_read_lock();
	tm = tcpx_metrics_get(sk, dst, false);
	/* A clamp is for the admin to set; what was learnt is not to be begun with. */
	if (dst && dst_metric_locked(dst, RTAX_CWND))
		tp->cc.snd_cwnd_clamp = max(dst_metric_raw(dst, RTAX_CWND), 1U);
	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_no_ssthresh_metrics_save))
		ssthresh = tcpx_metric(tm, dst, TCP_METRIC_SSTHRESH);
	/* A lost SYN says nothing of it. */
	tp->cc.snd_ssthresh = ssthresh ? min(ssthresh, tp->cc.snd_cwnd_clamp) :
					 TCP_INFINITE_SSTHRESH;
	reordering = tcpx_metric(tm, dst, TCP_METRIC_REORDERING);
	if (reordering)
		tp->reordering = reordering;
	tcpx_init_rto(sk, tcpx_metric(tm, dst, TCP_METRIC_RTT));
	rcu_read_unlock();
}

/**
 * tcpx_metrics_proven() - was there a connection with the peer of a SYN before?
 * @req: its request
 * @dst: route to it
 *
 * One that came to its proper end: who only pretends to have that address is not known.
 *
 * Context: RCU
 * Return: true if an RTT is known.
 */
bool tcpx_metrics_proven(const struct tcpx_request_sock *req, const struct dst_entry *dst)
{
	const struct net *net = read_pnet(&req->req.ireq_net);
	const struct tcpx_metrics *tm;
	struct tcpx_metrics_key key;

	tcpx_metrics_key_of_request(&req->req, &key);
	tm = tcpx_metrics_fresh(tcpx_metrics_bucket(net, &key), net, &key, dst);
	return tm && READ_ONCE(tm->val[TCP_METRIC_RTT]);
}

/* --- Fast Open's part ------------------------------------------------------------ */

/**
 * tcpx_metrics_get_fastopen() - what may a SYN to this peer carry?
 * @sk: socket
 * @mss: the peer's MSS, left alone if it is not known
 * @cookie: the peer's; len 0, but perhaps exp, if there is none
 */
void tcpx_metrics_get_fastopen(struct sock *sk, u16 *mss, struct tcp_fastopen_cookie *cookie)
{
	static const struct tcpx_metrics nobody;
	const struct tcpx_metrics *tm;
	unsigned int seq;

	rcu_read_lock();
	tm = tcpx_metrics_get(sk, __sk_dst_get(sk), false) ? : &nobody;
	do {
		seq = read_seqbegin(&tcpx_metrics_lock);
		if (tm->mss)
			*mss = tm->mss;
		*cookie = tm->cookie;
		if (cookie->len <= 0 && tm->try_exp == 1)
			cookie->exp = true;
	} while (read_seqretry(&tcpx_metrics_lock, seq));
	rcu_read_unlock();
}

/**
 * tcpx_metrics_set_fastopen() - what a SYN-ACK told
 * @sk: socket
 * @mss: the peer's MSS option, 0: none
 * @cookie: len 0 or less: none, then
 * @try_exp: says what to try next
 */
void tcpx_metrics_set_fastopen(struct sock *sk, u16 mss,
			       const struct tcp_fastopen_cookie *cookie, u8 try_exp)
{
	struct tcpx_metrics *tm;

	rcu_read_lock();
	tm = tcpx_metrics_get(sk, __sk_dst_get(sk), true);
	if (tm) {
		write_seqlock_bh(&tcpx_metrics_lock);
		if (mss)
			tm->mss = mss;
		if (cookie->len > 0)
			tm->cookie = *cookie;
		else if (try_exp > tm->try_exp && tm->cookie.len <= 0 && !tm->cookie.exp)
			tm->try_exp = try_exp;
		write_sequnlock_bh(&tcpx_metrics_lock);
	}
	rcu_read_unlock();
}

/* --- for a person to look at ------------------------------------------------------- */

static void tcpx_metrics_show_addr(struct seq_file *seq, const struct in6_addr *addr)
{
	if (ipv6_addr_v4mapped(addr))
		seq_printf(seq, "%pI4", &addr->s6_addr32[3]);
	else
		seq_printf(seq, "%pI6c", addr);
}

static void tcpx_metrics_show(struct seq_file *seq, const struct tcpx_metrics *tm)
{
	static const struct {
		u8		metric;
		u8		shift;
		const char	*format;
	} column[] = {
		{ TCP_METRIC_SSTHRESH,	 0, " ssthresh %u" },
		{ TCP_METRIC_CWND,	 0, " cwnd %u" },
		{ TCP_METRIC_REORDERING, 0, " reordering %u" },
		{ TCP_METRIC_RTT,	 3, " rtt %uus" },
		{ TCP_METRIC_RTTVAR,	 2, " rttvar %uus" },
	};
	u32 val, age = jiffies_to_msecs(jiffies - READ_ONCE(tm->stamp));
	/* data_race: of the past or the present, both are right */
	u16 mss = data_race(tm->mss);
	int i;

	tcpx_metrics_show_addr(seq, &tm->key.daddr);
	seq_printf(seq, " age %u.%03usec", age / 1000, age % 1000);
	for (i = 0; i < ARRAY_SIZE(column); i++) {
		val = READ_ONCE(tm->val[column[i].metric]) >> column[i].shift;
		if (val)
			seq_printf(seq, column[i].format, val);
	}
	if (mss)
		seq_printf(seq, " fo_mss %u", mss);
	seq_puts(seq, " source ");
	tcpx_metrics_show_addr(seq, &tm->key.saddr);
	seq_putc(seq, '\n');
}

/**
 * tcpx_metrics_seq_show() - /proc/net/tcpx_metrics: the lines of "ip tcp_metrics"
 * @seq: the file of a netns
 * @v: not used
 *
 * Return: 0
 */
int tcpx_metrics_seq_show(struct seq_file *seq, void *v)
{
	const struct net *net = seq_file_single_net(seq);
	const struct tcpx_metrics *tm;
	int i;

	for (i = 0; i < TCPX_METRICS_BUCKETS; i++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(tm, &tcpx_metrics_table[i], node) {
			if (tm->net == net)
				tcpx_metrics_show(seq, tm);
		}
		rcu_read_unlock();
	}
	return 0;
}

/* --- load, unload, namespaces -------------------------------------------------------- */

/**
 * tcpx_metrics_flush() - forget all that a netns has learnt
 * @net: netns
 */
void tcpx_metrics_flush(const struct net *net)
{
	struct tcpx_metrics *tm;
	struct hlist_node *tmp;
	int i;

	for (i = 0; i < TCPX_METRICS_BUCKETS; i++) {
		if (hlist_empty(&tcpx_metrics_table[i]))
			continue;
		write_seqlock_bh(&tcpx_metrics_lock);
		hlist_for_each_entry_safe(tm, tmp, &tcpx_metrics_table[i], node) {
			if (tm->net == net)
				tcpx_metrics_forget(tm);
		}
		write_sequnlock_bh(&tcpx_metrics_lock);
	}
}

/**
 * tcpx_metrics_write() - write to /proc/net/tcpx_metrics: "flush" is "ip tcp_metrics flush all"
 * @file: the file of a netns
 * @buf: what is written, ends with 0
 * @len: bytes of it
 *
 * Return: 0 or -errno
 */
int tcpx_metrics_write(struct file *file, char *buf, size_t len)
{
	struct net *net = seq_file_single_net(file->private_data);

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	if (strcmp(strim(buf), "flush"))
		return -EINVAL;
	tcpx_metrics_flush(net);
	return 0;
}

/**
 * tcpx_metrics_init() - make the table
 *
 * Return: 0 or -ENOMEM
 */
int __init tcpx_metrics_init(void)
{
	tcpx_metrics_table = kvcalloc(TCPX_METRICS_BUCKETS, sizeof(*tcpx_metrics_table),
				      GFP_KERNEL);
	return tcpx_metrics_table ? 0 : -ENOMEM;
}

/**
 * tcpx_metrics_exit() - give it back
 *
 * Context: the entries went with their namespaces.
 */
void tcpx_metrics_exit(void)
{
	kvfree(tcpx_metrics_table);
}
