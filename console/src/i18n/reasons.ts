// SPDX-License-Identifier: BSD-2-Clause
// Names of the packet path's reasons and mitigations. What each says about a packet is, in English, the table's own
// text (shared/*.def); a row that is not here yet is shown by the table's name and text.
import { reasons as table } from "../gen/tables";
import { currentLanguage } from "./index";

/** Name in English, name in Chinese, what it says in Chinese. */
export const reasonTexts: Readonly<Record<string, readonly [en: string, zh: string, text: string]>> = {
	forwarded_tcp: ["TCP forwarded", "TCP 已转发", "属于已有连接的 TCP 报文，已转发"],
	forwarded_udp: ["UDP forwarded", "UDP 已转发", "属于已有流的 UDP 数据报，已转发"],
	cookie_sent: ["SYN cookie sent", "已发送 SYN Cookie", "以 Cookie 回应的 SYN"],
	flow_opened: ["Flow opened", "新建流", "Cookie 有效或首个数据报：已建立流"],
	syn_passed: ["SYN passed", "SYN 放行", "低于实例阈值的 SYN：原样转给源站"],
	error_translated: ["ICMP error carried", "ICMP 差错已转达", "关于某个流的 ICMP 差错，已转达"],
	challenge_sent: ["UDP challenge sent", "已发送 UDP 挑战", "以不大于请求的挑战回应的 UDP 请求"],
	echo_answered: ["Ping answered", "已回应 Ping", "对受保护地址的 ICMP 回显请求，已回应"],
	local: ["Web server", "本机 Web 服务", "本机服务的 TCP：交给此节点的 Web 服务器"],
	host: ["Host's own", "主机自身", "不是发往受保护地址：交给主机"],
	malformed: ["Malformed", "畸形报文", "头部自相矛盾或形式不可能"],
	source_impossible: ["Impossible source", "不可能的源地址", "任何客户端都不会有的源地址：回环、组播或自身地址"],
	blackhole: ["Blackhole", "黑洞", "地址在黑洞中：攻击超过套餐上限"],
	block_list: ["Block-list", "黑名单", "源在实例的黑名单中"],
	auto_block: ["Automatic block", "自动封禁", "源多次超过限制，被暂时封禁"],
	request_ban: ["Banned by requests", "请求侧封禁", "源被此节点的请求路径封禁"],
	region: ["Region", "地域", "源在被封禁的国家或地区"],
	bogon: ["Unrouted source", "不可路由的源", "互联网不路由的源地址：私有、保留、文档用"],
	ip_options: ["IP options", "IP 选项", "除填充外的 IPv4 选项，或已停用的 IPv6 路由头"],
	fragment_tiny: ["Tiny fragment", "微小分片", "小于任何协议栈产生的分片，或紧随其后"],
	fragment_overlap: ["Overlapping fragment", "重叠分片", "与其数据报首个分片重叠的分片"],
	fragment: ["Any fragment", "任意分片", "分片"],
	icmp: ["ICMP", "ICMP", "发往受保护地址的 ICMP（流所需的差错除外）"],
	reflection: ["UDP reflection", "UDP 反射", "来自实例拒绝的源端口的 UDP：反射器使用这些端口"],
	payload_match: ["Payload pattern", "负载特征", "负载含有实例某个特征的字节"],
	payload_length: ["Payload length", "负载长度", "负载短于或长于端口规则所接受"],
	payload_form: ["Payload form", "负载协议", "负载不是端口规则指定的协议"],
	source_packets: ["Packets of a source", "单源包速率", "源每秒数据包数超过端口规则"],
	source_bytes: ["Bytes of a source", "单源带宽", "源每秒字节数超过端口规则"],
	source_rate: ["New connections of a source", "单源新建连接", "源每秒新建连接数超过端口规则"],
	source_connections: ["Connections of a source", "单源并发连接", "源的连接数已达端口规则上限"],
	service_rate: ["New connections of the port", "端口新建连接", "端口规则本秒的新建连接数已满"],
	service_connections: ["Connections of the port", "端口并发连接", "端口规则的连接数已满"],
	unproven: ["Unproven sources", "未验证的源", "超过实例对未验证源的限制"],
	answer_bytes: ["Large answers", "过大的应答", "应答大于未验证源所发送的数据"],
	plan_packets: ["Plan: packets", "套餐：包速率", "超过实例套餐的每秒数据包数"],
	plan_bytes: ["Plan: bandwidth", "套餐：带宽", "超过实例套餐的业务带宽"],
	reset_window: ["Reset outside window", "窗口外的 RST", "TCP RST 不在接收方窗口内"],
	empty_connection: ["Empty connections", "空连接", "源的连接不携带任何数据"],
	forwarding_off: ["Forwarding ended", "已停止转发", "实例停止转发：已到期七天"],
	no_service: ["No port rule", "无端口规则", "此地址、协议和端口没有端口规则，或此地址不属于任何实例"],
	no_origin: ["No origin", "无可用源站", "端口规则没有该 IP 版本的可用源站"],
	fragment_unknown: ["Unknown fragment", "未知分片", "未见过首个分片的分片"],
	tcp_flags: ["TCP flags", "TCP 标志", "任何协议栈都不会发送的 TCP 标志"],
	cookie_invalid: ["ACK without connection", "无连接的 ACK", "不属于任何流且无有效 Cookie 的 TCP ACK"],
	reset_unknown: ["RST without connection", "无连接的 RST", "不属于任何流的 TCP RST"],
	fin_unknown: ["FIN without connection", "无连接的 FIN", "不属于任何流的 TCP FIN"],
	syn_ack_unknown: ["SYN-ACK nobody asked for", "无请求的 SYN-ACK", "发往受保护地址的 TCP SYN-ACK：无人请求"],
	origin_unreachable: ["Origin unreachable", "源站不可达", "尚无到下一跳的邻居或路由"],
	source_exhausted: ["No free source port", "源端口用尽", "到源站没有空闲的源端口"],
	flow_table_full: ["Flow table full", "流表已满", "流表无法再接受新条目"],
	source_unknown: ["Reply without flow", "无流的应答", "发往回源地址但不属于任何流的应答"],
	hop_limit: ["Hop limit", "跳数用尽", "TTL 或跳数限制已用尽"],
	too_big: ["Too big", "报文过大", "加上转发到源站所需的内容后过大；已告知发送方"],
};

const english = new Map(table.map(({ name, text }) => [name, text]));
const verdicts = new Map(table.map(({ name, verdict }) => [name, verdict]));

export const reasonName = (name: string) => reasonTexts[name]?.[currentLanguage() === "zh" ? 1 : 0] ?? name;
export const reasonText = (name: string) =>
	(currentLanguage() === "zh" ? reasonTexts[name]?.[2] : undefined) ?? english.get(name) ?? name;
/** Answered on the spot to see who the client is. */
export const isChallenge = (name: string) => name === "cookie_sent" || name === "challenge_sent";
export const isDrop = (name: string) => verdicts.get(name) === "drop";
