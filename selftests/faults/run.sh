#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Let allocations fail: each system call with each of its allocations failing, over IPv4
# and IPv6 (nth.c). A call fails with an error that says so or carries on, works the next
# time, and nothing is left behind: kmemleak and the slabs at rmmod, which scripts/vm
# looks at, tell. The same for the module's loading and for network namespaces (load.c).
# And at random, in softirq too, while data are verified: they stay intact or there is an
# error, and all sockets go. As root in the VM, on the debug kernel.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/../stress/lib.sh"
nth=$TCPX_CACHE/selftests/faults/nth
load=$TCPX_CACHE/selftests/faults/load
module=${TCPX_MODULE:-/run/vm/tcpx.ko}
debug=/sys/kernel/debug

usage() {
	cat <<-END
	Usage: run.sh [-n MOST] [-r ROUNDS] [-s SEED] [PART...]

	Prints TAP. The PARTs, all but the last two if none is named:

	  calls    each call, over IPv4
	  calls6   the same over IPv6
	  random   traffic, with failures at random
	  netns    making a network namespace
	  insmod   loading the module
	  kernel   the calls of kernel TCP, which proves the test
	  kernel-random

	  -n  allocations to try of netns and insmod (default 60), evenly over all
	  -r  rounds of random (default 2), each with another chance of failing
	  -s  seed of random
	END
}

most=60 rounds=2 seed=$RANDOM
while getopts n:r:s:h opt; do
	case $opt in
	n) most=$OPTARG ;;
	r) rounds=$OPTARG ;;
	s) seed=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- calls calls6 random netns insmod

# The knobs of all kinds of faults
set_knobs() { # NAME VALUE...
	local kind

	while [ $# -gt 0 ]; do
		for kind in failslab fail_page_alloc fail_usercopy; do
			[ ! -e $debug/$kind/"$1" ] || echo "$2" > $debug/$kind/"$1"
		done
		shift 2
	done
}

# What the kernel itself says when memory is short, and no more than a warning: nobody may
# take that for the module's. The rest of the log is judged here, for the log that
# scripts/vm is to judge begins anew.
judge_log() { # [reports]: of those only, for the whole kernel has something to say
	dmesg -r | sed -E '/SLUB: Unable to allocate memory/,/node 0: slabs/d
		/kmem_cache_create.*failed with error -12|sysctl could not get directory/,/<\/TASK>/d
		/socket: no more sockets|kmemleak: Cannot allocate a scan area|VM_FAULT_OOM leaked out/d' > "$tmp/dmesg"
	[ "${1:-}" != reports ] || sed -i '/vm: loading tcpx/d' "$tmp/dmesg"
	"$here/../../scripts/vm-logcheck" "$tmp/dmesg" || return 1
	dmesg -C
	echo '<6>vm: loading tcpx (its log begins again)' > /dev/kmsg
}

# The lines of a program's, renumbered
run_tap() { # PROGRAM ARGS...
	local line judged=''

	[ "$1" != "$load" ] || judged=reports
	"$@" > "$tmp/nth" 2>&1 || echo "# ${1##*/} ended with status $?" >> "$tmp/nth"
	while read -r line; do
		case $line in
		ok\ *) n=$((n + 1)); echo "ok $n - ${line#*- }" ;;
		not\ ok\ *) n=$((n + 1)) failed=$((failed + 1)); echo "not ok $n - ${line#*- }" ;;
		1..*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done < "$tmp/nth"
	grep -q '^1\.\.' "$tmp/nth" || { n=$((n + 1)) failed=$((failed + 1)); echo "not ok $n - ${*##*/}"; }
	try "the kernel log after ${*##*/}" judge_log $judged
}

### At random

# What fails: the caches of segments and sockets, whoever allocates (scripts/vm has the
# kernel mark them), and of mix itself any page.
set_random() { # PER CENT
	local kind

	echo Y > $debug/failslab/cache-filter
	echo Y > $debug/fail_page_alloc/task-filter
	set_knobs times -1 interval 1
	for kind in failslab fail_page_alloc; do
		echo "$1" > $debug/$kind/probability
	done
}

clear_random() {
	set_knobs probability 0
	echo N > $debug/failslab/cache-filter
	echo N > $debug/fail_page_alloc/task-filter
}

caches_marked() {
	local cache

	for cache in skbuff_head_cache TCPX; do
		[ "$(cat /sys/kernel/slab/$cache/failslab)" = 1 ] || return 1
	done
}

# Every socket of both namespaces, in whatever state: for TIME_WAIT takes its time.
sockets_left() {
	local in

	for in in in_a in_b; do
		$in cat /proc/net/tcpx /proc/net/tcp | awk '$4 ~ /^[0-9A-F][0-9A-F]$/ && $4 != "06"'
	done
}
no_sockets_left() { [ -z "$(sockets_left)" ]; }

random_round() { # STACK SEED PER CENT
	make_namespaces
	in_a sysctl -qw net.ipv4.tcp_fin_timeout=5 net.ipv4.tcp_orphan_retries=4
	in_b sysctl -qw net.ipv4.tcp_fin_timeout=5 net.ipv4.tcp_orphan_retries=4
	start_mix -c "$1" -l "$1" -n 16 -m 60000 -t $((2 * slow)) -s "$2" \
		-e ENOMEM,ENOBUFS,ECONNRESET,EPIPE,ENOTCONN,ETIMEDOUT,EADDRINUSE,ENFILE,EMFILE
	echo 1 > /proc/$mix_pid/make-it-fail
	set_random "$3"
	pause $((2 * slow))
	# No longer than that: with each FIN's failing there is no end.
	clear_random
	end_mix
	until_true 30 no_sockets_left || { echo "left:"; sockets_left; return 1; }
	delete_namespaces
}

run_random() { # STACK
	local round chances=(1 3 10 25)

	caches_marked || { skip "random, $1" "no caches are marked by slub_debug=A,NAME..."; return; }
	for ((round = 0; round < rounds; round++)); do
		try "random, $1, ${chances[round % 4]} %, seed $((seed + round))" \
			random_round "$1" $((seed + round)) "${chances[round % 4]}"
		clear_random
		delete_namespaces
		try "the kernel log after it" judge_log
	done
}

if [ ! -d $debug/failslab ]; then
	echo "1..0 # SKIP this kernel has no fault injection"
	exit 0
fi
begin
[ -x "$nth" ] || die "no $nth: make -C selftests/faults"
trap 'kill_mix; clear_random; delete_namespaces; rm -rf "$tmp"' EXIT
# All allocations may fail, of one page too, silently.
set_knobs verbose 0 ignore-gfp-wait N ignore-gfp-highmem N min-order 0 probability 0
for part; do
	case $part in
	calls) run_tap "$nth" ;;
	calls6) run_tap "$nth" -6 ;;
	kernel) run_tap "$nth" -k ;;
	random) run_random tcpx ;;
	kernel-random) run_random kernel ;;
	netns) run_tap "$load" -n "$most" "$module" netns ;;
	insmod)
		until_true 30 rmmod tcpx 2> /dev/null
		run_tap "$load" -n "$most" "$module" insmod
		insmod "$module"
		;;
	*) usage >&2; exit 2 ;;
	esac
done
finish
