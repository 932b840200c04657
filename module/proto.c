// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: struct proto; how a socket is born, closed and freed.
 *
 * close() leaves an orphan behind: a socket without a file that finishes the
 * connection by itself, held by its timers and by ehash. It goes through the
 * states of rfc9293#section-3.6 until tcpx_done(), or becomes a small TIME_WAIT
 * entry. Orphans are limited: tcpx_check_oom().
 */

#include <asm/ioctls.h>
#include <linux/sockios.h>
#include <net/xfrm.h>

#include "tcpx.h"

/* --- birth -------------------------------------------------------------- */

static struct lock_class_key tcpx_lock_key;
static struct lock_class_key tcpx_slock_key;

/**
 * tcpx_lock_class() - give the socket lock a lockdep class of its own
 * @sk: socket nobody else knows yet
 * @cloned: it comes from sk_clone_lock(), its spinlock is held
 *
 * Behind a TCPX socket's lock kernel TCP's may be taken (the reserving socket,
 * bhash.c); with one class for both lockdep would call that recursion.
 */
void tcpx_lock_class(struct sock *sk, bool cloned)
{
	if (!IS_ENABLED(CONFIG_LOCKDEP))
		return;
	if (cloned)
		bh_unlock_sock(sk);
	sock_lock_init_class_and_name(sk, "slock-AF_TCPX", &tcpx_slock_key,
				      "sk_lock-AF_TCPX", &tcpx_lock_key);
	if (cloned)
		bh_lock_sock_nested(sk);
}

/**
 * tcpx_sock_free_parts() - what a socket's destructor does before the kernel's of its family
 * @sk: socket to which nobody refers any more
 */
void tcpx_sock_free_parts(struct sock *sk)
{
	atomic_dec(&tcpx_pernet(sock_net(sk))->nr_sock);
	/* Until now they signed resets. */
	tcpx_auth_destroy(sk);
	if (unlikely(tcpx_sk(sk)->disorder || tcpx_sk(sk)->accept_queue)) {
		kfree(tcpx_sk(sk)->disorder);
		kfree(tcpx_sk(sk)->accept_queue);
	}
}

/**
 * tcpx_sock_destruct() - sk_destruct: the last reference is gone
 * @sk: socket of IPv4. Children are cloned with it.
 */
void tcpx_sock_destruct(struct sock *sk)
{
	tcpx_sock_free_parts(sk);
	inet_sock_destruct(sk);
	tcpx_active_put();
}

/* What a connection starts from: at socket() and again after disconnect(). */
static void tcpx_init_engine(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_rtt_init(sk);
	tp->rto_min = tcpx_sysctl_rto_min(sock_net(sk));
	tp->ack.delack_max = TCPX_DELACK_MAX;
	tp->cc.snd_cwnd = TCP_INIT_CWND;	/* rfc6928 */
	tp->cc.snd_cwnd_cnt = 0;
	tp->cc.snd_ssthresh = TCP_INFINITE_SSTHRESH;
	/* No rate sample is worth anything until the pipe was full once. */
	tp->cc.app_limited = ~0U;
	tp->rate_app_limited = 1;
	tp->rack.reo_wnd_steps = 1;
	/* Never 0: it divides. */
	tp->ack.rcv_mss = TCP_MIN_MSS;
}

/**
 * tcpx_init_sock() - proto.init: defaults of a new socket
 * @sk: socket; tcpx_active_get() was called for it
 *
 * From here on freeing the socket undoes all of it, that call included.
 *
 * Context: process.
 * Return: 0
 */
int tcpx_init_sock(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);

	atomic_inc(&tcpx_pernet(net)->nr_sock);
	sk->sk_destruct = tcpx_sock_destruct;
	tcpx_lock_class(sk, false);

	sk->tcp_rtx_queue = RB_ROOT;
	tcpx_init_xmit_timers(sk);
	INIT_LIST_HEAD(&tp->tsorted_sent_queue);

	tcpx_init_engine(sk);
	tp->rto_max = tcpx_sysctl_rto_max(net);
	tp->cc.snd_cwnd_clamp = ~0;
	tp->cc.pacing_rate = ~0UL;
	tp->mss_cache = TCP_MSS_DEFAULT;
	tp->reordering = READ_ONCE(net->ipv4.sysctl_tcp_reordering);
	tp->af_ops = &tcpx_ipv4_ops;
	tcpx_assign_congestion_control(sk);

	sk->sk_write_space = tcpx_write_space;
	tcpx_init_error_report(sk);
	WRITE_ONCE(sk->sk_sndbuf, READ_ONCE(net->ipv4.sysctl_tcp_wmem[1]));
	WRITE_ONCE(sk->sk_rcvbuf, READ_ONCE(net->ipv4.sysctl_tcp_rmem[1]));
	sk_sockets_allocated_inc(sk);
	return 0;
}

