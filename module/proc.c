// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/tcpx and tcpx6: the sockets of a netns in the layout of /proc/net/tcp and
 * tcp6, so that what reads those can read these: listeners first, then connections,
 * half-open ones and TIME_WAIT.
 *
 * The tables are read a batch of rows at a time, each chain under its lock.
 * The rows are copies: nothing is locked or referenced while they are printed.
 */
#include "tcpx.h"

#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#define PROC_BATCH	32
#define PROC_WIDTH	149	/* of a line, as in /proc/net/tcp */
#define PROC6_HEADER							\
	"  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

/**
 * struct proc_iter - where a reader is
 * @p: netns of the file; must be first
 * @last_pos: position of the row handed out last
 * @bucket: chain to go on with: those of lhash, then those of ehash
 * @skip: entries of it that were read already
 * @n: rows in @row
 * @i: the one handed out last
 * @row: copies
 */
struct proc_iter {
	struct seq_net_private	p;
	loff_t			last_pos;
	unsigned int		bucket;
	unsigned int		skip;
	unsigned int		n;
	unsigned int		i;
	struct tcpx_row		row[PROC_BATCH];
};

static void row_addresses(struct tcpx_row *row, const struct sock *sk)
{
	row->sk = sk;
	row->saddr = sk->sk_rcv_saddr;
	row->daddr = sk->sk_daddr;
	row->sport = sk->sk_num;
	row->dport = ntohs(sk->sk_dport);
#if IS_ENABLED(CONFIG_IPV6)
	row->saddr6 = sk->sk_v6_rcv_saddr;
	row->daddr6 = sk->sk_v6_daddr;
#endif
	row->refcnt = refcount_read(&sk->sk_refcnt);
	row->uid = GLOBAL_ROOT_UID;
}

static void row_timer(struct tcpx_row *row, struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 keepalive_due = READ_ONCE(tp->keepalive_due);
	u8 pending = READ_ONCE(tp->pending);

	if (pending) {
		row->timer = pending == TCPX_TIME_PROBE0 ? TCPX_ROW_TIMER_PROBE0 :
							   TCPX_ROW_TIMER_RETRANS;
		row->expires_in = (s32)(READ_ONCE(tp->xmit_due) - tcpx_jiffies32());
	} else if (keepalive_due) {
		row->timer = TCPX_ROW_TIMER_KEEPALIVE;
		row->expires_in = (s32)(keepalive_due - tcpx_jiffies32());
	}
}

static void row_sock(struct tcpx_row *row, struct sock *sk)
{
	const struct tcpx_sock *tp = tcpx_sk(sk);
	u32 ssthresh = READ_ONCE(tp->cc.snd_ssthresh);

	row->full = true;
	row->state = inet_sk_state_load(sk);
	row->tx_queue = READ_ONCE(tp->write_seq) - READ_ONCE(tp->snd_una);
	row->rx_queue = max_t(int, READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq), 0);
	row->ssthresh = ssthresh >= TCP_INFINITE_SSTHRESH ? -1 : ssthresh;
	if (row->state == TCP_LISTEN) {
		row->rx_queue = READ_ONCE(sk->sk_ack_backlog);
		row->ssthresh = READ_ONCE(tcpx_queue(sk)->fastopenq.max_qlen);
	}
	row_timer(row, sk);
	row->retransmits = READ_ONCE(tp->retransmits);
	row->probes_out = READ_ONCE(tp->probes_out);
	row->uid = compat_sock_i_uid(sk);
	row->inode = sock_i_ino(sk);
	row->rto = READ_ONCE(tp->rto);
	row->ato = READ_ONCE(tp->ack.ato);
	row->quick = READ_ONCE(tp->ack.quick) << 1 |
		     tcpx_in_pingpong_mode(sk);
	row->cwnd = READ_ONCE(tp->cc.snd_cwnd);
}

static void row_request(struct tcpx_row *row, const struct request_sock *req)
{
	row->state = TCP_SYN_RECV;
	row->timer = TCPX_ROW_TIMER_RETRANS;
	row->expires_in = READ_ONCE(req->rsk_timer.expires) - jiffies;
	/* A bit field, which READ_ONCE() can't take; a number of before is right, too. */
	row->retransmits = data_race((u8)req->num_timeout);
	row->refcnt = 0;
	if (req->rsk_listener)
		row->uid = compat_sock_i_uid(req->rsk_listener);
}

