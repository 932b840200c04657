// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: the same as kernel TCP's under the same names, of our segments
 * only. /proc/net/tcpx_snmp and tcpx_netstat have the layout of snmp's "Tcp:"
 * and netstat's "TcpExt:" lines, so that a person may use
 *
 *	PROC_NET_SNMP=/proc/net/tcpx_snmp PROC_NET_NETSTAT=/proc/net/tcpx_netstat nstat
 */
#include "tcpx.h"

#include <linux/percpu.h>
#include <linux/seq_file.h>

struct mib_item {
	const char	*name;
	int		index;
};

/* rfc4022; the names are those of /proc/net/snmp. */
#define ITEM(_name, _index)	{ .name = _name, .index = TCP_MIB_##_index }
static const struct mib_item tcp_items[] = {
	ITEM("RtoAlgorithm", RTOALGORITHM),
	ITEM("RtoMin", RTOMIN),
	ITEM("RtoMax", RTOMAX),
	ITEM("MaxConn", MAXCONN),
	ITEM("ActiveOpens", ACTIVEOPENS),
	ITEM("PassiveOpens", PASSIVEOPENS),
	ITEM("AttemptFails", ATTEMPTFAILS),
	ITEM("EstabResets", ESTABRESETS),
	ITEM("CurrEstab", CURRESTAB),
	ITEM("InSegs", INSEGS),
	ITEM("OutSegs", OUTSEGS),
	ITEM("RetransSegs", RETRANSSEGS),
	ITEM("InErrs", INERRS),
	ITEM("OutRsts", OUTRSTS),
	ITEM("InCsumErrors", CSUMERRORS),
};

#undef ITEM

/* What kernel TCP counts besides. What does not exist everywhere is an alias
 * of another counter where it does not: see compat.h.
 */
