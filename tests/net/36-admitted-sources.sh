#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Origins that admit nothing but what DescribeBackSourceCidr tells: web sites and port rules reach them both, at the same time
# and at the same port, and take nothing from each other.
. "$(dirname "$0")/lib.sh"
DOMAIN=admitted-$RANDOM.example

# The origin answers nobody else of the networks that it shares with the nodes.
mend() {
	inside origin ip rule flush pref 100
	inside origin ip rule flush pref 200
	inside origin ip -6 rule flush pref 100
	inside origin ip -6 rule flush pref 200
}
admit() { # admit CIDR...
	local cidr
	for cidr; do
		if [[ "$cidr" == *:* ]]; then
			inside origin ip -6 rule add pref 100 to "$cidr" lookup main
		else
			inside origin ip rule add pref 100 to "$cidr" lookup main
		fi
	done
	inside origin ip rule add pref 200 to 203.0.113.0/25 prohibit
	inside origin ip -6 rule add pref 200 to 2001:db8::/62 prohibit
}
missed() { call DescribeNodes | jq '[.Nodes[].Requests.SourcesMissed] | add'; }
url() { [[ "$1" == *:* ]] && echo "http://[$1]:$2$3" || echo "http://$1:$2$3"; }
# site DOMAIN ORIGIN: on both instances
site() {
	code_of CreateDomainResource --Domain "$1" --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" --RsType 0 --RealServers.1 "$2" \
		--ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80
}
pages() { # pages DOMAIN VIP COUNT: what became of so many, 20 at a time
	local vip=$2
	[[ "$vip" == *:* ]] && vip="[$vip]"
	inside client curl -s -m 60 -Z --parallel-max 20 --connect-to "::$vip:80" -o /dev/null \
		-w '%{http_code} %{size_download} %{errormsg}\n' "http://$1/?[1-$3]" 2>/dev/null | sort | uniq -c | xargs
}
first_page() { [ "$(pages "$1" "$2" 1)" = "1 200 1024" ]; }

id4=$(buy Ipv4) id6=$(buy Ipv6)
vip4=$(instance "$id4" Ip) vip6=$(instance "$id6" Ip)
mapfile -t cidrs < <(call DescribeBackSourceCidr | jq -r '.Cidrs[]')
check "addresses of both IP versions are told" grep -q : <<<"${cidrs[*]}"
before=$(missed)
admit "${cidrs[@]}"
check "the node's own address is not admitted" bash -c "! '$POLDER' lab exec node curl -s -m 2 -o /dev/null $(url "$ORIGIN4" "$HTTP_PORT" /)"
check "nor that of IPv6" bash -c "! '$POLDER' lab exec node curl -s -m 2 -o /dev/null '$(url "$ORIGIN6" "$HTTP_PORT" /)'"

for version in 4 6; do
	origin=ORIGIN$version vip=vip$version id=id$version
	equal "a site, IPv$version" OK "$(site "v$version.$DOMAIN" "${!origin}")"
	equal "which asks each time by a new connection" OK "$(code_of ConfigL7UsKeepalive --Domain "v$version.$DOMAIN" \
		--UpstreamKeepalive '{"enabled":false,"keepalive_requests":1,"keepalive_timeout":1}')"
	equal "without a limit of rates" OK "$(code_of DisableWebCC --Domain "v$version.$DOMAIN")"
	forward "${!id}" tcp 8088 "$HTTP_PORT" "${!origin}"
done
check "nodes confirm the rules" settled
for version in 4 6; do
	for vip in "$vip4" "$vip6"; do
		check "IPv$version origin, client of $vip" eventually first_page "v$version.$DOMAIN" "$vip"
	done
done
for version in 4 6; do
	vip=vip$version
	inside client "$LOAD" get "${!vip}" 8088 4000 20 / 1024 >"$scratch/load$version" &
	load=$!
	for other in "$vip4" "$vip6"; do
		equal "pages of the IPv$version origin at $other beside a port rule to it" "1000 200 1024" \
			"$(pages "v$version.$DOMAIN" "$other" 1000)"
	done
	if wait $load; then ok "no connection of the port rule was lost, IPv$version"; else
		not_ok "no connection of the port rule was lost, IPv$version" "$(cat "$scratch/load$version")"
	fi
done
equal "no request left from elsewhere" "$before" "$(missed)"
done_testing
