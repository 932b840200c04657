/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: the socket. Included by tcpx.h.
 */
#ifndef _TCPX_SOCK_H
#define _TCPX_SOCK_H

/**
 * struct tcpx_accept_queue - what listen() adds to a socket
 * @lock: protects @head and @tail; taken inside the socket lock, BH off
 * @head: completed connections (request socks whose ->sk is the child), FIFO
 * @tail: last of them
 * @fastopenq: children of SYNs with data, and who may be such, fastopen.c
 * @heir: while the listener closes: another one of its SO_REUSEPORT group, referenced,
 *	if connections are to go there (migrate.c); read under RCU
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
 * @acked_ewma: segments that an ACK of the peer is for, mean
 * @est_ecn: codepoint that the bytes acknowledged last arrived with, 0: not known
 * @reflect: the next segment, if a pure ACK, tells how the SYN-ACK came
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
		opt_demand:2,
		opt_fields:2;
	u16	acked_ewma:9,		/* segments << 6 */
		ce_pending:3,
		est_ecn:2,
		reflect:1,
		opt_with_dsack:1;
};

/**
 * struct tcpx_disorder - what a connection needs once segments are lost or come out of
 *	order, or are paced by the socket itself, or signed, or time out
 * @sk: the socket
 * @out_of_order_queue: skbs beyond a hole, by seq
 * @ooo_last_skb: the last of them
 * @pacing_timer: departure of the next skb where no fq qdisc keeps it
 * @compressed_ack_timer: end of an ACK's waiting for more out of order
 * @compressed_ack_rcv_nxt: rcv_nxt when dup_ack_counter was last reset
 * @duplicate_sack: D-SACK to report, rfc2883
 * @selective_acks: blocks to report, rfc2018
 * @recv_sack_cache: SACK blocks already applied
 * @rcv_mwnd_seq: end of what was promised when the window was taken back, if
 *	rx_opt.window_retracted
 * @lrcv_flowlabel: IPv6 flow label of the last segment that was acknowledged before; 0: none yet
 * @md5sig: TCP_MD5SIG, struct tcpx_md5_key; readers by RCU
 * @rto_stamp: tcpx_time_stamp() of the first RTO of the present recovery from one, or 0
 * @total_rto_time: what the ones before took, ms
 * @total_rto: timeouts of the whole connection
 * @total_rto_recoveries: and how often a row of them began
 * @ao: TCP_AO_ADD_KEY; readers by RCU
 *
 * Most connections never do. Made by tcpx_disorder_get(), goes with the socket.
 */
struct tcpx_disorder {
	struct sock		*sk;
	struct rb_root		out_of_order_queue;
	struct sk_buff		*ooo_last_skb;
	struct hrtimer		pacing_timer;
	struct hrtimer		compressed_ack_timer;
	struct tcp_sack_block	duplicate_sack[1];
	struct tcp_sack_block	selective_acks[4];
	struct tcp_sack_block	recv_sack_cache[4];
	u32			compressed_ack_rcv_nxt;
	u32			rcv_mwnd_seq;
	u32			lrcv_flowlabel;
	struct hlist_head	md5sig;
	u32			rto_stamp;
	u32			total_rto_time;	/* ms */
	u16			total_rto;
	u16			total_rto_recoveries;
	struct tcpx_ao __rcu	*ao;
};

