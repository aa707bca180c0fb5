# SPDX-License-Identifier: BSD-2-Clause
# Rules of sites: what they can be about, what they do, their order, the three modes; bodies that rules look into.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
ORIGIN_EXTRA="client_max_body_size 0;"
origins_start
# An origin that says what it got.
background python3 -c '
import hashlib, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.end_headers()
        self.wfile.write(hashlib.sha256(body).hexdigest().encode())
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.1.1", 9000), Handler).serve_forever()'
rule() { # rule NUMBER ACTION CHECK STEPS [MORE]
	echo "{\"number\":$1,\"action\":\"$2\",\"check\":\"$3\",\"steps\":[$4]${5:+,$5}}"
}
step() { # step FIELD MATCH VALUE [MORE]
	echo "{\"field\":\"$1\",\"match\":\"$2\",\"value\":\"$3\"${4:+,$4}}"
}
RULES="$(rule 1 accept precise "$(step uri prefix /open/)"),
 $(rule 2 block precise "$(step uri contains admin '"any_case":true'),$(step user_agent contains curl '"not":true')"),
 $(rule 3 block precise "$(step params contains 'x=1')"),
 $(rule 4 block precise "$(step header equal bad '"name":"x-app"')"),
 $(rule 5 block precise "$(step cookie contains 'evil=1')"),
 $(rule 6 block precise "$(step method equal DELETE)"),
 $(rule 7 block precise "$(step content_length more '' '"number":100000')"),
 $(rule 8 block precise "$(step version equal 1.0)"),
 $(rule 9 block precise "$(step address within 203.0.113.0/24)"),
 $(rule 10 block precise "$(step body contains attack)"),
 $(rule 11 block precise "$(step uri equal /expired)" '"until_ms":1000'),
 $(rule 12 block precise "$(step uri equal /until)" '"until_ms":4000000000000'),
 $(rule 13 watch precise "$(step uri equal /watched)"),
 $(rule 14 block precise "$(step referer absent '')"',{"field":"uri","match":"equal","value":"/referer"}'),
 $(for field in user_agent referer content_type; do rule 17 block precise "$(step uri equal /twice),$(step $field contains evil)"; echo ,; done)
 $(rule 18 block precise "$(step uri equal /twice),$(step header contains evil '"name":"x-evil"')"),
 $(rule 15 block global "$(step uri suffix .php)"),
 $(rule 16 block smart "$(step uri equal /smart)")"
