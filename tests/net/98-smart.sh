#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Rules that make themselves: what a web site usually has is learned, a flood from elsewhere gets a rule, who was there
# before is served all the time, and the rule ends when nothing meets it any more. The lab learns in pieces of ten seconds
# instead of minutes, and its rules end after fifteen.
. "$(dirname "$0")/lib.sh"
DOMAIN=www.smart-$RANDOM.com
BROWSER='Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0'
FLOOD=flood-tool/1.0

smart() { call DescribeSmartProtection --Domain "$DOMAIN" | jq -r ".$1"; }
rules() { call DescribeWebCCRulesV2 --Domain "$DOMAIN" --Owner clover; }
status() { # status ROLE AGENT: 403 and a closed connection are both a refusal
	inside "$1" curl -s -m 2 -o /dev/null -w '%{http_code}' --resolve "$DOMAIN:80:$vip" -A "$2" \
		--compressed -H 'Accept-Language: nl' "http://$DOMAIN/"
}
PATIENCE=120
served() { [ "$(status client "$BROWSER")" = 200 ]; }
is_refused() { case $(status attacker "$FLOOD") in 000 | 403) return 0 ;; *) return 1 ;; esac; }
is_learned() { [ "$(smart Usual)" -gt 0 ]; }
# In a window of its node that is over: only what was frequent before is no attack.
is_known() { call DescribeWebsiteTop --Domain "$DOMAIN" --Kind url --StartTime $(($(date +%s%3N) - 600000)) \
	--EndTime "$(date +%s%3N)" | jq -e '.Total >= 400'; }
has_rule() { [ "$(rules | jq '.WebCCRules | length')" -gt 0 ]; }
has_none() { ! has_rule; }
stop() {
	[ -n "${1:-}" ] || return 0
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
equal "a site" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80)"
equal "whose frequency mode is off" OK "$(code_of DisableWebCC --Domain "$DOMAIN")"
equal "rules may make themselves" OK "$(code_of ModifyWebAIProtectSwitch --Domain "$DOMAIN" --Config '{"AiRuleEnable":1}')"
equal "readily, and block" OK "$(code_of ModifyWebAIProtectMode --Domain "$DOMAIN" \
	--Config '{"AiTemplate":"level90","AiMode":"defense"}')"
check "it is served" eventually served

# Who is there always: some requests a second, each answer noted.
inside client timeout 400 curl -s --rate 20/s -o /dev/null -w '%{http_code}\n' --resolve "$DOMAIN:80:$vip" -A "$BROWSER" \
	--compressed -H 'Accept-Language: nl' "http://$DOMAIN/?page=[1-8000]" >"$scratch/usual" 2>/dev/null &
usual=$!
check "what is usual is learned" eventually is_learned
check "and what is frequent then" eventually is_known
sleep 12 # a flood could have begun in what was reported last
equal "and is no attack" false "$(smart Attack)"
equal "so that there is no rule" 0 "$(rules | jq '.WebCCRules | length')"

inside attacker timeout 120 curl -s -Z --parallel-max 8 -o /dev/null --resolve "$DOMAIN:80:$vip" -A "$FLOOD" \
	"http://$DOMAIN/?flood=[1-400000]" >/dev/null 2>&1 &
flood=$!
check "a flood gets a rule" eventually has_rule
rules >"$scratch/rules"
equal "by its name" true "$(jq '.WebCCRules[0] | .Owner == "clover" and (.Name | startswith("smartcc_"))' "$scratch/rules")"
equal "for a time" true "$(jq '.WebCCRules[0].Expires | . > 0 and . <= 15' "$scratch/rules")"
check "and is refused" eventually is_refused
stop "$flood"
sleep 2
client=$(client_address 4 "$vip")
equal "who was there before is in no rule" 0 \
	"$(jq --arg ip "$client" '[.WebCCRules[].RuleDetail.Condition[] | select(tostring | contains($ip) or contains("Firefox/120"))] | length' "$scratch/rules")"
check "the rule ends by itself" eventually has_none
stop "$usual"
equal "who was there before was served all the time" 0 "$(grep -vc '^200$' "$scratch/usual")"
call DeleteDomainResource --Domain "$DOMAIN" >/dev/null
done_testing
