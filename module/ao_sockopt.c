// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the socket options of rfc5925: TCP_AO_ADD_KEY, TCP_AO_DEL_KEY, TCP_AO_INFO,
 * TCP_AO_GET_KEYS, TCP_AO_REPAIR. What they refuse, and in which order, is as with kernel TCP.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>

#include "tcpx.h"

/* --- what they have in common --------------------------------------------------- */

/*
 * A struct of which the user may know less, or more as long as that is 0 (else -E2BIG). The
 * kernel's copy_struct_from_sockptr() is not in all, and wrong in some.
 */
static int tcpx_ao_copy_struct(void *to, size_t size, sockptr_t optval, size_t optlen)
{
	if (!sockptr_is_kernel(optval))
		return copy_struct_from_user(to, size, optval.user, optlen);
	if (optlen > size && memchr_inv(optval.kernel + size, 0, optlen - size))
		return -E2BIG;
	memset(to, 0, size);
	memcpy(to, optval.kernel, min(size, optlen));
	return 0;
}

/* A socket that listens has neither of the two, its children have. */
static bool tcpx_ao_no_current(const struct sock *sk)
{
	return sk->sk_state == TCP_LISTEN;
}

/* Nothing has been sent, nothing will be. */
static bool tcpx_ao_idle(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE);
}

/*
 * Begin to set an option: take the lock, also if it fails, and get its struct. A connection
 * that began unsigned remains so.
 */
