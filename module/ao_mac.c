// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: MACs of rfc5925 and the derivation of their keys, rfc5926.
 *
 * Each connection has keys of its own, and in softirq nobody can allocate or key a transform
 * of the crypto API. So that is asked only for what needs no key, SHA-1 and SHA-256, by one
 * transform for all; HMAC (rfc2104) and CMAC (rfc4493, on the host's AES) are made of these
 * here. The state is on the stack: nothing is shared, nobody waits.
 */
#include "tcpx.h"

#define TCPX_HMAC_BLOCK		64	/* of SHA-1 and SHA-256 */

/**
 * struct tcpx_mac - a MAC that is being made
 * @alg: enum tcpx_ao_alg_id
 * @err: of the first step that failed
 * @opad: HMAC: the key for the outer hash
 * @room: a struct shash_desc and what it has behind it
 * @aes: CMAC: the key
 * @x: the state
 * @block: bytes not yet in it,
 * @n: so many
 */
struct tcpx_mac {
	u8	alg;
	int	err;
	union {
		struct {
			u8	opad[TCPX_HMAC_BLOCK];
			u8	room[sizeof(struct shash_desc) + HASH_MAX_DESCSIZE]
				__aligned(ARCH_SLAB_MINALIGN);
		};
		struct {
			compat_aes_key	aes;
			u8	x[AES_BLOCK_SIZE];
			u8	block[AES_BLOCK_SIZE];
			u8	n;
		};
	};
};

const struct tcpx_ao_alg tcpx_ao_algs[TCPX_AO_ALGS] = {
	[TCPX_AO_HMAC_SHA1]	= { "hmac(sha1)", "sha1", 20 },
	[TCPX_AO_HMAC_SHA256]	= { "hmac(sha256)", "sha256", 32 },
	[TCPX_AO_AES_128_CMAC]	= { "cmac(aes128)", NULL, AES_BLOCK_SIZE },
};

static DEFINE_MUTEX(tcpx_ao_mutex);		/* makes tcpx_ao_tfms, once */
static struct crypto_shash *tcpx_ao_tfms[TCPX_AO_ALGS];

/**
 * tcpx_ao_mac_get() - an algorithm is wanted
 * @alg: enum tcpx_ao_alg_id
 *
 * Context: process; may sleep
 * Return: 0, or -ENOENT: the host lacks it. Beyond the first time it does nothing.
 */
int tcpx_ao_mac_get(u8 alg)
{
	struct crypto_shash *tfm;
	int err = 0;

	if (!tcpx_ao_algs[alg].hash)
		return IS_REACHABLE(CONFIG_CRYPTO_LIB_AES) ? 0 : -ENOENT;
	mutex_lock(&tcpx_ao_mutex);
	if (!tcpx_ao_tfms[alg]) {
		tfm = crypto_alloc_shash(tcpx_ao_algs[alg].hash, 0, 0);
		err = PTR_ERR_OR_ZERO(tfm);
		/* Readers come by the key that is set after this. */
		if (!err)
			tcpx_ao_tfms[alg] = tfm;
	}
	mutex_unlock(&tcpx_ao_mutex);
	return err;
}

/**
 * tcpx_ao_mac_put() - no socket is left
 */
void tcpx_ao_mac_put(void)
{
	int i;

	for (i = 0; i < TCPX_AO_ALGS; i++)
		if (tcpx_ao_tfms[i])
			crypto_free_shash(tcpx_ao_tfms[i]);
}

/* --- HMAC, rfc2104 ----------------------------------------------------------- */

static struct shash_desc *tcpx_mac_desc(struct tcpx_mac *mac)
{
	return (struct shash_desc *)mac->room;
}

static void tcpx_hmac_init(struct tcpx_mac *mac, const u8 *key, unsigned int len)
{
	struct shash_desc *desc = tcpx_mac_desc(mac);
	u8 ipad[TCPX_HMAC_BLOCK] = {};
	int i;

	desc->tfm = tcpx_ao_tfms[mac->alg];
	if (len > sizeof(ipad))
		mac->err = crypto_shash_digest(desc, key, len, ipad);
	else
		memcpy(ipad, key, len);
	for (i = 0; i < TCPX_HMAC_BLOCK; i++) {
		mac->opad[i] = ipad[i] ^ 0x5c;
		ipad[i] ^= 0x36;
	}
	mac->err = mac->err ?: crypto_shash_init(desc);
	mac->err = mac->err ?: crypto_shash_update(desc, ipad, sizeof(ipad));
	memzero_explicit(ipad, sizeof(ipad));
}

static void tcpx_hmac_final(struct tcpx_mac *mac, u8 *out)
{
	struct shash_desc *desc = tcpx_mac_desc(mac);

	mac->err = mac->err ?: crypto_shash_final(desc, out);
	mac->err = mac->err ?: crypto_shash_init(desc);
	mac->err = mac->err ?: crypto_shash_update(desc, mac->opad, sizeof(mac->opad));
	mac->err = mac->err ?: crypto_shash_finup(desc, out, tcpx_ao_algs[mac->alg].size, out);
}

/* --- CMAC, rfc4493 ------------------------------------------------------------- */

static void tcpx_cmac_init(struct tcpx_mac *mac, const u8 *key)
{
	memset(mac->x, 0, sizeof(mac->x));
	mac->n = 0;
	mac->err = compat_aes_setkey(&mac->aes, key);
}

static void tcpx_cmac_xor(u8 *to, const u8 *with)
{
	int i;

	for (i = 0; i < AES_BLOCK_SIZE; i++)
		to[i] ^= with[i];
}

static void tcpx_cmac_block(struct tcpx_mac *mac)
{
	tcpx_cmac_xor(mac->x, mac->block);
	compat_aes_encrypt(&mac->aes, mac->x, mac->x);
	mac->n = 0;
}

/* The last block, even a full one, is kept back: it is treated otherwise. */
static void tcpx_cmac_update(struct tcpx_mac *mac, const u8 *data, unsigned int len)
{
	while (len) {
		unsigned int n;

		if (mac->n == AES_BLOCK_SIZE)
			tcpx_cmac_block(mac);
		n = min_t(unsigned int, len, AES_BLOCK_SIZE - mac->n);
		memcpy(mac->block + mac->n, data, n);
		mac->n += n;
		data += n;
		len -= n;
	}
}

/* Times x in GF(2^128), rfc4493#section-2.3 */
static void tcpx_cmac_double(u8 *k)
{
	u8 carry = k[0] >> 7;
	int i;

	for (i = 0; i < AES_BLOCK_SIZE - 1; i++)
		k[i] = k[i] << 1 | k[i + 1] >> 7;
	k[i] = k[i] << 1 ^ (carry ? 0x87 : 0);
}

static void tcpx_cmac_final(struct tcpx_mac *mac, u8 *out)
{
	u8 k[AES_BLOCK_SIZE] = {};

	compat_aes_encrypt(&mac->aes, k, k);
	tcpx_cmac_double(k);
	if (mac->n < AES_BLOCK_SIZE) {
		tcpx_cmac_double(k);
		mac->block[mac->n] = 0x80;
		memset(mac->block + mac->n + 1, 0, AES_BLOCK_SIZE - mac->n - 1);
	}
	tcpx_cmac_xor(mac->x, k);
	tcpx_cmac_block(mac);
	memcpy(out, mac->x, AES_BLOCK_SIZE);
	memzero_explicit(k, sizeof(k));
}

/* --- either ---------------------------------------------------------------------- */

static void tcpx_mac_init(struct tcpx_mac *mac, u8 alg, const u8 *key, unsigned int len)
{
	mac->alg = alg;
	mac->err = 0;
	if (alg == TCPX_AO_AES_128_CMAC)
		tcpx_cmac_init(mac, key);
	else
		tcpx_hmac_init(mac, key, len);
}

static void tcpx_mac_update(void *m, const void *data, unsigned int len)
{
	struct tcpx_mac *mac = m;

	if (mac->alg == TCPX_AO_AES_128_CMAC)
		tcpx_cmac_update(mac, data, len);
	else
		mac->err = mac->err ?: crypto_shash_update(tcpx_mac_desc(mac), data, len);
}

/* TCPX_AO_DIGEST_MAX bytes at @out. False: the host's hash failed, and they are 0. */
static bool tcpx_mac_final(struct tcpx_mac *mac, u8 *out)
{
	bool ok;

	if (mac->alg == TCPX_AO_AES_128_CMAC)
		tcpx_cmac_final(mac, out);
	else
		tcpx_hmac_final(mac, out);
	ok = !mac->err;
	if (!ok)
		memset(out, 0, TCPX_AO_DIGEST_MAX);
	memzero_explicit(mac, sizeof(*mac));
	return ok;
}

/**
 * tcpx_ao_extract() - the key of a master key tuple, from what the user has for a secret
 * @key: the tuple, alg set; key and keylen are filled
 * @secret: the secret
 * @len: bytes of it, up to TCP_AO_MAXKEYLEN
 *
 * rfc5926#section-3.1.1.2: AES takes 16 bytes only, so others go through CMAC first.
 *
 * Return: false if the host's AES failed
 */
bool tcpx_ao_extract(struct tcpx_ao_key *key, const u8 *secret, u8 len)
{
	static const u8 zero[AES_BLOCK_SIZE];
	u8 digest[TCPX_AO_DIGEST_MAX];
	struct tcpx_mac mac;
	bool ok;

	key->keylen = len;
	if (key->alg != TCPX_AO_AES_128_CMAC || len == AES_KEYSIZE_128) {
		memcpy(key->key, secret, len);
		return true;
	}
	tcpx_mac_init(&mac, key->alg, zero, sizeof(zero));
	tcpx_mac_update(&mac, secret, len);
	ok = tcpx_mac_final(&mac, digest);
	memcpy(key->key, digest, AES_KEYSIZE_128);
	key->keylen = AES_KEYSIZE_128;
	memzero_explicit(digest, sizeof(digest));
	return ok;
}

/**
 * tcpx_ao_derive() - a traffic key, rfc5926#section-3.1.1
 * @key: master key tuple
 * @traffic: TCPX_AO_DIGEST_MAX bytes
 * @conn: for which direction of which connection
 *
 * One round does: no algorithm wants more key than it gives.
 *
 * Return: false if the host's hash failed; the key is all zero then
 */
bool tcpx_ao_derive(const struct tcpx_ao_key *key, u8 *traffic, const struct tcpx_ao_conn *conn)
{
	size_t size = conn->ends.v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	const __be32 isns[2] = { htonl(conn->sisn), htonl(conn->disn) };
	const __be16 bits = htons(tcpx_ao_algs[key->alg].size * 8);
	static const u8 label[] = "\1TCP-AO";
	struct tcpx_mac mac;

	tcpx_mac_init(&mac, key->alg, key->key, key->keylen);
	tcpx_mac_update(&mac, label, sizeof(label) - 1);
	tcpx_mac_update(&mac, conn->ends.saddr, size);
	tcpx_mac_update(&mac, conn->ends.daddr, size);
	tcpx_mac_update(&mac, &conn->sport, sizeof(conn->sport));
	tcpx_mac_update(&mac, &conn->dport, sizeof(conn->dport));
	tcpx_mac_update(&mac, isns, sizeof(isns));
	tcpx_mac_update(&mac, &bits, sizeof(bits));
	return tcpx_mac_final(&mac, traffic);
}

/* --- of a segment ------------------------------------------------------------------ */

/* As if checksum and MAC were 0; of the options perhaps ours alone. */
static void tcpx_mac_header(struct tcpx_mac *mac, const struct tcpx_ao_key *key,
			    const struct tcphdr *th, const u8 *option)
{
	u8 copy[sizeof(struct tcphdr) + MAX_TCP_OPTION_SPACE];
	unsigned int len = th->doff * 4, at = option - (const u8 *)th;

	memcpy(copy, th, sizeof(*th));
	if (key->keyflags & TCP_AO_KEYF_EXCLUDE_OPT) {
		at = sizeof(*th);
		len = at + TCPX_OPTLEN_AO_BASE + key->maclen;
		memcpy(copy + at, option, TCPX_OPTLEN_AO_BASE);
	} else {
		memcpy(copy + sizeof(*th), th + 1, len - sizeof(*th));
	}
	((struct tcphdr *)copy)->check = 0;
	memset(copy + at + TCPX_OPTLEN_AO_BASE, 0, key->maclen);
	tcpx_mac_update(mac, copy, len);
}

/**
 * tcpx_ao_hash() - the MAC of a segment, rfc5925#section-5.1
 * @key: master key tuple
 * @traffic: the traffic key from it
 * @ends: the segment's addresses
 * @skb: the segment, header linear
 * @option: in it, from its kind on; its MAC has the length of the key's
 * @sne: sequence number extension
 * @mac: TCPX_AO_DIGEST_MAX bytes, of which those that are sent come first
 *
 * Return: false if the host's hash failed; the MAC is all zero then
 */
bool tcpx_ao_hash(const struct tcpx_ao_key *key, const u8 *traffic,
		  const struct tcpx_auth_ends *ends, const struct sk_buff *skb,
		  const u8 *option, u32 sne, u8 *mac)
{
	const __be32 ext = htonl(sne);
	struct tcpx_mac m;

	tcpx_mac_init(&m, key->alg, traffic, tcpx_ao_algs[key->alg].size);
	tcpx_mac_update(&m, &ext, sizeof(ext));
	tcpx_auth_pseudo(tcpx_mac_update, &m, ends, skb);
	tcpx_mac_header(&m, key, tcp_hdr(skb), option);
	tcpx_auth_data(tcpx_mac_update, &m, skb);
	return tcpx_mac_final(&m, mac);
}
