// SPDX-License-Identifier: GPL-2.0
/*
 * Departing data: segmentation, the peer's window, the congestion window,
 * small segments, and the repair of losses that ACKs tell.
 */
#include "fixture.h"

CASE(one_segment)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 ack=1 len=100 df=1 ttl=64 tos=0 urg=0");
	tx(c, ". ack=101");
	none(c);
}

CASE(segments_of_mss)
{
	conn_passive(w, c, NULL);
	conn_write(c, 4500, 0);
	rx_stream(c, 1, 4001, 1000);
	/* The end of what the application wrote is pushed. */
	rx(c, "P. seq=4001 len=500");
	none(c);
	tx(c, ". ack=4501");
}

CASE(mss_of_peer)
{
	const struct {
		const char *opts;
		int mss;
	} cases[] = {
		{ "", default_mss(w) },
		{ "mss=100", 100 },
		{ "mss=536", 536 },
		{ "mss=1460", 1460 },
		{ "mss=9000", 1460 },
		{ "mss=65535", 1460 },
		{ "mss=0", default_mss(w) },
		/* The option's own bytes come out of the segment. */
		{ "mss=1460 ts", 1448 },
		{ "mss=512 ts sackok ws=3", 500 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		conn_passive(w, c, cases[i].opts);
		conn_write(c, cases[i].mss * 5, 0);
		rx_stream(c, 1, cases[i].mss * 5 + 1, cases[i].mss);
		tx(c, ". ack=%d", cases[i].mss * 5 + 1);
		conn_close(c);
		close(c->listener);
	}
}

/* rfc6928: ten segments before the first ACK, and not one more. */
CASE(initial_window)
{
	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 40000, 0);
	rx_stream(c, 1, 10001, 1000);
	none(c);
}

CASE(initial_window_active)
{
	conn_active(w, c, NULL);
	conn_write(c, 40000, 0);
	rx_stream(c, 1, 10001, 1000);
	none(c);
}

/* Slow start: each segment acknowledged lets two more go. */
CASE(slow_start)
{
	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 60000, 0);
	rx_stream(c, 1, 10001, 1000);
	tx(c, ". ack=1001");
	rx_stream(c, 10001, 12001, 1000);
	none(c);
	tx(c, ". ack=3001");
	rx_stream(c, 12001, 16001, 1000);
	none(c);
	tx(c, ". ack=5001");
	rx_stream(c, 16001, 20001, 1000);
	none(c);
}

/* An application that does not fill the window does not make it grow. */
CASE(window_not_filled_does_not_grow)
{
	int i;

	conn_slow(w, c, "mss=1000 sackok ws=0");
	for (i = 0; i < 20; i++) {
		conn_write(c, 1000, 0);
		rx(c, ". seq=%d len=1000", 1 + i * 1000);
		tx(c, ". ack=%d", 1001 + i * 1000);
	}
	conn_write(c, 40000, 0);
	for (i = 0; wire_next(c, QUIET_MS); i++)
		;
	CHECK(w, i >= 10 && i <= 11);
}

CASE(peer_window)
{
	w->peer_win = 3000;
	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 3001, 1000);
	none(c);
	/* Acknowledged, and the edge stays where it was. */
	tx(c, ". ack=2001 win=1000");
	none(c);
	tx(c, ". ack=3001 win=2000");
	rx_stream(c, 3001, 5001, 1000);
	none(c);
	/* Only the window moves. */
	tx(c, ". ack=3001 win=5000");
	rx_stream(c, 5001, 8001, 1000);
	none(c);
}

/* The peer takes a promise back: nothing beyond the new edge is sent anew. */
CASE(peer_window_shrinks)
{
	w->peer_win = 5000;
	conn_passive(w, c, NULL);
	conn_write(c, 2000, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, ". ack=2001 win=0");
	conn_write(c, 1000, 0);
	none(c);
	tx(c, ". ack=2001 win=1000");
	rx(c, ". seq=2001 len=1000");
}

/* rfc9293#section-3.10.7.4: an older segment's window does not count. */
CASE(old_window_update_is_ignored)
{
	w->peer_win = 2000;
	conn_passive(w, c, NULL);
	conn_write(c, 6000, 0);
	rx_stream(c, 1, 2001, 1000);
	tx(c, ". ack=2001 win=1000");
	rx_stream(c, 2001, 3001, 1000);
	tx(c, ". ack=1001 win=60000");
	none(c);
}

