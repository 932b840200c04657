/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module builds for, under names
 * that say what differs. Nothing here asks for a version: TCPX_HAVE_* are the
 * answers of the headers at hand (scripts/probe, scripts/probes.tsv). A name
 * that the newest kernel has and an older one lacks is given to the older one;
 * everything else is called compat_* or COMPAT_*.
 */
#ifndef _TCPX_COMPAT_H
#define _TCPX_COMPAT_H

#include <crypto/aes.h>
#include <crypto/hash.h>
#include <crypto/md5.h>
#include <linux/bpf-cgroup.h>
#include <linux/filter.h>
#include <linux/fips.h>
#include <linux/hrtimer.h>
#include <linux/memcontrol.h>
#include <linux/net.h>
#include <linux/net_tstamp.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/snmp.h>
#include <linux/socket.h>
#include <linux/sysctl.h>
#include <linux/tcp.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <net/flow.h>
#include <net/inet_common.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "tcpx_probe.h"

/* Receive flow steering had its place in <net/sock.h>. */
#if TCPX_HAVE_NET_RPS_H
#include <net/rps.h>
#endif
/* crypto_memneq() had its place in <crypto/algapi.h>. */
#if TCPX_HAVE_CRYPTO_UTILS_H
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif
#if TCPX_HAVE_LINUX_SKBUFF_REF_H
#include <linux/skbuff_ref.h>
#endif

/* Memory accounting of protocols had its place in <net/sock.h>. */
#if TCPX_HAVE_NET_PROTO_MEMORY_H
#include <net/proto_memory.h>
#endif

/* --- socket addresses --------------------------------------------------- */

/* What bind and connect, and kernel_bind() and inet_bind(), take. */
#if TCPX_HAVE_PROTO_CONNECT_UNSIZED
#define compat_sockaddr struct sockaddr_unsized
#else
#define compat_sockaddr struct sockaddr
#endif

/* --- members of struct proto -------------------------------------------- */

/**
 * COMPAT_PROTO_ACCEPT() - define @name, fit for proto.accept, by means of @fn
 * @name: static function to define
 * @fn: struct sock *fn(struct sock *sk, int flags, int *err, int *is_empty); whether
 *	another one waits is for io_uring, where the kernel asks
 */
#if TCPX_HAVE_PROTO_ACCEPT_ARG
#define COMPAT_PROTO_ACCEPT(name, fn)					\
static struct sock *name(struct sock *sk, struct proto_accept_arg *arg)	\
{									\
	return fn(sk, arg->flags, &arg->err, &arg->is_empty);		\
}
#else
#define COMPAT_PROTO_ACCEPT(name, fn)					\
static struct sock *name(struct sock *sk, int flags, int *err, bool kern) \
{									\
	int is_empty;							\
									\
	return fn(sk, flags, err, &is_empty);				\
}
#endif

/**
 * COMPAT_PROTO_RECVMSG() - define @name, fit for proto.recvmsg, by means of @fn
 * @name: static function to define
 * @fn: int fn(struct sock *sk, struct msghdr *msg, size_t len, int flags); it is
 *	not called for MSG_ERRQUEUE, which the kernel serves
 */
#if TCPX_HAVE_PROTO_RECVMSG_ADDR_LEN
#define COMPAT_PROTO_RECVMSG(name, fn)					\
static int name(struct sock *sk, struct msghdr *msg, size_t len,	\
		int flags, int *addr_len)				\
{									\
	if (unlikely(flags & MSG_ERRQUEUE))				\
		return inet_recv_error(sk, msg, len, addr_len);		\
	return fn(sk, msg, len, flags);					\
}
#else
#define COMPAT_PROTO_RECVMSG(name, fn)					\
static int name(struct sock *sk, struct msghdr *msg, size_t len, int flags) \
{									\
	if (unlikely(flags & MSG_ERRQUEUE))				\
		return inet_recv_error(sk, msg, len);			\
	return fn(sk, msg, len, flags);					\
}
#endif

/**
 * COMPAT_PROTO_IOCTL() - define @name, fit for proto.ioctl, by means of @fn
 * @name: static function to define
 * @fn: int fn(struct sock *sk, int cmd, int *karg); *karg goes to the user if
 *	it returns 0
 */
#if TCPX_HAVE_PROTO_IOCTL_KARG
#define COMPAT_PROTO_IOCTL(name, fn)					\
static int name(struct sock *sk, int cmd, int *karg)			\
{									\
	return fn(sk, cmd, karg);					\
}
#else
#define COMPAT_PROTO_IOCTL(name, fn)					\
static int name(struct sock *sk, int cmd, unsigned long arg)		\
{									\
	int answer;							\
	int err = fn(sk, cmd, &answer);					\
									\
	return err ?: put_user(answer, (int __user *)arg);		\
}
#endif

