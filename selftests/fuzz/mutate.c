// SPDX-License-Identifier: GPL-2.0
/*
 * How a valid segment is made, what may be changed about it, and how it becomes
 * one packet or several.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>

#include "fuzz.h"

#define LOCAL_ADDR	0x0a4f0001u
#define PEER_ADDR	0x0a4f0002u
#define MAX_PAYLOAD	40000

struct tcp_header {
	uint16_t source, dest;
	uint32_t seq, ack;
	uint8_t doff, flags;
	uint16_t window, check, urg;
};

static uint8_t packet[65536];

static uint32_t sum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	return len ? sum + (p[0] << 8) : sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum & 0xffff);
}

/* --- options -------------------------------------------------------------------- */

static uint8_t *put32(uint8_t *p, uint32_t value)
{
	value = htonl(value);
	memcpy(p, &value, 4);
	return p + 4;
}

size_t mutate_syn_options(const struct peer *p, uint8_t *opt)
{
	uint8_t *at = put32(opt, 0x02040000 | (500 + rnd(8000)));

	if (p->scale >= 0)
		at = put32(at, 0x01030300 | p->scale);
	if (p->sack)
		at = put32(at, 0x01010402);
	if (p->ts) {
		at = put32(at, 0x0101080a);
		at = put32(at, p->tsval);
		at = put32(at, 0);
	}
	return at - opt;
}

/* The value of an option, or NULL. */
const uint8_t *mutate_option(const uint8_t *tcp, size_t hlen, uint8_t kind)
{
	size_t i = 20;

	while (i + 1 < hlen && tcp[i]) {
		if (tcp[i] == kind)
			return i + tcp[i + 1] <= hlen ? tcp + i + 2 : NULL;
		i += tcp[i] == 1 ? 1 : tcp[i + 1] ? : 1;
	}
	return NULL;
}

/* --- segment to packet ------------------------------------------------------------- */

static uint8_t *put_header(const struct peer *p, const struct segment *s)
{
	uint8_t *ip_end = packet + 20 + s->ip_opt_len, *at;
	struct tcp_header *th = (void *)ip_end;

	*th = (struct tcp_header){
		.source = htons(p->port), .dest = htons(p->lport),
		.seq = htonl(p->iss + s->seq),
		.ack = s->flags & FLAG_ACK ? htonl(p->irs + s->ack) : 0,
		.flags = s->flags, .window = htons(s->win), .urg = htons(s->urg),
	};
	at = ip_end + 20;
	if (s->ts && s->opt_len <= 28) {
		at = put32(at, 0x0101080a);
		at = put32(at, s->tsval);
		at = put32(at, s->tsecr);
	}
	memcpy(at, s->opt, s->opt_len);
	for (at += s->opt_len; (at - ip_end) % 4; at++)
		*at = 1;
	th->doff = (((at - ip_end) / 4 + s->doff_lie) & 15) << 4;
	return at;
}

/* The payload begins where the header, as it claims, ends. */
static size_t put_payload(const struct segment *s, uint8_t *after)
{
	uint8_t *tcp = packet + 20 + s->ip_opt_len;
	uint8_t *data = tcp + (tcp[12] >> 4) * 4, *end = after + s->len;
	uint32_t offset = s->seq - !(s->flags & FLAG_SYN);

	for (; data < end; data++)
		if (data >= tcp + 20)
			*data = pattern(offset + (data - (tcp + (tcp[12] >> 4) * 4)));
	return end - packet;
}

static void put_ip(const struct segment *s, size_t len, size_t claimed)
{
	struct iphdr *ip = (void *)packet;
	static uint16_t id;

	*ip = (struct iphdr){
		.version = 4, .ihl = 5 + s->ip_opt_len / 4, .tos = s->tos,
		.tot_len = htons(claimed), .id = htons(++id), .ttl = 64,
		.protocol = IPPROTO_TCP, .saddr = htonl(PEER_ADDR), .daddr = htonl(LOCAL_ADDR),
	};
	memcpy(packet + 20, s->ip_opt, s->ip_opt_len);
	ip->check = sum_fold(sum_add(0, packet, ip->ihl * 4));
	(void)len;
}

static void put_tcp_sum(const struct segment *s, size_t end)
{
	size_t start = 20 + s->ip_opt_len;
	struct tcp_header *th = (void *)(packet + start);
	uint32_t sum = IPPROTO_TCP + (end - start);

	if (end < start + 20)
		return;
	th->check = 0;
	sum = sum_add(sum, packet + 12, 8);
	th->check = sum_fold(sum_add(sum, packet + start, end - start));
	if (s->bad_sum)
		th->check ^= 1 << rnd(16);
}

