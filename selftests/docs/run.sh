#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What README.md claims, against the sources: each test it names is there, so is each RFC,
# file and make target; and no RFC that the module cites is left out. Each counter has a sentence
# in module/COUNTERS.md. On the host. Prints TAP.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

n=0 failed=0
result() { # STATUS NAME [WHY]
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "# $3"
		echo "not ok $n - $2"
	fi
}

all_there() { # MISSING NAME
	local status=0
	[ -z "$1" ] || status=1
	result $status "$2" "missing:$1"
}

# The names of the tests in AREA/PROGRAM, a line each.
tests_of() { # AREA/PROGRAM
	grep -oE '^(CASE|CASE_TIMEOUT|TEST|TEST_F|TEST_F_TIMEOUT)\([A-Za-z0-9_, ]+' "selftests/$1.c" |
		sed -E 's/^(CASE|CASE_TIMEOUT|TEST)\(([a-z0-9_]+).*/\2/; s/^TEST_F(_TIMEOUT)?\([A-Za-z0-9_]+, *([A-Za-z0-9_]+).*/\2/'
}

has_test() { # AREA/PROGRAM.PATTERN
	local name

	[ -e "selftests/${1%%.*}.c" ] || return 1
	while read -r name; do
		# shellcheck disable=SC2254
		case $name in ${1#*.}) return 0 ;; esac
	done < <(tests_of "${1%%.*}")
	return 1
}

# Rows of the table, as "RFCS|WHAT|TESTS".
rows() {
	awk -F ' *[|] *' '
	/^## / { inside = $0 == "## What it speaks" }
	inside && /^\|/ && $2 !~ /^(RFC|-+)$/ { print $2 "|" $3 "|" $4 }' README.md
}

said=" "
while IFS='|' read -r rfcs what tests; do
	why=""
	for rfc in $(grep -oE '[0-9]+' <<<"$rfcs" || true); do
		said+="$rfc "
		grep -rqiE "rfc ?$rfc\b" module selftests/wire || why+=" no source cites rfc$rfc;"
	done
	found=0
	for name in $(grep -oE '`[^`]+`' <<<"$tests" | tr -d '`'); do
		found=1
		has_test "$name" || why+=" no test $name;"
	done
	[ $found = 1 ] || why+=" names no test;"
	status=0
	[ -z "$why" ] || status=1
	result $status "RFC $rfcs: $what" "$why"
done < <(rows)

why=""
for rfc in $(grep -rhoiE '\brfc ?[0-9]+' module | grep -oE '[0-9]+' | sort -un); do
	[[ $said = *" $rfc "* ]] || why+=" $rfc"
done
all_there "$why" "every RFC that the module cites is in the table"

why=""
for file in $(grep -oE '`(scripts|selftests|module|uapi)/[A-Za-z0-9_./-]+' README.md SECURITY.md | sed 's/.*`//' | sort -u); do
	[ -e "$file" ] || why+=" $file"
done
all_there "$why" "the files that the texts name are there"

why=""
for target in $(grep -ohE '(`|^    )make [a-z-]+' README.md SECURITY.md | sed 's/.*make //' | sort -u); do
	grep -qE "^$target:" Makefile || why+=" $target"
done
all_there "$why" "the make targets that the texts name are there"

# Names in the module's tables of counters, and in the first column of the document's.
counters() { grep -oE 'ITEM\("[A-Za-z0-9]+"' module/mib.c | cut -d '"' -f 2 | sort; }
# shellcheck disable=SC2016 # backquotes of Markdown
explained() { sed -nE 's/^\| `([A-Za-z0-9]+)` \| .{10,} \|$/\1/p' module/COUNTERS.md | sort; }

[ "$(counters | wc -l)" -gt 100 ] || { echo "Bail out! module/mib.c has no counters?"; exit 1; }
all_there "$(comm -23 <(counters) <(explained) | sed 's/^/ /' | tr -d '\n')" "every counter has its sentence"
all_there "$(comm -13 <(counters) <(explained) | sed 's/^/ /' | tr -d '\n')" "no sentence for what is no counter"

echo "1..$n"
echo "# docs: $((n - failed)) passed, $failed failed"
[ $failed = 0 ]
