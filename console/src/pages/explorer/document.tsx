// SPDX-License-Identifier: BSD-2-Clause
// The editor of JSON in a parameter, made from the shape that the control's table tells. It changes the document's
// text; what the shape does not know, the text mode still can write.
import { useMemo, useState, type ReactNode } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { Button, Field, SelectField, Switch } from "../../components";
import { example, parseShape, shapeText, type Member, type Sample, type Shape } from "../../explorer/shape";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";

interface EditorProps {
	shape: Shape;
	value: unknown;
	name: string;
	sample: Sample;
	onChange: (value: unknown) => void;
	onRemove?: (() => void) | undefined;
	ids: readonly string[];
}

type Objects = Record<string, unknown>;

function asObject(value: unknown): Objects {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Objects) : {};
}

function Head({ name, onRemove }: { name: string; onRemove?: (() => void) | undefined }) {
	const t = useTexts(explorer);
	return <div className="x-node-head"><span className="label">{name}</span>
		{onRemove && <Button look="quiet" aria-label={t("removeRow", { name })} onPress={onRemove}>×</Button>}</div>;
}

function ObjectEditor({ shape, value, name, sample, onChange, onRemove, ids }: EditorProps & { shape: Shape & { kind: "object" } }) {
	const t = useTexts(explorer);
	const object = asObject(value);
	const set = (key: string, next: unknown) => onChange({ ...object, [key]: next });
	const drop = (key: string) => {
		const { [key]: _gone, ...rest } = object;
		onChange(rest);
	};
	const missing = shape.members.filter((member) => object[member.name] === undefined);
	const free = Object.entries(object).filter(([key]) => !shape.members.some((member) => member.name === key));
	return <fieldset className="x-node"><legend className="visually-hidden">{name}</legend>
		<Head name={name} onRemove={onRemove} />
		{shape.members.filter((member) => object[member.name] !== undefined).map((member) =>
			<Editor key={member.name} shape={member.shape} value={object[member.name]} name={member.name} sample={sample} ids={ids}
				onChange={(next) => set(member.name, next)}
				onRemove={member.required && !shape.mayBeEmpty ? undefined : () => drop(member.name)} />)}
		{shape.rest && free.map(([key, text], i) => <div key={i} className="x-pair">
			<Field label={t("name")} required value={key} onChange={(next) => {
				const { [key]: _gone, ...rest } = object;
				onChange({ ...rest, [next]: text });
			}} />
			<Field label={t("value")} required value={String(text)} onChange={(next) => set(key, next)} />
			<Button look="quiet" aria-label={t("removeRow", { name: key })} onPress={() => drop(key)}>×</Button>
		</div>)}
		<Adders missing={missing} rest={!!shape.rest} onAdd={(member) =>
			set(member.name, example(member.shape, sample, false, member.name))} onFree={() => set(`X-Example${free.length || ""}`, "example")} />
	</fieldset>;
}

function Adders({ missing, rest, onAdd, onFree }: { missing: readonly Member[]; rest: boolean; onAdd: (member: Member) => void; onFree: () => void }) {
	const t = useTexts(explorer);
	if (missing.length === 0 && !rest)
		return null;
	return <div className="row x-adders">
		{missing.map((member) => <Button key={member.name} look="quiet" aria-label={t("addMember", { name: member.name })}
			onPress={() => onAdd(member)}>+ {member.name}</Button>)}
		{rest && <Button look="quiet" onPress={onFree}>+ {t("name")}</Button>}
	</div>;
}

function ArrayEditor({ shape, value, name, sample, onChange, onRemove, ids }: EditorProps & { shape: Shape & { kind: "array" } }) {
	const t = useTexts(explorer);
	const items: unknown[] = Array.isArray(value) ? value : [];
	const full = shape.max !== undefined && items.length >= shape.max;
	return <fieldset className="x-node"><legend className="visually-hidden">{name}</legend>
		<Head name={`${name} [${items.length}]`} onRemove={onRemove} />
		{items.map((item, i) => <Editor key={i} shape={shape.item} value={item} name={`${name} ${i + 1}`} sample={sample} ids={ids}
			onChange={(next) => onChange(items.map((old, k) => (k === i ? next : old)))}
			onRemove={() => onChange(items.filter((_, k) => k !== i))} />)}
		{!full && <div className="row"><Button look="quiet" aria-label={t("addTo", { name })}
			onPress={() => onChange([...items, example(shape.item, sample, false, name)])}>+ {t("addRow")}</Button></div>}
	</fieldset>;
}

