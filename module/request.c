// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: half-open passive connections, SYN-RECEIVED of rfc9293#section-3.3.2.
 *
 * A SYN makes a request sock: a small object in ehash that stands for the
 * connection and retransmits its SYN-ACK. The ACK that completes the handshake
 * makes a child, a full socket, which replaces the request in ehash; the
 * request then carries the child through the accept queue (listen.c).
 *
 * References. ehash and the timer share one on a request; it belongs to who
 * takes the request out of ehash, and he stops the timer before he drops it:
 * the timer (expired), tcpx_reqsk_drop() (reset, ICMP, the listener closes), or
 * the child (tcpx_ehash_insert() with the request as the old socket), by which
 * it becomes the accept queue's. A request holds its listener, which holds
 * tcpx_active, the netns and the module: a request needs none of them itself.
 * A request is found without a lock: the slab is SLAB_TYPESAFE_BY_RCU.
 *
 * A SYN takes no lock of the listener; the length of the queue is counted in atomics.
 */
#include <linux/security.h>
#include <linux/slab.h>

#include "tcpx.h"
#include "trace.h"

static void tcpx_reqsk_destructor(struct request_sock *rsk);

/*
 * Kernel code that meets a request (an skb's owner, an LSM) may look at these,
 * and the last user of a SYN-ACK's skb frees the request through them.
 */
static struct request_sock_ops tcpx_request_ops = {
	.family		= PF_INET,
	.obj_size	= sizeof(struct tcpx_request_sock),
	.slab_name	= "request_sock_TCPX",
	.destructor	= tcpx_reqsk_destructor,
};

/* The same over IPv6, from the same slab. */
static struct request_sock_ops tcpx6_request_ops = {
	.family		= PF_INET6,
	.obj_size	= sizeof(struct tcpx_request_sock),
	.destructor	= tcpx_reqsk_destructor,
};

/* --- request socks ------------------------------------------------------ */

