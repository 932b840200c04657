// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: what the peer may send, and the memory it is kept in.
 *
 * sk_rcvbuf bounds memory (skb->truesize: payload plus overhead), the window
 * bounds payload. tcpx_win_from_space() converts, at first by the admin's guess,
 * then by what full segments are seen to carry (tcpx_measure_payload()). Inside that,
 *
 *	rcv_ssthresh	<= window_clamp <= window of the whole buffer
 *
 * is what we dare to offer: it starts low and grows as long as the peer's
 * segments carry enough payload for their overhead (tcpx_grow_window()), so
 * that what was promised fits. The buffer itself follows the rate at which the
 * user reads (tcpx_rcv_space_adjust(), "dynamic right-sizing"). When promises
 * and memory disagree all the same: prune.c.
 */

#include "tcpx.h"

/* What of payload_share is one, and its most: some is always overhead. */
#define TCPX_SHARE_SHIFT	8
#define TCPX_SHARE_ONE		256
#define TCPX_SHARE_MAX		(TCPX_SHARE_ONE - TCPX_SHARE_ONE / 32)

/**
 * tcpx_guess_win_from_space() - the same as tcpx_win_from_space(), but by the admin's guess
 * @sk: socket
 * @space: bytes of memory
 *
 * That is net.ipv4.tcp_adv_win_scale.
 *
 * Return: bytes of payload
 */
int tcpx_guess_win_from_space(const struct sock *sk, int space)
{
	int scale = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_adv_win_scale);

	if (scale <= 0)
		return space >> -scale;
	return space - (space >> scale);
}

/**
 * tcpx_win_from_space() - payload that fits into buffer space
 * @sk: socket
 * @space: bytes of memory; may be negative
 *
 * Return: bytes of payload
 */
int tcpx_win_from_space(const struct sock *sk, int space)
{
	int share = READ_ONCE(tcpx_sk(sk)->payload_share);

	if (share)
		return (s64)space * share >> TCPX_SHARE_SHIFT;
	return tcpx_guess_win_from_space(sk, space);
}

/* The inverse: memory that a window needs. */
static u64 tcpx_space_from_win(const struct sock *sk, u64 win)
{
	int scale = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_adv_win_scale);
	u32 share = tcpx_sk(sk)->payload_share;

	if (share)
		return div_u64(win << TCPX_SHARE_SHIFT, share);
	if (scale <= 0)
		return win << -scale;
	return div64_u64(win << scale, BIT_ULL(scale) - 1);
}

/**
 * tcpx_space() - window that the free part of the receive buffer is worth
 * @sk: socket
 *
 * Context: any; exact under the socket lock.
 * Return: bytes, negative if the buffer is overdrawn
 */
int tcpx_space(const struct sock *sk)
{
	return tcpx_win_from_space(sk, READ_ONCE(sk->sk_rcvbuf) -
				       READ_ONCE(sk->sk_backlog.len) -
				       atomic_read(&sk->sk_rmem_alloc));
}

/**
 * tcpx_full_space() - window that the whole receive buffer is worth
 * @sk: socket
 *
 * Return: bytes
 */
int tcpx_full_space(const struct sock *sk)
{
	return tcpx_win_from_space(sk, READ_ONCE(sk->sk_rcvbuf));
}

/* --- offering a window -------------------------------------------------- */

/* May we take a promised window back? rfc9293#section-3.8.6 says SHOULD NOT. */
static bool tcpx_may_shrink_window(const struct sock *sk)
{
	return READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_shrink_window) &&
	       tcpx_sk(sk)->rx_opt.rcv_wscale;
}

/* The largest window that fits into the header. Some old peers take it for a
 * signed number unless it is scaled.
 */
static u32 tcpx_max_window(const struct sock *sk, u8 wscale)
{
	if (!wscale && READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_workaround_signed_windows))
		return MAX_TCP_WINDOW;
	return (u32)U16_MAX << wscale;
}

/**
 * tcpx_select_initial_window() - window and scale of our SYN or SYN-ACK
 * @sk: the socket, or the listener
 * @space: payload the buffer is worth, bytes
 * @mss: the segment size we advertise
 * @rcv_wnd: result: the window, bytes
 * @window_clamp: in: bound set by the user or the route, 0 for none; out: no
 *	more than can be expressed
 * @wscale_ok: may the window be scaled (rfc7323#section-2.2)?
 * @rcv_wscale: result: the shift
 * @init_rcv_wnd: the route's bound in segments, 0 for none
 */
