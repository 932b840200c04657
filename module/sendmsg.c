// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the user's end of the send queue.
 *
 * Data is copied into page fragments of the last skb of sk_write_queue until
 * that holds size_goal bytes (a GSO packet's worth), then into a new one.
 * output.c takes skbs from the head as windows allow. The socket may hold
 * sk_sndbuf bytes of memory, sent and unsent, and tcp_notsent_lowat bytes
 * unsent; beyond that the writer waits.
 *
 * Without copying: MSG_ZEROCOPY puts the user's pages into the skb, and the skb's
 * struct ubuf_info tells by the error queue when none of them is in use any more;
 * MSG_SPLICE_PAGES (sendpage() of older kernels: splice, sendfile) puts in pages
 * that nobody is told of. Neither works if the device can't gather fragments.
 */

#include "tcpx.h"

/* Fresh skbs between two looks at the backlog: ACKs there may free memory. */
#define TCPX_TX_BACKLOG_SKBS	16

/* sk_page_frag_refill() takes a page with less than that for full. */
#define TCPX_FRAG_MIN		32

/* Where the bytes of a write go. */
enum tcpx_tx_how {
	TCPX_TX_COPY,
	TCPX_TX_ZEROCOPY,	/* stay where they are, tcpx_tx.uarg knows of it */
	TCPX_TX_PAGES,		/* stay in pages that are given away */
};

/**
 * struct tcpx_tx - one sendmsg() under way
 * @uarg: MSG_ZEROCOPY: whom to tell, or NULL; a reference
 * @how: copy or not
 * @flags: MSG_*
 * @mss_now: payload bytes of a segment now
 * @size_goal: payload bytes of a full skb
 * @copied: bytes queued so far
 * @fresh: skbs made since the backlog was looked at
 * @timeo: how long to wait, jiffies
 */
struct tcpx_tx {
	struct ubuf_info *uarg;
	enum tcpx_tx_how how;
	int	flags;
	int	mss_now;
	int	size_goal;
	int	copied;
	int	fresh;
	long	timeo;
};

/* --- room for the writer ------------------------------------------------ */

/**
 * tcpx_stream_memory_free() - proto.stream_memory_free
 * @sk: socket
 * @wake: 1 to wake a sleeper: only for half of the low-water mark, so that it
 *	does not wake for every segment
 *
 * Context: any.
 * Return: true if little enough waits to be sent
 */
bool tcpx_stream_memory_free(const struct sock *sk, int wake)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 notsent = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_nxt);
	u32 lowat = READ_ONCE(tp->notsent_lowat);

	if (!lowat)
		lowat = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_notsent_lowat);
	return (notsent << wake) < lowat;
}

