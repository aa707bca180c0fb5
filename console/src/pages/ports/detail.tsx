// SPDX-License-Identifier: BSD-2-Clause
// One port rule: where it goes, what speaks on it, how origins are checked, limits, redundant origins, its end.
import { useState } from "react";
import { call, callAll } from "../../api/client";
import { useCall } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Badge, Button, DangerDialog, Empty, ErrorNotice, Fact, Facts, Field, LinkButton, Loading, Notice, PageHead, Switch, toast } from "../../components";
import { ChoiceCards, Segments } from "../../components/choices";
import { linesOf, SettingsCard } from "../../components/settings";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { ports } from "../../i18n/ports";
import { shell } from "../../i18n/shell";
import { go, href } from "../../router";
import { TemplateChoice } from "./template";
import { portText, type HealthCheck, type RuleConfig, type RuleKey } from "./replies";

const FOUND_MS = 3000;
const HEALTH_DEFAULT = { Timeout: 5, Interval: 5, Up: 3, Down: 3 };
const PAYLOAD_MAX_NONE = 6000; // what a rule without a bound shows
const whole = (text: string) => Math.max(0, Math.trunc(Number(text)) || 0);

/** Of origins that nobody asks, nobody knows. */
export function HealthBadge({ checked, all, down }: { checked: boolean; all: number; down: number }) {
	const t = useTexts(ports);
	if (!checked)
		return <Badge tone="neutral">{t("unchecked")}</Badge>;
	return down === 0 ? <Badge tone="good">{t("healthy")}</Badge>
		: <Badge tone={down === all ? "bad" : "warn"}>{down === all ? t("unhealthy") : t("someUnhealthy", { n: down, all })}</Badge>;
}

function Number_({ label, help, value, onChange }: { label: string; help?: string; value: number; onChange: (value: number) => void }) {
	return <Field label={label} help={help} value={String(value)} onChange={(text) => onChange(whole(text))} inputMode="numeric" required />;
}

function Forwarding({ rule, readOnly }: { rule: RuleKey; readOnly: boolean }) {
	const t = useTexts(ports);
	const reply = useCall("DescribeRuleForwarding", { InstanceId: rule.InstanceId, ForwardProtocol: rule.Protocol, FrontendPort: rule.FrontendPort });
	const now = reply.data?.NetworkRules[0];
	if (!now)
		return <ErrorNotice error={reply.error} />;
	const tcp = rule.Protocol === "tcp";
	return <SettingsCard title={t("forwarding")} readOnly={readOnly} value={{ PayloadForm: now.PayloadForm, SynMode: now.SynMode, ClientAddress: now.ClientAddress, Challenge: now.Challenge }}
		save={(draft, before) => call("ConfigRuleForwarding", { InstanceId: rule.InstanceId, ForwardProtocol: rule.Protocol, FrontendPort: rule.FrontendPort,
			...Object.fromEntries(Object.entries(draft).filter(([name, value]) => before[name as keyof typeof before] !== value)) })}>
		{(draft, set) => <>
			<TemplateChoice protocol={rule.Protocol} value={draft.PayloadForm} isDisabled={readOnly} onChange={(PayloadForm) => set({ PayloadForm })} />
			{draft.PayloadForm !== "none" && <Notice tone="info">{t("templateHint")} <a href={href("mitigation", rule.InstanceId, { reason: "payload_form" })}>{t("toMitigation")}</a></Notice>}
			{!tcp && <Switch label={t("challenge")} help={t("challengeText")} value={draft.Challenge === "on"} onChange={(on) => set({ Challenge: on ? "on" : "off" })} isDisabled={readOnly} />}
			<ChoiceCards label={t("client")} value={draft.ClientAddress} onChange={(ClientAddress) => set({ ClientAddress })} isDisabled={readOnly}
				choices={(tcp ? ["none", "toa", "proxy"] as const : ["none", "proxy"] as const).map((id) => ({ id, label: t(`client.${id}`), text: t(`client.${id}.text`) }))} />
			{tcp && <ChoiceCards label={t("syn")} value={draft.SynMode} onChange={(SynMode) => set({ SynMode })} isDisabled={readOnly}
				choices={(["threshold", "always", "never"] as const).map((id) => ({ id, label: t(`syn.${id}`), text: t(`syn.${id}.text`) }))} />}
		</>}
	</SettingsCard>;
}

