// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads at the same sockets: what each call returns depends on who comes first, so
 * only what always holds is looked at. Every call returns in time, when a signal has come.
 * Of each value of a byte as many arrive as were sent, for threads that share a stream know
 * no order; of a connection that somebody has broken, no more than were sent.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model.h"
#include "../slow.h"

#define THREADS		4
#define PAIRS		3
#define ENDS		(2 * PAIRS)
#define CHUNK		3000
#define ROUND		300	/* ms */
#define LATE		10000	/* ms after which a call counts as stuck */
#define NR(a)		(sizeof(a) / sizeof(*(a)))

/* Ends 2n and 2n + 1 are one connection. */
static struct end {
	int fd;
	bool broken;
	uint64_t sent[256], received[256];	/* bytes by value */
} ends[ENDS];

static struct worker {
	pthread_t thread;
	uint64_t rnd;
	const char *call;	/* that it is in since @since */
	int64_t since;
	uint64_t calls;
	uint8_t out[CHUNK], in[CHUNK];
} workers[THREADS];

static const struct stack *stack;
static struct sockaddr_storage listen_addr;
static socklen_t addr_len;
static int listener;
static bool stop;

static uint32_t rnd(struct worker *w)
{
	return mix64(w->rnd++);
}

/* --- calls ---------------------------------------------------------------------- */

static void count(uint64_t *counts, const uint8_t *bytes, ssize_t n)
{
	ssize_t i;

	for (i = 0; i < n; i++)
		__atomic_fetch_add(&counts[bytes[i]], 1, __ATOMIC_RELAXED);
}

static void do_send(struct worker *w, struct end *e)
{
	static const int flags[] = { 0, 0, MSG_DONTWAIT, MSG_MORE, MSG_EOR, MSG_OOB };
	int i, len = 1 + rnd(w) % CHUNK;

	for (i = 0; i < len; i++)
		w->out[i] = rnd(w);
	count(e->sent, w->out, send(e->fd, w->out, len, MSG_NOSIGNAL | flags[rnd(w) % NR(flags)]));
}

static void do_writev(struct worker *w, struct end *e)
{
	struct iovec iov[] = { { w->out, 100 }, { w->out + 100, 1 + rnd(w) % 1000 } };

	memset(w->out, rnd(w), 1200);
	count(e->sent, w->out, writev(e->fd, iov, 2));
}

static void do_recv(struct worker *w, struct end *e)
{
	static const int flags[] = { 0, 0, MSG_DONTWAIT, MSG_WAITALL };

	int how = flags[rnd(w) % NR(flags)];

	count(e->received, w->in, recv(e->fd, w->in, 1 + rnd(w) % CHUNK, how));
}

static void do_peek(struct worker *w, struct end *e)
{
	recv(e->fd, w->in, 1 + rnd(w) % CHUNK, MSG_PEEK | (rnd(w) % 2 ? MSG_DONTWAIT : 0));
}

static void do_poll(struct worker *w, struct end *e)
{
	struct pollfd p = { .fd = e->fd, .events = rnd(w) };

	poll(&p, 1, 5);
}

static void do_ask(struct worker *w, struct end *e)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	int value;

	if (rnd(w) % 2)
		getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	else
		ioctl(e->fd, rnd(w) % 2 ? SIOCOUTQ : SIOCINQ, &value);
}

static void do_option(struct worker *w, struct end *e)
{
	static const struct {
		int level, name, most;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 }, { IPPROTO_TCP, TCP_CORK, 1 },
		{ IPPROTO_TCP, TCP_QUICKACK, 1 }, { IPPROTO_TCP, TCP_WINDOW_CLAMP, 60000 },
		{ SOL_SOCKET, SO_SNDBUF, 100000 }, { SOL_SOCKET, SO_RCVBUF, 100000 },
		{ SOL_SOCKET, SO_RCVLOWAT, 5000 }, { SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 10000 },
	};
	unsigned int i = rnd(w) % (NR(options) + 1);
	int value;

	if (i == NR(options)) {
		setsockopt(e->fd, IPPROTO_TCP, TCP_CONGESTION, rnd(w) % 2 ? "reno" : "cubic", 5);
		return;
	}
	value = rnd(w) % (options[i].most + 1);
	setsockopt(e->fd, options[i].level, options[i].name, &value, sizeof(value));
}

