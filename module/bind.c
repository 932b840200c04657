// SPDX-License-Identifier: GPL-2.0
/*
 * Local ports: who has which (a bucket per port and netns), whether a socket may
 * join, how connect() and bind() to port 0 choose one, and the reservation that
 * keeps TCPX and kernel TCP out of each other's ports.
 *
 * A bucket's reservation is a kernel TCP socket bound to the port that never
 * listens nor connects. It lives as long as the bucket, and making or releasing
 * it sleeps. So who makes or frees a bucket holds tcpx_port_mutex[] of the port,
 * and with that knows that nobody else is half way through the same; the owners
 * of a bucket come and go under its spinlock alone, in softirq too.
 *
 * The last owner leaves the bucket behind, idle. A port of connect()'s choice
 * lingers for net.tcpx.port_linger_ms, so that short connections one after the
 * other do not pay for a reservation each; any other goes at once, so that a
 * server can be restarted on the other stack.
 *
 * When only TIME_WAIT entries with SO_REUSEADDR are left, kernel TCP may bind the
 * port with SO_REUSEADDR, as it may among its own: the reservation gets that flag
 * (tb->relaxed). Before a socket of ours joins again, a new reservation must
 * prove that kernel TCP does not listen there meanwhile.
 *
 * Lock order: socket lock, tcpx_port_mutex, bucket lock, then the connection
 * table's lock or tcpx_net.rsv_lock.
 */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/secure_seq.h>
#include <net/sock_reuseport.h>

#include "tcpx.h"

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
#define TCPX_PORT_MUTEXES	64

static struct kmem_cache *tcpx_bucket_slab __ro_after_init;
static u32 *tcpx_perturb __ro_after_init;
static struct mutex tcpx_port_mutex[TCPX_PORT_MUTEXES];

/**
 * struct tcpx_port_search - looking for a port for a socket
 * @sk: the socket
 * @tn: its netns
 * @take: let @sk into a bucket (locked): 0, -EADDRINUSE to look further, other
 *	errors to give up
 * @spare: kernel TCP socket for the next reservation, if there is one already
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
	int				(*take)(struct tcpx_port_search *s,
						struct tcpx_bind_bucket *tb);
	struct socket			*spare;
	struct tcpx_timewait_sock	*tw;
	u32				steps;
	u32				misses;
	bool				explicit;
	bool				relax;
	bool				unbound;
};

static struct mutex *tcpx_port_mutex_of(unsigned short port)
{
	return &tcpx_port_mutex[port % TCPX_PORT_MUTEXES];
}

static struct tcpx_bind_hashbucket *tcpx_bind_head(const struct tcpx_net *tn, unsigned short port)
{
	struct tcpx_hashinfo *h = READ_ONCE(tn->hinfo);

	return &h->bhash[port & h->bhash_mask];
}

static struct tcpx_bind_hashbucket *tcpx_bucket_head(const struct tcpx_bind_bucket *tb)
{
	return tcpx_bind_head(tcpx_pernet(tb->net), tb->port);
}

static struct tcpx_bind_bucket *tcpx_bucket_find(struct tcpx_bind_hashbucket *head,
						 unsigned short port)
{
	struct tcpx_bind_bucket *tb;

	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port == port)
			return tb;
	}
	return NULL;
}

static unsigned long *tcpx_bound_ports(const struct tcpx_net *tn)
{
	return READ_ONCE(tn->hinfo)->bound_ports;
}

/* --- owners; all under the bucket's lock ----------------------------------- */

static unsigned long tcpx_port_linger(const struct tcpx_net *tn)
{
	return msecs_to_jiffies(max(READ_ONCE(tn->sysctl.port_linger_ms), 0));
}

/* The last owner has left. The reservation is released later, by tcpx_rsv_work()
 * or tcpx_bind_reap(), since that sleeps.
 */
