// SPDX-License-Identifier: BSD-2-Clause
// The API Explorer's page, as a person uses it: find, fill in, look at the signature, call in each form, read the reply,
// take the code, confirm what is dangerous, replay, share.
import { execFileSync } from "node:child_process";
import { assert, axe, call, complaints, done, lab, logIn, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const instance = makeInstance();
const page = await open();
await logIn(page);
await visit(page, "explorer");
const button = (name) => page.getByRole("button", { name, exact: true });
const tab = (name) => page.getByRole("tab", { name, exact: true });
const field = (name) => page.getByRole("textbox", { name }).first();
const response = page.locator(".x-response");
/** The one that is chosen has a mark behind its name. */
const option = (name) => page.getByRole("option").filter({ hasText: new RegExp(`^${name.replace(/[+()]/g, "\\$&")}$`) }).click();
/** Opens the action with nothing filled in. */
async function choose(name, query = "") {
	await visit(page, `explorer/${name}${query}`);
	await page.waitForSelector(`.x-name:text-is("${name}")`);
}
/** What the reply says, as it is shown as text. */
async function reply() {
	await response.waitFor();
	await response.getByRole("radio", { name: "Text" }).click();
	return response.locator("pre").innerText();
}
async function press() {
	await page.locator(".x-send button[type=submit]").click();
	await response.waitFor();
}

await test("every action is in the list, and search finds by words of what it does", async () => {
	const all = await page.locator(".x-groups a").count();
	assert.ok(all > 170, `${all} actions`);
	await page.getByRole("searchbox").fill("drained");
	await page.waitForFunction(() => document.querySelectorAll(".x-groups a").length < 5);
	assert.ok(await page.locator(".x-groups a", { hasText: "ReleaseInstance" }).isVisible());
	await page.getByRole("searchbox").fill("");
	await page.getByRole("radio", { name: "Write" }).click();
	const writes = await page.locator(".x-groups a").count();
	assert.ok(writes > 80 && writes < all);
	await page.getByRole("radio", { name: "All" }).click();
});
await test("the list looks well, and axe agrees", () => shotAll(page, "explorer-list"));

for (const form of ["V3", "V1"]) {
	for (const method of ["POST", "GET"]) {
		await test(`a call signed by ${form} with ${method} is answered`, async () => {
			await choose("DescribeInstanceStatus", `?InstanceId=${instance.id}&ProductType=1`);
			await page.getByRole("radio", { name: form, exact: true }).click();
			await page.getByRole("radio", { name: method, exact: true }).click();
			await press();
			const document = JSON.parse(await reply());
			assert.equal(document.InstanceId, instance.id);
			assert.match(document.RequestId, /^[0-9A-F-]{36}$/);
		});
	}
}
await test("a read is called again as XML", async () => {
	await response.getByRole("button", { name: "Call again as XML" }).click();
	await page.waitForFunction(() => document.querySelector(".x-response pre")?.textContent.includes("<DescribeInstanceStatusResponse>"));
	await page.getByRole("radio", { name: "JSON", exact: true }).click();
});

await test("the steps of the signature are those of the request that was sent", async () => {
	await choose("ModifyInstanceRemark", `?InstanceId=${instance.id}&Remark=${encodeURIComponent("a b*c~é")}`);
	await page.getByRole("radio", { name: "V3", exact: true }).click();
	await page.getByRole("radio", { name: "POST", exact: true }).click();
	const sent = page.waitForRequest((request) => request.method() === "POST" && request.headers()["x-acs-action"] === "ModifyInstanceRemark");
	await press();
	await tab("Request").click();
	const request = await sent;
	const shown = await page.locator(".x-step").allInnerTexts();
	assert.ok(shown[0].includes("Remark=a%20b%2Ac~%C3%A9"));
	assert.ok(request.postData().includes("Remark=a%20b%2Ac~%C3%A9"));
	const signature = /Signature=([0-9a-f]{64})/.exec(request.headers().authorization)[1];
	assert.ok(shown[3].includes(signature), "the signature that is shown was sent");
	assert.equal(call("DescribeInstances", { PageNumber: 1, PageSize: 1, "InstanceIds.1": instance.id }).Instances[0].Remark, "a b*c~é");
});
await test("a line tells what it was made of", async () => {
	await page.locator(".x-line", { hasText: "Remark=" }).first().click();
	const origin = await page.locator(".x-origin").innerText();
	assert.ok(origin.includes("Remark") && origin.includes("a b*c~é"), origin);
});
await test("the secret of the session is nowhere in the page", async () => {
	const token = await page.evaluate(() => document.documentElement.innerHTML);
	assert.ok(!token.includes(lab.access_key_secret));
	assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }).includes("STS")), false);
});
await test("request and form look well", () => shotAll(page, "explorer-request"));

