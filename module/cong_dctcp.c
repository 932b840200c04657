// SPDX-License-Identifier: GPL-2.0
/*
 * DCTCP (rfc8257): the window shrinks in proportion to how much of it was marked,
 * so that a queue that marks early stays short and the link full.
 *
 * The receiver's half, an ECE that tells of each segment, is ecn.c's
 * (TCPX_CONG_EXACT_ECE). Where ECN was not negotiated, this is Reno, and says so
 * by its name.
 */
#include "cong.h"

/* Fractions of one in 2^20ths: fine enough that alpha can fade to nothing. */
#define DCTCP_ONE	((u32)BIT(20))
#define DCTCP_INFO_ONE	1024	/* what TCP_CC_INFO calls one */

/* g = 1/16, rfc8257#section-4.2 */
#define DCTCP_SHIFT_G	4

/**
 * struct dctcp - the private state of a connection
 * @alpha: estimate of the fraction of segments marked, DCTCP_ONE: all
 * @window_end: the observation window ends when this sequence number is acked
 * @delivered: cc->delivered when it began
 * @delivered_ce: cc->delivered_ce when it began
 * @loss_cwnd: window before the last reduction
 * @plb: the marks also tell of a congested path
 * @recovery: a loss has been answered
 */
struct dctcp {
	u32	alpha;
	u32	window_end;
	u32	delivered;
	u32	delivered_ce;
	u32	loss_cwnd;
	struct tcpx_plb	plb;
	bool	recovery;
};

static_assert(sizeof(struct dctcp) <= TCPX_CC_PRIV_SIZE);

static struct tcpx_congestion_ops dctcp_reno;

static void dctcp_window_begin(struct dctcp *ca, const struct tcpx_cc *cc)
{
	ca->window_end = cc->snd_nxt;
	ca->delivered = cc->delivered;
	ca->delivered_ce = cc->delivered_ce;
}

/* Until it is known better, every segment is taken for marked: section 4.2. */
static void tcpx_dctcp_init(struct tcpx_cc *cc)
{
	struct dctcp *ca = tcpx_cc_priv(cc);

	if (!(tcpx_cc_ecn(cc) & TCPX_CC_ECN_OK)) {
		cc->ops = &dctcp_reno;
		return;
	}
	memset(ca, 0, sizeof(*ca));
	ca->alpha = DCTCP_ONE;
	dctcp_window_begin(ca, cc);
}

/* alpha = (1 - g) * alpha + g * M, rfc8257#section-3.3 step 5 and 6 */
static void tcpx_dctcp_update_alpha(struct dctcp *ca, const struct tcpx_cc *cc)
{
	u32 delivered = cc->delivered - ca->delivered;
	u32 marked = cc->delivered_ce - ca->delivered_ce;
	u32 alpha = ca->alpha;

	/* Rounded up, lest it stops above zero. */
	alpha -= (alpha + (1U << DCTCP_SHIFT_G) - 1) >> DCTCP_SHIFT_G;
	if (marked)
		alpha += div_u64((u64)marked * (DCTCP_ONE >> DCTCP_SHIFT_G),
				 max(delivered, 1U));
	WRITE_ONCE(ca->alpha, min(alpha, DCTCP_ONE));
}

/* Once a window, before the ACK that ends it is acted upon. */
static void dctcp_in_ack(struct tcpx_cc *cc)
{
	struct dctcp *ca = tcpx_cc_priv(cc);

	if ((s32)(cc->snd_una - ca->window_end) < 0)
		return;
	tcpx_dctcp_update_alpha(ca, cc);
	/* A further segment of an answer acknowledges nothing: no round without marks. */
	if (cc->delivered != ca->delivered)
		tcpx_plb_round(cc, &ca->plb, cc->delivered_ce - ca->delivered_ce,
			       cc->delivered - ca->delivered);
	dctcp_window_begin(ca, cc);
}