static void row_timewait(struct tcpx_row *row, const struct tcpx_timewait_sock *tw)
{
	row->state = READ_ONCE(tw->tw_substate);
	row->timer = TCPX_ROW_TIMER_TIMEWAIT;
	row->expires_in = READ_ONCE(tw->timer.expires) - jiffies;
}

/**
 * tcpx_row_fill() - what there is to tell of an entry of the tables
 * @row: filled in
 * @sk: full socket, request sock or TIME_WAIT entry
 *
 * Context: the entry is referenced, or its chain locked. Not the socket's lock: a
 * value may be a little older than its neighbour.
 */
void tcpx_row_fill(struct tcpx_row *row, struct sock *sk)
{
	memset(row, 0, sizeof(*row));
	row_addresses(row, sk);
	if (sk->sk_state == TCP_TIME_WAIT)
		row_timewait(row, tcpx_twsk(sk));
	else if (sk->sk_state == TCP_NEW_SYN_RECV)
		row_request(row, inet_reqsk(sk));
	else
		row_sock(row, sk);
}

/* Copy what of a chain fits; its lock is held. True if that was the rest of it. */
static bool iter_chain(struct proc_iter *it, struct hlist_nulls_head *chain, u16 family)
{
	struct hlist_nulls_node *node;
	unsigned int seen = 0;
	struct sock *sk;

	sk_nulls_for_each(sk, node, chain) {
		if (sk->sk_family != family || seen++ < it->skip)
			continue;
		if (it->n == PROC_BATCH)
			return false;
		tcpx_row_fill(&it->row[it->n++], sk);
		it->skip++;
	}
	return true;
}

static const struct seq_operations proc6_seq_ops;

static u16 iter_family(const struct seq_file *seq)
{
	return seq->op == &proc6_seq_ops ? AF_INET6 : AF_INET;
}

/* Read the next batch. The first of its rows, or NULL at the end. */
static struct tcpx_row *iter_load(struct seq_file *seq)
{
	struct tcpx_net *tn = tcpx_pernet(seq_file_net(seq));
	struct proc_iter *it = seq->private;
	const struct tcpx_hashinfo *h;
	struct hlist_nulls_head *chain;
	spinlock_t *lock;	/* of the chain */
	bool end;

	/* The first socket may just be making them: not before they are complete. */
	h = smp_load_acquire(&tn->hinfo);
	it->n = 0;
	it->i = 0;
	while (h && it->n < PROC_BATCH && tcpx_hashinfo_chain(h, it->bucket, &chain, &lock)) {
		end = hlist_nulls_empty(chain);
		if (!end) {
			spin_lock_bh(lock);
			end = iter_chain(it, chain, iter_family(seq));
			spin_unlock_bh(lock);
		}
		if (end) {
			it->bucket++;
			it->skip = 0;
		}
		cond_resched();
	}
	return it->n ? it->row : NULL;
}

static void *iter_next(struct seq_file *seq)
{
	struct proc_iter *it = seq->private;

	if (it->i + 1 < it->n)
		return &it->row[++it->i];
	return iter_load(seq);
}

static void *proc_seq_next(struct seq_file *seq, void *v, loff_t *pos)
{
	struct proc_iter *it = seq->private;

	it->last_pos = ++*pos;
	return iter_next(seq);
}

static void *proc_seq_start(struct seq_file *seq, loff_t *pos)
{
	struct proc_iter *it = seq->private;
	void *row = SEQ_START_TOKEN;
	loff_t skip;

	/* The buffer was full: go on with the row that did not fit. */
	if (*pos && *pos == it->last_pos)
		return it->i < it->n ? &it->row[it->i] : NULL;

	it->bucket = 0;
	it->skip = 0;
	it->n = 0;
	it->i = 0;
	for (skip = *pos; skip && row; skip--)
		row = iter_next(seq);
	it->last_pos = *pos;
	return row;
}

static void proc_seq_stop(struct seq_file *seq, void *v)
{
}

/* Each word as the CPU has it: what reads this is on the same machine. */
static void row_show_addr6(struct seq_file *seq, const struct in6_addr *addr, u16 port)
{
	seq_printf(seq, "%08X%08X%08X%08X:%04X ", (__force u32)addr->s6_addr32[0],
		   (__force u32)addr->s6_addr32[1], (__force u32)addr->s6_addr32[2],
		   (__force u32)addr->s6_addr32[3], port);
}

