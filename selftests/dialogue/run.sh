#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Random dialogues with kernel TCP and with AF_TCPX, and where they part. As root, in a guest
# with virtual time ("make dialogues" starts one): there kernel TCP says the same twice, but
# for the odd timer, and what it does not say twice is left out. No test: what differs is to
# be looked at, and some of it is meant (NOTES.md).
set -euo pipefail

OUT=${OUT:-${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/dialogue}

usage() {
	cat <<-END
	Usage: run.sh [-6] [-c COUNT] [-s SEED] [-n SHOWN] [KIND...]

	  KIND      talk (data and ACKs), ends (handshakes and closes), accecn (marks; from
	            7.3 on); without, all that the kernel's TCP can do
	  -6        over IPv6
	  -c COUNT  dialogues of a kind (100)
	  -s SEED   the first one's number (1)
	  -n SHOWN  show how so many of those that differ go (5)
	END
}

die() { echo "dialogues: $*" >&2; exit 2; }

number() {
	[[ $2 =~ ^[0-9]{1,9}$ ]] || die "$1 wants a number, not '$2'"
}

count=100 seed=1 shown=5 family=''
while getopts 6c:s:n:h opt; do
	case $opt in
	6) family=6 ;;
	c) number -c "$OPTARG"; count=$OPTARG ;;
	s) number -s "$OPTARG"; seed=$OPTARG ;;
	n) number -n "$OPTARG"; shown=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
for kind; do
	case $kind in talk|ends|accecn) ;; *) die "there is no kind '$kind'" ;; esac
done
[ "$(id -u)" -eq 0 ] || die "needs root, for network namespaces and tun"
[ -d /sys/module/tcpx ] || die "the module is not loaded"
[ -x "$OUT/dialogue" ] || die "no $OUT/dialogue: make -C selftests/dialogue"
modprobe tun 2>/dev/null || true
if [ $# -eq 0 ]; then
	set -- talk ends
	[ ! -e /proc/sys/net/ipv4/tcp_ecn_option ] || set -- "$@" accecn
fi

said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT

# One stack's part of the dialogues.
hold() {
	TCPX_KIND=$kind TCPX_SEED=$seed TCPX_COUNT=$count TCPX_TRACE=$said/$2 \
		"$OUT/dialogue" -t dialogues -v "$1$family" >"$said/log" 2>&1 &&
		grep -q '^=== ' "$said/$2" && return 0
	cat "$said/log"
	die "no dialogues of kind $kind with $1$family"
}

# Dialogue by dialogue: the kernel's, once more the kernel's, ours.
compare() {
	awk -v shown="$shown" -v kind="$kind" '
	FNR == 1 { file++ }
	/^=== / { at = $2; if (file == 1) order[++total] = at; n[file, at] = 0; next }
	{ line[file, at, ++n[file, at]] = $0 }

	# The first line in which two of them differ, or 0.
	function parting(a, b, at,	i, most) {
		most = n[a, at] > n[b, at] ? n[a, at] : n[b, at]
		for (i = 1; i <= most; i++)
			if (line[a, at, i] != line[b, at, i])
				return i
		return 0
	}
	function tell(who, file, at, from,	i) {
		for (i = from; i < from + 3; i++)
			if (i <= n[file, at])
				printf "  %-10s %s\n", who, line[file, at, i]
			else if (i == from)
				printf "  %-10s (no more)\n", who
	}
	END {
		for (k = 1; k <= total; k++) {
			at = order[k]
			if (parting(1, 2, at)) {
				restless++
				continue
			}
			where = parting(1, 3, at)
			if (!where)
				continue
			differ++
			if (differ > shown)
				continue
			printf "%s %d:\n", kind, at
			for (i = where > 14 ? where - 14 : 1; i < where; i++)
				printf "  %-10s %s\n", "", line[1, at, i]
			tell("kernel TCP", 1, at, where)
			tell("AF_TCPX", 3, at, where)
		}
		printf "%s: %d dialogues, %d differ", kind, total, differ
		if (restless)
			printf "; %d more in which kernel TCP differs from itself", restless
		print ""
	}' "$said/kernel" "$said/again" "$said/tcpx"
}

for kind; do
	hold inet kernel
	hold inet again
	hold tcpx tcpx
	compare
done
