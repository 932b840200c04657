// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: sock_diag, the way by which ss asks for sockets and ends them.
 *
 * The messages are those of inet_diag, but the request's sdiag_family is AF_TCPX
 * (uapi/tcpx.h), since inet_diag knows a protocol by its number on the wire, and
 * that one is kernel TCP's. scripts/tcpx-ss lends ss the other number.
 *
 * A dump reads chain by chain, a batch of entries under the chain's lock, and
 * fills messages from referenced entries without any: TCP_INFO takes the socket
 * lock and may sleep. Where a dump goes on is told by chain and place in it, so an
 * entry that moves meanwhile may be told twice or not at all, as with kernel TCP.
 */
#include "tcpx.h"

#include <linux/cgroup.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/netlink.h>

#define DIAG_BATCH	16

/* As many as an attribute holds. */
#define DIAG_MAX_KEYS	((U16_MAX - NLA_HDRLEN) / (unsigned int)sizeof(struct tcp_diag_md5sig))

/* Values of netlink_callback.args. */
#define DIAG_ARG_BUCKET	0	/* chain to go on with */
#define DIAG_ARG_SKIP	1	/* entries of it that were dealt with */

/* idiag_ext, a bit for each attribute that is wanted. */
#define DIAG_WANT(req, attr)	((req)->idiag_ext & BIT((attr) - 1))

/**
 * struct diag_dump - a dump, or the part of it that fits a message buffer
 * @skb: where the messages go
 * @cb: netlink's state of the dump; its request
 * @req: what is asked for
 * @bytecode: ss's filter program, or NULL
 * @net_admin: the reader may see marks
 */
struct diag_dump {
	struct sk_buff			*skb;
	struct netlink_callback		*cb;
	const struct inet_diag_req_v2	*req;
	const struct nlattr		*bytecode;
	bool				net_admin;
};

/* --- ss's filter program ----------------------------------------------------- */

/* What a filter may ask of an entry; ports in host order. */
struct diag_entry {
	const __be32	*saddr;
	const __be32	*daddr;
	u16		sport;
	u16		dport;
	u16		family;
	u32		ifindex;
	u32		mark;
	u64		cgroup_id;
	bool		bound;		/* by the user */
};

static u64 diag_cgroup_id(const struct sock *sk)
{
#ifdef CONFIG_SOCK_CGROUP_DATA
	return cgroup_id(sock_cgroup_ptr((struct sock_cgroup_data *)&sk->sk_cgrp_data));
#else
	return 0;
#endif
}

static u32 diag_mark(struct sock *sk)
{
	if (sk->sk_state == TCP_TIME_WAIT)
		return tcpx_twsk(sk)->tw_mark;
	if (sk->sk_state == TCP_NEW_SYN_RECV)
		return inet_rsk(inet_reqsk(sk))->ir_mark;
	return READ_ONCE(sk->sk_mark);
}

static void diag_entry_init(struct diag_entry *entry, struct sock *sk)
{
	*entry = (struct diag_entry) {
		.saddr = &sk->sk_rcv_saddr,
		.daddr = &sk->sk_daddr,
		.sport = sk->sk_num,
		.dport = ntohs(sk->sk_dport),
		.family = sk->sk_family,
		.ifindex = READ_ONCE(sk->sk_bound_dev_if),
		.mark = diag_mark(sk),
	};
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		entry->saddr = sk->sk_v6_rcv_saddr.s6_addr32;
		entry->daddr = sk->sk_v6_daddr.s6_addr32;
	}
#endif
	if (sk_fullsock(sk)) {
		entry->cgroup_id = diag_cgroup_id(sk);
		entry->bound = sk->sk_userlocks & SOCK_BINDPORT_LOCK;
	}
}

