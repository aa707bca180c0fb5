// SPDX-License-Identifier: BSD-2-Clause
// Texts of the settings.
import { section } from "./index";

export const settings = section({
	title: ["Settings", "设置"], you: ["You", "我"], keys: ["Access keys", "访问密钥"], users: ["Users", "用户"], nodes: ["Nodes", "节点"], accounts: ["Accounts", "账户"], instances: ["Instances", "实例"],
	signedInAs: ["Logged in as", "当前身份"], permission: ["Permission", "权限"], account: ["Account", "账户"], limited: ["Limited to", "限定实例"], allInstances: ["all instances of the account", "账户下全部实例"],
	sessionEnds: ["Session ends at the latest", "会话最迟结束于"], from: ["From address", "来源地址"], version: ["Version", "版本"], dnsZone: ["Zone of names", "域名区"], off: ["off", "未启用"],
	zone: ["Times are shown in", "时间显示时区"], machineClock: ["Machine's clock", "机器时钟"], lifeClock: ["Life-cycle clock", "生命周期时钟"], changePassword: ["Change password", "修改密码"],
	newPassword: ["New password", "新密码"], passwordHelp: ["12 to 128 characters. All sessions of the user end.", "12 至 128 个字符。该用户的所有会话都将结束。"], passwordChanged: ["The password is changed.", "密码已修改。"],
	id: ["Id", "ID"], status: ["Status", "状态"], active: ["active", "启用"], inactive: ["off", "停用"], created: ["Created", "创建时间"], remark: ["Remark", "备注"], expires: ["Expires", "到期时间"],
	createKey: ["Create access key", "创建访问密钥"], keyCreated: ["The new access key", "新的访问密钥"], keyOnce: ["The secret is shown this once. Copy it now.", "密钥仅显示这一次，请立即复制。"], secret: ["Secret", "Secret"],
	turnOff: ["Turn off", "停用"], turnOn: ["Turn on", "启用"], deleteKey: ["Delete access key {id}", "删除访问密钥 {id}"], deleteKeyText: ["Calls signed with it are refused from now on.", "使用它签名的调用将立即被拒绝。"],
	onlyInstances: ["Only these instances", "仅限这些实例"], onlyHelp: ["Ids, separated by commas; empty: all of the account.", "实例 ID，以逗号分隔；留空表示账户下全部实例。"], accountHelp: ["Number of the account; empty: your own.", "账户编号；留空表示您自己的账户。"],
	createUser: ["Create user", "创建用户"], userName: ["Name", "名称"], userNameHelp: ["1 to 32 of A-Z a-z 0-9 . _ @ -", "1 至 32 个字符：A-Z a-z 0-9 . _ @ -"], lastLogin: ["Last log-in", "最近登录"], never: ["never", "从未"], sessions: ["Sessions", "会话数"],
	setPassword: ["Set password", "设置密码"], deleteUser: ["Delete user {name}", "删除用户 {name}"], deleteUserText: ["Its sessions end at once.", "其会话将立即结束。"], done: ["Done.", "已完成。"],
	createAccount: ["Create account", "创建账户"], accountName: ["Name of the account", "账户名称"], accountCreated: ["Account {n} is there.", "账户 {n} 已创建。"],
	accountHint: ["An account is a tenant: its keys and users see its instances only.", "账户即租户：其密钥与用户只能看到自己的实例。"],
	showKeys: ["Show access keys", "显示访问密钥"], keysHidden: ["Access keys are shown only to somebody who has just proven who he is.", "访问密钥仅在重新验证身份后显示。"],
	temporary: ["session", "会话"], permanent: ["permanent", "永久"], kind: ["Kind", "类型"], showSessions: ["Show keys of sessions", "显示会话密钥"],
});
