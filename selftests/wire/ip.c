// SPDX-License-Identifier: GPL-2.0
/*
 * Below TCP: the IP headers of both versions, fragments, ICMP errors and the
 * addresses of the two ends.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include "wire.h"

#define V4_HLEN		20
#define V6_HLEN		40
#define EXT_HLEN	8
#define ICMP_HLEN	8

/* ---- checksums ---- */

static __u32 sum_add(__u32 sum, const __u8 *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	return len ? sum + (p[0] << 8) : sum;
}

static __u16 sum_fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Internet checksum in host order; 0 over data that contains a right one. */
static __u16 ip_sum(const void *data, size_t len)
{
	return sum_fold(sum_add(0, data, len));
}

/* Over what follows the IP header, together with the pseudo-header. */
static __u16 upper_sum(const __u8 *packet, int protocol, const void *data,
		       size_t len)
{
	bool v6 = packet[0] >> 4 == 6;
	__u32 sum = sum_add(protocol + len, packet + (v6 ? 8 : 12),
			    v6 ? 32 : 8);

	return sum_fold(sum_add(sum, data, len));
}

/* Of a TCP segment in a packet whose IP header is there already. */
__u16 ip_tcp_sum(const __u8 *packet, const void *tcp, size_t len)
{
	return upper_sum(packet, IPPROTO_TCP, tcp, len);
}

/* ---- headers ---- */

/**
 * ip_hlen() - bytes before the TCP header
 * @w:		the wire
 * @ext:	extension headers, a letter each, or NULL
 */
size_t ip_hlen(const struct wire *w, const char *ext)
{
	return (on_v6(w) ? V6_HLEN : V4_HLEN) +
	       (ext ? strlen(ext) * EXT_HLEN : 0);
}

static void put_v4(struct wire *w, const struct ip_fields *f, __u8 *packet,
		   size_t len, int protocol)
{
	struct iphdr *ip = (void *)packet;

	memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = V4_HLEN / 4;
	ip->tos = f->tos;
	ip->tot_len = htons(f->len < 0 ? (int)len : f->len);
	ip->id = htons(++w->ip_id);
	ip->frag_off = htons(f->df ? IP_DF : 0);
	ip->ttl = f->ttl;
	ip->protocol = protocol;
	ip->saddr = inet_addr(f->from_local ? LOCAL_ADDR : PEER_ADDR);
	ip->daddr = inet_addr(f->from_local ? PEER_ADDR : LOCAL_ADDR);
	ip->check = htons(ip_sum(ip, V4_HLEN) ^ (f->bad ? 0x55 : 0));
}

static __u8 ext_number(char letter)
{
	switch (letter) {
	case 'h':
		return IPPROTO_HOPOPTS;
	case 'f':
		return IPPROTO_FRAGMENT;
	case 'r':
		return IPPROTO_ROUTING;
	case 'n':
		return 253;	/* rfc3692: nobody's */
	default:
		return IPPROTO_DSTOPTS;
	}
}

/* The option that fills a header: to be skipped by who does not know it, or padding. */
static __u8 ext_option(char letter)
{
	switch (letter) {
	case 's':
		return 0x1e;
	case 'x':
		return 0x5e;	/* or the packet dropped */
	default:
		return IP6OPT_PADN;
	}
}

/*
 * Options that mean nothing, a fragment that is the whole, a route with nothing left of
 * it, or what nobody knows.
 */
static void put_ext(__u8 *packet, const char *ext, int protocol)
{
	__u8 *next = packet + offsetof(struct ip6_hdr, ip6_nxt);
	__u8 *at = packet + V6_HLEN;

	for (; ext && *ext; ext++, at += EXT_HLEN) {
		*next = ext_number(*ext);
		memset(at, 0, EXT_HLEN);
		if (!strchr("frn", *ext)) {
			at[2] = ext_option(*ext);
			at[3] = EXT_HLEN - 4;
		}
		next = at;
	}
	*next = protocol;
}

