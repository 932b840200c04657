/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_TCPX: what ao*.c offer, the TCP Authentication Option of rfc5925. Included by tcpx.h.
 */
#ifndef _TCPX_AO_H
#define _TCPX_AO_H

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <tcpx_ao.h>

#define TCPX_OPT_KIND_AO	29
#define TCPX_OPTLEN_AO_BASE	4	/* kind, length, KeyID, RNextKeyID; the MAC follows */
#define TCPX_AO_MAC_DEFAULT	12	/* bytes, rfc5925#section-2.2 */
#define TCPX_AO_DIGEST_MAX	32	/* of a MAC before it is cut, and of a traffic key */

enum tcpx_ao_alg_id {
	TCPX_AO_HMAC_SHA1,		/* rfc5926#section-3.2.1 */
	TCPX_AO_HMAC_SHA256,
	TCPX_AO_AES_128_CMAC,		/* rfc5926#section-3.2.2 */
	TCPX_AO_ALGS
};

/**
 * struct tcpx_ao_alg - an algorithm, which derives traffic keys and signs by them
 * @name: what TCP_AO_ADD_KEY calls it
 * @hash: the crypto API's name of the hash in it, NULL: it is AES
 * @size: bytes of a digest and of a traffic key
 */
struct tcpx_ao_alg {
	const char	*name;
	const char	*hash;
	u8		size;
};

/* The traffic keys of a connection past its SYNs, by direction. */
enum tcpx_ao_direction { TCPX_AO_SEND, TCPX_AO_RECV, TCPX_AO_DIRECTIONS };

/**
 * struct tcpx_ao_key - a master key tuple, rfc5925#section-3.1
 * @node: in tcpx_ao.keys
 * @rcu: to free it
 * @pkt_good: segments that it verified
 * @pkt_bad: and that it could not
 * @addr: of the peers, up to @prefixlen; any if it is 0
 * @l3index: their VRF, if TCP_AO_KEYF_IFINDEX is in
 * @keyflags: TCP_AO_KEYF_*
 * @family: AF_INET for mapped addresses too
 * @prefixlen: bits of @addr that count
 * @alg: enum tcpx_ao_alg_id
 * @sndid: KeyID of what we send
 * @rcvid: KeyID of what we are sent
 * @maclen: bytes of the MAC that are sent
 * @keylen: bytes of @key
 * @key: the secret
 * @traffic: keys of this connection; not of a listener's, or before the peer's SYN is here
 */
struct tcpx_ao_key {
	struct hlist_node	node;
	struct rcu_head		rcu;
	atomic64_t		pkt_good;
	atomic64_t		pkt_bad;
	union tcp_md5_addr	addr;
	int			l3index;
	u8			keyflags;
	u8			family;
	u8			prefixlen;
	u8			alg;
	u8			sndid;
	u8			rcvid;
	u8			maclen;
	u8			keylen;
	u8			key[TCP_AO_MAXKEYLEN];
	u8			traffic[TCPX_AO_DIRECTIONS][TCPX_AO_DIGEST_MAX];
};

enum tcpx_ao_counter {
	TCPX_AO_GOOD,
	TCPX_AO_BAD,
	TCPX_AO_KEY_NOT_FOUND,
	TCPX_AO_REQUIRED,
	TCPX_AO_DROPPED_ICMP,
	TCPX_AO_COUNTERS
};

/**
 * struct tcpx_ao - what a socket has of rfc5925, and its TIME_WAIT entry after it
 * @rcu: to free it
 * @refcnt: one of the socket, one of the entry
 * @keys: struct tcpx_ao_key, writers: socket lock, readers: RCU
 * @current_key: signs what is sent, Current_key; the peer may change it at any time
 * @rnext_key: the peer is asked to use it, Rnext_key; both are NULL in CLOSE if nobody set
 *	       them, and in LISTEN
 * @counters: by enum tcpx_ao_counter
 * @lisn: our initial sequence number
 * @risn: the peer's
 * @snd_base: TIME_WAIT: 64-bit sequence number of the end of what we sent
 * @rcv_base: TIME_WAIT: of what came
 * @ao_required: nothing unsigned is taken from anybody
 * @accept_icmps: errors of the network are believed
 */
