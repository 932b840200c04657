// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: what listen() adds to a socket, and accept() takes from it.
 *
 * The half-open connections are request.c's. When the handshake of one is complete,
 * a child is cloned from the listener, takes the request's place in ehash and waits, in
 * the request, in the accept queue; that has a lock of its own, so that the listener's
 * is needed by accept() alone.
 *
 * A child is born locked, with two references: the creator's, dropped when its first
 * segment is processed, and the accept queue's, which accept() passes on to the file.
 */
#include <linux/sched/signal.h>
#include <net/busy_poll.h>

#include "tcpx.h"
#include "trace.h"

/* --- the child ------------------------------------------------------------------- */

static void tcpx_child_init_sock(struct sock *child, const struct inet_request_sock *ireq)
{
	struct inet_sock *inet = inet_sk(child);

	/* Listeners are freed after a grace period, children need not be. */
	sock_reset_flag(child, SOCK_RCU_FREE);
	inet_sk_set_state(child, TCP_SYN_RECV);
	child->sk_ack_backlog = 0;
	child->sk_max_ack_backlog = 0;
	child->sk_tsq_flags = 0;
	child->sk_mark = ireq->ir_mark;
	child->sk_txhash = READ_ONCE(tcpx_rsk(&ireq->req)->txhash);
	atomic64_set(&child->sk_cookie, atomic64_read(&ireq->ir_cookie));

	inet->inet_dport = ireq->ir_rmt_port;
	inet->inet_num = ireq->ir_num;
	inet->inet_sport = htons(ireq->ir_num);
	inet->mc_list = NULL;
	RCU_INIT_POINTER(inet->inet_opt, NULL);
	RCU_INIT_POINTER(child->sk_rx_dst, NULL);
}

/* IPV6_ADDRFORM made an IPv4 socket of the listener, which has its part of IPv6 still. The
 * child is a whole IPv4 socket.
 */
static void tcpx_v4_child_clone(struct sock *child)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (likely(!inet_sk(child)->pinet6))
		return;
	compat_ipv6_fl_list_lose(child);
	inet_sk(child)->pinet6 = NULL;
	child->sk_destruct = tcpx_sock_destruct;
#endif
}

/* What must not be the listener's. */
static void tcpx_child_init_links(struct tcpx_sock *tp)
{
	tp->bind_hash = NULL;
	tp->accept_queue = NULL;
	tp->disorder = NULL;
	tp->fastopen_req = NULL;
	tp->fastopen_rsk = NULL;
	tp->saved_syn = NULL;
	tp->defer_accept = 0;
	INIT_LIST_HEAD(&tp->tsorted_sent_queue);
}

static void tcpx_child_init_seq(struct tcpx_sock *tp, const struct tcpx_request_sock *req,
				const struct sk_buff *skb)
{
	u32 rcv_nxt = req->rcv_isn + 1, snd_nxt = req->snt_isn + 1;

	tp->pred_flags = 0;
	tp->rcv_wup = rcv_nxt;
	WRITE_ONCE(tp->copied_seq, rcv_nxt);
	WRITE_ONCE(tp->rcv_nxt, rcv_nxt);
	tp->urg_seq = rcv_nxt;
	tp->urg_data = 0;
	tp->snd_wl1 = req->rcv_isn;
	tp->snd_una = snd_nxt;
	tp->snd_sml = snd_nxt;
	tp->snd_up = snd_nxt;
	WRITE_ONCE(tp->snd_nxt, snd_nxt);
	WRITE_ONCE(tp->write_seq, snd_nxt);
	tp->pushed_seq = snd_nxt;
	tp->segs_in = 1;	/* the SYN */
	tp->total_retrans = req->req.req.num_retrans;
	tp->snd_wnd = ntohs(tcp_hdr(skb)->window) << tp->rx_opt.snd_wscale;
	tp->max_window = tp->snd_wnd;
}

