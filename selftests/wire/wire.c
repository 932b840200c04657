// SPDX-License-Identifier: GPL-2.0
/*
 * The wire: a network namespace with one TUN device, the queue of captured
 * segments, and the verdicts with the trace of all that went before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "wire.h"

#define TRACE_LINES	60

static void hang_up(struct wire *w);

static __s64 last_active, worst_gap;

static char trace_ring[TRACE_LINES][320];
static unsigned int trace_count;

/* Add a line to the trace that a failing test prints. */
void trace(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(trace_ring[trace_count++ % TRACE_LINES],
		  sizeof(trace_ring[0]), fmt, args);
	va_end(args);
}

static void trace_dump(void)
{
	unsigned int i = trace_count > TRACE_LINES ?
			 trace_count - TRACE_LINES : 0;

	for (; i < trace_count; i++)
		printf("#   %s\n", trace_ring[i % TRACE_LINES]);
}

static void trace_seg(const struct conn *c, __s64 time, char way,
		      const char *text)
{
	trace("%9.3f %c %u %s", (time - c->w->start) / 1e6, way, c->pport,
	      text);
}

/**
 * wire_fail() - end the test as failed, with the trace of its segments
 * @w:		the wire
 * @file:	where the test says so
 * @line:	where the test says so
 * @fmt:	why, as in printf()
 */
void wire_fail(struct wire *w, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	if (worst_gap > STALL_MS * 1000000LL && !w->final) {
		fprintf(stderr, "# %s:%d fails on time or after a stall: again\n",
			file, line);
		hang_up(w);
		_exit(EXIT_STALLED);
	}
	printf("# %s:%d: ", file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n# segments (ms, > injected, < from the %s socket, peer port):\n",
	       w->kind.family == AF_INET || w->kind.family == AF_INET6 ?
	       "kernel's" : "AF_TCPX");
	trace_dump();
	fflush(stdout);
	hang_up(w);
	/* The harness takes 1 for a failure, and the rest cannot go on. */
	_exit(1);
}

#define MUST(w, call) ({						\
	long __ret = (call);						\
									\
	if (__ret < 0)							\
		wire_fail(w, __FILE__, __LINE__, "%s: %s", #call,	\
			  strerror(errno));				\
	__ret;								\
})

__s64 wire_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* ---- was this process there all the time? ---- */

/* Begins a new reckoning, after a wait that was meant. */
void wire_resume(void)
{
	last_active = wire_now();
}

/* What fails next fails on a time, which is a matter of load as well. */
void wire_blame_clock(void)
{
	worst_gap = INT64_MAX;
}

/*
 * How far the kernel's tick is behind. A timer that is armed while it is goes
 * off early by as much, once the tick has caught up.
 */
static __s64 tick_lag(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return wire_now() - (ts.tv_sec * 1000000000LL + ts.tv_nsec);
}

/* Called wherever time should have passed only by so many milliseconds. */
static void watch(int meant_ms)
{
	__s64 now = wire_now(), lag = tick_lag();
	__s64 gap = now - last_active - meant_ms * 1000000LL;

	if (lag > gap)
		gap = lag;
	if (gap > worst_gap)
		worst_gap = gap;
	last_active = now;
}

/* ---- the namespace and its device ---- */

static void bring_up(struct wire *w, const char *name)
{
	int fd = MUST(w, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	MUST(w, ioctl(fd, SIOCSIFFLAGS, &ifr));
	close(fd);
}

static void set_v4(struct wire *w, int fd, struct ifreq *ifr,
		   unsigned long request, const char *address)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = inet_addr(address);
	memcpy(&ifr->ifr_addr, &sin, sizeof(sin));
	MUST(w, ioctl(fd, request, ifr));
}

