# SPDX-License-Identifier: BSD-2-Clause
# The answer to an authority that looks whether a site's domain is served here: exactly the open challenge of that site, over plain
# HTTP, before lists, checks, redirects and the origin; all else goes its way.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
HERE=/.well-known/acme-challenge
OPEN='"acme_token":"tok-en_1","acme_answer":"tok-en_1.print"'
table <<END
{$(vips), "sites":[
 {"domain":"one.test","number":1,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.1","port":8000}],$OPEN},
 {"domain":"two.test","number":2,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.2","port":8000}]},
 {"domain":"tls.test","number":3,"flags":1,"ports":[[80,$HTTP],[443,2]],"origins":[{"address":"127.0.1.1","port":8000}],$OPEN},
 {"domain":"black.test","number":4,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.1","port":8000}],$OPEN,
  "prefixes":[["0.0.0.0/0",2]]},
 {"domain":"down.test","number":5,"ports":[[80,$HTTP]],"origins":[{"address":"127.0.1.250","port":9}],$OPEN}]}
END
edge_start

equal "the answer" tok-en_1.print "$(get one.test $HERE/tok-en_1)"
equal "with a query" tok-en_1.print "$(get one.test "$HERE/tok-en_1?a=b")"
equal "written with escapes" tok-en_1.print "$(get one.test "/.well-known/acme-challenge/tok%2den_1")"
equal "its head" 200 "$(code get one.test $HERE/tok-en_1 -I)"
equal "whose length is the answer's" 14 "$(get one.test $HERE/tok-en_1 -I | tr -d '\r' | grep -oiP '^content-length: \K.*')"
origin_of() { get "$@" | word origin; }
equal "another token goes to the origin" 127.0.1.1:8000 "$(origin_of one.test $HERE/tok-en_2)"
equal "a part of it, too" 127.0.1.1:8000 "$(origin_of one.test $HERE/tok-en_)"
equal "and more than it" 127.0.1.1:8000 "$(origin_of one.test $HERE/tok-en_1/x)"
equal "the folder, too" 127.0.1.1:8000 "$(origin_of one.test $HERE/)"
equal "POST is no question" 127.0.1.1:8000 "$(origin_of one.test $HERE/tok-en_1 -d x=y)"
equal "another site does not answer" 127.0.1.2:8000 "$(origin_of two.test $HERE/tok-en_1)"
equal "before the redirect to HTTPS" tok-en_1.print "$(get tls.test $HERE/tok-en_1)"
equal "which all else gets" 301 "$(code get tls.test $HERE/other)"
equal "before lists" tok-en_1.print "$(get black.test $HERE/tok-en_1)"
equal "which refuse all else" closed "$(gone get black.test $HERE/other)"
equal "while the origin is down" tok-en_1.print "$(get down.test $HERE/tok-en_1)"

table <<<'{"sites":[{"domain":"one.test","number":1,"ports":[[80,'$HTTP']],"origins":[{"address":"127.0.1.1","port":8000}]}]}'
equal "a challenge that is over goes to the origin" 127.0.1.1:8000 "$(origin_of one.test $HERE/tok-en_1)"
done_testing
