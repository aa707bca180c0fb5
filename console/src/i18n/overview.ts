// SPDX-License-Identifier: BSD-2-Clause
// Texts of the overview.
import { section } from "./index";

export const overview = section({
	quiet: ["No attack now", "当前无攻击"], attack: ["{n} under attack now", "{n} 个实例正在遭受攻击"],
	flood: ["A flood is being answered", "正在应答洪水攻击"], answered: ["{rate} get a cookie or a challenge instead of a place at your servers.", "{rate} 以 Cookie 或挑战应答，未到达您的服务器。"],
	quietHint: ["An instance counts as attacked while at least {pps} packets a second, and half of what arrives, are refused.",
		"每秒丢弃数据包不少于 {pps} 且不少于到达量一半的实例视为受攻击。"],
	arrives: ["Arrives", "到达"], refused: ["Refused", "丢弃"], sent: ["Sent to clients", "发往客户端"], peak: ["peak {rate}", "峰值 {rate}"], peakOf: ["Highest since this page is open", "页面打开以来的最高值"],
	byState: ["Instances", "实例"], protectedNow: ["Protected", "防护中"], expired: ["Expired, unprotected", "已到期，无防护"], stopped: ["Stopped, no traffic", "已停止转发"],
	soon: ["Expire within 30 days", "30 天内到期"], soonNone: ["Nothing expires within 30 days.", "30 天内没有实例到期。"], more: ["{n} more", "另有 {n} 个"],
	origins: ["Origins", "源站"], originsGood: ["All {n} origins that are probed answer.", "已探测的 {n} 个源站全部正常。"], originsNone: ["No port rule has a health check yet. With one, a dead origin gets no new connections.",
		"尚无端口规则启用健康检查。启用后，异常源站不再接收新连接。"], originsBad: ["{n} of {all} origins that are probed do not answer", "已探测的 {all} 个源站中有 {n} 个无响应"],
	originOf: ["{instance}, port {port}", "{instance}，端口 {port}"], noRules: ["No port rules yet.", "暂无端口规则。"],
	originsLimit: ["Of the {n} newest instances.", "仅统计最新的 {n} 个实例。"],
	busiest: ["Where traffic arrives", "流量去向"], busiestNone: ["No traffic at the moment.", "当前没有流量。"], instance: ["Instance", "实例"],
	nodes: ["Nodes", "节点"], node: ["Node", "节点"], nodeState: ["State", "状态"], upToDate: ["up to date", "已同步"], behind: ["behind", "未同步"], silent: ["silent", "失联"],
	seen: ["Last heard of", "最近上报"], addresses: ["Addresses", "地址数"], services: ["Services", "服务数"], memory: ["Memory of tables", "表内存"], xdp: ["XDP", "XDP"],
	noNodes: ["No node has reported yet. Start polder-agent on one: without it nothing is protected.", "尚无节点上报。请启动 polder-agent，否则不会生效。"],
	first: ["Protect your first server", "防护您的第一台服务器"], firstHint: ["Create an instance: it gives you a protected address. Then forward its ports to your server.",
		"创建实例以获得防护地址，然后将其端口转发到您的服务器。"], create: ["Create instance", "创建实例"],
});
