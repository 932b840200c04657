/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control plug-ins: what an algorithm sees of a connection, what
 * it provides, and the registry. No struct sock in here: an algorithm can be
 * run in user space against a made-up struct tcpx_cc (selftests/unit).
 */
#ifndef _TCPX_CONG_H
#define _TCPX_CONG_H

#ifdef __KERNEL__
#include <linux/inet_diag.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/types.h>
#include <net/tcp.h>
#endif

#define TCPX_CC_PRIV_SIZE	104

/* Of tcpx_congestion_ops.flags */
#define TCPX_CONG_NON_RESTRICTED	0x1	/* for every user */
#define TCPX_CONG_NEEDS_ECN		0x2	/* asks for ECN, marks all packets ECT */
#define TCPX_CONG_EXACT_ECE		0x4	/* receiver: ECE tells of each segment, rfc8257 */
#define TCPX_CONG_NEEDS_PACING		0x8	/* cc.pacing_rate is to be kept */

/* What tcpx_cc_ecn() says. */
#define TCPX_CC_ECN_OK			0x1	/* ECN was negotiated */
#define TCPX_CC_ECN_CE			0x2	/* the last data that came was marked */

struct tcpx_congestion_ops;

/**
 * struct tcpx_cc - the congestion state of a connection
 * @ops: the algorithm
 * @snd_cwnd: congestion window, segments
 * @snd_cwnd_cnt: acked segments counted towards the next increase
 * @snd_cwnd_clamp: upper bound of @snd_cwnd
 * @snd_ssthresh: slow start threshold, segments
 * @prior_ssthresh: its value before the current reduction, for undo
 * @prior_cwnd: @snd_cwnd then
 * @max_packets_out: most segments in flight in the last window
 * @is_cwnd_limited: the last window was limited by cwnd
 * @srtt_us: smoothed RTT << 3, microseconds; 0: none yet
 * @min_rtt_us: windowed minimum RTT, microseconds; ~0U: none yet
 * @mss_cache: payload bytes of a full segment, without SACK blocks
 * @snd_una: oldest unacknowledged sequence number
 * @snd_nxt: next to be sent
 * @delivered: segments delivered, whole connection
 * @delivered_ce: those of them with a congestion mark
 * @lost: segments held for lost, whole connection
 * @app_limited: @delivered at which the application limit ends, 0: none
 * @tcp_mstamp: the time of the present burst, microseconds
 * @pacing_rate: bytes per second, ~0UL none; an algorithm with cong_control sets it
 * @lsndtime: 32-bit jiffies of the last data sent
 * @priv: the algorithm's own
 */
struct tcpx_cc {
	const struct tcpx_congestion_ops *ops;
	unsigned long	pacing_rate;
	u64	tcp_mstamp;
	u32	snd_cwnd;
	u32	snd_cwnd_cnt;
	u32	snd_cwnd_clamp;
	u32	snd_ssthresh;
	u32	prior_ssthresh;
	u32	prior_cwnd;
	u32	max_packets_out;
	u32	srtt_us;
	u32	min_rtt_us;
	u32	mss_cache;
	u32	snd_una;
	u32	snd_nxt;
	u32	delivered;
	u32	delivered_ce;
	u32	lost;
	u32	app_limited;
	u32	lsndtime;
	bool	is_cwnd_limited;
	u64	priv[TCPX_CC_PRIV_SIZE / sizeof(u64)];
};

/**
 * struct tcpx_ack_sample - what one ACK said
 * @pkts_acked: segments newly (S)ACKed
 * @rtt_us: RTT sample, microseconds, < 0: none
 * @in_flight: segments in flight when the newest of them was sent
 * @now_us: the time, microseconds
 * @now32: the time, 32-bit jiffies
 */
struct tcpx_ack_sample {
	u32	pkts_acked;
	s32	rtt_us;
	u32	in_flight;
	u64	now_us;
	u32	now32;
};

