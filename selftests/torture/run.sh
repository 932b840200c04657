#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Streams over bad links, AF_TCPX beside the kernel's TCP: intact, never silent
# for longer than a timer allows, and as fast. Root, in a guest with virtual
# time (scripts/torture starts one): there waiting costs nothing, and what else
# the machine does changes no figure.
#
#	namespace tcpx-a: clients		namespace tcpx-b: servers
#	+--------------------------+		+--------------------------+
#	|		va 10.78.0.1 |---------| vb 10.78.0.2		   |
#	|		    fd78::1  |	       |    fd78::2		   |
#	+--------------------------+		+--------------------------+
#	 netem: $there, data's way		 netem: $back, the ACKs' way
set -eu

export TCPX_CACHE="${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}"
tools=/run/torture		# programs on 9p start slowly
# Percent of the kernel's goodput below which a cell fails. The long form asks for what is
# wanted, the short one is there to notice what breaks. Which dozen segments are lost decides
# a few rounds, so there are many before a cell fails.
bar=75
out=${TCPX_OUT:-/tmp}
tsv=$out/torture.tsv

usage() {
	cat <<-END
	Usage: run.sh [--long] [-r MIN,MAX] [-s I/N] [-l] [PATTERN...]

	Runs the cells whose names match one of the shell PATTERNs, all without. Prints
	TAP, and a table into \$TCPX_OUT/torture.tsv; captures are left beside it.

	  --long  the whole matrix, each cell over IPv4 and over IPv6, with more rounds
	          where they are needed; without, a few cells, in turn over one of them
	  -r MIN,MAX  rounds of a cell: more than MIN while a pair is below the bar
	  -s I/N  only each Nth cell, from the Ith on
	  -l      list the names
	END
}

long='' list='' rounds='' share=1/1
while [ $# -gt 0 ]; do
	case $1 in
	--long) long=1 ;;
	-l) list=1 ;;
	-r) rounds=${2:-}; shift ;;
	-s) share=${2:-}; shift ;;
	-h|--help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- '*'
patterns=("$@")
share_i=${share%/*} share_n=${share#*/}
case $share_i,$share_n in
*[!0-9,]*|,*|*,|*,0) usage >&2; exit 2 ;;
esac
if [ "$share_i" -lt 1 ] || [ "$share_i" -gt "$share_n" ]; then
	usage >&2
	exit 2
fi

### The cells

