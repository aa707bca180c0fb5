// SPDX-License-Identifier: BSD-2-Clause
// Rules of a site: precise, by frequency, and the shipped ones.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, Button, ErrorNotice, Field, FormDialog, Loading, SelectField, Switch, Table, toast, type Tone } from "../../components";
import { Segments } from "../../components/choices";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { siteTexts } from "../../i18n/sitemitigation";
import { dateTime } from "../../time";
import { Conditions, conditionText, emptyCondition } from "./conditions";
import { conditionsOf, type Condition, type FrequencyRule, type PreciseRule, type ShippedRule } from "./replies";

const TONES: Record<string, Tone> = { block: "bad", challenge: "info", watch: "warn", accept: "good" };
type ActionText = "a.watch" | "a.accept" | "a.block" | "a.challenge";

function ActionBadge({ action }: { action: string }) {
	const t = useTexts(siteTexts);
	return <Badge tone={TONES[action] ?? "neutral"}>{`a.${action}` in siteTexts ? t(`a.${action}` as ActionText) : action}</Badge>;
}

function useSwitch(domain: string) {
	const reply = useCall("DescribeWebCcProtectSwitch", { Domains: [domain] });
	return { now: reply.data?.ProtectSwitchList[0], error: reply.error };
}

interface PreciseDraft { name: string; action: string; conditions: Condition[]; expires: string; isNew: boolean }

