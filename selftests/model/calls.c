// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of a sequence: each makes of the numbers of its step what it needs, says
 * what it does and what came of it. Words that both stacks must say alike: ports are
 * those named by the sequence (p0) or chosen by the kernel (auto), bytes are a sum.
 *
 * A call that blocks is interrupted by a signal. After each step all has to come to
 * rest, then what each socket looks like is said as well.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "../slow.h"

#define MOST	2000			/* bytes of a call: never what fills a buffer */
#define BLOCKED	30			/* ms after which a call that blocks is interrupted */
#define REST	500			/* ms that it may take to come to rest */
#define NR(a)	(sizeof(a) / sizeof(*(a)))

static uint8_t data[MOST + 256], got[MOST];
static int file_fd, fds[SLOTS];
static volatile sig_atomic_t alarms, pipes, urgents;
static bool restart;

void say(struct call *c, const char *fmt, ...)
{
	size_t len = strlen(c->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->text + len, TEXT - len, fmt, args);
	va_end(args);
}

void say_bytes(struct call *c, const void *bytes, long len)
{
	const uint8_t *p = bytes;
	uint32_t sum = 1;
	long i;

	for (i = 0; i < len; i++)
		sum = sum * 31 + p[i];
	say(c, " -> %ld bytes sum %08x", len, sum);
}

/* --- addresses --------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* The often used ones come more than once; the last are of the other family. */
static const char * const places4[] = {
	"127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2", "10.9.9.9", "192.0.2.1",
	"255.255.255.255", "224.0.0.1",
};

static const char * const places6[] = {
	"::1", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "fd09::9", "2001:db8::1",
	"ff02::1",
};

static const char * const mapped[] = {
	"::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:127.0.0.2", "::ffff:10.9.9.9",
};

static void say_port(struct call *c, uint16_t port)
{
	if (port >= c->base && port < c->base + PORTS)
		say(c, ":p%d", port - c->base);
	else
		say(c, ":%s", !port ? "0" : port > LAST_PORT ? "auto" : "?");
}

static void say_address(struct call *c, const union address *a, socklen_t len)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (len < sizeof(sa_family_t)) {
		say(c, " (no address, %u)", len);
		return;
	}
	if (a->any.sa_family == AF_INET && len >= sizeof(a->in)) {
		inet_ntop(AF_INET, &a->in.sin_addr, text, sizeof(text));
		say(c, " %s", text);
		say_port(c, ntohs(a->in.sin_port));
	} else if (a->any.sa_family == AF_INET6 && len >= 24) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, text, sizeof(text));
		say(c, " [%s%%%u]", text, len < sizeof(a->in6) ? 0 : a->in6.sin6_scope_id);
		say_port(c, ntohs(a->in6.sin6_port));
	} else {
		say(c, " (family %d)", a->any.sa_family);
	}
	if (len != sizeof(a->in) && len != sizeof(a->in6))
		say(c, " of length %u", len);
}

/* The port that the socket of @slot is bound to, 1 if there is none. */
static uint16_t port_of(const struct call *c, int slot)
{
	union address a = {};
	socklen_t len = sizeof(a);

	if (getsockname(c->fds[slot], &a.any, &len) || !a.in.sin_port)
		return 1;
	return ntohs(a.in.sin_port);
}

/* An address by the number @which, mostly a sound one. */
static socklen_t make_address(struct call *c, union address *a, uint32_t which, uint16_t port)
{
	bool v6 = c->stack->v6 != ((which >> 8 & 31) == 0);
	/* Half of them are the first, for most calls to meet. */
	unsigned int place = which & 0x80000 ? which % 8 : 0;
	socklen_t len;

	*a = (union address){ };
	if (v6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		inet_pton(AF_INET6, places6[place], &a->in6.sin6_addr);
		len = sizeof(a->in6);
	} else {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(port);
		inet_pton(AF_INET, places4[place], &a->in.sin_addr);
		len = sizeof(a->in);
	}
	if ((which >> 13 & 15) == 0)
		a->any.sa_family = AF_UNSPEC;
	else if ((which >> 13 & 63) == 1)
		len -= 1 + (which >> 24) % len;
	say_address(c, a, len);
	return len;
}

