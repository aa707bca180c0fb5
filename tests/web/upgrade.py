# SPDX-License-Identifier: BSD-2-Clause
# upgrade.py serve ADDRESS PORT: a WebSocket server that echoes, under a protocol of its own. upgrade.py ask ADDRESS PORT HOST
# [tls]: says what came back of three messages, or why none did. upgrade.py keep ADDRESS PORT HOST: stays until its input ends.
import asyncio, ssl, sys, websockets

mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def echo(connection):
    async for message in connection:
        await connection.send(message + " by " + connection.request_headers["Host"])


async def serve():
    async with websockets.serve(echo, address, port, subprotocols=["echo"]):
        await asyncio.Future()


async def ask():
    tls = None
    if sys.argv[5:] == ["tls"]:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    uri = f"{'wss' if tls else 'ws'}://{sys.argv[4]}/"
    options = {"ssl": tls, "server_hostname": sys.argv[4]} if tls else {}
    async with websockets.connect(uri, host=address, port=port, subprotocols=["echo"], open_timeout=5, **options) as connection:
        for message in ("one", "two", "x" * 100000):
            await connection.send(message)
            answer = await connection.recv()
            print(answer if len(answer) < 100 else len(answer), end="; ")
        print(connection.subprotocol)
        if mode == "keep":
            sys.stdout.flush()
            await asyncio.get_event_loop().run_in_executor(None, sys.stdin.readline)
            await connection.send("last")
            print(await connection.recv())


try:
    asyncio.run(serve() if mode == "serve" else ask())
except Exception as error:
    print("failed:", type(error).__name__)
