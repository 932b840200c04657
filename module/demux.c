// SPDX-License-Identifier: GPL-2.0
/*
 * Which socket is a segment for: the table of connections (full sockets,
 * request socks and TIME_WAIT entries by their 4-tuple) and the table of
 * listeners (by local address and port), one pair per network namespace.
 *
 * Readers hold rcu_read_lock() and nothing else. Sockets are freed without a
 * grace period (SLAB_TYPESAFE_BY_RCU), so what a reader finds may turn into
 * another socket under its eyes: it takes a reference, then compares again. And
 * it may be carried into another chain: each chain ends in a mark of its own
 * (its address), which tells that; then the search starts over. Listeners alone
 * live on for a grace period (SOCK_RCU_FREE) and are used without a reference.
 */
#include <linux/bitmap.h>
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/rculist_nulls.h>
#include <linux/vmalloc.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/netns/hash.h>
#include <net/sock_reuseport.h>

#include "tcpx.h"

#define TCPX_LHASH_BUCKETS	512
#define TCPX_BHASH_BUCKETS	4096
#define TCPX_PORTS		65536
#define TCPX_EHASH_MIN		4096U
#define TCPX_EHASH_MAX		262144U
#define TCPX_EHASH_LIMIT	BIT(24)		/* of the parameter */
#define TCPX_BYTES_PER_BUCKET	(16 << 10)	/* of the machine's memory */

static unsigned int tcpx_ehash_entries;
module_param_named(ehash_entries, tcpx_ehash_entries, uint, 0444);
MODULE_PARM_DESC(ehash_entries, "buckets of the connection table (default: by memory)");

/* --- making the tables ---------------------------------------------------- */

/* What ends the chain of @head, and no other. */
static unsigned long tcpx_chain_end(const struct hlist_nulls_head *head)
{
	return (unsigned long)head >> 1;
}

static void tcpx_chain_init(struct hlist_nulls_head *head)
{
	INIT_HLIST_NULLS_HEAD(head, tcpx_chain_end(head));
}

static unsigned int tcpx_ehash_size(const struct net *net)
{
	unsigned long n = READ_ONCE(tcpx_ehash_entries);

	if (n) {
		n = clamp_t(unsigned long, n, 1, TCPX_EHASH_LIMIT);
	} else {
		n = totalram_pages() / (TCPX_BYTES_PER_BUCKET / PAGE_SIZE ?: 1);
		n = clamp_t(unsigned long, n, TCPX_EHASH_MIN, TCPX_EHASH_MAX);
		/* Most namespaces are small, and there may be many. */
		if (!net_eq(net, &init_net))
			n = max_t(unsigned long, n / 4, TCPX_EHASH_MIN);
	}
	return roundup_pow_of_two(n);
}

/* Two cache lines of locks per CPU, but never more than buckets. */
static unsigned int tcpx_ehash_nr_locks(unsigned int buckets)
{
	unsigned int n = max_t(unsigned int, 2 * L1_CACHE_BYTES / sizeof(spinlock_t), 1);

	return min_t(unsigned int, roundup_pow_of_two(n * num_possible_cpus()), buckets);
}

static int tcpx_hashinfo_fill(struct tcpx_hashinfo *h, unsigned int buckets)
{
	unsigned int nr_locks = tcpx_ehash_nr_locks(buckets);
	unsigned int i;

	h->ehash = kvmalloc_array(buckets, sizeof(*h->ehash), GFP_KERNEL_ACCOUNT);
	h->ehash_locks = kvmalloc_array(nr_locks, sizeof(*h->ehash_locks), GFP_KERNEL_ACCOUNT);
	h->lhash = kvmalloc_array(TCPX_LHASH_BUCKETS, sizeof(*h->lhash), GFP_KERNEL_ACCOUNT);
	h->bhash = kvmalloc_array(TCPX_BHASH_BUCKETS, sizeof(*h->bhash), GFP_KERNEL_ACCOUNT);
	h->used_ports = bitmap_zalloc(TCPX_PORTS, GFP_KERNEL_ACCOUNT);
	h->bound_ports = bitmap_zalloc(TCPX_PORTS, GFP_KERNEL_ACCOUNT);
	if (!h->ehash || !h->ehash_locks || !h->lhash || !h->bhash || !h->used_ports ||
	    !h->bound_ports)
		return -ENOMEM;

	h->ehash_mask = buckets - 1;
	for (i = 0; i < buckets; i++)
		tcpx_chain_init(&h->ehash[i].chain);
	h->ehash_locks_mask = nr_locks - 1;
	for (i = 0; i < nr_locks; i++)
		spin_lock_init(&h->ehash_locks[i]);
	h->lhash_mask = TCPX_LHASH_BUCKETS - 1;
	for (i = 0; i < TCPX_LHASH_BUCKETS; i++) {
		spin_lock_init(&h->lhash[i].lock);
		tcpx_chain_init(&h->lhash[i].chain);
	}
	h->bhash_mask = TCPX_BHASH_BUCKETS - 1;
	for (i = 0; i < TCPX_BHASH_BUCKETS; i++) {
		spin_lock_init(&h->bhash[i].lock);
		INIT_HLIST_HEAD(&h->bhash[i].chain);
	}
	return 0;
}

