// SPDX-License-Identifier: BSD-2-Clause
// Captured frames: one line about each, and a pcapng file of all (draft-ietf-opsawg-pcapng: section header, one
// interface of Ethernet with times in milliseconds, enhanced packets with the reason as comment).

export interface CapturedPacket { Time: number; Reason: string; Watched: boolean; Length: number; Frame: string }

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const ETHERNET = 14, VLAN = 4;
const PROTOCOLS: Record<number, string> = { 1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };
const FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];

function address6(at: DataView, offset: number): string {
	const groups = Array.from({ length: 8 }, (_, i) => at.getUint16(offset + 2 * i).toString(16));
	return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1); // shortens it
}

/** "TCP 192.0.2.1:4711 → 198.51.100.2:80 SYN"; "" for what is no IP. */
export function describe(frame: string): string {
	const bytes = bytesOf(frame);
	const at = new DataView(bytes.buffer);
	let ip = ETHERNET;
	if (bytes.length >= ip + VLAN && at.getUint16(12) === 0x8100)
		ip += VLAN;
	if (bytes.length < ip + 20)
		return "";
	let from: string, to: string, protocol: number, transport: number, first = true;
	if (bytes[ip]! >> 4 === 4) {
		const text = (offset: number) => [...bytes.slice(offset, offset + 4)].join(".");
		[from, to, protocol, transport] = [text(ip + 12), text(ip + 16), bytes[ip + 9]!, ip + (bytes[ip]! & 15) * 4];
		first = (at.getUint16(ip + 6) & 0x1fff) === 0;
	} else if (bytes[ip]! >> 4 === 6 && bytes.length >= ip + 40) {
		[from, to, protocol, transport] = [address6(at, ip + 8), address6(at, ip + 24), bytes[ip + 6]!, ip + 40];
	} else {
		return "";
	}
	const name = PROTOCOLS[protocol] ?? `IP ${protocol}`;
	if (!first || bytes.length < transport + 4 || (protocol !== 6 && protocol !== 17))
		return `${name} ${from} → ${to}${first ? "" : " …"}`;
	const host = (address: string) => address.includes(":") ? `[${address}]` : address;
	const flags = protocol === 6 && bytes.length > transport + 13 ? FLAGS.filter((_, i) => bytes[transport + 13]! >> i & 1).join(" ") : "";
	return `${name} ${host(from)}:${at.getUint16(transport)} → ${host(to)}:${at.getUint16(transport + 2)}${flags && ` ${flags}`}`;
}

const SNAP_MAX = 65535, LINK_ETHERNET = 1, MILLISECONDS = 3;
const padded = (length: number) => (length + 3) & ~3;

/** One block: type, length, body, length. */
function block(type: number, body: Uint8Array): Uint8Array {
	const out = new Uint8Array(12 + padded(body.length));
	const at = new DataView(out.buffer);
	at.setUint32(0, type, true);
	at.setUint32(4, out.length, true);
	out.set(body, 8);
	at.setUint32(out.length - 4, out.length, true);
	return out;
}

function option(code: number, value: Uint8Array): Uint8Array {
	const out = new Uint8Array(4 + padded(value.length));
	new DataView(out.buffer).setUint16(0, code, true);
	new DataView(out.buffer).setUint16(2, value.length, true);
	out.set(value, 4);
	return out;
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
	const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

export function pcapng(packets: readonly CapturedPacket[]): Uint8Array<ArrayBuffer> {
	const section = new DataView(new ArrayBuffer(16));
	section.setUint32(0, 0x1a2b3c4d, true);
	section.setUint16(4, 1, true);
	section.setBigInt64(8, -1n, true);
	const link = new DataView(new ArrayBuffer(8));
	link.setUint16(0, LINK_ETHERNET, true);
	link.setUint32(4, SNAP_MAX, true);
	const end = new Uint8Array(4);
	return joined(block(0x0a0d0d0a, new Uint8Array(section.buffer)),
		block(1, joined(new Uint8Array(link.buffer), option(9, Uint8Array.of(MILLISECONDS)), end)),
		...packets.map(({ Time, Reason, Watched, Length, Frame }) => {
			const data = bytesOf(Frame);
			const head = new DataView(new ArrayBuffer(20));
			head.setUint32(4, Math.floor(Time / 2 ** 32), true);
			head.setUint32(8, Time >>> 0, true);
			head.setUint32(12, data.length, true);
			head.setUint32(16, Length, true);
			const frame = new Uint8Array(padded(data.length));
			frame.set(data);
			return block(6, joined(new Uint8Array(head.buffer), frame, option(1, new TextEncoder().encode(Reason + (Watched ? " (watched)" : ""))), end));
		}));
}
