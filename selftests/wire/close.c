// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a connection, from either side, at once, by halves, and in haste.
 */
#include "fixture.h"

static void linger(struct conn *c, int onoff, int seconds)
{
	struct linger l = { .l_onoff = onoff, .l_linger = seconds };

	CHECK_EQ(c->w, 0, setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l,
				     sizeof(l)));
}

/* rfc9293#section-3.6, figure 12, our side first. */
CASE(active_close)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	none(c);
	tx(c, "F. ack=2");
	rx(c, ". seq=2 ack=2");
}

CASE(active_close_by_connector)
{
	conn_active(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. ack=2");
	rx(c, ". seq=2 ack=2");
}

/* The peer's first. */
CASE(passive_close)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	conn_eof(c);
	CHECK_EQ(w, TCP_CLOSE_WAIT, tcp_info_of(c).tcpi_state);
	conn_close(c);
	rx(c, "F. seq=1 ack=2");
	tx(c, ". ack=2");
	none(c);
	check_gone(c);
}

CASE(states_of_active_close)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	CHECK_EQ(w, TCP_FIN_WAIT1, tcp_info_of(c).tcpi_state);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	CHECK_EQ(w, TCP_FIN_WAIT2, tcp_info_of(c).tcpi_state);
	tx(c, "F. ack=2");
	rx(c, ". seq=2 ack=2");
	/* A socket whose connection waits in TIME-WAIT is closed itself. */
	CHECK_EQ(w, TCP_CLOSE, tcp_info_of(c).tcpi_state);
	conn_eof(c);
}

CASE(states_of_passive_close)
{
	conn_active(w, c, NULL);
	tx(c, "F.");
	rx(c, ". ack=2");
	CHECK_EQ(w, TCP_CLOSE_WAIT, tcp_info_of(c).tcpi_state);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=2");
	CHECK_EQ(w, TCP_LAST_ACK, tcp_info_of(c).tcpi_state);
	tx(c, ". ack=2");
	CHECK_EQ(w, TCP_CLOSE, tcp_info_of(c).tcpi_state);
	check_gone(c);
}

/* rfc9293#section-3.6, figure 13. */
CASE(simultaneous_close)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=1");
	rx(c, ". seq=2 ack=2");
	CHECK_EQ(w, TCP_CLOSING, tcp_info_of(c).tcpi_state);
	tx(c, ". seq=2 ack=2");
	CHECK_EQ(w, TCP_CLOSE, tcp_info_of(c).tcpi_state);
	none(c);
	/* In TIME-WAIT now: a repeated FIN is acknowledged again. */
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

CASE(simultaneous_close_of_orphan)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=1");
	rx(c, ". seq=2 ack=2");
	tx(c, ". seq=2 ack=2");
	none(c);
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

/* The FIN's acknowledgment comes with the peer's own FIN. */
CASE(fin_wait1_to_time_wait)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

CASE(half_close_then_receive)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". seq=1 ack=2 len=1000");
	rx(c, ". seq=2 ack=1001");
	tx(c, ". seq=1001 ack=2 len=1000");
	rx(c, ". seq=2 ack=2001");
	tx(c, "F. seq=2001 ack=2");
	rx(c, ". seq=2 ack=2002");
	conn_read(c, 0, 2000);
	conn_eof(c);
}

CASE(half_close_then_send)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	conn_eof(c);
	conn_write(c, 2500, 0);
	rx_stream(c, 1, 2501, 1000);
	tx(c, ". ack=2501");
	conn_write(c, 100, 0);
	rx(c, ". seq=2501 ack=2 len=100");
	tx(c, ". ack=2601");
	conn_close(c);
	rx(c, "F. seq=2601 ack=2");
	tx(c, ". ack=2602");
	check_gone(c);
}

CASE(shutdown_read_says_nothing)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_RD);
	none(c);
	conn_eof(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
}

CASE(shutdown_both)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_RDWR);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. ack=2");
	rx(c, ". seq=2 ack=2");
}

/* A second shutdown or the close after it sends no second FIN. */
CASE(one_fin_only)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	CHECK_EQ(w, 0, shutdown(c->fd, SHUT_WR));
	none(c);
	conn_close(c);
	none(c);
}

CASE(fin_with_data)
{
	conn_passive(w, c, NULL);
	tx(c, "FP. seq=1 len=500");
	rx(c, ". seq=1 ack=502");
	conn_read(c, 0, 500);
	conn_eof(c);
}

/* What is queued goes first, and the FIN with the last of it. */
CASE(data_before_fin)
{
	/* One unacknowledged byte holds the rest back (Nagle). */
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	conn_write(c, 100, 0);
	none(c);
	conn_close(c);
	rx(c, "FP. seq=101 len=100");
	tx(c, "F. ack=202");
	rx(c, ". seq=202 ack=2");
}

CASE(fin_waits_for_window)
{
	w->peer_win = 2000;
	conn_passive(w, c, NULL);
	conn_write(c, 3500, 0);
	rx_stream(c, 1, 2001, 1000);
	conn_close(c);
	none(c);
	tx(c, ". ack=1001 win=2000");
	rx(c, ". seq=2001 len=1000");
	none(c);
	tx(c, ". ack=3001 win=5000");
	rx(c, "FP. seq=3001 len=500");
	tx(c, ". ack=3502");
	none(c);
}

