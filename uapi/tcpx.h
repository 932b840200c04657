/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_TCPX: TCP as a loadable module. All that a user program includes.
 *
 * A socket of this family is an ordinary TCP socket with another engine under
 * it: addresses are struct sockaddr_in / sockaddr_in6 with AF_INET / AF_INET6
 * in them, options are those of SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6 and
 * IPPROTO_TCP. So a program changes one word:
 *
 *	fd = socket(AF_TCPX, SOCK_STREAM, 0);
 */
#ifndef _UAPI_TCPX_H
#define _UAPI_TCPX_H

/*
 * The address family. A module cannot extend the kernel's table of families,
 * so it borrows the number of one whose protocol is gone (AF_ECONET, removed
 * in Linux 3.5). The module parameter family= moves it; programs that must
 * follow read /sys/module/tcpx/parameters/family.
 */
#ifndef AF_TCPX
#define AF_TCPX		19
#endif
#ifndef PF_TCPX
#define PF_TCPX		AF_TCPX
#endif

/* Third argument of socket(): which IP carries the segments. */
#define TCPXPROTO_V4	0	/* IPv4; IPPROTO_TCP means the same */
#define TCPXPROTO_V6	41	/* IPv6, and IPv4 by mapped addresses; IPPROTO_IPV6 */

/*
 * What getsockopt(SOL_SOCKET, SO_PROTOCOL) and the inet_sock_set_state
 * tracepoint show. On the wire the protocol is IPPROTO_TCP (6); inside the
 * kernel it must differ, or code that checks for IPPROTO_TCP would take the
 * socket for a struct tcp_sock.
 */
#define IPPROTO_TCPX	0x606

/*
 * Option of level IPPROTO_TCP: what SO_ZEROCOPY of SOL_SOCKET is, for kernels whose
 * setsockopt() refuses that with EOPNOTSUPP to all but their own TCP (6.1).
 */
#define TCPX_ZEROCOPY	0x6060

/*
 * NETLINK_SOCK_DIAG: requests and messages are those of <linux/inet_diag.h>, with
 * sdiag_family AF_TCPX, sdiag_protocol IPPROTO_TCP (or 0) and in pad AF_INET or
 * AF_INET6 to be told of these only, or 0. SOCK_DESTROY takes the same request.
 */

#endif /* _UAPI_TCPX_H */
