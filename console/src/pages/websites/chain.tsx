// SPDX-License-Identifier: BSD-2-Clause
// From a client to the origin, step by step, by what the control and its nodes know: the name and what it answers,
// the instance, the certificate, and what requests of the last minutes met.
import type { ReactNode } from "react";
import { machineNow, send } from "../../api/client";
import { useCall, useFollow } from "../../api/hooks";
import { lifeNow } from "../../api/session";
import { Badge, Code, ErrorNotice, type Tone } from "../../components";
import { actions } from "../../gen/actions";
import { useTexts } from "../../i18n";
import { websites } from "../../i18n/websites";
import { href } from "../../router";
import { count, date } from "../../time";
import type { Site, SitePoint } from "./replies";

const LOOK_MS = 590000, STEP_S = 10, EVERY_MS = 5000;
const CERT_SOON_MS = 14 * 86400000;
const EXPIRED = 2; // status of an instance
type State = "good" | "todo" | "bad" | "unknown";
const TONES: Record<State, Tone> = { good: "good", todo: "warn", bad: "bad", unknown: "neutral" };
/** Figures by minute; a control without them tells nothing of requests. */
const SERIES = "DescribeWebsiteSeries";

async function lately(domain: string, signal: AbortSignal): Promise<{ requests: number; origin: number; failed: number } | undefined> {
	if (!(SERIES in actions))
		return undefined;
	const end = Math.floor(machineNow());
	const { response, text } = await send(SERIES, "2026-11-01", { Domain: domain, StartTime: end - LOOK_MS, EndTime: end, Step: STEP_S }, { signal });
	if (!response.ok)
		return undefined;
	const points = (JSON.parse(text) as { Points: SitePoint[] }).Points;
	const sum = (read: (point: SitePoint) => number) => points.reduce((total, point) => total + (read(point) || 0), 0);
	return { requests: sum((point) => point.Requests), origin: sum((point) => point.OriginRequests), failed: sum((point) => (point.OriginStatus0 || 0) + point.OriginStatus5) };
}

/** To the card of this page that has that title: the address after the # is taken by the console's own paths. */
function Jump({ to }: { to: string }) {
	return <button type="button" className="text-button" onClick={() => {
		const card = [...document.querySelectorAll<HTMLElement>("main section.card")].find((section) => section.getAttribute("aria-label") === to);
		card?.scrollIntoView({ block: "start" });
		card?.querySelector<HTMLElement>("button, input, textarea")?.focus({ preventScroll: true });
	}}>{to}</button>;
}

function Step({ title, state, children }: { title: string; state: State; children: ReactNode }) {
	const t = useTexts(websites);
	return <li className={`chain-step ${state}`}><div className="chain-head"><h3>{title}</h3><Badge tone={TONES[state]}>{t(state)}</Badge></div><div className="chain-text">{children}</div></li>;
}

