// SPDX-License-Identifier: GPL-2.0
/*
 * Choosing a local port: whether a socket may join those that have one, and how
 * connect() and bind() to port 0 find one. The buckets themselves and what
 * keeps kernel TCP away are in bhash.c.
 */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/secure_seq.h>
#include <net/sock_reuseport.h>

#include "tcpx.h"
#include "bhash.h"

/* Per destination, where connect() goes on looking: rfc6056#section-3.3.4. As
 * large as kernel TCP's: a small table lets one destination see the
 * connections to others.
 */
#define TCPX_PERTURB_SIZE	BIT(16)
/* So many ports are looked at for one that is already reserved, before connect()
 * pays for a new reservation.
 */
#define TCPX_RESERVED_LOOKAHEAD	8
/* So many ports may turn out to be kernel TCP's before we ask it for a free one. */
#define TCPX_RSV_MISSES		16

static u32 *tcpx_perturb __ro_after_init;

/**
 * struct tcpx_port_search - looking for a port for a socket
 * @sk: the socket
 * @tn: its netns
 * @l3mdev: VRF whose ports it may have, 0: those outside
 * @take: let @sk into a bucket (locked): 0, -EADDRINUSE to look further, other
 *	errors to give up
 * @spare: the next bucket, with its reservation, if there is one already
 * @tw: TIME_WAIT entry that @sk has replaced in the connection table
 * @steps: ports passed over
 * @misses: reservations that may fail before the search stops with -EUSERS; 0: any
 *	number
 * @explicit: the user named the port
 * @relax: among sockets with SO_REUSEADDR, a port may be shared
 * @unbound: pass over ports that bind() gave out, without a closer look
 */
struct tcpx_port_search {
	struct sock			*sk;
	struct tcpx_net			*tn;
	int				l3mdev;
	int				(*take)(struct tcpx_port_search *s,
						struct tcpx_bind_bucket *tb);
	struct tcpx_bind_bucket		*spare;
	struct tcpx_timewait_sock	*tw;
	u32				steps;
	u32				misses;
	bool				explicit;
	bool				relax;
	bool				unbound;
};

/* --- trying one port ------------------------------------------------------- */

static struct tcpx_bind_bucket *tcpx_spare_take(struct tcpx_port_search *s)
{
	struct tcpx_bind_bucket *tb = s->spare;

	s->spare = NULL;
	return tb;
}

/* s->spare reserves a port: take that with it, or with the bucket that had a reservation that
 * proved nothing any more. The port's mutex is held.
 */
static int tcpx_port_open(struct tcpx_port_search *s, struct tcpx_bind_hashbucket *head)
{
	struct tcpx_bind_bucket *fresh = tcpx_spare_take(s), *tb;
	int err;

	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, fresh->port, fresh->l3mdev);
	if (tb) {
		tcpx_bucket_unrelax(tb);
	} else {
		tb = fresh;
		tcpx_bucket_insert(head, tb);
	}
	err = s->take(s, tb);
	if (tb == fresh && !err)
		fresh = NULL;
	else if (tb == fresh)
		tcpx_bucket_remove(head, tb);
	else if (err)
		tcpx_bucket_settle(tb);
	spin_unlock_bh(&head->lock);

	if (fresh)
		tcpx_bucket_free(fresh);
	return err;
}

/* Reserve @port and take it; the port's mutex is held, and its bucket does not
 * exist or is @relaxed.
 */
static int tcpx_port_reserve(struct tcpx_port_search *s, struct tcpx_bind_hashbucket *head,
			     unsigned short port, bool relaxed)
{
	bool reuse = relaxed || (s->explicit && s->sk->sk_reuse);
	int err = tcpx_bucket_reserve(s->sk, s->l3mdev, &s->spare, port, reuse);

	if (!err)
		return tcpx_port_open(s, head);
	if (err == -EADDRINUSE && s->misses && !--s->misses)
		return -EUSERS;
	return err;
}

/* Let the socket into the bucket of @port if there is a sound one. -ENOENT if
 * not; *@relaxed then tells which. Most ports have none, which a glance without the lock
 * can see; under the port's mutex it is sure.
 */
static int tcpx_port_join(struct tcpx_port_search *s, struct tcpx_bind_hashbucket *head,
			  unsigned short port, bool *relaxed)
{
	struct tcpx_bind_bucket *tb;
	int err = -ENOENT;

	*relaxed = false;
	if (!test_bit(port, tcpx_used_ports(s->tn)))
		return -ENOENT;
	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, port, s->l3mdev);
	*relaxed = tb && tb->relaxed;
	if (tb && !tb->relaxed)
		err = s->take(s, tb);
	spin_unlock_bh(&head->lock);
	return err;
}

