// SPDX-License-Identifier: GPL-2.0
/*
 * Local ports in use: a bucket per port, netns and VRF with its owners, and the
 * reservation that keeps TCPX and kernel TCP out of each other's ports. Who may
 * join a bucket, and which port is chosen, is for bind.c.
 *
 * A bucket's reservation is in kernel TCP's hash of bound ports, as a socket that
 * has the port would be: an IPv6 one for both stacks where there is IPv6, for that
 * is in the way of any other of either IP. It lives as long as the bucket, and making
 * or releasing it sleeps. So who makes or frees a bucket holds tcpx_port_mutex[] of the port,
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
#include <net/inet_connection_sock.h>
#include <net/tcp.h>

#include "tcpx.h"
#include "bhash.h"

#define TCPX_PORT_MUTEXES	64

static struct kmem_cache *tcpx_bucket_slab __ro_after_init;
static struct mutex tcpx_port_mutex[TCPX_PORT_MUTEXES];

/**
 * tcpx_port_mutex_of() - what to hold while making or freeing a bucket
 * @port: its port
 */
struct mutex *tcpx_port_mutex_of(unsigned short port)
{
	return &tcpx_port_mutex[port % TCPX_PORT_MUTEXES];
}

static struct tcpx_bind_hashbucket *tcpx_bucket_head(const struct tcpx_bind_bucket *tb)
{
	return tcpx_bind_head(tcpx_pernet(tb->net), tb->port);
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
	tb->active = tb->active && linger;
	spin_lock(&tn->rsv_lock);
	list_move_tail(&tb->idle, tb->active ? &tn->rsv_idle : &tn->rsv_dead);
	spin_unlock(&tn->rsv_lock);
	if (tb->active) {
		if (!delayed_work_pending(&tn->rsv_work))
			schedule_delayed_work(&tn->rsv_work, linger);
		return;
	}
	/* Not mod_delayed_work(): the queue to name has another name in newer kernels. */
	while (!schedule_delayed_work(&tn->rsv_work, 0))
		cancel_delayed_work(&tn->rsv_work);
}

/* An idle bucket gets an owner, or has lost its port. BH off. */
static void tcpx_bucket_not_idle(struct tcpx_bind_bucket *tb)
{
	struct tcpx_net *tn = tcpx_pernet(tb->net);

	if (list_empty(&tb->idle))
		return;
	spin_lock(&tn->rsv_lock);
	list_del_init(&tb->idle);
	spin_unlock(&tn->rsv_lock);
}

static struct sock *tcpx_bucket_rsv(struct tcpx_bind_bucket *tb)
{
	return (struct sock *)((void *)tb - offsetof(struct inet_sock, cork));
}

static void tcpx_bucket_relax(struct tcpx_bind_bucket *tb)
{
	tb->relaxed = true;
	/* Read by the port's other would-be owners in kernel TCP. */
	tcpx_bucket_rsv(tb)->sk_reuse = SK_CAN_REUSE;
}

/**
 * tcpx_bucket_unrelax() - the port is ours alone again
 * @tb: bucket, locked; another reservation of its port has proved that kernel TCP does not
 *	listen there, and exists still
 */
void tcpx_bucket_unrelax(struct tcpx_bind_bucket *tb)
{
	tb->relaxed = false;
	tcpx_bucket_rsv(tb)->sk_reuse = SK_NO_REUSE;
}

/**
 * tcpx_bucket_settle() - an owner has left
 * @tb: its bucket, locked
 */
void tcpx_bucket_settle(struct tcpx_bind_bucket *tb)
{
	if (hlist_empty(&tb->owners))
		tcpx_bucket_idle(tb);
	else if (!tb->nsock && !tb->tw_strict && !tb->active && !tb->relaxed)
		tcpx_bucket_relax(tb);
}

/**
 * tcpx_bucket_add() - a socket becomes an owner
 * @tb: bucket, locked
 * @sk: the socket
 */
