// SPDX-License-Identifier: GPL-2.0
/*
 * Arriving data: order, acknowledgment, reassembly, SACK, the receive window.
 */
#include "fixture.h"

CASE(in_order)
{
	int i;

	conn_passive(w, c, NULL);
	/* The first segments of a connection are acknowledged one by one. */
	for (i = 0; i < 8; i++) {
		tx(c, ". seq=%d len=1000", 1 + i * 1000);
		rx(c, ". seq=1 ack=%d nosack", 1001 + i * 1000);
	}
	conn_read(c, 0, 8000);
	conn_would_block(c);
}

CASE(in_order_active)
{
	conn_active(w, c, NULL);
	tx(c, "P. len=1460");
	rx(c, ". seq=1 ack=1461");
	tx(c, "P. len=1");
	rx(c, ". seq=1 ack=1462");
	conn_read(c, 0, 1461);
}

/* rfc2018#section-4: the block of the newest segment first. */
CASE(out_of_order)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1001 len=1000");
	rx(c, ". seq=1 ack=1 sack=1001:2001");
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1 sack=3001:4001,1001:2001");
	conn_would_block(c);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=2001 sack=3001:4001");
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=4001 nosack");
	conn_read(c, 0, 4000);
}

CASE(sack_block_grows)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=1 sack=2001:3001");
	tx(c, ". seq=3001 len=500");
	rx(c, ". ack=1 sack=2001:3501");
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 sack=1001:3501");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=3501 nosack");
	conn_read(c, 0, 3500);
}

CASE(sack_blocks_merge)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 sack=1001:2001");
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1 sack=3001:4001,1001:2001");
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=1 sack=1001:4001");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=4001 nosack");
	conn_read(c, 0, 4000);
}

/* An old block that grows becomes the newest. */
CASE(sack_order_is_by_time)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1001 len=100");
	rx(c, ". ack=1 sack=1001:1101");
	tx(c, ". seq=2001 len=100");
	rx(c, ". ack=1 sack=2001:2101,1001:1101");
	tx(c, ". seq=3001 len=100");
	rx(c, ". ack=1 sack=3001:3101,2001:2101,1001:1101");
	tx(c, ". seq=1101 len=100");
	rx(c, ". ack=1 sack=1001:1201,3001:3101,2001:2101");
}

/* Four blocks fit into the header, three beside timestamps. */
CASE(sack_at_most_four)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1001 len=10");
	rx(c, ". sacks=1");
	tx(c, ". seq=2001 len=10");
	rx(c, ". sacks=2");
	tx(c, ". seq=3001 len=10");
	rx(c, ". sacks=3");
	tx(c, ". seq=4001 len=10");
	rx(c, ". sacks=4");
	tx(c, ". seq=5001 len=10");
	rx(c, ". ack=1 sack=5001:5011,4001:4011,3001:3011,2001:2011");
}

/* An echo of the same millisecond is no RTT of a millisecond. */
CASE(rtt_below_a_tick_is_not_one)
{
	__u32 last;

	kernel_tcp_since(w, 7, 3);
	sysctl_set(w, "tcp_invalid_ratelimit", "0");
	conn_passive(w, c, "mss=1012 sackok ts ws=0");
	do {
		/* A tick has just been if it is another than before. */
		last = c->ts_recent;
		tx(c, ". seq=0 ack=1");
		rx(c, ". seq=1 ack=1 ts");
	} while (c->ts_recent == last);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	CHECK_TIME(w, tcp_info_of(c).tcpi_rcv_rtt < 1000);
}

CASE(sack_at_most_three_with_timestamps)
{
	int i;

	conn_passive(w, c, "mss=1012 sackok ts ws=0");
	for (i = 1; i <= 3; i++) {
		tx(c, ". seq=%d len=10", i * 1000);
		rx(c, ". ack=1 sacks=%d", i);
	}
	tx(c, ". seq=4000 len=10");
	rx(c, ". ack=1 sack=4000:4010,3000:3010,2000:2010");
}

CASE(no_sack_without_permission)
{
	conn_passive(w, c, "mss=1000");
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 nosack");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=2001 nosack");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=2001 nosack");
	conn_read(c, 0, 2000);
}

/* rfc2883: a duplicate is told in the first block. */
CASE(dsack_of_delivered)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 nosack");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 sack=1:1001");
	conn_read(c, 0, 1000);
	conn_would_block(c);
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=2001 nosack");
}

CASE(dsack_before_other_blocks)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1001 sack=3001:4001");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 sack=1:1001,3001:4001");
}

