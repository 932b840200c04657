/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: the module's own types. Small functions on them are in helpers.h, what its
 * files offer each other in offers.h; both are included here.
 *
 * The way of a byte: sendmsg.c -> output.c -> ipv4_output.c -> (wire) -> ipv4.c ->
 * receive.c -> demux.c -> input.c -> recvmsg.c, or ipv6*.c for ipv4*.c. The head of
 * af_tcpx.c describes the tables, the lock order and who holds which reference.
 */
#ifndef _TCPX_H
#define _TCPX_H

#include "compat.h"

#include <linux/hrtimer.h>
#include <linux/jump_label.h>
#include <linux/module.h>
#include <linux/rbtree.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/inet_common.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netns/generic.h>
#include <net/request_sock.h>
#include <net/snmp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>

#include <tcpx.h>

#include "cong.h"

/* Aliases of <linux/tcp.h> for its own TIME_WAIT socks; ours have members. */
#undef tw_rcv_nxt
#undef tw_snd_nxt

/* --- limits and constants that are not in <net/tcp.h> ------------------- */

#define TCPX_CB(skb)		((struct tcpx_skb_cb *)&((skb)->cb[0]))

/* Bits of tcpx_skb_cb.sacked: what is known of a sent segment. */
#define TCPXCB_SACKED_ACKED	0x01	/* a SACK block covers it */
#define TCPXCB_SACKED_RETRANS	0x02	/* retransmitted, not known lost again */
#define TCPXCB_LOST		0x04	/* held for lost */
#define TCPXCB_TAGBITS		0x07
#define TCPXCB_EVER_RETRANS	0x80	/* was ever retransmitted (Karn) */
#define TCPXCB_RETRANS		(TCPXCB_SACKED_RETRANS | TCPXCB_EVER_RETRANS)

/* Values of tcpx_sock.pending: what the retransmit timer is armed for. */
#define TCPX_TIME_RETRANS	1	/* RTO, rfc6298 */
#define TCPX_TIME_PROBE0	3	/* zero-window probe, rfc9293#section-3.8.6.1 */
#define TCPX_TIME_LOSS_PROBE	5	/* TLP, rfc8985#section-7 */
#define TCPX_TIME_REO_TIMEOUT	6	/* RACK reordering timer, rfc8985#section-6.3 */

/* Bits of tcpx_sock.ack.pending. */
#define TCPX_ACK_SCHED		1	/* an ACK is owed */
#define TCPX_ACK_TIMER		2	/* the delayed-ACK timer is armed */
#define TCPX_ACK_PUSHED		4	/* a segment with PSH came */
#define TCPX_ACK_PUSHED2	8	/* more than one did */
#define TCPX_ACK_NOW		16	/* send it at the next occasion */

/* Work put off while the user holds the lock: tcpx_release_cb(). */
#define TCPX_DEFERRED_ALL	(BIT(TCP_TSQ_DEFERRED) | BIT(TCP_WRITE_TIMER_DEFERRED) | \
				 BIT(TCP_DELACK_TIMER_DEFERRED) | BIT(TCP_MTU_REDUCED_DEFERRED))

/* Bits of tcpx_sock.nonagle. */
#define TCPX_NAGLE_OFF		1	/* TCP_NODELAY */
#define TCPX_NAGLE_CORK		2	/* TCP_CORK, MSG_MORE */
#define TCPX_NAGLE_PUSH		4	/* send what is there, once */

/* Bits of tcpx_sock.ecn_flags. */
#define TCPX_ECN_OK		1	/* feedback as in rfc3168 */
#define TCPX_ECN_QUEUE_CWR	2	/* the next segment says CWR */
#define TCPX_ECN_DEMAND_CWR	4	/* say ECE until CWR comes */
#define TCPX_ECN_SEEN		8	/* a segment came ECN-capable */
#define TCPX_ECN_ACCECN		16	/* feedback as in rfc9768; with OK: asked for in a SYN */
#define TCPX_ECN_MODE		(TCPX_ECN_OK | TCPX_ECN_ACCECN)

/* The bits of word 3 of a header that rfc3168 left alone; and ACE, rfc9768. */
#define TCPX_RESERVED_BITS	cpu_to_be32(0x0F000000)
#define TCPX_ACE_BITS		cpu_to_be32(0x01C00000)

/* net.ipv4.tcp_ecn and tcp_ecn_option of kernels that have AccECN. */
#define TCPX_ECN_IN_ACCECN_OUT_ACCECN	3
#define TCPX_ECN_IN_ACCECN_OUT_ECN	4
#define TCPX_ECN_IN_ACCECN_OUT_NOECN	5
#define TCPX_ECN_OPTION_FULL		2	/* in every segment */
#define TCPX_ECN_OPTION_PERSIST		3	/* even if it seems to be dropped */

/* The AccECN option, rfc9768#section-3.2.3: two kinds, which differ in the order. */
#define TCPX_OPT_KIND_ACCECN0	172
#define TCPX_OPT_KIND_ACCECN1	174
#define TCPX_ACCECN_BASE	2
#define TCPX_ACCECN_FIELD	3

/* tcpx_accecn.opt_seen and the bits of tcpx_accecn.fail: as TCP_INFO has them. */
#define TCPX_ACCECN_OPT_EMPTY		1
#define TCPX_ACCECN_OPT_COUNTERS	2
#define TCPX_ACCECN_OPT_BAD		3
#define TCPX_ACCECN_ACE_FAIL_SEND	BIT(0)
#define TCPX_ACCECN_ACE_FAIL_RECV	BIT(1)
#define TCPX_ACCECN_OPT_FAIL_SEND	BIT(2)
#define TCPX_ACCECN_OPT_FAIL_RECV	BIT(3)

