// SPDX-License-Identifier: GPL-2.0
/*
 * net.tcpx.*, per netns. Only what net.ipv4.tcp_* does not say or does not
 * let a module read; all the rest is the host's knobs (net->ipv4).
 */
#include "tcpx.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#define PORT_LINGER_DEFAULT_MS	500
#define PORT_LINGER_MAX_MS	60000

#define ECN_OPTION_BEACON_DEFAULT	3	/* times a round trip */

static int port_linger_max = PORT_LINGER_MAX_MS;
static int ecn_max = TCPX_ECN_IN_ACCECN_OUT_NOECN;
static int ecn_option_beacon_max = 255;

/* net.tcpx.tcp_ecn: what net.ipv4.tcp_ecn can't be told, or 0: what it says holds. */
static int proc_ecn(compat_ctl_table *ctl, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	int val = READ_ONCE(*(int *)ctl->data);
	struct ctl_table local = {
		.data = &val, .maxlen = sizeof(val), .extra1 = SYSCTL_ZERO, .extra2 = &ecn_max,
	};
	int err = proc_dointvec_minmax(&local, write, buffer, lenp, ppos);

	if (!write || err)
		return err;
	if (val && val < TCPX_ECN_IN_ACCECN_OUT_ACCECN)
		return -EINVAL;
	WRITE_ONCE(*(int *)ctl->data, val);
	return 0;
}

/* net.tcpx.congestion_control: data is the struct tcpx_net. */
static int proc_congestion_control(compat_ctl_table *ctl, int write, void *buffer,
				   size_t *lenp, loff_t *ppos)
{
	char name[TCP_CA_NAME_MAX];
	struct ctl_table local = { .data = name, .maxlen = sizeof(name) };
	int err;

	tcpx_get_default_congestion_control(ctl->data, name);
	err = proc_dostring(&local, write, buffer, lenp, ppos);
	if (write && !err)
		err = tcpx_set_default_congestion_control(ctl->data, name);
	return err;
}

static int proc_available_congestion_control(compat_ctl_table *ctl, int write, void *buffer,
					     size_t *lenp, loff_t *ppos)
{
	struct ctl_table local = { .maxlen = TCP_CA_BUF_MAX };
	int err;

	local.data = kmalloc(local.maxlen, GFP_KERNEL);
	if (!local.data)
		return -ENOMEM;
	tcpx_get_available_congestion_control(local.data, local.maxlen);
	err = proc_dostring(&local, write, buffer, lenp, ppos);
	kfree(local.data);
	return err;
}

/* As net.ipv4.tcp_allowed_congestion_control: one list for all, the first netns's. */
static int proc_allowed_congestion_control(compat_ctl_table *ctl, int write, void *buffer,
					   size_t *lenp, loff_t *ppos)
{
	struct ctl_table local = { .maxlen = TCP_CA_BUF_MAX };
	int err;

	local.data = kmalloc(local.maxlen, GFP_KERNEL);
	if (!local.data)
		return -ENOMEM;
	tcpx_get_allowed_congestion_control(local.data, local.maxlen);
	err = proc_dostring(&local, write, buffer, lenp, ppos);
	if (write && !err)
		err = tcpx_set_allowed_congestion_control(local.data);
	kfree(local.data);
	return err;
}

/* In the order of this enum; init_net's tables are copies, too. The last ones are there
 * only if the kernel has not got them itself.
 */
enum {
	CTL_TCP_MAX_ORPHANS,
	CTL_PORT_LINGER_MS,
	CTL_CONGESTION_CONTROL,
	CTL_AVAILABLE_CONGESTION_CONTROL,
	CTL_ALLOWED_CONGESTION_CONTROL,
	CTL_TCP_ECN,
	CTL_TCP_ECN_OPTION,
	CTL_TCP_ECN_OPTION_BEACON,
	CTL_COUNT
};

