// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const sceneTexts = section({
	hint: ["Policies for a time: a promotion, a drill. When they end, what was before is in force again.", "限时策略：大促、演练等。结束后自动恢复原有设置。"], add: ["New policy", "新建策略"], edit: ["Policy {name}", "策略 {name}"], none: ["There is no policy.", "没有策略。"], noneText: ["A policy relaxes the protection of web sites between two times, and puts it back by itself.", "策略在两个时间点之间放宽网站防护，并自动恢复。"],
	name: ["Name", "名称"], template: ["What it does", "作用"], "t.promotion": ["Promotion", "大促"], "t.promotion.text": ["No frequency rules of your own and no AI rules: many visitors at once are wanted.", "停用自定义频率规则与智能规则：欢迎大量访客。"], "t.bypass": ["Bypass", "旁路"], "t.bypass.text": ["No check of requests at all.", "不做任何请求检查。"],
	from: ["From", "开始"], until: ["Until", "结束"], sites: ["Web sites", "网站"], status: ["Status", "状态"], "s.0": ["disabled", "已停用"], "s.1": ["waits", "等待中"], "s.2": ["in force", "生效中"], "s.3": ["over", "已结束"], enable: ["Enable", "启用"], disable: ["Disable", "停用"],
	noSites: ["There is no web site.", "没有网站。"], deleted: ["{name} is deleted; what was before is in force.", "{name} 已删除，原设置已恢复。"], saved: ["{name} is saved.", "{name} 已保存。"], danger: ["Enable {name}", "启用 {name}"], dangerText: ["While it is in force, no request to these sites is checked:", "生效期间，以下网站的请求不做任何检查："], order: ["The end must be after the begin.", "结束时间必须晚于开始时间。"], times: ["{from} to {until}", "{from} 至 {until}"],
	deleteTitle: ["Delete {name}", "删除 {name}"], deleteText: ["If it is in force, it ends now.", "若正在生效，将立即结束。"],
	zone: ["By the clock of {zone}.", "时区：{zone}。"],
});
