#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
How long after the API's reply a change of a site is obeyed.

  request_change.py probe ADDRESS HOST SECONDS FILE   one connection asks for "/1k" again and again, and writes a line of
                                                      (nanoseconds when the request was sent, status) for each answer
  request_change.py orders URL KEY SECRET DOMAIN INSTANCE ORIGIN COUNT FILE
                                                      turns the redirect to HTTPS on and off, and writes a line of
                                                      (nanoseconds when the reply came, expected status) for each order
  request_change.py result PROBES ORDERS              prints {"orders","obeyed","p50_ms","p99_ms","max_ms","requests","failed"}

Obeyed: the first request that was sent after the reply and is answered in the new way; all later ones, until the next order, have
to be, too. All clocks are CLOCK_MONOTONIC of one machine.
"""
import base64
import hashlib
import hmac
import http.client
import json
import random
import sys
import time
import urllib.parse
import uuid


def probe(address, host, seconds, path):
    end = time.monotonic() + float(seconds)
    connection = None
    with open(path, "w") as out:
        while time.monotonic() < end:
            sent = time.monotonic_ns()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(address, 80, timeout=3)
                connection.request("GET", "/1k", headers={"Host": host, "User-Agent": "probe"})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
                if answer.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException):
                status = 0
                connection = None
            print(sent, status, file=out)
            time.sleep(0.0005)


def encode(text):
    return urllib.parse.quote(str(text), safe="-_.~")


def call(connection, key, secret, action, parameters):
    """Signature version 1 of the published interface."""
    query = {
        "Action": action, "Version": "2020-01-01", "Format": "JSON", "AccessKeyId": key, "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0", "SignatureNonce": str(uuid.uuid4()),
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **parameters,
    }
    text = "&".join(f"{encode(k)}={encode(v)}" for k, v in sorted(query.items()))
    mac = hmac.new((secret + "&").encode(), f"GET&%2F&{encode(text)}".encode(), hashlib.sha1)
    query["Signature"] = base64.b64encode(mac.digest()).decode()
    connection.request("GET", "/?" + "&".join(f"{encode(k)}={encode(v)}" for k, v in query.items()))
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"{action}: {body.decode()}")


def orders(url, key, secret, domain, instance, origin, count, path):
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=10)
    with open(path, "w") as out:
        for i in range(int(count)):
            on = i % 2 == 0
            call(connection, key, secret, "ModifyDomainResource", {
                "Domain": domain, "InstanceIds.1": instance, "RsType": 0, "RealServers.1": origin,
                "ProxyTypes.1.ProxyType": "http", "ProxyTypes.1.ProxyPorts.1": 80,
                "ProxyTypes.2.ProxyType": "https", "ProxyTypes.2.ProxyPorts.1": 443,
                "HttpsExt": json.dumps({"Http2https": int(on), "Https2http": 1}),
            })
            print(time.monotonic_ns(), 301 if on else 200, file=out)
            time.sleep(random.uniform(0.15, 0.25))


def read(path):
    with open(path) as lines:
        return [tuple(map(int, line.split())) for line in lines]


def result(probes, orders_path):
    asked = read(probes)
    made = read(orders_path)
    waits = []
    for i, (replied, expected) in enumerate(made):
        until = made[i + 1][0] - 50_000_000 if i + 1 < len(made) else replied + 100_000_000
        span = [(sent, status) for sent, status in asked if replied <= sent < until]
        late = [sent for sent, status in span if status != expected]
        first = [sent for sent, status in span if status == expected and (not late or sent > late[-1])]
        if first:
            waits.append(0 if not late else (first[0] - replied) / 1e6)
    waits.sort()
    print(json.dumps({
        "orders": len(made), "obeyed": len(waits), "p50_ms": round(waits[len(waits) // 2], 2),
        "p99_ms": round(waits[min(len(waits) - 1, int(len(waits) * 0.99))], 2), "max_ms": round(waits[-1], 2),
        "requests": len(asked), "failed": sum(status not in (200, 301) for _, status in asked),
    }))


if __name__ == "__main__":
    {"probe": probe, "orders": orders, "result": result}[sys.argv[1]](*sys.argv[2:])
