/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: what each file of the module offers the others. Included by tcpx.h,
 * which has the types.
 */
#ifndef _TCPX_OFFERS_H
#define _TCPX_OFFERS_H

/* --- main.c ------------------------------------------------------------- */

extern int tcpx_family;				/* module parameter family= */
DECLARE_STATIC_KEY_FALSE(tcpx_active);		/* some TCPX socket exists */

/* One more / one less object (full socket, request, TIME_WAIT) that segments
 * may be for. get may sleep when it is the first and then also makes the
 * netns's tables (0, -ENOMEM); hold/put never sleep (softirq).
 */
int  tcpx_active_get(struct net *net);
void tcpx_active_hold(void);
void tcpx_active_put(void);
u32  tcpx_secret(void);		/* only to mix into non-secure hashes */

/* --- proto.c: struct proto, life and death of a socket ------------------ */

extern struct proto tcpx_prot;
int  tcpx_proto_init(void);				/* proto_register() */
void tcpx_proto_exit(void);

void tcpx_sock_free_parts(struct sock *sk);		/* for sk_destruct */
void tcpx_sock_destruct(struct sock *sk);
int  tcpx_init_sock(struct sock *sk);			/* proto.init */
void tcpx_lock_class(struct sock *sk, bool cloned);	/* own lockdep class */
void tcpx_destroy_sock(struct sock *sk);		/* proto.destroy: queues, port */
void tcpx_close(struct sock *sk, long timeout);
void __tcpx_close(struct sock *sk, long timeout);	/* lock held */
int  tcpx_disconnect(struct sock *sk, int flags);	/* lock held */
void tcpx_shutdown(struct sock *sk, int how);		/* lock held */
void tcpx_set_state(struct sock *sk, int state);	/* MIB, unhash on CLOSE */
/* connection is over: CLOSE, wake, free an orphan */
void tcpx_done(struct sock *sk);
void tcpx_done_with_error(struct sock *sk, int err);
int  tcpx_abort(struct sock *sk, int err);		/* sock_diag; any kind of entry */
void tcpx_inet_destroy_sock(struct sock *sk);		/* orphan with no users left: free */
bool tcpx_check_oom(struct sock *sk, int shift);	/* too many orphans / no memory */
void tcpx_write_queue_purge(struct sock *sk);
void tcpx_orphan_inc(struct sock *sk);
void tcpx_orphan_dec(struct sock *sk);
__poll_t tcpx_poll(struct file *file, struct socket *sock, struct poll_table_struct *wait);
int  tcpx_ioctl_cmd(struct sock *sk, int cmd, int *karg);	/* SIOCINQ ... */
void tcpx_enter_memory_pressure(struct sock *sk);
void tcpx_leave_memory_pressure(struct sock *sk);
bool tcpx_under_memory_pressure(const struct sock *sk);

/* --- af_tcpx.c ---------------------------------------------------------- */

extern const struct proto_ops tcpx_stream_ops;
int  tcpx_af_register(void);
void tcpx_af_unregister(void);

/* --- bhash.c, bind.c: bound ports, reservation of them with kernel TCP ----- */

/* proto.get_port; sleeps, lock held */
int  tcpx_get_port(struct sock *sk, unsigned short snum);
void tcpx_put_port(struct sock *sk);				/* any context */
/* The child of a listener joins its port (softirq). 0 or -ENOMEM/-EADDRINUSE. */
int  tcpx_inherit_port(const struct sock *lsk, struct sock *child);
/* TIME_WAIT takes over the socket's place among the owners (BH off). */
void tcpx_bind_tw_add(struct tcpx_timewait_sock *tw, struct sock *sk);
void tcpx_bind_tw_del(struct tcpx_timewait_sock *tw);
/* connect(): choose a local port for sk's saddr/daddr/dport, reserve it and
 * hash sk into ehash (state TCP_SYN_SENT already). Sleeps. -EADDRNOTAVAIL.
 */
int  tcpx_hash_connect(struct sock *sk);
/* Give up reservations that need not linger: after close(), so that it is done when
 * close() returns. Sleeps, no socket lock.
 */
void tcpx_bind_reap(struct net *net);
void tcpx_bind_net_exit(struct tcpx_net *tn);			/* drop all reservations */
void tcpx_bind_net_init(struct tcpx_net *tn);
int  tcpx_bind_init(void);
void tcpx_bind_exit(void);

/* --- demux.c: connection and listener tables ----------------------------- */

int  tcpx_hashinfo_alloc(struct tcpx_net *tn);
void tcpx_hashinfo_free(struct tcpx_net *tn);
bool tcpx_hashinfo_chain(const struct tcpx_hashinfo *h, unsigned int bucket,
			 struct hlist_nulls_head **chain, spinlock_t **lock);

/* RCU. As the two below, over IPv6. */
struct sock *tcpx_v6_lookup_established(struct net *net, struct tcpx_hashinfo *h,
					const struct in6_addr *saddr, __be16 sport,
					const struct in6_addr *daddr, u16 hnum, int dif, int sdif);
struct sock *tcpx_v6_lookup_listener(struct net *net, struct tcpx_hashinfo *h,
				     struct sk_buff *skb, int doff,
				     const struct in6_addr *saddr, __be16 sport,
				     const struct in6_addr *daddr, u16 hnum, int dif, int sdif);
u32  tcpx_v4_ehashfn(const struct net *net, __be32 laddr, u16 lport, __be32 faddr, __be16 fport);
/* RCU. Returned with a reference: full socket, request or TIME_WAIT by sk_state. */
struct sock *tcpx_v4_lookup_established(struct net *net, struct tcpx_hashinfo *h,
					__be32 saddr, __be16 sport,
					__be32 daddr, u16 hnum, int dif, int sdif);
/* RCU. No reference taken (listeners are freed after a grace period). */
struct sock *tcpx_v4_lookup_listener(struct net *net, struct tcpx_hashinfo *h,
				     struct sk_buff *skb, int doff,
				     __be32 saddr, __be16 sport,
				     __be32 daddr, u16 hnum, int dif, int sdif);
/* proto.hash: LISTEN -> lhash, else ehash; sleeps never */
int  tcpx_hash(struct sock *sk);
void tcpx_unhash(struct sock *sk);		/* proto.unhash */
/* Insert sk (hash computed from its addresses). If osk is given it is removed in
 * the same critical section and false means osk was no longer there. If found is
 * non-NULL an entry with the same 4-tuple makes it fail and set *found.
 */
bool tcpx_ehash_insert(struct sock *sk, struct sock *osk, bool *found);
/* If the 4-tuple with lport is free, sk goes in. A reusable TIME_WAIT in its place is
 * taken out and handed over in *twp: the caller must tcpx_tw_retire() it once it has
 * dropped its locks. With twp NULL (bound port) that is done here. 0 / -EADDRNOTAVAIL.
 */
int  tcpx_check_established(struct sock *sk, u16 lport, struct tcpx_timewait_sock **twp);
void tcpx_ehash_remove(struct sock *sk, bool *removed);	/* any kind of entry */
void tcpx_ehash_replace_tw(struct sock *sk, struct tcpx_timewait_sock *tw);
void tcpx_sock_gen_put(struct sock *sk);		/* drop a lookup's reference, any kind */

