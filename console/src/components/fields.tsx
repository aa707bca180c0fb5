// SPDX-License-Identifier: BSD-2-Clause
// Form fields: label, input, help, error, tied together by react-aria. ParameterField makes the right one from a row
// of the control's own table, so ranges, choices and help cannot drift from what the API accepts.
import { createContext, useContext, type ReactNode } from "react";
import { Button, Checkbox as AriaCheckbox, FieldError, Input, Label, ListBox, ListBoxItem, Popover, Select, SelectValue,
	Switch as AriaSwitch, Text, TextArea, TextField } from "react-aria-components";
import type { ApiError } from "../api/client";
import { common } from "../i18n/common";
import { useTexts } from "../i18n";

/** What was refused last of the form around: a refusal begins with the parameter's name, and belongs to its field. */
export const Refused = createContext<ApiError | undefined>(undefined);

function useRefusal(parameter: string | undefined): string | undefined {
	const error = useContext(Refused);
	return parameter && error && new RegExp(`^${parameter}\\b`).test(error.message) ? error.message : undefined;
}

interface FieldProps {
	label: string;
	help?: ReactNode | undefined;
	error?: string | undefined;
	required?: boolean;
	isDisabled?: boolean;
	name?: string;
}

function LabelText({ label, required }: { label: string; required?: boolean | undefined }) {
	const t = useTexts(common);
	return <Label className="label">{label}{!required && <span className="optional"> · {t("optional")}</span>}</Label>;
}

export function Field({ label, help, error: found, parameter, required, value, onChange, type = "text", rows, placeholder, autoComplete,
	inputMode, maxLength, autoFocus, isDisabled, name }: FieldProps & {
	/** As refusals of the API name it. */
	parameter?: string;
	value: string; onChange: (value: string) => void; type?: "text" | "password" | "search"; rows?: number; placeholder?: string;
	autoComplete?: string; inputMode?: "numeric" | "text"; maxLength?: number; autoFocus?: boolean }) {
	const refusal = useRefusal(parameter);
	const error = found ?? refusal;
	return <TextField className="field" value={value} onChange={onChange} isInvalid={!!error} isRequired={required ?? false}
		type={type} autoComplete={autoComplete ?? "off"} isDisabled={isDisabled ?? false} validationBehavior="aria"
		{...(maxLength ? { maxLength } : {})} {...(name ? { name } : {})} {...(inputMode ? { inputMode } : {})} autoFocus={autoFocus ?? false}>
		<LabelText label={label} required={required} />
		{rows ? <TextArea className="input" rows={rows} placeholder={placeholder} />
			: <Input className="input" placeholder={placeholder} spellCheck={false} />}
		{help && help !== error && <Text slot="description" className="help">{help}</Text>}
		<FieldError className="field-error">{error}</FieldError>
	</TextField>;
}

export interface Choice { id: string; label: string }

export function SelectField({ label, help, error, required = true, value, onChange, choices, isDisabled, hideLabel }: FieldProps & {
	value: string; onChange: (value: string) => void; choices: readonly Choice[]; hideLabel?: boolean }) {
	return <Select className="field" value={value} onChange={(key) => onChange(String(key))} isInvalid={!!error}
		isDisabled={isDisabled ?? false} {...(hideLabel ? { "aria-label": label } : {})}>
		{!hideLabel && <LabelText label={label} required={required} />}
		<Button className="input select"><SelectValue /><span aria-hidden="true" className="chevron">▾</span></Button>
		{help && <Text slot="description" className="help">{help}</Text>}
		<FieldError className="field-error">{error}</FieldError>
		<Popover className="popover"><ListBox className="list-box" items={choices}>
			{(choice) => <ListBoxItem id={choice.id} className="list-item">{choice.label}</ListBoxItem>}
		</ListBox></Popover>
	</Select>;
}

export function Switch({ label, help, value, onChange, isDisabled }: Omit<FieldProps, "required"> & {
	value: boolean; onChange: (value: boolean) => void }) {
	return <div className="field">
		<AriaSwitch className="switch" isSelected={value} onChange={onChange} isDisabled={isDisabled ?? false}>
			<span className="track" aria-hidden="true" /><span>{label}</span></AriaSwitch>
		{help && <div className="help">{help}</div>}
	</div>;
}

export function Checkbox({ label, help, value, onChange, isDisabled }: Omit<FieldProps, "required"> & {
	value: boolean; onChange: (value: boolean) => void }) {
	return <div className="field">
		<AriaCheckbox className="checkbox" isSelected={value} onChange={onChange} isDisabled={isDisabled ?? false}>
			<span className="box" aria-hidden="true" /><span>{label}</span></AriaCheckbox>
		{help && <div className="help">{help}</div>}
	</div>;
}
