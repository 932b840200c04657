// SPDX-License-Identifier: GPL-2.0
/* The ways to send and to receive, their flags and their errors. */
#include "api.h"
#include <limits.h>
#include <signal.h>
#include <sys/uio.h>

API_PAIR_FIXTURE(io);

/* Two pieces, so that the vectored calls have something to do. */
static struct iovec *halves(struct iovec *iov, void *buf, size_t len)
{
	iov[0].iov_base = buf;
	iov[0].iov_len = len / 3;
	iov[1].iov_base = (char *)buf + len / 3;
	iov[1].iov_len = len - len / 3;
	return iov;
}

static ssize_t by_send(int fd, void *buf, size_t len)
{
	return send(fd, buf, len, 0);
}

static ssize_t by_write(int fd, void *buf, size_t len)
{
	return write(fd, buf, len);
}

static ssize_t by_sendto(int fd, void *buf, size_t len)
{
	return sendto(fd, buf, len, 0, NULL, 0);
}

static ssize_t by_sendmsg(int fd, void *buf, size_t len)
{
	struct iovec iov[2];
	struct msghdr msg = {
		.msg_iov = halves(iov, buf, len), .msg_iovlen = 2,
	};

	return sendmsg(fd, &msg, 0);
}

static ssize_t by_writev(int fd, void *buf, size_t len)
{
	struct iovec iov[2];

	return writev(fd, halves(iov, buf, len), 2);
}

static ssize_t by_sendmmsg(int fd, void *buf, size_t len)
{
	struct iovec iov[2];
	struct mmsghdr msgs[2] = {
		{ .msg_hdr = { .msg_iov = halves(iov, buf, len),
			       .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = iov + 1, .msg_iovlen = 1 } },
	};

	if (sendmmsg(fd, msgs, 2, 0) != 2)
		return -1;
	return msgs[0].msg_len + msgs[1].msg_len;
}

static ssize_t by_recv(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL);
}

static ssize_t by_read(int fd, void *buf, size_t len)
{
	api_recv(fd, buf, len - 1);
	return len - 1 + read(fd, (char *)buf + len - 1, 1);
}

static ssize_t by_recvfrom(int fd, void *buf, size_t len)
{
	struct sockaddr_in6 from;
	socklen_t fromlen = sizeof(from);
	ssize_t n = recvfrom(fd, buf, len, MSG_WAITALL, (void *)&from,
			     &fromlen);

	/* A stream names no sender. */
	return fromlen ? -1 : n;
}

static ssize_t by_recvmsg(int fd, void *buf, size_t len)
{
	struct iovec iov[2];
	struct sockaddr_in6 from;
	char control[64];
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = halves(iov, buf, len), .msg_iovlen = 2,
		.msg_control = control, .msg_controllen = sizeof(control),
		.msg_flags = -1,
	};
	ssize_t n = recvmsg(fd, &msg, MSG_WAITALL);

	return msg.msg_namelen || msg.msg_controllen || msg.msg_flags ? -1 : n;
}

static ssize_t by_readv(int fd, void *buf, size_t len)
{
	struct iovec iov[2];
	int queued = 0;

	if (!API_WAIT(!ioctl(fd, FIONREAD, &queued) && queued == (int)len))
		return -1;
	return readv(fd, halves(iov, buf, len), 2);
}

static ssize_t by_recvmmsg(int fd, void *buf, size_t len)
{
	struct iovec iov[2];
	struct mmsghdr msgs[2] = {
		{ .msg_hdr = { .msg_iov = halves(iov, buf, len),
			       .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = iov + 1, .msg_iovlen = 1 } },
	};

	if (recvmmsg(fd, msgs, 2, MSG_WAITALL, NULL) != 2)
		return -1;
	return msgs[0].msg_len + msgs[1].msg_len;
}

static const struct {
	const char *name;
	ssize_t (*call)(int fd, void *buf, size_t len);
} senders[] = {
	{ "send", by_send }, { "write", by_write }, { "sendto", by_sendto },
	{ "sendmsg", by_sendmsg }, { "writev", by_writev },
	{ "sendmmsg", by_sendmmsg },
}, receivers[] = {
	{ "recv", by_recv }, { "read", by_read }, { "recvfrom", by_recvfrom },
	{ "recvmsg", by_recvmsg }, { "readv", by_readv },
	{ "recvmmsg", by_recvmmsg },
};