static void tcpx_reqsk_destructor(struct request_sock *rsk)
{
	struct inet_request_sock *ireq = inet_rsk(rsk);
	struct ip_options_rcu *opt = rcu_dereference_protected(ireq->ireq_opt, 1);

	/* Two calls that most requests need not make, in a flood of them. */
	if (unlikely(opt || rsk->saved_syn)) {
		kfree(opt);
		kfree(rsk->saved_syn);
		/* The kernel frees it, too, where an skb had the last reference. */
		rsk->saved_syn = NULL;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (unlikely(ireq->pktopts))
		consume_skb(ireq->pktopts);
#endif
	atomic_dec(&tcpx_pernet(read_pnet(&ireq->ireq_net))->req_count);
}

/**
 * tcpx_reqsk_alloc() - a request that nobody else knows yet
 * @lsk: listener; RCU
 * @skb: its SYN, or the ACK of a cookie
 * @attach_listener: hold @lsk, as every request does that will be in ehash
 *
 * Return: request with a reference count of 0, or NULL: no memory, or @lsk is
 * being freed.
 */
struct tcpx_request_sock *tcpx_reqsk_alloc(struct sock *lsk, const struct sk_buff *skb,
					   bool attach_listener)
{
	struct tcpx_request_sock *req;
	struct request_sock *rsk;

	req = kmem_cache_alloc(tcpx_request_ops.slab, GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(!req))
		return NULL;
	rsk = &req->req.req;
	rsk->rsk_listener = NULL;
	if (attach_listener) {
		if (unlikely(!refcount_inc_not_zero(&lsk->sk_refcnt))) {
			kmem_cache_free(tcpx_request_ops.slab, req);
			return NULL;
		}
		rsk->rsk_listener = lsk;
	}

	/* ->next of the node is left alone: a reader may stand on what was here. */
	sk_node_init(&req_to_sk(rsk)->sk_node);
	sk_tx_queue_clear(req_to_sk(rsk));
	req_to_sk(rsk)->sk_prot = lsk->sk_prot;
	rsk->rsk_ops = tcpx_skb_is_v6(skb) ? &tcpx6_request_ops : &tcpx_request_ops;
	rsk->dl_next = NULL;
	rsk->sk = NULL;
	rsk->saved_syn = NULL;
	rsk->num_retrans = 0;
	rsk->num_timeout = 0;
	rsk->syncookie = 0;
	rsk->secid = 0;
	rsk->peer_secid = 0;
	rsk->timeout = TCPX_TIMEOUT_INIT;
	refcount_set(&rsk->rsk_refcnt, 0);

	RCU_INIT_POINTER(req->req.ireq_opt, NULL);
#if IS_ENABLED(CONFIG_IPV6)
	req->req.pktopts = NULL;
#endif
	atomic64_set(&req->req.ir_cookie, 0);
	req->req.ireq_state = TCP_NEW_SYN_RECV;
	write_pnet(&req->req.ireq_net, sock_net(lsk));
	req->req.ireq_family = lsk->sk_family;
	req->af_ops = tcpx_skb_af_ops(lsk, skb);
	req->last_oow_ack_time = 0;
	req->snt_synack = 0;
	req->ts_off = 0;
	req->is_cookie = !attach_listener;
	req->tfo_listener = false;
	req->accecn_ok = 0;
	req->accecn_bleached = 0;
	req->used_ao = false;
	req->syn_ect_rcv = 0;
	req->syn_ect_snt = 0;
	atomic_inc(&tcpx_pernet(sock_net(lsk))->req_count);
	return req;
}

/**
 * tcpx_reqsk_free() - free a request that nobody refers to any more
 * @req: request, in no table, its timer not armed
 *
 * Context: any
 */
void tcpx_reqsk_free(struct tcpx_request_sock *req)
{
	struct request_sock *rsk = &req->req.req;

	tcpx_reqsk_destructor(rsk);
	if (rsk->rsk_listener)
		sock_put(rsk->rsk_listener);
	kmem_cache_free(tcpx_request_ops.slab, req);
}

/**
 * tcpx_reqsk_put() - drop a reference
 * @req: request
 *
 * Context: any
 */
void tcpx_reqsk_put(struct tcpx_request_sock *req)
{
	if (refcount_dec_and_test(&req->req.req.rsk_refcnt))
		tcpx_reqsk_free(req);
}

/**
 * tcpx_reqsk_clone() - a copy of a request for another listener
 * @req: request
 * @lsk: listener; the caller's reference passes to the copy
 *
 * Return: the copy, with a reference count of 0, its timer not set up, in no table; or NULL,
 * then the reference is still the caller's. What @req owns is in both: see migrate.c.
 */
struct tcpx_request_sock *tcpx_reqsk_clone(const struct tcpx_request_sock *req, struct sock *lsk)
{
	const size_t begin = offsetof(struct sock, sk_dontcopy_begin);
	const size_t end = offsetof(struct sock, sk_dontcopy_end);
	struct tcpx_request_sock *new;
	struct sock *nsk;

	new = kmem_cache_alloc(tcpx_request_ops.slab, GFP_ATOMIC | __GFP_NOWARN);
	if (unlikely(!new))
		return NULL;
	/* What lies between them is of the memory: readers may stand on it. */
	nsk = req_to_sk(&new->req.req);
	memcpy((u8 *)new, (const u8 *)req, begin);
	memcpy((u8 *)new + end, (const u8 *)req + end, sizeof(*req) - end);
	sk_node_init(&nsk->sk_node);
	sk_tx_queue_clear(nsk);
	refcount_set(&new->req.req.rsk_refcnt, 0);
	new->req.req.rsk_listener = lsk;
	new->req.req.rsk_rcv_wnd = req->req.req.rsk_rcv_wnd;	/* among them */
#ifdef CONFIG_SOCK_RX_QUEUE_MAPPING
	nsk->sk_rx_queue_mapping = ((const struct sock *)req)->sk_rx_queue_mapping;
#endif
	atomic_inc(&tcpx_pernet(sock_net(lsk))->req_count);
	return new;
}

/* Its timer is about to start. */
static void tcpx_reqsk_added(const struct tcpx_request_sock *req)
{
	struct tcpx_accept_queue *queue = tcpx_queue(req->req.req.rsk_listener);

	if (req->req.req.num_timeout == 0)
		atomic_inc(&queue->young);
	atomic_inc(&queue->qlen);
}

/* Its timer is stopped, so num_timeout stands. */
static void tcpx_reqsk_removed(const struct tcpx_request_sock *req)
{
	struct tcpx_accept_queue *queue = tcpx_queue(req->req.req.rsk_listener);

	if (req->req.req.num_timeout == 0)
		atomic_dec(&queue->young);
	atomic_dec(&queue->qlen);
}

/**
 * tcpx_reqsk_unlinked() - a request is no longer half-open
 * @req: the caller took it out of ehash, and owns the reference it had for that
 *
 * Context: BH off. Waits for the timer's handler.
 */
void tcpx_reqsk_unlinked(struct tcpx_request_sock *req)
{
	timer_delete_sync(&req->req.req.rsk_timer);
	tcpx_reqsk_removed(req);
}

/**
 * tcpx_reqsk_drop() - give up a half-open connection
 * @req: request; the caller has a reference of his own
 *
 * Context: BH off. Waits for the timer's handler, so it is not for that one.
 * Return: false if the request was no longer in ehash: somebody else dropped it
 * or made its child.
 */
bool tcpx_reqsk_drop(struct tcpx_request_sock *req)
{
	bool removed;

	tcpx_ehash_remove(req_to_sk(&req->req.req), &removed);
	if (!removed)
		return false;
	tcpx_reqsk_unlinked(req);
	tcpx_reqsk_put(req);
	return true;
}

/* --- SYN-ACK and its retransmission ---------------------------------------- */

static unsigned long tcpx_reqsk_timeout(const struct tcpx_request_sock *req)
{
	u64 timeout = (u64)req->req.req.timeout << req->req.req.num_timeout;

	return min_t(u64, timeout, tcpx_sk(req->req.req.rsk_listener)->rto_max);
}

static int tcpx_send_reqsk_synack(const struct sock *lsk, struct tcpx_request_sock *req,
				  struct dst_entry *dst, const struct tcp_fastopen_cookie *foc)
{
	struct sk_buff *skb = tcpx_make_synack(lsk, dst, req, req->is_cookie, foc);

	if (!skb)
		return -ENOMEM;
	return req->af_ops->send_synack_ip(lsk, skb, req, dst);
}

/**
 * tcpx_rtx_synack() - send the SYN-ACK again
 * @lsk: listener, or the child of Fast Open (locked), which counts it as its own
 * @req: request
 *
 * Return: 0 or -errno.
 */
int tcpx_rtx_synack(const struct sock *lsk, struct tcpx_request_sock *req)
{
	struct net *net = sock_net(lsk);
	struct dst_entry *dst;
	struct flowi fl;
	int err;

	/* Another path, if the first one lost it. */
	if (READ_ONCE(lsk->sk_txrehash) == SOCK_TXREHASH_ENABLED)
		WRITE_ONCE(req->txhash, net_tx_rndhash());
	rcu_read_lock();
	dst = req->af_ops->route_req(lsk, req, &fl);
	err = dst ? tcpx_send_reqsk_synack(lsk, req, dst, NULL) : -EHOSTUNREACH;
	rcu_read_unlock();
	if (err)
		return err;

	TCPX_INC_STATS(net, TCP_MIB_RETRANSSEGS);
	TCPX_NET_INC(net, LINUX_MIB_TCPSYNRETRANS);
	req->req.req.num_retrans++;
	if (req->tfo_listener)
		tcpx_sk(lsk)->total_retrans++;
	return 0;
}

/*
 * How often to retransmit. Half of the queue is kept for the young: when it is
 * more than half full, the old ones get the fewer chances the fewer young there
 * are, for those will not be answered anyway.
 */
static int tcpx_synack_retries(const struct sock *lsk)
{
	const struct tcpx_accept_queue *queue = tcpx_queue(lsk);
	int max_retries = READ_ONCE(tcpx_sk(lsk)->syn_retries) ? :
			  READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_synack_retries);
	int qlen = atomic_read(&queue->qlen);
	int young;

	if (qlen * 2 <= max_t(int, 8, READ_ONCE(lsk->sk_max_ack_backlog)))
		return max_retries;
	for (young = atomic_read(&queue->young) * 2; max_retries > 2; young *= 2) {
		if (qlen < young)
			break;
		max_retries--;
	}
	return max_retries;
}