void tcpx_select_initial_window(const struct sock *sk, int space, u32 mss, u32 *rcv_wnd,
				u32 *window_clamp, bool wscale_ok, u8 *rcv_wscale,
				u32 init_rcv_wnd)
{
	u32 clamp = *window_clamp ?: (u32)U16_MAX << TCP_MAX_WSCALE;
	u32 wnd = min_t(u32, max(space, 0), clamp);
	u32 most = clamp;

	if (mss && wnd > mss)
		wnd = rounddown(wnd, mss);

	/* All of it, though the SYN's own field, which is never scaled, says 65535 at most: those
	 * who write that field see to it. The first segment after it can say more.
	 */
	*rcv_wnd = wnd;
	if (READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_workaround_signed_windows))
		*rcv_wnd = min(wnd, MAX_TCP_WINDOW);
	if (init_rcv_wnd)
		*rcv_wnd = min(*rcv_wnd, init_rcv_wnd * mss);

	*rcv_wscale = 0;
	if (wscale_ok) {
		/* The shift can't change later, so provide for what
		 * autotuning or SO_RCVBUF may grow the buffer to.
		 */
		most = max_t(u32, wnd, READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]));
		most = max_t(u32, most, READ_ONCE(sysctl_rmem_max));
		most = min(most, clamp);
		if (most)
			*rcv_wscale = clamp_t(int, ilog2(most) - 15, 0, TCP_MAX_WSCALE);
	}
	*window_clamp = min(clamp, (u32)U16_MAX << *rcv_wscale);
	*rcv_wnd = min(*rcv_wnd, *window_clamp);
}

/* Lower rcv_ssthresh to @bound, but not below what SO_RESERVE_MEM guarantees. */
static void tcpx_lower_rcv_ssthresh(struct sock *sk, u32 bound)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int reserved = sk_unused_reserved_mem(sk);

	tp->rcv_ssthresh = min(tp->rcv_ssthresh, bound);
	if (reserved)
		tp->rcv_ssthresh = max_t(u32, tp->rcv_ssthresh,
					 tcpx_win_from_space(sk, reserved));
}

/**
 * tcpx_pressure_rcv_ssthresh() - memory is scarce: four segments must do
 * @sk: socket
 *
 * Context: socket lock.
 */
void tcpx_pressure_rcv_ssthresh(struct sock *sk)
{
	tcpx_lower_rcv_ssthresh(sk, 4U * tcpx_sk(sk)->advmss);
}

/* Without a scale: whole segments, and no change for less than one
 * (rfc9293#section-3.8.6.2.2); a division only if something changed.
 */
static int tcpx_round_window(const struct tcpx_sock *tp, int free, int mss, int full)
{
	int window = tp->rcv_wnd;

	if (window <= free - mss || window > free)
		return rounddown(free, mss);
	if (mss == full && free > window + full / 2)
		return free;
	return window;
}

/**
 * __tcpx_select_window() - window that could be offered now
 * @sk: socket
 *
 * Avoids silly windows: nothing rather than less than a segment or than a 16th
 * of the buffer. The latter also closes large windows before memory runs out.
 *
 * Context: socket lock.
 * Return: bytes
 */
u32 __tcpx_select_window(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int unit = 1 << tp->rx_opt.rcv_wscale;
	bool shrink = tcpx_may_shrink_window(sk);
	int allowed = tcpx_full_space(sk);
	int full = min_t(int, tp->window_clamp, allowed);
	int mss = min_t(int, tp->ack.rcv_mss, full);
	int free = tcpx_space(sk);

	if (unlikely(mss <= 0))
		return 0;
	if (shrink)
		free = round_down(free, unit);
	if (free < full / 2) {
		tp->ack.quick = 0;
		if (tcpx_under_memory_pressure(sk))
			tcpx_pressure_rcv_ssthresh(sk);
		/* Rounding up below must not turn this into more than there is. */
		free = round_down(free, unit);
		if (free < allowed >> 4 || free < mss || (shrink && free < unit))
			return 0;
	}
	free = min_t(int, free, tp->rcv_ssthresh);

	/* Rounded up, so that the scale does not make zero of it. */
	if (tp->rx_opt.rcv_wscale)
		return ALIGN(free, unit);
	return tcpx_round_window(tp, free, mss, full);
}

/* Offer this much from rcv_nxt on. Should that be less than was promised, remember what
 * was: it may be on its way, rfc7323#section-2.4. Without memory to do so it is
 * beyond the window when it comes, and is sent again.
 */