/**
 * struct tcpx_sock - a TCPX socket
 *
 * Fields bear the names they have in struct tcp_sock and struct
 * inet_connection_sock (without icsk_), with the same meaning and units, so
 * that who knows those knows this. All are protected by the socket lock
 * unless their kernel-doc says otherwise.
 *
 * @inet: must be first; sk_protocol is IPPROTO_TCPX, is_icsk is clear. A stream socket has no
 *	use for inet.cork: what few connections need, and seldom, is kept in its place. (Of
 *	what the kernel offers for stream sockets inet_sk_rebuild_header() writes there;
 *	ours are in struct tcpx_af_ops.)
 * @af_ops: the face towards IP
 *
 * @tcp_header_len: bytes of header with the options every segment carries
 * @payload_share: of the memory of full segments, in 256ths, as measured; 0: no more than
 *	net.ipv4.tcp_adv_win_scale says
 * @gso_segs: most segments in one skb
 * @pred_flags: word 3 of the header of the expected next segment
 * @rcv_nxt: RCV.NXT
 * @copied_seq: first sequence number the user has not read
 * @rcv_wup: rcv_nxt when the window was last advertised
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
 * @disorder: NULL until it is needed, see there; lockless readers
 * @highest_sack: first skb after the highest SACKed one; valid if sacked_out
 * @tsorted_sent_queue: sent and not SACKed skbs by time of sending (RACK)
 * @rack: state of rfc8985
 *
 * @rto: retransmission timeout, jiffies
 * @retransmits: RTOs since the last progress
 * @backoff: shift of the zero-window probe or RTO
 * @probes_out: zero-window or keepalive probes not answered
 * @pending: TCPX_TIME_*
 * @xmit_due: when that is, tcpx_jiffies32(): RTO, TLP, RACK and zero-window probe. sk_timer
 *	is the timer of this and of the two below, timer.c; lockless readers
 * @delack_due: when a delayed ACK is, if TCPX_ACK_TIMER is in ack.pending
 * @keepalive_due: when a keepalive or the end of FIN_WAIT2 is, or a FIN is tried anew; 0: none
 * @compressed_ack: ACKs not sent because one will say it all
 * @dup_ack_counter: duplicate ACKs sent for it, each at once
 * @reader_needs_less: than SO_RCVLOWAT: one that sleeps wants to hear of any data
 * @ack_retry: how often there was no memory for an ACK in a row
 *
 * @ack: state of ACK sending
 * @rx_opt: options received
 * @cc: what a congestion control may see and change; its fields are ours too, @snd_una,
 *	@snd_nxt, @mss_cache, @tcp_mstamp and @lsndtime among them
 * @bind_hash: the port's bucket, NULL if not bound
 * @accept_queue: of a socket that listens, or that Fast Open was set up for; else NULL
 * @linger2: jiffies in FIN_WAIT2 after close, 0 default, < 0 none
 *
 * @rcv_tstamp: tcpx_jiffies32() of the last ACK
 * @tsoffset: what is added to our TSval, and deducted from TSecr
 * @notsent_lowat: TCP_NOTSENT_LOWAT, bytes, 0: sysctl
 * @tsq_next: in the list of tcpx_tsq_tasklet()
 * @tcp_wstamp_ns: earliest departure of the next skb, ns
 * @reord_seen: how often reordering was seen
 * @tlp_high_seq: snd_nxt when a loss probe was sent, 0: none is out
 * @rto_max: TCP_RTO_MAX_MS, upper bound of the RTO, jiffies
 * @rto_min: TCP_RTO_MIN_US, lower bound of the RTO's variance, jiffies
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
 * @thin_lto: TCP_THIN_LINEAR_TIMEOUTS
 * @retransmit_skb_hint: first skb that may have to be retransmitted
 * @snd_cwnd_used: most segments in flight since the window was the limit
 * @snd_cwnd_stamp: tcpx_jiffies32() when cwnd was last validated
 * @cwnd_usage_seq: snd_nxt when cc.max_packets_out was last reset
 * @first_tx_mstamp: start of the present sending phase, 32-bit us
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
 * @plb_rehash: how often congestion did, plb.c
 * @tskey_base: the byte that SO_TIMESTAMPING's OPT_ID calls 0; tstamp.c
 * @chrono_start: tcpx_jiffies32() when @chrono_type began
 * @chrono_stat: jiffies spent busy, limited by rwnd, by sndbuf
 * @chrono_type: enum tcp_chrono
 */
