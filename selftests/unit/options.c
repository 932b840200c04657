// SPDX-License-Identifier: GPL-2.0
/*
 * module/options.c: what is made of the bytes behind a TCP header, good and
 * bad, and that what is written can be read.
 */
#include <kselftest_harness.h>

#include "options.h"

static struct tcpx_options_received parse(const struct net *net, struct tcpx_options_received opt,
					  bool syn, bool estab, const u8 *options, int len,
					  u8 *sacked)
{
	struct sk_buff skb = { .th = header(options, len) };

	skb.th->syn = syn;
	tcpx_parse_options(net, &skb, &opt, estab);
	if (sacked)
		*sacked = skb.cb.sacked;
	free(skb.th);
	return opt;
}

#define BYTES(...)	(const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })

/* Linux's own SYN. */
#define SYN_OPTIONS	2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7

TEST(syn)
{
	struct tcpx_options_received opt = {};

	opt = parse(&all_on, opt, true, false, BYTES(SYN_OPTIONS), NULL);
	EXPECT_EQ(1460, opt.mss_clamp);
	EXPECT_EQ(1, +opt.sack_ok);
	EXPECT_EQ(1, +opt.saw_tstamp);
	EXPECT_EQ(0x01020304, opt.rcv_tsval);
	EXPECT_EQ(0x05060708, opt.rcv_tsecr);
	EXPECT_EQ(1, +opt.wscale_ok);
	EXPECT_EQ(7, +opt.snd_wscale);
}

TEST(sysctls_switch_off)
{
	struct tcpx_options_received opt = {};
	struct net off = {};

	opt = parse(&off, opt, true, false, BYTES(SYN_OPTIONS), NULL);
	EXPECT_EQ(1460, opt.mss_clamp);
	EXPECT_EQ(0, +opt.sack_ok);
	EXPECT_EQ(0, +opt.saw_tstamp);
	EXPECT_EQ(0, +opt.wscale_ok);
}

/* Past the handshake the SYN's options mean nothing. */
TEST(syn_options_when_established)
{
	struct tcpx_options_received opt = { .tstamp_ok = 1, .mss_clamp = 1000 };

	opt = parse(&all_on, opt, false, true, BYTES(SYN_OPTIONS), NULL);
	EXPECT_EQ(1000, opt.mss_clamp);
	EXPECT_EQ(0, +opt.sack_ok);
	EXPECT_EQ(0, +opt.wscale_ok);
	EXPECT_EQ(1, +opt.saw_tstamp);
	opt.tstamp_ok = 0;
	opt = parse(&all_on, opt, false, true, BYTES(SYN_OPTIONS), NULL);
	EXPECT_EQ(0, +opt.saw_tstamp);
}

/* What each of these leaves of an MSS of 1460 behind it, before it, or in it. */
TEST(malformed)
{
	static const struct {
		const char *what;
		u8 bytes[12];
		u16 mss;
	} cases[] = {
		{ "MSS behind NOPs", { 1, 1, 1, 1, 2, 4, 0x05, 0xb4 }, 1460 },
		{ "MSS behind EOL", { 0, 1, 1, 1, 2, 4, 0x05, 0xb4 }, 0 },
		{ "MSS behind length 0", { 99, 0, 1, 1, 2, 4, 0x05, 0xb4 }, 0 },
		{ "MSS behind length 1", { 99, 1, 1, 1, 2, 4, 0x05, 0xb4 }, 0 },
		{ "MSS behind an unknown one", { 99, 4, 0, 0, 2, 4, 0x05, 0xb4 }, 1460 },
		{ "MSS before a length that is too long", { 2, 4, 0x05, 0xb4, 99, 9 }, 1460 },
		{ "MSS before a kind without length",
		  { 2, 4, 0x05, 0xb4, 1, 1, 1, 1, 1, 1, 1, 2 }, 1460 },
		{ "MSS too short", { 2, 3, 0x05, 1, 1, 1 }, 0 },
		{ "MSS too long", { 2, 5, 0x05, 0xb4, 1, 1 }, 0 },
		{ "MSS that is cut off", { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 0x05 }, 0 },
		{ "MSS of 0", { 2, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 }, 0 },
	};
	struct tcpx_options_received opt;
	struct tcphdr *th;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		opt = (struct tcpx_options_received) {};
		opt = parse(&all_on, opt, true, false, cases[i].bytes, 12, NULL);
		EXPECT_EQ(cases[i].mss, opt.mss_clamp) TH_LOG("%s", cases[i].what);
		th = header(cases[i].bytes, 12);
		EXPECT_EQ(cases[i].mss, tcpx_parse_mss_option(th, 0)) TH_LOG("%s", cases[i].what);
		free(th);
	}
}

