// SPDX-License-Identifier: BSD-2-Clause
// One of so many that a menu of all would help nobody: found by typing a part of its name. Imported by who needs it.
import { useEffect, useState } from "react";
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from "react-aria-components";
import { useFollow } from "../api/hooks";
import { useTexts } from "../i18n";
import { settingsTexts } from "../i18n/settings-card";
import type { Choice } from "./fields";

export const FOUND_MAX = 50;
const TYPING_MS = 200;

/** What somebody is typing, once he pauses. */
function useSettled(text: string): string {
	const [settled, setSettled] = useState(text);
	useEffect(() => {
		const timer = setTimeout(() => setSettled(text), TYPING_MS);
		return () => clearTimeout(timer);
	}, [text]);
	return settled;
}

/** `find` gives at most FOUND_MAX choices for a text; `given` names the set it finds in, and so when to find anew. */
export function PickField({ label, value, valueLabel, onChange, find, given, hint, byTyping, isDisabled }: {
	label: string; value: string; valueLabel: string; onChange: (id: string) => void; given: string; hint?: string; byTyping?: boolean; isDisabled?: boolean;
	find: (typed: string, signal: AbortSignal) => Promise<readonly Choice[]> }) {
	const t = useTexts(settingsTexts);
	const [typed, setTyped] = useState<string>(); // undefined: nothing, the value's name is shown
	const wanted = useSettled(typed ?? "");
	const found = useFollow(`pick ${given} ${wanted}`, (signal) => find(wanted.trim(), signal));
	const settled = wanted === (typed ?? ""); // what is listed is what was asked for: Enter must not choose of an older list
	const listed = settled ? found.data ?? [] : [];
	// The present one is always among them: without it the field could not be left by Escape.
	const items = value === "" || listed.some(({ id }) => id === value) ? listed : [...listed, { id: value, label: valueLabel }];
	useEffect(() => setTyped(undefined), [value]);
	return <ComboBox className="field pick" menuTrigger={byTyping ? "input" : "focus"} allowsEmptyCollection isDisabled={isDisabled ?? false} items={items}
		inputValue={typed ?? valueLabel} onInputChange={(text) => setTyped(text === valueLabel ? undefined : text)} value={value}
		onChange={(key) => { setTyped(undefined); if (key !== null && key !== value) onChange(String(key)); }}
		onOpenChange={(open) => { setTyped((old) => open ? old ?? "" : undefined); }}>
		<Label className="label">{label}</Label>
		<div className="pick-box"><Input className="input" spellCheck={false} /><Button className="pick-open"><span aria-hidden="true">▾</span></Button></div>
		<Text slot="description" className="help">{hint ?? t("typeToFind")}</Text>
		<Popover className="popover"><ListBox<Choice> className="list-box" renderEmptyState={() => <p className="pick-none">{found.loading || !settled ? t("finding") : t("foundNone")}</p>}>
			{(choice) => <ListBoxItem id={choice.id} className="list-item">{choice.label}</ListBoxItem>}</ListBox></Popover>
	</ComboBox>;
}

/** Several of many: those chosen as tags, another one found by typing. */
export function PickMany({ label, values, nameOf, onChange, find, given, isDisabled }: {
	label: string; values: readonly string[]; nameOf: (id: string) => string; onChange: (values: string[]) => void; given: string; isDisabled?: boolean;
	find: (typed: string, signal: AbortSignal) => Promise<readonly Choice[]> }) {
	const t = useTexts(settingsTexts);
	return <div className="field" role="group" aria-label={label}><span className="label">{label}</span>
		<ul className="row">{values.length === 0 && <li className="quiet-text">{t("chosenNone")}</li>}
			{values.map((id) => <li key={id} className="tag"><span>{nameOf(id)}</span>
				{!isDisabled && <button type="button" aria-label={t("notThis", { name: nameOf(id) })} onClick={() => onChange(values.filter((other) => other !== id))}>×</button>}</li>)}</ul>
		{!isDisabled && <PickField key={values.join()} byTyping label={t("another")} value="" valueLabel="" given={given} onChange={(id) => { if (!values.includes(id)) onChange([...values, id]); }} find={find} />}
	</div>;
}

/** To find in a list that is here already. */
export const among = (all: readonly string[]) => (typed: string) => {
	const word = typed.toLowerCase();
	return Promise.resolve(all.filter((name) => name.toLowerCase().includes(word)).slice(0, FOUND_MAX).map((id) => ({ id, label: id })));
};
