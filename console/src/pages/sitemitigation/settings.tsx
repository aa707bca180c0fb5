// SPDX-License-Identifier: BSD-2-Clause
// Lists, areas, frequency mode, AI and caching of a site.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, Button, DangerDialog, ErrorNotice, Field, SelectField, Switch, Table, Time } from "../../components";
import { ChoiceCards, Segments } from "../../components/choices";
import { AREAS, CountryChoice } from "../../components/countries";
import { linesOf, SettingsCard } from "../../components/settings";
import { countries } from "../../gen/tables";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { siteTexts } from "../../i18n/sitemitigation";
import { count } from "../../time";
import { conditionText } from "./conditions";

const areaCodes = [...countries.map(({ code }) => code).filter((code) => !(Object.values(AREAS) as string[]).includes(code)), ...Object.keys(AREAS)];
const CACHE_RULES_MAX = 3;
const SMART_MS = 3000;
const KEPT = [[0, "k0"], [3600, "k1"], [86400, "k2"], [864000, "k3"], [2592000, "k4"]] as const;

export function Sources({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const sites = useCall("DescribeWebRules", { Domain: domain, QueryDomainPattern: "exact", PageNumber: 1, PageSize: 1 });
	const switches = useCall("DescribeWebCcProtectSwitch", { Domains: [domain] });
	const site = sites.data?.WebRules[0] as { BlackList: string[]; WhiteList: string[] } | undefined;
	const now = switches.data?.ProtectSwitchList[0];
	if (!site || !now)
		return <ErrorNotice error={sites.error ?? switches.error} />;
	return <SettingsCard title={t("listsTitle")} hint={t("listsHint")} readOnly={readOnly} value={{ black: site.BlackList.join("\n"), white: site.WhiteList.join("\n"), on: now.BlackWhiteListEnable === 1 }}
		save={async (draft, before) => {
			if (draft.black !== before.black || draft.white !== before.white)
				await call("ConfigWebIpSet", { Domain: domain, BlackList: linesOf(draft.black), WhiteList: linesOf(draft.white) });
			if (draft.on !== before.on)
				await call("ModifyWebIpSetSwitch", { Domain: domain, Config: JSON.stringify({ BwlistEnable: Number(draft.on) }) });
		}}>
		{(draft, set) => <><Switch label={t("listsOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<div className="fields"><Field label={t("blackList")} rows={6} value={draft.black} onChange={(black) => set({ black })} /><Field label={t("whiteList")} rows={6} value={draft.white} onChange={(white) => set({ white })} /></div></>}
	</SettingsCard>;
}

export function Areas({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const reply = useCall("DescribeWebAreaBlockConfigs", { Domains: [domain] });
	const switches = useCall("DescribeWebCcProtectSwitch", { Domains: [domain] });
	const list = reply.data?.AreaBlockConfigs[0]?.RegionList;
	const now = switches.data?.ProtectSwitchList[0];
	if (!list || !now)
		return <ErrorNotice error={reply.error ?? switches.error} />;
	return <SettingsCard title={t("areaTitle")} hint={t("areaHint")} readOnly={readOnly} value={{ codes: list.map(({ Region }) => Region), on: now.RegionBlockEnable === 1 }}
		save={async (draft, before) => {
			if (JSON.stringify(draft.codes) !== JSON.stringify(before.codes))
				await call("ModifyWebAreaBlock", { Domain: domain, Regions: draft.codes });
			await call("ModifyWebAreaBlockSwitch", { Domain: domain, Config: JSON.stringify({ RegionblockEnable: Number(draft.on) }) });
		}}>
		{(draft, set) => <><Switch label={t("areaOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<CountryChoice label={t("areaTitle")} codes={areaCodes} value={draft.codes} onChange={(codes) => set({ codes, on: codes.length > 0 })} isDisabled={readOnly} /></>}
	</SettingsCard>;
}

export function Pace({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const [asking, setAsking] = useState<string>();
	const reply = useCall("DescribeWebCcProtectSwitch", { Domains: [domain] });
	const relations = useCall("DescribeWebInstanceRelations", { Domains: [domain] });
	const ids = relations.data?.WebInstanceRelations as { InstanceDetails: { InstanceId: string }[] }[] | undefined;
	const instanceId = ids?.[0]?.InstanceDetails[0]?.InstanceId;
	const now = reply.data?.ProtectSwitchList[0];
	const all = useAct((on: boolean) => call("ModifyWebCCGlobalSwitch", { Domain: domain, CcGlobalSwitch: on ? "open" : "close" }));
	const control = useAct((on: boolean) => call(on ? "EnableWebCC" : "DisableWebCC", { Domain: domain }));
	const rules = useAct((on: boolean) => call(on ? "EnableWebCCRule" : "DisableWebCCRule", { Domain: domain }));
	const template = useAct((mode: string) => call("ConfigWebCCTemplate", { Domain: domain, Template: mode as "default" }));
	const modes = ["default", "gf_under_attack", "gf_sos_verify", "gf_sos_enhance"] as const;
	return <section className="card" aria-label={t("ccTitle")}><h2>{t("ccTitle")}</h2><p className="quiet-text">{t("ccHint")}</p>
		{now && <><Switch label={t("ccAll")} value={now.CcGlobalSwitch === "open"} onChange={(on) => void all.run(on)} isDisabled={readOnly || all.busy} />
			<div className="row"><Switch label={t("ccOn")} value={now.CcEnable === 1} onChange={(on) => void control.run(on)} isDisabled={readOnly || control.busy} />
				<Switch label={t("ccRules")} value={now.CcCustomRuleEnable === 1} onChange={(on) => void rules.run(on)} isDisabled={readOnly || rules.busy} /></div>
			<ChoiceCards label={t("mode")} value={now.CcTemplate} isDisabled={readOnly || template.busy} onChange={(mode) => mode.startsWith("gf_sos") ? setAsking(mode) : void template.run(mode)}
				choices={modes.map((id) => ({ id, label: t(`cc.${id}`), text: t(`cc.${id}.text`) }))} /></>}
		<ErrorNotice error={reply.error ?? all.error ?? control.error ?? rules.error ?? template.error} />
		<DangerDialog title={t("ccAsk")} open={!!asking} onClose={() => setAsking(undefined)} name={domain} {...(instanceId ? { instanceId } : {})} submit={t("ccAsk")}
			act={() => call("ConfigWebCCTemplate", { Domain: domain, Template: asking as "default" })}><p>{t("ccAskText")}</p></DangerDialog>
	</section>;
}

/** What these rules go by: nothing is made before the usual rate is known, and none below the threshold. */
function SmartFigures({ domain }: { domain: string }) {
	const t = useTexts(siteTexts);
	const { data, error } = useCall("DescribeSmartProtection", { Domain: domain }, { every: SMART_MS });
	if (!data)
		return <ErrorNotice error={error} />;
	const learned = data.Usual > 0;
	const figure = (name: string, value: string, note?: string) => <div><div className="figure-name">{name}</div><div className="figure-value">{value}</div>{note && <div className="figure-note">{note}</div>}</div>;
	const rate = (n: number) => t("aiPerSecond", { n: count(n) });
	return <section className="card" aria-label={t("aiFigures")}>
		<div className="card-head"><h2>{t("aiFigures")}</h2><Badge tone={data.Attack ? "bad" : learned ? "good" : "info"}>{t(data.Attack ? "aiAttack" : learned ? "aiCalm" : "aiLearning")}</Badge></div>
		<div className="figures">
			{figure(t("aiUsual"), learned ? rate(data.Usual) : "–", t("aiUsualNote"))}
			{figure(t("aiThreshold"), learned ? rate(data.Threshold) : "–", t("aiThresholdNote"))}
			{figure(t("aiRate"), rate(data.Rate), t("aiRateNote"))}
			{figure(t("aiMade"), count(data.RuleCount))}
		</div>
		<p className="quiet-text">{learned ? <>{t("aiLearnedFrom")} <Time at={data.LearnedTime} /></> : t("aiLearningText")}</p>
		<ErrorNotice error={error} />
	</section>;
}

export function Smart({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const reply = useCall("DescribeWebCcProtectSwitch", { Domains: [domain] });
	const made = useCall("DescribeWebCCRulesV2", { Domain: domain, Offset: 0, PageSize: 20, Owner: "clover" }, { every: 5000 });
	const now = reply.data?.ProtectSwitchList[0];
	if (!now)
		return <ErrorNotice error={reply.error} />;
	return <><SettingsCard title={t("aiTitle")} hint={t("aiHint")} readOnly={readOnly} value={{ on: now.AiRuleEnable === 1, level: now.AiTemplate, mode: now.AiMode }}
		save={async (draft, before) => {
			if (draft.on !== before.on)
				await call("ModifyWebAIProtectSwitch", { Domain: domain, Config: JSON.stringify({ AiRuleEnable: Number(draft.on) }) });
			if (draft.level !== before.level || draft.mode !== before.mode)
				await call("ModifyWebAIProtectMode", { Domain: domain, Config: JSON.stringify({ AiTemplate: draft.level, AiMode: draft.mode }) });
		}}>
		{(draft, set) => <><Switch label={t("aiOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<ChoiceCards label={t("mode")} value={draft.mode} onChange={(mode) => set({ mode })} isDisabled={readOnly || !draft.on} choices={(["watch", "defense"] as const).map((id) => ({ id, label: t(`ai.${id}`), text: t(`ai.${id}.text`) }))} />
			<div className="row"><span className="label">{t("readiness")}</span><Segments label={t("readiness")} value={draft.level} onChange={(level) => set({ level })} isDisabled={readOnly || !draft.on} choices={(["level30", "level60", "level90"] as const).map((id) => ({ id, label: t(`ai.${id}`) }))} /></div></>}
	</SettingsCard>
		{now.AiRuleEnable === 1 && <SmartFigures domain={domain} />}
		{(made.data?.WebCCRules.length ?? 0) > 0 && <section className="card" aria-label={t("aiRules")}><h2>{t("aiRules")}</h2><Table label={t("aiRules")} rows={made.data!.WebCCRules} rowKey={(row) => row.Name} columns={[
			{ id: "name", head: t("name"), main: true, cell: (row) => row.Name }, { id: "if", head: t("conditions"), cell: (row) => conditionText(row.RuleDetail.Condition) }]} /></section>}</>;
}

export function Caching({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const tc = useTexts(common);
	const reply = useCall("DescribeWebCacheConfigs", { Domains: [domain] });
	const now = reply.data?.DomainCacheConfigs[0];
	if (!now)
		return <ErrorNotice error={reply.error} />;
	const modes = ["standard", "aggressive", "bypass"] as const;
	return <SettingsCard title={t("cacheTitle")} readOnly={readOnly} value={{ on: now.Enable === 1, mode: now.Mode, rules: now.CustomRules.map(({ Name, Uri, Mode, CacheTtl }) => ({ Name, Uri, Mode, CacheTtl })) }}
		ready={({ rules }) => rules.every(({ Name, Uri }) => Name && Uri.startsWith("/"))}
		save={async (draft, before) => {
			if (draft.on !== before.on)
				await call("ModifyWebCacheSwitch", { Domain: domain, Enable: Number(draft.on) });
			if (draft.mode !== before.mode)
				await call("ModifyWebCacheMode", { Domain: domain, Mode: draft.mode as "standard" });
			const gone = before.rules.filter(({ Name }) => !draft.rules.some((rule) => rule.Name === Name)).map(({ Name }) => Name);
			if (gone.length > 0)
				await call("DeleteWebCacheCustomRule", { Domain: domain, RuleNames: gone });
			if (draft.rules.length > 0 && JSON.stringify(draft.rules) !== JSON.stringify(before.rules))
				await call("ModifyWebCacheCustomRule", { Domain: domain, Rules: JSON.stringify(draft.rules) });
		}}>
		{(draft, set) => {
			const change = (at: number, part: Partial<typeof draft.rules[number]>) => set({ rules: draft.rules.map((rule, i) => i === at ? { ...rule, ...part } : rule) });
			return <><Switch label={t("cacheOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
				<ChoiceCards label={t("mode")} value={draft.mode} onChange={(mode) => set({ mode })} isDisabled={readOnly} choices={modes.map((id) => ({ id, label: t(`k.${id}`), text: t(`k.${id}.text`) }))} />
				<h3>{t("cacheRules")}</h3>
				{draft.rules.map((rule, i) => <div key={i} className="condition">
					<Field label={t("name")} value={rule.Name} onChange={(Name) => change(i, { Name })} required /><Field label={t("path")} value={rule.Uri} onChange={(Uri) => change(i, { Uri })} required />
					<SelectField label={t("mode")} value={rule.Mode} onChange={(Mode) => change(i, { Mode })} choices={modes.map((id) => ({ id, label: t(`k.${id}`) }))} />
					<SelectField label={t("keep")} value={String(rule.CacheTtl)} onChange={(text) => change(i, { CacheTtl: Number(text) })} choices={KEPT.map(([seconds, name]) => ({ id: String(seconds), label: t(name) }))} />
					{!readOnly && <Button look="quiet" onPress={() => set({ rules: draft.rules.filter((_, at) => at !== i) })}>{tc("remove")}</Button>}</div>)}
				{!readOnly && draft.rules.length < CACHE_RULES_MAX && <div><Button onPress={() => set({ rules: [...draft.rules, { Name: `path${draft.rules.length + 1}`, Uri: "/", Mode: "standard", CacheTtl: 3600 }] })}>{t("addRule")}</Button></div>}</>;
		}}
	</SettingsCard>;
}