/* Initialiser of struct proto for SLAB_TYPESAFE_BY_RCU sockets: where the
 * allocator may keep its free pointer without harm to lockless readers.
 */
#if TCPX_HAVE_PROTO_FREEPTR_OFFSET
#define COMPAT_PROTO_FREEPTR_OFFSET	\
	.freeptr_offset	= offsetof(struct sock, sk_freeptr),
#else
#define COMPAT_PROTO_FREEPTR_OFFSET
#endif

/* --- members of struct proto_ops ---------------------------------------- */

/**
 * COMPAT_PROTO_OPS_SENDPAGE() - define @name, fit for proto_ops.sendpage, by means of @fn
 * @name: static function to define
 * @fn: int fn(struct sock *sk, struct msghdr *msg, size_t size, bool give); the message
 *	is the one page, which may be kept if @give
 *
 * More pages to come are MSG_MORE. Newer kernels use sendmsg with MSG_SPLICE_PAGES.
 */
#if TCPX_HAVE_PROTO_OPS_SENDPAGE
#define COMPAT_PROTO_OPS_SENDPAGE(name, fn)				\
static ssize_t name(struct socket *sock, struct page *page, int offset,	\
		    size_t size, int flags)				\
{									\
	struct bio_vec bv = { page, size, offset };			\
	struct msghdr msg = { .msg_flags = flags };			\
									\
	if (flags & MSG_SENDPAGE_NOTLAST)				\
		msg.msg_flags = (flags & ~MSG_SENDPAGE_NOTLAST) | MSG_MORE; \
	iov_iter_bvec(&msg.msg_iter, WRITE, &bv, 1, size);		\
	sock_rps_record_flow(sock->sk);					\
	return fn(sock->sk, &msg, size, sendpage_ok(page));		\
}

#define COMPAT_PROTO_OPS_SENDPAGE_INIT(name)	.sendpage = (name),
#else
#define COMPAT_PROTO_OPS_SENDPAGE(name, fn)
#define COMPAT_PROTO_OPS_SENDPAGE_INIT(name)
#endif

/* Level SOL_SOCKET comes to proto_ops.setsockopt, as it does for a socket that has the
 * flag SOCK_CUSTOM_SOCKOPT; otherwise the kernel keeps it to itself.
 */
#if TCPX_HAVE_SOCK_CUSTOM_SOCKOPT
static inline void compat_own_sol_socket(struct socket *sock)
{
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
}
#else
static inline void compat_own_sol_socket(struct socket *sock)
{
}
#endif

/**
 * COMPAT_PROTO_OPS_ACCEPT() - define @name, fit for proto_ops.accept: inet_accept(), then @fn
 * @name: static function to define
 * @fn: void fn(struct socket *newsock)
 */
#if TCPX_HAVE_PROTO_OPS_ACCEPT_ARG
#define COMPAT_PROTO_OPS_ACCEPT(name, fn)				\
static int name(struct socket *sock, struct socket *newsock,		\
		struct proto_accept_arg *arg)				\
{									\
	int err = inet_accept(sock, newsock, arg);			\
									\
	if (!err)							\
		fn(newsock);						\
	return err;							\
}
#else
#define COMPAT_PROTO_OPS_ACCEPT(name, fn)				\
static int name(struct socket *sock, struct socket *newsock, int flags, bool kern) \
{									\
	int err = inet_accept(sock, newsock, flags, kern);		\
									\
	if (!err)							\
		fn(newsock);						\
	return err;							\
}
#endif

/* --- flags of struct inet_sock ------------------------------------------ */

/*
 * compat_inet_test(RECVERR, sk), compat_inet_assign(RECVERR, sk, bool): the
 * flag's name as in INET_FLAGS_*. Bits of a word, or bitfields.
 */
#if TCPX_HAVE_INET_FLAG_BITS
#define compat_inet_test(nr, sk)	inet_test_bit(nr, sk)
#define compat_inet_assign(nr, sk, val)	inet_assign_bit(nr, sk, val)
#define compat_inet_cmsg_flags(inet)	inet_cmsg_flags(inet)
#else
#define COMPAT_INET_RECVERR		recverr
#define COMPAT_INET_RECVERR_RFC4884	recverr_rfc4884
#define COMPAT_INET_FREEBIND		freebind
#define COMPAT_INET_HDRINCL		hdrincl
#define COMPAT_INET_TRANSPARENT		transparent
#define COMPAT_INET_MC_ALL		mc_all
#define COMPAT_INET_MC_LOOP		mc_loop
#define COMPAT_INET_NODEFRAG		nodefrag
#define COMPAT_INET_BIND_ADDRESS_NO_PORT bind_address_no_port
#define COMPAT_INET_DEFER_CONNECT	defer_connect
#define compat_inet_test(nr, sk)	(!!inet_sk(sk)->COMPAT_INET_##nr)
#define compat_inet_assign(nr, sk, val)	(inet_sk(sk)->COMPAT_INET_##nr = !!(val))
#define compat_inet_cmsg_flags(inet)	((inet)->cmsg_flags)
#endif
#define compat_inet_set(nr, sk)		compat_inet_assign(nr, sk, true)
#define compat_inet_clear(nr, sk)	compat_inet_assign(nr, sk, false)

