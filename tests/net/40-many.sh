#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# 10,000 instances that expire at once: a block-listed source gets nothing through any of them before,
# and through all of them after. Seven days later nothing is forwarded at all. How soon is not asked for in seconds:
# deadlines are in the packet path before, so nothing about any instance is sent to the node.
. "$(dirname "$0")/lib.sh"
count=${COUNT:-10000}

held() { call DescribeNodes | jq '.Nodes[0].VipCount'; }
check "nodes have confirmed what was before" settled
sleep 1.5
held=$(held)
# told: how many records snapshots brought since the lab began, as the agent logs them.
told() { sed -nE 's/.* in force: .*, ([0-9]+) records in .*/\1/p' "$(field .state)/agent.log" | awk '{ sum += $1 } END { print sum + 0 }'; }
told=$(told)
host=${API#http://}
calls() { "$API_LOAD" "${host%/}" "$KEY" "$SECRET" 8 0 2>"$scratch/summary"; }
for i in $(seq "$count"); do
	echo "Action=CreateInstance&Version=2017-12-14&ProductCode=ddos&ProductType=ddoscoo&SubscriptionType=Subscription&Period=1"
done | calls | jq -r .Data.InstanceId >"$scratch/ids"
check "$count instances bought" test "$(grep -c '^ddoscoo' "$scratch/ids")" = "$count"
# Paged, newest first: the addresses of exactly these.
for page in $(seq $(((count + 49) / 50))); do
	echo "Action=DescribeInstances&Version=2020-01-01&PageNumber=$page&PageSize=50"
done | calls | jq -r '.Instances[] | "\(.InstanceId) \(.Ip)"' | sort >"$scratch/pairs"
join <(sort "$scratch/ids") "$scratch/pairs" | cut -d' ' -f2 >"$scratch/addresses"
check "their addresses are known" test "$(wc -l <"$scratch/addresses")" = "$count"
source=$(client_address 4 "$(head -n 1 "$scratch/addresses")")
while read -r id; do
	echo "Action=CreatePort&Version=2020-01-01&InstanceId=$id&FrontendProtocol=udp&FrontendPort=7000&BackendPort=$UDP_ECHO&RealServers.1=$ORIGIN4"
	echo "Action=AddAutoCcBlacklist&Version=2020-01-01&InstanceId=$id&ExpireTime=86400&Blacklist=%5B%7B%22src%22%3A%22$source%22%7D%5D"
done <"$scratch/ids" | calls >/dev/null
check "a rule and a block-list entry each" jq -e '.bad == 0' "$scratch/summary"
for i in 1 2 3 4 5; do settled >/dev/null && break; done
check "nodes confirm" settled

check "the node was told of each: instance, rule, entry" test $(($(told) - told)) -ge $((3 * count))
each() { inside client "$LOAD" each "$scratch/addresses" 7000 "$1"; }
equal "before expiry all are mitigated" 0 "$(each 500 | jq .answered)"
first=$(head -n 1 "$scratch/ids")
last=$(tail -n 1 "$scratch/ids")
expire=$(($(instance "$first" ExpireTime) > $(instance "$last" ExpireTime) ? $(instance "$first" ExpireTime) : $(instance "$last" ExpireTime)))
span=$(((expire - $(date +%s%3N)) / 1000 + 60))
told=$(told)
clock "+${span}s"
each 1000 >"$scratch/after"
equal "after expiry none is mitigated: all answer" "$count" "$(jq .answered "$scratch/after")"
equal "and the node was told of none" 0 $(($(told) - told))
clock +8d
equal "after seven days none is forwarded" 0 "$(each 300 | jq .answered)"
equal "nor was it told of that" 0 $(($(told) - told))
equal "the API says the same" 0 "$(call DescribeInstances --PageNumber 1 --PageSize 1 --Enabled 1 \
	--InstanceIds.1 "$first" | jq .TotalCount)"

# Release them: the pool is whole again.
sed 's/^/Action=ReleaseInstance\&Version=2020-01-01\&InstanceId=/' "$scratch/ids" | calls >/dev/null
check "all are released" jq -e '.bad == 0' "$scratch/summary"
"$POLDER" lab clock reset >/dev/null
for i in 1 2 3 4 5; do settled >/dev/null && break; done
check "nodes confirm the releases" settled
as_before() { [ "$(held)" = "$held" ]; } # a node reports each second
check "the node holds as many addresses as before" eventually as_before
done_testing