await test("JSON in a parameter is written by a form, checked while typing", async () => {
	await choose("CreateNetworkRules");
	await button("Start with an example").click();
	await page.getByRole("textbox", { name: "FrontendPort" }).fill("70000");
	await page.locator(".x-document .field-error").waitFor();
	assert.match(await page.locator(".x-document > .field-error").innerText(), /\[0\]\.FrontendPort .*1\.\.65535/);
	await page.getByRole("textbox", { name: "FrontendPort" }).fill("9100");
	await page.getByRole("textbox", { name: "RealServers 1" }).fill(lab.origin.ipv4);
	await page.locator(".x-document > .field-error").waitFor({ state: "detached" });
	await press();
	assert.ok(JSON.parse(await reply()).RequestId);
	const rules = call("DescribeNetworkRules", { InstanceId: instance.id, PageNumber: 1, PageSize: 10 }).NetworkRules;
	assert.ok(rules.some((rule) => rule.FrontendPort === 9100 && rule.RealServers[0] === lab.origin.ipv4), JSON.stringify(rules));
});
await test("the same document as text stays what it is", async () => {
	await page.getByRole("radio", { name: "JSON" }).first().click();
	const text = await page.locator(".x-document textarea").inputValue();
	assert.equal(JSON.parse(text)[0].FrontendPort, 9100);
});
await test("a nested document looks well", async () => {
	await choose("ModifyNetworkRuleAttribute", `?InstanceId=${instance.id}&ForwardProtocol=tcp&FrontendPort=9100`);
	await button("Start with an example").click();
	await button("Add Slimit").click();
	await button("Add Cc").click();
	await shotAll(page, "explorer-document");
});

await test("ids that exist are offered, and lists have rows", async () => {
	await choose("DescribeInstanceSpecs");
	await button("Add to InstanceIds").click();
	assert.equal(await page.getByRole("combobox", { name: "InstanceIds.1" }).inputValue(), instance.id);
	await press();
	assert.equal(JSON.parse(await reply()).InstanceSpecs[0].InstanceId, instance.id);
});
await test("times are whole minutes in the unit of the parameter", async () => {
	await choose("DescribeOpEntities");
	await button("Fill in an example").click();
	await page.getByLabel("StartTime as a date").fill("2026-11-29T10:20");
	const value = await page.getByRole("textbox", { name: "StartTime", exact: true }).inputValue();
	assert.ok(Number(value) % 60000 === 0 && value.length === 13, value);
});
await test("what is missing is told, and may be sent all the same: the API judges", async () => {
	await choose("DescribePort");
	await press();
	assert.equal(JSON.parse(await reply()).Code, "MissingParameter");
	await page.getByText("Would be refused: 1").waitFor();
	await page.getByRole("link", { name: "What it means and what to do" }).waitFor();
});
await test("an error's reply looks well", () => shotAll(page, "explorer-error"));

