// SPDX-License-Identifier: GPL-2.0
/*
 * More accurate ECN feedback, rfc9768. Kernel TCP has it since 6.18 only.
 *
 * ACE is written as its three flags, A (4), W (2) and E (1): the counter begins with 5,
 * EA; 6 is WA, 7 EWA, then none.
 */
#include "fixture.h"

/* What the peer's option says when nothing has come yet; kind 174. */
#define OPTION	"opt=ae0b00000100000000000101"

/* With data, all is counted; a hundred bytes of ECT(0) are 0x64. */
#define NOT_ECT	"tos=0"
#define ECT_0	"tos=2"
#define CE	"tos=3"

static void accecn(struct wire *w, const char *mode)
{
	if (sysctl_try("net/ipv4/tcp_ecn_option", "2")) {
		sysctl_set(w, "tcp_ecn", mode);
		return;
	}
	if (w->kind.family == AF_INET || w->kind.family == AF_INET6)
		_exit(EXIT_SKIP);
	CHECK(w, sysctl_try("net/tcpx/tcp_ecn", mode));
}

static void option_mode(struct wire *w, const char *mode)
{
	CHECK(w, sysctl_try("net/ipv4/tcp_ecn_option", mode) ||
	      sysctl_try("net/tcpx/tcp_ecn_option", mode));
	CHECK(w, sysctl_try("net/ipv4/tcp_ecn_option_beacon", "0") ||
	      sysctl_try("net/tcpx/tcp_ecn_option_beacon", "0"));
}

static void listening(struct wire *w, struct conn *c)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->listener = listener;
	c->lport = PORT;
}

static void next_conn(struct wire *w, struct conn *c, struct conn *one)
{
	conn_init(w, one);
	one->listener = c->listener;
	one->lport = PORT;
}

static void open_passive(struct wire *w, struct conn *c)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000 sackok ws=0");
	rx(c, "SW. seq=0 ack=1 acc=3 e1b=1 ceb=0 e0b=1");
	tx(c, "W. seq=1 ack=1 " OPTION);
	conn_accept(c);
}

/* ---- the handshake ---- */

/* rfc9768#section-3.1.1, table 2: the SYN-ACK tells how the SYN came. */
CASE(server)
{
	static const struct {
		const char *syn, *tos, *synack;
		bool accecn;
	} cases[] = {
		{ "SEWA", NOT_ECT, "SW.", true },
		{ "SEWA", "tos=1", "SEW.", true },
		{ "SEWA", ECT_0, "SA.", true },
		{ "SEWA", CE, "SWA.", true },
		/* section 3.1.2: what has no meaning yet asks as well. */
		{ "SA", NOT_ECT, "SW.", true },
		{ "SWA", NOT_ECT, "SW.", true },
		{ "SE", NOT_ECT, "SW.", true },
		{ "SEW", NOT_ECT, "SE.", false },
		{ "S", NOT_ECT, "S.", false },
	};
	size_t i;

	accecn(w, "3");
	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *option = cases[i].accecn ? "acc=3 e1b=1 ceb=0 e0b=1" : "noacc";
		struct conn one;

		next_conn(w, c, &one);
		tx(&one, "%s seq=0 mss=1000 %s", cases[i].syn, cases[i].tos);
		rx(&one, "%s seq=0 ack=1 " NOT_ECT " %s", cases[i].synack, option);
		tx(&one, "R seq=1");
	}
}

/* net.ipv4.tcp_ecn: 3 both ways, 4 and 5 for those who ask only. */
CASE(modes)
{
	static const struct {
		const char *mode, *syn, *synack;
	} cases[] = {
		{ "3", "SEWA", "SW." },
		{ "4", "SEW", "SW." },
		{ "5", "S", "SW." },
	};
	size_t i;

	accecn(w, "3");
	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conn one;

		accecn(w, cases[i].mode);
		next_conn(w, c, &one);
		tx(&one, "SEWA seq=0 mss=1000");
		rx(&one, "%s seq=0 ack=1", cases[i].synack);
		tx(&one, "R seq=1");

		conn_init(w, &one);
		sock_connect(&one);
		rx(&one, "%s seq=0 noacc", cases[i].syn);
		close(one.fd);
	}
}

