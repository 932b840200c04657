// SPDX-License-Identifier: GPL-2.0
/* listen() and accept(): states, queues, order, errors, what is inherited. */
#include "api.h"
#include <signal.h>
#include <sys/time.h>

API_SOCKET_FIXTURE(listen_one);

TEST_F(listen_one, states)
{
	EXPECT_EQ(ST_CLOSE, api_state(self->fd));
	EXPECT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(ST_LISTEN, api_state(self->fd));
	/* Without bind() before: on a port of the kernel's choice. */
	EXPECT_NE(0, api_port(self->fd));
	/* Again, to change the backlog. */
	EXPECT_EQ(0, SYS(listen(self->fd, 7)));
	EXPECT_EQ(ST_LISTEN, api_state(self->fd));
}

static void limits(int fd, unsigned int *queued, unsigned int *backlog)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		api_die("TCP_INFO");
	*queued = info.tcpi_unacked;
	*backlog = info.tcpi_sacked;
}

/* What connect() has made may come to the listener a moment later. */
static bool has_queued(int fd, unsigned int n)
{
	unsigned int queued, backlog;

	return API_WAIT((limits(fd, &queued, &backlog), queued == n));
}

TEST_F(listen_one, backlog_is_capped_by_somaxconn)
{
	static const struct { int somaxconn, backlog; unsigned int seen; } c[] = {
		{ 4096, 5, 5 }, { 4096, 0, 0 }, { 3, 100, 3 }, { 3, 2, 2 },
		{ 128, -1, 128 },
	};
	unsigned int queued, backlog;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		api_sysctl("core/somaxconn", "%d", c[i].somaxconn);
		EXPECT_EQ(0, SYS(listen(self->fd, c[i].backlog)));
		limits(self->fd, &queued, &backlog);
		EXPECT_EQ(c[i].seen, backlog);
		EXPECT_EQ(0, queued);
	}
}

TEST_F(listen_one, errors_of_accept)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 5000);

	EXPECT_EQ(-EINVAL, SYS(accept(self->fd, NULL, NULL)));
	ASSERT_EQ(0, SYS(api_bind(self->fd, &addr)));
	EXPECT_EQ(-EINVAL, SYS(accept(self->fd, NULL, NULL)));
	ASSERT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(-EINVAL, SYS(accept4(self->fd, NULL, NULL, 0x10000000)));
	api_nonblock(self->fd);
	EXPECT_EQ(-EAGAIN, SYS(accept(self->fd, NULL, NULL)));
	EXPECT_EQ(-EISCONN, SYS(api_connect(self->fd, &addr)));
	EXPECT_EQ(-EINVAL, SYS(api_bind(self->fd, &addr)));
}

/* A listener carries no data. */
TEST_F(listen_one, not_a_connection)
{
	struct sockaddr_in addr;
	char c;

	ASSERT_EQ(0, SYS(listen(self->fd, 1)));
	EXPECT_EQ(-ENOTCONN, SYS(recv(self->fd, &c, 1, 0)));
	EXPECT_EQ(-EPIPE, SYS(send(self->fd, &c, 1, MSG_NOSIGNAL)));
	EXPECT_EQ(-ENOTCONN, SYS(api_peer(self->fd, &addr)));
	EXPECT_EQ(-EINVAL, SYS(ioctl(self->fd, FIONREAD, &c)));
}

TEST_F(listen_one, accept_times_out)
{
	int64_t start, took = 0;
	int tries;

	ASSERT_EQ(0, SYS(listen(self->fd, 1)));
	api_timeout(self->fd, SO_RCVTIMEO, 60);
	/* Where the machine stood still just before, its ticks have to catch up. */
	for (tries = 0; tries < 5 && took < 50; tries++) {
		start = api_now_ms();
		EXPECT_EQ(-EAGAIN, SYS(accept(self->fd, NULL, NULL)));
		took = api_now_ms() - start;
	}
	EXPECT_LE(50, took);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* A timer that goes off every 20 ms until stopped, with or without restart. */
static void tick(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };

	if (sigaction(SIGALRM, &sa, NULL) || setitimer(ITIMER_REAL, &it, NULL))
		api_die("timer");
}

static void no_tick(void)
{
	struct itimerval it = { 0 };

	setitimer(ITIMER_REAL, &it, NULL);
}

