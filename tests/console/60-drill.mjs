// SPDX-License-Identifier: BSD-2-Clause
// The drill button: a bounded attack from the page, what is arriving and dropped seen live, its event, its end; and the tour.
import { assert, axe, call, complaints, done, logIn, makeInstance, open, shot, shotAll, test, visit } from "./lib.mjs";

const { id, ip } = makeInstance();
const figure = async (page, name) => {
	const text = await page.getByTestId("effect").locator("> div", { hasText: name }).locator(".figure-value").innerText();
	const [, number, unit] = text.match(/([\d.,]+)\s*(\w*)/);
	return Number(number.replace(",", "")) * ({ kpps: 1e3, Mpps: 1e6 }[unit] ?? 1);
};
/** Until the reading is true, 20 s at most. */
async function until(what, read) {
	for (let i = 0; i < 100; i++) {
		if (await read())
			return;
		await new Promise((resolve) => setTimeout(resolve, 200));
	}
	assert.fail(`not within 20 s: ${what}`);
}

let page = await open();
await logIn(page);
await test("a lab's navigation has the drills", () => page.locator("nav.nav").getByText("Drills").waitFor());
await visit(page, `drill?instance=${id}`);
await test("the instance's drills are listed, those of its IP version", async () => {
	const names = await page.getByRole("table", { name: "Drills" }).locator("tbody th code").allInnerTexts();
	assert.deepEqual(names.map((name) => name.trim()), call("DescribeDrills").Drills.filter(({ IpVersion }) => IpVersion === 4).map(({ Name }) => Name));
});
await test("start: it runs, against this address, and what arrives and is dropped is seen", async () => {
	await page.getByRole("button", { name: "Start udp-reflection" }).click();
	await page.getByText(`udp-reflection runs against ${ip}`).waitFor();
	await until("packets arrive", async () => await figure(page, "Arrive") > 100);
	await until("packets are dropped", async () => await figure(page, "Dropped") > 100);
	assert.equal(call("DescribeDrill").Ip, ip);
});
await test("while it runs no other can be started", async () => {
	assert.ok(await page.getByRole("button", { name: "Start syn-flood" }).isDisabled());
});
await test("drills: how they look, and axe", () => shotAll(page, "drill"));
await test("stop ends it, and the page says so", async () => {
	if (call("DescribeDrill").Running)
		await page.getByRole("button", { name: "Stop", exact: true }).click();
	await until("it is over", async () => !call("DescribeDrill").Running);
	await page.getByRole("button", { name: "Start syn-flood" }).and(page.locator(":enabled")).waitFor();
});
await test("the tour: five steps, each at its page, and its end", async () => {
	await page.getByRole("button", { name: "Take the tour" }).click();
	const bar = page.getByRole("complementary", { name: "Tour" });
	await bar.getByText("Step 1 of 5").waitFor();
	assert.match(new URL(page.url()).hash, /^#\/overview/);
	for (const step of [2, 3, 4, 5]) {
		await bar.getByRole("button", { name: "Next" }).click();
		await bar.getByText(`Step ${step} of 5`).waitFor();
		if (step === 3)
			assert.match(new URL(page.url()).hash, /^#\/drill/);
	}
	await bar.getByText("polder lab clock +32d").waitFor();
	await shot(page, "tour");
	await page.setViewportSize({ width: 390, height: 860 });
	await shot(page, "tour-390");
	await axe(page);
	await bar.getByRole("button", { name: "End the tour" }).click();
	assert.equal(await bar.count(), 0);
});
await page.context().close();

await test("a key that is no operator's sees no drills, and may start none", async () => {
	const { AccessKey: key } = call("CreateAccessKey", { Permission: "full" });
	page = await open();
	await logIn(page, { id: key.AccessKeyId, secret: key.AccessKeySecret });
	assert.equal(await page.locator("nav.nav").getByText("Drills").count(), 0);
	await visit(page, "drill");
	await page.getByText("Your key may not see this page.").waitFor();
	call("DeleteAccessKey", { UserAccessKeyId: key.AccessKeyId });
});
await test("in Chinese", async () => {
	page = await open({ language: "zh-CN" });
	await logIn(page);
	await visit(page, "drill");
	await page.getByRole("heading", { name: "演练" }).first().waitFor();
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
