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
#define TCPX_ACK_NOMEM		32	/* there was no memory for data: offer nothing */

/* A bit of sk_tsq_flags beside those of enum tsq_enum: an ACK is to leave with the lock. */
#define TCPX_ACK_DEFERRED	16

/* Work put off while the user holds the lock: tcpx_release_cb(). */
#define TCPX_DEFERRED_ALL	(BIT(TCP_TSQ_DEFERRED) | BIT(TCP_WRITE_TIMER_DEFERRED) | \
				 BIT(TCP_DELACK_TIMER_DEFERRED) | BIT(TCP_MTU_REDUCED_DEFERRED) | \
				 BIT(TCPX_ACK_DEFERRED))

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

#define TCPX_ATO_MIN		(HZ / 25)	/* 40 ms */
#define TCPX_DELACK_MAX		(HZ / 5)	/* 200 ms, rfc9293#section-3.8.6.3 allows 500 */
#define TCPX_RTO_MIN		((u32)(HZ / 5))
#define TCPX_RTO_MAX		((u32)(120 * HZ))
#define TCPX_TIMEOUT_INIT	((u32)HZ)	/* rfc6298#section-2 */
#define TCPX_TIMEOUT_FALLBACK	((u32)(3 * HZ))
#define TCPX_TIMEWAIT_LEN	(60 * HZ)
/* After so many seconds the peer's clock may have wrapped (rfc7323#section-5.5): 24 days if it
 * ticks in milliseconds, but this if in microseconds, as newer kernels' may.
 */
#define TCPX_PAWS_WRAP		(INT_MAX / USEC_PER_SEC)
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
			u32	first_tx_mstamp;
			u32	delivered_mstamp;
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
 * @window_set: TCP_WINDOW_CLAMP chose the bound of ours
 * @window_retracted: what was promised was taken back, and not promised again since
 * @tfo_child: the SYN had Fast Open's option, and made the socket
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
		rcv_wscale:4,
		window_set:1,
		window_retracted:1,
		tfo_child:1;
	u8	num_sacks;
	u8	accecn;
	u16	user_mss;
	u16	mss_clamp;
};

/* --- tables ------------------------------------------------------------- */

/**
 * struct tcpx_bind_bucket - a local port in use in one netns, or in a VRF of it
 * @node: in tcpx_bind_hashbucket.chain, under its lock
 * @owners: sockets and TIME_WAIT entries bound to it (sk_bind_node), same lock
 * @idle: in tcpx_net.rsv_idle or, if the port does not linger, rsv_dead when the last
 *	owner has left, under tcpx_net.rsv_lock
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
 * @l3mdev: ifindex of the VRF, 0 outside of them and with net.ipv4.tcp_l3mdev_accept; for good
 * @relaxed: only TIME_WAIT entries with SO_REUSEADDR are left: kernel TCP may
 *	bind the port with SO_REUSEADDR too, as it could among its own
 *
 * It lies in what reserves the port in kernel TCP's hash, a part of a socket (tcpx_bucket_rsv()).
 * bhash.c and bind.c alone may look inside.
 */
struct tcpx_bind_bucket {
	struct hlist_node	node;
	struct hlist_head	owners;
	struct list_head	idle;
	struct net		*net;
	unsigned long		idle_since;
	unsigned int		nsock;
	unsigned int		tw_strict;
	int			l3mdev;
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
 * @bhash: bound ports by port, of all VRFs
 * @bhash_mask: buckets - 1
 * @used_ports: bitmap of ports that have a bucket in @bhash, of whichever VRF, as every local
 *	port of what is in @ehash and @lhash has; lockless readers
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
	unsigned long			*used_ports;
	unsigned long			*bound_ports;
};

/**
 * struct tcpx_net - per network namespace (tcpx_pernet())
 * @hinfo: tables; NULL until the netns has its first socket; lockless readers
 * @hinfo_mutex: makes @hinfo
 * @early: early_demux.c has its hook in this netns
 * @early_mutex: switches @early
 * @early_work: puts the hook there
 * @net: back pointer
 * @tcp_mib: TCP_MIB_* (RFC 4022 names) and
 * @net_mib: LINUX_MIB_* (kernel TCP's names); mib.c
 * @nr_sock: full sockets of this netns alive (any state)
 * @tw_count: TIME_WAIT entries; limited by net.ipv4.tcp_max_tw_buckets
 * @req_count: request socks
 * @orphan_count: sockets without a file, limited by tcp_max_orphans; see also proto.c
 * @challenge_timestamp: second of the current challenge-ACK budget
 * @challenge_count: what is left of it, rfc5961#section-7
 * @rsv_work: bhash.c: gives up idle reservations
 * @rsv_lock: protects @rsv_dead and @rsv_idle; taken inside a bind bucket's lock, BH off
 * @rsv_dead: buckets without owners whose reservation is to go at once
 * @rsv_idle: those whose reservation lingers, the one that is idle longest first
 * @sysctl: our own knobs, net.tcpx.*; sysctl.c
 */
