#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Real programs over AF_TCPX: to each other and to the kernel's TCP, data
# compared by hash. Root, in the guest; see --help.
#
#	namespace tcpx-a: clients		namespace tcpx-b: servers
#	+--------------------------+		+--------------------------+
#	| lo 127.0.0.1	 va 10.77.0.1 |---------| vb 10.77.0.2		   |
#	|    ::1	   fd00:77::1 |		|    fd00:77::2		   |
#	+--------------------------+  MTU 1500	+--------------------------+
#
# Path "lo" has both ends in tcpx-a, "veth" one in each, "netem" is veth with
# loss, delay, reordering and duplication in both directions and one segment
# a packet; with a 6 they are IPv6. On path "dual" an IPv6 server listens for both
# and the client comes over IPv4.
# shellcheck disable=SC2086,SC2016  # $args and the launcher are lists of words; awk
set -eu

here=$(dirname "$(readlink -f "$0")")
top=$here/../..
export TCPX_CACHE="${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}"
bin=$TCPX_CACHE/selftests/interop
tcpx_run="$top/scripts/tcpx-run --strict"
python=/usr/bin/python3
poll=0.05	# seconds between two looks at a condition
slow=${TCPX_SLOW:-1}	# how many times longer than usual things take on this kernel
limit=$((100 * slow))	# seconds that any one program may take

# What is tried. Pairings name client and server: t is tcpx, k the kernel's TCP.
# kk proves the case itself; where it is left out here, for the time it takes,
# -k still runs it. "resets" is whether RSTs may leave: none where both stacks close in
# good order. Only, when the machine is slow, some retransmit their FIN, and the second ACK
# of it finds the socket gone: an RST without ACK for each retransmission is none of ours.
cases() {
	cat <<-END
	# name		program	arguments	paths		pairings	resets
	bulk-1g		xfer	-n:1G		lo		tt		none
	bulk-1g		xfer	-n:1G		veth		tk		none
	bulk		xfer	-n:48M		lo,veth		tt,tk,kt	none
	bulk-back	xfer	-n:48M:-R	lo,veth		tt,tk,kt	none
	odd-sizes	xfer	-n:1000000:-b:1000 veth		tt,tk,kt	none
	200-at-once	manyconn -c:200		lo,veth		tt,tk,kt,kk	none
	curl-nginx	nginx	-		lo,veth		tt,tk,kt	none
	iperf3		iperf3	-		lo,veth		tt,tk,kt	any
	iperf3-back	iperf3	-R		veth		tt,tk,kt	any
	redis		redis	-		lo		tt		any
	redis		redis	-		veth		tk,kt		any
	scp		scp	-		lo		tt		none
	scp		scp	-		veth		tt,tk,kt	none
	socat-echo	socat	-		lo		tt		none
	socat-echo	socat	-		veth		tt,tk,kt	none
	asyncio-echo	asyncio	-		lo		tt,tk,kt	none
	asyncio-echo	asyncio	-		netem6		tt		any
	curl-nginx	nginx	-		lo6,dual	tt		none
	curl-nginx	nginx	-		veth6		kt		none
	iperf3		iperf3	-		veth6		tk		any
	lossy		xfer	-n:2M		netem		tt,tk,kt,kk	any
	lossy-back	xfer	-n:2M:-R	netem		tt,tk,kt,kk	any
	lossy-200	manyconn -c:200:-n:8K	netem		tt,tk,kt	any
	conntrack	firewall pass		veth		tt,tk,kt,kk	none
	blocked		firewall block		veth		tt,tk,kt,kk	none
	END
}

# More programs, under -d: each takes long to start.
daemon_cases() {
	cat <<-END
	nginx-reuseport	nginx	reuseport	veth		tt,kt		any
	iperf3-zerocopy	iperf3	-Z		veth		tt		any
	haproxy-splice	haproxy	-		veth		tt,kt		any
	memcached	memcached -		veth		tt		any
	rsync		rsync	-		veth		tt,tk		any
	pgbench		postgres -		veth		tt		any
	stress-ng	stressng -		lo		tt		any
	END
}

