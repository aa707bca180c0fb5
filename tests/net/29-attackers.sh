#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who attacks: attacks by one blocked source and by forged ones, and a client of the lab each time, over IPv4 and IPv6. The
# record names those who stand out, with country and port, while it goes on and when it is over; forged ones are not named.
# A lab of its own: it takes its time, which others need not wait for.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"

attack() { call DescribeAttacks --InstanceId "$1" | jq -ce 'first(.Attacks[] | select(.EventType == "defense")) // empty'; }
number() { attack "$1" | jq .Number; }
sources() { call DescribeAttackSources --Number "$(number "$1")"; }
# knows ID FILTER: what is known of the attack on the instance by now
knows() { sources "$1" | jq -e "$2"; }
# closed VERSION ADDRESS PORT SECONDS: datagrams of the client to a port without a rule
closed() {
	inside client timeout "$4" bash -c "exec 3>/dev/udp/$2/$3; while :; do for i in {1..20}; do echo -n 0123456789 >&3; done; sleep 0.01; done" \
		2>/dev/null
}
client_address() { # client_address VERSION TO: where such packets come from
	inside client ip -j -"$1" route get "$2" | jq -r '.[0].prefsrc'
}
slash64() { # of a written address, as the lists have it
	python3 -c 'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1] + "/64", strict=False).network_address)' "$1"
}

PATIENCE=60
for version in 4 6; do
	id=$(buy Ipv$version)
	vip=$(instance "$id" Ip)
	forward "$id" udp 53 "$UDP_ECHO" "$([ $version = 4 ] && echo "$ORIGIN4" || echo "$ORIGIN6")"
	check "IPv$version: the nodes have it" settled
	client=$(client_address $version "$vip")
	[ $version = 4 ] || client=$(slash64 "$client")

	# ---- a source that the lab says is in Antarctica, or forged ones; and a client of the lab, from nowhere
	closed $version "$vip" 9999 60 &
	other=$!
	if [ $version = 4 ]; then
		check "IPv4: a drill of one source" "$POLDER" lab drill block-listed --vip "$vip" --seconds 12 --pps 8000
		first='.Source == "198.51.100.66" and .Country == "aq" and .Reason == "block_list"'
		country=aq
	else
		check "IPv6: a drill of forged sources" "$POLDER" lab drill udp-flood-ipv6 --vip "$vip" --seconds 12 --pps 8000
		first=".Source == \"$client\" and .Country == \"unknown\" and .Reason == \"no_service\" and .Port == 9999"
		country=unknown
	fi
	check "IPv$version: an attack is recorded" eventually attack "$id"
	check "IPv$version: who sends most is named first" eventually knows "$id" ".Sources[0] | $first and .Provider == \"unknown\""
	check "IPv$version: the client is named, with the port that it goes to" eventually knows "$id" \
		"any(.Sources[]; .Source == \"$client\" and .Reason == \"no_service\" and .Protocol == \"udp\" and .Port == 9999)"
	check "IPv$version: so are the port and the length of its packets" eventually knows "$id" \
		"any(.Ports[]; .Protocol == \"udp\" and .Port == 9999) and any(.Lengths[]; .Bytes == $([ $version = 4 ] && echo 38 || echo 58))"
	kill $other 2>/dev/null
	wait $other 2>/dev/null
	known=$(sources "$id")
	# A forged one would have to be met twice within seconds: that may happen, but not often.
	check "IPv$version: forged sources are not named" jq -e '.Sources | length < 20' <<<"$known"
	packets=$(jq '.Sources[0].Packets' <<<"$known")
	[ $version = 6 ] || { ends=$id ended_first=$first ended_packets=$packets; }
	if [ "$packets" -gt 3000 ]; then ok "IPv$version: $packets packets"; else not_ok "IPv$version: packets of the first" "$known"; fi

	# ---- as published
	begin=$(($(attack "$id" | jq .BeginTime) / 1000))
	at=(--Ip "$vip" --EventType defense --StartTime "$begin")
	equal "IPv$version: DescribeDDosEventSrcIp" "$(jq -r '.Sources[0].Source' <<<"$known") $country" \
		"$(call DescribeDDosEventSrcIp "${at[@]}" --Range 5 | jq -r '.Ips[0] | "\(.SrcIp) \(.AreaId)"')"
	equal "IPv$version: DescribeDDosEventArea" $country "$(call DescribeDDosEventArea "${at[@]}" | jq -r '.Areas[0].Area')"
	equal "IPv$version: DescribeDDosEventIsp" unknown "$(call DescribeDDosEventIsp "${at[@]}" | jq -r '.Isps[0].Isp')"
	check "IPv$version: DescribeDestinationPortEvent" jq -e 'any(.PortList[]; .DstPort == "9999")' \
		<<<"$(call DescribeDestinationPortEvent "${at[@]}" --Range 10 --Region cn)"
done

# ---- over, it is remembered with its record: the first one has ended by now, or will soon
is_over() { [ "$(attack "$ends" | jq .EndTime)" -gt 0 ]; }
PATIENCE=150
check "the attack ends" eventually is_over
# The client may have gone on for longer than the drill, and stand before it now.
check "and its sources are known still" knows "$ends" "any(.Sources[]; $ended_first and .Packets >= $ended_packets)"
done_testing