/* The same to connect to */
static socklen_t make_peer(struct call *c, union address *a, uint32_t which, uint16_t port)
{
	char *text = c->text + strlen(c->text);
	socklen_t len = make_address(c, a, which, port);
	uint32_t *mapped_prefix = &a->in6.sin6_addr.s6_addr32[2];

	if (!c->stack->v6 || a->any.sa_family != AF_INET6)
		return len;
	if (c->stack->mapped)
		inet_pton(AF_INET6, mapped[which % NR(mapped)], &a->in6.sin6_addr);
	else if (*mapped_prefix == htonl(0xffff))
		*mapped_prefix = 0;
	*text = '\0';
	say_address(c, a, len);
	return len;
}

static uint16_t make_port(struct call *c, uint32_t which)
{
	if (which % 4 == 0)
		return 0;
	return c->base + (which >> 4) % PORTS;
}

/* As /proc/net/tcp has them */
enum {
	ESTABLISHED = 1, FIN_WAIT1 = 4, CLOSED = 7, CLOSE_WAIT, LAST_ACK, CLOSING = 11,
};

static int state_of(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) ? -1 : ti.tcpi_state;
}

/* --- flags ------------------------------------------------------------------- */

static const struct {
	int flag;
	const char *name;
} send_flags[] = {
	{ MSG_DONTWAIT, "DONTWAIT" }, { MSG_MORE, "MORE" }, { MSG_OOB, "OOB" }, { MSG_EOR, "EOR" },
	{ MSG_NOSIGNAL, "NOSIGNAL" }, { MSG_DONTROUTE, "DONTROUTE" }, { MSG_CONFIRM, "CONFIRM" },
	{ MSG_ZEROCOPY, "ZEROCOPY" },
}, recv_flags[] = {
	{ MSG_DONTWAIT, "DONTWAIT" }, { MSG_DONTWAIT, "DONTWAIT" }, { MSG_PEEK, "PEEK" },
	{ MSG_OOB, "OOB" }, { MSG_WAITALL, "WAITALL" }, { MSG_TRUNC, "TRUNC" },
	{ MSG_ERRQUEUE, "ERRQUEUE" }, { MSG_NOSIGNAL, "NOSIGNAL" },
};

/* Each of eight with a chance of 1 in 8. */
static int make_flags(struct call *c, uint32_t bits, bool sending)
{
	int i, flags = 0;

	for (i = 0; i < 8; i++, bits >>= 3) {
		if (bits % 8)
			continue;
		flags |= sending ? send_flags[i].flag : recv_flags[i].flag;
		say(c, " %s", sending ? send_flags[i].name : recv_flags[i].name);
	}
	return flags;
}

static size_t make_length(struct call *c, uint32_t which)
{
	static const size_t lengths[] = { 0, 1, 1, 5, 100, 1000, 1460, MOST };
	size_t len = lengths[which % NR(lengths)];

	say(c, " %zu", len);
	return len;
}

static uint8_t *bytes_of(const struct call *c)
{
	return data + c->s->c % 251;
}

/* --- calls ------------------------------------------------------------------- */

/* Puts @fd, if it is one, into a slot, whose old one goes. */
static long put(struct call *c, int slot, int fd)
{
	if (fd < 0)
		return fd;
	if (c->fds[slot] >= 0)
		close(c->fds[slot]);
	c->fds[slot] = fd;
	return 0;
}

static long call_socket(struct call *c)
{
	int type = SOCK_STREAM | (c->s->a % 2 ? SOCK_NONBLOCK : 0);

	say(c, "%s", c->s->a % 2 ? " NONBLOCK" : "");
	return put(c, c->s->slot, socket(c->stack->family, type, c->stack->protocol));
}

