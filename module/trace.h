/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events of the module: /sys/kernel/tracing/events/tcpx. States are told
 * by sock:inet_sock_set_state. saddr and sport are always the local end, daddr
 * and dport the remote one, whichever way the segment goes. Off, an event
 * costs the test of a static key.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tcpx

#if !defined(_TCPX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TCPX_TRACE_H

#include <linux/tracepoint.h>

#include "tcpx.h"

#ifndef _TCPX_TRACE_ONCE
#define _TCPX_TRACE_ONCE

/**
 * struct tcpx_trace_ends - the two ends of what an event is about
 * @saddr: local address, v4 ones mapped into v6
 * @daddr: remote address, likewise
 * @sport: local port, host order
 * @dport: remote port, host order
 * @family: AF_INET or AF_INET6
 * @state: TCP_*, 0 without a socket
 * @netns: inode number of the network namespace
 */
struct tcpx_trace_ends {
	struct in6_addr	saddr;
	struct in6_addr	daddr;
	u16		sport;
	u16		dport;
	u16		family;
	u8		state;
	u32		netns;
};

/**
 * struct tcpx_trace_segment - the TCP header of a segment, host order
 * @seq: SEG.SEQ
 * @end_seq: SEG.SEQ + SEG.LEN, SYN and FIN counted
 * @ack: SEG.ACK, as it stands there
 * @len: payload bytes
 * @window: window field, not scaled
 * @flags: TCPHDR_*
 */
struct tcpx_trace_segment {
	u32		seq;
	u32		end_seq;
	u32		ack;
	u32		len;
	u16		window;
	u8		flags;
};

/* What a connection thinks; zero for what is no full socket. */
struct tcpx_trace_tcb {
	u32		snd_una;
	u32		snd_nxt;
	u32		rcv_nxt;
	u32		snd_wnd;
	u32		rcv_wnd;
	u32		cwnd;
	u32		ssthresh;
	u32		srtt;
	u32		wmem_queued;
	u32		rmem_alloc;
};

void tcpx_trace_ends_get(struct tcpx_trace_ends *e, const struct sock *sk,
			 const struct sk_buff *skb);
void tcpx_trace_segment_get(struct tcpx_trace_segment *s, const struct sk_buff *skb);
void tcpx_trace_queued_get(struct tcpx_trace_segment *s, const struct sk_buff *skb);
void tcpx_trace_reset_get(struct tcpx_trace_segment *s, const struct sock *sk,
			  const struct sk_buff *skb);
void tcpx_trace_tcb_get(struct tcpx_trace_tcb *t, const struct sock *sk);

#endif /* _TCPX_TRACE_ONCE */

#undef FN
#define FN(reason)	TRACE_DEFINE_ENUM(SKB_DROP_REASON_##reason);
DEFINE_DROP_REASON(FN, FN)
#undef FN
#undef FNe
#define FN(reason)	{ SKB_DROP_REASON_##reason, #reason },
#define FNe(reason)	{ SKB_DROP_REASON_##reason, #reason }

#define tcpx_show_state(state)						\
	__print_symbolic(state,						\
			 { TCP_ESTABLISHED,	"ESTABLISHED" },	\
			 { TCP_SYN_SENT,	"SYN_SENT" },		\
			 { TCP_SYN_RECV,	"SYN_RECV" },		\
			 { TCP_FIN_WAIT1,	"FIN_WAIT1" },		\
			 { TCP_FIN_WAIT2,	"FIN_WAIT2" },		\
			 { TCP_TIME_WAIT,	"TIME_WAIT" },		\
			 { TCP_CLOSE,		"CLOSE" },		\
			 { TCP_CLOSE_WAIT,	"CLOSE_WAIT" },		\
			 { TCP_LAST_ACK,	"LAST_ACK" },		\
			 { TCP_LISTEN,		"LISTEN" },		\
			 { TCP_CLOSING,		"CLOSING" },		\
			 { TCP_NEW_SYN_RECV,	"NEW_SYN_RECV" },	\
			 { 0,			"NONE" })

