// SPDX-License-Identifier: BSD-2-Clause
// Web sites: onboarding with the chain to the origin, certificate, TLS, origins, headers, switch back, deletion with its guard.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, call, complaints, done, lab, logIn, makeInstance, open, polder, shot, shotAll, test, visit } from "./lib.mjs";

const DOMAIN = "shop.console.example";
const instance = makeInstance();
const page = await open();
await logIn(page);
await visit(page, "websites");
const region = (name) => page.getByRole("region", { name, exact: true });
async function save(title) {
	await region(title).getByRole("button", { name: "Save" }).click();
	await region(title).getByRole("button", { name: "Save" }).waitFor({ state: "detached" });
}
const site = () => call("DescribeWebRules", { Domain: DOMAIN }).WebRules[0];
const step = (name) => page.locator(".chain-step", { has: page.getByRole("heading", { name, exact: true }) });

await test("a site is added, and leads to its chain", async () => {
	await page.getByRole("button", { name: "Add web site" }).first().click();
	const dialog = page.getByRole("dialog");
	await dialog.locator("input[name=domain]").fill(DOMAIN);
	for (const box of await dialog.locator(".checkbox").all())
		if (((await box.innerText()).includes(instance.id)) !== (await box.locator("input").isChecked()))
			await box.click();
	await dialog.getByLabel(/^Ports of HTTP ·/).fill("8080");
	await dialog.getByLabel(/^Ports of HTTPS ·/).fill("8443");
	await dialog.locator("textarea").fill(lab.origin.ipv4);
	await dialog.getByRole("button", { name: "Add web site" }).click();
	await page.getByRole("heading", { level: 1, name: DOMAIN }).waitFor();
	await step("The name").getByText(instance.ip).waitFor();
	assert.match(await step("Your DNS").innerText(), new RegExp(site().Cname));
	assert.match(await step("Protected address").innerText(), /good/);
	assert.match(await step("Certificate").innerText(), /broken[^]*no certificate[^]*Bring one/);
});
await test("a certificate is brought, and the chain is good there", async () => {
	const folder = mkdtempSync(join(tmpdir(), "polder-certificate-"));
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "60", "-subj", `/CN=${DOMAIN}`,
		"-addext", `subjectAltName=DNS:${DOMAIN}`, "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], { stdio: "ignore" });
	await region("Certificate and key").getByRole("button", { name: "Bring a certificate" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.locator("input[name=certname]").fill(`console-${Date.now()}`);
	await dialog.locator("input[type=file]").first().setInputFiles(join(folder, "cert.pem"));
	await dialog.locator("textarea").nth(1).fill("-----BEGIN nothing-----");
	await dialog.getByRole("button", { name: "Bring a certificate" }).click();
	await dialog.getByRole("alert").waitFor(); // a key that is none
	await dialog.locator("textarea").nth(1).fill(readFileSync(join(folder, "key.pem"), "utf8"));
	await dialog.getByRole("button", { name: "Bring a certificate" }).click();
	await step("Certificate").getByText(/good/).waitFor();
	rmSync(folder, { recursive: true });
	assert.match(site().CertName, /^console-/);
	assert.ok(!(await page.locator("main").innerText()).includes("BEGIN"));
});
await test("a certificate can come by itself only where an authority is set", async () => {
	const card = region("Certificate and key");
	await card.getByText("No authority is set here").waitFor();
	assert.ok(await card.getByLabel("The certificate comes by itself").isDisabled());
});
await test("TLS, HTTP/2 and redirection", async () => {
	const tls = region("TLS");
	await tls.getByRole("button", { name: /Oldest version/ }).click();
	await page.getByRole("option", { name: "TLS 1.2" }).click();
	await save("TLS");
	await region("Instances, ports, origins").locator(".switch", { hasText: "HTTP/2" }).click();
	await save("Instances, ports, origins");
	assert.equal(site().SslProtocols, "tls1.2");
	assert.equal(site().Http2Enable, true);
});
await test("how requests go to origins, connections and headers", async () => {
	await region("How requests go to origins").locator(".choice", { hasText: "In turn" }).click();
	await region("How requests go to origins").getByLabel("Read (s)").fill("60");
	await save("How requests go to origins");
	const policy = call("DescribeL7RsPolicy", { Domain: DOMAIN });
	assert.equal(policy.ProxyMode, "rr");
	assert.equal(policy.Attributes[0].Attribute.ReadTimeout, 60);
	await region("Connections to origins").getByLabel("Requests of each").fill("500");
	await save("Connections to origins");
	await region("Headers to origins").locator("textarea").fill("X-Protected: yes: it is\nX-Other: 1");
	await save("Headers to origins");
	assert.deepEqual(JSON.parse(call("DescribeHeaders", { Domain: DOMAIN }).CustomHeader.Headers), { "X-Protected": "yes: it is", "X-Other": "1" });
});
await test("one site: how it looks", () => shotAll(page, "website"));
await test("what the chain says to try before the DNS is changed works as it is", async () => {
	const words = (await step("Your DNS").locator("code", { hasText: "curl" }).innerText()).split(" ");
	let status = "";
	for (let i = 0; i < 40 && status !== "200"; i++) {
		try {
			status = polder("lab", "exec", "client", ...words, "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", "-A", "Mozilla/5.0");
		} catch { /* not yet there */ }
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
	assert.equal(status, "200");
});
await test("origins that fail: what to look at, and where to change it", async () => {
	// Nothing at the origin listens on the port of HTTPS.
	const ask = () => polder("lab", "exec", "client", "curl", "-sk", "-m", "5", "-o", "/dev/null", "-A", "Mozilla/5.0", "--connect-to", `::${instance.ip}:8443`, `https://${DOMAIN}:8443/`);
	for (let i = 0; i < 6; i++)
		try { ask(); } catch { /* refused is closed */ }
	await step("Origins").getByText("Look, in this order").waitFor();
	await step("Origins").getByRole("button", { name: "Instances, ports, origins" }).click();
	await page.waitForFunction(() => document.activeElement?.closest("section")?.getAttribute("aria-label") === "Instances, ports, origins");
	await shot(page, "website-origins-fail");
});
await test("the site answers through the protected address", async () => {
	let status = "";
	for (let i = 0; i < 40 && status !== "200"; i++) {
		try {
			status = polder("lab", "exec", "client", "curl", "-sk", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}", "-A", "Mozilla/5.0", "-H", "Accept: */*", "--resolve", `${DOMAIN}:8080:${instance.ip}`, `http://${DOMAIN}:8080/`);
		} catch { /* not yet there */ }
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
	assert.equal(status, "200");
});
await test("answering the origins is guarded, and the chain says that nothing is protected", async () => {
	await region("What the name answers").locator(".choice", { hasText: "switch back" }).click();
	const dialog = page.getByRole("dialog");
	assert.ok(await dialog.getByRole("button", { name: "Confirm" }).isDisabled());
	await dialog.locator("input").fill(DOMAIN);
	await dialog.getByRole("button", { name: "Confirm" }).click();
	await step("The name").getByText("broken").waitFor();
	await region("What the name answers").locator(".choice", { hasText: "Protected addresses" }).click();
	await step("The name").getByText("good").waitFor();
});
await test("the list: how it looks", async () => {
	await visit(page, "websites");
	await page.getByRole("link", { name: DOMAIN }).waitFor();
	await shotAll(page, "websites");
});
await test("deleting asks for the domain typed", async () => {
	await visit(page, `websites/${DOMAIN}`);
	await page.getByRole("button", { name: "Delete" }).click();
	const dialog = page.getByRole("dialog");
	await dialog.getByText("Packets of the last 60 seconds").waitFor();
	await dialog.locator("input").fill(DOMAIN);
	await dialog.getByRole("button", { name: "Delete" }).click();
	await page.getByRole("heading", { level: 1, name: "Web sites" }).waitFor();
	assert.equal(call("DescribeWebRules", { Domain: DOMAIN }).TotalCount, 0);
});
await test("no page complained", () => assert.deepEqual(complaints, []));
await done();
