// SPDX-License-Identifier: GPL-2.0
/*
 * AF_TCPX: the TCP Authentication Option, rfc5925: what it says of segments. Keys are in
 * ao_key.c, the cryptography in ao_mac.c, the calls of a user in ao_sockopt.c; auth.c
 * comes here where a segment is to be signed or judged.
 *
 * A MAC covers 64-bit sequence numbers, of which a segment has the lower half. Nothing keeps
 * the upper one (SNE, rfc5925#section-6.2): the initial sequence number and the count of all
 * bytes since, which there is anyhow, say where a connection stands to within a few bytes,
 * and no segment is 2 GiB away from there.
 */
#include "tcpx.h"

/* --- sequence numbers of 64 bits --------------------------------------------------- */

/* The SNE of @seq, which is near to @base. */
static u32 tcpx_ao_sne(u64 base, u32 seq)
{
	return (base + (s32)(seq - (u32)base)) >> 32;
}

/**
 * tcpx_ao_snd_base() - where what we send is, about
 * @sk: full socket, not LISTEN
 * @ao: its list
 *
 * Return: 64-bit sequence number
 */
u64 tcpx_ao_snd_base(const struct sock *sk, const struct tcpx_ao *ao)
{
	return READ_ONCE(ao->lisn) + READ_ONCE(tcpx_sk(sk)->bytes_acked);
}

/**
 * tcpx_ao_rcv_base() - where what the peer sends is, about
 * @sk: full socket, past the peer's SYN
 * @ao: its list
 *
 * Return: 64-bit sequence number
 */
u64 tcpx_ao_rcv_base(const struct sock *sk, const struct tcpx_ao *ao)
{
	return READ_ONCE(ao->risn) + READ_ONCE(tcpx_sk(sk)->bytes_received);
}

/* --- signing --------------------------------------------------------------------------- */

static u8 tcpx_ao_rnext_id(const struct tcpx_ao *ao)
{
	const struct tcpx_ao_key *key = READ_ONCE(ao->rnext_key);

	return key ? key->rcvid : 0;
}

/* Nothing is signed if there is no @key. */
static void tcpx_ao_auth(struct tcpx_auth *auth, struct tcpx_ao_key *key, u8 rnext)
{
	if (!key)
		return;
	auth->ao = key;
	auth->rnext = rnext;
	auth->size = tcpx_ao_size(key);
}

/**
 * tcpx_ao_find_sock() - what signs a segment of a full socket
 * @auth: returns it
 * @sk: socket, locked, not LISTEN
 * @ao: its list
 */
void tcpx_ao_find_sock(struct tcpx_auth *auth, const struct sock *sk, const struct tcpx_ao *ao)
{
	struct tcpx_ao_key *key = READ_ONCE(ao->current_key);

	tcpx_ao_auth(auth, key, tcpx_ao_rnext_id(ao));
	if (!key)
		return;
	auth->traffic = sk->sk_state == TCP_SYN_SENT ? NULL : key->traffic[TCPX_AO_SEND];
	auth->lisn = ao->lisn;
	auth->risn = ao->risn;
	auth->snd_base = tcpx_ao_snd_base(sk, ao);
}

static void tcpx_ao_auth_req(struct tcpx_auth *auth, struct tcpx_ao_key *key,
			     const struct tcpx_request_sock *req)
{
	tcpx_ao_auth(auth, key, req->ao_rcv_next);
	auth->traffic = NULL;
	auth->lisn = req->snt_isn;
	auth->risn = req->rcv_isn;
	auth->snd_base = req->snt_isn;
}

/**
 * tcpx_ao_find_req() - what signs a SYN-ACK
 * @auth: returns it
 * @sk: listener, or the child of Fast Open
 * @req: request whose SYN was signed
 *
 * The key that the SYN asked for, or none, and then there must be no SYN-ACK.
 *
 * Context: RCU
 */
void tcpx_ao_find_req(struct tcpx_auth *auth, const struct sock *sk,
		      const struct tcpx_request_sock *req)
{
	const struct tcpx_ao *ao = tcpx_ao(sk);
	struct tcpx_auth_peer peer;

	if (!ao)
		return;
	tcpx_auth_peer_of(&peer, sock_net(sk), (const struct sock *)req);
	tcpx_ao_auth_req(auth, tcpx_ao_find(ao, &peer, U8_MAX, req->ao_keyid, -1), req);
}

