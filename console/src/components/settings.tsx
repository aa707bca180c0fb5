// SPDX-License-Identifier: BSD-2-Clause
// Pieces of pages that configure: a card whose fields are saved together, the choice among all instances, and lists of
// texts by lines. Imported by their pages, not with components/index.
import type { ReactNode } from "react";
import { call } from "../api/client";
import { useAct, useCall, type Followed } from "../api/hooks";
import type { Instance } from "../api/replies";
import { mayCall, useCaller } from "../api/session";
import { useDraft } from "../drafts";
import { useTexts } from "../i18n";
import { settingsTexts } from "../i18n/settings-card";
import { common } from "../i18n/common";
import { href } from "../router";
import { count } from "../time";
import { Button, Empty, LinkButton } from "./basic";
import { ErrorNotice, toast } from "./error";
import { SelectField } from "./fields";
import { among, FOUND_MAX, PickField } from "./pick";
import "./settings.css";

const LIST_MS = 10000; // others make instances, too

/**
 * Fields that are saved together. What the server says is shown until somebody changes a field; from then on the
 * draft, whatever arrives meanwhile, also after another page was looked at. `save` throws ApiError.
 */
export function SettingsCard<T>({ title, hint, value, save, children, readOnly, ready = () => true, wide }: {
	title: string; hint?: ReactNode; value: T; save: (draft: T, before: T) => Promise<unknown>; readOnly?: boolean;
	children: (draft: T, set: (part: Partial<T>) => void) => ReactNode; ready?: (draft: T) => boolean; wide?: boolean }) {
	const t = useTexts(settingsTexts);
	const tc = useTexts(common);
	const [draft, setDraft] = useDraft<T>(title);
	const dirty = draft !== undefined && JSON.stringify(draft) !== JSON.stringify(value);
	const saving = useAct(async () => {
		await save(draft!, value);
		setDraft(undefined);
		toast.done(t("saved", { title }));
	});
	const shown = draft ?? value;
	return <section className={`card${wide ? " wide" : ""}`} aria-label={title}>
		<div className="card-head"><h2>{title}</h2></div>
		{hint && <p className="quiet-text">{hint}</p>}
		<form className="form" noValidate onSubmit={(event) => { event.preventDefault(); if (dirty && ready(shown)) void saving.run(); }}>
			<fieldset disabled={readOnly} className="bare-fieldset">{children(shown, (part) => setDraft({ ...shown, ...part }))}</fieldset>
			<ErrorNotice error={saving.error} />
			{dirty && !readOnly && <div className="dialog-actions"><span className="unsaved" role="status">{tc("unsaved")}</span><Button onPress={() => { setDraft(undefined); saving.clear(); }}>{tc("cancel")}</Button>
				<Button type="submit" look="primary" busy={saving.busy} isDisabled={!ready(shown)}>{tc("save")}</Button></div>}
		</form>
	</section>;
}

const LISTED_MAX = 50; // as many instances as one call lists

export const instanceName = (row: Instance) => `${row.Ip} · ${row.Remark || row.InstanceId}`;

/** What DescribeInstances is asked for by what somebody typed. */
export function instanceFilter(typed: string): { Ip?: string; InstanceIds?: string[]; Remark?: string } {
	const word = typed.trim();
	if (!word)
		return {};
	if (/^ddos/i.test(word))
		return { InstanceIds: [word] };
	return /^[0-9a-f.:]*[.:][0-9a-f.:]*$/i.test(word) ? { Ip: word } : { Remark: word };
}

/** The caller's newest instances, how many there are, and the one of the address or else the first. */
export function useInstances(wanted: string | undefined): { id: string | undefined; instance: Instance | undefined; instances: readonly Instance[]; total: number; followed: Followed<{ Instances: Instance[] }> } {
	const followed = useCall("DescribeInstances", { PageNumber: 1, PageSize: LISTED_MAX }, { every: LIST_MS });
	const instances = followed.data?.Instances ?? [];
	const id = wanted ?? instances[0]?.InstanceId;
	const listed = instances.find((row) => row.InstanceId === id);
	const alone = useCall("DescribeInstances", id && followed.data && !listed ? { PageNumber: 1, PageSize: 1, InstanceIds: [id] } : undefined);
	return { id, instance: listed ?? alone.data?.Instances[0], instances, total: followed.data?.TotalCount ?? 0, followed };
}

export const findInstances = async (typed: string, signal: AbortSignal) =>
	(await call("DescribeInstances", { PageNumber: 1, PageSize: FOUND_MAX, ...instanceFilter(typed) }, { signal })).Instances.map((row) => ({ id: row.InstanceId, label: instanceName(row) }));

/** A menu while all instances are listed; with more of them, found by typing. */
export function InstanceSelect({ id, instance, instances, total, onChange, label }: { id: string; instance: Instance | undefined; instances: readonly Instance[]; total: number; onChange: (id: string) => void; label?: string }) {
	const t = useTexts(settingsTexts);
	if (total > LISTED_MAX)
		return <div className="instance-select"><PickField label={label ?? t("instance")} value={id} valueLabel={instance ? instanceName(instance) : id} onChange={onChange} find={findInstances} given="instances" hint={t("findInstance", { n: count(total) })} /></div>;
	const choices = instances.map((row) => ({ id: row.InstanceId, label: instanceName(row) }));
	if (!choices.some((choice) => choice.id === id))
		choices.unshift({ id, label: id });
	return <div className="instance-select"><SelectField label={label ?? t("instance")} value={id} onChange={onChange} choices={choices} /></div>;
}

const SITES_IN_MENU_MAX = 50;

/** A web site: by a menu, or with many of them found by typing. */
export function SiteSelect({ label, domain, all, onChange }: { label: string; domain: string; all: readonly string[]; onChange: (domain: string) => void }) {
	const t = useTexts(settingsTexts);
	return <div className="instance-select">{all.length > SITES_IN_MENU_MAX
		? <PickField label={label} value={domain} valueLabel={domain} onChange={onChange} find={among(all)} given={`${all.length} sites`} hint={t("findSite", { n: count(all.length) })} />
		: <SelectField label={label} value={domain} onChange={onChange} choices={[...new Set([domain, ...all])].map((id) => ({ id, label: id }))} />}</div>;
}

export function NoInstance() {
	const t = useTexts(settingsTexts);
	const caller = useCaller();
	const may = mayCall(caller, "CreateInstance") && caller.InstanceIds.length === 0;
	return <Empty title={t("noInstance")} action={may ? <LinkButton to={href("instances", "new")} look="primary">{t("createInstance")}</LinkButton>
		: <LinkButton to={href("instances")}>{t("toInstances")}</LinkButton>}>{t(may ? "noInstanceText" : "noInstanceAsk")}</Empty>;
}

/** One entry a line, or separated by commas or blanks. */
export const linesOf = (text: string) => text.split(/[\s,;]+/).filter(Boolean);
