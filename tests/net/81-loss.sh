#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad lines on both sides of the node: 1 % of all TCP packets lost, 1 % late by up to 5 ms and so out of order,
# 0.5 % twice, at the client and at the origin, each way. No connection may fail, and no byte differ.
#
#   81-loss.sh [TIMES]    so many times as many connections
. "$(dirname "$0")/lib.sh"

TIMES=${1:-1}
bad=()
trap 'mend; finish' EXIT

impair() { # impair ROLE DROP DUPLICATE LATE: until mend
	"$O/tests/wire/impair" "$(field ".namespaces.$1")" n0 "$2" "$3" "$4" 5 >"$scratch/impair-$1" &
	bad+=($!)
	for ((n = 0; n < 100; n++)); do
		inside "$1" tc filter show dev n0 egress | grep -q impair_out && return
		sleep 0.05
	done
	not_ok "the line of $1 did not turn bad"
}
mend() { # sets lost: how many packets were
	[ ${#bad[@]} -gt 0 ] || return
	kill "${bad[@]}" && wait "${bad[@]}"
	bad=()
	lost=$(cat "$scratch"/impair-* | jq -s '[.[] | .in.dropped + .out.dropped] | add')
}
connections() { inside client "$LOAD" "$@"; }

for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	vip[version]=$(instance "$id" Ip)
	forward "$id" tcp 80 "$HTTP_PORT" "${!origin}"
	forward "$id" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "$id" tcp 25 "$TCP_BANNER" "${!origin}"
done
check "nodes confirm the rules" settled

impair client 10 5 10
impair origin 10 5 10
for version in 4 6; do
	v=${vip[version]}
	check "connections that echo, IPv$version" connections echo "$v" 7000 $((3000 * TIMES)) 500 2000
	check "requests and replies, IPv$version" connections get "$v" 80 $((2000 * TIMES)) 500 / 1024
	check "1 MiB up and back, IPv$version" connections echo "$v" 7000 $((10 * TIMES)) 10 1048576
	check "connections held for 3 s, IPv$version" connections hold "$v" 7000 $((100 * TIMES)) 3
done
mend
check "packets were lost, $lost" test "$lost" -gt 300

# A silent client whose ACK of the cookie is lost waits for ever: there is no state that could mend it.
impair client 0 5 20
impair origin 10 5 10
for version in 4 6; do
	check "server-first, packets lost at the origin, IPv$version" \
		connections banner "${vip[version]}" 25 $((1000 * TIMES)) 100
done
mend
check "nothing of it is left" test -z "$(inside client ip link show hold0 2>/dev/null; inside origin tc qdisc show dev n0 clsact)"
done_testing
