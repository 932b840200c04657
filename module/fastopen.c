// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: TCP Fast Open, rfc7413: the listener's side.
 *
 * A SYN whose cookie shows that its sender gets what is sent to its address may carry
 * data: its child is made at once, in SYN_RECV, and goes to the accept queue with the
 * data to read; it may even answer before the handshake is complete. The cookie is a
 * keyed hash of the two addresses, so a server remembers no client; it is the one that
 * kernel TCP makes, with the same keys, so either stack takes the other's.
 *
 * The request sock is in no table here, and has no timer: the child is in ehash, and its
 * retransmit timer repeats the SYN-ACK. The request keeps what the SYN-ACK is made of.
 * It is the child's (fastopen_rsk) until the handshake is complete or has failed, and
 * the accept queue's until accept(): one reference for both, dropped by the later of
 * them, which tfo_listener and rsk->sk tell under fastopenq.lock.
 *
 * How many such children a listener may have is TCP_FASTOPEN's value. One whose
 * handshake ends by a reset after accept() counts for another minute: somebody may be
 * sending SYNs in another's name, with a cookie that he overheard (rfc7413#section-5.1).
 *
 * The client's side is in fastopen_client.c.
 */
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/inet_common.h>

#include "tcpx.h"
#include "trace.h"

#define TCPX_FASTOPEN_RST_HOLD	(60 * HZ)

/* --- keys ------------------------------------------------------------------ */

static void tcpx_fastopen_ctx_free(struct rcu_head *head)
{
	kfree_sensitive(container_of(head, struct tcp_fastopen_context, rcu));
}

/**
 * tcpx_fastopen_init_key() - see to it that the netns has keys
 * @net: netns
 *
 * They are net.ipv4.tcp_fastopen_key. Until somebody wants them there are none;
 * kernel TCP makes them when a socket of its own sets TCP_FASTOPEN, so let one do so.
 * If that fails, no cookie is given or accepted, no more.
 *
 * Context: process, may sleep.
 */
void tcpx_fastopen_init_key(struct net *net)
{
	struct socket *sock;
	int one = 1;

	if (rcu_access_pointer(net->ipv4.tcp_fastopen_ctx))
		return;
	if (sock_create_kern(net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &sock))
		return;
	READ_ONCE(sock->ops)->setsockopt(sock, SOL_TCP, TCP_FASTOPEN, KERNEL_SOCKPTR(&one),
					 sizeof(one));
	sock_release(sock);
}

/**
 * tcpx_fastopen_set_key() - TCP_FASTOPEN_KEY: keys of this socket's own
 * @sk: socket, locked
 * @keys: one key, or two: the second is only to accept the cookies made with it
 * @n: how many
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_fastopen_set_key(struct sock *sk, const u8 *keys, int n)
{
	struct tcpx_accept_queue *queue = tcpx_queue_get(sk);
	struct tcp_fastopen_context *ctx, *old;
	int i;

	ctx = queue ? kzalloc(sizeof(*ctx), GFP_KERNEL) : NULL;
	if (!ctx)
		return -ENOMEM;
	ctx->num = n;
	for (i = 0; i < n; i++, keys += TCP_FASTOPEN_KEY_LENGTH) {
		ctx->key[i].key[0] = get_unaligned_le64(keys);
		ctx->key[i].key[1] = get_unaligned_le64(keys + 8);
	}
	old = unrcu_pointer(xchg(&queue->fastopenq.ctx, RCU_INITIALIZER(ctx)));
	if (old)
		call_rcu(&old->rcu, tcpx_fastopen_ctx_free);
	return 0;
}

/**
 * tcpx_fastopen_get_key() - read what tcpx_fastopen_set_key() set
 * @sk: socket
 * @keys: room for TCP_FASTOPEN_KEY_BUF_LENGTH bytes
 *
 * Return: number of keys, 0 if the netns's are used.
 */
int tcpx_fastopen_get_key(struct sock *sk, u8 *keys)
{
	const struct tcpx_accept_queue *queue = tcpx_queue(sk);
	const struct tcp_fastopen_context *ctx;
	int i, n = 0;

	if (!queue)
		return 0;
	rcu_read_lock();
	ctx = rcu_dereference(queue->fastopenq.ctx);
	if (ctx)
		n = ctx->num;
	for (i = 0; i < n; i++, keys += TCP_FASTOPEN_KEY_LENGTH) {
		put_unaligned_le64(ctx->key[i].key[0], keys);
		put_unaligned_le64(ctx->key[i].key[1], keys + 8);
	}
	rcu_read_unlock();
	return n;
}

