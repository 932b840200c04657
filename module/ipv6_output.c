// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the face towards IPv6, outwards: routes, flow labels, the IP header.
 *
 * Other than IPv4's, IPv6's output function takes the protocol from the flow, so
 * ip6_xmit() serves us as it does kernel TCP: hop limit, extension headers and the
 * automatic flow label are its business.
 */
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <linux/seg6.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "tcpx.h"
#include "trace.h"

/* --- flows and routes ------------------------------------------------------------- */

/**
 * tcpx_v6_opt() - the extension headers that a socket sends
 * @sk: socket; locked, or RCU
 */
struct ipv6_txoptions *tcpx_v6_opt(const struct sock *sk)
{
	return rcu_dereference_check(inet6_sk(sk)->opt, lockdep_sock_is_held(sk));
}

/**
 * tcpx_v6_first_hop() - aim a flow at the first hop of a routing header
 * @fl6: the flow, its destination the end of the way
 * @opt: extension headers, or NULL
 * @final: room for the end of the way
 *
 * Return: @final if there is a routing header, else NULL; as ip6_dst_lookup_flow()
 * takes it.
 */
struct in6_addr *tcpx_v6_first_hop(struct flowi6 *fl6, const struct ipv6_txoptions *opt,
				   struct in6_addr *final)
{
	const struct ipv6_sr_hdr *srh;

	if (!opt || !opt->srcrt)
		return NULL;
	*final = fl6->daddr;
	switch (opt->srcrt->type) {
	case IPV6_SRCRT_TYPE_0:
	case IPV6_SRCRT_TYPE_2:
		fl6->daddr = *((const struct rt0_hdr *)opt->srcrt)->addr;
		break;
	case IPV6_SRCRT_TYPE_4:
		srh = (const struct ipv6_sr_hdr *)opt->srcrt;
		fl6->daddr = srh->segments[srh->segments_left];
		break;
	default:
		return NULL;
	}
	return final;
}

/**
 * tcpx_v6_choose_path() - which one of several routes of equal cost
 * @net: netns
 * @fl6: a flow to be looked up
 * @txhash: of the connection, 0 if it has none
 *
 * As the connection's hash says, which is another one after a timeout: so may the path be then
 * (tcpx_rethink_path()). Unless net.ipv6.fib_multipath_hash_policy makes it a matter of
 * ports or of what is in a tunnel.
 */
void tcpx_v6_choose_path(const struct net *net, struct flowi6 *fl6, u32 txhash)
{
	/* 31 bits are compared; 0 would mean that it is to be computed. */
	if (txhash && !ip6_multipath_hash_policy(net))
		fl6->mp_hash = (txhash >> 1) ?: 1;
}

/* What identifies a connection towards routing, and its flow label. */
static void tcpx_v6_flow(struct sock *sk, struct flowi6 *fl6)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = IPPROTO_TCP;
	fl6->daddr = sk->sk_v6_daddr;
	fl6->saddr = np->saddr;
	fl6->flowlabel = np->flow_label;
	IP6_ECN_flow_xmit(sk, fl6->flowlabel);
	fl6->flowi6_oif = READ_ONCE(sk->sk_bound_dev_if);
	fl6->flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6->fl6_sport = inet_sk(sk)->inet_sport;
	fl6->fl6_dport = inet_sk(sk)->inet_dport;
	fl6->flowi6_uid = compat_sk_uid(sk);
	tcpx_v6_choose_path(sock_net(sk), fl6, sk->sk_txhash);
}

/**
 * tcpx_v6_set_dst() - commit a socket to a route over IPv6
 * @sk: socket
 * @dst: the route; the reference goes to the socket
 *
 * Context: socket lock.
 */
void tcpx_v6_set_dst(struct sock *sk, struct dst_entry *dst)
{
	inet6_sk(sk)->dst_cookie = rt6_get_cookie(dst_rt6_info(dst));
	tcpx_setup_caps(sk, dst);
}