TEST_F(listen_one, accept_is_interrupted)
{
	ASSERT_EQ(0, SYS(listen(self->fd, 1)));
	tick(0);
	EXPECT_EQ(-EINTR, SYS(accept(self->fd, NULL, NULL)));
	no_tick();
	/* With a timeout set, SA_RESTART does not restart. */
	api_timeout(self->fd, SO_RCVTIMEO, API_DEADLINE_MS);
	tick(SA_RESTART);
	EXPECT_EQ(-EINTR, SYS(accept(self->fd, NULL, NULL)));
	no_tick();
}

API_LISTENER_FIXTURE(queue);

TEST_F(queue, accept_is_restarted)
{
	int status, s;
	pid_t pid;

	tick(SA_RESTART);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The parent has been interrupted a few times by then. */
		api_sleeps(getppid());
		usleep(API_QUIET_MS * 1000);
		api_connected(variant->client, &self->addr);
		_exit(0);
	}
	s = accept(self->l, NULL, NULL);
	no_tick();
	EXPECT_LE(0, s);
	EXPECT_LT(0, signals);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(queue, in_order_of_completion)
{
	struct sockaddr_in peer;
	int c[10], i, s;

	for (i = 0; i < 10; i++) {
		c[i] = api_connected(variant->client, &self->addr);
		ASSERT_TRUE(has_queued(self->l, i + 1));
	}
	for (i = 0; i < 10; i++) {
		s = api_accept_from(self->l, &peer);
		ASSERT_LE(0, s);
		EXPECT_EQ(api_port(c[i]), ntohs(peer.sin_port));
	}
}

TEST_F(queue, names_of_both_ends)
{
	struct sockaddr_in name[2], peer[2], from;
	int c = api_connected(variant->client, &self->addr);
	int s = api_accept_from(self->l, &from), i;

	ASSERT_LE(0, s);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, api_name(i ? s : c, &name[i]));
		ASSERT_EQ(0, api_peer(i ? s : c, &peer[i]));
	}
	EXPECT_EQ(0, memcmp(&name[0], &peer[1], sizeof(from)));
	EXPECT_EQ(0, memcmp(&peer[0], &name[1], sizeof(from)));
	EXPECT_EQ(0, memcmp(&from, &name[0], sizeof(from)));
	EXPECT_EQ(0, memcmp(&self->addr, &name[1], sizeof(from)));
}

TEST_F(queue, address_buffers)
{
	struct sockaddr_in6 from;
	unsigned char raw[8];
	socklen_t len;
	int c, s;

	/* Too short: cut off, and the length says what there was. */
	memset(raw, 0xaa, sizeof(raw));
	c = api_connected(variant->client, &self->addr);
	len = 4;
	s = accept(self->l, (void *)raw, &len);
	EXPECT_LE(0, s);
	EXPECT_EQ(api_sockaddr_len(), len);
	EXPECT_EQ(htons(api_port(c)), *(uint16_t *)(raw + 2));
	EXPECT_EQ(0xaa, raw[4]);
	len = 4;
	EXPECT_EQ(0, getpeername(s, (void *)raw, &len));
	EXPECT_EQ(api_sockaddr_len(), len);
	EXPECT_EQ(0xaa, raw[4]);
	len = -1;
	EXPECT_EQ(-EINVAL, SYS(getpeername(s, (void *)raw, &len)));

	/* Longer than need be. */
	api_connected(variant->client, &self->addr);
	len = 4096;
	EXPECT_LE(0, accept(self->l, (void *)&from, &len));
	EXPECT_EQ(api_sockaddr_len(), len);

	api_connected(variant->client, &self->addr);
	EXPECT_EQ(-EFAULT, SYS(accept(self->l, (void *)8, &len)));
	api_connected(variant->client, &self->addr);
	len = -1;
	EXPECT_EQ(-EINVAL, SYS(accept(self->l, (void *)&from, &len)));
}

TEST_F(queue, flags_of_the_accepted)
{
	static const struct { int flags, listener, fl, fd; } c[] = {
		{ 0, 0, 0, 0 },
		{ SOCK_NONBLOCK, 0, O_NONBLOCK, 0 },
		{ SOCK_CLOEXEC, 0, 0, FD_CLOEXEC },
		{ SOCK_NONBLOCK | SOCK_CLOEXEC, 0, O_NONBLOCK, FD_CLOEXEC },
		/* The listener's own flags are not passed on. */
		{ 0, O_NONBLOCK, 0, 0 },
	};
	size_t i;
	int s;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		fcntl(self->l, F_SETFL, c[i].listener);
		api_connected(variant->client, &self->addr);
		ASSERT_TRUE(api_readable(self->l));
		s = accept4(self->l, NULL, NULL, c[i].flags);
		ASSERT_LE(0, s);
		EXPECT_EQ(c[i].fl, fcntl(s, F_GETFL) & O_NONBLOCK);
		EXPECT_EQ(c[i].fd, fcntl(s, F_GETFD));
		EXPECT_EQ(ST_ESTABLISHED, api_state(s));
	}
}

