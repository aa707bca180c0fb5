// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const eventTexts = section({
	hint: ["What happened to instances, newest first. New events appear by themselves.", "实例发生的事件，最新在前；新事件自动出现。"], all: ["All instances", "全部实例"], kinds: ["Show", "显示"], allKinds: ["All events", "全部事件"], attacks: ["Attacks and limits", "攻击与限制"], life: ["Life cycle", "生命周期"],
	none: ["Nothing has happened yet.", "还没有事件。"], noneText: ["Attacks, limits, expiry and renewals will be listed here as they happen.", "攻击、限制、到期与续费将在发生时列出。"], following: ["following", "实时跟随"], today: ["Today", "今天"], toLive: ["Live", "实时"], toInstance: ["Instance", "实例"], toMitigation: ["Mitigation", "防护"],
	droppedTitle: ["Dropped at this instance, by reason", "此实例的丢弃原因"], droppedHint: ["In all, and now.", "累计与当前。"], reason: ["Reason", "原因"], total: ["Packets in all", "累计数据包"], now: ["Now", "当前"], nothingDropped: ["Nothing was dropped.", "没有丢弃。"], more: ["What was dropped", "丢弃详情"], less: ["Less", "收起"], newOnes: ["new", "新"],
	"k.blackhole": ["Blackhole", "进入黑洞"], "k.blackhole_ended": ["Blackhole ended", "黑洞解除"], "k.clean_bandwidth_exceeded": ["Over the clean bandwidth", "超过业务带宽"], "k.diversion_ended": ["Traffic from abroad is taken again", "恢复境外流量"], "k.limit_reached": ["A port rule's limit was reached", "达到端口规则限制"], "k.sources_blocked": ["Sources were blocked", "源被自动封禁"],
	"k.certificate_issued": ["A certificate came", "证书已签发"], "k.certificate_failed": ["No certificate came", "证书申请失败"], "d.nextTime": ["next try", "下次尝试"],
	"k.attack_began": ["Attack began", "攻击开始"], "k.attack_ended": ["Attack ended", "攻击结束"], "k.attack": ["Attack", "攻击"],
	"k.expired": ["Expired", "已到期"], "k.stopped": ["Forwarding stopped", "停止转发"], "k.released": ["Released", "已释放"], "k.renewed": ["Renewed", "已续费"], "k.automatic_release_paused": ["Automatic release is paused", "自动释放已暂停"], "k.expiring": ["Expires soon", "即将到期"],
	"d.mbps": ["Mbit/s", "Mbit/s"], "d.planMbps": ["plan (Mbit/s)", "套餐（Mbit/s）"], "d.until": ["until", "截止"], "d.from": ["since", "起始"], "d.blackholeUntil": ["was to last until", "原定截止"], "d.ended": ["ended by", "结束方式"], "d.sources": ["sources", "源数量"], "d.expireTime": ["expiry", "到期时间"], "d.reason": ["reason", "原因"], "d.domain": ["web site", "网站"], "d.peakPps": ["peak (pps)", "峰值（pps）"], "d.peakBps": ["peak (bit/s)", "峰值（bit/s）"], "d.reasons": ["reasons", "原因"], "d.pps": ["pps", "pps"], "d.attack": ["attack", "攻击"], "d.type": ["kind", "类别"], "d.secondsToMitigate": ["seconds to mitigate", "缓解秒数"], "d.begin": ["began", "开始"], "d.end": ["ended", "结束"],
});