usage() {
	cat <<-END
	Usage: run.sh [-k] [-l] [-d] [-s I/N] [PATTERN...]

	Runs the cases whose names ("curl-nginx tcpx>kernel veth") match one of the
	shell PATTERNs, all without. Prints TAP; fails if any case fails.

	  -k  kernel TCP at both ends only: tests the tests, needs no module
	  -l  list the names
	  -d  the daemons that take long to start instead
	  -s  only the I-th of every N cases
	END
}

die() { echo "Bail out! $*"; exit 1; }

only_kernel='' list='' table=cases share=1/1
while getopts klds:h opt; do
	case $opt in
	k) only_kernel=1 ;;
	l) list=1 ;;
	d) table=daemon_cases ;;
	s) share=$OPTARG ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- '*'
patterns=("$@")
share_n=${share#*/} share_i=${share%/*}
case $share_i,$share_n in
*[!0-9,]*|,*|*,|*,0) usage >&2; exit 2 ;;
esac
if [ "$share_i" -lt 1 ] || [ "$share_i" -gt "$share_n" ]; then
	usage >&2
	exit 2
fi

### The two ends

stack_name() {
	case $1 in
	t) echo tcpx ;;
	k) echo kernel ;;
	esac
}

in_ns() { local ns=$1; shift; nsenter --net=/run/netns/tcpx-"$ns" "$@"; }

# client CMD..., server CMD...: replace this process by CMD, in its namespace
# and on its stack; for our own tools "-f" says the stack, for others the launcher.
client() { exec nsenter --net=/run/netns/tcpx-a timeout -k 5 $limit ${launch_client:-} "$@"; }
server() { exec nsenter --net=/run/netns/tcpx-$server_ns timeout -k 5 $limit ${launch_server:-} "$@"; }

# until_true SECONDS WHAT CMD...: poll CMD, fail loudly when the time is over
until_true() {
	local end=$((SECONDS + $1 * slow)) what=$2
	shift 2
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "gave up waiting for $what"
			return 1
		fi
		sleep $poll
	done
}

# Is there a listener at $port, of the stack that the server was to use? Looked
# up without starting a program, which is what takes time here.
listening() {
	local table=tcp port_hex addr_port state
	[ "$server_stack" = kernel ] || table=tcpx
	[ $v = 4 ] && [ "$path" != dual ] || table+=6
	kill -0 "$server_pid" || { echo "the server died"; exit 1; }
	printf -v port_hex %04X "$port"
	while read -r _ addr_port _ state _; do
		[ "$state" != 0A ] || [ "${addr_port#*:}" != "$port_hex" ] || return 0
	done < "/proc/$server_pid/net/$table"
	return 1
}

# start_server CMD...: ready when it listens
start_server() {
	server "$@" > "$tmp/server.log" 2>&1 &
	server_pid=$!
	until_true 30 "the server to listen" listening
}

# The server must end by itself and be content.
finish_server() {
	local pid=$server_pid
	server_pid=''
	wait "$pid" || { echo "the server failed ($?)"; return 1; }
}

stop_server() {
	[ -n "$server_pid" ] || return 0
	kill "$server_pid" 2> /dev/null || true
	wait "$server_pid" || true
	server_pid=''
}

### One function per program: runs as a subshell with -e. $addr $port $args are set, $v is
### the version of IP, $host the address as it stands before ":PORT", and $listen the one to
### listen at in that form.

# same BLOB FILE: by the hash taken when the blob was made
same() {
	local want got
	want=$(sed -n "s/  $1\$//p" "$tmp/sums")
	got=$(sha256sum < "$tmp/$2")
	echo "sha256 of $1 $want, what came ${got%% *}"
	[ "$want" = "${got%% *}" ]
}

run_xfer() {
	launch_client='' launch_server=''
	start_server "$bin/xfer" -l -f "$server_stack" $args "$addr" "$port"
	(client "$bin/xfer" -f "$client_stack" $args "$addr" "$port")
	finish_server
}

