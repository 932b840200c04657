// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when nothing happens: retransmission with backoff, probes of a
 * closed window, delayed ACKs, and giving up. Lower bounds are exact, since
 * all times are the kernel's own; upper bounds only tell one mechanism from
 * the next.
 */
#include "fixture.h"

#define SECOND	(1000 - JIFFY_MS)

static int elapsed_ms(__s64 since)
{
	return (wire_now() - since) / 1000000;
}

/*
 * rfc6298#section-5.7: one second, then the double. Kernels from 6.5 on repeat
 * the first second a few times unless told not to.
 */
CASE(syn_backoff)
{
	struct seg *s;
	__u32 isn;

	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	conn_init(w, c);
	sock_connect(c);
	s = rx(c, "S seq=0 mss=1460 sackok ts ws");
	isn = s->seq;
	s = rx(c, "S mss=1460 sackok ts ws t>=%d t<=1900", SECOND);
	CHECK_EQ(w, isn, s->seq);
	s = rx(c, "S mss=1460 sackok ts ws t>=%d", 2 * SECOND);
	CHECK_EQ(w, isn, s->seq);
	finish_active(c, NULL);
	check_alive(c);
}

/* As often as said it does not double, which TCP_SYNCNT and tcp_syn_retries do not count. */
CASE(syn_linear_timeouts)
{
	knob_set(w, "tcp_syn_linear_timeouts", "2");
	sysctl_set(w, "tcp_syn_retries", "2");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S");
	rx(c, "S t>=%d t<=1400", SECOND);
	rx(c, "S t>=%d t<=1400", SECOND);
	rx(c, "S t>=%d t<=1400", SECOND);
	rx(c, "S t>=%d t<=2400", 2 * SECOND);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	none(c);
}

CASE(syn_retries_sysctl)
{
	__s64 begin;

	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	sysctl_set(w, "tcp_syn_retries", "1");
	conn_init(w, c);
	sock_connect(c);
	begin = c->last;
	rx(c, "S");
	rx(c, "S t>=%d", SECOND);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) >= 3 * SECOND);
	none(c);
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, "R seq=1");
}

CASE(syn_retries_of_socket)
{
	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	conn_init(w, c);
	c->fd = sock_open(w);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	sock_connect(c);
	rx(c, "S");
	rx(c, "S t>=%d", SECOND);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	none(c);
}

CASE(synack_repeated)
{
	int listener = sock_listen(w, PORT, 16);
	__u32 isn;

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 sackok ts ws=0");
	isn = rx(c, "S. seq=0 ack=1")->seq;
	rx(c, "S. ack=1 mss=1460 sackok ts ws t>=%d", SECOND);
	CHECK_EQ(w, isn, c->irs);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
}

CASE(synack_retries)
{
	int listener = sock_listen(w, PORT, 16);

	sysctl_set(w, "tcp_synack_retries", "1");
	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	rx(c, "S. seq=0 ack=1 t>=%d", SECOND);
	/* Forgotten two seconds later. */
	none_for(c, 3000);
	check_gone(c);
}

/* rfc6298#section-5.5: the timeout doubles. */
CASE(rto_backoff)
{
	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 2 * RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 4 * RTO_MIN_MS);
	tx(c, ". ack=1001");
	none(c);
	conn_write(c, 10, 0);
	rx(c, ". seq=1001 len=10");
}

struct rtos {
	int total, rows;
	long ms;
};

/* What TCP_INFO says of timeouts, by place: libc's headers know nothing of it. */
static struct rtos rtos_of(struct conn *c)
{
	__u8 info[256];
	socklen_t len = sizeof(info);
	__u16 count[2];
	__u32 ms;

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &len));
	if (len < 248)
		_exit(EXIT_SKIP);
	memcpy(count, info + 240, sizeof(count));
	memcpy(&ms, info + 244, sizeof(ms));
	return (struct rtos) { count[0], count[1], ms };
}

CASE(rto_total)
{
	struct rtos r;

	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	r = rtos_of(c);
	CHECK(w, !r.total && !r.rows && !r.ms);
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 2 * RTO_MIN_MS);
	r = rtos_of(c);
	CHECK_EQ(w, 2, r.total);
	CHECK_EQ(w, 1, r.rows);
	CHECK_TIME(w, r.ms >= 2 * RTO_MIN_MS - JIFFY_MS && r.ms < 4 * RTO_MIN_MS);
	tx(c, ". ack=1001");
	/* A second row; the time between does not count. */
	conn_write(c, 10, 0);
	rx(c, ". seq=1001 len=10");
	rx(c, ". seq=1001 len=10");
	tx(c, ". ack=1011");
	none(c);
	r = rtos_of(c);
	CHECK_EQ(w, 3, r.total);
	CHECK_EQ(w, 2, r.rows);
	CHECK_TIME(w, r.ms < 4 * RTO_MIN_MS + QUIET_MS);
	none_for(c, 300);
	CHECK_EQ(w, r.ms, rtos_of(c).ms);
}

