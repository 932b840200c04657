// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the face towards IPv4, inwards: segments and ICMP errors that arrive.
 *
 * Our handler stands in front of kernel TCP's in inet_protos[IPPROTO_TCP]. A segment
 * for one of our sockets goes to receive.c, every other one to the kernel's handler
 * as it came; so do ICMP errors.
 */
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <linux/siphash.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/protocol.h>
#include <net/route.h>

#include "tcpx.h"
#include "early_demux.h"
#include "child.h"
#include "trace.h"

static siphash_aligned_key_t tcpx_isn_secret __ro_after_init;

/* Kernel TCP's, which we stand in front of. */
static const struct net_protocol *tcpx_v4_kernel __ro_after_init;
static struct net_protocol tcpx_v4_protocol __ro_after_init;

/* --- numbers nobody may guess ------------------------------------------------ */

/**
 * tcpx_isn_of_hash() - where the numbers of a connection begin
 * @net: netns; net.ipv4.tcp_timestamps = 2 means timestamps without an offset
 * @hash: keyed hash of both addresses and ports
 *
 * The sequence numbers: a clock of 64 ns, so that a new connection begins beyond an old
 * one of the same addresses and ports, plus the hash, so that nobody else can tell where
 * (rfc6528#section-3). The timestamps: the other half of the hash. So they grow from each
 * connection to the next of the same addresses and ports, which is what TIME_WAIT looks at,
 * and say nothing of others (rfc7323#section-7.1).
 */
struct tcpx_isn tcpx_isn_of_hash(const struct net *net, u64 hash)
{
	bool offset = READ_ONCE(net->ipv4.sysctl_tcp_timestamps) == 1;

	return (struct tcpx_isn) {
		.seq	= (u32)hash + (u32)(ktime_get_real_ns() >> 6),
		.ts_off	= offset ? hash >> 32 : 0,
	};
}

/**
 * tcpx_v4_isn() - the numbers of a connection over IPv4
 * @net: netns
 * @saddr: our address
 * @daddr: the peer's
 * @sport: our port
 * @dport: the peer's
 */
struct tcpx_isn tcpx_v4_isn(const struct net *net, __be32 saddr, __be32 daddr,
			    __be16 sport, __be16 dport)
{
	u32 ports = (__force u32)sport << 16 | (__force u32)dport;

	return tcpx_isn_of_hash(net, siphash_3u32((__force u32)saddr, (__force u32)daddr, ports,
						  &tcpx_isn_secret));
}

/**
 * tcpx_v4_synack_isn() - the numbers of a connection, from one of its segments
 * @net: netns
 * @skb: a segment from the peer: its SYN, or the ACK of a cookie
 */
struct tcpx_isn tcpx_v4_synack_isn(const struct net *net, const struct sk_buff *skb)
{
	return tcpx_v4_isn(net, ip_hdr(skb)->daddr, ip_hdr(skb)->saddr,
			   tcp_hdr(skb)->dest, tcp_hdr(skb)->source);
}

/* --- listeners -------------------------------------------------------------------------- */

/**
 * tcpx_v4_init_req() - addresses and IP options of a new request
 * @req: request
 * @lsk: listener
 * @skb: its SYN, or the ACK of a cookie
 */
void tcpx_v4_init_req(struct tcpx_request_sock *req, const struct sock *lsk,
		      struct sk_buff *skb)
{
	struct sock *sk = req_to_sk(&req->req.req);

	sk_rcv_saddr_set(sk, ip_hdr(skb)->daddr);
	sk_daddr_set(sk, ip_hdr(skb)->saddr);
	RCU_INIT_POINTER(req->req.ireq_opt, tcpx_v4_return_route(sock_net(lsk), skb));
}

/**
 * tcpx_v4_conn_request() - a SYN over IPv4
 * @lsk: listener, not locked
 * @skb: the SYN, TCPX_CB filled; not consumed
 *
 * One to many is not answered, rfc9293#section-3.9.2.3 (MUST-57).
 *
 * Context: softirq, RCU
 * Return: 0
 */
int tcpx_v4_conn_request(struct sock *lsk, struct sk_buff *skb)
{
	if (!(skb_rtable(skb)->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST)))
		return tcpx_conn_request(lsk, skb);
	tcpx_listendrop(lsk, skb);
	return 0;
}

