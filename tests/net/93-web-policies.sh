#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What protects a web site, from an order to the wire: each kind of rule and switch of the API refuses, or lets pass, the
# next request. It is refused fewer times than a ban takes.
. "$(dirname "$0")/lib.sh"
DOMAIN=www.policy-$RANDOM.com
BROWSER='Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0'

# status PATH [curl arguments]: of a request as a browser sends it. 403 and a closed connection are both a refusal; what
# the origin says to it is not.
status() {
	local path=$1 got
	shift
	got=$(inside client curl -s -m 3 -o /dev/null -w '%{http_code}' --resolve "$DOMAIN:80:$vip" \
		--compressed -A "$BROWSER" -H 'Accept-Language: nl' "$@" "http://$DOMAIN$path")
	case $got in 000 | 403) echo refused ;; *) echo passed ;; esac
}
comes() { # comes EXPECTED PATH [curl arguments]
	local expected=$1 got end=$((SECONDS + PATIENCE))
	shift
	while [ $SECONDS -lt $end ]; do
		got=$(status "$@")
		[ "$got" = "$expected" ] && return 0
		sleep 0.2
	done
	echo "expected $expected, got $got"
	return 1
}
order() { # order NAME ACTION arguments: of the site
	local name=$1 action=$2
	shift 2
	equal "$name" OK "$(code_of "$action" --Domain "$DOMAIN" "$@")"
}
in_ms() { echo $(($(date +%s%3N) + $1)); }
condition() { # condition FIELD METHOD CONTENT [HEADER]
	printf '{"field":"%s","match_method":"%s","content":"%s","header_name":"%s"}' "$1" "$2" "$3" "${4:-}"
}

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
call ModifyInstance --InstanceId "$id" --ProductType ddoscoo --ModifyType UPGRADE --FunctionVersion 1 >/dev/null
equal "a site" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80)"
check "it is served" comes passed /
order "a precise rule" ModifyWebPreciseAccessRule --Rules \
	"[{\"name\":\"one\",\"action\":\"block\",\"condition\":[$(condition header equal bad X-App),$(condition uri contain /secret)]}]"
check "what meets it is refused" comes refused /secret -H 'X-App: bad'
check "half of it passes" comes passed /secret -H 'X-App: good'
order "a rule about the method" ModifyWebPreciseAccessRule --Rules \
	"[{\"name\":\"two\",\"action\":\"block\",\"condition\":[$(condition http-method equal PATCH)]}]"
check "refuses it" comes refused / -X PATCH
order "precise rules are switched off" ModifyWebPreciseAccessSwitch --Config '{"PreciseRuleEnable":0}'
check "and all pass" comes passed /secret -H 'X-App: bad'
order "and on again" ModifyWebPreciseAccessSwitch --Config '{"PreciseRuleEnable":1}'
order "a rule for ten seconds" ModifyWebPreciseAccessRule --Expires 10 --Rules \
	"[{\"name\":\"three\",\"action\":\"block\",\"condition\":[$(condition uri equal /short)]}]"
check "refuses at first" comes refused /short
check "and ends by itself" comes passed /short

order "the shipped rules" ConfigDomainSecurityProfile --Config '{"global_rule_mode":"default"}'
check "refuse a scanner" comes refused / -A 'sqlmap/1.7'
order "one of them is switched off" ConfigL7GlobalRule --RuleAttr '[{"RuleId":"global_01","Action":"block","Enabled":0}]'
check "and it passes" comes passed / -A 'sqlmap/1.7'

client=$(inside client ip -o -4 route get "$vip" | sed -E 's/.* src ([0-9.]+).*/\1/')
order "the client on the black-list" ConfigWebIpSet --BlackList.1 "$client"
check "is refused" comes refused /
order "and on both lists" ConfigWebIpSet --BlackList.1 "$client/24" --WhiteList.1 "$client"
check "white wins" comes passed /
check "what a request says still counts" comes refused / -X PATCH
order "lists are emptied" ConfigWebIpSet

order "a frequency rule" ConfigWebCCRuleV2 --Expires 0 --RuleList \
	"[{\"name\":\"rate\",\"action\":\"block\",\"condition\":[$(condition uri prefix /rate)],\"ratelimit\":{\"interval\":10,\"ttl\":60,\"threshold\":5,\"target\":\"header\",\"subkey\":\"X-User\"}}]"
sleep 1
for i in $(seq 5); do last=$(status "/rate?$i" -H 'X-User: a'); done
equal "lets its threshold pass" passed "$last"
for i in $(seq 3); do last=$(status "/rate?$i" -H 'X-User: a'); done
equal "and no more" refused "$last"
equal "another user passes" passed "$(status /rate -H 'X-User: b')"
order "frequency control is switched off" ModifyWebCCGlobalSwitch --CcGlobalSwitch close
check "and everybody passes" comes passed /rate -H 'X-User: a'

