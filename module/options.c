// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: TCP options, read and written. rfc9293#section-3.1, rfc7323
 * (window scale, timestamps), rfc2018 (SACK), rfc7413 (Fast Open).
 *
 * An option that is malformed ends the parsing; what was read before it
 * counts. An unknown one is skipped.
 */

#include "tcpx.h"

/**
 * tcpx_clear_options() - forget what a SYN's options said
 * @opt: options
 */
void tcpx_clear_options(struct tcpx_options_received *opt)
{
	opt->tstamp_ok = 0;
	opt->sack_ok = 0;
	opt->wscale_ok = 0;
	opt->snd_wscale = 0;
	opt->num_sacks = 0;
}

static u16 tcpx_clamp_mss(u16 mss, u16 user_mss)
{
	return user_mss && user_mss < mss ? user_mss : mss;
}

static void tcpx_parse_wscale(struct tcpx_options_received *opt, u8 shift)
{
	opt->wscale_ok = 1;
	if (shift > TCP_MAX_WSCALE) {
		/* rfc7323#section-2.3: log, and use 14 */
		net_info_ratelimited("tcpx: window scale %u beyond %u received\n",
				     shift, TCP_MAX_WSCALE);
		shift = TCP_MAX_WSCALE;
	}
	opt->snd_wscale = shift;
}

/* One option; ptr at its value. */
static void tcpx_parse_one(const struct net *net, const struct sk_buff *skb,
			   struct tcpx_options_received *opt, bool estab,
			   const u8 *ptr, int code, int size)
{
	const struct tcphdr *th = tcp_hdr(skb);
	bool opening = th->syn && !estab;

	switch (code) {
	case TCPOPT_MSS:
		if (size == TCPOLEN_MSS && opening && get_unaligned_be16(ptr))
			opt->mss_clamp = tcpx_clamp_mss(get_unaligned_be16(ptr), opt->user_mss);
		break;
	case TCPOPT_WINDOW:
		if (size == TCPOLEN_WINDOW && opening &&
		    READ_ONCE(net->ipv4.sysctl_tcp_window_scaling))
			tcpx_parse_wscale(opt, *ptr);
		break;
	case TCPOPT_TIMESTAMP:
		if (size == TCPOLEN_TIMESTAMP &&
		    (estab ? opt->tstamp_ok : READ_ONCE(net->ipv4.sysctl_tcp_timestamps))) {
			opt->saw_tstamp = 1;
			opt->rcv_tsval = get_unaligned_be32(ptr);
			opt->rcv_tsecr = get_unaligned_be32(ptr + 4);
		}
		break;
	case TCPOPT_SACK_PERM:
		if (size == TCPOLEN_SACK_PERM && opening && READ_ONCE(net->ipv4.sysctl_tcp_sack)) {
			opt->sack_ok = 1;
			opt->dsack = 0;
			opt->num_sacks = 0;
		}
		break;
	case TCPOPT_SACK:
		if (size >= TCPOLEN_SACK_BASE + TCPOLEN_SACK_PERBLOCK &&
		    !((size - TCPOLEN_SACK_BASE) % TCPOLEN_SACK_PERBLOCK) && opt->sack_ok)
			TCPX_CB((struct sk_buff *)skb)->sacked = ptr - 2 - (const u8 *)th;
		break;
	case TCPX_OPT_KIND_ACCECN0:
	case TCPX_OPT_KIND_ACCECN1:
		/* Up to three counters, rfc9768#section-3.2.3; more is of the future. */
		if (!((size - TCPX_ACCECN_BASE) % TCPX_ACCECN_FIELD) &&
		    size <= TCPX_ACCECN_BASE + 3 * TCPX_ACCECN_FIELD)
			opt->accecn = ptr - 2 - (const u8 *)th;
		break;
	}
}