/* The ACK of the SYN-ACK tells how that came; only then the counters begin. */
CASE(client)
{
	static const struct {
		const char *synack, *tos, *ack, *data;
	} cases[] = {
		{ "SW.", NOT_ECT, "W. " ECT_0, "PEA. " ECT_0 },
		{ "SW.", ECT_0, "A. " ECT_0, "PEA. " ECT_0 },
		{ "SW.", "tos=1", "EW. " ECT_0, "PEA. " ECT_0 },
		{ "SW.", CE, "WA. " ECT_0, "PWA. " ECT_0 },
		/* The peer has only rfc3168, or nothing. */
		{ "SE.", NOT_ECT, ". " NOT_ECT, "P. " ECT_0 },
		{ "S.", NOT_ECT, ". " NOT_ECT, "P. " NOT_ECT },
		{ "SEWA.", NOT_ECT, ". " NOT_ECT, "P. " NOT_ECT },
		/* section 3.2.2.3: our SYN was not ECN-capable. It was mangled: mark nothing. */
		{ "SA.", NOT_ECT, "W. " NOT_ECT, "PEA. " NOT_ECT },
	};
	size_t i;

	accecn(w, "3");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		conn_init(w, c);
		sock_connect(c);
		rx(c, "SEWA seq=0 noacc " NOT_ECT);
		tx(c, "%s seq=0 ack=1 mss=1000 %s", cases[i].synack, cases[i].tos);
		rx(c, "%s seq=1 ack=1", cases[i].ack);
		conn_write(c, 10, 0);
		rx(c, "%s seq=1 len=10", cases[i].data);
		close(c->fd);
	}
}

/* section 3.1.4.1: twice with it, then without. */
CASE(syn_again)
{
	accecn(w, "3");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEWA seq=0");
	rx(c, "SEWA seq=0");
	rx(c, "S seq=0");
	tx(c, "S. seq=0 ack=1 mss=1000");
	rx(c, ". seq=1 ack=1");
}

/* section 3.1.4.2: the option first goes, then all of it. */
CASE(synack_again)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000");
	rx(c, "SW. seq=0 ack=1 acc=3");
	rx(c, "SW. seq=0 ack=1 noacc");
	rx(c, "S. seq=0 ack=1 noacc");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 10, 0);
	rx(c, "PEA. seq=1 len=10 " NOT_ECT);
}

/* section 3.2.2.1, table 4: a first ACK without ACE: somebody has cleared it. */
CASE(third_ack_cleared)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000");
	rx(c, "SW. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	conn_write(c, 10, 0);
	rx(c, "PEA. seq=1 len=10 noacc " NOT_ECT);
	/* What comes is told nevertheless. */
	tx(c, "PEA. len=10 ack=11 " CE);
	rx(c, "WA. ack=11");
}

/* A cookie has one bit; of which kind it was, the ACK tells. */
CASE(cookie)
{
	static const struct {
		const char *ack, *data;
	} cases[] = {
		{ "W.", "PEA. " ECT_0 },
		{ "A.", "PEA. " NOT_ECT },
		{ ".", "P. " ECT_0 },
	};
	size_t i;

	accecn(w, "3");
	sysctl_set(w, "tcp_syncookies", "2");
	listening(w, c);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conn one;

		next_conn(w, c, &one);
		tx(&one, "SEWA seq=0 mss=1000 sackok ts");
		rx(&one, "SW. seq=0 ack=1");
		tx(&one, "%s seq=1 ack=1", cases[i].ack);
		conn_accept(&one);
		conn_write(&one, 10, 0);
		rx(&one, "%s seq=1 len=10", cases[i].data);
		close(one.fd);
	}
}

/* ---- the receiver ---- */

