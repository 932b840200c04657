// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer's way into segment arrival: a connection is brought to a state, then the input
 * says what happens to it: segments, time, what the application does. Whatever it is, the
 * numbers of the connection keep their order, its queues and counters agree, no byte is another
 * than was sent, nobody waits for a lock, and in the end nothing is left.
 *
 * Bytes at sequence number s are peer_bytes(s) if the peer sends them and our_bytes(s) if we do:
 * so overlapping segments never contradict each other, and each byte can be checked by itself.
 */
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "module/tcpx.h"
#include "shim.h"

#define LOCAL_PORT	5000
#define PEER_PORT	6000
#define MSS		1460
#define MAX_EVENTS	64
#define MAX_TIMERS	4000	/* until everything has ended by itself */

/* They come again after 64 KiB, and nothing is checked or sent that is longer. */
#define PERIOD		65536

static u8 peer_table[2 * PERIOD], our_table[2 * PERIOD];

static void make_tables(void)
{
	unsigned int seq;

	for (seq = 0; seq < 2 * PERIOD; seq++) {
		peer_table[seq] = seq * 7 + (seq >> 8) * 13 + 1;
		our_table[seq] = seq * 11 + (seq >> 8) * 5 + 2;
	}
}

static const u8 *peer_bytes(u32 seq)
{
	return peer_table + seq % PERIOD;
}

static const u8 *our_bytes(u32 seq)
{
	return our_table + seq % PERIOD;
}

/* --- the input ------------------------------------------------------------------------- */

static const u8 *in, *in_end;

static u8 next(void)
{
	return in < in_end ? *in++ : 0;
}

/* One of four scales for a small signed number. */
static s32 scaled(s8 n, unsigned int scale)
{
	static const s32 by[] = { 1, 100, MSS, 1 << 24 };

	return n * by[scale & 3];
}

/* --- the connection -------------------------------------------------------------------- */

#define PASSIVE		BIT(0)
#define TSTAMP		BIT(1)
#define SACK		BIT(2)
#define WSCALE		BIT(3)
#define ECN		BIT(4)
#define ACCECN		BIT(5)
#define SMALL_MSS	BIT(6)
#define FASTOPEN	BIT(7)

#define STATE		0x0f	/* enum target */
#define WRAP		BIT(4)
#define BY_ITSELF	BIT(5)	/* in the end nobody aborts it */
#define SMALL_BUFFERS	BIT(6)
#define NO_MEMORY	BIT(7)

/* Of the third byte, which is where random numbers begin, too. */
#define CC		0x03
#define V6		BIT(5)
#define COOKIES		BIT(6)	/* SYN cookies for each SYN */
#define REMEMBER	BIT(7)

/* Beside the states of TCP: connections with something in their queues. */
enum target {
	OPEN, HALF_OPEN, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, CLOSING, LAST_ACK,
	TIMEWAIT, IN_FLIGHT, DISORDER, NR_TARGETS
};

static struct {
	u8 options;
	u8 flags;
	struct socket *lsock;	/* NULL: closed, or none */
	struct socket *sock;
	struct sock *sk;	/* of sock, referenced even if that is closed; or NULL */
	bool locked;
	bool v6;
	bool remember;		/* metrics and reserved ports outlive connections */
	bool urgent;		/* the peer used the urgent pointer */
	u32 rcv_nxt;		/* at the last look */
	/* What the peer knows. */
	u32 peer_seq;		/* its next number */
	u32 peer_last;		/* first one of its last segment */
	u32 peer_ts;		/* its clock */
	/* What was seen of us. */
	u32 isn;
	u32 ack;
	u32 seq;		/* of the last segment */
	u32 end;		/* of all */
	u32 ts;
	__be16 port;
	unsigned int sent;
	u8 cookie[16];
	u8 cookie_len;
} c;

static struct tcpx_sock *tp(void)
{
	return tcpx_sk(c.sk);
}

/* A socket that has sequence numbers. */
static bool alive(void)
{
	return c.sk && c.sk->sk_state != TCP_CLOSE && c.sk->sk_state != TCP_LISTEN;
}

static void use(struct socket *sock)
{
	c.sock = sock;
	c.sk = sock->sk;
	sock_hold(c.sk);
	c.rcv_nxt = tp()->rcv_nxt;
	if (c.flags & SMALL_BUFFERS) {
		c.sk->sk_rcvbuf = 4608;
		c.sk->sk_sndbuf = 4608;
		c.sk->sk_userlocks |= SOCK_RCVBUF_LOCK | SOCK_SNDBUF_LOCK;
	}
}

