// SPDX-License-Identifier: GPL-2.0
/*
 * What is below TCP and above it: one network namespace with one device, one route, no
 * neighbours, and the socket layer's side of socket() and close(). sk_buffs, socks and their
 * memory accounting are the kernel's own files, compiled with the module.
 */
#include <linux/cred.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/proc_fs.h>
#include <linux/sock_diag.h>
#include <linux/user_namespace.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>

#include "shim.h"
#include "module/tcpx.h"
#include "uapi/tcpx.h"

struct net init_net;
LIST_HEAD(net_namespace_list);
DECLARE_RWSEM(net_rwsem);
bool static_key_initialized = true;
struct softnet_data softnet_data;
int sysctl_skb_defer_max;
const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT, in6addr_loopback = IN6ADDR_LOOPBACK_INIT;
struct net_device net_dev, *blackhole_netdev = &net_dev;
void (*net_output)(const struct sk_buff *skb);

/* --- the namespace --------------------------------------------------------------------- */

int register_pernet_subsys(struct pernet_operations *ops)
{
	*ops->id = 1;
	init_net.gen->ptr[1] = kzalloc(ops->size, GFP_KERNEL);
	return ops->init(&init_net);
}

struct ctl_table_header *register_net_sysctl(struct net *net, const char *path,
					     struct ctl_table *table)
{
	static struct ctl_table_header header;

	header.ctl_table = table;
	return &header;
}

struct proc_dir_entry *proc_create_net_data(const char *name, umode_t mode,
					    struct proc_dir_entry *parent,
					    const struct seq_operations *ops,
					    unsigned int state_size, void *data)
{
	return (struct proc_dir_entry *)&init_net;
}

struct proc_dir_entry *proc_create_net_single(const char *name, umode_t mode,
					      struct proc_dir_entry *parent,
					      int (*show)(struct seq_file *, void *), void *data)
{
	return (struct proc_dir_entry *)&init_net;
}

struct proc_dir_entry *proc_create_net_single_write(const char *name, umode_t mode,
						    struct proc_dir_entry *parent,
						    int (*show)(struct seq_file *, void *),
						    proc_write_t write, void *data)
{
	return (struct proc_dir_entry *)&init_net;
}

int sock_diag_register(const struct sock_diag_handler *handler)
{
	return 0;
}

void sock_diag_broadcast_destroy(struct sock *sk)
{
	sk_destruct(sk);
}

u64 __sock_gen_cookie(struct sock *sk)
{
	return 1;
}

