// SPDX-License-Identifier: GPL-2.0
/* The end of a connection: shutdown, close, linger, and the states of it. */
#include "api.h"
#include <limits.h>
#include <sched.h>
#include <signal.h>

static void set_linger(int fd, int on, int seconds)
{
	struct linger linger = { on, seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		api_die("SO_LINGER");
}

API_SOCKET_FIXTURE(end_one);

TEST_F(end_one, shutdown_without_a_connection)
{
	EXPECT_EQ(-ENOTCONN, SYS(shutdown(self->fd, SHUT_RD)));
	EXPECT_EQ(-ENOTCONN, SYS(shutdown(self->fd, SHUT_WR)));
	EXPECT_EQ(-ENOTCONN, SYS(shutdown(self->fd, SHUT_RDWR)));
	EXPECT_EQ(-EINVAL, SYS(shutdown(self->fd, 3)));
	EXPECT_EQ(-EINVAL, SYS(shutdown(self->fd, -1)));
}

TEST_F(end_one, shutdown_of_a_listener)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);
	int c = api_socket(variant->family, 0);

	ASSERT_EQ(0, api_bind(self->fd, &addr) ?: listen(self->fd, 1));
	/* Writing means nothing to a listener. */
	EXPECT_EQ(0, SYS(shutdown(self->fd, SHUT_WR)));
	EXPECT_EQ(ST_LISTEN, api_state(self->fd));
	EXPECT_EQ(0, SYS(shutdown(self->fd, SHUT_RD)));
	EXPECT_EQ(ST_CLOSE, api_state(self->fd));
	EXPECT_EQ(-EINVAL, SYS(accept(self->fd, NULL, NULL)));
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(c, &addr)));
	/* It can be raised from the dead. */
	EXPECT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(0, SYS(api_connect(c, &addr)));
	close(c);
}

API_PAIR_FIXTURE(end);

static bool become(int fd, int state)
{
	return API_WAIT(api_state(fd) == state);
}

/* Each end in its turn: every state that a socket can be seen in. */
TEST_F(end, one_after_the_other)
{
	int port = api_port(self->c);
	char x;

	EXPECT_EQ(ST_ESTABLISHED, api_state(self->c));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->s));

	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	EXPECT_TRUE(become(self->s, ST_CLOSE_WAIT));
	EXPECT_TRUE(become(self->c, ST_FIN_WAIT2));
	EXPECT_EQ(0, recv(self->s, &x, 1, 0));
	/* Half-closed: the other way is still open. */
	api_send(self->s, "h", 1);
	api_recv(self->c, &x, 1);
	EXPECT_EQ('h', x);
	EXPECT_TRUE(API_STAYS(api_state(self->c) == ST_FIN_WAIT2));

	ASSERT_EQ(0, shutdown(self->s, SHUT_WR));
	EXPECT_TRUE(become(self->s, ST_CLOSE));
	EXPECT_TRUE(become(self->c, ST_CLOSE));
	EXPECT_EQ(0, recv(self->c, &x, 1, 0));
	/* The one who closed first keeps the memory of it. */
	EXPECT_TRUE(API_WAIT(api_tcp_row(variant->client, port, 0,
					 ST_TIME_WAIT)));
	EXPECT_FALSE(api_tcp_row(variant->server, ntohs(self->addr.sin_port),
				 port, 0));
	EXPECT_EQ(-ENOTCONN, SYS(shutdown(self->c, SHUT_WR)));
}

TEST_F(end, server_first)
{
	int port = api_port(self->c);

	close(self->s);
	EXPECT_TRUE(become(self->c, ST_CLOSE_WAIT));
	EXPECT_TRUE(API_WAIT(api_tcp_row(variant->server,
					 ntohs(self->addr.sin_port), port,
					 ST_FIN_WAIT2)));
	close(self->c);
	EXPECT_TRUE(API_WAIT(api_tcp_row(variant->server,
					 ntohs(self->addr.sin_port), port,
					 ST_TIME_WAIT)));
	EXPECT_TRUE(API_WAIT(!api_tcp_row(variant->client, port, 0, 0)));
}

/* Everything queued goes before the end does. */
TEST_F(end, close_flushes)
{
	static uint8_t buf[1 << 16];
	size_t sum = api_fill(self->c), got = 0;
	ssize_t n;

	close(self->c);
	while (api_readable(self->s)) {
		n = recv(self->s, buf, sizeof(buf), 0);
		ASSERT_LE(0, n);
		if (!n)
			break;
		ASSERT_TRUE(api_pattern_ok(buf, n, got));
		got += n;
	}
	EXPECT_EQ(sum, got);
}

/* Closing with something unread tells the peer that it was lost. */
TEST_F(end, close_with_unread_data)
{
	char x;

	api_send(self->c, "unread", 6);
	ASSERT_TRUE(api_readable(self->s));
	close(self->s);
	ASSERT_TRUE(api_readable(self->c));
	EXPECT_EQ(-ECONNRESET, SYS(recv(self->c, &x, 1, 0)));
	EXPECT_EQ(ST_CLOSE, api_state(self->c));
}

