// SPDX-License-Identifier: BSD-2-Clause
// What becomes of pages and of what was typed into them when something goes wrong: the server is silent, the session ends.
import { assert, complaints, done, lab, logIn, logInAs, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const instance = makeInstance();
const page = await open({ clock: true });
await logIn(page);

const isCall = (url) => url.pathname === "/";
const silence = page.locator(".silence");

for (const [what, answer] of [["nothing answers", (route) => route.abort()],
	["a proxy answers in the control's place", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>502</h1>" })]]) {
	await test(`${what}: the page says so once, keeps what it showed, and is whole again by itself`, async () => {
		await visit(page, `instances/${instance.id}`);
		await page.getByText("Plan and use").waitFor();
		await page.route(isCall, (route) => route.request().method() === "POST" ? answer(route) : route.continue());
		await silence.getByText("The server does not answer").waitFor();
		assert.equal(await page.getByRole("alert").count(), 1);
		await page.getByText("Plan and use").waitFor();
		if (what === "nothing answers")
			await shotAll(page, "silence");
		// A page that was not there before has nothing to show, and says why.
		await page.evaluate(() => { location.hash = "#/instances"; });
		await page.locator("main .notice.bad", { hasText: "cannot be reached" }).waitFor();
		await page.unroute(isCall);
		await silence.waitFor({ state: "detached" });
		await page.getByRole("link", { name: instance.id }).waitFor();
		assert.equal(await page.getByRole("alert").count(), 0);
	});
}
complaints.splice(0, complaints.length, ...complaints.filter((text) => !/ERR_FAILED|502/.test(text)));

await test("what was typed is there again after another page was looked at", async () => {
	await visit(page, `ports/${instance.id}/tcp-80`);
	await page.getByLabel(/^Remark/).fill("half a remark");
	await page.getByText("Changed, not saved").waitFor();
	await visit(page, `instances/${instance.id}`);
	await page.getByText("Plan and use").waitFor();
	await page.goBack();
	await page.getByText("Changed, not saved").waitFor();
	assert.equal(await page.getByLabel(/^Remark/).inputValue(), "half a remark");
});
await test("a press beside a dialog does not lose what was typed into it", async () => {
	await visit(page, `ports/${instance.id}`);
	await page.getByRole("button", { name: "Add port" }).click();
	await page.locator("input[name=port]").fill("8081");
	await page.mouse.click(20, 400);
	assert.equal(await page.locator("input[name=port]").inputValue(), "8081");
});
await test("a session that ended takes nothing: whoever it was goes on in the same dialog", async () => {
	await page.clock.fastForward("15:05");
	await page.getByText("Your page waits as you left it").waitFor();
	assert.equal(await page.getByRole("dialog").count(), 0);
	assert.equal(await page.locator("nav.nav").isVisible(), false);
	await page.locator("input[name=id]").fill(lab.access_key_id);
	await page.locator("input[name=secret]").fill(lab.access_key_secret);
	await page.locator(".login button[type=submit]").click();
	await page.getByRole("dialog").waitFor();
	assert.equal(await page.locator("input[name=port]").inputValue(), "8081");
	await page.getByRole("button", { name: "Close the dialog" }).click();
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await page.getByText("80/tcp").waitFor();
});
await test("somebody else finds a page of his own", async () => {
	await visit(page, `ports/${instance.id}/tcp-80`);
	await page.getByText("Changed, not saved").waitFor();
	await page.clock.fastForward("15:05");
	await page.getByText("Your page waits").waitFor();
	await page.getByRole("tab", { name: "User" }).click();
	await logInAs(page, lab.user, lab.password);
	await page.getByRole("heading", { level: 1, name: "80/tcp" }).waitFor();
	assert.notEqual(await page.getByLabel(/^Remark/).inputValue(), "half a remark");
	assert.equal(await page.getByText("Changed, not saved").count(), 0);
});
await test("leaving the console asks while something is not saved, and not else", async () => {
	const asks = () => page.evaluate(() => !window.dispatchEvent(new Event("beforeunload", { cancelable: true })));
	assert.equal(await asks(), false);
	await page.getByLabel(/^Remark/).fill("another");
	assert.equal(await asks(), true);
	await page.getByRole("button", { name: "Cancel" }).click();
	assert.equal(await asks(), false);
});

await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
