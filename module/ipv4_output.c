// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the face towards IPv4, outwards: routes and the IP header.
 *
 * sk_protocol is IPPROTO_TCPX inside the kernel and must not be on the wire, so
 * ip_queue_xmit() is not for us: the header is pushed here, then ip_local_out().
 *
 * IP options: those set by IP_OPTIONS are sent, and a SYN's source route is
 * turned round for the connection (rfc9293#section-3.9.2.1, MUST-53). Other options of
 * a SYN are not echoed (MAY). Segments sent without a socket carry none.
 */
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/route.h>

#include "tcpx.h"
#include "trace.h"

/* --- IP header and options ------------------------------------------------------ */

/* Milliseconds since midnight UT, rfc791#section-3.1 */
static __be32 tcpx_v4_timestamp(void)
{
	struct timespec64 ts;
	u32 secs;

	ktime_get_real_ts64(&ts);
	div_u64_rem(ts.tv_sec, 86400, &secs);
	return htonl(secs * MSEC_PER_SEC + ts.tv_nsec / NSEC_PER_MSEC);
}

/*
 * Put options into the header. What they want filled in, is: the end of the
 * source route, and the slots that the compiler left for us in record route and
 * timestamp (their pointers are already behind it).
 */
static void tcpx_v4_options_build(struct sk_buff *skb, const struct ip_options *opt,
				  __be32 daddr)
{
	u8 *iph = skb_network_header(skb);
	__be32 saddr = ip_hdr(skb)->saddr;

	memcpy(&IPCB(skb)->opt, opt, sizeof(*opt));
	memcpy(iph + sizeof(struct iphdr), opt->__data, opt->optlen);
	if (opt->srr)
		memcpy(iph + opt->srr + iph[opt->srr + 1] - 4, &daddr, 4);
	if (opt->rr_needaddr)
		memcpy(iph + opt->rr + iph[opt->rr + 2] - 5, &saddr, 4);
	if (opt->ts_needaddr)
		memcpy(iph + opt->ts + iph[opt->ts + 2] - 9, &saddr, 4);
	if (opt->ts_needtime) {
		__be32 now = tcpx_v4_timestamp();

		memcpy(iph + opt->ts + iph[opt->ts + 2] - 5, &now, 4);
	}
}

/*
 * Push the header, all but what ip_local_out() adds (length and checksum). @daddr
 * is the end of the way, wherever a source route makes it go first.
 */
static struct iphdr *tcpx_v4_push_header(struct sk_buff *skb, const struct ip_options *opt,
					 __be32 saddr, __be32 daddr, u8 tos, u8 ttl)
{
	unsigned int optlen = opt ? opt->optlen : 0;
	struct iphdr *iph = skb_push(skb, sizeof(*iph) + optlen);

	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = (sizeof(*iph) + optlen) >> 2;
	iph->tos = tos;
	iph->id = 0;
	iph->frag_off = htons(IP_DF);
	iph->ttl = ttl;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = saddr;
	iph->daddr = opt && opt->srr ? opt->faddr : daddr;
	if (optlen)
		tcpx_v4_options_build(skb, opt, daddr);
	return iph;
}

static u8 tcpx_v4_ttl(const struct sock *sk, const struct dst_entry *dst)
{
	int ttl = READ_ONCE(inet_sk(sk)->uc_ttl);

	return ttl < 0 ? ip4_dst_hoplimit(dst) : ttl;
}

/* Sum of the pseudo header, for CHECKSUM_PARTIAL. */
static void tcpx_v4_set_check(struct sk_buff *skb, __be32 saddr, __be32 daddr)
{
	struct tcphdr *th = tcp_hdr(skb);

	th->check = ~tcp_v4_check(skb->len, saddr, daddr, 0);
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/**
 * tcpx_v4_send_check() - have the checksum of a connection's segment filled in
 * @sk: socket
 * @skb: segment, CHECKSUM_PARTIAL, no IP header yet
 */
void tcpx_v4_send_check(struct sock *sk, struct sk_buff *skb)
{
	tcpx_v4_set_check(skb, inet_sk(sk)->inet_saddr, inet_sk(sk)->inet_daddr);
}

/**
 * tcpx_v4_return_route() - the source route of a SYN, in reverse
 * @net: netns
 * @skb: the SYN, TCPX_CB filled
 *
 * rfc791#section-3.1. It is written as IP_OPTIONS takes it, first hop first, then
 * compiled.
 *
 * Return: options to kfree(); NULL if there is no route, or on failure: the peer is
 * answered by the usual way then.
 */
struct ip_options_rcu *tcpx_v4_return_route(struct net *net, const struct sk_buff *skb)
{
	const struct ip_options *sopt = &TCPX_CB(skb)->header.h4.opt;
	const u8 *srr = skb_network_header(skb) + sopt->srr;
	struct ip_options_rcu *opt;
	int hops, i;
	u8 *to;

	if (likely(!sopt->srr))
		return NULL;
	/* Octet 2 points behind the last address used, counted from 1. */
	hops = (min_t(int, srr[2], srr[1] + 1) - 4) / 4;
	if (hops <= 0)
		return NULL;
	opt = kzalloc(sizeof(*opt) + 40, GFP_ATOMIC);
	if (!opt)
		return NULL;
	to = opt->opt.__data;
	to[0] = srr[0];
	to[1] = 3 + 4 * hops;
	to[2] = 4;
	for (i = 0; i < hops; i++)
		memcpy(to + 3 + 4 * i, srr + 3 + 4 * (hops - 1 - i), 4);
	opt->opt.optlen = ALIGN(to[1], 4);
	if (ip_options_compile(net, &opt->opt, NULL)) {
		kfree(opt);
		return NULL;
	}
	return opt;
}

/* --- routes ---------------------------------------------------------------------- */

/* Commit the socket to a route; the destination cache's, RCU. */
static struct dst_entry *tcpx_v4_route_sk(struct sock *sk, const struct ip_options_rcu *opt)
{
	const struct inet_sock *inet = inet_sk(sk);
	__be32 daddr = opt && opt->opt.srr ? opt->opt.faddr : inet->inet_daddr;
	struct flowi4 fl4;
	struct rtable *rt;

	flowi4_init_output(&fl4, READ_ONCE(sk->sk_bound_dev_if), READ_ONCE(sk->sk_mark),
			   ip_sock_rt_tos(sk), ip_sock_rt_scope(sk), IPPROTO_TCP,
			   inet_sk_flowi_flags(sk), daddr, inet->inet_saddr,
			   inet->inet_dport, inet->inet_sport, compat_sk_uid(sk));
	security_sk_classify_flow(sk, flowi4_to_flowi_common(&fl4));
	rt = ip_route_output_flow(sock_net(sk), &fl4, sk);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	tcpx_setup_caps(sk, &rt->dst);
	return &rt->dst;
}

/**
 * tcpx_v4_dst() - a connection's route, looked up again if it no longer holds
 * @sk: socket, locked
 *
 * Context: RCU
 * Return: the route, without a reference of the caller's, or ERR_PTR().
 */
struct dst_entry *tcpx_v4_dst(struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_check(sk, 0);

	return dst ? : tcpx_v4_route_sk(sk, rcu_dereference(inet_sk(sk)->inet_opt));
}

static bool tcpx_v4_strict_route_fails(const struct ip_options_rcu *opt,
				       const struct dst_entry *dst)
{
	return opt && opt->opt.is_strictroute &&
	       container_of(dst, struct rtable, dst)->rt_uses_gateway;
}

/**
 * tcpx_v4_rebuild_header() - find a route again before a retransmission
 * @sk: socket, locked
 *
 * Return: 0, or -errno, which is also the socket's soft error then.
 */
int tcpx_v4_rebuild_header(struct sock *sk)
{
	struct dst_entry *dst;

	rcu_read_lock();
	dst = tcpx_v4_dst(sk);
	rcu_read_unlock();
	if (!IS_ERR(dst))
		return 0;
	sk->sk_route_caps = 0;
	WRITE_ONCE(sk->sk_err_soft, -PTR_ERR(dst));
	return PTR_ERR(dst);
}

/**
 * tcpx_v4_route_req() - route to the peer of a request
 * @lsk: listener, not locked
 * @req: request
 * @fl: the flow, filled
 *
 * Return: route with a reference, or NULL.
 */
struct dst_entry *tcpx_v4_route_req(const struct sock *lsk, struct tcpx_request_sock *req,
				    struct flowi *fl)
{
	const struct inet_request_sock *ireq = &req->req;
	struct net *net = read_pnet(&ireq->ireq_net);
	struct flowi4 *fl4 = &fl->u.ip4;
	struct ip_options_rcu *opt;
	struct rtable *rt;

	rcu_read_lock();
	opt = rcu_dereference(ireq->ireq_opt);
	flowi4_init_output(fl4, ireq->ir_iif, ireq->ir_mark, ip_sock_rt_tos(lsk),
			   ip_sock_rt_scope(lsk), IPPROTO_TCP, inet_sk_flowi_flags(lsk),
			   opt && opt->opt.srr ? opt->opt.faddr : ireq->ir_rmt_addr,
			   ireq->ir_loc_addr, ireq->ir_rmt_port, htons(ireq->ir_num),
			   compat_sk_uid(lsk));
	security_req_classify_flow(&ireq->req, flowi4_to_flowi_common(fl4));
	rt = ip_route_output_flow(net, fl4, lsk);
	if (!IS_ERR(rt) && tcpx_v4_strict_route_fails(opt, &rt->dst)) {
		ip_rt_put(rt);
		rt = ERR_PTR(-ENETUNREACH);
	}
	rcu_read_unlock();
	if (!IS_ERR(rt))
		return &rt->dst;
	IP_INC_STATS(net, IPSTATS_MIB_OUTNOROUTES);
	return NULL;
}

/* --- sending --------------------------------------------------------------------- */

/* The ID of a connected socket's datagrams is a counter of its own: where DF is not
 * set it must not repeat soon, and a global one would tell how much we send.
 */
static __be16 tcpx_v4_ident(struct sock *sk, const struct sk_buff *skb)
{
	atomic_t *id = &inet_sk(sk)->inet_id;
	int val = atomic_read(id);

	/* The socket lock is held: no need for an atomic addition. */
	atomic_set(id, val + (skb_shinfo(skb)->gso_segs ? : 1));
	return htons(val);
}

/**
 * tcpx_v4_queue_xmit() - give a segment of a connection to IP
 * @sk: socket, locked
 * @skb: TCP header in place, skb->cb zero; consumed
 *
 * Return: 0, -EHOSTUNREACH without a route (the retransmission timer will try
 * again), or what ip_local_out() says: NET_XMIT_* or -errno.
 */
int tcpx_v4_queue_xmit(struct sock *sk, struct sk_buff *skb)
{
	struct inet_sock *inet = inet_sk(sk);
	struct net *net = sock_net(sk);
	struct ip_options_rcu *opt;
	struct dst_entry *dst;
	struct iphdr *iph;
	int err;

	rcu_read_lock();
	opt = rcu_dereference(inet->inet_opt);
	dst = tcpx_v4_dst(sk);
	if (IS_ERR(dst) || tcpx_v4_strict_route_fails(opt, dst))
		goto no_route;
	skb_dst_set_noref(skb, dst);

	iph = tcpx_v4_push_header(skb, opt ? &opt->opt : NULL, inet->inet_saddr,
				  inet->inet_daddr, READ_ONCE(inet->tos), tcpx_v4_ttl(sk, dst));
	if (!ip_dont_fragment(sk, dst) || skb->ignore_df)
		iph->frag_off = 0;
	iph->id = tcpx_v4_ident(sk, skb);
	skb->priority = READ_ONCE(sk->sk_priority);
	skb->mark = READ_ONCE(sk->sk_mark);
	err = ip_local_out(net, sk, skb);
	rcu_read_unlock();
	return err;

no_route:
	rcu_read_unlock();
	IP_INC_STATS(net, IPSTATS_MIB_OUTNOROUTES);
	kfree_skb(skb);
	return -EHOSTUNREACH;
}

static u8 tcpx_v4_synack_tos(const struct sock *lsk, const struct tcpx_request_sock *req)
{
	u8 tos = READ_ONCE(inet_sk(lsk)->tos);

	if (!READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_reflect_tos))
		return tos;
	return (req->tos & ~INET_ECN_MASK) | (tos & INET_ECN_MASK);
}

/**
 * tcpx_v4_send_synack_ip() - give a SYN-ACK to IP
 * @lsk: listener, not locked
 * @skb: from tcpx_make_synack(), has the route; consumed
 * @req: request; the skb holds it until it is sent, so that netfilter's owner match
 *	and cgroups find the listener
 * @dst: the route
 *
 * Return: 0 or -errno
 */
int tcpx_v4_send_synack_ip(const struct sock *lsk, struct sk_buff *skb,
			   struct tcpx_request_sock *req, struct dst_entry *dst)
{
	const struct inet_request_sock *ireq = &req->req;
	struct ip_options_rcu *opt;
	struct iphdr *iph;
	int err;

	tcpx_v4_set_check(skb, ireq->ir_loc_addr, ireq->ir_rmt_addr);
	trace_tcpx_send_segment(req_to_sk(&req->req.req), skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	if (!req->is_cookie)
		skb_set_owner_w(skb, req_to_sk(&req->req.req));

	rcu_read_lock();
	opt = rcu_dereference(ireq->ireq_opt);
	iph = tcpx_v4_push_header(skb, opt ? &opt->opt : NULL, ireq->ir_loc_addr,
				  ireq->ir_rmt_addr, tcpx_v4_synack_tos(lsk, req),
				  tcpx_v4_ttl(lsk, dst));
	/* So small that no path needs to fragment it. */
	if (skb->len > IPV4_MIN_MTU && !ip_dont_fragment(lsk, dst)) {
		iph->frag_off = 0;
		iph->id = htons((u16)get_random_u32());
	}
	skb->priority = READ_ONCE(lsk->sk_priority);
	if (!skb->mark)
		skb->mark = READ_ONCE(lsk->sk_mark);
	err = ip_local_out(sock_net(lsk), skb->sk, skb);
	rcu_read_unlock();
	return net_xmit_eval(err);
}

/* --- segments without a full socket ------------------------------------------------- */

/* May the socket, of any kind, use addresses that are not ours? */
static bool tcpx_v4_transparent(const struct sock *sk)
{
	if (!sk)
		return false;
	if (sk->sk_state == TCP_TIME_WAIT)
		return tcpx_twsk(sk)->tw_transparent;
	return sk_fullsock(sk) && compat_inet_test(TRANSPARENT, sk);
}

/* Route back to where @skb came from. */
static struct rtable *tcpx_v4_route_reply(struct net *net, const struct sock *fullsk,
					  bool transparent, struct sk_buff *skb,
					  const struct tcpx_reply *reply, struct flowi4 *fl4)
{
	int oif = reply->oif;

	if (!oif && netif_index_is_l3_master(net, skb->skb_iif))
		oif = skb->skb_iif;
	flowi4_init_output(fl4, oif, IP4_REPLY_MARK(net, skb->mark) ? : reply->mark,
			   reply->tos & INET_DSCP_MASK, RT_SCOPE_UNIVERSE, IPPROTO_TCP,
			   transparent ? FLOWI_FLAG_ANYSRC : 0,
			   ip_hdr(skb)->saddr, ip_hdr(skb)->daddr,
			   tcp_hdr(skb)->source, tcp_hdr(skb)->dest,
			   fullsk ? compat_sk_uid(fullsk) : make_kuid(net->user_ns, 0));
	security_skb_classify_flow(skb, flowi4_to_flowi_common(fl4));
	return ip_route_output_flow(net, fl4, fullsk);
}

/**
 * tcpx_v4_send_reply() - answer a segment over IPv4 without a full socket
 * @net: netns
 * @sk: socket concerned (listener, TIME_WAIT entry, ...) or NULL
 * @skb: the segment; not consumed
 * @reply: what to say
 *
 * Without memory or a route nothing is sent.
 *
 * Context: any that may send
 */
void tcpx_v4_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
			const struct tcpx_reply *reply)
{
	const struct sock *fullsk = sk && sk_fullsock(sk) ? sk : NULL;
	struct sk_buff *nskb = tcpx_reply_skb(skb, reply);
	struct flowi4 fl4;
	struct rtable *rt;

	if (!nskb)
		return;
	tcpx_v4_set_check(nskb, ip_hdr(skb)->daddr, ip_hdr(skb)->saddr);
	rt = tcpx_v4_route_reply(net, fullsk, tcpx_v4_transparent(sk), skb, reply, &fl4);
	if (IS_ERR(rt)) {
		kfree_skb(nskb);
		return;
	}
	skb_dst_set(nskb, &rt->dst);
	nskb->mark = fl4.flowi4_mark;
	nskb->priority = reply->priority;
	if (!(reply->flags & TCPHDR_RST))
		trace_tcpx_send_segment(sk, nskb);
	tcpx_v4_push_header(nskb, NULL, ip_hdr(skb)->daddr, ip_hdr(skb)->saddr,
			    reply->tos & ~INET_ECN_MASK, ip4_dst_hoplimit(&rt->dst));
	ip_local_out(net, NULL, nskb);
	TCPX_INC_STATS(net, TCP_MIB_OUTSEGS);
}
