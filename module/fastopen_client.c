// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: TCP Fast Open, rfc7413: the side that opens. What it remembers of its peers
 * is in metrics.c, the listener's side in fastopen.c.
 *
 * The first write opens the connection: sendto() or sendmsg() with MSG_FASTOPEN and an
 * address, or, after TCP_FASTOPEN_CONNECT, connect() that does nothing yet and the
 * write that follows. If we have a cookie of the peer's, the SYN carries it and as
 * much data as fits; if not, it asks for one and the data waits.
 *
 * In the retransmit queue SYN and data are two skbs: what is repeated is a plain SYN, and
 * the data after the handshake if the peer did not take it.
 */
#include <linux/slab.h>
#include <net/inet_common.h>
#include <net/ipv6.h>

#include "tcpx.h"

/* --- black holes ------------------------------------------------------------------ */

/*
 * Some boxes on the way let a SYN with data through and then nothing more. Signs of that
 * switch our side of it off for the netns: tcp_fastopen_blackhole_timeout_sec, then
 * twice as long, and so on. Both stacks keep it in the same place: the way is the same.
 */
#define TCPX_TFO_MAX_SHIFT	6

static void tcpx_fastopen_active_disable(struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (!READ_ONCE(net->ipv4.sysctl_tcp_fastopen_blackhole_timeout))
		return;
	WRITE_ONCE(net->ipv4.tfo_active_disable_stamp, jiffies);
	/* Who sees the count sees the time. */
	smp_mb__before_atomic();
	atomic_inc(&net->ipv4.tfo_active_disable_times);
	TCPX_NET_INC(net, LINUX_MIB_TCPFASTOPENBLACKHOLE);
}

static bool tcpx_fastopen_active_should_disable(struct sock *sk)
{
	struct net *net = sock_net(sk);
	unsigned int sec = READ_ONCE(net->ipv4.sysctl_tcp_fastopen_blackhole_timeout);
	int times = atomic_read(&net->ipv4.tfo_active_disable_times);
	unsigned long until;

	if (!sec || !times)
		return false;
	smp_rmb();	/* pairs with tcpx_fastopen_active_disable() */
	until = READ_ONCE(net->ipv4.tfo_active_disable_stamp) +
		((unsigned long)sec << min(times - 1, TCPX_TFO_MAX_SHIFT)) * HZ;
	if (time_before(jiffies, until))
		return true;
	/* If this one goes well, the slate is clean. */
	tcpx_sk(sk)->syn_fastopen_ch = 1;
	return false;
}

static bool tcpx_is_loopback(struct sock *sk)
{
	struct dst_entry *dst;
	bool loopback;

	rcu_read_lock();
	dst = __sk_dst_get(sk);
	loopback = dst && (dst_dev_rcu(dst)->flags & IFF_LOOPBACK);
	rcu_read_unlock();
	return loopback;
}

/**
 * tcpx_fastopen_ofo_check() - a connection ends: how did it go?
 * @sk: socket, locked; its out-of-order queue still there
 *
 * A FIN out of order and nothing else came: the data in between was swallowed.
 */
void tcpx_fastopen_ofo_check(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct sk_buff *skb;

	if (!tp->syn_fastopen)
		return;
	if (!tp->data_segs_in) {
		skb = tcpx_ofo_empty(tp) ? NULL : skb_rb_first(&tp->disorder->out_of_order_queue);
		if (skb && !skb_rb_next((struct sk_buff *)skb) &&
		    (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN))
			tcpx_fastopen_active_disable(sk);
	} else if (tp->syn_fastopen_ch && !tcpx_is_loopback(sk)) {
		atomic_set(&sock_net(sk)->ipv4.tfo_active_disable_times, 0);
	}
}

/**
 * tcpx_fastopen_bad_end() - a FIN or RST came that something must be missing before
 * @sk: socket, locked
 */
void tcpx_fastopen_bad_end(struct sock *sk)
{
	if (tcpx_sk(sk)->syn_fastopen)
		tcpx_fastopen_active_disable(sk);
}

