#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who visits, and who attacks a web site: connections to port rules and requests to a site from several addresses of both IP
# versions, of countries, provinces and providers that databases of the test tell; then floods of requests that are
# refused, whose sources the record of the attack names, with the requests of each.
# A lab of its own: its control has databases, and windows of half a minute take their time.
OWN_LAB=1 LAB_OPTIONS=--databases
. "$(dirname "$0")/lib.sh"
DOMAIN=www.visitors-$RANDOM.com
LAB=/run/$POLDER_LAB_NAME-lab
OTHER=192.0.2.10 # another address of the client
PATIENCE=120

inside client ip address add "$OTHER/26" dev n0 || exit 1
id4=$(buy Ipv4) id6=$(buy Ipv6)
vip4=$(instance "$id4" Ip) vip6=$(instance "$id6" Ip)
client4=$(client_address 4 "$vip4") client6=$(client_address 6 "$vip6")
attacker4=$(inside attacker ip -j -4 route get "$vip4" | jq -r '.[0].prefsrc')
attacker6=$(inside attacker ip -j -6 route get "$vip6" | jq -r '.[0].prefsrc')
slash64() { python3 -c 'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1] + "/64", strict=False).network_address)' "$1"; }
china='"country":{"iso_code":"CN"},"subdivisions"'
"$O/tests/net/mmdb" "$LAB/city.mmdb" "{\"$client4/32\":{$china:[{\"iso_code\":\"BJ\"}]},
	\"$OTHER/32\":{$china:[{\"names\":{\"en\":\"Guangdong\"}}]},\"$(slash64 "$client6")/64\":{$china:[{\"iso_code\":\"44\"}]}}" &&
	"$O/tests/net/mmdb" "$LAB/asn.mmdb" "{\"$client4/32\":{\"autonomous_system_number\":64500,\"autonomous_system_organization\":\"One\"},
	\"$OTHER/32\":{\"asn\":64501},\"$(slash64 "$client6")/64\":{\"asn\":64500}}" &&
	chmod 644 "$LAB"/{city,asn}.mmdb || exit 1

# ---- connections: from each address as many as it says, of which the echo comes back
cat >"$scratch/connect.py" <<'EOF'
import socket, sys
kind, source, destination, port, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
family = socket.AF_INET6 if ":" in source else socket.AF_INET
for _ in range(count):
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.settimeout(5)
        for attempt in range(4):  # a datagram may be lost
            try:
                if kind == "tcp" or attempt == 0:
                    s.connect((destination, port))
                s.send(b"visitors")
                assert s.recv(64) == b"visitors"
                break
            except TimeoutError:
                assert kind == "udp" and attempt < 3
EOF
connects() { # connects ROLE PROTOCOL SOURCE VIP PORT COUNT
	inside "$1" python3 "$scratch/connect.py" "${@:2}"
}
for version in 4 6; do
	id=id$version vip=vip$version origin=ORIGIN$version
	forward "${!id}" tcp 7000 "$TCP_ECHO" "${!origin}"
	forward "${!id}" udp 7000 "$UDP_ECHO" "${!origin}"
done
check "the nodes have it" settled
check "seven connections from one address" connects client tcp "$client4" "$vip4" 7000 7
check "three from another" connects client tcp "$OTHER" "$vip4" 7000 3
check "two conversations of UDP" connects client udp "$OTHER" "$vip4" 7000 2
check "five connections of an attacker" connects attacker tcp "$attacker4" "$vip4" 7000 5
check "four over IPv6" connects client tcp "$client6" "$vip6" 7000 4
check "and two of UDP of an attacker" connects attacker udp "$attacker6" "$vip6" 7000 2

# ---- requests: those that pass, then the flood
equal "a site on both" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80)"
equal "whose frequency mode is off" OK "$(code_of DisableWebCC --Domain "$DOMAIN")"
equal "refuses by a rule" OK "$(code_of ModifyWebPreciseAccessRule --Domain "$DOMAIN" --Rules \
	'[{"name":"one","action":"block","condition":[{"field":"uri","match_method":"contain","content":"flood"}]}]')"