/* --- what we send ---------------------------------------------------------------------- */

static void read_options(const u8 *p, unsigned int len)
{
	while (len) {
		unsigned int size;

		if (*p == TCPOPT_EOL)
			return;
		if (*p == TCPOPT_NOP) {
			p++;
			len--;
			continue;
		}
		HOLDS(len >= 2);
		size = p[1];
		HOLDS(size >= 2 && size <= len);
		if (*p == TCPOPT_TIMESTAMP && size == TCPOLEN_TIMESTAMP)
			c.ts = get_unaligned_be32(p + 2);
		if (*p == TCPOPT_FASTOPEN && size > 2 && size - 2 <= sizeof(c.cookie)) {
			c.cookie_len = size - 2;
			memcpy(c.cookie, p + 2, c.cookie_len);
		}
		p += size;
		len -= size;
	}
}

static unsigned int ip_len(void)
{
	return c.v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

static void check_ip(const struct sk_buff *skb)
{
	const struct ipv6hdr *iph6 = ipv6_hdr(skb);
	const struct iphdr *iph = ip_hdr(skb);

	if (c.v6) {
		HOLDS(iph6->version == 6 && iph6->nexthdr == IPPROTO_TCP);
		HOLDS(ipv6_addr_equal(&iph6->daddr, &net_peer6));
		HOLDS(ipv6_addr_equal(&iph6->saddr, &net_local6));
	} else {
		HOLDS(iph->version == 4 && iph->ihl == 5 && iph->protocol == IPPROTO_TCP);
		HOLDS(iph->daddr == htonl(PEER_ADDR) && iph->saddr == htonl(LOCAL_ADDR));
	}
}

static void saw(const struct sk_buff *skb)
{
	const struct tcphdr *th = (const struct tcphdr *)(skb_network_header(skb) + ip_len());
	unsigned int at = (const u8 *)th - skb->data + th->doff * 4;
	u32 seq = ntohl(th->seq);
	static u8 data[1 << 16];

	check_ip(skb);
	HOLDS(th->doff >= 5 && at <= skb_headlen(skb) && skb->len >= at);
	HOLDS(skb->len - at < sizeof(data));
	read_options((const u8 *)(th + 1), th->doff * 4 - 20);
	HOLDS(!skb_copy_bits(skb, at, data, skb->len - at));
	if (!(c.options & FASTOPEN))
		HOLDS(!memcmp(data, our_bytes(seq + th->syn), skb->len - at));

	c.sent++;
	c.port = th->source;
	c.seq = seq;
	if (th->rst)
		return;
	if (th->ack)
		c.ack = ntohl(th->ack_seq);
	if (th->syn) {
		c.isn = seq;
		c.end = seq;
	}
	if (after(seq + skb->len - at + th->syn + th->fin, c.end))
		c.end = seq + skb->len - at + th->syn + th->fin;
}

/* --- what the peer sends --------------------------------------------------------------- */

enum shape { LINEAR, PAGES, FRAG_LIST, HEADER_IN_PAGE };

struct segment {
	u32 seq, ack;
	u16 window, urg;
	u8 flags;		/* TCPHDR_* */
	u8 ae;
	u8 tos;
	u8 doff_add;		/* to the data offset, which lies then */
	enum shape shape;
	u8 bad_csum;		/* 1: to be verified; 2: and wrong */
	u16 gso_size;
	u8 optlen;
	u8 options[40];
	unsigned int len;
};

/* Bytes in a page of their own, and nothing else there that may be read. */
static void add_page(struct sk_buff *skb, const u8 *bytes, unsigned int len)
{
	unsigned int at = PAGE_SIZE - len;
	struct page *page = shim_page(at);

	memcpy(page_address(page) + at, bytes, len);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, at, len, PAGE_SIZE);
}

static void add_paged(struct sk_buff *skb, const u8 *bytes, unsigned int len, unsigned int each)
{
	unsigned int now;

	each = max(each, DIV_ROUND_UP(len, MAX_SKB_FRAGS));
	for (; len; len -= now, bytes += now) {
		now = min(len, each);
		add_page(skb, bytes, now);
	}
}