static int tcpx_ao_begin(struct sock *sk, void *cmd, size_t size, sockptr_t optval,
			 unsigned int optlen)
{
	int val;

	sockopt_lock_sock(sk);
	if (optlen < sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (!tcpx_ao_idle(sk) && !tcpx_ao(sk))
		return -EISCONN;
	if (optlen < size)
		return -EINVAL;
	return tcpx_ao_copy_struct(cmd, size, optval, optlen);
}

/* sockaddr to peer; IPv4's addresses of an IPv6 socket are mapped ones. */
static void tcpx_ao_parse_addr(struct tcpx_auth_peer *peer, const void *addr, bool v6)
{
	const struct sockaddr_in6 *sin6 = addr;
	const struct sockaddr_in *sin = addr;

	memset(&peer->addr, 0, sizeof(peer->addr));
	peer->family = AF_INET;
	peer->l3index = 0;
	if (!v6) {
		peer->addr.a4 = sin->sin_addr;
	} else if (ipv6_addr_v4mapped(&sin6->sin6_addr)) {
		peer->addr.a4.s_addr = sin6->sin6_addr.s6_addr32[3];
	} else {
		peer->family = AF_INET6;
#if IS_ENABLED(CONFIG_IPV6)
		peer->addr.a6 = sin6->sin6_addr;
#endif
	}
}

/* Has the address its first @prefixlen bits only, and are there so many? */
static bool tcpx_ao_prefix_ok(const struct tcpx_auth_peer *peer, u8 prefixlen)
{
	if (peer->family == AF_INET) {
		if (prefixlen > 32 || !prefixlen != !peer->addr.a4.s_addr)
			return false;
		return !(peer->addr.a4.s_addr & ~inet_make_mask(prefixlen));
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (prefixlen <= 128 && !prefixlen == ipv6_addr_any(&peer->addr.a6)) {
		struct in6_addr prefix;

		ipv6_addr_prefix(&prefix, &peer->addr.a6, prefixlen);
		return ipv6_addr_equal(&prefix, &peer->addr.a6);
	}
#endif
	return false;
}

/* The keys that current_key and rnext of a command name; false: there is no such. */
static bool tcpx_ao_named(const struct tcpx_ao *ao, bool set_current, u8 sndid, bool set_rnext,
			  u8 rcvid, struct tcpx_ao_key **current_key, struct tcpx_ao_key **rnext)
{
	*current_key = set_current ? tcpx_ao_find_id(ao, sndid, -1) : NULL;
	*rnext = set_rnext ? tcpx_ao_find_id(ao, -1, rcvid) : NULL;
	return (!set_current || *current_key) && (!set_rnext || *rnext);
}

static void tcpx_ao_choose(struct tcpx_ao *ao, struct tcpx_ao_key *current_key,
			   struct tcpx_ao_key *rnext)
{
	if (current_key)
		WRITE_ONCE(ao->current_key, current_key);
	if (rnext)
		WRITE_ONCE(ao->rnext_key, rnext);
}

/* The list of a socket, made if there is none: *@first then, and the caller links it. */
static struct tcpx_ao *tcpx_ao_get(struct sock *sk, bool *first)
{
	struct tcpx_ao *ao = tcpx_ao(sk);

	*first = !ao;
	if (ao)
		return ao;
	return tcpx_disorder_get(sk) ? tcpx_ao_alloc(GFP_KERNEL) : NULL;
}

/* --- TCP_AO_ADD_KEY ---------------------------------------------------------------- */

/* Whose key it is. */
static int tcpx_ao_add_addr(const struct sock *sk, const struct tcp_ao_add *cmd,
			    struct tcpx_auth_peer *peer)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&cmd->addr;
	struct tcpx_auth_peer known;
	bool v6 = tcpx_sk_is_v6(sk);
	bool connected = sk->sk_daddr;

	/* The port is in the same place. */
	if (cmd->addr.ss_family != sk->sk_family || sin->sin_port)
		return -EINVAL;
	tcpx_ao_parse_addr(peer, &cmd->addr, v6);
	/* The mapped address of 0 is that, as no prefix is one of IPv6. */
	if (v6 && peer->family == AF_INET && !cmd->prefix)
		return -EINVAL;
	if (!tcpx_ao_prefix_ok(peer, cmd->prefix))
		return -EINVAL;
#if IS_ENABLED(CONFIG_IPV6)
	connected = connected || (v6 && !ipv6_addr_any(&sk->sk_v6_daddr));
#endif
	if (!connected || !cmd->prefix)
		return 0;
	tcpx_auth_peer_of(&known, sock_net(sk), sk);
	return known.family == peer->family &&
	       tcpx_auth_prefix_equal(&known, &peer->addr, cmd->prefix) ? 0 : -EINVAL;
}

/* The VRF. A connection is of one for good. */
static int tcpx_ao_add_l3index(const struct sock *sk, const struct tcp_ao_add *cmd,
			       struct tcpx_auth_peer *peer)
{
	int bound = READ_ONCE(sk->sk_bound_dev_if);
	const struct net_device *dev;
	int l3index = 0;

	if (!cmd->ifindex)
		return 0;
	if (!(cmd->keyflags & TCP_AO_KEYF_IFINDEX))
		return -EINVAL;
	rcu_read_lock();
	dev = dev_get_by_index_rcu(sock_net(sk), cmd->ifindex);
	if (dev && netif_is_l3_master(dev))
		l3index = dev->ifindex;
	rcu_read_unlock();
	if (!l3index || (bound != l3index && !tcpx_ao_idle(sk)))
		return -EINVAL;
	peer->l3index = l3index;
	return 0;
}

static int tcpx_ao_find_alg(struct tcp_ao_add *cmd)
{
	int i;

	cmd->alg_name[sizeof(cmd->alg_name) - 1] = '\0';
	/* The crypto API's name, which does not say how long the key is. */
	if (!strcmp(cmd->alg_name, "cmac(aes)") && cmd->keylen == AES_KEYSIZE_128)
		return TCPX_AO_AES_128_CMAC;
	for (i = 0; i < TCPX_AO_ALGS; i++)
		if (!strcmp(cmd->alg_name, tcpx_ao_algs[i].name))
			return i;
	return -ENOENT;
}

/* A SYN has room for the option next to MSS, timestamp, SACK-permitted and window scale. */
#define TCPX_AO_ROOM	(MAX_TCP_OPTION_SPACE - TCPOLEN_MSS_ALIGNED - TCPOLEN_TSTAMP_ALIGNED - \
			 TCPOLEN_WSCALE_ALIGNED)

