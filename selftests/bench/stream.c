// SPDX-License-Identifier: GPL-2.0
/*
 * The bench: rows on one connection: bulk in one direction or both, and requests with
 * their responses.
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define READ_SIZE	65536
#define BUFFER		262144

static char data[READ_SIZE];

/**
 * struct pair - a connection whose far end another process holds
 * @fd: the near end
 * @server: the process
 */
struct pair {
	int	fd;
	pid_t	server;
};

typedef void (*server_fn)(int fd, const struct row *r);

/* Bulk has buffers of a fixed size, everything else TCP_NODELAY. The buffers before there is
 * a connection, for a stack may bound the window by what it began with (kernel TCP before 6.6:
 * 64 kB, which made bulk a matter of luck); an AF_UNIX socket does not inherit them.
 */
static void prepare(const struct stack *s, int fd, int buffer)
{
	if (buffer)
		fixed_buffers(fd, buffer);
	else
		no_delay(s, fd);
}

static struct pair make_pair(const struct stack *s, const struct row *r, int buffer,
			     server_fn serve)
{
	int lfd = listen_on(s, 1), fd;
	struct pair p;

	if (buffer)
		fixed_buffers(lfd, buffer);
	p.server = start_child();
	if (!p.server) {
		fd = accept_from(lfd);
		prepare(s, fd, buffer);
		serve(fd, r);
		exit(0);
	}
	p.fd = new_socket(s);
	prepare(s, p.fd, buffer);
	connect_socket(p.fd, lfd);
	close(lfd);
	return p;
}

static void end_pair(struct pair p)
{
	close(p.fd);
	finish_child(p.server);
}

/* --- bulk ----------------------------------------------------------------- */

/* SCHED_BATCH: a reader that does not preempt the writer when it is woken. Otherwise bulk of
 * small writes has two faces, and how much of each a round has is luck: a reader that comes
 * at once is through with the first segment before there is a second, so that its ACK has a
 * half-filled one sent.
 */
static void schedule_as(int policy)
{
	struct sched_param param = {};

	if (sched_setscheduler(0, policy, &param))
		die("sched_setscheduler");
}

static void read_bytes(int fd, long bytes)
{
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = read(fd, data, bytes < READ_SIZE ? bytes : READ_SIZE);
		if (n <= 0)
			die("read");
	}
}

static void write_bytes(int fd, long bytes, long chunk)
{
	for (; bytes > 0; bytes -= chunk)
		write_all(fd, data, chunk);
}

/* The last of it: what is less than a segment goes with the FIN. Otherwise Nagle's algorithm
 * keeps it until the far end's delayed ACK comes, or not, as the count of segments happens to
 * be: 40 ms of idle time in one round, none in the next, with either stack.
 */
static void write_last_bytes(int fd, long bytes, long chunk)
{
	write_bytes(fd, bytes, chunk);
	if (shutdown(fd, SHUT_WR))
		die("shutdown");
}

/* A warm-up of two buffers' worth, then the volume: an answer after each. */
static void sink(int fd, const struct row *r)
{
	schedule_as(SCHED_BATCH);
	read_bytes(fd, 2 * BUFFER);
	write_all(fd, data, 1);
	read_bytes(fd, r->count);
	write_all(fd, data, 1);
	read_all(fd, data, 1);
}

static void send_and_wait(int fd, long bytes, const struct row *r)
{
	write_bytes(fd, bytes, r->size);
	read_all(fd, data, 1);
}

static void send_last_and_wait(int fd, long bytes, const struct row *r)
{
	write_last_bytes(fd, bytes, r->size);
	read_all(fd, data, 1);
}

double bulk(const struct stack *s, const struct row *r)
{
	struct pair p = make_pair(s, r, BUFFER, sink);
	double took;

	send_and_wait(p.fd, 2 * BUFFER, r);
	clock_start(s);
	send_last_and_wait(p.fd, r->count, r);
	took = clock_stop();
	end_pair(p);
	return took / r->count;
}

/* Two connections at once, with a process at each of their four ends. */
double bulk_two_flows(const struct stack *s, const struct row *r)
{
	struct row half = *r;
	struct pair p, q;
	double took;
	pid_t other;

	half.count /= 2;
	p = make_pair(s, &half, BUFFER, sink);
	q = make_pair(s, &half, BUFFER, sink);
	send_and_wait(p.fd, 2 * BUFFER, r);
	send_and_wait(q.fd, 2 * BUFFER, r);
	clock_start(s);
	other = start_child();
	if (!other) {
		send_last_and_wait(q.fd, half.count, r);
		_exit(0);
	}
	send_last_and_wait(p.fd, half.count, r);
	finish_child(other);
	took = clock_stop();
	/* The second server has inherited the first connection: no end before both are closed. */
	close(p.fd);
	close(q.fd);
	finish_child(p.server);
	finish_child(q.server);
	return took / r->count;
}

/* Each end has a process that writes and one that reads, until its byte count is full. */
static void exchange(int fd, const struct row *r)
{
	pid_t writer = start_child();

	if (!writer) {
		write_last_bytes(fd, r->count / 2, r->size);
		_exit(0);
	}
	schedule_as(SCHED_BATCH);
	read_bytes(fd, r->count / 2);
	schedule_as(SCHED_OTHER);
	finish_child(writer);
}

static void exchange_server(int fd, const struct row *r)
{
	read_all(fd, data, 1);
	exchange(fd, r);
	read_all(fd, data, 1);
}

double bulk_both_ways(const struct stack *s, const struct row *r)
{
	struct pair p = make_pair(s, r, BUFFER, exchange_server);
	double took;

	clock_start(s);
	write_all(p.fd, data, 1);
	exchange(p.fd, r);
	took = clock_stop();
	end_pair(p);
	return took / r->count;
}

/* --- request and response -------------------------------------------------- */

static void echo(int fd, const struct row *r)
{
	while (read_all(fd, data, r->size))
		write_all(fd, data, r->size);
}

double request_response(const struct stack *s, const struct row *r)
{
	struct pair p = make_pair(s, r, 0, echo);
	double took;
	long i;

	for (i = -r->count / 4; i < r->count; i++) {
		if (i == 0)
			clock_start(s);
		write_all(p.fd, data, r->size);
		if (!read_all(p.fd, data, r->size))
			die("end of stream");
	}
	took = clock_stop();
	end_pair(p);
	return took / r->count;
}
