// SPDX-License-Identifier: GPL-2.0
/*
 * Load, unload, network namespaces; and the static key that makes the module
 * cost kernel TCP nothing while there is nothing of ours.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "tcpx.h"

/* How long the static key outlives the last object. Switching it patches the
 * kernel's text on all CPUs: not for each of a row of short-lived sockets.
 */
#define TCPX_ACTIVE_LINGER	(5 * HZ)

int tcpx_family = AF_TCPX;
module_param_named(family, tcpx_family, int, 0444);
MODULE_PARM_DESC(family, "address family number, one that no other protocol uses (default "
		 __stringify(AF_TCPX) ")");

unsigned int tcpx_net_id __read_mostly;
static u32 tcpx_hash_secret __ro_after_init;

/**
 * tcpx_secret() - random number of this load of the module
 *
 * Only to mix into hashes that need not withstand cryptanalysis.
 */
u32 tcpx_secret(void)
{
	return tcpx_hash_secret;
}

/* --- is there anything of ours? -------------------------------------------- */

DEFINE_STATIC_KEY_FALSE(tcpx_active);

/* Full sockets, request socks and TIME_WAIT entries. Leaves 0 only under
 * tcpx_active_mutex, with the key on; so where it is not 0, the key is on.
 */
static atomic_t tcpx_active_count = ATOMIC_INIT(0);
static DEFINE_MUTEX(tcpx_active_mutex);

static void tcpx_active_off(struct work_struct *work)
{
	struct net *net;

	mutex_lock(&tcpx_active_mutex);
	if (!atomic_read(&tcpx_active_count)) {
		static_branch_disable(&tcpx_active);
		/* A socket made meanwhile may lose its netns's hook: it is only slower,
		 * until the next one asks for the hook.
		 */
		down_read(&net_rwsem);
		for_each_net(net)
			tcpx_early_demux_off(tcpx_pernet(net));
		up_read(&net_rwsem);
	}
	mutex_unlock(&tcpx_active_mutex);
}

static DECLARE_DELAYED_WORK(tcpx_active_work, tcpx_active_off);

static void tcpx_active_first(void)
{
	mutex_lock(&tcpx_active_mutex);
	static_branch_enable(&tcpx_active);
	atomic_inc(&tcpx_active_count);
	mutex_unlock(&tcpx_active_mutex);
}

static int tcpx_hashinfo_need(struct tcpx_net *tn)
{
	int err = 0;

	if (likely(READ_ONCE(tn->hinfo)))
		return 0;
	mutex_lock(&tn->hinfo_mutex);
	if (!tn->hinfo)
		err = tcpx_hashinfo_alloc(tn);
	mutex_unlock(&tn->hinfo_mutex);
	return err;
}

/**
 * tcpx_active_get() - count one more object, maybe the first
 * @net: netns it is in, which gets its tables if it has none
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM, then nothing is counted.
 */
int tcpx_active_get(struct net *net)
{
	int err = tcpx_hashinfo_need(tcpx_pernet(net));

	if (err)
		return err;
	if (!atomic_inc_not_zero(&tcpx_active_count))
		tcpx_active_first();
	return 0;
}

/**
 * tcpx_active_hold() - count one more object, made from one that is counted
 *
 * Context: any.
 */
void tcpx_active_hold(void)
{
	atomic_inc(&tcpx_active_count);
}

/**
 * tcpx_active_put() - count one object less
 *
 * Context: any.
 */
void tcpx_active_put(void)
{
	if (atomic_dec_and_test(&tcpx_active_count))
		schedule_delayed_work(&tcpx_active_work, TCPX_ACTIVE_LINGER);
}

/* --- network namespaces ---------------------------------------------------- */

static int __net_init tcpx_net_init(struct net *net)
{
	struct tcpx_net *tn = tcpx_pernet(net);
	int err;

	tn->net = net;
	mutex_init(&tn->hinfo_mutex);
	tcpx_early_net_init(tn);
	tcpx_bind_net_init(tn);

	err = tcpx_mib_init(tn);
	if (err)
		return err;
	err = tcpx_sysctl_net_init(tn);
	if (err)
		goto err_mib;
	err = tcpx_proc_net_init(net);
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	tcpx_sysctl_net_exit(tn);
err_mib:
	tcpx_mib_exit(tn);
	return err;
}

/* Sockets hold their netns, so none is left: only what holds nothing. */
static void __net_exit tcpx_net_exit(struct net *net)
{
	struct tcpx_net *tn = tcpx_pernet(net);

	tcpx_early_net_exit(tn);
	tcpx_proc_net_exit(net);
	tcpx_sysctl_net_exit(tn);
	tcpx_timewait_net_purge(tn);
	tcpx_bind_net_exit(tn);
	tcpx_metrics_flush(net);
	WARN_ON_ONCE(atomic_read(&tn->nr_sock) || atomic_read(&tn->req_count));
}

