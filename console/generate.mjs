// SPDX-License-Identifier: BSD-2-Clause
// Writes what the console knows of the actions from what the control says of itself:
//   node generate.mjs ACTIONS.json src/gen
//     actions.ts    small: version, mode and permission of each action, and the types of its parameters
//     schema.json   all of it, for the pages that make forms of it; loaded only there
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [from, to] = process.argv.slice(2);
const table = JSON.parse(readFileSync(from, "utf8"));
const types = {
	"int": "number", "bool": "boolean", "text": "string", "json": "string",
	"text-list": "string[]", "int-list": "number[]",
	"pair-list": "Record<string, string>[]", "object-list": "Record<string, Value>[]",
};

function typeOf(parameter) {
	if (parameter.kind === "choice")
		return parameter.choices.split(" ").map((choice) => JSON.stringify(choice)).join(" | ");
	if (!types[parameter.kind])
		throw new Error(`no type for parameters of kind ${parameter.kind}`);
	return types[parameter.kind];
}

const lines = ["// Generated from `polder-control --describe`. Not edited.",
	"export type Value = string | number | boolean | undefined | Value[] | { [name: string]: Value };",
	"export type Permission = \"read-only\" | \"full\" | \"operator\" | \"none\";",
	"export interface Parameters {"];
for (const action of table) {
	lines.push(`\t/** ${action.summary} */`, `\t${action.name}: {`);
	for (const parameter of action.parameters)
		lines.push(`\t\t/** ${parameter.help} */`,
			`\t\t${parameter.name}${parameter.required ? "" : "?"}: ${typeOf(parameter)};`);
	lines.push("\t};");
}
lines.push("}", "export type ActionName = keyof Parameters;",
	"/** Version, mode and permission of each action. */",
	"export const actions: Record<ActionName, readonly [version: string, mode: string, permission: Permission]> = {");
for (const action of table)
	lines.push(`\t${action.name}: [${[action.version, action.mode, action.permission]
		.map((text) => JSON.stringify(text)).join(", ")}],`);
lines.push("};", "");
mkdirSync(to, { recursive: true });
writeFileSync(join(to, "actions.ts"), lines.join("\n"));
writeFileSync(join(to, "schema.json"), JSON.stringify(table));
