// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that come while somebody is in a call on the socket wait in its backlog; those that
 * can be one become one. A send() from memory that userfaultfd holds back keeps the socket's
 * lock for as long as a test wants.
 */
#include "fixture.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE	4096

/**
 * struct holder - a thread in a send() that cannot go on
 * @fd: the socket
 * @uffd: of the page that it sends from
 * @page: that page
 * @sent: what send() has returned
 * @thread: the thread
 */
struct holder {
	int		fd, uffd;
	char		*page;
	ssize_t		sent;
	pthread_t	thread;
};

static void *send_page(void *arg)
{
	struct holder *h = arg;

	h->sent = send(h->fd, h->page, PAGE, MSG_DONTWAIT);
	return NULL;
}

static void hold(struct conn *c, struct holder *h)
{
	struct uffdio_api hello = { .api = UFFD_API };
	struct uffdio_register missing = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	h->fd = c->fd;
	h->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	/* Kernels built for debugging may lack it, and there is no other way to hold a send(). */
	if (h->uffd < 0 && errno == ENOSYS)
		_exit(EXIT_SKIP);
	CHECK(c->w, h->uffd >= 0 && !ioctl(h->uffd, UFFDIO_API, &hello));
	h->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(c->w, h->page != MAP_FAILED);
	missing.range.start = (uintptr_t)h->page;
	missing.range.len = PAGE;
	CHECK(c->w, !ioctl(h->uffd, UFFDIO_REGISTER, &missing));
	CHECK(c->w, !pthread_create(&h->thread, NULL, send_page, h));
	CHECK(c->w, wait_for(h->uffd, POLLIN, 10000));
}

/* The page is there: the send() goes on, @from on in the stream, then the backlog is worked off. */
static void let_go(struct conn *c, struct holder *h, size_t from)
{
	static __u8 data[PAGE] __attribute__((aligned(PAGE)));
	struct uffdio_copy page = {
		.dst = (uintptr_t)h->page, .src = (uintptr_t)data, .len = PAGE,
	};
	size_t i;

	for (i = 0; i < PAGE; i++)
		data[i] = pattern(from + i);
	CHECK(c->w, !ioctl(h->uffd, UFFDIO_COPY, &page));
	CHECK(c->w, !pthread_join(h->thread, NULL));
	CHECK_EQ(c->w, PAGE, h->sent);
	munmap(h->page, PAGE);
	close(h->uffd);
}

/* Two segments while the lock is held: how many have become part of the other? */
static long merged(struct conn *c, const char *first, const char *second)
{
	struct holder h;

	hold(c, &h);
	tx(c, "%s", first);
	tx(c, "%s", second);
	let_go(c, &h, 0);
	return mib(c->w, "TCPBacklogCoalesce");
}

#define FIRST	". seq=1 ack=1 len=100"
#define SECOND	"P. seq=101 ack=1 len=100"

CASE(one_of_many)
{
	struct holder h;
	int i;

	conn_passive(w, c, "mss=1000");
	hold(c, &h);
	for (i = 0; i < 6; i++)
		tx(c, "P. seq=%d ack=1 len=10", 1 + 10 * i);
	let_go(c, &h, 0);
	CHECK_EQ(w, 5, mib(w, "TCPBacklogCoalesce"));
	conn_read(c, 0, 60);
	/* As for one segment there is one ACK, after the data of the send(). */
	rx(c, ". seq=4097 ack=61 skip");
	none(c);
}

/* An acknowledgement and a window that come with the second are heard. */
CASE(ack_and_window_of_the_last)
{
	struct holder h;

	conn_passive(w, c, "mss=1000");
	/* Only what has come later can make the window smaller. */
	tx(c, "P. seq=1 ack=1 len=10");
	tx(c, ". seq=11 ack=1 win=3000");
	conn_write(c, 3000, 0);
	rx(c, ". seq=2001 len=1000 skip");
	hold(c, &h);
	tx(c, ". seq=11 ack=1001 win=2000");
	tx(c, ". seq=11 ack=3001 win=2000");
	let_go(c, &h, 3000);
	CHECK_EQ(w, 1, mib(w, "TCPBacklogCoalesce"));
	rx(c, ". seq=3001 len=1000");
	rx(c, ". seq=4001 len=1000");
	none_for(c, 100);
}

