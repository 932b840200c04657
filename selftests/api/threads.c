// SPDX-License-Identifier: GPL-2.0
/* Several threads on one socket, and calls that end other threads' waiting. */
#include "api.h"
#include <pthread.h>
#include <sys/syscall.h>

API_PAIR_FIXTURE(threads);

/* A blocking call in a thread of its own, and how it ended. */
struct call {
	pthread_t thread;
	long (*fn)(int fd);
	int fd, tid;
	long ret;
	volatile bool done;
};

static void *run(void *arg)
{
	struct call *call = arg;

	__atomic_store_n(&call->tid, gettid(), __ATOMIC_RELEASE);
	call->ret = call->fn(call->fd);
	call->done = true;
	return NULL;
}

/* Start it and see it sleep. */
static void start(struct call *call, long (*fn)(int fd), int fd)
{
	*call = (struct call){ .fn = fn, .fd = fd };
	if (pthread_create(&call->thread, NULL, run, call))
		api_die("pthread_create");
	if (!API_WAIT(__atomic_load_n(&call->tid, __ATOMIC_ACQUIRE)) ||
	    !api_sleeps(call->tid))
		api_die("the call does not wait");
}

static long result(struct call *call)
{
	if (!API_WAIT(call->done))
		api_die("the call goes on waiting");
	pthread_join(call->thread, NULL);
	return call->ret;
}

static long do_recv(int fd)
{
	char x;

	return SYS(recv(fd, &x, 1, 0));
}

/* Until there is an error: a late probe may make room for a little. */
static long do_send(int fd)
{
	static char buf[8 << 20];
	long n;

	do {
		n = SYS(send(fd, buf, sizeof(buf), MSG_NOSIGNAL));
	} while (n > 0);
	return n;
}

static long do_accept(int fd)
{
	return SYS(accept(fd, NULL, NULL));
}

static long do_poll(int fd)
{
	return api_events(fd, POLLIN | POLLRDHUP, -1);
}

TEST_F(threads, shutdown_wakes_accept)
{
	struct call a, b;

	start(&a, do_accept, self->l);
	start(&b, do_accept, self->l);
	ASSERT_EQ(0, shutdown(self->l, SHUT_RD));
	EXPECT_EQ(-EINVAL, result(&a));
	EXPECT_EQ(-EINVAL, result(&b));
}

TEST_F(threads, shutdown_wakes_recv)
{
	struct call a, b;

	start(&a, do_recv, self->s);
	start(&b, do_recv, self->s);
	ASSERT_EQ(0, shutdown(self->s, SHUT_RD));
	EXPECT_EQ(0, result(&a));
	EXPECT_EQ(0, result(&b));
}

TEST_F(threads, shutdown_wakes_poll)
{
	struct call a;

	start(&a, do_poll, self->s);
	ASSERT_EQ(0, shutdown(self->s, SHUT_RD));
	EXPECT_EQ(POLLIN | POLLRDHUP, result(&a));
}

TEST_F(threads, shutdown_wakes_send)
{
	struct call a;

	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	api_fill(self->c);
	start(&a, do_send, self->c);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(-EPIPE, result(&a));
}

TEST_F(threads, reset_wakes_all)
{
	struct linger linger = { 1, 0 };
	struct call r, p;
	long a, b;

	start(&r, do_recv, self->c);
	start(&p, do_poll, self->c);
	ASSERT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	close(self->s);
	a = result(&r);
	b = result(&p);
	EXPECT_EQ(-ECONNRESET, a);
	EXPECT_EQ(POLLHUP, b & POLLHUP);
}

/* close() by another thread: who waits goes on waiting, on the same socket. */
TEST_F(threads, close_during_recv)
{
	int copy = dup(self->s);
	struct call a;

	start(&a, do_recv, self->s);
	close(self->s);
	EXPECT_TRUE(API_STAYS(!a.done));
	api_send(self->c, "x", 1);
	EXPECT_EQ(1, result(&a));
	close(copy);

	/* Even as the last holder: the call itself keeps it. */
	self->c = api_connected(variant->client, &self->addr);
	self->s = api_accept(self->l);
	start(&a, do_recv, self->s);
	close(self->s);
	EXPECT_TRUE(API_STAYS(!a.done));
	api_send(self->c, "x", 1);
	EXPECT_EQ(1, result(&a));
	EXPECT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE_WAIT));
}

TEST_F(threads, close_during_accept)
{
	struct call a;
	int c;

	start(&a, do_accept, self->l);
	close(self->l);
	EXPECT_TRUE(API_STAYS(!a.done));
	c = api_connected(variant->client, &self->addr);
	EXPECT_LE(0, result(&a));
	close(c);
	/* Now it is closed. */
	c = api_socket(variant->client, 0);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &self->addr)));
}