TEST_F(io, every_call_with_every_other)
{
	uint8_t out[2000], in[2000];
	uint64_t offset = 0;
	size_t s, r, len;

	for (s = 0; s < ARRAY_SIZE(senders); s++) {
		for (r = 0; r < ARRAY_SIZE(receivers); r++) {
			len = 1990 - 50 * r - s;
			api_pattern(out, len, offset);
			memset(in, 0, sizeof(in));
			ASSERT_EQ(len, senders[s].call(self->c, out, len))
				TH_LOG("%s", senders[s].name);
			ASSERT_EQ(len, receivers[r].call(self->s, in, len))
				TH_LOG("%s", receivers[r].name);
			EXPECT_TRUE(api_pattern_ok(in, len, offset))
				TH_LOG("%s to %s", senders[s].name,
				       receivers[r].name);
			offset += len;
		}
	}
}

/* Bytes, not messages: what was sent in pieces may come as one, and back. */
TEST_F(io, no_boundaries)
{
	uint8_t out[300], in[300];
	int queued = 0, i;

	api_pattern(out, sizeof(out), 0);
	for (i = 0; i < 300; i++)
		api_send(self->c, out + i, 1);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) &&
			     queued == 300));
	EXPECT_EQ(300, recv(self->s, in, sizeof(in), 0));
	EXPECT_TRUE(api_pattern_ok(in, 300, 0));

	api_send(self->s, out, 300);
	for (i = 0; i < 300; i++)
		api_recv(self->c, in + i, 1);
	EXPECT_TRUE(api_pattern_ok(in, 300, 0));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->c, in, 1, MSG_DONTWAIT)));
}

/* Messages around every size at which something changes. */
TEST_F(io, sizes)
{
	static const size_t sizes[] = {
		1, 2, 3, 127, 128, 1447, 1448, 1449, 1460, 1461, 4095, 4096,
		4097, 16384, 21847, 21848, 21849, 32768, 65482, 65483, 65484,
		65535, 65536, 65537, 100001,
	};
	static uint8_t out[100001], in[100001];
	uint64_t offset = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		api_pattern(out, sizes[i], offset);
		ASSERT_EQ(sizes[i], send(self->c, out, sizes[i], 0));
		api_recv(self->s, in, sizes[i]);
		ASSERT_TRUE(api_pattern_ok(in, sizes[i], offset))
			TH_LOG("size %zu", sizes[i]);
		offset += sizes[i];
	}
}

/* To an address, on a connection: the address is of no interest. */
TEST_F(io, sendto_with_an_address)
{
	struct sockaddr_in other = api_addr("192.0.2.1", 1);
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(&other, &to);
	char x = 0;

	EXPECT_EQ(1, SYS(sendto(self->c, "a", 1, 0, (void *)&to, len)));
	api_recv(self->s, &x, 1);
	EXPECT_EQ('a', x);
}

TEST_F(io, dontwait)
{
	struct timespec soon = { 0 };
	struct mmsghdr m = { 0 };
	struct msghdr msg = { 0 };
	char x;

	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT | MSG_PEEK)));
	EXPECT_EQ(-EAGAIN, SYS(recvmsg(self->s, &msg, MSG_ERRQUEUE)));
	EXPECT_EQ(-EAGAIN, SYS(recvmmsg(self->s, &m, 1, MSG_DONTWAIT, &soon)));
	api_nonblock(self->s);
	EXPECT_EQ(-EAGAIN, SYS(read(self->s, &x, 1)));
}

TEST_F(io, zero_length)
{
	char x = 0;

	EXPECT_EQ(0, SYS(send(self->c, &x, 0, 0)));
	EXPECT_EQ(0, SYS(write(self->c, &x, 0)));
	EXPECT_EQ(0, SYS(send(self->c, NULL, 0, 0)));
	EXPECT_EQ(0, SYS(read(self->s, &x, 0)));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 0, MSG_DONTWAIT)));
	EXPECT_EQ(0, api_events(self->s, POLLIN, 20));
	api_send(self->c, "x", 1);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, SYS(recv(self->s, &x, 0, MSG_DONTWAIT)));
	EXPECT_EQ(1, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
}

