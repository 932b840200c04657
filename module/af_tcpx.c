// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the address family, and what holds the module together.
 *
 * Implementation notes
 *
 * Identity. A TCPX socket is a struct tcpx_sock around a struct inet_sock; one of
 * IPv6 has a struct tcpx6_sock around that. Its sk_family is AF_INET or AF_INET6, so
 * that whoever filters by family (LSMs, cgroup-BPF, xt_owner) treats it as what it
 * is; its sk_protocol is IPPROTO_TCPX, so that
 * nobody takes it for a struct tcp_sock. Only sock->ops->family and the number
 * given to socket() are AF_TCPX.
 *
 * Tables. Each netns has three, made at its first socket (struct tcpx_hashinfo):
 *
 *   ehash	connections by 4-tuple. Three kinds of objects share the chains and
 *		begin with a struct sock_common: full sockets, request socks
 *		(TCP_NEW_SYN_RECV, a SYN came and a SYN-ACK went) and TIME_WAIT
 *		entries (also orphans in FIN_WAIT2). sk_state tells them apart.
 *		Readers hold RCU only, writers a lock per group of chains. Memory
 *		of all three is SLAB_TYPESAFE_BY_RCU: a reader takes a reference,
 *		then looks again whether it still is what it looked for.
 *   lhash	listeners by port, RCU; listeners are freed after a grace period and
 *		need no reference.
 *   bhash	local ports in use (struct tcpx_bind_bucket), with their owners:
 *		sockets, children and TIME_WAIT entries. A bucket also holds what
 *		keeps kernel TCP away from the port, in that stack's own table. A
 *		bitmap says which ports have one: segments for others are not ours.
 *
 * IPv4 and IPv6. All that differs is behind struct tcpx_af_ops: ipv4*.c, ipv6*.c.
 * Three faces: a socket of IPv4, one of IPv6, and one of IPv6 that talks IPv4 with
 * mapped addresses. The third is in the tables by its IPv4 addresses, so a lookup for
 * an IPv4 segment finds it as any other. All share one space of ports.
 *
 * Queues of a socket.
 *
 *   sk_write_queue	written and never sent; in units of GSO packets
 *   tcp_rtx_queue	sent and not acknowledged, an rbtree by sequence number;
 *			tsorted_sent_queue has the same skbs by time of sending
 *   sk_receive_queue	received in order, copied_seq .. rcv_nxt, read by the user
 *   out_of_order_queue	beyond a hole, an rbtree by sequence number; like all that only
 *			losses or pacing bring about, in struct tcpx_disorder
 *   sk_backlog		segments that came while the user owned the lock
 *   sk_error_queue	ICMP errors (IP_RECVERR), time stamps of sending
 *   accept_queue	listeners: children whose handshake is complete, first come
 *			first served. Half-open ones are in ehash only, counted.
 *			Made by listen() or TCP_FASTOPEN, freed with the socket.
 *
 * The life of a connection, passive side: SYN -> request sock in ehash -> ACK ->
 * child (a clone of the listener) takes its place in ehash and its request
 * goes, with the child, to the accept queue -> accept() grafts the child onto
 * a struct socket and frees the request -> close() -> orphan -> TIME_WAIT
 * entry in the child's place -> nothing. With SYN cookies there is no request
 * until the ACK; with Fast Open the child is there from the SYN on (fastopen.c). When a
 * listener of a group closes, what it has may go to another (migrate.c).
 *
 * Locks, outermost first:
 *
 *   socket lock of a listener
 *     socket lock of its child (SINGLE_DEPTH_NESTING: accept, close)
 *       tcpx_port_mutex (bhash.c), process context only: making and releasing
 *	 reservations; inside it kernel TCP's own locks
 *         bhash bucket lock
 *           ehash lock, lhash lock, tcpx_net.rsv_lock
 *       accept_queue.lock; accept_queue.fastopenq.lock
 *     tcpx_metrics_lock
 *
 * The socket lock is the usual pair: a process owns it (lock_sock()) and may
 * sleep, softirq takes its spinlock (bh_lock_sock()) and, finding an owner,
 * leaves the segment in the backlog and other work as a bit in sk_tsq_flags,
 * for tcpx_release_cb(). It has a lockdep class of its own. A segment for a
 * listener takes no lock but accept_queue.lock: a SYN flood must not starve
 * accept(). Fields read without a lock are written with WRITE_ONCE().
 *
 * References.
 *
 *   full socket	its struct socket (dropped by close(), for an orphan by
 *			tcpx_inet_destroy_sock()); ehash or lhash; each pending timer;
 *			its request in the accept queue; each lookup. A skb that was
 *			sent holds sk_wmem_alloc, which delays sk_free().
 *   request sock	ehash together with its timer, then the accept queue; each
 *			lookup. It holds its listener.
 *   TIME_WAIT entry	ehash together with its timer; each lookup. It holds
 *			neither module nor netns: both purge the entries as they go.
 *   reservation	its bucket. Holds no netns either (kernel socket); the
 *			netns's exit releases it.
 *   module		each full socket (sk_alloc(), sk_clone_lock()), and each
 *			open file by way of proto_ops. rmmod says EBUSY as long as
 *			there is a socket or an orphan.
 *   tcpx_active	the static key in front of our input handler: each full
 *			socket (till sk_destruct) and TIME_WAIT entry. While it is
 *			off, segments go to kernel TCP without a look.
 *
 * Close. The user's close() makes an orphan of a connected socket: SOCK_DEAD, no
 * struct socket; counted, and killed if there are too many. tcpx_done() ends a
 * connection: state CLOSE, out of the tables, timers stopped, then either the
 * owner is woken or the orphan freed. A socket in CLOSE is in no table but bhash
 * (if bind() chose the port).
 *
 * Unloading. No new sockets (sock_unregister()), input handlers given back,
 * synchronize_net(), TIME_WAIT entries and reservations purged per netns, then
 * rcu_barrier() before the slabs go.
 */