static void tcpx_child_init_options(struct tcpx_sock *tp, const struct sock *lsk,
				    const struct tcpx_request_sock *req)
{
	const struct inet_request_sock *ireq = &req->req;

	tp->rx_opt.tstamp_ok = ireq->tstamp_ok;
	tp->rx_opt.sack_ok = ireq->sack_ok;
	tp->rx_opt.wscale_ok = ireq->wscale_ok;
	tp->rx_opt.snd_wscale = ireq->wscale_ok ? ireq->snd_wscale : 0;
	tp->rx_opt.rcv_wscale = ireq->wscale_ok ? ireq->rcv_wscale : 0;
	tp->rx_opt.mss_clamp = ireq->req.mss;
	tp->rx_opt.ts_recent = 0;
	tp->rx_opt.ts_recent_stamp = 0;
	tp->rx_opt.num_sacks = 0;
	tp->rx_opt.dsack = 0;
	tcpx_ecn_openreq_child(tp, req);
	tp->tcp_header_len = sizeof(struct tcphdr) + tcpx_auth_room(lsk, (const struct sock *)req);
	tp->tsoffset = req->ts_off;
	if (ireq->tstamp_ok) {
		tp->rx_opt.ts_recent = READ_ONCE(ireq->req.ts_recent);
		tp->rx_opt.ts_recent_stamp = ktime_get_seconds();
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
	}

	tp->rcv_wnd = ireq->req.rsk_rcv_wnd;
	tp->rcv_ssthresh = ireq->req.rsk_rcv_wnd;
	tp->window_clamp = ireq->req.rsk_window_clamp;
	if (!ireq->wscale_ok)
		tp->window_clamp = min(tp->window_clamp, 65535U);
}

static void tcpx_child_init_time(struct sock *child, const struct tcpx_request_sock *req,
				 const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(child);
	struct tcpx_disorder *d;

	tp->retransmits = 0;
	tp->backoff = 0;
	tp->probes_out = 0;
	tp->probes_tstamp = 0;
	tp->lsndtime = tcpx_jiffies32();
	tp->ack.lrcvtime = tcpx_jiffies32();
	if (skb->len >= TCP_MSS_DEFAULT + tp->tcp_header_len)
		tp->ack.last_seg_size = skb->len - tp->tcp_header_len;
	/* The SYN-ACK was retransmitted: undone if the ACK is for the first one. */
	if (req->req.req.num_timeout) {
		tp->undo_marker = req->snt_isn;
		tp->retrans_stamp = div_u64(req->snt_synack, USEC_PER_MSEC);
		d = tcpx_disorder_get(child);
		if (d) {
			d->total_rto = req->req.req.num_timeout;
			d->total_rto_recoveries = 1;
			d->total_rto_time = tcpx_clock_ms() - tp->retrans_stamp;
		}
	}
	tcpx_init_xmit_timers(child);
	if (sock_flag(child, SOCK_KEEPOPEN))
		tcpx_reset_keepalive_timer(child, tcpx_keepalive_time_when(tp));
}

/**
 * tcpx_create_openreq_child() - clone the listener for a request
 * @lsk: listener
 * @req: request
 * @skb: the ACK that completed the handshake
 *
 * The user's settings are inherited, the state of the engine is that of a
 * connection in SYN_RECV. Addresses, route and tables are left to
 * af_ops->syn_recv_sock().
 *
 * Context: softirq
 * Return: child, locked (bh_lock_sock) and with two references (the creator's and the
 * accept queue's), or NULL.
 */
struct sock *tcpx_create_openreq_child(struct sock *lsk, struct tcpx_request_sock *req,
				       struct sk_buff *skb)
{
	struct sock *child = compat_sk_clone_lock(lsk, GFP_ATOMIC);
	struct tcpx_sock *tp;

	if (!child)
		return NULL;
	if (tcpx_sk_is_v6(child))
		tcpx_v6_child_clone(child);
	else
		tcpx_v4_child_clone(child);
	tcpx_lock_class(child, true);
	tcpx_active_hold();
	atomic_inc(&tcpx_pernet(sock_net(child))->nr_sock);
	tcpx_child_congestion_control(child);

	tp = tcpx_sk(child);
	tcpx_child_init_links(tp);
	tcpx_child_init_sock(child, &req->req);
	tcpx_child_init_options(tp, lsk, req);
	tcpx_child_init_seq(tp, req, skb);
	tcpx_child_init_time(child, req, skb);
	return child;
}

/**
 * tcpx_discard_child() - the end of a child that is in no table or queue
 * @child: child, locked and with two references, both gone afterwards
 *
 * Context: softirq
 */
void tcpx_discard_child(struct sock *child)
{
	tcpx_child_release(child);
	if (!tcpx_sk(child)->bind_hash)
		inet_sk(child)->inet_num = 0;
	inet_sk_set_state(child, TCP_CLOSE);
	sock_set_flag(child, SOCK_DEAD);
	tcpx_orphan_inc(child);
	tcpx_inet_destroy_sock(child);
}