# Name | function | its arguments; for most: netem there | netem back | MTU | arguments
# for flow. Cells of the short form begin with "!". A link has 100 Mbit/s, so that
# goodput is the engine's and not the processor's. "delay" is that of one way.
#
# Loss hits the data in the matrix: with 20 % both ways a round trip fails so
# often that the backoffs, not the engine, are measured. Those cells exist, without
# a bar. Volumes are such that some dozen segments are lost. Where nothing is, rounds do
# not differ.
link='rate 100mbit limit 10000'
cells() { # SMALL_MTU MSS
	local loss delay how extra mark cc n

	cat <<-END
	clean 0 ms|goodput|$link|$link|1500|-n 8M -r 1,5
	!clean 20 ms|goodput|$link delay 20ms|$link delay 20ms|1500|-n 8M -r 1,5
	clean 200 ms|goodput|$link delay 200ms|$link delay 200ms|1500|-n 32M -r 1,5
	!shallow queue|goodput|rate 20mbit delay 10ms limit 25|$link delay 10ms|1500|-n 8M
	deep queue|goodput|rate 20mbit delay 10ms limit 400|$link delay 10ms|1500|-n 16M
	END
	for loss in 0.1 1 5 20; do
		n=${volume[$loss]}
		for delay in 0 20 200; do
			for how in reorder duplicate corrupt; do
				case $how in
				# netem reorders by not delaying: there must be a delay.
				reorder) extra="delay $((delay ? delay : 2))ms reorder 25% 50%" ;;
				duplicate) extra="delay ${delay}ms duplicate 2%" ;;
				corrupt) extra="delay ${delay}ms corrupt 0.5%" ;;
				esac
				mark=''
				case $loss-$delay-$how in
				1-20-reorder|5-0-duplicate|20-20-duplicate|0.1-200-corrupt) mark='!' ;;
				esac
				echo "${mark}loss $loss% $delay ms $how|goodput|$link loss $loss% $extra|$link delay ${delay}ms|1500|-n $n"
			done
		done
		mark=''
		[ $loss != 20 ] || mark='!'
		echo "ACKs lost $loss%|goodput|$link delay 20ms|$link delay 20ms loss $loss%|1500|-n 4M"
		echo "${mark}both ways $loss%|goodput|$link delay 20ms loss $loss%|$link delay 20ms loss $loss%|1500|-d -n $n$([ $loss != 20 ] || echo ' -b 0 -t 50000')"
	done
	for loss in 0.1 1 5 20; do
		for delay in 20 200; do
			mark=''
			case $loss-$delay in 1-200|5-20) mark='!' ;; esac
			echo "${mark}same losses $loss% $delay ms|same_losses|$link delay ${delay}ms|$link delay ${delay}ms|1500|-n ${volume[$loss]}|${periods[$loss]}"
		done
	done
	for n in 1 2 3 10 45; do
		mark=''
		[ $n != 1 ] || mark='!'
		echo "${mark}window $n MSS|window|$link delay 20ms|$link delay 20ms|1500|-n $((n * 256))K -w $((n * $2)) -r 1,5"
		echo "window $n MSS loss 1%|window|$link delay 20ms loss 1%|$link delay 20ms|1500|-n $((n * 256))K -w $((n * $2))"
	done
	for n in $(printf '%s\n' "$1" 1280 4000 9000 | uniq); do
		mark=''
		[ "$n" != "$1" ] || mark='!'
		echo "${mark}MTU $n|goodput|$link delay 20ms loss 1%|$link delay 20ms|$n|-n $((n * 2400))"
	done
	for cc in $(cat /proc/sys/net/tcpx/available_congestion_control); do
		mark='!'
		[ "$cc" != cubic ] || mark=''
		echo "${mark}$cc 1%|goodput|$link delay 20ms loss 1%|$link delay 20ms|1500|-n 4M -c $cc"
		echo "$cc shallow queue|goodput|rate 20mbit delay 10ms limit 25|$link delay 10ms|1500|-n 8M -c $cc"
	done
	cat <<-END
	!fair cubic|fairness|50|-c cubic
	fair cubic, shallow queue|fairness|20|-c cubic
	fair cubic, deep queue|fairness|200|-c cubic
	fair reno|fairness|50|-c reno
	!capture reorder|capture|$link loss 2% delay 5ms reorder 25% 50% duplicate 2%|$link delay 5ms|1500|-n 512K
	!capture small MTU|capture|$link loss 2% delay 5ms|$link delay 5ms loss 2%|$1|-d -n 256K
	capture small window|capture|$link delay 5ms|$link delay 5ms|1500|-n 256K -w $2
	END
}
declare -A volume=([0.1]=8M [1]=4M [5]=1M [20]=512K)
declare -A periods=([0.1]="700 1000 1500" [1]="70 100 150" [5]="13 20 29" [20]="4 5 6")

### The two ends

in_ns() { local ns=$1; shift; nsenter --net=/run/netns/tcpx-"$ns" "$@"; }