struct tcpx_sock {
	union {
		struct inet_sock	inet;
		struct {
			/* private: what precedes inet.cork */
			u8			__before_cork[offsetof(struct inet_sock, cork)];
			/* public: */
			struct tcpx_accecn	accecn;
			struct tcp_fastopen_request *fastopen_req;
			struct tcpx_request_sock *fastopen_rsk;
			struct saved_syn	*saved_syn;
			u32	user_timeout;		/* ms */
			u32	keepalive_time;		/* jiffies, 0: sysctl */
			u32	keepalive_intvl;	/* jiffies, 0: sysctl */
			u32	probes_tstamp;
			u32	urg_seq;
			u32	mtu_info;
			u32	last_oow_ack_time;	/* tcpx_jiffies32() */
			u32	dsack_dups;
			u32	total_retrans;
			u32	rcv_ooopack;
			u32	timeout_rehash;
			u32	tskey_base;
			int	linger2;
			struct {
				u32	search_high;	/* MTU: more fails, or is not wanted */
				u32	search_low;	/* this one passes */
				u32	probe_size:31,	/* of the probe that is out */
					enabled:1;
				u32	probe_seq_start;
				u32	probe_seq_end;
				u32	probe_timestamp; /* jiffies32, when it began */
			} mtup;
			u16	fastopen_connect:1,
				fastopen_no_cookie:1,
				fastopen_client_fail:2,
				syn_data:1,
				syn_fastopen:1,
				syn_fastopen_exp:1,
				syn_fastopen_ch:1,
				syn_data_acked:1,
				save_syn:2,
				ca_setsockopt:1,
				ca_dst_locked:1,
				chrono_type:2,
				rate_app_limited:1;	/* of rate_delivered */
			u8	keepalive_probes;	/* 0: sysctl */
			u8	defer_accept;		/* SYN-ACK retransmissions to wait */
		};
	};

	/* hardly ever written once the connection is there */
	const struct tcpx_af_ops *af_ops;
	struct tcpx_disorder	*disorder;
	struct tcpx_bind_bucket	*bind_hash;
	struct tcpx_accept_queue *accept_queue;
	u32	keepalive_due;		/* tcpx_jiffies32(), 0: none */
	u32	tsoffset;
	u32	pmtu_cookie;
	u32	window_clamp;
	u32	max_window;
	u32	notsent_lowat;
	u32	rto_max:17,
		rto_min:15;
	u32	reordering;
	u8	tcp_header_len;
	u8	payload_share;
	u16	ext_hdr_len;
	u16	gso_segs;
	u16	advmss;
	u8	syn_retries;		/* TCP_SYNCNT, 0: sysctl */
	u8	ecn_flags;
	u8	nonagle:3,
		thin_lto:1,
		frto:1,
		tlp_retrans:1,
		is_sack_reneg:1,
		recvmsg_inq:1;
	u8	ca_state;		/* enum tcp_ca_state */

	/* receiving data */
	__be32	pred_flags;
	u32	rcv_nxt;
	u32	copied_seq;
	u32	rcv_wup;
	u32	rcv_wnd;
	u32	rcv_ssthresh;
	struct tcpx_options_received rx_opt;
	struct {
		u8		pending;
		u8		quick;		/* quick ACKs left */
		u8		pingpong;	/* interactive session */
		u8		delack_max;	/* TCP_DELACK_MAX_US, jiffies */
		u32		ato;		/* jiffies */
		u32		lrcvtime;	/* tcpx_jiffies32() */
		u16		last_seg_size;
		u16		rcv_mss;
	} ack;
	u16	urg_data;
	u8	compressed_ack;
	u8	dup_ack_counter:3,
		reader_needs_less:1,
		ack_retry:4;
	u32	rcv_rtt_last_tsecr;
	struct {
		u32	rtt_us;
		u32	seq;
		u32	time;			/* us */
	} rcv_rtt_est;
	struct {
		u32	space;
		u32	seq;
		u32	time;			/* us */
	} rcvq_space;
	u32	segs_in;
	u32	data_segs_in;
	u32	delack_due;		/* tcpx_jiffies32() */
	u64	bytes_received;

