// SPDX-License-Identifier: GPL-2.0
/*
 * TCP_MD5SIG and TCP_MD5SIG_EXT, rfc2385. That the two stacks understand each other, in
 * both roles, proves the signatures of each.
 */
#include "signed.h"

/* What a call says, IPv4's prefix lengths where it has one. */
struct key {
	const char *ip, *key;
	int prefix;	/* < 0: none is told */
};

static struct tcp_md5sig words_of(const struct key *k)
{
	struct sockaddr_in v4 = api_addr(k->ip, 0);
	struct sockaddr_in6 addr;
	struct tcp_md5sig md5 = { .tcpm_keylen = strlen(k->key) };
	socklen_t len = api_sockaddr(&v4, &addr);

	memcpy(&md5.tcpm_addr, &addr, len);
	memcpy(md5.tcpm_key, k->key, md5.tcpm_keylen);
	if (k->prefix >= 0) {
		md5.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
		md5.tcpm_prefixlen = k->prefix;
	}
	return md5;
}

static long set_words(int fd, int name, const struct tcp_md5sig *md5, socklen_t len)
{
	return SYS(setsockopt(fd, IPPROTO_TCP, name, md5, len));
}

static long set_key(int fd, const char *ip, const char *key)
{
	const struct key k = { ip, key, -1 };
	const struct tcp_md5sig md5 = words_of(&k);

	return set_words(fd, TCP_MD5SIG, &md5, sizeof(md5));
}

static long set_prefix(int fd, const char *ip, int prefix, const char *key)
{
	const struct key k = { ip, key, prefix };
	const struct tcp_md5sig md5 = words_of(&k);

	return set_words(fd, TCP_MD5SIG_EXT, &md5, sizeof(md5));
}

static void must_set(int fd, const char *key)
{
	if (set_key(fd, LOOPBACK, key))
		api_die("TCP_MD5SIG");
}

/* --- the calls ------------------------------------------------------------------- */

API_SOCKET_FIXTURE(options);

TEST_F(options, set_change_delete)
{
	EXPECT_EQ(-ENOENT, set_key(self->fd, LOOPBACK, ""));
	EXPECT_EQ(0, set_key(self->fd, LOOPBACK, "secret"));
	EXPECT_EQ(0, set_key(self->fd, LOOPBACK, "another"));
	EXPECT_EQ(-ENOENT, set_key(self->fd, "127.0.0.2", ""));
	EXPECT_EQ(0, set_key(self->fd, LOOPBACK, ""));
	EXPECT_EQ(-ENOENT, set_key(self->fd, LOOPBACK, ""));
}

/* A key is known by all that it was set by. */
TEST_F(options, prefixes_are_keys_of_their_own)
{
	const int whole = api_face == API_V6 ? 128 : 32;

	EXPECT_EQ(0, set_prefix(self->fd, LOOPBACK, 8, "wide"));
	EXPECT_EQ(-ENOENT, set_prefix(self->fd, LOOPBACK, 9, ""));
	EXPECT_EQ(-ENOENT, set_key(self->fd, LOOPBACK, ""));
	EXPECT_EQ(0, set_prefix(self->fd, LOOPBACK, whole, "one"));
	EXPECT_EQ(0, set_key(self->fd, LOOPBACK, ""));
	EXPECT_EQ(-EINVAL, set_prefix(self->fd, LOOPBACK, whole + 1, "long"));
	EXPECT_EQ(0, set_prefix(self->fd, LOOPBACK, 0, "all"));
	EXPECT_EQ(0, set_prefix(self->fd, LOOPBACK, 0, ""));
	EXPECT_EQ(0, set_prefix(self->fd, LOOPBACK, 8, ""));
}

TEST_F(options, bad_calls)
{
	const struct key k = { LOOPBACK, "secret", -1 };
	struct tcp_md5sig md5 = words_of(&k);
	const int names[] = { TCP_MD5SIG, TCP_MD5SIG_EXT };
	uint8_t longer[sizeof(md5) + 8] = {};
	socklen_t len = sizeof(longer);
	size_t i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EINVAL, set_words(self->fd, names[i], &md5, 0));
		EXPECT_EQ(-EINVAL, set_words(self->fd, names[i], &md5, sizeof(md5) - 1));
		EXPECT_EQ(-EFAULT, set_words(self->fd, names[i], NULL, sizeof(md5)));
		memcpy(longer, &md5, sizeof(md5));
		EXPECT_EQ(0, set_words(self->fd, names[i], (void *)longer, sizeof(longer)));
		EXPECT_EQ(-ENOPROTOOPT,
			  SYS(getsockopt(self->fd, IPPROTO_TCP, names[i], longer, &len)));
		md5.tcpm_keylen = TCP_MD5SIG_MAXKEYLEN;
		EXPECT_EQ(0, set_words(self->fd, names[i], &md5, sizeof(md5)));
		md5.tcpm_keylen++;
		EXPECT_EQ(-EINVAL, set_words(self->fd, names[i], &md5, sizeof(md5)));
		md5.tcpm_keylen = 6;
		md5.tcpm_addr.ss_family = api_face == API_V4 ? AF_INET6 : AF_INET;
		EXPECT_EQ(-EINVAL, set_words(self->fd, names[i], &md5, sizeof(md5)));
		md5 = words_of(&k);
	}
	/* Without _EXT there are neither prefixes nor devices. */
	md5.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
	md5.tcpm_prefixlen = 255;
	EXPECT_EQ(0, set_words(self->fd, TCP_MD5SIG, &md5, sizeof(md5)));
	EXPECT_EQ(-EINVAL, set_words(self->fd, TCP_MD5SIG_EXT, &md5, sizeof(md5)));
}