TEST(lengths_of_the_others)
{
	struct tcpx_options_received opt = {};

	opt = parse(&all_on, opt, true, false, BYTES(3, 2, 1, 1), NULL);
	EXPECT_EQ(0, +opt.wscale_ok);
	opt = parse(&all_on, opt, true, false, BYTES(4, 3, 1, 1), NULL);
	EXPECT_EQ(0, +opt.sack_ok);
	opt = parse(&all_on, opt, true, false, BYTES(8, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), NULL);
	EXPECT_EQ(0, +opt.saw_tstamp);
}

TEST(user_mss)
{
	struct tcpx_options_received opt = { .user_mss = 536 };
	struct tcphdr *th = header(BYTES(2, 4, 0x05, 0xb4));

	opt = parse(&all_on, opt, true, false, BYTES(2, 4, 0x05, 0xb4), NULL);
	EXPECT_EQ(536, opt.mss_clamp);
	opt.user_mss = 9000;
	opt = parse(&all_on, opt, true, false, BYTES(2, 4, 0x05, 0xb4), NULL);
	EXPECT_EQ(1460, opt.mss_clamp);
	EXPECT_EQ(536, tcpx_parse_mss_option(th, 536));
	free(th);
}

/* rfc7323#section-2.3: more than 14 is 14. */
TEST(wscale_is_bounded)
{
	struct tcpx_options_received opt = {};

	opt = parse(&all_on, opt, true, false, BYTES(1, 3, 3, 14), NULL);
	EXPECT_EQ(14, +opt.snd_wscale);
	opt = parse(&all_on, opt, true, false, BYTES(1, 3, 3, 255), NULL);
	EXPECT_EQ(14, +opt.snd_wscale);
	EXPECT_EQ(1, +opt.wscale_ok);
}

TEST(sack_blocks)
{
	struct tcpx_options_received opt = { .sack_ok = 1 };
	u8 sacked;

	parse(&all_on, opt, false, true, BYTES(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2), &sacked);
	EXPECT_EQ(sizeof(struct tcphdr) + 2, sacked);
	/* no block, half a block, one and a half, not negotiated */
	parse(&all_on, opt, false, true, BYTES(1, 1, 5, 2), &sacked);
	EXPECT_EQ(0, sacked);
	parse(&all_on, opt, false, true, BYTES(1, 1, 5, 6, 0, 0, 0, 1), &sacked);
	EXPECT_EQ(0, sacked);
	parse(&all_on, opt, false, true,
	      BYTES(1, 1, 5, 14, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3), &sacked);
	EXPECT_EQ(0, sacked);
	opt.sack_ok = 0;
	parse(&all_on, opt, false, true, BYTES(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2), &sacked);
	EXPECT_EQ(0, sacked);
}

/* Any bytes: nothing is read beyond the header (the sanitizer watches), and
 * what comes out is in bounds.
 */
TEST(any_bytes)
{
	static const u8 kinds[] = { 0, 1, 2, 3, 4, 5, 8, 99 };
	struct tcpx_options_received opt;
	u8 bytes[40], sacked;
	int i, j, len;

	srand(1);
	for (i = 0; i < 200000; i++) {
		len = rand() % 11 * 4;
		for (j = 0; j < len; j++)
			bytes[j] = rand() % 2 ? rand() % 12 : rand();
		if (len)
			bytes[0] = kinds[rand() % ARRAY_SIZE(kinds)];
		opt = (struct tcpx_options_received) { .tstamp_ok = 1, .sack_ok = 1 };
		opt = parse(&all_on, opt, i & 1, i & 2, bytes, len, &sacked);
		ASSERT_LE(+opt.snd_wscale, 14);
		if (sacked) {
			int at = sacked - sizeof(struct tcphdr);

			ASSERT_EQ(TCPOPT_SACK, bytes[at]);
			ASSERT_LE(at + bytes[at + 1], len);
		}
	}
}