/* Only when a third of the send buffer is free. */
static void tcpx_wake_waiters(struct sock *sk)
{
	struct socket_wq *wq;
	struct socket *sock;

	rcu_read_lock();
	sock = READ_ONCE(sk->sk_socket);
	if (sock && __sk_stream_is_writeable(sk, 1)) {
		clear_bit(SOCK_NOSPACE, &sock->flags);
		wq = rcu_dereference(sk->sk_wq);
		if (skwq_has_sleeper(wq))
			wake_up_interruptible_poll(&wq->wait,
						   EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
		if (wq && wq->fasync_list && !(sk->sk_shutdown & SEND_SHUTDOWN))
			sock_wake_async(wq, SOCK_WAKE_SPACE, POLL_OUT);
	}
	rcu_read_unlock();
}

/**
 * tcpx_write_space() - sk->sk_write_space, which the kernel calls
 * @sk: socket
 *
 * From sock_wfree(), the destructor of our large packets: some of what was sent has
 * left the device, which is nothing to writers, who wait for ACKs. And for SO_SNDBUF,
 * which is for them; that alone comes with softirqs enabled.
 *
 * Context: any. The caller has a reference or a unit of sk_wmem_alloc.
 */
void tcpx_write_space(struct sock *sk)
{
	tcpx_tsq_continue(sk);
	if (!in_softirq())
		tcpx_wake_waiters(sk);
}

/**
 * tcpx_wake_writers() - memory was freed: wake who waits for it
 * @sk: socket
 *
 * Who uses the socket within the kernel (nbd, sunrpc) has put a function of its own into
 * sk_write_space, and waits for that to be called.
 *
 * Context: any.
 */
void tcpx_wake_writers(struct sock *sk)
{
	void (*write_space)(struct sock *sk) = READ_ONCE(sk->sk_write_space);

	if (likely(write_space == tcpx_write_space))
		tcpx_wake_waiters(sk);
	else
		write_space(sk);
}

/* Let the send buffer follow cwnd, unless memory is scarce, the user chose its
 * size, or cwnd is the bottleneck anyway.
 */
static bool tcpx_should_expand_sndbuf(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int reserved;

	if (sk->sk_userlocks & SOCK_SNDBUF_LOCK)
		return false;
	if (tcpx_under_memory_pressure(sk)) {
		reserved = sk_unused_reserved_mem(sk);
		if (reserved > SOCK_MIN_SNDBUF)
			WRITE_ONCE(sk->sk_sndbuf, reserved);
		return false;
	}
	if (sk_memory_allocated(sk) >= sk_prot_mem_limits(sk, 0))
		return false;
	return tcpx_packets_in_flight(tp) < tp->cc.snd_cwnd;
}

/**
 * tcpx_check_space() - an ACK freed memory, or data was sent: tell writers
 * @sk: socket
 *
 * Context: socket lock.
 */
void tcpx_check_space(struct sock *sk)
{
	/* Pairs with tcpx_poll(): see its SOCK_NOSPACE, or it sees our space. */
	smp_mb();
	if (!sk->sk_socket || !test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		return;

	if (tcpx_should_expand_sndbuf(sk)) {
		tcpx_sndbuf_expand(sk);
		tcpx_sk(sk)->snd_cwnd_stamp = tcpx_jiffies32();
	}
	tcpx_wake_writers(sk);
	if (!test_bit(SOCK_NOSPACE, &sk->sk_socket->flags))
		tcpx_chrono_stop(sk, TCP_CHRONO_SNDBUF_LIMITED);
}

/* --- pushing what was queued -------------------------------------------- */

static struct sk_buff *tcpx_write_queue_tail(const struct sock *sk)
{
	return skb_peek_tail(&sk->sk_write_queue);
}

/* rfc9293#section-3.9.1.2: PSH on the last segment of a write. */
static void tcpx_mark_push(struct tcpx_sock *tp, struct sk_buff *skb)
{
	TCPX_CB(skb)->tcp_flags |= TCPHDR_PSH;
	tp->pushed_seq = tp->write_seq;
}

/* More than half of the largest window the peer ever had is queued since the
 * last PSH: let it have some, however long the write goes on.
 */
static bool tcpx_forced_push(const struct tcpx_sock *tp)
{
	return after(tp->write_seq, tp->pushed_seq + (tp->max_window >> 1));
}

/* Hold back an skb that is not full while earlier ones are still in the qdisc
 * or the device: the completion of one comes soon, sends it (tcpx_wfree()), and
 * until then further writes can fill it. An ACK's skb alone does not count.
 */
static bool tcpx_autocork(struct sock *sk, struct sk_buff *skb, int size_goal)
{
	if (skb->len >= size_goal || TCPX_CB(skb)->eor || tcpx_rtx_queue_empty(sk) ||
	    !READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_autocorking) ||
	    refcount_read(&sk->sk_wmem_alloc) <= skb->truesize)
		return false;

	if (!test_bit(TSQ_THROTTLED, &sk->sk_tsq_flags)) {
		TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPAUTOCORKING);
		set_bit(TSQ_THROTTLED, &sk->sk_tsq_flags);
		/* A completion sees the bit, or we see what it freed. */
		smp_mb__after_atomic();
	}
	return refcount_read(&sk->sk_wmem_alloc) > skb->truesize;
}

static void tcpx_push(struct sock *sk, const struct tcpx_tx *tx, int flags, int nonagle)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb = tcpx_write_queue_tail(sk);

	if (!skb)
		return;
	if (!(flags & MSG_MORE) || tcpx_forced_push(tp))
		tcpx_mark_push(tp, skb);
	if (flags & MSG_OOB)
		tp->snd_up = tp->write_seq;
	if (tcpx_autocork(sk, skb, tx->size_goal))
		return;
	if (flags & MSG_MORE)
		nonagle = TCPX_NAGLE_CORK;
	__tcpx_push_pending_frames(sk, tx->mss_now, nonagle);
}

