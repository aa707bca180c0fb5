// SPDX-License-Identifier: BSD-2-Clause
// A signature as the steps that make it, each line with what it came from, for people who look for the one byte that
// differs. V1 (HMAC-SHA1, parameters) and ACS3-HMAC-SHA256 (headers), as control/auth/credentials.c verifies them.
import { canonicalQuery, encode, headersV3, signV1, signV3, type Pair, type SigningKey } from "../api/sign";

/** Where a line came from; the page has a sentence for each. */
export type Origin =
	| "method"
	| "path"
	| "separator"
	| "common"
	| "form"
	| "query"
	| "body"
	| "header"
	| "blank"
	| "signedHeaders"
	| "bodyHash"
	| "algorithm"
	| "requestHash"
	| "canonicalQuery"
	| "key"
	| "signature"
	| "wire";

export interface Line {
	text: string;
	origin: Origin;
	/** of the parameter or header */
	name?: string;
	/** as it was before it was encoded, where that differs */
	raw?: string;
}

export type StepName =
	| "parameters"
	| "canonicalQuery"
	| "body"
	| "canonicalRequest"
	| "stringToSign"
	| "signature"
	| "wire";

export interface Step {
	name: StepName;
	/** whole, as it goes into the next step */
	text: string;
	lines: Line[];
}

export interface Signed {
	steps: Step[];
	/** canonical query of V1, canonical request of V3: what a server's is compared with */
	canonical: string;
	stringToSign: string;
	signature: string;
	/** what is sent */
	method: string;
	query: string;
	headers: Record<string, string>;
	body: string;
}

function compareKeys([a]: Pair, [b]: Pair): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** Of one pair, encoded as it is signed. */
function pairLine(pair: Pair, origin: Origin): Line {
	const text = canonicalQuery([pair]);
	const raw = pair.join("=");
	return { text, origin, name: pair[0], raw: raw === text ? undefined : raw };
}

/** What is the same for all actions; each request needs a new nonce. */
export interface Envelope {
	method: "GET" | "POST";
	action: string;
	version: string;
	nonce: string;
	/** 2026-01-02T03:04:05Z */
	date: string;
	format: "JSON" | "XML";
}

function commonV1(envelope: Envelope, key: SigningKey): Pair[] {
	return [
		["Action", envelope.action],
		["Version", envelope.version],
		["Format", envelope.format],
		["AccessKeyId", key.id],
		["SignatureMethod", "HMAC-SHA1"],
		["SignatureVersion", "1.0"],
		["SignatureNonce", envelope.nonce],
		["Timestamp", envelope.date],
		...(key.token ? [["SecurityToken", key.token] as Pair] : []),
	];
}

export async function stepsV1(envelope: Envelope, parameters: readonly Pair[], key: SigningKey): Promise<Signed> {
	const common = commonV1(envelope, key);
	const own = new Set(common.map(([name]) => name));
	const all = [...common, ...parameters].sort(compareKeys);
	const origin = (pair: Pair): Origin => (own.has(pair[0]) ? "common" : "form");
	const { canonical, stringToSign, signature } = await signV1(envelope.method, all, key);
	const sent = `${canonical}&Signature=${encode(signature)}`;
	const post = envelope.method === "POST";
	return {
		steps: [
			{ name: "parameters", text: all.map((pair) => pair.join("=")).join("\n"),
				lines: all.map((pair) => ({ text: pair.join("="), origin: origin(pair), name: pair[0] })) },
			{ name: "canonicalQuery", text: canonical, lines: all.map((pair) => pairLine(pair, origin(pair))) },
			{ name: "stringToSign", text: stringToSign, lines: [
				{ text: envelope.method, origin: "method" },
				{ text: "&%2F&", origin: "separator" },
				{ text: encode(canonical), origin: "canonicalQuery" },
			] },
			{ name: "signature", text: signature, lines: [{ text: signature, origin: "signature" }] },
			{ name: "wire", text: post ? `POST /\n\n${sent}` : `GET /?${sent}`, lines: [
				{ text: post ? "POST /" : `GET /?${sent}`, origin: "wire" },
				...(post ? [{ text: sent, origin: "body" } as Line] : []),
			] },
		],
		stringToSign, canonical, signature,
		method: envelope.method,
		query: post ? "" : sent,
		headers: post ? { "content-type": FORM_TYPE } : {},
		body: post ? sent : "",
	};
}

