// SPDX-License-Identifier: GPL-2.0
/*
 * Mutated segments for connections in every state, through a TUN device:
 *
 *	fuzz [-f tcpx|kernel] [-n SEGMENTS] [-s SEED] [-v]
 *
 * This process is the peer. A round brings a connection into one of the states,
 * throws some hundred segments at it that were valid before one to three things
 * about them were changed, and ends it. Lengths, offsets, sequence and
 * acknowledgment numbers, windows, flags, options cut short or repeated, IP
 * options, fragments, checksums, packets in one piece and in pages: mutate.c.
 *
 * What a segment carries is always right for the sequence numbers it claims, so
 * whatever the stack takes, the stream stays what it should be. In half of the
 * rounds nothing is sent that may rightly end a connection (RST, FIN, SYN); an
 * established one has to live on then, and at the end of such a round both streams
 * are completed and every byte has been verified.
 *
 * The seed and the number of a round make it happen again.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tcpx.h>
#include "../slow.h"
#include "fuzz.h"

#define LOCAL		"10.79.0.1"
#define PEER		"10.79.0.2"
#define PORT		8080
#define STREAM		20000	/* bytes that the socket under test sends */
#define PER_ROUND	250

static int family = AF_TCPX, tun, listener;
static uint64_t seed = 1;
static bool verbose;
static unsigned long sent, verified;
static struct peer peer;

uint32_t rnd(uint32_t below)
{
	static uint64_t x;

	if (!x || peer.reseed)
		x = seed * 0x9e3779b97f4a7c15ULL + peer.round + 1;
	peer.reseed = false;
	x = x * 6364136223846793005ULL + 1442695040888963407ULL;
	return (x >> 33) % below;
}