/* An ACK came, but TCP_DEFER_ACCEPT or a full accept queue made us drop it. */
static bool tcpx_reqsk_expired(const struct tcpx_request_sock *req, int max_retries, u8 defer)
{
	if (req->req.req.num_timeout < max_retries)
		return false;
	return !defer || !req->req.acked || req->req.req.num_timeout >= defer;
}

/* While TCP_DEFER_ACCEPT waits for data there is nothing to retransmit, until
 * its end: the peer is asked once more for data or an ACK then.
 */
static bool tcpx_reqsk_resend(const struct tcpx_request_sock *req, u8 defer)
{
	return !defer || !req->req.acked || req->req.req.num_timeout >= defer - 1;
}

/* False: give the connection up. */
static bool tcpx_reqsk_timeout_process(struct sock *lsk, struct tcpx_request_sock *req)
{
	u8 defer = READ_ONCE(tcpx_sk(lsk)->defer_accept);

	TCPX_NET_INC(sock_net(lsk), LINUX_MIB_TCPTIMEOUTS);
	if (tcpx_reqsk_expired(req, tcpx_synack_retries(lsk), defer))
		return false;
	if (tcpx_reqsk_resend(req, defer) && tcpx_rtx_synack(lsk, req) && !req->req.acked)
		return false;
	if (req->req.req.num_timeout++ == 0)
		atomic_dec(&tcpx_queue(lsk)->young);
	return true;
}

static void tcpx_reqsk_timer(struct timer_list *t)
{
	struct request_sock *rsk = compat_from_timer(rsk, t, rsk_timer);
	struct tcpx_request_sock *req = tcpx_rsk(rsk);
	struct sock *lsk = rsk->rsk_listener;
	bool removed;

	if (inet_sk_state_load(lsk) == TCP_LISTEN && tcpx_reqsk_timeout_process(lsk, req)) {
		mod_timer(&rsk->rsk_timer, jiffies + tcpx_reqsk_timeout(req));
		return;
	}
	/* close() is about to have another listener take it over, and waits for us then. */
	if (READ_ONCE(tcpx_queue(lsk)->heir)) {
		mod_timer(&rsk->rsk_timer, jiffies + 1);
		return;
	}
	tcpx_ehash_remove(req_to_sk(rsk), &removed);
	if (!removed)
		return;		/* whoever did waits for us, then drops the reference */
	tcpx_reqsk_removed(req);
	tcpx_reqsk_put(req);
}

/*
 * Into ehash. Lookups can't take a reference before the count is set, so they see
 * the request only with its timer armed. One reference is ehash's and the timer's,
 * one the caller's.
 */
