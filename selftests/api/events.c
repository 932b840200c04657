// SPDX-License-Identifier: GPL-2.0
/* Readiness: poll, select, epoll, SIGIO, and the queue lengths. */
#include "api.h"
#include <linux/sockios.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define ALL	(POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM)
#define WRITE	(POLLOUT | POLLWRNORM)
#define READ	(POLLIN | POLLRDNORM)

API_SOCKET_FIXTURE(idle);

/* poll() on what has never been connected. */
TEST_F(idle, poll)
{
	EXPECT_EQ(POLLHUP | WRITE, api_events(self->fd, ALL, 0));
	ASSERT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(0, api_events(self->fd, ALL, 0));
}

API_PAIR_FIXTURE(ready);

/* What poll() finds on self->s after each event of a connection's life. */
TEST_F(ready, poll)
{
	char x;

	EXPECT_EQ(WRITE, api_events(self->s, ALL, 0));
	EXPECT_EQ(WRITE, api_events(self->c, ALL, 0));
	EXPECT_EQ(0, api_events(self->l, ALL, 0));

	api_send(self->c, "x", 1);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(READ | WRITE, api_events(self->s, ALL, 0));
	api_recv(self->s, &x, 1);
	EXPECT_EQ(WRITE, api_events(self->s, ALL, 0));

	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(READ | WRITE | POLLRDHUP, api_events(self->s, ALL, 0));
	EXPECT_EQ(WRITE, api_events(self->c, ALL, 0));

	ASSERT_EQ(0, shutdown(self->s, SHUT_WR));
	EXPECT_EQ(READ | WRITE | POLLRDHUP | POLLHUP,
		  api_events(self->s, ALL, 0));
	EXPECT_TRUE(API_WAIT(api_events(self->c, ALL, 0) ==
			     (READ | WRITE | POLLRDHUP | POLLHUP)));
}