/* What a listener was told, its children know. */
TEST_F(queue, options_are_inherited)
{
	static const struct { int level, name, value; } opts[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ SOL_SOCKET, SO_OOBINLINE, 1 },
		{ SOL_SOCKET, SO_RCVLOWAT, 3 },
		{ SOL_SOCKET, SO_MARK, 77 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 33 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 34 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 5 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345 },
		{ IPPROTO_TCP, TCP_LINGER2, 9 },
		{ IPPROTO_IP, IP_TTL, 61 },
	};
	struct linger linger = { 1, 7 };
	char cc[16] = "";
	socklen_t len;
	size_t i;
	int s;

	for (i = 0; i < ARRAY_SIZE(opts); i++)
		api_opt(self->l, opts[i].level, opts[i].name, opts[i].value);
	api_opt(self->l, SOL_SOCKET, SO_RCVBUF, 30000);
	api_opt(self->l, SOL_SOCKET, SO_SNDBUF, 40000);
	ASSERT_EQ(0, setsockopt(self->l, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	ASSERT_EQ(0, SYS(setsockopt(self->l, IPPROTO_TCP, TCP_CONGESTION,
				    "reno", 4)));

	api_connected(variant->client, &self->addr);
	s = api_accept(self->l);
	for (i = 0; i < ARRAY_SIZE(opts); i++) {
		EXPECT_EQ(opts[i].value,
			  api_getopt(s, opts[i].level, opts[i].name))
			TH_LOG("level %d option %d", opts[i].level,
			       opts[i].name);
	}
	EXPECT_EQ(60000, api_getopt(s, SOL_SOCKET, SO_RCVBUF));
	EXPECT_EQ(80000, api_getopt(s, SOL_SOCKET, SO_SNDBUF));
	memset(&linger, 0, sizeof(linger));
	len = sizeof(linger);
	EXPECT_EQ(0, getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &len));
	EXPECT_EQ(1, linger.l_onoff);
	EXPECT_EQ(7, linger.l_linger);
	len = sizeof(cc);
	EXPECT_EQ(0, getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, cc, &len));
	EXPECT_STREQ("reno", cc);
	EXPECT_EQ(0, api_getopt(s, SOL_SOCKET, SO_ACCEPTCONN));
}

TEST_F(queue, length_shows)
{
	unsigned int queued, backlog, i;

	for (i = 1; i <= 3; i++) {
		api_connected(variant->client, &self->addr);
		EXPECT_TRUE(API_WAIT((limits(self->l, &queued, &backlog),
				      queued == i)));
		EXPECT_EQ(16, backlog);
	}
	api_accept(self->l);
	limits(self->l, &queued, &backlog);
	EXPECT_EQ(2, queued);
}

