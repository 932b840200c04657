// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: what the user of an IPv6 socket sees: active open, socket options, struct
 * proto. Such a socket is also one of IPv4, see ipv6.c.
 */
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/mroute6.h>
#include <linux/security.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/inet_common.h>
#include <net/inet_ecn.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/transp_v6.h>

#include "tcpx.h"

/* --- birth and death -------------------------------------------------------------- */

/**
 * tcpx6_init_inet() - what every IPv6 socket starts with, set or not by the admin
 * @sk: new socket, its IPv4 side done
 */
void tcpx6_init_inet(struct sock *sk)
{
	struct ipv6_pinfo *np = &((struct tcpx6_sock *)sk)->inet6;
	const struct net *net = sock_net(sk);

	inet_sk(sk)->pinet6 = np;
	np->hop_limit = -1;
	np->mcast_hops = IPV6_DEFAULT_MCASTHOPS;
	np->pmtudisc = IPV6_PMTUDISC_WANT;
	compat_inet6_set(MC_LOOP, sk);
	compat_inet6_set(MC_ALL, sk);
	compat_inet6_assign(REPFLOW, sk, READ_ONCE(net->ipv6.sysctl.flowlabel_reflect) &
					 FLOWLABEL_REFLECT_ESTABLISHED);
	sk->sk_ipv6only = READ_ONCE(net->ipv6.sysctl.bindv6only);
}

/* sk_destruct, also of one that IPV6_ADDRFORM made an IPv4 socket. */
static void tcpx6_sock_destruct(struct sock *sk)
{
	tcpx_sock_free_parts(sk);
	inet6_sock_destruct(sk);
	tcpx_active_put();
}

static int tcpx6_init_sock(struct sock *sk)
{
	int err = tcpx_init_sock(sk);

	sk->sk_destruct = tcpx6_sock_destruct;
	tcpx_sk(sk)->af_ops = &tcpx_ipv6_ops;
	return err;
}

/* --- connect() -------------------------------------------------------------------- */

/* Ask the cgroup's program (proto.pre_connect); see tcpx_v4_pre_connect(). */
static int tcpx_v6_pre_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len)
{
	if (addr_len < SIN6_LEN_RFC2133)
		return -EINVAL;
	sock_owned_by_me(sk);
	return compat_cgroup_connect6(sk, uaddr, &addr_len);
}

/* The flow label that the user wants (IPV6_FLOWINFO_SEND), if it may be his. */
static int tcpx_v6_connect_label(struct sock *sk, const struct sockaddr_in6 *usin,
				 __be32 *label)
{
	struct ip6_flowlabel *fl;

	*label = 0;
	if (!compat_inet6_test(SNDFLOW, sk))
		return 0;
	*label = usin->sin6_flowinfo & IPV6_FLOWINFO_MASK;
	IP6_ECN_flow_init(*label);
	if (!(*label & IPV6_FLOWLABEL_MASK))
		return 0;
	fl = fl6_sock_lookup(sk, *label);
	if (IS_ERR(fl))
		return -EINVAL;
	fl6_sock_release(fl);
	return 0;
}

/* The unspecified address means this host. */
static void tcpx_v6_connect_daddr(const struct sock *sk, const struct sockaddr_in6 *usin,
				  struct in6_addr *daddr)
{
	*daddr = usin->sin6_addr;
	if (!ipv6_addr_any(daddr))
		return;
	if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		ipv6_addr_set_v4mapped(htonl(INADDR_LOOPBACK), daddr);
	else
		*daddr = in6addr_loopback;
}

/* A link-local address needs a link: that of bind(), or of sin6_scope_id. If both are
 * given they must agree; the latter may be a slave of the former.
 */
static int tcpx_v6_connect_scope(struct sock *sk, const struct sockaddr_in6 *usin, int addr_len)
{
	int bound = sk->sk_bound_dev_if;
	int scope = addr_len >= sizeof(*usin) ? usin->sin6_scope_id : 0;

	if (scope && bound && bound != scope &&
	    bound != l3mdev_master_ifindex_by_index(sock_net(sk), scope))
		return -EINVAL;
	if (scope)
		sk->sk_bound_dev_if = scope;
	return sk->sk_bound_dev_if ? 0 : -EINVAL;
}

