// SPDX-License-Identifier: BSD-2-Clause
// Shared by the tests of the console: the lab that is up, a browser of its own, log-in, axe, screenshots, TAP.
// A test leaves the lab as it found it: its clock is reset at the end; instances it made, it releases.
//
//	import { test, open, logIn, axe, shot, call, done } from "./lib.mjs";
//	await test("does something", async () => { ... throws when it does not ... });
//	await done();
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export { assert };
export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
export const built = join(root, process.env.O ?? "build");
const require = createRequire(join(root, "console/package.json"));

function give_up(why) {
	console.log(`not ok - ${why}`);
	process.exit(1);
}

if (!existsSync(join(root, "console/node_modules")))
	give_up("console/node_modules is missing: run setup");
if (!existsSync(join(built, "console/index.html")))
	give_up(`${built}/console is missing: run make`);

// ---- the lab
export const polder = (...words) => execFileSync(join(built, "polder"), words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
/** An API call with the lab's own key. */
export const call = (action, parameters = {}) => JSON.parse(polder("call", action,
	...Object.entries(parameters).flatMap(([name, value]) => [`--${name}`, String(value)])));
export const lab = JSON.parse(polder("lab", "status", "--json"));
if (!lab.running)
	give_up("the lab is not up: polder lab up");
// The lab may have been up before this console was built.
if (readFileSync(join(built, "console/index.html"), "utf8") !== readFileSync(join(lab.state, "console/index.html"), "utf8").toString())
	cpSync(join(built, "console"), join(lab.state, "console"), { recursive: true });

/** An instance with a port rule to the lab's origin: { id, ip }. */
export function makeInstance() {
	const id = call("CreateInstance", { ProductCode: "ddos", ProductType: "ddoscoo", SubscriptionType: "Subscription", Period: 1 })
		.Data.InstanceId;
	call("CreatePort", { InstanceId: id, FrontendProtocol: "tcp", FrontendPort: 80, BackendPort: lab.origin.http, "RealServers.1": lab.origin.ipv4 });
	made.push(id);
	return { id, ip: call("DescribeInstances", { PageNumber: 1, PageSize: 1, "InstanceIds.1": id }).Instances[0].Ip };
}
const made = [];

// ---- TAP
let number = 0, failed = 0;
export async function test(name, work) {
	number++;
	try {
		await work();
		console.log(`ok ${number} - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok ${number} - ${name}`);
		console.log(String(error.stack ?? error).replace(/^/gm, "    "));
		if (shown && !shown.isClosed())
			await shot(shown, `failed-${number}`).catch(() => undefined);
	}
}

// ---- the browser
const { chromium } = require("playwright-core");
let browser, shown;
/** What pages said on their consoles that nobody expected: policy violations, exceptions, failed loads. */
export const complaints = [];

export async function open({ width = 1280, height = 860, theme = "light", language = "en-GB", path = "", clock = false } = {}) {
	browser ??= await chromium.launch({ executablePath: "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"] });
	const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: language,
		permissions: ["clipboard-read", "clipboard-write"] });
	const page = shown = await context.newPage();
	page.setDefaultTimeout(15000);
	if (clock) // the page's, which a test moves by page.clock
		await page.clock.install();
	// An API reply with an error status is logged by the browser, too; what it means is a test's business.
	page.on("console", (message) => {
		if (message.type() === "error" && !message.location().url.match(/:\d+\/$/))
			complaints.push(message.text());
	});
	page.on("pageerror", (error) => complaints.push(String(error)));
	await page.goto(`${lab.console}${path}`);
	await page.waitForSelector("main");
	return page;
}

/** Logs in with an access key: the lab's unless another is given. */
export async function logIn(page, { id = lab.access_key_id, secret = lab.access_key_secret } = {}) {
	await page.getByRole("tab", { name: /Access key|访问密钥/ }).click();
	await page.locator("input[name=id]").fill(id);
	await page.locator("input[name=secret]").fill(secret);
	await page.locator(".login button[type=submit]").click();
	await page.waitForSelector("nav.nav", { state: "attached" });
}

/** Logs in with a user's password. */
export async function logInAs(page, name, password) {
	await page.locator("input[name=name]").fill(name);
	await page.locator("input[name=password]").fill(password);
	await page.locator(".login button[type=submit]").click();
	await page.waitForSelector("nav.nav", { state: "attached" });
}

/** Goes to a page of the console without loading the console anew: that would log out. */
export async function visit(page, path) {
	await page.evaluate((hash) => { location.hash = hash; }, `#/${path}`);
	await page.waitForFunction(() => !document.querySelector("main .loading"));
}

const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** Throws when axe finds what keeps people out. The policy allows no injected script, so it runs by the debugger. */
export async function axe(page) {
	await page.evaluate(axeSource);
	const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
	const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
	assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 160) + " " + failureSummary).join(" | ")}`), []);
}

const shots = join(built, "console-screenshots");
export async function shot(page, name) {
	mkdirSync(shots, { recursive: true });
	await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** A page as it looks at 1280 and 390 px, light and dark, with axe in each theme. */
export async function shotAll(page, name) {
	try {
		for (const theme of ["light", "dark"]) {
			await page.emulateMedia({ colorScheme: theme });
			for (const width of [1280, 390]) {
				await page.setViewportSize({ width, height: 860 });
				await page.waitForTimeout(250); // transitions
				await shot(page, `${name}-${theme}-${width}`);
				const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
				assert.ok(wide <= 0, `${name} is ${wide} px too wide at ${width} px`);
			}
			await axe(page);
		}
	} finally {
		await page.emulateMedia({ colorScheme: "light" });
		await page.setViewportSize({ width: 1280, height: 860 });
	}
}

/** A module of the console's sources, for tests of what needs no page. */
export async function load(source) {
	const { build } = await import(pathToFileURL(require.resolve("vite")).href);
	const out = join(built, "console-modules");
	await build({ configFile: false, logLevel: "error", root: join(root, "console"), build: { outDir: out, emptyOutDir: false, minify: false,
		target: "node20", ssr: join(root, "console/src", source) } });
	const name = source.split("/").pop().replace(/\.tsx?$/, "");
	return import(pathToFileURL(existsSync(join(out, `${name}.mjs`)) ? join(out, `${name}.mjs`) : join(out, `${name}.js`)).href);
}

export async function done() {
	await browser?.close();
	polder("lab", "clock", "reset");
	if (made.length > 0) {
		polder("lab", "clock", "+40d"); // whatever is left has expired
		for (const id of made) {
			try {
				call("ReleaseInstance", { InstanceId: id });
			} catch { /* the test did it */ }
		}
		polder("lab", "clock", "reset");
	}
	console.log(`1..${number}`);
	process.exit(failed ? 1 : 0);
}
