# SPDX-License-Identifier: BSD-2-Clause
# names.py PORT ADDRESS=NAME...: a name server on loopback that knows these names and addresses, both ways round.
import ipaddress, socket, struct, sys

A, PTR, AAAA = 1, 12, 28
zone = {}


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


for pair in sys.argv[2:]:
    text, name = pair.split("=")
    address = ipaddress.ip_address(text)
    zone.setdefault((name, A if address.version == 4 else AAAA), []).append(address.packed)
    zone.setdefault((address.reverse_pointer, PTR), []).append(wire(name))
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    query, client = server.recvfrom(512)
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += query[at] + 1
    name, kind = ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0]
    found = zone.get((name, kind), [])
    known = any(name == other for other, _ in zone)
    answer = query[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, len(found), 0, 0) + query[12 : at + 5]
    for data in found:
        answer += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    server.sendto(answer, client)
