// SPDX-License-Identifier: GPL-2.0
/*
 * The bench: rows with many connections, one after the other or all at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static char data[16];

/* --- connections that live for one request ---------------------------------- */

static void serve_connections(int lfd, long count)
{
	while (count--) {
		int fd = accept_from(lfd);

		if (!read_all(fd, data, 1))
			die("no request");
		write_all(fd, data, 1);
		read_all(fd, data, 1);	/* the client's FIN */
		close(fd);
	}
	exit(0);
}

static void one_connection(const struct stack *s, int lfd)
{
	int fd = connect_to(s, lfd);

	write_all(fd, data, 1);
	if (!read_all(fd, data, 1))
		die("no response");
	close(fd);
}

double short_connections(const struct stack *s, const struct row *r)
{
	int lfd = listen_on(s, 128);
	long warm_up = r->count / 4, i;
	pid_t server = start_child();
	double took;

	if (!server)
		serve_connections(lfd, warm_up + r->count);
	for (i = 0; i < warm_up; i++)
		one_connection(s, lfd);
	clock_start(s);
	for (i = 0; i < r->count; i++)
		one_connection(s, lfd);
	took = clock_stop();
	finish_child(server);
	close(lfd);
	return took / r->count;
}

/* --- many connections at once ------------------------------------------------ */

/**
 * struct crowd - connections both of whose ends this process holds
 * @near: the client's ends
 * @far: the server's
 * @n: how many
 */
struct crowd {
	int	*near;
	int	*far;
	long	n;
};

/* Local ports are a resource: one listener serves this many of a crowd. */
#define PER_LISTENER	10000

static void grow_crowd(const struct stack *s, struct crowd *c, long n)
{
	int lfd = -1;

	c->near = reallocarray(c->near, n, sizeof(int));
	c->far = reallocarray(c->far, n, sizeof(int));
	if (!c->near || !c->far)
		die("memory");
	for (; c->n < n; c->n++) {
		if (lfd < 0 || c->n % PER_LISTENER == 0) {
			if (lfd >= 0)
				close(lfd);
			lfd = listen_on(s, 128);
		}
		c->near[c->n] = connect_to(s, lfd);
		c->far[c->n] = accept_from(lfd);
		no_delay(s, c->near[c->n]);
		no_delay(s, c->far[c->n]);
	}
	close(lfd);
}

/* By reset: nothing in TIME_WAIT that the next row would have to carry. */
static void close_crowd(struct crowd *c)
{
	long i;

	for (i = 0; i < c->n; i++) {
		if (c->near[i] >= 0)
			abort_connection(c->near[i]);
		if (c->far[i] >= 0)
			close(c->far[i]);
	}
	free(c->near);
	free(c->far);
	memset(c, 0, sizeof(*c));
}

#define ACTIVE	100

static void epoll_echo(const struct crowd *c)
{
	struct epoll_event ev[ACTIVE];
	int ep = epoll_create1(0);
	long i;
	int n;

	for (i = 0; i < c->n; i++) {
		ev[0] = (struct epoll_event){ .events = EPOLLIN, .data.fd = c->far[i] };
		if (epoll_ctl(ep, EPOLL_CTL_ADD, c->far[i], &ev[0]))
			die("epoll_ctl");
		close(c->near[i]);
	}
	for (;;) {
		n = epoll_wait(ep, ev, ACTIVE, -1);
		while (n-- > 0) {
			if (!read_all(ev[n].data.fd, data, 1))
				exit(0);
			write_all(ev[n].data.fd, data, 1);
		}
	}
}

/* Requests on ACTIVE connections, then their responses. */
static void active_round(const struct crowd *c)
{
	long i;

	for (i = 0; i < ACTIVE; i++)
		write_all(c->near[i], data, 1);
	for (i = 0; i < ACTIVE; i++)
		if (!read_all(c->near[i], data, 1))
			die("end of stream");
}