uint8_t pattern(uint32_t offset)
{
	return offset * 7 + (offset >> 8) * 13;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static const char *state_name(enum state state)
{
	static const char * const names[] = {
		"LISTEN", "SYN_RECV", "SYN_SENT", "ESTABLISHED", "FIN_WAIT1",
		"FIN_WAIT2", "CLOSE_WAIT", "LAST_ACK", "CLOSING", "TIME_WAIT",
	};

	return names[state];
}

__attribute__((noreturn))
static void wrong(const char *what)
{
	printf("# round %u (seed %llu): %s, %s: %s\n", peer.round, (unsigned long long)seed,
	       state_name(peer.state), peer.rough ? "rough" : "gentle", what);
	printf("# peer: sent to %u acked %u, stack: sent to %u acked %u of %u, read %u\n",
	       peer.snd_max, peer.acked, peer.their_max, peer.rcv, STREAM, peer.got);
	printf("not ok 1 - fuzz: %s\n1..1\n", what);
	fflush(stdout);
	_exit(1);
}

/* --- segments ------------------------------------------------------------------ */

void emit(const void *packet, size_t len)
{
	/* What TUN itself refuses is no news. */
	if (write(tun, packet, len) > 0)
		sent++;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* What the socket under test says. */
static void hear(const uint8_t *p, size_t len)
{
	const uint8_t *tcp = p + (p[0] & 15) * 4, *opt;
	const struct tcphdr *th = (const void *)tcp;
	size_t hlen = (p[0] & 15) * 4 + th->doff * 4, i;
	uint32_t seq = ntohl(th->seq), end;

	if (p[0] >> 4 != 4 || p[9] != IPPROTO_TCP || len < hlen ||
	    ntohs(th->dest) != peer.port)
		return;
	if (!peer.lport)
		peer.lport = ntohs(th->source);
	if (ntohs(th->source) != peer.lport)
		return;
	peer.saw_rst |= th->rst;
	if (th->rst)
		return;
	if (th->syn) {
		peer.irs = seq;
		peer.saw_syn = true;
		opt = mutate_option(tcp, th->doff * 4, 3);
		peer.ws = opt ? *opt : 0;
	}
	/* A timestamp from the future that it has believed (a segment that was changed just so
	 * is as good as ours): what we say with an earlier one would be too old.
	 */
	opt = mutate_option(tcp, th->doff * 4, 8);
	if (opt && peer.ts && (int32_t)(get32(opt + 4) - peer.tsval) > 0)
		peer.tsval = get32(opt + 4);
	seq -= peer.irs;
	if (th->ack && (int32_t)(ntohl(th->ack_seq) - peer.iss - peer.acked) > 0)
		peer.acked = ntohl(th->ack_seq) - peer.iss;
	peer.their_wnd = (uint32_t)ntohs(th->window) << (th->syn ? 0 : peer.ws);
	for (i = hlen; i < len; i++)
		if (p[i] != pattern(seq - 1 + i - hlen))
			wrong("the socket sends wrong data");
	end = seq + (len - hlen) + th->syn + th->fin;
	if ((int32_t)(end - peer.their_max) > 0)
		peer.their_max = end;
	peer.saw_fin |= th->fin;
	if ((int32_t)(seq - peer.rcv) <= 0 && (int32_t)(end - peer.rcv) > 0)
		peer.rcv = end;
}

static void listen_to_it(void)
{
	static uint8_t packet[65536];
	ssize_t n;

	while ((n = read(tun, packet, sizeof(packet))) > 0)
		if (n >= 40)
			hear(packet, n);
}

/* A segment of good order */
static void say(uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	struct segment s = {
		.flags = flags, .seq = seq, .ack = ack, .win = 65535, .len = len,
		.tsval = peer.tsval, .tsecr = 0, .ts = peer.ts && !(flags & FLAG_SYN),
	};

	if (flags & FLAG_SYN) {
		s.opt_len = mutate_syn_options(&peer, s.opt);
		s.win = 30000;
	}
	segment_send(&peer, &s);
	listen_to_it();
}

static void until(bool (*done)(void), const char *what)
{
	int64_t end = now_ms() + 20000 * slow();
	struct pollfd p = { .fd = tun, .events = POLLIN };

	for (;;) {
		listen_to_it();
		if (done())
			return;
		if (now_ms() > end)
			wrong(what);
		poll(&p, 1, 20);
	}
}

/* --- the socket under test -------------------------------------------------------- */

static int new_socket(void)
{
	int one = 1, room = 100000, fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		err(2, "socket");
	/* What may come out of order has to be completed in the end. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	/* Urgent data belong to the stream, too. */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	return fd;
}

static void read_all(void)
{
	static uint8_t buf[65536];
	ssize_t n, i;

	if (peer.fd < 0)
		return;
	while ((n = recv(peer.fd, buf, sizeof(buf), 0)) > 0) {
		/* A mutated SYN may have begun the stream elsewhere. */
		for (i = 0; i < n && peer.state >= ESTABLISHED; i++)
			if (buf[i] != pattern(peer.got + i))
				wrong("wrong data were received");
		peer.got += n;
		verified += n;
	}
	peer.eof |= n == 0;
	if (n < 0 && errno != EAGAIN && !peer.rough && peer.state == ESTABLISHED)
		wrong("the connection ended");
}

static void write_stream(void)
{
	static uint8_t stream[STREAM];
	uint32_t i;

	for (i = 0; i < STREAM; i++)
		stream[i] = pattern(i);
	if (send(peer.fd, stream, STREAM, MSG_NOSIGNAL) != STREAM)
		wrong("send() took less than all");
}

static bool connected(void)
{
	struct pollfd p = { .fd = peer.fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

static bool accepted(void)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int one = 1;

	for (;;) {
		peer.fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK);
		if (peer.fd < 0)
			return false;
		if (ntohs(from.sin_port) == peer.port)
			break;
		close(peer.fd);	/* of an earlier round's mutated handshake */
	}
	setsockopt(peer.fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	return true;
}

static bool syn_seen(void) { return peer.saw_syn; }
static bool fin_seen(void) { return peer.saw_fin; }
static bool fin_acked(void) { return peer.acked >= 2; }

static void new_peer(void)
{
	static uint16_t port = 20000;

	peer = (struct peer){
		.round = peer.round, .reseed = true, .state = peer.state, .fd = -1,
		.port = port++, .snd_max = 1, .acked = 0, .rcv = 0,
	};
	if (port == 60000)
		port = 20000;
	peer.rough = rnd(2);
	peer.ts = rnd(2);
	peer.sack = rnd(4) > 0;
	peer.scale = (int)rnd(12) - 3;
	peer.tsval = rnd(1 << 30);
	/* Numbers that wrap in the middle of the stream, often */
	peer.iss = rnd(2) ? 0U - rnd(30000) : rnd(1U << 31) * 2;
}

static void open_active(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(peer.port),
		.sin_addr.s_addr = inet_addr(PEER),
	};

	peer.fd = new_socket();
	connect(peer.fd, (struct sockaddr *)&to, sizeof(to));
	until(syn_seen, "no SYN");
}

static void open_passive(void)
{
	peer.lport = PORT;
	say(FLAG_SYN, 0, 0, 0);
	until(syn_seen, "no SYN-ACK");
}

static void establish(void)
{
	if (rnd(2)) {
		open_active();
		say(FLAG_SYN | FLAG_ACK, 0, 1, 0);
		until(connected, "no connection");
	} else {
		open_passive();
		say(FLAG_ACK, 1, 1, 0);
		until(accepted, "nothing to accept");
	}
	peer.rcv = 1;
}

/* The socket closes first. */
static void close_it(void)
{
	close(peer.fd);
	peer.fd = -1;
	until(fin_seen, "no FIN");
}

static void enter_state(void)
{
	switch (peer.state) {
	case LISTEN:
		peer.lport = PORT;
		return;
	case SYN_RECV:
		open_passive();
		return;
	case SYN_SENT:
		open_active();
		return;
	default:
		establish();
	}
	switch (peer.state) {
	case ESTABLISHED:
		write_stream();
		break;
	case FIN_WAIT1:
		close_it();
		break;
	case FIN_WAIT2:
		close_it();
		say(FLAG_ACK, 1, 2, 0);
		break;
	case CLOSE_WAIT:
		say(FLAG_FIN | FLAG_ACK, 1, 1, 0);
		until(fin_acked, "the FIN was not acknowledged");
		break;
	case LAST_ACK:
		say(FLAG_FIN | FLAG_ACK, 1, 1, 0);
		until(fin_acked, "the FIN was not acknowledged");
		close_it();
		break;
	case CLOSING:
		close_it();
		say(FLAG_FIN | FLAG_ACK, 1, 1, 0);
		break;
	case TIME_WAIT:
		close_it();
		say(FLAG_FIN | FLAG_ACK, 1, 2, 0);
		break;
	default:
		break;
	}
	listen_to_it();
}

/* --- the end of a round -------------------------------------------------------------- */

/* Complete both streams: the peer's to the farthest that it sent of it. */
static bool complete(void)
{
	uint32_t len = 1000 + rnd(15000);

	read_all();
	if (peer.acked > peer.snd_max)
		wrong("acknowledged what was never sent");
	if (peer.acked == peer.snd_max && peer.their_max == STREAM + 1 && peer.rcv == STREAM + 1)
		return true;
	if (len > peer.snd_max - peer.acked)
		len = peer.snd_max - peer.acked;
	say(FLAG_ACK, peer.acked, peer.rcv, len);
	return false;
}

static void end_round(void)
{
	struct linger none = { .l_onoff = 1 };

	listen_to_it();
	read_all();
	if (peer.state == ESTABLISHED && !peer.rough) {
		if (peer.saw_rst)
			wrong("a reset");
		until(complete, "the streams are not completed");
		if (peer.got != peer.snd_max - 1)
			wrong("not all was received");
	}
	if (peer.fd >= 0) {
		setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
		close(peer.fd);
	}
	/* For what is no socket any more */
	if (peer.state != LISTEN)
		say(FLAG_RST, peer.acked, 0, 0);
}

static void one_round(void)
{
	unsigned int i;

	peer.state = peer.round % 3 ? ESTABLISHED : peer.round / 3 % NR_STATES;
	new_peer();
	enter_state();
	if (verbose)
		printf("# round %u: %s, %s\n", peer.round, state_name(peer.state),
		       peer.rough ? "rough" : "gentle");
	for (i = 0; i < PER_ROUND; i++) {
		mutate_and_send(&peer);
		if (!rnd(8))
			listen_to_it();
		if (!rnd(16))
			read_all();
		if (!rnd(20) && !peer.rough)
			say(FLAG_ACK, peer.acked, peer.rcv, 0);
	}
	end_round();
	peer.round++;
}

/* --- set-up ----------------------------------------------------------------------------- */

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		err(2, "%s", path);
	close(fd);
}

static void bring_up(const char *name, const char *addr)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct ifreq ifr = {};

	strcpy(ifr.ifr_name, name);
	sin.sin_addr.s_addr = inet_addr(addr);
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	if (ioctl(fd, SIOCSIFADDR, &ifr))
		err(2, "address");
	sin.sin_addr.s_addr = inet_addr("255.255.255.0");
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	if (ioctl(fd, SIOCSIFNETMASK, &ifr))
		err(2, "netmask");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(2, "up");
	close(fd);
}

