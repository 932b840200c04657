/* SPDX-License-Identifier: GPL-2.0 */
/* What calls.c and options.c share. */
#ifndef MODEL_CALLS_H
#define MODEL_CALLS_H

#include <sys/socket.h>
#include "model.h"

/* One call in the making. */
struct call {
	const struct stack *stack;
	const struct step *s;
	int *fds;		/* of all slots */
	int fd;			/* of @s->slot */
	uint16_t base;
	char *text;		/* grows */
};

__attribute__((format(printf, 2, 3)))
void say(struct call *c, const char *fmt, ...);
void say_bytes(struct call *c, const void *bytes, long len);

long call_setsockopt(struct call *c);
long call_getsockopt(struct call *c);

#endif /* MODEL_CALLS_H */
