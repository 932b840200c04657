// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the face towards IPv6, inwards: segments and ICMPv6 errors that arrive, and
 * what a listener makes of a SYN. See ipv4.c: our handler stands in front of kernel
 * TCP's in inet6_protos[IPPROTO_TCP].
 *
 * An IPv6 socket may also talk IPv4 (rfc4291#section-2.5.5.2, mapped addresses): its
 * family is AF_INET6 still, but its face is tcpx_ipv6_mapped_ops, which is IPv4's except
 * for what the user sees. Such a socket has its IPv4 addresses where IPv4 ones have
 * them, and is in the tables by those.
 */
#include <linux/errqueue.h>
#include <linux/icmpv6.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/security.h>
#include <linux/siphash.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/transp_v6.h>
#include <net/protocol.h>

#include "tcpx.h"
#include "early_demux.h"
#include "child.h"
#include "trace.h"

static siphash_aligned_key_t tcpx_v6_isn_secret __ro_after_init;

/* Kernel TCP's, which we stand in front of; NULL if there is no IPv6. */
static struct inet6_protocol *tcpx_v6_kernel __ro_after_init;
static struct inet6_protocol tcpx_v6_protocol __ro_after_init;

/* --- numbers nobody may guess ------------------------------------------------ */

/**
 * tcpx_v6_isn() - the numbers of a connection over IPv6, see tcpx_isn_of_hash()
 * @net: netns
 * @saddr: our address
 * @daddr: the peer's
 * @sport: our port
 * @dport: the peer's
 */
struct tcpx_isn tcpx_v6_isn(const struct net *net, const struct in6_addr *saddr,
			    const struct in6_addr *daddr, __be16 sport, __be16 dport)
{
	const struct {
		struct in6_addr	saddr;
		struct in6_addr	daddr;
		__be16		sport;
		__be16		dport;
	} __aligned(SIPHASH_ALIGNMENT) ends = {
		.saddr = *saddr, .daddr = *daddr, .sport = sport, .dport = dport,
	};

	return tcpx_isn_of_hash(net, siphash(&ends, offsetofend(typeof(ends), dport),
					     &tcpx_v6_isn_secret));
}

static struct tcpx_isn tcpx_v6_synack_isn(const struct net *net, const struct sk_buff *skb)
{
	return tcpx_v6_isn(net, &ipv6_hdr(skb)->daddr, &ipv6_hdr(skb)->saddr,
			   tcp_hdr(skb)->dest, tcp_hdr(skb)->source);
}

/* --- what the user wants to know of a packet ----------------------------------- */

/* Does it carry something that the socket asked to see (rfc3542#section-4)? */
static bool tcpx_v6_opt_accepted(const struct sock *sk, const struct sk_buff *skb)
{
	const struct inet6_skb_parm *cb = &TCPX_CB(skb)->header.h6;
	const struct ipv6_pinfo *np = inet6_sk(sk);

	if (!np->rxopt.all)
		return false;
	if (np->rxopt.bits.rxflow && ip6_flowinfo(ipv6_hdr(skb)))
		return true;
	if ((np->rxopt.bits.hopopts || np->rxopt.bits.ohopopts) && (cb->flags & IP6SKB_HOPBYHOP))
		return true;
	if ((np->rxopt.bits.srcrt || np->rxopt.bits.osrcrt) && cb->srcrt)
		return true;
	return (np->rxopt.bits.dstopts || np->rxopt.bits.odstopts) && (cb->dst0 || cb->dst1);
}

static bool tcpx_v6_wants_info(const struct ipv6_pinfo *np)
{
	return np->rxopt.bits.rxinfo || np->rxopt.bits.rxoinfo;
}

static bool tcpx_v6_wants_hlim(const struct ipv6_pinfo *np)
{
	return np->rxopt.bits.rxhlim || np->rxopt.bits.rxohlim;
}

/* What a packet tells the user is where the kernel's functions look for it. */
static void tcpx_v6_restore_cb(struct sk_buff *skb)
{
	memmove(IP6CB(skb), &TCPX_CB(skb)->header.h6, sizeof(struct inet6_skb_parm));
}

/* Remember the latest in-order packet's, for IPV6_2292PKTOPTIONS. A stream has no
 * packets, so that is all that can be said. @skb is consumed.
 */
static void tcpx_v6_latch_pktoptions(struct sock *sk, struct sk_buff *skb)
{
	struct ipv6_pinfo *np = inet6_sk(sk);

	if (TCPX_CB(skb)->end_seq != tcpx_sk(sk)->rcv_nxt ||
	    ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))) {
		consume_skb(skb);
		return;
	}
	if (tcpx_v6_wants_info(np))
		np->mcast_oif = tcpx_v6_iif(skb);
	if (tcpx_v6_wants_hlim(np))
		np->mcast_hops = ipv6_hdr(skb)->hop_limit;
	if (np->rxopt.bits.rxflow || np->rxopt.bits.rxtclass)
		np->rcv_flowinfo = ip6_flowinfo(ipv6_hdr(skb));
	if (compat_inet6_test(REPFLOW, sk))
		np->flow_label = ip6_flowlabel(ipv6_hdr(skb));
	if (tcpx_v6_opt_accepted(sk, skb)) {
		skb_dst_drop(skb);
		tcpx_v6_restore_cb(skb);
		skb = xchg(&np->pktoptions, skb);
	} else {
		consume_skb(skb);
		skb = xchg(&np->pktoptions, NULL);
	}
	consume_skb(skb);
}

