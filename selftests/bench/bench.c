// SPDX-License-Identifier: GPL-2.0
/*
 * What TCPX, kernel TCP and AF_UNIX cost for the same work, in turn: round by round, stack
 * by stack, a line of TSV for each figure. In virtual time (scripts/vm --icount) a
 * figure is instructions. run.sh sets up the paths and makes tables of it.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tcpx.h>

#include "bench.h"

const struct stack stacks[] = {
	{ "tcp", AF_INET, { "TCP", "request_sock_TCP", "tw_sock_TCP" } },
	{ "tcpx", AF_TCPX, { "TCPX", "request_sock_TCPX", "tw_sock_TCPX" } },
	{ "unix", AF_UNIX, { NULL } },
};

#define M	(1 << 20)
#define ROW(n, u, fn, ...)	{ .name = (n), .unit = (u), .run = (fn), __VA_ARGS__ }
#define OF(s, c)		.size = (s), .count = (c)	/* see the row's function */
#define TIMED(n)		.rounds = (n), .timed = true
#define FLOOR(n)		TIMED(n), .floor = true
#define APART			.rounds = 1, .timed = true, .apart = true
#define SLAB(v)			.variant = (v), .rounds = 1

static const struct row rows[] = {
	ROW("bulk-64k", "byte", bulk, OF(65536, 32 * M), FLOOR(5)),
	ROW("bulk-1k", "byte", bulk, OF(1024, 8 * M), FLOOR(5)),
	ROW("bulk-16", "byte", bulk, OF(16, M / 4), FLOOR(5)),
	ROW("bulk2-64k", "byte", bulk_both_ways, OF(65536, 32 * M), FLOOR(5)),
	ROW("bulk2-1k", "byte", bulk_both_ways, OF(1024, 8 * M), FLOOR(5)),
	ROW("bulk2-16", "byte", bulk_both_ways, OF(16, M / 4), FLOOR(5)),
	ROW("flows-64k", "byte", bulk_two_flows, OF(65536, 32 * M), FLOOR(5)),
	ROW("flows-1k", "byte", bulk_two_flows, OF(1024, 8 * M), FLOOR(5)),
	ROW("rr-1", "transaction", request_response, OF(1, 1000), FLOOR(3)),
	ROW("rr-1k", "transaction", request_response, OF(1024, 1000), FLOOR(3)),
	ROW("crr", "connection", short_connections, OF(0, 400), FLOOR(5)),
	ROW("epoll-1000", "transaction", epoll_server, OF(1000, 2000), FLOOR(3)),
	ROW("epoll-10000", "transaction", epoll_server, OF(10000, 2000), FLOOR(1)),
	ROW("mem-idle", "connection", idle_connection, OF(10000, 0), .rounds = 1),
	ROW("mem-sock", "object", slab_object, SLAB(0)),
	ROW("mem-request", "object", slab_object, SLAB(1)),
	ROW("mem-timewait", "object", slab_object, SLAB(2)),
	ROW("crowd-0", "transaction", crowd, OF(0, 1000), TIMED(3)),
	ROW("crowd-10000", "transaction", crowd, OF(10000, 1000), TIMED(1)),
	ROW("crowd-50000", "transaction", crowd, OF(50000, 1000), TIMED(1)),
	ROW("bystander-0", "transaction", bystander, OF(0, 2000), APART),
	ROW("bystander-10000", "transaction", bystander, OF(10000, 2000), APART),
	ROW("bind-20000", "bind", bind_crowded, OF(20000, 100), TIMED(1)),
	ROW("flood-20", "connection", syn_flood, OF(20, 100), TIMED(3)),
	ROW("flood-200", "connection", syn_flood, OF(200, 20), TIMED(3)),
};

static const char *path = "lo", *only_stack = "*";
static double ns_a_unit = 2;	/* virtual time: 2 ns an instruction */
static int rounds;

static void figure(const struct row *r, const struct stack *s, int round)
{
	double cost = r->run(s, r);

	if (r->timed)
		cost /= ns_a_unit;
	printf("%s\t%s\t%s\t%d\t%.*f\t%s\n", path, r->name, s->name, round,
	       cost < 1000 ? 3 : 0, cost, r->unit);
	fflush(stdout);
}

/* A B A B ...: whatever drifts, drifts for all. */
static void run_row(const struct row *r)
{
	int n = rounds ? rounds : r->rounds, round;
	size_t i;

	for (round = 1; round <= n; round++) {
		for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
			if (stacks[i].family == AF_UNIX && (!r->floor || strcmp(path, "lo")))
				continue;
			if (!fnmatch(only_stack, stacks[i].name, 0))
				figure(r, &stacks[i], round);
		}
	}
}

static bool wanted(const char *name, char **patterns)
{
	while (*patterns)
		if (!fnmatch(*patterns++, name, 0))
			return true;
	return false;
}

static void usage(FILE *to)
{
	size_t i;

	fprintf(to,
		"Usage: bench [OPTIONS] [ROW...]\n"
		"  -a ADDR    the server's address (127.0.0.1)\n"
		"  -c NS      namespace of the clients, of \"ip netns\"\n"
		"  -s NS      namespace of the servers\n"
		"  -p PATH    what to call that in the results (lo)\n"
		"  -n N       rounds (each row has a number of its own)\n"
		"  -S STACK   only this one (tcp, tcpx, unix or a pattern)\n"
		"  -t         in ns, not in instructions of virtual time\n"
		"ROW, a name or a pattern:");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fprintf(to, " %s", rows[i].name);
	fprintf(to, "\nprints: path row stack round cost unit\n");
}

/* The clients' and the servers' namespace, by -c and -s */
static const char *client, *server;

static bool option(int opt)
{
	switch (opt) {
	case 'a':
		use_address(optarg);
		break;
	case 'c':
		client = optarg;
		break;
	case 's':
		server = optarg;
		break;
	case 'p':
		path = optarg;
		break;
	case 'n':
		rounds = atoi(optarg);
		break;
	case 'S':
		only_stack = optarg;
		break;
	case 't':
		ns_a_unit = 1;
		break;
	default:
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	size_t i;
	int opt;

	use_address("127.0.0.1");
	while ((opt = getopt(argc, argv, "a:c:s:p:n:S:th")) != -1) {
		if (!option(opt)) {
			usage(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	if (client && server)
		use_namespaces(client, server);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (argv[optind] ? wanted(rows[i].name, argv + optind) : !rows[i].apart)
			run_row(&rows[i]);
	return 0;
}
