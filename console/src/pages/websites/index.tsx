// SPDX-License-Identifier: BSD-2-Clause
// Web sites: list, new one, and by path one of them ("#/websites/DOMAIN").
import { useState } from "react";
import { call } from "../../api/client";
import { usePaged } from "../../api/hooks";
import { lifeNow, mayBe, useCaller } from "../../api/session";
import { Badge, Button, Code, Empty, ErrorNotice, Field, FormDialog, Loading, PageHead, Paging, Table, toast } from "../../components";
import { NoInstance, useInstances } from "../../components/settings";
import { useTexts } from "../../i18n";
import { shell } from "../../i18n/shell";
import { websites } from "../../i18n/websites";
import { amend, go, href, type Route } from "../../router";
import { date } from "../../time";
import { SiteDetail } from "./detail";
import { emptyDraft, isReady, parametersOf, SiteFields, type SiteDraft } from "./form";
import type { Site } from "./replies";
import "./websites.css";

const PAGE = 10;

export function CertBadge({ site }: { site: Site }) {
	const t = useTexts(websites);
	const https = site.ProxyTypes.some(({ ProxyType }) => ProxyType === "https" || ProxyType === "websockets");
	if (!site.CertName)
		return https ? <Badge tone="bad">{t("certNeeded")}</Badge> : <span className="quiet-text">{t("certNone")}</span>;
	const left = site.CertExpireTime - lifeNow();
	return <Badge tone={left < 0 ? "bad" : left < 14 * 86400000 ? "warn" : "good"}>{t(left < 0 ? "certExpired" : "certUntil", { date: date(site.CertExpireTime) })}</Badge>;
}

export default function WebsitesPage({ route }: { route: Route }) {
	const t = useTexts(websites);
	const ts = useTexts(shell);
	const full = mayBe(useCaller(), "full");
	const search = route.query.get("search") ?? "";
	const setSearch = (text: string) => amend({ search: text });
	const [adding, setAdding] = useState(false);
	const [domain, setDomain] = useState("");
	const { instances, id: firstInstance, followed } = useInstances(undefined);
	const [draft, setDraft] = useState<SiteDraft>();
	const shown = draft ?? emptyDraft(firstInstance ? [firstInstance] : []);
	const sites = usePaged("DescribeWebRules", route.path[1] ? undefined : { ...(search.trim() ? { Domain: search.trim(), QueryDomainPattern: "fuzzy" as const } : {}) }, { pageSize: PAGE, kept: "page" });
	if (route.path[1])
		return <SiteDetail key={route.path[1]} domain={route.path[1]} />;
	const addButton = full && instances.length > 0 && <Button look="primary" onPress={() => setAdding(true)}>{t("add")}</Button>;
	return <>
		<PageHead title={ts("websites")} hint={t("hint")} actions={addButton} />
		<ErrorNotice error={sites.error ?? followed.error} retry={sites.refresh} />
		{followed.data && instances.length === 0 ? <NoInstance /> : <>
			{(search || (sites.data?.TotalCount ?? 0) > PAGE) && <Field label={t("search")} type="search" value={search} onChange={setSearch} required />}
			{sites.loading ? <Loading /> : <Table label={ts("websites")} rows={sites.data?.WebRules ?? []} rowKey={(row) => row.Domain} onRow={(row) => href("websites", row.Domain)} empty={!sites.error && (search.trim() ? <Empty title={t("noMatch")} /> : <Empty title={t("none")} action={addButton}>{t("noneText")}</Empty>)} columns={[
				{ id: "domain", head: t("domain"), main: true, cell: (row) => row.Domain, sort: (row) => row.Domain },
				{ id: "serves", head: t("serves"), cell: (row) => row.ProxyTypes.map(({ ProxyType, ProxyPorts }) => `${ProxyType} ${ProxyPorts.join(" ")}`).join(", ") },
				{ id: "origins", head: t("origins"), cell: (row) => row.RealServers.slice(0, 3).map(({ RealServer }) => RealServer).join(", ") + (row.RealServers.length > 3 ? ` +${row.RealServers.length - 3}` : "") },
				{ id: "cert", head: t("cert"), cell: (row) => <CertBadge site={row} />, sort: (row) => row.CertExpireTime },
				{ id: "cname", head: t("cname"), cell: (row) => row.Cname ? <Code>{row.Cname}</Code> : "–" },
			]} />}
			{sites.data && sites.data.TotalCount > 0 && <Paging {...sites} total={sites.data.TotalCount} />}
		</>}
		<FormDialog title={t("add")} open={adding} onClose={() => setAdding(false)} submit={t("add")} ready={domain.includes(".") && isReady(shown)}
			act={async () => {
				await call("CreateDomainResource", { Domain: domain.trim(), ...parametersOf(shown) });
				toast.done(t("created", { domain: domain.trim() }));
				setDraft(undefined);
				setDomain("");
				go("websites", domain.trim());
			}}>
			<Field label={t("domain")} name="domain" parameter="Domain" help={t("domainHelp")} value={domain} onChange={setDomain} required autoFocus />
			<SiteFields draft={shown} set={(part) => setDraft({ ...shown, ...part })} instances={instances} />
		</FormDialog>
	</>;
}