static long call_bind(struct call *c)
{
	union address a;
	socklen_t len = make_address(c, &a, c->s->a, make_port(c, c->s->b));

	return bind(c->fd, &a.any, len);
}

static long call_listen(struct call *c)
{
	static const int backlogs[] = { 5, 5, 5, 5, 100, 1 << 20, -1, 0 };

	say(c, " %d", backlogs[c->s->a % 8]);
	return listen(c->fd, backlogs[c->s->a % 8]);
}

static long call_connect(struct call *c)
{
	union address a;
	uint16_t port = c->s->b % 8 ? port_of(c, c->s->other) : make_port(c, c->s->b >> 3);
	socklen_t len = make_peer(c, &a, c->s->a, port);

	return connect(c->fd, &a.any, len);
}

static long call_accept(struct call *c)
{
	int flags = c->s->a % 2 ? SOCK_NONBLOCK : 0;
	union address a = {};
	socklen_t len = sizeof(a);
	int fd = accept4(c->fd, &a.any, &len, flags);

	say(c, " into %d%s", c->s->other, flags ? " NONBLOCK" : "");
	if (fd >= 0)
		say_address(c, &a, len);
	return put(c, c->s->other, fd);
}

/* A listener, its client and what it accepts, in one step: most of what follows wants it. */
static long call_pair(struct call *c)
{
	union address a = {};
	socklen_t len = c->stack->v6 ? sizeof(a.in6) : sizeof(a.in);
	int family = c->stack->family, protocol = c->stack->protocol;
	int l = socket(family, SOCK_STREAM, protocol), fd = socket(family, SOCK_STREAM, protocol);
	long ret = -1;

	say(c, " with %d", c->s->other);
	a.any.sa_family = c->stack->v6 ? AF_INET6 : AF_INET;
	if (!bind(l, &a.any, len) && !listen(l, 1) && !getsockname(l, &a.any, &len) &&
	    !connect(fd, &a.any, len))
		ret = put(c, c->s->other, accept4(l, NULL, NULL, c->s->a % 2 ? SOCK_NONBLOCK : 0));
	close(l);
	put(c, c->s->slot, fd);
	return ret;
}

static long call_send(struct call *c)
{
	size_t len = make_length(c, c->s->a);

	return send(c->fd, bytes_of(c), len, make_flags(c, c->s->b, true));
}

static long call_write(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	struct iovec iov[] = { { bytes_of(c), len / 2 }, { NULL, 0 },
			       { bytes_of(c) + len / 2, len - len / 2 } };

	return c->s->b % 2 ? write(c->fd, bytes_of(c), len) : writev(c->fd, iov, 3);
}

static long call_sendmsg(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	struct iovec iov[] = { { bytes_of(c), len / 3 }, { bytes_of(c) + len / 3, len - len / 3 } };
	uint64_t control[4] = {};
	struct cmsghdr *cm = (struct cmsghdr *)control;
	union address a;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	int flags = make_flags(c, c->s->b, true);

	if (c->s->c >> 8 & 1) {
		msg.msg_name = &a;
		msg.msg_namelen = make_peer(c, &a, c->s->c, port_of(c, c->s->other));
		if (c->s->c >> 9 & 1)
			flags |= MSG_FASTOPEN;
		say(c, "%s", flags & MSG_FASTOPEN ? " FASTOPEN" : "");
	}
	if ((c->s->c >> 10 & 7) == 0) {
		*cm = (struct cmsghdr){ CMSG_LEN(sizeof(int)), c->s->c >> 13 & 1 ? SOL_SOCKET : 0,
					c->s->c >> 14 & 63 };
		say(c, " control %d/%d", cm->cmsg_level, cm->cmsg_type);
		msg.msg_control = control;
		msg.msg_controllen = c->s->c >> 20 & 3 ? CMSG_SPACE(sizeof(int)) : 9;
	}
	return sendmsg(c->fd, &msg, flags);
}