run_manyconn() {
	launch_client='' launch_server=''
	start_server "$bin/manyconn" -l -f "$server_stack" $args "$addr" "$port"
	(client "$bin/manyconn" -f "$client_stack" $args "$addr" "$port")
	finish_server
}

# nginx_conf PORT [OPTION-OF-LISTEN]: serves the blob; each worker has a listener under "reuseport"
nginx_conf() {
	local only='' workers='master_process off;'
	[ "$path" != dual ] || only=' ipv6only=off'
	[ "${2:-}" != reuseport ] || workers='worker_processes 3;'
	mkdir -p "$tmp/www"
	ln -f "$tmp/blob" "$tmp/www/blob"
	cat > "$tmp/nginx.conf" <<-END
	daemon off; $workers user root; pid $tmp/nginx.pid; error_log stderr;
	events { worker_connections 64; }
	http {
		access_log off; sendfile on; tcp_nopush on;
		client_body_temp_path $tmp/nginx-body; proxy_temp_path $tmp/nginx-proxy;
		fastcgi_temp_path $tmp/nginx-fcgi; uwsgi_temp_path $tmp/nginx-uwsgi;
		scgi_temp_path $tmp/nginx-scgi;
		server { listen $listen:$1$only ${2:-}; root $tmp/www; }
	}
	END
}

run_nginx() {
	nginx_conf "$port" $args
	start_server nginx -c "$tmp/nginx.conf" -e stderr
	(client curl -sS -o "$tmp/got" "http://$host:$port/blob")
	same blob got
}

run_iperf3() {
	start_server iperf3 -s -1 -$v -B "$addr" -p "$port"
	(client iperf3 -c "$addr" -p "$port" -n 32M --json $args) > "$tmp/iperf3.json"
	$python - "$tmp/iperf3.json" <<-END
	import json, sys
	end = json.load(open(sys.argv[1]))["end"]
	sent, got = (end[k]["bytes"] for k in ("sum_sent", "sum_received"))
	print(f"sent {sent}, received {got} bytes")
	# The client ends the test when all is sent, with some of it under way.
	sys.exit(sent < 32 << 20 or got < 16 << 20)
	END
	finish_server
}

run_redis() {
	start_server redis-server --bind "$addr" --port "$port" --save '' --appendonly no \
		--daemonize no --protected-mode no --dir "$tmp"
	(client redis-benchmark -h "$addr" -p "$port" -n 2000 -c 50 -P 4 -t set,get,lpush -q)
	(client redis-cli -h "$addr" -p "$port" -x set blob) < "$tmp/blob-1m"
	(client redis-cli -h "$addr" -p "$port" --raw get blob) > "$tmp/got"
	same blob-1m-line got
	(client redis-cli -h "$addr" -p "$port" shutdown nosave)
	finish_server
}

run_scp() {
	mkdir -p /run/sshd
	cat > "$tmp/sshd_config" <<-END
	ListenAddress $addr:$port
	HostKey $tmp/host_key
	AuthorizedKeysFile $tmp/user_key.pub
	PidFile none
	StrictModes no
	PermitRootLogin prohibit-password
	UsePAM yes
	Subsystem sftp internal-sftp
	END
	start_server "$(command -v sshd)" -D -e -f "$tmp/sshd_config"
	set -- -q -F /dev/null -i "$tmp/user_key" -P "$port" -c aes128-gcm@openssh.com -o BatchMode=yes \
		-o KexAlgorithms=curve25519-sha256 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
	(client scp "$@" "$tmp/blob-4m" "root@$addr:$tmp/there")
	(client scp "$@" "root@$addr:$tmp/there" "$tmp/back")
	same blob-4m there
	same blob-4m back
}

# The client half-closes after the file; cat then ends and so does the answer.
run_socat() {
	start_server socat -t $limit "TCP$v-LISTEN:$port,bind=$host,reuseaddr" EXEC:cat
	(client socat -t $limit STDIO "TCP$v:$host:$port") < "$tmp/blob-4m" > "$tmp/got"
	same blob-4m got
	finish_server
}

