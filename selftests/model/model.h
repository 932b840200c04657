/* SPDX-License-Identifier: GPL-2.0 */
/* Sequences of socket calls, and what comes of them on one stack. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS		6
#define MAX_STEPS	40
#define PORTS		4	/* that a sequence may name */
#define FIRST_PORT	2000	/* of the ports named, below those chosen by the kernel */
#define LAST_PORT	32000
#define TEXT		1000

/**
 * struct step - a call and its arguments, as numbers that the call makes sense of
 * @call: index of the call, below calls_nr()
 * @slot: descriptor that it is made on
 * @other: another one: the new one, the peer
 * @a: an argument; so are @b and @c
 */
struct step {
	uint8_t call, slot, other;
	uint32_t a, b, c;
};

/**
 * struct stack - where the calls go
 * @family: of the sockets
 * @protocol: of the sockets
 * @v6: addresses are IPv6 ones
 * @mapped: connections over IPv6 sockets are to IPv4 addresses; else none is, for having tried
 *	that in vain kernel TCP sends no SYN to an IPv6 address any more
 * @netns: descriptor of its network namespace
 * @cpu: processor that all of it runs on
 * @lies: what it reads is changed now and then, for the comparison to find
 */
struct stack {
	int family, protocol;
	bool v6, mapped;
	int netns, cpu;
	bool lies;
};

/**
 * struct story - what a sequence has led to, in memory that is shared
 * @done: steps that came to their end
 * @text: of each step: the call, what it returned, and all sockets after it
 */
struct story {
	int done;
	char text[MAX_STEPS][TEXT];
};

unsigned int calls_nr(void);
unsigned int call_weight(unsigned int call);
const char *call_name_of(unsigned int call);
/* Does the call fill the slot (1), its other one (2), empty it (-1)? */
int call_fills(unsigned int call);
/* Is there little to see without a connection? */
bool call_wants(unsigned int call);

/* Runs steps @steps on @stack, whose named ports begin at @base. */
void tell(const struct stack *stack, uint16_t base, const struct step *steps, int n,
	  struct story *story);

int threads_main(const struct stack *stack, int seconds, uint64_t seed);

uint32_t mix64(uint64_t x);
int64_t now_ms(void);

#endif /* MODEL_H */
