// SPDX-License-Identifier: GPL-2.0
/*
 * Random sequences of socket calls, each made twice: with kernel TCP and with AF_TCPX, in a
 * network namespace each. Results, errno, bytes and the looks of all sockets after each
 * call have to be the same. The first difference is told with its seed, and with a sequence
 * from which all steps are dropped that it does without.
 *
 *	model [-6] [-n SEQUENCES] [-t SECONDS] [-s SEED] [-j JOBS] [-k | -l] [-av]
 *	model -T [-6] [-k] [-t SECONDS] [-s SEED]
 *
 *	-n, -t	how many, and how long at most (200, no bound)
 *	-s	seed of the first sequence: that of a difference repeats it, with -n 1
 *	-j	how many at once (4): most of the time is waiting
 *	-k	kernel TCP both times, which proves the test: nothing may differ
 *	-l	the same, but one of them lies now and then: that has to be found
 *	-a	go on after a difference
 *	-v	print each sequence
 *	-T	several threads at the same sockets: see threads.c
 *
 * Needs root, in a VM.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tcpx.h>
#include "model.h"
#include "../slow.h"

#define HANGS	20	/* seconds after which a sequence counts as stuck */
#define JOBS	16
#define AGAIN	5	/* how often a difference is looked at */

/* What all jobs see */
static struct shared {
	unsigned int next, sequences, steps, passing, ports;
	bool found;
} *all;

static struct {
	unsigned int number, jobs;
	int seconds;
	uint64_t seed;
	bool v6, same, lies, all, verbose, threads;
} opt = { .number = 200, .jobs = 4, .seconds = 1 << 20, .seed = 1 };

static struct stack stacks[2];
static struct story *stories[2];

uint32_t mix64(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
	return x >> 32;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* --- sequences ----------------------------------------------------------------- */

static uint64_t rnd_state;

static uint32_t rnd(void)
{
	return mix64(rnd_state++);
}

static unsigned int choose_call(void)
{
	unsigned int i, total = 0, at;

	for (i = 0; i < calls_nr(); i++)
		total += call_weight(i);
	at = rnd() % total;
	for (i = 0; at >= call_weight(i); i++)
		at -= call_weight(i);
	return i;
}

/* Mostly one that is there, or, to be filled, one that is not. */
static int choose_slot(const bool *there, bool want)
{
	int i, slot = rnd() % SLOTS;

	for (i = 0; i < SLOTS && there[slot] != want && rnd() % 16; i++)
		slot = (slot + 1) % SLOTS;
	return slot;
}

/* What a sequence has in its slots, as far as can be told before */
struct guess {
	bool there[SLOTS], joined[SLOTS];
};

static void note(struct guess *g, int slot, bool there, bool joined)
{
	g->there[slot] = there;
	g->joined[slot] = joined;
}

static void make_step(struct guess *g, struct step *s, bool early)
{
	int fills;

	/* Without a socket there is little to see. */
	do {
		s->call = choose_call();
		fills = call_fills(s->call);
	} while (early && !(fills > 0 && fills & 1));
	s->slot = fills > 0 && fills & 1 ? choose_slot(g->there, false) :
		  choose_slot(call_wants(s->call) && rnd() % 4 ? g->joined : g->there, true);
	s->other = choose_slot(g->there, !(fills > 0 && fills & 2));
	s->a = rnd();
	s->b = rnd();
	s->c = rnd();
	if (fills < 0)
		note(g, s->slot, false, false);
	if (fills > 0 && fills & 1)
		note(g, s->slot, true, fills == 3);
	if (fills > 0 && fills & 2)
		note(g, s->other, true, true);
}

/* The steps that follow from @seed; their number. */
static int make_steps(uint64_t seed, struct step *steps)
{
	struct guess g = {};
	int i, n;

	rnd_state = seed << 20;
	n = 5 + rnd() % (MAX_STEPS - 4);
	for (i = 0; i < n; i++)
		make_step(&g, &steps[i], i < 2);
	return n;
}

/* --- one of them, on both --------------------------------------------------------- */

/* Others of the same namespaces must not have them, nor TIME_WAIT of before. */
static uint16_t take_ports(void)
{
	unsigned int n = __sync_fetch_and_add(&all->ports, 1);

	return FIRST_PORT + n % ((LAST_PORT - FIRST_PORT) / PORTS) * PORTS;
}

static pid_t start(int which, uint16_t base, const struct step *steps, int n)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	tell(&stacks[which], base, steps, n, stories[which]);
	_exit(0);
}

