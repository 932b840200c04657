// SPDX-License-Identifier: GPL-2.0
/*
 * Active open over IPv4: route, addresses, port, initial sequence number. The SYN
 * itself is output.c's.
 */
#include <net/inet_hashtables.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "tcpx.h"

/**
 * tcpx_v4_pre_connect() - ask the cgroup's program (proto.pre_connect)
 * @sk: socket
 * @uaddr: destination, may be changed
 * @addr_len: its length, bytes
 *
 * Context: socket lock.
 * Return: 0; -EINVAL if the program would read beyond the address; its -errno.
 */
int tcpx_v4_pre_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len)
{
	if (addr_len < sizeof(struct sockaddr_in))
		return -EINVAL;
	sock_owned_by_me(sk);
	return compat_cgroup_connect4(sk, uaddr, &addr_len);
}

/**
 * tcpx_setup_caps() - commit a socket to a route
 * @sk: socket
 * @dst: the route; the reference goes to the socket
 *
 * sk_setup_caps() lets only IPPROTO_TCP segment in software where the device
 * does not ask for it. We can do so too: it is what the send queue is made for.
 *
 * Context: socket lock.
 */
void tcpx_setup_caps(struct sock *sk, struct dst_entry *dst)
{
	const struct net_device *dev;

	sk->sk_gso_type = tcpx_sk(sk)->af_ops->gso_type;
	sk_setup_caps(sk, dst);
	if (sk_can_gso(sk) || sk->sk_gso_disabled)
		return;
	/* IPsec without offload wants single packets. */
	if (dst->header_len && !xfrm_dst_offload_ok(dst))
		return;

	rcu_read_lock();
	dev = dst_dev_rcu(dst);
	sk->sk_route_caps |= NETIF_F_GSO | NETIF_F_GSO_SOFTWARE | NETIF_F_SG | NETIF_F_HW_CSUM;
	sk->sk_gso_max_size = min_t(u32, READ_ONCE(dev->gso_max_size), GSO_LEGACY_MAX_SIZE) -
			      (MAX_TCP_HEADER + 1);
	sk->sk_gso_max_segs = max_t(u32, READ_ONCE(dev->gso_max_segs), 1);
	rcu_read_unlock();
}

/* The first route: to the destination or the first hop of a source route, any
 * port. Chooses the source address, and the destination if that is 0.
 */
static struct rtable *tcpx_v4_first_route(struct sock *sk, struct flowi4 *fl4,
					  const struct sockaddr_in *usin,
					  const struct ip_options_rcu *opt)
{
	__be32 nexthop = usin->sin_addr.s_addr;
	struct inet_sock *inet = inet_sk(sk);
	struct rtable *rt;

	if (opt && opt->opt.srr) {
		if (!nexthop)
			return ERR_PTR(-EINVAL);
		nexthop = opt->opt.faddr;
	}
	rt = ip_route_connect(fl4, nexthop, inet->inet_saddr, sk->sk_bound_dev_if,
			      IPPROTO_TCP, inet->inet_sport, usin->sin_port, sk);
	if (IS_ERR(rt)) {
		if (PTR_ERR(rt) == -ENETUNREACH)
			IP_INC_STATS(sock_net(sk), IPSTATS_MIB_OUTNOROUTES);
		return rt;
	}
	if (rt->rt_flags & (RTCF_MULTICAST | RTCF_BROADCAST)) {
		ip_rt_put(rt);
		return ERR_PTR(-ENETUNREACH);
	}
	return rt;
}

/* Give the socket its two ends; the local port may still be missing. */
static void tcpx_v4_set_ends(struct sock *sk, __be32 saddr, __be32 daddr, __be16 dport)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!inet->inet_saddr)
		inet->inet_saddr = saddr;
	sk_rcv_saddr_set(sk, inet->inet_saddr);

	/* What we know of another peer's clock does not hold for this one. */
	if (tp->rx_opt.ts_recent_stamp && inet->inet_daddr != daddr) {
		tp->rx_opt.ts_recent = 0;
		tp->rx_opt.ts_recent_stamp = 0;
		WRITE_ONCE(tp->write_seq, 0);
	}
	inet->inet_dport = dport;
	sk_daddr_set(sk, daddr);
}