run_asyncio() {
	start_server $python "$here/echo.py" serve "$addr" "$port"
	(client $python "$here/echo.py" drive "$addr" "$port" 20 300000)
}

# Clients reach nginx through it; both are on the server's stack.
run_haproxy() {
	local backend=$((port + 10000))
	nginx_conf $backend
	server nginx -c "$tmp/nginx.conf" -e stderr > "$tmp/backend.log" 2>&1 &
	backend_pid=$!
	trap 'stop_server; kill $backend_pid' EXIT
	cat > "$tmp/haproxy.cfg" <<-END
	global
		maxconn 100
	defaults
		mode tcp
		option splice-request
		option splice-response
		retries 20
		timeout connect 5s
		timeout client 60s
		timeout server 60s
	frontend front
		bind $host:$port
		default_backend back
	backend back
		server nginx $host:$backend
	END
	start_server haproxy -db -f "$tmp/haproxy.cfg"
	for _ in 1 2 3; do
		(client curl -sS --retry 5 --retry-all-errors -o "$tmp/got" "http://$host:$port/blob")
		same blob got
	done
	kill $backend_pid
	wait $backend_pid || true
}

run_memcached() {
	start_server memcached -u root -l "$addr" -p "$port" -U 0 -t 2 -I 8m
	(client $python - "$addr" "$port" "$tmp/blob-4m") <<-END
	import socket, sys
	addr, port, name = sys.argv[1:]
	blob = open(name, "rb").read()
	s = socket.create_connection((addr, int(port)))
	f = s.makefile("rwb")
	for i, size in enumerate([1, 100, 4096, 100000, len(blob)]):
	    f.write(b"set k%d 0 0 %d\r\n" % (i, size) + blob[:size] + b"\r\n")
	    f.flush()
	    assert f.readline() == b"STORED\r\n", "set"
	    f.write(b"get k%d\r\n" % i)
	    f.flush()
	    assert f.readline() == b"VALUE k%d 0 %d\r\n" % (i, size), "get"
	    assert f.read(size) == blob[:size], "value"
	    assert f.read(7) == b"\r\nEND\r\n", "end"
	END
}

run_rsync() {
	cat > "$tmp/rsyncd.conf" <<-END
	use chroot = no
	[here]
		path = $tmp/module
		read only = no
		uid = root
		gid = root
	END
	rm -rf "$tmp/module"
	mkdir "$tmp/module"
	start_server rsync --daemon --no-detach --config="$tmp/rsyncd.conf" --address="$addr" --port="$port"
	(client rsync -t "$tmp/blob-4m" "rsync://$host:$port/here/there")
	(client rsync -t "rsync://$host:$port/here/there" "$tmp/back")
	same blob-4m module/there
	same blob-4m back
}

run_postgres() {
	local pg as='setpriv --reuid=postgres --regid=postgres --clear-groups'
	pg=$(pg_bin)
	# That user may not look into the cache, where the launcher's library is.
	mkdir -p "$tmp/launcher"
	cp "$top/scripts/tcpx-run" "$TCPX_CACHE/launcher/libtcpx-run.so" "$tmp/launcher"
	[ -z "$launch_server" ] || launch_server="$tmp/launcher/tcpx-run --strict"
	rm -rf "$tmp/pg"
	install -d -o postgres "$tmp/pg"
	$as "$pg/initdb" -D "$tmp/pg" -A trust -N --locale=C > "$tmp/initdb.log" 2>&1
	echo "host all all 10.77.0.0/24 trust" >> "$tmp/pg/pg_hba.conf"
	start_server $as "$pg/postgres" -D "$tmp/pg" -p "$port" -F -c listen_addresses="$addr" \
		-c unix_socket_directories= -c shared_buffers=16MB
	set -- -h "$addr" -p "$port" -U postgres
	until_true 30 "the database" client_can "$pg/psql" "$@" -c 'select 1' postgres
	(client "$pg/pgbench" "$@" -i -s 1 -q postgres)
	(client "$pg/pgbench" "$@" -c 8 -t 10 postgres)
}

