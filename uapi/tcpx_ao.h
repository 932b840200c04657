/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * AF_TCPX: the options of TCP-AO (rfc5925) for programs whose <linux/tcp.h> is older than
 * Linux 6.7: numbers, names and layouts are those of later ones, which have their own.
 */
#ifndef _UAPI_TCPX_AO_H
#define _UAPI_TCPX_AO_H

#include <linux/socket.h>
#include <linux/tcp.h>
#include <linux/types.h>

#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY		38
#define TCP_AO_DEL_KEY		39
#define TCP_AO_INFO		40
#define TCP_AO_GET_KEYS		41
#define TCP_AO_REPAIR		42
#endif

#ifndef TCP_AO_MAXKEYLEN
#define TCP_AO_MAXKEYLEN	80

#define TCP_AO_KEYF_IFINDEX	1	/* the key is one VRF's */
#define TCP_AO_KEYF_EXCLUDE_OPT	2	/* it does not cover other options */

struct tcp_ao_add {
	struct __kernel_sockaddr_storage addr;	/* of peers; port 0 */
	char	alg_name[64];		/* hmac(sha1), hmac(sha256), cmac(aes128) */
	__s32	ifindex;		/* VRF, with TCP_AO_KEYF_IFINDEX */
	__u32	set_current	:1,	/* sign with it from now on */
		set_rnext	:1,	/* ask the peer to */
		reserved	:30;	/* 0 */
	__u16	reserved2;		/* 0 */
	__u8	prefix;			/* bits of addr that count */
	__u8	sndid;			/* KeyID of what is sent */
	__u8	rcvid;			/* KeyID of what is received */
	__u8	maclen;			/* bytes; 0: 12 */
	__u8	keyflags;		/* TCP_AO_KEYF_* */
	__u8	keylen;			/* of key */
	__u8	key[TCP_AO_MAXKEYLEN];
};

struct tcp_ao_del {
	struct __kernel_sockaddr_storage addr;
	__s32	ifindex;
	__u32	set_current	:1,	/* to current_key, at the same time */
		set_rnext	:1,	/* to rnext */
		del_async	:1,	/* a listener's, without waiting for users */
		reserved	:29;	/* 0 */
	__u16	reserved2;		/* 0 */
	__u8	prefix;
	__u8	sndid;
	__u8	rcvid;
	__u8	current_key;		/* its sndid */
	__u8	rnext;			/* its rcvid */
	__u8	keyflags;
};

struct tcp_ao_info_opt {
	__u32	set_current	:1,	/* get: there is one */
		set_rnext	:1,	/* same */
		ao_required	:1,	/* take nothing unsigned */
		set_counters	:1,	/* set: the five below */
		accept_icmps	:1,	/* believe the network's errors */
		reserved	:27;	/* 0 */
	__u16	reserved2;		/* 0 */
	__u8	current_key;		/* its sndid */
	__u8	rnext;			/* its rcvid */
	__aligned_u64 pkt_good;
	__aligned_u64 pkt_bad;
	__aligned_u64 pkt_key_not_found;
	__aligned_u64 pkt_ao_required;
	__aligned_u64 pkt_dropped_icmp;
};

struct tcp_ao_getsockopt {
	struct __kernel_sockaddr_storage addr;	/* in: whose keys; out: the key's */
	char	alg_name[64];		/* out, as the rest unless it says in */
	__u8	key[TCP_AO_MAXKEYLEN];
	__u32	nkeys;			/* in: room for so many; out: so many match */
	__u16	is_current	:1,	/* in: tell it; out: this is it */
		is_rnext	:1,	/* same */
		get_all		:1,	/* in: tell all */
		reserved	:13;	/* 0 */
	__u8	sndid;			/* in and out */
	__u8	rcvid;			/* in and out */
	__u8	prefix;			/* in and out */
	__u8	maclen;
	__u8	keyflags;		/* in and out */
	__u8	keylen;
	__s32	ifindex;		/* in and out */
	__aligned_u64 pkt_good;
	__aligned_u64 pkt_bad;
};

struct tcp_ao_repair {
	__be32	snt_isn;
	__be32	rcv_isn;
	__u32	snd_sne;
	__u32	rcv_sne;
};
#endif

#endif /* _UAPI_TCPX_AO_H */
