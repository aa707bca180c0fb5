#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad lines on both sides of the node: 1 % of all TCP packets lost, 1 % late by up to 5 ms and so out of order,
# 0.5 % twice, at the client and at the origin, each way. No connection may fail, and no byte differ.
#
#   81-loss.sh [TIMES]    so many times as many connections
. "$(dirname "$0")/lib.sh"

TIMES=${1:-1}
connections() { inside client "$LOAD" "$@"; }

for version in 4 6; do
	origin=ORIGIN$version
	id[version]=$(buy Ipv$version)
	vip[version]=$(instance "${id[version]}" Ip)
	forward "${id[version]}" tcp 80 "$HTTP_PORT" "${!origin}"
	forward "${id[version]}" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "${id[version]}" tcp 25 "$TCP_BANNER" "${!origin}"
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

# All SYNs get cookies. Whoever has been here before is asked again for an ACK that was lost; first, without losses there,
# everybody is here for the first time.
server_first() { connections banner "$1" 25 $((1000 * TIMES)) 100; }
for version in 4 6; do
	always_cookies "${id[version]}"
done
check "nodes confirm that all SYNs get cookies" settled
impair client 0 5 20
impair origin 10 5 10
for version in 4 6; do
	check "server-first, packets lost at the origin, IPv$version" server_first "${vip[version]}"
done
mend
# Three in a row are lost now and then; without the question it would be ten of a thousand.
few_wait() { server_first "$1" >"$scratch/said"; jq -e ".timeouts <= 2 * $TIMES and .ok >= .resets * 100" "$scratch/said"; }
impair client 10 5 10
impair origin 10 5 10
for version in 4 6; do
	check "server-first with cookies, packets lost on both sides, IPv$version" few_wait "${vip[version]}"
done
mend

# Where SYNs pass the client's ACK is asked for again. Who has lost three in a row is told.
none_waits() { server_first "$1" >"$scratch/said"; jq -e '.timeouts == 0 and .ok >= .resets * 100' "$scratch/said"; }
for version in 4 6; do
	call ModifyInstanceLimits --InstanceId "${id[version]}" --SynThreshold 1000000 >/dev/null
done
check "nodes confirm that SYNs pass" settled
impair client 10 5 10
impair origin 10 5 10
for version in 4 6; do
	check "server-first, packets lost on both sides, IPv$version" none_waits "${vip[version]}"
done
mend
check "nothing of it is left" test -z "$(inside client ip link show hold0 2>/dev/null; inside origin tc qdisc show dev n0 clsact)"
done_testing