static void add_frag_list(struct sk_buff *skb, const u8 *bytes, unsigned int len,
			  unsigned int each)
{
	struct sk_buff **link = &skb_shinfo(skb)->frag_list, *frag;
	unsigned int now;

	for (; len; len -= now, bytes += now) {
		now = min(len, each);
		frag = alloc_skb(now, GFP_KERNEL | __GFP_NOFAIL);
		skb_put_data(frag, bytes, now);
		skb->len += now;
		skb->data_len += now;
		skb->truesize += frag->truesize;
		*link = frag;
		link = &frag->next;
	}
}

static void put_ip(struct sk_buff *skb, const struct segment *s, unsigned int len)
{
	struct ipv6hdr *iph6;
	struct iphdr *iph;

	if (c.v6) {
		iph6 = skb_put_zero(skb, sizeof(*iph6));
		ip6_flow_hdr(iph6, s->tos, 0);
		iph6->payload_len = htons(min(len, 65535u));
		iph6->nexthdr = IPPROTO_TCP;
		iph6->hop_limit = 64;
		iph6->saddr = net_peer6;
		iph6->daddr = net_local6;
		skb->protocol = htons(ETH_P_IPV6);
		IP6CB(skb)->iif = net_dev.ifindex;
		return;
	}
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = s->tos;
	iph->ttl = 64;
	iph->protocol = IPPROTO_TCP;
	iph->saddr = htonl(PEER_ADDR);
	iph->daddr = htonl(LOCAL_ADDR);
	iph->tot_len = htons(min(20 + len, 65535u));
	skb->protocol = htons(ETH_P_IP);
}

static __sum16 peer_check(unsigned int len, __wsum sum)
{
	return c.v6 ? tcp_v6_check(len, &net_peer6, &net_local6, sum) :
	       tcp_v4_check(len, htonl(PEER_ADDR), htonl(LOCAL_ADDR), sum);
}

static struct sk_buff *build(const struct segment *s)
{
	static u8 bytes[60 + (1 << 16)];
	unsigned int doff = 20 + ALIGN(s->optlen, 4), len = doff + s->len;
	unsigned int head = s->shape == LINEAR ? len : s->shape == HEADER_IN_PAGE ? min(len, 8u) :
			    doff;
	struct tcphdr *th = (struct tcphdr *)bytes;
	const u8 *payload;
	struct sk_buff *skb;

	memset(bytes, 0, doff);
	th->source = htons(PEER_PORT);
	th->dest = c.port;
	th->seq = htonl(s->seq);
	th->ack_seq = htonl(s->ack);
	th->doff = min(doff / 4 + s->doff_add, 15u);
	tcp_flag_word(th) |= htonl((u32)s->flags << 16 | (s->ae ? 1 << 24 : 0));
	th->window = htons(s->window);
	th->urg_ptr = htons(s->urg);
	memcpy(bytes + 20, s->options, s->optlen);
	payload = peer_bytes(s->seq + !!(s->flags & TCPHDR_SYN) - (th->doff * 4 - doff));
	if (s->bad_csum)
		th->check = peer_check(len, csum_partial(payload, s->len,
							 csum_partial(bytes, doff, 0)));
	if (s->bad_csum == 2)
		th->check ^= htons(0x5555);

	skb = alloc_skb(16 + ip_len() + head, GFP_KERNEL | __GFP_NOFAIL);
	skb_reserve(skb, 16);
	put_ip(skb, s, len);
	skb_put_data(skb, bytes, min(head, doff));
	if (s->shape == LINEAR) {
		skb_put_data(skb, payload, s->len);
	} else if (s->shape == FRAG_LIST) {
		add_frag_list(skb, payload, s->len, s->gso_size ? : MSS);
	} else if (s->shape == PAGES) {
		add_paged(skb, payload, s->len, s->gso_size ? : MSS);
	} else {
		memcpy(bytes + doff, payload, s->len);
		add_paged(skb, bytes + head, len - head, s->gso_size ? : MSS);
	}
	if (s->gso_size && s->len > s->gso_size) {
		skb_shinfo(skb)->gso_size = s->gso_size;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(s->len, s->gso_size);
		skb_shinfo(skb)->gso_type = c.v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
	}
	skb->ip_summed = s->bad_csum ? CHECKSUM_NONE : CHECKSUM_UNNECESSARY;
	skb->dev = &net_dev;
	skb->skb_iif = net_dev.ifindex;
	skb_dst_set(skb, net_dst(c.v6));
	skb_reset_network_header(skb);
	__skb_pull(skb, ip_len());
	skb_reset_transport_header(skb);
	return skb;
}

