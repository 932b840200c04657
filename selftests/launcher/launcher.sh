#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests scripts/tcpx-run. AF_UNIX stands in for AF_TCPX in most cases, since
# SO_DOMAIN then proves the swap and no module is needed; where the module is
# loaded, the last cases use it. Runs on the build machine and in the guest.
set -eu

here=$(dirname "$(readlink -f "$0")")
run=$here/../../scripts/tcpx-run
export TCPX_CACHE="${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}"
bin=$TCPX_CACHE/selftests/launcher
make -s -C "$here" && make -s -C "$here/../../scripts/launcher"
probe=$bin/sockprobe

unused=18	# AF_ASH: no kernel of today has it
n=0 failed=0

# check NAME EXPECTED GOT: EXPECTED is a pattern as in case
check() {
	n=$((n + 1))
	# shellcheck disable=SC2254
	case $3 in
	$2) echo "ok $n - $1" ;;
	*) echo "not ok $n - $1"
	   printf '# expected: %s\n# got:      %s\n' "$2" "$3"
	   failed=$((failed + 1)) ;;
	esac
}

# Output and exit status of a command in one line
outcome() {
	local status=0 out
	out=$("$@" 2>&1 < /dev/null) || status=$?
	printf '%s' "$out [$status]" | tr '\n' ' '
}

echo "TAP version 13"

# What is swapped and what is not: domain, type, protocol, then what comes back
while read -r domain type protocol want; do
	if [ "$protocol" = 262 ] && [ ! -e /proc/sys/net/mptcp ]; then
		n=$((n + 1))
		echo "ok $n - socket($domain, $type, $protocol) # SKIP this kernel has no MPTCP"
		continue
	fi
	check "socket($domain, $type, $protocol)" "*$want*" \
		"$(outcome "$run" --family=1 "$probe" "$domain" "$type" "$protocol")"
done <<END
inet	stream				0	domain=1 type=1 protocol=0 cloexec=0 nonblock=0
inet	stream				6	domain=1 type=1 protocol=0 cloexec=0 nonblock=0
inet	stream,cloexec			6	domain=1 type=1 protocol=0 cloexec=1 nonblock=0
inet	stream,nonblock			0	domain=1 type=1 protocol=0 cloexec=0 nonblock=1
inet	stream,cloexec,nonblock		0	domain=1 type=1 protocol=0 cloexec=1 nonblock=1
inet	dgram				0	domain=2 type=2 protocol=17
inet	stream				262	domain=2 type=1 protocol=262
inet6	dgram				0	domain=10 type=2 protocol=17
inet6	stream				262	domain=10 type=1 protocol=262
unix	dgram				0	domain=1 type=2 protocol=0
END

check "quiet without -v" "domain=1 *" "$(outcome "$run" --family=1 "$probe" inet stream 0)"
check "-v names the change" "*AF_INET -> 1 SOCK_STREAM|SOCK_CLOEXEC 6: fd *domain=1 *" \
	"$(outcome "$run" -v --family=1 "$probe" inet stream,cloexec 6)"
# AF_UNIX has no protocol 41, which is what asks AF_TCPX for IPv6.
check "IPv6: -v names the change" "*AF_INET6 -> 1 SOCK_STREAM 6: Protocol not supported*error=93 \[1\]" \
	"$(outcome "$run" -v --family=1 "$probe" inet6 stream 6)"
check "-v never writes into a socket that took the place of fd 2" "*stderr bytes=-1 *" \
	"$(outcome "$run" -v --family=1 "$probe" inet stream 0 stderr-is-socket)"
check "children inherit it" "*domain=1 *" \
	"$(outcome "$run" --family=1 sh -c "$probe inet stream 0; :")"
check "a script is run through its interpreter" "*domain=1 *" \
	"$(printf '#!/bin/sh\n%s inet stream 0\n' "$probe" > "$bin/script"; chmod +x "$bin/script";
	   outcome "$run" --family=1 "$bin/script")"
check "appended to LD_PRELOAD" "*libdl.so.2:*/libtcpx-run.so \[0\]" \
	"$(LD_PRELOAD=libdl.so.2 outcome "$run" --family=1 "$probe" none)"
check "exit status is the program's" "* \[42\]" "$(outcome "$run" --family=1 sh -c 'exit 42')"

check "family unknown: falls back with a message" "*using the kernel's TCP*domain=2 type=1 protocol=6 * \[0\]" \
	"$(outcome "$run" --family=$unused "$probe" inet stream 0)"
check "family unknown, --strict: socket() fails" "*--strict*error=97 \[1\]" \
	"$(outcome "$run" --family=$unused --strict "$probe" inet stream 0)"
check "family unknown, IPv6: falls back with a message" \
	"*using the kernel's TCP*domain=10 type=1 protocol=6 * \[0\]" \
	"$(outcome "$run" --family=$unused "$probe" inet6 stream 0)"
check "family unknown, IPv6, --strict: socket() fails" "*--strict*error=97 \[1\]" \
	"$(outcome "$run" --family=$unused --strict "$probe" inet6 stream 0)"
check "static program: falls back with a message" "*statically linked*domain=2 *\[0\]" \
	"$(outcome "$run" --family=1 "$probe-static" inet stream 0)"
check "static program, --strict" "*statically linked*--strict* \[125\]" \
	"$(outcome "$run" --family=1 --strict "$probe-static" inet stream 0)"

