// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: urgent data arriving: rfc9293#section-3.8.5, rfc6093.
 *
 * One byte at a time is kept, the last one announced. It stays in the stream;
 * recvmsg.c reads around it, or in line with SO_OOBINLINE.
 */

#include "tcpx.h"

/* The byte that the previous pointer announced was not read: with a new one
 * it is lost, as it is not part of the ordinary stream either.
 */
static void tcpx_urg_skip_unread(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;

	if (tp->urg_seq != tp->copied_seq || !tp->urg_data ||
	    sock_flag(sk, SOCK_URGINLINE) || tp->copied_seq == tp->rcv_nxt)
		return;
	WRITE_ONCE(tp->copied_seq, tp->copied_seq + 1);
	skb = skb_peek(&sk->sk_receive_queue);
	if (skb && !before(tp->copied_seq, TCPX_CB(skb)->end_seq)) {
		__skb_unlink(skb, &sk->sk_receive_queue);
		__kfree_skb(skb);
	}
}

/* A segment with URG: is its pointer news? */
static void tcpx_check_urg(struct sock *sk, const struct sk_buff *skb, const struct tcphdr *th)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 ptr = ntohs(th->urg_ptr);

	/* It names the byte after the urgent one, whatever rfc1122 said
	 * (rfc6093#section-2.1); tcp_stdurg asks for the letter.
	 */
	if (ptr && !READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_stdurg))
		ptr--;
	ptr += TCPX_CB(skb)->seq;

	/* Read already, or old. */
	if (after(tp->copied_seq, ptr) || before(ptr, tp->rcv_nxt))
		return;
	if (tp->urg_data && !after(ptr, tp->urg_seq))
		return;

	sk_send_sigurg(sk);
	tcpx_urg_skip_unread(sk);
	WRITE_ONCE(tp->urg_data, TCP_URG_NOTYET);
	WRITE_ONCE(tp->urg_seq, ptr);
	/* The fast path knows nothing of it. */
	tp->pred_flags = 0;
}

/**
 * tcpx_urg() - "sixth, check the URG bit"
 * @sk: socket, locked, in a state that receives data
 * @skb: acceptable segment, header not yet pulled
 * @th: its header
 */
void tcpx_urg(struct sock *sk, const struct sk_buff *skb, const struct tcphdr *th)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 offset;
	u8 byte;

	if (unlikely(th->urg))
		tcpx_check_urg(sk, skb, th);
	if (likely(tp->urg_data != TCP_URG_NOTYET))
		return;

	/* Does the byte lie in this segment? */
	offset = tp->urg_seq - TCPX_CB(skb)->seq + th->doff * 4 - th->syn;
	if (offset >= skb->len || skb_copy_bits(skb, offset, &byte, 1))
		return;
	WRITE_ONCE(tp->urg_data, TCP_URG_VALID | byte);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}
