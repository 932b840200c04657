/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of this folder share.
 *
 * Every test runs once for each family, or for each pairing of server and
 * client family where two ends are involved, and that over IPv4, over IPv6, and
 * over IPv4 by IPv6 sockets: AF_INET stands for kernel TCP and AF_TCPX for the
 * module, api_face for the version of IP; addresses in the tests are IPv4 ones
 * (see face.c). Kernel TCP is the reference: a test
 * that it does not pass is a wrong test. Each test runs in a network
 * namespace of its own, so that sysctls, ports and TIME_WAIT entries of one
 * never reach another, nor the machine that runs them.
 *
 * A helper whose system call fails unexpectedly says so and aborts the test:
 * the result of what a test examines is checked in the test itself.
 */
#ifndef API_H
#define API_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tcpx.h>
#include "../slow.h"

/* IPv6 by protocol: where the module has no such socket the tests skip. */
#ifndef TCPXPROTO_V6
#define TCPXPROTO_V6	IPPROTO_IPV6
#endif

/* How long a condition may take to come true, under an emulated CPU too. */
#define API_DEADLINE_MS		((int)(10000 * slow()))
/* How long to watch that something does not happen. */
#define API_QUIET_MS		100

/* States as tcpi_state and /proc/net/tcp number them. */
enum {
	ST_ESTABLISHED = 1, ST_SYN_SENT, ST_SYN_RECV, ST_FIN_WAIT1,
	ST_FIN_WAIT2, ST_TIME_WAIT, ST_CLOSE, ST_CLOSE_WAIT, ST_LAST_ACK,
	ST_LISTEN, ST_CLOSING, ST_NEW_SYN_RECV,
};

/* A system call's result with the error in it: -EINVAL, as inside the kernel */
#define SYS(call) ({							\
	long _ret = (long)(call);					\
	_ret < 0 ? -(long)errno : _ret;					\
})

/* The condition has come true before the deadline. */
#define API_WAIT(cond) ({						\
	int64_t _end = api_now_ms() + API_DEADLINE_MS;			\
	bool _ok, _late = false;					\
	/* One more look, should the machine have stood still meanwhile. */	\
	while (!(_ok = !!(cond)) && !_late) {				\
		_late = api_now_ms() >= _end;				\
		api_pause();						\
	}								\
	_ok;								\
})

/* The condition has stayed true while we looked. */
#define API_STAYS(cond) ({						\
	int64_t _end = api_now_ms() + API_QUIET_MS;			\
	bool _ok;							\
	while ((_ok = !!(cond)) && api_now_ms() < _end)			\
		api_pause();						\
	_ok;								\
})

__attribute__((noreturn, format(printf, 1, 2)))
void api_die(const char *fmt, ...);
int64_t api_now_ms(void);
void api_pause(void);

bool api_have(int family);
bool api_have_face(int family);
int api_family(int family);
int api_protocol(int family);
void api_netns(void);
__attribute__((format(printf, 2, 3)))
void api_sysctl(const char *name, const char *fmt, ...);
long api_sysctl_get(const char *name, int field);
__attribute__((format(printf, 1, 2)))
int api_sh(const char *fmt, ...);
void api_drop_root(void);

/* Which version of IP a test is about: set by its fixture. */
enum api_face { API_V4, API_V6, API_MAPPED };
extern enum api_face api_face;

struct sockaddr_in api_addr(const char *ip, int port);
const char *api_ip(const char *ip);
socklen_t api_sockaddr(const struct sockaddr_in *v4, struct sockaddr_in6 *to);
socklen_t api_sockaddr_len(void);
struct sockaddr_in api_from(const struct sockaddr_in6 *from, socklen_t len);
int api_name(int fd, struct sockaddr_in *name);
int api_peer(int fd, struct sockaddr_in *name);
int api_accept_from(int listener, struct sockaddr_in *from);
int api_port(int fd);
int api_socket(int family, int flags);
int api_bound(int family, const char *ip, int port);
int api_listener(int family, struct sockaddr_in *addr);
int api_bind(int fd, const struct sockaddr_in *addr);
int api_connect(int fd, const struct sockaddr_in *addr);
int api_dissolve(int fd);
bool api_sleeps(int tid);
int api_connected(int family, const struct sockaddr_in *addr);
int api_accept(int listener);
void api_opt(int fd, int level, int name, int value);
int api_getopt(int fd, int level, int name);
int api_md5_key(int fd, const struct sockaddr_in *peer, int flags, int ifindex, const char *key);
void api_nonblock(int fd);
void api_deafen(int fd);
void api_timeout(int fd, int name, int ms);

struct tcp_info api_info(int fd);
int api_state(int fd);
uint32_t api_memory(int fd, int which);
int api_events(int fd, int events, int timeout_ms);
bool api_readable(int fd);
void api_send(int fd, const void *buf, size_t len);
void api_recv(int fd, void *buf, size_t len);
void api_pattern(uint8_t *buf, size_t len, uint64_t offset);
bool api_pattern_ok(const uint8_t *buf, size_t len, uint64_t offset);
size_t api_fill(int fd);

long api_snmp(const char *table, const char *field);
const char *api_table(int family);
bool api_tcp_row(int family, int local_port, int remote_port, int state);
int api_tcp_rows(int family, int local_port, int remote_port, int state);

/* api.c itself does without the harness: it defines a program's globals. */
#ifndef API_NO_HARNESS
#include "kselftest_harness.h"

