// SPDX-License-Identifier: GPL-2.0
/*
 * How fast a stream gets through, and that it gets through: one cell of the
 * matrix that run.sh goes through.
 *
 *	flow [options] PAIR...
 *
 * A PAIR is the stack of the client, in namespace tcpx-a, and of the server, in
 * tcpx-b: t is tcpx, k the kernel's TCP. The pairs take turns, a round at a
 * time. The client sends; the server verifies each word, and the hashes of the
 * two ends are compared.
 *
 *	-n SIZE		bytes of one transfer, a multiple of 8 (default 1M)
 *	-6		over IPv6
 *	-d		both ends send, at once
 *	-r MIN,MAX	rounds; more than MIN only while a pair is below the bar
 *	-b PERCENT	the bar: least goodput of a pair, of the first one's
 *	-c NAME		congestion control
 *	-w BYTES	largest window to offer (TCP_WINDOW_CLAMP)
 *	-t SECONDS	longest that one transfer may take (default 900)
 *	-s SECONDS	share: all pairs at once for so long; prints what each one got
 *	-p PORT		first port to use (default 9000)
 *	-v		print each transfer
 *
 * Prints a line per pair, tab separated: pair, rounds, goodput in kbit/s (the
 * geometric mean), percent of the first pair's, retransmissions per transfer,
 * longest silence of a sender in ms (the rest of what it was allowed is
 * checked), and what percent would be if luck was against the pair: the upper
 * end of a one-sided interval of 99 % confidence.
 *
 * Exit status: 0, 1 if a pair is below the bar, 2 if anything went wrong.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/tcp.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../interop/pattern.h"
#include "../interop/peer.h"

#define SEED		0x746f727475726521ULL
#define BLOCK		(64 << 10)
#define LOOK_US		200000	/* between two looks at a sender */
#define MAX_PAIRS	8
#define MAX_ROUNDS	256
#define SERVER_ADDR	"10.78.0.2"
#define SERVER_ADDR6	"fd78::2"

static struct {
	unsigned long long size;
	int both, verbose, v6;
	int min_rounds, max_rounds, bar;
	const char *cc;
	int window;
	unsigned int timeout, share;
	int port;
} opt = {
	.size = 1 << 20,
	.min_rounds = 3,
	.max_rounds = 3,
	.timeout = 900,
	.port = 9000,
};

/**
 * struct end - one end of a connection, in memory that all processes share
 * @client: else the server
 * @tcpx: else the kernel's TCP
 * @port: of the server
 * @ready: it listens, or it has nothing to wait for
 * @failed: @why says what went wrong
 * @begin: us, when the connection was there
 * @end: us, when the last byte had been read
 * @sent: hash of what it sent
 * @received: hash of what it read
 * @bytes: number of bytes it read, in the time that counts
 * @rexmits: segments it sent again
 * @silence: ms, longest time without sending with something to send
 * @why: for people
 */
struct end {
	int client, tcpx, port;
	int ready, failed;
	long long begin, end;
	unsigned long long sent, received, bytes;
	unsigned int rexmits, silence;
	char why[240];
};

/* One connection, of one round. */
struct lane {
	struct end client, server;
};

struct pair {
	const char *name;
	bool client, server;	/* is it tcpx? */
	double goodput[MAX_ROUNDS];
	unsigned long long rexmits;
	unsigned int silence;
	int n;
};

static struct pair pairs[MAX_PAIRS];
static int n_pairs;
static struct lane *lanes;	/* shared; one a pair */
static long long share_begin, share_end;

static long long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* --- in the process of one end */

struct stream {
	struct end *me;
	int fd;
	bool sending, receiving;
	struct pattern out, in;
	char *buf;
	size_t pos, len;	/* what is left of buf to send */
	long long looked, deadline;
};

