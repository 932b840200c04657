// SPDX-License-Identifier: GPL-2.0
/*
 * Calls with odd arguments, and calls in the wrong state: each of them goes, in each state
 * that a socket can be in, to an AF_INET socket and to the one under test, and has to give
 * the same result and the same error.
 */
#include "api.h"
#include "states.h"
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* What the compiler shall not know. */
static void * volatile none, * volatile bad = (void *)8;
static volatile int less = -1;
static char buf[64];
static struct sockaddr_in6 name;
static socklen_t namelen;
static int pipe_fd[2];

static long again(int fd, const struct sockaddr_in *addr, socklen_t cut)
{
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(addr, &to);

	return SYS(connect(fd, (void *)&to, len - cut));
}

/* The address of a port that nobody listens at, cut short. */
static long bind_to(int fd, socklen_t cut, int more)
{
	struct sockaddr_in addr = api_addr("127.0.0.1", 1 + more);
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(&addr, &to);

	return SYS(bind(fd, (void *)&to, len - cut));
}

static long to_family(int fd, int family, bool connecting)
{
	struct sockaddr_storage ss = { .ss_family = family };

	return connecting ? SYS(connect(fd, (void *)&ss, sizeof(ss))) :
			    SYS(bind(fd, (void *)&ss, sizeof(ss)));
}

static long message(int fd, struct msghdr msg, int flags, bool sending)
{
	return sending ? SYS(sendmsg(fd, &msg, flags)) : SYS(recvmsg(fd, &msg, flags));
}

static struct iovec iovs[IOV_MAX + 1];

#define MESSAGES	12

/* Messages with something wrong in them. */
static long iov_message(int fd, int which, bool sending)
{
	struct iovec iov = { buf, 4 }, wrong = { bad, 4 }, huge = { buf, -1 };
	struct msghdr msgs[MESSAGES] = {
		{ 0 },
		{ .msg_iov = bad, .msg_iovlen = 1 },
		{ .msg_iov = &wrong, .msg_iovlen = 1 },
		{ .msg_iov = &huge, .msg_iovlen = 1 },
		{ .msg_iov = iovs, .msg_iovlen = IOV_MAX },
		{ .msg_iov = iovs, .msg_iovlen = IOV_MAX + 1 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_name = bad, .msg_namelen = 16 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &name, .msg_namelen = -1 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &name, .msg_namelen = 1000 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = bad, .msg_controllen = 64 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = 3 },
		{ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = 64 },
	};

	return message(fd, msgs[which], MSG_DONTWAIT | MSG_NOSIGNAL, sending);
}

/* As many headers as there are, and then a page that is none. */
#define MANY	(2 * IOV_MAX)

static struct mmsghdr *headers;

static void headers_map(void)
{
	size_t page = sysconf(_SC_PAGESIZE), len = MANY * sizeof(*headers);
	char *map;

	len = (len + page - 1) / page * page;
	map = mmap(NULL, len + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + len, page, PROT_NONE))
		api_die("mmap");
	headers = (void *)(map + len - MANY * sizeof(*headers));
}

/* Each message has four bytes, but for one whose bytes are nowhere. */
static struct mmsghdr *messages(size_t wrong)
{
	static struct iovec good = { buf, 4 }, nowhere = { (void *)8, 4 };
	size_t i;

	for (i = 0; i < MANY; i++)
		headers[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = i == wrong ? &nowhere : &good, .msg_iovlen = 1 },
		};
	return headers;
}

static long send_many(int fd, void *vec, unsigned int n, int flags)
{
	return SYS(syscall(SYS_sendmmsg, fd, vec, n, flags | MSG_NOSIGNAL));
}

static long recv_many(int fd, void *vec, unsigned int n, int flags, const void *timeout)
{
	struct timespec ts;

	/* It is written to. */
	if (timeout && timeout != bad)
		timeout = memcpy(&ts, timeout, sizeof(ts));
	return SYS(syscall(SYS_recvmmsg, fd, vec, n, flags, timeout));
}

static const struct timespec no_time, negative = { -1, 0 }, too_fine = { 0, 1000000000 },
			     too_coarse = { 0, -1 }, ages = { 1000, 0 };

static long name_of(int fd, bool peer, void *addr, void *len, int room)
{
	namelen = room;
	memset(&name, 0, sizeof(name));
	if (peer ? getpeername(fd, addr, len) : getsockname(fd, addr, len))
		return -errno;
	/* Ports differ. */
	return namelen * 1000 + (room > 1 ? name.sin6_family : 0);
}

static long request(int fd, unsigned long cmd, void *arg)
{
	int val = 0;
	long ret = SYS(ioctl(fd, cmd, arg ? arg : &val));

	return ret ? ret : val;
}

