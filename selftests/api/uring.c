// SPDX-License-Identifier: GPL-2.0
/* io_uring on sockets: accept, connect, send, recv, poll, cancel, close. */
#include "api.h"
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define ENTRIES	16

struct ring {
	int fd;
	struct io_uring_sqe *sqes;
	uint8_t *sq, *cq;
	struct io_uring_params p;
};

static unsigned int *word(uint8_t *base, unsigned int offset)
{
	return (unsigned int *)(base + offset);
}

/* Set up a ring; false when the kernel has none to give. */
static bool ring_open(struct ring *r)
{
	size_t size;

	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &r->p);
	if (r->fd < 0)
		return false;
	/* One mapping holds both queues (IORING_FEAT_SINGLE_MMAP, since 5.4). */
	size = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	r->sq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		     IORING_OFF_SQ_RING);
	r->cq = r->sq;
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		       IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->sqes == MAP_FAILED)
		api_die("mmap of the ring");
	return true;
}

/* Hand one request in; DATA comes back with its completion. */
static void submit(struct ring *r, struct io_uring_sqe sqe, uint64_t data)
{
	unsigned int *tail = word(r->sq, r->p.sq_off.tail);
	unsigned int i = *tail & (r->p.sq_entries - 1);

	sqe.user_data = data;
	r->sqes[i] = sqe;
	word(r->sq, r->p.sq_off.array)[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) != 1)
		api_die("io_uring_enter");
}

/* Whether a completion is there; it is not taken. */
static bool ready(struct ring *r)
{
	return *word(r->cq, r->p.cq_off.head) !=
	       __atomic_load_n(word(r->cq, r->p.cq_off.tail), __ATOMIC_ACQUIRE);
}

struct completion {
	uint64_t user_data;
	int res;
	unsigned int flags;
};

/* The next completion. */
static struct completion complete(struct ring *r)
{
	unsigned int *head = word(r->cq, r->p.cq_off.head);
	struct io_uring_cqe *cqe = (void *)(r->cq + r->p.cq_off.cqes);
	struct completion done;

	/* Entering lets deferred work of this task run. */
	if (!API_WAIT((syscall(SYS_io_uring_enter, r->fd, 0, 0,
			       IORING_ENTER_GETEVENTS, NULL, 0), ready(r))))
		api_die("no completion");
	cqe += *head & (r->p.cq_entries - 1);
	done = (struct completion){ cqe->user_data, cqe->res, cqe->flags };
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return done;
}

static struct io_uring_sqe request(int op, int fd, const void *addr,
				   unsigned int len)
{
	return (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (uintptr_t)addr, .len = len,
	};
}

static struct io_uring_sqe poll_for(int fd, unsigned int events)
{
	struct io_uring_sqe sqe = request(IORING_OP_POLL_ADD, fd, NULL, 0);

	sqe.poll32_events = events;
	return sqe;
}

FIXTURE(uring) {
	struct ring r;
	int l, c, s;
	struct sockaddr_in addr;
};

API_PAIR_VARIANTS(uring);

FIXTURE_SETUP(uring)
{
	API_BEGIN_PAIR(variant->client, variant->server);
	if (!ring_open(&self->r))
		API_SKIP("no io_uring: %s", strerror(errno));
	self->l = api_listener(variant->server, &self->addr);
	self->c = api_connected(variant->client, &self->addr);
	self->s = api_accept(self->l);
}

FIXTURE_TEARDOWN(uring)
{
	close(self->r.fd);
	close(self->l);
	close(self->c);
	close(self->s);
}

TEST_F(uring, accept_and_connect)
{
	struct sockaddr_in6 from, to;
	socklen_t len = sizeof(from), to_len = api_sockaddr(&self->addr, &to);
	struct io_uring_sqe sqe = request(IORING_OP_ACCEPT, self->l, &from, 0);
	int c = api_socket(variant->client, 0), i, s = -1;
	struct completion cqe;
	char x;

	sqe.addr2 = (uintptr_t)&len;
	sqe.accept_flags = SOCK_CLOEXEC;
	submit(&self->r, sqe, 1);
	EXPECT_TRUE(API_STAYS(!ready(&self->r)));

	sqe = request(IORING_OP_CONNECT, c, &to, 0);
	sqe.off = to_len;
	submit(&self->r, sqe, 2);
	for (i = 0; i < 2; i++) {
		cqe = complete(&self->r);
		EXPECT_LE(0, cqe.res);
		if (cqe.user_data == 1)
			s = cqe.res;
		else
			EXPECT_EQ(0, cqe.res);
	}
	ASSERT_LE(0, s);
	EXPECT_EQ(FD_CLOEXEC, fcntl(s, F_GETFD));
	EXPECT_EQ(api_port(c), ntohs(api_from(&from, len).sin_port));
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	EXPECT_EQ('x', x);
	close(c);
	close(s);
}

