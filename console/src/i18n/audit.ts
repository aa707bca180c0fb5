// SPDX-License-Identifier: BSD-2-Clause
// Texts of the audit log and the error centre.
import { section } from "./index";

export const audit = section({
	title: ["Audit log", "审计日志"], hint: ["Every write, by whomever or by the engine itself, as a chain of hashes: a record cannot be changed or removed unseen.",
		"所有写操作（包括引擎自动操作）均以哈希链记录，任何篡改或删除都会被发现。"],
	verify: ["Verify the chain", "校验哈希链"], intact: ["Intact: {n} records, none changed or removed.", "完整：共 {n} 条记录，未被篡改或删除。"],
	broken: ["Broken at record {at}. {n} records were checked.", "记录 {at} 处已损坏，共校验 {n} 条。"],
	when: ["When", "时间"], who: ["By", "操作者"], action: ["Action", "操作"], object: ["Object", "对象"], number: ["No.", "序号"], all: ["All", "全部"],
	filterObject: ["Instance, key or user", "实例、密钥或用户"], filterAction: ["Action", "操作"], from: ["From", "起始"], until: ["Until", "截止"],
	none: ["No record matches.", "没有匹配的记录。"], record: ["Record {n}", "记录 {n}"], parameters: ["Parameters", "参数"], before: ["Before", "变更前"], after: ["After", "变更后"],
	engine: ["the engine", "引擎"], call: ["Request", "请求 ID"], noDetail: ["The record has no detail that this key may see.", "此记录没有可供查看的详情。"], account: ["Account", "账户"],
	field: ["Field", "字段"], changed: ["What changed", "变更内容"], hour: ["Last hour", "最近 1 小时"], day: ["Last day", "最近 1 天"], week: ["Last week", "最近 7 天"], anyTime: ["Any time", "全部时间"],
	period: ["Period", "时间范围"],
});

export const errors = section({
	title: ["Error centre", "错误中心"], hint: ["Every error code of the API: what it means, why one sees it, and what to do.", "API 的全部错误码：含义、原因与处理方法。"],
	search: ["Code or words", "错误码或关键词"], status: ["HTTP status", "HTTP 状态"], message: ["Message", "消息"], cause: ["Why", "原因"], remedy: ["What to do", "处理方法"],
	example: ["Example", "示例"], actions: ["Actions that give it", "可能返回此错误的操作"], everywhere: ["Any action can give it.", "任何操作都可能返回此错误。"], code: ["Code", "错误码"],
	notFound: ["The catalogue has no code {code}.", "目录中没有错误码 {code}。"], all: ["All error codes", "全部错误码"], none: ["No code matches.", "没有匹配的错误码。"],
});
