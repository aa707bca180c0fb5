# SPDX-License-Identifier: BSD-2-Clause
# TLS of clients: the certificate of the name asked for, each site's own versions and suites, refusals before the key
# exchange, tickets by the table's keys, staples.
. "$(dirname "$0")/lib.sh"
origins_start
certificate() { # certificate NAME [OPTION...]
	local name=$1
	shift
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$name" \
		-addext "subjectAltName=DNS:$name" -keyout "$scratch/$name.key" -out "$scratch/$name.pem" "$@" 2>/dev/null
}
for name in one two new; do certificate $name.test; done
site() { # site DOMAIN NUMBER FLAGS TLS-MIN [MORE]
	echo '{"domain":"'$1'","number":'$2',"flags":'$3',"tls_min":'$4',"ports":[[80,'$HTTP'],[443,'$HTTPS']],"origins":[{"address":"127.0.1.1"}]'${5:-}'}'
}
TICKETS=$(printf 'a1%.0s' $(seq 16); printf '01%.0s' $(seq 64))
TICKETS2=$(printf 'a2%.0s' $(seq 16); printf '02%.0s' $(seq 64))
table <<END
{$(vips), "ticket_keys":["$TICKETS"],
 "certificates":[{"number":1,"chain":"$scratch/one.test.pem","key":"$scratch/one.test.key"},
  {"number":2,"chain":"$scratch/two.test.pem","key":"$scratch/two.test.key"},
  {"number":3,"chain":"$scratch/two.test.pem","key":"$scratch/one.test.key"}],
 "sites":[$(site one.test 1 $((TLS13 | HTTP2)) 1 ',"certificate":1'), $(site two.test 2 0 3 ',"certificate":2,"ciphers":"ECDHE-ECDSA-AES128-GCM-SHA256"'),
  $(site none.test 3 $TLS13 1), $(site wrong.test 4 $TLS13 1 ',"certificate":3'),
  $(site strict.test 5 $TLS13 3 ',"certificate":1,"ciphers_tls13":"TLS_AES_128_GCM_SHA256"'),
  {"domain":"plain.test","number":6,"ports":[[80,$HTTP]],"certificate":1,"origins":[{"address":"127.0.1.1"}]},
  $(site bad.test 7 $TLS13 1 ',"certificate":1,"ciphers":"NO-SUCH-SUITE"')]}
END
edge_start 1

hello() { # hello [-servername NAME] OPTION...: what openssl's client says
	timeout 5 openssl s_client -connect $VIP:443 "$@" </dev/null 2>&1
}
subject() { hello "$@" | grep -m1 '^subject=' | sed 's/.*CN *= *//'; }
equal "certificate by server name" "one.test two.test" "$(subject -servername one.test) $(subject -servername two.test)"
equal "in capitals" one.test "$(subject -servername ONE.test)"
refusal() { # refusal NAME ALERT OPTION...
	local name=$1 alert=$2 before said
	shift 2
	before=$(refused server_name)
	said=$(hello "$@")
	equal "$name: refused before a certificate is sent, and counted" "1 0 1" \
		"$(grep -c "$alert" <<<"$said") $(grep -c 'BEGIN CERT' <<<"$said") $(($(refused server_name) - before))"
}
refusal "a name that nobody has" 'unrecognized name' -servername nobody.test
refusal "no name" 'unrecognized name' -noservername
refusal "a site without certificate" 'unrecognized name' -servername none.test
refusal "a site without HTTPS on that port" 'unrecognized name' -servername plain.test
equal "a key that is not the certificate's" 0 "$(hello -servername wrong.test | grep -c 'BEGIN CERT')"

version() { hello "$@" | grep -m1 -oE '(New|Reused), TLSv[0-9.]+' | sed 's/.*, //'; }
agreed() { version "$@" | grep . || echo none; }
equal "a site of all versions" "TLSv1.3 TLSv1.2 TLSv1.0" \
	"$(agreed -servername one.test) $(agreed -servername one.test -tls1_2) $(agreed -servername one.test -tls1 -cipher ALL@SECLEVEL=0)"
equal "a site of TLS 1.2 alone" "TLSv1.2 none none" \
	"$(agreed -servername two.test) $(agreed -servername two.test -tls1_1 -cipher ALL@SECLEVEL=0) $(agreed -servername two.test -tls1_3)"
suite() { hello "$@" | grep -m1 -oE 'Cipher is .*' | sed 's/Cipher is //'; }
equal "a site's suites" "ECDHE-ECDSA-AES128-GCM-SHA256 TLS_AES_128_GCM_SHA256 (NONE)" \
	"$(suite -servername two.test) $(suite -servername strict.test) $(suite -servername strict.test -ciphersuites TLS_AES_256_GCM_SHA384 -tls1_3)"
equal "suites that do not exist: the default ones" one.test "$(subject -servername bad.test)"
# More lists than a worker keeps: those of others do not change a site's.
others=
for i in $(seq 70); do others+=",$(site suites$i.test $((100 + i)) 0 3 ',"certificate":1,"ciphers":"ECDHE-ECDSA-AES256-GCM-SHA384:NONE'$i'"')"; done
table <<<"{\"sites\":[${others:1}, $(site late.test 99 0 3 ',"certificate":1,"ciphers":"ECDHE-ECDSA-AES128-SHA256"')]}"
for i in $(seq 70); do suite -servername suites$i.test -tls1_2; done | sort | uniq -c >"$scratch/suites"
equal "many lists of suites" "70 ECDHE-ECDSA-AES256-GCM-SHA384" "$(xargs <"$scratch/suites")"
equal "one more, and one of before" "ECDHE-ECDSA-AES128-SHA256 (NONE) ECDHE-ECDSA-AES128-GCM-SHA256 (NONE)" \
	"$(suite -servername late.test) $(suite -servername late.test -cipher ECDHE-ECDSA-AES256-GCM-SHA384) $(suite -servername two.test) $(suite -servername two.test -cipher ECDHE-ECDSA-AES256-GCM-SHA384)"
