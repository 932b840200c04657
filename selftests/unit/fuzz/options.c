// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer's way into module/options.c: whatever the bytes behind a header, nothing else
 * is read (ASan knows where the header ends), what comes out is in bounds, and the fast
 * path says what the slow one says.
 *
 * The first byte of an input is the situation, the rest are option bytes.
 */
#include <linux/types.h>

#include "../options.h"

#define SYN		1
#define ESTABLISHED	2
#define TSTAMP_OK	4
#define SACK_OK		8
#define ALL_OFF		16

static const struct net all_off;

/* An invariant: what abort() says is where. */
#define HOLDS(x)	do { if (!(x)) abort(); } while (0)

static void check(const struct tcpx_options_received *opt, const struct sk_buff *skb,
		  const u8 *bytes, int len)
{
	int sack = skb->cb.sacked - (int)sizeof(struct tcphdr), acc;

	HOLDS(opt->snd_wscale <= 14);
	HOLDS(!opt->saw_tstamp || len >= TCPOLEN_TIMESTAMP);
	if (skb->cb.sacked) {
		HOLDS(sack >= 0 && sack + 2 <= len && bytes[sack] == TCPOPT_SACK);
		HOLDS(sack + bytes[sack + 1] <= len);
		HOLDS((bytes[sack + 1] - 2) % 8 == 0 && bytes[sack + 1] > 2);
	}
	if (opt->accecn) {
		acc = opt->accecn - (int)sizeof(struct tcphdr);
		HOLDS(acc >= 0 && acc + bytes[acc + 1] <= len);
	}
}

/* As a segment of a connection would be: both ways of reading it. */
static void check_fast(const struct net *net, const u8 *bytes, int len, bool sack_ok)
{
	struct tcpx_sock tp = { .rx_opt = { .tstamp_ok = 1, .sack_ok = sack_ok } };
	struct tcpx_options_received slow = tp.rx_opt;
	struct sk_buff skb = { .th = header(bytes, len) }, again = { .th = skb.th };

	if (tcpx_fast_parse_options(net, &skb, skb.th, &tp)) {
		tcpx_parse_options(net, &again, &slow, true);
		HOLDS(tp.rx_opt.saw_tstamp == slow.saw_tstamp);
		HOLDS(!slow.saw_tstamp || (tp.rx_opt.rcv_tsval == slow.rcv_tsval &&
					   tp.rx_opt.rcv_tsecr == slow.rcv_tsecr));
	}
	free(skb.th);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct net *net;
	struct tcpx_options_received opt = {};
	struct sk_buff skb = {};
	const u8 *md5, *ao;
	int len;

	if (!size)
		return 0;
	len = min_t(int, size - 1, 40) & ~3;
	net = data[0] & ALL_OFF ? &all_off : &all_on;
	opt.tstamp_ok = !!(data[0] & TSTAMP_OK);
	opt.sack_ok = !!(data[0] & SACK_OK);
	skb.th = header(data + 1, len);
	skb.th->syn = data[0] & SYN;
	tcpx_parse_options(net, &skb, &opt, data[0] & ESTABLISHED);
	check(&opt, &skb, data + 1, len);
	tcpx_parse_mss_option(skb.th, data[0] & TSTAMP_OK ? 536 : 0);
	tcpx_auth_options(skb.th, &md5, &ao);
	free(skb.th);
	check_fast(net, data + 1, len, opt.sack_ok);
	return 0;
}
