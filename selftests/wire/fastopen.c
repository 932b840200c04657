// SPDX-License-Identifier: GPL-2.0
/*
 * TCP Fast Open, rfc7413: data in the SYN, at the listener and at the side that opens.
 */
#include "fixture.h"

#define CLIENT		0x1
#define SERVER		0x2
#define CLIENT_NO_COOKIE 0x4
#define SERVER_NO_COOKIE 0x200
#define ALL_LISTENERS	0x400

static void fastopen_sysctl(struct wire *w, int flags)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", flags);
	sysctl_set(w, "tcp_fastopen", text);
}

/* What glibc's struct tcp_info does not have: <linux/tcp.h> and it exclude each other. */
#define INFO_BYTES_RECEIVED	128	/* offset of tcpi_bytes_received, __u64 */
#define INFO_CLIENT_FAIL	7	/* of the byte that ends with tcpi_fastopen_client_fail */

static int client_fail(struct wire *w, int fd)
{
	__u8 info[256] = { 0 };
	socklen_t len = sizeof(info);

	CHECK_EQ(w, 0, getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	return info[INFO_CLIENT_FAIL] >> 1 & 3;
}

static __u64 bytes_received(struct wire *w, int fd)
{
	__u8 info[256] = { 0 };
	socklen_t len = sizeof(info);
	__u64 bytes;

	CHECK_EQ(w, 0, getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len));
	memcpy(&bytes, info + INFO_BYTES_RECEIVED, sizeof(bytes));
	return bytes;
}

#define INFO_TFO_CHILD	128	/* of tcpi_options */

/* A cookie as opt= wants it, under kind 34 or the experimental one. */
static const char *fo_option(const __u8 *cookie, int len, bool exp)
{
	static char text[64];
	int i, n = sprintf(text, exp ? "fe%02xf989" : "22%02x", len + (exp ? 4 : 2));

	for (i = 0; i < len; i++)
		n += sprintf(text + n, "%02x", cookie[i]);
	return text;
}

/* ---- the listener ---- */

/* A listener with Fast Open, and in cookie what it gives to the peer. */
static int listener(struct wire *w, int qlen, __u8 *cookie)
{
	int fd = sock_listen(w, PORT, 16);
	struct conn c;

	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, qlen);
	conn_init(w, &c);
	c.lport = PORT;
	tx(&c, "S seq=0 mss=1000 sackok ws=0 opt=2202");
	rx(&c, "S. seq=0 ack=1 mss sackok ws fo=8 nofoexp");
	memcpy(cookie, c.seg.cookie, 8);
	tx(&c, "R seq=1");
	return fd;
}

static void begin(struct wire *w, struct conn *c, int fd)
{
	conn_init(w, c);
	c->listener = fd;
	c->lport = PORT;
}

/* A SYN with the cookie and len bytes, taken by the listener. */
static void open_with(struct wire *w, struct conn *c, int fd, const __u8 *cookie, int len)
{
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 sackok ws=0 len=%d opt=%s", len, fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=%d nofo nofoexp", 1 + len);
	conn_accept(c);
}

static void server(struct wire *w, int flags)
{
	fastopen_sysctl(w, CLIENT | SERVER | flags);
}

CASE(data_in_syn)
{
	__u8 cookie[8];
	struct tcp_info info;
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenCookieReqd"));
	open_with(w, c, fd, cookie, 100);
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenPassive"));
	/* Read and answered before the handshake is complete. */
	conn_read(c, 0, 100);
	info = tcp_info_of(c);
	CHECK_EQ(w, TCP_SYN_RECV, info.tcpi_state);
	CHECK(w, info.tcpi_options & TCPI_OPT_SYN_DATA);
	CHECK_EQ(w, 100, bytes_received(w, c->fd));
	conn_write(c, 50, 0);
	rx(c, ". seq=1 ack=101 len=50");
	tx(c, ". seq=101 ack=51");
	none(c);
	CHECK_EQ(w, TCP_ESTABLISHED, tcp_info_of(c).tcpi_state);
	check_alive(c);
}

CASE(no_data_in_syn_with_cookie)
{
	__u8 cookie[8];

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 0);
	conn_would_block(c);
	conn_write(c, 10, 0);
	rx(c, ". seq=1 ack=1 len=10");
	tx(c, ". seq=1 ack=11 len=20");
	conn_read(c, 0, 20);
}

