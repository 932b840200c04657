// SPDX-License-Identifier: GPL-2.0
/*
 * The language of segments: text to packet, packet to text, and the comparison
 * of a captured segment with the line that describes it.
 *
 * Names in a line given to tx(), all optional:
 *
 *	seq= ack=	relative; without them what comes next
 *	len=		payload, filled with the pattern of its place in the
 *			stream, or with fill=BYTE
 *	win= urg=	header fields
 *	mss= ws= sackok	options
 *	ts nots		timestamps; after a handshake with them they are sent
 *			by themselves, tsval= and tsecr= override the values
 *	sack=A:B,C:D	SACK blocks, in the numbers of the other side
 *	opt=HEX		further option bytes, as they are
 *	nosign badmac	of a connection with c->sign: without, with a wrong one
 *	keyid= rnext=	what the option of rfc5925 says
 *	ttl= tos= flow=	IP header fields: IPv6's hop limit and traffic class, too
 *	ext=hdfrsxn	IPv6 extension headers in this order: hop-by-hop and
 *			destination options, fragment, a route that is done,
 *			destination options unknown to be skipped or not, and
 *			a header that nobody knows
 *	doff= iplen=	lie about the length of the TCP header, of the packet
 *	badsum zerosum	wrong TCP checksum
 *	badip		an IP header to be dropped: wrong checksum, or in IPv6,
 *			which has none, an impossible source
 *	frag=N		send as IP fragments of N bytes, -N in reverse order
 *
 * Names in a line given to rx(); a number may follow =, !=, <=, >=, < or >:
 *
 *	seq ack len win urg mss ws tsval tsecr sacks doff ttl tos df
 *	flow
 *	keyid rnext	what the option of rfc5925 says
 *	fo foexp	bytes of the Fast Open cookie, under either kind
 *	acc e1b ceb e0b	counters in an AccECN option, and their values
 *	wnd		window in bytes, scaled as negotiated
 *	t		milliseconds since the last event of the connection
 *	mss ws sackok ts sack (bare)	the option is there
 *	nomss nows nosackok nots nosack noacc	it is not
 *	sack=A:B,C:D	exactly these blocks in this order
 *	nosign		it is not signed, as all of a connection with c->sign must be
 *	nopush		PSH is not set
 *	skip		segments before it that do not match are passed over
 *
 * The flags must be exactly those given, but PSH, which counts only when the
 * line has it. Without len the payload must be empty.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sign.h"

#define FLAGS	"FSRP.UEWA"
#define UNSET	(-1000000000000L)

struct tcp_hdr {
	__u16 source, dest;
	__u32 seq, ack;
	__u8 doff, flags;
	__u16 window, check, urg;
};

__u8 pattern(size_t offset)
{
	return (offset * 7 + (offset >> 8) * 13) & 0xff;
}

static __u16 parse_flags(const char *word)
{
	__u16 flags = 0;
	const char *at;

	for (; *word && *word != ' '; word++) {
		at = strchr(FLAGS, *word);
		if (at)
			flags |= 1 << (at - FLAGS);
	}
	return flags;
}

/* ---- packet to struct seg ---- */

static void parse_sack(struct seg *s, const __u8 *opt, int len)
{
	__u32 edge;
	int i;

	s->sacks = (len - 2) / 8;
	if (s->sacks > MAX_SACK)
		s->sacks = MAX_SACK;
	for (i = 0; i < s->sacks * 2; i++) {
		memcpy(&edge, opt + 2 + 4 * i, 4);
		s->sack[i / 2][i % 2] = ntohl(edge);
	}
}

static void parse_ts(struct seg *s, const __u8 *opt)
{
	memcpy(&s->tsval, opt + 2, 4);
	memcpy(&s->tsecr, opt + 6, 4);
	s->tsval = ntohl(s->tsval);
	s->tsecr = ntohl(s->tsecr);
	s->ts = 1;
}

static const char *parse_cookie(struct seg *s, int *fo, const __u8 *cookie, int len)
{
	if (len > MAX_COOKIE)
		return "Fast Open cookie of the wrong length";
	*fo = len;
	memcpy(s->cookie, cookie, len);
	return NULL;
}

