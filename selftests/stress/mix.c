// SPDX-License-Identifier: GPL-2.0
/*
 * Mixed traffic for others to disturb, every byte of it verified:
 *
 *	mix [-c STACK] [-l STACK] [-A NETNS] [-B NETNS] [-n ENDS] [-t SECONDS]
 *	    [-m BYTES] [-w SECONDS] [-s SEED] [-e ERROR,...] [-i] ADDR PORT
 *
 *	-c, -l	stack of the connecting and of the listening end: tcpx or kernel
 *	-A, -B	network namespaces of the two
 *	-n	connections at once (8)
 *	-t	seconds until no new one is begun (5); SIGTERM does that too
 *	-m	most bytes that one end sends (200000)
 *	-w	seconds without progress after which an end counts as stuck (60)
 *	-s	seed of all that is random
 *	-e	errors to be expected: a connection may fail with one, but a stream must
 *		not have a wrong byte nor end early without an error at either end
 *	-i	interrupt all calls by signals
 *
 * One process plays both ends of all connections, by nonblocking calls chosen
 * at random. Each connection has a number, which the client sends first; what
 * it is to do, how much each end sends and every byte follow from the number.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <tcpx.h>
#include "../slow.h"

#define MAX_ENDS	512
#define PERIOD		65521	/* of the pattern: a prime, so that few shifts hide */
#define CHUNK		65536
#define ID_BYTES	4
#define NR_ERRORS	134

/* What becomes of a connection; chosen by its number. */
enum kind {
	ORDERLY,	/* both send all, shut down, read to the end */
	HALF_CLOSE,	/* the server answers when the client's stream has ended */
	CLIENT_LEAVES,	/* the client closes with data unread */
	CLIENT_ABORTS,	/* SO_LINGER 0 in the middle of its stream */
	SERVER_LEAVES,	/* the server closes in the middle of the client's stream */
	NR_KINDS
};

struct end {
	int fd;
	bool server, connecting, shut, eof;
	uint32_t id;		/* valid when id_have is ID_BYTES */
	unsigned int id_have;
	uint64_t tx, rx;	/* bytes of the streams, the number not counted */
	int64_t progress;	/* ms, when something last went on */
	bool asked;		/* see ask_peer() */
	bool told;		/* of an error, in a way that is not seen: see reason_known() */
};

static struct {
	int client, server;
	const char *ns_client, *ns_server;
	unsigned int ends;
	int seconds, stuck;
	unsigned int most;
	bool interrupt;
	bool expected[NR_ERRORS];
	struct sockaddr_in addr;
} opt = {
	.client = AF_TCPX, .server = AF_TCPX, .ends = 8, .seconds = 5,
	.stuck = 60, .most = 200000,
};

static struct end ends[MAX_ENDS];
static unsigned int nr_ends, nr_clients;
static int listener, pattern_fd;
static uint8_t *pattern, buf[CHUNK];
static uint32_t last_id, broken[1 << 16];
static uint64_t rnd_state, bytes;
static unsigned int errors_seen[NR_ERRORS], finished;
static volatile sig_atomic_t over;

static uint32_t mix64(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
	return x >> 32;
}

static uint32_t rnd(uint32_t below)
{
	return mix64(rnd_state++) % below;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* --- what follows from a connection's number ------------------------------ */

static enum kind kind_of(uint32_t id)
{
	uint32_t k = mix64(id * 5ULL) % 8;

	return k < NR_KINDS ? k : ORDERLY;
}

static uint64_t total_of(uint32_t id, bool server)
{
	return mix64(id * 7ULL + server) % opt.most;
}

static uint8_t *pattern_at(uint32_t id, bool server, uint64_t offset)
{
	return pattern + (mix64(id * 11ULL + server) + offset) % PERIOD;
}

/* A connection that one end gave up may end early at the other. */
static bool is_broken(uint32_t id)
{
	return broken[id % (1 << 16)] == id;
}

static bool may_end_early(const struct end *e)
{
	if (e->id_have < ID_BYTES)
		return e->server;
	switch (kind_of(e->id)) {
	case CLIENT_LEAVES:
	case CLIENT_ABORTS:
		return e->server || is_broken(e->id);
	case SERVER_LEAVES:
		return !e->server || is_broken(e->id);
	default:
		return is_broken(e->id);
	}
}

/* --- the end of an end ------------------------------------------------------ */

static void describe(const struct end *e)
{
	struct sockaddr_in local = {}, peer = {};
	struct tcp_info ti = {};
	socklen_t len = sizeof(ti);

	getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	len = sizeof(local);
	getsockname(e->fd, (struct sockaddr *)&local, &len);
	len = sizeof(peer);
	getpeername(e->fd, (struct sockaddr *)&peer, &len);
	fprintf(stderr,
		"%s of connection %u (kind %d), ports %u>%u: sent %llu of %llu, received %llu of %llu\n"
		"  state %u shut %d eof %d, unacked %u lost %u retrans %u backoff %u rto %u\n"
		"  notsent %u rcv_space %u probes %u\n",
		e->server ? "server" : "client", e->id,
		e->id_have < ID_BYTES ? -1 : (int)kind_of(e->id),
		ntohs(local.sin_port), ntohs(peer.sin_port),
		(unsigned long long)e->tx, (unsigned long long)total_of(e->id, e->server),
		(unsigned long long)e->rx, (unsigned long long)total_of(e->id, !e->server),
		ti.tcpi_state, e->shut, e->eof, ti.tcpi_unacked, ti.tcpi_lost,
		ti.tcpi_total_retrans, ti.tcpi_backoff, ti.tcpi_rto,
		ti.tcpi_notsent_bytes, ti.tcpi_rcv_space, ti.tcpi_probes);
}

__attribute__((noreturn, format(printf, 2, 3)))
static void wrong(const struct end *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "mix: ");
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	if (e)
		describe(e);
	exit(1);
}

