// SPDX-License-Identifier: BSD-2-Clause
// Names of the checks of requests (shared/checks.def), and what each says in Chinese. One that is not here yet is shown
// by the name and text that the control tells.
import { currentLanguage } from "./index";

const checkTexts: Readonly<Record<string, readonly [en: string, zh: string, text: string]>> = {
	connections: ["Connections", "连接数", "源到实例网站的连接过多"], handshakes: ["TLS handshakes", "TLS 握手", "源每秒请求的 TLS 握手过多"],
	server_name: ["Unknown TLS name", "未知 TLS 名称", "TLS 握手的名称不在此服务，或没有名称"], slow_header: ["Slow header", "慢速请求头", "请求头耗时过长"],
	http2_reset: ["HTTP/2 resets", "HTTP/2 重置", "HTTP/2 流刚打开即被重置"], http2_flood: ["HTTP/2 control frames", "HTTP/2 控制帧", "无用的 HTTP/2 控制帧：CONTINUATION、PING、SETTINGS"],
	malformed: ["Malformed", "畸形请求", "不是 HTTP 的请求，或可被两种方式解读的请求"], unknown_host: ["Unknown host", "未知主机", "此地址与端口没有该名称的网站"],
	black_list: ["Black-list", "黑名单", "源在网站黑名单中"], region: ["Area", "地域", "源在网站拒绝的国家"], precise: ["Precise rules", "精准规则", "请求命中网站的精准访问规则"],
	global: ["Shipped rules", "内置规则", "请求命中内置规则"], frequency: ["Frequency rules", "频率规则", "源超过网站的频率规则"], pace: ["Frequency mode", "频率模式", "源超过网站频率模式所允许的速率"],
	smart: ["AI rules", "智能规则", "请求命中自动生成的规则"], quota: ["Plan: requests", "套餐：请求数", "超过实例套餐的每秒请求数"], challenge: ["Challenge", "挑战", "源未通过挑战"],
	slow_body: ["Slow body", "慢速请求体", "请求体到达过慢"], slow_read: ["Slow reader", "慢速读取", "读取响应过慢"],
	loop: ["Loop", "循环", "请求一再由本部署自身发来"],
	capacity: ["Node capacity", "节点容量", "节点没有空间存放规则需等待的请求体，或没有余量供该网站更多连接"],
};
export const checkName = (name: string) => checkTexts[name]?.[currentLanguage() === "zh" ? 1 : 0] ?? name;
export const checkText = (name: string, english: string) => (currentLanguage() === "zh" ? checkTexts[name]?.[2] : undefined) ?? english;
