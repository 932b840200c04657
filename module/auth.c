// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: signed segments, whichever way they are signed: MD5 (rfc2385, md5.c) or the
 * Authentication Option (rfc5925, ao.c). A peer has keys of one of the two: who sets one of the
 * other gets EKEYREJECTED.
 *
 * A connection whose peer has a key signs all that it sends, and takes nothing that is not
 * signed; one whose peer has none takes nothing that is. The signature covers each segment by
 * itself, so such a connection does without GSO.
 *
 * Until somebody sets the first key, the static key tcpx_auth_needed spares everybody the
 * lists; a segment that arrives costs a look at the length of its options.
 */
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <net/l3mdev.h>

#include "tcpx.h"

DEFINE_STATIC_KEY_FALSE(tcpx_auth_needed);

/* --- whose key, and of what addresses ------------------------------------------------ */

/* Does it talk IPv6 indeed? A full socket or a request sock, with addresses. */
static bool tcpx_auth_over_v6(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	return sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr);
#else
	return false;
#endif
}

/**
 * tcpx_auth_ends_of() - the addresses of what a connection sends
 * @ends: returns them; they are @sk's
 * @sk: full socket or request sock
 */
void tcpx_auth_ends_of(struct tcpx_auth_ends *ends, const struct sock *sk)
{
	ends->v6 = tcpx_auth_over_v6(sk);
	ends->saddr = &sk->sk_rcv_saddr;
	ends->daddr = &sk->sk_daddr;
#if IS_ENABLED(CONFIG_IPV6)
	if (ends->v6) {
		ends->saddr = &sk->sk_v6_rcv_saddr;
		ends->daddr = &sk->sk_v6_daddr;
	}
#endif
}

/**
 * tcpx_auth_ends_of_skb() - the addresses of a segment that came
 * @ends: returns them; they are the segment's
 * @skb: segment
 */
void tcpx_auth_ends_of_skb(struct tcpx_auth_ends *ends, const struct sk_buff *skb)
{
	ends->v6 = tcpx_skb_is_v6(skb);
	ends->saddr = ends->v6 ? (const void *)&ipv6_hdr(skb)->saddr :
				 (const void *)&ip_hdr(skb)->saddr;
	ends->daddr = ends->v6 ? (const void *)&ipv6_hdr(skb)->daddr :
				 (const void *)&ip_hdr(skb)->daddr;
}

static void tcpx_auth_peer_init(struct tcpx_auth_peer *peer, bool v6, const void *addr,
				int l3index)
{
	peer->family = v6 ? AF_INET6 : AF_INET;
	peer->l3index = l3index;
	memcpy(&peer->addr, addr, v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr));
}

/**
 * tcpx_auth_peer_of() - the peer of a connection
 * @peer: returns it
 * @net: netns
 * @sk: full socket or request sock
 */
void tcpx_auth_peer_of(struct tcpx_auth_peer *peer, const struct net *net, const struct sock *sk)
{
	int l3index = l3mdev_master_ifindex_by_index((struct net *)net,
						     READ_ONCE(sk->sk_bound_dev_if));
	struct tcpx_auth_ends ends;

	tcpx_auth_ends_of(&ends, sk);
	tcpx_auth_peer_init(peer, ends.v6, ends.daddr, l3index);
}

/**
 * tcpx_auth_sender() - the peer that a segment came from
 * @peer: returns it
 * @skb: segment
 * @l3index: VRF it came in by
 */
void tcpx_auth_sender(struct tcpx_auth_peer *peer, const struct sk_buff *skb, int l3index)
{
	struct tcpx_auth_ends ends;

	tcpx_auth_ends_of_skb(&ends, skb);
	tcpx_auth_peer_init(peer, ends.v6, ends.saddr, l3index);
}

/**
 * tcpx_auth_l3index() - VRF that a segment came in by
 * @skb: segment with the IP layer's control block in place
 *
 * Return: its index, 0: none
 */
int tcpx_auth_l3index(const struct sk_buff *skb)
{
	if (tcpx_skb_is_v6(skb))
		return inet6_sdif(skb) ? inet6_iif(skb) : 0;
	return inet_sdif((struct sk_buff *)skb) ? inet_iif(skb) : 0;
}

/**
 * tcpx_auth_l3index_cb() - the same once TCPX_CB is filled
 * @skb: segment
 *
 * Return: its index, 0: none
 */
