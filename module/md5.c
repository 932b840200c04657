// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: signatures of segments by MD5 and a shared key, rfc2385; BGP uses them.
 *
 * A socket has a list of keys, each for peers of an address or prefix (TCP_MD5SIG,
 * TCP_MD5SIG_EXT). A child gets the key that its listener has for its peer, a TIME_WAIT entry
 * that of its socket; auth.c has what is common to the ways of signing. The socket lock
 * protects a list; who receives reads it under RCU.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/l3mdev.h>

#include "tcpx.h"

/**
 * struct tcpx_md5_key - a key for some peers
 * @node: in tcpx_disorder.md5sig
 * @rcu: to free it
 * @addr: of the peers, up to @prefixlen
 * @l3index: their VRF, 0: any; unless @ifindex
 * @ifindex: those outside of a VRF are not meant if @l3index is 0
 * @family: AF_INET for mapped addresses too
 * @prefixlen: bits of @addr that count
 * @keylen: bytes of @key; lockless readers
 * @key: the secret
 */
struct tcpx_md5_key {
	struct hlist_node	node;
	struct rcu_head		rcu;
	union tcp_md5_addr	addr;
	int			l3index;
	bool			ifindex;
	u8			family;
	u8			prefixlen;
	u8			keylen;
	u8			key[TCP_MD5SIG_MAXKEYLEN];
};

static DEFINE_MUTEX(tcpx_md5_mutex);		/* makes tcpx_md5_alg, once */
static struct compat_md5_alg tcpx_md5_alg;

/* --- keys of a socket ---------------------------------------------------------- */

static bool tcpx_md5_match(const struct tcpx_md5_key *key, const struct tcpx_auth_peer *peer)
{
	if (key->family != peer->family ||
	    (key->ifindex && peer->l3index >= 0 && key->l3index != peer->l3index))
		return false;
	return tcpx_auth_prefix_equal(peer, &key->addr, key->prefixlen);
}

/* A key of the peer's VRF beats all others, then the longer prefix does. */
static bool tcpx_md5_better(const struct tcpx_md5_key *key, const struct tcpx_md5_key *best)
{
	if (!best)
		return true;
	if (!key->l3index != !best->l3index)
		return key->l3index;
	return key->prefixlen > best->prefixlen;
}

/**
 * tcpx_md5_find() - the key that a socket has for a peer
 * @sk: socket
 * @peer: peer
 *
 * Context: RCU or the lock of @sk
 * Return: key or NULL
 */
const struct tcpx_md5_key *tcpx_md5_find(const struct sock *sk, const struct tcpx_auth_peer *peer)
{
	const struct tcpx_md5_key *key, *best = NULL;
	const struct hlist_head *keys = tcpx_md5_keys(sk);

	if (!keys)
		return NULL;
	hlist_for_each_entry_rcu(key, keys, node, lockdep_sock_is_held(sk))
		if (tcpx_md5_match(key, peer) && tcpx_md5_better(key, best))
			best = key;
	return best;
}

/**
 * tcpx_md5_diag() - the keys of a socket, for sock_diag
 * @sk: socket
 * @out: the first of them, zeroed before, or NULL to count
 * @n: how many there is room for
 *
 * Context: RCU; keys may come and go
 * Return: how many there are, or how many of @out are filled
 */
unsigned int tcpx_md5_diag(const struct sock *sk, struct tcp_diag_md5sig *out, unsigned int n)
{
	const struct hlist_head *keys = tcpx_md5_keys(sk);
	const struct tcpx_md5_key *key;
	unsigned int i = 0;

	if (!keys)
		return 0;
	hlist_for_each_entry_rcu(key, keys, node) {
		if (out) {
			if (i == n)
				break;
			out[i].tcpm_family = key->family;
			out[i].tcpm_prefixlen = key->prefixlen;
			out[i].tcpm_keylen = READ_ONCE(key->keylen);
			if (key->family == AF_INET6)
				memcpy(out[i].tcpm_addr, &key->addr.a6, sizeof(key->addr.a6));
			else
				out[i].tcpm_addr[0] = key->addr.a4.s_addr;
			/* One that is being changed is told as a mixture. */
			data_race(memcpy(out[i].tcpm_key, key->key, out[i].tcpm_keylen));
		}
		i++;
	}
	return i;
}