/* net.ipv4 as a kernel starts with it, as far as the module looks at it. */
static void net_sysctls(struct net *net)
{
	struct netns_ipv4 *v4 = &net->ipv4;
	static const int rmem[] = { 4096, 131072, 6291456 }, wmem[] = { 4096, 16384, 4194304 };

	memcpy(v4->sysctl_tcp_rmem, rmem, sizeof(rmem));
	memcpy(v4->sysctl_tcp_wmem, wmem, sizeof(wmem));
	v4->sysctl_tcp_timestamps = 1;
	v4->sysctl_tcp_sack = 1;
	v4->sysctl_tcp_window_scaling = 1;
	v4->sysctl_tcp_dsack = 1;
	v4->sysctl_tcp_ecn = 2;
	v4->sysctl_tcp_ecn_fallback = 1;
	v4->sysctl_tcp_fastopen = TFO_CLIENT_ENABLE | TFO_SERVER_ENABLE;
	v4->sysctl_tcp_syncookies = 1;
	v4->sysctl_tcp_reordering = 3;
	v4->sysctl_tcp_max_reordering = 300;
	v4->sysctl_tcp_retries1 = 3;
	v4->sysctl_tcp_retries2 = 15;
	v4->sysctl_tcp_syn_retries = 6;
	v4->sysctl_tcp_synack_retries = 5;
	v4->sysctl_tcp_orphan_retries = 0;
	v4->sysctl_tcp_slow_start_after_idle = 1;
	v4->sysctl_tcp_recovery = 1;
	v4->sysctl_tcp_early_retrans = 3;
	v4->sysctl_tcp_frto = 2;
	v4->sysctl_tcp_base_mss = 1024;
	v4->sysctl_tcp_min_snd_mss = 48;
	v4->sysctl_tcp_mtu_probe_floor = 48;
	v4->sysctl_tcp_probe_threshold = 8;
	v4->sysctl_tcp_probe_interval = 600;
	v4->sysctl_tcp_invalid_ratelimit = HZ / 2;
	v4->sysctl_tcp_fin_timeout = 60 * HZ;
	v4->sysctl_tcp_adv_win_scale = 1;
	v4->sysctl_tcp_app_win = 31;
	v4->sysctl_tcp_moderate_rcvbuf = 1;
	v4->sysctl_tcp_tso_win_divisor = 3;
	v4->sysctl_tcp_min_tso_segs = 2;
	v4->sysctl_tcp_tso_rtt_log = 9;
	v4->sysctl_tcp_min_rtt_wlen = 300;
	v4->sysctl_tcp_autocorking = 1;
	v4->sysctl_tcp_limit_output_bytes = 1 << 20;
	v4->sysctl_tcp_challenge_ack_limit = 1000;
	v4->sysctl_tcp_notsent_lowat = UINT_MAX;
	v4->sysctl_tcp_pacing_ss_ratio = 200;
	v4->sysctl_tcp_pacing_ca_ratio = 120;
	v4->sysctl_tcp_keepalive_time = 7200 * HZ;
	v4->sysctl_tcp_keepalive_probes = 9;
	v4->sysctl_tcp_keepalive_intvl = 75 * HZ;
	v4->sysctl_tcp_comp_sack_delay_ns = NSEC_PER_MSEC;
	v4->sysctl_tcp_comp_sack_slack_ns = 100 * NSEC_PER_USEC;
	v4->sysctl_tcp_comp_sack_nr = 44;
	v4->sysctl_tcp_tw_reuse = 2;
	v4->sysctl_tcp_no_ssthresh_metrics_save = 1;
	v4->sysctl_tcp_retrans_collapse = 1;
	v4->tcp_death_row.sysctl_max_tw_buckets = 4096;
	v4->sysctl_max_syn_backlog = 128;
	v4->sysctl_ip_default_ttl = 64;
	v4->sysctl_tcp_reflect_tos = 0;
	v4->ip_local_ports.range[0] = 32768;
	v4->ip_local_ports.range[1] = 60999;
	net->core.sysctl_somaxconn = 4096;
	net->core.sysctl_txrehash = 1;
}

static void net_namespace(struct net *net)
{
	static struct tcp_fastopen_context keys = { .key = { { { 1, 2 } } }, .num = 1 };

	RCU_INIT_POINTER(net->ipv4.tcp_fastopen_ctx, &keys);
	refcount_set(&net->passive, 1);
	refcount_set(&net->ns.count, 1);
	net->user_ns = &init_user_ns;
	net->loopback_dev = &net_dev;
	list_add_tail(&net->list, &net_namespace_list);
	net->gen = kzalloc(sizeof(*net->gen) + 4 * sizeof(void *), GFP_KERNEL);
	net->core.prot_inuse = alloc_percpu(struct prot_inuse);
	net->mib.ip_statistics = alloc_percpu(struct ipstats_mib);
	net->mib.tcp_statistics = alloc_percpu(struct tcp_mib);
	net->mib.net_statistics = alloc_percpu(struct linux_mib);
	net_sysctls(net);
}

void __put_net(struct net *net)
{
	HOLDS(0);
}

void inet_sk_get_local_port_range(const struct sock *sk, int *low, int *high)
{
	*low = 32768;
	*high = 60999;
}

u64 secure_ipv4_port_ephemeral(__be32 saddr, __be32 daddr, __be16 dport)
{
	return get_random_u32();
}

/* --- kernel TCP: what the module takes from it ----------------------------------------- */

static atomic_long_t net_pages;
static struct percpu_counter net_count;
static long net_mem[3] = { 2048, 3072, 4096 };
unsigned long tcp_memory_pressure;
int tcp_memory_per_cpu_fw_alloc;

static int net_get_port(struct sock *sk, unsigned short port)
{
	HOLDS(port);
	inet_sk(sk)->inet_num = port;
	return 0;
}

static void net_put_port(struct sock *sk)
{
	HOLDS(inet_sk(sk)->inet_num);
	inet_sk(sk)->inet_num = 0;
}

struct proto tcp_prot = {
	.get_port		= net_get_port,
	.put_port		= net_put_port,
	.memory_allocated	= &net_pages,
	.sockets_allocated	= &net_count,
	.sysctl_mem		= net_mem,
};

int percpu_counter_batch = 32;

int __percpu_counter_init(struct percpu_counter *fbc, s64 amount, gfp_t gfp,
			  struct lock_class_key *key)
{
	fbc->count = amount;
	return 0;
}