/* SEGMENTS_VERBOSE=1: what an input does, to understand it. */
#define TOLD	"%s state %d una %u nxt %u write %u rcv_nxt %u packets %u sacked %u lost %u " \
		"retrans %u ca %d cwnd %u\n"

static void tell(const char *what)
{
	if (shim_verbose && c.sk)
		dprintf(2, TOLD, what, c.sk->sk_state, tp()->snd_una, tp()->snd_nxt,
			tp()->write_seq, tp()->rcv_nxt, tp()->packets_out, tp()->sacked_out,
			tp()->lost_out, tp()->retrans_out, tp()->ca_state, tp()->cc.snd_cwnd);
}

static void arrive(const struct segment *s)
{
	if (shim_verbose)
		dprintf(2, "segment %02x seq %u ack %u len %u win %u options %u shape %d gso %u\n",
			s->flags, s->seq, s->ack, s->len, s->window, s->optlen, s->shape,
			s->gso_size);
	c.peer_last = s->seq;
	if (s->flags & TCPHDR_URG)
		c.urgent = true;
	net_input(build(s));
	shim_grace_period();
}

static void put_tstamp(struct segment *s, u32 val, u32 ecr)
{
	u8 *p = s->options + s->optlen;

	if (s->optlen > 40 - TCPOLEN_TSTAMP_ALIGNED)
		return;
	p[0] = TCPOPT_NOP;
	p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_TIMESTAMP;
	p[3] = TCPOLEN_TIMESTAMP;
	put_unaligned_be32(val, p + 4);
	put_unaligned_be32(ecr, p + 8);
	s->optlen += TCPOLEN_TSTAMP_ALIGNED;
}

static void put_syn_options(struct segment *s)
{
	u16 mss = c.options & SMALL_MSS ? 216 : MSS;
	u8 *p = s->options;

	*p++ = TCPOPT_MSS;
	*p++ = TCPOLEN_MSS;
	*p++ = mss >> 8;
	*p++ = mss;
	s->optlen = 4;
	if (c.options & TSTAMP)
		put_tstamp(s, c.peer_ts, s->flags & TCPHDR_ACK ? c.ts : 0);
	p = s->options + s->optlen;
	if (c.options & WSCALE) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_WINDOW;
		*p++ = TCPOLEN_WINDOW;
		*p++ = 7;
	}
	if (c.options & SACK) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_SACK_PERM;
		*p++ = TCPOLEN_SACK_PERM;
	}
	if (c.options & FASTOPEN && s->flags == TCPHDR_SYN) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_FASTOPEN;
		*p++ = 2 + c.cookie_len;
		memcpy(p, c.cookie, c.cookie_len);
		p += c.cookie_len;
	}
	s->optlen = p - s->options;
}

/* As a peer would send it that has nothing against us. */
static void peer_sends(u8 flags, unsigned int len)
{
	struct segment s = {
		.seq = c.peer_seq, .ack = c.end, .window = 0x2000, .flags = flags, .len = len,
	};

	if (flags & TCPHDR_SYN) {
		put_syn_options(&s);
		if (c.options & ACCECN) {
			s.ae = 1;
			s.flags |= flags & TCPHDR_ACK ? TCPHDR_CWR : TCPHDR_ECE | TCPHDR_CWR;
		} else if (c.options & ECN) {
			s.flags |= flags & TCPHDR_ACK ? TCPHDR_ECE : TCPHDR_ECE | TCPHDR_CWR;
		}
	} else if (c.options & TSTAMP) {
		put_tstamp(&s, ++c.peer_ts, c.ts);
	}
	c.peer_seq += len + !!(flags & TCPHDR_SYN) + !!(flags & TCPHDR_FIN);
	arrive(&s);
}

/* --- what the application does --------------------------------------------------------- */

static void app_write(unsigned int len, unsigned int flags)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL | flags };
	struct kvec vec = {
		(void *)our_bytes(tp()->write_seq), min_t(unsigned int, len, PERIOD),
	};

	iov_iter_kvec(&msg.msg_iter, WRITE, &vec, 1, vec.iov_len);
	c.sock->ops->sendmsg(c.sock, &msg, vec.iov_len);
}

