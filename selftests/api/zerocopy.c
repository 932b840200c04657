// SPDX-License-Identifier: GPL-2.0
/* Sending and receiving without copies: MSG_ZEROCOPY, splice(), sendfile(), tee(). */
#include "api.h"
#include <linux/errqueue.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

API_PAIR_FIXTURE(zerocopy);

/* SO_ZEROCOPY, or what stands for it where the kernel keeps it from modules. */
static long enable(int fd, int family)
{
	int one = 1;
	long ret = SYS(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)));

	if (ret == -EOPNOTSUPP && family == AF_TCPX)
		ret = SYS(setsockopt(fd, IPPROTO_TCP, TCPX_ZEROCOPY, &one, sizeof(one)));
	return ret;
}

/* Notifications: calls LO to HI are through. */
struct done {
	uint32_t lo, hi;
	uint8_t code;
};

/* The next one from the error queue. Return: recvmsg()'s result. */
static long next_done(int fd, struct done *d)
{
	char control[256];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	long ret = SYS(recvmsg(fd, &msg, MSG_ERRQUEUE));
	const struct sock_extended_err *e;
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	if (ret < 0)
		return ret;
	if (!(msg.msg_flags & MSG_ERRQUEUE) || !cm ||
	    !((cm->cmsg_level == SOL_IP && cm->cmsg_type == IP_RECVERR) ||
	      (cm->cmsg_level == SOL_IPV6 && cm->cmsg_type == IPV6_RECVERR)))
		api_die("no notification");
	e = (void *)CMSG_DATA(cm);
	if (e->ee_errno || e->ee_origin != SO_EE_ORIGIN_ZEROCOPY)
		api_die("notification: errno %u, origin %u", e->ee_errno, e->ee_origin);
	*d = (struct done){ e->ee_info, e->ee_data, e->ee_code };
	return ret;
}

/* Take notifications until call LAST is through, each in its turn. */
static bool all_done(int fd, uint32_t first, uint32_t last, uint8_t code)
{
	struct done d;

	while (first <= last) {
		if (!(api_events(fd, 0, API_DEADLINE_MS) & POLLERR) || next_done(fd, &d) < 0 ||
		    d.lo != first || d.hi < d.lo || d.hi > last || d.code != code)
			return false;
		first = d.hi + 1;
	}
	return next_done(fd, &d) == -EAGAIN;
}

static long zsend(int fd, const void *buf, size_t len)
{
	return SYS(send(fd, buf, len, MSG_ZEROCOPY | MSG_NOSIGNAL));
}

static int unacked(int fd)
{
	int n;

	if (ioctl(fd, TIOCOUTQ, &n))
		api_die("TIOCOUTQ");
	return n;
}

/* Set, unset, and what else there is; an accepted socket has what its listener had. */
TEST_F(zerocopy, option)
{
	static const int values[] = { 1, 0, 2, -1, 1 }, expected[] = { 0, 0, -EINVAL, -EINVAL, 0 };
	int fd = api_socket(variant->client, 0), name = SO_ZEROCOPY, level = SOL_SOCKET;
	size_t i;

	if (variant->client == AF_TCPX &&
	    SYS(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &values[0], 4)) == -EOPNOTSUPP) {
		level = IPPROTO_TCP;
		name = TCPX_ZEROCOPY;
	}
	for (i = 0; i < ARRAY_SIZE(values); i++)
		EXPECT_EQ(expected[i], SYS(setsockopt(fd, level, name, &values[i], 4)))
			TH_LOG("%d", values[i]);
	EXPECT_EQ(-EINVAL, SYS(setsockopt(fd, level, name, &values[0], 3)));
	EXPECT_EQ(1, api_getopt(fd, SOL_SOCKET, SO_ZEROCOPY));
	close(fd);

	EXPECT_EQ(0, api_getopt(self->s, SOL_SOCKET, SO_ZEROCOPY));
	ASSERT_EQ(0, enable(self->l, variant->server));
	api_connected(variant->client, &self->addr);
	EXPECT_EQ(1, api_getopt(api_accept(self->l), SOL_SOCKET, SO_ZEROCOPY));
}