/* A full skb is queued and the write goes on: start sending meanwhile. */
static void tcpx_push_full(struct sock *sk, const struct tcpx_tx *tx, struct sk_buff *skb)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (tcpx_forced_push(tp)) {
		tcpx_mark_push(tp, skb);
		__tcpx_push_pending_frames(sk, tx->mss_now, TCPX_NAGLE_PUSH);
	} else if (skb == tcpx_send_head(sk)) {
		tcpx_push_one(sk, tx->mss_now);
	}
}

/* --- queueing ----------------------------------------------------------- */

static void tcpx_tx_sizes(struct sock *sk, struct tcpx_tx *tx)
{
	tx->mss_now = tcpx_send_mss(sk, &tx->size_goal, tx->flags);
}

static bool tcpx_tx_closed(const struct sock *sk)
{
	return sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN);
}

/* An empty skb at the end of the write queue. NULL: wait for memory; -EPIPE. */
static struct sk_buff *tcpx_tx_new_skb(struct sock *sk, struct tcpx_tx *tx)
{
	struct sk_buff *skb;

	if (!sk_stream_memory_free(sk))
		return NULL;
	if (unlikely(tx->fresh >= TCPX_TX_BACKLOG_SKBS)) {
		tx->fresh = 0;
		if (sk_flush_backlog(sk)) {
			tcpx_tx_sizes(sk, tx);
			if (tcpx_tx_closed(sk))
				return ERR_PTR(-EPIPE);
		}
	}
	skb = tcpx_stream_alloc_skb(sk, sk->sk_allocation, false);
	if (skb) {
		tx->fresh++;
		tcpx_skb_entail(sk, skb);
	}
	return skb;
}

/* How much of @size may be charged now. With nothing queued no ACK will ever
 * free memory for us: then take what is left of the last reservation, and of the
 * minimum that each socket may have.
 */
static int tcpx_tx_reserve(struct sock *sk, int size)
{
	int left;

	if (likely(sk_wmem_schedule(sk, size)))
		return size;
	left = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_wmem[0]) - sk->sk_wmem_queued;
	if (left > 0)
		tcpx_forced_mem_schedule(sk, min(left, size));
	return min_t(int, size, max(sk->sk_forward_alloc, 0));
}

/* A page that a writer of this CPU has filled. The next one filled may find that it has been
 * read meanwhile, and is spared an allocation and, where the kernel zeroes pages, most of its cost:
 * over short paths a page is in use for about as long as it takes to fill a few.
 */
static DEFINE_PER_CPU(struct page_frag, tcpx_spare_frag);

/* Exchange the full @pfrag for the spare one if nobody uses that; or make it the spare. */
static void tcpx_frag_recycle(struct page_frag *pfrag)
{
	struct page_frag *spare = get_cpu_ptr(&tcpx_spare_frag);

	if (!spare->page) {
		if (pfrag->size > PAGE_SIZE)
			swap(*spare, *pfrag);
	} else if (page_ref_count(spare->page) == 1) {
		swap(*spare, *pfrag);
		pfrag->offset = 0;
	}
	put_cpu_ptr(&tcpx_spare_frag);
}

static bool tcpx_frag_refill(struct sock *sk, struct page_frag *pfrag)
{
	if (unlikely(pfrag->offset + TCPX_FRAG_MIN > pfrag->size) && pfrag->page &&
	    page_ref_count(pfrag->page) != 1)
		tcpx_frag_recycle(pfrag);
	return sk_page_frag_refill(sk, pfrag);
}

/**
 * tcpx_tx_exit() - free what sendmsg() keeps; all sockets are gone
 */
void tcpx_tx_exit(void)
{
	struct page_frag *spare;
	int cpu;

	for_each_possible_cpu(cpu) {
		spare = per_cpu_ptr(&tcpx_spare_frag, cpu);
		if (spare->page)
			put_page(spare->page);
	}
}

/* Copy up to @room bytes to the end of @skb. Return: bytes, 0: no memory,
 * -EMSGSIZE: no fragment left, or another -errno.
 */