	u64	tcp_wstamp_ns;		/* earliest departure of the next skb */

	/* sending data */
	u32	write_seq;
	u32	pushed_seq;
	u32	snd_sml;
	u32	snd_up;
	u32	packets_out;
	u32	segs_out;
	u32	data_segs_out;
	u32	snd_cwnd_used;
	u32	snd_cwnd_stamp;
	u32	cwnd_usage_seq;
	u64	bytes_sent;
	struct sk_buff		*highest_sack;
	struct list_head	tsorted_sent_queue;
	struct tcpx_sock	*tsq_next;
	u32	chrono_start;		/* tcpx_jiffies32() */
	u32	chrono_stat[3];

	/* ACKs arriving */
	u8	retransmits;
	u8	backoff;
	u8	probes_out;
	u8	pending;
	u32	rcv_tstamp;		/* tcpx_jiffies32() of the last ACK */
	u32	snd_wl1;
	u32	snd_wnd;
	u32	rto;
	u32	rtt_seq;
	u32	mdev_us;
	u32	mdev_max_us;
	u32	rttvar_us;
	struct {
		u32	stamp;		/* tcpx_jiffies32() when cur began */
		u32	cur;
		u32	prev;
	} rtt_min;
	u32	first_tx_mstamp;
	u32	delivered_mstamp;
	u64	bytes_acked;
	u32	rate_delivered;
	u32	rate_interval_us;
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
	u32	xmit_due;		/* tcpx_jiffies32() */
	u32	plb_rehash;
	/* Under both names: tp->cc.snd_una is tp->snd_una. */
	union {
		struct tcpx_cc	cc;
		/* private: */
		struct tcpx_cc;
		/* public: */
	};

	/* losses and marks */
	u32	retrans_out;
	u32	sacked_out;
	u32	lost_out;
	u32	high_seq;
	u32	undo_marker;
	int	undo_retrans;
	u32	retrans_stamp;
	u32	prr_delivered;
	u32	prr_out;
	u32	reord_seen;
	u32	tlp_high_seq;
	u32	ecn_rcv_nxt;
	u64	bytes_retrans;
	struct sk_buff		*retransmit_skb_hint;
};

/* What is kept in the place of inet.cork does fit there. */
static_assert(offsetof(struct tcpx_sock, accecn) == offsetof(struct inet_sock, cork));
static_assert(offsetofend(struct tcpx_sock, defer_accept) <=
	      offsetofend(struct inet_sock, cork));

/* The bit fields have room. */
static_assert(TCPX_RTO_MAX < 1 << 17 && TCPX_RTO_MIN <= S16_MAX && TCPX_DELACK_MAX <= U8_MAX);

/*
 * A field that grows a group makes each segment touch more cache lines, and one that grows
 * the whole costs each connection: not by accident. Of the last group a segment in order
 * reads the first four only, and of cc all but priv.
 */
#define TCPX_SOCK_GROUP(first, last, most)				\
	static_assert(offsetofend(struct tcpx_sock, last) -		\
		      offsetof(struct tcpx_sock, first) <= (most))

TCPX_SOCK_GROUP(af_ops, ca_state, 76);
TCPX_SOCK_GROUP(pred_flags, bytes_received, 116);
TCPX_SOCK_GROUP(tcp_wstamp_ns, chrono_stat, 104);
TCPX_SOCK_GROUP(retransmits, plb_rehash, 104);
TCPX_SOCK_GROUP(cc, cc, 200);
TCPX_SOCK_GROUP(retrans_out, retransmit_skb_hint, 64);
static_assert(sizeof(struct tcpx_sock) - sizeof(struct inet_sock) <= 664);

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

#endif /* _TCPX_SOCK_H */