static void tcpx_v4_child_init(struct sock *lsk, struct sock *child,
			       const struct tcpx_request_sock *req, struct sk_buff *skb)
{
	const struct inet_request_sock *ireq = &req->req;
	struct inet_sock *inet = inet_sk(child);
	const struct ip_options_rcu *opt = rcu_dereference(ireq->ireq_opt);

	tcpx_sk(child)->af_ops = req->af_ops;
	child->sk_bound_dev_if = ireq->ir_iif;
	sk_daddr_set(child, ireq->ir_rmt_addr);
	sk_rcv_saddr_set(child, ireq->ir_loc_addr);
	inet->inet_saddr = ireq->ir_loc_addr;
	inet->mc_index = inet_iif(skb);
	inet->mc_ttl = ip_hdr(skb)->ttl;
	inet->rcv_tos = ip_hdr(skb)->tos;
	atomic_set(&inet->inet_id, get_random_u16());
	if (READ_ONCE(sock_net(child)->ipv4.sysctl_tcp_reflect_tos))
		inet->tos = req->tos & ~INET_ECN_MASK;
	tcpx_sk(child)->ext_hdr_len = opt ? opt->opt.optlen : 0;
	tcpx_early_learn(child, skb);
	if (tcpx_sk_is_v6(child))
		tcpx_v6_mapped_child_init(child);
}

/* The request's source route becomes the child's. */
static void tcpx_v4_child_take(struct sock *child, struct inet_request_sock *ireq)
{
	rcu_assign_pointer(inet_sk(child)->inet_opt,
			   rcu_dereference_protected(ireq->ireq_opt, 1));
	RCU_INIT_POINTER(ireq->ireq_opt, NULL);
}

/**
 * tcpx_v4_syn_recv_sock() - a handshake over IPv4 is complete: make the child
 * @lsk: listener, not locked
 * @skb: the ACK; not consumed
 * @req: request
 * @dst: route, taken over; NULL to look it up
 * @own_req: false if another CPU made the child first
 *
 * Context and return: see tcpx_make_child()
 */
struct sock *tcpx_v4_syn_recv_sock(struct sock *lsk, struct sk_buff *skb,
				   struct tcpx_request_sock *req,
				   struct dst_entry *dst, bool *own_req)
{
	static const struct tcpx_child_ops ops = {
		.init		= tcpx_v4_child_init,
		.route_req	= tcpx_v4_route_req,
		.set_dst	= tcpx_setup_caps,
		.take		= tcpx_v4_child_take,
	};

	return tcpx_make_child(lsk, skb, req, dst, own_req, &ops);
}

/* --- receiving ----------------------------------------------------------------------------- */

/* A TCP segment for this host: net_protocol.handler. softirq, RCU. */
static int tcpx_v4_rcv(struct sk_buff *skb)
{
	if (static_branch_unlikely(&tcpx_active) && tcpx_rcv(skb))
		return 0;
	return tcpx_v4_kernel->handler(skb);
}

/* --- ICMP ----------------------------------------------------------------------------------- */

/**
 * tcpx_v4_mtu_reduced() - the path takes no more than tp->mtu_info
 * @sk: socket, locked
 */
void tcpx_v4_mtu_reduced(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 mtu = READ_ONCE(tp->mtu_info);
	struct dst_entry *dst;

	if ((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))
		return;
	rcu_read_lock();
	dst = tcpx_v4_dst(sk);
	if (!IS_ERR(dst)) {
		dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
		/* That may have made another one. */
		dst = tcpx_v4_dst(sk);
	}
	if (IS_ERR(dst))
		goto out;
	/* We would send what cannot pass: tell if the connection ends by that. */
	if (mtu < dst_mtu(dst) && ip_dont_fragment(sk, dst))
		WRITE_ONCE(sk->sk_err_soft, EMSGSIZE);
	mtu = dst_mtu(dst);
	if (READ_ONCE(inet_sk(sk)->pmtudisc) != IP_PMTUDISC_DONT &&
	    ip_sk_accept_pmtu(sk) && tp->pmtu_cookie > mtu) {
		tcpx_sync_mss(sk, mtu);
		/* What was too big was dropped: no need to wait for the timer. */
		tcpx_simple_retransmit(sk);
	}
out:
	rcu_read_unlock();
}

