#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Web sites: what the API was told is what a client gets through the protected addresses, over both IP versions, with
# and without TLS, from the next request on; through the life cycle of the instance; and what is left of its private key when
# it is gone.
. "$(dirname "$0")/lib.sh"

STATE=$(field .state)
TABLE=$STATE/requests/node/table
host_of() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }
# page URL VIP [CURL-OPTION...]: status of the answer; 000: none.
page() {
	local url=$1 vip=$2
	shift 2
	inside client curl -s -m 3 -o /dev/null -w '%{http_code}' --noproxy '*' \
		--connect-to "::$(host_of "$vip"):" "$@" "$url"
}
shows() { # shows EXPECTED URL VIP [CURL-OPTION...]
	local expected=$1 end=$((SECONDS + PATIENCE)) got
	shift
	while [ $SECONDS -lt $end ]; do
		got=$(page "$@")
		[ "$got" = "$expected" ] && return
		sleep 0.1
	done
	echo "last answer: $got"
	return 1
}
site() { # site DOMAIN PROXY-TYPES INSTANCE...
	local arguments=() i=1 id
	for id in "${@:3}"; do arguments+=(--InstanceIds.$((i++)) "$id"); done
	call CreateWebRule --Domain "$1" --RsType 0 --Rules "$2" "${arguments[@]}"
}
rules() { # rules PORT TYPE ORIGIN [PORT TYPE ORIGIN]...
	local out=
	while [ $# -gt 0 ]; do
		out+=",{\"ProxyRules\":[{\"ProxyPort\":$1,\"RealServers\":[\"$3\"]}],\"ProxyType\":\"$2\"}"
		shift 3
	done
	echo "[${out#,}]"
}
certificate() { # certificate DOMAIN: signed by an own CA
	[ -e "$scratch/ca.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=test CA" -keyout "$scratch/ca.key" -out "$scratch/ca.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$scratch/$1.key" -out "$scratch/$1.csr" 2>/dev/null
	openssl x509 -req -in "$scratch/$1.csr" -CA "$scratch/ca.pem" -CAkey "$scratch/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo "subjectAltName=DNS:$1"; echo "authorityInfoAccess=OCSP;URI:http://$RESPONDER/") -out "$scratch/$1.pem" 2>/dev/null
	cat "$scratch/ca.pem" >>"$scratch/$1.pem"
}
associate() { # associate DOMAIN NAME
	code_of AssociateWebCert --Domain "$1" --CertName "$2" --Cert "$(cat "$scratch/$1.pem")" --Key "$(cat "$scratch/$1.key")"
}
# keyed FILE DOMAIN: whether the domain's private key is in the file, by a line of its PEM.
keyed() { grep -qaF "$(sed -n 2p "$scratch/$2.key")" "$1"; }

# A responder of the CA, on the client's address toward the node.
RESPONDER=$(inside client ip -j -4 address show dev "$(inside client ip -j -4 route get "$(field .vip_pool[0] | sed 's|/.*||;s|0$|1|')" | jq -r '.[0].dev')" |
	jq -r '.[0].addr_info[0].local')
responder_start() {
	local serial
	serial=$(openssl x509 -noout -serial -in "$scratch/shop.example.pem" | sed 's/serial=//')
	printf 'V\t350101000000Z\t\t%s\tunknown\t/CN=shop.example\n' "$serial" >"$scratch/index"
	inside client sh -c 'echo $$ >"$1/responder.pid"; exec timeout 60 openssl ocsp -index "$1/index" -port 80 \
		-rsigner "$1/ca.pem" -rkey "$1/ca.key" -CA "$1/ca.pem" -ndays 1' sh "$scratch" >"$scratch/responder" 2>&1 &
	eventually grep -q 'waiting for' "$scratch/responder"
}
stapled() {
	local end=$((SECONDS + PATIENCE))
	while [ $SECONDS -lt $end ]; do
		inside client openssl s_client -connect "$vip4:443" -servername shop.example -status </dev/null 2>/dev/null |
			grep -q 'OCSP Response Status: successful' && return
		sleep 0.1
	done
	cat "$scratch/responder"
	return 1
}

id4=$(buy Ipv4) id6=$(buy Ipv6)
vip4=$(instance "$id4" Ip) vip6=$(instance "$id6" Ip)
equal "a site on two instances" OK "$(site shop.example "$(rules 80 http "$ORIGIN4")" "$id4" "$id6" | jq -r '.Code // "OK"')"
check "nodes confirm the site" settled
check "a page over IPv4" shows 200 http://shop.example/1k "$vip4"
check "a page over IPv6" shows 200 http://shop.example/1k "$vip6"
sum=$(inside origin curl -s "http://127.0.0.1:$HTTP_PORT/1m" | sha256sum)
equal "1 MiB is identical" "$sum" "$(inside client curl -s -m 5 --connect-to "::$vip4:" http://shop.example/1m | sha256sum)"
equal "another host gets no page" 000 "$(page http://other.example/1k "$vip4")"

# A port that nobody serves yet, and a certificate.
certificate shop.example
equal "ports are changed" OK "$(code_of ModifyWebRule --Domain shop.example --RsType 0 --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" \
	--ProxyTypes '[{"ProxyType":"http","ProxyPorts":["80"]},{"ProxyType":"https","ProxyPorts":["443"]}]' --RealServers.1 "$ORIGIN4" \
	--HttpsExt '{"Https2http":1}')"
equal "a certificate of an own CA" OK "$(associate shop.example shop)"
check "nodes confirm the certificate" settled
check "HTTPS over IPv4" shows 200 https://shop.example/1k "$vip4" --cacert "$scratch/ca.pem"
check "HTTPS over IPv6" shows 200 https://shop.example/1k "$vip6" --cacert "$scratch/ca.pem"
check "the table holds the private key" keyed "$TABLE" shop.example
equal "the table is root's and nginx's alone" "640 root www-data" "$(stat -c '%a %U %G' "$TABLE")"

# An OCSP response of the CA's responder is stapled.
check "the responder starts" responder_start
equal "OCSP is switched on" OK "$(code_of ModifyOcspStatus --Domain shop.example --Enable 1)"
check "a response is stapled" stapled
kill "$(cat "$scratch/responder.pid")"
wait

# What nodes confirmed is in force for the next request.
equal "HTTP is sent to HTTPS" OK "$(code_of ModifyWebRule --Domain shop.example --RsType 0 --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" \
	--ProxyTypes '[{"ProxyType":"http","ProxyPorts":["80"]},{"ProxyType":"https","ProxyPorts":["443"]}]' --RealServers.1 "$ORIGIN4" \
	--HttpsExt '{"Http2https":1,"Https2http":1}')"
