/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: how a completed handshake becomes a socket, the same over IPv4 and IPv6.
 *
 * A template: each face towards IP has its own copy, in which nothing is called through
 * a pointer. Accepting is the dearest thing a server with short connections does.
 */
#ifndef TCPX_CHILD_H
#define TCPX_CHILD_H

#include "tcpx.h"
#include "trace.h"

/**
 * struct tcpx_child_ops - what differs by IP version
 * @init: addresses, and what else the child learns from request and ACK
 * @route_req: route to the peer; NULL: none
 * @set_dst: commit the child to a route, which is taken over
 * @take: the child is in the request's place: what that one kept becomes the child's
 */
struct tcpx_child_ops {
	void (*init)(struct sock *lsk, struct sock *child, const struct tcpx_request_sock *req,
		     struct sk_buff *skb);
	struct dst_entry *(*route_req)(const struct sock *lsk, struct tcpx_request_sock *req,
				       struct flowi *fl);
	void (*set_dst)(struct sock *child, struct dst_entry *dst);
	void (*take)(struct sock *child, struct inet_request_sock *ireq);
};

/* The child's route is known: what follows from its MTU. dst is taken over. */
static __always_inline void tcpx_child_route(struct sock *child, struct dst_entry *dst,
					     const struct tcpx_child_ops *ops)
{
	struct tcpx_sock *tp = tcpx_sk(child);
	u16 user_mss = tp->rx_opt.user_mss;

	ops->set_dst(child, dst);
	tcpx_sync_mss(child, dst_mtu(dst));
	tp->advmss = dst_metric_advmss(dst);
	if (user_mss && user_mss < tp->advmss)
		tp->advmss = user_mss;
	tcpx_initialize_rcv_mss(child);
}

/* Put the child into the request's place. What the SYN told is for who wins. */
static __always_inline bool tcpx_child_hash(struct sock *child, struct tcpx_request_sock *req,
					    const struct tcpx_child_ops *ops)
{
	struct inet_request_sock *ireq = &req->req;
	bool hashed = !req->is_cookie && !req->tfo_listener;
	struct sock *osk = hashed ? req_to_sk(&ireq->req) : NULL;
	bool found;

	if (!tcpx_ehash_insert(child, osk, &found))
		return false;
	ops->take(child, ireq);
	tcpx_sk(child)->saved_syn = ireq->req.saved_syn;
	ireq->req.saved_syn = NULL;
	return true;
}

/**
 * tcpx_make_child() - a handshake is complete: make the child
 * @lsk: listener, not locked
 * @skb: the ACK; not consumed
 * @req: request
 * @dst: route, taken over; NULL to look it up
 * @own_req: false if another CPU made the child first
 * @ops: what differs by IP version, a constant
 *
 * Context: softirq, RCU
 * Return: child, locked and with two references, in ehash in the request's place;
 * or NULL: lost the race (see @own_req), the accept queue is full, no memory, no route.
 */
static __always_inline struct sock *tcpx_make_child(struct sock *lsk, struct sk_buff *skb,
						    struct tcpx_request_sock *req,
						    struct dst_entry *dst, bool *own_req,
						    const struct tcpx_child_ops *ops)
{
	struct net *net = sock_net(lsk);
	struct sock *child = NULL;
	struct flowi fl;

	*own_req = true;
	if (sk_acceptq_is_full(lsk)) {
		TCPX_NET_INC(net, LINUX_MIB_LISTENOVERFLOWS);
		trace_tcpx_listen_overflow(lsk, 1);
		goto drop;
	}
	child = tcpx_create_openreq_child(lsk, req, skb);
	if (!child)
		goto drop;
	ops->init(lsk, child, req, skb);
	if (!dst)
		dst = ops->route_req(lsk, req, &fl);
	if (!dst)
		goto discard;
	tcpx_child_route(child, dst, ops);
	dst = NULL;
	if (tcpx_auth_inherit(child, lsk, req) || tcpx_inherit_port(lsk, child))
		goto discard;

	*own_req = tcpx_child_hash(child, req, ops);
	if (!*own_req) {
		tcpx_discard_child(child);
		return NULL;
	}
	TCPX_INC_STATS(net, TCP_MIB_PASSIVEOPENS);
	return child;

discard:
	TCPX_INC_STATS(net, TCP_MIB_ATTEMPTFAILS);
	tcpx_discard_child(child);
drop:
	dst_release(dst);
	tcpx_listendrop(lsk, skb);
	return NULL;
}

#endif /* TCPX_CHILD_H */
