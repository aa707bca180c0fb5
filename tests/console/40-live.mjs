// SPDX-License-Identifier: BSD-2-Clause
// Live: the reducers; an attack in the lab seen within seconds, by reason; many plots at once and what they cost.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, built, call, complaints, done, load, logIn, makeInstance, open, root, shot, shotAll, test, visit } from "./lib.mjs";

const { History, columns, arrivedOf, droppedOf, HISTORY_MAX, SLOTS } = await load("pages/live/series.ts");
const sample = (time, dropped = {}) => ({ time, passed: [10, 1000], challenged: [1, 100], dropped, watched: [0, 0] });

await test("a history keeps one sample a second, the newest, within its bound", () => {
	const history = new History();
	for (let i = 0; i < HISTORY_MAX + 50; i++)
		history.add(sample(1000 + i));
	history.add(sample(1000)); // late
	history.add({ ...sample(1000 + HISTORY_MAX + 49), passed: [99, 0] }); // again
	assert.equal(history.samples.length, HISTORY_MAX);
	assert.equal(history.last.passed[0], 99);
	assert.equal(history.window(60).length, 60);
});
await test("reasons keep their slot while they are among the greatest; the others are one layer", () => {
	const history = new History();
	const many = Object.fromEntries(Array.from({ length: SLOTS + 2 }, (_, i) => [`r${i}`, [100 - i, 1]]));
	history.add(sample(1, many));
	const first = history.assign(history.window(60));
	assert.deepEqual([...first].sort(), ["r0", "r1", "r2", "r3", "r4", "r5"]);
	history.add(sample(2, { ...many, r7: [100000, 5] })); // overtakes: r5 has to go, the others stay where they are
	const second = history.assign(history.window(60));
	assert.ok(second.includes("r7") && !second.includes("r5"));
	first.forEach((name, i) => name === "r5" || assert.equal(second[i], name));
	const out = columns(history.window(60), second, 0);
	assert.deepEqual(out.at(-2), [95 + 94, 95 + 94]); // r5 and r6
});
await test("columns: bits are eight times bytes, gaps are gaps, hidden layers are zero", () => {
	const samples = [sample(1, { a: [5, 50] }), sample(2, { a: [5, 50] }), sample(20, { a: [7, 70] })];
	const slots = ["a"];
	const pps = columns(samples, slots, 0), bps = columns(samples, slots, 1, new Set(["passed"]));
	assert.deepEqual(pps[0], [1, 2, 3, 20]);
	assert.deepEqual(pps[3], [5, 5, null, 7]);
	assert.deepEqual(bps[1], [0, 0, null, 0]);
	assert.deepEqual(bps[3], [400, 400, null, 560]);
	assert.deepEqual(arrivedOf(samples[0]), [16, 1150]);
	assert.deepEqual(droppedOf(samples[2]), [7, 70]);
});