/* Bytes of an instruction with its operand, 0 if there is no such instruction. */
static unsigned int diag_bc_size(const struct inet_diag_bc_op *op, unsigned int left)
{
	const struct inet_diag_hostcond *cond = (const void *)(op + 1);
	unsigned int size = sizeof(*op);

	switch (op->code) {
	case INET_DIAG_BC_NOP:
	case INET_DIAG_BC_JMP:
	case INET_DIAG_BC_AUTO:
		return size;
	case INET_DIAG_BC_S_GE:
	case INET_DIAG_BC_S_LE:
	case INET_DIAG_BC_S_EQ:
	case INET_DIAG_BC_D_GE:
	case INET_DIAG_BC_D_LE:
	case INET_DIAG_BC_D_EQ:
		return 2 * size;		/* the port is in the "no" of a second one */
	case INET_DIAG_BC_DEV_COND:
		return size + sizeof(u32);
	case INET_DIAG_BC_MARK_COND:
		return size + sizeof(struct inet_diag_markcond);
	case INET_DIAG_BC_CGROUP_COND:
		return size + sizeof(u64);
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		size += sizeof(*cond);
		if (left < size)
			return size;
		switch (cond->family) {
		case AF_UNSPEC:
			return cond->prefix_len ? 0 : size;
		case AF_INET:
			return cond->prefix_len > 32 ? 0 : size + sizeof(struct in_addr);
		case AF_INET6:
			return cond->prefix_len > 128 ? 0 : size + sizeof(struct in6_addr);
		}
	}
	return 0;
}

/* Is there a whole instruction at @op, and are its jumps forward ones? */
static bool diag_bc_sound(const struct inet_diag_bc_op *op, unsigned int left)
{
	unsigned int size;

	if (left < sizeof(*op))
		return false;
	size = diag_bc_size(op, left);
	return size && size <= left && op->yes >= size && op->yes <= left && !(op->yes & 3) &&
	       op->no >= sizeof(*op) && !(op->no & 3);
}

/* Jumps are not followed: the run looks again at each instruction it meets. Who must not see
 * marks must not ask for them either.
 */
static int diag_bc_audit(const struct nlattr *bytecode, bool net_admin)
{
	const void *bc = nla_data(bytecode);
	int left = nla_len(bytecode);

	while (left > 0) {
		const struct inet_diag_bc_op *op = bc;

		if (!diag_bc_sound(op, left))
			return -EINVAL;
		if (op->code == INET_DIAG_BC_MARK_COND && !net_admin)
			return -EPERM;
		bc += op->yes;
		left -= op->yes;
	}
	return 0;
}

static bool diag_prefix_equal(const __be32 *a, const __be32 *b, unsigned int bits)
{
	__be32 mask = htonl(~0U << (32 - bits % 32) % 32);

	if (memcmp(a, b, bits / 32 * sizeof(*a)))
		return false;
	return bits % 32 == 0 || !((a[bits / 32] ^ b[bits / 32]) & mask);
}

static bool diag_bc_host(const struct inet_diag_hostcond *cond, u16 family, u16 port,
			 const __be32 *addr)
{
	if (cond->port != -1 && cond->port != port)
		return false;
	if (cond->family == AF_INET && family == AF_INET6)
		return ipv6_addr_v4mapped((const struct in6_addr *)addr) &&
		       diag_prefix_equal(addr + 3, cond->addr, cond->prefix_len);
	if (cond->family != AF_UNSPEC && cond->family != family)
		return false;
	return diag_prefix_equal(addr, cond->addr, cond->prefix_len);
}

static bool diag_bc_step(const struct inet_diag_bc_op *op, const struct diag_entry *entry)
{
	const void *operand = op + 1;
	const struct inet_diag_markcond *mark = operand;

	switch (op->code) {
	case INET_DIAG_BC_JMP:
		return false;
	case INET_DIAG_BC_S_GE:
		return entry->sport >= op[1].no;
	case INET_DIAG_BC_S_LE:
		return entry->sport <= op[1].no;
	case INET_DIAG_BC_S_EQ:
		return entry->sport == op[1].no;
	case INET_DIAG_BC_D_GE:
		return entry->dport >= op[1].no;
	case INET_DIAG_BC_D_LE:
		return entry->dport <= op[1].no;
	case INET_DIAG_BC_D_EQ:
		return entry->dport == op[1].no;
	case INET_DIAG_BC_AUTO:
		return !entry->bound;
	case INET_DIAG_BC_S_COND:
		return diag_bc_host(operand, entry->family, entry->sport, entry->saddr);
	case INET_DIAG_BC_D_COND:
		return diag_bc_host(operand, entry->family, entry->dport, entry->daddr);
	case INET_DIAG_BC_DEV_COND:
		return entry->ifindex == *(const u32 *)operand;
	case INET_DIAG_BC_MARK_COND:
		return (entry->mark & mark->mask) == mark->mark;
	case INET_DIAG_BC_CGROUP_COND:
		return entry->cgroup_id == get_unaligned((const u64 *)operand);
	}
	return true;	/* INET_DIAG_BC_NOP */
}

