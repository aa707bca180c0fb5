#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Ordinary use of port forwarding: many connections, big transfers, services that speak first, both IP
# versions, with no failure allowed.
. "$(dirname "$0")/lib.sh"

for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	vip=$(instance "$id" Ip)
	forward "$id" tcp 80 "$HTTP_PORT" "${!origin}"
	forward "$id" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "$id" tcp 25 "$TCP_BANNER" "${!origin}"
	forward "$id" udp 7000 "$UDP_ECHO" "${!origin}"
	check "nodes confirm the rules, IPv$version" settled
	check "10,000 sequential connections, IPv$version" inside client "$LOAD" get "$vip" 80 10000 1 / 1024
	check "1,000 concurrent connections held for 3 s, IPv$version" inside client "$LOAD" hold "$vip" 7000 1000 3
	check "4,000 connections, 200 at a time, IPv$version" inside client "$LOAD" echo "$vip" 7000 4000 200 2000
	check "1 MiB down, 20 times, IPv$version" inside client "$LOAD" get "$vip" 80 20 4 /1m 1048576
	check "1 MiB up and back byte for byte, IPv$version" inside client "$LOAD" echo "$vip" 7000 20 4 1048576
	host=$vip
	[ $version = 6 ] && host="[$vip]"
	sum=$(inside origin curl -s "http://127.0.0.1:$HTTP_PORT/1m" | sha256sum)
	equal "1 MiB down is identical, IPv$version" "$sum" "$(inside client curl -s "http://$host/1m" | sha256sum)"
	check "server-first service, 500 connections, IPv$version" inside client "$LOAD" banner "$vip" 25 500 10
	check "20,000 datagrams both ways, IPv$version" inside client "$LOAD" udp "$vip" 7000 20000 20000
done

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
source=$(client_address 4 "$vip")
forward "$id" udp 7000 "$UDP_ECHO" "$ORIGIN4"
call AddAutoCcBlacklist --InstanceId "$id" --ExpireTime 300 --Blacklist "[{\"src\":\"$source\"}]" >/dev/null
check "nodes confirm the block-list" settled
if reaches udp "$vip" 7000; then got=yes; else got=no; fi
equal "block-listed source" no "$got"
call AddAutoCcWhitelist --InstanceId "$id" --Whitelist "[{\"src\":\"$source\"}]" >/dev/null
check "nodes confirm the allow-list" settled
check "the allow-list wins over the block-list" reaches udp "$vip" 7000
drops_counted() { jq -e '.DroppedPackets >= 1' <<<"$(call DescribeTraffic --InstanceId "$id")"; }
check "drops are counted" eventually drops_counted
check "back-to-origin blocks are blocks" jq -e '(.Cidrs | length) >= 16 and all(.Cidrs[]; test("^203[.]0[.]113[.][0-9]+/32$"))' \
	<<<"$(call DescribeBackSourceCidr --IpVersion Ipv4)"
done_testing