/* Each call has a number; those that end one after the other make one notification. */
TEST_F(zerocopy, notifications)
{
	static uint8_t out[20 * 30000], in[30000];
	struct done d;
	int i;

	ASSERT_EQ(0, enable(self->c, variant->client));
	api_pattern(out, sizeof(out), 0);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(30000, zsend(self->c, out + 30000 * i, 30000));
		api_recv(self->s, in, sizeof(in));
		ASSERT_TRUE(api_pattern_ok(in, sizeof(in), 30000ULL * i));
	}
	ASSERT_TRUE(API_WAIT(!unacked(self->c)));
	/* Loopback has to copy what it delivers, and says so. */
	EXPECT_TRUE(all_done(self->c, 0, 19, SO_EE_CODE_ZEROCOPY_COPIED));
	EXPECT_EQ(0, api_events(self->c, 0, 0));

	/* Unread they are one, however long it takes. */
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(1000, zsend(self->c, out, 1000));
		api_recv(self->s, in, 1000);
		/* It locks the socket: the ACK has been dealt with to the end. */
		ASSERT_TRUE(API_WAIT(!api_info(self->c).tcpi_unacked));
	}
	EXPECT_TRUE(API_WAIT(next_done(self->c, &d) >= 0));
	EXPECT_EQ(20, d.lo);
	EXPECT_EQ(24, d.hi);
	EXPECT_EQ(-EAGAIN, next_done(self->c, &d));
}

/* Before the end of a call's data there is no word of it; then the pages are ours again. */
TEST_F(zerocopy, buffer_is_in_use)
{
	enum { LEN = 200000 };
	static uint8_t out[LEN], in[LEN];
	struct done d;

	ASSERT_EQ(0, enable(self->c, variant->client));
	/* The window is shut: most of it can't be sent. */
	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 4000);
	api_pattern(out, LEN, 0);
	api_nonblock(self->c);
	api_opt(self->c, SOL_SOCKET, SO_SNDBUF, 2 * LEN);
	ASSERT_EQ(LEN, zsend(self->c, out, LEN));
	EXPECT_TRUE(API_STAYS(next_done(self->c, &d) == -EAGAIN));
	api_recv(self->s, in, LEN);
	EXPECT_TRUE(api_pattern_ok(in, LEN, 0));
	EXPECT_TRUE(all_done(self->c, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED));
	memset(out, 0xff, LEN);
	ASSERT_EQ(10, zsend(self->c, out, 10));
	api_recv(self->s, in, 10);
	EXPECT_EQ(0xff, in[9]);
}

/* With copies and without in turn, in pieces of all sizes: one stream. */
TEST_F(zerocopy, mixed_with_copies)
{
	static uint8_t out[100000], in[100000];
	size_t off = 0, len, calls = 0;
	int i;

	ASSERT_EQ(0, enable(self->c, variant->client));
	api_pattern(out, sizeof(out), 0);
	api_opt(self->c, IPPROTO_TCP, TCP_CORK, 1);
	for (i = 0; off < sizeof(out); i++) {
		len = 1 + i * 37 % 1500;
		len = len < sizeof(out) - off ? len : sizeof(out) - off;
		if (i % 3) {
			ASSERT_EQ(len, zsend(self->c, out + off, len));
			calls++;
		} else {
			ASSERT_EQ(len, SYS(send(self->c, out + off, len, 0)));
		}
		off += len;
		if (i % 40 == 39) {
			api_opt(self->c, IPPROTO_TCP, TCP_CORK, 0);
			api_opt(self->c, IPPROTO_TCP, TCP_CORK, 1);
		}
	}
	api_opt(self->c, IPPROTO_TCP, TCP_CORK, 0);
	api_recv(self->s, in, sizeof(in));
	EXPECT_TRUE(api_pattern_ok(in, sizeof(in), 0));
	EXPECT_TRUE(all_done(self->c, 0, calls - 1, SO_EE_CODE_ZEROCOPY_COPIED));
}

