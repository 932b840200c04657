// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the way of a segment from IP to its socket, whichever IP it is. What the
 * two differ in is told by skb->protocol: an IPv6 socket may get IPv4's segments.
 *
 * A segment for one of our sockets ends here, every other one goes to the kernel's
 * handler as it came. As kernel TCP does, we check the IPsec policy, the TTL and the
 * socket filter ourselves.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <net/busy_poll.h>
#include <net/dsfield.h>
#include <net/dst.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/xfrm.h>

#include "tcpx.h"
#include "early_demux.h"
#include "trace.h"

/* Where a segment came from; its cb no longer tells once ours is filled. */
struct tcpx_in {
	struct net		*net;
	struct tcpx_hashinfo	*h;
	int			dif;
	int			sdif;
	bool			v6;
};

/* The IP layer's control block moves aside, ours takes its place. */
static void tcpx_fill_cb(struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_skb_cb *cb = TCPX_CB(skb);
	/* Without an array, for which the compiler would guard the stack. */
	struct { u64 a, b, c; } __packed __aligned(4) header;

	BUILD_BUG_ON(sizeof(header) < sizeof(cb->header) ||
		     offsetof(struct tcpx_skb_cb, header) + sizeof(header) > sizeof(skb->cb));
	BUILD_BUG_ON(sizeof(struct tcpx_skb_cb) > sizeof(skb->cb));
	BUILD_BUG_ON(sizeof(struct inet_skb_parm) > sizeof(cb->header));
	/* The two overlap: by way of registers, which memmove() does out of line. */
	header = *(const typeof(header) *)skb->cb;
	*(typeof(header) *)&cb->header = header;
	barrier();	/* under different types */
	cb->seq = ntohl(th->seq);
	cb->end_seq = cb->seq + th->syn + th->fin + skb->len - th->doff * 4;
	cb->ack_seq = ntohl(th->ack_seq);
	cb->tcp_flags = tcp_flag_byte(th);
	cb->tw_isn = 0;
	cb->ip_dsfield = tcpx_skb_is_v6(skb) ? ipv6_get_dsfield(ipv6_hdr(skb)) : ip_hdr(skb)->tos;
	cb->sacked = 0;
	cb->txstamp_ack = 0;
	cb->eor = 0;
	cb->is_app_limited = 0;
	cb->has_rxtstamp = skb->tstamp || skb_hwtstamps(skb)->hwtstamp;
}

static void tcpx_restore_cb(struct sk_buff *skb)
{
	memmove(skb->cb, &TCPX_CB(skb)->header, sizeof(TCPX_CB(skb)->header));
}

static struct sock *tcpx_rcv_listener(struct sk_buff *skb, const struct tcpx_in *in)
{
	const struct tcphdr *th = tcp_hdr(skb);
	/* Only for a BPF program that chooses: a bad one is dropped later. */
	int doff = max_t(int, th->doff * 4, sizeof(*th));

	if (in->v6)
		return tcpx_v6_lookup_listener(in->net, in->h, skb, doff, &ipv6_hdr(skb)->saddr,
					       th->source, &ipv6_hdr(skb)->daddr,
					       ntohs(th->dest), in->dif, in->sdif);
	return tcpx_v4_lookup_listener(in->net, in->h, skb, doff, ip_hdr(skb)->saddr,
				       th->source, ip_hdr(skb)->daddr, ntohs(th->dest),
				       in->dif, in->sdif);
}

static struct sock *tcpx_rcv_lookup(struct sk_buff *skb, const struct tcpx_in *in,
				    bool *refcounted)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct sock *sk;

	if (in->v6)
		sk = tcpx_v6_lookup_established(in->net, in->h, &ipv6_hdr(skb)->saddr, th->source,
						&ipv6_hdr(skb)->daddr, ntohs(th->dest),
						in->dif, in->sdif);
	else
		sk = tcpx_v4_lookup_established(in->net, in->h, ip_hdr(skb)->saddr, th->source,
						ip_hdr(skb)->daddr, ntohs(th->dest),
						in->dif, in->sdif);
	*refcounted = sk;
	return sk ? : tcpx_rcv_listener(skb, in);
}

