// SPDX-License-Identifier: BSD-2-Clause
// Ports: make one from a game's template, look at it, check its origin, limit it, change it, delete it with its guard.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const instance = makeInstance();
const page = await open();
await logIn(page);
await visit(page, `ports/${instance.id}`);
const named = (protocol, port) => JSON.stringify([{ InstanceId: instance.id, Protocol: protocol, FrontendPort: port }]);
const save = async (title) => {
	const card = page.getByRole("region", { name: title });
	await card.getByRole("button", { name: "Save" }).click();
	await card.getByRole("button", { name: "Save" }).waitFor({ state: "detached" });
};

await test("the list shows the rule with its origin's health", async () => {
	const row = page.getByRole("row", { name: /80\/tcp/ });
	await row.waitFor();
	assert.match(await row.innerText(), new RegExp(`${lab.origin.ipv4}.*not checked`, "s")); // no health check: nobody knows
});
await test("a wrong port is told before anything is sent", async () => {
	await page.getByRole("button", { name: "Add port" }).first().click();
	await page.locator("input[name=port]").fill("70000");
	await page.getByText("1 to 65535").waitFor();
	assert.ok(await page.getByRole("dialog").getByRole("button", { name: "Add port" }).isDisabled());
});
await test("a UDP port for a game: the template says what is checked, and is in force", async () => {
	const dialog = page.getByRole("dialog");
	await dialog.locator(".segment", { hasText: "UDP" }).click();
	await page.locator("input[name=port]").fill("27015");
	await dialog.locator("textarea").fill(lab.origin.ipv4);
	const card = dialog.locator(".choice", { hasText: "Source engine" });
	assert.match(await card.innerText(), /A2S query/);
	await card.click();
	await dialog.getByRole("button", { name: "Add port" }).click();
	await dialog.waitFor({ state: "detached" });
	await page.getByRole("row", { name: /27015\/udp/ }).waitFor();
	const [rule] = call("DescribeRuleForwarding", { InstanceId: instance.id, ForwardProtocol: "udp", FrontendPort: 27015 }).NetworkRules;
	assert.equal(rule.PayloadForm, "a2s");
	assert.equal(rule.Challenge, "on");
});
await test("the list: how it looks", () => shotAll(page, "ports"));
await test("what the API refuses is shown where it was asked for", async () => {
	await page.getByRole("button", { name: "Add port" }).first().click();
	await page.locator("input[name=port]").fill("80");
	await page.getByRole("dialog").locator("textarea").fill(lab.origin.ipv4);
	await page.getByRole("dialog").locator(".segment", { hasText: "TCP" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Add port" }).click();
	await page.getByRole("dialog").getByRole("alert").waitFor();
	await page.getByRole("dialog").locator("input[name=port]").fill("8090");
	await page.getByRole("dialog").locator("textarea").fill("no-address");
	await page.getByRole("dialog").getByRole("button", { name: "Add port" }).click();
	await page.getByRole("dialog").locator(".field", { has: page.locator("textarea") }).locator(".field-error", { hasText: "no-address" }).waitFor();
	await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
});
await test("health checks are set, and what nodes found is shown", async () => {
	await page.getByRole("link", { name: "80/tcp" }).click();
	const card = page.getByRole("region", { name: "Health check" });
	await card.locator(".choice", { hasText: "HTTP" }).click();
	await save("Health check");
	const { HealthCheck } = call("DescribeHealthCheckList", { NetworkRules: named("tcp", 80) }).HealthCheckList[0];
	assert.equal(HealthCheck.Type, "http");
	assert.equal(HealthCheck.Uri, "/");
});
await test("limits: 0 is off, others switch theirs on", async () => {
	const card = page.getByRole("region", { name: "Limits" });
	const ofSource = card.locator(".fields").first();
	await ofSource.getByLabel("New connections a second").fill("50");
	await save("Limits");
	let config = call("DescribeNetworkRuleAttributes", { NetworkRules: named("tcp", 80) }).NetworkRuleAttributes[0].Config;
	assert.deepEqual([config.Slimit.Cps, config.Slimit.CpsEnable], [50, 1]);
	await ofSource.getByLabel("New connections a second").fill("0");
	await save("Limits");
	config = call("DescribeNetworkRuleAttributes", { NetworkRules: named("tcp", 80) }).NetworkRuleAttributes[0].Config;
	assert.equal(config.Slimit.CpsEnable, 0);
});
await test("a limit out of range is refused with its reason, and the draft stays", async () => {
	const card = page.getByRole("region", { name: "Limits" });
	await card.locator(".fields").nth(2).getByLabel("New connections a second").fill("7");
	await card.getByRole("button", { name: "Save" }).click();
	await card.getByRole("alert").waitFor();
	assert.match(await card.getByRole("alert").innerText(), /Cps/);
	assert.equal(await card.locator(".fields").nth(2).getByLabel("New connections a second").inputValue(), "7");
	await card.getByRole("button", { name: "Cancel" }).click();
});
await test("origins and remark change", async () => {
	const card = page.getByRole("region", { name: "Where it goes" });
	await card.locator("textarea").fill(`${lab.origin.ipv4}\n203.0.113.201`);
	await card.getByLabel("Remark").fill("shop");
	await save("Where it goes");
	const rule = call("DescribeNetworkRules", { InstanceId: instance.id, ForwardProtocol: "tcp", FrontendPort: 80, PageNumber: 1, PageSize: 1 }).NetworkRules[0];
	assert.deepEqual(rule.RealServers.sort(), [lab.origin.ipv4, "203.0.113.201"].sort());
	assert.equal(rule.Remark, "shop");
});
await test("redundant origins are set and switched", async () => {
	const card = page.getByRole("region", { name: "Redundant origins" });
	await card.getByLabel("Primary").first().fill(lab.origin.ipv4);
	await card.locator("textarea").nth(1).fill("203.0.113.201");
	await card.locator(".switch").click();
	await save("Redundant origins");
	const policy = call("DescribeLayer4RulePolicy", { Listeners: named("tcp", 80) });
	assert.equal(policy.BakMode, "1");
	assert.equal(policy.PriRealServers[0].RealServer, lab.origin.ipv4);
});
await test("the PROXY protocol is chosen where the port speaks", async () => {
	const card = page.getByRole("region", { name: "Protocol and forwarding" });
	await card.locator(".choice", { hasText: "PROXY protocol" }).click();
	await save("Protocol and forwarding");
	assert.equal(call("DescribeRuleForwarding", { InstanceId: instance.id, ForwardProtocol: "tcp", FrontendPort: 80 }).NetworkRules[0].ClientAddress, "proxy");
});
await test("one port: how it looks", () => shotAll(page, "port"));
await test("deleting asks for the port typed and shows what arrives", async () => {
	await page.getByRole("button", { name: "Delete" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByText("Packets of the last 60 seconds").waitFor();
	assert.ok(await dialog.getByRole("button", { name: "Delete" }).isDisabled());
	await dialog.locator("input").fill("80/tcp");
	await dialog.getByRole("button", { name: "Delete" }).click();
	await page.getByRole("row", { name: /27015/ }).waitFor();
	assert.equal(call("DescribePort", { InstanceId: instance.id }).TotalCount, 1);
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