static void tcpx_hashinfo_release(struct tcpx_hashinfo *h)
{
	kvfree(h->ehash);
	kvfree(h->ehash_locks);
	kvfree(h->lhash);
	kvfree(h->bhash);
	bitmap_free(h->used_ports);
	bitmap_free(h->bound_ports);
	kfree(h);
}

/**
 * tcpx_hashinfo_alloc() - make a netns's tables and let lookups see them
 * @tn: the netns, without tables so far
 *
 * Context: may sleep; tn->hinfo_mutex.
 * Return: 0 or -ENOMEM.
 */
int tcpx_hashinfo_alloc(struct tcpx_net *tn)
{
	struct tcpx_hashinfo *h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);

	if (!h)
		return -ENOMEM;
	if (tcpx_hashinfo_fill(h, tcpx_ehash_size(tn->net))) {
		tcpx_hashinfo_release(h);
		return -ENOMEM;
	}
	/* Pairs with the dependency of READ_ONCE(tn->hinfo) in readers. */
	smp_store_release(&tn->hinfo, h);
	return 0;
}

/**
 * tcpx_hashinfo_free() - free a netns's tables
 * @tn: the netns; nothing is in them, and a grace period has passed since
 */
void tcpx_hashinfo_free(struct tcpx_net *tn)
{
	if (!tn->hinfo)
		return;
	tcpx_hashinfo_release(tn->hinfo);
	tn->hinfo = NULL;
}

static struct tcpx_hashinfo *tcpx_sk_hashinfo(const struct sock *sk)
{
	return READ_ONCE(tcpx_pernet(sock_net(sk))->hinfo);
}

/* --- keys ------------------------------------------------------------------ */

/**
 * tcpx_v4_ehashfn() - hash of a connection over IPv4
 * @net: netns
 * @laddr: local address
 * @lport: local port, host order
 * @faddr: foreign address
 * @fport: foreign port
 */
u32 tcpx_v4_ehashfn(const struct net *net, __be32 laddr, u16 lport, __be32 faddr, __be16 fport)
{
	return jhash_3words((__force u32)laddr, (__force u32)faddr,
			    (u32)lport << 16 | (__force u32)fport,
			    tcpx_secret() + net_hash_mix(net));
}

#if IS_ENABLED(CONFIG_IPV6)
/* The foreign address is the peer's choice: all of it counts. */
static u32 tcpx_v6_ehashfn(const struct net *net, const struct in6_addr *laddr, u16 lport,
			   const struct in6_addr *faddr, __be16 fport)
{
	u32 hash = jhash2((__force const u32 *)faddr->s6_addr32, 4,
			  tcpx_secret() + net_hash_mix(net));

	return jhash_3words((__force u32)(laddr->s6_addr32[0] ^ laddr->s6_addr32[1] ^
					  laddr->s6_addr32[2]),
			    (__force u32)laddr->s6_addr32[3],
			    (u32)lport << 16 | (__force u32)fport, hash);
}
#endif

/* Does the entry, of any kind, have IPv6 addresses on the wire? */
static bool tcpx_sk_has_v6(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	return sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr);
#else
	return false;
#endif
}

/* Of any kind of entry: they share struct sock_common. */
static u32 tcpx_sk_ehashfn(const struct sock *sk, u16 lport)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (tcpx_sk_has_v6(sk))
		return tcpx_v6_ehashfn(sock_net(sk), &sk->sk_v6_rcv_saddr, lport,
				       &sk->sk_v6_daddr, sk->sk_dport);
#endif
	return tcpx_v4_ehashfn(sock_net(sk), sk->sk_rcv_saddr, lport,
			       sk->sk_daddr, sk->sk_dport);
}