static long received(struct call *c, long n, int flags)
{
	if (c->stack->lies && n > 4 && c->s->c % 4 == 0)
		got[n - 1] ^= 1;
	/* What MSG_TRUNC throws away stays as it was. */
	if (n >= 0)
		say_bytes(c, got, (flags & MSG_TRUNC) || n > MOST ? 0 : n);
	return n;
}

static long call_recv(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	int flags = make_flags(c, c->s->b, false);

	return received(c, recv(c->fd, got, len, flags), flags);
}

static long call_read(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	struct iovec iov[] = { { got, len / 2 }, { NULL, 0 }, { got + len / 2, len - len / 2 } };

	return received(c, c->s->b % 2 ? read(c->fd, got, len) : readv(c->fd, iov, 3), 0);
}

static void say_control(struct call *c, struct msghdr *msg)
{
	struct sock_extended_err *ee;
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
		say(c, " control %d/%d length %zu", cm->cmsg_level, cm->cmsg_type, cm->cmsg_len);
		ee = (struct sock_extended_err *)CMSG_DATA(cm);
		if (cm->cmsg_level == IPPROTO_TCP)
			say(c, " %d", *(int *)CMSG_DATA(cm));
		else if (cm->cmsg_level != SOL_SOCKET && cm->cmsg_len >= CMSG_LEN(sizeof(*ee)))
			say(c, " %s origin %d type %d code %d", strerrorname_np(ee->ee_errno),
			    ee->ee_origin, ee->ee_type, ee->ee_code);
	}
}

static long call_recvmsg(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	struct iovec iov[] = { { got, len / 3 }, { got + len / 3, len - len / 3 } };
	uint64_t control[32];
	union address a = {};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = control,
			      .msg_controllen = c->s->c >> 8 & 7 ? sizeof(control) : 9,
			      .msg_name = &a, .msg_namelen = sizeof(a) };
	int flags = make_flags(c, c->s->b, false);
	long ret = recvmsg(c->fd, &msg, flags);

	if (ret < 0)
		return ret;
	say(c, " flags %x", msg.msg_flags);
	if (msg.msg_namelen)
		say_address(c, &a, msg.msg_namelen);
	say_control(c, &msg);
	return received(c, ret, flags);
}

/* Several at once: the first error ends it, and may have to be told later. */
static long call_mmsg(struct call *c)
{
	struct iovec iov[2] = { { bytes_of(c), make_length(c, c->s->a) / 2 },
				{ bytes_of(c), make_length(c, c->s->a >> 3) / 2 } };
	struct mmsghdr mm[2] = { { { .msg_iov = iov, .msg_iovlen = 1 } },
				 { { .msg_iov = iov + 1, .msg_iovlen = 1 } } };
	bool sending = c->s->a >> 6 & 1;
	int flags = make_flags(c, c->s->b, sending);
	long ret;

	say(c, sending ? " send" : " receive");
	if (!sending) {
		iov[0].iov_base = got;
		iov[1].iov_base = got;
	}
	ret = sending ? sendmmsg(c->fd, mm, 2, flags) : recvmmsg(c->fd, mm, 2, flags, NULL);
	if (ret > 0)
		say(c, " %u %u", mm[0].msg_len, ret > 1 ? mm[1].msg_len : 0);
	return ret;
}

static long call_sendfile(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	off_t offset = c->s->c % 251;

	return sendfile(c->fd, file_fd, &offset, len);
}

static long call_splice(struct call *c)
{
	size_t len = make_length(c, c->s->a);
	bool in = c->s->c % 2;
	int p[2], error;
	long ret;

	say(c, in ? " from it" : " to it");
	if (pipe(p))
		err(1, "pipe");
	if (in) {
		ret = splice(c->fd, NULL, p[1], NULL, len, c->s->b % 2 ? SPLICE_F_NONBLOCK : 0);
		error = errno;
		if (ret > 0)
			received(c, read(p[0], got, ret), 0);
	} else {
		if (write(p[1], bytes_of(c), len) != (ssize_t)len)
			err(1, "pipe");
		/* Of an empty one it would wait for more. */
		ret = splice(p[0], NULL, c->fd, NULL, MOST,
			     SPLICE_F_NONBLOCK | (c->s->b % 2 ? SPLICE_F_MORE : 0));
		error = errno;
	}
	close(p[0]);
	close(p[1]);
	errno = error;
	return ret;
}

