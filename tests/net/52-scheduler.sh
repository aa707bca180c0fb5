#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Scheduling rules, asked for by the client: a name answers the resource until a drill attacks it, then the protected address, and
# the resource again when it was quiet for the rule's delay. Orders move what has no signal, a protected address that
# forwards no more is not answered, and what is deleted or released is gone.
# A lab of its own: it takes its time, which others need not wait for.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"

if [ "$(field .dns)" = null ] || ! command -v kdig >/dev/null; then
	echo "ok - scheduling rules # SKIP Knot DNS or kdig is not installed"
	exit 0
fi
DNS4=$(field .dns.ipv4) DNS_PORT=$(field .dns.port) ZONE=$(field .dns.zone)
for name in net-both net-named; do call DeleteSchedulerRule --RuleName $name >/dev/null; done # of a run before

# asks NAME TYPE: what the server answers to the client, sorted.
asks() {
	inside client kdig +noidn +timeout=1 +retry=0 +noall +answer -p "$DNS_PORT" "@$DNS4" "$1" "$2" 2>/dev/null |
		awk '$3 == "IN" { print $4 " " $5 }' | sort | paste -sd, -
}
answers() { [ "$(asks "$1" "$2")" = "$3" ]; }
# becomes WHAT NAME TYPE EXPECTED
becomes() {
	eventually answers "$2" "$3" "$4" >/dev/null
	equal "$1" "$4" "$(asks "$2" "$3")"
}
value() { printf '{"Type":"%s","Value":"%s","Priority":80,"ValueType":%s,"RegionId":"cn-hangzhou"}' "$1" "$2" "$3"; }
rules() { local IFS=,; echo "[$*]"; }
switch() { call SwitchSchedulerRule --RuleName "$1" --RuleType 2 --SwitchData "$2" | jq -r '.Code // "OK"'; }

light4=$(buy Ipv4) light6=$(buy Ipv6) shield4=$(buy Ipv4) shield6=$(buy Ipv6)
for id in "$light4" "$shield4"; do forward "$id" tcp 80 "$HTTP_PORT" "$ORIGIN4"; done
for id in "$light6" "$shield6"; do forward "$id" tcp 80 "$HTTP_PORT" "$ORIGIN6"; done
a4=$(instance "$light4" Ip) a6=$(instance "$light6" Ip) p4=$(instance "$shield4" Ip) p6=$(instance "$shield6" Ip)
always_cookies "$light4"
both=$(call CreateSchedulerRule --RuleName net-both --RuleType 2 --Rules \
	"$(rules "$(value A "$a4" 2)" "$(value A "$a6" 2)" "$(value A "$p4" 1)" "$(value A "$p6" 1)")" | jq -r .Cname)
check "a rule has a name of its own in the zone" grep -q "^sch-.*\.$ZONE$" <<<"$both"
becomes "in peace the resource: IPv4" "$both" A "A $a4"
becomes "in peace the resource: IPv6" "$both" AAAA "AAAA $a6"

# ---- an attack
call StartDrill --InstanceId "$light4" --DrillName syn-flood --Seconds 15 --PacketsPerSecond 10000 >/dev/null
becomes "under attack the protected address" "$both" A "A $p4"
equal "which leaves the other IP version where it is" "AAAA $a6" "$(asks "$both" AAAA)"
check "the API says the same" jq -e '[.SchedulerRules[0].Rules[].Status] == [0, 1, 1, 0]' \
	<<<"$(call DescribeSchedulerRules --RuleName net-both --PageSize 10)"
check "the change is in the audit log" sh -c "'$POLDER' history --object net-both | grep -q engine.scheduler_switch"
call StopDrill >/dev/null
# The attack's record ends when nothing was refused for a minute; then the delay of an hour begins.
is_quiet() { call DescribeEvents --InstanceId "$light4" --PageSize 50 | jq -e 'any(.Events[]; .Kind == "attack_ended")'; }
PATIENCE=180 check "the attack is over" eventually is_quiet
sleep 2 # a pass of the engine is of a second: it has seen that
equal "and the delay begins" "A $p4" "$(asks "$both" A)"
clock +3500s
sleep 2
equal "shortly before its end" "A $p4" "$(asks "$both" A)"
clock +2h
becomes "an hour later the resource again" "$both" A "A $a4"

# ---- orders; what is not ours has no signal
equal "an order leaves the IPv6 address" OK "$(switch net-both "[{\"Value\":\"$a6\",\"State\":0,\"Interval\":-1}]")"
becomes "the protected one" "$both" AAAA "AAAA $p6"
equal "the IPv4 one stays" "A $a4" "$(asks "$both" A)"
equal "another returns" OK "$(switch net-both "[{\"Value\":\"$a6\",\"State\":1}]")"
becomes "the resource again" "$both" AAAA "AAAA $a6"

named=$(call CreateSchedulerRule --RuleName net-named --RuleType 2 --Rules \
	"$(rules "$(value CNAME www.example.net 2)" "$(value A "$p4" 1)" "$(value A "$p6" 1)")" | jq -r .Cname)
becomes "a resource by its name" "$named" A "CNAME www.example.net."
equal "left" OK "$(switch net-named '[{"Value":"www.example.net","State":0,"Interval":-1}]')"
becomes "IPv4" "$named" A "A $p4"
becomes "IPv6" "$named" AAAA "AAAA $p6"
kill -9 "$("$POLDER" lab status --json | jq -r .pids.dns)"
becomes "the DNS server was killed" "$named" AAAA "AAAA $p6"

# ---- the protected addresses end
at_expiry_plus "$shield4" $((7 * 86400 + 60))
becomes "forwarded no more: better the resource than nothing" "$named" A "CNAME www.example.net."
equal "renewal" Success "$(code_of RenewInstance --InstanceId "$shield4" --ProductCode ddos --RenewPeriod 1)"
becomes "the one that forwards again" "$named" A "A $p4"
equal "and no other" "" "$(asks "$named" AAAA)"
for id in "$light4" "$light6" "$shield6"; do
	equal "release of $id" OK "$(code_of ReleaseInstance --InstanceId "$id")"
done
equal "a rule loses what is released" "[\"$p4\"]" \
	"$(call DescribeSchedulerRules --RuleName net-both --PageSize 10 | jq -c '[.SchedulerRules[0].Rules[].Value]')"
becomes "and answers what is left" "$both" A "A $p4"
equal "deleted" OK "$(code_of DeleteSchedulerRule --RuleName net-both)"
becomes "its name is gone" "$both" A ""
call DeleteSchedulerRule --RuleName net-named >/dev/null
done_testing
