// SPDX-License-Identifier: BSD-2-Clause
// Mitigation of an instance: modes and the watch report, lists, regions, patterns, limits, explained and captured packets.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, axe, built, call, complaints, done, load, logIn, makeInstance, open, shotAll, test, visit } from "./lib.mjs";

const { describe, pcapng } = await load("pages/mitigation/frames.ts");
const base64 = (hex) => Buffer.from(hex.replace(/\s/g, ""), "hex").toString("base64");
const ETHERNET = "020000010001020000010002";
const SYN = `${ETHERNET} 0800 45000028 77970000 400600 00 c6336407 c6120002 eac80050 00000001 00000000 5002fafc 00000000`;

await test("frames are told in a line: IPv4, IPv6, VLAN, fragments, rubbish", () => {
	assert.equal(describe(base64(SYN)), "TCP 198.51.100.7:60104 → 198.18.0.2:80 SYN");
	assert.equal(describe(base64(SYN.replace("0800", "8100 0005 0800"))), "TCP 198.51.100.7:60104 → 198.18.0.2:80 SYN");
	assert.equal(describe(base64(SYN.replace("77970000", "77970010"))), "TCP 198.51.100.7 → 198.18.0.2 …");
	assert.equal(describe(base64(`${ETHERNET} 86dd 60000000 0008 11 40 20010db8000000000000000000000001 20010db8000000010000000000000002 0035 1f90 0008 0000`)),
		"UDP [2001:db8::1]:53 → [2001:db8:0:1::2]:8080");
	assert.equal(describe(base64(ETHERNET)), "");
	assert.equal(describe(""), "");
});
await test("the file of a capture: section, interface, each packet with its time and reason", () => {
	const file = Buffer.from(pcapng([{ Time: 1795965145944, Reason: "cookie_invalid", Watched: true, Length: 1500, Frame: base64(SYN) }]));
	const blocks = [];
	for (let at = 0; at < file.length; at += file.readUInt32LE(at + 4)) {
		assert.equal(file.readUInt32LE(at + 4), file.readUInt32LE(at + file.readUInt32LE(at + 4) - 4));
		blocks.push([file.readUInt32LE(at), at]);
	}
	assert.deepEqual(blocks.map(([type]) => type), [0x0a0d0d0a, 1, 6]);
	const at = blocks[2][1] + 8;
	assert.equal(file.readUInt32LE(at + 4) * 2 ** 32 + file.readUInt32LE(at + 8), 1795965145944);
	assert.deepEqual([file.readUInt32LE(at + 12), file.readUInt32LE(at + 16)], [54, 1500]);
	assert.ok(file.includes("cookie_invalid (watched)"));
});

const instance = makeInstance();
const drill = (name, seconds) => new Promise((resolve) => execFile(join(built, "polder"),
	["lab", "drill", name, "--seconds", String(seconds), "--pps", "500", "--vip", instance.ip], () => resolve()));
const page = await open();
await logIn(page);
const tab = (name) => visit(page, `mitigation/${instance.id}?tab=${name}`);
const region = (name) => page.getByRole("region", { name, exact: true });
async function save(title) {
	await region(title).getByRole("button", { name: "Save" }).click();
	await region(title).getByRole("button", { name: "Save" }).waitFor({ state: "detached" });
}

