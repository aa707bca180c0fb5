// SPDX-License-Identifier: BSD-2-Clause
// Texts that components and several pages use.
import { section } from "./index";

export const common = section({
	save: ["Save", "保存"], cancel: ["Cancel", "取消"], close: ["Close", "关闭"], closeDialog: ["Close the dialog", "关闭对话框"], unsaved: ["Changed, not saved", "有未保存的更改"], add: ["Add", "添加"],
	remove: ["Remove", "移除"], edit: ["Edit", "编辑"], create: ["Create", "创建"], delete: ["Delete", "删除"],
	confirm: ["Confirm", "确认"], refresh: ["Refresh", "刷新"], retry: ["Try again", "重试"], search: ["Search", "搜索"],
	copy: ["Copy", "复制"], copied: ["Copied", "已复制"], copyOf: ["Copy {what}", "复制 {what}"], loading: ["Loading…", "加载中…"],
	yes: ["Yes", "是"], no: ["No", "否"], on: ["On", "开"], off: ["Off", "关"], none: ["None", "无"], all: ["All", "全部"],
	optional: ["optional", "选填"], required: ["This is needed.", "此项必填。"], unlimited: ["unlimited", "不限"],
	previous: ["Previous", "上一页"], next: ["Next", "下一页"], pageOf: ["Page {page} of {pages}", "第 {page} / {pages} 页"],
	entries: ["{n} in all", "共 {n} 条"], actions: ["Actions", "操作"], more: ["More", "更多"], details: ["Details", "详情"],
	failed: ["{action} failed", "{action} 失败"], requestId: ["Request", "请求 ID"], whatItMeans: ["What it means and what to do", "含义与处理方法"],
	network: ["The server cannot be reached. Is the control running?", "无法连接服务器。控制程序是否在运行？"],
	retryAfter: ["Try again in {time}.", "请在 {time}后重试。"], dismiss: ["Dismiss", "关闭提示"], sortBy: ["Sort by {column}", "按 {column} 排序"],
	typeName: ["Type {name} to confirm", "请输入 {name} 以确认"],
	packetsMinute: ["Packets of the last 60 seconds", "最近 60 秒的数据包"],
	packetsNone: ["No packet arrived in the last 60 seconds.", "最近 60 秒没有收到数据包。"],
	packetsSome: ["Traffic still arrives: {rate} packets a second, the last {ago} ago.", "仍有流量到达：每秒 {rate} 个数据包，最近一个在 {ago} 前。"],
	packetsSince: ["{n} packets arrived since this dialog opened.", "打开此对话框后收到 {n} 个数据包。"],
	packetsUnknown: ["No node has reported about this instance yet.", "尚无节点上报此实例的数据。"],
	used: ["{used} of {limit}", "{used} / {limit}"], ago: ["{time} ago", "{time}前"], inTime: ["in {time}", "{time}后"],
	days: ["{n} d", "{n} 天"], hours: ["{n} h", "{n} 小时"], minutes: ["{n} min", "{n} 分"], seconds: ["{n} s", "{n} 秒"],
	lifeTime: ["life-cycle clock", "生命周期时钟"], machineTime: ["machine's clock", "机器时钟"],
	pageFailed: ["This page could not be shown.", "无法显示此页面。"], reload: ["Load again", "重新加载"],
});
