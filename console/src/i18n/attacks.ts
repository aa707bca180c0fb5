// SPDX-License-Identifier: BSD-2-Clause
// Texts of attacks, as overview, live page and events show them.
import { section } from "./index";

export const attacks = section({
	title: ["Attacks", "攻击"], hint: ["When each began and ended, how large it was, what it was, and how soon it was refused.", "每次攻击的起止、规模、类型，以及多快被拦截。"],
	none: ["No attack was recorded.", "没有攻击记录。"], target: ["Attacked", "被攻击对象"], kind: ["Kind", "类别"], begin: ["Began", "开始"], end: ["Ended", "结束"],
	goesOn: ["goes on, for {time}", "仍在持续，已 {time}"], took: ["after {time}", "历时 {time}"], peak: ["Peak refused", "拦截峰值"], peakIn: ["of {rate} arriving", "到达峰值 {rate}"],
	types: ["Types", "类型"], shares: ["Refused by", "拦截原因"], share: ["{name} {n} %", "{name} {n} %"], total: ["Refused in all", "累计拦截"],
	mitigate: ["Time to mitigate", "缓解时间"], within: ["within a second", "1 秒内"], seconds: ["{n} s", "{n} 秒"],
	now: ["Attack now", "正在遭受攻击"], nowLine: ["{target}: {types}, {peak} at its peak, refused {mitigate}", "{target}：{types}，峰值 {peak}，{mitigate}拦截"],
	afterSeconds: ["after {n} s", "{n} 秒后"],
	who: ["Who attacked", "攻击来源"], whoMore: ["Show sources", "查看来源"], whoLess: ["Hide sources", "收起来源"],
	whoHint: ["The most frequent sources of refused packets, estimated from samples. IPv6 sources are networks of /64. Of forged sources none is named.", "根据被拦截数据包的抽样估算的主要来源。IPv6 来源按 /64 网段统计；伪造的来源不会列出。"],
	whoWebHint: ["The most frequent sources of requests that were refused or challenged. IPv6 sources are networks of /64.", "请求被拒绝或被挑战的主要来源。IPv6 来源按 /64 网段统计。"],
	whoNotYet: ["Not known yet: nodes tell after some seconds.", "尚无数据：节点会在数秒后上报。"], whoNobody: ["No source stands out.", "没有突出的来源。"],
	source: ["Source", "来源"], country: ["Country", "国家/地区"], provider: ["Provider", "运营商"], packetsOf: ["Packets", "数据包"], mostTo: ["Mostly to", "主要目标端口"],
	requestsOf: ["Requests", "请求数"],
	countries: ["Countries", "国家/地区"], providers: ["Providers", "运营商"], ports: ["Ports", "端口"], lengths: ["Lengths of packets", "数据包长度"], bytes: ["{n} bytes", "{n} 字节"], unknown: ["unknown", "未知"],
	"k.defense": ["Packets", "流量型"], "k.blackhole": ["Blackhole", "黑洞"], "k.cc": ["Connections", "连接型"], "k.web-cc": ["Requests", "Web 资源耗尽型"],
	"r.refused": ["Refused requests", "被拒绝的请求"], "r.challenged": ["Challenged requests", "被挑战的请求"], other: ["other", "其他"],
	pps: ["{n} connections a second", "每秒 {n} 个连接"], qps: ["{n} requests a second", "每秒 {n} 个请求"],
});
