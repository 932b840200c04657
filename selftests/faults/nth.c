// SPDX-License-Identifier: GPL-2.0
/*
 * Each system call of a table with its first, second, ... allocation failing,
 * until there are no more: it has to succeed, or to fail with an error that says
 * "no memory", and afterwards the same call has to work. Needs a kernel with
 * fault injection and root.
 *
 *	nth [-k] [-6] [NAME]	-k: kernel TCP's, which proves the test
 *
 * The fault is /proc/thread-self/fail-nth, which counts slab and page allocations
 * of the calling task alone, not what softirq allocates.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tcpx.h>

#define MOST_ALLOCATIONS	400
#define BIG			(256 << 10)

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* What a call finds: a connection, a fresh socket, a listener. */
struct scene {
	union address addr;
	int listener, client, server, fresh, out;
};

static int fail_fd;
static bool v6;
static int family = AF_TCPX, protocol;
static uint8_t buf[BIG];

/* --- scenes ------------------------------------------------------------------ */

static int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

/* An address of ours, or any of them; its length. */
static socklen_t address(union address *a, bool any, int port)
{
	*a = (union address){ };
	if (v6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(port);
		a->in6.sin6_addr = any ? in6addr_any : in6addr_loopback;
		return sizeof(a->in6);
	}
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons(port);
	a->in.sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
	return sizeof(a->in);
}

static int bind_any(int fd, int port)
{
	union address any;
	socklen_t len = address(&any, true, port);

	return bind(fd, &any.any, len);
}

static int connect_to(const struct scene *s, int fd)
{
	return connect(fd, &s->addr.any, v6 ? sizeof(s->addr.in6) : sizeof(s->addr.in));
}

static void open_scene(struct scene *s)
{
	socklen_t len;

	*s = (struct scene){ .out = -1 };
	len = address(&s->addr, false, 0);
	s->listener = must(socket(family, SOCK_STREAM, protocol), "socket");
	must(bind(s->listener, &s->addr.any, len), "bind");
	must(listen(s->listener, 8), "listen");
	must(getsockname(s->listener, &s->addr.any, &len), "getsockname");
	s->client = must(socket(family, SOCK_STREAM, protocol), "socket");
	must(connect_to(s, s->client), "connect");
	s->server = must(accept(s->listener, NULL, NULL), "accept");
	s->fresh = must(socket(family, SOCK_STREAM, protocol), "socket");
}

static void close_scene(struct scene *s)
{
	const struct linger none = { .l_onoff = 1 };
	int *fds[] = { &s->client, &s->server, &s->fresh, &s->listener, &s->out };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] < 0)
			continue;
		/* No TIME_WAIT: there are many scenes. */
		setsockopt(*fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(*fds[i]);
	}
}

static void fill(struct scene *s)
{
	must(send(s->server, buf, 30000, 0), "send");
	must(recv(s->client, buf, 1, MSG_PEEK), "recv");
}

static void another_client(struct scene *s)
{
	s->out = must(socket(family, SOCK_STREAM, protocol), "socket");
	must(connect_to(s, s->out), "connect");
}

static void fresh_bound(struct scene *s)
{
	must(bind_any(s->fresh, 0), "bind");
}

/* --- calls ------------------------------------------------------------------- */

static long do_socket(struct scene *s)
{
	s->out = socket(family, SOCK_STREAM, protocol);
	return s->out;
}

static long do_bind(struct scene *s)
{
	return bind_any(s->fresh, 0);
}

static long do_bind_port(struct scene *s)
{
	return bind_any(s->fresh, 999);
}

static long do_listen(struct scene *s)
{
	return listen(s->fresh, 8);
}

static long do_connect(struct scene *s)
{
	return connect_to(s, s->fresh);
}

static long do_accept(struct scene *s)
{
	int fd = accept(s->listener, NULL, NULL);

	if (fd >= 0)
		close(fd);
	return fd;
}

static long do_send(struct scene *s)
{
	return send(s->client, buf, 1000, MSG_DONTWAIT);
}

static long do_send_much(struct scene *s)
{
	return send(s->client, buf, sizeof(buf), MSG_DONTWAIT);
}

static long do_send_urgent(struct scene *s)
{
	return send(s->client, buf, 1, MSG_OOB | MSG_DONTWAIT);
}

static void may_zerocopy(struct scene *s)
{
	bool tcpx = family == AF_TCPX;
	int one = 1;

	must(setsockopt(s->client, tcpx ? IPPROTO_TCP : SOL_SOCKET,
			tcpx ? TCPX_ZEROCOPY : SO_ZEROCOPY, &one, sizeof(one)), "zerocopy");
}

static long do_send_zerocopy(struct scene *s)
{
	return send(s->client, buf, 100000, MSG_ZEROCOPY | MSG_DONTWAIT);
}

static void make_file(struct scene *s)
{
	s->out = must(memfd_create("file", 0), "memfd");
	must(write(s->out, buf, 100000), "write");
}

