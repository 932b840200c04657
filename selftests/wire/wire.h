/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw TCP segments against one socket, through a TUN device.
 *
 * The test plays the peer: it writes IP packets into the TUN device and judges
 * what the stack under test sends back. A segment is described by a line of
 * tokens, the same language in both directions and both versions of IP:
 *
 *	tx(c, "S seq=0 win=65535 mss=1000 sackok");
 *	rx(c, "S. seq=0 ack=1 mss=1460 sackok nots");
 *
 * First the flags, as tcpdump writes them (S F R P U E W, A for AE, and "." for
 * ACK, "-" for none), then name=value. Sequence numbers are relative: seq to the
 * sender's own initial number, ack to the other side's. So a SYN is 0 and the
 * first byte of the stream is 1. seg.c lists every name.
 *
 *	 test process                      network namespace of the test
 *	+--------------+  write   +------+   10.9.0.1  +------------------+
 *	| peer         | -------> | tun0 | ----------> | AF_INET(6) or    |
 *	| 10.9.0.2     | <------- |      | <---------- | AF_TCPX socket   |
 *	+--------------+ capture  +------+             +------------------+
 *	  fd00:9::2                          fd00:9::1
 *
 * What the stack sends is read from a packet socket and not from the TUN file,
 * because the packet socket carries the kernel's own time of transmission: the
 * distance between two segments is right however late this process runs.
 */
#ifndef SELFTESTS_WIRE_H
#define SELFTESTS_WIRE_H

#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

#include "../slow.h"

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_PSH	0x08
#define TH_ACK	0x10
#define TH_URG	0x20
#define TH_ECE	0x40
#define TH_CWR	0x80
#define TH_AE	0x100	/* rfc9768; a reserved bit before */

#define LOCAL_ADDR	"10.9.0.1"
#define PEER_ADDR	"10.9.0.2"
#define LOCAL_ADDR6	"fd00:9::1"
#define PEER_ADDR6	"fd00:9::2"
#define PORT		8080

/*
 * What a segment of MSS 1460 needs: with an MTU of 1500 over IPv4 and one of
 * 1520 over IPv6 the sizes of segments are the same in both.
 */
#define TEST_MSS	1460

/*
 * How long to wait for what must come. Far above anything a right stack needs,
 * because an emulated CPU shared with other work can stall for long.
 */
#define DEADLINE_MS	((int)(8000 * slow()))
/*
 * How long to listen where nothing must come. Input is processed inside
 * write() to the TUN file, so an immediate answer is there when it returns.
 */
#define QUIET_MS	25
/* A jiffy at HZ=250, rounded up: timers may look that much early. */
#define JIFFY_MS	5
/* Smallest retransmission timeout of the kernel's TCP. */
#define RTO_MIN_MS	(200 - JIFFY_MS)

/*
 * A test process kept from the CPU for this long may have caused what it then
 * complains about, a retransmission above all; and a timer armed while the
 * kernel's tick lags fires early. So a failure after a stall, or of a bound of
 * time, proves nothing yet: the test ends with EXIT_STALLED and is run again.
 * Only the last of RUNS runs is final.
 */
#define STALL_MS	60
#define EXIT_STALLED	3
#define RUNS		4

/**
 * enum face - IP version of the socket under test and on the wire
 * @FACE_V4:	an IPv4 socket
 * @FACE_V6:	an IPv6 socket that talks IPv6
 * @FACE_MAPPED: an IPv6 socket that talks IPv4, to ::ffff:10.9.0.2
 */
enum face { FACE_V4, FACE_V6, FACE_MAPPED };

/*
 * A round-trip time so long that the retransmission timer (three times the
 * first sample, rfc6298#section-2.2) cannot be mistaken for a fast reaction
 * to ACKs.
 */
#define SLOW_RTT_MS	400
#define SLOW_RTO_MS	(3 * SLOW_RTT_MS - JIFFY_MS)

#define MAX_PACKET	2048
#define MAX_SACK	4
#define MAX_COOKIE	16
#define MAX_ENDS	64