/* Drop a segment that no full socket is charged with. */
static void tcpx_rcv_discard(const struct sock *sk, struct sk_buff *skb,
			     enum skb_drop_reason reason)
{
	trace_tcpx_drop_segment(sk, skb, reason);
	kfree_skb_reason(skb, reason);
}

/* Take the device's word for the checksum, or begin to verify it. True: it is wrong. */
static bool tcpx_checksum_init(struct sk_buff *skb)
{
	if (tcpx_skb_is_v6(skb))
		return skb_checksum_init(skb, IPPROTO_TCP, ip6_compute_pseudo);
	return skb_checksum_init(skb, IPPROTO_TCP, inet_compute_pseudo);
}

/* 0, or why a segment is none. The checksum is always verified to the end here. */
static enum skb_drop_reason tcpx_validate(struct sk_buff *skb, struct net *net)
{
	unsigned int doff = tcp_hdr(skb)->doff * 4;

	if (unlikely(doff < sizeof(struct tcphdr) || !pskb_may_pull(skb, doff))) {
		TCPX_INC_STATS(net, TCP_MIB_INERRS);
		return SKB_DROP_REASON_PKT_TOO_SMALL;
	}
	if (unlikely(tcpx_checksum_init(skb) || tcp_checksum_complete(skb))) {
		TCPX_INC_STATS(net, TCP_MIB_CSUMERRORS);
		TCPX_INC_STATS(net, TCP_MIB_INERRS);
		return SKB_DROP_REASON_TCP_CSUM;
	}
	return 0;
}

/* May a segment pass IPsec's policy: the socket's, or the host's without one? */
static bool tcpx_policy_check(struct sock *sk, struct sk_buff *skb)
{
	return xfrm_policy_check(sk, XFRM_POLICY_IN, skb,
				 tcpx_skb_is_v6(skb) ? AF_INET6 : AF_INET);
}

/* IPsec policy, signature and filters (socket, cgroup, LSM): 0, or why they refuse. @req: of
 * that listener, or NULL.
 */
static enum skb_drop_reason tcpx_admit(struct sock *sk, const struct tcpx_request_sock *req,
				       struct sk_buff *skb)
{
	enum skb_drop_reason reason;

	if (!tcpx_policy_check(sk, skb))
		return SKB_DROP_REASON_XFRM_POLICY;
	reason = tcpx_auth_inbound(sk, req, skb);
	if (unlikely(reason))
		return reason;
	return compat_sk_filter_trim_cap(sk, skb, tcp_hdr(skb)->doff * 4);
}

/*
 * Move what is in pages to the head if there is room, and charge what it then
 * takes: else a few bytes in a page of the driver's weigh like a full segment.
 */
static void tcpx_condense(struct sk_buff *skb)
{
	if (skb->data_len) {
		if (skb->data_len > skb_end_pointer(skb) - skb_tail_pointer(skb) ||
		    skb_cloned(skb) || !__pskb_pull_tail(skb, skb->data_len))
			return;
	}
	skb->truesize = SKB_TRUESIZE(skb_end_offset(skb));
}

/*
 * Is @skb charged for more than all of the pages it has a part of? Then it is the last segment of
 * a packet that was cut on its way, and has the charge of the whole, for its sender's sake
 * (skb_segment() and sock_wfree()). To us it would count twice: the others have theirs.
 */
static void tcpx_charge_own_part(struct sk_buff *skb)
{
	unsigned int head = SKB_TRUESIZE(skb_end_offset(skb)), pages = 0;
	struct page *page;
	int i;

	if (skb_has_frag_list(skb))
		return;
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		page = skb_frag_page(&skb_shinfo(skb)->frags[i]);
		/* A device's memory */
		if (unlikely(!page))
			return;
		pages += page_size(page);
	}
	if (skb->truesize > head + pages)
		skb->truesize = head + skb->data_len;
}

