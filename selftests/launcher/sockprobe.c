// SPDX-License-Identifier: GPL-2.0
/*
 * Makes one socket as its arguments say and prints what it got, for
 * launcher.sh to compare:
 *
 *	sockprobe inet|inet6|unix stream|dgram[,cloexec][,nonblock] PROTOCOL
 *	domain=1 type=1 protocol=0 cloexec=1 nonblock=0
 *
 * With "none" for the domain it makes no socket: then it prints the value of
 * LD_PRELOAD. With a fourth argument it first puts a socket in place of fd 2
 * and then reports what was written into it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int get_opt(int fd, int opt)
{
	int val = -1;
	socklen_t len = sizeof(val);

	if (getsockopt(fd, SOL_SOCKET, opt, &val, &len))
		err(1, "getsockopt(%d)", opt);
	return val;
}

static int parse_domain(const char *s)
{
	if (!strcmp(s, "inet"))
		return AF_INET;
	if (!strcmp(s, "inet6"))
		return AF_INET6;
	if (!strcmp(s, "unix"))
		return AF_UNIX;
	errx(2, "unknown domain %s", s);
}

static int parse_type(const char *s)
{
	int type = strstr(s, "dgram") ? SOCK_DGRAM : SOCK_STREAM;

	if (strstr(s, "cloexec"))
		type |= SOCK_CLOEXEC;
	if (strstr(s, "nonblock"))
		type |= SOCK_NONBLOCK;
	return type;
}

int main(int argc, char **argv)
{
	char buf[512];
	int fd, pair[2];

	if (argc > 1 && !strcmp(argv[1], "none")) {
		printf("%s\n", getenv("LD_PRELOAD") ?: "");
		return 0;
	}
	if (argc < 4)
		errx(2, "usage: sockprobe DOMAIN TYPE PROTOCOL [stderr-is-socket]");
	if (argc > 4 && (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || dup2(pair[0], 2) < 0))
		err(2, "socketpair");

	fd = socket(parse_domain(argv[1]), parse_type(argv[2]), atoi(argv[3]));
	if (fd < 0) {
		printf("error=%d\n", errno);
		return 1;
	}
	printf("domain=%d type=%d protocol=%d cloexec=%d nonblock=%d\n",
	       get_opt(fd, SO_DOMAIN), get_opt(fd, SO_TYPE), get_opt(fd, SO_PROTOCOL),
	       !!(fcntl(fd, F_GETFD) & FD_CLOEXEC), !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	if (argc > 4)
		printf("stderr bytes=%zd\n", recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT));
	return 0;
}
