// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: more accurate ECN feedback, rfc9768. Where rfc3168 tells the sender that
 * something was marked since its last CWR, this tells how much.
 *
 * The header's bits AE, CWR and ECE are one number, ACE:
 *
 *   SYN		111: AccECN is asked for
 *   SYN-ACK, and	what the IP header of the SYN, or of the SYN-ACK, had on arrival,
 *   the ACK of it	see accecn_handshake[]: a path that changes it is found out
 *   all others		how many segments came marked, plus 5, modulo 8
 *
 * and an option, if the peer understands it, has how many bytes came with each
 * mark, modulo 2^24. It tells apart what the three bits cannot when more than a few
 * segments are acknowledged at once.
 *
 * As the kernel's TCP does, all segments of such a connection are ECN-capable, pure
 * ACKs and retransmissions too, for their marks are counted as well.
 */
#include <net/inet_ecn.h>

#include "tcpx.h"

/* rfc9768#section-3.2.1: what ACE and the byte counters begin with, so that a middlebox
 * that clears them is seen.
 */
#define ACCECN_CEP_INIT		5
#define ACCECN_ECT_BYTES_INIT	1
#define ACCECN_CE_BYTES_INIT	0

#define ACCECN_BYTES_MASK	0xFFFFFFU
/* rfc9768#section-3.2.3.3: at least one option in so many bytes of a kind */
#define ACCECN_BYTES_STEP	BIT(22)

/* By the two bits of the IP header: rfc9768#section-3.1.1 table 2, section 3.2.2.1 */
static const u8 accecn_handshake[] = {
	[INET_ECN_NOT_ECT]	= 2,
	[INET_ECN_ECT_1]	= 3,
	[INET_ECN_ECT_0]	= 4,
	[INET_ECN_CE]		= 6,
};

static u8 accecn_ace(const struct tcphdr *th)
{
	return (be32_to_cpu(tcp_flag_word(th)) >> 22) & 7;
}

static void accecn_set_ace(struct tcphdr *th, u8 ace)
{
	tcp_flag_word(th) &= ~TCPX_ACE_BITS;
	tcp_flag_word(th) |= cpu_to_be32((u32)(ace & 7) << 22);
}

/* What the peer saw in our IP header, by the handshake's encoding; what is not in the
 * table (the future may use it) says nothing: the argument.
 */
static u8 accecn_seen_as(u8 ace, u8 sent)
{
	u8 ecn;

	for (ecn = 0; ecn < ARRAY_SIZE(accecn_handshake); ecn++)
		if (accecn_handshake[ecn] == ace)
			return ecn;
	return sent;
}

/* rfc9768#section-3.2.2.3: what is invalid on the way is that the packet becomes or ceases to be
 * ECN-capable, and that a mark vanishes.
 */
static bool accecn_transition_valid(u8 sent, u8 seen)
{
	if (sent == seen)
		return true;
	return sent != INET_ECN_NOT_ECT && sent != INET_ECN_CE && seen != INET_ECN_NOT_ECT;
}

/* --- handshake ------------------------------------------------------------------ */

/**
 * tcpx_accecn_init() - a half connection begins
 * @tp: socket
 */
void tcpx_accecn_init(struct tcpx_sock *tp)
{
	memset(&tp->accecn, 0, sizeof(tp->accecn));
}

/* Did the handshake's packet arrive as it was sent? If not, none of ours is marked. */
static bool accecn_validate(struct sock *sk, u8 ace, u8 sent)
{
	struct tcpx_accecn *ae = &tcpx_sk(sk)->accecn;

	if (!READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_ecn_fallback) ||
	    accecn_transition_valid(sent, accecn_seen_as(ace, sent)))
		return true;
	ae->fail |= TCPX_ACCECN_ACE_FAIL_RECV;
	return false;
}

/* The first option that came: counters that a middlebox has zeroed? (section 3.2.3.2.4) */
static u8 accecn_judge_option(const struct tcphdr *th, u8 offset)
{
	const u8 *opt = (const u8 *)th + offset;
	unsigned int fields = (opt[1] - TCPX_ACCECN_BASE) / TCPX_ACCECN_FIELD;

	if (!fields)
		return TCPX_ACCECN_OPT_EMPTY;
	if (!get_unaligned_be24(opt + TCPX_ACCECN_BASE))
		return TCPX_ACCECN_OPT_BAD;
	if (fields == 3 &&
	    !get_unaligned_be24(opt + TCPX_ACCECN_BASE + 2 * TCPX_ACCECN_FIELD))
		return TCPX_ACCECN_OPT_BAD;
	return TCPX_ACCECN_OPT_COUNTERS;
}

