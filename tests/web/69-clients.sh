# SPDX-License-Identifier: BSD-2-Clause
# Published clients that make many requests at once: every request is answered, over each version of HTTP.
. "$(dirname "$0")/lib.sh"
ORIGIN_EXTRA='listen 127.0.1.3:7200 http2;
	location /call { add_header grpc-status 0; default_type application/grpc; return 200 "protocol=$server_protocol"; }'
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
site() { # site DOMAIN NUMBER FLAGS PORT
	echo '{"domain":"'$1'","number":'$2',"certificate":1,"flags":'$(($3 | TLS13 | PLAIN | KEEPALIVE))',"ports":[[80,'$HTTP'],[443,'$HTTPS']],"origins":[{"address":"127.0.1.3","port":'$4'}]}'
}
table <<END
{$(vips), "certificates":[{"number":1,"chain":"$scratch/one.pem","key":"$scratch/one.key"}],
 "sites":[$(site one.test 1 $HTTP2 8000), $(site calls.test 2 $((HTTP2 | GRPC)) 7200)]}
END
edge_start 2
for name in one.test calls.test; do echo "$VIP $name"; done >"$scratch/hosts"
# h2load and wrk have no option for the address of a name.
named() { unshare -m bash -c 'mount --bind "$1" /etc/hosts && exec "${@:2}"' - "$scratch/hosts" "$@"; }

if command -v h2load >/dev/null; then
	loaded() { named timeout 60 h2load "$@" 2>&1 | grep -oP '^(requests: |status codes: )\K.*' | tr -d , | awk 'NR == 1 {out = $7 " succeeded " $9 " failed"} NR == 2 {print out, $1 " 2xx"}'; }
	equal "h2load, HTTP/2" "500 succeeded 0 failed 500 2xx" "$(loaded -n 500 -c 5 -m 20 https://one.test/)"
	equal "h2load, HTTP/1.1 under TLS" "200 succeeded 0 failed 200 2xx" "$(loaded -n 200 -c 5 --h1 https://one.test/)"
	equal "h2load, plain HTTP/1.1" "200 succeeded 0 failed 200 2xx" "$(loaded -n 200 -c 5 --h1 http://one.test/)"
	head -c 20000 /dev/zero >"$scratch/zeros"
	equal "h2load, bodies" "200 succeeded 0 failed 200 2xx" "$(loaded -n 200 -c 5 -m 10 -d "$scratch/zeros" https://one.test/)"
	equal "h2load, calls of gRPC" "200 succeeded 0 failed 200 2xx" \
		"$(loaded -n 200 -c 4 -m 10 -d "$scratch/zeros" -H 'content-type: application/grpc' -H 'te: trailers' https://calls.test/call)"
	equal "they reached the origin as such" HTTP/2.0 "$(gets calls.test /call --http2 -H 'Content-Type: application/grpc' -H 'TE: trailers' | word protocol)"
else
	ok "h2load # SKIP nghttp2-client is missing: run setup"
fi
if command -v wrk >/dev/null; then
	for url in http://one.test/ https://one.test/; do
		named timeout 30 wrk -t 1 -c 20 -d 1 "$url" >"$scratch/wrk" 2>&1
		equal "wrk, $url: no answer but good ones" 0 "$(grep -cE 'Socket errors|Non-2xx' "$scratch/wrk")"
		check "of some requests" grep -qE '^ *[1-9][0-9]* requests in' "$scratch/wrk"
	done
else
	ok "wrk # SKIP wrk is missing: run setup"
fi
equal "curl, many at once, HTTP/2" 60 "$(gets one.test '/[1-60]' --http2 -Z --no-progress-meter | grep -c 'host=one.test')"
equal "curl, many at once, HTTP/1.1" 60 "$(gets one.test '/[1-60]' --http1.1 -Z --no-progress-meter | grep -c 'host=one.test')"
done_testing