void percpu_counter_add_batch(struct percpu_counter *fbc, s64 amount, s32 batch)
{
	fbc->count += amount;
}

int __percpu_counter_compare(struct percpu_counter *fbc, s64 rhs, s32 batch)
{
	return fbc->count < rhs ? -1 : fbc->count > rhs;
}

long net_memory(void)
{
	return atomic_long_read(&net_pages) + tcp_memory_per_cpu_fw_alloc;
}

long net_sockets(void)
{
	return net_count.count;
}

static int net_no_handler(struct sk_buff *skb)
{
	kfree_skb(skb);
	return 0;
}

static int net_no_err_handler(struct sk_buff *skb, u32 info)
{
	return 0;
}

static const struct net_protocol net_tcp = {
	.handler = net_no_handler, .err_handler = net_no_err_handler,
};

static const struct inet6_protocol net_tcp6 = { .handler = net_no_handler };
const struct in6_addr net_local6 = { .s6_addr = { 0xfd, [15] = 1 } };
const struct in6_addr net_peer6 = { .s6_addr = { 0xfd, [15] = 2 } };

struct net_protocol __rcu *inet_protos[MAX_INET_PROTOS] = {
	[IPPROTO_TCP] = (struct net_protocol __rcu *)&net_tcp,
};

struct inet6_protocol __rcu *inet6_protos[MAX_INET_PROTOS] = {
	[IPPROTO_TCP] = (struct inet6_protocol __rcu *)&net_tcp6,
};

/* --- the route ------------------------------------------------------------------------- */

static struct rtable net_route;

static struct dst_entry *net_dst_check(struct dst_entry *dst, u32 cookie)
{
	return dst;
}

static unsigned int net_dst_mtu(const struct dst_entry *dst)
{
	return net_dev.mtu;
}

static unsigned int net_dst_advmss(const struct dst_entry *dst)
{
	return net_dev.mtu - 40;
}

static void net_dst_update_pmtu(struct dst_entry *dst, struct sock *sk, struct sk_buff *skb,
				u32 mtu, bool confirm)
{
}

static struct dst_ops net_dst_ops = {
	.family		= AF_INET,
	.check		= net_dst_check,
	.mtu		= net_dst_mtu,
	.default_advmss	= net_dst_advmss,
	.update_pmtu	= net_dst_update_pmtu,
};

struct rtable *ip_route_output_flow(struct net *net, struct flowi4 *fl4, const struct sock *sk)
{
	if (!fl4->saddr)
		fl4->saddr = htonl(LOCAL_ADDR);
	dst_hold(&net_route.dst);
	return &net_route;
}

struct rtable *ip_route_output_key_hash(struct net *net, struct flowi4 *fl4,
					const struct sk_buff *skb)
{
	return ip_route_output_flow(net, fl4, NULL);
}

/* The same for IPv6. */
static struct rt6_info net_route6;

static unsigned int net_dst_advmss6(const struct dst_entry *dst)
{
	return net_dev.mtu - 60;
}

static struct dst_ops net_dst_ops6 = {
	.family		= AF_INET6,
	.check		= net_dst_check,
	.mtu		= net_dst_mtu,
	.default_advmss	= net_dst_advmss6,
	.update_pmtu	= net_dst_update_pmtu,
};

struct dst_entry *ip6_dst_lookup_flow(struct net *net, const struct sock *sk, struct flowi6 *fl6,
				      const struct in6_addr *final_dst)
{
	if (ipv6_addr_any(&fl6->saddr))
		fl6->saddr = net_local6;
	dst_hold(&net_route6.dst);
	return &net_route6.dst;
}

struct dst_entry *net_dst(bool v6)
{
	struct dst_entry *dst = v6 ? &net_route6.dst : &net_route.dst;

	dst_hold(dst);
	return dst;
}

unsigned int inet_addr_type_table(struct net *net, __be32 addr, u32 table)
{
	return RTN_LOCAL;
}

struct net_device *dev_get_by_index_rcu(struct net *net, int ifindex)
{
	return ifindex == net_dev.ifindex ? &net_dev : NULL;
}

void netdev_rx_csum_fault(struct net_device *dev, struct sk_buff *skb)
{
}

u32 l3mdev_fib_table_by_index(struct net *net, int ifindex)
{
	return 0;
}

int l3mdev_master_ifindex_rcu(const struct net_device *dev)
{
	return 0;
}

