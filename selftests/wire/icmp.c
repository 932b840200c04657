// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about segments: path MTU, refusals, and those to disbelieve.
 */
#include <arpa/inet.h>
#include <time.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#define WIRE_MAPPED_TOO
#include "fixture.h"

/* A "destination unreachable" and the errno it becomes. */
struct unreachable {
	struct icmp_error icmp;
	int error;
};

static const struct unreachable unreachables_v4[] = {
	{ { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0 }, EHOSTUNREACH },
	{ { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0 }, ECONNREFUSED },
	{ { ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 0 }, ENETUNREACH },
	{ { ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0 }, ENOPROTOOPT },
	{ { ICMP_DEST_UNREACH, ICMP_NET_UNKNOWN, 0 }, ENETUNREACH },
	{ { ICMP_DEST_UNREACH, ICMP_HOST_UNKNOWN, 0 }, EHOSTDOWN },
	{ { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0 }, EHOSTUNREACH },
};

static const struct unreachable unreachables_v6[] = {
	{ { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, 0 }, EHOSTUNREACH },
	{ { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0 }, ECONNREFUSED },
	{ { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, 0 }, ENETUNREACH },
	{ { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, 0 }, EACCES },
	{ { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, 0 },
	  EHOSTUNREACH },
	{ { ICMP6_DST_UNREACH, 5, 0 }, EACCES },	/* source policy */
	{ { ICMP6_DST_UNREACH, 6, 0 }, EACCES },	/* reject route */
};

/* Places of those that both tables have. */
enum { HOST, PORT_CLOSED, NO_ROUTE };

#define NR_UNREACHABLES	ARRAY_SIZE(unreachables_v4)
_Static_assert(ARRAY_SIZE(unreachables_v6) == ARRAY_SIZE(unreachables_v4), "");

static const struct unreachable *unreachables(const struct wire *w)
{
	return on_v6(w) ? unreachables_v6 : unreachables_v4;
}

static void unreach(struct conn *c, int which, __u32 seq)
{
	wire_icmp(c, &unreachables(c->w)[which].icmp, seq, 8);
}

/* Other errors, which say nothing that a connection must heed. */
static void other_icmp(struct conn *c, __u32 seq)
{
	static const struct icmp_error v4[] = {
		{ ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0 },
		{ ICMP_PARAMETERPROB, 0, 0 },
		{ ICMP_SOURCE_QUENCH, 0, 0 },
	}, v6[] = {
		{ ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, 0 },
		{ ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, 0 },
		{ ICMP6_PARAM_PROB, ICMP6_PARAMPROB_NEXTHEADER, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v4); i++)
		wire_icmp(c, on_v6(c->w) ? &v6[i] : &v4[i], seq, 8);
}

/* The path takes segments of so many bytes, options included. */
static void too_big(struct conn *c, int mss, __u32 seq)
{
	bool v6 = on_v6(c->w);
	struct icmp_error e = {
		.type = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH,
		.code = v6 ? 0 : ICMP_FRAG_NEEDED,
		.mtu = mss + ip_hlen(c->w, NULL) + 20,
	};

	wire_icmp(c, &e, seq, 8);
}

CASE(unreachable_while_connecting)
{
	size_t i;

	for (i = 0; i < NR_UNREACHABLES; i++) {
		conn_init(w, c);
		sock_connect(c);
		rx(c, "S seq=0");
		unreach(c, i, 0);
		CHECK_EQ(w, unreachables(w)[i].error, wait_error(c));
		none(c);
		conn_close(c);
	}
}

/* Not about our SYN: somebody guesses. */
CASE(wrong_sequence_while_connecting)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	unreach(c, PORT_CLOSED, 2);
	unreach(c, PORT_CLOSED, 100000);
	unreach(c, PORT_CLOSED, 0xffffffff);
	CHECK_EQ(w, 0, sock_error(c->fd));
	finish_active(c, NULL);
	check_alive(c);
}

/* Less than eight bytes of the TCP header: no telling whom it is about. */
CASE(truncated_quote)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	wire_icmp(c, &unreachables(w)[PORT_CLOSED].icmp, 0, 4);
	wire_icmp(c, &unreachables(w)[PORT_CLOSED].icmp, 0, 0);
	CHECK_EQ(w, 0, sock_error(c->fd));
	finish_active(c, NULL);
}

/*
 * rfc1122#section-4.2.3.9: none of them ends an open connection. Who asks for
 * the error learns of it, and finds the socket in order.
 */
CASE(unreachable_when_established)
{
	size_t i;

	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	for (i = 0; i < NR_UNREACHABLES; i++) {
		unreach(c, i, 1);
		conn_would_block(c);
		CHECK_EQ(w, unreachables(w)[i].error, sock_error(c->fd));
	}
	other_icmp(c, 1);
	conn_would_block(c);
	tx(c, ". ack=1001");
	check_alive(c);
}