function Health({ rule, backendPort, readOnly }: { rule: RuleKey; backendPort: number; readOnly: boolean }) {
	const t = useTexts(ports);
	const key = JSON.stringify([rule]);
	const reply = useCall("DescribeHealthCheckList", { NetworkRules: key });
	const now = reply.data && ((reply.data.HealthCheckList as { HealthCheck: HealthCheck }[])[0]?.HealthCheck ?? {});
	if (!now)
		return <ErrorNotice error={reply.error} />;
	const kinds = rule.Protocol === "tcp" ? ["none", "tcp", "http"] as const : ["none", "udp"] as const;
	const value = { Type: now.Type ?? "none", Domain: now.Domain ?? "", Uri: now.Uri ?? "/", Port: now.Port ?? backendPort,
		Timeout: now.Timeout ?? HEALTH_DEFAULT.Timeout, Interval: now.Interval ?? HEALTH_DEFAULT.Interval, Up: now.Up ?? HEALTH_DEFAULT.Up, Down: now.Down ?? HEALTH_DEFAULT.Down };
	return <SettingsCard title={t("check")} hint={t("checkHint")} readOnly={readOnly} value={value}
		save={({ Type, Domain, Uri, ...rest }) => {
			const wish: HealthCheck = Type === "none" ? {} : { Type: Type as "tcp", ...rest, ...(Type === "http" ? { Uri, ...(Domain ? { Domain } : {}) } : {}) };
			return call("ModifyHealthCheckConfig", { InstanceId: rule.InstanceId, ForwardProtocol: rule.Protocol, FrontendPort: rule.FrontendPort, HealthCheck: JSON.stringify(wish) });
		}}>
		{(draft, set) => <>
			<ChoiceCards label={t("check")} value={draft.Type} onChange={(Type) => set({ Type: Type as typeof draft.Type })} isDisabled={readOnly}
				choices={kinds.map((id) => ({ id, label: t(`check.${id}`), text: t(`check.${id}.text`) }))} />
			{draft.Type !== "none" && <div className="fields">
				{draft.Type === "http" && <><Field label={t("path")} value={draft.Uri} onChange={(Uri) => set({ Uri })} required />
					<Field label={t("host")} value={draft.Domain} onChange={(Domain) => set({ Domain })} /></>}
				<Number_ label={t("checkPort")} value={draft.Port} onChange={(Port) => set({ Port })} />
				<Number_ label={t("interval")} value={draft.Interval} onChange={(Interval) => set({ Interval })} />
				<Number_ label={t("timeout")} value={draft.Timeout} onChange={(Timeout) => set({ Timeout })} />
				<Number_ label={t("up")} value={draft.Up} onChange={(Up) => set({ Up })} />
				<Number_ label={t("down")} value={draft.Down} onChange={(Down) => set({ Down })} />
			</div>}
		</>}
	</SettingsCard>;
}

// Which limit of a source, as the published numbers say.
const BLOCK_TYPES = [[1, "cps"], [2, "maxconn"], [3, "pps"], [4, "bps"]] as const;

