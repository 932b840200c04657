// SPDX-License-Identifier: GPL-2.0
/*
 * Congestion control as a user sees it: who may choose what, an algorithm that another
 * module brings, and whether the algorithms fill a path without flooding it.
 *
 * Both ends of a connection are here, on the loopback device of a namespace of its own,
 * made into a path by qdiscs. One segment a packet, MTU 1500.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../uapi/tcpx.h"

#define PORT	7777
/*
 * Seconds. In virtual time they fly while a program waits for the disk, which is the
 * host's.
 */
#define LONG	100000000

/* How a test process tells the harness "skipped". */
#ifdef FIXTURE_TEARDOWN_PARENT
#define EXIT_SKIP	KSFT_SKIP
#else
#define EXIT_SKIP	255
#endif

static int run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

/* Adds a qdisc to lo, by the words of tc. */
#define qdisc(fmt, ...)	run("tc qdisc add dev lo " fmt, ##__VA_ARGS__)

/* A link of 20 Mbit/s whose queue marks what waited for longer. netem takes the packets
 * off the sender, or it would hold them back itself.
 */
static int marking_queue(int ms)
{
	return qdisc("root handle 1: netem delay 1ms limit 1000") ?:
	       qdisc("parent 1: handle 2: tbf rate 20mbit burst 3000 limit 1000000") ?:
	       qdisc("parent 2: codel limit 1000 target 500ms interval 1s ecn ce_threshold %dms",
		     ms);
}

static bool read_file(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, len - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return n >= 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

#define AVAILABLE	"/proc/sys/net/tcpx/available_congestion_control"
#define ALLOWED		"/proc/sys/net/tcpx/allowed_congestion_control"
#define DEFAULT		"/proc/sys/net/tcpx/congestion_control"

/* Is a word in the list that a file has? */
static bool listed(const char *path, const char *word)
{
	char text[2048], *at, *state;

	if (!read_file(path, text, sizeof(text)))
		return false;
	for (at = strtok_r(text, " ", &state); at; at = strtok_r(NULL, " ", &state))
		if (!strcmp(at, word))
			return true;
	return false;
}

static int set_cong(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)) ? -errno : 0;
}

static const char *get_cong(int fd)
{
	static char name[32];
	socklen_t len = sizeof(name);

	memset(name, 0, sizeof(name));
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len))
		return "?";
	return name;
}

static struct tcp_info tcp_info(int fd)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		exit(1);
	return info;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- a connection of two ends ---- */

struct ends {
	int listener, client, server;
	pthread_t reader;
	unsigned long long received;
};

static struct sockaddr_in address(void)
{
	return (struct sockaddr_in) {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(PORT),
	};
}

static int listen_on(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in sin = address();

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&sin, sizeof(sin)) || listen(fd, 8))
		return -1;
	return fd;
}

static void *read_all(void *arg)
{
	struct ends *e = arg;
	static char buf[1 << 16];
	ssize_t n;

	while ((n = read(e->server, buf, sizeof(buf))) > 0)
		__atomic_add_fetch(&e->received, n, __ATOMIC_RELAXED);
	return NULL;
}

/* cong: what the client asks for; NULL: nothing. */
static bool connect_ends(struct ends *e, int family, const char *cong)
{
	struct sockaddr_in sin = address();

	memset(e, 0, sizeof(*e));
	e->listener = listen_on(family);
	e->client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (e->listener < 0 || e->client < 0)
		return false;
	if (cong && (set_cong(e->client, cong) || set_cong(e->listener, cong)))
		return false;
	if (connect(e->client, (void *)&sin, sizeof(sin)))
		return false;
	e->server = accept(e->listener, NULL, NULL);
	return e->server >= 0 && !pthread_create(&e->reader, NULL, read_all, e);
}

/* Write until the time has come. Returns bytes per second that arrived in it, not counting
 * the first part of it.
 */