/**
 * struct seg - one segment sent by the stack under test
 * @next:	next in the order of transmission
 * @time:	when the kernel handed it to the device, ns of CLOCK_REALTIME
 * @sport:	its source port, host order like all that follows
 * @dport:	its destination port
 * @seq:	absolute sequence number
 * @ack:	absolute acknowledgment number
 * @win:	window field, unscaled
 * @urg:	urgent pointer
 * @flags:	TH_*
 * @doff:	header length in words
 * @ttl:	IP time to live, hop limit
 * @tos:	IP type of service, traffic class
 * @df:		IP don't-fragment bit; IPv6 always means that
 * @flow:	IPv6 flow label
 * @mss:	MSS option, -1 when absent like all options that follow
 * @ws:		window scale
 * @sackok:	SACK permitted
 * @ts:		1 when timestamps are there
 * @tsval:	timestamp value
 * @tsecr:	timestamp echo
 * @sacks:	number of SACK blocks, -1 when there is no such option
 * @sack:	the blocks, left and right edge
 * @fo:		bytes of the Fast Open cookie
 * @foexp:	the same under the experimental kind
 * @cookie:	the cookie
 * @acc:	counters in an AccECN option, -1 when there is no such option
 * @e1b: @ceb: @e0b:	the counters of ECT(1), CE and ECT(0)
 * @keyid:	KeyID of rfc5925, -1 when there is no such option
 * @rnext:	RNextKeyID
 * @len:	bytes of payload
 * @data:	the payload
 * @packet:	all of it
 * @tcp:	where its TCP header begins
 * @tcp_len:	bytes from there
 */
struct seg {
	struct seg	*next;
	__s64		time;
	__u16	sport, dport;
	__u32	seq, ack;
	__u16	win, urg, flags;
	__u8		doff, ttl, tos;
	bool		df;
	__u32	flow;
	int		mss, ws, sackok, ts;
	__u32	tsval, tsecr;
	int		sacks;
	__u32	sack[MAX_SACK][2];
	int		fo, foexp;
	__u8		cookie[MAX_COOKIE];
	int		acc;
	__u32	e1b, ceb, e0b;
	int		keyid, rnext;
	int		len;
	__u8		data[MAX_PACKET];
	__u8		packet[MAX_PACKET];
	size_t		tcp, tcp_len;
};

/**
 * struct end - what is needed to reset a connection
 * @lport:	port of the socket under test
 * @pport:	port of the peer
 * @rcv_nxt:	what the socket under test acknowledged last
 */
struct end {
	__u16	lport, pport;
	__u32	rcv_nxt;
};

/**
 * struct kind - what kind of socket is under test
 * @family:	first argument of socket()
 * @protocol:	third argument of socket()
 * @face:	which IP
 */
struct kind {
	int		family, protocol;
	enum face	face;
};

/**
 * struct wire - a network namespace with its TUN device
 * @kind:	how the socket under test is made
 * @tun:	the TUN file
 * @cap:	packet socket that sees what the stack transmits
 * @head:	captured segments nobody has asked for yet
 * @peer_win:	window field the peer of the next connection sends
 * @next_port:	peer port of the next connection
 * @ip_id:	IP identification of the next injected packet
 * @local6:	IPv6 address of the socket under test
 * @peer6:	and of the peer
 * @start:	when the trace begins, ns
 * @final:	this run is the last, its failure counts
 * @ends:	the connections seen, to be reset when the test is over
 * @nr_ends:	how many
 */
struct wire {
	struct kind	kind;
	int		tun, cap;
	struct seg	*head;
	__u16	peer_win, next_port, ip_id;
	const char	*local6, *peer6;
	__s64		start;
	bool		final;
	struct end	ends[MAX_ENDS];
	unsigned int	nr_ends;
};

