#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the API tells about requests of a web site: its access log looked through at the node, for how long it is kept and
# that it is emptied; requests over time, statuses, and what is frequent; what its checks did.
. "$(dirname "$0")/lib.sh"
DOMAIN=www.figures-$RANDOM.com

get() { # get PATH [curl arguments]: prints the status
	local path=$1
	shift
	inside client curl -s -m 3 -o /dev/null -w '%{http_code}\n' --resolve "$DOMAIN:80:$vip" "$@" "http://$DOMAIN$path"
}
served() {
	local i
	for i in $(seq 20); do
		[ "$(get /first)" != 000 ] && return 0
		sleep 0.2
	done
	return 1
}
now_ms() { date +%s%3N; }
# look FILTERS: the answer to a query of the log, once it is complete.
look_for() {
	local id i
	id=$(call StartAccessLogQuery --Domain "$DOMAIN" "$@" | jq -r .QueryId)
	for i in $(seq 60); do
		call DescribeAccessLog --QueryId "$id" >"$scratch/answer"
		[ "$(jq -r .Complete "$scratch/answer")" = true ] && break
		sleep 0.2
	done
	cat "$scratch/answer"
}
total() { look_for "$@" | jq -r .TotalCount; }
comes() { # comes EXPECTED COMMAND..: within fifteen seconds
	local expected=$1 got i
	shift
	for i in $(seq 30); do
		got=$("$@")
		[ "$got" = "$expected" ] && return 0
		sleep 0.5
	done
	echo "expected $expected, got $got"
	return 1
}
top() { # top KIND: the most frequent
	call DescribeWebsiteTop --Domain "$DOMAIN" --Kind "$1" --StartTime "$((started - 60000))" \
		--EndTime "$(($(now_ms) + 1000))" | jq -r '.Items[0].Key'
}
used() { call DescribeSlsLogstoreInfo | jq -r .Used; }
more_used() { [ "$(used)" -gt "$1" ] && echo more; }
requests() {
	call DescribeWebsiteSeries --Domain "$DOMAIN" --StartTime "$((started - 60000))" \
		--EndTime "$(($(now_ms) + 60000))" --Step 60 | jq -r '[.Points[].Requests] | add'
}

has_requests() { [ "$(requests)" -ge 1 ]; }

started=$(now_ms)
id=$(buy Ipv4)
vip=$(instance "$id" Ip)
before=$(used)
equal "a site" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80)"
equal "with its access log" OK "$(code_of EnableWebAccessLogConfig --Domain "$DOMAIN")"
equal "and a rule" OK "$(code_of ModifyWebPreciseAccessRule --Domain "$DOMAIN" --Rules \
	'[{"name":"one","action":"block","condition":[{"field":"uri","match_method":"equal","content":"/secret"}]}]')"
check "it is served" served
check "its first request is in its figures" eventually has_requests
settled
sleep 1.2
sleep 2
before_requests=$(requests)
begin=$(now_ms)
for i in $(seq 5); do get /page -A one >/dev/null; done
get "/page?a=1" -A two >/dev/null
get /secret >/dev/null
get /missing/thing >/dev/null
check "requests are in the log" comes 6 total --UrlPrefix /page --StartTime "$begin"
look_for --StartTime "$begin" --Limit 3 >"$scratch/newest"
equal "the newest first, as many as asked for" "/missing/thing /secret /page" \
	"$(jq -r '[.Records[].request_path] | join(" ")' "$scratch/newest")"
equal "with what became of them" "close precise" \
	"$(jq -r '.Records[1] | "\(.cc_action) \(.cc_phase)"' "$scratch/newest")"
equal "all nodes answered" true "$(jq -r '.NodesAnswered == .NodesAsked and (.Partial | not)' "$scratch/newest")"
equal "by reason" 1 "$(total --Reason precise --StartTime "$begin")"
equal "by verdict" 7 "$(total --Verdict none --StartTime "$begin")"
client=$(client_address 4 "$vip")
equal "by source" 8 "$(total --Source "$client" --StartTime "$begin")"
equal "of nobody else" 0 "$(total --Source 203.0.113.77 --StartTime "$begin")"
equal "by time" 0 "$(total --StartTime "$(($(now_ms) + 1000))")"
equal "a status that is none" InvalidParameter "$(code_of StartAccessLogQuery --Domain "$DOMAIN" --Status 4x)"
equal "a query that nobody made" QueryNotExist "$(code_of DescribeAccessLog --QueryId 999999999)"

check "the store has more than before" comes more more_used "$before"
more_requests() { echo $(($(requests) - before_requests)); }
check "figures over time" comes 8 more_requests
from=$((started / 60000 * 60))
until=$(($(date +%s) / 60 * 60 + 60))
figures() { call "$@" --Domain "$DOMAIN" --StartTime "$from" --EndTime "$until"; }
equal "published: requests" $((before_requests + 8)) \
	"$(figures DescribeDomainQPSList --Interval 60 | jq '[.DomainQPSList[].TotalCount] | add')"
equal "published: statuses, of which one is of the rule" "$((before_requests + 7)) 1" "$(figures DescribeDomainStatusCodeCount |
	jq -r '"\(.Status200 + .Status404) \(.Status403)"')"
equal "the check's counter" 1 "$(call DescribeWebChecks --Domain "$DOMAIN" | jq '.Checks[] | select(.Name == "precise").Refused')"
equal "the node's" true "$(call DescribeNodes | jq 'any(.Nodes[]; .Requests.LogLines > 0 and .Requests.LogBytesMax > 0)')"

equal "fewer days" OK "$(code_of ModifyFullLogTtl --Ttl 7)"
equal "are shown" 7 "$(call DescribeSlsLogstoreInfo | jq .Ttl)"
equal "the log is emptied" OK "$(code_of EmptySlsLogstore)"
check "and nothing is found any more" comes 0 total --StartTime "$begin"
check "nor kept" comes 0 used
get /after >/dev/null
check "what comes then is" comes 1 total --StartTime "$begin"
equal "the log ends" OK "$(code_of DisableWebAccessLogConfig --Domain "$DOMAIN")"
settled
get /unlogged >/dev/null
sleep 1.2
equal "and no request is written" 0 "$(total --UrlPrefix /unlogged)"

# What is frequent comes with the end of a window, which many requests bring; also of sites without a log.
equal "no limit of rates" OK "$(code_of DisableWebCC --Domain "$DOMAIN")"
settled
get "/many?n=[1-600]" -A three >/dev/null
check "the most frequent URL" comes /many top url
check "the most frequent browser" comes three top user-agent
equal "the source that was refused" "$client" "$(top blocked-source)"
equal "the rule that did" 1 "$(call DescribeWebsiteTop --Domain "$DOMAIN" --Kind rule --StartTime "$((started - 60000))" \
	--EndTime "$(($(now_ms) + 1000))" | jq '.Items | length')"
equal "published: in Base64" /many "$(figures DescribeDomainViewTopUrl --Top 1 | jq -r '.UrlList[0].Url' | base64 -d)"
call DeleteDomainResource --Domain "$DOMAIN" >/dev/null
call ModifyFullLogTtl --Ttl 180 >/dev/null
done_testing
