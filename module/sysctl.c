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

/* net.tcpx.tcp_ecn: what net.ipv4.tcp_ecn can't be told, or 0: what it says holds. */
static int proc_ecn(compat_ctl_table *ctl, int write, void *buffer, size_t *lenp, loff_t *ppos)
{
	int val = READ_ONCE(*(int *)ctl->data);
	struct ctl_table local = {
		.data = &val, .maxlen = sizeof(val), .extra1 = ctl->extra1, .extra2 = ctl->extra2,
	};
	int err = proc_dointvec_minmax(&local, write, buffer, lenp, ppos);

	if (!write || err)
		return err;
	if (val && val < TCPX_ECN_IN_ACCECN_OUT_ACCECN)
		return -EINVAL;
	WRITE_ONCE(*(int *)ctl->data, val);
	return 0;
}

/* net.tcpx.congestion_control */
static int proc_congestion_control(compat_ctl_table *ctl, int write, void *buffer,
				   size_t *lenp, loff_t *ppos)
{
	struct tcpx_net *tn = container_of(ctl->data, struct tcpx_net,
					   sysctl.congestion_control);
	char name[TCP_CA_NAME_MAX];
	struct ctl_table local = { .data = name, .maxlen = sizeof(name) };
	int err;

	tcpx_get_default_congestion_control(tn, name);
	err = proc_dostring(&local, write, buffer, lenp, ppos);
	if (write && !err)
		err = tcpx_set_default_congestion_control(tn, name);
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

/**
 * struct tcpx_knob - a file below /proc/sys/net/tcpx
 * @name: of the file; the newest kernel's where net.ipv4 has it there
 * @offset: in struct tcpx_net, of an int or of what @handler takes
 * @host: net.ipv4 of this kernel has it, no need for ours
 * @preset: what it is at first; where @host may be true, what older kernels do
 * @least: smallest value
 * @most: greatest value
 * @maxlen: bytes, or 0: an int
 * @handler: or NULL: an int within the bounds
 * @read_only: mode 0444, else 0644
 */
struct tcpx_knob {
	const char	*name;
	size_t		offset;
	bool		host;
	int		preset;
	int		least;
	int		most;
	int		maxlen;
	int		(*handler)(compat_ctl_table *ctl, int write, void *buffer, size_t *lenp,
				   loff_t *ppos);
	bool		read_only;
};

#define KNOB(field)	.name = #field, .offset = offsetof(struct tcpx_net, sysctl.field)

static const struct tcpx_knob tcpx_knobs[] = {
	{ KNOB(tcp_max_orphans), .most = INT_MAX },
	{ KNOB(port_linger_ms), .preset = 500, .most = 60 * MSEC_PER_SEC },
	{ KNOB(congestion_control), .handler = proc_congestion_control,
	  .maxlen = TCP_CA_NAME_MAX },
	{ .name = "available_congestion_control", .maxlen = TCP_CA_BUF_MAX,
	  .handler = proc_available_congestion_control, .read_only = true },
	{ .name = "allowed_congestion_control", .maxlen = TCP_CA_BUF_MAX,
	  .handler = proc_allowed_congestion_control },
	{ KNOB(tcp_ecn), .host = TCPX_HAVE_SYSCTL_TCP_ECN_OPTION, .handler = proc_ecn,
	  .most = TCPX_ECN_IN_ACCECN_OUT_NOECN },
	{ KNOB(tcp_ecn_option), .host = TCPX_HAVE_SYSCTL_TCP_ECN_OPTION,
	  .preset = TCPX_ECN_OPTION_FULL, .most = 3 },
	/* times a round trip */
	{ KNOB(tcp_ecn_option_beacon), .host = TCPX_HAVE_SYSCTL_TCP_ECN_OPTION,
	  .preset = 3, .most = 3 },
	{ KNOB(tcp_rto_min_us), .host = TCPX_HAVE_SYSCTL_TCP_RTO_MIN_US,
	  .preset = USEC_PER_SEC / 5, .least = 1, .most = INT_MAX },
	{ KNOB(tcp_rto_max_ms), .host = TCPX_HAVE_SYSCTL_TCP_RTO_MAX_MS,
	  .preset = 120 * MSEC_PER_SEC, .least = MSEC_PER_SEC, .most = 120 * MSEC_PER_SEC },
	{ KNOB(tcp_syn_linear_timeouts), .host = TCPX_HAVE_SYSCTL_TCP_SYN_LINEAR_TIMEOUTS,
	  .most = MAX_TCP_SYNCNT },
	{ KNOB(tcp_tw_reuse_delay), .host = TCPX_HAVE_SYSCTL_TCP_TW_REUSE_DELAY,
	  .preset = MSEC_PER_SEC, .least = 1, .most = 60 * MSEC_PER_SEC },
	{ KNOB(tcp_comp_sack_rtt_percent), .host = TCPX_HAVE_SYSCTL_TCP_COMP_SACK_RTT_PERCENT,
	  .preset = 5, .least = 1, .most = 1000 },
	/* microseconds; 0: as in kernels that have no such knob */
	{ KNOB(tcp_rcvbuf_low_rtt), .host = TCPX_HAVE_SYSCTL_TCP_RCVBUF_LOW_RTT,
	  .most = INT_MAX },
	{ KNOB(tcp_plb_enabled), .host = TCPX_HAVE_SYSCTL_TCP_PLB, .most = 1 },
	{ KNOB(tcp_plb_idle_rehash_rounds), .host = TCPX_HAVE_SYSCTL_TCP_PLB,
	  .preset = 3, .most = 31 },
	{ KNOB(tcp_plb_rehash_rounds), .host = TCPX_HAVE_SYSCTL_TCP_PLB,
	  .preset = 12, .most = 31 },
	{ KNOB(tcp_plb_suspend_rto_sec), .host = TCPX_HAVE_SYSCTL_TCP_PLB,
	  .preset = 60, .most = 255 },
	/* 256ths */
	{ KNOB(tcp_plb_cong_thresh), .host = TCPX_HAVE_SYSCTL_TCP_PLB,
	  .preset = 128, .most = 256 },
	{ KNOB(tcp_backlog_ack_defer), .host = TCPX_HAVE_SYSCTL_TCP_BACKLOG_ACK_DEFER,
	  .preset = 1, .most = 1 },
};

/* What the kernel registers for @knob. */
static struct ctl_table tcpx_knob_entry(struct tcpx_net *tn, const struct tcpx_knob *knob)
{
	return (struct ctl_table) {
		.procname	= knob->name,
		.data		= (void *)tn + knob->offset,
		.maxlen		= knob->maxlen ?: sizeof(int),
		.mode		= knob->read_only ? 0444 : 0644,
		.proc_handler	= knob->handler ?: proc_dointvec_minmax,
		.extra1		= (void *)&knob->least,
		.extra2		= (void *)&knob->most,
	};
}

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
	const struct tcpx_knob *knob;
	struct ctl_table *table;
	size_t count = 0;

	/* One more: the entry that ends the table, where it is not its size that does. */
	table = kcalloc(ARRAY_SIZE(tcpx_knobs) + 1, sizeof(*table), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (knob = tcpx_knobs; knob < tcpx_knobs + ARRAY_SIZE(tcpx_knobs); knob++) {
		if (knob->host)
			continue;
		table[count] = tcpx_knob_entry(tn, knob);
		if (!knob->handler || knob->handler == proc_ecn)
			*(int *)table[count].data = knob->preset;
		/* One list for all, the first netns's */
		if (knob->handler == proc_allowed_congestion_control && !net_eq(tn->net, &init_net))
			table[count].mode = 0444;
		count++;
	}
	tn->sysctl.tcp_max_orphans = default_max_orphans();
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
