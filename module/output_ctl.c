// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: segments that carry no new data: SYN, SYN-ACK, ACK, FIN, RST,
 * loss, keepalive and zero-window probes.
 */

#include "tcpx.h"
#include "trace.h"

static void tcpx_init_nondata_skb(struct sk_buff *skb, u32 seq, u8 flags)
{
	struct tcpx_skb_cb *cb = TCPX_CB(skb);

	skb->ip_summed = CHECKSUM_PARTIAL;
	cb->tcp_flags = flags;
	cb->gso_segs = 1;
	cb->seq = seq;
	cb->end_seq = seq + !!(flags & (TCPHDR_SYN | TCPHDR_FIN));
}

/* A skb for one segment that is sent and forgotten. */
static struct sk_buff *tcpx_alloc_ctl_skb(u32 seq, u8 flags, gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(TCPX_MAX_HEADER, gfp);

	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, TCPX_MAX_HEADER);
	memset(skb->cb, 0, sizeof(skb->cb));
	tcpx_init_nondata_skb(skb, seq, flags);
	return skb;
}

/* SEQ of a segment without data: inside the window the peer may have shrunk
 * meanwhile (rfc9293#section-3.8.6.2.1), else it would drop our ACK.
 */
static u32 tcpx_acceptable_seq(const struct tcpx_sock *tp)
{
	u32 end = tcpx_wnd_end(tp);

	if (!before(end, tp->snd_nxt) ||
	    (tp->rx_opt.wscale_ok && tp->snd_nxt - end < 1U << tp->rx_opt.rcv_wscale))
		return tp->snd_nxt;
	return end;
}

/* --- ACK ------------------------------------------------------------------ */

/**
 * __tcpx_send_ack() - send an ACK now, of less than has come if need be
 * @sk: socket, locked
 * @rcv_nxt: what to acknowledge
 *
 * Without memory it is tried again by the delayed-ACK timer.
 */
void __tcpx_send_ack(struct sock *sk, u32 rcv_nxt)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;

	if (sk->sk_state == TCP_CLOSE)
		return;
	skb = tcpx_alloc_ctl_skb(tcpx_acceptable_seq(tp), TCPHDR_ACK,
				 sk_gfp_mask(sk, GFP_ATOMIC | __GFP_NOWARN));
	if (unlikely(!skb)) {
		u32 delay = min_t(u32, TCPX_DELACK_MAX << tp->ack_retry, tp->rto_max);

		if (delay < tp->rto_max)
			tp->ack_retry++;
		tcpx_schedule_ack(sk);
		tp->ack.ato = TCPX_ATO_MIN;
		tcpx_reset_delack_timer(sk, jiffies + delay);
		return;
	}
	/* Not counted by the small-queue limits, see tcpx_ack_wfree(). */
	skb->truesize = 2;
	__tcpx_transmit_skb(sk, skb, false, GFP_ATOMIC, rcv_nxt);
}

/**
 * tcpx_send_ack() - acknowledge now all that has come
 * @sk: socket, locked
 */
void tcpx_send_ack(struct sock *sk)
{
	__tcpx_send_ack(sk, tcpx_sk(sk)->rcv_nxt);
}

/**
 * tcpx_delack_max() - an ACK is put off no longer
 * @sk: socket, locked
 *
 * TCP_DELACK_MAX_US, and if the least RTO is less than usual, the peer's may be so, too.
 *
 * Return: jiffies
 */
u32 tcpx_delack_max(struct sock *sk)
{
	return min_t(u32, tcpx_sk(sk)->ack.delack_max, max(tcpx_rto_min(sk), 2U) - 1);
}

/**
 * tcpx_send_delayed_ack() - an ACK is owed, but need not leave now
 * @sk: socket, locked
 *
 * rfc9293#section-3.8.6.3: less than 0.5 s; here 40 to 200 ms, following the
 * rhythm of arriving data, or less if the user says so.
 */
