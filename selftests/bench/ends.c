// SPDX-License-Identifier: GPL-2.0
/*
 * The bench: both ends of a connection, in namespaces of their own or the same, and
 * the clock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static int client_ns = -1, server_ns = -1;
static struct in_addr server_addr;
static double started;

void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- namespaces ----------------------------------------------------------- */

static int open_ns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

void use_namespaces(const char *client, const char *server)
{
	client_ns = open_ns(client);
	server_ns = open_ns(server);
	in_client_namespace();
}

void use_address(const char *dotted)
{
	if (inet_pton(AF_INET, dotted, &server_addr) != 1) {
		errno = EINVAL;
		die(dotted);
	}
}

void in_server_namespace(void)
{
	if (server_ns >= 0 && setns(server_ns, CLONE_NEWNET) < 0)
		die("setns");
}

void in_client_namespace(void)
{
	if (client_ns >= 0 && setns(client_ns, CLONE_NEWNET) < 0)
		die("setns");
}

uint32_t server_address(void)
{
	return server_addr.s_addr;
}

/* --- sockets -------------------------------------------------------------- */

int new_socket(const struct stack *s)
{
	int fd = socket(s->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* A listener of the server's namespace, at a port (or name) of the kernel's choice. */
int listen_on(const struct stack *s, int backlog)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = server_addr };
	bool local = s->family == AF_UNIX;
	int fd, err;

	in_server_namespace();
	fd = new_socket(s);
	if (local)
		err = bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t));
	else
		err = bind(fd, (struct sockaddr *)&in, sizeof(in));
	if (err || listen(fd, backlog))
		die("listen");
	in_client_namespace();
	return fd;
}

void connect_socket(int fd, int lfd)
{
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);

	if (getsockname(lfd, (struct sockaddr *)&to, &len) ||
	    connect(fd, (struct sockaddr *)&to, len))
		die("connect");
}

int connect_to(const struct stack *s, int lfd)
{
	int fd = new_socket(s);

	connect_socket(fd, lfd);
	return fd;
}

int accept_from(int lfd)
{
	int fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	return fd;
}

void no_delay(const struct stack *s, int fd)
{
	int one = 1;

	if (s->family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
}

/* Autotuning off: both stacks work with the same buffers from the first byte on. */
void fixed_buffers(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)))
		die("SO_SNDBUF");
}

void write_all(int fd, const void *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			die("write");
		buf = (const char *)buf + n;
		len -= n;
	}
}

/* false at the end of the stream */
bool read_all(int fd, void *buf, size_t len)
{
	while (len) {
		ssize_t n = read(fd, buf, len);

		if (n < 0)
			die("read");
		if (n == 0)
			return false;
		buf = (char *)buf + n;
		len -= n;
	}
	return true;
}

/* close() by reset: neither end is left in TIME_WAIT */
void abort_connection(int fd)
{
	struct linger now = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("SO_LINGER");
	close(fd);
}

/* Whether a table of the kind of /proc/net/tcp has an entry in TIME_WAIT. */
static bool has_time_wait(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256], state[3];
	bool has = false;

	if (!f)
		return false;
	while (!has && fgets(line, sizeof(line), f))
		has = sscanf(line, " %*d: %*s %*s %2s", state) == 1 && !strcmp(state, "06");
	fclose(f);
	return has;
}

/* Wait until nothing that rows before have closed is left, at either end. In virtual time a
 * minute of waiting is over at once.
 */
void settle(void)
{
	in_server_namespace();
	while (has_time_wait("/proc/net/tcp") || has_time_wait("/proc/net/tcpx"))
		sleep(1);
	in_client_namespace();
	while (has_time_wait("/proc/net/tcp") || has_time_wait("/proc/net/tcpx"))
		sleep(1);
}

/* --- processes ------------------------------------------------------------ */

pid_t start_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	return pid;
}

void finish_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "bench: the other end failed (status %#x)\n", status);
		exit(1);
	}
}

void raise_file_limit(void)
{
	struct rlimit lim = { 200000, 200000 };

	if (setrlimit(RLIMIT_NOFILE, &lim))
		die("RLIMIT_NOFILE");
}

/* --- the clock ------------------------------------------------------------ */

double clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* A long no-op that tbcount.c knows: @phase is what is counted from here on. */
#define MARK(phase)	\
	asm volatile(".byte 0x0f, 0x1f, 0x80, " #phase ", 0x50, 0x43, 0x54" ::: "memory")

void clock_start(const struct stack *s)
{
	started = clock_now();
	if (s->family == AF_UNIX)
		MARK(3);
	else if (s->family == AF_INET)
		MARK(1);
	else
		MARK(2);
}

/* ns since clock_start() */
double clock_stop(void)
{
	MARK(0);
	return clock_now() - started;
}