/* --- struct ipv6_pinfo --------------------------------------------------- */

/* compat_inet6_test(RECVERR, sk) and so on: as above, for the flags of IPv6. */
#if IS_ENABLED(CONFIG_IPV6)
#if TCPX_HAVE_INET6_FLAG_BITS
#define COMPAT_INET6_RECVERR		RECVERR6
#define COMPAT_INET6_MC_LOOP		MC6_LOOP
#define COMPAT_INET6_MC_ALL		MC6_ALL
#define COMPAT_INET6_REPFLOW		REPFLOW
#define COMPAT_INET6_SNDFLOW		SNDFLOW
#define compat_inet6_bit(op, nr, ...)	inet6_##op##_bit(nr, __VA_ARGS__)
#define compat_inet6_test(nr, sk)	compat_inet6_bit(test, COMPAT_INET6_##nr, sk)
#define compat_inet6_assign(nr, sk, val) compat_inet6_bit(assign, COMPAT_INET6_##nr, sk, val)
#else
#define COMPAT_INET6_RECVERR		recverr
#define COMPAT_INET6_MC_LOOP		mc_loop
#define COMPAT_INET6_MC_ALL		mc_all
#define COMPAT_INET6_REPFLOW		repflow
#define COMPAT_INET6_SNDFLOW		sndflow
#define compat_inet6_test(nr, sk)	(!!inet6_sk(sk)->COMPAT_INET6_##nr)
#define compat_inet6_assign(nr, sk, val) (inet6_sk(sk)->COMPAT_INET6_##nr = !!(val))
#endif
#define compat_inet6_set(nr, sk)	compat_inet6_assign(nr, sk, true)
#define compat_inet6_clear(nr, sk)	compat_inet6_assign(nr, sk, false)

/* A clone must not share its flow labels with what it was made from. */
static inline void compat_ipv6_fl_list_clear(struct sock *sk, struct ipv6_pinfo *np)
{
#if TCPX_HAVE_INET_SOCK_IPV6_FL_LIST
	RCU_INIT_POINTER(inet_sk(sk)->ipv6_fl_list, NULL);
#else
	RCU_INIT_POINTER(np->ipv6_fl_list, NULL);
#endif
}

/* The same for one that loses its part of IPv6. */
static inline void compat_ipv6_fl_list_lose(struct sock *sk)
{
#if TCPX_HAVE_INET_SOCK_IPV6_FL_LIST
	RCU_INIT_POINTER(inet_sk(sk)->ipv6_fl_list, NULL);
#endif
}
#endif /* CONFIG_IPV6 */

/* Where a protocol's sockets have their struct ipv6_pinfo; at their end, for those
 * kernels that don't ask.
 */
static inline void compat_proto_set_pinfo(struct proto *prot, unsigned int offset)
{
#if TCPX_HAVE_PROTO_IPV6_PINFO_OFFSET
	prot->ipv6_pinfo_offset = offset;
#endif
}

/* --- struct sock -------------------------------------------------------- */

/* Owner of the socket's file. */
static inline kuid_t compat_sk_uid(const struct sock *sk)
{
#if TCPX_HAVE_SK_UID
	return sk_uid(sk);
#else
	return READ_ONCE(sk->sk_uid);
#endif
}

/* What /proc shows as uid: that of the file's inode, root's without one. */
static inline kuid_t compat_sock_i_uid(struct sock *sk)
{
#if TCPX_HAVE_SOCK_I_UID
	return sock_i_uid(sk);
#else
	return sk_uid(sk);
#endif
}

/* Is its memory not the protocol's, but its cgroup's alone? net.core.bypass_prot_mem */
static inline bool compat_sk_bypass_prot_mem(const struct sock *sk)
{
#if TCPX_HAVE_SK_BYPASS_PROT_MEM
	return sk->sk_bypass_prot_mem;
#else
	return false;
#endif
}

/* @skb was dropped at @sk: count its segments in SO_MEMINFO's and /proc's drops. */
static inline void compat_sk_drops_skb(struct sock *sk, const struct sk_buff *skb)
{
#if TCPX_HAVE_SK_DROPS_SKBADD
	sk_drops_skbadd(sk, skb);
#else
	sk_drops_add(sk, skb);
#endif
}

/* Run the socket's filter on @skb, leave at least @cap bytes. 0 to go on, else
 * why it is to be dropped.
 */