/*
 * Does @skb go on where @tail ends, and say the same in all that one segment says once? ACK
 * alone may be there of the flags that are acted on one by one; what of PSH and FIN the second
 * has and where its window ends can be told for both.
 */
static bool tcpx_backlog_mergeable(const struct sk_buff *tail, const struct sk_buff *skb)
{
	const __be32 one_by_one = TCP_FLAG_ACK | TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_URG |
				  TCP_FLAG_FIN;
	const __be32 told_for_both = TCP_FLAG_PSH | TCP_FLAG_FIN | cpu_to_be32(0xffff);
	const struct tcphdr *first = tcp_hdr(tail), *th = tcp_hdr(skb);

	return TCPX_CB(tail)->end_seq == TCPX_CB(skb)->seq &&
	       (tcp_flag_word(first) & one_by_one) == TCP_FLAG_ACK &&
	       !((tcp_flag_word(first) ^ tcp_flag_word(th)) & ~told_for_both) &&
	       TCPX_CB(tail)->ip_dsfield == TCPX_CB(skb)->ip_dsfield &&
	       !memcmp(first + 1, th + 1, __tcp_hdrlen(th) - sizeof(*th));
}

/* The two have become one: @tail, of segments as large as the largest. */
static void tcpx_backlog_merged(struct sk_buff *tail, const struct sk_buff *skb, u16 size, u16 segs)
{
	struct tcphdr *first = tcp_hdr(tail);
	const struct tcphdr *th = tcp_hdr(skb);

	TCPX_CB(tail)->end_seq = TCPX_CB(skb)->end_seq;
	TCPX_CB(tail)->tcp_flags |= TCPX_CB(skb)->tcp_flags;
	first->psh |= th->psh;
	first->fin |= th->fin;
	if (!before(TCPX_CB(skb)->ack_seq, TCPX_CB(tail)->ack_seq)) {
		TCPX_CB(tail)->ack_seq = TCPX_CB(skb)->ack_seq;
		first->ack_seq = th->ack_seq;
		first->window = th->window;
	}
	if (TCPX_CB(skb)->has_rxtstamp) {
		TCPX_CB(tail)->has_rxtstamp = true;
		tail->tstamp = skb->tstamp;
		*skb_hwtstamps(tail) = *skb_hwtstamps((struct sk_buff *)skb);
	}
	skb_shinfo(tail)->gso_size = size;
	skb_shinfo(tail)->gso_segs = segs;
}

/*
 * Make one segment of the last in the backlog and @skb, if they can be one: the owner then
 * does the work of one, as for what GRO has merged, and it answers with one ACK.
 */
static bool tcpx_backlog_merge(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = sk->sk_backlog.tail;
	unsigned int hdrlen = tcp_hdrlen(skb), size, segs;
	bool stolen;
	int delta;

	if (!tail || !tcpx_backlog_mergeable(tail, skb))
		return false;
	size = max(skb_shinfo(skb)->gso_size ? : skb->len - hdrlen,
		   skb_shinfo(tail)->gso_size ? : tail->len - hdrlen);
	segs = max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1) +
	       max_t(unsigned int, skb_shinfo(tail)->gso_segs, 1);
	__skb_pull(skb, hdrlen);
	if (!skb_try_coalesce(tail, skb, &stolen, &delta)) {
		__skb_push(skb, hdrlen);
		return false;
	}
	tcpx_backlog_merged(tail, skb, size, min_t(unsigned int, segs, U16_MAX));
	sk->sk_backlog.len += delta;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPBACKLOGCOALESCE);
	kfree_skb_partial(skb, stolen);
	return true;
}

/*
 * The user holds the lock: leave it to him. IPsec's state does not outlive softirq, nor does
 * the route, unless the owner has yet to learn it. Room as kernel TCP gives, for the owner
 * alone can make more.
 */
