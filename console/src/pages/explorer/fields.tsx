// SPDX-License-Identifier: BSD-2-Clause
// The form of an action: a field for each row of its table, with what is known of ids offered to choose from.
import { useId } from "react";
import { Button as AriaButton, FieldError, Input, Label, Text, TextArea, TextField } from "react-aria-components";
import { Button, Field, SelectField } from "../../components";
import { isTime, partsOf, timeUnitMs, wholeMinutes, type ObjectRow, type Problem, type Value, type Values } from "../../explorer/form";
import { isSecret, type Action, type Param } from "../../explorer/schema";
import { type Sample } from "../../explorer/shape";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { explorer } from "../../i18n/explorer";
import { DocumentField } from "./document";

export interface Known {
	instances: readonly string[];
	domains: readonly string[];
	sample: Sample;
	nowMs: number;
}

/** Ids that exist, for the parameters that take one. */
function offered(param: Param, known: Known): readonly string[] {
	if (/^(InstanceId|InstanceIds|InstanceIDs|ResourceIds)$/.test(param.name))
		return known.instances;
	return /^(Domain|Domains)$/.test(param.name) ? known.domains : [];
}

function useProblemText() {
	const t = useTexts(explorer);
	return (problem: Problem | undefined) => problem && `${problem.where}${problem.where && " "}${
		t(`what.${problem.what}`, { expected: problem.expected })}`;
}

interface FieldProps {
	param: Param;
	value: Value;
	known: Known;
	error?: string | undefined;
	onChange: (value: Value) => void;
}

function Suggested({ label, help, required, error, value, choices, onChange }: { label: string; help?: string; required: boolean;
	error?: string | undefined; value: string; choices: readonly string[]; onChange: (text: string) => void }) {
	const t = useTexts(common);
	const id = useId();
	return <TextField className="field" value={value} onChange={onChange} isInvalid={!!error} isRequired={required} validationBehavior="aria">
		<Label className="label">{label}{!required && <span className="optional"> · {t("optional")}</span>}</Label>
		<Input className="input" list={id} spellCheck={false} autoComplete="off" />
		{help && <Text slot="description" className="help">{help}</Text>}
		<FieldError className="field-error">{error}</FieldError>
		<datalist id={id}>{choices.map((choice) => <option key={choice} value={choice} />)}</datalist>
	</TextField>;
}

