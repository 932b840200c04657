// SPDX-License-Identifier: GPL-2.0
/*
 * What only IPv6 has: extension headers in, flow labels, and addresses that mean
 * something on one link only.
 */
#include <arpa/inet.h>
#include <linux/in6.h>
#include <net/if.h>
#define WIRE_V6_ONLY
#include "fixture.h"

#define LINK_LOCAL	"fe80::9:1"
#define LINK_PEER	"fe80::9:2"

/* ---- extension headers, rfc8200#section-4 ---- */

/* TCP begins where they end, whichever there are. */
CASE(extension_headers)
{
	static const char * const chains[] = { "h", "d", "f", "r", "s", "hd", "hdrfd" };
	size_t i;
	__u32 at = 1;

	for (i = 0; i < ARRAY_SIZE(chains); i++, at = 1) {
		conn_init(w, c);
		c->listener = sock_listen(w, PORT, 16);
		c->lport = PORT;
		tx(c, "S seq=0 mss=1000 ext=%s", chains[i]);
		rx(c, "S. seq=0 ack=1");
		tx(c, ". seq=1 ack=1 ext=%s", chains[i]);
		conn_accept(c);
		tx(c, ". len=100 ext=%s", chains[i]);
		rx(c, ". ack=%u", at + 100);
		conn_read(c, 0, 100);
		conn_close(c);
		rx(c, "F. seq=1 ack=101");
		tx(c, "F. seq=101 ack=2 ext=%s", chains[i]);
		rx(c, ". seq=2 ack=102");
		close(c->listener);
	}
}

/* What IP may not pass on never gets here. */
CASE(extension_headers_unknown)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=100 ext=n");
	tx(c, ". seq=1 len=100 ext=x");
	tx(c, "R seq=1 ext=n");
	none(c);
	conn_would_block(c);
	/* The peer never sent that. */
	c->snd_nxt = 1;
	check_alive(c);
}

/* The checksum is over the addresses and TCP, wherever that begins. */
CASE(extension_headers_and_a_wrong_checksum)
{
	conn_passive(w, c, NULL);
	tx(c, ". seq=1 len=100 ext=hd badsum");
	none(c);
	check_alive(c);
}

/* IPV6_RECVHOPLIMIT and its like: of the latest segment, IPV6_2292PKTOPTIONS tells. */
CASE(packet_options_of_the_latest_segment)
{
	__u8 control[256];
	struct msghdr msg = { .msg_control = control };
	struct cmsghdr *cm;
	socklen_t len = sizeof(control);
	int hops = -1, tclass = -1;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	sock_set(w, c->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	tx(c, ". len=10 ttl=33 tos=0x48");
	rx(c, ". ack=11");
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len));
	msg.msg_controllen = len;
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
		if (cm->cmsg_type == IPV6_HOPLIMIT)
			hops = *(int *)CMSG_DATA(cm);
		if (cm->cmsg_type == IPV6_TCLASS)
			tclass = *(int *)CMSG_DATA(cm);
	}
	CHECK_EQ(w, 33, hops);
	CHECK_EQ(w, 0x48, tclass);
}

/* ---- flow labels, rfc6437 ---- */

/* One label from the first segment to the last, and not the same for others. */
CASE(label_is_of_the_connection)
{
	struct conn d;
	__u32 label;

	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0 flow!=0");
	label = c->seg.flow;
	finish_active(c, NULL);
	CHECK_EQ(w, label, c->seg.flow);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow=%u", label);
	tx(c, ". ack=101 len=10");
	rx(c, ". ack=11 flow=%u", label);
	conn_close(c);
	/* The user never read that: a reset, and the same label. */
	rx(c, "R. seq=101 flow=%u", label);

	conn_passive(w, &d, NULL);
	conn_write(&d, 100, 0);
	rx(&d, ". seq=1 len=100 flow!=0");
	CHECK(w, d.seg.flow != label);
}

CASE(label_of_listener_side)
{
	__u32 label;

	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1 flow!=0");
	label = c->seg.flow;
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow=%u", label);
}

/* Each timeout tries another path: ECMP goes by the label. */
CASE(label_changes_with_each_timeout)
{
	__u32 label;
	int i;

	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow!=0");
	for (i = 1; i <= 3; i++) {
		label = c->seg.flow;
		rx(c, ". seq=1 len=100 flow!=%u t>=%d", label, RTO_MIN_MS);
		CHECK_EQ(w, i, mib(w, "TcpTimeoutRehash"));
	}
	label = c->seg.flow;
	tx(c, ". ack=101");
	conn_write(c, 100, 0);
	rx(c, ". seq=101 len=100 flow=%u", label);
}

