// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: socket options of level IPPROTO_TCP, and those few of SOL_SOCKET that the
 * kernel has for its own TCP only.
 *
 * One table says all of an option: whether it can be set and read, and the range
 * of its values. What is not in it gets ENOPROTOOPT, so that a program can
 * tell, rather than believe, that an option had an effect. Levels below TCP are af_ops's.
 * Of level SOL_SOCKET we see what is set where the kernel lets us (tcpx_sock_setsockopt());
 * what is read the kernel answers.
 */

#include <linux/inet_diag.h>

#include "tcpx.h"

/**
 * struct tcpx_sockopt - an option of level IPPROTO_TCP
 * @name: TCP_*
 * @min: lowest and
 * @max: highest value that can be set, others are EINVAL
 * @set: set it to @val, or NULL; lock: sock. 0 or -errno
 * @get: its value, or NULL; no lock
 * @set_any: set it to what is not an int, or NULL; no lock
 * @get_any: copy out up to *len bytes, and say how many there were; no lock
 */
struct tcpx_sockopt {
	int	name;
	int	min;
	int	max;
	int	(*set)(struct sock *sk, int val);
	int	(*get)(const struct sock *sk);
	int	(*set_any)(struct sock *sk, sockptr_t optval, unsigned int optlen);
	int	(*get_any)(struct sock *sk, void __user *optval, int *len);
};

/* --- sending ------------------------------------------------------------ */

static int tcpx_set_maxseg(struct sock *sk, int val)
{
	/* The device's MTU is not known yet: it bounds this later. */
	if (val && val < TCP_MIN_MSS)
		return -EINVAL;
	tcpx_sk(sk)->rx_opt.user_mss = val;
	return 0;
}

static int tcpx_get_maxseg(const struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);

	if (tp->rx_opt.user_mss && ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return tp->rx_opt.user_mss;
	return tp->mss_cache;
}

/**
 * __tcpx_sock_set_nodelay() - TCP_NODELAY, rfc9293#section-3.7.4
 * @sk: socket
 * @on: no Nagle algorithm
 *
 * Weaker than TCP_CORK, but setting it sends what is queued all the same.
 *
 * Context: socket lock.
 */
void __tcpx_sock_set_nodelay(struct sock *sk, bool on)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (on) {
		tp->nonagle |= TCPX_NAGLE_OFF | TCPX_NAGLE_PUSH;
		tcpx_push_pending_frames(sk);
	} else {
		tp->nonagle &= ~TCPX_NAGLE_OFF;
	}
}

/**
 * __tcpx_sock_set_cork() - TCP_CORK
 * @sk: socket
 * @on: hold back partial segments; turning it off sends them
 *
 * Context: socket lock.
 */
void __tcpx_sock_set_cork(struct sock *sk, bool on)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (on) {
		tp->nonagle |= TCPX_NAGLE_CORK;
		return;
	}
	tp->nonagle &= ~TCPX_NAGLE_CORK;
	if (tp->nonagle & TCPX_NAGLE_OFF)
		tp->nonagle |= TCPX_NAGLE_PUSH;
	tcpx_push_pending_frames(sk);
}

static int tcpx_set_nodelay(struct sock *sk, int val)
{
	__tcpx_sock_set_nodelay(sk, val);
	return 0;
}

static int tcpx_get_nodelay(const struct sock *sk)
{
	return !!(tcpx_sk(sk)->nonagle & TCPX_NAGLE_OFF);
}

static int tcpx_set_cork(struct sock *sk, int val)
{
	__tcpx_sock_set_cork(sk, val);
	return 0;
}

static int tcpx_get_cork(const struct sock *sk)
{
	return !!(tcpx_sk(sk)->nonagle & TCPX_NAGLE_CORK);
}

static int tcpx_set_notsent_lowat(struct sock *sk, int val)
{
	WRITE_ONCE(tcpx_sk(sk)->notsent_lowat, val);
	tcpx_wake_writers(sk);
	return 0;
}

static int tcpx_get_notsent_lowat(const struct sock *sk)
{
	return READ_ONCE(tcpx_sk(sk)->notsent_lowat);
}

