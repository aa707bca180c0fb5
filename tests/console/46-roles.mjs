// SPDX-License-Identifier: BSD-2-Clause
// Pages of traffic and protection as a reader sees them, who may change nothing; and in Chinese.
import { assert, call, complaints, done, lab, logIn, makeInstance, open, test, visit } from "./lib.mjs";

const DOMAIN = "reader.console.example";
const instance = makeInstance();
call("CreateDomainResource", { Domain: DOMAIN, "InstanceIds.1": instance.id, "ProxyTypes.1.ProxyType": "http", "ProxyTypes.1.ProxyPorts.1": 8080, RsType: 0, "RealServers.1": lab.origin.ipv4 });
const { AccessKey: key } = call("CreateAccessKey", { Permission: "read-only" });
const PAGES = ["live", `live/${instance.id}`, "live/wall", "events", `ports/${instance.id}`, `ports/${instance.id}/tcp-80`, "websites", `websites/${DOMAIN}`, "scenes",
	...["modes", "lists", "sources", "limits", "examine"].map((tab) => `mitigation/${instance.id}?tab=${tab}`),
	...["checks", "lists", "rules", "modes", "cache"].map((tab) => `sitemitigation/${DOMAIN}?tab=${tab}`)];
const WRITES = /^(Add|Save|Delete|Remove|Edit|Start|Enable|Disable|Use|Bring|New policy|Block from|Empty|Back to default|Keep it away|Take it out)/;

const reader = await open();
await logIn(reader, { id: key.AccessKeyId, secret: key.AccessKeySecret });
for (const path of PAGES) {
	await test(`${path.replace(instance.id, "INSTANCE").replace(DOMAIN, "DOMAIN")}: a reader sees it, and no button that would be refused`, async () => {
		await visit(reader, path);
		await reader.locator("main h1").waitFor();
		await reader.waitForTimeout(400); // what follows the first calls
		assert.equal(await reader.locator("main [role=alert]").count(), 0);
		const buttons = await reader.locator("main button:visible:not([disabled]):not([data-disabled])").allInnerTexts();
		assert.deepEqual(buttons.filter((text) => WRITES.test(text.trim())), []);
		const usable = await reader.locator("main fieldset:not([disabled]) input:visible:not([disabled]):not([type=search])").count();
		assert.equal(usable, 0);
	});
}
await reader.context().close();

const chinese = await open({ language: "zh-CN" });
await logIn(chinese);
// Names of products and protocols, and what the API itself calls things, are the same in every language.
const SAME = /^(SYN Cookie$|HTTP|TLS|TCP|UDP|IP|ICMP|QUIC|SIP|SSH|MQTT|RTP|DTLS|STUN|DNS|NTP|IPsec|WireGuard|OpenVPN|RakNet|FiveM|TeamSpeak|syslog|CNAME|OCSP|[\d./a-z-]+$)/;
await test("in Chinese no heading, label, button or choice is left in English", async () => {
	const left = [];
	for (const path of PAGES) {
		await visit(chinese, path);
		await chinese.locator("main h1").waitFor();
		await chinese.waitForTimeout(400);
		const texts = await chinese.locator("main :is(h2, h3, .label, .hint, button, .tab, .choice strong, .choice span, .mitigation-text, thead th, .figure-name, .segment)").allInnerTexts();
		for (const text of texts.map((text) => text.trim()))
			if (/[A-Za-z]{2}/.test(text) && !/[\u4e00-\u9fff]/.test(text) && !SAME.test(text) && !text.includes(instance.ip) && !text.includes("ddoscoo") && !text.startsWith(DOMAIN) && !/^198\./.test(text))
				left.push(`${path}: ${text}`);
	}
	assert.deepEqual([...new Set(left)], []);
});
await test("no page complained", () => assert.deepEqual(complaints, []));
call("DeleteAccessKey", { UserAccessKeyId: key.AccessKeyId });
call("DeleteDomainResource", { Domain: DOMAIN });
await done();
