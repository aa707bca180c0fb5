// SPDX-License-Identifier: BSD-2-Clause
// Where a site is served and where its requests go: the fields of the new one and of one that changes.
import { Checkbox, Field } from "../../components";
import { Segments } from "../../components/choices";
import { PickMany } from "../../components/pick";
import { findInstances, instanceName, linesOf } from "../../components/settings";
import { useCall } from "../../api/hooks";
import type { Instance } from "../../api/replies";
import { useTexts } from "../../i18n";
import { websites } from "../../i18n/websites";
import type { Site } from "./replies";

const BOXES_MAX = 12; // instances that have a box each; of more, those chosen are shown and others found
export const PROXY_TYPES = ["http", "https", "websocket", "websockets"] as const;
export interface SiteDraft { instances: string[]; ports: Record<string, string>; kind: string; origins: string }

export const emptyDraft = (instances: string[]): SiteDraft => ({ instances, ports: { http: "80" }, kind: "0", origins: "" });
export const draftOf = (site: Site, instances: string[]): SiteDraft => ({ instances, kind: String(site.RealServers[0]?.RsType ?? 0), origins: site.RealServers.map(({ RealServer }) => RealServer).join("\n"),
	ports: Object.fromEntries(site.ProxyTypes.map(({ ProxyType, ProxyPorts }) => [ProxyType, ProxyPorts.join(" ")])) });
const served = (draft: SiteDraft) => PROXY_TYPES.filter((name) => linesOf(draft.ports[name] ?? "").length > 0);
export const isReady = (draft: SiteDraft) => draft.instances.length > 0 && served(draft).length > 0 && linesOf(draft.origins).length > 0;
/** As CreateDomainResource and ModifyDomainResource take it. */
export const parametersOf = (draft: SiteDraft) => ({ InstanceIds: draft.instances, RsType: Number(draft.kind), RealServers: linesOf(draft.origins),
	ProxyTypes: served(draft).map((name) => ({ ProxyType: name, ProxyPorts: linesOf(draft.ports[name]!).map(Number) })) });

export function SiteFields({ draft, set, instances, readOnly }: { draft: SiteDraft; set: (part: Partial<SiteDraft>) => void; instances: readonly Instance[]; readOnly?: boolean }) {
	const t = useTexts(websites);
	// Those of a site need not be among the newest, which are listed.
	const own = useCall("DescribeInstances", instances.length > BOXES_MAX && draft.instances.length > 0 ? { PageNumber: 1, PageSize: 50, InstanceIds: draft.instances } : undefined);
	const known = own.data?.Instances ?? instances;
	const nameOf = (id: string) => { const row = known.find((one) => one.InstanceId === id); return row ? instanceName(row) : id; };
	return <>
		{instances.length > BOXES_MAX ? <PickMany label={t("instances")} values={draft.instances} nameOf={nameOf} given="instances" find={findInstances} onChange={(ids) => set({ instances: ids })} isDisabled={readOnly ?? false} />
		: <div className="field" role="group" aria-label={t("instances")}><div className="label">{t("instances")}</div>
			{instances.map((row) => <Checkbox key={row.InstanceId} label={`${row.Ip} · ${row.Remark || row.InstanceId}`} value={draft.instances.includes(row.InstanceId)} isDisabled={readOnly ?? false}
				onChange={(on) => set({ instances: on ? [...draft.instances, row.InstanceId] : draft.instances.filter((id) => id !== row.InstanceId) })} />)}</div>}
		<div className="fields">{PROXY_TYPES.map((name) => <Field key={name} label={t("portsOf", { name: name.toUpperCase() })} help={t("portsHelp")} value={draft.ports[name] ?? ""} onChange={(text) => set({ ports: { ...draft.ports, [name]: text } })} />)}</div>
		<div className="row"><Segments label={t("originKind")} value={draft.kind} isDisabled={readOnly ?? false} onChange={(kind) => set({ kind })} choices={[{ id: "0", label: t("byAddress") }, { id: "1", label: t("byName") }]} /></div>
		<Field label={t("origins")} help={t("originsHelp")} rows={3} value={draft.origins} onChange={(origins) => set({ origins })} required />
	</>;
}