static bool tcpx_reqsk_hash(struct sock *lsk, struct tcpx_request_sock *req)
{
	struct request_sock *rsk = &req->req.req;
	bool found = false;

	if (!tcpx_ehash_insert(req_to_sk(rsk), NULL, &found))
		return false;
	tcpx_reqsk_added(req);
	timer_setup(&rsk->rsk_timer, tcpx_reqsk_timer, TIMER_PINNED);
	mod_timer(&rsk->rsk_timer, jiffies + rsk->timeout);
	smp_wmb();	/* all of the above before the count, see refcount_inc_not_zero() */
	refcount_set(&rsk->rsk_refcnt, 2);
	return true;
}

/**
 * tcpx_reqsk_start() - start the timer of a copy that will take its original's place
 * @req: from tcpx_reqsk_clone(); gets the one reference of ehash and the timer
 *
 * Context: BH off, until it is in ehash: the timer can't fire before.
 */
void tcpx_reqsk_start(struct tcpx_request_sock *req)
{
	struct request_sock *rsk = &req->req.req;

	tcpx_reqsk_added(req);
	timer_setup(&rsk->rsk_timer, tcpx_reqsk_timer, TIMER_PINNED);
	mod_timer(&rsk->rsk_timer, jiffies + tcpx_reqsk_timeout(req));
	refcount_set(&rsk->rsk_refcnt, 1);
}

/* --- a SYN arrives ----------------------------------------------------------- */

/**
 * tcpx_openreq_init_rwin() - choose the window that the SYN-ACK offers
 * @req: request, its options already known
 * @lsk: listener
 * @dst: route to the peer
 */
void tcpx_openreq_init_rwin(struct tcpx_request_sock *req, const struct sock *lsk,
			    const struct dst_entry *dst)
{
	const struct tcpx_sock *tp = tcpx_sk(lsk);
	struct inet_request_sock *ireq = &req->req;
	u32 full_space = tcpx_full_space(lsk);
	u32 mss = dst_metric_advmss(dst);
	u16 user_mss = READ_ONCE(tp->rx_opt.user_mss);
	u32 clamp = READ_ONCE(tp->window_clamp) ? : dst_metric(dst, RTAX_WINDOW);
	u8 rcv_wscale;

	if (user_mss && user_mss < mss)
		mss = user_mss;
	/* SO_RCVBUF was set: offer no more than that. */
	if ((lsk->sk_userlocks & SOCK_RCVBUF_LOCK) && (!clamp || clamp > full_space))
		clamp = full_space;

	ireq->req.rsk_window_clamp = clamp;
	tcpx_select_initial_window(lsk, full_space,
				   mss - (ireq->tstamp_ok ? TCPOLEN_TSTAMP_ALIGNED : 0),
				   &ireq->req.rsk_rcv_wnd, &ireq->req.rsk_window_clamp,
				   ireq->wscale_ok, &rcv_wscale,
				   dst_metric(dst, RTAX_INITRWND));
	ireq->rcv_wscale = rcv_wscale;
}

/* What the SYN says goes into the request. */
static void tcpx_openreq_init(struct tcpx_request_sock *req, const struct sock *lsk,
			      struct sk_buff *skb)
{
	struct inet_request_sock *ireq = &req->req;
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_options_received opt;

	memset(&opt, 0, sizeof(opt));
	opt.mss_clamp = req->af_ops->mss_default;
	opt.user_mss = READ_ONCE(tcpx_sk(lsk)->rx_opt.user_mss);
	tcpx_parse_options(sock_net(lsk), skb, &opt, false);
	/* A cookie keeps the options in the timestamp: without one there are none. */
	if (req->is_cookie && !opt.saw_tstamp)
		tcpx_clear_options(&opt);

	req->rcv_isn = TCPX_CB(skb)->seq;
	req->rcv_nxt = TCPX_CB(skb)->seq + 1;
	req->tos = TCPX_CB(skb)->ip_dsfield;
	ireq->req.rsk_rcv_wnd = 0;
	ireq->req.mss = opt.mss_clamp;
	ireq->req.ts_recent = opt.saw_tstamp ? opt.rcv_tsval : 0;
	ireq->req.syncookie = req->is_cookie;
	ireq->tstamp_ok = opt.saw_tstamp;
	ireq->sack_ok = opt.sack_ok;
	ireq->wscale_ok = opt.wscale_ok;
	ireq->snd_wscale = opt.snd_wscale;
	ireq->acked = 0;
	ireq->ecn_ok = 0;
	ireq->smc_ok = 0;
	ireq->no_srccheck = compat_inet_test(TRANSPARENT, lsk);
	ireq->ir_rmt_port = th->source;
	ireq->ir_num = ntohs(th->dest);
	ireq->ir_mark = inet_request_mark(lsk, skb);
	ireq->ir_iif = inet_request_bound_dev_if(lsk, skb);
	req->af_ops->init_req(req, lsk, skb);
	tcpx_ao_request(req, skb);
	/* See tcpx_syn_options(); what a cookie keeps in it cannot be done without. */
	if (!req->is_cookie && ireq->sack_ok && tcpx_auth_room(lsk, req_to_sk(&ireq->req)))
		ireq->tstamp_ok = 0;
}

static bool tcpx_synq_is_full(const struct sock *lsk)
{
	return atomic_read(&tcpx_queue(lsk)->qlen) > READ_ONCE(lsk->sk_max_ack_backlog);
}