static void accecn_saw_option(struct tcpx_sock *tp, const struct tcphdr *th)
{
	struct tcpx_accecn *ae = &tp->accecn;

	if (!tp->rx_opt.accecn || ae->opt_seen >= TCPX_ACCECN_OPT_COUNTERS)
		return;
	ae->opt_seen = accecn_judge_option(th, tp->rx_opt.accecn);
	if (ae->opt_seen == TCPX_ACCECN_OPT_BAD)
		ae->fail |= TCPX_ACCECN_OPT_FAIL_RECV;
}

static void accecn_demand_option(struct tcpx_accecn *ae, u8 times)
{
	ae->opt_demand = max_t(u8, ae->opt_demand, times);
}

/**
 * tcpx_accecn_rcv_synack() - our SYN asked: the answer
 * @sk: socket, locked
 * @skb: the SYN-ACK, its options parsed
 *
 * rfc9768#section-3.1.1, table 2.
 */
void tcpx_accecn_rcv_synack(struct sock *sk, const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_accecn *ae = &tp->accecn;
	u8 ace = accecn_ace(th);

	tp->ecn_flags &= ~TCPX_ECN_MODE;
	if (ace == 0 || ace == 7)
		return;		/* no ECN, or a peer that merely echoes */
	if (ace == 1) {
		tp->ecn_flags |= TCPX_ECN_OK;
		return;
	}
	tp->ecn_flags |= TCPX_ECN_ACCECN;
	ae->syn_ect_rcv = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
	ae->reflect = 1;
	if (accecn_validate(sk, ace, ae->syn_ect_snt) && ae->syn_ect_rcv == INET_ECN_CE) {
		ae->received_ce = 1;
		ae->ce_pending = 1;
	}
	if (tp->rx_opt.accecn) {
		accecn_saw_option(tp, th);
		ae->opt_demand = 2;
	}
}

/**
 * tcpx_accecn_syn_again() - a SYN, or SYN-ACK, for a connection that is there
 * @tp: socket with AccECN, locked
 * @skb: the segment, its options parsed
 *
 * The challenge ACK that answers it tells how it came, as the first ACK did. Not for one that lies
 * outside the window or has an old timestamp: that is not of this connection's beginning.
 */
void tcpx_accecn_syn_again(struct tcpx_sock *tp, const struct sk_buff *skb)
{
	struct tcpx_accecn *ae = &tp->accecn;

	ae->syn_ect_rcv = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
	ae->reflect = 1;
	if (tp->rx_opt.accecn && ae->opt_seen < TCPX_ACCECN_OPT_COUNTERS) {
		accecn_saw_option(tp, tcp_hdr(skb));
		accecn_demand_option(ae, 1);
	}
}

/**
 * tcpx_accecn_request_again() - the SYN of a request came again
 * @req: request with AccECN
 * @skb: the SYN
 */
void tcpx_accecn_request_again(struct tcpx_request_sock *req, const struct sk_buff *skb)
{
	req->syn_ect_rcv = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
	/* It asks for nothing any more: the path may not bear it. */
	if (!accecn_ace(tcp_hdr(skb)))
		req->accecn_bleached = 1;
}

/**
 * tcpx_accecn_requested() - does a SYN ask for it?
 * @th: header of the SYN
 *
 * rfc9768#section-3.1.2: whatever combination it is, but those that had a meaning.
 */
bool tcpx_accecn_requested(const struct tcphdr *th)
{
	u8 ace = accecn_ace(th);

	return ace && ace != 3;
}

/**
 * tcpx_accecn_confirmed() - is the ACK of a SYN-ACK of which nothing is remembered that of
 *	a peer with AccECN?
 * @th: its header
 *
 * rfc9768#section-5.1, syncookies.
 */
bool tcpx_accecn_confirmed(const struct tcphdr *th)
{
	return accecn_ace(th) > 1;
}

/**
 * tcpx_accecn_rcv_syn() - simultaneous open: the peer's SYN asks as well
 * @tp: socket, locked
 * @skb: the SYN
 */