/**
 * tcpx_complete_hashdance() - queue the child that took its request's place
 * @lsk: listener
 * @child: child in ehash, locked, two references
 * @req: its request, out of ehash; the reference that ehash had is ours
 *
 * Context: softirq
 * Return: @child, or NULL (disposed of) if @lsk is no longer listening.
 */
struct sock *tcpx_complete_hashdance(struct sock *lsk, struct sock *child,
				     struct tcpx_request_sock *req)
{
	tcpx_reqsk_unlinked(req);
	if (tcpx_reqsk_queue_add(lsk, req, child))
		return child;
	tcpx_reqsk_put(req);
	tcpx_child_release(child);
	return NULL;
}

/**
 * tcpx_child_process() - give a new child its first segment
 * @lsk: listener, referenced
 * @child: child, locked and referenced; both end here
 * @skb: the segment; consumed
 *
 * Context: softirq, RCU
 */
void tcpx_child_process(struct sock *lsk, struct sock *child, struct sk_buff *skb)
{
	int state = child->sk_state;

	sk_mark_napi_id_set(child, skb);
	tcpx_segs_in(tcpx_sk(child), skb);
	if (sock_owned_by_user(child)) {
		/* Already accepted, by who was awake. */
		__sk_add_backlog(child, skb);
	} else {
		int reset = tcpx_rcv_state_process(child, skb);

		if (state == TCP_SYN_RECV && child->sk_state != state)
			lsk->sk_data_ready(lsk);
		if (reset) {
			tcpx_send_reset(child, skb);
			tcpx_drop(child, skb, SKB_DROP_REASON_NOT_SPECIFIED);
		}
	}
	tcpx_child_release(child);
}

/* --- the accept queue -------------------------------------------------------------- */

static bool tcpx_accept_queue_empty(const struct sock *lsk)
{
	return !READ_ONCE(tcpx_queue(lsk)->head);
}

/* Nobody will accept the child: reset the connection, free the socket. */
static void tcpx_child_forget(struct sock *child)
{
	tcpx_disconnect(child, O_NONBLOCK);
	sock_orphan(child);
	tcpx_orphan_inc(child);
	tcpx_inet_destroy_sock(child);
}

/**
 * tcpx_reqsk_queue_add() - append a child to the accept queue
 * @lsk: listener, not locked
 * @req: request to carry the child; a reference of it passes to the queue
 * @child: child, locked; one of its two references passes to the queue
 *
 * Context: BH off
 * Return: @child, or NULL if @lsk is no longer listening: the child is then disposed
 * of, except for the caller's lock and reference, and @req's stays with him.
 */
struct sock *tcpx_reqsk_queue_add(struct sock *lsk, struct tcpx_request_sock *req,
				  struct sock *child)
{
	struct tcpx_accept_queue *queue = tcpx_queue(lsk);
	struct request_sock *rsk = &req->req.req;

	spin_lock(&queue->lock);
	/* tcpx_listen_stop() comes after the change of state, and takes the lock. */
	if (unlikely(inet_sk_state_load(lsk) != TCP_LISTEN)) {
		spin_unlock(&queue->lock);
		tcpx_child_forget(child);
		return NULL;
	}
	rsk->sk = child;
	rsk->dl_next = NULL;
	if (queue->head)
		queue->tail->dl_next = rsk;
	else
		WRITE_ONCE(queue->head, rsk);
	queue->tail = rsk;
	sk_acceptq_added(lsk);
	spin_unlock(&queue->lock);
	return child;
}

static struct request_sock *tcpx_reqsk_queue_remove(struct sock *lsk)
{
	struct tcpx_accept_queue *queue = tcpx_queue(lsk);
	struct request_sock *rsk;

	spin_lock_bh(&queue->lock);
	rsk = queue->head;
	if (rsk) {
		sk_acceptq_removed(lsk);
		WRITE_ONCE(queue->head, rsk->dl_next);
		if (!queue->head)
			queue->tail = NULL;
	}
	spin_unlock_bh(&queue->lock);
	return rsk;
}

/*
 * Wait for a child. Exclusively: one child wakes one of those who wait. The
 * order of the checks is what accept(2) promises: a child first, then EINVAL if the
 * socket stopped listening, then the signal, then the timeout.
 */