new_namespaces() {
	local program

	mkdir -p $tools
	for program in tc ip ethtool tcpdump nsenter; do
		cp "$(command -v $program)" $tools/
	done
	cp "$TCPX_CACHE/selftests/torture/flow" $tools/
	PATH=$tools:$PATH
	modprobe -a veth sch_netem sch_ingress cls_matchall act_gact
	ip netns add tcpx-a
	ip netns add tcpx-b
	ip -n tcpx-a link set lo up
	ip -n tcpx-b link set lo up
	ip -n tcpx-a link add va type veth peer name vb netns tcpx-b
	ip -n tcpx-a addr add 10.78.0.1/24 dev va
	ip -n tcpx-b addr add 10.78.0.2/24 dev vb
	# Nothing but what is tested goes over it.
	ip -n tcpx-a link set va addrgenmode none
	ip -n tcpx-b link set vb addrgenmode none
	# One segment a packet: what netem loses is a segment, not a burst of them.
	ip -n tcpx-a link set va up gso_max_segs 1
	ip -n tcpx-b link set vb up gso_max_segs 1
	mac_a=$(ip -n tcpx-a -br link show va | awk '{ print $3 }')
	mac_b=$(ip -n tcpx-b -br link show vb | awk '{ print $3 }')
	# What is lost are segments: ARP's failures would be errors of the host to either stack.
	ip -n tcpx-a neigh replace 10.78.0.2 dev va lladdr "$mac_b"
	ip -n tcpx-b neigh replace 10.78.0.1 dev vb lladdr "$mac_a"
	# Each transfer on its own merits: nothing is remembered of earlier ones. And nobody gives
	# up, an orphan neither: with 20 % lost both ways a connection may well be without an
	# answer for as long as either stack's patience goes.
	for ns in a b; do
		in_ns $ns sh -c 'echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save
			echo 255 > /proc/sys/net/ipv4/tcp_retries2
			echo 255 > /proc/sys/net/ipv4/tcp_orphan_retries'
		# Congestion controls of the kernel are modules.
		for cc in $(cat /proc/sys/net/tcpx/available_congestion_control); do
			modprobe -q "tcp_$cc" || true
		done
	done
}

delete_namespaces() {
	for ns in a b; do
		[ ! -e /run/netns/tcpx-$ns ] || ip netns del tcpx-$ns
	done
}

# shellcheck disable=SC2086	# lists of words
set_link() { # THERE BACK MTU
	ip -n tcpx-a link set va mtu "$3"
	ip -n tcpx-b link set vb mtu "$3"
	# Replacing a netem keeps what the new one does not name.
	tc -n tcpx-a qdisc del dev va root 2> /dev/null || true
	tc -n tcpx-b qdisc del dev vb root 2> /dev/null || true
	tc -n tcpx-b qdisc del dev vb clsact 2> /dev/null || true
	tc -n tcpx-a qdisc add dev va root netem $1
	tc -n tcpx-b qdisc add dev vb root netem $2
	[ $family != 6 ] || set_addresses6
}

# An MTU below 1280 took them, and the neighbours, from the link.
set_addresses6() {
	ip -n tcpx-a addr replace fd78::1/64 dev va nodad
	ip -n tcpx-b addr replace fd78::2/64 dev vb nodad
	ip -n tcpx-a neigh replace fd78::2 dev va lladdr "$mac_b"
	ip -n tcpx-b neigh replace fd78::1 dev vb lladdr "$mac_a"
}

### Running them

n=0 failed=0

result() { # STATUS NAME DETAILS LOG
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2: $3"
		return
	fi
	failed=$((failed + 1))
	sed 's/^/# /' "$4"
	echo "not ok $n - $2: $3"
}

wanted() { # NAME
	local pattern

	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2254
		case $1 in $pattern) return 0 ;; esac
	done
	return 1
}

# "tt 103, tk 89 (luck: 97) % of kernel TCP's 3.4 Mbit/s", from what flow printed
summary() {
	awk -F '\t' -v "bar=$bar" '
	NR == 1 { base = $3; rounds = $2; next }
	{ text = text sep $1 " " $4 ($4 < bar && $7 > $4 ? " (luck: " $7 ")" : ""); sep = ", " }
	END { printf "%s %% of kernel TCP'\''s %.2f Mbit/s, %d rounds", text, base / 1000, rounds }' "$1"
}

goodput() { # NAME THERE BACK MTU ARGS; in $pairs those that are not the usual ones
	local status=0 text

	set_link "$2" "$3" "$4"
	port=$((port + 1000))
	[ $port -lt 60000 ] || port=10000
	# shellcheck disable=SC2086
	flow $v6 -p $port -b $bar -r "$rounds" $5 ${pairs:-kk tt tk kt} > "$tmp/flow" 2> "$tmp/log" || status=$?
	text=$(summary "$tmp/flow")
	[ $status != 2 ] || text='transfer failed'
	sed "s/^/$1\t/" "$tmp/flow" >> "$tsv"
	result $status "$1" "$text" "$tmp/log"
}