/* The SYN-ACK's count for the child, too. */
CASE(rto_total_of_handshake)
{
	int listener = sock_listen(w, PORT, 4);
	struct rtos r;

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1460");
	rx(c, "S. seq=0 ack=1");
	rx(c, "S. seq=0 ack=1 t>=900");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	r = rtos_of(c);
	CHECK_EQ(w, 1, r.total);
	CHECK_EQ(w, 1, r.rows);
	CHECK_TIME(w, r.ms >= 900 && r.ms < 1100);
}

CASE(rto_total_of_connect)
{
	struct rtos r;

	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0");
	rx(c, "S seq=0 t>=900");
	r = rtos_of(c);
	CHECK_EQ(w, 1, r.total);
	finish_active(c, "mss=1460");
	r = rtos_of(c);
	CHECK_EQ(w, 1, r.total);
	CHECK_EQ(w, 1, r.rows);
	CHECK_TIME(w, r.ms < 100);
}

/* Options of newer kernels, which AF_TCPX has on all: skip where kernel TCP lacks them. */
#define RTO_MAX_MS_OPTION	44
#define RTO_MIN_US_OPTION	45
#define DELACK_MAX_US_OPTION	46

static void set_if_known(struct conn *c, int name, int value)
{
	if (setsockopt(c->fd, IPPROTO_TCP, name, &value, sizeof(value))) {
		CHECK(c->w, errno == ENOPROTOOPT && c->w->kind.family != AF_TCPX);
		_exit(EXIT_SKIP);
	}
}

static void at_most_a_second(struct conn *c)
{
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 2 * RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 4 * RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=900 t<=1100");
	rx(c, ". seq=1 len=1000 t>=900 t<=1100");
	tx(c, ". ack=1001");
}

CASE(rto_max_of_socket)
{
	conn_passive(w, c, NULL);
	set_if_known(c, RTO_MAX_MS_OPTION, 1000);
	at_most_a_second(c);
}

CASE(rto_max_sysctl)
{
	knob_set(w, "tcp_rto_max_ms", "1000");
	conn_passive(w, c, NULL);
	at_most_a_second(c);
}

/* Each round trip forgets a quarter of the variance that the usual least RTO was. */
static void less_than_usual(struct conn *c)
{
	int i;

	for (i = 0; i < 40; i++) {
		conn_write(c, 1000, 0);
		rx(c, ". seq=%d len=1000 skip", 1000 * i + 1);
		tx(c, ". ack=%d", 1000 * i + 1001);
	}
	conn_write(c, 1000, 0);
	rx(c, ". seq=40001 len=1000");
	rx(c, ". seq=40001 len=1000 t<=150");
}

CASE(rto_min_of_socket)
{
	conn_passive(w, c, NULL);
	set_if_known(c, RTO_MIN_US_OPTION, 20000);
	less_than_usual(c);
}

CASE(rto_min_sysctl)
{
	knob_set(w, "tcp_rto_min_us", "20000");
	conn_passive(w, c, NULL);
	less_than_usual(c);
}

/* Bounds of the knobs of newer kernels */
CASE(knobs_refuse)
{
	static const char *const bad[][2] = {
		{ "tcp_rto_min_us", "0" }, { "tcp_rto_min_us", "-1" },
		{ "tcp_rto_max_ms", "999" }, { "tcp_rto_max_ms", "120001" },
		{ "tcp_syn_linear_timeouts", "128" }, { "tcp_syn_linear_timeouts", "-1" },
		{ "tcp_backlog_ack_defer", "2" }, { "tcp_tw_reuse_delay", "0" },
		{ "tcp_tw_reuse_delay", "60001" }, { "tcp_comp_sack_rtt_percent", "0" },
		{ "tcp_comp_sack_rtt_percent", "1001" }, { "tcp_rcvbuf_low_rtt", "-1" },
		{ "tcp_plb_enabled", "2" }, { "tcp_plb_idle_rehash_rounds", "32" },
		{ "tcp_plb_rehash_rounds", "32" }, { "tcp_plb_suspend_rto_sec", "256" },
		{ "tcp_plb_cong_thresh", "257" },
	};
	char path[2][128];
	size_t i, known;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(path[0], sizeof(path[0]), "/proc/sys/net/ipv4/%s", bad[i][0]);
		snprintf(path[1], sizeof(path[1]), "/proc/sys/net/tcpx/%s", bad[i][0]);
		known = access(path[0], F_OK) ? 1 : 0;
		/* One of the two has it, never both. */
		CHECK_EQ(w, known, access(path[1], F_OK) ? 0 : 1);
		CHECK(w, !sysctl_try(path[known] + strlen("/proc/sys/"), bad[i][1]));
	}
}