static const struct ctl_table tcpx_table[CTL_COUNT + 1] = {
	[CTL_TCP_MAX_ORPHANS] = {
		.procname	= "tcp_max_orphans",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
	},
	[CTL_PORT_LINGER_MS] = {
		.procname	= "port_linger_ms",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &port_linger_max,
	},
	[CTL_CONGESTION_CONTROL] = {
		.procname	= "congestion_control",
		.maxlen		= TCP_CA_NAME_MAX,
		.mode		= 0644,
		.proc_handler	= proc_congestion_control,
	},
	[CTL_AVAILABLE_CONGESTION_CONTROL] = {
		.procname	= "available_congestion_control",
		.maxlen		= TCP_CA_BUF_MAX,
		.mode		= 0444,
		.proc_handler	= proc_available_congestion_control,
	},
	[CTL_ALLOWED_CONGESTION_CONTROL] = {
		.procname	= "allowed_congestion_control",
		.maxlen		= TCP_CA_BUF_MAX,
		.mode		= 0644,
		.proc_handler	= proc_allowed_congestion_control,
	},
	[CTL_TCP_ECN] = {
		.procname	= "tcp_ecn",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_ecn,
	},
	[CTL_TCP_ECN_OPTION] = {
		.procname	= "tcp_ecn_option",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_THREE,
	},
	[CTL_TCP_ECN_OPTION_BEACON] = {
		.procname	= "tcp_ecn_option_beacon",
		.maxlen		= sizeof(int),
		.mode		= 0644,
		.proc_handler	= proc_dointvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &ecn_option_beacon_max,
	},
};

/* Kernel TCP's default: half the slots of its connection table, which has one
 * for every 128 KiB of memory and at most half a million.
 */
static int default_max_orphans(void)
{
	unsigned long slots = totalram_pages() >> (17 - PAGE_SHIFT);

	return roundup_pow_of_two(clamp(slots, 2UL, 512 * 1024UL)) / 2;
}

/**
 * tcpx_sysctl_net_init() - defaults, and the files under /proc/sys/net/tcpx
 * @tn: netns
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_sysctl_net_init(struct tcpx_net *tn)
{
	size_t count = COMPAT_ECN_SYSCTLS ? CTL_TCP_ECN : CTL_COUNT;
	struct ctl_table *table;

	tn->sysctl.ecn_option = TCPX_ECN_OPTION_FULL;
	tn->sysctl.ecn_option_beacon = ECN_OPTION_BEACON_DEFAULT;
	tn->sysctl.max_orphans = default_max_orphans();
	tn->sysctl.port_linger_ms = PORT_LINGER_DEFAULT_MS;
	table = kmemdup(tcpx_table, sizeof(tcpx_table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	table[CTL_TCP_MAX_ORPHANS].data = &tn->sysctl.max_orphans;
	table[CTL_PORT_LINGER_MS].data = &tn->sysctl.port_linger_ms;
	table[CTL_CONGESTION_CONTROL].data = tn;
	table[CTL_TCP_ECN].data = &tn->sysctl.ecn;
	table[CTL_TCP_ECN_OPTION].data = &tn->sysctl.ecn_option;
	table[CTL_TCP_ECN_OPTION_BEACON].data = &tn->sysctl.ecn_option_beacon;
	/* The entry that ends the table, where it is not its size that does. */
	memset(table + count, 0, sizeof(*table));
	if (!net_eq(tn->net, &init_net))
		table[CTL_ALLOWED_CONGESTION_CONTROL].mode = 0444;
	tn->sysctl.hdr = compat_register_net_sysctl(tn->net, "net/tcpx", table, count);
	if (!tn->sysctl.hdr) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * tcpx_sysctl_net_exit() - the reverse
 * @tn: netns
 */
void tcpx_sysctl_net_exit(struct tcpx_net *tn)
{
	const struct ctl_table *table = tn->sysctl.hdr->ctl_table_arg;

	unregister_net_sysctl_table(tn->sysctl.hdr);
	kfree(table);
	tcpx_set_default_congestion_control(tn, "");
}

/**
 * tcpx_sysctl_mem() - net.ipv4.tcp_mem: low, pressure and high mark, in pages
 */
const long *tcpx_sysctl_mem(void)
{
	return tcp_prot.sysctl_mem;
}