static void drop(struct end *e)
{
	close(e->fd);
	finished++;
	nr_clients -= !e->server;
	*e = ends[--nr_ends];
}

static bool expected(int error)
{
	return error > 0 && error < NR_ERRORS && opt.expected[error];
}

static int so_error(const struct end *e)
{
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* Has all come that the peer was to send, its FIN after it? */
static bool all_received(struct end *e)
{
	ssize_t n;

	if (e->id_have < ID_BYTES)
		return false;
	while (!e->eof && (n = recv(e->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		e->rx += n;
		e->eof = !n;
	}
	return e->eof && e->rx == total_of(e->id, !e->server);
}

/* EPIPE and ENOTCONN say that a connection is no more, not why. That has to have been told
 * before, or still to be asked for; but a reset after the peer's FIN is itself EPIPE.
 */
static bool reason_known(struct end *e, int error)
{
	if (e->told)
		return true;
	if (error == EPIPE)
		return so_error(e) || all_received(e);
	return error != ENOTCONN || so_error(e);
}

/* The end has failed with @error: is that to be expected? Returns false then. */
static bool failed(struct end *e, const char *what, int error)
{
	bool reset = error == ECONNRESET || error == EPIPE || error == ENOTCONN;

	if (!(reset && may_end_early(e))) {
		if (!expected(error))
			wrong(e, "%s: %s", what, strerror(error));
		if (!reason_known(e, error))
			wrong(e, "%s: %s, and nothing says why", what, strerror(error));
		errors_seen[error]++;
	}
	if (e->id_have == ID_BYTES || !e->server)
		broken[e->id % (1 << 16)] = e->id;
	drop(e);
	return false;
}

/* Errors of a call that passes by itself, the connection unharmed. */
static bool passing(int error)
{
	return error == EAGAIN || error == EINTR ||
	       (expected(error) && (error == ENOBUFS || error == ENOMEM));
}

/* --- single calls ------------------------------------------------------------ */

struct knob {
	int level, name, low, high;
};

static const struct knob knobs[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 0, 1 },
	{ IPPROTO_TCP, TCP_CORK, 0, 1 },
	{ IPPROTO_TCP, TCP_QUICKACK, 0, 1 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1000, 100000 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 1, 5 },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 4000, 100000 },
	{ SOL_SOCKET, SO_KEEPALIVE, 0, 1 },
	{ SOL_SOCKET, SO_SNDBUF, 3000, 300000 },
	{ SOL_SOCKET, SO_RCVBUF, 3000, 300000 },
	{ SOL_SOCKET, SO_RCVLOWAT, 1, 1 },
	{ SOL_SOCKET, SO_TIMESTAMP, 0, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 0, 6 },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, 1000000, 100000000 },
	{ IPPROTO_IP, IP_TOS, 0, 63 },
	{ IPPROTO_IP, IP_RECVERR, 0, 1 },
};

static void turn_a_knob(const struct end *e)
{
	static const char * const algorithms[] = { "cubic", "reno" };
	const struct knob *k = &knobs[rnd(sizeof(knobs) / sizeof(*knobs))];
	int value = k->low + rnd(k->high - k->low + 1);
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	const char *name;

	switch (rnd(4)) {
	case 0:
		getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		break;
	case 1:
		ioctl(e->fd, rnd(2) ? SIOCOUTQ : SIOCINQ, &value);
		break;
	case 2:
		name = algorithms[rnd(2)];
		setsockopt(e->fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name));
		break;
	default:
		if (!e->asked || k->level != SOL_SOCKET || k->name != SO_KEEPALIVE)
			setsockopt(e->fd, k->level, k->name, &value, sizeof(value));
	}
}

