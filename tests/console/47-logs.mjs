// SPDX-License-Identifier: BSD-2-Clause
// Access logs: switched on, asked with filters; and what requests leave on the live page and in a site's chain.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, polder, shotAll, test, visit } from "./lib.mjs";

const DOMAIN = "logged.console.example";
const instance = makeInstance();
call("CreateDomainResource", { Domain: DOMAIN, "InstanceIds.1": instance.id, "ProxyTypes.1.ProxyType": "http", "ProxyTypes.1.ProxyPorts.1": 8080, RsType: 0, "RealServers.1": lab.origin.ipv4 });
const page = await open();
await logIn(page);
const request = (path, agent = "Mozilla/5.0") => {
	try {
		return polder("lab", "exec", "client", "curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", "-A", agent, "-H", "Accept: */*", "-H", "Accept-Encoding: gzip", "-H", "Accept-Language: en",
			"--resolve", `${DOMAIN}:8080:${instance.ip}`, `http://${DOMAIN}:8080${path}`);
	} catch (error) {
		return String(error.stdout ?? "").trim();
	}
};
const search = async () => {
	await page.getByRole("button", { name: "Search" }).click();
	await page.getByText(/^\d+ requests\.$/).waitFor();
};

await test("logging is off, and is switched on from here", async () => {
	await visit(page, `logs/${DOMAIN}`);
	await page.getByRole("button", { name: "Log them" }).click();
	await page.getByRole("button", { name: "Stop logging" }).waitFor();
});
await test("requests are found, with what became of them", async () => {
	for (let i = 0; i < 40 && request("/") !== "200"; i++)
		await page.waitForTimeout(250);
	for (let i = 0; i < 40; i++) { // until nodes log, too
		request(`/found?n=${i}`);
		await search();
		if (await page.getByRole("button", { name: /GET \/found/ }).count() > 0)
			break;
		await page.waitForTimeout(250);
	}
	await page.getByRole("button", { name: /GET \/found/ }).first().waitFor();
	await shotAll(page, "logs");
});
await test("filters narrow the question, and a line is shown whole", async () => {
	await page.getByLabel(/^Path begins with/).fill("/found");
	await search();
	const rows = await page.locator("tbody tr").allInnerTexts();
	assert.ok(rows.length > 0 && rows.every((row) => row.includes("/found")));
	await page.getByRole("button", { name: /GET \/found/ }).first().click();
	assert.match(await page.getByRole("dialog").innerText(), /Mozilla\/5\.0/);
	await page.keyboard.press("Escape");
	await page.getByLabel(/^Path begins with/).fill("/nowhere");
	await search();
	await page.getByText("No request fits.").waitFor();
});
await test("what the API refuses is told", async () => {
	await page.getByLabel(/^Source/).fill("no address");
	await page.getByRole("button", { name: "Search" }).click();
	await page.getByRole("alert").waitFor();
});
await test("the site's chain knows that requests arrive and that origins answer", async () => {
	await visit(page, `websites/${DOMAIN}`);
	// Series begin with a node's first report of the site; what was before that is in none.
	for (let i = 0; i < 30 && await page.getByText(/requests for it arrived/).count() === 0; i++) {
		request("/");
		await page.waitForTimeout(300);
	}
	await page.locator(".chain-step", { hasText: "Your DNS" }).getByText(/requests for it arrived/).waitFor();
	await page.locator(".chain-step", { has: page.getByRole("heading", { name: "Origins" }) }).getByText(/answered \d+ requests/).waitFor();
});
await test("checks of the site count", async () => {
	await visit(page, `sitemitigation/${DOMAIN}?tab=checks`);
	await page.getByRole("columnheader", { name: "Would have refused" }).waitFor();
});
await test("requests and connections have their plots on the live page", async () => {
	await visit(page, `live/${instance.id}`);
	let going = true;
	const visits = (async () => {
		while (going) {
			request("/live");
			await page.waitForTimeout(20);
		}
	})();
	try {
		await page.getByRole("region", { name: "Requests a second" }).waitFor();
		await page.getByRole("region", { name: "Status codes of origins" }).waitFor();
		await page.waitForTimeout(2000);
		await shotAll(page, "live-requests");
	} finally {
		going = false;
		await visits;
	}
});
await test("no page complained", () => assert.deepEqual(complaints, []));
call("DeleteDomainResource", { Domain: DOMAIN });
await done();