/**
 * tcpx_fastopen_destroy() - the socket goes: so do its keys
 * @sk: socket nobody uses any more
 */
void tcpx_fastopen_destroy(struct sock *sk)
{
	struct tcpx_accept_queue *queue = tcpx_queue(sk);
	struct tcp_fastopen_context *ctx;

	ctx = queue ? unrcu_pointer(xchg(&queue->fastopenq.ctx, NULL)) : NULL;
	if (ctx)
		call_rcu(&ctx->rcu, tcpx_fastopen_ctx_free);
	tcpx_free_fastopen_req(tcpx_sk(sk));
}

/**
 * tcpx_fastopen_queue_tune() - TCP_FASTOPEN: how many such children at a time
 * @sk: socket, in CLOSE or LISTEN
 * @backlog: number, capped by net.core.somaxconn; 0 switches it off
 *
 * Context: socket lock, process.
 * Return: 0 or -ENOMEM.
 */
int tcpx_fastopen_queue_tune(struct sock *sk, int backlog)
{
	unsigned int most = READ_ONCE(sock_net(sk)->core.sysctl_somaxconn);
	struct tcpx_accept_queue *queue = tcpx_queue_get(sk);

	if (!queue)
		return -ENOMEM;
	tcpx_fastopen_init_key(sock_net(sk));
	WRITE_ONCE(queue->fastopenq.max_qlen, min_t(unsigned int, backlog, most));
	return 0;
}

/**
 * tcpx_fastopen_listen() - listen() of a host that has it on for every listener
 * @sk: socket that is about to listen
 * @backlog: of listen()
 *
 * Context: socket lock, process.
 * Return: 0 or -ENOMEM.
 */
int tcpx_fastopen_listen(struct sock *sk, int backlog)
{
	const int all = TFO_SERVER_ENABLE | TFO_SERVER_WO_SOCKOPT1;
	const struct tcpx_accept_queue *queue = tcpx_queue(sk);

	if ((READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fastopen) & all) != all ||
	    (queue && queue->fastopenq.max_qlen))
		return 0;
	return tcpx_fastopen_queue_tune(sk, backlog);
}

/* --- cookies, rfc7413#section-4.1.2 ------------------------------------------ */

/* The cookie of a SYN's sender: of the addresses as they lie in its header. */
static void tcpx_fastopen_cookie_gen(const struct sk_buff *syn, const siphash_key_t *key,
				     struct tcp_fastopen_cookie *foc)
{
	const void *addrs = &ip_hdr(syn)->saddr;
	size_t len = 2 * sizeof(__be32);

	if (ip_hdr(syn)->version == 6) {
		addrs = &ipv6_hdr(syn)->saddr;
		len = 2 * sizeof(struct in6_addr);
	}
	foc->val[0] = cpu_to_le64(siphash(addrs, len, key));
	foc->len = TCP_FASTOPEN_COOKIE_SIZE;
}

static bool tcpx_fastopen_cookie_match(const struct tcp_fastopen_cookie *a,
				       const struct tcp_fastopen_cookie *b)
{
	return a->len == TCP_FASTOPEN_COOKIE_SIZE && a->len == b->len && a->val[0] == b->val[0];
}

/* Which of the keys made the cookie of a SYN: 1, 2, 0 none of them. *@now is the cookie
 * that the client should have. RCU.
 */
static int tcpx_fastopen_cookie_check(struct sock *lsk, const struct sk_buff *syn,
				      const struct tcp_fastopen_cookie *foc,
				      struct tcp_fastopen_cookie *now)
{
	const struct tcp_fastopen_context *ctx;
	struct tcp_fastopen_cookie other;
	int i;

	ctx = rcu_dereference(tcpx_queue(lsk)->fastopenq.ctx);
	if (!ctx)
		ctx = rcu_dereference(sock_net(lsk)->ipv4.tcp_fastopen_ctx);
	if (!ctx)
		return 0;
	tcpx_fastopen_cookie_gen(syn, &ctx->key[0], now);
	if (tcpx_fastopen_cookie_match(foc, now))
		return 1;
	for (i = 1; i < ctx->num; i++) {
		tcpx_fastopen_cookie_gen(syn, &ctx->key[i], &other);
		if (tcpx_fastopen_cookie_match(foc, &other))
			return i + 1;
	}
	return 0;
}

