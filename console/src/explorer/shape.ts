// SPDX-License-Identifier: BSD-2-Clause
// Shapes of JSON in parameters (base/spec.h has their form): read, check a document by one, make an example of one.
// A check here is a help while typing; the API is who judges.

export type Shape =
	| { kind: "object"; members: Member[]; rest?: Shape; mayBeEmpty: boolean }
	| { kind: "array"; item: Shape; min: number; max?: number }
	| { kind: "choice"; names: string[] }
	| { kind: "int"; min: number; max: number }
	| { kind: "bool" }
	| { kind: "text"; meaning: Meaning; max?: number };

export type Meaning = "text" | "address" | "prefix" | "hex" | "instance" | "country";

export interface Member {
	name: string;
	required: boolean;
	shape: Shape;
}

const MEANINGS: readonly string[] = ["text", "address", "prefix", "hex", "instance", "country"];

class Reader {
	private at = 0;

	constructor(private readonly text: string) {}

	private skip(): void {
		while (this.text[this.at] === " ")
			this.at++;
	}

	private take(mark: string): boolean {
		this.skip();
		if (!this.text.startsWith(mark, this.at))
			return false;
		this.at += mark.length;
		return true;
	}

	private need(mark: string): void {
		if (!this.take(mark))
			throw new Error(`shape: "${mark}" expected at ${this.at} of ${this.text}`);
	}

	private word(): string {
		this.skip();
		const found = /^[\w.-]+|^\*/.exec(this.text.slice(this.at));
		if (!found)
			throw new Error(`shape: word expected at ${this.at} of ${this.text}`);
		this.at += found[0].length;
		return found[0];
	}

	private object(): Shape {
		const members: Member[] = [];
		let rest: Shape | undefined;
		while (!this.take("}")) {
			if (members.length > 0 || rest)
				this.need(",");
			const name = this.word();
			const required = !this.take("?");
			this.need(":");
			const shape = this.shape();
			if (name === "*")
				rest = shape;
			else
				members.push({ name, required, shape });
		}
		return { kind: "object", members, rest, mayBeEmpty: this.take("?") };
	}

	private array(): Shape {
		const item = this.shape();
		this.need("]");
		const bounds = /^(\d+)\.\.(\d+)/.exec(this.text.slice(this.at));
		if (!bounds)
			return { kind: "array", item, min: 0 };
		this.at += bounds[0].length;
		return { kind: "array", item, min: Number(bounds[1]), max: Number(bounds[2]) };
	}

	shape(): Shape {
		if (this.take("{"))
			return this.object();
		if (this.take("["))
			return this.array();
		const names = [this.word()];
		while (this.take("|"))
			names.push(this.word());
		const first = names[0]!;
		if (names.length > 1)
			return { kind: "choice", names };
		const range = /^(-?\d+)\.\.(-?\d+)$/.exec(first);
		if (range)
			return { kind: "int", min: Number(range[1]), max: Number(range[2]) };
		if (first === "bool")
			return { kind: "bool" };
		if (!MEANINGS.includes(first))
			throw new Error(`shape: "${first}" is not known`);
		if (!this.take("("))
			return { kind: "text", meaning: first as Meaning };
		const max = Number(this.word());
		this.need(")");
		return { kind: "text", meaning: first as Meaning, max };
	}

	whole(): Shape {
		const shape = this.shape();
		this.skip();
		if (this.at !== this.text.length)
			throw new Error(`shape: more behind ${this.at} of ${this.text}`);
		return shape;
	}
}

export function parseShape(text: string): Shape {
	return new Reader(text).whole();
}