static int tcpx_tx_append(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int room)
{
	struct page_frag *pfrag = sk_page_frag(sk);
	int i = skb_shinfo(skb)->nr_frags;
	bool merge;
	int copy, err;

	if (!tcpx_frag_refill(sk, pfrag))
		return 0;
	merge = skb_can_coalesce(skb, i, pfrag->page, pfrag->offset);
	/* Registered buffers of io_uring: their fragments hold no references. */
	if ((!merge && i >= MAX_SKB_FRAGS) || unlikely(skb_zcopy_managed(skb)))
		return -EMSGSIZE;

	copy = min_t(size_t, room, msg_data_left(msg));
	copy = min_t(int, copy, pfrag->size - pfrag->offset);
	copy = tcpx_tx_reserve(sk, copy);
	if (!copy)
		return 0;
	err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page,
				       pfrag->offset, copy);
	if (err)
		return err;

	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], copy);
	} else {
		skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, copy);
		page_ref_inc(pfrag->page);
	}
	pfrag->offset += copy;
	return copy;
}

/**
 * tcpx_tx_fill() - copy the beginning of a write into an skb
 * @sk: socket, locked
 * @msg: data
 * @skb: skb, charged, in no queue
 * @len: most bytes to copy
 *
 * Return: bytes; fewer than @len without memory or when the user's can't be read.
 */
int tcpx_tx_fill(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int len)
{
	int copied = 0, n;

	for (; copied < len; copied += n) {
		n = tcpx_tx_append(sk, msg, skb, len - copied);
		if (n <= 0)
			break;
	}
	return copied;
}

/* The same by the pages that hold the data. */
static int tcpx_tx_append_pages(struct sock *sk, struct msghdr *msg, struct sk_buff *skb,
				int room, const struct tcpx_tx *tx)
{
	int copy = tcpx_tx_reserve(sk, min_t(size_t, room, msg_data_left(msg)));
	int ret;

	if (!copy)
		return 0;
	if (tx->how == TCPX_TX_ZEROCOPY) {
		ret = compat_skb_zerocopy_iter_stream(sk, skb, msg, copy, tx->uarg);
		/* The skb has another one to tell. */
		return ret == -EEXIST ? -EMSGSIZE : ret;
	}
	if (unlikely(skb_zcopy_managed(skb)))
		return -EMSGSIZE;
	ret = compat_skb_splice_from_iter(skb, &msg->msg_iter, copy, sk->sk_allocation);
	if (ret > 0) {
		/* The owner may go on writing to them. */
		skb_shinfo(skb)->flags |= SKBFL_SHARED_FRAG;
		sk_wmem_queued_add(sk, ret);
		sk_mem_charge(sk, ret);
	}
	return ret;
}

static int tcpx_tx_add(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int room,
		       const struct tcpx_tx *tx)
{
	if (likely(tx->how == TCPX_TX_COPY))
		return tcpx_tx_append(sk, msg, skb, room);
	return tcpx_tx_append_pages(sk, msg, skb, room, tx);
}

/* Queue the next piece. Return: as tcpx_tx_append(), but never -EMSGSIZE. */
static int tcpx_tx_piece(struct sock *sk, struct msghdr *msg, struct tcpx_tx *tx)
{
	struct sk_buff *skb = tcpx_write_queue_tail(sk);
	struct tcpx_sock *tp = tcpx_sk(sk);
	int copy = -EMSGSIZE;

	if (skb && skb->len < tx->size_goal && !TCPX_CB(skb)->eor) {
		copy = tcpx_tx_add(sk, msg, skb, tx->size_goal - skb->len, tx);
		if (copy == -EMSGSIZE)
			tcpx_mark_push(tp, skb);
	}
	if (copy == -EMSGSIZE) {
		skb = tcpx_tx_new_skb(sk, tx);
		if (IS_ERR_OR_NULL(skb))
			return PTR_ERR_OR_ZERO(skb);
		copy = tcpx_tx_add(sk, msg, skb, tx->size_goal, tx);
	}
	if (copy <= 0)
		return copy;

	/* More follows what an earlier write marked as its end. */
	if (!tx->copied)
		TCPX_CB(skb)->tcp_flags &= ~TCPHDR_PSH;
	WRITE_ONCE(tp->write_seq, tp->write_seq + copy);
	TCPX_CB(skb)->end_seq += copy;
	TCPX_CB(skb)->gso_segs = 0;
	tx->copied += copy;

	if (!msg_data_left(msg)) {
		if (unlikely(tx->flags & MSG_EOR))
			TCPX_CB(skb)->eor = 1;
	} else if (skb->len >= tx->size_goal && !(tx->flags & MSG_OOB)) {
		tcpx_push_full(sk, tx, skb);
	}
	return copy;
}

/* An skb that nothing could be put into must not stay: it costs memory, and
 * keeps EPOLLOUT from being raised.
 */