CASE(fin_out_of_order)
{
	conn_passive(w, c, NULL);
	tx(c, "F. seq=1001");
	rx(c, ". seq=1 ack=1 sacks=1");
	conn_would_block(c);
	CHECK_EQ(w, TCP_ESTABLISHED, tcp_info_of(c).tcpi_state);
	tx(c, ". seq=1 len=1000");
	rx(c, ". seq=1 ack=1002");
	conn_read(c, 0, 1000);
	conn_eof(c);
	CHECK_EQ(w, TCP_CLOSE_WAIT, tcp_info_of(c).tcpi_state);
}

CASE(fin_with_data_out_of_order)
{
	conn_passive(w, c, NULL);
	tx(c, "FP. seq=1001 len=500");
	rx(c, ". seq=1 ack=1 sacks=1");
	tx(c, ". seq=501 len=500");
	rx(c, ". seq=1 ack=1 sacks=1");
	tx(c, ". seq=1 len=500");
	rx(c, ". seq=1 ack=1502");
	conn_read(c, 0, 1500);
	conn_eof(c);
}

CASE(fin_repeated)
{
	conn_passive(w, c, NULL);
	tx(c, "F. seq=1");
	rx(c, ". seq=1 ack=2");
	tx(c, "F. seq=1");
	rx(c, ". seq=1 ack=2");
	conn_eof(c);
	CHECK_EQ(w, TCP_CLOSE_WAIT, tcp_info_of(c).tcpi_state);
}

/* The first FIN is the end, whatever still comes behind it. */
CASE(data_after_fin)
{
	conn_passive(w, c, NULL);
	tx(c, "F. seq=1");
	rx(c, ". seq=1 ack=2");
	tx(c, "P. seq=2 len=100");
	while (wire_next(c, QUIET_MS))
		CHECK_EQ(w, 2, c->seg.ack - c->iss);
	conn_eof(c);
	CHECK_EQ(w, TCP_CLOSE_WAIT, tcp_info_of(c).tcpi_state);
	conn_write(c, 10, 0);
	rx(c, ". seq=1 ack=2 len=10");
}

/* rfc2525#section-2.17: the peer must learn that data was not read. */
CASE(close_with_unread_data)
{
	conn_passive(w, c, NULL);
	tx(c, "P. len=100");
	rx(c, ". seq=1 ack=101");
	conn_close(c);
	rx(c, "R. seq=1 ack=101");
	check_gone(c);
}

CASE(close_with_partly_read_data)
{
	conn_passive(w, c, NULL);
	tx(c, "P. len=100");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 99);
	conn_close(c);
	rx(c, "R. seq=1 ack=101");
}

CASE(close_after_reading_all)
{
	conn_passive(w, c, NULL);
	tx(c, "P. len=100");
	rx(c, ". seq=1 ack=101");
	conn_read(c, 0, 100);
	conn_close(c);
	rx(c, "F. seq=1 ack=101");
}

/* A FIN that was not read is no data. */
CASE(close_with_unread_fin)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	conn_close(c);
	rx(c, "F. seq=1 ack=2");
}

CASE(linger_zero)
{
	conn_passive(w, c, NULL);
	linger(c, 1, 0);
	conn_close(c);
	rx(c, "R. seq=1 ack=1");
	check_gone(c);
}

/* What was not sent is thrown away with the connection. */
CASE(linger_zero_drops_data)
{
	w->peer_win = 2000;
	conn_passive(w, c, NULL);
	conn_write(c, 5000, 0);
	rx_stream(c, 1, 2001, 1000);
	linger(c, 1, 0);
	conn_close(c);
	rx(c, "R. ack=1");
	none(c);
	tx(c, ". ack=1001");
	rx(c, "R seq=1001");
}

CASE(linger_switched_off)
{
	conn_passive(w, c, NULL);
	linger(c, 0, 0);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
}

/* Nobody is there to read it any more. */
CASE(data_after_close_in_fin_wait1)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "P. seq=1 ack=1 len=100");
	rx(c, "R seq=1");
	check_gone(c);
}

CASE(data_after_close_in_fin_wait2)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	none(c);
	tx(c, "P. seq=1 ack=2 len=100");
	rx(c, "R seq=2");
	check_gone(c);
}

/* The peer's last words were on their way before it knew. */
CASE(data_with_fin_after_close)
{
	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	tx(c, "FP. seq=1 ack=2 len=100");
	rx(c, "R seq=2");
}

CASE(fin_of_peer_is_acked_in_fin_wait2_again)
{
	conn_passive(w, c, NULL);
	conn_shutdown(c, SHUT_WR);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	tx(c, "F. seq=1001 ack=2");
	rx(c, ". seq=2 ack=1");
	tx(c, ". seq=1 ack=2 len=1000");
	rx(c, ". seq=2 ack=1002");
	conn_read(c, 0, 1000);
	conn_eof(c);
}

CASE(close_wait_has_no_hurry)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	tx(c, ". seq=1");
	rx(c, ". seq=1 ack=2");
	conn_write(c, 3000, 0);
	rx_stream(c, 1, 3001, 1000);
	tx(c, ". ack=1001");
	tx(c, ". ack=3001");
	conn_close(c);
	rx(c, "F. seq=3001 ack=2");
	tx(c, ". ack=3002");
	none(c);
}

/* A wrong acknowledgment of the FIN does not end LAST-ACK. */
CASE(last_ack_needs_its_ack)
{
	conn_passive(w, c, NULL);
	tx(c, "F.");
	rx(c, ". seq=1 ack=2");
	conn_close(c);
	rx(c, "F. seq=1 ack=2");
	tx(c, ". ack=1");
	/* Not gone: it would answer with a reset. The FIN may come again. */
	while (wire_next(c, QUIET_MS))
		CHECK(w, !(c->seg.flags & TH_RST));
	tx(c, ". ack=2");
	check_gone(c);
}