static long accepted(int fd, void *addr, void *len, int flags)
{
	int s = accept4(fd, addr, len, flags);

	if (s < 0)
		return -errno;
	close(s);
	return 0;
}

static long status(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -errno : (long)st.st_mode;
}

/* An expression each; X(result of a call on fd). */
#define CALLS								\
	X(SYS(connect(fd, none, 0))) X(SYS(connect(fd, none, 16)))	\
	X(SYS(connect(fd, bad, 16))) X(SYS(connect(fd, (void *)&name, -1))) \
	X(SYS(connect(fd, (void *)&name, 1000)))			\
	X(again(fd, addr, 1)) X(again(fd, addr, 0)) X(again(fd, addr, 0)) \
	X(to_family(fd, AF_UNIX, true)) X(to_family(fd, 99, true))	\
	X(SYS(bind(fd, none, 0))) X(SYS(bind(fd, bad, 16)))		\
	X(SYS(bind(fd, (void *)&name, -1))) X(SYS(bind(fd, (void *)&name, 1))) \
	X(bind_to(fd, 1, 0)) X(bind_to(fd, 0, 0)) X(bind_to(fd, 0, 1))	\
	X(to_family(fd, AF_UNIX, false)) X(to_family(fd, 99, false))	\
	X(SYS(listen(fd, 0))) X(SYS(listen(fd, -1))) X(SYS(listen(fd, INT_MAX))) \
	X(accepted(fd, none, none, 0))		\
	X(accepted(fd, none, none, -1)) X(accepted(fd, none, none, 1))	\
	X(accepted(fd, bad, bad, 0)) X(accepted(fd, &name, none, 0))	\
	X(name_of(fd, false, &name, &namelen, sizeof(name)))		\
	X(name_of(fd, false, &name, &namelen, 0)) X(name_of(fd, false, &name, &namelen, -1)) \
	X(name_of(fd, false, &name, &namelen, 3)) X(name_of(fd, false, bad, &namelen, 16)) \
	X(name_of(fd, false, &name, bad, 16)) X(name_of(fd, false, none, none, 0)) \
	X(name_of(fd, true, &name, &namelen, sizeof(name)))		\
	X(name_of(fd, true, &name, &namelen, 0)) X(name_of(fd, true, &name, &namelen, -1)) \
	X(name_of(fd, true, bad, &namelen, 16)) X(name_of(fd, true, &name, bad, 16)) \
	X(SYS(shutdown(fd, -1))) X(SYS(shutdown(fd, 3))) X(SYS(shutdown(fd, 100))) \
	X(SYS(shutdown(fd, SHUT_RD))) X(SYS(shutdown(fd, SHUT_WR)))	\
	X(SYS(shutdown(fd, SHUT_RDWR)))					\
	X(SYS(send(fd, bad, 4, MSG_NOSIGNAL))) X(SYS(send(fd, none, 4, MSG_NOSIGNAL))) \
	X(SYS(send(fd, none, 0, MSG_NOSIGNAL))) X(SYS(send(fd, buf, 4, MSG_NOSIGNAL))) \
	X(SYS(sendto(fd, buf, 1, MSG_NOSIGNAL, bad, 16)))		\
	X(SYS(sendto(fd, buf, 1, MSG_NOSIGNAL, (void *)&name, -1)))	\
	X(SYS(sendto(fd, buf, 1, MSG_NOSIGNAL, (void *)&name, 1000)))	\
	X(SYS(write(fd, bad, 4))) X(SYS(write(fd, buf, 0)))		\
	X(SYS(writev(fd, iovs, less))) X(SYS(writev(fd, iovs, IOV_MAX + 1))) \
	X(SYS(writev(fd, bad, 1)))					\
	X(SYS(recv(fd, bad, 4, MSG_DONTWAIT))) X(SYS(recv(fd, none, 0, MSG_DONTWAIT))) \
	X(SYS(recvfrom(fd, buf, 4, MSG_DONTWAIT, bad, bad)))		\
	X(SYS(recvfrom(fd, buf, 4, MSG_DONTWAIT, (void *)&name, none)))	\
	X(SYS(read(fd, bad, 4))) X(SYS(read(fd, buf, 0))) \
	X(SYS(readv(fd, iovs, less))) X(SYS(readv(fd, iovs, IOV_MAX + 1))) \
	X(send_many(fd, none, 0, 0)) X(send_many(fd, none, 1, 0))	\
	X(send_many(fd, bad, 1, 0)) X(send_many(fd, messages(-1), 0, 0)) \
	X(send_many(fd, messages(-1), 3, 0)) X(send_many(fd, messages(-1), -1, 0)) \
	X(send_many(fd, messages(0), 2, 0)) X(send_many(fd, messages(1), 2, 0)) \
	X(send_many(fd, messages(-1), 2, 1U << 31)) X(send_many(fd, messages(-1), 2, MSG_OOB)) \
	X(send_many(fd, messages(-1) + MANY - 1, 2, 0))			\
	X(recv_many(fd, none, 0, 0, none)) X(recv_many(fd, none, 1, 0, none)) \
	X(recv_many(fd, bad, 1, 0, none)) X(recv_many(fd, messages(-1), 0, 0, none)) \
	X(recv_many(fd, messages(-1), 3, 0, none)) X(recv_many(fd, messages(-1), -1, 0, none)) \
	X(recv_many(fd, messages(-1), 3, MSG_WAITFORONE, none))		\
	X(recv_many(fd, messages(0), 2, 0, none)) X(recv_many(fd, messages(1), 2, 0, none)) \
	X(recv_many(fd, messages(-1), 2, 1U << 31, none))		\
	X(recv_many(fd, messages(-1), 2, MSG_ERRQUEUE, none))		\
	X(recv_many(fd, messages(-1) + MANY - 1, 2, 0, none))		\
	X(recv_many(fd, messages(-1), 2, 0, bad))			\
	X(recv_many(fd, messages(-1), 2, 0, &no_time))			\
	X(recv_many(fd, messages(-1), 2, 0, &negative))			\
	X(recv_many(fd, messages(-1), 2, 0, &too_fine))			\
	X(recv_many(fd, messages(-1), 2, 0, &too_coarse))		\
	X(recv_many(fd, messages(-1), 2, 0, &ages))			\
	X(recv_many(fd, messages(-1), 0, 0, &negative))			\
	X(SYS(pread(fd, buf, 1, 0))) X(SYS(pwrite(fd, buf, 1, 0)))	\
	X(SYS(lseek(fd, 0, SEEK_SET))) X(SYS(ftruncate(fd, 0))) X(SYS(fsync(fd))) \
	X(SYS(fallocate(fd, 0, 0, 1))) X(SYS(fchmod(fd, 0600))) X(status(fd)) \
	X(request(fd, FIONREAD, NULL)) X(request(fd, FIONREAD, bad))	\
	X(request(fd, TIOCOUTQ, NULL)) X(request(fd, TIOCOUTQ, bad))	\
	X(request(fd, 0x894B /* SIOCOUTQNSD */, NULL))			\
	X(request(fd, 0x8905 /* SIOCATMARK */, NULL))			\
	X(request(fd, 0x8905, bad)) X(request(fd, 0x8906 /* SIOCGSTAMP */, bad)) \
	X(request(fd, 0x8903 /* FIOGETOWN */, NULL)) X(request(fd, 0x8904 /* SIOCGPGRP */, NULL)) \
	X(request(fd, 0x8902 /* SIOCSPGRP */, NULL)) X(request(fd, FIONBIO, NULL)) \
	X(request(fd, FIOASYNC, NULL)) X(request(fd, 0x8912 /* SIOCGIFCONF */, bad)) \
	X(request(fd, 0x890B /* SIOCADDRT */, bad)) X(request(fd, 0x5401 /* TCGETS */, buf)) \
	X(request(fd, 0xdeadbeef, NULL)) X(request(fd, 0x89e0 /* private */, NULL)) \
	X(SYS(fcntl(fd, F_SETOWN, getpid()))) X(SYS(fcntl(fd, F_GETFL))) \
	X(SYS(fcntl(fd, F_SETPIPE_SZ, 4096))) X(SYS(fcntl(fd, F_SETLEASE, F_RDLCK))) \
	X(SYS(sendfile(fd, fd, NULL, 1))) X(SYS(sendfile(fd, pipe_fd[0], NULL, 0))) \
	X(SYS(sendfile(fd, -1, NULL, 1)))				\
	X(SYS(splice(fd, NULL, fd, NULL, 1, 0))) X(SYS(splice(fd, NULL, pipe_fd[1], NULL, 0, 0))) \
	X(SYS(splice(fd, (void *)buf, pipe_fd[1], NULL, 1, SPLICE_F_NONBLOCK))) \
	X(SYS(splice(fd, NULL, pipe_fd[1], NULL, 1, SPLICE_F_NONBLOCK))) \
	X(SYS(splice(fd, NULL, pipe_fd[1], NULL, 1, -1)))		\
	X(SYS(tee(fd, pipe_fd[1], 1, 0))) X(SYS(vmsplice(fd, iovs, 1, 0))) \
	X(SYS(copy_file_range(fd, NULL, fd, NULL, 1, 0)))		\
	X(api_events(fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0))	\
	X(SYS(getsockopt(fd, -1, 1, buf, none)))			\
	X(SYS(getsockopt(fd, SOL_SOCKET, SO_TYPE, bad, bad)))		\
	X(SYS(setsockopt(fd, SOL_SOCKET, -1, buf, 4))) X(SYS(setsockopt(fd, -1, 1, buf, 4)))

