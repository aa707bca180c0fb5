// SPDX-License-Identifier: BSD-2-Clause
// Log-in by password, users, keys, what roles see, the audit log and its verification.
import { assert, axe, call, complaints, done, lab, logIn, logInAs, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const page = await open();
const dialog = page.getByRole("dialog");
/** Proves by password who one is, at the foot of a dialog. */
const prove = async () => {
	await dialog.locator("input[name=password]").fill(lab.password);
	await dialog.locator("button[type=submit]").click();
	await dialog.locator("fieldset").waitFor({ state: "hidden" });
};

await test("a wrong password is refused, and says no more than that", async () => {
	await page.locator("input[name=name]").fill(lab.user);
	await page.locator("input[name=password]").fill("not the password");
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByText("LoginFailed").waitFor();
});
await test("log-in by password", async () => {
	await logInAs(page, lab.user, lab.password);
	await visit(page, "settings");
	await page.locator("dd", { hasText: lab.user }).first().waitFor();
	await shotAll(page, "settings-you");
});
await test("a user is made by an operator who proves who he is", async () => {
	await visit(page, "settings/users");
	await page.getByRole("button", { name: "Create user" }).click();
	await dialog.getByLabel("Name", { exact: true }).fill("reader");
	await dialog.locator("input[name=new-password]").fill("a long password");
	await shotAll(page, "settings-create-user");
	await prove();
	await page.getByRole("rowheader", { name: "reader" }).waitFor();
	await shotAll(page, "settings-users");
});
await test("keys are listed, made and turned off", async () => {
	await visit(page, "settings/keys");
	await page.getByRole("button", { name: "Show access keys" }).click();
	await prove();
	await page.getByText("made at the first start").waitFor();
	await page.getByRole("button", { name: "Create access key" }).click();
	await dialog.getByLabel(/Remark/).fill("of a test");
	await prove();
	await page.getByText("The secret is shown this once").waitFor();
	const [id, secret] = await dialog.locator("code").allInnerTexts();
	await dialog.getByRole("button", { name: "Close" }).click();
	await shotAll(page, "settings-keys");
	const row = page.getByRole("row").filter({ hasText: id });
	const other = await open();
	await logIn(other, { id, secret });
	await other.context().close();
	await row.getByRole("button", { name: "Turn off" }).click();
	await prove();
	await row.getByRole("button", { name: "Turn on" }).waitFor();
	await row.getByRole("button", { name: "Delete" }).click();
	await prove();
	await row.waitFor({ state: "detached" });
});
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
	await page.getByText(/Intact: \d+ records/).waitFor();
	await shotAll(page, "audit");
});
await test("a session that was ended elsewhere logs out, with a reason", async () => {
	await visit(page, "settings/users");
	await page.getByRole("row").filter({ hasText: "reader" }).getByRole("button", { name: "Delete" }).click();
	await prove();
	await page.getByRole("rowheader", { name: "reader" }).waitFor({ state: "detached" });
	call("CreateUser", { Name: "guest", Password: "another long one" });
	const other = await open();
	await logInAs(other, "guest", "another long one");
	await visit(other, "instances");
	call("DeleteUser", { Name: "guest" });
	await other.getByText("The session has ended").waitFor({ timeout: 20000 });
	await axe(other);
	await other.context().close();
});
await test("logging out ends the session", async () => {
	await page.getByRole("button", { name: /Account: / }).click();
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await page.waitForSelector(".login");
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