/* Backlog n holds n + 1 connections; the next has to wait for room. */
TEST_F(queue, full)
{
	int i, c;

	api_sysctl("ipv4/tcp_syncookies", "0");
	ASSERT_EQ(0, listen(self->l, 2));
	for (i = 0; i < 3; i++) {
		c = api_connected(variant->client, &self->addr);
		EXPECT_EQ(ST_ESTABLISHED, api_state(c));
	}
	ASSERT_TRUE(has_queued(self->l, 3));
	c = api_socket(variant->client, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	api_accept(self->l);
	/* Its SYN comes again within a second or so. */
	EXPECT_TRUE(api_events(c, POLLOUT, API_DEADLINE_MS) & POLLOUT);
	EXPECT_EQ(ST_ESTABLISHED, api_state(c));
	EXPECT_EQ(0, api_getopt(c, SOL_SOCKET, SO_ERROR));
}

/* A larger backlog lets in those who waited. */
TEST_F(queue, grows)
{
	int i, c;

	api_sysctl("ipv4/tcp_syncookies", "0");
	ASSERT_EQ(0, listen(self->l, 0));
	api_connected(variant->client, &self->addr);
	ASSERT_TRUE(has_queued(self->l, 1));
	c = api_socket(variant->client, SOCK_NONBLOCK);
	EXPECT_EQ(-EINPROGRESS, SYS(api_connect(c, &self->addr)));
	EXPECT_TRUE(API_STAYS(api_state(c) == ST_SYN_SENT));
	ASSERT_EQ(0, listen(self->l, 8));
	EXPECT_TRUE(api_events(c, POLLOUT, API_DEADLINE_MS) & POLLOUT);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(ST_ESTABLISHED, api_state(api_accept(self->l)));
}

/* Data, and even the end, may come before accept(). */
TEST_F(queue, data_before_accept)
{
	int c = api_connected(variant->client, &self->addr), s;
	char buf[8] = "";

	api_send(c, "early", 5);
	close(c);
	s = api_accept(self->l);
	api_recv(s, buf, 5);
	EXPECT_STREQ("early", buf);
	ASSERT_TRUE(api_readable(s));
	EXPECT_EQ(0, recv(s, buf, 1, 0));
	EXPECT_EQ(ST_CLOSE_WAIT, api_state(s));
}

/* So may its abortion: accept() still hands it out. */
TEST_F(queue, reset_before_accept)
{
	struct linger linger = { 1, 0 };
	int c = api_connected(variant->client, &self->addr), s;
	char x;

	ASSERT_TRUE(api_readable(self->l));
	ASSERT_EQ(0, setsockopt(c, SOL_SOCKET, SO_LINGER, &linger,
				sizeof(linger)));
	close(c);
	s = api_accept(self->l);
	EXPECT_EQ(-ECONNRESET, SYS(recv(s, &x, 1, 0)));
	EXPECT_EQ(ST_CLOSE, api_state(s));
}

/* Closing a listener resets what nobody has accepted. */
TEST_F(queue, closed_with_connections_in_it)
{
	int c = api_connected(variant->client, &self->addr), fd;
	char x;

	ASSERT_TRUE(api_readable(self->l));
	close(self->l);
	ASSERT_TRUE(api_readable(c));
	EXPECT_EQ(-ECONNRESET, SYS(recv(c, &x, 1, 0)));
	fd = api_socket(variant->client, 0);
	EXPECT_EQ(-ECONNREFUSED, SYS(api_connect(fd, &self->addr)));
}

/* Accepted connections outlive the listener. */
TEST_F(queue, closed_after_accept)
{
	int c = api_connected(variant->client, &self->addr);
	int s = api_accept(self->l);
	char x;

	close(self->l);
	api_send(c, "x", 1);
	api_recv(s, &x, 1);
	EXPECT_EQ('x', x);
}

TEST_F(queue, several_acceptors)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(accept(self->l, NULL, NULL) < 0);
	}
	for (i = 0; i < 4; i++) {
		api_connected(variant->client, &self->addr);
		ASSERT_LT(0, waitpid(-1, &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* With TCP_DEFER_ACCEPT a connection shows up with its first data. */
TEST_F(queue, deferred)
{
	char x;
	int c, s;

	api_opt(self->l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	c = api_connected(variant->client, &self->addr);
	EXPECT_EQ(0, api_events(self->l, POLLIN, API_QUIET_MS));
	api_send(c, "d", 1);
	s = api_accept(self->l);
	EXPECT_EQ(1, recv(s, &x, 1, MSG_DONTWAIT));
	EXPECT_EQ('d', x);
	/* It is about those to come. */
	EXPECT_LE(5, api_getopt(self->l, IPPROTO_TCP, TCP_DEFER_ACCEPT));
	EXPECT_EQ(0, api_getopt(s, IPPROTO_TCP, TCP_DEFER_ACCEPT));
}

/* listen() has no meaning on a connection, whichever its state. */
TEST_F(queue, listen_on_a_connection)
{
	int c = api_connected(variant->client, &self->addr);
	int s = api_accept(self->l);

	EXPECT_EQ(-EINVAL, SYS(listen(c, 1)));
	EXPECT_EQ(-EINVAL, SYS(listen(s, 1)));
	EXPECT_EQ(-EINVAL, SYS(accept(c, NULL, NULL)));
	ASSERT_EQ(0, shutdown(s, SHUT_WR));
	EXPECT_EQ(-EINVAL, SYS(listen(s, 1)));
	ASSERT_TRUE(API_WAIT(api_state(c) == ST_CLOSE_WAIT));
	EXPECT_EQ(-EINVAL, SYS(listen(c, 1)));
}

TEST_HARNESS_MAIN
