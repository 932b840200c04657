// SPDX-License-Identifier: GPL-2.0
/*
 * Protective load balancing: a connection that finds its path congested for several
 * round trips chooses another one, by another hash (and IPv6 flow label). The policy is that of
 * Qureshi et al., "PLB: Congestion Signals are Simple and Effective for Network Load
 * Balancing", SIGCOMM 2022; the knobs are net.ipv4.tcp_plb_*.
 */
#include "tcpx.h"

#define TCPX_PLB_SCALE		8	/* tcp_plb_cong_thresh counts 256ths */

/**
 * tcpx_plb_round() - a round trip is over: how congested was it?
 * @cc: of a connection
 * @plb: what its algorithm keeps for us
 * @marked: segments delivered in it that had a congestion mark
 * @delivered: segments delivered in it
 *
 * Context: socket lock.
 */
void tcpx_plb_round(struct tcpx_cc *cc, struct tcpx_plb *plb, u32 marked, u32 delivered)
{
	const struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);
	struct net *net = sock_net(&tp->inet.sk);
	u32 ratio = 0;

	if (!tcpx_sysctl_plb_enabled(net))
		return;
	if (delivered)
		ratio = div_u64((u64)marked << TCPX_PLB_SCALE, delivered);
	if (ratio < tcpx_sysctl_plb_cong_thresh(net))
		plb->cong_rounds = 0;
	else if (plb->cong_rounds < tcpx_sysctl_plb_rehash_rounds(net))
		plb->cong_rounds++;
	tcpx_plb_check_rehash(cc, plb);
}
EXPORT_SYMBOL_GPL(tcpx_plb_round);

/**
 * tcpx_plb_check_rehash() - another path, if this one was congested for long enough
 * @cc: of a connection
 * @plb: what its algorithm keeps for us
 *
 * Who sends again after it was idle reorders nothing by that, so fewer rounds are enough.
 *
 * Context: socket lock.
 */
void tcpx_plb_check_rehash(struct tcpx_cc *cc, struct tcpx_plb *plb)
{
	struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);
	struct sock *sk = (struct sock *)tp;
	struct net *net = sock_net(sk);
	u32 idle_rounds = tcpx_sysctl_plb_idle_rehash_rounds(net);
	u32 rounds = tcpx_sysctl_plb_rehash_rounds(net);

	if (!tcpx_sysctl_plb_enabled(net))
		return;
	if (idle_rounds && !tp->packets_out)
		rounds = min(rounds, idle_rounds);
	if (plb->cong_rounds < rounds)
		return;
	if (plb->suspended) {
		s32 left = plb->suspended_until - tcpx_jiffies32();

		/* More than it can have been: the clock has gone round since. */
		if (left > 0 && left <= 2 * HZ * (s32)tcpx_sysctl_plb_suspend_rto_sec(net))
			return;
		plb->suspended = false;
	}
	tcpx_rethink_path(sk);
	plb->cong_rounds = 0;
	WRITE_ONCE(tp->plb_rehash, tp->plb_rehash + 1);
	TCPX_NET_INC(net, LINUX_MIB_TCPPLBREHASH);
}
EXPORT_SYMBOL_GPL(tcpx_plb_check_rehash);

/**
 * tcpx_plb_suspend() - a retransmission timeout, which has chosen another path itself
 * @cc: of a connection
 * @plb: what its algorithm keeps for us
 *
 * No other one is chosen for tcp_plb_suspend_rto_sec to twice that, at random: many
 * connections lose their path at once, and shall not come back to it at once.
 *
 * Context: socket lock.
 */
void tcpx_plb_suspend(struct tcpx_cc *cc, struct tcpx_plb *plb)
{
	const struct tcpx_sock *tp = container_of(cc, struct tcpx_sock, cc);
	struct net *net = sock_net(&tp->inet.sk);
	u32 pause;

	if (!tcpx_sysctl_plb_enabled(net))
		return;
	pause = tcpx_sysctl_plb_suspend_rto_sec(net) * HZ;
	pause += pause ? tcpx_cc_random(cc, pause) : 0;
	plb->suspended_until = tcpx_jiffies32() + pause;
	plb->suspended = pause;
	plb->cong_rounds = 0;
}
EXPORT_SYMBOL_GPL(tcpx_plb_suspend);