/* One byte out of band: poll() tells, recv(MSG_OOB) has it, the stream goes on. */
TEST_F(ready, urgent)
{
	char buf[8] = "";
	int mark = -1;

	api_send(self->c, "ab", 2);
	ASSERT_EQ(1, SYS(send(self->c, "!", 1, MSG_OOB)));
	api_send(self->c, "cd", 2);
	ASSERT_TRUE(API_WAIT(api_events(self->s, ALL, 0) & POLLPRI));
	EXPECT_EQ(1, SYS(recv(self->s, buf, sizeof(buf), MSG_OOB | MSG_PEEK)));
	EXPECT_EQ('!', buf[0]);
	EXPECT_EQ(1, SYS(recv(self->s, buf, sizeof(buf), MSG_OOB)));
	EXPECT_EQ('!', buf[0]);
	EXPECT_EQ(-EINVAL, SYS(recv(self->s, buf, sizeof(buf), MSG_OOB)));
	EXPECT_EQ(0, api_events(self->s, POLLPRI, 0));

	/* A read stops at the mark. */
	EXPECT_EQ(2, SYS(recv(self->s, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, memcmp(buf, "ab", 2));
	EXPECT_EQ(0, SYS(ioctl(self->s, SIOCATMARK, &mark)));
	EXPECT_EQ(1, mark);
	api_recv(self->s, buf, 2);
	EXPECT_EQ(0, memcmp(buf, "cd", 2));
	EXPECT_EQ(0, SYS(ioctl(self->s, SIOCATMARK, &mark)));
	EXPECT_EQ(0, mark);
}

TEST_F(ready, urgent_inline)
{
	char buf[8] = "";
	int mark = -1;

	api_opt(self->s, SOL_SOCKET, SO_OOBINLINE, 1);
	ASSERT_EQ(3, SYS(send(self->c, "ab!", 3, MSG_OOB)));
	ASSERT_TRUE(API_WAIT(api_events(self->s, ALL, 0) & POLLPRI));
	EXPECT_EQ(-EINVAL, SYS(recv(self->s, buf, sizeof(buf), MSG_OOB)));
	EXPECT_EQ(2, SYS(recv(self->s, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, SYS(ioctl(self->s, SIOCATMARK, &mark)));
	EXPECT_EQ(1, mark);
	EXPECT_EQ(1, SYS(recv(self->s, buf, sizeof(buf), 0)));
	EXPECT_EQ('!', buf[0]);
}

TEST_F(ready, urgent_absent)
{
	char x;

	EXPECT_EQ(-EINVAL, SYS(recv(self->s, &x, 1, MSG_OOB)));
	EXPECT_EQ(0, api_events(self->s, POLLPRI, 0));
}

TEST_F(ready, poll_after_reset)
{
	struct linger linger = { 1, 0 };

	ASSERT_EQ(0, setsockopt(self->c, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	close(self->c);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(READ | WRITE | POLLRDHUP | POLLHUP | POLLERR,
		  api_events(self->s, ALL, 0));
	EXPECT_EQ(POLLHUP | POLLERR, api_events(self->s, 0, 0));
	EXPECT_EQ(ECONNRESET, api_getopt(self->s, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(READ | WRITE | POLLRDHUP | POLLHUP,
		  api_events(self->s, ALL, 0));
}

TEST_F(ready, poll_after_shutdown_of_reading)
{
	ASSERT_EQ(0, shutdown(self->s, SHUT_RD));
	EXPECT_EQ(READ | WRITE | POLLRDHUP, api_events(self->s, ALL, 0));
	EXPECT_EQ(WRITE, api_events(self->c, ALL, 0));
}

/* A full send queue is not writable until a good part of it is free. */
TEST_F(ready, poll_of_a_full_queue)
{
	static uint8_t buf[1 << 16];
	size_t left;
	ssize_t n;

	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	left = api_fill(self->c);
	EXPECT_EQ(0, api_events(self->c, ALL, 0));
	while (left) {
		ASSERT_TRUE(api_readable(self->s));
		n = recv(self->s, buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		left -= n;
	}
	EXPECT_EQ(WRITE, api_events(self->c, ALL, API_DEADLINE_MS));
}

TEST_F(ready, select)
{
	struct timeval tv = { 0 };
	fd_set r, w, e;
	int nfds = 1 + (self->s > self->l ? self->s : self->l);

	FD_ZERO(&r);
	FD_SET(self->s, &r);
	FD_SET(self->l, &r);
	w = r;
	e = r;
	EXPECT_EQ(1, select(nfds, &r, &w, &e, &tv));
	EXPECT_TRUE(FD_ISSET(self->s, &w));

	api_send(self->c, "x", 1);
	ASSERT_LE(0, api_connected(variant->client, &self->addr));
	ASSERT_TRUE(api_readable(self->s) && api_readable(self->l));
	FD_ZERO(&r);
	FD_SET(self->s, &r);
	FD_SET(self->l, &r);
	EXPECT_EQ(2, select(nfds, &r, NULL, NULL, &tv));
	EXPECT_TRUE(FD_ISSET(self->s, &r));
	EXPECT_TRUE(FD_ISSET(self->l, &r));
}

static int watch(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };
	int ep = epoll_create1(0);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		api_die("epoll");
	return ep;
}

/* The events found within the time given, 0 for none. */
static uint32_t found(int ep, int timeout_ms)
{
	struct epoll_event ev;
	int n = epoll_wait(ep, &ev, 1, timeout_ms);

	if (n < 0)
		api_die("epoll_wait");
	return n ? ev.events : 0;
}

TEST_F(ready, epoll_level)
{
	int ep = watch(self->s, EPOLLIN | EPOLLRDHUP);
	char x;

	EXPECT_EQ(0, found(ep, 0));
	api_send(self->c, "xy", 2);
	EXPECT_EQ(EPOLLIN, found(ep, API_DEADLINE_MS));
	api_recv(self->s, &x, 1);
	EXPECT_EQ(EPOLLIN, found(ep, 0));
	api_recv(self->s, &x, 1);
	EXPECT_EQ(0, found(ep, 0));
	close(self->c);
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP, found(ep, API_DEADLINE_MS));
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP, found(ep, 0));
}

/* An edge is told once, and again with every new arrival. */
TEST_F(ready, epoll_edge)
{
	int ep = watch(self->s, EPOLLIN | EPOLLRDHUP | EPOLLET);
	char x;

	EXPECT_EQ(0, found(ep, 0));
	api_send(self->c, "x", 1);
	EXPECT_EQ(EPOLLIN, found(ep, API_DEADLINE_MS));
	EXPECT_EQ(0, found(ep, 20));
	api_send(self->c, "y", 1);
	EXPECT_EQ(EPOLLIN, found(ep, API_DEADLINE_MS));
	EXPECT_EQ(0, found(ep, 20));
	api_recv(self->s, &x, 1);
	EXPECT_EQ(0, found(ep, 20));
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP, found(ep, API_DEADLINE_MS));
	/* A FIN may wake twice: for the new state, and for the end of the stream. */
	found(ep, 20);
	EXPECT_EQ(0, found(ep, 20));
}

TEST_F(ready, epoll_edge_of_writability)
{
	static uint8_t buf[1 << 16];
	int ep = watch(self->c, EPOLLOUT | EPOLLET);
	size_t left;
	ssize_t n;

	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	EXPECT_EQ(EPOLLOUT, found(ep, 0));
	EXPECT_EQ(0, found(ep, 20));
	left = api_fill(self->c);
	/* Spend the edges that came along while filling. */
	found(ep, 0);
	ASSERT_EQ(-EAGAIN, SYS(send(self->c, buf, 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, found(ep, 20));
	while (left) {
		ASSERT_TRUE(api_readable(self->s));
		n = recv(self->s, buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		left -= n;
	}
	EXPECT_EQ(EPOLLOUT, found(ep, API_DEADLINE_MS));
}

TEST_F(ready, epoll_oneshot)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	int ep = watch(self->s, EPOLLIN | EPOLLONESHOT);

	api_send(self->c, "x", 1);
	EXPECT_EQ(EPOLLIN, found(ep, API_DEADLINE_MS));
	api_send(self->c, "y", 1);
	EXPECT_EQ(0, found(ep, 20));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->s, &ev));
	EXPECT_EQ(EPOLLIN, found(ep, 0));
}

TEST_F(ready, epoll_listener)
{
	int ep = watch(self->l, EPOLLIN | EPOLLET), i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, found(ep, 0));
		api_connected(variant->client, &self->addr);
		EXPECT_EQ(EPOLLIN, found(ep, API_DEADLINE_MS));
	}
	/* Three are waiting although nothing new has happened. */
	for (i = 0; i < 3; i++)
		EXPECT_LE(0, api_accept(self->l));
	EXPECT_EQ(0, found(ep, 0));
}

TEST_F(ready, epoll_connect)
{
	int c = api_socket(variant->client, SOCK_NONBLOCK);
	int ep = watch(c, EPOLLIN | EPOLLOUT | EPOLLET);

	EXPECT_EQ(EPOLLOUT | EPOLLHUP, found(ep, 0));
	ASSERT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_EQ(EPOLLOUT, found(ep, API_DEADLINE_MS));
	EXPECT_EQ(0, api_getopt(c, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, found(ep, 20));
	close(c);

	self->addr.sin_port = htons(1);
	c = api_socket(variant->client, SOCK_NONBLOCK);
	ASSERT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	ep = watch(c, EPOLLIN | EPOLLOUT);
	EXPECT_TRUE(API_WAIT(found(ep, 0) & EPOLLHUP));
	EXPECT_EQ(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP, found(ep, 0));
	EXPECT_EQ(ECONNREFUSED, api_getopt(c, SOL_SOCKET, SO_ERROR));
}

/* One socket in two epoll sets, one set inside another, exclusive waiters. */
TEST_F(ready, epoll_sets)
{
	int a = watch(self->s, EPOLLIN), b = watch(self->s, EPOLLIN);
	int outer = watch(a, EPOLLIN);
	int exclusive = watch(self->s, EPOLLIN | EPOLLEXCLUSIVE);

	EXPECT_EQ(0, found(outer, 0));
	api_send(self->c, "x", 1);
	EXPECT_EQ(EPOLLIN, found(outer, API_DEADLINE_MS));
	EXPECT_EQ(EPOLLIN, found(a, API_DEADLINE_MS));
	EXPECT_EQ(EPOLLIN, found(b, API_DEADLINE_MS));
	EXPECT_EQ(EPOLLIN, found(exclusive, API_DEADLINE_MS));
	/* A closed socket leaves its sets by itself. */
	close(self->s);
	EXPECT_EQ(0, found(a, 0));
	EXPECT_EQ(0, found(outer, 0));
}

/* Two hundred connections in one set, each with its own byte. */
TEST_F(ready, epoll_many)
{
	enum { N = 200 };
	struct epoll_event ev = { .events = EPOLLIN }, events[16];
	int ep = epoll_create1(0), c[N], s[N], i, n, seen = 0;
	uint8_t byte;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, listen(self->l, N));
	for (i = 0; i < N; i++) {
		c[i] = api_connected(variant->client, &self->addr);
		s[i] = api_accept(self->l);
		ev.data.u32 = i;
		ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, s[i], &ev));
	}
	for (i = 0; i < N; i++) {
		byte = i;
		api_send(c[i], &byte, 1);
	}
	while (seen < N) {
		n = epoll_wait(ep, events, 16, API_DEADLINE_MS);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++, seen++) {
			ASSERT_EQ(1, recv(s[events[i].data.u32], &byte, 1, 0));
			EXPECT_EQ((uint8_t)events[i].data.u32, byte);
		}
	}
	EXPECT_EQ(0, found(ep, 0));
	for (i = 0; i < N; i++) {
		close(c[i]);
		close(s[i]);
	}
}