static void app_read(unsigned int len, int flags)
{
	static u8 data[1 << 16];
	struct msghdr msg = { };
	struct kvec vec = { data, min_t(unsigned int, len, sizeof(data)) };
	u32 seq = tp()->copied_seq;
	int got;

	iov_iter_kvec(&msg.msg_iter, READ, &vec, 1, vec.iov_len);
	got = c.sock->ops->recvmsg(c.sock, &msg, vec.iov_len, flags | MSG_DONTWAIT);
	HOLDS(got <= (int)vec.iov_len);
	if (got > 0 && !(flags & (MSG_TRUNC | MSG_OOB)) && !c.urgent)
		HOLDS(!memcmp(data, peer_bytes(seq), got));
}

static void app_set(int level, int name, int value)
{
	if (level == SOL_SOCKET)
		sock_setsockopt(c.sock, level, name, KERNEL_SOCKPTR(&value), sizeof(value));
	else
		c.sk->sk_prot->setsockopt(c.sk, level, name, KERNEL_SOCKPTR(&value),
					  sizeof(value));
}

static void app_accept(void)
{
	struct socket *sock;

	if (!c.lsock || c.sk)
		return;
	sock = net_socket_alloc();
	sock->ops = c.lsock->ops;
	if (c.lsock->ops->accept(c.lsock, sock, O_NONBLOCK, true)) {
		sock->ops = NULL;
		net_close(sock);
		return;
	}
	use(sock);
}

static void app_lock(bool lock)
{
	if (!c.sk || lock == c.locked)
		return;
	if (lock)
		lock_sock(c.sk);
	else
		release_sock(c.sk);
	c.locked = lock;
}

/* --- to the state ---------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Returns the length of it. */
static int make_address(union address *addr, bool peer)
{
	u16 port = peer ? PEER_PORT : LOCAL_PORT;

	memset(addr, 0, sizeof(*addr));
	if (c.v6) {
		addr->v6.sin6_family = AF_INET6;
		addr->v6.sin6_port = htons(port);
		addr->v6.sin6_addr = peer ? net_peer6 : net_local6;
		return sizeof(addr->v6);
	}
	addr->v4.sin_family = AF_INET;
	addr->v4.sin_port = htons(port);
	addr->v4.sin_addr.s_addr = htonl(peer ? PEER_ADDR : LOCAL_ADDR);
	return sizeof(addr->v4);
}

static bool open_passive(void)
{
	union address addr;
	int len = make_address(&addr, false);
	int qlen = 5;

	c.lsock = net_socket(c.v6);
	if (!c.lsock)
		return false;
	c.port = htons(LOCAL_PORT);
	if (c.lsock->ops->bind(c.lsock, &addr.any, len))
		return false;
	if (c.options & FASTOPEN)
		c.lsock->sk->sk_prot->setsockopt(c.lsock->sk, SOL_TCP, TCP_FASTOPEN,
						 KERNEL_SOCKPTR(&qlen), sizeof(qlen));
	return !c.lsock->ops->listen(c.lsock, 5);
}

static bool open_active(u8 cc)
{
	static const char *const names[] = { "cubic", "reno", "dctcp", "bbr" };
	struct socket *sock = net_socket(c.v6);
	union address addr;
	int len = make_address(&addr, true);

	if (!sock)
		return false;
	use(sock);
	c.sk->sk_prot->setsockopt(c.sk, SOL_TCP, TCP_CONGESTION,
				  KERNEL_SOCKPTR((void *)names[cc & CC]), strlen(names[cc & CC]));
	return sock->ops->connect(sock, &addr.any, len, O_NONBLOCK) == -EINPROGRESS;
}

static void establish(enum target state)
{
	if (c.options & PASSIVE) {
		if (c.options & FASTOPEN) {
			/* First ask for a cookie. */
			peer_sends(TCPHDR_SYN, 0);
			peer_sends(TCPHDR_RST, 0);
			peer_sends(TCPHDR_SYN, 100);
		} else {
			peer_sends(TCPHDR_SYN, 0);
		}
		if (state == HALF_OPEN)
			return;
		peer_sends(TCPHDR_ACK, 0);
		app_accept();
	} else if (state != HALF_OPEN) {
		peer_sends(TCPHDR_SYN | TCPHDR_ACK, 0);
	} else {
		/* Simultaneous open. */
		peer_sends(TCPHDR_SYN, 0);
	}
}