/* --- request.c: half-open connections --------------------------------------- */

struct tcpx_request_sock *tcpx_reqsk_alloc(struct sock *lsk, const struct sk_buff *skb,
					   bool attach_listener);
struct tcpx_request_sock *tcpx_reqsk_clone(const struct tcpx_request_sock *req,
					   struct sock *lsk);
void tcpx_reqsk_start(struct tcpx_request_sock *req);
void tcpx_reqsk_put(struct tcpx_request_sock *req);
void tcpx_reqsk_free(struct tcpx_request_sock *req);
/* unhash, stop, put; false: somebody else did */
bool tcpx_reqsk_drop(struct tcpx_request_sock *req);
/* the caller unhashed: stop, uncount */
void tcpx_reqsk_unlinked(struct tcpx_request_sock *req);
int  tcpx_rtx_synack(const struct sock *lsk, struct tcpx_request_sock *req);
void tcpx_openreq_init_rwin(struct tcpx_request_sock *req, const struct sock *lsk,
			    const struct dst_entry *dst);	/* window of the SYN-ACK */
int  tcpx_conn_request(struct sock *sk, struct sk_buff *skb);	/* a SYN; family independent part */
void tcpx_send_reqsk_ack(const struct sock *lsk, struct sk_buff *skb,
			 struct tcpx_request_sock *req);
/* A segment for a request sock. Child (locked by bh_lock_sock, referenced); lsk if the
 * listener has to judge it (a bad ACK); or NULL: drop it, but look it up again if
 * *req_stolen (somebody else made the child). The skb is not consumed.
 */
struct sock *tcpx_check_req(struct sock *lsk, struct sk_buff *skb,
			    struct tcpx_request_sock *req, bool *req_stolen);
/* The same for a Fast Open child in SYN_RECV: true if it may process the segment. */
bool tcpx_fastopen_check_req(struct sock *child, struct sk_buff *skb,
			     struct tcpx_request_sock *req);
int  tcpx_request_init(void);
void tcpx_request_exit(void);

/* --- migrate.c --------------------------------------------------------------- */

bool tcpx_migrate_req(struct sock *lsk, struct tcpx_request_sock *req);
bool tcpx_migrate_child(struct sock *lsk, struct tcpx_request_sock *req, struct sock *child);
void tcpx_migrate_end(struct sock *lsk);

/* --- fastopen.c, fastopen_client.c: TCP Fast Open, rfc7413 ------------------- */

void tcpx_fastopen_init_key(struct net *net);		/* sleeps */
int  tcpx_fastopen_set_key(struct sock *sk, const u8 *keys, int n);
int  tcpx_fastopen_get_key(struct sock *sk, u8 *keys);
void tcpx_fastopen_destroy(struct sock *sk);
int  tcpx_fastopen_queue_tune(struct sock *sk, int backlog);
int  tcpx_fastopen_listen(struct sock *sk, int backlog);
void tcpx_fastopen_listen_stop(struct sock *lsk);
bool tcpx_fastopen_accepted(struct sock *lsk, struct request_sock *rsk);
struct sock *tcpx_try_fastopen(struct sock *lsk, struct sk_buff *skb,
			       struct tcpx_request_sock *req, const struct dst_entry *dst,
			       struct tcp_fastopen_cookie *foc);
void tcpx_fastopen_add_skb(struct sock *sk, struct sk_buff *skb);
void tcpx_fastopen_remove(struct sock *child, bool reset);
void tcpx_fastopen_established(struct sock *sk);
void tcpx_fastopen_migrated(struct sock *child, struct tcpx_request_sock *req);
void tcpx_fastopen_synack_timer(struct sock *sk);
bool tcpx_fastopen_no_cookie(const struct sock *sk, const struct dst_entry *dst, int flag);

void tcpx_fastopen_ofo_check(struct sock *sk);
void tcpx_fastopen_bad_end(struct sock *sk);
void tcpx_fastopen_detect_blackhole(struct sock *sk, bool expired);
void tcpx_free_fastopen_req(struct tcpx_sock *tp);
bool tcpx_fastopen_defer_connect(struct sock *sk, int *err);
int  tcpx_send_syn_data(struct sock *sk, struct sk_buff *syn);
bool tcpx_rcv_fastopen_synack(struct sock *sk, struct sk_buff *synack);
int  tcpx_sendmsg_fastopen(struct sock *sk, struct msghdr *msg, struct ubuf_info *uarg,
			   int *copied, size_t size);

/* A child that was made by a SYN with data and has not completed its handshake. */
static inline bool tcpx_passive_fastopen(struct sock *sk)
{
	return sk->sk_state == TCP_SYN_RECV && READ_ONCE(tcpx_sk(sk)->fastopen_rsk);
}

/* --- metrics.c: what connections have learnt of peers ------------------------- */

int  tcpx_metrics_init(void);
void tcpx_metrics_exit(void);
void tcpx_metrics_flush(const struct net *net);
void tcpx_update_metrics(struct sock *sk);
void tcpx_init_metrics(struct sock *sk);
bool tcpx_metrics_proven(const struct tcpx_request_sock *req, const struct dst_entry *dst);
void tcpx_metrics_get_fastopen(struct sock *sk, u16 *mss, struct tcp_fastopen_cookie *cookie);
void tcpx_metrics_set_fastopen(struct sock *sk, u16 mss,
			       const struct tcp_fastopen_cookie *cookie, u8 try_exp);
int  tcpx_metrics_seq_show(struct seq_file *seq, void *v);
int  tcpx_metrics_write(struct file *file, char *buf, size_t len);

/* --- listen.c: the accept queue, children ----------------------------------- */

struct tcpx_accept_queue *tcpx_queue_get(struct sock *sk);	/* NULL: no memory */
int  tcpx_listen_start(struct sock *sk, int backlog);	/* lock held; -EADDRINUSE */
void tcpx_listen_stop(struct sock *sk);			/* close of a listener, lock held */
int  tcpx_listen(struct socket *sock, int backlog);	/* proto_ops.listen */
struct sock *tcpx_accept(struct sock *sk, int flags, int *err, int *is_empty);
/* clone lsk into a child for req: all engine state initialised; from syn_recv_sock */
struct sock *tcpx_create_openreq_child(struct sock *lsk, struct tcpx_request_sock *req,
				       struct sk_buff *skb);
/* The child goes to the accept queue, and with it the caller's reference on req; NULL
 * (child disposed of, but still locked and referenced once) if lsk is no longer listening.
 */
struct sock *tcpx_reqsk_queue_add(struct sock *lsk, struct tcpx_request_sock *req,
				  struct sock *child);
void tcpx_discard_child(struct sock *child);		/* nobody else knows it */
/* The child took the place of req in ehash: stop that one's timer, queue the child. */
struct sock *tcpx_complete_hashdance(struct sock *lsk, struct sock *child,
				     struct tcpx_request_sock *req);
/* First segment after the handshake, to a child in SYN_RECV; unlocks and puts it, consumes skb. */
void tcpx_child_process(struct sock *lsk, struct sock *child, struct sk_buff *skb);