/* So little in flight that waiting longer and longer helps nobody: six times it does not. */
static void thin(struct conn *c)
{
	int i;

	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	for (i = 0; i < 7; i++)
		rx(c, ". seq=1 len=1000 t>=%d t<%d", RTO_MIN_MS, RTO_MIN_MS * 3 / 2);
	rx(c, ". seq=1 len=1000 t>=%d", 2 * RTO_MIN_MS);
	rx(c, ". seq=1 len=1000 t>=%d", 4 * RTO_MIN_MS);
}

CASE(thin_linear_timeouts_of_socket)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1);
	thin(c);
}

CASE(thin_linear_timeouts_sysctl)
{
	sysctl_set(w, "tcp_thin_linear_timeouts", "1");
	conn_passive(w, c, NULL);
	thin(c);
}

/*
 * Karn: an ACK of something sent twice measures nothing, so the timeout stays
 * as long as it was until a fresh segment is measured.
 */
CASE(karn)
{
	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	tx(c, ". ack=1001");
	conn_write(c, 1000, 0);
	rx(c, ". seq=1001 len=1000");
	rx(c, ". seq=1001 len=1000 t>=%d", 2 * RTO_MIN_MS);
}

/* What was sent in small pieces is sent again as one, the FIN with it. */
CASE(rto_gathers_small_segments)
{
	int i;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	for (i = 0; i < 4; i++) {
		conn_write(c, 10, 0);
		rx(c, "P. seq=%d len=10", 1 + 10 * i);
	}
	conn_close(c);
	rx(c, "F. seq=41");
	rx(c, "FP. seq=1 len=40");
	tx(c, ". ack=42");
	tx(c, "F. ack=42");
	rx(c, ". seq=42 ack=2");
}

/* After a timeout the first segment goes alone, the others as ACKs allow. */
CASE(rto_sends_the_first_only)
{
	conn_passive(w, c, NULL);
	conn_write(c, 4000, 0);
	rx_stream(c, 1, 4001, 1000);
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	none(c);
	/* Slow start from one: two more. */
	tx(c, ". ack=1001");
	rx_stream(c, 1001, 3001, 1000);
	none(c);
	tx(c, ". ack=4001");
	none(c);
}

/* A segment sent again carries the ACK of today. */
CASE(retransmission_acks_anew)
{
	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 ack=1 len=1000");
	tx(c, ". seq=1 len=500 ack=1");
	rx(c, ". seq=1001 ack=501");
	rx(c, ". seq=1 ack=501 len=1000");
}

CASE(retransmission_has_new_timestamp)
{
	__u32 first;

	conn_passive(w, c, "mss=1012 ts");
	conn_write(c, 1000, 0);
	first = rx(c, ". seq=1 len=1000 ts")->tsval;
	CHECK_TIME(w, rx(c, ". seq=1 len=1000 ts")->tsval - first >= RTO_MIN_MS);
}

CASE(retries2)
{
	__s64 begin;

	sysctl_set(w, "tcp_retries2", "1");
	conn_passive(w, c, NULL);
	conn_write(c, 1000, 0);
	begin = c->last;
	rx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 len=1000 t>=%d", RTO_MIN_MS);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) >= 3 * RTO_MIN_MS);
}

CASE(user_timeout)
{
	__s64 begin;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500);
	conn_write(c, 1000, 0);
	begin = c->last;
	rx(c, ". seq=1 len=1000");
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) >= 500 - JIFFY_MS);
}

/*
 * The pace is that of what is sent, here a segment in a second, not of timers for what was:
 * neither backing off nor the user's limit is put off by it.
 */
CASE(timeouts_are_not_paced)
{
	__s64 begin;
	int i;

	conn_slow(w, c, "mss=1000 sackok ws=0");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sock_set(w, c->fd, SOL_SOCKET, SO_MAX_PACING_RATE, 1000);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
	/* Ten segments go as they come. */
	for (i = 0; i < 10; i++) {
		conn_write(c, 10, 0);
		rx(c, "P. seq=%d len=10", 1 + i * 10);
	}
	tx(c, ". ack=101");
	conn_write(c, 1000, 0);
	rx(c, "P. seq=101 len=1000");
	rx(c, "P. seq=101 len=1000");
	begin = c->last;
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) <= 3000 + 2 * JIFFY_MS);
}