/* Try @port; with @existing, only if it is reserved already. 0, -EADDRINUSE, or
 * an error that ends the search.
 */
static int tcpx_port_try(struct tcpx_port_search *s, unsigned short port, bool existing)
{
	struct tcpx_bind_hashbucket *head = tcpx_bind_head(s->tn, port);
	bool relaxed;
	int err;

	err = tcpx_port_join(s, head, port, &relaxed);
	if (err != -ENOENT)
		return err;
	if (existing || (relaxed && !s->explicit))
		return -EADDRINUSE;

	mutex_lock(tcpx_port_mutex_of(port));
	/* Somebody else may just have made it. */
	err = tcpx_port_join(s, head, port, &relaxed);
	if (err == -ENOENT)
		err = tcpx_port_reserve(s, head, port, relaxed);
	mutex_unlock(tcpx_port_mutex_of(port));
	return err;
}

/* Try the ports of one parity among the @n from @low on, beginning with the
 * one at @offset, at most @limit of them.
 */
static int tcpx_port_walk(struct tcpx_port_search *s, int low, u32 n, u32 offset,
			  u32 limit, bool existing)
{
	const unsigned long *bound = tcpx_bound_ports(s->tn);
	const unsigned long *used = tcpx_used_ports(s->tn);
	struct net *net = s->tn->net;
	u32 port;
	u32 i;
	int err;

	for (i = 0; i < n && i < 2 * limit; i += 2) {
		port = low + (offset + i) % n;
		if (existing && !test_bit(port, used))
			continue;
		if (s->unbound && test_bit(port, bound))
			continue;
		if (inet_is_local_reserved_port(net, port))
			continue;
		err = tcpx_port_try(s, port, existing);
		if (err != -EADDRINUSE) {
			s->steps = i;
			return err;
		}
		cond_resched();
	}
	return -EADDRINUSE;
}

/* Take the port that kernel TCP holds for free. Where it has most of a range, this
 * is faster than to try one after the other.
 */
static int tcpx_port_ask_kernel(struct tcpx_port_search *s)
{
	int low, high, err;
	unsigned short port;

	err = tcpx_bucket_reserve(s->sk, s->l3mdev, &s->spare, 0, false);
	if (err)
		return err;
	port = s->spare->port;
	/* The socket may have a range of its own. */
	inet_sk_get_local_port_range(s->sk, &low, &high);
	if (port < low || port > high) {
		tcpx_bucket_free(tcpx_spare_take(s));
		return -EADDRINUSE;
	}
	mutex_lock(tcpx_port_mutex_of(port));
	err = tcpx_port_open(s, tcpx_bind_head(s->tn, port));
	mutex_unlock(tcpx_port_mutex_of(port));
	return err;
}

static void tcpx_port_search_init(struct tcpx_port_search *s, struct sock *sk,
				  int (*take)(struct tcpx_port_search *s,
					      struct tcpx_bind_bucket *tb))
{
	const struct tcpx_bind_bucket *tb = tcpx_sk(sk)->bind_hash;

	*s = (struct tcpx_port_search) {
		.sk = sk,
		.tn = tcpx_pernet(sock_net(sk)),
		/* What bind() found holds, if another device or sysctl has come since. */
		.l3mdev = tb ? tb->l3mdev : inet_sk_bound_l3mdev(sk),
		.take = take,
	};
}

static void tcpx_port_search_end(struct tcpx_port_search *s)
{
	if (s->spare)
		tcpx_bucket_free(s->spare);
	if (s->tw)
		tcpx_tw_retire(s->tw);
}

/* --- bind() ---------------------------------------------------------------- */

/* May a segment over IPv4 be for the socket? Only the unspecified address of IPv6, and
 * those mapped from IPv4, mean some of IPv4's (inet6_bind() sets sk_ipv6only else).
 */
static bool tcpx_takes_v4(const struct sock *sk)
{
	return !tcpx_sk_is_v6(sk) || !ipv6_only_sock(sk);
}

static bool tcpx_v4_addrs_overlap(const struct sock *sk, const struct sock *sk2)
{
	if (!tcpx_takes_v4(sk) || !tcpx_takes_v4(sk2))
		return false;
	return !sk->sk_rcv_saddr || !sk2->sk_rcv_saddr || sk->sk_rcv_saddr == sk2->sk_rcv_saddr;
}

#if IS_ENABLED(CONFIG_IPV6)
static bool tcpx_takes_v6(const struct sock *sk)
{
	return tcpx_sk_is_v6(sk) && !ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr);
}