/**
 * struct conn - one connection, seen from the peer
 * @w:		the wire it runs on
 * @fd:		socket under test, -1 when there is none
 * @listener:	socket it was accepted from, -1 when there is none
 * @lport:	port of the socket under test, 0 while unknown
 * @pport:	port of the peer, ours
 * @iss:	initial sequence number of the peer
 * @irs:	initial sequence number of the socket under test
 * @snd_nxt:	relative number after the last byte the peer sent
 * @rcv_nxt:	relative number after the last byte received
 * @win:	window field the peer sends when a line names none
 * @my_ws:	scale the peer offered, -1 for none
 * @its_ws:	scale the socket under test offered, -1 for none
 * @my_ts:	the peer sent timestamps in its SYN
 * @its_ts:	the socket under test did
 * @tsval:	timestamp the peer sends
 * @ts_recent:	last timestamp received, the one to echo
 * @written:	bytes of the pattern written into @fd
 * @last:	time of the last event on this connection, ns
 * @sign:	how the peer signs, NULL: not at all
 * @seg:	the segment rx() returned last
 */
struct conn {
	struct wire	*w;
	int		fd, listener;
	__u16	lport, pport;
	__u32	iss, irs;
	__u32	snd_nxt, rcv_nxt;
	long		win;
	int		my_ws, its_ws;
	bool		my_ts, its_ts;
	__u32	tsval, ts_recent;
	size_t		written;
	__s64		last;
	const struct signer *sign;
	struct seg	seg;
};

/**
 * struct wire_info - what TCP_INFO says
 * @ca_state:	enum tcp_ca_state
 * @snd_cwnd:	segments
 * @snd_ssthresh:	segments
 * @delivered:	segments
 * @delivered_ce:	those of them marked
 * @unacked:	segments handed to the device and not acknowledged
 * @busy_ms:	time with something in flight
 * @rwnd_limited_ms: of that, time when the peer's window was the limit
 * @sndbuf_limited_ms: and when the send buffer was
 * @advmss:	payload of the peer's full segments, bytes
 * @rcv_space:	what the reader is taken to need a round trip, bytes
 * @ecn:	negotiated
 * @ecn_seen:	something came ECN-capable
 */
struct wire_info {
	__u32	ca_state, snd_cwnd, snd_ssthresh, delivered, delivered_ce, unacked;
	__u32	busy_ms, rwnd_limited_ms, sndbuf_limited_ms, advmss, rcv_space;
	bool	ecn, ecn_seen;
};

/* info.c */
struct wire_info sock_info(struct conn *c);

/**
 * struct ip_fields - what a line says of the IP header
 * @ttl:	time to live, hop limit
 * @tos:	type of service, traffic class
 * @flow:	flow label
 * @len:	length to claim, as if the header were that of IPv4; < 0: the true one
 * @df:		forbid fragmentation
 * @bad:	make it invalid
 * @from_local:	of the other direction
 * @ext:	extension headers, a letter each, or NULL
 */
struct ip_fields {
	int		ttl, tos, flow, len;
	bool		df, bad, from_local;
	const char	*ext;
};

/**
 * struct icmp_error - an ICMP or ICMPv6 error
 * @type:	its type
 * @code:	its code
 * @mtu:	next-hop MTU where it tells one
 */
struct icmp_error {
	int		type, code, mtu;
};

/* An address in each notation. */
struct ends {
	const char	*v4, *v6, *mapped;
};

union wire_addr {
	struct sockaddr		any;
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;
};

static inline bool on_v6(const struct wire *w)
{
	return w->kind.face == FACE_V6;
}

/* wire.c: device, queue of captured segments, verdicts */
void wire_open(struct wire *w, const struct kind *kind, bool final);
void wire_close(struct wire *w);
void wire_write(struct wire *w, const void *packet, size_t len);
__s64 wire_now(void);
void wire_resume(void);
void wire_blame_clock(void);
__printf(4, 5)
noreturn void wire_fail(struct wire *w, const char *file, int line, const char *fmt, ...);
__printf(1, 2)
void trace(const char *fmt, ...);
__printf(4, 5)
void wire_tx(struct conn *c, const char *file, int line, const char *fmt, ...);
__printf(5, 6)
struct seg *wire_rx(struct conn *c, const char *file, int line, int ms,
		    const char *fmt, ...);
struct seg *wire_next(struct conn *c, int ms);
void wire_none(struct conn *c, const char *file, int line, int ms);
void wire_icmp(struct conn *c, const struct icmp_error *e, __u32 seq,
	       int quoted);