static int tcpx_set_congestion(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	char name[TCP_CA_NAME_MAX];
	int err;

	if (optlen < 1)
		return -EINVAL;
	err = strncpy_from_sockptr(name, optval, min_t(long, TCP_CA_NAME_MAX - 1, optlen));
	if (err < 0)
		return -EFAULT;
	name[err] = 0;

	sockopt_lock_sock(sk);
	err = tcpx_set_congestion_control(sk, name,
					  sockopt_ns_capable(sock_net(sk)->user_ns,
							     CAP_NET_ADMIN));
	sockopt_release_sock(sk);
	return err;
}

static int tcpx_get_congestion(struct sock *sk, void __user *optval, int *len)
{
	char name[TCP_CA_NAME_MAX] = {};

	/* RCU: the algorithm's module may go as soon as the socket leaves it. */
	rcu_read_lock();
	strscpy(name, READ_ONCE(tcpx_sk(sk)->cc.ops)->name, sizeof(name));
	rcu_read_unlock();
	*len = min_t(int, *len, sizeof(name));
	return copy_to_user(optval, name, *len) ? -EFAULT : 0;
}

static int tcpx_get_cc_info(struct sock *sk, void __user *optval, int *len)
{
	const struct tcpx_congestion_ops *ops;
	union tcp_cc_info info = {};
	size_t size = 0;

	rcu_read_lock();
	ops = READ_ONCE(tcpx_sk(sk)->cc.ops);
	if (ops->get_info) {
		/* An estimate that is just being changed is an estimate, too. */
		size = data_race(ops->get_info(&tcpx_sk(sk)->cc, &info, sizeof(info)));
	}
	rcu_read_unlock();
	*len = min_t(int, *len, size);
	return copy_to_user(optval, &info, *len) ? -EFAULT : 0;
}

static int tcpx_set_thin_lto(struct sock *sk, int val)
{
	tcpx_sk(sk)->thin_lto = val;
	return 0;
}

static int tcpx_get_thin_lto(const struct sock *sk)
{
	return tcpx_sk(sk)->thin_lto;
}

/* Without effect since RACK, as in kernel TCP. */
static int tcpx_set_thin_dupack(struct sock *sk, int val)
{
	return 0;
}

static int tcpx_get_thin_dupack(const struct sock *sk)
{
	return 0;
}

/* Only a connection under repair may be told the time, and there are none. */
static int tcpx_set_timestamp(struct sock *sk, int val)
{
	return -EPERM;
}

/* The lowest bit says what the clock ticks in: 1 for microseconds. */
static int tcpx_get_timestamp(const struct sock *sk)
{
	return (tcpx_clock_ms() + READ_ONCE(tcpx_sk(sk)->tsoffset)) & ~1U;
}

static int tcpx_get_is_mptcp(const struct sock *sk)
{
	return 0;
}

static int tcpx_set_md5sig(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	return tcpx_md5_set(sk, false, optval, optlen);
}

static int tcpx_set_md5sig_ext(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	return tcpx_md5_set(sk, true, optval, optlen);
}

/* There are no upper layers for us: each is one that nobody has heard of. */
static int tcpx_set_ulp(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	char name[TCP_ULP_NAME_MAX];

	if (optlen < 1)
		return -EINVAL;
	if (strncpy_from_sockptr(name, optval, min_t(long, TCP_ULP_NAME_MAX - 1, optlen)) < 0)
		return -EFAULT;
	return -ENOENT;
}

static int tcpx_get_ulp(struct sock *sk, void __user *optval, int *len)
{
	*len = 0;
	return 0;
}

/* --- receiving ---------------------------------------------------------- */

static int tcpx_get_window_clamp(const struct sock *sk)
{
	return READ_ONCE(tcpx_sk(sk)->window_clamp);
}

/* Delayed ACKs off, until the connection looks interactive. An even value: for
 * the ACK that is owed now only.
 */
