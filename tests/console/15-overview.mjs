// SPDX-License-Identifier: BSD-2-Clause
// The overview says what is true: nothing yet, traffic, an attack inside the lab, what expires, which origins fail.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, polder, shotAll, test, visit } from "./lib.mjs";

const page = await open();
await logIn(page);
await test("without instances it says what to do first", async () => {
	if (call("DescribeInstances", { PageNumber: 1, PageSize: 1 }).TotalCount > 0)
		return; // another test's: seen there
	await page.getByText("Protect your first server").waitFor();
	await page.getByRole("link", { name: "Create instance" }).waitFor();
});
const one = makeInstance();
await test("instances by state, what expires soon, nodes", async () => {
	await page.getByRole("link", { name: /\d Protected/ }).waitFor();
	await page.getByRole("link", { name: one.id }).first().waitFor();
	await page.locator("section", { hasText: "Expire within 30 days" }).locator(".countdown").first().waitFor();
	await page.locator("section", { hasText: "Nodes" }).getByText("up to date").first().waitFor();
});
await test("origins count once a rule has a health check, and a dead one is told", async () => {
	const origins = page.locator("section", { has: page.getByRole("heading", { name: "Origins" }) });
	await origins.getByText("No port rule has a health check yet").waitFor();
	const check = (port) => call("ModifyHealthCheckConfig", { InstanceId: one.id, ForwardProtocol: "tcp", FrontendPort: 80,
		HealthCheck: JSON.stringify({ Type: "tcp", Port: port, Interval: 1, Timeout: 1, Up: 1, Down: 1 }) });
	check(lab.origin.http);
	await origins.getByText("All 1 origins that are probed answer.").waitFor();
	check(9); // nobody listens there
	await origins.getByText("1 of 1 origins that are probed do not answer").waitFor({ timeout: 40000 });
	check(lab.origin.http);
});
await test("an attack is seen within seconds, and that it ended", async () => {
	await page.getByText("No attack now").waitFor();
	const drill = polderLater("lab", "drill", "ack-flood", "--seconds", "6");
	await page.getByText("1 under attack now").waitFor({ timeout: 20000 });
	await page.locator(".hero").getByText(/cookie_invalid/).first().waitFor();
	await shotAll(page, "overview-attack");
	await drill;
	await page.getByText("No attack now").waitFor({ timeout: 30000 });
	assert.match(await page.locator(".hero").innerText(), /peak [\d.]+ [kM]pps/);
});
await test("a flood of SYNs, which are answered and not dropped, is no quiet", async () => {
	const drill = polderLater("lab", "drill", "syn-flood", "--seconds", "5");
	await page.getByText("A flood is being answered").waitFor({ timeout: 20000 });
	await page.getByText("get a cookie or a challenge").waitFor();
	await drill;
	await page.getByText("No attack now").waitFor({ timeout: 30000 });
});
await test("the overview: how it looks, and axe", () => shotAll(page, "overview"));
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();

function polderLater(...words) {
	return import("node:child_process").then(({ spawn }) => new Promise((resolve) => {
		spawn(`${process.env.O ?? "build"}/polder`, words, { stdio: "ignore" }).on("exit", resolve);
	}));
}