/**
 * tcpx_v6_do_rcv() - a segment for an IPv6 socket (proto.backlog_rcv)
 * @sk: socket, locked; or in LISTEN, not locked
 * @skb: segment, of IPv4 maybe, TCPX_CB filled; consumed
 *
 * Context: softirq, or the owner's when it works off the backlog
 * Return: 0
 */
int tcpx_v6_do_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *opt_skb = NULL;

	if (unlikely(inet6_sk(sk)->rxopt.all) && tcpx_skb_is_v6(skb) &&
	    !((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE)))
		opt_skb = skb_clone_and_charge_r(skb, sk);
	tcpx_do_rcv(sk, skb);
	if (opt_skb)
		tcpx_v6_latch_pktoptions(sk, opt_skb);
	return 0;
}

/**
 * tcpx_v6_hops_too_many() - did a segment come from too far away (IPV6_MINHOPCOUNT)?
 * @sk: full socket of IPv6
 * @skb: segment over IPv6
 */
bool tcpx_v6_hops_too_many(const struct sock *sk, const struct sk_buff *skb)
{
	return ipv6_hdr(skb)->hop_limit < READ_ONCE(inet6_sk(sk)->min_hopcount);
}

/**
 * tcpx_v6_tw_init() - what a TIME_WAIT entry must remember for IPv6
 * @tw: the entry
 * @sk: its socket
 */
void tcpx_v6_tw_init(struct tcpx_timewait_sock *tw, const struct sock *sk)
{
	if (tcpx_sk(sk)->af_ops != &tcpx_ipv6_ops)
		return;
	tw->tw_tos = inet6_sk(sk)->tclass;
	tw->tw_flowlabel = inet6_sk(sk)->flow_label & IPV6_FLOWLABEL_MASK;
}

/* --- listeners -------------------------------------------------------------------------- */

/* Must the SYN be kept until accept(), for what it tells the user? */
static bool tcpx_v6_keep_syn(const struct sock *lsk, const struct sk_buff *skb)
{
	const struct ipv6_pinfo *np = inet6_sk(lsk);

	return tcpx_v6_wants_info(np) || tcpx_v6_wants_hlim(np) ||
	       compat_inet6_test(REPFLOW, lsk) || tcpx_v6_opt_accepted(lsk, skb);
}

static void tcpx_v6_init_req(struct tcpx_request_sock *req, const struct sock *lsk,
			     struct sk_buff *skb)
{
	bool l3_slave = ipv6_l3mdev_skb(TCPX_CB(skb)->header.h6.flags);
	struct inet_request_sock *ireq = &req->req;
	struct sock *sk = req_to_sk(&ireq->req);

