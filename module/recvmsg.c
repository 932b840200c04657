// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the user's end of the receive queue.
 *
 * input.c appends in-order segments to sk_receive_queue; copied_seq says how
 * far the user has read. The first skb always holds copied_seq (a partly read
 * skb stays), the last may carry a FIN. What readers leave behind is worth an
 * ACK at times: tcpx_cleanup_rbuf().
 */

#include <net/busy_poll.h>

#include "tcpx.h"

/* --- how much there is -------------------------------------------------- */

/**
 * tcpx_inq() - SIOCINQ: bytes that can be read
 * @sk: socket
 *
 * Context: socket lock for an exact answer.
 * Return: bytes; up to an urgent byte that is not read in line
 */
int tcpx_inq(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 copied = READ_ONCE(tp->copied_seq);
	u32 urg = READ_ONCE(tp->urg_seq);
	int bytes;

	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		return 0;
	bytes = READ_ONCE(tp->rcv_nxt) - copied;
	if (unlikely(READ_ONCE(tp->urg_data)) && !sock_flag(sk, SOCK_URGINLINE) &&
	    !before(urg, copied) && before(urg, READ_ONCE(tp->rcv_nxt)))
		return urg - copied;
	/* The FIN is not a byte. */
	if (bytes && sock_flag(sk, SOCK_DONE))
		bytes--;
	return bytes;
}

/**
 * tcpx_peek_len() - proto_ops.peek_len
 * @sock: socket
 *
 * Return: bytes that can be read
 */
int tcpx_peek_len(struct socket *sock)
{
	return tcpx_inq(sock->sk);
}

/* What TCP_INQ reports beside the data: after a FIN never 0, read on. */
static int tcpx_inq_hint(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 copied = READ_ONCE(tp->copied_seq);
	int bytes = READ_ONCE(tp->rcv_nxt) - copied;

	if (unlikely(bytes < 0 || copied != READ_ONCE(tp->copied_seq))) {
		lock_sock(sk);
		bytes = tp->rcv_nxt - tp->copied_seq;
		release_sock(sk);
	}
	if (!bytes && sock_flag(sk, SOCK_DONE))
		return 1;
	return bytes;
}

/* Seven eighths of the receive buffer are taken, or all memory of the host. */
static bool tcpx_rmem_pressure(const struct sock *sk)
{
	int rcvbuf = READ_ONCE(sk->sk_rcvbuf);

	return tcpx_under_memory_pressure(sk) ||
	       atomic_read(&sk->sk_rmem_alloc) > rcvbuf - (rcvbuf >> 3);
}

/**
 * tcpx_stream_is_readable() - is it worth waking a reader?
 * @sk: socket
 * @target: bytes the reader waits for
 *
 * Fewer must do when the peer can't send more: the window or the buffer is
 * used up.
 *
 * Context: any.
 * Return: true if so
 */
bool tcpx_stream_is_readable(struct sock *sk, int target)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	int avail = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);

	if (avail <= 0)
		return false;
	return avail >= target || tcpx_rmem_pressure(sk) ||
	       tcpx_receive_window(tp) <= tp->ack.rcv_mss;
}

/**
 * tcpx_data_ready() - data came: wake readers if there is enough of it
 * @sk: socket
 *
 * Context: socket lock.
 */
void tcpx_data_ready(struct sock *sk)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int target = unlikely(tp->reader_needs_less) ? 1 : sk->sk_rcvlowat;

	if (tcpx_stream_is_readable(sk, target) || sock_flag(sk, SOCK_DONE)) {
		tp->reader_needs_less = 0;
		sk->sk_data_ready(sk);
	}
}

/* Sleep until data comes that @missing bytes of are wanted. That may be less than
 * SO_RCVLOWAT, the reader having asked for less or having got part of it.
 */
