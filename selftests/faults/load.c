// SPDX-License-Identifier: GPL-2.0
/*
 * The module's loading, and the making of a network namespace, with one allocation
 * after the other failing: it has to fail with ENOMEM or ENOBUFS, or to succeed, and without a
 * failure it has to succeed right after. Needs a kernel with fault injection, root,
 * and that nobody uses the module.
 *
 *	load [-n MOST] MODULE insmod|netns
 *
 *	-n	how many allocations to try (300), evenly over all
 *
 * Of loading, those are left out that the kernel makes before it calls the module.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALL	1000000000	/* allocations: more than there are */
#define PATIENCE 600		/* times that the module may be in use still, 50 ms each */

static int fail_fd, home_netns;
static uint8_t module[32 << 20];	/* the file, for reading it must not fail */
static ssize_t module_size;

/* --- faults ------------------------------------------------------------------ */

static void set_fault(int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", nth);

	/* A fault that is still to come strikes this very call. */
	while (pwrite(fail_fd, text, n, 0) != n)
		if (errno != EFAULT)
			err(1, "fail-nth");
}

/* How many more allocations until it comes; 0: it has. */
static int to_come(void)
{
	char text[16] = "";

	if (pread(fail_fd, text, sizeof(text) - 1, 0) < 0) {
		if (errno != EFAULT)
			err(1, "fail-nth");
		return 1;
	}
	return atoi(text);
}

/* --- what is tried ------------------------------------------------------------ */

static int load_with(const char *params)
{
	return syscall(SYS_init_module, module, module_size, params);
}

static int load(void)
{
	return load_with("");
}

static void unload(void)
{
	int tries = 0;

	while (syscall(SYS_delete_module, "tcpx", O_NONBLOCK)) {
		if ((errno != EAGAIN && errno != EBUSY) || ++tries > PATIENCE)
			err(1, "rmmod");
		usleep(50000);
	}
}

/* What the kernel does before our own code, which refuses at once */
static int refuse(void)
{
	return load_with("family=0");
}

static int new_netns(void)
{
	return unshare(CLONE_NEWNET);
}

static void leave_netns(void)
{
	if (setns(home_netns, CLONE_NEWNET))
		err(1, "setns");
}

static int nothing(void)
{
	return 0;
}

static const struct subject {
	const char *name;
	int (*call)(void);
	void (*undo)(void);	/* when it has succeeded */
	int (*before)(void);	/* has the allocations that are left out */
} subjects[] = {
	{ "insmod", load, unload, refuse },
	{ "netns", new_netns, leave_netns, nothing },
};

/* --- */

static void read_module(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = 0;

	do {
		module_size += n;
		n = read(fd, module + module_size, sizeof(module) - module_size);
	} while (n > 0);
	if (n < 0 || module_size == sizeof(module))
		err(1, "%s", path);
	close(fd);
}

static int allocations_of(int (*call)(void))
{
	int left;

	set_fault(ALL);
	call();
	left = to_come();
	set_fault(0);
	return ALL - left;
}

static bool bad(const struct subject *s, int nth, const char *what)
{
	printf("# %s, allocation %d%s: %s\n", s->name, nth, what, strerror(errno));
	return false;
}

/* With the @nth failing; counts in *@failed whether the call did. */
static bool one_fault(const struct subject *s, int nth, int *failed)
{
	int ret, error;

	set_fault(nth);
	ret = s->call();
	error = errno;
	set_fault(0);
	errno = error;
	if (!ret) {
		s->undo();
		return true;
	}
	++*failed;
	/* The latter is what proto_register() makes of it. */
	if (errno != ENOMEM && errno != ENOBUFS)
		return bad(s, nth, "");
	if (s->call())
		return bad(s, nth, ", and again without");
	s->undo();
	return true;
}

static bool all_faults(const struct subject *s, int most)
{
	int first = allocations_of(s->before), last = allocations_of(s->call);
	int nth, tried = 0, failed = 0, stride;
	bool ok = true;

	s->undo();
	if (last <= first)
		errx(1, "%s: %d allocations, %d of them before", s->name, last, first);
	stride = 1 + (last - first - 1) / most;
	/* Another set of them each time */
	for (nth = first + 1 + getpid() % stride; nth <= last; nth += stride, tried++)
		ok &= one_fault(s, nth, &failed);
	printf("%sok 1 - %s: %d of %d allocations, %d failed it\n", ok ? "" : "not ", s->name,
	       tried, last - first, failed);
	return ok;
}

int main(int argc, char **argv)
{
	int c, most = 300;
	size_t i;

	while ((c = getopt(argc, argv, "n:")) != -1) {
		if (c != 'n')
			return 2;
		most = atoi(optarg);
	}
	if (argc - optind != 2 || most < 1)
		errx(2, "usage: load [-n MOST] MODULE insmod|netns");
	read_module(argv[optind]);
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	home_netns = open("/proc/self/ns/net", O_RDONLY);
	if (fail_fd < 0 || home_netns < 0)
		err(1, "fail-nth");
	for (i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		if (strcmp(subjects[i].name, argv[optind + 1]))
			continue;
		c = all_faults(&subjects[i], most);
		printf("1..1\n");
		return !c;
	}
	errx(2, "no '%s'", argv[optind + 1]);
}
