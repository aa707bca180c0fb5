// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const live = section({
	hint: ["What arrives now, second by second, and how each packet ended.", "当前到达的流量，逐秒显示，以及每个数据包的结局。"],
	scope: ["Show", "显示"], all: ["All instances", "全部实例"], node: ["Node {name}", "节点 {name}"],
	wall: ["Side by side", "并排显示"], one: ["One plot", "单图"], views: ["View", "视图"],
	span: ["Period", "时段"], minutes: ["{n} minutes", "{n} 分钟"], pause: ["Pause", "暂停"], go: ["Continue", "继续"],
	packets: ["Packets a second", "每秒数据包"], bits: ["Bits a second", "每秒比特"],
	arriving: ["Arriving now", "当前到达"], passed: ["Passed", "已放行"], passedAnswered: ["Passed or answered", "已放行或已应答"],
	answeredText: ["SYNs and datagrams that the node answers itself, with a cookie or a challenge, are counted here, too: in a flood of them, the origin sees none. Overview tells how many.", "由节点自行应答（验证或挑战）的 SYN 与数据报也计入此处：洪水攻击时源站不会看到它们，数量见总览。"],
	challenged: ["Challenged", "已挑战"], droppedAll: ["Dropped", "已丢弃"],
	other: ["Other reasons", "其他原因"], watched: ["Would have dropped (only watching)", "本应丢弃（仅观察）"],
	peak: ["Peak of the period", "时段峰值"], ofAll: ["{n} % of what arrives", "占到达流量的 {n} %"],
	layer: ["What became of it", "处理结果"], now: ["Now", "当前"], then: ["At the cursor", "光标处"], mean: ["Mean", "平均"], max: ["Peak", "峰值"],
	hide: ["Show or hide {name} in the plots", "在图中显示或隐藏 {name}"], waiting: ["The first second is being measured…", "正在测量第一秒…"],
	quiet: ["Nothing arrives.", "没有流量到达。"], noInstance: ["There is no instance yet.", "还没有实例。"],
	legend: ["Layers of the plots, with their figures", "图层及其数值"], plotOf: ["{what} of {scope}: {now} now, peak {max}", "{scope} 的{what}：当前 {now}，峰值 {max}"],
	reasonLink: ["Why it is dropped, and how to change that", "丢弃原因与调整方法"], wallHint: ["Every instance in the same period. Scales differ: each plot's height is its own peak.", "所有实例使用相同时段。各图刻度不同：每个图的高度为其自身峰值。"],
	attacked: ["dropping", "正在丢弃"], calm: ["calm", "平静"], silent: ["silent", "无流量"], dropping: ["{rate} dropped", "丢弃 {rate}"],
	uplink: ["Fullest line, share of its speed", "最满线路的占用率"], uplinkIn: ["In", "入"], uplinkOut: ["Out", "出"],
	connections: ["Connections", "连接"], open: ["Open", "当前连接"], opened: ["New a second", "每秒新建"], requests: ["Requests a second", "每秒请求"], served: ["Passed to origins", "转发到源站"], cached: ["From the cache", "缓存命中"], challengedRequests: ["Challenged", "已挑战"], refused: ["Refused", "已拒绝"],
	edgeStatus: ["Status codes to clients", "返回客户端的状态码"], originStatus: ["Status codes of origins", "源站状态码"], latency: ["Mean time of a request", "请求平均耗时"], ms: ["In all", "总耗时"], originMs: ["At the origin", "源站耗时"], msUnit: ["{n} ms", "{n} 毫秒"],
	busiest: ["Busiest instances", "最繁忙的实例"], instance: ["Instance", "实例"], dropShare: ["Dropped", "丢弃"],
});
