#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The bench in the guest: sets up the paths and runs the bench program over them.
# Root; scripts/bench and scripts/check boot the guest in virtual time for it.
#
#	path lo		one namespace, 127.0.0.1
#	path veth	bench-a 10.77.0.1 ==== 10.77.0.2 bench-b, TSO, GSO and GRO on
#	path veth-plain	the same with all three off
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
bench=${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/bench/bench

usage() {
	cat <<-END
	usage: run.sh                       short: TAP, ratios against ratios.tsv
	       run.sh --tsv PATHS [ARG...]  the bench program over PATHS (lo,veth,veth-plain)
	       run.sh --bystander [ARG...]  kernel TCP without and with the module
	       run.sh --profile PATH ROUNDS ROW    for scripts/profile: rounds of ROW, and the symbols
	Figures are TSV: path row stack round cost unit; ARGs go to the bench program.
	END
}

# SYNs of the flood come from 10/8: their answers end in a device that drops.
set_up_lo() {
	ip link add bench-sink type dummy
	ip link set bench-sink up
	ip route add 10.0.0.0/8 dev bench-sink
}

set_up_veth() {
	ip netns add bench-a
	ip netns add bench-b
	ip -n bench-a link add va type veth peer name vb netns bench-b
	for end in a:va:1 b:vb:2; do
		IFS=: read -r ns dev host <<<"$end"
		ip -n "bench-$ns" link set lo up
		ip -n "bench-$ns" addr add "10.77.0.$host/24" dev "$dev"
		ip -n "bench-$ns" link set "$dev" up
	done
	ip -n bench-b route add 10.0.0.0/8 via 10.77.0.1
}

offloads() { # on|off
	ip netns exec bench-a ethtool -K va tso "$1" gso "$1" gro "$1"
	ip netns exec bench-b ethtool -K vb tso "$1" gso "$1" gro "$1"
}

set_up() {
	modprobe dummy
	modprobe veth
	echo 4194304 >/proc/sys/net/core/wmem_max
	echo 4194304 >/proc/sys/net/core/rmem_max
	echo 1048576 >/proc/sys/fs/nr_open
	set_up_lo
	set_up_veth
}

over() { # PATH [ARG...]
	local path=$1

	shift
	case $path in
	lo) "$bench" -p lo "$@" ;;
	veth) offloads on ;;&
	veth-plain) offloads off ;;&
	veth*) "$bench" -p "$path" -c bench-a -s bench-b -a 10.77.0.2 "$@" ;;
	*) usage >&2; exit 2 ;;
	esac
}

# Kernel TCP before the module is there, with it idle, and with 10,000 of its sockets.
bystander() {
	for _ in 1 2 3; do
		rmmod tcpx
		"$bench" -S tcp "$@" 'bystander-*'
		insmod /run/vm/tcpx.ko
		"$bench" -S tcpx "$@" 'bystander-*'
	done
}

# Rows that repeat to 2 % or better, in about a minute.
short() {
	over lo -n 3 bulk-1k bulk-16 rr-1 rr-1k crr
	over lo -n 1 epoll-1000 'mem-[srt]*'
	over veth -n 3 rr-1 crr
	over veth-plain -n 1 rr-1
}

# ratio.awk's lines of now beside those of ratios.tsv
judge() {
	awk -F '\t' -v from="ratios.tsv" '
	FNR == NR { if (!/^#/) was[$1 "\t" $2] = $3; next }
	{
		n++
		key = $1 "\t" $2
		name = $2 " over " $1
		if (!(key in was)) {
			bad++
			print "not ok " n " - " name ": " from " has no ratio for it"
		} else if ($3 < 0.95 * was[key]) {
			bad++
			print "not ok " n " - " name ": " $3 " x kernel TCP, was " was[key]
		} else {
			print "ok " n " - " name ": " $3 " x kernel TCP, was " was[key]
		}
	}
	END { print "1.." n; exit bad > 0 || n == 0 }' "$here/ratios.tsv" -
}

case ${1:-} in -h|--help) usage; exit 0 ;; esac
[ "$(id -u)" = 0 ] || { echo "Bail out! run.sh must be root"; exit 1; }
[ -d /sys/module/tcpx ] || { echo "Bail out! module tcpx is not loaded"; exit 1; }
set_up
case ${1:-} in
--tsv)
	IFS=, read -ra paths <<<"$2"
	shift 2
	for path in "${paths[@]}"; do over "$path" "$@"; done
	;;
--bystander) shift; bystander "$@" ;;
--profile)
	over "$2" -n "$3" "$4" >"$TCPX_OUT/figures.tsv"
	cp /proc/kallsyms "$TCPX_OUT/kallsyms"
	;;
'')
	tsv=$(mktemp)
	short >"$tsv"
	sed 's/^/# /' "$tsv"
	awk -f "$here/ratio.awk" "$tsv" | judge
	;;
*) usage >&2; exit 2 ;;
esac