/* --- states ------------------------------------------------------------- */

/**
 * tcpx_set_state() - change the state, with all that depends on it
 * @sk: socket
 * @state: TCP_*
 *
 * TCP_CLOSE takes the socket out of the tables, and gives its port up unless
 * bind() chose it.
 *
 * Context: socket lock, or nobody else knows the socket.
 */
void tcpx_set_state(struct sock *sk, int state)
{
	const int established = TCPF_ESTABLISHED | TCPF_CLOSE_WAIT;	/* rfc4022 */
	struct net *net = sock_net(sk);
	int old = sk->sk_state;
	bool was = (1 << old) & established;
	bool is = (1 << state) & established;

	if (!was && is)
		TCPX_INC_STATS(net, TCP_MIB_CURRESTAB);
	else if (was && !is)
		TCPX_DEC_STATS(net, TCP_MIB_CURRESTAB);

	if (state == TCP_CLOSE) {
		if (was)
			TCPX_INC_STATS(net, TCP_MIB_ESTABRESETS);
		sk->sk_prot->unhash(sk);
		if (tcpx_sk(sk)->bind_hash && !(sk->sk_userlocks & SOCK_BINDPORT_LOCK))
			tcpx_put_port(sk);
	}

	/* A lockless reader (poll, lookup) that sees the new state must not
	 * find the socket where it no longer is, nor miss what came with it.
	 */
	smp_wmb();
	inet_sk_set_state(sk, state);
}

/* What close() and shutdown(SHUT_WR) make of a state, rfc9293#section-3.10.4.
 * A queued FIN counts as sent.
 */
static const struct {
	u8	state;
	bool	fin;
} tcpx_close_table[TCP_MAX_STATES] = {
	[TCP_ESTABLISHED]	= { TCP_FIN_WAIT1, true },
	[TCP_SYN_SENT]		= { TCP_CLOSE },
	[TCP_SYN_RECV]		= { TCP_FIN_WAIT1, true },
	[TCP_FIN_WAIT1]		= { TCP_FIN_WAIT1 },
	[TCP_FIN_WAIT2]		= { TCP_FIN_WAIT2 },
	[TCP_TIME_WAIT]		= { TCP_CLOSE },
	[TCP_CLOSE]		= { TCP_CLOSE },
	[TCP_CLOSE_WAIT]	= { TCP_LAST_ACK, true },
	[TCP_LAST_ACK]		= { TCP_LAST_ACK },
	[TCP_LISTEN]		= { TCP_CLOSE },
	[TCP_CLOSING]		= { TCP_CLOSING },
	[TCP_NEW_SYN_RECV]	= { TCP_CLOSE },
};

/* Change the state for our FIN. Return: is there one to send? */
static bool tcpx_close_state(struct sock *sk)
{
	int old = sk->sk_state;

	tcpx_set_state(sk, tcpx_close_table[old].state);
	return tcpx_close_table[old].fin;
}

/**
 * tcpx_shutdown() - proto.shutdown: no more data from us
 * @sk: socket
 * @how: SEND_SHUTDOWN, RCV_SHUTDOWN; the latter needs nothing here
 *
 * Context: socket lock.
 */
void tcpx_shutdown(struct sock *sk, int how)
{
	if (!(how & SEND_SHUTDOWN))
		return;
	/* Not in SYN_RECV: such a socket can't have been accepted. */
	if (((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_SYN_SENT | TCPF_CLOSE_WAIT)) &&
	    tcpx_close_state(sk))
		tcpx_send_fin(sk);
}

/* --- death -------------------------------------------------------------- */

/* Those of the host: for all of them the first netns's tcp_max_orphans holds. */
static struct percpu_counter tcpx_orphans;

/**
 * tcpx_orphan_inc() - a socket lost its file
 * @sk: socket
 */
void tcpx_orphan_inc(struct sock *sk)
{
	atomic_inc(&tcpx_pernet(sock_net(sk))->orphan_count);
	percpu_counter_inc(&tcpx_orphans);
}

/**
 * tcpx_orphan_dec() - an orphan is freed
 * @sk: socket
 */
void tcpx_orphan_dec(struct sock *sk)
{
	atomic_dec(&tcpx_pernet(sock_net(sk))->orphan_count);
	percpu_counter_dec(&tcpx_orphans);
}

