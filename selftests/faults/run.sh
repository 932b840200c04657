#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Let allocations fail: each system call with each of its allocations failing, over IPv4
# and IPv6 (nth.c). A call fails with an error that says so or carries on, works the next
# time, and nothing is left behind: kmemleak and the slabs at rmmod, which scripts/vm
# looks at, tell. The same for the module's loading and for network namespaces (load.c).
# As root in the VM, on the debug kernel.
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
	Usage: run.sh [-n MOST] [PART...]

	Prints TAP. The PARTs, all but the last if none is named:

	  calls    each call, over IPv4
	  calls6   the same over IPv6
	  netns    making a network namespace
	  insmod   loading the module
	  kernel   the calls of kernel TCP, which proves the test

	  -n  allocations to try of netns and insmod (default 60), evenly over all
	END
}

most=60
while getopts n:h opt; do
	case $opt in
	n) most=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- calls calls6 netns insmod

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
	dmesg -r | sed -E '/kmem_cache_create.*failed with error -12|sysctl could not get directory/,/<\/TASK>/d
		/socket: no more sockets|kmemleak: Cannot allocate a scan area/d' > "$tmp/dmesg"
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

if [ ! -d $debug/failslab ]; then
	echo "1..0 # SKIP this kernel has no fault injection"
	exit 0
fi
begin
[ -x "$nth" ] || die "no $nth: make -C selftests/faults"
trap 'rm -rf "$tmp"' EXIT
# All allocations may fail, of one page too, silently.
set_knobs verbose 0 ignore-gfp-wait N ignore-gfp-highmem N min-order 0 probability 0
for part; do
	case $part in
	calls) run_tap "$nth" ;;
	calls6) run_tap "$nth" -6 ;;
	kernel) run_tap "$nth" -k ;;
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
