# SPDX-License-Identifier: GPL-2.0
# The front door: "make help". Kbuild is what builds the module.

TCPX_CACHE ?= $(HOME)/.cache/tcpx
export TCPX_CACHE KVER KDIR

# Everything below the cache belongs to root, whoever asks.
as_root = sudo --preserve-env=TCPX_CACHE,KVER,KDIR
SUDO := $(if $(filter-out 0,$(shell id -u)),$(as_root))
PROGRAMS := $(patsubst %/Makefile,%,$(wildcard selftests/*/Makefile)) $(wildcard scripts/launcher)

help:
	@echo "AF_TCPX: TCP as a kernel module. Nothing here loads into your own kernel but 'install'."
	@echo
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "  %-15s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))
	@echo
	@echo "KVER=6.1|6.12|7.3|debug|kcsan chooses the kernel of module, vm and demo (default 6.1)."
	@echo "The cache is TCPX_CACHE=$(TCPX_CACHE)."

setup:		## install the Debian packages that the rest needs, fetch the kernels
	@scripts/setup
	@scripts/kernel $(KVER)
	@scripts/kernel --harness >/dev/null

module:		## build tcpx.ko for KVER, or for KDIR (default: the kernel that runs here)
ifeq ($(KVER),)
	@scripts/module -d "$${KDIR:-/lib/modules/$$(uname -r)/build}" -o tcpx.ko
else
	@scripts/module -k "$(KVER)"
endif

install: module	## install tcpx.ko for the kernel that runs here (modprobe tcpx loads it)
	$(SUDO) install -D -m 644 tcpx.ko "/lib/modules/$$(uname -r)/updates/tcpx.ko"
	$(SUDO) depmod -a

selftests: ready-host	## build the programs of the tests, the examples and the launcher
	@for dir in $(PROGRAMS); do \
		area=$${dir##*/}; out="$$TCPX_CACHE/selftests/$$area"; \
		[ "$$dir" != scripts/launcher ] || out="$$TCPX_CACHE/launcher"; \
		$(SUDO) $(MAKE) --no-print-directory -s -j"$$(nproc)" -C "$$dir" OUT="$$out" all || exit 1; \
	done

check: ready	## all tests on all kernels: unit, api, wire, interop, torture, ...; SHORT=1 for CI
	@scripts/check $(if $(SHORT),-s)

check-all: ready	## the same, nothing left out on either kernel
	@scripts/check -a

check-unit: selftests	## the logic by itself, in user space under ASan and UBSan
	@scripts/check unit

check-api: selftests	## the system calls, on 6.1 and 6.12
	@scripts/check api

check-wire: selftests	## single segments through a TUN device, on 6.1 and 6.12
	@scripts/check wire

check-debug: selftests	## the same and more on the debug kernel (KASAN, lockdep, ...), built if need be
	@scripts/check :debug

check-kcsan: selftests	## data races, on the KCSAN kernel, built if need be
	@scripts/check :kcsan

check-stress: selftests	## data under disturbances and fuzzing, load and unload, on 6.1
	@scripts/check stress:6.1 fuzz:6.1 reload:6.1

fuzz: selftests	## a million mutated segments on the debug kernel; FUZZ_SEED=N repeats a run
	@scripts/vm -k debug --timeout 3000 -- selftests/fuzz/run.sh 1000000 $(FUZZ_SEED)

fuzz-options: ready-host	## libFuzzer on the option parser, in user space; RUNS=n (ten million)
	@$(SUDO) $(MAKE) --no-print-directory -s -C selftests/unit fuzz RUNS=$(or $(RUNS),10000000)

fuzz-segments: ready-host	## libFuzzer on segment arrival, in user space; RUNS=n (ten million)
	@scripts/kernel 6.1 >/dev/null
	@$(SUDO) $(MAKE) --no-print-directory -s -C selftests/unit fuzz-segments \
		RUNS=$(or $(RUNS),10000000)

soak: selftests	## disturbed traffic, fuzzing, reloading in random order; MINUTES=n (2), KVER
	@scripts/vm $(if $(KVER),-k $(KVER)) --timeout $$(($(or $(MINUTES),2) * 60 + 600)) -- \
		selftests/soak/run.sh $(or $(MINUTES),2) $(SOAK_SEED)

check-interop: selftests	## real programs against each other, on 6.1 and 6.12
	@scripts/check interop

check-daemons: selftests	## more of them, that take long to start: haproxy, postgres, rsync, ...
	@scripts/check daemons:6.1 daemons:6.12

torture: selftests	## bad links, beside the kernel's TCP: the whole matrix (hours)
	@scripts/torture --long

# Which and how many: make dialogues DIALOGUES="-c 300 ends" KVER=7.3
dialogues: selftests	## random segments, what kernel TCP and AF_TCPX say to them: where they part
	@scripts/vm $(if $(KVER),-k $(KVER)) --icount --timeout 3000 -- \
		selftests/dialogue/run.sh $(DIALOGUES)

check-reload: selftests	## load and unload the module 200 times
	@scripts/vm --timeout 3000 -- selftests/reload/run.sh 200

smoke: selftests	## load, one exchange, unload, twice, on every kernel
	@scripts/check smoke

check-bench: selftests	## TCPX no dearer beside kernel TCP than recorded, in virtual time
	@scripts/check bench

bench: selftests	## measure against kernel TCP: all rows and paths, table and plot (half an hour)
	@scripts/bench $(BENCH_ARGS)

# One of the rows: make profile ROW=rr-1
profile: selftests	## where the instructions of a bench ROW= go, kernel TCP and TCPX
	@scripts/profile $(ROW)

demo: selftests	## AF_TCPX at work, explained as it goes
	@scripts/demo

style: ready-host	## checkpatch, sparse, kernel-doc, shellcheck: nothing to say
	@scripts/style

vm: ready-host	## a shell in the virtual machine, module loaded
	@scripts/vm --shell

clean:		## remove what was built; the fetched kernels stay
	$(SUDO) rm -rf "$(TCPX_CACHE)/build" "$(TCPX_CACHE)/selftests" "$(TCPX_CACHE)/launcher" \
		"$(TCPX_CACHE)/trixie/var/tmp/tcpx" tcpx.ko

# What every run makes sure of; silent and quick when all is there.
ready-host:
	@scripts/setup
	@scripts/kernel --harness >/dev/null

ready: selftests

.PHONY: help setup module install selftests check check-all check-unit check-api check-wire \
	check-interop check-daemons check-bench check-debug check-kcsan check-stress check-reload fuzz \
	fuzz-options fuzz-segments soak torture dialogues \
	smoke bench profile demo style vm clean ready-host ready