/* The device must be a VRF. */
TEST_F(options, devices)
{
	const struct key k = { LOOPBACK, "secret", -1 };
	struct tcp_md5sig md5 = words_of(&k);

	md5.tcpm_flags = TCP_MD5SIG_FLAG_IFINDEX;
	md5.tcpm_ifindex = 1;
	EXPECT_EQ(-EINVAL, set_words(self->fd, TCP_MD5SIG_EXT, &md5, sizeof(md5)));
	md5.tcpm_ifindex = 12345;
	EXPECT_EQ(-EINVAL, set_words(self->fd, TCP_MD5SIG_EXT, &md5, sizeof(md5)));
	/* Outside of VRFs, which is another key than for all of them. */
	md5.tcpm_ifindex = 0;
	EXPECT_EQ(0, set_words(self->fd, TCP_MD5SIG_EXT, &md5, sizeof(md5)));
	EXPECT_EQ(-ENOENT, set_key(self->fd, LOOPBACK, ""));
}

/* net.core.optmem_max bounds them; what is deleted is given back. */
TEST_F(options, memory)
{
	char ip[32];
	long err = 0;
	int i;

	for (i = 0; !err && i < 20000; i++) {
		snprintf(ip, sizeof(ip), "10.1.%d.%d", i / 256, i % 256);
		err = set_prefix(self->fd, ip, api_face == API_V6 ? 128 : 32, "secret");
	}
	EXPECT_EQ(-ENOMEM, err);
	EXPECT_LT(10, i);
	EXPECT_EQ(0, set_key(self->fd, "10.1.0.1", ""));
	EXPECT_EQ(0, set_key(self->fd, ip, "secret"));
}

/* --- two ends -------------------------------------------------------------------- */

API_LISTENER_FIXTURE(signed_pair);

/* A client with a key, or NULL, that connects; it need not succeed. */
static int client(int family, const struct sockaddr_in *addr, const char *key)
{
	int fd = api_socket(family, SOCK_NONBLOCK);

	if (key)
		must_set(fd, key);
	if (api_connect(fd, addr) && errno != EINPROGRESS)
		api_die("connect");
	return fd;
}

static int connected(int family, const struct sockaddr_in *addr, const char *key)
{
	int fd = client(family, addr, key);

	if (!(api_events(fd, POLLOUT, API_DEADLINE_MS) & POLLOUT) ||
	    api_state(fd) != ST_ESTABLISHED)
		api_die("no connection");
	return fd;
}

TEST_F(signed_pair, same_key)
{
	int c, s;

	must_set(self->l, "secret");
	c = connected(variant->client, &self->addr, "secret");
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	/* The child's key is its own: */
	EXPECT_EQ(0, set_key(self->l, LOOPBACK, ""));
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(0, set_key(s, LOOPBACK, ""));
	close(c);
	close(s);
}

TEST_F(signed_pair, longest_key)
{
	char key[TCP_MD5SIG_MAXKEYLEN + 1] = {};
	int c, s;

	memset(key, 'k', TCP_MD5SIG_MAXKEYLEN);
	must_set(self->l, key);
	c = connected(variant->client, &self->addr, key);
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	close(c);
	close(s);
}

/* Either end alone with a key, or with another one: the server hears nothing of it. */
TEST_F(signed_pair, other_keys)
{
	static const struct {
		const char *server, *client, *counter;
	} cases[] = {
		{ "secret", "Secret", "TCPMD5Failure" },
		{ "secret", "secret ", "TCPMD5Failure" },
		{ "secret", NULL, "TCPMD5NotFound" },
		{ NULL, "secret", "TCPMD5Unexpected" },
	};
	size_t i;
	long n;
	int c;

	for (i = 0; i < 4; i++) {
		n = mib_of(variant->server, cases[i].counter);
		if (cases[i].server)
			must_set(self->l, cases[i].server);
		c = client(variant->client, &self->addr, cases[i].client);
		EXPECT_TRUE(API_WAIT(mib_of(variant->server, cases[i].counter) > n));
		EXPECT_EQ(ST_SYN_SENT, api_state(c));
		EXPECT_EQ(0, api_events(self->l, POLLIN, 0));
		close(c);
		if (cases[i].server)
			EXPECT_EQ(0, set_key(self->l, LOOPBACK, ""));
	}
}

