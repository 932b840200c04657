/* SPDX-License-Identifier: GPL-2.0 */
/* What most files include, compiled once. */
#include <linux/module.h>
#include <linux/tcp.h>
#include <net/tcp.h>
#include <net/ipv6.h>
#include <net/inet_common.h>
#include <net/ip6_route.h>
#include <net/addrconf.h>
#include <net/busy_poll.h>
#include <net/xfrm.h>
#include <linux/mm.h>
#include <linux/bpf-cgroup.h>