void tcpx_accecn_rcv_syn(struct tcpx_sock *tp, const struct sk_buff *skb)
{
	tp->ecn_flags = (tp->ecn_flags & ~TCPX_ECN_MODE) | TCPX_ECN_ACCECN;
	tp->accecn.syn_ect_rcv = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
	tp->accecn.prev_ecn = tp->accecn.syn_ect_rcv;
}

/**
 * tcpx_accecn_reflect_syn() - the ACE of a SYN-ACK
 * @th: its header
 * @ecn: what the SYN's IP header had
 */
void tcpx_accecn_reflect_syn(struct tcphdr *th, u8 ecn)
{
	accecn_set_ace(th, accecn_handshake[ecn & INET_ECN_MASK]);
}

/**
 * tcpx_accecn_reflect_cb() - the same for a SYN in the retransmit queue that becomes one
 * @skb: it
 * @ecn: what the peer's SYN's IP header had
 */
void tcpx_accecn_reflect_cb(struct sk_buff *skb, u8 ecn)
{
	u8 ace = accecn_handshake[ecn & INET_ECN_MASK];

	TCPX_CB(skb)->tcp_flags &= ~(TCPHDR_ECE | TCPHDR_CWR);
	TCPX_CB(skb)->tcp_flags |= (ace & 3) * TCPHDR_ECE;
	TCPX_CB(skb)->ae = ace >> 2;
}

/**
 * tcpx_accecn_openreq_child() - a child of a request with AccECN
 * @tp: child
 * @req: its request
 */
void tcpx_accecn_openreq_child(struct tcpx_sock *tp, const struct tcpx_request_sock *req)
{
	struct tcpx_accecn *ae = &tp->accecn;

	ae->syn_ect_rcv = req->syn_ect_rcv;
	ae->syn_ect_snt = req->syn_ect_snt;
	ae->prev_ecn = req->syn_ect_rcv;
	ae->opt_demand = 1;
	/* The last SYN-ACK went without: the peer may not know (section 3.1.4.2). */
	if (req->req.req.num_retrans > 1)
		ae->fail |= TCPX_ACCECN_ACE_FAIL_SEND;
	if (req->accecn_bleached)
		ae->fail |= TCPX_ACCECN_ACE_FAIL_RECV;
}

/**
 * tcpx_accecn_third_ack() - the segment that completes the handshake
 * @sk: child, locked
 * @skb: the segment, its options parsed
 *
 * rfc9768#section-3.2.2.1, table 4.
 */
void tcpx_accecn_third_ack(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_accecn *ae = &tp->accecn;
	u8 ace = accecn_ace(tcp_hdr(skb));
	bool pure = TCPX_CB(skb)->seq == TCPX_CB(skb)->end_seq && !TCPX_CB(skb)->sacked;

	accecn_saw_option(tp, tcp_hdr(skb));
	if (!ace) {
		/* Cleared on the way, or the peer is none of AccECN: mark nothing. */
		if (!TCPX_CB(skb)->sacked)
			ae->fail |= TCPX_ACCECN_ACE_FAIL_RECV | TCPX_ACCECN_OPT_FAIL_RECV;
		return;
	}
	if (pure && accecn_validate(sk, ace, ae->syn_ect_snt) &&
	    ace == accecn_handshake[INET_ECN_CE] && !tp->cc.delivered_ce)
		tp->cc.delivered_ce = 1;
}

/* --- receiving ---------------------------------------------------------------------- */

/* By kind of option, which counter a field is; index of the arrays: codepoint - 1. */
static const u8 accecn_fields[2][3] = {
	{ INET_ECN_ECT_0 - 1, INET_ECN_CE - 1, INET_ECN_ECT_1 - 1 },	/* kind 172 */
	{ INET_ECN_ECT_1 - 1, INET_ECN_CE - 1, INET_ECN_ECT_0 - 1 },	/* kind 174 */
};

static u32 accecn_bytes_init(unsigned int counter)
{
	return counter == INET_ECN_CE - 1 ? ACCECN_CE_BYTES_INIT : ACCECN_ECT_BYTES_INIT;
}

static void accecn_count_bytes(struct tcpx_accecn *ae, u8 ecn, u32 len)
{
	u32 *bytes = &ae->received_bytes[ecn - 1];
	u32 before = *bytes;
	int field;

	*bytes += len;
	/* So many fields must be there for this counter to be among them. */
	for (field = 0; accecn_fields[1][field] != ecn - 1; field++)
		;
	ae->opt_fields = max_t(u8, ae->opt_fields, field + 1);
	if ((before ^ *bytes) & ~(ACCECN_BYTES_STEP - 1))
		accecn_demand_option(ae, 1);
}