/* The one that was set by just these words; socket lock. */
static struct tcpx_md5_key *tcpx_md5_find_exact(const struct sock *sk,
						const struct tcpx_md5_key *like)
{
	size_t size = like->family == AF_INET6 ? sizeof(like->addr.a6) : sizeof(like->addr.a4);
	const struct hlist_head *keys = tcpx_md5_keys(sk);
	struct tcpx_md5_key *key;

	if (!keys)
		return NULL;
	hlist_for_each_entry(key, keys, node)
		if (key->family == like->family && key->ifindex == like->ifindex &&
		    key->l3index == like->l3index && key->prefixlen == like->prefixlen &&
		    !memcmp(&key->addr, &like->addr, size))
			return key;
	return NULL;
}

/* Copies @like; 0 or -ENOMEM. Socket lock. */
static int tcpx_md5_add(struct sock *sk, const struct tcpx_md5_key *like, gfp_t gfp)
{
	struct tcpx_md5_key *key = tcpx_md5_find_exact(sk, like);
	struct tcpx_disorder *d;

	if (key) {
		/* Who signs meanwhile may get a mixture: as good as either, for a peer
		 * whose key is being changed.
		 */
		data_race(memcpy(key->key, like->key, like->keylen));
		WRITE_ONCE(key->keylen, like->keylen);
		return 0;
	}
	d = tcpx_disorder_get(sk);
	key = d ? sock_kmalloc(sk, sizeof(*key), gfp) : NULL;
	if (!key)
		return -ENOMEM;
	memcpy(key, like, sizeof(*key));
	tcpx_auth_no_gso(sk);
	hlist_add_head_rcu(&key->node, &d->md5sig);
	return 0;
}

static void tcpx_md5_free(struct sock *sk, struct tcpx_md5_key *key)
{
	hlist_del_rcu(&key->node);
	atomic_sub(sizeof(*key), &sk->sk_omem_alloc);
	kfree_rcu(key, rcu);
}

/**
 * tcpx_md5_destroy() - the keys of a socket that nobody uses any more
 * @sk: socket
 *
 * Context: the end of its last reference
 */
void tcpx_md5_destroy(struct sock *sk)
{
	struct hlist_head *keys = tcpx_md5_keys(sk);
	struct tcpx_md5_key *key;
	struct hlist_node *next;

	if (likely(!keys))
		return;
	hlist_for_each_entry_safe(key, next, keys, node)
		tcpx_md5_free(sk, key);
}

/* --- TCP_MD5SIG, TCP_MD5SIG_EXT -------------------------------------------------- */

/* With the first key on this host. */
static int tcpx_md5_start(void)
{
	int err;

	mutex_lock(&tcpx_md5_mutex);
	err = compat_md5_get(&tcpx_md5_alg);
	if (!err)
		static_branch_enable(&tcpx_auth_needed);
	mutex_unlock(&tcpx_md5_mutex);
	return err;
}

/* Whose key it is. An IPv6 socket names IPv4's peers by mapped addresses. */
static int tcpx_md5_parse_addr(const struct sock *sk, const struct tcp_md5sig *cmd,
			       struct tcpx_md5_key *key)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)&cmd->tcpm_addr;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&cmd->tcpm_addr;

	if (cmd->tcpm_addr.ss_family != sk->sk_family)
		return -EINVAL;
	key->family = AF_INET;
	key->prefixlen = 32;
	if (!tcpx_sk_is_v6(sk)) {
		key->addr.a4 = sin->sin_addr;
	} else if (ipv6_addr_v4mapped(&sin6->sin6_addr)) {
		key->addr.a4.s_addr = sin6->sin6_addr.s6_addr32[3];
	} else {
		key->family = AF_INET6;
		key->prefixlen = 128;
#if IS_ENABLED(CONFIG_IPV6)
		key->addr.a6 = sin6->sin6_addr;
#endif
	}
	return 0;
}

/* What only TCP_MD5SIG_EXT can say. */
static int tcpx_md5_parse_ext(const struct sock *sk, const struct tcp_md5sig *cmd,
			      struct tcpx_md5_key *key)
{
	const struct net_device *dev;

