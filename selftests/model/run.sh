#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Random sequences of socket calls, made with kernel TCP and with AF_TCPX and compared
# (model.c), and threads at the same sockets (threads.c). As root in the VM.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/../stress/lib.sh"
model=$TCPX_CACHE/selftests/model/model

usage() {
	cat <<-END
	Usage: run.sh [-k] [-s SEED] [-t SECONDS] [PART...]

	Prints TAP. The PARTs, all if none is named:

	  ipv4, ipv6         sequences, compared
	  threads, threads6  four threads, only what always holds
	  lies               a stack that lies is found out

	  -k  kernel TCP both times, which proves the test; needs no module
	  -s  seed of the first sequence; another one each time, unless given
	  -t  seconds for each part (default \$MODEL_SECONDS or 7)
	END
}

seed=$((RANDOM * 1000)) seconds=${MODEL_SECONDS:-7} kernel=()
while getopts ks:t:h opt; do
	case $opt in
	k) kernel=(-k) ;;
	s) seed=$OPTARG ;;
	t) seconds=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- ipv4 ipv6 threads threads6 lies
sequences=(-n 1000000 -s "$seed" -t $((seconds * (slow + 1) / 2)) "${kernel[@]}")

part_ipv4() { "$model" "${sequences[@]}"; }
part_ipv6() { "$model" -6 "${sequences[@]}"; }
part_threads() { "$model" -T "${sequences[@]}"; }
part_threads6() { "$model" -T -6 "${sequences[@]}"; }

# There are some in these.
part_lies() {
	! "$model" -l -n 200 -s 1 > "$tmp/lies" || { cat "$tmp/lies"; return 1; }
	grep -q 'they differ' "$tmp/lies"
}

begin
[ -x "$model" ] || die "no $model: make -C selftests/model"
trap 'rm -rf "$tmp"' EXIT
modprobe -q dummy 2> /dev/null || true
for part; do
	[ "$(type -t "part_$part")" = function ] || { usage >&2; exit 2; }
	try "model: $part" "part_$part"
	grep '^# seed' "$tmp/log" || true
done
finish