void tcpx_bucket_add(struct tcpx_bind_bucket *tb, struct sock *sk)
{
	if (hlist_empty(&tb->owners))
		tcpx_bucket_not_idle(tb);
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

	spin_lock(&head->lock);
	/* The listener's may be gone any time, but not while it is in the table. */
	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port == port && tb == READ_ONCE(tcpx_sk(lsk)->bind_hash)) {
			tcpx_bucket_add(tb, child);
			err = 0;
			break;
		}
	}
	spin_unlock(&head->lock);
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
	spin_lock(&head->lock);
	sk_add_bind_node((struct sock *)tw, &tb->owners);
	tb->tw_strict += !tw->__tw_common.skc_reuse;
	spin_unlock(&head->lock);
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

/* There is a reservation for each port of ours, those in TIME_WAIT included, and each short
 * connection pays for one. So it is not a whole socket, but as much of one as the hash of
 * bound ports and whoever tries to bind look at, up to the pointers to the buckets there.
 * Nobody else may meet it. The only other way to it is sock_diag's list of sockets that are
 * bound and do nothing (6.8 on), which passes over those of another state than TCP_CLOSE:
 * this one's is 0, which is none at all, so that no set of states has it.
 *
 * The bucket is in the place of inet.cork, which is for the datagrams of a socket.
 */
#define TCPX_RSV_SIZE	max(offsetofend(struct inet_connection_sock, icsk_bind_hash),	\
			    offsetofend(struct inet_connection_sock, icsk_bind2_hash))

static_assert(sizeof(struct tcpx_bind_bucket) <= sizeof_field(struct inet_sock, cork));

/* Between two uses a reservation stays as it is made here. One of IPv6 is for both stacks
 * as long as sk_ipv6only is clear, as it is here, whatever net.ipv6.bindv6only says.
 */
static void tcpx_rsv_ctor(void *obj)
{
	struct sock *rsk = obj;

	memset(rsk, 0, TCPX_RSV_SIZE);
	rsk->sk_family = IS_ENABLED(CONFIG_IPV6) && tcpx_v6_enabled() ? AF_INET6 : AF_INET;
	rsk->sk_type = SOCK_STREAM;
	rsk->sk_protocol = IPPROTO_TCP;
	rsk->sk_prot = &tcp_prot;
	rwlock_init(&rsk->sk_callback_lock);
	refcount_set(&rsk->sk_refcnt, 1);
}

/* A bucket without port, owners and place */
static struct tcpx_bind_bucket *tcpx_bucket_alloc(struct net *net)
{
	struct sock *rsk = kmem_cache_alloc(tcpx_bucket_slab, GFP_KERNEL);
	struct tcpx_bind_bucket *tb;

	if (!rsk)
		return NULL;
	sock_net_set(rsk, net);
	rsk->sk_reuse = SK_NO_REUSE;
	tb = (void *)rsk + offsetof(struct inet_sock, cork);
	memset(tb, 0, sizeof(*tb));
	INIT_LIST_HEAD(&tb->idle);
	tb->net = net;
	return tb;
}

/**
 * tcpx_bucket_free() - free a bucket and its reservation
 * @tb: bucket, out of the table
 *
 * Until the port is free it stays in the list of the idle ones: whoever wants to see it
 * freed finds it there, and waits for the port's mutex (tcpx_bind_reap()).
 *
 * Context: may sleep; the port's mutex, if it has a port.
 */
void tcpx_bucket_free(struct tcpx_bind_bucket *tb)
{
	struct sock *rsk = tcpx_bucket_rsv(tb);

	if (inet_sk(rsk)->inet_num)
		tcp_prot.put_port(rsk);
	local_bh_disable();
	tcpx_bucket_not_idle(tb);
	local_bh_enable();
	kmem_cache_free(tcpx_bucket_slab, rsk);
}