/* A wrong cookie: the right one is told, the data is not taken. */
CASE(wrong_cookie)
{
	__u8 cookie[8], right[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, right);
	memcpy(cookie, right, 8);
	cookie[3] ^= 1;
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 sackok ws=0 len=100 opt=%s", fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=1 fo=8");
	CHECK(w, !memcmp(right, c->seg.cookie, 8));
	CHECK(w, !wait_for(fd, POLLIN, 0));
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenPassiveFail"));
	tx(c, ". seq=1 ack=1 len=100");
	rx(c, ". ack=101");
	conn_accept(c);
	conn_read(c, 0, 100);
	CHECK(w, !(tcp_info_of(c).tcpi_options & (TCPI_OPT_SYN_DATA | INFO_TFO_CHILD)));
}

/* TCP_INFO tells which connection came so, with or without data. */
CASE(child_is_known)
{
	__u8 cookie[8];
	int fd;

	kernel_tcp_since(w, 7, 3);
	server(w, 0);
	fd = listener(w, 5, cookie);
	open_with(w, c, fd, cookie, 0);
	CHECK(w, tcp_info_of(c).tcpi_options & INFO_TFO_CHILD);
	CHECK(w, !(tcp_info_of(c).tcpi_options & TCPI_OPT_SYN_DATA));
}

CASE(wrong_length_of_cookie)
{
	__u8 cookie[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	begin(w, c, fd);
	/* Odd, or too short: as if it were not there. */
	tx(c, "S seq=0 mss=1000 len=10 opt=2203aa");
	rx(c, "S. seq=0 ack=1 nofo");
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10 opt=2204aabb");
	rx(c, "S. seq=0 ack=1 nofo");
	/* Valid, but not ours. */
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10 opt=2206aabbccdd");
	rx(c, "S. seq=0 ack=1 fo=8");
}

CASE(experimental_option)
{
	__u8 cookie[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 opt=fe04f989");
	rx(c, "S. seq=0 ack=1 nofo foexp=8");
	CHECK(w, !memcmp(cookie, c->seg.cookie, 8));
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=30 opt=%s", fo_option(cookie, 8, true));
	rx(c, "S. seq=0 ack=31 nofo nofoexp");
	conn_accept(c);
	conn_read(c, 0, 30);
	tx(c, ". seq=31 ack=1");
	check_alive(c);
}

/* The cookie is of the addresses: another port has the same. */
CASE(not_without_cookie)
{
	__u8 cookie[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10");
	rx(c, "S. seq=0 ack=1 nofo");
	CHECK(w, !wait_for(fd, POLLIN, 0));
}

CASE(switched_off)
{
	int fd = sock_listen(w, PORT, 16);

	fastopen_sysctl(w, CLIENT);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 nofo");
}

CASE(not_without_the_option)
{
	server(w, 0);
	begin(w, c, sock_listen(w, PORT, 16));
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 nofo");
}

CASE(all_listeners)
{
	server(w, ALL_LISTENERS);
	begin(w, c, sock_listen(w, PORT, 16));
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 fo=8");
}

CASE(cookie_not_required)
{
	int fd = sock_listen(w, PORT, 16);

	server(w, SERVER_NO_COOKIE);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10");
	rx(c, "S. seq=0 ack=11 nofo");
	conn_accept(c);
	conn_read(c, 0, 10);
	tx(c, ". seq=11 ack=1");
	check_alive(c);
}

CASE(cookie_not_required_by_socket)
{
	int fd = sock_listen(w, PORT, 16);

	server(w, 0);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10");
	rx(c, "S. seq=0 ack=11");
	conn_accept(c);
	conn_read(c, 0, 10);
}

/* The SYN-ACK is repeated as it was, and says that the data is there. */
CASE(synack_repeated)
{
	__u8 cookie[8];
	__u32 isn;

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 100);
	isn = c->irs;
	rx(c, "S. seq=0 ack=101 nofo t>=%d", 1000 - JIFFY_MS);
	CHECK_EQ(w, isn, c->irs);
	rx(c, "S. seq=0 ack=101 t>=%d", 2000 - JIFFY_MS);
	tx(c, ". seq=101 ack=1");
	conn_read(c, 0, 100);
	check_alive(c);
}

CASE(syn_repeated)
{
	__u8 cookie[8];

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 100);
	tx(c, "S seq=0 mss=1000 sackok ws=0 len=100 opt=%s", fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=101");
	/* The plain SYN that follows a timeout. */
	sysctl_set(w, "tcp_invalid_ratelimit", "0");
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=101");
	CHECK_EQ(w, 2, tcp_info_of(c).tcpi_total_retrans);
	tx(c, ". seq=101 ack=1");
	conn_read(c, 0, 100);
	check_alive(c);
}

/* What is chosen before the handshake has ended, the child having sent already, begins at once. */
CASE(congestion_control_of_the_child)
{
	__u8 cookie[8];
	__u32 info[5] = { 0 };
	socklen_t len = sizeof(info);

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 100);
	/* Not in each kernel that is built for tests. */
	if (setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, "bbr", 3))
		_exit(EXIT_SKIP);
	tx(c, ". seq=101 ack=1");
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_CC_INFO, info, &len));
	/* struct tcp_bbr_info: bw_lo, bw_hi, min_rtt, pacing_gain, cwnd_gain */
	CHECK_EQ(w, sizeof(info), len);
	CHECK(w, info[2]);
}

