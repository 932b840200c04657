// SPDX-License-Identifier: GPL-2.0
/*
 * See sign.h. MD5 is rfc1321's, SHA-1 rfc3174's, HMAC rfc2104's, CMAC rfc4493's; in the
 * plainest way, for they are to be right and not fast.
 */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sign.h"

#define BLOCK	64
#define ROOM	(2 * MAX_PACKET)

static __u32 rotl(__u32 x, int n)
{
	return x << n | x >> (32 - n);
}

/* ---- MD5 and SHA-1 ---- */

static __u32 get32(const __u8 *p, bool big)
{
	return big ? (__u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3] :
		     (__u32)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0];
}

static void set32(__u8 *p, __u32 x, bool big)
{
	int i;

	for (i = 0; i < 4; i++)
		p[i] = x >> 8 * (big ? 3 - i : i);
}

static void md5_block(__u32 *h, const __u8 *p)
{
	static const __u8 shift[4][4] = {
		{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 },
	};
	__u32 a = h[0], b = h[1], c = h[2], d = h[3], f, t;
	int i, k;

	for (i = 0; i < 64; i++) {
		if (i < 16)
			f = (b & c) | (~b & d), k = i;
		else if (i < 32)
			f = (d & b) | (~d & c), k = (5 * i + 1) % 16;
		else if (i < 48)
			f = b ^ c ^ d, k = (3 * i + 5) % 16;
		else
			f = c ^ (b | ~d), k = 7 * i % 16;
		t = a + f + (__u32)floor(fabs(sin(i + 1)) * 4294967296.0) +
		    get32(p + 4 * k, false);
		a = d;
		d = c;
		c = b;
		b += rotl(t, shift[i / 16][i % 4]);
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

static void sha1_block(__u32 *h, const __u8 *p)
{
	static const __u32 k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
	__u32 w[80], s[5], f, t;
	int i;

	for (i = 0; i < 80; i++)
		w[i] = i < 16 ? get32(p + 4 * i, true) :
				rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	memcpy(s, h, sizeof(s));
	for (i = 0; i < 80; i++) {
		if (i < 20)
			f = (s[1] & s[2]) | (~s[1] & s[3]);
		else if (i >= 40 && i < 60)
			f = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
		else
			f = s[1] ^ s[2] ^ s[3];
		t = rotl(s[0], 5) + f + s[4] + k[i / 20] + w[i];
		memmove(s + 1, s, 4 * sizeof(*s));
		s[2] = rotl(s[2], 30);
		s[0] = t;
	}
	for (i = 0; i < 5; i++)
		h[i] += s[i];
}

/* Either, by its size in words: 4 or 5. */
static void hash(int words, const __u8 *data, size_t len, __u8 *out)
{
	__u32 h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	size_t i, end = (len + 9 + BLOCK - 1) / BLOCK * BLOCK;
	__u8 *p = calloc(1, end);
	bool big = words == 5;

	memcpy(p, data, len);
	p[len] = 0x80;
	set32(p + end - (big ? 4 : 8), len * 8, big);
	for (i = 0; i < end; i += BLOCK)
		big ? sha1_block(h, p + i) : md5_block(h, p + i);
	for (i = 0; i < (size_t)words; i++)
		set32(out + 4 * i, h[i], big);
	free(p);
}

static void hmac_sha1(const __u8 *key, size_t klen, const __u8 *data, size_t len, __u8 *out)
{
	__u8 room[BLOCK + ROOM] = {}, inner[BLOCK + 20] = {};
	int i;

	memcpy(room, key, klen);
	memcpy(inner, key, klen);
	for (i = 0; i < BLOCK; i++) {
		room[i] ^= 0x36;
		inner[i] ^= 0x5c;
	}
	memcpy(room + BLOCK, data, len);
	hash(5, room, BLOCK + len, inner + BLOCK);
	hash(5, inner, sizeof(inner), out);
}

/* ---- AES-128 and CMAC ---- */

static __u8 times(__u8 a, __u8 b)
{
	__u8 r = 0;

	for (; b; b >>= 1, a = a << 1 ^ (a & 0x80 ? 0x1b : 0))
		r ^= b & 1 ? a : 0;
	return r;
}

static __u8 sbox(__u8 x)
{
	__u8 inv = 1, r;
	int i;

	/* x to the power of 254 */
	for (i = 0; i < 254; i++)
		inv = times(inv, x);
	r = inv;
	for (i = 1; i < 5; i++)
		r ^= inv << i | inv >> (8 - i);
	return r ^ 0x63;
}

static const __u8 *sboxes(void)
{
	static __u8 table[256];
	int i;

	for (i = 0; !table[0] && i < 256; i++)
		table[255 - i] = sbox(255 - i);
	return table;
}

static void aes_next_key(__u8 *k, __u8 rcon)
{
	const __u8 *s = sboxes();
	int i;

	for (i = 0; i < 4; i++)
		k[i] ^= s[k[12 + (i + 1) % 4]] ^ (i ? 0 : rcon);
	for (i = 4; i < 16; i++)
		k[i] ^= k[i - 4];
}

static void aes(const __u8 *key, __u8 *x)
{
	const __u8 *s = sboxes();
	__u8 k[16], t[16], rcon = 1;
	int round, i;

	memcpy(k, key, 16);
	for (i = 0; i < 16; i++)
		x[i] ^= k[i];
	for (round = 1; round <= 10; round++, rcon = times(rcon, 2)) {
		for (i = 0; i < 16; i++)
			t[i] = s[x[(i + 4 * (i % 4)) % 16]];
		aes_next_key(k, rcon);
		for (i = 0; i < 16; i++) {
			const __u8 *c = t + i / 4 * 4;
			int r = i % 4;

			x[i] = k[i] ^ (round == 10 ? t[i] :
				times(c[r], 2) ^ times(c[(r + 1) % 4], 3) ^
				c[(r + 2) % 4] ^ c[(r + 3) % 4]);
		}
	}
}

static void doubled(__u8 *k)
{
	__u8 carry = k[0] >> 7;
	int i;

	for (i = 0; i < 16; i++)
		k[i] = k[i] << 1 | (i < 15 ? k[i + 1] >> 7 : 0);
	k[15] ^= carry ? 0x87 : 0;
}

static void cmac(const __u8 *key, const __u8 *data, size_t len, __u8 *out)
{
	size_t i, blocks = len ? (len + 15) / 16 : 1;
	__u8 k[16] = {}, room[ROOM + 16] = {};

	aes(key, k);
	doubled(k);
	memcpy(room, data, len);
	if (len != blocks * 16) {
		doubled(k);
		room[len] = 0x80;
	}
	for (i = 0; i < 16; i++)
		room[(blocks - 1) * 16 + i] ^= k[i];
	memset(out, 0, 16);
	for (i = 0; i < blocks * 16; i++) {
		out[i % 16] ^= room[i];
		if (i % 16 == 15)
			aes(key, out);
	}
}

/* ---- segments ---- */

int sign_maclen(const struct signer *s)
{
	return s->alg == SIGN_MD5 ? 16 : s->maclen ?: 12;
}

static int option_len(const struct signer *s)
{
	return sign_maclen(s) + (s->alg == SIGN_MD5 ? 2 : 4);
}

/* The option without its digest, padded. Less than 0: the signer's. */
__u8 *sign_put(const struct signer *s, __u8 *p, int keyid, int rnext)
{
	int len = option_len(s);

	memset(p, 1, (len + 3) / 4 * 4);
	p[0] = s->alg == SIGN_MD5 ? 19 : 29;
	p[1] = len;
	memset(p + 2, 0, len - 2);
	if (s->alg != SIGN_MD5) {
		p[2] = keyid < 0 ? s->keyid : keyid;
		p[3] = rnext < 0 ? s->rnext : rnext;
	}
	return p + (len + 3) / 4 * 4;
}

/**
 * sign_find() - the option in a segment
 * @s:		what it should be
 * @tcp:	TCP header, options well formed
 *
 * Return: from its kind on; NULL: there is none of that kind and length
 */
const __u8 *sign_find(const struct signer *s, const __u8 *tcp)
{
	const __u8 *p = tcp + 20, *end = tcp + (tcp[12] >> 4) * 4;

	for (; p < end && *p; p += *p == 1 ? 1 : p[1])
		if (*p == (s->alg == SIGN_MD5 ? 19 : 29))
			return p[1] == option_len(s) ? p : NULL;
	return NULL;
}

static size_t put(__u8 *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return len;
}

static size_t put_be(__u8 *to, __u32 x, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = x >> 8 * (len - 1 - i);
	return len;
}

static bool is_v6(const struct sign_at *at)
{
	return at->packet[0] >> 4 == 6;
}

static size_t put_addresses(__u8 *to, const struct sign_at *at)
{
	return is_v6(at) ? put(to, at->packet + 8, 32) : put(to, at->packet + 12, 8);
}

static size_t put_pseudo(__u8 *to, const struct sign_at *at)
{
	size_t n = put_addresses(to, at), width = is_v6(at) ? 4 : 2;

	n += put_be(to + n, is_v6(at) ? at->len : 6, width);
	return n + put_be(to + n, is_v6(at) ? 6 : at->len, width);
}

/* The header as rfc5925 covers it; @option is in the original. */
static size_t put_header(__u8 *to, const struct signer *s, const struct sign_at *at,
			 const __u8 *option)
{
	size_t n = put(to, at->tcp, s->exclude ? 20 : (at->tcp[12] >> 4) * 4);
	size_t mac = option - at->tcp + 4;

	memset(to + 16, 0, 2);
	if (s->exclude) {
		mac = 24;
		n += put(to + n, option, 4);
		n += sign_maclen(s);
	}
	memset(to + mac, 0, sign_maclen(s));
	return n;
}

static void prf(const struct signer *s, const __u8 *key, size_t klen, const __u8 *data,
		size_t len, __u8 *out)
{
	if (s->alg == SIGN_AO_SHA1)
		hmac_sha1(key, klen, data, len, out);
	else
		cmac(key, data, len, out);
}

/* rfc5926#section-3.1 */
void sign_traffic_key(const struct signer *s, const struct sign_at *at, __u8 *out)
{
	static const __u8 zero[16];
	__u8 in[64] = "\1TCP-AO", master[SIGN_MAX];
	const __u8 *key = (const __u8 *)s->key;
	size_t n = 7, klen = strlen(s->key);

	n += put_addresses(in + n, at);
	n += put(in + n, at->tcp, 4);
	n += put_be(in + n, at->sisn, 4);
	n += put_be(in + n, at->disn, 4);
	n += put_be(in + n, s->alg == SIGN_AO_SHA1 ? 160 : 128, 2);
	if (s->alg == SIGN_AO_CMAC && klen != 16) {
		cmac(zero, key, klen, master);
		key = master;
		klen = 16;
	}
	prf(s, key, klen, in, n, out);
}

/**
 * sign_digest() - what the option in a segment should say
 * @s:		how it is signed
 * @at:		the segment
 * @out:	SIGN_MAX bytes
 *
 * Return: false if there is no such option
 */
bool sign_digest(const struct signer *s, const struct sign_at *at, __u8 *out)
{
	const __u8 *option = sign_find(s, at->tcp);
	size_t hlen = (at->tcp[12] >> 4) * 4, n = 0;
	__u8 in[ROOM] = {}, traffic[SIGN_MAX];

	if (!option)
		return false;
	if (s->alg == SIGN_MD5) {
		n += put_pseudo(in, at);
		n += put(in + n, at->tcp, 20);
		memset(in + n - 4, 0, 2);
		n += put(in + n, at->tcp + hlen, at->len - hlen);
		n += put(in + n, s->key, strlen(s->key));
		hash(4, in, n, out);
		return true;
	}
	sign_traffic_key(s, at, traffic);
	n += put_be(in, at->sne, 4);
	n += put_pseudo(in + n, at);
	n += put_header(in + n, s, at, option);
	n += put(in + n, at->tcp + hlen, at->len - hlen);
	prf(s, traffic, s->alg == SIGN_AO_SHA1 ? 20 : 16, in, n, out);
	return true;
}
