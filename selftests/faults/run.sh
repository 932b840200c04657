#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Let allocations fail: each system call with each of its allocations failing, over IPv4
# and IPv6 (nth.c). A call fails with an error that says so or carries on, works the next
# time, and nothing is left behind: kmemleak and the slabs at rmmod, which scripts/vm
# looks at, tell. As root in the VM, on the debug kernel.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/../stress/lib.sh"
nth=$TCPX_CACHE/selftests/faults/nth
debug=/sys/kernel/debug

usage() {
	cat <<-END
	Usage: run.sh [PART...]

	Prints TAP. The PARTs, the first two if none is named:

	  calls    each call, over IPv4
	  calls6   the same over IPv6
	  kernel   the same with kernel TCP, which proves the test
	END
}

case ${1:-} in -*) usage; exit 2 ;; esac
[ $# -gt 0 ] || set -- calls calls6

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
judge_log() {
	dmesg -r | sed -E '/socket: no more sockets|kmemleak: Cannot allocate a scan area/d' > "$tmp/dmesg"
	"$here/../../scripts/vm-logcheck" "$tmp/dmesg" || return 1
	dmesg -C
	echo '<6>vm: loading tcpx (its log begins again)' > /dev/kmsg
}

# The lines of nth, renumbered
run_nth() { # ARGS...
	local line

	"$nth" "$@" > "$tmp/nth" 2>&1 || echo "# nth ended with status $?" >> "$tmp/nth"
	while read -r line; do
		case $line in
		ok\ *) n=$((n + 1)); echo "ok $n - ${line#*- }" ;;
		not\ ok\ *) n=$((n + 1)) failed=$((failed + 1)); echo "not ok $n - ${line#*- }" ;;
		1..*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done < "$tmp/nth"
	grep -q '^1\.\.' "$tmp/nth" || { n=$((n + 1)) failed=$((failed + 1)); echo "not ok $n - nth $*"; }
	try "the kernel log after nth${*:+ $*}" judge_log
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
	calls) run_nth ;;
	calls6) run_nth -6 ;;
	kernel) run_nth -k ;;
	*) usage >&2; exit 2 ;;
	esac
done
finish