/* What follows the addresses. */
static void row_show(struct seq_file *seq, const struct tcpx_row *row)
{
	seq_printf(seq, "%02X %08X:%08X %02X:%08lX %08X %5u %8u %lu %d %pK",
		   row->state, row->tx_queue, row->rx_queue, row->timer,
		   (unsigned long)jiffies_delta_to_clock_t(row->expires_in), row->retransmits,
		   from_kuid_munged(seq_user_ns(seq), row->uid), row->probes_out, row->inode,
		   row->refcnt, row->sk);
	if (row->full)
		seq_printf(seq, " %lu %lu %u %u %d",
			   (unsigned long)jiffies_to_clock_t(row->rto),
			   (unsigned long)jiffies_to_clock_t(row->ato), row->quick, row->cwnd,
			   row->ssthresh);
}

static void row4_show(struct seq_file *seq, const struct tcpx_row *row, loff_t number)
{
	seq_printf(seq, "%4lld: %08X:%04X %08X:%04X ", number, (__force u32)row->saddr,
		   row->sport, (__force u32)row->daddr, row->dport);
	row_show(seq, row);
}

static int proc_seq_show(struct seq_file *seq, void *v)
{
	const struct proc_iter *it = seq->private;

	seq_setwidth(seq, PROC_WIDTH);
	if (v == SEQ_START_TOKEN)
		seq_puts(seq, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
	else
		row4_show(seq, v, it->last_pos - 1);
	seq_pad(seq, '\n');
	return 0;
}

static int proc6_seq_show(struct seq_file *seq, void *v)
{
	const struct proc_iter *it = seq->private;
	const struct tcpx_row *row = v;

	if (v == SEQ_START_TOKEN) {
		seq_puts(seq, PROC6_HEADER);
		return 0;
	}
	seq_printf(seq, "%4lld: ", it->last_pos - 1);
	row_show_addr6(seq, &row->saddr6, row->sport);
	row_show_addr6(seq, &row->daddr6, row->dport);
	row_show(seq, row);
	seq_putc(seq, '\n');
	return 0;
}

static const struct seq_operations proc_seq_ops = {
	.start	= proc_seq_start,
	.next	= proc_seq_next,
	.stop	= proc_seq_stop,
	.show	= proc_seq_show,
};

static const struct seq_operations proc6_seq_ops = {
	.start	= proc_seq_start,
	.next	= proc_seq_next,
	.stop	= proc_seq_stop,
	.show	= proc6_seq_show,
};

static void remove_tcpx6(struct net *net)
{
	if (tcpx_v6_enabled())
		remove_proc_entry("tcpx6", net->proc_net);
}

/**
 * tcpx_proc_net_init() - make /proc/net/tcpx, tcpx6, tcpx_snmp, tcpx_netstat and
 *	tcpx_metrics
 * @net: netns, its counters exist
 *
 * Return: 0 or -ENOMEM.
 */
int tcpx_proc_net_init(struct net *net)
{
	if (!proc_create_net_data("tcpx", 0444, net->proc_net, &proc_seq_ops,
				  sizeof(struct proc_iter), NULL))
		return -ENOMEM;
	if (tcpx_v6_enabled() &&
	    !proc_create_net_data("tcpx6", 0444, net->proc_net, &proc6_seq_ops,
				  sizeof(struct proc_iter), NULL))
		goto fail_tcpx6;
	if (!proc_create_net_single("tcpx_snmp", 0444, net->proc_net, tcpx_snmp_seq_show, NULL))
		goto fail_snmp;
	if (!proc_create_net_single("tcpx_netstat", 0444, net->proc_net, tcpx_netstat_seq_show,
				    NULL))
		goto fail_netstat;
	if (!proc_create_net_single_write("tcpx_metrics", 0644, net->proc_net,
					  tcpx_metrics_seq_show, tcpx_metrics_write, NULL))
		goto fail_metrics;
	return 0;

fail_metrics:
	remove_proc_entry("tcpx_netstat", net->proc_net);
fail_netstat:
	remove_proc_entry("tcpx_snmp", net->proc_net);
fail_snmp:
	remove_tcpx6(net);
fail_tcpx6:
	remove_proc_entry("tcpx", net->proc_net);
	return -ENOMEM;
}

/**
 * tcpx_proc_net_exit() - remove them; waits for readers
 * @net: netns; to be called before its tables and counters go
 */
void tcpx_proc_net_exit(struct net *net)
{
	remove_proc_entry("tcpx_metrics", net->proc_net);
	remove_proc_entry("tcpx_netstat", net->proc_net);
	remove_proc_entry("tcpx_snmp", net->proc_net);
	remove_tcpx6(net);
	remove_proc_entry("tcpx", net->proc_net);
}
