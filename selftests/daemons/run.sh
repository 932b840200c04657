#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The programs of selftests/interop that take long to start: a suite of their own.
exec "$(dirname "$(readlink -f "$0")")/../interop/run.sh" -d "$@"