/* Writers and readers by the dozen; every byte arrives at one of them. */
enum { WORKERS = 6, BLOCK = 1000, BLOCKS = 300 };

static void *writer(void *arg)
{
	uint8_t buf[BLOCK];
	int fd = *(int *)arg, i;

	for (i = 0; i < BLOCKS; i++) {
		memset(buf, i, sizeof(buf));
		if (send(fd, buf, sizeof(buf), 0) != sizeof(buf))
			return (void *)1;
	}
	return NULL;
}

struct tally {
	int fd;
	unsigned long bytes, sum;
};

static void *reader(void *arg)
{
	struct tally *tally = arg;
	uint8_t buf[700];
	ssize_t n, i;

	while ((n = recv(tally->fd, buf, sizeof(buf), 0)) > 0) {
		tally->bytes += n;
		for (i = 0; i < n; i++)
			tally->sum += buf[i];
	}
	return (void *)n;
}

TEST_F(threads, many_on_one_socket)
{
	struct tally tally[WORKERS] = { 0 };
	pthread_t w[WORKERS], r[WORKERS];
	unsigned long bytes = 0, sum = 0, expected = 0;
	void *ret;
	int i;

	for (i = 0; i < BLOCKS; i++)
		expected += (uint8_t)i * (unsigned long)BLOCK * WORKERS;
	for (i = 0; i < WORKERS; i++) {
		tally[i].fd = self->s;
		ASSERT_EQ(0, pthread_create(&w[i], NULL, writer, &self->c));
		ASSERT_EQ(0, pthread_create(&r[i], NULL, reader, &tally[i]));
	}
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(w[i], &ret));
		EXPECT_NULL(ret);
	}
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(0, pthread_join(r[i], &ret));
		EXPECT_NULL(ret);
		bytes += tally[i].bytes;
		sum += tally[i].sum;
	}
	EXPECT_EQ(WORKERS * BLOCK * BLOCKS, bytes);
	EXPECT_EQ(expected, sum);
}

/* Connecting and closing in several threads against one listener. */
static void *churn(void *arg)
{
	const struct sockaddr_in *addr = arg;
	int family = ntohs(addr->sin_port) && addr->sin_zero[0] ? AF_TCPX :
								  AF_INET;
	struct sockaddr_in to = *addr;
	int i, fd;
	char x;

	memset(to.sin_zero, 0, sizeof(to.sin_zero));
	for (i = 0; i < 50; i++) {
		fd = api_connected(family, &to);
		if (send(fd, "q", 1, MSG_NOSIGNAL) != 1 ||
		    recv(fd, &x, 1, 0) != 1)
			return (void *)1;
		close(fd);
	}
	return NULL;
}

static void *serve(void *arg)
{
	int l = *(int *)arg, s;
	char x;

	while ((s = accept(l, NULL, NULL)) >= 0) {
		if (recv(s, &x, 1, 0) == 1)
			send(s, &x, 1, MSG_NOSIGNAL);
		close(s);
	}
	return NULL;
}

TEST_F(threads, connections_come_and_go)
{
	struct sockaddr_in to = self->addr;
	pthread_t c[4], s[2];
	void *ret;
	int i;

	/* Tells the threads which family. */
	to.sin_zero[0] = variant->client == AF_TCPX;
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&s[i], NULL, serve, &self->l));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&c[i], NULL, churn, &to));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_join(c[i], &ret));
		EXPECT_NULL(ret);
	}
	ASSERT_EQ(0, shutdown(self->l, SHUT_RD));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_join(s[i], &ret));
}

/* bind, connect, listen and close race each other; nothing but errors. */
static void *racer(void *arg)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int fd = *(int *)arg, i;

	for (i = 0; i < 60; i++) {
		api_bind(fd, &addr);
		listen(fd, 1);
		accept(fd, NULL, NULL);
		api_connect(fd, &addr);
		send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		api_dissolve(fd);
		shutdown(fd, SHUT_RDWR);
	}
	return NULL;
}

TEST_F(threads, races)
{
	int fd = api_socket(variant->client, SOCK_NONBLOCK), i;
	pthread_t t[4];

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, racer, &fd));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_join(t[i], NULL));
	/* After all that it is as good a socket as any. */
	EXPECT_EQ(0, SYS(api_dissolve(fd)));
	fcntl(fd, F_SETFL, 0);
	api_getopt(fd, SOL_SOCKET, SO_ERROR);
	EXPECT_EQ(0, SYS(api_connect(fd, &self->addr)));
	close(fd);
}

TEST_HARNESS_MAIN