/**
 * tcpx_parse_options() - read all options of a segment
 * @net: netns, for tcp_window_scaling, tcp_timestamps, tcp_sack
 * @skb: segment, transport header set, whole header linear
 * @opt: what they say is added here; user_mss is respected
 * @estab: the connection is past its SYN: SYN options mean nothing
 *
 * The position of a SACK option goes to TCPX_CB(skb)->sacked.
 */
void tcpx_parse_options(const struct net *net, const struct sk_buff *skb,
			struct tcpx_options_received *opt, bool estab)
{
	const struct tcphdr *th = tcp_hdr(skb);
	const u8 *ptr = (const u8 *)(th + 1);
	int length = th->doff * 4 - sizeof(*th);

	opt->saw_tstamp = 0;
	opt->accecn = 0;
	while (length > 0) {
		int code = *ptr, size;

		if (code == TCPOPT_EOL)
			return;
		if (code == TCPOPT_NOP) {
			ptr++;
			length--;
			continue;
		}
		if (length < 2)
			return;
		size = ptr[1];
		if (size < 2 || size > length)
			return;
		tcpx_parse_one(net, skb, opt, estab, ptr + 2, code, size);
		ptr += size;
		length -= size;
	}
}

/* The usual layout, NOP NOP TIMESTAMP, in one comparison (rfc7323 appendix A). */
static bool tcpx_parse_aligned_timestamp(struct tcpx_sock *tp, const struct tcphdr *th)
{
	const __be32 *ptr = (const __be32 *)(th + 1);

	if (*ptr != htonl((TCPOPT_NOP << 24) | (TCPOPT_NOP << 16) |
			  (TCPOPT_TIMESTAMP << 8) | TCPOLEN_TIMESTAMP))
		return false;
	tp->rx_opt.saw_tstamp = 1;
	tp->rx_opt.accecn = 0;
	tp->rx_opt.rcv_tsval = ntohl(ptr[1]);
	tp->rx_opt.rcv_tsecr = ntohl(ptr[2]) ? ntohl(ptr[2]) - tp->tsoffset : 0;
	return true;
}

/**
 * tcpx_fast_parse_options() - options of a segment on a connection
 * @net: netns
 * @skb: segment
 * @th: its header
 * @tp: socket; rx_opt is filled, our timestamp offset deducted from rcv_tsecr
 *
 * Return: true if a timestamp was seen.
 */
bool tcpx_fast_parse_options(const struct net *net, const struct sk_buff *skb,
			     const struct tcphdr *th, struct tcpx_sock *tp)
{
	if (th->doff == sizeof(*th) / 4) {
		tp->rx_opt.saw_tstamp = 0;
		tp->rx_opt.accecn = 0;
		return false;
	}
	if (tp->rx_opt.tstamp_ok &&
	    th->doff == (sizeof(*th) + TCPOLEN_TSTAMP_ALIGNED) / 4 &&
	    tcpx_parse_aligned_timestamp(tp, th))
		return true;

	tcpx_parse_options(net, skb, &tp->rx_opt, true);
	if (tp->rx_opt.saw_tstamp && tp->rx_opt.rcv_tsecr)
		tp->rx_opt.rcv_tsecr -= tp->tsoffset;
	return tp->rx_opt.saw_tstamp;
}

/**
 * tcpx_parse_mss_option() - MSS option of a SYN, nothing else
 * @th: header, followed by its options
 * @user_mss: TCP_MAXSEG or 0
 *
 * Return: bytes, 0 if there is none.
 */
u16 tcpx_parse_mss_option(const struct tcphdr *th, u16 user_mss)
{
	const u8 *ptr = (const u8 *)(th + 1);
	int length = th->doff * 4 - sizeof(*th);

	while (length > 0) {
		if (*ptr == TCPOPT_EOL)
			return 0;
		if (*ptr == TCPOPT_NOP) {
			ptr++;
			length--;
			continue;
		}
		if (length < 2 || ptr[1] < 2 || ptr[1] > length)
			return 0;
		if (*ptr == TCPOPT_MSS && ptr[1] == TCPOLEN_MSS && get_unaligned_be16(ptr + 2))
			return tcpx_clamp_mss(get_unaligned_be16(ptr + 2), user_mss);
		length -= ptr[1];
		ptr += ptr[1];
	}
	return 0;
}