check "nodes confirm the change" settled
equal "the next request is redirected" 301 "$(page http://shop.example/1k "$vip4")"

# How long after the API's reply the first request shows a change: told, not judged, since machines differ.
before=$(date +%s%N)
call ModifyWebRule --Domain shop.example --RsType 0 --InstanceIds.1 "$id4" --InstanceIds.2 "$id6" \
	--ProxyTypes '[{"ProxyType":"http","ProxyPorts":["80"]},{"ProxyType":"https","ProxyPorts":["443"]}]' --RealServers.1 "$ORIGIN4" \
	--HttpsExt '{"Https2http":1}' >/dev/null
replied=$(date +%s%N)
settled
echo "# the API took $(((replied - before) / 1000000)) ms; confirmed by the node $((($(date +%s%N) - replied) / 1000000)) ms later"
equal "the next request is not redirected" 200 "$(page http://shop.example/1k "$vip4")"

# Checks, and the access log that says why.
source=$(client_address 4 "$vip4")
logs() { cat "$STATE"/edge/node/log/*-shop.example~*/*.jsonl 2>/dev/null; }
logged() { # logged FILTER: a line of the log
	local end=$((SECONDS + PATIENCE))
	while [ $SECONDS -lt $end ]; do
		logs | jq -es "any(.[]; $1)" >/dev/null && return
		sleep 0.1
	done
	echo "last line: $(logs | tail -n 1)"
	return 1
}
equal "the access log is switched on" OK "$(code_of EnableWebAccessLogConfig --Domain shop.example)"
check "nodes confirm the log" settled
equal "a page with query" 200 "$(page 'http://shop.example/1k?a=b' "$vip4" -A 'agent "x"')"
check "the request is in the access log" logged ".matched_host == \"shop.example\" and .request_path == \"/1k\" and
	.querystring == \"a=b\" and .http_user_agent == \"agent \\\"x\\\"\" and .real_client_ip == \"$source\" and .status == 200 and
	.upstream_status == 200 and .cc_action == \"none\" and .server_addr == \"$vip4\" and .server_port == 80"