static inline enum skb_drop_reason
compat_sk_filter_trim_cap(struct sock *sk, struct sk_buff *skb, unsigned int cap)
{
#if TCPX_HAVE_SK_FILTER_REASON
	return sk_filter_trim_cap(sk, skb, cap);
#else
	return sk_filter_trim_cap(sk, skb, cap) ? SKB_DROP_REASON_SOCKET_FILTER : 0;
#endif
}

/* Clone @sk; the clone is locked (bh_lock_sock) and has two references. */
static inline struct sock *compat_sk_clone_lock(struct sock *sk, gfp_t gfp)
{
#if TCPX_HAVE_SK_CLONE
	return sk_clone(sk, gfp, true);
#else
	return sk_clone_lock(sk, gfp);
#endif
}

/* Tell the drop_monitor's tracepoint whose skb it was, where it can be told. */
static inline void compat_sk_skb_reason_drop(struct sock *sk, struct sk_buff *skb,
					     enum skb_drop_reason reason)
{
#if TCPX_HAVE_SK_SKB_REASON_DROP
	sk_skb_reason_drop(sk, skb, reason);
#else
	kfree_skb_reason(skb, reason);
#endif
}

/* Send time stamps that were asked for by SO_TIMESTAMPING or a cmsg. */
static inline void compat_sock_tx_timestamp(struct sock *sk,
					    const struct sockcm_cookie *sockc,
					    __u8 *tx_flags)
{
#if TCPX_HAVE_SOCK_TX_TIMESTAMP_SOCKC
	sock_tx_timestamp(sk, sockc, tx_flags);
#else
	sock_tx_timestamp(sk, sockc->tsflags, tx_flags);
#endif
}

/**
 * compat_sk_stream_wait_close() - wait until the peer has acknowledged our FIN
 * @sk: socket being closed
 * @timeout: at most so many jiffies (SO_LINGER)
 *
 * Context: socket lock, released while it sleeps. The kernel's namesake is not
 * exported everywhere.
 */