/* The key itself, charged to the socket, or an error pointer. */
static struct tcpx_ao_key *tcpx_ao_make_key(struct sock *sk, struct tcp_ao_add *cmd,
					    const struct tcpx_auth_peer *peer)
{
	u8 maclen = cmd->maclen ? : TCPX_AO_MAC_DEFAULT;
	struct tcpx_ao_key *key;
	int alg = tcpx_ao_find_alg(cmd), err;

	if (alg < 0)
		return ERR_PTR(alg);
	if (round_up(TCPX_OPTLEN_AO_BASE + maclen, 4) > TCPX_AO_ROOM)
		return ERR_PTR(-EMSGSIZE);
	if (maclen > tcpx_ao_algs[alg].size)
		return ERR_PTR(-EINVAL);
	err = tcpx_ao_mac_get(alg);
	if (err)
		return ERR_PTR(err);
	key = sock_kmalloc(sk, sizeof(*key), GFP_KERNEL | __GFP_ZERO);
	if (!key)
		return ERR_PTR(-ENOMEM);
	key->addr = peer->addr;
	key->family = peer->family;
	key->l3index = peer->l3index;
	key->alg = alg;
	key->prefixlen = cmd->prefix;
	key->keyflags = cmd->keyflags;
	key->sndid = cmd->sndid;
	key->rcvid = cmd->rcvid;
	key->maclen = maclen;
	if (tcpx_ao_extract(key, cmd->key, cmd->keylen))
		return key;
	tcpx_ao_free_key(sk, key);
	return ERR_PTR(-EIO);
}

/* rfc5925#section-3.1: two keys for one peer must not have an ID in common. */
static bool tcpx_ao_overlaps(const struct tcpx_ao *ao, const struct tcpx_auth_peer *peer,
			     const struct tcp_ao_add *cmd)
{
	return tcpx_ao_find(ao, peer, cmd->prefix, -1, cmd->rcvid) ||
	       tcpx_ao_find(ao, peer, cmd->prefix, cmd->sndid, -1);
}

static int tcpx_ao_add(struct sock *sk, struct tcp_ao_add *cmd, const struct tcpx_auth_peer *peer)
{
	struct tcpx_ao_key *key;
	struct tcpx_ao *ao;
	bool first;

	ao = tcpx_ao_get(sk, &first);
	if (!ao)
		return -ENOMEM;
	key = tcpx_ao_overlaps(ao, peer, cmd) ? ERR_PTR(-EEXIST) : tcpx_ao_make_key(sk, cmd, peer);
	if (IS_ERR(key)) {
		if (first)
			tcpx_ao_put(ao);
		return PTR_ERR(key);
	}
	if (!tcpx_ao_idle(sk))
		tcpx_ao_cache(sk, ao, key);
	static_branch_enable(&tcpx_auth_needed);
	hlist_add_head_rcu(&key->node, &ao->keys);
	tcpx_ao_choose(ao, cmd->set_current ? key : NULL, cmd->set_rnext ? key : NULL);
	if (first)
		tcpx_ao_link(sk, ao);
	return 0;
}

static int tcpx_ao_add_locked(struct sock *sk, struct tcp_ao_add *cmd)
{
	const u8 known = TCP_AO_KEYF_IFINDEX | TCP_AO_KEYF_EXCLUDE_OPT;
	struct tcpx_auth_peer peer, any;
	int err;

	if (cmd->keylen > TCP_AO_MAXKEYLEN || cmd->reserved || cmd->reserved2)
		return -EINVAL;
	err = tcpx_ao_add_addr(sk, cmd, &peer);
	if (err)
		return err;
	if (cmd->keyflags & ~known)
		return -EINVAL;
	if ((cmd->set_current || cmd->set_rnext) && tcpx_ao_no_current(sk))
		return -EINVAL;
	err = tcpx_ao_add_l3index(sk, cmd, &peer);
	if (err)
		return err;
	any = peer;
	if (!(cmd->keyflags & TCP_AO_KEYF_IFINDEX))
		any.l3index = -1;
	if (tcpx_md5_find(sk, &any))
		return -EKEYREJECTED;
	return tcpx_ao_add(sk, cmd, &peer);
}

/**
 * tcpx_ao_set_add() - TCP_AO_ADD_KEY
 * @sk: socket; if it is connected, by a handshake that was signed
 * @optval: struct tcp_ao_add
 * @optlen: its length
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL; -EFAULT; -E2BIG: what is behind the struct is not 0; -EISCONN; -ENOENT:
 * no such algorithm, or not on this host; -EMSGSIZE: MAC too long for a SYN; -EEXIST: an ID is
 * in use; -EKEYREJECTED: the peer has an MD5 key; -ENOMEM; an error of the crypto API
 */
