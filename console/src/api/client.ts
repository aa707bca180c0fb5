// SPDX-License-Identifier: BSD-2-Clause
// Calls of the API, typed by the control's own table. Every call is POST / with an ACS3-HMAC-SHA256 signature, the
// same as any client's: there is no cookie, so a foreign page cannot make the browser call for us.
//
// The machine's clock: signatures carry the time, and the control refuses one that is 15 minutes off. Where the
// browser's clock is, a refused call is repeated once with the time that the reply told.
import { actions, type ActionName, type Parameters } from "../gen/actions";
import type { Replies } from "./replies";
import { createStore, useStore } from "../store";
import { canonicalQuery, flatten, headersV3, nonce, signV3, timestamp, type SigningKey } from "./sign";

export type { ActionName, Parameters };
export type Reply<A extends ActionName> = A extends keyof Replies ? Replies[A] : Record<string, unknown>;

/** What an error reply says; for the ones that never arrived, code is "Network". */
export class ApiError extends Error {
	constructor(readonly code: string, message: string, readonly action: string, readonly status: number,
		readonly requestId: string, readonly recommend: string, readonly retryAfterMs = 0) {
		super(message);
		this.name = "ApiError";
	}
}

export interface CallOptions {
	signal?: AbortSignal;
	/** Instead of the session's key. */
	key?: SigningKey;
	/** With no key at all: what CreateSession takes. */
	unsigned?: boolean;
}

/** Where calls go to, who signs, and who hears about what happened; session.ts sets them. */
export const connection: {
	key: SigningKey | undefined;
	onWritten: Set<(action: ActionName) => void>;
	onRefused: ((error: ApiError) => void) | undefined;
} = { key: undefined, onWritten: new Set(), onRefused: undefined };

/**
 * Since when nothing answers, ms by the browser's clock; undefined: the server is there. In front of the control stands
 * a proxy: when it answers in the control's place, the control does not.
 */
const silence = createStore<number | undefined>(undefined);
export const useSilence = () => useStore(silence);
let lastAnswer = Date.now();
const PROXYS_OWN = [502, 503, 504];

/** Hears that calls can succeed again: the server answers once more, or somebody has logged in again. */
export const onBack = new Set<() => void>();

function heard(answered: boolean) {
	const before = silence.get();
	if (answered) {
		lastAnswer = Date.now();
		silence.set(undefined);
		if (before !== undefined)
			onBack.forEach((listener) => listener());
	} else {
		silence.set(before ?? lastAnswer);
	}
}

const unreachable = (action: string) => new ApiError("Network", "The server cannot be reached.", action, 0, "", "");

/** The machine's clock minus the browser's, ms. */
let skew = 0;
export const machineNow = () => Date.now() + skew;

function learnTime(response: Response) {
	const date = Date.parse(response.headers.get("date") ?? "");
	// The header counts whole seconds, and the reply took a while.
	if (Number.isFinite(date) && Math.abs(date - machineNow()) > 5000)
		skew = date - Date.now();
}

/** Codes by which the control says that the key itself is of no use any more. */
const KEY_CODES = ["InvalidSecurityToken.Expired", "InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey",
	"InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "MissingSecurityToken"];

export interface RawReply { response: Response; text: string; ms: number }

/** Calls about the session itself change nothing that a page shows. */
const QUIET = new Set<string>(["CreateSession", "ExtendSession", "EndSession", "CreateSecurityToken"]);

/** One request, whatever the reply. Throws ApiError "Network" when none came, or AbortError. */
export async function send(action: string, version: string, parameters: Readonly<Record<string, unknown>>,
	options: CallOptions & { accept?: string } = {}): Promise<RawReply> {
	const key = options.unsigned ? undefined : options.key ?? connection.key;
	if (!key && !options.unsigned)
		throw new ApiError("LoggedOut", "Nobody is logged in.", action, 0, "", "");
	const pairs = flatten(parameters);
	let headers: Record<string, string>;
	let body: string;
	if (key) {
		body = canonicalQuery(pairs);
		headers = await headersV3({ host: location.host, action, version, date: timestamp(machineNow()),
			nonce: nonce(), body, key });
		headers.authorization = (await signV3("POST", headers, [], key)).authorization;
		delete headers.host; // the browser's own
	} else {
		body = canonicalQuery([["Action", action], ["Version", version], ["Format", "JSON"], ...pairs]);
		headers = { "content-type": "application/x-www-form-urlencoded" };
	}
	headers.accept = options.accept ?? "application/json";
	const start = performance.now();
	let response: Response, text: string;
	try {
		response = await fetch("/", { method: "POST", headers, body, signal: options.signal ?? null,
			credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" });
		text = await response.text();
	} catch (error) {
		if (error instanceof DOMException && error.name === "AbortError")
			throw error;
		heard(false);
		throw unreachable(action);
	}
	const answered = !PROXYS_OWN.includes(response.status) || /json|xml/.test(response.headers.get("content-type") ?? "");
	heard(answered);
	if (!answered)
		throw unreachable(action);
	learnTime(response);
	return { response, text, ms: performance.now() - start };
}

function errorOf(action: string, reply: RawReply): ApiError {
	let body: Record<string, string> = {};
	try {
		body = JSON.parse(reply.text);
	} catch { /* not the control's: nginx's or a proxy's */ }
	return new ApiError(body.Code ?? `HTTP${reply.response.status}`, body.Message ?? reply.response.statusText,
		action, reply.response.status, body.RequestId ?? reply.response.headers.get("x-acs-request-id") ?? "",
		body.Recommend ?? "", Number(reply.response.headers.get("x-acs-retry-after")) || 0);
}

/** Calls an action with the session's key. Throws ApiError, or AbortError when the signal says so. */
export async function call<A extends ActionName>(action: A, parameters: Parameters[A],
	options: CallOptions = {}): Promise<Reply<A>> {
	const [version, mode] = actions[action];
	for (let attempt = 0; ; attempt++) {
		const reply = await send(action, version, parameters, options);
		if (reply.response.ok) {
			const body = JSON.parse(reply.text);
			if (mode === "write" && !QUIET.has(action))
				connection.onWritten.forEach((listener) => listener(action));
			return body as Reply<A>;
		}
		const error = errorOf(action, reply);
		if (attempt === 0 && (error.code === "InvalidTimeStamp.Expired" || error.code === "IllegalTimestamp"))
			continue;
		if (!options.key && KEY_CODES.includes(error.code))
			connection.onRefused?.(error);
		throw error;
	}
}

/** All pages of a list, at most `limit` entries. */
export async function callAll<A extends ActionName, T>(action: A, parameters: Omit<Parameters[A], "PageNumber" | "PageSize">,
	read: (reply: Reply<A>) => T[], options: CallOptions & { pageSize?: number; limit?: number } = {}): Promise<T[]> {
	const { pageSize = 50, limit = 1000 } = options;
	const out: T[] = [];
	for (let page = 1; out.length < limit; page++) {
		const items = read(await call(action,
			{ ...parameters, PageNumber: page, PageSize: pageSize } as unknown as Parameters[A], options));
		out.push(...items);
		if (items.length < pageSize)
			break;
	}
	return out.slice(0, limit);
}
