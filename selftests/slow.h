/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Debug kernels take several times longer for everything. scripts/vm says in
 * TCPX_SLOW how many times; whoever sets an upper bound of time multiplies it.
 * To be included before kselftest_harness.h, whose alarm() is one such bound.
 */
#ifndef SELFTESTS_SLOW_H
#define SELFTESTS_SLOW_H

#include <stdlib.h>
#include <unistd.h>

static inline unsigned int slow(void)
{
	const char *times = getenv("TCPX_SLOW");
	int n = times ? atoi(times) : 1;

	return n > 0 ? n : 1;
}

#define alarm(seconds)	alarm((seconds) * slow())

#endif /* SELFTESTS_SLOW_H */
