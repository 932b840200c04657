#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run the unit tests that "make" has built and print one TAP stream.
#
#   run.sh [PROGRAM...]	all of them by default; OUT=DIR is where they are
set -eu

cd "$(dirname "$0")"
out=${OUT:-${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/unit}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ $# -gt 0 ] || set -- *.c
for prog; do
	prog=${prog%.c}
	if [ ! -x "$out/$prog" ]; then
		echo "run.sh: $out/$prog is missing, run make first" >&2
		exit 2
	fi
done

# The harness numbers each program's tests from 1: one plan out of many.
renumber()
{
	awk -v prog="$1" -v n="$2" -v rc="$3" '
	/^1\.\.[0-9]+/ { plan = substr($0, 4) + 0; next }
	/^(not )?ok [0-9]+/ {
		seen++
		verdict = $1 == "not" ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+ (- )?(global\.)?/, "")
		print verdict, ++n, prog "." $0
		next
	}
	/^TAP version/ || /^# +(RUN|OK|FAIL) / || /^# (Totals|Starting|PASSED|FAILED)/ { next }
	{ print ($0 ~ /^#/ ? $0 : "# " $0) }
	END {
		if (!plan || seen != plan || rc > 1)
			print "not ok", ++n, prog ".ran_to_its_end (status " rc ")"
	}'
}

echo "TAP version 13"
: >"$tmp/all"
for prog; do
	prog=${prog%.c}
	rc=0
	"$out/$prog" >"$tmp/out" 2>&1 || rc=$?
	total=$(grep -c -E '^(not )?ok ' "$tmp/all" || :)
	renumber "$prog" "$total" "$rc" <"$tmp/out" | tee -a "$tmp/all"
done
total=$(grep -c -E '^(not )?ok ' "$tmp/all" || :)
failed=$(grep -c '^not ok ' "$tmp/all" || :)
echo "1..$total"
echo "# unit: $((total - failed)) passed, $failed failed"
[ "$failed" = 0 ]