/* --- the queue ---------------------------------------------------------------- */

/* Is there room for one more? An old reset makes some. */
static bool tcpx_fastopen_queue_check(struct sock *lsk)
{
	struct fastopen_queue *q = &tcpx_queue(lsk)->fastopenq;
	int max_qlen = READ_ONCE(q->max_qlen);
	struct request_sock *rsk;

	if (!max_qlen)
		return false;
	if (READ_ONCE(q->qlen) < max_qlen)
		return true;
	spin_lock(&q->lock);
	rsk = q->rskq_rst_head;
	if (!rsk || time_after(rsk->rsk_timer.expires, jiffies)) {
		spin_unlock(&q->lock);
		TCPX_NET_INC(sock_net(lsk), LINUX_MIB_TCPFASTOPENLISTENOVERFLOW);
		return false;
	}
	q->rskq_rst_head = rsk->dl_next;
	WRITE_ONCE(q->qlen, q->qlen - 1);
	spin_unlock(&q->lock);
	tcpx_reqsk_put(tcpx_rsk(rsk));
	return true;
}

/**
 * tcpx_fastopen_remove() - the handshake is over: part child and request
 * @child: child with a fastopen_rsk, locked
 * @reset: it ended by a valid reset
 *
 * Context: BH off or process.
 */
void tcpx_fastopen_remove(struct sock *child, bool reset)
{
	struct tcpx_sock *tp = tcpx_sk(child);
	struct tcpx_request_sock *req = tp->fastopen_rsk;
	struct request_sock *rsk = &req->req.req;
	struct sock *lsk = rsk->rsk_listener;
	struct fastopen_queue *q = &tcpx_queue(lsk)->fastopenq;
	bool put = false;

	WRITE_ONCE(tp->fastopen_rsk, NULL);
	tp->rcv_ssthresh = max(tp->rcv_ssthresh, min(rsk->rsk_rcv_wnd, tp->window_clamp));
	spin_lock_bh(&q->lock);
	if (rsk->sk) {
		/* Not accepted yet: it is the accept queue's now. */
		WRITE_ONCE(q->qlen, q->qlen - 1);
	} else if (!reset || inet_sk_state_load(lsk) != TCP_LISTEN) {
		WRITE_ONCE(q->qlen, q->qlen - 1);
		put = true;
	} else {
		rsk->rsk_timer.expires = jiffies + TCPX_FASTOPEN_RST_HOLD;
		rsk->dl_next = NULL;
		if (q->rskq_rst_head)
			q->rskq_rst_tail->dl_next = rsk;
		else
			q->rskq_rst_head = rsk;
		q->rskq_rst_tail = rsk;
	}
	/* From here on accept() may free it. */
	smp_store_release(&req->tfo_listener, false);
	spin_unlock_bh(&q->lock);
	if (put)
		tcpx_reqsk_put(req);
}

/**
 * tcpx_fastopen_accepted() - accept() takes a child
 * @lsk: listener
 * @rsk: its request, out of the accept queue
 *
 * Return: true if the child's handshake still needs @rsk: it keeps the reference.
 */
bool tcpx_fastopen_accepted(struct sock *lsk, struct request_sock *rsk)
{
	struct fastopen_queue *q = &tcpx_queue(lsk)->fastopenq;
	bool opening;

	spin_lock_bh(&q->lock);
	opening = tcpx_rsk(rsk)->tfo_listener;
	if (opening)
		rsk->sk = NULL;
	spin_unlock_bh(&q->lock);
	return opening;
}

/**
 * tcpx_fastopen_listen_stop() - the listener closes: forget the resets
 * @lsk: listener, no longer in LISTEN
 *
 * Context: process.
 */
void tcpx_fastopen_listen_stop(struct sock *lsk)
{
	struct fastopen_queue *q = &tcpx_queue(lsk)->fastopenq;
	struct request_sock *rsk, *next;

	spin_lock_bh(&q->lock);
	rsk = q->rskq_rst_head;
	q->rskq_rst_head = NULL;
	spin_unlock_bh(&q->lock);
	for (; rsk; rsk = next) {
		next = rsk->dl_next;
		spin_lock_bh(&q->lock);
		WRITE_ONCE(q->qlen, q->qlen - 1);
		spin_unlock_bh(&q->lock);
		tcpx_reqsk_put(tcpx_rsk(rsk));
	}
}

/**
 * tcpx_fastopen_migrated() - a child that is still opening goes to another listener
 * @child: it, locked
 * @req: the copy of its request for that listener
 */