static void tcpx_bucket_idle(struct tcpx_bind_bucket *tb)
{
	struct tcpx_net *tn = tcpx_pernet(tb->net);
	unsigned long linger = tcpx_port_linger(tn);

	WRITE_ONCE(tb->idle_since, jiffies);
	if (test_bit(tb->port, tcpx_bound_ports(tn)))
		clear_bit(tb->port, tcpx_bound_ports(tn));
	if (tb->active && linger) {
		if (!delayed_work_pending(&tn->rsv_work))
			schedule_delayed_work(&tn->rsv_work, linger);
		return;
	}
	tb->active = false;
	spin_lock(&tn->rsv_lock);
	if (list_empty(&tb->dead))
		list_add_tail(&tb->dead, &tn->rsv_dead);
	spin_unlock(&tn->rsv_lock);
	cancel_delayed_work(&tn->rsv_work);
	schedule_delayed_work(&tn->rsv_work, 0);
}

/* An idle bucket gets an owner. */
static void tcpx_bucket_revive(struct tcpx_bind_bucket *tb)
{
	struct tcpx_net *tn = tcpx_pernet(tb->net);

	if (list_empty(&tb->dead))
		return;
	spin_lock(&tn->rsv_lock);
	list_del_init(&tb->dead);
	spin_unlock(&tn->rsv_lock);
}

static void tcpx_bucket_relax(struct tcpx_bind_bucket *tb)
{
	tb->relaxed = true;
	/* Read by the port's other would-be owners in kernel TCP. */
	tb->rsv->sk->sk_reuse = SK_CAN_REUSE;
}

/* An owner has left. */
static void tcpx_bucket_settle(struct tcpx_bind_bucket *tb)
{
	if (hlist_empty(&tb->owners))
		tcpx_bucket_idle(tb);
	else if (!tb->nsock && !tb->tw_strict && !tb->active && !tb->relaxed)
		tcpx_bucket_relax(tb);
}

static void tcpx_bucket_add(struct tcpx_bind_bucket *tb, struct sock *sk)
{
	if (hlist_empty(&tb->owners))
		tcpx_bucket_revive(tb);
	sk_add_bind_node(sk, &tb->owners);
	tb->nsock++;
	tcpx_sk(sk)->bind_hash = tb;
}

/**
 * tcpx_put_port() - a socket gives up its port
 * @sk: the socket, bound or not
 *
 * Context: any.
 */
void tcpx_put_port(struct sock *sk)
{
	struct tcpx_bind_bucket *tb = tcpx_sk(sk)->bind_hash;
	struct tcpx_bind_hashbucket *head;

	if (!tb)
		return;
	head = tcpx_bucket_head(tb);
	spin_lock_bh(&head->lock);
	__sk_del_bind_node(sk);
	tcpx_sk(sk)->bind_hash = NULL;
	inet_sk(sk)->inet_num = 0;
	tb->nsock--;
	tcpx_bucket_settle(tb);
	spin_unlock_bh(&head->lock);
}

/**
 * tcpx_inherit_port() - the child of a listener shares its port
 * @lsk: the listener
 * @child: made from it, not in a bucket of its own yet
 *
 * Context: softirq; no lock of @lsk is needed.
 * Return: 0, or -EADDRINUSE if @lsk has given its port up, or does not have the
 * child's (a transparent proxy's; there is no reservation for that).
 */
int tcpx_inherit_port(const struct sock *lsk, struct sock *child)
{
	unsigned short port = inet_sk(child)->inet_num;
	struct tcpx_bind_hashbucket *head = tcpx_bind_head(tcpx_pernet(sock_net(lsk)), port);
	struct tcpx_bind_bucket *tb;
	int err = -EADDRINUSE;

	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, port);
	if (tb && tb == READ_ONCE(tcpx_sk(lsk)->bind_hash)) {
		tcpx_bucket_add(tb, child);
		err = 0;
	}
	spin_unlock_bh(&head->lock);
	return err;
}

/**
 * tcpx_bind_tw_add() - a TIME_WAIT entry holds its socket's port too
 * @tw: the entry
 * @sk: the socket it is made from; stays an owner itself
 *
 * Context: BH off.
 */
