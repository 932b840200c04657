// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: charging memory cgroups, above all with accepted sockets. A child is made in softirq, of
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

/**
 * tcpx_memcg_forced_schedule() - reserve memory beyond all limits, the cgroup's among them
 * @sk: socket
 * @size: bytes
 *
 * __sk_mem_schedule() takes pages from the protocol and from the cgroup, and does not
 * refuse them to a sender who is over his buffer.
 *
 * Context: socket lock.
 */
void tcpx_memcg_forced_schedule(struct sock *sk, int size)
{
	int sndbuf = sk->sk_sndbuf, locks = sk->sk_userlocks;
	bool refused;

	/* The buffer is to stay what it is. */
	sk->sk_userlocks = locks | SOCK_SNDBUF_LOCK;
	refused = !__sk_mem_schedule(sk, size, SK_MEM_SEND);
	if (refused) {
		/* Full is enough, and the best for who looks without the lock. */
		WRITE_ONCE(sk->sk_sndbuf, min(sndbuf, sk->sk_wmem_queued + size));
		__sk_mem_schedule(sk, size, SK_MEM_SEND);
		WRITE_ONCE(sk->sk_sndbuf, sndbuf);
	}
	sk->sk_userlocks = locks;

	if (!refused)
		return;
	/* Who polled just then, without the lock, saw no room. */
	smp_mb();
	if (sk->sk_socket && test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		tcpx_wake_writers(sk);
}

/* Charge @memcg, over its limit if need be, with @pages that @sk, not yet known to any
 * user, has got from the protocol before. What was taken twice from the protocol is given
 * back while @sk has no cgroup.
 */
static void tcpx_memcg_charge(struct sock *sk, struct mem_cgroup *memcg, int pages)
{
	sk->sk_memcg = memcg;
	tcpx_memcg_forced_schedule(sk, pages << PAGE_SHIFT);
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