/* rfc9768#section-3.2.2.5.1: were so many marked that an ACK is due at once? */
static bool accecn_ack_due(const struct tcpx_sock *tp, u32 payload)
{
	u32 limit = payload || tp->rcv_nxt != tp->rcv_wup ? 2 : 3;

	return tp->accecn.ce_pending >= limit;
}

/**
 * tcpx_accecn_received() - a segment was accepted: count its mark
 * @sk: socket, locked
 * @skb: segment, with its header
 * @payload: bytes
 *
 * GRO merges only segments with the same mark, and tells how many they were.
 */
void tcpx_accecn_received(struct sock *sk, const struct sk_buff *skb, u32 payload)
{
	u8 ecn = TCPX_CB(skb)->ip_dsfield & INET_ECN_MASK;
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_accecn *ae = &tp->accecn;
	bool ce = ecn == INET_ECN_CE, edge = ecn != ae->prev_ecn;

	if (ecn != INET_ECN_NOT_ECT) {
		tp->ecn_flags |= TCPX_ECN_SEEN;
		if (payload)
			accecn_count_bytes(ae, ecn, payload);
	}
	if (ce) {
		u32 segs = max_t(u16, 1, skb_shinfo(skb)->gso_segs);

		ae->received_ce += segs;
		ae->ce_pending = min_t(u32, ae->ce_pending + segs, 7);
		if (accecn_ack_due(tp, payload))
			tp->ack.pending |= TCPX_ACK_SCHED | TCPX_ACK_NOW;
	}
	/* Who sees the mark change hears of it with the next ACK, which does not wait. Two
	 * options, so that the second shows which counter grows now.
	 */
	if (edge)
		tp->ack.pending |= TCPX_ACK_NOW;
	if (edge || ce)
		ae->opt_demand = 2;
	ae->prev_ecn = ecn;
}

/* --- what our segments met ------------------------------------------------------------ */

/* No option with this ACK, of so many bytes: they are of the kind that alone grew with the
 * last ones. False: who knows.
 */
static bool accecn_guess_bytes(struct tcpx_sock *tp, u32 bytes)
{
	struct tcpx_accecn *ae = &tp->accecn;

	if (!ae->opt_seen) {
		/* An option that appears later could be off by 2^24. */
		if (tp->bytes_sent >= ACCECN_BYTES_MASK / 2) {
			ae->opt_seen = TCPX_ACCECN_OPT_BAD;
			ae->fail |= TCPX_ACCECN_OPT_FAIL_RECV;
		}
		return false;
	}
	if (!ae->est_ecn)
		return false;
	ae->delivered_bytes[ae->est_ecn - 1] += bytes;
	return true;
}

/* The option of an ACK of so many bytes: the counters it has, 24 bits of each. True: of what
 * was marked as much is known as there is to know.
 */
static bool accecn_read_option(struct tcpx_sock *tp, const struct tcphdr *th, u32 bytes, bool slow)
{
	const u8 *opt = (const u8 *)th + tp->rx_opt.accecn;
	struct tcpx_accecn *ae = &tp->accecn;
	bool changed = false, ambiguous = false;
	u8 est = ae->est_ecn;
	int field, fields;

	if (ae->fail & TCPX_ACCECN_OPT_FAIL_RECV)
		return false;
	if (!slow || !tp->rx_opt.accecn)
		return accecn_guess_bytes(tp, bytes);
	accecn_saw_option(tp, th);
	fields = min((opt[1] - TCPX_ACCECN_BASE) / TCPX_ACCECN_FIELD, 3);
	for (field = 0; field < fields; field++) {
		u8 n = accecn_fields[opt[0] == TCPX_OPT_KIND_ACCECN1][field];
		u32 value = get_unaligned_be24(opt + TCPX_ACCECN_BASE + field * TCPX_ACCECN_FIELD);
		s32 delta = sign_extend32((value - accecn_bytes_init(n) - ae->delivered_bytes[n]) &
					  ACCECN_BYTES_MASK, 23);

		ae->delivered_bytes[n] += delta;
		if (delta < 0 || (delta && n + 1 != est && changed)) {
			ambiguous = true;
		} else if (delta && n + 1 != est) {
			ae->est_ecn = n + 1;
			changed = true;
		}
	}
	/* More than one kind grew: whose the next bytes will be is not to be told. */
	if (ambiguous)
		ae->est_ecn = 0;
	return est && !ambiguous;
}

