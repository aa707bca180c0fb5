// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const settingsTexts = section({
	saved: ["Saved: {title}", "已保存：{title}"], instance: ["Instance", "实例"],
	off: ["Off", "关闭"], watch: ["Watch", "观察"], block: ["Block", "拦截"],
	noInstance: ["There is no instance yet.", "还没有实例。"], toInstances: ["To the instances", "前往实例"],
});