/* A program says yes by ending exactly at its end. */
static bool diag_bc_run(const struct diag_dump *dump, struct sock *sk)
{
	const void *bc = nla_data(dump->bytecode);
	int left = nla_len(dump->bytecode);
	struct diag_entry entry;

	diag_entry_init(&entry, sk);
	while (left > 0) {
		const struct inet_diag_bc_op *op = bc;
		unsigned int jump;

		if (!diag_bc_sound(op, left))
			return false;
		if (op->code == INET_DIAG_BC_MARK_COND && !dump->net_admin)
			return false;
		jump = diag_bc_step(op, &entry) ? op->yes : op->no;
		bc += jump;
		left -= jump;
	}
	return left == 0;
}

/* --- a message ---------------------------------------------------------------- */

static void diag_fill_id(struct inet_diag_sockid *id, struct sock *sk)
{
	memset(id, 0, sizeof(*id));
	id->idiag_sport = htons(sk->sk_num);
	id->idiag_dport = sk->sk_dport;
	id->idiag_if = READ_ONCE(sk->sk_bound_dev_if);
	sock_diag_save_cookie(sk, id->idiag_cookie);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		memcpy(id->idiag_src, &sk->sk_v6_rcv_saddr, sizeof(id->idiag_src));
		memcpy(id->idiag_dst, &sk->sk_v6_daddr, sizeof(id->idiag_dst));
		return;
	}
#endif
	id->idiag_src[0] = sk->sk_rcv_saddr;
	id->idiag_dst[0] = sk->sk_daddr;
}

static void diag_fill_row(struct inet_diag_msg *msg, struct sock *sk, struct user_namespace *ns)
{
	struct tcpx_row row;

	tcpx_row_fill(&row, sk);
	msg->idiag_family = sk->sk_family;
	msg->idiag_state = row.state;
	msg->idiag_timer = row.timer;
	msg->idiag_retrans = row.timer == TCPX_ROW_TIMER_RETRANS ? row.retransmits :
								    row.probes_out;
	if (sk->sk_state == TCP_NEW_SYN_RECV)
		/* How often the SYN-ACK was sent again, whatever for; a bit field, any will do. */
		msg->idiag_retrans = data_race((u8)inet_reqsk(sk)->num_retrans);
	msg->idiag_expires = row.timer ? jiffies_delta_to_msecs(row.expires_in) : 0;
	msg->idiag_rqueue = row.rx_queue;
	msg->idiag_wqueue = row.state == TCP_LISTEN ? READ_ONCE(sk->sk_max_ack_backlog) :
						      row.tx_queue;
	msg->idiag_uid = row.full ? from_kuid_munged(ns, row.uid) : 0;
	msg->idiag_inode = row.inode;
	diag_fill_id(&msg->id, sk);
}