int tcpx_ao_set_add(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tcp_ao_add cmd;
	int err;

	err = tcpx_ao_begin(sk, &cmd, sizeof(cmd), optval, optlen);
	if (!err)
		err = tcpx_ao_add_locked(sk, &cmd);
	sockopt_release_sock(sk);
	memzero_explicit(&cmd, sizeof(cmd));
	return err;
}

/* --- TCP_AO_DEL_KEY ------------------------------------------------------------------ */

/* The key of just these words, which may not become Current_key or Rnext_key. */
static struct tcpx_ao_key *tcpx_ao_find_exact(const struct tcpx_ao *ao,
					      const struct tcp_ao_del *cmd,
					      const struct tcpx_auth_peer *peer)
{
	size_t size = peer->family == AF_INET6 ? sizeof(peer->addr) : sizeof(peer->addr.a4);
	struct tcpx_ao_key *key;

	hlist_for_each_entry(key, &ao->keys, node)
		if (key->sndid == cmd->sndid && key->rcvid == cmd->rcvid &&
		    key->family == peer->family && key->prefixlen == cmd->prefix &&
		    key->l3index == peer->l3index &&
		    !((key->keyflags ^ cmd->keyflags) & TCP_AO_KEYF_IFINDEX) &&
		    !memcmp(&key->addr, &peer->addr, size))
			return key;
	return NULL;
}

/*
 * A segment that is being received may make it Current_key until nobody sees it in the list
 * any more. If it is in use then, it comes back.
 */
static int tcpx_ao_del_key(struct sock *sk, struct tcpx_ao *ao, struct tcpx_ao_key *key,
			   struct tcpx_ao_key *current_key, struct tcpx_ao_key *rnext)
{
	hlist_del_rcu(&key->node);
	synchronize_rcu();
	tcpx_ao_choose(ao, current_key, rnext);
	if (READ_ONCE(ao->current_key) == key || ao->rnext_key == key) {
		hlist_add_head_rcu(&key->node, &ao->keys);
		return -EBUSY;
	}
	tcpx_ao_free_key(sk, key);
	return 0;
}

/* Of a listener: nothing can make it one of the two. */
static int tcpx_ao_del_async(struct sock *sk, struct tcpx_ao *ao, struct tcpx_ao_key *key)
{
	hlist_del_rcu(&key->node);
	if (ao->current_key == key)
		WRITE_ONCE(ao->current_key, NULL);
	if (ao->rnext_key == key)
		WRITE_ONCE(ao->rnext_key, NULL);
	tcpx_ao_free_key(sk, key);
	return 0;
}

static int tcpx_ao_del_locked(struct sock *sk, const struct tcp_ao_del *cmd)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&cmd->addr;
	struct tcpx_ao_key *key, *current_key, *rnext;
	struct tcpx_ao *ao = tcpx_ao(sk);
	struct tcpx_auth_peer peer;

	if (cmd->reserved || cmd->reserved2)
		return -EINVAL;
	if ((cmd->set_current || cmd->set_rnext) && tcpx_ao_no_current(sk))
		return -EINVAL;
	if (cmd->keyflags & ~TCP_AO_KEYF_IFINDEX ||
	    (cmd->ifindex && !(cmd->keyflags & TCP_AO_KEYF_IFINDEX)))
		return -EINVAL;
	if (!ao || !tcpx_ao_named(ao, cmd->set_current, cmd->current_key, cmd->set_rnext,
				  cmd->rnext, &current_key, &rnext))
		return -ENOENT;
	if ((cmd->del_async && sk->sk_state != TCP_LISTEN) || sin->sin_port)
		return -EINVAL;
	tcpx_ao_parse_addr(&peer, &cmd->addr, tcpx_sk_is_v6(sk));
	peer.l3index = cmd->ifindex;
	key = tcpx_ao_find_exact(ao, cmd, &peer);
	if (!key || key == current_key || key == rnext)
		return -ENOENT;
	return cmd->del_async ? tcpx_ao_del_async(sk, ao, key) :
				tcpx_ao_del_key(sk, ao, key, current_key, rnext);
}