#include <linux/bpf-cgroup.h>
#include <net/inet_common.h>
#include <net/ipv6.h>

#include "tcpx.h"

/* --- proto_ops ---------------------------------------------------------- */

COMPAT_PROTO_OPS_SENDPAGE(tcpx_sendpage, tcpx_send_page);
COMPAT_PROTO_OPS_ACCEPT(tcpx_inet_accept, compat_own_sol_socket);

/* What is inet_* works on any inet_sock and calls tcpx_prot. Not there:
 * compat_ioctl (what inet's would add are 32-bit route ioctls), mmap
 * (zero-copy receive) and read_skb (sockmap).
 */
const struct proto_ops tcpx_stream_ops = {
	.family		= PF_INET,
	.owner		= THIS_MODULE,
	.release	= inet_release,
	.bind		= inet_bind,
	.connect	= inet_stream_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= tcpx_inet_accept,
	.getname	= inet_getname,
	.poll		= tcpx_poll,
	.ioctl		= inet_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= tcpx_listen,
	.shutdown	= inet_shutdown,
	.setsockopt	= tcpx_sock_setsockopt,
	.getsockopt	= sock_common_getsockopt,
	.sendmsg	= inet_sendmsg,
	.recvmsg	= inet_recvmsg,
	.mmap		= sock_no_mmap,
	COMPAT_PROTO_OPS_SENDPAGE_INIT(tcpx_sendpage)
	.splice_eof	= tcpx_splice_eof,
	.splice_read	= tcpx_splice_read,
	.set_peek_off	= sk_set_peek_off,
	.peek_len	= tcpx_peek_len,
	.read_sock	= tcpx_read_sock,
	.sendmsg_locked	= tcpx_sendmsg_locked,
	.set_rcvlowat	= tcpx_set_rcvlowat,
};

#if IS_ENABLED(CONFIG_IPV6)
/* The same for IPv6 sockets. */
const struct proto_ops tcpx6_stream_ops = {
	.family		= PF_INET6,
	.owner		= THIS_MODULE,
	.release	= inet6_release,
	.bind		= inet6_bind,
	.connect	= inet_stream_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= tcpx_inet_accept,
	.getname	= inet6_getname,
	.poll		= tcpx_poll,
	.ioctl		= inet6_ioctl,
	.gettstamp	= sock_gettstamp,
	.listen		= tcpx_listen,
	.shutdown	= inet_shutdown,
	.setsockopt	= tcpx_sock_setsockopt,
	.getsockopt	= sock_common_getsockopt,
	.sendmsg	= inet_sendmsg,
	.recvmsg	= inet_recvmsg,
	.mmap		= sock_no_mmap,
	COMPAT_PROTO_OPS_SENDPAGE_INIT(tcpx_sendpage)
	.splice_eof	= tcpx_splice_eof,
	.splice_read	= tcpx_splice_read,
	.set_peek_off	= sk_set_peek_off,
	.peek_len	= tcpx_peek_len,
	.read_sock	= tcpx_read_sock,
	.sendmsg_locked	= tcpx_sendmsg_locked,
	.set_rcvlowat	= tcpx_set_rcvlowat,
};
#endif