static double pump(struct ends *e, double warm_up, double seconds)
{
	static char buf[1 << 14];
	double start = now(), begin = start + warm_up, end = begin + seconds;
	unsigned long long before = 0;
	struct pollfd pfd = { .fd = e->client, .events = POLLOUT };
	double at;

	fcntl(e->client, F_SETFL, O_NONBLOCK);
	while ((at = now()) < end) {
		if (!before && at >= begin) {
			before = __atomic_load_n(&e->received, __ATOMIC_RELAXED);
			begin = at;
		}
		if (send(e->client, buf, sizeof(buf), MSG_NOSIGNAL) < 0)
			poll(&pfd, 1, 20);
	}
	return (__atomic_load_n(&e->received, __ATOMIC_RELAXED) - before) / (at - begin);
}

static void close_ends(struct ends *e)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(e->client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(e->client);
	pthread_join(e->reader, NULL);
	close(e->server);
	close(e->listener);
}

/* ---- the registry ---- */

FIXTURE(cong)
{
	int family;
};

static int tcpx_family(void)
{
	char text[16];

	return read_file("/sys/module/tcpx/parameters/family", text, sizeof(text)) ?
	       atoi(text) : AF_TCPX;
}

static void new_net(void)
{
	if (unshare(CLONE_NEWNET) || run("ip link set lo mtu 1500 gso_max_segs 1 up"))
		exit(1);
}

FIXTURE_SETUP(cong)
{
	self->family = tcpx_family();
	if (access("/sys/module/tcpx", F_OK))
		SKIP(_exit(EXIT_SKIP), "AF_TCPX is not there");
}

FIXTURE_TEARDOWN(cong)
{
}

TEST_F_TIMEOUT(cong, available, LONG)
{
	static const char *const names[] = { "reno", "cubic", "dctcp", "bbr" };
	int fd = socket(self->family, SOCK_STREAM, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_TRUE(listed(AVAILABLE, names[i]));
		EXPECT_EQ(0, set_cong(fd, names[i]));
		EXPECT_STREQ(names[i], get_cong(fd));
	}
	EXPECT_EQ(-ENOENT, set_cong(fd, "nosuch"));
	EXPECT_STREQ("bbr", get_cong(fd));
}

/* As tcp_allowed_congestion_control: a list for all, which only the first netns sets. */
TEST_F_TIMEOUT(cong, allowed, LONG)
{
	char before[256];
	int status;

	ASSERT_TRUE(read_file(ALLOWED, before, sizeof(before)));
	EXPECT_FALSE(listed(ALLOWED, "dctcp"));
	EXPECT_TRUE(listed(ALLOWED, "reno"));
	if (!fork()) {
		int fd = socket(self->family, SOCK_STREAM, 0);

		if (setuid(1000))
			_exit(9);
		_exit(set_cong(fd, "dctcp") == -EPERM && !set_cong(fd, "reno") ? 0 : 1);
	}
	wait(&status);
	EXPECT_EQ(0, status);

	EXPECT_EQ(-ENOENT, write_file(ALLOWED, "reno nosuch"));
	EXPECT_EQ(-ENOENT, write_file(ALLOWED, "reno reno"));
	EXPECT_TRUE(listed(ALLOWED, "cubic"));
	EXPECT_EQ(0, write_file(ALLOWED, "dctcp  cubic"));
	EXPECT_TRUE(listed(ALLOWED, "dctcp"));
	EXPECT_FALSE(listed(ALLOWED, "reno"));
	if (!fork()) {
		int fd = socket(self->family, SOCK_STREAM, 0);

		if (setuid(1000))
			_exit(9);
		_exit(!set_cong(fd, "dctcp") && set_cong(fd, "reno") == -EPERM ? 0 : 1);
	}
	wait(&status);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, write_file(ALLOWED, before));

	new_net();
	EXPECT_EQ(-EACCES, write_file(ALLOWED, before));
}