TEST_F(io, peek)
{
	char buf[16] = "";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int queued, i;

	api_send(self->c, "peekaboo", 8);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) &&
			     queued == 8));
	for (i = 0; i < 3; i++) {
		memset(buf, 0, sizeof(buf));
		EXPECT_EQ(4, recv(self->s, buf, 4, MSG_PEEK));
		EXPECT_STREQ("peek", buf);
	}
	EXPECT_EQ(8, recv(self->s, buf, 16, MSG_PEEK));
	EXPECT_EQ(8, recvmsg(self->s, &msg, MSG_PEEK));
	EXPECT_EQ(8, recv(self->s, NULL, 100, MSG_PEEK | MSG_TRUNC));
	EXPECT_EQ(4, recv(self->s, buf, 4, 0));
	memset(buf, 0, sizeof(buf));
	EXPECT_EQ(4, recv(self->s, buf, 16, MSG_PEEK));
	EXPECT_STREQ("aboo", buf);
	/* A peek for more than there is waits for it, if told so. */
	api_timeout(self->s, SO_RCVTIMEO, 30);
	EXPECT_EQ(4, recv(self->s, buf, 16, MSG_PEEK | MSG_WAITALL));
	EXPECT_EQ(4, recv(self->s, buf, 16, 0));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, buf, 1, MSG_PEEK)));
}

/* SO_PEEK_OFF: each peek starts where the one before it ended. */
TEST_F(io, peek_offset)
{
	int off = 0, queued;
	char buf[16] = "";

	if (setsockopt(self->s, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)) &&
	    variant->server == AF_INET)
		SKIP(return, "this kernel's TCP has no SO_PEEK_OFF");
	ASSERT_EQ(0, SYS(setsockopt(self->s, SOL_SOCKET, SO_PEEK_OFF, &off,
				    sizeof(off))));
	api_send(self->c, "0123456789", 10);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) &&
			     queued == 10));
	EXPECT_EQ(3, recv(self->s, buf, 3, MSG_PEEK));
	EXPECT_STREQ("012", buf);
	EXPECT_EQ(3, api_getopt(self->s, SOL_SOCKET, SO_PEEK_OFF));
	EXPECT_EQ(3, recv(self->s, buf, 3, MSG_PEEK));
	EXPECT_STREQ("345", buf);
	/* What is read moves the mark back. */
	EXPECT_EQ(2, recv(self->s, buf, 2, 0));
	EXPECT_EQ(4, api_getopt(self->s, SOL_SOCKET, SO_PEEK_OFF));
	memset(buf, 0, sizeof(buf));
	EXPECT_EQ(4, recv(self->s, buf, 16, MSG_PEEK));
	EXPECT_STREQ("6789", buf);
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, buf, 1, MSG_PEEK |
						     MSG_DONTWAIT)));
	api_opt(self->s, SOL_SOCKET, SO_PEEK_OFF, 1);
	EXPECT_EQ(1, recv(self->s, buf, 1, MSG_PEEK));
	EXPECT_EQ('3', buf[0]);
	api_opt(self->s, SOL_SOCKET, SO_PEEK_OFF, -1);
	EXPECT_EQ(1, recv(self->s, buf, 1, MSG_PEEK));
	EXPECT_EQ('2', buf[0]);
}

/* All that has come was read. */
static bool taken(int fd)
{
	int queued;

	return API_WAIT(!ioctl(fd, FIONREAD, &queued) && !queued);
}

static bool queued(int fd, int bytes)
{
	int n;

	return API_WAIT(!ioctl(fd, FIONREAD, &n) && n == bytes);
}

TEST_F(io, waitall)
{
	char buf[16] = "";
	int status;
	pid_t pid;

	api_send(self->c, "ab", 2);
	ASSERT_TRUE(api_readable(self->s));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (!api_sleeps(getppid()))
			_exit(1);
		api_send(self->c, "cd", 2);
		if (!taken(self->s) || !api_sleeps(getppid()))
			_exit(1);
		api_send(self->c, "ef", 2);
		_exit(0);
	}
	EXPECT_EQ(6, recv(self->s, buf, 6, MSG_WAITALL));
	EXPECT_STREQ("abcdef", buf);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* The end of the stream, or a timeout, ends the wait. */
	api_send(self->c, "gh", 2);
	ASSERT_TRUE(queued(self->s, 2));
	api_timeout(self->s, SO_RCVTIMEO, 40);
	EXPECT_EQ(2, recv(self->s, buf, 16, MSG_WAITALL));
	api_timeout(self->s, SO_RCVTIMEO, 0);
	api_send(self->c, "ij", 2);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(2, recv(self->s, buf, 16, MSG_WAITALL));
	EXPECT_EQ(0, recv(self->s, buf, 16, MSG_WAITALL));
	/* DONTWAIT beats WAITALL. */
	api_send(self->s, "kl", 2);
	ASSERT_TRUE(api_readable(self->c));
	EXPECT_EQ(2, recv(self->c, buf, 16, MSG_WAITALL | MSG_DONTWAIT));
}