static volatile sig_atomic_t sigio, sigio_fd, sigio_band;

static void on_sigio(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	sigio++;
	sigio_fd = info->si_fd;
	sigio_band = info->si_band;
}

TEST_F(ready, signals)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigio,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	ASSERT_EQ(0, sigaction(SIGIO, &sa, NULL));
	ASSERT_EQ(0, fcntl(self->s, F_SETOWN, getpid()));
	EXPECT_EQ(getpid(), fcntl(self->s, F_GETOWN));
	ASSERT_EQ(0, fcntl(self->s, F_SETSIG, SIGIO));
	ASSERT_EQ(0, fcntl(self->s, F_SETFL, O_ASYNC));
	api_send(self->c, "x", 1);
	ASSERT_TRUE(API_WAIT(sigio && sigio_band & POLLIN));
	EXPECT_EQ(self->s, sigio_fd);

	/* A listener tells of connections. */
	sigio = 0;
	ASSERT_EQ(0, fcntl(self->l, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->l, F_SETSIG, SIGIO));
	ASSERT_EQ(0, fcntl(self->l, F_SETFL, O_ASYNC));
	api_connected(variant->client, &self->addr);
	ASSERT_TRUE(API_WAIT(sigio));
	EXPECT_EQ(self->l, sigio_fd);

	/* Switched off, it is quiet. */
	ASSERT_EQ(0, fcntl(self->s, F_SETFL, 0));
	sigio = 0;
	api_send(self->c, "y", 1);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_TRUE(API_STAYS(!sigio));
}

