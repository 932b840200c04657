// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the master key tuples of rfc5925 that a socket has, and what becomes of them: a
 * connection keeps those for its peer, with traffic keys of its own, and leaves them to its
 * TIME_WAIT entry; a child gets copies of its listener's.
 *
 * The socket lock protects a list; who receives reads it under RCU. Current_key and Rnext_key
 * are in the list while the socket is connected; who deletes a key sees to that.
 */
#include "tcpx.h"

/* --- struct tcpx_ao ----------------------------------------------------------- */

/**
 * tcpx_ao_alloc() - the beginning of a list
 * @gfp: allocation flags
 *
 * Return: it, with one reference, or NULL
 */
struct tcpx_ao *tcpx_ao_alloc(gfp_t gfp)
{
	struct tcpx_ao *ao = kzalloc(sizeof(*ao), gfp);

	if (ao)
		refcount_set(&ao->refcnt, 1);
	return ao;
}

/**
 * tcpx_ao_put() - a socket or its TIME_WAIT entry has no use for it any more
 * @ao: the list; with the last reference its keys go
 */
void tcpx_ao_put(struct tcpx_ao *ao)
{
	struct tcpx_ao_key *key;
	struct hlist_node *next;

	if (!refcount_dec_and_test(&ao->refcnt))
		return;
	hlist_for_each_entry_safe(key, next, &ao->keys, node)
		kfree_rcu(key, rcu);
	kfree_rcu(ao, rcu);
}

/**
 * tcpx_ao_link() - a socket gets a list
 * @sk: socket, locked, whose tcpx_disorder_get() succeeded
 * @ao: list; the reference passes
 */
void tcpx_ao_link(struct sock *sk, struct tcpx_ao *ao)
{
	tcpx_auth_no_gso(sk);
	rcu_assign_pointer(tcpx_sk(sk)->disorder->ao, ao);
}

/**
 * tcpx_ao_destroy() - a socket loses its list
 * @sk: socket, locked or without users
 */
void tcpx_ao_destroy(struct sock *sk)
{
	struct tcpx_disorder *d = tcpx_sk(sk)->disorder;
	struct tcpx_ao *ao = d ? rcu_dereference_protected(d->ao, 1) : NULL;
	struct tcpx_ao_key *key;

	if (likely(!ao))
		return;
	RCU_INIT_POINTER(d->ao, NULL);
	/* A TIME_WAIT entry may keep them, but not charged to the socket. */
	hlist_for_each_entry(key, &ao->keys, node)
		atomic_sub(sizeof(*key), &sk->sk_omem_alloc);
	tcpx_ao_put(ao);
}

/**
 * tcpx_ao_free_key() - a key that is not in the list any more
 * @sk: socket it is charged to, locked
 * @key: key; readers may still look at it
 */
void tcpx_ao_free_key(struct sock *sk, struct tcpx_ao_key *key)
{
	atomic_sub(sizeof(*key), &sk->sk_omem_alloc);
	kfree_rcu(key, rcu);
}

/* --- which key ------------------------------------------------------------------ */

static bool tcpx_ao_addr_any(const union tcp_md5_addr *addr, u8 family)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6)
		return ipv6_addr_any(&addr->a6);
#endif
	return !addr->a4.s_addr;
}

/**
 * tcpx_ao_match() - is a key for a peer?
 * @key: key
 * @peer: peer; without an address, all of its family
 * @prefixlen: bits of the address that count
 *
 * Return: true if so
 */
bool tcpx_ao_match(const struct tcpx_ao_key *key, const struct tcpx_auth_peer *peer, u8 prefixlen)
{
	if (peer->l3index >= 0 && (key->keyflags & TCP_AO_KEYF_IFINDEX) &&
	    key->l3index != peer->l3index)
		return false;
	if (key->family != peer->family)
		return false;
	return tcpx_ao_addr_any(&key->addr, key->family) ||
	       tcpx_ao_addr_any(&peer->addr, peer->family) ||
	       tcpx_auth_prefix_equal(peer, &key->addr, prefixlen);
}

static bool tcpx_ao_has_id(const struct tcpx_ao_key *key, int sndid, int rcvid)
{
	return (sndid < 0 || key->sndid == sndid) && (rcvid < 0 || key->rcvid == rcvid);
}

/**
 * tcpx_ao_find() - a key for a peer
 * @ao: list
 * @peer: peer
 * @prefixlen: how many bits of its address are known
 * @sndid: the key's, < 0: any
 * @rcvid: same
 *
 * Context: RCU or the socket lock
 * Return: the first one, or NULL
 */
struct tcpx_ao_key *tcpx_ao_find(const struct tcpx_ao *ao, const struct tcpx_auth_peer *peer,
				 u8 prefixlen, int sndid, int rcvid)
{
	struct tcpx_ao_key *key;

	hlist_for_each_entry_rcu(key, &ao->keys, node, true)
		if (tcpx_ao_has_id(key, sndid, rcvid) &&
		    tcpx_ao_match(key, peer, min(prefixlen, key->prefixlen)))
			return key;
	return NULL;
}

/**
 * tcpx_ao_find_id() - the same where all keys are for the one peer
 * @ao: list
 * @sndid: the key's, < 0: any
 * @rcvid: same
 *
 * Context: RCU or the socket lock
 * Return: the first one, or NULL
 */
struct tcpx_ao_key *tcpx_ao_find_id(const struct tcpx_ao *ao, int sndid, int rcvid)
{
	struct tcpx_ao_key *key;

	hlist_for_each_entry_rcu(key, &ao->keys, node, true)
		if (tcpx_ao_has_id(key, sndid, rcvid))
			return key;
	return NULL;
}