static void put_v6(struct wire *w, const struct ip_fields *f, __u8 *packet, size_t len,
		   int protocol)
{
	struct ip6_hdr *ip = (void *)packet;
	/* Nothing in the header can be wrong but an address from elsewhere. */
	const char *peer = f->bad ? "::1" : w->peer6;

	memset(ip, 0, sizeof(*ip));
	ip->ip6_flow = htonl(6u << 28 | f->tos << 20 | f->flow);
	ip->ip6_plen = htons(f->len < 0 ? (int)len - V6_HLEN :
			     f->len - V4_HLEN);
	ip->ip6_hlim = f->ttl;
	inet_pton(AF_INET6, f->from_local ? w->local6 : peer, &ip->ip6_src);
	inet_pton(AF_INET6, f->from_local ? peer : w->local6, &ip->ip6_dst);
	put_ext(packet, f->ext, protocol);
}

static void put_header(struct wire *w, const struct ip_fields *f,
		       __u8 *packet, size_t len, int protocol)
{
	if (on_v6(w))
		put_v6(w, f, packet, len, protocol);
	else
		put_v4(w, f, packet, len, protocol);
}

/* The header in front of a TCP segment; len is that of the whole packet. */
void ip_put(struct wire *w, const struct ip_fields *f, __u8 *packet,
	    size_t len)
{
	put_header(w, f, packet, len, IPPROTO_TCP);
}

static size_t parse_v4(struct seg *s, const struct iphdr *ip, size_t len,
		       const char **bad)
{
	size_t ihl = ip->ihl * 4;

	if (len < V4_HLEN || ip->protocol != IPPROTO_TCP)
		return 0;
	if (ntohs(ip->tot_len) != len || len < ihl)
		*bad = "wrong IP length";
	else if (ip_sum(ip, ihl))
		*bad = "wrong IP checksum";
	s->ttl = ip->ttl;
	s->tos = ip->tos;
	s->df = ntohs(ip->frag_off) & IP_DF;
	return ihl;
}

static size_t parse_v6(struct seg *s, const struct ip6_hdr *ip, size_t len,
		       const char **bad)
{
	__u32 first;

	if (len < V6_HLEN || ip->ip6_nxt != IPPROTO_TCP)
		return 0;
	if (ntohs(ip->ip6_plen) != len - V6_HLEN)
		*bad = "wrong IPv6 length";
	first = ntohl(ip->ip6_flow);
	s->ttl = ip->ip6_hlim;
	s->tos = first >> 20;
	s->flow = first & 0xfffff;
	s->df = true;
	return V6_HLEN;
}

/**
 * ip_parse() - read the IP header of a captured packet
 * @s:		gets what the header says
 * @packet:	from the IP header on
 * @len:	bytes there
 * @bad:	set to what is wrong with the packet, else to NULL
 *
 * Return: bytes before the TCP header, 0 when it is no TCP.
 */
size_t ip_parse(struct seg *s, const __u8 *packet, size_t len,
		const char **bad)
{
	size_t hlen;

	*bad = NULL;
	if (packet[0] >> 4 == 6)
		hlen = parse_v6(s, (const void *)packet, len, bad);
	else
		hlen = parse_v4(s, (const void *)packet, len, bad);
	if (!hlen || *bad)
		return hlen;
	if (len > MAX_PACKET || len < hlen + V4_HLEN)
		*bad = "wrong length";
	else if (ip_tcp_sum(packet, packet + hlen, len - hlen))
		*bad = "wrong TCP checksum";
	return hlen;
}

/* ---- fragments ---- */

static size_t fragment_v4(const __u8 *packet, __u8 *piece, size_t at,
			  size_t n, bool more)
{
	struct iphdr *ip = (void *)piece;

	memcpy(piece, packet, V4_HLEN);
	memcpy(piece + V4_HLEN, packet + V4_HLEN + at, n);
	ip->tot_len = htons(V4_HLEN + n);
	ip->frag_off = htons(at / 8 | (more ? IP_MF : 0));
	ip->check = 0;
	ip->check = htons(ip_sum(piece, V4_HLEN));
	return V4_HLEN + n;
}