/* SO_TXREHASH, or net.core.txrehash: not for those who don't want it. */
CASE(label_stays_if_so_wanted)
{
	__u32 label;
	int i;

	conn_passive(w, c, NULL);
	sock_set(w, c->fd, SOL_SOCKET, SO_TXREHASH, 0);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow!=0");
	label = c->seg.flow;
	for (i = 1; i <= 3; i++)
		rx(c, ". seq=1 len=100 flow=%u t>=%d", label, RTO_MIN_MS);
}

/* ---- the label and congestion: net.ipv4.tcp_plb_* ---- */

static void open_dctcp(struct wire *w, struct conn *c, const char *rounds,
		       const char *idle_rounds)
{
	knob_set(w, "tcp_plb_enabled", "1");
	knob_set(w, "tcp_plb_rehash_rounds", rounds);
	knob_set(w, "tcp_plb_idle_rehash_rounds", idle_rounds);
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "SEW seq=0 mss=1000 sackok ws=0");
	rx(c, "SE. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "dctcp", 5));
}

/* How many of so many segments, one a round trip, have another label than the one before? */
static int label_changes(struct conn *c, int rounds, const char *ack)
{
	__u32 label = 0, at = c->written + 1;
	int changes = 0;

	for (; rounds; rounds--, at += 100) {
		conn_write(c, 100, 0);
		CHECK(c->w, wire_next(c, DEADLINE_MS));
		CHECK_EQ(c->w, at, c->seg.seq - c->irs);
		changes += label && c->seg.flow != label;
		label = c->seg.flow;
		tx(c, "%s ack=%u", ack, at + 100);
	}
	return changes;
}

CASE(label_of_congested_path)
{
	long counted;

	open_dctcp(w, c, "5", "0");
	CHECK_EQ(w, 0, label_changes(c, 12, "."));
	CHECK_EQ(w, 0, label_changes(c, 4, "E."));
	/* One good round, and it is reckoned anew. */
	CHECK_EQ(w, 0, label_changes(c, 2, "."));
	CHECK_EQ(w, 0, label_changes(c, 4, "E."));
	CHECK_EQ(w, 2, label_changes(c, 9, "E."));
	counted = mib_if_any(w, "TCPPLBRehash");
	CHECK(w, counted == 2 || counted == -1);
}

/* TCP_INFO's count of other paths, by place: libc's headers know nothing of it. */
static __u32 rehash_of(struct conn *c)
{
	__u8 info[256];
	socklen_t len = sizeof(info);
	__u32 rehash;

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, info, &len));
	if (len < 240)
		_exit(EXIT_SKIP);
	memcpy(&rehash, info + 236, sizeof(rehash));
	return rehash;
}

CASE(label_of_congested_path_is_counted)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	open_dctcp(w, c, "5", "0");
	CHECK_EQ(w, 0, rehash_of(c));
	CHECK(w, label_changes(c, 20, "E.") >= 3);
	CHECK(w, rehash_of(c) >= 3);
	/* Of this connection, not of the socket. */
	CHECK_EQ(w, 0, connect(c->fd, &nobody, sizeof(nobody)));
	CHECK_EQ(w, 0, rehash_of(c));
}

CASE(label_of_congested_path_stays_unless_told)
{
	open_dctcp(w, c, "5", "0");
	knob_set(w, "tcp_plb_enabled", "0");
	CHECK_EQ(w, 0, label_changes(c, 20, "E."));
}

CASE(label_of_congested_path_after_idleness)
{
	open_dctcp(w, c, "31", "3");
	CHECK_EQ(w, 3, label_changes(c, 12, "E."));
}

/* A threshold of 0: no mark is needed. */
CASE(label_of_congested_path_by_threshold)
{
	open_dctcp(w, c, "5", "0");
	knob_set(w, "tcp_plb_cong_thresh", "0");
	CHECK(w, label_changes(c, 20, ".") >= 3);
}

CASE(label_of_congested_path_changes_soon_after_timeout)
{
	knob_set(w, "tcp_plb_suspend_rto_sec", "0");
	open_dctcp(w, c, "5", "0");
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	rx(c, ". seq=1 len=100");
	tx(c, ". ack=101");
	CHECK(w, label_changes(c, 20, "E.") >= 3);
}

