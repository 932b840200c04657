/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of signed connections share, whichever way they are signed.
 */
#ifndef API_SIGNED_H
#define API_SIGNED_H

#include "api.h"

#define BULK		(300 << 10)
#define LOOPBACK	"127.0.0.1"

/* A counter of the stack that a socket is of. */
static long mib_of(int family, const char *name)
{
	char line[16384], names[16384] = "", *n, *v, *np, *vp;
	FILE *f = fopen(family == AF_TCPX ? "/proc/thread-self/net/tcpx_netstat" :
					    "/proc/thread-self/net/netstat", "r");

	while (f && fgets(names, sizeof(names), f) && fgets(line, sizeof(line), f)) {
		n = strtok_r(names, "\n ", &np);
		v = strtok_r(line, "\n ", &vp);
		for (; n && v && strcmp(n, name); v = strtok_r(NULL, "\n ", &vp))
			n = strtok_r(NULL, "\n ", &np);
		if (n && v) {
			fclose(f);
			return atol(v);
		}
	}
	api_die("no counter %s", name);
}

/* One end: as many bytes each way. */
static bool exchange(int fd)
{
	static uint8_t out[BULK], in[BULK];
	size_t sent = 0, got = 0;
	ssize_t n;
	int ev;

	api_pattern(out, BULK, 0);
	while (got < BULK || sent < BULK) {
		ev = api_events(fd, sent < BULK ? POLLIN | POLLOUT : POLLIN, API_DEADLINE_MS);
		if (!ev)
			return false;
		n = ev & POLLOUT ? send(fd, out + sent, BULK - sent, MSG_DONTWAIT | MSG_NOSIGNAL) :
				   0;
		if (n < 0 && errno != EAGAIN)
			return false;
		sent += n > 0 ? n : 0;
		if (!(ev & POLLIN))
			continue;
		n = recv(fd, in + got, BULK - got, MSG_DONTWAIT);
		if (!n || (n < 0 && errno != EAGAIN))
			return false;
		got += n > 0 ? n : 0;
	}
	return api_pattern_ok(in, BULK, 0);
}

static bool both(int c, int s)
{
	int status;
	pid_t pid = fork();
	bool ok;

	if (pid < 0)
		api_die("fork");
	if (!pid)
		_exit(!exchange(s));
	ok = exchange(c);
	return waitpid(pid, &status, 0) == pid && !status && ok;
}

/* Both have their keys: a byte in the SYN gets there, and what follows. */
static bool fast_open(int c, int l, const struct sockaddr_in *addr, int server)
{
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(addr, &to);
	char byte = 0;
	bool ok;
	int s;

	api_sysctl("ipv4/tcp_fastopen", "%d", 0x607);
	api_opt(l, IPPROTO_TCP, TCP_FASTOPEN, 5);
	if (sendto(c, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, len) != 1)
		return false;
	s = api_accept(l);
	api_recv(s, &byte, 1);
	ok = byte == 'x' && mib_of(server, "TCPFastOpenPassive") > 0 && both(c, s);
	close(c);
	close(s);
	return ok;
}

/* One end closes, with a FIN or a RST: what the other one reads. */
static int closed(int c, int s, bool reset)
{
	const struct linger now = { .l_onoff = reset };
	char byte;
	int ret;

	if (setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		api_die("SO_LINGER");
	close(s);
	ret = api_readable(c) ? SYS(recv(c, &byte, 1, 0)) : -ETIMEDOUT;
	close(c);
	return ret;
}

#endif /* API_SIGNED_H */
