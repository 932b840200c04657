#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests the tools that follow a connection: each runs while hello and hi go over
# loopback, and must have told of what is in the table below. The first cases
# draw a saved trace and need no module; the others run as root in the guest.
set -eu

here=$(dirname "$(readlink -f "$0")")
scripts=$here/../../scripts
export TCPX_CACHE="${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}"
examples=$TCPX_CACHE/selftests/examples
make -s -C "$here/../examples" OUT="$examples"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0 skipped=0

# result NAME STATUS [FILE]: a line of TAP, with FILE if it failed
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		failed=$((failed + 1))
		echo "not ok $n - $1"
		[ -z "${3:-}" ] || sed 's/^/# /' "$3"
	fi
}

skip() {
	n=$((n + 1)) skipped=$((skipped + 1))
	echo "ok $n - $1 # SKIP $2"
}

# in_order FILE PATTERNS: each line of PATTERNS, an extended regular expression,
# matches a line of FILE after the one that the line before matched
in_order() {
	awk 'NR == FNR { want[++count] = $0; next }
	     next_one < count && $0 ~ want[next_one + 1] { next_one++ }
	     END { if (next_one < count) { print "missing: " want[next_one + 1]; exit 1 } }' \
		"$2" "$1"
}

# each_somewhere FILE PATTERNS: the same in any order
each_somewhere() {
	local status=0
	while read -r want; do
		grep -qE -- "$want" "$1" || { echo "missing: $want"; status=1; }
	done < "$2"
	return $status
}

# What each tool must tell; bpftrace's lines of two processors may change places
cat > "$tmp/ladder.want" <<'END'
7777 CLOSE -> LISTEN
ms .*:7777
SYN_SENT
-- SYN seq 0 win [1-9][0-9]* -+>.*us$
<-+ SYN,ACK seq 0 ack 1 win [1-9].*us$
ESTABLISHED \|
seq 1:6 \(5\) ack 1 win .*->
<-.* seq 1:3 \(2\) ack 6 win
FIN,ACK|ACK,FIN|FIN,PSH,ACK
END
cat > "$tmp/ftrace.want" <<'END'
__sys_socket\(\) \{
tcpx_
__sys_bind\(\) \{
tcpx_
__sys_listen\(\) \{
tcpx_listen
LISTEN
__sys_accept4\(\) \{
tcpx_
END
cat > "$tmp/ftrace-client.want" <<'END'
__sys_connect\(\) \{
tcpx_v4_connect
tcpx_send_segment: .*flags=0x02
__sys_sendto\(\) \{
tcpx_sendmsg
tcpx_send_segment: .*len=5
END
cat > "$tmp/follow.want" <<'END'
call +__sys_socket -> tcpx_
call +__sys_bind -> tcpx_
call +__sys_listen -> tcpx_
state .*CLOSE -> LISTEN
call +__sys_accept4 -> tcpx_proto_accept
call +__sys_connect -> tcpx_v4_connect
out .* SYN seq .* len 0
queue +half-open queue
queue +accept queue
call +__sys_sendto -> tcpx_sendmsg
queue +write queue
out .* len 5
END

pair() {
	cat > "$tmp/pair" <<-END
	set -e
	$examples/hello_server 7777 & server=\$!
	until grep -q ':1E61 00000000:0000 0A' /proc/net/tcpx; do kill -0 \$server; done
	$examples/hello_client 127.0.0.1 7777
	wait \$server
	END
}

# tool NAME CHECK WANT-LISTS COMMAND...: what COMMAND prints must match each list
tool() {
	local name=$1 check=$2 lists=$3 status=0
	shift 3
	timeout $((240 * ${TCPX_SLOW:-1})) "$@" > "$tmp/out" 2>&1 < /dev/null || status=$?
	{
		cat "$tmp/out"
		echo "exit status $status"
		for list in $lists; do
			$check "$tmp/out" "$tmp/$list.want" || status=1
		done
	} > "$tmp/report"
	result "$name follows a connection" $status "$tmp/report"
}

echo "TAP version 13"
for sample in "$here"/*.trace; do
	status=0
	"$scripts/tcpx-ladder" -r "$sample" > "$tmp/out" 2>&1 || status=1
	sed -n 's/^#|//p' "$sample" | diff -u - "$tmp/out" > "$tmp/diff" || status=1
	result "tcpx-ladder draws $(basename "$sample")" $status "$tmp/diff"
done

if [ -d /sys/module/tcpx ]; then
	pair
	tool tcpx-ladder in_order ladder "$scripts/tcpx-ladder" -c "bash $tmp/pair" 7777
	tool tcpx-ftrace in_order "ftrace ftrace-client" "$scripts/tcpx-ftrace" bash "$tmp/pair"
	if command -v bpftrace > /dev/null; then
		tool tcpx-follow.bt each_somewhere follow \
			bpftrace -c "/bin/bash $tmp/pair" "$scripts/tcpx-follow.bt" 7777
	else
		skip tcpx-follow.bt "bpftrace not installed"
	fi
else
	for name in tcpx-ladder tcpx-ftrace tcpx-follow.bt; do
		skip "$name" "module tcpx is not loaded"
	done
fi
echo "1..$n"
echo "# tracing: $((n - failed - skipped)) passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