/* --- memcg.c: charging memory cgroups ----------------------------------------- */

#ifdef CONFIG_MEMCG
void tcpx_memcg_forced_schedule(struct sock *sk, int size);	/* sk has one */
void tcpx_memcg_accept(struct sock *child);
#else
static inline void tcpx_memcg_forced_schedule(struct sock *sk, int size)
{
}

static inline void tcpx_memcg_accept(struct sock *child)
{
}
#endif

/* --- syncookies.c --------------------------------------------------------- */

u32  tcpx_cookie_init_seq(const struct sk_buff *skb, u16 *mssp);
u32  tcpx_cookie_init_timestamp(struct tcpx_request_sock *req, u64 now_us);
/* An ACK at a listener: the listener itself (not a cookie), a child, or NULL (drop). */
struct sock *tcpx_cookie_check(struct sock *lsk, struct sk_buff *skb);
bool tcpx_syn_flood_action(struct sock *sk);		/* cookies wanted? counts, logs */
void tcpx_syncookie_overflow(const struct sock *sk);	/* remember: cookies were sent lately */
bool tcpx_syncookie_no_recent_overflow(const struct sock *sk);
int  tcpx_cookie_init(void);

/* --- connect.c ------------------------------------------------------------ */

int  tcpx_v4_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len);
int  tcpx_v4_pre_connect(struct sock *sk, compat_sockaddr *uaddr, int addr_len);
/* Commit to a route: sk_setup_caps() and what it grants to IPPROTO_TCP only. Takes dst. */
void tcpx_setup_caps(struct sock *sk, struct dst_entry *dst);
/* SYN goes out: window, MSS, ISN already chosen; output side of active open. output.c */
int  tcpx_connect(struct sock *sk);

/* --- sendmsg.c ------------------------------------------------------------ */

int  tcpx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
void tcpx_tx_exit(void);
int  tcpx_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t size);
int  tcpx_send_page(struct sock *sk, struct msghdr *msg, size_t size, bool give);
void tcpx_wake_writers(struct sock *sk);
void tcpx_write_space(struct sock *sk);			/* sk->sk_write_space */
bool tcpx_stream_memory_free(const struct sock *sk, int wake);
void tcpx_splice_eof(struct socket *sock);
int  tcpx_tx_fill(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int len);
void tcpx_check_space(struct sock *sk);			/* wake writers after an ACK */

/* --- recvmsg.c ------------------------------------------------------------ */

int  tcpx_do_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags);
void tcpx_cleanup_rbuf(struct sock *sk, int copied);	/* window update if worth it */
int  tcpx_inq(struct sock *sk);
int  tcpx_peek_len(struct socket *sock);
int  tcpx_read_sock(struct sock *sk, read_descriptor_t *desc, sk_read_actor_t actor);
ssize_t tcpx_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags);
int  tcpx_set_rcvlowat(struct sock *sk, int val);
void tcpx_data_ready(struct sock *sk);			/* respects SO_RCVLOWAT */
bool tcpx_stream_is_readable(struct sock *sk, int target);

/* --- tstamp.c: SO_TIMESTAMPING ----------------------------------------------- */

/**
 * struct tcpx_rx_stamps - arrival of the last byte read
 * @sw: by our clock, 0 if not known
 * @hw: by the device's
 */
struct tcpx_rx_stamps {
	ktime_t	sw;
	ktime_t	hw;
};

void tcpx_recv_timestamp(struct msghdr *msg, const struct sock *sk,
			 const struct tcpx_rx_stamps *stamps);
void tcpx_tskey_sync(struct sock *sk);
void tcpx_tx_timestamp(struct sock *sk, const struct sockcm_cookie *sockc);
void tcpx_split_tx_stamp(const struct sock *sk, struct sk_buff *skb, struct sk_buff *buff);
void tcpx_collapse_tx_stamp(struct sk_buff *to, const struct sk_buff *from);
void tcpx_init_error_report(struct sock *sk);
void __tcpx_ack_tstamp(struct sock *sk, struct sk_buff *skb, const struct sk_buff *ack_skb,
		       u32 prior_snd_una);

/* An skb of the retransmit queue is acknowledged, in part at least. */
static inline void tcpx_ack_tstamp(struct sock *sk, struct sk_buff *skb,
				   const struct sk_buff *ack_skb, u32 prior_snd_una)
{
	if (unlikely(TCPX_CB(skb)->txstamp_ack))
		__tcpx_ack_tstamp(sk, skb, ack_skb, prior_snd_una);
}

/* --- rcvbuf.c: window to offer, autotuning -------------------------------- */

int  tcpx_guess_win_from_space(const struct sock *sk, int space);
int  tcpx_win_from_space(const struct sock *sk, int space);
int  tcpx_space(const struct sock *sk);			/* bytes that can be offered now */
int  tcpx_full_space(const struct sock *sk);
/* window field of a segment, unscaled check done; commits rcv_wnd */
u16  tcpx_select_window(struct sock *sk);
/* bytes, SWS avoidance rfc9293#section-3.8.6.2.2 */
u32  __tcpx_select_window(struct sock *sk);
void tcpx_select_initial_window(const struct sock *sk, int space, u32 mss, u32 *rcv_wnd,
				u32 *window_clamp, bool wscale_ok, u8 *rcv_wscale,
				u32 init_rcv_wnd);
void tcpx_init_buffer_space(struct sock *sk);		/* on ESTABLISHED */
void tcpx_grow_window(struct sock *sk, const struct sk_buff *skb);
void tcpx_clamp_window(struct sock *sk);
void tcpx_pressure_rcv_ssthresh(struct sock *sk);
int  tcpx_set_window_clamp(struct sock *sk, int val);	/* TCP_WINDOW_CLAMP */
void tcpx_rcv_space_adjust(struct sock *sk);		/* after the user copied: DRS */
void tcpx_rcvbuf_grow_ofo(struct sock *sk);
void tcpx_rcv_rtt_measure(struct tcpx_sock *tp);
void tcpx_rcv_rtt_measure_ts(struct sock *sk, const struct sk_buff *skb);
void tcpx_sndbuf_expand(struct sock *sk);

/* --- prune.c: memory of what was received ---------------------------------- */

int  tcpx_try_rmem_schedule(struct sock *sk, struct sk_buff *skb, unsigned int size);
void tcpx_forced_mem_schedule(struct sock *sk, int size);
int  tcpx_prune_queue(struct sock *sk, const struct sk_buff *in_skb);
bool tcpx_prune_ofo_queue(struct sock *sk, const struct sk_buff *in_skb);
bool tcpx_try_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *from, bool *fragstolen);

/* --- options.c ------------------------------------------------------------ */

void tcpx_parse_options(const struct net *net, const struct sk_buff *skb,
			struct tcpx_options_received *opt, bool estab);
/* Fast path: only a timestamp; true if one was seen. */
bool tcpx_fast_parse_options(const struct net *net, const struct sk_buff *skb,
			     const struct tcphdr *th, struct tcpx_sock *tp);
