/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one fixture of these tests: a wire of its own for each test, once with
 * the kernel's TCP, which proves the test right, and once with AF_TCPX, over
 * IPv4 and over IPv6.
 */
#ifndef SELFTESTS_WIRE_FIXTURE_H
#define SELFTESTS_WIRE_FIXTURE_H

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../slow.h"
#include "kselftest_harness.h"
#include "../../uapi/tcpx.h"
#include "wire.h"

/*
 * How a test process tells the harness "skipped". The macro SKIP() does not
 * keep the test from running when setup skips in 6.1's harness.
 */
#ifdef FIXTURE_TEARDOWN_PARENT
#define EXIT_SKIP	KSFT_SKIP
#else
#define EXIT_SKIP	255
#endif

/*
 * A subject that exists in one version of IP only says so before it includes
 * this: WIRE_V4_ONLY or WIRE_V6_ONLY. IPv6 sockets that talk IPv4 differ in few
 * things, so only the subjects where they do ask for that: WIRE_MAPPED_TOO.
 */
FIXTURE(wire)
{
	struct kind kind;
};

FIXTURE_VARIANT(wire)
{
	bool tcpx;
	enum face face;
};

/* Where the module has no such sockets their tests skip. */
#ifndef TCPXPROTO_V6
#define TCPXPROTO_V6	41
#endif

#define WIRE_VARIANTS(suffix, version)					\
	FIXTURE_VARIANT_ADD(wire, inet##suffix) {			\
		.tcpx = false, .face = version,				\
	};								\
	FIXTURE_VARIANT_ADD(wire, tcpx##suffix) {			\
		.tcpx = true, .face = version,				\
	}

#ifndef WIRE_V6_ONLY
WIRE_VARIANTS(, FACE_V4);
#endif
#ifndef WIRE_V4_ONLY
WIRE_VARIANTS(6, FACE_V6);
#endif
#ifdef WIRE_MAPPED_TOO
WIRE_VARIANTS(_mapped, FACE_MAPPED);
#endif

/* The number the module runs under, which its parameter family= can move. */
static int tcpx_family(void)
{
	FILE *f = fopen("/sys/module/tcpx/parameters/family", "r");
	int family = AF_TCPX;

	if (f) {
		if (fscanf(f, "%d", &family) != 1)
			family = AF_TCPX;
		fclose(f);
	}
	return family;
}

FIXTURE_SETUP(wire)
{
	bool v6 = variant->face != FACE_V4;
	int fd;

	self->kind.face = variant->face;
	if (variant->tcpx) {
		self->kind.family = tcpx_family();
		self->kind.protocol = v6 ? TCPXPROTO_V6 : TCPXPROTO_V4;
	} else {
		self->kind.family = v6 ? AF_INET6 : AF_INET;
	}
	fd = socket(self->kind.family, SOCK_STREAM, self->kind.protocol);
	if (fd < 0 && variant->tcpx && errno == EAFNOSUPPORT)
		SKIP(_exit(EXIT_SKIP), "AF_TCPX is not there");
	if (fd < 0 && variant->tcpx && v6 && errno == EPROTONOSUPPORT)
		SKIP(_exit(EXIT_SKIP), "the tcpx module has no IPv6");
	ASSERT_GE(fd, 0);
	close(fd);
}

FIXTURE_TEARDOWN(wire)
{
}

