// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const settingsTexts = section({
	saved: ["Saved: {title}", "已保存：{title}"], instance: ["Instance", "实例"],
	off: ["Off", "关闭"], watch: ["Watch", "观察"], block: ["Block", "拦截"],
	noInstance: ["There is no instance yet.", "还没有实例。"], toInstances: ["To the instances", "前往实例"],
	typeToFind: ["Type to find another.", "输入以查找其他项。"], findInstance: ["{n} in all: type an address, an id, or a part of a remark.", "共 {n} 个：输入地址、ID 或备注的一部分。"], finding: ["Looking…", "查找中…"],
	foundNone: ["Nothing is called so.", "没有匹配项。"], chosenNone: ["None chosen.", "未选择。"], notThis: ["Remove {name}", "移除 {name}"], another: ["Find and add", "查找并添加"], findSite: ["{n} in all: type a part of the domain.", "共 {n} 个：输入域名的一部分。"],
	noInstanceText: ["An instance is a protected address. Create one first; then this page is about it.", "实例即一个受防护的地址。请先创建实例，再来配置此页。"], noInstanceAsk: ["An instance is a protected address. Ask for one whoever may create them in this account.", "实例即一个受防护的地址。请联系本账户中有权创建实例的人员。"], createInstance: ["Create instance", "创建实例"],
});