/* Bind @rsk to @port, 0 for any. By get_port, since what else kernel TCP's bind() asks
 * (capability for low ports, cgroup's bind programs) was asked of the user's own bind(),
 * and does not apply to connect().
 *
 * @reuse: leftovers of kernel TCP that have SO_REUSEADDR, like a dead server's
 * connections, are no obstacle; a listener always is. Once we are in, the flag
 * goes, so that none of them can listen later.
 */
static int tcpx_rsv_bind(struct sock *rsk, unsigned short port, bool reuse)
{
	int err = tcp_prot.get_port(rsk, port);

	if (err != -EADDRINUSE || !reuse)
		return err;
	rsk->sk_reuse = SK_CAN_REUSE;
	err = tcp_prot.get_port(rsk, port);
	rsk->sk_reuse = SK_NO_REUSE;
	return err;
}

/**
 * tcpx_bucket_reserve() - a bucket whose port is reserved with kernel TCP
 * @sk: socket that it is for
 * @l3mdev: VRF whose port it is, 0 for none
 * @bucket: the bucket; one made before that did not get its port is used again
 * @port: the port, 0 for any
 * @reuse: see tcpx_rsv_bind()
 *
 * Context: socket lock; may sleep; the port's mutex, if there is a port.
 * Return: 0, -EADDRINUSE, -ENOMEM.
 */
int tcpx_bucket_reserve(const struct sock *sk, int l3mdev, struct tcpx_bind_bucket **bucket,
			unsigned short port, bool reuse)
{
	struct sock *rsk;
	int err;

	if (!*bucket)
		*bucket = tcpx_bucket_alloc(sock_net(sk));
	if (!*bucket)
		return -ENOMEM;
	rsk = tcpx_bucket_rsv(*bucket);
	/* Kernel TCP tells the VRF by the device. Once we are in, none of its devices is free:
	 * other sockets may join the bucket. Outside no device has ports of its own.
	 */
	rsk->sk_bound_dev_if = l3mdev ? sk->sk_bound_dev_if : 0;
	err = tcpx_rsv_bind(rsk, port, reuse);
	WRITE_ONCE(rsk->sk_bound_dev_if, 0);
	(*bucket)->port = inet_sk(rsk)->inet_num;
	(*bucket)->l3mdev = l3mdev;
	return err;
}

/**
 * tcpx_bucket_insert() - from now on the port is in use
 * @head: its place, locked
 * @tb: bucket
 */
void tcpx_bucket_insert(struct tcpx_bind_hashbucket *head, struct tcpx_bind_bucket *tb)
{
	hlist_add_head(&tb->node, &head->chain);
	set_bit(tb->port, tcpx_used_ports(tcpx_pernet(tb->net)));
}

static bool tcpx_port_has_bucket(struct tcpx_bind_hashbucket *head, unsigned short port)
{
	struct tcpx_bind_bucket *tb;

	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port == port)
			return true;
	}
	return false;
}

/**
 * tcpx_bucket_remove() - it no longer is, unless in another VRF
 * @head: its place, locked, or the netns goes
 * @tb: bucket without owners
 */
void tcpx_bucket_remove(struct tcpx_bind_hashbucket *head, struct tcpx_bind_bucket *tb)
{
	hlist_del(&tb->node);
	if (!tcpx_port_has_bucket(head, tb->port))
		clear_bit(tb->port, tcpx_used_ports(tcpx_pernet(tb->net)));
}

/* --- releasing what is idle ------------------------------------------------ */

static bool tcpx_bucket_expired(const struct tcpx_bind_bucket *tb, unsigned long linger)
{
	if (!hlist_empty(&tb->owners))
		return false;
	return !tb->active || time_after_eq(jiffies, tb->idle_since + linger);
}

/* Take a bucket of @port out of the table that is idle still, of whichever VRF; or NULL. */
static struct tcpx_bind_bucket *tcpx_bucket_take_idle(struct tcpx_bind_hashbucket *head,
						      unsigned short port, unsigned long linger)
{
	struct tcpx_bind_bucket *tb, *idle = NULL;

	spin_lock_bh(&head->lock);
	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port != port || !tcpx_bucket_expired(tb, linger))
			continue;
		tcpx_bucket_remove(head, tb);
		idle = tb;
		break;
	}
	spin_unlock_bh(&head->lock);
	return idle;
}

