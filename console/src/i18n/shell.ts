// SPDX-License-Identifier: BSD-2-Clause
// Texts of the frame: navigation, log-in, bar at the top.
import { section } from "./index";

export const shell = section({
	product: ["Polder", "Polder"], tagline: ["Land that stays dry below the water line.", "水线之下，安然无恙。"],
	watch: ["Watch", "监控"], protect: ["Protect", "防护"], examine: ["Examine", "排查"], manage: ["Manage", "管理"],
	overview: ["Overview", "总览"], instances: ["Instances", "实例"], audit: ["Audit log", "审计日志"],
	settings: ["Settings", "设置"], errors: ["Error centre", "错误中心"],
	menu: ["Menu", "菜单"], navigation: ["Pages", "页面"], skip: ["To the page's content", "跳到页面内容"],
	theme: ["Theme", "主题"], light: ["Light", "浅色"], dark: ["Dark", "深色"], system: ["As the system", "跟随系统"],
	language: ["Language", "语言"], account: ["Account", "账户"], logOut: ["Log out", "退出登录"],
	accountNumber: ["Account {n}", "账户 {n}"], limitedTo: ["Limited to {n} instances", "仅限 {n} 个实例"],
	lastUntil: ["Ends at the latest {time}", "最迟于 {time} 结束"],
	"role.read-only": ["read-only", "只读"], "role.full": ["full", "完全"], "role.operator": ["operator", "操作员"],
	notFound: ["There is no such page.", "没有此页面。"], toOverview: ["To the overview", "前往总览"],
	notAllowed: ["Your key may not see this page.", "您的密钥无权查看此页面。"],
	clockMoved: ["The life-cycle clock is moved by {time}: {now}", "生命周期时钟已偏移 {time}：{now}"],
	ahead: ["+{time}", "+{time}"], behind: ["−{time}", "−{time}"],
	loginTitle: ["Log in", "登录"], byPassword: ["User", "用户"], byKey: ["Access key", "访问密钥"],
	user: ["User name", "用户名"], password: ["Password", "密码"], keyId: ["AccessKey ID", "AccessKey ID"],
	keySecret: ["AccessKey secret", "AccessKey Secret"], doLogin: ["Log in", "登录"],
	keyHint: ["The secret signs one request for a session key and is then forgotten. Nothing is stored.",
		"密钥仅用于签名一次会话密钥请求，随后即被清除，不作任何存储。"],
	labHint: ["A lab's credentials are shown by", "实验环境的凭据可用以下命令查看："],
	idle: ["You were logged out after 15 minutes without activity.", "15 分钟无操作，已自动退出登录。"],
	ended: ["The session has ended. Please log in again.", "会话已结束，请重新登录。"],
	insecure: ["This page was not loaded over HTTPS, so the browser gives it no cryptography and it cannot sign calls. Serve it over TLS, or open it at http://127.0.0.1.",
		"此页面未通过 HTTPS 加载，浏览器不提供加密功能，无法对调用签名。请通过 TLS 提供服务，或在 http://127.0.0.1 打开。"],
	stepUp: ["Confirm that it is you", "确认您的身份"],
	stepUpHint: ["Users, keys and accounts are changed only with a password or access key that was typed in just now. It signs this act and is forgotten.",
		"更改用户、密钥和账户需要重新输入密码或访问密钥；它仅用于签名本次操作，随后即被清除。"],
});
