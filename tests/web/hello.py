# SPDX-License-Identifier: BSD-2-Clause
# hello.py ADDRESS PORT NAME COUNT: begins so many TLS handshakes with one recorded ClientHello, and says how many of them
# were answered by an alert instead of a ServerHello. Ends at the first such one with "until".
import socket, ssl, sys

address, port, name, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.create_default_context()
try:
    context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
except ssl.SSLWantReadError:
    pass
hello = outgoing.read()
alerts = 0
for _ in range(count):
    with socket.create_connection((address, port), timeout=5) as connection:
        connection.sendall(hello)
        first = connection.recv(1)
        if first == b"\x15":
            alerts += 1
            if sys.argv[5:] == ["until"]:
                break
print(alerts)