/* Free the buckets of @port that are idle still. */
static void tcpx_bucket_release(struct tcpx_net *tn, unsigned short port, unsigned long linger)
{
	struct tcpx_bind_hashbucket *head = tcpx_bind_head(tn, port);
	struct mutex *mutex = tcpx_port_mutex_of(port);
	struct tcpx_bind_bucket *tb;

	/* Until the reservation is gone nobody may try to make another. */
	mutex_lock(mutex);
	while ((tb = tcpx_bucket_take_idle(head, port, linger)))
		tcpx_bucket_free(tb);
	mutex_unlock(mutex);
}

/* A port that need not linger, or 0. */
static unsigned short tcpx_rsv_first_dead(struct tcpx_net *tn)
{
	struct tcpx_bind_bucket *tb;
	unsigned short port;

	spin_lock_bh(&tn->rsv_lock);
	tb = list_first_entry_or_null(&tn->rsv_dead, struct tcpx_bind_bucket, idle);
	port = tb ? tb->port : 0;
	spin_unlock_bh(&tn->rsv_lock);
	return port;
}

static void tcpx_rsv_reap(struct tcpx_net *tn)
{
	unsigned short port;

	/* Each round empties the list's head: freed, by us or whom we waited for, or revived
	 * by an owner.
	 */
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

/* A port that has lingered long enough, or 0. */
static unsigned short tcpx_rsv_first_expired(struct tcpx_net *tn, unsigned long linger)
{
	struct tcpx_bind_bucket *tb;
	unsigned short port = 0;

	spin_lock_bh(&tn->rsv_lock);
	tb = list_first_entry_or_null(&tn->rsv_idle, struct tcpx_bind_bucket, idle);
	/* In the order in which they became idle. */
	if (tb && time_after_eq(jiffies, READ_ONCE(tb->idle_since) + linger))
		port = tb->port;
	spin_unlock_bh(&tn->rsv_lock);
	return port;
}

/* Free idle buckets that have lingered; come back while there are any. */
static void tcpx_rsv_work(struct work_struct *work)
{
	struct tcpx_net *tn = container_of(to_delayed_work(work), struct tcpx_net, rsv_work);
	unsigned long linger = tcpx_port_linger(tn);
	unsigned short port;

	tcpx_rsv_reap(tn);
	while ((port = tcpx_rsv_first_expired(tn, linger))) {
		tcpx_bucket_release(tn, port, linger);
		cond_resched();
	}
	if (!list_empty_careful(&tn->rsv_idle))
		schedule_delayed_work(&tn->rsv_work, max(linger, 1UL));
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
	INIT_LIST_HEAD(&tn->rsv_idle);
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
			tcpx_bucket_remove(&tn->hinfo->bhash[i], tb);
			tcpx_bucket_free(tb);
		}
		cond_resched();
	}
	INIT_LIST_HEAD(&tn->rsv_dead);
	INIT_LIST_HEAD(&tn->rsv_idle);
}

/**
 * tcpx_bhash_init() - what all netns share
 *
 * Return: 0 or -ENOMEM.
 */
int __init tcpx_bhash_init(void)
{
	unsigned int i;

	tcpx_bucket_slab = kmem_cache_create("tcpx_bind_bucket", TCPX_RSV_SIZE, 0, SLAB_ACCOUNT,
					     tcpx_rsv_ctor);
	if (!tcpx_bucket_slab)
		return -ENOMEM;
	for (i = 0; i < TCPX_PORT_MUTEXES; i++)
		mutex_init(&tcpx_port_mutex[i]);
	return 0;
}

/**
 * tcpx_bhash_exit() - undo tcpx_bhash_init(); all netns are gone
 */
void tcpx_bhash_exit(void)
{
	kmem_cache_destroy(tcpx_bucket_slab);
}