int tcpx_auth_l3index_cb(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (tcpx_skb_is_v6(skb))
		return ipv6_l3mdev_skb(TCPX_CB(skb)->header.h6.flags) ? tcpx_v6_iif(skb) : 0;
#endif
	return ipv4_l3mdev_skb(TCPX_CB(skb)->header.h4.flags) ? inet_iif(skb) : 0;
}

/**
 * tcpx_auth_prefix_equal() - does a peer's address begin as that of a key?
 * @peer: peer
 * @addr: the key's, of the same family
 * @prefixlen: with so many bits
 *
 * Return: true if so
 */
bool tcpx_auth_prefix_equal(const struct tcpx_auth_peer *peer, const union tcp_md5_addr *addr,
			    u8 prefixlen)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (peer->family == AF_INET6)
		return ipv6_prefix_equal(&addr->a6, &peer->addr.a6, prefixlen);
#endif
	return !((addr->a4.s_addr ^ peer->addr.a4.s_addr) & inet_make_mask(prefixlen));
}

/* --- what every signature covers ---------------------------------------------------------- */

/**
 * tcpx_auth_pseudo() - the pseudo header of a segment; that of IPv6 is rfc8200#section-8.1's
 * @update: takes more bytes for
 * @hash: this
 * @ends: the segment's addresses
 * @skb: segment
 */
void tcpx_auth_pseudo(void (*update)(void *hash, const void *data, unsigned int len), void *hash,
		      const struct tcpx_auth_ends *ends, const struct sk_buff *skb)
{
	size_t size = ends->v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	u32 len = skb->len - skb_transport_offset(skb);
	const __be32 v6[2] = { htonl(len), htonl(IPPROTO_TCP) };
	const __be16 v4[2] = { htons(IPPROTO_TCP), htons(len) };

	update(hash, ends->saddr, size);
	update(hash, ends->daddr, size);
	if (ends->v6)
		update(hash, v6, sizeof(v6));
	else
		update(hash, v4, sizeof(v4));
}

/**
 * tcpx_auth_data() - the data of a segment
 * @update: takes more bytes for
 * @hash: this
 * @skb: segment
 */
void tcpx_auth_data(void (*update)(void *hash, const void *data, unsigned int len), void *hash,
		    const struct sk_buff *skb)
{
	u32 from = skb_transport_offset(skb) + tcp_hdrlen(skb);
	struct skb_seq_state st;
	unsigned int len, done = 0;
	const u8 *data;

	if (from >= skb->len)
		return;
	skb_prepare_seq_read((struct sk_buff *)skb, from, skb->len, &st);
	while ((len = skb_seq_read(done, &data, &st))) {
		update(hash, data, len);
		done += len;
	}
}

/* --- what sockets, requests and TIME_WAIT entries have of keys --------------------------- */

/**
 * tcpx_auth_no_gso() - segments must leave one by one from now on; what is queued is cut again
 * @sk: socket, locked
 */
void tcpx_auth_no_gso(struct sock *sk)
{
	sk_gso_disable(sk);
	WRITE_ONCE(sk->sk_gso_max_segs, 1);
}

/**
 * tcpx_auth_connect() - a socket is about to send its SYN: who signs?
 * @sk: socket, locked, addresses and initial sequence number known
 *
 * A peer may have got keys of both kinds while nobody knew that it is the peer. Keys of the
 * kind that it is not are of no use any more.
 *
 * Return: 0, or -EKEYREJECTED: both; or keys of rfc5925, but none for the peer
 */
int tcpx_auth_connect(struct sock *sk)
{
	struct tcpx_ao *ao = static_branch_unlikely(&tcpx_auth_needed) ? tcpx_ao(sk) : NULL;
	struct tcpx_auth_peer peer;

	if (likely(!ao))
		return 0;
	tcpx_auth_peer_of(&peer, sock_net(sk), sk);
	if (tcpx_md5_find(sk, &peer)) {
		if (tcpx_ao_wanted(ao, &peer))
			return -EKEYREJECTED;
		tcpx_ao_destroy(sk);
		return 0;
	}
	if (!tcpx_ao_connect_init(sk, ao))
		return -EKEYREJECTED;
	tcpx_md5_destroy(sk);
	return 0;
}

/**
 * tcpx_auth_inherit() - a child gets the keys for its peer
 * @child: child, locked
 * @lsk: listener; RCU
 * @req: request, for the addresses
 *
 * Return: 0, or -errno: there must be no such child, for without the keys it would take
 * what nobody has signed.
 */
