// SPDX-License-Identifier: BSD-2-Clause
// What all sample code is made of. No sample holds a secret: it reads the environment.
import { type Pair } from "../../api/sign";
import { isSecret, type Action } from "../schema";

export interface Call {
	action: Action;
	/** flat, as they are sent */
	pairs: readonly Pair[];
	/** "http://127.0.0.1:8080": where this page came from */
	endpoint: string;
}

export interface Language {
	id: string;
	label: string;
	/** of a file that holds it, with which it also runs */
	file: string;
	run: string;
	/** what has to be there besides the language; "" when nothing */
	needs: string;
	/** null: there is none for this action */
	write(call: Call): string | null;
}

export const KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID";
export const KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
export const TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN";

export function title(call: Call): string {
	return `${call.action.name}: ${call.action.summary}`;
}

export function hostOf(endpoint: string): string {
	return endpoint.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

export function schemeOf(endpoint: string): "http" | "https" {
	return endpoint.startsWith("https:") ? "https" : "http";
}

/** The JSON in a parameter, when it can be written as a literal that means the same; else undefined. */
export function documentOf(call: Call, name: string, text: string): unknown {
	const param = call.action.parameters.find((row) => row.name === name);
	if (param?.kind !== "json")
		return undefined;
	try {
		const document: unknown = JSON.parse(text);
		/* Numbers that lose digits, and repeated keys, are left as the text that they are. */
		return typeof document === "object" && document !== null &&
			JSON.stringify(document).replace(/\s/g, "") === text.replace(/\s/g, "") ? document : undefined;
	} catch {
		return undefined;
	}
}

/** The environment's name for a parameter that is secret; undefined: it stands in the code. */
export function secretName(key: string): string | undefined {
	return isSecret(key) ? `POLDER_PARAMETER_${key.toUpperCase()}` : undefined;
}

/** A text in quotes as Java and JavaScript read it. */
export function quoted(text: string): string {
	return JSON.stringify(text).replace(/[\u007f-\uffff]/g,
		(c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The same as Go and Python read it, which have no surrogates: what is beyond 16 bits has an escape of its own. */
export function quotedWide(text: string): string {
	return quoted(text).replace(/\\u(d[89ab]..)\\u(d[c-f]..)/gi, (_, high: string, low: string) => {
		const point = 0x10000 + (parseInt(high, 16) - 0xd800) * 0x400 + parseInt(low, 16) - 0xdc00;
		return `\\U${point.toString(16).padStart(8, "0")}`;
	});
}

/** For a shell of POSIX. */
export function shellQuoted(text: string): string {
	return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Comments must not end before their line does. */
export function comment(mark: string, text: string): string {
	return text.split(/\r?\n|\r/).map((line) => `${mark} ${line}`).join("\n");
}