static void tcpx_commit_window(struct sock *sk, u32 window)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 edge = tcpx_promised_edge(tp);

	tp->rcv_wnd = window;
	tp->rcv_wup = tp->rcv_nxt;
	if (likely(!tp->rx_opt.window_retracted && !before(tp->rcv_wup + window, edge)))
		return;
	tp->rx_opt.window_retracted = before(tp->rcv_wup + window, edge) && tcpx_disorder_get(sk);
	if (tp->rx_opt.window_retracted)
		tp->disorder->rcv_mwnd_seq = edge;
}

/**
 * tcpx_select_window() - window of the segment that is being built
 * @sk: socket
 *
 * Commits the choice: rcv_wnd and rcv_wup. What was promised is not taken back
 * (rfc9293#section-3.8.6), unless net.ipv4.tcp_shrink_window allows it or there is no memory
 * for it.
 *
 * Context: socket lock.
 * Return: the header's window field, host order, scaled (rfc7323#section-2.3)
 */
u16 tcpx_select_window(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct net *net = sock_net(sk);
	u8 wscale = tp->rx_opt.rcv_wscale;
	u32 promised = tcpx_receive_window(tp);
	u32 old = tp->rcv_wnd;
	u32 window;
	u16 field;

	if (unlikely(tp->ack.pending & TCPX_ACK_NOMEM)) {
		tp->pred_flags = 0;
		tcpx_commit_window(sk, 0);
		return 0;
	}
	window = __tcpx_select_window(sk);
	if (window < promised && !tcpx_may_shrink_window(sk)) {
		if (!window)
			TCPX_NET_INC(net, LINUX_MIB_TCPWANTZEROWINDOWADV);
		window = ALIGN(promised, 1U << wscale);
	}
	tcpx_commit_window(sk, window);

	field = min(window, tcpx_max_window(sk, wscale)) >> wscale;
	if (!field) {
		/* A probe or an overrun is to be looked at closely. */
		tp->pred_flags = 0;
		if (old)
			TCPX_NET_INC(net, LINUX_MIB_TCPTOZEROWINDOWADV);
	} else if (!old) {
		TCPX_NET_INC(net, LINUX_MIB_TCPFROMZEROWINDOWADV);
	}
	return field;
}

/**
 * tcpx_set_window_clamp() - TCP_WINDOW_CLAMP
 * @sk: socket
 * @val: bytes, 0 for none
 *
 * Context: socket lock.
 * Return: 0, or -EINVAL: 0 only before the connection exists
 */
int tcpx_set_window_clamp(struct sock *sk, int val)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 old = tp->window_clamp;
	u32 clamp;

	if (!val) {
		if (sk->sk_state != TCP_CLOSE)
			return -EINVAL;
		WRITE_ONCE(tp->window_clamp, 0);
		tp->rx_opt.window_set = 0;
		return 0;
	}

	tp->rx_opt.window_set = 1;
	clamp = compat_least_window_clamp(val);
	WRITE_ONCE(tp->window_clamp, clamp);
	if (clamp < old)
		tcpx_lower_rcv_ssthresh(sk, clamp);
	else if (clamp > old)
		tp->rcv_ssthresh = max(tp->rcv_ssthresh, min(tp->rcv_wnd, clamp));
	return 0;
}

/* --- how much we dare to promise ---------------------------------------- */

/* Segments are merged as they queue up: a payload that lies in page fragments
 * will not cost its own sk_buff.
 */
static u32 tcpx_merged_truesize(const struct sk_buff *skb)
{
	u32 head = SKB_TRUESIZE(skb_end_offset(skb));

	if (skb_headlen(skb) || skb->truesize < head + skb->len)
		return skb->truesize;
	return skb->truesize - head;
}

/* A segment with more overhead than the buffer is meant for. It may still raise
 * rcv_ssthresh while that is small: by how often both halve until it fits.
 */
static int tcpx_grow_window_poor(const struct sock *sk, const struct sk_buff *skb, u32 truesize)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int limit = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]);
	int window = tcpx_guess_win_from_space(sk, limit) >> 1;
	int cost = tcpx_guess_win_from_space(sk, truesize) >> 1;

	for (; tp->rcv_ssthresh <= window; cost >>= 1, window >>= 1)
		if (cost <= skb->len)
			return 2 * tp->ack.rcv_mss;
	return 0;
}