__attribute__((noreturn, format(printf, 2, 3)))
static void end_failed(struct end *me, const char *fmt, ...)
{
	int error = errno;
	va_list args;
	size_t n;

	va_start(args, fmt);
	vsnprintf(me->why, sizeof(me->why), fmt, args);
	va_end(args);
	n = strlen(me->why);
	if (n && me->why[n - 1] == ':')
		snprintf(me->why + n, sizeof(me->why) - n, " %s", strerror(error));
	me->failed = 1;
	_exit(EXIT_OTHER);
}

static void enter_namespace(struct end *me)
{
	int fd = open(me->client ? "/run/netns/tcpx-a" : "/run/netns/tcpx-b", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		end_failed(me, "namespace:");
	close(fd);
}

static int open_socket(struct end *me)
{
	int family = me->tcpx ? AF_TCPX : opt.v6 ? AF_INET6 : AF_INET;
	int protocol = me->tcpx && opt.v6 ? TCPXPROTO_V6 : 0;
	int fd = socket(family, SOCK_STREAM, protocol), one = 1;

	if (fd < 0)
		end_failed(me, "socket(%d):", family);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		end_failed(me, "SO_REUSEADDR:");
	if (opt.cc && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, opt.cc, strlen(opt.cc)))
		end_failed(me, "congestion control %s:", opt.cc);
	if (opt.window && setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &opt.window,
				     sizeof(opt.window)))
		end_failed(me, "TCP_WINDOW_CLAMP:");
	return fd;
}