/* One run of a test, in a process and a network namespace of its own. */
static int run_case(const struct kind *kind, bool final,
		    void (*body)(struct wire *w, struct conn *c))
{
	struct wire w;
	struct conn c = { .fd = -1 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		wire_open(&w, kind, final);
		body(&w, &c);
		wire_close(&w);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A test; inside it, w is the wire and c a connection to use. */
#define CASE(name)		CASE_TIMEOUT(name, 60)
#define CASE_TIMEOUT(name, seconds)					\
static void case_##name(struct wire *w, struct conn *c);		\
TEST_F_TIMEOUT(wire, name, seconds)					\
{									\
	int status, runs = 0;						\
									\
	do {								\
		status = run_case(&self->kind, ++runs == RUNS,	\
				  case_##name);				\
	} while (status == EXIT_STALLED);				\
	if (status == EXIT_SKIP)					\
		SKIP(_exit(EXIT_SKIP), "this stack has it not");	\
	ASSERT_EQ(0, status);						\
}									\
static void case_##name(struct wire *w, struct conn *c)

/*
 * Selection by name, -v VARIANT and -t TEST, for harnesses that have none (6.1
 * has not; 6.12 has the same options and finds nothing left to leave out).
 */
static const char *option(int argc, char **argv, const char *name)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], name))
			return argv[i + 1];
	return NULL;
}

#define KEEP_NAMED(head, wanted) do {					\
	__typeof__(head) *__at = &(head);				\
	const char *__wanted = (wanted);				\
									\
	while (*__at && __wanted) {					\
		if (strcmp((*__at)->name, __wanted))			\
			*__at = (*__at)->next;				\
		else							\
			__at = &(*__at)->next;				\
	}								\
} while (0)

static void select_tests(int argc, char **argv)
{
	const char *variant = option(argc, argv, "-v");
	const char *test = option(argc, argv, "-t");
	struct __fixture_metadata *f;

	for (f = __fixture_list; f; f = f->next) {
		KEEP_NAMED(f->variant, variant);
		KEEP_NAMED(f->tests, test);
	}
}

/* The harness defines main(); ours goes before it. */
static int harness_main(int argc, char **argv);

#define main harness_main
TEST_HARNESS_MAIN
#undef main

/*
 * The first socket that wants times of packets, and the last one gone, make
 * the kernel patch its receive path. Do that once and not in every test: an
 * emulated CPU can trip over code that another one is patching.
 */
static void keep_timestamps_on(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
}

int main(int argc, char **argv)
{
	keep_timestamps_on();
	select_tests(argc, argv);
	return harness_main(argc, argv);
}

/* sysctl_set() for a knob of newer kernels. Where the host lacks it AF_TCPX has it below
 * net.tcpx, and kernel TCP's test is skipped.
 */
static inline void knob_set(struct wire *w, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	if (!access(path, F_OK)) {
		sysctl_set(w, name, value);
		return;
	}
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	snprintf(path, sizeof(path), "net/tcpx/%s", name);
	if (!sysctl_try(path, value))
		wire_fail(w, __FILE__, __LINE__, "cannot set %s", path);
}

static inline bool kernel_since(struct wire *w, int major, int minor)
{
	int here_major, here_minor;
	struct utsname u;

	CHECK(w, !uname(&u) && sscanf(u.release, "%d.%d", &here_major, &here_minor) == 2);
	return here_major > major || (here_major == major && here_minor >= minor);
}

/* Skips the test for kernel TCP of an earlier release. */
static inline void kernel_tcp_since(struct wire *w, int major, int minor)
{
	if (w->kind.family != AF_TCPX && !kernel_since(w, major, minor))
		_exit(EXIT_SKIP);
}

/* What TCP_INFO says, as far as libc's headers know it. */
static inline struct tcp_info tcp_info_of(const struct conn *c)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t len = sizeof(info);

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info;
}

/* What the link's queue is. First before there is a connection: where the test is skipped, one
 * far away would live on for minutes.
 */
static inline void link_qdisc(const char *qdisc)
{
	char command[160];

	snprintf(command, sizeof(command), "tc qdisc replace dev tun0 root %s", qdisc);
	/* Not in each kernel that is built for tests. */
	if (system(command))
		_exit(EXIT_SKIP);
	wire_resume();
}

/* A link of 80 kbit/s, so that a segment of 1000 bytes takes a tenth of a second. */
static inline void slow_link(void)
{
	link_qdisc("tbf rate 80kbit burst 1600 limit 100000");
}

#endif /* SELFTESTS_WIRE_FIXTURE_H */
