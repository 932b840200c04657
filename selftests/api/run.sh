#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run the API tests that "make" has built, as root, and print one TAP stream.
#
#   run.sh [PROGRAM...]	all of them by default
#
#   OUT=DIR		where they are built
#   TCPX_NEED=1		fail, instead of skipping, when the module is absent
#   TCPX_JOBS=N		how many at once (default: the number of CPUs)
#   TCPX_VARIANTS="PATTERN..."	those variants only, such as "*6* *mapped"
set -eu

cd "$(dirname "$0")"
out=${OUT:-${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/api}
jobs=${TCPX_JOBS:-$(nproc)}
tmp=$(mktemp -d)
stamps=
trap 'rm -rf "$tmp"; [ -z "$stamps" ] || kill "$stamps"' EXIT
# The first socket with time stamps patches the kernel's receive path, the last one patches it
# back, and QEMU's other processor may still run a breakpoint of that which is gone (an
# oops "int3" in netif_rx_internal). One that has them all the time leaves it in peace.
python3 -c 'import signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 29, 1)	# SO_TIMESTAMP
signal.pause()' &
stamps=$!

if [ "$(id -u)" != 0 ]; then
	echo "run.sh: each test makes a network namespace: run me as root" >&2
	exit 2
fi
if [ $# = 0 ]; then
	for prog in *.c; do
		grep -q '^TEST_HARNESS_MAIN' "$prog" && set -- "$@" "${prog%.c}"
	done
fi
for prog; do
	if [ ! -x "$out/$prog" ]; then
		echo "run.sh: $out/$prog is missing, run make first" >&2
		exit 2
	fi
done
modprobe -q tcpx 2>/dev/null || :
if [ "${TCPX_NEED:-0}" = 1 ] && [ ! -d /sys/module/tcpx ]; then
	echo "Bail out! the tcpx module is not loaded"
	exit 1
fi
# What single tests need; they skip if it is not to be had.
for mod in veth vrf tun nf_tables nf_conntrack xfrm_user esp4; do
	modprobe -q "$mod" 2>/dev/null || :
done

# Runs a program unless another worker has taken it.
run_prog()
{
	mkdir "$tmp/$1.taken" 2>/dev/null || return 0
	rc=0
	start=$(date +%s)
	"$out/$1" >"$tmp/$1.out" 2>&1 || rc=$?
	echo "# $1 took $(($(date +%s) - start)) s" >>"$tmp/$1.out"
	echo "$rc" >"$tmp/$1.rc"
}

# Runs one program after the other, those that take longest first.
worker()
{
	for prog in calls ipsec connect view sockopt "$@"; do
		case " $* " in *" $prog "*) ;; *) continue ;; esac
		run_prog "$prog"
		echo "$prog" >&3
	done
}

# What cgroup attaches and enables changes what every socket of the kernel does, SO_RESERVE_MEM
# for one, and has the kernel patch its code, as the BPF of lsm does, which QEMU's emulated
# processors take for int3 when they run that code meanwhile: nothing runs beside these. Nor beside
# close, which lowers the host's tcp_max_orphans.
for prog in cgroup lsm close; do
	case " $* " in *" $prog "*) run_prog "$prog" ;; esac
done

# Each program says here that it is through.
mkfifo "$tmp/through"
exec 3<>"$tmp/through"
pids=
while [ "$jobs" -gt 0 ]; do
	worker "$@" &
	pids="$pids $!"
	jobs=$((jobs - 1))
done

# One stream out of many: numbers run on, names begin with the program's, and
# a skipped test has its name, which the harness leaves out.
renumber()
{
	awk -v prog="$1" -v n="$2" -v rc="$3" '
	/^TAP version/ { next }
	/^1\.\.[0-9]+/ { sub(/^1\.\./, ""); plan = $1; next }
	/^# +RUN / { next }
	/^# +(OK|FAIL) / { name = $3; next }
	/^# +SKIP / || /^# Totals/ || /^# Starting/ || /^# (PASSED|FAILED)/ { next }
	/^(not )?ok [0-9]+/ {
		seen++
		verdict = $1 == "not" ? "not ok" : "ok"
		reason = ""
		if (match($0, /# SKIP.*/))
			reason = " " substr($0, RSTART)
		print verdict, ++n, prog "." name reason
		next
	}
	{ print ($0 ~ /^#/ ? $0 : "# " $0) }
	END {
		if (seen != plan || (rc && rc != 1))
			print "not ok", ++n, prog ".ran_to_its_end (status " rc ")"
	}' "$tmp/$1.out"
}

echo "TAP version 13"
total=0
for prog; do
	# Print each as soon as it and those before it are through.
	while [ ! -s "$tmp/$prog.rc" ]; do
		read -r _ <&3
	done
	renumber "$prog" "$total" "$(cat "$tmp/$prog.rc")" >"$tmp/tap"
	cat "$tmp/tap"
	cat "$tmp/tap" >>"$tmp/all"
	total=$(grep -c -E '^(not )?ok ' "$tmp/all" || :)
done
# shellcheck disable=SC2086
wait $pids
echo "1..$total"

failed=$(grep -c '^not ok ' "$tmp/all" || :)
skipped=$(grep -c '^ok .*# SKIP' "$tmp/all" || :)
echo "# api: $((total - failed - skipped)) passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