static void tcpx_backlog(struct sock *sk, struct sk_buff *skb)
{
	u64 limit = ((u64)READ_ONCE(sk->sk_rcvbuf) << 1) +
		    (READ_ONCE(sk->sk_sndbuf) >> 1) + 64 * 1024;

	tcpx_condense(skb);
	if (!tcpx_early_lacks_route(sk, skb))
		skb_dst_drop(skb);
	secpath_reset(skb);
	if (tcpx_backlog_merge(sk, skb))
		return;
	if (likely(!sk_add_backlog(sk, skb, min_t(u64, limit, UINT_MAX))))
		return;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPBACKLOGDROP);
	tcpx_drop(sk, skb, SKB_DROP_REASON_SOCKET_BACKLOG);
}

/**
 * tcpx_do_rcv() - a segment for a socket (proto.backlog_rcv over IPv4)
 * @sk: socket, locked; or in LISTEN, not locked
 * @skb: segment, TCPX_CB filled; consumed
 *
 * Context: softirq, or the owner's when it works off the backlog
 * Return: 0
 */
int tcpx_do_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct sock *child;

	if (likely(sk->sk_state == TCP_ESTABLISHED)) {
		sock_rps_save_rxhash(sk, skb);
		sk_mark_napi_id(sk, skb);
		tcpx_early_learn(sk, skb);
		tcpx_rcv_established(sk, skb);
		return 0;
	}
	if (sk->sk_state == TCP_LISTEN) {
		/* From the backlog, of a socket that was none when the segment came: without
		 * RCU, a route and what else a request needs. It comes again.
		 */
		if (unlikely(!softirq_count())) {
			tcpx_drop(sk, skb, SKB_DROP_REASON_NO_SOCKET);
			return 0;
		}
		child = tcpx_cookie_check(sk, skb);
		if (!child) {
			tcpx_drop(sk, skb, SKB_DROP_REASON_NOT_SPECIFIED);
			return 0;
		}
		if (child != sk) {
			tcpx_child_process(sk, child, skb);
			return 0;
		}
	} else {
		sock_rps_save_rxhash(sk, skb);
		/* In CLOSE it might go on to listen, and its children are not to have a route. */
		if (sk->sk_state != TCP_CLOSE)
			tcpx_early_learn(sk, skb);
	}
	if (tcpx_rcv_state_process(sk, skb)) {
		tcpx_send_reset(sk, skb);
		tcpx_drop(sk, skb, SKB_DROP_REASON_NOT_SPECIFIED);
	}
	return 0;
}

/* Did it come from too far away (IP_MINTTL, IPV6_MINHOPCOUNT: rfc5082)? */
static bool tcpx_hops_too_many(const struct sock *sk, const struct sk_buff *skb)
{
	if (tcpx_skb_is_v6(skb))
		return tcpx_v6_hops_too_many(sk, skb);
	return ip_hdr(skb)->ttl < READ_ONCE(inet_sk(sk)->min_ttl);
}

/* Its lock is held, or it listens. */
static void tcpx_rcv_now(struct sock *sk, struct sk_buff *skb)
{
	if (tcpx_skb_is_v6(skb))
		tcpx_v6_do_rcv(sk, skb);
	else
		tcpx_do_rcv(sk, skb);
}

/* A segment for a full socket; tw_isn: it is a SYN that ended a TIME_WAIT. */
static void tcpx_rcv_sock(struct sock *sk, struct sk_buff *skb, u32 tw_isn)
{
	enum skb_drop_reason reason;

	if (unlikely(tcpx_hops_too_many(sk, skb))) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPMINTTLDROP);
		tcpx_drop(sk, skb, SKB_DROP_REASON_TCP_MINTTL);
		return;
	}
	reason = tcpx_admit(sk, NULL, skb);
	if (unlikely(reason)) {
		tcpx_drop(sk, skb, reason);
		return;
	}
	if (unlikely(skb->truesize - skb->len > SZ_16K))
		tcpx_charge_own_part(skb);
	nf_reset_ct(skb);
	tcpx_fill_cb(skb);
	TCPX_CB(skb)->tw_isn = tw_isn;
	skb->dev = NULL;

	if (sk->sk_state == TCP_LISTEN) {
		trace_tcpx_receive_segment(sk, skb);
		tcpx_rcv_now(sk, skb);
		return;
	}
	sk_incoming_cpu_update(sk);
	bh_lock_sock_nested(sk);
	trace_tcpx_receive_segment(sk, skb);
	tcpx_segs_in(tcpx_sk(sk), skb);
	if (!sock_owned_by_user(sk))
		tcpx_rcv_now(sk, skb);
	else
		tcpx_backlog(sk, skb);
	bh_unlock_sock(sk);
}