/* Without cookies the last quarter of tcp_max_syn_backlog is kept for peers who have
 * proven their address, see tcpx_metrics_proven().
 */
static bool tcpx_max_syn_backlog_hit(const struct sock *lsk)
{
	const struct net *net = sock_net(lsk);
	int max_syn_backlog = READ_ONCE(net->ipv4.sysctl_max_syn_backlog);

	return !READ_ONCE(net->ipv4.sysctl_tcp_syncookies) &&
	       max_syn_backlog - atomic_read(&tcpx_queue(lsk)->qlen) < max_syn_backlog >> 2;
}

/*
 * Is there room for one more? A peer whose SYN reuses a TIME_WAIT is evidently
 * real and frees what it takes: no limit but the accept queue's.
 */
static bool tcpx_syn_admit(struct sock *lsk, bool from_tw, bool *want_cookie)
{
	struct net *net = sock_net(lsk);

	*want_cookie = false;
	if (!from_tw && (READ_ONCE(net->ipv4.sysctl_tcp_syncookies) == 2 ||
			 tcpx_synq_is_full(lsk))) {
		*want_cookie = tcpx_syn_flood_action(lsk);
		if (!*want_cookie) {
			trace_tcpx_listen_overflow(lsk, 0);
			return false;
		}
	}
	if (sk_acceptq_is_full(lsk)) {
		TCPX_NET_INC(net, LINUX_MIB_LISTENOVERFLOWS);
		trace_tcpx_listen_overflow(lsk, 1);
		return false;
	}
	return true;
}

/* ISN of the SYN-ACK: a cookie, one beyond the TIME_WAIT's, or by rfc6528. */
static void tcpx_openreq_init_isn(struct tcpx_request_sock *req, const struct sock *lsk,
				  const struct sk_buff *skb)
{
	u32 tw_isn = TCPX_CB(skb)->tw_isn;
	struct tcpx_isn isn = {};

	if (!req->is_cookie || req->req.tstamp_ok)
		isn = req->af_ops->init_isn(sock_net(lsk), skb);
	req->txhash = net_tx_rndhash();
	if (req->is_cookie) {
		req->snt_isn = tcpx_cookie_init_seq(skb, &req->req.req.mss);
		/* The same path for the SYN-ACK and the child that follows. */
		req->txhash = req->snt_isn;
	} else {
		req->snt_isn = tw_isn ? : isn.seq;
	}
	if (req->req.tstamp_ok)
		req->ts_off = isn.ts_off;
}

/* TCP_SAVE_SYN: the headers, for whoever accepts the connection. */
static void tcpx_reqsk_record_syn(const struct sock *lsk, struct tcpx_request_sock *req,
				  const struct sk_buff *skb)
{
	u32 len = skb_network_header_len(skb) + tcp_hdrlen(skb), mac_len = 0;
	const void *base = skb_network_header(skb);
	struct saved_syn *saved;

	if (tcpx_sk(lsk)->save_syn == 2) {
		base = skb_mac_header(skb);
		mac_len = skb_mac_header_len(skb);
	}
	saved = kmalloc(struct_size(saved, data, len + mac_len), GFP_ATOMIC | __GFP_NOWARN);
	if (!saved)
		return;
	saved->mac_hdrlen = mac_len;
	saved->network_hdrlen = skb_network_header_len(skb);
	saved->tcp_hdrlen = tcp_hdrlen(skb);
	memcpy(saved->data, base, len + mac_len);
	req->req.req.saved_syn = saved;
}

/* Fast Open: the child is there already. Answer, and let it be accepted. */
static void tcpx_conn_request_fastopen(struct sock *lsk, struct sk_buff *skb,
				       struct tcpx_request_sock *req, struct sock *child,
				       struct dst_entry *dst,
				       const struct tcp_fastopen_cookie *foc)
{
	tcpx_send_reqsk_synack(child, req, dst, foc);
	if (tcpx_reqsk_queue_add(lsk, req, child))
		lsk->sk_data_ready(lsk);
	else
		tcpx_listendrop(lsk, skb);
	tcpx_child_release(child);
	tcpx_reqsk_put(req);
}

/* Hash the request and answer, or only answer if it is a cookie. dst is taken over. */
static void tcpx_conn_request_answer(struct sock *lsk, struct tcpx_request_sock *req,
				     struct dst_entry *dst,
				     const struct tcp_fastopen_cookie *foc)
{
	if (req->is_cookie) {
		tcpx_syncookie_overflow(lsk);
		TCPX_NET_INC(sock_net(lsk), LINUX_MIB_SYNCOOKIESSENT);
		tcpx_send_reqsk_synack(lsk, req, dst, NULL);
		tcpx_reqsk_free(req);
		return;
	}
	if (unlikely(!tcpx_reqsk_hash(lsk, req))) {
		/* The same SYN on another CPU was quicker. */
		dst_release(dst);
		tcpx_reqsk_free(req);
		return;
	}
	tcpx_send_reqsk_synack(lsk, req, dst, foc);
	tcpx_reqsk_put(req);
}

