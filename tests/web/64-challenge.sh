# SPDX-License-Identifier: BSD-2-Clause
# The challenge: a browser passes it with and without JavaScript, over HTTP and HTTPS; programs that cannot are told so; what
# a pass is bound to, and how often it, an answer and a question count; the three modes, and those who are not asked.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a.test \
	-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
RULE='"rules":[{"number":7,"check":"precise","action":"accept","steps":[{"field":"user_agent","match":"contains","value":"GoodBot"},{"field":"address","match":"within","value":"203.0.113.0/24"}]},
 {"number":8,"check":"precise","action":"challenge","steps":[{"field":"uri","match":"prefix","value":"/private"}]}]'
table <<END
{$(vips), "proxies":["192.0.2.1/32"],
 "crawlers":[["66.249.66.1",1,86400],["2001:4860::1",1,86400],["66.249.66.2",1,3600],["66.249.66.3",1,-1]], "certificates":[{"number":1,"chain":"$scratch/cert.pem","key":"$scratch/key.pem"}],
 "sites":[$(one_site 1 verify.test "\"pace\":3,\"flags\":$((TLS13 | HTTP2 | PLAIN)),\"certificate\":1,\"prefixes\":[[\"198.51.100.0/24\",1]],$RULE"),
 $(one_site 2 enhance.test '"pace":4'), $(one_site 3 rule.test "\"pace\":0,$RULE"),
 $(one_site 4 watch.test "\"pace\":3,\"modes\":{\"challenge\":1}"), $(one_site 5 off.test '"pace":3,"modes":{"challenge":0}'),
 $(one_site 6 calm.test '"pace":3,"modes":{"pace":1}')]}
END
edge_start

# as ADDRESS HOST [PATH [CURL-OPTION...]]: for a client whom the trusted proxy names.
as() {
	local address=$1 host=$2 path=${3:-/}
	shift $(($# > 3 ? 3 : $#))
	get "$host" "$path" -H "X-Forwarded-For: $address" "$@"
}
as_status() { as "$1" "$2" "${3:-/}" "${@:4}" -o /dev/null -w '%{http_code}'; }

page=$(as 203.0.113.1 verify.test '/a?b=<x>')
case $page in *'<title>One moment</title>'*"u=%2Fa%3Fb%3D"*) ok "who has no pass is shown a page" ;; *) not_ok "who has no pass is shown a page" "$page" ;; esac
equal "with a reason for programs, kept by nobody, closed behind it" "403 challenge no-store close" \
	"$(get verify.test / --interface 192.0.2.2 -o /dev/null -w '%{http_code} %header{x-polder-refused} %header{cache-control} %header{connection}')"
equal "a program gets no page" "403 application/json" "$(as 203.0.113.1 verify.test / -X POST -d a=b -o /dev/null -w '%{http_code} %header{content-type}')"
equal "nor does a script of a page" challenge_required "$(as 203.0.113.1 verify.test / -H 'X-Requested-With: XMLHttpRequest' | jq -r .error)"
equal "nor an image" challenge_required "$(as 203.0.113.1 verify.test / -H 'Sec-Fetch-Dest: image' | jq -r .error)"
equal "white-listed" 200 "$(as_status 198.51.100.7 verify.test)"
equal "a trusted proxy itself" 200 "$(status verify.test)"
equal "a crawler that a rule accepts" "200 403 403" "$(as_status 203.0.113.1 verify.test / -A GoodBot) $(as_status 192.88.99.1 verify.test / -A GoodBot) $(as_status 203.0.113.1 verify.test / -A Other)"
# --- crawlers of search engines
googlebot='Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
until_true_long() { until_true "$@" || until_true "$@"; }
asked() { python3 tests/web/journal.py "$FOLDER" | grep -c kind=3; }
equal "a verified crawler, over both IP versions" "200 200" \
	"$(as_status 66.249.66.1 verify.test / -A "$googlebot") $(as_status 2001:4860::1 verify.test / -A googleBOT)"