TEST_F(uring, connect_refused)
{
	struct sockaddr_in6 to;
	int c = api_socket(variant->client, 0);
	struct io_uring_sqe sqe = request(IORING_OP_CONNECT, c, &to, 0);

	self->addr.sin_port = htons(1);
	sqe.off = api_sockaddr(&self->addr, &to);
	submit(&self->r, sqe, 1);
	EXPECT_EQ(-ECONNREFUSED, complete(&self->r).res);
	close(c);
}

TEST_F(uring, send_and_recv)
{
	char in[16] = "";
	struct iovec iov[2] = { { in, 2 }, { in + 2, 14 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct io_uring_sqe sqe;

	/* The receive waits in the ring for what is sent later. */
	submit(&self->r, request(IORING_OP_RECV, self->s, in, sizeof(in)), 1);
	EXPECT_TRUE(API_STAYS(!ready(&self->r)));
	submit(&self->r, request(IORING_OP_SEND, self->c, "uring", 5), 2);
	EXPECT_EQ(5, complete(&self->r).res);
	EXPECT_EQ(5, complete(&self->r).res);
	EXPECT_STREQ("uring", in);

	submit(&self->r, request(IORING_OP_RECVMSG, self->s, &msg, 1), 1);
	api_send(self->c, "message", 7);
	EXPECT_EQ(7, complete(&self->r).res);
	EXPECT_STREQ("message", in);

	memset(in, 0, sizeof(in));
	sqe = request(IORING_OP_RECV, self->s, in, 6);
	sqe.msg_flags = MSG_WAITALL;
	submit(&self->r, sqe, 1);
	api_send(self->c, "abc", 3);
	EXPECT_TRUE(API_STAYS(!ready(&self->r)));
	api_send(self->c, "def", 3);
	EXPECT_EQ(6, complete(&self->r).res);
	EXPECT_STREQ("abcdef", in);
}

TEST_F(uring, read_and_write)
{
	char in[8] = "";

	submit(&self->r, request(IORING_OP_WRITE, self->c, "rw", 2), 1);
	EXPECT_EQ(2, complete(&self->r).res);
	submit(&self->r, request(IORING_OP_READ, self->s, in, 8), 2);
	EXPECT_EQ(2, complete(&self->r).res);
	EXPECT_STREQ("rw", in);
	shutdown(self->c, SHUT_WR);
	submit(&self->r, request(IORING_OP_READ, self->s, in, 8), 3);
	EXPECT_EQ(0, complete(&self->r).res);
}

TEST_F(uring, poll)
{
	submit(&self->r, poll_for(self->s, POLLIN), 1);
	EXPECT_TRUE(API_STAYS(!ready(&self->r)));
	api_send(self->c, "x", 1);
	EXPECT_EQ(POLLIN, complete(&self->r).res);
	submit(&self->r, poll_for(self->s, POLLOUT), 2);
	EXPECT_EQ(POLLOUT, complete(&self->r).res);
	submit(&self->r, poll_for(self->s, POLLRDHUP), 3);
	EXPECT_TRUE(API_STAYS(!ready(&self->r)));
	shutdown(self->c, SHUT_WR);
	EXPECT_EQ(POLLRDHUP, complete(&self->r).res);
}

/* A big send waits for room without blocking the one who asked for it. */
TEST_F(uring, send_waits_for_room)
{
	enum { LEN = 4 << 20 };
	struct io_uring_sqe sqe;
	static uint8_t out[LEN], in[1 << 16];
	size_t got = 0;
	ssize_t n;

	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_pattern(out, LEN, 0);
	sqe = request(IORING_OP_SEND, self->c, out, LEN);
	sqe.msg_flags = MSG_WAITALL;
	submit(&self->r, sqe, 1);
	while (got < LEN) {
		/* The ring goes on when this task enters it. */
		syscall(SYS_io_uring_enter, self->r.fd, 0, 0,
			IORING_ENTER_GETEVENTS, NULL, 0);
		n = recv(self->s, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			ASSERT_TRUE(API_WAIT((syscall(SYS_io_uring_enter,
						      self->r.fd, 0, 0,
						      IORING_ENTER_GETEVENTS,
						      NULL, 0),
					      api_events(self->s, POLLIN, 0))));
			continue;
		}
		ASSERT_LT(0, n);
		ASSERT_TRUE(api_pattern_ok(in, n, got));
		got += n;
	}
	EXPECT_EQ(LEN, complete(&self->r).res);
}

TEST_F(uring, cancel)
{
	struct io_uring_sqe sqe = request(IORING_OP_ASYNC_CANCEL, -1, NULL, 0);
	struct completion cqe;
	char x;
	int i;

	submit(&self->r, request(IORING_OP_ACCEPT, self->l, NULL, 0), 1);
	submit(&self->r, request(IORING_OP_RECV, self->s, &x, 1), 2);
	for (i = 1; i <= 2; i++) {
		sqe.addr = i;
		submit(&self->r, sqe, 10 + i);
	}
	for (i = 0; i < 4; i++) {
		cqe = complete(&self->r);
		EXPECT_EQ(cqe.user_data > 10 ? 0 : -ECANCELED, cqe.res);
	}
	/* The sockets are none the worse for it. */
	api_send(self->c, "x", 1);
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

/* A receive with a time limit of its own. */
TEST_F(uring, linked_timeout)
{
	struct __kernel_timespec soon = { .tv_nsec = 20000000 };
	struct io_uring_sqe sqe;
	struct completion cqe;
	char x;
	int i;

	sqe = request(IORING_OP_RECV, self->s, &x, 1);
	sqe.flags = IOSQE_IO_LINK;
	/* Both go in before the kernel looks: the second limits the first. */
	sqe.user_data = 1;
	self->r.sqes[0] = sqe;
	sqe = request(IORING_OP_LINK_TIMEOUT, -1, &soon, 1);
	sqe.user_data = 2;
	self->r.sqes[1] = sqe;
	for (i = 0; i < 2; i++)
		word(self->r.sq, self->r.p.sq_off.array)[i] = i;
	__atomic_store_n(word(self->r.sq, self->r.p.sq_off.tail), 2,
			 __ATOMIC_RELEASE);
	ASSERT_EQ(2, syscall(SYS_io_uring_enter, self->r.fd, 2, 0, 0, NULL, 0));
	for (i = 0; i < 2; i++) {
		cqe = complete(&self->r);
		EXPECT_EQ(cqe.user_data == 1 ? -ECANCELED : -ETIME, cqe.res);
	}
}

TEST_F(uring, shutdown_and_close)
{
	struct io_uring_sqe sqe = request(IORING_OP_SHUTDOWN, self->c, NULL,
					  SHUT_WR);
	char x;

	submit(&self->r, sqe, 1);
	EXPECT_EQ(0, complete(&self->r).res);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, recv(self->s, &x, 1, 0));
	submit(&self->r, request(IORING_OP_CLOSE, self->s, NULL, 0), 2);
	EXPECT_EQ(0, complete(&self->r).res);
	EXPECT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE));
	self->s = -1;
}