/**
 * tcpx_check_oom() - must an orphan die early?
 * @sk: orphan
 * @shift: weight: how many orphans this one counts for, as a shift
 *
 * Return: true if there are too many orphans, or too much memory is in use
 */
bool tcpx_check_oom(struct sock *sk, int shift)
{
	struct tcpx_net *tn = tcpx_pernet(sock_net(sk));
	int of_host = READ_ONCE(tcpx_pernet(&init_net)->sysctl.tcp_max_orphans);
	int most = READ_ONCE(tn->sysctl.tcp_max_orphans);
	bool many = atomic_read(&tn->orphan_count) > most >> shift ||
		    percpu_counter_compare(&tcpx_orphans, of_host >> shift) > 0;
	bool memory = sk->sk_wmem_queued > SOCK_MIN_SNDBUF &&
		      sk_memory_allocated(sk) > sk_prot_mem_limits(sk, 2);

	if (many)
		net_info_ratelimited("tcpx: too many orphaned sockets\n");
	if (memory)
		net_info_ratelimited("tcpx: out of memory -- consider tuning tcp_mem\n");
	return many || memory;
}

/**
 * tcpx_write_queue_purge() - forget all that was to be sent or acknowledged
 * @sk: socket
 *
 * Context: socket lock, or nobody else knows the socket.
 */
void tcpx_write_queue_purge(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;

	tcpx_chrono_stop(sk, TCP_CHRONO_BUSY);
	while ((skb = __skb_dequeue(&sk->sk_write_queue))) {
		tcp_skb_tsorted_anchor_cleanup(skb);
		tcpx_wmem_free_skb(sk, skb);
	}
	tp->highest_sack = NULL;
	tp->retransmit_skb_hint = NULL;
	while ((skb = tcpx_rtx_queue_head(sk)))
		tcpx_rtx_queue_unlink_free(sk, skb);
	INIT_LIST_HEAD(&tp->tsorted_sent_queue);
	tp->packets_out = 0;
	tp->backoff = 0;
}

/**
 * tcpx_destroy_sock() - proto.destroy: give up all but the memory of the socket
 * @sk: socket nobody uses any more
 *
 * Context: BH off or process.
 */
void tcpx_destroy_sock(struct sock *sk)
{
	tcpx_clear_xmit_timers(sk);
	tcpx_cleanup_congestion_control(sk);
	tcpx_write_queue_purge(sk);
	tcpx_fastopen_ofo_check(sk);
	tcpx_ofo_purge(sk);
	if (tcpx_sk(sk)->bind_hash)
		tcpx_put_port(sk);
	tcpx_fastopen_destroy(sk);
	kfree(tcpx_sk(sk)->saved_syn);
	tcpx_sk(sk)->saved_syn = NULL;
	sk_sockets_allocated_dec(sk);
}

/**
 * tcpx_inet_destroy_sock() - free an orphan
 * @sk: in TCP_CLOSE, SOCK_DEAD, counted as an orphan
 *
 * Drops the reference that the file had.
 *
 * Context: socket lock, BH off.
 */
void tcpx_inet_destroy_sock(struct sock *sk)
{
	WARN_ON_ONCE(sk->sk_state != TCP_CLOSE);
	WARN_ON_ONCE(!sock_flag(sk, SOCK_DEAD));
	WARN_ON_ONCE(!sk_unhashed(sk));
	WARN_ON_ONCE(inet_sk(sk)->inet_num && !tcpx_sk(sk)->bind_hash);

	if (unlikely(tcpx_sk(sk)->fastopen_rsk))
		tcpx_fastopen_remove(sk, false);
	sk->sk_prot->destroy(sk);
	sk_stream_kill_queues(sk);
	xfrm_sk_free_policy(sk);
	tcpx_orphan_dec(sk);
	sock_put(sk);
}

/**
 * tcpx_done() - the connection is over
 * @sk: socket; sk_err is set if it failed
 *
 * Tells the owner; an orphan is freed.
 *
 * Context: socket lock, BH off.
 */
void tcpx_done(struct sock *sk)
{
	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		TCPX_INC_STATS(sock_net(sk), TCP_MIB_ATTEMPTFAILS);

	tcpx_set_state(sk, TCP_CLOSE);
	tcpx_clear_xmit_timers(sk);
	if (unlikely(tcpx_sk(sk)->fastopen_rsk))
		tcpx_fastopen_remove(sk, false);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);

	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	else
		tcpx_inet_destroy_sock(sk);
}