static __u32 get24(const __u8 *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

/* rfc9768#section-3.2.3: two kinds, in the opposite order */
static void parse_accecn(struct seg *s, const __u8 *opt, int len)
{
	__u32 value[3] = { 0 };
	int i;

	s->acc = (len - 2) / 3;
	for (i = 0; i < s->acc && i < 3; i++)
		value[i] = get24(opt + 2 + 3 * i);
	s->ceb = value[1];
	s->e1b = value[*opt == 174 ? 0 : 2];
	s->e0b = value[*opt == 174 ? 2 : 0];
}

static const char *parse_option(struct seg *s, const __u8 *opt, int len)
{
	static const __u8 sizes[] = { [2] = 4, [3] = 3, [4] = 2, [8] = 10 };

	if (*opt < sizeof(sizes) && sizes[*opt] && sizes[*opt] != len)
		return "option of the wrong length";
	switch (*opt) {
	case 2:
		s->mss = opt[2] << 8 | opt[3];
		break;
	case 3:
		s->ws = opt[2];
		break;
	case 4:
		s->sackok = 1;
		break;
	case 5:
		parse_sack(s, opt, len);
		break;
	case 8:
		parse_ts(s, opt);
		break;
	case 29:
		s->keyid = len > 2 ? opt[2] : -1;
		s->rnext = len > 3 ? opt[3] : -1;
		break;
	case 34:
		return parse_cookie(s, &s->fo, opt + 2, len - 2);
	case 254:
		if (len >= 4 && opt[2] == 0xf9 && opt[3] == 0x89)
			return parse_cookie(s, &s->foexp, opt + 4, len - 4);
		break;
	case 172:
	case 174:
		parse_accecn(s, opt, len);
		break;
	}
	return NULL;
}

static const char *parse_options(struct seg *s, const __u8 *opt, int left)
{
	const char *bad = NULL;
	int len;

	s->mss = -1;
	s->ws = -1;
	s->sackok = -1;
	s->ts = -1;
	s->sacks = -1;
	s->fo = -1;
	s->foexp = -1;
	s->acc = -1;
	s->keyid = -1;
	s->rnext = -1;
	for (; left > 0 && *opt && !bad; opt += len, left -= len) {
		if (*opt == 1) {
			len = 1;
			continue;
		}
		len = left > 1 ? opt[1] : 0;
		if (len < 2 || len > left)
			return "option runs over the header";
		bad = parse_option(s, opt, len);
	}
	return bad;
}

static const char *parse_tcp(struct seg *s, const __u8 *p, int len)
{
	const struct tcp_hdr *th = (const void *)p;
	int hlen = (th->doff >> 4) * 4;

	if (hlen < 20 || hlen > len)
		return "impossible TCP header length";
	s->sport = ntohs(th->source);
	s->dport = ntohs(th->dest);
	s->seq = ntohl(th->seq);
	s->ack = ntohl(th->ack);
	s->win = ntohs(th->window);
	s->urg = ntohs(th->urg);
	s->flags = th->flags | (th->doff & 1 ? TH_AE : 0);
	s->doff = th->doff >> 4;
	s->len = len - hlen;
	memcpy(s->data, p + hlen, s->len);
	return parse_options(s, p + 20, hlen - 20);
}

/**
 * seg_parse() - read a captured packet and verify its checksums
 * @packet:	from the IP header on
 * @len:	bytes there
 * @bad:	set to what is wrong with the packet, else to NULL
 *
 * Return: the segment for the caller to free, NULL when it is no TCP segment
 * or a broken one.
 */
struct seg *seg_parse(const __u8 *packet, size_t len, const char **bad)
{
	struct seg *s = calloc(1, sizeof(*s));
	size_t hlen = ip_parse(s, packet, len, bad);

	if (hlen && !*bad) {
		memcpy(s->packet, packet, len);
		s->tcp = hlen;
		s->tcp_len = len - hlen;
		*bad = parse_tcp(s, packet + hlen, len - hlen);
		return s;
	}
	free(s);
	return NULL;
}

/* ---- struct seg to text ---- */

static int print_flags(char *out, __u16 flags)
{
	int i, n = 0;

	for (i = 0; FLAGS[i]; i++)
		if (flags & 1 << i)
			out[n++] = FLAGS[i];
	if (!n)
		out[n++] = '-';
	out[n] = 0;
	return n;
}

static int print_sack(const struct conn *c, const struct seg *s, char *out)
{
	int i, n = 0;

	*out = 0;
	for (i = 0; i < s->sacks; i++)
		n += sprintf(out + n, "%s%u:%u", i ? "," : "",
			     s->sack[i][0] - c->iss, s->sack[i][1] - c->iss);
	return n;
}

static int print_options(const struct conn *c, const struct seg *s, char *out)
{
	int n = 0;

	*out = 0;
	if (s->mss >= 0)
		n += sprintf(out + n, " mss=%d", s->mss);
	if (s->ws >= 0)
		n += sprintf(out + n, " ws=%d", s->ws);
	if (s->sackok > 0)
		n += sprintf(out + n, " sackok");
	if (s->ts > 0)
		n += sprintf(out + n, " tsval=%u tsecr=%u", s->tsval, s->tsecr);
	if (s->sacks >= 0) {
		n += sprintf(out + n, " sack=");
		n += print_sack(c, s, out + n);
	}
	if (s->fo >= 0)
		n += sprintf(out + n, " fo=%d", s->fo);
	if (s->foexp >= 0)
		n += sprintf(out + n, " foexp=%d", s->foexp);
	if (s->keyid >= 0)
		n += sprintf(out + n, " keyid=%d rnext=%d", s->keyid, s->rnext);
	if (s->acc >= 0)
		n += sprintf(out + n, " acc=%d e1b=%u ceb=%u e0b=%u", s->acc,
			     s->e1b, s->ceb, s->e0b);
	return n;
}

/* What a segment says, in the words of this language. */
void seg_print(const struct conn *c, const struct seg *s, char *out, size_t n)
{
	char flags[16], opts[256];

	print_flags(flags, s->flags);
	print_options(c, s, opts);
	snprintf(out, n, "%s seq=%u ack=%u len=%d win=%u%s%s", flags,
		 s->seq - c->irs, s->flags & TH_ACK ? s->ack - c->iss : s->ack,
		 s->len, s->win, s->tos & 3 ? s->tos & 2 ? s->tos & 1 ? " CE" :
		 " ECT0" : " ECT1" : "", opts);
}

/* ---- comparison ---- */

static long get_wnd(const struct conn *c, const struct seg *s)
{
	bool scaled = c->my_ws >= 0 && c->its_ws >= 0 && !(s->flags & TH_SYN);

	return (long)s->win << (scaled ? c->its_ws : 0);
}

static long get_time(const struct conn *c, const struct seg *s)
{
	return (s->time - c->last) / 1000000;
}

#define GET(name, expr)							\
static long get_##name(const struct conn *c, const struct seg *s)	\
{									\
	return (void)c, expr;						\
}

GET(seq, (__u32)(s->seq - c->irs))
GET(ack, (__u32)(s->ack - (s->flags & TH_ACK ? c->iss : 0)))
GET(len, s->len)
GET(win, s->win)
GET(urg, s->urg)
GET(mss, s->mss)
GET(ws, s->ws)
GET(sackok, s->sackok)
GET(ts, s->ts)
GET(tsval, s->tsval)
GET(tsecr, s->tsecr)
GET(sack, s->sacks)
GET(doff, s->doff)
GET(ttl, s->ttl)
GET(tos, s->tos)
GET(df, s->df)
GET(flow, s->flow)
GET(fo, s->fo)
GET(foexp, s->foexp)
GET(acc, s->acc)
GET(e1b, s->e1b)
GET(ceb, s->ceb)
GET(e0b, s->e0b)
GET(keyid, s->keyid)
GET(rnext, s->rnext)

#define FIELD(name)	{ #name, get_##name }

static const struct field {
	const char *name;
	long (*get)(const struct conn *c, const struct seg *s);
} fields[] = {
	FIELD(seq), FIELD(ack), FIELD(len), FIELD(win), FIELD(urg),
	FIELD(mss), FIELD(ws), FIELD(sackok), FIELD(ts), FIELD(tsval),
	FIELD(tsecr), FIELD(sack), FIELD(doff), FIELD(ttl), FIELD(tos),
	FIELD(df), FIELD(flow), FIELD(fo), FIELD(foexp), { "sacks", get_sack },
	{ "wnd", get_wnd },
	{ "t", get_time },
	FIELD(acc), FIELD(e1b), FIELD(ceb), FIELD(e0b), FIELD(keyid), FIELD(rnext),
};

static const struct field *find_field(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strlen(fields[i].name) == n &&
		    !strncmp(fields[i].name, name, n))
			return &fields[i];
	return NULL;
}