/* Data for a socket that is closed already is answered by a reset, too. */
TEST_F(end, send_to_a_closed_end)
{
	close(self->s);
	ASSERT_TRUE(become(self->c, ST_CLOSE_WAIT));
	EXPECT_EQ(1, SYS(send(self->c, "x", 1, MSG_NOSIGNAL)));
	ASSERT_TRUE(become(self->c, ST_CLOSE));
	EXPECT_EQ(-EPIPE, SYS(send(self->c, "x", 1, MSG_NOSIGNAL)));
	EXPECT_EQ(0, api_getopt(self->c, SOL_SOCKET, SO_ERROR));
}

TEST_F(end, shutdown_of_reading)
{
	int queued;
	char x = 0;

	ASSERT_EQ(0, shutdown(self->s, SHUT_RD));
	EXPECT_EQ(0, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->s));
	/* The peer does not notice; what it sends may still be read. */
	api_send(self->c, "x", 1);
	ASSERT_TRUE(API_WAIT(!ioctl(self->s, FIONREAD, &queued) &&
			     queued == 1));
	EXPECT_EQ(1, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(0, SYS(recv(self->s, &x, 1, 0)));
	/* The way out is as open as before. */
	api_send(self->s, "y", 1);
	api_recv(self->c, &x, 1);
	EXPECT_EQ('y', x);
}

TEST_F(end, shutdown_of_both)
{
	char x;

	ASSERT_EQ(0, shutdown(self->c, SHUT_RDWR));
	EXPECT_EQ(0, SYS(recv(self->c, &x, 1, 0)));
	EXPECT_EQ(-EPIPE, SYS(send(self->c, &x, 1, MSG_NOSIGNAL)));
	EXPECT_TRUE(become(self->s, ST_CLOSE_WAIT));
	EXPECT_TRUE(become(self->c, ST_FIN_WAIT2));
	/* Once more is no error as long as there is a connection. */
	EXPECT_EQ(0, SYS(shutdown(self->c, SHUT_WR)));
	EXPECT_EQ(0, SYS(shutdown(self->c, SHUT_RDWR)));
}

TEST_F(end, linger_zero_resets)
{
	int port = api_port(self->c);
	char x;

	api_send(self->c, "x", 1);
	ASSERT_TRUE(api_readable(self->s));
	set_linger(self->c, 1, 0);
	close(self->c);
	EXPECT_TRUE(become(self->s, ST_CLOSE));
	/* What had come before is still there to be read. */
	EXPECT_EQ(1, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(-ECONNRESET, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(0, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_FALSE(api_tcp_row(variant->client, port, 0, 0));
	EXPECT_FALSE(api_tcp_row(variant->server, ntohs(self->addr.sin_port),
				 port, 0));
}

/* Lingering, close() waits for the peer, or until the time is over. */
TEST_F(end, linger_waits)
{
	int64_t start = api_now_ms(), took = 0;
	int tries;
	char x;

	/* The peer's end of it is all that is missing: none to wait for. */
	set_linger(self->c, 1, 10);
	api_send(self->c, "x", 1);
	api_recv(self->s, &x, 1);
	ASSERT_EQ(0, shutdown(self->s, SHUT_WR));
	ASSERT_TRUE(become(self->c, ST_CLOSE_WAIT));
	close(self->c);
	EXPECT_GT(5000 * (int)slow(), api_now_ms() - start);
	close(self->s);

	/* Where the machine stood still just before, its ticks have to catch up. */
	for (tries = 0; tries < 3 && took < 900; tries++) {
		self->c = api_connected(variant->client, &self->addr);
		self->s = api_accept(self->l);
		set_linger(self->c, 1, 1);
		api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 10000);
		EXPECT_LT(0, api_fill(self->c));
		start = api_now_ms();
		close(self->c);
		took = api_now_ms() - start;
		close(self->s);
	}
	EXPECT_LE(900, took);
	EXPECT_GT(5000 * (int)slow(), took);
}

/* Without O_NONBLOCK or linger, close() returns at once, come what may. */
TEST_F(end, close_does_not_wait)
{
	int64_t start;

	api_opt(self->s, SOL_SOCKET, SO_RCVBUF, 10000);
	api_fill(self->c);
	start = api_now_ms();
	close(self->c);
	EXPECT_GT(5000 * (int)slow(), api_now_ms() - start);
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->s));
}

/* Both at the same time: whoever is faster, none is left but TIME_WAIT. */
TEST_F(end, simultaneous)
{
	int port = api_port(self->c), lport = ntohs(self->addr.sin_port);
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->s);
		_exit(shutdown(self->c, SHUT_RDWR));
	}
	shutdown(self->s, SHUT_RDWR);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(become(self->c, ST_CLOSE));
	EXPECT_TRUE(become(self->s, ST_CLOSE));
	EXPECT_TRUE(API_WAIT(api_tcp_row(variant->client, port, lport,
					 ST_TIME_WAIT) ||
			     api_tcp_row(variant->server, lport, port,
					 ST_TIME_WAIT)));
}