	ireq->ir_v6_rmt_addr = ipv6_hdr(skb)->saddr;
	ireq->ir_v6_loc_addr = ipv6_hdr(skb)->daddr;
	/* No IPv4 segment shall match it. */
	sk->sk_daddr = LOOPBACK4_IPV6;
	sk->sk_rcv_saddr = LOOPBACK4_IPV6;
	/* A link-local address means nothing without its link. */
	if ((!READ_ONCE(lsk->sk_bound_dev_if) || l3_slave) &&
	    (ipv6_addr_type(&ireq->ir_v6_rmt_addr) & IPV6_ADDR_LINKLOCAL))
		ireq->ir_iif = tcpx_v6_iif(skb);
	if (!TCPX_CB(skb)->tw_isn && tcpx_v6_keep_syn(lsk, skb))
		ireq->pktopts = skb_get(skb);
	req->flowlabel = ip6_flowlabel(ipv6_hdr(skb));
}

/* A SYN for a listener of IPv6. One to many is not answered, rfc9293#section-3.9.2.3
 * (MUST-57); nor one from an address that none can have (rfc4291#section-2.5.5.2).
 */
static int tcpx_v6_conn_request(struct sock *lsk, struct sk_buff *skb)
{
	if (!tcpx_skb_is_v6(skb))
		return tcpx_v4_conn_request(lsk, skb);
	if (!ipv6_unicast_destination(skb)) {
		tcpx_listendrop(lsk, skb);
		return 0;
	}
	if (ipv6_addr_v4mapped(&ipv6_hdr(skb)->saddr)) {
		__IP6_INC_STATS(sock_net(lsk), NULL, IPSTATS_MIB_INHDRERRORS);
		return 0;
	}
	return tcpx_conn_request(lsk, skb);
}

/**
 * tcpx_v6_child_clone() - make a clone's struct ipv6_pinfo its own
 * @child: just cloned from a listener of IPv6: has its pointers, to that one's as well
 */
void tcpx_v6_child_clone(struct sock *child)
{
	struct ipv6_pinfo *np = &((struct tcpx6_sock *)child)->inet6;

	inet_sk(child)->pinet6 = np;
	compat_ipv6_fl_list_clear(child, np);
	np->ipv6_mc_list = NULL;
	np->ipv6_ac_list = NULL;
	np->pktoptions = NULL;
	np->rxpmtu = NULL;
	RCU_INIT_POINTER(np->opt, NULL);
	np->rcv_flowinfo = 0;
}

/**
 * tcpx_v6_mapped_child_init() - the child of an IPv6 listener talks IPv4
 * @child: child, its IPv4 side complete
 */
void tcpx_v6_mapped_child_init(struct sock *child)
{
	struct ipv6_pinfo *np = inet6_sk(child);

	np->saddr = child->sk_v6_rcv_saddr;
	np->mcast_oif = inet_sk(child)->mc_index;
	np->mcast_hops = inet_sk(child)->mc_ttl;
	if (compat_inet6_test(REPFLOW, child))
		np->flow_label = 0;
}

/* The listener's extension headers become the child's too. */
static void tcpx_v6_child_options(struct sock *lsk, struct sock *child)
{
	struct ipv6_txoptions *opt = rcu_dereference(inet6_sk(lsk)->opt);

	tcpx_sk(child)->ext_hdr_len = 0;
	if (!opt)
		return;
	opt = ipv6_dup_options(child, opt);
	RCU_INIT_POINTER(inet6_sk(child)->opt, opt);
	if (opt)
		tcpx_sk(child)->ext_hdr_len = opt->opt_nflen + opt->opt_flen;
}