static bool compare(long got, const char *op)
{
	char *end;
	long want = strtol(op + strspn(op, "=<>!"), &end, 0);

	if (*end || end == op + strspn(op, "=<>!")) {
		fprintf(stderr, "# not a number: %s\n", op);
		exit(1);
	}
	switch (*op) {
	case '=':
		return got == want;
	case '!':
		return got != want;
	case '<':
		return op[1] == '=' ? got <= want : got < want;
	default:
		return op[1] == '=' ? got >= want : got > want;
	}
}

static bool match_word(const struct conn *c, const struct seg *s,
		       const char *word)
{
	size_t n = strcspn(word, "=<>!");
	const struct field *f = find_field(word, n);
	char blocks[256];

	if (!strcmp(word, "skip") || !strcmp(word, "nosign"))
		return true;
	if (!strcmp(word, "nopush"))
		return !(s->flags & TH_PSH);
	if (!strncmp(word, "sack=", 5)) {
		print_sack(c, s, blocks);
		return !strcmp(word + 5, blocks);
	}
	if (f)
		return word[n] ? compare(f->get(c, s), word + n) :
				 f->get(c, s) >= 0;
	f = strncmp(word, "no", 2) ? NULL : find_field(word + 2, n - 2);
	if (!f) {
		fprintf(stderr, "# unknown word in a segment: %s\n", word);
		exit(1);
	}
	return f->get(c, s) < 0;
}