#define ITEM(_name, _index)	{ .name = _name, .index = LINUX_MIB_##_index }
static const struct mib_item ext_items[] = {
	ITEM("SyncookiesSent", SYNCOOKIESSENT),
	ITEM("SyncookiesRecv", SYNCOOKIESRECV),
	ITEM("SyncookiesFailed", SYNCOOKIESFAILED),
	ITEM("EmbryonicRsts", EMBRYONICRSTS),
	ITEM("PruneCalled", PRUNECALLED),
	ITEM("RcvPruned", RCVPRUNED),
	ITEM("OfoPruned", OFOPRUNED),
	ITEM("OutOfWindowIcmps", OUTOFWINDOWICMPS),
	ITEM("LockDroppedIcmps", LOCKDROPPEDICMPS),
	ITEM("ArpFilter", ARPFILTER),
	ITEM("TW", TIMEWAITED),
	ITEM("TWRecycled", TIMEWAITRECYCLED),
	ITEM("TWKilled", TIMEWAITKILLED),
	ITEM("PAWSActive", PAWSACTIVEREJECTED),
	ITEM("PAWSEstab", PAWSESTABREJECTED),
#if TCPX_HAVE_LINUX_MIB_BEYOND_WINDOW
	ITEM("BeyondWindow", BEYOND_WINDOW),
#endif
#if TCPX_HAVE_LINUX_MIB_TSECRREJECTED
	ITEM("TSEcrRejected", TSECRREJECTED),
#endif
#if TCPX_HAVE_LINUX_MIB_PAWS_OLD_ACK
	ITEM("PAWSOldAck", PAWS_OLD_ACK),
#endif
#if TCPX_HAVE_LINUX_MIB_PAWS_TW_REJECTED
	ITEM("PAWSTimewait", PAWS_TW_REJECTED),
#endif
	ITEM("DelayedACKs", DELAYEDACKS),
	ITEM("DelayedACKLocked", DELAYEDACKLOCKED),
	ITEM("DelayedACKLost", DELAYEDACKLOST),
	ITEM("ListenOverflows", LISTENOVERFLOWS),
	ITEM("ListenDrops", LISTENDROPS),
	ITEM("TCPHPHits", TCPHPHITS),
	ITEM("TCPPureAcks", TCPPUREACKS),
	ITEM("TCPHPAcks", TCPHPACKS),
	ITEM("TCPRenoRecovery", TCPRENORECOVERY),
	ITEM("TCPSackRecovery", TCPSACKRECOVERY),
	ITEM("TCPSACKReneging", TCPSACKRENEGING),
	ITEM("TCPSACKReorder", TCPSACKREORDER),
	ITEM("TCPRenoReorder", TCPRENOREORDER),
	ITEM("TCPTSReorder", TCPTSREORDER),
	ITEM("TCPFullUndo", TCPFULLUNDO),
	ITEM("TCPPartialUndo", TCPPARTIALUNDO),
	ITEM("TCPDSACKUndo", TCPDSACKUNDO),
	ITEM("TCPLossUndo", TCPLOSSUNDO),
	ITEM("TCPLostRetransmit", TCPLOSTRETRANSMIT),
	ITEM("TCPRenoFailures", TCPRENOFAILURES),
	ITEM("TCPSackFailures", TCPSACKFAILURES),
	ITEM("TCPLossFailures", TCPLOSSFAILURES),
	ITEM("TCPFastRetrans", TCPFASTRETRANS),
	ITEM("TCPSlowStartRetrans", TCPSLOWSTARTRETRANS),
	ITEM("TCPTimeouts", TCPTIMEOUTS),
	ITEM("TCPLossProbes", TCPLOSSPROBES),
	ITEM("TCPLossProbeRecovery", TCPLOSSPROBERECOVERY),
	ITEM("TCPRenoRecoveryFail", TCPRENORECOVERYFAIL),
	ITEM("TCPSackRecoveryFail", TCPSACKRECOVERYFAIL),
	ITEM("TCPRcvCollapsed", TCPRCVCOLLAPSED),
	ITEM("TCPBacklogCoalesce", TCPBACKLOGCOALESCE),
	ITEM("TCPDSACKOldSent", TCPDSACKOLDSENT),
	ITEM("TCPDSACKOfoSent", TCPDSACKOFOSENT),
	ITEM("TCPDSACKRecv", TCPDSACKRECV),
	ITEM("TCPDSACKOfoRecv", TCPDSACKOFORECV),
	ITEM("TCPAbortOnData", TCPABORTONDATA),
	ITEM("TCPAbortOnClose", TCPABORTONCLOSE),
	ITEM("TCPAbortOnMemory", TCPABORTONMEMORY),
	ITEM("TCPAbortOnTimeout", TCPABORTONTIMEOUT),
	ITEM("TCPAbortOnLinger", TCPABORTONLINGER),
	ITEM("TCPAbortFailed", TCPABORTFAILED),
	ITEM("TCPMemoryPressures", TCPMEMORYPRESSURES),
	ITEM("TCPMemoryPressuresChrono", TCPMEMORYPRESSURESCHRONO),
	ITEM("TCPSACKDiscard", TCPSACKDISCARD),
	ITEM("TCPDSACKIgnoredOld", TCPDSACKIGNOREDOLD),
	ITEM("TCPDSACKIgnoredNoUndo", TCPDSACKIGNOREDNOUNDO),
	ITEM("TCPSpuriousRTOs", TCPSPURIOUSRTOS),
	ITEM("TCPMD5NotFound", TCPMD5NOTFOUND),
	ITEM("TCPMD5Unexpected", TCPMD5UNEXPECTED),
	ITEM("TCPMD5Failure", TCPMD5FAILURE),
	ITEM("TCPSackShifted", SACKSHIFTED),
	ITEM("TCPSackMerged", SACKMERGED),
	ITEM("TCPSackShiftFallback", SACKSHIFTFALLBACK),
	ITEM("TCPBacklogDrop", TCPBACKLOGDROP),
	ITEM("PFMemallocDrop", PFMEMALLOCDROP),
	ITEM("TCPMinTTLDrop", TCPMINTTLDROP),
	ITEM("TCPDeferAcceptDrop", TCPDEFERACCEPTDROP),
	ITEM("IPReversePathFilter", IPRPFILTER),
	ITEM("TCPTimeWaitOverflow", TCPTIMEWAITOVERFLOW),
	ITEM("TCPReqQFullDoCookies", TCPREQQFULLDOCOOKIES),
	ITEM("TCPReqQFullDrop", TCPREQQFULLDROP),
	ITEM("TCPRetransFail", TCPRETRANSFAIL),
	ITEM("TCPRcvCoalesce", TCPRCVCOALESCE),
	ITEM("TCPOFOQueue", TCPOFOQUEUE),
	ITEM("TCPOFODrop", TCPOFODROP),
	ITEM("TCPOFOMerge", TCPOFOMERGE),
	ITEM("TCPChallengeACK", TCPCHALLENGEACK),
	ITEM("TCPSYNChallenge", TCPSYNCHALLENGE),
	ITEM("TCPFastOpenActive", TCPFASTOPENACTIVE),
	ITEM("TCPFastOpenActiveFail", TCPFASTOPENACTIVEFAIL),
	ITEM("TCPFastOpenPassive", TCPFASTOPENPASSIVE),
	ITEM("TCPFastOpenPassiveFail", TCPFASTOPENPASSIVEFAIL),
	ITEM("TCPFastOpenListenOverflow", TCPFASTOPENLISTENOVERFLOW),
	ITEM("TCPFastOpenCookieReqd", TCPFASTOPENCOOKIEREQD),
	ITEM("TCPFastOpenBlackhole", TCPFASTOPENBLACKHOLE),
	ITEM("TCPSpuriousRtxHostQueues", TCPSPURIOUS_RTX_HOSTQUEUES),
	ITEM("BusyPollRxPackets", BUSYPOLLRXPACKETS),
	ITEM("TCPAutoCorking", TCPAUTOCORKING),
	ITEM("TCPFromZeroWindowAdv", TCPFROMZEROWINDOWADV),
	ITEM("TCPToZeroWindowAdv", TCPTOZEROWINDOWADV),
	ITEM("TCPWantZeroWindowAdv", TCPWANTZEROWINDOWADV),
	ITEM("TCPSynRetrans", TCPSYNRETRANS),
	ITEM("TCPOrigDataSent", TCPORIGDATASENT),
	ITEM("TCPHystartTrainDetect", TCPHYSTARTTRAINDETECT),
	ITEM("TCPHystartTrainCwnd", TCPHYSTARTTRAINCWND),
	ITEM("TCPHystartDelayDetect", TCPHYSTARTDELAYDETECT),
	ITEM("TCPHystartDelayCwnd", TCPHYSTARTDELAYCWND),
	ITEM("TCPACKSkippedSynRecv", TCPACKSKIPPEDSYNRECV),
	ITEM("TCPACKSkippedPAWS", TCPACKSKIPPEDPAWS),
	ITEM("TCPACKSkippedSeq", TCPACKSKIPPEDSEQ),
	ITEM("TCPACKSkippedFinWait2", TCPACKSKIPPEDFINWAIT2),
	ITEM("TCPACKSkippedTimeWait", TCPACKSKIPPEDTIMEWAIT),
	ITEM("TCPACKSkippedChallenge", TCPACKSKIPPEDCHALLENGE),
	ITEM("TCPWinProbe", TCPWINPROBE),
	ITEM("TCPKeepAlive", TCPKEEPALIVE),
	ITEM("TCPMTUPFail", TCPMTUPFAIL),
	ITEM("TCPMTUPSuccess", TCPMTUPSUCCESS),
	ITEM("TCPDelivered", TCPDELIVERED),
	ITEM("TCPDeliveredCE", TCPDELIVEREDCE),
	ITEM("TCPAckCompressed", TCPACKCOMPRESSED),
	ITEM("TCPZeroWindowDrop", TCPZEROWINDOWDROP),
	ITEM("TCPRcvQDrop", TCPRCVQDROP),
	ITEM("TCPWqueueTooBig", TCPWQUEUETOOBIG),
	ITEM("TCPFastOpenPassiveAltKey", TCPFASTOPENPASSIVEALTKEY),
	ITEM("TcpTimeoutRehash", TCPTIMEOUTREHASH),
	ITEM("TcpDuplicateDataRehash", TCPDUPLICATEDATAREHASH),
	ITEM("TCPDSACKRecvSegs", TCPDSACKRECVSEGS),
	ITEM("TCPDSACKIgnoredDubious", TCPDSACKIGNOREDDUBIOUS),
	ITEM("TCPMigrateReqSuccess", TCPMIGRATEREQSUCCESS),
	ITEM("TCPMigrateReqFailure", TCPMIGRATEREQFAILURE),
#if TCPX_HAVE_LINUX_MIB_TCPPLBREHASH
	ITEM("TCPPLBRehash", TCPPLBREHASH),
#endif
	ITEM("TCPAORequired", TCPAOREQUIRED),
	ITEM("TCPAOBad", TCPAOBAD),
	ITEM("TCPAOKeyNotFound", TCPAOKEYNOTFOUND),
	ITEM("TCPAOGood", TCPAOGOOD),
	ITEM("TCPAODroppedIcmps", TCPAODROPPEDICMPS),
};

