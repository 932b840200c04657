// SPDX-License-Identifier: GPL-2.0
/*
 * TCP_AO_ADD_KEY and its like, rfc5925. That the two stacks understand each other, in both
 * roles, proves the MACs of each; where kernel TCP has none of this (before Linux 6.7, or
 * built without it) what needs it is skipped.
 */
#include "signed.h"

#include <tcpx_ao.h>

/* A key as a test thinks of it; what is 0 has a default. */
struct key {
	const char *secret, *alg;
	int prefix;	/* < 0: of all; 0: of one address */
	int sndid, rcvid, maclen, flags;
	bool current, rnext;
};

static socklen_t addr_of(void *to, const char *ip)
{
	struct sockaddr_in v4 = api_addr(ip, 0);
	struct sockaddr_in6 addr;
	socklen_t len = api_sockaddr(&v4, &addr);

	memcpy(to, &addr, len);
	return len;
}

static int whole(void)
{
	return api_face == API_V6 ? 128 : 32;
}

static struct tcp_ao_add words_of(const char *ip, const struct key *k)
{
	const char *secret = k->secret ? : "a secret";
	struct tcp_ao_add add = {
		.set_current = k->current, .set_rnext = k->rnext,
		.prefix = k->prefix < 0 ? 0 : k->prefix ? : whole(),
		.sndid = k->sndid ? : 100, .rcvid = k->rcvid ? : 100,
		.maclen = k->maclen, .keyflags = k->flags, .keylen = strlen(secret),
	};

	addr_of(&add.addr, ip);
	strcpy(add.alg_name, k->alg ? : "hmac(sha1)");
	memcpy(add.key, secret, add.keylen);
	return add;
}

static long set(int fd, int name, const void *opt, socklen_t len)
{
	return SYS(setsockopt(fd, IPPROTO_TCP, name, opt, len));
}

static long add_words(int fd, const struct tcp_ao_add *add)
{
	return set(fd, TCP_AO_ADD_KEY, add, sizeof(*add));
}

static long add_key(int fd, const char *ip, const struct key *k)
{
	const struct tcp_ao_add add = words_of(ip, k);

	return add_words(fd, &add);
}

static void must_add(int fd, const struct key *k)
{
	if (add_key(fd, LOOPBACK, k))
		api_die("TCP_AO_ADD_KEY");
}

static struct tcp_ao_del del_words(const char *ip, int sndid, int rcvid)
{
	struct tcp_ao_del del = { .prefix = whole(), .sndid = sndid, .rcvid = rcvid };

	addr_of(&del.addr, ip);
	return del;
}

static long del_key(int fd, int sndid, int rcvid)
{
	const struct tcp_ao_del del = del_words(LOOPBACK, sndid, rcvid);

	return set(fd, TCP_AO_DEL_KEY, &del, sizeof(del));
}

static struct tcp_ao_info_opt info_of(int fd)
{
	struct tcp_ao_info_opt info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_AO_INFO, &info, &len))
		api_die("TCP_AO_INFO");
	return info;
}

static bool have_ao(int family)
{
	struct tcp_ao_info_opt info = {};
	int fd = api_socket(family, 0);
	bool have = set(fd, TCP_AO_INFO, &info, sizeof(info)) == 0;

	close(fd);
	return have;
}

/* A kernel may be built without them, as our debug kernel is. */
static bool have_algorithms(void)
{
	const char *const algs[] = { "hmac(sha1)", "hmac(sha256)", "cmac(aes128)" };
	int fd = api_socket(AF_TCPX, 0), i;
	bool have = true;

	for (i = 0; i < 3 && have; i++) {
		const struct key k = { .alg = algs[i], .sndid = i + 1, .rcvid = i + 1 };

		have = !add_key(fd, LOOPBACK, &k);
	}
	close(fd);
	return have;
}

#define NEED_AO(family) do {						\
	if ((family) == AF_INET && !have_ao(family))			\
		SKIP(return, "kernel TCP has no TCP-AO");		\
	if ((family) == AF_TCPX && !have_algorithms())			\
		SKIP(return, "the kernel has not all algorithms");	\
} while (0)

/* --- the calls ------------------------------------------------------------------- */

API_SOCKET_FIXTURE(options);

