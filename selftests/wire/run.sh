#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run the wire tests: as root, in the VM. Each program is a subject with its
# own tests, each test has a network namespace of its own, so the programs run
# side by side; most of their time they wait for a timer. Made for scripts/vm
# --icount: waiting costs nothing there and no load of the host can break a bound.
#
#	run.sh [PROGRAM...]	those subjects, or all
#
# Output is TAP: one line a test, then a verdict. What a failed test saw on the
# wire stands above its line.
#
#	WIRE_VARIANT="NAME..."	those variants only, of inet, tcpx (IPv4), inet6,
#				tcpx6, inet_mapped, tcpx_mapped (IPv4 by IPv6 sockets)
#	TCPX_VARIANTS="PATTERN..."	those whose names match, such as "tcpx*"
#	WIRE_JOBS=N		programs at once (8)
#	TCPX_NEED=1		fail, instead of skipping, when the module is absent
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
OUT=${OUT:-${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/wire}
JOBS=${WIRE_JOBS:-8}
VARIANTS=${WIRE_VARIANT:-inet tcpx inet6 tcpx6 inet_mapped tcpx_mapped}
read -ra wanted <<<"${TCPX_VARIANTS:-*}"

die() { echo "Bail out! $*"; exit 2; }

programs() {
	local source

	for source in "$here"/*.c; do
		if grep -q '^#include "fixture.h"' "$source"; then
			basename "$source" .c
		fi
	done
}

# Is a variant one of those asked for, as patterns?
is_wanted() {
	local pattern

	for pattern in "${wanted[@]}"; do
		# shellcheck disable=SC2254
		case $1 in $pattern) return 0 ;; esac
	done
	return 1
}

# Does a subject have a variant? What its source says is in fixture.h.
has_variant() {
	is_wanted "$2" || return 1
	case $2 in
	*_mapped) grep -q '^#define WIRE_MAPPED_TOO' "$here/$1.c" ;;
	*6) ! grep -q '^#define WIRE_V4_ONLY' "$here/$1.c" ;;
	*) ! grep -q '^#define WIRE_V6_ONLY' "$here/$1.c" ;;
	esac
}

# One subject in one variant, its output kept until all of it is there.
run_one() {
	local name=$1 variant=$2 status=0

	"$OUT/$name" -v "$variant" >"$results/$name.$variant" 2>&1 || status=$?
	echo "$status" >"$results/$name.$variant.status"
}

# Number the result lines through; drop the plans of the single programs.
report() {
	awk -v prefix="$1" -v n="$2" '
	/^1\.\.|^TAP version|^# (Totals|PASSED|FAILED|Starting)/ { next }
	/^# +RUN / { name = $3; next }
	/^# +(OK|FAIL|SKIP) / { next }
	/^(not )?ok / {
		# The name is not in the line everywhere: 6.1 skips namelessly.
		result = $1 == "ok" ? "ok" : "not ok"
		skip = match($0, /# SKIP.*/) ? " " substr($0, RSTART) : ""
		print result, ++n, prefix "." name skip
		next
	}
	{ print }' "$3"
}

if [ "${TCPX_NEED:-0}" = 1 ] && [ ! -d /sys/module/tcpx ]; then
	die "AF_TCPX is not there: the module is not loaded"
fi
[ "$(id -u)" -eq 0 ] || die "needs root, for network namespaces and tun"
for module in tun af_packet sch_tbf; do
	modprobe "$module" 2>/dev/null || true
done
[ -c /dev/net/tun ] || die "there is no /dev/net/tun"
[ $# -gt 0 ] || mapfile -t names < <(programs)
[ $# -eq 0 ] || names=("$@")
for name in "${names[@]}"; do
	[ -x "$OUT/$name" ] || die "no $OUT/$name: make -C selftests/wire"
done

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
runs=()
for variant in $VARIANTS; do
	for name in "${names[@]}"; do
		! has_variant "$name" "$variant" || runs+=("$name.$variant")
	done
done

# All of them, so many at a time; the first to begin is the first to be reported.
run_all() {
	local run

	for run in "${runs[@]}"; do
		while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
			wait -n || true
		done
		run_one "${run%.*}" "${run#*.}" &
	done
	wait
}

# Not while a test waits for it: see read_beforehand() in scripts/vm-init.
(cd "$OUT" && programs | xargs cat) >/dev/null
echo "TAP version 13"
run_all &
count=0 bad=0
for run in "${runs[@]}"; do
	file=$results/$run
	until [ -s "$file.status" ]; do
		sleep 0.05
	done
	report "${run%.*}" "$count" "$file" | tee "$file.tap"
	count=$((count + $(grep -Ec '^(not )?ok ' "$file" || true)))
	# A program that died without a result line is a failure too.
	status=$(cat "$file.status")
	if [ "$status" -ne 0 ]; then
		bad=$((bad + 1))
		echo "# ${run%.*} (${run#*.}) ended with status $status"
	fi
done
wait
echo "1..$count"
failed=$(cat "$results"/*.tap | grep -c '^not ok' || true)
skipped=$(cat "$results"/*.tap | grep -c '^ok .*# SKIP' || true)
echo "# wire: $((count - failed - skipped)) passed, $failed failed, $skipped skipped of $count"
if [ "$bad" -gt 0 ] || [ "$failed" -gt 0 ] || [ "$count" -eq 0 ]; then
	echo "# wire: FAIL"
	exit 1
fi
echo "# wire: PASS"