/**
 * tcpx_hashinfo_chain() - the chains of both tables by number, for who reads all
 * @h: tables
 * @bucket: those of listeners come first, from 0 on
 * @chain: result
 * @lock: result: the chain's lock, to be taken with BH off
 *
 * Return: false if there is no such chain.
 */
bool tcpx_hashinfo_chain(const struct tcpx_hashinfo *h, unsigned int bucket,
			 struct hlist_nulls_head **chain, spinlock_t **lock)
{
	if (bucket <= h->lhash_mask) {
		*chain = &h->lhash[bucket].chain;
		*lock = &h->lhash[bucket].lock;
		return true;
	}
	bucket -= h->lhash_mask + 1;
	if (bucket > h->ehash_mask)
		return false;
	*chain = &h->ehash[bucket].chain;
	*lock = &h->ehash_locks[bucket & h->ehash_locks_mask];
	return true;
}

static struct hlist_nulls_head *tcpx_ehash_chain(struct tcpx_hashinfo *h, u32 hash)
{
	return &h->ehash[hash & h->ehash_mask].chain;
}

static spinlock_t *tcpx_ehash_lock(struct tcpx_hashinfo *h, u32 hash)
{
	return &h->ehash_locks[hash & h->ehash_locks_mask];
}

static struct tcpx_lhash_bucket *tcpx_lhash_bucket(struct tcpx_hashinfo *h, u32 hash)
{
	return &h->lhash[hash & h->lhash_mask];
}

/* The unspecified address of IPv6 and those mapped from IPv4 have the hash that they
 * have in IPv4: there a segment of IPv4 looks for a dual-stack listener.
 */
static struct tcpx_lhash_bucket *tcpx_lhash_bucket_sk(const struct sock *sk)
{
	struct tcpx_hashinfo *h = tcpx_sk_hashinfo(sk);

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return tcpx_lhash_bucket(h, ipv6_portaddr_hash(sock_net(sk), &sk->sk_v6_rcv_saddr,
							       sk->sk_num));
#endif
	return tcpx_lhash_bucket(h, ipv4_portaddr_hash(sock_net(sk), sk->sk_rcv_saddr,
						       sk->sk_num));
}

/* What of a segment tells whose it is. */
struct tcpx_seg {
	struct sk_buff			*skb;	/* NULL: none, or nobody needs it */
	int				doff;
	union {
		__be32			saddr;
		const struct in6_addr	*saddr6;
	};
	union {
		__be32			daddr;
		const struct in6_addr	*daddr6;
	};
	__be16				sport;
	u16				hnum;
	int				dif;
	int				sdif;
};

/* What differs by IP version: constants, called directly in a copy for each version. */
struct tcpx_lookup_ops {
	u32	(*hash)(struct net *net, const struct tcpx_seg *seg);
	bool	(*match)(struct net *net, const struct sock *sk, const struct tcpx_seg *seg);
	int	(*score)(struct net *net, const struct sock *sk, const struct tcpx_seg *seg,
			 bool wild);
};

static __always_inline u32 tcpx_v4_seg_hash(struct net *net, const struct tcpx_seg *seg)
{
	return tcpx_v4_ehashfn(net, seg->daddr, seg->hnum, seg->saddr, seg->sport);
}

/* Is @sk the connection that @seg is of? */
static __always_inline bool tcpx_v4_match(struct net *net, const struct sock *sk,
					  const struct tcpx_seg *seg)
{
	return sk->sk_dport == seg->sport && sk->sk_num == seg->hnum &&
	       sk->sk_daddr == seg->saddr && sk->sk_rcv_saddr == seg->daddr &&
	       net_eq(sock_net(sk), net) &&
	       inet_sk_bound_dev_eq(net, READ_ONCE(sk->sk_bound_dev_if), seg->dif, seg->sdif);
}

/* How well does listener @sk fit, by its address or, @wild, by having none? -1: not at all. */
static __always_inline int tcpx_v4_score(struct net *net, const struct sock *sk,
					 const struct tcpx_seg *seg, bool wild)
{
	int bound = READ_ONCE(sk->sk_bound_dev_if);

	if (sk->sk_num != seg->hnum ||
	    sk->sk_rcv_saddr != (wild ? htonl(INADDR_ANY) : seg->daddr) ||
	    !net_eq(sock_net(sk), net) || ipv6_only_sock(sk) ||
	    !inet_sk_bound_dev_eq(net, bound, seg->dif, seg->sdif))
		return -1;
	return 1 + !!bound + (sk->sk_family == PF_INET) +
	       (READ_ONCE(sk->sk_incoming_cpu) == raw_smp_processor_id());
}