static void tcpx_v4_pmtu(struct sock *sk, u32 mtu)
{
	WRITE_ONCE(tcpx_sk(sk)->mtu_info, mtu);
	if (!sock_owned_by_user(sk))
		tcpx_v4_mtu_reduced(sk);
	else if (!test_and_set_bit(TCP_MTU_REDUCED_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);	/* tcpx_release_cb() drops it */
}

static void tcpx_v4_redirect(struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst;

	if (sock_owned_by_user(sk))
		return;
	dst = __sk_dst_check(sk, 0);
	if (dst)
		dst->ops->redirect(dst, sk, skb);
}

/* What a program learns of it, 0: nothing. */
static int tcpx_v4_icmp_errno(u8 type, u8 code)
{
	switch (type) {
	case ICMP_PARAMETERPROB:
		return -EPROTO;
	case ICMP_TIME_EXCEEDED:
		return -EHOSTUNREACH;
	case ICMP_DEST_UNREACH:
		return code <= NR_ICMP_UNREACH ? -icmp_err_convert[code].errno : 0;
	default:
		return 0;
	}
}

/* Queue the error for MSG_ERRQUEUE, with who sent it (traceroute -T needs no more). */
static void tcpx_v4_queue_icmp_err(struct sock *sk, struct sk_buff *skb, int err, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + (iph->ihl << 2));
	struct sock_exterr_skb *serr;
	struct sk_buff *eskb = skb_clone(skb, GFP_ATOMIC);

	if (!eskb)
		return;
	serr = SKB_EXT_ERR(eskb);
	memset(&serr->ee, 0, sizeof(serr->ee));
	serr->ee.ee_errno = err;
	serr->ee.ee_origin = SO_EE_ORIGIN_ICMP;
	serr->ee.ee_type = icmp_hdr(skb)->type;
	serr->ee.ee_code = icmp_hdr(skb)->code;
	serr->ee.ee_info = info;
	serr->addr_offset = (u8 *)&iph->daddr - skb_network_header(skb);
	serr->port = th->dest;
	if (skb_pull(eskb, iph->ihl << 2)) {
		skb_reset_transport_header(eskb);
		if (sock_queue_err_skb(sk, eskb) == 0)
			return;
	}
	kfree_skb(eskb);
}

/*
 * rfc1122#section-4.2.3.9: an error ends an attempt to connect. A connection goes on
 * and tells it if it dies of something else, for such messages are forged and lose
 * their meaning; unless the program asked for them (IP_RECVERR).
 */
static void tcpx_v4_icmp_report(struct sock *sk, struct sk_buff *skb, int err, u32 info)
{
	const struct tcpx_request_sock *req = tcpx_sk(sk)->fastopen_rsk;
	bool owned = sock_owned_by_user(sk);

	/* Of Fast Open's, one that was accepted is a connection like others. */
	if (((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) &&
	    !(req && !req->req.req.sk)) {
		tcpx_v4_queue_icmp_err(sk, skb, err, info);
		if (owned) {
			WRITE_ONCE(sk->sk_err_soft, err);
			return;
		}
		WRITE_ONCE(sk->sk_err, err);
		smp_wmb();	/* who sees the state change sees the error */
		tcpx_write_queue_purge(sk);
		tcpx_done(sk);
		if (!sock_flag(sk, SOCK_DEAD))
			sk_error_report(sk);
		return;
	}
	if (!owned && compat_inet_test(RECVERR, sk)) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	} else {
		WRITE_ONCE(sk->sk_err_soft, err);
	}
}

