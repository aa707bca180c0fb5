#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Policies of instances on the wire: what is only watched passes and is counted, what is blocked does not, what
# a node blocks by itself becomes an entry of the list, and a blackhole begins, is undone, and begins again. No lab
# can send what a plan's ceiling is, so a node that is none reports it.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
REPORT=$(realpath "$O/tests/net/report")

# within SECONDS COMMAND...: until the command succeeds; for what is tried again else
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
reason() { # reason ID NAME FIELD: 0 when nothing met it
	call DescribeReasons --InstanceId "$1" | jq "[.Reasons[] | select(.Name == \"$2\") | .$3] | add // 0"
}
above() { [ "$(reason "$1" "$2" "$3")" -gt "$4" ]; } # above ID NAME FIELD NUMBER
mode() { # mode ID MITIGATION MODE
	call ModifyMitigation --InstanceId "$1" --Mitigation "$2" --Mode "$3" >/dev/null && settled
}
entries() { # entries ID TYPE: addresses by spaces
	call DescribeAutoCcBlacklist --InstanceId "$1" --PageNumber 1 --PageSize 10 --QueryType "$2" |
		jq -r '[.AutoCcBlacklist[].SourceIp] | join(" ")'
}
has_entry() { [ -n "$(entries "$1" auto)" ]; }
explained() { # explained SOURCE VIP PROTOCOL PORT: verdict and reason
	call ExplainPacket --Source "$1" --Destination "$2" --Protocol "$3" --Port "$4" | jq -r '.Verdict + " " + .Reason'
}
unreachable() { ! reaches "$@"; }
# said VIP TEXT: what the UDP echo says to it, within half a second
said() {
	inside client timeout 3 bash -c "exec 3<>/dev/udp/$1/7000; printf %s '$2' >&3; timeout 0.5 head -c ${#2} <&3" 2>/dev/null
}
drill() { # drill NAME VIP
	"$POLDER" lab drill "$1" --seconds 1 --pps 2000 --vip "$2" >/dev/null
}
captured() { call DescribeCapture --InstanceId "$1" | jq .TotalCount; } # captured ID: packets
has_captured() { [ "$(captured "$1")" -ge "$2" ]; }