# Its own checks of options and of the data; sockets of both kinds of call.
run_stressng() {
	(cd "$tmp" && client stress-ng --sock 2 --sock-ops 400 --sock-domain ipv4 --sock-port "$port" \
		--verify --temp-path "$tmp")
}

# packets NS COMMENT: what the counter with that comment has seen
packets() {
	in_ns "$1" nft list ruleset | sed -n "s/.*packets \([0-9]*\) .*comment \"$2\".*/\1/p"
}

# expect WHAT GOT TEST-OPERATOR NUMBER
expect() {
	echo "$1: $2 packets, want $3 $4"
	test "${2:-0}" "$3" "$4"
}

run_firewall() {
	local verdict=accept
	[ "$args" = pass ] || verdict=drop
	in_ns b nft -f - <<-END
	table ip firewall {
		chain input {
			type filter hook input priority 0; policy drop;
			ct state established,related counter accept comment "known"
			tcp dport $port ct state new counter $verdict comment "new"
			tcp dport $port counter drop comment "rest"
		}
	}
	END
	in_ns a nft -f - <<-END
	table ip firewall {
		chain input {
			type filter hook input priority 0; policy drop;
			ct state established,related counter accept comment "known"
			tcp sport $port counter drop comment "rest"
		}
	}
	END
	launch_client='' launch_server=''
	start_server "$bin/xfer" -l -f "$server_stack" -n 4M "$addr" "$port"
	if [ "$args" = pass ]; then
		(client "$bin/xfer" -f "$client_stack" -n 4M "$addr" "$port")
		finish_server
		expect "SYN at the server" "$(packets b new)" -eq 1
		expect "known at the server" "$(packets b known)" -gt 10
		expect "known at the client" "$(packets a known)" -gt 2
		expect "dropped at the server" "$(packets b rest)" -eq 0
		expect "dropped at the client" "$(packets a rest)" -eq 0
	else
		# Two seconds: the SYN and its first retransmission. Newer kernels would send the next
		# one just then.
		local linear=/proc/sys/net/ipv4/tcp_syn_linear_timeouts
		in_ns a sh -c "[ ! -e $linear ] || echo 0 > $linear"
		if (TCPX_SLOW=1 client "$bin/xfer" -f "$client_stack" -n 4M -t 2 "$addr" "$port"); then
			echo "the transfer passed a drop rule"
			return 1
		fi
		expect "SYN at the server" "$(packets b new)" -eq 2
		expect "known at the server" "$(packets b known)" -eq 0
	fi
}

### Set-up and take-down

tmp='' server_pid=''
declare -A sent=([aborts]=0 [resets]=0 [again]=0)
new_namespaces() {
	ip netns add tcpx-a
	ip netns add tcpx-b
	ip -n tcpx-a link set lo up
	ip -n tcpx-b link set lo up
	ip -n tcpx-a link add va mtu 1500 type veth peer name vb mtu 1500 netns tcpx-b
	ip -n tcpx-a addr add 10.77.0.1/24 dev va
	ip -n tcpx-b addr add 10.77.0.2/24 dev vb
	ip -n tcpx-a addr add fd00:77::1/64 dev va nodad
	ip -n tcpx-b addr add fd00:77::2/64 dev vb nodad
	ip -n tcpx-a link set va up
	ip -n tcpx-b link set vb up
	# Counts RSTs whichever stack they come from.
	for ns in a b; do
		in_ns $ns nft 'table inet watch {
			chain output {
				type filter hook output priority 0;
				tcp flags & (rst | ack) == rst | ack counter comment "aborts"
				tcp flags & (rst | ack) == rst counter comment "resets"
			}
		}'
	done
}

delete_namespaces() {
	for ns in a b; do
		[ ! -e /run/netns/tcpx-$ns ] || ip netns del tcpx-$ns
	done
}

make_blobs() {
	head -c 24M /dev/urandom > "$tmp/blob"
	head -c 4M "$tmp/blob" > "$tmp/blob-4m"
	head -c 1M "$tmp/blob" > "$tmp/blob-1m"
	# redis-cli ends its answer with a newline.
	{ cat "$tmp/blob-1m"; echo; } > "$tmp/blob-1m-line"
	(cd "$tmp" && sha256sum blob*) > "$tmp/sums"
	for key in host_key user_key; do
		ssh-keygen -q -t ed25519 -N '' -f "$tmp/$key"
	done
}