static long call_shutdown(struct call *c)
{
	static const int how[] = {
		SHUT_RD, SHUT_WR, SHUT_WR, SHUT_WR, SHUT_RDWR, SHUT_RDWR, 3, -1,
	};

	say(c, " %d", how[c->s->a % 8]);
	return shutdown(c->fd, how[c->s->a % 8]);
}

static long call_ioctl(struct call *c)
{
	static const struct {
		unsigned long code;
		const char *name;
	} codes[] = {
		{ SIOCINQ, "SIOCINQ" }, { SIOCOUTQ, "SIOCOUTQ" }, { SIOCOUTQNSD, "SIOCOUTQNSD" },
		{ SIOCATMARK, "SIOCATMARK" }, { SIOCGSTAMP, "SIOCGSTAMP" }, { 0x5490, "0x5490" },
		{ SIOCPROTOPRIVATE, "SIOCPROTOPRIVATE" }, { SIOCSIFADDR, "SIOCSIFADDR" },
	};
	unsigned int which = c->s->a % NR(codes);
	uint8_t value[256] = {};
	long ret;

	say(c, " %s", codes[which].name);
	ret = ioctl(c->fd, codes[which].code, c->s->b % 32 ? value : NULL);
	if (!ret && (codes[which].code != SIOCOUTQ || state_of(c->fd) != CLOSED))
		say(c, " -> %d", *(int *)value);
	return ret;
}

static long call_fcntl(struct call *c)
{
	int flags = c->s->a % 2 ? O_NONBLOCK : 0;

	if (c->s->a >> 1 & 1) {
		say(c, " SETOWN");
		return fcntl(c->fd, F_SETOWN, getpid());
	}
	say(c, " SETFL %s", flags ? "NONBLOCK" : "0");
	return fcntl(c->fd, F_SETFL, flags);
}

static long call_dup(struct call *c)
{
	int fd = dup(c->fd);

	say(c, " into %d", c->s->other);
	return put(c, c->s->other, fd);
}

static long call_close(struct call *c)
{
	int fd = c->fd;

	c->fds[c->s->slot] = -1;
	return close(fd);
}

/* A child does something on the descriptor, or has its parent close it first, and ends. */
static long call_child(struct call *c)
{
	static const char * const what[] = { "sends", "receives", "closes", "shuts", "stays" };
	unsigned int which = c->s->a % NR(what);
	int p[2], status;
	pid_t child;
	char byte;

	say(c, " %s", what[which]);
	if (pipe(p))
		err(1, "pipe");
	child = fork();
	if (!child) {
		close(p[1]);
		/* Not before the parent has closed it. */
		status = read(p[0], &byte, 1);
		status = which == 0 ? send(c->fd, data, 10, MSG_DONTWAIT | MSG_NOSIGNAL) :
			 which == 1 ? recv(c->fd, got, 10, MSG_DONTWAIT) :
			 which == 2 ? close(c->fd) :
			 which == 3 ? shutdown(c->fd, SHUT_WR) : 0;
		_exit(status < 0 ? errno : 0);
	}
	close(p[0]);
	if (c->s->b % 2) {
		say(c, ", closed here");
		call_close(c);
	}
	close(p[1]);
	while (waitpid(child, &status, 0) < 0)
		;
	say(c, " -> %s", strerrorname_np(WEXITSTATUS(status)));
	return 0;
}

