// SPDX-License-Identifier: BSD-2-Clause
// Choices that explain themselves: cards, of which one is chosen, and a switch of a few positions.
import type { ReactNode } from "react";
import { Label, Radio, RadioGroup } from "react-aria-components";
import "./settings.css";

export interface ExplainedChoice { id: string; label: string; text?: ReactNode }

export function ChoiceCards({ label, value, onChange, choices, isDisabled }: {
	label: string; value: string; onChange: (value: string) => void; choices: readonly ExplainedChoice[]; isDisabled?: boolean }) {
	return <RadioGroup className="choice-group" value={value} onChange={onChange} isDisabled={isDisabled ?? false}>
		<Label className="label">{label}</Label>
		<div className="choices">{choices.map((choice) => <Radio key={choice.id} value={choice.id} className="choice">
			<strong>{choice.label}</strong>{choice.text && <span>{choice.text}</span>}</Radio>)}</div>
	</RadioGroup>;
}

/** Few positions in a row; the class of a position is its id. */
export function Segments({ label, value, onChange, choices, isDisabled }: {
	label: string; value: string; onChange: (value: string) => void; choices: readonly { id: string; label: string }[]; isDisabled?: boolean }) {
	return <RadioGroup className="segments" orientation="horizontal" aria-label={label} value={value} onChange={onChange} isDisabled={isDisabled ?? false}>
		{choices.map((choice) => <Radio key={choice.id} value={choice.id} className={`segment ${choice.id}`}>{choice.label}</Radio>)}
	</RadioGroup>;
}