#define TCPX_PINGPONG_THRESH	1
#define TCPX_ATO_MIN		(HZ / 25)	/* 40 ms */
#define TCPX_DELACK_MAX		(HZ / 5)	/* 200 ms, rfc9293#section-3.8.6.3 allows 500 */
#define TCPX_RTO_MIN		((u32)(HZ / 5))
#define TCPX_RTO_MAX		((u32)(120 * HZ))
#define TCPX_TIMEOUT_INIT	((u32)HZ)	/* rfc6298#section-2 */
#define TCPX_TIMEOUT_FALLBACK	((u32)(3 * HZ))
#define TCPX_TIMEWAIT_LEN	(60 * HZ)
#define TCPX_PAWS_24DAYS	(24 * 24 * 60 * 60)	/* s, rfc7323#section-5.5 */
#define TCPX_MIN_SNDMSS		(40 + 8)
#define TCPX_MAX_HEADER		L1_CACHE_ALIGN(128 + MAX_HEADER)
#define TCPX_BASE_HDR		sizeof(struct tcphdr)

/* --- skb->cb ------------------------------------------------------------ */

/**
 * struct tcpx_skb_cb - what TCPX keeps in skb->cb, on both sides
 * @seq: first sequence number; SYN and FIN count one each
 * @end_seq: sequence number after the last one
 * @gso_segs: sending: wire segments this skb becomes
 * @gso_size: sending: payload bytes of each (0 until it was first sent)
 * @tw_isn: receiving a SYN that may reuse a TIME_WAIT: the ISN to answer with,
 *	    0 if none
 * @tcp_flags: TCPHDR_* of the segment
 * @sacked: TCPXCB_* bits (sending); receiving: where the SACK option starts, counted
 *	    from the TCP header, 0 if there is none
 * @ip_dsfield: receiving: TOS or traffic class
 * @txstamp_ack: sending: a time stamp is wanted when it is acknowledged
 * @eor: sending: nothing may be appended (MSG_EOR)
 * @ae: sending: the bit AE, for which tcp_flags has no room
 * @is_app_limited: sending: the application was the limit when it left
 * @has_rxtstamp: receiving: skb->tstamp holds the arrival time
 * @ack_seq: receiving: acknowledgement number
 * @tx: sending: the delivery-rate sample taken when it was sent
 * @header: receiving: the IP layer's parsed options; sending: must be zero
 *	    when the skb enters the IP layer
 */
struct tcpx_skb_cb {
	u32	seq;
	u32	end_seq;
	union {
		struct {
			u16	gso_segs;
			u16	gso_size;
		};
		u32	tw_isn;
	};
	u8	tcp_flags;
	u8	sacked;
	u8	ip_dsfield;
	u8	txstamp_ack:1,
		eor:1,
		has_rxtstamp:1,
		is_app_limited:1,
		ae:1;
	u32	ack_seq;
	union {
		struct {
			u32	delivered;
			u32	delivered_ce;
			u64	first_tx_mstamp;
			u64	delivered_mstamp;
		} tx;
		union {
			struct inet_skb_parm	h4;
#if IS_ENABLED(CONFIG_IPV6)
			struct inet6_skb_parm	h6;
#endif
		} header;
	};
};

/* --- options ------------------------------------------------------------ */

/**
 * struct tcpx_options_received - the peer's options (rfc9293#section-3.1,
 *	rfc7323, rfc2018), of its SYN and of its latest segment
 * @ts_recent: TS.Recent, rfc7323#section-4.3
 * @ts_recent_stamp: when @ts_recent was taken, ktime_get_seconds()
 * @rcv_tsval: TSval of the segment just parsed
 * @rcv_tsecr: TSecr of it, our offset already subtracted by the caller
 * @saw_tstamp: the segment just parsed had the option
 * @tstamp_ok: both SYNs carried timestamps
 * @dsack: a D-SACK block is waiting in duplicate_sack
 * @wscale_ok: both SYNs carried window scale
 * @sack_ok: both SYNs carried SACK-permitted
 * @snd_wscale: shift of the windows we are sent
 * @rcv_wscale: shift of the windows we send
 * @num_sacks: blocks in selective_acks
 * @accecn: where the AccECN option of the segment just parsed starts, counted from the
 *	    TCP header, 0 if there is none
 * @user_mss: TCP_MAXSEG, 0 if not set
 * @mss_clamp: no larger segment, from the peer's MSS option and @user_mss
 */
struct tcpx_options_received {
	int	ts_recent_stamp;
	u32	ts_recent;
	u32	rcv_tsval;
	u32	rcv_tsecr;
	u16	saw_tstamp:1,
		tstamp_ok:1,
		dsack:1,
		wscale_ok:1,
		sack_ok:1,
		snd_wscale:4,
		rcv_wscale:4;
	u8	num_sacks;
	u8	accecn;
	u16	user_mss;
	u16	mss_clamp;
};

/* --- tables ------------------------------------------------------------- */

