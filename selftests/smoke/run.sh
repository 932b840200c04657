#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Is the module alive on this kernel? As root in the VM, which has loaded it: one
# exchange over AF_TCPX, unload, the kernel's own TCP still there, load, all again.
# Prints TAP. Built by "make -C selftests/examples".
set -eu

examples=${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/examples
module=${TCPX_MODULE:-/run/vm/tcpx.ko}
port=7777 n=0 failed=0
bound=$((30 * ${TCPX_SLOW:-1}))	# seconds that an exchange may take
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

AF_INET=2 AF_TCPX=19

result() { # STATUS NAME: with what $tmp/log has when it is bad
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$tmp/log"
		failed=$((failed + 1))
	fi
}

try() { # NAME CMD...
	local name=$1 status=0

	shift
	"$@" >"$tmp/log" 2>&1 || status=$?
	result $status "$name"
}

listening() { # TABLE: is there a listener at $port?
	grep -qi ": [0-9A-F]*:$(printf %04X $port) [0-9A-F]*:0000 0A " "/proc/net/$1" 2>/dev/null
}

# Its listener may be up only a moment, but it is up until the client has come.
exchange() { # SERVER-FAMILY CLIENT-FAMILY
	local table=tcp server end=$((SECONDS + bound)) said

	[ "$1" = $AF_INET ] || table=tcpx
	"$examples/hello_server" $port "$1" >"$tmp/server" 2>&1 & server=$!
	until listening $table; do
		kill -0 $server 2>/dev/null || { cat "$tmp/server"; return 1; }
		[ $SECONDS -lt $end ] || { echo "no listener in /proc/net/$table"; kill $server; return 1; }
	done
	said=$(timeout $bound "$examples/hello_client" 127.0.0.1 $port "$2") || { kill $server; return 1; }
	wait $server || { cat "$tmp/server"; return 1; }
	echo "$said"
	cat "$tmp/server"
	[ "$said" = 'client: the server answers "hi"' ] && grep -q '"hello"$' "$tmp/server"
}

gone() {
	! grep -q '^tcpx ' /proc/modules && [ ! -e /proc/net/tcpx ] && ! ls -d /sys/kernel/slab/tcpx*
}

# TIME_WAIT and the like may hold the module for a minute.
unload() {
	local end=$((SECONDS + 100))

	until rmmod tcpx; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.2 <>"$tmp/never" || true
	done
}
mkfifo "$tmp/never"

# Kernels with BTF refuse a module whose kfuncs have the names of functions of ours.
kernel_algorithms() {
	local name

	for name in tcp_bbr tcp_dctcp; do
		[ ! -e "/sys/module/$name" ] || continue	# built in
		case $(modinfo -F filename "$name" 2>/dev/null) in *.ko*) ;; *) continue ;; esac
		modprobe "$name" && grep -qw "${name#tcp_}" /proc/sys/net/ipv4/tcp_available_congestion_control &&
			modprobe -r "$name" || return 1
	done
}

refused() { # no such family
	! "$examples/hello_client" 127.0.0.1 $port $AF_TCPX 2>"$tmp/err" && grep -q '^socket:' "$tmp/err"
}

[ -x "$examples/hello_server" ] || { echo "Bail out! no $examples/hello_server: make -C selftests/examples"; exit 2; }
[ -e "$module" ] || { echo "Bail out! no module file $module"; exit 2; }
echo "TAP version 13"
for round in 1 2; do
	try "round $round: the module is loaded" grep '^tcpx .* Live' /proc/modules
	try "round $round: tcpx to tcpx" exchange $AF_TCPX $AF_TCPX
	try "round $round: kernel to tcpx" exchange $AF_TCPX $AF_INET
	try "round $round: tcpx to kernel" exchange $AF_INET $AF_TCPX
	try "round $round: kernel to kernel" exchange $AF_INET $AF_INET
	try "round $round: kernel TCP's congestion controls" kernel_algorithms
	try "round $round: rmmod" unload
	try "round $round: nothing is left" gone
	try "round $round: the family is gone" refused
	try "round $round: kernel TCP without the module" exchange $AF_INET $AF_INET
	[ $round = 2 ] || try "insmod again" insmod "$module"
done
echo "1..$n"
[ $failed = 0 ]