/* Mean of the segments an ACK is for, in 64ths; what exceeds eight tells no more. */
static void accecn_count_acked(struct tcpx_accecn *ae, u32 segs)
{
	u32 old = ae->acked_ewma;
	u32 now = old ? (old * 63 + (segs << 6)) >> 6 : segs << 6;

	ae->acked_ewma = min(now, 0x1ffU);
}

/* Segments newly marked, of so many newly acknowledged. Three bits tell no more than
 * seven: beyond, the safe guess is the most that there can be, unless the option shows
 * that the bytes would be too few for it: rfc9768 appendix A.2.
 */
static u32 accecn_marked(u32 delta, u32 delivered, bool have_bytes, u32 ce_bytes, u32 mss)
{
	u32 safer = delta;

	if (delivered > 7)
		safer = delivered - ((delivered - delta) & 7);
	if (safer == delta || !have_bytes)
		return safer;
	if (ce_bytes <= delta * mss && ce_bytes < (u64)safer * mss / 2)
		return delta;
	return safer;
}

/* The same, by all that is known: of how many ACKs the peer sends, and where there are many
 * segments by their mean size.
 */
static u32 accecn_judge(const struct tcpx_sock *tp, u32 delta, u32 segs, u32 bytes, bool certain,
			u32 ce_bytes)
{
	u32 safer = accecn_marked(delta, segs, false, 0, 0);

	/* Who acknowledges more than four at once as a rule loses no ACKs. */
	if (!certain)
		return tp->accecn.acked_ewma > 4 << 6 ? delta : safer;
	if (!ce_bytes)
		return delta;
	if (segs >= 16 && (tcpx_is_sack(tp) || tp->ca_state == TCP_CA_Open ||
			   tp->ca_state == TCP_CA_CWR)) {
		if (bytes <= ce_bytes)
			return safer;
		return min_t(u32, safer, delta +
			     (DIV_ROUND_UP_ULL((u64)ce_bytes * segs, bytes) & ~7ULL));
	}
	return accecn_marked(delta, segs, true, ce_bytes, tp->mss_cache);
}

/**
 * tcpx_accecn_process() - an ACK: how many of our segments does it say were marked?
 * @sk: socket, locked
 * @skb: the ACK, its options parsed
 * @segs: segments it delivered
 * @bytes: and their payload
 * @flag: TCPX_FLAG_*
 *
 * Return: segments.
 */
u32 tcpx_accecn_process(struct sock *sk, const struct sk_buff *skb, u32 segs, u32 bytes, int flag)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_accecn *ae = &tp->accecn;
	u32 ce_bytes = ae->delivered_bytes[INET_ECN_CE - 1], delta;
	bool certain;

	/* What may have been overtaken says nothing new. */
	if (!(flag & (TCPX_FLAG_FORWARD_PROGRESS | TCPX_FLAG_TS_PROGRESS)))
		return 0;
	certain = accecn_read_option(tp, tcp_hdr(skb), bytes, flag & TCPX_FLAG_SLOWPATH);
	ce_bytes = ae->delivered_bytes[INET_ECN_CE - 1] - ce_bytes;
	if (segs)
		accecn_count_acked(ae, segs);
	/* The header was predicted, ACE with it, which may have gone round. */
	if (!(flag & TCPX_FLAG_SLOWPATH) && segs <= 7)
		return 0;
	/* The SYN-ACK, and the ACK of ours, have the handshake's encoding. */
	if (flag & TCPX_FLAG_SYN_ACKED)
		return 0;
	delta = (accecn_ace(tcp_hdr(skb)) - ACCECN_CEP_INIT - tp->cc.delivered_ce) & 7;
	return segs <= 7 ? delta : accecn_judge(tp, delta, segs, bytes, certain, ce_bytes);
}

/**
 * tcpx_accecn_expected() - the ACE that an ACK without news has, in its place in the header
 * @tp: socket, locked
 */
u32 tcpx_accecn_expected(const struct tcpx_sock *tp)
{
	return ((tp->cc.delivered_ce + ACCECN_CEP_INIT) & 7) << 22;
}