static int tcpx_wait_for_connect(struct sock *lsk, long timeo)
{
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(lsk), &wait, TASK_INTERRUPTIBLE);
		release_sock(lsk);
		if (tcpx_accept_queue_empty(lsk))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(lsk);
		err = 0;
		if (!tcpx_accept_queue_empty(lsk))
			break;
		err = -EINVAL;
		if (lsk->sk_state != TCP_LISTEN)
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
	}
	finish_wait(sk_sleep(lsk), &wait);
	return err;
}

/**
 * tcpx_accept() - take the oldest child out of the accept queue
 * @sk: listener
 * @flags: O_NONBLOCK
 * @err: -EINVAL not listening, -EAGAIN nothing there (or within SO_RCVTIMEO),
 *	 -ERESTARTSYS, -EINTR
 * @is_empty: result, with a child: no other one waits
 *
 * Context: process; takes the socket lock
 * Return: the child, the queue's reference now the caller's; NULL: see *@err.
 */
struct sock *tcpx_accept(struct sock *sk, int flags, int *err, int *is_empty)
{
	struct request_sock *rsk = NULL;
	struct sock *child = NULL;
	int error = -EINVAL;

	lock_sock(sk);
	if (sk->sk_state != TCP_LISTEN)
		goto out;
	if (tcpx_accept_queue_empty(sk)) {
		long timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);

		error = -EAGAIN;
		if (!timeo)
			goto out;
		error = tcpx_wait_for_connect(sk, timeo);
		if (error)
			goto out;
	}
	rsk = tcpx_reqsk_queue_remove(sk);
	*is_empty = tcpx_accept_queue_empty(sk);
	child = rsk->sk;
	error = 0;
	/* Pairs with tcpx_fastopen_remove(), which is done with it then. */
	if (smp_load_acquire(&tcpx_rsk(rsk)->tfo_listener) && tcpx_fastopen_accepted(sk, rsk))
		rsk = NULL;	/* the SYN-ACK is not acknowledged yet */
out:
	release_sock(sk);
	if (child)
		tcpx_memcg_accept(child);
	if (rsk)
		tcpx_reqsk_put(tcpx_rsk(rsk));
	if (error)
		*err = error;
	return child;
}

/* --- LISTEN begins and ends ---------------------------------------------------------- */

/**
 * tcpx_queue_get() - what a listener needs beyond a connection
 * @sk: socket, locked; process context
 *
 * It stays until the socket is freed: requests refer to their listener when that has
 * closed already.
 *
 * Return: it, or NULL without memory.
 */
struct tcpx_accept_queue *tcpx_queue_get(struct sock *sk)
{
	struct tcpx_accept_queue *queue = tcpx_queue(sk);

	if (queue)
		return queue;
	queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);
	if (!queue)
		return NULL;
	spin_lock_init(&queue->lock);
	spin_lock_init(&queue->fastopenq.lock);
	/* Readers that hold no lock find it by TCP_FASTOPEN or by LISTEN. */
	smp_store_release(&tcpx_sk(sk)->accept_queue, queue);
	return queue;
}

/**
 * tcpx_listen_start() - CLOSE to LISTEN
 * @sk: socket in CLOSE, locked
 * @backlog: limit of the accept queue
 *
 * Context: process, socket lock
 * Return: 0, -ENOMEM, or -EADDRINUSE and what else get_port and hash say; the state is
 * then CLOSE.
 */