/* Asked of the listener, it is the children's; asked of none, today's default. */
TEST_F_TIMEOUT(cong, inherited, LONG)
{
	struct ends e;

	new_net();
	ASSERT_TRUE(connect_ends(&e, self->family, "reno"));
	EXPECT_STREQ("reno", get_cong(e.server));
	close_ends(&e);

	EXPECT_EQ(0, write_file(DEFAULT, "bbr"));
	ASSERT_TRUE(connect_ends(&e, self->family, NULL));
	EXPECT_STREQ("bbr", get_cong(e.client));
	EXPECT_STREQ("bbr", get_cong(e.server));
	close_ends(&e);
}

/* Another one in the middle of a connection. */
TEST_F_TIMEOUT(cong, changed_midway, LONG)
{
	static const char *const names[] = { "bbr", "cubic", "dctcp", "reno", "bbr" };
	struct ends e;
	size_t i;

	new_net();
	ASSERT_TRUE(connect_ends(&e, self->family, "cubic"));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(0, set_cong(e.client, names[i]));
		/* ECN was not negotiated. */
		EXPECT_STREQ(strcmp(names[i], "dctcp") ? names[i] : "dctcp-reno",
			     get_cong(e.client));
		EXPECT_GT(pump(&e, 0.05, 0.1), 0);
	}
	close_ends(&e);
}

/* ip route ... congctl: a preference, and with "lock" the last word. */
TEST_F_TIMEOUT(cong, route, LONG)
{
	struct ends e;

	new_net();
	ASSERT_EQ(0, run("ip route change local 127.0.0.1 dev lo table local congctl reno"));
	ASSERT_TRUE(connect_ends(&e, self->family, NULL));
	EXPECT_STREQ("reno", get_cong(e.client));
	EXPECT_STREQ("reno", get_cong(e.server));
	EXPECT_EQ(0, set_cong(e.client, "cubic"));
	close_ends(&e);

	ASSERT_EQ(0, run("ip route change local 127.0.0.1 dev lo table local congctl lock reno"));
	ASSERT_TRUE(connect_ends(&e, self->family, "bbr"));
	EXPECT_STREQ("reno", get_cong(e.client));
	EXPECT_STREQ("reno", get_cong(e.server));
	EXPECT_EQ(-EPERM, set_cong(e.client, "cubic"));
	close_ends(&e);
}

/* A queue that marks, and feedback that counts the marks: for who needs ECN and who not. */
TEST_F_TIMEOUT(cong, accecn_over_a_marking_queue, LONG)
{
	static const char *const names[] = { "cubic", "dctcp", "bbr" };
	struct tcp_info info;
	struct ends e;
	double rate;
	size_t i;

	new_net();
	if (write_file("/proc/sys/net/tcpx/tcp_ecn", "3"))
		ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_ecn", "3"));
	ASSERT_EQ(0, marking_queue(3));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_TRUE(connect_ends(&e, self->family, names[i]));
		rate = pump(&e, 0.5, 1);
		info = tcp_info(e.client);
		TH_LOG("%s: %.2f Mbit/s, rtt %u us, %u of %u marked", names[i],
		       rate / (1e6 / 8), info.tcpi_rtt, info.tcpi_delivered_ce,
		       info.tcpi_delivered);
		EXPECT_GE(rate, 16e6 / 8);
		EXPECT_GT(info.tcpi_delivered_ce, 0);
		EXPECT_LT(info.tcpi_delivered_ce, info.tcpi_delivered);
		EXPECT_EQ(0, info.tcpi_total_retrans);
		EXPECT_TRUE(info.tcpi_options & TCPI_OPT_ECN);
		close_ends(&e);
	}
}

/* ---- the example: an algorithm of another module ---- */

