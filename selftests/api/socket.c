// SPDX-License-Identifier: GPL-2.0
/* socket(): types, protocols, flags, buffers, and the life of its file. */
#include "api.h"
#include <sys/stat.h>

/*
 * What socket() answers, for AF_INET or AF_INET6 and for AF_TCPX, where the
 * version of IP is a matter of the protocol.
 */
static const struct {
	int type, protocol;
	int inet, tcpx;
} creations[] = {
	{ SOCK_STREAM, 0, 0, 0 },
	{ SOCK_STREAM, IPPROTO_TCP, 0, 0 },
	{ SOCK_STREAM | SOCK_NONBLOCK, 0, 0, 0 },
	{ SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP, 0, 0 },
	{ SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
	{ SOCK_STREAM, IPPROTO_ICMP, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
	{ SOCK_STREAM, 253, -EPROTONOSUPPORT, -EPROTONOSUPPORT },
	{ SOCK_STREAM, -1, -EINVAL, -EINVAL },
	{ SOCK_STREAM, 100000, -EINVAL, -EINVAL },
	{ SOCK_STREAM | 0x10000000, 0, -EINVAL, -EINVAL },
	{ SOCK_SEQPACKET, 0, -ESOCKTNOSUPPORT, -ESOCKTNOSUPPORT },
	{ SOCK_RDM, 0, -ESOCKTNOSUPPORT, -ESOCKTNOSUPPORT },
	{ 15, 0, -EINVAL, -EINVAL },
	/* Kernel families have these types, a TCP has not. */
	{ SOCK_DGRAM, 0, 0, -ESOCKTNOSUPPORT },
	{ SOCK_DGRAM, IPPROTO_UDP, 0, -ESOCKTNOSUPPORT },
	{ SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT },
	{ SOCK_RAW, IPPROTO_TCP, 0, -ESOCKTNOSUPPORT },
};

API_SOCKET_FIXTURE(sock);

TEST_F(sock, creation)
{
	bool tcpx = variant->family == AF_TCPX;
	long ret;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(creations); i++) {
		ret = SYS(socket(api_family(variant->family),
				 creations[i].type, creations[i].protocol));
		if (ret >= 0) {
			close(ret);
			ret = 0;
		}
		EXPECT_EQ(tcpx ? creations[i].tcpx : creations[i].inet, ret)
			TH_LOG("type %#x protocol %d", creations[i].type,
			       creations[i].protocol);
	}
}

TEST_F(sock, socketpair_is_not_supported)
{
	int fds[2];

	EXPECT_EQ(-EOPNOTSUPP, SYS(socketpair(api_family(variant->family),
					      SOCK_STREAM, 0, fds)));
}

TEST_F(sock, flags_of_the_descriptor)
{
	int plain = self->fd;
	int nonblock = api_socket(variant->family, SOCK_NONBLOCK);
	int cloexec = api_socket(variant->family, SOCK_CLOEXEC);

	EXPECT_EQ(0, fcntl(plain, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(plain, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(nonblock, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fcntl(nonblock, F_GETFD));
	EXPECT_EQ(0, fcntl(cloexec, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(cloexec, F_GETFD));
}

TEST_F(sock, what_it_says_of_itself)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);
	bool tcpx = variant->family == AF_TCPX;

	EXPECT_EQ(SOCK_STREAM, api_getopt(self->fd, SOL_SOCKET, SO_TYPE));
	EXPECT_EQ(variant->face == API_V4 ? AF_INET : AF_INET6,
		  api_getopt(self->fd, SOL_SOCKET, SO_DOMAIN));
	EXPECT_EQ(tcpx ? IPPROTO_TCPX : IPPROTO_TCP,
		  api_getopt(self->fd, SOL_SOCKET, SO_PROTOCOL));
	EXPECT_EQ(0, api_getopt(self->fd, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(ST_CLOSE, api_state(self->fd));

	EXPECT_EQ(0, api_getopt(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
	ASSERT_EQ(0, api_bind(self->fd, &addr));
	ASSERT_EQ(0, listen(self->fd, 1));
	EXPECT_EQ(1, api_getopt(self->fd, SOL_SOCKET, SO_ACCEPTCONN));
	EXPECT_EQ(ST_LISTEN, api_state(self->fd));
}

/* New sockets start from the second value of tcp_rmem and tcp_wmem. */
TEST_F(sock, buffers_start_from_the_sysctls)
{
	static const int sizes[][2] = { { 131072, 16384 }, { 50000, 70000 } };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		api_sysctl("ipv4/tcp_rmem", "4096 %d 6291456", sizes[i][0]);
		api_sysctl("ipv4/tcp_wmem", "4096 %d 4194304", sizes[i][1]);
		fd = api_socket(variant->family, 0);
		EXPECT_EQ(sizes[i][0], api_getopt(fd, SOL_SOCKET, SO_RCVBUF));
		EXPECT_EQ(sizes[i][1], api_getopt(fd, SOL_SOCKET, SO_SNDBUF));
		close(fd);
	}
}

TEST_F(sock, shows_up_as_a_file)
{
	char path[64], link[64] = "", expected[64];
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), self->fd);
	snprintf(expected, sizeof(expected), "socket:[%lu]",
		 (unsigned long)st.st_ino);
	EXPECT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(expected, link);

	EXPECT_EQ(-ESPIPE, SYS(lseek(self->fd, 0, SEEK_SET)));
	EXPECT_EQ(-EINVAL, SYS(fsync(self->fd)));
	EXPECT_EQ(-EINVAL, SYS(ftruncate(self->fd, 0)));
}

TEST_F(sock, ioctls)
{
	int value;

	EXPECT_EQ(-ENOTTY, SYS(ioctl(self->fd, 0x1234, &value)));
	EXPECT_EQ(0, SYS(ioctl(self->fd, FIONREAD, &value)));
	EXPECT_EQ(0, value);
	EXPECT_EQ(-EFAULT, SYS(ioctl(self->fd, FIONREAD, NULL)));
	value = 1;
	EXPECT_EQ(0, SYS(ioctl(self->fd, FIONBIO, &value)));
	EXPECT_EQ(O_NONBLOCK, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
}

/* An address given to a call may be unreadable. */
TEST_F(sock, bad_pointers)
{
	void *bad = (void *)8;
	socklen_t len = api_sockaddr_len();

	EXPECT_EQ(-EFAULT, SYS(bind(self->fd, bad, len)));
	EXPECT_EQ(-EFAULT, SYS(connect(self->fd, bad, len)));
	EXPECT_EQ(-EFAULT, SYS(getsockname(self->fd, bad, &len)));
	EXPECT_EQ(-EFAULT, SYS(getsockname(self->fd, bad, bad)));
	EXPECT_EQ(-EFAULT, SYS(setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY,
					  bad, sizeof(int))));
	EXPECT_EQ(-EFAULT, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY,
					  bad, &len)));
	EXPECT_EQ(-EFAULT, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY,
					  &len, bad)));
}

