#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Load and unload the module many times, never in the same situation: traffic
# ended in good order, killed in the middle, TIME_WAIT entries and orphans left
# behind, namespaces made and deleted meanwhile. rmmod has to refuse while there
# are sockets, to succeed soon after, and to leave nothing. As root in the VM.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/../stress/lib.sh"
module=${TCPX_MODULE:-/run/vm/tcpx.ko}

usage() {
	cat <<-END
	Usage: run.sh [ROUNDS]

	Prints TAP, a line per situation with all its rounds (default: \$RELOAD_ROUNDS
	or 8 in all).
	END
}

case ${1:-} in -*) usage; exit 2 ;; esac
rounds=${1:-${RELOAD_ROUNDS:-8}}

unload() { until_true 30 rmmod tcpx 2> "$tmp/rmmod"; }

nothing_left() {
	local left

	left=$(grep '^tcpx' /proc/modules /proc/slabinfo; ls -d /proc/net/tcpx /sys/module/tcpx \
		/sys/kernel/slab/tcpx* 2> /dev/null) || true
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

# The module must be in use, and say so.
refuses() {
	if rmmod tcpx 2> "$tmp/rmmod"; then
		echo "rmmod succeeded although there were sockets"
		return 1
	fi
	grep -q 'in use' "$tmp/rmmod"
}

round_orderly() {
	start_mix -t 100
	refuses
	kill -TERM "$mix_pid"
	end_mix
}

round_killed() {
	start_mix -n 24 -t 100
	refuses
	kill_mix
}

# Orphans that nobody answers: they hold the module until they have given up.
round_orphans() {
	start_mix -n 24 -t 100
	ip -n stress-b link set vb down
	kill_mix
	refuses
	# From now on, lest they have gone before rmmod asks.
	ip netns exec stress-a sysctl -qw net.ipv4.tcp_orphan_retries=1 net.ipv4.tcp_fin_timeout=1
	ip netns exec stress-b sysctl -qw net.ipv4.tcp_orphan_retries=1 net.ipv4.tcp_fin_timeout=1
	ip -n stress-b link set vb up
}

# Sockets in a namespace that has no name any more
round_namespaces() {
	start_mix -c kernel -t 1
	ip netns add stress-c
	ip -n stress-c link set lo up
	delete_namespaces
	ip netns del stress-c
	end_mix
}

# Kernel TCP alone; the module idle, then gone under it
round_idle() {
	start_mix -c kernel -l kernel -t 2
	unload
	end_mix
}

one_round() { # SITUATION
	make_namespaces
	"round_$1"
	# TIME_WAIT entries and reservations are left in them.
	[ $((round / 5 % 2)) = 0 ] || delete_namespaces
	[ ! -e /sys/module/tcpx ] || unload || { cat "$tmp/rmmod"; return 1; }
	nothing_left
	delete_namespaces
	insmod "$module"
}

many_rounds() { # SITUATION ROUNDS
	for ((round = 0; round < $2; round++)); do
		one_round "$1" || { echo "in round $round"; return 1; }
	done
	echo "mix: $2 rounds"
}

begin
trap 'kill_mix; delete_namespaces; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
[ -e "$module" ] || die "no module file $module"
delete_namespaces
situations=(orderly killed orphans namespaces idle)
for i in "${!situations[@]}"; do
	share=$(((rounds + ${#situations[@]} - 1 - i) / ${#situations[@]}))
	[ $share -gt 0 ] || continue
	try "${situations[i]}" many_rounds "${situations[i]}" $share
	[ -e /sys/module/tcpx ] || insmod "$module"
done
finish