/* Segments in ACE, bytes in the option. */
CASE(counts_what_comes)
{
	open_passive(w, c);
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=101 acc=3 e1b=1 ceb=0 e0b=101 " ECT_0);
	tx(c, "PEA. len=100 " CE);
	rx(c, "WA. ack=201 acc=3 e1b=1 ceb=100 e0b=101 t<20");
	tx(c, "PEA. len=50 " CE);
	rx(c, "EWA. ack=251 ceb=150 e0b=101");
	tx(c, "PEA. len=50 tos=1");
	rx(c, "EWA. ack=301 e1b=51 ceb=150 e0b=101");
	/* Modulo 8. */
	tx(c, "PEA. len=10 " CE);
	rx(c, ". ack=311 ceb=160");
	tx(c, "PEA. len=10 " CE);
	rx(c, "E. ack=321 ceb=170");
	conn_write(c, 10, 0);
	rx(c, "PE. seq=1 len=10 ceb=170 " ECT_0);
	CHECK(w, sock_info(c).ecn);
	CHECK(w, sock_info(c).ecn_seen);
}

/* Marks on pure ACKs count too, and in the end have an ACK of their own: section
 * 3.2.2.5.1.
 */
CASE(counts_pure_acks)
{
	open_passive(w, c);
	conn_write(c, 3000, 0);
	rx(c, "EA. seq=1 len=988");
	rx(c, "EA. seq=989 len=988");
	rx(c, "EA. seq=1977 len=988");
	rx(c, "PEA. seq=2965 len=36");
	tx(c, "EA. ack=989 " CE);
	none(c);
	tx(c, "EA. ack=1977 " CE);
	none(c);
	tx(c, "EA. ack=2965 " CE);
	rx(c, ". ack=1 ceb=0");
}

/* A change of the mark, of whatever to whatever, is told at once: the peer counts on it. */
CASE(change_is_acknowledged_at_once)
{
	open_passive(w, c);
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=101");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=201 t>=30");
	sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	tx(c, "PEA. len=100 " NOT_ECT);
	rx(c, "EA. ack=301 t<=10");
}

/* Data that is not ECN-capable where some was is sent again: its sender waits for the ACK. */
CASE(retransmission_is_acknowledged_at_once)
{
	int i;

	open_passive(w, c);
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=101");
	for (i = 2; i < 5; i++) {
		sock_set(w, c->fd, IPPROTO_TCP, TCP_QUICKACK, 0);
		tx(c, "PEA. len=100 " NOT_ECT);
		rx(c, "EA. ack=%d t<=10", i * 100 + 1);
	}
}

/* What an ACK makes us send tells of the mark that the ACK itself came with. */
CASE(mark_is_told_by_what_the_ack_lets_go)
{
	int i;

	open_passive(w, c);
	conn_write(c, 4 * 988, 0);
	for (i = 0; i < 4; i++)
		rx(c, "%s seq=%d len=988", i < 3 ? "EA." : "PEA.", 1 + i * 988);
	tx(c, "EA. ack=1 sack=989:1977");
	tx(c, "EA. ack=1 sack=989:2965");
	tx(c, "EA. ack=1 sack=989:3953 " CE);
	rx(c, "WA. seq=1 len=988");
}

/* What comes again of the handshake may come with another mark: the answer tells of that. */
CASE(repeated_syn_is_reflected)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000 " NOT_ECT);
	rx(c, "SW. seq=0 ack=1 acc=3");
	tx(c, "SEWA seq=0 mss=1000 " CE);
	rx(c, "SWA. seq=0 ack=1 noacc");
	tx(c, "SEWA seq=0 mss=1000 " ECT_0);
	none(c);
	/* The first timeout has it still, the second one not. */
	rx(c, "SWA. seq=0 ack=1 noacc");
	rx(c, "S. seq=0 ack=1 noacc");
}

static void open_active(struct wire *w, struct conn *c)
{
	accecn(w, "3");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEWA seq=0");
	tx(c, "SW. seq=0 ack=1 mss=1000 " NOT_ECT);
	rx(c, "W. seq=1 ack=1");
}

