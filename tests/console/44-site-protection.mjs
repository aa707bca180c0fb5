// SPDX-License-Identifier: BSD-2-Clause
// Protection of a web site: checks, lists, areas, precise and frequency rules, shipped rules, modes, caching.
import { assert, axe, call, complaints, done, lab, logIn, makeInstance, open, polder, shotAll, test, visit } from "./lib.mjs";

const DOMAIN = "guarded.console.example";
const instance = makeInstance();
call("CreateDomainResource", { Domain: DOMAIN, "InstanceIds.1": instance.id, "ProxyTypes.1.ProxyType": "http", "ProxyTypes.1.ProxyPorts.1": 8080, RsType: 0, "RealServers.1": lab.origin.ipv4 });
call("ModifyInstance", { InstanceId: instance.id, ProductType: "ddoscoo", ModifyType: "UPGRADE", FunctionVersion: 1 });
const page = await open();
await logIn(page);
const tab = async (name) => {
	await visit(page, `sitemitigation/${DOMAIN}?tab=${name}`);
	await page.getByRole("tab", { selected: true }).waitFor();
};
const region = (name) => page.getByRole("region", { name, exact: true });
async function save(title) {
	await region(title).getByRole("button", { name: "Save" }).click();
	await region(title).getByRole("button", { name: "Save" }).waitFor({ state: "detached" });
}
const switches = () => call("DescribeWebCcProtectSwitch", { "Domains.1": DOMAIN }).ProtectSwitchList[0];
const status = (path) => polder("lab", "exec", "client", "curl", "-s", "-m", "3", "-o", "/dev/null", "-w", "%{http_code}", "-A", "Mozilla/5.0", "-H", "Accept: */*", "--resolve", `${DOMAIN}:8080:${instance.ip}`, `http://${DOMAIN}:8080${path}`);
/** Nodes follow within a moment. */
async function becomes(path, ...wanted) {
	let last = "";
	for (let i = 0; i < 40; i++) {
		try {
			last = status(path);
		} catch (error) {
			last = String(error.stdout ?? "").trim();
		}
		if (wanted.includes(last))
			return;
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
	assert.fail(`${path}: ${last}, not ${wanted}`);
}

await test("a check is watched, and goes back to its default; those of the node cannot be changed here", async () => {
	await tab("checks");
	const pace = page.getByRole("radiogroup", { name: "Mode of Frequency mode" });
	await pace.getByText("Watch").click();
	await page.getByRole("button", { name: "Back to default: Block" }).waitFor();
	assert.equal(call("DescribeWebChecks", { Domain: DOMAIN }).Checks.find(({ Name }) => Name === "pace").Mode, "watch");
	await page.getByRole("button", { name: "Back to default: Block" }).click();
	await page.getByRole("button", { name: "Back to default: Block" }).waitFor({ state: "detached" });
	assert.ok(await page.getByRole("radiogroup", { name: "Mode of TLS handshakes" }).getByRole("radio").first().isDisabled());
	await shotAll(page, "site-checks");
});
await test("a precise rule blocks what it says, and only that", async () => {
	await tab("rules");
	await region("Precise rules").getByRole("button", { name: "Add rule" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.locator("input[name=rulename]").fill("nothing_secret");
	await dialog.getByRole("textbox", { name: "Content" }).first().fill("/secret");
	await dialog.getByRole("button", { name: "Add a condition" }).click();
	await dialog.getByRole("button", { name: /Relation/ }).nth(1).click();
	await page.getByRole("option", { name: "does not contain" }).click();
	await dialog.getByRole("textbox", { name: "Content" }).nth(1).fill("/public");
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.waitFor({ state: "detached" });
	await region("Precise rules").getByText("uri contains /secret · uri does not contain /public").waitFor();
	await becomes("/secret", "403");
	await becomes("/", "200");
});
await test("each field offers the relations that are for it", async () => {
	await region("Precise rules").getByRole("button", { name: "Edit: nothing_secret" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByRole("button", { name: /Field/ }).first().click();
	assert.equal(await page.getByRole("option").count(), 18);
	await page.getByRole("option", { name: "ip", exact: true }).click();
	await dialog.getByRole("button", { name: /Relation/ }).first().click();
	assert.deepEqual(await page.getByRole("option").allInnerTexts(), ["is in", "is not in"]);
	await page.keyboard.press("Escape");
	await dialog.getByRole("button", { name: "Cancel" }).click();
});
await test("a frequency rule is made and edited", async () => {
	await region("Frequency rules").getByRole("button", { name: "Add rule" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.locator("input[name=rulename]").fill("login");
	await dialog.getByLabel("Requests").fill("20");
	await dialog.getByRole("button", { name: "Save" }).click();
	await region("Frequency rules").getByText("20 requests in 10 s, then for 60 s").waitFor();
	await region("Frequency rules").getByRole("button", { name: "Edit: login" }).click();
	await dialog.getByLabel("Requests").fill("30");
	await dialog.getByRole("button", { name: "Save" }).click();
	await region("Frequency rules").getByText("30 requests in 10 s, then for 60 s").waitFor();
});
await test("a shipped rule is turned to watching", async () => {
	await page.getByRole("radiogroup", { name: "Action: scanner", exact: true }).getByText("Watch").click();
	await page.waitForFunction(() => !document.querySelector("[role=alert]"));
	for (let i = 0; i < 20 && call("DescribeL7GlobalRule", { Domain: DOMAIN }).GlobalRules[0].Action !== "watch"; i++)
		await page.waitForTimeout(200);
	assert.equal(call("DescribeL7GlobalRule", { Domain: DOMAIN }).GlobalRules[0].Action, "watch");
	await shotAll(page, "site-rules");
});
await test("the black-list refuses a source; the lists' switch lets it in again", async () => {
	await tab("lists");
	await region("Sources").getByLabel(/^Black-list/).fill("198.51.100.7\n192.0.2.0/24\n203.0.113.0/24\n198.18.0.0/15\n198.51.100.0/24");
	await save("Sources");
	await becomes("/", "403", "000"); // or the connection is not even taken
	await region("Sources").locator(".switch").click();
	await save("Sources");
	await becomes("/", "200");
	assert.equal(switches().BlackWhiteListEnable, 0);
});
await test("areas are refused by name", async () => {
	const card = region("Refused countries and areas");
	await card.getByLabel(/^Add a country/).fill("hong");
	await card.getByRole("button", { name: /Hong Kong/ }).click();
	await save("Refused countries and areas");
	assert.deepEqual(call("DescribeWebAreaBlockConfigs", { "Domains.1": DOMAIN }).AreaBlockConfigs[0].RegionList.map(({ Region }) => Region), ["CN-HONGKONG"]);
	await axe(page);
});
await test("to challenge everybody needs the domain typed", async () => {
	await tab("modes");
	await region("Frequency mode").locator(".choice", { hasText: "Under attack" }).click();
	for (let i = 0; i < 20 && switches().CcTemplate !== "gf_under_attack"; i++)
		await page.waitForTimeout(200);
	assert.equal(switches().CcTemplate, "gf_under_attack");
	await region("Frequency mode").locator(".choice", { hasText: "Challenge everybody" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.locator("input").fill(DOMAIN);
	await dialog.getByRole("button", { name: "Challenge every visitor" }).click();
	await dialog.waitFor({ state: "detached" });
	assert.equal(switches().CcTemplate, "gf_sos_verify");
	await region("AI protection").locator(".choice", { hasText: "Defend" }).click();
	await save("AI protection");
	assert.equal(switches().AiMode, "defense");
	// What DescribeSmartProtection tells is told, and that nothing was learned yet is no zero.
	const figures = region("What it goes by");
	await figures.getByText("still learning").waitFor();
	assert.match(await figures.innerText(), /Usual at this hour\s*–[^]*Attack from\s*–[^]*Now\s*[\d,]+\/s[^]*Rules in force\s*0/);
	await shotAll(page, "site-modes");
});
await test("caching, with a rule for a path; what the plan does not grant is told", async () => {
	await tab("cache");
	await region("Caching").locator(".switch").click();
	await region("Caching").getByRole("button", { name: "Add rule" }).click();
	await region("Caching").getByLabel("Path begins with").fill("/images/");
	await save("Caching");
	const config = call("DescribeWebCacheConfigs", { "Domains.1": DOMAIN }).DomainCacheConfigs[0];
	assert.equal(config.Enable, 1);
	assert.equal(config.CustomRules[0].Uri, "/images/");
	call("ModifyInstance", { InstanceId: instance.id, ProductType: "ddoscoo", ModifyType: "DOWNGRADE", FunctionVersion: 0 });
	await region("Caching").getByLabel("Path begins with").fill("/pictures/");
	await region("Caching").getByRole("button", { name: "Save" }).click();
	await region("Caching").getByRole("alert").getByText("FunctionPlanNotSupport").waitFor();
	await axe(page);
});
await test("rules are deleted", async () => {
	await tab("rules");
	await region("Precise rules").getByRole("button", { name: "Delete: nothing_secret" }).click();
	await region("Precise rules").getByText("No rule.").waitFor();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
call("DeleteDomainResource", { Domain: DOMAIN });
await done();