/* The fast path says what the slow one says, with our offset deducted. */
TEST(fast_path)
{
	struct tcpx_sock tp = { .rx_opt.tstamp_ok = 1, .tsoffset = 8 };
	const u8 aligned[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 9 };
	const u8 shifted[] = { 8, 10, 0, 0, 0, 2, 0, 0, 0, 10, 1, 1 };
	const u8 no_echo[] = { 1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 0 };
	struct sk_buff skb = {};

	skb.th = header(aligned, 12);
	EXPECT_TRUE(tcpx_fast_parse_options(&all_on, &skb, skb.th, &tp));
	EXPECT_EQ(1, tp.rx_opt.rcv_tsval);
	EXPECT_EQ(1, tp.rx_opt.rcv_tsecr);
	free(skb.th);
	skb.th = header(shifted, 12);
	EXPECT_TRUE(tcpx_fast_parse_options(&all_on, &skb, skb.th, &tp));
	EXPECT_EQ(2, tp.rx_opt.rcv_tsval);
	EXPECT_EQ(2, tp.rx_opt.rcv_tsecr);
	free(skb.th);
	skb.th = header(no_echo, 12);
	EXPECT_TRUE(tcpx_fast_parse_options(&all_on, &skb, skb.th, &tp));
	EXPECT_EQ(0, tp.rx_opt.rcv_tsecr);
	free(skb.th);
	skb.th = header(aligned, 0);
	EXPECT_FALSE(tcpx_fast_parse_options(&all_on, &skb, skb.th, &tp));
	EXPECT_EQ(0, +tp.rx_opt.saw_tstamp);
	free(skb.th);
}

/* Every set of options that a SYN-ACK can have fits what was said to be its
 * size to the byte, and is read as it was meant.
 */
TEST(synack_round_trip)
{
	int i;

	for (i = 0; i < 8; i++) {
		struct tcpx_request_sock req = {
			.req = { .req.ts_recent = 77, .rcv_wscale = 9, .tstamp_ok = i & 1,
				 .wscale_ok = i & 2, .sack_ok = i & 4 },
			.ts_off = 5,
		};
		struct sk_buff skb = { .tstamp = 3 * NSEC_PER_MSEC };
		struct tcpx_options_received opt = {};
		struct tcpx_out_options out = {};
		u8 zero[40] = {};
		int size;

		size = tcpx_synack_options(NULL, &req, 1400, &skb, NULL, &out);
		ASSERT_EQ(0, size % 4);
		skb.th = header(zero, size);
		skb.th->syn = 1;
		tcpx_options_write(skb.th, NULL, &out);
		/* Padding is NOP, so a zero byte would be a gap. */
		tcpx_parse_options(&all_on, &skb, &opt, false);
		EXPECT_EQ(1400, opt.mss_clamp);
		EXPECT_EQ(!!(i & 1), +opt.saw_tstamp);
		EXPECT_EQ(i & 1 ? 8 : 0, opt.rcv_tsval);
		EXPECT_EQ(i & 1 ? 77 : 0, opt.rcv_tsecr);
		EXPECT_EQ(!!(i & 2), +opt.wscale_ok);
		EXPECT_EQ(i & 2 ? 9 : 0, +opt.snd_wscale);
		EXPECT_EQ(!!(i & 4), +opt.sack_ok);
		free(skb.th);
	}
}

/* Next to a signature there is room for two SACK blocks, and none with a timestamp too. */
TEST(signature)
{
	struct tcpx_out_options out;
	u8 options[20] = {};
	const u8 *md5, *ao;
	struct tcphdr *th;
	int i;

	md5_key = (const void *)options;
	for (i = 0; i < 2; i++) {
		struct tcpx_sock tp = { .rx_opt = { .num_sacks = 4, .tstamp_ok = i } };

		memset(&out, 0, sizeof(out));
		EXPECT_EQ(i ? 32 : 40, tcpx_established_options((struct sock *)&tp, NULL, &out));
		EXPECT_EQ(i ? 0 : 2, out.num_sack_blocks);
	}
	md5_key = NULL;

	th = header(options, sizeof(options));
	EXPECT_TRUE(tcpx_auth_options(th, &md5, &ao));
	EXPECT_EQ(NULL, md5);
	tcpx_write_auth((__be32 *)(th + 1), &(struct tcpx_auth){ .size = 20, .md5 = (void *)th });
	EXPECT_TRUE(tcpx_auth_options(th, &md5, &ao));
	EXPECT_EQ((u8 *)(th + 1) + 4, md5);
	EXPECT_EQ(NULL, ao);
	free(th);
}

/* rfc5925#section-2.2; what the MAC leaves of its last word is NOPs. */
TEST(signature_ao)
{
	struct tcpx_ao_key key = { .sndid = 7, .maclen = 13 };
	struct tcpx_auth auth = { .size = 20, .rnext = 9, .ao = &key };
	u8 options[24] = {};
	const u8 *md5, *ao;
	struct tcphdr *th = header(options, sizeof(options));

	tcpx_write_auth((__be32 *)(th + 1), &auth);
	EXPECT_TRUE(tcpx_auth_options(th, &md5, &ao));
	EXPECT_EQ((u8 *)(th + 1), ao);
	EXPECT_EQ(17, ao[1]);
	EXPECT_EQ(7, ao[2]);
	EXPECT_EQ(9, ao[3]);
	EXPECT_EQ(0x010101, (ao[17] << 16) | (ao[18] << 8) | ao[19]);
	free(th);
}