static void tcpx_v6_child_init(struct sock *lsk, struct sock *child,
			       const struct tcpx_request_sock *req, struct sk_buff *skb)
{
	const struct inet_request_sock *ireq = &req->req;
	struct ipv6_pinfo *np = inet6_sk(child);

	tcpx_sk(child)->af_ops = &tcpx_ipv6_ops;
	child->sk_v6_daddr = ireq->ir_v6_rmt_addr;
	child->sk_v6_rcv_saddr = ireq->ir_v6_loc_addr;
	child->sk_bound_dev_if = ireq->ir_iif;
	child->sk_daddr = LOOPBACK4_IPV6;
	child->sk_rcv_saddr = LOOPBACK4_IPV6;
	inet_sk(child)->inet_saddr = LOOPBACK4_IPV6;

	np->saddr = ireq->ir_v6_loc_addr;
	np->mcast_oif = tcpx_v6_iif(skb);
	np->mcast_hops = ipv6_hdr(skb)->hop_limit;
	np->rcv_flowinfo = ip6_flowinfo(ipv6_hdr(skb));
	if (compat_inet6_test(REPFLOW, lsk))
		np->flow_label = ip6_flowlabel(ipv6_hdr(skb));
	if (READ_ONCE(sock_net(child)->ipv4.sysctl_tcp_reflect_tos))
		np->tclass = req->tos & ~INET_ECN_MASK;
	tcpx_v6_child_options(lsk, child);
	tcpx_early_learn(child, skb);
}

/* What the SYN brought for IPV6_PKTOPTIONS is the child's to tell. */
static void tcpx_v6_child_take(struct sock *child, struct inet_request_sock *ireq)
{
	struct ipv6_pinfo *np = inet6_sk(child);

	if (!ireq->pktopts)
		return;
	np->pktoptions = skb_clone_and_charge_r(ireq->pktopts, child);
	consume_skb(ireq->pktopts);
	ireq->pktopts = NULL;
	if (np->pktoptions) {
		skb_dst_drop(np->pktoptions);
		tcpx_v6_restore_cb(np->pktoptions);
	}
}

/* As tcpx_v4_syn_recv_sock(). */
static struct sock *tcpx_v6_syn_recv_sock(struct sock *lsk, struct sk_buff *skb,
					  struct tcpx_request_sock *req,
					  struct dst_entry *dst, bool *own_req)
{
	static const struct tcpx_child_ops ops = {
		.init		= tcpx_v6_child_init,
		.route_req	= tcpx_v6_route_req,
		.set_dst	= tcpx_v6_set_dst,
		.take		= tcpx_v6_child_take,
	};

	return tcpx_make_child(lsk, skb, req, dst, own_req, &ops);
}

/* --- receiving ----------------------------------------------------------------------------- */

/* A TCP segment for this host: inet6_protocol.handler. softirq, RCU. */
static int tcpx_v6_rcv(struct sk_buff *skb)
{
	if (static_branch_unlikely(&tcpx_active) && tcpx_rcv(skb))
		return 0;
	return tcpx_v6_kernel->handler(skb);
}

/* --- ICMPv6 --------------------------------------------------------------------------------- */

/**
 * struct tcpx_v6_icmp - an ICMPv6 error about a segment of ours
 * @skb: the message; its data begin with the IP header of the segment
 * @th: the segment's TCP header, the first eight bytes of it
 * @info: the message's parameter, host order: MTU, pointer
 * @type: ICMPV6_*, NDISC_REDIRECT
 * @code: its code
 */
struct tcpx_v6_icmp {
	struct sk_buff		*skb;
	const struct tcphdr	*th;
	u32			info;
	u8			type;
	u8			code;
};

/* The path takes no more than tp->mtu_info; socket locked. */
static void tcpx_v6_mtu_reduced(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 mtu = READ_ONCE(tp->mtu_info);
	struct dst_entry *dst;

	if ((1 << sk->sk_state) & (TCPF_LISTEN | TCPF_CLOSE))
		return;
	/* It may only get less: rfc8201#section-4. */
	if (tcpx_mtu_to_mss(sk, mtu) >= tp->mss_cache)
		return;
	rcu_read_lock();
	dst = tcpx_v6_dst(sk);
	if (!IS_ERR(dst)) {
		dst->ops->update_pmtu(dst, sk, NULL, mtu, true);
		/* That may have made another one. */
		dst = tcpx_v6_dst(sk);
	}
	if (!IS_ERR(dst) && tp->pmtu_cookie > dst_mtu(dst)) {
		tcpx_sync_mss(sk, dst_mtu(dst));
		/* What was too big was dropped: no need to wait for the timer. */
		tcpx_simple_retransmit(sk);
	}
	rcu_read_unlock();
}

