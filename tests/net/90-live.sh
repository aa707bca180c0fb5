#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What an operator sees while packets are dropped: top, watch, explain, capture.
. "$(dirname "$0")/lib.sh"

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
forward "$id" tcp 80 "$TCP_ECHO" "$ORIGIN4"
check "the nodes have it" settled

# rates are of the last report: look until a drill is seen, at most some seconds
(timeout 30 "$POLDER" lab drill syn-flood --vip "$vip" --seconds 6 --pps 5000 >"$scratch/drill" 2>&1) &
drill=$!
seen=
for _ in $(seq 20); do
	"$POLDER" top --count 1 --json >"$scratch/top" || break
	seen=$(jq -r --arg ip "$vip" '.Instances[] | select(.Ip == $ip) | .InPacketsPerSecond' "$scratch/top")
	[ "${seen:-0}" -gt 500 ] && break
	sleep 0.3
done
if [ "${seen:-0}" -gt 500 ]; then ok "top shows the flooded address"; else not_ok "top shows the flooded address" "$(cat "$scratch/top")"; fi
check "top for people names the address" sh -c "'$POLDER' top --count 1 | grep -qF '$vip'"
check "top of one instance" sh -c "'$POLDER' top '$vip' --count 1 | grep -qF '$id'"
wait "$drill"

# a block-listed source: who says so, and what its packets look like
client=$(client_address 4 "$vip")
check "block the client" call AddAutoCcBlacklist --InstanceId "$id" --Blacklist "[{\"src\":\"$client\"}]" --ExpireTime 600
check "the nodes know" settled
"$POLDER" capture "$vip" --reason block_list --count 5 --seconds 20 --output "$scratch/block.pcapng" 2>"$scratch/capture" &
capture=$!
check "the capture reaches the nodes" settled
sleep 0.5
for _ in $(seq 8); do reaches tcp "$vip" 80; done
if wait "$capture"; then ok "capture ends by its count"; else not_ok "capture ends by its count" "$(cat "$scratch/capture")"; fi
equal "tshark reads them, each with its reason" "5 block_list" \
	"$(tshark -r "$scratch/block.pcapng" -Y "ip.src == $client && tcp.flags.syn == 1" -T fields -e frame.comment 2>/dev/null | sort | uniq -c | awk '{print $1, $2}')"
"$POLDER" explain "$client" "$vip:80" >"$scratch/explain"
check "explain names the entry that ends it" grep -q "block_list *drop *entry $client" "$scratch/explain"
check "and who set it" grep -qE "set by [A-Za-z0-9]+ at 20" "$scratch/explain"
check "and the verdict" grep -qx "drop: block_list" "$scratch/explain"
check "another source passes" sh -c "'$POLDER' explain 203.0.113.77 '$vip:80' | grep -qx pass"
check "a port without a rule" sh -c "'$POLDER' explain 203.0.113.77 '$vip:81' | grep -qx 'drop: no_service'"

# the same mitigation, only watched: packets pass, and the report says what would have been dropped
check "watch the block-list" call ModifyMitigation --InstanceId "$id" --Mitigation block_list --Mode watch
check "the nodes know" settled
check "the blocked client gets through" reaches tcp "$vip" 80
watched=0
for _ in $(seq 200); do
	watched=$("$POLDER" watch "$vip" --json | jq '[.Reasons[] | select(.Name == "block_list") | .WatchedPackets] | add // 0')
	[ "$watched" -gt 0 ] && break
	sleep 0.1
done
if [ "$watched" -gt 0 ]; then ok "the report tells what would have been dropped"; else not_ok "the report tells what would have been dropped"; fi
check "explain says so" sh -c "'$POLDER' explain '$client' '$vip:80' | grep -q 'block_list *watch'"
done_testing
