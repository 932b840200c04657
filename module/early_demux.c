// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: find the socket of a segment before it is routed. A connection knows the route
 * of what arrives for it (sk_rx_dst), and a lookup of ours costs a fraction of the
 * routing table's.
 *
 * Kernel TCP does so in ip_rcv_finish() and ip6_rcv_finish(), which call it by name:
 * nobody can stand in front of that. The last place before it is the end of netfilter's
 * PRE_ROUTING, so there are hooks of ours, in each netns where TCPX segments come from
 * outside. What they find goes with the segment in skb->sk; the input handler takes it from
 * there (tcpx_early_steal()). A segment that came with a route, as all do over loopback, is
 * none of their business; nor is one of IPv6 with extension headers. A netns that talks to
 * itself only has no hooks, for they cost all that arrives there, kernel TCP's as well.
 *
 * net.ipv4.ip_early_demux and tcp_early_demux switch it off, as they do kernel TCP's, over
 * IPv6 too.
 */
#include <linux/ip.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ipv6.h>

#include "tcpx.h"
#include "early_demux.h"

/**
 * tcpx_early_steal() - the socket that early demux found for a segment
 * @skb: segment, skb->sk set
 *
 * Context: softirq
 * Return: the socket with the skb's reference, or NULL: it is not one of ours.
 */
struct sock *tcpx_early_steal(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (skb->destructor != sock_edemux || !sk_fullsock(sk) || sk->sk_protocol != IPPROTO_TCPX)
		return NULL;
	skb->sk = NULL;
	skb->destructor = NULL;
	return sk;
}

/* What dst_check() needs to tell whether a route is still good; IPv4 needs nothing. */
static u32 tcpx_rx_dst_cookie(const struct sk_buff *skb, const struct dst_entry *dst)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (tcpx_skb_is_v6(skb))
		return rt6_get_cookie((const struct rt6_info *)dst);
#endif
	return 0;
}

/* The netns's first segment from outside: who follows shall be found early. */
static void tcpx_early_want(struct tcpx_net *tn)
{
	if (!READ_ONCE(tn->early))
		schedule_work(&tn->early_work);
}

/**
 * tcpx_early_relearn() - tcpx_early_learn() when the route is another one, or the first
 * @sk: the socket, locked; holds its netns
 * @skb: segment, with its route
 */
void tcpx_early_relearn(struct sock *sk, const struct sk_buff *skb)
{
	struct dst_entry *old = rcu_dereference_protected(sk->sk_rx_dst, lockdep_sock_is_held(sk));
	struct dst_entry *dst = skb_dst(skb);

	if (!dst_hold_safe(dst))
		return;
	tcpx_early_want(tcpx_pernet(sock_net(sk)));
	rcu_assign_pointer(sk->sk_rx_dst, dst);
	WRITE_ONCE(sk->sk_rx_dst_cookie, tcpx_rx_dst_cookie(skb, dst));
	WRITE_ONCE(sk->sk_rx_dst_ifindex, skb->skb_iif);
	dst_release(old);
}

#if IS_ENABLED(CONFIG_NETFILTER)