/* The limit counts from the last progress, not from the first byte. */
CASE(user_timeout_restarts)
{
	__s64 begin;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 500);
	conn_write(c, 2000, 0);
	rx_stream(c, 1, 2001, 1000);
	none_for(c, 100);
	tx(c, ". ack=1001");
	begin = c->last;
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) >= 300);
}

CASE(fin_repeated)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	rx(c, "F. seq=1 ack=1 t>=%d", RTO_MIN_MS);
	rx(c, "F. seq=1 ack=1 t>=%d", 2 * RTO_MIN_MS);
	tx(c, ". ack=2");
	none(c);
}

CASE(last_ack_fin_repeated)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	conn_close(c);
	rx(c, "F. seq=1 ack=2");
	rx(c, "F. seq=1 ack=2 t>=%d", RTO_MIN_MS);
	tx(c, ". ack=2");
	check_gone(c);
}

/* A connection without a user is given up earlier. */
CASE(orphan_retries)
{
	int sent = 0;

	sysctl_set(w, "tcp_orphan_retries", "1");
	conn_passive(w, c, NULL);
	conn_close(c);
	while (wire_next(c, 2000)) {
		CHECK(w, c->seg.flags & (TH_FIN | TH_RST));
		sent++;
	}
	CHECK(w, sent >= 2 && sent <= 4);
	check_gone(c);
}

/*
 * A probe of a closed window: an empty segment one below what is next, or the
 * next byte itself. Both make the peer answer.
 */
static void rx_probe(struct conn *c, __u32 next, int after_ms)
{
	struct seg *s = rx(c, ". len<=1 t>=%d", after_ms);

	CHECK_EQ(c->w, next - !s->len, s->seq - c->irs);
}

/* Of so many bytes two segments have filled the window, and there is so much of it now. */
static void window_after(struct wire *w, struct conn *c, size_t bytes, int win)
{
	w->peer_win = 2000;
	conn_passive(w, c, NULL);
	conn_write(c, bytes, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, ". ack=2001 win=%d", win);
}

static void closed_window(struct wire *w, struct conn *c)
{
	window_after(w, c, 3000, 0);
}

CASE(window_probes)
{
	closed_window(w, c);
	rx_probe(c, 2001, RTO_MIN_MS);
	tx(c, ". ack=2001 win=0");
	/* Twice as long after each, answered or not. */
	rx_probe(c, 2001, 2 * RTO_MIN_MS - 50);
	rx_probe(c, 2001, 4 * RTO_MIN_MS);
	tx(c, ". ack=2001 win=2000");
	rx(c, ". seq=2001 len=1000");
	tx(c, ". ack=3001");
	none(c);
}

/* What the window has no room for is no part of a probe, a FIN neither. */
CASE(window_probe_without_the_fin)
{
	window_after(w, c, 2000, 300);
	conn_write(c, 300, MSG_MORE);
	conn_shutdown(c, SHUT_WR);
	rx(c, "P. seq=2001 len=300 t<%d", 4 * RTO_MIN_MS);
	tx(c, ". ack=2301 win=300");
	rx(c, "F. seq=2301");
}

/* The update was lost; the answer to the probe brings it. */
CASE(window_opens_by_probe)
{
	closed_window(w, c);
	rx_probe(c, 2001, RTO_MIN_MS);
	tx(c, ". ack=2001 win=2000");
	rx(c, ". seq=2001 len=1000 t<%d", RTO_MIN_MS);
}

CASE(window_stays_closed)
{
	__s64 begin;

	closed_window(w, c);
	begin = c->last;
	sock_set(w, c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 600);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	CHECK_TIME(w, elapsed_ms(begin) >= 500);
}

/* Nothing to send, nothing to probe for. */
CASE(no_probe_without_data)
{
	window_after(w, c, 2000, 0);
	none_for(c, 700);
}

/*
 * rfc9293#section-3.8.6.2.1: a small opening is not worth a segment at once,
 * only when the timer says that nothing better comes.
 */
CASE(silly_window)
{
	closed_window(w, c);
	rx_probe(c, 2001, RTO_MIN_MS);
	tx(c, ". ack=2001 win=100");
	none(c);
	rx(c, ". seq=2001 len=100 t>=%d", RTO_MIN_MS);
}