/* --- traffic keys ------------------------------------------------------------------ */

/**
 * tcpx_ao_cache() - derive a connection's traffic keys
 * @sk: the connection; who may use @key by now finds its state not yet synchronized
 * @ao: its list, both initial sequence numbers known
 * @key: a key
 */
void tcpx_ao_cache(const struct sock *sk, const struct tcpx_ao *ao, struct tcpx_ao_key *key)
{
	struct tcpx_ao_conn conn = {
		.sport	= htons(sk->sk_num),
		.dport	= sk->sk_dport,
		.sisn	= ao->lisn,
		.disn	= ao->risn,
	};

	tcpx_auth_ends_of(&conn.ends, sk);
	tcpx_ao_derive(key, key->traffic[TCPX_AO_SEND], &conn);
	swap(conn.ends.saddr, conn.ends.daddr);
	swap(conn.sport, conn.dport);
	swap(conn.sisn, conn.disn);
	tcpx_ao_derive(key, key->traffic[TCPX_AO_RECV], &conn);
}

/**
 * tcpx_ao_connect_init() - a SYN will be sent
 * @sk: socket, locked, addresses and initial sequence number known
 * @ao: its list: what is for others goes
 *
 * Return: false if nothing is left
 */
bool tcpx_ao_connect_init(struct sock *sk, struct tcpx_ao *ao)
{
	struct tcpx_auth_peer peer;
	struct tcpx_ao_key *key;
	struct hlist_node *next;

	tcpx_auth_peer_of(&peer, sock_net(sk), sk);
	if (!tcpx_ao_find(ao, &peer, U8_MAX, -1, -1))
		return false;
	/* A segment of the connection before may just be choosing one of those that will go; no
	 * segment that comes now can.
	 */
	hlist_for_each_entry(key, &ao->keys, node) {
		if (!tcpx_ao_match(key, &peer, key->prefixlen)) {
			synchronize_rcu();
			break;
		}
	}
	hlist_for_each_entry_safe(key, next, &ao->keys, node) {
		if (tcpx_ao_match(key, &peer, key->prefixlen))
			continue;
		if (key == ao->current_key)
			ao->current_key = NULL;
		if (key == ao->rnext_key)
			ao->rnext_key = NULL;
		hlist_del_rcu(&key->node);
		tcpx_ao_free_key(sk, key);
	}
	key = tcpx_ao_find_id(ao, -1, -1);
	WRITE_ONCE(ao->current_key, ao->current_key ? : key);
	WRITE_ONCE(ao->rnext_key, ao->rnext_key ? : key);
	WRITE_ONCE(ao->lisn, tcpx_sk(sk)->write_seq);
	WRITE_ONCE(ao->risn, 0);
	return true;
}

void __tcpx_ao_finish_connect(struct sock *sk, u32 risn)
{
	struct tcpx_ao *ao = tcpx_ao(sk);
	struct tcpx_ao_key *key;

	if (!ao)
		return;
	WRITE_ONCE(ao->risn, risn);
	hlist_for_each_entry(key, &ao->keys, node)
		tcpx_ao_cache(sk, ao, key);
}

/* --- children ------------------------------------------------------------------------ */

/* Copies of the keys that are for the child's peer; 0, -ENOMEM, or -EKEYREJECTED: there are
 * none.
 */
static int tcpx_ao_copy_keys(struct sock *child, struct tcpx_ao *ao, const struct tcpx_ao *from)
{
	struct tcpx_ao_key *key, *copy;
	struct tcpx_auth_peer peer;

	tcpx_auth_peer_of(&peer, sock_net(child), child);
	hlist_for_each_entry_rcu(key, &from->keys, node) {
		if (!tcpx_ao_match(key, &peer, key->prefixlen))
			continue;
		copy = sock_kmalloc(child, sizeof(*copy), GFP_ATOMIC);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, key, sizeof(*copy));
		atomic64_set(&copy->pkt_good, 0);
		atomic64_set(&copy->pkt_bad, 0);
		tcpx_ao_cache(child, ao, copy);
		hlist_add_head(&copy->node, &ao->keys);
	}
	return hlist_empty(&ao->keys) ? -EKEYREJECTED : 0;
}

/**
 * tcpx_ao_inherit() - a child gets its listener's keys, if its SYN was signed
 * @child: child, locked, addresses known
 * @lsk: listener; RCU
 * @req: request
 *
 * Return: 0, or why there must be no such child: it would go on unsigned
 */
int tcpx_ao_inherit(struct sock *child, const struct sock *lsk,
		    const struct tcpx_request_sock *req)
{
	const struct tcpx_ao *from = tcpx_ao(lsk);
	struct tcpx_ao *ao;
	int err;

	if (likely(!req->used_ao))
		return 0;
	if (!from)
		return -EKEYREJECTED;
	ao = tcpx_disorder_get(child) ? tcpx_ao_alloc(GFP_ATOMIC) : NULL;
	if (!ao)
		return -ENOMEM;
	ao->lisn = req->snt_isn;
	ao->risn = req->rcv_isn;
	ao->ao_required = from->ao_required;
	ao->accept_icmps = from->accept_icmps;
	/* What of them there is goes with the child if it must not be. */
	tcpx_ao_link(child, ao);
	err = tcpx_ao_copy_keys(child, ao, from);
	if (err)
		return err;
	ao->current_key = tcpx_ao_find_id(ao, req->ao_keyid, -1) ? : tcpx_ao_find_id(ao, -1, -1);
	ao->rnext_key = tcpx_ao_find_id(ao, -1, req->ao_rcv_next) ? :
			tcpx_ao_find_id(ao, -1, -1);
	return 0;
}