static int tcpx_wait_data(struct sock *sk, long *timeo, struct sk_buff *last, int missing)
{
	/* All who sleep are woken, and whom it was not enough for says so again. */
	if (unlikely(missing < sk->sk_rcvlowat))
		tcpx_sk(sk)->reader_needs_less = 1;
	return sk_wait_data(sk, timeo, last);
}

/**
 * tcpx_set_rcvlowat() - SO_RCVLOWAT
 * @sk: socket
 * @val: bytes
 *
 * Not more than can be there at once; the buffer grows with it.
 *
 * Context: socket lock.
 * Return: 0
 */
int tcpx_set_rcvlowat(struct sock *sk, int val)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	bool fixed = sk->sk_userlocks & SOCK_RCVBUF_LOCK;
	int cap = fixed ? sk->sk_rcvbuf : READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_rmem[2]);

	val = min(val, cap >> 1);
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	tcpx_data_ready(sk);

	if (!fixed && val << 1 > sk->sk_rcvbuf) {
		WRITE_ONCE(sk->sk_rcvbuf, val << 1);
		if (tp->window_clamp && tp->window_clamp < val)
			WRITE_ONCE(tp->window_clamp, val);
	}
	return 0;
}

/* --- after reading ------------------------------------------------------ */

/* Has the peer waited long enough for the ACK we owe it? */
static bool tcpx_owed_ack_is_due(const struct sock *sk, int copied)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (!(tp->ack.pending & TCPX_ACK_SCHED))
		return false;
	/* rfc9293#section-3.8.6.3: at least every second full segment. */
	if (tp->rcv_nxt - tp->rcv_wup > tp->ack.rcv_mss)
		return true;
	/* The user took all of it and there was a PSH: the sender has nothing
	 * more on its way, and we have nothing to answer.
	 */
	if (copied <= 0 || atomic_read(&sk->sk_rmem_alloc))
		return false;
	return (tp->ack.pending & TCPX_ACK_PUSHED2) ||
	       ((tp->ack.pending & TCPX_ACK_PUSHED) &&
		!tcpx_in_pingpong_mode(sk));
}

/* Did reading open the window to at least twice of what the peer knows?
 * The cheap test first.
 */
static bool tcpx_window_update_is_due(struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 known = tcpx_receive_window(tp);
	u32 window;

	if (2 * known > tp->window_clamp)
		return false;
	window = __tcpx_select_window(sk);
	return window && window >= 2 * known;
}

/**
 * tcpx_cleanup_rbuf() - the user has read: send an ACK?
 * @sk: socket
 * @copied: bytes read, or -errno
 *
 * Context: socket lock.
 */
void tcpx_cleanup_rbuf(struct sock *sk, int copied)
{
	bool due = tcpx_owed_ack_is_due(sk, copied);

	if (!due && copied > 0 && !(sk->sk_shutdown & RCV_SHUTDOWN))
		due = tcpx_window_update_is_due(sk);
	if (due) {
		/* The last segment may have come long before. */
		tcpx_mstamp_refresh(tcpx_sk(sk));
		tcpx_send_ack(sk);
	}
}

/* --- recvmsg ------------------------------------------------------------ */

/**
 * struct tcpx_recv - one recvmsg() under way
 * @msg: where to
 * @len: bytes still wanted
 * @flags: MSG_*
 * @copied: bytes delivered; -errno if none was and it failed
 * @target: bytes to wait for
 * @timeo: how long, jiffies
 * @seq: where to read on: copied_seq, or @peek_seq under MSG_PEEK
 * @peek_seq: next byte to peek at
 * @peek_offset: where peeking started, from copied_seq (SO_PEEK_OFF)
 * @urg_hole: urgent bytes skipped
 * @has_stamps: @stamps is valid
 * @stamps: arrival of what was delivered last
 */
struct tcpx_recv {
	struct msghdr	*msg;
	size_t		len;
	int		flags;
	int		copied;
	int		target;
	long		timeo;
	u32		*seq;
	u32		peek_seq;
	u32		peek_offset;
	u32		urg_hole;
	bool		has_stamps;
	struct tcpx_rx_stamps stamps;
};