static void do_dup(struct worker *w, struct end *e)
{
	int fd = dup(e->fd);

	count(e->received, w->in, recv(fd, w->in, 1 + rnd(w) % CHUNK, MSG_DONTWAIT));
	close(fd);
}

static void do_accept(struct worker *w, struct end *e)
{
	(void)w;
	(void)e;
	close(accept(listener, NULL, NULL));
}

static void do_shut(struct worker *w, struct end *e)
{
	if (rnd(w) % 16 == 0)
		shutdown(e->fd, SHUT_WR);
}

/* All that a connection does not survive, or not with all of its data. */
static void do_break(struct worker *w, struct end *e)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct end *peer = &ends[(e - ends) ^ 1];

	if (rnd(w) % 8)
		return;
	__atomic_store_n(&e->broken, true, __ATOMIC_RELAXED);
	__atomic_store_n(&peer->broken, true, __ATOMIC_RELAXED);
	switch (rnd(w) % 6) {
	case 0:
		shutdown(e->fd, SHUT_RD);
		break;
	case 1:
		shutdown(e->fd, SHUT_RDWR);
		break;
	case 2:
		connect(e->fd, &none, sizeof(none));
		break;
	case 3:
		listen(e->fd, 1);
		break;
	default:
		connect(e->fd, (struct sockaddr *)&listen_addr, addr_len);
	}
}

static const struct {
	const char *name;
	void (*call)(struct worker *w, struct end *e);
	int weight;
} kinds[] = {
	{ "send", do_send, 10 }, { "writev", do_writev, 3 }, { "recv", do_recv, 12 },
	{ "peek", do_peek, 2 }, { "poll", do_poll, 1 }, { "ask", do_ask, 3 },
	{ "option", do_option, 4 }, { "dup", do_dup, 2 }, { "accept", do_accept, 1 },
	{ "shutdown", do_shut, 1 }, { "break", do_break, 1 },
};

static void *work(void *arg)
{
	struct worker *w = arg;
	int at;
	size_t i;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		at = rnd(w) % 40;
		for (i = 0; at >= kinds[i].weight; i++)
			at -= kinds[i].weight;
		w->call = kinds[i].name;
		__atomic_store_n(&w->since, now_ms(), __ATOMIC_RELEASE);
		kinds[i].call(w, &ends[rnd(w) % ENDS]);
		__atomic_store_n(&w->since, 0, __ATOMIC_RELEASE);
		w->calls++;
	}
	return NULL;
}

/* --- rounds --------------------------------------------------------------------- */

static int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static int new_socket(void)
{
	return must(socket(stack->family, SOCK_STREAM, stack->protocol), "socket");
}