static void go_on(enum target state)
{
	if (!c.sk)
		return;
	if (state == FIN_WAIT1 || state == FIN_WAIT2 || state == CLOSING || state == TIMEWAIT)
		c.sock->ops->shutdown(c.sock, SHUT_WR);
	if (state == FIN_WAIT2)
		peer_sends(TCPHDR_ACK, 0);
	if (state == CLOSE_WAIT || state == LAST_ACK || state == TIMEWAIT)
		peer_sends(TCPHDR_ACK | TCPHDR_FIN, 0);
	if (state == LAST_ACK)
		c.sock->ops->shutdown(c.sock, SHUT_WR);
	if (state == CLOSING) {
		c.end--;	/* our FIN is on its way */
		peer_sends(TCPHDR_ACK | TCPHDR_FIN, 0);
		c.end++;
	}
	if (state == IN_FLIGHT || state == DISORDER)
		app_write(12 * MSS, 0);
	if (state == DISORDER) {
		c.peer_seq += MSS;
		peer_sends(TCPHDR_ACK, 100);
		c.peer_seq += MSS;
		peer_sends(TCPHDR_ACK, 100);
		c.peer_seq -= 2 * MSS + 200;
	}
}

/* --- what must hold -------------------------------------------------------------------- */

static void check_sent(struct sock *sk)
{
	unsigned int packets = 0, sacked = 0, lost = 0, retrans = 0;
	int queued = 0;
	struct sk_buff *skb;
	struct tcpx_sock *t = tcpx_sk(sk);
	u32 end = t->snd_una;

	skb_rbtree_walk(skb, &sk->tcp_rtx_queue) {
		unsigned int segs = TCPX_CB(skb)->gso_segs;

		if (shim_verbose)
			dprintf(2, "\tsent %u to %u segments %u of %u flags %02x\n",
				TCPX_CB(skb)->seq, TCPX_CB(skb)->end_seq, segs,
				TCPX_CB(skb)->gso_size, TCPX_CB(skb)->sacked);
		HOLDS(segs);
		HOLDS(!before(TCPX_CB(skb)->seq, end) ||
		      skb == skb_rb_first(&sk->tcp_rtx_queue));
		end = TCPX_CB(skb)->end_seq;
		packets += segs;
		sacked += TCPX_CB(skb)->sacked & TCPXCB_SACKED_ACKED ? segs : 0;
		lost += TCPX_CB(skb)->sacked & TCPXCB_LOST ? segs : 0;
		retrans += TCPX_CB(skb)->sacked & TCPXCB_SACKED_RETRANS ? segs : 0;
		queued += skb->truesize;
	}
	skb_queue_walk(&sk->sk_write_queue, skb)
		queued += skb->truesize;
	HOLDS(t->packets_out == packets);
	HOLDS(t->lost_out == lost && t->retrans_out == retrans);
	if (t->rx_opt.sack_ok)
		HOLDS(t->sacked_out == sacked);
	HOLDS(t->sacked_out + t->lost_out <= t->packets_out);
	HOLDS(sk->sk_wmem_queued == queued);
}

static void check_received(struct sock *sk)
{
	struct tcpx_sock *t = tcpx_sk(sk);
	struct sk_buff *skb, *last = NULL;
	int rmem = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		rmem += skb->truesize;
		HOLDS(!last || !after(TCPX_CB(skb)->seq, TCPX_CB(last)->end_seq));
		last = skb;
	}
	HOLDS(!last || TCPX_CB(last)->end_seq == t->rcv_nxt);
	if (t->disorder) {
		skb_rbtree_walk(skb, &t->disorder->out_of_order_queue) {
			rmem += skb->truesize;
			HOLDS(after(TCPX_CB(skb)->end_seq, t->rcv_nxt));
		}
	}
	HOLDS(atomic_read(&sk->sk_rmem_alloc) == rmem);
}

static void check(void)
{
	shim_unlocked();
	if (!alive() || c.locked)
		return;
	HOLDS(!after(tp()->snd_una, tp()->snd_nxt));
	HOLDS(!after(tp()->snd_nxt, tp()->write_seq));
	HOLDS(!after(tp()->copied_seq, tp()->rcv_nxt) || c.sk->sk_state == TCP_SYN_SENT);
	HOLDS(c.sk->sk_state == TCP_SYN_SENT || !c.rcv_nxt || !before(tp()->rcv_nxt, c.rcv_nxt));
	c.rcv_nxt = tp()->rcv_nxt;
	HOLDS(tp()->cc.snd_cwnd > 0);
	check_sent(c.sk);
	check_received(c.sk);
}

/* --- events ---------------------------------------------------------------------------- */

