/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Congestion control plug-ins: what an algorithm sees of a connection, what
 * it provides, and the registry. No struct sock in here: an algorithm can be
 * run in user space against a made-up struct tcpx_cc (selftests/unit).
 */
#ifndef _TCPX_CONG_H
#define _TCPX_CONG_H

#ifdef __KERNEL__
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
 * @mss: payload bytes of a full segment
 * @snd_una: oldest unacknowledged sequence number
 * @snd_nxt: next to be sent
 * @delivered: segments delivered, whole connection
 * @delivered_ce: those of them with a congestion mark
 * @lost: segments held for lost, whole connection
 * @pacing_rate: bytes per second, ~0UL none
 * @lsndtime: 32-bit jiffies of the last data sent
 * @priv: the algorithm's own
 */
struct tcpx_cc {
	const struct tcpx_congestion_ops *ops;
	u32	snd_cwnd;
	u32	snd_cwnd_cnt;
	u32	snd_cwnd_clamp;
	u32	snd_ssthresh;
	u32	prior_ssthresh;
	u32	prior_cwnd;
	u32	max_packets_out;
	u32	srtt_us;
	u32	min_rtt_us;
	u32	mss;
	u32	snd_una;
	u32	snd_nxt;
	u32	delivered;
	u32	delivered_ce;
	u32	lost;
	u32	lsndtime;
	unsigned long	pacing_rate;
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
 * @cong_avoid: @acked segments were acked up to @ack: grow snd_cwnd; required.
 *	Called only outside recovery.
 * @set_state: before ca_state changes (enum tcp_ca_state); optional
 * @cwnd_event: optional
 * @pkts_acked: for every ACK with new data; optional
 * @undo_cwnd: cwnd after a spurious reduction; required
 * @get_info: TCP_CC_INFO: fill *info, return bytes; optional
 * @name: what TCP_CONGESTION calls it
 * @owner: module that holds the functions
 * @flags: TCPX_CONG_*
 * @list: in the registry
 */
struct tcpx_congestion_ops {
	void	(*init)(struct tcpx_cc *cc);
	void	(*release)(struct tcpx_cc *cc);
	u32	(*ssthresh)(struct tcpx_cc *cc);
	void	(*cong_avoid)(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32);
	void	(*set_state)(struct tcpx_cc *cc, u8 new_state);
	void	(*cwnd_event)(struct tcpx_cc *cc, enum tcpx_ca_event ev, u32 now32);
	void	(*pkts_acked)(struct tcpx_cc *cc, const struct tcpx_ack_sample *s);
	u32	(*undo_cwnd)(struct tcpx_cc *cc);
	size_t	(*get_info)(const struct tcpx_cc *cc, void *info, size_t len);
	const char	*name;
	struct module	*owner;
	u32		flags;
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

/* Registry (cong.c). Names are unique. */
int  tcpx_register_congestion_control(struct tcpx_congestion_ops *ops);
void tcpx_unregister_congestion_control(struct tcpx_congestion_ops *ops);

/* What an algorithm may ask and tell of the connection (cong.c). */
bool tcpx_cc_paced(const struct tcpx_cc *cc);		/* a pacer spaces the segments out */
void tcpx_cc_count(const struct tcpx_cc *cc, int mib, u32 n);	/* add to LINUX_MIB_* */

/* Building blocks for algorithms (cong_reno.c), rfc5681. */
u32  tcpx_slow_start(struct tcpx_cc *cc, u32 acked);	/* returns what is left of acked */
void tcpx_cong_avoid_ai(struct tcpx_cc *cc, u32 w, u32 acked);
u32  tcpx_reno_ssthresh(struct tcpx_cc *cc);
u32  tcpx_reno_undo_cwnd(struct tcpx_cc *cc);
extern struct tcpx_congestion_ops tcpx_reno;
extern struct tcpx_congestion_ops tcpx_cubic;

#ifdef __KERNEL__
struct sock;
struct tcpx_net;

int  tcpx_cong_init(void);				/* registers reno and cubic */
void tcpx_cong_exit(void);
void tcpx_assign_congestion_control(struct sock *sk);	/* socket(): the netns's default */
void tcpx_init_congestion_control(struct sock *sk);	/* ESTABLISHED: ops->init */
void tcpx_cleanup_congestion_control(struct sock *sk);
int  tcpx_set_congestion_control(struct sock *sk, const char *name, bool cap_net_admin);
void tcpx_child_congestion_control(struct sock *child);	/* after cloning: take a reference */
void tcpx_get_available_congestion_control(char *buf, size_t len);
int  tcpx_set_default_congestion_control(struct tcpx_net *tn, const char *name);
void tcpx_get_default_congestion_control(struct tcpx_net *tn, char *name);
#endif

#endif /* _TCPX_CONG_H */