void tcpx_bind_tw_add(struct tcpx_timewait_sock *tw, struct sock *sk)
{
	struct tcpx_bind_bucket *tb = tcpx_sk(sk)->bind_hash;
	struct tcpx_bind_hashbucket *head;

	tw->bind_hash = tb;
	if (WARN_ON_ONCE(!tb))
		return;
	head = tcpx_bucket_head(tb);
	spin_lock_bh(&head->lock);
	sk_add_bind_node((struct sock *)tw, &tb->owners);
	tb->tw_strict += !tw->__tw_common.skc_reuse;
	spin_unlock_bh(&head->lock);
}

/**
 * tcpx_bind_tw_del() - a TIME_WAIT entry leaves its port
 * @tw: the entry
 *
 * Context: any.
 */
void tcpx_bind_tw_del(struct tcpx_timewait_sock *tw)
{
	struct tcpx_bind_bucket *tb = tw->bind_hash;
	struct tcpx_bind_hashbucket *head;

	if (!tb)
		return;
	head = tcpx_bucket_head(tb);
	spin_lock_bh(&head->lock);
	__sk_del_bind_node((struct sock *)tw);
	tw->bind_hash = NULL;
	tb->tw_strict -= !tw->__tw_common.skc_reuse;
	tcpx_bucket_settle(tb);
	spin_unlock_bh(&head->lock);
}

/* --- reservation ----------------------------------------------------------- */

/* Bind the kernel TCP socket @rsk to @port, 0 for any. By get_port rather than
 * kernel_bind(), since what else that asks (capability for low ports, cgroup's
 * bind programs) was asked of the user's own bind(), and does not apply to
 * connect().
 *
 * @reuse: leftovers of kernel TCP that have SO_REUSEADDR, like a dead server's
 * connections, are no obstacle; a listener always is. Once we are in, the flag
 * goes, so that none of them can listen later.
 */
static int tcpx_rsv_bind(struct sock *rsk, unsigned short port, bool reuse)
{
	int err;

	lock_sock(rsk);
	err = rsk->sk_prot->get_port(rsk, port);
	if (err == -EADDRINUSE && reuse) {
		rsk->sk_reuse = SK_CAN_REUSE;
		err = rsk->sk_prot->get_port(rsk, port);
		rsk->sk_reuse = SK_NO_REUSE;
	}
	if (!err) {
		rsk->sk_userlocks |= SOCK_BINDPORT_LOCK;
		inet_sk(rsk)->inet_sport = htons(inet_sk(rsk)->inet_num);
	}
	release_sock(rsk);
	return err;
}

/* Reserve @port. On success the caller takes the socket over from s->spare. */
static int tcpx_rsv_make(struct tcpx_port_search *s, unsigned short port, bool reuse)
{
	int err;

	if (!s->spare) {
		err = sock_create_kern(s->tn->net, PF_INET, SOCK_STREAM, IPPROTO_TCP, &s->spare);
		if (err) {
			s->spare = NULL;
			return err;
		}
	}
	return tcpx_rsv_bind(s->spare->sk, port, reuse);
}

static struct socket *tcpx_rsv_take(struct tcpx_port_search *s)
{
	struct socket *rsv = s->spare;

	s->spare = NULL;
	return rsv;
}

static struct tcpx_bind_bucket *tcpx_bucket_alloc(struct net *net, unsigned short port)
{
	struct tcpx_bind_bucket *tb = kmem_cache_zalloc(tcpx_bucket_slab, GFP_KERNEL);

	if (!tb)
		return NULL;
	INIT_HLIST_HEAD(&tb->owners);
	INIT_LIST_HEAD(&tb->dead);
	tb->net = net;
	tb->port = port;
	return tb;
}

/* @tb is in no list any more. */
static void tcpx_bucket_free(struct tcpx_bind_bucket *tb)
{
	if (tb->rsv)
		sock_release(tb->rsv);
	kmem_cache_free(tcpx_bucket_slab, tb);
}