void tcpx_fastopen_migrated(struct sock *child, struct tcpx_request_sock *req)
{
	struct tcpx_request_sock *old = tcpx_sk(child)->fastopen_rsk;
	struct fastopen_queue *q = &tcpx_queue(old->req.req.rsk_listener)->fastopenq;

	spin_lock_bh(&q->lock);
	old->tfo_listener = false;
	WRITE_ONCE(q->qlen, q->qlen - 1);
	spin_unlock_bh(&q->lock);

	q = &tcpx_queue(req->req.req.rsk_listener)->fastopenq;
	spin_lock_bh(&q->lock);
	WRITE_ONCE(q->qlen, q->qlen + 1);
	spin_unlock_bh(&q->lock);
	WRITE_ONCE(tcpx_sk(child)->fastopen_rsk, req);
}

/* --- the child ----------------------------------------------------------------- */

/**
 * tcpx_fastopen_add_skb() - data in a SYN or SYN-ACK: let the user read it
 * @sk: socket, locked, rcv_nxt after the SYN
 * @skb: segment, TCPX_CB filled; not consumed
 */
void tcpx_fastopen_add_skb(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (TCPX_CB(skb)->end_seq == tp->rcv_nxt)
		return;
	skb = skb_clone(skb, GFP_ATOMIC);
	if (!skb)
		return;		/* not acknowledged: it comes again */

	skb_dst_drop(skb);
	secpath_reset(skb);
	/* The SYN was counted before its data was known to be welcome. */
	tp->segs_in = 0;
	tcpx_segs_in(tp, skb);
	__skb_pull(skb, tcp_hdrlen(skb));
	tcpx_forced_mem_schedule(sk, skb->truesize);
	skb_set_owner_r(skb, sk);

	TCPX_CB(skb)->seq++;
	TCPX_CB(skb)->tcp_flags &= ~TCPHDR_SYN;
	WRITE_ONCE(tp->rcv_nxt, TCPX_CB(skb)->end_seq);
	__skb_queue_tail(&sk->sk_receive_queue, skb);
	tp->syn_data_acked = 1;
	tp->bytes_received = skb->len;
	if (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN)
		tcpx_fin(sk);
}

/* The child of a SYN that needs no handshake: locked, referenced, in ehash. */
static struct sock *tcpx_fastopen_create_child(struct sock *lsk, struct sk_buff *skb,
					       struct tcpx_request_sock *req)
{
	struct fastopen_queue *q = &tcpx_queue(lsk)->fastopenq;
	struct request_sock *rsk = &req->req.req;
	struct tcpx_sock *tp;
	struct sock *child;
	bool own_req;

	req->tfo_listener = true;
	child = req->af_ops->syn_recv_sock(lsk, skb, req, NULL, &own_req);
	if (!child) {
		req->tfo_listener = false;
		return NULL;
	}
	spin_lock(&q->lock);
	WRITE_ONCE(q->qlen, q->qlen + 1);
	spin_unlock(&q->lock);

	tp = tcpx_sk(child);
	WRITE_ONCE(tp->fastopen_rsk, req);
	/* rfc7323#section-2.2: the window of a SYN is never scaled */
	tp->snd_wnd = ntohs(tcp_hdr(skb)->window);
	tp->max_window = tp->snd_wnd;
	tcpx_mstamp_refresh(tp);
	/* Who has proved no address gets no more of the buffer than the SYN-ACK can offer. */
	tp->rcv_wnd = min(tp->rcv_wnd, 65535U);
	tp->rcv_ssthresh = tp->rcv_wnd;
	/* For the SYN-ACK; nothing else is repeated before that is acknowledged. */
	tcpx_reset_xmit_timer(child, TCPX_TIME_RETRANS, rsk->timeout);
	/* One is the queue's and the child's, one our caller's. */
	refcount_set(&rsk->rsk_refcnt, 2);

	tcpx_init_transfer(child, skb);
	WRITE_ONCE(tp->rcv_nxt, TCPX_CB(skb)->seq + 1);
	tcpx_fastopen_add_skb(child, skb);
	req->rcv_nxt = tp->rcv_nxt;
	tp->rcv_wup = tp->rcv_nxt;
	return child;
}

/* May data come without a cookie? For those who know that nobody can forge addresses. */
bool tcpx_fastopen_no_cookie(const struct sock *sk, const struct dst_entry *dst, int flag)
{
	return (READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fastopen) & flag) ||
	       tcpx_sk(sk)->fastopen_no_cookie ||
	       (dst && dst_metric(dst, RTAX_FASTOPEN_NO_COOKIE));
}