u16  tcpx_parse_mss_option(const struct tcphdr *th, u16 user_mss);
void tcpx_clear_options(struct tcpx_options_received *opt);
void tcpx_parse_fastopen_option(const struct sk_buff *skb, struct tcp_fastopen_cookie *foc);

#include "auth.h"

struct tcpx_out_options {
	u8	options;	/* TCPX_OPT_* */
	u8	ws;
	u8	num_sack_blocks;
	u8	accecn_fields;
	u16	mss;
	u32	tsval;
	u32	tsecr;
	const struct tcp_fastopen_cookie *fastopen_cookie;
	struct tcpx_auth auth;
	u32	accecn[3];	/* TCPX_OPT_ACCECN: as they go out */
};

#define TCPX_OPT_SACK_PERM	BIT(0)
#define TCPX_OPT_TS		BIT(1)
#define TCPX_OPT_WSCALE		BIT(2)
#define TCPX_OPT_MSS		BIT(3)
#define TCPX_OPT_FASTOPEN	BIT(4)
#define TCPX_OPT_ACCECN		BIT(5)

unsigned int tcpx_syn_options(struct sock *sk, struct sk_buff *skb, struct tcpx_out_options *opts);
unsigned int tcpx_synack_options(const struct sock *lsk, struct tcpx_request_sock *req,
				 unsigned int mss, struct sk_buff *skb,
				 const struct tcp_fastopen_cookie *foc,
				 struct tcpx_out_options *opts);
unsigned int tcpx_established_options(struct sock *sk, struct sk_buff *skb,
				      struct tcpx_out_options *opts);
void tcpx_options_write(struct tcphdr *th, struct tcpx_sock *tp,
			const struct tcpx_out_options *opts);
void tcpx_write_auth(__be32 *ptr, const struct tcpx_auth *auth);

/* --- receive.c: from IP to the socket ------------------------------------------- */

bool tcpx_rcv(struct sk_buff *skb);		/* false: not ours */
/* Segment for a connected or listening socket whose lock is held (or that is
 * LISTEN: no lock). Consumes skb. Called from the backlog too.
 */
int  tcpx_do_rcv(struct sock *sk, struct sk_buff *skb);

/* --- input.c: segment arrival ---------------------------------------------- */

void tcpx_rcv_established(struct sock *sk, struct sk_buff *skb);
/* >= 0: done (skb consumed if 0); 1: answer with a reset, caller frees. */
int  tcpx_rcv_state_process(struct sock *sk, struct sk_buff *skb);
void tcpx_dsack_set(struct sock *sk, u32 seq, u32 end_seq);	/* reassembly.c */
void tcpx_sack_remove(struct tcpx_sock *tp);
void tcpx_rcv_spurious_retrans(struct sock *sk, const struct sk_buff *skb);
void tcpx_ofo_purge(struct sock *sk);
void tcpx_urg(struct sock *sk, const struct sk_buff *skb, const struct tcphdr *th);	/* urg.c */
int  tcpx_queue_rcv(struct sock *sk, struct sk_buff *skb, bool *fragstolen);
void tcpx_event_data_recv(struct sock *sk, struct sk_buff *skb);
void tcpx_finish_connect(struct sock *sk, struct sk_buff *skb);
void tcpx_init_transfer(struct sock *sk, struct sk_buff *skb);	/* on ESTABLISHED */
void tcpx_reset(struct sock *sk, struct sk_buff *skb);		/* a valid RST came */
void tcpx_fin(struct sock *sk);
bool tcpx_oow_rate_limited(struct net *net, const struct sk_buff *skb, int mib_idx, u32 *last);
bool tcpx_paws_reject(const struct tcpx_options_received *opt, bool rst);
int  tcpx_store_ts_recent(struct tcpx_sock *tp);	/* TCPX_FLAG_TS_PROGRESS or 0 */
void tcpx_data_queue(struct sock *sk, struct sk_buff *skb);
void tcpx_enter_quickack_mode(struct sock *sk, unsigned int max_quickacks);
void tcpx_initialize_rcv_mss(struct sock *sk);
void tcpx_measure_rcv_mss(struct sock *sk, const struct sk_buff *skb);
void tcpx_drop(struct sock *sk, struct sk_buff *skb, enum skb_drop_reason reason);
bool tcpx_challenge_ack_allowed(struct net *net, u32 *last);
void tcpx_send_challenge_ack(struct sock *sk);		/* rfc5961, rate limited */

static inline void tcpx_schedule_ack(struct sock *sk)
{
	tcpx_sk(sk)->ack.pending |= TCPX_ACK_SCHED;
}

/* --- ack.c: acknowledgements, RTT, what they do to the send queue ---------- */

#define TCPX_FLAG_DATA			0x01
#define TCPX_FLAG_WIN_UPDATE		0x02
#define TCPX_FLAG_DATA_ACKED		0x04
#define TCPX_FLAG_RETRANS_DATA_ACKED	0x08
#define TCPX_FLAG_SYN_ACKED		0x10
#define TCPX_FLAG_DATA_SACKED		0x20
#define TCPX_FLAG_ECE			0x40
#define TCPX_FLAG_LOST_RETRANS		0x80
#define TCPX_FLAG_SLOWPATH		0x100
#define TCPX_FLAG_ORIG_SACK_ACKED	0x200
#define TCPX_FLAG_SND_UNA_ADVANCED	0x400
#define TCPX_FLAG_DSACKING_ACK		0x800
#define TCPX_FLAG_SET_XMIT_TIMER	0x1000
#define TCPX_FLAG_SACK_RENEGING		0x2000
#define TCPX_FLAG_UPDATE_TS_RECENT	0x4000
#define TCPX_FLAG_NO_CHALLENGE_ACK	0x8000
#define TCPX_FLAG_ACK_MAYBE_DELAYED	0x10000
#define TCPX_FLAG_DSACK_TLP		0x20000
#define TCPX_FLAG_TS_PROGRESS		0x40000
#define TCPX_FLAG_ACKED		(TCPX_FLAG_DATA_ACKED | TCPX_FLAG_SYN_ACKED)
#define TCPX_FLAG_NOT_DUP	(TCPX_FLAG_DATA | TCPX_FLAG_WIN_UPDATE | TCPX_FLAG_ACKED)
#define TCPX_FLAG_FORWARD_PROGRESS (TCPX_FLAG_ACKED | TCPX_FLAG_DATA_SACKED)

/* 1 processed, 0 old or nothing new, < 0: -SKB_DROP_REASON_* the segment must be dropped */
int  tcpx_ack(struct sock *sk, const struct sk_buff *skb, int flag);
void tcpx_set_rto(struct sock *sk);
u32  tcpx_rto_min(struct sock *sk);
void tcpx_rtt_init(struct sock *sk);
void tcpx_synack_rtt_meas(struct sock *sk, struct tcpx_request_sock *req);
void tcpx_valid_rtt_meas(struct sock *sk, u32 seq_rtt_us);
void tcpx_rearm_rto(struct sock *sk);
void tcpx_update_pacing_rate(struct sock *sk);
void tcpx_fast_path_on(struct tcpx_sock *tp);
void tcpx_fast_path_check(struct sock *sk);