/** A limit counts while its switch is 1; here 0 stands for off. */
function flat(config: RuleConfig) {
	const on = (value: number, enabled: number) => enabled ? value : 0;
	return { sourceCps: on(config.Slimit.Cps, config.Slimit.CpsEnable), sourceConn: on(config.Slimit.Maxconn, config.Slimit.MaxconnEnable),
		sourcePps: config.Slimit.Pps, sourceBps: config.Slimit.Bps, portCps: on(config.Sla.Cps, config.Sla.CpsEnable), portConn: on(config.Sla.Maxconn, config.Sla.MaxconnEnable),
		min: config.PayloadLen.Min, max: config.PayloadLen.Max, nodata: config.NodataConn, persistence: config.PersistenceTimeout,
		block: Object.fromEntries(BLOCK_TYPES.map(([type]) => [type, config.Cc.Sblack.find((entry) => entry.Type === type)?.Expires ?? 0])) as Record<number, number> };
}
type Flat = ReturnType<typeof flat>;

function changed(draft: Flat, before: Flat): Record<string, unknown> {
	const out: Record<string, unknown> = {};
	const differs = (...names: (keyof Flat)[]) => names.some((name) => JSON.stringify(draft[name]) !== JSON.stringify(before[name]));
	const limit = (name: "Cps" | "Maxconn", value: number) => value > 0 ? { [name]: value, [`${name}Enable`]: 1 } : { [`${name}Enable`]: 0 };
	if (differs("sourceCps", "sourceConn", "sourcePps", "sourceBps"))
		out.Slimit = { ...limit("Cps", draft.sourceCps), ...limit("Maxconn", draft.sourceConn), Pps: draft.sourcePps, Bps: draft.sourceBps };
	if (differs("portCps", "portConn"))
		out.Sla = { ...limit("Cps", draft.portCps), ...limit("Maxconn", draft.portConn) };
	if (differs("min", "max"))
		out.PayloadLen = { Min: draft.min, Max: draft.max };
	if (differs("nodata"))
		out.NodataConn = draft.nodata;
	if (differs("persistence"))
		out.PersistenceTimeout = draft.persistence;
	if (differs("block"))
		out.Cc = { Sblack: BLOCK_TYPES.filter(([type]) => draft.block[type]).map(([Type]) => ({ Type, Cnt: 5, During: 60, Expires: draft.block[Type] })) };
	return out;
}

function Limits({ rule, readOnly }: { rule: RuleKey; readOnly: boolean }) {
	const t = useTexts(ports);
	const reply = useCall("DescribeNetworkRuleAttributes", { NetworkRules: JSON.stringify([rule]) });
	const now = reply.data?.NetworkRuleAttributes[0]?.Config;
	if (!now)
		return <ErrorNotice error={reply.error} />;
	return <SettingsCard title={t("limits")} hint={t("limitsHint")} readOnly={readOnly} value={flat(now)}
		save={(draft, before) => call("ModifyNetworkRuleAttribute", { InstanceId: rule.InstanceId, ForwardProtocol: rule.Protocol, FrontendPort: rule.FrontendPort, Config: JSON.stringify(changed(draft, before)) })}>
		{(draft, set) => <>
			<h3>{t("ofSource")}</h3>
			<div className="fields">
				<Number_ label={t("cps")} value={draft.sourceCps} onChange={(sourceCps) => set({ sourceCps })} />
				<Number_ label={t("maxconn")} value={draft.sourceConn} onChange={(sourceConn) => set({ sourceConn })} />
				<Number_ label={t("pps")} value={draft.sourcePps} onChange={(sourcePps) => set({ sourcePps })} />
				<Number_ label={t("bps")} help={t("bpsHelp")} value={draft.sourceBps} onChange={(sourceBps) => set({ sourceBps })} />
			</div>
			<h3>{t("blocking")}</h3>
			<div className="fields">{BLOCK_TYPES.map(([type, name]) =>
				<Number_ key={type} label={t(name)} help={t("blockFor")} value={draft.block[type] ?? 0} onChange={(seconds) => set({ block: { ...draft.block, [type]: seconds } })} />)}</div>
			<h3>{t("ofPort")}</h3>
			<div className="fields">
				<Number_ label={t("cps")} help={t("cpsPortHelp")} value={draft.portCps} onChange={(portCps) => set({ portCps })} />
				<Number_ label={t("maxconn")} help={t("maxconnPortHelp")} value={draft.portConn} onChange={(portConn) => set({ portConn })} />
				<Number_ label={t("persistence")} help={t("persistenceHelp")} value={draft.persistence} onChange={(persistence) => set({ persistence })} />
			</div>
			<h3>{t("payload")}</h3>
			<div className="fields">
				<Number_ label={t("payloadMin")} value={draft.min} onChange={(min) => set({ min })} />
				<Field label={t("payloadMax")} value={draft.max >= PAYLOAD_MAX_NONE ? "" : String(draft.max)} onChange={(text) => set({ max: text === "" ? PAYLOAD_MAX_NONE : whole(text) })} inputMode="numeric" />
			</div>
			{rule.Protocol === "tcp" && <Switch label={t("nodata")} value={draft.nodata === "on"} onChange={(on) => set({ nodata: on ? "on" : "off" })} isDisabled={readOnly} />}
		</>}
	</SettingsCard>;
}