/* The route of the flow, which is @sk's. Where the flow leads to is as it was
 * afterwards: ip6_xmit() does the rest of a routing header.
 */
static struct dst_entry *tcpx_v6_dst_flow(struct sock *sk, struct flowi6 *fl6)
{
	struct dst_entry *dst = __sk_dst_check(sk, inet6_sk(sk)->dst_cookie);
	struct in6_addr *final_p, final;

	if (likely(dst))
		return dst;
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl6));
	final_p = tcpx_v6_first_hop(fl6, tcpx_v6_opt(sk), &final);
	dst = ip6_dst_lookup_flow(sock_net(sk), sk, fl6, final_p);
	fl6->daddr = sk->sk_v6_daddr;
	if (!IS_ERR(dst))
		tcpx_v6_set_dst(sk, dst);
	return dst;
}

/**
 * tcpx_v6_dst() - a connection's route, looked up again if it no longer holds
 * @sk: socket, locked
 *
 * Context: RCU
 * Return: the route, without a reference of the caller's, or ERR_PTR().
 */
struct dst_entry *tcpx_v6_dst(struct sock *sk)
{
	struct flowi6 fl6;

	tcpx_v6_flow(sk, &fl6);
	return tcpx_v6_dst_flow(sk, &fl6);
}

static void tcpx_v6_no_route(struct sock *sk, int err)
{
	sk->sk_route_caps = 0;
	WRITE_ONCE(sk->sk_err_soft, -err);
}

/**
 * tcpx_v6_rebuild_header() - find a route again before a retransmission
 * @sk: socket, locked
 *
 * Return: 0, or -errno, which is also the socket's soft error then.
 */
int tcpx_v6_rebuild_header(struct sock *sk)
{
	struct dst_entry *dst;

	rcu_read_lock();
	dst = tcpx_v6_dst(sk);
	rcu_read_unlock();
	if (!IS_ERR(dst))
		return 0;
	tcpx_v6_no_route(sk, PTR_ERR(dst));
	return PTR_ERR(dst);
}

static void tcpx_v6_flow_req(const struct sock *lsk, const struct tcpx_request_sock *req,
			     struct flowi6 *fl6)
{
	const struct inet_request_sock *ireq = &req->req;

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = IPPROTO_TCP;
	fl6->daddr = ireq->ir_v6_rmt_addr;
	fl6->saddr = ireq->ir_v6_loc_addr;
	fl6->flowi6_oif = ireq->ir_iif;
	fl6->flowi6_mark = ireq->ir_mark;
	fl6->fl6_dport = ireq->ir_rmt_port;
	fl6->fl6_sport = htons(ireq->ir_num);
	fl6->flowi6_uid = compat_sk_uid(lsk);
	tcpx_v6_choose_path(sock_net(lsk), fl6, READ_ONCE(req->txhash));
}

/**
 * tcpx_v6_route_req() - route to the peer of a request
 * @lsk: listener, not locked
 * @req: request
 * @fl: the flow, filled
 *
 * Return: route with a reference, or NULL.
 */
struct dst_entry *tcpx_v6_route_req(const struct sock *lsk, struct tcpx_request_sock *req,
				    struct flowi *fl)
{
	struct flowi6 *fl6 = &fl->u.ip6;
	struct in6_addr *final_p, final;
	struct dst_entry *dst;

	tcpx_v6_flow_req(lsk, req, fl6);
	security_req_classify_flow(&req->req.req, flowi6_to_flowi_common(fl6));
	rcu_read_lock();
	final_p = tcpx_v6_first_hop(fl6, tcpx_v6_opt(lsk), &final);
	dst = ip6_dst_lookup_flow(sock_net(lsk), lsk, fl6, final_p);
	rcu_read_unlock();
	return IS_ERR(dst) ? NULL : dst;
}

/* --- sending --------------------------------------------------------------------- */