clean_up() {
	stop_server
	delete_namespaces
	[ -z "$tmp" ] || rm -rf "$tmp"
}

netem() {
	for end in a:va b:vb; do
		if [ "$1" = on ]; then
			ip -n tcpx-${end%:*} link set ${end#*:} gso_max_segs 1
			tc -n tcpx-${end%:*} qdisc add dev ${end#*:} root netem limit 10000 \
				delay 10ms loss 1% duplicate 1% reorder 25% 50%
		else
			tc -n tcpx-${end%:*} qdisc del dev ${end#*:} root
			ip -n tcpx-${end%:*} link set ${end#*:} gso_max_segs 65535
		fi
	done
}

# Segments that the stacks of namespace NS have retransmitted
retransmitted() {
	in_ns "$1" cat /proc/net/snmp /proc/net/tcpx_snmp 2> /dev/null |
		awk '$1 == "Tcp:" && !at { for (at = NF; $at != "RetransSegs"; at--); next }
		     $1 == "Tcp:" { n += $at; at = 0 } END { print n + 0 }'
}

# RSTs and retransmissions of both namespaces so far, into sent[]
count_resets() {
	local ns line
	sent=([aborts]=0 [resets]=0 [again]=0)
	for ns in a b; do
		sent[again]=$((sent[again] + $(retransmitted $ns)))
		while read -r line; do
			[[ $line =~ packets\ ([0-9]+)\ .*\"(aborts|resets)\" ]] || continue
			sent[${BASH_REMATCH[2]}]=$((sent[${BASH_REMATCH[2]}] + BASH_REMATCH[1]))
		done < <(in_ns $ns nft list table inet watch)
	done
}

# Every TCPX socket of the two namespaces, except those that wait for 2 MSL
sockets_left() {
	for ns in a b; do
		in_ns $ns awk 'FNR > 1 && $4 != "06"' /proc/net/tcpx /proc/net/tcpx6
	done
}

no_sockets_left() { [ -z "$(sockets_left)" ]; }
users() { awk '$1 == "tcpx" { print $3 }' /proc/modules; }
users_are() { [ "$(users)" = "$1" ]; }

### Running the table

n=0 failed=0 skipped=0

# result NAME STATUS SECONDS: a line of TAP, and the log if it failed
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1 ($3 s)"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $1 ($3 s)"
	sed 's/^/# /' "$tmp/log"
	[ ! -s "$tmp/server.log" ] || tail -n 20 "$tmp/server.log" | sed 's/^/# server: /'
}

skip() {
	n=$((n + 1)) skipped=$((skipped + 1))
	echo "ok $n - $1 # SKIP $2"
}

pg_bin() { dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/pgbench | tail -1)"; }
client_can() { (client "$@") > "$tmp/can.log" 2>&1; }

missing_program() {
	for program in ${needs[$1]:-}; do
		command -v "$program" > /dev/null || echo "$program not installed"
	done
}
declare -A needs=([nginx]="nginx curl" [iperf3]=iperf3 [redis]="redis-server redis-benchmark redis-cli"
	[scp]="sshd scp" [socat]=socat [asyncio]=$python [haproxy]="haproxy nginx curl"
	[memcached]="memcached $python" [rsync]=rsync [postgres]="$(pg_bin)/pgbench" [stressng]=stress-ng)

now() { echo "${EPOCHREALTIME/[.,]/}"; }

# In a subshell of its own, so that -e holds in it and its server ends with it.
run_case() {
	trap stop_server EXIT
	server_pid='' launch_client='' launch_server=''
	[ "$client_stack" = kernel ] || launch_client=$tcpx_run
	[ "$server_stack" = kernel ] || launch_server=$tcpx_run
	case $path in netem*) netem on ;; esac
	: > "$tmp/server.log"
	"run_$program"
	stop_server
	trap - EXIT
	local aborts=${sent[aborts]} resets=${sent[resets]} again=${sent[again]}
	if [ "$rst" != any ]; then
		count_resets
		expect "RSTs with an ACK" $((sent[aborts] - aborts)) -eq 0
		expect "RSTs alone" $((sent[resets] - resets)) -le $((sent[again] - again))
	fi
}

# The clean-up of one case, whatever became of it
after_case() {
	case $path in netem*) netem off ;; esac
	if [ "$program" = firewall ]; then
		in_ns a nft delete table ip firewall
		in_ns b nft delete table ip firewall
	fi
	# What was sent in this case is not the next one's.
	count_resets
}

# Where the server of $path is, and its address in each form
choose_path() {
	server_ns=b addr=10.77.0.2 v=4
	case $path in
	lo) server_ns=a addr=127.0.0.1 ;;
	lo6) server_ns=a addr=::1 v=6 ;;
	*6) addr=fd00:77::2 v=6 ;;
	esac
	host=$addr
	[ $v = 4 ] || host="[$addr]"
	listen=$host
	[ "$path" != dual ] || listen='[::]'
}