/* Its value, behind kind, length and perhaps magic. */
static void tcpx_parse_cookie(struct tcp_fastopen_cookie *foc, const u8 *ptr, int len, bool exp)
{
	if (len < 0 || len & 1)
		return;
	if (len >= TCP_FASTOPEN_COOKIE_MIN && len <= TCP_FASTOPEN_COOKIE_MAX)
		memcpy(foc->val, ptr, len);
	else if (len)
		len = -1;
	foc->len = len;
	foc->exp = exp;
}

/**
 * tcpx_parse_fastopen_option() - Fast Open option of a SYN or SYN-ACK
 * @skb: segment, whole header linear
 * @foc: returns the cookie; len 0: the option is empty, -1: there is none that is valid
 *
 * rfc7413#section-4.1.1; under kind 34, or under 254 with a magic number, as it was
 * before that had been assigned.
 */
void tcpx_parse_fastopen_option(const struct sk_buff *skb, struct tcp_fastopen_cookie *foc)
{
	const struct tcphdr *th = tcp_hdr(skb);
	const u8 *ptr = (const u8 *)(th + 1);
	int length = th->doff * 4 - sizeof(*th);

	memset(foc, 0, sizeof(*foc));
	foc->len = -1;
	if (tcpx_syn_options_usual(th))
		return;
	while (length > 0 && *ptr != TCPOPT_EOL) {
		if (*ptr == TCPOPT_NOP) {
			ptr++;
			length--;
			continue;
		}
		if (length < 2 || ptr[1] < 2 || ptr[1] > length)
			return;
		if (*ptr == TCPOPT_FASTOPEN)
			tcpx_parse_cookie(foc, ptr + 2, ptr[1] - TCPOLEN_FASTOPEN_BASE, false);
		else if (*ptr == TCPOPT_EXP && ptr[1] >= TCPOLEN_EXP_FASTOPEN_BASE &&
			 get_unaligned_be16(ptr + 2) == TCPOPT_FASTOPEN_MAGIC)
			tcpx_parse_cookie(foc, ptr + 4, ptr[1] - TCPOLEN_EXP_FASTOPEN_BASE, true);
		length -= ptr[1];
		ptr += ptr[1];
	}
}

/* Room that it takes, if there is any; then it is in @opts. */
static unsigned int tcpx_fastopen_option(const struct tcp_fastopen_cookie *foc,
					 unsigned int size, struct tcpx_out_options *opts)
{
	unsigned int need;

	if (!foc || foc->len < 0)
		return 0;
	need = foc->len + (foc->exp ? TCPOLEN_EXP_FASTOPEN_BASE : TCPOLEN_FASTOPEN_BASE);
	need = ALIGN(need, 4);
	if (size + need > MAX_TCP_OPTION_SPACE)
		return 0;
	opts->options |= TCPX_OPT_FASTOPEN;
	opts->fastopen_cookie = foc;
	return need;
}

/**
 * tcpx_syn_options() - what to put into our SYN
 * @sk: socket in SYN_SENT, or SYN_RECV at simultaneous open
 * @skb: the SYN, skb->tstamp set
 * @opts: returns it
 *
 * Return: bytes, a multiple of 4.
 */