/* rfc6528, unless the numbers continue those of a TIME_WAIT (rfc6191). */
static void tcpx_v4_choose_isn(struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_isn isn;

	isn = tcpx_v4_isn(sock_net(sk), inet->inet_saddr, inet->inet_daddr,
			  inet->inet_sport, inet->inet_dport);
	if (!tp->write_seq)
		WRITE_ONCE(tp->write_seq, isn.seq);
	WRITE_ONCE(tp->tsoffset, isn.ts_off);
	atomic_set(&inet_sk(sk)->inet_id, get_random_u16());
}

/* As before connect(), but a port that was bound stays. */
static void tcpx_v4_connect_undo(struct sock *sk)
{
	tcpx_set_state(sk, TCP_CLOSE);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		inet_reset_saddr(sk);
	sk->sk_route_caps = 0;
	inet_sk(sk)->inet_dport = 0;
}

/* From SYN_SENT on; @rt is consumed. */
static int tcpx_v4_open(struct sock *sk, struct flowi4 *fl4, struct rtable *rt,
			__be16 orig_sport, __be16 dport)
{
	struct inet_sock *inet = inet_sk(sk);
	int err;

	/* Hashed in this state, before the port is known to anybody else. */
	tcpx_set_state(sk, TCP_SYN_SENT);
	err = tcpx_hash_connect(sk);
	if (err) {
		ip_rt_put(rt);
		return err;
	}
	sk_set_txhash(sk);

	/* Again, with the ports: IPsec and policy rules may look at them. */
	rt = ip_route_newports(fl4, rt, orig_sport, dport, inet->inet_sport,
			       inet->inet_dport, sk);
	if (IS_ERR(rt))
		return PTR_ERR(rt);
	tcpx_setup_caps(sk, &rt->dst);
	tcpx_v4_choose_isn(sk);
	return tcpx_connect(sk);
}

/**
 * tcpx_v4_connect() - open a connection over IPv4 (proto.connect)
 * @sk: socket in CLOSE
 * @uaddr: struct sockaddr_in of the peer; address 0 means this host
 * @addr_len: its length, bytes
 *
 * rfc9293#section-3.10.1, active OPEN. Sends the SYN and does not wait.
 *
 * Context: socket lock; may sleep.
 * Return: 0; -EINVAL, -EAFNOSUPPORT (bad address), -ENETUNREACH, -EHOSTUNREACH and
 * others of routing, -EADDRNOTAVAIL (no port, or the connection exists), -ENOBUFS.
 */
int tcpx_v4_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len)
{
	const struct sockaddr_in *usin = (const struct sockaddr_in *)uaddr;
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 fl4 = {};
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct ip_options_rcu *opt;
	__be16 orig_sport;
	struct rtable *rt;
	__be32 daddr;
	int err;

	if (addr_len < sizeof(struct sockaddr_in))
		return -EINVAL;
	if (usin->sin_family != AF_INET)
		return -EAFNOSUPPORT;

	opt = rcu_dereference_protected(inet->inet_opt, lockdep_sock_is_held(sk));
	orig_sport = inet->inet_sport;
	rt = tcpx_v4_first_route(sk, &fl4, usin, opt);
	if (IS_ERR(rt))
		return PTR_ERR(rt);

	daddr = opt && opt->opt.srr ? usin->sin_addr.s_addr : fl4.daddr;
	tcpx_v4_set_ends(sk, fl4.saddr, daddr, usin->sin_port);
	tp->ext_hdr_len = opt ? opt->opt.optlen : 0;
	tp->rx_opt.mss_clamp = TCP_MSS_DEFAULT;

	err = tcpx_v4_open(sk, &fl4, rt, orig_sport, usin->sin_port);
	if (err)
		tcpx_v4_connect_undo(sk);
	return err;
}