CASE(repeated_synack_is_reflected)
{
	open_active(w, c);
	tx(c, "SW. seq=0 ack=1 mss=1000 " CE);
	rx(c, "WA. seq=1 ack=1");
	tx(c, "PEA. len=10 " ECT_0);
	rx(c, "EA. seq=1 ack=11");
}

/* The limit of challenge ACKs kept one back: what it would have told is in no other ACK. */
CASE(reflection_that_is_not_sent)
{
	open_active(w, c);
	tx(c, "SW. seq=0 ack=1 mss=1000 " NOT_ECT);
	rx(c, "W. seq=1 ack=1");
	tx(c, "SW. seq=0 ack=1 mss=1000 " NOT_ECT);
	none(c);
	tx(c, "PEA. len=10 " NOT_ECT);
	rx(c, "EA. seq=1 ack=11");
}

/* After data, a SYN is a stranger: its mark is not told, but what was counted. */
CASE(late_syn_is_not_reflected)
{
	open_passive(w, c);
	tx(c, "EA. len=100 " ECT_0);
	rx(c, "EA. ack=101");
	tx(c, "SEWA seq=0 mss=1000 " NOT_ECT);
	rx(c, "EA. seq=1 ack=101");
}

/* A third block of SACK makes room for counters that have to be told. */
CASE(sack_block_gives_way)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000 sackok ts ws=0");
	rx(c, "SW. seq=0 ack=1 acc=3");
	tx(c, "W. seq=1 ack=1 " OPTION);
	conn_accept(c);
	tx(c, "EA. seq=1001 len=100 " CE);
	rx(c, "WA. ack=1 sacks=1 acc=3 ceb=100");
	tx(c, "EA. seq=2001 len=100 " CE);
	rx(c, "EWA. ack=1 sacks=2 acc=2 ceb=200");
	tx(c, "EA. seq=3001 len=100 " CE);
	rx(c, ". ack=1 sacks=2 acc=2 ceb=300");
	/* Nothing new to count: three blocks again. */
	tx(c, "EA. seq=4001 len=100 " NOT_ECT);
	rx(c, ". ack=1 sacks=3");
}

/* tcp_ecn_option: never; only as news demands. */
CASE(option_never)
{
	accecn(w, "3");
	option_mode(w, "0");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000");
	rx(c, "SW. seq=0 ack=1 noacc");
	tx(c, "W. seq=1 ack=1 " OPTION);
	conn_accept(c);
	tx(c, "PEA. len=100 " CE);
	rx(c, "WA. ack=101 noacc");
}

CASE(option_on_demand)
{
	accecn(w, "3");
	option_mode(w, "1");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000");
	rx(c, "SW. seq=0 ack=1 acc=3");
	tx(c, "W. seq=1 ack=1 " OPTION);
	conn_accept(c);
	/* A change is told twice, so that the second shows what grows now. */
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=101 acc=3 e0b=101");
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=201 acc=3 e0b=201");
	tx(c, "PEA. len=100 " ECT_0);
	rx(c, "EA. ack=301 noacc");
	tx(c, "PEA. len=100 " CE);
	rx(c, "WA. ack=401 acc=3 ceb=100");
}

/* No option for a peer that has shown none: section 3.2.3.2.1. */
CASE(option_only_if_seen)
{
	accecn(w, "3");
	listening(w, c);
	tx(c, "SEWA seq=0 mss=1000");
	rx(c, "SW. seq=0 ack=1 acc=3");
	tx(c, "W. seq=1 ack=1");
	conn_accept(c);
	tx(c, "PEA. len=100 " CE);
	rx(c, "WA. ack=101 noacc");
}

/* Nor for one that goes on repeating what such an ACK told it: who takes unknown options for bad
 * lets none of them through, section 3.2.3.2.2.
 */
CASE(option_is_lost_on_the_way)
{
	open_passive(w, c);
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=1001 acc=3");
	conn_read(c, 0, 1000);
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=1001 sack=1:1001 acc=3");
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=1001 sack=1:1001 noacc");
	tx(c, "EA. seq=1001 len=1000 " ECT_0);
	rx(c, "EA. ack=2001 noacc");
}