unsigned int tcpx_syn_options(struct sock *sk, struct sk_buff *skb, struct tcpx_out_options *opts)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	const struct net *net = sock_net(sk);
	/* In a SYN-ACK only what the peer's SYN offered. */
	bool ack = TCPX_CB(skb)->tcp_flags & TCPHDR_ACK;
	unsigned int size = TCPOLEN_MSS_ALIGNED;

	tcpx_auth_find(&opts->auth, sk, sk);
	size += opts->auth.size;
	opts->options = TCPX_OPT_MSS;
	opts->num_sack_blocks = 0;
	opts->mss = tcpx_advertise_mss(sk);
	/* With MD5's there is no room for SACK blocks later, which are worth more. */
	if (ack ? tp->rx_opt.tstamp_ok :
	    !opts->auth.md5 && READ_ONCE(net->ipv4.sysctl_tcp_timestamps)) {
		opts->options |= TCPX_OPT_TS;
		opts->tsval = tcpx_skb_timestamp(skb) + tp->tsoffset;
		opts->tsecr = tp->rx_opt.ts_recent;
		size += TCPOLEN_TSTAMP_ALIGNED;
	}
	if (ack ? tp->rx_opt.wscale_ok : READ_ONCE(net->ipv4.sysctl_tcp_window_scaling)) {
		opts->options |= TCPX_OPT_WSCALE;
		opts->ws = tp->rx_opt.rcv_wscale;
		size += TCPOLEN_WSCALE_ALIGNED;
	}
	if (ack ? tp->rx_opt.sack_ok : READ_ONCE(net->ipv4.sysctl_tcp_sack)) {
		opts->options |= TCPX_OPT_SACK_PERM;
		/* It takes the place of the timestamp's two NOPs. */
		if (!(opts->options & TCPX_OPT_TS))
			size += TCPOLEN_SACKPERM_ALIGNED;
	}
	if (unlikely(tp->fastopen_req)) {
		const struct tcp_fastopen_cookie *foc = &tp->fastopen_req->cookie;

		size += tcpx_fastopen_option(foc, size, opts);
		if (opts->options & TCPX_OPT_FASTOPEN) {
			tp->syn_fastopen = 1;
			tp->syn_fastopen_exp = foc->exp;
		}
	}
	/* Of a SYN-ACK, the first two of them: rfc9768#section-3.1.5 for a simultaneous open. */
	if (unlikely(ack && tcpx_ecn_accurate(tp) && tp->retransmits < 2))
		size += tcpx_accecn_synack_option(net, opts, MAX_TCP_OPTION_SPACE - size);
	return size;
}

/**
 * tcpx_synack_options() - what to put into a SYN-ACK
 * @lsk: listener
 * @req: request: only what its SYN offered
 * @mss: to advertise
 * @skb: the SYN-ACK, skb->tstamp set
 * @foc: Fast Open cookie to tell, or NULL
 * @opts: returns it
 *
 * Return: bytes, a multiple of 4.
 */
unsigned int tcpx_synack_options(const struct sock *lsk, struct tcpx_request_sock *req,
				 unsigned int mss, struct sk_buff *skb,
				 const struct tcp_fastopen_cookie *foc,
				 struct tcpx_out_options *opts)
{
	const struct inet_request_sock *ireq = &req->req;
	unsigned int size = TCPOLEN_MSS_ALIGNED;

	tcpx_auth_find(&opts->auth, lsk, (const struct sock *)req);
	size += opts->auth.size;
	opts->options = TCPX_OPT_MSS;
	opts->num_sack_blocks = 0;
	opts->mss = mss;
	if (ireq->wscale_ok) {
		opts->options |= TCPX_OPT_WSCALE;
		opts->ws = ireq->rcv_wscale;
		size += TCPOLEN_WSCALE_ALIGNED;
	}
	if (ireq->tstamp_ok) {
		opts->options |= TCPX_OPT_TS;
		opts->tsval = tcpx_skb_timestamp(skb) + req->ts_off;
		opts->tsecr = ireq->req.ts_recent;
		size += TCPOLEN_TSTAMP_ALIGNED;
	}
	if (ireq->sack_ok) {
		opts->options |= TCPX_OPT_SACK_PERM;
		if (!ireq->tstamp_ok)
			size += TCPOLEN_SACKPERM_ALIGNED;
	}
	return size + tcpx_fastopen_option(foc, size, opts);
}

