#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Requests that are broken in transport get the published answer and change nothing.
cd "$(dirname "$0")" || exit 1
POLDER=$(realpath "../../${O:-build}/polder") exec node bad-transport.mjs