const named = [...readFileSync(join(root, "console/src/i18n/reasons.ts"), "utf8").matchAll(/^\t(\w+): \["/gm)].map(([, name]) => name);
const { reasons } = await load("gen/tables.ts");
await test("every reason of the packet path has its name in both languages", () =>
	assert.deepEqual(reasons.map(({ name }) => name).filter((name) => !named.includes(name)), []));

const page = await open();
await logIn(page);
await visit(page, "live");
const instance = makeInstance();
/** Resolves when the attack is over. */
const drill = (name, seconds) => new Promise((resolve) => execFile(join(built, "polder"),
	["lab", "drill", name, "--seconds", String(seconds), "--pps", "2500", "--vip", instance.ip], () => resolve()));

await test("an attack is on the page within seconds, stacked by its reason, and its row says why", async () => {
	await visit(page, `live/${instance.id}`);
	await page.locator(".figures").waitFor();
	const attack = drill("ack-flood", 6);
	const row = page.locator(".legend tr", { hasText: "ACK without connection" });
	await row.waitFor();
	await page.waitForFunction(() => /kpps/.test(document.querySelector(".figure.dropped .figure-value")?.textContent ?? ""));
	assert.match(await row.innerText(), /TCP ACK of no flow/);
	assert.match(await page.locator(".plot").first().getAttribute("aria-label"), /Packets a second of .*peak [\d.]+ kpps/);
	await page.waitForTimeout(2500);
	await shotAll(page, "live-attack");
	await attack;
	await page.locator(".figure-value", { hasText: /^0 pps$/ }).first().waitFor(); // and over again
});
await test("a layer can be hidden; its figures stay", async () => {
	const key = page.getByRole("button", { name: "ACK without connection" });
	await key.click();
	assert.equal(await key.getAttribute("aria-pressed"), "false");
	assert.match(await page.locator(".legend tr", { hasText: "ACK without connection" }).innerText(), /kpps/);
	await key.click();
});
await test("the cursor shows what was then", async () => {
	const plot = page.locator(".plot").first();
	await plot.scrollIntoViewIfNeeded();
	await plot.hover({ position: { x: (await plot.boundingBox()).width - 30, y: 100 } });
	await page.getByRole("columnheader", { name: "At the cursor" }).waitFor();
	await page.mouse.move(5, 5);
	await page.getByRole("columnheader", { name: "Now" }).waitFor();
});
await test("pausing keeps what is there", async () => {
	await page.getByRole("button", { name: "Pause" }).click();
	let calls = 0;
	const follows = (request) => /^Describe(Reasons|LiveFigures)$/.test(request.headers()["x-acs-action"]);
	page.on("request", (request) => { calls += follows(request) ? 1 : 0; });
	await page.waitForTimeout(1500);
	calls = 0;
	await page.waitForTimeout(2200);
	assert.equal(calls, 0);
	await page.getByRole("button", { name: "Continue" }).click();
	await page.waitForRequest(follows);
});
await test("all instances: challenges are a layer of their own, for who may see nodes", async () => {
	await visit(page, "live");
	await page.locator(".figures").waitFor();
	const attack = drill("syn-flood", 5);
	await page.locator(".legend tr", { hasText: "Challenged" }).waitFor();
	await page.getByRole("link", { name: new RegExp(instance.id) }).waitFor(); // among the busiest
	await attack;
});

const PLOTS = 60, SECONDS = 6, SHARE_MAX = 0.5; // the machine may be busy; what is meant is below 0.1
await test(`${PLOTS} plots, once a second: share of a core that the page takes`, async () => {
	for (let i = call("DescribeInstances", { PageNumber: 1, PageSize: 50 }).TotalCount; i < PLOTS / 2; i++)
		makeInstance();
	await visit(page, "overview");
	await visit(page, "live/wall");
	const attack = drill("ack-flood", 12);
	await page.waitForFunction((n) => document.querySelectorAll(".plot").length >= n, PLOTS, { timeout: 40000 });
	const session = await page.context().newCDPSession(page);
	await session.send("Performance.enable", { timeDomain: "threadTicks" });
	const taken = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
	await page.waitForTimeout(2000);
	const from = await taken();
	const start = Date.now();
	await page.waitForTimeout(SECONDS * 1000);
	const to = await taken();
	const share = (to.TaskDuration - from.TaskDuration) / ((Date.now() - start) / 1000);
	const plots = await page.locator(".plot").count();
	const percent = (name) => `${((to[name] - from[name]) / SECONDS * 100).toFixed(1)} %`;
	console.log(`    ${plots} plots: ${(share * 100).toFixed(1)} % of a core (script ${percent("ScriptDuration")}, the tab's whole process ${percent("ProcessTime")})`);
	await page.locator(".badge.warn", { hasText: "dropping" }).waitFor();
	await shot(page, "live-wall");
	await attack;
	assert.ok(share < SHARE_MAX, `${share}`);
});
await test("the wall: how it looks", () => shotAll(page, "live-wall"));
await test("in Chinese nothing is left in English", async () => {
	const other = await open({ language: "zh-CN" });
	await logIn(other);
	await visit(other, `live/${instance.id}`);
	await other.locator(".figures").waitFor();
	const text = (await other.locator("main").innerText()).replace(/ddoscoo[\w-]+|节点 \w+|[kMG]?(pps|bit\/s)/g, "");
	assert.doesNotMatch(text, /[A-Za-z]{4,}/);
	await other.context().close();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