static void open_wire(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_NAPI };

	if (unshare(CLONE_NEWNET))
		err(2, "unshare");
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(ifr.ifr_name, "tun0");
	if (tun < 0 || ioctl(tun, TUNSETIFF, &ifr))
		err(2, "tun");
	bring_up("tun0", LOCAL);
	/* What a round leaves behind shall not live long, nor keep silent. */
	set("/proc/sys/net/ipv4/tcp_max_tw_buckets", "64");
	set("/proc/sys/net/ipv4/tcp_orphan_retries", "1");
	set("/proc/sys/net/ipv4/tcp_fin_timeout", "2");
	set("/proc/sys/net/ipv4/tcp_invalid_ratelimit", "0");
	set("/proc/sys/net/ipv4/tcp_synack_retries", "1");
	set("/proc/sys/net/ipv4/tcp_syncookies", "1");
	set("/proc/sys/net/ipv4/conf/all/accept_source_route", "1");
	set("/proc/sys/net/ipv4/conf/tun0/accept_source_route", "1");
}

static void open_listener(void)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr(LOCAL),
	};
	int one = 1;

	listener = new_socket();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&sin, sizeof(sin)) || listen(listener, 1024))
		err(2, "listener");
}

static void parse_args(int argc, char **argv, unsigned long *segments)
{
	int c;

	while ((c = getopt(argc, argv, "f:n:s:v")) != -1) {
		switch (c) {
		case 'f':
			family = strcmp(optarg, "kernel") ? AF_TCPX : AF_INET;
			break;
		case 'n':
			*segments = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long segments = 20000;

	parse_args(argc, argv, &segments);
	open_wire();
	open_listener();
	while (sent < segments)
		one_round();
	printf("# %lu segments in %u rounds, %lu bytes received and verified\n", sent,
	       peer.round, verified);
	printf("ok 1 - fuzz: mutated segments in every state\n1..1\n");
	return 0;
}
