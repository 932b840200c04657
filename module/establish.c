// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the end of the handshake, at both sides: rfc9293#section-3.10.7.3
 * (SYN-SENT) and the ACK that a socket in SYN-RECEIVED waits for. Before that a
 * passive connection is a request sock (request.c).
 */

#include <net/busy_poll.h>

#include "tcpx.h"
#include "trace.h"

/**
 * tcpx_init_transfer() - the handshake is done: windows and buffers
 * @sk: socket, locked
 * @skb: the segment that completed it
 */
void tcpx_init_transfer(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_mtup_init(sk);
	tp->af_ops->rebuild_header(sk);
	tcpx_init_metrics(sk);
	/* rfc6928#section-3: after a lost SYN start with one segment */
	if (tp->total_retrans > 1 && tp->undo_marker)
		tp->cc.snd_cwnd = 1;
	else
		tp->cc.snd_cwnd = tcpx_init_cwnd(tp, __sk_dst_get(sk));
	tp->snd_cwnd_stamp = tcpx_jiffies32();
	tcpx_dst_congestion_control(sk, __sk_dst_get(sk));
	tcpx_init_congestion_control(sk);
	tcpx_init_buffer_space(sk);
}

/**
 * tcpx_finish_connect() - SYN_SENT becomes ESTABLISHED
 * @sk: socket, locked
 * @skb: the SYN-ACK
 */
void tcpx_finish_connect(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_set_state(sk, TCP_ESTABLISHED);
	tp->ack.lrcvtime = tcpx_jiffies32();
	security_inet_conn_established(sk, skb);
	sk_mark_napi_id(sk, skb);
	tcpx_init_transfer(sk, skb);
	/* Counts as sent data, so that the window is not taken for idle. */
	tp->lsndtime = tcpx_jiffies32();
	if (sock_flag(sk, SOCK_KEEPOPEN))
		tcpx_reset_keepalive_timer(sk, tcpx_keepalive_time_when(tp));
	if (!tp->rx_opt.snd_wscale)
		tcpx_fast_path_on(tp);
	else
		tp->pred_flags = 0;
}

/* The SYN that was retransmitted had arrived the first time. */
static void tcpx_try_undo_spurious_syn(struct tcpx_sock *tp)
{
	if (tp->undo_marker && tp->retrans_stamp && tp->rx_opt.saw_tstamp &&
	    tp->retrans_stamp == tp->rx_opt.rcv_tsecr)
		tp->undo_marker = 0;
}

/* What the peer's SYN said is now known. */
static void tcpx_synsent_options(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!tp->rx_opt.wscale_ok) {
		tp->rx_opt.snd_wscale = 0;
		tp->rx_opt.rcv_wscale = 0;
		tp->window_clamp = min(tp->window_clamp, 65535U);
	}
	tp->tcp_header_len = sizeof(struct tcphdr) + tcpx_auth_room(sk, sk);
	if (tp->rx_opt.saw_tstamp) {
		tp->rx_opt.tstamp_ok = 1;
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
		/* Its clock may have been set back since the connection that the
		 * TIME_WAIT was of, whose place this one took.
		 */
		tp->rx_opt.ts_recent = tp->rx_opt.rcv_tsval;
		tp->rx_opt.ts_recent_stamp = ktime_get_seconds();
	}
	WRITE_ONCE(tp->rcv_nxt, TCPX_CB(skb)->seq + 1);
	tp->rcv_wup = tp->rcv_nxt;
	WRITE_ONCE(tp->copied_seq, tp->rcv_nxt);
	/* rfc7323#section-2.2: the window of a SYN is never scaled */
	tp->snd_wnd = ntohs(tcp_hdr(skb)->window);
	tp->snd_wl1 = TCPX_CB(skb)->seq;
}

/* The SYN-ACK: -1: drop the (emptied) segment and go on; 0: consumed. */
static int tcpx_synsent_synack(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool resent;

	tcpx_ao_finish_connect(sk, TCPX_CB(skb)->seq);
	tcpx_ecn_rcv_synack(sk, skb);
	tp->snd_wl1 = TCPX_CB(skb)->seq;
	tcpx_try_undo_spurious_syn(tp);
	tcpx_ack(sk, skb, TCPX_FLAG_SLOWPATH);
	tcpx_synsent_options(sk, skb);
	if (tp->rx_opt.saw_tstamp)
		tp->advmss -= TCPOLEN_TSTAMP_ALIGNED;
	tcpx_sync_mss(sk, tp->pmtu_cookie);
	tcpx_initialize_rcv_mss(sk);
	/* The lockless readers of the state see the rest as well. */
	smp_mb();
	tcpx_finish_connect(sk, skb);
	resent = (tp->syn_fastopen || tp->syn_data) && tcpx_rcv_fastopen_synack(sk, skb);
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);
	}

	if (resent)
		return -1;	/* with the ACK on it */
	/* AccECN tells of the SYN-ACK in an ACK without data. */
	if (!tcpx_ecn_accurate(tp) &&
	    (sk->sk_write_pending || (tp->fastopen_req && tp->fastopen_req->data) ||
	     READ_ONCE(tp->defer_accept) ||
	     tcpx_in_pingpong_mode(sk))) {
		/* Data is about to leave: it carries the ACK. */
		tcpx_schedule_ack(sk);
		tp->ack.lrcvtime = tcpx_jiffies32();
		tcpx_enter_quickack_mode(sk, TCP_MAX_QUICKACKS);
		tcpx_reset_delack_timer(sk, jiffies + TCPX_DELACK_MAX);
		consume_skb(skb);
		return 0;
	}
	tcpx_send_ack(sk);
	return -1;
}