/*
 * A peer that has proved no address gets no more of a large buffer than the SYN-ACK can offer;
 * all of it once it has. Kernel TCP does neither or, from 6.11 on, offers all at once.
 */
CASE(window_waits_for_the_handshake)
{
	__u8 cookie[8];

	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	server(w, 0);
	sysctl_set(w, "tcp_rmem", "4096 540000 15728640");
	open_with(w, c, listener(w, 5, cookie), cookie, 100);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 ack=101 len=1000");
	CHECK(w, conn_wnd(c) <= 65536);
	tx(c, ". seq=101 ack=1001");
	conn_write(c, 1000, 0);
	rx(c, ". seq=1001 ack=101 len=1000");
	CHECK(w, conn_wnd(c) > 120000);
	conn_read(c, 0, 100);
}

/* Data that was sent before the handshake was complete waits for its end. */
CASE(data_waits_for_the_handshake)
{
	__u8 cookie[8];

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 100);
	conn_write(c, 1000, 0);
	rx(c, ". seq=1 ack=101 len=1000");
	rx(c, "S. seq=0 ack=101 t>=500");
	none_for(c, 300);
	tx(c, ". seq=101 ack=1");
	rx(c, ". seq=1 ack=101 len=1000");
	tx(c, ". ack=1001");
	conn_read(c, 0, 100);
	check_alive(c);
}

/*
 * The ACK of the SYN-ACK tells of a loss as well: it was one, and nothing makes up for it. Older
 * kernel TCP forgets that it has retransmitted.
 */
CASE(loss_told_by_the_last_ack_of_the_handshake)
{
	struct tcp_info before, after;
	__u8 cookie[8];

	kernel_tcp_since(w, 6, 12);
	server(w, 0);
	begin(w, c, listener(w, 5, cookie));
	tx(c, "S seq=0 mss=1012 sackok ts ws=0 len=100 opt=%s", fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=101 ts nofo");
	conn_accept(c);
	conn_write(c, 10000, 0);
	rx_stream(c, 1, 10001, 1000);
	before = tcp_info_of(c);
	none_for(c, 100);
	tx(c, ". seq=101 ack=1 sack=1001:5001");
	rx(c, ". seq=1 len=1000 t<%d", RTO_MIN_MS / 2);
	CHECK_EQ(w, TCP_ESTABLISHED, tcp_info_of(c).tcpi_state);
	CHECK_EQ(w, TCP_CA_Recovery, tcp_info_of(c).tcpi_ca_state);
	none_for(c, 100);
	tx(c, ". seq=101 ack=10001");
	after = tcp_info_of(c);
	CHECK_EQ(w, 0, mib(w, "TCPFullUndo"));
	CHECK_EQ(w, 0, mib(w, "TCPPartialUndo"));
	CHECK(w, after.tcpi_snd_ssthresh < before.tcpi_snd_ssthresh);
	CHECK_EQ(w, after.tcpi_snd_ssthresh, after.tcpi_snd_cwnd);
}

CASE(gives_up)
{
	__u8 cookie[8];

	sysctl_set(w, "tcp_synack_retries", "0");
	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 10);
	rx(c, "S. seq=0 ack=11 t>=%d", 1000 - JIFFY_MS);
	CHECK_EQ(w, ETIMEDOUT, wait_error(c));
	check_gone(c);
}