static int diag_put_sockopt(struct sk_buff *skb, const struct sock *sk)
{
	struct inet_diag_sockopt opt = {
		.recverr	= compat_inet_test(RECVERR, sk),
		.is_icsk	= 1,	/* for who asks: it is connection-oriented */
		.freebind	= compat_inet_test(FREEBIND, sk),
		.mc_loop	= compat_inet_test(MC_LOOP, sk),
		.transparent	= compat_inet_test(TRANSPARENT, sk),
		.mc_all		= compat_inet_test(MC_ALL, sk),
		.nodefrag	= compat_inet_test(NODEFRAG, sk),
		.bind_address_no_port = compat_inet_test(BIND_ADDRESS_NO_PORT, sk),
		.recverr_rfc4884 = compat_inet_test(RECVERR_RFC4884, sk),
		.defer_connect	= compat_inet_test(DEFER_CONNECT, sk),
	};

	return nla_put(skb, INET_DIAG_SOCKOPT, sizeof(opt), &opt);
}

static int diag_put_v6(struct sk_buff *skb, const struct sock *sk,
		       const struct inet_diag_req_v2 *req)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family != AF_INET6)
		return 0;
	if (DIAG_WANT(req, INET_DIAG_TCLASS) &&
	    nla_put_u8(skb, INET_DIAG_TCLASS, inet6_sk(sk)->tclass))
		return -EMSGSIZE;
	if ((1 << inet_sk_state_load(sk)) & (TCPF_LISTEN | TCPF_CLOSE))
		return nla_put_u8(skb, INET_DIAG_SKV6ONLY, ipv6_only_sock(sk));
#endif
	return 0;
}

/* What does not change hands: options, cgroup, class. */
static int diag_put_settings(struct sk_buff *skb, const struct sock *sk,
			     const struct inet_diag_req_v2 *req)
{
	if (nla_put_u8(skb, INET_DIAG_SHUTDOWN, READ_ONCE(sk->sk_shutdown)) ||
	    diag_put_v6(skb, sk, req) || diag_put_sockopt(skb, sk))
		return -EMSGSIZE;
	if (DIAG_WANT(req, INET_DIAG_TOS) &&
	    nla_put_u8(skb, INET_DIAG_TOS, READ_ONCE(inet_sk(sk)->tos)))
		return -EMSGSIZE;
	/* The class has no bit of its own. */
	if (DIAG_WANT(req, INET_DIAG_TCLASS) &&
	    nla_put_u32(skb, INET_DIAG_CLASS_ID,
			sock_cgroup_classid(&sk->sk_cgrp_data) ?: READ_ONCE(sk->sk_priority)))
		return -EMSGSIZE;
	return nla_put_u64_64bit(skb, INET_DIAG_CGROUP_ID, diag_cgroup_id(sk), INET_DIAG_PAD);
}

static int diag_put_memory(struct sk_buff *skb, struct sock *sk,
			   const struct inet_diag_req_v2 *req)
{
	struct inet_diag_meminfo mem = {
		.idiag_rmem = sk_rmem_alloc_get(sk),
		.idiag_wmem = READ_ONCE(sk->sk_wmem_queued),
		.idiag_fmem = max(READ_ONCE(sk->sk_forward_alloc), 0),
		.idiag_tmem = sk_wmem_alloc_get(sk),
	};

	if (DIAG_WANT(req, INET_DIAG_MEMINFO) &&
	    nla_put(skb, INET_DIAG_MEMINFO, sizeof(mem), &mem))
		return -EMSGSIZE;
	if (DIAG_WANT(req, INET_DIAG_SKMEMINFO))
		return sock_diag_put_meminfo(sk, skb, INET_DIAG_SKMEMINFO);
	return 0;
}

static int diag_put_congestion(struct sk_buff *skb, const struct sock *sk,
			       const struct inet_diag_req_v2 *req)
{
	const struct tcpx_congestion_ops *ops;
	int err = 0;

	if (!DIAG_WANT(req, INET_DIAG_CONG))
		return 0;
	/* RCU: the algorithm's module may go as soon as the socket leaves it, and a socket
	 * that has come to its end meanwhile has none.
	 */
	rcu_read_lock();
	ops = READ_ONCE(tcpx_sk(sk)->cc.ops);
	if (ops)
		err = nla_put_string(skb, INET_DIAG_CONG, ops->name);
	rcu_read_unlock();
	return err;
}