/* Of a segment that no request is for. The peer knows the ISNs if that was a SYN. */
static void tcpx_ao_reply_listener(struct tcpx_auth *auth, const struct tcpx_ao *ao,
				   const struct tcpx_auth_peer *peer, const struct sk_buff *skb,
				   u8 rnext)
{
	struct tcpx_ao_key *key = tcpx_ao_find(ao, peer, U8_MAX, rnext, -1);
	const struct tcphdr *th = tcp_hdr(skb);

	tcpx_ao_auth(auth, key, key ? key->rcvid : 0);
	auth->traffic = NULL;
	auth->lisn = th->ack ? ntohl(th->ack_seq) - 1 : 0;
	auth->risn = ntohl(th->seq) - !th->syn;
	auth->snd_base = auth->lisn;
}

static struct tcpx_ao *tcpx_ao_of(const struct sock *sk)
{
	if (sk->sk_state == TCP_TIME_WAIT)
		return tcpx_tw_ao(tcpx_twsk(sk));
	return sk_fullsock(sk) ? tcpx_ao(sk) : NULL;
}

/**
 * tcpx_ao_find_reply() - what signs the answer to a segment
 * @auth: returns it
 * @sk: socket or TIME_WAIT entry concerned
 * @req: or request of that listener, or NULL
 * @skb: the segment, TCPX_CB filled
 *
 * The peer says by which key. It gets nothing if the segment was not signed, though @sk would
 * have keys: that cannot have passed.
 *
 * Context: RCU
 */
void tcpx_ao_find_reply(struct tcpx_auth *auth, const struct sock *sk,
			const struct tcpx_request_sock *req, const struct sk_buff *skb)
{
	struct tcpx_ao *ao = tcpx_ao_of(sk);
	const u8 *md5, *option;
	struct tcpx_auth_peer peer;
	struct tcpx_ao_key *key;

	if (!ao || !tcpx_auth_options(tcp_hdr(skb), &md5, &option) || !option)
		return;
	tcpx_auth_sender(&peer, skb, tcpx_auth_l3index_cb(skb));
	if (req) {
		key = tcpx_ao_find(ao, &peer, U8_MAX, option[3], -1) ? :
		      tcpx_ao_find(ao, &peer, U8_MAX, -1, -1);
		tcpx_ao_auth_req(auth, key, req);
	} else if (sk->sk_state == TCP_LISTEN) {
		tcpx_ao_reply_listener(auth, ao, &peer, skb, option[3]);
	} else {
		key = tcpx_ao_find_id(ao, option[3], -1);
		tcpx_ao_auth(auth, key, tcpx_ao_rnext_id(ao));
		auth->traffic = NULL;
		auth->lisn = READ_ONCE(ao->lisn);
		auth->risn = sk->sk_state == TCP_SYN_SENT ? TCPX_CB(skb)->seq :
							    READ_ONCE(ao->risn);
		auth->snd_base = sk->sk_state == TCP_TIME_WAIT ? ao->snd_base :
								 tcpx_ao_snd_base(sk, ao);
	}
}

/**
 * tcpx_ao_sign() - sign a segment
 * @skb: segment, complete but for the checksum; the option comes first
 * @auth: what with
 * @ends: addresses of the segment
 */
void tcpx_ao_sign(struct sk_buff *skb, const struct tcpx_auth *auth,
		  const struct tcpx_auth_ends *ends)
{
	u8 derived[TCPX_AO_DIGEST_MAX], mac[TCPX_AO_DIGEST_MAX];
	const struct tcphdr *th = tcp_hdr(skb);
	u8 *option = (u8 *)(th + 1);
	const u8 *traffic = auth->traffic;

	if (!traffic) {
		const struct tcpx_ao_conn conn = {
			.ends = *ends, .sport = th->source, .dport = th->dest,
			.sisn = auth->lisn, .disn = auth->risn,
		};

		tcpx_ao_derive(auth->ao, derived, &conn);
		traffic = derived;
	}
	tcpx_ao_hash(auth->ao, traffic, ends, skb, option,
		     tcpx_ao_sne(auth->snd_base, ntohl(th->seq)), mac);
	memcpy(option + TCPX_OPTLEN_AO_BASE, mac, auth->ao->maclen);
	memzero_explicit(derived, sizeof(derived));
}

/* --- segments that arrive ---------------------------------------------------------------- */

/**
 * tcpx_ao_request() - what a request's SYN, or the ACK of a cookie, says of it
 * @req: request
 * @skb: segment, judged already
 */
void tcpx_ao_request(struct tcpx_request_sock *req, const struct sk_buff *skb)
{
	const u8 *md5, *option = NULL;

	req->used_ao = static_branch_unlikely(&tcpx_auth_needed) &&
		       tcpx_auth_options(tcp_hdr(skb), &md5, &option) && option;
	if (!req->used_ao)
		return;
	req->ao_rcv_next = option[2];
	req->ao_keyid = option[3];
}