static bool match_flags(const struct seg *s, __u16 want)
{
	__u16 ignore = want & TH_PSH ? 0 : TH_PSH;

	return !((s->flags ^ want) & ~ignore);
}

/* Timestamps are in every segment once negotiated (a RST may do without). */
static bool match_ts(const struct conn *c, const struct seg *s)
{
	if (s->flags & (TH_RST | TH_SYN))
		return true;
	return (s->ts > 0) == (c->my_ts && c->its_ts);
}

static __u32 sne_of(__u32 isn, __u32 seq)
{
	return ((__s64)isn + (__s32)(seq - isn)) >> 32;
}

static bool match_sign(const struct conn *c, const struct seg *s, bool wanted)
{
	const struct sign_at at = {
		.packet = s->packet, .tcp = s->packet + s->tcp, .len = s->tcp_len,
		.sisn = c->irs, .disn = s->flags == TH_SYN ? 0 : c->iss,
		.sne = sne_of(c->irs, s->seq),
	};
	__u8 digest[SIGN_MAX];
	const __u8 *option;

	if (!c->sign)
		return true;
	option = sign_find(c->sign, at.tcp);
	if (!option || !wanted)
		return !option && !wanted;
	sign_digest(c->sign, &at, digest);
	return !memcmp(option + (c->sign->alg == SIGN_MD5 ? 2 : 4), digest,
		       sign_maclen(c->sign));
}

static bool match_data(const struct conn *c, const struct seg *s)
{
	__u32 at = s->seq - c->irs - !(s->flags & TH_SYN);
	int i;

	for (i = 0; i < s->len; i++)
		if (s->data[i] != pattern(at + i))
			return false;
	return true;
}

/**
 * seg_match() - does a segment fit a line?
 * @c:		the connection it belongs to
 * @s:		the segment
 * @want:	the line
 *
 * Return: NULL when it fits, else the word that does not.
 */
const char *seg_match(const struct conn *c, const struct seg *s,
		      const char *want)
{
	static char line[512];
	bool has_len = strstr(want, " len");
	char *word, *state;

	snprintf(line, sizeof(line), "%s", want);
	word = strtok_r(line, " ", &state);
	if (!match_flags(s, parse_flags(word)))
		return "flags";
	while ((word = strtok_r(NULL, " ", &state)))
		if (!match_word(c, s, word))
			return word;
	if (!has_len && s->len)
		return "len=0";
	if (!match_ts(c, s))
		return "timestamps as negotiated";
	if (!match_sign(c, s, !strstr(want, " nosign")))
		return "signature";
	return match_data(c, s) ? NULL : "payload";
}

bool seg_skippable(const char *want)
{
	return strstr(want, " skip");
}

/* ---- text to packet ---- */

struct line {
	long seq, ack, len, win, urg, mss, ws, tsval, tsecr, fill;
	long ttl, tos, flow, doff, iplen, frag;
	long sackok, ts, nots, badsum, zerosum, badip;
	long nosign, badmac, keyid, rnext;
	const char *sack, *opt, *ext;
	__u16 flags;
};