# Kernel TCP's server forgets TCP_WINDOW_CLAMP: from 6.6 on at the first data, before that when it
# makes its buffer larger. AF_TCPX's keeps to it. So the clients are compared, at either's server.
window() { # as goodput
	local name=$1 pairs='kt tt'

	shift
	goodput "$name" "$@"
	pairs='kk tk'
	goodput "$name at kernel TCP" "$@"
}

# The Nth segment to arrive is lost, and from there every Nth: the same ones of each pair.
lose_every() { # N
	tc -n tcpx-b qdisc del dev vb clsact 2> /dev/null || true
	tc -n tcpx-b qdisc add dev vb clsact
	tc -n tcpx-b filter add dev vb ingress matchall action pipe random determ drop "$1"
}

# One round for each of the periods, what is judged is the geometric mean. With luck out of it
# the short form asks for as much as the long one.
same_losses() { # NAME THERE BACK MTU ARGS PERIODS
	local status=0 pair period text

	set_link "$2" "$3" "$4"
	: > "$tmp/rounds"
	for pair in kk tt tk kt; do
		for period in $6; do
			lose_every "$period"
			port=$((port + 1))
			# shellcheck disable=SC2086
			flow $v6 -p $port -r 1,1 $5 $pair >> "$tmp/rounds" 2> "$tmp/log" || status=2
		done
	done
	awk -F '\t' -v OFS='\t' '
	!($1 in n) { order[++pairs] = $1 }
	{ n[$1]++; sum[$1] += log($3); rexmits[$1] += $5; if ($6 > silence[$1]) silence[$1] = $6 }
	END {
		for (i = 1; i <= pairs; i++) {
			p = order[i]
			mean = exp(sum[p] / n[p])
			if (i == 1) base = mean
			percent = 100 * mean / base
			printf "%s\t%d\t%.0f\t%.0f\t%.1f\t%d\t%.0f\n", p, n[p], mean, percent,
				rexmits[p] / n[p], silence[p], percent
		}
	}' "$tmp/rounds" > "$tmp/flow"
	text=$(summary "$tmp/flow")
	[ $status != 2 ] || text='transfer failed'
	sed "s/^/$1\t/" "$tmp/flow" >> "$tsv"
	[ $status = 2 ] || awk '$4 < 90 { bad = 1 } END { exit bad }' "$tmp/flow" || status=1
	cat "$tmp/rounds" >> "$tmp/log"
	result $status "$1" "$text" "$tmp/log"
}