CASE(dsack_of_queued)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1 sack=3001:4001");
	tx(c, ". seq=3001 len=1000");
	rx(c, ". ack=1 sack=3001:4001,3001:4001");
	tx(c, ". seq=1 len=1460");
	rx(c, ". ack=1461 sack=3001:4001");
}

/* Of data that fills a hole and covers what lay beyond it: the latter came twice, no more. */
CASE(dsack_of_covered)
{
	kernel_tcp_since(w, 7, 3);
	conn_passive(w, c, "mss=1460 sackok");
	tx(c, ". seq=501 len=100");
	rx(c, ". ack=1 sack=501:601");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 sack=501:601");
	conn_read(c, 0, 1000);
}

CASE(dsack_switched_off)
{
	sysctl_set(w, "tcp_dsack", "0");
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001 nosack");
}

/* A segment of which the first part is known already. */
CASE(overlap_left)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=501 len=1000");
	rx(c, ". ack=1501");
	tx(c, ". seq=1 len=1460");
	rx(c, ". ack=1501");
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=2001");
	conn_read(c, 0, 2000);
	conn_would_block(c);
}

/* What was received once stays: the second copy may lie. */
CASE(overlap_keeps_first_data)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=1 len=1000 fill=0x58");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	conn_would_block(c);
}

CASE(overlap_in_queue)
{
	struct seg *s;

	conn_passive(w, c, NULL);
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 sack=1001:2001");
	tx(c, ". seq=1501 len=1000");
	/* The doubled part may be told first (rfc2883#section-4.1). */
	s = rx(c, ". ack=1 sacks>=1");
	CHECK_EQ(w, 1001, s->sack[s->sacks - 1][0] - c->iss);
	CHECK_EQ(w, 2501, s->sack[s->sacks - 1][1] - c->iss);
	tx(c, ". seq=501 len=1000");
	s = rx(c, ". ack=1 sacks>=1");
	CHECK_EQ(w, 501, s->sack[s->sacks - 1][0] - c->iss);
	CHECK_EQ(w, 2501, s->sack[s->sacks - 1][1] - c->iss);
	tx(c, ". seq=1 len=700");
	rx(c, ". ack=2501");
	conn_read(c, 0, 2500);
	conn_would_block(c);
}

/* One segment covers several queued ones and the holes between. */
CASE(overlap_covers_queue)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=201 len=100");
	rx(c, ". ack=1 sacks=1");
	tx(c, ". seq=401 len=100");
	rx(c, ". ack=1 sacks=2");
	tx(c, ". seq=601 len=100");
	rx(c, ". ack=1 sacks=3");
	tx(c, ". seq=101 len=800");
	rx(c, ". ack=1 sacks>=1");
	tx(c, ". seq=1 len=100");
	rx(c, ". ack=901");
	conn_read(c, 0, 900);
	conn_would_block(c);
}

CASE(reverse_order)
{
	int i;

	conn_passive(w, c, NULL);
	for (i = 39; i > 0; i--) {
		tx(c, ". seq=%d len=500", 1 + i * 500);
		rx(c, ". ack=1 sack=%d:20001", 1 + i * 500);
	}
	tx(c, ". seq=1 len=500");
	rx(c, ". ack=20001 nosack");
	conn_read(c, 0, 20000);
}

/* Every second segment first, then the others: many holes. */
CASE(odd_then_even)
{
	__u32 last;
	int i;

	conn_passive(w, c, NULL);
	for (i = 1; i < 60; i += 2) {
		tx(c, ". seq=%d len=300", 1 + i * 300);
		rx(c, ". ack=1 sacks>=1");
	}
	for (i = 0; i < 60; i += 2) {
		tx(c, ". seq=%d len=300", 1 + i * 300);
		last = 1 + (i + 2) * 300;
		rx(c, ". ack=%u", last);
	}
	conn_read(c, 0, 18000);
	conn_would_block(c);
}

/* Numbers pass 2^32 in both directions. */
CASE(sequence_wraps)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->iss = 0xfffffe00;
	handshake(c, NULL);
	conn_accept(c);
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 sack=1001:2001");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=2001 nosack");
	tx(c, ". seq=401 len=1000");
	rx(c, ". ack=2001 sack=401:1401");
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=3001");
	conn_read(c, 0, 3000);
	tx(c, "F. seq=3001");
	rx(c, ". ack=3002");
	conn_eof(c);
}