void security_skb_classify_flow(struct sk_buff *skb, struct flowi_common *flic)
{
}

int ip_local_out(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	if (net_output)
		net_output(skb);
	consume_skb(skb);
	return 0;
}

int ip6_xmit(const struct sock *sk, struct sk_buff *skb, struct flowi6 *fl6, u32 mark,
	     struct ipv6_txoptions *opt, int tclass, u32 priority)
{
	unsigned int len = skb->len;
	struct ipv6hdr *iph;

	HOLDS(skb_headroom(skb) >= sizeof(*iph) && !opt);
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	ip6_flow_hdr(iph, tclass, fl6->flowlabel);
	iph->payload_len = htons(min(len, 65535u));
	iph->nexthdr = fl6->flowi6_proto;
	iph->hop_limit = 64;
	iph->saddr = fl6->saddr;
	iph->daddr = fl6->daddr;
	return ip_local_out(&init_net, NULL, skb);
}

static void net_route_init(struct dst_entry *dst, struct dst_ops *ops)
{
	dst->ops = ops;
	dst->dev = &net_dev;
	dst->_metrics = (unsigned long)dst_default_metrics.metrics | DST_METRICS_READ_ONLY;
	atomic_set(&dst->__refcnt, 1);
}

static void net_device(void)
{
	net_dev.mtu = 1500;
	net_dev.ifindex = 2;
	net_dev.flags = IFF_UP | IFF_RUNNING;
	net_dev.features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO_ECN;
	net_dev.gso_max_size = GSO_LEGACY_MAX_SIZE;
	net_dev.gso_max_segs = GSO_MAX_SEGS;
	dev_net_set(&net_dev, &init_net);
	net_route_init(&net_route.dst, &net_dst_ops);
	net_route.rt_type = RTN_UNICAST;
	net_route_init(&net_route6.dst, &net_dst_ops6);
	net_route6.rt6i_flags = RTF_LOCAL;	/* of what arrives */
}

/* --- csum ------------------------------------------------------------------------------ */

static __attribute__((no_sanitize("address", "undefined")))
u64 net_csum_words(const u32 *p, unsigned int words)
{
	u64 acc = 0;

	while (words--)
		acc += *p++;
	return acc;
}

/* May all of it be read? Then the words are added without asking again. */
__wsum csum_partial(const void *buf, int len, __wsum sum)
{
	u64 acc = (__force u32)sum;
	u32 last = 0;

	if (len > 0)
		__asan_loadN((unsigned long)buf, len);
	acc += net_csum_words(buf, len / 4);
	memcpy(&last, buf + (len & ~3), len & 3);
	acc += last;
	acc = (acc & 0xffffffff) + (acc >> 32);
	acc = (acc & 0xffffffff) + (acc >> 32);
	return (__force __wsum)acc;
}

__wsum csum_partial_copy_nocheck(const void *src, void *dst, int len)
{
	memcpy(dst, src, len);
	return csum_partial(dst, len, 0);
}

__sum16 csum_ipv6_magic(const struct in6_addr *saddr, const struct in6_addr *daddr, u32 len,
			u8 proto, __wsum sum)
{
	sum = csum_partial(saddr, sizeof(*saddr), sum);
	sum = csum_partial(daddr, sizeof(*daddr), sum);
	sum = csum_add(sum, (__force __wsum)htonl(len));
	return csum_fold(csum_add(sum, (__force __wsum)htonl(proto)));
}

/* --- sockets --------------------------------------------------------------------------- */

static const struct net_proto_family *net_family;

int sock_register(const struct net_proto_family *ops)
{
	net_family = ops;
	return 0;
}

void __init_waitqueue_head(struct wait_queue_head *wq, const char *name,
			   struct lock_class_key *key)
{
	spin_lock_init(&wq->lock);
	INIT_LIST_HEAD(&wq->head);
}

/* Nobody waits. */
void add_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
}

void remove_wait_queue(struct wait_queue_head *wq, struct wait_queue_entry *entry)
{
}

int __wake_up(struct wait_queue_head *wq, unsigned int mode, int nr, void *key)
{
	return 0;
}

void __wake_up_sync_key(struct wait_queue_head *wq, unsigned int mode, void *key)
{
}

int sock_wake_async(struct socket_wq *wq, int how, int band)
{
	return 0;
}

void net_enable_timestamp(void)
{
}

void net_disable_timestamp(void)
{
}

int put_cmsg(struct msghdr *msg, int level, int type, int len, void *data)
{
	return 0;
}