function Redundancy({ rule, backendPort, readOnly }: { rule: RuleKey; backendPort: number; readOnly: boolean }) {
	const t = useTexts(ports);
	const reply = useCall("DescribeLayer4RulePolicy", { Listeners: JSON.stringify([rule]) });
	const now = reply.data;
	if (!now)
		return <ErrorNotice error={reply.error} />;
	const value = { on: now.BakMode === "1", group: String(now.CurrentIndex), primary: now.PriRealServers.map((row) => row.RealServer).join("\n"), secondary: now.SecRealServers.map((row) => row.RealServer).join("\n") };
	const servers = (text: string) => linesOf(text).map((RealServer) => ({ RealServer }));
	return <SettingsCard title={t("redundancy")} hint={t("redundancyHint")} readOnly={readOnly} value={value}
		ready={(draft) => linesOf(draft.primary).length > 0 && linesOf(draft.secondary).length > 0}
		save={async (draft, before) => {
			if (draft.primary !== before.primary || draft.secondary !== before.secondary || draft.group !== before.group)
				await call("ConfigLayer4RulePolicy", { Listeners: JSON.stringify([{ ...rule, BackendPort: backendPort, PriRealServers: servers(draft.primary), SecRealServers: servers(draft.secondary), CurrentRsIndex: Number(draft.group) }]) });
			if (draft.on !== before.on)
				await call("ConfigLayer4RuleBakMode", { Listeners: JSON.stringify([rule]), BakMode: draft.on ? 1 : 0 });
		}}>
		{(draft, set) => <>
			<div className="fields"><Field label={t("primary")} rows={3} value={draft.primary} onChange={(primary) => set({ primary })} required />
				<Field label={t("secondary")} rows={3} value={draft.secondary} onChange={(secondary) => set({ secondary })} required /></div>
			<div className="row"><Switch label={t("redundant")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
				<Segments label={t("inForce")} value={draft.group} onChange={(group) => set({ group })} isDisabled={readOnly} choices={[{ id: "1", label: t("primary") }, { id: "2", label: t("secondary") }]} /></div>
		</>}
	</SettingsCard>;
}

export function PortDetail({ rule }: { rule: RuleKey }) {
	const t = useTexts(ports);
	const tc = useTexts(common);
	const ts = useTexts(shell);
	const readOnly = !mayBe(useCaller(), "full");
	const [deleting, setDeleting] = useState(false);
	const key = JSON.stringify([rule]);
	const rules = useCall("DescribeNetworkRules", { InstanceId: rule.InstanceId, ForwardProtocol: rule.Protocol, FrontendPort: rule.FrontendPort, PageNumber: 1, PageSize: 1 });
	const now = rules.data?.NetworkRules[0];
	const status = useCall("DescribeHealthCheckStatus", now ? { NetworkRules: key } : undefined, { every: FOUND_MS });
	const checks = useCall("DescribeHealthCheckList", now ? { NetworkRules: key } : undefined);
	const checked = !!checks.data?.HealthCheckList[0]?.HealthCheck.Type;
	const found = status.data?.HealthCheckStatus[0]?.RealServerStatusList ?? [];
	const port = portText(rule);
	if (rules.error)
		return <ErrorNotice error={rules.error} retry={rules.refresh} />;
	if (!rules.data)
		return <Loading />;
	if (!now)
		return <Empty title={t("none")} action={<LinkButton to={href("ports", rule.InstanceId)}>{t("back")}</LinkButton>} />;
	return <>
		<PageHead title={port} hint={now.Remark || rule.InstanceId} actions={<>
			<LinkButton to={href("ports", rule.InstanceId)}>{t("back")}</LinkButton><LinkButton to={href("live", rule.InstanceId)}>{ts("live")}</LinkButton>
			{!readOnly && <Button look="danger" onPress={() => setDeleting(true)}>{tc("delete")}</Button>}</>} />
		<section className="card"><h2>{t("findings")}</h2>
			<Facts>{found.map(({ Address, Status }) => <Fact key={Address} name={<code>{Address}</code>}><HealthBadge checked={checked} all={1} down={Status === "normal" ? 0 : 1} /></Fact>)}</Facts>
			{checks.data && !checked && <p className="quiet-text">{t("uncheckedText")}</p>}
			<ErrorNotice error={status.error ?? checks.error} /></section>
		<SettingsCard title={t("where")} hint={t("moveText")} readOnly={readOnly} value={{ backend: String(now.BackendPort), origins: now.RealServers.join("\n"), remark: now.Remark }}
			ready={({ backend, origins }) => whole(backend) > 0 && linesOf(origins).length > 0}
			save={async (draft, before) => {
				if (draft.backend !== before.backend || draft.origins !== before.origins)
					await call("ModifyPort", { InstanceId: rule.InstanceId, FrontendProtocol: rule.Protocol, FrontendPort: rule.FrontendPort, BackendPort: Number(draft.backend), RealServers: linesOf(draft.origins) });
				if (draft.remark !== before.remark)
					await call("ConfigLayer4Remark", { Listeners: JSON.stringify([{ ...rule, Remark: draft.remark }]) });
			}}>
			{(draft, set) => <div className="fields"><Field label={t("origins")} parameter="RealServers" help={t("originsHelp")} rows={3} value={draft.origins} onChange={(origins) => set({ origins })} required />
				<Field label={t("backend")} value={draft.backend} onChange={(backend) => set({ backend })} inputMode="numeric" required />
				<Field label={t("remark")} value={draft.remark} onChange={(remark) => set({ remark })} maxLength={200} /></div>}
		</SettingsCard>
		<Forwarding rule={rule} readOnly={readOnly} />
		<Health rule={rule} backendPort={now.BackendPort} readOnly={readOnly} />
		<Limits rule={rule} readOnly={readOnly} />
		<Redundancy rule={rule} backendPort={now.BackendPort} readOnly={readOnly} />
		<DangerDialog title={t("danger", { port })} open={deleting} onClose={() => setDeleting(false)} name={port} instanceId={rule.InstanceId} submit={tc("delete")}
			act={async () => {
				await call("DeletePort", { InstanceId: rule.InstanceId, FrontendProtocol: rule.Protocol, FrontendPort: rule.FrontendPort });
				toast.done(t("deleted", { port }));
				go("ports", rule.InstanceId);
			}}>
			<p>{t("dangerText")}</p></DangerDialog>
	</>;
}

export const rulesOf = (id: string, signal: AbortSignal) => callAll("DescribeNetworkRules", { InstanceId: id }, (reply) => reply.NetworkRules, { signal, pageSize: 100, limit: 400 });