static bool tcpx_v6_addrs_overlap(const struct sock *sk, const struct sock *sk2)
{
	if (!tcpx_takes_v6(sk) || !tcpx_takes_v6(sk2))
		return false;
	return ipv6_addr_any(&sk->sk_v6_rcv_saddr) || ipv6_addr_any(&sk2->sk_v6_rcv_saddr) ||
	       ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &sk2->sk_v6_rcv_saddr);
}
#else
static bool tcpx_v6_addrs_overlap(const struct sock *sk, const struct sock *sk2)
{
	return false;
}
#endif

/* Is there an address at which both would take a segment? */
static bool tcpx_addrs_overlap(const struct sock *sk, const struct sock *sk2)
{
	return tcpx_v4_addrs_overlap(sk, sk2) || tcpx_v6_addrs_overlap(sk, sk2);
}

/* A VRF has ports of its own, unless listeners outside hear it (tcp_l3mdev_accept). */
static bool tcpx_devs_overlap(const struct sock *sk, const struct sock *sk2)
{
	int dev2 = READ_ONCE(sk2->sk_bound_dev_if);

	if (sk->sk_bound_dev_if == dev2)
		return true;
	return (!sk->sk_bound_dev_if || !dev2) &&
	       inet_sk_bound_l3mdev(sk) == inet_sk_bound_l3mdev(sk2);
}

/* May @sk be in a SO_REUSEPORT group with @sk2? @fresh: it is in none yet, or
 * its own has members that stopped listening.
 */
static bool tcpx_same_reuseport(const struct sock *sk, const struct sock *sk2, bool fresh)
{
	return sk->sk_reuseport && sk2->sk_reuseport && fresh &&
	       (sk2->sk_state == TCP_TIME_WAIT ||
		uid_eq(compat_sk_uid(sk), compat_sk_uid(sk2)));
}

/* Do two sockets of overlapping addresses exclude each other? */
static bool tcpx_owners_exclude(const struct tcpx_port_search *s, const struct sock *sk2,
				bool fresh)
{
	const struct sock *sk = s->sk;
	bool group = tcpx_same_reuseport(sk, sk2, fresh);

	/* A port that we choose is not shared with a SO_REUSEPORT group: the user
	 * did not ask for that one.
	 */
	if (sk->sk_reuse && sk2->sk_reuse && sk2->sk_state != TCP_LISTEN)
		return !s->relax || (!s->explicit && group);
	return !s->explicit || !group;
}

static bool tcpx_reuseport_fresh(const struct sock *sk)
{
	struct sock_reuseport *group;
	bool fresh;

	rcu_read_lock();
	group = rcu_dereference(sk->sk_reuseport_cb);
	fresh = !group || READ_ONCE(group->num_closed_socks);
	rcu_read_unlock();
	return fresh;
}

static bool tcpx_bind_conflict(const struct tcpx_port_search *s,
			       const struct tcpx_bind_bucket *tb)
{
	bool fresh = tcpx_reuseport_fresh(s->sk);
	struct sock *sk2;

	sk_for_each_bound(sk2, &tb->owners) {
		if (sk2 != s->sk && tcpx_devs_overlap(s->sk, sk2) &&
		    tcpx_addrs_overlap(s->sk, sk2) && tcpx_owners_exclude(s, sk2, fresh))
			return true;
	}
	return false;
}

static bool tcpx_fastreuseport_match(const struct tcpx_bind_bucket *tb, const struct sock *sk)
{
	return tb->fastreuseport > 0 && sk->sk_reuseport &&
	       !rcu_access_pointer(sk->sk_reuseport_cb) &&
	       uid_eq(tb->fastuid, compat_sk_uid(sk));
}

/* Does what the bucket remembers of its owners say that there is no conflict? */
static bool tcpx_bind_fast(const struct tcpx_port_search *s, const struct tcpx_bind_bucket *tb)
{
	const struct sock *sk = s->sk;

	if (hlist_empty(&tb->owners))
		return true;
	if (!s->explicit)
		return false;
	if (sk->sk_reuse == SK_FORCE_REUSE)
		return true;
	if (tb->fastreuse > 0 && sk->sk_reuse && sk->sk_state != TCP_LISTEN)
		return true;
	return tcpx_fastreuseport_match(tb, sk);
}

static void tcpx_update_fastreuse(struct tcpx_bind_bucket *tb, const struct sock *sk)
{
	bool reuse = sk->sk_reuse && sk->sk_state != TCP_LISTEN;

	if (hlist_empty(&tb->owners)) {
		tb->fastreuse = reuse;
		tb->fastreuseport = sk->sk_reuseport;
		tb->fastuid = compat_sk_uid(sk);
		return;
	}
	if (!reuse)
		tb->fastreuse = 0;
	if (!tcpx_fastreuseport_match(tb, sk))
		tb->fastreuseport = 0;
}