double epoll_server(const struct stack *s, const struct row *r)
{
	struct crowd c = {};
	long turns = r->count / ACTIVE, i;
	double took;
	pid_t server;

	grow_crowd(s, &c, r->size);
	server = start_child();
	if (!server)
		epoll_echo(&c);
	for (i = 0; i < c.n; i++)
		close(c.far[i]);
	for (i = 0; i < 4; i++)
		active_round(&c);
	clock_start(s);
	for (i = 0; i < turns; i++)
		active_round(&c);
	took = clock_stop();
	/* The far ends are closed already; the server leaves at the end of one. */
	for (i = 0; i < c.n; i++)
		c.far[i] = -1;
	close(c.near[0]);
	c.near[0] = -1;
	finish_child(server);
	close_crowd(&c);
	return took / (turns * ACTIVE);
}

/* A request and response over @s while there are @r->size connections of @others. */
static double beside(const struct stack *s, const struct stack *others, const struct row *r)
{
	const struct row one = { .size = 1, .count = r->count };
	struct crowd c = {};
	double cost;

	if (r->size)
		grow_crowd(others, &c, r->size);
	cost = request_response(s, &one);
	close_crowd(&c);
	return cost;
}

double crowd(const struct stack *s, const struct row *r)
{
	return beside(s, s, r);
}

/* What kernel TCP has to pay. For "tcp" the script has unloaded the module. */
double bystander(const struct stack *s, const struct row *r)
{
	const struct row alone = { .count = r->count };

	return beside(&stacks[0], s, s == &stacks[0] ? &alone : r);
}

/* --- bind() ------------------------------------------------------------------- */

static int bind_any(const struct stack *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(s->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)))
		die("bind");
	return fd;
}

/* socket(), bind() to port 0 and close() with size ports taken */
double bind_crowded(const struct stack *s, const struct row *r)
{
	int *held = calloc(r->size, sizeof(int));
	double took;
	long i;

	settle();
	for (i = 0; i < r->size; i++)
		held[i] = bind_any(s);
	clock_start(s);
	for (i = 0; i < r->count; i++)
		close(bind_any(s));
	took = clock_stop();
	for (i = 0; i < r->size; i++)
		close(held[i]);
	free(held);
	return took / r->count;
}

/* --- SYN flood ------------------------------------------------------------------ */

struct syn {
	struct iphdr	ip;
	struct tcphdr	th;
} __attribute__((packed));

static uint16_t checksum(uint32_t sum, const void *p, size_t len)
{
	const uint16_t *w = p;

	for (; len; len -= 2)
		sum += *w++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

/* SYN number @n from 10/8, which the script routes to nowhere. */
static void send_syn(int raw, struct sockaddr_in *to, uint32_t n)
{
	struct syn syn = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP },
		.th = { .doff = 5, .syn = 1, .window = htons(65535) },
	};
	uint32_t sum;

	syn.ip.tot_len = htons(sizeof(syn));
	syn.ip.saddr = htonl(0x0a000000 | (n * 2654435761u) >> 8);
	syn.ip.daddr = to->sin_addr.s_addr;
	syn.th.source = htons(1024 + n % 60000);
	syn.th.dest = to->sin_port;
	syn.th.seq = htonl(n * 40503);
	sum = (syn.ip.saddr & 0xffff) + (syn.ip.saddr >> 16) + (syn.ip.daddr & 0xffff) +
	      (syn.ip.daddr >> 16) + htons(IPPROTO_TCP) + htons(sizeof(syn.th));
	syn.th.check = checksum(sum, &syn.th, sizeof(syn.th));
	if (sendto(raw, &syn, sizeof(syn), 0, (struct sockaddr *)to, sizeof(*to)) < 0)
		die("sendto");
}

/* size SYNs for each connection that means it */
double syn_flood(const struct stack *s, const struct row *r)
{
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int lfd = listen_on(s, 128), i;
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	pid_t server;
	uint32_t n = 0;
	double took;
	long k;

	if (raw < 0 || getsockname(lfd, (struct sockaddr *)&to, &len))
		die("raw socket");
	server = start_child();
	if (!server)
		serve_connections(lfd, r->count);
	while (n < 1000)
		send_syn(raw, &to, n++);
	clock_start(s);
	for (k = 0; k < r->count; k++) {
		for (i = 0; i < r->size; i++)
			send_syn(raw, &to, n++);
		one_connection(s, lfd);
	}
	took = clock_stop();
	finish_child(server);
	close(lfd);
	close(raw);
	return took / r->count;
}