CASE(iss_wraps_on_syn)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->iss = 0xffffffff;
	handshake(c, NULL);
	conn_accept(c);
	check_alive(c);
}

/* Newer kernels count it. */
static void check_beyond_window(struct wire *w, int n)
{
	int counted = mib_if_any(w, "BeyondWindow");

	CHECK(w, counted == n || counted < 0);
}

/* Beyond the right edge nothing is taken, and the peer is told the edge. */
CASE(beyond_window)
{
	__u32 wnd;

	conn_passive(w, c, NULL);
	tx(c, ". len=10");
	rx(c, ". ack=11");
	wnd = conn_wnd(c);
	tx(c, ". seq=%u len=10", 11 + wnd + 1);
	rx(c, ". seq=1 ack=11 nosack");
	conn_read(c, 0, 10);
	conn_would_block(c);
	check_beyond_window(w, 1);
	check_alive(c);
}

CASE(below_window)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=4294900000 len=10");
	rx(c, ". seq=1 ack=1");
	conn_would_block(c);
	check_alive(c);
}

/* Fill what was promised to the last byte; it must be taken. */
static __u32 fill_window(struct conn *c)
{
	__u32 right = 0, ack, n;
	int i;

	for (i = 0; i < 400; i++) {
		ack = c->seg.ack - c->iss;
		/* rfc9293#section-3.8.6: the right edge does not move left. */
		CHECK(c->w, ack + conn_wnd(c) >= right);
		right = ack + conn_wnd(c);
		if (right == ack)
			break;
		n = right - ack < 1000 ? right - ack : 1000;
		tx(c, "P. seq=%u len=%u", ack, n);
		rx(c, ". seq=1 ack=%u", ack + n);
	}
	CHECK_EQ(c->w, 0, conn_wnd(c));
	return right;
}

static void small_buffer(struct wire *w, struct conn *c)
{
	int listener = sock_listen(w, PORT, 16);

	sock_set(w, listener, SOL_SOCKET, SO_RCVBUF, 8192);
	conn_init(w, c);
	c->listener = listener;
	handshake(c, NULL);
	conn_accept(c);
	tx(c, ". len=1000");
	rx(c, ". ack=1001");
}

CASE_TIMEOUT(zero_window, 60)
{
	__u32 right;

	small_buffer(w, c);
	right = fill_window(c);
	/* A probe is answered and not taken. */
	tx(c, ". seq=%u len=1 fill=0x58", right);
	rx(c, ". seq=1 ack=%u win=0", right);
	/* Room again: the peer hears of it without asking. */
	conn_read(c, 0, right - 1);
	rx(c, ". seq=1 ack=%u wnd>=1000", right);
	tx(c, ". seq=%u len=1000", right);
	rx(c, ". ack=%u skip", right + 1000);
	conn_read(c, right - 1, 1000);
}

/* A segment that begins inside the window and ends beyond it is not taken while there is other
 * data to be read.
 */
CASE_TIMEOUT(across_right_edge, 60)
{
	__u32 ack, wnd;

	kernel_tcp_since(w, 6, 17);
	small_buffer(w, c);
	while ((wnd = conn_wnd(c)) >= 1000) {
		ack = c->seg.ack - c->iss;
		tx(c, "P. seq=%u len=500", ack);
		rx(c, ". ack=%u", ack + 500);
	}
	ack = c->seg.ack - c->iss;
	tx(c, "P. seq=%u len=%u", ack, wnd + 50);
	rx(c, ". seq=1 ack=%u nosack", ack);
	check_beyond_window(w, 1);
	conn_read(c, 0, ack - 1);
	conn_would_block(c);
	tx(c, "P. seq=%u len=100", ack);
	rx(c, ". ack=%u skip", ack + 100);
	conn_read(c, ack - 1, 100);
}

/* Nor beyond a hole. With nothing else to be read it is taken as it is. */
CASE(across_right_edge_beyond_a_hole)
{
	__u32 edge;

	kernel_tcp_since(w, 6, 17);
	conn_passive(w, c, "mss=1460 sackok");
	tx(c, ". len=10");
	rx(c, ". ack=11");
	edge = 11 + conn_wnd(c);
	tx(c, ". seq=%u len=20", edge - 10);
	rx(c, ". seq=1 ack=11 nosack");
	check_beyond_window(w, 1);
	conn_read(c, 0, 10);
	tx(c, ". seq=%u len=20", edge - 10);
	rx(c, ". seq=1 ack=11 sack=%u:%u", edge - 10, edge + 10);
	check_beyond_window(w, 1);
	tx(c, ". seq=11 len=10");
	rx(c, ". ack=21 skip");
	conn_read(c, 10, 10);
}

