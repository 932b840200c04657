// SPDX-License-Identifier: GPL-2.0
/*
 * Random dialogues with a socket, each the same for every stack: what the peer sends, what the
 * user calls and how long both wait depend on the seed alone. What the stack says to that goes
 * to a file, without times, and run.sh compares the files.
 *
 *	TCPX_KIND=talk|ends|accecn	data and ACKs; handshakes and closes, with segments that do
 *					not belong there; marks and their feedback
 *	TCPX_SEED, TCPX_COUNT		the first dialogue, and how many
 *	TCPX_TRACE=FILE			what was said
 *	TCPX_WINDOWS=1			with the windows offered, which differ by design
 */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>

#include "fixture.h"

#define MAX_BOUNDS	1024

/**
 * struct talk - one dialogue
 * @w: the wire
 * @c: the connection
 * @out: where it is written down
 * @state: of the random numbers
 * @windows: write down windows, too, and not only whether they are zero
 * @una: what the peer acknowledged last
 * @bounds: where the segments that came begin and end, in order
 * @nr_bounds: how many
 * @ecn: AccECN: bytes and segments that the peer says arrived with each mark
 */
struct talk {
	struct wire	*w;
	struct conn	*c;
	FILE		*out;
	__u64		state;
	bool		windows;
	__u32		una;
	__u32		bounds[MAX_BOUNDS];
	unsigned int	nr_bounds;
	struct {
		unsigned int	e0b, ceb, e1b, cep;
	} ecn;
};

static unsigned int any(struct talk *t, unsigned int n)
{
	t->state ^= t->state << 13;
	t->state ^= t->state >> 7;
	t->state ^= t->state << 17;
	return (t->state >> 11) % n;
}

/* One of a table. */
#define ONE_OF(t, table)	((table)[any(t, ARRAY_SIZE(table))])

static __printf(2, 3) void say(struct talk *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(t->out, fmt, args);
	va_end(args);
	fputc('\n', t->out);
}