/**
 * struct tcpx_rate_sample - what one ACK shows of the delivery rate (rate.c), and
 *	what cong_control needs besides
 * @prior_mstamp: 32-bit us, when the sample began; 0: there is none
 * @now_us: the time, microseconds
 * @now32: the time, 32-bit jiffies
 * @prior_delivered: cc->delivered when it began
 * @prior_delivered_ce: cc->delivered_ce when it began
 * @delivered: segments delivered since
 * @delivered_ce: those of them with a congestion mark
 * @interval_us: the time that took; 0: no sample can be made of this ACK
 * @send_us: how long sending them took
 * @rtt_us: of the newest segment (S)ACKed, < 0: unknown
 * @acked_sacked: segments this ACK delivered
 * @losses: segments held for lost with it
 * @prior_in_flight: segments in flight before it
 * @in_flight: segments in flight now
 * @ahead_us: microseconds until the next segment may leave
 * @last_end_seq: end of the skb that the sample is of
 * @ca_state: enum tcp_ca_state
 * @is_app_limited: the application was the limit
 * @is_retrans: the sample is of a retransmission
 * @is_ack_delayed: the receiver probably waited for more to acknowledge
 */
struct tcpx_rate_sample {
	u64	now_us;
	u32	prior_mstamp;
	u32	now32;
	u32	prior_delivered;
	u32	prior_delivered_ce;
	u32	delivered;
	u32	delivered_ce;
	u32	interval_us;
	u32	send_us;
	s32	rtt_us;
	u32	acked_sacked;
	u32	losses;
	u32	prior_in_flight;
	u32	in_flight;
	u32	ahead_us;
	u32	last_end_seq;
	u8	ca_state;
	bool	is_app_limited;
	bool	is_retrans;
	bool	is_ack_delayed;
};

/* Events told through cwnd_event. */
enum tcpx_ca_event {
	TCPX_CA_EVENT_TX_START,		/* sending again after idle */
	TCPX_CA_EVENT_CWND_RESTART,	/* cwnd was reset after idle */
	TCPX_CA_EVENT_COMPLETE_CWR,	/* end of a reduction */
	TCPX_CA_EVENT_LOSS,		/* RTO */
};

/**
 * struct tcpx_congestion_ops - an algorithm
 * @init: a connection starts using it; optional
 * @release: it stops, perhaps before @init was called (priv is zero then);
 *	optional
 * @ssthresh: new slow start threshold at a loss; required
 * @cong_avoid: @acked segments were acked up to @ack: grow snd_cwnd. Called only
 *	outside recovery. This or @cong_control is required.
 * @cong_control: for each ACK, when all else is done: set snd_cwnd and pacing_rate.
 *	Nobody else then changes them in a recovery or after idle.
 * @in_ack: for each ACK, once the counters have it, before anything else follows; optional
 * @set_state: before ca_state changes (enum tcp_ca_state); optional
 * @cwnd_event: optional
 * @pkts_acked: for every ACK with new data; optional
 * @undo_cwnd: cwnd after a spurious reduction; required
 * @min_tso_segs: least segments in a burst, instead of tcp_min_tso_segs; optional
 * @get_info: TCP_CC_INFO: fill *info (a union tcp_cc_info), return bytes; optional
 * @name: what TCP_CONGESTION calls it
 * @owner: module that holds the functions
 * @flags: TCPX_CONG_*
 * @diag_attr: INET_DIAG_*INFO that @get_info fills, for sock_diag; 0: none
 * @sndbuf_windows: windows that the send buffer should hold, 0: the usual two
 * @key: set when it is registered: what a route calls it
 * @list: in the registry
 */
struct tcpx_congestion_ops {
	void	(*init)(struct tcpx_cc *cc);
	void	(*release)(struct tcpx_cc *cc);
	u32	(*ssthresh)(struct tcpx_cc *cc);
	void	(*cong_avoid)(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32);
	void	(*cong_control)(struct tcpx_cc *cc, const struct tcpx_rate_sample *rs);
	void	(*in_ack)(struct tcpx_cc *cc);
	void	(*set_state)(struct tcpx_cc *cc, u8 new_state);
	void	(*cwnd_event)(struct tcpx_cc *cc, enum tcpx_ca_event ev, u32 now32);
	void	(*pkts_acked)(struct tcpx_cc *cc, const struct tcpx_ack_sample *s);
	u32	(*undo_cwnd)(struct tcpx_cc *cc);
	u32	(*min_tso_segs)(const struct tcpx_cc *cc);
	size_t	(*get_info)(const struct tcpx_cc *cc, void *info, size_t len);
	const char	*name;
	struct module	*owner;
	u32		flags;
	int		diag_attr;
	u32		sndbuf_windows;
	u32		key;
	struct list_head list;
};