static socklen_t server_address(int port, struct sockaddr_storage *to)
{
	struct sockaddr_in6 *sin6 = (void *)to;
	struct sockaddr_in *sin = (void *)to;

	memset(to, 0, sizeof(*to));
	if (opt.v6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		inet_pton(AF_INET6, SERVER_ADDR6, &sin6->sin6_addr);
		return sizeof(*sin6);
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	inet_pton(AF_INET, SERVER_ADDR, &sin->sin_addr);
	return sizeof(*sin);
}

static int open_connection(struct end *me)
{
	struct sockaddr_storage to;
	socklen_t len = server_address(me->port, &to);
	int fd = open_socket(me), listener;

	if (me->client) {
		if (connect(fd, (struct sockaddr *)&to, len))
			end_failed(me, "connect:");
		return fd;
	}
	if (bind(fd, (struct sockaddr *)&to, len) || listen(fd, 1))
		end_failed(me, "bind and listen:");
	__atomic_store_n(&me->ready, 1, __ATOMIC_RELEASE);
	listener = fd;
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		end_failed(me, "accept:");
	close(listener);
	return fd;
}

/* When there is no more to send; what follows is a FIN. */
static bool all_sent(const struct stream *s)
{
	if (s->pos < s->len)
		return false;
	if (opt.share)
		return now_us() >= share_end;
	return s->out.offset >= opt.size;
}

static void give(struct stream *s)
{
	ssize_t n;

	if (s->pos == s->len) {
		s->pos = 0;
		s->len = BLOCK;
		if (!opt.share && opt.size - s->out.offset < BLOCK)
			s->len = opt.size - s->out.offset;
		pattern_make(&s->out, s->buf, s->len);
	}
	n = send(s->fd, s->buf + s->pos, s->len - s->pos, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		end_failed(s->me, "send after %llu bytes:", s->out.offset - s->len + s->pos);
	s->pos += n;
	if (all_sent(s)) {
		s->sending = false;
		if (shutdown(s->fd, SHUT_WR))
			end_failed(s->me, "shutdown:");
	}
}

static void take(struct stream *s)
{
	static char buf[BLOCK];
	ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
	long long now = now_us();

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		end_failed(s->me, "recv after %llu bytes:", s->in.offset);
	if (!n) {
		s->receiving = false;
		return;
	}
	if (pattern_verify(&s->in, buf, n))
		end_failed(s->me, "data differ at byte %llu", s->in.offset);
	s->me->end = now;
	if (!opt.share || (now >= share_begin && now < share_end))
		s->me->bytes += n;
}

__attribute__((noreturn))
static void not_done(struct stream *s)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	end_failed(s->me, "not done after %u s: state %u, %llu made, %llu read, RTO %u, una %u",
		   opt.timeout, info.tcpi_state, s->out.offset, s->in.offset,
		   info.tcpi_rto / 1000, info.tcpi_unacked);
}

/*
 * A sender with something to send must not be silent for longer than its timer
 * allows: the RTO after the last segment out or the last ACK in, which set it
 * anew; with the window closed, the probes' backoff. Timers may be an eighth
 * late, and a look is late too.
 */
static void look(struct stream *s)
{
	unsigned int silence, allowed;
	struct tcp_info info;
	socklen_t len = sizeof(info);

	s->looked = now_us();
	if (s->looked > s->deadline)
		not_done(s);
	if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		end_failed(s->me, "TCP_INFO:");
	s->me->rexmits = info.tcpi_total_retrans;
	if (!info.tcpi_unacked && !info.tcpi_notsent_bytes)
		return;
	silence = info.tcpi_last_data_sent;
	if (info.tcpi_last_ack_recv < silence)
		silence = info.tcpi_last_ack_recv;
	if (silence > s->me->silence)
		s->me->silence = silence;
	allowed = info.tcpi_rto / 1000;
	if (!info.tcpi_unacked)
		allowed <<= info.tcpi_backoff < 10 ? info.tcpi_backoff : 10;
	if (allowed > 120000)
		allowed = 120000;
	if (silence > allowed + allowed / 8 + 2 * LOOK_US / 1000)
		end_failed(s->me, "silent for %u ms, RTO %u ms, %u unacknowledged, %u not sent",
			   silence, info.tcpi_rto / 1000, info.tcpi_unacked,
			   info.tcpi_notsent_bytes);
}

static void pump(struct stream *s)
{
	struct pollfd p = { .fd = s->fd };

	while (s->sending || s->receiving) {
		p.events = (s->sending ? POLLOUT : 0) | (s->receiving ? POLLIN : 0);
		if (poll(&p, 1, LOOK_US / 1000) < 0)
			end_failed(s->me, "poll:");
		if (s->receiving && p.revents & (POLLIN | POLLHUP | POLLERR))
			take(s);
		if (s->sending && p.revents & (POLLOUT | POLLHUP | POLLERR))
			give(s);
		if (now_us() - s->looked >= LOOK_US)
			look(s);
	}
	look(s);
}

__attribute__((noreturn))
static void run_end(struct end *me)
{
	struct stream s = { .me = me };

	/* For a connection that never comes; not_done() says more. */
	alarm(opt.timeout + 60);
	enter_namespace(me);
	s.buf = malloc(BLOCK);
	pattern_init(&s.out, SEED);
	pattern_init(&s.in, SEED);
	s.fd = open_connection(me);
	s.looked = now_us();
	me->begin = s.looked;
	me->end = s.looked;
	s.deadline = me->begin + opt.timeout * 1000000LL;
	s.receiving = true;
	s.sending = me->client || opt.both;
	if (!s.sending && shutdown(s.fd, SHUT_WR))
		end_failed(me, "shutdown:");
	pump(&s);
	me->sent = s.out.hash;
	me->received = s.in.hash;
	if (close(s.fd))
		end_failed(me, "close:");
	_exit(0);
}

/* --- in the parent */

static pid_t start_end(struct end *me)
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_OTHER, "fork");
	if (!pid)
		run_end(me);
	return pid;
}

static void await_listener(const struct end *server, pid_t pid)
{
	long long limit = now_us() + 10000000;

	while (!__atomic_load_n(&server->ready, __ATOMIC_ACQUIRE)) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			errx(EXIT_OTHER, "the server died: %s", server->why);
		if (now_us() > limit)
			errx(EXIT_OTHER, "the server does not listen");
		usleep(500);
	}
}