function Leaf({ label, onRemove, children }: { label: string; onRemove?: (() => void) | undefined; children: ReactNode }) {
	const t = useTexts(explorer);
	return <div className="x-leaf"><div className="x-leaf-field">{children}</div>
		{onRemove && <Button look="quiet" aria-label={t("removeRow", { name: label })} onPress={onRemove}>×</Button>}</div>;
}

function Editor(props: EditorProps) {
	const { shape, value, name, onChange, onRemove } = props;
	switch (shape.kind) {
	case "object":
		return <ObjectEditor {...props} shape={shape} />;
	case "array":
		return <ArrayEditor {...props} shape={shape} />;
	case "choice":
		return <Leaf label={name} onRemove={onRemove}><SelectField label={name} value={String(value)} onChange={onChange}
			choices={shape.names.map((id) => ({ id, label: id }))} /></Leaf>;
	case "bool":
		return <Leaf label={name} onRemove={onRemove}><Switch label={name} value={value === true} onChange={onChange} /></Leaf>;
	case "int":
		return <Leaf label={name} onRemove={onRemove}><Field label={name} required inputMode="numeric" value={String(value ?? "")} help={shapeText(shape)}
			onChange={(text) => onChange(/^-?\d{1,15}$/.test(text) ? Number(text) : text)} /></Leaf>;
	case "text":
		if (shape.meaning === "instance" && props.ids.length > 0)
			return <Leaf label={name} onRemove={onRemove}><SelectField label={name} value={String(value)} onChange={onChange}
				choices={[...new Set([...props.ids, String(value)])].map((id) => ({ id, label: id }))} /></Leaf>;
		return <Leaf label={name} onRemove={onRemove}><Field label={name} required value={String(value ?? "")} onChange={onChange}
			help={shape.meaning === "text" ? undefined : shape.meaning} /></Leaf>;
	}
}

export function DocumentField({ name, help, required, shape: shapeOf, text, onChange, sample, ids, error }: {
	name: string; help: string; required: boolean; shape: string; text: string; onChange: (text: string) => void; sample: Sample;
	ids: readonly string[]; error?: string | undefined }) {
	const t = useTexts(explorer);
	const shape = useMemo(() => parseShape(shapeOf), [shapeOf]);
	const [mode, setMode] = useState<"form" | "json">("form");
	let value: unknown;
	try {
		value = text === "" ? undefined : JSON.parse(text);
	} catch { /* it is shown as text */ }
	const asForm = mode === "form" && (text === "" || value !== undefined);
	return <div className="field x-document">
		<div className="x-document-head">
			<span className="label">{name}{!required && <span className="optional"> · JSON</span>}</span>
			<ToggleButtonGroup className="x-toggle" aria-label={t("editor", { name })} selectionMode="single" disallowEmptySelection
				selectedKeys={[asForm ? "form" : "json"]} onSelectionChange={(keys) => { for (const key of keys) setMode(key as "form" | "json"); }}>
				<ToggleButton id="form" className="x-toggle-item" isDisabled={text !== "" && value === undefined}>{t("asForm")}</ToggleButton>
				<ToggleButton id="json" className="x-toggle-item">{t("asJson")}</ToggleButton>
			</ToggleButtonGroup>
		</div>
		<div className="help">{help}</div>
		{asForm && text === "" && <div className="row">
			<Button onPress={() => onChange(JSON.stringify(example(shape, sample)))}>{t("start")}</Button></div>}
		{asForm && text !== "" && <Editor shape={shape} value={value} name={name} sample={sample} ids={ids}
			onChange={(next) => onChange(JSON.stringify(next))} onRemove={required ? undefined : () => onChange("")} />}
		{!asForm && <Field label={`${name} · JSON`} required value={text} rows={6} onChange={onChange} />}
		{error && <div className="field-error">{error}</div>}
	</div>;
}