/* --- sending ------------------------------------------------------------------------------ */

static u8 accecn_counter(const struct tcpx_accecn *ae)
{
	return (ae->received_ce + ACCECN_CEP_INIT) & 7;
}

/**
 * tcpx_accecn_send() - mark a segment, and tell what came
 * @sk: socket, locked
 * @skb: segment, its header in place
 * @th: the header
 * @pure: it has neither data nor SACK blocks
 */
void tcpx_accecn_send(struct sock *sk, struct sk_buff *skb, struct tcphdr *th, bool pure)
{
	struct tcpx_accecn *ae = &tcpx_sk(sk)->accecn;

	if (ae->fail & (TCPX_ACCECN_ACE_FAIL_RECV | TCPX_ACCECN_ACE_FAIL_SEND))
		INET_ECN_dontxmit(sk);
	else
		INET_ECN_xmit(sk);
	/* rfc9768#section-3.2.2.1: once, the first ACK tells of the SYN-ACK. */
	if (unlikely(ae->reflect) && pure) {
		accecn_set_ace(th, accecn_handshake[ae->syn_ect_rcv]);
	} else {
		accecn_set_ace(th, accecn_counter(ae));
		ae->ce_pending = 0;
	}
	ae->reflect = 0;
	skb_shinfo(skb)->gso_type |= COMPAT_GSO_ACCECN;
}

/**
 * tcpx_accecn_single() - must segments leave one by one now?
 * @tp: socket with AccECN, locked
 *
 * Without SKB_GSO_TCP_ACCECN, who segments takes CWR for rfc3168's, and leaves it to the
 * first segment alone.
 */
bool tcpx_accecn_single(const struct tcpx_sock *tp)
{
	return !COMPAT_GSO_ACCECN && (accecn_counter(&tp->accecn) & 2);
}

/**
 * tcpx_accecn_beacon() - is the option due, whatever happens?
 * @sk: socket with AccECN, locked; tcp_mstamp is fresh
 *
 * Some times a round trip, rfc9768#section-3.2.3.3.
 */
bool tcpx_accecn_beacon(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 beacon = tcpx_sysctl_ecn_beacon(sock_net(sk));

	return beacon && (tp->tcp_mstamp - tp->accecn.opt_stamp) * beacon >= tp->cc.srtt_us >> 3;
}

/* Bytes that the option takes, if so many of it fit into what pads the others to four. */
static unsigned int accecn_size(int fields, unsigned int padding)
{
	unsigned int len = TCPX_ACCECN_BASE + fields * TCPX_ACCECN_FIELD;

	return len % 4 > padding ? ALIGN(len, 4) : ALIGN_DOWN(len, 4);
}

/* Fields that fit into so many bytes, of at least so many; < 0: none, and no option. */
static int accecn_fit(unsigned int room, int least, unsigned int padding)
{
	int fields;

	for (fields = 3; fields >= least; fields--)
		if (accecn_size(fields, padding) <= room)
			return fields;
	return -1;
}

/* What it adds to the options; a block of SACK gives way, if there are more than two of them
 * and counters that have to be told.
 */
static int accecn_option_len(struct tcpx_out_options *opts, unsigned int room, int least,
			     unsigned int padding)
{
	int fields = accecn_fit(room, least, padding), dropped = 0;

	while (fields < 0 && least && opts->num_sack_blocks - dropped > 2) {
		dropped++;
		fields = accecn_fit(room + dropped * TCPOLEN_SACK_PERBLOCK, least, padding);
	}
	if (fields < 0)
		return 0;
	opts->num_sack_blocks -= dropped;
	opts->options |= TCPX_OPT_ACCECN;
	opts->accecn_fields = fields;
	return (int)accecn_size(fields, padding) - dropped * TCPOLEN_SACK_PERBLOCK;
}

/**
 * tcpx_accecn_synack_option() - shall a SYN-ACK have the option?
 * @net: netns
 * @opts: to fill
 * @room: bytes left for options
 *
 * Return: bytes, 0 for no.
 */
