// SPDX-License-Identifier: GPL-2.0
/*
 * What a program under scripts/tcpx-run reads of TCP in /proc/net is AF_TCPX's:
 * netstat, nstat and the like, started by a program or a script, look at the TCP
 * that its sockets are of.
 *
 *	/proc/net/tcp, tcp6	are /proc/net/tcpx, tcpx6
 *	/proc/net/snmp		has the lines "Tcp:" of /proc/net/tcpx_snmp
 *	/proc/net/netstat	has the lines "TcpExt:" of /proc/net/tcpx_netstat
 *
 * The last two are a copy, made when they are opened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROC_NET "/proc/net/"

/**
 * struct view - a file of /proc/net that is shown otherwise
 * @path: the kernel's
 * @own: AF_TCPX's
 * @prefix: with what those lines begin that are replaced; NULL: all of it is
 */
struct view {
	const char *path, *own, *prefix;
};

static const struct view views[] = {
	{ PROC_NET "tcp", PROC_NET "tcpx", NULL },
	{ PROC_NET "tcp6", PROC_NET "tcpx6", NULL },
	{ PROC_NET "snmp", PROC_NET "tcpx_snmp", "Tcp:" },
	{ PROC_NET "netstat", PROC_NET "tcpx_netstat", "TcpExt:" },
};

/* Opened for anything but reading, it fails as ever. */
static const struct view *find_view(const char *path, int flags)
{
	size_t i;

	/* Before all else, for each open() of the program comes by here. */
	if (!path || strncmp(path, PROC_NET, strlen(PROC_NET)) || (flags & O_ACCMODE) != O_RDONLY)
		return NULL;
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (!strcmp(path, views[i].path))
			return &views[i];
	return NULL;
}

/*
 * The calls of libc. Looked up at each one's first use and not by pthread_once(): an
 * allocator that opens files may be in its own beginnings.
 */
#define real(name) ({							\
	static __typeof__(&(name)) fn;					\
									\
	if (!fn)							\
		fn = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name);	\
	fn;								\
})

static bool has_prefix(const char *line, const char *prefix)
{
	return !strncmp(line, prefix, strlen(prefix));
}

static bool copy_line(const char *line, int to)
{
	size_t len = strlen(line);

	return write(to, line, len) == (ssize_t)len;
}

/* All lines of @from that begin with @prefix. */
static bool copy_own(FILE *from, const char *prefix, int to)
{
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	while (ok && getline(&line, &size, from) > 0)
		if (has_prefix(line, prefix))
			ok = copy_line(line, to);
	free(line);
	return ok;
}

/* @theirs, with the lines of @own where its first one with that prefix was. */
static bool merge(FILE *theirs, FILE *own, const char *prefix, int to)
{
	bool ok = true, replaced = false;
	char *line = NULL;
	size_t size = 0;

	while (ok && getline(&line, &size, theirs) > 0) {
		if (!has_prefix(line, prefix)) {
			ok = copy_line(line, to);
		} else if (!replaced) {
			ok = copy_own(own, prefix, to);
			replaced = true;
		}
	}
	free(line);
	return ok && lseek(to, 0, SEEK_SET) == 0;
}

static int open_merged(const struct view *view, int flags)
{
	FILE *theirs = real(fopen)(view->path, "re"), *own = real(fopen)(view->own, "re");
	int fd = -1;

	if (theirs && own)
		fd = memfd_create(view->path, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	if (fd >= 0 && !merge(theirs, own, view->prefix, fd)) {
		close(fd);
		fd = -1;
	}
	if (theirs)
		fclose(theirs);
	if (own)
		fclose(own);
	return fd;
}

/* Without the module it is the kernel's file after all: -1, and errno is as before. */
static int open_view(const char *path, int flags)
{
	const struct view *view = find_view(path, flags);
	int err = errno, fd;

	if (!view)
		return -1;
	fd = view->prefix ? open_merged(view, flags) : real(open)(view->own, flags);
	if (fd < 0)
		errno = err;
	return fd;
}

static FILE *fopen_view(const char *path, const char *mode)
{
	FILE *file = NULL;
	int fd;

	if (strchr(mode, '+') || *mode != 'r')
		return NULL;
	fd = open_view(path, strchr(mode, 'e') ? O_CLOEXEC : 0);
	if (fd >= 0)
		file = fdopen(fd, mode);
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

/* The mode of open() is there only with these flags. */
#define mode_of(flags) ({						\
	mode_t mode = 0;						\
	va_list args;							\
									\
	va_start(args, flags);						\
	if ((flags) & (O_CREAT | __O_TMPFILE))				\
		mode = va_arg(args, mode_t);				\
	va_end(args);							\
	mode;								\
})

/* Each of libc's ways to open a file by name, with and without large files. */
#define OPENS(open, openat, open_2, openat_2)				\
int open(const char *path, int flags, ...)				\
{									\
	mode_t mode = mode_of(flags);					\
	int fd = open_view(path, flags);				\
									\
	return fd >= 0 ? fd : real(open)(path, flags, mode);		\
}									\
									\
int openat(int dir, const char *path, int flags, ...)			\
{									\
	mode_t mode = mode_of(flags);					\
	int fd = open_view(path, flags);				\
									\
	return fd >= 0 ? fd : real(openat)(dir, path, flags, mode);	\
}									\
									\
/* What a program built with _FORTIFY_SOURCE calls. */			\
int open_2(const char *path, int flags);				\
int open_2(const char *path, int flags)					\
{									\
	int fd = open_view(path, flags);				\
									\
	return fd >= 0 ? fd : real(open_2)(path, flags);		\
}									\
									\
int openat_2(int dir, const char *path, int flags);			\
int openat_2(int dir, const char *path, int flags)			\
{									\
	int fd = open_view(path, flags);				\
									\
	return fd >= 0 ? fd : real(openat_2)(dir, path, flags);		\
}

OPENS(open, openat, __open_2, __openat_2)
OPENS(open64, openat64, __open64_2, __openat64_2)

FILE *fopen(const char *path, const char *mode)
{
	FILE *file = fopen_view(path, mode);

	return file ? file : real(fopen)(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	FILE *file = fopen_view(path, mode);

	return file ? file : real(fopen64)(path, mode);
}