CASE(ack_goes_with_data)
{
	conn_passive(w, c, NULL);
	tx(c, "P. seq=1 len=100");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 100);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	tx(c, "P. seq=101 len=100");
	conn_write(c, 50, 0);
	/* Alone only if the delayed ACK ran out before the write. */
	rx(c, "P. seq=1 ack=201 len=50 skip");
	none(c);
}

CASE(window_scale_of_peer)
{
	w->peer_win = 100;
	conn_slow(w, c, "mss=1000 ws=5");
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 3001, 1000);
	none(c);
}

/* rfc1323 caps the shift at 14. */
CASE(window_scale_capped)
{
	w->peer_win = 0;
	conn_slow(w, c, "mss=1000 ws=15");
	conn_write(c, 40000, 0);
	none(c);
	tx(c, ". win=1");
	/* 2^14 bytes: the congestion window stops it at ten segments. */
	rx_stream(c, 1, 10001, 1000);
	none(c);
	tx(c, ". ack=10001 win=0");
	none(c);
	tx(c, ". ack=10001 win=1");
	rx_stream(c, 10001, 26001, 1000);
	/* 384 bytes more would fit; 6.1 sends them and 6.12 does not. */
	while (wire_next(c, QUIET_MS))
		CHECK(w, c->rcv_nxt <= 10001 + 16384);
	none(c);
}

CASE(partial_ack)
{
	conn_passive(w, c, NULL);
	conn_write(c, 3000, 0);
	rx_stream(c, 1, 3001, 1000);
	tx(c, ". ack=1501");
	none(c);
	tx(c, ". ack=3001");
	conn_write(c, 10, 0);
	rx(c, ". seq=3001 len=10");
}

/* rfc896: a small segment waits while another is unacknowledged. */
CASE(nagle)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	conn_write(c, 100, 0);
	conn_write(c, 100, 0);
	none(c);
	tx(c, ". ack=101");
	rx(c, "P. seq=101 len=200");
}

CASE(nagle_lets_full_segments_go)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	conn_write(c, 1100, 0);
	rx(c, ". seq=101 len=1000");
	none(c);
	tx(c, ". ack=1101");
	rx(c, "P. seq=1101 len=100");
}

CASE(nodelay)
{
	int i;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	for (i = 0; i < 5; i++) {
		conn_write(c, 100, 0);
		rx(c, "P. seq=%d len=100", 1 + i * 100);
	}
}

/* Switching Nagle off lets what it held back go. */
CASE(nodelay_flushes)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	conn_write(c, 100, 0);
	none(c);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	rx(c, "P. seq=101 len=100");
}

CASE(cork)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_CORK, 1);
	conn_write(c, 400, 0);
	none(c);
	conn_write(c, 800, 0);
	rx(c, ". seq=1 len=1000");
	none(c);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_CORK, 0);
	rx(c, "P. seq=1001 len=200");
}

/* A cork holds nothing for longer than the timer. */
CASE(cork_runs_out)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_CORK, 1);
	conn_write(c, 400, 0);
	rx(c, ". seq=1 len=400 t>=%d", RTO_MIN_MS);
}

CASE(msg_more)
{
	conn_passive(w, c, NULL);
	conn_write(c, 100, MSG_MORE);
	none(c);
	conn_write(c, 100, MSG_MORE);
	none(c);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=300");
}

CASE(msg_more_fills_segment)
{
	conn_passive(w, c, NULL);
	conn_write(c, 1500, MSG_MORE);
	rx(c, ". seq=1 len=1000");
	none(c);
	conn_write(c, 1, 0);
	tx(c, ". ack=1001");
	rx(c, "P. seq=1001 len=501");
}

/* rfc5681: three duplicates are a loss, without waiting for the timer. */
CASE(fast_retransmit)
{
	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 6000, 0);
	rx_stream(c, 1, 6001, 1000);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=6001");
	none(c);
	conn_write(c, 10, 0);
	rx(c, ". seq=6001 len=10");
}