/* Keys of prefixes: the longest that fits is the one. */
TEST_F(signed_pair, prefixes)
{
	int c, s;

	EXPECT_EQ(0, set_prefix(self->l, LOOPBACK, 0, "all"));
	EXPECT_EQ(0, set_prefix(self->l, LOOPBACK, 8, "wide"));
	EXPECT_EQ(0, set_prefix(self->l, "10.0.0.0", 32, "elsewhere"));
	c = connected(variant->client, &self->addr, "wide");
	s = api_accept(self->l);
	must_set(self->l, "one");
	EXPECT_TRUE(both(c, s));
	close(c);
	close(s);
	c = connected(variant->client, &self->addr, "one");
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	/* It has the address for its name, not the prefix. */
	EXPECT_EQ(0, set_key(s, LOOPBACK, ""));
	close(c);
	close(s);
}

/* What is queued already goes in single segments from then on, and signed. */
TEST_F(signed_pair, key_comes_later)
{
	int c = connected(variant->client, &self->addr, NULL);
	int s = api_accept(self->l);

	EXPECT_TRUE(both(c, s));
	must_set(c, "secret");
	must_set(s, "secret");
	EXPECT_TRUE(both(c, s));
	/* And goes again, with another one in between. */
	must_set(c, "other");
	must_set(s, "other");
	EXPECT_TRUE(both(c, s));
	EXPECT_EQ(0, set_key(c, LOOPBACK, ""));
	EXPECT_EQ(0, set_key(s, LOOPBACK, ""));
	EXPECT_TRUE(both(c, s));
	close(c);
	close(s);
}

/* Data that waits for a key on the other side is sent again when that has it. */
TEST_F(signed_pair, retransmitted)
{
	int c = connected(variant->client, &self->addr, NULL);
	int s = api_accept(self->l);
	static uint8_t data[100000], got[sizeof(data)];
	long n = mib_of(variant->server, "TCPMD5Unexpected");

	must_set(c, "secret");
	api_pattern(data, sizeof(data), 0);
	api_send(c, data, sizeof(data));
	EXPECT_TRUE(API_WAIT(mib_of(variant->server, "TCPMD5Unexpected") > n));
	must_set(s, "secret");
	api_recv(s, got, sizeof(got));
	EXPECT_EQ(0, memcmp(data, got, sizeof(got)));
	close(c);
	close(s);
}

TEST_F(signed_pair, cookies)
{
	int c, s;

	api_sysctl("ipv4/tcp_syncookies", "2");
	must_set(self->l, "secret");
	c = connected(variant->client, &self->addr, "secret");
	s = api_accept(self->l);
	EXPECT_TRUE(both(c, s));
	close(c);
	close(s);
}

/* Data in a signed SYN; the cookie has no room next to the signature, so without. */
TEST_F(signed_pair, fast_open)
{
	int c = api_socket(variant->client, 0);

	must_set(self->l, "secret");
	must_set(c, "secret");
	EXPECT_TRUE(fast_open(c, self->l, &self->addr, variant->server));
}

static long not_found(int client, int server)
{
	return mib_of(client, "TCPMD5NotFound") + mib_of(server, "TCPMD5NotFound");
}

/* The end of a connection is signed, too: FIN both ways, and RST. */
TEST_F(signed_pair, end)
{
	long n = not_found(variant->client, variant->server);
	int c, s;

	must_set(self->l, "secret");
	c = connected(variant->client, &self->addr, "secret");
	EXPECT_EQ(0, closed(c, api_accept(self->l), false));
	c = connected(variant->client, &self->addr, "secret");
	EXPECT_EQ(-ECONNRESET, closed(c, api_accept(self->l), true));
	EXPECT_EQ(n, not_found(variant->client, variant->server));

	/* Data for who has closed: a reset by a socket that is gone. */
	c = connected(variant->client, &self->addr, "secret");
	s = api_accept(self->l);
	close(s);
	EXPECT_TRUE(api_readable(c));
	api_send(c, "x", 1);
	EXPECT_TRUE(api_events(c, POLLERR, API_DEADLINE_MS) & POLLERR);
	close(c);
	/* Kernel TCP has lost the key of such a socket: the reset that the peer believes is
	 * the listener's, of what is sent again.
	 */
	if (variant->server == AF_TCPX)
		EXPECT_EQ(n, not_found(variant->client, variant->server));
}

TEST_HARNESS_MAIN