/* A FIN may stick out. */
CASE_TIMEOUT(fin_beyond_right_edge, 60)
{
	__u32 ack, wnd;

	small_buffer(w, c);
	while ((wnd = conn_wnd(c)) >= 1400) {
		ack = c->seg.ack - c->iss;
		tx(c, "P. seq=%u len=500", ack);
		rx(c, ". ack=%u", ack + 500);
	}
	ack = c->seg.ack - c->iss;
	tx(c, "FP. seq=%u len=%u", ack, wnd);
	rx(c, ". seq=1 ack=%u", ack + wnd + 1);
	conn_read(c, 0, ack + wnd - 1);
	conn_eof(c);
}

/* SO_RCVBUF takes back what was promised. What comes all the same is refused, and the peer told to
 * stop: it need not wait for a timeout to hear of it. What is on its way is not held for an attack.
 */
CASE(no_memory_for_what_was_promised)
{
	kernel_tcp_since(w, 6, 17);
	conn_passive(w, c, "mss=1460 sackok");
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=1001 len=1000");
	tx(c, ". seq=2001 len=1000");
	rx(c, ". ack=3001 skip");
	CHECK(w, conn_wnd(c) > 3000);
	sock_set(w, c->fd, SOL_SOCKET, SO_RCVBUF, 1);
	tx(c, ". seq=3001 len=1000");
	rx(c, ". seq=1 ack=3001 win=0");
	CHECK_EQ(w, 1, mib(w, "TCPRcvQDrop"));
	tx(c, ". seq=4001 len=1000");
	rx(c, ". seq=1 ack=3001 win=0");
	CHECK_EQ(w, 1, mib(w, "TCPRcvQDrop"));
	CHECK_EQ(w, 0, mib(w, "TCPOFOQueue"));
	conn_read(c, 0, 3000);
	rx(c, ". ack=3001 wnd>0");
	tx(c, ". seq=3001 len=100");
	rx(c, ". ack=3101 skip");
	conn_read(c, 3000, 100);
}

/* Segments beyond a hole tell of the peer's segment size, too. */
CASE(segment_size_beyond_a_hole)
{
	kernel_tcp_since(w, 6, 16);
	conn_passive(w, c, "mss=1460 sackok");
	tx(c, ". seq=1001 len=1000");
	rx(c, ". ack=1 sack=1001:2001");
	CHECK_EQ(w, 1000, tcp_info_of(c).tcpi_rcv_mss);
}

/* Some kernels probe with nothing, one below what is expected. */
CASE_TIMEOUT(zero_window_empty_probe, 60)
{
	__u32 right;

	small_buffer(w, c);
	right = fill_window(c);
	tx(c, ". seq=%u", right - 1);
	rx(c, ". seq=1 ack=%u win=0", right);
	conn_read(c, 0, right - 1);
	rx(c, ". ack=%u wnd>0", right);
}

/* A peer that sends 120 segments, and a reader that takes all but the last. */
static void read_on(struct conn *c)
{
	int i;

	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	conn_read(c, 0, 1000);
	for (i = 1; i < 120; i++) {
		tx(c, ". seq=%u len=1000", 1 + i * 1000);
		if (i % 2)
			continue;
		rx(c, ". ack=%u skip", 1001 + i * 1000);
		conn_read(c, (i - 1) * 1000, 2000);
	}
}

/* The window grows with what the reader takes. */
CASE(window_grows)
{
	__u32 first;

	conn_passive(w, c, NULL);
	first = conn_wnd(c);
	read_on(c);
	CHECK(w, conn_wnd(c) >= first);
}

#define AUTOTUNING_RTT_MS	20

/* The receive buffer after a peer has sent a window each round trip to a reader that takes
 * all of it: after five of them, and more while it is not @enough, since a reader that comes
 * late to some segments sees less of the rate.
 */
static int autotune(struct wire *w, struct conn *c, int enough)
{
	socklen_t len = sizeof(int);
	int round, i, n, buffer = 0;
	__u32 at = 1;

	for (round = 0; round < 5 || (round < 20 && buffer < enough); round++) {
		n = conn_wnd(c) / 1000;
		if (n > 60)
			n = 60;
		for (i = 0; i < n; i++)
			tx(c, ". seq=%u len=1000", at + i * 1000);
		conn_read(c, at - 1, n * 1000);
		at += n * 1000;
		while (wire_next(c, AUTOTUNING_RTT_MS))
			;
		CHECK(w, !getsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer, &len));
	}
	return buffer;
}