await test("a mitigation is set to watch and says what it would have dropped", async () => {
	await tab("modes");
	await page.getByRole("radiogroup", { name: "Mode of Unrouted source" }).locator("..").waitFor();
	await page.getByRole("radiogroup", { name: "Mode of Unrouted source" }).getByText("Watch").click();
	await page.getByText("so far they would have dropped nothing").waitFor();
	assert.equal(call("DescribeMitigations", { InstanceId: instance.id }).Mitigations.find(({ Name }) => Name === "bogon").Mode, "watch");
});
await test("the watch report leads to blocking only by its guard", async () => {
	// The lab's client sends from addresses for documentation, which the Internet does not route.
	for (let i = 0; i < 3; i++)
		await new Promise((resolve) => execFile(join(built, "polder"), ["lab", "exec", "client", "curl", "-s", "-m", "2", "-o", "/dev/null", `http://${instance.ip}/`], () => resolve()));
	await page.locator(".watch-report li", { hasText: "Unrouted source" }).waitFor();
	await shotAll(page, "mitigation");
	await page.locator(".watch-report").getByRole("button", { name: "Block from now on" }).click();
	const dialog = page.getByRole("dialog");
	assert.match(await dialog.innerText(), /would have dropped \d+ packets/);
	assert.ok(await dialog.getByRole("button", { name: "Block" }).isDisabled());
	await dialog.getByRole("button", { name: "Cancel" }).click();
	await page.getByRole("button", { name: "Back to default: Off" }).click();
	await page.getByRole("button", { name: "Back to default: Off" }).waitFor({ state: "detached" });
});
await test("the block-list: several at once, for a time, searched, taken off", async () => {
	await tab("lists");
	await region("Block-list").getByRole("button", { name: "Add" }).click();
	await page.getByRole("dialog").locator("textarea").fill("192.0.2.7\n198.51.100.0/24, 203.0.113.77");
	await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
	await region("Block-list").getByText("203.0.113.77").waitFor();
	await page.getByRole("dialog").waitFor({ state: "detached" });
	await shotAll(page, "mitigation-lists");
	await region("Block-list").getByLabel("Begins with").fill("192.0");
	await region("Block-list").getByText("203.0.113.77").waitFor({ state: "detached" });
	await region("Block-list").getByRole("button", { name: "Remove: 192.0.2.7" }).click();
	await region("Block-list").getByText("No entry.").waitFor();
	await region("Block-list").getByLabel("Begins with").fill("");
	await region("Block-list").getByText("198.51.100.0/24").waitFor();
});
await test("what is no address is refused with the reason", async () => {
	await region("Allow-list").getByRole("button", { name: "Add" }).click();
	await page.getByRole("dialog").locator("textarea").fill("not-an-address");
	await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
	await page.getByRole("dialog").getByRole("alert").waitFor();
	await page.getByRole("dialog").locator("textarea").fill("203.0.113.50");
	await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
	await region("Allow-list").getByText("203.0.113.50").waitFor();
});
await test("emptying a list needs the instance's id typed", async () => {
	await region("Block-list").getByRole("button", { name: "Empty the list" }).click();
	await page.getByRole("dialog").locator("input").fill(instance.id);
	await page.getByRole("dialog").getByRole("button", { name: "Empty the list" }).click();
	await region("Block-list").getByText("No entry.").waitFor();
});
await test("countries are found by name and blocked", async () => {
	await tab("sources");
	const card = region("Blocked countries and areas");
	await card.getByLabel("Add a country or area").fill("north ko");
	await card.getByRole("button", { name: "+ North Korea" }).click();
	await save("Blocked countries and areas");
	assert.equal(call("DescribeNetworkRegionBlock", { InstanceId: instance.id }).Config.Countries.length, 1);
	await card.locator(".tag").waitFor();
});
await test("ports of reflectors and payload patterns", async () => {
	await region("UDP reflection").getByRole("button", { name: "Add the usual reflectors" }).click();
	await save("UDP reflection");
	assert.ok(call("DescribeUdpReflect", { InstanceId: instance.id }).UdpSports.includes("11211"));
	const card = region("Payload patterns");
	await card.getByRole("button", { name: "Add a pattern" }).click();
	await card.getByLabel("Bytes (hex)").fill("dea");
	assert.ok(await card.getByRole("button", { name: "Save" }).isDisabled());
	await card.getByLabel("Bytes (hex)").fill("deadbeef");
	await save("Payload patterns");
	assert.equal(call("DescribePayloadPatterns", { InstanceId: instance.id }).Patterns[0].Value, "deadbeef");
	await shotAll(page, "mitigation-sources");
});
await test("limits and automatic blocking", async () => {
	await tab("limits");
	await region("Limits of the instance").getByLabel("SYNs a second without cookie").fill("77");
	await save("Limits of the instance");
	assert.equal(call("DescribeMitigations", { InstanceId: instance.id }).Limits.SynThreshold, 77);
	await region("Automatic blocking").locator(".choice", { hasText: "Strict" }).click();
	await save("Automatic blocking");
	assert.equal(call("DescribePortAutoCcStatus", { "InstanceIds.1": instance.id }).PortAutoCcStatus[0].Mode, "strict");
	await page.getByText("Packets to the address are taken.").waitFor();
	await axe(page);
});
await test("a packet is explained: passes, and dropped by the country's or the list's entry", async () => {
	await tab("examine");
	const card = region("Explain a packet");
	await card.locator("input[name=source]").fill("203.0.113.50");
	await card.getByRole("button", { name: "Explain" }).click();
	await card.getByText("It would pass.").waitFor();
	call("AddAutoCcBlacklist", { InstanceId: instance.id, Blacklist: JSON.stringify([{ src: "198.51.100.9" }]), ExpireTime: 300 });
	await card.locator("input[name=source]").fill("198.51.100.9");
	await card.getByRole("button", { name: "Explain" }).click();
	await card.getByText("It would be dropped: Block-list").waitFor();
});
await test("packets are captured with their reason, and the file is made here", async () => {
	const card = region("Capture packets");
	await card.getByText("There is no capture yet.").waitFor();
	await card.getByLabel("Packets (1").fill("40");
	await card.getByRole("button", { name: "Start" }).click();
	const attack = drill("ack-flood", 3);
	await card.getByRole("row", { name: /ACK without connection/ }).first().waitFor();
	await card.getByText("40 packets captured.").waitFor();
	await attack;
	await shotAll(page, "mitigation-examine");
	const [file] = await Promise.all([page.waitForEvent("download"), card.getByRole("button", { name: "Download pcapng" }).click()]);
	assert.match(file.suggestedFilename(), /^ddoscoo-.*\.pcapng$/);
	const content = readFileSync(await file.path());
	assert.equal(content.toString("latin1").split("cookie_invalid").length - 1, 40);
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
