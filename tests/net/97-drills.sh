#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Drills by the API, as the console's button starts them: bounded, one at a time, seen as events, by operators alone, and offered
# by a lab alone.
. "$(dirname "$0")/lib.sh"

start() { call StartDrill --InstanceId "$id" "$@"; }
state() { call DescribeDrill | jq -r ".$1"; }
# until_true SECONDS COMMAND...
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
is_over() { [ "$(state Running)" = false ]; }

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
forward "$id" udp 53 "$UDP_ECHO" "$ORIGIN4"
call ModifyNetworkRuleAttribute --InstanceId "$id" --ForwardProtocol udp --FrontendPort 53 \
	--Config '{"Sla":{"Cps":100,"CpsEnable":1}}' >/dev/null
check "the nodes have it" settled

equal "DescribeDrills lists what the tool lists" "$("$POLDER" lab drill 2>/dev/null | awk 'NR > 1 { print $1 }' | sort)" \
	"$(call DescribeDrills | jq -r '.Drills[].Name' | sort)"
check "each with its rate and IP version" jq -e 'all(.Drills[]; .PacketsPerSecond > 0 and (.IpVersion | . == 4 or . == 6)) and
	.SecondsMax == 60' <<<"$(call DescribeDrills)"

# ---- the button
before=$(call DescribeTraffic --InstanceId "$id" | jq .InPackets)
timeout 60 "$POLDER" events --follow --json "$id" >"$scratch/events" 2>/dev/null &
follower=$!
check "StartDrill answers at once, with the drill that runs" jq -e '.Running and .Name == "udp-flood" and .Seconds == 4' \
	<<<"$(start --DrillName udp-flood --Seconds 4 --PacketsPerSecond 20000)"
equal "a second one has to wait" DrillRunning "$(code_of StartDrill --InstanceId "$id" --DrillName udp-flood)"
check "an event is told while it runs or right after" until_true 20 grep -q '"Kind":"limit_reached"' "$scratch/events"
seen=$(date +%s%3N)
check "the list has it, too" sh -c "'$POLDER' events '$id' | grep -q limit_reached"
told=$(jq -rs "[.[] | select(.Kind == \"limit_reached\")][0].Time // 0" "$scratch/events")
# The life-cycle clock is at the machine's here; a loaded machine is given the time of its own delays.
if [ $((seen - told)) -lt 5000 ]; then ok "soon after it was detected ($((seen - told)) ms)"; else not_ok "soon after it was detected" "$((seen - told)) ms"; fi
check "it ends by itself" until_true 40 is_over
equal "and well" true "$(state Succeeded)"
check "it tells what became of it" grep -q "arrived at the address" <<<"$(state Said)"
after=$(call DescribeTraffic --InstanceId "$id" | jq .InPackets)
if [ $((after - before)) -gt 1000 ]; then ok "$((after - before)) packets came"; else not_ok "packets came" "$before, $after"; fi
kill "$follower"
wait "$follower" 2>/dev/null

# ---- the other button
start --DrillName syn-flood --Seconds 60 --PacketsPerSecond 1000 >/dev/null
equal "one of a minute runs" true "$(state Running)"
call StopDrill >/dev/null
check "StopDrill ends it before its time" until_true 10 is_over
equal "which is no success" false "$(state Succeeded)"
check "starts and stops are in the audit log" sh -c "'$POLDER' history --action StartDrill --object '$id' | grep -q StartDrill"

# ---- bounds
for wrong in "--DrillName nosuch" "--DrillName syn-flood --Seconds 61" "--DrillName syn-flood --Seconds 0" \
	"--DrillName syn-flood --PacketsPerSecond 1000001" "--DrillName syn-flood-ipv6" "--DrillName ../../bin/sh"; do
	equal "StartDrill $wrong" InvalidParameter "$(code_of StartDrill --InstanceId "$id" $wrong)"
done
equal "another's instance" InstanceNotFound "$(code_of StartDrill --InstanceId ddoscoo-cn-nosuch --DrillName syn-flood)"
equal "nothing of that ran" false "$(state Running)"
for permission in read-only full; do
	key=$(call CreateAccessKey --Permission $permission)
	equal "a key that is $permission may not" Forbidden.RAM "$(code_of StartDrill --InstanceId "$id" --DrillName syn-flood \
		--access-key-id "$(jq -r .AccessKey.AccessKeyId <<<"$key")" --access-key-secret "$(jq -r .AccessKey.AccessKeySecret <<<"$key")")"
	call DeleteAccessKey --UserAccessKeyId "$(jq -r .AccessKey.AccessKeyId <<<"$key")" >/dev/null
done
equal "the service's socket is the control's alone" "nobody 600" "$(stat -c '%U %a' "$(field .state)/drill.sock")"
done_testing