install -o nobody -m 4755 "$probe" "$bin/sockprobe-setuid"
check "set-user-ID program, --strict" "*set-user-ID*--strict* \[125\]" \
	"$(outcome "$run" --family=1 --strict "$bin/sockprobe-setuid" inet stream 0)"
rm -f "$bin/sockprobe-setuid"

check "no program" "*no program given* \[125\]" "$(outcome "$run")"
check "unknown option" "*unknown option --nonsense* \[125\]" "$(outcome "$run" --nonsense true)"
check "--family wants a number" "*wants a number* \[125\]" "$(outcome "$run" --family=tcpx true)"
check "program not found" "*not found* \[127\]" "$(outcome "$run" --family=1 /nonexistent)"
check "program not executable" "*not an executable file* \[126\]" \
	"$(outcome "$run" --family=1 "$here/sockprobe.c")"
check "--help" "Usage:* \[0\]" "$(outcome "$run" --help)"

# SO_ZEROCOPY (60) on a TCP socket, with a bad value, and on one that has no such option
zerocopy='
from socket import *
s, u = socket(), socket(AF_UNIX)
def err(s, v):
    try: s.setsockopt(SOL_SOCKET, 60, v)
    except OSError as e: return e.errno
err(s, 1)
print(s.getsockopt(SOL_SOCKET, 60), err(s, 2), err(u, 1))'

# One that ends as it should
connection='
from socket import *
s = socket()
s.bind(("127.0.0.1", 0))
s.listen()
c = create_connection(s.getsockname())
a = s.accept()[0]
c.close()
a.recv(1)
a.close()'

# What a listener and those that it starts read of it in /proc/net, each by its own calls
reads='
from socket import *
from subprocess import run
port = {}
for af, host, name in (AF_INET, "127.0.0.1", "tcp"), (AF_INET6, "::1", "tcp6"):
    s = socket(af)
    s.bind((host, 0))
    s.listen()
    port[name] = ":%04X" % s.getsockname()[1], s
for name, (text, s) in port.items():
    path = "/proc/net/" + name
    print(text in open(path).read(), *(text in run(cmd + [path], capture_output=True, text=True).stdout
          for cmd in (["cat"], ["grep", ""], ["awk", "{ print }"], ["sh", "-c", "cat < $0"])))'

# Lines of $2 in $1 that begin with $3, as read under the launcher and as they are
same_lines() {
	[ "$("$run" --family=1 cat "/proc/net/$1" | grep "^$3" | cut -d ' ' -f "$4")" = \
		"$(grep "^$3" "/proc/net/$2" | cut -d ' ' -f "$4")" ] && echo same || echo other
}

if [ -d /sys/module/tcpx ]; then
	check "module loaded: AF_TCPX" "domain=2 type=1 protocol=1542 cloexec=1 *\[0\]" \
		"$(outcome "$run" --strict "$probe" inet stream,cloexec 6)"
	check "module loaded: AF_TCPX over IPv6" "domain=10 type=1 protocol=1542 cloexec=0 nonblock=1 \[0\]" \
		"$(outcome "$run" --strict "$probe" inet6 stream,nonblock 0)"
	check "module loaded: SO_ZEROCOPY, whether or not the kernel lets modules have it" \
		"1 22 95 \[0\]" "$(outcome "$run" --strict python3 -c "$zerocopy")"
	"$run" --strict python3 -c "$connection"
	check "module loaded: a connection has learnt of its peer" "127.0.0.1 age *" \
		"$(cat /proc/net/tcpx_metrics)"
	"$run" --strict ip tcp_metrics flush all
	check "module loaded: ip tcp_metrics flush" "" "$(cat /proc/net/tcpx_metrics)"
	check "module loaded: /proc/net/tcp and tcp6 are AF_TCPX's" \
		"True True True True True True True True True True \[0\]" \
		"$(outcome "$run" --strict python3 -c "$reads")"
	# Not the packets' counters, which go on meanwhile.
	check "module loaded: /proc/net/snmp has AF_TCPX's counters" same "$(same_lines snmp tcpx_snmp Tcp: 1-8)"
	check "module loaded: and those of IP" same "$(same_lines snmp snmp Ip: 1-3)"
	check "module loaded: /proc/net/netstat has AF_TCPX's counters" same \
		"$(same_lines netstat tcpx_netstat TcpExt: 1-)"
	check "module loaded: and those of IP" same "$(same_lines netstat netstat IpExt: 1-3)"
	check "module loaded: nstat counts AF_TCPX's connections" \
		"*TcpPassiveOpens *$(awk '/^Tcp: [0-9]/ { print $7 }' /proc/net/tcpx_snmp) *" \
		"$(outcome "$run" --strict nstat -asz TcpPassiveOpens)"
else
	check "module absent: falls back with a message" "*neither loaded nor installed*domain=2 *\[0\]" \
		"$(outcome "$run" "$probe" inet stream 0)"
	check "module absent, --strict" "*neither loaded nor installed*--strict* \[125\]" \
		"$(outcome "$run" --strict "$probe" inet stream 0)"
	check "module absent: /proc/net/snmp is the kernel's" same "$(same_lines snmp snmp Ip: 1-3)"
fi

echo "1..$n"
echo "# launcher: $((n - failed)) passed, $failed failed"
[ $failed = 0 ]
