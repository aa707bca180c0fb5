// SPDX-License-Identifier: BSD-2-Clause
// The error centre: a reply's Recommend leads to the page that explains it.
import { assert, call, complaints, done, lab, logIn, open, polder, shotAll, test, visit } from "./lib.mjs";

const page = await open();
await logIn(page);
const recommended = () => {
	try {
		polder("call", "ReleaseInstance", "--InstanceId", "ddoscoo-cn-nothing0000");
	} catch (error) {
		return JSON.parse(error.stdout || "{}").Recommend ?? `${error.stderr}`.match(/https?:\S+/)?.[0];
	}
};
await test("Recommend of an error is its page here, which says why and what to do", async () => {
	const address = recommended();
	assert.ok(address.startsWith(`${lab.console}#/errors/InstanceNotFound`), address);
	await visit(page, address.split("#/")[1]);
	await page.locator("h1").getByText("InstanceNotFound").waitFor();
	await page.getByText("What to do").waitFor();
	await page.getByRole("listitem").getByText("ReleaseInstance", { exact: true }).waitFor();
	await shotAll(page, "error");
});
await test("an error in the page leads there, too", async () => {
	await visit(page, "instances/nothing");
	await page.getByRole("link", { name: "What it means and what to do" }).or(page.getByText("There is no instance")).first().waitFor();
});
await test("all codes, found by words, of one source with the control", async () => {
	await visit(page, "errors");
	await page.getByRole("rowheader", { name: "InstanceNotExpire" }).waitFor();
	assert.equal(await page.locator("tbody tr").count(), call("DescribeErrors").TotalCount);
	await page.getByLabel("Code or words").fill("nonce");
	await page.getByRole("rowheader", { name: "SignatureNonceUsed" }).waitFor();
	assert.equal(await page.getByRole("rowheader", { name: "InstanceNotExpire" }).count(), 0);
	await shotAll(page, "errors");
});
await test("an unknown code says so", async () => {
	await visit(page, "errors/NoSuchCode");
	await page.getByText("The catalogue has no code NoSuchCode.").waitFor();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