/* A timeout chooses a path by itself. Others are left alone for a while. */
CASE(label_of_congested_path_stays_after_timeout)
{
	open_dctcp(w, c, "5", "3");
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	rx(c, ". seq=1 len=100");
	tx(c, ". ack=101");
	CHECK_EQ(w, 0, label_changes(c, 20, "E."));
}

CASE(label_for_who_asks)
{
	CHECK(w, sysctl_try("net/ipv6/auto_flowlabels", "2"));
	conn_passive(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow=0");
	sock_set(w, c->fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1);
	tx(c, ". ack=101");
	conn_write(c, 100, 0);
	rx(c, ". seq=101 len=100 flow!=0");
}

/*
 * Data that came before comes again: by the network while its label is the same, by a peer that has
 * had a timeout if not. Then our ACKs may be what gets lost, and go another way.
 */
CASE(label_changes_with_duplicate_data)
{
	__u32 label;
	int i;

	kernel_tcp_since(w, 6, 12);
	conn_passive(w, c, "mss=1000 sackok");
	tx(c, ". seq=1 len=1000 flow=0x11111");
	rx(c, ". ack=1001 flow!=0");
	label = c->seg.flow;
	for (i = 0; i < 3; i++) {
		tx(c, ". seq=1 len=1000 flow=0x11111");
		rx(c, ". ack=1001 sack=1:1001 flow=%u", label);
	}
	CHECK_EQ(w, 0, mib(w, "TcpDuplicateDataRehash"));
	tx(c, ". seq=1 len=1000 flow=0x22222");
	rx(c, ". ack=1001 sack=1:1001 flow!=%u", label);
	CHECK_EQ(w, 1, mib(w, "TcpDuplicateDataRehash"));
	conn_read(c, 0, 1000);
}

/* Two routes of equal cost, one of them into the void: who gets no answer there tries the other one
 * some time. Of 30 connections, half of which begin there, at least one does.
 */
#define VIA	"nexthop via fe80::99 dev "

CASE_TIMEOUT(timeout_takes_another_route, 120)
{
	bool found = false;
	int i;

	kernel_tcp_since(w, 7, 3);
	/* Not in each kernel that is built for tests. */
	if (system("ip link add dummy0 type dummy && ip link set dummy0 up"))
		_exit(EXIT_SKIP);
	CHECK(w, !system("ip route add " PEER_ADDR6 "/128 " VIA "tun0 " VIA "dummy0"));
	for (i = 0; i < 30 && !found; i++) {
		conn_init(w, c);
		sock_connect(c);
		found = !wire_next(c, 500) && wire_next(c, 8000);
		close(c->fd);
	}
	CHECK(w, found);
	CHECK(w, mib(w, "TcpTimeoutRehash") > 0);
}

/* flowlabel_reflect, bit 0: what we send has the label that the peer sends. */
CASE(label_is_the_peers)
{
	CHECK(w, sysctl_try("net/ipv6/auto_flowlabels", "0"));
	CHECK(w, sysctl_try("net/ipv6/flowlabel_reflect", "1"));
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 flow=0x12345");
	rx(c, "S. seq=0 ack=1 flow=0x12345");
	tx(c, ". seq=1 ack=1 flow=0x12345");
	conn_accept(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow=0x12345");
}

/* A label of the user's own: IPV6_FLOWLABEL_MGR, then sin6_flowinfo of connect(). */
CASE(label_is_the_users)
{
	struct in6_flowlabel_req req = {
		.flr_label = htonl(0x54321),
		.flr_action = IPV6_FL_A_GET,
		.flr_share = IPV6_FL_S_EXCL,
		.flr_flags = IPV6_FL_F_CREATE,
	};
	union wire_addr addr;
	socklen_t len;

	conn_init(w, c);
	c->fd = sock_open(w);
	inet_pton(AF_INET6, w->peer6, &req.flr_dst);
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &req, sizeof(req)));
	sock_set(w, c->fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1);
	len = sock_peer(c, &addr);
	addr.in6.sin6_flowinfo = req.flr_label;
	CHECK_EQ(w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(w, EINPROGRESS, errno);
	rx(c, "S seq=0 flow=0x54321");
	finish_active(c, NULL);
	CHECK_EQ(w, 0x54321, c->seg.flow);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 flow=0x54321");
	/* Even a timeout leaves it alone. */
	rx(c, ". seq=1 len=100 flow=0x54321 t>=%d", RTO_MIN_MS);
}

CASE(label_in_time_wait)
{
	__u32 label;

	conn_passive(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1 flow!=0");
	label = c->seg.flow;
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2 flow=%u", label);
	/* The FIN again: answered by what is left of the socket. */
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2 flow=%u", label);
}

/* ---- traffic class ---- */

CASE(traffic_class)
{
	conn_passive(w, c, NULL);
	sock_set(w, c->fd, IPPROTO_IPV6, IPV6_TCLASS, 0x48);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 tos=0x48");
	tx(c, ". ack=101 len=10");
	rx(c, ". ack=11 tos=0x48");
}

/* tcp_reflect_tos: that of the SYN. */
CASE(traffic_class_of_the_syn)
{
	sysctl_set(w, "tcp_reflect_tos", "1");
	conn_init(w, c);
	c->listener = sock_listen(w, PORT, 16);
	c->lport = PORT;
	tx(c, "S seq=0 mss=1000 tos=0x68");
	rx(c, "S. seq=0 ack=1 tos=0x68");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100 tos=0x68");
}

/* ---- link-local addresses, rfc4007 ---- */

static void link_local(struct wire *w)
{
	w->local6 = LINK_LOCAL;
	w->peer6 = LINK_PEER;
	wire_add_v6(w, LINK_LOCAL);
}

/* The listener is bound to no device; the child knows the link it is on. */
CASE(link_local_passive)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in6 name;
	socklen_t len = sizeof(name);

	link_local(w);
	conn_init(w, c);
	c->listener = sock_open(w);
	CHECK_EQ(w, 0, bind(c->listener, (void *)&any, sizeof(any)));
	CHECK_EQ(w, 0, listen(c->listener, 16));
	handshake(c, NULL);
	/* That accept() tells the scope of the peer is checked in there. */
	conn_accept(c);
	CHECK_EQ(w, 0, getsockname(c->fd, (void *)&name, &len));
	CHECK_EQ(w, if_nametoindex("tun0"), name.sin6_scope_id);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	tx(c, ". ack=101");
	check_alive(c);
	conn_close(c);
	rx(c, "F. seq=101 ack=2");
	tx(c, "F. seq=2 ack=102");
	rx(c, ". seq=102 ack=3");
}

CASE(link_local_active)
{
	link_local(w);
	conn_active(w, c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
	rx(c, ". seq=1 len=100 t>=%d", RTO_MIN_MS);
	tx(c, ". ack=101");
	check_alive(c);
}

/* Without its link such an address is none. */
CASE(link_local_without_scope)
{
	union wire_addr addr;
	socklen_t len;

	link_local(w);
	conn_init(w, c);
	c->fd = sock_open(w);
	len = sock_peer(c, &addr);
	addr.in6.sin6_scope_id = 0;
	CHECK_EQ(w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(w, EINVAL, errno);
	inet_pton(AF_INET6, LINK_LOCAL, &addr.in6.sin6_addr);
	CHECK_EQ(w, -1, bind(c->fd, &addr.any, len));
	CHECK_EQ(w, EINVAL, errno);
	/* A device will do as well. */
	sock_set(w, c->fd, SOL_SOCKET, SO_BINDTOIFINDEX, if_nametoindex("tun0"));
	len = sock_peer(c, &addr);
	addr.in6.sin6_scope_id = 0;
	CHECK_EQ(w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(w, EINPROGRESS, errno);
	rx(c, "S seq=0");
}

/* The scope of connect() and the device of the socket must be one. */
CASE(link_local_of_another_link)
{
	union wire_addr addr;
	socklen_t len;

	link_local(w);
	conn_init(w, c);
	c->fd = sock_open(w);
	sock_set(w, c->fd, SOL_SOCKET, SO_BINDTOIFINDEX, if_nametoindex("lo"));
	len = sock_peer(c, &addr);
	CHECK_EQ(w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(w, EINVAL, errno);
}

/* An answer without a socket finds its way as well. */
CASE(link_local_refused)
{
	link_local(w);
	conn_init(w, c);
	c->lport = PORT;
	tx(c, "S seq=0");
	rx(c, "R. seq=0 ack=1");
}

/* What comes to many is not answered, whoever listens. */
CASE(multicast)
{
	sock_listen(w, PORT, 16);
	conn_init(w, c);
	c->lport = PORT;
	w->local6 = "ff02::1";
	tx(c, "S seq=0");
	w->local6 = LOCAL_ADDR6;
	none(c);
}
