// SPDX-License-Identifier: BSD-2-Clause
// More instances and web sites than a menu can hold: found by typing.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const MENU_MAX = 50;
const SITES = 14;
const wanted = makeInstance(); // the oldest: no list of the newest has it
call("ModifyInstanceRemark", { InstanceId: wanted.id, Remark: "needle in the hay" });
for (let i = 0; i < MENU_MAX; i++)
	makeInstance();
for (let i = 0; i < SITES; i++)
	call("CreateDomainResource", { Domain: `many${i}.console.example`, "InstanceIds.1": wanted.id, RsType: 0, "RealServers.1": lab.origin.ipv4,
		"ProxyTypes.1.ProxyType": "http", "ProxyTypes.1.ProxyPorts.1": 8080 });
const page = await open();
await logIn(page);
const hash = () => page.evaluate(() => location.hash);

await test("an instance that no menu holds is found by a part of its remark, by keyboard alone", async () => {
	await visit(page, "ports");
	const box = page.getByRole("combobox", { name: "Instance" });
	await box.click();
	await box.fill("needle");
	await page.getByRole("option", { name: /needle in the hay/ }).waitFor();
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("Enter");
	await page.waitForFunction((id) => location.hash === `#/ports/${id}`, wanted.id);
	await page.getByRole("link", { name: "80/tcp" }).waitFor();
	assert.match(await box.inputValue(), /needle in the hay/);
});
await test("what is called like nothing leaves the choice as it is", async () => {
	const box = page.getByRole("combobox", { name: "Instance" });
	await box.click();
	await box.fill("no such thing");
	await page.waitForFunction(() => document.querySelectorAll("[role=option]").length === 1); // the present one
	await page.keyboard.press("Escape");
	await page.getByRole("listbox").waitFor({ state: "detached" });
	assert.match(await box.inputValue(), /needle in the hay/);
	assert.equal(await hash(), `#/ports/${wanted.id}`);
});
await test("a site's own instance is shown among many, and others are added by typing", async () => {
	await visit(page, "websites/many3.console.example");
	const group = page.getByRole("group", { name: "Instances" });
	await group.getByText("needle in the hay").waitFor();
	assert.equal(await group.getByRole("checkbox").count(), 0);
});
await test("sites of a policy are chosen by typing", async () => {
	await visit(page, "scenes");
	await page.getByRole("button", { name: "New policy" }).first().click();
	const dialog = page.getByRole("dialog", { name: "New policy" });
	for (const name of ["many11", "many12"]) {
		await dialog.getByRole("combobox").fill(name);
		await page.getByRole("option", { name: `${name}.console.example` }).click();
		await dialog.getByText(`${name}.console.example`).waitFor();
	}
	await shotAll(page, "many-sites");
	await dialog.getByRole("button", { name: "Cancel" }).click();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
for (let i = 0; i < SITES; i++)
	call("DeleteDomainResource", { Domain: `many${i}.console.example` });
await done();
