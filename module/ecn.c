// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: Explicit Congestion Notification, rfc3168, with rfc8311 and what
 * congestion controls of low latency want of it (rfc8257). What is particular to more
 * accurate feedback (rfc9768), which is negotiated in the same bits, is in accecn.c.
 *
 * A SYN that asks for it has ECE and CWR, a SYN-ACK that agrees ECE alone. Data
 * then leaves with ECT(0), retransmissions and pure ACKs do not. Routers turn that
 * into CE, upon which the receiver says ECE until a CWR tells that the sender has
 * reduced its window (recovery.c).
 *
 * The bits that leave are kept in the socket's TOS, or traffic class, as the
 * kernel's TCP does it: whoever sends finds them there.
 */
#include <net/inet_ecn.h>

#include "tcpx.h"

static bool tcpx_ca_needs_ecn(const struct tcpx_sock *tp)
{
	return tp->cc.ops->flags & TCPX_CONG_NEEDS_ECN;
}

/**
 * tcpx_ecn_ca_changed() - the congestion control of a socket is another
 * @sk: socket, locked or not yet visible
 *
 * One that needs ECN has all of the connection's packets marked, handshake and
 * pure ACKs included (rfc8257#section-5.6).
 */
void tcpx_ecn_ca_changed(struct sock *sk)
{
	if (tcpx_ca_needs_ecn(tcpx_sk(sk)))
		INET_ECN_xmit(sk);
	else
		INET_ECN_dontxmit(sk);
}

/* --- handshake, active side ------------------------------------------------ */

/**
 * tcpx_ecn_send_syn() - ask for ECN in a SYN?
 * @sk: socket, locked, routed
 * @skb: its SYN
 *
 * rfc3168#section-6.1.1
 */
void tcpx_ecn_send_syn(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);
	u8 mode = tcpx_sysctl_ecn(sock_net(sk));

	tp->ecn_flags = 0;
	tcpx_accecn_init(tp);
	tcpx_ecn_ca_changed(sk);
	if (mode == TCPX_ECN_IN_ACCECN_OUT_ACCECN) {
		TCPX_CB(skb)->ae = 1;
		tp->ecn_flags = TCPX_ECN_MODE;
		tp->accecn.syn_ect_snt = inet_sk(sk)->tos & INET_ECN_MASK;
	} else if (mode == 1 || mode == TCPX_ECN_IN_ACCECN_OUT_ECN || tcpx_ca_needs_ecn(tp) ||
		   (dst && dst_feature(dst, RTAX_FEATURE_ECN))) {
		tp->ecn_flags = TCPX_ECN_OK;
	}
	if (tp->ecn_flags)
		TCPX_CB(skb)->tcp_flags |= TCPHDR_ECE | TCPHDR_CWR;
}

/**
 * tcpx_ecn_clear_syn() - a SYN is repeated: try without
 * @sk: socket, locked
 * @skb: its SYN
 *
 * rfc3168#section-6.1.1.1: somebody on the way may drop those that ask. Whether
 * the peer got the first one will be seen in its answer. AccECN is asked for twice,
 * rfc9768#section-3.1.4.1.
 */
void tcpx_ecn_clear_syn(struct sock *sk, struct sk_buff *skb)
{
	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_ecn_fallback) ||
	    (TCPX_CB(skb)->ae && !tcpx_sk(sk)->total_retrans))
		return;
	TCPX_CB(skb)->tcp_flags &= ~(TCPHDR_ECE | TCPHDR_CWR);
	TCPX_CB(skb)->ae = 0;
}

/**
 * tcpx_ecn_rcv_synack() - does the peer agree?
 * @sk: socket, locked
 * @skb: the SYN-ACK; ECE and CWR both: the peer merely echoes bits
 */
void tcpx_ecn_rcv_synack(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);

	if (tp->ecn_flags & TCPX_ECN_ACCECN)
		tcpx_accecn_rcv_synack(sk, skb);
	else if (!th->ece || th->cwr)
		tp->ecn_flags &= ~TCPX_ECN_OK;
}

/**
 * tcpx_ecn_rcv_syn() - simultaneous open: does the peer ask as well?
 * @tp: socket, locked
 * @skb: its SYN
 */
void tcpx_ecn_rcv_syn(struct tcpx_sock *tp, const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	if ((tp->ecn_flags & TCPX_ECN_ACCECN) && tcpx_accecn_requested(th)) {
		tcpx_accecn_rcv_syn(tp, skb);
		return;
	}
	tp->ecn_flags &= ~TCPX_ECN_ACCECN;
	if (!th->ece || !th->cwr)
		tp->ecn_flags &= ~TCPX_ECN_OK;
}

/**
 * tcpx_ecn_send_synack() - the SYN becomes a SYN-ACK (simultaneous open)
 * @tp: socket, locked
 * @skb: the SYN of the retransmit queue
 */