equal "also where the challenge is enhanced, and where a rule asks for it" "200 200" \
	"$(as_status 66.249.66.1 enhance.test / -A "$googlebot") $(as_status 66.249.66.1 rule.test /private -A "$googlebot")"
equal "not as another one, and not without saying so" "503 403" \
	"$(as_status 66.249.66.1 verify.test / -A bingbot) $(as_status 66.249.66.1 verify.test)"
before=$(asked)
equal "one whose time is nearly over is let through" 200 "$(as_status 66.249.66.2 verify.test / -A "$googlebot")"
equal "and asked about again" 1 $(($(asked) - before))
equal "one whose time is over is asked about, and told to come again" "503 10 text/plain challenge" \
	"$(as 66.249.66.3 verify.test / -A "$googlebot" -o /dev/null -w '%{http_code} %header{retry-after} %header{content-type} %header{x-polder-refused}')"
before=$(asked)
equal "so is whoever says that it is one" "503 503" "$(as_status 203.0.113.60 verify.test / -A "$googlebot") $(as_status 2001:db8:6::1 verify.test / -A BaiduSpider)"
equal "once" 2 "$(as 203.0.113.60 verify.test / -A "$googlebot" -o /dev/null; echo $(($(asked) - before)))"
for i in $(seq 200); do printf 'url = "http://verify.test/"\noutput = "/dev/null"\n'; done >"$scratch/urls"
if [ "$(curl -s -K "$scratch/urls" -w '%{http_code}\n' --connect-to "::$VIP:" -H "X-Forwarded-For: 203.0.113.61" -A "$googlebot" | grep -c 503)" -le 150 ]; then ok "and not for as many requests as it likes"; else not_ok "and not for as many requests as it likes"; fi
before=$(asked)
equal "where nobody is challenged nobody is asked about" "200 0" "$(as_status 203.0.113.62 rule.test /open -A "$googlebot") $(($(asked) - before))"
is_challenged() { [ "$(as_status 203.0.113.60 verify.test / -A "$googlebot")" = 403 ]; }
check "who was not verified in time is challenged" until_true_long is_challenged

equal "by a rule, for some paths" "200 403" "$(as_status 203.0.113.1 rule.test /open) $(as_status 203.0.113.1 rule.test /private/x)"
equal "watched: passed" 200 "$(as_status 203.0.113.1 watch.test)"
counts "and counted" watched challenge 4 1 as 203.0.113.1 watch.test
equal "off: passed" 200 "$(as_status 203.0.113.1 off.test)"
equal "a frequency mode that is only watched: passed" 200 "$(as_status 203.0.113.1 calm.test)"
counts "and counted" watched pace 6 1 as 203.0.113.1 calm.test
equal "pages are counted as challenges" 3 "$(before=$(site_count 3 challenged); for i in 1 2 3; do as 203.0.113.2 rule.test /private >/dev/null; done; echo $(($(site_count 3 challenged) - before)))"

