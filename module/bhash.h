/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The buckets of local ports, between bhash.c, which keeps them, and bind.c, which
 * fills them.
 */
#ifndef _TCPX_BHASH_H
#define _TCPX_BHASH_H

#include "tcpx.h"

struct mutex *tcpx_port_mutex_of(unsigned short port);
void tcpx_bucket_settle(struct tcpx_bind_bucket *tb);
void tcpx_bucket_add(struct tcpx_bind_bucket *tb, struct sock *sk);
void tcpx_bucket_unrelax(struct tcpx_bind_bucket *tb);
int  tcpx_bucket_reserve(const struct sock *sk, int l3mdev, struct tcpx_bind_bucket **bucket,
			 unsigned short port, bool reuse);
void tcpx_bucket_insert(struct tcpx_bind_hashbucket *head, struct tcpx_bind_bucket *tb);
void tcpx_bucket_remove(struct tcpx_bind_hashbucket *head, struct tcpx_bind_bucket *tb);
void tcpx_bucket_free(struct tcpx_bind_bucket *tb);
int  tcpx_bhash_init(void);
void tcpx_bhash_exit(void);

static inline struct tcpx_bind_hashbucket *tcpx_bind_head(const struct tcpx_net *tn,
							  unsigned short port)
{
	struct tcpx_hashinfo *h = READ_ONCE(tn->hinfo);

	return &h->bhash[port & h->bhash_mask];
}

static inline struct tcpx_bind_bucket *tcpx_bucket_find(struct tcpx_bind_hashbucket *head,
							unsigned short port, int l3mdev)
{
	struct tcpx_bind_bucket *tb;

	hlist_for_each_entry(tb, &head->chain, node) {
		if (tb->port == port && tb->l3mdev == l3mdev)
			return tb;
	}
	return NULL;
}

/* Ports with a bucket: a segment for another port is not for TCPX. */
static inline unsigned long *tcpx_used_ports(const struct tcpx_net *tn)
{
	return READ_ONCE(tn->hinfo)->used_ports;
}

/* Ports that bind() gave out. */
static inline unsigned long *tcpx_bound_ports(const struct tcpx_net *tn)
{
	return READ_ONCE(tn->hinfo)->bound_ports;
}

#endif /* _TCPX_BHASH_H */