/* --- releasing what is idle ------------------------------------------------ */

static bool tcpx_bucket_expired(const struct tcpx_bind_bucket *tb, unsigned long linger)
{
	if (!hlist_empty(&tb->owners))
		return false;
	return !tb->active || time_after_eq(jiffies, tb->idle_since + linger);
}

/* Free the bucket of @port if it is idle still. */
static void tcpx_bucket_release(struct tcpx_net *tn, unsigned short port, unsigned long linger)
{
	struct tcpx_bind_hashbucket *head = tcpx_bind_head(tn, port);
	struct mutex *mutex = tcpx_port_mutex_of(port);
	struct tcpx_bind_bucket *tb;

	/* Until the reservation is gone nobody may try to make another. */
	mutex_lock(mutex);
	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, port);
	if (tb && tcpx_bucket_expired(tb, linger)) {
		tcpx_bucket_revive(tb);
		hlist_del(&tb->node);
	} else {
		tb = NULL;
	}
	spin_unlock_bh(&head->lock);
	if (tb)
		tcpx_bucket_free(tb);
	mutex_unlock(mutex);
}

/* A port that need not linger, or 0. */
static unsigned short tcpx_rsv_first_dead(struct tcpx_net *tn)
{
	struct tcpx_bind_bucket *tb;
	unsigned short port;

	spin_lock_bh(&tn->rsv_lock);
	tb = list_first_entry_or_null(&tn->rsv_dead, struct tcpx_bind_bucket, dead);
	port = tb ? tb->port : 0;
	spin_unlock_bh(&tn->rsv_lock);
	return port;
}

static void tcpx_rsv_reap(struct tcpx_net *tn)
{
	unsigned short port;

	/* Each round empties the list's head: freed, or revived by an owner. */
	while ((port = tcpx_rsv_first_dead(tn)))
		tcpx_bucket_release(tn, port, 0);
}

/**
 * tcpx_bind_reap() - release reservations that need not linger, now
 * @net: netns
 *
 * After close(), so that a port of bind() is free for kernel TCP by the time
 * close() returns.
 *
 * Context: may sleep; no socket lock.
 */
void tcpx_bind_reap(struct net *net)
{
	struct tcpx_net *tn = tcpx_pernet(net);

	if (!list_empty_careful(&tn->rsv_dead))
		tcpx_rsv_reap(tn);
}

/* A port of @head that has lingered long enough, or 0; *@idle: others wait. */
static unsigned short tcpx_rsv_first_expired(struct tcpx_bind_hashbucket *head,
					     unsigned long linger, bool *idle)
{
	struct tcpx_bind_bucket *tb;
	unsigned short port = 0;

	if (hlist_empty(&head->chain))
		return 0;
	spin_lock_bh(&head->lock);
	hlist_for_each_entry(tb, &head->chain, node) {
		if (tcpx_bucket_expired(tb, linger)) {
			port = tb->port;
			break;
		}
		*idle |= hlist_empty(&tb->owners);
	}
	spin_unlock_bh(&head->lock);
	return port;
}

/* Free idle buckets that have lingered; come back while there are any. */
static void tcpx_rsv_work(struct work_struct *work)
{
	struct tcpx_net *tn = container_of(to_delayed_work(work), struct tcpx_net, rsv_work);
	unsigned long linger = tcpx_port_linger(tn);
	struct tcpx_hashinfo *h = tn->hinfo;
	unsigned short port;
	bool idle = false;
	unsigned int i;

	tcpx_rsv_reap(tn);
	for (i = 0; i <= h->bhash_mask; i++) {
		while ((port = tcpx_rsv_first_expired(&h->bhash[i], linger, &idle)))
			tcpx_bucket_release(tn, port, linger);
		cond_resched();
	}
	if (idle)
		schedule_delayed_work(&tn->rsv_work, max(linger, 1UL));
}

/* --- trying one port ------------------------------------------------------- */