/* All that have something to tell of themselves answer to the name of the first. */
static int diag_put_cc_info(struct sk_buff *skb, const struct sock *sk,
			    const struct inet_diag_req_v2 *req)
{
	const struct tcpx_congestion_ops *ops;
	union tcp_cc_info info = {};
	size_t size = 0;
	int err = 0;

	if (!DIAG_WANT(req, INET_DIAG_VEGASINFO))
		return 0;
	rcu_read_lock();
	ops = READ_ONCE(tcpx_sk(sk)->cc.ops);
	if (ops && ops->get_info && ops->diag_attr) {
		/* An estimate that is just being changed is an estimate, too. */
		size = data_race(ops->get_info(&tcpx_sk(sk)->cc, &info, sizeof(info)));
	}
	if (size)
		err = nla_put(skb, ops->diag_attr, size, &info);
	rcu_read_unlock();
	return err;
}

static int diag_put_info(struct sk_buff *skb, struct sock *sk,
			 const struct inet_diag_req_v2 *req)
{
	struct nlattr *attr;

	if (!DIAG_WANT(req, INET_DIAG_INFO))
		return 0;
	attr = nla_reserve_64bit(skb, INET_DIAG_INFO, sizeof(struct tcp_info), INET_DIAG_PAD);
	if (!attr)
		return -EMSGSIZE;
	tcpx_get_info(sk, nla_data(attr));
	return 0;
}

static int diag_put_sock(struct sk_buff *skb, struct sock *sk, const struct inet_diag_req_v2 *req)
{
	return diag_put_settings(skb, sk, req) ?: diag_put_memory(skb, sk, req) ?:
	       diag_put_congestion(skb, sk, req) ?: diag_put_cc_info(skb, sk, req) ?:
	       diag_put_info(skb, sk, req);
}

/*
 * Keys are secrets: for administrators. One that is added meanwhile waits for the next time.
 * Of more than an attribute can hold, or a whole buffer (@all: this is one, else another
 * follows), as many are told as fit.
 */
static int diag_put_md5(struct sk_buff *skb, const struct sock *sk,
			const struct inet_diag_req_v2 *req, bool all)
{
	const unsigned int size = sizeof(struct tcp_diag_md5sig), head = nla_total_size(0);
	unsigned int n, room = skb_tailroom(skb);
	struct nlattr *attr;
	int err = 0;

	if (!DIAG_WANT(req, INET_DIAG_INFO))
		return 0;
	rcu_read_lock();
	n = min(tcpx_md5_diag(sk, NULL, 0), DIAG_MAX_KEYS);
	if (all)
		n = min(n, room > head ? (room - head) / size : 0);
	if (n) {
		attr = nla_reserve(skb, INET_DIAG_MD5SIG, n * size);
		if (attr) {
			memset(nla_data(attr), 0, nla_len(attr));
			tcpx_md5_diag(sk, nla_data(attr), n);
		} else {
			err = -EMSGSIZE;
		}
	}
	rcu_read_unlock();
	return err;
}

/* One message about @sk, which is referenced. -EMSGSIZE if it does not fit. */
static int diag_fill(struct sk_buff *skb, struct sock *sk, const struct sk_buff *in_skb,
		     const struct nlmsghdr *in_nlh, u16 flags, bool net_admin)
{
	const struct inet_diag_req_v2 *req = nlmsg_data(in_nlh);
	struct nlmsghdr *nlh;

	nlh = nlmsg_put(skb, NETLINK_CB(in_skb).portid, in_nlh->nlmsg_seq, in_nlh->nlmsg_type,
			sizeof(struct inet_diag_msg), flags);
	if (!nlh)
		return -EMSGSIZE;
	diag_fill_row(nlmsg_data(nlh), sk, sk_user_ns(NETLINK_CB(in_skb).sk));
	if ((net_admin && nla_put_u32(skb, INET_DIAG_MARK, diag_mark(sk))) ||
	    (sk_fullsock(sk) && diag_put_sock(skb, sk, req)) ||
	    (net_admin && sk_fullsock(sk) &&
	     diag_put_md5(skb, sk, req, (void *)nlh == skb->data))) {
		nlmsg_cancel(skb, nlh);
		return -EMSGSIZE;
	}
	nlmsg_end(skb, nlh);
	return 0;
}