static void tcpx_v6_set_face(struct sock *sk, const struct tcpx_af_ops *ops)
{
	/* Read by set- and getsockopt() without the lock. */
	WRITE_ONCE(tcpx_sk(sk)->af_ops, ops);
}

/* To an IPv4 peer, by its mapped address. */
static int tcpx_v6_connect_mapped(struct sock *sk, const struct in6_addr *daddr, __be16 dport)
{
	u16 ext_hdr_len = tcpx_sk(sk)->ext_hdr_len;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = dport,
		.sin_addr.s_addr = daddr->s6_addr32[3],
	};
	int err;

	if (ipv6_only_sock(sk))
		return -ENETUNREACH;
	tcpx_v6_set_face(sk, &tcpx_ipv6_mapped_ops);
	err = tcpx_v4_connect(sk, (compat_sockaddr *)&sin, sizeof(sin));
	if (err) {
		tcpx_sk(sk)->ext_hdr_len = ext_hdr_len;
		tcpx_v6_set_face(sk, &tcpx_ipv6_ops);
		return err;
	}
	inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr;
	return 0;
}

/* The route, by which the source address is chosen if bind() did not. */
static struct dst_entry *tcpx_v6_first_route(struct sock *sk, struct flowi6 *fl6, __be16 dport,
					     const struct ipv6_txoptions *opt)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	struct in6_addr *final_p, final;

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = IPPROTO_TCP;
	fl6->daddr = sk->sk_v6_daddr;
	fl6->saddr = ipv6_addr_any(&sk->sk_v6_rcv_saddr) ? np->saddr : sk->sk_v6_rcv_saddr;
	fl6->flowlabel = ip6_make_flowinfo(np->tclass, np->flow_label);
	fl6->flowi6_oif = sk->sk_bound_dev_if;
	fl6->flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6->fl6_dport = dport;
	fl6->fl6_sport = inet_sk(sk)->inet_sport;
	fl6->flowi6_uid = compat_sk_uid(sk);
	tcpx_v6_choose_path(sock_net(sk), fl6, sk->sk_txhash);
	final_p = tcpx_v6_first_hop(fl6, opt, &final);
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl6));
	return ip6_dst_lookup_flow(sock_net(sk), sk, fl6, final_p);
}

/* Give the socket its foreign end. What we know of another peer's clock does not hold
 * for this one.
 */
static void tcpx_v6_set_peer(struct sock *sk, const struct in6_addr *daddr)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->rx_opt.ts_recent_stamp && !ipv6_addr_equal(&sk->sk_v6_daddr, daddr)) {
		tp->rx_opt.ts_recent = 0;
		tp->rx_opt.ts_recent_stamp = 0;
		WRITE_ONCE(tp->write_seq, 0);
	}
	sk->sk_v6_daddr = *daddr;
}