export interface Fault {
	/** "[0].FrontendPort" */
	where: string;
	what: "missing" | "unknown" | "type" | "range" | "choice" | "length";
	/** what would be right, in the words of the shape */
	expected: string;
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const IPV6 = /^[0-9a-f:]*:[0-9a-f:.]*$/i;

function isAddress(text: string): boolean {
	return IPV4.test(text) || (IPV6.test(text) && text.length >= 2);
}

function textFits(shape: Shape & { kind: "text" }, text: string): boolean {
	switch (shape.meaning) {
	case "address":
		return isAddress(text);
	case "prefix":
		return isAddress(text.replace(/\/\d{1,3}$/, ""));
	case "hex":
		return /^([0-9a-f]{2})+$/i.test(text);
	case "country":
		return /^[A-Z]{2}$/.test(text);
	case "instance":
	case "text":
		return true;
	}
}

/** A shape in one line, as people read it. */
export function shapeText(shape: Shape): string {
	switch (shape.kind) {
	case "object":
		return `{${shape.members.map((member) => member.name).join(", ")}}`;
	case "array":
		return `[${shapeText(shape.item)}]`;
	case "choice":
		return shape.names.join(" | ");
	case "int":
		return `${shape.min}..${shape.max}`;
	case "bool":
		return "true | false";
	case "text":
		return shape.meaning;
	}
}

function checkObject(shape: Shape & { kind: "object" }, value: unknown, where: string): Fault[] {
	if (typeof value !== "object" || value === null || Array.isArray(value))
		return [{ where, what: "type", expected: shapeText(shape) }];
	const object = value as Record<string, unknown>;
	const faults: Fault[] = [];
	if (shape.mayBeEmpty && Object.keys(object).length === 0)
		return [];
	const dot = where === "" ? "" : `${where}.`;
	for (const member of shape.members) {
		if (object[member.name] !== undefined)
			faults.push(...check(member.shape, object[member.name], dot + member.name));
		else if (member.required)
			faults.push({ where: dot + member.name, what: "missing", expected: shapeText(member.shape) });
	}
	for (const [name, member] of Object.entries(object)) {
		if (shape.members.some((known) => known.name === name))
			continue;
		if (shape.rest)
			faults.push(...check(shape.rest, member, dot + name));
		else
			faults.push({ where: dot + name, what: "unknown",
				expected: shape.members.map((known) => known.name).join(" ") });
	}
	return faults;
}

function checkArray(shape: Shape & { kind: "array" }, value: unknown, where: string): Fault[] {
	if (!Array.isArray(value))
		return [{ where, what: "type", expected: shapeText(shape) }];
	if (value.length < shape.min || (shape.max !== undefined && value.length > shape.max))
		return [{ where, what: "length", expected: `${shape.min}..${shape.max ?? ""}` }];
	return value.flatMap((item, index) => check(shape.item, item, `${where}[${index}]`));
}

/** All that does not fit, in the order of the shape. */
export function check(shape: Shape, value: unknown, where = ""): Fault[] {
	switch (shape.kind) {
	case "object":
		return checkObject(shape, value, where);
	case "array":
		return checkArray(shape, value, where);
	case "choice":
		if (typeof value === "string" && shape.names.includes(value))
			return [];
		return [{ where, what: "choice", expected: shapeText(shape) }];
	case "int":
		/* Published as texts in places, and taken so. */
		if (typeof value !== "number" || !Number.isInteger(value))
			return [{ where, what: "type", expected: shapeText(shape) }];
		if (value < shape.min || value > shape.max)
			return [{ where, what: "range", expected: shapeText(shape) }];
		return [];
	case "bool":
		return typeof value === "boolean" ? [] : [{ where, what: "type", expected: shapeText(shape) }];
	case "text":
		if (shape.meaning === "country" && typeof value === "number")
			return [];
		if (typeof value !== "string")
			return [{ where, what: "type", expected: shape.meaning }];
		if (shape.max !== undefined && new TextEncoder().encode(value).length > shape.max)
			return [{ where, what: "length", expected: `..${shape.max}` }];
		return textFits(shape, value) ? [] : [{ where, what: "type", expected: shape.meaning }];
	}
}

/** What examples are about. */
export interface Sample {
	instance: string;
	domain: string;
	address: string;
}

/** Members that belong to one choice of another: an example with its first choices has none of them. */
const BELONG = ["subkey", "header_name", "Domain", "Uri", "content_list", "custom_ciphers", "tls_13_custom_ciphers", "ssl13_enabled"];
/** Members that may be left out in form, but without which most documents say nothing. */
const TELLING = ["content", "condition"];

/**
 * A document that the shape allows: every required member, one element of each array. `whole` gives the members
 * that may be left out as well.
 */
export function example(shape: Shape, sample: Sample, whole = false, name = ""): unknown {
	switch (shape.kind) {
	case "object": {
		const object: Record<string, unknown> = {};
		for (const member of shape.members) {
			if (member.required || TELLING.includes(member.name) || (whole && !BELONG.includes(member.name)))
				object[member.name] = example(member.shape, sample, whole, member.name);
		}
		if (shape.rest)
			object["X-Example"] = example(shape.rest, sample, whole);
		/* One of several that may all be left out: the first. */
		if (Object.keys(object).length === 0 && shape.members[0])
			object[shape.members[0].name] = example(shape.members[0].shape, sample, whole,
				shape.members[0].name);
		return object;
	}
	case "array":
		return [example(shape.item, sample, whole, name)];
	case "choice":
		return shape.names.find((word) => word === "uri" || word === "contain") ?? shape.names[0];
	case "int":
		return exampleNumber(shape, name);
	case "bool":
		return true;
	case "text":
		return exampleText(shape, sample, name);
	}
}

function exampleNumber(shape: { min: number; max: number }, name: string): number {
	if (shape.max === 65535)
		return /back|proxy/i.test(name) ? 80 : 8080;
	if (name === "code")
		return 404;
	if (/threshold/.test(name))
		return Math.max(shape.min, 10);
	if (name === "CacheTtl")
		return 3600;
	return shape.min;
}

function exampleText(shape: Shape & { kind: "text" }, sample: Sample, name: string): string {
	switch (shape.meaning) {
	case "instance":
		return sample.instance;
	case "address":
		return sample.address;
	case "prefix":
		return "198.51.100.7";
	case "hex":
		return "ffffffff";
	case "country":
		return "FR";
	case "text":
		if (/^(uri|url|content)$/i.test(name))
			return "/login";
		return /server/i.test(name) ? sample.address : "example";
	}
}