/* Ask for errors, in the words of either IP; a mapped address has ICMP of IPv4. */
static void want_errors(struct conn *c)
{
	if (c->w->kind.face != FACE_V6)
		sock_set(c->w, c->fd, IPPROTO_IP, IP_RECVERR, 1);
	if (c->w->kind.face != FACE_V4)
		sock_set(c->w, c->fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* The next error in the queue; 0, or what recvmsg() says. */
static int queued_error(struct conn *c, struct sock_extended_err *ee, char *offender, size_t len)
{
	bool v6_socket = c->w->kind.face != FACE_V4;
	char control[256] = "", data[64];
	struct sockaddr_in6 *from6;
	struct sockaddr_in *from;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm;

	if (recvmsg(c->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return errno;
	CHECK(c->w, msg.msg_flags & MSG_ERRQUEUE);
	cm = CMSG_FIRSTHDR(&msg);
	CHECK(c->w, cm);
	CHECK_EQ(c->w, v6_socket ? SOL_IPV6 : SOL_IP, cm->cmsg_level);
	CHECK_EQ(c->w, v6_socket ? IPV6_RECVERR : IP_RECVERR, cm->cmsg_type);
	memcpy(ee, CMSG_DATA(cm), sizeof(*ee));
	from = (struct sockaddr_in *)SO_EE_OFFENDER((struct sock_extended_err *)CMSG_DATA(cm));
	from6 = (struct sockaddr_in6 *)from;
	CHECK(c->w, inet_ntop(from->sin_family, from->sin_family == AF_INET6 ?
			      (void *)&from6->sin6_addr : (void *)&from->sin_addr, offender, len));
	return 0;
}

/* IP_RECVERR, IPV6_RECVERR: what ended the attempt, word by word, and who said so. */
CASE(errors_are_queued_while_connecting)
{
	char offender[INET6_ADDRSTRLEN] = "", again[INET6_ADDRSTRLEN];
	struct sock_extended_err ee;
	size_t i;

	for (i = 0; i < NR_UNREACHABLES; i++) {
		conn_init(w, c);
		c->fd = sock_open(w);
		want_errors(c);
		sock_connect(c);
		rx(c, "S seq=0");
		CHECK_EQ(w, EAGAIN, queued_error(c, &ee, again, sizeof(again)));
		unreach(c, i, 0);
		CHECK_EQ(w, unreachables(w)[i].error, wait_error(c));
		CHECK_EQ(w, 0, queued_error(c, &ee, again, sizeof(again)));
		CHECK_EQ(w, unreachables(w)[i].error, ee.ee_errno);
		CHECK_EQ(w, on_v6(w) ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP, ee.ee_origin);
		CHECK_EQ(w, unreachables(w)[i].icmp.type, ee.ee_type);
		CHECK_EQ(w, unreachables(w)[i].icmp.code, ee.ee_code);
		CHECK(w, !i || !strcmp(offender, again));
		CHECK(w, again[0] && strcmp(again, "0.0.0.0") && strcmp(again, "::"));
		strcpy(offender, again);
		CHECK_EQ(w, EAGAIN, queued_error(c, &ee, again, sizeof(again)));
		conn_close(c);
	}
}

/* An open connection gets the error at once, the queue nothing, and goes on. */
CASE(errors_are_told_when_established)
{
	char offender[INET6_ADDRSTRLEN];
	struct sock_extended_err ee;
	size_t i;

	conn_passive(w, c, NULL);
	want_errors(c);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	for (i = 0; i < NR_UNREACHABLES; i++) {
		unreach(c, i, 1);
		CHECK_EQ(w, unreachables(w)[i].error, wait_error(c));
		CHECK_EQ(w, EAGAIN, queued_error(c, &ee, offender, sizeof(offender)));
	}
	tx(c, ". ack=1001");
	check_alive(c);
}

/* rfc6069: without a route nothing was congested, and the last back-off is taken back. */
CASE(no_route_reverts_backoff)
{
	conn_slow(w, c, "mss=1000");
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS / 2);
	rx(c, ". seq=1 len=1000 t>=%d", SLOW_RTO_MS * 3 / 2);
	/* Of something else, it is no news. */
	unreach(c, PORT_CLOSED, 1);
	CHECK_EQ(w, 2, tcp_info_of(c).tcpi_backoff);
	unreach(c, NO_ROUTE, 1);
	CHECK_EQ(w, 1, tcp_info_of(c).tcpi_backoff);
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS * 3);
	/* Late, so that the time is over: at once. */
	none_for(c, SLOW_RTO_MS * 3);
	unreach(c, NO_ROUTE, 1);
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=1001");
	check_alive(c);
}

/* An attempt to connect ends by that; over IPv4 another SYN goes first if its time has come. */
CASE(no_route_ends_connect)
{
	/* Of newer kernels */
	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	rx(c, "S seq=0 t>=%d", 1000 - JIFFY_MS);
	rx(c, "S seq=0 t>=%d", 2000 - JIFFY_MS);
	none_for(c, 2500);
	unreach(c, NO_ROUTE, 0);
	if (on_v6(w))
		none(c);
	else
		rx(c, "S seq=0");
	CHECK_EQ(w, ENETUNREACH, wait_error(c));
}

/* It is remembered as the reason, should the connection die anyway. */
CASE(soft_error_explains_timeout)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	unreach(c, HOST, 1);
	CHECK_EQ(w, EHOSTUNREACH, wait_error(c));
}

/* rfc1191, rfc8201: the path takes less, so the lost segment comes in pieces. */
CASE(path_mtu)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460 df=1");
	too_big(c, 1260, 1);
	rx(c, ". seq=1 len=1260 df=1");
	rx(c, ". seq=1261 len=200");
	tx(c, ". ack=1461");
	conn_write(c, 2520, 0);
	rx_stream(c, 1461, 3981, 1260);
}

