# SPDX-License-Identifier: BSD-2-Clause
# Pages that are cached: what is kept, for how long, for whom; what never is.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
background /usr/bin/python3 tests/web/cache_origin.py 127.0.2.1 9000
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
site() { # site NUMBER DOMAIN MODE [MORE]
	echo '{"domain":"'$2'","number":'$1',"certificate":1,"flags":'$((HTTP2 | PLAIN | LOG | KEEPALIVE | TLS13))',"ports":[[80,'$HTTP'],[443,'$HTTPS']],"origins":[{"address":"127.0.2.1","port":9000}],"cache":"'$3'"'${4:+,$4}'}'
}
sites() { # sites EDITION
	echo '"certificates":[{"number":1,"chain":"'$scratch/one.pem'","key":"'$scratch/one.key'"}],"sites":['
	site 1 standard.test standard '"cache_edition":'$1
	echo ,; site 2 all.test aggressive
	echo ,; site 3 off.test off
	echo ,; site 4 bypass.test bypass '"caches":[{"path":"/kept","mode":"standard"}]'
	echo ,; site 5 rules.test standard '"caches":[{"path":"/no-cache/none","mode":"bypass","seconds":3600},{"path":"/no-cache/","mode":"aggressive","seconds":3600},{"path":"/Cache-Control:private/","mode":"aggressive","seconds":3600}]'
	echo ,; site 6 refused.test aggressive '"prefixes":[["198.51.100.1/32",2]]'
	echo ,; site 7 other.test standard
	echo ,; site 8 '*.wild.test' standard
	echo ,; site 9 expired.test standard '"instances":[2]'
	echo ]
}
table <<<"{$(vips), $(sites 1)}"
edge_start 2
until_true bash -c ': </dev/tcp/127.0.2.1/9000'

asked() { curl -s "http://127.0.2.1:9000/=count$1" | cut -d' ' -f1; }
in_part() { curl -s "http://127.0.2.1:9000/=count$1" | cut -d' ' -f2; }
down() { curl -s "http://127.0.2.1:9000/=down/$1"; }
# cache HOST PATH [CURL-OPTION...]: what X-Polder-Cache says, "-" when it says nothing.
cache() {
	local said
	said=$(get "$@" -o /dev/null -D - | grep -oiP '^x-polder-cache: \K[A-Z]+')
	echo "${said:--}"
}
twice() { echo "$(cache "$@") $(cache "$@")"; }
# twice_same NAME HOST PATH [CURL-OPTION...] / twice_new: whether the second answer is the first one's.
kept() { local name=$1; shift; equal "$name" "$(get "$@")" "$(get "$@")"; }
not_kept() { local name=$1; shift; [ "$(get "$@")" != "$(get "$@")" ] && ok "$name" || not_ok "$name" "was kept: $*"; }

# What is kept.
equal "a static type is kept" "MISS HIT" "$(twice standard.test /a/x.css)"
equal "its origin was asked once" 1 "$(asked /a/x.css)"
kept "and is the same" standard.test /b/x.css
equal "it says how old it is" 0 "$(get standard.test /b/x.css -D - -o /dev/null | grep -ciP '^age: [^0-9]')"
equal "a page is not" "- -" "$(twice standard.test /a/page)"
equal "where all is cached, it is" "MISS HIT" "$(twice all.test /a/page)"
equal "nothing is when it is off" "- -" "$(twice off.test /a/x.css)"
equal "nor when it is bypassed" "- -" "$(twice bypass.test /a/x.css)"
equal "but for what a rule names" "MISS HIT" "$(twice bypass.test /kept/x.css)"
equal "what is not there, for a short time" "MISS HIT" "$(twice standard.test '/status=404/x.css')"
equal "counters" "1 1" "$(od -An -t u8 -j $(($(od -An -t u8 -j 16 -N 8 "$FOLDER/counters") + 4 * 888 + 680)) -N 16 "$FOLDER/counters" | xargs)"
get all.test /a/page >/dev/null
equal "the log says so" "cached ''" "$(logged verdict) '$(logged origin)'"

