// SPDX-License-Identifier: GPL-2.0
/*
 * TCP_INFO as the kernel's headers have it; those of libc, which all else here
 * includes, have less.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "wire.h"

struct wire_info sock_info(struct conn *c)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t len = sizeof(info);

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return (struct wire_info) {
		.ca_state	= info.tcpi_ca_state,
		.ecn		= info.tcpi_options & TCPI_OPT_ECN,
		.ecn_seen	= info.tcpi_options & TCPI_OPT_ECN_SEEN,
		.snd_cwnd	= info.tcpi_snd_cwnd,
		.snd_ssthresh	= info.tcpi_snd_ssthresh,
		.delivered	= info.tcpi_delivered,
		.delivered_ce	= info.tcpi_delivered_ce,
		.unacked	= info.tcpi_unacked,
		.advmss		= info.tcpi_advmss,
		.rcv_space	= info.tcpi_rcv_space,
		.busy_ms	= info.tcpi_busy_time / 1000,
		.rwnd_limited_ms = info.tcpi_rwnd_limited / 1000,
		.sndbuf_limited_ms = info.tcpi_sndbuf_limited / 1000,
	};
}