# --- solving by hand: the same work as the page's script does.
solve() { # solve QUESTION BITS: a number
	python3 - "$@" <<-'END'
		import hashlib, itertools, sys
		seed, bits = sys.argv[1][-20:], int(sys.argv[2])
		for number in itertools.count(1):
		    if int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4], "big") >> (32 - bits) == 0:
		        print(number)
		        break
	END
}
question_of() { grep -oP 'question="\K[^"]+'; }
bits_of() { grep -oP 'bits=\K[0-9]+'; }
answer_for() { # answer_for ADDRESS HOST [CURL-OPTION...]: the cookie of an answer
	local page question
	page=$(as "$1" "$2" / "${@:3}")
	question=$(question_of <<<"$page")
	echo "polder_answer=$question.$(solve "$question" "$(bits_of <<<"$page")")"
}
pass_for() { # pass_for ADDRESS HOST [CURL-OPTION...]: the cookie of a pass
	as "$1" "$2" / -b "$(answer_for "$@")" "${@:3}" -o /dev/null -D - | grep -oP 'Set-Cookie: \Kpolder_pass=[^;]+'
}
answer=$(answer_for 203.0.113.10 verify.test)
equal "a wrong number" 403 "$(as_status 203.0.113.10 verify.test / -b "${answer%.*}.1")"
equal "an answer of another client" 403 "$(as_status 192.88.99.1 verify.test / -b "$answer")"
equal "of another browser" 403 "$(as_status 203.0.113.10 verify.test / -b "$answer" -A other)"
equal "at another site" 403 "$(as_status 203.0.113.10 rule.test /private -b "$answer")"
head=$(as 203.0.113.10 verify.test '/x?y=1' -b "$answer" -o /dev/null -D -)
equal "the right one is sent on to where it wanted to go" "302 /x?y=1" "$(awk '/^HTTP/ {s=$2} tolower($1)=="location:" {l=$2} END {print s, l}' <<<"${head//$'\r'/}")"
equal "passes are counted" 1 "$(site_count 1 passed)"
pass=$(grep -oP 'Set-Cookie: \Kpolder_pass=[^;]+' <<<"$head")
case $head in *"HttpOnly; SameSite=Lax"*) ok "in a cookie that scripts do not see" ;; *) not_ok "in a cookie that scripts do not see" "$head" ;; esac
equal "where it is only watched an answer changes nothing" 200 "$(as_status 203.0.113.1 watch.test / -b "$(answer_for 203.0.113.1 verify.test)")"
equal "the answer counts once" 403 "$(as_status 203.0.113.10 verify.test / -b "$answer")"
equal "the pass" 200 "$(as_status 203.0.113.10 verify.test / -b "$pass")"
equal "among other cookies" 200 "$(as_status 203.0.113.10 verify.test / -b "a=b; polder_pass=bad; $pass; c=d")"
equal "for a request with a body" 200 "$(as_status 203.0.113.10 verify.test / -b "$pass" -d x=y)"
equal "from another address of the network" 200 "$(as_status 203.0.77.1 verify.test / -b "$pass")"
equal "from another network" 403 "$(as_status 198.18.0.1 verify.test / -b "$pass")"
equal "in another browser" 403 "$(as_status 203.0.113.10 verify.test / -b "$pass" -A other)"
equal "at another site" 403 "$(as_status 203.0.113.10 rule.test /private -b "$pass")"
equal "with a letter changed" 403 "$(as_status 203.0.113.10 verify.test / -b "${pass/=?/=C}")"
answer6=$(answer_for 2001:db8:1::1 verify.test)
both=$(as 2001:db8:1::1 verify.test / -b "$answer6; $pass" -o /dev/null -D - | grep -oP 'Set-Cookie: \Kpolder_pass=[^;]+')
equal "a client of both IP versions has one pass for both" "200 200 403" \
	"$(as_status 2001:db8:1::1 verify.test / -b "$both") $(as_status 203.0.113.10 verify.test / -b "$both") $(as_status 198.18.0.1 verify.test / -b "$both")"
for i in $(seq 320); do printf 'url = "http://verify.test/"\noutput = "/dev/null"\n'; done >"$scratch/urls"
answered=$(curl -s -K "$scratch/urls" -w '%{http_code}\n' --connect-to "::$VIP:" -H "X-Forwarded-For: 203.0.113.99" -b "$pass" | grep -c 200)
if [ "$answered" -lt 310 ] && [ "$answered" -ge 200 ]; then ok "a pass is good for so many requests"; else not_ok "a pass is good for so many requests" "$answered"; fi

