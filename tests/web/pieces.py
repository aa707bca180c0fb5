#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Requests over one connection: pieces.py ADDRESS PORT NAME|- BYTES KIND...

NAME: speaks TLS, for that server name. All is sent in pieces of BYTES. Kinds: get; hidden, a get with a header line that ends with
LF behind a space; long, the same behind 1500 bytes of header; post, with such lines in its body; chunks, likewise; big,
with 60 KB of them. Prints the statuses of all answers."""
import re
import socket
import ssl
import sys
import threading

HEAD = b"Host: a.test\r\n"
BODY = b"one \ntwo \n \n"
KINDS = {
    "get": b"GET / HTTP/1.1\r\n" + HEAD + b"X-A: b \r\n\r\n",
    "hidden": b"GET / HTTP/1.1\r\n" + HEAD + b"X-A: b \nX-C: d\r\n\r\n",
    "long": b"GET / HTTP/1.1\r\n" + HEAD + b"X-Long: " + b"a" * 1500 + b"\r\nX-A: b \nX-C: d\r\n\r\n",
    "post": b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunks": b"POST / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    "big": b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 60000\r\n\r\n" + b"a \n " * 15000,
}


def receive(connection, out):
    try:
        while piece := connection.recv(65536):
            out.append(piece)
    except OSError:
        pass


address, port, name, size = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
connection = socket.create_connection((address, port), 5)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if name != "-":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = context.wrap_socket(connection, server_hostname=name)
connection.settimeout(2)
heard = []
reader = threading.Thread(target=receive, args=(connection, heard))
reader.start()
sent = b"".join(KINDS[kind] for kind in sys.argv[5:])
try:
    for at in range(0, len(sent), size):
        connection.sendall(sent[at:at + size])
except OSError:
    pass
reader.join()
print(" ".join(re.findall(r"HTTP/1\.1 (\d+)", b"".join(heard).decode("latin-1"))))
