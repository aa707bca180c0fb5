#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Web sites from an order to the wire: ports, certificates and redirects change for the next request, without a reload; a
# site follows the life of its instances, and so does its name.
. "$(dirname "$0")/lib.sh"
DOMAIN=www.example-$RANDOM.com
DNS=$(field .dns.ipv4)

if [ "$DNS" = null ] || ! command -v kdig >/dev/null; then
	echo "ok - web sites # SKIP Knot DNS or kdig is not installed"
	exit 0
fi

# certificate NAME DOMAIN...: $scratch/NAME.crt and .key, signed by itself
certificate() {
	local name=$1 names
	shift
	names=$(printf ',DNS:%s' "$@")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
		-addext "subjectAltName=${names#,}" -keyout "$scratch/$name.key" -out "$scratch/$name.crt" 2>/dev/null
}
associate() { # associate NAME FILE
	code_of AssociateWebCert --Domain "$DOMAIN" --CertName "$1" --Cert "$(cat "$scratch/$2.crt")" \
		--Key "$(cat "$scratch/$2.key")"
}
# site ACTION SCHEME PORTS [SCHEME PORTS] -- more arguments: instances and the origin, which speaks no TLS, are always
# the same
site() {
	local action=$1 i=0 p args=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		i=$((i + 1)) p=0
		args+=("--ProxyTypes.$i.ProxyType" "$1")
		for port in $2; do
			p=$((p + 1))
			args+=("--ProxyTypes.$i.ProxyPorts.$p" "$port")
		done
		shift 2
	done
	shift
	code_of "$action" --Domain "$DOMAIN" --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" --RsType 0 \
		--RealServers.1 "$ORIGIN4" "${args[@]}" "$@"
}
# fetch URL VIP [CERTIFICATE]: status, HTTP version and bytes
fetch() {
	local url=$1 vip=$2 port scheme=${1%%:*}
	case $url in *"$DOMAIN":*) port=${url#*"$DOMAIN":} port=${port%%/*} ;; *) port=80 ;; esac
	[ "$scheme" = https ] && [ "$port" = 80 ] && port=443
	[[ "$vip" == *:* ]] && vip="[$vip]"
	inside client curl -s -m 3 -o /dev/null -w '%{http_code} %{http_version} %{size_download}' \
		${3:+--cacert "$scratch/$3.crt"} --resolve "$DOMAIN:$port:$vip" "$url"
}
# comes EXPECTED URL VIP [CERTIFICATE]: within two seconds; nodes confirm an order before their workers have its records
comes() {
	local expected=$1 got end=$((SECONDS + PATIENCE))
	shift
	while [ $SECONDS -lt $end ]; do
		got=$(fetch "$@")
		[[ "$got" == $expected ]] && return 0
		sleep 0.05
	done
	echo "expected $expected, got $got"
	return 1
}
answer() { # answer A|AAAA: what the site's name answers
	inside client kdig @"$DNS" +short "$cname" "$1" | sort | xargs
}
answers() { # answers A|AAAA EXPECTED
	local got end=$((SECONDS + PATIENCE))
	while [ $SECONDS -lt $end ]; do
		got=$(answer "$1")
		[ "$got" = "$2" ] && return 0
		sleep 0.05
	done
	echo "expected $2, got $got"
	return 1
}

id4=$(buy Ipv4) id6=$(buy Ipv6)
vip4=$(instance "$id4" Ip) vip6=$(instance "$id6" Ip)
certificate first "$DOMAIN"
certificate second "$DOMAIN"

equal "a site on an IPv4 and an IPv6 instance" OK "$(site CreateDomainResource http 80 https 443 -- --HttpsExt '{"Https2http":1}')"
cname=$(call DescribeDomainResource --Domain "$DOMAIN" | jq -r '.WebRules[0].Cname')
for vip in "$vip4" "$vip6"; do
	check "it is served at $vip" comes "200 1.1 1024" "http://$DOMAIN/" "$vip"
	check "without a certificate there is no TLS at $vip" comes "000 *" "https://$DOMAIN/" "$vip" first
