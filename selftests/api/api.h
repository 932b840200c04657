/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of this folder share.
 *
 * Every test runs once for each family, or for each pairing of server and
 * client family where two ends are involved. AF_INET is the reference: a test
 * that kernel TCP does not pass is a wrong test. Each test runs in a network
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
	bool _ok;							\
	while (!(_ok = !!(cond)) && api_now_ms() < _end)		\
		api_pause();						\
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
int api_family(int family);
void api_netns(void);
__attribute__((format(printf, 2, 3)))
void api_sysctl(const char *name, const char *fmt, ...);
long api_sysctl_get(const char *name, int field);
__attribute__((format(printf, 1, 2)))
int api_sh(const char *fmt, ...);
void api_drop_root(void);

struct sockaddr_in api_addr(const char *ip, int port);
int api_port(int fd);
int api_socket(int family, int flags);
int api_bound(int family, const char *ip, int port);
int api_listener(int family, struct sockaddr_in *addr);
int api_bind(int fd, const struct sockaddr_in *addr);
int api_connect(int fd, const struct sockaddr_in *addr);
int api_connected(int family, const struct sockaddr_in *addr);
int api_accept(int listener);
void api_opt(int fd, int level, int name, int value);
int api_getopt(int fd, int level, int name);
void api_nonblock(int fd);
void api_timeout(int fd, int name, int ms);

int api_state(int fd);
int api_events(int fd, int events, int timeout_ms);
bool api_readable(int fd);
void api_send(int fd, const void *buf, size_t len);
void api_recv(int fd, void *buf, size_t len);
void api_pattern(uint8_t *buf, size_t len, uint64_t offset);
bool api_pattern_ok(const uint8_t *buf, size_t len, uint64_t offset);
size_t api_fill(int fd);

long api_snmp(const char *table, const char *field);
bool api_tcp_row(int family, int local_port, int remote_port, int state);
int api_tcp_rows(int family, int local_port, int remote_port, int state);

/* api.c itself does without the harness: it defines a program's globals. */
#ifndef API_NO_HARNESS
#include "kselftest_harness.h"

/* 6.1's harness goes on with the test after a SKIP() in the set-up: exit. */
#define API_SKIP(...)	SKIP(_exit(255), __VA_ARGS__)

#define API_BEGIN(family) do {						\
	if (!api_have(family))						\
		API_SKIP("the tcpx module is not loaded");		\
	api_netns();							\
} while (0)

#define API_FAMILY_VARIANTS(name)					\
	FIXTURE_VARIANT(name) { int family; };				\
	FIXTURE_VARIANT_ADD(name, inet) { .family = AF_INET };		\
	FIXTURE_VARIANT_ADD(name, tcpx) { .family = AF_TCPX }

#define API_PAIR_VARIANTS(name)						\
	FIXTURE_VARIANT(name) { int client, server; };			\
	FIXTURE_VARIANT_ADD(name, inet_to_inet) {			\
		.client = AF_INET, .server = AF_INET };			\
	FIXTURE_VARIANT_ADD(name, tcpx_to_tcpx) {			\
		.client = AF_TCPX, .server = AF_TCPX };			\
	FIXTURE_VARIANT_ADD(name, tcpx_to_inet) {			\
		.client = AF_TCPX, .server = AF_INET };			\
	FIXTURE_VARIANT_ADD(name, inet_to_tcpx) {			\
		.client = AF_INET, .server = AF_TCPX }

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
		if (!api_have(variant->client))				\
			API_SKIP("the tcpx module is not loaded");	\
		API_BEGIN(variant->server);				\
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
		if (!api_have(variant->client))				\
			API_SKIP("the tcpx module is not loaded");	\
		API_BEGIN(variant->server);				\
		self->l = api_listener(variant->server, &self->addr);	\
	}								\
	FIXTURE_TEARDOWN(name) { close(self->l); }			\
	struct __api_fixture_##name

#endif /* API_NO_HARNESS */
#endif /* API_H */