	if (cmd->tcpm_flags & TCP_MD5SIG_FLAG_PREFIX) {
		if (cmd->tcpm_prefixlen > key->prefixlen)
			return -EINVAL;
		key->prefixlen = cmd->tcpm_prefixlen;
	}
	if (!cmd->tcpm_ifindex || !key->ifindex)
		return 0;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(sk), cmd->tcpm_ifindex);
	if (dev && netif_is_l3_master(dev))
		key->l3index = dev->ifindex;
	rcu_read_unlock();
	return key->l3index ? 0 : -EINVAL;
}

static int tcpx_md5_del(struct sock *sk, const struct tcpx_md5_key *like)
{
	struct tcpx_md5_key *key = tcpx_md5_find_exact(sk, like);

	if (!key)
		return -ENOENT;
	tcpx_md5_free(sk, key);
	return 0;
}

/* Has the peer of a key another way of signing? */
static bool tcpx_md5_ao_wanted(const struct sock *sk, const struct tcpx_md5_key *key)
{
	const struct tcpx_auth_peer peer = {
		.addr = key->addr, .family = key->family,
		.l3index = key->ifindex ? key->l3index : -1,
	};

	return tcpx_ao_wanted(tcpx_ao(sk), &peer);
}

/**
 * tcpx_md5_set() - TCP_MD5SIG, TCP_MD5SIG_EXT: set, change or (key length 0) delete a key
 * @sk: socket, in any state
 * @ext: the latter: it may be of a prefix or a VRF
 * @optval: struct tcp_md5sig
 * @optlen: its length
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL: too short, address of another family, prefix or key too long, no such
 * VRF; -EFAULT; -ENOENT: nothing to delete; -ENOMEM, also if the host has no MD5 or the
 * socket too many keys (net.core.optmem_max); -EOPNOTSUPP if this host must not use MD5;
 * -EKEYREJECTED if what such a peer sends must be signed by rfc5925
 */
int tcpx_md5_set(struct sock *sk, bool ext, sockptr_t optval, unsigned int optlen)
{
	struct tcpx_md5_key key = {};
	struct tcp_md5sig cmd;
	int err;

	/* In this order, as kernel TCP. */
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&cmd, optval, min_t(size_t, optlen, sizeof(cmd))))
		return -EFAULT;
	if (optlen < sizeof(cmd))
		return -EINVAL;
	err = tcpx_md5_parse_addr(sk, &cmd, &key);
	if (err)
		return err;
	key.ifindex = cmd.tcpm_flags & TCP_MD5SIG_FLAG_IFINDEX;
	err = ext ? tcpx_md5_parse_ext(sk, &cmd, &key) : 0;
	if (err)
		return err;
	if (cmd.tcpm_keylen > TCP_MD5SIG_MAXKEYLEN)
		return -EINVAL;
	key.keylen = cmd.tcpm_keylen;
	memcpy(key.key, cmd.tcpm_key, key.keylen);
	err = key.keylen ? tcpx_md5_start() : 0;
	if (!err) {
		lock_sock(sk);
		if (!key.keylen)
			err = tcpx_md5_del(sk, &key);
		else if (tcpx_md5_ao_wanted(sk, &key))
			err = -EKEYREJECTED;
		else
			err = tcpx_md5_add(sk, &key, GFP_KERNEL);
		release_sock(sk);
	}
	memzero_explicit(&key, sizeof(key));
	memzero_explicit(&cmd, sizeof(cmd));
	return err;
}

/* --- whose key ---------------------------------------------------------------------- */

/**
 * __tcpx_md5_lookup() - the key that a socket has for a connection's peer
 * @sk: socket whose keys they are
 * @addr_sk: the connection: that socket, or a request sock
 *
 * Context: RCU or the lock of @sk
 * Return: key or NULL
 */
const struct tcpx_md5_key *__tcpx_md5_lookup(const struct sock *sk, const struct sock *addr_sk)
{
	struct tcpx_auth_peer peer;

	tcpx_auth_peer_of(&peer, sock_net(sk), addr_sk);
	return tcpx_md5_find(sk, &peer);
}

/* The key for the sender of a segment; RCU. */
static const struct tcpx_md5_key *tcpx_md5_lookup_skb(const struct sock *sk,
						      const struct sk_buff *skb, int l3index)
{
	struct tcpx_auth_peer peer;

	if (!tcpx_md5_keys(sk))
		return NULL;
	tcpx_auth_sender(&peer, skb, l3index);
	return tcpx_md5_find(sk, &peer);
}