/**
 * tcpx_conn_request() - a SYN for a listener, rfc9293#section-3.10.7.2
 * @lsk: listener, not locked
 * @skb: the SYN, TCPX_CB filled; not consumed
 *
 * Context: softirq, RCU
 * Return: 0
 */
int tcpx_conn_request(struct sock *lsk, struct sk_buff *skb)
{
	struct tcp_fastopen_cookie foc = { .len = -1 };
	struct tcpx_request_sock *req;
	struct sock *child = NULL;
	struct dst_entry *dst;
	bool want_cookie;
	struct flowi fl;

	if (!tcpx_syn_admit(lsk, TCPX_CB(skb)->tw_isn != 0, &want_cookie))
		goto drop;
	req = tcpx_reqsk_alloc(lsk, skb, !want_cookie);
	if (!req)
		goto drop;
	tcpx_openreq_init(req, lsk, skb);
	if (security_inet_conn_request(lsk, skb, &req->req.req))
		goto drop_and_free;
	dst = req->af_ops->route_req(lsk, req, &fl);
	if (!dst)
		goto drop_and_free;
	if (!want_cookie && !TCPX_CB(skb)->tw_isn && tcpx_max_syn_backlog_hit(lsk) &&
	    !tcpx_metrics_proven(req, dst)) {
		trace_tcpx_listen_overflow(lsk, 0);
		dst_release(dst);
		goto drop_and_free;
	}
	/* A hash, which a SYN without a way back is not worth. */
	tcpx_openreq_init_isn(req, lsk, skb);
	tcpx_ecn_create_request(req, skb, lsk, dst);
	/* A cookie's is kept in the timestamp. */
	if (req->is_cookie && !req->req.tstamp_ok)
		req->req.ecn_ok = 0;
	tcpx_openreq_init_rwin(req, lsk, dst);
	sk_rx_queue_set(req_to_sk(&req->req.req), skb);
	if (!want_cookie) {
		if (unlikely(tcpx_sk(lsk)->save_syn))
			tcpx_reqsk_record_syn(lsk, req, skb);
		tcpx_parse_fastopen_option(skb, &foc);
		child = tcpx_try_fastopen(lsk, skb, req, dst, &foc);
	}
	if (child)
		tcpx_conn_request_fastopen(lsk, skb, req, child, dst, &foc);
	else
		tcpx_conn_request_answer(lsk, req, dst, &foc);
	return 0;

drop_and_free:
	tcpx_reqsk_free(req);
drop:
	tcpx_listendrop(lsk, skb);
	return 0;
}

/* --- a segment for a half-open connection ------------------------------------- */

/**
 * tcpx_send_reqsk_ack() - acknowledge what a request has, for a bad segment
 * @lsk: listener, or the child of Fast Open
 * @skb: that segment
 * @req: request
 *
 * Context: softirq, RCU
 */
void tcpx_send_reqsk_ack(const struct sock *lsk, struct sk_buff *skb,
			 struct tcpx_request_sock *req)
{
	const struct inet_request_sock *ireq = &req->req;
	struct tcpx_reply reply = {
		/* The child may have sent data. */
		.seq		= lsk->sk_state == TCP_LISTEN ? req->snt_isn + 1 :
				  tcpx_sk(lsk)->snd_nxt,
		.ack		= req->rcv_nxt,
		/* rfc7323#section-2.3: only a SYN's window is not scaled. */
		.win		= min(ireq->req.rsk_rcv_wnd, 65535U) >> ireq->rcv_wscale,
		.flags		= TCPHDR_ACK,
		.use_ts		= ireq->tstamp_ok,
		.tsval		= tcpx_clock_ms() + req->ts_off,
		.tsecr		= READ_ONCE(ireq->req.ts_recent),
		.tos		= TCPX_CB(skb)->ip_dsfield,
		.mark		= READ_ONCE(lsk->sk_mark),
		.priority	= READ_ONCE(lsk->sk_priority),
		.oif		= ireq->ir_iif,
		.req		= req,
	};

	tcpx_send_reply(sock_net(lsk), lsk, skb, &reply);
}

/* Answer a bad segment with an ACK, but not so often that it helps a loop. */
static void tcpx_reqsk_oow_ack(const struct sock *lsk, struct sk_buff *skb,
			       struct tcpx_request_sock *req)
{
	if (!tcpx_oow_rate_limited(sock_net(lsk), skb, LINUX_MIB_TCPACKSKIPPEDSYNRECV,
				   &req->last_oow_ack_time))
		tcpx_send_reqsk_ack(lsk, skb, req);
}

/* rfc5961#section-3.2: an RST in the window, but not at RCV.NXT. */
static void tcpx_reqsk_challenge(const struct sock *lsk, struct sk_buff *skb,
				 struct tcpx_request_sock *req)
{
	if (tcpx_challenge_ack_allowed(sock_net(lsk), &req->last_oow_ack_time))
		tcpx_send_reqsk_ack(lsk, skb, req);
}

