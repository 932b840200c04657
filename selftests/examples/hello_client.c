// SPDX-License-Identifier: GPL-2.0
/*
 * Say "hello", print the answer:   hello_client [ADDRESS [PORT [FAMILY]]]
 *
 * FAMILY is a number, AF_TCPX if left out; 2 (AF_INET) runs the same
 * program over the kernel's own TCP.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tcpx.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(argc > 2 ? atoi(argv[2]) : 7777),
	};
	char buf[64];
	ssize_t n;
	int fd;

	if (inet_pton(AF_INET, argc > 1 ? argv[1] : "127.0.0.1",
		      &addr.sin_addr) != 1) {
		fprintf(stderr, "%s: not an IPv4 address\n", argv[1]);
		return 1;
	}

	fd = socket(argc > 3 ? atoi(argv[3]) : AF_TCPX, SOCK_STREAM, 0);
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("connect");
	if (send(fd, "hello", 5, 0) != 5)
		die("send");
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 0)
		die("recv");
	printf("client: the server answers \"%.*s\"\n", (int)n, buf);

	close(fd);
	return 0;
}