/**
 * tcpx_done_with_error() - the connection failed
 * @sk: socket
 * @err: what the owner is told
 *
 * Context: socket lock, BH off.
 */
void tcpx_done_with_error(struct sock *sk, int err)
{
	WRITE_ONCE(sk->sk_err, err);
	/* poll() reads sk_err after sk_shutdown */
	smp_wmb();
	tcpx_write_queue_purge(sk);
	tcpx_done(sk);
	if (!sock_flag(sk, SOCK_DEAD))
		sk_error_report(sk);
}

/* --- close -------------------------------------------------------------- */

/* Throw away what the user did not read. Return: was there any? */
static bool tcpx_discard_unread(struct sock *sk)
{
	bool unread = false;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&sk->sk_receive_queue))) {
		u32 end_seq = TCPX_CB(skb)->end_seq;

		if (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN)
			end_seq--;
		if (after(end_seq, tcpx_sk(sk)->copied_seq))
			unread = true;
		__kfree_skb(skb);
	}
	return unread;
}

/* Say goodbye, the way the user wants it. */
static void tcpx_close_connection(struct sock *sk, bool unread)
{
	struct net *net = sock_net(sk);

	if (unread) {
		/* rfc2525#section-2.17: the peer must learn that data was lost. */
		TCPX_NET_INC(net, LINUX_MIB_TCPABORTONCLOSE);
		tcpx_set_state(sk, TCP_CLOSE);
		tcpx_send_active_reset(sk, sk->sk_allocation);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime) {
		sk->sk_prot->disconnect(sk, 0);
		TCPX_NET_INC(net, LINUX_MIB_TCPABORTONDATA);
	} else if (tcpx_close_state(sk)) {
		tcpx_send_fin(sk);
	}
}

/* Give an orphan up: with a reset, if it can still be sent. */
static void tcpx_abort_orphan(struct sock *sk, int mib)
{
	tcpx_set_state(sk, TCP_CLOSE);
	tcpx_send_active_reset(sk, GFP_ATOMIC);
	TCPX_NET_INC(sock_net(sk), mib);
}

/* An orphan in FIN_WAIT2 waits for the peer's FIN, but not for ever
 * (rfc9293#section-3.6.1 lets us): TCP_LINGER2, tcp_fin_timeout. A small entry
 * waits the last minute. Return: @sk became one, and is gone.
 */
static bool tcpx_orphan_fin_wait2(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int timeo;

	if (sk->sk_state != TCP_FIN_WAIT2)
		return false;
	if (tp->linger2 < 0) {
		tcpx_abort_orphan(sk, LINUX_MIB_TCPABORTONLINGER);
		return false;
	}
	timeo = tcpx_fin_time(sk);
	if (timeo > TCPX_TIMEWAIT_LEN) {
		tcpx_reset_keepalive_timer(sk, timeo - TCPX_TIMEWAIT_LEN);
		return false;
	}
	tcpx_time_wait(sk, TCP_FIN_WAIT2, timeo);
	return true;
}

/* The socket is an orphan now: what becomes of it? BH off, spinlock held. */
static void tcpx_judge_orphan(struct sock *sk)
{
	if (tcpx_orphan_fin_wait2(sk))
		return;
	if (sk->sk_state != TCP_CLOSE) {
		if (tcpx_check_oom(sk, 0))
			tcpx_abort_orphan(sk, LINUX_MIB_TCPABORTONMEMORY);
		else if (!check_net(sock_net(sk)))
			tcpx_set_state(sk, TCP_CLOSE);	/* no way to send */
	}
	if (sk->sk_state == TCP_CLOSE)
		tcpx_inet_destroy_sock(sk);
}

/* Take the spinlock, BH off, with nothing left in the backlog: an orphan is
 * judged by all that came for it. We keep the ownership. A peer that sends as fast as we take
 * it must not keep us here: the rest of that is release_sock()'s.
 */
static void tcpx_bh_lock_drained(struct sock *sk)
	__acquires(&sk->sk_lock.slock)
{
	int tries;

	for (tries = 2; ; tries--) {
		local_bh_disable();
		bh_lock_sock(sk);
		if (!tries || !READ_ONCE(sk->sk_backlog.tail))
			return;
		bh_unlock_sock(sk);
		local_bh_enable();
		__sk_flush_backlog(sk);
	}
}

/**
 * __tcpx_close() - tcpx_close() under the lock
 * @sk: socket
 * @timeout: SO_LINGER, jiffies to wait for our FIN to be acknowledged
 *
 * The socket's own reference may be gone when it returns: hold one.
 *
 * Context: process, socket lock.
 */