protocol() { gets "$1" / --http2 -o /dev/null -w '%{http_version}'; }
equal "HTTP/2 for one site, and not for another" "2 1.1" "$(protocol one.test) $(protocol two.test)"
equal "a site is not reached by an older version through another one's name" 000 \
	"$(code gets one.test / --tls-max 1.1 --ciphers ALL@SECLEVEL=0 -H 'Host: two.test')"
equal "and is by a version that it takes" 200 "$(code gets one.test / -H 'Host: two.test')"

# Tickets. A session is resumed by another worker too: the keys are the table's.
resume() { # resume VERSION FILE: resumes what FILE holds
	timeout 5 openssl s_client -connect $VIP:443 -servername one.test -"$1" -sess_in "$2" </dev/null 2>&1 | grep -m1 -oE '^(New|Reused)'
}
session() { # session VERSION FILE
	local i
	# Of TLS 1.3 the ticket comes behind the handshake.
	for i in 1 2 3 4 5; do
		(printf 'GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n'; sleep $((i - 1)).3) |
			timeout 5 openssl s_client -connect $VIP:443 -servername one.test -"$1" -sess_out "$2" >/dev/null 2>&1
		[ -s "$2" ] && return
	done
}
session tls1_2 "$scratch/s12"
session tls1_3 "$scratch/s13"
equal "sessions are resumed by ticket" "Reused Reused" "$(resume tls1_2 "$scratch/s12") $(resume tls1_3 "$scratch/s13")"
table <<<'{"ticket_keys":["'$TICKETS2'","'$TICKETS'"]}'
session tls1_3 "$scratch/s13b"
equal "also by the key before" "Reused Reused" "$(resume tls1_2 "$scratch/s12") $(resume tls1_3 "$scratch/s13b")"
kill -HUP "$(cat "$scratch/edge.pid")"
sleep 1
session tls1_2 "$scratch/s12c"
equal "and after a reload" Reused "$(resume tls1_2 "$scratch/s12c")"
table <<<'{"ticket_keys":["'$TICKETS2'"]}'
equal "not by a key that is gone" New "$(resume tls1_2 "$scratch/s12")"
table <<<'{"ticket_keys":[]}'
equal "without keys there are no tickets" "New 0" \
	"$(resume tls1_2 "$scratch/s12c") $(hello -servername one.test -tls1_2 | grep -c 'TLS session ticket:')"
equal "and TLS 1.3 works" 200 "$(code gets one.test / --tlsv1.3)"

# Staples: one.test takes them, strict.test has the same certificate and does not.
openssl ca -help >/dev/null 2>&1
: >"$scratch/index"
openssl ocsp -index "$scratch/index" -CA "$scratch/one.test.pem" -issuer "$scratch/one.test.pem" -cert "$scratch/one.test.pem" \
	-rsigner "$scratch/one.test.pem" -rkey "$scratch/one.test.key" -respout "$scratch/ocsp.der" -ndays 1 >/dev/null 2>&1
stapled() { hello -servername "$1" -status | grep -c 'OCSP Response Status: successful'; }
equal "no staple before there is one" 0 "$(stapled one.test)"
table <<<'{"ocsp":[{"number":1,"file":"'$scratch'/ocsp.der"}],"sites":['$(site one.test 1 $((TLS13 | HTTP2 | OCSP)) 1 ',"certificate":1')']}'
equal "a staple" "1 0" "$(stapled one.test) $(stapled strict.test)"

# A certificate is replaced: the next handshake has the new one, by the same worker.
before=$(workers)
table <<<'{"certificates":[{"number":1,"version":2,"chain":"'$scratch'/new.test.pem","key":"'$scratch'/new.test.key"}]}'
equal "a replaced certificate" "new.test $before" "$(subject -servername one.test) $(workers)"
table <<<'{"removed_certificates":[1]}'
equal "a removed one" 0 "$(hello -servername one.test | grep -c 'BEGIN CERT')"

# More handshakes a second than one source may have.
table <<<'{"certificates":[{"number":1,"version":3,"chain":"'$scratch'/one.test.pem","key":"'$scratch'/one.test.key"}]}'
before=$(refused handshakes)
equal "handshakes over a source's limit are refused, and counted" "1 1" \
	"$(python3 tests/web/hello.py $VIP 443 one.test 5000 until) $(($(refused handshakes) - before))"
sleep 1.1
equal "the next second is another one" 200 "$(code gets one.test /)"
table <<<'{"proxies":["'$VIP'/32"]}'
equal "a trusted proxy has no limit" 0 "$(python3 tests/web/hello.py $VIP 443 one.test 300)"
table <<<'{"proxies":[],"vips":[{"address":"'$VIP'","mitigation_until_ms":1}]}'
equal "nor has anybody where mitigation is over" 0 "$(python3 tests/web/hello.py $VIP 443 one.test 300)"
done_testing