from_there() { inside attacker curl -s -m 3 -o /dev/null -w '%{http_code}' --resolve "$DOMAIN:80:$vip" --compressed -A "$BROWSER" -H 'Accept-Language: nl' "http://$DOMAIN/"; }
# The agent was told where the attackers are.
order "Antarctica is refused" ModifyWebAreaBlock --Regions.1 AQ
check "the client, who is of no country, passes" comes passed /
until_refused() { for _ in $(seq 10); do [[ "$(from_there)" == 403 ]] && return; sleep 0.2; done; return 1; }
check "who is there does not" until_refused
order "no country is" ModifyWebAreaBlockSwitch --Config '{"RegionblockEnable":0}'

# cached PATH: what the node says about its cache
cached() {
	inside client curl -s -m 3 -o /dev/null -D - --resolve "$DOMAIN:80:$vip" --compressed \
		-A "$BROWSER" -H 'Accept-Language: nl' "http://$DOMAIN$1" |
		grep -oiP '^x-polder-cache: \K[A-Z]+' || echo none
}
becomes() { # becomes EXPECTED PATH: within two seconds; workers share what they keep, but not what they found unfit
	local got i
	for i in $(seq 20); do
		got=$(cached "$2")
		[ "$got" = "$1" ] && return 0
		sleep 0.1
	done
	echo "expected $1, got $got"
	return 1
}
equal "nothing is cached at first" none "$(cached /a.css)"
order "caching is switched on" ModifyWebCacheSwitch --Enable 1
check "a static type is kept" becomes HIT /a.css
equal "a page is not" none "$(cached /page)"
order "all is to be cached" ModifyWebCacheMode --Mode aggressive
check "a page is kept" becomes HIT /page
order "an order about caching" ModifyWebCacheCustomRule --Rules '[{"Name":"none","Uri":"/page/","Mode":"bypass","CacheTtl":0}]'
check "empties it" becomes MISS /page
check "and it fills again" becomes HIT /page
check "but for what the rule names" becomes none /page/one
order "caching is switched off" ModifyWebCacheSwitch --Enable 0
check "nothing comes from the cache" becomes none /page

order "a rule again" ModifyWebPreciseAccessRule --Rules \
	"[{\"name\":\"one\",\"action\":\"block\",\"condition\":[$(condition uri contain /secret)]}]"
check "refuses" comes refused /secret
equal "a policy that lets all pass" OK "$(code_of CreateSceneDefensePolicy --Name rush --Template bypass \
	--StartTime "$(in_ms 3000)" --EndTime "$(in_ms 600000)")"
scene=$(call DescribeSceneDefensePolicies --Template bypass | jq -r '.Policies[-1].PolicyId')
equal "with the site" OK "$(code_of AttachSceneDefenseObject --PolicyId "$scene" --ObjectType Domain --Objects "$DOMAIN")"
check "in its time it does" comes passed /secret
equal "its end comes nearer" OK "$(code_of ModifySceneDefensePolicy --PolicyId "$scene" --Name rush --Template bypass \
	--StartTime "$(in_ms -3000)" --EndTime "$(in_ms 3000)")"
check "after that it does no more" comes refused /secret
equal "the policy goes" OK "$(code_of DeleteSceneDefensePolicy --PolicyId "$scene")"
# Crawlers: a name server in the node knows the client as one, and nobody else.
as_crawler() { inside "$1" curl -s -m 3 -o /dev/null -w '%{http_code}' --resolve "$DOMAIN:80:$vip" -A 'Mozilla/5.0 (compatible; bingbot/2.0)' "http://$DOMAIN/"; }
answers() { [ "$(as_crawler "$2")" = "$1" ]; }
"$POLDER" lab exec node python3 tests/net/names.py 5300 "$(client_address 4 "$vip")=msnbot-1.search.msn.com" &
names=$!
named() { [ -n "$(inside node ss -Hlun sport = :5300)" ]; }
check "a name server" eventually named
order "frequency control is switched on again" ModifyWebCCGlobalSwitch --CcGlobalSwitch open
order "everybody is challenged" ConfigWebCCTemplate --Template gf_sos_verify
check "the client is, too" comes refused /
check "who only says that it is a crawler does not pass" eventually answers 503 attacker
check "one that is does, when its name was looked up" eventually answers 200 client
check "the other does still not" [ "$(as_crawler attacker)" != 200 ]
order "as usual again" ConfigWebCCTemplate --Template default
kill $names
call DeleteDomainResource --Domain "$DOMAIN" >/dev/null
done_testing