struct tcpx_ao {
	struct rcu_head		rcu;
	refcount_t		refcnt;
	struct hlist_head	keys;
	struct tcpx_ao_key	*current_key;
	struct tcpx_ao_key	*rnext_key;
	atomic64_t		counters[TCPX_AO_COUNTERS];
	u32			lisn;
	u32			risn;
	u64			snd_base;
	u64			rcv_base;
	bool			ao_required;
	bool			accept_icmps;
};

/**
 * struct tcpx_ao_conn - what a traffic key is derived from, rfc5926#section-3.1
 * @ends: addresses, the sender's first
 * @sport: ports, the same
 * @dport: see there
 * @sisn: initial sequence numbers, the same; 0 if not known yet
 * @disn: see there
 */
struct tcpx_ao_conn {
	struct tcpx_auth_ends	ends;
	__be16			sport;
	__be16			dport;
	u32			sisn;
	u32			disn;
};

/* --- ao_mac.c ------------------------------------------------------------- */

extern const struct tcpx_ao_alg tcpx_ao_algs[TCPX_AO_ALGS];

int  tcpx_ao_mac_get(u8 alg);
void tcpx_ao_mac_put(void);
bool tcpx_ao_extract(struct tcpx_ao_key *key, const u8 *secret, u8 len);
bool tcpx_ao_derive(const struct tcpx_ao_key *key, u8 *traffic, const struct tcpx_ao_conn *conn);
bool tcpx_ao_hash(const struct tcpx_ao_key *key, const u8 *traffic,
		  const struct tcpx_auth_ends *ends, const struct sk_buff *skb,
		  const u8 *option, u32 sne, u8 *mac);

/* --- ao_key.c ------------------------------------------------------------- */

struct tcpx_ao *tcpx_ao_alloc(gfp_t gfp);
void tcpx_ao_put(struct tcpx_ao *ao);
void tcpx_ao_link(struct sock *sk, struct tcpx_ao *ao);
struct tcpx_ao_key *tcpx_ao_find(const struct tcpx_ao *ao, const struct tcpx_auth_peer *peer,
				 u8 prefixlen, int sndid, int rcvid);
struct tcpx_ao_key *tcpx_ao_find_id(const struct tcpx_ao *ao, int sndid, int rcvid);
bool tcpx_ao_match(const struct tcpx_ao_key *key, const struct tcpx_auth_peer *peer, u8 prefixlen);
void tcpx_ao_free_key(struct sock *sk, struct tcpx_ao_key *key);
void tcpx_ao_cache(const struct sock *sk, const struct tcpx_ao *ao, struct tcpx_ao_key *key);
void tcpx_ao_destroy(struct sock *sk);
bool tcpx_ao_connect_init(struct sock *sk, struct tcpx_ao *ao);
void __tcpx_ao_finish_connect(struct sock *sk, u32 risn);
int  tcpx_ao_inherit(struct sock *child, const struct sock *lsk,
		     const struct tcpx_request_sock *req);

/* --- ao.c ------------------------------------------------------------------- */

void tcpx_ao_find_sock(struct tcpx_auth *auth, const struct sock *sk, const struct tcpx_ao *ao);
void tcpx_ao_find_req(struct tcpx_auth *auth, const struct sock *sk,
		      const struct tcpx_request_sock *req);
void tcpx_ao_find_reply(struct tcpx_auth *auth, const struct sock *sk,
			const struct tcpx_request_sock *req, const struct sk_buff *skb);
void tcpx_ao_sign(struct sk_buff *skb, const struct tcpx_auth *auth,
		  const struct tcpx_auth_ends *ends);
void tcpx_ao_request(struct tcpx_request_sock *req, const struct sk_buff *skb);
bool tcpx_ao_wanted(const struct tcpx_ao *ao, const struct tcpx_auth_peer *peer);
enum skb_drop_reason tcpx_ao_missing(struct net *net, struct tcpx_ao *ao);
enum skb_drop_reason tcpx_ao_inbound(struct sock *sk, const struct tcpx_request_sock *req,
				     const struct sk_buff *skb, const u8 *option);
