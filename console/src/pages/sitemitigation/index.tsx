// SPDX-License-Identifier: BSD-2-Clause
// Protection of a web site: "#/sitemitigation/DOMAIN?tab=rules".
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Button, Empty, ErrorNotice, LinkButton, Loading, PageHead, toast } from "../../components";
import { Segments } from "../../components/choices";
import { SiteSelect } from "../../components/settings";
import { useTexts } from "../../i18n";
import { checkName, checkText } from "../../i18n/checks";
import { settingsTexts } from "../../i18n/settings-card";
import { shell } from "../../i18n/shell";
import { siteTexts } from "../../i18n/sitemitigation";
import { go, href, type Route } from "../../router";
import { count } from "../../time";
import type { Check } from "./replies";
import { Frequency, Precise, Shipped } from "./rules";
import { Areas, Caching, Pace, Smart, Sources } from "./settings";
import "./sitemitigation.css";

const TABS = ["checks", "lists", "rules", "modes", "cache"] as const;
const EVERY_MS = 3000;

function Checks({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(siteTexts);
	const ts = useTexts(settingsTexts);
	const reply = useCall("DescribeWebChecks", { Domain: domain }, { every: EVERY_MS });
	const set = useAct(async (check: Check, mode: string) => {
		await call("ModifyWebCheck", { Domain: domain, Check: check.Name as "pace", Mode: mode as "off" });
		toast.done(t("changed", { name: checkName(check.Name), mode: ts((mode === "default" ? check.DefaultMode : mode) as "off") }));
	});
	if (!reply.data)
		return reply.error ? <ErrorNotice error={reply.error} /> : <Loading />;
	const { Checks, Requests, Challenged, ChallengePassed } = reply.data;
	const counted = Checks.some(({ Refused }) => Refused !== undefined);
	const figure = (name: string, value: number | undefined) => value !== undefined && <div><div className="figure-name">{name}</div><div className="figure-value">{count(value)}</div></div>;
	return <>
		{Requests !== undefined && <div className="card"><div className="figures">{figure(t("requests"), Requests)}{figure(t("challengedN"), Challenged)}{figure(t("challengePassed"), ChallengePassed)}</div></div>}
		<ErrorNotice error={set.error} />
		<div className="table-wrap"><table className="table checks" aria-label={t("checks")}>
			<thead><tr><th scope="col">{t("check")}</th><th scope="col">{t("mode")}</th>{counted && <><th scope="col" className="number">{t("refused")}</th><th scope="col" className="number">{t("wouldRefuse")}</th></>}</tr></thead>
			<tbody>{Checks.map((check) => <tr key={check.Name}>
				<th scope="row" data-head={t("check")}><div>{checkName(check.Name)} <code className="quiet-text">{check.Name}</code></div><div className="check-text">{checkText(check.Name, check.Text)}{check.Scope === "node" && <> · {t("ofNode")}</>}</div></th>
				<td data-head={t("mode")}><div className="check-mode"><Segments label={t("modeOf", { name: checkName(check.Name) })} value={check.Mode} isDisabled={readOnly || set.busy || check.Scope === "node"} onChange={(mode) => void set.run(check, mode)}
					choices={(["off", "watch", "block"] as const).map((mode) => ({ id: mode, label: ts(mode) }))} />
					{check.Chosen && check.Mode !== check.DefaultMode && !readOnly && <Button look="quiet" onPress={() => void set.run(check, "default")}>{t("toDefault", { mode: ts(check.DefaultMode) })}</Button>}</div></td>
				{counted && <><td className="number" data-head={t("refused")}>{count(check.Refused ?? 0)}</td><td className="number" data-head={t("wouldRefuse")}>{count(check.Watched ?? 0)}</td></>}
			</tr>)}</tbody></table></div>
	</>;
}

export default function SiteMitigationPage({ route }: { route: Route }) {
	const t = useTexts(siteTexts);
	const ts = useTexts(shell);
	const readOnly = !mayBe(useCaller(), "full");
	const domains = useCall("DescribeDomains", {});
	const all = domains.data?.Domains ?? [];
	const domain = route.path[1] ?? all[0];
	const tab = route.query.get("tab") ?? "checks";
	if (!domain)
		return <><PageHead title={ts("sitemitigation")} hint={t("hint")} /><ErrorNotice error={domains.error} />
			{domains.loading ? <Loading /> : !domains.error && <Empty title={t("noSite")} action={<LinkButton to={href("websites")} look="primary">{t("toSites")}</LinkButton>} />}</>;
	const props = { domain, readOnly };
	return <>
		<PageHead title={ts("sitemitigation")} hint={t("hint")} actions={<LinkButton to={href("websites", domain)}>{t("toSite")}</LinkButton>} />
		<SiteSelect label={t("site")} domain={domain} all={all} onChange={(next) => go("sitemitigation", next, { tab })} />
		<Tabs className="tabs" key={domain} selectedKey={tab} onSelectionChange={(key) => go("sitemitigation", domain, { tab: String(key) })}>
			<TabList className="tab-list" aria-label={ts("sitemitigation")}>{TABS.map((name) => <Tab key={name} id={name} className="tab">{t(name)}</Tab>)}</TabList>
			<TabPanel id="checks" className="tab-panel"><Checks {...props} /></TabPanel>
			<TabPanel id="lists" className="tab-panel"><Sources {...props} /><Areas {...props} /></TabPanel>
			<TabPanel id="rules" className="tab-panel"><Precise {...props} /><Frequency {...props} /><Shipped {...props} /></TabPanel>
			<TabPanel id="modes" className="tab-panel"><Pace {...props} /><Smart {...props} /></TabPanel>
			<TabPanel id="cache" className="tab-panel"><Caching {...props} /></TabPanel>
		</Tabs>
	</>;
}
