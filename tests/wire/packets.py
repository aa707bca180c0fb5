# SPDX-License-Identifier: BSD-2-Clause
"""
Frames of TCP segments, built and taken apart, and a link to send and hear them on. What arrives is
trusted in nothing: lengths must agree and all checksums are computed anew.
"""
import select
import socket
import struct
import time

import namespaces

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
FLAG_LETTER = {"F": FIN, "S": SYN, "R": RST, "P": PSH, ".": ACK, "U": URG, "E": ECE, "W": CWR}
ETH_P_ALL = 3


class Bad(Exception):
    """A packet that no receiver would take."""


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


class Segment:
    """Absolute numbers, as on the wire. options: list of (kind, bytes)."""

    def __init__(self, **fields):
        self.source = self.destination = None
        self.source_port = self.destination_port = 0
        self.sequence = self.acknowledgement = 0
        self.flags = self.window = self.urgent = 0
        self.ecn = 0  # of the IP header
        self.options = []
        self.payload = b""
        self.__dict__.update(fields)

    def tcp(self):
        options = b""
        for kind, value in self.options:
            options += bytes([kind]) if kind < 2 else bytes([kind, len(value) + 2]) + value
        options += b"\1" * (-len(options) % 4)
        offset = (20 + len(options)) // 4 << 12
        head = struct.pack("!HHIIHHHH", self.source_port, self.destination_port,
                           self.sequence & 0xFFFFFFFF, self.acknowledgement & 0xFFFFFFFF,
                           offset | self.flags, self.window, 0, self.urgent)
        data = head + options + self.payload
        pseudo = self.source + self.destination + struct.pack("!IHBB", len(data), 0, 0, 6)
        return data[:16] + struct.pack("!H", checksum(pseudo + data)) + data[18:]

    def frame(self, mac_to, mac_from):
        return ip_frame(mac_to, mac_from, self.source, self.destination, 6, self.tcp(), self.ecn)

    def option(self, kind):
        return next((value for k, value in self.options if k == kind), None)


def ip_frame(mac_to, mac_from, source, destination, protocol, data, ecn=0):
    if len(source) == 4:
        head = struct.pack("!BBHHHBBH", 0x45, ecn, 20 + len(data), 7, 0x4000, 64, protocol, 0)
        head += source + destination
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        return mac_to + mac_from + b"\x08\x00" + head + data
    head = struct.pack("!IHBB", 6 << 28 | ecn << 20, len(data), protocol, 64) + source + destination
    return mac_to + mac_from + b"\x86\xdd" + head + data


def read_options(data):
    options, at = [], 0
    while at < len(data) and data[at]:
        if data[at] == 1:
            at += 1
            continue
        if at + 1 >= len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            raise Bad("an option list that breaks off")
        options.append((data[at], data[at + 2:at + data[at + 1]]))
        at += data[at + 1]
    return options


def read_ip(frame):
    """(source, destination, protocol, data), or None when the frame holds no IP packet."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        ip = frame[14:]
        length = struct.unpack("!H", ip[2:4])[0]
        if ip[0] != 0x45 or length > len(ip):
            raise Bad("IPv4 header")
        if checksum(ip[:20]):
            raise Bad("IPv4 header checksum")
        return ip[12:16], ip[16:20], ip[9], ip[20:length]
    if kind == b"\x86\xdd":
        ip = frame[14:]
        length = struct.unpack("!H", ip[4:6])[0] + 40
        if length > len(ip):
            raise Bad("IPv6 length")
        return ip[8:24], ip[24:40], ip[6], ip[40:length]
    return None


def read_ecn(frame):
    """Of a frame that holds an IP packet."""
    return frame[15] & 3 if frame[12:14] == b"\x08\x00" else frame[15] >> 4 & 3


def read_tcp(source, destination, data):
    pseudo = source + destination + struct.pack("!IHBB", len(data), 0, 0, 6)
    if len(data) < 20 or data[12] >> 4 < 5 or (data[12] >> 4) * 4 > len(data):
        raise Bad("TCP header length")
    if checksum(pseudo + data):
        raise Bad("TCP checksum")
    ports = struct.unpack("!HHIIHHHH", data[:20])
    head = (ports[4] >> 12) * 4
    return Segment(source=source, destination=destination, source_port=ports[0],
                   destination_port=ports[1], sequence=ports[2], acknowledgement=ports[3],
                   flags=ports[4] & 0x1FF, window=ports[5], urgent=ports[7],
                   options=read_options(data[20:head]), payload=data[head:])


class Error:
    """An ICMP message that a packet was too big: its MTU, and ports and sequence number of the packet."""

    def __init__(self, mtu, source, destination, ports, sequence):
        self.mtu, self.source, self.destination = mtu, source, destination
        self.ports, self.sequence = ports, sequence


def read_too_big(source, destination, protocol, data):
    """An Error, or None when the message is another one."""
    if protocol == 1:
        if checksum(data):
            raise Bad("ICMP checksum")
        if data[:2] != b"\3\4" or len(data) < 36:
            return None
        inner, skip = data[8:], 20
        addresses, mtu = (inner[12:16], inner[16:20]), struct.unpack("!H", data[6:8])[0]
        if checksum(inner[:20]):
            raise Bad("checksum of the quoted header")
    else:
        pseudo = source + destination + struct.pack("!IHBB", len(data), 0, 0, 58)
        if checksum(pseudo + data):
            raise Bad("ICMPv6 checksum")
        if data[:2] != b"\2\0" or len(data) < 56:
            return None
        inner, skip = data[8:], 40
        addresses, mtu = (inner[8:24], inner[24:40]), struct.unpack("!I", data[4:8])[0]
    ports = struct.unpack("!HHI", inner[skip:skip + 8])
    return Error(mtu, *addresses, ports[:2], ports[2])


class Link:
    """One interface inside a network namespace of the lab."""

    def __init__(self, namespace, interface, mac_to, mac_from):
        with namespaces.inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            self.socket.bind((interface, ETH_P_ALL))
        self.mac_to = bytes.fromhex(mac_to.replace(":", ""))
        self.mac_from = bytes.fromhex(mac_from.replace(":", ""))

    def send(self, segment):
        self.socket.send(segment.frame(self.mac_to, self.mac_from))

    def send_ip(self, source, destination, protocol, data):
        self.socket.send(ip_frame(self.mac_to, self.mac_from, source, destination, protocol, data))

    def receive(self, seconds):
        """The next frame that came in, or None."""
        limit = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.socket], [], [], max(0, limit - time.monotonic()))
            if not ready:
                return None
            frame, where = self.socket.recvfrom(65535)
            if where[2] != socket.PACKET_OUTGOING:
                return frame

    def answer_resolution(self, frame, addresses):
        """Says that this end has the addresses, when an ARP or neighbour solicitation asks. True: it did."""
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] in addresses:
            self.socket.send(frame[6:12] + self.mac_from + frame[12:20] + b"\0\2" + self.mac_from +
                             frame[38:42] + frame[22:32])
            return True
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135 and frame[62:78] in addresses:
            target, asker = frame[62:78], frame[22:38]
            body = b"\x88\0\0\0" + b"\x60\0\0\0" + target + b"\2\1" + self.mac_from
            pseudo = target + asker + struct.pack("!IHBB", len(body), 0, 0, 58)
            body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
            head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + target + asker
            self.socket.send(frame[6:12] + self.mac_from + b"\x86\xdd" + head + body)
            return True
        return False