static int autotuned(struct wire *w, struct conn *c, int enough)
{
	conn_passive(w, c, "mss=1460 sackok ws=7");
	return autotune(w, c, enough);
}

/* Autotuning (DRS): as large as a sender needs that doubles its rate. */
CASE(receive_buffer_follows_rate)
{
	sysctl_set(w, "tcp_rmem", "4096 131072 6291456");
	CHECK(w, autotuned(w, c, 600001) > 600000);
}

CASE(receive_buffer_stays)
{
	sysctl_set(w, "tcp_rmem", "4096 131072 6291456");
	sysctl_set(w, "tcp_moderate_rcvbuf", "0");
	/* A segment that comes late may have it grow by a little. */
	CHECK(w, autotuned(w, c, 0) < 150000);
}

/* The buffer makes room for what waits beyond a hole. */
CASE(receive_buffer_beyond_a_hole)
{
	int i, buffer[2];
	socklen_t len = sizeof(int);

	kernel_tcp_since(w, 7, 3);
	sysctl_set(w, "tcp_rmem", "4096 131072 6291456");
	conn_passive(w, c, "mss=1460 sackok ws=7");
	CHECK(w, !getsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer[0], &len));
	for (i = 1; i <= 60; i++) {
		tx(c, ". seq=%d len=1000", i * 1000 + 1);
		rx(c, ". ack=1 sack=1001:%d", i * 1000 + 1001);
	}
	CHECK(w, !getsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer[1], &len));
	CHECK_EQ(w, 131072, buffer[0]);
	CHECK(w, buffer[1] > 150000);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=61001 skip");
	conn_read(c, 0, 61000);
}

/* The window does not follow it, if there is a bound. Kernel TCP forgets that. */
CASE(window_clamp_holds_in_a_buffer_that_grows)
{
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	sysctl_set(w, "tcp_rmem", "4096 131072 6291456");
	conn_passive(w, c, "mss=1460 sackok ws=7");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 40000);
	CHECK(w, autotune(w, c, 150001) > 150000);
	CHECK(w, conn_wnd(c) < 40000 + 128);
}

/* It does not grow beyond tcp_rmem. */
CASE(receive_buffer_has_a_limit)
{
	sysctl_set(w, "tcp_rmem", "4096 131072 200000");
	CHECK_EQ(w, 200000, autotuned(w, c, 200000));
}

/* Below that RTT it grows less; 60000 in a round trip are 120000 of window. */
CASE(receive_buffer_of_short_rtt)
{
	int buffer;

	sysctl_set(w, "tcp_rmem", "4096 131072 6291456");
	knob_set(w, "tcp_rcvbuf_low_rtt", "10000000");
	buffer = autotuned(w, c, 0);
	CHECK(w, buffer > 131072);
	CHECK(w, buffer < 500000);
}

/* A buffer that is made larger later makes the window larger, too, but not beyond what
 * TCP_WINDOW_CLAMP says. Kernel TCP does neither before 6.6, and later the former only.
 */
CASE(window_follows_buffer)
{
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	conn_passive(w, c, "mss=1460 sackok ws=7");
	sock_set(w, c->fd, SOL_SOCKET, SO_RCVBUFFORCE, 500000);
	read_on(c);
	CHECK(w, conn_wnd(c) > 100000);
}

/* It grows with each segment beyond a hole, also where one is merged with that before it (the
 * shorter ones here: they fit behind it).
 */
CASE(window_grows_beyond_a_hole)
{
	__u32 wnd;
	int i, at;

	kernel_tcp_since(w, 6, 6);
	conn_passive(w, c, "mss=1460 sackok ws=7");
	sock_set(w, c->fd, SOL_SOCKET, SO_RCVBUFFORCE, 500000);
	for (i = 0; i < 10; i++) {
		at = 1001 + 1500 * i;
		tx(c, ". seq=%d len=1000", at);
		rx(c, ". ack=1 sack=1001:%d", at + 1000);
		wnd = conn_wnd(c);
		tx(c, ". seq=%d len=500", at + 1000);
		rx(c, ". ack=1 sack=1001:%d", at + 1500);
		CHECK(w, conn_wnd(c) > wnd);
	}
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=16001");
	conn_read(c, 0, 16000);
}