static int queue(int fd, unsigned long which)
{
	int len = -1;

	if (ioctl(fd, which, &len))
		api_die("ioctl(%#lx)", which);
	return len;
}

TEST_F(ready, queue_lengths)
{
	char buf[100] = "";
	size_t sum;

	EXPECT_EQ(0, queue(self->s, SIOCINQ));
	EXPECT_EQ(0, queue(self->c, SIOCOUTQ));
	api_send(self->c, buf, 100);
	EXPECT_TRUE(API_WAIT(queue(self->s, SIOCINQ) == 100));
	EXPECT_EQ(100, queue(self->s, FIONREAD));
	api_recv(self->s, buf, 30);
	EXPECT_EQ(70, queue(self->s, SIOCINQ));
	/* All is acknowledged, sooner or later. */
	EXPECT_TRUE(API_WAIT(queue(self->c, SIOCOUTQ) == 0));
	EXPECT_EQ(0, queue(self->c, SIOCOUTQNSD));

	/* The end does not count. */
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	EXPECT_EQ(70, queue(self->s, SIOCINQ));

	/* Against a reader that does not read, bytes pile up at both ends. */
	api_opt(self->s, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->c, SOL_SOCKET, SO_RCVBUF, 30000);
	sum = api_fill(self->s);
	EXPECT_TRUE(API_WAIT(queue(self->s, SIOCOUTQ) +
			     queue(self->c, SIOCINQ) == (int)sum));
	EXPECT_LT(0, queue(self->s, SIOCOUTQNSD));
	EXPECT_GE(queue(self->s, SIOCOUTQ), queue(self->s, SIOCOUTQNSD));

	EXPECT_EQ(-EINVAL, SYS(ioctl(self->l, SIOCOUTQ, &sum)));
	EXPECT_EQ(-EINVAL, SYS(ioctl(self->l, SIOCINQ, &sum)));
}

TEST_HARNESS_MAIN
