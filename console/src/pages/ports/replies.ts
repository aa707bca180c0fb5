// SPDX-License-Identifier: BSD-2-Clause
// What the actions of port rules reply, as these pages read it.
export interface RuleForwarding { Protocol: "tcp" | "udp"; FrontendPort: number; SynMode: string; ClientAddress: string; PayloadForm: string; Challenge: "on" | "off" }
export interface HealthCheck { Type?: "tcp" | "http" | "udp"; Domain?: string; Uri?: string; Port?: number; Timeout?: number; Interval?: number; Up?: number; Down?: number }
export interface RuleConfig {
	PersistenceTimeout: number; Synproxy: string; NodataConn: "on" | "off"; PayloadLen: { Min: number; Max: number };
	Sla: { Cps: number; Maxconn: number; CpsEnable: number; MaxconnEnable: number };
	Slimit: { Cps: number; Maxconn: number; CpsEnable: number; MaxconnEnable: number; Pps: number; Bps: number; CpsMode: number };
	Cc: { Sblack: { Type: number; Cnt: number; During: number; Expires: number }[] };
}
declare module "../../api/replies" {
	interface Replies {
		DescribeRuleForwarding: { TotalCount: number; NetworkRules: RuleForwarding[] };
		DescribeNetworkRuleAttributes: { NetworkRuleAttributes: { Config: RuleConfig }[] };
		DescribeHealthCheckList: { HealthCheckList: { InstanceId: string; Protocol: string; FrontendPort: number; HealthCheck: HealthCheck }[] };
		DescribeLayer4RulePolicy: { BakMode: string; CurrentIndex: number; PriRealServers: { RealServer: string }[]; SecRealServers: { RealServer: string }[] };
	}
}
/** How a port rule is named: in paths tcp-80, in parameters as JSON. */
export interface RuleKey { InstanceId: string; Protocol: "tcp" | "udp"; FrontendPort: number }
export function ruleKey(instanceId: string, text: string): RuleKey | undefined {
	const found = /^(tcp|udp)-(\d+)$/.exec(text);
	return found ? { InstanceId: instanceId, Protocol: found[1] as "tcp" | "udp", FrontendPort: Number(found[2]) } : undefined;
}
export const keyText = (rule: { Protocol: string; FrontendPort: number }) => `${rule.Protocol}-${rule.FrontendPort}`;
export const portText = (rule: { Protocol: string; FrontendPort: number }) => `${rule.FrontendPort}/${rule.Protocol}`;
