// SPDX-License-Identifier: BSD-2-Clause
// One web site: the chain to its origin, where it is served, certificate and TLS, how requests go to origins, its end.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Button, DangerDialog, Empty, ErrorNotice, Field, FormDialog, LinkButton, Loading, PageHead, SelectField, Switch, Table, toast } from "../../components";
import { ChoiceCards } from "../../components/choices";
import { SettingsCard, useInstances } from "../../components/settings";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { websites } from "../../i18n/websites";
import { go, href } from "../../router";
import { Acme } from "./acme";
import { Chain } from "./chain";
import { draftOf, isReady, parametersOf, SiteFields } from "./form";
import type { OriginAttributes, Site } from "./replies";

const whole = (text: string) => Math.max(0, Math.trunc(Number(text)) || 0);

function Where({ site, ids, readOnly }: { site: Site; ids: string[]; readOnly: boolean }) {
	const t = useTexts(websites);
	const { instances } = useInstances(undefined);
	return <SettingsCard title={t("where")} readOnly={readOnly} ready={isReady}
		value={{ ...draftOf(site, ids), toHttps: site.Http2HttpsEnable, toHttp: site.Https2HttpEnable, http2: site.Http2Enable }}
		save={({ toHttps, toHttp, http2, ...draft }) => call("ModifyDomainResource", { Domain: site.Domain, ...parametersOf(draft), HttpsExt: JSON.stringify({ Http2https: Number(toHttps), Https2http: Number(toHttp), Http2: Number(http2) }) })}>
		{(draft, set) => <>
			<SiteFields draft={draft} set={set} instances={instances} readOnly={readOnly} />
			<div className="row"><Switch label={t("toHttps")} value={draft.toHttps} onChange={(toHttps) => set({ toHttps })} isDisabled={readOnly} />
				<Switch label={t("toHttp")} value={draft.toHttp} onChange={(toHttp) => set({ toHttp })} isDisabled={readOnly} />
				<Switch label={t("http2")} value={draft.http2} onChange={(http2) => set({ http2 })} isDisabled={readOnly} /></div>
		</>}
	</SettingsCard>;
}

