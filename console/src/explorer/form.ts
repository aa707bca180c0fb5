// SPDX-License-Identifier: BSD-2-Clause
// What a person filled in, and the flat parameters that are signed and sent: "InstanceIds.1", "Tag.1.Key".
import { type Pair } from "../api/sign";
import { isSecret, type Action, type Param } from "./schema";
import { check, example, parseShape, type Fault, type Sample } from "./shape";

export interface ObjectRow {
	text: string;
	list: string[];
}
export type Value =
	| { is: "text"; text: string }
	| { is: "list"; items: string[] }
	| { is: "pairs"; rows: [string, string][] }
	| { is: "objects"; rows: ObjectRow[] };
export type Values = Record<string, Value>;

/** Bytes of the longest link that is shared; a longer form has to be copied as code. */
export const SHARE_BYTES_MAX = 8192;

export function emptyValue(param: Param): Value {
	switch (param.kind) {
	case "text-list":
	case "int-list":
		return { is: "list", items: [] };
	case "pair-list":
		return { is: "pairs", rows: [] };
	case "object-list":
		return { is: "objects", rows: [] };
	default:
		return { is: "text", text: "" };
	}
}

/** The two names of a part: "Key Value", or "ProxyType ProxyPorts.N". */
export function partsOf(param: Param): [string, string] {
	const [first = "", second = ""] = param.choices.split(" ");
	return [first, second.replace(/\.N$/, "")];
}

function pairsOfValue(param: Param, value: Value): Pair[] {
	const [first, second] = partsOf(param);
	switch (value.is) {
	case "text":
		return value.text === "" ? [] : [[param.name, value.text]];
	case "list":
		return value.items.map((item, i): Pair => [`${param.name}.${i + 1}`, item]);
	case "pairs":
		return value.rows.flatMap(([key, text], i): Pair[] => [
			[`${param.name}.${i + 1}.${first}`, key],
			...(text === "" ? [] : [[`${param.name}.${i + 1}.${second}`, text] as Pair]),
		]);
	case "objects":
		return value.rows.flatMap((row, i): Pair[] => [
			[`${param.name}.${i + 1}.${first}`, row.text],
			...row.list.map((item, k): Pair => [`${param.name}.${i + 1}.${second}.${k + 1}`, item]),
		]);
	}
}

/** In the order of the table. An empty text is not sent: it would mean the same to optional parameters only. */
export function pairsOf(action: Action, values: Values): Pair[] {
	return action.parameters.flatMap((param) => {
		const value = values[param.name];
		return value ? pairsOfValue(param, value) : [];
	});
}

/** The other way round, for links and replays: pairs that no row knows are left out. */
export function unflatten(action: Action, pairs: readonly Pair[]): Values {
	const values: Values = {};
	for (const param of action.parameters) {
		const value = emptyValue(param);
		const [first, second] = partsOf(param);
		for (const [key, text] of pairs) {
			if (key === param.name && value.is === "text")
				value.text = text;
			if (!key.startsWith(`${param.name}.`))
				continue;
			const path = key.slice(param.name.length + 1).split(".");
			const index = Number(path[0]) - 1;
			if (!Number.isInteger(index) || index < 0 || index > 199)
				continue;
			if (value.is === "list")
				value.items[index] = text;
			if (value.is === "pairs")
				(value.rows[index] ??= ["", ""])[path[1] === first ? 0 : 1] = text;
			if (value.is === "objects") {
				const row = (value.rows[index] ??= { text: "", list: [] });
				if (path[1] === first)
					row.text = text;
				else if (path[1] === second && Number(path[2]) >= 1 && Number(path[2]) <= 200)
					row.list[Number(path[2]) - 1] = text;
			}
		}
		values[param.name] = compact(value);
	}
	return values;
}

/** A link may leave gaps; a form has none. */
function compact(value: Value): Value {
	switch (value.is) {
	case "text":
		return value;
	case "list":
		return { is: "list", items: value.items.filter((item) => item !== undefined) };
	case "pairs":
		return { is: "pairs", rows: value.rows.filter((row) => row !== undefined) };
	case "objects":
		return { is: "objects",
			rows: value.rows.filter((row) => row !== undefined)
				.map((row) => ({ text: row.text, list: row.list.filter((item) => item !== undefined) })) };
	}
}

export interface Problem {
	param: string;
	what: Fault["what"] | "json";
	where: string;
	expected: string;
}

function problem(param: Param, what: Problem["what"], expected: string, where = ""): Problem {
	return { param: param.name, what, where, expected };
}

function bytes(text: string): number {
	return new TextEncoder().encode(text).length;
}

function checkNumber(param: Param, text: string, min: number, max: number): Problem[] {
	if (!/^-?\d+$/.test(text))
		return [problem(param, "type", `${min}..${max}`)];
	const bounded = min !== 0 || max !== 0;
	return bounded && (BigInt(text) < BigInt(min) || Number(text) > max)
		? [problem(param, "range", `${min}..${max}`)]
		: [];
}

function checkText(param: Param, text: string): Problem[] {
	switch (param.kind) {
	case "int":
		return checkNumber(param, text, param.min, param.max);
	case "choice":
		return param.choices.split(" ").includes(text) ? [] : [problem(param, "choice", param.choices)];
	case "bool":
		return /^(true|false|0|1)$/i.test(text) ? [] : [problem(param, "choice", "true false")];
	case "json":
		return checkJson(param, text);
	default:
		return bytes(text) < param.min || (param.max > 0 && bytes(text) > param.max)
			? [problem(param, "length", `${param.min}..${param.max}`)]
			: [];
	}
}