/* Sum of the pseudo header, for CHECKSUM_PARTIAL. */
static void tcpx_v6_set_check(struct sk_buff *skb, const struct in6_addr *saddr,
			      const struct in6_addr *daddr)
{
	struct tcphdr *th = tcp_hdr(skb);

	th->check = ~tcp_v6_check(skb->len, saddr, daddr, 0);
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/**
 * tcpx_v6_send_check() - have the checksum of a connection's segment filled in
 * @sk: socket
 * @skb: segment, CHECKSUM_PARTIAL, no IP header yet
 */
void tcpx_v6_send_check(struct sock *sk, struct sk_buff *skb)
{
	tcpx_v6_set_check(skb, &inet6_sk(sk)->saddr, &sk->sk_v6_daddr);
}

/**
 * tcpx_v6_queue_xmit() - give a segment of a connection to IP
 * @sk: socket, locked
 * @skb: TCP header in place, skb->cb zero; consumed
 *
 * Return: 0, -errno without a route (the retransmission timer will try again), or
 * what ip6_xmit() says: NET_XMIT_* or -errno.
 */
int tcpx_v6_queue_xmit(struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst;
	struct flowi6 fl6;
	int err;

	rcu_read_lock();
	tcpx_v6_flow(sk, &fl6);
	dst = tcpx_v6_dst_flow(sk, &fl6);
	if (IS_ERR(dst)) {
		err = PTR_ERR(dst);
		tcpx_v6_no_route(sk, err);
		kfree_skb(skb);
	} else {
		skb_dst_set_noref(skb, dst);
		err = ip6_xmit(sk, skb, &fl6, READ_ONCE(sk->sk_mark), tcpx_v6_opt(sk),
			       inet6_sk(sk)->tclass, READ_ONCE(sk->sk_priority));
	}
	rcu_read_unlock();
	return err;
}

static u8 tcpx_v6_synack_tclass(const struct sock *lsk, const struct tcpx_request_sock *req)
{
	u8 tclass = READ_ONCE(inet6_sk(lsk)->tclass);

	if (!READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_reflect_tos))
		return tclass;
	return (req->tos & ~INET_ECN_MASK) | (tclass & INET_ECN_MASK);
}

/**
 * tcpx_v6_send_synack_ip() - give a SYN-ACK to IP
 * @lsk: listener, not locked
 * @skb: from tcpx_make_synack(), has the route; consumed
 * @req: request; the skb holds it until it is sent, so that netfilter's owner match
 *	and cgroups find the listener
 * @dst: the route
 *
 * Return: 0 or -errno
 */
int tcpx_v6_send_synack_ip(const struct sock *lsk, struct sk_buff *skb,
			   struct tcpx_request_sock *req, struct dst_entry *dst)
{
	struct flowi6 fl6;
	int err;