/* One request accepts again and again. */
TEST_F(uring, multishot_accept)
{
	struct io_uring_sqe sqe = request(IORING_OP_ACCEPT, self->l, NULL, 0);
	struct completion cqe;
	int i;

	sqe.ioprio = IORING_ACCEPT_MULTISHOT;
	submit(&self->r, sqe, 1);
	for (i = 0; i < 3; i++) {
		api_connected(variant->client, &self->addr);
		cqe = complete(&self->r);
		ASSERT_LE(0, cqe.res);
		EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags & IORING_CQE_F_MORE);
		EXPECT_EQ(ST_ESTABLISHED, api_state(cqe.res));
	}
}

/* Does accept() of the first of two connections say that one more waits, and of the second? */
static void more_wait(struct ring *r, int family, bool more[2])
{
	struct completion cqe;
	struct sockaddr_in addr;
	int l = api_listener(family, &addr), i;

	for (i = 0; i < 2; i++)
		api_connected(family, &addr);
	if (!API_WAIT(api_info(l).tcpi_unacked == 2))
		api_die("the accept queue");
	for (i = 0; i < 2; i++) {
		submit(r, request(IORING_OP_ACCEPT, l, NULL, 0), 1);
		cqe = complete(r);
		if (cqe.res < 0)
			api_die("accept");
		more[i] = cqe.flags & IORING_CQE_F_SOCK_NONEMPTY;
	}
}

TEST_F(uring, accept_says_whether_more_wait)
{
	bool inet[2], more[2];

	more_wait(&self->r, AF_INET, inet);
	more_wait(&self->r, variant->server, more);
	EXPECT_EQ(inet[0], more[0]);
	EXPECT_FALSE(more[1]);
	if (!inet[0])
		SKIP(return, "not told before 6.10");
}

/* A buffer that the ring knows: number 0. */
static void register_buffer(struct ring *r, void *buf, size_t len)
{
	struct iovec iov = { buf, len };

	if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_BUFFERS, &iov, 1))
		api_die("IORING_REGISTER_BUFFERS");
}

static int fixed(struct ring *r, int op, int fd, void *addr, int len, int index)
{
	struct io_uring_sqe sqe = request(op, fd, addr, len);

	sqe.buf_index = index;
	submit(r, sqe, 3);
	return complete(r).res;
}