one_case() {
	local name matches='' status start took
	name="$1 $(stack_name "${pair%?}")>$(stack_name "${pair#?}") $path"
	# shellcheck disable=SC2254
	for pattern in "${patterns[@]}"; do
		case $name in $pattern) matches=1 ;; esac
	done
	[ -n "$matches" ] || return 0
	chosen=$((chosen + 1))
	[ $((chosen % share_n)) = $((share_i % share_n)) ] || return 0
	[ -z "$list" ] || { echo "$name"; return; }
	status=$(missing_program "$program")
	[ -z "$status" ] || { skip "$name" "$status"; return; }

	client_stack=$(stack_name "${pair%?}") server_stack=$(stack_name "${pair#?}")
	choose_path
	port=$((port + 1))
	start=$(now)
	set +e
	(set -e; run_case) > "$tmp/log" 2>&1
	status=$?
	set -e
	after_case
	took=$(($(now) - start))
	result "$name" $status "$(printf '%d.%d' $((took / 1000000)) $((took / 100000 % 10)))"
}

run_table() {
	local name program args paths pairs rst path pair port=7000 chosen=0
	while read -r name program args paths pairs rst; do
		case $name in '#') continue ;; esac
		args=${args//:/ }
		[ "$args" != - ] || args=''
		[ -z "$only_kernel" ] || pairs=kk
		for path in ${paths//,/ }; do
			for pair in ${pairs//,/ }; do
				one_case "$name"
			done
		done
	done < <($table)
}

# Nothing may outlive its use: neither a socket nor, once the namespaces are gone
# and TIME_WAIT with them, a reference to the module.
check_objects() {
	: > "$tmp/server.log"
	local status=0
	until_true 30 "sockets to close" no_sockets_left > "$tmp/log" || status=1
	sockets_left >> "$tmp/log"
	result "all sockets closed" $status 0
	delete_namespaces
	status=0
	until_true 30 "references to the module" users_are "$users_before" > "$tmp/log" || status=1
	echo "references: $users_before before, $(users) after" >> "$tmp/log"
	result "no reference to the module left" $status 0
}

if [ -n "$list" ]; then
	run_table
	exit 0
fi
[ "$(id -u)" = 0 ] || die "run.sh must be root"
[ -n "$only_kernel" ] || [ -d /sys/module/tcpx ] || die "module tcpx is not loaded (-k tests without it)"
make -s -C "$here" && make -s -C "$top/scripts/launcher"

echo "TAP version 13"
trap clean_up EXIT
trap 'exit 1' INT TERM
tmp=$(mktemp -d)
chmod 755 "$tmp"
[ -n "$only_kernel" ] || users_before=$(users)
make_blobs
delete_namespaces
new_namespaces
run_table
[ -n "$only_kernel" ] || check_objects
echo "1..$n"
echo "# interop: $((n - failed - skipped)) passed, $failed failed, $skipped skipped, $SECONDS s"
[ $failed = 0 ]
