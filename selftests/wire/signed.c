// SPDX-License-Identifier: GPL-2.0
/*
 * Signed connections: rfc2385 with TCP_MD5SIG and rfc5925 with TCP_AO_ADD_KEY. What the peer
 * signs and judges it makes of its own (sign.c).
 */
#include <linux/tcp.h>
#include <stdlib.h>
#define _NETINET_TCP_H
#include "fixture.h"
#include "sign.h"
#include "../../uapi/tcpx_ao.h"

/* KeyIDs: of what the socket under test is sent, and of what it sends. */
#define RCVID	9
#define SNDID	7

static const struct signer md5 = { .alg = SIGN_MD5, .key = "secret" };
static const struct signer sha1 = {
	.alg = SIGN_AO_SHA1, .key = "secret", .keyid = RCVID, .rnext = SNDID,
};

static const struct signer next_key = {
	.alg = SIGN_AO_CMAC, .key = "another", .keyid = RCVID + 1, .rnext = SNDID + 1,
};

static void add_md5(const struct conn *c, int fd)
{
	struct tcp_md5sig opt = { .tcpm_keylen = strlen(md5.key) };
	union wire_addr addr;

	memcpy(&opt.tcpm_addr, &addr, sock_peer(c, &addr));
	memcpy(opt.tcpm_key, md5.key, opt.tcpm_keylen);
	CHECK_EQ(c->w, 0, setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &opt, sizeof(opt)));
}