/**
 * tcpx_ao_set_del() - TCP_AO_DEL_KEY
 * @sk: socket
 * @optval: struct tcp_ao_del
 * @optlen: its length
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL; -EFAULT; -E2BIG; -EISCONN; -ENOENT: no such key; -EBUSY: it is in use
 */
int tcpx_ao_set_del(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tcp_ao_del cmd;
	int err;

	err = tcpx_ao_begin(sk, &cmd, sizeof(cmd), optval, optlen);
	if (!err)
		err = tcpx_ao_del_locked(sk, &cmd);
	sockopt_release_sock(sk);
	return err;
}

/* --- TCP_AO_INFO ----------------------------------------------------------------------- */

static void tcpx_ao_set_counters(struct tcpx_ao *ao, const struct tcp_ao_info_opt *cmd)
{
	atomic64_set(&ao->counters[TCPX_AO_GOOD], cmd->pkt_good);
	atomic64_set(&ao->counters[TCPX_AO_BAD], cmd->pkt_bad);
	atomic64_set(&ao->counters[TCPX_AO_KEY_NOT_FOUND], cmd->pkt_key_not_found);
	atomic64_set(&ao->counters[TCPX_AO_REQUIRED], cmd->pkt_ao_required);
	atomic64_set(&ao->counters[TCPX_AO_DROPPED_ICMP], cmd->pkt_dropped_icmp);
}

static int tcpx_ao_info_locked(struct sock *sk, const struct tcp_ao_info_opt *cmd)
{
	struct tcpx_ao_key *current_key, *rnext;
	struct tcpx_ao *ao;
	bool first;
	int err = 0;

	if ((cmd->set_current || cmd->set_rnext) && tcpx_ao_no_current(sk))
		return -EINVAL;
	if (cmd->reserved || cmd->reserved2)
		return -EINVAL;
	ao = tcpx_ao_get(sk, &first);
	if (!ao)
		return -ENOMEM;
	if (cmd->ao_required && tcpx_md5_keys(sk))
		err = -EKEYREJECTED;
	else if (!tcpx_ao_named(ao, cmd->set_current, cmd->current_key, cmd->set_rnext,
				cmd->rnext, &current_key, &rnext))
		err = -ENOENT;
	if (err) {
		if (first)
			tcpx_ao_put(ao);
		return err;
	}
	if (cmd->set_counters)
		tcpx_ao_set_counters(ao, cmd);
	WRITE_ONCE(ao->ao_required, cmd->ao_required);
	WRITE_ONCE(ao->accept_icmps, cmd->accept_icmps);
	tcpx_ao_choose(ao, current_key, rnext);
	static_branch_enable(&tcpx_auth_needed);
	if (first)
		tcpx_ao_link(sk, ao);
	return 0;
}

/**
 * tcpx_ao_set_info() - TCP_AO_INFO
 * @sk: socket
 * @optval: struct tcp_ao_info_opt
 * @optlen: its length
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL; -EFAULT; -E2BIG; -EISCONN; -ENOENT: no such key; -EKEYREJECTED: the socket
 * has MD5 keys; -ENOMEM
 */
int tcpx_ao_set_info(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tcp_ao_info_opt cmd;
	int err;

	err = tcpx_ao_begin(sk, &cmd, sizeof(cmd), optval, optlen);
	if (!err)
		err = tcpx_ao_info_locked(sk, &cmd);
	sockopt_release_sock(sk);
	return err;
}

/**
 * tcpx_ao_get_info() - TCP_AO_INFO
 * @sk: socket
 * @optval: struct tcp_ao_info_opt
 * @len: its length, which is not told
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL; -EFAULT; -E2BIG; -ENOENT: nothing was ever set
 */