/* The peer sends, in the language of seg.c. */
static __printf(2, 3) void send_line(struct talk *t, const char *fmt, ...)
{
	char line[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	say(t, "> %s", line);
	tx(t->c, "%s", line);
}

/* The same, but what comes next is as if it had not. */
static __printf(2, 3) void send_stray(struct talk *t, const char *fmt, ...)
{
	__u32 snd_nxt = t->c->snd_nxt;
	char line[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	send_line(t, "%s", line);
	t->c->snd_nxt = snd_nxt;
}

static void add_bound(struct talk *t, __u32 at)
{
	unsigned int i = 0;

	while (i < t->nr_bounds && t->bounds[i] < at)
		i++;
	if ((i < t->nr_bounds && t->bounds[i] == at) || t->nr_bounds == MAX_BOUNDS)
		return;
	memmove(&t->bounds[i + 1], &t->bounds[i], (t->nr_bounds - i) * sizeof(*t->bounds));
	t->bounds[i] = at;
	t->nr_bounds++;
}

/* The first bound after what is acknowledged. */
static unsigned int first_bound(const struct talk *t)
{
	unsigned int i = 0;

	while (i < t->nr_bounds && t->bounds[i] <= t->una)
		i++;
	return i;
}

/* Leave out one of the words that seg_print() writes: times differ, and windows. */
static void leave_out(char *text, const char *word, const char *instead)
{
	char *at = strstr(text, word), *end;

	if (!at)
		return;
	end = strchr(at + 1, ' ');
	memmove(at, end ?: "", end ? strlen(end) + 1 : 1);
	if (*instead) {
		memmove(at + strlen(instead), at, strlen(at) + 1);
		memcpy(at, instead, strlen(instead));
	}
}

/* Write down what comes in so many milliseconds. */
static void listen_for(struct talk *t, int ms)
{
	__s64 end = wire_now() + ms * 1000000LL, left;
	struct conn *c = t->c;
	char text[320];
	struct seg *s;

	while ((left = (end - wire_now() + 999999) / 1000000) > 0) {
		s = wire_next(c, left);
		if (!s)
			continue;
		if (s->len > 0) {
			add_bound(t, s->seq - c->irs);
			add_bound(t, s->seq - c->irs + s->len);
		}
		seg_print(c, s, text, sizeof(text) - 20);
		leave_out(text, " tsval=", " TS");
		leave_out(text, " tsecr=", "");
		if (!t->windows)
			leave_out(text, " win=", s->win ? "" : " W0");
		say(t, "  < %s", text);
	}
}

static void pause_a_while(struct talk *t)
{
	static const int ms[] = { 5, 5, 60, 300, 1300 };

	listen_for(t, ONE_OF(t, ms));
}

static void say_info(struct talk *t)
{
	struct tcp_info i;

	if (t->c->fd < 0)
		return;
	i = tcp_info_of(t->c);
	say(t, "info state %u ca %u unacked %u sacked %u lost %u retrans %u cwnd %u ssthresh %u",
	    i.tcpi_state, i.tcpi_ca_state, i.tcpi_unacked, i.tcpi_sacked, i.tcpi_lost,
	    i.tcpi_retrans, i.tcpi_snd_cwnd, i.tcpi_snd_ssthresh);
}

/* ---- what the user does ---- */

static char data[40000];

static void result(struct talk *t, const char *what, long ret)
{
	say(t, "%s %ld %s", what, ret, ret < 0 ? strerror(errno) : "");
}

static void user_writes(struct talk *t)
{
	static const unsigned int lens[] = { 10, 500, 1000, 3000, 10000, 20000 };
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (any(t, 5) ? 0 : MSG_MORE);

	result(t, "write", send(t->c->fd, data, ONE_OF(t, lens), flags));
}

static void user_reads(struct talk *t)
{
	result(t, "read", recv(t->c->fd, data, any(t, 2) ? sizeof(data) : 500, MSG_DONTWAIT));
}

static void user_sets_option(struct talk *t)
{
	static const int options[] = { TCP_NODELAY, TCP_CORK, TCP_QUICKACK };
	int option = ONE_OF(t, options), on = any(t, 2);

	setsockopt(t->c->fd, IPPROTO_TCP, option, &on, sizeof(on));
	say(t, "option %d %d", option, on);
}

static void user_shuts_down(struct talk *t)
{
	result(t, "shutdown", shutdown(t->c->fd, any(t, 3)));
}

static void user_closes(struct talk *t)
{
	struct linger now = { .l_onoff = 1 };

	if (!any(t, 4)) {
		setsockopt(t->c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		say(t, "linger");
	}
	say(t, "close");
	close(t->c->fd);
	t->c->fd = -1;
}

static void user_accepts(struct talk *t)
{
	t->c->fd = accept4(t->c->listener, NULL, NULL, SOCK_NONBLOCK);
	result(t, "accept", t->c->fd < 0 ? -1 : 0);
}

static void user_connects(struct talk *t)
{
	sock_connect(t->c);
	fcntl(t->c->fd, F_SETFL, O_NONBLOCK);
	listen_for(t, 5);
}

/* ---- talk: data both ways ---- */

static const char *const windows[] = { "win=0", "win=500", "win=2000", "win=20000", "win=65000" };
static const unsigned int lengths[] = { 1, 100, 1000, 1000 };

static __u32 somewhere(struct talk *t)
{
	__u32 next = t->c->snd_nxt;
	const __u32 at[] = { next, next + 1000, next + 3000, next > 1000 ? next - 1000 : 1,
			     next + 60000 + 1000 * any(t, 10), 1, next + 500 };

	return ONE_OF(t, at);
}

static void peer_acks(struct talk *t)
{
	unsigned int from = first_bound(t), n = any(t, 16);

	if (any(t, 2) && from < t->nr_bounds)
		t->una = t->bounds[from + n % (t->nr_bounds - from)];
	else
		t->una = t->c->rcv_nxt;
	send_line(t, ". ack=%u %s", t->una, any(t, 4) ? "" : ONE_OF(t, windows));
}

static void peer_dupacks(struct talk *t)
{
	unsigned int from, first, last, n = 1 + any(t, 4);

	while (n--) {
		from = first_bound(t);
		if (from + 1 >= t->nr_bounds) {
			send_line(t, ". ack=%u", t->una);
			continue;
		}
		first = from + any(t, t->nr_bounds - from - 1);
		last = first + 1 + any(t, 3);
		if (last >= t->nr_bounds)
			last = t->nr_bounds - 1;
		send_line(t, ". ack=%u sack=%u:%u", t->una, t->bounds[first], t->bounds[last]);
	}
}

static void peer_interferes(struct talk *t)
{
	static const char *const flags[] = { "R", "S", "R.", "S." };

	switch (any(t, 8)) {
	case 0:
		send_line(t, "F. len=%u", any(t, 2) * 100);
		break;
	case 1:
		send_stray(t, "F. seq=%u", t->c->snd_nxt + 1000);
		break;
	case 2:
		send_stray(t, ". ack=%u len=10", t->c->rcv_nxt + 5000);
		break;
	case 3:
		send_stray(t, ". ack=%u len=10", t->c->rcv_nxt - 90000);
		break;
	case 4:
		send_stray(t, " len=10");
		break;
	case 5:
		send_stray(t, ". seq=%u", t->c->snd_nxt - 1);
		break;
	case 6:
		send_stray(t, ". tsval=1 len=10");
		break;
	default:
		send_stray(t, "%s seq=%u", ONE_OF(t, flags), somewhere(t));
	}
}

static void peer_sends(struct talk *t)
{
	send_line(t, "%s. len=%u", any(t, 2) ? "P" : "", ONE_OF(t, lengths));
}

static void peer_sends_elsewhere(struct talk *t)
{
	send_stray(t, "%s. seq=%u len=%u", any(t, 2) ? "P" : "", somewhere(t), ONE_OF(t, lengths));
}

static void peer_says_window(struct talk *t)
{
	send_line(t, ". ack=%u %s", t->una, ONE_OF(t, windows));
}

static void peer_sends_urgent(struct talk *t)
{
	unsigned int len = 1 + any(t, 200);

	send_line(t, "%sU. len=%u urg=%u", any(t, 2) ? "P" : "", len, any(t, 2 * len));
}

static const struct {
	unsigned int weight;
	bool user;
	void (*step)(struct talk *t);
} steps[] = {
	{ 3, false, peer_sends },
	{ 2, false, peer_sends_elsewhere },
	{ 3, false, peer_acks },
	{ 2, false, peer_dupacks },
	{ 1, false, peer_says_window },
	{ 2, false, peer_interferes },
	{ 1, false, peer_sends_urgent },
	{ 4, true, user_writes },
	{ 2, true, user_reads },
	{ 1, true, user_sets_option },
	{ 1, true, user_shuts_down },
	{ 1, true, user_closes },
};

static void any_step(struct talk *t)
{
	unsigned int i, sum = 0;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		sum += steps[i].weight;
	sum = any(t, sum);
	for (i = 0; sum >= steps[i].weight; i++)
		sum -= steps[i].weight;
	if (!steps[i].user || t->c->fd >= 0)
		steps[i].step(t);
	else
		send_line(t, ". ack=%u", t->c->rcv_nxt);
}

static const char *syn_options(struct talk *t)
{
	static char text[40];

	sprintf(text, "mss=1000%s%s%s", any(t, 2) ? " ts" : "", any(t, 3) ? " sackok" : "",
		any(t, 2) ? " ws=2" : "");
	return text;
}

static void talk(struct talk *t)
{
	int n = 6 + any(t, 14);

	if (any(t, 2)) {
		send_line(t, "S seq=0 %s", syn_options(t));
		listen_for(t, 5);
		send_line(t, ". seq=1 ack=1%s", any(t, 4) ? "" : " len=100");
		listen_for(t, 5);
		user_accepts(t);
	} else {
		user_connects(t);
		send_line(t, "S. seq=0 ack=1 %s", syn_options(t));
		listen_for(t, 5);
	}
	while (n--) {
		any_step(t);
		pause_a_while(t);
		say_info(t);
	}
}

/* ---- ends: handshakes and closes ---- */

static void stray(struct talk *t)
{
	static const char *const flags[] = { "S", "S.", ".", "F.", "R", "R.", "FP.", "", "SF",
					     "SR", "P.", "U." };
	static const char *const more[] = { "", "", " len=10", " len=100", " tsval=1",
					    " tsval=4000000000" };
	const __u32 seqs[] = { 0, 1, t->c->snd_nxt, t->c->snd_nxt + 1, t->c->snd_nxt - 1,
			       t->c->snd_nxt + 5, 70000 };
	const __u32 acks[] = { 0, 1, t->c->rcv_nxt, t->c->rcv_nxt, t->c->rcv_nxt + 1, 5000 };

	send_stray(t, "%s seq=%u ack=%u%s", ONE_OF(t, flags), ONE_OF(t, seqs), ONE_OF(t, acks),
		   ONE_OF(t, more));
}

static void strays(struct talk *t)
{
	int n = any(t, 3);

	while (n--) {
		stray(t);
		listen_for(t, any(t, 3) ? 5 : 1100);
	}
}

static void say_state(struct talk *t)
{
	struct pollfd p = { t->c->fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	if (t->c->fd < 0)
		return;
	poll(&p, 1, 0);
	say(t, "state %u poll %x err %d", tcp_info_of(t->c).tcpi_state, p.revents,
	    sock_error(t->c->fd));
}

static void begin_end(struct talk *t)
{
	const char *options = syn_options(t);

	switch (any(t, 4)) {
	case 0:	/* simultaneous open */
		user_connects(t);
		send_line(t, "S seq=0 %s", options);
		listen_for(t, 5);
		strays(t);
		send_line(t, ". seq=1 ack=1");
		break;
	case 1:
		user_connects(t);
		strays(t);
		send_line(t, "S. seq=0 ack=1 %s", options);
		break;
	default:
		if (!any(t, 3))
			sock_set(t->w, t->c->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
		send_line(t, "S seq=0 %s%s", options, any(t, 8) ? "" : " len=20");
		listen_for(t, 5);
		strays(t);
		send_line(t, "%s seq=1 ack=1%s", any(t, 6) ? "." : "F.",
			  any(t, 3) ? "" : " len=50");
		listen_for(t, 5);
		user_accepts(t);
	}
	listen_for(t, 5);
}

static void ends(struct talk *t)
{
	static void (*const user[])(struct talk *t) = { user_shuts_down, user_reads, user_writes,
							user_closes };
	static const char *const lines[] = { "F.", ".", ". len=10" };
	int n = 3 + any(t, 10);

	begin_end(t);
	while (n--) {
		if (any(t, 10) < 4)
			stray(t);
		else if (t->c->fd >= 0 && any(t, 2))
			ONE_OF(t, user)(t);
		else
			send_line(t, "%s ack=%u", ONE_OF(t, lines), t->c->rcv_nxt);
		pause_a_while(t);
		say_state(t);
	}
}

/* ---- accecn: marks ---- */

static const char *const ace[] = { "", "E", "W", "EW", "A", "EA", "WA", "EWA" };

/* The option, of either kind and any length, or none. */
static const char *accecn_option(struct talk *t)
{
	unsigned int e0b = t->ecn.e0b & 0xffffff, ceb = t->ecn.ceb & 0xffffff;
	unsigned int e1b = t->ecn.e1b & 0xffffff;
	static char text[64];

	switch (any(t, 8)) {
	case 0:
	case 1:
		return "";
	case 2:
		return "opt=ae02";
	case 3:
		sprintf(text, "opt=ae05%06x010101", e1b);
		break;
	case 4:
		sprintf(text, "opt=ae08%06x%06x", e1b, ceb);
		break;
	case 5:
		sprintf(text, "opt=ac0b%06x%06x%06x01", e0b, ceb, e1b);
		break;
	case 6:
		sprintf(text, "opt=ae0b000000%06x%06x01", ceb, e0b);
		break;
	default:
		sprintf(text, "opt=ae0b%06x%06x%06x01", e1b, ceb, e0b);
	}
	return text;
}

static void knob(const char *name, const char *value)
{
	char path[80];

	snprintf(path, sizeof(path), "net/ipv4/%s", name);
	if (sysctl_try(path, value))
		return;
	snprintf(path, sizeof(path), "net/tcpx/%s", name);
	if (!sysctl_try(path, value))
		_exit(EXIT_SKIP);
}

static void marked_segment(struct talk *t)
{
	static const unsigned int lens[] = { 0, 1, 100, 1000 };
	unsigned int how = any(t, 4);

	if (!how)
		t->ecn.cep = any(t, 8);
	else if (how < 3)
		t->ecn.cep += any(t, 3);
	t->ecn.e0b += any(t, 2) * any(t, 2000);
	t->ecn.ceb += any(t, 2) * any(t, 2000);
	t->ecn.e1b += !any(t, 8) * any(t, 2000);
	how = any(t, 8);
	if (how)
		send_line(t, "%s%s. len=%u %s tos=%u", ace[t->ecn.cep & 7], any(t, 2) ? "P" : "",
			  ONE_OF(t, lens), accecn_option(t), any(t, 4));
	else
		send_stray(t, "%s. len=1000 seq=%u tos=%u", ace[t->ecn.cep & 7], somewhere(t),
			   any(t, 4));
}

static void begin_accecn(struct talk *t)
{
	static const char *const syns[] = { "SEWA", "SEWA", "SEWA", "SEW", "S", "SA", "SE" };
	static const char *const synacks[] = { "SW.", "SA.", "SEW.", "SWA.", "SE.", "S.", "SEWA.",
					       "SEA." };
	static const int waits[] = { 5, 5, 1200, 4000 };
	const char *options = syn_options(t);

	if (any(t, 2)) {
		user_connects(t);
		listen_for(t, ONE_OF(t, waits));
		send_line(t, "%s seq=0 ack=1 %s %s tos=%u", ONE_OF(t, synacks), options,
			  accecn_option(t), any(t, 4));
		listen_for(t, 5);
		return;
	}
	send_line(t, "%s seq=0 %s tos=%u", ONE_OF(t, syns), options, any(t, 4));
	listen_for(t, ONE_OF(t, waits));
	if (!any(t, 4)) {
		send_line(t, "%s seq=0 %s tos=%u", ONE_OF(t, syns), options, any(t, 4));
		listen_for(t, 5);
	}
	send_line(t, "%s. seq=1 ack=1 %s tos=%u%s", ONE_OF(t, ace), accecn_option(t), any(t, 4),
		  any(t, 4) ? "" : " len=100");
	listen_for(t, 5);
	user_accepts(t);
}

static void accecn(struct talk *t)
{
	static const char *const modes[] = { "0", "1", "2", "3" };
	int n = 4 + any(t, 10);

	t->ecn.e0b = 1;
	t->ecn.e1b = 1;
	t->ecn.ceb = 0;
	t->ecn.cep = 5;
	knob("tcp_ecn", "3");
	knob("tcp_ecn_option", ONE_OF(t, modes));
	knob("tcp_ecn_option_beacon", any(t, 2) ? "3" : "0");
	begin_accecn(t);
	while (n-- && t->c->fd >= 0) {
		if (any(t, 2))
			marked_segment(t);
		else if (any(t, 4))
			user_writes(t);
		else
			user_reads(t);
		pause_a_while(t);
		say_info(t);
	}
}

/* ---- all of them ---- */

static void one_dialogue(struct talk *t, __u64 seed, const char *kind)
{
	struct linger now = { .l_onoff = 1 };

	t->state = (seed + 1) * 0x9e3779b97f4a7c15ULL | 1;
	t->nr_bounds = 0;
	t->una = 1;
	say(t, "=== %llu", (unsigned long long)seed);
	conn_init(t->w, t->c);
	t->c->listener = sock_listen(t->w, PORT, 16);
	fcntl(t->c->listener, F_SETFL, O_NONBLOCK);
	t->c->lport = PORT;
	if (!strcmp(kind, "ends"))
		ends(t);
	else if (!strcmp(kind, "accecn"))
		accecn(t);
	else
		talk(t);
	if (t->c->fd >= 0) {
		setsockopt(t->c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(t->c->fd);
	}
	close(t->c->listener);
	tx(t->c, "R seq=%u", t->c->snd_nxt);
}

static unsigned long long number(const char *name, unsigned long long fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : fallback;
}

CASE_TIMEOUT(dialogues, 100000)
{
	__u64 seed = number("TCPX_SEED", 1), count = number("TCPX_COUNT", 100), i;
	const char *trace = getenv("TCPX_TRACE");
	struct talk t = { .w = w, .c = c, .windows = number("TCPX_WINDOWS", 0) };

	t.out = fopen(trace ?: "/dev/stdout", "w");
	CHECK(w, t.out);
	for (i = 0; i < count; i++)
		one_dialogue(&t, seed + i, getenv("TCPX_KIND") ?: "talk");
	fclose(t.out);
}