/* The urgent byte, recv(MSG_OOB). Never blocks. */
static int tcpx_recv_urg(struct sock *sk, struct msghdr *msg, int len, int flags)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u16 urg = tp->urg_data;
	u8 c = urg;

	/* None, already read, or part of the stream. */
	if (sock_flag(sk, SOCK_URGINLINE) || !urg || urg == TCP_URG_READ)
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;

	if (!(urg & TCP_URG_VALID)) {
		/* Announced, but not here yet. */
		if (sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN))
			return 0;
		return -EAGAIN;
	}

	if (!(flags & MSG_PEEK))
		WRITE_ONCE(tp->urg_data, TCP_URG_READ);
	msg->msg_flags |= MSG_OOB;
	if (len <= 0) {
		msg->msg_flags |= MSG_TRUNC;
		return len;
	}
	if (!(flags & MSG_TRUNC) && memcpy_to_msg(msg, &c, 1))
		return -EFAULT;
	return 1;
}

/* The skb that holds *r->seq at *offset, or that ends there with a FIN; NULL if
 * there is none. *last: what was the end of the queue, for sk_wait_data().
 */
static struct sk_buff *tcpx_recv_find(struct sock *sk, const struct tcpx_recv *r,
				      u32 *offset, struct sk_buff **last)
{
	struct sk_buff *skb;

	*last = skb_peek_tail(&sk->sk_receive_queue);
	skb_queue_walk(&sk->sk_receive_queue, skb) {
		*last = skb;
		if (WARN_ON_ONCE(before(*r->seq, TCPX_CB(skb)->seq)))
			break;
		*offset = *r->seq - TCPX_CB(skb)->seq;
		if (*offset < skb->len)
			return skb;
		if (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN) {
			*offset = skb->len;
			return skb;
		}
		/* Only a peek leaves behind what it has read. */
		WARN_ON_ONCE(!(r->flags & MSG_PEEK));
	}
	return NULL;
}

/* Nothing was read yet, and nothing is there: why not to wait. 0: end of file,
 * 1: wait, else -errno.
 */
