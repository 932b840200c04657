// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the memory cgroup of accepted sockets. A child is made in softirq, of
 * nobody's cgroup; who accepts it pays for it from then on, and for what it has
 * received already. Newer kernels do that in inet_accept(); in older ones it is part of
 * kernel TCP's own accept, and the function that charges is not exported: what is
 * exported calls it.
 */
#include "tcpx.h"

/* The caller's cgroup, referenced; NULL if none counts the memory of sockets. */
static struct mem_cgroup *tcpx_memcg_get(void)
{
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = mem_cgroup_from_task(current);
	if (memcg && (!parent_mem_cgroup(memcg) || !compat_memcg_counts_sockets(memcg) ||
		      !css_tryget(&memcg->css)))
		memcg = NULL;
	rcu_read_unlock();
	return memcg;
}

/* Charge @memcg, over its limit if need be, with @pages that @sk, not yet known to any
 * user, has got from the protocol before.
 *
 * __sk_mem_schedule() takes pages from the protocol and from the cgroup, and does not
 * refuse them to a sender who is over his buffer. What it took twice from the
 * protocol is given back while @sk has no cgroup.
 */
static void tcpx_memcg_charge(struct sock *sk, struct mem_cgroup *memcg, int pages)
{
	int sndbuf = sk->sk_sndbuf, locks = sk->sk_userlocks;

	sk->sk_memcg = memcg;
	sk->sk_userlocks = locks | SOCK_SNDBUF_LOCK;
	WRITE_ONCE(sk->sk_sndbuf, 0);
	__sk_mem_schedule(sk, pages << PAGE_SHIFT, SK_MEM_SEND);
	WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	sk->sk_userlocks = locks;

	sk->sk_memcg = NULL;
	__sk_mem_reclaim(sk, pages << PAGE_SHIFT);
}

/**
 * tcpx_memcg_accept() - a child belongs to the memory cgroup of who accepts it
 * @child: taken from the accept queue, in no struct socket yet
 *
 * Context: process; takes the socket lock
 */
void tcpx_memcg_accept(struct sock *child)
{
	struct mem_cgroup *memcg;
	int pages;

	if (COMPAT_INET_ACCEPT_CHARGES || !mem_cgroup_sockets_enabled)
		return;
	memcg = tcpx_memcg_get();
	lock_sock(child);
	if (memcg) {
		pages = sk_mem_pages(child->sk_forward_alloc +
				     atomic_read(&child->sk_rmem_alloc));
		if (pages)
			tcpx_memcg_charge(child, memcg, pages);
		child->sk_memcg = memcg;
	}
	compat_kmem_cache_charge(child);
	release_sock(child);
}