void __tcpx_close(struct sock *sk, long timeout)
{
	bool unread;
	int state;

	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);

	if (sk->sk_state == TCP_LISTEN) {
		tcpx_set_state(sk, TCP_CLOSE);
		tcpx_listen_stop(sk);
	} else {
		unread = tcpx_discard_unread(sk);
		if (sk->sk_state != TCP_CLOSE) {
			tcpx_close_connection(sk, unread);
			compat_sk_stream_wait_close(sk, timeout);
		}
	}

	state = sk->sk_state;
	sock_hold(sk);
	sock_orphan(sk);

	tcpx_bh_lock_drained(sk);
	tcpx_orphan_inc(sk);
	/* Unless the backlog brought its end: then tcpx_done() has freed it. */
	if (state == TCP_CLOSE || sk->sk_state != TCP_CLOSE)
		tcpx_judge_orphan(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
}

/**
 * tcpx_close() - struct proto, close: the last file reference is gone
 * @sk: socket
 * @timeout: see __tcpx_close()
 *
 * Context: process.
 */
void tcpx_close(struct sock *sk, long timeout)
{
	lock_sock(sk);
	__tcpx_close(sk, timeout);
	release_sock(sk);
	/* A socket that does not hold its netns must not outlive it. */
	if (!sk->sk_net_refcnt)
		tcpx_clear_xmit_timers_sync(sk);
	/* The netns is held by the socket still. */
	tcpx_bind_reap(sock_net(sk));
	sock_put(sk);
}

/* --- disconnect --------------------------------------------------------- */

/* rfc9293#section-3.10.5: states in which ABORT sends a reset; and those where
 * our FIN is queued but not all before it was sent.
 */
static bool tcpx_need_reset(const struct sock *sk, int state)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if ((1 << state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 |
			    TCPF_FIN_WAIT2 | TCPF_SYN_RECV))
		return true;
	return ((1 << state) & (TCPF_CLOSING | TCPF_LAST_ACK)) && tp->snd_nxt != tp->write_seq;
}

/* Counters and estimates of the connection that was. */
static void tcpx_reset_engine(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	/* The algorithm stays, its memory of the path does not. */
	if (tp->cc.ops->release)
		tp->cc.ops->release(&tp->cc);
	memset(tp->cc.priv, 0, sizeof(tp->cc.priv));
	tcpx_set_ca_state(sk, TCP_CA_Open);
	tcpx_clear_retrans(tp);

	memset(&tp->ack, 0, sizeof(tp->ack));
	memset(&tp->rx_opt, 0, sizeof(tp->rx_opt));
	memset(&tp->rack, 0, sizeof(tp->rack));
	memset(&tp->rcv_rtt_est, 0, sizeof(tp->rcv_rtt_est));
	if (tp->disorder)
		memset(tp->disorder->duplicate_sack, 0, sizeof(tp->disorder->duplicate_sack));
	tcpx_init_engine(sk);
	/* The sysctl is for new sockets. */
	tp->rto_min = TCPX_RTO_MIN;
	tp->cc.is_cwnd_limited = false;
	tp->cc.max_packets_out = 0;
	tp->cc.delivered = 0;
	tp->cc.lost = 0;
	tp->cc.delivered_ce = 0;
	tp->window_clamp = 0;
	tp->payload_share = 0;
	tp->backoff = 0;
	tp->probes_out = 0;
	tp->probes_tstamp = 0;
	tp->is_sack_reneg = 0;
	tp->tlp_high_seq = 0;
	tp->rcv_rtt_last_tsecr = 0;
	tp->last_oow_ack_time = 0;
	tp->dup_ack_counter = 0;
	tp->fastopen_client_fail = 0;
	tp->syn_data = 0;
	tp->syn_fastopen = 0;
	tp->syn_fastopen_exp = 0;
	tp->syn_fastopen_ch = 0;
	tp->syn_data_acked = 0;
	tp->reord_seen = 0;

	tp->bytes_received = 0;
	tp->bytes_acked = 0;
	tp->bytes_sent = 0;
	tp->bytes_retrans = 0;
	tp->segs_in = 0;
	tp->segs_out = 0;
	tp->data_segs_in = 0;
	tp->data_segs_out = 0;
	tp->dsack_dups = 0;
	tp->total_retrans = 0;
	tp->rcv_ooopack = 0;
	tp->plb_rehash = 0;
}