/*
 * A segment for a half-open connection. NULL: done, or look up again if *again;
 * otherwise the listener, with a reference: it is to process the segment.
 */
static struct sock *tcpx_rcv_req(struct tcpx_request_sock *req, struct sk_buff *skb,
				 bool *again)
{
	struct sock *lsk = req->req.req.rsk_listener;
	enum skb_drop_reason reason;
	struct sock *nsk;

	*again = false;
	if (unlikely(inet_sk_state_load(lsk) != TCP_LISTEN)) {
		/* In either case it is no longer what the lookup finds. */
		if (!tcpx_migrate_req(lsk, req))
			tcpx_reqsk_drop(req);
		tcpx_reqsk_put(req);
		*again = true;
		return NULL;
	}
	/* The request's hold on it may go with the request. */
	sock_hold(lsk);
	reason = tcpx_admit(lsk, req, skb);
	if (unlikely(reason)) {
		tcpx_reqsk_put(req);
		goto drop;
	}
	tcpx_fill_cb(skb);
	trace_tcpx_receive_segment(req_to_sk(&req->req.req), skb);
	nsk = tcpx_check_req(lsk, skb, req, again);
	tcpx_reqsk_put(req);
	if (!nsk && !*again)
		goto drop;
	if (!nsk || nsk == lsk)
		tcpx_restore_cb(skb);
	if (nsk == lsk)
		return lsk;
	if (nsk) {
		nf_reset_ct(skb);
		skb->dev = NULL;
		tcpx_child_process(lsk, nsk, skb);
	}
	sock_put(lsk);
	return NULL;

drop:
	tcpx_drop(lsk, skb, reason ? : SKB_DROP_REASON_NOT_SPECIFIED);
	sock_put(lsk);
	return NULL;
}

/*
 * A segment for a TIME_WAIT entry. NULL: done; otherwise the listener, without a
 * reference, that gets the SYN of a new connection, *tw_isn its ISN.
 */
static struct sock *tcpx_rcv_tw(struct tcpx_timewait_sock *tw, struct sk_buff *skb,
				const struct tcpx_in *in, u32 *tw_isn)
{
	struct sock *sk = (struct sock *)tw;
	enum skb_drop_reason reason;
	struct sock *lsk;

	reason = tcpx_policy_check(NULL, skb) ? tcpx_auth_tw_inbound(tw, skb) :
		 SKB_DROP_REASON_XFRM_POLICY;
	if (unlikely(reason)) {
		tcpx_rcv_discard(sk, skb, reason);
		tcpx_tw_put(tw);
		return NULL;
	}
	tcpx_fill_cb(skb);
	trace_tcpx_receive_segment(sk, skb);
	switch (tcpx_timewait_state_process(tw, skb, tcp_hdr(skb))) {
	case TCPX_TW_SYN:
		lsk = tcpx_rcv_listener(skb, in);
		if (lsk) {
			*tw_isn = TCPX_CB(skb)->tw_isn;
			tcpx_tw_deschedule_put(tw);
			tcpx_restore_cb(skb);
			return lsk;
		}
		fallthrough;
	case TCPX_TW_ACK:
		tcpx_timewait_ack(sk, skb);
		tcpx_tw_put(tw);
		break;
	case TCPX_TW_RST:
		tcpx_send_reset(sk, skb);
		tcpx_tw_deschedule_put(tw);
		break;
	case TCPX_TW_SUCCESS:
		break;
	}
	consume_skb(skb);
	return NULL;
}