/**
 * tcpx_try_fastopen() - a SYN: open the connection at once?
 * @lsk: listener, not locked
 * @skb: the SYN, TCPX_CB filled; not consumed
 * @req: its request, complete, nobody else knows it
 * @dst: route of the SYN-ACK
 * @foc: the SYN's cookie, len 0: it asks for one, -1: no such option; returns the cookie to
 *	put into the SYN-ACK
 *
 * rfc7413#section-4.2.
 *
 * Context: softirq, RCU.
 * Return: the child, locked and referenced, not yet in the accept queue; @req has two
 * references then. NULL: three-way handshake.
 */
struct sock *tcpx_try_fastopen(struct sock *lsk, struct sk_buff *skb,
			       struct tcpx_request_sock *req, const struct dst_entry *dst,
			       struct tcp_fastopen_cookie *foc)
{
	int flags = READ_ONCE(sock_net(lsk)->ipv4.sysctl_tcp_fastopen);
	bool syn_data = TCPX_CB(skb)->end_seq != TCPX_CB(skb)->seq + 1;
	struct tcp_fastopen_cookie now = { .len = -1, .exp = foc->exp };
	struct net *net = sock_net(lsk);
	struct sock *child;
	int key = 0;

	if (foc->len == 0)
		TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENCOOKIEREQD);
	if (!(flags & TFO_SERVER_ENABLE) || (!syn_data && foc->len < 0) ||
	    !tcpx_fastopen_queue_check(lsk)) {
		foc->len = -1;
		return NULL;
	}

	if (!tcpx_fastopen_no_cookie(lsk, dst, TFO_SERVER_COOKIE_NOT_REQD)) {
		if (foc->len >= 0)
			key = tcpx_fastopen_cookie_check(lsk, skb, foc, &now);
		if (!key) {
			if (foc->len > 0)
				TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENPASSIVEFAIL);
			*foc = now;
			return NULL;
		}
	}

	child = tcpx_fastopen_create_child(lsk, skb, req);
	if (!child) {
		TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENPASSIVEFAIL);
		*foc = now;
		return NULL;
	}
	if (key == 2)
		TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENPASSIVEALTKEY);
	else
		now.len = -1;	/* it has the right one */
	*foc = now;
	tcpx_sk(child)->rx_opt.tfo_child = 1;
	TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENPASSIVE);
	return child;
}

/**
 * tcpx_fastopen_established() - the SYN-ACK of such a child is acknowledged
 * @sk: child with a fastopen_rsk, locked
 */
void tcpx_fastopen_established(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	/* The SYN-ACK was repeated, perhaps for nothing. */
	if (tp->ca_state == TCP_CA_Loss && !tp->packets_out)
		tcpx_try_undo_recovery(sk);
	tcpx_update_rto_time(tp);
	/* What the SYN-ACK had to suffer does not count against the data; what the data
	 * itself had to, by the SACKs of this ACK, does.
	 */
	tcpx_retrans_stamp_cleanup(sk);
	tp->retransmits = 0;
	tcpx_fastopen_remove(sk, false);
	/* Data may be out already. */
	tcpx_rearm_rto(sk);
}

/**
 * tcpx_fastopen_synack_timer() - the SYN-ACK of such a child was not acknowledged
 * @sk: child with a fastopen_rsk, locked
 *
 * One try more than others get: the user may have the socket already.
 */
void tcpx_fastopen_synack_timer(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_request_sock *req = tp->fastopen_rsk;
	struct request_sock *rsk = &req->req.req;
	int max_retries = READ_ONCE(tp->syn_retries) ? :
			  READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_synack_retries) + 1;

	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPTIMEOUTS);
	if (rsk->num_timeout >= max_retries) {
		tcpx_write_err(sk);
		return;
	}
	/* Careful after the second: rfc6928#section-3 */
	if (tp->retransmits == 1)
		tcpx_enter_loss(sk);
	tcpx_rtx_synack(sk, req);
	rsk->num_timeout++;
	tcpx_update_rto_stats(sk);
	if (!tp->retrans_stamp)
		tp->retrans_stamp = tcpx_time_stamp(tp);
	tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS,
			      min_t(u64, (u64)rsk->timeout << rsk->num_timeout, tp->rto_max));
}