/* Abort what is left of the connection, and all that waited in it. */
static void tcpx_disconnect_abort(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int old = sk->sk_state;

	if (old != TCP_CLOSE)
		tcpx_set_state(sk, TCP_CLOSE);
	if (old == TCP_LISTEN) {
		tcpx_listen_stop(sk);
	} else if (tcpx_need_reset(sk, old)) {
		tcpx_send_active_reset(sk, gfp_any());
		WRITE_ONCE(sk->sk_err, ECONNRESET);
	} else if (old == TCP_SYN_SENT) {
		WRITE_ONCE(sk->sk_err, ECONNRESET);
	}

	tcpx_clear_xmit_timers(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	WRITE_ONCE(tp->copied_seq, tp->rcv_nxt);
	WRITE_ONCE(tp->urg_data, 0);
	WRITE_ONCE(sk->sk_peek_off, -1);
	kfree(tp->saved_syn);
	tp->saved_syn = NULL;
	tcpx_write_queue_purge(sk);
	tcpx_fastopen_ofo_check(sk);
	tcpx_ofo_purge(sk);
	if (unlikely(tp->fastopen_rsk))
		tcpx_fastopen_remove(sk, false);
	tcpx_free_fastopen_req(tp);
	compat_inet_clear(DEFER_CONNECT, sk);
}

/**
 * tcpx_disconnect() - proto.disconnect: back to a fresh socket
 * @sk: socket; keeps its options and, if bind() chose it, its port
 * @flags: unused
 *
 * Context: socket lock; process, or BH off.
 * Return: 0
 */
int tcpx_disconnect(struct sock *sk, int flags)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq;

	tcpx_disconnect_abort(sk);

	inet->inet_dport = 0;
	if (!(sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		inet_reset_saddr(sk);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);

	/* The next connection's numbers must not lie in this one's window. */
	seq = tp->write_seq + tp->max_window + 2;
	WRITE_ONCE(tp->write_seq, seq ?: 1);
	tcpx_reset_engine(sk);

	__sk_dst_reset(sk);
	dst_release(unrcu_pointer(xchg(&sk->sk_rx_dst, NULL)));
	WARN_ON_ONCE(inet->inet_num && !tp->bind_hash);
	if (sk->sk_frag.page) {
		put_page(sk->sk_frag.page);
		sk->sk_frag.page = NULL;
		sk->sk_frag.offset = 0;
	}
	sk_error_report(sk);
	return 0;
}

/**
 * tcpx_abort() - end a connection, or listening, by an administrator's order
 * @sk: full socket, request sock or TIME_WAIT entry; referenced
 * @err: what the owner is told
 *
 * Context: process, no locks.
 * Return: 0, or -ENOENT if it was over already.
 */
int tcpx_abort(struct sock *sk, int err)
{
	if (sk->sk_state == TCP_NEW_SYN_RECV) {
		local_bh_disable();
		tcpx_reqsk_drop(tcpx_rsk(inet_reqsk(sk)));
		local_bh_enable();
		return 0;
	}
	if (sk->sk_state == TCP_TIME_WAIT) {
		refcount_inc(&sk->sk_refcnt);
		local_bh_disable();
		tcpx_tw_deschedule_put(tcpx_twsk(sk));
		local_bh_enable();
		return 0;
	}

	lock_sock(sk);
	if (sk->sk_state == TCP_CLOSE) {
		release_sock(sk);
		return -ENOENT;
	}
	if (sk->sk_state == TCP_LISTEN) {
		tcpx_set_state(sk, TCP_CLOSE);
		tcpx_listen_stop(sk);
	}
	local_bh_disable();
	bh_lock_sock(sk);
	/* Unless close() of the listener has done it meanwhile, which spins instead of waiting
	 * for us as the owner.
	 */
	if (sk->sk_state != TCP_CLOSE || !sock_flag(sk, SOCK_DEAD)) {
		if (tcpx_need_reset(sk, sk->sk_state))
			tcpx_send_active_reset(sk, GFP_ATOMIC);
		tcpx_done_with_error(sk, err);
	}
	bh_unlock_sock(sk);
	local_bh_enable();
	release_sock(sk);
	return 0;
}

/* --- poll, ioctl -------------------------------------------------------- */

/* May data be written? If not, see to it that its freeing is told. */
static bool tcpx_poll_writable(struct sock *sk)
{
	if (__sk_stream_is_writeable(sk, 1))
		return true;
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	/* Space freed before the bit was set was not told: look again. Pairs
	 * with tcpx_check_space().
	 */
	smp_mb__after_atomic();
	return __sk_stream_is_writeable(sk, 1);
}

/* The events of a socket that is, or was, connected. */
static __poll_t tcpx_poll_connected(struct sock *sk, u8 shutdown)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int target = sock_rcvlowat(sk, 0, INT_MAX);
	u16 urg_data = READ_ONCE(tp->urg_data);
	__poll_t mask = 0;

	/* An urgent byte that is next does not count as data. */
	if (unlikely(urg_data) && !sock_flag(sk, SOCK_URGINLINE) &&
	    READ_ONCE(tp->urg_seq) == READ_ONCE(tp->copied_seq))
		target++;
	if (tcpx_stream_is_readable(sk, target))
		mask |= EPOLLIN | EPOLLRDNORM;
	/* After SHUT_WR a write fails at once: that does not block either. */
	if ((shutdown & SEND_SHUTDOWN) || tcpx_poll_writable(sk))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (urg_data & TCP_URG_VALID)
		mask |= EPOLLPRI;
	return mask;
}

