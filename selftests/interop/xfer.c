// SPDX-License-Identifier: GPL-2.0
/*
 * One bulk transfer in one direction, verified word by word as it arrives and
 * by hash at the end:
 *
 *	xfer [-f tcpx|kernel] [-l] [-R] [-n SIZE] [-b SIZE] [-t SECONDS] ADDR PORT
 *
 *	-l	listen and serve one connection; else connect
 *	-R	the listener sends; give it to both ends
 *	-n	bytes to send (default 1M), a multiple of 8; give it to both ends
 *	-b	bytes per send() or recv() (default 256K), a multiple of 8
 *	-t	give up after so many seconds (default 120)
 *
 * The receiver answers with its hash after the sender's FIN, so that each end
 * knows the verdict and both directions of the close are in order.
 */
#include <getopt.h>
#include <unistd.h>

#include "pattern.h"
#include "peer.h"

#define SEED	0x7463707874637078ULL

static struct {
	int family;
	int listen;
	int reverse;
	unsigned long long size;
	size_t block;
	unsigned int timeout;
	struct sockaddr_in addr;
} opt = {
	.family = AF_TCPX,
	.size = 1 << 20,
	.block = 256 << 10,
	.timeout = 120,
};

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "f:lRn:b:t:")) != -1) {
		switch (c) {
		case 'f':
			opt.family = parse_family(optarg);
			break;
		case 'l':
			opt.listen = 1;
			break;
		case 'R':
			opt.reverse = 1;
			break;
		case 'n':
			opt.size = parse_size(optarg);
			break;
		case 'b':
			opt.block = parse_size(optarg);
			break;
		case 't':
			opt.timeout = atoi(optarg);
			break;
		default:
			exit(EXIT_OTHER);
		}
	}
	if (argc - optind != 2)
		errx(EXIT_OTHER, "usage: xfer [options] ADDR PORT");
	if (opt.size % 8 || !opt.block || opt.block % 8)
		errx(EXIT_OTHER, "sizes must be multiples of 8");
	opt.addr = parse_addr(argv[optind], argv[optind + 1]);
}

static int open_connection(void)
{
	int fd, listener;

	if (opt.listen) {
		listener = open_listener(opt.family, &opt.addr, 0);
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			err(EXIT_OTHER, "accept");
		close(listener);
		return fd;
	}
	fd = socket(opt.family, SOCK_STREAM, 0);
	if (fd < 0)
		err(EXIT_OTHER, "socket(%d)", opt.family);
	if (connect(fd, (struct sockaddr *)&opt.addr, sizeof(opt.addr)))
		err(EXIT_OTHER, "connect");
	return fd;
}

static void send_all(int fd, const void *buf, size_t len)
{
	const char *pos = buf;
	ssize_t n;

	for (; len; pos += n, len -= n) {
		n = send(fd, pos, len, MSG_NOSIGNAL);
		if (n < 0)
			err(EXIT_OTHER, "send");
	}
}

static void send_stream(int fd, struct pattern *p, void *buf)
{
	__u64 peer_hash;
	size_t len;

	while (p->offset < opt.size) {
		len = opt.size - p->offset < opt.block ? opt.size - p->offset : opt.block;
		pattern_make(p, buf, len);
		send_all(fd, buf, len);
	}
	if (shutdown(fd, SHUT_WR))
		err(EXIT_OTHER, "shutdown");
	if (recv(fd, &peer_hash, 8, MSG_WAITALL) != 8)
		err(EXIT_OTHER, "no hash from the receiver");
	if (peer_hash != p->hash)
		errx(EXIT_DATA, "hash differs: sent %016llx, received %016llx",
		     p->hash, peer_hash);
	if (recv(fd, &peer_hash, 8, 0) != 0)
		err(EXIT_OTHER, "no end of stream from the receiver");
}

static void receive_stream(int fd, struct pattern *p, void *buf)
{
	ssize_t n;

	while ((n = recv(fd, buf, opt.block, 0)) > 0) {
		if (pattern_verify(p, buf, n))
			errx(EXIT_DATA, "data differ at byte %llu", p->offset);
	}
	if (n < 0)
		err(EXIT_OTHER, "recv after %llu bytes", p->offset);
	if (p->offset != opt.size || p->tail_len)
		errx(EXIT_DATA, "%llu bytes arrived instead of %llu",
		     p->offset + p->tail_len, opt.size);
	send_all(fd, &p->hash, 8);
}

int main(int argc, char **argv)
{
	struct pattern p;
	int fd, sending;
	void *buf;

	parse_args(argc, argv);
	alarm(opt.timeout);
	sending = !opt.listen ^ opt.reverse;
	buf = malloc(opt.block);
	if (!buf)
		err(EXIT_OTHER, "malloc");
	pattern_init(&p, SEED);

	fd = open_connection();
	if (sending)
		send_stream(fd, &p, buf);
	else
		receive_stream(fd, &p, buf);
	if (close(fd))
		err(EXIT_OTHER, "close");
	printf("%s %llu bytes, hash %016llx\n", sending ? "sent" : "received",
	       p.offset, p.hash);
	return 0;
}