/* More fragments than an skb holds. */
TEST_F(zerocopy, many_pieces)
{
	enum { PIECES = 200, LEN = 41 };
	static uint8_t out[PIECES][4096], in[PIECES * LEN];
	struct iovec iov[PIECES];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = PIECES };
	int i;

	ASSERT_EQ(0, enable(self->c, variant->client));
	for (i = 0; i < PIECES; i++) {
		api_pattern(out[i], LEN, LEN * i);
		iov[i] = (struct iovec){ out[i], LEN };
	}
	ASSERT_EQ(PIECES * LEN, SYS(sendmsg(self->c, &msg, MSG_ZEROCOPY)));
	api_recv(self->s, in, sizeof(in));
	EXPECT_TRUE(api_pattern_ok(in, sizeof(in), 0));
	EXPECT_TRUE(all_done(self->c, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED));
}

/* Retransmitted in other pieces, still with the user's pages. */
TEST_F(zerocopy, lossy)
{
	enum { LEN = 1 << 20 };
	static uint8_t out[LEN], in[LEN];
	pid_t pid;
	int status;

	ASSERT_EQ(0, api_sh("ip link set lo mtu 1500"));
	if (api_sh("tc qdisc add dev lo root netem loss 3%% limit 2000 2>/dev/null"))
		SKIP(return, "no netem");
	ASSERT_EQ(0, enable(self->c, variant->client));
	api_pattern(out, LEN, 0);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_recv(self->s, in, LEN);
		_exit(!api_pattern_ok(in, LEN, 0));
	}
	ASSERT_EQ(LEN, zsend(self->c, out, LEN));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(all_done(self->c, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED));
}

/* The flag without the option, and what does not send anything: nothing to tell. */
TEST_F(zerocopy, nothing_to_tell)
{
	struct done d;
	char x[2];

	EXPECT_EQ(1, zsend(self->c, "a", 1));
	ASSERT_EQ(0, enable(self->c, variant->client));
	EXPECT_EQ(0, zsend(self->c, "a", 0));
	EXPECT_EQ(-EFAULT, zsend(self->c, (void *)8, 1));
	EXPECT_EQ(1, SYS(send(self->c, "b", 1, 0)));
	api_recv(self->s, x, 2);
	ASSERT_TRUE(API_WAIT(!unacked(self->c)));
	EXPECT_EQ(-EAGAIN, next_done(self->c, &d));
	/* None of these has had a number. */
	EXPECT_EQ(1, zsend(self->c, "c", 1));
	api_recv(self->s, x, 1);
	EXPECT_TRUE(all_done(self->c, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED));

	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_EQ(-EPIPE, zsend(self->c, "d", 1));
	EXPECT_EQ(-EAGAIN, next_done(self->c, &d));
}

/* Pages that can't be locked are not sent. */
TEST_F(zerocopy, locked_memory)
{
	static uint8_t buf[100000];
	struct rlimit none = { 0, 0 };
	int status;
	pid_t pid;

	ASSERT_EQ(0, enable(self->c, variant->client));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		setrlimit(RLIMIT_MEMLOCK, &none);
		api_drop_root();
		_exit(-zsend(self->c, buf, sizeof(buf)));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(ENOBUFS, WEXITSTATUS(status));
}

