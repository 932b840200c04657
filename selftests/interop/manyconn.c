// SPDX-License-Identifier: GPL-2.0
/*
 * Many connections at once in one process under epoll, data in both
 * directions of each at the same time, all of it verified:
 *
 *	manyconn [-f tcpx|kernel] [-l] [-c COUNT] [-n SIZE] [-t SECONDS] ADDR PORT
 *
 * The client starts to send only when all COUNT connections (default 200)
 * stand, so that they do exist at once; the server sends on accept. Every
 * direction of every connection carries a word that names its stream, then
 * SIZE bytes (default 64K) of that stream's pattern, then FIN.
 */
#include <getopt.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pattern.h"
#include "peer.h"

#define BLOCK	8192

struct conn {
	int fd;
	int established;
	int seeded;		/* the word that names the stream is there */
	int tx_done;
	int rx_done;
	struct pattern tx, rx;
	__u64 tx_name, rx_name;
	size_t rx_name_len;
	char out[BLOCK];	/* made and not yet taken by the socket */
	size_t out_pos, out_len;
};

static struct {
	int family;
	int listen;
	int count;
	__u64 size;
	unsigned int timeout;
	struct sockaddr_in addr;
} opt = {
	.family = AF_TCPX,
	.count = 200,
	.size = 64 << 10,
	.timeout = 120,
};

static struct conn *conns;
static int opened, established, finished;
static int epfd;

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "f:lc:n:t:")) != -1) {
		switch (c) {
		case 'f':
			opt.family = parse_family(optarg);
			break;
		case 'l':
			opt.listen = 1;
			break;
		case 'c':
			opt.count = atoi(optarg);
			break;
		case 'n':
			opt.size = parse_size(optarg);
			break;
		case 't':
			opt.timeout = atoi(optarg);
			break;
		default:
			exit(EXIT_OTHER);
		}
	}
	if (argc - optind != 2)
		errx(EXIT_OTHER, "usage: manyconn [options] ADDR PORT");
	if (opt.size % 8 || opt.count < 1)
		errx(EXIT_OTHER, "SIZE must be a multiple of 8, COUNT positive");
	opt.addr = parse_addr(argv[optind], argv[optind + 1]);
}

static void watch(int fd, int op, __u32 events, struct conn *c)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(epfd, op, fd, &ev))
		err(EXIT_OTHER, "epoll_ctl");
}

static struct conn *add_conn(int fd, __u32 events)
{
	struct conn *c = &conns[opened];

	c->fd = fd;
	c->tx_name = (__u64)opt.listen << 32 | ++opened;
	pattern_init(&c->tx, c->tx_name);
	memcpy(c->out, &c->tx_name, 8);
	c->out_len = 8;
	watch(fd, EPOLL_CTL_ADD, events, c);
	return c;
}

static void open_connections(void)
{
	int fd;

	while (opened < opt.count) {
		fd = socket(opt.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (fd < 0)
			err(EXIT_OTHER, "socket(%d)", opt.family);
		if (connect(fd, (struct sockaddr *)&opt.addr, sizeof(opt.addr)) &&
		    errno != EINPROGRESS)
			err(EXIT_OTHER, "connect");
		add_conn(fd, EPOLLOUT);
	}
}

static void accept_connections(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		if (opened == opt.count)
			errx(EXIT_OTHER, "more than %d connections", opt.count);
		add_conn(fd, EPOLLIN | EPOLLOUT)->established = 1;
		established++;
	}
	if (errno != EAGAIN)
		err(EXIT_OTHER, "accept");
}

/* The client's connections pause when established, until the last one is. */
static void connected(struct conn *c)
{
	socklen_t len = sizeof(int);
	int error;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		err(EXIT_OTHER, "SO_ERROR");
	if (error)
		errx(EXIT_OTHER, "connect: %s", strerror(error));
	c->established = 1;
	watch(c->fd, EPOLL_CTL_MOD, 0, c);
	if (++established < opt.count)
		return;
	printf("%d connections established at once\n", established);
	for (int i = 0; i < opt.count; i++)
		watch(conns[i].fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT, &conns[i]);
}