static inline void compat_sk_stream_wait_close(struct sock *sk, long timeout)
{
	const int closing = TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK;
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (!timeout)
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	while (timeout && !signal_pending(current)) {
		if (sk_wait_event(sk, &timeout, !((1 << sk->sk_state) & closing), &wait))
			break;
	}
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* Does inet_accept() put the child in the memory cgroup of who accepts it? */
#if TCPX_HAVE_MEM_CGROUP_SK_CHARGE
#define COMPAT_INET_ACCEPT_CHARGES	1
#else
#define COMPAT_INET_ACCEPT_CHARGES	0
#endif

#ifdef CONFIG_MEMCG
/* Version 1 of cgroups counts it only where a limit was set. */
static inline bool compat_memcg_counts_sockets(const struct mem_cgroup *memcg)
{
	if (cgroup_subsys_on_dfl(memory_cgrp_subsys))
		return true;
#if TCPX_HAVE_MEM_CGROUP_TCPMEM_ACTIVE
	return READ_ONCE(memcg->tcpmem_active);
#else
	return false;
#endif
}
#endif

/* Charge the caller's memory cgroup with an object made in softirq, where it can be. */
static inline void compat_kmem_cache_charge(void *object)
{
#if TCPX_HAVE_KMEM_CACHE_CHARGE
	kmem_cache_charge(object, GFP_KERNEL | __GFP_NOFAIL);
#endif
}

/* One of the three stamps of SCM_TIMESTAMPING: 0 by our clock, 2 the device's. */
static inline void compat_set_scm_timestamp(struct scm_timestamping_internal *tss, int i,
					    ktime_t when)
{
#if TCPX_HAVE_SCM_TIMESTAMPING_KTIME
	tss->ts[i] = when;
#else
	tss->ts[i] = ktime_to_timespec64(when);
#endif
}

/* Does the user want a stamp reported that was made because of @generate? */
static inline bool compat_rx_stamp_wanted(u32 wanted, u32 report, u32 generate)
{
#if TCPX_HAVE_TIMESTAMPING_OPT_RX_FILTER
	if ((wanted & SOF_TIMESTAMPING_OPT_RX_FILTER) && !(wanted & generate))
		return false;
#endif
	return wanted & report;
}

#if TCPX_HAVE_TIMESTAMPING_OPT_ID_TCP
#define COMPAT_TIMESTAMPING_OPT_ID_TCP	SOF_TIMESTAMPING_OPT_ID_TCP
#else
#define COMPAT_TIMESTAMPING_OPT_ID_TCP	0
#endif

/* A number that the user gives a datagram; streams have none. */
static inline bool compat_sockcm_has_ts_opt_id(const struct sockcm_cookie *sockc)
{
#if TCPX_HAVE_SOCKCM_TS_OPT_ID
	return sockc->tsflags & SOCKCM_FLAG_TS_OPT_ID;
#else
	return false;
#endif
}

/* Device memory to be sent, of which we have none. */
static inline bool compat_sockcm_has_dmabuf(const struct sockcm_cookie *sockc)
{
#if TCPX_HAVE_SOCKCM_DMABUF_ID
	return sockc->dmabuf_id;
#else
	return false;
#endif
}

/* One of SOF_TIMESTAMPING_OPT_STATS's, where it is told. */
static inline void compat_nla_put_rehash(struct sk_buff *skb, u32 rehash)
{
#if TCPX_HAVE_TCP_NLA_REHASH
	nla_put_u32(skb, TCP_NLA_REHASH, rehash);
#endif
}

/* --- skbs --------------------------------------------------------------- */

/* Earliest departure time, of the monotonic clock. */
static inline void compat_skb_set_delivery_mono(struct sk_buff *skb, ktime_t kt)
{
#if TCPX_HAVE_SKB_TSTAMP_TYPE
	skb_set_delivery_time(skb, kt, SKB_CLOCK_MONOTONIC);
#else
	skb_set_delivery_time(skb, kt, true);
#endif
}

/* MSG_ZEROCOPY: neither device memory nor its binding, ever. */
static inline struct ubuf_info *compat_msg_zerocopy_realloc(struct sock *sk, size_t size,
							    struct ubuf_info *uarg)
{
#if TCPX_HAVE_MSG_ZEROCOPY_DEVMEM
	return msg_zerocopy_realloc(sk, size, uarg, false);
#else
	return msg_zerocopy_realloc(sk, size, uarg);
#endif
}

static inline int compat_skb_zerocopy_iter_stream(struct sock *sk, struct sk_buff *skb,
						  struct msghdr *msg, int len,
						  struct ubuf_info *uarg)
{
#if TCPX_HAVE_SKB_ZEROCOPY_BINDING
	return skb_zerocopy_iter_stream(sk, skb, msg, len, uarg, NULL);
#else
	return skb_zerocopy_iter_stream(sk, skb, msg, len, uarg);
#endif
}

#if TCPX_HAVE_MSG_SPLICE_PAGES
#define COMPAT_MSG_SPLICE_PAGES	MSG_SPLICE_PAGES
#else
#define COMPAT_MSG_SPLICE_PAGES	0
#endif

/* Put pages of the iterator into @skb. Where there is no MSG_SPLICE_PAGES, it is the one
 * page of a sendpage(). Return: bytes, -EMSGSIZE: no fragment is left, or -errno.
 */
static inline ssize_t compat_skb_splice_from_iter(struct sk_buff *skb, struct iov_iter *iter,
						  ssize_t maxsize, gfp_t gfp)
{
#if TCPX_HAVE_SKB_SPLICE_FROM_ITER_GFP
	return skb_splice_from_iter(skb, iter, maxsize, gfp);
#elif TCPX_HAVE_SKB_SPLICE_FROM_ITER
	return skb_splice_from_iter(skb, iter, maxsize);
#else
	struct page *page = iter->bvec->bv_page;
	int offset = iter->bvec->bv_offset + iter->iov_offset;
	ssize_t len = min_t(size_t, maxsize, iov_iter_count(iter));
	int i = skb_shinfo(skb)->nr_frags;

	if (skb_can_coalesce(skb, i, page, offset)) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], len);
	} else {
		if (i >= MAX_SKB_FRAGS)
			return -EMSGSIZE;
		get_page(page);
		skb_fill_page_desc_noacc(skb, i, page, offset, len);
	}
	skb->len += len;
	skb->data_len += len;
	skb->truesize += len;
	iov_iter_advance(iter, len);
	return len;
#endif
}

/* --- options of level IPPROTO_TCP ----------------------------------------- */

/* A number that no option has, where there is none of that name. */
#if TCPX_HAVE_TCP_IS_MPTCP
#define COMPAT_TCP_IS_MPTCP	TCP_IS_MPTCP
#else
#define COMPAT_TCP_IS_MPTCP	INT_MIN
#endif

/* --- TCP_INFO ------------------------------------------------------------ */

#ifndef TCPI_OPT_TFO_CHILD
#define TCPI_OPT_TFO_CHILD	128
#endif

/* Members that are not in every kernel's struct tcp_info. */
static inline void compat_tcp_info_newer(struct tcp_info *info, u32 rcv_wnd, u32 rehash)
{
#if TCPX_HAVE_TCP_INFO_RCV_WND
	info->tcpi_rcv_wnd = rcv_wnd;
	info->tcpi_rehash = rehash;
#endif
}

static inline void compat_tcp_info_rto(struct tcp_info *info, u16 total, u16 recoveries, u32 ms)
{
#if TCPX_HAVE_TCP_INFO_TOTAL_RTO
	info->tcpi_total_rto = total;
	info->tcpi_total_rto_recoveries = recoveries;
	info->tcpi_total_rto_time = ms;
#endif
}

