#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Logging in as a page does, through the lab's nginx: the first user's password gives a key that signs, the address is
# what nginx saw whatever the client says, and tries are limited. That leaves this address without tries, so the lab
# is one of its own.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
own=2026-11-01
user=$(field .user) password=$(field .password)

open_call() { # open_call ACTION [NAME=VALUE]... [-- CURL-OPTION...]: not signed
	local action=$1 pair=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		pair+=(--data-urlencode "$1")
		shift
	done
	[ $# -gt 0 ] && shift
	curl -sS -m 20 "$@" --data-urlencode "Action=$action" --data-urlencode "Version=$own" "${pair[@]}" "$API"
}
# with_session REPLY ACTION...: a call with the key of the reply to CreateSession.
with_session() {
	local session=$1
	shift
	POLDER_ACCESS_KEY_ID=$(jq -r .Credentials.AccessKeyId <<<"$session") \
		POLDER_ACCESS_KEY_SECRET=$(jq -r .Credentials.AccessKeySecret <<<"$session") \
		POLDER_SECURITY_TOKEN=$(jq -r .Credentials.SecurityToken <<<"$session") \
		POLDER_ENDPOINT=$API call "$@"
}

session=$(open_call CreateSession "UserName=$user" "Password=$password")
equal "the first user logs in" "operator $user" "$(jq -r '"\(.Permission) \(.UserName)"' <<<"$session")"
equal "and may do what an operator may" "$user true false" \
	"$(with_session "$session" DescribeCaller | jq -r '"\(.UserName) \(.Extendable) \(.MayManage)"')"
equal "but for managing keys" Forbidden.RAM "$(with_session "$session" DescribeAccessKeys | jq -r '.Code // "OK"')"
equal "an extension moves the end" true "$(with_session "$session" ExtendSession | jq '.Expiration != null')"
equal "who says to be elsewhere is not believed" 127.0.0.1 \
	"$(open_call CreateSession "UserName=$user" "Password=$password" -- -H 'X-Real-IP: 203.0.113.9' >/dev/null
		call DescribeAuditLog --PageSize 1 --ActionName CreateSession |
			jq -r '.Records[0].Detail | fromjson | .address')"
equal "a log-out ends it" "OK InvalidAccessKeyId.NotFound" \
	"$(with_session "$session" EndSession | jq -r '.Code // "OK"') $(with_session "$session" DescribeCaller | jq -r .Code)"

equal "nothing else comes without a signature" MissingParameter "$(open_call DescribeCaller | jq -r .Code)"
check "a tenant's user" call CreateUser --Name alice --Password 'correct horse battery' --Permission full \
	--AccountId "$(call CreateAccount --Name "sessions-$$" | jq -r .AccountId)"
session=$(open_call CreateSession UserName=Alice 'Password=correct horse battery')
equal "sees no instance of others" 0 \
	"$(buy Ipv4 >/dev/null; with_session "$session" DescribeInstanceIds | jq '.InstanceIds | length')"
one=$(open_call CreateSession UserName=alice 'Password=correct horse buttery' | jq -c '[.Code, .Message]')
equal "unknown user and wrong password are one error" "$one" \
	"$(open_call CreateSession UserName=nobody 'Password=correct horse battery' | jq -c '[.Code, .Message]')"
equal "a failure is recorded" '{"failed":"password","address":"127.0.0.1","omitted":0}' \
	"$(call DescribeAuditLog --PageSize 2 --ActionName CreateSession | jq -r '.Records[] | select(.Actor == "user:alice") | .Detail')"
codes=$(for _ in $(seq 12); do open_call CreateSession UserName=alice Password=wrong | jq -r .Code; done | sort | uniq -c | tr -s ' \n' ' ')
equal "tries are limited" true "$([[ $codes =~ Throttling.Login ]] && echo true || echo "$codes")"
check "the user goes, and his session with him" call DeleteUser --Name alice
equal "as was said" InvalidAccessKeyId.NotFound "$(with_session "$session" DescribeCaller | jq -r .Code)"
done_testing