static bool await_end(const struct pair *p, const struct end *me, pid_t pid)
{
	const char *name = me->client ? "client" : "server";
	int status;

	if (waitpid(pid, &status, 0) != pid)
		err(EXIT_OTHER, "waitpid");
	if (me->failed)
		warnx("%s, %s: %s", p->name, name, me->why);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		warnx("%s, %s: no connection", p->name, name);
	else if (status)
		warnx("%s, %s: wait status %#x", p->name, name, status);
	return !status;
}

static void expect_hash(const struct pair *p, unsigned long long sent, unsigned long long received)
{
	if (sent != received)
		errx(EXIT_OTHER, "%s: hash differs: sent %016llx, received %016llx", p->name,
		     sent, received);
}

static void start_lane(struct pair *p, struct lane *l, pid_t pid[2])
{
	memset(l, 0, sizeof(*l));
	l->server.tcpx = p->server;
	l->client.tcpx = p->client;
	l->client.client = 1;
	l->client.port = opt.port++;
	l->server.port = l->client.port;
	pid[0] = start_end(&l->server);
	await_listener(&l->server, pid[0]);
	pid[1] = start_end(&l->client);
}

static void finish_lane(struct pair *p, struct lane *l, const pid_t pid[2])
{
	bool client = await_end(p, &l->client, pid[1]);

	/* One end's error is often that of the other: both are told. */
	if (!await_end(p, &l->server, pid[0]) || !client)
		exit(EXIT_OTHER);
	expect_hash(p, l->client.sent, l->server.received);
	expect_hash(p, l->server.sent, l->client.received);
	p->rexmits += l->client.rexmits + l->server.rexmits;
	if (l->client.silence > p->silence)
		p->silence = l->client.silence;
	if (l->server.silence > p->silence)
		p->silence = l->server.silence;
}

static double goodput(const struct lane *l)
{
	const struct end *c = &l->client, *s = &l->server;
	unsigned long long bytes = opt.both ? 2 * opt.size : opt.size;
	long long end = s->end;

	if (c->bytes + s->bytes != bytes)
		errx(EXIT_OTHER, "%llu bytes arrived instead of %llu", c->bytes + s->bytes, bytes);
	if (opt.both && c->end > end)
		end = c->end;
	return bytes * 8000.0 / (end - c->begin);
}

static void one_round(void)
{
	struct pair *p;
	pid_t pid[2];

	for (p = pairs; p < pairs + n_pairs; p++) {
		start_lane(p, lanes, pid);
		finish_lane(p, lanes, pid);
		p->goodput[p->n++] = goodput(lanes);
		if (opt.verbose)
			fprintf(stderr, "%s\t%.0f kbit/s\t%u+%u rexmits\t%u ms\n", p->name,
				p->goodput[p->n - 1], lanes->client.rexmits,
				lanes->server.rexmits, lanes->client.silence);
	}
}

/* Transfers with a timeout take a multiple of those without: it is their logarithms that add up. */
static double mean_log(const struct pair *p)
{
	double sum = 0;
	int i;

	for (i = 0; i < p->n; i++)
		sum += log(p->goodput[i]);
	return sum / p->n;
}

/* Of mean_log(): its variance, as the rounds show it. */
static double variance(const struct pair *p)
{
	double mean = mean_log(p), sum = 0;
	int i;

	if (p->n < 2)
		return 0;
	for (i = 0; i < p->n; i++)
		sum += (log(p->goodput[i]) - mean) * (log(p->goodput[i]) - mean);
	return sum / (p->n - 1) / p->n;
}

static double percent(const struct pair *p)
{
	return 100 * exp(mean_log(p) - mean_log(pairs));
}

/* What it would be with bad luck explained: one time in a hundred there is more of it. */
static double percent_with_luck(const struct pair *p)
{
	return percent(p) * exp(2.33 * sqrt(variance(p) + variance(pairs)));
}