/**
 * tcpx_established_options() - what to put into any other segment
 * @sk: socket, locked
 * @skb: the segment, skb->tstamp set; NULL: only the size is asked for
 * @opts: returns it
 *
 * Return: bytes, a multiple of 4.
 */
unsigned int tcpx_established_options(struct sock *sk, struct sk_buff *skb,
				      struct tcpx_out_options *opts)
{
	struct tcpx_sock *tp = tcpx_sk(sk);
	unsigned int size, blocks;

	tcpx_auth_find(&opts->auth, sk, sk);
	size = opts->auth.size;
	opts->options = 0;
	opts->num_sack_blocks = 0;
	if (likely(tp->rx_opt.tstamp_ok)) {
		opts->options |= TCPX_OPT_TS;
		opts->tsval = skb ? tcpx_skb_timestamp(skb) + tp->tsoffset : 0;
		opts->tsecr = tp->rx_opt.ts_recent;
		size += TCPOLEN_TSTAMP_ALIGNED;
	}
	blocks = tp->rx_opt.num_sacks + tp->rx_opt.dsack;
	/* Next to a signature and a timestamp there may be no room. */
	if (unlikely(blocks) && size <= MAX_TCP_OPTION_SPACE - TCPOLEN_SACK_BASE_ALIGNED -
					TCPOLEN_SACK_PERBLOCK) {
		unsigned int room = MAX_TCP_OPTION_SPACE - size - TCPOLEN_SACK_BASE_ALIGNED;

		opts->num_sack_blocks = min_t(unsigned int, blocks, room / TCPOLEN_SACK_PERBLOCK);
		size += TCPOLEN_SACK_BASE_ALIGNED +
			opts->num_sack_blocks * TCPOLEN_SACK_PERBLOCK;
	}
	if (tcpx_ecn_accurate(tp))
		size += tcpx_accecn_option(sk, opts, MAX_TCP_OPTION_SPACE - size);
	return size;
}

/**
 * tcpx_write_auth() - the option of a signature, which is filled in later
 * @ptr: place of the first option
 * @auth: what signs; it takes auth->size bytes
 */
void tcpx_write_auth(__be32 *ptr, const struct tcpx_auth *auth)
{
	const struct tcpx_ao_key *ao = auth->ao;

	if (auth->md5) {
		*ptr = htonl((TCPOPT_NOP << 24) | (TCPOPT_NOP << 16) | (TCPOPT_MD5SIG << 8) |
			     TCPOLEN_MD5SIG);
		return;
	}
	/* What the MAC leaves of its last word. */
	ptr[auth->size / 4 - 1] = htonl(TCPOPT_NOP * 0x01010101U);
	*ptr = htonl((TCPX_OPT_KIND_AO << 24) | ((TCPX_OPTLEN_AO_BASE + ao->maclen) << 16) |
		     (ao->sndid << 8) | auth->rnext);
}

static __be32 *tcpx_write_sack(__be32 *ptr, struct tcpx_sock *tp, int blocks, const u8 lead[2])
{
	const struct tcpx_disorder *d = tp->disorder;
	const struct tcp_sack_block *sp = d->selective_acks;
	int i;

	*ptr++ = htonl((u32)get_unaligned_be16(lead) << 16 | (TCPOPT_SACK << 8) |
		       (TCPOLEN_SACK_BASE + blocks * TCPOLEN_SACK_PERBLOCK));
	/* rfc2883#section-4: the D-SACK block comes first, and only once */
	if (tp->rx_opt.dsack) {
		*ptr++ = htonl(d->duplicate_sack[0].start_seq);
		*ptr++ = htonl(d->duplicate_sack[0].end_seq);
		tp->rx_opt.dsack = 0;
		blocks--;
	}
	for (i = 0; i < blocks; i++) {
		*ptr++ = htonl(sp[i].start_seq);
		*ptr++ = htonl(sp[i].end_seq);
	}
	return ptr;
}