/**
 * struct tcpx_bind_bucket - a local port in use in one netns
 * @node: in tcpx_bind_hashbucket.chain, under its lock
 * @owners: sockets and TIME_WAIT entries bound to it (sk_bind_node), same lock
 * @dead: in tcpx_net.rsv_dead when the last owner has left a port that does
 *	not linger, under tcpx_net.rsv_lock
 * @rsv: kernel TCP socket that reserves the port
 * @net: the netns
 * @port: host order
 * @fastreuse: 1 all owners have SO_REUSEADDR and none listens; 0 unknown
 * @fastreuseport: 1 all owners are of one SO_REUSEPORT group; 0 unknown
 * @fastuid: owner of that group
 * @active: made by connect(): shared per destination, not available to bind()
 * @idle_since: jiffies when the last owner left; the bucket and its
 *	reservation live on for a while, see bhash.c
 * @nsock: full sockets among @owners
 * @tw_strict: TIME_WAIT entries among @owners that lack SO_REUSEADDR
 * @relaxed: only TIME_WAIT entries with SO_REUSEADDR are left: kernel TCP may
 *	bind the port with SO_REUSEADDR too, as it could among its own
 *
 * bhash.c and bind.c alone may look inside.
 */
struct tcpx_bind_bucket {
	struct hlist_node	node;
	struct hlist_head	owners;
	struct list_head	dead;
	struct sock		*rsv;
	struct net		*net;
	unsigned long		idle_since;
	unsigned int		nsock;
	unsigned int		tw_strict;
	kuid_t			fastuid;
	unsigned short		port;
	signed char		fastreuse;
	signed char		fastreuseport;
	bool			active;
	bool			relaxed;
};

struct tcpx_bind_hashbucket {
	spinlock_t		lock;	/* taken with BH off */
	struct hlist_head	chain;
};

struct tcpx_ehash_bucket {
	struct hlist_nulls_head	chain;
};

struct tcpx_lhash_bucket {
	spinlock_t		lock;	/* writers of chain, BH off */
	struct hlist_nulls_head	chain;
};

/**
 * struct tcpx_hashinfo - the tables of one netns, made at its first socket
 * @ehash: connections by 4-tuple: full sockets, request socks
 *	(TCP_NEW_SYN_RECV) and TIME_WAIT entries; read under RCU
 * @ehash_mask: buckets - 1
 * @ehash_locks: spinlocks for writing, by bucket & @ehash_locks_mask
 * @ehash_locks_mask: locks - 1
 * @lhash: listeners by port; read under RCU
 * @lhash_mask: buckets - 1
 * @bhash: bound ports by port
 * @bhash_mask: buckets - 1
 * @bound_ports: bitmap of ports that bind() gave out, only to pass over them
 *	quickly; bhash.c
 */
struct tcpx_hashinfo {
	struct tcpx_ehash_bucket	*ehash;
	spinlock_t			*ehash_locks;	/* writers of a chain, BH off */
	unsigned int			ehash_mask;
	unsigned int			ehash_locks_mask;
	struct tcpx_lhash_bucket	*lhash;
	unsigned int			lhash_mask;
	struct tcpx_bind_hashbucket	*bhash;
	unsigned int			bhash_mask;
	unsigned long			*bound_ports;
};

#define TCPX_FASTOPEN_BUCKETS	64

/**
 * struct tcpx_fastopen_cache - what Fast Open remembers of peers, fastopen_client.c
 * @lock: writers, BH off
 * @bucket: struct tcpx_fastopen_peer, by addresses; read under RCU
 */
struct tcpx_fastopen_cache {
	spinlock_t		lock;	/* writers, BH off */
	struct hlist_head	bucket[TCPX_FASTOPEN_BUCKETS];
};

/**
 * struct tcpx_net - per network namespace (tcpx_pernet())
 * @hinfo: tables; NULL until the netns has its first socket; lockless readers
 * @hinfo_mutex: makes @hinfo, switches @early
 * @early: early_demux.c has its hook in this netns
 * @net: back pointer
 * @tcp_mib: TCP_MIB_* (RFC 4022 names) and
 * @net_mib: LINUX_MIB_* (kernel TCP's names); mib.c
 * @nr_sock: full sockets of this netns alive (any state)
 * @tw_count: TIME_WAIT entries; limited by net.ipv4.tcp_max_tw_buckets
 * @req_count: request socks
 * @orphan_count: sockets without a file, limited by tcp_max_orphans
 * @challenge_timestamp: second of the current challenge-ACK budget
 * @challenge_count: what is left of it, rfc5961#section-7
 * @rsv_work: bhash.c: gives up idle reservations
 * @rsv_lock: protects @rsv_dead; taken inside a bind bucket's lock, BH off
 * @rsv_dead: buckets without owners whose reservation is to go at once
 * @fastopen: cookies of peers
 * @sysctl: our own knobs, net.tcpx.*; sysctl.c
 */
struct tcpx_net {
	struct tcpx_hashinfo		*hinfo;
	struct mutex			hinfo_mutex;	/* makes hinfo, switches early */
	bool				early;
	struct net			*net;
	struct tcp_mib __percpu		*tcp_mib;
	struct linux_mib __percpu	*net_mib;
	atomic_t			nr_sock;
	atomic_t			tw_count;
	atomic_t			req_count;
	atomic_t			orphan_count;
	u32				challenge_timestamp;
	u32				challenge_count;
	struct delayed_work		rsv_work;
	spinlock_t			rsv_lock;	/* rsv_dead, BH off */
	struct list_head		rsv_dead;
	struct tcpx_fastopen_cache	fastopen;
	struct {
		struct ctl_table_header	*hdr;
		int			max_orphans;
		int			port_linger_ms;
		int			ecn;
		int			ecn_option;
		int			ecn_option_beacon;
		struct tcpx_congestion_ops __rcu *congestion_control;
	} sysctl;
};

extern unsigned int tcpx_net_id;

/* net_generic() with preemption off in place of rcu_read_lock(): as good a reader, and
 * inline where the other is two calls, which is much where something is counted.
 */
