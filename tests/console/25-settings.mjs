// SPDX-License-Identifier: BSD-2-Clause
// Log-in by password, users, keys.
import { assert, complaints, done, lab, logIn, logInAs, open, shotAll, test, visit } from "./lib.mjs";

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
	await dialog.getByRole("button", { name: "Close", exact: true }).click();
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
await test("accounts are listed with what each has, and made", async () => {
	await visit(page, "settings/accounts");
	const table = page.getByRole("table", { name: "Accounts" });
	await table.getByRole("row").nth(1).waitFor();
	const name = `shop-${Date.now()}`;
	await page.getByRole("button", { name: "Create account" }).click();
	await dialog.getByLabel("Name of the account").fill(name);
	await prove();
	await page.getByText(/^Account \d+ is there/).waitFor();
	const next = page.getByRole("button", { name: "Next" });
	while (await next.count() > 0 && await next.isEnabled())
		await next.click();
	const row = table.getByRole("row").filter({ hasText: name });
	await row.waitFor();
	assert.deepEqual((await row.getByRole("cell").allInnerTexts()).slice(1, 4).map(Number), [0, 0, 0]);
	await shotAll(page, "settings-accounts");
});
await test("a user is deleted", async () => {
	await visit(page, "settings/users");
	await page.getByRole("row").filter({ hasText: "reader" }).getByRole("button", { name: "Delete" }).click();
	await prove();
	await page.getByRole("rowheader", { name: "reader" }).waitFor({ state: "detached" });
});
await test("logging out ends the session", async () => {
	await page.getByRole("button", { name: /Account: / }).click();
	await page.getByRole("menuitem", { name: "Log out" }).click();
	await page.waitForSelector(".login");
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
