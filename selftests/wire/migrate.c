// SPDX-License-Identifier: GPL-2.0
/*
 * tcp_migrate_req: a listener of a SO_REUSEPORT group closes, and the connections it has
 * not given to anybody yet go to another one.
 */
#include <linux/filter.h>
#include <sched.h>
#include "fixture.h"

static int member_for(struct wire *w, int backlog)
{
	int fd = sock_open(w);

	sock_set(w, fd, SOL_SOCKET, SO_REUSEPORT, 1);
	sock_bind(w, fd, PORT);
	CHECK_EQ(w, 0, listen(fd, backlog));
	return fd;
}

static int member(struct wire *w)
{
	return member_for(w, 16);
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

#define MANY	1000

/* Close it for good, in a process of its own: that takes a while. */
static pid_t close_aside(struct wire *w, int fd)
{
	int go[2];
	pid_t pid;
	char c;

	CHECK(w, !pipe(go));
	pid = fork();
	CHECK(w, pid >= 0);
	if (!pid) {
		close(go[1]);
		/* The last reference is ours once the other end is gone. */
		if (read(go[0], &c, 1))
			_exit(1);
		close(fd);
		_exit(0);
	}
	close(go[0]);
	close(fd);
	close(go[1]);
	return pid;
}

/* So many that close() is not through with them yet when the last ACK of each arrives. */
CASE(half_open_while_closing)
{
	const struct linger abort = { .l_onoff = 1 };
	struct sched_param fifo = { .sched_priority = 1 };
	static struct conn many[MANY];
	int i, fd, first, second, taken = 0, status;
	struct seg *s;
	pid_t pid;

	sysctl_set(w, "tcp_migrate_req", "1");
	sysctl_set(w, "tcp_max_syn_backlog", "4096");
	first = member_for(w, 2 * MANY);
	second = member_for(w, 2 * MANY);
	first_gets_all(w, first);
	for (i = 0; i < MANY; i++) {
		conn_init(w, &many[i]);
		many[i].lport = PORT;
		tx(&many[i], "S seq=0 mss=1000 sackok ws=0");
		rx(&many[i], "S. seq=0 ack=1");
	}
	/* We are to be next as soon as the sleep is over. */
	CHECK_EQ(w, 0, sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo));
	pid = close_aside(w, first);
	usleep(300);
	for (i = 0; i < MANY; i++)
		tx(&many[i], ". seq=1 ack=1");
	CHECK_EQ(w, pid, waitpid(pid, &status, 0));
	CHECK_EQ(w, 0, status);
	for (i = 0; i < MANY; i++) {
		s = wire_next(&many[i], 0);
		CHECK(w, !s || !(s->flags & TH_RST));
	}
	while ((fd = accept(second, NULL, NULL)) >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
		close(fd);
		taken++;
	}
	CHECK_EQ(w, MANY, taken);
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