static int tcpx_recv_may_wait(struct sock *sk, long timeo)
{
	if (sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	if (sk->sk_state == TCP_CLOSE)
		return -ENOTCONN;	/* it never was connected */
	if (!timeo)
		return -EAGAIN;
	if (signal_pending(current))
		return sock_intr_errno(timeo);
	return 1;
}

/* Something was read: is it over all the same? */
static bool tcpx_recv_must_stop(struct sock *sk, long timeo)
{
	return !timeo || sk->sk_err || sk->sk_state == TCP_CLOSE ||
	       (sk->sk_shutdown & RCV_SHUTDOWN) || signal_pending(current);
}

/* The queue is used up. Wait for more, or at least look at the backlog.
 * Return: go on reading?
 */
static bool tcpx_recv_wait(struct sock *sk, struct tcpx_recv *r, struct sk_buff *last)
{
	bool enough = r->copied >= r->target;
	int err;

	if (enough && !READ_ONCE(sk->sk_backlog.tail))
		return false;
	if (r->copied) {
		if (tcpx_recv_must_stop(sk, r->timeo))
			return false;
	} else {
		err = tcpx_recv_may_wait(sk, r->timeo);
		if (err <= 0) {
			r->copied = err;
			return false;
		}
	}

	if (enough) {
		__sk_flush_backlog(sk);
	} else {
		tcpx_cleanup_rbuf(sk, r->copied);
		err = tcpx_wait_data(sk, &r->timeo, last, r->target - r->copied);
		if (err < 0) {
			/* disconnect() by another thread */
			r->copied = r->copied ?: err;
			return false;
		}
	}

	/* Another thread may have read what we were peeking at. */
	if ((r->flags & MSG_PEEK) &&
	    r->peek_seq - r->peek_offset - r->copied - r->urg_hole != tcpx_sk(sk)->copied_seq)
		r->peek_seq = tcpx_sk(sk)->copied_seq + r->peek_offset;
	return true;
}

/* An urgent byte lies at @ahead of where we are. Stop before it; when it is
 * next, skip it unless it is read in line. Return: bytes to copy.
 */
static size_t tcpx_recv_skip_urg(struct sock *sk, struct tcpx_recv *r, size_t used, u32 *offset)
{
	u32 ahead = tcpx_sk(sk)->urg_seq - *r->seq;

	if (ahead >= used)
		return used;
	if (ahead)
		return ahead;
	if (sock_flag(sk, SOCK_URGINLINE))
		return used;
	WRITE_ONCE(*r->seq, *r->seq + 1);
	r->urg_hole++;
	++*offset;
	return used - 1;
}

/* Deliver what @skb has from *offset on, which moves along. 0 or -EFAULT. */
static int tcpx_recv_copy(struct sock *sk, struct tcpx_recv *r, struct sk_buff *skb, u32 *offset)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	size_t used = min_t(size_t, skb->len - *offset, r->len);

	if (unlikely(tp->urg_data))
		used = tcpx_recv_skip_urg(sk, r, used, offset);
	if (likely(used)) {
		if (!(r->flags & MSG_TRUNC) && skb_copy_datagram_msg(skb, *offset, r->msg, used))
			return -EFAULT;
		WRITE_ONCE(*r->seq, *r->seq + used);
		r->copied += used;
		r->len -= used;
		*offset += used;
		if (r->flags & MSG_PEEK)
			sk_peek_offset_fwd(sk, used);
		else
			sk_peek_offset_bwd(sk, used);
		tcpx_rcv_space_adjust(sk);
	}

	if (unlikely(tp->urg_data) && after(tp->copied_seq, tp->urg_seq)) {
		WRITE_ONCE(tp->urg_data, 0);
		tcpx_fast_path_check(sk);
	}
	if (TCPX_CB(skb)->has_rxtstamp) {
		r->stamps.sw = skb->tstamp;
		r->stamps.hw = skb_hwtstamps(skb)->hwtstamp;
		r->has_stamps = true;
	}
	return 0;
}

/* Deliver from @skb, and free it when it is used up.
 * Return: go on with the next one?
 */
static bool tcpx_recv_skb(struct sock *sk, struct tcpx_recv *r, struct sk_buff *skb, u32 offset)
{
	bool fin = TCPX_CB(skb)->tcp_flags & TCPHDR_FIN;

	if (offset < skb->len) {
		if (tcpx_recv_copy(sk, r, skb, &offset)) {
			r->copied = r->copied ?: -EFAULT;
			return false;
		}
		if (offset < skb->len)
			return true;
	}

	if (fin)
		WRITE_ONCE(*r->seq, *r->seq + 1);
	if (!(r->flags & MSG_PEEK))
		sk_eat_skb(sk, skb);
	return !fin;
}

/* The next byte is the urgent one: a read does not cross it. */
static bool tcpx_recv_at_mark(struct sock *sk, struct tcpx_recv *r)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (likely(!tp->urg_data) || tp->urg_seq != *r->seq)
		return false;
	if (r->copied)
		return true;
	if (signal_pending(current)) {
		r->copied = r->timeo ? sock_intr_errno(r->timeo) : -EAGAIN;
		return true;
	}
	return false;
}

