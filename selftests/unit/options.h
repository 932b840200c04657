/* SPDX-License-Identifier: GPL-2.0 */
/* module/options.c in user space: what is around its pieces, for tests and the fuzzer. */
#ifndef TCPX_UNIT_OPTIONS_H
#define TCPX_UNIT_OPTIONS_H

struct net {
	struct {
		u8 sysctl_tcp_window_scaling, sysctl_tcp_timestamps, sysctl_tcp_sack;
	} ipv4;
};

struct sk_buff {
	struct tcphdr *th;
	u64 tstamp;
	struct {
		u8 sacked, tcp_flags;
	} cb;
};

struct sock;
struct tcpx_request_sock;
struct tcpx_md5_key;

/* Of those of rfc5925 what the option says. */
struct tcpx_ao_key {
	u8 sndid, maclen;
};

struct tcp_fastopen_cookie {
	u64 val[2];
	s8 len;
	bool exp;
};

#include "options-types.h"

/* What the pieces use of the module's own. */
struct tcpx_disorder {
	struct tcp_sack_block duplicate_sack[1];
	struct tcp_sack_block selective_acks[4];
};

struct tcpx_sock {
	struct tcpx_options_received rx_opt;
	u32 tsoffset;
	struct tcpx_disorder *disorder;
};

struct inet_request_sock {
	struct {
		u32 ts_recent;
	} req;
	u8 rcv_wscale;
	bool tstamp_ok, wscale_ok, sack_ok;
};

struct tcpx_request_sock {
	struct inet_request_sock req;
	u32 ts_off;
};

#define TCPX_CB(skb)	(&(skb)->cb)
#define tcp_hdr(skb)	((skb)->th)
#define tcpx_sk(sk)	((struct tcpx_sock *)(sk))

/* AccECN is in use when there is a counter. */
static bool accecn;
static int accecn_least;

static bool tcpx_ecn_accurate(const struct tcpx_sock *tp)
{
	return accecn;
}

static int accecn_option_len(struct tcpx_out_options *opts, unsigned int room, int least,
			     unsigned int padding);

static int tcpx_accecn_option(const struct sock *sk, struct tcpx_out_options *opts,
			      unsigned int room)
{
	opts->accecn[0] = 0x010203;
	opts->accecn[1] = 0x040506;
	opts->accecn[2] = 0x070809;
	return accecn_option_len(opts, room, accecn_least, opts->num_sack_blocks ? 2 : 0);
}

/* A socket has a key when there is one. */
static const struct tcpx_md5_key *md5_key;

static void tcpx_auth_find(struct tcpx_auth *auth, const struct sock *sk,
			   const struct sock *addr_sk)
{
	auth->md5 = md5_key;
	auth->size = md5_key ? TCPOLEN_MD5SIG_ALIGNED : 0;
}

static const struct net all_on = { { 1, 1, 1 } };

#include "options-code.h"

/* A header with options, in memory that ends where the header does. */
static struct tcphdr *header(const u8 *options, int len)
{
	struct tcphdr *th = calloc(1, sizeof(*th) + len);

	th->doff = (sizeof(*th) + len) / 4;
	memcpy(th + 1, options, len);
	return th;
}

#endif /* TCPX_UNIT_OPTIONS_H */