void tcpx_ecn_send_synack(const struct tcpx_sock *tp, struct sk_buff *skb)
{
	if (tcpx_ecn_accurate(tp)) {
		tcpx_accecn_reflect_cb(skb, tp->accecn.syn_ect_rcv);
		return;
	}
	TCPX_CB(skb)->ae = 0;
	TCPX_CB(skb)->tcp_flags &= ~TCPHDR_CWR;
	if (!(tp->ecn_flags & TCPX_ECN_OK))
		TCPX_CB(skb)->tcp_flags &= ~TCPHDR_ECE;
}

/* --- handshake, passive side ----------------------------------------------- */

/**
 * tcpx_ecn_create_request() - a SYN came: will it be ECN?
 * @req: its request
 * @skb: the SYN, TCPX_CB filled
 * @lsk: listener
 * @dst: route to the peer
 *
 * rfc3168#section-6.1.1: a SYN itself is not ECN-capable; one that is was
 * tampered with, unless it is of a congestion control that does so or of an
 * extension to come, which a reserved bit would tell (rfc8311#section-4.3).
 */
void tcpx_ecn_create_request(struct tcpx_request_sock *req, const struct sk_buff *skb,
			     const struct sock *lsk, const struct dst_entry *dst)
{
	bool ect = !INET_ECN_is_not_ect(TCPX_CB(skb)->ip_dsfield);
	u32 dst_ecn = dst_feature(dst, DST_FEATURE_ECN_MASK);
	u8 mode = tcpx_sysctl_ecn(sock_net(lsk));
	const struct tcphdr *th = tcp_hdr(skb);
	bool plausible = !ect || (tcp_flag_word(th) & TCPX_RESERVED_BITS);

	if (mode >= TCPX_ECN_IN_ACCECN_OUT_ACCECN && tcpx_accecn_requested(th)) {
		req->req.ecn_ok = 1;
		req->accecn_ok = 1;
		req->syn_ect_rcv = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
		req->syn_ect_snt = inet_sk(lsk)->tos & INET_ECN_MASK;
		return;
	}
	if (!th->ece || !th->cwr)
		return;
	if ((plausible && (mode || dst_ecn)) ||
	    (dst_ecn & DST_FEATURE_ECN_CA) || tcpx_ca_needs_ecn(tcpx_sk(lsk)))
		req->req.ecn_ok = 1;
}

/**
 * tcpx_ecn_cookie_request() - a cookie says that its SYN-ACK agreed to ECN
 * @req: its request
 * @skb: the ACK, which tells to what kind
 * @net: netns; the setting may have changed meanwhile
 * @dst: route to the peer
 */
void tcpx_ecn_cookie_request(struct tcpx_request_sock *req, const struct sk_buff *skb,
			     const struct net *net, const struct dst_entry *dst)
{
	u8 mode = tcpx_sysctl_ecn(net);

	req->req.ecn_ok = mode || dst_feature(dst, RTAX_FEATURE_ECN);
	req->accecn_ok = mode >= TCPX_ECN_IN_ACCECN_OUT_ACCECN &&
			 tcpx_accecn_confirmed(tcp_hdr(skb));
}

/**
 * tcpx_ecn_make_synack() - tell the peer in the SYN-ACK
 * @req: request
 * @th: header of the SYN-ACK
 */
void tcpx_ecn_make_synack(const struct tcpx_request_sock *req, struct tcphdr *th)
{
	/* rfc9768#section-3.1.4.2: once more with it, then without. */
	if (req->req.req.num_timeout)
		return;
	if (req->accecn_ok)
		tcpx_accecn_reflect_syn(th, req->syn_ect_rcv);
	else
		th->ece = req->req.ecn_ok;
}

/**
 * tcpx_ecn_openreq_child() - a child begins with what was agreed on
 * @tp: child
 * @req: its request
 */
void tcpx_ecn_openreq_child(struct tcpx_sock *tp, const struct tcpx_request_sock *req)
{
	tcpx_accecn_init(tp);
	tp->ecn_flags = req->req.ecn_ok ? TCPX_ECN_OK : 0;
	if (req->accecn_ok) {
		tp->ecn_flags = TCPX_ECN_ACCECN;
		tcpx_accecn_openreq_child(tp, req);
	}
}

/* --- sending ---------------------------------------------------------------- */

/**
 * tcpx_ecn_send() - the ECN bits of a segment
 * @sk: socket, locked
 * @skb: segment, its header in place; its payload begins at @hdr_len
 * @th: the header
 * @hdr_len: bytes
 *
 * Only new data is ECN-capable: what it loses by being marked falsely, in a window
 * already reduced, a retransmission would lose twice (rfc3168#section-6.1.5), and
 * nobody would say that an ACK was marked (section 6.1.4).
 */