/* Waits for the end of @pid; one that does not come is part of the story. */
static void end(pid_t pid, struct story *story)
{
	int64_t late = now_ms() + HANGS * 1000LL * slow();
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() > late) {
			strncat(story->text[story->done], " hangs", 8);
			/* Its children, too */
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return;
		}
		usleep(1000);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		strncat(story->text[story->done], " dies", 8);
}

/* Runs it on both stacks; the step at which they differ, or -1. */
static int differ_at(const struct step *steps, int n)
{
	uint16_t base = take_ports();
	pid_t pid[2];
	int i;

	memset(stories[0], 0, sizeof(**stories));
	memset(stories[1], 0, sizeof(**stories));
	for (i = 0; i < 2; i++)
		pid[i] = start(i, base, steps, n);
	for (i = 0; i < 2; i++)
		end(pid[i], stories[i]);
	for (i = 0; i < n; i++)
		if (strcmp(stories[0]->text[i], stories[1]->text[i]))
			return i;
	return -1;
}

/* What they said at the step where they were first seen to differ */
static char said[2][TEXT];

/* Does it come each time, the same? What comes by chance is the machine's being busy. */
static bool comes_again(const struct step *steps, int n, int at)
{
	int i;

	memcpy(said[0], stories[0]->text[at], TEXT);
	memcpy(said[1], stories[1]->text[at], TEXT);
	for (i = 0; i < AGAIN; i++)
		if (differ_at(steps, n) != at || strcmp(said[0], stories[0]->text[at]) ||
		    strcmp(said[1], stories[1]->text[at]))
			return false;
	return true;
}

/* Drops steps as long as the last one differs nevertheless; the new number. */
static int shorten(struct step *steps, int n)
{
	struct step shorter[MAX_STEPS];
	int i, size, at;

	for (size = 8; size; size /= 2) {
		for (i = n - 1 - size; i >= 0; i--) {
			memcpy(shorter, steps, i * sizeof(*steps));
			memcpy(shorter + i, steps + i + size, (n - i - size) * sizeof(*steps));
			at = differ_at(shorter, n - size);
			if (at < 0 || shorter[at].call != steps[n - 1].call)
				continue;
			n = at + 1;
			memcpy(steps, shorter, n * sizeof(*steps));
			if (i > n - 1 - size)
				i = n - size;
		}
	}
	return n;
}

/* --- what is found ------------------------------------------------------------- */

static void print_story(int n, int at)
{
	int i;

	for (i = 0; i < n; i++) {
		if (i != at) {
			printf("#   %s\n", stories[0]->text[i]);
			continue;
		}
		printf("# - %s\n", stories[0]->text[i]);
		printf("# + %s\n", stories[1]->text[i]);
	}
	fflush(stdout);
}

static void report(uint64_t seed, struct step *steps, int n, int at)
{
	printf("# seed %llu%s: they differ at step %d of it:\n", (unsigned long long)seed,
	       opt.v6 ? ", IPv6" : "", at);
	n = shorten(steps, at + 1);
	at = differ_at(steps, n);
	print_story(n, at);
}