# Two flows, each with its own stack at both ends, over one bottleneck; twice a round, each
# one being first once. The share of all runs together is judged: two flows of one and the
# same stack part as 1:2 for a minute where a full queue drops in step with one of them, so
# there are further rounds while the share is out of bounds.
fairness() { # NAME LIMIT ARGS
	local status=1 own round first=${rounds_share%,*} last=${rounds_share#*,}

	set_link "rate 10mbit delay 10ms limit $2" "$link delay 10ms" 1500
	: > "$tmp/flow"
	for ((round = 1; round <= last; round++)); do
		# shellcheck disable=SC2086
		{
			flow $v6 -p $((8000 + round)) -s "$share_seconds" $3 tt kk &&
			flow $v6 -p $((8100 + round)) -s "$share_seconds" $3 kk tt
		} >> "$tmp/flow" 2> "$tmp/log" || { status=2; break; }
		own=$(awk -F '\t' '{ all += $3 } $1 == "tt" { own += $3 }
			END { printf "%.0f", all ? 100 * own / all : 0 }' "$tmp/flow")
		[ $round -ge "$first" ] && [ "$own" -ge 40 ] && [ "$own" -le 60 ] || continue
		status=0
		break
	done
	sed "s/^/$1\t/" "$tmp/flow" >> "$tsv"
	cat "$tmp/flow" >> "$tmp/log"
	result $status "$1" "AF_TCPX has ${own:-0} % of what both have, $round rounds" "$tmp/log"
}

# What goes over the wire, for tshark on the host to look at. The checksums must be
# real: without the offload they are made by software.
capture() { # NAME THERE BACK MTU ARGS
	local pid pcap=${1#capture } status=0

	pcap=${pcap// /-}.pcap
	pcap=${pcap//,/}
	set_link "$2" "$3" "$4"
	in_ns a ethtool -K va tx off > "$tmp/log"
	in_ns b ethtool -K vb tx off >> "$tmp/log"
	nsenter --net=/run/netns/tcpx-a tcpdump -i va -Z root -U -s 0 -B 8192 -w "$tmp/$pcap" tcp \
		2> "$tmp/tcpdump" &
	pid=$!
	until [ -s "$tmp/$pcap" ]; do sleep 0.05; done
	# shellcheck disable=SC2086
	flow $v6 -p 8201 -r 1,1 $5 tt tk kt > "$tmp/flow" 2>> "$tmp/log" || status=$?
	# The last packets are on their way for as long as the link delays them.
	sleep 1
	kill $pid
	wait $pid || status=$?
	cat "$tmp/tcpdump" >> "$tmp/log"
	cp "$tmp/$pcap" "$out/"
	in_ns a ethtool -K va tx on >> "$tmp/log"
	in_ns b ethtool -K vb tx on >> "$tmp/log"
	result $status "$1" "$(stat -c %s "$out/$pcap") bytes" "$tmp/log"
}

# What luck does to single cells it does less to all of those where it had a part.
together() {
	awk -F '\t' '
	NR > 1 && $1 !~ /^(fair|both ways 20%)/ && $2 != "kk" && $8 > $5 { sum[$2] += log($5); n[$2]++ }
	END {
		for (pair in n)
			printf "# random losses together: %s %.0f %% in %d cells\n", pair, exp(sum[pair] / n[pair]), n[pair]
	}' "$tsv"
}

# The short form has each of its cells in one family, the next one in the other.
run_family() {
	local name function args short=0

	while IFS='|' read -r name function args; do
		if [ "${name#!}" != "$name" ]; then
			short=$((short + 1))
			[ -n "$long" ] || [ $family = $((short % 2 ? 4 : 6)) ] || continue
		else
			[ -n "$long" ] || continue
		fi
		name=${name#!}
		[ $family = 4 ] || name="$name, IPv6"
		wanted "$name" || continue
		chosen=$((chosen + 1))
		[ $((chosen % share_n)) = $((share_i % share_n)) ] || continue
		if [ -n "$list" ]; then
			echo "$name"
			continue
		fi
		IFS='|' read -ra args <<< "$args"
		$function "$name" "${args[@]}"
	done < <(cells "$@")
}

tmp='' port=10000
clean_up() {
	delete_namespaces
	[ -z "$tmp" ] || rm -rf "$tmp"
}

# Rounds: as many as are needed to tell a slow engine from bad luck.
rounds_share=1,6 share_seconds=30
[ -z "$long" ] || { rounds_share=5,10; share_seconds=60; bar=90; }
[ -z "$long" ] || rounds=${rounds:-5,250}
rounds=${rounds:-3,96}

[ "$(id -u)" = 0 ] || { echo "Bail out! must be root"; exit 1; }
[ -d /proc/sys/net/tcpx ] || { echo "Bail out! no AF_TCPX in this kernel"; exit 1; }
if [ -z "$list" ]; then
	tmp=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 130' INT TERM
	new_namespaces
	printf 'cell\tpair\trounds\tgoodput_kbit\tpercent\trexmits\tsilence_ms\tpercent_with_luck\n' > "$tsv"
fi
chosen=0
family=4 v6=''
run_family 576 1448
family=6 v6=-6
run_family 1280 1428
[ -z "$list" ] || exit 0
together
echo "1..$n"
[ $n -gt 0 ] || { echo "Bail out! nothing matches: ${patterns[*]}"; exit 1; }
echo "# $n cells, $failed failed"
[ $failed = 0 ]