/*
 * One step of the way to a full socket: process a segment for the entry that the
 * lookup found. False: look up again, the entry is gone.
 */
static bool tcpx_deliver(struct sock *sk, struct sk_buff *skb,
			 const struct tcpx_in *in, bool refcounted)
{
	bool again = false;
	u32 tw_isn = 0;

	if (sk->sk_state == TCP_TIME_WAIT) {
		sk = tcpx_rcv_tw(tcpx_twsk(sk), skb, in, &tw_isn);
		refcounted = false;
	} else if (sk->sk_state == TCP_NEW_SYN_RECV) {
		sk = tcpx_rcv_req(tcpx_rsk(inet_reqsk(sk)), skb, &again);
	}
	if (!sk)
		return !again;
	tcpx_rcv_sock(sk, skb, tw_isn);
	if (refcounted)
		sock_put(sk);
	return true;
}

/*
 * A segment at a listener that neither opens a connection nor can be a cookie: of a
 * connection that is gone, or of one that kernel TCP still has on this port (bind() with
 * SO_REUSEADDR admits that). Kernel TCP knows the latter, and resets the former as we
 * would.
 */
static bool tcpx_stray(const struct sock *lsk, const struct tcphdr *th)
{
	if (th->rst || (th->syn && th->ack))
		return true;
	/* Without ACK it is nobody's: kernel TCP, seeing a closed port, would answer. */
	return !th->syn && th->ack && tcpx_syncookie_no_recent_overflow(lsk);
}

/* The entry that a segment is for, or NULL if it is not ours. */
static struct sock *tcpx_rcv_find(struct sk_buff *skb, struct tcpx_in *in, bool *refcounted)
{
	struct sock *sk;

	if (skb->pkt_type != PACKET_HOST)
		return NULL;
	in->v6 = tcpx_skb_is_v6(skb);
	/* Found already: by our early demux, or for kernel TCP by its own, or BPF. */
	if (skb->sk) {
		in->net = dev_net(skb->dev);
		*refcounted = true;
		return tcpx_early_steal(skb);
	}
	if (!pskb_may_pull(skb, sizeof(struct tcphdr)))
		return NULL;
	in->net = dev_net(skb->dev);
	in->h = READ_ONCE(tcpx_pernet(in->net)->hinfo);
	/* A bit spares kernel TCP's segments both lookups. */
	if (!in->h || !test_bit(ntohs(tcp_hdr(skb)->dest), in->h->used_ports))
		return NULL;
	in->dif = in->v6 ? inet6_iif(skb) : inet_iif(skb);
	in->sdif = in->v6 ? inet6_sdif(skb) : inet_sdif(skb);
	sk = tcpx_rcv_lookup(skb, in, refcounted);
	if (sk && !*refcounted && tcpx_stray(sk, tcp_hdr(skb)) && !tcpx_md5_stray(sk, skb))
		return NULL;
	return sk;
}

/**
 * tcpx_rcv() - a TCP segment for this host
 * @skb: the segment; consumed if it is ours, else as it came
 *
 * Context: softirq, RCU.
 * Return: false if it is kernel TCP's.
 */
bool tcpx_rcv(struct sk_buff *skb)
{
	enum skb_drop_reason reason;
	struct tcpx_in in;
	bool refcounted;
	struct sock *sk;

	sk = tcpx_rcv_find(skb, &in, &refcounted);
	if (!sk)
		return false;

	TCPX_INC_STATS(in.net, TCP_MIB_INSEGS);
	reason = tcpx_validate(skb, in.net);
	if (unlikely(reason)) {
		tcpx_rcv_discard(sk, skb, reason);
		if (refcounted)
			tcpx_sock_gen_put(sk);
		return true;
	}
	while (!tcpx_deliver(sk, skb, &in, refcounted)) {
		sk = tcpx_rcv_lookup(skb, &in, &refcounted);
		if (!sk)
			return false;	/* the listener is gone */
	}
	return true;
}