static int tcpx_bind_take(struct tcpx_port_search *s, struct tcpx_bind_bucket *tb)
{
	if (!tcpx_bind_fast(s, tb) && tcpx_bind_conflict(s, tb))
		return -EADDRINUSE;
	tcpx_update_fastreuse(tb, s->sk);
	tb->active = false;
	/* listen() asks again for a port the socket has */
	if (!tcpx_sk(s->sk)->bind_hash) {
		inet_sk(s->sk)->inet_num = tb->port;
		tcpx_bucket_add(tb, s->sk);
		set_bit(tb->port, tcpx_bound_ports(s->tn));
	}
	return 0;
}

/* Any port of [@low, @high), odd ones first: connect() likes the even ones. */
static int tcpx_bind_range(struct tcpx_port_search *s, int low, int high)
{
	u32 n = high - low;
	u32 offset;
	int err;

	if (n > 1)
		n &= ~1U;
	offset = reciprocal_scale(get_random_u32(), n) | 1;
	err = tcpx_port_walk(s, low, n, offset, n, false);
	if (err == -EADDRINUSE)
		err = tcpx_port_walk(s, low, n, offset - 1, n, false);
	return err;
}

static int tcpx_bind_scan(struct tcpx_port_search *s)
{
	int low, high, half, err;

	inet_sk_get_local_port_range(s->sk, &low, &high);
	high++;
	if (s->sk->sk_reuse != SK_CAN_REUSE || high - low < 4)
		return tcpx_bind_range(s, low, high);

	/* SO_REUSEADDR sockets keep to the lower half while they can. */
	half = low + (((high - low) >> 2) << 1);
	err = tcpx_bind_range(s, low, half);
	if (err == -EADDRINUSE)
		err = tcpx_bind_range(s, half, high);
	return err;
}

/* A port that nobody has; else one that can be shared, like those bound to another
 * address or device; else, with net.ipv4.ip_autobind_reuse, among SO_REUSEADDR
 * sockets.
 */
static int tcpx_bind_any(struct tcpx_port_search *s)
{
	int err;

	s->unbound = true;
	s->misses = TCPX_RSV_MISSES;
	err = tcpx_bind_scan(s);
	if (err == -EUSERS)
		err = tcpx_port_ask_kernel(s);

	s->unbound = false;
	s->misses = 0;
	if (err == -EADDRINUSE)
		err = tcpx_bind_scan(s);
	if (err == -EADDRINUSE && READ_ONCE(s->tn->net->ipv4.sysctl_ip_autobind_reuse)) {
		s->relax = true;
		err = tcpx_bind_scan(s);
	}
	return err;
}

/**
 * tcpx_get_port() - bind a socket to a local port (proto.get_port)
 * @sk: the socket, local address set; in listen() it has the port already
 * @snum: the port, or 0 for any
 *
 * Context: socket lock; may sleep.
 * Return: 0, -EADDRINUSE, -ENOMEM; -EOPNOTSUPP for bpf_bind(), which can't sleep.
 */
int tcpx_get_port(struct sock *sk, unsigned short snum)
{
	struct tcpx_port_search s;
	int err;

	if (rcu_preempt_depth())
		return -EOPNOTSUPP;
	tcpx_port_search_init(&s, sk, tcpx_bind_take);
	if (snum) {
		s.explicit = true;
		s.relax = true;
		err = tcpx_port_try(&s, snum, false);
	} else {
		err = tcpx_bind_any(&s);
	}
	tcpx_port_search_end(&s);
	return err;
}

/* --- connect() ------------------------------------------------------------- */

/* A port of connect()'s own choice is shared with connections to other peers; one
 * that somebody bound is his.
 */
static int tcpx_connect_take(struct tcpx_port_search *s, struct tcpx_bind_bucket *tb)
{
	bool empty = hlist_empty(&tb->owners);

	if (!tb->active && !empty)
		return -EADDRINUSE;
	if (tcpx_check_established(s->sk, tb->port, &s->tw))
		return -EADDRINUSE;
	if (empty) {
		tb->active = true;
		tb->fastreuse = 0;
		tb->fastreuseport = 0;
	}
	tcpx_bucket_add(tb, s->sk);
	return 0;
}

/* All ports, even ones first: bind() likes the odd ones. */
static int tcpx_connect_scan(struct tcpx_port_search *s, int low, u32 n, u32 offset)
{
	int err = tcpx_port_walk(s, low, n, offset, n, false);

	if (err == -EADDRINUSE)
		err = tcpx_port_walk(s, low, n, offset + 1, n, false);
	return err;
}

