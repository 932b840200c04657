# SPDX-License-Identifier: GPL-2.0
# Sourced by the bash scripts of this folder: where things are, and how to talk.
# shellcheck shell=bash disable=SC2034

TCPX_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TCPX_CACHE=${TCPX_CACHE:-$HOME/.cache/tcpx}
TCPX_ME=$(basename "$0")
TCPX_SERIES="6.1 6.12 7.3"
# Built from Debian's source of 6.1: see scripts/kconfig.
TCPX_DEBUG_SERIES="debug kcsan"
export TCPX_CACHE

say() { printf '%s: %s\n' "$TCPX_ME" "$*" >&2; }
die() { say "error: $*"; exit 2; }

# Become root, keeping the caller's cache folder and choices.
need_root() {
	local keep

	[ "$(id -u)" -ne 0 ] || return 0
	command -v sudo >/dev/null || die "needs root: run it as root or install sudo"
	keep=$(compgen -e | grep -E '^(TCPX_|KVER$|KDIR$|W$|C$)' | paste -sd, -)
	exec sudo --preserve-env="$keep" "$0" "$@"
}

# check_series SERIES: is this one of the kernels the project knows?
check_series() {
	case " $TCPX_SERIES $TCPX_DEBUG_SERIES " in
	*" $1 "*) ;;
	*) die "unknown kernel '$1' (one of: $TCPX_SERIES $TCPX_DEBUG_SERIES)" ;;
	esac
}

is_debug_series() {
	case " $TCPX_DEBUG_SERIES " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# kernel_dir SERIES: its folder in the cache. One that is built here is named after
# its configuration as well: an edited one is another kernel.
kernel_dir() {
	local key=""

	if is_debug_series "$1"; then
		key=-$(cat "$TCPX_TOP/scripts/kconfig/base.config" "$TCPX_TOP/scripts/kconfig/$1.config" |
			cksum | cut -d' ' -f1)
	fi
	echo "$TCPX_CACHE/kernels/$1$key"
}

# slowness SERIES: how many times longer than on a stock kernel things may take.
slowness() {
	case $1 in
	debug) echo 8 ;;
	kcsan) echo 4 ;;
	*) echo 1 ;;
	esac
}

# with_lock NAME CMD...: run CMD while no other run holds NAME in this cache.
with_lock() {
	local name=$1 fd

	shift
	mkdir -p "$TCPX_CACHE"
	[ -e "$TCPX_CACHE/.lock-$name" ] || : >"$TCPX_CACHE/.lock-$name"
	exec {fd}<"$TCPX_CACHE/.lock-$name"
	flock "$fd"
	# Children that outlive us must not inherit the lock. No "||" here: it
	# would switch off set -e inside the function that is called.
	"$@" {fd}<&-
	exec {fd}<&-
}