/* Bytes delivered, or -errno. Socket lock held, and released while it waits. */
static int tcpx_recvmsg_locked(struct sock *sk, struct tcpx_recv *r)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct sk_buff *skb, *last;
	bool more;
	u32 offset;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;
	if (tp->recvmsg_inq)
		r->msg->msg_get_inq = 1;
	r->timeo = sock_rcvtimeo(sk, r->flags & MSG_DONTWAIT);
	if (unlikely(r->flags & MSG_OOB))
		return tcpx_recv_urg(sk, r->msg, r->len, r->flags);

	r->seq = &tp->copied_seq;
	if (r->flags & MSG_PEEK) {
		r->peek_offset = max(sk_peek_offset(sk, r->flags), 0);
		r->peek_seq = tp->copied_seq + r->peek_offset;
		r->seq = &r->peek_seq;
	}
	r->target = sock_rcvlowat(sk, r->flags & MSG_WAITALL, r->len);

	do {
		if (tcpx_recv_at_mark(sk, r))
			break;
		skb = tcpx_recv_find(sk, r, &offset, &last);
		if (skb)
			more = tcpx_recv_skb(sk, r, skb, offset);
		else
			more = tcpx_recv_wait(sk, r, last);
	} while (more && r->len > 0);

	tcpx_cleanup_rbuf(sk, r->copied);
	return r->copied;
}

/**
 * tcpx_do_recvmsg() - proto.recvmsg, but for MSG_ERRQUEUE
 * @sk: socket
 * @msg: where to
 * @len: bytes wanted
 * @flags: MSG_*
 *
 * Context: process; takes the socket lock.
 * Return: bytes, 0 at the end of the stream, or -errno
 */
int tcpx_do_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct tcpx_recv r = { .msg = msg, .len = len, .flags = flags };
	int ret;

	if (sk_can_busy_loop(sk) && skb_queue_empty_lockless(&sk->sk_receive_queue) &&
	    sk->sk_state == TCP_ESTABLISHED)
		sk_busy_loop(sk, flags & MSG_DONTWAIT);

	lock_sock(sk);
	ret = tcpx_recvmsg_locked(sk, &r);
	release_sock(sk);

	if (ret < 0)
		return ret;
	if (r.has_stamps)
		tcpx_recv_timestamp(msg, sk, &r.stamps);
	if (msg->msg_get_inq) {
		msg->msg_inq = tcpx_inq_hint(sk);
		if (tcpx_sk(sk)->recvmsg_inq)
			put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(msg->msg_inq), &msg->msg_inq);
	}
	return ret;
}

/* --- reading without copying -------------------------------------------- */

/* As tcpx_recv_find(), for a reader that has no other place than copied_seq;
 * frees what lies before it (the queue may have been collapsed meanwhile).
 */
static struct sk_buff *tcpx_read_find(struct sock *sk, u32 seq, u32 *offset)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&sk->sk_receive_queue))) {
		*offset = seq - TCPX_CB(skb)->seq;
		if (*offset < skb->len || (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN))
			return skb;
		sk_eat_skb(sk, skb);
	}
	return NULL;
}

/* Bytes of @skb from @offset on that lie before an urgent one. */
static size_t tcpx_read_len(const struct tcpx_sock *tp, const struct sk_buff *skb,
			    u32 seq, u32 offset)
{
	size_t len = skb->len - offset;

	if (unlikely(tp->urg_data))
		len = min_t(size_t, len, tp->urg_seq - seq);
	return len;
}

/**
 * tcpx_read_sock() - proto_ops.read_sock: let @actor take data out of the queue
 * @sk: socket
 * @desc: for @actor; ends when its count is 0
 * @actor: returns the bytes it took of (skb, offset, len), 0 or -errno to stop;
 *	may release the socket lock meanwhile
 *
 * Context: socket lock; does not wait.
 * Return: bytes taken, or -errno
 */