static inline struct tcpx_net *tcpx_pernet(const struct net *net)
{
	struct tcpx_net *tn;

	preempt_disable_notrace();
	tn = rcu_dereference_sched(net->gen)->ptr[tcpx_net_id];
	preempt_enable_notrace();
	return tn;
}

#define TCPX_INC_STATS(net, field)	SNMP_INC_STATS(tcpx_pernet(net)->tcp_mib, field)
#define TCPX_DEC_STATS(net, field)	SNMP_DEC_STATS(tcpx_pernet(net)->tcp_mib, field)
#define TCPX_ADD_STATS(net, field, v)	SNMP_ADD_STATS(tcpx_pernet(net)->tcp_mib, field, v)
#define TCPX_NET_INC(net, field)	SNMP_INC_STATS(tcpx_pernet(net)->net_mib, field)
#define TCPX_NET_ADD(net, field, v)	SNMP_ADD_STATS(tcpx_pernet(net)->net_mib, field, v)

/* --- sockets ------------------------------------------------------------ */

struct tcpx_sock;
struct tcpx_request_sock;
struct tcpx_reply;

/**
 * struct tcpx_af_ops - one face towards IP: all that differs by version
 * @queue_xmit: route, push the IP header, send; consumes @skb; lock: sock
 * @send_check: fill th->check for CHECKSUM_PARTIAL; transport header set
 * @rebuild_header: find a route for a connected socket again, 0 or -errno
 * @conn_request: handle a SYN at a listener, in softirq, no listener lock
 * @syn_recv_sock: make the child of a completed handshake: returned locked
 *	(bh_lock_sock) and hashed, or NULL. *own_req is false if it is NULL
 *	because another CPU made the child first
 * @init_req: addresses and IP options of a new request, from its SYN
 * @init_seq: ISN to answer the SYN @skb with, rfc6528
 * @init_ts_off: timestamp offset to answer the SYN or ACK @skb with
 * @route_req: route for a SYN-ACK (fills the flow), NULL if there is none
 * @send_synack_ip: push the IP header for a request and send; consumes @skb
 * @mtu_reduced: tp->mtu_info was lowered by ICMP; lock: sock
 * @getsockopt: level IPPROTO_IP / IPPROTO_IPV6
 * @setsockopt: same
 * @gso_type: SKB_GSO_TCPV4 or SKB_GSO_TCPV6
 * @mss_default: MSS of a peer that does not tell, rfc9293#section-3.7.1
 * @net_header_len: bytes of a plain IP header
 * @sockaddr_len: bytes of the address type
 */
struct tcpx_af_ops {
	int	(*queue_xmit)(struct sock *sk, struct sk_buff *skb);
	void	(*send_check)(struct sock *sk, struct sk_buff *skb);
	int	(*rebuild_header)(struct sock *sk);
	int	(*conn_request)(struct sock *sk, struct sk_buff *skb);
	struct sock *(*syn_recv_sock)(struct sock *lsk, struct sk_buff *skb,
				      struct tcpx_request_sock *req,
				      struct dst_entry *dst, bool *own_req);
	void	(*init_req)(struct tcpx_request_sock *req, const struct sock *lsk,
			    struct sk_buff *skb);
	u32	(*init_seq)(const struct sk_buff *skb);
	u32	(*init_ts_off)(const struct net *net, const struct sk_buff *skb);
	struct dst_entry *(*route_req)(const struct sock *lsk,
				       struct tcpx_request_sock *req,
				       struct flowi *fl);
	int	(*send_synack_ip)(const struct sock *lsk, struct sk_buff *skb,
				  struct tcpx_request_sock *req,
				  struct dst_entry *dst);
	void	(*mtu_reduced)(struct sock *sk);
	int	(*setsockopt)(struct sock *sk, int level, int optname,
			      sockptr_t optval, unsigned int optlen);
	int	(*getsockopt)(struct sock *sk, int level, int optname,
			      char __user *optval, int __user *optlen);
	int	gso_type;
	u16	mss_default;
	u16	net_header_len;
	u16	sockaddr_len;
};

/**
 * struct tcpx_accept_queue - what listen() adds to a socket
 * @lock: protects @head and @tail; taken inside the socket lock, BH off
 * @head: completed connections (request socks whose ->sk is the child), FIFO
 * @tail: last of them
 * @fastopenq: children of SYNs with data, and who may be such, fastopen.c
 * @heir: while the listener closes: another one of its SO_REUSEPORT group, referenced,
 *	if connections are to go there (migrate.c)
 * @qlen: half-open connections (request socks in ehash that point here)
 * @young: those of them whose SYN-ACK was not yet retransmitted
 * @synflood_warned: "possible SYN flooding" was logged
 * @synq_overflow_ts: 32-bit jiffies when a cookie was last sent; lockless
 *
 * The accept queue's length is sk_ack_backlog, its limit sk_max_ack_backlog.
 */
struct tcpx_accept_queue {
	spinlock_t		lock;	/* head, tail; BH off */
	u8			synflood_warned;
	u32			synq_overflow_ts;
	atomic_t		qlen;
	atomic_t		young;
	struct request_sock	*head;
	struct request_sock	*tail;
	struct fastopen_queue	fastopenq;
	struct sock		*heir;
};

/**
 * struct tcpx_accecn - more accurate ECN, both half connections; accecn.c
 * @opt_stamp: us, when an option was last sent
 * @received_ce: segments that came marked
 * @received_bytes: payload that came with ECT(1), ECT(0), CE
 * @delivered_bytes: payload that arrived with them, as the peer says
 * @syn_ect_snt: IP-ECN field of our SYN or SYN-ACK
 * @syn_ect_rcv: of the peer's
 * @prev_ecn: of the last segment
 * @opt_seen: TCPX_ACCECN_OPT_*: what was seen of the peer's option
 * @fail: TCPX_ACCECN_*_FAIL_*
 * @ce_pending: marked segments since we last sent ACE
 * @opt_demand: so many of the next segments should have the option
 * @opt_fields: least fields of it that are worth sending
 * @reflect: the next pure ACK tells how the SYN-ACK came
 * @opt_with_dsack: the last option went with a D-SACK block
 */