static size_t fragment_v6(struct wire *w, const __u8 *packet, __u8 *piece,
			  size_t at, size_t n, bool more)
{
	struct ip6_hdr *ip = (void *)piece;
	struct ip6_frag *frag = (void *)(piece + V6_HLEN);

	memcpy(piece, packet, V6_HLEN);
	memset(frag, 0, sizeof(*frag));
	frag->ip6f_nxt = ip->ip6_nxt;
	frag->ip6f_offlg = htons(at | more);
	frag->ip6f_ident = htonl(w->ip_id);
	ip->ip6_nxt = IPPROTO_FRAGMENT;
	ip->ip6_plen = htons(sizeof(*frag) + n);
	memcpy(piece + V6_HLEN + sizeof(*frag), packet + V6_HLEN + at, n);
	return V6_HLEN + sizeof(*frag) + n;
}

/* Inject a packet in pieces of so many bytes, last one first when negative. */
void ip_send_fragments(struct wire *w, const __u8 *packet, size_t len,
		       int size)
{
	size_t step = abs(size), data = len - ip_hlen(w, NULL), at, i, n;
	size_t pieces = (data + step - 1) / step;
	__u8 piece[MAX_PACKET];

	w->ip_id++;
	for (i = 0; i < pieces; i++) {
		at = step * (size > 0 ? i : pieces - 1 - i);
		n = data - at < step ? data - at : step;
		n = on_v6(w) ?
		    fragment_v6(w, packet, piece, at, n, at + n < data) :
		    fragment_v4(packet, piece, at, n, at + n < data);
		wire_write(w, piece, n);
	}
}

/* ---- ICMP errors ---- */

/**
 * ip_icmp() - make an ICMP error about a segment of the socket under test
 * @c:		the connection
 * @e:		what it says
 * @seq:	relative sequence number in the quoted TCP header
 * @quoted:	bytes of the TCP header to quote
 * @packet:	room for it
 *
 * Return: its length.
 */
size_t ip_icmp(struct conn *c, const struct icmp_error *e, __u32 seq,
	       int quoted, __u8 *packet)
{
	struct ip_fields outer = { .ttl = 64, .len = -1 };
	struct ip_fields inner = {
		.ttl = 63, .len = V4_HLEN + 1020, .df = true, .from_local = true,
	};
	__u32 tcp[2] = { htonl((__u32)c->lport << 16 | c->pport),
			 htonl(c->irs + seq) };
	__u32 info = htonl(e->mtu);
	size_t hlen = ip_hlen(c->w, NULL), len = ICMP_HLEN + hlen + quoted;
	__u8 *icmp = packet + hlen;
	__u16 sum;

	memset(icmp, 0, ICMP_HLEN);
	icmp[0] = e->type;
	icmp[1] = e->code;
	memcpy(icmp + 4, &info, 4);
	put_header(c->w, &inner, icmp + ICMP_HLEN, 0, IPPROTO_TCP);
	memcpy(icmp + ICMP_HLEN + hlen, tcp, sizeof(tcp));
	put_header(c->w, &outer, packet, hlen + len,
		   on_v6(c->w) ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	sum = htons(on_v6(c->w) ?
		    upper_sum(packet, IPPROTO_ICMPV6, icmp, len) :
		    ip_sum(icmp, len));
	memcpy(icmp + 2, &sum, 2);
	return hlen + len;
}

/* ---- addresses ---- */

/* An address of the family that the socket under test takes; its length. */
socklen_t ip_sockaddr(const struct wire *w, union wire_addr *a,
		      const struct ends *ends, int port)
{
	memset(a, 0, sizeof(*a));
	if (w->kind.face == FACE_V4) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		inet_pton(AF_INET, ends->v4, &a->in.sin_addr);
		return sizeof(a->in);
	}
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(port);
	inet_pton(AF_INET6, on_v6(w) ? ends->v6 : ends->mapped,
		  &a->in6.sin6_addr);
	if (IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr))
		a->in6.sin6_scope_id = if_nametoindex("tun0");
	return sizeof(a->in6);
}