static int tcpx_set_quickack(struct sock *sk, int val)
{
	struct tcpx_sock *tp = tcpx_sk(sk);

	if (!val) {
		tcpx_enter_pingpong_mode(sk);
		return 0;
	}
	tp->ack.pingpong = 0;
	if (((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) &&
	    (tp->ack.pending & TCPX_ACK_SCHED)) {
		tp->ack.pending |= TCPX_ACK_PUSHED;
		tcpx_cleanup_rbuf(sk, 1);
		if (!(val & 1))
			tcpx_enter_pingpong_mode(sk);
	}
	return 0;
}

static int tcpx_get_quickack(const struct sock *sk)
{
	return !tcpx_in_pingpong_mode(sk);
}

static int tcpx_set_inq(struct sock *sk, int val)
{
	tcpx_sk(sk)->recvmsg_inq = val;
	return 0;
}

static int tcpx_get_inq(const struct sock *sk)
{
	return tcpx_sk(sk)->recvmsg_inq;
}

/* --- life of a connection ----------------------------------------------- */

static int tcpx_set_keepidle(struct sock *sk, int val)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	u32 now = tcpx_jiffies32();
	u32 idle;

	WRITE_ONCE(tp->keepalive_time, val * HZ);
	if (!sock_flag(sk, SOCK_KEEPOPEN) ||
	    ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) || tcpx_fin_is_missing(sk))
		return 0;
	idle = min(now - tp->ack.lrcvtime, now - tp->rcv_tstamp);
	tcpx_reset_keepalive_timer(sk, tp->keepalive_time > idle ?
				       tp->keepalive_time - idle : 0);
	return 0;
}

static int tcpx_get_keepidle(const struct sock *sk)
{
	return tcpx_keepalive_time_when(tcpx_sk(sk)) / HZ;
}

static int tcpx_set_keepintvl(struct sock *sk, int val)
{
	WRITE_ONCE(tcpx_sk(sk)->keepalive_intvl, val * HZ);
	return 0;
}

static int tcpx_get_keepintvl(const struct sock *sk)
{
	return tcpx_keepalive_intvl_when(tcpx_sk(sk)) / HZ;
}

static int tcpx_set_keepcnt(struct sock *sk, int val)
{
	WRITE_ONCE(tcpx_sk(sk)->keepalive_probes, val);
	return 0;
}

static int tcpx_get_keepcnt(const struct sock *sk)
{
	return tcpx_keepalive_probes(tcpx_sk(sk));
}

static int tcpx_set_syncnt(struct sock *sk, int val)
{
	WRITE_ONCE(tcpx_sk(sk)->syn_retries, val);
	return 0;
}

static int tcpx_get_syncnt(const struct sock *sk)
{
	return READ_ONCE(tcpx_sk(sk)->syn_retries) ?:
	       READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_syn_retries);
}

static int tcpx_set_linger2(struct sock *sk, int val)
{
	if (val < 0)
		val = -1;
	else
		val = min(val, TCP_FIN_TIMEOUT_MAX / HZ) * HZ;
	WRITE_ONCE(tcpx_sk(sk)->linger2, val);
	return 0;
}

static int tcpx_get_linger2(const struct sock *sk)
{
	int val = READ_ONCE(tcpx_sk(sk)->linger2);

	if (val < 0)
		return val;
	return (val ?: READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fin_timeout)) / HZ;
}

static int tcpx_set_user_timeout(struct sock *sk, int val)
{
	WRITE_ONCE(tcpx_sk(sk)->user_timeout, val);
	return 0;
}

static int tcpx_set_rto_max(struct sock *sk, int val)
{
	tcpx_sk(sk)->rto_max = msecs_to_jiffies(val);
	return 0;
}

static int tcpx_get_rto_max(const struct sock *sk)
{
	return jiffies_to_msecs(tcpx_sk(sk)->rto_max);
}

static int tcpx_set_rto_min(struct sock *sk, int val)
{
	u32 rto_min = usecs_to_jiffies(val);

	if (rto_min < TCP_TIMEOUT_MIN || rto_min > TCPX_RTO_MIN)
		return -EINVAL;
	tcpx_sk(sk)->rto_min = rto_min;
	return 0;
}

