#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""acme_directory.py FOLDER: an ACME directory on loopback that does what real ones seldom do.

It looks at requests (form, algorithm, URL, nonce, who) and at requests for certificates, and signs by an authority of its own. It
takes every challenge as met: whether answers are right and signatures good is tested against a real server (tests/net/98-acme.sh).
What it does wrong is in FOLDER/mode, read at each request. FOLDER/port is written when it listens, FOLDER/ca.pem vouches for it,
FOLDER/asked has a line for each request. Ends when its standard input does.
"""
import base64
import http.server
import json
import os
import secrets
import ssl
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]
nonces = set()
orders = {}
account = ""
refusals = 0
lock = threading.Lock()


def path(name):
    return os.path.join(FOLDER, name)


def mode():
    with open(path("mode")) as file:
        return file.read().strip()


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], cwd=FOLDER, input=data, capture_output=True, check=True).stdout


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def prepare():
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *curve, "-subj", "/CN=directory", "-keyout", "tls.key", "-out", "tls.csr")
    with open(path("tls.ext"), "w") as file:
        file.write("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", "2",
            "-extfile", "tls.ext", "-out", "tls.pem")


def issue(csr, domain):
    """The chain for a request, which must be for the domain and signed by its own key."""
    with open(path("one.der"), "wb") as file:
        file.write(csr)
    text = openssl("req", "-inform", "DER", "-in", "one.der", "-verify", "-noout", "-text").decode()
    if f"DNS:{domain}\n" not in text or "ASN1 OID: prime256v1" not in text:
        raise ValueError("the request is not for the domain or of another kind of key")
    if mode() == "wrong name":
        domain = "other.example.com"
    with open(path("one.ext"), "w") as file:
        file.write(f"subjectAltName=DNS:{domain}\n")
    if mode() == "wrong key":
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-outform", "DER",
                "-keyout", "x.key", "-out", "one.der")
    leaf = openssl("x509", "-req", "-inform", "DER", "-in", "one.der", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial",
                   "0x" + secrets.token_hex(8), "-days", "2", "-extfile", "one.ext")
    with open(path("ca.pem"), "rb") as file:
        return leaf + file.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, *_):
        pass

    def url(self, rest):
        return f"https://127.0.0.1:{self.server.server_address[1]}{rest}"

    def answer(self, status, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if mode() != "no nonce":
            nonce = secrets.token_urlsafe(12)
            nonces.add(nonce)
            self.send_header("Replay-Nonce", nonce)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def problem(self, status, kind, detail, **headers):
        self.answer(status, {"type": "urn:ietf:params:acme:error:" + kind, "detail": detail}, **headers)

    def before(self):
        """True: the mode has answered already."""
        with lock, open(path("asked"), "a") as file:
            file.write(f"{self.command} {self.path}\n")
        if mode() == "silent":
            time.sleep(20)
            self.close_connection = True
            return True
        if mode() == "redirect":
            self.answer(302, b"", Location=self.url("/elsewhere"))
        elif mode() == "oversize":
            self.answer(200, b"{" + b" " * 200000)
        elif mode() == "nonsense":
            self.answer(200, b"\x00\xff[[[")
        else:
            return False
        return True

    def do_HEAD(self):
        if not self.before():
            self.answer(200, b"")

    def do_GET(self):
        if self.before():
            return
        directory = {name: self.url("/" + name) for name in ("newNonce", "newAccount", "newOrder")}
        directory["meta"] = {"externalAccountRequired": mode() == "external"}
        self.answer(200, directory)

    def order(self, number):
        order = orders[number]
        wanted = {"stuck": "processing", "order invalid": "invalid"}.get(mode(), order["status"])
        body = {"status": wanted, "authorizations": [self.url(f"/authorization/{number}")], "finalize": self.url(f"/finalize/{number}")}
        if mode() == "foreign":
            body["authorizations"] = ["https://192.0.2.1/authorization"]
        if mode() == "two":
            body["authorizations"] *= 2
        if wanted == "valid":
            body["certificate"] = self.url(f"/certificate/{number}")
        if wanted == "invalid":
            body["error"] = {"type": "urn:ietf:params:acme:error:badCSR", "detail": "no such \u001b[31mname\n"}
        return body

    def check(self, words, head):
        """What is wrong with a signed request; None: nothing."""
        if set(words) != {"protected", "payload", "signature"} or len(decode(words["signature"])) != 64:
            return "form"
        if head["alg"] != "ES256" or head["url"] != self.url(self.path):
            return "alg or url"
        if ("jwk" in head) == ("kid" in head) or ("jwk" in head) != (self.path == "/newAccount"):
            return "who"
        return None

    def do_POST(self):
        global account, refusals
        words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.before():
            return
        head, payload = json.loads(decode(words["protected"])), decode(words["payload"])
        wrong = self.check(words, head)
        if wrong or self.headers["Content-Type"] != "application/jose+json":
            return self.problem(400, "malformed", f"{wrong}: {head}")
        if head["nonce"] not in nonces or (mode() == "bad nonce" and refusals % 3 < 2) or mode() == "bad nonces":
            refusals += 1
            return self.problem(400, "badNonce", "not this one")
        nonces.remove(head["nonce"])
        refusals += 1
        if self.path == "/newAccount":
            account = self.url("/account/" + secrets.token_hex(4))
            return self.answer(201, {"status": "valid"}, Location=account)
        if head["kid"] != account or mode() == "account gone":
            return self.problem(400, "accountDoesNotExist", "who is that")
        self.act(self.path.split("/")[1], self.path.split("/")[-1], payload)

    def act(self, what, number, payload):
        if what == "newOrder":
            if mode() == "rate limited":
                return self.problem(429, "rateLimited", "too many", Retry_After="7200")
            number = secrets.token_hex(4)
            domain = json.loads(payload)["identifiers"][0]["value"]
            orders[number] = {"domain": domain, "status": "pending", "met": False}
            return self.answer(201, self.order(number), Location=self.url(f"/order/{number}"))
        order = orders[number]
        if what == "authorization":
            status = "invalid" if mode() == "wrong answer" and order["met"] else "valid" if order["met"] else "pending"
            challenge = {"type": "dns-01" if mode() == "no http" else "http-01", "status": status, "token": "token" + number,
                         "url": self.url(f"/challenge/{number}")}
            if mode() == "bad token":
                challenge["token"] = "../" + number
            if status == "invalid":
                challenge["error"] = {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "the answer was wrong"}
            return self.answer(200, {"status": status, "identifier": {"type": "dns", "value": order["domain"]},
                                     "challenges": [{"type": "tls-alpn-01"}, challenge]})
        if what == "challenge":
            order["met"] = True
            return self.answer(200, {"status": "processing"}, Retry_After="3")
        if what == "finalize":
            order["chain"] = issue(decode(json.loads(payload)["csr"]), order["domain"])
            order["status"] = "processing"
        elif what == "order" and order["status"] == "processing":
            order["status"] = "valid"
        if what == "certificate":
            return self.answer(200, order["chain"], Content_Type="application/pem-certificate-chain")
        return self.answer(200, self.order(number))


prepare()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None  # a client that went away is none
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("tls.pem"), path("tls.key"))
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(path("port.new"), "w") as file:
    file.write(str(server.server_address[1]))
os.rename(path("port.new"), path("port"))
sys.stdin.read()