int tcpx_auth_inherit(struct sock *child, const struct sock *lsk,
		      const struct tcpx_request_sock *req)
{
	if (!static_branch_unlikely(&tcpx_auth_needed))
		return 0;
	return req->used_ao ? tcpx_ao_inherit(child, lsk, req) :
			      tcpx_md5_inherit(child, lsk, req);
}

/**
 * tcpx_auth_time_wait() - a TIME_WAIT entry gets what its socket has for the peer
 * @tw: the entry, not yet in use
 * @sk: socket, locked
 *
 * A copy of the MD5 key, or a reference of the list that rfc5925 has.
 */
void tcpx_auth_time_wait(struct tcpx_timewait_sock *tw, struct sock *sk)
{
	struct tcpx_ao *ao = static_branch_unlikely(&tcpx_auth_needed) ? tcpx_ao(sk) : NULL;

	tw->tw_ao = ao && READ_ONCE(ao->current_key);
	if (tw->tw_ao) {
		ao->snd_base = tcpx_ao_snd_base(sk, ao);
		ao->rcv_base = tcpx_ao_rcv_base(sk, ao);
		refcount_inc(&ao->refcnt);
		tw->__tw_common.skc_flags = (unsigned long)ao;
	} else {
		tw->__tw_common.skc_flags = (unsigned long)tcpx_md5_copy_key(sk);
	}
}

/**
 * tcpx_auth_tw_put() - and gives it back
 * @tw: the entry, which nobody uses any more
 */
void tcpx_auth_tw_put(struct tcpx_timewait_sock *tw)
{
	if (unlikely(tw->tw_ao))
		tcpx_ao_put(tcpx_tw_ao(tw));
	else
		kfree(tcpx_tw_md5_key(tw));
}

/**
 * tcpx_auth_destroy() - the keys of a socket that nobody uses any more
 * @sk: socket
 *
 * Context: the end of its last reference
 */
void tcpx_auth_destroy(struct sock *sk)
{
	tcpx_md5_destroy(sk);
	tcpx_ao_destroy(sk);
}

/* --- segments that leave --------------------------------------------------------------- */

void __tcpx_auth_find(struct tcpx_auth *auth, const struct sock *sk, const struct sock *addr_sk)
{
	const struct tcpx_request_sock *req = NULL;
	const struct tcpx_ao *ao;

	if (addr_sk->sk_state == TCP_NEW_SYN_RECV)
		req = (const struct tcpx_request_sock *)addr_sk;
	if (req && req->used_ao) {
		tcpx_ao_find_req(auth, sk, req);
		return;
	}
	ao = req ? NULL : tcpx_ao(sk);
	if (ao && READ_ONCE(ao->current_key)) {
		tcpx_ao_find_sock(auth, sk, ao);
		return;
	}
	auth->md5 = tcpx_md5_lookup(sk, addr_sk);
	if (auth->md5)
		auth->size = TCPOLEN_MD5SIG_ALIGNED;
}

/**
 * tcpx_auth_find_reply() - what signs an answer that no full socket sends
 * @auth: returns it
 * @sk: socket concerned, of any kind
 * @req: request of that listener that it is for, or NULL
 * @skb: the segment that is answered, TCPX_CB filled
 *
 * Context: RCU
 */
void tcpx_auth_find_reply(struct tcpx_auth *auth, const struct sock *sk,
			  const struct tcpx_request_sock *req, const struct sk_buff *skb)
{
	auth->size = 0;
	auth->md5 = NULL;
	if (!static_branch_unlikely(&tcpx_auth_needed))
		return;
	tcpx_ao_find_reply(auth, sk, req, skb);
	if (auth->size)
		return;
	auth->md5 = tcpx_md5_reply_key(sk, skb);
	if (auth->md5)
		auth->size = TCPOLEN_MD5SIG_ALIGNED;
}

static void tcpx_auth_sign_ends(struct sk_buff *skb, const struct tcpx_auth *auth,
				const struct tcpx_auth_ends *ends)
{
	if (auth->md5)
		tcpx_md5_sign(skb, auth->md5, ends);
	else
		tcpx_ao_sign(skb, auth, ends);
}

/**
 * tcpx_auth_sign() - sign a segment of a connection
 * @skb: segment, header complete but for the checksum, whose first option is the signature
 * @auth: from tcpx_auth_find(), size not 0
 * @sk: the connection, a full socket or a request sock
 */
void tcpx_auth_sign(struct sk_buff *skb, const struct tcpx_auth *auth, const struct sock *sk)
{
	struct tcpx_auth_ends ends;

	tcpx_auth_ends_of(&ends, sk);
	tcpx_auth_sign_ends(skb, auth, &ends);
}

