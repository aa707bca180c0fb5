# SPDX-License-Identifier: BSD-2-Clause
"""
Clients for tests/net/82-same-bytes.sh that print what they heard.

    clients.py smtp ADDRESS PORT | websocket ADDRESS PORT
"""
import asyncio
import hashlib
import re
import smtplib
import sys


def smtp(address, port):
    class Loud(smtplib.SMTP):
        def getreply(self):
            reply = super().getreply()
            print(reply)
            return reply

    with Loud(address, port, local_hostname="client.test", timeout=20) as mail:
        for i in range(3):
            body = "".join(f"line {n} of message {i}\r\n" for n in range(2000))
            print(mail.sendmail("a@client.test", ["b@origin.test"], "Subject: test\r\n\r\n" + body))


async def talk(address, port):
    import websockets

    host = f"[{address}]" if ":" in address else address
    async with websockets.connect(f"ws://{host}:{port}/", max_size=1 << 22) as connection:
        print(await connection.recv())
        for length in (1, 125, 126, 65535, 65536, 1 << 20):
            message = bytes(n * 31 & 255 for n in range(length))
            await connection.send(message)
            reply = await connection.recv()
            print(length, hashlib.sha256(reply).hexdigest(), reply == message)
        await (await connection.ping())
    print("closed", connection.close_code)


kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "smtp":
    smtp(address, port)
else:
    asyncio.run(talk(address, port))