#define NUMBER(name)	{ #name, offsetof(struct line, name) }

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	NUMBER(seq), NUMBER(ack), NUMBER(len), NUMBER(win), NUMBER(urg),
	NUMBER(mss), NUMBER(ws), NUMBER(tsval), NUMBER(tsecr), NUMBER(fill),
	NUMBER(ttl), NUMBER(tos), NUMBER(doff), NUMBER(iplen), NUMBER(frag),
	NUMBER(sackok), NUMBER(ts), NUMBER(nots), NUMBER(badsum),
	NUMBER(zerosum), NUMBER(badip), NUMBER(flow),
	NUMBER(nosign), NUMBER(badmac), NUMBER(keyid), NUMBER(rnext),
};

static const char *read_word(struct line *l, const char *word)
{
	size_t i, n = strcspn(word, "=");
	long value = word[n] ? strtol(word + n + 1, NULL, 0) : 1;

	if (!strncmp(word, "sack=", 5))
		return l->sack = word + 5, NULL;
	if (!strncmp(word, "opt=", 4))
		return l->opt = word + 4, NULL;
	if (!strncmp(word, "ext=", 4))
		return l->ext = word + 4, NULL;
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (strlen(numbers[i].name) == n &&
		    !strncmp(numbers[i].name, word, n)) {
			*(long *)((char *)l + numbers[i].offset) = value;
			return NULL;
		}
	}
	return word;
}

static const char *read_line(struct line *l, char *text)
{
	const char *bad = NULL;
	char *word, *state;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		*(long *)((char *)l + numbers[i].offset) = UNSET;
	word = strtok_r(text, " ", &state);
	l->flags = parse_flags(word);
	while (!bad && (word = strtok_r(NULL, " ", &state)))
		bad = read_word(l, word);
	return bad;
}

static long or_else(long value, long otherwise)
{
	return value == UNSET ? otherwise : value;
}

static __u8 *put32(__u8 *p, __u32 value)
{
	value = htonl(value);
	memcpy(p, &value, 4);
	return p + 4;
}

static __u8 *put_ts(__u8 *p, const struct conn *c, const struct line *l)
{
	bool first = !(l->flags & TH_ACK);

	*p++ = 1;
	*p++ = 1;
	*p++ = 8;
	*p++ = 10;
	p = put32(p, or_else(l->tsval, c->tsval));
	return put32(p, or_else(l->tsecr, first ? 0 : c->ts_recent));
}

static __u8 *put_sack(__u8 *p, const struct conn *c, const char *text)
{
	__u8 *start = p;
	char *end;

	*p++ = 1;
	*p++ = 1;
	*p++ = 5;
	p++;
	do {
		p = put32(p, c->irs + strtol(text, &end, 0));
		p = put32(p, c->irs + strtol(end + 1, &end, 0));
		text = end + 1;
	} while (*end == ',');
	start[3] = p - start - 2;
	return p;
}

static __u8 *put_hex(__u8 *p, const char *hex)
{
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		*p++ = byte;
	return p;
}

static __u8 *put_options(__u8 *p, const struct conn *c, const struct line *l)
{
	__u8 *start = p;
	bool auto_ts = c->my_ts && c->its_ts && !(l->flags & TH_SYN);

	if (c->sign && l->nosign == UNSET)
		p = sign_put(c->sign, p, or_else(l->keyid, -1), or_else(l->rnext, -1));
	if (l->mss != UNSET)
		p = put32(p, 0x02040000 | l->mss);
	if (l->ws != UNSET)
		p = put32(p, 0x01030300 | l->ws);
	if (l->sackok != UNSET)
		p = put32(p, 0x01010402);
	if (l->nots == UNSET && (auto_ts || l->ts != UNSET))
		p = put_ts(p, c, l);
	if (l->sack)
		p = put_sack(p, c, l->sack);
	if (l->opt)
		p = put_hex(p, l->opt);
	while ((p - start) % 4)
		*p++ = 0;
	return p;
}

static __u8 *put_data(__u8 *p, const struct line *l, __u32 seq)
{
	__u32 at = seq - !(l->flags & TH_SYN);
	long i;

	for (i = 0; i < or_else(l->len, 0); i++)
		*p++ = or_else(l->fill, pattern(at + i));
	return p;
}