static void conn_send(struct conn *c)
{
	ssize_t n;

	while (!c->tx_done) {
		n = send(c->fd, c->out + c->out_pos, c->out_len - c->out_pos, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(EXIT_OTHER, "send");
		c->out_pos += n;
		if (c->out_pos < c->out_len)
			continue;
		c->out_pos = 0;
		c->out_len = opt.size - c->tx.offset < BLOCK ? opt.size - c->tx.offset : BLOCK;
		pattern_make(&c->tx, c->out, c->out_len);
		c->tx_done = !c->out_len;
	}
	if (shutdown(c->fd, SHUT_WR))
		err(EXIT_OTHER, "shutdown");
	watch(c->fd, EPOLL_CTL_MOD, EPOLLIN, c);
}

/* Takes the word in front of the stream; says how much of @buf that was. */
static size_t take_name(struct conn *c, const char *buf, size_t len)
{
	size_t n = 8 - c->rx_name_len < len ? 8 - c->rx_name_len : len;

	memcpy((char *)&c->rx_name + c->rx_name_len, buf, n);
	c->rx_name_len += n;
	if (c->rx_name_len == 8 && !c->seeded) {
		pattern_init(&c->rx, c->rx_name);
		c->seeded = 1;
	}
	return n;
}

static void conn_receive(struct conn *c)
{
	char buf[BLOCK];
	ssize_t n;
	size_t skip;

	while ((n = recv(c->fd, buf, sizeof(buf), 0)) > 0) {
		skip = take_name(c, buf, n);
		if (c->seeded && pattern_verify(&c->rx, buf + skip, n - skip))
			errx(EXIT_DATA, "stream %llx differs at byte %llu",
			     c->rx_name, c->rx.offset);
	}
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		err(EXIT_OTHER, "recv");
	if (c->rx.offset != opt.size || c->rx.tail_len ||
	    c->rx_name >> 32 != (__u64)!opt.listen)
		errx(EXIT_DATA, "stream %llx ends after %llu of %llu bytes", c->rx_name,
		     c->rx.offset, opt.size);
	c->rx_done = 1;
	watch(c->fd, EPOLL_CTL_MOD, c->tx_done ? 0 : EPOLLOUT, c);
}

static void conn_event(struct conn *c, __u32 events)
{
	if (!c->established) {
		connected(c);
		return;
	}
	if (!c->tx_done && events & EPOLLOUT)
		conn_send(c);
	if (!c->rx_done && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		conn_receive(c);
	if (c->tx_done && c->rx_done) {
		if (close(c->fd))
			err(EXIT_OTHER, "close");
		finished++;
	}
}

static void check_names(void)
{
	char *seen = calloc(opt.count + 1, 1);

	if (!seen)
		err(EXIT_OTHER, "calloc");
	for (int i = 0; i < opt.count; i++) {
		__u32 number = conns[i].rx_name;

		if (number < 1 || number > (__u32)opt.count || seen[number]++)
			errx(EXIT_DATA, "stream %u came twice or never existed", number);
	}
	free(seen);
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	int listener = -1, n;

	parse_args(argc, argv);
	alarm(opt.timeout);
	epfd = epoll_create1(0);
	conns = calloc(opt.count, sizeof(*conns));
	if (epfd < 0 || !conns)
		err(EXIT_OTHER, "set-up");
	if (opt.listen) {
		listener = open_listener(opt.family, &opt.addr, SOCK_NONBLOCK);
		watch(listener, EPOLL_CTL_ADD, EPOLLIN, NULL);
	} else {
		open_connections();
	}

	while (finished < opt.count) {
		n = epoll_wait(epfd, events, 64, -1);
		if (n < 0)
			err(EXIT_OTHER, "epoll_wait");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				conn_event(events[i].data.ptr, events[i].events);
			else
				accept_connections(listener);
		}
	}
	check_names();
	printf("%d connections, %llu bytes each way, all intact\n", finished,
	       opt.size);
	return 0;
}
