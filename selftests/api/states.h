/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets in each of the states that a program meets. */
#ifndef API_STATES_H
#define API_STATES_H

#include "api.h"

enum state { FRESH, BOUND, LISTENING, CONNECTED, CLOSED, STATES };

static const char * const state_name[] = {
	"fresh", "bound", "listening", "connected", "closed by the peer",
};

/* A socket in such a state, and what else must be closed after it. */
struct made {
	int fd, others[2];
};

static struct made make(int family, enum state state)
{
	struct made m = { -1, { -1, -1 } };
	struct sockaddr_in addr = api_addr("127.0.0.1", 0);

	if (state < CONNECTED) {
		m.fd = api_socket(family, 0);
		if (state != FRESH && SYS(api_bind(m.fd, &addr)))
			api_die("bind");
		if (state == LISTENING && listen(m.fd, 1))
			api_die("listen");
		return m;
	}
	m.others[0] = api_listener(family, &addr);
	m.fd = api_connected(family, &addr);
	m.others[1] = api_accept(m.others[0]);
	if (state == CLOSED) {
		close(m.others[1]);
		m.others[1] = -1;
		if (!API_WAIT(api_state(m.fd) == ST_CLOSE_WAIT))
			api_die("no FIN");
	}
	return m;
}

static void unmake(struct made *m)
{
	close(m->fd);
	close(m->others[0]);
	close(m->others[1]);
}

#endif /* API_STATES_H */
