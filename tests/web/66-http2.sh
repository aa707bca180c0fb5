# SPDX-License-Identifier: BSD-2-Clause
# Abuse of HTTP/2: rapid reset, CONTINUATION, PING, SETTINGS, PRIORITY and empty DATA are cut off, at least as early as nginx
# does by itself, are counted and ask for a ban; and requests with headers that only HTTP/1 has.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
ORIGIN_EXTRA="client_max_body_size 0;"
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a.test \
	-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
description() {
	echo "{$(vips), ${1:-} \"certificates\":[{\"number\":1,\"chain\":\"$scratch/cert.pem\",\"key\":\"$scratch/key.pem\"}],
 \"sites\":[$(one_site 1 a.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1,\"rules\":[{\"number\":1,\"steps\":[{\"field\":\"body\",\"match\":\"contains\",\"value\":\"attack\"}]}]"),
 $(one_site 2 kept.test "\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1,\"cache\":\"aggressive\"")]}"
}
table <<<"$(description)"
edge_start 1

flood() { "$O/tests/web/http2_flood" $VIP 443 a.test "$@"; }
equal "an ordinary request" 200 "$(flood request x-a b te trailers)"
equal "with a host besides the authority: nginx's own refusal" 400 "$(flood request host a.test)"
equal "a rule about a body" "403 200" "$(gets a.test / -d attack -o /dev/null -w '%{http_code}') $(gets a.test / -d good -o /dev/null -w '%{http_code}')"
long() { head -c $(($1 << 20)) /dev/zero | gets a.test / --http2 -X POST -T - -m 60 -o /dev/null -w '%{http_code}'; }
equal "a body without a length is not waited for for ever" "200 413" "$(long 8) $(long 70)"
# From the cache all are answered in the turn in which they were read. There are records before the answers, and each holds 4 KiB.
gets kept.test / >/dev/null
said=$("$O/tests/web/http2_flood" $VIP 443 kept.test together 32)
equal "many requests at once are answered" 32 "${said% *}"
check "and not each in a record of its own: ${said#* }" [ "${said#* }" -lt 20 ]
while read -r header value; do
	before=$(site_count 1 refused malformed)
	answer=$(flood request "$header" "$value")
	equal "$header: $value" "reset 1" "$answer $(($(site_count 1 refused malformed) - before))"
done <<'END'
connection close
keep-alive timeout=5
upgrade websocket
proxy-connection close
te gzip
END
for header in "host b.test" "transfer-encoding chunked"; do
	# shellcheck disable=SC2086 # two words
	answer=$(flood request $header)
	case $answer in 4?? | 501 | reset) ok "$header: refused" ;; *) not_ok "$header: refused" "said $answer" ;; esac
done

# is_cut KIND CHECK: closed. How many frames were sent by then is no measure of how many were read, since buffers lie between, which hold
# all when the worker is slow: at which frame it ends, unit tests say.
is_cut() {
	local kind=$1 check=$2 before bans result
	before=$(refused "$check") bans=$(($(node_bans) + $(node_bans_failed)))
	result=$(flood "$kind" 60000)
	case $result in
	closed*) ok "$kind: closed" ;;
	*) not_ok "$kind: closed" "$result" ;;
	esac
	equal "$kind: counted" 1 $(($(refused "$check") - before))
	equal "$kind: a ban is asked for" 1 $(($(node_bans) + $(node_bans_failed) - bans))
	# One source asks once a second.
	sleep 1.1
}
is_cut reset http2_reset
is_cut continuation http2_flood
is_cut ping http2_flood
is_cut settings http2_flood
is_cut priority http2_flood
is_cut empty http2_flood
equal "the worker serves on" 200 "$(flood request x-a b)"
equal "what an ordinary client sends stays open" open "$(flood reset 100 | cut -d' ' -f1)"
equal "PING as often as bandwidth is measured" open "$(flood ping 900 | cut -d' ' -f1)"

table <<<"$(description '"proxies":["192.0.2.1/32"],')"
before=$(refused http2_reset)
flood reset 300 >/dev/null
equal "a trusted proxy carries many: not counted" 0 $(($(refused http2_reset) - before))
table <<<"{\"vips\":[{\"address\":\"$VIP\",\"mitigation_until_ms\":1000}], \"proxies\":[], \"sites\":[]}"
before=$(refused http2_flood)
flood ping 2000 >/dev/null
equal "nor is an expired instance's" 0 $(($(refused http2_flood) - before))
done_testing
