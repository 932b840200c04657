// SPDX-License-Identifier: GPL-2.0
/*
 * The socket under test, and the ways of opening and feeding it that most
 * tests begin with. All sockets are non-blocking; every wait has a bound.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "wire.h"

/*
 * Options of a handshake that does not care: segments of round numbers, no
 * timestamps to make them smaller, windows of the peer as they are written.
 */
#define DEFAULT_OPTS	"mss=1000 sackok ws=0"

void conn_init(struct wire *w, struct conn *c)
{
	memset(c, 0, sizeof(*c));
	c->w = w;
	c->fd = -1;
	c->listener = -1;
	c->pport = w->next_port++;
	c->iss = 0x10000000u + c->pport * 0x1357u;
	c->win = w->peer_win;
	c->my_ws = -1;
	c->its_ws = -1;
	c->tsval = 1000;
	c->last = wire_now();
}

int sock_open(struct wire *w)
{
	int fd = socket(w->kind.family, SOCK_STREAM | SOCK_NONBLOCK |
			SOCK_CLOEXEC, w->kind.protocol);

	CHECK(w, fd >= 0);
	return fd;
}

void sock_set(struct wire *w, int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		wire_fail(w, __FILE__, __LINE__,
			  "setsockopt(level %d, option %d) to %d: %s", level,
			  name, value, strerror(errno));
}

void sock_bind(struct wire *w, int fd, int port)
{
	const struct ends ends = { LOCAL_ADDR, w->local6, "::" };
	union wire_addr addr;
	socklen_t len = ip_sockaddr(w, &addr, &ends, port);

	sock_set(w, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_EQ(w, 0, bind(fd, &addr.any, len));
}

int sock_listen(struct wire *w, int port, int backlog)
{
	int fd = sock_open(w);

	sock_bind(w, fd, port);
	/* Room for a send that the congestion window must stop, not the buffer. */
	sock_set(w, fd, SOL_SOCKET, SO_SNDBUF, 512 << 10);
	CHECK_EQ(w, 0, listen(fd, backlog));
	return fd;
}

/* The peer's address, as the socket under test takes it. */
socklen_t sock_peer(const struct conn *c, union wire_addr *addr)
{
	const struct ends ends = {
		PEER_ADDR, c->w->peer6, "::ffff:" PEER_ADDR,
	};

	return ip_sockaddr(c->w, addr, &ends, c->pport);
}

/* Start the active open; the SYN is for the test to expect. */
void sock_connect(struct conn *c)
{
	union wire_addr addr;
	socklen_t len = sock_peer(c, &addr);

	if (c->fd < 0) {
		c->fd = sock_open(c->w);
		sock_set(c->w, c->fd, SOL_SOCKET, SO_SNDBUF, 512 << 10);
	}
	c->last = wire_now();
	CHECK_EQ(c->w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(c->w, EINPROGRESS, errno);
}

int sock_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

bool wait_for(int fd, short events, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	bool ready = poll(&pfd, 1, ms) == 1;

	wire_resume();
	return ready && pfd.revents & (events | POLLHUP);
}

/* Wait until the socket has an error, and take it. */
int wait_error(struct conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = 0 };

	if (poll(&pfd, 1, DEADLINE_MS) != 1)
		wire_fail(c->w, __FILE__, __LINE__, "the socket has no error");
	wire_resume();
	return sock_error(c->fd);
}

int conn_accept(struct conn *c)
{
	union wire_addr addr, want;
	socklen_t len = sizeof(addr);

	if (!wait_for(c->listener, POLLIN, DEADLINE_MS))
		wire_fail(c->w, __FILE__, __LINE__, "nothing to accept");
	c->fd = accept4(c->listener, &addr.any, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(c->w, c->fd >= 0);
	CHECK_EQ(c->w, sock_peer(c, &want), len);
	CHECK(c->w, !memcmp(&addr, &want, len));
	return c->fd;
}

/* The peer's three-way handshake with a listener, without accept(). */
void handshake(struct conn *c, const char *opts)
{
	if (!c->lport)
		c->lport = PORT;
	tx(c, "S seq=0 %s", opts ?: DEFAULT_OPTS);
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
}

/* An established connection that the peer opened. */
void conn_passive(struct wire *w, struct conn *c, const char *opts)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	handshake(c, opts);
	conn_accept(c);
}

/* The same with a peer far away, see SLOW_RTT_MS. */
void conn_slow(struct wire *w, struct conn *c, const char *opts)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 %s", opts);
	rx(c, "S. seq=0 ack=1");
	none_for(c, SLOW_RTT_MS);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
}