TEST_F(options, add_delete)
{
	NEED_AO(variant->family);
	EXPECT_EQ(-ENOENT, del_key(self->fd, 100, 100));
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &(struct key){}));
	/* An ID must not be used twice for one peer. */
	EXPECT_EQ(-EEXIST, add_key(self->fd, LOOPBACK, &(struct key){}));
	EXPECT_EQ(-EEXIST, add_key(self->fd, LOOPBACK, &(struct key){ .sndid = 1 }));
	EXPECT_EQ(-EEXIST, add_key(self->fd, LOOPBACK, &(struct key){ .rcvid = 1 }));
	if (api_face != API_V6)
		EXPECT_EQ(-EEXIST, add_key(self->fd, "127.0.0.0", &(struct key){ .prefix = 8 }));
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &(struct key){ .sndid = 1, .rcvid = 2 }));
	EXPECT_EQ(0, add_key(self->fd, "127.0.0.2", &(struct key){}));
	EXPECT_EQ(-ENOENT, del_key(self->fd, 1, 1));
	EXPECT_EQ(0, del_key(self->fd, 1, 2));
	EXPECT_EQ(-ENOENT, del_key(self->fd, 1, 2));
	EXPECT_EQ(0, del_key(self->fd, 100, 100));
}

/* What is wrong with a struct, and what is said of it. */
TEST_F(options, bad_keys)
{
	const struct {
		long err;
		int len;		/* what is added to the struct's length */
		struct key k;
	} cases[] = {
		{ -EINVAL, .len = -1 },
		{ -E2BIG, .len = 8 },
		{ -ENOENT, .k.alg = "hmac(sha2)" },
		{ -ENOENT, .k.alg = "" },
		{ -ENOENT, .k.alg = "cmac(aes)" },	/* 8 bytes are no key of AES */
		{ 0, .k = { .alg = "cmac(aes)", .secret = "0123456789abcdef" } },
		{ 0, .k = { .alg = "hmac(sha256)", .sndid = 1, .rcvid = 1 } },
		{ 0, .k = { .alg = "cmac(aes128)", .sndid = 2, .rcvid = 2 } },
		{ -EMSGSIZE, .k = { .maclen = 17, .sndid = 6, .rcvid = 6 } },
		{ 0, .k = { .maclen = 16, .sndid = 3, .rcvid = 3 } },
		{ -EINVAL, .k.flags = 4 },
		{ 0, .k = { .flags = TCP_AO_KEYF_IFINDEX, .sndid = 4, .rcvid = 4 } },
		{ 0, .k = { .flags = TCP_AO_KEYF_EXCLUDE_OPT, .sndid = 5, .rcvid = 5 } },
		{ -EINVAL, .k.prefix = 129 },
		{ -EINVAL, .k.prefix = 24 },		/* the address has more bits */
	};
	uint8_t room[sizeof(struct tcp_ao_add) + 8];
	struct tcp_ao_add add;
	size_t i;

	NEED_AO(variant->family);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(room, 1, sizeof(room));
		add = words_of(LOOPBACK, &cases[i].k);
		memcpy(room, &add, sizeof(add));
		EXPECT_EQ(cases[i].err, set(self->fd, TCP_AO_ADD_KEY, room,
					    sizeof(add) + cases[i].len)) {
			TH_LOG("case %zu", i);
		}
	}
	EXPECT_EQ(-EINVAL, set(self->fd, TCP_AO_ADD_KEY, &add, 0));
	EXPECT_EQ(-EFAULT, set(self->fd, TCP_AO_ADD_KEY, NULL, sizeof(add)));
}

TEST_F(options, bad_fields)
{
	const struct tcp_ao_add good = words_of(LOOPBACK, &(struct key){});
	struct tcp_ao_add add = good;
	struct sockaddr_in *sin = (void *)&add.addr;

	NEED_AO(variant->family);
	add.reserved = 1;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	add.reserved2 = 1;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	add.keylen = TCP_AO_MAXKEYLEN + 1;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	sin->sin_port = htons(80);
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	add.addr.ss_family = AF_UNIX;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	add.prefix = 0;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add = good;
	add.ifindex = 1;
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	add.keyflags = TCP_AO_KEYF_IFINDEX;		/* no VRF */
	EXPECT_EQ(-EINVAL, add_words(self->fd, &add));
	EXPECT_EQ(0, add_words(self->fd, &good));
}

