/* SPDX-License-Identifier: GPL-2.0 */
/* The peer of the fuzzed connection, and how its segments are made and changed. */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLAG_FIN	0x01
#define FLAG_SYN	0x02
#define FLAG_RST	0x04
#define FLAG_PSH	0x08
#define FLAG_ACK	0x10
#define FLAG_URG	0x20

enum state {
	LISTEN, SYN_RECV, SYN_SENT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2,
	CLOSE_WAIT, LAST_ACK, CLOSING, TIME_WAIT, NR_STATES
};

/**
 * struct peer - one round: its connection, seen from the peer
 * @round:	its number
 * @reseed:	the random numbers begin anew with the round
 * @state:	the state to fuzz
 * @rough:	segments may end the connection
 * @ts:		we offer timestamps
 * @sack:	we offer SACK
 * @scale:	window scale that we offer, -1 for none
 * @fd:		socket under test, -1 when there is none (any more)
 * @port:	our port
 * @lport:	its port, 0 while unknown
 * @iss:	our initial number; what follows is relative to the sender's
 * @irs:	its initial number
 * @snd_max:	end of what we sent of our stream
 * @acked:	what it has acknowledged of that
 * @their_max:	end of what it sent
 * @rcv:	what we have acknowledged of that, or will
 * @their_wnd:	window it last offered
 * @ws:		its window scale
 * @tsval:	our latest timestamp
 * @got:	bytes read from the socket
 * @eof:	the socket has reached the end of the stream
 * @saw_syn:	it sent a SYN
 * @saw_fin:	it sent a FIN
 * @saw_rst:	it sent an RST
 */
struct peer {
	unsigned int	round;
	bool		reseed;
	enum state	state;
	bool		rough, ts, sack;
	int		scale;
	int		fd;
	uint16_t	port, lport;
	uint32_t	iss, irs;
	uint32_t	snd_max, acked, their_max, rcv, their_wnd;
	int		ws;
	uint32_t	tsval, got;
	bool		eof, saw_syn, saw_fin, saw_rst;
};

/**
 * struct segment - a segment before it becomes bytes
 * @flags:	TCP flags
 * @seq:	relative sequence number
 * @ack:	relative acknowledgment number
 * @win:	window field
 * @urg:	urgent pointer
 * @len:	bytes of payload
 * @opt:	option bytes, timestamps not among them
 * @opt_len:	how many
 * @ts:		put timestamps in
 * @tsval:	their values
 * @tsecr:	their values
 * @tos:	TOS field
 * @ip_opt:	IP option bytes
 * @ip_opt_len:	how many, a multiple of 4
 * @doff_lie:	added to the data offset
 * @len_lie:	added to the IP length
 * @bad_sum:	wrong checksum
 * @cut:	bytes missing at the end of the packet
 * @frag:	size of fragments, 0: whole
 * @twice:	send it twice
 */
struct segment {
	uint8_t		flags;
	uint32_t	seq, ack;
	uint16_t	win, urg;
	size_t		len;
	uint8_t		opt[40];
	size_t		opt_len;
	bool		ts;
	uint32_t	tsval, tsecr;
	uint8_t		tos;
	uint8_t		ip_opt[40];
	size_t		ip_opt_len;
	int		doff_lie, len_lie;
	bool		bad_sum;
	size_t		cut;
	size_t		frag;
	bool		twice;
};

/* fuzz.c */
uint32_t rnd(uint32_t below);
uint8_t pattern(uint32_t offset);
void emit(const void *packet, size_t len);

/* mutate.c */
void segment_send(struct peer *p, const struct segment *s);
void mutate_and_send(struct peer *p);
size_t mutate_syn_options(const struct peer *p, uint8_t *opt);
const uint8_t *mutate_option(const uint8_t *tcp, size_t hlen, uint8_t kind);

#endif /* SELFTESTS_FUZZ_H */
