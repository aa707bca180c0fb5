// SPDX-License-Identifier: BSD-2-Clause
//
// What tests of the API Explorer share: its logic, bundled as the page's is, and calls as the page makes them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { built, lab, load, polder, root } from "./lib.mjs";

export { lab, polder };
export const top = root;
export const O = built;

/** console/src/explorer/index.ts as a module of node. */
export const explorer = () => load("explorer/index.ts");

export const actions = () => JSON.parse(readFileSync(join(O, "gen/actions.json"), "utf8"));

/** A call as the page makes it: { status, text, code, body }. */
export async function pageCall(X, key, endpoint, action, pairs, how = { form: "V3", method: "POST", format: "JSON" }) {
	const signed = await X.sign(action, pairs, how, key, new URL(endpoint).host, Date.now());
	const reply = await X.send(signed, how.format, new URL(endpoint).origin);
	return { ...reply, signed, body: how.format === "JSON" ? JSON.parse(reply.text) : undefined };
}

let number = 0;
export let failed = 0;

export function check(name, good, detail) {
	number++;
	if (!good)
		failed++;
	console.log(`${good ? "ok" : "not ok"} ${number} - ${name}`);
	if (!good && detail !== undefined)
		console.log(`    ${typeof detail === "string" ? detail.replaceAll("\n", "\n    ") : JSON.stringify(detail)}`);
	return good;
}

export function done() {
	console.log(`1..${number}`);
	process.exitCode = failed ? 1 : 0;
}
