// SPDX-License-Identifier: BSD-2-Clause
// What becomes of pages and of what was typed into them when something goes wrong: the server is silent, the session ends.
import { assert, complaints, done, logIn, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

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

await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