export const FORM_TYPE = "application/x-www-form-urlencoded";

/** Parameters go into the body of a POST and into the query of a GET. */
export async function stepsV3(envelope: Envelope, parameters: readonly Pair[], key: SigningKey, host: string,
	place: "body" | "query" = envelope.method === "POST" ? "body" : "query"): Promise<Signed> {
	const query = place === "query" ? [...parameters].sort(compareKeys) : [];
	const body = place === "body" ? canonicalQuery(parameters) : "";
	const headers = await headersV3({ host, action: envelope.action, version: envelope.version,
		date: envelope.date, nonce: envelope.nonce, body, key });
	const signed = await signV3(envelope.method, headers, query, key);
	const lines = linesV3(signed.canonicalRequest);
	const hash = signed.stringToSign.split("\n")[1] ?? "";
	const sent: Record<string, string> = { ...headers, authorization: signed.authorization };
	const target = query.length > 0 ? `/?${signed.canonicalQuery}` : "/";
	const pairs = place === "body" ? [...parameters].sort(compareKeys) : [];
	return {
		steps: [
			{ name: "body", text: body, lines: pairs.map((pair) => pairLine(pair, "form")) },
			{ name: "canonicalRequest", text: signed.canonicalRequest, lines },
			{ name: "stringToSign", text: signed.stringToSign, lines: [
				{ text: "ACS3-HMAC-SHA256", origin: "algorithm" },
				{ text: hash, origin: "requestHash" },
			] },
			{ name: "signature", text: signed.signature, lines: [{ text: signed.signature, origin: "signature" }] },
			{ name: "wire", text: wireText(envelope.method, target, sent, body), lines: [
				{ text: `${envelope.method} ${target}`, origin: "wire" },
				...Object.entries(sent).map(([name, value]): Line => ({ text: `${name}: ${value}`,
					origin: name === "authorization" ? "signature" : "header", name })),
				{ text: "", origin: "blank" },
				{ text: body, origin: "body" },
			] },
		],
		stringToSign: signed.stringToSign, canonical: signed.canonicalRequest, signature: signed.signature,
		method: envelope.method, query: signed.canonicalQuery, headers: sent, body,
	};
}

function wireText(method: string, target: string, headers: Record<string, string>, body: string): string {
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
	return `${method} ${target}\n${lines.join("\n")}\n\n${body}`;
}

/** The lines of a canonical request: method, path, query, headers, an empty one, their names, the body's hash. */
function linesV3(canonical: string): Line[] {
	const lines = canonical.split("\n");
	const last = lines.length - 1;
	return lines.map((text, i): Line => {
		if (i <= 2)
			return { text, origin: (["method", "path", "query"] as const)[i]! };
		if (i === last - 2)
			return { text, origin: "blank" };
		if (i >= last - 1)
			return { text, origin: i === last ? "bodyHash" : "signedHeaders" };
		return { text, origin: "header", name: text.split(":")[0]! };
	});
}

// ---- comparing

export interface Difference {
	/** in bytes of UTF-8, from 0 */
	offset: number;
	line: number;
	column: number;
	before: string;
	server: string;
	client: string;
}

const AROUND = 24;

/** The first byte that differs; null when the texts are equal. Line ends of Windows are a difference, too. */
export function firstDifference(server: string, client: string): Difference | null {
	if (server === client)
		return null;
	const left = [...server];
	const right = [...client];
	let at = 0;
	while (at < left.length && at < right.length && left[at] === right[at])
		at++;
	const same = left.slice(0, at).join("");
	return {
		offset: new TextEncoder().encode(same).length,
		line: same.split("\n").length,
		column: [...same.slice(same.lastIndexOf("\n") + 1)].length + 1,
		before: left.slice(Math.max(0, at - AROUND), at).join(""),
		server: left.slice(at, at + AROUND).join(""),
		client: right.slice(at, at + AROUND).join(""),
	};
}
