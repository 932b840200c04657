// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of congestion controls, and which one a socket uses: the one
 * it asked for with TCP_CONGESTION, else its netns's default. That is
 * net.tcpx.congestion_control if somebody set it, else the algorithm that
 * net.ipv4.tcp_congestion_control names if we have one of that name, else cubic.
 * A route that names one (ip route ... congctl) has the last word.
 *
 * Who uses an algorithm holds its module, except for those of this module:
 * sockets hold it anyway, and a default must not.
 */
#include "tcpx.h"

#include <linux/jhash.h>
#include <linux/kmod.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/string.h>

static DEFINE_SPINLOCK(cong_lock);	/* writers of cong_list */
static LIST_HEAD(cong_list);

static bool cong_get(const struct tcpx_congestion_ops *ops)
{
	return ops->owner == THIS_MODULE || try_module_get(ops->owner);
}

static void cong_put(const struct tcpx_congestion_ops *ops)
{
	if (ops && ops->owner != THIS_MODULE)
		module_put(ops->owner);
}

/* What kernel TCP has for a name in its registry, and in RTAX_CC_ALGO of a route. It tells
 * modules neither key nor name of the latter, but how the one comes from the other is no secret.
 */
static u32 cong_key(const char *name)
{
	u32 words[TCP_CA_NAME_MAX / sizeof(u32)] = {};

	strscpy((char *)words, name, sizeof(words));
	return jhash(words, sizeof(words), strlen(name));
}

/* Under RCU or cong_lock. */
static struct tcpx_congestion_ops *cong_find(const char *name)
{
	struct tcpx_congestion_ops *ops;

	list_for_each_entry_rcu(ops, &cong_list, list, lockdep_is_held(&cong_lock))
		if (!strcmp(ops->name, name))
			return ops;
	return NULL;
}

/* The one of a name by its cong_key(); under RCU. */
static struct tcpx_congestion_ops *cong_find_key(u32 key)
{
	struct tcpx_congestion_ops *ops;

	list_for_each_entry_rcu(ops, &cong_list, list)
		if (ops->key == key)
			return ops;
	return NULL;
}

/* cong_find(), loading the module "tcpx_NAME" for those who may. Under RCU, lets go of it. */
static struct tcpx_congestion_ops *cong_find_load(const char *name)
{
	struct tcpx_congestion_ops *ops = cong_find(name);

	if (ops || !capable(CAP_NET_ADMIN))
		return ops;
	rcu_read_unlock();
	request_module("tcpx_%s", name);
	rcu_read_lock();
	return cong_find(name);
}

/**
 * tcpx_register_congestion_control() - make an algorithm available
 * @ops: stays in use until tcpx_unregister_congestion_control()
 *
 * Return: 0, -EINVAL if it lacks a required function or has a name that
 * TCP_CONGESTION cannot carry, -EEXIST if the name is taken.
 */
int tcpx_register_congestion_control(struct tcpx_congestion_ops *ops)
{
	int err = 0;

	if (!ops->ssthresh || !ops->undo_cwnd || (!ops->cong_avoid && !ops->cong_control) ||
	    !ops->name || !*ops->name || strlen(ops->name) >= TCP_CA_NAME_MAX)
		return -EINVAL;
	ops->key = cong_key(ops->name);
	spin_lock(&cong_lock);
	if (cong_find(ops->name))
		err = -EEXIST;
	else
		list_add_tail_rcu(&ops->list, &cong_list);
	spin_unlock(&cong_lock);
	return err;
}
EXPORT_SYMBOL_GPL(tcpx_register_congestion_control);

/**
 * tcpx_unregister_congestion_control() - take an algorithm away
 * @ops: nobody uses it any more, as its module's count was 0
 *
 * Context: process, sleeps for a grace period.
 */