done
equal "a certificate" OK "$(associate "$DOMAIN" first)"
check "TLS is spoken with it" comes "200 1.1 1024" "https://$DOMAIN/" "$vip4" first
check "and at the other address" comes "200 1.1 1024" "https://$DOMAIN/" "$vip6" first
equal "another under its name" OK "$(associate "$DOMAIN" second)"
check "it is the new one" comes "200 1.1 1024" "https://$DOMAIN/" "$vip4" second
check "and the old one no more" comes "000 *" "https://$DOMAIN/" "$vip4" first
equal "HTTP/2" OK "$(code_of ModifyHttp2Enable --Domain "$DOMAIN" --Enable 1)"
check "clients speak it" comes "200 2 1024" "https://$DOMAIN/" "$vip4" second

equal "ports change" OK "$(site ModifyDomainResource http "80 8080" https 443 -- --HttpsExt '{"Http2https":1,"Https2http":1}')"
check "plain requests are sent to TLS" comes "301 *" "http://$DOMAIN/" "$vip4"
check "on the new port, too" comes "301 *" "http://$DOMAIN:8080/" "$vip4"
equal "a port rule on a site's port is refused" ddos_coop3303 "$(code_of CreatePort --InstanceId "$id4" \
	--FrontendProtocol tcp --FrontendPort 8080 --BackendPort 80 --RealServers.1 "$ORIGIN4")"
equal "ports go" OK "$(site ModifyDomainResource http 80 https 443 -- --HttpsExt '{"Https2http":1,"Http2":1}')"
check "the old port is closed" comes "000 *" "http://$DOMAIN:8080/" "$vip4"
check "plain requests are served again" comes "200 1.1 1024" "http://$DOMAIN/" "$vip4"

check "the site's name answers its IPv4 address" answers A "$vip4"
check "and its IPv6 address" answers AAAA "$vip6"
before=$(call DescribeWebRules --Domain "$DOMAIN" | jq -S .WebRules)
at_expiry_plus "$id4" 1
check "an expired instance still serves" comes "200 1.1 1024" "http://$DOMAIN/" "$vip4"
at_expiry_plus "$id4" $((7 * 86400 + 60))
check "seven days later it does not" comes "000 *" "http://$DOMAIN/" "$vip4"
check "nor does the name answer it" answers A ""
call RenewInstance --InstanceId "$id4" --ProductCode ddos --RenewPeriod 1 >/dev/null
call RenewInstance --InstanceId "$id6" --ProductCode ddos --RenewPeriod 1 >/dev/null
check "a renewal serves again" comes "200 1.1 1024" "http://$DOMAIN/" "$vip4"
check "with TLS" comes "200 2 1024" "https://$DOMAIN/" "$vip4" second
check "and by name" answers A "$vip4"
equal "nothing of it changed" "$before" "$(call DescribeWebRules --Domain "$DOMAIN" | jq -S .WebRules)"

at_expiry_plus "$id4" $((8 * 86400))
equal "the IPv4 instance is released" OK "$(code_of ReleaseInstance --InstanceId "$id4")"
equal "the site stays on the other" "$id6" \
	"$(call DescribeDomainResource --Domain "$DOMAIN" | jq -r '.WebRules[0].InstanceIds | join(" ")')"
check "its name loses the address" answers A ""
equal "the IPv6 instance is released" OK "$(code_of ReleaseInstance --InstanceId "$id6")"
equal "the site went with it" 0 "$(call DescribeDomainResource --Domain "$DOMAIN" | jq .TotalCount)"
equal "and the certificate" 0 "$(call DescribeCerts | jq --arg name "$DOMAIN" '[.Certs[] | select(.Name == $name)] | length')"
done_testing