/* What @clamp is in a buffer worth @maxwin: part of the latter is kept back for a reader that
 * is late, net.ipv4.tcp_app_win, but at least one segment.
 */
static u32 tcpx_without_app_window(const struct sock *sk, u32 clamp, u32 maxwin)
{
	int app_win = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_app_win);
	u32 mss = tcpx_sk(sk)->advmss;

	if (app_win && clamp == maxwin && maxwin > 4 * mss)
		clamp = max(maxwin - (maxwin >> app_win), 4 * mss);
	if (app_win && clamp > 2 * mss && clamp + mss > maxwin)
		clamp = max(2 * mss, maxwin - mss);
	return clamp;
}

/* Did somebody choose a bound of the window: the user (TCP_WINDOW_CLAMP) or the route? */
static bool tcpx_window_is_chosen(struct sock *sk)
{
	const struct dst_entry *dst = __sk_dst_get(sk);

	return tcpx_sk(sk)->rx_opt.window_set || (dst && dst_metric(dst, RTAX_WINDOW));
}

/* SO_RCVBUF made the buffer larger than the connection began with, or it carries more than was
 * reckoned: so may the window become, unless one was chosen or the header can't express it.
 */
static void tcpx_follow_rcvbuf(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 maxwin = max(tcpx_full_space(sk), 0);
	u32 clamp;

	if (!((sk->sk_userlocks & SOCK_RCVBUF_LOCK) || tp->payload_share) ||
	    maxwin <= tp->window_clamp || tcpx_window_is_chosen(sk))
		return;
	clamp = tcpx_without_app_window(sk, maxwin, maxwin);
	clamp = min(clamp, tcpx_max_window(sk, tp->rx_opt.rcv_wscale));
	if (clamp > tp->window_clamp)
		WRITE_ONCE(tp->window_clamp, clamp);
}

/* Is a full segment dense, with more payload in its memory than we reckon with? Or less dense
 * than was measured before? The share follows slowly, a 256th for each large segment. One that is
 * not dense, as those that come alone, brings it back to the admin's guess: where these are
 * kept in check by rcv_ssthresh.
 */
static void tcpx_measure_payload(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int share = 0, seen, step;

	if (skb->len < skb->truesize - (skb->truesize >> 2)) {
		if (!tp->payload_share)
			return;
	} else {
		share = tcpx_win_from_space(sk, TCPX_SHARE_ONE);
		seen = min_t(u32, (skb->len << TCPX_SHARE_SHIFT) / skb->truesize, TCPX_SHARE_MAX);
		step = skb->truesize >= SZ_32K;
		share = clamp(seen, share - step, share + step);
	}
	if (share <= tcpx_guess_win_from_space(sk, TCPX_SHARE_ONE))
		share = 0;
	if (share != tp->payload_share) {
		WRITE_ONCE(tp->payload_share, share);
		tcpx_follow_rcvbuf(sk);
	}
}

/**
 * tcpx_grow_window() - a segment with data came: promise more next time?
 * @sk: socket
 * @skb: the segment, before it is merged with another
 *
 * Context: socket lock.
 */
void tcpx_grow_window(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int space = tcpx_space(sk);
	u32 truesize;
	int room, incr;

	if (skb->len >= tp->ack.rcv_mss)
		tcpx_measure_payload(sk, skb);
	/* The bound is what is in the way, not what waits to be read. */
	if (tp->rcv_ssthresh >= tp->window_clamp && space > (int)tp->window_clamp)
		tcpx_follow_rcvbuf(sk);
	room = min_t(int, tp->window_clamp, space) - tp->rcv_ssthresh;
	if (room <= 0)
		return;
	if (tcpx_under_memory_pressure(sk)) {
		tcpx_pressure_rcv_ssthresh(sk);
		return;
	}

	truesize = tcpx_merged_truesize(skb);
	if (tcpx_guess_win_from_space(sk, truesize) <= skb->len)
		incr = 2 * tp->advmss;
	else
		incr = tcpx_grow_window_poor(sk, skb, truesize);
	if (incr) {
		incr = max_t(int, incr, 2 * skb->len);
		tp->rcv_ssthresh += min(room, incr);
		tp->ack.quick |= 1;
	}
}

/**
 * tcpx_clamp_window() - the receive buffer is full: grow it, or promise less
 * @sk: socket
 *
 * Context: socket lock.
 */