CASE(fin_of_the_second)
{
	conn_passive(w, c, "mss=1000");
	CHECK_EQ(w, 1, merged(c, FIRST, "F. seq=101 ack=1 len=100"));
	conn_read(c, 0, 200);
	conn_eof(c);
	rx(c, ". ack=202 skip");
}

/* After a FIN there is nothing. Kernel TCP makes one of the two, and the FIN moves back. */
CASE(data_behind_a_fin)
{
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	conn_passive(w, c, "mss=1000");
	CHECK_EQ(w, 0, merged(c, "F. seq=1 ack=1 len=100", "P. seq=102 ack=1 len=100"));
	conn_read(c, 0, 100);
	conn_eof(c);
}

CASE(a_hole_between)
{
	conn_passive(w, c, "mss=1000 sackok");
	CHECK_EQ(w, 0, merged(c, FIRST, "P. seq=201 ack=1 len=100"));
	rx(c, ". ack=101 sack=201:301 skip");
	conn_read(c, 0, 100);
}

CASE(urgent_alone)
{
	conn_passive(w, c, "mss=1000");
	sock_set(w, c->fd, SOL_SOCKET, SO_OOBINLINE, 1);
	CHECK_EQ(w, 0, merged(c, FIRST, "PU. seq=101 ack=1 len=100 urg=100"));
	conn_read(c, 0, 199);
	conn_read(c, 199, 1);
}

CASE(reset_alone)
{
	conn_passive(w, c, "mss=1000");
	CHECK_EQ(w, 0, merged(c, FIRST, "R. seq=101 ack=1"));
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}

/* Of two segments with 200 bytes nothing is lost, be they one or not. */
static void two(struct wire *w, struct conn *c, const char *opts, const char *first,
		const char *second, long joined)
{
	conn_passive(w, c, opts);
	CHECK_EQ(w, joined, merged(c, first, second));
	conn_read(c, 0, 200);
}

CASE(other_time)
{
	two(w, c, "mss=1000 ts", FIRST " tsval=5000", SECOND " tsval=5001", 0);
}

CASE(same_time)
{
	two(w, c, "mss=1000 ts", FIRST " tsval=5000", SECOND " tsval=5000", 1);
}

CASE(other_congestion_mark)
{
	two(w, c, "mss=1000", FIRST " tos=2", SECOND " tos=3", 0);
}

CASE(other_echo)
{
	two(w, c, "mss=1000", FIRST, "PE. seq=101 ack=1 len=100", 0);
}

/* Segments that cannot be joined: an ACK for all of them, or one for each. */
static void three_times(struct wire *w, struct conn *c, const char *defer)
{
	struct holder h;
	int i;

	knob_set(w, "tcp_backlog_ack_defer", defer);
	conn_passive(w, c, "mss=1000 ts");
	hold(c, &h);
	for (i = 0; i < 3; i++)
		tx(c, "P. seq=%d ack=1 len=1000 tsval=%d", 1 + 1000 * i, 5000 + i);
	let_go(c, &h, 0);
	CHECK_EQ(w, 0, mib(w, "TCPBacklogCoalesce"));
	conn_read(c, 0, 3000);
}

CASE(acks_deferred)
{
	three_times(w, c, "1");
	rx(c, ". seq=4097 ack=3001 skip");
	none(c);
}

CASE(acks_at_once)
{
	three_times(w, c, "0");
	rx(c, ". seq=4097 ack=1001 skip");
	rx(c, ". seq=4097 ack=2001");
	rx(c, ". seq=4097 ack=3001");
	none(c);
}