/* A reset goes once and may be lost, and one that only receives would never know: nothing
 * but keepalive tells. It helps no sender that stands still: it is silent while data waits.
 */
static void ask_peer(struct end *e)
{
	static const struct knob ask[] = {
		{ IPPROTO_TCP, TCP_KEEPIDLE, 1, 1 }, { IPPROTO_TCP, TCP_KEEPINTVL, 1, 1 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 100, 100 }, { SOL_SOCKET, SO_KEEPALIVE, 1, 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(ask) / sizeof(*ask); i++)
		if (setsockopt(e->fd, ask[i].level, ask[i].name, &ask[i].low, sizeof(int)))
			err(1, "keepalive");
	e->asked = true;
}

/* Bytes sent, from a file if *@by_file. */
static ssize_t send_some(const struct end *e, size_t len, bool *by_file)
{
	uint8_t *from = pattern_at(e->id, e->server, e->tx);
	struct iovec iov[3] = {
		{ from, len / 3 }, { from + len / 3, len / 3 },
		{ from + 2 * (len / 3), len - 2 * (len / 3) },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	off_t offset = from - pattern;

	*by_file = false;
	switch (rnd(5)) {
	case 0:
		return sendmsg(e->fd, &msg, MSG_NOSIGNAL);
	case 1:
		*by_file = true;
		return sendfile(e->fd, pattern_fd, &offset, len);
	case 2:
		return send(e->fd, from, len, MSG_NOSIGNAL | MSG_MORE);
	case 3:
		return send(e->fd, from, len, MSG_NOSIGNAL | MSG_EOR);
	default:
		return send(e->fd, from, len, MSG_NOSIGNAL);
	}
}

/* Bytes received: discarded unseen if *@blind. */
static ssize_t recv_some(const struct end *e, size_t len, bool *blind)
{
	struct iovec iov[2] = { { buf, len / 2 }, { buf + len / 2, len - len / 2 } };
	ssize_t n;

	*blind = false;
	switch (rnd(6)) {
	case 0:
		n = recv(e->fd, buf, len, MSG_PEEK);
		if (n < 0)	/* told once: the next call would see the end only */
			return n;
		if (n > 0 && memcmp(buf, pattern_at(e->id, !e->server, e->rx), n))
			wrong(e, "wrong data peeked");
		return recv(e->fd, buf, len, 0);
	case 1:
		*blind = true;
		return recv(e->fd, NULL, len, MSG_TRUNC);
	case 2:
		return readv(e->fd, iov, 2);
	default:
		return recv(e->fd, buf, len, 0);
	}
}

/* --- steps of an end: false when it is gone -------------------------------- */

static bool send_id(struct end *e)
{
	ssize_t n = send(e->fd, (uint8_t *)&e->id + e->id_have, ID_BYTES - e->id_have,
			 MSG_NOSIGNAL);

	if (n < 0)
		return passing(errno) || failed(e, "send", errno);
	e->id_have += n;
	return true;
}

static bool recv_id(struct end *e)
{
	ssize_t n = recv(e->fd, (uint8_t *)&e->id + e->id_have, ID_BYTES - e->id_have, 0);

	if (n < 0)
		return passing(errno) || failed(e, "recv", errno);
	if (!n) {
		drop(e);
		return false;
	}
	e->id_have += n;
	return true;
}

static bool abort_now(struct end *e)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	drop(e);
	return false;
}

static bool step_send(struct end *e)
{
	uint64_t left = total_of(e->id, e->server) - e->tx;
	size_t len = 1 + rnd(rnd(4) ? 3000 : CHUNK);
	bool by_file;
	ssize_t n;

	if (!left) {
		if (!e->server && kind_of(e->id) == CLIENT_LEAVES) {
			drop(e);
			return false;
		}
		if (shutdown(e->fd, SHUT_WR))
			return failed(e, "shutdown", errno);
		e->shut = true;
		return true;
	}
	if (len > left)
		len = left;
	n = send_some(e, len, &by_file);
	if (n < 0)
		return passing(errno) || failed(e, "send", errno);
	/* sendfile() of several pages keeps to itself what error the last one met. */
	e->told = by_file && (size_t)n < len;
	e->tx += n;
	bytes += n;
	e->progress = now_ms();
	if (!e->server && kind_of(e->id) == CLIENT_ABORTS &&
	    e->tx >= total_of(e->id, false) / 2)
		return abort_now(e);
	return true;
}

static bool step_recv(struct end *e)
{
	uint64_t total = total_of(e->id, !e->server);
	size_t len = 1 + rnd(rnd(4) ? 3000 : CHUNK);
	ssize_t n;
	bool blind;

	n = recv_some(e, len, &blind);
	if (n < 0)
		return passing(errno) || failed(e, "recv", errno);
	if (n && !blind && memcmp(buf, pattern_at(e->id, !e->server, e->rx), n))
		wrong(e, "wrong data");
	e->rx += n;
	e->progress = now_ms();
	if (e->rx > total)
		wrong(e, "more data than were sent");
	if (n) {
		if (e->server && kind_of(e->id) == SERVER_LEAVES && e->rx >= total / 2) {
			drop(e);
			return false;
		}
		return true;
	}
	if (e->rx < total && !may_end_early(e))
		wrong(e, "the stream ends early and without an error");
	e->eof = true;
	return true;
}

static bool wants_send(const struct end *e)
{
	if (e->connecting)
		return true;
	if (e->id_have < ID_BYTES)
		return !e->server;
	return !e->shut && (e->eof || !e->server || kind_of(e->id) != HALF_CLOSE);
}

static bool step_connect(struct end *e)
{
	int error = so_error(e);

	if (error)
		return failed(e, "connect", error);
	e->connecting = false;
	return true;
}

static bool step_out(struct end *e)
{
	if (e->connecting)
		return step_connect(e);
	return e->id_have < ID_BYTES ? send_id(e) : step_send(e);
}

static bool step_in(struct end *e)
{
	return e->id_have < ID_BYTES ? recv_id(e) : step_recv(e);
}

/* What IP_RECVERR keeps, or poll() would never wait again. */
static void drain_errors(struct end *e)
{
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };

	while (recvmsg(e->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		msg.msg_controllen = sizeof(control);
		e->told = true;
	}
}

static void step(struct end *e, int revents)
{
	if (!rnd(8))
		turn_a_knob(e);
	if (revents & POLLERR)
		drain_errors(e);
	if (revents & (POLLOUT | POLLERR) && wants_send(e) && !step_out(e))
		return;
	if (revents & (POLLIN | POLLHUP | POLLERR) && !e->eof && !e->connecting &&
	    !(e->id_have < ID_BYTES && !e->server) && !step_in(e))
		return;
	if (e->eof && e->shut)
		drop(e);
	else if (revents & (POLLHUP | POLLERR) && e->eof && !wants_send(e))
		failed(e, "poll", ECONNRESET);
}

/* --- all of them --------------------------------------------------------------- */

static void add_end(int fd, bool server)
{
	ends[nr_ends++] = (struct end){ .fd = fd, .server = server, .progress = now_ms() };
	nr_clients += !server;
}

static void new_client(void)
{
	int fd = socket(opt.client, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct end *e;

	if (fd < 0) {
		if (!expected(errno))
			err(1, "socket");
		errors_seen[errno]++;
		return;
	}
	add_end(fd, false);
	e = &ends[nr_ends - 1];
	e->id = ++last_id;
	if (!connect(fd, (struct sockaddr *)&opt.addr, sizeof(opt.addr)))
		return;
	if (errno == EINPROGRESS)
		e->connecting = true;
	else
		failed(e, "connect", errno);
}

static void new_server(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd >= 0)
		add_end(fd, true);
	else if (!passing(errno) && !expected(errno) && errno != ECONNABORTED)
		err(1, "accept");
}

static void poll_all(void)
{
	struct pollfd fds[MAX_ENDS + 1];
	int i, n = nr_ends, ready;

	fds[n] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (i = 0; i < n; i++) {
		fds[i].fd = ends[i].fd;
		fds[i].events = (wants_send(&ends[i]) ? POLLOUT : 0) |
				(ends[i].eof || ends[i].connecting ? 0 : POLLIN);
	}
	ready = poll(fds, n + 1, 100);
	if (ready < 0 && errno != EINTR && !expected(errno))
		err(1, "poll");
	/* From the last on: one that goes is replaced by one that was seen to. */
	for (i = n - 1; ready > 0 && i >= 0; i--)
		if (fds[i].revents)
			step(&ends[i], fds[i].revents);
	if (ready > 0 && fds[n].revents && nr_ends < MAX_ENDS)
		new_server();
}

static void check_stuck(void)
{
	int64_t silent;
	unsigned int i;

	for (i = 0; i < nr_ends; i++) {
		silent = now_ms() - ends[i].progress;
		if (silent > opt.stuck * 1000LL)
			wrong(&ends[i], "stuck for %d seconds", opt.stuck);
		if (silent > opt.stuck * 100LL && !ends[i].asked && !ends[i].connecting)
			ask_peer(&ends[i]);
	}
}

static void run(void)
{
	int64_t end = now_ms() + opt.seconds * 1000LL;

	while (nr_ends || !over) {
		if (now_ms() >= end)
			over = 1;
		if (!over && nr_clients < opt.ends && nr_ends < MAX_ENDS)
			new_client();
		poll_all();
		check_stuck();
	}
}

/* --- set-up -------------------------------------------------------------------- */

static void make_pattern(void)
{
	size_t i, len = PERIOD + CHUNK;

	pattern_fd = memfd_create("pattern", 0);
	if (pattern_fd < 0 || ftruncate(pattern_fd, len))
		err(1, "memfd");
	pattern = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, pattern_fd, 0);
	if (pattern == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < len; i++)
		pattern[i] = mix64(i % PERIOD * 13);
}