/**
 * tcpx_fastopen_detect_blackhole() - a retransmission timed out
 * @sk: socket, locked
 * @expired: it was the last
 */
void tcpx_fastopen_detect_blackhole(struct sock *sk, bool expired)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if ((tp->syn_fastopen || tp->syn_data || tp->syn_data_acked) &&
	    (tp->retransmits == 2 || (tp->retransmits < 2 && expired))) {
		tcpx_fastopen_active_disable(sk);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPFASTOPENACTIVEFAIL);
	}
}

/* --- opening ------------------------------------------------------------------------ */

/**
 * tcpx_free_fastopen_req() - the write that opened the connection is over
 * @tp: socket
 */
void tcpx_free_fastopen_req(struct tcpx_sock *tp)
{
	kfree(tp->fastopen_req);
	tp->fastopen_req = NULL;
}

/* May the SYN carry data? *@cookie is what it says, len 0: ask for one. */
static bool tcpx_fastopen_cookie_ready(struct sock *sk, u16 *mss,
				       struct tcp_fastopen_cookie *cookie)
{
	tcpx_metrics_get_fastopen(sk, mss, cookie);
	if (tcpx_fastopen_active_should_disable(sk)) {
		cookie->len = -1;
		return false;
	}
	if (tcpx_fastopen_no_cookie(sk, __sk_dst_get(sk), TFO_CLIENT_NO_COOKIE)) {
		cookie->len = -1;
		return true;
	}
	if (cookie->len > 0)
		return true;
	tcpx_sk(sk)->fastopen_client_fail = TFO_COOKIE_UNAVAILABLE;
	return false;
}

/**
 * tcpx_fastopen_defer_connect() - shall the SYN wait for the first write?
 * @sk: socket in SYN_SENT, locked, about to send its SYN
 * @err: -ENOBUFS if false is returned because of that
 *
 * With TCP_FASTOPEN_CONNECT, if we have the peer's cookie. If not, the SYN asks for it.
 */
bool tcpx_fastopen_defer_connect(struct sock *sk, int *err)
{
	struct tcp_fastopen_cookie cookie = { .len = 0 };
	struct tcpx_sock *tp = tcpx_sk(sk);
	u16 mss;

	if (!tp->fastopen_connect || tp->fastopen_req)
		return false;
	if (tcpx_fastopen_cookie_ready(sk, &mss, &cookie)) {
		compat_inet_set(DEFER_CONNECT, sk);
		return true;
	}
	tp->fastopen_req = kzalloc(sizeof(*tp->fastopen_req), sk->sk_allocation);
	if (tp->fastopen_req)
		tp->fastopen_req->cookie = cookie;
	else
		*err = -ENOBUFS;
	return false;
}

/* How much data goes with the SYN: what the peer's MSS and our path admit, less the room
 * that boxes on the way may want for options of their own.
 */
static int tcpx_syn_data_space(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 mss;

	if (tp->rx_opt.user_mss && tp->rx_opt.user_mss < tp->rx_opt.mss_clamp)
		tp->rx_opt.mss_clamp = tp->rx_opt.user_mss;
	tcpx_sync_mss(sk, tp->pmtu_cookie);
	mss = tcpx_mtu_to_mss(sk, tp->pmtu_cookie) + tp->tcp_header_len - sizeof(struct tcphdr);
	return min_t(size_t, mss - MAX_TCP_OPTION_SPACE, tp->fastopen_req->size);
}

/* An skb with the SYN's header and up to @space bytes of the user's; charged and counted
 * as sent, in no queue. NULL: no memory, nothing was taken.
 */
static struct sk_buff *tcpx_syn_data_skb(struct sock *sk, const struct sk_buff *syn, int space)
{
	struct tcp_fastopen_request *fo = tcpx_sk(sk)->fastopen_req;
	struct sk_buff *skb = tcpx_stream_alloc_skb(sk, sk->sk_allocation, false);