static u32 choose_seq(unsigned int which)
{
	u32 rcv_nxt = alive() ? tp()->rcv_nxt : c.ack;
	const u32 from[] = {
		rcv_nxt, rcv_nxt, c.peer_seq, c.peer_last,
		alive() ? rcv_nxt + tcpx_receive_window(tp()) : rcv_nxt + 65535,
		alive() ? tp()->copied_seq : c.peer_seq - 1,
		rcv_nxt + MSS, rcv_nxt + 2 * MSS,
	};

	return from[which & 7];
}

static u32 choose_ack(unsigned int which)
{
	u32 una = alive() ? tp()->snd_una : c.end;
	const u32 from[] = {
		c.end, c.end, una, una + (c.options & SMALL_MSS ? 216 : MSS),
		c.seq, c.isn, una + (c.end - una) / 2, 0,
	};

	return from[which & 7];
}

static void put_sack(struct segment *s)
{
	u8 control = next(), n = 1 + (control & 3), i;
	u8 *p = s->options + s->optlen;
	u32 at = alive() ? tp()->snd_una : c.isn;

	n = min_t(u8, n, (40 - s->optlen - 4) / 8);
	p[0] = TCPOPT_NOP;
	p[1] = TCPOPT_NOP;
	p[2] = TCPOPT_SACK;
	p[3] = 2 + 8 * n;
	for (i = 0, p += 4; i < n; i++, p += 8) {
		s8 from = next();
		u8 len = next();
		u32 start = at + scaled(from, control & 4 ? 1 : 2);

		put_unaligned_be32(start, p);
		put_unaligned_be32(start + (len & 0xf) * (control & 8 ? 100 : MSS) + (len >> 4),
				   p + 4);
	}
	s->optlen += 4 + 8 * n;
}

static void put_accecn(struct segment *s)
{
	u8 control = next(), n = control & 3, i;
	u8 *p = s->options + s->optlen;

	if (s->optlen > 40 - 2 - 9)
		return;
	*p++ = control & 4 ? TCPX_OPT_KIND_ACCECN1 : TCPX_OPT_KIND_ACCECN0;
	*p++ = 2 + 3 * n;
	for (i = 0; i < 3 * n; i++)
		*p++ = next();
	s->optlen += 2 + 3 * n;
	while (s->optlen & 3)
		s->options[s->optlen++] = TCPOPT_NOP;
}

static void put_raw(struct segment *s)
{
	u8 n = next() % 41;

	for (s->optlen = 0; s->optlen < n; s->optlen++)
		s->options[s->optlen] = next();
}

static void put_options(struct segment *s, unsigned int how)
{
	if (how == 3) {
		put_raw(s);
		return;
	}
	if (s->flags & TCPHDR_SYN && how != 4)
		put_syn_options(s);
	else if (c.options & TSTAMP && how == 2)
		put_tstamp(s, c.peer_ts + scaled(next(), next()), c.ts + (s8)next());
	else if (c.options & TSTAMP && how != 4)
		put_tstamp(s, ++c.peer_ts, c.ts);
	if (how == 1 && s->optlen <= 40 - 12)
		put_sack(s);
	if (how == 5)
		put_accecn(s);
}

static void segment_event(void)
{
	struct segment s = { .flags = next() ^ TCPHDR_ACK };
	u8 bases = next(), scales = next(), extra, len;

	s.seq = choose_seq(bases) + scaled(next(), scales);
	s.ack = choose_ack(bases >> 3) + scaled(next(), scales >> 2);
	s.shape = bases >> 6;
	len = next();
	s.len = len < 64 ? len : (len - 63) * 100;
	s.window = next() << 7;
	extra = next();
	s.tos = extra & 3;
	s.bad_csum = extra & 4 ? (extra & 8 ? 2 : 1) : 0;
	s.gso_size = extra & 16 ? (c.options & SMALL_MSS ? 216 : MSS) : 0;
	s.ae = extra & 32;
	s.doff_add = (extra & 0xc0) == 0xc0 ? 3 : 0;
	if (s.flags & TCPHDR_URG)
		s.urg = next() * 8;
	put_options(&s, scales >> 4);
	arrive(&s);
	if (after(s.seq + s.len, c.peer_seq) && s.seq + s.len - c.peer_seq < 1 << 20)
		c.peer_seq = s.seq + s.len;
}