const pad = (n: number) => String(n).padStart(2, "0");
/** What <input type="datetime-local"> takes, in the browser's zone. */
function localMinute(ms: number): string {
	const d = new Date(ms);
	return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

function TimeField({ param, text, error, known, onChange }: { param: Param; text: string; error?: string | undefined; known: Known;
	onChange: (text: string) => void }) {
	const t = useTexts(explorer);
	const unit = timeUnitMs(param);
	const ms = /^\d{1,14}$/.test(text) ? Number(text) * unit : NaN;
	const set = (at: number) => onChange(String(wholeMinutes(at) / unit));
	return <div className="x-time">
		<Field label={param.name} required={param.required} inputMode="numeric" value={text} error={error} onChange={onChange}
			help={`${param.help} · ${t(unit === 1 ? "milliseconds" : "seconds")}`} />
		<div className="row">
			<input type="datetime-local" className="input x-date" aria-label={t("timeAs", { name: param.name })} step={60}
				value={Number.isFinite(ms) && ms < 8.64e15 ? localMinute(ms) : ""}
				onChange={(event) => { if (event.target.value) set(new Date(event.target.value).getTime()); }} />
			<Button look="quiet" onPress={() => set(known.nowMs)}>{t("now")}</Button>
			<Button look="quiet" onPress={() => set(known.nowMs - 3600_000)}>−1 h</Button>
		</div>
	</div>;
}

function SecretArea({ param, text, onChange }: { param: Param; text: string; onChange: (text: string) => void }) {
	if (param.name !== "Key")
		return <Field type="password" label={param.name} required={param.required} help={param.help} value={text} onChange={onChange} />;
	return <TextField className="field" value={text} onChange={onChange}>
		<Label className="label">{param.name}</Label><TextArea className="input" rows={4} spellCheck="false" autoComplete="off" />
		<Text slot="description" className="help">{param.help}</Text></TextField>;
}

function TextParam({ param, value, known, error, onChange }: FieldProps & { value: Value & { is: "text" } }) {
	const t = useTexts(explorer);
	const set = (text: string) => onChange({ is: "text", text });
	const choices = offered(param, known);
	const ends = param.default === undefined ? param.help : `${param.help} · ${t("byDefault", { value: param.default })}`;
	if (isSecret(param.name))
		return <SecretArea param={param} text={value.text} onChange={set} />;
	if (param.kind === "choice" || param.kind === "bool") {
		const words = param.kind === "bool" ? ["true", "false"] : param.choices.split(" ");
		return <SelectField label={param.name} help={ends} required={param.required} error={error} value={value.text || "-"}
			onChange={(id) => set(id === "-" ? "" : id)}
			choices={[{ id: "-", label: `– ${t("unset")}` }, ...words.map((id) => ({ id, label: id }))]} />;
	}
	if (isTime(param))
		return <TimeField param={param} text={value.text} error={error} known={known} onChange={set} />;
	if (choices.length > 0)
		return <Suggested label={param.name} help={ends} required={param.required} error={error} value={value.text} choices={choices} onChange={set} />;
	const range = param.kind === "int" && param.max !== 0 ? ` · ${param.min}..${param.max > 2 ** 53 ? "" : param.max}` : "";
	return <Field label={param.name} required={param.required} error={error} help={ends + range} value={value.text} onChange={set}
		inputMode={param.kind === "int" ? "numeric" : "text"} />;
}

function Rows({ param, error, count, onAdd, children }: { param: Param; error?: string | undefined; count: number; onAdd: () => void;
	children: React.ReactNode }) {
	const t = useTexts(explorer);
	const tc = useTexts(common);
	return <fieldset className="field x-rows">
		<legend className="label">{param.name}{!param.required && <span className="optional"> · {tc("optional")}</span>}</legend>
		<div className="help">{param.help}</div>
		{children}
		<div className="row"><Button look="quiet" aria-label={t("addTo", { name: param.name })} onPress={onAdd}
			isDisabled={count >= (param.max || 200)}>+ {t("addRow")}</Button></div>
		{error && <div className="field-error">{error}</div>}
	</fieldset>;
}

function Remove({ name, onPress }: { name: string; onPress: () => void }) {
	const t = useTexts(explorer);
	return <AriaButton className="button quiet x-remove" aria-label={t("removeRow", { name })} onPress={onPress}>×</AriaButton>;
}

const without = <T,>(list: readonly T[], i: number) => list.filter((_, k) => k !== i);
const replaced = <T,>(list: readonly T[], i: number, item: T) => list.map((old, k) => (k === i ? item : old));

function ListParam({ param, value, known, error, onChange }: FieldProps & { value: Value & { is: "list" } }) {
	const choices = offered(param, known);
	const set = (items: string[]) => onChange({ is: "list", items });
	return <Rows param={param} error={error} count={value.items.length} onAdd={() => set([...value.items, choices.find((id) => !value.items.includes(id)) ?? ""])}>
		{value.items.map((item, i) => <div key={i} className="x-item">
			<Suggested label={`${param.name}.${i + 1}`} required value={item} choices={choices} onChange={(text) => set(replaced(value.items, i, text))} />
			<Remove name={`${param.name}.${i + 1}`} onPress={() => set(without(value.items, i))} />
		</div>)}
	</Rows>;
}

function PairsParam({ param, value, error, onChange }: FieldProps & { value: Value & { is: "pairs" } }) {
	const [first, second] = partsOf(param);
	const set = (rows: [string, string][]) => onChange({ is: "pairs", rows });
	return <Rows param={param} error={error} count={value.rows.length} onAdd={() => set([...value.rows, ["", ""]])}>
		{value.rows.map(([key, text], i) => <div key={i} className="x-pair">
			<Field label={`${i + 1}.${first}`} required value={key} onChange={(next) => set(replaced(value.rows, i, [next, text]))} />
			<Field label={`${i + 1}.${second}`} required value={text} onChange={(next) => set(replaced(value.rows, i, [key, next]))} />
			<Remove name={`${param.name}.${i + 1}`} onPress={() => set(without(value.rows, i))} />
		</div>)}
	</Rows>;
}

function ObjectsParam({ param, value, error, onChange }: FieldProps & { value: Value & { is: "objects" } }) {
	const [first, second] = partsOf(param);
	const set = (rows: ObjectRow[]) => onChange({ is: "objects", rows });
	return <Rows param={param} error={error} count={value.rows.length} onAdd={() => set([...value.rows, { text: "http", list: ["80"] }])}>
		{value.rows.map((row, i) => <div key={i} className="x-pair">
			<Field label={`${i + 1}.${first}`} required value={row.text} onChange={(text) => set(replaced(value.rows, i, { ...row, text }))} />
			<Field label={`${i + 1}.${second}`} required value={row.list.join(" ")} placeholder="80 8080"
				onChange={(text) => set(replaced(value.rows, i, { ...row, list: text.split(/[\s,]+/) }))} />
			<Remove name={`${param.name}.${i + 1}`} onPress={() => set(without(value.rows, i))} />
		</div>)}
	</Rows>;
}

function ParamField(props: FieldProps) {
	const { param, value, known, error, onChange } = props;
	switch (value.is) {
	case "list":
		return <ListParam {...props} value={value} />;
	case "pairs":
		return <PairsParam {...props} value={value} />;
	case "objects":
		return <ObjectsParam {...props} value={value} />;
	case "text":
		if (param.kind === "json" && param.shape)
			return <DocumentField name={param.name} help={param.help} required={param.required} shape={param.shape} text={value.text}
				error={error} sample={known.sample} ids={known.instances} onChange={(text) => onChange({ is: "text", text })} />;
		return <TextParam {...props} value={value} />;
	}
}

/** What is needed first; the rest below a line. Problems of empty fields are told once a call was tried. */
export function ActionForm({ action, values, problems, tried, known, onChange }: { action: Action; values: Values;
	problems: readonly Problem[]; tried: boolean; known: Known; onChange: (values: Values) => void }) {
	const t = useTexts(explorer);
	const told = useProblemText();
	const field = (param: Param) => {
		const value = values[param.name]!;
		const own = problems.find((problem) => problem.param === param.name && (tried || problem.what !== "missing" || problem.where !== ""));
		return <ParamField key={param.name} param={param} value={value} known={known} error={told(own)}
			onChange={(next) => onChange({ ...values, [param.name]: next })} />;
	};
	const needed = action.parameters.filter((param) => param.required);
	const optional = action.parameters.filter((param) => !param.required);
	const used = optional.some((param) => {
		const value = values[param.name]!;
		return value.is === "text" ? value.text !== "" : value.is === "list" ? value.items.length > 0 : value.rows.length > 0;
	});
	if (action.parameters.length === 0)
		return <p className="quiet-text">{t("noParameters")}</p>;
	return <>
		{needed.map(field)}
		{optional.length > 0 && <details className="x-optional" open={used || needed.length === 0}>
			<summary>{t("optionalOnes", { n: optional.length })}</summary>
			<div className="form">{optional.map(field)}</div>
		</details>}
	</>;
}