CASE(close_before_the_handshake_ends)
{
	__u8 cookie[8];

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 10);
	conn_read(c, 0, 10);
	conn_close(c);
	rx(c, "F. seq=1 ack=11");
	tx(c, ". seq=11 ack=2");
	tx(c, "F. seq=11 ack=2");
	rx(c, ". seq=2 ack=12");
}

CASE(reset_before_accept)
{
	__u8 cookie[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10 opt=%s", fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=11");
	tx(c, "R seq=11");
	none(c);
	/* It is in the queue: its end is for the user to see. */
	conn_accept(c);
	CHECK_EQ(w, ECONNRESET, sock_error(c->fd));
}

/* rfc5961#section-3.2 */
CASE(inexact_reset)
{
	__u8 cookie[8];

	server(w, 0);
	open_with(w, c, listener(w, 5, cookie), cookie, 10);
	tx(c, "R seq=20");
	rx(c, ". seq=1 ack=11");
	tx(c, ". seq=11 ack=1");
	conn_read(c, 0, 10);
	check_alive(c);
}

/* No more than TCP_FASTOPEN says are open in this way at a time. */
CASE(queue_length)
{
	__u8 cookie[8];
	struct conn d;
	int fd;

	server(w, 0);
	fd = listener(w, 1, cookie);
	open_with(w, c, fd, cookie, 10);
	begin(w, &d, fd);
	tx(&d, "S seq=0 mss=1000 len=10 opt=%s", fo_option(cookie, 8, false));
	rx(&d, "S. seq=0 ack=1 nofo");
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenListenOverflow"));
	tx(c, ". seq=11 ack=1");
	none(c);
	open_with(w, &d, fd, cookie, 10);
	conn_read(&d, 0, 10);
}

/* A reset after accept() may mean that the peer is not who he says: it counts on. */
CASE(reset_counts_on)
{
	__u8 cookie[8];
	struct conn d;
	int fd;

	server(w, 0);
	fd = listener(w, 1, cookie);
	open_with(w, c, fd, cookie, 10);
	tx(c, "R seq=11");
	none(c);
	CHECK_EQ(w, ECONNRESET, sock_error(c->fd));
	begin(w, &d, fd);
	tx(&d, "S seq=0 mss=1000 len=10 opt=%s", fo_option(cookie, 8, false));
	rx(&d, "S. seq=0 ack=1 nofo");
}

CASE(not_with_syn_cookies)
{
	__u8 cookie[8];
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	sysctl_set(w, "tcp_syncookies", "2");
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10 opt=%s", fo_option(cookie, 8, false));
	rx(c, "S. seq=0 ack=1 nofo");
	tx(c, ". seq=1 ack=1 len=10");
	conn_accept(c);
	conn_read(c, 0, 10);
}

/* A key of the listener's own, and a second one whose cookies are still good. */
CASE(keys)
{
	static const __u8 keys[32] = "first key 123456second key 12345";
	__u8 old[8], new[8], back[32];
	socklen_t len = sizeof(back);
	int fd;

	server(w, 0);
	fd = sock_listen(w, PORT, 16);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
	CHECK_EQ(w, 0, setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys + 16, 16));
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 fo=8");
	memcpy(old, c->seg.cookie, 8);
	CHECK_EQ(w, 0, setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys, 32));
	CHECK_EQ(w, 0, getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, back, &len));
	CHECK_EQ(w, 32, len);
	CHECK(w, !memcmp(keys, back, 32));
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 fo=8");
	memcpy(new, c->seg.cookie, 8);
	CHECK(w, memcmp(old, new, 8));
	/* The old one is taken, and the new one told. */
	begin(w, c, fd);
	tx(c, "S seq=0 mss=1000 len=10 opt=%s", fo_option(old, 8, false));
	rx(c, "S. seq=0 ack=11 fo=8");
	CHECK(w, !memcmp(new, c->seg.cookie, 8));
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenPassiveAltKey"));
	conn_accept(c);
	open_with(w, c, fd, new, 10);
	CHECK_EQ(w, -1, setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys, 15));
	CHECK_EQ(w, EINVAL, errno);
}

