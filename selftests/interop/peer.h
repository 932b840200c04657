/* SPDX-License-Identifier: GPL-2.0 */
/* What the two programs of this folder share: command line and sockets. */
#ifndef _INTEROP_PEER_H
#define _INTEROP_PEER_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tcpx.h"
#include "../slow.h"

/* Exit status, beside 0 for success: data differ; anything else. */
#define EXIT_DATA	1
#define EXIT_OTHER	2

static inline int parse_family(const char *name)
{
	if (!strcmp(name, "kernel"))
		return AF_INET;
	if (!strcmp(name, "tcpx"))
		return AF_TCPX;
	errx(EXIT_OTHER, "family '%s' is neither kernel nor tcpx", name);
}

/* 17, 64K, 32M, 1G */
static inline unsigned long long parse_size(const char *s)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		n <<= 10 * (unit - units + 1);
		end++;
	}
	if (end == s || *end)
		errx(EXIT_OTHER, "'%s' is not a size", s);
	return n;
}

static inline struct sockaddr_in parse_addr(const char *addr, const char *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
	};

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		errx(EXIT_OTHER, "'%s' is not an IPv4 address", addr);
	return sin;
}

static inline int open_listener(int family, const struct sockaddr_in *sin, int flags)
{
	int fd = socket(family, SOCK_STREAM | flags, 0), one = 1;

	if (fd < 0)
		err(EXIT_OTHER, "socket(%d)", family);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		err(EXIT_OTHER, "SO_REUSEADDR");
	if (bind(fd, (const struct sockaddr *)sin, sizeof(*sin)))
		err(EXIT_OTHER, "bind");
	if (listen(fd, SOMAXCONN))
		err(EXIT_OTHER, "listen");
	return fd;
}

#endif /* _INTEROP_PEER_H */