static long do_sendfile(struct scene *s)
{
	off_t offset = 0;

	return sendfile(s->client, s->out, &offset, 100000);
}

static long do_recv(struct scene *s)
{
	return recv(s->client, buf, sizeof(buf), MSG_DONTWAIT);
}

static long do_splice(struct scene *s)
{
	int p[2], error;
	long ret;

	if (pipe(p))
		return -1;
	ret = splice(s->client, NULL, p[1], NULL, 20000, SPLICE_F_NONBLOCK);
	error = errno;
	close(p[0]);
	close(p[1]);
	errno = error;
	return ret;
}

static long do_shutdown(struct scene *s)
{
	return shutdown(s->client, SHUT_WR);
}

/* A FIN that there was no memory for comes later, by a timer. */
static bool eof_comes(const struct scene *s)
{
	struct pollfd p = { .fd = s->server, .events = POLLIN };

	return poll(&p, 1, 60000) == 1 && recv(s->server, buf, 1, 0) == 0;
}

/* Whatever else the peer says meanwhile: that it has all is no ACK of the FIN. */
static bool eof_comes_after_data(const struct scene *s)
{
	return send(s->server, buf, 1, 0) == 1 && eof_comes(s);
}

static long do_close(struct scene *s)
{
	int fd = s->client;

	s->client = -1;
	return close(fd);
}

static long do_close_listener(struct scene *s)
{
	int fd = s->listener;

	s->listener = -1;
	return close(fd);
}

static long set_string(int fd, int level, int name, const char *value)
{
	return setsockopt(fd, level, name, value, strlen(value));
}

static long do_congestion(struct scene *s)
{
	return set_string(s->client, IPPROTO_TCP, TCP_CONGESTION, "reno");
}

static long do_device(struct scene *s)
{
	return set_string(s->fresh, SOL_SOCKET, SO_BINDTODEVICE, "lo");
}

static long do_ip_options(struct scene *s)
{
	static const uint8_t nops[4] = { 1, 1, 1, 0 };

	return setsockopt(s->client, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops));
}

static long do_reuseport(struct scene *s)
{
	int one = 1;

	if (setsockopt(s->fresh, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)))
		return -1;
	/* EINVAL: the last time it was listen() that failed. */
	if (bind_any(s->fresh, 0) && errno != EINVAL)
		return -1;
	return listen(s->fresh, 8);
}

static long do_poll(struct scene *s)
{
	struct pollfd p = { .fd = s->client, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0);
}

static long do_epoll(struct scene *s)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (s->out < 0)
		s->out = epoll_create1(0);
	return s->out < 0 ? -1 : epoll_ctl(s->out, EPOLL_CTL_ADD, s->client, &ev);
}

static long read_all(const char *path)
{
	int error, fd = open(path, O_RDONLY);
	long n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	error = errno;
	close(fd);
	errno = error;
	return n;
}

static long do_proc(struct scene *s)
{
	(void)s;
	if (family != AF_TCPX)
		return read_all(v6 ? "/proc/net/tcp6" : "/proc/net/tcp");
	return read_all(v6 ? "/proc/net/tcpx6" : "/proc/net/tcpx");
}

static long do_snmp(struct scene *s)
{
	(void)s;
	return read_all(family == AF_TCPX ? "/proc/net/tcpx_netstat" : "/proc/net/netstat");
}

static void new_netns(struct scene *s)
{
	s->out = must(open("/proc/self/ns/net", O_RDONLY), "netns");
	must(unshare(CLONE_NEWNET), "unshare");
}

static void leave_netns(struct scene *s)
{
	must(setns(s->out, CLONE_NEWNET), "setns");
}

/* The first socket of a namespace makes its tables. */
static long do_first_socket(struct scene *s)
{
	int fd = socket(family, SOCK_STREAM, protocol);

	(void)s;
	return fd < 0 ? fd : close(fd);
}

/**
 * struct call - what is tried
 * @name: of the test
 * @call: the call; < 0 and errno if it fails
 * @prepare: makes the scene ready for it
 * @undo: afterwards
 * @after: what has to hold then, whether it failed or not
 * @also: an error that it may have beside those for want of memory
 */