/* Does the segment just parsed echo a time before @stamp (ms, TSval's clock)? */
static inline bool tcpx_tsecr_before(const struct tcpx_sock *tp, u32 stamp)
{
	return tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr &&
	       before(tp->rx_opt.rcv_tsecr, stamp);
}

/* --- establish.c: the end of the handshake ---------------------------------- */

int  tcpx_rcv_synsent_state_process(struct sock *sk, struct sk_buff *skb);
void tcpx_syn_recv_established(struct sock *sk, struct sk_buff *skb);

/* --- ecn.c: rfc3168 ----------------------------------------------------------- */

void tcpx_ecn_ca_changed(struct sock *sk);
void tcpx_ecn_send_syn(struct sock *sk, struct sk_buff *skb);
void tcpx_ecn_clear_syn(struct sock *sk, struct sk_buff *skb);
void tcpx_ecn_rcv_synack(struct sock *sk, const struct sk_buff *skb);
void tcpx_ecn_rcv_syn(struct tcpx_sock *tp, const struct sk_buff *skb);
void tcpx_ecn_send_synack(const struct tcpx_sock *tp, struct sk_buff *skb);
void tcpx_ecn_create_request(struct tcpx_request_sock *req, const struct sk_buff *skb,
			     const struct sock *lsk, const struct dst_entry *dst);
void tcpx_ecn_cookie_request(struct tcpx_request_sock *req, const struct sk_buff *skb,
			     const struct net *net, const struct dst_entry *dst);
void tcpx_ecn_make_synack(const struct tcpx_request_sock *req, struct tcphdr *th);
void tcpx_ecn_openreq_child(struct tcpx_sock *tp, const struct tcpx_request_sock *req);
void tcpx_ecn_send(struct sock *sk, struct sk_buff *skb, struct tcphdr *th, u32 hdr_len);
void tcpx_ecn_queue_cwr(struct tcpx_sock *tp);
void tcpx_ecn_withdraw_cwr(struct tcpx_sock *tp);
bool tcpx_ecn_rcv_ecn_echo(const struct tcpx_sock *tp, const struct tcphdr *th);
void tcpx_ecn_accept_cwr(struct sock *sk, const struct sk_buff *skb);
void tcpx_ecn_check_ce(struct sock *sk, const struct sk_buff *skb);

/* --- accecn.c: rfc9768 ---------------------------------------------------------- */

void tcpx_accecn_init(struct tcpx_sock *tp);
void tcpx_accecn_rcv_synack(struct sock *sk, const struct sk_buff *skb);
void tcpx_accecn_syn_again(struct tcpx_sock *tp, const struct sk_buff *skb);
void tcpx_accecn_request_again(struct tcpx_request_sock *req, const struct sk_buff *skb);
bool tcpx_accecn_requested(const struct tcphdr *th);
bool tcpx_accecn_confirmed(const struct tcphdr *th);
void tcpx_accecn_rcv_syn(struct tcpx_sock *tp, const struct sk_buff *skb);
void tcpx_accecn_reflect_syn(struct tcphdr *th, u8 ecn);
void tcpx_accecn_reflect_cb(struct sk_buff *skb, u8 ecn);
void tcpx_accecn_openreq_child(struct tcpx_sock *tp, const struct tcpx_request_sock *req);
void tcpx_accecn_third_ack(struct sock *sk, const struct sk_buff *skb);
void tcpx_accecn_received(struct sock *sk, const struct sk_buff *skb, u32 payload);
/* segments newly known to be marked */
u32  tcpx_accecn_process(struct sock *sk, const struct sk_buff *skb, u32 segs, u32 bytes, int flag);
u32  tcpx_accecn_expected(const struct tcpx_sock *tp);
void tcpx_accecn_send(struct sock *sk, struct sk_buff *skb, struct tcphdr *th, bool pure);
bool tcpx_accecn_single(const struct tcpx_sock *tp);
unsigned int tcpx_accecn_synack_option(const struct net *net, struct tcpx_out_options *opts,
				       unsigned int room);
bool tcpx_accecn_beacon(const struct sock *sk);
int  tcpx_accecn_option(const struct sock *sk, struct tcpx_out_options *opts, unsigned int room);
void tcpx_accecn_option_sent(struct tcpx_sock *tp, bool dsack);
__be32 *tcpx_accecn_write_option(__be32 *ptr, const struct tcpx_out_options *opts, u8 rest[2]);
void tcpx_accecn_spurious(struct tcpx_sock *tp, u32 seq);

/* --- rack.c ------------------------------------------------------------------ */

s32  tcpx_rack_skb_timeout(const struct tcpx_sock *tp, const struct sk_buff *skb, u32 reo_wnd);
u32  tcpx_rack_detect_loss(struct sock *sk);
bool tcpx_rack_mark_lost(struct sock *sk);

/* --- recovery.c: SACK scoreboard, loss detection, fast retransmit ---------- */

void tcpx_rate_skb_sent(struct sock *sk, struct sk_buff *skb);
void tcpx_rate_skb_delivered(struct sock *sk, struct sk_buff *skb, struct tcpx_rate_sample *rs);
void tcpx_rate_gen(struct sock *sk, u32 delivered, u32 lost, bool reneg,
		   struct tcpx_rate_sample *rs);
void tcpx_rate_check_app_limited(struct sock *sk);	/* sendmsg() */

/* What is to be sent after an ACK was processed. */
enum tcpx_rexmit {
	TCPX_REXMIT_NONE,
	TCPX_REXMIT_LOST,	/* what is held for lost */
	TCPX_REXMIT_NEW,	/* new data: F-RTO, rfc5682 step 2.b */
};

/**
 * struct tcpx_sacktag_state - what the SACK blocks of one ACK said
 * @first_sackt: us, sending time of the first and
 * @last_sackt: of the last original segment newly SACKed
 * @reord: lowest sequence newly SACKed out of order
 * @flag: TCPX_FLAG_*
 * @mss_now: current MSS, 0 until needed
 * @prior_delivered: cc.delivered before the ACK, and
 * @prior_delivered_ce: cc.delivered_ce
 * @rs: delivery rate sample
 */
struct tcpx_sacktag_state {
	u64	first_sackt;
	u64	last_sackt;
	u32	reord;
	int	flag;
	unsigned int mss_now;
	u32	prior_delivered;
	u32	prior_delivered_ce;
	struct tcpx_rate_sample rs;
};

int  tcpx_sacktag_write_queue(struct sock *sk, const struct sk_buff *ack_skb,
			      u32 prior_snd_una, struct tcpx_sacktag_state *state);
void tcpx_fastretrans_alert(struct sock *sk, u32 prior_snd_una, int num_dupack,
			    int *ack_flag, int *rexmit);