static void app_event(u8 op)
{
	u8 arg = next();

	app_lock(false);
	if (!c.sock) {
		app_accept();
		return;
	}
	switch (op) {
	case 0:
		app_read(arg < 128 ? arg : (arg - 127) * 300, 0);
		break;
	case 1:
		app_write(arg < 128 ? arg : (arg - 127) * 300, 0);
		break;
	case 2:
		app_read(arg * 100, arg & 1 ? MSG_PEEK : arg & 2 ? MSG_TRUNC : MSG_OOB);
		break;
	case 3:
		app_write(arg * 100, arg & 1 ? MSG_MORE : arg & 2 ? MSG_OOB : MSG_EOR);
		break;
	case 4:
		c.sock->ops->shutdown(c.sock, arg & 3 ? SHUT_WR : SHUT_RD);
		break;
	case 5:
		net_close(c.sock);
		c.sock = NULL;
		break;
	case 6:
		app_set(SOL_TCP, arg & 0x1f, arg >> 5);
		break;
	case 7:
		app_set(SOL_SOCKET, arg & 1 ? SO_RCVBUF : arg & 2 ? SO_OOBINLINE : SO_KEEPALIVE,
			arg & 1 ? arg << 8 : arg >> 7);
		break;
	}
}

static void event(void)
{
	u8 op = next();

	if (op < 160)
		segment_event();
	else if (op < 176)
		shim_sleep((u64)next() * (op & 1 ? 40 : 1) * NSEC_PER_MSEC);
	else if (op < 192)
		shim_sleep_until_timer();
	else if (op < 200)
		app_lock(!c.locked);
	else if (op < 204)
		shim_fail_after = 1 + (next() & 15);
	else
		app_event(op & 7);
	shim_grace_period();
	tell("then");
	check();
}

/* --- the whole of it ------------------------------------------------------------------- */

static long objects;

static void end(void)
{
	int timers = 0;

	app_lock(false);
	shim_fail_after = 0;
	if (!(c.flags & BY_ITSELF) && c.sk)
		c.sk->sk_prot->diag_destroy(c.sk, ECONNABORTED);
	if (c.sock)
		net_close(c.sock);
	if (c.lsock)
		net_close(c.lsock);
	if (c.sk)
		sock_put(c.sk);
	c.sk = NULL;
	shim_grace_period();
	while (shim_sleep_until_timer())
		HOLDS(timers++ < MAX_TIMERS);
	if (current->task_frag.page) {
		put_page(current->task_frag.page);
		current->task_frag.page = NULL;
	}
	/* To forget means to look at all of a table: only if there is something. */
	net_restart(c.remember && shim_objects != objects);
	shim_grace_period();
	shim_unlocked();
	HOLDS(!net_sockets());
	HOLDS(!net_memory());
	if (objects)
		HOLDS(shim_objects == objects);
}

static void run(const u8 *data, size_t size)
{
	enum target state;
	int events = 0;
	u8 more;

	in = data;
	in_end = data + size;
	memset(&c, 0, sizeof(c));
	c.options = next();
	c.flags = next();
	more = next();
	state = (c.flags & STATE) % NR_TARGETS;
	c.peer_seq = c.flags & WRAP ? -3000 : 1000000;
	c.peer_ts = c.flags & WRAP ? -2 : 100000;
	shim_restart(more);
	init_net.ipv4.sysctl_tcp_ecn = c.options & (ECN | ACCECN) ? 1 : 2;
	tcpx_pernet(&init_net)->sysctl.tcp_ecn = c.options & ACCECN ? 3 : -1;
	init_net.ipv4.sysctl_tcp_syncookies = more & COOKIES ? 2 : 1;
	c.v6 = more & V6;
	c.remember = more & REMEMBER;
	init_net.ipv4.sysctl_tcp_nometrics_save = !c.remember;
	tcpx_pernet(&init_net)->sysctl.port_linger_ms = c.remember ? 1000 : 0;
	if (c.flags & NO_MEMORY)
		shim_fail_after = 1 + next();

	if (c.options & PASSIVE ? open_passive() : open_active(more)) {
		if (state != OPEN)
			establish(state);
		go_on(state);
		check();
		while (in < in_end && events++ < MAX_EVENTS)
			event();
	}
	end();
}

/* ASan's own heap is libFuzzer's, and that with an eye on who allocated took much time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "malloc_context_size=0:quarantine_size_mb=1:max_malloc_fill_size=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const u8 first[] = { 0, ESTABLISHED, 0 };

	shim_verbose = getenv("SEGMENTS_VERBOSE");
	make_tables();
	shim_init();
	net_output = saw;
	net_init();
	run(first, sizeof(first));
	objects = shim_objects;
	shim_settled();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	run(data, size);
	return 0;
}