static void tcpx_v6_pmtu(struct sock *sk, u32 mtu)
{
	/* rfc8201#section-4: none is smaller than that. */
	if (!ip6_sk_accept_pmtu(sk) || mtu < IPV6_MIN_MTU)
		return;
	WRITE_ONCE(tcpx_sk(sk)->mtu_info, mtu);
	if (!sock_owned_by_user(sk))
		tcpx_v6_mtu_reduced(sk);
	else if (!test_and_set_bit(TCP_MTU_REDUCED_DEFERRED, &sk->sk_tsq_flags))
		sock_hold(sk);	/* tcpx_release_cb() drops it */
}

static void tcpx_v6_redirect(struct sock *sk, struct sk_buff *skb)
{
	struct dst_entry *dst;

	if (sock_owned_by_user(sk))
		return;
	dst = __sk_dst_check(sk, inet6_sk(sk)->dst_cookie);
	if (dst)
		dst->ops->redirect(dst, sk, skb);
}

/* Queue the error for MSG_ERRQUEUE, with who sent it. */
static void tcpx_v6_queue_icmp_err(struct sock *sk, const struct tcpx_v6_icmp *icmp, int err)
{
	const struct ipv6hdr *iph = (const struct ipv6hdr *)icmp->skb->data;
	unsigned int offset = (const u8 *)icmp->th - icmp->skb->data;
	struct sock_exterr_skb *serr;
	struct sk_buff *eskb;

	if (!compat_inet6_test(RECVERR, sk))
		return;
	eskb = skb_clone(icmp->skb, GFP_ATOMIC);
	if (!eskb)
		return;
	eskb->protocol = htons(ETH_P_IPV6);
	serr = SKB_EXT_ERR(eskb);
	memset(&serr->ee, 0, sizeof(serr->ee));
	serr->ee.ee_errno = err;
	serr->ee.ee_origin = SO_EE_ORIGIN_ICMP6;
	serr->ee.ee_type = icmp->type;
	serr->ee.ee_code = icmp->code;
	serr->ee.ee_info = icmp->info;
	serr->addr_offset = (const u8 *)&iph->daddr - skb_network_header(icmp->skb);
	serr->port = icmp->th->dest;
	if (skb_pull(eskb, offset)) {
		skb_reset_transport_header(eskb);
		if (sock_queue_err_skb(sk, eskb) == 0)
			return;
	}
	kfree_skb(eskb);
}

/*
 * rfc1122#section-4.2.3.9, see tcpx_v4_icmp_report(): an error ends an attempt to
 * connect; a connection goes on and tells it if it dies of something else.
 */