# Whom a site has on its white-list is not banned: a flood of others would end after some dozens of requests each.
equal "and bans none of them" OK "$(code_of ConfigWebIpSet --Domain "$DOMAIN" --WhiteList.1 "$client4" --WhiteList.2 "$OTHER" \
	--WhiteList.3 "$attacker4" --WhiteList.4 "$(slash64 "$attacker6")/64")"
get() { # get ROLE SOURCE PATH [WORDS OF CURL]: prints statuses
	local role=$1 source=$2 path=$3 vip=$vip4
	shift 3
	case $source in *:*) vip=[$vip6] ;; esac
	inside "$role" curl -s -o /dev/null -w '%{http_code}\n' --interface "$source" --connect-to "::$vip:" "$@" "http://$DOMAIN$path"
}
served() { [ "$(get client "$client4" /?first -m 3)" = 200 ]; }
check "it is served" eventually served
check "the nodes have all of it" settled
passes() { [ "$(get "$1" "$2" "/?page=[1-$3]" | grep -c '^200$')" = "$3" ]; }
check "twelve requests pass" passes client "$client4" 12
check "five from another address" passes client "$OTHER" 5
check "six over IPv6" passes client "$client6" 6
check "three of an attacker" passes attacker "$attacker4" 3

flood() { # flood ROLE SOURCE COUNT: each in a connection of its own, all refused
	! get "$1" "$2" "/flood?[1-$3]" -m 60 -Z --parallel-max 8 -H 'Connection: close' 2>/dev/null | grep -q '^200$'
}
flood attacker "$attacker4" 3000 &
first=$!
flood attacker "$attacker6" 2000 &
second=$!
check "a flood from an address is refused" flood client "$client4" 1500
check "and from another" flood client "$OTHER" 800
wait $first
equal "while the attacker's are" 0 $?
wait $second
equal "and its flood over IPv6" 0 $?
attack() { call DescribeAttacks --InstanceId "$id4" | jq -ce 'first(.Attacks[] | select(.EventType == "web-cc")) // empty'; }
check "an attack on the site is recorded" eventually attack
equal "it is of the site" "$DOMAIN" "$(attack | jq -r .Domain)"
sources() { call DescribeAttackSources --Number "$(attack | jq .Number)"; }
refused() { call DescribeWebChecks --Domain "$DOMAIN" | jq '.Checks[] | select(.Name == "precise").Refused'; }
all_told() { [ "$(sources | jq '[.Sources[].Packets] | add')" = "$(refused)" ]; }
check "its sources have all the requests that were refused" eventually all_told
sources >"$scratch/sources"
requests_of() { jq -r --arg ip "$1" '.Sources[] | select(.Source == $ip).Packets' "$scratch/sources"; }
floods() { # floods SOURCE COUNT: as many as were sent; curl repeats one that was closed before it was read
	local told
	told=$(requests_of "$1")
	[ -n "$told" ] && [ "$told" -ge "$2" ] && [ "$told" -le $(($2 + $2 / 10)) ] || { cat "$scratch/sources"; return 1; }
}
check "the attacker's" floods "$attacker4" 3000
check "its over IPv6, by network" floods "$(slash64 "$attacker6")" 2000
check "the client's" floods "$client4" 1500
check "and its other address's" floods "$OTHER" 800
equal "nobody else" 4 "$(jq '.Sources | length' "$scratch/sources")"
equal "who sent most is first, with country, check and port" "$attacker4 aq unknown precise tcp 80" \
	"$(jq -r '.Sources[0] | "\(.Source) \(.Country) \(.Provider) \(.Reason) \(.Protocol) \(.Port)"' "$scratch/sources")"
equal "the client is in Beijing" "cn 110000 AS64500 One" \
	"$(jq -r --arg ip "$client4" '.Sources[] | select(.Source == $ip) | "\(.Country) \(.Province) \(.Provider) \(.Organisation)"' "$scratch/sources")"
