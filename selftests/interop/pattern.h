/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A byte stream that both ends can compute: the high halves of a 64-bit
 * linear congruential generator, a seed per stream. No two words are alike
 * for 2^64 steps, so bytes lost, doubled or moved show at once; and it costs
 * one multiplication per eight bytes, since the tests run on an emulated CPU.
 * Verifying also hashes, for the ends to compare.
 */
#ifndef _INTEROP_PATTERN_H
#define _INTEROP_PATTERN_H

#include <stddef.h>
#include <linux/types.h>
#include <string.h>

struct pattern {
	__u64 state;
	__u64 hash;
	__u64 offset;	/* bytes made or verified, the tail included */
	unsigned char tail[8];	/* a word that a read left unfinished */
	unsigned int tail_len;
};

static inline void pattern_init(struct pattern *p, __u64 seed)
{
	memset(p, 0, sizeof(*p));
	p->state = seed * 0x9e3779b97f4a7c15ULL + 1;
	p->hash = 0xcbf29ce484222325ULL;
}

static inline __u64 pattern_next(struct pattern *p)
{
	p->state = p->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return p->state ^ p->state >> 32;
}

static inline void pattern_hash(struct pattern *p, __u64 word)
{
	p->hash = (p->hash ^ word) * 0x100000001b3ULL;
}

/* Fill @buf, of whole words, with what comes next. */
static inline void pattern_make(struct pattern *p, void *buf, size_t len)
{
	unsigned char *pos = buf;
	__u64 word;

	for (size_t i = 0; i < len; i += 8) {
		word = pattern_next(p);
		pattern_hash(p, word);
		memcpy(pos + i, &word, 8);
	}
	p->offset += len;
}

/* Verify @len bytes of any number: 0, or -1 with p->offset at the bad word. */
static inline int pattern_verify(struct pattern *p, const void *buf, size_t len)
{
	const unsigned char *pos = buf;
	__u64 word;
	size_t n;

	while (len) {
		if (p->tail_len || len < 8) {
			n = 8 - p->tail_len < len ? 8 - p->tail_len : len;
			memcpy(p->tail + p->tail_len, pos, n);
			p->tail_len += n;
			pos += n;
			len -= n;
			if (p->tail_len < 8)
				break;
			p->tail_len = 0;
			memcpy(&word, p->tail, 8);
		} else {
			memcpy(&word, pos, 8);
			pos += 8;
			len -= 8;
		}
		if (word != pattern_next(p))
			return -1;
		pattern_hash(p, word);
		p->offset += 8;
	}
	return 0;
}

#endif /* _INTEROP_PATTERN_H */
