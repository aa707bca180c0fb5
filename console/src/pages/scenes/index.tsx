// SPDX-License-Identifier: BSD-2-Clause
// Policies for a time: which sites, what is relaxed, from when until when.
import { useState } from "react";
import { call, machineNow } from "../../api/client";
import { useAct, useCall, useFollow } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Badge, Button, Checkbox, DangerDialog, Empty, ErrorNotice, Field, FormDialog, Loading, PageHead, Table, toast, type Tone } from "../../components";
import { ChoiceCards } from "../../components/choices";
import { among, PickMany } from "../../components/pick";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { sceneTexts } from "../../i18n/scenes";
import { shell } from "../../i18n/shell";
import { dateTime } from "../../time";

export interface Scene { PolicyId: string; Name: string; Template: "promotion" | "bypass"; StartTime: number; EndTime: number; Status: 0 | 1 | 2 | 3; ObjectCount: number }
declare module "../../api/replies" {
	interface Replies {
		DescribeSceneDefensePolicies: { Policies: Scene[] };
		DescribeSceneDefenseObjects: { Objects: { Domain: string }[] };
	}
}
const TONES: Tone[] = ["neutral", "info", "good", "neutral"];
const EVERY_MS = 5000, HOUR_MS = 3600000;
const BOXES_MAX = 12; // sites that have a box each; more are found by typing
const SITES_SHOWN = 5;
const MINUTE_CHARS = 16; // of "2026-11-29T15:30"

/** The browser's own time, as <input type=datetime-local> has it. */
const localText = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, MINUTE_CHARS);

interface Draft { id?: string; name: string; template: "promotion" | "bypass"; from: string; until: string; sites: string[]; before: string[] }

function TimeField({ label, value, onChange, error }: { label: string; value: string; onChange: (value: string) => void; error?: string | undefined }) {
	return <label className="field"><span className="label">{label}</span><input className="input" type="datetime-local" value={value} required onChange={(event) => onChange(event.target.value)} aria-invalid={!!error} />
		{error && <span className="field-error">{error}</span>}</label>;
}

async function readAll(signal: AbortSignal) {
	const { Policies } = await call("DescribeSceneDefensePolicies", {}, { signal });
	return Promise.all(Policies.map(async (policy) => ({ ...policy, sites: policy.ObjectCount === 0 ? []
		: (await call("DescribeSceneDefenseObjects", { PolicyId: policy.PolicyId }, { signal })).Objects.map(({ Domain }) => Domain) })));
}
type Row = Awaited<ReturnType<typeof readAll>>[number];

async function saveDraft(draft: Draft) {
	const parameters = { Name: draft.name.trim(), Template: draft.template, StartTime: Date.parse(draft.from), EndTime: Date.parse(draft.until) };
	let id = draft.id;
	if (id) {
		await call("ModifySceneDefensePolicy", { PolicyId: id, ...parameters });
	} else {
		// The reply does not tell the new policy's id.
		const known = new Set((await call("DescribeSceneDefensePolicies", {})).Policies.map(({ PolicyId }) => PolicyId));
		await call("CreateSceneDefensePolicy", parameters);
		id = (await call("DescribeSceneDefensePolicies", {})).Policies.find(({ PolicyId, Name }) => !known.has(PolicyId) && Name === parameters.Name)?.PolicyId;
	}
	const added = draft.sites.filter((site) => !draft.before.includes(site)), gone = draft.before.filter((site) => !draft.sites.includes(site));
	if (id && added.length > 0)
		await call("AttachSceneDefenseObject", { PolicyId: id, ObjectType: "Domain", Objects: added.join(",") });
	if (id && gone.length > 0)
		await call("DetachSceneDefenseObject", { PolicyId: id, ObjectType: "Domain", Objects: gone.join(",") });
}