int tcpx_listen_start(struct sock *sk, int backlog)
{
	struct tcpx_accept_queue *queue = tcpx_queue_get(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct inet_sock *inet = inet_sk(sk);
	u8 delack_max;
	int err;

	if (!queue)
		return -ENOMEM;
	/* A segment of the connection before may just be choosing a key of TCP-AO. After that
	 * none does: TCP_AO_DEL_KEY of a listener need not wait.
	 */
	if (tcpx_ao(sk))
		synchronize_rcu();
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	sk->sk_ack_backlog = 0;
	queue->synflood_warned = 0;
	delack_max = tp->ack.delack_max;
	memset(&tp->ack, 0, sizeof(tp->ack));
	tp->ack.delack_max = delack_max;
	tp->ack.rcv_mss = TCP_MIN_MSS;	/* a divisor */
	/* Found under RCU, without a reference, from here to the end. */
	sock_set_flag(sk, SOCK_RCU_FREE);

	/* LISTEN is announced before get_port() agrees, which looks at the state; no
	 * segment finds the socket before it is hashed.
	 */
	inet_sk_set_state(sk, TCP_LISTEN);
	err = sk->sk_prot->get_port(sk, inet->inet_num);
	if (!err) {
		inet->inet_sport = htons(inet->inet_num);
		sk_dst_reset(sk);
		err = sk->sk_prot->hash(sk);
		if (!err)
			return 0;
	}
	inet_sk_set_state(sk, TCP_CLOSE);
	return err;
}

/**
 * tcpx_listen() - proto_ops.listen: start to listen, or change the backlog
 * @sock: socket
 * @backlog: limit, already capped by net.core.somaxconn
 *
 * Context: process
 * Return: 0, -EINVAL (connected or connecting), or see tcpx_listen_start().
 */
int tcpx_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED || sock->type != SOCK_STREAM)
		goto out;
	if (sk->sk_state == TCP_LISTEN) {
		WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
		err = 0;
	} else if (sk->sk_state == TCP_CLOSE) {
		err = tcpx_fastopen_listen(sk, backlog);
		if (!err)
			err = tcpx_listen_start(sk, backlog);
	}
out:
	release_sock(sk);
	return err;
}

/* Find one of lsk's requests in a chain of ehash; referenced. */
static struct tcpx_request_sock *tcpx_reqsk_find(struct hlist_nulls_head *chain,
						 const struct sock *lsk)
{
	struct tcpx_request_sock *req = NULL;
	struct hlist_nulls_node *node;
	struct request_sock *rsk;
	struct sock *sk;

	rcu_read_lock();
	sk_nulls_for_each_rcu(sk, node, chain) {
		if (READ_ONCE(sk->sk_state) != TCP_NEW_SYN_RECV)
			continue;
		rsk = inet_reqsk(sk);
		if (READ_ONCE(rsk->rsk_listener) != lsk ||
		    !refcount_inc_not_zero(&rsk->rsk_refcnt))
			continue;
		/* It may have been freed and made again meanwhile. */
		if (likely(rsk->rsk_listener == lsk)) {
			req = tcpx_rsk(rsk);
			break;
		}
		tcpx_reqsk_put(tcpx_rsk(rsk));
	}
	rcu_read_unlock();
	return req;
}

/*
 * The half-open connections go with their listener, or to another, so that nothing holds the netns
 * and the module until the last SYN-ACK timed out. A reader that lost its chain may miss
 * one, a SYN on another CPU may make one more: those die by their timers.
 */
static void tcpx_listen_drop_requests(struct sock *lsk)
{
	const struct tcpx_hashinfo *h = READ_ONCE(tcpx_pernet(sock_net(lsk))->hinfo);
	struct tcpx_request_sock *req;
	unsigned int i;

	for (i = 0; i <= h->ehash_mask && atomic_read(&tcpx_queue(lsk)->qlen); i++) {
		while ((req = tcpx_reqsk_find(&h->ehash[i].chain, lsk))) {
			local_bh_disable();
			if (!tcpx_migrate_req(lsk, req))
				tcpx_reqsk_drop(req);
			tcpx_reqsk_put(req);
			local_bh_enable();
		}
		cond_resched();
	}
}

/**
 * tcpx_listen_stop() - the end of a listener: reset what nobody accepted
 * @sk: listener, its state already CLOSE, locked
 *
 * Unless another listener takes it over: migrate.c.
 *
 * Context: process, socket lock
 */
void tcpx_listen_stop(struct sock *sk)
{
	struct request_sock *rsk;

	tcpx_listen_drop_requests(sk);
	while ((rsk = tcpx_reqsk_queue_remove(sk))) {
		struct sock *child = rsk->sk;

		local_bh_disable();
		/* Nobody but tcpx_abort() can be its owner, who looks again. */
		bh_lock_sock(child);
		sock_hold(child);
		if (!tcpx_migrate_child(sk, tcpx_rsk(rsk), child))
			tcpx_child_forget(child);
		bh_unlock_sock(child);
		local_bh_enable();
		tcpx_reqsk_put(tcpx_rsk(rsk));
		sock_put(child);
		cond_resched();
	}
	tcpx_migrate_end(sk);
	tcpx_fastopen_listen_stop(sk);
	WARN_ON_ONCE(sk->sk_ack_backlog);
}
