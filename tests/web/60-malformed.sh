# SPDX-License-Identifier: BSD-2-Clause
# Requests that two readers could read in two ways: what nginx itself refuses and what it lets through, and the check's
# three modes.
. "$(dirname "$0")/lib.sh"
. tests/web/checks.sh
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
table <<END
{$(vips), "certificates":[{"number":1,"chain":"$scratch/one.pem","key":"$scratch/one.key"}], "sites":[$(one_site 1 a.test '"certificate":1,"flags":'$((PLAIN | KEEPALIVE))), $(one_site 2 watch.test '"modes":{"malformed":1}'), $(one_site 3 off.test '"modes":{"malformed":0}')]}
END
edge_start

equal "an ordinary request" 200 "$(raw 'GET / HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\nX-B: c  \r\nX-C: \r\n\r\n')"
equal "with port and final dot" 200 "$(raw 'GET / HTTP/1.1\r\nHost: A.test.:80\r\n\r\n')"
equal "in absolute form" 200 "$(raw 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n')"
equal "tabs and high bytes in values" 200 "$(raw 'GET / HTTP/1.1\r\nHost: a.test\r\nX-A: \tb\tc\303\244\377\r\n\r\n')"
equal "HTTP/1.0" 200 "$(raw 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n')"

# NAME|REQUEST without its end: closed, and counted for the site.
while IFS='|' read -r name request; do
	request=${request//@/a.test}
	before=$(site_count 1 refused malformed)
	answer=$(raw "$request")
	equal "$name" "closed 1" "$answer $(($(site_count 1 refused malformed) - before))"
done <<'END'
lines that end with LF|GET / HTTP/1.1\nHost: @\n\n
one header line that does|GET / HTTP/1.1\r\nHost: @\r\nX-A: b\nX-C: d\r\n\r\n
one with LF behind a space|GET / HTTP/1.1\r\nHost: @\r\nX-A: b \nX-C: d\r\n\r\n
LF behind a space and nothing else|GET / HTTP/1.1\r\nHost: @\r\nX-A: \nX-C: d\r\n\r\n
the last header line with LF behind a space|GET / HTTP/1.1\r\nHost: @\r\nX-A: b \n\r\n
the request line does|GET / HTTP/1.1\nHost: @\r\n\r\n
a vertical tab in a value|GET / HTTP/1.1\r\nHost: @\r\nX-A: b\013c\r\n\r\n
DEL in a value|GET / HTTP/1.1\r\nHost: @\r\nX-A: abcdefghijkl\177mn\r\n\r\n
a control character in a long value|GET / HTTP/1.1\r\nHost: @\r\nX-A: abcdefghijklmnopqrstuvwxyz\001abcdefgh\r\n\r\n
a line without a colon|GET / HTTP/1.1\r\nHost: @\r\nabc\r\n\r\n
another host than that of the absolute form|GET http://@/ HTTP/1.1\r\nHost: watch.test\r\n\r\n
two ports|GET / HTTP/1.1\r\nHost: @:80:90\r\n\r\n
a port of letters|GET / HTTP/1.1\r\nHost: @:abc\r\n\r\n
a fragment|GET /a#b HTTP/1.1\r\nHost: @\r\n\r\n
two spaces before the path|GET  / HTTP/1.1\r\nHost: @\r\n\r\n
two spaces behind it|GET /  HTTP/1.1\r\nHost: @\r\n\r\n
a space behind the version|GET / HTTP/1.1 \r\nHost: @\r\n\r\n
a version of three digits|GET / HTTP/1.01\r\nHost: @\r\n\r\n
END

# LF behind a space: where the header begins and ends is known, whatever goes before it; bodies may have it. (In pieces a chunked body
# is the last: an origin that answers before its end has the connection closed.)
while read -r expected bytes kinds; do
	# shellcheck disable=SC2086 # words
	equal "$kinds in pieces of $bytes" "$expected" "$(/usr/bin/python3 tests/web/pieces.py $VIP 80 - $bytes $kinds | tr ' ' ,)"
	# shellcheck disable=SC2086
	equal "under TLS" "$expected" "$(/usr/bin/python3 tests/web/pieces.py $VIP 443 a.test $bytes $kinds | tr ' ' ,)"
done <<'END'
200,200 100000 get get
200 100000 get hidden get
200 1 get hidden get
200 700 get long
200,200,200 100000 post post get
200,200 1 post chunks
200,200 40 post chunks
200,200 100000 chunks post hidden get
200,200,200 100000 big big get
200,200 5000 big big hidden
END

# What nginx refuses by itself is counted for the node.
while IFS='|' read -r name expected request; do
	request=${request//@/a.test}
	before=$(refused malformed)
	answer=$(raw "$request")
	equal "$name: nginx's own refusal" "$expected" "$answer"
	goes_up "and it is counted" 1 "$before" refused malformed
done <<'END'
two lengths|400|POST / HTTP/1.1\r\nHost: @\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc
length and chunks|400|POST / HTTP/1.1\r\nHost: @\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n
an unknown coding|501|POST / HTTP/1.1\r\nHost: @\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n
chunks of HTTP/1.0|400|POST / HTTP/1.0\r\nHost: @\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n
a space before the colon|400|POST / HTTP/1.1\r\nHost: @\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n
a folded line|400|POST / HTTP/1.1\r\nHost: @\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n
two hosts|400|GET / HTTP/1.1\r\nHost: @\r\nHost: b.test\r\n\r\n
a CR in a value|400|GET / HTTP/1.1\r\nHost: @\r\nX-A: b\rX-C: d\r\n\r\n
no HTTP at all|400|\026\003\001\002\000\001\r\n\r\n
END
closed_09=$(raw 'GET /\r\n\r\n')
equal "HTTP/0.9" closed "$closed_09"

watched() { equal "watched: passed" 200 "$(raw 'GET / HTTP/1.1\r\nHost: watch.test\r\nX-A: b\013c\r\n\r\n')"; }
before=$(site_count 2 watched malformed)
watched
equal "and counted as what would have been refused" "1 0" \
	"$(($(site_count 2 watched malformed) - before)) $(site_count 2 refused malformed)"
equal "off: passed" 200 "$(raw 'GET / HTTP/1.1\r\nHost: off.test\r\nX-A: b\013c\r\n\r\n')"
equal "and not counted" "0 0" "$(site_count 3 watched malformed) $(site_count 3 refused malformed)"
done_testing
