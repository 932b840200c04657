/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the kernel's vocabulary that the tested pieces of the module
 * need, for user space. Nothing of TCPX is in here.
 */
#ifndef TCPX_UNIT_SHIM_H
#define TCPX_UNIT_SHIM_H

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/snmp.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define U16_MAX			UINT16_MAX
#define U32_MAX			UINT32_MAX

#define __force
#define __init
#define __ro_after_init
#define __user
#define fallthrough		__attribute__((fallthrough))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))
#define THIS_MODULE		NULL
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define net_info_ratelimited(...) ((void)0)
#define pr_info_ratelimited(...) ((void)0)

#define pick(a, b, op)							\
	({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a op _b ? _a : _b; })
#define min(a, b)		pick(a, b, <)
#define max(a, b)		pick(a, b, >)
#define min3(a, b, c)		min(min(a, b), c)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define clamp_t(t, v, lo, hi)	clamp((t)(v), (t)(lo), (t)(hi))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ALIGN(x, a)		(((x) + (a) - 1) / (a) * (a))
#define ALIGN_DOWN(x, a)	((x) / (a) * (a))
#define rounddown(x, y)		((x) - (x) % (y))
#define ilog2(x)		(63 - __builtin_clzll(x))

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

/* As <asm/unaligned.h> */
static inline u16 get_unaligned_be16(const void *p)
{
	const u8 *b = p;

	return b[0] << 8 | b[1];
}

static inline u32 get_unaligned_be32(const void *p)
{
	return (u32)get_unaligned_be16(p) << 16 | get_unaligned_be16((const u8 *)p + 2);
}

static inline void put_unaligned_be24(u32 v, void *p)
{
	u8 *b = p;

	b[0] = v >> 16;
	b[1] = v >> 8;
	b[2] = v;
}

/* Debian's tick */
#define HZ			250
#define MSEC_PER_SEC		1000L
#define USEC_PER_MSEC		1000L
#define USEC_PER_SEC		1000000L
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L

static inline unsigned int jiffies_to_msecs(unsigned long j)
{
	return j * (MSEC_PER_SEC / HZ);
}

static inline unsigned int jiffies_to_usecs(unsigned long j)
{
	return j * (USEC_PER_SEC / HZ);
}

/* Rounds up: a timer must not fire early. */
static inline unsigned long usecs_to_jiffies(unsigned int us)
{
	return (us + USEC_PER_SEC / HZ - 1) / (USEC_PER_SEC / HZ);
}

static inline bool before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

#define after(a, b)		before(b, a)

struct list_head {
	struct list_head *next, *prev;
};

struct module;

/* <net/tcp.h> */
#define TCPOPT_NOP		1
#define TCPOPT_EOL		0
#define TCPOPT_MSS		2
#define TCPOPT_WINDOW		3
#define TCPOPT_SACK_PERM	4
#define TCPOPT_SACK		5
#define TCPOPT_MD5SIG		19
#define TCPOPT_TIMESTAMP	8
#define TCPOPT_FASTOPEN		34
#define TCPOPT_EXP		254
#define TCPOPT_FASTOPEN_MAGIC	0xf989
#define TCPOLEN_FASTOPEN_BASE	2
#define TCPOLEN_EXP_FASTOPEN_BASE 4
#define TCPOLEN_MSS		4
#define TCPOLEN_WINDOW		3
#define TCPOLEN_SACK_PERM	2
#define TCPOLEN_TIMESTAMP	10
#define TCPOLEN_TSTAMP_ALIGNED	12
#define TCPOLEN_WSCALE_ALIGNED	4
#define TCPOLEN_SACKPERM_ALIGNED 4
#define TCPOLEN_SACK_BASE	2
#define TCPOLEN_MD5SIG		18
#define TCPOLEN_MD5SIG_ALIGNED	20
#define TCPOLEN_SACK_BASE_ALIGNED 4
#define TCPOLEN_SACK_PERBLOCK	8
#define TCPOLEN_MSS_ALIGNED	4
#define MAX_TCP_OPTION_SPACE	40
#define MAX_TCP_WINDOW		32767U
#define TCP_MAX_WSCALE		14U
#define TCP_INFINITE_SSTHRESH	0x7fffffff
#define TCPHDR_ACK		0x10

struct tcp_sack_block {
	u32	start_seq;
	u32	end_seq;
};

#endif