/* --- a dump --------------------------------------------------------------------- */

/* Entries of one chain, referenced, and where in it they are. */
struct diag_batch {
	unsigned int	n;
	unsigned int	end;		/* the first place that was not looked at */
	struct sock	*sk[DIAG_BATCH];
	unsigned int	place[DIAG_BATCH];
};

static int diag_state(const struct sock *sk)
{
	int state = inet_sk_state_load(sk);

	if (state == TCP_TIME_WAIT)
		return READ_ONCE(tcpx_twsk(sk)->tw_substate);
	return state == TCP_NEW_SYN_RECV ? TCP_SYN_RECV : state;
}

static bool diag_wanted(const struct diag_dump *dump, struct sock *sk)
{
	const struct inet_diag_req_v2 *req = dump->req;

	return req->idiag_states & BIT(diag_state(sk)) &&
	       (!req->pad || req->pad == sk->sk_family) &&
	       (!req->id.idiag_sport || req->id.idiag_sport == htons(sk->sk_num)) &&
	       (!req->id.idiag_dport || req->id.idiag_dport == sk->sk_dport) &&
	       (!dump->bytecode || diag_bc_run(dump, sk));
}

/* Take what fits of a chain from its @skip-th entry on; its lock is held. True if
 * that was the rest of it.
 */
static bool diag_collect(const struct diag_dump *dump, struct hlist_nulls_head *chain,
			 unsigned int skip, struct diag_batch *batch)
{
	struct hlist_nulls_node *node;
	unsigned int place = 0;
	struct sock *sk;

	batch->n = 0;
	sk_nulls_for_each(sk, node, chain) {
		if (place++ < skip || !diag_wanted(dump, sk))
			continue;
		if (batch->n == DIAG_BATCH) {
			batch->end = place - 1;
			return false;
		}
		if (!refcount_inc_not_zero(&sk->sk_refcnt))
			continue;
		batch->sk[batch->n] = sk;
		batch->place[batch->n++] = place - 1;
	}
	return true;
}

static size_t diag_md5_size(const struct sock *sk)
{
	unsigned int n;

	if (!sk_fullsock(sk))
		return 0;
	rcu_read_lock();
	n = min(tcpx_md5_diag(sk, NULL, 0), DIAG_MAX_KEYS);
	rcu_read_unlock();
	return n ? nla_total_size(n * sizeof(struct tcp_diag_md5sig)) : 0;
}

static size_t diag_msg_size(void)
{
	return NLMSG_ALIGN(sizeof(struct inet_diag_msg)) +
	       nla_total_size(1) * 4 + nla_total_size(4) * 2 + nla_total_size_64bit(8) +
	       nla_total_size(sizeof(struct inet_diag_sockopt)) +
	       nla_total_size(sizeof(struct inet_diag_meminfo)) +
	       nla_total_size(SK_MEMINFO_VARS * sizeof(u32)) +
	       nla_total_size(TCP_CA_NAME_MAX) +
	       nla_total_size_64bit(sizeof(struct tcp_info)) + 64;
}

/* An empty buffer that is too small for all the keys of @sk: one attribute's worth of them. */
static void diag_make_room(struct sk_buff *skb, const struct sock *sk)
{
	size_t size = diag_msg_size() + diag_md5_size(sk);

	/* If there is no memory those that fit are told. */
	if (unlikely(!skb->len && size > skb_tailroom(skb)))
		pskb_expand_head(skb, 0, size - skb_tailroom(skb), GFP_KERNEL);
}

/* Write of a batch what fits, and let all of it go. The place of the first that did not,
 * or -1.
 */
static int diag_write(const struct diag_dump *dump, struct diag_batch *batch)
{
	int full = -1;
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		if (full < 0)
			diag_make_room(dump->skb, batch->sk[i]);
		if (full < 0 && diag_fill(dump->skb, batch->sk[i], dump->cb->skb, dump->cb->nlh,
					  NLM_F_MULTI, dump->net_admin))
			full = batch->place[i];
		tcpx_sock_gen_put(batch->sk[i]);
	}
	return full;
}