/* net.ipv4.tcp_fastopen_key is both stacks' key: so the cookie is the same. */
CASE(key_of_the_host)
{
	struct kind kind = w->kind;
	int fd;
	__u8 cookie[8];

	server(w, 0);
	sysctl_set(w, "tcp_fastopen_key", "00112233-44556677-8899aabb-ccddeeff");
	listener(w, 5, cookie);
	w->kind.family = on_v6(w) ? AF_INET6 : AF_INET;
	w->kind.protocol = 0;
	fd = sock_listen(w, PORT + 1, 16);
	sock_set(w, fd, IPPROTO_TCP, TCP_FASTOPEN, 5);
	w->kind = kind;
	conn_init(w, c);
	c->lport = PORT + 1;
	tx(c, "S seq=0 mss=1000 opt=2202");
	rx(c, "S. seq=0 ack=1 fo=8");
	CHECK(w, !memcmp(cookie, c->seg.cookie, 8));
	close(fd);
}

/* The listener closes: who was not accepted is reset, who was goes on. */
CASE(listener_closes)
{
	__u8 cookie[8];
	struct conn d;
	int fd;

	server(w, 0);
	fd = listener(w, 5, cookie);
	open_with(w, c, fd, cookie, 10);
	begin(w, &d, fd);
	tx(&d, "S seq=0 mss=1000 len=10 opt=%s", fo_option(cookie, 8, false));
	rx(&d, "S. seq=0 ack=11");
	close(fd);
	rx(&d, "R. seq=1");
	tx(c, ". seq=11 ack=1");
	conn_read(c, 0, 10);
	check_alive(c);
}