/* An ICMP error about a segment of ours with sequence number seq; bh_lock_sock held. */
static void tcpx_v4_err_sock(struct sock *sk, struct sk_buff *skb, u32 seq, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	u8 type = icmp_hdr(skb)->type, code = icmp_hdr(skb)->code;
	bool frag_needed = type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED;
	u32 snd_una;
	int err;

	/* The path MTU is put off, the rest is less if the user has the lock. */
	if (sock_owned_by_user(sk) && !frag_needed)
		TCPX_NET_INC(net, LINUX_MIB_LOCKDROPPEDICMPS);
	if (sk->sk_state == TCP_CLOSE)
		return;
	if (unlikely(iph->ttl < READ_ONCE(inet_sk(sk)->min_ttl))) {
		TCPX_NET_INC(net, LINUX_MIB_TCPMINTTLDROP);
		return;
	}
	/* rfc5927#section-4.1: it must be about something in flight. */
	snd_una = tp->fastopen_rsk ? tp->fastopen_rsk->snt_isn : tp->snd_una;
	if (!between(seq, snd_una, tp->snd_nxt)) {
		TCPX_NET_INC(net, LINUX_MIB_OUTOFWINDOWICMPS);
		return;
	}
	if (frag_needed) {
		tcpx_v4_pmtu(sk, info);
	} else if (type == ICMP_REDIRECT) {
		tcpx_v4_redirect(sk, skb);
	} else {
		if (type == ICMP_DEST_UNREACH && !tp->fastopen_rsk && !sock_owned_by_user(sk) &&
		    (code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH))
			tcpx_ld_rto_revert(sk, seq);
		err = tcpx_v4_icmp_errno(type, code);
		if (err)
			tcpx_v4_icmp_report(sk, skb, -err, info);
	}
}

/* An ICMP error about a SYN-ACK: nobody is told, accept() returns no such errors. */
static void tcpx_v4_err_req(struct tcpx_request_sock *req, struct sk_buff *skb, u32 seq)
{
	struct sock *lsk = req->req.req.rsk_listener;
	u8 type = icmp_hdr(skb)->type, code = icmp_hdr(skb)->code;

	if (seq != req->snt_isn) {
		TCPX_NET_INC(sock_net(lsk), LINUX_MIB_OUTOFWINDOWICMPS);
	} else if (type == ICMP_PARAMETERPROB || type == ICMP_TIME_EXCEEDED ||
		   (type == ICMP_DEST_UNREACH &&
		    (code == ICMP_NET_UNREACH || code == ICMP_HOST_UNREACH))) {
		tcpx_reqsk_drop(req);
		tcpx_listendrop(lsk, skb);
	}
	tcpx_reqsk_put(req);
}

/* Our entry that an ICMP error is about: skb->data is the header of what we sent. */
static struct sock *tcpx_v4_err_find(struct sk_buff *skb, const struct tcphdr *th)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct net *net = dev_net(skb->dev);
	struct tcpx_hashinfo *h = READ_ONCE(tcpx_pernet(net)->hinfo);

	if (!h)
		return NULL;
	return tcpx_v4_lookup_established(net, h, iph->daddr, th->dest, iph->saddr,
					  ntohs(th->source), inet_iif(skb), 0);
}

/* An ICMP error about a TCP segment: net_protocol.err_handler. softirq, RCU; the
 * first eight bytes of the TCP header are there.
 */
static int tcpx_v4_err(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct tcphdr *th = (const struct tcphdr *)(skb->data + (iph->ihl << 2));
	struct sock *sk = NULL;

	if (static_branch_unlikely(&tcpx_active))
		sk = tcpx_v4_err_find(skb, th);
	if (!sk)
		return tcpx_v4_kernel->err_handler(skb, info);

	if (sk->sk_state == TCP_TIME_WAIT) {
		/* To count it. */
		tcpx_ao_ignore_icmp4(sk, icmp_hdr(skb)->type, icmp_hdr(skb)->code);
		tcpx_tw_put(tcpx_twsk(sk));
	} else if (sk->sk_state == TCP_NEW_SYN_RECV) {
		tcpx_v4_err_req(tcpx_rsk(inet_reqsk(sk)), skb, ntohl(th->seq));
	} else {
		if (!tcpx_ao_ignore_icmp4(sk, icmp_hdr(skb)->type, icmp_hdr(skb)->code)) {
			bh_lock_sock(sk);
			tcpx_v4_err_sock(sk, skb, ntohl(th->seq), info);
			bh_unlock_sock(sk);
		}
		sock_put(sk);
	}
	return 0;
}

/* --- options of level IPPROTO_IP ---------------------------------------------------------- */