/* MSG_TRUNC throws away instead of copying. */
TEST_F(io, trunc_discards)
{
	char buf[8] = "";

	api_send(self->c, "discardkeep", 11);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(7, SYS(recv(self->s, NULL, 7, MSG_TRUNC | MSG_WAITALL)));
	api_recv(self->s, buf, 4);
	EXPECT_STREQ("keep", buf);
}

/* Bytes that have not been sent at all. */
static unsigned int held_back(int fd)
{
	return api_info(fd).tcpi_notsent_bytes;
}

/* Two bytes wait, which they do for a fifth of a second: whoever looks too late saw nothing. */
static bool holds_back(int fd, const char *two, int flags)
{
	int64_t start = api_now_ms();

	return send(fd, two, 2, flags) == 2 &&
	       (held_back(fd) == 2 || api_now_ms() - start >= 150);
}

/* MSG_MORE and TCP_CORK hold a short segment back for what follows. */
TEST_F(io, more_and_cork)
{
	char buf[8] = "";

	EXPECT_TRUE(holds_back(self->c, "ab", MSG_MORE));
	EXPECT_EQ(2, SYS(send(self->c, "cd", 2, 0)));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(4, recv(self->s, buf, 4, MSG_WAITALL));

	api_opt(self->c, IPPROTO_TCP, TCP_CORK, 1);
	EXPECT_TRUE(holds_back(self->c, "ef", 0));
	api_opt(self->c, IPPROTO_TCP, TCP_CORK, 0);
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(2, recv(self->s, buf, 8, 0));

	/* Not for ever: it goes anyway, then. */
	EXPECT_EQ(2, SYS(send(self->c, "gh", 2, MSG_MORE)));
	EXPECT_TRUE(api_readable(self->s));
	EXPECT_EQ(2, recv(self->s, buf, 8, 0));
	/* Nor across the end. */
	EXPECT_EQ(2, SYS(send(self->c, "ij", 2, MSG_MORE)));
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_TRUE(api_readable(self->s));
	EXPECT_EQ(2, recv(self->s, buf, 8, MSG_WAITALL));
	EXPECT_STREQ("ijcd", buf);
}

static volatile sig_atomic_t pipes;

static void on_sigpipe(int sig)
{
	(void)sig;
	pipes++;
}

TEST_F(io, epipe)
{
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	signal(SIGPIPE, on_sigpipe);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(-EPIPE, SYS(send(self->c, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EPIPE, SYS(sendmsg(self->c, &msg, MSG_NOSIGNAL)));
	EXPECT_EQ(0, pipes);
	EXPECT_EQ(-EPIPE, SYS(send(self->c, "x", 1, 0)));
	EXPECT_EQ(1, pipes);
	EXPECT_EQ(-EPIPE, SYS(write(self->c, "x", 1)));
	EXPECT_EQ(2, pipes);
	EXPECT_EQ(-EPIPE, SYS(writev(self->c, &iov, 1)));
	EXPECT_EQ(3, pipes);
	EXPECT_EQ(-EPIPE, SYS(sendmsg(self->c, &msg, 0)));
	EXPECT_EQ(4, pipes);
}

/* The peer is gone: the first call learns of the reset, the next ones EPIPE. */
TEST_F(io, reset_by_peer)
{
	struct linger linger = { 1, 0 };
	char x;

	signal(SIGPIPE, on_sigpipe);
	ASSERT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	close(self->s);
	ASSERT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE));
	EXPECT_EQ(-ECONNRESET, SYS(send(self->c, "x", 1, 0)));
	EXPECT_EQ(0, pipes);
	EXPECT_EQ(-EPIPE, SYS(send(self->c, "x", 1, 0)));
	EXPECT_EQ(1, pipes);
	EXPECT_EQ(0, SYS(recv(self->c, &x, 1, 0)));
	EXPECT_EQ(0, api_getopt(self->c, SOL_SOCKET, SO_ERROR));
}