static const struct tcpx_lookup_ops tcpx_v4_lookup = {
	.hash	= tcpx_v4_seg_hash,
	.match	= tcpx_v4_match,
	.score	= tcpx_v4_score,
};

#if IS_ENABLED(CONFIG_IPV6)
static __always_inline u32 tcpx_v6_seg_hash(struct net *net, const struct tcpx_seg *seg)
{
	return tcpx_v6_ehashfn(net, seg->daddr6, seg->hnum, seg->saddr6, seg->sport);
}

static __always_inline bool tcpx_v6_match(struct net *net, const struct sock *sk,
					  const struct tcpx_seg *seg)
{
	return sk->sk_dport == seg->sport && sk->sk_num == seg->hnum &&
	       sk->sk_family == AF_INET6 && ipv6_addr_equal(&sk->sk_v6_daddr, seg->saddr6) &&
	       ipv6_addr_equal(&sk->sk_v6_rcv_saddr, seg->daddr6) &&
	       net_eq(sock_net(sk), net) &&
	       inet_sk_bound_dev_eq(net, READ_ONCE(sk->sk_bound_dev_if), seg->dif, seg->sdif);
}

static __always_inline int tcpx_v6_score(struct net *net, const struct sock *sk,
					 const struct tcpx_seg *seg, bool wild)
{
	int bound = READ_ONCE(sk->sk_bound_dev_if);

	if (sk->sk_num != seg->hnum || sk->sk_family != AF_INET6 ||
	    !ipv6_addr_equal(&sk->sk_v6_rcv_saddr, wild ? &in6addr_any : seg->daddr6) ||
	    !net_eq(sock_net(sk), net) ||
	    !inet_sk_bound_dev_eq(net, bound, seg->dif, seg->sdif))
		return -1;
	return 1 + !!bound + (READ_ONCE(sk->sk_incoming_cpu) == raw_smp_processor_id());
}

static const struct tcpx_lookup_ops tcpx_v6_lookup = {
	.hash	= tcpx_v6_seg_hash,
	.match	= tcpx_v6_match,
	.score	= tcpx_v6_score,
};
#endif

/* Is @sk2 the connection that @sk is, or would be with @lport? */
static bool tcpx_sk_match(const struct sock *sk, const struct sock *sk2, u16 lport,
			  int dif, int sdif)
{
	struct tcpx_seg seg = {
		.saddr = sk->sk_daddr, .sport = sk->sk_dport,
		.daddr = sk->sk_rcv_saddr, .hnum = lport, .dif = dif, .sdif = sdif,
	};

#if IS_ENABLED(CONFIG_IPV6)
	if (tcpx_sk_has_v6(sk)) {
		seg.saddr6 = &sk->sk_v6_daddr;
		seg.daddr6 = &sk->sk_v6_rcv_saddr;
		return tcpx_v6_match(sock_net(sk), sk2, &seg);
	}
#endif
	return tcpx_v4_match(sock_net(sk), sk2, &seg);
}

/* --- lookup ---------------------------------------------------------------- */

static __always_inline struct sock *tcpx_lookup_ehash(struct net *net,
						      struct tcpx_hashinfo *h,
						      const struct tcpx_seg *seg,
						      const struct tcpx_lookup_ops *ops)
{
	u32 hash = ops->hash(net, seg);
	struct hlist_nulls_head *chain = tcpx_ehash_chain(h, hash);
	struct hlist_nulls_node *node;
	struct sock *sk;

begin:
	sk_nulls_for_each_rcu(sk, node, chain) {
		if (sk->sk_hash != hash || !ops->match(net, sk, seg))
			continue;
		if (unlikely(!refcount_inc_not_zero(&sk->sk_refcnt)))
			return NULL;
		if (likely(!hlist_nulls_unhashed_lockless(&sk->sk_nulls_node) &&
			   ops->match(net, sk, seg)))
			return sk;
		tcpx_sock_gen_put(sk);
		goto begin;
	}
	if (unlikely(get_nulls_value(node) != tcpx_chain_end(chain)))
		goto begin;
	return NULL;
}

/* The best listener of those bound to exactly the segment's address, or, @wild, to any. In a
 * SO_REUSEPORT group its program or the hash chooses.
 */