struct tcpx_accecn {
	u64	opt_stamp;
	u32	received_ce;
	u32	received_bytes[3];
	u32	delivered_bytes[3];
	u8	syn_ect_snt:2,
		syn_ect_rcv:2,
		prev_ecn:2,
		opt_seen:2;
	u8	fail:4,
		ce_pending:4;
	u8	opt_demand:2,
		opt_fields:2,
		reflect:1,
		opt_with_dsack:1;
};

/**
 * struct tcpx_sock - a TCPX socket
 *
 * Fields bear the names they have in struct tcp_sock and struct
 * inet_connection_sock (without icsk_), with the same meaning and units, so
 * that who knows those knows this. All are protected by the socket lock
 * unless their kernel-doc says otherwise.
 *
 * @inet: must be first; sk_protocol is IPPROTO_TCPX, is_icsk is clear
 * @af_ops: the face towards IP
 *
 * @tcp_header_len: bytes of header with the options every segment carries
 * @gso_segs: most segments in one skb
 * @pred_flags: word 3 of the header of the expected next segment
 * @rcv_nxt: RCV.NXT
 * @copied_seq: first sequence number the user has not read
 * @rcv_wup: rcv_nxt when the window was last advertised
 * @snd_nxt: SND.NXT
 * @snd_una: SND.UNA
 * @snd_sml: end of the last small segment sent (Minshall)
 * @write_seq: sequence number after the last byte queued by the user
 * @pushed_seq: end of the last data marked PSH
 * @snd_wl1: SND.WL1
 * @snd_wnd: SND.WND, scaled
 * @max_window: largest window the peer ever offered
 * @rcv_wnd: RCV.WND as last advertised
 * @rcv_ssthresh: bound of the window we offer, grows with good segments
 * @window_clamp: no larger window is offered
 * @snd_up: SND.UP
 *
 * @mss_cache: payload bytes per segment now, without SACK blocks
 * @pmtu_cookie: path MTU @mss_cache was computed from
 * @advmss: MSS we advertise
 * @ext_hdr_len: bytes of IP options
 * @mtu_info: MTU an ICMP error told while the user held the lock
 * @mtup: path MTU probing, rfc4821; mtu_probe.c
 *
 * @packets_out: wire segments sent and not cumulatively acked
 * @retrans_out: those of them retransmitted and still out
 * @sacked_out: those of them SACKed (without SACK: duplicate ACKs counted)
 * @lost_out: those of them held for lost
 * @reordering: segments a hole may stay open before it is a loss
 * @high_seq: snd_nxt when the current recovery began
 * @undo_marker: snd_una when it began, 0 if it can't be undone
 * @undo_retrans: retransmissions not yet known needless
 * @retrans_stamp: TSval-clock (ms) of the first retransmission of the episode
 * @prr_delivered: rfc6937
 * @prr_out: rfc6937
 * @total_retrans: whole connection
 * @highest_sack: first skb after the highest SACKed one; valid if sacked_out
 * @tsorted_sent_queue: sent and not SACKed skbs by time of sending (RACK)
 * @rack: state of rfc8985
 * @out_of_order_queue: skbs beyond a hole, by seq
 * @ooo_last_skb: the last of them
 * @duplicate_sack: D-SACK to report, rfc2883
 * @selective_acks: blocks to report, rfc2018
 *
 * @rto: retransmission timeout, jiffies
 * @retransmits: RTOs since the last progress
 * @backoff: shift of the zero-window probe or RTO
 * @probes_out: zero-window or keepalive probes not answered
 * @pending: TCPX_TIME_*
 * @timeout: when the retransmit timer means to fire, jiffies
 * @retransmit_timer: RTO, TLP, RACK and zero-window probe, told by @pending
 * @pacing_timer: departure of the next skb where no fq qdisc keeps it
 * @delack_timer: delayed ACK; keepalive, FIN_WAIT2 use sk->sk_timer
 * @compressed_ack_timer: end of an ACK's waiting for more out of order
 * @compressed_ack: ACKs not sent because one will say it all
 * @compressed_ack_rcv_nxt: rcv_nxt when @dup_ack_counter was last reset
 * @dup_ack_counter: duplicate ACKs sent for it, each at once
 *
 * @ack: state of ACK sending
 * @rx_opt: options received
 * @cc: what a congestion control may see and change
 * @bind_hash: the port's bucket, NULL if not bound
 * @accept_queue: listeners
 * @linger2: jiffies in FIN_WAIT2 after close, 0 default, < 0 none
 *
 * @rcv_tstamp: tcpx_jiffies32() of the last ACK
 * @lsndtime: tcpx_jiffies32() of the last data sent
 * @tsoffset: what is added to our TSval, and deducted from TSecr
 * @notsent_lowat: TCP_NOTSENT_LOWAT, bytes, 0: sysctl
 * @tsq_node: in the list of tcpx_tsq_tasklet()
 * @tcp_mstamp: time of the present burst, us
 * @tcp_wstamp_ns: earliest departure of the next skb, ns
 * @tcp_clock_cache: @tcp_mstamp in ns
 * @reord_seen: how often reordering was seen
 * @tlp_high_seq: snd_nxt when a loss probe was sent, 0: none is out
 * @rto_min: lower bound of the RTO's variance, jiffies
 * @rtt_seq: snd_nxt at the start of the present round trip
 * @mdev_us: mean deviation of the RTT << 2, us
 * @mdev_max_us: its maximum in the present round trip
 * @rttvar_us: what the RTO adds to the RTT, us
 * @rtt_min: minimum RTT of the last and the present half window
 * @syn_retries: TCP_SYNCNT, 0: sysctl
 * @ca_state: enum tcp_ca_state, see recovery.c
 * @ecn_flags: 0: ECN is not in use
 * @accecn: used only if it says TCPX_ECN_ACCECN
 * @ecn_rcv_nxt: rcv_nxt when data last came, for TCPX_CONG_EXACT_ECE
 * @nonagle: TCPX_NAGLE_*
 * @frto: F-RTO is under way, rfc5682
 * @tlp_retrans: the loss probe was a retransmission
 * @is_sack_reneg: the peer dropped what it had SACKed
 * @recvmsg_inq: TCP_INQ
 * @retransmit_skb_hint: first skb that may have to be retransmitted
 * @recv_sack_cache: SACK blocks already applied
 * @snd_cwnd_used: most segments in flight since the window was the limit
 * @snd_cwnd_stamp: tcpx_jiffies32() when cwnd was last validated
 * @cwnd_usage_seq: snd_nxt when cc.max_packets_out was last reset
 * @first_tx_mstamp: start of the present sending phase, us
 * @delivered_mstamp: when cc.delivered was reached, us
 * @rate_delivered: segments of the best recent rate sample
 * @rate_interval_us: time they took
 * @rate_app_limited: the application was its limit
 * @rcv_rtt_est: the receiver's estimate of the RTT, us << 3
 * @rcv_rtt_last_tsecr: TSecr it was last taken from
 * @rcvq_space: bytes the user copied in the last RTT
 * @last_oow_ack_time: tcpx_jiffies32() of the last answer to a bad segment
 * @user_timeout: TCP_USER_TIMEOUT, ms
 * @keepalive_time: TCP_KEEPIDLE, jiffies, 0: sysctl
 * @keepalive_intvl: TCP_KEEPINTVL, jiffies, 0: sysctl
 * @keepalive_probes: TCP_KEEPCNT, 0: sysctl
 * @probes_tstamp: tcpx_jiffies32() of the first unanswered window probe
 * @defer_accept: TCP_DEFER_ACCEPT, SYN-ACK retransmissions to wait
 * @fastopen_req: the write that opens the connection, while it does
 * @fastopen_rsk: request of a child in SYN_RECV (or FIN_WAIT1) that was made by a SYN with
 *	data; lockless readers
 * @saved_syn: headers of the SYN, TCP_SAVED_SYN
 * @save_syn: TCP_SAVE_SYN
 * @fastopen_connect: TCP_FASTOPEN_CONNECT
 * @fastopen_no_cookie: TCP_FASTOPEN_NO_COOKIE
 * @fastopen_client_fail: enum tcp_fastopen_client_fail
 * @syn_data: our SYN carried data
 * @syn_fastopen: our SYN carried the Fast Open option,
 * @syn_fastopen_exp: under its experimental number
 * @syn_fastopen_ch: it is the first one after a black hole
 * @syn_data_acked: data in a SYN, ours or the peer's, was accepted
 * @urg_data: state and value of the urgent byte
 * @urg_seq: its sequence number
 * @ca_setsockopt: TCP_CONGESTION chose the algorithm
 * @thin_lto: TCP_THIN_LINEAR_TIMEOUTS
 * @ca_dst_locked: the route chose it, and lets nobody else
 * @bytes_received: rfc4898 tcpEStatsAppHCThruOctetsReceived
 * @bytes_acked: tcpEStatsAppHCThruOctetsAcked
 * @bytes_sent: payload sent, retransmissions included
 * @bytes_retrans: payload retransmitted
 * @segs_in: segments received; lockless readers
 * @segs_out: segments sent
 * @data_segs_in: those of them with data
 * @data_segs_out: those of them with data
 * @dsack_dups: segments the peer reported twice
 * @rcv_ooopack: segments received out of order
 * @timeout_rehash: how often an RTO chose another path
 * @tskey_base: the byte that SO_TIMESTAMPING's OPT_ID calls 0; tstamp.c
 * @chrono_start: tcpx_jiffies32() when @chrono_type began
 * @chrono_stat: jiffies spent busy, limited by rwnd, by sndbuf
 * @chrono_type: enum tcp_chrono
 */