# What is not, whoever asks.
for said in 'Cache-Control:private' 'Cache-Control:no-store' 'Cache-Control:no-cache' 'Cache-Control:max-age=0' \
	'Cache-Control:max-age=60,s-maxage=0' 'Cache-Control:public|Cache-Control:Private, max-age=60' 'Set-Cookie:a=b' \
	'Vary:*' 'Vary:Origin|Vary:Cookie' 'Content-Encoding:gzip' 'Content-Type:text%2Fhtml' 'Content-Type:application%2Fproblem+json' 'Content-Type:text%2FJSON; charset=utf-8' 'Expires:0' \
	'Expires:Thu, 01 Jan 1970 00:00:00 GMT' 'Cache-Control:max-age=60|Age:61' status=500 status=302 status=206; do
	not_kept "not kept: $said" standard.test "/${said// /%20}/x.css"
done
for option in 'Authorization: Basic YTpi' 'X-Forwarded-Host: evil.test' 'X-Original-URL: /other' 'X-Forwarded-SSL: on' 'Front-End-Https: on' 'X-URL-Scheme: https' 'X-Forwarded-Protocol: https' 'Content-Length: 0'; do
	path=/option/$(cksum <<<"$option" | cut -d' ' -f1).css
	get standard.test "$path" >/dev/null
	case $option in
	Content-Length*) equal "no body is no body" HIT "$(cache standard.test "$path" -H "$option")" ;;
	*) equal "neither given nor kept: $option" "- - HIT" "$(twice standard.test "$path" -H "$option") $(cache standard.test "$path")" ;;
	esac
done
equal "a POST" "- -" "$(twice standard.test /post/x.css -d a)"
equal "a GET with a body" "- -" "$(twice standard.test /post/x.css -X GET -d a)"
equal "a page for one with a cookie" "- -" "$(twice all.test /cookie/page -H 'Cookie: id=7')"
equal "nor one that hides another" "- -" "$(twice all.test /cookie/page -H 'Cookie: polder_pass=1,id=7')"
equal "the challenge's is none" "MISS HIT" "$(twice all.test /cookie/page -H 'Cookie: polder_pass=1-_Az; polder_pass=2')"
equal "a static type with a cookie" "MISS HIT" "$(twice standard.test /cookie/x.css -H 'Cookie: id=7')"

# Rules.
kept "a rule's time goes over what the origin says" rules.test /no-cache/page
equal "also for one with a cookie" HIT "$(cache rules.test /no-cache/page -H 'Cookie: id=7')"
equal "the longer path decides" "- -" "$(twice rules.test /no-cache/none)"
not_kept "but nothing private is kept" rules.test /Cache-Control:private/page
equal "another path has the site's mode" "- -" "$(twice rules.test /other/page)"
equal "what only looks like the rule's path has it not" "- -" "$(twice rules.test '/no-cache/..%2fother/page' --path-as-is)"

# Whose it is.
get standard.test /same/x.css >/dev/null
equal "another site's is another" MISS "$(cache other.test /same/x.css)"
equal "another name's" "MISS MISS HIT" "$(cache a.wild.test /same/x.css) $(cache b.wild.test /same/x.css) $(cache a.wild.test /same/x.css)"
equal "by another spelling of the name" "MISS HIT" "$(cache standard.test /same/x.css -H 'Host: STANDARD.test') $(cache standard.test /same/x.css)"
equal "by TLS" "MISS HIT" "$(for i in 1 2; do gets standard.test /same/x.css -D - -o /dev/null | grep -oiP '^x-polder-cache: \K\w+'; done | xargs)"
equal "by HTTP/2 the same" HIT "$(gets standard.test /same/x.css --http2 -D - -o /dev/null | grep -oiP '^x-polder-cache: \K\w+')"
get refused.test /a/page >/dev/null
equal "kept for all" HIT "$(cache refused.test /a/page)"
equal "but who is refused gets nothing" 000 "$(status refused.test /a/page --interface 198.51.100.1)"

# Vary.
equal "variants by coding" "MISS MISS HIT HIT" "$(for c in gzip identity 'gzip, deflate' identity; do cache standard.test '/Vary:Accept-Encoding/x.css' -H "Accept-Encoding: $c"; done | xargs)"
equal "each its own" "gzip identity" "$(for c in 'deflate, gzip' identity; do get standard.test '/Vary:Accept-Encoding/x.css' -H "Accept-Encoding: $c"; done | cut -d' ' -f2 | xargs)"
coded='/Content-Encoding:gzip|Vary:accept-encoding/x.css'
equal "an encoded one that says so" "MISS HIT MISS" "$(for c in gzip gzip identity; do cache standard.test "$coded" -H "Accept-Encoding: $c"; done | xargs)"