/**
 * tcpx_poll() - proto_ops.poll
 * @file: the file
 * @sock: socket
 * @wait: poll table
 *
 * EPOLLHUP means that both directions are closed: it can't be masked, and a
 * half-closed socket must remain pollable.
 *
 * Context: process, no lock: an event missed here comes with a wake-up.
 * Return: EPOLL*
 */
__poll_t tcpx_poll(struct file *file, struct socket *sock, struct poll_table_struct *wait)
{
	struct sock *sk = sock->sk;
	__poll_t mask = 0;
	u8 shutdown;
	int state;

	sock_poll_wait(file, sock, wait);

	state = inet_sk_state_load(sk);
	if (state == TCP_LISTEN)
		return READ_ONCE(tcpx_queue(sk)->head) ? EPOLLIN | EPOLLRDNORM : 0;

	shutdown = READ_ONCE(sk->sk_shutdown);
	if (shutdown == SHUTDOWN_MASK || state == TCP_CLOSE)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	if (state != TCP_SYN_SENT &&
	    (state != TCP_SYN_RECV || READ_ONCE(tcpx_sk(sk)->fastopen_rsk)))
		mask |= tcpx_poll_connected(sk, shutdown);
	else if (state == TCP_SYN_SENT && compat_inet_test(DEFER_CONNECT, sk))
		mask |= EPOLLOUT | EPOLLWRNORM;	/* the write will open it */

	/* Pairs with the barrier between sk_err and the state where a
	 * connection fails: who sees the end sees its reason.
	 */
	smp_rmb();
	if (READ_ONCE(sk->sk_err) || !skb_queue_empty_lockless(&sk->sk_error_queue))
		mask |= EPOLLERR;
	return mask;
}

/**
 * tcpx_ioctl_cmd() - proto.ioctl
 * @sk: socket
 * @cmd: SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK
 * @karg: result
 *
 * Context: process.
 * Return: 0, -EINVAL for a listener, -ENOIOCTLCMD if it is not ours
 */
int tcpx_ioctl_cmd(struct sock *sk, int cmd, int *karg)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 from;
	bool slow;

	switch (cmd) {
	case SIOCATMARK:
		*karg = READ_ONCE(tp->urg_data) &&
			READ_ONCE(tp->urg_seq) == READ_ONCE(tp->copied_seq);
		return 0;
	case SIOCINQ:
		if (sk->sk_state == TCP_LISTEN)
			return -EINVAL;
		slow = lock_sock_fast(sk);
		*karg = tcpx_inq(sk);
		unlock_sock_fast(sk, slow);
		return 0;
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		if (sk->sk_state == TCP_LISTEN)
			return -EINVAL;
		from = cmd == SIOCOUTQ ? READ_ONCE(tp->snd_una) : READ_ONCE(tp->snd_nxt);
		*karg = READ_ONCE(tp->write_seq) - from;
		/* Our SYN is not data. */
		if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
			*karg = 0;
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

/* --- memory of all sockets ---------------------------------------------- */

/* Kernel TCP and TCPX share net.ipv4.tcp_mem: its limits, the count of pages
 * in use and the flag for "too much". It holds the time when that began.
 */

/**
 * tcpx_enter_memory_pressure() - proto.enter_memory_pressure
 * @sk: the socket that noticed
 *
 * Context: any.
 */
void tcpx_enter_memory_pressure(struct sock *sk)
{
	unsigned long *pressure = sk->sk_prot->memory_pressure;

	if (READ_ONCE(*pressure))
		return;
	if (!cmpxchg(pressure, 0, jiffies ?: 1))
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPMEMORYPRESSURES);
}