	if (!skb)
		return NULL;
	memcpy(skb->cb, syn->cb, sizeof(syn->cb));
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	if (space) {
		fo->copied = tcpx_tx_fill(sk, fo->data, skb, space);
		if (!fo->copied) {
			tcp_skb_tsorted_anchor_cleanup(skb);
			tcpx_wmem_free_skb(sk, skb);
			return NULL;
		}
	}
	/* All of it is in the SYN: the write need not wait for the handshake. */
	if (fo->copied == fo->size)
		fo->data = NULL;
	__skb_header_release(skb);
	TCPX_CB(skb)->end_seq += skb->len;
	WRITE_ONCE(tcpx_sk(sk)->write_seq, TCPX_CB(skb)->end_seq);
	tcpx_sk(sk)->packets_out += tcpx_skb_pcount(skb);
	return skb;
}

/* Send SYN and data. False: it could not be, send the SYN alone; else *@err. */
static bool tcpx_try_syn_data(struct sock *sk, struct sk_buff *syn, int *err)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcp_fastopen_request *fo = tp->fastopen_req;
	struct sk_buff *skb;

	tp->rx_opt.mss_clamp = tp->advmss;	/* unless the peer told before */
	if (!tcpx_fastopen_cookie_ready(sk, &tp->rx_opt.mss_clamp, &fo->cookie))
		return false;
	skb = tcpx_syn_data_skb(sk, syn, tcpx_syn_data_space(sk));
	if (!skb)
		return false;
	/* Copied, but this is the last of those bytes to go. */
	if (fo->uarg)
		skb_zcopy_set(skb, fo->uarg, NULL);
	if (skb->len)
		tcpx_chrono_start(sk, TCP_CHRONO_BUSY);
	*err = tcpx_transmit_skb(sk, skb, true, sk->sk_allocation);
	compat_skb_set_delivery_mono(syn, skb->tstamp);

	/* From here on it is the data without the SYN. */
	TCPX_CB(skb)->seq++;
	TCPX_CB(skb)->tcp_flags = TCPHDR_ACK | TCPHDR_PSH;
	if (*err) {
		/* It did not leave: data of a connection that opens as usual. */
		tp->packets_out -= tcpx_skb_pcount(skb);
		__skb_queue_tail(&sk->sk_write_queue, skb);
		return false;
	}
	tp->syn_data = fo->copied > 0;
	tcpx_rtx_queue_insert(sk, skb);
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPORIGDATASENT);
	return true;
}

/**
 * tcpx_send_syn_data() - send the SYN of a write that opens a connection
 * @sk: socket in SYN_SENT with a fastopen_req, locked
 * @syn: the SYN, in the retransmit queue
 *
 * Return: as tcpx_transmit_skb().
 */
int tcpx_send_syn_data(struct sock *sk, struct sk_buff *syn)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcp_fastopen_cookie *cookie = &tp->fastopen_req->cookie;
	int err;

	if (!tcpx_try_syn_data(sk, syn, &err)) {
		if (cookie->len > 0)
			cookie->len = 0;	/* at least ask */
		err = tcpx_transmit_skb(sk, syn, true, sk->sk_allocation);
		if (err)
			tp->syn_fastopen = 0;
	}
	/* rfc7413#section-4.1.3: a repeated SYN says nothing of it */
	cookie->len = -1;
	return err;
}

/* The whole MSS option of the SYN-ACK; ours may be what bounds the clamp. */
static u16 tcpx_synack_mss(const struct tcpx_sock *tp, const struct sk_buff *synack)
{
	if (tp->rx_opt.mss_clamp != tp->rx_opt.user_mss)
		return tp->rx_opt.mss_clamp;
	return tcpx_parse_mss_option(tcp_hdr(synack), 0);
}

/**
 * tcpx_rcv_fastopen_synack() - the answer to a SYN with data or a cookie request
 * @sk: socket, just ESTABLISHED, locked; @synack's ACK is processed
 * @synack: the SYN-ACK; not consumed
 *
 * rfc7413#section-4.2.2.
 *
 * Return: true if the peer did not take the data; it is on its way again.
 */