static __always_inline struct sock *tcpx_lookup_lhash(struct net *net,
						      struct tcpx_lhash_bucket *bucket,
						      const struct tcpx_seg *seg, bool wild,
						      const struct tcpx_lookup_ops *ops)
{
	struct hlist_nulls_node *node;
	struct sock *sk, *best;
	int score, high;

begin:
	best = NULL;
	high = 0;
	sk_nulls_for_each_rcu(sk, node, &bucket->chain) {
		score = ops->score(net, sk, seg, wild);
		if (score <= high)
			continue;
		if (sk->sk_reuseport) {
			best = reuseport_select_sock(sk, ops->hash(net, seg), seg->skb, seg->doff);
			if (best)
				return best;
		}
		best = sk;
		high = score;
	}
	if (unlikely(get_nulls_value(node) != tcpx_chain_end(&bucket->chain)))
		goto begin;
	return best;
}

/**
 * tcpx_v4_lookup_established() - find the entry of a connection
 * @net: netns
 * @h: its tables
 * @saddr: source address of the segment
 * @sport: source port
 * @daddr: destination address
 * @hnum: destination port, host order
 * @dif: device it came in by
 * @sdif: slave device, if @dif is a VRF
 *
 * Context: rcu_read_lock.
 * Return: a referenced full socket, request sock or TIME_WAIT entry (sk_state
 * tells which), to be dropped by tcpx_sock_gen_put(); or NULL.
 */
struct sock *tcpx_v4_lookup_established(struct net *net, struct tcpx_hashinfo *h,
					__be32 saddr, __be16 sport,
					__be32 daddr, u16 hnum, int dif, int sdif)
{
	const struct tcpx_seg seg = {
		.saddr = saddr, .sport = sport,
		.daddr = daddr, .hnum = hnum, .dif = dif, .sdif = sdif,
	};

	return tcpx_lookup_ehash(net, h, &seg, &tcpx_v4_lookup);
}

/**
 * tcpx_v4_lookup_listener() - find the listener for a segment
 * @net: netns
 * @h: its tables
 * @skb: the segment, for BPF selection in a SO_REUSEPORT group; may be NULL
 * @doff: length of its TCP header, bytes
 * @saddr: source address
 * @sport: source port
 * @daddr: destination address
 * @hnum: destination port, host order
 * @dif: device it came in by
 * @sdif: slave device, if @dif is a VRF
 *
 * One bound to @daddr goes before one bound to any address; then a bound device,
 * then the CPU of SO_INCOMING_CPU decide.
 *
 * Context: rcu_read_lock.
 * Return: a listener without a reference, valid until rcu_read_unlock(); or NULL.
 */