#define tcpx_show_flags(flags)						\
	__print_flags(flags, "|",					\
		      { TCPHDR_SYN,	"SYN" },			\
		      { TCPHDR_FIN,	"FIN" },			\
		      { TCPHDR_RST,	"RST" },			\
		      { TCPHDR_PSH,	"PSH" },			\
		      { TCPHDR_ACK,	"ACK" },			\
		      { TCPHDR_URG,	"URG" },			\
		      { TCPHDR_ECE,	"ECE" },			\
		      { TCPHDR_CWR,	"CWR" })

#define TCPX_ENDS_FIELDS						\
		__field(const void *,	skaddr)				\
		__field(u32,		netns)				\
		__field(u16,		family)				\
		__field(u16,		sport)				\
		__field(u16,		dport)				\
		__field(u8,		state)				\
		__array(u8,		saddr, 4)			\
		__array(u8,		daddr, 4)			\
		__array(u8,		saddr_v6, 16)			\
		__array(u8,		daddr_v6, 16)

#define TCPX_ENDS_ASSIGN(sk, skb)					\
	do {								\
		struct tcpx_trace_ends e;				\
									\
		tcpx_trace_ends_get(&e, sk, skb);			\
		__entry->skaddr = sk;					\
		__entry->netns = e.netns;				\
		__entry->family = e.family;				\
		__entry->sport = e.sport;				\
		__entry->dport = e.dport;				\
		__entry->state = e.state;				\
		memcpy(__entry->saddr, &e.saddr.s6_addr32[3], 4);	\
		memcpy(__entry->daddr, &e.daddr.s6_addr32[3], 4);	\
		memcpy(__entry->saddr_v6, &e.saddr, 16);		\
		memcpy(__entry->daddr_v6, &e.daddr, 16);		\
	} while (0)

#define TCPX_ENDS_FMT							\
	"family=%s sport=%hu dport=%hu saddr=%pI4 daddr=%pI4 "		\
	"saddrv6=%pI6c daddrv6=%pI6c skaddr=%p netns=%u state=%s"

#define TCPX_ENDS_ARGS							\
	__print_symbolic(__entry->family, { AF_INET, "AF_INET" },	\
			 { AF_INET6, "AF_INET6" }),			\
	__entry->sport, __entry->dport, __entry->saddr, __entry->daddr,	\
	__entry->saddr_v6, __entry->daddr_v6, __entry->skaddr,		\
	__entry->netns, tcpx_show_state(__entry->state)

#define TCPX_SEGMENT_FIELDS						\
		__field(u32,		seq)				\
		__field(u32,		end_seq)			\
		__field(u32,		ack)				\
		__field(u32,		len)				\
		__field(u16,		window)				\
		__field(u8,		flags)

#define TCPX_SEGMENT_ASSIGN(get, ...)					\
	do {								\
		struct tcpx_trace_segment s;				\
									\
		get(&s, __VA_ARGS__);					\
		__entry->seq = s.seq;					\
		__entry->end_seq = s.end_seq;				\
		__entry->ack = s.ack;					\
		__entry->len = s.len;					\
		__entry->window = s.window;				\
		__entry->flags = s.flags;				\
	} while (0)

#define TCPX_SEGMENT_FMT						\
	" seq=%u end_seq=%u ack=%u len=%u window=%u flags=0x%02x [%s]"

#define TCPX_SEGMENT_ARGS						\
	__entry->seq, __entry->end_seq, __entry->ack, __entry->len,	\
	__entry->window, __entry->flags, tcpx_show_flags(__entry->flags)

#define TCPX_TCB_FMT							\
	" snd_una=%u snd_nxt=%u rcv_nxt=%u snd_wnd=%u rcv_wnd=%u cwnd=%u ssthresh=%u srtt=%u wmem_queued=%u rmem_alloc=%u"