static void emit_fragments(size_t len, size_t head, size_t size)
{
	size_t data = len - head, step = (size + 7) & ~7UL, at;
	size_t lost = rnd(8) ? len : rnd(len / step + 1) * step;
	uint8_t piece[65536];
	struct iphdr *ip = (void *)piece;

	for (at = 0; at < data; at += step) {
		size_t n = data - at < step ? data - at : step;

		if (at == lost)
			continue;
		memcpy(piece, packet, head);
		memcpy(piece + head, packet + head + at, n);
		ip->tot_len = htons(head + n);
		ip->frag_off = htons(at / 8 | (at + n < data ? IP_MF : 0));
		ip->check = 0;
		ip->check = sum_fold(sum_add(0, piece, head));
		emit(piece, head + n);
	}
}

/* What of our numbers may the stack come to know from this segment? */
static void remember(struct peer *p, const struct segment *s, size_t packet_len)
{
	const uint8_t *tcp = packet + 20 + s->ip_opt_len;
	/* Where the header lies about its length, that makes payload, too. */
	int32_t len = packet + packet_len - (tcp + (tcp[12] >> 4) * 4);
	uint32_t end = s->seq + (len > 0 ? len : 0) + !!(s->flags & FLAG_SYN) +
		       !!(s->flags & FLAG_FIN);

	if ((int32_t)(end - p->snd_max) > 0 && (int32_t)(end - p->acked) < 1 << 23)
		p->snd_max = end;
	if (s->flags & FLAG_ACK && (int32_t)(s->ack - p->rcv) > 0 &&
	    (int32_t)(p->their_max - s->ack) >= 0)
		p->rcv = s->ack;
	if (s->ts && (int32_t)(s->tsval - p->tsval) > 0)
		p->tsval = s->tsval;
}

void segment_send(struct peer *p, const struct segment *s)
{
	size_t len = put_payload(s, put_header(p, s)), claimed;

	claimed = len + s->len_lie;
	put_ip(s, len, claimed);
	/* The sum is over what IP will hand on. */
	put_tcp_sum(s, claimed < len ? claimed : len);
	if (!s->bad_sum)
		remember(p, s, len);
	if (s->frag && len - 20 - s->ip_opt_len > s->frag)
		emit_fragments(len, 20 + s->ip_opt_len, s->frag);
	else
		emit(packet, len - (s->cut < len - 20 ? s->cut : 0));
	if (s->twice)
		emit(packet, len);
}

/* --- mutations ----------------------------------------------------------------------- */

static uint32_t near(uint32_t value)
{
	switch (rnd(6)) {
	case 0:
		return value - 1;
	case 1:
		return value + 1;
	case 2:
		return value - rnd(70000);
	case 3:
		return value + rnd(3000);
	default:
		return value;
	}
}

static uint32_t far_off(uint32_t value)
{
	return value + (1 << 24) + rnd(0xfc000000u);
}

static void change_seq(struct peer *p, struct segment *s)
{
	switch (rnd(8)) {
	case 0:
		s->seq = far_off(p->acked);
		break;
	case 1:
		s->seq = near(p->acked + p->their_wnd);
		break;
	case 2:
		s->seq = p->acked - s->len;
		break;
	case 3:
		s->seq = p->acked - rnd(s->len + 2);
		break;
	case 4:
		s->seq = p->acked + rnd(p->their_wnd / 2 + 1);
		break;
	default:
		s->seq = near(p->acked);
	}
}

static void change_ack(struct peer *p, struct segment *s)
{
	switch (rnd(5)) {
	case 0:
		s->ack = far_off(p->rcv);
		break;
	case 1:
		s->ack = near(p->their_max);
		break;
	case 2:
		s->ack = p->rcv + rnd(p->their_max - p->rcv + 1);
		break;
	default:
		s->ack = near(p->rcv);
	}
}

static void change_len(struct peer *p, struct segment *s)
{
	static const uint32_t below[] = { 1, 2, 100, 1461, 9000, MAX_PAYLOAD };

	(void)p;
	s->len = rnd(below[rnd(6)]);
}

static void change_flags(struct peer *p, struct segment *s)
{
	s->flags = rnd(4) ? FLAG_ACK | rnd(256) : rnd(256);
	if (!p->rough)
		s->flags &= ~(FLAG_FIN | FLAG_SYN | FLAG_RST);
}

static void change_win(struct peer *p, struct segment *s)
{
	static const uint32_t below[] = { 1, 2, 100, 2000, 65536 };

	(void)p;
	s->win = rnd(below[rnd(5)]);
}

static void change_urg(struct peer *p, struct segment *s)
{
	(void)p;
	s->flags |= FLAG_URG;
	s->urg = rnd(3) ? rnd(s->len + 3) : rnd(65536);
}