#undef ITEM

/* Sum of a counter over all CPUs; @mibs is the first of the array. */
static unsigned long mib_fold(const unsigned long __percpu *mibs, int index)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(mibs, cpu)[index]);
	return sum;
}

/* A line of names, a line of values. */
static void mib_show(struct seq_file *seq, const char *prefix, const struct mib_item *items,
		     int n, const unsigned long __percpu *mibs)
{
	int i;

	seq_puts(seq, prefix);
	for (i = 0; i < n; i++)
		seq_printf(seq, " %s", items[i].name);
	seq_printf(seq, "\n%s", prefix);
	/* Signed: MaxConn is -1, and nothing else comes near the sign. */
	for (i = 0; i < n; i++)
		seq_printf(seq, " %ld", mib_fold(mibs, items[i].index));
	seq_putc(seq, '\n');
}

/**
 * tcpx_snmp_seq_show() - /proc/net/tcpx_snmp
 * @seq: opened by proc_create_net_single()
 * @v: not used
 *
 * Return: 0.
 */
int tcpx_snmp_seq_show(struct seq_file *seq, void *v)
{
	struct tcpx_net *tn = tcpx_pernet(seq->private);

	mib_show(seq, "Tcp:", tcp_items, ARRAY_SIZE(tcp_items), tn->tcp_mib->mibs);
	return 0;
}

