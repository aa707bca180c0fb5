#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What an instance may have beyond its plan is what packets and requests meet, as soon as it is set and for as long as the
# instance is not expired. And exports: a file outlives the control that made it, and goes with its task.
. "$(dirname "$0")/lib.sh"
DOMAIN=burst-$RANDOM.example.com
BYTES_OF_MBPS=125000

pid() { "$POLDER" lab status --json | jq -r ".pids.$1"; }
back() { # back NAME OLD: there is a new process, and the API answers
	[ "$(pid "$1")" != "$2" ] && [ "$(pid "$1")" != null ] && call DescribeNodes >/dev/null
}
# ceiling VIP: Mbit/s that the packet path enforces for the address: bytes_max in its entry of the map, at byte 48
ceiling() {
	local key value
	key=$(printf '"0x%02x",' ${1//./ })
	value=$(bpftool -j map dump pinned "$(field .state)/bpf/node/vip" |
		jq -r "[.[] | select(.key[12:] == [${key%,}]) | .value[48:56] | reverse[] | ltrimstr(\"0x\")] | join(\"\")")
	echo $((16#${value:-0} / BYTES_OF_MBPS))
}
is_ceiling() { [ "$(ceiling "$vip")" = "$1" ] || { echo "it is $(ceiling "$vip")"; return 1; }; }
burst() { code_of ModifyElasticBizBandWidth --InstanceId "$id" "$@"; }

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
check "nodes know the instance" settled
check "at first no packet is over a ceiling" eventually is_ceiling 0
equal "a burst of clean bandwidth" OK "$(burst --ElasticBizBandwidth 300 --Mode day)"
check "packets meet plan and burst" eventually is_ceiling 400
equal "nine times of the plan's" OK "$(burst --ElasticBizBandwidth 900)"
check "packets meet it" eventually is_ceiling 1000
equal "more is refused" InvalidParameter "$(burst --ElasticBizBandwidth 901)"
equal "a lower limit" OK "$(code_of ConfigLayer4RealLimit --InstanceId "$id" --LimitValue 150)"
check "holds before the burst" eventually is_ceiling 150
equal "is taken back" OK "$(code_of ConfigLayer4RealLimit --InstanceId "$id" --LimitValue 0)"
check "the burst holds" eventually is_ceiling 1000
equal "switched off" OK "$(burst --ElasticBizBandwidth 0)"
check "no packet is over a ceiling any more" eventually is_ceiling 0

# Requests. Fewer are sent than the burst allows in one second, so that none may be refused on any machine; without it
# enough are sent to be over the plan within a second, where the machine can.
requests() { # requests COUNT: how many of them are answered
	for i in $(seq "$1"); do printf 'url = "http://%s/"\noutput = "/dev/null"\n' "$DOMAIN"; done >"$scratch/urls"
	inside client curl -s -m 60 -K "$scratch/urls" -w '%{http_code}\n' --resolve "$DOMAIN:80:$vip" | grep -c 200
}
served() { [ "$(requests 1)" = 1 ]; }
equal "a plan of few requests" OK "$(code_of ModifyInstance --InstanceId "$id" --ProductType ddoscoo --ModifyType DOWNGRADE \
	--NormalQps 500)"
equal "a site" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80)"
equal "without limits of sources" OK "$(code_of DisableWebCC --Domain "$DOMAIN")"
check "is served" eventually served
check "nodes confirm it" settled
sleep 1
begin=$(date +%s%N)
answered=$(requests 4000)
took_ms=$((($(date +%s%N) - begin) / 1000000))
if [ "$answered" -lt 4000 ]; then
	ok "requests over the plan are refused"
elif [ $((4000 * 1000 / (took_ms + 1))) -lt 700 ]; then
	ok "requests over the plan are refused # SKIP this machine sends less than the plan allows"
else
	not_ok "requests over the plan are refused" "4000 in $took_ms ms"
fi
equal "a burst of requests" OK "$(code_of ModifyElasticBizQps --InstanceId "$id" --Mode day --OpsElasticQps 20000)"
check "nodes confirm it" settled
sleep 1.1
equal "below plan and burst all are answered" 4000 "$(requests 4000)"
equal "DescribeInstanceSpecs tells it" "20000 day 500" "$(call DescribeInstanceSpecs --InstanceIds.1 "$id" |
	jq -r '.InstanceSpecs[0] | "\(.ElasticQps) \(.ElasticQpsMode) \(.QpsLimit)"')"

# Exports.
task() { call DescribeAsyncTasks --PageNumber 1 --PageSize 1 | jq -r ".AsyncTasks[0].$1"; }
done_with_it() { [ "$(task TaskStatus)" = 2 ]; }
link() { task TaskResult | jq -r .url; }
status() { curl -s -m 10 -o "$scratch/export" -w '%{http_code}' "$1"; }
equal "an export of the site" OK "$(code_of CreateAsyncTask --TaskType 2 --TaskParams "{\"domain\":\"$DOMAIN\"}")"
check "is made" eventually done_with_it
first=$(link)
equal "and handed out" "200 $DOMAIN" "$(status "$first") $(jq -r '.WebRules[0].Domain' "$scratch/export")"
equal "by its link alone" 403 "$(status "${first%?}")"
old=$(pid control)
kill -9 "$old"
check "the control is back" eventually back control "$old"
equal "the link still holds" 200 "$(status "$first")"
equal "the task is deleted" OK "$(code_of DeleteAsyncTask --TaskId "$(task TaskId)")"
equal "and the file with it" 404 "$(status "$first")"

at_expiry_plus "$id" 1
equal "after expiry no burst is set" InstanceExpired "$(burst --ElasticBizBandwidth 300)"
equal "and no request is over the plan" 4000 "$(requests 4000)"
clock reset
done_testing