struct tcpx_net {
	struct tcpx_hashinfo		*hinfo;
	struct mutex			hinfo_mutex;	/* makes hinfo */
	bool				early;
	struct mutex			early_mutex;	/* switches early */
	struct work_struct		early_work;
	struct net			*net;
	struct tcp_mib __percpu		*tcp_mib;
	struct compat_linux_mib __percpu *net_mib;
	atomic_t			nr_sock;
	atomic_t			tw_count;
	atomic_t			req_count;
	atomic_t			orphan_count;
	u32				challenge_timestamp;
	u32				challenge_count;
	struct delayed_work		rsv_work;
	spinlock_t			rsv_lock;	/* the lists, BH off */
	struct list_head		rsv_dead;
	struct list_head		rsv_idle;
	struct {
		struct ctl_table_header	*hdr;
		int			port_linger_ms;
		int			tcp_max_orphans;
		int			tcp_ecn;
		int			tcp_ecn_option;
		int			tcp_ecn_option_beacon;
		int			tcp_rto_min_us;
		int			tcp_rto_max_ms;
		int			tcp_syn_linear_timeouts;
		int			tcp_tw_reuse_delay;
		int			tcp_comp_sack_rtt_percent;
		int			tcp_plb_enabled;
		int			tcp_plb_idle_rehash_rounds;
		int			tcp_plb_rehash_rounds;
		int			tcp_plb_suspend_rto_sec;
		int			tcp_plb_cong_thresh;
		int			tcp_backlog_ack_defer;
		int			tcp_rcvbuf_low_rtt;
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
 * struct tcpx_isn - where the numbers of a connection begin, see tcpx_isn_of_hash()
 * @seq: initial sequence number, rfc6528
 * @ts_off: to add to the clock in timestamps
 */
struct tcpx_isn {
	u32	seq;
	u32	ts_off;
};

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
 * @init_isn: numbers to answer the SYN or ACK @skb with
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
	struct tcpx_isn (*init_isn)(const struct net *net, const struct sk_buff *skb);
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

#include "sock.h"

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
 * @flowlabel: IPv6: of the SYN
 * @snt_synack: tcpx_clock_us() of the first SYN-ACK, for the RTT
 * @tos: TOS of the SYN
 * @is_cookie: made from a cookie, not in ehash
 * @tfo_listener: its child was made by a SYN with data and has not completed its
 *	handshake, not in ehash; fastopen.c
 * @accecn_ok: AccECN is agreed on
 * @accecn_bleached: and the SYN came again without asking for it
 * @syn_ect_rcv: IP-ECN field of the SYN
 * @syn_ect_snt: of the SYN-ACK
 * @used_ao: the SYN was signed as in rfc5925, with
 * @ao_rcv_next: this KeyID, and asked for
 * @ao_keyid: that one
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
	__be32				flowlabel;
	u8				tos;
	bool				is_cookie;
	bool				tfo_listener;
	u8				accecn_ok:1,
					accecn_bleached:1,
					syn_ect_rcv:2,
					syn_ect_snt:2;
	bool				used_ao;
	u8				ao_rcv_next;
	u8				ao_keyid;
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
 * @tw_ao: the other kind, see below
 *
 * The place of skc_flags, which an entry of any stack has for something else (skc_tw_dr), holds
 * a copy of the key of TCP_MD5SIG, or what the socket had of TCP_AO_ADD_KEY: tcpx_tw_md5_key(),
 * tcpx_tw_ao().
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
	u8			tw_transparent:1,
				tw_ao:1;
};

/* The TIME_WAIT entry that a struct sock * found in ehash really is. */
static inline struct tcpx_timewait_sock *tcpx_twsk(const struct sock *sk)
{
	return (struct tcpx_timewait_sock *)sk;
}

/* The key that signs its ACKs, its own; or NULL */
static inline const struct tcpx_md5_key *tcpx_tw_md5_key(const struct tcpx_timewait_sock *tw)
{
	return tw->tw_ao ? NULL : (const struct tcpx_md5_key *)tw->__tw_common.skc_flags;
}

/* Or those of rfc5925, which its socket may still have, too; or NULL */
static inline struct tcpx_ao *tcpx_tw_ao(const struct tcpx_timewait_sock *tw)
{
	return tw->tw_ao ? (struct tcpx_ao *)tw->__tw_common.skc_flags : NULL;
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
#include "md5.h"
#include "ao.h"

#endif /* _TCPX_H */
