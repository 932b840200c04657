// SPDX-License-Identifier: GPL-2.0
/*
 * What some options do, beyond that they can be set and read: TCP_INQ, SO_TXTIME and
 * SO_BUSY_POLL; and sockmap, which has to refuse a socket that is none of the kernel's.
 */
#include "api.h"
#include <linux/bpf.h>
#include <linux/net_tstamp.h>
#include <sys/syscall.h>

#define CM_INQ	36	/* TCP_CM_INQ */

API_PAIR_FIXTURE(effects);

/* --- TCP_INQ -------------------------------------------------------------- */

enum { NO_HINT = -1, CUT_OFF = -2 };

/* Read up to @len bytes: what is left in the queue, as the control message says. */
static int read_with_hint(int fd, size_t len, int flags, size_t room)
{
	char control[256], buf[256];
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = room,
	};
	struct cmsghdr *cm;
	int hint;

	if (recvmsg(fd, &msg, flags) < 0)
		api_die("recvmsg: %s", strerror(errno));
	if (msg.msg_flags & MSG_CTRUNC)
		return CUT_OFF;
	cm = CMSG_FIRSTHDR(&msg);
	if (!cm)
		return NO_HINT;
	if (cm->cmsg_level != IPPROTO_TCP || cm->cmsg_type != CM_INQ ||
	    cm->cmsg_len != CMSG_LEN(sizeof(hint)) || CMSG_NXTHDR(&msg, cm))
		api_die("not TCP_CM_INQ");
	memcpy(&hint, CMSG_DATA(cm), sizeof(hint));
	return hint;
}

TEST_F(effects, inq)
{
	int two = 2;
	char buf[100] = "";

	api_send(self->c, buf, 100);
	ASSERT_TRUE(API_WAIT(read_with_hint(self->s, 200, MSG_PEEK, 256) == NO_HINT &&
			     recv(self->s, buf, 100, MSG_PEEK) == 100));
	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->s, IPPROTO_TCP, TCP_INQ, &two, sizeof(two))));
	api_opt(self->s, IPPROTO_TCP, TCP_INQ, 1);
	EXPECT_EQ(100, read_with_hint(self->s, 30, MSG_PEEK, 256));
	EXPECT_EQ(70, read_with_hint(self->s, 30, 0, 256));
	EXPECT_EQ(CUT_OFF, read_with_hint(self->s, 10, 0, 8));
	EXPECT_EQ(0, read_with_hint(self->s, 60, 0, 256));

	/* The end counts as a byte: read again. */
	api_send(self->c, buf, 10);
	ASSERT_EQ(0, shutdown(self->c, SHUT_WR));
	ASSERT_TRUE(API_WAIT(api_state(self->s) == ST_CLOSE_WAIT));
	EXPECT_EQ(6, read_with_hint(self->s, 5, 0, 256));
	EXPECT_EQ(1, read_with_hint(self->s, 5, 0, 256));
	api_opt(self->s, IPPROTO_TCP, TCP_INQ, 0);
	EXPECT_EQ(NO_HINT, read_with_hint(self->s, 5, 0, 256));
}

/* --- SO_TXTIME ------------------------------------------------------------ */

/* Send a byte at a time to come; the message is of @len bytes. */
static long send_at(int fd, uint64_t when, size_t len)
{
	union {
		char buf[CMSG_SPACE(16)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = CMSG_SPACE(len),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_TXTIME;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), &when, len < sizeof(when) ? len : sizeof(when));
	return SYS(sendmsg(fd, &msg, MSG_NOSIGNAL));
}

/* A stream takes the time, and goes when it likes. */
TEST_F(effects, txtime)
{
	uint64_t hour = 3600ULL * 1000000000;
	struct sock_txtime txtime = { .clockid = CLOCK_MONOTONIC }, got;
	socklen_t len = sizeof(got);
	char x = 0;

	EXPECT_EQ(-EINVAL, send_at(self->c, hour, sizeof(hour)));
	ASSERT_EQ(0, setsockopt(self->c, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime)));
	ASSERT_EQ(0, getsockopt(self->c, SOL_SOCKET, SO_TXTIME, &got, &len));
	EXPECT_EQ(CLOCK_MONOTONIC, got.clockid);
	EXPECT_EQ(-EINVAL, send_at(self->c, hour, 4));
	EXPECT_EQ(1, send_at(self->c, api_now_ms() * 1000000 + hour, sizeof(hour)));
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

/* --- SO_BUSY_POLL --------------------------------------------------------- */

/* Who polls busily waits no longer than he said, and gets what comes. */
TEST_F(effects, busy_poll)
{
	struct pollfd pfd = { .fd = self->s, .events = POLLIN };
	int wrong = -1;
	char x = 0;

	EXPECT_EQ(-EINVAL, SYS(setsockopt(self->s, SOL_SOCKET, SO_BUSY_POLL, &wrong,
					  sizeof(wrong))));
	api_opt(self->s, SOL_SOCKET, SO_BUSY_POLL, 1000);
	EXPECT_EQ(1000, api_getopt(self->s, SOL_SOCKET, SO_BUSY_POLL));
	api_timeout(self->s, SO_RCVTIMEO, 20);
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, 0)));
	EXPECT_EQ(-EAGAIN, SYS(recv(self->s, &x, 1, MSG_DONTWAIT)));
	EXPECT_EQ(0, poll(&pfd, 1, 1));
	api_send(self->c, "y", 1);
	EXPECT_EQ(1, poll(&pfd, 1, API_DEADLINE_MS));
	api_recv(self->s, &x, 1);
	EXPECT_EQ('y', x);
}

/* --- sockmap -------------------------------------------------------------- */

static int map_of_sockets(int type)
{
	union bpf_attr attr = {
		.map_type = type, .key_size = 4, .value_size = 4, .max_entries = 1,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long put(int map, int fd)
{
	int key = 0;
	union bpf_attr attr = {
		.map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&fd,
	};

	return SYS(syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)));
}

TEST_F(effects, sockmap)
{
	static const int types[] = { BPF_MAP_TYPE_SOCKMAP, BPF_MAP_TYPE_SOCKHASH };
	bool other = variant->client == AF_TCPX;
	char x = 0;
	size_t i;
	int map;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		map = map_of_sockets(types[i]);
		if (map < 0)
			SKIP(return, "no sockmap: %s", strerror(errno));
		EXPECT_EQ(other ? -EOPNOTSUPP : 0, put(map, self->c));
		close(map);
	}
	/* It is what it was. */
	api_send(self->c, "x", 1);
	api_recv(self->s, &x, 1);
	EXPECT_EQ('x', x);
}

TEST_HARNESS_MAIN