/* One option of any kind; its length right, wrong, or missing */
static size_t put_option(const struct peer *p, uint8_t *opt, size_t room)
{
	static const uint8_t kinds[] = { 0, 1, 2, 3, 4, 5, 5, 5, 8, 19, 28, 29, 30, 34,
					 172, 174, 254 };
	static const uint8_t lengths[35] = { [2] = 4, [3] = 3, [4] = 2, [8] = 10, [19] = 18,
					     [28] = 4, [29] = 16, [30] = 12, [34] = 10 };
	uint8_t kind = kinds[rnd(sizeof(kinds))], len;
	size_t i;

	if (!room)
		return 0;
	opt[0] = kind;
	if (kind < 2 || room < 2)
		return 1;
	len = kind == 5 ? 2 + 8 * (1 + rnd(4)) : kind < 35 ? lengths[kind] : 2 + rnd(18);
	if (!rnd(4))
		len = rnd(2) ? rnd(4) : rnd(256);
	opt[1] = len;
	for (i = 2; i < len && i < room; i++)
		opt[i] = rnd(256);
	/* A time far ahead would rightly shut out all that is sent later. */
	if (kind == 8 && room >= 6)
		put32(opt + 2, p->tsval);
	for (i = 2; kind == 5 && i + 4 <= len && i + 4 <= room; i += 4)
		put32(opt + i, p->irs + near(rnd(2) ? p->their_max : p->rcv + rnd(20000)));
	return len < 2 ? 2 : len < room ? len : room;
}

static void change_options(struct peer *p, struct segment *s)
{
	size_t room = s->ts ? 28 : 40;
	int n = 1 + rnd(3);

	s->opt_len = 0;
	while (n--)
		s->opt_len += put_option(p, s->opt + s->opt_len, room - s->opt_len);
}

static void change_ts(struct peer *p, struct segment *s)
{
	if (!s->ts)
		return;
	switch (rnd(5)) {
	case 0:
		s->ts = false;
		break;
	case 1:
		s->tsval = p->tsval - rnd(1U << 31);
		break;
	case 2:
		s->tsval = p->tsval - rnd(10);
		break;
	case 3:
		s->tsval = p->tsval + rnd(1000);
		break;
	default:
		s->tsecr = rnd(0xffffffffu);
	}
}

static void change_doff(struct peer *p, struct segment *s)
{
	(void)p;
	s->doff_lie = (int)rnd(30) - 15;
}

static void change_ip_len(struct peer *p, struct segment *s)
{
	(void)p;
	s->len_lie = rnd(2) ? -(int)rnd(s->len + 41) : (int)rnd(2000);
}

static void change_sum(struct peer *p, struct segment *s)
{
	(void)p;
	s->bad_sum = true;
}

static void change_cut(struct peer *p, struct segment *s)
{
	(void)p;
	s->cut = 1 + rnd(s->len + 40);
}

static void change_frag(struct peer *p, struct segment *s)
{
	(void)p;
	s->frag = 8 * (1 + rnd(200));
	/* Not more fragments than a queue takes */
	if (s->len / s->frag > 100)
		s->frag = s->len / 60;
}

static void change_tos(struct peer *p, struct segment *s)
{
	(void)p;
	s->tos = rnd(256);
}

static void change_ip_options(struct peer *p, struct segment *s)
{
	static const uint8_t kinds[] = { 1, 7, 68, 131, 137, 130, 148 };
	size_t i;

	(void)p;
	s->ip_opt_len = 4 * (1 + rnd(10));
	for (i = 0; i < s->ip_opt_len; i++)
		s->ip_opt[i] = rnd(3) ? rnd(8) : rnd(256);
	s->ip_opt[0] = kinds[rnd(sizeof(kinds))];
	if (rnd(4)) {
		s->ip_opt[1] = s->ip_opt_len;
		s->ip_opt[2] = 4;
	}
}

static void change_twice(struct peer *p, struct segment *s)
{
	(void)p;
	s->twice = true;
}

static void (* const changes[])(struct peer *p, struct segment *s) = {
	change_seq, change_seq, change_seq, change_ack, change_ack, change_len,
	change_len, change_flags, change_flags, change_win, change_urg,
	change_options, change_options, change_ts, change_ts, change_doff,
	change_ip_len, change_sum, change_cut, change_frag, change_tos,
	change_ip_options, change_twice,
};

/* What comes next in good order, then one to three changes to it */
void mutate_and_send(struct peer *p)
{
	struct segment s = {
		.flags = FLAG_ACK, .seq = p->acked, .ack = p->rcv, .win = 65535,
		.len = rnd(3) ? rnd(1461) : 0, .tsval = p->tsval, .ts = p->ts,
	};
	int n = 1 + rnd(3);

	if (p->rough && (p->state == LISTEN || p->state == SYN_SENT) && rnd(2)) {
		s.flags = p->state == LISTEN ? FLAG_SYN : FLAG_SYN | FLAG_ACK;
		s.seq = 0;
		s.ts = false;
		s.opt_len = mutate_syn_options(p, s.opt);
	}
	while (n--)
		changes[rnd(sizeof(changes) / sizeof(*changes))](p, &s);
	/* In LISTEN every port is another connection, but none of a later round. */
	if (p->state == LISTEN)
		p->port = 1024 + rnd(18000);
	segment_send(p, &s);
}