static void add_v4(struct wire *w)
{
	int fd = MUST(w, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq ifr = { .ifr_name = "tun0" };

	set_v4(w, fd, &ifr, SIOCSIFADDR, LOCAL_ADDR);
	set_v4(w, fd, &ifr, SIOCSIFNETMASK, "255.255.255.0");
	close(fd);
}

/* An address is there some time before it can be used, even without DAD. */
static bool usable(const char *address)
{
	char line[128], row[33], want[33];
	struct in6_addr in6;
	unsigned int flags;
	bool found = false;
	FILE *f = fopen("/proc/thread-self/net/if_inet6", "r");
	int i;

	inet_pton(AF_INET6, address, &in6);
	for (i = 0; i < 16; i++)
		snprintf(want + 2 * i, 3, "%02x", in6.s6_addr[i]);
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %*x %*x %*x %x", row, &flags) == 2 &&
			!strcmp(row, want) && !(flags & IFA_F_TENTATIVE);
	if (f)
		fclose(f);
	return found;
}

/**
 * wire_add_v6() - give tun0 an IPv6 address
 * @w:		the wire
 * @address:	the address; the network is its first 64 bits
 */
void wire_add_v6(struct wire *w, const char *address)
{
	int fd = MUST(w, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct in6_ifreq ifr = {
		.ifr6_prefixlen = 64,
		.ifr6_ifindex = if_nametoindex("tun0"),
	};
	__s64 end = wire_now() + DEADLINE_MS * 1000000LL;

	inet_pton(AF_INET6, address, &ifr.ifr6_addr);
	MUST(w, ioctl(fd, SIOCSIFADDR, &ifr));
	close(fd);
	while (!usable(address)) {
		if (wire_now() > end)
			wire_fail(w, __FILE__, __LINE__, "no address %s",
				  address);
		sched_yield();
	}
}

static void set_mtu(struct wire *w, int mtu)
{
	int fd = MUST(w, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq ifr = { .ifr_name = "tun0" };

	ifr.ifr_mtu = mtu;
	MUST(w, ioctl(fd, SIOCSIFMTU, &ifr));
	close(fd);
}

static void open_tun(struct wire *w)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	w->tun = MUST(w, open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
	strcpy(ifr.ifr_name, "tun0");
	MUST(w, ioctl(w->tun, TUNSETIFF, &ifr));
}

static void open_capture(struct wire *w)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	int one = 1, room = 8 << 20;

	w->cap = MUST(w, socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK |
				SOCK_CLOEXEC, 0));
	MUST(w, setsockopt(w->cap, SOL_SOCKET, SO_RCVBUFFORCE, &room,
			   sizeof(room)));
	MUST(w, setsockopt(w->cap, SOL_SOCKET, SO_TIMESTAMPNS, &one,
			   sizeof(one)));
	sll.sll_ifindex = if_nametoindex("tun0");
	MUST(w, bind(w->cap, (void *)&sll, sizeof(sll)));
}

/**
 * wire_open() - a fresh network namespace with tun0 in it
 * @w:		to fill
 * @kind:	the sockets to test
 * @final:	no further run will come after a failure of this one
 */
void wire_open(struct wire *w, const struct kind *kind, bool final)
{
	memset(w, 0, sizeof(*w));
	w->kind = *kind;
	w->final = final;
	w->next_port = 40000;
	w->peer_win = 65535;
	w->local6 = LOCAL_ADDR6;
	w->peer6 = PEER_ADDR6;
	w->start = wire_now();
	MUST(w, unshare(CLONE_NEWNET));
	/* No router solicitations between the segments, no address of its own. */
	sysctl_try("net/ipv6/conf/default/router_solicitations", "0");
	sysctl_try("net/ipv6/conf/default/addr_gen_mode", "1");
	/* Tail loss probes would stand between what the tests are about. */
	sysctl_set(w, "tcp_early_retrans", "0");
	open_tun(w);
	bring_up(w, "lo");
	bring_up(w, "tun0");
	if (on_v6(w)) {
		set_mtu(w, TEST_MSS + ip_hlen(w, NULL) + 20);
		wire_add_v6(w, LOCAL_ADDR6);
	} else {
		add_v4(w);
	}
	open_capture(w);
	wire_resume();
	worst_gap = 0;
}

bool sysctl_try(const char *name, const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) > 0;
	close(fd);
	return done;
}

/* Set net.ipv4.NAME in the namespace of the test. */
void sysctl_set(struct wire *w, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "net/ipv4/%s", name);
	if (!sysctl_try(path, value))
		wire_fail(w, __FILE__, __LINE__, "cannot set %s", path);
}

/* For what has no knob: a shell's command line, in the namespace of the test. */
void run_command(struct wire *w, const char *command)
{
	if (system(command))
		wire_fail(w, __FILE__, __LINE__, "this failed: %s", command);
	wire_resume();
}

/**
 * mib_if_any() - a counter of the stack under test
 * @w:		the wire
 * @name:	as in the TcpExt lines of /proc/net/netstat
 *
 * Return: it; -1: this kernel has none of that name
 */
