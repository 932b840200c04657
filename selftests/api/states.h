/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets in each of the states that a program meets. */
#ifndef API_STATES_H
#define API_STATES_H

#include "api.h"

enum state {
	FRESH, BOUND, LISTENING, CONNECTED, READABLE, CLOSED, SYN_SENT, SYN_RECV, DEFERRED, NOBODY,
	NOBODY_READ, DEAF_READER, SHUT_UNHEARD, SHUT_HALF, SHUT_WHOLE, CROSSED, LAST, LAST_HEARD,
	SHUT_BOTH, RESET, RESET_READ, DISSOLVED, DISSOLVED_BOUND, UNBOUND, STATES
};

/* A socket in such a state, and what else must be closed after it: a listener and the peer. */
struct made {
	int fd, others[2], family;
	struct sockaddr_in addr;
};

typedef void step(struct made *m);

static void made_bind(struct made *m)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);

	if (api_bind(m->fd, &addr))
		api_die("bind");
}

static void made_listen(struct made *m)
{
	if (listen(m->fd, 1))
		api_die("listen");
}

/* A connection that is to come about later. */
static void made_try(struct made *m)
{
	int flags = fcntl(m->fd, F_GETFL);

	api_nonblock(m->fd);
	if (api_connect(m->fd, &m->addr) && errno != EINPROGRESS)
		api_die("connect");
	fcntl(m->fd, F_SETFL, flags);
}

static void made_peer(struct made *m)
{
	m->others[0] = api_listener(m->family, &m->addr);
}

static void made_deaf_peer(struct made *m)
{
	made_peer(m);
	api_deafen(m->others[0]);
}

static void made_connect(struct made *m)
{
	made_peer(m);
	if (api_connect(m->fd, &m->addr))
		api_die("connect");
	m->others[1] = api_accept(m->others[0]);
}