CASE(window_clamp_holds)
{
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	conn_passive(w, c, "mss=1460 sackok ws=7");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 40000);
	sock_set(w, c->fd, SOL_SOCKET, SO_RCVBUFFORCE, 500000);
	read_on(c);
	CHECK(w, conn_wnd(c) < 40000 + 128);
}

/* The window of a large buffer: the field of the SYN holds 65535 of it, the first segment after
 * that says all. Kernel TCP does so from 6.11 on, before it stays at 65535 and grows from there.
 */
static void large_buffer(struct wire *w)
{
	kernel_tcp_since(w, 6, 11);
	sysctl_set(w, "tcp_rmem", "4096 540000 15728640");
}

CASE(first_window_of_a_large_buffer)
{
	large_buffer(w);
	conn_passive(w, c, "mss=1460 sackok ws=7");
	tx(c, ". len=1000");
	rx(c, ". ack=1001");
	CHECK(w, conn_wnd(c) > 120000);
}

CASE(first_window_of_a_large_buffer_active)
{
	large_buffer(w);
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0 win=65535");
	finish_active(c, "mss=1460 sackok ws=7");
	CHECK(w, conn_wnd(c) > 120000);
}

/* Nothing larger than the field holds. */
CASE(first_window_without_scale)
{
	large_buffer(w);
	conn_passive(w, c, "mss=1460 sackok");
	tx(c, ". len=1000");
	rx(c, ". ack=1001");
	CHECK(w, conn_wnd(c) <= 65535);
}

/* Keepalive of the peer: one byte below, with or without the byte. */
CASE(peer_keepalive)
{
	conn_passive(w, c, NULL);
	tx(c, ". len=100");
	rx(c, ". ack=101");
	tx(c, ". seq=100");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 100);
	conn_would_block(c);
	check_alive(c);
}

CASE(peer_keepalive_with_byte)
{
	conn_passive(w, c, NULL);
	tx(c, ". len=100");
	rx(c, ". ack=101");
	tx(c, ". seq=100 len=1 fill=0");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 100);
	conn_would_block(c);
}

/* Every segment of a synchronized state carries an ACK. */
CASE(data_without_ack)
{
	conn_passive(w, c, NULL);
	tx(c, "P seq=1 len=100");
	none(c);
	tx(c, "- seq=1 len=100");
	none(c);
	conn_would_block(c);
	check_alive(c);
}

/*
 * The urgent pointer, wherever it shows, breaks nothing; it may hold one byte
 * back from the stream. What the user sees of it: selftests/api/events.c.
 */
CASE(urgent_pointer)
{
	static const int pointers[] = { 0, 1, 50, 100, 101, 5000, 65535 };
	char data[200];
	ssize_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		conn_passive(w, c, NULL);
		tx(c, "PU. seq=1 len=100 urg=%d", pointers[i]);
		rx(c, ". seq=1 ack=101");
		CHECK(w, wait_for(c->fd, POLLIN, DEADLINE_MS));
		n = recv(c->fd, data, sizeof(data), 0);
		CHECK(w, n >= 1 && n <= 100);
		tx(c, ". seq=101 len=100");
		rx(c, ". seq=1 ack=201");
		conn_close(c);
		close(c->listener);
	}
}

/* The urgent pointer of a segment without the flag means nothing. */
CASE(urgent_pointer_without_flag)
{
	conn_passive(w, c, NULL);
	tx(c, "P. seq=1 len=100 urg=50");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 100);
}

/*
 * IP fragments are put together before TCP sees them. Over IPv6 the first of
 * them must have all of the header (rfc8200#section-4.5).
 */
CASE(ip_fragments)
{
	static const int sizes[] = { 8, 24, 400, 1000, -8, -400 };
	size_t i;
	int at = 1;

	conn_passive(w, c, NULL);
	for (i = 0; i < ARRAY_SIZE(sizes); i++, at += 1000) {
		tx(c, "P. seq=%d len=1000 frag=%d", at,
		   on_v6(w) ? 3 * sizes[i] : sizes[i]);
		rx(c, ". ack=%d", at + 1000);
	}
	conn_read(c, 0, at - 1);
}

/* An application that reads little by little sees every byte once. */
CASE(read_in_pieces)
{
	int i;

	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=1000");
	rx(c, ". ack=1001");
	tx(c, ". seq=1001 len=333");
	rx(c, ". ack=1334");
	for (i = 0; i < 1333; i += 31)
		conn_read(c, i, i + 31 > 1333 ? 1333 - i : 31);
	conn_would_block(c);
}
