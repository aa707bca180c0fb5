#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Two nodes: both confirm every order, both carry traffic, either accepts the other's cookies, and what the API
# says is true while one of them hears of nothing.
OWN_LAB=2
. "$(dirname "$0")/lib.sh"

# count NODE REASON: packets that the node has counted; nodes report each second.
count() {
	call DescribeNodes | jq --arg node "$1" --arg reason "$2" \
		'.Nodes[] | select(.NodeName == $node) | .Reasons[] | select(.Name == $reason).Packets'
}
# counted REASON SUM: both nodes together come to SUM.
counted() {
	local end=$((SECONDS + PATIENCE)) sum
	while [ $SECONDS -lt $end ]; do
		sum=$(($(count node "$1") + $(count node2 "$1")))
		[ "$sum" = "$2" ] && return 0
		sleep 0.1
	done
	echo "node $(count node "$1"), node2 $(count node2 "$1")"
	return 1
}
loads() { inside client timeout 20 "$LOAD" "$@"; }
# More than a quarter of the whole through each node: of a thousand flows far more than chance denies.
balanced() { # balanced REASON BEFORE1 BEFORE2 WHOLE
	local first=$(($(count node "$1") - $2)) second=$(($(count node2 "$1") - $3))
	[ $((first * 4)) -gt "$4" ] && [ $((second * 4)) -gt "$4" ] || { echo "node $first, node2 $second"; return 1; }
}

equal "two nodes are there when lab up returns, and have confirmed what there is" "node true node2 true" \
	"$(call DescribeNodes | jq -r '.Nodes | sort_by(.NodeName) | map("\(.NodeName) \(.UpToDate)") | join(" ")')"
equal "status names both" "$POLDER_LAB_NAME-node $POLDER_LAB_NAME-node2" \
	"$(field '.namespaces | "\(.node) \(.node2)"')"
check "both agents run" jq -e '.pids.agent > 1 and .pids.agent2 > 1' <<<"$STATUS"
check "each has back-to-origin addresses of its own" jq -e '
	[.Nodes[].Sources] | all(.[]; length == 32) and (add | unique | length == 64)' <<<"$(call DescribeNodes)"

declare -A id vip bits=([4]=32 [6]=128)
for version in 4 6; do
	origin=ORIGIN$version
	id[$version]=$(buy Ipv$version)
	check "both confirm an instance, IPv$version" settled
	vip[$version]=$(instance "${id[$version]}" Ip)
	for rule in "tcp 80 $HTTP_PORT" "udp 7000 $UDP_ECHO"; do
		read -r protocol frontend backend <<<"$rule"
		forward "${id[$version]}" "$protocol" "$frontend" "$backend" "${!origin}"
		check "both confirm a rule of $protocol, IPv$version" settled
	done
	equal "Enabled, IPv$version" 1 "$(instance "${id[$version]}" Enabled)"
	always_cookies "${id[$version]}" # counted below
	check "both confirm its limit, IPv$version" settled
done

# ---- traffic through both
for version in 4 6; do
	first=$(count node flow_opened) second=$(count node2 flow_opened)
	cookies=$(($(count node cookie_sent) + $(count node2 cookie_sent)))
	check "1,000 connections, IPv$version" loads get "${vip[$version]}" 80 1000 10 / 1024
	check "each opened one flow, IPv$version" counted flow_opened $((first + second + 1000))
	check "and took one cookie, IPv$version" counted cookie_sent $((cookies + 1000))
	check "both nodes carried them, IPv$version" balanced flow_opened "$first" "$second" 1000
done
# Attacked is the newest instance: one that nobody else talks to.
new=$(buy Ipv4)
forward "$new" tcp 80 "$HTTP_PORT" "$ORIGIN4"
always_cookies "$new"
check "both confirm an instance to attack" settled
first=$(count node cookie_sent) second=$(count node2 cookie_sent)
"$POLDER" lab drill syn-flood --seconds 1 --pps 4000 >"$scratch/drill"
sent=$(awk '$1 == "sent" && $3 == "packets," { print $2 }' "$scratch/drill")
check "a flood is answered by both together" counted cookie_sent $((first + second + sent))
check "and by each" balanced cookie_sent "$first" "$second" "$sent"
equal "the instance's traffic is the sum over both" "$sent" "$(call DescribeTraffic --InstanceId "$new" | jq .InPackets)"

