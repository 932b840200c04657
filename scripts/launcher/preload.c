// SPDX-License-Identifier: GPL-2.0
/*
 * The library that scripts/tcpx-run preloads: it stands before socket() and
 * turns a request for a TCP socket into one for AF_TCPX, whose protocol says
 * which IP it is for. Little else needs a hand: addresses, options, the other
 * calls, even what SO_DOMAIN and getsockname() tell, are those of an AF_INET or
 * AF_INET6 socket; but for SO_ZEROCOPY, which some kernels refuse to modules, and
 * for what programs read in /proc/net (procfs.c).
 *
 * Out of reach, because they do not come through this symbol: syscall(2) and
 * io_uring's socket operation, statically linked programs (Go's among them),
 * set-user-ID programs, and the sockets libc opens for itself (the resolver).
 *
 * tcpx-run hands over its options in the environment:
 *	TCPX_RUN_FAMILY		the number of the family
 *	TCPX_RUN_VERBOSE	1: report every socket() on stderr
 *	TCPX_RUN_STRICT		1: fail rather than fall back to the kernel's TCP
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcpx.h"

static struct {
	pthread_once_t once;
	int (*socket)(int domain, int type, int protocol);
	int (*setsockopt)(int fd, int level, int name, const void *val, socklen_t len);
	int family;
	bool verbose;
	bool strict;
	struct stat err;	/* what fd 2 was when the program started */
	atomic_flag fell_back;
} run = { .once = PTHREAD_ONCE_INIT, .fell_back = ATOMIC_FLAG_INIT };

static bool env_is_set(const char *name)
{
	const char *val = getenv(name);

	return val && !strcmp(val, "1");
}

static void run_init(void)
{
	const char *family = getenv("TCPX_RUN_FAMILY");

	run.socket = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
	run.setsockopt = (int (*)(int, int, int, const void *, socklen_t))
			 dlsym(RTLD_NEXT, "setsockopt");
	run.family = family ? atoi(family) : AF_TCPX;
	run.verbose = env_is_set("TCPX_RUN_VERBOSE");
	run.strict = env_is_set("TCPX_RUN_STRICT");
	if (fstat(STDERR_FILENO, &run.err))
		memset(&run.err, 0, sizeof(run.err));
}

/* "ip tcp_metrics flush ..." reaches the kernel's TCP only: AF_TCPX forgets as well, all of it. */
static void flush_metrics(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL;
	bool metrics = false, flush = false;
	int fd, i;

	if (!argc || strcmp(name ? name + 1 : argv[0], "ip"))
		return;
	for (i = 1; i < argc; i++) {
		metrics |= !strcmp(argv[i], "tcp_metrics") || !strcmp(argv[i], "tcpmetrics");
		flush |= metrics && !strcmp(argv[i], "flush");
	}
	fd = flush ? open("/proc/net/tcpx_metrics", O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	(void)!write(fd, "flush", strlen("flush"));
	close(fd);
}

/* Another library's constructor may want a socket before this one runs. */
__attribute__((constructor)) static void run_start(int argc, char **argv)
{
	pthread_once(&run.once, run_init);
	flush_metrics(argc, argv);
}

/*
 * A daemon closes fd 2 and may get a connection in its place: speak only while
 * it is still the file the program was given, and never into a socket.
 */
static bool stderr_is_ours(void)
{
	struct stat st;

	return !fstat(STDERR_FILENO, &st) && !S_ISSOCK(st.st_mode) &&
	       st.st_dev == run.err.st_dev && st.st_ino == run.err.st_ino;
}

/* One write, so that the lines of several processes do not mix. */
static void put_line(const char *line, int len, int max)
{
	int err = errno;

	if (stderr_is_ours())
		(void)!write(STDERR_FILENO, line, len < max ? len : max);
	errno = err;
}

#define say(fmt, ...) do {						\
	char line[256];							\
									\
	put_line(line, snprintf(line, sizeof(line), "tcpx-run[%d]: " fmt,\
				getpid(), ##__VA_ARGS__), sizeof(line) - 1);\
} while (0)

static bool is_tcp(int type, int protocol)
{
	return (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM &&
	       (protocol == 0 || protocol == IPPROTO_TCP);
}

static const char *flag_names(int type)
{
	static const char * const names[] = {
		"", "|SOCK_CLOEXEC", "|SOCK_NONBLOCK", "|SOCK_CLOEXEC|SOCK_NONBLOCK",
	};

	return names[!!(type & SOCK_CLOEXEC) + 2 * !!(type & SOCK_NONBLOCK)];
}

/**
 * struct swap - what stands in for a family of the kernel's
 * @domain: the family
 * @name: as programs write it
 * @protocol: AF_TCPX's for the same IP
 */
struct swap {
	int		domain;
	const char	*name;
	int		protocol;
};

static const struct swap swaps[] = {
	{ AF_INET, "AF_INET", TCPXPROTO_V4 },
	{ AF_INET6, "AF_INET6", TCPXPROTO_V6 },
};

static const struct swap *find_swap(int domain)
{
	size_t i;

	for (i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++)
		if (swaps[i].domain == domain)
			return &swaps[i];
	return NULL;
}

/*
 * The kernel knows neither AF_TCPX nor, maybe, IPv6 at all: the second the program
 * hears as ever. Otherwise say so once and go on with the kernel's TCP, or fail.
 */
static int fall_back(const struct swap *swap, int type, int protocol)
{
	int fd = run.socket(swap->domain, type, protocol);

	if (fd < 0)
		return fd;
	if (run.strict) {
		say("no address family %d here (module tcpx not loaded?), refused by --strict\n",
		    run.family);
		close(fd);
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (!atomic_flag_test_and_set(&run.fell_back))
		say("no address family %d here (module tcpx not loaded?): using the kernel's TCP\n",
		    run.family);
	return fd;
}

static int open_tcpx(const struct swap *swap, int type, int protocol)
{
	int fd = run.socket(run.family, type, swap->protocol);

	if (fd < 0 && errno == EAFNOSUPPORT)
		return fall_back(swap, type, protocol);
	if (run.verbose && fd < 0)
		say("%s -> %d SOCK_STREAM%s %d: %m\n",
		    swap->name, run.family, flag_names(type), protocol);
	else if (run.verbose)
		say("%s -> %d SOCK_STREAM%s %d: fd %d\n",
		    swap->name, run.family, flag_names(type), protocol, fd);
	return fd;
}

int socket(int domain, int type, int protocol)
{
	const struct swap *swap = find_swap(domain);

	pthread_once(&run.once, run_init);
	if (!swap || !is_tcp(type, protocol))
		return run.socket(domain, type, protocol);
	return open_tcpx(swap, type, protocol);
}

/* See TCPX_ZEROCOPY; any other socket refuses that, and nothing has changed. */
int setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	int ret;

	pthread_once(&run.once, run_init);
	ret = run.setsockopt(fd, level, name, val, len);
	if (!ret || errno != EOPNOTSUPP || level != SOL_SOCKET || name != SO_ZEROCOPY)
		return ret;
	ret = run.setsockopt(fd, IPPROTO_TCP, TCPX_ZEROCOPY, val, len);
	if (ret && errno != EINVAL)
		errno = EOPNOTSUPP;
	return ret;
}