static int tcpx_get_rto_min(const struct sock *sk)
{
	return jiffies_to_usecs(tcpx_sk(sk)->rto_min);
}

static int tcpx_set_delack_max(struct sock *sk, int val)
{
	u32 delack_max = usecs_to_jiffies(val);

	if (delack_max < TCP_TIMEOUT_MIN || delack_max > TCPX_DELACK_MAX)
		return -EINVAL;
	tcpx_sk(sk)->ack.delack_max = delack_max;
	return 0;
}

static int tcpx_get_delack_max(const struct sock *sk)
{
	return jiffies_to_usecs(tcpx_sk(sk)->ack.delack_max);
}

static int tcpx_get_user_timeout(const struct sock *sk)
{
	return READ_ONCE(tcpx_sk(sk)->user_timeout);
}

/* TCP_DEFER_ACCEPT is given in seconds and kept as the number of SYN-ACKs that
 * are sent in that time: after 1, 2, 4, ... s, never more than 120 s apart. The
 * time covered by @retrans of them:
 */
static int tcpx_synack_seconds(int retrans)
{
	const int max = TCPX_RTO_MAX / HZ;
	int timeout = TCPX_TIMEOUT_INIT / HZ;
	int period = 0;

	for (; retrans > 0; retrans--) {
		period += timeout;
		timeout = min(timeout << 1, max);
	}
	return period;
}

static int tcpx_set_defer_accept(struct sock *sk, int val)
{
	u8 retrans = 0;

	while (retrans < U8_MAX && tcpx_synack_seconds(retrans) < val)
		retrans++;
	WRITE_ONCE(tcpx_sk(sk)->defer_accept, retrans);
	return 0;
}

static int tcpx_get_defer_accept(const struct sock *sk)
{
	return tcpx_synack_seconds(READ_ONCE(tcpx_sk(sk)->defer_accept));
}

/* --- Fast Open ---------------------------------------------------------- */

