// SPDX-License-Identifier: GPL-2.0
/*
 * The library that scripts/tcpx-ss preloads into ss: what ss asks sock_diag about TCP
 * over IPv4 or IPv6 it then asks about AF_TCPX, and gets answers of the same form
 * (uapi/tcpx.h says how the request differs). Requests about anything else pass.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tcpx.h"

static ssize_t (*real_sendmsg)(int fd, const struct msghdr *msg, int flags);
static ssize_t (*real_send)(int fd, const void *buf, size_t len, int flags);
static int family = AF_TCPX;

__attribute__((constructor)) static void init(void)
{
	const char *env = getenv("TCPX_RUN_FAMILY");

	real_sendmsg = (ssize_t (*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
	real_send = (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
	if (env)
		family = atoi(env);
}

/* The request is in ss's own memory, and not read again: changed in place. */
static void redirect(void *buf, size_t len)
{
	struct nlmsghdr *nlh = buf;
	struct inet_diag_req_v2 *req;

	if (len < NLMSG_LENGTH(sizeof(*req)) ||
	    (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY && nlh->nlmsg_type != SOCK_DESTROY))
		return;
	req = NLMSG_DATA(nlh);
	if (req->sdiag_protocol != IPPROTO_TCP ||
	    (req->sdiag_family != AF_INET && req->sdiag_family != AF_INET6))
		return;
	req->pad = req->sdiag_family;
	req->sdiag_family = family;
}

static int is_netlink(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_NETLINK;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (msg->msg_iovlen && is_netlink(fd))
		redirect(msg->msg_iov[0].iov_base, msg->msg_iov[0].iov_len);
	return real_sendmsg(fd, msg, flags);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	if (is_netlink(fd))
		redirect((void *)buf, len);
	return real_send(fd, buf, len, flags);
}