struct sock *tcpx_v4_lookup_listener(struct net *net, struct tcpx_hashinfo *h,
				     struct sk_buff *skb, int doff,
				     __be32 saddr, __be16 sport,
				     __be32 daddr, u16 hnum, int dif, int sdif)
{
	const struct tcpx_seg seg = {
		.skb = skb, .doff = doff, .saddr = saddr, .sport = sport,
		.daddr = daddr, .hnum = hnum, .dif = dif, .sdif = sdif,
	};
	struct tcpx_lhash_bucket *bucket;
	struct sock *sk;

	bucket = tcpx_lhash_bucket(h, ipv4_portaddr_hash(net, daddr, hnum));
	sk = tcpx_lookup_lhash(net, bucket, &seg, false, &tcpx_v4_lookup);
	if (sk)
		return sk;
	bucket = tcpx_lhash_bucket(h, ipv4_portaddr_hash(net, htonl(INADDR_ANY), hnum));
	return tcpx_lookup_lhash(net, bucket, &seg, true, &tcpx_v4_lookup);
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * tcpx_v6_lookup_established() - find the entry of a connection over IPv6
 * @net: netns
 * @h: its tables
 * @saddr: source address of the segment
 * @sport: source port
 * @daddr: destination address
 * @hnum: destination port, host order
 * @dif: device it came in by
 * @sdif: slave device, if @dif is a VRF
 *
 * Context and return: as tcpx_v4_lookup_established().
 */
struct sock *tcpx_v6_lookup_established(struct net *net, struct tcpx_hashinfo *h,
					const struct in6_addr *saddr, __be16 sport,
					const struct in6_addr *daddr, u16 hnum, int dif, int sdif)
{
	const struct tcpx_seg seg = {
		.saddr6 = saddr, .sport = sport,
		.daddr6 = daddr, .hnum = hnum, .dif = dif, .sdif = sdif,
	};

	return tcpx_lookup_ehash(net, h, &seg, &tcpx_v6_lookup);
}

/**
 * tcpx_v6_lookup_listener() - find the listener for a segment over IPv6
 * @net: netns
 * @h: its tables
 * @skb: the segment, for BPF selection in a SO_REUSEPORT group; may be NULL
 * @doff: length of its TCP header, bytes
 * @saddr: source address
 * @sport: source port
 * @daddr: destination address
 * @hnum: destination port, host order
 * @dif: device it came in by
 * @sdif: slave device, if @dif is a VRF
 *
 * Context and return: as tcpx_v4_lookup_listener().
 */
struct sock *tcpx_v6_lookup_listener(struct net *net, struct tcpx_hashinfo *h,
				     struct sk_buff *skb, int doff,
				     const struct in6_addr *saddr, __be16 sport,
				     const struct in6_addr *daddr, u16 hnum, int dif, int sdif)
{
	const struct tcpx_seg seg = {
		.skb = skb, .doff = doff, .saddr6 = saddr, .sport = sport,
		.daddr6 = daddr, .hnum = hnum, .dif = dif, .sdif = sdif,
	};
	struct tcpx_lhash_bucket *bucket;
	struct sock *sk;

	bucket = tcpx_lhash_bucket(h, ipv6_portaddr_hash(net, daddr, hnum));
	sk = tcpx_lookup_lhash(net, bucket, &seg, false, &tcpx_v6_lookup);
	if (sk)
		return sk;
	bucket = tcpx_lhash_bucket(h, ipv6_portaddr_hash(net, &in6addr_any, hnum));
	return tcpx_lookup_lhash(net, bucket, &seg, true, &tcpx_v6_lookup);
}
#endif /* CONFIG_IPV6 */

/**
 * tcpx_sock_gen_put() - drop a reference on what a lookup returned
 * @sk: full socket, request sock or TIME_WAIT entry
 *
 * Context: any.
 */
void tcpx_sock_gen_put(struct sock *sk)
{
	if (sk->sk_state == TCP_TIME_WAIT)
		tcpx_tw_put(tcpx_twsk(sk));
	else if (sk->sk_state == TCP_NEW_SYN_RECV)
		tcpx_reqsk_put(tcpx_rsk(inet_reqsk(sk)));
	else
		sock_put(sk);
}

/* Full sockets in the tables, for /proc/net/protocols. */
static void tcpx_inuse(const struct sock *sk, int n)
{
	if (sk_fullsock(sk))
		sock_prot_inuse_add(sock_net(sk), sk->sk_prot, n);
}

/* --- connections in and out ------------------------------------------------ */

/* Is there already an entry of @sk's connection in @chain? Its lock is held. */
static bool tcpx_ehash_has_twin(const struct sock *sk, struct hlist_nulls_head *chain)
{
	int dif = sk->sk_bound_dev_if;
	struct hlist_nulls_node *node;
	struct sock *sk2;

	sk_nulls_for_each(sk2, node, chain) {
		if (sk2->sk_hash == sk->sk_hash &&
		    tcpx_sk_match(sk, sk2, sk->sk_num, dif, dif))
			return true;
	}
	return false;
}

/**
 * tcpx_ehash_insert() - put an entry into the connection table
 * @sk: full socket or request sock with complete addresses, not hashed
 * @osk: entry of the same connection to take its place, or NULL; its reference
 *	for being hashed goes to the caller
 * @found: if not NULL (and @osk is): fail if the connection has an entry,
 *	and tell by *@found
 *
 * Context: BH off; takes the chain's lock.
 * Return: true if @sk went in. With @osk, false means it was no longer there.
 */
bool tcpx_ehash_insert(struct sock *sk, struct sock *osk, bool *found)
{
	u32 hash = tcpx_sk_ehashfn(sk, sk->sk_num);
	struct tcpx_hashinfo *h = tcpx_sk_hashinfo(sk);
	struct hlist_nulls_head *chain = tcpx_ehash_chain(h, hash);
	spinlock_t *lock = tcpx_ehash_lock(h, hash);
	bool ok = true;

	sk->sk_hash = hash;
	spin_lock(lock);
	if (osk) {
		ok = sk_hashed(osk);
		if (ok)
			hlist_nulls_replace_init_rcu(&osk->sk_nulls_node, &sk->sk_nulls_node);
	} else {
		if (found) {
			*found = tcpx_ehash_has_twin(sk, chain);
			ok = !*found;
		}
		if (ok)
			__sk_nulls_add_node_rcu(sk, chain);
	}
	if (ok)
		tcpx_inuse(sk, 1);
	spin_unlock(lock);
	return ok;
}

/**
 * tcpx_ehash_remove() - take an entry out of the connection table
 * @sk: full socket, request sock or TIME_WAIT entry
 * @removed: told whether it was in; who gets true owns the reference that
 *	request socks and TIME_WAIT entries have for being hashed. May be NULL
 *
 * Context: any; takes the chain's lock.
 */
void tcpx_ehash_remove(struct sock *sk, bool *removed)
{
	spinlock_t *lock = tcpx_ehash_lock(tcpx_sk_hashinfo(sk), sk->sk_hash);
	bool was_in;

	spin_lock_bh(lock);
	was_in = __sk_nulls_del_node_init_rcu(sk);
	if (was_in)
		tcpx_inuse(sk, -1);
	spin_unlock_bh(lock);
	if (removed)
		*removed = was_in;
}

/**
 * tcpx_ehash_replace_tw() - put a TIME_WAIT entry into its socket's place
 * @sk: full socket
 * @tw: made from it, complete and referenced: segments find it from now on
 *
 * Context: socket lock, BH off.
 */
void tcpx_ehash_replace_tw(struct sock *sk, struct tcpx_timewait_sock *tw)
{
	struct tcpx_hashinfo *h = tcpx_sk_hashinfo(sk);
	spinlock_t *lock = tcpx_ehash_lock(h, sk->sk_hash);
	struct sock *twsk = (struct sock *)tw;

	twsk->sk_hash = sk->sk_hash;
	spin_lock(lock);
	if (likely(sk_hashed(sk))) {
		hlist_nulls_replace_init_rcu(&sk->sk_nulls_node, &twsk->sk_nulls_node);
		tcpx_inuse(sk, -1);
	} else {
		__sk_nulls_add_node_rcu(twsk, tcpx_ehash_chain(h, sk->sk_hash));
	}
	spin_unlock(lock);
}

/* Whether @sk, as yet without a port, may use @lport: 0, or -EADDRNOTAVAIL if the
 * connection exists. *@twp: a TIME_WAIT in its place that may be taken over. The
 * chain's lock is held.
 */
static int tcpx_check_chain(struct sock *sk, u16 lport, u32 hash, bool autobind,
			    struct hlist_nulls_head *chain,
			    struct tcpx_timewait_sock **twp)
{
	int dif = sk->sk_bound_dev_if;
	int sdif = l3mdev_master_ifindex_by_index(sock_net(sk), dif);
	struct hlist_nulls_node *node;
	struct sock *sk2;

	*twp = NULL;
	sk_nulls_for_each(sk2, node, chain) {
		if (sk2->sk_hash != hash || !tcpx_sk_match(sk, sk2, lport, dif, sdif))
			continue;
		if (sk2->sk_state != TCP_TIME_WAIT ||
		    !tcpx_twsk_unique(sk, tcpx_twsk(sk2), autobind))
			return -EADDRNOTAVAIL;
		*twp = tcpx_twsk(sk2);
		break;
	}
	return 0;
}

/**
 * tcpx_check_established() - let a connecting socket into the connection table
 * @sk: with both addresses and the foreign port, not hashed
 * @lport: local port to use, host order
 * @twp: where to hand over a TIME_WAIT entry that @sk replaced, see
 *	tcpx_tw_retire(), or NULL if the user chose the port
 *
 * Context: socket lock, BH off; the bucket's lock of @lport if the port is chosen.
 * Return: 0 and @sk has the port and is hashed, or -EADDRNOTAVAIL.
 */
int tcpx_check_established(struct sock *sk, u16 lport, struct tcpx_timewait_sock **twp)
{
	u32 hash = tcpx_sk_ehashfn(sk, lport);
	struct tcpx_hashinfo *h = tcpx_sk_hashinfo(sk);
	struct hlist_nulls_head *chain = tcpx_ehash_chain(h, hash);
	spinlock_t *lock = tcpx_ehash_lock(h, hash);
	struct tcpx_timewait_sock *tw;
	int err;

	spin_lock(lock);
	err = tcpx_check_chain(sk, lport, hash, twp, chain, &tw);
	if (err)
		goto out;
	/* Complete before lookups can see it. */
	inet_sk(sk)->inet_num = lport;
	inet_sk(sk)->inet_sport = htons(lport);
	sk->sk_hash = hash;
	if (tw)
		hlist_nulls_replace_init_rcu(&tw->__tw_common.skc_nulls_node, &sk->sk_nulls_node);
	else
		__sk_nulls_add_node_rcu(sk, chain);
	tcpx_inuse(sk, 1);
out:
	spin_unlock(lock);
	if (err)
		return err;

	if (tw)
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TIMEWAITRECYCLED);
	if (twp)
		*twp = tw;
	else if (tw)
		tcpx_tw_retire(tw);
	return 0;
}