/* But a copy that comes late says nothing of an ACK that has had no option. */
CASE(option_survives_a_late_duplicate)
{
	open_passive(w, c);
	option_mode(w, "1");
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=1001 acc=3");
	conn_read(c, 0, 1000);
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=1001 sack=1:1001 acc=3");
	tx(c, "EA. seq=1001 len=1000 " ECT_0);
	rx(c, "EA. ack=2001 noacc");
	tx(c, "EA. seq=1 len=1000 " ECT_0);
	rx(c, "EA. ack=2001 sack=1:1001 noacc");
	tx(c, "EA. seq=2001 len=100 " CE);
	rx(c, "WA. ack=2101 acc=3");
}

/* ---- the sender ---- */

static void send_ten(struct conn *c, __u32 from, const char *flags)
{
	int i;

	conn_write(c, 9880, 0);
	for (i = 0; i < 10; i++)
		rx(c, "%s seq=%u len=988 " ECT_0, flags, from + i * 988);
}

/* One segment of many was marked: one reduction, and no CWR, whose bit is ACE's. */
CASE(marks_reduce_window)
{
	open_passive(w, c);
	send_ten(c, 1, "EA.");
	tx(c, "WA. ack=989");
	CHECK_EQ(w, 1, sock_info(c).delivered_ce);
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
	CHECK_EQ(w, 2 /* CWR */, sock_info(c).ca_state);
	tx(c, ". ack=3953");
	CHECK_EQ(w, 3, sock_info(c).delivered_ce);
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
	/* No more news. */
	tx(c, ". ack=9881");
	CHECK_EQ(w, 3, sock_info(c).delivered_ce);
	conn_write(c, 10, 0);
	rx(c, "PEA. seq=9881 len=10 " ECT_0);
}

/* An ACK of ten says ACE + 1: one, or nine? Without more to go by, nine is safe
 * (appendix A.2.1); the option tells better.
 */
CASE(ambiguous_ace)
{
	open_passive(w, c);
	conn_write(c, 100, 0);
	rx(c, "PEA. seq=1 len=100");
	tx(c, "EA. ack=101");
	send_ten(c, 101, "EA.");
	tx(c, "WA. ack=9981");
	CHECK_EQ(w, 9, sock_info(c).delivered_ce);
}

/* Who acknowledges more than four at once as a rule loses no ACKs: one. */
CASE(ambiguous_ace_of_few_acks)
{
	open_passive(w, c);
	send_ten(c, 1, "EA.");
	tx(c, "WA. ack=9881");
	CHECK_EQ(w, 1, sock_info(c).delivered_ce);
}

CASE(option_disambiguates)
{
	open_passive(w, c);
	send_ten(c, 1, "EA.");
	/* ceb = 988, e0b = 9 * 988 + 1 */
	tx(c, "WA. ack=9881 opt=ae0b0000010003dc0022bd01");
	CHECK_EQ(w, 1, sock_info(c).delivered_ce);
	CHECK_EQ(w, 7, sock_info(c).snd_ssthresh);
}

/* Who segments must not take our CWR bit for rfc3168's: all segments have it. */
CASE(cwr_bit_in_all_segments)
{
	open_passive(w, c);
	tx(c, "PEA. len=100 " CE);
	rx(c, "WA. ack=101");
	send_ten(c, 1, "WA.");
}

/* Both ask at the same time: the SYN-ACKs say what a listener's would. */
CASE(simultaneous_open)
{
	accecn(w, "3");
	conn_init(w, c);
	sock_connect(c);
	rx(c, "SEWA seq=0 noacc");
	tx(c, "SEWA seq=0 mss=1000 sackok ws=0");
	rx(c, "SW. seq=0 ack=1 acc=3 e1b=1 ceb=0 e0b=1");
}

/* Retransmissions are marked as well. */
CASE(retransmission)
{
	open_passive(w, c);
	conn_write(c, 100, 0);
	rx(c, "PEA. seq=1 len=100 " ECT_0);
	rx(c, "PEA. seq=1 len=100 " ECT_0);
}
