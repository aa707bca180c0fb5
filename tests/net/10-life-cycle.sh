#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The founding page, on the wire: what expiry, the seven days, renewal and release do to packets of
# TCP and UDP, IPv4 and IPv6.
. "$(dirname "$0")/lib.sh"

both() { # both NAME yes|no: do TCP and UDP of both instances get through? All four at once.
	local version protocol
	for version in 4 6; do
		for protocol in tcp udp; do
			(
				if reaches $protocol "${vip[$version]}" 7000; then echo yes; else echo no; fi
			) >"$scratch/got-$protocol-$version" &
		done
	done
	wait
	for version in 4 6; do
		for protocol in tcp udp; do
			equal "$1, $protocol over IPv$version" "$2" "$(cat "$scratch/got-$protocol-$version")"
		done
	done
}

declare -A id vip
for version in 4 6; do
	id[$version]=$(buy Ipv$version)
	vip[$version]=$(instance "${id[$version]}" Ip)
	origin=ORIGIN$version
	forward "${id[$version]}" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "${id[$version]}" udp 7000 "$UDP_ECHO" "${!origin}"
done
check "nodes confirm the rules" settled
both "a new instance forwards" yes
equal "Enabled is 1 once the node confirmed" 1 "$(instance "${id[4]}" Enabled)"

for version in 4 6; do
	source=$(client_address $version "${vip[$version]}")
	call AddAutoCcBlacklist --InstanceId "${id[$version]}" --ExpireTime 7200 \
		--Blacklist "[{\"src\":\"$source\"}]" >/dev/null
done
check "nodes confirm the block-lists" settled
both "a block-listed source is dropped" no
before=$(call DescribePort --InstanceId "${id[4]}" | jq -c .NetworkRules)$(call DescribeAutoCcBlacklist \
	--InstanceId "${id[4]}" --PageNumber 1 --PageSize 10 | jq -c .AutoCcBlacklist)

# Both were bought within the same second or two, the IPv4 one first. The clock moves in whole seconds, and
# goes on by itself: one to two seconds before the first expiry, and one to two after the second.
at_expiry_plus "${id[4]}" -2
both "1 s before expiry it is still dropped" no
at_expiry_plus "${id[6]}" 2
both "just after expiry mitigation is off: it passes" yes
equal "Status after expiry" 2 "$(instance "${id[4]}" Status)"
equal "Enabled in the seven days" 1 "$(instance "${id[4]}" Enabled)"
at_expiry_plus "${id[4]}" $((7 * 86400 - 2))
both "1 s before seven days after expiry it is forwarded" yes
at_expiry_plus "${id[6]}" $((7 * 86400 + 2))
both "1 s after the seven days nothing is forwarded" no
equal "Enabled after the seven days" 0 "$(instance "${id[4]}" Enabled)"

for version in 4 6; do
	call RenewInstance --InstanceId "${id[$version]}" --ProductCode ddos --RenewPeriod 1 >/dev/null
done
check "nodes confirm the renewal" settled
equal "Status after renewal" 1 "$(instance "${id[4]}" Status)"
equal "Enabled after renewal" 1 "$(instance "${id[4]}" Enabled)"
both "renewal restores mitigation: the block-listed source is dropped" no
equal "configuration after renewal is what it was" "$before" "$(call DescribePort --InstanceId "${id[4]}" |
	jq -c .NetworkRules)$(call DescribeAutoCcBlacklist --InstanceId "${id[4]}" --PageNumber 1 --PageSize 10 |
	jq -c .AutoCcBlacklist)"
for version in 4 6; do
	call EmptyAutoCcBlacklist --InstanceId "${id[$version]}" >/dev/null
done
check "nodes confirm the emptied lists" settled
both "renewal restores forwarding" yes

equal "release before expiry" InstanceNotExpire "$(code_of ReleaseInstance --InstanceId "${id[4]}")"
at_expiry_plus "${id[6]}" 2
equal "release with traffic in the last minute, if asked to be drained" InstanceNotDrained \
	"$(reaches udp "${vip[4]}" 7000; sleep 1.5; code_of ReleaseInstance --InstanceId "${id[4]}" --RequireDrained true)"
for version in 4 6; do
	equal "release after expiry, IPv$version" OK "$(code_of ReleaseInstance --InstanceId "${id[$version]}")"
	equal "a second release, IPv$version" InstanceNotFound \
		"$(code_of ReleaseInstance --InstanceId "${id[$version]}")"
done
equal "a released instance's status" 4 \
	"$(call DescribeInstanceStatus --InstanceId "${id[4]}" --ProductType 1 | jq .InstanceStatus)"
clock reset
check "nodes confirm the release" settled
both "nothing is forwarded after release" no
for version in 4 6; do
	# The lowest free address is given first; others may have been freed before.
	for _ in $(seq 20); do
		again=$(buy Ipv$version)
		[ "$(instance "$again" Ip)" = "${vip[$version]}" ] && break
	done
	equal "the released address is given again, IPv$version" "${vip[$version]}" "$(instance "$again" Ip)"
	equal "no rule of the old instance" 0 "$(call DescribePort --InstanceId "$again" | jq .TotalCount)"
	check "nodes confirm the new instance" settled
	if reaches udp "${vip[$version]}" 7000; then got=yes; else got=no; fi
	equal "no trace of the old rules in the packet path, IPv$version" no "$got"
	forward "$again" udp 7000 "$UDP_ECHO" "$([ $version = 4 ] && echo "$ORIGIN4" || echo "$ORIGIN6")"
	check "nodes confirm its rule" settled
	check "the address serves its new owner, IPv$version" reaches udp "${vip[$version]}" 7000
done
check "the audit log is whole" "$POLDER" audit verify
done_testing
