// SPDX-License-Identifier: BSD-2-Clause
// What the actions of web sites' protection reply, as these pages read it; and which methods are for which field.
import { webFields } from "../../gen/tables";

export interface Check { Name: string; Text: string; Scope: "node" | "site"; Mode: "off" | "watch" | "block"; DefaultMode: "off" | "watch" | "block"; Chosen: boolean; Refused?: number; Watched?: number }
export interface Condition { Field: string; MatchMethod: string; HeaderName: string; Content: string; ContentList: string[] }
export interface PreciseRule { Name: string; Action: string; Owner: string; Expires: number; ExpirePeriod: number; ConditionList: Condition[] }
export interface FrequencyRule { Name: string; Owner: string; Expires: number; RuleDetail: { Action: string; Condition: Condition[]; RateLimit: { Interval: number; SubKey: string; Target: string; Threshold: number; Ttl: number };
	StatusCode: { Code: number; CountThreshold: number; Enabled: boolean; RatioThreshold: number; UseRatio: boolean }; Statistics: { Field: string; HeaderName: string; Mode: string } } }
export interface ShippedRule { RuleId: string; RuleName: string; Description: string; Action: string; ActionDefault: string; Enabled: number }

declare module "../../api/replies" {
	interface Replies {
		DescribeDomains: { Domains: string[] };
		DescribeWebChecks: { Checks: Check[]; Requests?: number; Challenged?: number; ChallengePassed?: number };
		DescribeWebCcProtectSwitch: { ProtectSwitchList: { CcGlobalSwitch: "open" | "close"; CcEnable: number; CcTemplate: string; CcCustomRuleEnable: number; AiRuleEnable: number; AiTemplate: string; AiMode: string;
			BlackWhiteListEnable: number; PreciseRuleEnable: number; RegionBlockEnable: number }[] };
		DescribeWebAreaBlockConfigs: { AreaBlockConfigs: { RegionList: { Region: string; Block: number }[] }[] };
		DescribeWebPreciseAccessRule: { PreciseAccessConfigList: { RuleList: PreciseRule[] }[] };
		DescribeWebCCRulesV2: { WebCCRules: FrequencyRule[] };
		DescribeL7GlobalRule: { GlobalRules: ShippedRule[] };
		DescribeDomainSecurityProfile: { Result: { GlobalEnable: boolean; GlobalMode: string }[] };
		DescribeSmartProtection: { Enabled: boolean; Usual: number; LearnedTime: number; Threshold: number; Rate: number; Attack: boolean; RuleCount: number };
		DescribeWebCacheConfigs: { DomainCacheConfigs: { Enable: number; Mode: string; CustomRules: { Name: string; Uri: string; Mode: string; CacheTtl: number }[] }[] };
	}
}

const EQUAL = ["equal", "nequal"], CONTENT = [...EQUAL, "contain", "ncontain", "prefix", "nprefix", "suffix", "nsuffix"];
const METHODS = { WITHIN: ["belong", "nbelong"], EQUAL, CONTENT, TEXT: [...CONTENT, "lless", "lequal", "lgreat"], NUMBER: ["vless", "vequal", "vgreat"], ABSENT: ["nexist", "exist"] } as const;
export const methodsOf = (field: string): string[] => (webFields.find(({ name }) => name === field)?.methods ?? ["TEXT" as const]).flatMap((group) => [...METHODS[group]]);
export const hasContent = (method: string) => method !== "nexist" && method !== "exist";
/** As the writing actions take conditions. */
export const conditionsOf = (list: readonly Condition[]) => list.map(({ Field, MatchMethod, HeaderName, Content, ContentList }) => ({ field: Field, match_method: MatchMethod,
	...(ContentList.length > 0 ? { content_list: ContentList } : hasContent(MatchMethod) ? { content: Content } : {}), ...(Field === "header" ? { header_name: HeaderName } : {}) }));
