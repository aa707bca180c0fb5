// SPDX-License-Identifier: BSD-2-Clause
// Signatures of the API, in the browser: V1 (HMAC-SHA1 over the parameters) and V3 (ACS3-HMAC-SHA256 over the
// request). Secrets become WebCrypto keys that cannot be read back, not even by this page. Each function also
// returns what it worked out on the way, because the API Explorer shows it.
//
// Pure but for WebCrypto: no page, no session, no clock.

export type Pair = readonly [name: string, value: string];

/** An access key as the page may hold it. */
export interface SigningKey {
	readonly id: string;
	readonly v1: CryptoKey;
	readonly v3: CryptoKey;
	readonly token?: string;
}

const utf8 = new TextEncoder();

export async function importKey(id: string, secret: string, token?: string): Promise<SigningKey> {
	const make = (text: string, hash: string) => crypto.subtle.importKey(
		"raw", utf8.encode(text), { name: "HMAC", hash }, false, ["sign"]);
	const [v1, v3] = await Promise.all([make(`${secret}&`, "SHA-1"), make(secret, "SHA-256")]);
	return token === undefined ? { id, v1, v3 } : { id, v1, v3, token };
}

/** RFC 3986: all but A-Z a-z 0-9 - _ . ~ as %XX. */
export function encode(text: string): string {
	return encodeURIComponent(text).replace(/[!'()*]/g,
		(c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// By bytes, not by UTF-16 units: they differ above U+FFFF.
function compareBytes(a: string, b: string): number {
	const x = utf8.encode(a), y = utf8.encode(b);
	for (let i = 0; i < x.length && i < y.length; i++)
		if (x[i] !== y[i])
			return x[i]! - y[i]!;
	return x.length - y.length;
}

/** Sorted by name, encoded, joined. */
export function canonicalQuery(pairs: readonly Pair[]): string {
	return [...pairs].sort(([a], [b]) => compareBytes(a, b))
		.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

function hex(bytes: ArrayBuffer): string {
	return Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
}

export async function sha256(text: string): Promise<string> {
	return hex(await crypto.subtle.digest("SHA-256", utf8.encode(text)));
}

export interface SignedV1 { canonical: string; stringToSign: string; signature: string }

/** The pairs hold everything that is sent but Signature itself. */
export async function signV1(method: string, pairs: readonly Pair[], key: SigningKey): Promise<SignedV1> {
	const canonical = canonicalQuery(pairs);
	const stringToSign = `${method}&${encode("/")}&${encode(canonical)}`;
	const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key.v1, utf8.encode(stringToSign)));
	return { canonical, stringToSign, signature: btoa(String.fromCharCode(...mac)) };
}

export interface SignedV3 {
	canonicalQuery: string;
	canonicalRequest: string;
	stringToSign: string;
	signature: string;
	signedHeaders: string;
	/** The value of the header Authorization. */
	authorization: string;
}

/** Headers: all that are to be signed, `host` among them. x-acs-content-sha256 must be sha256(body). */
export async function signV3(method: string, headers: Readonly<Record<string, string>>,
	query: readonly Pair[], key: SigningKey): Promise<SignedV3> {
	const names = Object.keys(headers).map((name) => name.toLowerCase()).sort();
	const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim()]));
	const signedHeaders = names.join(";");
	const text = canonicalQuery(query);
	const canonicalRequest = [method, "/", text, ...names.map((name) => `${name}:${values.get(name)}`), "",
		signedHeaders, values.get("x-acs-content-sha256") ?? ""].join("\n");
	const stringToSign = `ACS3-HMAC-SHA256\n${await sha256(canonicalRequest)}`;
	const signature = hex(await crypto.subtle.sign("HMAC", key.v3, utf8.encode(stringToSign)));
	return { canonicalQuery: text, canonicalRequest, stringToSign, signature, signedHeaders,
		authorization: `ACS3-HMAC-SHA256 Credential=${key.id},SignedHeaders=${signedHeaders},Signature=${signature}` };
}

/** The headers of a V3 request that are signed; a call with a body names its type. */
export async function headersV3(call: { host: string; action: string; version: string; date: string; nonce: string;
	body: string; key: SigningKey }): Promise<Record<string, string>> {
	const headers: Record<string, string> = {
		"host": call.host,
		"x-acs-action": call.action,
		"x-acs-version": call.version,
		"x-acs-date": call.date,
		"x-acs-signature-nonce": call.nonce,
		"x-acs-content-sha256": await sha256(call.body),
	};
	if (call.body)
		headers["content-type"] = "application/x-www-form-urlencoded";
	if (call.key.token !== undefined) {
		headers["x-acs-accesskey-id"] = call.key.id;
		headers["x-acs-security-token"] = call.key.token;
	}
	return headers;
}

/** 2026-01-02T03:04:05Z, as both signatures want it. */
export function timestamp(ms: number): string {
	return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

export function nonce(): string {
	return hex(crypto.getRandomValues(new Uint8Array(16)).buffer);
}

/** Parameters as the wire has them: lists are Name.1, Name.2, ...; objects in lists Name.1.Key; absent ones are left out. */
export function flatten(parameters: Readonly<Record<string, unknown>>): Pair[] {
	const out: Pair[] = [];
	const add = (name: string, value: unknown) => {
		if (value === undefined || value === null)
			return;
		if (Array.isArray(value))
			value.forEach((item, i) => add(`${name}.${i + 1}`, item));
		else if (typeof value === "object")
			for (const [key, inner] of Object.entries(value))
				add(`${name}.${key}`, inner);
		else
			out.push([name, String(value)]);
	};
	for (const [name, value] of Object.entries(parameters))
		add(name, value);
	return out;
}