void tcpx_send_delayed_ack(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned long timeout;
	int ato = tp->ack.ato;
	s32 left;

	if (ato > TCPX_ATO_MIN) {
		int max_ato = HZ / 2;

		if (tcpx_in_pingpong_mode(sk) || (tp->ack.pending & TCPX_ACK_PUSHED))
			max_ato = TCPX_DELACK_MAX;
		/* Not longer than an RTT, which we know from sending. */
		if (tp->cc.srtt_us) {
			int rtt = max_t(int, usecs_to_jiffies(tp->cc.srtt_us >> 3), TCPX_ATO_MIN);

			max_ato = min(max_ato, rtt);
		}
		ato = min(ato, max_ato);
	}
	ato = min_t(u32, ato, tcpx_delack_max(sk));

	timeout = jiffies + ato;
	if (tp->ack.pending & TCPX_ACK_TIMER) {
		left = tp->delack_due - (u32)timeout + ato;
		/* The timer is about to fire anyway: once is enough. */
		if (left <= ato >> 2) {
			tcpx_send_ack(sk);
			return;
		}
		if (left < ato)
			timeout -= ato - left;
	}
	tcpx_reset_delack_timer(sk, timeout);
}

/* --- opening ---------------------------------------------------------------- */

static void tcpx_connect_init(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);
	struct net *net = sock_net(sk);
	struct tcpx_auth auth;
	u32 rcv_wnd, space, mss;
	u8 rcv_wscale;

	tcpx_auth_find(&auth, sk, sk);
	tp->tcp_header_len = sizeof(struct tcphdr) + auth.size;
	/* As tcpx_syn_options() has it. */
	if (!auth.md5 && READ_ONCE(net->ipv4.sysctl_tcp_timestamps))
		tp->tcp_header_len += TCPOLEN_TSTAMP_ALIGNED;
	if (tp->rx_opt.user_mss)
		tp->rx_opt.mss_clamp = tp->rx_opt.user_mss;
	tp->max_window = 0;
	tcpx_mtup_init(sk);
	tcpx_sync_mss(sk, dst_mtu(dst));
	tcpx_dst_congestion_control(sk, dst);
	if (!tp->window_clamp)
		tp->window_clamp = dst_metric(dst, RTAX_WINDOW);
	tp->advmss = dst_metric_advmss(dst);
	if (tp->rx_opt.user_mss && tp->rx_opt.user_mss < tp->advmss)
		tp->advmss = tp->rx_opt.user_mss;
	tcpx_initialize_rcv_mss(sk);

	space = tcpx_full_space(sk);
	/* A locked buffer bounds the window from the start. */
	if ((sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
	    (tp->window_clamp > space || !tp->window_clamp))
		tp->window_clamp = space;
	/* As kernel TCP: whole segments as they will be only if the peer's options are known. */
	mss = tp->advmss;
	if (tp->rx_opt.ts_recent_stamp)
		mss -= tp->tcp_header_len - sizeof(struct tcphdr);
	tcpx_select_initial_window(sk, space, mss, &rcv_wnd, &tp->window_clamp,
				   READ_ONCE(net->ipv4.sysctl_tcp_window_scaling),
				   &rcv_wscale, dst_metric(dst, RTAX_INITRWND));
	tp->rcv_wnd = rcv_wnd;
	tp->rx_opt.rcv_wscale = rcv_wscale;
	tp->rcv_ssthresh = rcv_wnd;

	WRITE_ONCE(sk->sk_err, 0);
	sock_reset_flag(sk, SOCK_DONE);
	tp->snd_wnd = 0;
	tp->snd_wl1 = 0;
	tcpx_write_queue_purge(sk);
	tp->snd_una = tp->write_seq;
	tp->snd_sml = tp->write_seq;
	tp->snd_up = tp->write_seq;
	WRITE_ONCE(tp->snd_nxt, tp->write_seq);
	tp->rcv_nxt = 0;
	tp->rcv_wup = 0;
	WRITE_ONCE(tp->copied_seq, 0);
	tp->rto = TCPX_TIMEOUT_INIT;
	tp->retransmits = 0;
	tcpx_clear_retrans(tp);
}

/* Queue a segment that takes sequence space and is about to be sent. */
static void tcpx_queue_ctl(struct sock *sk, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	tcpx_mstamp_refresh(tp);
	__skb_header_release(skb);
	tcpx_rtx_queue_insert(sk, skb);
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	tp->packets_out += tcpx_skb_pcount(skb);
}