/* --- listeners in and out, proto.hash and proto.unhash --------------------- */

static bool tcpx_rcv_saddr_any(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return ipv6_addr_any(&sk->sk_v6_rcv_saddr);
#endif
	return !sk->sk_rcv_saddr;
}

/* Are two sockets of one family bound to the same address? */
static bool tcpx_rcv_saddr_same(const struct sock *sk, const struct sock *sk2)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &sk2->sk_v6_rcv_saddr);
#endif
	return sk->sk_rcv_saddr == sk2->sk_rcv_saddr;
}

/* Another listener of @sk's SO_REUSEPORT group: of the same address, device and user. The
 * bucket's lock is held.
 */
static struct sock *tcpx_reuseport_other(const struct sock *sk, struct tcpx_lhash_bucket *bucket)
{
	struct hlist_nulls_node *node;
	struct sock *sk2;

	sk_nulls_for_each(sk2, node, &bucket->chain) {
		if (sk2 != sk && sk2->sk_reuseport &&
		    sk2->sk_family == sk->sk_family &&
		    ipv6_only_sock(sk2) == ipv6_only_sock(sk) &&
		    sk2->sk_bound_dev_if == sk->sk_bound_dev_if &&
		    tcpx_rcv_saddr_same(sk, sk2) &&
		    tcpx_sk(sk2)->bind_hash == tcpx_sk(sk)->bind_hash &&
		    uid_eq(compat_sk_uid(sk2), compat_sk_uid(sk)))
			return sk2;
	}
	return NULL;
}