equal "countries" "aq cn" "$(jq -r '[.Countries[].Country] | join(" ")' "$scratch/sources")"
equal "provinces" "110000 440000" "$(jq -r '[.Provinces[].Province] | join(" ")' "$scratch/sources")"
equal "providers" "unknown AS64500 AS64501" "$(jq -r '[.Providers[].Provider] | join(" ")' "$scratch/sources")"
at=(--Ip "$vip4" --EventType web-cc --StartTime $(($(attack | jq .BeginTime) / 1000)))
equal "DescribeDDosEventSrcIp" "$attacker4 aq" "$(call DescribeDDosEventSrcIp "${at[@]}" --Range 5 | jq -r '.Ips[0] | "\(.SrcIp) \(.AreaId)"')"
equal "DescribeDDosEventArea" "aq 110000 440000" "$(call DescribeDDosEventArea "${at[@]}" | jq -r '[.Areas[].Area] | join(" ")')"
equal "DescribeDDosEventIsp" "unknown AS64500 AS64501" "$(call DescribeDDosEventIsp "${at[@]}" | jq -r '[.Isps[].Isp] | join(" ")')"
check "the command line has them" grep -qF "$OTHER" <<<"$("$POLDER" attackers "$(attack | jq .Number)")"

# ---- who visited: told with the end of a window; each connection once
from=$(($(date +%s) / 60 * 60 - 3600)) until=$(($(date +%s) / 60 * 60 + 3600))
span=(--StartTime $from --EndTime $until)
total() { call DescribeVisitors "$@" | jq .Total; }
comes() { [ "$(total --InstanceId "$1")" = "$2" ]; }
check "seventeen connections over IPv4" eventually comes "$id4" 17
check "six over IPv6" eventually comes "$id6" 6
ports() { call "$1" --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" "${span[@]}"; }
equal "DescribePortViewSourceCountries" "cn 16 aq 7" \
	"$(ports DescribePortViewSourceCountries | jq -r '[.SourceCountrys[] | "\(.CountryId) \(.Count)"] | join(" ")')"
equal "DescribePortViewSourceProvinces" "440000 9 110000 7" \
	"$(ports DescribePortViewSourceProvinces | jq -r '[.SourceProvinces[] | "\(.ProvinceId) \(.Count)"] | join(" ")')"
equal "DescribePortViewSourceIsps" "AS64500 11 unknown 7 AS64501 5" \
	"$(ports DescribePortViewSourceIsps | jq -r '[.Isps[] | "\(.IspId) \(.Count)"] | join(" ")')"
equal "the command line's" "cn 12" "$("$POLDER" visitors "$id4" | awk '$1 == "cn" { print $1, $2 }')"
requests() { call DescribeDomainQPSList --Domain "$DOMAIN" "${span[@]}" --Interval 3600 | jq '[.DomainQPSList[].TotalCount] | add'; }
all_visits() { [ "$(total --Domain "$DOMAIN" "${span[@]}")" = "$(requests)" ]; }
check "all requests to the site are visits" eventually all_visits
# A sample of the floods, but nobody is missing.
province() { call DescribeDomainViewSourceProvinces --Domain "$DOMAIN" "${span[@]}" | jq -r '[.SourceProvinces[].ProvinceId] | sort | join(" ")'; }
equal "DescribeDomainViewSourceProvinces" "110000 440000" "$(province)"
equal "DescribeWebReportTopIp" "$attacker4 aq unknown" "$(call DescribeWebReportTopIp --Domain "$DOMAIN" "${span[@]}" --Interval 3600 \
	--QueryType block --Top 1 | jq -r '.DataList[0] | "\(.SourceIp) \(.AreaId) \(.Isp)"')"

# ---- over, it is remembered with its record
is_over() { [ "$(attack | jq .EndTime)" -gt 0 ]; }
PATIENCE=150
check "the attack ends" eventually is_over
equal "and its sources are known still" "$(jq -c .Sources "$scratch/sources")" "$(sources | jq -c .Sources)"
done_testing