static void tcpx_remove_empty_skb(struct sock *sk)
{
	struct sk_buff *skb = tcpx_write_queue_tail(sk);

	if (!skb || TCPX_CB(skb)->seq != TCPX_CB(skb)->end_seq)
		return;
	tcp_skb_tsorted_anchor_cleanup(skb);
	__skb_unlink(skb, &sk->sk_write_queue);
	if (skb_queue_empty(&sk->sk_write_queue))
		tcpx_chrono_stop(sk, TCP_CHRONO_BUSY);
	tcpx_wmem_free_skb(sk, skb);
}

/* Out of memory or buffer: send what is there, wait for ACKs. 0 or -errno. */
static int tcpx_tx_wait(struct sock *sk, struct tcpx_tx *tx)
{
	int err;

	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	tcpx_remove_empty_skb(sk);
	if (tx->copied)
		tcpx_push(sk, tx, tx->flags & ~MSG_MORE, TCPX_NAGLE_PUSH);
	err = sk_stream_wait_memory(sk, &tx->timeo);
	if (!err)
		tcpx_tx_sizes(sk, tx);
	return err;
}

/* Queue all of @msg. 0 or -errno; tx->copied bytes are queued in any case. */
static int tcpx_tx_all(struct sock *sk, struct msghdr *msg, struct tcpx_tx *tx)
{
	int ret;

	tcpx_tx_sizes(sk, tx);
	if (tcpx_tx_closed(sk))
		return -EPIPE;
	while (msg_data_left(msg)) {
		ret = tcpx_tx_piece(sk, msg, tx);
		if (!ret)
			ret = tcpx_tx_wait(sk, tx);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* --- sendmsg ------------------------------------------------------------ */

/* MSG_ZEROCOPY, MSG_SPLICE_PAGES: copy or not, and whom to tell. 0 or -ENOBUFS. */
static int tcpx_tx_choose(struct sock *sk, struct msghdr *msg, struct tcpx_tx *tx, size_t size)
{
	bool gather = sk->sk_route_caps & NETIF_F_SG;

	if (!(tx->flags & MSG_ZEROCOPY)) {
		if ((tx->flags & COMPAT_MSG_SPLICE_PAGES) && gather)
			tx->how = TCPX_TX_PAGES;
		return 0;
	}
	if (msg->msg_ubuf) {
		tx->uarg = msg->msg_ubuf;
		net_zcopy_get(tx->uarg);
	} else if (sock_flag(sk, SOCK_ZEROCOPY)) {
		tx->uarg = compat_msg_zerocopy_realloc(sk, size,
						       skb_zcopy(tcpx_write_queue_tail(sk)));
		if (!tx->uarg)
			return -ENOBUFS;
		if (!gather)
			uarg_to_msgzc(tx->uarg)->zerocopy = 0;
	}
	if (tx->uarg && gather)
		tx->how = TCPX_TX_ZEROCOPY;
	return 0;
}

/* Control messages. 0 or -errno. */
static int tcpx_tx_cmsg(struct sock *sk, struct msghdr *msg, struct sockcm_cookie *sockc)
{
	int err;

	sockcm_init(sockc, sk);
	if (!msg->msg_controllen)
		return 0;
	err = sock_cmsg_send(sk, msg, sockc);
	if (err)
		return err;
	return compat_sockcm_has_ts_opt_id(sockc) ? -EINVAL : 0;
}

/* What must hold before the first byte. 0 or -errno for sk_stream_error(). */
static int tcpx_tx_prepare(struct sock *sk, struct tcpx_tx *tx)
{
	int err;

	tx->timeo = sock_sndtimeo(sk, tx->flags & MSG_DONTWAIT);
	tcpx_rate_check_app_limited(sk);

	if (((1 << sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) &&
	    !tcpx_passive_fastopen(sk)) {
		err = sk_stream_wait_connect(sk, &tx->timeo);
		if (err)
			return err;
	}
	return 0;
}

/* All of it goes, or -errno. *in_syn: bytes that have gone with the SYN. */
static int tcpx_tx_run(struct sock *sk, struct msghdr *msg, struct tcpx_tx *tx, size_t size,
		       struct sockcm_cookie *sockc, int *in_syn)
{
	int err, cmsg_err = tcpx_tx_cmsg(sk, msg, sockc);

	/* Nothing of ours may go instead. */
	if (!cmsg_err && unlikely(compat_sockcm_has_dmabuf(sockc)))
		return -EINVAL;
	if (unlikely(tx->flags & (MSG_ZEROCOPY | COMPAT_MSG_SPLICE_PAGES)) && size) {
		err = tcpx_tx_choose(sk, msg, tx, size);
		if (err)
			return err;
	}
	if (unlikely(tx->flags & MSG_FASTOPEN || compat_inet_test(DEFER_CONNECT, sk))) {
		err = tcpx_sendmsg_fastopen(sk, msg, tx->uarg, in_syn, size);
		if (err)
			return err;
	}
	err = tcpx_tx_prepare(sk, tx);
	if (err)
		return err;
	/* Whatever has gone: kernel TCP does not tell how much either. */
	if (unlikely(cmsg_err)) {
		*in_syn = 0;
		return cmsg_err;
	}
	if (unlikely(sockc->tsflags))
		tcpx_tskey_sync(sk);
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	err = tcpx_tx_all(sk, msg, tx);
	if (err)
		tcpx_remove_empty_skb(sk);
	return err;
}

/* What tcpx_sendmsg_locked() returns. */
static int tcpx_tx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size, struct tcpx_tx *tx)
{
	struct sockcm_cookie sockc;
	int err, in_syn = 0;

	tx->flags = msg->msg_flags;
	err = tcpx_tx_run(sk, msg, tx, size, &sockc, &in_syn);
	if (tx->copied) {
		tcpx_tx_timestamp(sk, &sockc);
		tcpx_push(sk, tx, tx->flags, tcpx_sk(sk)->nonagle);
	}
	if (tx->copied + in_syn || !err) {
		net_zcopy_put(tx->uarg);
		return tx->copied + in_syn;
	}

	net_zcopy_put_abort(tx->uarg, true);
	err = sk_stream_error(sk, tx->flags, err);
	/* Edge-triggered epoll: no ACK will come to raise EPOLLOUT. */
	if (unlikely(err == -EAGAIN && tcpx_rtx_and_write_queues_empty(sk))) {
		tcpx_wake_writers(sk);
		tcpx_chrono_stop(sk, TCP_CHRONO_SNDBUF_LIMITED);
	}
	return err;
}

/**
 * tcpx_sendmsg_locked() - proto_ops.sendmsg_locked
 * @sk: socket
 * @msg: data, flags and control messages; the address is ignored
 * @size: bytes
 *
 * Context: process; socket lock, released while it waits.
 * Return: bytes queued, or -errno if none was (-EPIPE comes with SIGPIPE
 * unless MSG_NOSIGNAL is set)
 */
int tcpx_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct tcpx_tx tx = {};

	return tcpx_tx_sendmsg(sk, msg, size, &tx);
}

/**
 * tcpx_sendmsg() - proto.sendmsg
 * @sk: socket
 * @msg: data, flags and control messages
 * @size: bytes
 *
 * Context: process; takes the socket lock.
 * Return: as tcpx_sendmsg_locked()
 */
int tcpx_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	int ret;

	lock_sock(sk);
	ret = tcpx_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return ret;
}

/**
 * tcpx_send_page() - a page to be sent, for kernels that splice by proto_ops.sendpage
 * @sk: socket
 * @msg: flags, and an iterator of the one page
 * @size: bytes
 * @give: the page may be given away, else it is copied
 *
 * Context: process; takes the socket lock.
 * Return: as tcpx_sendmsg_locked()
 */
int tcpx_send_page(struct sock *sk, struct msghdr *msg, size_t size, bool give)
{
	struct tcpx_tx tx = {};
	int ret;

	lock_sock(sk);
	if (give && (sk->sk_route_caps & NETIF_F_SG))
		tx.how = TCPX_TX_PAGES;
	ret = tcpx_tx_sendmsg(sk, msg, size, &tx);
	release_sock(sk);
	return ret;
}

/**
 * tcpx_splice_eof() - the source of a splice() with MSG_MORE ended early
 * @sock: socket
 *
 * Context: process; takes the socket lock.
 */
void tcpx_splice_eof(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct tcpx_tx tx = {};

	if (!tcpx_write_queue_tail(sk))
		return;
	lock_sock(sk);
	tcpx_tx_sizes(sk, &tx);
	tcpx_push(sk, &tx, 0, tcpx_sk(sk)->nonagle);
	release_sock(sk);
}