/* cwnd * (1 - alpha / 2), rfc8257#section-3.3 step 9 */
static u32 tcpx_dctcp_ssthresh(struct tcpx_cc *cc)
{
	struct dctcp *ca = tcpx_cc_priv(cc);
	u32 cwnd = cc->snd_cwnd;

	ca->loss_cwnd = cwnd;
	cwnd -= (u64)cwnd * ca->alpha / (2 * DCTCP_ONE);
	return max(cwnd, 2U);
}

/* A loss is answered as ever, rfc8257#section-3.5, rfc5681#section-3.1. */
static void dctcp_loss(struct tcpx_cc *cc)
{
	struct dctcp *ca = tcpx_cc_priv(cc);

	ca->loss_cwnd = cc->snd_cwnd;
	cc->snd_ssthresh = tcpx_reno_ssthresh(cc);
}

static void dctcp_set_state(struct tcpx_cc *cc, u8 new_state)
{
	struct dctcp *ca = tcpx_cc_priv(cc);

	if (new_state == TCP_CA_Recovery && !ca->recovery)
		dctcp_loss(cc);
	ca->recovery = new_state == TCP_CA_Recovery;
}

/* An RTO, once for each, and the end of idleness. */
static void tcpx_dctcp_cwnd_event(struct tcpx_cc *cc, enum tcpx_ca_event ev, u32 now32)
{
	struct dctcp *ca = tcpx_cc_priv(cc);

	if (ev == TCPX_CA_EVENT_LOSS) {
		tcpx_plb_suspend(cc, &ca->plb);
		dctcp_loss(cc);
	} else if (ev == TCPX_CA_EVENT_TX_START) {
		tcpx_plb_check_rehash(cc, &ca->plb);
	}
}

static u32 dctcp_undo_cwnd(struct tcpx_cc *cc)
{
	const struct dctcp *ca = tcpx_cc_priv(cc);

	return max(cc->snd_cwnd, ca->loss_cwnd);
}

static size_t dctcp_get_info(const struct tcpx_cc *cc, void *buf, size_t len)
{
	const struct dctcp *ca = (const struct dctcp *)cc->priv;
	struct tcp_dctcp_info *info = buf;

	if (len < sizeof(*info))
		return 0;
	memset(info, 0, sizeof(*info));
	if (READ_ONCE(cc->ops) == &dctcp_reno)
		return sizeof(*info);
	info->dctcp_enabled = 1;
	info->dctcp_ce_state = !!(tcpx_cc_ecn(cc) & TCPX_CC_ECN_CE);
	info->dctcp_alpha = READ_ONCE(ca->alpha) / (DCTCP_ONE / DCTCP_INFO_ONE);
	info->dctcp_ab_ecn = cc->mss_cache * (cc->delivered_ce - ca->delivered_ce);
	info->dctcp_ab_tot = cc->mss_cache * (cc->delivered - ca->delivered);
	return sizeof(*info);
}

/* Those that kernel TCP has as kfuncs must not have their names: its module would not load. */
struct tcpx_congestion_ops tcpx_dctcp = {
	.init		= tcpx_dctcp_init,
	.in_ack		= dctcp_in_ack,
	.ssthresh	= tcpx_dctcp_ssthresh,
	.cong_avoid	= tcpx_reno_cong_avoid,
	.set_state	= dctcp_set_state,
	.cwnd_event	= tcpx_dctcp_cwnd_event,
	.undo_cwnd	= dctcp_undo_cwnd,
	.get_info	= dctcp_get_info,
	.diag_attr	= INET_DIAG_DCTCPINFO,
	.name		= "dctcp",
	.owner		= THIS_MODULE,
	.flags		= TCPX_CONG_NEEDS_ECN | TCPX_CONG_EXACT_ECE,
};

/* What is left of it without ECN; not in the registry. */
static struct tcpx_congestion_ops dctcp_reno = {
	.ssthresh	= tcpx_reno_ssthresh,
	.cong_avoid	= tcpx_reno_cong_avoid,
	.undo_cwnd	= tcpx_reno_undo_cwnd,
	.get_info	= dctcp_get_info,
	.diag_attr	= INET_DIAG_DCTCPINFO,
	.name		= "dctcp-reno",
	.owner		= THIS_MODULE,
};
