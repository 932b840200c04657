// SPDX-License-Identifier: GPL-2.0
/*
 * Socket options of the sequences: those that change what later calls do, and whose
 * values are no business of one stack alone (selftests/api/opttable.c has all of them).
 */
#include <netinet/in.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "calls.h"

enum how {
	INT,		/* an int out of the values */
	LINGER,		/* struct linger: on, seconds */
	TIME,		/* struct timeval of milliseconds */
	STRING,		/* a name */
	UNREAD = 16,	/* the value is not compared */
};

struct option {
	int level, name;
	const char *said;
	int how;
	int values[4];
};

static const struct option options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, "REUSEADDR", INT, { 0, 1, 1, 2 } },
	{ SOL_SOCKET, SO_REUSEPORT, "REUSEPORT", INT, { 0, 1, 1, 2 } },
	{ SOL_SOCKET, SO_KEEPALIVE, "KEEPALIVE", INT, { 0, 1, 1, -1 } },
	{ SOL_SOCKET, SO_OOBINLINE, "OOBINLINE", INT, { 0, 1, 1, 1 } },
	{ SOL_SOCKET, SO_RCVLOWAT, "RCVLOWAT", INT, { 0, 1, 10, 1500 } },
	{ SOL_SOCKET, SO_LINGER, "LINGER", LINGER, { 0, 0, 0, 1 } },
	{ SOL_SOCKET, SO_RCVTIMEO, "RCVTIMEO", TIME, { 0, 1, 1, 2 } },
	{ SOL_SOCKET, SO_SNDTIMEO, "SNDTIMEO", TIME, { 0, 1, 1, 2 } },
	{ SOL_SOCKET, SO_SNDBUF, "SNDBUF", INT | UNREAD, { 300000, 200000, 250000, 1 << 20 } },
	{ SOL_SOCKET, SO_RCVBUF, "RCVBUF", INT | UNREAD, { 300000, 200000, 250000, 1 << 20 } },
	{ SOL_SOCKET, SO_ERROR, "ERROR", INT, { 0, 0, 0, 0 } },
	{ SOL_SOCKET, SO_TYPE, "TYPE", INT, { 0, 0, 0, 0 } },
	{ SOL_SOCKET, SO_ACCEPTCONN, "ACCEPTCONN", INT, { 0, 0, 0, 0 } },
	{ SOL_SOCKET, SO_MARK, "MARK", INT, { 0, 1, 2, 3 } },
	{ SOL_SOCKET, SO_BINDTODEVICE, "BINDTODEVICE", STRING, { 0, 0, 1, 0 } },
	{ SOL_SOCKET, SO_DONTROUTE, "DONTROUTE", INT, { 0, 1, 1, 0 } },
	{ SOL_SOCKET, SO_INCOMING_CPU, "INCOMING_CPU", INT | UNREAD, { 0, 1, 0, 1 } },
	{ IPPROTO_TCP, TCP_NODELAY, "NODELAY", INT, { 0, 1, 1, -1 } },
	{ IPPROTO_TCP, TCP_CORK, "CORK", INT, { 0, 1, 1, 0 } },
	{ IPPROTO_TCP, TCP_QUICKACK, "QUICKACK", INT | UNREAD, { 0, 1, 2, 1 } },
	{ IPPROTO_TCP, TCP_MAXSEG, "MAXSEG", INT | UNREAD, { 0, 100, 536, 40000 } },
	{ IPPROTO_TCP, TCP_SYNCNT, "SYNCNT", INT, { 0, 1, 5, 128 } },
	{ IPPROTO_TCP, TCP_LINGER2, "LINGER2", INT, { 0, -1, 10, 1000 } },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, "DEFER_ACCEPT", INT, { 0, 1, 5, 100 } },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, "WINDOW_CLAMP", INT | UNREAD, { 0, 60000, 65536, 90000 } },
	{ IPPROTO_TCP, TCP_KEEPIDLE, "KEEPIDLE", INT, { 0, 1, 100, 40000 } },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, "USER_TIMEOUT", INT, { 0, 5000, 100000, -1 } },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, "NOTSENT_LOWAT", INT, { 0, 1, 100000, -1 } },
	{ IPPROTO_TCP, TCP_FASTOPEN, "FASTOPEN", INT, { 0, 1, 5, -1 } },
	{ IPPROTO_TCP, TCP_FASTOPEN_CONNECT, "FASTOPEN_CONNECT", INT, { 0, 1, 1, 2 } },
	{ IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, "FASTOPEN_NO_COOKIE", INT, { 0, 1, 1, 2 } },
	{ IPPROTO_TCP, TCP_CONGESTION, "CONGESTION", STRING, { 2, 3, 2, 3 } },
	{ IPPROTO_TCP, TCP_SAVE_SYN, "SAVE_SYN", INT, { 0, 1, 2, 3 } },
	{ IPPROTO_TCP, TCP_SAVED_SYN, "SAVED_SYN", INT | UNREAD, { 0, 1, 2, 3 } },
	{ IPPROTO_TCP, TCP_INQ, "INQ", INT, { 0, 1, 1, 2 } },
	{ IPPROTO_TCP, TCP_CM_INQ, "CM_INQ", INT, { 0, 1, 1, 2 } },
	{ IPPROTO_IP, IP_TOS, "IP_TOS", INT, { 0, 8, 3, 255 } },
	{ IPPROTO_IP, IP_TTL, "IP_TTL", INT, { 0, 1, 64, 255 } },
	{ IPPROTO_IP, IP_RECVERR, "IP_RECVERR", INT, { 0, 1, 1, 1 } },
	{ IPPROTO_IP, IP_FREEBIND, "IP_FREEBIND", INT, { 0, 1, 1, 1 } },
	{ IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT", INT, { 0, 1, 1, 1 } },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT", INT, { 0, 1, 1, 1 } },
	{ IPPROTO_IP, IP_MINTTL, "IP_MINTTL", INT, { 0, 1, 64, 65 } },
	{ IPPROTO_IP, IP_MTU_DISCOVER, "IP_MTU_DISCOVER", INT, { 0, 1, 2, 3 } },
	{ IPPROTO_IPV6, IPV6_V6ONLY, "V6ONLY", INT, { 0, 1, 0, 1 } },
	{ IPPROTO_IPV6, IPV6_RECVERR, "IPV6_RECVERR", INT, { 0, 1, 1, 1 } },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, "HOPS", INT, { -1, 1, 64, 256 } },
	{ IPPROTO_IPV6, IPV6_TCLASS, "TCLASS", INT, { -1, 8, 3, 256 } },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, "MINHOPCOUNT", INT, { 0, 1, 64, 65 } },
	{ IPPROTO_IPV6, IPV6_ADDRFORM, "ADDRFORM", INT, { AF_INET, AF_INET, AF_INET6, 0 } },
	{ IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, "IPV6_FREEBIND", INT, { 0, 1, 1, 1 } },
};