# HEAD, parts, conditions.
equal "HEAD fetches it for all" "MISS HIT" "$(cache standard.test /head/x.css -I) $(cache standard.test /head/x.css)"
range='/Accept-Ranges:bytes|size=1000/x.bin'
equal "a part is passed on and not kept" "MISS MISS 2" "$(twice standard.test "$range" -r 0-9) $(in_part "$range")"
equal "of what is kept it is given" "MISS HIT 206 10" "$(cache standard.test "$range") $(cache standard.test "$range" -r 0-9) $(get standard.test "$range" -r 0-9 -o "$scratch/part" -w '%{http_code} %{size_download}')"
etag='/ETag:"7"|Cache-Control:max-age=100/x.css'
get standard.test "$etag" >/dev/null
equal "who has it is told so" "304 1" "$(code get standard.test "$etag" -H 'If-None-Match: "7"') $(asked "$etag")"

# Queries.
equal "with a query it is kept the second time" "MISS MISS HIT" "$(for i in 1 2 3; do cache standard.test '/q/x.css?v=1'; done | xargs)"
equal "other queries are others" MISS "$(cache standard.test '/q/x.css?v=2')"

# Time.
short='/Cache-Control:max-age=1/x.css' again='/ETag:"8"|Cache-Control:max-age=1/x.css' must='/Cache-Control:max-age=2,must-revalidate/x.css'
for path in "$short" "$again" "$must"; do get standard.test "$path" >/dev/null; done
until_true bash -c "sleep 2.5"
equal "when its time is over, it is fetched anew" "EXPIRED" "$(cache standard.test "$short")"
equal "or asked whether it is still so" "REVALIDATED HIT" "$(twice standard.test "$again")"

# Origins that fail.
until_true bash -c "sleep 2.5"
down 503
equal "an old one when the origin fails" "200 STALE" "$(code get standard.test "$short") $(cache standard.test "$short")"
equal "not where it forbade it" 503 "$(code get standard.test "$must")"
down 1
equal "or does not answer" "200 STALE" "$(code get standard.test "$short") $(cache standard.test "$short")"
equal "not where it forbade it" 502 "$(code get standard.test "$must")"
down 0

# Many at once.
for i in $(seq 30); do get standard.test /sleep=1/x.css >>"$scratch/flood" & done
wait $(jobs -p | tail -n 30)
equal "many that ask for one thing make one request" "30 1 1" "$(wc -l <"$scratch/flood") $(sort -u "$scratch/flood" | wc -l) $(asked /sleep=1/x.css)"
get standard.test '/sleep=0.5|Set-Cookie:a=b/x.css' >/dev/null
# Every worker must have met it once.
for i in $(seq 8); do get standard.test '/sleep=0.5|Set-Cookie:a=b/x.css' >/dev/null & done
wait $(jobs -p | tail -n 8)
begin=$(date +%s%N)
for i in $(seq 20); do get standard.test '/sleep=0.5|Set-Cookie:a=b/x.css' >/dev/null & done
wait $(jobs -p | tail -n 20)
equal "who asks for what is not kept does not wait for others" "29 0" "$(asked '/sleep=0.5|Set-Cookie:a=b/x.css') $((($(date +%s%N) - begin) / 8000000000))"

# Length.
long='/chunked|size=73400320/x.bin'
equal "a longer one than is kept comes whole" 73400320 "$(($(get standard.test "$long" -m 60 | wc -c) / 1024 * 1024))"
get standard.test "$long" -m 60 >/dev/null
equal "and is not kept" "2 0" "$(asked "$long") $(find "$scratch/cache" -size +10M | wc -l)"

# Orders.
get standard.test /order/x.css >/dev/null
equal "another edition is empty" "HIT MISS" "$(cache standard.test /order/x.css) $(table <<<"{$(sites 2)}"; cache standard.test /order/x.css)"
get other.test /order/x.css >/dev/null
table <<<'{"removed":["other.test"]}'
equal "a site that is gone has nothing" 000 "$(status other.test /order/x.css)"
elsewhere() { curl -s -m 5 --connect-to "::$OTHER:" http://expired.test/a/x.css -o /dev/null -D - | grep -oiP '^(x-polder-cache: |HTTP/1.1 )\K[0-9A-Z]+' | xargs; }
elsewhere >/dev/null
equal "kept" "200 HIT" "$(elsewhere)"
table <<<'{"vips":[{"address":"'$OTHER'","instance":2,"mitigation_until_ms":1}]}'
equal "without mitigation pages come from the origin" 200 "$(elsewhere)"
done_testing