struct tcpx_sock {
	struct inet_sock	inet;
	const struct tcpx_af_ops *af_ops;

	/* receive path */
	__be32	pred_flags;
	u32	rcv_nxt;
	u32	copied_seq;
	u32	rcv_wup;
	u32	rcv_wnd;
	u32	rcv_tstamp;		/* tcpx_jiffies32() of the last ACK */
	u32	snd_wl1;
	u32	snd_wnd;
	u32	max_window;
	u32	snd_una;
	struct tcpx_options_received rx_opt;
	struct {
		u8		pending;
		u8		quick;		/* quick ACKs left */
		u8		pingpong;	/* interactive session */
		u8		retry;
		u32		ato;		/* jiffies */
		unsigned long	timeout;
		u32		lrcvtime;	/* tcpx_jiffies32() */
		u16		last_seg_size;
		u16		rcv_mss;
	} ack;
	u8	compressed_ack;
	u8	dup_ack_counter;
	u16	tcp_header_len;
	u16	gso_segs;
	u16	advmss;
	u16	ext_hdr_len;
	u32	window_clamp;
	u32	rcv_ssthresh;
	struct rb_root	out_of_order_queue;
	struct sk_buff	*ooo_last_skb;

	/* send path */
	u32	snd_nxt;
	u32	write_seq;
	u32	pushed_seq;
	u32	snd_sml;
	u32	mss_cache;
	u32	pmtu_cookie;
	u32	lsndtime;		/* tcpx_jiffies32() of the last data sent */
	u32	tsoffset;
	u32	snd_up;
	u32	notsent_lowat;
	struct list_head tsq_node;
	struct list_head tsorted_sent_queue;