/* A segment as it is on the wire, and what the connection thinks before it. */
DECLARE_EVENT_CLASS(tcpx_segment,

	TP_PROTO(const struct sock *sk, const struct sk_buff *skb),

	TP_ARGS(sk, skb),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		TCPX_SEGMENT_FIELDS
		__field(u32,		snd_una)
		__field(u32,		snd_nxt)
		__field(u32,		rcv_nxt)
		__field(u32,		snd_wnd)
		__field(u32,		rcv_wnd)
		__field(u32,		cwnd)
		__field(u32,		ssthresh)
		__field(u32,		srtt)
		__field(u32,		wmem_queued)
		__field(u32,		rmem_alloc)
	),

	TP_fast_assign(
		struct tcpx_trace_tcb t;

		TCPX_ENDS_ASSIGN(sk, skb);
		TCPX_SEGMENT_ASSIGN(tcpx_trace_segment_get, skb);
		tcpx_trace_tcb_get(&t, sk);
		__entry->snd_una = t.snd_una;
		__entry->snd_nxt = t.snd_nxt;
		__entry->rcv_nxt = t.rcv_nxt;
		__entry->snd_wnd = t.snd_wnd;
		__entry->rcv_wnd = t.rcv_wnd;
		__entry->cwnd = t.cwnd;
		__entry->ssthresh = t.ssthresh;
		__entry->srtt = t.srtt;
		__entry->wmem_queued = t.wmem_queued;
		__entry->rmem_alloc = t.rmem_alloc;
	),

	TP_printk(TCPX_ENDS_FMT TCPX_SEGMENT_FMT TCPX_TCB_FMT,
		  TCPX_ENDS_ARGS, TCPX_SEGMENT_ARGS,
		  __entry->snd_una, __entry->snd_nxt, __entry->rcv_nxt,
		  __entry->snd_wnd, __entry->rcv_wnd, __entry->cwnd,
		  __entry->ssthresh, __entry->srtt, __entry->wmem_queued,
		  __entry->rmem_alloc)
);

/* The TCP header is in place, the IP header not yet. */
DEFINE_EVENT(tcpx_segment, tcpx_send_segment,
	TP_PROTO(const struct sock *sk, const struct sk_buff *skb),
	TP_ARGS(sk, skb)
);

DEFINE_EVENT(tcpx_segment, tcpx_receive_segment,
	TP_PROTO(const struct sock *sk, const struct sk_buff *skb),
	TP_ARGS(sk, skb)
);

/* What the send queue held of it; tcpx_send_segment tells of it too. */
TRACE_EVENT(tcpx_retransmit_segment,

	TP_PROTO(const struct sock *sk, const struct sk_buff *skb),

	TP_ARGS(sk, skb),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		TCPX_SEGMENT_FIELDS
		__field(u8,		ca_state)
		__field(u8,		retransmits)
		__field(u32,		rto)
	),

	TP_fast_assign(
		TCPX_ENDS_ASSIGN(sk, NULL);
		TCPX_SEGMENT_ASSIGN(tcpx_trace_queued_get, skb);
		__entry->ca_state = tcpx_sk(sk)->ca_state;
		__entry->retransmits = tcpx_sk(sk)->retransmits;
		__entry->rto = jiffies_to_msecs(tcpx_sk(sk)->rto);
	),

	TP_printk(TCPX_ENDS_FMT TCPX_SEGMENT_FMT " ca_state=%s retransmits=%u rto=%ums",
		  TCPX_ENDS_ARGS, TCPX_SEGMENT_ARGS,
		  __print_symbolic(__entry->ca_state,
				   { TCP_CA_Open,	"Open" },
				   { TCP_CA_Disorder,	"Disorder" },
				   { TCP_CA_CWR,	"CWR" },
				   { TCP_CA_Recovery,	"Recovery" },
				   { TCP_CA_Loss,	"Loss" }),
		  __entry->retransmits, __entry->rto)
);

/* A received segment is thrown away. @sk may be NULL or not a full socket. */
TRACE_EVENT(tcpx_drop_segment,

	TP_PROTO(const struct sock *sk, const struct sk_buff *skb,
		 enum skb_drop_reason reason),

	TP_ARGS(sk, skb, reason),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		TCPX_SEGMENT_FIELDS
		__field(enum skb_drop_reason, reason)
	),

	TP_fast_assign(
		TCPX_ENDS_ASSIGN(sk, skb);
		TCPX_SEGMENT_ASSIGN(tcpx_trace_segment_get, skb);
		__entry->reason = reason;
	),

	TP_printk(TCPX_ENDS_FMT TCPX_SEGMENT_FMT " reason=%s",
		  TCPX_ENDS_ARGS, TCPX_SEGMENT_ARGS,
		  __print_symbolic(__entry->reason, DEFINE_DROP_REASON(FN, FNe)))
);