enum skb_drop_reason tcpx_ao_tw_inbound(struct tcpx_timewait_sock *tw, const struct sk_buff *skb,
					const u8 *option);
u64  tcpx_ao_snd_base(const struct sock *sk, const struct tcpx_ao *ao);
u64  tcpx_ao_rcv_base(const struct sock *sk, const struct tcpx_ao *ao);
bool __tcpx_ao_ignore_icmp(const struct sock *sk);

/* --- ao_sockopt.c ----------------------------------------------------------- */

int  tcpx_ao_set_add(struct sock *sk, sockptr_t optval, unsigned int optlen);
int  tcpx_ao_set_del(struct sock *sk, sockptr_t optval, unsigned int optlen);
int  tcpx_ao_set_info(struct sock *sk, sockptr_t optval, unsigned int optlen);
int  tcpx_ao_set_repair(struct sock *sk, sockptr_t optval, unsigned int optlen);
int  tcpx_ao_get_keys(struct sock *sk, void __user *optval, int *len);
int  tcpx_ao_get_info(struct sock *sk, void __user *optval, int *len);
int  tcpx_ao_get_repair(struct sock *sk, void __user *optval, int *len);

/* RCU or the socket lock */
static inline struct tcpx_ao *tcpx_ao(const struct sock *sk)
{
	const struct tcpx_disorder *d = READ_ONCE(tcpx_sk(sk)->disorder);

	return d ? rcu_dereference_check(d->ao, lockdep_sock_is_held(sk)) : NULL;
}

/* Bytes of the option in a header: a MAC may need padding. */
static inline u8 tcpx_ao_size(const struct tcpx_ao_key *key)
{
	return round_up(TCPX_OPTLEN_AO_BASE + key->maclen, 4);
}

/* The other end's SYN is here: its number is known, so are the traffic keys. Socket lock. */
static inline void tcpx_ao_finish_connect(struct sock *sk, u32 risn)
{
	if (static_branch_unlikely(&tcpx_auth_needed))
		__tcpx_ao_finish_connect(sk, risn);
}

/*
 * rfc5925#section-7.8: errors that would end a synchronized connection, and those of the path
 * MTU, must not be believed, for the network cannot sign. Counts if so; RCU.
 */
static inline bool tcpx_ao_ignore_icmp4(const struct sock *sk, u8 type, u8 code)
{
	return static_branch_unlikely(&tcpx_auth_needed) && type == ICMP_DEST_UNREACH &&
	       code >= ICMP_PROT_UNREACH && code <= ICMP_FRAG_NEEDED && __tcpx_ao_ignore_icmp(sk);
}

static inline bool tcpx_ao_ignore_icmp6(const struct sock *sk, u8 type, u8 code)
{
	return static_branch_unlikely(&tcpx_auth_needed) && type == ICMPV6_DEST_UNREACH &&
	       (code == ICMPV6_ADM_PROHIBITED || code == ICMPV6_PORT_UNREACH) &&
	       __tcpx_ao_ignore_icmp(sk);
}

/* 0, or why a segment may not pass to @sk, of whose half-open connection @req is, or NULL. */
static inline enum skb_drop_reason tcpx_auth_inbound(struct sock *sk,
						     const struct tcpx_request_sock *req,
						     const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	/* What nearly all segments are: without options, or with a timestamp alone, or SYNs. */
	if (!static_branch_unlikely(&tcpx_auth_needed) &&
	    (th->doff == sizeof(*th) / 4 ||
	     (likely(th->doff == (sizeof(*th) + TCPOLEN_TSTAMP_ALIGNED) / 4) &&
	      likely(*(const __be32 *)(th + 1) ==
		     htonl((TCPOPT_NOP << 24) | (TCPOPT_NOP << 16) |
			   (TCPOPT_TIMESTAMP << 8) | TCPOLEN_TIMESTAMP))) ||
	     (th->syn && tcpx_syn_options_usual(th))))
		return 0;
	return __tcpx_auth_inbound(sk, req, skb);
}

#endif /* _TCPX_AO_H */
