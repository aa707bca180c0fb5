# SPDX-License-Identifier: BSD-2-Clause
# No table, however damaged, ends a worker: what cannot be read is not served, and a whole one is served again.
. "$(dirname "$0")/lib.sh"
origins_start
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=one.test \
	-keyout "$scratch/one.key" -out "$scratch/one.pem" 2>/dev/null
table <<END
{$(vips), "proxies":["198.51.100.0/29"], "ticket_keys":["$(printf 'a1%.0s' $(seq 80))"],
 "names":[{"name":"origin.example","addresses":["127.0.1.1","127.0.1.2"]}],
 "certificates":[{"number":1,"chain":"$scratch/one.pem","key":"$scratch/one.key"}],
 "sites":[{"domain":"one.test","number":1,"certificate":1,"flags":$((LOG | PLAIN | TLS13 | KEEPALIVE | (1 << 11))),"keepalive_requests":9,"keepalive_seconds":9,
  "ports":[[80,$HTTP],[443,$HTTPS]],"headers":[["X-Custom","mine"]],"prefixes":[["203.0.113.0/24",2]],
  "origins":[{"address":"127.0.1.1","port":8000},{"name":"origin.example","port":8000}]}]}
END
edge_start 1
before=$(workers)
equal "a page" 200 "$(code get one.test /)"
served=$(python3 tests/web/corrupt.py "$FOLDER" $VIP one.test 200)
check "some of 200 damaged tables are served from, some are not ($served)" [ "$served" -gt 0 -a "$served" -lt 200 ]
# From another source: that one may have had more handshakes a second than a source may.
equal "a whole one is, and TLS" "200 200" "$(code get one.test /) $(code gets one.test / --interface 198.51.100.9)"
equal "by the same worker" "$before" "$(workers)"
done_testing
