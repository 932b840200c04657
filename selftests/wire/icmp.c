// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about segments: path MTU, refusals, and those to disbelieve.
 */
#include <netinet/ip_icmp.h>
#include "fixture.h"

#define icmp(c, type, code, mtu, seq)	wire_icmp(c, type, code, mtu, seq, 8)
#define need_frag(c, mtu, seq) \
	icmp(c, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu, seq)
#define unreach(c, code, seq)	icmp(c, ICMP_DEST_UNREACH, code, 0, seq)

/* Code of "destination unreachable" and the errno it becomes. */
struct unreachable {
	int code, error;
};

static const struct unreachable unreachables[] = {
	{ ICMP_NET_UNREACH, ENETUNREACH },
	{ ICMP_HOST_UNREACH, EHOSTUNREACH },
	{ ICMP_PROT_UNREACH, ENOPROTOOPT },
	{ ICMP_PORT_UNREACH, ECONNREFUSED },
	{ ICMP_NET_UNKNOWN, ENETUNREACH },
	{ ICMP_HOST_UNKNOWN, EHOSTDOWN },
	{ ICMP_PKT_FILTERED, EHOSTUNREACH },
};

CASE(unreachable_while_connecting)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unreachables); i++) {
		conn_init(w, c);
		sock_connect(c);
		rx(c, "S seq=0");
		unreach(c, unreachables[i].code, 0);
		CHECK_EQ(w, unreachables[i].error, wait_error(c));
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
	unreach(c, ICMP_PORT_UNREACH, 2);
	unreach(c, ICMP_PORT_UNREACH, 100000);
	unreach(c, ICMP_PORT_UNREACH, 0xffffffff);
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
	wire_icmp(c, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, 0, 4);
	wire_icmp(c, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, 0, 0);
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
	for (i = 0; i < ARRAY_SIZE(unreachables); i++) {
		unreach(c, unreachables[i].code, 1);
		conn_would_block(c);
		CHECK_EQ(w, unreachables[i].error, sock_error(c->fd));
	}
	icmp(c, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0, 1);
	icmp(c, ICMP_PARAMETERPROB, 0, 0, 1);
	icmp(c, ICMP_SOURCE_QUENCH, 0, 0, 1);
	conn_would_block(c);
	tx(c, ". ack=1001");
	check_alive(c);
}

/* It is remembered as the reason, should the connection die anyway. */
CASE(soft_error_explains_timeout)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	unreach(c, ICMP_HOST_UNREACH, 1);
	CHECK_EQ(w, EHOSTUNREACH, wait_error(c));
}

/* rfc1191: the path takes less, so the lost segment comes again in pieces. */
CASE(path_mtu)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460 df=1");
	need_frag(c, 1000, 1);
	rx(c, ". seq=1 len=960 df=1");
	rx(c, ". seq=961 len=500");
	tx(c, ". ack=1461");
	conn_write(c, 1920, 0);
	rx_stream(c, 1461, 3381, 960);
}

CASE(path_mtu_with_timestamps)
{
	conn_passive(w, c, "mss=1460 ts");
	conn_write(c, 1448, 0);
	rx(c, ". seq=1 len=1448");
	need_frag(c, 1000, 1);
	rx(c, ". seq=1 len=948");
	rx(c, ". seq=949 len=500");
}

/* Twice, the second time smaller still. */
CASE(path_mtu_again)
{
	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	need_frag(c, 1200, 1);
	rx(c, ". seq=1 len=1160");
	rx(c, ". seq=1161 len=300");
	need_frag(c, 800, 1);
	rx(c, ". seq=1 len=760");
	tx(c, ". ack=1461");
	conn_write(c, 1520, 0);
	/* The rest of the old segments may still be in the queue. */
	rx(c, ". seq=1461 len=760 skip");
	rx(c, ". seq=2221 len=760");
}

/* A larger one than in use tells nothing. */
CASE(path_mtu_not_smaller)
{
	conn_passive(w, c, "mss=1000");
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	need_frag(c, 1400, 1);
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
	need_frag(c, 1000, 1);
	need_frag(c, 1000, 100000);
	need_frag(c, 1000, 0x80000000);
	none(c);
	conn_write(c, 1460, 0);
	rx(c, ". seq=1461 len=1460");
}

/* rfc5927: an absurdly small MTU must not grind the connection to powder. */
CASE(path_mtu_absurd)
{
	struct seg *s;

	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	need_frag(c, 68, 1);
	s = rx(c, ". seq=1 len>=472");
	CHECK(w, s->len <= 1460);
}

/* The path is remembered: the next connection begins with what is known. */
CASE(path_mtu_is_shared)
{
	struct conn next;

	conn_passive(w, c, "mss=1460");
	conn_write(c, 1460, 0);
	rx(c, ". seq=1 len=1460");
	need_frag(c, 1000, 1);
	rx(c, ". seq=1 len=960");
	conn_init(w, &next);
	next.listener = c->listener;
	handshake(&next, "mss=1460");
	conn_accept(&next);
	conn_write(&next, 1920, 0);
	rx_stream(&next, 1, 1921, 960);
	close(next.fd);
}

CASE(unreachable_in_syn_recv)
{
	int listener = sock_listen(w, PORT, 4);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	/* Not of this SYN-ACK: the half-open connection stays. */
	unreach(c, ICMP_HOST_UNREACH, 77);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	unreach(c, ICMP_HOST_UNREACH, 0);
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
	unreach(c, ICMP_PORT_UNREACH, 2);
	need_frag(c, 1000, 2);
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
	unreach(c, ICMP_PORT_UNREACH, 0);
	need_frag(c, 1000, 0);
	none(c);
	CHECK_EQ(w, 0, sock_error(listener));
	handshake(c, NULL);
	conn_accept(c);
	check_alive(c);
}
