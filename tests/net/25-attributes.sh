#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Attributes of port rules on the wire: a client stays with one of two origins as long as persistence is
# on, and payloads of another length are dropped as long as mitigation is on. The second origin is the
# address that the origin has toward its node: the same servers listen there.
. "$(dirname "$0")/lib.sh"

second() { # second 4|6: the origin's other address
	inside origin ip -j -"$1" addr show dev n0 scope global | jq -r '.[0].addr_info[0].local'
}
# origins VIP ADDRESS ADDRESS: how many of the two serve 32 connections that are held at a time
origins() {
	local hold
	inside client "$LOAD" hold "$1" 7000 32 2 >"$scratch/hold" 2>&1 &
	hold=$!
	sleep 1
	inside origin ss -Htn state established "sport = :$TCP_ECHO" | awk '{ print $3 }' | sort -u |
		grep -cF -e "$2]" -e "$3]"
	wait $hold
	[ "$(jq .failed "$scratch/hold")" = 0 ] || echo "and connections failed"
}
# attributes ID PROTOCOL CONFIG
attributes() {
	call ModifyNetworkRuleAttribute --InstanceId "$1" --ForwardProtocol "$2" --FrontendPort 7000 --Config "$3" \
		>/dev/null && settled
}
described() { # described ID FIELD
	call DescribeNetworkRuleAttributes --NetworkRules \
		"[{\"InstanceId\":\"$1\",\"Protocol\":\"tcp\",\"FrontendPort\":7000}]" | jq -c ".NetworkRuleAttributes[0].Config.$2"
}
echoes() { # echoes VIP BYTES: yes or no
	if inside client timeout 3 "$LOAD" echo "$1" 7000 1 1 "$2" >/dev/null 2>&1; then echo yes; else echo no; fi
}
drops() { call DescribeTraffic --InstanceId "$1" | jq .DroppedPackets; }

for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	vip=$(instance "$id" Ip)
	two=("${!origin}" "$(second $version)")
	call CreatePort --InstanceId "$id" --FrontendProtocol tcp --FrontendPort 7000 --BackendPort "$TCP_ECHO" \
		--RealServers.1 "${two[0]}" --RealServers.2 "${two[1]}" >/dev/null
	check "nodes confirm the rule, IPv$version" settled
	equal "a fresh rule has no persistence, IPv$version" 0 "$(described "$id" PersistenceTimeout)"
	equal "two origins share the connections, IPv$version" 2 "$(origins "$vip" "${two[@]}")"
	check "persistence on, IPv$version" attributes "$id" tcp '{"PersistenceTimeout":30}'
	equal "it is described, IPv$version" 30 "$(described "$id" PersistenceTimeout)"
	equal "one origin serves the client, IPv$version" 1 "$(origins "$vip" "${two[@]}")"
	equal "and the same client later, IPv$version" 1 "$(origins "$vip" "${two[@]}")"
	check "persistence off, IPv$version" attributes "$id" tcp '{"PersistenceTimeout":0}'
	equal "two origins again, IPv$version" 2 "$(origins "$vip" "${two[@]}")"

	before=$(drops "$id")
	equal "1,000 bytes without bounds, IPv$version" yes "$(echoes "$vip" 1000)"
	check "payloads of 10 to 100 bytes, IPv$version" attributes "$id" tcp '{"PayloadLen":{"Min":10,"Max":100}}'
	equal "they are described, IPv$version" '{"Max":100,"Min":10}' "$(described "$id" PayloadLen | jq -cS .)"
	equal "64 bytes pass, IPv$version" yes "$(echoes "$vip" 64)"
	equal "1,000 bytes do not, IPv$version" no "$(echoes "$vip" 1000)"
	equal "8 bytes do not, IPv$version" no "$(echoes "$vip" 8)"
	more_drops() { [ "$(drops "$id")" -gt "$before" ]; }
	check "the drops are counted, IPv$version" eventually more_drops
	at_expiry_plus "$id" 1
	equal "1,000 bytes pass after expiry, IPv$version" yes "$(echoes "$vip" 1000)"
	clock reset
	equal "and not before, IPv$version" no "$(echoes "$vip" 1000)"
	source=$(client_address $version "$vip")
	call AddAutoCcWhitelist --InstanceId "$id" --Whitelist "[{\"src\":\"$source\"}]" >/dev/null
	check "nodes confirm the allow-list, IPv$version" settled
	equal "who is allowed may send 1,000 bytes, IPv$version" yes "$(echoes "$vip" 1000)"
done
equal "what cannot be in force is refused" InvalidParameter \
	"$(code_of ModifyNetworkRuleAttribute --InstanceId "$id" --ForwardProtocol tcp --FrontendPort 7000 --Config '{"Slimit":{"CpsMode":2}}')"
done_testing
