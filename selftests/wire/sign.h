/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Signatures of segments as the peer makes and judges them, rfc2385 and rfc5925, without a
 * line of what the stacks under test use for it. A connection whose c->sign is set signs all
 * that tx() sends and wants all that rx() gets to be signed, but where the line says nosign.
 */
#ifndef SELFTESTS_WIRE_SIGN_H
#define SELFTESTS_WIRE_SIGN_H

#include "wire.h"

#define SIGN_MAX	32	/* bytes of a digest */

enum sign_alg { SIGN_MD5, SIGN_AO_SHA1, SIGN_AO_CMAC };

/**
 * struct signer - how a peer signs
 * @alg:	algorithm
 * @key:	the secret
 * @keyid:	rfc5925: KeyID of what the peer sends
 * @rnext:	and what it asks for
 * @maclen:	bytes of the MAC, 0: 12
 * @exclude:	the MAC does not cover other options
 */
struct signer {
	enum sign_alg	alg;
	const char	*key;
	__u8		keyid, rnext;
	int		maclen;
	bool		exclude;
};

/**
 * struct sign_at - what a MAC is of
 * @packet:	from the IP header on
 * @tcp:	in it, the TCP header
 * @len:	bytes from there
 * @sisn:	initial sequence number of the sender
 * @disn:	of who it is sent to, 0 in a SYN
 * @sne:	upper half of the sequence number
 */
struct sign_at {
	const __u8	*packet, *tcp;
	size_t		len;
	__u32		sisn, disn, sne;
};

__u8 *sign_put(const struct signer *s, __u8 *p, int keyid, int rnext);
const __u8 *sign_find(const struct signer *s, const __u8 *tcp);
bool sign_digest(const struct signer *s, const struct sign_at *at, __u8 *out);
void sign_traffic_key(const struct signer *s, const struct sign_at *at, __u8 *out);
int sign_maclen(const struct signer *s);

#endif /* SELFTESTS_WIRE_SIGN_H */
