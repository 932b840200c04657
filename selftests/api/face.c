// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses of the version of IP under test.
 *
 * Tests write IPv4 addresses whatever they run over, and these functions say
 * what that means: 127.0.0.1 is ::1 over IPv6, other addresses are 2001:db8::
 * with the four bytes at the end; for an IPv6 socket that talks IPv4 both are
 * ::ffff:a.b.c.d; and 0.0.0.0 is :: to each of them.
 */
#define API_NO_HARNESS
#include "api.h"
#include <linux/if_addr.h>
#include <linux/ipv6.h>
#include <net/if.h>

#define LOOPBACK_NET	127

enum api_face api_face;

static struct in6_addr to_v6(struct in_addr v4)
{
	struct in6_addr v6 = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8 } };

	if (v4.s_addr == htonl(INADDR_ANY))
		return in6addr_any;
	if (v4.s_addr == htonl(INADDR_LOOPBACK) && api_face == API_V6)
		return in6addr_loopback;
	if (api_face == API_MAPPED) {
		memset(&v6, 0, sizeof(v6));
		v6.s6_addr[10] = 0xff;
		v6.s6_addr[11] = 0xff;
	}
	memcpy(&v6.s6_addr[12], &v4, 4);
	return v6;
}

static struct in_addr to_v4(const struct in6_addr *v6)
{
	struct in_addr v4 = { htonl(INADDR_ANY) };

	if (IN6_IS_ADDR_LOOPBACK(v6))
		v4.s_addr = htonl(INADDR_LOOPBACK);
	else if (!IN6_IS_ADDR_UNSPECIFIED(v6))
		memcpy(&v4, &v6->s6_addr[12], 4);
	return v4;
}

/* An address is there some time before it can be used, even without DAD. */
static bool usable(const struct in6_addr *v6)
{
	char line[128], row[33], want[33];
	unsigned int flags;
	bool found = false;
	FILE *f = fopen("/proc/thread-self/net/if_inet6", "r");
	int i;

	for (i = 0; i < 16; i++)
		snprintf(want + 2 * i, 3, "%02x", v6->s6_addr[i]);
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %*x %*x %*x %x", row, &flags) == 2 &&
			!strcmp(row, want) && !(flags & IFA_F_TENTATIVE);
	if (f)
		fclose(f);
	return found;
}

/* All of 127/8 is ours over IPv4; over IPv6 lo has to be given each address. */
static void on_lo(struct in_addr v4)
{
	struct in6_ifreq ifr = {
		.ifr6_addr = to_v6(v4),
		.ifr6_prefixlen = 128,
		.ifr6_ifindex = if_nametoindex("lo"),
	};
	int fd;

	if (api_face != API_V6 || usable(&ifr.ifr6_addr))
		return;
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFADDR, &ifr))
		api_die("an address for lo");
	close(fd);
	if (!API_WAIT(usable(&ifr.ifr6_addr)))
		api_die("an address of lo does not become usable");
}

struct sockaddr_in api_addr(const char *ip, int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};

	if (inet_pton(AF_INET, ip, &addr.sin_addr) != 1)
		api_die("address %s", ip);
	if (ntohl(addr.sin_addr.s_addr) >> 24 == LOOPBACK_NET &&
	    addr.sin_addr.s_addr != htonl(INADDR_LOOPBACK) &&
	    addr.sin_addr.s_addr != htonl(INADDR_LOOPBACK | 0xffffff))
		on_lo(addr.sin_addr);
	return addr;
}

/* What a command takes for that address; "10.0.0.1/24" has a prefix length. */
const char *api_ip(const char *ip)
{
	static char text[4][INET6_ADDRSTRLEN + 4];
	static unsigned int next;
	char *out = text[next++ % 4], plain[INET_ADDRSTRLEN];
	const char *slash = strchr(ip, '/');
	struct in6_addr v6;
	struct in_addr v4;

	if (api_face != API_V6)
		return ip;
	snprintf(plain, sizeof(plain), "%.*s",
		 (int)(slash ? slash - ip : (long)strlen(ip)), ip);
	if (inet_pton(AF_INET, plain, &v4) != 1)
		api_die("address %s", ip);
	v6 = to_v6(v4);
	inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN);
	if (slash)
		sprintf(out + strlen(out), "/%d", 96 + atoi(slash + 1));
	return out;
}

/* The address as the socket takes it, and its length. Only AF_INET changes. */
socklen_t api_sockaddr(const struct sockaddr_in *v4, struct sockaddr_in6 *to)
{
	memset(to, 0, sizeof(*to));
	if (api_face == API_V4 || v4->sin_family != AF_INET) {
		memcpy(to, v4, sizeof(*v4));
		return sizeof(*v4);
	}
	to->sin6_family = AF_INET6;
	to->sin6_port = v4->sin_port;
	to->sin6_addr = to_v6(v4->sin_addr);
	return sizeof(*to);
}

/* Length of the addresses that sockets under test give. */
socklen_t api_sockaddr_len(void)
{
	return api_face == API_V4 ? sizeof(struct sockaddr_in) :
				    sizeof(struct sockaddr_in6);
}

/* What a socket gave, back in IPv4; dies if it is not of the right kind. */
struct sockaddr_in api_from(const struct sockaddr_in6 *from, socklen_t len)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	if (len != api_sockaddr_len() ||
	    from->sin6_family != (api_face == API_V4 ? AF_INET : AF_INET6))
		api_die("an address of family %d and length %u",
			from->sin6_family, len);
	if (api_face == API_V4) {
		memcpy(&v4, from, sizeof(v4));
		return v4;
	}
	v4.sin_port = from->sin6_port;
	v4.sin_addr = to_v4(&from->sin6_addr);
	if (api_face == API_MAPPED && v4.sin_addr.s_addr &&
	    !IN6_IS_ADDR_V4MAPPED(&from->sin6_addr))
		api_die("an address that is not mapped");
	return v4;
}

static int name_of(int fd, bool peer, struct sockaddr_in *name)
{
	struct sockaddr_in6 raw;
	socklen_t len = sizeof(raw);
	int ret = peer ? getpeername(fd, (struct sockaddr *)&raw, &len) :
			 getsockname(fd, (struct sockaddr *)&raw, &len);

	if (!ret)
		*name = api_from(&raw, len);
	return ret;
}

/* getsockname(), getpeername() */
int api_name(int fd, struct sockaddr_in *name)
{
	return name_of(fd, false, name);
}

int api_peer(int fd, struct sockaddr_in *name)
{
	return name_of(fd, true, name);
}

/* accept() with the address of the peer */
int api_accept_from(int listener, struct sockaddr_in *from)
{
	struct sockaddr_in6 raw;
	socklen_t len = sizeof(raw);
	int fd = accept(listener, (struct sockaddr *)&raw, &len);

	if (fd >= 0)
		*from = api_from(&raw, len);
	return fd;
}

int api_bind(int fd, const struct sockaddr_in *addr)
{
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(addr, &to);

	return bind(fd, (const struct sockaddr *)&to, len);
}

int api_connect(int fd, const struct sockaddr_in *addr)
{
	struct sockaddr_in6 to;
	socklen_t len = api_sockaddr(addr, &to);

	return connect(fd, (const struct sockaddr *)&to, len);
}
