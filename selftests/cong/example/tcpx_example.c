// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest congestion control that is one of its own: Reno, but it gives up a
 * quarter of its window at a loss, and never has more in flight than a parameter
 * says. The module's name, tcpx_NAME, is what AF_TCPX looks for if somebody asks for
 * an algorithm that is not there.
 */
#include "cong.h"

static unsigned int window = 7;
module_param(window, uint, 0644);
MODULE_PARM_DESC(window, "most segments in flight");

/* What a connection keeps; zero when it begins. */
struct example {
	u32 losses;
};

static u32 example_ssthresh(struct tcpx_cc *cc)
{
	struct example *ca = tcpx_cc_priv(cc);

	ca->losses++;
	return max(cc->snd_cwnd * 3 / 4, 2U);
}

static void example_cong_avoid(struct tcpx_cc *cc, u32 ack, u32 acked, u32 now32)
{
	if (!tcpx_is_cwnd_limited(cc))
		return;
	if (tcpx_in_slow_start(cc))
		acked = tcpx_slow_start(cc, acked);
	if (acked)
		tcpx_cong_avoid_ai(cc, cc->snd_cwnd, acked);
	cc->snd_cwnd = min(cc->snd_cwnd, READ_ONCE(window));
}

static struct tcpx_congestion_ops example = {
	.ssthresh	= example_ssthresh,
	.cong_avoid	= example_cong_avoid,
	.undo_cwnd	= tcpx_reno_undo_cwnd,
	.name		= "example",
	.owner		= THIS_MODULE,
};

static int __init example_init(void)
{
	BUILD_BUG_ON(sizeof(struct example) > TCPX_CC_PRIV_SIZE);
	return tcpx_register_congestion_control(&example);
}

static void __exit example_exit(void)
{
	tcpx_unregister_congestion_control(&example);
}

module_init(example_init);
module_exit(example_exit);

MODULE_DESCRIPTION("Example of a congestion control for AF_TCPX");
MODULE_LICENSE("GPL");
