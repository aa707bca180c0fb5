# SPDX-License-Identifier: BSD-2-Clause
# journal.py FOLDER [site NUMBER | rings]: what nginx's workers wrote, as lines of name=value: the records of all rings, oldest first; a
# site's counters; or the rings that are taken. Layouts: shared/request_abi.h.
import ipaddress, struct, sys

RINGS, RING_BYTES, WORKERS, HEAD = 4096, 1 << 20, 64, 192
TEXTS = ("method host uri referer agent forwarded cookie type ja3 ja4 http2 origin id").split()
VERDICTS = "passed watched refused challenged redirected cached".split()

folder = sys.argv[1]


def address(raw):
    mapped = ipaddress.IPv6Address(raw)
    return str(mapped.ipv4_mapped or mapped)


def request(raw):
    client, peer, vip = (address(raw[at : at + 16]) for at in (16, 32, 48))
    instance, rule, client_port, vip_port, verdict, check, scheme, version, status, origin_status, bytes_in, bytes_out, took, origin_took, cut = struct.unpack_from("<IIHHBBBBHHIQIIH", raw, 64)
    lengths = struct.unpack_from("<13H", raw, 106)
    weight = struct.unpack_from("<H", raw, 132)[0]
    line = f"request client={client} client_port={client_port} peer={peer} vip={vip}:{vip_port} instance={instance} rule={rule} verdict={VERDICTS[verdict]} check={check} scheme={scheme} version={version} status={status} origin_status={origin_status} in={bytes_in} out={bytes_out} cut={cut} weight={weight}"
    at = 136
    for name, length in zip(TEXTS, lengths):
        line += f" {name}={raw[at:at + length].decode(errors='replace')!r}" if length else ""
        at += length
    return line


def records(data):
    for ring in range(WORKERS):
        base = RINGS + ring * (HEAD + RING_BYTES)
        head, tail = struct.unpack_from("<Q", data, base + 64)[0], struct.unpack_from("<Q", data, base + 128)[0]
        if head == tail:
            continue
        # A record may go on at the ring's beginning.
        twice = data[base + HEAD : base + HEAD + RING_BYTES] * 2
        while tail < head:
            place = tail % RING_BYTES
            length, kind, site, time = struct.unpack_from("<HHIq", twice, place)
            raw = twice[place : place + length]
            yield time, f"site={site} " + (request(raw) if kind == 1 else f"kind={kind}")
            tail += length


if sys.argv[2:3] == ["site"]:
    data, number = open(folder + "/counters", "rb").read(), int(sys.argv[3])
    sites = struct.unpack_from("<Q", data, 16)[0]
    names = "requests in out origin_requests".split() + [f"status{i}" for i in range(6)] + [f"origin_status{i}" for i in range(6)]
    for i in range(16384):
        if struct.unpack_from("<I", data, sites + 888 * i)[0] == number:
            print(" ".join(f"{n}={v}" for n, v in zip(names, struct.unpack_from("<16Q", data, sites + 888 * i + 8))))
elif sys.argv[2:3] == ["rings"]:
    data = open(folder + "/log", "rb").read()
    print(*(p for p in (struct.unpack_from("<I", data, RINGS + i * (HEAD + RING_BYTES))[0] for i in range(WORKERS)) if p))
else:
    for _, line in sorted(records(open(folder + "/log", "rb").read())):
        print(line)
