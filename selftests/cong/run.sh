#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Congestion control: the registry, an algorithm of another module, and what the
# algorithms make of a path. As root, in the VM, best in virtual time. Prints TAP.
set -euo pipefail

out=${OUT:-${TCPX_CACHE:-$HOME/.cache/tcpx}/selftests/cong}

die() { echo "Bail out! $*"; exit 2; }

[ "$(id -u)" -eq 0 ] || die "needs root, for modules and network namespaces"
[ -x "$out/cong" ] || die "no $out/cong: make selftests"
if [ "${TCPX_NEED:-0}" = 1 ] && [ ! -d /sys/module/tcpx ]; then
	die "AF_TCPX is not there: the module is not loaded"
fi
for module in sch_netem sch_tbf sch_codel sch_fq tcp_bbr tcp_dctcp; do
	modprobe "$module" 2>/dev/null || true
done
# What the tests run is in memory then: in virtual time waiting for the disk is long.
ip link show lo >/dev/null
tc qdisc show dev lo >/dev/null
kernel=$(uname -r | cut -d. -f1,2)
export TCPX_EXAMPLE=$out/tcpx_example-$kernel.ko
exec "$out/cong" "$@"
