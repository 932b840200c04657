#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Disturb traffic and see that data stay intact: nothing is lost, doubled or
# changed, and a connection that ends early ends with an error. As root in the VM.
set -eu

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/stress/lib.sh
. "$here/lib.sh"

# What is tried: a function below that disturbs while mix runs, mix's arguments,
# and the errors that connections may end with. Without errors none may. "reset" stands
# for all that a peer's RST may look like: a request whose SYN-ACK can't be sent for want
# of a route is dropped (as by kernel TCP), and a peer that had its ACK lost learns it so.
cases() {
	cat <<-END
	# case			mix			errors
	calm			-n:8			-
	loss			-n:8			-
	link-down		-n:8			ENETUNREACH,reset
	route-gone		-n:8			ENETUNREACH,reset
	address-gone		-n:8			ENETUNREACH,reset
	blackhole		-n:8			EHOSTUNREACH,ENETUNREACH
	mtu			-n:8			-
	resets			-n:8			reset,ECONNREFUSED
	signals			-n:8:-i			-
	cgroup-high		-n:32			ENOMEM,ENOBUFS
	tcp-mem			-n:32			ENOMEM,ENOBUFS,reset,ETIMEDOUT
	tiny-buffers		-n:16			-
	no-ports		-n:32			EADDRNOTAVAIL
	no-files		-n:32			EMFILE
	no-time-wait		-n:16			-
	cookies-only		-n:16			-
	killed			-n:32			-
	END
}

usage() {
	cat <<-END
	Usage: run.sh [-a|-k] [-l] [-s SECONDS] [-S SEED] [PATTERN...]

	Runs the cases whose names ("loss tcpx>tcpx") match one of the shell PATTERNs,
	all without. Prints TAP; fails if any case fails.

	  -a  with kernel TCP at either end too
	  -k  kernel TCP at both ends: tests the tests, needs no module
	  -l  list the cases
	  -s  seconds of traffic per case (default \$STRESS_SECONDS or 4), times TCPX_SLOW/4
	  -S  seed of the sequences of calls ("model"); another one each time, unless given
	END
}

pairs=("tcpx tcpx") list='' kernel='' seed=$((RANDOM * 1000)) seconds=${STRESS_SECONDS:-4}
while getopts akls:S:h opt; do
	case $opt in
	a) pairs+=("tcpx kernel" "kernel tcpx") ;;
	k) pairs=("kernel kernel") kernel=-k ;;
	l) list=1 ;;
	s) seconds=$OPTARG ;;
	S) seed=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- '*'
patterns=("$@")

### Disturbances. Each begins when traffic goes on, and undoes what it does.

disturb_calm() { :; }