/* A SYN without ACK: simultaneous open, rfc9293#section-3.5 figure 7. */
static int tcpx_synsent_syn(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_ao_finish_connect(sk, TCPX_CB(skb)->seq);
	tcpx_set_state(sk, TCP_SYN_RECV);
	tcpx_synsent_options(sk, skb);
	tp->max_window = tp->snd_wnd;
	tcpx_mtup_init(sk);
	tcpx_sync_mss(sk, tp->pmtu_cookie);
	tcpx_initialize_rcv_mss(sk);
	tcpx_ecn_rcv_syn(tp, skb);
	tcpx_send_synack(sk);
	consume_skb(skb);
	return 0;
}

/**
 * tcpx_rcv_synsent_state_process() - a segment in SYN_SENT
 * @sk: socket, locked
 * @skb: segment
 *
 * rfc9293#section-3.10.7.3
 *
 * Return: -1: go on with sending, then free @skb; 0: it is consumed; 1: answer
 * with a reset.
 */
int tcpx_rcv_synsent_state_process(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct tcphdr *th = tcp_hdr(skb);
	u16 saved_clamp = tp->rx_opt.mss_clamp;
	u32 ack = TCPX_CB(skb)->ack_seq;
	enum skb_drop_reason reason = SKB_DROP_REASON_TCP_FLAGS;

	tcpx_parse_options(sock_net(sk), skb, &tp->rx_opt, false);
	if (tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr)
		tp->rx_opt.rcv_tsecr -= tp->tsoffset;

	if (th->ack) {
		if (!after(ack, tp->snd_una) || after(ack, tp->snd_nxt)) {
			/* An old connection of the peer's: our RST ends it,
			 * and a SYN soon after finds it gone.
			 */
			if (!tp->retransmits)
				tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS, 2);
			goto reset_and_undo;
		}
		if (tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr &&
		    !between(tp->rx_opt.rcv_tsecr, tp->retrans_stamp, tcpx_time_stamp(tp))) {
			TCPX_NET_INC(sock_net(sk), LINUX_MIB_PAWSACTIVEREJECTED);
			goto reset_and_undo;
		}
		if (th->rst) {
			tcpx_reset(sk, skb);
			consume_skb(skb);
			return 0;
		}
		if (!th->syn)
			goto discard_and_undo;
		return tcpx_synsent_synack(sk, skb);
	}

	if (th->rst) {
		reason = SKB_DROP_REASON_TCP_RESET;
		goto discard_and_undo;
	}
	if (tp->rx_opt.ts_recent_stamp && tp->rx_opt.saw_tstamp &&
	    tcpx_paws_reject(&tp->rx_opt, false)) {
		reason = SKB_DROP_REASON_TCP_RFC7323_PAWS;
		goto discard_and_undo;
	}
	if (th->syn)
		return tcpx_synsent_syn(sk, skb);

discard_and_undo:
	tcpx_clear_options(&tp->rx_opt);
	tp->rx_opt.mss_clamp = saved_clamp;
	tcpx_drop(sk, skb, reason);
	return 0;

reset_and_undo:
	tcpx_clear_options(&tp->rx_opt);
	tp->rx_opt.mss_clamp = saved_clamp;
	return 1;
}

/**
 * tcpx_syn_recv_established() - the last ACK of the handshake is here
 * @sk: socket in SYN_RECV, locked
 * @skb: the segment, its ACK processed
 */
void tcpx_syn_recv_established(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_ecn_accurate(tp) && !tcp_hdr(skb)->syn)
		tcpx_accecn_third_ack(sk, skb);
	tp->cc.delivered++;	/* the SYN-ACK */
	if (!tp->cc.srtt_us)
		tcpx_synack_rtt_meas(sk, tp->fastopen_rsk);
	tcpx_sync_mss(sk, tp->pmtu_cookie);
	/* From here on it is payload; the buffers are reckoned by it. */
	if (tp->rx_opt.tstamp_ok)
		tp->advmss -= TCPOLEN_TSTAMP_ALIGNED;
	if (unlikely(tp->fastopen_rsk)) {
		tcpx_fastopen_established(sk);
	} else {
		tcpx_try_undo_spurious_syn(tp);
		tp->retrans_stamp = 0;
		tcpx_init_transfer(sk, skb);
		WRITE_ONCE(tp->copied_seq, tp->rcv_nxt);
	}
	/* Who sees the new state without the lock sees the rest as well. */
	smp_mb();
	tcpx_set_state(sk, TCP_ESTABLISHED);
	sk->sk_state_change(sk);
	/* Only after a simultaneous open somebody may wait already. */
	if (sk->sk_socket)
		sk_wake_async(sk, SOCK_WAKE_IO, POLL_OUT);

	tp->snd_una = TCPX_CB(skb)->ack_seq;
	tp->snd_wnd = ntohs(tcp_hdr(skb)->window) << tp->rx_opt.snd_wscale;
	tp->snd_wl1 = TCPX_CB(skb)->seq;
	tp->max_window = max(tp->max_window, tp->snd_wnd);
	tp->lsndtime = tcpx_jiffies32();
	if (!tp->cc.ops->cong_control)
		tcpx_update_pacing_rate(sk);
	tcpx_initialize_rcv_mss(sk);
	tcpx_fast_path_on(tp);
	/* shutdown() came before the handshake was done */
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		tcpx_shutdown(sk, SEND_SHUTDOWN);
}