/* Bytes by IP-ECN field less 1; @mode: TCPI_ECN_MODE_* */
static inline void compat_tcp_info_accecn(struct tcp_info *info, u32 received_ce,
					  const u32 *delivered, const u32 *received,
					  u8 mode, u8 opt_seen, u8 fail)
{
#if TCPX_HAVE_TCP_INFO_ACCECN
	info->tcpi_received_ce = received_ce;
	info->tcpi_delivered_e1_bytes = delivered[0];
	info->tcpi_delivered_e0_bytes = delivered[1];
	info->tcpi_delivered_ce_bytes = delivered[2];
	info->tcpi_received_e1_bytes = received[0];
	info->tcpi_received_e0_bytes = received[1];
	info->tcpi_received_ce_bytes = received[2];
	info->tcpi_ecn_mode = mode;
	info->tcpi_accecn_opt_seen = opt_seen;
	info->tcpi_accecn_fail_mode = fail;
#endif
}

/* --- AccECN ---------------------------------------------------------------- */

/* May a GSO packet have CWR in all of its segments? */
#if TCPX_HAVE_SKB_GSO_TCP_ACCECN
#define COMPAT_GSO_ACCECN	SKB_GSO_TCP_ACCECN
#else
#define COMPAT_GSO_ACCECN	0
#endif

/* --- knobs ------------------------------------------------------------------- */

/* What net.ipv4 says, or on kernels that lack the knob net.tcpx: the value of
 * net->ipv4.sysctl_NAME or of tcpx_net.sysctl.NAME, as HAVE is 1 or 0.
 */
#define COMPAT_KNOB(net, have, name)	__PASTE(COMPAT_KNOB_, have)(net, name)
#define COMPAT_KNOB_1(net, name)	READ_ONCE((net)->ipv4.sysctl_##name)
#define COMPAT_KNOB_0(net, name)	READ_ONCE(tcpx_pernet(net)->sysctl.name)

/* What is read too often for that: the kernel's knob or what it is preset to. */
#if TCPX_HAVE_SYSCTL_TCP_PINGPONG_THRESH
#define compat_pingpong_thresh(net)	READ_ONCE((net)->ipv4.sysctl_tcp_pingpong_thresh)
#else
#define compat_pingpong_thresh(net)	1
#endif

/* TCP_WINDOW_CLAMP of less than nothing: a huge one, or the least there is. Kernels
 * that have tcp_rto_max_ms take it for the latter.
 */
#if TCPX_HAVE_SYSCTL_TCP_RTO_MAX_MS
#define compat_least_window_clamp(val)	max_t(int, val, SOCK_MIN_RCVBUF / 2)
#else
#define compat_least_window_clamp(val)	max_t(u32, val, SOCK_MIN_RCVBUF / 2)
#endif

/* Options of newer kernels, whose numbers are nobody else's on older ones. */
#if !TCPX_HAVE_TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS		44
#define TCP_RTO_MIN_US		45
#define TCP_DELACK_MAX_US	46
#endif

/* --- why a segment was dropped ------------------------------------------- */

#if !TCPX_HAVE_SKB_DROP_REASON_SOCKET_CLOSE
#define SKB_DROP_REASON_SOCKET_CLOSE		SKB_DROP_REASON_NOT_SPECIFIED
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_MINTTL
#define SKB_DROP_REASON_TCP_MINTTL		SKB_DROP_REASON_NOT_SPECIFIED
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_ABORT_ON_DATA
#define SKB_DROP_REASON_TCP_ABORT_ON_DATA	SKB_DROP_REASON_NOT_SPECIFIED
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_OLD_SEQUENCE
#define SKB_DROP_REASON_TCP_OLD_SEQUENCE	SKB_DROP_REASON_TCP_INVALID_SEQUENCE
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_INVALID_ACK_SEQUENCE
#define SKB_DROP_REASON_TCP_INVALID_ACK_SEQUENCE SKB_DROP_REASON_TCP_INVALID_SEQUENCE
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE
#define SKB_DROP_REASON_TCP_INVALID_END_SEQUENCE SKB_DROP_REASON_TCP_INVALID_SEQUENCE
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_LISTEN_OVERFLOW
#define SKB_DROP_REASON_TCP_LISTEN_OVERFLOW	SKB_DROP_REASON_NOT_SPECIFIED
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_PAWS_KINDS
#define SKB_DROP_REASON_TCP_RFC7323_PAWS_ACK	SKB_DROP_REASON_TCP_RFC7323_PAWS
#define SKB_DROP_REASON_TCP_RFC7323_TSECR	SKB_DROP_REASON_TCP_INVALID_ACK_SEQUENCE
#define SKB_DROP_REASON_TCP_RFC7323_TW_PAWS	SKB_DROP_REASON_TCP_RFC7323_PAWS
#endif
#if !TCPX_HAVE_SKB_DROP_REASON_TCP_AO
#define SKB_DROP_REASON_TCP_AUTH_HDR		SKB_DROP_REASON_TCP_FLAGS
#define SKB_DROP_REASON_TCP_AONOTFOUND		SKB_DROP_REASON_TCP_MD5NOTFOUND
#define SKB_DROP_REASON_TCP_AOUNEXPECTED	SKB_DROP_REASON_TCP_MD5UNEXPECTED
#define SKB_DROP_REASON_TCP_AOKEYNOTFOUND	SKB_DROP_REASON_TCP_MD5UNEXPECTED
#define SKB_DROP_REASON_TCP_AOFAILURE		SKB_DROP_REASON_TCP_MD5FAILURE
#endif