/* tcp_fin_timeout or TCP_LINGER2 ends an orphan's wait for the peer's FIN. */
TEST_F(end, fin_wait2_ends)
{
	int port = api_port(self->c);

	api_opt(self->c, IPPROTO_TCP, TCP_LINGER2, 1);
	close(self->c);
	EXPECT_TRUE(become(self->s, ST_CLOSE_WAIT));
	EXPECT_TRUE(API_WAIT(!api_tcp_row(variant->client, port, 0, 0)));
	/* Gone: what comes now is refused. */
	EXPECT_EQ(1, SYS(send(self->s, "x", 1, MSG_NOSIGNAL)));
	EXPECT_TRUE(become(self->s, ST_CLOSE));
}

TEST_F(end, linger2_negative_aborts)
{
	int port = api_port(self->c);

	api_opt(self->c, IPPROTO_TCP, TCP_LINGER2, -1);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(become(self->c, ST_FIN_WAIT2));
	close(self->c);
	EXPECT_TRUE(API_WAIT(!api_tcp_row(variant->client, port, 0, 0)));
	EXPECT_TRUE(become(self->s, ST_CLOSE));
}

/* A killed process closes what it had, unless somebody else has it, too. */
TEST_F(end, process_exit_closes)
{
	int status;
	char x;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid)
		pause();
	close(self->c);
	EXPECT_TRUE(API_STAYS(api_state(self->s) == ST_ESTABLISHED));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(become(self->s, ST_CLOSE_WAIT));
	EXPECT_EQ(0, recv(self->s, &x, 1, 0));
}

/* tcp_max_tw_buckets bounds how many there are at a time. */
TEST_F(end, many_in_time_wait)
{
	const int rows = 51;	/* the fixture's connection, and fifty more */
	int i, lport = ntohs(self->addr.sin_port), c, s;

	close(self->c);
	close(self->s);
	for (i = 1; i < rows; i++) {
		c = api_connected(variant->client, &self->addr);
		s = api_accept(self->l);
		close(c);
		ASSERT_TRUE(become(s, ST_CLOSE_WAIT));
		close(s);
	}
	/* All of them: one that comes later would be taken for the one too many. */
	EXPECT_TRUE(API_WAIT(api_tcp_rows(variant->client, 0, lport, ST_TIME_WAIT) == rows));
	api_sysctl("ipv4/tcp_max_tw_buckets", "10");
	c = api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	close(c);
	ASSERT_TRUE(become(s, ST_CLOSE_WAIT));
	close(s);
	EXPECT_TRUE(API_STAYS(api_tcp_rows(variant->client, 0, lport,
					   ST_TIME_WAIT) == rows));
}

/* So many orphans with data to send are kept, the next is reset. */
static void make_orphans(struct __test_metadata *_metadata, FIXTURE_DATA(end) *self, int limit)
{
	int kept, c, s;

	for (kept = 0; kept <= limit; kept++) {
		c = api_connected(AF_TCPX, &self->addr);
		s = api_accept(self->l);
		api_opt(s, SOL_SOCKET, SO_RCVBUF, 10000);
		api_fill(c);
		close(c);
		EXPECT_TRUE(kept < limit ? API_STAYS(api_state(s) != ST_CLOSE) :
					   API_WAIT(api_state(s) == ST_CLOSE));
	}
}

/* Set /proc/sys/net/NAME of the first network namespace; what it was. */
static long first_netns_sysctl(const char *name, long value)
{
	int own = open("/proc/self/ns/net", O_RDONLY), first = open("/proc/1/ns/net", O_RDONLY);
	long before;

	if (own < 0 || first < 0 || setns(first, CLONE_NEWNET))
		api_die("the first network namespace");
	before = api_sysctl_get(name, 0);
	api_sysctl(name, "%ld", value);
	if (setns(own, CLONE_NEWNET))
		api_die("our network namespace");
	close(first);
	close(own);
	return before;
}

/*
 * An orphan that still has data to send is kept, as long as there are not more of them
 * than tcp_max_orphans; the next is reset.
 */
TEST_F(end, orphan_limit)
{
	const int limit = 3;

	if (variant->client != AF_TCPX)
		SKIP(return, "kernel TCP counts when its processors are not idle, now and then");
	api_sysctl("tcpx/tcp_max_orphans", "%d", limit);
	make_orphans(_metadata, self, limit);
}

/* Orphans of all namespaces count against the first one's limit: who has a namespace of his own
 * may set that one's as he likes.
 */
TEST_F(end, orphan_limit_of_host)
{
	const int limit = 3;
	long before;

	if (variant->client != AF_TCPX)
		SKIP(return, "kernel TCP's is in the first namespace only, and read now and then");
	api_sysctl("tcpx/tcp_max_orphans", "%d", INT_MAX);
	before = first_netns_sysctl("tcpx/tcp_max_orphans", limit);
	make_orphans(_metadata, self, limit);
	first_netns_sysctl("tcpx/tcp_max_orphans", before);
}

TEST_HARNESS_MAIN