void tcpx_xmit_recovery(struct sock *sk, int rexmit);
void tcpx_enter_loss(struct sock *sk);		/* RTO fired */
void tcpx_enter_cwr(struct sock *sk);		/* ECN or local congestion */
void tcpx_set_ca_state(struct sock *sk, u8 ca_state);
void tcpx_mark_skb_lost(struct sock *sk, struct sk_buff *skb);
void tcpx_clear_retrans(struct tcpx_sock *tp);
void tcpx_update_rto_time(struct tcpx_sock *tp);
void tcpx_cwnd_reduction(struct sock *sk, int newly_acked_sacked, int newly_lost, int flag);
void tcpx_reset_reno_sack(struct tcpx_sock *tp);
void tcpx_rack_update_reo_wnd(struct sock *sk, const struct tcpx_rate_sample *rs);
void tcpx_process_tlp_ack(struct sock *sk, u32 ack, int flag);
void tcpx_remove_reno_sacks(struct sock *sk, u32 acked);
void tcpx_check_sack_reordering(struct sock *sk, u32 low_seq, bool ts);
u32  tcpx_highest_sack_seq(const struct tcpx_sock *tp);
void tcpx_rack_advance(struct tcpx_sock *tp, u8 sacked, u32 end_seq, u64 xmit_time);
void tcpx_simple_retransmit(struct sock *sk);	/* the MTU shrank */
void tcpx_non_congestion_loss_retransmit(struct sock *sk);
bool tcpx_try_undo_recovery(struct sock *sk);
void tcpx_retrans_stamp_cleanup(struct sock *sk);
void tcpx_rack_reo_timeout(struct sock *sk);
void tcpx_rtx_hints_drop(struct tcpx_sock *tp, struct sk_buff *skb);

/* --- output.c: segmentation and transmission ------------------------------- */

void tcpx_set_skb_tso_segs(struct sk_buff *skb, unsigned int mss_now);
int  tcpx_init_tso_segs(struct sk_buff *skb, unsigned int mss_now);
int  tcpx_unclone(struct sk_buff *skb, gfp_t gfp);
void tcpx_adjust_pcount(struct sock *sk, const struct sk_buff *skb, int decr);
int  tcpx_fragment_new(struct sock *sk, struct sk_buff *skb, u32 len, unsigned int mss_now,
		       gfp_t gfp);
bool tcpx_pacing_check(struct sock *sk);
u32  tcpx_tso_segs(struct sock *sk, unsigned int mss_now);
bool tcpx_small_queue_check(struct sock *sk, const struct sk_buff *skb, unsigned int factor);
int  tcpx_push_probe(struct sock *sk, struct sk_buff *skb);
int  __tcpx_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone, gfp_t gfp,
			 u32 rcv_nxt);
void tcpx_event_new_data_sent(struct sock *sk, struct sk_buff *skb);
int  tcpx_transmit_skb(struct sock *sk, struct sk_buff *skb, bool clone, gfp_t gfp);
void tcpx_chrono_start(struct sock *sk, enum tcp_chrono type);
void tcpx_chrono_stop(struct sock *sk, enum tcp_chrono type);
enum hrtimer_restart tcpx_pace_kick(struct hrtimer *timer);
u32  tcpx_init_cwnd(const struct tcpx_sock *tp, const struct dst_entry *dst);
u32  tcpx_current_ssthresh(const struct tcpx_sock *tp);
/* headroom reserved, charged */
struct sk_buff *tcpx_stream_alloc_skb(struct sock *sk, gfp_t gfp, bool force);
/* append to the write queue */
void tcpx_skb_entail(struct sock *sk, struct sk_buff *skb);
unsigned int tcpx_sync_mss(struct sock *sk, u32 pmtu);
unsigned int tcpx_current_mss(struct sock *sk);
unsigned int tcpx_send_mss(struct sock *sk, int *size_goal, int flags);
u32  tcpx_mtu_to_mss(struct sock *sk, u32 pmtu);
u32  tcpx_mss_to_mtu(struct sock *sk, u32 mss);
u16  tcpx_advertise_mss(struct sock *sk);
void __tcpx_push_pending_frames(struct sock *sk, unsigned int mss_now, int nonagle);
void tcpx_push_pending_frames(struct sock *sk);
void tcpx_push_one(struct sock *sk, unsigned int mss_now);
void tcpx_data_snd_check(struct sock *sk);		/* push, then wake writers */
void __tcpx_send_ack(struct sock *sk, u32 rcv_nxt);	/* rcv_nxt: what to acknowledge */
void tcpx_send_ack(struct sock *sk);
u32  tcpx_delack_max(struct sock *sk);
void tcpx_send_delayed_ack(struct sock *sk);
void tcpx_send_fin(struct sock *sk);
void tcpx_send_active_reset(struct sock *sk, gfp_t priority);
int  tcpx_send_synack(struct sock *sk);			/* simultaneous open */
struct sk_buff *tcpx_make_synack(const struct sock *lsk, struct dst_entry *dst,
				 struct tcpx_request_sock *req, bool cookie,
				 const struct tcp_fastopen_cookie *foc);
int  tcpx_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
int  __tcpx_retransmit_skb(struct sock *sk, struct sk_buff *skb, int segs);
bool tcpx_skb_still_in_host_queue(struct sock *sk, const struct sk_buff *skb);
void tcpx_xmit_retransmit_queue(struct sock *sk);
void tcpx_send_loss_probe(struct sock *sk);
bool tcpx_schedule_loss_probe(struct sock *sk, bool advancing_rto);
void tcpx_send_probe0(struct sock *sk);
int  tcpx_write_wakeup(struct sock *sk, int mib);	/* keepalive / window probe */
int  tcpx_fragment_rtx(struct sock *sk, struct sk_buff *skb, u32 len, unsigned int mss_now,
		       gfp_t gfp);
int  tcpx_trim_head(struct sock *sk, struct sk_buff *skb, u32 len);
void tcpx_cwnd_restart(struct sock *sk, s32 delta);
void tcpx_slow_start_after_idle_check(struct sock *sk);
void tcpx_mstamp_refresh(struct tcpx_sock *tp);
void tcpx_release_cb(struct sock *sk);
void tcpx_tsq_continue(struct sock *sk);
void tcpx_wfree(struct sk_buff *skb);			/* skb->destructor of sent skbs */
void tcpx_rtx_queue_insert(struct sock *sk, struct sk_buff *skb);
void tcpx_rtx_queue_unlink_free(struct sock *sk, struct sk_buff *skb);
int  tcpx_tsq_init(void);
void tcpx_tsq_exit(void);

/* --- mtu_probe.c ------------------------------------------------------------- */

void tcpx_mtup_init(struct sock *sk);
int  tcpx_mtu_probe(struct sock *sk);
void tcpx_mtu_blackhole(struct sock *sk);
void tcpx_mtup_probe_failed(struct sock *sk);
void tcpx_mtup_probe_success(struct sock *sk);

/* --- timer.c ---------------------------------------------------------------- */