	tcpx_v6_flow_req(lsk, req, &fl6);
	if (compat_inet6_test(REPFLOW, lsk))
		fl6.flowlabel = req->flowlabel;
	tcpx_v6_set_check(skb, &fl6.saddr, &fl6.daddr);
	trace_tcpx_send_segment(req_to_sk(&req->req.req), skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	if (!req->is_cookie)
		skb_set_owner_w(skb, req_to_sk(&req->req.req));

	rcu_read_lock();
	err = ip6_xmit(lsk, skb, &fl6, skb->mark ? : READ_ONCE(lsk->sk_mark),
		       tcpx_v6_opt(lsk), tcpx_v6_synack_tclass(lsk, req),
		       READ_ONCE(lsk->sk_priority));
	rcu_read_unlock();
	return net_xmit_eval(err);
}

/* --- segments without a full socket ------------------------------------------------- */

/* The flow label of a reply: the connection's, or the segment's if that is wanted. */
static __be32 tcpx_v6_reply_label(const struct sock *sk, const struct sk_buff *skb,
				  const struct tcpx_reply *reply)
{
	if (sk && sk->sk_state == TCP_TIME_WAIT)
		return tcpx_twsk(sk)->tw_flowlabel;
	if (!(reply->flags & TCPHDR_RST) || !sk || !sk_fullsock(sk))
		return 0;
	return compat_inet6_test(REPFLOW, sk) ? ip6_flowlabel(ipv6_hdr(skb)) : 0;
}

/* Where the automatic label, and ECMP, come from. */
static u32 tcpx_v6_reply_hash(const struct sock *sk, const struct tcpx_reply *reply)
{
	if (reply->req)
		return READ_ONCE(reply->req->txhash);
	if (!sk)
		return 0;
	if (sk->sk_state == TCP_TIME_WAIT)
		return tcpx_twsk(sk)->tw_txhash;
	return sk_fullsock(sk) ? READ_ONCE(sk->sk_txhash) : 0;
}

static void tcpx_v6_flow_reply(struct net *net, const struct sock *fullsk, struct sk_buff *skb,
			       const struct tcpx_reply *reply, struct flowi6 *fl6)
{
	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_proto = IPPROTO_TCP;
	fl6->daddr = ipv6_hdr(skb)->saddr;
	fl6->saddr = ipv6_hdr(skb)->daddr;
	fl6->flowi6_oif = reply->oif;
	if (!fl6->flowi6_oif) {
		/* A link-local address means nothing without its link. */
		if (rt6_need_strict(&fl6->daddr))
			fl6->flowi6_oif = tcpx_v6_iif(skb);
		else if (netif_index_is_l3_master(net, skb->skb_iif))
			fl6->flowi6_oif = skb->skb_iif;
	}
	fl6->flowi6_mark = IP6_REPLY_MARK(net, skb->mark) ? : reply->mark;
	fl6->fl6_dport = tcp_hdr(skb)->source;
	fl6->fl6_sport = tcp_hdr(skb)->dest;
	fl6->flowi6_uid = fullsk ? compat_sk_uid(fullsk) : make_kuid(net->user_ns, 0);
}

/**
 * tcpx_v6_send_reply() - answer a segment over IPv6 without a full socket
 * @net: netns
 * @sk: socket concerned (listener, TIME_WAIT entry, ...) or NULL
 * @skb: the segment, TCPX_CB filled; not consumed
 * @reply: what to say
 *
 * It goes out by the socket that the kernel has for its own such segments: ip6_xmit()
 * wants one.
 *
 * Context: any that may send
 */
void tcpx_v6_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
			const struct tcpx_reply *reply)
{
	const struct sock *fullsk = sk && sk_fullsock(sk) ? sk : NULL;
	struct sk_buff *nskb = tcpx_reply_skb(skb, reply);
	u32 hash = tcpx_v6_reply_hash(sk, reply);
	struct dst_entry *dst;
	struct flowi6 fl6;

	if (!nskb)
		return;
	tcpx_v6_flow_reply(net, fullsk, skb, reply, &fl6);
	fl6.flowlabel = tcpx_v6_reply_label(sk, skb, reply);
	tcpx_v6_choose_path(net, &fl6, hash);
	tcpx_v6_set_check(nskb, &fl6.saddr, &fl6.daddr);
	security_skb_classify_flow(skb, flowi6_to_flowi_common(&fl6));
	dst = ip6_dst_lookup_flow(net, fullsk ? : net->ipv6.tcp_sk, &fl6, NULL);
	if (IS_ERR(dst)) {
		kfree_skb(nskb);
		return;
	}
	skb_dst_set(nskb, dst);
	if (hash)
		skb_set_hash(nskb, hash, PKT_HASH_TYPE_L4);
	if (!(reply->flags & TCPHDR_RST))
		trace_tcpx_send_segment(sk, nskb);
	ip6_xmit(net->ipv6.tcp_sk, nskb, &fl6, fl6.flowi6_mark, NULL,
		 reply->tos & ~INET_ECN_MASK, reply->priority);
	TCPX_INC_STATS(net, TCP_MIB_OUTSEGS);
}