long mib_if_any(struct wire *w, const char *name)
{
	FILE *f = fopen(w->kind.family == AF_INET || w->kind.family == AF_INET6 ?
			"/proc/net/netstat" :
			"/proc/net/tcpx_netstat", "r");
	static char names[16384], values[16384];
	static const char blank[] = "\n ";
	char *n, *v, *nstate, *vstate;

	while (f && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		if (strncmp(names, "TcpExt:", 7))
			continue;
		n = strtok_r(names, blank, &nstate);
		v = strtok_r(values, blank, &vstate);
		while (n && v && strcmp(n, name)) {
			n = strtok_r(NULL, blank, &nstate);
			v = strtok_r(NULL, blank, &vstate);
		}
		if (n && v) {
			fclose(f);
			return atol(v);
		}
	}
	if (f)
		fclose(f);
	return -1;
}

/**
 * mib() - a counter that every kernel has
 * @w:		the wire
 * @name:	as in the TcpExt lines of /proc/net/netstat
 */
long mib(struct wire *w, const char *name)
{
	long n = mib_if_any(w, name);

	if (n < 0)
		wire_fail(w, __FILE__, __LINE__, "no counter %s", name);
	return n;
}

void wire_write(struct wire *w, const void *packet, size_t len)
{
	MUST(w, write(w->tun, packet, len));
}

/* ---- capture ---- */

static __s64 stamp_of(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	struct timespec ts;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
		return ts.tv_sec * 1000000000LL + ts.tv_nsec;
	}
	return wire_now();
}

static void note_end(struct wire *w, const struct seg *s)
{
	struct end *e = w->ends;

	while (e < w->ends + w->nr_ends &&
	       (e->lport != s->sport || e->pport != s->dport))
		e++;
	if (!(s->flags & TH_ACK) || e == w->ends + MAX_ENDS)
		return;
	if (e == w->ends + w->nr_ends)
		w->nr_ends++;
	e->lport = s->sport;
	e->pport = s->dport;
	e->rcv_nxt = s->ack;
}

static void append(struct wire *w, const __u8 *packet, size_t len,
		   __s64 time)
{
	const char *bad;
	struct seg *s = seg_parse(packet, len, &bad), **at;

	if (bad)
		wire_fail(w, __FILE__, __LINE__, "sent a packet with %s", bad);
	if (!s)
		return;
	s->time = time;
	note_end(w, s);
	for (at = &w->head; *at; at = &(*at)->next)
		;
	*at = s;
}

static bool capture_one(struct wire *w)
{
	__u8 packet[65536], control[256];
	struct sockaddr_ll from = { .sll_pkttype = 0 };
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(w->cap, &msg, MSG_TRUNC);

	if (n < 0)
		return false;
	if (from.sll_pkttype == PACKET_OUTGOING)
		append(w, packet, n, stamp_of(&msg));
	return true;
}

static void drain(struct wire *w)
{
	__u8 packet[65536];

	while (capture_one(w))
		;
	/* The file must not fill up; what it holds was captured already. */
	while (read(w->tun, packet, sizeof(packet)) > 0)
		;
}

static bool belongs(const struct conn *c, const struct seg *s)
{
	return s->dport == c->pport && (!c->lport || s->sport == c->lport);
}

static struct seg *take(struct conn *c)
{
	struct seg **at, *s;

	for (at = &c->w->head; (s = *at); at = &s->next) {
		if (!belongs(c, s))
			continue;
		*at = s->next;
		c->seg = *s;
		free(s);
		return &c->seg;
	}
	return NULL;
}

/* A SYN tells the initial number and what the stack offers. */
static void learn(struct conn *c, const struct seg *s)
{
	__u32 end;

	if (s->flags & TH_SYN) {
		c->irs = s->seq;
		c->lport = s->sport;
		c->its_ws = s->ws;
		c->its_ts = s->ts > 0;
		c->rcv_nxt = 1;
	}
	if (s->ts > 0)
		c->ts_recent = s->tsval;
	end = s->seq - c->irs + s->len + !!(s->flags & TH_FIN);
	if (s->flags & TH_RST || (__s32)(s->seq - c->irs - c->rcv_nxt) > 0)
		return;
	if ((__s32)(end - c->rcv_nxt) > 0)
		c->rcv_nxt = end;
}

/**
 * wire_next() - the next segment of a connection, whatever it is
 * @c:	the connection
 * @ms:	how long to wait for it
 *
 * Return: the segment, valid until the next call, or NULL. @c->last is not
 * moved yet: the caller may still want the time since the last event.
 */
struct seg *wire_next(struct conn *c, int ms)
{
	struct pollfd pfd[2] = {
		{ .fd = c->w->cap, .events = POLLIN },
		{ .fd = c->w->tun, .events = POLLIN },
	};
	__s64 end = wire_now() + ms * 1000000LL, left;
	char text[300];
	struct seg *s;