function FileText({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
	const t = useTexts(websites);
	return <div className="stack"><Field label={label} rows={5} value={value} onChange={onChange} required placeholder="-----BEGIN …-----" />
		<label className="file-label">{t("fromFile")} <input type="file" accept=".pem,.crt,.cer,.key,.txt" onChange={(event) => void event.target.files?.[0]?.text().then(onChange)} /></label></div>;
}

function Certificate({ site, readOnly, refresh }: { site: Site; readOnly: boolean; refresh: () => void }) {
	const t = useTexts(websites);
	const [open, setOpen] = useState(false);
	const [draft, setDraft] = useState({ name: "", cert: "", key: "" });
	const certs = useCall("DescribeCerts", { Domain: site.Domain });
	const use = useAct(async (id: number, name: string) => {
		await call("AssociateWebCert", { Domain: site.Domain, CertId: id });
		toast.done(t("certUsed", { name }));
	});
	return <section className="card" aria-label={t("certTitle")}>
		<div className="card-head"><h2>{t("certTitle")}</h2>{!readOnly && <Button look="primary" onPress={() => setOpen(true)}>{t("upload")}</Button>}</div>
		<ErrorNotice error={certs.error ?? use.error} />
		<Table label={t("useExisting")} rows={certs.data?.Certs ?? []} rowKey={(row) => row.Id} empty={!certs.loading && <p className="quiet-text">{t("certNoneText")}</p>} columns={[
			{ id: "name", head: t("certName"), main: true, cell: (row) => row.Name }, { id: "common", head: t("domain"), cell: (row) => row.Common },
			{ id: "until", head: t("cert"), cell: (row) => t("certUntil", { date: row.EndDate }) },
			...(readOnly ? [] : [{ id: "use", head: "", number: true, cell: (row: { Id: number; Name: string }) => row.Name === site.CertName ? "✓" : <Button busy={use.busy} onPress={() => void use.run(row.Id, row.Name)}>{t("use")}</Button> }]),
		]} />
		<Acme site={site} readOnly={readOnly} refresh={() => { refresh(); certs.refresh(); }} />
		<FormDialog title={t("upload")} open={open} onClose={() => { setOpen(false); setDraft({ name: "", cert: "", key: "" }); }} submit={t("upload")} ready={!!draft.name.trim() && draft.cert.includes("BEGIN") && draft.key.includes("BEGIN")}
			act={async () => {
				await call("AssociateWebCert", { Domain: site.Domain, CertName: draft.name.trim(), Cert: draft.cert, Key: draft.key });
				toast.done(t("certUsed", { name: draft.name.trim() }));
			}}>
			<p className="quiet-text">{t("certHint")}</p>
			<Field label={t("certName")} name="certname" parameter="CertName" value={draft.name} onChange={(name) => setDraft({ ...draft, name })} required autoFocus />
			<FileText label={t("certPem")} value={draft.cert} onChange={(cert) => setDraft((old) => ({ ...old, cert }))} />
			<FileText label={t("keyPem")} value={draft.key} onChange={(key) => setDraft((old) => ({ ...old, key }))} />
		</FormDialog>
	</section>;
}

function Tls({ site, readOnly }: { site: Site; readOnly: boolean }) {
	const t = useTexts(websites);
	return <SettingsCard title={t("tls")} readOnly={readOnly} value={{ least: site.SslProtocols, ciphers: site.SslCiphers, tls13: site.Ssl13Enabled, ocsp: site.OcspEnabled }}
		save={async (draft, before) => {
			if (draft.ocsp !== before.ocsp)
				await call("ModifyOcspStatus", { Domain: site.Domain, Enable: Number(draft.ocsp) });
			if (draft.least !== before.least || draft.ciphers !== before.ciphers || draft.tls13 !== before.tls13)
				await call("ModifyTlsConfig", { Domain: site.Domain, Config: JSON.stringify({ ssl_protocols: draft.least, ssl_ciphers: draft.ciphers, ssl_13_enabled: draft.tls13,
					...(draft.ciphers === "default" && site.CustomCiphers.length > 0 ? { custom_ciphers: site.CustomCiphers } : {}) }) });
		}}>
		{(draft, set) => <>
			<div className="fields"><SelectField label={t("least")} value={draft.least} onChange={(least) => set({ least })} isDisabled={readOnly} choices={["tls1.0", "tls1.1", "tls1.2"].map((id) => ({ id, label: id.replace("tls", "TLS ") }))} />
				<SelectField label={t("ciphers")} value={draft.ciphers} onChange={(ciphers) => set({ ciphers })} isDisabled={readOnly} choices={(["all", "improved", "strong", "default"] as const).map((id) => ({ id, label: t(`c.${id}`) }))} /></div>
			{site.CustomCiphers.length > 0 && <p className="quiet-text">{t("tlsCustom")}</p>}
			<div className="row"><Switch label={t("tls13")} value={draft.tls13} onChange={(tls13) => set({ tls13 })} isDisabled={readOnly} /><Switch label={t("ocsp")} value={draft.ocsp} onChange={(ocsp) => set({ ocsp })} isDisabled={readOnly} /></div>
		</>}
	</SettingsCard>;
}

const ATTRIBUTES = [["Weight", "weight"], ["ConnectTimeout", "connectTimeout"], ["ReadTimeout", "readTimeout"], ["SendTimeout", "sendTimeout"], ["MaxFails", "maxFails"], ["FailTimeout", "failTimeout"]] as const;

function OriginPolicy({ site, readOnly }: { site: Site; readOnly: boolean }) {
	const t = useTexts(websites);
	const reply = useCall("DescribeL7RsPolicy", { Domain: site.Domain });
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	const { ProxyMode, UpstreamRetry, Attributes } = reply.data;
	return <SettingsCard title={t("policy")} readOnly={readOnly} value={{ mode: ProxyMode, retry: UpstreamRetry === 1, rows: Attributes.map(({ RealServer, Attribute }) => ({ RealServer, Attribute })) }}
		save={(draft) => call("ConfigL7RsPolicy", { Domain: site.Domain, UpstreamRetry: Number(draft.retry), Policy: JSON.stringify({ ProxyMode: draft.mode, Attributes: draft.rows }) })}>
		{(draft, set) => {
			const change = (at: number, part: Partial<OriginAttributes>) => set({ rows: draft.rows.map((row, i) => i === at ? { ...row, Attribute: { ...row.Attribute, ...part } } : row) });
			return <>
				<ChoiceCards label={t("mode")} value={draft.mode} onChange={(mode) => set({ mode })} isDisabled={readOnly} choices={(["ip_hash", "rr", "least_time"] as const).map((id) => ({ id, label: t(`m.${id}`), text: t(`m.${id}.text`) }))} />
				<Switch label={t("retry")} value={draft.retry} onChange={(retry) => set({ retry })} isDisabled={readOnly} />
				{draft.rows.map(({ RealServer, Attribute }, i) => <details key={RealServer} open={draft.rows.length === 1}><summary><code>{RealServer}</code> · {t("weight")} {Attribute.Weight}{Attribute.Mode === "backup" && ` · ${t("backup")}`}</summary>
					<div className="fields origin-fields">{ATTRIBUTES.map(([name, text]) => <Field key={name} label={t(text)} value={String(Attribute[name])} onChange={(value) => change(i, { [name]: whole(value) })} inputMode="numeric" required />)}</div>
					<Switch label={t("backup")} value={Attribute.Mode === "backup"} onChange={(on) => change(i, { Mode: on ? "backup" : "active" })} isDisabled={readOnly} /></details>)}
			</>;
		}}
	</SettingsCard>;
}

function Keepalive({ site, readOnly }: { site: Site; readOnly: boolean }) {
	const t = useTexts(websites);
	const keep = useCall("DescribeL7UsKeepalive", { Domain: site.Domain });
	if (!keep.data)
		return <ErrorNotice error={keep.error} />;
	const { Enabled, KeepaliveRequests, KeepaliveTimeout } = keep.data.RsKeepalive;
	return <SettingsCard title={t("keep")} readOnly={readOnly} value={{ on: Enabled, requests: KeepaliveRequests, seconds: KeepaliveTimeout }}
		save={(draft) => call("ConfigL7UsKeepalive", { Domain: site.Domain, UpstreamKeepalive: JSON.stringify({ enabled: draft.on, keepalive_requests: draft.requests, keepalive_timeout: draft.seconds }) })}>
		{(draft, set) => <><Switch label={t("keepOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<div className="fields"><Field label={t("keepRequests")} value={String(draft.requests)} onChange={(text) => set({ requests: whole(text) })} inputMode="numeric" required />
				<Field label={t("keepSeconds")} value={String(draft.seconds)} onChange={(text) => set({ seconds: whole(text) })} inputMode="numeric" required /></div></>}
	</SettingsCard>;
}

function Headers({ site, readOnly }: { site: Site; readOnly: boolean }) {
	const t = useTexts(websites);
	const reply = useCall("DescribeHeaders", { Domain: site.Domain });
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	const lines = Object.entries(JSON.parse(reply.data.CustomHeader.Headers || "{}") as Record<string, string>).map(([name, value]) => `${name}: ${value}`).join("\n");
	const parse = (text: string) => Object.fromEntries(text.split("\n").filter((line) => line.trim()).map((line) => {
		const [name = "", ...rest] = line.split(":");
		return [name.trim(), rest.join(":").trim()];
	}));
	return <SettingsCard title={t("headers")} hint={t("headersHint")} readOnly={readOnly} value={{ lines }} save={(draft) => call("ModifyHeaders", { Domain: site.Domain, CustomHeaders: JSON.stringify(parse(draft.lines)) })}>
		{(draft, set) => <Field label={t("headerLines")} rows={3} value={draft.lines} onChange={(text) => set({ lines: text })} placeholder="X-Protected-By: polder" />}
	</SettingsCard>;
}

function Access({ site, ids, readOnly }: { site: Site; ids: string[]; readOnly: boolean }) {
	const t = useTexts(websites);
	const tc = useTexts(common);
	const [asking, setAsking] = useState(false);
	const reply = useCall("DescribeWebAccessMode", { Domains: [site.Domain] });
	const mode = reply.data?.DomainModes[0]?.AccessMode;
	const set = useAct((next: number) => call("ModifyWebAccessMode", { Domain: site.Domain, AccessMode: next }));
	return <section className="card" aria-label={t("access")}><h2>{t("access")}</h2>
		{mode !== undefined && <ChoiceCards label={t("access")} value={String(mode)} isDisabled={readOnly || set.busy} onChange={(next) => next === "2" ? setAsking(true) : void set.run(Number(next))}
			choices={(["1", "0", "2"] as const).map((id) => ({ id, label: t(`a.${id}`), text: t(`a.${id}.text`) }))} />}
		<ErrorNotice error={reply.error ?? set.error} />
		<DangerDialog title={t("accessTitle")} open={asking} onClose={() => setAsking(false)} name={site.Domain} {...(ids[0] ? { instanceId: ids[0] } : {})} submit={tc("confirm")} act={() => call("ModifyWebAccessMode", { Domain: site.Domain, AccessMode: 2 })}>
			<p>{t("accessText")}</p></DangerDialog>
	</section>;
}

export function SiteDetail({ domain }: { domain: string }) {
	const t = useTexts(websites);
	const tc = useTexts(common);
	const readOnly = !mayBe(useCaller(), "full");
	const [deleting, setDeleting] = useState(false);
	const sites = useCall("DescribeWebRules", { Domain: domain, QueryDomainPattern: "exact", PageNumber: 1, PageSize: 1 });
	const relations = useCall("DescribeWebInstanceRelations", { Domains: [domain] });
	const site = sites.data?.WebRules[0];
	if (!site)
		return sites.loading ? <><PageHead title={domain} /><Loading /></> : sites.error ? <ErrorNotice error={sites.error} retry={sites.refresh} /> : <Empty title={t("none")} action={<LinkButton to={href("websites")}>{t("back")}</LinkButton>} />;
	const ids = relations.data?.WebInstanceRelations[0]?.InstanceDetails.map(({ InstanceId }) => InstanceId) ?? [];
	return <>
		<PageHead title={domain} actions={<><LinkButton to={href("websites")}>{t("back")}</LinkButton><LinkButton to={href("sitemitigation", domain)}>{t("protection")}</LinkButton>
			{!readOnly && <Button look="danger" onPress={() => setDeleting(true)}>{tc("delete")}</Button>}</>} />
		<Chain site={site} />
		{relations.data && <Where site={site} ids={ids} readOnly={readOnly} />}
		<Certificate site={site} readOnly={readOnly} refresh={sites.refresh} />
		<Tls site={site} readOnly={readOnly} />
		<OriginPolicy site={site} readOnly={readOnly} />
		<Keepalive site={site} readOnly={readOnly} />
		<Headers site={site} readOnly={readOnly} />
		<Access site={site} ids={ids} readOnly={readOnly} />
		<DangerDialog title={t("danger", { domain })} open={deleting} onClose={() => setDeleting(false)} name={domain} {...(ids[0] ? { instanceId: ids[0] } : {})} submit={tc("delete")}
			act={async () => {
				await call("DeleteDomainResource", { Domain: domain });
				toast.done(t("deleted", { domain }));
				go("websites");
			}}><p>{t("dangerText")}</p></DangerDialog>
	</>;
}