void tcpx_clamp_window(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int limit = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]);

	tp->ack.quick = 0;
	WRITE_ONCE(tp->payload_share, 0);
	if (sk->sk_rcvbuf < limit && !(sk->sk_userlocks & SOCK_RCVBUF_LOCK) &&
	    !tcpx_under_memory_pressure(sk) &&
	    sk_memory_allocated(sk) < sk_prot_mem_limits(sk, 0))
		WRITE_ONCE(sk->sk_rcvbuf, min(atomic_read(&sk->sk_rmem_alloc), limit));
	if (atomic_read(&sk->sk_rmem_alloc) > sk->sk_rcvbuf)
		tp->rcv_ssthresh = min(tp->window_clamp, 2U * tp->advmss);
}

/**
 * tcpx_init_buffer_space() - buffers of a connection that is now ESTABLISHED
 * @sk: socket; window_clamp, rcv_wnd, advmss and cwnd are known
 *
 * Context: socket lock.
 */
void tcpx_init_buffer_space(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 maxwin = max(tcpx_full_space(sk), 0);

	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK))
		tcpx_sndbuf_expand(sk);

	tcpx_mstamp_refresh(tp);
	tp->rcvq_space.time = tp->tcp_mstamp;
	tp->rcvq_space.seq = tp->copied_seq;

	WRITE_ONCE(tp->window_clamp,
		   tcpx_without_app_window(sk, min(tp->window_clamp, maxwin), maxwin));
	tp->rcv_ssthresh = min(tp->rcv_ssthresh, tp->window_clamp);
	tp->snd_cwnd_stamp = tcpx_jiffies32();
	tp->rcvq_space.space = min3(tp->rcv_ssthresh, tp->rcv_wnd,
				    (u32)TCP_INIT_CWND * tp->advmss);
}

/* --- autotuning --------------------------------------------------------- */

/* Smoothed, scaled by 8. Without timestamps a sample is an upper bound (the
 * sender may have paused), so only smaller ones count.
 */
static void tcpx_rcv_rtt_update(struct tcpx_sock *tp, u32 sample_us, bool upper_bound)
{
	u32 old = tp->rcv_rtt_est.rtt_us;
	u32 scaled = sample_us << 3;

	if (!old || (long)scaled < old)
		tp->rcv_rtt_est.rtt_us = scaled;
	else if (!upper_bound)
		tp->rcv_rtt_est.rtt_us = old - (old >> 3) + sample_us;
}

/**
 * tcpx_rcv_rtt_measure() - RTT as a receiver sees it: one window of data
 * @tp: socket; tcp_mstamp is fresh
 *
 * Context: socket lock.
 */
void tcpx_rcv_rtt_measure(struct tcpx_sock *tp)
{
	u32 now = tp->tcp_mstamp, delta;

	if (tp->rcv_rtt_est.time) {
		if (before(tp->rcv_nxt, tp->rcv_rtt_est.seq))
			return;
		delta = now - tp->rcv_rtt_est.time;
		tcpx_rcv_rtt_update(tp, clamp_t(u32, delta, 1, U32_MAX >> 3), true);
	}
	tp->rcv_rtt_est.seq = tp->rcv_nxt + tp->rcv_wnd;
	tp->rcv_rtt_est.time = now;
}

/**
 * tcpx_rcv_rtt_measure_ts() - the same by the echoed timestamp, rfc7323
 * @sk: socket; its options are those of @skb
 * @skb: a segment; only a full one was sent in answer to our ACK at once
 *
 * Context: socket lock.
 */
void tcpx_rcv_rtt_measure_ts(struct sock *sk, const struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 tsecr = tp->rx_opt.rcv_tsecr;
	u32 delta_ms;

	if (tsecr == tp->rcv_rtt_last_tsecr)
		return;
	tp->rcv_rtt_last_tsecr = tsecr;
	if (TCPX_CB(skb)->end_seq - TCPX_CB(skb)->seq < tp->ack.rcv_mss)
		return;

	/* Below the clock's grain it says nothing: tcpx_rcv_rtt_measure() does then. */
	delta_ms = tcpx_time_stamp(tp) - tsecr;
	if (likely(delta_ms && delta_ms < INT_MAX / USEC_PER_MSEC))
		tcpx_rcv_rtt_update(tp, delta_ms * USEC_PER_MSEC, false);
}

/* What a window of @win is to have on top of it, @copied bytes having been read within the
 * last RTT: the sender may double its rate (slow start). Where the RTT is short it gets there in
 * a few of them anyway, and a buffer that large only costs the processor's cache.
 */