export function Chain({ site }: { site: Site }) {
	const t = useTexts(websites);
	const domain = site.Domain;
	const relations = useCall("DescribeWebInstanceRelations", { Domains: [domain] });
	const details = relations.data?.WebInstanceRelations[0]?.InstanceDetails ?? [];
	const ids = details.map(({ InstanceId }) => InstanceId);
	const instances = useCall("DescribeInstances", ids.length > 0 ? { PageNumber: 1, PageSize: 50, InstanceIds: ids } : undefined);
	const access = useCall("DescribeWebAccessMode", { Domains: [domain] });
	const cidrs = useCall("DescribeBackSourceCidr", {});
	const series = useFollow(`series ${domain}`, (signal) => lately(domain, signal).then((found) => found ?? null), EVERY_MS);
	const seen = series.data ?? undefined;
	const mode = access.data?.DomainModes[0]?.AccessMode ?? 1;
	const https = site.ProxyTypes.some(({ ProxyType }) => ProxyType === "https" || ProxyType === "websockets");
	const expired = instances.data?.Instances.filter((row) => row.Status === EXPIRED || !row.Enabled) ?? [];
	const certState: State = !https ? "good" : !site.CertName ? "bad" : site.CertExpireTime < lifeNow() ? "bad" : "good";
	const vips = details.flatMap(({ EipList }) => EipList);
	const soon = certState === "good" && https && site.CertExpireTime < lifeNow() + CERT_SOON_MS;
	const plain = site.ProxyTypes.find(({ ProxyType }) => ProxyType === "http" || ProxyType === "websocket") ?? site.ProxyTypes[0];
	const secure = plain && plain.ProxyType !== "http" && plain.ProxyType !== "websocket";
	const port = plain?.ProxyPorts[0] ?? "80";
	const vip = vips[0]?.includes(":") ? `[${vips[0]}]` : vips[0];
	// A wildcard's site is asked for by one of its names.
	const tried = domain.replace(/^\*/, "www");
	const trial = vip && `curl ${secure ? "-k " : ""}--connect-to ::${vip}:${port} ${secure ? "https" : "http"}://${tried}:${port}/`;
	const failing = !!seen && seen.failed * 10 > seen.origin;
	return <section className="card" aria-label={t("chain")}><h2>{t("chain")}</h2><p className="quiet-text">{t("chainHint")}</p>
		<ErrorNotice error={relations.error ?? access.error ?? instances.error} />
		<ol className="chain">
			<Step title={t("s1")} state={seen ? seen.requests > 0 ? "good" : "todo" : "unknown"}>
				{seen && <p>{seen.requests > 0 ? t("s1Seen", { n: count(seen.requests) }) : t("s1None")}</p>}
				<p>{t("s1Do", { domain })} <Code>{site.Cname || vips.join(", ")}</Code></p>
				{seen?.requests === 0 && trial && <p>{t("s1Try")} <Code>{trial}</Code></p>}</Step>
			<Step title={t("s2")} state={!access.data ? "unknown" : mode === 2 ? "bad" : "good"}>
				<p>{t(mode === 2 ? "s2Origin" : mode === 0 ? "s2Own" : "s2Vip")} <code>{mode === 2 ? site.RealServers.map(({ RealServer }) => RealServer).join(", ") : vips.join(", ")}</code></p>
				{mode === 2 && <p><Jump to={t("access")} /></p>}</Step>
			<Step title={t("s3")} state={!instances.data ? "unknown" : expired.length === 0 ? "good" : expired.length === ids.length ? "bad" : "todo"}>
				{instances.data?.Instances.map((row) => <p key={row.InstanceId}>{expired.includes(row)
					? <>{t("s3Off", { id: row.InstanceId })} <a href={href("instances", row.InstanceId)}>{t("s3Renew")}</a></> : t("s3On", { ip: row.Ip })}</p>)}</Step>
			<Step title={t("s4")} state={soon ? "todo" : certState}>
				<p>{!https ? t("s4Plain") : !site.CertName ? t("s4None") : t(certState === "bad" ? "s4Expired" : "s4Until", { name: site.CertName, date: date(site.CertExpireTime) })}</p>
				{(certState === "bad" || soon) && <p>{t(soon ? "s4Soon" : "s4Do", { domain })} <Jump to={t("certTitle")} /></p>}</Step>
			<Step title={t("s5")} state={!seen || seen.origin === 0 ? "unknown" : failing ? "bad" : "good"}>
				{seen && <p>{seen.origin === 0 ? t("s5None") : seen.failed > 0 ? t("s5Bad", { n: count(seen.failed), all: count(seen.origin) }) : t("s5Ok", { n: count(seen.origin) })}</p>}
				{failing && <><p>{t("s5Do")}</p><ul className="chain-do"><li>{t("s5Do1", { origins: site.RealServers.map(({ RealServer }) => RealServer).join(", ") })}</li><li>{t("s5Do2")}</li><li>{t("s5Do3")} <Jump to={t("where")} /></li></ul></>}
				<details open={failing}><summary>{t("s5Firewall")}</summary><p className="cidrs"><code>{cidrs.data?.Cidrs.join(" ")}</code></p></details></Step>
		</ol></section>;
}