/* A listener has no Current_key. */
TEST_F(options, listening)
{
	struct tcp_ao_info_opt info = { .set_current = 1, .current_key = 100 };
	struct tcp_ao_del del = del_words(LOOPBACK, 100, 100);

	NEED_AO(variant->family);
	del.del_async = 1;
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &(struct key){}));
	EXPECT_EQ(-EINVAL, set(self->fd, TCP_AO_DEL_KEY, &del, sizeof(del)));
	EXPECT_EQ(0, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_EQ(1, (int)info_of(self->fd).set_current);
	EXPECT_EQ(-EBUSY, del_key(self->fd, 100, 100));
	EXPECT_EQ(0, listen(self->fd, 1));
	EXPECT_EQ(-EINVAL, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_EQ(-EINVAL, add_key(self->fd, LOOPBACK,
				   &(struct key){ .sndid = 1, .rcvid = 1, .current = true }));
	EXPECT_EQ(0, set(self->fd, TCP_AO_DEL_KEY, &del, sizeof(del)));
	EXPECT_EQ(0, (int)info_of(self->fd).set_current);
}

TEST_F(options, info)
{
	struct tcp_ao_info_opt info = { .pkt_good = 5, .pkt_bad = 6, .pkt_key_not_found = 7,
					.pkt_ao_required = 8, .pkt_dropped_icmp = 9 };
	struct tcp_ao_repair repair = {};
	socklen_t len = sizeof(info);

	NEED_AO(variant->family);
	EXPECT_EQ(-ENOENT, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_INFO, &repair, &len)));
	info.ao_required = 1;
	info.accept_icmps = 1;
	EXPECT_EQ(0, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_EQ(0, info_of(self->fd).pkt_good);
	EXPECT_EQ(1, (int)info_of(self->fd).ao_required);
	EXPECT_EQ(1, (int)info_of(self->fd).accept_icmps);
	info.set_counters = 1;
	info.ao_required = 0;
	EXPECT_EQ(0, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_EQ(5, info_of(self->fd).pkt_good);
	EXPECT_EQ(6, info_of(self->fd).pkt_bad);
	EXPECT_EQ(7, info_of(self->fd).pkt_key_not_found);
	EXPECT_EQ(8, info_of(self->fd).pkt_ao_required);
	EXPECT_EQ(9, info_of(self->fd).pkt_dropped_icmp);
	EXPECT_EQ(0, (int)info_of(self->fd).ao_required);
	info.set_rnext = 1;
	EXPECT_EQ(-ENOENT, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	info.set_rnext = 0;
	info.reserved = 1;
	EXPECT_EQ(-EINVAL, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_EQ(-EINVAL, set(self->fd, TCP_AO_INFO, &info, sizeof(info) - 1));
	EXPECT_EQ(-EPERM, set(self->fd, TCP_AO_REPAIR, &repair, sizeof(repair)));
	len = sizeof(repair);
	EXPECT_EQ(-EPERM, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_REPAIR, &repair, &len)));
}

TEST_F(options, keys_are_told)
{
	const struct key one = {
		.alg = "hmac(sha256)", .sndid = 1, .rcvid = 2, .maclen = 10, .secret = "one",
	};
	const struct key two = { .alg = "cmac(aes128)", .sndid = 3, .rcvid = 4, .rnext = true };
	struct tcp_ao_getsockopt got[3] = { { .get_all = 1, .nkeys = 3 } };
	socklen_t len = sizeof(got[0]);

	NEED_AO(variant->family);
	EXPECT_EQ(-ENOENT, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &one));
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &two));
	EXPECT_EQ(0, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	EXPECT_EQ(sizeof(got[0]), len);
	EXPECT_EQ(2, got[0].nkeys);
	EXPECT_STREQ("cmac(aes)", got[0].alg_name);
	EXPECT_EQ(16, got[0].keylen);
	EXPECT_EQ(12, got[0].maclen);
	EXPECT_EQ(1, (int)got[0].is_rnext);
	EXPECT_EQ(0, (int)got[0].is_current);
	EXPECT_EQ(1, got[1].sndid);
	EXPECT_EQ(2, got[1].rcvid);
	EXPECT_EQ(10, got[1].maclen);
	EXPECT_EQ(3, got[1].keylen);
	EXPECT_EQ(0, memcmp(got[1].key, "one", 3));
	EXPECT_EQ(whole(), got[1].prefix);
	EXPECT_STREQ("hmac(sha256)", got[1].alg_name);
	/* Those of an address; there is room for none. */
	memset(got, 0, sizeof(got));
	addr_of(&got[0].addr, LOOPBACK);
	got[0].prefix = whole();
	got[0].sndid = 1;
	got[0].rcvid = 2;
	EXPECT_EQ(0, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	EXPECT_EQ(1, got[0].nkeys);
	EXPECT_EQ(0, got[0].keylen);
	got[0].get_all = 1;
	EXPECT_EQ(-EINVAL, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	memset(got, 0, sizeof(got));
	EXPECT_EQ(-EAFNOSUPPORT,
		  SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	got[0].is_rnext = 1;
	got[0].is_current = 1;
	got[0].nkeys = 1;
	EXPECT_EQ(0, SYS(getsockopt(self->fd, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	EXPECT_EQ(1, got[0].nkeys);
	EXPECT_EQ(3, got[0].sndid);
}

/* A peer has keys of one kind. */
TEST_F(options, no_md5_besides)
{
	struct tcp_md5sig md5 = { .tcpm_keylen = 1, .tcpm_key = "k" };
	struct tcp_ao_info_opt info = { .ao_required = 1 };

	NEED_AO(variant->family);
	addr_of(&md5.tcpm_addr, LOOPBACK);
	EXPECT_EQ(0, add_key(self->fd, LOOPBACK, &(struct key){}));
	EXPECT_EQ(-EKEYREJECTED, set(self->fd, TCP_MD5SIG, &md5, sizeof(md5)));
	EXPECT_EQ(0, del_key(self->fd, 100, 100));
	EXPECT_EQ(0, set(self->fd, TCP_MD5SIG, &md5, sizeof(md5)));
	EXPECT_EQ(-EKEYREJECTED, add_key(self->fd, LOOPBACK, &(struct key){}));
	EXPECT_EQ(0, add_key(self->fd, "127.0.0.2", &(struct key){}));
	EXPECT_EQ(-EKEYREJECTED, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	md5.tcpm_keylen = 0;
	EXPECT_EQ(0, set(self->fd, TCP_MD5SIG, &md5, sizeof(md5)));
	EXPECT_EQ(0, set(self->fd, TCP_AO_INFO, &info, sizeof(info)));
	md5.tcpm_keylen = 1;
	EXPECT_EQ(-EKEYREJECTED, set(self->fd, TCP_MD5SIG, &md5, sizeof(md5)));
}

/* --- two ends -------------------------------------------------------------------- */

API_LISTENER_FIXTURE(signed_pair);

#define NEED_AO_PAIR() do {						\
	NEED_AO(variant->client);					\
	NEED_AO(variant->server);					\
} while (0)

/* A client with a key, or NULL, that connects; it need not succeed. */
static int client(int family, const struct sockaddr_in *addr, const struct key *k)
{
	int fd = api_socket(family, SOCK_NONBLOCK);

	if (k)
		must_add(fd, k);
	if (api_connect(fd, addr) && errno != EINPROGRESS)
		api_die("connect");
	return fd;
}

static int connected(int family, const struct sockaddr_in *addr, const struct key *k)
{
	int fd = client(family, addr, k);

	if (!(api_events(fd, POLLOUT, API_DEADLINE_MS) & POLLOUT) ||
	    api_state(fd) != ST_ESTABLISHED)
		api_die("no connection");
	return fd;
}

#define TEN	"0123456789"
#define EIGHTY	TEN TEN TEN TEN TEN TEN TEN TEN

/* What may be in a key, one connection each. */
TEST_F(signed_pair, kinds)
{
	const struct key cases[] = {
		{ .alg = "hmac(sha1)" },
		{ .alg = "hmac(sha1)", .maclen = 16, .flags = TCP_AO_KEYF_EXCLUDE_OPT },
		{ .alg = "hmac(sha256)", .maclen = 4 },
		{ .alg = "hmac(sha256)", .prefix = -1, .maclen = 13 },
		{ .alg = "cmac(aes128)", .secret = "0123456789abcdef" },
		{ .alg = "cmac(aes128)", .maclen = 1, .secret = "other than sixteen bytes" },
		/* Longer than a block of the hash. */
		{ .secret = EIGHTY },
	};
	struct tcp_ao_info_opt info;
	size_t i;
	int c, s, l;

	NEED_AO_PAIR();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_in addr;
		struct tcp_ao_add add = words_of(LOOPBACK, &cases[i]);

		/* Without a prefix the address is that of all: mapped ones have none. */
		if (cases[i].prefix < 0 && api_face == API_MAPPED)
			continue;
		if (cases[i].prefix < 0)
			memset((char *)&add.addr + 4, 0, sizeof(add.addr) - 4);
		l = api_listener(variant->server, &addr);
		EXPECT_EQ(0, add_words(l, &add));
		c = api_socket(variant->client, 0);
		EXPECT_EQ(0, add_words(c, &add));
		EXPECT_EQ(0, api_connect(c, &addr));
		s = api_accept(l);
		EXPECT_TRUE(both(c, s)) {
			TH_LOG("case %zu", i);
		}
		info = info_of(s);
		EXPECT_LT(5, info.pkt_good);
		EXPECT_EQ(0, info.pkt_bad);
		EXPECT_EQ(0, info.pkt_key_not_found);
		EXPECT_EQ(100, info.current_key);
		EXPECT_EQ(0, info_of(c).pkt_bad);
		close(c);
		close(s);
		close(l);
	}
}

/* Either end alone with a key, or with another one: the server hears nothing of it. */
TEST_F(signed_pair, other_keys)
{
	static const struct {
		struct key server, client;
		bool plain_server, plain_client;
		const char *counter;
	} cases[] = {
		{ .server.secret = "secret", .client.secret = "Secret", .counter = "TCPAOBad" },
		{ .client.maclen = 16, .counter = "TCPAOBad" },
		{ .client.alg = "hmac(sha256)", .counter = "TCPAOBad" },
		{ .client.sndid = 7, .counter = "TCPAOKeyNotFound" },
		{ .plain_client = true, .counter = "TCPAORequired" },
		{ .plain_server = true, .counter = "TCPAOKeyNotFound" },
	};
	size_t i;
	long n;
	int c;

	NEED_AO_PAIR();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sockaddr_in addr;
		int l = api_listener(variant->server, &addr);

		n = mib_of(variant->server, cases[i].counter);
		if (!cases[i].plain_server)
			must_add(l, &cases[i].server);
		c = client(variant->client, &addr, cases[i].plain_client ? NULL :
						   &cases[i].client);
		EXPECT_TRUE(API_WAIT(mib_of(variant->server, cases[i].counter) > n)) {
			TH_LOG("case %zu", i);
		}
		EXPECT_EQ(ST_SYN_SENT, api_state(c));
		EXPECT_EQ(0, api_events(l, POLLIN, 0));
		close(c);
		close(l);
	}
}

/* A connection goes over to another key when the peer asks for it, rfc5925#section-7.5. */
TEST_F(signed_pair, rollover)
{
	const struct key first = { .sndid = 1, .rcvid = 2 }, first_s = { .sndid = 2, .rcvid = 1 };
	const struct key next = { .sndid = 3, .rcvid = 4, .secret = "new", .maclen = 16 };
	const struct key next_s = { .sndid = 4, .rcvid = 3, .secret = "new", .maclen = 16 };
	struct tcp_ao_info_opt info = { .set_rnext = 1, .rnext = 4 };
	int c, s;

	NEED_AO_PAIR();
	must_add(self->l, &first_s);
	c = connected(variant->client, &self->addr, &first);
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	must_add(c, &next);
	must_add(s, &next_s);
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(1, info_of(c).current_key);
	EXPECT_EQ(2, info_of(s).current_key);
	/* The client wants to be sent 4. */
	EXPECT_EQ(0, set(c, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(4, info_of(s).current_key);
	EXPECT_EQ(1, info_of(c).current_key);
	/* The server wants 3, and has no use for the first key then. */
	info.rnext = 3;
	EXPECT_EQ(0, set(s, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(3, info_of(c).current_key);
	EXPECT_EQ(0, del_key(c, 1, 2));
	EXPECT_EQ(-EBUSY, del_key(c, 3, 4));
	EXPECT_EQ(0, del_key(s, 2, 1));
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(0, info_of(c).pkt_bad + info_of(s).pkt_bad);
	EXPECT_EQ(0, info_of(c).pkt_key_not_found + info_of(s).pkt_key_not_found);
	close(c);
	close(s);
}

/* A child has the keys for its peer, all of them, and they are its own. */
TEST_F(signed_pair, children)
{
	struct tcp_ao_getsockopt got[4] = { { .get_all = 1, .nkeys = 4 } };
	socklen_t len = sizeof(got[0]);
	int c, s;

	NEED_AO_PAIR();
	must_add(self->l, &(struct key){});
	must_add(self->l, &(struct key){ .sndid = 1, .rcvid = 1 });
	EXPECT_EQ(0, add_key(self->l, "127.0.0.9", &(struct key){ .sndid = 2, .rcvid = 2 }));
	c = connected(variant->client, &self->addr, &(struct key){});
	s = api_accept(self->l);
	EXPECT_EQ(0, SYS(getsockopt(s, IPPROTO_TCP, TCP_AO_GET_KEYS, got, &len)));
	EXPECT_EQ(2, got[0].nkeys);
	EXPECT_EQ(0, del_key(self->l, 100, 100));
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(100, info_of(s).current_key);
	EXPECT_EQ(100, info_of(s).rnext);
	close(c);
	close(s);
}

/* Who has keys, but none for the peer, must not connect; nor may who began without sign. */
TEST_F(signed_pair, too_late)
{
	struct tcp_ao_info_opt info = { .ao_required = 1 };
	int c = api_socket(variant->client, 0), s;

	NEED_AO_PAIR();
	EXPECT_EQ(0, add_key(c, "127.0.0.9", &(struct key){}));
	errno = 0;
	EXPECT_EQ(-EKEYREJECTED, SYS(api_connect(c, &self->addr)));
	close(c);
	c = connected(variant->client, &self->addr, NULL);
	s = api_accept(self->l);
	EXPECT_EQ(-EISCONN, add_key(c, LOOPBACK, &(struct key){}));
	EXPECT_EQ(-EISCONN, set(s, TCP_AO_INFO, &info, sizeof(info)));
	EXPECT_TRUE(both(c, s));
	close(c);
	close(s);
}

TEST_F(signed_pair, cookies)
{
	int c, s;

	NEED_AO_PAIR();
	/* Seen with both clients and all faces, one connection in some ten; why is not known. */
	if (variant->server == AF_INET)
		SKIP(return, "kernel TCP's connection stalls now and then");
	api_sysctl("ipv4/tcp_syncookies", "2");
	must_add(self->l, &(struct key){});
	c = connected(variant->client, &self->addr, &(struct key){});
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(100, info_of(s).current_key);
	close(c);
	close(s);
}

/* Data in a signed SYN. */
TEST_F(signed_pair, fast_open)
{
	int c = api_socket(variant->client, 0);

	NEED_AO_PAIR();
	must_add(self->l, &(struct key){});
	must_add(c, &(struct key){});
	EXPECT_TRUE(fast_open(c, self->l, &self->addr, variant->server));
}

static long trouble(int client, int server)
{
	return mib_of(client, "TCPAORequired") + mib_of(client, "TCPAOBad") +
	       mib_of(server, "TCPAORequired") + mib_of(server, "TCPAOBad");
}

/* The end of a connection is signed, too: FIN both ways, and RST. */
TEST_F(signed_pair, end)
{
	int c;
	long n;

	NEED_AO_PAIR();
	n = trouble(variant->client, variant->server);
	must_add(self->l, &(struct key){});
	c = connected(variant->client, &self->addr, &(struct key){});
	EXPECT_EQ(0, closed(c, api_accept(self->l), false));
	c = connected(variant->client, &self->addr, &(struct key){});
	EXPECT_EQ(-ECONNRESET, closed(c, api_accept(self->l), true));
	EXPECT_EQ(n, trouble(variant->client, variant->server));
}

TEST_HARNESS_MAIN