/* And its own; no IPv4 segment shall match it. */
static void tcpx_v6_set_source(struct sock *sk, const struct in6_addr *saddr)
{
	if (ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		sk->sk_v6_rcv_saddr = *saddr;
	inet6_sk(sk)->saddr = sk->sk_v6_rcv_saddr;
	inet_sk(sk)->inet_rcv_saddr = LOOPBACK4_IPV6;
	inet_sk(sk)->inet_daddr = LOOPBACK4_IPV6;
}

/* rfc6528, unless the numbers continue those of a TIME_WAIT (rfc6191). */
static void tcpx_v6_choose_isn(struct sock *sk)
{
	const struct in6_addr *saddr = &inet6_sk(sk)->saddr;
	const struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_isn isn;

	isn = tcpx_v6_isn(sock_net(sk), saddr, &sk->sk_v6_daddr, inet->inet_sport,
			  inet->inet_dport);
	if (!tp->write_seq)
		WRITE_ONCE(tp->write_seq, isn.seq);
	WRITE_ONCE(tp->tsoffset, isn.ts_off);
}

/* As before connect(), but a port that was bound stays. */
static void tcpx_v6_connect_undo(struct sock *sk)
{
	tcpx_set_state(sk, TCP_CLOSE);
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		inet_reset_saddr(sk);
	sk->sk_route_caps = 0;
	inet_sk(sk)->inet_dport = 0;
}

/* From SYN_SENT on. */
static int tcpx_v6_open(struct sock *sk)
{
	int err;

	/* Hashed in this state, before the port is known to anybody else. */
	tcpx_set_state(sk, TCP_SYN_SENT);
	err = tcpx_hash_connect(sk);
	if (err)
		return err;
	tcpx_v6_choose_isn(sk);
	return tcpx_connect(sk);
}

static int tcpx_v6_connect_native(struct sock *sk, const struct in6_addr *daddr, __be16 dport)
{
	struct ipv6_txoptions *opt = tcpx_v6_opt(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct dst_entry *dst;
	struct flowi6 fl6;
	int err;

	tcpx_v6_set_face(sk, &tcpx_ipv6_ops);
	tcpx_v6_set_peer(sk, daddr);
	sk_set_txhash(sk);
	dst = tcpx_v6_first_route(sk, &fl6, dport, opt);
	if (IS_ERR(dst)) {
		sk->sk_route_caps = 0;
		inet_sk(sk)->inet_dport = 0;
		return PTR_ERR(dst);
	}
	tcpx_v6_set_source(sk, &fl6.saddr);
	inet_sk(sk)->inet_dport = dport;
	tcpx_v6_set_dst(sk, dst);
	tp->ext_hdr_len = opt ? opt->opt_flen + opt->opt_nflen : 0;
	tp->rx_opt.mss_clamp = tcpx_ipv6_ops.mss_default;

	err = tcpx_v6_open(sk);
	if (err)
		tcpx_v6_connect_undo(sk);
	return err;
}

/**
 * tcpx_v6_connect() - open a connection by an IPv6 address (proto.connect)
 * @sk: socket in CLOSE
 * @uaddr: struct sockaddr_in6 of the peer; may be without sin6_scope_id
 * @addr_len: its length, bytes
 *
 * rfc9293#section-3.10.1, active OPEN. Sends the SYN and does not wait.
 *
 * Context: socket lock; may sleep.
 * Return: 0; -EINVAL, -EAFNOSUPPORT (bad address), -ENETUNREACH, -EHOSTUNREACH and
 * others of routing, -EADDRNOTAVAIL (no port, or the connection exists), -ENOBUFS.
 */
static int tcpx_v6_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len)
{
	const struct sockaddr_in6 *usin = (const struct sockaddr_in6 *)uaddr;
	struct in6_addr daddr;
	__be32 label;
	int type, err;

	if (addr_len < SIN6_LEN_RFC2133)
		return -EINVAL;
	if (usin->sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	err = tcpx_v6_connect_label(sk, usin, &label);
	if (err)
		return err;

	tcpx_v6_connect_daddr(sk, usin, &daddr);
	type = ipv6_addr_type(&daddr);
	if (type & IPV6_ADDR_MULTICAST)
		return -ENETUNREACH;
	if (type & IPV6_ADDR_LINKLOCAL) {
		err = tcpx_v6_connect_scope(sk, usin, addr_len);
		if (err)
			return err;
	}
	inet6_sk(sk)->flow_label = label;
	if (type & IPV6_ADDR_MAPPED)
		return tcpx_v6_connect_mapped(sk, &daddr, usin->sin6_port);
	return tcpx_v6_connect_native(sk, &daddr, usin->sin6_port);
}

/* --- options of level IPPROTO_IPV6 ------------------------------------------------ */

/* Extension headers take room from every segment; the kernel knows only its own TCP's
 * MSS.
 */
static void tcpx_v6_sync_ext_hdr(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct ipv6_txoptions *opt;

	lock_sock(sk);
	opt = tcpx_v6_opt(sk);
	if (tp->af_ops == &tcpx_ipv6_ops &&
	    !((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))) {
		tp->ext_hdr_len = opt ? opt->opt_flen + opt->opt_nflen : 0;
		tcpx_sync_mss(sk, tp->pmtu_cookie);
	}
	release_sock(sk);
}

/* May IPV6_ADDRFORM make it an IPv4 socket? Its connection must be one. Multicast groups,
 * of no use for a stream, could not be left any more.
 */
static int tcpx_v6_addrform_check(const struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	if (sk->sk_family != AF_INET6)
		return -ENOPROTOOPT;
	if (sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	if (ipv6_only_sock(sk) || !ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return -EADDRNOTAVAIL;
	if (rcu_access_pointer(np->ipv6_mc_list) || np->ipv6_ac_list)
		return -EBUSY;
	return 0;
}

/* IPV6_ADDRFORM: a socket of IPv6 whose connection is over IPv4 becomes one of IPv4, so
 * that it can be handed to a program that knows no other.
 */
static int tcpx_v6_addrform(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	int val, err;

	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (val != PF_INET)
		return -EINVAL;

	sockopt_lock_sock(sk);
	err = tcpx_v6_addrform_check(sk);
	if (!err) {
		sock_prot_inuse_add(sock_net(sk), sk->sk_prot, -1);
		sock_prot_inuse_add(sock_net(sk), &tcpx_prot, 1);
		/* inet_* read it without the lock. */
		WRITE_ONCE(sk->sk_prot, &tcpx_prot);
		tcpx_v6_set_face(sk, &tcpx_ipv4_ops);
		sk->sk_socket->ops = &tcpx_stream_ops;
		sk->sk_backlog_rcv = tcpx_do_rcv;
		sk->sk_family = PF_INET;
		tcpx_sync_mss(sk, tcpx_sk(sk)->pmtu_cookie);
		/* What it has of IPv6 is freed with it. */
		inet6_sk(sk)->rxopt.all = 0;
	}
	sockopt_release_sock(sk);
	return err;
}

static int tcpx_v6_get_addrform(struct sock *sk, char __user *optval, int __user *optlen)
{
	int val = sk->sk_family;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (sk->sk_state != TCP_ESTABLISHED)
		return -ENOTCONN;
	len = min_t(unsigned int, len, sizeof(val));
	if (put_user(len, optlen) || copy_to_user(optval, &val, len))
		return -EFAULT;
	return 0;
}

/* Send with the flow label that the peer sends with; only for TCP, so the kernel, which
 * does not take us for one, refuses it. -ENOPROTOOPT: it is not about that.
 */
static int tcpx_v6_reflect_label(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct in6_flowlabel_req freq;
	int err = 0;

	if (optlen < sizeof(freq))
		return -ENOPROTOOPT;
	if (copy_from_sockptr(&freq, optval, sizeof(freq)))
		return -EFAULT;
	if (!(freq.flr_flags & IPV6_FL_F_REFLECT))
		return -ENOPROTOOPT;

	sockopt_lock_sock(sk);
	if (freq.flr_action == IPV6_FL_A_GET) {
		if (READ_ONCE(sock_net(sk)->ipv6.sysctl.flowlabel_consistency))
			err = -EPERM;
		else
			compat_inet6_set(REPFLOW, sk);
	} else if (freq.flr_action == IPV6_FL_A_PUT) {
		if (compat_inet6_test(REPFLOW, sk)) {
			inet6_sk(sk)->flow_label = 0;
			compat_inet6_clear(REPFLOW, sk);
		} else {
			err = -ESRCH;
		}
	} else {
		err = -ENOPROTOOPT;
	}
	sockopt_release_sock(sk);
	return err;
}

static bool tcpx_v6_is_ext_hdr_opt(int level, int optname)
{
	return level == SOL_IPV6 &&
	       (optname == IPV6_HOPOPTS || optname == IPV6_RTHDRDSTOPTS ||
		optname == IPV6_RTHDR || optname == IPV6_DSTOPTS ||
		optname == IPV6_2292PKTOPTIONS);
}

/* No groups for a stream; a value that can't be read is what the kernel sees first. */
static int tcpx_v6_membership(sockptr_t optval, unsigned int optlen)
{
	int val;

	if (!sockptr_is_null(optval) && optlen >= sizeof(val) &&
	    copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	return optlen < sizeof(struct ipv6_mreq) ? -EINVAL : -EPROTO;
}

/**
 * tcpx_v6_setsockopt() - options below IPPROTO_TCP of an IPv6 socket
 * @sk: socket
 * @level: IPPROTO_IPV6, IPPROTO_IP
 * @optname: which option
 * @optval: its value
 * @optlen: bytes of @optval
 *
 * The kernel's own function, but where it asks for IPPROTO_TCP.
 *
 * Context: process; takes the socket lock.
 * Return: 0 or -errno
 */
int tcpx_v6_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	int err;

	/* The kernel refuses it to its own TCP alone. */
	if (level == SOL_IP && (optname == IP_ADD_MEMBERSHIP || optname == IP_DROP_MEMBERSHIP))
		return -EPROTO;
	if (level == SOL_IPV6) {
		switch (optname) {
		case IPV6_ADDRFORM:
			return tcpx_v6_addrform(sk, optval, optlen);
		case IPV6_ADD_MEMBERSHIP:
		case IPV6_DROP_MEMBERSHIP:
			return tcpx_v6_membership(optval, optlen);
		case IPV6_FLOWLABEL_MGR:
			err = tcpx_v6_reflect_label(sk, optval, optlen);
			if (err != -ENOPROTOOPT)
				return err;
			break;
		}
	}
	err = ipv6_setsockopt(sk, level, optname, optval, optlen);
	if (err)
		return err;
	if (tcpx_v6_is_ext_hdr_opt(level, optname))
		tcpx_v6_sync_ext_hdr(sk);
	else if (level == SOL_IP && optname == IP_OPTIONS &&
		 READ_ONCE(tcpx_sk(sk)->af_ops) == &tcpx_ipv6_mapped_ops)
		tcpx_v4_sync_ext_hdr(sk);
	return 0;
}

/**
 * tcpx_v6_getsockopt() - options below IPPROTO_TCP of an IPv6 socket
 * @sk: socket
 * @level: IPPROTO_IPV6, IPPROTO_IP
 * @optname: which option
 * @optval: where to
 * @optlen: in: room, out: bytes
 *
 * Context: process.
 * Return: 0 or -errno
 */
int tcpx_v6_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		       int __user *optlen)
{
	if (level == SOL_IPV6 && optname == IPV6_ADDRFORM)
		return tcpx_v6_get_addrform(sk, optval, optlen);
	return ipv6_getsockopt(sk, level, optname, optval, optlen);
}

/* --- struct proto ----------------------------------------------------------------- */

struct proto tcpx6_prot;

/**
 * tcpx6_proto_init() - register struct proto of IPv6 sockets
 *
 * All is IPv4's but what is said here.
 *
 * Context: module init, tcpx_prot complete and not yet registered
 * Return: 0 or -errno
 */
int __init tcpx6_proto_init(void)
{
	tcpx6_prot = tcpx_prot;
	strscpy(tcpx6_prot.name, "TCPXv6", sizeof(tcpx6_prot.name));
	tcpx6_prot.pre_connect = tcpx_v6_pre_connect;
	tcpx6_prot.connect = tcpx_v6_connect;
	tcpx6_prot.init = tcpx6_init_sock;
	tcpx6_prot.backlog_rcv = tcpx_v6_do_rcv;
	tcpx6_prot.obj_size = sizeof(struct tcpx6_sock);
	compat_proto_set_pinfo(&tcpx6_prot, offsetof(struct tcpx6_sock, inet6));
	return proto_register(&tcpx6_prot, 1);
}

/**
 * tcpx6_proto_exit() - undo tcpx6_proto_init()
 */
void tcpx6_proto_exit(void)
{
	proto_unregister(&tcpx6_prot);
}