/*
 * A RST goes out: seq, ack and flags are its own. @skb is the segment it
 * answers, and @sk may be NULL then; or @skb is NULL, the RST is @sk's own doing
 * (active) and tcpx_send_segment tells of it too.
 */
TRACE_EVENT(tcpx_send_reset,

	TP_PROTO(const struct sock *sk, const struct sk_buff *skb),

	TP_ARGS(sk, skb),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		TCPX_SEGMENT_FIELDS
		__field(bool,		active)
	),

	TP_fast_assign(
		TCPX_ENDS_ASSIGN(sk, skb);
		TCPX_SEGMENT_ASSIGN(tcpx_trace_reset_get, sk, skb);
		__entry->active = !skb;
	),

	TP_printk(TCPX_ENDS_FMT TCPX_SEGMENT_FMT " active=%d",
		  TCPX_ENDS_ARGS, TCPX_SEGMENT_ARGS, __entry->active)
);

/* A RST was found acceptable: the connection ends. */
TRACE_EVENT(tcpx_receive_reset,

	TP_PROTO(const struct sock *sk),

	TP_ARGS(sk),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
	),

	TP_fast_assign(
		TCPX_ENDS_ASSIGN(sk, NULL);
	),

	TP_printk(TCPX_ENDS_FMT, TCPX_ENDS_ARGS)
);

/* @queue: 0 a SYN found no place among the half-open connections, 1 a completed
 * connection found none in the accept queue.
 */
TRACE_EVENT(tcpx_listen_overflow,

	TP_PROTO(const struct sock *sk, int queue),

	TP_ARGS(sk, queue),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		__field(int,		queue)
		__field(int,		half_open)
		__field(u32,		backlog)
		__field(u32,		max_backlog)
	),

	TP_fast_assign(
		TCPX_ENDS_ASSIGN(sk, NULL);
		__entry->queue = queue;
		__entry->half_open = atomic_read(&tcpx_queue(sk)->qlen);
		__entry->backlog = READ_ONCE(sk->sk_ack_backlog);
		__entry->max_backlog = READ_ONCE(sk->sk_max_ack_backlog);
	),

	TP_printk(TCPX_ENDS_FMT " queue=%s half_open=%d backlog=%u max_backlog=%u",
		  TCPX_ENDS_ARGS,
		  __print_symbolic(__entry->queue, { 0, "half-open" }, { 1, "accept" }),
		  __entry->half_open, __entry->backlog, __entry->max_backlog)
);

#define TCPX_TOTALS_FMT							\
	" bytes_sent=%llu bytes_acked=%llu bytes_received=%llu bytes_retrans=%llu segs_out=%u segs_in=%u total_retrans=%u srtt=%u"

TRACE_EVENT(tcpx_destroy_sock,

	TP_PROTO(const struct sock *sk),

	TP_ARGS(sk),

	TP_STRUCT__entry(
		TCPX_ENDS_FIELDS
		__field(u64,		bytes_sent)
		__field(u64,		bytes_acked)
		__field(u64,		bytes_received)
		__field(u64,		bytes_retrans)
		__field(u32,		segs_out)
		__field(u32,		segs_in)
		__field(u32,		total_retrans)
		__field(u32,		srtt)
	),

	TP_fast_assign(
		const struct tcpx_sock *tp = tcpx_sk(sk);

		TCPX_ENDS_ASSIGN(sk, NULL);
		__entry->bytes_sent = tp->bytes_sent;
		__entry->bytes_acked = tp->bytes_acked;
		__entry->bytes_received = tp->bytes_received;
		__entry->bytes_retrans = tp->bytes_retrans;
		__entry->segs_out = tp->segs_out;
		__entry->segs_in = tp->segs_in;
		__entry->total_retrans = tp->total_retrans;
		__entry->srtt = tp->cc.srtt_us >> 3;
	),

	TP_printk(TCPX_ENDS_FMT TCPX_TOTALS_FMT,
		  TCPX_ENDS_ARGS, __entry->bytes_sent, __entry->bytes_acked,
		  __entry->bytes_received, __entry->bytes_retrans, __entry->segs_out,
		  __entry->segs_in, __entry->total_retrans, __entry->srtt)
);

#undef FN
#undef FNe

#endif /* _TCPX_TRACE_H */

/* Relative to the -I of the module's sources. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