static bool below_bar(void)
{
	int i;

	for (i = 1; i < n_pairs; i++) {
		if (percent(&pairs[i]) < opt.bar)
			return true;
	}
	return false;
}

static int run_rounds(void)
{
	struct pair *p;

	do {
		one_round();
	} while (pairs->n < opt.min_rounds || (pairs->n < opt.max_rounds && below_bar()));
	for (p = pairs; p < pairs + n_pairs; p++)
		printf("%s\t%d\t%.0f\t%.0f\t%.1f\t%u\t%.0f\n", p->name, p->n, exp(mean_log(p)),
		       percent(p), (double)p->rexmits / p->n, p->silence, percent_with_luck(p));
	return below_bar();
}

/* The first quarter does not count: who was first has an advantage there. */
static int run_share(void)
{
	unsigned long long all = 0;
	pid_t pid[MAX_PAIRS][2];
	int i;

	share_begin = now_us() + opt.share * 250000LL;
	share_end = now_us() + opt.share * 1000000LL;
	for (i = 0; i < n_pairs; i++)
		start_lane(&pairs[i], &lanes[i], pid[i]);
	for (i = 0; i < n_pairs; i++) {
		finish_lane(&pairs[i], &lanes[i], pid[i]);
		all += lanes[i].server.bytes;
	}
	for (i = 0; i < n_pairs; i++)
		printf("%s\t1\t%.0f\t%.0f\t%llu\t%u\n", pairs[i].name,
		       lanes[i].server.bytes * 8000.0 / (share_end - share_begin),
		       100.0 * lanes[i].server.bytes / all, pairs[i].rexmits, pairs[i].silence);
	return 0;
}

static bool is_tcpx(char c)
{
	if (c == 't' || c == 'k')
		return c == 't';
	errx(EXIT_OTHER, "'%c' is neither t nor k", c);
}

static void parse_pairs(int argc, char **argv)
{
	int i;

	if (!argc || argc > MAX_PAIRS)
		errx(EXIT_OTHER, "between 1 and %d pairs, please", MAX_PAIRS);
	for (i = 0; i < argc; i++) {
		if (strlen(argv[i]) != 2)
			errx(EXIT_OTHER, "'%s' is not a pair", argv[i]);
		pairs[i].name = argv[i];
		pairs[i].client = is_tcpx(argv[i][0]);
		pairs[i].server = is_tcpx(argv[i][1]);
	}
	n_pairs = argc;
}

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "6n:dr:b:c:w:t:s:p:v")) != -1) {
		switch (c) {
		case '6':
			opt.v6 = 1;
			break;
		case 'n':
			opt.size = parse_size(optarg);
			break;
		case 'd':
			opt.both = 1;
			break;
		case 'r':
			if (sscanf(optarg, "%d,%d", &opt.min_rounds, &opt.max_rounds) != 2)
				errx(EXIT_OTHER, "-r wants MIN,MAX");
			break;
		case 'b':
			opt.bar = atoi(optarg);
			break;
		case 'c':
			opt.cc = optarg;
			break;
		case 'w':
			opt.window = atoi(optarg);
			break;
		case 't':
			opt.timeout = atoi(optarg);
			break;
		case 's':
			opt.share = atoi(optarg);
			break;
		case 'p':
			opt.port = atoi(optarg);
			break;
		case 'v':
			opt.verbose = 1;
			break;
		default:
			exit(EXIT_OTHER);
		}
	}
	if (opt.size % 8 || opt.max_rounds > MAX_ROUNDS)
		errx(EXIT_OTHER, "sizes are multiples of 8, rounds at most %d", MAX_ROUNDS);
	parse_pairs(argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	parse_args(argc, argv);
	lanes = mmap(NULL, MAX_PAIRS * sizeof(*lanes), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lanes == MAP_FAILED)
		err(EXIT_OTHER, "mmap");
	return opt.share ? run_share() : run_rounds();
}