ALL="\"rules\":[$RULES]"
BODY="\"rules\":[$(rule 10 block precise "$(step body contains attack)")]"
table <<END
{$(vips), "proxies":["192.0.2.1/32"], "sites":[$(one_site 1 a.test "$ALL,\"modes\":{\"smart\":2}"),
 $(one_site 2 watch.test "$ALL"',"modes":{"precise":1,"global":1,"smart":1}'),
 $(one_site 3 off.test "$ALL"',"modes":{"precise":0,"global":0,"smart":0}'),
 {"domain":"sum.test","number":4,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.1","port":9000}],$BODY}]}
END
edge_start
until_true bash -c ': </dev/tcp/127.0.1.1/9000'

# NAME|EXPECTED|CURL ARGUMENTS...
while IFS='|' read -r name expected path arguments; do
	# shellcheck disable=SC2086 # arguments are words
	equal "$name" "$expected" "$(status a.test "$path" $arguments)"
	# shellcheck disable=SC2086
	equal "$name, watched" 200 "$(status watch.test "$path" $arguments)"
	# shellcheck disable=SC2086
	equal "$name, off" 200 "$(status off.test "$path" $arguments)"
done <<'END'
nothing met|200|/
both conditions|403|/x/ADMIN|-A Mozilla
only one of them|200|/x/ADMIN
query|403|/?a=2&x=1
a header by name|403|/|-H X-App:bad
the same with another value|200|/|-H X-App:badder
two headers of that name|200|/|-H X-App:bad -H X-App:bad
a cookie|403|/|-b a=2;evil=1
a method|403|/|-X DELETE
version|403|/|-0
an address|403|/|-H X-Forwarded-For:203.0.113.7
its neighbour|200|/|-H X-Forwarded-For:203.0.114.7
an accepting rule before a blocking one|200|/open/?x=1
and before other checks' rules|200|/open/a.php
a rule that is over|200|/expired
one that is not yet|403|/until
an absent header|403|/referer
a present one|200|/referer|-e http://x.test/
another check's rule|403|/a.php
a rule that only watches|200|/watched
END
# Spellings that origins read as the path or query that a rule names; and of an accepting rule those that are read as another one.
while IFS='|' read -r path expected; do
	equal "spelled $path" "$expected" "$(status a.test "$path" --path-as-is)"
done <<'END_OF_PATHS'
/expir%65d|200
/unti%6C|403
/%75ntil|403
//until|403
/./until|403
/x/../until|403
/x%2F..%2funtil|403
/untilx|200
/x/y/../%2e%2e/until?a|403
/?a=2&%78=1|403
/?b=%78%3D1|403
/?b=x+1|200
/open/a.php|200
/op%65n/a.php|403
/open/b%20c/?x=1|200
/open/../a.php|403
/open/..%2Fa.php|403
/open/%2e%2e/a.php|403
/open/x/../a.php|200
//open/a.php|403
END_OF_PATHS

# What comes in more than one header, in each place; and when all are as long as nginx takes. curl sends each name once where it knows it.
twice() { # twice NAME FIRST SECOND
	raw "GET /twice HTTP/1.1\\r\\nHost: a.test\\r\\n$1: $2\\r\\nX-A: b\\r\\n$1: $3\\r\\n\\r\\n"
}
for name in User-Agent Referer Content-Type X-Evil Cookie; do
	equal "two headers of one name: $name" "403 403 200" "$(twice $name evil=1 good) $(twice $name good evil=1) $(twice $name '' good)"
done
for name in X-Evil Cookie; do
	long=$(printf 'x%.0s' {1..8100})
	equal "behind much else: $name" "403 200" "$(status a.test /twice -H "$name: $long" -H "$name: $long" -H "$name: $long evil=1") \
$(status a.test /twice -H "$name: $long" -H "$name: $long" -H "$name: $long")"
done
equal "what rules of the smart check meet is closed" 000 "$(status a.test /smart --interface 192.0.2.2)"
equal "the reason is said" precise "$(get a.test /until -o /dev/null -w '%header{x-polder-refused}')"
equal "for people, too" "This request was refused: request meets one of the site's precise access rules (precise)." "$(get a.test /until)"
equal "and the connection closed behind it" 2 \
	"$(curl -s -m 5 -o /dev/null -o /dev/null -w '%{num_connects} ' --connect-to "::$VIP:" http://a.test/until http://a.test/until | wc -w)"
counts "refusals are counted" refused precise 1 1 status a.test /until
counts "those of another check apart" refused global 1 1 status a.test /a.php
counts "watched ones, too" watched precise 2 1 status watch.test /until
counts "a rule that only watches" watched precise 1 1 status a.test /watched

# Bodies.
body() { status "$1" / --data-binary "@$2"; }
printf 'an attack' >"$scratch/small"
printf 'harmless' >"$scratch/good"
{ head -c 90000 /dev/zero | tr '\0' x; echo attack; } >"$scratch/late"
{ echo attack; head -c 90000 /dev/zero | tr '\0' x; } >"$scratch/big"
equal "a body" 403 "$(body a.test "$scratch/small")"
equal "another one" 200 "$(body a.test "$scratch/good")"
equal "a big one, of which only the beginning counts" "403 200" "$(body a.test "$scratch/big") $(body a.test "$scratch/late")"
equal "in chunks" 403 "$(status a.test / -H 'Transfer-Encoding: chunked' --data-binary "@$scratch/small")"
equal "watched" 200 "$(body watch.test "$scratch/small")"
equal "no body to be waited for" 200 "$(status a.test / -X POST)"
equal "it reaches the origin whole" "$(sha256sum <"$scratch/late")" "$(get sum.test / --data-binary "@$scratch/late")  -"
equal "in chunks, too" "$(sha256sum <"$scratch/good")" "$(get sum.test / -H 'Transfer-Encoding: chunked' --data-binary "@$scratch/good")  -"
{ echo attack; head -c 1100000 /dev/zero | tr '\0' x; } >"$scratch/huge"
equal "of a huge one nothing is looked at" "$(sha256sum <"$scratch/huge")" "$(get sum.test / -H 'Expect:' --data-binary "@$scratch/huge")  -"
# Of one that does not say how long it is, so much is kept as it says in checks/subject.c.
zeros() { head -c "$1" /dev/zero | get "${@:2}" / -H 'Expect:' -H 'Transfer-Encoding: chunked' -X POST -T - -m 60 -o /dev/null -w '%{http_code}'; }
equal "one without a length is waited for" 200 $(zeros $((8 << 20)) watch.test)
equal "but not for ever" 413 $(zeros $((70 << 20)) watch.test)
equal "no longer than that where no rule asks" 200 $(zeros $((70 << 20)) off.test)
equal "too long" 403 "$(head -c 100001 /dev/zero | get a.test / --data-binary @- -o /dev/null -w '%{http_code}')"
done_testing