static void put_ip(struct conn *c, const struct line *l, __u8 *packet,
		   size_t len)
{
	struct ip_fields f = {
		.ttl = or_else(l->ttl, 64),
		.tos = or_else(l->tos, 0),
		.flow = or_else(l->flow, 0),
		.len = or_else(l->iplen, -1),
		.df = l->frag == UNSET,
		.bad = l->badip != UNSET,
		.ext = l->ext,
	};

	ip_put(c->w, &f, packet, len);
}

/* Of a segment that is complete but for this and the checksum. */
static void sign(const struct conn *c, const struct line *l, const __u8 *packet, __u8 *tcp,
		 size_t len, __u32 seq)
{
	const struct sign_at at = {
		.packet = packet, .tcp = tcp, .len = len,
		.sisn = c->iss, .disn = l->flags == TH_SYN ? 0 : c->irs,
		.sne = sne_of(c->iss, c->iss + seq),
	};
	__u8 digest[SIGN_MAX], *option;

	if (!c->sign || l->nosign != UNSET || !sign_digest(c->sign, &at, digest))
		return;
	option = (__u8 *)sign_find(c->sign, tcp);
	digest[sign_maclen(c->sign) - 1] ^= l->badmac != UNSET;
	memcpy(option + (c->sign->alg == SIGN_MD5 ? 2 : 4), digest, sign_maclen(c->sign));
}

/* Only what continues the stream moves it: broken and stray segments do not. */
static bool continues(const struct conn *c, const struct line *l, __u32 seq)
{
	bool broken = l->badsum != UNSET || l->zerosum != UNSET ||
		      l->badip != UNSET || l->doff != UNSET ||
		      l->iplen != UNSET || l->nosign != UNSET || l->badmac != UNSET;

	if (l->flags & TH_SYN && seq)
		return false;
	return !broken && l->flags & (TH_ACK | TH_SYN) &&
	       !(l->flags & TH_RST) && (__s32)(seq - c->snd_nxt) <= 0;
}

static void remember(struct conn *c, const struct line *l, __u32 seq)
{
	__u32 end = seq + or_else(l->len, 0) + !!(l->flags & TH_SYN) +
		       !!(l->flags & TH_FIN);

	if (continues(c, l, seq) && (__s32)(end - c->snd_nxt) > 0)
		c->snd_nxt = end;
	if (l->flags & TH_SYN && !(l->flags & TH_FIN) && !seq) {
		c->my_ts = l->ts != UNSET;
		c->my_ws = or_else(l->ws, -1);
	}
}

/**
 * seg_build() - make the packet that a line describes
 * @c:		the connection it is for; learns what was sent
 * @line:	the line
 * @packet:	room for MAX_PACKET bytes
 * @bad:	set to the word that makes no sense, else to NULL
 * @frag:	set to the fragment size asked for, else to 0
 *
 * Return: bytes in the packet.
 */
size_t seg_build(struct conn *c, const char *line, __u8 *packet,
		 const char **bad, int *frag)
{
	struct line l = { .sack = NULL };
	static char text[512];
	struct tcp_hdr *th;
	__u8 *data, *end;
	__u32 seq;

	snprintf(text, sizeof(text), "%s", line);
	*bad = read_line(&l, text);
	th = (void *)(packet + ip_hlen(c->w, l.ext));
	seq = or_else(l.seq, c->snd_nxt);
	memset(th, 0, sizeof(*th));
	th->source = htons(c->pport);
	th->dest = htons(c->lport);
	th->seq = htonl(c->iss + seq);
	if (l.flags & TH_ACK || l.ack != UNSET)
		th->ack = htonl(c->irs + or_else(l.ack, c->rcv_nxt));
	th->flags = l.flags;
	th->window = htons(or_else(l.win, c->win));
	th->urg = htons(or_else(l.urg, 0));
	data = put_options((__u8 *)(th + 1), c, &l);
	th->doff = or_else(l.doff, (data - (__u8 *)th) / 4) << 4 |
		   (l.flags & TH_AE ? 1 : 0);
	end = put_data(data, &l, seq);
	put_ip(c, &l, packet, end - packet);
	sign(c, &l, packet, (__u8 *)th, end - (__u8 *)th, seq);
	th->check = htons(ip_tcp_sum(packet, th, end - (__u8 *)th) ^
			  (l.badsum == UNSET ? 0 : 0x1234));
	if (l.zerosum != UNSET)
		th->check = 0;
	remember(c, &l, seq);
	*frag = or_else(l.frag, 0);
	return end - packet;
}