CASE(saved_syn)
{
	__u8 syn[128];
	socklen_t len = 4;
	int fd = sock_listen(w, PORT, 16), hlen = ip_hlen(w, NULL);

	sock_set(w, fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	begin(w, c, fd);
	handshake(c, "mss=1000 ws=3");
	conn_accept(c);
	CHECK_EQ(w, -1, getsockopt(c->fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	CHECK_EQ(w, EINVAL, errno);
	CHECK_EQ(w, hlen + 20 + 8, len);
	len = sizeof(syn);
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	CHECK_EQ(w, hlen + 20 + 8, len);
	CHECK_EQ(w, on_v6(w) ? 6 : 4, syn[0] >> 4);
	CHECK_EQ(w, c->pport, syn[hlen] << 8 | syn[hlen + 1]);
	/* Once only. */
	len = sizeof(syn);
	CHECK_EQ(w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
	CHECK_EQ(w, 0, len);
}

/* ---- the side that opens ---- */

static const __u8 peers[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* sendto() with MSG_FASTOPEN; what it returns, or -errno. */
static int fastopen_send(struct conn *c, size_t len, int flags)
{
	union wire_addr addr;
	socklen_t addr_len = sock_peer(c, &addr);
	static __u8 data[1 << 16];
	ssize_t n;
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = pattern(c->written + i);
	c->last = wire_now();
	n = sendto(c->fd, data, len, MSG_FASTOPEN | MSG_NOSIGNAL | flags, &addr.any,
		   addr_len);
	if (n > 0)
		c->written += n;
	return n < 0 ? -errno : n;
}

/* The peer's cookie is known, and that its MSS is 1000. */
static void learn_cookie(struct wire *w, struct conn *c)
{
	conn_init(w, c);
	c->fd = sock_open(w);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 mss=1460 sackok ts ws fo=0 nofoexp");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0 opt=%s", fo_option(peers, 8, false));
	rx(c, ". seq=1 ack=1");
	CHECK_EQ(w, 1, client_fail(w, c->fd));
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "R seq=1");
}

static void open_socket(struct wire *w, struct conn *c)
{
	conn_init(w, c);
	c->fd = sock_open(w);
}

CASE(client_asks_for_a_cookie)
{
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 mss sackok ts ws fo=0 nofoexp");
	/* Others are ignored meanwhile. */
	CHECK_EQ(w, -EALREADY, fastopen_send(c, 100, 0));
	finish_active(c, NULL);
	conn_write(c, 100, 0);
	rx(c, ". seq=1 len=100");
}

CASE(client_sends_data_in_syn)
{
	struct tcp_info info;

	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 mss=1460 sackok ts ws fo=8 nofoexp");
	CHECK(w, !memcmp(peers, c->seg.cookie, 8));
	tx(c, "S. seq=0 ack=101 mss=1000 sackok ws=0");
	rx(c, ". seq=101 ack=1");
	CHECK(w, wait_for(c->fd, POLLOUT, DEADLINE_MS));
	info = tcp_info_of(c);
	CHECK(w, info.tcpi_options & TCPI_OPT_SYN_DATA);
	CHECK_EQ(w, 0, client_fail(w, c->fd));
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenActive"));
	conn_write(c, 100, 0);
	rx(c, ". seq=101 len=100");
	tx(c, ". ack=201");
	none(c);
	check_alive(c);
}

/* The peer does not take the data: it is sent again at once. */
CASE(client_data_not_acked)
{
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0");
	rx(c, "P. seq=1 ack=1 len=100 t<200");
	CHECK_EQ(w, 2, client_fail(w, c->fd));
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenActiveFail"));
	tx(c, ". seq=1 ack=101");
	none(c);
	check_alive(c);
}

/* A SYN that is repeated is a plain one. */
CASE(client_syn_repeated)
{
	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	rx(c, "S seq=0 mss sackok ts ws nofo nofoexp t>=%d", 1000 - JIFFY_MS);
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0");
	rx(c, "P. seq=1 ack=1 len=100 t<200");
	CHECK_EQ(w, 3, client_fail(w, c->fd));
	tx(c, ". seq=1 ack=101");
	check_alive(c);
}

/* More than fits: the segment is full but for the room that options may need. */
CASE(client_takes_what_fits)
{
	int n;

	learn_cookie(w, c);
	open_socket(w, c);
	n = fastopen_send(c, 5000, 0);
	/* 1000 of the peer's MSS less 40 for options. */
	CHECK_EQ(w, 960, n);
	rx(c, "S seq=0 len=960 fo=8");
	tx(c, "S. seq=0 ack=961 mss=1000 sackok ws=0");
	rx(c, ". seq=961 ack=1");
	conn_write(c, 1500, 0);
	rx_stream(c, 961, 2461, 1000);
}

CASE(client_empty_write)
{
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 0, 0));
	rx(c, "S seq=0 fo=8");
	finish_active(c, NULL);
}

/* Data in the SYN-ACK: read, and acknowledged with the handshake. */
CASE(client_gets_data_in_synack)
{
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	tx(c, "S. seq=0 ack=101 mss=1000 sackok ws=0 len=50");
	rx(c, ". seq=101 ack=51");
	conn_read(c, 0, 50);
	check_alive(c);
}

CASE(client_switched_off)
{
	fastopen_sysctl(w, SERVER);
	open_socket(w, c);
	CHECK_EQ(w, -EOPNOTSUPP, fastopen_send(c, 100, 0));
	none(c);
}

CASE(client_without_cookie)
{
	fastopen_sysctl(w, CLIENT | CLIENT_NO_COOKIE);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 nofo nofoexp");
	tx(c, "S. seq=0 ack=101 mss=1000 sackok ws=0");
	rx(c, ". seq=101 ack=1");
	check_alive(c);
}

CASE(client_without_cookie_by_socket)
{
	open_socket(w, c);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 nofo");
}

/* No answer to the option's own kind: ask once under the experimental one. */
CASE(client_tries_experimental)
{
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 10, 0));
	rx(c, "S seq=0 fo=0 nofoexp");
	finish_active(c, NULL);
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 10, 0));
	rx(c, "S seq=0 nofo foexp=0");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0 opt=%s", fo_option(peers, 8, true));
	rx(c, ". seq=1 ack=1");
	open_socket(w, c);
	CHECK_EQ(w, 10, fastopen_send(c, 10, 0));
	rx(c, "S seq=0 len=10 nofo foexp=8");
}