void tcpx_unregister_congestion_control(struct tcpx_congestion_ops *ops)
{
	spin_lock(&cong_lock);
	list_del_rcu(&ops->list);
	spin_unlock(&cong_lock);
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(tcpx_unregister_congestion_control);

/* The netns's default; under RCU, no reference taken. */
static struct tcpx_congestion_ops *cong_default(struct tcpx_net *tn)
{
	const struct tcp_congestion_ops *host;
	struct tcpx_congestion_ops *ops;

	ops = rcu_dereference(tn->sysctl.congestion_control);
	if (ops)
		return ops;
	host = rcu_dereference(tn->net->ipv4.tcp_congestion_control);
	ops = host ? cong_find_key(host->key) : NULL;
	return ops ?: &tcpx_cubic;
}

/**
 * tcpx_assign_congestion_control() - give a socket its netns's default
 * @sk: new socket, or a child whose listener asked for none
 *
 * Context: any; nobody else sees the socket, or its lock is held.
 */
void tcpx_assign_congestion_control(struct sock *sk)
{
	struct tcpx_cc *cc = &tcpx_sk(sk)->cc;
	struct tcpx_congestion_ops *ops;

	rcu_read_lock();
	ops = cong_default(tcpx_pernet(sock_net(sk)));
	if (!cong_get(ops))
		ops = &tcpx_reno;
	WRITE_ONCE(cc->ops, ops);
	rcu_read_unlock();
	memset(cc->priv, 0, sizeof(cc->priv));
	tcpx_ecn_ca_changed(sk);
}

/**
 * tcpx_init_congestion_control() - the connection is established
 * @sk: socket, locked
 */
void tcpx_init_congestion_control(struct sock *sk)
{
	struct tcpx_cc *cc = &tcpx_sk(sk)->cc;

	cc->prior_ssthresh = 0;
	if (cc->ops->init)
		cc->ops->init(cc);
	tcpx_ecn_ca_changed(sk);
	if (cc->ops->cong_control)
		tcpx_cc_set_pacing_rate(sk, cc->pacing_rate);
	/* fq, if it is there, says so with the first packet. */
	if (cc->ops->flags & TCPX_CONG_NEEDS_PACING)
		cmpxchg(&sk->sk_pacing_status, SK_PACING_NONE, SK_PACING_NEEDED);
}

/**
 * tcpx_cleanup_congestion_control() - the socket uses no algorithm any more
 * @sk: socket, locked or about to be freed
 */
void tcpx_cleanup_congestion_control(struct sock *sk)
{
	struct tcpx_cc *cc = &tcpx_sk(sk)->cc;

	if (!cc->ops)
		return;
	if (cc->ops->release)
		cc->ops->release(cc);
	cong_put(cc->ops);
	WRITE_ONCE(cc->ops, NULL);
}

/* The new algorithm's reference is ours already. */
static void cong_replace(struct sock *sk, struct tcpx_congestion_ops *ops)
{
	const int unsynced = TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT | TCPF_SYN_RECV;
	struct tcpx_cc *cc = &tcpx_sk(sk)->cc;
	const struct tcpx_congestion_ops *old = cc->ops;

	if (old->release)
		old->release(cc);
	memset(cc->priv, 0, sizeof(cc->priv));
	WRITE_ONCE(cc->ops, ops);
	cong_put(old);
	tcpx_ecn_ca_changed(sk);
	/* A child of Fast Open has been at work since its SYN. */
	if (!((1 << sk->sk_state) & unsynced) || tcpx_sk(sk)->fastopen_rsk)
		tcpx_init_congestion_control(sk);
}

/**
 * tcpx_set_congestion_control() - setsockopt(TCP_CONGESTION)
 * @sk: socket, locked
 * @name: algorithm
 * @cap_net_admin: the caller may choose any
 *
 * Return: 0, -ENOENT no such algorithm, -EPERM not for everybody, or the route
 * decides, -EBUSY its module is being unloaded.
 */
int tcpx_set_congestion_control(struct sock *sk, const char *name, bool cap_net_admin)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_congestion_ops *ops;
	int err = 0;

	if (tp->ca_dst_locked)
		return -EPERM;
	rcu_read_lock();
	ops = cong_find_load(name);
	if (!ops)
		err = -ENOENT;
	else if (ops == tp->cc.ops)
		;
	else if (!(READ_ONCE(ops->flags) & TCPX_CONG_NON_RESTRICTED) && !cap_net_admin)
		err = -EPERM;
	else if (!cong_get(ops))
		err = -EBUSY;
	else
		cong_replace(sk, ops);
	if (!err)
		tp->ca_setsockopt = 1;
	rcu_read_unlock();
	return err;
}

/**
 * tcpx_child_congestion_control() - the algorithm of an accepted connection
 * @child: copy of the listener, not visible yet
 *
 * The listener's if it asked for one, else the default of today.
 *
 * Context: softirq.
 */
