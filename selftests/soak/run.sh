#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# For a time, one thing after the other in random order and one boot: traffic that is
# disturbed and verified, mutated segments, loading and unloading under traffic. What
# one leaves behind (memory, references, timers) meets the next. As root in the VM.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/../stress/lib.sh"

usage() {
	cat <<-END
	Usage: run.sh [MINUTES [SEED]]

	Prints TAP, a line for each thing done: as many as there is time for (default
	2 minutes), one of each kind first. With the SEED of an earlier run the order is
	the same again.
	END
}

case ${1:-} in -*) usage; exit 2 ;; esac
minutes=${1:-2}
seed=${2:-$RANDOM}
RANDOM=$seed

disturb() { # CASE
	STRESS_SECONDS=2 "$here/../stress/run.sh" "$1"
}

fuzz() { # SEED
	"$here/../fuzz/run.sh" $((6000 / slow)) "$1"
}

reload() {
	"$here/../reload/run.sh" 5
}

begin
trap 'rm -rf "$tmp"' EXIT
echo "# seed $seed"
mapfile -t cases < <("$here/../stress/run.sh" -l)
kinds=(fuzz reload stress stress stress)
end=$((SECONDS + minutes * 60))
while [ $n -lt 3 ] || [ $SECONDS -lt $end ]; do
	at=$RANDOM
	case ${kinds[n < 3 ? n : RANDOM % 5]} in
	fuzz) try "fuzz with seed $at" fuzz "$at" ;;
	reload) try reload reload ;;
	stress) at=${cases[at % ${#cases[@]}]}; try "stress: $at" disturb "$at" ;;
	esac
done
grep -E '^Slab|^SUnreclaim' /proc/meminfo | sed 's/^/# /'
finish