static void open_all(void)
{
	int i, one = 1;

	listener = new_socket();
	addr_len = stack->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	memset(&listen_addr, 0, sizeof(listen_addr));
	listen_addr.ss_family = stack->v6 ? AF_INET6 : AF_INET;
	must(bind(listener, (struct sockaddr *)&listen_addr, addr_len), "bind");
	must(listen(listener, 8), "listen");
	must(getsockname(listener, (struct sockaddr *)&listen_addr, &addr_len), "getsockname");
	memset(ends, 0, sizeof(ends));
	for (i = 0; i < ENDS; i += 2) {
		ends[i].fd = new_socket();
		must(connect(ends[i].fd, (struct sockaddr *)&listen_addr, addr_len), "connect");
		ends[i + 1].fd = must(accept(listener, NULL, NULL), "accept");
	}
	/* Urgent bytes are to come with the others. */
	for (i = 0; i < ENDS; i++)
		setsockopt(ends[i].fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	must(fcntl(listener, F_SETFL, O_NONBLOCK), "fcntl");
}

static void close_all(void)
{
	int i;

	close(listener);
	for (i = 0; i < ENDS; i++)
		close(ends[i].fd);
}

/* Signals, so that who waits does something else; a call that does not end ends it all. */
static void watch(int ms)
{
	int64_t since, end = now_ms() + ms;
	int i;

	while (now_ms() < end) {
		usleep(10000);
		for (i = 0; i < THREADS; i++) {
			pthread_kill(workers[i].thread, SIGUSR1);
			since = __atomic_load_n(&workers[i].since, __ATOMIC_ACQUIRE);
			if (since && now_ms() - since > LATE * (int64_t)slow())
				errx(1, "%s does not return", workers[i].call);
		}
	}
}

/* What has not been read yet; false when it does not end, or not well. */
static bool read_rest(struct end *e)
{
	static uint8_t buf[65536];
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	int one = 1;
	ssize_t n;

	setsockopt(e->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
	do {
		if (poll(&p, 1, LATE * slow()) != 1) {
			printf("# end %td: its stream does not end\n", e - ends);
			return false;
		}
		n = recv(e->fd, buf, sizeof(buf), MSG_DONTWAIT);
		count(e->received, buf, n);
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (n < 0)
		printf("# end %td: %s\n", e - ends, strerror(errno));
	return !n;
}

static bool same(const struct end *from, const struct end *to)
{
	int i, differ = 0;

	for (i = 0; i < 256; i++)
		differ += from->broken ? to->received[i] > from->sent[i] :
					 to->received[i] != from->sent[i];
	if (differ)
		printf("# end %td: of %d values another number was sent than received\n",
		       to - ends, differ);
	return !differ;
}

static bool check_all(uint64_t *bytes)
{
	bool ok = true;
	int i, v;

	/* Both ways first: the one may have filled the buffers of the other. */
	for (i = 0; i < ENDS; i++)
		if (!ends[i].broken)
			shutdown(ends[i].fd, SHUT_WR);
	for (i = 0; i < ENDS; i++)
		if (!ends[i].broken)
			ok &= read_rest(&ends[i]);
	for (i = 0; i < ENDS; i++) {
		ok &= same(&ends[i], &ends[i ^ 1]);
		for (v = 0; v < 256; v++)
			*bytes += ends[i].received[v];
	}
	return ok;
}

static bool one_round(uint64_t seed, uint64_t *bytes)
{
	bool ok;
	int i;

	open_all();
	stop = false;
	for (i = 0; i < THREADS; i++) {
		workers[i].rnd = (seed * THREADS + i) << 24;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			errx(1, "no thread");
	}
	watch(ROUND * slow());
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	watch(50);
	for (i = 0; i < THREADS; i++) {
		while (workers[i].since)
			watch(1);
		pthread_join(workers[i].thread, NULL);
	}
	ok = check_all(bytes);
	if (!ok)
		printf("# in the round of seed %llu\n", (unsigned long long)seed);
	close_all();
	return ok;
}

static void nothing(int sig)
{
	(void)sig;
}

/* Rounds for so long; the exit status. */
int threads_main(const struct stack *on, int seconds, uint64_t seed)
{
	struct sigaction sa = { .sa_handler = nothing };
	int64_t end = now_ms() + seconds * 1000LL;
	uint64_t bytes = 0, calls = 0;
	int i, rounds = 0;
	bool ok = true;

	stack = on;
	must(setns(stack->netns, CLONE_NEWNET), "setns");
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	while (ok && (now_ms() < end || !rounds))
		ok = one_round(seed + rounds++, &bytes);
	for (i = 0; i < THREADS; i++)
		calls += workers[i].calls;
	printf("# seed %llu: %d rounds, %llu calls, %llu bytes\n", (unsigned long long)seed,
	       rounds, (unsigned long long)calls, (unsigned long long)bytes);
	return !ok;
}
