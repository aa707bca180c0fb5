// SPDX-License-Identifier: BSD-2-Clause
// The life of an instance in the console: ordered, seen, configured, renewed, expired by the clock, released with its guard.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, polder, shotAll, test, visit } from "./lib.mjs";

const DAY = 86400000;
const page = await open();
await logIn(page);
const dialog = page.getByRole("dialog");
const expiry = (of) => call("DescribeInstances", { PageNumber: 1, PageSize: 1, "InstanceIds.1": of }).Instances[0]?.ExpireTime;
let id;

await test("an order by its form: checked while typing, then the instance is there", async () => {
	await visit(page, "instances");
	await page.getByRole("link", { name: "Create instance" }).first().click();
	await page.getByRole("heading", { name: "Create an instance" }).waitFor();
	await page.getByLabel("Port rules").fill("51");
	assert.equal(await page.getByRole("button", { name: "Create instance" }).isDisabled(), true);
	await page.getByLabel("Port rules").fill("55");
	await shotAll(page, "instance-new");
	await page.getByRole("button", { name: "Create instance" }).click();
	await page.waitForFunction(() => /#\/instances\/ddos/.test(location.hash));
	id = decodeURIComponent(new URL(page.url()).hash.split("/")[2]);
	const [spec] = call("DescribeInstanceSpecs", { "InstanceIds.1": id }).InstanceSpecs;
	assert.equal(spec.PortLimit, 55);
});
await test("an address that leads nowhere yet says what to do next", async () => {
	await page.getByText("Nothing is forwarded yet").waitFor();
	await page.getByRole("link", { name: "Add a port" }).waitFor();
});
await test("an instance shows its state once the nodes confirmed it, its plan and its quotas", async () => {
	call("CreatePort", { InstanceId: id, FrontendProtocol: "tcp", FrontendPort: 80, BackendPort: lab.origin.http, "RealServers.1": lab.origin.ipv4 });
	await page.getByText("Protected", { exact: true }).waitFor();
	await page.getByText("0 of 55").or(page.getByText("1 of 55")).waitFor();
	await page.getByText("Nothing is forwarded yet").waitFor({ state: "detached" });
});
await test("a remark and a tag are set", async () => {
	await page.getByRole("button", { name: "Edit remark" }).click();
	await dialog.getByLabel(/Remark/).fill("shop <b>front</b>");
	await dialog.getByRole("button", { name: "Save" }).click();
	await dialog.waitFor({ state: "hidden" });
	await page.getByText("shop <b>front</b>").waitFor();
	await page.getByRole("button", { name: "Add tag" }).click();
	await dialog.getByLabel("Key").fill("stage");
	await dialog.getByLabel(/Value/).fill("test");
	await dialog.getByRole("button", { name: "Add" }).click();
	await page.getByText("stage: test").waitFor();
	const [tag] = call("DescribeTagResources", { RegionId: "cn-hangzhou", ResourceType: "INSTANCE", "ResourceIds.1": id }).TagResources.TagResource;
	assert.deepEqual([tag.TagKey, tag.TagValue], ["stage", "test"]);
});
await test("the renewal is set to automatic", async () => {
	await page.getByRole("button", { name: /Who renews/ }).click();
	await page.getByRole("option", { name: "Renew automatically" }).click();
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("The renewal is set.").waitFor();
	assert.equal(call("QueryAvailableInstances", { InstanceIDs: id }).Data.InstanceList[0].RenewStatus, "AutoRenewal");
	await page.getByRole("button", { name: /Who renews/ }).click();
	await page.getByRole("option", { name: "Renew by hand" }).click();
	await page.getByRole("button", { name: "Save" }).click();
	await page.waitForFunction(() => !document.body.innerText.includes("Each time by"));
});
await test("renewing moves the expiry by what the dialog said, once", async () => {
	const before = expiry(id);
	await page.getByRole("button", { name: "Renew", exact: true }).click();
	await dialog.getByRole("button", { name: /Period/ }).click();
	await page.getByRole("option", { name: "3 months" }).click();
	const said = await dialog.locator("time").nth(1).getAttribute("datetime");
	await dialog.getByRole("button", { name: "Renew" }).click();
	await dialog.waitFor({ state: "hidden" });
	assert.ok(expiry(id) > before + 80 * DAY);
	assert.equal(new Date(expiry(id)).toISOString(), said);
});
await test("the plan grows, and an impossible one is refused with the control's words", async () => {
	await page.getByRole("button", { name: "Change plan" }).click();
	await dialog.getByLabel("Port rules").fill("53");
	await dialog.getByRole("button", { name: /Downgrade|Upgrade/ }).click();
	await dialog.getByRole("alert").waitFor();
	assert.match(await dialog.getByRole("alert").innerText(), /InvalidParameter/);
	await dialog.getByLabel("Port rules").fill("60");
	await dialog.getByRole("button", { name: "Upgrade" }).click();
	await dialog.waitFor({ state: "hidden" });
	await page.getByText("of 60").waitFor();
});
await test("a protected instance cannot be released: the page says until when", async () => {
	await page.getByRole("button", { name: /Release/ }).click();
	await dialog.getByText(/Only an expired instance can be released/).waitFor();
	await page.keyboard.press("Escape");
	await dialog.waitFor({ state: "hidden" });
});
await test("one instance: how it looks, and axe", () => shotAll(page, "instance"));

await test("expiry by the clock is shown: unprotected, then stopped", async () => {
	const left = Math.ceil((expiry(id) - Date.now()) / DAY);
	polder("lab", "clock", `+${left}d`);
	await page.getByText("Expired: unprotected").waitFor();
	polder("lab", "clock", "+7d");
	await page.getByText("Stopped: no traffic").waitFor();
});
await test("renewing an instance that has stopped makes it whole again", async () => {
	await page.getByRole("button", { name: "Renew", exact: true }).click();
	await dialog.getByRole("button", { name: "Renew" }).click();
	await page.getByText("Protected", { exact: true }).waitFor();
});
await test("the release asks for the name, and the drained check refuses while packets arrive", async () => {
	polder("lab", "clock", "+32d");
	await page.getByText("Expired: unprotected").waitFor();
	const { Ip } = call("DescribeInstances", { PageNumber: 1, PageSize: 1, "InstanceIds.1": id }).Instances[0];
	polder("lab", "exec", "client", "curl", "-s", "-m", "5", "-o", "/dev/null", `http://${Ip}/`);
	await page.getByRole("button", { name: /Release/ }).click();
	await dialog.getByText(/Traffic still arrives: [1-9][\d,]* packets in the last 60 seconds/).waitFor();
	await shotAll(page, "instance-release");
	const release = dialog.getByRole("button", { name: "Release" });
	assert.equal(await release.isDisabled(), true);
	await dialog.getByLabel(/Type/).fill(id.slice(1));
	assert.equal(await release.isDisabled(), true);
	await dialog.getByLabel(/Type/).fill(id);
	await release.click();
	await dialog.getByText("InstanceNotDrained").waitFor();
	await dialog.getByText("Refuse while packets arrived").click();
	await release.click();
	await page.waitForFunction(() => location.hash === "#/instances");
	assert.equal(expiry(id), undefined);
	polder("lab", "clock", "reset");
});
await test("the list finds by id, address and remark, and says when nothing matches", async () => {
	const one = makeInstance(), two = makeInstance();
	call("ModifyInstanceRemark", { InstanceId: two.id, Remark: "second of them" });
	call("ModifyInstanceRemark", { InstanceId: one.id, Remark: "without-a-space-".repeat(12) });
	await visit(page, "instances");
	const rows = page.locator("tbody tr");
	for (const word of [one.id, one.ip]) {
		await page.getByLabel("Search").fill(word);
		await page.waitForFunction((wanted) => document.querySelectorAll("tbody tr").length === 1 &&
			document.querySelector("tbody").innerText.includes(wanted), one.id);
	}
	await page.getByLabel("Search").fill("of them");
	await rows.getByText("second of them").waitFor();
	await page.getByLabel("Search").fill("no such remark");
	await page.getByText("Nothing matches this search.").waitFor();
	await page.getByLabel("Search").fill("");
	await page.getByRole("button", { name: "Time left" }).click();
	await page.locator("th[aria-sort=ascending]").waitFor();
	assert.ok(await page.locator(".table-wrap").evaluate((box) => box.scrollWidth <= box.clientWidth), "the table is cut off");
	await shotAll(page, "instances");
});
await test("an address of no instance says so", async () => {
	await visit(page, "instances/ddoscoo-cn-nothing0000");
	await page.getByText(/There is no instance|failed/).first().waitFor();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