static void add_ao(const struct conn *c, int fd, const struct signer *s)
{
	struct tcp_ao_add opt = {
		.sndid = s->rnext, .rcvid = s->keyid, .maclen = s->maclen,
		.keyflags = s->exclude ? TCP_AO_KEYF_EXCLUDE_OPT : 0,
		.keylen = strlen(s->key), .prefix = on_v6(c->w) ? 128 : 32,
	};
	union wire_addr addr;
	int err;

	memcpy(&opt.addr, &addr, sock_peer(c, &addr));
	addr.in.sin_port = 0;
	memcpy(&opt.addr, &addr, sizeof(addr));
	strcpy(opt.alg_name, s->alg == SIGN_AO_SHA1 ? "hmac(sha1)" : "cmac(aes128)");
	memcpy(opt.key, s->key, opt.keylen);
	err = setsockopt(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, &opt, sizeof(opt));
	if (err && errno == ENOPROTOOPT && c->w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	/* A kernel may be built without an algorithm, as our debug kernel is. */
	if (err && errno == ENOENT)
		_exit(EXIT_SKIP);
	CHECK_EQ(c->w, 0, err);
}

static void add_key(const struct conn *c, int fd, const struct signer *s)
{
	if (s->alg == SIGN_MD5)
		add_md5(c, fd);
	else
		add_ao(c, fd, s);
}

static struct tcp_ao_info_opt info_of(const struct conn *c)
{
	struct tcp_ao_info_opt info = {};
	socklen_t len = sizeof(info);

	CHECK_EQ(c->w, 0, getsockopt(c->fd, IPPROTO_TCP, TCP_AO_INFO, &info, &len));
	return info;
}

static void listen_signed(struct wire *w, struct conn *c, const struct signer *s)
{
	int listener = sock_listen(w, PORT, 16);

	conn_init(w, c);
	c->lport = PORT;
	c->listener = listener;
	c->sign = s;
	add_key(c, listener, s);
}

static void passive(struct wire *w, struct conn *c, const struct signer *s, const char *opts)
{
	listen_signed(w, c, s);
	handshake(c, opts);
	conn_accept(c);
}

static void active(struct wire *w, struct conn *c, const struct signer *s)
{
	conn_init(w, c);
	c->sign = s;
	c->fd = sock_open(w);
	add_key(c, c->fd, s);
	sock_connect(c);
	rx(c, "S seq=0 sackok %s", s->alg == SIGN_MD5 ? "nots" : "ts");
	finish_active(c, NULL);
}

/* Both directions, a retransmission, and the end by FIN. */
static void exchange(struct conn *c)
{
	tx(c, "P. len=100");
	rx(c, ". ack=101");
	conn_read(c, 0, 100);
	conn_write(c, 200, 0);
	rx(c, "P. seq=1 len=200");
	rx(c, "P. seq=1 len=200");
	tx(c, ". ack=201");
	tx(c, "F.");
	rx(c, ". ack=102");
	conn_close(c);
	rx(c, "F. seq=201");
	tx(c, ". ack=202");
}

/* What nobody signed, or not so, is not there; the counter says why. */
static void ignored(struct conn *c, const char *line, const char *counter)
{
	long n = mib(c->w, counter);

	tx(c, "%s", line);
	none(c);
	CHECK_EQ(c->w, n + 1, mib(c->w, counter));
}

/* ---- rfc2385 ---- */

CASE(md5_passive)
{
	passive(w, c, &md5, NULL);
	exchange(c);
}

CASE(md5_active)
{
	active(w, c, &md5);
	exchange(c);
}

/* A SYN with both: the timestamp yields, for SACK blocks are worth more. */
CASE(md5_or_timestamps)
{
	listen_signed(w, c, &md5);
	tx(c, "S seq=0 mss=1000 sackok ts");
	rx(c, "S. seq=0 ack=1 sackok nots");
}

CASE(md5_forged)
{
	passive(w, c, &md5, NULL);
	ignored(c, "P. len=100 nosign", "TCPMD5NotFound");
	ignored(c, "P. len=100 badmac", "TCPMD5Failure");
	ignored(c, "R seq=1 nosign", "TCPMD5NotFound");
	ignored(c, "R. seq=1 badmac", "TCPMD5Failure");
	ignored(c, "S seq=0 nosign", "TCPMD5NotFound");
	exchange(c);
}

CASE(md5_forged_handshake)
{
	listen_signed(w, c, &md5);
	ignored(c, "S seq=0 nosign", "TCPMD5NotFound");
	ignored(c, "S seq=0 badmac", "TCPMD5Failure");
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1");
	ignored(c, ". seq=1 ack=1 nosign", "TCPMD5NotFound");
	ignored(c, "R seq=1 nosign", "TCPMD5NotFound");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	exchange(c);
}

CASE(md5_unexpected)
{
	conn_passive(w, c, NULL);
	c->sign = &md5;
	ignored(c, "P. len=100 badmac", "TCPMD5Unexpected");
	c->sign = NULL;
	check_alive(c);
}

/* A valid RST ends it, and so does ours. */
CASE(md5_resets)
{
	const struct linger now = { .l_onoff = 1 };

	passive(w, c, &md5, NULL);
	tx(c, "R. seq=1 ack=1");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
	close(c->listener);
	passive(w, c, &md5, NULL);
	CHECK_EQ(w, 0, setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	conn_close(c);
	rx(c, "R. seq=1 ack=1");
}

/* ---- rfc5925 ---- */

CASE(ao_passive)
{
	passive(w, c, &sha1, NULL);
	exchange(c);
}

CASE(ao_active)
{
	active(w, c, &sha1);
	exchange(c);
}

/* As with MD5: it is the listener who has the choice. */
CASE(ao_timestamps)
{
	listen_signed(w, c, &sha1);
	tx(c, "S seq=0 mss=1000 ws=2 ts sackok");
	rx(c, "S. seq=0 ack=1 sackok nots keyid=7 rnext=9");
	tx(c, "R. seq=1 ack=1");
	close(c->listener);
	listen_signed(w, c, &sha1);
	tx(c, "S seq=0 mss=1000 ws=2 ts");
	rx(c, "S. seq=0 ack=1 ts keyid=7 rnext=9");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	exchange(c);
}

/* Lengths with and without padding, other options covered or not, both algorithms. */
CASE(ao_kinds)
{
	static const struct signer kinds[] = {
		{ SIGN_AO_CMAC, "0123456789abcdef", RCVID, SNDID, 16, false },
		{ SIGN_AO_CMAC, "not sixteen", RCVID, SNDID, 7, true },
		{ SIGN_AO_SHA1, "k", RCVID, SNDID, 13, true },
		{ SIGN_AO_SHA1, "k", RCVID, SNDID, 4, false },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		/* With the longest that fills the header. */
		passive(w, c, &kinds[i], "mss=1000 ws=1 ts");
		exchange(c);
		CHECK_EQ(w, 0, close(c->listener));
	}
}

CASE(ao_forged)
{
	passive(w, c, &sha1, NULL);
	ignored(c, "P. len=100 nosign", "TCPAORequired");
	ignored(c, "P. len=100 badmac", "TCPAOBad");
	ignored(c, "P. len=100 keyid=5", "TCPAOKeyNotFound");
	ignored(c, "R seq=1 nosign", "TCPAORequired");
	ignored(c, "R. seq=1 badmac", "TCPAOBad");
	ignored(c, "S seq=0 nosign", "TCPAORequired");
	CHECK_EQ(w, 2, info_of(c).pkt_bad);
	CHECK_EQ(w, 1, info_of(c).pkt_key_not_found);
	CHECK_EQ(w, 3, info_of(c).pkt_ao_required);
	c->snd_nxt = 1;
	exchange(c);
}

CASE(ao_forged_handshake)
{
	listen_signed(w, c, &sha1);
	ignored(c, "S seq=0 nosign", "TCPAORequired");
	ignored(c, "S seq=0 badmac", "TCPAOBad");
	ignored(c, "S seq=0 keyid=5", "TCPAOKeyNotFound");
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1 keyid=7 rnext=9");
	ignored(c, ". seq=1 ack=1 badmac", "TCPAOBad");
	ignored(c, "R seq=1 badmac", "TCPAOBad");
	/* The SYN says for good that it is signed. */
	ignored(c, ". seq=1 ack=1 nosign", "TCPAOBad");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	exchange(c);
}

/* A SYN that asks for a key which is not there is not answered. */
CASE(ao_unknown_rnext)
{
	/* Kernel TCP does the same, and warns in the log, which a run takes for a failure. */
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	listen_signed(w, c, &sha1);
	tx(c, "S seq=0 mss=1000 rnext=5");
	none(c);
}

CASE(ao_unexpected)
{
	listen_signed(w, c, &sha1);
	close(c->listener);
	conn_passive(w, c, NULL);
	c->sign = &sha1;
	ignored(c, "P. len=100", "TCPAOKeyNotFound");
	c->sign = NULL;
	c->snd_nxt = 1;
	check_alive(c);
}

/* Two signatures, or what cannot be one. */
CASE(ao_malformed)
{
	static const char *const lines[] = {
		"P. seq=1 len=10 opt=1d0409070101 nosign",
		"P. seq=1 len=10 opt=1d100907000000000000000000000000",
		"P. seq=1 len=10 opt=131200000000000000000000000000000000",
	};
	size_t i;

	passive(w, c, &sha1, NULL);
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		tx(c, "%s", lines[i]);
		none(c);
	}
	c->snd_nxt = 1;
	exchange(c);
}

/* The peer asks for the next key, rfc5925#section-7.5.2; of one that is not there it is kept. */
CASE(ao_rollover)
{
	struct tcp_ao_info_opt info = { .set_rnext = 1, .rnext = RCVID + 1 };

	passive(w, c, &sha1, NULL);
	add_ao(c, c->fd, &next_key);
	tx(c, "P. len=10 rnext=5");
	rx(c, ". ack=11 keyid=7 rnext=9");
	/* What the socket sends from now on is by the next key, what it gets need not be. */
	tx(c, "P. len=10 rnext=8");
	c->sign = &next_key;
	rx(c, ". ack=21 keyid=8 rnext=9");
	CHECK_EQ(w, SNDID + 1, info_of(c).current_key);
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_TCP, TCP_AO_INFO, &info, sizeof(info)));
	tx(c, "P. len=10");
	rx(c, ". ack=31 keyid=8 rnext=10");
	conn_read(c, 0, 30);
}

