// SPDX-License-Identifier: GPL-2.0
/* Helpers of the api tests: see api.h. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>

#define API_NO_HARNESS
#include "api.h"

void api_die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "# api: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	abort();
}

int64_t api_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Between two looks at a condition. */
void api_pause(void)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}

/*
 * First argument of socket() for AF_INET, kernel TCP, or AF_TCPX, whose number
 * the module's parameter family= may have moved.
 */
int api_family(int family)
{
	static int number;
	FILE *f;

	if (family != AF_TCPX)
		return api_face == API_V4 ? AF_INET : AF_INET6;
	if (!number) {
		f = fopen("/sys/module/tcpx/parameters/family", "r");
		if (!f || fscanf(f, "%d", &number) != 1)
			number = AF_TCPX;
		if (f)
			fclose(f);
	}
	return number;
}

/* Third argument of socket() for it. */
int api_protocol(int family)
{
	if (family != AF_TCPX)
		return 0;
	return api_face == API_V4 ? TCPXPROTO_V4 : TCPXPROTO_V6;
}

/* Asking by socket() would start a modprobe each time the answer is no. */
bool api_have(int family)
{
	return family != AF_TCPX || !access("/sys/module/tcpx", F_OK);
}

bool api_have_face(int family)
{
	int fd;

	if (family != AF_TCPX || api_face == API_V4)
		return true;
	fd = socket(api_family(family), SOCK_STREAM, api_protocol(family));
	if (fd < 0)
		return errno != EPROTONOSUPPORT;
	close(fd);
	return true;
}

/* A network namespace of this test's own, with lo up.
 *
 * A machine that stalls sends a FIN twice. The ACK of the second finds nobody any more, and the
 * reset that it gets would end the TIME_WAIT that a test looks for, with either stack
 * (rfc1337#section-3, hazard 1): there tcp_rfc1337 is on.
 */
void api_netns(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET))
		api_die("unshare(CLONE_NEWNET), are you root?");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		api_die("lo");
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		api_die("lo up");
	close(fd);
	api_sysctl("ipv4/tcp_rfc1337", "1");
}

static bool asleep(int tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

/* A thread gets to sleep: in the call that it is about to make. */
bool api_sleeps(int tid)
{
	return API_WAIT(asleep(tid));
}

/* Set /proc/sys/net/NAME, which belongs to the test's own namespace. */
void api_sysctl(const char *name, const char *fmt, ...)
{
	char path[128], value[128];
	va_list ap;
	int fd, n;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, n) != n)
		api_die("%s = %s", path, value);
	close(fd);
}

/* Field FIELD, from 0, of /proc/sys/net/NAME. */
long api_sysctl_get(const char *name, int field)
{
	char path[128];
	long value;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	f = fopen(path, "r");
	if (!f)
		api_die("%s", path);
	do {
		if (fscanf(f, "%ld", &value) != 1)
			api_die("%s: no field %d", path, field);
	} while (field--);
	fclose(f);
	return value;
}

/* Run a shell command; its exit status. */
int api_sh(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	status = system(cmd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Become an ordinary user without any capability. */
void api_drop_root(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		api_die("setresuid");
}

/* The local port, 0 for a socket without one. */
int api_port(int fd)
{
	struct sockaddr_in addr;

	if (api_name(fd, &addr))
		api_die("getsockname");
	return ntohs(addr.sin_port);
}

int api_socket(int family, int flags)
{
	int fd = socket(api_family(family), SOCK_STREAM | flags,
			api_protocol(family));

	if (fd < 0)
		api_die("socket(%d)", api_family(family));
	return fd;
}

/* A new socket bound to IP:PORT. */
int api_bound(int family, const char *ip, int port)
{
	struct sockaddr_in addr = api_addr(ip, port);
	int fd = api_socket(family, 0);

	if (api_bind(fd, &addr))
		api_die("bind %s:%d", ip, port);
	return fd;
}

/* A listener on a free port of 127.0.0.1, which is stored in *ADDR. */
int api_listener(int family, struct sockaddr_in *addr)
{
	int fd = api_bound(family, "127.0.0.1", 0);

	if (listen(fd, 16))
		api_die("listen");
	*addr = api_addr("127.0.0.1", api_port(fd));
	return fd;
}

/* connect() to nothing: back to a socket without a connection */
int api_dissolve(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	return connect(fd, &unspec, sizeof(unspec));
}

int api_connected(int family, const struct sockaddr_in *addr)
{
	int fd = api_socket(family, 0);

	if (api_connect(fd, addr))
		api_die("connect to port %d", ntohs(addr->sin_port));
	return fd;
}

int api_accept(int listener)
{
	int fd;

	if (!api_readable(listener))
		api_die("nothing to accept");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		api_die("accept");
	return fd;
}

void api_opt(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		api_die("setsockopt(%d, %d, %d)", level, name, value);
}

/* TCP_MD5SIG_EXT: a key for one peer; @flags are TCP_MD5SIG_FLAG_* */
int api_md5_key(int fd, const struct sockaddr_in *peer, int flags, int ifindex, const char *key)
{
	struct tcp_md5sig md5 = {
		.tcpm_flags = flags,
		.tcpm_ifindex = ifindex,
		.tcpm_keylen = strlen(key),
	};
	struct sockaddr_in6 addr;

	memcpy(&md5.tcpm_addr, &addr, api_sockaddr(peer, &addr));
	memcpy(md5.tcpm_key, key, md5.tcpm_keylen);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &md5, sizeof(md5));
}

int api_getopt(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, level, name, &value, &len))
		api_die("getsockopt(%d, %d)", level, name);
	return value;
}