int tcpx_ao_get_info(struct sock *sk, void __user *optval, int *len)
{
	struct tcp_ao_info_opt in = {}, out = {};
	const struct tcpx_ao_key *key;
	const struct tcpx_ao *ao;
	int err;

	if (*len <= 0)
		return -EINVAL;
	err = tcpx_ao_copy_struct(&in, sizeof(in), USER_SOCKPTR(optval), *len);
	if (err)
		return err;
	if (in.reserved || in.reserved2)
		return -EINVAL;
	lock_sock(sk);
	ao = tcpx_ao(sk);
	if (!ao) {
		release_sock(sk);
		return -ENOENT;
	}
	out.ao_required = ao->ao_required;
	out.accept_icmps = ao->accept_icmps;
	out.pkt_good = atomic64_read(&ao->counters[TCPX_AO_GOOD]);
	out.pkt_bad = atomic64_read(&ao->counters[TCPX_AO_BAD]);
	out.pkt_key_not_found = atomic64_read(&ao->counters[TCPX_AO_KEY_NOT_FOUND]);
	out.pkt_ao_required = atomic64_read(&ao->counters[TCPX_AO_REQUIRED]);
	out.pkt_dropped_icmp = atomic64_read(&ao->counters[TCPX_AO_DROPPED_ICMP]);
	key = READ_ONCE(ao->current_key);
	out.set_current = !!key;
	out.current_key = key ? key->sndid : 0;
	key = ao->rnext_key;
	out.set_rnext = !!key;
	out.rnext = key ? key->rcvid : 0;
	release_sock(sk);
	return copy_to_user(optval, &out, min_t(size_t, *len, sizeof(out))) ? -EFAULT : 0;
}

/* --- TCP_AO_GET_KEYS --------------------------------------------------------------------- */

/* What is asked for: all keys, the two in use (and then no more), or those of a peer. */
static int tcpx_ao_get_parse(const struct tcp_ao_getsockopt *in, struct tcpx_auth_peer *peer)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)&in->addr;
	bool by_use = in->is_current || in->is_rnext;
	u16 family = in->addr.ss_family;

	if (in->pkt_good || in->pkt_bad || (in->keyflags & ~TCP_AO_KEYF_IFINDEX) ||
	    (in->ifindex && !(in->keyflags & TCP_AO_KEYF_IFINDEX)) || in->reserved ||
	    (in->get_all && by_use))
		return -EINVAL;
	if (family != AF_INET && family != AF_INET6)
		return family || !(by_use || in->get_all) ? -EAFNOSUPPORT :
		       in->prefix || in->sndid || in->rcvid ? -EINVAL : 0;
	tcpx_ao_parse_addr(peer, sin, family == AF_INET6);
	peer->l3index = in->keyflags & TCP_AO_KEYF_IFINDEX ? in->ifindex : -1;
	if (family == AF_INET6 && peer->family == AF_INET && !in->prefix)
		return -EINVAL;
	if (!tcpx_ao_prefix_ok(peer, in->prefix))
		return -EINVAL;
	return by_use || in->get_all ? -EINVAL : 0;
}

static bool tcpx_ao_get_match(const struct tcp_ao_getsockopt *in, const struct tcpx_ao_key *key,
			      const struct tcpx_ao_key *current_key,
			      const struct tcpx_ao_key *rnext, const struct tcpx_auth_peer *peer)
{
	if (in->get_all)
		return true;
	if (in->is_current || in->is_rnext)
		return (in->is_current && key == current_key) || (in->is_rnext && key == rnext);
	return key->sndid == in->sndid && key->rcvid == in->rcvid &&
	       tcpx_ao_match(key, peer, in->prefix);
}

static void tcpx_ao_get_fill(struct tcp_ao_getsockopt *out, const struct tcpx_ao_key *key)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&out->addr;
	struct sockaddr_in *sin = (struct sockaddr_in *)&out->addr;

	memset(out, 0, sizeof(*out));
	out->addr.ss_family = key->family;
	if (key->family == AF_INET)
		sin->sin_addr = key->addr.a4;
	else
		memcpy(&sin6->sin6_addr, &key->addr, sizeof(sin6->sin6_addr));
	out->sndid = key->sndid;
	out->rcvid = key->rcvid;
	out->prefix = key->prefixlen;
	out->maclen = key->maclen;
	out->keyflags = key->keyflags;
	out->keylen = key->keylen;
	out->ifindex = key->l3index;
	out->pkt_good = atomic64_read(&key->pkt_good);
	out->pkt_bad = atomic64_read(&key->pkt_bad);
	memcpy(out->key, key->key, key->keylen);
	/* The crypto API's name, as kernel TCP has it here. */
	strscpy(out->alg_name, key->alg == TCPX_AO_AES_128_CMAC ? "cmac(aes)" :
		tcpx_ao_algs[key->alg].name, sizeof(out->alg_name));
}

