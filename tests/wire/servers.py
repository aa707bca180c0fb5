# SPDX-License-Identifier: BSD-2-Clause
"""
Servers of Debian's Python packages, for tests/net/82-same-bytes.sh: mail, FTP (its passive address is the
one that it is told), WebSocket; and an HTTP server that says what it was sent. In the origin's namespace; runs until it is killed.

    servers.py FOLDER smtp PORT | ftp PORT FIRST LAST [ADDRESS] | websocket PORT | sink PORT
"""
import asyncio
import hashlib
import http.server
import os
import sys


async def smtp(folder, port):
    from aiosmtpd.smtp import SMTP

    class Mailbox:
        async def handle_DATA(self, _server, _session, envelope):
            with open(os.path.join(folder, "mailbox"), "ab") as file:
                file.write(repr((envelope.mail_from, envelope.rcpt_tos)).encode() + envelope.content)
            return "250 taken"

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Mailbox(), hostname="origin.test", ident="ready"), None, port)
    await server.serve_forever()


async def websocket(_folder, port):
    import websockets

    async def echo(connection):
        await connection.send("welcome")
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, None, port, max_size=1 << 22):
        await asyncio.Future()


def ftp(folder, port, first, last, address=None):
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    users = DummyAuthorizer()
    users.add_user("polder", "secret", folder, perm="elradfmw")

    class Handler(FTPHandler):
        authorizer = users
        passive_ports = range(first, last + 1)
        masquerade_address = address
        banner = "ready"

    FTPServer(("::", port), Handler).serve_forever()


def sink(_folder, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"sink {len(body)} {hashlib.sha256(body).hexdigest()}\n".encode())

    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()


folder, kind, *words = sys.argv[1:]
numbers = [int(word) if word.isdigit() else word for word in words]
if kind in ("ftp", "sink"):
    {"ftp": ftp, "sink": sink}[kind](folder, *numbers)
else:
    asyncio.run({"smtp": smtp, "websocket": websocket}[kind](folder, *numbers))