/* Returns false when a difference was found. */
static bool one_sequence(uint64_t seed)
{
	struct step steps[MAX_STEPS];
	int n = make_steps(seed, steps), at;

	stacks[0].mapped = seed % 4 == 0;
	stacks[1].mapped = stacks[0].mapped;
	at = differ_at(steps, n);
	__sync_fetch_and_add(&all->sequences, 1);
	__sync_fetch_and_add(&all->steps, stories[0]->done);
	if (opt.verbose)
		print_story(stories[0]->done, at);
	if (at < 0)
		return true;
	if (!comes_again(steps, at + 1, at)) {
		__sync_fetch_and_add(&all->passing, 1);
		if (opt.all)
			printf("# by chance, seed %llu:\n# - %s\n# + %s\n",
			       (unsigned long long)seed, said[0], said[1]);
		return true;
	}
	/* The first will do. */
	if (__sync_lock_test_and_set(&all->found, true) && !opt.all)
		return false;
	report(seed, steps, n, at);
	return false;
}

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static int job(int64_t until)
{
	unsigned int n;
	int i;

	for (i = 0; i < 2; i++)
		stories[i] = share(sizeof(**stories));
	while (now_ms() < until && (opt.all || !all->found)) {
		n = __sync_fetch_and_add(&all->next, 1);
		if (n >= opt.number)
			break;
		one_sequence(opt.seed + n);
	}
	return 0;
}

static int all_sequences(void)
{
	int64_t begin = now_ms(), until = begin + opt.seconds * 1000LL;
	bool failed = false;
	unsigned int i;
	int status;

	all = share(sizeof(*all));
	for (i = 0; i < opt.jobs; i++)
		if (!fork())
			_exit(job(until));
	while (wait(&status) > 0)
		failed |= status != 0;
	printf("# seed %llu: %u sequences of %u calls, %u differed once only, %lld s\n",
	       (unsigned long long)opt.seed, all->sequences, all->steps, all->passing,
	       (long long)(now_ms() - begin) / 1000);
	return failed || all->found;
}

/* --- set-up ---------------------------------------------------------------------- */

/* A device that swallows all */
static const char * const set_up[] = {
	"ip link add dummy9 type dummy 2>/dev/null",
	"ip addr add 10.9.9.1/24 dev dummy9",
	"ip addr add fd09::1/64 dev dummy9 nodad",
	"ip link set dummy9 up",
	"echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save",
};

/* A namespace with a loopback, and such a device, if there can be one. */
static int make_netns(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, one = 1;
	size_t i;

	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(1, "lo");
	/* Kept open: who asks for time stamps first, and no more, patches the kernel's code each
	 * time, which qemu's emulation does not survive for ever.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)))
		err(1, "SO_TIMESTAMP");
	for (i = 0; i < sizeof(set_up) / sizeof(*set_up); i++) {
		if (system(set_up[i])) {
			printf("# no dummy device: nothing that is sent is lost\n");
			break;
		}
	}
	return open("/proc/self/ns/net", O_RDONLY);
}

static void make_stacks(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		bool mine = opt.threads ? !opt.same : i && !opt.same;

		stacks[i] = (struct stack){
			.family = mine ? AF_TCPX : opt.v6 ? AF_INET6 : AF_INET,
			.protocol = mine && opt.v6 ? TCPXPROTO_V6 : 0,
			.v6 = opt.v6, .cpu = i, .lies = opt.lies && i,
			.netns = make_netns(),
		};
	}
}

static void parse_args(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "6n:t:s:j:aklvT")) != -1) {
		switch (c) {
		case '6':
			opt.v6 = true;
			break;
		case 'n':
			opt.number = atoi(optarg);
			break;
		case 't':
			opt.seconds = atoi(optarg);
			break;
		case 's':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'j':
			opt.jobs = atoi(optarg);
			break;
		case 'k':
			opt.same = true;
			break;
		case 'l':
			opt.same = true;
			opt.lies = true;
			break;
		case 'a':
			opt.all = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'T':
			opt.threads = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind != argc || opt.jobs < 1 || opt.jobs > JOBS)
		errx(2, "usage: model [-6aklvT] [-n SEQUENCES] [-t SECONDS] [-s SEED] [-j JOBS]");
}

int main(int argc, char **argv)
{
	parse_args(argc, argv);
	setlinebuf(stdout);
	make_stacks();
	if (opt.threads)
		return threads_main(&stacks[0], opt.seconds, opt.seed);
	return all_sequences();
}