static __be32 *tcpx_write_fastopen(__be32 *ptr, const struct tcp_fastopen_cookie *foc)
{
	u8 *p = (u8 *)ptr;
	u8 len;

	if (foc->exp) {
		len = TCPOLEN_EXP_FASTOPEN_BASE + foc->len;
		*ptr = htonl(((u32)TCPOPT_EXP << 24) | (len << 16) | TCPOPT_FASTOPEN_MAGIC);
		p += TCPOLEN_EXP_FASTOPEN_BASE;
	} else {
		len = TCPOLEN_FASTOPEN_BASE + foc->len;
		*p++ = TCPOPT_FASTOPEN;
		*p++ = len;
	}
	memcpy(p, foc->val, foc->len);
	/* Lengths are even. */
	if (len & 2)
		memset(p + foc->len, TCPOPT_NOP, 2);
	return ptr + DIV_ROUND_UP(len, 4);
}

/**
 * tcpx_options_write() - write them behind a header
 * @th: header with room for what the size functions returned
 * @tp: socket, for its SACK blocks; NULL in a SYN-ACK of a request
 * @opts: what to write
 */
void tcpx_options_write(struct tcphdr *th, struct tcpx_sock *tp,
			const struct tcpx_out_options *opts)
{
	/* What pads the next option; a part of AccECN's may take its place. */
	u8 pad[2] = { TCPOPT_NOP, TCPOPT_NOP };
	__be32 *ptr = (__be32 *)(th + 1);
	u8 options = opts->options;
	bool rest = (options & TCPX_OPT_ACCECN) && opts->accecn_fields < 2;

	if (unlikely(opts->auth.size)) {
		tcpx_write_auth(ptr, &opts->auth);
		ptr += opts->auth.size / 4;
	}
	if (options & TCPX_OPT_MSS)
		*ptr++ = htonl((TCPOPT_MSS << 24) | (TCPOLEN_MSS << 16) | opts->mss);
	if (options & TCPX_OPT_TS) {
		u32 lead = (TCPOPT_NOP << 24) | (TCPOPT_NOP << 16);

		if (options & TCPX_OPT_SACK_PERM) {
			lead = (TCPOPT_SACK_PERM << 24) | (TCPOLEN_SACK_PERM << 16);
			options &= ~TCPX_OPT_SACK_PERM;
		}
		*ptr++ = htonl(lead | (TCPOPT_TIMESTAMP << 8) | TCPOLEN_TIMESTAMP);
		*ptr++ = htonl(opts->tsval);
		*ptr++ = htonl(opts->tsecr);
	}
	if (unlikely(options & TCPX_OPT_ACCECN))
		ptr = tcpx_accecn_write_option(ptr, opts, pad);
	if (options & TCPX_OPT_SACK_PERM) {
		*ptr++ = htonl((u32)get_unaligned_be16(pad) << 16 |
			       (TCPOPT_SACK_PERM << 8) | TCPOLEN_SACK_PERM);
		rest = false;
	}
	if (options & TCPX_OPT_WSCALE) {
		/* One byte of place, not for half of two. */
		bool fits = rest && opts->accecn_fields == 1;

		*ptr++ = htonl((fits ? (u32)pad[0] : TCPOPT_NOP) << 24 | (TCPOPT_WINDOW << 16) |
			       (TCPOLEN_WINDOW << 8) | opts->ws);
		rest = rest && !fits;
	}
	if (unlikely(opts->num_sack_blocks))
		ptr = tcpx_write_sack(ptr, tp, opts->num_sack_blocks, pad);
	else if (unlikely(rest))
		*ptr++ = htonl((u32)get_unaligned_be16(pad) << 16 | (TCPOPT_NOP << 8) | TCPOPT_NOP);
	if (unlikely(options & TCPX_OPT_FASTOPEN))
		ptr = tcpx_write_fastopen(ptr, opts->fastopen_cookie);
}
