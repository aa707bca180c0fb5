// SPDX-License-Identifier: BSD-2-Clause
// Writes what the console knows of the packet path's tables, from the tables themselves:
//   node tables.mjs SHARED src/gen      reads SHARED/*.def and web_fields.def of the control, writes src/gen/tables.ts
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [from, to] = process.argv.slice(2);
/** Rows NAME(a, b, "text") of a table: their arguments, quotes taken off. */
function rows(file, name) {
	const source = readFileSync(join(from, file), "utf8").replace(/\/\*[^]*?\*\//g, "").replace(/^\s*#.*$/gm, "");
	const found = [...source.matchAll(new RegExp(`^${name}\\((?:[^"]|"[^"]*")*?\\)\\s*$`, "gm"))].map(([row]) =>
		[...row.slice(name.length + 1).matchAll(/"([^"]*)"|([\w]+)/g)].map(([, text, word]) => text ?? word));
	if (found.length === 0)
		throw new Error(`${file} has no row ${name}`);
	return found;
}

const mitigations = rows("mitigations.def", "MITIGATION");
const own = rows("reasons.def", "REASON");
// Where reasons.def takes the mitigations in.
const before = own.findIndex(([, verdict], i) => verdict === "DROP" && own[i]?.[0] === "forwarding_off");
if (before < 0)
	throw new Error("mitigations have no place among the reasons");
const reasons = [...own.slice(0, before), ...mitigations.map(([name, , text]) => [name, "DROP", text]), ...own.slice(before)];
const json = (value) => JSON.stringify(value);
const table = (name, type, list, row) => [`export const ${name}: readonly ${type}[] = [`, ...list.map((entry) => `\t${row(entry)},`), "];"];
mkdirSync(to, { recursive: true });
writeFileSync(join(to, "tables.ts"), ["// Generated from shared/*.def. Not edited.",
	"/** By what packets end, in the order in which the packet path asks. */",
	...table("reasons", "{ name: string; verdict: \"pass\" | \"drop\"; text: string }", reasons,
		([name, verdict, text]) => `{ name: ${json(name)}, verdict: ${json(verdict.toLowerCase())}, text: ${json(text)} }`),
	"/** What payloads of a port rule may have to look like. */",
	...table("forms", "{ name: string; transport: \"UDP\" | \"TCP\" | \"BOTH\"; text: string }", rows("forms.def", "FORM"),
		([name, transport, text]) => `{ name: ${json(name)}, transport: ${json(transport)}, text: ${json(text)} }`),
	"/** Countries and areas, with the number that the published interface has where it takes numbers. */",
	...table("countries", "{ code: string; number: number; name: string }", rows("countries.def", "COUNTRY"),
		([code, number, name]) => `{ code: ${json(code)}, number: ${number}, name: ${json(name)} }`),
	"/** What conditions of web sites' rules can be about, the groups of methods for it, and whether it needs the enhanced function plan. */",
	...table("webFields", "{ name: string; methods: readonly (\"WITHIN\" | \"EQUAL\" | \"CONTENT\" | \"TEXT\" | \"NUMBER\" | \"ABSENT\")[]; enhanced: boolean }",
		rows("../control/model/web_fields.def", "WEB_FIELD"), (words) => `{ name: ${json(words[1])}, methods: ${json(words.filter((word) => word.startsWith("METHODS_"))
			.map((word) => word.slice(8)))}, enhanced: ${words.at(-1) === "ENHANCED"} }`), ""].join("\n"));