static void enter(const char *ns)
{
	char path[256];
	int fd;

	if (!ns)
		return;
	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", path);
	close(fd);
}

static int family_of(const char *name)
{
	if (!strcmp(name, "kernel"))
		return AF_INET;
	if (!strcmp(name, "tcpx"))
		return AF_TCPX;
	errx(2, "stack '%s' is neither kernel nor tcpx", name);
}

static void expect(char *names)
{
	char *name;
	int i;

	for (name = strtok(names, ","); name; name = strtok(NULL, ",")) {
		for (i = 1; i < NR_ERRORS; i++)
			if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
				break;
		if (i == NR_ERRORS)
			errx(2, "'%s' is no error", name);
		opt.expected[i] = true;
	}
}

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:l:A:B:n:t:m:w:s:e:i")) != -1) {
		switch (c) {
		case 'c':
			opt.client = family_of(optarg);
			break;
		case 'l':
			opt.server = family_of(optarg);
			break;
		case 'A':
			opt.ns_client = optarg;
			break;
		case 'B':
			opt.ns_server = optarg;
			break;
		case 'n':
			opt.ends = atoi(optarg);
			break;
		case 't':
			opt.seconds = atoi(optarg);
			break;
		case 'm':
			opt.most = atoi(optarg);
			break;
		case 'w':
			opt.stuck = atoi(optarg);
			break;
		case 's':
			rnd_state = strtoull(optarg, NULL, 0) << 32;
			break;
		case 'e':
			expect(optarg);
			break;
		case 'i':
			opt.interrupt = true;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2 || !opt.most || opt.ends > MAX_ENDS / 2)
		errx(2, "usage: mix [options] ADDR PORT");
	opt.stuck *= slow();
	opt.addr.sin_family = AF_INET;
	opt.addr.sin_port = htons(atoi(argv[optind + 1]));
	if (inet_pton(AF_INET, argv[optind], &opt.addr.sin_addr) != 1)
		errx(2, "'%s' is not an IPv4 address", argv[optind]);
}