static long call_name(struct call *c)
{
	static const socklen_t lens[] = { 28, 28, 28, 16, 4, 1, 0, -1 };
	socklen_t len = lens[c->s->b % 8];
	union address a = {};
	long ret;

	say(c, " %s %d", c->s->a % 2 ? "local" : "peer", (int)len);
	ret = c->s->a % 2 ? getsockname(c->fd, &a.any, &len) : getpeername(c->fd, &a.any, &len);
	if (!ret)
		say_address(c, &a, len);
	return ret;
}

static long call_poll(struct call *c)
{
	struct pollfd p = { .fd = c->fd, .events = c->s->a & 0x7fff };
	long ret;

	say(c, " %x", (unsigned int)p.events);
	ret = poll(&p, 1, c->s->b % 4 ? 0 : -1);
	if (ret > 0)
		say(c, " -> %x", (unsigned int)p.revents);
	return ret;
}

/**
 * struct kind - a kind of call
 * @name: that stands in the story
 * @make: the call
 * @weight: how often it comes
 * @fills: 1: a slot, 2: the other one, 3: both; -1: empties a slot
 * @wants: a connection
 */
static const struct kind {
	const char *name;
	long (*make)(struct call *c);
	int weight, fills;
	bool wants;
} kinds[] = {
	{ "socket", call_socket, 8, 1 },
	{ "bind", call_bind, 7 },
	{ "listen", call_listen, 7 },
	{ "connect", call_connect, 12 },
	{ "accept", call_accept, 9, 2 },
	{ "pair", call_pair, 8, 3 },
	{ "send", call_send, 10, 0, true },
	{ "write", call_write, 3, 0, true },
	{ "sendmsg", call_sendmsg, 5, 0, true },
	{ "recv", call_recv, 10, 0, true },
	{ "read", call_read, 3, 0, true },
	{ "recvmsg", call_recvmsg, 6, 0, true },
	{ "mmsg", call_mmsg, 2, 0, true },
	{ "sendfile", call_sendfile, 2, 0, true },
	{ "splice", call_splice, 3, 0, true },
	{ "shutdown", call_shutdown, 5, 0, true },
	{ "setsockopt", call_setsockopt, 14 },
	{ "getsockopt", call_getsockopt, 8 },
	{ "ioctl", call_ioctl, 3 },
	{ "fcntl", call_fcntl, 4 },
	{ "dup", call_dup, 2, 2 },
	{ "close", call_close, 5, -1 },
	{ "child", call_child, 2 },
	{ "name", call_name, 4 },
	{ "poll", call_poll, 3 },
};

unsigned int calls_nr(void)
{
	return NR(kinds);
}

unsigned int call_weight(unsigned int call)
{
	return kinds[call].weight;
}

const char *call_name_of(unsigned int call)
{
	return kinds[call].name;
}

int call_fills(unsigned int call)
{
	return kinds[call].fills;
}

bool call_wants(unsigned int call)
{
	return kinds[call].wants;
}

/* --- coming to rest ---------------------------------------------------------- */

/* Is something under way that ends by itself: data, a FIN, that the peer has not answered? */
static bool under_way(int fd)
{
	int queued = 0;

	switch (state_of(fd)) {
	case FIN_WAIT1:
	case CLOSING:
	case LAST_ACK:
		return true;
	case ESTABLISHED:
	case CLOSE_WAIT:
		return !ioctl(fd, SIOCOUTQ, &queued) && queued;
	default:
		return false;
	}
}

static void say_socket(struct call *c, int slot)
{
	struct pollfd p = { .fd = c->fds[slot], .events = 0x3fff };
	int queued = -1, waiting = -1, state = state_of(p.fd);

	poll(&p, 1, 0);
	ioctl(p.fd, SIOCINQ, &queued);
	/* Of what is no more, connect(AF_UNSPEC) leaves a number that means nothing. */
	if (state != CLOSED)
		ioctl(p.fd, SIOCOUTQ, &waiting);
	say(c, " | %d: state %d poll %x in %d out %d%s", slot, state, (unsigned int)p.revents,
	    queued, waiting, fcntl(p.fd, F_GETFL) & O_NONBLOCK ? " nb" : "");
}

