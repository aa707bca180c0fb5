// SPDX-License-Identifier: BSD-2-Clause
// What roles and tenants see, a session that ends from elsewhere, the audit log and its verification.
import { assert, axe, call, complaints, done, logIn, logInAs, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const page = await open();
await logIn(page);
const dialog = page.getByRole("dialog");
call("CreateUser", { Name: "reader", Password: "a long password" });

await test("a reader sees, and is shown nothing that he may not do", async () => {
	const { id } = makeInstance();
	const other = await open();
	await logInAs(other, "reader", "a long password");
	await visit(other, "instances");
	await other.getByRole("rowheader", { name: id }).waitFor();
	assert.equal(await other.getByRole("link", { name: "Create instance" }).count(), 0);
	assert.equal(await other.getByRole("button", { name: "Renew" }).count(), 0);
	await visit(other, `instances/${id}`);
	await other.getByRole("heading", { name: id }).waitFor();
	assert.equal(await other.getByRole("button", { name: /Release/ }).count(), 0);
	await visit(other, "settings");
	assert.deepEqual(await other.getByRole("tab").allInnerTexts(), ["You"]);
	await other.context().close();
});
await test("a tenant sees nothing of others", async () => {
	const account = call("CreateAccount", { Name: `tenant-${Date.now()}` }).AccountId;
	const { AccessKey } = call("CreateAccessKey", { AccountId: account, Permission: "full" });
	const { id } = makeInstance();
	const other = await open();
	await logIn(other, { id: AccessKey.AccessKeyId, secret: AccessKey.AccessKeySecret });
	await visit(other, "instances");
	await other.getByText("No instance yet").waitFor();
	await visit(other, `instances/${id}`);
	await other.getByText(/There is no instance|InstanceNotFound/).first().waitFor();
	await visit(other, "audit");
	await other.waitForSelector("main table, main .empty");
	assert.ok(!(await other.locator("main").innerText()).includes(id));
	await other.context().close();
	call("DeleteAccessKey", { UserAccessKeyId: AccessKey.AccessKeyId });
});
await test("the audit log tells who did what and what changed by it, and its chain is whole", async () => {
	const { id } = makeInstance();
	call("ModifyInstanceRemark", { InstanceId: id, Remark: "seen in the log" });
	await visit(page, `audit?object=${id}`);
	await page.getByRole("button", { name: "ModifyInstanceRemark" }).click();
	await dialog.getByText("seen in the log").first().waitFor();
	await shotAll(page, "audit-record");
	await page.keyboard.press("Escape");
	await page.getByRole("button", { name: "Verify the chain" }).click();
	await page.getByText(/Intact: [\d,]+ records/).waitFor();
	await shotAll(page, "audit");
});
await test("a session that was ended elsewhere logs out, with a reason", async () => {
	call("CreateUser", { Name: "guest", Password: "another long one" });
	const other = await open();
	await logInAs(other, "guest", "another long one");
	await visit(other, "instances");
	call("DeleteUser", { Name: "guest" });
	await other.getByText("The session has ended").waitFor({ timeout: 20000 });
	await axe(other);
	await other.context().close();
});
call("DeleteUser", { Name: "reader" });
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
