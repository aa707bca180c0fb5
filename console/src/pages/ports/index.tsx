// SPDX-License-Identifier: BSD-2-Clause
// Port rules of an instance: list, new one, and by path one of them ("#/ports/INSTANCE/tcp-80").
import { useState } from "react";
import { call, callAll } from "../../api/client";
import { useFollow } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Button, Empty, ErrorNotice, Field, FormDialog, Loading, PageHead, Table, toast } from "../../components";
import { Segments } from "../../components/choices";
import { InstanceSelect, linesOf, NoInstance, useInstances } from "../../components/settings";
import { useTexts } from "../../i18n";
import { ports } from "../../i18n/ports";
import { shell } from "../../i18n/shell";
import { go, href, type Route } from "../../router";
import { HealthBadge, PortDetail, rulesOf } from "./detail";
import { keyText, portText, ruleKey } from "./replies";
import { formName, TemplateChoice } from "./template";

const LIST_MS = 5000;

async function read(id: string, signal: AbortSignal) {
	const rules = await rulesOf(id, signal);
	const names = rules.map(({ InstanceId, Protocol, FrontendPort }) => ({ InstanceId, Protocol, FrontendPort }));
	const [status, forwarding] = await Promise.all([
		names.length > 0 ? call("DescribeHealthCheckStatus", { NetworkRules: JSON.stringify(names) }, { signal }).then((reply) => reply.HealthCheckStatus) : [],
		callAll("DescribeRuleForwarding", { InstanceId: id }, (reply) => reply.NetworkRules, { signal, pageSize: 100 })]);
	return rules.map((rule) => {
		const of = (other: { Protocol: string; FrontendPort: number }) => keyText(other) === keyText(rule);
		return { ...rule, status: status.find(of)?.RealServerStatusList ?? [], forwarding: forwarding.find(of) };
	});
}

function NewPort({ id, open, onClose }: { id: string; open: boolean; onClose: () => void }) {
	const t = useTexts(ports);
	const [draft, setDraft] = useState({ protocol: "tcp" as "tcp" | "udp", port: "", backend: "", origins: "", form: "none" });
	const set = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
	const port = Number(draft.port);
	const valid = (text: string) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
	return <FormDialog title={t("add")} open={open} onClose={onClose} submit={t("add")} ready={valid(draft.port) && (draft.backend === "" || valid(draft.backend)) && linesOf(draft.origins).length > 0}
		act={async () => {
			await call("CreatePort", { InstanceId: id, FrontendProtocol: draft.protocol, FrontendPort: port, BackendPort: Number(draft.backend || draft.port), RealServers: linesOf(draft.origins) });
			if (draft.form !== "none")
				await call("ConfigRuleForwarding", { InstanceId: id, ForwardProtocol: draft.protocol, FrontendPort: port, PayloadForm: draft.form, ...(draft.protocol === "udp" ? { Challenge: "on" as const } : {}) });
			toast.done(t("created", { port: `${draft.port}/${draft.protocol}` }));
			setDraft({ ...draft, port: "", backend: "", form: "none" });
		}}>
		<Segments label={t("protocol")} value={draft.protocol} onChange={(protocol) => set({ protocol: protocol as "tcp", form: "none" })} choices={[{ id: "tcp", label: "TCP" }, { id: "udp", label: "UDP" }]} />
		<div className="fields">
			<Field label={t("port")} name="port" value={draft.port} onChange={(text) => set({ port: text })} inputMode="numeric" required autoFocus error={draft.port && !valid(draft.port) ? t("portError") : undefined} />
			<Field label={t("backend")} name="backend" help={t("backendSame")} value={draft.backend} onChange={(backend) => set({ backend })} inputMode="numeric" error={draft.backend && !valid(draft.backend) ? t("portError") : undefined} />
		</div>
		<Field label={t("origins")} name="origins" help={t("originsHelp")} rows={3} value={draft.origins} onChange={(origins) => set({ origins })} required />
		<TemplateChoice protocol={draft.protocol} value={draft.form} onChange={(form) => set({ form })} />
	</FormDialog>;
}

function PortList({ id }: { id: string }) {
	const t = useTexts(ports);
	const rules = useFollow(`ports ${id}`, (signal) => read(id, signal), LIST_MS);
	return <>
		<ErrorNotice error={rules.error} retry={rules.refresh} />
		{rules.loading ? <Loading /> : <Table label={t("back")} rows={rules.data ?? []} rowKey={keyText} onRow={(row) => href("ports", id, keyText(row))}
			empty={!rules.error && <Empty title={t("none")}>{t("noneText")}</Empty>} columns={[
				{ id: "port", head: t("port"), main: true, cell: (row) => portText(row), sort: (row) => row.FrontendPort },
				{ id: "origins", head: t("origins"), cell: (row) => <span>{row.RealServers.slice(0, 3).join(", ")}{row.RealServers.length > 3 && ` +${row.RealServers.length - 3}`} <span className="quiet-text">:{row.BackendPort}</span></span> },
				{ id: "health", head: t("health"), cell: (row) => <HealthBadge all={row.status.length} down={row.status.filter(({ Status }) => Status !== "normal").length} />, sort: (row) => row.status.filter(({ Status }) => Status !== "normal").length },
				{ id: "form", head: t("template"), cell: (row) => row.forwarding && row.forwarding.PayloadForm !== "none" ? formName(row.forwarding.PayloadForm) : <span className="quiet-text">{formName("none")}</span>, sort: (row) => row.forwarding?.PayloadForm ?? "" },
				{ id: "remark", head: t("remark"), cell: (row) => row.Remark || <span className="quiet-text">–</span>, sort: (row) => row.Remark },
			]} />}
	</>;
}

export default function PortsPage({ route }: { route: Route }) {
	const t = useTexts(ports);
	const ts = useTexts(shell);
	const full = mayBe(useCaller(), "full");
	const [adding, setAdding] = useState(false);
	const { id, instance, instances, total, followed } = useInstances(route.path[1]);
	const rule = id && route.path[2] ? ruleKey(id, route.path[2]) : undefined;
	if (rule)
		return <PortDetail key={keyText(rule)} rule={rule} />;
	return <>
		<PageHead title={ts("ports")} hint={t("hint")} actions={id && full && <Button look="primary" onPress={() => setAdding(true)}>{t("add")}</Button>} />
		<ErrorNotice error={followed.error} />
		{id ? <>
			<InstanceSelect id={id} instance={instance} instances={instances} total={total} onChange={(next) => go("ports", next)} />
			<PortList id={id} />
			<NewPort id={id} open={adding} onClose={() => setAdding(false)} />
		</> : followed.loading ? <Loading /> : !followed.error && <NoInstance />}
	</>;
}
