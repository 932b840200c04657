// SPDX-License-Identifier: GPL-2.0
/*
 * tcp_migrate_req: a listener of a SO_REUSEPORT group closes, and the connections it has
 * not given to anybody yet go to another one.
 */
#include <linux/filter.h>
#include "fixture.h"

static int member(struct wire *w)
{
	int fd = sock_open(w);

	sock_set(w, fd, SOL_SOCKET, SO_REUSEPORT, 1);
	sock_bind(w, fd, PORT);
	CHECK_EQ(w, 0, listen(fd, 16));
	return fd;
}

/* The first member gets all of it, by a classic program. */
static void first_gets_all(struct wire *w, int fd)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog prog = { 1, code };

	CHECK_EQ(w, 0, setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
				  sizeof(prog)));
}

static void half_open(struct wire *w, struct conn *c, int *first, int *second)
{
	*first = member(w);
	*second = member(w);
	first_gets_all(w, *first);
	conn_init(w, c);
	c->listener = *second;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
}

CASE(half_open)
{
	int first, second;

	sysctl_set(w, "tcp_migrate_req", "1");
	half_open(w, c, &first, &second);
	close(first);
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
	CHECK_EQ(w, 1, mib(w, "TCPMigrateReqSuccess"));
}

/* The SYN-ACK is repeated on behalf of the new listener. */
CASE(half_open_goes_on)
{
	int first, second;

	sysctl_set(w, "tcp_migrate_req", "1");
	half_open(w, c, &first, &second);
	close(first);
	rx(c, "S. seq=0 ack=1 mss sackok t>=500");
	tx(c, ". seq=1 ack=1 len=10");
	conn_accept(c);
	conn_read(c, 0, 10);
}

/* From one to the next to the next. */
CASE(half_open_twice)
{
	int first, second, third;

	sysctl_set(w, "tcp_migrate_req", "1");
	half_open(w, c, &first, &second);
	third = member(w);
	close(first);
	rx(c, "S. seq=0 ack=1 t>=500");
	close(second);
	c->listener = third;
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	check_alive(c);
}

CASE(complete)
{
	int first, second;

	sysctl_set(w, "tcp_migrate_req", "1");
	half_open(w, c, &first, &second);
	tx(c, ". seq=1 ack=1 len=10");
	rx(c, ". seq=1 ack=11");
	close(first);
	none(c);
	conn_accept(c);
	conn_read(c, 0, 10);
	check_alive(c);
	CHECK_EQ(w, 1, mib(w, "TCPMigrateReqSuccess"));
}

/* By default they end with their listener. */
CASE(switched_off)
{
	int first, second;

	half_open(w, c, &first, &second);
	close(first);
	tx(c, ". seq=1 ack=1");
	rx(c, "R seq=1");
	CHECK(w, !wait_for(second, POLLIN, 0));
}

CASE(switched_off_complete)
{
	int first, second;

	half_open(w, c, &first, &second);
	tx(c, ". seq=1 ack=1");
	CHECK(w, wait_for(first, POLLIN, DEADLINE_MS));
	close(first);
	rx(c, "R. seq=1");
}

/* Nobody is left to take it. */
CASE(last_listener)
{
	int first, second;

	sysctl_set(w, "tcp_migrate_req", "1");
	half_open(w, c, &first, &second);
	close(second);
	close(first);
	tx(c, ". seq=1 ack=1");
	rx(c, "R seq=1");
}

/* One whose SYN had data, and whose handshake is not complete. */
CASE(fast_open)
{
	int first, second;

	sysctl_set(w, "tcp_migrate_req", "1");
	sysctl_set(w, "tcp_fastopen", "515");
	first = member(w);
	second = member(w);
	first_gets_all(w, first);
	sock_set(w, first, IPPROTO_TCP, TCP_FASTOPEN, 5);
	sock_set(w, second, IPPROTO_TCP, TCP_FASTOPEN, 1);
	conn_init(w, c);
	c->listener = second;
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 sackok ws=0 len=10");
	rx(c, "S. seq=0 ack=11");
	close(first);
	none(c);
	conn_accept(c);
	conn_read(c, 0, 10);
	rx(c, "S. seq=0 ack=11 t>=500");
	tx(c, ". seq=11 ack=1");
	check_alive(c);
}