/* rfc1122#section-4.2.3.2: less than half a second, and more than no time. */
CASE(delayed_ack)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	tx(c, ". seq=1001 len=100");
	rx(c, ". ack=1101 t>=30 t<=1000");
}

/* Each one that had to leave alone doubles the time the next may wait, up to 200 ms. */
CASE(delayed_ack_waits_longer)
{
	__u32 ato;
	int at;

	kernel_tcp_since(w, 7, 3);
	conn_slow(w, c, "mss=1000");
	for (at = 1; at < 4001; at += 100) {
		tx(c, ". seq=%d len=100", at);
		rx(c, ". ack=%d t<=210", at + 100);
		conn_read(c, at - 1, 100);
	}
	/* A jiffy less than the least RTO. */
	ato = tcp_info_of(c).tcpi_ato;
	CHECK(w, ato >= 190000 && ato < 200000);
}

CASE(delack_max_of_socket)
{
	conn_passive(w, c, NULL);
	set_if_known(c, DELACK_MAX_US_OPTION, 12000);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	tx(c, ". seq=1001 len=100");
	rx(c, ". ack=1101 t>=4 t<=25");
}

/* Every second full segment is acknowledged without delay. */
CASE(ack_every_second_segment)
{
	__s64 begin;
	int tries = 0, at = 1001;

	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	do {
		CHECK_TIME(w, tries++ < 20);
		sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
		begin = wire_now();
		tx(c, ". seq=%d len=1000", at);
		tx(c, ". seq=%d len=1000", at + 1000);
		rx(c, ". ack=%d skip", at + 2000);
		conn_read(c, at - 1, 2000);
		at += 2000;
		/* Again if this process stood still for the delay itself. */
	} while (elapsed_ms(begin) >= 30);
}

CASE(quickack_flushes)
{
	__s64 begin;
	int tries = 0, at = 1001;

	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	do {
		CHECK_TIME(w, tries++ < 20);
		sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
		begin = wire_now();
		tx(c, ". seq=%d len=100", at);
		conn_read(c, at - 1, 100);
		sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 1);
		at += 100;
		rx(c, ". ack=%d", at);
	} while (elapsed_ms(begin) >= 30);
}

static void keepalive(struct conn *c, int probes)
{
	sock_set(c->w, c->fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	sock_set(c->w, c->fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	sock_set(c->w, c->fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
	c->last = wire_now();
	sock_set(c->w, c->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

CASE(keepalive_gives_up)
{
	conn_passive(w, c, NULL);
	keepalive(c, 2);
	rx(c, ". seq=0 ack=1 len<=1 t>=%d", SECOND - 100);
	rx(c, ". seq=0 ack=1 len<=1 t>=%d", SECOND);
	rx(c, "R. seq=1 ack=1 t>=%d", SECOND);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
}

CASE(keepalive_answered)
{
	conn_passive(w, c, NULL);
	keepalive(c, 1);
	rx(c, ". seq=0 ack=1 len<=1 t>=%d", SECOND - 100);
	tx(c, ". ack=1");
	rx(c, ". seq=0 ack=1 len<=1 t>=%d", SECOND);
	tx(c, ". ack=1");
	CHECK_EQ(w, 0, sock_error(c->fd));
	check_alive(c);
}

/* However far its end is. Kernel TCP's timer is rounded up, by an eighth at most. */
CASE(keepalive_to_a_jiffy)
{
	bool kernel = w->kind.family == AF_INET || w->kind.family == AF_INET6;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_KEEPIDLE, 20);
	c->last = wire_now();
	sock_set(w, c->fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	none_for(c, 19900);
	rx(c, ". seq=0 ack=1 len<=1 t>=%d t<=%d", 20000 - JIFFY_MS,
	   20000 + (kernel ? 20000 / 8 : 0) + STALL_MS);
}

/* A probe answered by a reset: the peer forgot us. */
CASE(keepalive_reset)
{
	conn_passive(w, c, NULL);
	keepalive(c, 3);
	rx(c, ". seq=0 ack=1 len<=1");
	tx(c, "R seq=1");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
}

/* Traffic puts the probe off. */
CASE(keepalive_waits_for_silence)
{
	int i;

	conn_passive(w, c, NULL);
	keepalive(c, 1);
	for (i = 0; i < 4; i++) {
		none_for(c, 400);
		tx(c, ". seq=%d len=10", 1 + i * 10);
		rx(c, ". seq=1 ack=%d", 11 + i * 10);
	}
	rx(c, ". seq=0 ack=41 len<=1 t>=%d", SECOND - 100);
}