await test("code is there in every language, with the page's address and no secret", async () => {
	await choose("CreatePort", `?InstanceId=${instance.id}&FrontendProtocol=tcp&FrontendPort=9200&BackendPort=80&RealServers.1=${lab.origin.ipv4}`);
	await tab("Code").click();
	for (const language of ["curl + openssl", "curl + openssl (V1)", "Python", "Node.js", "Node.js SDK", "Go", "Go SDK", "Java", "aliyun", "polder", "Terraform"]) {
		await page.locator(".x-result .select").click();
		await option(language);
		const code = await page.locator(".x-result pre").innerText();
		assert.ok(code.includes(instance.id) && code.includes(new URL(lab.api).host), language);
		assert.ok(!code.includes(lab.access_key_secret), language);
	}
	await shotAll(page, "explorer-code");
});
await test("code that was copied runs as it is", async () => {
	await choose("DescribeInstanceIds");
	await tab("Code").click();
	await page.locator(".x-result .select").click();
	await option("Python");
	const code = await page.locator(".x-result pre").innerText();
	const said = execFileSync("/usr/bin/python3", ["-"], { input: code, encoding: "utf8", env: { ...process.env,
		ALIBABA_CLOUD_ACCESS_KEY_ID: lab.access_key_id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.access_key_secret } });
	assert.ok(JSON.parse(said).InstanceIds.some((row) => row.InstanceId === instance.id), said);
});
await test("docs tell parameters and shapes", async () => {
	await choose("AddAutoCcBlacklist");
	await tab("Docs").click();
	const text = await page.locator(".x-result").innerText();
	assert.ok(text.includes("Blacklist") && text.includes("[{src: prefix}]"), text);
	await shotAll(page, "explorer-docs");
});

await test("what stops traffic asks for the name, and shows the packets of the last minute", async () => {
	await choose("DeletePort", `?InstanceId=${instance.id}&FrontendProtocol=tcp&FrontendPort=9100`);
	await page.locator(".x-send button[type=submit]").click();
	const dialog = page.getByRole("dialog");
	await dialog.waitFor();
	await dialog.getByText("Packets of the last 60 seconds").waitFor();
	const confirm = dialog.getByRole("button", { name: "Call", exact: true });
	assert.ok(await confirm.isDisabled());
	await axe(page);
	await dialog.getByRole("textbox").fill(instance.id);
	await confirm.click();
	await dialog.waitFor({ state: "detached" });
	assert.ok(JSON.parse(await reply()).RequestId);
	const rules = call("DescribeNetworkRules", { InstanceId: instance.id, PageNumber: 1, PageSize: 10 }).NetworkRules;
	assert.ok(!rules.some((rule) => rule.FrontendPort === 9100), JSON.stringify(rules));
});

await test("calls of this tab are kept, and can be made again", async () => {
	await choose("DescribeInstanceSpecs");
	await tab("History").click();
	assert.ok(await page.locator(".x-history li").count() > 8);
	await shotAll(page, "explorer-history");
	await page.locator(".x-history li", { hasText: "DescribeInstanceSpecs" }).getByRole("button", { name: /Call again/ }).click();
	await response.waitFor();
	assert.equal(JSON.parse(await reply()).InstanceSpecs.length, 1);
});
await test("a link holds the form and no secret", async () => {
	await choose("DescribePort", `?InstanceId=${instance.id}&FrontendPort=80`);
	await button("Copy link").click();
	const link = await page.evaluate(() => navigator.clipboard.readText());
	assert.equal(link, `${lab.console}#/explorer/DescribePort?InstanceId=${instance.id}&FrontendPort=80`);
});

if (await page.getByRole("tab", { name: "Errors" }).count() > 0) {
	await test("errors of the action are those of the running service", async () => {
		await choose("ReleaseInstance");
		await tab("Errors").click();
		await page.getByRole("region", { name: "Of this action" }).getByText("InstanceNotExpire").waitFor();
		await shotAll(page, "explorer-errors");
	});
}
if (await page.getByRole("tab", { name: "Diagnose" }).count() > 0) {
	await test("a call is diagnosed by its id: the first byte that differs is marked", async () => {
		await choose("DescribeInstanceIds");
		await press();
		const id = JSON.parse(await reply()).RequestId;
		await tab("Request").click();
		const texts = await page.locator(".x-step", { hasText: "String to sign" }).locator(".x-line").allInnerTexts();
		await tab("Diagnose").click();
		await field(/RequestId/).fill(id);
		await page.locator(".x-result textarea").fill(texts.join("\n").slice(0, -1) + "x");
		await button("Look it up").click();
		await page.locator(".x-compared mark").first().waitFor();
		assert.equal(await page.locator(".x-compared mark").nth(1).innerText(), "x");
		await shotAll(page, "explorer-diagnose");
	});
}
await test("in Chinese, too", async () => {
	const other = await open({ language: "zh-CN" });
	await logIn(other);
	await visit(other, "explorer/CreatePort");
	await other.getByRole("button", { name: "调用", exact: true }).waitFor();
	await shotAll(other, "explorer-zh");
	await other.close();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