/* Written from a buffer that the ring knows and read into it, anywhere in it but not beyond. */
TEST_F(uring, registered_buffer)
{
	enum { LEN = 20000 };
	static uint8_t buf[2 * LEN];
	int got, n;

	api_pattern(buf, LEN, 0);
	register_buffer(&self->r, buf, sizeof(buf));
	for (got = 0; got < LEN; got += n) {
		n = fixed(&self->r, IORING_OP_WRITE_FIXED, self->c, buf + got, LEN - got, 0);
		ASSERT_LT(0, n);
	}
	for (got = 0; got < LEN; got += n) {
		n = fixed(&self->r, IORING_OP_READ_FIXED, self->s, buf + LEN + got, LEN - got, 0);
		ASSERT_LT(0, n);
	}
	EXPECT_EQ(0, memcmp(buf, buf + LEN, LEN));

	EXPECT_EQ(-EFAULT, fixed(&self->r, IORING_OP_WRITE_FIXED, self->c, buf + LEN, LEN + 1, 0));
	EXPECT_EQ(-EFAULT, fixed(&self->r, IORING_OP_READ_FIXED, self->s, buf, 1, 1));
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, fixed(&self->r, IORING_OP_READ_FIXED, self->s, buf, 10, 0));
	EXPECT_EQ(-EPIPE, fixed(&self->r, IORING_OP_WRITE_FIXED, self->c, buf, 10, 0));
}

/* Sent from where it is: one completion for the bytes, one for the buffer. */
TEST_F(uring, send_zero_copy)
{
	enum { LEN = 40000 };
	static uint8_t out[LEN], in[LEN];
	struct io_uring_sqe sqe = request(IORING_OP_SEND_ZC, self->c, out, LEN);
	struct completion cqe;
	int fixed, notes = 0, i;

	api_pattern(out, LEN, 0);
	register_buffer(&self->r, out, LEN);
	for (fixed = 0; fixed < 2; fixed++) {
		sqe.ioprio = fixed ? IORING_RECVSEND_FIXED_BUF : 0;
		submit(&self->r, sqe, 7);
		api_recv(self->s, in, LEN);
		EXPECT_TRUE(api_pattern_ok(in, LEN, 0));
		for (i = 0, notes = 0; i < 2; i++) {
			cqe = complete(&self->r);
			EXPECT_EQ(7, cqe.user_data);
			if (cqe.flags & IORING_CQE_F_NOTIF) {
				notes++;
			} else {
				EXPECT_EQ(LEN, cqe.res);
				EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
			}
		}
		EXPECT_EQ(1, notes);
	}
	/* And among writes that copy. */
	for (i = 0; i < 6; i++) {
		sqe.len = 100;
		submit(&self->r, sqe, 8);
		api_send(self->c, out, 50);
		api_recv(self->s, in, 150);
		EXPECT_TRUE(api_pattern_ok(in, 100, 0));
		EXPECT_TRUE(api_pattern_ok(in + 100, 50, 0));
		complete(&self->r);
		complete(&self->r);
	}
}

/* One request receives again and again, into buffers of a pool. */
TEST_F(uring, multishot_recv)
{
	enum { BUFS = 4, LEN = 64 };
	static uint8_t pool[BUFS][LEN];
	struct io_uring_sqe sqe = request(IORING_OP_PROVIDE_BUFFERS, BUFS, pool, LEN);
	struct completion cqe;
	int i;

	submit(&self->r, sqe, 1);
	ASSERT_EQ(0, complete(&self->r).res);
	sqe = request(IORING_OP_RECV, self->s, NULL, 0);
	sqe.flags = IOSQE_BUFFER_SELECT;
	sqe.ioprio = IORING_RECV_MULTISHOT;
	submit(&self->r, sqe, 2);
	for (i = 0; i < 3; i++) {
		api_send(self->c, "multishot" + i, 4);
		cqe = complete(&self->r);
		ASSERT_EQ(4, cqe.res);
		ASSERT_TRUE(cqe.flags & IORING_CQE_F_BUFFER);
		EXPECT_TRUE(cqe.flags & IORING_CQE_F_MORE);
		EXPECT_EQ(0, memcmp(pool[cqe.flags >> IORING_CQE_BUFFER_SHIFT],
				    "multishot" + i, 4));
	}
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	cqe = complete(&self->r);
	EXPECT_EQ(0, cqe.res);
	EXPECT_FALSE(cqe.flags & IORING_CQE_F_MORE);
}

/* The ring dies with requests under way. */
TEST_F(uring, exit_with_requests)
{
	static char x;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		struct ring r;

		if (!ring_open(&r))
			_exit(1);
		submit(&r, request(IORING_OP_ACCEPT, self->l, NULL, 0), 1);
		submit(&r, request(IORING_OP_RECV, self->s, &x, 1), 2);
		submit(&r, poll_for(self->c, POLLIN), 3);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	api_send(self->c, "x", 1);
	/* The child's receive is gone with it. */
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

TEST_HARNESS_MAIN