/* Is one of the ports that come next reserved? Most often not: then they need no walk. */
static bool tcpx_connect_may_share(const struct tcpx_port_search *s, u32 port)
{
	u32 end = min_t(u32, port + 2 * TCPX_RESERVED_LOOKAHEAD, BIT(16));

	return find_next_bit(tcpx_used_ports(s->tn), end, port) < end;
}

static int tcpx_connect_walk(struct tcpx_port_search *s, int low, u32 n, u32 offset)
{
	int err = -EADDRINUSE;

	if (tcpx_connect_may_share(s, low + offset))
		err = tcpx_port_walk(s, low, n, offset, TCPX_RESERVED_LOOKAHEAD, true);
	if (err != -EADDRINUSE)
		return err;
	s->misses = TCPX_RSV_MISSES;
	err = tcpx_connect_scan(s, low, n, offset);
	if (err != -EUSERS)
		return err;
	err = tcpx_port_ask_kernel(s);
	s->misses = 0;
	if (err == -EADDRINUSE)
		err = tcpx_connect_scan(s, low, n, offset);
	return err;
}

static u64 tcpx_connect_hash(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return secure_ipv6_port_ephemeral(sk->sk_v6_rcv_saddr.s6_addr32,
						  sk->sk_v6_daddr.s6_addr32, sk->sk_dport);
#endif
	return secure_ipv4_port_ephemeral(sk->sk_rcv_saddr, sk->sk_daddr, sk->sk_dport);
}

/* rfc6056#section-3.3.4, double-hash port selection: the sequence of ports is
 * separate per destination, and a stranger can't tell where it stands.
 */
static int tcpx_connect_any(struct tcpx_port_search *s)
{
	u64 hash = tcpx_connect_hash(s->sk);
	u32 *perturb = &tcpx_perturb[hash % TCPX_PERTURB_SIZE];
	u32 n, offset, step;
	int low, high, err;
	bool odd;

	inet_sk_get_local_port_range(s->sk, &low, &high);
	n = high - low + 1;
	odd = n > 1 && n & 1;
	if (n > 1)
		n &= ~1U;
	offset = READ_ONCE(*perturb) + (u32)(hash >> 32);
	offset = (offset % n) & ~1U;

	err = tcpx_connect_walk(s, low, n, offset);
	/* The one beside the pairs. */
	if (err == -EADDRINUSE && odd) {
		s->misses = 0;	/* whatever is left: this is the last one to be asked for */
		err = tcpx_port_walk(s, high, 1, 0, 1, false);
	}
	if (err)
		return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
	/* Some randomness, unless ports are scarce. */
	step = max(s->steps, 2U * (get_random_u8() & 7));
	WRITE_ONCE(*perturb, READ_ONCE(*perturb) + step + 2);
	return 0;
}

/**
 * tcpx_hash_connect() - give a connecting socket its port, let segments find it
 * @sk: in SYN_SENT, with both addresses and the foreign port; bound or not
 *
 * Context: socket lock; may sleep.
 * Return: 0, -EADDRNOTAVAIL (the connection exists, or no port is left), -ENOMEM.
 */
int tcpx_hash_connect(struct sock *sk)
{
	struct tcpx_port_search s;
	int err;

	if (inet_sk(sk)->inet_num) {
		local_bh_disable();
		err = tcpx_check_established(sk, inet_sk(sk)->inet_num, NULL);
		local_bh_enable();
		return err;
	}

	tcpx_port_search_init(&s, sk, tcpx_connect_take);
	err = tcpx_connect_any(&s);
	tcpx_port_search_end(&s);
	return err;
}

/* --- module ---------------------------------------------------------------- */

/**
 * tcpx_bind_init() - what all netns share
 *
 * Return: 0 or -ENOMEM.
 */
int __init tcpx_bind_init(void)
{
	tcpx_perturb = kvmalloc_array(TCPX_PERTURB_SIZE, sizeof(*tcpx_perturb), GFP_KERNEL);
	if (!tcpx_perturb)
		return -ENOMEM;
	get_random_bytes(tcpx_perturb, TCPX_PERTURB_SIZE * sizeof(*tcpx_perturb));
	if (tcpx_bhash_init()) {
		kvfree(tcpx_perturb);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tcpx_bind_exit() - undo tcpx_bind_init(); all netns are gone
 */
void tcpx_bind_exit(void)
{
	tcpx_bhash_exit();
	kvfree(tcpx_perturb);
}