/* What is accepted by its first segment's data, and never hears that it has been answered. */
static void made_accept_early(struct made *m)
{
	struct sockaddr_in6 to;
	socklen_t len;

	api_sysctl("ipv4/tcp_fastopen", "%d", 0x607);
	made_peer(m);
	len = api_sockaddr(&m->addr, &to);
	m->others[1] = m->fd;
	api_deafen(m->others[1]);
	api_nonblock(m->others[1]);
	if (sendto(m->others[1], "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (void *)&to, len) < 0 &&
	    errno != EINPROGRESS)
		api_die("MSG_FASTOPEN");
	m->fd = api_accept(m->others[0]);
}

/* A connection that waits for its first data. */
static void made_defer(struct made *m)
{
	api_sysctl("ipv4/tcp_fastopen", "%d", 0x607);
	made_peer(m);
	api_opt(m->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	made_try(m);
}

/* Nobody is at port 1. */
static void made_refused(struct made *m)
{
	m->addr = api_addr("127.0.0.1", 1);
	made_try(m);
	if (!API_WAIT(api_state(m->fd) == ST_CLOSE))
		api_die("not refused");
}

static void made_read_error(struct made *m)
{
	if (!api_getopt(m->fd, SOL_SOCKET, SO_ERROR))
		api_die("no error");
}

static void made_shut_rd(struct made *m)
{
	shutdown(m->fd, SHUT_RD);
}

static void made_shut_wr(struct made *m)
{
	shutdown(m->fd, SHUT_WR);
}

static void made_shut_rdwr(struct made *m)
{
	shutdown(m->fd, SHUT_RDWR);
}

static void peer_deaf(struct made *m)
{
	api_deafen(m->others[1]);
}

static void peer_send(struct made *m)
{
	api_send(m->others[1], "12345678", 8);
	if (!api_readable(m->fd))
		api_die("no data");
}

static void peer_shut(struct made *m)
{
	shutdown(m->others[1], SHUT_WR);
	if (!API_WAIT(api_state(m->fd) == ST_CLOSE_WAIT || api_state(m->fd) == ST_CLOSING))
		api_die("no FIN");
}

static void peer_close(struct made *m)
{
	close(m->others[1]);
	m->others[1] = -1;
}

static void peer_reset(struct made *m)
{
	struct linger now = { .l_onoff = 1 };

	if (setsockopt(m->others[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		api_die("SO_LINGER");
	peer_close(m);
	if (!API_WAIT(api_state(m->fd) == ST_CLOSE))
		api_die("no reset");
}

static void made_dissolve(struct made *m)
{
	if (api_dissolve(m->fd))
		api_die("connect to nothing");
}

/* How each of them comes about, and the state that it is in then. */
static const struct {
	const char *name;
	int in;
	step *steps[4];
} states[STATES] = {
	[FRESH]		= { "fresh", ST_CLOSE, { NULL } },
	[BOUND]		= { "bound", ST_CLOSE, { made_bind } },
	[LISTENING]	= { "listening", ST_LISTEN, { made_bind, made_listen } },
	[CONNECTED]	= { "connected", ST_ESTABLISHED, { made_connect } },
	[READABLE]	= { "data to be read", ST_ESTABLISHED, { made_connect, peer_send } },
	[CLOSED]	= { "closed by the peer", ST_CLOSE_WAIT, { made_connect, peer_close } },
	[SYN_SENT]	= { "connecting", ST_SYN_SENT, { made_deaf_peer, made_try } },
	[SYN_RECV]	= { "accepted early", ST_SYN_RECV, { made_accept_early } },
	[DEFERRED]	= { "connected later", ST_SYN_SENT, { made_defer } },
	[NOBODY]	= { "refused", ST_CLOSE, { made_refused } },
	[NOBODY_READ]	= { "refused, error read", ST_CLOSE, { made_refused, made_read_error } },
	[DEAF_READER]	= { "shut for reading", ST_ESTABLISHED, { made_connect, made_shut_rd } },
	[SHUT_UNHEARD]	= { "shut, not acknowledged", ST_FIN_WAIT1,
			    { made_connect, peer_deaf, made_shut_wr } },
	[SHUT_HALF]	= { "shut for writing", ST_FIN_WAIT2, { made_connect, made_shut_wr } },
	[SHUT_WHOLE]	= { "shut for both", ST_FIN_WAIT2, { made_connect, made_shut_rdwr } },
	[CROSSED]	= { "shut by both at once", ST_CLOSING,
			    { made_connect, peer_deaf, made_shut_wr, peer_shut } },
	[LAST]		= { "shut last, not acknowledged", ST_LAST_ACK,
			    { made_connect, peer_shut, peer_deaf, made_shut_wr } },
	[LAST_HEARD]	= { "shut last", ST_CLOSE, { made_connect, peer_close, made_shut_wr } },
	[SHUT_BOTH]	= { "shut first, then by the peer", ST_CLOSE,
			    { made_connect, made_shut_wr, peer_close } },
	[RESET]		= { "reset", ST_CLOSE, { made_connect, peer_reset } },
	[RESET_READ]	= { "reset, error read", ST_CLOSE,
			    { made_connect, peer_reset, made_read_error } },
	[DISSOLVED]	= { "dissolved", ST_CLOSE, { made_connect, made_dissolve } },
	[DISSOLVED_BOUND] = { "bound and dissolved", ST_CLOSE,
			    { made_bind, made_connect, made_dissolve } },
	[UNBOUND]	= { "bound, connected to nothing", ST_CLOSE, { made_bind, made_dissolve } },
};

/* Steps of one go on when the one before has been heard of, where there is a way to know. */
static struct made make(int family, enum state state)
{
	struct made m = { api_socket(family, 0), { -1, -1 }, family, { 0 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states[state].steps) && states[state].steps[i]; i++)
		states[state].steps[i](&m);
	if (!API_WAIT(api_state(m.fd) == states[state].in))
		api_die("%s: in state %d", states[state].name, api_state(m.fd));
	return m;
}

/* Without an orphan or a TIME_WAIT entry after it: there are thousands. */
static void unmake(struct made *m)
{
	struct linger now = { .l_onoff = 1 };
	int fds[] = { m->fd, m->others[1], m->others[0] };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0) {
			setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
			close(fds[i]);
		}
}

#endif /* API_STATES_H */
