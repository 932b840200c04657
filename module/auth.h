/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: what auth.c offers: signatures of segments, by whichever of the two ways a peer
 * has a key for, rfc2385 (md5.c) or rfc5925 (ao.c). Included by offers.h.
 */
#ifndef _TCPX_AUTH_H
#define _TCPX_AUTH_H

struct tcpx_md5_key;
struct tcpx_ao_key;

/* A key was set on this host. Until then nothing of this costs anything. */
DECLARE_STATIC_KEY_FALSE(tcpx_auth_needed);

/**
 * struct tcpx_auth - what signs a segment
 * @size: bytes that the option takes, padding included; 0: nothing does, and the rest means
 *	  nothing
 * @rnext: RNextKeyID to tell, rfc5925#section-2.2
 * @md5: key, or NULL: it is
 * @ao: that one
 * @traffic: the traffic key of @ao, or NULL: derive it from
 * @lisn: our initial sequence number and
 * @risn: the peer's, 0 in a SYN
 * @snd_base: a 64-bit sequence number of ours, not far from the segment's
 */
struct tcpx_auth {
	u8			size;
	u8			rnext;
	const struct tcpx_md5_key *md5;
	struct tcpx_ao_key	*ao;
	const u8		*traffic;
	u32			lisn;
	u32			risn;
	u64			snd_base;
};

/* Whose key is wanted. */
struct tcpx_auth_peer {
	union tcp_md5_addr	addr;
	int			l3index;	/* < 0: any */
	u8			family;		/* AF_INET for mapped addresses too */
};

/* The addresses that a signature covers. */
struct tcpx_auth_ends {
	const void	*saddr;
	const void	*daddr;
	bool		v6;
};

void __tcpx_auth_find(struct tcpx_auth *auth, const struct sock *sk, const struct sock *addr_sk);
void tcpx_auth_find_reply(struct tcpx_auth *auth, const struct sock *sk,
			  const struct tcpx_request_sock *req, const struct sk_buff *skb);
int  tcpx_auth_connect(struct sock *sk);
int  tcpx_auth_inherit(struct sock *child, const struct sock *lsk,
		       const struct tcpx_request_sock *req);
void tcpx_auth_time_wait(struct tcpx_timewait_sock *tw, struct sock *sk);
void tcpx_auth_tw_put(struct tcpx_timewait_sock *tw);
void tcpx_auth_destroy(struct sock *sk);
void tcpx_auth_sign(struct sk_buff *skb, const struct tcpx_auth *auth, const struct sock *sk);
void tcpx_auth_sign_reply(struct sk_buff *nskb, const struct tcpx_auth *auth,
			  const struct sk_buff *skb);
bool tcpx_auth_options(const struct tcphdr *th, const u8 **md5, const u8 **ao);
enum skb_drop_reason __tcpx_auth_inbound(struct sock *sk, const struct tcpx_request_sock *req,
					 const struct sk_buff *skb);
enum skb_drop_reason tcpx_auth_tw_inbound(struct tcpx_timewait_sock *tw,
					  const struct sk_buff *skb);
void tcpx_auth_peer_of(struct tcpx_auth_peer *peer, const struct net *net, const struct sock *sk);
void tcpx_auth_sender(struct tcpx_auth_peer *peer, const struct sk_buff *skb, int l3index);
int  tcpx_auth_l3index(const struct sk_buff *skb);
int  tcpx_auth_l3index_cb(const struct sk_buff *skb);
bool tcpx_auth_prefix_equal(const struct tcpx_auth_peer *peer, const union tcp_md5_addr *addr,
			    u8 prefixlen);
void tcpx_auth_ends_of(struct tcpx_auth_ends *ends, const struct sock *sk);
void tcpx_auth_ends_of_skb(struct tcpx_auth_ends *ends, const struct sk_buff *skb);
void tcpx_auth_pseudo(void (*update)(void *hash, const void *data, unsigned int len), void *hash,
		      const struct tcpx_auth_ends *ends, const struct sk_buff *skb);
void tcpx_auth_data(void (*update)(void *hash, const void *data, unsigned int len), void *hash,
		    const struct sk_buff *skb);
void tcpx_auth_no_gso(struct sock *sk);
void tcpx_auth_exit(void);

/* What signs a segment of @addr_sk by a key of @sk: of a connection itself, else of a
 * request sock's listener.
 */
static inline void tcpx_auth_find(struct tcpx_auth *auth, const struct sock *sk,
				  const struct sock *addr_sk)
{
	auth->size = 0;
	auth->md5 = NULL;
	if (static_branch_unlikely(&tcpx_auth_needed))
		__tcpx_auth_find(auth, sk, addr_sk);
}

/* Bytes that the signature takes of a segment. */
static inline unsigned int tcpx_auth_room(const struct sock *sk, const struct sock *addr_sk)
{
	struct tcpx_auth auth;

	tcpx_auth_find(&auth, sk, addr_sk);
	return auth.size;
}

#endif /* _TCPX_AUTH_H */