int __request_module(bool wait, const char *fmt, ...)
{
	return -ENOENT;
}

int net_ratelimit(void)
{
	return 0;
}

void put_pid(struct pid *pid)
{
}

void __put_cred(struct cred *cred)
{
}

void ip_mc_drop_socket(struct sock *sk)
{
}

int send_sigurg(struct fown_struct *fown)
{
	return 0;
}

int sk_filter_trim_cap(struct sock *sk, struct sk_buff *skb, unsigned int cap)
{
	return 0;
}

void sock_gen_put(struct sock *sk)
{
	if (!refcount_dec_and_test(&sk->sk_refcnt))
		return;
	if (sk->sk_state == TCP_NEW_SYN_RECV) {
		reqsk_free(inet_reqsk(sk));
		return;
	}
	HOLDS(sk->sk_state != TCP_TIME_WAIT);
	sk_free(sk);
}

void sock_edemux(struct sk_buff *skb)
{
	sock_gen_put(skb->sk);
}

/* Of the kinds that there are here. */
int __ipv6_addr_type(const struct in6_addr *addr)
{
	if (ipv6_addr_any(addr))
		return IPV6_ADDR_ANY;
	return ipv6_addr_v4mapped(addr) ? IPV6_ADDR_MAPPED : IPV6_ADDR_UNICAST;
}

u64 secure_ipv6_port_ephemeral(const __be32 *saddr, const __be32 *daddr, __be16 dport)
{
	return get_random_u32();
}

/* To an address of this host. */
int inet6_bind(struct socket *sock, struct sockaddr *uaddr, int len)
{
	const struct sockaddr_in6 *addr = (const struct sockaddr_in6 *)uaddr;
	struct sock *sk = sock->sk;
	int err;

	lock_sock(sk);
	sk->sk_v6_rcv_saddr = addr->sin6_addr;
	inet6_sk(sk)->saddr = addr->sin6_addr;
	inet_sk(sk)->inet_rcv_saddr = LOOPBACK4_IPV6;
	inet_sk(sk)->inet_saddr = LOOPBACK4_IPV6;
	err = sk->sk_prot->get_port(sk, ntohs(addr->sin6_port));
	if (!err) {
		sk->sk_userlocks |= SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK;
		inet_sk(sk)->inet_sport = htons(inet_sk(sk)->inet_num);
	}
	release_sock(sk);
	return err;
}

int inet6_release(struct socket *sock)
{
	return inet_release(sock);
}

void inet6_sock_destruct(struct sock *sk)
{
	kfree_skb(inet6_sk(sk)->pktoptions);
	inet_sock_destruct(sk);
}

struct socket *net_socket_alloc(void)
{
	struct socket_alloc *s = kzalloc(sizeof(*s), GFP_KERNEL | __GFP_NOFAIL);

	init_waitqueue_head(&s->socket.wq.wait);
	s->socket.type = SOCK_STREAM;
	return &s->socket;
}

struct socket *net_socket(bool v6)
{
	struct socket *sock = net_socket_alloc();
	int err = net_family->create(&init_net, sock, v6 ? TCPXPROTO_V6 : TCPXPROTO_V4, 0);

	if (err) {
		kfree(container_of(sock, struct socket_alloc, socket));
		return NULL;
	}
	return sock;
}

void net_close(struct socket *sock)
{
	if (sock->ops)
		sock->ops->release(sock);
	kfree(container_of(sock, struct socket_alloc, socket));
}

/* As ip_local_deliver() and ip6_input() do: data is behind the IP header. */
bool net_input(struct sk_buff *skb)
{
	local_bh_disable();
	rcu_read_lock();
	if (skb->protocol == htons(ETH_P_IPV6))
		rcu_dereference_raw(inet6_protos[IPPROTO_TCP])->handler(skb);
	else
		rcu_dereference_raw(inet_protos[IPPROTO_TCP])->handler(skb);
	rcu_read_unlock();
	local_bh_enable();
	return true;
}

void net_init(void)
{
	net_namespace(&init_net);
	net_device();
	skb_init();
	HOLDS(!init_module());
	shim_grace_period();
}

void net_restart(bool forget)
{
	struct tcpx_net *tn = tcpx_pernet(&init_net);

	if (forget)
		tcpx_metrics_flush(&init_net);
	tn->challenge_timestamp = 0;
	tn->challenge_count = 0;
	tcp_memory_pressure = 0;
	net_sysctls(&init_net);
}