/* s->spare reserves @port: make a bucket of it, or give it to the one that had a
 * reservation that proves nothing any more, and take the port. The port's mutex is
 * held.
 */
static int tcpx_port_open(struct tcpx_port_search *s, struct tcpx_bind_hashbucket *head,
			  unsigned short port)
{
	struct tcpx_bind_bucket *fresh, *tb;
	int err;

	fresh = tcpx_bucket_alloc(s->tn->net, port);
	if (!fresh) {
		/* bound: no use for another port */
		sock_release(tcpx_rsv_take(s));
		return -ENOMEM;
	}
	fresh->rsv = tcpx_rsv_take(s);

	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, port);
	if (tb) {
		swap(tb->rsv, fresh->rsv);
		tb->relaxed = false;
	} else {
		tb = fresh;
		hlist_add_head(&tb->node, &head->chain);
	}
	err = s->take(s, tb);
	if (tb == fresh && !err)
		fresh = NULL;
	else if (tb == fresh)
		hlist_del(&tb->node);
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
	int err = tcpx_rsv_make(s, port, relaxed || (s->explicit && s->sk->sk_reuse));

	if (!err)
		return tcpx_port_open(s, head, port);
	if (err == -EADDRINUSE && s->misses && !--s->misses)
		return -EUSERS;
	return err;
}

/* Let the socket into the bucket of @port if there is a sound one. -ENOENT if
 * not; *@relaxed then tells which.
 */