/* TCP_FASTOPEN_CONNECT: connect() returns at once, the first write opens. */
CASE(client_connect_is_put_off)
{
	union wire_addr addr;
	socklen_t len;

	learn_cookie(w, c);
	open_socket(w, c);
	len = sock_peer(c, &addr);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	CHECK_EQ(w, 0, connect(c->fd, &addr.any, len));
	none(c);
	CHECK(w, wait_for(c->fd, POLLOUT, 0));
	CHECK_EQ(w, -1, connect(c->fd, &addr.any, len));
	CHECK_EQ(w, EISCONN, errno);
	conn_write(c, 100, 0);
	rx(c, "S seq=0 len=100 fo=8");
	CHECK(w, !wait_for(c->fd, POLLOUT, 0));
	tx(c, "S. seq=0 ack=101 mss=1000 sackok ws=0");
	rx(c, ". seq=101 ack=1");
	check_alive(c);
}

/* Without a cookie it is an ordinary connect() that asks for one. */
CASE(client_connect_asks)
{
	open_socket(w, c);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	sock_connect(c);
	rx(c, "S seq=0 fo=0");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0 opt=%s", fo_option(peers, 8, false));
	rx(c, ". seq=1 ack=1");
	open_socket(w, c);
	CHECK_EQ(w, 10, fastopen_send(c, 10, 0));
	rx(c, "S seq=0 len=10 fo=8");
}

CASE(client_put_off_and_closed)
{
	union wire_addr addr;
	socklen_t len;

	learn_cookie(w, c);
	open_socket(w, c);
	len = sock_peer(c, &addr);
	sock_set(w, c->fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	CHECK_EQ(w, 0, connect(c->fd, &addr.any, len));
	conn_close(c);
	none(c);
}

/* A peer that refuses. */
CASE(client_refused)
{
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	tx(c, "R. seq=0 ack=101");
	CHECK_EQ(w, ECONNREFUSED, wait_error(c));
}

/* The third timeout in a row: something on the way does not like it. */
CASE(client_black_hole)
{
	sysctl_try("net/ipv4/tcp_syn_linear_timeouts", "0");
	sysctl_set(w, "tcp_fastopen_blackhole_timeout_sec", "3600");
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	rx(c, "S seq=0 nofo");
	rx(c, "S seq=0 nofo");
	CHECK_EQ(w, 0, mib(w, "TCPFastOpenBlackhole"));
	rx(c, "S seq=0 nofo");
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenBlackhole"));
	/* From now on it is not even asked for. */
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 nofo nofoexp");
	/* Until the admin says so. */
	sysctl_set(w, "tcp_fastopen_blackhole_timeout_sec", "3600");
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
}

/* A FIN beyond a hole and nothing else: the data was swallowed. */
CASE(client_black_hole_by_fin)
{
	sysctl_set(w, "tcp_fastopen_blackhole_timeout_sec", "3600");
	learn_cookie(w, c);
	open_socket(w, c);
	CHECK_EQ(w, 100, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 len=100 fo=8");
	tx(c, "S. seq=0 ack=101 mss=1000 sackok ws=0");
	rx(c, ". seq=101 ack=1");
	tx(c, "F. seq=500 ack=101");
	rx(c, ". seq=101 ack=1 sack");
	CHECK_EQ(w, 0, mib(w, "TCPFastOpenBlackhole"));
	conn_close(c);
	rx(c, "F. seq=101 ack=1");
	tx(c, "R seq=1");
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 nofo nofoexp");
	CHECK_EQ(w, 1, mib(w, "TCPFastOpenBlackhole"));
}

/* It goes to who opens a connection as well: both may have the same cookie. */
CASE(client_cookie_by_connect_only_when_asked)
{
	conn_active(w, c, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "R seq=1");
	/* An unsolicited cookie is not remembered. */
	conn_init(w, c);
	sock_connect(c);
	rx(c, "S seq=0 nofo");
	tx(c, "S. seq=0 ack=1 mss=1000 sackok ws=0 opt=%s", fo_option(peers, 8, false));
	rx(c, ". seq=1 ack=1");
	open_socket(w, c);
	CHECK_EQ(w, -EINPROGRESS, fastopen_send(c, 100, 0));
	rx(c, "S seq=0 fo=0");
}