void tcpx_child_congestion_control(struct sock *child)
{
	struct tcpx_sock *tp = tcpx_sk(child);

	if (!tp->ca_setsockopt || !cong_get(tp->cc.ops))
		tcpx_assign_congestion_control(child);
	else
		memset(tp->cc.priv, 0, sizeof(tp->cc.priv));
}

/**
 * tcpx_dst_congestion_control() - the route may want an algorithm
 * @sk: socket, locked, before the connection is established
 * @dst: its route, or NULL
 */
void tcpx_dst_congestion_control(struct sock *sk, const struct dst_entry *dst)
{
	u32 key = dst ? dst_metric(dst, RTAX_CC_ALGO) : TCP_CA_UNSPEC;
	struct tcpx_sock *tp = tcpx_sk(sk);
	struct tcpx_congestion_ops *ops;

	if (likely(key == TCP_CA_UNSPEC))
		return;
	rcu_read_lock();
	ops = cong_find_key(key);
	if (ops && (ops == tp->cc.ops || cong_get(ops))) {
		tp->ca_dst_locked = !!dst_metric_locked(dst, RTAX_CC_ALGO);
		if (ops != tp->cc.ops)
			cong_replace(sk, ops);
	}
	rcu_read_unlock();
}

static void cong_names(char *buf, size_t len, u32 flags)
{
	struct tcpx_congestion_ops *ops;
	size_t used = 0;

	*buf = '\0';
	rcu_read_lock();
	list_for_each_entry_rcu(ops, &cong_list, list)
		if ((READ_ONCE(ops->flags) & flags) == flags)
			used += scnprintf(buf + used, len - used, "%s%s", used ? " " : "",
					  ops->name);
	rcu_read_unlock();
}

/**
 * tcpx_get_available_congestion_control() - names, separated by blanks
 * @buf: result, always terminated
 * @len: its size, not 0
 */
void tcpx_get_available_congestion_control(char *buf, size_t len)
{
	cong_names(buf, len, 0);
}

/**
 * tcpx_get_allowed_congestion_control() - those that everybody may choose
 * @buf: result, always terminated
 * @len: its size, not 0
 */
void tcpx_get_allowed_congestion_control(char *buf, size_t len)
{
	cong_names(buf, len, TCPX_CONG_NON_RESTRICTED);
}

static void cong_allow(struct tcpx_congestion_ops *ops, bool on)
{
	u32 flags = READ_ONCE(ops->flags) & ~TCPX_CONG_NON_RESTRICTED;

	WRITE_ONCE(ops->flags, flags | (on ? TCPX_CONG_NON_RESTRICTED : 0));
}

static bool cong_listed(const struct tcpx_congestion_ops *ops, const char *names)
{
	size_t n = strlen(ops->name);
	const char *at;

	for (at = skip_spaces(names); *at; at = skip_spaces(at + strcspn(at, " ")))
		if (strcspn(at, " ") == n && !strncmp(at, ops->name, n))
			return true;
	return false;
}

static int cong_count_names(const char *names)
{
	const char *at;
	int n = 0;

	for (at = skip_spaces(names); *at; at = skip_spaces(at + strcspn(at, " ")))
		n++;
	return n;
}

/**
 * tcpx_set_allowed_congestion_control() - say which everybody may choose
 * @names: separated by blanks
 *
 * Return: 0; -ENOENT if there is not one of each name, or one is there twice: nothing
 * is changed then.
 */
int tcpx_set_allowed_congestion_control(const char *names)
{
	struct tcpx_congestion_ops *ops;
	int missing = cong_count_names(names);

	spin_lock(&cong_lock);
	list_for_each_entry(ops, &cong_list, list)
		missing -= cong_listed(ops, names);
	if (!missing)
		list_for_each_entry(ops, &cong_list, list)
			cong_allow(ops, cong_listed(ops, names));
	spin_unlock(&cong_lock);
	return missing ? -ENOENT : 0;
}

/**
 * tcpx_get_default_congestion_control() - the algorithm a new socket would get
 * @tn: netns
 * @name: result, TCP_CA_NAME_MAX bytes
 */
void tcpx_get_default_congestion_control(struct tcpx_net *tn, char *name)
{
	rcu_read_lock();
	strscpy(name, cong_default(tn)->name, TCP_CA_NAME_MAX);
	rcu_read_unlock();
}