	/* time: microseconds, refreshed once per burst */
	u64	tcp_mstamp;
	u64	tcp_wstamp_ns;		/* earliest departure of the next skb */
	u64	tcp_clock_cache;	/* ns behind tcp_mstamp */

	/* retransmission */
	u32	packets_out;
	u32	retrans_out;
	u32	sacked_out;
	u32	lost_out;
	u32	high_seq;
	u32	undo_marker;
	int	undo_retrans;
	u32	retrans_stamp;
	u32	prr_delivered;
	u32	prr_out;
	u32	reordering;
	u32	reord_seen;
	u32	tlp_high_seq;
	u32	rto;
	u32	rto_min;
	u32	rtt_seq;
	u32	mdev_us;
	u32	mdev_max_us;
	u32	rttvar_us;
	struct {
		u32	stamp;		/* tcpx_jiffies32() when cur began */
		u32	cur;
		u32	prev;
	} rtt_min;
	u8	retransmits;
	u8	backoff;
	u8	probes_out;
	u8	pending;
	u8	syn_retries;		/* TCP_SYNCNT, 0: sysctl */
	u8	ca_state;		/* enum tcp_ca_state */
	u8	ecn_flags;
	u8	nonagle:4,
		frto:1,
		tlp_retrans:1,
		is_sack_reneg:1,
		recvmsg_inq:1;
	unsigned long		timeout;
	struct timer_list	retransmit_timer;
	struct timer_list	delack_timer;
	struct hrtimer		pacing_timer;
	struct hrtimer		compressed_ack_timer;
	struct sk_buff		*highest_sack;
	struct sk_buff		*retransmit_skb_hint;
	struct {
		u64	mstamp;		/* sending time of the newest delivered skb */
		u32	rtt_us;
		u32	end_seq;
		u32	last_delivered;
		u8	reo_wnd_steps;
		u8	reo_wnd_persist:5,
			dsack_seen:1,
			advanced:1;
	} rack;
	struct tcp_sack_block duplicate_sack[1];
	struct tcp_sack_block selective_acks[4];
	struct tcp_sack_block recv_sack_cache[4];

	/* congestion control and rate samples */
	struct tcpx_cc		cc;
	u32	snd_cwnd_used;
	u32	snd_cwnd_stamp;
	u32	cwnd_usage_seq;
	u64	first_tx_mstamp;
	u64	delivered_mstamp;
	u32	rate_delivered;
	u32	rate_interval_us;

	/* receive buffer autotuning (rcvbuf.c) */
	struct {
		u32	rtt_us;
		u32	seq;
		u64	time;
	} rcv_rtt_est;
	u32	rcv_rtt_last_tsecr;
	u32	ecn_rcv_nxt;
	struct {
		u32	space;
		u32	seq;
		u64	time;
	} rcvq_space;

	struct tcpx_accecn accecn;

	/* seldom used */
	struct tcpx_bind_bucket		*bind_hash;
	struct tcpx_accept_queue	accept_queue;
	u32	compressed_ack_rcv_nxt;
	u32	last_oow_ack_time;	/* tcpx_jiffies32() */
	u32	user_timeout;		/* ms */
	u32	keepalive_time;		/* jiffies, 0: sysctl */
	u32	keepalive_intvl;	/* jiffies, 0: sysctl */
	u32	probes_tstamp;
	u32	mtu_info;
	struct {
		u32	search_high;	/* MTU: longer ones do not pass, or are not wanted */
		u32	search_low;	/* this one passes */
		u32	probe_size;	/* of the probe that is out, 0: none is */
		u32	probe_seq_start;
		u32	probe_seq_end;
		u32	probe_timestamp; /* tcpx_jiffies32() when the search began */
		bool	enabled;
	} mtup;
	int	linger2;
	u8	keepalive_probes;	/* 0: sysctl */
	u8	defer_accept;		/* SYN-ACK retransmissions to wait */
	u16	urg_data;
	u8	ca_setsockopt:1,
		ca_dst_locked:1,
		thin_lto:1,
		rate_app_limited:1;	/* so was the sample behind rate_delivered */
	u16	fastopen_connect:1,
		fastopen_no_cookie:1,
		fastopen_client_fail:2,
		syn_data:1,
		syn_fastopen:1,
		syn_fastopen_exp:1,
		syn_fastopen_ch:1,
		syn_data_acked:1,
		save_syn:2;
	struct tcp_fastopen_request	*fastopen_req;
	struct tcpx_request_sock	*fastopen_rsk;
	struct saved_syn		*saved_syn;
	u32	urg_seq;

	/* RFC 4898 counters, for TCP_INFO */
	u64	bytes_received;
	u64	bytes_acked;
	u64	bytes_sent;
	u64	bytes_retrans;
	u32	segs_in;
	u32	segs_out;
	u32	data_segs_in;
	u32	data_segs_out;
	u32	dsack_dups;
	u32	total_retrans;
	u32	rcv_ooopack;
	u32	timeout_rehash;
	u32	tskey_base;
	u32	chrono_start;		/* tcpx_jiffies32() */
	u32	chrono_stat[3];
	u8	chrono_type;
};