static u64 tcpx_rcvwin_growth(const struct sock *sk, u64 win, u32 copied)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 low = tcpx_sysctl_rcvbuf_low_rtt(sock_net(sk));
	u32 rtt = tp->rcv_rtt_est.rtt_us >> 3;

	if (rtt < low)
		return div_u64(win * rtt, low);
	return div_u64(win * (copied - tp->rcvq_space.space), max(tp->rcvq_space.space, 1U)) << 1;
}

/* Grow the buffer to what the sender can use: @copied bytes were read within
 * the last RTT, which acknowledges what was sent one RTT before. The sender may
 * have doubled its rate since and needs as much again to go on while a loss is
 * repaired. What waits for that takes its place meanwhile.
 */
static void tcpx_rcvbuf_grow(struct sock *sk, u32 copied)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 mss = max_t(u32, tp->advmss, 1);
	u64 win = ((u64)copied << 1) + 16 * mss;
	u64 per_segment;
	int rcvbuf;

	win += tcpx_rcvwin_growth(sk, win, copied);
	if (!tcpx_ofo_empty(tp))
		win += TCPX_CB(tp->disorder->ooo_last_skb)->end_seq - tp->rcv_nxt;
	per_segment = max_t(u64, SKB_TRUESIZE(mss + TCPX_MAX_HEADER),
			    tcpx_space_from_win(sk, mss));
	rcvbuf = min_t(u64, div_u64(win, mss) * per_segment,
		       READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]));
	if (rcvbuf <= sk->sk_rcvbuf)
		return;
	WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
	if (!tcpx_window_is_chosen(sk))
		WRITE_ONCE(tp->window_clamp, tcpx_win_from_space(sk, rcvbuf));
}

/* Is the size of the buffer ours to choose? */
static bool tcpx_moderates_rcvbuf(const struct sock *sk)
{
	return READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_moderate_rcvbuf) &&
	       !(sk->sk_userlocks & SOCK_RCVBUF_LOCK);
}

/**
 * tcpx_rcvbuf_grow_ofo() - a segment was queued beyond a hole
 * @sk: socket
 *
 * Not before it is accepted, nor when it was closed: there is no reader then.
 *
 * Context: socket lock.
 */
void tcpx_rcvbuf_grow_ofo(struct sock *sk)
{
	if (sk->sk_socket && tcpx_moderates_rcvbuf(sk))
		tcpx_rcvbuf_grow(sk, tcpx_sk(sk)->rcvq_space.space);
}

/**
 * tcpx_rcv_space_adjust() - the user has read: is the buffer large enough?
 * @sk: socket
 *
 * Once per RTT compares what was read with the RTT before.
 *
 * Context: socket lock.
 */
void tcpx_rcv_space_adjust(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 rtt = tp->rcv_rtt_est.rtt_us >> 3;
	u32 copied;

	if (!rtt)
		return;
	tcpx_mstamp_refresh(tp);
	if ((u32)tp->tcp_mstamp - tp->rcvq_space.time < rtt)
		return;

	copied = tp->copied_seq - tp->rcvq_space.seq;
	if (copied > tp->rcvq_space.space) {
		if (tcpx_moderates_rcvbuf(sk))
			tcpx_rcvbuf_grow(sk, copied);
		tp->rcvq_space.space = copied;
	}
	tp->rcvq_space.seq = tp->copied_seq;
	tp->rcvq_space.time = tp->tcp_mstamp;
}

/**
 * tcpx_sndbuf_expand() - make the send buffer large enough for two windows
 * @sk: socket, SO_SNDBUF not set
 *
 * Two, or what the congestion control says, because recovery sends new data while a
 * window is still held.
 *
 * Context: socket lock.
 */
void tcpx_sndbuf_expand(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 limit = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_wmem[2]);
	u32 segs = max3(tp->cc.snd_cwnd, tp->reordering + 1, (u32)TCP_INIT_CWND);
	u32 per_mss = max_t(u32, tp->rx_opt.mss_clamp, tp->mss_cache);
	u64 need;

	per_mss += TCPX_MAX_HEADER + SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	per_mss = roundup_pow_of_two(per_mss) + SKB_DATA_ALIGN(sizeof(struct sk_buff));
	need = min_t(u64, (u64)(tp->cc.ops->sndbuf_windows ?: 2) * segs * per_mss, limit);
	if (sk->sk_sndbuf < need)
		WRITE_ONCE(sk->sk_sndbuf, need);
}
