/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: what md5.c offers, signatures by rfc2385. Included by tcpx.h.
 */
#ifndef _TCPX_MD5_H
#define _TCPX_MD5_H

#define TCPX_MD5_SIZE	16	/* of a signature */

int  tcpx_md5_set(struct sock *sk, bool ext, sockptr_t optval, unsigned int optlen);
void tcpx_md5_destroy(struct sock *sk);
const struct tcpx_md5_key *__tcpx_md5_lookup(const struct sock *sk, const struct sock *addr_sk);
const struct tcpx_md5_key *tcpx_md5_reply_key(const struct sock *sk, const struct sk_buff *skb);
int  tcpx_md5_inherit(struct sock *child, const struct sock *lsk,
		      const struct tcpx_request_sock *req);
const struct tcpx_md5_key *tcpx_md5_find(const struct sock *sk,
					 const struct tcpx_auth_peer *peer);
const struct tcpx_md5_key *tcpx_md5_copy_key(const struct sock *sk);
void tcpx_md5_sign(struct sk_buff *skb, const struct tcpx_md5_key *key,
		   const struct tcpx_auth_ends *ends);
enum skb_drop_reason tcpx_md5_inbound(const struct sock *sk, const struct sk_buff *skb,
				      const u8 *hash);
enum skb_drop_reason tcpx_md5_tw_inbound(const struct tcpx_timewait_sock *tw,
					 const struct sk_buff *skb, const u8 *hash);
unsigned int tcpx_md5_diag(const struct sock *sk, struct tcp_diag_md5sig *out, unsigned int n);
bool tcpx_md5_stray(const struct sock *lsk, struct sk_buff *skb);
void tcpx_md5_exit(void);

/* The list of the keys of a socket, NULL if it never had one. */
static inline struct hlist_head *tcpx_md5_keys(const struct sock *sk)
{
	struct tcpx_disorder *d = READ_ONCE(tcpx_sk(sk)->disorder);

	return d && !hlist_empty(&d->md5sig) ? &d->md5sig : NULL;
}

/* The key of @sk for the peer of @addr_sk, itself or a request sock; NULL: none. */
static inline const struct tcpx_md5_key *tcpx_md5_lookup(const struct sock *sk,
							 const struct sock *addr_sk)
{
	if (!static_branch_unlikely(&tcpx_auth_needed) || !tcpx_md5_keys(sk))
		return NULL;
	return __tcpx_md5_lookup(sk, addr_sk);
}

#endif /* _TCPX_MD5_H */