static void __net_exit tcpx_net_exit_batch(struct list_head *nets)
{
	struct net *net;

	/* Lookups by the input handler read the tables under RCU. */
	synchronize_rcu();
	list_for_each_entry(net, nets, exit_list) {
		tcpx_hashinfo_free(tcpx_pernet(net));
		tcpx_mib_exit(tcpx_pernet(net));
	}
}

static struct pernet_operations tcpx_net_ops = {
	.init		= tcpx_net_init,
	.exit		= tcpx_net_exit,
	.exit_batch	= tcpx_net_exit_batch,
	.id		= &tcpx_net_id,
	.size		= sizeof(struct tcpx_net),
};

/* --- load and unload ------------------------------------------------------- */

static int __init tcpx_family_register(void)
{
	int err = tcpx_af_register();

	if (err == -EEXIST)
		pr_err("address family %d has an owner already, choose another by family=\n",
		       tcpx_family);
	return err;
}

static int __init tcpx_init(void)
{
	int err;

	if (tcpx_family <= AF_UNSPEC || tcpx_family >= AF_MAX) {
		pr_err("family=%d: must be from 1 to %d\n", tcpx_family, AF_MAX - 1);
		return -EINVAL;
	}
	get_random_bytes(&tcpx_hash_secret, sizeof(tcpx_hash_secret));

	err = tcpx_proto_init();
	if (err)
		return err;
	err = tcpx_timewait_init();
	if (err)
		goto err_proto;
	err = tcpx_bind_init();
	if (err)
		goto err_timewait;
	err = tcpx_request_init();
	if (err)
		goto err_bind;
	err = tcpx_cookie_init();
	if (err)
		goto err_listen;
	err = tcpx_cong_init();
	if (err)
		goto err_listen;
	err = tcpx_tsq_init();
	if (err)
		goto err_cong;
	err = tcpx_metrics_init();
	if (err)
		goto err_tsq;
	err = register_pernet_subsys(&tcpx_net_ops);
	if (err)
		goto err_metrics;
	/* Segments before sockets: none shall send a SYN and not hear the answer. */
	err = tcpx_v4_init();
	if (err)
		goto err_pernet;
	err = tcpx_v6_init();
	if (err)
		goto err_v4;
	err = tcpx_diag_init();
	if (err)
		goto err_v6;
	err = tcpx_family_register();
	if (err)
		goto err_diag;

	pr_info("address family %d\n", tcpx_family);
	return 0;

err_diag:
	tcpx_diag_exit();
err_v6:
	tcpx_v6_exit();
err_v4:
	tcpx_v4_exit();
err_pernet:
	unregister_pernet_subsys(&tcpx_net_ops);
err_metrics:
	tcpx_metrics_exit();
err_tsq:
	tcpx_tsq_exit();
err_cong:
	tcpx_cong_exit();
err_listen:
	tcpx_request_exit();
err_bind:
	tcpx_bind_exit();
err_timewait:
	tcpx_timewait_exit();
err_proto:
	tcpx_proto_exit();
	return err;
}

/* Every socket holds the module, so there is none any more. What is left: TIME_WAIT
 * entries, reservations, and what waits for a grace period.
 */
static void __exit tcpx_exit(void)
{
	tcpx_af_unregister();
	tcpx_diag_exit();
	tcpx_v6_exit();
	tcpx_v4_exit();
	/* It looks into each netns, and must not when our part of them is gone. It does not
	 * come back: what the namespaces still have to give up is not the last.
	 */
	tcpx_active_hold();
	cancel_delayed_work_sync(&tcpx_active_work);
	unregister_pernet_subsys(&tcpx_net_ops);
	WARN_ON_ONCE(atomic_read(&tcpx_active_count) != 1);
	tcpx_metrics_exit();
	tcpx_tsq_exit();
	tcpx_cong_exit();
	rcu_barrier();
	tcpx_request_exit();
	tcpx_bind_exit();
	tcpx_timewait_exit();
	tcpx_auth_exit();
	tcpx_tx_exit();
	tcpx_proto_exit();
}

module_init(tcpx_init);
module_exit(tcpx_exit);

MODULE_DESCRIPTION("TCP of its own behind an address family of its own");
MODULE_AUTHOR("The AF_TCPX authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(AF_TCPX);
MODULE_ALIAS_NET_PF_PROTO_TYPE(PF_NETLINK, NETLINK_SOCK_DIAG, AF_TCPX);