void tcpx_init_xmit_timers(struct sock *sk);
struct tcpx_disorder *tcpx_disorder_get(struct sock *sk);	/* NULL: no memory */
void tcpx_update_rto_stats(struct sock *sk);
void tcpx_clear_xmit_timers(struct sock *sk);		/* any context; drops their references */
void tcpx_clear_xmit_timers_sync(struct sock *sk);	/* and waits; process context, not locked */
void tcpx_reset_xmit_timer(struct sock *sk, int what, unsigned long when);
void tcpx_reset_paced_timer(struct sock *sk, int what, unsigned long when);
void tcpx_clear_xmit_timer(struct sock *sk);
void tcpx_reset_delack_timer(struct sock *sk, unsigned long expires);
void tcpx_timer_handler(struct sock *sk);		/* lock held */
void tcpx_sack_compress_send_ack(struct sock *sk);
bool tcpx_fin_is_missing(const struct sock *sk);	/* keepalive_due is for it */
void tcpx_set_keepalive(struct sock *sk, int val);	/* proto.keepalive */
void tcpx_reset_keepalive_timer(struct sock *sk, unsigned long len);
unsigned int tcpx_keepalive_time_when(const struct tcpx_sock *tp);
unsigned int tcpx_keepalive_intvl_when(const struct tcpx_sock *tp);
int  tcpx_keepalive_probes(const struct tcpx_sock *tp);
int  tcpx_fin_time(const struct sock *sk);
unsigned long tcpx_probe0_base(const struct sock *sk);
unsigned long tcpx_probe0_when(const struct sock *sk, unsigned long max_when);
unsigned long tcpx_clamp_probe0(const struct sock *sk, unsigned long when);
void tcpx_check_probe_timer(struct sock *sk);
void tcpx_ld_rto_revert(struct sock *sk, u32 seq);		/* no route: rfc6069 */
void tcpx_write_err(struct sock *sk);			/* ETIMEDOUT: give the connection up */

/* --- timewait.c ------------------------------------------------------------- */

/* Replace sk by a TIME_WAIT entry (state: TCP_TIME_WAIT, or TCP_FIN_WAIT2 for
 * an orphan) for timeo jiffies (0: 60 s), then tcpx_done(sk). Lock held, BH off.
 */
void tcpx_time_wait(struct sock *sk, int state, int timeo);
/* TCPX_TW_SUCCESS has dropped the caller's reference, the others leave it to the caller. */
enum tcpx_tw_status tcpx_timewait_state_process(struct tcpx_timewait_sock *tw,
						struct sk_buff *skb, const struct tcphdr *th);
void tcpx_tw_put(struct tcpx_timewait_sock *tw);
/* kill now, and drop the caller's ref */
void tcpx_tw_deschedule_put(struct tcpx_timewait_sock *tw);
/* The caller has taken tw out of ehash, and with that has its reference: the rest. */
void tcpx_tw_retire(struct tcpx_timewait_sock *tw);
/* May connect() take over this TIME_WAIT's 4-tuple (net.ipv4.tcp_tw_reuse, rfc6191)?
 * autobind: the port is ours to choose. Sets sk's write_seq and ts_recent from it.
 */
bool tcpx_twsk_unique(struct sock *sk, const struct tcpx_timewait_sock *tw, bool autobind);
void tcpx_timewait_net_purge(struct tcpx_net *tn);
int  tcpx_timewait_init(void);
void tcpx_timewait_exit(void);

/* --- sockopt.c, info.c ------------------------------------------------------- */

int  tcpx_sock_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
			  unsigned int optlen);
int  tcpx_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		     unsigned int optlen);
int  tcpx_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		     int __user *optlen);
void tcpx_get_info(struct sock *sk, struct tcp_info *info);
void tcpx_info_stats(const struct sock *sk, struct tcp_info *info);
void __tcpx_sock_set_cork(struct sock *sk, bool on);
void __tcpx_sock_set_nodelay(struct sock *sk, bool on);

/* --- early_demux.c: the socket of a segment before it is routed ------------- */

void tcpx_early_demux_off(struct tcpx_net *tn);
void tcpx_early_net_init(struct tcpx_net *tn);
void tcpx_early_net_exit(struct tcpx_net *tn);

/* --- reply.c: segments without a full socket ------------------------------------- */

/**
 * struct tcpx_reply - a segment sent without a full socket: RST, or the ACK of
 *	a request sock or TIME_WAIT entry
 * @seq: SEQ, host order
 * @ack: ACK number, used if TCPHDR_ACK is in @flags
 * @win: window field as it goes out (already scaled), host order
 * @flags: TCPHDR_*
 * @use_ts: send a timestamp option with
 * @tsval: this TSval and
 * @tsecr: this TSecr
 * @tos: TOS
 * @mark: fwmark for the route lookup
 * @priority: skb->priority
 * @oif: device to leave by, 0 for any
 * @req: request that it is the answer for, or NULL
 * @auth: what signs it; tcpx_send_reply() finds that
 */
struct tcpx_reply {
	u32	seq;
	u32	ack;
	u16	win;
	u8	flags;
	bool	use_ts;
	u32	tsval;
	u32	tsecr;
	u8	tos;
	u32	mark;
	u32	priority;
	int	oif;
	const struct tcpx_request_sock *req;
	struct tcpx_auth auth;
};

struct sk_buff *tcpx_reply_skb(const struct sk_buff *skb, const struct tcpx_reply *reply);
bool tcpx_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
		     struct tcpx_reply *reply);
void tcpx_send_reset(const struct sock *sk, struct sk_buff *skb);
void tcpx_timewait_ack(struct sock *sk, struct sk_buff *skb);

/* --- ipv4.c: the face towards IPv4, inwards ------------------------------------ */

extern const struct tcpx_af_ops tcpx_ipv4_ops;

int  tcpx_v4_init(void);		/* interpose on inet_protos[IPPROTO_TCP] */
void tcpx_v4_exit(void);
struct tcpx_isn tcpx_isn_of_hash(const struct net *net, u64 hash);	/* rfc6528 */
struct tcpx_isn tcpx_v4_isn(const struct net *net, __be32 saddr, __be32 daddr,
			    __be16 sport, __be16 dport);
/* What IPv6 sockets that talk IPv4 use, see tcpx_ipv6_mapped_ops. */
struct tcpx_isn tcpx_v4_synack_isn(const struct net *net, const struct sk_buff *skb);
void tcpx_v4_init_req(struct tcpx_request_sock *req, const struct sock *lsk,
		      struct sk_buff *skb);
int  tcpx_v4_conn_request(struct sock *lsk, struct sk_buff *skb);
struct sock *tcpx_v4_syn_recv_sock(struct sock *lsk, struct sk_buff *skb,
				   struct tcpx_request_sock *req,
				   struct dst_entry *dst, bool *own_req);
void tcpx_v4_mtu_reduced(struct sock *sk);
void tcpx_v4_sync_ext_hdr(struct sock *sk);

/* --- ipv4_output.c: outwards ----------------------------------------------------- */

struct ip_options_rcu *tcpx_v4_return_route(struct net *net, const struct sk_buff *skb);
struct dst_entry *tcpx_v4_dst(struct sock *sk);
struct dst_entry *tcpx_v4_route_req(const struct sock *lsk, struct tcpx_request_sock *req,
				    struct flowi *fl);
int  tcpx_v4_rebuild_header(struct sock *sk);
int  tcpx_v4_queue_xmit(struct sock *sk, struct sk_buff *skb);
void tcpx_v4_send_check(struct sock *sk, struct sk_buff *skb);
int  tcpx_v4_send_synack_ip(const struct sock *lsk, struct sk_buff *skb,
			    struct tcpx_request_sock *req, struct dst_entry *dst);
