#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A web site that gets its certificate by itself, from a real ACME server (pebble) that looks for the answer through two nodes, until it is
# released. Certificates are short here, so that one sees them renewed.
if ! command -v pebble >/dev/null; then
	echo "ok - certificates by ACME # SKIP pebble is not installed"
	exit 0
fi
OWN_LAB=2 LAB_OPTIONS=--acme
. "$(dirname "$0")/lib.sh"
DOMAIN=www.acme-$RANDOM.com
LAB=/run/$POLDER_LAB_NAME-lab
SECONDS_VALID=90
PATIENCE=120

mend() {
	[ -z "${relay:-}" ] || kill "$relay" 2>/dev/null
	[ -z "${pebble:-}" ] || kill "$pebble" 2>/dev/null
	wait 2>/dev/null
}
# The directory's own certificate, and who vouches for it.
tls() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=lab" \
		-addext "subjectAltName=IP:127.0.0.1" -keyout "$scratch/dir.key" -out "$scratch/dir.crt" 2>/dev/null &&
		cp "$scratch/dir.crt" "$LAB/acme-ca.pem" && chmod 644 "$LAB/acme-ca.pem"
}
# Where the authority believes names to be: hosts that only it sees.
start_pebble() {
	jq -n --arg crt "$scratch/dir.crt" --arg key "$scratch/dir.key" --argjson valid "$SECONDS_VALID" '{pebble:
		{listenAddress: "127.0.0.1:14000", managementListenAddress: "127.0.0.1:15000", certificate: $crt, privateKey: $key,
		httpPort: 80, tlsPort: 443, ocspResponderURL: "", externalAccountBindingRequired: false,
		certificateValidityPeriod: $valid}}' >"$scratch/pebble.json"
	PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=20 PEBBLE_AUTHZREUSE=0 inside client unshare -m sh -c \
		"mount --bind '$scratch/hosts' /etc/hosts && exec pebble -config '$scratch/pebble.json'" \
		>"$scratch/pebble.log" 2>&1 </dev/null &
	pebble=$!
}
start_relay() {
	mkfifo "$scratch/hold"
	inside client python3 tests/support/relay.py "$LAB/acme.sock" 127.0.0.1 14000 <"$scratch/hold" &
	relay=$!
	exec 9>"$scratch/hold"
}
acme() { call DescribeWebAcme --Domain "$DOMAIN"; }
is() { [ "$(acme | jq -r ".$1")" = "$2" ] || { acme; return 1; }; }
# What a TLS client of the site sees, checked against the authority's root.
serial() { # serial VIP
	inside client timeout 5 openssl s_client -connect "$1:443" -servername "$DOMAIN" -verify_hostname "$DOMAIN" \
		-CAfile "$scratch/root.pem" -verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null
}
sees() { [ -n "$(serial "$1")" ]; }
changed() { local now; now=$(serial "$1") && [ -n "$2" ] && [ -n "$now" ] && [ "$now" != "$2" ]; }
root() { inside client curl -sk https://127.0.0.1:15000/roots/0 >"$scratch/root.pem" && grep -q BEGIN "$scratch/root.pem"; }
well_known() { # well_known PATH: status, over plain HTTP
	inside client curl -s -m 3 -o /dev/null -w '%{http_code}' --resolve "$DOMAIN:80:$vip" "http://$DOMAIN/.well-known/acme-challenge/$1"
}
event() { call DescribeEvents --InstanceId "$id" --Kind "$1" | jq -r '.Events | length > 0'; }

id=$(buy Ipv4)
vip=$(instance "$id" Ip)
printf '127.0.0.1 localhost\n%s %s\n' "$vip" "$DOMAIN" >"$scratch/hosts"
check "the directory's own certificate" tls
equal "a site on http and https" OK "$(code_of CreateDomainResource --Domain "$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80 --ProxyTypes.2.ProxyType https \
	--ProxyTypes.2.ProxyPorts.1 443 --HttpsExt '{"Http2https":1,"Https2http":1}')"
check "is off at first" is State off
equal "ACME is switched on while the directory is away" OK "$(code_of ConfigWebAcme --Domain "$DOMAIN" --Enable 1)"
check "which is told" eventually is State failed
equal "with the reason" true "$(acme | jq '.LastError | contains("the directory cannot be asked")')"
equal "and as an event" true "$(event certificate_failed)"

start_pebble
check "an authority" eventually root
start_relay
eventually test -S "$LAB/acme.sock"
equal "it is switched on again" OK "$(code_of ConfigWebAcme --Domain "$DOMAIN" --Enable 1)"
check "and the certificate comes" eventually is State valid
check "a TLS client sees it" eventually sees "$vip"
equal "its event is there" true "$(event certificate_issued)"
equal "and its audit record" true "$(call DescribeAuditLog --Object "$DOMAIN" --ActionName engine.acme_certificate --PageSize 1 | jq '.Records | length == 1')"
equal "a challenge that is not open goes on to the site" 301 "$(well_known nothing)"
first=$(serial "$vip")
check "with a third of its time left it is renewed" eventually changed "$vip" "$first"
equal "under its name" "acme/$DOMAIN" "$(acme | jq -r .CertName)"
equal "ACME is switched off" OK "$(code_of ConfigWebAcme --Domain "$DOMAIN" --Enable 0)"
check "and the certificate stays" sees "$vip"

equal "wildcards are refused" InvalidParameter "$(call CreateDomainResource --Domain "*.$DOMAIN" --InstanceIds.1 "$id" --RsType 0 \
	--RealServers.1 "$ORIGIN4" --ProxyTypes.1.ProxyType http --ProxyTypes.1.ProxyPorts.1 80 >/dev/null
	code_of ConfigWebAcme --Domain "*.$DOMAIN" --Enable 1)"

equal "on again" OK "$(code_of ConfigWebAcme --Domain "$DOMAIN" --Enable 1)"
at_expiry_plus "$id" 1
at_expiry_plus "$id" $((8 * 86400))
equal "the instance is released" OK "$(code_of ReleaseInstance --InstanceId "$id")"
equal "and with it the site" DomainNotExist "$(code_of DescribeWebAcme --Domain "$DOMAIN")"
equal "and the certificate" 0 "$(call DescribeCerts | jq --arg name "acme/$DOMAIN" '[.Certs[] | select(.Name == $name)] | length')"
equal "and its row" 0 "$(python3 -c "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM website_acme').fetchone()[0])" "$LAB/control/control.db")"
done_testing