/* @sk joins its group, or founds it. The bucket's lock is held. */
static int tcpx_reuseport_join(struct sock *sk, struct tcpx_lhash_bucket *bucket)
{
	struct sock *sk2 = tcpx_reuseport_other(sk, bucket);
	bool any = tcpx_rcv_saddr_any(sk);

	return sk2 ? reuseport_add_sock(sk, sk2, any) : reuseport_alloc(sk, any);
}

static int tcpx_hash_listener(struct sock *sk)
{
	struct tcpx_lhash_bucket *bucket = tcpx_lhash_bucket_sk(sk);
	int err = 0;

	spin_lock(&bucket->lock);
	if (sk->sk_reuseport)
		err = tcpx_reuseport_join(sk, bucket);
	if (!err) {
		sock_set_flag(sk, SOCK_RCU_FREE);
		__sk_nulls_add_node_rcu(sk, &bucket->chain);
		tcpx_inuse(sk, 1);
	}
	spin_unlock(&bucket->lock);
	return err;
}

/**
 * tcpx_hash() - let segments find a socket (proto.hash)
 * @sk: in LISTEN, or a connection with complete addresses
 *
 * Context: socket lock, process context for a listener.
 * Return: 0, or -errno of the SO_REUSEPORT group.
 */
int tcpx_hash(struct sock *sk)
{
	if (sk->sk_state == TCP_CLOSE)
		return 0;
	if (sk->sk_state == TCP_LISTEN)
		return tcpx_hash_listener(sk);
	local_bh_disable();
	tcpx_ehash_insert(sk, NULL, NULL);
	local_bh_enable();
	return 0;
}

static void tcpx_unhash_listener(struct sock *sk)
{
	struct tcpx_lhash_bucket *bucket = tcpx_lhash_bucket_sk(sk);

	spin_lock(&bucket->lock);
	if (sk_hashed(sk)) {
		if (sk->sk_reuseport &&
		    READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_migrate_req)) {
			struct sock *heir = tcpx_reuseport_other(sk, bucket);

			if (heir)
				sock_hold(heir);
			WRITE_ONCE(tcpx_queue(sk)->heir, heir);
		}
		if (rcu_access_pointer(sk->sk_reuseport_cb))
			reuseport_stop_listen_sock(sk);
		__sk_nulls_del_node_init_rcu(sk);
		tcpx_inuse(sk, -1);
	}
	spin_unlock(&bucket->lock);
}

/**
 * tcpx_unhash() - no segment shall find a socket any more (proto.unhash)
 * @sk: the socket, its state still that in which it was hashed
 *
 * Context: any for a connection, process context for a listener.
 */
void tcpx_unhash(struct sock *sk)
{
	if (sk_unhashed(sk))
		return;
	if (sk->sk_state == TCP_LISTEN)
		tcpx_unhash_listener(sk);
	else
		tcpx_ehash_remove(sk, NULL);
}
