// SPDX-License-Identifier: BSD-2-Clause
// What needs no page: texts in both languages, changes between documents, months of a renewal, problems of parameters.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, done, load, root, test } from "./lib.mjs";

const folder = join(root, "console/src/i18n");
const PAIR = /\[("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\]/g;
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
let pairs = 0;
for (const file of readdirSync(folder).filter((name) => name !== "index.ts"))
	await test(`${file}: both languages are there and name the same things`, () => {
		for (const [all, en, zh] of readFileSync(join(folder, file), "utf8").matchAll(PAIR)) {
			pairs++;
			const [first, second] = [JSON.parse(en), JSON.parse(zh)];
			assert.ok(first.trim() && second.trim(), all);
			assert.deepEqual(places(first), places(second), all);
			assert.ok(!/[\u4e00-\u9fff]/.test(first), `Chinese among the English: ${all}`);
		}
	});
await test("texts were found at all", () => assert.ok(pairs > 200, String(pairs)));

const { changesOf } = await load("pages/audit/changes.ts");
for (const [name, before, after, expected] of [
	["equal documents", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
	["a value", { a: 1, b: 2 }, { a: 1, b: 3 }, [["b", "2", "3"]]],
	["what came and what went", { gone: "x" }, { came: "" }, [["gone", "x", "–"], ["came", "–", '""']]],
	["inside of objects, lists as a whole", { a: { b: { c: [1] } } }, { a: { b: { c: [1, 2] } } }, [["a.b.c", "[1]", "[1,2]"]]],
	["nothing before", undefined, { a: { b: 1 } }, [["a.b", "–", "1"]]],
	["another kind", { a: { b: 1 } }, { a: 5 }, [["a", '{"b":1}', "5"]]],
])
	await test(`changes: ${name}`, () => assert.deepEqual(changesOf(before, after).map(({ path, before, after }) => [path, before, after]), expected));

const { addMonths, inRange } = await load("pages/instances/model.ts");
for (const [from, months, to] of [["2026-01-31T10:00:00Z", 1, "2026-02-28T10:00:00Z"], ["2028-01-31T10:00:00Z", 1, "2028-02-29T10:00:00Z"],
	["2026-11-29T15:00:00Z", 3, "2027-02-28T15:00:00Z"], ["2026-12-15T00:00:00Z", 36, "2029-12-15T00:00:00Z"]])
	await test(`${months} months after ${from}`, () => assert.equal(addMonths(Date.parse(from), months), Date.parse(to)));
await test("sizes of a plan keep to range and step", () => {
	assert.deepEqual(["50", "55", "52", "400", "405", "", "5e1", "-50"].map((value) => inRange(value, [50, 400, 5])),
		[true, true, false, true, false, false, false, false]);
});
await done();