/**
 * tcpx_md5_reply_key() - key to sign an answer with that no socket sends
 * @sk: socket concerned, of any kind
 * @skb: the segment that is answered, TCPX_CB filled
 *
 * Context: RCU
 * Return: key or NULL
 */
const struct tcpx_md5_key *tcpx_md5_reply_key(const struct sock *sk, const struct sk_buff *skb)
{
	if (sk->sk_state == TCP_TIME_WAIT)
		return tcpx_tw_md5_key(tcpx_twsk(sk));
	return sk_fullsock(sk) ? tcpx_md5_lookup_skb(sk, skb, tcpx_auth_l3index_cb(skb)) : NULL;
}

/**
 * tcpx_md5_inherit() - a child gets the key for its peer
 * @child: child, locked
 * @lsk: listener; RCU
 * @req: request, for the addresses
 *
 * Return: 0, or -ENOMEM: there must be no such child, for without the key it would take
 * what nobody has signed.
 */
int tcpx_md5_inherit(struct sock *child, const struct sock *lsk,
		     const struct tcpx_request_sock *req)
{
	const struct sock *rsk = (const struct sock *)req;
	const struct tcpx_md5_key *key = tcpx_md5_lookup(lsk, rsk);
	struct tcpx_auth_peer peer;
	struct tcpx_md5_key own;
	int err;

	if (likely(!key))
		return 0;
	tcpx_auth_peer_of(&peer, sock_net(lsk), rsk);
	own = *key;
	own.addr = peer.addr;
	own.l3index = peer.l3index;
	own.prefixlen = peer.family == AF_INET6 ? 128 : 32;
	err = tcpx_md5_add(child, &own, GFP_ATOMIC);
	memzero_explicit(&own, sizeof(own));
	return err;
}

/**
 * tcpx_md5_copy_key() - a copy of a connection's key for its TIME_WAIT entry
 * @sk: socket, locked
 *
 * Return: what kfree() takes, NULL if there is no key or no memory
 */
const struct tcpx_md5_key *tcpx_md5_copy_key(const struct sock *sk)
{
	const struct tcpx_md5_key *key = tcpx_md5_lookup(sk, sk);

	return unlikely(key) ? kmemdup(key, sizeof(*key), GFP_ATOMIC) : NULL;
}

/* --- signatures ---------------------------------------------------------------------- */

static void tcpx_md5_update(void *md5, const void *data, unsigned int len)
{
	compat_md5_update(md5, data, len);
}

/*
 * Of a segment whose header is linear. Where the host's MD5 fails it is all zero, and
 * false is returned.
 */
static bool tcpx_md5_hash(u8 *hash, const struct tcpx_md5_key *key,
			  const struct tcpx_auth_ends *ends, const struct sk_buff *skb)
{
	struct tcphdr bare = *tcp_hdr(skb);
	struct compat_md5 md5;

	compat_md5_init(&md5, &tcpx_md5_alg);
	/* rfc2385#section-2.0, 1 */
	tcpx_auth_pseudo(tcpx_md5_update, &md5, ends, skb);
	/* 2: without options, and as if there were no checksum */
	bare.check = 0;
	compat_md5_update(&md5, &bare, sizeof(bare));
	/* 3 */
	tcpx_auth_data(tcpx_md5_update, &md5, skb);
	/* 4: the key */
	compat_md5_update(&md5, key->key, READ_ONCE(key->keylen));
	if (!compat_md5_final(&md5, hash))
		return true;
	memset(hash, 0, TCPX_MD5_SIZE);
	return false;
}

/* The option is the first one, see tcpx_options_write() and tcpx_reply_skb(). */
static u8 *tcpx_md5_place(struct sk_buff *skb)
{
	return (u8 *)(tcp_hdr(skb) + 1) + TCPOLEN_MD5SIG_ALIGNED - TCPX_MD5_SIZE;
}

/**
 * tcpx_md5_sign() - sign a segment
 * @skb: segment, header complete but for the checksum, whose first option is the signature
 * @key: key
 * @ends: addresses of the segment
 */