/* Go on with the chain that cb->args tells. False: the buffer is full. */
static bool diag_dump_chain(const struct diag_dump *dump, struct hlist_nulls_head *chain,
			    spinlock_t *lock)
{
	long *skip = &dump->cb->args[DIAG_ARG_SKIP];
	struct diag_batch batch = {};
	bool end = true;
	int full;

	do {
		if (hlist_nulls_empty(chain))
			break;
		spin_lock_bh(lock);
		end = diag_collect(dump, chain, *skip, &batch);
		spin_unlock_bh(lock);
		full = diag_write(dump, &batch);
		if (full >= 0) {
			*skip = full;
			return false;
		}
		*skip = batch.end;
	} while (!end);
	*skip = 0;
	return true;
}

static const struct nlattr *diag_bytecode(const struct nlmsghdr *nlh)
{
	return nlmsg_find_attr(nlh, sizeof(struct inet_diag_req_v2), INET_DIAG_REQ_BYTECODE);
}

static int diag_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tcpx_net *tn = tcpx_pernet(sock_net(skb->sk));
	const struct diag_dump dump = {
		.skb = skb,
		.cb = cb,
		.req = nlmsg_data(cb->nlh),
		.bytecode = diag_bytecode(cb->nlh),
		.net_admin = netlink_net_capable(cb->skb, CAP_NET_ADMIN),
	};
	struct hlist_nulls_head *chain;
	const struct tcpx_hashinfo *h;
	spinlock_t *lock;	/* of the chain */

	/* The first socket may just be making them: not before they are complete. */
	h = smp_load_acquire(&tn->hinfo);
	while (h && tcpx_hashinfo_chain(h, cb->args[DIAG_ARG_BUCKET], &chain, &lock)) {
		if (!diag_dump_chain(&dump, chain, lock))
			return skb->len;
		cb->args[DIAG_ARG_BUCKET]++;
		cond_resched();
	}
	return skb->len;
}

/* --- one socket ------------------------------------------------------------------ */

static bool diag_is(const struct sock *sk, const struct inet_diag_req_v2 *req)
{
	const struct inet_diag_sockid *id = &req->id;

	if (sk->sk_num != ntohs(id->idiag_sport) || sk->sk_dport != id->idiag_dport ||
	    (id->idiag_if && READ_ONCE(sk->sk_bound_dev_if) != id->idiag_if) ||
	    (req->pad && req->pad != sk->sk_family))
		return false;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6)
		return !memcmp(&sk->sk_v6_rcv_saddr, id->idiag_src, sizeof(id->idiag_src)) &&
		       !memcmp(&sk->sk_v6_daddr, id->idiag_dst, sizeof(id->idiag_dst));
#endif
	return sk->sk_rcv_saddr == id->idiag_src[0] && sk->sk_daddr == id->idiag_dst[0];
}

/* A referenced entry of a chain, or NULL. */
static struct sock *diag_find_in(struct hlist_nulls_head *chain, spinlock_t *lock,
				 const struct inet_diag_req_v2 *req)
{
	struct hlist_nulls_node *node;
	struct sock *sk, *found = NULL;

	if (hlist_nulls_empty(chain))
		return NULL;
	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, chain) {
		/* Several listeners may share all but the cookie. */
		if (diag_is(sk, req) && !sock_diag_check_cookie(sk, req->id.idiag_cookie) &&
		    refcount_inc_not_zero(&sk->sk_refcnt)) {
			found = sk;
			break;
		}
	}
	spin_unlock_bh(lock);
	return found;
}

/* The entry that a request names, referenced, or NULL. Looks through all chains: who
 * asks for one entry has seen it in a dump of all.
 */
static struct sock *diag_find(struct net *net, const struct inet_diag_req_v2 *req)
{
	struct hlist_nulls_head *chain;
	struct tcpx_hashinfo *h;
	unsigned int bucket;
	struct sock *sk;
	spinlock_t *lock;	/* of the chain */