set_qdiscs() { # netem ARGS..., or nothing for none
	local end

	for end in a:va b:vb; do
		tc -n stress-${end%:*} qdisc del dev ${end#*:} root 2> /dev/null || true
		[ $# = 0 ] || tc -n stress-${end%:*} qdisc add dev ${end#*:} root netem "$@"
	done
}

disturb_loss() {
	set_qdiscs limit 1000 delay 2ms 1ms loss 2% duplicate 2% reorder 20% 50% corrupt 1%
	while mix_runs; do pause 0.5; done
	set_qdiscs
}

disturb_link-down() {
	for _ in 1 2; do
		ip -n stress-b link set vb down
		pause 0.7
		ip -n stress-b link set vb up
		ip -n stress-a link set va down
		pause 0.3
		ip -n stress-a link set va up
		pause 0.5
	done
}

disturb_route-gone() {
	for _ in 1 2; do
		ip -n stress-a route del 10.78.0.0/24
		pause 0.5
		ip -n stress-a route add 10.78.0.0/24 dev va src 10.78.0.1
		ip -n stress-b route del 10.78.0.0/24
		pause 0.5
		ip -n stress-b route add 10.78.0.0/24 dev vb src $server
	done
}

disturb_address-gone() {
	for _ in 1 2; do
		ip -n stress-a addr del 10.78.0.1/24 dev va
		pause 0.5
		ip -n stress-a addr add 10.78.0.1/24 dev va
		ip -n stress-b addr del $server/24 dev vb
		pause 0.5
		ip -n stress-b addr add $server/24 dev vb
	done
}

# An unreachable route answers each segment with an error, at once.
disturb_blackhole() {
	for _ in 1 2 3; do
		ip -n stress-a route add unreachable $server/32
		pause 0.4
		ip -n stress-a route del unreachable $server/32
		pause 0.4
	done
}

disturb_mtu() {
	local mtu

	for mtu in 576 9000 1500 600 1280 1500; do
		ip -n stress-a link set va mtu $mtu
		pause 0.3
		ip -n stress-b link set vb mtu $mtu
		pause 0.3
	done
}

# The peer's own resets get through: for one that has nothing to send they are the only end.
disturb_resets() {
	in_b nft -f - <<-END
	table ip stress {
		chain in {
			type filter hook input priority 0
			tcp dport 7000 tcp flags & rst == 0 limit rate 4/second burst 1 packets reject with tcp reset
		}
	}
	END
	while mix_runs; do pause 0.5; done
	in_b nft delete table ip stress
}

disturb_signals() { :; }

disturb_cgroup-high() {
	while mix_runs; do pause 0.5; done
	grep -H high /sys/fs/cgroup/stress/memory.events
	[ "$(awk '$1 == "high" { print $2 }' /sys/fs/cgroup/stress/memory.events)" -gt 0 ]
}

# net.ipv4.tcp_mem is one for all namespaces.
disturb_tcp-mem() {
	local saved

	saved=$(cat /proc/sys/net/ipv4/tcp_mem)
	for _ in 1 2 3; do
		echo 20 40 60 > /proc/sys/net/ipv4/tcp_mem
		pause 1
		echo "$saved" > /proc/sys/net/ipv4/tcp_mem
		pause 0.3
	done
}

# Of what a namespace has: set before its connections begin.
tune_tiny-buffers() {
	in_a sysctl -qw net.ipv4.tcp_wmem="5000 5000 9000" net.ipv4.tcp_rmem="5000 5000 9000"
	in_b sysctl -qw net.ipv4.tcp_wmem="5000 5000 9000" net.ipv4.tcp_rmem="5000 5000 9000"
}
disturb_tiny-buffers() { :; }

tune_no-ports() { in_a sysctl -qw net.ipv4.ip_local_port_range="40000 40015"; }
disturb_no-ports() { :; }

disturb_no-files() { :; }

tune_no-time-wait() {
	in_a sysctl -qw net.ipv4.tcp_max_tw_buckets=3 net.ipv4.tcp_fin_timeout=1
	in_b sysctl -qw net.ipv4.tcp_max_tw_buckets=3 net.ipv4.tcp_fin_timeout=1
}
disturb_no-time-wait() { :; }

tune_cookies-only() { in_b sysctl -qw net.ipv4.tcp_syncookies=2; }
disturb_cookies-only() { :; }

# Killed in the middle of it, the namespaces deleted right after: all goes.
disturb_killed() {
	pause 1
	kill_mix
	delete_namespaces
	until_true 30 users_are "$users_before" ||
		{ echo "references: $users_before before, $(users) after"; return 1; }
}

# Limits of the process itself; called where it is to become mix
limit_self() { # NAME
	case $1 in
	cgroup-high)
		echo +memory > /sys/fs/cgroup/cgroup.subtree_control
		mkdir -p /sys/fs/cgroup/stress
		# Not memory.max: socket memory can't be reclaimed, and the next
		# page fault would bring in the OOM killer.
		echo 1M > /sys/fs/cgroup/stress/memory.high
		echo $BASHPID > /sys/fs/cgroup/stress/cgroup.procs
		;;
	no-files) ulimit -n 24 ;;
	esac
}

### Running

