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

[ $# -gt 0 ] || set -- *.c segments
for prog; do
	prog=${prog%.c}
	[ "$prog" != segments ] || continue
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

# The corpus and some inputs more, in the words of the harness. What libFuzzer says if it
# finds something: the input and where.
segments()
{
	echo "1..1"
	if [ ! -e "${TCPX_CACHE:-$HOME/.cache/tcpx}/kernels/6.1/headers" ]; then
		echo "ok 1 corpus # SKIP no headers of 6.1: scripts/kernel 6.1"
	elif ! make -s -C segments OUT="$out/segments" all >"$tmp/log" 2>&1; then
		sed 's/^/# /' "$tmp/log"
		echo "not ok 1 builds"
	elif ! make -s -C segments OUT="$out/segments" check >"$tmp/log" 2>&1; then
		grep -v -E '^(#|INFO)' "$tmp/log" | sed 's/^/# /'
		echo "not ok 1 corpus"
	else
		sed -n 's/^#\([0-9]*.DONE.*\)/# \1/p' "$tmp/log"
		echo "ok 1 corpus"
	fi
}

echo "TAP version 13"
: >"$tmp/all"
for prog; do
	prog=${prog%.c}
	rc=0
	if [ "$prog" = segments ]; then
		segments >"$tmp/out"
	else
		"$out/$prog" >"$tmp/out" 2>&1 || rc=$?
	fi
	total=$(grep -c -E '^(not )?ok ' "$tmp/all" || :)
	renumber "$prog" "$total" "$rc" <"$tmp/out" | tee -a "$tmp/all"
done
total=$(grep -c -E '^(not )?ok ' "$tmp/all" || :)
failed=$(grep -c '^not ok ' "$tmp/all" || :)
echo "1..$total"
echo "# unit: $((total - failed)) passed, $failed failed"
[ "$failed" = 0 ]
