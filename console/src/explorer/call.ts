// SPDX-License-Identifier: BSD-2-Clause
// One call as the Explorer makes it: with the steps of its signature, and with all of its reply. Unlike api/client.ts
// it can sign in either form, use either method, and ask for XML; and it throws only when nothing came back.
import { nonce, timestamp, type Pair, type SigningKey } from "../api/sign";
import { type Action } from "./schema";
import { stepsV1, stepsV3, type Signed } from "./steps";

export interface How {
	form: "V1" | "V3";
	method: "GET" | "POST";
	format: "JSON" | "XML";
}

export interface Reply {
	status: number;
	headers: [string, string][];
	text: string;
	/** from the first byte sent to the last one received, ms */
	ms: number;
	requestId: string;
	/** of an error; "" when there is none */
	code: string;
}

export interface Exchange {
	action: Action;
	pairs: readonly Pair[];
	how: How;
	signed: Signed;
	reply: Reply;
	/** machine's time, ms */
	at: number;
}

/** Signs with a new nonce. host is what the request will have as its Host. */
export function sign(action: Action, pairs: readonly Pair[], how: How, key: SigningKey, host: string,
	nowMs: number): Promise<Signed> {
	const envelope = { method: how.method, action: action.name, version: action.version, nonce: nonce(),
		date: timestamp(nowMs), format: how.format };
	return how.form === "V1" ? stepsV1(envelope, pairs, key) : stepsV3(envelope, pairs, key, host);
}

function firstOf(text: string, name: string): string {
	const found = new RegExp(`"${name}":\\s*"([^"]*)"|<${name}>([^<]*)</${name}>`).exec(text);
	return found?.[1] ?? found?.[2] ?? "";
}

/** origin: "" in a page, else "http://127.0.0.1:8080". */
export async function send(signed: Signed, format: How["format"], origin: string): Promise<Reply> {
	const { host: _own, ...headers } = signed.headers;
	const start = performance.now();
	const response = await fetch(`${origin}/${signed.query ? `?${signed.query}` : ""}`, {
		method: signed.method, body: signed.method === "POST" ? signed.body : null,
		headers: { ...headers, accept: format === "XML" ? "application/xml" : "application/json" },
		credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" });
	const text = await response.text();
	return { status: response.status, headers: [...response.headers], text, ms: performance.now() - start,
		requestId: firstOf(text, "RequestId"), code: response.ok ? "" : firstOf(text, "Code") };
}