/**
 * tcpx_leave_memory_pressure() - proto.leave_memory_pressure
 * @sk: the socket that noticed
 *
 * Context: any.
 */
void tcpx_leave_memory_pressure(struct sock *sk)
{
	unsigned long *pressure = sk->sk_prot->memory_pressure;
	unsigned long since;

	if (!READ_ONCE(*pressure))
		return;
	since = xchg(pressure, 0);
	if (since)
		TCPX_NET_ADD(sock_net(sk), LINUX_MIB_TCPMEMORYPRESSURESCHRONO,
			     jiffies_to_msecs(jiffies - since));
}

/**
 * tcpx_under_memory_pressure() - is memory scarce, for all or for the cgroup?
 * @sk: socket
 *
 * Context: any.
 * Return: true if so
 */
bool tcpx_under_memory_pressure(const struct sock *sk)
{
	return sk_under_memory_pressure(sk);
}

/* --- struct proto ------------------------------------------------------- */

COMPAT_PROTO_ACCEPT(tcpx_proto_accept, tcpx_accept);
COMPAT_PROTO_RECVMSG(tcpx_proto_recvmsg, tcpx_do_recvmsg);
COMPAT_PROTO_IOCTL(tcpx_proto_ioctl, tcpx_ioctl_cmd);

/* memory_allocated, sockets_allocated and sysctl_mem are kernel TCP's; their
 * symbols are not exported, but tcp_prot is: tcpx_proto_init().
 */
struct proto tcpx_prot = {
	.name			= "TCPX",
	.owner			= THIS_MODULE,
	.close			= tcpx_close,
	.pre_connect		= tcpx_v4_pre_connect,
	.connect		= tcpx_v4_connect,
	.disconnect		= tcpx_disconnect,
	.accept			= tcpx_proto_accept,
	.ioctl			= tcpx_proto_ioctl,
	.init			= tcpx_init_sock,
	.destroy		= tcpx_destroy_sock,
	.shutdown		= tcpx_shutdown,
	.setsockopt		= tcpx_setsockopt,
	.getsockopt		= tcpx_getsockopt,
	.keepalive		= tcpx_set_keepalive,
	.diag_destroy		= tcpx_abort,
	.recvmsg		= tcpx_proto_recvmsg,
	.sendmsg		= tcpx_sendmsg,
	.splice_eof		= tcpx_splice_eof,
	.backlog_rcv		= tcpx_do_rcv,
	.release_cb		= tcpx_release_cb,
	.hash			= tcpx_hash,
	.unhash			= tcpx_unhash,
	.get_port		= tcpx_get_port,
	.put_port		= tcpx_put_port,
	.enter_memory_pressure	= tcpx_enter_memory_pressure,
	.leave_memory_pressure	= tcpx_leave_memory_pressure,
	.stream_memory_free	= tcpx_stream_memory_free,
	.per_cpu_fw_alloc	= &tcp_memory_per_cpu_fw_alloc,
	.memory_pressure	= &tcp_memory_pressure,
	.sysctl_wmem_offset	= offsetof(struct net, ipv4.sysctl_tcp_wmem),
	.sysctl_rmem_offset	= offsetof(struct net, ipv4.sysctl_tcp_rmem),
	.max_header		= TCPX_MAX_HEADER,
	.obj_size		= sizeof(struct tcpx_sock),
	.slab_flags		= SLAB_TYPESAFE_BY_RCU,
	COMPAT_PROTO_FREEPTR_OFFSET
	.no_autobind		= true,
};

/**
 * tcpx_proto_init() - fill in what is known only at load time, and register
 *
 * Return: 0 or -errno
 */
int __init tcpx_proto_init(void)
{
	int err;

	tcpx_prot.memory_allocated = tcp_prot.memory_allocated;
	tcpx_prot.sockets_allocated = tcp_prot.sockets_allocated;
	tcpx_prot.sysctl_mem = tcp_prot.sysctl_mem;
	err = percpu_counter_init(&tcpx_orphans, 0, GFP_KERNEL);
	if (err)
		return err;
	err = tcpx6_proto_init();
	if (err)
		goto err_orphans;
	err = proto_register(&tcpx_prot, 1);
	if (!err)
		return 0;
	tcpx6_proto_exit();
err_orphans:
	percpu_counter_destroy(&tcpx_orphans);
	return err;
}

/**
 * tcpx_proto_exit() - undo tcpx_proto_init()
 */
void tcpx_proto_exit(void)
{
	proto_unregister(&tcpx_prot);
	tcpx6_proto_exit();
	percpu_counter_destroy(&tcpx_orphans);
}