/**
 * tcpx_connect() - send the SYN of an active open
 * @sk: socket in SYN_SENT, locked, addressed, routed, hashed
 *
 * rfc9293#section-3.10.1; with TCP_FASTOPEN_CONNECT the first write may do it.
 *
 * Return: 0; -EHOSTUNREACH, -ENOBUFS; -EKEYREJECTED of tcpx_auth_connect(); -ECONNREFUSED when
 * the segment could not leave for good (a firewall on the way out).
 */
int tcpx_connect(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;
	int err = 0;

	if (unlikely(tcpx_fastopen_defer_connect(sk, &err)) || err)
		return err;
	if (tp->af_ops->rebuild_header(sk))
		return -EHOSTUNREACH;
	err = tcpx_auth_connect(sk);
	if (err)
		return err;
	tcpx_connect_init(sk);

	skb = tcpx_stream_alloc_skb(sk, sk->sk_allocation, false);
	if (unlikely(!skb))
		return -ENOBUFS;
	tcpx_init_nondata_skb(skb, tp->write_seq++, TCPHDR_SYN);
	tcpx_ecn_send_syn(sk, skb);
	tcpx_mstamp_refresh(tp);
	tp->retrans_stamp = tcpx_time_stamp(tp);
	tcpx_queue_ctl(sk, skb);
	err = unlikely(tp->fastopen_req) ? tcpx_send_syn_data(sk, skb) :
	      tcpx_transmit_skb(sk, skb, true, sk->sk_allocation);
	if (err == -ECONNREFUSED)
		return err;

	/* The SYN counts as sent even if it was dropped here: the timer repeats it. Data
	 * that could not go with it waits.
	 */
	skb = tcpx_send_head(sk);
	WRITE_ONCE(tp->snd_nxt, skb ? TCPX_CB(skb)->seq : tp->write_seq);
	tp->pushed_seq = tp->snd_nxt;
	TCPX_INC_STATS(sock_net(sk), TCP_MIB_ACTIVEOPENS);
	tcpx_reset_xmit_timer(sk, TCPX_TIME_RETRANS, tp->rto);
	return 0;
}

/**
 * tcpx_send_synack() - our SYN met the peer's: simultaneous open
 * @sk: socket in SYN_RECV whose retransmit queue starts with our SYN, locked
 *
 * rfc9293#section-3.5 figure 7: the SYN is sent again, with an ACK.
 *
 * Return: 0, -EFAULT if that SYN is gone, -ENOMEM, or the IP layer's error.
 */
int tcpx_send_synack(struct sock *sk)
{
	struct sk_buff *skb = tcpx_rtx_queue_head(sk);

	if (!skb || !(TCPX_CB(skb)->tcp_flags & TCPHDR_SYN))
		return -EFAULT;
	if (!(TCPX_CB(skb)->tcp_flags & TCPHDR_ACK)) {
		if (skb_cloned(skb) && pskb_expand_head(skb, 0, 0, GFP_ATOMIC))
			return -ENOMEM;
		TCPX_CB(skb)->tcp_flags |= TCPHDR_ACK;
		tcpx_ecn_send_synack(tcpx_sk(sk), skb);
	}
	return tcpx_transmit_skb(sk, skb, true, GFP_ATOMIC);
}

/**
 * tcpx_make_synack() - the SYN-ACK of a request sock, TCP header and options
 * @lsk: listener, not locked
 * @dst: route; the reference passes to the skb
 * @req: the request
 * @cookie: answer with a SYN cookie
 * @foc: Fast Open cookie to tell, or NULL
 *
 * The TCP checksum and the IP header are left to af_ops->send_synack_ip().
 *
 * Return: skb, or NULL without memory or the key that the SYN asks for (@dst is released).
 */