run_case() { # NAME MIX-ARGS ERRORS CLIENT SERVER
	local args=("-c" "$4" "-l" "$5" "-t" $(((seconds * (slow + 3) + 3) / 4)))

	[ "$3" = - ] || args+=("-e" "${3/reset/ECONNRESET,EPIPE,ENOTCONN}")
	users_before=$(users)
	make_namespaces
	[ "$(type -t "tune_$1")" != function ] || "tune_$1"
	# shellcheck disable=SC2086
	(limit_self "$1"; exec "$mix" -A stress-a -B stress-b "${args[@]}" ${2//:/ } $server 7000) \
		> "$tmp/mix" 2>&1 &
	mix_pid=$!
	until_true 20 grep -q begins "$tmp/mix" || { cat "$tmp/mix"; return 1; }
	pause 0.3
	"disturb_$1"
	[ -n "$mix_pid" ] || return 0
	end_mix
	grep -q 'mix: [1-9]' "$tmp/mix"
}

# wanted NAME: does it match? To be listed only, it is not run.
wanted() {
	local pattern

	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2254
		case $1 in $pattern)
			[ -n "$list" ] || return 0
			echo "$1"
			return 1
			;;
		esac
	done
	return 1
}

run_table() {
	local name args errors pair

	while read -r name args errors; do
		[ "$name" != '#' ] || continue
		for pair in "${pairs[@]}"; do
			wanted "$name ${pair/ />}" || continue
			# shellcheck disable=SC2086
			try "$name ${pair/ />}" run_case "$name" "$args" "$errors" $pair
			delete_namespaces
		done
	done < <(cases)
}

# Sequences of calls instead of disturbances, and compared with kernel TCP's: see there.
run_model() {
	local part

	for part in ipv4 ipv6 threads threads6 lies; do
		wanted "model $part" || continue
		try "model $part" "$here/../model/run.sh" -s "$seed" $kernel "$part"
		grep '# seed' "$tmp/log" || true
	done
}

# trinity's random system calls, as a user without privileges, on sockets that are all AF_TCPX's
# or, with -k, kernel TCP's. What it shows is in the kernel's log; and nothing may be left. It
# calls those by name that have to do with sockets: others would be of other people's code.
trinity_calls="sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg setsockopt getsockopt bind
	connect listen accept accept4 shutdown getsockname getpeername ioctl poll select ppoll
	splice tee vmsplice sendfile read write readv writev dup dup2 fcntl epoll_ctl epoll_wait"

trinity_for() { # DOMAIN SECONDS
	local name args=()

	for name in $trinity_calls; do args+=(-c "$name"); done
	# It leaves files where it is, and shared memory; reads the library as the user it becomes;
	# and the kernel has a word to say of those who get huge pages only by their limits, and of
	# programs that fall over what they got. A seed (-s) makes this one do so at once.
	mkdir "$tmp/trinity.$1"
	install -m 755 "${mix%/*}/all_tcpx.so" /run/all_tcpx.so
	chmod 711 "$tmp"
	chown 65534 "$tmp/trinity.$1"
	[ ! -e /proc/sys/vm/hugetlb_shm_group ] || echo 65534 > /proc/sys/vm/hugetlb_shm_group
	echo 0 > /proc/sys/debug/exception-trace
	# Interrupted, it ends and says how many calls it has made; if it hangs, the rest follows.
	(cd "$tmp/trinity.$1" && ulimit -f 2000 -n 256 && in_a unshare --ipc \
		timeout -s INT -k 60 "$2" \
		setpriv --reuid 65534 --regid 65534 --clear-groups \
		env HOME=. LD_PRELOAD=/run/all_tcpx.so ${kernel:+ALL_TCPX=kernel} \
		trinity -q -a 64 -P "$1" --enable-fds=sockets,pipes,epoll -l off -C 16 \
		"${args[@]}" > "$tmp/said" 2>&1) || [ $? = 124 ]
	echo 1 > /proc/sys/debug/exception-trace
	grep 'created [1-9][0-9]* sockets' "$tmp/said"
	sed -n 's/.*Ran \([1-9][0-9]* syscalls.*\)/mix: \1/p' "$tmp/said" | grep .
	until_true 100 users_are "$users_before" ||
		{ echo "references: $users_before before, $(users) after"; return 1; }
}

run_trinity() {
	local domain

	for domain in INET INET6; do
		wanted "trinity $domain" || continue
		if ! command -v trinity > /dev/null; then
			skip "trinity $domain" "trinity is not installed"
			continue
		fi
		make_namespaces
		users_before=$(users)
		try "trinity $domain" trinity_for $domain $((seconds * 5 * slow))
		delete_namespaces
	done
}

if [ -n "$list" ]; then
	run_table
	run_model
	run_trinity
	exit 0
fi
begin
trap 'kill_mix; delete_namespaces; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
delete_namespaces
run_table
run_model
run_trinity
finish