export default function ScenesPage() {
	const t = useTexts(sceneTexts);
	const tc = useTexts(common);
	const ts = useTexts(shell);
	const readOnly = !mayBe(useCaller(), "full");
	const [draft, setDraft] = useState<Draft>();
	const [enabling, setEnabling] = useState<Row>();
	const [deleting, setDeleting] = useState<Row>();
	const policies = useFollow("scenes", readAll, EVERY_MS);
	const domains = useCall("DescribeDomains", {});
	const all = (domains.data?.Domains ?? []) as string[];
	const turn = useAct((row: Row, on: boolean) => on ? call("EnableSceneDefensePolicy", { PolicyId: row.PolicyId }) : call("DisableSceneDefensePolicy", { PolicyId: row.PolicyId }));
	const fresh = (): Draft => ({ name: "", template: "promotion", from: localText(machineNow() + 600000), until: localText(machineNow() + 600000 + 2 * HOUR_MS), sites: [], before: [] });
	const edit = (row: Row) => setDraft({ id: row.PolicyId, name: row.Name, template: row.Template, from: localText(row.StartTime), until: localText(row.EndTime), sites: row.sites, before: row.sites });
	const ordered = !!draft && Date.parse(draft.from) < Date.parse(draft.until);
	return <>
		<PageHead title={ts("scenes")} hint={t("hint")} actions={!readOnly && <Button look="primary" onPress={() => setDraft(fresh())}>{t("add")}</Button>} />
		<ErrorNotice error={policies.error ?? turn.error} />
		{policies.loading ? <Loading /> : <Table label={ts("scenes")} rows={policies.data ?? []} rowKey={(row) => row.PolicyId} empty={!policies.error && <Empty title={t("none")}>{t("noneText")}</Empty>} columns={[
			{ id: "name", head: t("name"), main: true, cell: (row) => row.Name, sort: (row) => row.Name },
			{ id: "template", head: t("template"), cell: (row) => t(`t.${row.Template}`) },
			{ id: "time", head: t("from"), cell: (row) => t("times", { from: dateTime(row.StartTime, false), until: dateTime(row.EndTime, false) }), sort: (row) => row.StartTime },
			{ id: "sites", head: t("sites"), cell: (row) => (row.sites.slice(0, SITES_SHOWN).join(", ") || "–") + (row.sites.length > SITES_SHOWN ? ` +${row.sites.length - SITES_SHOWN}` : "") },
			{ id: "status", head: t("status"), cell: (row) => <Badge tone={TONES[row.Status] ?? "neutral"}>{t(`s.${row.Status}`)}</Badge>, sort: (row) => row.Status },
			...(readOnly ? [] : [{ id: "act", head: tc("actions"), number: true, cell: (row: Row) => <span className="row">
				{row.Status !== 3 && <Button look="quiet" isDisabled={turn.busy} aria-label={`${t(row.Status === 0 ? "enable" : "disable")}: ${row.Name}`} onPress={() => row.Status !== 0 ? void turn.run(row, false) : row.Template === "bypass" ? setEnabling(row) : void turn.run(row, true)}>{t(row.Status === 0 ? "enable" : "disable")}</Button>}
				<Button look="quiet" aria-label={`${tc("edit")}: ${row.Name}`} onPress={() => edit(row)}>{tc("edit")}</Button>
				<Button look="quiet" aria-label={`${tc("delete")}: ${row.Name}`} onPress={() => setDeleting(row)}>{tc("delete")}</Button></span> }]),
		]} />}
		<FormDialog title={draft?.id ? t("edit", { name: draft.name }) : t("add")} open={!!draft} onClose={() => setDraft(undefined)} submit={tc("save")} ready={ordered && !!draft?.name.trim()}
			act={async () => {
				await saveDraft(draft!);
				toast.done(t("saved", { name: draft!.name.trim() }));
			}}>
			{draft && <><Field label={t("name")} name="scenename" value={draft.name} onChange={(name) => setDraft({ ...draft, name })} required autoFocus maxLength={128} />
				<ChoiceCards label={t("template")} value={draft.template} onChange={(template) => setDraft({ ...draft, template: template as "promotion" })} choices={(["promotion", "bypass"] as const).map((id) => ({ id, label: t(`t.${id}`), text: t(`t.${id}.text`) }))} />
				<div className="fields"><TimeField label={t("from")} value={draft.from} onChange={(from) => setDraft({ ...draft, from })} />
					<TimeField label={t("until")} value={draft.until} onChange={(until) => setDraft({ ...draft, until })} error={ordered ? undefined : t("order")} /></div>
				{all.length > BOXES_MAX ? <PickMany label={t("sites")} values={draft.sites} nameOf={(site) => site} given={`${all.length} sites`} find={among(all)} onChange={(sites) => setDraft({ ...draft, sites })} />
				: <div className="field" role="group" aria-label={t("sites")}><span className="label">{t("sites")}</span>{all.length === 0 && <span className="quiet-text">{t("noSites")}</span>}
					{all.length <= BOXES_MAX && all.map((site) => <Checkbox key={site} label={site} value={draft.sites.includes(site)} onChange={(on) => setDraft({ ...draft, sites: on ? [...draft.sites, site] : draft.sites.filter((other) => other !== site) })} />)}</div>}</>}
		</FormDialog>
		<DangerDialog title={t("danger", { name: enabling?.Name ?? "" })} open={!!enabling} onClose={() => setEnabling(undefined)} name={enabling?.Name ?? ""} submit={t("enable")} act={() => call("EnableSceneDefensePolicy", { PolicyId: enabling!.PolicyId })}>
			<p>{t("dangerText")} {enabling?.sites.join(", ")}</p></DangerDialog>
		<DangerDialog title={t("deleteTitle", { name: deleting?.Name ?? "" })} open={!!deleting} onClose={() => setDeleting(undefined)} name={deleting?.Name ?? ""} submit={tc("delete")}
			act={async () => {
				await call("DeleteSceneDefensePolicy", { PolicyId: deleting!.PolicyId });
				toast.done(t("deleted", { name: deleting!.Name }));
			}}><p>{t("deleteText")}</p></DangerDialog>
	</>;
}