/* Closed, or reset by the peer, with pages still in the queue. */
TEST_F(zerocopy, abort)
{
	static uint8_t out[300000];
	struct linger linger = { 1, 0 };

	ASSERT_EQ(0, enable(self->c, variant->client));
	api_nonblock(self->c);
	ASSERT_LT(0, zsend(self->c, out, sizeof(out)));
	ASSERT_EQ(0, setsockopt(self->s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(self->s);
	ASSERT_TRUE(API_WAIT(api_state(self->c) == ST_CLOSE));
	/* What happened to it is not told, but that it is over. */
	EXPECT_TRUE(all_done(self->c, 0, 0, SO_EE_CODE_ZEROCOPY_COPIED));

	self->c = api_connected(variant->client, &self->addr);
	self->s = api_accept(self->l);
	ASSERT_EQ(0, enable(self->c, variant->client));
	api_nonblock(self->c);
	ASSERT_LT(0, zsend(self->c, out, sizeof(out)));
	close(self->c);
	api_recv(self->s, out, 1);
}

/* --- pages of others ------------------------------------------------------ */

static uint8_t page[4096];

static int file_of(uint8_t byte)
{
	int fd = memfd_create("page", 0);

	memset(page, byte, sizeof(page));
	if (fd < 0 || write(fd, page, sizeof(page)) != sizeof(page))
		api_die("memfd");
	return fd;
}

/* The page cache's own page is sent: a change before it is read comes through. */
TEST_F(zerocopy, sendfile_shares_the_page)
{
	int file = file_of('1');
	off_t off = 0;

	ASSERT_EQ(sizeof(page), sendfile(self->c, file, &off, sizeof(page)));
	ASSERT_TRUE(api_readable(self->s));
	memset(page, '2', sizeof(page));
	ASSERT_EQ(sizeof(page), pwrite(file, page, sizeof(page), 0));
	api_recv(self->s, page, sizeof(page));
	EXPECT_EQ('2', page[0]);
	EXPECT_EQ('2', page[sizeof(page) - 1]);
}

/* Among them single bytes of file and of memory. */
TEST_F(zerocopy, sendfile_in_pieces)
{
	int file = file_of('f'), i;
	uint8_t in[20];
	off_t off = 0;

	for (i = 0; i < 10; i++) {
		ASSERT_EQ(1, sendfile(self->c, file, &off, 1));
		api_send(self->c, "m", 1);
	}
	api_recv(self->s, in, sizeof(in));
	for (i = 0; i < 20; i++)
		EXPECT_EQ("fm"[i % 2], in[i]);
}

/* What tee() doubles goes two ways, and back into a pipe. */
TEST_F(zerocopy, tee)
{
	int one[2], two[2], back[2], i;
	uint8_t in[3000], out[3000];
	struct iovec iov = { out, sizeof(out) };

	ASSERT_EQ(0, pipe(one) | pipe(two) | pipe(back));
	api_pattern(out, sizeof(out), 0);
	ASSERT_EQ(sizeof(out), SYS(vmsplice(one[1], &iov, 1, 0)));
	ASSERT_EQ(sizeof(out), SYS(tee(one[0], two[1], sizeof(out), 0)));
	EXPECT_EQ(sizeof(out), SYS(splice(one[0], NULL, self->c, NULL, sizeof(out),
					  SPLICE_F_MORE)));
	EXPECT_EQ(sizeof(out), SYS(splice(two[0], NULL, self->c, NULL, sizeof(out), 0)));
	for (i = 0; i < 2; i++) {
		api_recv(self->s, in, sizeof(in));
		EXPECT_TRUE(api_pattern_ok(in, sizeof(in), 0));
	}

	api_send(self->s, out, sizeof(out));
	ASSERT_TRUE(API_WAIT(!unacked(self->s)));
	ASSERT_EQ(sizeof(out), SYS(splice(self->c, NULL, back[1], NULL, sizeof(out), 0)));
	ASSERT_EQ(sizeof(out), SYS(tee(back[0], two[1], sizeof(out), 0)));
	EXPECT_EQ(sizeof(out), SYS(read(back[0], in, sizeof(in))));
	EXPECT_TRUE(api_pattern_ok(in, sizeof(in), 0));
	EXPECT_EQ(sizeof(out), SYS(read(two[0], in, sizeof(in))));
	EXPECT_TRUE(api_pattern_ok(in, sizeof(in), 0));
}

/* From socket to socket through a pipe, as a proxy does it. */
TEST_F(zerocopy, relay)
{
	static uint8_t out[300000], in[300000];
	int c2 = api_connected(variant->client, &self->addr);
	int s2 = api_accept(self->l), p[2], status;
	size_t left = sizeof(out);
	long n, m;
	pid_t pid;

	ASSERT_EQ(0, pipe(p));
	api_pattern(out, sizeof(out), 0);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		api_send(self->c, out, sizeof(out));
		api_recv(c2, in, sizeof(in));
		_exit(!api_pattern_ok(in, sizeof(in), 0));
	}
	while (left) {
		n = SYS(splice(self->s, NULL, p[1], NULL, left, SPLICE_F_MOVE));
		ASSERT_LT(0, n);
		for (left -= n; n; n -= m) {
			m = SYS(splice(p[0], NULL, s2, NULL, n, SPLICE_F_MOVE));
			ASSERT_LT(0, m);
		}
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