static const struct call {
	const char *name;
	long (*call)(struct scene *s);
	void (*prepare)(struct scene *s);
	void (*undo)(struct scene *s);
	bool (*after)(const struct scene *s);
	int also;
} calls[] = {
	{ "socket", do_socket },
	{ "bind", do_bind },
	/* The port's reservation is a bind() of kernel TCP, which says that for all. */
	{ "bind to a port", do_bind_port, .also = EADDRINUSE },
	{ "listen", do_listen, fresh_bound },
	{ "listen unbound", do_listen },
	{ "listen in a group", do_reuseport },
	{ "connect", do_connect, .also = ETIMEDOUT },
	{ "connect bound", do_connect, fresh_bound, .also = ETIMEDOUT },
	{ "accept", do_accept, another_client, .also = ENFILE },
	/* A call that may not wait for memory */
	{ "send", do_send, .also = EAGAIN },
	{ "send much", do_send_much, .also = EAGAIN },
	{ "send urgent", do_send_urgent, .also = EAGAIN },
	{ "send zerocopy", do_send_zerocopy, may_zerocopy, .also = EAGAIN },
	/* The reading half says EAGAIN for EFAULT. */
	{ "sendfile", do_sendfile, make_file, .also = EAGAIN },
	{ "recv", do_recv, fill },
	{ "splice", do_splice, fill, .also = ENFILE },
	{ "shutdown", do_shutdown, .after = eof_comes_after_data },
	{ "close", do_close, .after = eof_comes },
	{ "close unread", do_close, fill },
	{ "close listener", do_close_listener, another_client },
	{ "TCP_CONGESTION", do_congestion },
	{ "SO_BINDTODEVICE", do_device },
	{ "IP_OPTIONS", do_ip_options },
	{ "poll", do_poll },
	{ "epoll", do_epoll },
	{ "/proc/net/tcpx", do_proc },
	{ "/proc/net/tcpx_netstat", do_snmp },
	{ "first socket of a namespace", do_first_socket, new_netns, leave_netns },
};

/* --- faults ------------------------------------------------------------------ */

static void set_fault(int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", nth);

	/* A fault that is still to come strikes this very call. */
	while (pwrite(fail_fd, text, n, 0) != n)
		if (errno != EFAULT)
			err(1, "fail-nth");
}

/* Has it come to the fault? */
static bool fault_struck(void)
{
	char text[16] = "";

	/* Copies to user space count, too: it was this one that failed. */
	if (pread(fail_fd, text, sizeof(text) - 1, 0) < 0) {
		if (errno != EFAULT)
			err(1, "fail-nth");
		return false;
	}
	return !atoi(text);
}

static bool allowed(const struct call *c, int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EFAULT || error == ENFILE ||
	       (c->also && error == c->also);
}

static bool bad(const struct call *c, int nth, const char *when, int error)
{
	printf("# %s, allocation %d: %s%s\n", c->name, nth, when, strerror(error));
	return false;
}

static void enter_scene(struct scene *s, const struct call *c)
{
	open_scene(s);
	if (c->prepare)
		c->prepare(s);
}

static void leave_scene(struct scene *s, const struct call *c)
{
	if (c->undo)
		c->undo(s);
	close_scene(s);
}

/* The call with its @nth allocation failing; *@struck: there was such a one. */
static bool one_fault(const struct call *c, int nth, bool *struck, unsigned int *failed)
{
	struct scene s;
	bool ok = true;
	int error;
	long ret;

	enter_scene(&s, c);
	set_fault(nth);
	ret = c->call(&s);
	error = errno;
	*struck = fault_struck();
	set_fault(0);
	if (ret < 0 && !(*struck && allowed(c, error)))
		ok = bad(c, nth, "", error);
	if (ret < 0 && ok) {
		++*failed;
		if (c->call(&s) < 0)
			ok = bad(c, nth, "works no more: ", errno);
	}
	if (c->after && !c->after(&s))
		ok = bad(c, nth, "afterwards: ", errno);
	leave_scene(&s, c);
	return ok;
}

static bool all_faults(const struct call *c, char *said, size_t size)
{
	unsigned int failed = 0;
	bool struck, ok = true;
	int nth;

	for (nth = 1; nth <= MOST_ALLOCATIONS; nth++) {
		ok &= one_fault(c, nth, &struck, &failed);
		if (!struck)
			break;
	}
	snprintf(said, size, "%d allocations, %u failed the call", nth - 1, failed);
	return ok && nth <= MOST_ALLOCATIONS;
}

static void result(bool ok, int n, const char *name, const char *said)
{
	printf("%sok %d - %s: %s\n", ok ? "" : "not ", n, name, said);
	fflush(stdout);
}

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "k6")) != -1) {
		switch (c) {
		case 'k':
			family = AF_INET;
			break;
		case '6':
			v6 = true;
			break;
		default:
			exit(2);
		}
	}
	if (v6 && family == AF_TCPX)
		protocol = TCPXPROTO_V6;
	else if (v6)
		family = AF_INET6;
}

int main(int argc, char **argv)
{
	const size_t nr = sizeof(calls) / sizeof(*calls);
	char said[100];
	bool ok, all = true;
	const char *only;
	size_t i;
	int n = 0;

	parse_args(argc, argv);
	only = argv[optind];
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	if (fail_fd < 0) {
		printf("1..0 # SKIP this kernel has no fault injection\n");
		return 0;
	}
	for (i = 0; i < nr; i++) {
		if (only && strcmp(only, calls[i].name))
			continue;
		ok = all_faults(&calls[i], said, sizeof(said));
		result(ok, ++n, calls[i].name, said);
		all &= ok;
	}
	printf("1..%d\n", n);
	return !all;
}
