// SPDX-License-Identifier: BSD-2-Clause
// A field of a parameter's row. The rows of all actions are one file that is fetched by the first page that needs it.
import { useEffect, useState } from "react";
import type { ActionName } from "../gen/actions";
import { common } from "../i18n/common";
import { useTexts } from "../i18n";
import { Field, SelectField, Switch } from "./fields";

export interface ParameterRow {
	name: string; type: string; kind: string; required: boolean; min: number; max: number; choices: string; help: string;
}
export interface ActionRow {
	version: string; name: ActionName; mode: "read" | "write"; permission: string; summary: string; parameters: ParameterRow[];
	lists: Record<string, string>;
}

let table: Promise<Map<string, ActionRow>> | undefined;

/** The rows of all actions by name. */
export function loadSchema(): Promise<Map<string, ActionRow>> {
	table ??= import("../gen/schema.json").then((file) =>
		new Map((file.default as unknown as ActionRow[]).map((row) => [row.name, row])));
	return table;
}

export function useSchema(): Map<string, ActionRow> | undefined {
	const [rows, setRows] = useState<Map<string, ActionRow>>();
	useEffect(() => void loadSchema().then(setRows), []);
	return rows;
}

/** What is wrong with a value for a row; undefined: nothing that can be told here. */
export function problemOf(row: ParameterRow, value: string): "required" | "range" | "json" | undefined {
	if (value === "")
		return row.required ? "required" : undefined;
	if (row.kind === "int" && (!/^-?\d+$/.test(value) || Number(value) < row.min || Number(value) > row.max))
		return "range";
	if (row.kind === "json") {
		try {
			JSON.parse(value);
		} catch {
			return "json";
		}
	}
	return undefined;
}

/** Values are texts, as the wire has them. */
export function ParameterField({ row, label, value, onChange }: {
	row: ParameterRow; label?: string; value: string; onChange: (value: string) => void }) {
	const t = useTexts(common);
	const problem = value === "" ? undefined : problemOf(row, value);
	const error = problem === "range" ? `${row.min} … ${row.max}` : problem === "json" ? "JSON" : problem && t("required");
	const common_ = { label: label ?? row.name, help: row.help, required: row.required, error };
	if (row.kind === "choice")
		return <SelectField {...common_} value={value} onChange={onChange}
			choices={[...(row.required ? [] : [{ id: "", label: "–" }]), ...row.choices.split(" ").map((id) => ({ id, label: id }))]} />;
	if (row.kind === "bool")
		return <Switch {...common_} value={value === "true"} onChange={(on) => onChange(String(on))} />;
	return <Field {...common_} value={value} onChange={onChange} inputMode={row.kind === "int" ? "numeric" : "text"}
		{...(row.kind === "json" ? { rows: 6 } : {})} />;
}