/* As many as there is room for; the number of those that match, or -EFAULT. Socket lock. */
static int tcpx_ao_get_copy(const struct tcpx_ao *ao, const struct tcp_ao_getsockopt *in,
			    const struct tcpx_auth_peer *peer, u8 __user *optval, int stride)
{
	const struct tcpx_ao_key *key, *current_key = READ_ONCE(ao->current_key);
	size_t size = min_t(size_t, stride, sizeof(*in));
	struct tcp_ao_getsockopt out;
	u32 matched = 0;
	int err = 0;

	hlist_for_each_entry(key, &ao->keys, node) {
		if (!tcpx_ao_get_match(in, key, current_key, ao->rnext_key, peer))
			continue;
		if (matched++ >= in->nkeys)
			continue;
		tcpx_ao_get_fill(&out, key);
		out.is_current = key == current_key;
		out.is_rnext = key == ao->rnext_key;
		if (copy_to_user(optval, &out, size))
			err = -EFAULT;
		optval += stride;
	}
	memzero_explicit(&out, sizeof(out));
	return err ? : matched;
}

/**
 * tcpx_ao_get_keys() - TCP_AO_GET_KEYS
 * @sk: socket
 * @optval: array of struct tcp_ao_getsockopt, the first of which says what is wanted and how
 *	    many there is room for, and then how many there are
 * @len: in: size of each, out: what it is for us
 *
 * Context: process; takes the socket lock
 * Return: 0; -EINVAL; -EFAULT; -E2BIG; -EAFNOSUPPORT; -ENOENT: nothing was ever set
 */
int tcpx_ao_get_keys(struct sock *sk, void __user *optval, int *len)
{
	struct tcp_ao_getsockopt in = {};
	struct tcpx_auth_peer peer = {};
	const struct tcpx_ao *ao;
	int stride = *len, n;
	u32 matched;

	lock_sock(sk);
	ao = tcpx_ao(sk);
	n = -ENOENT;
	if (!ao)
		goto out;
	n = -EINVAL;
	if (stride <= 0)
		goto out;
	n = tcpx_ao_copy_struct(&in, sizeof(in), USER_SOCKPTR(optval), stride);
	n = n ? : tcpx_ao_get_parse(&in, &peer);
	n = n ? : tcpx_ao_get_copy(ao, &in, &peer, optval, stride);
out:
	release_sock(sk);
	if (n < 0)
		return n;
	*len = sizeof(in);
	matched = n;
	return copy_to_user(optval + offsetof(struct tcp_ao_getsockopt, nkeys), &matched,
			    sizeof(matched)) ? -EFAULT : 0;
}

/* --- TCP_AO_REPAIR ------------------------------------------------------------------------- */

/* Whoever may repair connections finds that none is under repair, which TCP_REPAIR would begin. */
static int tcpx_ao_may_repair(struct sock *sk)
{
	return sockopt_ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN) &&
	       sk->sk_state != TCP_LISTEN;
}

/**
 * tcpx_ao_set_repair() - TCP_AO_REPAIR
 * @sk: socket
 * @optval: struct tcp_ao_repair
 * @optlen: its length
 *
 * Return: -EPERM, or an error that comes before
 */
int tcpx_ao_set_repair(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct tcp_ao_repair cmd;
	int val, err = 0;

	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (!tcpx_ao_may_repair(sk))
		return -EPERM;
	if (optlen < sizeof(cmd))
		return -EINVAL;
	err = tcpx_ao_copy_struct(&cmd, sizeof(cmd), optval, optlen);
	return err ? : -EPERM;
}

/**
 * tcpx_ao_get_repair() - TCP_AO_REPAIR
 * @sk: socket
 * @optval: struct tcp_ao_repair
 * @len: its length
 *
 * Return: -EPERM, or -EINVAL if it has no length
 */
int tcpx_ao_get_repair(struct sock *sk, void __user *optval, int *len)
{
	return tcpx_ao_may_repair(sk) && *len <= 0 ? -EINVAL : -EPERM;
}