CASE(path_mtu_with_timestamps)
{
	conn_passive(w, c, "mss=1460 ts");
	conn_write(c, 1448, 0);
	rx(c, ". seq=1 len=1448");
	too_big(c, 1260, 1);
	rx(c, ". seq=1 len=1248");
	rx(c, ". seq=1249 len=200");
}

/* Twice, the second time smaller still. */
CASE(path_mtu_again)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	too_big(c, 1360, 1);
	rx(c, ". seq=1 len=1360");
	rx(c, ". seq=1361 len=100");
	too_big(c, 1240, 1);
	rx(c, ". seq=1 len=1240");
	tx(c, ". ack=1461");
	conn_write(c, 2480, 0);
	/* The rest of the old segments may still be in the queue. */
	rx(c, ". seq=1461 len=1240 skip");
	rx(c, ". seq=2701 len=1240");
}

/* A larger one than in use tells nothing. */
CASE(path_mtu_not_smaller)
{
	conn_passive(w, c, "mss=1000");
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	too_big(c, 1360, 1);
	none(c);
	tx(c, ". ack=1001");
	conn_write(c, 2000, 0);
	rx_stream(c, 1001, 3001, 1000);
}

/* rfc5927#section-4.1: only what is in flight can have been too big. */
CASE(path_mtu_out_of_window)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	tx(c, ". ack=1461");
	too_big(c, 1260, 1);
	too_big(c, 1260, 100000);
	too_big(c, 1260, 0x80000000);
	none(c);
	conn_write(c, 1460, 0);
	rx(c, ". seq=1461 len=1460");
}

/*
 * rfc5927: an absurdly small MTU must not grind the connection to powder. Over
 * IPv6, where nothing is below 1280 (rfc8201#section-4), it counts for nothing.
 */
CASE(path_mtu_absurd)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	too_big(c, 28, 1);
	if (on_v6(w)) {
		rx(c, ". seq=1 len=1460 t>=%d", RTO_MIN_MS);
		too_big(c, 1219, 1);
		rx(c, ". seq=1 len=1460 t>=%d", RTO_MIN_MS);
	} else {
		rx(c, ". seq=1 len>=472 len<=1460");
	}
}

/* The path is remembered: the next connection begins with what is known. */
CASE(path_mtu_is_shared)
{
	struct conn next;

	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	too_big(c, 1260, 1);
	rx(c, ". seq=1 len=1260");
	conn_init(w, &next);
	next.listener = c->listener;
	handshake(&next, "mss=1460");
	conn_accept(&next);
	conn_write(&next, 2520, 0);
	rx_stream(&next, 1, 2521, 1260);
	close(next.fd);
}

/* The ones that end a half-open connection: v6 goes by what is fatal there. */
CASE(unreachable_in_syn_recv)
{
	int listener = sock_listen(w, PORT, 4);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	/* Not of this SYN-ACK: the half-open connection stays. */
	unreach(c, on_v6(w) ? PORT_CLOSED : HOST, 77);
	unreach(c, on_v6(w) ? HOST : PORT_CLOSED, 0);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	unreach(c, on_v6(w) ? PORT_CLOSED : HOST, 0);
	none(c);
	check_gone(c);
}

CASE(unreachable_in_time_wait)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
	unreach(c, PORT_CLOSED, 2);
	too_big(c, 960, 2);
	none(c);
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

/* A listener is nobody's peer. */
CASE(unreachable_for_listener)
{
	int listener = sock_listen(w, PORT, 4);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	unreach(c, PORT_CLOSED, 0);
	too_big(c, 960, 0);
	none(c);
	CHECK_EQ(w, 0, sock_error(listener));
	handshake(c, NULL);
	conn_accept(c);
	check_alive(c);
}