number=0 # of the instance that is bought next: they count from 1 in a lab of its own
for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	number=$((number + 1))
	vip=$(instance "$id" Ip)
	source=$(client_address $version "$vip")
	forward "$id" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "$id" udp 7000 "$UDP_ECHO" "${!origin}"
	check "nodes confirm the rules, IPv$version" settled
	check "TCP passes, IPv$version" reaches tcp "$vip" 7000
	check "UDP passes, IPv$version" reaches udp "$vip" 7000

	# watch, block, off
	call AddAutoCcBlacklist --InstanceId "$id" --ExpireTime 3600 --Blacklist "[{\"src\":\"$source\"}]" >/dev/null
	check "nodes confirm the block-list, IPv$version" settled
	check "a blocked source does not pass, IPv$version" unreachable tcp "$vip" 7000
	check "which is counted under its reason, IPv$version" eventually above "$id" block_list Packets 0
	equal "and explained, IPv$version" "drop block_list" "$(explained "$source" "$vip" tcp 7000)"
	check "watching it, IPv$version" mode "$id" block_list watch
	before=$(reason "$id" block_list WatchedPackets)
	check "it passes, IPv$version" reaches tcp "$vip" 7000
	check "and is counted as what would be dropped, IPv$version" eventually above "$id" block_list WatchedPackets "$before"
	equal "and explained, IPv$version" "pass " "$(explained "$source" "$vip" tcp 7000)"
	check "turning it off, IPv$version" mode "$id" block_list off
	check "it passes, IPv$version" reaches udp "$vip" 7000
	check "taking the choice back, IPv$version" mode "$id" block_list default
	check "it does not pass, IPv$version" unreachable udp "$vip" 7000
	at_expiry_plus "$id" 1
	check "it passes after expiry, IPv$version" reaches tcp "$vip" 7000
	clock reset
	call EmptyAutoCcBlacklist --InstanceId "$id" >/dev/null
	check "nodes confirm the empty list, IPv$version" settled
	check "it passes without an entry, IPv$version" reaches tcp "$vip" 7000

	# source ports of reflectors, seen in a capture
	call ConfigUdpReflect --InstanceId "$id" --Config '{"UdpSports":[123,1900]}' >/dev/null
	equal "captures begin, IPv$version" OK \
		"$(code_of StartCapture --InstanceId "$id" --Reasons.1 reflection --Packets 5 --Seconds 60)"
	check "nodes confirm the ports, IPv$version" settled
	check "TCP from everywhere passes, IPv$version" reaches tcp "$vip" 7000
	[ $version = 6 ] || check "an attack by reflectors" drill udp-reflection "$vip"
	[ $version = 6 ] || check "is counted" eventually above "$id" reflection Packets 0
	[ $version = 6 ] || check "five of its packets are kept" eventually has_captured "$id" 5
	[ $version = 6 ] || equal "and no more" 5 "$(captured "$id")"
	call StopCapture --InstanceId "$id" >/dev/null

	# countries: the lab's attackers are in Antarctica, its clients nowhere
	region() { # region ID on|off COUNTRIES
		call ConfigNetworkRegionBlock --InstanceId "$1" --Config "{\"RegionBlockSwitch\":\"$2\",\"Countries\":[$3]}" \
			>/dev/null && settled
	}
	abroad() { inside attacker timeout 0.5 "$LOAD" echo "$vip" 7000 1 1 64 >/dev/null 2>&1; }
	not_abroad() { ! abroad; }
	check "blocking another country, IPv$version" region "$id" on '"NL"'
	check "Antarctica passes, IPv$version" eventually abroad
	check "blocking Antarctica, IPv$version" region "$id" on '"AQ","NL"'
	check "it does not pass, IPv$version" not_abroad
	check "who is of no country does, IPv$version" reaches tcp "$vip" 7000
	check "it is counted, IPv$version" eventually above "$id" region Packets 0
	check "watching it, IPv$version" mode "$id" region watch
	check "it passes, IPv$version" abroad
	equal "diversion, IPv$version" OK "$(code_of ModifyBlockStatus --InstanceId "$id" --Status do --Lines.1 ct --Duration 15)"
	check "nodes confirm it, IPv$version" settled
	check "what is abroad does not pass, IPv$version" not_abroad
	call ModifyBlockStatus --InstanceId "$id" --Status undo --Lines.1 ct >/dev/null
	check "nodes confirm its end, IPv$version" settled
	check "it passes again, IPv$version" abroad
	check "taking the choice back, IPv$version" mode "$id" region default
	check "it does not pass, IPv$version" not_abroad
	check "the switch off, IPv$version" region "$id" off '"AQ","NL"'
	check "it passes, IPv$version" abroad

	# payloads
	equal "any payload passes, IPv$version" polder "$(said "$vip" polder)"
	call ConfigPayloadPatterns --InstanceId "$id" --Patterns \
		'[{"Protocol":"udp","Offset":1,"Value":"6f6c","Mask":"ffff"}]' >/dev/null
	check "nodes confirm the pattern, IPv$version" settled
	equal "what matches does not, IPv$version" "" "$(said "$vip" polder)"
	equal "another does, IPv$version" pulder "$(said "$vip" pulder)"
	check "what matched is counted, IPv$version" eventually above "$id" payload_match Packets 0
	call ConfigPayloadPatterns --InstanceId "$id" --Patterns '[]' >/dev/null
	check "nodes confirm that there is none, IPv$version" settled
	equal "it passes again, IPv$version" polder "$(said "$vip" polder)"

	# a source over a limit again and again
	call ModifyNetworkRuleAttribute --InstanceId "$id" --ForwardProtocol tcp --FrontendPort 7000 --Config \
		'{"Slimit":{"Cps":1},"Cc":{"Sblack":[{"Type":1,"Cnt":5,"During":60,"Expires":3600}]}}' >/dev/null
	check "nodes confirm the limit, IPv$version" settled
	inside client timeout 20 "$LOAD" echo "$vip" 7000 400 50 8 >/dev/null 2>&1 &
	flood=$!
	check "a source over its limit becomes an automatic entry, IPv$version" eventually has_entry "$id"
	kill $flood 2>/dev/null
	wait $flood 2>/dev/null
	check "of that source, IPv$version" grep -q "^${source%:*}" <<<"$(entries "$id" auto)"
	equal "no manual one, IPv$version" "" "$(entries "$id" manual)"
	check "which the log tells, IPv$version" grep -q '"engine.block"' <<<"$(call DescribeAuditLog --PageNumber 1 --PageSize 50)"
	equal "and an explanation, IPv$version" "drop block_list" "$(explained "$source" "$vip" udp 7000)"
	check "nodes confirm the entry, IPv$version" settled
	check "it does not pass any more, IPv$version" unreachable udp "$vip" 7000
	call EmptyAutoCcBlacklist --InstanceId "$id" >/dev/null
	call ModifyNetworkRuleAttribute --InstanceId "$id" --ForwardProtocol tcp --FrontendPort 7000 --Config \
		'{"Slimit":{"Cps":0},"Cc":{"Sblack":[]}}' >/dev/null
	check "nodes confirm that it is off, IPv$version" settled
	check "who was deleted passes, IPv$version" eventually reaches udp "$vip" 7000

	# blackhole
	blackholed() { [ "$(call DescribeBlackholeStatus --InstanceIds.1 "$id" | jq -r '.BlackholeStatus[0].BlackStatus')" = blackhole ]; }
	attack() { # until the engine has seen it between reports of the node itself
		local run generation
		for _ in $(seq 20); do
			read -r run generation < <(call DescribeNodes | jq -r '.Nodes[0] | "\(.AgentRun) \(.Generation)"')
			"$REPORT" "/run/$POLDER_LAB_NAME-lab/control/node.sock" node "$run" "$generation" $number 40000 || return 1
			within 2 blackholed && return 0
		done
		return 1
	}
	check "an attack over the plan, IPv$version" attack
	check "nodes confirm the blackhole, IPv$version" settled
	check "nothing passes, IPv$version" unreachable tcp "$vip" 7000
	equal "which is explained, IPv$version" "drop blackhole" "$(explained "$source" "$vip" tcp 7000)"
	if [ $version = 4 ]; then
		equal "undoing it" OK "$(code_of ModifyBlackholeStatus --InstanceId "$id" --BlackholeStatus undo)"
		check "nodes confirm" settled
		check "TCP passes again" reaches tcp "$vip" 7000
		equal "one of five is used" 4 "$(call DescribeUnBlackholeCount | jq .RemainCount)"
	else
		equal "the second within ten minutes is refused" OperationTooFrequent \
			"$(code_of ModifyBlackholeStatus --InstanceId "$id" --BlackholeStatus undo)"
		at_expiry_plus "$id" 1
		check "an expired instance is in no blackhole" reaches tcp "$vip" 7000
		clock reset
	fi
done
done_testing