static int tcpx_port_join(struct tcpx_port_search *s, struct tcpx_bind_hashbucket *head,
			  unsigned short port, bool *relaxed)
{
	struct tcpx_bind_bucket *tb;
	int err = -ENOENT;

	spin_lock_bh(&head->lock);
	tb = tcpx_bucket_find(head, port);
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
	struct net *net = s->tn->net;
	u32 port;
	u32 i;
	int err;

	for (i = 0; i < n && i < 2 * limit; i += 2) {
		port = low + (offset + i) % n;
		if (inet_is_local_reserved_port(net, port))
			continue;
		if (s->unbound && test_bit(port, tcpx_bound_ports(s->tn)))
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

	err = tcpx_rsv_make(s, 0, false);
	if (err)
		return err;
	port = inet_sk(s->spare->sk)->inet_num;
	/* The socket may have a range of its own. */
	inet_sk_get_local_port_range(s->sk, &low, &high);
	if (port < low || port > high) {
		sock_release(tcpx_rsv_take(s));
		return -EADDRINUSE;
	}
	mutex_lock(tcpx_port_mutex_of(port));
	err = tcpx_port_open(s, tcpx_bind_head(s->tn, port), port);
	mutex_unlock(tcpx_port_mutex_of(port));
	return err;
}

static void tcpx_port_search_init(struct tcpx_port_search *s, struct sock *sk,
				  int (*take)(struct tcpx_port_search *s,
					      struct tcpx_bind_bucket *tb))
{
	*s = (struct tcpx_port_search) {
		.sk = sk,
		.tn = tcpx_pernet(sock_net(sk)),
		.take = take,
	};
}

static void tcpx_port_search_end(struct tcpx_port_search *s)
{
	if (s->spare)
		sock_release(s->spare);
	if (s->tw)
		tcpx_tw_retire(s->tw);
}

/* --- bind() ---------------------------------------------------------------- */

static bool tcpx_addrs_overlap(const struct sock *sk, const struct sock *sk2)
{
	if (ipv6_only_sock(sk2))
		return false;
	return !sk->sk_rcv_saddr || !sk2->sk_rcv_saddr || sk->sk_rcv_saddr == sk2->sk_rcv_saddr;
}

static bool tcpx_devs_overlap(const struct sock *sk, const struct sock *sk2)
{
	int dev2 = READ_ONCE(sk2->sk_bound_dev_if);

	return !sk->sk_bound_dev_if || !dev2 || sk->sk_bound_dev_if == dev2;
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

static int tcpx_connect_walk(struct tcpx_port_search *s, int low, u32 n, u32 offset)
{
	int err;

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

/* rfc6056#section-3.3.4, double-hash port selection: the sequence of ports is
 * separate per destination, and a stranger can't tell where it stands.
 */
static int tcpx_connect_any(struct tcpx_port_search *s)
{
	struct inet_sock *inet = inet_sk(s->sk);
	u64 hash = secure_ipv4_port_ephemeral(inet->inet_rcv_saddr, inet->inet_daddr,
					      inet->inet_dport);
	u32 *perturb = &tcpx_perturb[hash % TCPX_PERTURB_SIZE];
	u32 n, offset, step;
	int low, high, err;

	inet_sk_get_local_port_range(s->sk, &low, &high);
	n = high - low + 1;
	if (n > 1)
		n &= ~1U;
	offset = READ_ONCE(*perturb) + (u32)(hash >> 32);
	offset = (offset % n) & ~1U;

	err = tcpx_connect_walk(s, low, n, offset);
	if (err)
		return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
	/* Some randomness, unless ports are scarce. */
	step = max(s->steps, 2 * reciprocal_scale(get_random_u32(), 8));
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

	if (inet_sk(sk)->inet_num)
		return tcpx_check_established(sk, inet_sk(sk)->inet_num, NULL);

	tcpx_port_search_init(&s, sk, tcpx_connect_take);
	err = tcpx_connect_any(&s);
	tcpx_port_search_end(&s);
	return err;
}

/* --- netns, module --------------------------------------------------------- */

/**
 * tcpx_bind_net_init() - prepare a netns
 * @tn: the netns
 */
void tcpx_bind_net_init(struct tcpx_net *tn)
{
	spin_lock_init(&tn->rsv_lock);
	INIT_LIST_HEAD(&tn->rsv_dead);
	INIT_DELAYED_WORK(&tn->rsv_work, tcpx_rsv_work);
}

/**
 * tcpx_bind_net_exit() - release all reservations of a netns
 * @tn: the netns; no socket or TIME_WAIT entry is left in it
 *
 * Context: may sleep.
 */
void tcpx_bind_net_exit(struct tcpx_net *tn)
{
	struct tcpx_bind_bucket *tb;
	struct hlist_node *next;
	unsigned int i;

	cancel_delayed_work_sync(&tn->rsv_work);
	if (!tn->hinfo)
		return;
	for (i = 0; i <= tn->hinfo->bhash_mask; i++) {
		hlist_for_each_entry_safe(tb, next, &tn->hinfo->bhash[i].chain, node) {
			WARN_ON_ONCE(!hlist_empty(&tb->owners));
			hlist_del(&tb->node);
			tcpx_bucket_free(tb);
		}
		cond_resched();
	}
	INIT_LIST_HEAD(&tn->rsv_dead);
}

/**
 * tcpx_bind_init() - what all netns share
 *
 * Return: 0 or -ENOMEM.
 */
int __init tcpx_bind_init(void)
{
	unsigned int i;

	tcpx_perturb = kvmalloc_array(TCPX_PERTURB_SIZE, sizeof(*tcpx_perturb), GFP_KERNEL);
	tcpx_bucket_slab = kmem_cache_create("tcpx_bind_bucket", sizeof(struct tcpx_bind_bucket),
					     0, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
	if (!tcpx_perturb || !tcpx_bucket_slab) {
		tcpx_bind_exit();
		return -ENOMEM;
	}
	get_random_bytes(tcpx_perturb, TCPX_PERTURB_SIZE * sizeof(*tcpx_perturb));
	for (i = 0; i < TCPX_PORT_MUTEXES; i++)
		mutex_init(&tcpx_port_mutex[i]);
	return 0;
}

/**
 * tcpx_bind_exit() - undo tcpx_bind_init(); all netns are gone
 */
void tcpx_bind_exit(void)
{
	kmem_cache_destroy(tcpx_bucket_slab);
	kvfree(tcpx_perturb);
}