#define NR_OPTIONS	(sizeof(options) / sizeof(*options))

static const char * const names[] = { "lo", "no-such", "reno", "cubic" };

static const struct option *choose(struct call *c)
{
	const struct option *o = &options[c->s->a % NR_OPTIONS];

	say(c, " %s", o->said);
	return o;
}

long call_setsockopt(struct call *c)
{
	const struct option *o = choose(c);
	int value = o->values[c->s->b % 4], short_by = c->s->c % 32 == 1;
	struct timeval time = { .tv_usec = value * 1000 };
	struct linger linger = { c->s->b >> 8 & 1, value };

	if (c->s->c % 32 == 0)
		value = c->s->b;
	switch (o->how & ~UNREAD) {
	case LINGER:
		say(c, " %d %d", linger.l_onoff, linger.l_linger);
		return setsockopt(c->fd, o->level, o->name, &linger, sizeof(linger) - short_by);
	case TIME:
		say(c, " %d ms", (int)time.tv_usec / 1000);
		return setsockopt(c->fd, o->level, o->name, &time, sizeof(time) - short_by);
	case STRING:
		say(c, " %s", names[o->values[c->s->b % 4]]);
		return setsockopt(c->fd, o->level, o->name, names[o->values[c->s->b % 4]],
				  strlen(names[o->values[c->s->b % 4]]));
	default:
		say(c, " %d%s", value, short_by ? " (3 bytes)" : "");
		return setsockopt(c->fd, o->level, o->name, &value, sizeof(value) - short_by);
	}
}

long call_getsockopt(struct call *c)
{
	static const socklen_t lens[] = { 4, 4, 4, 16, 16, 64, 1, 0 };
	const struct option *o = choose(c);
	socklen_t len = lens[c->s->b % 8];
	char value[64] = "";
	long ret;

	say(c, " %u", len);
	ret = getsockopt(c->fd, o->level, o->name, value, &len);
	if (ret)
		return ret;
	if (o->how & UNREAD)
		say(c, " -> (value)");
	else
		say_bytes(c, value, len);
	return ret;
}
