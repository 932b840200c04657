/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: what md5.c offers, signatures by rfc2385. Included by tcpx.h.
 */
#ifndef _TCPX_MD5_H
#define _TCPX_MD5_H

#define TCPX_MD5_SIZE	16	/* of a signature */

DECLARE_STATIC_KEY_FALSE(tcpx_md5_needed);	/* a key was set on this host */

int  tcpx_md5_set(struct sock *sk, bool ext, sockptr_t optval, unsigned int optlen);
void tcpx_md5_destroy(struct sock *sk);
const struct tcpx_md5_key *__tcpx_md5_lookup(const struct sock *sk, const struct sock *addr_sk);
const struct tcpx_md5_key *tcpx_md5_reply_key(const struct sock *sk, const struct sk_buff *skb);
int  tcpx_md5_inherit(struct sock *child, const struct sock *lsk,
		      const struct tcpx_request_sock *req);
const struct tcpx_md5_key *tcpx_md5_copy_key(const struct sock *sk);
void tcpx_md5_sign(struct sk_buff *skb, const struct tcpx_md5_key *key, const struct sock *sk);
void tcpx_md5_sign_reply(struct sk_buff *nskb, const struct tcpx_md5_key *key,
			 const struct sk_buff *skb);
enum skb_drop_reason __tcpx_md5_inbound(const struct sock *sk, const struct sk_buff *skb);
enum skb_drop_reason tcpx_md5_tw_inbound(const struct tcpx_timewait_sock *tw,
					 const struct sk_buff *skb);
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
	if (!static_branch_unlikely(&tcpx_md5_needed) || !tcpx_md5_keys(sk))
		return NULL;
	return __tcpx_md5_lookup(sk, addr_sk);
}

/* Bytes that the signature takes of a segment. */
static inline unsigned int tcpx_md5_room(const struct sock *sk, const struct sock *addr_sk)
{
	return unlikely(tcpx_md5_lookup(sk, addr_sk)) ? TCPOLEN_MD5SIG_ALIGNED : 0;
}

/* The same; the key is in @opts. */
static inline unsigned int tcpx_md5_size(const struct sock *sk, const struct sock *addr_sk,
					 struct tcpx_out_options *opts)
{
	opts->md5 = tcpx_md5_lookup(sk, addr_sk);
	return unlikely(opts->md5) ? TCPOLEN_MD5SIG_ALIGNED : 0;
}

/* 0, or why a segment may not pass to @sk. */
static inline enum skb_drop_reason tcpx_md5_inbound(const struct sock *sk,
						    const struct sk_buff *skb)
{
	if (!static_branch_unlikely(&tcpx_md5_needed) &&
	    likely(tcp_hdr(skb)->doff * 4 < sizeof(struct tcphdr) + TCPOLEN_MD5SIG))
		return 0;
	return __tcpx_md5_inbound(sk, skb);
}

#endif /* _TCPX_MD5_H */