void tcpx_v4_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
			const struct tcpx_reply *reply);

/* --- proc.c: what there is to tell of a socket -------------------------------- */

/* Which timer runs; the numbers are those of /proc/net/tcp and inet_diag. */
enum {
	TCPX_ROW_TIMER_NONE,
	TCPX_ROW_TIMER_RETRANS,
	TCPX_ROW_TIMER_KEEPALIVE,
	TCPX_ROW_TIMER_TIMEWAIT,
	TCPX_ROW_TIMER_PROBE0,
};

/**
 * struct tcpx_row - an entry of the tables as a person is told of it
 * @sk: only to be printed
 * @saddr: local and
 * @daddr: foreign address, of IPv4
 * @saddr6: the same
 * @daddr6: of a socket of IPv6, mapped ones if it talks IPv4
 * @sport: local and
 * @dport: foreign port, host order
 * @state: TCP_*; TCP_SYN_RECV for a request sock
 * @timer: TCPX_ROW_TIMER_*
 * @full: a full socket: @rto and what follows it mean something
 * @tx_queue: bytes written and not acknowledged
 * @rx_queue: bytes not read; listeners: connections not accepted
 * @expires_in: jiffies until @timer fires
 * @retransmits: of the segment that waits longest
 * @probes_out: unanswered window or keepalive probes
 * @uid: who made it
 * @inode: of the file, 0 if there is none
 * @refcnt: references
 * @rto: jiffies
 * @ato: jiffies
 * @quick: quick ACKs left << 1 | interactive
 * @cwnd: segments
 * @ssthresh: segments, -1 if not known yet
 */
struct tcpx_row {
	const void	*sk;
	__be32		saddr;
	__be32		daddr;
	struct in6_addr	saddr6;
	struct in6_addr	daddr6;
	u16		sport;
	u16		dport;
	u8		state;
	u8		timer;
	bool		full;
	u32		tx_queue;
	u32		rx_queue;
	long		expires_in;
	unsigned int	retransmits;
	unsigned int	probes_out;
	kuid_t		uid;
	unsigned long	inode;
	int		refcnt;
	u32		rto;
	u32		ato;
	u32		quick;
	u32		cwnd;
	int		ssthresh;
};

void tcpx_row_fill(struct tcpx_row *row, struct sock *sk);

/* --- ipv6.c: the face towards IPv6, inwards -------------------------------------- */

extern const struct tcpx_af_ops tcpx_ipv6_ops;
extern const struct tcpx_af_ops tcpx_ipv6_mapped_ops;	/* an IPv6 socket that talks IPv4 */

#if IS_ENABLED(CONFIG_IPV6)
int  tcpx_v6_init(void);		/* interpose on inet6_protos[IPPROTO_TCP] */
void tcpx_v6_exit(void);
bool tcpx_v6_enabled(void);		/* false: the host was booted with ipv6.disable=1 */
#else
static inline int tcpx_v6_init(void)
{
	return 0;
}

static inline void tcpx_v6_exit(void)
{
}

static inline bool tcpx_v6_enabled(void)
{
	return false;
}
#endif
int  tcpx_v6_do_rcv(struct sock *sk, struct sk_buff *skb);	/* proto.backlog_rcv */
bool tcpx_v6_hops_too_many(const struct sock *sk, const struct sk_buff *skb);
void tcpx_v6_child_clone(struct sock *child);
void tcpx_v6_mapped_child_init(struct sock *child);
void tcpx_v6_tw_init(struct tcpx_timewait_sock *tw, const struct sock *sk);
struct tcpx_isn tcpx_v6_isn(const struct net *net, const struct in6_addr *saddr,
			    const struct in6_addr *daddr, __be16 sport, __be16 dport);

/* How to answer a segment at a socket, and what its child shall be. */
static inline const struct tcpx_af_ops *tcpx_skb_af_ops(const struct sock *sk,
							const struct sk_buff *skb)
{
	if (tcpx_skb_is_v6(skb))
		return &tcpx_ipv6_ops;
	return tcpx_sk_is_v6(sk) ? &tcpx_ipv6_mapped_ops : &tcpx_ipv4_ops;
}

/* --- ipv6_output.c: outwards ----------------------------------------------------- */

struct ipv6_txoptions *tcpx_v6_opt(const struct sock *sk);	/* lock held, or RCU */
struct dst_entry *tcpx_v6_dst(struct sock *sk);
void tcpx_v6_set_dst(struct sock *sk, struct dst_entry *dst);
void tcpx_v6_choose_path(const struct net *net, struct flowi6 *fl6, u32 txhash);
struct in6_addr *tcpx_v6_first_hop(struct flowi6 *fl6, const struct ipv6_txoptions *opt,
				   struct in6_addr *final);
struct dst_entry *tcpx_v6_route_req(const struct sock *lsk, struct tcpx_request_sock *req,
				    struct flowi *fl);
int  tcpx_v6_rebuild_header(struct sock *sk);
int  tcpx_v6_queue_xmit(struct sock *sk, struct sk_buff *skb);
void tcpx_v6_send_check(struct sock *sk, struct sk_buff *skb);
int  tcpx_v6_send_synack_ip(const struct sock *lsk, struct sk_buff *skb,
			    struct tcpx_request_sock *req, struct dst_entry *dst);
void tcpx_v6_send_reply(struct net *net, const struct sock *sk, struct sk_buff *skb,
			const struct tcpx_reply *reply);

/* --- ipv6_sock.c: struct proto, options, active open ------------------------------- */

extern struct proto tcpx6_prot;
#if IS_ENABLED(CONFIG_IPV6)
int  tcpx6_proto_init(void);
void tcpx6_proto_exit(void);
#else
static inline int tcpx6_proto_init(void)
{
	return 0;
}

static inline void tcpx6_proto_exit(void)
{
}
#endif
extern const struct proto_ops tcpx6_stream_ops;		/* af_tcpx.c */
void tcpx6_init_inet(struct sock *sk);		/* what every IPv6 socket starts with */
int  tcpx_v6_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
			unsigned int optlen);
int  tcpx_v6_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
			int __user *optlen);

/* --- diag.c --------------------------------------------------------------------- */

int  tcpx_diag_init(void);
void tcpx_diag_exit(void);

/* --- mib.c, proc.c, sysctl.c --------------------------------------------------- */

int  tcpx_mib_init(struct tcpx_net *tn);
void tcpx_mib_exit(struct tcpx_net *tn);
int  tcpx_snmp_seq_show(struct seq_file *seq, void *v);
int  tcpx_netstat_seq_show(struct seq_file *seq, void *v);
int  tcpx_proc_net_init(struct net *net);
void tcpx_proc_net_exit(struct net *net);
int  tcpx_sysctl_net_init(struct tcpx_net *tn);
void tcpx_sysctl_net_exit(struct tcpx_net *tn);
const long *tcpx_sysctl_mem(void);		/* net.ipv4.tcp_mem */

#endif /* _TCPX_OFFERS_H */