/* Only the first netns may make everybody's what was not. */
static int cong_may_be_default(struct tcpx_net *tn, struct tcpx_congestion_ops *ops)
{
	u32 flags = READ_ONCE(ops->flags);

	if (flags & TCPX_CONG_NON_RESTRICTED)
		return 0;
	if (!net_eq(tn->net, &init_net))
		return -EPERM;
	WRITE_ONCE(ops->flags, flags | TCPX_CONG_NON_RESTRICTED);
	return 0;
}

/**
 * tcpx_set_default_congestion_control() - write net.tcpx.congestion_control
 * @tn: netns
 * @name: algorithm, or "" to follow net.ipv4.tcp_congestion_control again
 *
 * Return: 0, -ENOENT no such algorithm, -EPERM not from this netns, -EBUSY its
 * module is being unloaded.
 */
int tcpx_set_default_congestion_control(struct tcpx_net *tn, const char *name)
{
	struct tcpx_congestion_ops *ops = NULL, *old;
	int err = 0;

	rcu_read_lock();
	if (*name) {
		ops = cong_find_load(name);
		if (!ops)
			err = -ENOENT;
		else if (!cong_get(ops))
			err = -EBUSY;
		else
			err = cong_may_be_default(tn, ops);
	}
	if (!err) {
		old = unrcu_pointer(xchg(&tn->sysctl.congestion_control, RCU_INITIALIZER(ops)));
		cong_put(old);
	} else if (err == -EPERM) {
		cong_put(ops);
	}
	rcu_read_unlock();
	return err;
}

/**
 * tcpx_cc_paced() - are the segments spaced out before they leave?
 * @cc: of a connection; lock: sock
 */
bool tcpx_cc_paced(const struct tcpx_cc *cc)
{
	const struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);

	return READ_ONCE(tp->inet.sk.sk_pacing_status) != SK_PACING_NONE;
}
EXPORT_SYMBOL_GPL(tcpx_cc_paced);

/**
 * tcpx_cc_count() - count what an algorithm did
 * @cc: of a connection
 * @mib: LINUX_MIB_*
 * @n: add this
 */
void tcpx_cc_count(const struct tcpx_cc *cc, int mib, u32 n)
{
	const struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);

	TCPX_NET_ADD(sock_net(&tp->inet.sk), mib, n);
}
EXPORT_SYMBOL_GPL(tcpx_cc_count);

/**
 * tcpx_cc_ecn() - what the connection knows of ECN
 * @cc: of a connection
 *
 * Return: TCPX_CC_ECN_*
 */
u32 tcpx_cc_ecn(const struct tcpx_cc *cc)
{
	const struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);
	u8 flags = READ_ONCE(tp->ecn_flags);

	return (flags & TCPX_ECN_MODE ? TCPX_CC_ECN_OK : 0) |
	       (flags & TCPX_ECN_DEMAND_CWR ? TCPX_CC_ECN_CE : 0);
}
EXPORT_SYMBOL_GPL(tcpx_cc_ecn);

/**
 * tcpx_cc_random() - a random number, so that connections do not move in step
 * @cc: of a connection
 * @n: how many there are to choose from, not 0
 *
 * Return: 0 to @n - 1
 */
u32 tcpx_cc_random(const struct tcpx_cc *cc, u32 n)
{
	return get_random_u32_below(n);
}
EXPORT_SYMBOL_GPL(tcpx_cc_random);

static struct tcpx_congestion_ops *const cong_own[] = {
	&tcpx_reno, &tcpx_cubic, &tcpx_dctcp, &tcpx_bbr,
};

/**
 * tcpx_cong_init() - register our own algorithms
 *
 * Return: 0; or -errno, and nothing is registered.
 */
int tcpx_cong_init(void)
{
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(cong_own) && !err; i++)
		err = tcpx_register_congestion_control(cong_own[i]);
	if (!err)
		return 0;
	for (i--; i > 0; i--)
		tcpx_unregister_congestion_control(cong_own[i - 1]);
	return err;
}

/**
 * tcpx_cong_exit() - the reverse
 */
void tcpx_cong_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(cong_own); i > 0; i--)
		tcpx_unregister_congestion_control(cong_own[i - 1]);
}