/**
 * tcpx_netstat_seq_show() - /proc/net/tcpx_netstat
 * @seq: opened by proc_create_net_single()
 * @v: not used
 *
 * Return: 0.
 */
int tcpx_netstat_seq_show(struct seq_file *seq, void *v)
{
	struct tcpx_net *tn = tcpx_pernet(seq->private);

	mib_show(seq, "TcpExt:", ext_items, ARRAY_SIZE(ext_items), tn->net_mib->mibs);
	return 0;
}

/**
 * tcpx_mib_init() - make a netns's counters
 * @tn: netns
 *
 * Return: 0 or -ENOMEM; tcpx_mib_exit() takes either.
 */
int tcpx_mib_init(struct tcpx_net *tn)
{
	tn->tcp_mib = alloc_percpu(struct tcp_mib);
	tn->net_mib = alloc_percpu(struct compat_linux_mib);
	if (!tn->tcp_mib || !tn->net_mib) {
		tcpx_mib_exit(tn);
		return -ENOMEM;
	}
	/* rfc4022: these are facts, not counters. 1 is "other". */
	SNMP_ADD_STATS(tn->tcp_mib, TCP_MIB_RTOALGORITHM, 1);
	SNMP_ADD_STATS(tn->tcp_mib, TCP_MIB_RTOMIN, TCPX_RTO_MIN * 1000 / HZ);
	SNMP_ADD_STATS(tn->tcp_mib, TCP_MIB_RTOMAX, TCPX_RTO_MAX * 1000 / HZ);
	SNMP_ADD_STATS(tn->tcp_mib, TCP_MIB_MAXCONN, -1);
	return 0;
}

/**
 * tcpx_mib_exit() - give them up
 * @tn: netns without sockets
 */
void tcpx_mib_exit(struct tcpx_net *tn)
{
	free_percpu(tn->tcp_mib);
	free_percpu(tn->net_mib);
	tn->tcp_mib = NULL;
	tn->net_mib = NULL;
}