CASE(fast_retransmit_without_sack)
{
	conn_slow(w, c, "mss=1000");
	conn_write(c, 6000, 0);
	rx_stream(c, 1, 6001, 1000);
	tx(c, ". ack=1");
	tx(c, ". ack=1");
	none(c);
	tx(c, ". ack=1");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=6001");
	none(c);
}

/* rfc6582: a partial ACK in recovery shows the next hole. */
CASE(newreno_partial_ack)
{
	conn_slow(w, c, "mss=1000");
	conn_write(c, 6000, 0);
	rx_stream(c, 1, 6001, 1000);
	tx(c, ". ack=1");
	tx(c, ". ack=1");
	tx(c, ". ack=1");
	rx(c, ". seq=1 len=1000");
	tx(c, ". ack=2001");
	rx(c, ". seq=2001 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=6001");
	none(c);
}

/* Only the holes are sent again. */
CASE(sack_holes_only)
{
	struct seg *s;
	int seen = 0;

	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 8000, 0);
	rx_stream(c, 1, 8001, 1000);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=3001:4001,1001:2001");
	tx(c, ". ack=1 sack=3001:5001,1001:2001");
	rx(c, ". seq=1 len=1000 t<%d", SLOW_RTO_MS / 2);
	tx(c, ". ack=1 sack=3001:7001,1001:2001");
	tx(c, ". ack=1 sack=3001:8001,1001:2001");
	tx(c, ". ack=2001 sack=3001:8001");
	while (!seen && (s = wire_next(c, SLOW_RTO_MS / 2))) {
		CHECK_EQ(w, 2001, s->seq - c->irs);
		CHECK_EQ(w, 1000, s->len);
		seen++;
	}
	CHECK_EQ(w, 1, seen);
	tx(c, ". ack=8001");
	none(c);
}

/* Duplicates of a window update or with data are not duplicates. */
CASE(window_updates_are_no_duplicates)
{
	int i;

	w->peer_win = 50000;
	conn_slow(w, c, "mss=1000");
	conn_write(c, 4000, 0);
	rx_stream(c, 1, 4001, 1000);
	for (i = 0; i < 5; i++)
		tx(c, ". ack=1 win=%d", 50100 + i * 100);
	none(c);
}

/* Blocks that cannot be: no harm, and nothing is thought to have arrived. */
CASE(senseless_sack)
{
	static const char * const blocks[] = {
		"50001:60001", "2001:1001", "1001:1001", "4000000000:4000001000",
		"1001:90001",
	};
	size_t i;

	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 4000, 0);
	rx_stream(c, 1, 4001, 1000);
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		tx(c, ". ack=1 sack=%s", blocks[i]);
		none(c);
	}
	tx(c, ". ack=4001");
	conn_write(c, 10, 0);
	rx(c, ". seq=4001 len=10");
}

/* After a fast retransmission the window is smaller than it was. */
CASE(window_halves_after_loss)
{
	struct seg *s;
	int fresh = 0;

	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 60000, 0);
	rx_stream(c, 1, 10001, 1000);
	tx(c, ". ack=1 sack=1001:2001");
	tx(c, ". ack=1 sack=1001:3001");
	tx(c, ". ack=1 sack=1001:4001");
	tx(c, ". ack=1 sack=1001:10001");
	do {
		s = rx(c, ". len=1000");
	} while (s->seq - c->irs != 1);
	/* All is repaired: count what is in flight now. */
	tx(c, ". ack=10001");
	while (wire_next(c, QUIET_MS))
		;
	tx(c, ". ack=%u", c->rcv_nxt);
	while (wire_next(c, QUIET_MS))
		fresh++;
	/* Seven tenths of ten and an ACK's growth, far from the twenty without. */
	CHECK(w, fresh >= 5 && fresh <= 12);
}

/* Kernel TCP of before sent it beyond the congestion window, with what data was on it. */
CASE(fin_waits_for_the_congestion_window)
{
	kernel_tcp_since(w, 7, 3);
	conn_slow(w, c, "mss=1000 sackok ws=0");
	conn_write(c, 11000, 0);
	CHECK_EQ(w, 0, shutdown(c->fd, SHUT_WR));
	rx_stream(c, 1, 10001, 1000);
	none_for(c, 100);
	tx(c, ". ack=1001");
	rx(c, "PF. seq=10001 len=1000");
}