static inline void *tcpx_cc_priv(struct tcpx_cc *cc)
{
	return cc->priv;
}

static inline bool tcpx_in_slow_start(const struct tcpx_cc *cc)
{
	return cc->snd_cwnd < cc->snd_ssthresh;
}

/* rfc7661: only grow a window that is used */
static inline bool tcpx_is_cwnd_limited(const struct tcpx_cc *cc)
{
	if (cc->is_cwnd_limited)
		return true;
	return tcpx_in_slow_start(cc) && cc->snd_cwnd < 2 * cc->max_packets_out;
}

/**
 * struct tcpx_plb - what an algorithm keeps for plb.c; all zero at first
 * @suspended_until: 32-bit jiffies, if @suspended
 * @suspended: the path is not to be changed
 * @cong_rounds: congested round trips in a row, at most tcp_plb_rehash_rounds
 */
struct tcpx_plb {
	u32	suspended_until;
	bool	suspended;
	u8	cong_rounds;
};

/* Registry (cong.c). Names are unique. */
int  tcpx_register_congestion_control(struct tcpx_congestion_ops *ops);
void tcpx_unregister_congestion_control(struct tcpx_congestion_ops *ops);

/* What an algorithm may ask and tell of the connection (cong.c). */
bool tcpx_cc_paced(const struct tcpx_cc *cc);		/* a pacer spaces the segments out */
void tcpx_cc_count(const struct tcpx_cc *cc, int mib, u32 n);	/* add to LINUX_MIB_* */
u32  tcpx_cc_ecn(const struct tcpx_cc *cc);		/* TCPX_CC_ECN_* */
u32  tcpx_cc_random(const struct tcpx_cc *cc, u32 n);	/* 0 .. n - 1 */

/* Another path instead of one that is congested (plb.c). */
void tcpx_plb_round(struct tcpx_cc *cc, struct tcpx_plb *plb, u32 marked, u32 delivered);
void tcpx_plb_check_rehash(struct tcpx_cc *cc, struct tcpx_plb *plb);
void tcpx_plb_suspend(struct tcpx_cc *cc, struct tcpx_plb *plb);

/* Building blocks for algorithms (cong_reno.c), rfc5681. */
u32  tcpx_slow_start(struct tcpx_cc *cc, u32 acked);	/* returns what is left of acked */
void tcpx_cong_avoid_ai(struct tcpx_cc *cc, u32 w, u32 acked);
void tcpx_reno_cong_avoid(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32);
u32  tcpx_reno_ssthresh(struct tcpx_cc *cc);
u32  tcpx_reno_undo_cwnd(struct tcpx_cc *cc);
extern struct tcpx_congestion_ops tcpx_reno;
extern struct tcpx_congestion_ops tcpx_cubic;
extern struct tcpx_congestion_ops tcpx_dctcp;
extern struct tcpx_congestion_ops tcpx_bbr;

#ifdef __KERNEL__
struct dst_entry;
struct sock;
struct tcpx_net;

int  tcpx_cong_init(void);				/* registers our own */
void tcpx_cong_exit(void);
void tcpx_assign_congestion_control(struct sock *sk);	/* socket(): the netns's default */
void tcpx_init_congestion_control(struct sock *sk);	/* ESTABLISHED: ops->init */
void tcpx_cleanup_congestion_control(struct sock *sk);
int  tcpx_set_congestion_control(struct sock *sk, const char *name, bool cap_net_admin);
void tcpx_child_congestion_control(struct sock *child);	/* after cloning: take a reference */
void tcpx_dst_congestion_control(struct sock *sk, const struct dst_entry *dst);
void tcpx_get_available_congestion_control(char *buf, size_t len);
void tcpx_get_allowed_congestion_control(char *buf, size_t len);
int  tcpx_set_allowed_congestion_control(const char *names);
int  tcpx_set_default_congestion_control(struct tcpx_net *tn, const char *name);
void tcpx_get_default_congestion_control(struct tcpx_net *tn, char *name);
#endif

#endif /* _TCPX_CONG_H */