void tcpx_ecn_send(struct sock *sk, struct sk_buff *skb, struct tcphdr *th, u32 hdr_len)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!(tp->ecn_flags & TCPX_ECN_MODE))
		return;
	if (tcpx_ecn_accurate(tp)) {
		tcpx_accecn_send(sk, skb, th, skb->len == hdr_len);
		return;
	}
	if (skb->len != hdr_len && !before(TCPX_CB(skb)->seq, tp->snd_nxt)) {
		INET_ECN_xmit(sk);
		if (tp->ecn_flags & TCPX_ECN_QUEUE_CWR) {
			tp->ecn_flags &= ~TCPX_ECN_QUEUE_CWR;
			th->cwr = 1;
			/* Of a GSO packet, the first segment alone. */
			skb_shinfo(skb)->gso_type |= SKB_GSO_TCP_ECN;
		}
	} else if (!tcpx_ca_needs_ecn(tp)) {
		INET_ECN_dontxmit(sk);
	}
	if (tp->ecn_flags & TCPX_ECN_DEMAND_CWR)
		th->ece = 1;
}

/**
 * tcpx_ecn_queue_cwr() - the window was reduced: tell it with the next new data
 * @tp: socket, locked
 */
void tcpx_ecn_queue_cwr(struct tcpx_sock *tp)
{
	if (tcpx_ecn_classic(tp))
		tp->ecn_flags |= TCPX_ECN_QUEUE_CWR;
}

/**
 * tcpx_ecn_withdraw_cwr() - the reduction was undone
 * @tp: socket, locked
 */
void tcpx_ecn_withdraw_cwr(struct tcpx_sock *tp)
{
	tp->ecn_flags &= ~TCPX_ECN_QUEUE_CWR;
}

/* --- receiving ---------------------------------------------------------------- */

/**
 * tcpx_ecn_rcv_ecn_echo() - does a segment say that ours were marked?
 * @tp: socket, locked
 * @th: its header
 */
bool tcpx_ecn_rcv_ecn_echo(const struct tcpx_sock *tp, const struct tcphdr *th)
{
	return th->ece && !th->syn && tcpx_ecn_classic(tp);
}

/**
 * tcpx_ecn_accept_cwr() - the peer has heard our ECE
 * @sk: socket, locked
 * @skb: a segment of its
 *
 * Its window may be down to one segment: it must not wait for a delayed ACK.
 */
void tcpx_ecn_accept_cwr(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tcp_hdr(skb)->cwr || !tcpx_ecn_classic(tp))
		return;
	if (!(tp->cc.ops->flags & TCPX_CONG_EXACT_ECE))
		tp->ecn_flags &= ~TCPX_ECN_DEMAND_CWR;
	if (TCPX_CB(skb)->seq != TCPX_CB(skb)->end_seq)
		tp->ack.pending |= TCPX_ACK_NOW;
}

/*
 * ECE stands for the last segment that came, not for any since the last CWR. When that
 * changes, what waits for its ACK is acknowledged at once with the ECE of before,
 * and the segment that changed it with the new one: rfc8257#section-3.2.
 */
static void tcpx_ecn_exact_ece(struct sock *sk, bool ce)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (ce != !!(tp->ecn_flags & TCPX_ECN_DEMAND_CWR)) {
		if (tp->ack.pending & TCPX_ACK_TIMER)
			__tcpx_send_ack(sk, tp->ecn_rcv_nxt);
		tp->ack.pending |= TCPX_ACK_NOW;
		tp->ecn_flags ^= TCPX_ECN_DEMAND_CWR;
	}
	tp->ecn_rcv_nxt = tp->rcv_nxt;
}

static void tcpx_ecn_rcv_ect(struct sock *sk, bool ce)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tp->ecn_flags |= TCPX_ECN_SEEN;
	if (tp->cc.ops->flags & TCPX_CONG_EXACT_ECE) {
		tcpx_ecn_exact_ece(sk, ce);
	} else if (ce && !(tp->ecn_flags & TCPX_ECN_DEMAND_CWR)) {
		/* No delay: the sender may be down to one segment. */
		tcpx_enter_quickack_mode(sk, 2);
		tp->ecn_flags |= TCPX_ECN_DEMAND_CWR;
	}
}

/**
 * tcpx_ecn_check_ce() - data has come: was it marked?
 * @sk: socket, locked
 * @skb: segment with new data
 *
 * rfc3168#section-6.1.3; AccECN counts marks elsewhere, tcpx_accecn_received().
 */
void tcpx_ecn_check_ce(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u8 ecn = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;

	if (ecn == INET_ECN_NOT_ECT) {
		/* Most likely a retransmission: its sender is in recovery. */
		if ((tp->ecn_flags & TCPX_ECN_MODE) && (tp->ecn_flags & TCPX_ECN_SEEN))
			tcpx_enter_quickack_mode(sk, 2);
	} else if (tcpx_ecn_classic(tp)) {
		tcpx_ecn_rcv_ect(sk, ecn == INET_ECN_CE);
	}
}
