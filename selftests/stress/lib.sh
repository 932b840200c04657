# SPDX-License-Identifier: GPL-2.0
# Sourced by run.sh of stress and reload: two namespaces joined by a veth
# pair, traffic between them in the background, results as TAP.
# shellcheck shell=bash disable=SC2034

export TCPX_CACHE="${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}"
mix=$TCPX_CACHE/selftests/stress/mix
slow=${TCPX_SLOW:-1}	# how many times longer than usual things take on this kernel
server=10.78.0.2
n=0 failed=0 skipped=0
mix_pid=''

die() { echo "Bail out! $*"; exit 1; }

### Time, without starting a program, which is what takes long here

pause() { # SECONDS
	read -r -t "$1" <> "$tmp/never" || true
}

# until_true SECONDS CMD...: poll CMD
until_true() {
	local end=$((SECONDS + $1 * slow))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		pause 0.1
	done
}

### Namespaces

make_namespaces() {
	ip netns add stress-a
	ip netns add stress-b
	ip -n stress-a link add va type veth peer name vb netns stress-b
	ip -n stress-a addr add 10.78.0.1/24 dev va
	ip -n stress-b addr add $server/24 dev vb
	ip -n stress-a link set lo up
	ip -n stress-b link set lo up
	ip -n stress-a link set va up
	ip -n stress-b link set vb up
}

delete_namespaces() {
	local ns

	for ns in stress-a stress-b; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
}

in_a() { nsenter --net=/run/netns/stress-a "$@"; }
in_b() { nsenter --net=/run/netns/stress-b "$@"; }

### Traffic

# start_mix ARGS...: from stress-a to stress-b; returns when it goes on
start_mix() {
	"$mix" -A stress-a -B stress-b "$@" $server 7000 > "$tmp/mix" 2>&1 &
	mix_pid=$!
	until_true 20 grep -q begins "$tmp/mix" || { cat "$tmp/mix"; return 1; }
}

# end_mix: it has to end by itself, content
end_mix() {
	local status=0 pid=$mix_pid

	mix_pid=''
	wait "$pid" || status=$?
	cat "$tmp/mix"
	return $status
}

kill_mix() {
	[ -n "$mix_pid" ] || return 0
	kill -9 "$mix_pid" 2> /dev/null || true
	wait "$mix_pid" 2> /dev/null || true
	mix_pid=''
}

mix_runs() { kill -0 "$mix_pid" 2> /dev/null; }

users() { [ ! -e /proc/modules ] || awk '$1 == "tcpx" { print $3 }' /proc/modules; }
users_are() { [ "$(users)" = "$1" ]; }

### Results

# result NAME STATUS: a line of TAP, with the log if it failed
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
		[ ! -s "$tmp/log" ] || grep '^mix: [0-9]' "$tmp/log" | sed 's/^/# /' || true
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $1"
	sed 's/^/# /' "$tmp/log"
}

skip() { # NAME REASON
	n=$((n + 1)) skipped=$((skipped + 1))
	echo "ok $n - $1 # SKIP $2"
}

# try NAME CMD...: in a subshell with -e, whose traffic ends with it
try() {
	local name=$1 status

	shift
	set +e
	(set -e; trap kill_mix EXIT; "$@") > "$tmp/log" 2>&1
	status=$?
	set -e
	result "$name" $status
}

finish() {
	echo "1..$n"
	echo "# $((n - failed - skipped)) passed, $failed failed, $skipped skipped, $SECONDS s"
	[ $failed = 0 ]
}

begin() {
	[ "$(id -u)" = 0 ] || die "must be root"
	[ -x "$mix" ] || die "no $mix: make -C selftests/stress"
	tmp=$(mktemp -d)
	mkfifo "$tmp/never"
	echo "TAP version 13"
}