API_PAIR_FIXTURE(shared);

/* Parent and child hold the same socket: what one reads the other does not. */
TEST_F(shared, by_fork)
{
	char buf[4] = "";
	int status;
	pid_t pid;

	api_send(self->c, "12", 2);
	ASSERT_TRUE(api_readable(self->s));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->c);
		_exit(recv(self->s, buf, 1, 0) != 1 || buf[0] != '1' ||
		      send(self->s, "x", 1, 0) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* The child's exit closed nothing that the parent still holds. */
	api_recv(self->s, buf, 1);
	EXPECT_EQ('2', buf[0]);
	api_recv(self->c, buf, 1);
	EXPECT_EQ('x', buf[0]);
	EXPECT_EQ(ST_ESTABLISHED, api_state(self->s));
}

TEST_F(shared, by_dup_until_the_last_close)
{
	int copy = dup(self->c);
	char c;

	ASSERT_LE(0, copy);
	close(self->c);
	EXPECT_TRUE(API_STAYS(api_state(self->s) == ST_ESTABLISHED));
	api_send(copy, "x", 1);
	api_recv(self->s, &c, 1);
	EXPECT_EQ('x', c);

	close(copy);
	EXPECT_TRUE(api_readable(self->s));
	EXPECT_EQ(0, recv(self->s, &c, 1, 0));
	EXPECT_EQ(ST_CLOSE_WAIT, api_state(self->s));
}

/* A descriptor in flight through a unix socket keeps the connection open. */
TEST_F(shared, by_scm_rights)
{
	char data = 'f', control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &data, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int un[2], passed;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, un));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &self->c, sizeof(int));
	ASSERT_EQ(1, sendmsg(un[0], &msg, 0));
	close(self->c);
	EXPECT_TRUE(API_STAYS(api_state(self->s) == ST_ESTABLISHED));

	ASSERT_EQ(1, recvmsg(un[1], &msg, 0));
	memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	api_send(passed, "p", 1);
	api_recv(self->s, &data, 1);
	EXPECT_EQ('p', data);
	close(passed);
	EXPECT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
}

TEST_HARNESS_MAIN