# ---- a cookie of one node, brought back to the other: SYNs leave the client through the first link, what has ACK set
# through the second.
settings_of() { # settings_of NODE OFFSET LENGTH: bytes of its settings
	bpftool -j map dump pinned "$(field .state)/bpf/$1/settings" |
		jq -r ".[0].value[$2:$(($2 + $3))] | map(ltrimstr(\"0x\")) | join(\"\")"
}
# The keys change with the epoch: both must have been read in the same one. They follow the two offsets.
same_keys() {
	local i epoch first second
	for i in $(seq 20); do
		epoch=$(settings_of node 48 4) first=$(settings_of node 16 32) second=$(settings_of node2 16 32)
		[ "$epoch" = "$(settings_of node 48 4)" ] && [ "$epoch" = "$(settings_of node2 48 4)" ] && break
		sleep 0.1
	done
	[ "${#first}" = 64 ] && [ "$first" != "$(printf '0%.0s' $(seq 64))" ] && [ "$first" = "$second" ]
}
check "both nodes hold the same secrets for cookies" same_keys
# The source is that of the second: the first node answers a SYN where it came from, the other needs a route.
split() { # split VERSION FROM TO: by the ACK flag, 33 bytes into an IPv4 packet, 53 into one of IPv6
	local family=ip match=ip offset=33 source
	[ "$1" = 6 ] && family=ipv6 match=ip6 offset=53
	source=$(inside client ip -j -"$1" addr show dev "$3" scope global | jq -r '.[0].addr_info[0].local')
	inside client ip -"$1" route replace "$address/${bits[$1]}" via "$(gateway "$1" "$2")" dev "$2" src "$source" &&
		inside client tc qdisc replace dev "$2" clsact &&
		inside client tc filter add dev "$2" egress protocol $family u32 \
			match $match dst "$address/${bits[$1]}" match $match protocol 6 0xff \
			match u8 0x10 0x10 at $offset action mirred egress redirect dev "$3"
}
gateway() { # gateway VERSION LINK: the node's address on a link of the client
	inside client ip -j -"$1" neigh show dev "$2" nud permanent | jq -r \
		".[].dst | select(startswith(\"fe80\") | not)" | head -n 1
}
unsplit() {
	inside client tc qdisc del dev "$2" clsact
	inside client ip -"$1" route del "$address/${bits[$1]}"
}
# What is proven to a node is answered to the link-layer address that it came from: the links of the client get
# the same one, and forget by that where the node is.
same_address() {
	local version node
	declare -A node=([4]=$(gateway 4 n1) [6]=$(gateway 6 n1))
	local -r lladdr=$(inside client ip -j neigh show dev n1 nud permanent | jq -r '.[0].lladdr')
	inside client ip link set n1 address "$(inside client ip -j link show dev n0 | jq -r ".[0].address")"
	for version in 4 6; do
		inside client ip neigh replace "${node[$version]}" lladdr "$lladdr" dev n1 nud permanent
	done
}
same_address
for version in 4 6; do
	for way in "n0 n1 node node2" "n1 n0 node2 node"; do
		read -r from to asked proven <<<"$way"
		name="IPv$version, cookies of $asked proven to $proven"
		# A new address: neither node has seen these pairs of addresses and ports before.
		new=$(buy Ipv$version)
		address=$(instance "$new" Ip) origin=ORIGIN$version
		always_cookies "$new"
		forward "$new" tcp 80 "$HTTP_PORT" "${!origin}"
		check "both confirm an address more, $name" settled
		if ! split $version "$from" "$to" 2>"$scratch/why"; then
			ok "$name # SKIP tc: $(head -n 1 "$scratch/why")"
			unsplit $version "$from" 2>/dev/null
			continue
		fi
		declare -A was=([cookie]=$(count $asked cookie_sent) [flow]=$(count $proven flow_opened)
			[cookie_there]=$(count $proven cookie_sent) [flow_there]=$(count $asked flow_opened))
		check "300 connections, $name" loads get "$address" 80 300 10 / 1024
		check "flows are counted, $name" counted flow_opened $((was[flow] + was[flow_there] + 300))
		check "cookies too, $name" counted cookie_sent $((was[cookie] + was[cookie_there] + 300))
		equal "SYNs and flows, $name" "300 0, 0 300" \
			"$(($(count $asked cookie_sent) - was[cookie])) $(($(count $asked flow_opened) - was[flow_there])), $(($(
				count $proven cookie_sent) - was[cookie_there])) $(($(count $proven flow_opened) - was[flow]))"
		unsplit $version "$from"
	done