	/* Pairs with the release in tcpx_hashinfo_alloc(): published when complete. */
	h = smp_load_acquire(&tcpx_pernet(net)->hinfo);
	for (bucket = 0; h && tcpx_hashinfo_chain(h, bucket, &chain, &lock); bucket++) {
		sk = diag_find_in(chain, lock, req);
		if (sk)
			return sk;
		cond_resched();
	}
	return NULL;
}

static int diag_get(struct sk_buff *in_skb, const struct nlmsghdr *nlh)
{
	struct net *net = sock_net(in_skb->sk);
	struct sk_buff *rep;
	struct sock *sk;
	int err = -ENOMEM;

	sk = diag_find(net, nlmsg_data(nlh));
	if (!sk)
		return -ENOENT;
	rep = nlmsg_new(diag_msg_size() + diag_md5_size(sk), GFP_KERNEL);
	if (rep)
		err = diag_fill(rep, sk, in_skb, nlh, 0,
				netlink_net_capable(in_skb, CAP_NET_ADMIN));
	tcpx_sock_gen_put(sk);
	if (err) {
		nlmsg_free(rep);
		return err;
	}
	return nlmsg_unicast(net->diag_nlsk, rep, NETLINK_CB(in_skb).portid);
}

/* --- struct sock_diag_handler ----------------------------------------------------- */

static int diag_check_request(const struct sk_buff *skb, const struct nlmsghdr *nlh)
{
	const struct inet_diag_req_v2 *req = nlmsg_data(nlh);
	const struct nlattr *bytecode;

	if (nlmsg_len(nlh) < sizeof(*req))
		return -EINVAL;
	if (req->sdiag_protocol && req->sdiag_protocol != IPPROTO_TCP)
		return -ENOENT;
	if (req->pad && req->pad != AF_INET && req->pad != AF_INET6)
		return -EINVAL;
	bytecode = diag_bytecode(nlh);
	return bytecode ? diag_bc_audit(bytecode, netlink_net_capable(skb, CAP_NET_ADMIN)) : 0;
}

/* SOCK_DIAG_BY_FAMILY */
static int tcpx_diag_dump(struct sk_buff *skb, struct nlmsghdr *nlh)
{
	struct netlink_dump_control control = {
		.dump = diag_dump,
		.min_dump_alloc = diag_msg_size(),
	};
	int err = diag_check_request(skb, nlh);

	if (err)
		return err;
	if (nlh->nlmsg_flags & NLM_F_DUMP)
		return netlink_dump_start(sock_net(skb->sk)->diag_nlsk, skb, nlh, &control);
	return diag_get(skb, nlh);
}

/* SOCK_DESTROY: "ss -K" */
static int tcpx_diag_destroy(struct sk_buff *skb, struct nlmsghdr *nlh)
{
	int err = diag_check_request(skb, nlh);
	struct sock *sk;

	if (err)
		return err;
	if (!netlink_net_capable(skb, CAP_NET_ADMIN))
		return -EPERM;
	sk = diag_find(sock_net(skb->sk), nlmsg_data(nlh));
	if (!sk)
		return -ENOENT;
	err = tcpx_abort(sk, ECONNABORTED);
	tcpx_sock_gen_put(sk);
	return err;
}

static struct sock_diag_handler tcpx_diag_handler = {
	.owner		= THIS_MODULE,
	.dump		= tcpx_diag_dump,
	.destroy	= tcpx_diag_destroy,
};

/**
 * tcpx_diag_init() - from now on sock_diag knows the family
 *
 * Context: module init, all tables can be there.
 * Return: 0 or -EBUSY
 */
int tcpx_diag_init(void)
{
	tcpx_diag_handler.family = tcpx_family;
	return sock_diag_register(&tcpx_diag_handler);
}

/**
 * tcpx_diag_exit() - undo tcpx_diag_init()
 */
void tcpx_diag_exit(void)
{
	sock_diag_unregister(&tcpx_diag_handler);
}