/* No more than one, and of the right length; what is malformed ends them all. */
TEST(signatures_that_arrive)
{
	static const struct {
		u8 options[24];
		int len, ok, ao;
	} c[] = {
		{ { 19, 17 }, 20, 0, 0 }, { { 29, 4, 1, 2 }, 4, 0, 0 },
		{ { 1, 2, 4, 9, 8, 7, 29, 6 }, 8, 1, 0 }, { { 29, 5, 1, 2, 3 }, 8, 1, 1 },
		{ { 29, 5, 1, 2, 3, 29, 5, 1, 2, 3 }, 12, 0, 0 }, { { 0, 29, 5, 1 }, 8, 1, 0 },
		{ { 29, 5, 1, 2, 3, 19, 18 }, 24, 0, 0 }, { { 29, 1, 0, 0 }, 4, 1, 0 },
		{ { 1, 1, 1, 29 }, 4, 1, 0 },
	};
	const u8 *md5, *ao;
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct tcphdr *th = header(c[i].options, c[i].len);
		bool ok = tcpx_auth_options(th, &md5, &ao);

		EXPECT_EQ(c[i].ok, ok);
		if (ok)
			EXPECT_EQ(c[i].ao, !!ao);
		free(th);
	}
}

/* A cookie goes out if there is room: kind, length, and padding up to four bytes. */
TEST(synack_cookie)
{
	static const struct { s8 len; bool exp; int size; } c[] = {
		{ 8, false, 12 }, { 16, false, 20 }, { 4, false, 8 },
		{ 8, true, 12 }, { 16, true, 20 }, { -1, false, 0 },
	};
	struct tcpx_request_sock req = { .req = { .tstamp_ok = true, .sack_ok = true } };
	int i;

	for (i = 0; i < (int)(sizeof(c) / sizeof(c[0])); i++) {
		struct tcp_fastopen_cookie foc = { { 0x0807060504030201, 0x100f0e0d0c0b0a09 },
						   c[i].len, c[i].exp };
		struct sk_buff skb = {};
		struct tcpx_out_options out = {};
		u8 zero[40] = {}, *opt;
		int plain, size;

		plain = tcpx_synack_options(NULL, &req, 1400, &skb, NULL, &out);
		size = tcpx_synack_options(NULL, &req, 1400, &skb, &foc, &out);
		ASSERT_EQ(plain + c[i].size, size);
		skb.th = header(zero, size);
		tcpx_options_write(skb.th, NULL, &out);
		opt = (u8 *)(skb.th + 1) + plain;
		if (c[i].len > 0) {
			EXPECT_EQ(c[i].exp ? 254 : 34, opt[0]);
			EXPECT_EQ(c[i].len + (c[i].exp ? 4 : 2), opt[1]);
			EXPECT_EQ(0, memcmp(opt + (c[i].exp ? 4 : 2), foc.val, c[i].len));
		}
		free(skb.th);
	}
	/* No room: left out whole. */
	{
		struct tcp_fastopen_cookie foc = { .len = 16 };
		struct tcpx_out_options out = {};
		struct sk_buff skb = {};

		req.req.wscale_ok = true;
		EXPECT_EQ(40, tcpx_synack_options(NULL, &req, 1400, &skb, &foc, &out));
		EXPECT_TRUE(out.options & TCPX_OPT_FASTOPEN);
		foc.exp = true;
		EXPECT_EQ(40, tcpx_synack_options(NULL, &req, 1400, &skb, &foc, &out));
	}
}

/* The D-SACK block first, as many blocks as fit, and never more than 40 bytes. */
FIXTURE(established)
{
};

FIXTURE_VARIANT(established)
{
	bool ts, dsack;
};

FIXTURE_VARIANT_ADD(established, plain) {};
FIXTURE_VARIANT_ADD(established, timestamp) { .ts = true };
FIXTURE_VARIANT_ADD(established, dsack) { .dsack = true };
FIXTURE_VARIANT_ADD(established, timestamp_dsack) { .ts = true, .dsack = true };

FIXTURE_SETUP(established)
{
}

FIXTURE_TEARDOWN(established)
{
}