void tcpx_md5_sign(struct sk_buff *skb, const struct tcpx_md5_key *key,
		   const struct tcpx_auth_ends *ends)
{
	tcpx_md5_hash(tcpx_md5_place(skb), key, ends, skb);
}

/* Is @hash what the segment should have? */
static bool tcpx_md5_valid(const struct tcpx_md5_key *key, const struct sk_buff *skb,
			   const u8 *hash)
{
	struct tcpx_auth_ends ends;
	u8 want[TCPX_MD5_SIZE];

	tcpx_auth_ends_of_skb(&ends, skb);
	return tcpx_md5_hash(want, key, &ends, skb) && !crypto_memneq(hash, want, sizeof(want));
}

/* --- segments that arrive -------------------------------------------------------------- */

/* 0, or why a segment is dropped: rfc2385#section-2.0 says that nobody is told. */
static enum skb_drop_reason tcpx_md5_judge(struct net *net, const struct tcpx_md5_key *key,
					   const struct sk_buff *skb, const u8 *hash)
{
	if (likely(!key && !hash))
		return 0;
	if (!hash) {
		TCPX_NET_INC(net, LINUX_MIB_TCPMD5NOTFOUND);
		return SKB_DROP_REASON_TCP_MD5NOTFOUND;
	}
	if (!key) {
		TCPX_NET_INC(net, LINUX_MIB_TCPMD5UNEXPECTED);
		return SKB_DROP_REASON_TCP_MD5UNEXPECTED;
	}
	if (tcpx_md5_valid(key, skb, hash))
		return 0;
	TCPX_NET_INC(net, LINUX_MIB_TCPMD5FAILURE);
	return SKB_DROP_REASON_TCP_MD5FAILURE;
}

/**
 * tcpx_md5_inbound() - may a segment pass, as to this signature?
 * @sk: full socket, not locked; of a half-open connection: its listener
 * @skb: segment, header linear, checksum verified, the IP layer's control block in place
 * @hash: digest in it, or NULL
 *
 * Context: softirq, RCU
 * Return: 0, or why not
 */
enum skb_drop_reason tcpx_md5_inbound(const struct sock *sk, const struct sk_buff *skb,
				      const u8 *hash)
{
	const struct tcpx_md5_key *key = NULL;

	if (static_branch_unlikely(&tcpx_auth_needed))
		key = tcpx_md5_lookup_skb(sk, skb, tcpx_auth_l3index(skb));
	return tcpx_md5_judge(sock_net(sk), key, skb, hash);
}

/**
 * tcpx_md5_tw_inbound() - the same at a TIME_WAIT entry
 * @tw: the entry, which has a key
 * @skb: segment
 * @hash: digest in it, or NULL
 *
 * Return: 0, or why it may not pass
 */
enum skb_drop_reason tcpx_md5_tw_inbound(const struct tcpx_timewait_sock *tw,
					 const struct sk_buff *skb, const u8 *hash)
{
	return tcpx_md5_judge(read_pnet(&tw->__tw_common.skc_net), tcpx_tw_md5_key(tw), skb,
			      hash);
}

/**
 * tcpx_md5_stray() - is a segment of no connection signed for us to answer it?
 * @lsk: listener on its port
 * @skb: segment that kernel TCP would answer else, without the key
 *
 * The peer of a signed connection that we have forgotten believes only a signed RST.
 *
 * Context: softirq, RCU
 * Return: true if the listener has the key that it was signed with
 */
bool tcpx_md5_stray(const struct sock *lsk, struct sk_buff *skb)
{
	const struct tcpx_md5_key *key;
	const u8 *hash, *ao;

	if (!static_branch_unlikely(&tcpx_auth_needed) || !tcpx_md5_keys(lsk) ||
	    tcp_hdr(skb)->rst || !pskb_may_pull(skb, tcp_hdr(skb)->doff * 4))
		return false;
	key = tcpx_md5_lookup_skb(lsk, skb, tcpx_auth_l3index(skb));
	return key && tcpx_auth_options(tcp_hdr(skb), &hash, &ao) && hash &&
	       tcpx_md5_valid(key, skb, hash);
}

/**
 * tcpx_md5_exit() - no socket is left
 */
void tcpx_md5_exit(void)
{
	compat_md5_put(&tcpx_md5_alg);
}