	watch(0);
	for (;;) {
		drain(c->w);
		s = take(c);
		left = (end - wire_now() + 999999) / 1000000;
		if (s || left <= 0)
			break;
		watch(0);
		poll(pfd, 2, left);
		watch(left);
	}
	watch(0);
	if (!s)
		return NULL;
	learn(c, s);
	seg_print(c, s, text, sizeof(text));
	trace_seg(c, s->time, '<', text);
	return s;
}

/* ---- the end ---- */

/*
 * Nothing may outlive the test: an orphan that goes on retransmitting into a
 * device that is gone would hold its namespace, and the module, for minutes.
 */
static void hang_up(struct wire *w)
{
	struct linger abort = { .l_onoff = 1 };
	static bool done;
	unsigned int i;
	int fd;

	if (done)
		return;
	/* Not again, should one of the steps below fail. */
	done = true;
	for (fd = 3; fd < 256; fd++) {
		if (fd == w->cap || setsockopt(fd, SOL_SOCKET, SO_LINGER,
					       &abort, sizeof(abort)))
			continue;
		close(fd);
	}
	drain(w);
	for (i = 0; i < w->nr_ends; i++) {
		struct conn c = { .w = w, .irs = 0 };

		c.lport = w->ends[i].lport;
		c.pport = w->ends[i].pport;
		tx(&c, "R seq=%u", w->ends[i].rcv_nxt);
	}
}

void wire_close(struct wire *w)
{
	struct seg *s;

	hang_up(w);
	while ((s = w->head)) {
		w->head = s->next;
		free(s);
	}
	close(w->cap);
	close(w->tun);
}

/* ---- what tests call through tx(), rx() and none() ---- */

/* Inject the segment a line describes. */
void wire_tx(struct conn *c, const char *file, int line, const char *fmt, ...)
{
	__u8 packet[MAX_PACKET] = { 0 };
	char text[400];
	const char *bad;
	va_list args;
	size_t len;
	int frag;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	watch(0);
	drain(c->w);
	len = seg_build(c, text, packet, &bad, &frag);
	if (bad)
		wire_fail(c->w, file, line, "no such word: %s", bad);
	c->last = wire_now();
	trace_seg(c, c->last, '>', text);
	if (frag)
		ip_send_fragments(c->w, packet, len, frag);
	else
		wire_write(c->w, packet, len);
	watch(0);
}

/* Expect the segment a line describes, at the latest after ms. */
struct seg *wire_rx(struct conn *c, const char *file, int line, int ms,
		    const char *fmt, ...)
{
	const char *wrong;
	char want[400];
	struct seg *s;
	va_list args;

	va_start(args, fmt);
	vsnprintf(want, sizeof(want), fmt, args);
	va_end(args);
	do {
		s = wire_next(c, ms);
		if (!s)
			wire_fail(c->w, file, line, "nothing came, expected: %s",
				  want);
		wrong = seg_match(c, s, want);
	} while (wrong && seg_skippable(want));
	if (wrong && (!strncmp(wrong, "t<", 2) || !strncmp(wrong, "t>", 2)))
		wire_blame_clock();
	if (wrong)
		wire_fail(c->w, file, line,
			  "last segment (after %ld ms) fails on '%s', expected: %s",
			  (long)(s->time - c->last) / 1000000, wrong, want);
	c->last = s->time;
	return s;
}

/* Expect silence on a connection. */
void wire_none(struct conn *c, const char *file, int line, int ms)
{
	if (wire_next(c, ms))
		wire_fail(c->w, file, line,
			  "last segment was not expected: there is nothing to say");
}

/**
 * wire_icmp() - inject an ICMP error about a segment of the socket under test
 * @c:		the connection
 * @e:		the error
 * @seq:	relative sequence number in the quoted TCP header
 * @quoted:	bytes of TCP header to quote, 8 is the least that is valid
 */
void wire_icmp(struct conn *c, const struct icmp_error *e, __u32 seq,
	       int quoted)
{
	__u8 packet[256];
	size_t len = ip_icmp(c, e, seq, quoted, packet);

	drain(c->w);
	c->last = wire_now();
	trace("%9.3f > %u icmp type %d code %d mtu %d seq %u",
	      (c->last - c->w->start) / 1e6, c->pport, e->type, e->code,
	      e->mtu, seq);
	wire_write(c->w, packet, len);
}