unsigned int tcpx_accecn_synack_option(const struct net *net, struct tcpx_out_options *opts,
				       unsigned int room)
{
	unsigned int padding = 0;
	int i;

	if (!tcpx_sysctl_ecn_option(net))
		return 0;
	if ((opts->options & (TCPX_OPT_SACK_PERM | TCPX_OPT_TS)) == TCPX_OPT_SACK_PERM)
		padding = 2;
	else if (opts->options & TCPX_OPT_WSCALE)
		padding = 1;
	for (i = 0; i < ARRAY_SIZE(opts->accecn); i++)
		opts->accecn[i] = accecn_bytes_init(accecn_fields[1][i]);
	return accecn_option_len(opts, room, 0, padding);
}

/**
 * tcpx_accecn_option() - shall a segment have the option?
 * @sk: socket, locked
 * @opts: to fill
 * @room: bytes left for options
 *
 * Only to a peer that was seen to understand it. Kind 174: most peers send ECT(0), whose
 * counter comes last, so that all three are there.
 *
 * Return: bytes, negative if the blocks of SACK had to make room; 0 for no.
 */
int tcpx_accecn_option(const struct sock *sk, struct tcpx_out_options *opts, unsigned int room)
{
	u8 mode = tcpx_sysctl_ecn_option(sock_net(sk));
	const struct tcpx_accecn *ae = &tcpx_sk(sk)->accecn;
	int i;

	if (!mode || !ae->opt_seen ||
	    (mode < TCPX_ECN_OPTION_PERSIST && (ae->fail & TCPX_ACCECN_OPT_FAIL_SEND)) ||
	    (mode < TCPX_ECN_OPTION_FULL && !ae->opt_demand && !tcpx_accecn_beacon(sk)))
		return 0;
	for (i = 0; i < ARRAY_SIZE(opts->accecn); i++) {
		u8 n = accecn_fields[1][i];

		opts->accecn[i] = (ae->received_bytes[n] + accecn_bytes_init(n)) &
				  ACCECN_BYTES_MASK;
	}
	return accecn_option_len(opts, room, ae->opt_fields, opts->num_sack_blocks ? 2 : 0);
}

/**
 * tcpx_accecn_option_sent() - a segment with the option leaves
 * @tp: socket, locked
 * @dsack: and with a D-SACK block
 */
void tcpx_accecn_option_sent(struct tcpx_sock *tp, bool dsack)
{
	struct tcpx_accecn *ae = &tp->accecn;

	ae->opt_stamp = tp->tcp_mstamp;
	ae->opt_fields = 0;
	if (ae->opt_demand)
		ae->opt_demand--;
	ae->opt_with_dsack = dsack;
}

/**
 * tcpx_accecn_write_option() - write the option
 * @ptr: where to, 4-byte aligned
 * @opts: what
 * @rest: what did not fill a word: for the places of the two NOPs that come next
 *
 * Return: what comes next.
 */
__be32 *tcpx_accecn_write_option(__be32 *ptr, const struct tcpx_out_options *opts, u8 rest[2])
{
	unsigned int len = TCPX_ACCECN_BASE + opts->accecn_fields * TCPX_ACCECN_FIELD;
	unsigned int whole = len % 4 > 2 ? ALIGN(len, 4) : ALIGN_DOWN(len, 4);
	u8 bytes[TCPX_ACCECN_BASE + 3 * TCPX_ACCECN_FIELD + 1];
	int i;

	memset(bytes, TCPOPT_NOP, sizeof(bytes));
	bytes[0] = TCPX_OPT_KIND_ACCECN1;
	bytes[1] = len;
	for (i = 0; i < opts->accecn_fields; i++)
		put_unaligned_be24(opts->accecn[i],
				   bytes + TCPX_ACCECN_BASE + i * TCPX_ACCECN_FIELD);
	memcpy(ptr, bytes, whole);
	if (whole < len) {
		rest[0] = bytes[whole];
		rest[1] = bytes[whole + 1];
	}
	return ptr + whole / 4;
}

/**
 * tcpx_accecn_spurious() - the peer sent again what was acknowledged already
 * @tp: socket, locked
 * @seq: where it begins
 *
 * If it did so although the last ACK had the option and said that, somebody drops ACKs
 * with unknown options: rfc9768#section-3.2.3.2.2.
 */
void tcpx_accecn_spurious(struct tcpx_sock *tp, u32 seq)
{
	struct tcpx_accecn *ae = &tp->accecn;

	if (ae->opt_with_dsack && tcpx_is_sack(tp) && tp->disorder &&
	    seq == tp->disorder->duplicate_sack[0].start_seq)
		ae->fail |= TCPX_ACCECN_OPT_FAIL_SEND;
}