/* Numbers pass 2^32: the MAC covers 64 bits of them. A MAC of before that is an old one. */
CASE(ao_sne)
{
	listen_signed(w, c, &sha1);
	c->iss = 0xffffff00;
	handshake(c, NULL);
	conn_accept(c);
	tx(c, ". len=200");
	rx(c, ". ack=201");
	/* Across, and beyond. */
	tx(c, ". len=200");
	rx(c, ". ack=401");
	tx(c, "P. len=200");
	rx(c, ". ack=601");
	conn_read(c, 0, 600);
	/* Before that again. */
	tx(c, ". seq=1 len=100");
	rx(c, ". ack=601");
	CHECK_EQ(w, 0, info_of(c).pkt_bad);
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100 ack=601");
}

CASE(ao_time_wait)
{
	passive(w, c, &sha1, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2 keyid=7 rnext=9");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2 keyid=7 rnext=9");
	/* Its successor, whose numbers are new ones. */
	c->iss += 100000;
	tx(c, "S seq=0 mss=1000 sackok ws=0");
	rx(c, "S. seq=0 ack=1");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	c->snd_nxt = 1;
	check_alive(c);
}

/* Kernel TCP takes a RST in TIME_WAIT from anybody; we do not. */
CASE(ao_time_wait_forged)
{
	if (w->kind.family != AF_TCPX)
		_exit(EXIT_SKIP);
	passive(w, c, &sha1, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2");
	ignored(c, "F. seq=1 ack=2 nosign", "TCPAORequired");
	ignored(c, "R seq=1 badmac", "TCPAOBad");
	tx(c, "F. seq=1 ack=2");
	rx(c, ". seq=2 ack=2");
}

CASE(ao_resets)
{
	const struct linger now = { .l_onoff = 1 };

	passive(w, c, &sha1, NULL);
	tx(c, "R. seq=1 ack=1");
	CHECK_EQ(w, ECONNRESET, wait_error(c));
	close(c->listener);
	passive(w, c, &sha1, NULL);
	CHECK_EQ(w, 0, setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	conn_close(c);
	rx(c, "R. seq=1 ack=1");
	close(c->listener);
	/* Data for an orphan. */
	passive(w, c, &sha1, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2 len=10");
	rx(c, "R seq=2 keyid=7");
}

/* There is no key to sign the RST with, and without a signature nobody believes it. */
CASE(ao_no_reset_without_the_key)
{
	passive(w, c, &sha1, NULL);
	conn_close(c);
	rx(c, "F. seq=1 ack=1");
	tx(c, ". ack=2 len=10 rnext=5");
	none(c);
}

/* A cookie is signed, and its ACK is judged. */
CASE(ao_cookie)
{
	sysctl_set(w, "tcp_syncookies", "2");
	listen_signed(w, c, &sha1);
	tx(c, "S seq=0 mss=1000");
	rx(c, "S. seq=0 ack=1 keyid=7 rnext=9");
	ignored(c, ". seq=1 ack=1 badmac", "TCPAOBad");
	tx(c, ". seq=1 ack=1");
	conn_accept(c);
	exchange(c);
}

/* rfc5925#section-7.8 */
CASE(ao_icmp)
{
	const struct icmp_error unreachable = on_v6(w) ? (struct icmp_error){ 1, 4, 0 } :
							 (struct icmp_error){ 3, 3, 0 };
	struct tcp_ao_info_opt info = { .accept_icmps = 1 };
	int one = 1;
	long n;

	passive(w, c, &sha1, NULL);
	n = mib(w, "TCPAODroppedIcmps");
	/* So that it would hear of the error. */
	CHECK_EQ(w, 0, on_v6(w) ? setsockopt(c->fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one)) :
				  setsockopt(c->fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)));
	conn_write(c, 100, 0);
	rx(c, "P. seq=1 len=100");
	wire_icmp(c, &unreachable, 1, 8);
	CHECK_EQ(w, n + 1, mib(w, "TCPAODroppedIcmps"));
	CHECK_EQ(w, 1, info_of(c).pkt_dropped_icmp);
	CHECK_EQ(w, 0, sock_error(c->fd));
	CHECK_EQ(w, 0, setsockopt(c->fd, IPPROTO_TCP, TCP_AO_INFO, &info, sizeof(info)));
	wire_icmp(c, &unreachable, 1, 8);
	CHECK_EQ(w, ECONNREFUSED, sock_error(c->fd));
	CHECK_EQ(w, 1, info_of(c).pkt_dropped_icmp);
}

/* ---- rfc9235: are this program's own MACs right? ---- */

static const struct {
	const char *section;
	enum sign_alg alg;
	__u32 sisn, disn;
	const char *packet[3];
} vectors[] = {
	{ "4.1.1", SIGN_AO_SHA1, 0xfbfbab5a, 0,
	  { "45e0004cdd0f4000ff06bf6b0a0b0c0dac1b1c1de9d700b3fbfbab5a00000000e002ffffcac40000",
	    "020405b4010303080402080a00155ab7000000001d103d542ee437c6f8ede6d7c4d602e7" } },
	{ "4.1.2", SIGN_AO_SHA1, 0x11c14261, 0xfbfbab5a,
	  { "45e0004c65064000ff063775ac1b1c1d0a0b0c0d00b3e9d711c14261fbfbab5be012ffff37760000",
	    "020405b4010303080402080a84a50beb00155ab71d10543deeab0fe24c3010815116b3be" } },
	{ "5.1.1", SIGN_AO_CMAC, 0x787a1ddf, 0,
	  { "45e0004c7b9f4000ff0620dc0a0b0c0dac1b1c1dc4fa00b3787a1ddf00000000e002ffff5a0f0000",
	    "020405b4010303080402080a00017ed0000000001d103d54e477e99c8040765498e55091" } },
	{ "5.1.2", SIGN_AO_CMAC, 0xfadd6de9, 0x787a1ddf,
	  { "45e0004c4bad4000ff0650ceac1b1c1d0a0b0c0d00b3c4fafadd6de9787a1de0e012fffff3f20000",
	    "020405b4010303080402080a93f4e9e800017ed01d10543dd6ada7bc4cdd536d1769db5f" } },
	{ "6.1.1", SIGN_AO_SHA1, 0x176a833f, 0,
	  { "6e0891dc00380640fd000000000000000000000000000001fd000000000000000000000000000002",
	    "f7e400b3176a833f00000000e002ffff47210000020405a0010303080402080a0041d08700000000",
	    "1d103d549033ec3d7334b64c5edd039f" } },
};

TEST(vectors_of_rfc9235)
{
	size_t i, k, len;

	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const struct signer s = { .alg = vectors[i].alg, .key = "testvector" };
		__u8 packet[128], digest[SIGN_MAX];
		struct sign_at at = { .packet = packet, .sisn = vectors[i].sisn,
				      .disn = vectors[i].disn };
		const __u8 *option;
		const char *hex;

		for (len = 0, k = 0; k < 3 && vectors[i].packet[k]; k++)
			for (hex = vectors[i].packet[k]; *hex; hex += 2) {
				const char byte[] = { hex[0], hex[1], 0 };

				packet[len++] = strtoul(byte, NULL, 16);
			}
		at.tcp = packet + (packet[0] >> 4 == 6 ? 40 : 20);
		at.len = packet + len - at.tcp;
		option = sign_find(&s, at.tcp);
		ASSERT_NE(NULL, option);
		sign_digest(&s, &at, digest);
		EXPECT_EQ(0, memcmp(option + 4, digest, 12)) {
			TH_LOG("section %s", vectors[i].section);
		}
	}
}