struct sk_buff *tcpx_make_synack(const struct sock *lsk, struct dst_entry *dst,
				 struct tcpx_request_sock *req, bool cookie,
				 const struct tcp_fastopen_cookie *foc)
{
	const struct inet_request_sock *ireq = &req->req;
	const struct tcpx_sock *ltp = tcpx_sk(lsk);
	struct tcpx_out_options opts;
	unsigned int hdr_len, mss;
	struct sk_buff *skb;
	struct tcphdr *th;
	bool again;
	u64 now;

	skb = tcpx_alloc_ctl_skb(req->snt_isn, TCPHDR_SYN | TCPHDR_ACK, GFP_ATOMIC);
	if (unlikely(!skb)) {
		dst_release(dst);
		return NULL;
	}
	skb_dst_set(skb, dst);

	mss = dst_metric_advmss(dst);
	if (ltp->rx_opt.user_mss && ltp->rx_opt.user_mss < mss)
		mss = ltp->rx_opt.user_mss;
	now = cookie && ireq->tstamp_ok ?
		(u64)tcpx_cookie_init_timestamp(req, tcpx_clock_us()) * NSEC_PER_MSEC :
		ktime_get_ns();
	compat_skb_set_delivery_mono(skb, now);
	again = req->snt_synack;
	if (!again)
		req->snt_synack = div_u64(now, NSEC_PER_USEC);

	hdr_len = tcpx_synack_options(lsk, req, mss, skb, foc, &opts);
	if (unlikely(req->used_ao && !opts.auth.size)) {
		net_info_ratelimited("tcpx: no TCP-AO key %u, which a SYN asks for\n",
				     req->ao_keyid);
		kfree_skb(skb);
		return NULL;
	}
	/* rfc9768#section-3.2.3.2.1: somebody may drop what has it. */
	if (req->accecn_ok && !again)
		hdr_len += tcpx_accecn_synack_option(sock_net(lsk), &opts,
						     MAX_TCP_OPTION_SPACE - hdr_len);
	hdr_len += sizeof(*th);
	skb_push(skb, hdr_len);
	skb_reset_transport_header(skb);
	th = (struct tcphdr *)skb->data;
	memset(th, 0, sizeof(*th));
	th->syn = 1;
	th->ack = 1;
	tcpx_ecn_make_synack(req, th);
	th->source = htons(ireq->ir_num);
	th->dest = ireq->ir_rmt_port;
	th->seq = htonl(req->snt_isn);
	th->ack_seq = htonl(req->rcv_nxt);
	th->doff = hdr_len >> 2;
	th->window = htons(min(ireq->req.rsk_rcv_wnd, 65535U));
	tcpx_options_write(th, NULL, &opts);
	if (unlikely(opts.auth.size))
		tcpx_auth_sign(skb, &opts.auth, req_to_sk(&req->req.req));

	skb->mark = ireq->ir_mark;
	skb_set_hash(skb, req->txhash, PKT_HASH_TYPE_L4);
	/* What the options say is a time of ours, no departure time for fq. */
	compat_skb_set_delivery_mono(skb, 0);
	TCPX_INC_STATS(sock_net(lsk), TCP_MIB_OUTSEGS);
	return skb;
}

/* --- closing ------------------------------------------------------------------ */

/**
 * tcpx_send_fin() - no more data will come: queue a FIN and push
 * @sk: socket, locked
 *
 * The FIN rides on the last skb not yet sent, or, when memory is short, on the
 * last one sent: its retransmission will carry it. Where there is neither, and no
 * memory, the keepalive timer tries again: an orphan without a FIN would never end.
 */
void tcpx_send_fin(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&sk->sk_write_queue);
	struct sk_buff *skb;

	if (!tail && tcpx_under_memory_pressure(sk))
		tail = tcpx_rtx_queue_tail(sk);
	if (tail) {
		TCPX_CB(tail)->tcp_flags |= TCPHDR_FIN;
		TCPX_CB(tail)->end_seq++;
		tp->write_seq++;
		if (skb_queue_empty(&sk->sk_write_queue)) {
			WRITE_ONCE(tp->snd_nxt, tp->snd_nxt + 1);
			return;
		}
	} else {
		skb = alloc_skb_fclone(TCPX_MAX_HEADER,
				       sk_gfp_mask(sk, GFP_ATOMIC | __GFP_NOWARN));
		if (unlikely(!skb)) {
			/* It has its number: no ACK of what was before shall be its own. */
			tp->write_seq++;
			tcpx_reset_keepalive_timer(sk, TCP_RESOURCE_PROBE_INTERVAL);
			return;
		}
		INIT_LIST_HEAD(&skb->tcp_tsorted_anchor);
		skb_reserve(skb, TCPX_MAX_HEADER);
		memset(skb->cb, 0, sizeof(skb->cb));
		/* Beyond the limits if need be: the FIN ends the connection.
		 * The debt is paid back when the skb is freed.
		 */
		tcpx_forced_mem_schedule(sk, skb->truesize);
		sk_mem_charge(sk, skb->truesize);
		tcpx_init_nondata_skb(skb, tp->write_seq, TCPHDR_ACK | TCPHDR_FIN);
		__skb_header_release(skb);
		if (skb_queue_empty(&sk->sk_write_queue))
			tcpx_chrono_start(sk, TCP_CHRONO_BUSY);
		__skb_queue_tail(&sk->sk_write_queue, skb);
		sk_wmem_queued_add(sk, skb->truesize);
		tp->write_seq++;
	}
	__tcpx_push_pending_frames(sk, tcpx_current_mss(sk), TCPX_NAGLE_OFF);
}