equal "the client is black-listed" OK "$(code_of ConfigWebIpSet --Domain shop.example --BlackList.1 "$source")"
equal "lists are on" OK "$(code_of ModifyWebIpSetSwitch --Domain shop.example --Config '{"BwlistEnable":1}')"
check "nodes confirm the black-list" settled
equal "no page for who is black-listed" 000 "$(page http://shop.example/1k "$vip4")"
check "the refusal is in the access log" logged ".cc_phase == \"black_list\" and .cc_action == \"close\" and .cc_blocks == 1"

# Life cycle: checks end with the expiry, pages are served until forwarding stops.
at_expiry_plus "$id4" 5
check "expired: no check, a page" shows 200 http://shop.example/1k "$vip4"
clock reset
check "the clock goes back: the check again" shows 000 http://shop.example/1k "$vip4"
equal "the black-list is emptied" OK "$(code_of ModifyWebIpSetSwitch --Domain shop.example --Config '{"BwlistEnable":0}')"
at_expiry_plus "$id4" $((7 * 86400 + 5))
check "7 days on: no page" shows 000 http://shop.example/1k "$vip4"
clock reset
check "the clock goes back: pages again" shows 200 http://shop.example/1k "$vip4"

# A new private key takes the old one's place in memory.
cp "$scratch/shop.example.key" "$scratch/old.key"
certificate shop.example
equal "another certificate" OK "$(associate shop.example shop2)"
check "nodes confirm the other certificate" settled
check "HTTPS by the other certificate" shows 200 https://shop.example/1k "$vip4" --cacert "$scratch/ca.pem"
if keyed "$TABLE" old; then got=yes; else got=no; fi
equal "the old key is not in the table" no "$got"

# An agent that starts anew finds what is there; nginx goes on meanwhile.
full_ones() { grep -c 'in force: full' "$STATE/agent.log"; }
takes_over() { # takes_over COUNT: another full snapshot is in force
	local end=$((SECONDS + PATIENCE))
	while [ $SECONDS -lt $end ]; do
		[ "$(full_ones)" -gt "$1" ] && return
		sleep 0.1
	done
	return 1
}
fulls=$(full_ones)
kill -9 "$(jq .agent "$STATE/pids.json")"
equal "pages while the agent starts" 200 "$(page http://shop.example/1k "$vip4")"
check "the agent takes over" takes_over "$fulls"
check "the agent's new start confirms" settled
equal "pages after it" 200 "$(page http://shop.example/1k "$vip4")"

# Released: neither page nor key.
at_expiry_plus "$id4" $((8 * 86400))
equal "instance 1 is released" OK "$(code_of ReleaseInstance --InstanceId "$id4")"
equal "instance 2 is released" OK "$(code_of ReleaseInstance --InstanceId "$id6")"
clock reset
check "nodes confirm the release" settled
check "no page" shows 000 http://shop.example/1k "$vip4"
if keyed "$TABLE" shop.example; then got=yes; else got=no; fi
equal "no key in the table" no "$got"
keys=0
for file in "$STATE"/control/* "$STATE"/*.log; do
	[ -f "$file" ] && keyed "$file" shop.example && keys=$((keys + 1))
done
equal "no key in the clear in any file" 0 "$keys"
done_testing