pass=$(pass_for 203.0.113.11 enhance.test)
equal "enhanced: the pass" 200 "$(as_status 203.0.113.11 enhance.test / -b "$pass")"
equal "is of the address" 403 "$(as_status 203.0.113.12 enhance.test / -b "$pass")"
equal "of IPv6 of the /64" "200 403" "$(pass=$(pass_for 2001:db8:1:1::1 enhance.test); echo "$(as_status 2001:db8:1:1::2 enhance.test / -b "$pass") $(as_status 2001:db8:1:2::1 enhance.test / -b "$pass")")"

# --- without JavaScript
link_of() { grep -oP 'url=\K[^"]+' | sed 's/&amp;/\&/g'; }
link=$(as 203.0.113.20 verify.test '/y?z=1' | link_of)
equal "too early: back to the page" "302 /y?z=1" "$(as 203.0.113.20 verify.test "$link" -o /dev/null -w '%{http_code} ' -D - | awk '/^HTTP/ {s=$2} tolower($1)=="location:" {l=$2} END {print s, l}' | tr -d '\r')"
equal "that gives no pass" 0 "$(as 203.0.113.20 verify.test "$link" -o /dev/null -D - | grep -c polder_pass)"
enhanced=$(as 203.0.113.20 enhance.test / | link_of)
equal "nor is there such a way where it is enhanced" "" "$enhanced"
links=()
for i in $(seq 8); do links+=("$(as 203.0.113.21 verify.test / | link_of)"); done
sleep 5.5
plain=$(as 203.0.113.20 verify.test "$link" -o /dev/null -D - | grep -oP 'Set-Cookie: \Kpolder_pass=[^;]+')
equal "after its time the link gives a pass" 200 "$(as_status 203.0.113.20 verify.test / -b "$plain")"
equal "once" 0 "$(as 203.0.113.20 verify.test "$link" -o /dev/null -D - | grep -c polder_pass)"
answered=$(for i in $(seq 60); do as_status 203.0.113.20 verify.test / -b "$plain"; echo; done | grep -c 200)
if [ "$answered" -lt 55 ] && [ "$answered" -ge 30 ]; then ok "for fewer requests"; else not_ok "for fewer requests" "$answered"; fi
equal "and few for one source" 6 "$(for link in "${links[@]}"; do as 203.0.113.21 verify.test "$link" -o /dev/null -D -; done | grep -c polder_pass=)"

# --- floods and browsers
table <<<'{"proxies":[]}'
result=$(wrk -t1 -c16 -d2s -H "Host: verify.test" http://$VIP/ 2>/dev/null)
equal "a flood without passes gets nothing" 0 "$(get verify.test / -H 'X-Nothing: 1' | grep -c origin=)"
bans=$(($(node_bans) + $(node_bans_failed)))
if [ "$bans" -gt 0 ]; then ok "and asks for a ban"; else not_ok "and asks for a ban" "$result"; fi

if [ ! -e tests/api/node_modules/playwright-core ] || [ ! -x /usr/bin/chromium ]; then
	echo "ok - browsers # SKIP chromium or playwright-core is missing: run setup"
	done_testing
fi
# Another source than that of the flood: the address is the browser's own.
ip address add 192.0.2.200/32 dev lo
ip route replace local $OTHER/32 dev lo src 192.0.2.200 2>/dev/null
ip route replace local $VIP/32 dev lo table local src 192.0.2.200
browser() { timeout 60 node tests/web/browser.mjs $VIP "$@" 2>&1; }
said() { # said NAME OUTPUT TEXT
	case $2 in *"refused by the page"*) not_ok "$1" "$2" ;; *"$3"*) ok "$1" ;; *) not_ok "$1" "$2" ;; esac
}
said "Chromium over HTTP" "$(browser http://verify.test/some?thing=1)" "uri=/some?thing=1"
said "and again, with its pass" "$(browser http://verify.test/some twice)" "uri=/some"
said "over HTTPS and HTTP/2" "$(browser https://verify.test/some)" "proto=https"
said "without JavaScript" "$(browser http://verify.test/other no-javascript)" "uri=/other"
said "enhanced" "$(browser http://enhance.test/some)" "uri=/some"
done_testing