done

# ---- one agent hears of nothing: its node goes on with what it knows, and the API says so
up_to_date() { call DescribeNodes | jq -r '.Nodes | sort_by(.NodeName) | map(.UpToDate) | join(" ")'; }
agent=$(field .pids.agent2)
kill -STOP "$agent"
equal "nothing was ordered: both are up to date" "true true" "$(up_to_date)"
new=$(buy Ipv4)
forward "$new" tcp 80 "$HTTP_PORT" "$ORIGIN4"
only_one() { [ "$(up_to_date)" = "true false" ]; }
check "an order: only the other node is" eventually only_one
equal "an instance that one node does not know is not Enabled" 0 "$(instance "$new" Enabled)"
equal "one that both know is" 1 "$(instance "${id[4]}" Enabled)"
check "and works, 500 connections through both nodes" loads get "${vip[4]}" 80 500 10 / 1024
kill -CONT "$agent"
check "it hears again: both confirm" settled
equal "and the new instance is Enabled" 1 "$(instance "$new" Enabled)"
check "and works" loads get "$(instance "$new" Ip)" 80 500 10 / 1024

# ---- killed, it comes back and knows what it missed
kill -STOP "$agent"
call DeletePort --InstanceId "$new" --FrontendProtocol tcp --FrontendPort 80 --BackendPort "$HTTP_PORT" \
	--RealServers.1 "$ORIGIN4" >/dev/null
forward "$new" tcp 81 "$HTTP_PORT" "$ORIGIN4"
equal "it misses two orders" false "$(call DescribeNodes | jq '.Nodes[] | select(.NodeName == "node2").UpToDate')"
kill -9 "$agent"
for _ in 1 2 3; do settled >/dev/null && break; done
check "its successor confirms all of them" settled
check "the new rule works through both" loads get "$(instance "$new" Ip)" 81 500 10 / 1024
check "connections go on as before" loads get "${vip[6]}" 80 500 10 / 1024

# ---- time and lists are in force at both: each of 16 sockets is hashed to one of the nodes
each_of_16() { # how many datagrams from 16 sockets are answered
	local i
	echo "${vip[4]}" >"$scratch/vip"
	for i in $(seq 16); do
		inside client "$LOAD" each "$scratch/vip" 7000 500 >"$scratch/each-$i" &
	done
	wait
	cat "$scratch"/each-* | jq -s 'map(.answered) | add'
}
equal "16 sockets: all are answered" 16 "$(each_of_16)"
for source in $(inside client ip -j -4 addr show scope global | jq -r '.[].addr_info[].local'); do
	call AddAutoCcBlacklist --InstanceId "${id[4]}" --ExpireTime 7200 --Blacklist "[{\"src\":\"$source\"}]" >/dev/null
done
check "both confirm the block-list" settled
equal "block-listed: none is" 0 "$(each_of_16)"
at_expiry_plus "${id[4]}" 2
equal "expired: all are" 16 "$(each_of_16)"
at_expiry_plus "${id[4]}" $((7 * 86400 + 2))
equal "seven days after: none is" 0 "$(each_of_16)"
clock reset
equal "lab down" "" "$("$POLDER" lab down 2>&1)"
equal "leaves nothing of either node" "" "$(ls -d /run/netns/"$POLDER_LAB_NAME"-* /run/"$POLDER_LAB_NAME"-lab* 2>/dev/null)"
done_testing