int tcpx_read_sock(struct sock *sk, read_descriptor_t *desc, sk_read_actor_t actor)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 seq = tp->copied_seq;
	struct sk_buff *skb;
	int copied = 0;
	u32 offset;

	if (sk->sk_state == TCP_LISTEN)
		return -ENOTCONN;

	while ((skb = tcpx_read_find(sk, seq, &offset))) {
		if (offset < skb->len) {
			size_t len = tcpx_read_len(tp, skb, seq, offset);
			int used;

			if (!len)
				break;
			used = actor(desc, skb, offset, len);
			if (used <= 0) {
				copied = copied ?: used;
				break;
			}
			used = min_t(size_t, used, len);
			seq += used;
			copied += used;
			/* While the lock was free, segments may have been
			 * merged into the skb, or it was collapsed away.
			 */
			skb = tcpx_read_find(sk, seq - 1, &offset);
			if (!skb)
				break;
			if (offset + 1 != skb->len)
				continue;
		}
		if (TCPX_CB(skb)->tcp_flags & TCPHDR_FIN) {
			sk_eat_skb(sk, skb);
			seq++;
			break;
		}
		sk_eat_skb(sk, skb);
		if (!desc->count)
			break;
		WRITE_ONCE(tp->copied_seq, seq);
	}
	WRITE_ONCE(tp->copied_seq, seq);
	tcpx_rcv_space_adjust(sk);

	if (copied > 0) {
		tcpx_read_find(sk, seq, &offset);
		tcpx_cleanup_rbuf(sk, copied);
	}
	return copied;
}

struct tcpx_splice_state {
	struct pipe_inode_info	*pipe;
	size_t			len;
	unsigned int		flags;
};

static int tcpx_splice_actor(read_descriptor_t *desc, struct sk_buff *skb,
			     unsigned int offset, size_t len)
{
	struct tcpx_splice_state *s = desc->arg.data;
	int ret = skb_splice_bits(skb, skb->sk, offset, s->pipe,
				  min_t(size_t, desc->count, len), s->flags);

	if (ret > 0)
		desc->count -= ret;
	return ret;
}

/* Wait for the first bytes. 1: look again, 0 or -errno: that's it. */
static int tcpx_splice_wait(struct sock *sk, long *timeo, size_t len)
{
	int err = tcpx_recv_may_wait(sk, *timeo);

	if (err <= 0)
		return err;
	/* There is something, but it can't be taken: an urgent byte. */
	if (!skb_queue_empty(&sk->sk_receive_queue))
		return 0;
	err = tcpx_wait_data(sk, timeo, NULL, min_t(size_t, len, INT_MAX));
	return err < 0 ? err : 1;
}

/* Bytes moved into the pipe, or -errno if none was. */
static ssize_t tcpx_splice_locked(struct sock *sk, struct tcpx_splice_state *s, long timeo)
{
	ssize_t spliced = 0;
	int ret;

	while (s->len) {
		read_descriptor_t desc = { .arg.data = s, .count = s->len };

		ret = tcpx_read_sock(sk, &desc, tcpx_splice_actor);
		if (ret < 0)
			return spliced ?: ret;
		if (!ret) {
			if (spliced)
				return spliced;
			ret = tcpx_splice_wait(sk, &timeo, s->len);
			if (ret <= 0)
				return ret;
			continue;
		}
		s->len -= ret;
		spliced += ret;
		if (!s->len || !timeo)
			break;
		/* Let the backlog in. */
		release_sock(sk);
		lock_sock(sk);
		if (tcpx_recv_must_stop(sk, timeo))
			break;
	}
	return spliced;
}

/**
 * tcpx_splice_read() - proto_ops.splice_read: move data into a pipe
 * @sock: socket
 * @ppos: must point to 0
 * @pipe: the pipe
 * @len: bytes wanted
 * @flags: SPLICE_F_*
 *
 * Context: process; takes the socket lock.
 * Return: bytes moved, 0 at the end of the stream, or -errno
 */
ssize_t tcpx_splice_read(struct socket *sock, loff_t *ppos, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags)
{
	struct tcpx_splice_state s = { .pipe = pipe, .len = len, .flags = flags };
	struct sock *sk = sock->sk;
	ssize_t ret;

	sock_rps_record_flow(sk);
	if (unlikely(*ppos))
		return -ESPIPE;

	lock_sock(sk);
	ret = tcpx_splice_locked(sk, &s, sock_rcvtimeo(sk, sock->file->f_flags & O_NONBLOCK));
	release_sock(sk);
	return ret;
}