void api_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		api_die("O_NONBLOCK");
}

/* Nothing that comes in is heard from now on. */
void api_deafen(int fd)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { 1, &code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		api_die("SO_ATTACH_FILTER");
}

/* NAME is SO_RCVTIMEO or SO_SNDTIMEO. */
void api_timeout(int fd, int name, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)))
		api_die("timeout");
}

struct tcp_info api_info(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		api_die("TCP_INFO");
	return info;
}

/* The state that TCP_INFO shows. */
int api_state(int fd)
{
	return api_info(fd).tcpi_state;
}

/* What SO_MEMINFO says at WHICH, SK_MEMINFO_*. */
uint32_t api_memory(int fd, int which)
{
	uint32_t mem[SK_MEMINFO_VARS];
	socklen_t len = sizeof(mem);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len))
		api_die("SO_MEMINFO");
	return mem[which];
}

/* The events that poll() finds within TIMEOUT_MS. */
int api_events(int fd, int events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, timeout_ms) < 0)
		api_die("poll");
	return p.revents;
}

bool api_readable(int fd)
{
	/* A reset sets the error first, and whoever polls just then sees only that. */
	return api_events(fd, POLLIN, API_DEADLINE_MS) & (POLLIN | POLLERR | POLLHUP);
}

void api_send(int fd, const void *buf, size_t len)
{
	ssize_t n;

	for (; len; len -= n, buf = (const char *)buf + n) {
		n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n <= 0)
			api_die("send");
	}
}

void api_recv(int fd, void *buf, size_t len)
{
	ssize_t n;

	for (; len; len -= n, buf = (char *)buf + n) {
		if (!api_readable(fd))
			api_die("nothing to receive, %zu bytes missing", len);
		n = recv(fd, buf, len, 0);
		if (n <= 0)
			api_die("recv returned %zd, %zu bytes missing", n, len);
	}
}

/* The byte at a given offset of the stream, with a long period. */
static uint8_t pattern(uint64_t offset)
{
	return (offset * 0x9e3779b97f4a7c15ULL) >> 56;
}

void api_pattern(uint8_t *buf, size_t len, uint64_t offset)
{
	while (len--)
		*buf++ = pattern(offset++);
}

bool api_pattern_ok(const uint8_t *buf, size_t len, uint64_t offset)
{
	for (; len; len--, buf++, offset++)
		if (*buf != pattern(offset))
			return false;
	return true;
}

#define FILLED_MS	500
#define FILLED_TIMES	5

/*
 * Send pattern bytes until the socket takes no more; how many it took. What is
 * in flight may still make room, and so may a window smaller than a segment,
 * which is only used when the probe timer (200 ms) goes off, and is too small
 * for POLLOUT. So full is what is still full half a second later.
 */
size_t api_fill(int fd)
{
	uint8_t buf[16384];
	size_t sum = 0;
	int full = 0;
	ssize_t n;

	for (;;) {
		api_pattern(buf, sizeof(buf), sum);
		n = send(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			api_die("send");
		if (n < 0 && full == FILLED_TIMES)
			return sum;
		full = n < 0 ? full + 1 : 0;
		sum += n < 0 ? 0 : n;
		/* In slices, so that a machine that stands still for a while counts as one. */
		if (full)
			api_events(fd, POLLOUT, FILLED_MS / FILLED_TIMES);
	}
}

/* A counter of /proc/net/snmp or netstat, such as "Tcp:", "OutRsts". */
long api_snmp(const char *table, const char *field)
{
	static const char * const files[] = {
		"/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat",
	};
	static char names[16384], values[16384];
	char *n, *v, *np, *vp;
	long found = -1;
	size_t i;
	FILE *f;

	for (i = 0; i < 2 && found < 0; i++) {
		f = fopen(files[i], "r");
		if (!f)
			api_die("%s", files[i]);
		while (fgets(names, sizeof(names), f) &&
		       fgets(values, sizeof(values), f)) {
			if (strncmp(names, table, strlen(table)))
				continue;
			n = strtok_r(names, "\n ", &np);
			v = strtok_r(values, "\n ", &vp);
			while (n && v) {
				if (!strcmp(n, field))
					found = atol(v);
				n = strtok_r(NULL, "\n ", &np);
				v = strtok_r(NULL, "\n ", &vp);
			}
		}
		fclose(f);
	}
	if (found < 0)
		api_die("no counter %s %s", table, field);
	return found;
}

/* The file that lists the sockets under test. */
const char *api_table(int family)
{
	if (family == AF_TCPX)
		return api_face == API_V4 ? "/proc/thread-self/net/tcpx" :
					    "/proc/thread-self/net/tcpx6";
	return api_face == API_V4 ? "/proc/thread-self/net/tcp" :
				    "/proc/thread-self/net/tcp6";
}

/*
 * How many rows the family's table in /proc/net has with these ports and this
 * state; 0 for a port or a state means any.
 */
int api_tcp_rows(int family, int local_port, int remote_port, int state)
{
	const char *path = api_table(family);
	unsigned int lport, rport, st;
	char line[256];
	int rows = 0;
	FILE *f;

	f = fopen(path, "r");
	if (!f)
		api_die("%s", path);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x %*x:%x %x",
			   &lport, &rport, &st) != 3)
			continue;
		if ((!local_port || (int)lport == local_port) &&
		    (!remote_port || (int)rport == remote_port) &&
		    (!state || (int)st == state))
			rows++;
	}
	fclose(f);
	return rows;
}

bool api_tcp_row(int family, int local_port, int remote_port, int state)
{
	return api_tcp_rows(family, local_port, remote_port, state) > 0;
}
