#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Unmodified official clients run an instance's life against the lab.
cd "$(dirname "$0")" || exit 1
if [ ! -d node_modules ]; then
	echo "not ok - tests/api/node_modules is missing: run setup"
	exit 1
fi
POLDER=$(realpath "../../${O:-build}/polder") exec node clients.mjs