/* --- counters ------------------------------------------------------------ */

/* Where a counter does not exist, what the kernels without it count instead;
 * LINUX_MIB_NUM is the slot that nobody shows.
 */
#if !TCPX_HAVE_LINUX_MIB_BEYOND_WINDOW
#define LINUX_MIB_BEYOND_WINDOW		LINUX_MIB_NUM
#endif
/* Newer kernels don't take an echo in the ACK of a handshake for ours that is not, nor
 * answer old ACKs that PAWS rejects, and have counters for it.
 */
#if TCPX_HAVE_LINUX_MIB_TSECRREJECTED
#define COMPAT_SYNACK_TSECR_CHECKED	1
#else
#define COMPAT_SYNACK_TSECR_CHECKED	0
#define LINUX_MIB_TSECRREJECTED		LINUX_MIB_NUM
#endif
#if TCPX_HAVE_LINUX_MIB_PAWS_OLD_ACK
#define COMPAT_PAWS_SPARES_OLD_ACK	1
#else
#define COMPAT_PAWS_SPARES_OLD_ACK	0
#define LINUX_MIB_PAWS_OLD_ACK		LINUX_MIB_NUM
#endif
#if !TCPX_HAVE_LINUX_MIB_TCPPLBREHASH
#define LINUX_MIB_TCPPLBREHASH		LINUX_MIB_NUM
#endif
#if !TCPX_HAVE_LINUX_MIB_PAWS_TW_REJECTED
#define LINUX_MIB_PAWS_TW_REJECTED	LINUX_MIB_PAWSESTABREJECTED
#endif

/* Those of rfc5925 exist where kernel TCP has not got it, too. */
#if TCPX_HAVE_LINUX_MIB_TCPAO
#define COMPAT_LINUX_MIB_MAX		__LINUX_MIB_MAX
#else
enum {
	LINUX_MIB_TCPAOREQUIRED = __LINUX_MIB_MAX,
	LINUX_MIB_TCPAOBAD,
	LINUX_MIB_TCPAOKEYNOTFOUND,
	LINUX_MIB_TCPAOGOOD,
	LINUX_MIB_TCPAODROPPEDICMPS,
	COMPAT_LINUX_MIB_MAX
};
#endif

/* struct linux_mib, with room for all */
struct compat_linux_mib {
	unsigned long mibs[COMPAT_LINUX_MIB_MAX];
};

/* --- what the kernel's own TCP answers ------------------------------------ */

/* An ACK of what was not sent. Until then kernel TCP drops it in silence, and scripts of that
 * time expect it.
 */
#define COMPAT_UNSENT_ACK_CHALLENGED	TCPX_HAVE_UNSENT_ACK_CHALLENGED

/* --- timers -------------------------------------------------------------- */

/* The object that embeds an expired timer: compat_from_timer(sk, t, sk_timer). */
#if TCPX_HAVE_TIMER_CONTAINER_OF
#define compat_from_timer(var, timer, field)	timer_container_of(var, timer, field)
#else
#define compat_from_timer(var, timer, field)	from_timer(var, timer, field)
#endif