/**
 * tcpx_ao_wanted() - must what a peer sends be signed?
 * @ao: list, or NULL
 * @peer: peer
 *
 * Context: RCU or the socket lock
 * Return: true if so
 */
bool tcpx_ao_wanted(const struct tcpx_ao *ao, const struct tcpx_auth_peer *peer)
{
	return ao && (READ_ONCE(ao->ao_required) || tcpx_ao_find(ao, peer, U8_MAX, -1, -1));
}

/**
 * tcpx_ao_missing() - a segment is not signed that had to be
 * @net: netns
 * @ao: list of who it is for
 *
 * Return: why it is dropped
 */
enum skb_drop_reason tcpx_ao_missing(struct net *net, struct tcpx_ao *ao)
{
	TCPX_NET_INC(net, LINUX_MIB_TCPAOREQUIRED);
	atomic64_inc(&ao->counters[TCPX_AO_REQUIRED]);
	return SKB_DROP_REASON_TCP_AONOTFOUND;
}

static enum skb_drop_reason tcpx_ao_key_not_found(struct net *net, struct tcpx_ao *ao)
{
	TCPX_NET_INC(net, LINUX_MIB_TCPAOKEYNOTFOUND);
	if (!ao)
		return SKB_DROP_REASON_TCP_AOUNEXPECTED;
	atomic64_inc(&ao->counters[TCPX_AO_KEY_NOT_FOUND]);
	return SKB_DROP_REASON_TCP_AOKEYNOTFOUND;
}

/*
 * Is the MAC right? @traffic NULL: its key is of @conn, whose addresses and ports are the
 * segment's. Counts, and returns 0 or why the segment is dropped.
 */
static enum skb_drop_reason tcpx_ao_verify(struct net *net, struct tcpx_ao *ao,
					   struct tcpx_ao_key *key, const u8 *traffic,
					   struct tcpx_ao_conn *conn, const struct sk_buff *skb,
					   const u8 *option, u64 base)
{
	u8 derived[TCPX_AO_DIGEST_MAX], mac[TCPX_AO_DIGEST_MAX];
	const struct tcphdr *th = tcp_hdr(skb);
	bool good = option[1] - TCPX_OPTLEN_AO_BASE == key->maclen;

	tcpx_auth_ends_of_skb(&conn->ends, skb);
	conn->sport = th->source;
	conn->dport = th->dest;
	if (good && !traffic) {
		good = tcpx_ao_derive(key, derived, conn);
		traffic = derived;
	}
	good = good && tcpx_ao_hash(key, traffic, &conn->ends, skb, option,
				    tcpx_ao_sne(base, ntohl(th->seq)), mac) &&
	       !crypto_memneq(mac, option + TCPX_OPTLEN_AO_BASE, key->maclen);
	memzero_explicit(derived, sizeof(derived));
	if (good) {
		TCPX_NET_INC(net, LINUX_MIB_TCPAOGOOD);
		atomic64_inc(&ao->counters[TCPX_AO_GOOD]);
		atomic64_inc(&key->pkt_good);
		return 0;
	}
	TCPX_NET_INC(net, LINUX_MIB_TCPAOBAD);
	atomic64_inc(&ao->counters[TCPX_AO_BAD]);
	atomic64_inc(&key->pkt_bad);
	return SKB_DROP_REASON_TCP_AOFAILURE;
}

/* The peer asks to be sent another key's MACs, rfc5925#section-7.5.2; unless we have none. */
static void tcpx_ao_follow(struct tcpx_ao *ao, u8 rnext)
{
	struct tcpx_ao_key *key = READ_ONCE(ao->current_key);

	if (likely(key && key->sndid == rnext))
		return;
	key = tcpx_ao_find_id(ao, rnext, -1);
	if (key)
		WRITE_ONCE(ao->current_key, key);
}

/* Of a connection whose peer's SYN is here, or what is left of one in TIME_WAIT. */
static enum skb_drop_reason tcpx_ao_inbound_sync(struct net *net, struct tcpx_ao *ao,
						 const struct sk_buff *skb, const u8 *option,
						 u64 base, bool follow)
{
	struct tcpx_ao_key *key = READ_ONCE(ao->rnext_key);
	const struct tcphdr *th = tcp_hdr(skb);
	struct tcpx_ao_conn conn = { .sisn = ntohl(th->seq) };
	enum skb_drop_reason reason;

	if (!key || key->rcvid != option[2])
		key = tcpx_ao_find_id(ao, -1, option[2]);
	if (!key)
		return tcpx_ao_key_not_found(net, ao);
	/* The SYN again: its sender did not know our number. */
	if (unlikely(th->syn && !th->ack))
		return tcpx_ao_verify(net, ao, key, NULL, &conn, skb, option, conn.sisn);
	reason = tcpx_ao_verify(net, ao, key, key->traffic[TCPX_AO_RECV], &conn, skb, option,
				base);
	/* An entry of TIME_WAIT may share this with its socket, which has another connection
	 * by now and without whose lock keys are neither chosen nor deleted.
	 */
	if (likely(!reason && follow))
		tcpx_ao_follow(ao, option[3]);
	return reason;
}