/* 6.1's harness goes on with the test after a SKIP() in the set-up: exit. */
#define API_SKIP(...)	SKIP(_exit(255), __VA_ARGS__)

#define API_BEGIN(family) do {						\
	api_face = variant->face;					\
	if (!api_have(family))						\
		API_SKIP("the tcpx module is not loaded");		\
	if (!api_have_face(family))					\
		API_SKIP("the tcpx module has no IPv6");		\
	api_netns();							\
} while (0)

#define API_BEGIN_PAIR(client, server)					\
	API_BEGIN((client) == AF_TCPX ? (client) : (server))

#define API_FAMILY_VARIANTS(name)					\
	FIXTURE_VARIANT(name) { int family; enum api_face face; };	\
	API_FAMILIES(name, , API_V4);					\
	API_FAMILIES(name, 6, API_V6);					\
	API_FAMILIES(name, _mapped, API_MAPPED)

#define API_FAMILIES(name, suffix, version)				\
	FIXTURE_VARIANT_ADD(name, inet##suffix) {			\
		.family = AF_INET, .face = version };			\
	FIXTURE_VARIANT_ADD(name, tcpx##suffix) {			\
		.family = AF_TCPX, .face = version }

/* Mixed pairs of sockets that talk IPv4 are those of IPv4. */
#define API_PAIR_VARIANTS(name)						\
	FIXTURE_VARIANT(name) { int client, server; enum api_face face; }; \
	API_PAIR(name, inet, inet, , API_V4);				\
	API_PAIR(name, tcpx, tcpx, , API_V4);				\
	API_PAIR(name, tcpx, inet, , API_V4);				\
	API_PAIR(name, inet, tcpx, , API_V4);				\
	API_PAIR(name, inet, inet, 6, API_V6);				\
	API_PAIR(name, tcpx, tcpx, 6, API_V6);				\
	API_PAIR(name, tcpx, inet, 6, API_V6);				\
	API_PAIR(name, inet, tcpx, 6, API_V6);				\
	API_PAIR(name, inet, inet, _mapped, API_MAPPED);		\
	API_PAIR(name, tcpx, tcpx, _mapped, API_MAPPED)

#define API_AF_inet	AF_INET
#define API_AF_tcpx	AF_TCPX
#define API_PAIR(name, one, other, suffix, version)			\
	FIXTURE_VARIANT_ADD(name, one##suffix##_to_##other##suffix) {	\
		.client = API_AF_##one, .server = API_AF_##other,	\
		.face = version }

/* One socket under test: self->fd, of variant->family. */
#define API_SOCKET_FIXTURE(name)					\
	FIXTURE(name) { int fd; };					\
	API_FAMILY_VARIANTS(name);					\
	FIXTURE_SETUP(name)						\
	{								\
		API_BEGIN(variant->family);				\
		self->fd = api_socket(variant->family, 0);		\
	}								\
	FIXTURE_TEARDOWN(name) { close(self->fd); }			\
	struct __api_fixture_##name

/*
 * A connection: listener self->l at self->addr on 127.0.0.1, its end self->s,
 * the client's end self->c. The test may close any of them.
 */
#define API_PAIR_FIXTURE(name)						\
	FIXTURE(name) { int l, s, c; struct sockaddr_in addr; };	\
	API_PAIR_VARIANTS(name);					\
	FIXTURE_SETUP(name)						\
	{								\
		API_BEGIN_PAIR(variant->client, variant->server);	\
		self->l = api_listener(variant->server, &self->addr);	\
		self->c = api_connected(variant->client, &self->addr);	\
		self->s = api_accept(self->l);				\
	}								\
	FIXTURE_TEARDOWN(name)						\
	{								\
		close(self->c);						\
		close(self->s);						\
		close(self->l);						\
	}								\
	struct __api_fixture_##name

/* Like the pair, with nothing but the listener made yet. */
#define API_LISTENER_FIXTURE(name)					\
	FIXTURE(name) { int l; struct sockaddr_in addr; };		\
	API_PAIR_VARIANTS(name);					\
	FIXTURE_SETUP(name)						\
	{								\
		API_BEGIN_PAIR(variant->client, variant->server);	\
		self->l = api_listener(variant->server, &self->addr);	\
	}								\
	FIXTURE_TEARDOWN(name) { close(self->l); }			\
	struct __api_fixture_##name

/*
 * TCPX_VARIANTS in the environment, shell patterns, leaves variants out whose
 * names match none of them. The harness defines main(); ours goes before it.
 */
int harness_main(int argc, char **argv);

static bool wanted(const char *variant)
{
	char words[256], *word, *state;
	const char *all = getenv("TCPX_VARIANTS");

	if (!all || !*all)
		return true;
	snprintf(words, sizeof(words), "%s", all);
	for (word = strtok_r(words, " ", &state); word;
	     word = strtok_r(NULL, " ", &state))
		if (!fnmatch(word, variant, 0))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct __fixture_metadata *f;
	struct __fixture_variant_metadata **v;

	for (f = __fixture_list; f; f = f->next) {
		v = &f->variant;
		if (!*v)
			continue;
		while (*v) {
			if (wanted((*v)->name))
				v = &(*v)->next;
			else
				*v = (*v)->next;
		}
		/* Not to be run as if it never had any. */
		if (!f->variant)
			f->tests = NULL;
	}
	return harness_main(argc, argv);
}

#define main harness_main

#endif /* API_NO_HARNESS */
#endif /* API_H */
