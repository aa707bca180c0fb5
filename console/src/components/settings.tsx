// SPDX-License-Identifier: BSD-2-Clause
// Pieces of pages that configure: a card whose fields are saved together, the choice among all instances, and lists of
// texts by lines. Imported by their pages, not with components/index.
import type { ReactNode } from "react";
import { useAct, useCall, type Followed } from "../api/hooks";
import type { Instance } from "../api/replies";
import { useDraft } from "../drafts";
import { useTexts } from "../i18n";
import { settingsTexts } from "../i18n/settings-card";
import { common } from "../i18n/common";
import { href } from "../router";
import { Button, Empty, LinkButton } from "./basic";
import { ErrorNotice, toast } from "./error";
import { SelectField } from "./fields";
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

/** The caller's instances, and the one of the address or else the first. */
export function useInstances(wanted: string | undefined): { id: string | undefined; instance: Instance | undefined; instances: readonly Instance[]; followed: Followed<{ Instances: Instance[] }> } {
	const followed = useCall("DescribeInstances", { PageNumber: 1, PageSize: 50 }, { every: LIST_MS });
	const instances = followed.data?.Instances ?? [];
	const id = wanted ?? instances[0]?.InstanceId;
	return { id, instance: instances.find((row) => row.InstanceId === id), instances, followed };
}

export function InstanceSelect({ id, instances, onChange }: { id: string; instances: readonly Instance[]; onChange: (id: string) => void }) {
	const t = useTexts(settingsTexts);
	const choices = instances.map((row) => ({ id: row.InstanceId, label: `${row.Ip} · ${row.Remark || row.InstanceId}` }));
	if (!choices.some((choice) => choice.id === id))
		choices.unshift({ id, label: id });
	return <div className="instance-select"><SelectField label={t("instance")} value={id} onChange={onChange} choices={choices} /></div>;
}

export function NoInstance() {
	const t = useTexts(settingsTexts);
	return <Empty title={t("noInstance")} action={<LinkButton to={href("instances")} look="primary">{t("toInstances")}</LinkButton>} />;
}

/** One entry a line, or separated by commas or blanks. */
export const linesOf = (text: string) => text.split(/[\s,;]+/).filter(Boolean);
