/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: early_demux.c as the way in sees it. A socket keeps the route by which a segment
 * came (sk_rx_dst) for those that follow.
 */
#ifndef _TCPX_EARLY_DEMUX_H
#define _TCPX_EARLY_DEMUX_H

struct sock *tcpx_early_steal(struct sk_buff *skb);
void tcpx_early_relearn(struct sock *sk, const struct sk_buff *skb);

/* Over loopback the next one comes with its route, too. */
static inline bool tcpx_early_comes_routed(const struct sk_buff *skb)
{
	return skb->skb_iif == LOOPBACK_IFINDEX;
}

/**
 * tcpx_early_lacks_route() - has a segment's route to go with it to the backlog?
 * @sk: its socket; the user owns it
 * @skb: segment
 *
 * The SYN-ACK finds connect() still at work where its way was short, and so may what follows:
 * without this each of them would be routed.
 *
 * Context: softirq
 * Return: true if the socket knows no route yet.
 */
static inline bool tcpx_early_lacks_route(const struct sock *sk, const struct sk_buff *skb)
{
	return !rcu_access_pointer(sk->sk_rx_dst) && !tcpx_early_comes_routed(skb);
}

/**
 * tcpx_early_learn() - remember the route of a segment for those that follow
 * @sk: its socket, locked
 * @skb: segment; one from the backlog may have no route any more
 */
static inline void tcpx_early_learn(struct sock *sk, const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (dst && !tcpx_early_comes_routed(skb) &&
	    (dst != rcu_access_pointer(sk->sk_rx_dst) || sk->sk_rx_dst_ifindex != skb->skb_iif))
		tcpx_early_relearn(sk, skb);
}

#endif /* _TCPX_EARLY_DEMUX_H */