TEST_F(established, round_trip)
{
	const bool ts = variant->ts, dsack = variant->dsack;
	int sacks;

	for (sacks = 0; sacks + dsack <= 4; sacks++) {
		struct tcpx_disorder disorder = {
			.duplicate_sack = { { 1, 2 } },
			.selective_acks = { { 10, 11 }, { 20, 21 }, { 30, 31 }, { 40, 41 } },
		};
		struct tcpx_sock tp = {
			.rx_opt = { .tstamp_ok = ts, .dsack = dsack, .num_sacks = sacks,
				    .sack_ok = 1, .ts_recent = 6 },
			.disorder = &disorder,
		};
		struct tcpx_options_received opt = tp.rx_opt;
		int blocks = min(sacks + dsack, ts ? 3 : 4);
		struct sk_buff skb = { .tstamp = NSEC_PER_MSEC };
		struct tcpx_out_options out = {};
		u8 zero[40] = {};
		const u8 *sack;
		int size;

		size = tcpx_established_options((struct sock *)&tp, &skb, &out);
		ASSERT_EQ(ts * 12 + (blocks ? 4 + 8 * blocks : 0), size);
		skb.th = header(zero, size);
		tcpx_options_write(skb.th, &tp, &out);
		tcpx_parse_options(&all_on, &skb, &opt, true);
		EXPECT_EQ(ts, +opt.saw_tstamp);
		EXPECT_EQ(!!blocks, !!skb.cb.sacked);
		if (blocks) {
			sack = (const u8 *)skb.th + skb.cb.sacked;
			EXPECT_EQ(2 + 8 * blocks, sack[1]);
			EXPECT_EQ(dsack ? 1 : 10, get_unaligned_be32(sack + 2));
			EXPECT_EQ(0, +tp.rx_opt.dsack);
		}
		free(skb.th);
	}
}

/* Counters there is room for beside so many blocks, whose padding may be used, too. */
static int accecn_beside(int blocks, bool ts)
{
	int room = 40 - ts * 12 - (blocks ? 2 + 8 * blocks : 0);

	return min((room - 2) / 3, 3);
}

/* AccECN's option comes after the timestamp, with as many counters as there is room for; what
 * exceeds a word takes the place of the padding of SACK, of which a third block gives
 * way to counters that must be told.
 */
TEST(accecn_option)
{
	int blocks, ts, left, fields, case_;

	accecn = true;
	for (case_ = 0; case_ < 2 * 5 * 4; case_++) {
		struct tcpx_disorder disorder = {};
		struct tcpx_sock tp = { .disorder = &disorder };
		struct sk_buff skb = { .tstamp = NSEC_PER_MSEC };
		struct tcpx_options_received opt = { .sack_ok = 1 };
		struct tcpx_out_options out = {};
		u8 zero[40] = {};
		const u8 *at;
		int size;

		ts = case_ % 2;
		blocks = case_ / 2 % 5;
		accecn_least = case_ / 10;
		opt.tstamp_ok = ts;
		tp.rx_opt.tstamp_ok = ts;
		tp.rx_opt.sack_ok = 1;
		tp.rx_opt.num_sacks = blocks;
		memset(zero, 0xff, sizeof(zero));
		size = tcpx_established_options((void *)&tp, &skb, &out);
		ASSERT_EQ(0, size % 4);
		ASSERT_LE(size, 40);
		skb.th = header(zero, size);
		tcpx_options_write(skb.th, &tp, &out);
		tcpx_parse_options(&all_on, &skb, &opt, true);
		EXPECT_EQ(ts, +opt.saw_tstamp);
		EXPECT_EQ(!!blocks, !!skb.cb.sacked);
		at = (const u8 *)skb.th;
		left = min(blocks, ts ? 3 : 4);
		fields = accecn_beside(left, ts);
		if (fields < accecn_least && left > 2 &&
		    accecn_beside(left - 1, ts) >= accecn_least)
			fields = accecn_beside(--left, ts);
		if (blocks)
			EXPECT_EQ(2 + 8 * left, at[skb.cb.sacked + 1]);
		EXPECT_EQ(fields >= accecn_least, !!opt.accecn);
		if (opt.accecn) {
			EXPECT_EQ(20 + ts * 12, opt.accecn);
			EXPECT_EQ(2 + 3 * fields, at[opt.accecn + 1]);
			EXPECT_EQ(0, memcmp(at + opt.accecn + 2, "\1\2\3\4\5\6\7\x8\x9",
					    3 * fields));
		}
		free(skb.th);
	}
	accecn = false;
}

TEST_HARNESS_MAIN