void wire_add_v6(struct wire *w, const char *address);
void sysctl_set(struct wire *w, const char *name, const char *value);
bool sysctl_try(const char *name, const char *value);
void run_command(struct wire *w, const char *command);
long mib(struct wire *w, const char *name);
long mib_if_any(struct wire *w, const char *name);

/* seg.c: the language of segments */
struct seg *seg_parse(const __u8 *packet, size_t len, const char **bad);
void seg_print(const struct conn *c, const struct seg *s, char *out, size_t n);
const char *seg_match(const struct conn *c, const struct seg *s,
		      const char *want);
bool seg_skippable(const char *want);
size_t seg_build(struct conn *c, const char *line, __u8 *packet,
		 const char **bad, int *frag);
__u8 pattern(size_t offset);

/* ip.c: headers of both versions of IP, fragments, ICMP, addresses */
size_t ip_hlen(const struct wire *w, const char *ext);
void ip_put(struct wire *w, const struct ip_fields *f, __u8 *packet,
	    size_t len);
__u16 ip_tcp_sum(const __u8 *packet, const void *tcp, size_t len);
size_t ip_parse(struct seg *s, const __u8 *packet, size_t len,
		const char **bad);
void ip_send_fragments(struct wire *w, const __u8 *packet, size_t len,
		       int size);
size_t ip_icmp(struct conn *c, const struct icmp_error *e, __u32 seq,
	       int quoted, __u8 *packet);
socklen_t ip_sockaddr(const struct wire *w, union wire_addr *a,
		      const struct ends *ends, int port);

/* sock.c: the socket under test and common openings */
void conn_init(struct wire *w, struct conn *c);
int sock_open(struct wire *w);
void sock_bind(struct wire *w, int fd, int port);
int sock_listen(struct wire *w, int port, int backlog);
socklen_t sock_peer(const struct conn *c, union wire_addr *addr);
void sock_connect(struct conn *c);
void sock_set(struct wire *w, int fd, int level, int name, int value);
int sock_error(int fd);
int wait_error(struct conn *c);
bool wait_for(int fd, short events, int ms);
int conn_accept(struct conn *c);
void handshake(struct conn *c, const char *opts);
void conn_passive(struct wire *w, struct conn *c, const char *opts);
void conn_slow(struct wire *w, struct conn *c, const char *opts);
void conn_active(struct wire *w, struct conn *c, const char *opts);
void finish_active(struct conn *c, const char *opts);
void conn_write(struct conn *c, size_t len, int flags);
void conn_read(struct conn *c, size_t from, size_t len);
void conn_eof(struct conn *c);
void conn_would_block(struct conn *c);
void conn_close(struct conn *c);
void conn_shutdown(struct conn *c, int how);
void rx_stream(struct conn *c, __u32 from, __u32 to, int mss);
void check_alive(struct conn *c);
void check_gone(struct conn *c);
int default_mss(const struct wire *w);
__u32 conn_wnd(const struct conn *c);

#define tx(c, ...)	wire_tx(c, __FILE__, __LINE__, __VA_ARGS__)
#define rx(c, ...)	wire_rx(c, __FILE__, __LINE__, DEADLINE_MS, __VA_ARGS__)
#define none(c)		wire_none(c, __FILE__, __LINE__, QUIET_MS)
#define none_for(c, ms)	wire_none(c, __FILE__, __LINE__, ms)

/* Like the harness's ASSERT, with the segment trace below the failure. */
#define CHECK(w, cond) do {						\
	if (!(cond))							\
		wire_fail(w, __FILE__, __LINE__, "not true: %s", #cond);	\
} while (0)

/* The same for conditions that a clock takes part in. */
#define CHECK_TIME(w, cond) do {					\
	if (!(cond)) {							\
		wire_blame_clock();					\
		wire_fail(w, __FILE__, __LINE__, "not true: %s", #cond);	\
	}								\
} while (0)

#define CHECK_EQ(w, want, got) do {					\
	long long __want = (want), __got = (got);			\
									\
	if (__want != __got)						\
		wire_fail(w, __FILE__, __LINE__,			\
			  "%s is %lld and not %s (%lld)", #got, __got,	\
			  #want, __want);				\
} while (0)

#endif /* SELFTESTS_WIRE_H */