static int load_example(void)
{
	const char *path = getenv("TCPX_EXAMPLE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, err = 0;

	if (fd < 0)
		return -ENOENT;
	if (syscall(SYS_finit_module, fd, "window=6", 0))
		err = -errno;
	close(fd);
	return err;
}

static int unload_example(void)
{
	return syscall(SYS_delete_module, "tcpx_example", O_NONBLOCK) ? -errno : 0;
}

static int users(void)
{
	char text[16];

	return read_file("/sys/module/tcpx_example/refcnt", text, sizeof(text)) ? atoi(text) : -1;
}

TEST_F_TIMEOUT(cong, example_module, LONG)
{
	struct ends e;
	int fd;

	fd = socket(self->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, load_example());
	EXPECT_TRUE(listed(AVAILABLE, "example"));
	EXPECT_FALSE(listed(ALLOWED, "example"));
	EXPECT_EQ(0, users());

	/* In use, by a socket that is not even connected. */
	EXPECT_EQ(0, set_cong(fd, "example"));
	EXPECT_EQ(1, users());
	EXPECT_EQ(-EAGAIN, unload_example() == -EWOULDBLOCK ? -EAGAIN : unload_example());
	EXPECT_EQ(0, set_cong(fd, "reno"));
	EXPECT_EQ(0, users());

	new_net();
	ASSERT_EQ(0, qdisc("root netem delay 5ms"));
	ASSERT_TRUE(connect_ends(&e, self->family, "example"));
	EXPECT_EQ(3, users());
	pump(&e, 0.2, 0.2);
	EXPECT_EQ(6, tcp_info(e.client).tcpi_snd_cwnd);
	EXPECT_LE(tcp_info(e.client).tcpi_unacked, 6);
	EXPECT_LT(unload_example(), 0);
	close_ends(&e);

	/* As the default of a netns, too. */
	EXPECT_EQ(-EPERM, write_file(DEFAULT, "example"));
	while (users() > 0)
		usleep(1000);
	EXPECT_EQ(0, unload_example());
	EXPECT_FALSE(listed(AVAILABLE, "example"));
	EXPECT_EQ(-ENOENT, set_cong(fd, "example"));
}

TEST_F_TIMEOUT(cong, example_as_default, LONG)
{
	char name[32];

	ASSERT_EQ(0, load_example());
	EXPECT_EQ(0, write_file(DEFAULT, "example"));
	EXPECT_EQ(1, users());
	EXPECT_TRUE(read_file(DEFAULT, name, sizeof(name)));
	EXPECT_STREQ("example", name);
	EXPECT_LT(unload_example(), 0);
	/* What is the default is for everybody. */
	EXPECT_TRUE(listed(ALLOWED, "example"));
	EXPECT_EQ(0, write_file(DEFAULT, "\n"));
	EXPECT_EQ(0, unload_example());
	EXPECT_EQ(-ENOENT, write_file(DEFAULT, "example"));
}

/* ---- paths ---- */

FIXTURE(path)
{
	int family;
};

FIXTURE_VARIANT(path)
{
	bool tcpx;
};

FIXTURE_VARIANT_ADD(path, inet)
{
	.tcpx = false,
};

FIXTURE_VARIANT_ADD(path, tcpx)
{
	.tcpx = true,
};

FIXTURE_SETUP(path)
{
	self->family = variant->tcpx ? tcpx_family() : AF_INET;
	if (variant->tcpx && access("/sys/module/tcpx", F_OK))
		SKIP(_exit(EXIT_SKIP), "AF_TCPX is not there");
	new_net();
}

FIXTURE_TEARDOWN(path)
{
}

#define MBIT	(1000000 / 8.0)

/* 10 Mbit/s, 40 ms there and back. Half a second to find that out. */
TEST_F_TIMEOUT(path, bbr_fills_the_pipe, LONG)
{
	union tcp_cc_info cc = { .bbr = { .bbr_bw_lo = 0 } };
	socklen_t len = sizeof(cc);
	struct ends e;
	double rate;

	ASSERT_EQ(0, qdisc("root netem delay 20ms rate 10mbit limit 1000"));
	ASSERT_TRUE(connect_ends(&e, self->family, "bbr"));
	rate = pump(&e, 1, 3);
	TH_LOG("%.2f Mbit/s, rtt %u us", rate / MBIT, tcp_info(e.client).tcpi_rtt);
	EXPECT_GE(rate, 8.5 * MBIT);
	EXPECT_LE(rate, 10 * MBIT);
	/* The queue holds at most as much as the path: twice the RTT and some. */
	EXPECT_LE(tcp_info(e.client).tcpi_rtt, 150000);
	EXPECT_EQ(0, tcp_info(e.client).tcpi_total_retrans);

	ASSERT_EQ(0, getsockopt(e.client, IPPROTO_TCP, TCP_CC_INFO, &cc, &len));
	EXPECT_EQ(sizeof(cc.bbr), len);
	EXPECT_GE(cc.bbr.bbr_bw_lo, 8.5 * MBIT);
	EXPECT_LE(cc.bbr.bbr_bw_lo, 11 * MBIT);
	EXPECT_GE(cc.bbr.bbr_min_rtt, 40000);
	EXPECT_LE(cc.bbr.bbr_min_rtt, 60000);
	close_ends(&e);
}

/* One packet in fifty is lost: cubic would not get a tenth of it. */
TEST_F_TIMEOUT(path, bbr_and_random_loss, LONG)
{
	struct ends e;
	double rate;

	ASSERT_EQ(0, qdisc("root netem delay 20ms rate 10mbit loss 2%% limit 1000"));
	ASSERT_TRUE(connect_ends(&e, self->family, "bbr"));
	rate = pump(&e, 1, 4);
	TH_LOG("%.2f Mbit/s", rate / MBIT);
	EXPECT_GE(rate, 6.5 * MBIT);
	close_ends(&e);
}

/* With fq to keep the times of departure. */
TEST_F_TIMEOUT(path, bbr_over_fq, LONG)
{
	struct ends e;
	double rate;

	ASSERT_EQ(0, qdisc("root handle 1: netem delay 10ms limit 2000"));
	ASSERT_EQ(0, qdisc("parent 1: fq"));
	ASSERT_TRUE(connect_ends(&e, self->family, "bbr"));
	rate = pump(&e, 0.5, 1);
	TH_LOG("%.2f Mbit/s", rate / MBIT);
	EXPECT_GE(rate, 5 * MBIT);
	close_ends(&e);
}

/* A queue that marks beyond 1 ms stays about that short, and the link full. */
TEST_F_TIMEOUT(path, dctcp_keeps_the_queue_short, LONG)
{
	union tcp_cc_info cc = { .dctcp = { .dctcp_enabled = 0 } };
	socklen_t len = sizeof(cc);
	struct tcp_info info;
	struct ends e;
	double rate;

	ASSERT_EQ(0, marking_queue(2));
	ASSERT_TRUE(connect_ends(&e, self->family, "dctcp"));
	EXPECT_STREQ("dctcp", get_cong(e.client));
	rate = pump(&e, 1, 3);
	info = tcp_info(e.client);
	TH_LOG("%.2f Mbit/s, rtt %u us, %u of %u marked", rate / MBIT, info.tcpi_rtt,
	       info.tcpi_delivered_ce, info.tcpi_delivered);
	EXPECT_GE(rate, 16 * MBIT);
	EXPECT_LE(info.tcpi_rtt, 15000);
	EXPECT_GT(info.tcpi_delivered_ce, 0);
	EXPECT_LT(info.tcpi_delivered_ce, info.tcpi_delivered);
	EXPECT_EQ(0, info.tcpi_total_retrans);

	ASSERT_EQ(0, getsockopt(e.client, IPPROTO_TCP, TCP_CC_INFO, &cc, &len));
	EXPECT_EQ(1, cc.dctcp.dctcp_enabled);
	EXPECT_LT(cc.dctcp.dctcp_alpha, 1024);
	close_ends(&e);
}

TEST_HARNESS_MAIN