/**
 * tcpx_send_active_reset() - give the connection up with a RST
 * @sk: socket, locked
 * @priority: allocation flags
 */
void tcpx_send_active_reset(struct sock *sk, gfp_t priority)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	struct sk_buff *skb;

	TCPX_INC_STATS(net, TCP_MIB_OUTRSTS);
	skb = tcpx_alloc_ctl_skb(tcpx_acceptable_seq(tp), TCPHDR_ACK | TCPHDR_RST, priority);
	if (!skb) {
		TCPX_NET_INC(net, LINUX_MIB_TCPABORTFAILED);
		return;
	}
	tcpx_mstamp_refresh(tp);
	trace_tcpx_send_reset(sk, NULL);
	if (tcpx_transmit_skb(sk, skb, false, priority))
		TCPX_NET_INC(net, LINUX_MIB_TCPABORTFAILED);
}

/* --- probes --------------------------------------------------------------------- */

/* A segment below the window: the peer must answer with its state. urgent
 * tells whether it also carries the urgent pointer's news.
 */
static int tcpx_xmit_probe(struct sock *sk, bool urgent, int mib)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb;

	skb = tcpx_alloc_ctl_skb(tp->snd_una - !urgent, TCPHDR_ACK,
				 sk_gfp_mask(sk, GFP_ATOMIC | __GFP_NOWARN));
	if (!skb)
		return -1;
	TCPX_NET_INC(sock_net(sk), mib);
	return tcpx_transmit_skb(sk, skb, false, GFP_ATOMIC);
}

/**
 * tcpx_write_wakeup() - make the peer say something: keepalive, window probe
 * @sk: socket, locked
 * @mib: LINUX_MIB_* to count it under
 *
 * Sends what the window admits of the next data, or a probe below it.
 *
 * Return: 0 sent, > 0 nothing to send it with, < 0 error.
 */
int tcpx_write_wakeup(struct sock *sk, int mib)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb = tcpx_send_head(sk);

	if (sk->sk_state == TCP_CLOSE)
		return -1;
	if (skb && before(TCPX_CB(skb)->seq, tcpx_wnd_end(tp))) {
		if (before(tp->pushed_seq, TCPX_CB(skb)->end_seq))
			tp->pushed_seq = TCPX_CB(skb)->end_seq;
		return tcpx_push_probe(sk, skb);
	}
	if (between(tp->snd_up, tp->snd_una + 1, tp->snd_una + 0xFFFF))
		tcpx_xmit_probe(sk, true, mib);
	return tcpx_xmit_probe(sk, false, mib);
}

/**
 * tcpx_send_probe0() - zero-window probe (rfc9293#section-3.8.6.1)
 * @sk: socket, locked
 *
 * Arms the timer for the next one, with backoff.
 */
void tcpx_send_probe0(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned long timeout;
	int err;

	tcpx_mstamp_refresh(tp);
	err = tcpx_write_wakeup(sk, LINUX_MIB_TCPWINPROBE);
	if (tp->packets_out || !tcpx_send_head(sk)) {
		/* The window opened meanwhile. */
		tp->probes_out = 0;
		tp->backoff = 0;
		tp->probes_tstamp = 0;
		return;
	}
	tp->probes_out++;
	if (err <= 0) {
		if (tp->backoff < READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_retries2))
			tp->backoff++;
		timeout = tcpx_probe0_when(sk, tcpx_sk(sk)->rto_max);
	} else {
		/* It could not leave: the network is not to blame. */
		timeout = TCP_RESOURCE_PROBE_INTERVAL;
	}
	tcpx_reset_paced_timer(sk, TCPX_TIME_PROBE0, tcpx_clamp_probe0(sk, timeout));
}
