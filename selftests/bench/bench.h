/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bench: what its files share. A row is one kind of work; it is done by one
 * stack after the other, round by round, and each time says what a unit of it cost.
 */
#ifndef _TCPX_BENCH_H
#define _TCPX_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct stack - who carries the bytes
 * @name: as it stands in the results
 * @family: first argument of socket()
 * @slabs: names of its slabs: socket, request, TIME_WAIT; NULL without such
 */
struct stack {
	const char	*name;
	int		family;
	const char	*slabs[3];
};

/**
 * struct row - one kind of work
 * @name: as it stands in the results
 * @unit: what the cost is of
 * @run: do it over @s, return the cost of a unit; in ns if @timed
 * @size: bytes of a write, or number of connections, as @run has it
 * @count: how often, for one figure
 * @variant: which of the slabs
 * @rounds: figures that make a good median
 * @floor: AF_UNIX can do it, too
 * @timed: the figure is a time
 * @apart: only if asked for by its name
 */
struct row {
	const char	*name;
	const char	*unit;
	double		(*run)(const struct stack *s, const struct row *r);
	long		size;
	long		count;
	int		variant;
	int		rounds;
	bool		floor;
	bool		timed;
	bool		apart;
};

/* stream.c */
double bulk(const struct stack *s, const struct row *r);
double bulk_both_ways(const struct stack *s, const struct row *r);
double bulk_two_flows(const struct stack *s, const struct row *r);
double request_response(const struct stack *s, const struct row *r);
/* conns.c */
double short_connections(const struct stack *s, const struct row *r);
double epoll_server(const struct stack *s, const struct row *r);
double crowd(const struct stack *s, const struct row *r);
double bystander(const struct stack *s, const struct row *r);
double bind_crowded(const struct stack *s, const struct row *r);
double syn_flood(const struct stack *s, const struct row *r);
/* memory.c */
double idle_connection(const struct stack *s, const struct row *r);
double slab_object(const struct stack *s, const struct row *r);

extern const struct stack stacks[];	/* kernel TCP, TCPX, AF_UNIX */

/* ends.c: sockets, processes, time */
void use_namespaces(const char *client, const char *server);
void use_address(const char *dotted);
int listen_on(const struct stack *s, int backlog);
int new_socket(const struct stack *s);
void connect_socket(int fd, int lfd);
int connect_to(const struct stack *s, int lfd);
int accept_from(int lfd);
void no_delay(const struct stack *s, int fd);
void fixed_buffers(int fd, int bytes);
void write_all(int fd, const void *buf, size_t len);
bool read_all(int fd, void *buf, size_t len);
pid_t start_child(void);
void finish_child(pid_t pid);
void abort_connection(int fd);
void settle(void);
void raise_file_limit(void);
void in_server_namespace(void);
void in_client_namespace(void);
uint32_t server_address(void);
void clock_start(const struct stack *s);
double clock_stop(void);
double clock_now(void);
void die(const char *what) __attribute__((noreturn));

#endif /* _TCPX_BENCH_H */