/**
 * tcpx_auth_sign_reply() - sign the answer to a segment
 * @nskb: answer, as for tcpx_auth_sign()
 * @auth: from tcpx_auth_find_reply(), size not 0
 * @skb: what is answered
 */
void tcpx_auth_sign_reply(struct sk_buff *nskb, const struct tcpx_auth *auth,
			  const struct sk_buff *skb)
{
	struct tcpx_auth_ends ends;

	tcpx_auth_ends_of_skb(&ends, skb);
	swap(ends.saddr, ends.daddr);
	tcpx_auth_sign_ends(nskb, auth, &ends);
}

/* --- segments that arrive ---------------------------------------------------------------- */

/**
 * tcpx_auth_options() - the signature of a segment
 * @th: header, followed by its options
 * @md5: returns the digest of rfc2385, or NULL
 * @ao: returns the option of rfc5925, from its kind on, or NULL
 *
 * Return: false if there is more than one, or one that cannot be one
 */
bool tcpx_auth_options(const struct tcphdr *th, const u8 **md5, const u8 **ao)
{
	int length = th->doff * 4 - sizeof(*th);
	const u8 *ptr = (const u8 *)(th + 1);

	*md5 = NULL;
	*ao = NULL;
	while (length > 1 && *ptr != TCPOPT_EOL) {
		int size = *ptr == TCPOPT_NOP ? 1 : ptr[1];

		/* As in tcpx_parse_options(): what is malformed ends them. */
		if (*ptr != TCPOPT_NOP && (size < 2 || size > length))
			return true;
		if (*ptr == TCPOPT_MD5SIG || *ptr == TCPX_OPT_KIND_AO) {
			if (*md5 || *ao)
				return false;
			if (*ptr == TCPX_OPT_KIND_AO ? size <= TCPX_OPTLEN_AO_BASE :
						       size != TCPOLEN_MD5SIG)
				return false;
			if (*ptr == TCPOPT_MD5SIG)
				*md5 = ptr + 2;
			else
				*ao = ptr;
		}
		ptr += size;
		length -= size;
	}
	return true;
}

enum skb_drop_reason __tcpx_auth_inbound(struct sock *sk, const struct tcpx_request_sock *req,
					 const struct sk_buff *skb)
{
	struct net *net = sock_net(sk);
	struct tcpx_auth_peer peer;
	const u8 *md5, *option;
	struct tcpx_ao *ao;

	if (!tcpx_auth_options(tcp_hdr(skb), &md5, &option))
		return SKB_DROP_REASON_TCP_AUTH_HDR;
	/* rfc5925#section-7.4.1: the SYN has decided. */
	if (req && req->used_ao != !!option) {
		TCPX_NET_INC(net, LINUX_MIB_TCPAOBAD);
		return SKB_DROP_REASON_TCP_AOFAILURE;
	}
	if (option)
		return tcpx_ao_inbound(sk, req, skb, option);
	ao = tcpx_ao(sk);
	if (unlikely(ao) && !md5) {
		tcpx_auth_sender(&peer, skb, tcpx_auth_l3index(skb));
		if (tcpx_ao_wanted(ao, &peer))
			return tcpx_ao_missing(net, ao);
	}
	return tcpx_md5_inbound(sk, skb, md5);
}

/**
 * tcpx_auth_tw_inbound() - the same at a TIME_WAIT entry
 * @tw: the entry, referenced
 * @skb: segment
 *
 * Kernel TCP does not look here; but a RST, or a FIN in FIN_WAIT2, would end the entry,
 * whoever sent it. A SYN is the listener's to judge: its key may be another by now.
 *
 * Context: softirq, RCU
 * Return: 0, or why it may not pass
 */
enum skb_drop_reason tcpx_auth_tw_inbound(struct tcpx_timewait_sock *tw,
					  const struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	const u8 *md5, *option;

	if (likely(!tw->__tw_common.skc_flags) || (th->syn && !th->ack))
		return 0;
	if (!tcpx_auth_options(th, &md5, &option))
		return SKB_DROP_REASON_TCP_AUTH_HDR;
	return tw->tw_ao ? tcpx_ao_tw_inbound(tw, skb, option) :
			   tcpx_md5_tw_inbound(tw, skb, md5);
}

/**
 * tcpx_auth_exit() - no socket is left
 */
void tcpx_auth_exit(void)
{
	tcpx_md5_exit();
	tcpx_ao_mac_put();
}
