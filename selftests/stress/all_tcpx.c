// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into trinity: each socket of IPv4 and IPv6 that it makes by socket(), of whatever
 * type, is one of AF_TCPX, or of the family that ALL_TCPX names ("kernel"). Most of them do not
 * block, lest it waits more than it calls.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <tcpx.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	const char *which = getenv("ALL_TCPX");
	static unsigned int made;

	if (domain != AF_INET && domain != AF_INET6)
		return syscall(SYS_socket, domain, type, protocol);
	type = SOCK_STREAM | (made++ % 4 ? SOCK_NONBLOCK : 0);
	if (which && !strcmp(which, "kernel"))
		return syscall(SYS_socket, domain, type, 0);
	return syscall(SYS_socket, AF_TCPX, type, domain == AF_INET6 ? TCPXPROTO_V6 : 0);
}