void finish_active(struct conn *c, const char *opts)
{
	tx(c, "S. seq=0 ack=1 %s", opts ?: DEFAULT_OPTS);
	rx(c, ". seq=1 ack=1");
	CHECK(c->w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	CHECK_EQ(c->w, 0, sock_error(c->fd));
}

/* An established connection that the socket under test opened. */
void conn_active(struct wire *w, struct conn *c, const char *opts)
{
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	finish_active(c, opts);
}

/* Write the next bytes of the pattern. */
void conn_write(struct conn *c, size_t len, int flags)
{
	static __u8 data[1 << 17];
	size_t i;

	CHECK(c->w, len <= sizeof(data));
	for (i = 0; i < len; i++)
		data[i] = pattern(c->written + i);
	c->last = wire_now();
	trace("%9.3f   %u write %zu", (c->last - c->w->start) / 1e6, c->pport,
	      len);
	CHECK_EQ(c->w, len, send(c->fd, data, len, flags | MSG_NOSIGNAL));
	c->written += len;
}

/* Read bytes of the pattern, all of them, from a place in the stream. */
void conn_read(struct conn *c, size_t from, size_t len)
{
	__u8 data[4096];
	size_t done, i;
	ssize_t n;

	for (done = 0; done < len; done += n) {
		if (!wait_for(c->fd, POLLIN, DEADLINE_MS))
			wire_fail(c->w, __FILE__, __LINE__,
				  "%zu of %zu bytes to read", done, len);
		n = recv(c->fd, data, len - done < sizeof(data) ? len - done :
			 sizeof(data), 0);
		CHECK(c->w, n > 0);
		for (i = 0; i < (size_t)n; i++)
			if (data[i] != pattern(from + done + i))
				wire_fail(c->w, __FILE__, __LINE__,
					  "byte %zu of the stream is %u",
					  from + done + i, data[i]);
	}
}

void conn_eof(struct conn *c)
{
	char byte;

	CHECK(c->w, wait_for(c->fd, POLLIN, DEADLINE_MS));
	CHECK_EQ(c->w, 0, recv(c->fd, &byte, 1, 0));
}

/* Nothing to read, and no end of the stream either. */
void conn_would_block(struct conn *c)
{
	char byte;

	CHECK_EQ(c->w, -1, recv(c->fd, &byte, 1, 0));
	CHECK_EQ(c->w, EAGAIN, errno);
}

void conn_close(struct conn *c)
{
	c->last = wire_now();
	trace("%9.3f   %u close", (c->last - c->w->start) / 1e6, c->pport);
	close(c->fd);
	c->fd = -1;
}

void conn_shutdown(struct conn *c, int how)
{
	c->last = wire_now();
	trace("%9.3f   %u shutdown %d", (c->last - c->w->start) / 1e6, c->pport,
	      how);
	CHECK_EQ(c->w, 0, shutdown(c->fd, how));
}

/* Expect the stream from one relative number to another, in full segments. */
void rx_stream(struct conn *c, __u32 from, __u32 to, int mss)
{
	__u32 n;

	for (; from < to; from += n) {
		n = to - from < (__u32)mss ? to - from : (__u32)mss;
		rx(c, ". seq=%u len=%u", from, n);
	}
}

/* The connection still works: a byte in, acknowledged and read. */
void check_alive(struct conn *c)
{
	__u32 at = c->snd_nxt;

	tx(c, ". len=1");
	rx(c, ". ack=%u skip", at + 1);
	conn_read(c, at - 1, 1);
}

/* The stack knows nothing of this connection (any more). */
void check_gone(struct conn *c)
{
	tx(c, ". seq=%u ack=%u", c->snd_nxt, c->rcv_nxt);
	rx(c, "R seq=%u", c->rcv_nxt);
}

/* The MSS of a peer that says none: rfc9293#section-3.7.1. */
int default_mss(const struct wire *w)
{
	return on_v6(w) ? 1220 : 536;
}

/* Right edge of the last window received, as an offset from its ack. */
__u32 conn_wnd(const struct conn *c)
{
	bool scaled = c->my_ws >= 0 && c->its_ws >= 0 &&
		      !(c->seg.flags & TH_SYN);

	return (__u32)c->seg.win << (scaled ? c->its_ws : 0);
}
