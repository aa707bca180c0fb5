#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What an API page shows beside a reply, through the lab's nginx: where an error's page is, what is in the catalogue,
# which bytes were signed otherwise, figures of this second, events both ways.
. "$(dirname "$0")/lib.sh"
own=2026-11-01

# signed V3 METHOD SECRET QUERY SIGNED-QUERY: a DescribeInstanceIds with one query sent and another one signed.
v3() {
	local host=${API#http://} now nonce hash canonical signature
	host=${host%/}
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	nonce=$(cat /proc/sys/kernel/random/uuid)
	hash=$(printf '' | openssl dgst -sha256 -r | cut -d ' ' -f 1)
	canonical="$1
/
$4
host:$host
x-acs-action:DescribeInstanceIds
x-acs-content-sha256:$hash
x-acs-date:$now
x-acs-signature-nonce:$nonce
x-acs-version:2020-01-01

host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version
$hash"
	printf '%s' "$canonical" >"$scratch/canonical"
	signature=$(printf 'ACS3-HMAC-SHA256\n%s' "$(openssl dgst -sha256 -r <"$scratch/canonical" | cut -d ' ' -f 1)" |
		openssl dgst -sha256 -hmac "$2" -r | cut -d ' ' -f 1)
	curl -sS -m 20 -X "$1" "$API?$3" -H "x-acs-action: DescribeInstanceIds" -H "x-acs-version: 2020-01-01" \
		-H "x-acs-date: $now" -H "x-acs-signature-nonce: $nonce" -H "x-acs-content-sha256: $hash" \
		-H "Authorization: ACS3-HMAC-SHA256 Credential=$KEY,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=$signature"
}

equal "an error links to its page" "${API}console/#/errors/InstanceNotFound" \
	"$(call DescribeTraffic --InstanceId none | jq -r .Recommend)"
equal "and is in the catalogue, for the action" true \
	"$(call DescribeErrors --Code InstanceNotFound | jq '.Errors[0].Actions | any(. == "DescribeTraffic")')"
equal "which the control prints too" "$(call DescribeErrors | jq -S .Errors | sha256sum)" \
	"$("$O/polder-control" --describe-errors | jq -S . | sha256sum)"

equal "V3 as it should be" OK "$(v3 POST "$SECRET" 'RegionId=a%20b' 'RegionId=a%20b' | jq -r '.Code // "OK"')"
reply=$(v3 POST "$SECRET" 'RegionId=a%20b' 'RegionId=a+b')
equal "V3 with a space signed as +" SignatureDoesNotMatch "$(jq -r .Code <<<"$reply")"
id=$(jq -r .RequestId <<<"$reply")
equal "is diagnosed" '["space-as-plus","CanonicalRequest",3,"%","+"]' \
	"$(call DiagnoseRequest --CallId "$id" --ClientString "$(cat "$scratch/canonical")" |
		jq -c '[.Difference.Cause, .Difference.Compared, .Difference.Line, .Difference.ServerByte, .Difference.ClientByte]')"
id=$(v3 POST wrong 'RegionId=a' 'RegionId=a' | jq -r .RequestId)
equal "and so is a wrong secret" equal \
	"$(call DiagnoseRequest --CallId "$id" --ClientString "$(cat "$scratch/canonical")" | jq -r .Difference.Cause)"
equal "calls are listed" "[\"$id\",\"V3\",\"127.0.0.1\",400]" \
	"$(call DescribeApiCalls --Failed true --ActionName DescribeInstanceIds --PageSize 1 |
		jq -c '.Calls[0] | [.CallId, .SignatureForm, .SourceIp, .HttpStatus]')"
tenant=$(call CreateAccessKey --AccountId "$(call CreateAccount --Name "calls-$$" | jq -r .AccountId)")
tenant_call() {
	call "$@" --access-key-id "$(jq -r .AccessKey.AccessKeyId <<<"$tenant")" \
		--access-key-secret "$(jq -r .AccessKey.AccessKeySecret <<<"$tenant")" --endpoint "$API"
}
equal "not to others, who see their own alone" "CallNotFound 1" \
	"$(tenant_call DiagnoseRequest --CallId "$id" | jq -r .Code) $(tenant_call DescribeApiCalls | jq '.Calls | length')"

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
forward "$id" tcp 80 "$HTTP_PORT" "$ORIGIN4"
seen() { # some packets of the last second, in the figures of one instance
	inside client curl -s -m 2 -o /dev/null "http://$vip/"
	[ "$(call DescribeLiveFigures --InstanceId "$id" | jq '.Traffic.InPacketsPerSecond > 0 and .Connections.OpenedPerSecond > 0')" = true ]
}
figures() { for _ in $(seq 60); do seen && return; sleep 0.3; done; return 1; }
check "figures of this second" figures
equal "not others'" "InstanceNotFound 0" \
	"$(tenant_call DescribeLiveFigures --InstanceId "$id" | jq -r .Code) $(tenant_call DescribeLiveFigures | jq .Traffic.InPacketsPerSecond)"
last=$(call DescribeEvents --NewestFirst true --PageSize 1 | jq '.Events[0].Number // 0')
clock +24d
followed() { # the notice of seven days before the end comes with the pages that follow
	local page
	for _ in $(seq 60); do
		page=$(call DescribeEvents --InstanceId "$id" --AfterNumber "$last")
		last=$(jq .NextNumber <<<"$page")
		[ "$(jq -r '.Events[0].Kind' <<<"$page")" = expires_in_7_days ] && return
		sleep 0.3
	done
	return 1
}
check "events are followed" followed
equal "newest first" "[\"$id\",\"expires_in_7_days\"]" \
	"$(call DescribeEvents --InstanceId "$id" --NewestFirst true --Kind expires_in_7_days --PageSize 1 |
		jq -c '.Events[0] | [.InstanceId, .Kind]')"
done_testing