TEST_F(io, not_connected)
{
	int fd = api_socket(variant->client, 0);
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(&self->addr, &to);
	char x;

	EXPECT_EQ(-ENOTCONN, SYS(recv(fd, &x, 1, 0)));
	EXPECT_EQ(-ENOTCONN, SYS(read(fd, &x, 1)));
	EXPECT_EQ(-EPIPE, SYS(send(fd, &x, 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-EPIPE, SYS(sendto(fd, &x, 1, MSG_NOSIGNAL, (void *)&to,
				     len)));
	EXPECT_EQ(-ENOTCONN, SYS(shutdown(fd, SHUT_RDWR)));
	close(fd);
}

TEST_F(io, bad_buffers)
{
	void * volatile bad = (void *)8;
	volatile int negative = -1;
	struct iovec iov[2] = { { "x", 1 }, { bad, 1 } };
	struct mmsghdr m[2] = {
		{ .msg_hdr = { .msg_iov = iov, .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = iov + 1, .msg_iovlen = 1 } },
	};
	char x = 0;

	EXPECT_EQ(-EFAULT, SYS(send(self->c, bad, 10, 0)));
	EXPECT_EQ(-EFAULT, SYS(write(self->c, bad, 10)));
	EXPECT_EQ(-EFAULT, SYS(writev(self->c, iov + 1, 1)));
	EXPECT_EQ(-EFAULT, SYS(sendmsg(self->c, bad, 0)));
	/* The first message goes, the second is not counted. */
	EXPECT_EQ(1, SYS(sendmmsg(self->c, m, 2, 0)));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(-EFAULT, SYS(recv(self->s, bad, 1, 0)));
	EXPECT_EQ(-EFAULT, SYS(recv(self->s, bad, 1, MSG_PEEK)));
	EXPECT_EQ(-EFAULT, SYS(readv(self->s, iov + 1, 1)));
	/* Nothing has been lost by that. */
	EXPECT_EQ(1, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ('x', x);
	EXPECT_EQ(-EINVAL, SYS(readv(self->s, iov, negative)));
	EXPECT_EQ(-EMSGSIZE, SYS(sendmsg(self->c, &(struct msghdr){
			.msg_iov = iov, .msg_iovlen = IOV_MAX + 1 }, 0)));
}

/* A writer that outruns its reader is stopped, and loses nothing. */
TEST_F(io, non_blocking_until_full)
{
	static uint8_t buf[1 << 20];
	size_t sum, got = 0;
	ssize_t n;

	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	sum = api_fill(self->c);
	EXPECT_LT(10000, sum);
	EXPECT_GT(10 << 20, sum);
	EXPECT_EQ(-EAGAIN, SYS(send(self->c, buf, 1, MSG_DONTWAIT)));
	while (got < sum) {
		ASSERT_TRUE(api_readable(self->s));
		n = recv(self->s, buf, sizeof(buf), 0);
		ASSERT_LT(0, n);
		ASSERT_TRUE(api_pattern_ok(buf, n, got));
		got += n;
	}
	EXPECT_EQ(sum, got);
	/* Room again: one big piece goes in part. */
	EXPECT_TRUE(api_events(self->c, POLLOUT, API_DEADLINE_MS) & POLLOUT);
	n = send(self->c, buf, sizeof(buf), MSG_DONTWAIT);
	EXPECT_LT(0, n);
	EXPECT_GT((ssize_t)sizeof(buf), n);
}

TEST_F(io, timeouts)
{
	static uint8_t buf[8 << 20];
	int64_t start, took = 0;
	ssize_t n;
	int tries;

	api_timeout(self->s, SO_RCVTIMEO, 50);
	/* Where the machine stood still just before, its ticks have to catch up. */
	for (tries = 0; tries < 5 && took < 40; tries++) {
		start = api_now_ms();
		EXPECT_EQ(-EAGAIN, SYS(recv(self->s, buf, 1, 0)));
		took = api_now_ms() - start;
	}
	EXPECT_LE(40, took);

	/* The part that got through is the result; then there is nothing. */
	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	api_timeout(self->c, SO_SNDTIMEO, 50);
	n = send(self->c, buf, sizeof(buf), 0);
	EXPECT_LT(0, n);
	EXPECT_GT((ssize_t)sizeof(buf), n);
	while (n > 0)
		n = send(self->c, buf, sizeof(buf), 0);
	EXPECT_EQ(EAGAIN, errno);
}

static int unacked(int fd)
{
	int queued = -1;

	ioctl(fd, TIOCOUTQ, &queued);
	return queued;
}

/* SO_RCVLOWAT: neither poll() nor a read cares for less. */
TEST_F(io, low_water_mark)
{
	char buf[100];
	int status;
	pid_t pid;

	api_opt(self->s, SOL_SOCKET, SO_RCVLOWAT, 10);
	EXPECT_EQ(10, api_getopt(self->s, SOL_SOCKET, SO_RCVLOWAT));
	api_send(self->c, "12345", 5);
	ASSERT_TRUE(queued(self->s, 5));
	EXPECT_EQ(0, api_events(self->s, POLLIN, 20));
	EXPECT_EQ(5, SYS(recv(self->s, buf, 100, MSG_DONTWAIT)));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (!api_sleeps(getppid()))
			_exit(1);
		api_send(self->c, "12345", 5);
		/* That does not end its sleep. */
		if (!API_WAIT(!unacked(self->c)) || !api_sleeps(getppid()))
			_exit(1);
		api_send(self->c, "67890", 5);
		_exit(0);
	}
	EXPECT_EQ(10, recv(self->s, buf, 100, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* A read for less than the mark is content with that. In kernel TCP it has to be
	 * there already.
	 */
	api_send(self->c, "abcd", 4);
	ASSERT_TRUE(queued(self->s, 4));
	EXPECT_EQ(4, recv(self->s, buf, 4, 0));
	/* And the end of the stream overrules it. */
	api_send(self->c, "ef", 2);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(POLLIN, api_events(self->s, POLLIN, API_DEADLINE_MS));
	EXPECT_EQ(2, recv(self->s, buf, 100, 0));
}

static ssize_t by_splice(int fd, void *buf, size_t len)
{
	int pipes[2];
	ssize_t n;

	if (pipe(pipes))
		return -1;
	n = splice(fd, NULL, pipes[1], NULL, len, 0);
	if (n > 0 && read(pipes[0], buf, n) != n)
		n = -1;
	close(pipes[0]);
	close(pipes[1]);
	return n;
}

static ssize_t by_plain_recv(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, 0);
}

/* A reader that sleeps for less than the mark is woken when that has come. */
TEST_F(io, low_water_mark_above_what_is_wanted)
{
	static const struct {
		ssize_t (*by)(int fd, void *buf, size_t len);
		int before, len, result;
	} cases[] = {
		{ by_plain_recv, 0, 4, 4 },
		{ by_recv, 0, 4, 4 },
		/* It has taken what there was, and misses the rest. */
		{ by_plain_recv, 5, 100, 10 },
		{ by_recvmsg, 5, 12, 12 },
		{ by_splice, 0, 4, 4 },
	};
	static char data[100];
	char buf[100];
	size_t i;
	int status;
	pid_t pid;

	if (variant->server != AF_TCPX)
		SKIP(return, "kernel TCP sleeps until the mark has come anew");
	for (i = 0; i < sizeof(data); i++)
		data[i] = i;
	api_opt(self->s, SOL_SOCKET, SO_RCVLOWAT, 10);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(buf, -1, sizeof(buf));
		api_send(self->c, data, cases[i].before);
		ASSERT_TRUE(queued(self->s, cases[i].before));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			bool slept = api_sleeps(getppid()) && taken(self->s);

			api_send(self->c, data + cases[i].before,
				 cases[i].result - cases[i].before);
			_exit(!slept);
		}
		api_timeout(self->s, SO_RCVTIMEO, API_DEADLINE_MS);
		EXPECT_EQ(cases[i].result, SYS(cases[i].by(self->s, buf, cases[i].len)));
		EXPECT_EQ(0, memcmp(buf, data, cases[i].result));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	/* poll() still is not interested. */
	api_send(self->c, data, 9);
	ASSERT_TRUE(queued(self->s, 9));
	EXPECT_EQ(0, api_events(self->s, POLLIN, 20));
}

TEST_F(io, interrupted)
{
	static uint8_t buf[8 << 20];
	struct sigaction sa = { .sa_handler = on_sigpipe };
	ssize_t n;

	sigaction(SIGALRM, &sa, NULL);
	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 30000);
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 30000);
	ualarm(20000, 20000);
	EXPECT_EQ(-EINTR, SYS(recv(self->s, buf, 1, 0)));
	/* With something sent, that is the result. */
	n = send(self->c, buf, sizeof(buf), 0);
	EXPECT_LT(0, n);
	while (n > 0)
		n = send(self->c, buf, sizeof(buf), 0);
	EXPECT_EQ(EINTR, errno);
	ualarm(0, 0);
}

TEST_HARNESS_MAIN
