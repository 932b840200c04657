// SPDX-License-Identifier: GPL-2.0
/*
 * The bench: rows whose figure is memory, not time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

/* A number out of a file of "KEY number" lines, or -1 */
static double number_after(const char *path, const char *key)
{
	FILE *f = fopen(path, "r");
	char line[512];
	double value = -1;

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), "%lf", &value);
	fclose(f);
	return value;
}

/* Free memory once what can be given back has been. */
static double free_bytes(void)
{
	FILE *f = fopen("/proc/sys/vm/drop_caches", "w");

	if (!f || fputs("3", f) < 0 || fclose(f))
		die("drop_caches");
	return number_after("/proc/meminfo", "MemFree:") * 1024;
}

/* The same when what the row before has left behind is gone: TIME_WAIT, and then what is
 * freed later, by RCU or because it lingers: until five seconds in a row bring nothing.
 */
static double settled_free_bytes(void)
{
	double best, now;
	int still = 0;

	settle();
	for (best = free_bytes(); still < 5; still++) {
		sleep(1);
		now = free_bytes();
		if (now > best + (1 << 20)) {
			best = now;
			still = -1;
		}
	}
	return now;
}

/* What free memory loses by a connection, both ends, files and all. */
double idle_connection(const struct stack *s, const struct row *r)
{
	int *fds = calloc(2 * r->size, sizeof(int));
	int lfd = listen_on(s, 128);
	double before, after;
	long i;

	memset(fds, 1, 2 * r->size * sizeof(int));	/* pages of its own, now */
	close(connect_to(s, lfd));
	close(accept_from(lfd));
	before = settled_free_bytes();
	for (i = 0; i < 2 * r->size; i += 2) {
		fds[i] = connect_to(s, lfd);
		fds[i + 1] = accept_from(lfd);
	}
	after = free_bytes();
	for (i = 0; i < 2 * r->size; i += 2) {
		abort_connection(fds[i]);
		close(fds[i + 1]);
	}
	close(lfd);
	free(fds);
	return (before - after) / r->size;
}

/* Bytes of an object of slab number variant: <active> <total> <bytes> */
double slab_object(const struct stack *s, const struct row *r)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512], name[64];
	double bytes = -1, size;

	if (!f)
		die("/proc/slabinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*s %*s %lf", name, &size) == 2 &&
		    !strcmp(name, s->slabs[r->variant]))
			bytes = size;
	fclose(f);
	if (bytes < 0) {
		fprintf(stderr, "bench: no slab %s\n", s->slabs[r->variant]);
		exit(1);
	}
	return bytes;
}