static void tcpx_v6_icmp_report(struct sock *sk, const struct tcpx_v6_icmp *icmp, int err)
{
	const struct tcpx_request_sock *req = tcpx_sk(sk)->fastopen_rsk;
	bool owned = sock_owned_by_user(sk);

	/* Of Fast Open's, one that was accepted is a connection like others. */
	if (((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) &&
	    !(req && !req->req.req.sk)) {
		tcpx_v6_queue_icmp_err(sk, icmp, err);
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
	if (!owned && compat_inet6_test(RECVERR, sk)) {
		WRITE_ONCE(sk->sk_err, err);
		sk_error_report(sk);
	} else {
		WRITE_ONCE(sk->sk_err_soft, err);
	}
}

/* An ICMPv6 error for a full socket; bh_lock_sock held. */
static void tcpx_v6_err_sock(struct sock *sk, const struct tcpx_v6_icmp *icmp)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	u32 snd_una;
	int err;

	/* The path MTU is put off, the rest is less if the user has the lock. */
	if (sock_owned_by_user(sk) && icmp->type != ICMPV6_PKT_TOOBIG)
		TCPX_NET_INC(net, LINUX_MIB_LOCKDROPPEDICMPS);
	if (sk->sk_state == TCP_CLOSE)
		return;
	if (unlikely(tcpx_v6_hops_too_many(sk, icmp->skb))) {
		TCPX_NET_INC(net, LINUX_MIB_TCPMINTTLDROP);
		return;
	}
	/* rfc5927#section-4.1: it must be about something in flight. */
	snd_una = tp->fastopen_rsk ? tp->fastopen_rsk->snt_isn : tp->snd_una;
	if (!between(ntohl(icmp->th->seq), snd_una, tp->snd_nxt)) {
		TCPX_NET_INC(net, LINUX_MIB_OUTOFWINDOWICMPS);
		return;
	}
	if (icmp->type == NDISC_REDIRECT) {
		tcpx_v6_redirect(sk, icmp->skb);
	} else if (icmp->type == ICMPV6_PKT_TOOBIG) {
		tcpx_v6_pmtu(sk, icmp->info);
	} else {
		/* An attempt to connect ends, and has no use for another SYN. */
		if (icmp->type == ICMPV6_DEST_UNREACH && icmp->code == ICMPV6_NOROUTE &&
		    !((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) &&
		    !tp->fastopen_rsk && !sock_owned_by_user(sk))
			tcpx_ld_rto_revert(sk, ntohl(icmp->th->seq));
		icmpv6_err_convert(icmp->type, icmp->code, &err);
		tcpx_v6_icmp_report(sk, icmp, err);
	}
}

/* About a SYN-ACK: nobody is told, accept() returns no such errors. */
static void tcpx_v6_err_req(struct tcpx_request_sock *req, const struct tcpx_v6_icmp *icmp)
{
	struct sock *lsk = req->req.req.rsk_listener;
	int err;

	if (ntohl(icmp->th->seq) != req->snt_isn) {
		TCPX_NET_INC(sock_net(lsk), LINUX_MIB_OUTOFWINDOWICMPS);
	} else if (icmpv6_err_convert(icmp->type, icmp->code, &err)) {
		tcpx_reqsk_drop(req);
		tcpx_listendrop(lsk, icmp->skb);
	}
	tcpx_reqsk_put(req);
}

static struct sock *tcpx_v6_err_find(const struct tcpx_v6_icmp *icmp)
{
	const struct ipv6hdr *iph = (const struct ipv6hdr *)icmp->skb->data;
	struct net *net = dev_net(icmp->skb->dev);
	struct tcpx_hashinfo *h = READ_ONCE(tcpx_pernet(net)->hinfo);

	if (!h)
		return NULL;
	return tcpx_v6_lookup_established(net, h, &iph->daddr, icmp->th->dest, &iph->saddr,
					  ntohs(icmp->th->source), icmp->skb->dev->ifindex,
					  inet6_sdif(icmp->skb));
}

/* An ICMPv6 error about a TCP segment: inet6_protocol.err_handler. softirq, RCU; the
 * first eight bytes of the TCP header are there, at @offset.
 */
static int tcpx_v6_err(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type, u8 code,
		       int offset, __be32 info)
{
	const struct tcpx_v6_icmp icmp = {
		.skb	= skb,
		.th	= (const struct tcphdr *)(skb->data + offset),
		.info	= ntohl(info),
		.type	= type,
		.code	= code,
	};
	struct sock *sk = NULL;

	if (static_branch_unlikely(&tcpx_active))
		sk = tcpx_v6_err_find(&icmp);
	if (!sk)
		return tcpx_v6_kernel->err_handler(skb, opt, type, code, offset, info);

	if (sk->sk_state == TCP_TIME_WAIT) {
		/* To count it. */
		tcpx_ao_ignore_icmp6(sk, type, code);
		tcpx_tw_put(tcpx_twsk(sk));
	} else if (sk->sk_state == TCP_NEW_SYN_RECV) {
		tcpx_v6_err_req(tcpx_rsk(inet_reqsk(sk)), &icmp);
	} else {
		if (!tcpx_ao_ignore_icmp6(sk, type, code)) {
			bh_lock_sock(sk);
			tcpx_v6_err_sock(sk, &icmp);
			bh_unlock_sock(sk);
		}
		sock_put(sk);
	}
	return 0;
}

/* --- load and unload ------------------------------------------------------------------------ */

const struct tcpx_af_ops tcpx_ipv6_ops = {
	.queue_xmit	 = tcpx_v6_queue_xmit,
	.send_check	 = tcpx_v6_send_check,
	.rebuild_header	 = tcpx_v6_rebuild_header,
	.conn_request	 = tcpx_v6_conn_request,
	.syn_recv_sock	 = tcpx_v6_syn_recv_sock,
	.init_req	 = tcpx_v6_init_req,
	.init_isn	 = tcpx_v6_synack_isn,
	.route_req	 = tcpx_v6_route_req,
	.send_synack_ip	 = tcpx_v6_send_synack_ip,
	.mtu_reduced	 = tcpx_v6_mtu_reduced,
	.setsockopt	 = tcpx_v6_setsockopt,
	.getsockopt	 = tcpx_v6_getsockopt,
	.gso_type	 = SKB_GSO_TCPV6,
	.mss_default	 = IPV6_MIN_MTU - sizeof(struct tcphdr) - sizeof(struct ipv6hdr),
	.net_header_len	 = sizeof(struct ipv6hdr),
	.sockaddr_len	 = sizeof(struct sockaddr_in6),
};

const struct tcpx_af_ops tcpx_ipv6_mapped_ops = {
	.queue_xmit	 = tcpx_v4_queue_xmit,
	.send_check	 = tcpx_v4_send_check,
	.rebuild_header	 = tcpx_v4_rebuild_header,
	.conn_request	 = tcpx_v6_conn_request,
	.syn_recv_sock	 = tcpx_v4_syn_recv_sock,
	.init_req	 = tcpx_v4_init_req,
	.init_isn	 = tcpx_v4_synack_isn,
	.route_req	 = tcpx_v4_route_req,
	.send_synack_ip	 = tcpx_v4_send_synack_ip,
	.mtu_reduced	 = tcpx_v4_mtu_reduced,
	.setsockopt	 = tcpx_v6_setsockopt,
	.getsockopt	 = tcpx_v6_getsockopt,
	.gso_type	 = SKB_GSO_TCPV4,
	.mss_default	 = TCP_MSS_DEFAULT,
	.net_header_len	 = sizeof(struct iphdr),
	.sockaddr_len	 = sizeof(struct sockaddr_in6),
};

/**
 * tcpx_v6_enabled() - does this host have IPv6?
 *
 * Return: false if it was booted with ipv6.disable=1
 */
bool tcpx_v6_enabled(void)
{
	return rcu_access_pointer(inet6_protos[IPPROTO_TCP]);
}

/* Swap TCP's entry of inet6_protos[]; false if it is not @from. */
static bool tcpx_v6_swap_protocol(struct inet6_protocol *from, struct inet6_protocol *to)
{
	struct inet6_protocol **slot;

	slot = (__force struct inet6_protocol **)&inet6_protos[IPPROTO_TCP];
	return cmpxchg(slot, from, to) == from;
}

/**
 * tcpx_v6_init() - stand in front of kernel TCP, if it is there
 *
 * Context: process, all else is ready
 * Return: 0; -EBUSY if somebody else is just doing the same; -ERESTARTSYS
 */
int __init tcpx_v6_init(void)
{
	struct inet6_protocol *kernel = rcu_dereference_protected(inet6_protos[IPPROTO_TCP], 1);
	int err = get_random_bytes_wait(&tcpx_v6_isn_secret, sizeof(tcpx_v6_isn_secret));

	if (err || !kernel)
		return err;
	tcpx_v6_kernel = kernel;
	tcpx_v6_protocol = *kernel;
	tcpx_v6_protocol.handler = tcpx_v6_rcv;
	tcpx_v6_protocol.err_handler = tcpx_v6_err;
	return tcpx_v6_swap_protocol(kernel, &tcpx_v6_protocol) ? 0 : -EBUSY;
}

/**
 * tcpx_v6_exit() - give its place back to kernel TCP; see tcpx_v4_exit()
 *
 * Context: process; no handler of ours runs when it returns
 */
void tcpx_v6_exit(void)
{
	bool told = false;

	if (!tcpx_v6_kernel)
		return;
	while (!tcpx_v6_swap_protocol(&tcpx_v6_protocol, tcpx_v6_kernel)) {
		if (!told)
			pr_warn("tcpx: waiting for another module to leave TCP's input over IPv6\n");
		told = true;
		schedule_timeout_uninterruptible(HZ / 10);
	}
	synchronize_net();
}
