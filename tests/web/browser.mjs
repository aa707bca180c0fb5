// SPDX-License-Identifier: BSD-2-Clause
// A real browser opens a page: browser.mjs ADDRESS URL [OPTION]...
//   no-javascript   scripts are off
//   twice           opens the page again in the same browser
//   wait TEXT       until the page holds it (else "origin=")
// Says what the page holds at last, on one line.
import { createRequire } from "node:module";
const require = createRequire(new URL("../api/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const [address, url, ...options] = process.argv.slice(2);
const wanted = options.includes("wait") ? options[options.indexOf("wait") + 1] : "origin=";
const browser = await chromium.launch({
	executablePath: "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		`--host-resolver-rules=MAP * ${address}`, "--no-proxy-server"],
});
const refused = [];
try {
	const context = await browser.newContext({
		javaScriptEnabled: !options.includes("no-javascript"), ignoreHTTPSErrors: true });
	const page = await context.newPage();
	page.on("console", (message) => refused.push(message.text()));
	for (let i = 0; i < (options.includes("twice") ? 2 : 1); i++) {
		await page.goto(url, { waitUntil: "commit" });
		const until = Date.now() + 40000;
		while (!(await page.content().catch(() => "")).includes(wanted)) {
			if (Date.now() > until)
				throw new Error("the page stays: " + await page.content());
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
	console.log((await page.locator("body").innerText()).replaceAll("\n", " "), `at ${page.url()}`);
} finally {
	await browser.close();
}
const policy = refused.filter((text) => text.includes("Content Security Policy"));
if (policy.length)
	console.log("refused by the page's policy:", policy.join(" "));