static inline struct tcpx_sock *tcpx_sk(const struct sock *sk)
{
	return (struct tcpx_sock *)sk;
}

#if IS_ENABLED(CONFIG_IPV6)
/**
 * struct tcpx6_sock - a TCPX socket over IPv6
 * @tcpx: what it has in common with one over IPv4; must be first
 * @inet6: what the kernel keeps of IPv6; must be last, and is found by
 *	inet_sk(sk)->pinet6, in a clone too
 */
struct tcpx6_sock {
	struct tcpx_sock	tcpx;
	struct ipv6_pinfo	inet6;
};
#endif

/**
 * struct tcpx_request_sock - a half-open passive connection
 * @req: address, options, mss, timer; must be first. rsk_listener holds a
 *	reference on the listener; rsk_refcnt: one for ehash with the timer,
 *	one per lookup; req.req.sk the child once there is one
 * @af_ops: the listener's face
 * @rcv_isn: the peer's ISN
 * @snt_isn: ours
 * @ts_off: our timestamp offset
 * @rcv_nxt: what the SYN-ACK acknowledges
 * @txhash: hash for ECMP and queue selection
 * @last_oow_ack_time: rate limit of ACKs to bad segments
 * @snt_synack: tcpx_clock_us() of the first SYN-ACK, for the RTT
 * @tos: TOS of the SYN
 * @is_cookie: made from a cookie, not in ehash
 * @tfo_listener: its child was made by a SYN with data and has not completed its
 *	handshake, not in ehash; fastopen.c
 * @accecn_ok: AccECN is agreed on
 * @syn_ect_rcv: IP-ECN field of the SYN
 * @syn_ect_snt: of the SYN-ACK
 */
struct tcpx_request_sock {
	struct inet_request_sock	req;
	const struct tcpx_af_ops	*af_ops;
	u64				snt_synack;
	u32				rcv_isn;
	u32				snt_isn;
	u32				ts_off;
	u32				rcv_nxt;
	u32				txhash;
	u32				last_oow_ack_time;
	u8				tos;
	bool				is_cookie;
	bool				tfo_listener;
	u8				accecn_ok:1,
					syn_ect_rcv:2,
					syn_ect_snt:2;
};

static inline struct tcpx_request_sock *tcpx_rsk(const struct request_sock *req)
{
	return (struct tcpx_request_sock *)req;
}

/**
 * struct tcpx_timewait_sock - a connection in TIME_WAIT, or an orphan in
 *	FIN_WAIT2 (@tw_substate)
 * @__tw_common: addresses, hash links, reference count; must be first
 * @af_ops: the face towards IP
 * @bind_hash: its port's bucket
 * @timer: its end
 * @tw_entry_stamp: when it entered TIME_WAIT
 * @tw_rcv_nxt: RCV.NXT
 * @tw_snd_nxt: SND.NXT
 * @tw_rcv_wnd: RCV.WND
 * @tw_ts_offset: our timestamp offset
 * @tw_ts_recent: TS.Recent
 * @tw_ts_recent_stamp: when it was taken, ktime_get_seconds()
 * @tw_last_oow_ack_time: rate limit of ACKs to bad segments
 * @tw_mark: SO_MARK
 * @tw_txhash: hash for ECMP and queue selection
 * @tw_priority: SO_PRIORITY
 * @tw_sport: local port, network order
 * @tw_substate: TCP_TIME_WAIT or TCP_FIN_WAIT2
 * @tw_rcv_wscale: shift of the windows we send
 * @tw_flowlabel: IPv6 flow label, network order; 0: none was set
 * @tw_tos: IP_TOS, IPV6_TCLASS
 * @tw_transparent: IP_TRANSPARENT
 *
 * In ehash in its socket's place and in its port's owners. References: one
 * for ehash with the timer, one per lookup.
 */
struct tcpx_timewait_sock {
	struct sock_common	__tw_common;
	const struct tcpx_af_ops *af_ops;
	struct tcpx_bind_bucket	*bind_hash;
	struct timer_list	timer;
	u32			tw_entry_stamp;	/* tcpx_clock_ms() of TIME_WAIT */
	u32			tw_rcv_nxt;
	u32			tw_snd_nxt;
	u32			tw_rcv_wnd;
	u32			tw_ts_offset;
	u32			tw_ts_recent;
	int			tw_ts_recent_stamp;
	u32			tw_last_oow_ack_time;
	u32			tw_mark;
	u32			tw_txhash;
	u32			tw_priority;
	__be32			tw_flowlabel;
	__be16			tw_sport;
	u8			tw_substate;	/* TCP_TIME_WAIT or TCP_FIN_WAIT2 */
	u8			tw_rcv_wscale;
	u8			tw_tos;
	u8			tw_transparent:1;
};

/* The TIME_WAIT entry that a struct sock * found in ehash really is. */
static inline struct tcpx_timewait_sock *tcpx_twsk(const struct sock *sk)
{
	return (struct tcpx_timewait_sock *)sk;
}

/* What TIME_WAIT says of a segment, timewait.c */
enum tcpx_tw_status {
	TCPX_TW_SUCCESS,	/* dealt with, drop the skb */
	TCPX_TW_RST,		/* answer with a reset */
	TCPX_TW_ACK,		/* answer with an ACK */
	TCPX_TW_SYN,		/* a new connection: TCPX_CB(skb)->tw_isn is set */
};

#include "helpers.h"
#include "offers.h"

#endif /* _TCPX_H */