/* A connection is asked for: there is hardly ever one already. */
static bool tcpx_is_syn(const struct tcphdr *th)
{
	return (tcp_flag_word(th) & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

/* Is there anything to find for a segment, its ports to be read, and the port ours? Not yet where a
 * VRF, or ipvlan, has still to say whose it is; the VRF's comes here once more. Part of
 * the hook, as what follows is: each segment from outside pays for them.
 */
static __always_inline bool tcpx_early_wanted(const struct tcpx_net *tn, struct sk_buff *skb)
{
	const struct net *net = tn->net;

	return !skb_dst(skb) && !skb->sk && skb->pkt_type == PACKET_HOST &&
	       !netif_is_l3_slave(skb->dev) && !netif_has_l3_rx_handler(skb->dev) &&
	       READ_ONCE(net->ipv4.sysctl_ip_early_demux) &&
	       READ_ONCE(net->ipv4.sysctl_tcp_early_demux) &&
	       pskb_may_pull(skb, skb_transport_offset(skb) + sizeof(struct tcphdr)) &&
	       test_bit(ntohs(tcp_hdr(skb)->dest), READ_ONCE(tn->hinfo)->used_ports) &&
	       !tcpx_is_syn(tcp_hdr(skb));
}

/* The route goes with the segment if it is still good and the way in the same. */
static __always_inline void tcpx_early_route(struct sk_buff *skb, const struct sock *sk)
{
	struct dst_entry *dst = rcu_dereference(sk->sk_rx_dst);

	if (dst)
		dst = dst_check(dst, READ_ONCE(sk->sk_rx_dst_cookie));
	if (dst && READ_ONCE(sk->sk_rx_dst_ifindex) == skb->skb_iif)
		skb_dst_set_noref(skb, dst);
}

/* @sk is what a lookup returned: requests and TIME_WAIT know no route. */
static __always_inline void tcpx_early_found(struct sk_buff *skb, struct sock *sk)
{
	if (!sk)
		return;
	if (!sk_fullsock(sk)) {
		tcpx_sock_gen_put(sk);
		return;
	}
	skb->sk = sk;
	skb->destructor = sock_edemux;
	tcpx_early_route(skb, sk);
}

static unsigned int tcpx_v4_early_demux(void *priv, struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	struct tcpx_net *tn = tcpx_pernet(state->net);
	const struct tcphdr *th;
	const struct iphdr *iph;

	if (!atomic_read(&tn->nr_sock) || ip_hdr(skb)->protocol != IPPROTO_TCP ||
	    ip_is_fragment(ip_hdr(skb)) || !tcpx_early_wanted(tn, skb))
		return NF_ACCEPT;
	iph = ip_hdr(skb);
	th = tcp_hdr(skb);
	tcpx_early_found(skb, tcpx_v4_lookup_established(state->net, READ_ONCE(tn->hinfo),
							 iph->saddr, th->source, iph->daddr,
							 ntohs(th->dest), skb->skb_iif,
							 inet_sdif(skb)));
	return NF_ACCEPT;
}

#if IS_ENABLED(CONFIG_IPV6)
static unsigned int tcpx_v6_early_demux(void *priv, struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	struct tcpx_net *tn = tcpx_pernet(state->net);
	const struct ipv6hdr *iph;
	const struct tcphdr *th;

	if (!atomic_read(&tn->nr_sock) || ipv6_hdr(skb)->nexthdr != IPPROTO_TCP ||
	    !tcpx_early_wanted(tn, skb))
		return NF_ACCEPT;
	iph = ipv6_hdr(skb);
	th = tcp_hdr(skb);
	tcpx_early_found(skb, tcpx_v6_lookup_established(state->net, READ_ONCE(tn->hinfo),
							 &iph->saddr, th->source, &iph->daddr,
							 ntohs(th->dest), inet6_iif(skb),
							 inet6_sdif(skb)));
	return NF_ACCEPT;
}
#endif

/* Behind everybody: NAT and firewalls come first, as they do before kernel TCP's. */
static const struct nf_hook_ops tcpx_early_hooks[] = {
	{
		.hook		= tcpx_v4_early_demux,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= INT_MAX,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook		= tcpx_v6_early_demux,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_PRE_ROUTING,
		.priority	= INT_MAX,
	},
#endif
};

static int tcpx_early_hook_add(struct net *net)
{
	return nf_register_net_hooks(net, tcpx_early_hooks, ARRAY_SIZE(tcpx_early_hooks));
}

static void tcpx_early_hook_del(struct net *net)
{
	nf_unregister_net_hooks(net, tcpx_early_hooks, ARRAY_SIZE(tcpx_early_hooks));
}

#else

static int tcpx_early_hook_add(struct net *net)
{
	return 0;
}

static void tcpx_early_hook_del(struct net *net)
{
}

#endif

/* Without memory all works, only slower; the next connection tries again. Nor is there
 * anything to do for a netns whose last socket has gone meanwhile, for tcpx_active_off()
 * may have been there already.
 */
static void tcpx_early_work(struct work_struct *work)
{
	struct tcpx_net *tn = container_of(work, struct tcpx_net, early_work);

	mutex_lock(&tn->early_mutex);
	if (!tn->early && atomic_read(&tn->nr_sock) && !tcpx_early_hook_add(tn->net))
		WRITE_ONCE(tn->early, true);
	mutex_unlock(&tn->early_mutex);
}

/**
 * tcpx_early_demux_off() - there is nothing of ours any more: cost nobody anything
 * @tn: the netns
 *
 * Context: may sleep
 */
void tcpx_early_demux_off(struct tcpx_net *tn)
{
	mutex_lock(&tn->early_mutex);
	if (tn->early)
		tcpx_early_hook_del(tn->net);
	WRITE_ONCE(tn->early, false);
	mutex_unlock(&tn->early_mutex);
}

/**
 * tcpx_early_net_init() - prepare a netns
 * @tn: the netns
 */
void tcpx_early_net_init(struct tcpx_net *tn)
{
	mutex_init(&tn->early_mutex);
	INIT_WORK(&tn->early_work, tcpx_early_work);
}

/**
 * tcpx_early_net_exit() - leave no hook behind
 * @tn: the netns; no socket is left in it that could want one
 *
 * Context: may sleep
 */
void tcpx_early_net_exit(struct tcpx_net *tn)
{
	cancel_work_sync(&tn->early_work);
	tcpx_early_demux_off(tn);
}