static void make_listener(void)
{
	int one = 1;

	enter(opt.ns_server);
	listener = socket(opt.server, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(listener, (struct sockaddr *)&opt.addr, sizeof(opt.addr)) ||
	    listen(listener, MAX_ENDS))
		err(1, "listener");
	enter(opt.ns_client);
}

static void end_soon(int sig)
{
	(void)sig;
	over = 1;
}

static void nothing(int sig)
{
	(void)sig;
}

/* Ten thousand signals a second, or as many as the machine can. */
static void interrupt_calls(void)
{
	struct itimerval often = { .it_interval.tv_usec = 100, .it_value.tv_usec = 100 };
	struct sigaction sa = { .sa_handler = nothing };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

int main(int argc, char **argv)
{
	unsigned int i;

	parse_args(argc, argv);
	signal(SIGTERM, end_soon);
	signal(SIGPIPE, SIG_IGN);
	make_pattern();
	make_listener();
	if (opt.interrupt)
		interrupt_calls();
	/* Whoever disturbs waits for this line. */
	printf("mix: begins\n");
	fflush(stdout);
	run();
	printf("mix: %u connections, %u ends, %llu bytes", last_id, finished,
	       (unsigned long long)bytes);
	for (i = 0; i < NR_ERRORS; i++)
		if (errors_seen[i])
			printf(", %u %s", errors_seen[i], strerrorname_np(i));
	printf("\n");
	return 0;
}