static int tcpx_set_fastopen(struct sock *sk, int val)
{
	if (!((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return -EINVAL;
	return tcpx_fastopen_queue_tune(sk, val);
}

static int tcpx_get_fastopen(const struct sock *sk)
{
	const struct tcpx_accept_queue *queue = tcpx_queue(sk);

	return queue ? READ_ONCE(queue->fastopenq.max_qlen) : 0;
}

static int tcpx_set_fastopen_connect(struct sock *sk, int val)
{
	if (!(READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_fastopen) & TFO_CLIENT_ENABLE))
		return -EOPNOTSUPP;
	if (sk->sk_state != TCP_CLOSE)
		return -EINVAL;
	tcpx_sk(sk)->fastopen_connect = val;
	return 0;
}

static int tcpx_get_fastopen_connect(const struct sock *sk)
{
	return tcpx_sk(sk)->fastopen_connect;
}

static int tcpx_set_fastopen_no_cookie(struct sock *sk, int val)
{
	if (!((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		return -EINVAL;
	tcpx_sk(sk)->fastopen_no_cookie = val;
	return 0;
}

static int tcpx_get_fastopen_no_cookie(const struct sock *sk)
{
	return tcpx_sk(sk)->fastopen_no_cookie;
}

static int tcpx_set_fastopen_key_any(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	u8 keys[TCP_FASTOPEN_KEY_BUF_LENGTH];
	int err;

	if (optlen != TCP_FASTOPEN_KEY_LENGTH && optlen != TCP_FASTOPEN_KEY_BUF_LENGTH)
		return -EINVAL;
	if (copy_from_sockptr(keys, optval, optlen))
		return -EFAULT;
	sockopt_lock_sock(sk);
	err = tcpx_fastopen_set_key(sk, keys, optlen / TCP_FASTOPEN_KEY_LENGTH);
	sockopt_release_sock(sk);
	return err;
}

static int tcpx_get_fastopen_key_any(struct sock *sk, void __user *optval, int *len)
{
	u8 keys[TCP_FASTOPEN_KEY_BUF_LENGTH];
	int n = tcpx_fastopen_get_key(sk, keys);

	*len = min_t(int, *len, n * TCP_FASTOPEN_KEY_LENGTH);
	return copy_to_user(optval, keys, *len) ? -EFAULT : 0;
}

static int tcpx_set_save_syn(struct sock *sk, int val)
{
	tcpx_sk(sk)->save_syn = val;
	return 0;
}

static int tcpx_get_save_syn(const struct sock *sk)
{
	return tcpx_sk(sk)->save_syn;
}

/* The headers of the SYN, which can be had once. */
static int tcpx_get_saved_syn_any(struct sock *sk, void __user *optval, int *len)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	int room = *len, err = 0;

	lock_sock(sk);
	*len = tp->saved_syn ? tcp_saved_syn_len(tp->saved_syn) : 0;
	if (!*len)
		goto out;
	if (room < *len) {
		err = -EINVAL;
	} else if (copy_to_user(optval, tp->saved_syn->data, *len)) {
		err = -EFAULT;
	} else {
		kfree(tp->saved_syn);
		tp->saved_syn = NULL;
	}
out:
	release_sock(sk);
	return err;
}

static int tcpx_get_info_any(struct sock *sk, void __user *optval, int *len)
{
	struct tcp_info info;

	tcpx_get_info(sk, &info);
	*len = min_t(int, *len, sizeof(info));
	return copy_to_user(optval, &info, *len) ? -EFAULT : 0;
}

/* --- what SO_ZEROCOPY is ---------------------------------------------- */

static int tcpx_set_zerocopy(struct sock *sk, int val)
{
	sock_valbool_flag(sk, SOCK_ZEROCOPY, val);
	return 0;
}

static int tcpx_get_zerocopy(const struct sock *sk)
{
	return sock_flag(sk, SOCK_ZEROCOPY);
}

/* --- the table ---------------------------------------------------------- */

#define TCPX_INT(opt, lo, hi, what)	\
	{ .name = (opt), .min = (lo), .max = (hi), .set = tcpx_set_##what, .get = tcpx_get_##what }

static const struct tcpx_sockopt tcpx_sockopts[] = {
	TCPX_INT(TCP_NODELAY,		INT_MIN, INT_MAX, nodelay),
	TCPX_INT(TCP_MAXSEG,		0, MAX_TCP_WINDOW, maxseg),
	TCPX_INT(TCP_CORK,		INT_MIN, INT_MAX, cork),
	TCPX_INT(TCP_KEEPIDLE,		1, MAX_TCP_KEEPIDLE, keepidle),
	TCPX_INT(TCP_KEEPINTVL,		1, MAX_TCP_KEEPINTVL, keepintvl),
	TCPX_INT(TCP_KEEPCNT,		1, MAX_TCP_KEEPCNT, keepcnt),
	TCPX_INT(TCP_SYNCNT,		1, MAX_TCP_SYNCNT, syncnt),
	TCPX_INT(TCP_LINGER2,		INT_MIN, INT_MAX, linger2),
	TCPX_INT(TCP_DEFER_ACCEPT,	INT_MIN, INT_MAX, defer_accept),
	TCPX_INT(TCP_WINDOW_CLAMP,	INT_MIN, INT_MAX, window_clamp),
	TCPX_INT(TCP_QUICKACK,		INT_MIN, INT_MAX, quickack),
	TCPX_INT(TCP_USER_TIMEOUT,	0, INT_MAX, user_timeout),
	TCPX_INT(TCP_RTO_MAX_MS,	MSEC_PER_SEC, 120 * MSEC_PER_SEC, rto_max),
	TCPX_INT(TCP_RTO_MIN_US,	INT_MIN, INT_MAX, rto_min),
	TCPX_INT(TCP_DELACK_MAX_US,	INT_MIN, INT_MAX, delack_max),
	TCPX_INT(TCP_NOTSENT_LOWAT,	INT_MIN, INT_MAX, notsent_lowat),
	TCPX_INT(TCP_INQ,		0, 1, inq),
	TCPX_INT(TCP_FASTOPEN,		0, INT_MAX, fastopen),
	TCPX_INT(TCP_FASTOPEN_CONNECT,	0, 1, fastopen_connect),
	TCPX_INT(TCP_FASTOPEN_NO_COOKIE, 0, 1, fastopen_no_cookie),
	TCPX_INT(TCP_SAVE_SYN,		0, 2, save_syn),
	TCPX_INT(TCP_THIN_LINEAR_TIMEOUTS, 0, 1, thin_lto),
	TCPX_INT(TCP_THIN_DUPACK,	0, 1, thin_dupack),
	TCPX_INT(TCP_TIMESTAMP,		INT_MIN, INT_MAX, timestamp),
	TCPX_INT(TCPX_ZEROCOPY,		0, 1, zerocopy),
	{ .name = COMPAT_TCP_IS_MPTCP, .get = tcpx_get_is_mptcp },
	{ .name = TCP_CONGESTION, .set_any = tcpx_set_congestion, .get_any = tcpx_get_congestion },
	{ .name = TCP_FASTOPEN_KEY, .set_any = tcpx_set_fastopen_key_any,
	  .get_any = tcpx_get_fastopen_key_any },
	{ .name = TCP_MD5SIG, .set_any = tcpx_set_md5sig },
	{ .name = TCP_MD5SIG_EXT, .set_any = tcpx_set_md5sig_ext },
	{ .name = TCP_AO_ADD_KEY, .set_any = tcpx_ao_set_add },
	{ .name = TCP_AO_DEL_KEY, .set_any = tcpx_ao_set_del },
	{ .name = TCP_AO_INFO, .set_any = tcpx_ao_set_info, .get_any = tcpx_ao_get_info },
	{ .name = TCP_AO_GET_KEYS, .get_any = tcpx_ao_get_keys },
	{ .name = TCP_AO_REPAIR, .set_any = tcpx_ao_set_repair, .get_any = tcpx_ao_get_repair },
	{ .name = TCP_ULP, .set_any = tcpx_set_ulp, .get_any = tcpx_get_ulp },
	{ .name = TCP_SAVED_SYN, .get_any = tcpx_get_saved_syn_any },
	{ .name = TCP_INFO, .get_any = tcpx_get_info_any },
	{ .name = TCP_CC_INFO, .get_any = tcpx_get_cc_info },
};

static const struct tcpx_sockopt *tcpx_find_sockopt(int name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tcpx_sockopts); i++)
		if (tcpx_sockopts[i].name == name)
			return &tcpx_sockopts[i];
	return NULL;
}

static int tcpx_do_setsockopt(struct sock *sk, int optname, sockptr_t optval,
			      unsigned int optlen)
{
	const struct tcpx_sockopt *opt = tcpx_find_sockopt(optname);
	int val, err;

	if (opt && opt->set_any)
		return opt->set_any(sk, optval, optlen);
	/* In this order, as kernel TCP: also for options that do not exist. */
	if (optlen < sizeof(int))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (!opt || !opt->set)
		return -ENOPROTOOPT;
	if (val < opt->min || val > opt->max)
		return -EINVAL;

	sockopt_lock_sock(sk);
	err = opt->set(sk, val);
	sockopt_release_sock(sk);
	return err;
}

static int tcpx_do_getsockopt(struct sock *sk, int optname, char __user *optval,
			      int __user *optlen)
{
	const struct tcpx_sockopt *opt = tcpx_find_sockopt(optname);
	int val, len, err;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (!opt || (!opt->get && !opt->get_any))
		return -ENOPROTOOPT;

	if (opt->get_any) {
		/* Before what can be had but once is gone. */
		if (put_user(len, optlen))
			return -EFAULT;
		err = opt->get_any(sk, optval, &len);
		return put_user(len, optlen) ?: err;
	}
	len = min_t(int, len, sizeof(int));
	/* A word or a bit of what others change with the lock: each value that it had is right. */
	val = data_race(opt->get(sk));
	if (put_user(len, optlen) || copy_to_user(optval, &val, len))
		return -EFAULT;
	return 0;
}

/**
 * tcpx_setsockopt() - proto.setsockopt
 * @sk: socket
 * @level: IPPROTO_TCP, or what is below
 * @optname: which option
 * @optval: its value
 * @optlen: bytes of @optval
 *
 * Context: process; takes the socket lock.
 * Return: 0 or -errno, -ENOPROTOOPT if there is no such option
 */
int tcpx_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		    unsigned int optlen)
{
	if (level != SOL_TCP)
		return READ_ONCE(tcpx_sk(sk)->af_ops)->setsockopt(sk, level, optname,
								  optval, optlen);
	return tcpx_do_setsockopt(sk, optname, optval, optlen);
}

/**
 * tcpx_getsockopt() - proto.getsockopt
 * @sk: socket
 * @level: IPPROTO_TCP, or what is below
 * @optname: which option
 * @optval: where to
 * @optlen: in: room, out: bytes
 *
 * Context: process.
 * Return: 0 or -errno, -ENOPROTOOPT if there is no such option
 */
int tcpx_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		    int __user *optlen)
{
	if (level != SOL_TCP)
		return READ_ONCE(tcpx_sk(sk)->af_ops)->getsockopt(sk, level, optname,
								  optval, optlen);
	return tcpx_do_getsockopt(sk, optname, optval, optlen);
}

/* --- SOL_SOCKET ----------------------------------------------------------- */

/* SO_TIMESTAMPING may begin to count bytes: not before there are any, and from here on. */
static int tcpx_set_timestamping(struct socket *sock, int optname, sockptr_t optval,
				 unsigned int optlen)
{
	struct sock *sk = sock->sk;
	int val, err;

	if (((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)) &&
	    !(READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_OPT_ID) &&
	    optlen >= sizeof(val) && !copy_from_sockptr(&val, optval, sizeof(val)) &&
	    (val & SOF_TIMESTAMPING_OPT_ID))
		return -EINVAL;

	err = sock_setsockopt(sock, SOL_SOCKET, optname, optval, optlen);
	if (!err) {
		lock_sock(sk);
		tcpx_tskey_sync(sk);
		release_sock(sk);
	}
	return err;
}

/* SO_TXREHASH, which newer kernels leave to TCP; what it is they tell TCP only. */
static int tcpx_set_txrehash(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	int val;

	if (optlen < sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (val < -1 || val > 1)
		return -EINVAL;
	if (val < 0)
		val = READ_ONCE(sock_net(sk)->core.sysctl_txrehash);
	WRITE_ONCE(sk->sk_txrehash, (u8)val);
	return 0;
}

/**
 * tcpx_sock_setsockopt() - proto_ops.setsockopt
 * @sock: socket
 * @level: SOL_SOCKET (on kernels that ask), IPPROTO_TCP, or what is below
 * @optname: which option
 * @optval: its value
 * @optlen: bytes of @optval
 *
 * Those options of SOL_SOCKET that look at sk_protocol behave as on a TCP socket.
 *
 * Context: process; takes the socket lock.
 * Return: 0 or -errno
 */
int tcpx_sock_setsockopt(struct socket *sock, int level, int optname, sockptr_t optval,
			 unsigned int optlen)
{
	struct sock *sk = sock->sk;
	int err;

	if (level != SOL_SOCKET)
		return sock_common_setsockopt(sock, level, optname, optval, optlen);

	switch (optname) {
	case SO_ZEROCOPY:
		return tcpx_do_setsockopt(sk, TCPX_ZEROCOPY, optval, optlen);
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMPING_NEW:
		return tcpx_set_timestamping(sock, optname, optval, optlen);
	case SO_TXREHASH:
		err = sock_setsockopt(sock, level, optname, optval, optlen);
		return err == -EOPNOTSUPP ? tcpx_set_txrehash(sk, optval, optlen) : err;
	case SO_ATTACH_FILTER:
		if (!sockopt_ns_capable(sock_net(sk)->user_ns, CAP_NET_ADMIN))
			return -EPERM;
		break;
	}
	return sock_setsockopt(sock, level, optname, optval, optlen);
}
