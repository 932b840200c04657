// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: segments that are sent without a full socket, in answer to one that came:
 * resets, and the ACKs of request socks and TIME_WAIT entries. They go back by the IP
 * that the segment came by.
 */
#include "tcpx.h"
#include "trace.h"

/**
 * tcpx_reply_skb() - the TCP part of an answer
 * @skb: the segment that is answered
 * @reply: what to say
 *
 * Return: an skb with room for the IP header, all but its checksum filled in; or NULL.
 */
struct sk_buff *tcpx_reply_skb(const struct sk_buff *skb, const struct tcpx_reply *reply)
{
	unsigned int hdr_len = sizeof(struct tcphdr) +
			       (reply->use_ts ? TCPOLEN_TSTAMP_ALIGNED : 0) +
			       reply->auth.size;
	struct sk_buff *nskb = alloc_skb(TCPX_MAX_HEADER + hdr_len, GFP_ATOMIC);
	struct tcphdr *th;
	__be32 *opt;

	if (!nskb)
		return NULL;
	skb_reserve(nskb, TCPX_MAX_HEADER);
	th = skb_put_zero(nskb, hdr_len);
	skb_reset_transport_header(nskb);
	th->source = tcp_hdr(skb)->dest;
	th->dest = tcp_hdr(skb)->source;
	th->seq = htonl(reply->seq);
	if (reply->flags & TCPHDR_ACK)
		th->ack_seq = htonl(reply->ack);
	th->doff = hdr_len / 4;
	tcp_flag_byte(th) = reply->flags;
	th->window = htons(reply->win);
	opt = (__be32 *)(th + 1);
	if (unlikely(reply->auth.size)) {
		tcpx_write_auth(opt, &reply->auth);
		opt += reply->auth.size / 4;
	}
	if (reply->use_ts) {
		opt[0] = htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 |
			       TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
		opt[1] = htonl(reply->tsval);
		opt[2] = htonl(reply->tsecr);
	}
	if (unlikely(reply->auth.size))
		tcpx_auth_sign_reply(nskb, &reply->auth, skb);
	nskb->ip_summed = CHECKSUM_PARTIAL;
	return nskb;
}

/**
 * tcpx_send_reply() - answer a segment without a full socket
 * @net: netns
 * @sk: socket concerned (listener, TIME_WAIT entry, ...)
 * @skb: the segment, TCPX_CB filled; not consumed
 * @reply: what to say; it is signed if @sk has a key for the peer
 *
 * Without memory or a route nothing is sent. No RST answers a segment signed by TCP-AO unless it
 * is signed, too: the peer would not believe it (rfc5925#section-7.7).
 *
 * Context: any that may send
 * Return: false: it was not to be sent.
 */
bool tcpx_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
		     struct tcpx_reply *reply)
{
	const u8 *md5, *ao;
	bool send = true;

	rcu_read_lock();
	tcpx_auth_find_reply(&reply->auth, sk, reply->req, skb);
	if ((reply->flags & TCPHDR_RST) && (!reply->auth.size || reply->auth.md5))
		send = tcpx_auth_options(tcp_hdr(skb), &md5, &ao) && !ao;
	if (send && tcpx_skb_is_v6(skb))
		tcpx_v6_send_reply(net, sk, skb, reply);
	else if (send)
		tcpx_v4_send_reply(net, sk, skb, reply);
	rcu_read_unlock();
	return send;
}

/* What a reply takes from the socket it is sent for, of any kind. */
static void tcpx_reply_of(struct tcpx_reply *reply, const struct sock *sk)
{
	reply->oif = READ_ONCE(sk->sk_bound_dev_if);
	if (sk->sk_state == TCP_TIME_WAIT) {
		reply->mark = tcpx_twsk(sk)->tw_mark;
		reply->priority = tcpx_twsk(sk)->tw_priority;
	} else if (sk_fullsock(sk)) {
		reply->mark = READ_ONCE(sk->sk_mark);
		reply->priority = READ_ONCE(sk->sk_priority);
	}
}

/**
 * tcpx_send_reset() - answer a segment with a RST, rfc9293#section-3.5.2
 * @sk: socket concerned, or TIME_WAIT entry
 * @skb: the segment, TCPX_CB filled; not consumed
 *
 * A reset is never answered. The TOS is the segment's: whatever it is for, it is not for
 * the socket.
 *
 * Context: any that may send
 */
void tcpx_send_reset(const struct sock *sk, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_reply reply = { .flags = TCPHDR_RST, .tos = TCPX_CB(skb)->ip_dsfield };
	struct net *net = sock_net(sk);

	if (th->rst)
		return;
	tcpx_reply_of(&reply, sk);
	if (th->ack) {
		reply.seq = ntohl(th->ack_seq);
	} else {
		reply.flags |= TCPHDR_ACK;
		reply.ack = ntohl(th->seq) + th->syn + th->fin +
			    skb->len - skb_transport_offset(skb) - th->doff * 4;
	}
	trace_tcpx_send_reset(sk, skb);
	if (tcpx_send_reply(net, sk, skb, &reply))
		TCPX_INC_STATS(net, TCP_MIB_OUTRSTS);
}

/**
 * tcpx_timewait_ack() - answer a segment for a TIME_WAIT entry with an ACK
 * @sk: the entry; the reference stays the caller's
 * @skb: the segment; not consumed
 *
 * Context: any that may send
 */
void tcpx_timewait_ack(struct sock *sk, struct sk_buff *skb)
{
	const struct tcpx_timewait_sock *tw = tcpx_twsk(sk);
	struct tcpx_reply reply = {
		.seq	= READ_ONCE(tw->tw_snd_nxt),
		.ack	= READ_ONCE(tw->tw_rcv_nxt),
		.win	= tw->tw_rcv_wnd >> tw->tw_rcv_wscale,
		.flags	= TCPHDR_ACK,
		.use_ts	= READ_ONCE(tw->tw_ts_recent_stamp) != 0,
		.tsval	= tcpx_clock_ms() + tw->tw_ts_offset,
		.tsecr	= READ_ONCE(tw->tw_ts_recent),
		.tos	= tw->tw_tos,
	};

	tcpx_reply_of(&reply, sk);
	tcpx_send_reply(sock_net(sk), sk, skb, &reply);
}