static void say_all(struct call *c, size_t from)
{
	int i;

	c->text[from] = '\0';
	for (i = 0; i < SLOTS; i++)
		if (c->fds[i] >= 0)
			say_socket(c, i);
}

/* Until nothing is under way any more, and nothing changes. */
static void come_to_rest(struct call *c)
{
	int64_t end = now_ms() + REST * slow();
	size_t from = strlen(c->text);
	char before[TEXT] = "";
	bool busy;
	int i;

	for (;;) {
		for (busy = false, i = 0; i < SLOTS; i++)
			busy |= c->fds[i] >= 0 && under_way(c->fds[i]);
		say_all(c, from);
		if (!busy && !strcmp(c->text + from, before))
			return;
		if (now_ms() > end) {
			say(c, " | never at rest");
			return;
		}
		strcpy(before, c->text + from);
		/* For what softirq has left to its thread */
		usleep(busy ? 1000 : 100);
	}
}

/* --- a step ------------------------------------------------------------------ */

static void on_alarm(int sig)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	/* The first lets the call go on, the second ends it. */
	if (++alarms && restart)
		sigaction(sig, &sa, NULL);
}

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void on_urgent(int sig)
{
	(void)sig;
	urgents = 1;
}

static void set_timer(int ms)
{
	struct itimerval it = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	setitimer(ITIMER_REAL, &it, NULL);
}

static void interrupt_if_blocked(const struct step *s)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	restart = s->c >> 28 & 1;
	sa.sa_flags = restart ? SA_RESTART : 0;
	sigaction(SIGALRM, &sa, NULL);
	set_timer(BLOCKED * slow());
}

static void tell_step(struct call *c)
{
	const struct kind *k = &kinds[c->s->call];
	long ret;
	int error;

	say(c, "%s %d", k->name, c->s->slot);
	alarms = 0;
	pipes = 0;
	urgents = 0;
	/* Two connections in one are not to be interrupted halfway. */
	if (k->make != call_pair)
		interrupt_if_blocked(c->s);
	ret = k->make(c);
	error = errno;
	set_timer(0);
	say(c, " = %ld%s%s", ret, ret < 0 ? " " : "", ret < 0 ? strerrorname_np(error) : "");
	/* A call that says EINTR was; others may have been, the machine being busy. */
	if (pipes)
		say(c, " SIGPIPE");
	come_to_rest(c);
	if (urgents)
		say(c, " | SIGURG");
}

static void settle_here(const struct stack *stack)
{
	cpu_set_t one;

	if (setns(stack->netns, CLONE_NEWNET))
		err(1, "setns");
	CPU_ZERO(&one);
	CPU_SET(stack->cpu % sysconf(_SC_NPROCESSORS_ONLN), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

void tell(const struct stack *stack, uint16_t base, const struct step *steps, int n,
	  struct story *story)
{
	struct sigaction pipe_action = { .sa_handler = on_pipe };
	struct sigaction urgent_action = { .sa_handler = on_urgent, .sa_flags = SA_RESTART };
	size_t i;

	settle_here(stack);
	sigaction(SIGPIPE, &pipe_action, NULL);
	sigaction(SIGURG, &urgent_action, NULL);
	for (i = 0; i < sizeof(data); i++)
		data[i] = mix64(i);
	file_fd = memfd_create("data", 0);
	if (file_fd < 0 || write(file_fd, data, sizeof(data)) != sizeof(data))
		err(1, "memfd");
	memset(fds, -1, sizeof(fds));
	for (story->done = 0; story->done < n; story->done++) {
		struct call c = { stack, &steps[story->done], fds, .base = base };

		c.fd = fds[c.s->slot];
		c.text = story->text[story->done];
		c.text[0] = '\0';
		tell_step(&c);
	}
}
