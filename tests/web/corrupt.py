# SPDX-License-Identifier: BSD-2-Clause
# corrupt.py FOLDER ADDRESS HOST ROUNDS: puts a damaged copy of the table in its place, round after round, each time by other
# changes of a fixed series, and asks for a page and for a TLS handshake under it; at last the whole one again. Says how many of
# the damaged ones still gave a page.
import os, random, socket, ssl, struct, sys

folder, address, host, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
whole = open(folder + "/table", "rb").read()
series = random.Random(7)
served = 0


def publish(data):
    path = folder + "/table.damaged"
    with open(path, "wb") as file:
        file.write(data)
    status = os.stat(folder + "/table")
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, status.st_mode & 0o777)
    with open(folder + "/table", "r+b") as old:
        os.rename(path, folder + "/table")
        old.seek(20)
        old.write(struct.pack("<I", 1))


def page():
    with socket.create_connection((address, 80), timeout=5) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        try:
            return connection.recv(12).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE


def handshake():
    try:
        with socket.create_connection((address, 443), timeout=5) as plain, context.wrap_socket(plain, server_hostname=host):
            pass
    except OSError:
        pass


slots, count = struct.unpack_from("<Q", whole, 24)[0], struct.unpack_from("<I", whole, 16)[0]
used = struct.unpack_from("<Q", whole, 40)[0]
taken = [i for i in range(count) if struct.unpack_from("<Q", whole, slots + 16 * i + 8)[0] > 1]
for turn in range(rounds):
    data = bytearray(whole)
    kind = turn % 4
    for _ in range(series.choice((1, 3, 20))):
        if kind == 0:  # the head
            at = series.randrange(0, 48)
        elif kind == 1:  # offsets and hashes
            at = slots + 16 * series.choice(taken) + series.randrange(16)
        else:  # records
            at = series.randrange(slots + 16 * count, used)
        data[at] = series.choice((0, 1, 0x7F, 0xFF, series.randrange(256)))
    if kind == 3:
        del data[series.randrange(1, len(data)) :]
    publish(bytes(data))
    served += page()
    handshake()
publish(whole)
print(served)