export function Precise({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const tc = useTexts(common);
	const { now } = useSwitch(domain);
	const [draft, setDraft] = useState<PreciseDraft>();
	const reply = useCall("DescribeWebPreciseAccessRule", { Domains: [domain] });
	const rules = reply.data?.PreciseAccessConfigList[0]?.RuleList ?? [];
	const turn = useAct((on: boolean) => call("ModifyWebPreciseAccessSwitch", { Domain: domain, Config: JSON.stringify({ PreciseRuleEnable: Number(on) }) }));
	const remove = useAct(async (name: string) => {
		await call("DeleteWebPreciseAccessRule", { Domain: domain, RuleNames: [name] });
		toast.done(t("removed", { name }));
	});
	const edit = (rule: PreciseRule) => setDraft({ name: rule.Name, action: rule.Action, conditions: rule.ConditionList, expires: "0", isNew: false });
	const actions = (["block", "challenge", "watch", "accept"] as const).map((id) => ({ id, label: t(`a.${id}`) }));
	return <section className="card" aria-label={t("precise")}>
		<div className="card-head"><h2>{t("precise")}</h2>{!readOnly && <Button look="primary" onPress={() => setDraft({ name: "", action: "block", conditions: [emptyCondition], expires: "0", isNew: true })}>{t("addRule")}</Button>}</div>
		<p className="quiet-text">{t("preciseHint")}</p>
		{now && <Switch label={t("on")} value={now.PreciseRuleEnable === 1} onChange={(on) => void turn.run(on)} isDisabled={readOnly || turn.busy} />}
		<ErrorNotice error={reply.error ?? turn.error ?? remove.error} />
		<Table label={t("precise")} rows={rules} rowKey={(row) => row.Name} empty={reply.loading ? <Loading /> : !reply.error && <p className="quiet-text">{t("noRules")}</p>} columns={[
			{ id: "name", head: t("name"), main: true, cell: (row) => row.Name }, { id: "action", head: t("action"), cell: (row) => <ActionBadge action={row.Action} /> },
			{ id: "if", head: t("conditions"), cell: (row) => <span className="rule-text">{conditionText(row.ConditionList)}{row.ExpirePeriod > 0 && ` · ${t("until", { time: dateTime(row.ExpirePeriod * 1000) })}`}</span> },
			...(readOnly ? [] : [{ id: "act", head: tc("actions"), number: true, cell: (row: PreciseRule) => <span className="row-acts"><Button look="quiet" aria-label={`${tc("edit")}: ${row.Name}`} onPress={() => edit(row)}>{tc("edit")}</Button>
				<Button look="quiet" aria-label={`${tc("delete")}: ${row.Name}`} isDisabled={remove.busy} onPress={() => void remove.run(row.Name)}>{tc("delete")}</Button></span> }])]} />
		<FormDialog title={draft?.isNew ? t("addRule") : t("editRule", { name: draft?.name ?? "" })} open={!!draft} onClose={() => setDraft(undefined)} submit={tc("save")} ready={!!draft?.name.trim()}
			act={async () => {
				const { name, action, conditions, expires } = draft!;
				await call("ModifyWebPreciseAccessRule", { Domain: domain, Rules: JSON.stringify([{ name: name.trim(), action, condition: conditionsOf(conditions) }]), ...(action === "block" && Number(expires) > 0 ? { Expires: Number(expires) } : {}) });
				toast.done(t("savedRule", { name: name.trim() }));
			}}>
			{draft && <><Field label={t("name")} name="rulename" value={draft.name} onChange={(name) => setDraft({ ...draft, name })} required autoFocus isDisabled={!draft.isNew} />
				<Segments label={t("action")} value={draft.action} onChange={(action) => setDraft({ ...draft, action })} choices={actions} />
				<Conditions value={draft.conditions} least={1} onChange={(conditions) => setDraft({ ...draft, conditions })} />
				{draft.action === "block" && <Field label={t("expires")} value={draft.expires} onChange={(expires) => setDraft({ ...draft, expires })} inputMode="numeric" required />}</>}
		</FormDialog>
	</section>;
}

interface FrequencyDraft { name: string; action: string; conditions: Condition[]; interval: string; threshold: string; ttl: string; target: string; subkey: string; isNew: boolean; rule?: FrequencyRule }

export function Frequency({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const tc = useTexts(common);
	const [draft, setDraft] = useState<FrequencyDraft>();
	const reply = useCall("DescribeWebCCRulesV2", { Domain: domain, Offset: 0, PageSize: 20 });
	const remove = useAct(async (name: string) => {
		await call("DeleteWebCCRuleV2", { Domain: domain, RuleNames: JSON.stringify([name]) });
		toast.done(t("removed", { name }));
	});
	const edit = (rule: FrequencyRule) => {
		const { RateLimit, Action, Condition } = rule.RuleDetail;
		setDraft({ name: rule.Name, action: Action, conditions: Condition, interval: String(RateLimit.Interval), threshold: String(RateLimit.Threshold), ttl: String(RateLimit.Ttl), target: RateLimit.Target || "ip", subkey: RateLimit.SubKey, isNew: false, rule });
	};
	const set = (part: Partial<FrequencyDraft>) => setDraft({ ...draft!, ...part });
	return <section className="card" aria-label={t("frequency")}>
		<div className="card-head"><h2>{t("frequency")}</h2>{!readOnly && <Button look="primary" onPress={() => setDraft({ name: "", action: "challenge", conditions: [], interval: "10", threshold: "100", ttl: "60", target: "ip", subkey: "", isNew: true })}>{t("addRule")}</Button>}</div>
		<p className="quiet-text">{t("frequencyHint")}</p>
		<ErrorNotice error={reply.error ?? remove.error} />
		<Table label={t("frequency")} rows={reply.data?.WebCCRules ?? []} rowKey={(row) => row.Name} empty={reply.loading ? <Loading /> : !reply.error && <p className="quiet-text">{t("noRules")}</p>} columns={[
			{ id: "name", head: t("name"), main: true, cell: (row) => row.Name }, { id: "action", head: t("action"), cell: (row) => <ActionBadge action={row.RuleDetail.Action} /> },
			{ id: "rate", head: t("threshold"), cell: (row) => t("rateText", { threshold: row.RuleDetail.RateLimit.Threshold, interval: row.RuleDetail.RateLimit.Interval, ttl: row.RuleDetail.RateLimit.Ttl }) },
			{ id: "if", head: t("conditions"), cell: (row) => <span className="rule-text">{conditionText(row.RuleDetail.Condition) || t("everyRequest")}</span> },
			...(readOnly ? [] : [{ id: "act", head: tc("actions"), number: true, cell: (row: FrequencyRule) => <span className="row-acts"><Button look="quiet" aria-label={`${tc("edit")}: ${row.Name}`} onPress={() => edit(row)}>{tc("edit")}</Button>
				<Button look="quiet" aria-label={`${tc("delete")}: ${row.Name}`} isDisabled={remove.busy} onPress={() => void remove.run(row.Name)}>{tc("delete")}</Button></span> }])]} />
		<FormDialog title={draft?.isNew ? t("addRule") : t("editRule", { name: draft?.name ?? "" })} open={!!draft} onClose={() => setDraft(undefined)} submit={tc("save")} ready={!!draft?.name.trim()}
			act={async () => {
				const { name, action, conditions, interval, threshold, ttl, target, subkey, rule } = draft!;
				// What this form has no fields for stays as it is.
				const old = rule?.RuleDetail;
				await call("ConfigWebCCRuleV2", { Domain: domain, RuleList: JSON.stringify([{ name: name.trim(), action, ...(conditions.length > 0 ? { condition: conditionsOf(conditions) } : {}),
					ratelimit: { interval: Number(interval), threshold: Number(threshold), ttl: Number(ttl), target, ...(target === "header" ? { subkey } : {}) },
					...(old?.StatusCode.Enabled ? { status_code: { enabled: true, use_ratio: old.StatusCode.UseRatio, code: old.StatusCode.Code, ratio_threshold: old.StatusCode.RatioThreshold, count_threshold: old.StatusCode.CountThreshold } } : {}),
					...(old?.Statistics.Mode ? { statistics: { mode: old.Statistics.Mode, field: old.Statistics.Field, ...(old.Statistics.HeaderName ? { header_name: old.Statistics.HeaderName } : {}) } } : {}) }]) });
				toast.done(t("savedRule", { name: name.trim() }));
			}}>
			{draft && <><Field label={t("name")} name="rulename" value={draft.name} onChange={(name) => set({ name })} required autoFocus isDisabled={!draft.isNew} />
				<Segments label={t("action")} value={draft.action} onChange={(action) => set({ action })} choices={(["block", "challenge", "watch"] as const).map((id) => ({ id, label: t(`a.${id}`) }))} />
				<div className="fields"><Field label={t("threshold")} value={draft.threshold} onChange={(threshold) => set({ threshold })} inputMode="numeric" required /><Field label={t("interval")} value={draft.interval} onChange={(interval) => set({ interval })} inputMode="numeric" required />
					<Field label={t("ttl")} value={draft.ttl} onChange={(ttl) => set({ ttl })} inputMode="numeric" required />
					<SelectField label={t("target")} value={draft.target} onChange={(target) => set({ target })} choices={(["ip", "header"] as const).map((id) => ({ id, label: t(`t.${id}`) }))} />
					{draft.target === "header" && <Field label={t("subkey")} value={draft.subkey} onChange={(subkey) => set({ subkey })} required />}</div>
				<Conditions value={draft.conditions} least={0} onChange={(conditions) => set({ conditions })} /></>}
		</FormDialog>
	</section>;
}

export function Shipped({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const profile = useCall("DescribeDomainSecurityProfile", { Domain: domain });
	const reply = useCall("DescribeL7GlobalRule", { Domain: domain });
	const now = profile.data?.Result[0];
	const level = useAct((config: Record<string, unknown>) => call("ConfigDomainSecurityProfile", { Domain: domain, Config: JSON.stringify(config) }));
	const set = useAct((rule: ShippedRule, part: Partial<ShippedRule>) => {
		const { RuleId, Action, Enabled } = { ...rule, ...part };
		return call("ConfigL7GlobalRule", { Domain: domain, RuleAttr: JSON.stringify([{ RuleId, Action, Enabled }]) });
	});
	return <section className="card" aria-label={t("shipped")}><h2>{t("shipped")}</h2><p className="quiet-text">{t("shippedHint")}</p>
		{now && <div className="row"><Switch label={t("on")} value={now.GlobalEnable} onChange={(on) => void level.run({ global_rule_enable: Number(on) })} isDisabled={readOnly || level.busy} />
			<Segments label={t("level")} value={now.GlobalMode} isDisabled={readOnly || level.busy} onChange={(mode) => void level.run({ global_rule_mode: mode })} choices={(["weak", "default", "hard"] as const).map((id) => ({ id, label: t(`l.${id}`) }))} /></div>}
		<ErrorNotice error={profile.error ?? reply.error ?? level.error ?? set.error} />
		<Table label={t("shipped")} rows={reply.data?.GlobalRules ?? []} rowKey={(row) => row.RuleId} empty={reply.loading && <Loading />} columns={[
			{ id: "name", head: t("rule"), main: true, cell: (row) => <><div>{row.RuleName}</div><div className="check-text">{row.Description}</div></> },
			{ id: "action", head: t("action"), cell: (row) => <Segments label={`${t("action")}: ${row.RuleName}`} value={row.Action} isDisabled={readOnly || set.busy} onChange={(Action) => void set.run(row, { Action })} choices={(["watch", "challenge", "block"] as const).map((id) => ({ id, label: t(`a.${id}`) }))} /> },
			{ id: "on", head: t("on"), cell: (row) => <Switch label={<span className="visually-hidden">{row.RuleName}</span> as unknown as string} value={row.Enabled === 1} isDisabled={readOnly || set.busy} onChange={(on) => void set.run(row, { Enabled: Number(on) })} /> }]} />
	</section>;
}
