#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Regions on the wire: the lab's attackers are in Antarctica (agents are told so), its clients in no country. An instance
# that blocks Antarctica serves the clients only; who is unknown is not refused where no database is loaded.
OWN_LAB=1
. "$(dirname "$0")/lib.sh"
ANTARCTICA=$(sed -nE 's/^COUNTRY\("AQ", ([0-9]+),.*/\1/p' shared/countries.def)
FRANCE=$(sed -nE 's/^COUNTRY\("FR", ([0-9]+),.*/\1/p' shared/countries.def)

attacker_reaches() { # attacker_reaches VIP
	inside attacker timeout 2 "$LOAD" echo "$1" 7000 1 1 64 >/dev/null 2>&1
}
refused() { ! attacker_reaches "$1"; }
explained() { # explained SOURCE VIP VERDICT: what the control says of a packet from there
	[ "$(call ExplainPacket --Source "$1" --Destination "$2" --Protocol tcp --Port 7000 | jq -r '.Verdict + .Reason')" = "$3" ]
}
ATTACKER4=198.51.100.9 ATTACKER6=2001:db8:a::9 NOBODY4=192.0.2.9 NOBODY6=2001:db8:c::9
block() { # block ID SWITCH [COUNTRY...]
	local id=$1 switch=$2
	shift 2
	call ConfigNetworkRegionBlock --InstanceId "$id" \
		--Config "{\"RegionBlockSwitch\":\"$switch\",\"Countries\":[$(IFS=,; echo "$*")]}" >/dev/null && settled
}
has_counted() {
	[ "$(call DescribeReasons --InstanceId "$1" |
		jq '[.Reasons[] | select(.Name == "region") | .Packets] | add // 0')" -gt 0 ]
}
counted() { eventually has_counted "$1"; } # counted ID

for version in 4 6; do
	origin=ORIGIN$version
	id=$(buy Ipv$version)
	vip=$(instance "$id" Ip)
	forward "$id" tcp 7000 "$TCP_ECHO" "${!origin}"
	check "nodes confirm the rule, IPv$version" settled
	check "the client passes, IPv$version" reaches tcp "$vip" 7000
	check "the attacker passes, IPv$version" attacker_reaches "$vip"
	check "blocking another country, IPv$version" block "$id" on "$FRANCE"
	check "the attacker passes, IPv$version" attacker_reaches "$vip"
	check "blocking the attacker's, IPv$version" block "$id" on "$FRANCE" "$ANTARCTICA"
	check "the attacker does not pass, IPv$version" refused "$vip"
	attacker=ATTACKER$version nobody=NOBODY$version
	check "it is told why, IPv$version" explained "${!attacker}" "$vip" dropregion
	check "and that others pass, IPv$version" explained "${!nobody}" "$vip" pass
	check "who is of no country passes, IPv$version" reaches tcp "$vip" 7000
	check "drops are counted under their reason, IPv$version" counted "$id"
	at_expiry_plus "$id" 1
	check "after expiry the attacker passes, IPv$version" attacker_reaches "$vip"
	clock reset
	check "switching it off, IPv$version" block "$id" off
	check "the attacker passes again, IPv$version" attacker_reaches "$vip"
done
done_testing
