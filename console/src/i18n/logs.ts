// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const logTexts = section({
	hint: ["Requests as nodes logged them, newest first. Nodes are asked when you search.", "节点记录的请求，最新在前；搜索时向节点查询。"], site: ["Web site", "网站"], noSite: ["There is no web site yet.", "还没有网站。"], toSites: ["To the web sites", "前往网站"], loggingOff: ["Requests of this site are not logged.", "此网站未开启访问日志。"], turnOn: ["Log them", "开启日志"], turnOff: ["Stop logging", "关闭日志"],
	period: ["Period", "时段"], p10: ["Last 10 minutes", "最近 10 分钟"], p60: ["Last hour", "最近 1 小时"], p1440: ["Last day", "最近 1 天"], source: ["Source", "源地址"], sourceHelp: ["Address or prefix", "地址或前缀"], status: ["Status", "状态码"], statusHelp: ["404, or 4xx", "404 或 4xx"], url: ["Path begins with", "路径前缀"], verdict: ["What became of it", "处理结果"], check: ["Check", "检查项"], any: ["any", "不限"], search: ["Search", "搜索"],
	"v.none": ["passed", "放行"], "v.watch": ["watched", "观察"], "v.close": ["refused", "拒绝"], "v.challenge": ["challenged", "挑战"], "v.redirect": ["redirected", "跳转"], "v.cache": ["from the cache", "缓存命中"], asking: ["Asking the nodes: {n} of {all} have answered", "正在查询节点：{all} 个中已有 {n} 个应答"], found: ["{n} requests.", "{n} 个请求。"], partial: ["A node stopped at its bound: older lines may be missing.", "某节点达到上限：可能缺少更早的记录。"], nothing: ["No request fits.", "没有符合条件的请求。"],
	time: ["Time", "时间"], client: ["Client", "客户端"], request: ["Request", "请求"], origin: ["Origin", "源站"], took: ["Took", "耗时"], all: ["All of the line", "完整记录"], ms: ["{n} ms", "{n} 毫秒"],
});