function checkJson(param: Param, text: string): Problem[] {
	let document: unknown;
	try {
		document = JSON.parse(text);
	} catch (error) {
		return [problem(param, "json", error instanceof Error ? error.message : "")];
	}
	if (!param.shape)
		return [];
	return check(parseShape(param.shape), document).map((fault) =>
		problem(param, fault.what, fault.expected, fault.where),
	);
}

function checkList(param: Param, items: readonly string[]): Problem[] {
	const most = param.max || 200;
	if (items.length > most)
		return [problem(param, "length", `${param.required ? 1 : 0}..${most}`)];
	if (param.kind !== "int-list" || !param.itemMax)
		return items.some((item) => item === "") ? [problem(param, "missing", "")] : [];
	return items.flatMap((item) => checkNumber(param, item, param.itemMin ?? 0, param.itemMax ?? 0)).slice(0, 1);
}

/** What the API would refuse for its form alone. */
export function problems(action: Action, values: Values): Problem[] {
	return action.parameters.flatMap((param) => {
		const value = values[param.name] ?? emptyValue(param);
		if (pairsOfValue(param, value).length === 0)
			return param.required ? [problem(param, "missing", "")] : [];
		if (value.is === "text")
			return checkText(param, value.text);
		return value.is === "list" ? checkList(param, value.items) : [];
	});
}

// ---- examples

export interface ExampleWorld extends Sample {
	nowMs: number;
	/** also what may be left out */
	whole?: boolean;
}

const HOUR_MS = 3600_000;

/** Times: what they count in is in their help; the published ones take whole minutes only. */
export function isTime(param: Param): boolean {
	return param.kind === "int" && /(Time|Before|After|Since|Until)$/.test(param.name) &&
		/UNIX time|since 1970/i.test(param.help);
}
export function timeUnitMs(param: Param): 1 | 1000 {
	return /\bms\b|millisecond/i.test(param.help) ? 1 : 1000;
}

export function wholeMinutes(ms: number): number {
	return ms - (ms % 60_000);
}

function exampleInt(param: Param, world: ExampleWorld): string {
	if (isTime(param)) {
		const ms = wholeMinutes(world.nowMs) - (/^Start|From|After|Since/.test(param.name) ? HOUR_MS : 0);
		return String(ms / timeUnitMs(param));
	}
	if (/Port$/.test(param.name))
		return /^Back/.test(param.name) ? "80" : "8080";
	if (param.name === "PageSize" || param.name === "PageNumber")
		return String(Math.max(param.min, Math.min(param.max, param.name === "PageSize" ? 10 : 1)));
	return String(param.default ?? param.min);
}

function exampleName(param: Param, world: ExampleWorld): string {
	const name = param.name;
	if (/^InstanceI[dD]s?$/.test(name) || name === "ResourceIds" || name === "InstanceIDs")
		return world.instance;
	if (/^Domains?$/.test(name))
		return world.domain;
	if (name === "Objects")
		return world.domain;
	if (/RealServers?$/.test(name))
		return world.address;
	if (name === "Source" || name === "Destination")
		return name === "Source" ? "198.51.100.7" : world.address;
	if (/Password$/.test(name))
		return "correct horse battery";
	if (name === "RegionId")
		return "cn-hangzhou";
	if (name === "ProductCode")
		return "ddos";
	if (name === "Uri")
		return "/login";
	if (/^ModifyType$/.test(name))
		return "UPGRADE";
	if (/AccessKeyId/.test(name))
		return "LTAI0000000000000000";
	const text = "example".padEnd(param.min, "-1");
	return param.max > 0 ? text.slice(0, param.max) : text;
}

export function exampleValue(param: Param, world: ExampleWorld): Value {
	switch (param.kind) {
	case "int":
		return { is: "text", text: exampleInt(param, world) };
	case "choice":
		return { is: "text", text: String(param.default ?? param.choices.split(" ")[0]) };
	case "bool":
		return { is: "text", text: "true" };
	case "json":
		return { is: "text", text: param.shape
			? JSON.stringify(example(parseShape(param.shape), world, world.whole)) : "{}" };
	case "text":
		return { is: "text", text: exampleName(param, world) };
	case "text-list":
		return { is: "list", items: [exampleName(param, world)] };
	case "int-list":
		return { is: "list", items: [String(param.itemMin ?? 1)] };
	case "pair-list":
		return { is: "pairs", rows: [["example", "value"]] };
	case "object-list":
		return { is: "objects", rows: [{ text: "http", list: ["80"] }] };
	}
}

/** Every required parameter with something plausible; all of them when the world says whole. */
export function exampleValues(action: Action, world: ExampleWorld): Values {
	const values: Values = {};
	for (const param of action.parameters)
		values[param.name] = param.required || world.whole ? exampleValue(param, world) : emptyValue(param);
	return values;
}

// ---- links

/** Names and values of the form, without secrets, and nothing of who is signed in. */
export function shareLink(action: Action, values: Values): string | null {
	const query = new URLSearchParams(pairsOf(action, values).filter(([key]) => !isSecret(key))
		.map(([key, text]) => [key, text]));
	const link = `#/explorer/${action.name}${query.size > 0 ? `?${query}` : ""}`;
	return link.length <= SHARE_BYTES_MAX ? link : null;
}

export function readLink(hash: string): { name: string; pairs: Pair[] } | null {
	const found = /^#?\/explorer\/([A-Za-z0-9]+)(?:\?(.*))?$/.exec(hash);
	if (!found)
		return null;
	return { name: found[1]!, pairs: [...new URLSearchParams(found[2] ?? "")].slice(0, 1000) };
}