bool tcpx_rcv_fastopen_synack(struct sock *sk, struct sk_buff *synack)
{
	struct tcp_fastopen_cookie cookie;
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *data = tp->syn_data ? tcpx_rtx_queue_head(sk) : NULL;
	u8 try_exp = 0;

	tcpx_parse_fastopen_option(synack, &cookie);
	if (!tp->syn_fastopen)
		cookie.len = -1;	/* not asked for */
	else if (!tp->total_retrans && cookie.len < 0 && !tp->syn_data)
		try_exp = tp->syn_fastopen_exp ? 2 : 1;
	tcpx_metrics_set_fastopen(sk, tcpx_synack_mss(tp, synack), &cookie, try_exp);

	if (data) {
		tp->fastopen_client_fail = tp->total_retrans ? TFO_SYN_RETRANSMITTED :
							       TFO_DATA_NOT_ACKED;
		for (; data; data = skb_rb_next(data))
			tcpx_mark_skb_lost(sk, data);
		tcpx_non_congestion_loss_retransmit(sk);
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPFASTOPENACTIVEFAIL);
		return true;
	}
	tp->syn_data_acked = tp->syn_data;
	if (tp->syn_data_acked) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPFASTOPENACTIVE);
		/* SYN and data were one segment, and are two skbs. */
		if (tp->cc.delivered > 1)
			tp->cc.delivered--;
	}
	tcpx_fastopen_add_skb(sk, synack);
	return false;
}

/* Like connect() where it fails. */
static void tcpx_fastopen_connect_undo(struct sock *sk)
{
	tcpx_set_state(sk, TCP_CLOSE);
	inet_sk(sk)->inet_dport = 0;
	sk->sk_route_caps = 0;
}

/**
 * tcpx_sendmsg_fastopen() - a write that opens the connection
 * @sk: socket, locked
 * @msg: data, flags, address (none after a deferred connect())
 * @uarg: MSG_ZEROCOPY: whom to tell, or NULL
 * @copied: how much of the data went with the SYN
 * @size: bytes of data
 *
 * Context: process; waits for the handshake unless MSG_DONTWAIT.
 * Return: 0; -EINPROGRESS: the SYN is out, with @copied bytes; -EOPNOTSUPP: this host does
 * not do it; -EALREADY, -ENOBUFS, or what connect() says.
 */
int tcpx_sendmsg_fastopen(struct sock *sk, struct msghdr *msg, struct ubuf_info *uarg,
			  int *copied, size_t size)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	compat_sockaddr *uaddr = msg->msg_name;
	int err, flags = msg->msg_flags & MSG_DONTWAIT ? O_NONBLOCK : 0;

	if (!(READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fastopen) & TFO_CLIENT_ENABLE) ||
	    (uaddr && msg->msg_namelen >= (int)sizeof(uaddr->sa_family) &&
	     uaddr->sa_family == AF_UNSPEC))
		return -EOPNOTSUPP;
	if (tp->fastopen_req)
		return -EALREADY;	/* somebody else's waits */
	tp->fastopen_req = kzalloc(sizeof(*tp->fastopen_req), sk->sk_allocation);
	if (unlikely(!tp->fastopen_req))
		return -ENOBUFS;
	tp->fastopen_req->data = msg;
	tp->fastopen_req->size = size;
	tp->fastopen_req->uarg = uarg;

	if (compat_inet_test(DEFER_CONNECT, sk) && tcpx_connect(sk))
		tcpx_fastopen_connect_undo(sk);
	err = __inet_stream_connect(sk->sk_socket, uaddr, msg->msg_namelen, flags, 1);
	/* A connection that failed meanwhile has freed it. */
	if (tp->fastopen_req) {
		*copied = tp->fastopen_req->copied;
		tcpx_free_fastopen_req(tp);
		compat_inet_clear(DEFER_CONNECT, sk);
	}
	return err;
}