enum {
#define X(call) +1
	NCALLS = 0 CALLS
#undef X
};

/* The nth of them. */
static long call_nth(int n, int fd, const struct sockaddr_in *addr)
{
	int i = 0;

#define X(call) n == i++ ? (call) :
	return CALLS 0;
#undef X
}

static const char *text_of(int n)
{
	static const char * const text[] = {
#define X(call) #call,
		CALLS
#undef X
	};

	return text[n];
}

FIXTURE(calls) { int l; struct sockaddr_in addr; };

API_FAMILY_VARIANTS(calls);

FIXTURE_SETUP(calls)
{
	API_BEGIN(variant->family);
	signal(SIGPIPE, SIG_IGN);
	headers_map();
	if (pipe2(pipe_fd, O_NONBLOCK))
		api_die("pipe");
}

FIXTURE_TEARDOWN(calls)
{
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* Somebody to connect to, of the same family. */
static long one_call(int family, enum state state, int n)
{
	struct made m = make(family, state);
	struct sockaddr_in addr;
	int l = api_listener(family, &addr);
	long ret;

	api_nonblock(m.fd);
	ret = call_nth(n, m.fd, &addr);

	close(l);
	unmake(&m);
	return ret;
}

static int differences(int family, enum state state)
{
	int n, tries, count = 0;
	long inet, mine;

	for (n = 0; n < NCALLS; n++) {
		/*
		 * Where one call sends several messages, it matters whether the answer to the
		 * first is there before the second, and now and then it is late.
		 */
		for (tries = 0; tries < 5; tries++) {
			inet = one_call(AF_INET, state, n);
			mine = one_call(family, state, n);
			if (inet == mine)
				break;
		}
		if (inet == mine)
			continue;
		count++;
		fprintf(stderr, "#  %s, %s: AF_INET %ld, here %ld\n", states[state].name,
			text_of(n), inet, mine);
	}
	return count;
}

/* Each bit of the flags alone. */
static long with_flag(int family, enum state state, int bit, bool sending)
{
	struct made m = make(family, state);
	int flags = (1U << bit) | MSG_DONTWAIT;
	long ret = sending ? SYS(send(m.fd, "ab", 2, flags | MSG_NOSIGNAL)) :
			     SYS(recv(m.fd, buf, 2, flags));

	unmake(&m);
	return ret;
}

static long with_message(int family, enum state state, int which, bool sending)
{
	struct made m = make(family, state);
	long ret = iov_message(m.fd, which, sending);

	unmake(&m);
	return ret;
}

static int flags_and_messages(int family, enum state state)
{
	int i, sending, count = 0;
	long inet, mine;

	for (sending = 0; sending < 2; sending++)
		for (i = 0; i < 32 + MESSAGES; i++) {
			bool flag = i < 32;

			inet = flag ? with_flag(AF_INET, state, i, sending) :
				      with_message(AF_INET, state, i - 32, sending);
			mine = flag ? with_flag(family, state, i, sending) :
				      with_message(family, state, i - 32, sending);
			if (inet == mine)
				continue;
			count++;
			fprintf(stderr, "#  %s, %s, %s %d: AF_INET %ld, here %ld\n",
				states[state].name, sending ? "send" : "recv",
				flag ? "flag 1 <<" : "message", flag ? i : i - 32, inet, mine);
		}
	return count;
}

#define EACH(name, state)						\
	TEST_F_TIMEOUT(calls, name, 120)				\
	{								\
		EXPECT_EQ(0, differences(variant->family, state));	\
		EXPECT_EQ(0, flags_and_messages(variant->family, state)); \
	}

EACH(fresh, FRESH)
EACH(bound, BOUND)
EACH(listening, LISTENING)
EACH(connected, CONNECTED)
EACH(readable, READABLE)
EACH(closed_by_the_peer, CLOSED)
EACH(connecting, SYN_SENT)
EACH(accepted_early, SYN_RECV)
EACH(deferred, DEFERRED)
EACH(refused, NOBODY)
EACH(refused_and_read, NOBODY_READ)
EACH(shut_for_reading, DEAF_READER)
EACH(shut_unheard, SHUT_UNHEARD)
EACH(shut_for_writing, SHUT_HALF)
EACH(shut_for_both, SHUT_WHOLE)
EACH(shut_at_once, CROSSED)
EACH(shut_last_unheard, LAST)
EACH(shut_last, LAST_HEARD)
EACH(shut_first, SHUT_BOTH)
EACH(reset, RESET)
EACH(reset_and_read, RESET_READ)
EACH(dissolved, DISSOLVED)
EACH(dissolved_bound, DISSOLVED_BOUND)
EACH(unbound, UNBOUND)

TEST_HARNESS_MAIN
