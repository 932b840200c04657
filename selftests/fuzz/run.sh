#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fuzz with mutated segments: run.sh [SEGMENTS [SEED]]. As root in the VM. Another
# seed each time, unless one is given; the log says which.
set -eu

fuzz=${TCPX_CACHE:-${HOME:-/root}/.cache/tcpx}/selftests/fuzz/fuzz
segments=${1:-${FUZZ_SEGMENTS:-20000}}
seed=${2:-${FUZZ_SEED:-$RANDOM}}

[ -x "$fuzz" ] || { echo "Bail out! no $fuzz: make -C selftests/fuzz"; exit 2; }
modprobe -q tun 2> /dev/null || true
echo "# seed $seed"
exec "$fuzz" -n "$segments" -s "$seed"