static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*fn)(struct hrtimer *),
					clockid_t clock, enum hrtimer_mode mode)
{
#if TCPX_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

/* --- routing and hooks --------------------------------------------------- */

/* @tos: DSCP as a TOS byte, ECN bits clear. */
static inline void compat_flowi4_set_tos(struct flowi4 *fl4, u8 tos)
{
#if TCPX_HAVE_FLOWI4_DSCP
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	fl4->flowi4_tos = tos;
#endif
}

/* The cgroup's connect4 program: 0, or -errno for no. It may change the address. */
static inline int compat_cgroup_connect4(struct sock *sk, compat_sockaddr *uaddr, int *addr_len)
{
#if TCPX_HAVE_CGROUP_CONNECT_ADDR_LEN
	return BPF_CGROUP_RUN_PROG_INET4_CONNECT(sk, uaddr, addr_len);
#else
	return BPF_CGROUP_RUN_PROG_INET4_CONNECT(sk, uaddr);
#endif
}

/* The same of connect6. */
static inline int compat_cgroup_connect6(struct sock *sk, compat_sockaddr *uaddr, int *addr_len)
{
#if TCPX_HAVE_CGROUP_CONNECT_ADDR_LEN
	return BPF_CGROUP_RUN_PROG_INET6_CONNECT(sk, uaddr, addr_len);
#else
	return BPF_CGROUP_RUN_PROG_INET6_CONNECT(sk, uaddr);
#endif
}

/* --- MD5 ------------------------------------------------------------------- */

/**
 * struct compat_md5_alg - the host's MD5
 * @tfm: the crypto API's, NULL until compat_md5_get(), where there is no library
 */
struct compat_md5_alg {
	struct crypto_shash *tfm;
};

/**
 * struct compat_md5 - a digest that is being made
 * @ctx: the library's state,
 * @room: or a struct shash_desc and what it has behind it
 * @err: of the first step that failed
 */
struct compat_md5 {
#if TCPX_HAVE_MD5_LIBRARY
	struct md5_ctx ctx;
#else
	u8 room[sizeof(struct shash_desc) + HASH_MAX_DESCSIZE] __aligned(ARCH_SLAB_MINALIGN);
	int err;
#endif
};

/* May sleep; calls beyond the first do nothing. Errors are those of kernel TCP's options. */
static inline int compat_md5_get(struct compat_md5_alg *alg)
{
#if TCPX_HAVE_MD5_LIBRARY
	return fips_enabled ? -EOPNOTSUPP : 0;
#else
	struct crypto_shash *tfm;

	if (alg->tfm)
		return 0;
	tfm = crypto_alloc_shash("md5", 0, 0);
	if (IS_ERR(tfm))
		return -ENOMEM;
	/* Readers come by the key that is set after this, under RCU. */
	alg->tfm = tfm;
	return 0;
#endif
}

static inline void compat_md5_put(struct compat_md5_alg *alg)
{
#if !TCPX_HAVE_MD5_LIBRARY
	if (alg->tfm)
		crypto_free_shash(alg->tfm);
#endif
}

static inline void compat_md5_init(struct compat_md5 *md5, const struct compat_md5_alg *alg)
{
#if TCPX_HAVE_MD5_LIBRARY
	md5_init(&md5->ctx);
#else
	struct shash_desc *desc = (struct shash_desc *)md5->room;

	desc->tfm = alg->tfm;
	md5->err = crypto_shash_init(desc);
#endif
}

static inline void compat_md5_update(struct compat_md5 *md5, const void *data, unsigned int len)
{
#if TCPX_HAVE_MD5_LIBRARY
	md5_update(&md5->ctx, data, len);
#else
	md5->err = md5->err ?: crypto_shash_update((struct shash_desc *)md5->room, data, len);
#endif
}

/* 0, or -errno if a step failed */
static inline int compat_md5_final(struct compat_md5 *md5, u8 *digest)
{
#if TCPX_HAVE_MD5_LIBRARY
	md5_final(&md5->ctx, digest);
	return 0;
#else
	return md5->err ?: crypto_shash_final((struct shash_desc *)md5->room, digest);
#endif
}

/* --- AES ------------------------------------------------------------------- */

/* A key that compat_aes_encrypt() takes. A kernel may be built without its AES. */
#if !IS_REACHABLE(CONFIG_CRYPTO_LIB_AES)
typedef struct {} compat_aes_key;
#define compat_aes_setkey(aes, key)	(-ENOENT)
#define compat_aes_encrypt(aes, to, from)	do { } while (0)
#elif TCPX_HAVE_AES_ENCKEY
typedef struct aes_enckey compat_aes_key;
#define compat_aes_setkey(aes, key)	aes_prepareenckey(aes, key, AES_KEYSIZE_128)
#define compat_aes_encrypt		aes_encrypt
#else
typedef struct crypto_aes_ctx compat_aes_key;
#define compat_aes_setkey(aes, key)	aes_expandkey(aes, key, AES_KEYSIZE_128)
#define compat_aes_encrypt		aes_encrypt
#endif

/* --- sysctl -------------------------------------------------------------- */

/* What a proc_handler is given. */
#if TCPX_HAVE_CTL_TABLE_CONST
#define compat_ctl_table const struct ctl_table
#else
#define compat_ctl_table struct ctl_table
#endif

/* @table must end with an empty entry that @size does not count. */
static inline struct ctl_table_header *
compat_register_net_sysctl(struct net *net, const char *path,
			   struct ctl_table *table, size_t size)
{
#if TCPX_HAVE_REGISTER_NET_SYSCTL_SZ
	return register_net_sysctl_sz(net, path, table, size);
#else
	return register_net_sysctl(net, path, table);
#endif
}

#endif /* _TCPX_COMPAT_H */