/**
 * tcpx_v4_sync_ext_hdr() - IP_OPTIONS was set: they take room from every segment
 * @sk: socket, not locked
 *
 * The kernel knows only its own TCP's MSS.
 */
void tcpx_v4_sync_ext_hdr(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct ip_options_rcu *opt;

	lock_sock(sk);
	opt = rcu_dereference_protected(inet_sk(sk)->inet_opt, lockdep_sock_is_held(sk));
	tp->ext_hdr_len = opt ? opt->opt.optlen : 0;
	if (!((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE)))
		tcpx_sync_mss(sk, tp->pmtu_cookie);
	release_sock(sk);
}

static int tcpx_v4_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
			      unsigned int optlen)
{
	int err;

	/* No groups for a stream; the kernel refuses it to its own TCP alone. */
	if (level == SOL_IP && (optname == IP_ADD_MEMBERSHIP || optname == IP_DROP_MEMBERSHIP))
		return -EPROTO;
	err = ip_setsockopt(sk, level, optname, optval, optlen);
	if (!err && optname == IP_OPTIONS)
		tcpx_v4_sync_ext_hdr(sk);
	return err;
}

/* --- load and unload ------------------------------------------------------------------------ */

const struct tcpx_af_ops tcpx_ipv4_ops = {
	.queue_xmit	 = tcpx_v4_queue_xmit,
	.send_check	 = tcpx_v4_send_check,
	.rebuild_header	 = tcpx_v4_rebuild_header,
	.conn_request	 = tcpx_v4_conn_request,
	.syn_recv_sock	 = tcpx_v4_syn_recv_sock,
	.init_req	 = tcpx_v4_init_req,
	.init_isn	 = tcpx_v4_synack_isn,
	.route_req	 = tcpx_v4_route_req,
	.send_synack_ip	 = tcpx_v4_send_synack_ip,
	.mtu_reduced	 = tcpx_v4_mtu_reduced,
	.setsockopt	 = tcpx_v4_setsockopt,
	.getsockopt	 = ip_getsockopt,
	.gso_type	 = SKB_GSO_TCPV4,
	.mss_default	 = TCP_MSS_DEFAULT,
	.net_header_len	 = sizeof(struct iphdr),
	.sockaddr_len	 = sizeof(struct sockaddr_in),
};

/* Swap TCP's entry of inet_protos[]; false if it is not @from. */
static bool tcpx_v4_swap_protocol(const struct net_protocol *from, const struct net_protocol *to)
{
	const struct net_protocol **slot;

	slot = (__force const struct net_protocol **)&inet_protos[IPPROTO_TCP];
	return cmpxchg(slot, from, to) == from;
}

/**
 * tcpx_v4_init() - stand in front of kernel TCP
 *
 * Context: process, all else is ready
 * Return: 0; -EBUSY if somebody else is just doing the same; -ERESTARTSYS
 */
int __init tcpx_v4_init(void)
{
	int err = get_random_bytes_wait(&tcpx_isn_secret, sizeof(tcpx_isn_secret));

	if (err)
		return err;
	tcpx_v4_kernel = rcu_dereference_protected(inet_protos[IPPROTO_TCP], 1);
	tcpx_v4_protocol = *tcpx_v4_kernel;
	tcpx_v4_protocol.handler = tcpx_v4_rcv;
	tcpx_v4_protocol.err_handler = tcpx_v4_err;
	return tcpx_v4_swap_protocol(tcpx_v4_kernel, &tcpx_v4_protocol) ? 0 : -EBUSY;
}

/**
 * tcpx_v4_exit() - give its place back to kernel TCP
 *
 * If another module stands in front of us by now, it has our address: wait until it
 * is gone, for the text it would call goes with us.
 *
 * Context: process; no handler of ours runs when it returns
 */
void tcpx_v4_exit(void)
{
	bool told = false;

	while (!tcpx_v4_swap_protocol(&tcpx_v4_protocol, tcpx_v4_kernel)) {
		if (!told)
			pr_warn("tcpx: waiting for another module to leave TCP's input\n");
		told = true;
		schedule_timeout_uninterruptible(HZ / 10);
	}
	synchronize_net();
}
