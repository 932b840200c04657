// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: a listener of a SO_REUSEPORT group closes: its connections go to another
 * member, if net.ipv4.tcp_migrate_req says so.
 *
 * A request sock belongs to its listener for ever, for others may look at it without a
 * lock. So what changes over is a copy, whose listener is the new one. All of it happens
 * at once, in close(): nothing holds a listener that is gone. That takes a while, and a
 * request whose segment comes before close() gets to it changes over by that.
 *
 * reuseport_migrate_sock() would choose the new one, but knows listeners of protocol
 * TCP only. A hash decides: programs of type SK_REUSEPORT, which could do so
 * as well, cannot be attached to other protocols' sockets either.
 */
#include <net/sock_reuseport.h>

#include "tcpx.h"

static void tcpx_migrate_count(const struct sock *sk, bool ok)
{
	TCPX_NET_INC(sock_net(sk), ok ? LINUX_MIB_TCPMIGRATEREQSUCCESS :
					LINUX_MIB_TCPMIGRATEREQFAILURE);
}

/* The member of @lsk's group that shall have @sk, its request or child; referenced. */
static struct sock *tcpx_migrate_target(struct sock *lsk, struct sock *sk)
{
	struct sock *heir, *nsk = NULL;

	rcu_read_lock();
	/* RCU frees listeners: it stays though close() may come to its end meanwhile. */
	heir = READ_ONCE(tcpx_queue(lsk)->heir);
	/* Without a segment a program can't choose: by hash. */
	if (heir)
		nsk = reuseport_select_sock(heir, sk->sk_hash, NULL, 0);
	if (nsk && !refcount_inc_not_zero(&nsk->sk_refcnt))
		nsk = NULL;
	rcu_read_unlock();
	if (heir && !nsk)
		tcpx_migrate_count(lsk, false);
	return nsk;
}

/**
 * tcpx_migrate_end() - all that could change over has
 * @lsk: listener that closes
 */
void tcpx_migrate_end(struct sock *lsk)
{
	struct sock *heir = tcpx_queue(lsk)->heir;

	WRITE_ONCE(tcpx_queue(lsk)->heir, NULL);
	if (heir)
		sock_put(heir);
}

/* The copy has what can be had once only. */
static void tcpx_migrate_handed_over(struct tcpx_request_sock *req)
{
	req->req.req.saved_syn = NULL;
	RCU_INIT_POINTER(req->req.ireq_opt, NULL);
#if IS_ENABLED(CONFIG_IPV6)
	req->req.pktopts = NULL;
#endif
}

static void tcpx_migrate_free_copy(struct tcpx_request_sock *new)
{
	tcpx_migrate_handed_over(new);
	/* A reader that took the memory for what had been there may hold it just now. */
	tcpx_reqsk_put(new);
}

/**
 * tcpx_migrate_req() - a half-open connection changes over
 * @lsk: its listener, no longer in LISTEN
 * @req: request, in ehash, referenced
 *
 * Context: BH off.
 * Return: true if it did: @req is out of ehash, the caller's reference is left.
 */
bool tcpx_migrate_req(struct sock *lsk, struct tcpx_request_sock *req)
{
	struct sock *nsk = tcpx_migrate_target(lsk, req_to_sk(&req->req.req));
	struct tcpx_request_sock *new;

	if (!nsk)
		return false;
	/* The reference on nsk is the copy's. */
	new = tcpx_reqsk_clone(req, nsk);
	if (!new) {
		sock_put(nsk);
		goto failed;
	}
	tcpx_reqsk_start(new);
	if (!tcpx_ehash_insert(req_to_sk(&new->req.req), req_to_sk(&req->req.req), NULL)) {
		/* It is complete, or was dropped, meanwhile. */
		tcpx_reqsk_unlinked(new);
		tcpx_migrate_free_copy(new);
		goto failed;
	}
	tcpx_migrate_handed_over(req);
	tcpx_reqsk_unlinked(req);
	tcpx_reqsk_put(req);
	tcpx_migrate_count(lsk, true);
	return true;

failed:
	tcpx_migrate_count(lsk, false);
	return false;
}

/**
 * tcpx_migrate_child() - a connection that nobody accepted changes over
 * @lsk: its listener, no longer in LISTEN
 * @req: its request, out of @lsk's accept queue
 * @child: the connection, locked, referenced by the caller
 *
 * Context: BH off.
 * Return: true if it has found its end here: in another listener's accept queue, or, if
 * that one closes as well, by a reset. @req is no longer needed.
 */
bool tcpx_migrate_child(struct sock *lsk, struct tcpx_request_sock *req, struct sock *child)
{
	struct sock *nsk = tcpx_migrate_target(lsk, child);
	struct tcpx_request_sock *new;
	bool ok;

	if (!nsk)
		return false;
	new = tcpx_reqsk_clone(req, nsk);
	if (!new) {
		sock_put(nsk);
		tcpx_migrate_count(lsk, false);
		return false;
	}
	refcount_set(&new->req.req.rsk_refcnt, 1);
	if (new->tfo_listener)
		tcpx_fastopen_migrated(child, new);
	ok = tcpx_reqsk_queue_add(nsk, new, child);
	tcpx_migrate_count(lsk, ok);
	if (ok) {
		tcpx_migrate_handed_over(req);
		nsk->sk_data_ready(nsk);
	} else {
		tcpx_migrate_handed_over(new);
		tcpx_reqsk_put(new);
	}
	return true;
}
