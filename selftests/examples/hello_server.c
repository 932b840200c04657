// SPDX-License-Identifier: GPL-2.0
/*
 * Answer one "hello" with "hi":   hello_server [PORT [FAMILY]]
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
		.sin_port = htons(argc > 1 ? atoi(argv[1]) : 7777),
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	int listener, conn, one = 1;
	char buf[64], peer[INET_ADDRSTRLEN];
	socklen_t len = sizeof(addr);
	ssize_t n;

	listener = socket(argc > 2 ? atoi(argv[2]) : AF_TCPX, SOCK_STREAM, 0);
	if (listener < 0)
		die("socket");
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die("setsockopt");
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)))
		die("bind");
	if (listen(listener, 1))
		die("listen");

	conn = accept(listener, (struct sockaddr *)&addr, &len);
	if (conn < 0)
		die("accept");
	n = recv(conn, buf, sizeof(buf), 0);
	if (n < 0)
		die("recv");
	inet_ntop(AF_INET, &addr.sin_addr, peer, sizeof(peer));
	printf("server: %s:%d says \"%.*s\"\n", peer, ntohs(addr.sin_port),
	       (int)n, buf);
	if (send(conn, "hi", 2, 0) != 2)
		die("send");

	close(conn);
	close(listener);
	return 0;
}