/* --- socket() ----------------------------------------------------------- */

/* What every socket starts with, set or not by the admin; one of IPv6 too, for it may
 * talk IPv4.
 */
static void tcpx_init_inet(struct sock *sk, bool v6)
{
	struct inet_sock *inet = inet_sk(sk);
	const struct net *net = sock_net(sk);

	inet->pmtudisc = READ_ONCE(net->ipv4.sysctl_ip_no_pmtu_disc) ?
			 IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;
	atomic_set(&inet->inet_id, 0);
	inet->uc_ttl = -1;
	inet->mc_ttl = 1;
	compat_inet_set(MC_LOOP, sk);
	compat_inet_assign(MC_ALL, sk, !v6);

	sk->sk_protocol = IPPROTO_TCPX;
	sk->sk_backlog_rcv = sk->sk_prot->backlog_rcv;
	sk->sk_txrehash = READ_ONCE(net->core.sysctl_txrehash);
}

/* A socket of an accepted type and protocol. The netns's tables exist. */
static int tcpx_create_sock(struct net *net, struct socket *sock, bool v6, int kern)
{
	struct sock *sk = sk_alloc(net, v6 ? PF_INET6 : PF_INET, GFP_KERNEL,
				   v6 ? &tcpx6_prot : &tcpx_prot, kern);
	int err;

	if (!sk) {
		tcpx_active_put();
		return -ENOMEM;
	}
	sock->ops = v6 ? &tcpx6_stream_ops : &tcpx_stream_ops;
	set_bit(SOCK_SUPPORT_ZC, &sock->flags);
	compat_own_sol_socket(sock);
	sock_init_data(sock, sk);
	tcpx_init_inet(sk, v6);
	if (v6)
		tcpx6_init_inet(sk);

	err = sk->sk_prot->init(sk);
	if (!err && !kern)
		err = BPF_CGROUP_RUN_PROG_INET_SOCK(sk);
	if (err) {
		sk_common_release(sk);
		sock->sk = NULL;
	}
	return err;
}

/* socket(AF_TCPX, ...): net_proto_family.create */
static int tcpx_create(struct net *net, struct socket *sock, int protocol, int kern)
{
	bool v6 = IS_ENABLED(CONFIG_IPV6) && protocol == TCPXPROTO_V6;
	int err;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	sock->state = SS_UNCONNECTED;
	if (sock->type != SOCK_STREAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != TCPXPROTO_V4 && protocol != IPPROTO_TCP && protocol != TCPXPROTO_V6)
		return -EPROTONOSUPPORT;
	/* As socket(AF_INET6, ...) without IPv6. */
	if (protocol == TCPXPROTO_V6 && !tcpx_v6_enabled())
		return -EAFNOSUPPORT;

	err = tcpx_active_get(net);
	if (err)
		return err;
	return tcpx_create_sock(net, sock, v6, kern);
}

static struct net_proto_family tcpx_family_ops = {
	.create	= tcpx_create,
	.owner	= THIS_MODULE,
};

/**
 * tcpx_af_register() - from now on there is socket(AF_TCPX, ...)
 *
 * Context: module init, last step.
 * Return: 0; -EEXIST if the family number is taken, -ENOBUFS if there is no such
 */
int tcpx_af_register(void)
{
	tcpx_family_ops.family = tcpx_family;
	return sock_register(&tcpx_family_ops);
}

/**
 * tcpx_af_unregister() - no new sockets
 *
 * Context: module exit, first step.
 */
void tcpx_af_unregister(void)
{
	sock_unregister(tcpx_family);
}
