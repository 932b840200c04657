// SPDX-License-Identifier: GPL-2.0
/* Many bytes: both ways at once, from files, through pipes. */
#include "api.h"
#include <linux/sock_diag.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define BULK	(6 << 20)
#define PERIOD	(1 << 20)	/* the pattern repeats; odd to every buffer */

static uint8_t stream[2 * PERIOD];

/* The data of the stream from OFFSET on, PERIOD bytes of it at hand. */
static uint8_t *at(uint64_t offset)
{
	if (!stream[1]) {
		api_pattern(stream, PERIOD - 7, 0);
		memcpy(stream + PERIOD - 7, stream, PERIOD - 7);
	}
	return stream + offset % (PERIOD - 7);
}

/* One end: sends BULK bytes, receives as many, whatever goes at the moment. */
static bool exchange(int fd, size_t total)
{
	static uint8_t buf[300000];
	size_t sent = 0, got = 0;
	ssize_t n;
	int ev;

	while (got < total || sent < total) {
		ev = api_events(fd, sent < total ? POLLIN | POLLOUT : POLLIN,
				API_DEADLINE_MS);
		if (!ev)
			return false;
		if (ev & POLLOUT) {
			n = total - sent < 200000 ? total - sent : 200000;
			n = send(fd, at(sent), n, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return false;
			sent += n > 0 ? n : 0;
		}
		if (ev & POLLIN) {
			n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
			if (!n || (n < 0 && errno != EAGAIN))
				return false;
			if (n > 0 && memcmp(buf, at(got), n))
				return false;
			got += n > 0 ? n : 0;
		}
	}
	return got == total;
}

API_PAIR_FIXTURE(transfer);

/* Both ends of it, in two processes; true if all is as it should be. */
static bool both(int c, int s, size_t total)
{
	int status;
	pid_t pid = fork();
	bool ok;

	if (pid < 0)
		api_die("fork");
	if (!pid)
		_exit(!exchange(s, total));
	ok = exchange(c, total);
	return waitpid(pid, &status, 0) == pid && !status && ok;
}

TEST_F(transfer, both_ways_at_once)
{
	EXPECT_TRUE(both(self->c, self->s, BULK));
}

/* Small queues on both sides: much stop and go. */
TEST_F(transfer, small_buffers)
{
	static const int names[] = { SO_SNDBUF, SO_RCVBUF };
	int c = api_socket(variant->client, 0), i;

	api_opt(c, IPPROTO_TCP, TCP_MAXSEG, 536);
	for (i = 0; i < 2; i++) {
		api_opt(c, SOL_SOCKET, names[i], 8000);
		api_opt(self->l, SOL_SOCKET, names[i], 8000);
	}
	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(both(c, api_accept(self->l), BULK / 16));
}

TEST_F(transfer, small_segments)
{
	int c = api_socket(variant->client, 0);

	api_opt(c, IPPROTO_TCP, TCP_MAXSEG, 536);
	ASSERT_EQ(0, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(both(c, api_accept(self->l), BULK / 4));
}

/* Without timestamps, SACK and window scaling it is still TCP. */
TEST_F(transfer, plain_options)
{
	int c;

	api_sysctl("ipv4/tcp_timestamps", "0");
	api_sysctl("ipv4/tcp_sack", "0");
	api_sysctl("ipv4/tcp_window_scaling", "0");
	c = api_connected(variant->client, &self->addr);
	EXPECT_TRUE(both(c, api_accept(self->l), BULK / 4));
}

/* Loopback with the MTU of an Ethernet, and without its offloads. */
TEST_F(transfer, small_mtu)
{
	int c;

	ASSERT_EQ(0, api_sh("ip link set lo mtu 1500"));
	c = api_connected(variant->client, &self->addr);
	EXPECT_TRUE(both(c, api_accept(self->l), BULK));
}

/* Sends all of @buf and reads it, time and again: the segments are large, one at a time. */
static void to_and_fro(int c, int s, uint8_t *buf, size_t len, int times)
{
	while (times--) {
		api_send(c, buf, len);
		api_recv(s, buf, len);
	}
}

/*
 * tcp_adv_win_scale takes half of the buffer for overhead. Segments of loopback's MTU have
 * next to none: what they are seen to carry is offered. Kernel TCP does so from 6.6 on.
 */
TEST_F(transfer, window_of_dense_segments)
{
	static uint8_t buf[65000];
	int c, s;

	if (variant->server != AF_TCPX)
		API_SKIP("kernel TCP may keep to half of the buffer");
	api_opt(self->l, SOL_SOCKET, SO_RCVBUF, 200000);
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	to_and_fro(c, s, buf, sizeof(buf), 200);
	EXPECT_LT(240000, api_info(s).tcpi_rcv_ssthresh);
	EXPECT_GT(400000, api_info(s).tcpi_rcv_ssthresh);
}

/*
 * Sends packets that are cut on loopback. Of 20, how many have their memory counted twice by who
 * receives the pieces? -1: they were not cut.
 */
static int charged_twice(int family, const struct sockaddr_in *addr, int l)
{
	enum { CUT_LEN = 64000 };
	static uint8_t buf[CUT_LEN];
	int c = api_connected(family, addr), s = api_accept(l), unread, twice = 0, i;
	uint32_t before;

	to_and_fro(c, s, buf, CUT_LEN, 50);
	before = api_info(c).tcpi_data_segs_out;
	for (i = 0; i < 20; i++) {
		api_send(c, buf, CUT_LEN);
		if (!API_WAIT(!ioctl(s, FIONREAD, &unread) && unread == CUT_LEN))
			api_die("data that comes");
		twice += api_memory(s, SK_MEMINFO_RMEM_ALLOC) > 2 * CUT_LEN - 20000;
		api_recv(s, buf, CUT_LEN);
	}
	if (api_info(c).tcpi_data_segs_out - before <= 20 * CUT_LEN / 1500)
		twice = -1;
	close(c);
	close(s);
	return twice;
}

/* A packet that is cut on its way has its memory counted once by who receives the pieces. */
TEST_F(transfer, memory_of_a_packet_that_is_cut)
{
	ASSERT_EQ(0, api_sh("ip link set lo mtu 1500 && ethtool -K lo tso off"));
	EXPECT_EQ(0, charged_twice(variant->client, &self->addr, self->l));
}

/*
 * So it has where a queue makes the sender keep the charge, as far as AF_TCPX can tell: packets
 * of less than some 23 segments it takes as they are.
 */
TEST_F(transfer, memory_of_a_packet_that_is_cut_in_a_queue)
{
	int twice = -1, i;

	if (variant->client == AF_TCPX && variant->server != AF_TCPX)
		API_SKIP("kernel TCP takes the charge as it is");
	ASSERT_EQ(0, api_sh("ip link set lo mtu 1500 && ethtool -K lo tso off"));
	ASSERT_EQ(0, api_sh("tc qdisc add dev lo root pfifo"));
	for (i = 0; i < 20 && (twice < 0 || twice > 10); i++)
		twice = charged_twice(variant->client, &self->addr, self->l);
	EXPECT_LE(0, twice);
	EXPECT_GE(10, twice);
}

static int file_with(size_t len)
{
	int fd = memfd_create("data", 0);

	if (fd < 0 || write(fd, at(0), len) != (ssize_t)len)
		api_die("memfd");
	return fd;
}

TEST_F(transfer, sendfile)
{
	enum { LEN = 700001 };
	static uint8_t buf[LEN];
	int file = file_with(LEN), status;
	off_t offset = 0;
	size_t left = LEN;
	ssize_t n;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		api_recv(self->s, buf, LEN);
		_exit(memcmp(buf, at(0), LEN) != 0);
	}
	while (left) {
		n = sendfile(self->c, file, &offset, left);
		ASSERT_LT(0, n);
		left -= n;
	}
	EXPECT_EQ(LEN, offset);
	EXPECT_EQ(0, sendfile(self->c, file, &offset, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* What was sent from a file's pages is fixed when it is sent. */
TEST_F(transfer, sendfile_then_nothing_more)
{
	int file = file_with(10000);
	uint8_t buf[10001];
	off_t offset = 5;

	ASSERT_EQ(9995, sendfile(self->c, file, &offset, 100000));
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	api_recv(self->s, buf, 9995);
	EXPECT_EQ(0, memcmp(buf, at(5), 9995));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, recv(self->s, buf, 1, 0));
	EXPECT_EQ(-EPIPE, SYS((signal(SIGPIPE, SIG_IGN), offset = 0,
			       sendfile(self->c, file, &offset, 1))));
}

TEST_F(transfer, splice)
{
	uint8_t buf[50000];
	int in[2], out[2], sent = 0, got = 0;
	ssize_t n;

	ASSERT_EQ(0, pipe(in) ?: pipe(out));
	api_nonblock(self->s);
	ASSERT_EQ(-EAGAIN, SYS(splice(self->s, NULL, out[1], NULL, 100,
				      SPLICE_F_NONBLOCK)));
	/* pipe to socket, and socket to pipe */
	ASSERT_EQ(50000, write(in[1], at(0), 50000));
	while (sent < 50000) {
		n = splice(in[0], NULL, self->c, NULL, 50000 - sent,
			   SPLICE_F_MORE);
		ASSERT_LT(0, n);
		sent += n;
	}
	while (got < 50000) {
		ASSERT_TRUE(api_readable(self->s));
		n = splice(self->s, NULL, out[1], NULL, 50000 - got,
			   SPLICE_F_NONBLOCK);
		ASSERT_LT(0, n);
		ASSERT_EQ(n, read(out[0], buf + got, n));
		got += n;
	}
	EXPECT_EQ(0, memcmp(buf, at(0), 50000));
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, SYS(splice(self->s, NULL, out[1], NULL, 100, 0)));
}

/* Peeked, spliced and received in turn: each takes up where the last one was. */
TEST_F(transfer, mixed_reads)
{
	uint8_t buf[300];
	int p[2], queued;

	ASSERT_EQ(0, pipe(p));
	api_send(self->c, at(0), 300);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) &&
			     queued == 300));
	EXPECT_EQ(50, recv(self->s, buf, 50, MSG_PEEK));
	EXPECT_EQ(100, recv(self->s, buf, 100, 0));
	EXPECT_EQ(100, SYS(splice(self->s, NULL, p[1], NULL, 100, 0)));
	EXPECT_EQ(100, read(p[0], buf + 100, 100));
	EXPECT_EQ(100, recv(self->s, buf + 200, 200, MSG_DONTWAIT));
	EXPECT_EQ(0, memcmp(buf, at(0), 300));
}

TEST_HARNESS_MAIN