/* The peer sent its SYN again: so did not get our SYN-ACK. */
static void tcpx_reqsk_syn_again(const struct sock *lsk, struct sk_buff *skb,
				 struct tcpx_request_sock *req)
{
	if (tcpx_oow_rate_limited(sock_net(lsk), skb, LINUX_MIB_TCPACKSKIPPEDSYNRECV,
				  &req->last_oow_ack_time))
		return;
	if (req->accecn_ok)
		tcpx_accecn_request_again(req, skb);
	if (!tcpx_rtx_synack(lsk, req) && !req->tfo_listener)
		mod_timer_pending(&req->req.req.rsk_timer, jiffies + tcpx_reqsk_timeout(req));
}

/* rfc7323#section-5: is it too old? ts_recent's age is not kept, but bounded. */
static bool tcpx_reqsk_paws_reject(const struct sock *lsk, const struct sk_buff *skb,
				   const struct tcpx_request_sock *req,
				   struct tcpx_options_received *opt)
{
	const struct tcphdr *th = tcp_hdr(skb);

	opt->saw_tstamp = 0;
	if (th->doff == sizeof(*th) / 4)
		return false;
	tcpx_parse_options(sock_net(lsk), skb, opt, false);
	if (!opt->saw_tstamp)
		return false;
	opt->ts_recent = READ_ONCE(req->req.req.ts_recent);
	opt->ts_recent_stamp = ktime_get_seconds() - tcpx_reqsk_timeout(req) / HZ;
	if (opt->rcv_tsecr)
		opt->rcv_tsecr -= req->ts_off;
	return tcpx_paws_reject(opt, th->rst);
}

/* rfc7323#section-3.2: does it echo a time that none of our SYN-ACKs can have had? */
static bool tcpx_reqsk_tsecr_reject(const struct tcpx_request_sock *req,
				    const struct tcpx_options_received *opt)
{
	if (!COMPAT_SYNACK_TSECR_CHECKED)
		return false;
	return opt->saw_tstamp && opt->rcv_tsecr && req->req.tstamp_ok &&
	       !between(opt->rcv_tsecr, (u32)div_u64(req->snt_synack, USEC_PER_MSEC),
			tcpx_clock_ms());
}

/* rfc9293#section-3.4, the window being what the SYN-ACK could offer unscaled. */
static bool tcpx_reqsk_in_window(const struct tcpx_request_sock *req, const struct sk_buff *skb)
{
	u32 seq = TCPX_CB(skb)->seq, end_seq = TCPX_CB(skb)->end_seq;
	u32 s_win = req->rcv_nxt;
	u32 e_win = s_win + min(req->req.req.rsk_rcv_wnd, 65535U);

	if (seq == s_win)
		return true;
	if (after(end_seq, s_win) && before(seq, e_win))
		return true;
	return seq == e_win && seq == end_seq;
}

/* The connection will not be: tell the peer unless it said so itself. */
static void tcpx_embryonic_reset(struct sock *lsk, struct sk_buff *skb,
				 struct tcpx_request_sock *req, bool *req_stolen)
{
	bool removed;

	if (!tcp_hdr(skb)->rst)
		tcpx_send_reset(lsk, skb);
	removed = tcpx_reqsk_drop(req);
	if (removed)
		TCPX_NET_INC(sock_net(lsk), LINUX_MIB_EMBRYONICRSTS);
	*req_stolen = !removed;
}

/* The handshake is complete: the child, as tcpx_check_req() returns it. */
static struct sock *tcpx_reqsk_mature(struct sock *lsk, struct sk_buff *skb,
				      struct tcpx_request_sock *req,
				      const struct tcpx_options_received *opt, bool *req_stolen)
{
	bool own_req = true;
	struct sock *child;

	child = req->af_ops->syn_recv_sock(lsk, skb, req, NULL, &own_req);
	if (!child) {
		*req_stolen = !own_req;
		if (!own_req)
			return NULL;
		if (READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_abort_on_overflow))
			tcpx_embryonic_reset(lsk, skb, req, req_stolen);
		else
			req->req.acked = 1;	/* a later ACK or data may find room */
		return NULL;
	}
	if (opt->saw_tstamp && !after(TCPX_CB(skb)->seq, req->rcv_nxt))
		tcpx_sk(child)->rx_opt.ts_recent = opt->rcv_tsval;
	sock_rps_save_rxhash(child, skb);
	tcpx_synack_rtt_meas(child, req);
	return tcpx_complete_hashdance(lsk, child, req);
}

/**
 * tcpx_fastopen_check_req() - a segment for a child that a SYN with data made
 * @child: child in SYN_RECV, or FIN_WAIT1 after close(), locked
 * @skb: the segment, TCPX_CB filled; not consumed
 * @req: its request
 *
 * What the child may not see before the handshake is complete. Its ACK the child itself
 * judges: it may be of data.
 *
 * Context: softirq, or the owner's
 * Return: true if the child shall process the segment.
 */
