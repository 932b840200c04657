// SPDX-License-Identifier: GPL-2.0
/*
 * What the trace events record, gathered out of line: only an event that is
 * enabled comes here.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ipv6.h>

static void ends_of_sock(struct tcpx_trace_ends *e, const struct sock *sk)
{
	e->family = sk->sk_family;
	e->state = READ_ONCE(sk->sk_state);
	e->netns = sock_net(sk)->ns.inum;
	/* A socket that was closed has given up its port, but not what it was. */
	e->sport = sk_fullsock(sk) ? ntohs(inet_sk(sk)->inet_sport) : sk->sk_num;
	e->dport = ntohs(sk->sk_dport);
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		e->saddr = sk->sk_v6_rcv_saddr;
		e->daddr = sk->sk_v6_daddr;
		return;
	}
#endif
	ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, &e->saddr);
	ipv6_addr_set_v4mapped(sk->sk_daddr, &e->daddr);
}

/* The sender of a received segment is the remote end. */
static void ends_of_received(struct tcpx_trace_ends *e, const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	e->sport = ntohs(th->dest);
	e->dport = ntohs(th->source);
	if (ip_hdr(skb)->version == 4) {
		e->family = AF_INET;
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &e->saddr);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &e->daddr);
	} else {
		e->family = AF_INET6;
		e->saddr = ipv6_hdr(skb)->daddr;
		e->daddr = ipv6_hdr(skb)->saddr;
	}
	if (!e->netns && skb->dev)
		e->netns = dev_net(skb->dev)->ns.inum;
}

/**
 * tcpx_trace_ends_get() - local and remote end of an event
 * @e: result
 * @sk: full socket, request sock, TIME_WAIT entry or NULL
 * @skb: the segment, or NULL: asked for where @sk names no peer
 *
 * Context: any; nothing is locked, so a racing disconnect may show.
 */
void tcpx_trace_ends_get(struct tcpx_trace_ends *e, const struct sock *sk,
			 const struct sk_buff *skb)
{
	memset(e, 0, sizeof(*e));
	if (sk)
		ends_of_sock(e, sk);
	if (skb && !e->dport)
		ends_of_received(e, skb);
}

static void set_end_seq(struct tcpx_trace_segment *s)
{
	s->end_seq = s->seq + s->len + !!(s->flags & TCPHDR_SYN) + !!(s->flags & TCPHDR_FIN);
}

/**
 * tcpx_trace_segment_get() - the header of a segment
 * @s: result
 * @skb: its transport header is set; data may start at or behind it
 */
void tcpx_trace_segment_get(struct tcpx_trace_segment *s, const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	s->seq = ntohl(th->seq);
	s->ack = ntohl(th->ack_seq);
	s->window = ntohs(th->window);
	s->flags = ((const u8 *)th)[13];
	s->len = skb->len - skb_transport_offset(skb) - th->doff * 4;
	set_end_seq(s);
}

/**
 * tcpx_trace_queued_get() - a segment of the send queues, which has no header
 * @s: result
 * @skb: segment with its TCPX_CB()
 */
void tcpx_trace_queued_get(struct tcpx_trace_segment *s, const struct sk_buff *skb)
{
	const struct tcpx_skb_cb *cb = TCPX_CB(skb);

	*s = (struct tcpx_trace_segment) {
		.seq	 = cb->seq,
		.end_seq = cb->end_seq,
		.flags	 = cb->tcp_flags,
		.len	 = skb->len,
	};
}

/**
 * tcpx_trace_reset_get() - the RST that is about to go out
 * @s: result
 * @sk: whose RST it is if @skb is NULL
 * @skb: the segment it answers, or NULL
 *
 * rfc9293#section-3.10.7.1: the answer takes SEQ from the segment's ACK, or
 * acknowledges it.
 */
void tcpx_trace_reset_get(struct tcpx_trace_segment *s, const struct sock *sk,
			  const struct sk_buff *skb)
{
	struct tcpx_trace_segment in;

	memset(s, 0, sizeof(*s));
	s->flags = TCPHDR_RST;
	if (!skb) {
		s->flags |= TCPHDR_ACK;
		s->seq = tcpx_sk(sk)->snd_nxt;
		s->ack = tcpx_sk(sk)->rcv_nxt;
	} else {
		tcpx_trace_segment_get(&in, skb);
		if (in.flags & TCPHDR_ACK) {
			s->seq = in.ack;
		} else {
			s->flags |= TCPHDR_ACK;
			s->ack = in.end_seq;
		}
	}
	s->end_seq = s->seq;
}

/**
 * tcpx_trace_tcb_get() - what a connection thinks
 * @t: result; all zero if @sk is no full socket
 * @sk: any kind of socket, or NULL
 */
void tcpx_trace_tcb_get(struct tcpx_trace_tcb *t, const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	memset(t, 0, sizeof(*t));
	if (!sk || !sk_fullsock(sk))
		return;
	t->snd_una = tp->snd_una;
	t->snd_nxt = tp->snd_nxt;
	t->rcv_nxt = tp->rcv_nxt;
	t->snd_wnd = tp->snd_wnd;
	t->rcv_wnd = tp->rcv_wnd;
	t->cwnd = tp->cc.snd_cwnd;
	t->ssthresh = tp->cc.snd_ssthresh;
	t->srtt = tp->cc.srtt_us >> 3;
	t->wmem_queued = READ_ONCE(sk->sk_wmem_queued);
	t->rmem_alloc = atomic_read(&sk->sk_rmem_alloc);
}