/*
 * At a listener, or before the peer's SYN is here: what numbers has the sender derived the
 * traffic key from? False: nobody can know.
 */
static bool tcpx_ao_inbound_isns(const struct sock *sk, const struct tcpx_request_sock *req,
				 const struct tcpx_ao *ao, const struct tcphdr *th,
				 struct tcpx_ao_conn *conn)
{
	if (th->syn && !th->ack) {
		conn->sisn = ntohl(th->seq);
	} else if (req) {
		conn->sisn = req->rcv_isn;
		conn->disn = req->snt_isn;
	} else if (inet_sk_state_load(sk) == TCP_SYN_SENT) {
		/* A SYN-ACK, or the RST to ours, which has no number: its own then. */
		conn->sisn = ntohl(th->seq);
		conn->disn = READ_ONCE(ao->lisn);
	} else if (th->ack && !th->syn) {
		/* Perhaps the ACK of a cookie. */
		conn->sisn = ntohl(th->seq) - 1;
		conn->disn = ntohl(th->ack_seq) - 1;
	} else {
		return false;
	}
	return true;
}

/**
 * tcpx_ao_inbound() - may a signed segment pass?
 * @sk: full socket, not locked; of a half-open connection: its listener, and
 * @req: the request, else NULL
 * @skb: segment, header linear, checksum verified, the IP layer's control block in place
 * @option: in it, from its kind on
 *
 * Context: softirq, RCU
 * Return: 0, or why not
 */
enum skb_drop_reason tcpx_ao_inbound(struct sock *sk, const struct tcpx_request_sock *req,
				     const struct sk_buff *skb, const u8 *option)
{
	const int presync = TCPF_LISTEN | TCPF_SYN_SENT;
	int state = inet_sk_state_load(sk);
	struct tcpx_ao *ao = tcpx_ao(sk);
	struct net *net = sock_net(sk);
	struct tcpx_ao_conn conn = {};
	struct tcpx_auth_peer peer;
	struct tcpx_ao_key *key;

	if (!ao)
		return tcpx_ao_key_not_found(net, NULL);
	if (state == TCP_CLOSE)
		return SKB_DROP_REASON_NOT_SPECIFIED;
	if (likely(!((1 << state) & presync)))
		return tcpx_ao_inbound_sync(net, ao, skb, option, tcpx_ao_rcv_base(sk, ao), true);
	tcpx_auth_sender(&peer, skb, tcpx_auth_l3index(skb));
	key = tcpx_ao_find(ao, &peer, U8_MAX, -1, option[2]);
	if (!key)
		return tcpx_ao_key_not_found(net, ao);
	if (!tcpx_ao_inbound_isns(sk, req, ao, tcp_hdr(skb), &conn))
		return SKB_DROP_REASON_TCP_FLAGS;
	return tcpx_ao_verify(net, ao, key, NULL, &conn, skb, option, conn.sisn);
}

/**
 * tcpx_ao_tw_inbound() - the same at a TIME_WAIT entry
 * @tw: the entry
 * @skb: segment; not the SYN of a new connection
 * @option: in it, from its kind on; or NULL
 *
 * Context: softirq, RCU
 * Return: 0, or why it may not pass
 */
enum skb_drop_reason tcpx_ao_tw_inbound(struct tcpx_timewait_sock *tw, const struct sk_buff *skb,
					const u8 *option)
{
	struct net *net = read_pnet(&tw->__tw_common.skc_net);
	struct tcpx_ao *ao = tcpx_tw_ao(tw);

	if (!option)
		return tcpx_ao_missing(net, ao);
	return tcpx_ao_inbound_sync(net, ao, skb, option, ao->rcv_base, false);
}

bool __tcpx_ao_ignore_icmp(const struct sock *sk)
{
	const int presync = TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_LISTEN | TCPF_NEW_SYN_RECV;
	struct tcpx_ao *ao;

	if ((1 << READ_ONCE(sk->sk_state)) & presync)
		return false;
	ao = tcpx_ao_of(sk);
	if (!ao || READ_ONCE(ao->accept_icmps))
		return false;
	TCPX_NET_INC(sock_net(sk), LINUX_MIB_TCPAODROPPEDICMPS);
	atomic64_inc(&ao->counters[TCPX_AO_DROPPED_ICMP]);
	return true;
}