bool tcpx_fastopen_check_req(struct sock *child, struct sk_buff *skb,
			     struct tcpx_request_sock *req)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_options_received opt = {};
	bool paws_reject = tcpx_reqsk_paws_reject(child, skb, req, &opt);
	bool syn = th->syn && TCPX_CB(skb)->seq != req->rcv_isn;

	if (TCPX_CB(skb)->seq == req->rcv_isn && th->syn && !th->ack && !th->rst &&
	    !paws_reject) {
		tcpx_reqsk_syn_again(child, skb, req);
		return false;
	}
	if (paws_reject || !tcpx_reqsk_in_window(req, skb)) {
		if (!th->rst)
			tcpx_reqsk_oow_ack(child, skb, req);
		if (paws_reject)
			TCPX_NET_INC(sock_net(child), LINUX_MIB_PAWSESTABREJECTED);
		return false;
	}
	if (th->rst && TCPX_CB(skb)->seq != req->rcv_nxt) {
		tcpx_reqsk_challenge(child, skb, req);
		return false;
	}
	if (th->rst) {
		TCPX_INC_STATS(sock_net(child), TCP_MIB_ATTEMPTFAILS);
		tcpx_fastopen_remove(child, true);
		tcpx_reset(child, skb);
		return false;
	}
	/* Anybody could send it: it ends nothing that may be in use. */
	if (syn) {
		TCPX_INC_STATS(sock_net(child), TCP_MIB_ATTEMPTFAILS);
		tcpx_send_reset(child, skb);
		return false;
	}
	return th->ack;
}

/**
 * tcpx_check_req() - a segment for a half-open connection, rfc9293#section-3.10.7.4
 * @lsk: its listener, referenced, not locked
 * @skb: the segment, TCPX_CB filled; not consumed
 * @req: the request, referenced
 * @req_stolen: set to true if another CPU took the request away
 *
 * Context: softirq, RCU
 * Return: the child, locked and referenced, to go to tcpx_child_process();
 * @lsk if the listener is to judge the segment; NULL to drop it, or to look it
 * up again if *@req_stolen.
 */
struct sock *tcpx_check_req(struct sock *lsk, struct sk_buff *skb,
			    struct tcpx_request_sock *req, bool *req_stolen)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct net *net = sock_net(lsk);
	struct tcpx_options_received opt = {};
	bool paws_reject, tsecr_reject, syn = th->syn;

	*req_stolen = false;
	paws_reject = tcpx_reqsk_paws_reject(lsk, skb, req, &opt);
	if (TCPX_CB(skb)->seq == req->rcv_isn && syn && !th->ack && !th->rst && !paws_reject) {
		tcpx_reqsk_syn_again(lsk, skb, req);
		return NULL;
	}

	/* rfc9293#section-3.10.7.4, fifth: an ACK of what was not sent is answered with
	 * a reset, and checked first, lest two crossed SYNs that a third party forged
	 * make a connection. The listener does it: the ACK may be that of a cookie.
	 */
	if (th->ack && !th->rst && TCPX_CB(skb)->ack_seq != req->snt_isn + 1)
		return lsk;

	/* First: the sequence number. */
	tsecr_reject = tcpx_reqsk_tsecr_reject(req, &opt);
	if (paws_reject || tsecr_reject || !tcpx_reqsk_in_window(req, skb)) {
		if (!th->rst)
			tcpx_reqsk_oow_ack(lsk, skb, req);
		if (paws_reject)
			TCPX_NET_INC(net, LINUX_MIB_PAWSESTABREJECTED);
		else if (tsecr_reject)
			TCPX_NET_INC(net, LINUX_MIB_TSECRREJECTED);
		return NULL;
	}
	/* A SYN at IRS lies before the window: what is left is the rest. */
	if (TCPX_CB(skb)->seq == req->rcv_isn)
		syn = false;

	/* Second: RST. */
	if (th->rst && TCPX_CB(skb)->seq != req->rcv_nxt) {
		tcpx_reqsk_challenge(lsk, skb, req);
		return NULL;
	}
	/* Fourth: a SYN in the window ends a passive open, too. */
	if (th->rst || syn) {
		TCPX_INC_STATS(net, TCP_MIB_ATTEMPTFAILS);
		tcpx_embryonic_reset(lsk, skb, req, req_stolen);
		return NULL;
	}
	if (!th->ack)
		return NULL;

	/* TCP_DEFER_ACCEPT: wait for data. */
	if (req->req.req.num_timeout < READ_ONCE(tcpx_sk(lsk)->defer_accept) &&
	    TCPX_CB(skb)->end_seq == req->rcv_isn + 1) {
		req->req.acked = 1;
		TCPX_NET_INC(net, LINUX_MIB_TCPDEFERACCEPTDROP);
		return NULL;
	}
	return tcpx_reqsk_mature(lsk, skb, req, &opt, req_stolen);
}

/* --- load and unload ------------------------------------------------------------- */

/**
 * tcpx_request_init() - make the slab of request socks
 *
 * Return: 0 or -ENOMEM
 */
int __init tcpx_request_init(void)
{
	tcpx_request_ops.slab = kmem_cache_create(tcpx_request_ops.slab_name,
						  tcpx_request_ops.obj_size, 0,
						  SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU, NULL);
	tcpx6_request_ops.slab = tcpx_request_ops.slab;
	return tcpx_request_ops.slab ? 0 : -ENOMEM;
}

/**
 * tcpx_request_exit() - undo tcpx_request_init()
 *
 * Context: process; no socket is left, hence no request
 */
void tcpx_request_exit(void)
{
	kmem_cache_destroy(tcpx_request_ops.slab);
}
