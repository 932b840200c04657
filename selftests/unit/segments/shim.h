/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel is to the module when both are a process: shim.c (memory, time, locks)
 * and net.c (what is below and above TCP). All of it runs by itself: the same calls, the same
 * results, nothing happens between two of them.
 */
#ifndef _SHIM_H
#define _SHIM_H

#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/skbuff.h>

/* The C library's, whose headers have no place beside the kernel's. */
int dprintf(int fd, const char *format, ...);
void abort(void) __noreturn;
char *getenv(const char *name);
void *malloc(size_t size);
void free(void *p);
size_t malloc_usable_size(const void *p);

/* ASan's */
void __asan_get_shadow_mapping(size_t *scale, size_t *offset);
void __asan_loadN(unsigned long addr, size_t size);	/* may it be read? */

/* An invariant: what is printed is where. */
#define HOLDS(x)	do { if (unlikely(!(x))) shim_broken(#x, __FILE__, __LINE__); } while (0)
void shim_broken(const char *what, const char *file, int line) __noreturn;

/* --- shim.c --- */

extern long shim_objects;	/* allocated now, pages included */
extern int shim_fail_after;	/* so many allocations that may fail do not; 0: all go well */

void shim_no_flags(void);	/* of shim.c's assembly */

extern bool shim_verbose;	/* say when which timer runs */

void shim_init(void);
void shim_settled(void);	/* what is allocated now, stays */
void shim_restart(u64 seed);	/* the clock and the random numbers begin anew */
void shim_grace_period(void);	/* call_rcu(), tasklets and work are done */
void shim_sleep(u64 ns);	/* and timers run */
bool shim_sleep_until_timer(void);	/* false: there is none */
struct page *shim_page(unsigned int from);
void shim_unlocked(void);	/* nothing is locked, BH are on */

/* --- net.c --- */

#define LOCAL_ADDR	0x0a000001	/* 10.0.0.1 */
#define PEER_ADDR	0x0a000002
extern const struct in6_addr net_local6, net_peer6;

void net_init(void);
void net_restart(bool forget);	/* what is known of paths */
struct socket *net_socket_alloc(void);	/* without a sock */
struct socket *net_socket(bool v6);
void net_close(struct socket *sock);
bool net_input(struct sk_buff *skb);
struct dst_entry *net_dst(bool v6);	/* a reference on the route */
long net_memory(void);		/* pages that sockets hold */
long net_sockets(void);

/* Tell who fuzzes of a segment that leaves. */
extern void (*net_output)(const struct sk_buff *skb);
extern struct net_device net_dev;

#endif
