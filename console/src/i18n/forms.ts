// SPDX-License-Identifier: BSD-2-Clause
// Templates of port rules: the protocols whose payloads can be told from noise (shared/forms.def), by the names that
// their users know, and what each checks. A form that is not here yet is shown by the table's name and text.
import { section } from "./index";

export const formTexts = section({
	none: ["Anything", "不限"], "none.text": ["Payloads are not looked at. Limits and lists still hold.", "不检查负载；限制与名单仍然有效。"],
	a2s: ["Source engine, GoldSrc (CS, TF2, Garry's Mod)", "Source / GoldSrc 引擎（CS、TF2、Garry's Mod）"],
	"a2s.text": ["A client's first datagram is an A2S query, a challenge or a request to connect. After that all in its flow passes. Random floods and reflected bytes do not.",
		"客户端首个数据报须为 A2S 查询、挑战或连接请求，之后流内全部放行。随机洪水与反射流量被丢弃。"],
	raknet: ["RakNet (Minecraft Bedrock, Rust)", "RakNet（Minecraft 基岩版、Rust）"],
	"raknet.text": ["First a ping or a request to connect with RakNet's 16 magic bytes; then only its frames, ACK and NACK.", "首先须为带 RakNet 16 字节魔数的 ping 或连接请求；之后仅放行其帧、ACK 与 NACK。"],
	fivem: ["FiveM, RedM", "FiveM、RedM"], "fivem.text": ["First getinfo, getstatus or ENet's request to connect of its exact length; then all in the flow.", "首先须为 getinfo、getstatus 或长度正确的 ENet 连接请求；之后流内全部放行。"],
	minecraft: ["Minecraft Java", "Minecraft Java 版"], "minecraft.text": ["The first bytes of a connection are a handshake, or the ping of an old client.", "连接的首批字节须为握手包，或旧版客户端的 ping。"],
	teamspeak: ["TeamSpeak 3", "TeamSpeak 3"], "teamspeak.text": ["Opens with TS3INIT1; then all in the flow.", "以 TS3INIT1 开始；之后流内全部放行。"],
	dns: ["DNS server", "DNS 服务器"], "dns.text": ["Queries with one question and no answer, 17 to 1,232 bytes.", "仅含一个问题且无应答的查询，17 至 1232 字节。"],
	ntp: ["NTP server", "NTP 服务器"], "ntp.text": ["Clients' requests of versions 1 to 4. Control and private modes, which reflectors use, do not pass.", "版本 1 至 4 的客户端请求；反射所用的控制与私有模式不放行。"],
	quic: ["QUIC, HTTP/3", "QUIC、HTTP/3"], "quic.text": ["A flow begins with an Initial of at least 1,200 bytes and a known version; then what is long enough to be QUIC.", "流以不小于 1200 字节且版本已知的 Initial 开始；之后放行长度足够的 QUIC 报文。"],
	wireguard: ["WireGuard", "WireGuard"], "wireguard.text": ["Its four messages with their exact lengths. Roaming clients pass.", "四种消息，长度须精确。漫游客户端可通过。"],
	openvpn: ["OpenVPN", "OpenVPN"], "openvpn.text": ["A client's reset first, then its operations in the flow.", "首先为客户端 reset，之后为流内的操作码。"],
	sip: ["SIP", "SIP"], "sip.text": ["A known method, a reply, or a keep-alive.", "已知方法、应答或保活。"],
	stun: ["STUN, TURN", "STUN、TURN"], "stun.text": ["STUN with its cookie; in a flow also channel data, DTLS and RTP.", "带 cookie 的 STUN；流内还放行通道数据、DTLS 与 RTP。"],
	rtp: ["RTP, RTCP", "RTP、RTCP"], "rtp.text": ["Version 2, and STUN, which opens its way.", "版本 2，以及为其开路的 STUN。"],
	dtls: ["DTLS", "DTLS"], "dtls.text": ["A ClientHello first, then records in the flow.", "首先为 ClientHello，之后为流内记录。"],
	syslog: ["syslog", "syslog"], "syslog.text": ["Messages that begin with a priority in angle brackets.", "以尖括号优先级开头的消息。"],
	ike: ["IPsec, IKE", "IPsec、IKE"], "ike.text": ["A first message of IKE, then all in the flow.", "首先为 IKE 首个消息，之后流内全部放行。"],
	tls: ["TLS, HTTPS", "TLS、HTTPS"], "tls.text": ["A connection begins with a ClientHello.", "连接以 ClientHello 开始。"],
	http: ["HTTP", "HTTP"], "http.text": ["A connection begins with a known method; HTTP/2 in the clear, too.", "连接以已知方法开始；包括明文 HTTP/2。"],
	ssh: ["SSH", "SSH"], "ssh.text": ["A connection begins with an SSH identification.", "连接以 SSH 标识开始。"],
	mqtt: ["MQTT", "MQTT"], "mqtt.text": ["A connection begins with CONNECT.", "连接以 CONNECT 开始。"],
	rdp: ["Remote desktop (RDP)", "远程桌面（RDP）"], "rdp.text": ["A connection begins with an RDP request to connect.", "连接以 RDP 连接请求开始。"],
});
