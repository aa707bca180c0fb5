// SPDX-License-Identifier: BSD-2-Clause
//
// The Explorer without its page: signatures equal to the published vectors, to curl's, to the CLI's and to what the
// control works out; forms, links, examples; and the shapes of JSON parameters against what the control takes.
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { actions as table, check, done, explorer, lab, O, pageCall, polder } from "./explorer.mjs";

const X = await explorer();
const actions = table();
const of = (name) => X.findAction(actions, name);

// ---- signatures: the vectors that the published SDKs gave
const NONCE = "f00dfeed00000000000000000000000a";
const DATE = "2026-01-02T03:04:05Z";
const ID = "ddoscoo-cn-mp91j1ao0001";
const AWKWARD = "v*~é/'()!&=+%";
const envelope = (method, action, more = {}) =>
	({ method, action, version: "2020-01-01", nonce: NONCE, date: DATE, format: "JSON", ...more });
const key = await X.importKey("testid", "testsecret");
const keyWithToken = await X.importKey("testid", "testsecret", "STS.tok+en/=");
const release = [["InstanceId", ID], ["RegionId", "cn-hangzhou"]];
const listed = [["PageNumber", "1"], ["PageSize", "10"], ["InstanceIds.1", ID],
	["InstanceIds.2", "ddoscoo-cn-mp91j1ao0002"], ["Tag.1.Key", "k 1"], ["Tag.1.Value", AWKWARD], ["SignatureType", ""]];
const old = { nonce: "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", format: "XML" };
for (const [name, request, pairs, by, expected] of [
	["V1 1, GET", envelope("GET", "ReleaseInstance"), release, key, "tOD6AFDPpVKa7rFXYwWCb20uIVM="],
	["V1 2, POST", envelope("POST", "ReleaseInstance"), release, key, "7xcjkr8ZDxWvWD7xlKvLIVnMuBE="],
	["V1 3, token and awkward values", envelope("POST", "DescribeInstances"), listed, keyWithToken, "fdbwKBKGM9Dl2jtwN4ZFgP9GEkI="],
	["V1 4, XML", envelope("GET", "DescribeInstanceIds", { ...old, date: "2020-01-01T12:00:00Z" }), [], key, "See6gAao4jkOjQStAWi1O8fhnr8="],
	["V1 5, another product", envelope("GET", "DescribeRegions", { ...old, version: "2014-05-26", date: "2016-02-23T12:46:24Z" }),
		[], key, "OLeaidS1JvxuMvnyHOwuJ+uX5qY="],
])
	check(`vector ${name}`, (await X.stepsV1(request, pairs, by)).signature === expected);

const HOST = "ddoscoo.cn-hangzhou.aliyuncs.com";
const image = [["ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"], ["RegionId", "cn-shanghai"]];
const sample = await X.importKey("YourAccessKeyId", "YourAccessKeySecret");
for (const [name, request, pairs, by, host, expected] of [
	["V3 0, published sample", envelope("POST", "RunInstances", { version: "2014-05-26", date: "2023-10-26T10:22:32Z",
		nonce: "3156853299f313e23d1673dc12e1703d" }), image, sample, "ecs.cn-shanghai.aliyuncs.com",
	"06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"],
	["V3 A", envelope("POST", "ReleaseInstance"), [["InstanceId", ID]], key, HOST,
		"28600b01cd42a3948f32fed8a6e72c286d5e891507a9fbc506d3f5bbfcb1eeb7"],
])
	check(`vector ${name}`, (await X.stepsV3(request, pairs, by, host, "query")).signature === expected);
const headers = { "host": HOST, "x-acs-action": "AssociateWebCert", "x-acs-version": "2020-01-01", "x-acs-date": DATE,
	"x-acs-signature-nonce": NONCE, "content-type": "application/x-www-form-urlencoded",
	"x-acs-content-sha256": await X.sha256("Domain=www.example.com&CertName=a%20b*c~d") };
check("vector V3 C, a body", (await X.signV3("POST", headers, [], key)).signature ===
	"e030807b65bae2c490cc98496e36414c3cb14c71158fcf78857c2275cb91c306");
const tokenHeaders = { "host": HOST, "x-acs-action": "DescribeInstances", "x-acs-version": "2020-01-01", "x-acs-date": DATE,
	"x-acs-signature-nonce": NONCE, "x-acs-content-sha256": await X.sha256(""), "x-acs-security-token": "STS.tok+en/=" };
check("vector V3 B, a token", (await X.signV3("GET", tokenHeaders, [["PageNumber", "1"], ["PageSize", "10"],
	["InstanceIds.1", ID], ["Tag.1.Key", "k 1"], ["Tag.1.Value", "v*~é/"]], key)).signature ===
	"9e2bee5085dd392255aab6c7b3931f821a170c687a3f14a0ed82c01767cccd96");

// ---- the shell samples sign the same
const fixed = { nonce: NONCE, date: DATE, printOnly: true };
function shell(script, token = "") {
	return execFileSync("sh", ["-c", script], { encoding: "utf8", env: { PATH: process.env.PATH,
		ALIBABA_CLOUD_ACCESS_KEY_ID: "testid", ALIBABA_CLOUD_ACCESS_KEY_SECRET: "testsecret",
		...(token ? { ALIBABA_CLOUD_SECURITY_TOKEN: token } : {}) } }).trim();
}
const call = (name, pairs) => ({ action: of(name), pairs, endpoint: `https://${HOST}` });
check("curl V1 signs vector 2", shell(X.curlV1(call("ReleaseInstance", release), fixed)) === "7xcjkr8ZDxWvWD7xlKvLIVnMuBE=");
check("curl V1 signs vector 3", shell(X.curlV1(call("DescribeInstances", listed), fixed), "STS.tok+en/=") ===
	"fdbwKBKGM9Dl2jtwN4ZFgP9GEkI=");
for (const [token, by] of [["", key], ["STS.tok+en/=", keyWithToken]]) {
	for (const pairs of [listed, []]) {
		const page = await X.stepsV3(envelope("POST", "DescribeInstances"), pairs, by, HOST);
		const said = shell(X.curlV3(call("DescribeInstances", pairs), fixed), token);
		check(`curl V3 and page sign alike${token ? ", with a token" : ""}${pairs.length ? "" : ", without a body"}`,
			said === page.signature, [said, page.signature]);
	}
}

// ---- the control works out the same: with a wrong secret it tells what it would have signed
const wrong = await X.importKey(lab.access_key_id, "not the secret");
const serverString = (text) => JSON.parse(text).Message.split("string to sign is:")[1];
for (const form of ["V1", "V3"]) {
	for (const method of ["GET", "POST"]) {
		const reply = await pageCall(X, wrong, lab.api, of("DescribeInstances"), listed, { form, method, format: "JSON" });
		check(`the control's string to sign is the page's: ${form}, ${method}`, reply.code === "SignatureDoesNotMatch" &&
			serverString(reply.text) === reply.signed.stringToSign, reply.text);
	}
}
const cli = spawnSync(join(O, "polder"), ["call", "ModifyInstanceRemark", "--InstanceId", ID, "--Remark", AWKWARD, "--endpoint", lab.api,
	"--access-key-id", lab.access_key_id, "--access-key-secret", "not the secret"], { encoding: "utf8" });
const said = serverString(cli.stdout);
const part = (name) => new RegExp(`${name}%3D(.*?)%26`).exec(said)?.[1].replaceAll("%253A", ":");
const same = await X.stepsV1({ method: "POST", action: "ModifyInstanceRemark", version: "2020-01-01", format: "JSON",
	nonce: part("SignatureNonce"), date: part("Timestamp") }, [["InstanceId", ID], ["Remark", AWKWARD]], wrong);
check("the CLI's string to sign is the page's", said === same.stringToSign, [said, same.stringToSign]);

// ---- steps: each is made of the one before, and every line says where it is from
for (const form of ["V1", "V3"]) {
	const signed = await X.sign(of("DescribeInstances"), listed, { form, method: "POST", format: "JSON" }, key, HOST, 1767323045000);
	check(`${form}: every step has lines with an origin`, signed.steps.length === 5 &&
		signed.steps.every((step) => step.lines.every((line) => line.origin)));
	check(`${form}: lines are the step`, signed.steps.every((step) => {
		const lines = step.lines.map((line) => line.text);
		return ["\n", "&", ""].some((by) => lines.join(by) === step.text) || step.name === "wire";
	}), signed.steps);
	check(`${form}: no secret in any of it`, !JSON.stringify(signed).includes("testsecret"));
}

// ---- differences
for (const [server, client, offset, line, column] of [
	["GET\n/\na=1", "GET\n/\na=2", 8, 3, 3], ["abc", "ab", 2, 1, 3], ["é=1", "é=2", 3, 1, 3], ["a\nb", "a\r\nb", 1, 1, 2],
]) {
	const found = X.firstDifference(server, client);
	check(`difference of ${JSON.stringify(server)} and ${JSON.stringify(client)}`,
		found?.offset === offset && found.line === line && found.column === column, found);
}
check("no difference of equal texts", X.firstDifference("a", "a") === null);

// ---- search
const names = (words, more = {}) => X.search(actions, { ...X.everything, words, ...more }).map((action) => action.name);
check("search finds a name", names("releaseinst")[0] === "ReleaseInstance");
check("search finds words of what it does", names("drained").includes("ReleaseInstance"));
check("search holds all words", names("port health").every((name) => names("port").includes(name)) && names("port health").length > 0);
check("search filters writes", names("", { mode: "write" }).length === actions.filter((a) => a.mode === "write").length);
check("search filters groups", names("", { group: "port rules" }).includes("CreatePort") && !names("", { group: "port rules" }).includes("DescribeInstances"));
check("every action has a group", actions.every((action) => action.group && action.group !== "other"));

// ---- forms: examples fit, go to the wire and come back; links hold no secret
const world = { instance: "ddoscoo-cn-notthere0001", domain: "www.example.com", address: "203.0.113.200", nowMs: Date.now() };
for (const whole of [false, true]) {
	const bad = actions.filter((action) => X.problems(action, X.exampleValues(action, { ...world, whole })).length > 0);
	check(`examples of all ${actions.length} actions fit their own forms${whole ? ", whole" : ""}`, bad.length === 0,
		bad.map((action) => [action.name, X.problems(action, X.exampleValues(action, { ...world, whole }))]));
}
check("values come back from pairs and from links", actions.every((action) => {
	const pairs = X.pairsOf(action, X.exampleValues(action, { ...world, whole: true }));
	const open = pairs.filter(([name]) => !X.isSecret(name));
	const link = X.readLink(X.shareLink(action, X.unflatten(action, pairs)) ?? "");
	return JSON.stringify(X.pairsOf(action, X.unflatten(action, link.pairs))) === JSON.stringify(open) && link.name === action.name;
}));
const secrets = X.shareLink(of("CreateAccessKey"), X.unflatten(of("CreateAccessKey"),
	[["AccountId", "1"], ["Signature", "x"], ["SecurityToken", "t"], ["AccessKeySecret", "s"]]));
check("a link holds what the form holds and nothing else", secrets === "#/explorer/CreateAccessKey?AccountId=1", secrets);
check("a form with a password makes no link of it", (() => {
	const action = { ...of("ReleaseInstance"), name: "CreateUser", parameters: [{ name: "Password", kind: "text", type: "String",
		required: true, min: 12, max: 128, choices: "", help: "" }, { name: "Name", kind: "text", type: "String", required: true,
		min: 1, max: 32, choices: "", help: "" }] };
	return X.shareLink(action, X.unflatten(action, [["Password", "correct horse"], ["Name", "a"]])) === "#/explorer/CreateUser?Name=a";
})());
for (const [hash, expected] of [["#/explorer", null], ["#/explorer/x/y", null], ["#/instances", null]])
	check(`${hash} is no link of a call`, X.readLink(hash) === expected);
for (const [name, values, param, what] of [
	["DescribePort", { InstanceId: "" }, "InstanceId", "missing"], ["DescribeNetworkRules", { PageSize: "9999" }, "PageSize", "range"],
	["ConfigUdpReflect", { Config: "{" }, "Config", "json"], ["ConfigUdpReflect", { Config: '{"UdpSports":[0]}' }, "Config", "range"],
	["ConfigUdpReflect", { Config: '{"udpSports":[1]}' }, "Config", "unknown"], ["ModifyPortAutoCcStatus", { Switch: "maybe" }, "Switch", "choice"],
]) {
	const filled = { ...X.exampleValues(of(name), world) };
	for (const [key2, text] of Object.entries(values))
		filled[key2] = { is: "text", text };
	const found = X.problems(of(name), filled);
	check(`${name} with ${JSON.stringify(values)}: ${what}`, found.some((p) => p.param === param && p.what === what), found);
}

// ---- danger
check("releases, deletions and what is switched off are guarded", ["ReleaseInstance", "DeleteWebRule", "DisableWebCC", "EmptyAutoCcWhitelist"]
	.every((name) => X.isDangerous(of(name), [])) && !X.isDangerous(of("DescribeInstances"), []) && !X.isDangerous(of("CreatePort"), []));
check("a mitigation that is switched off is guarded", X.isDangerous(of("ModifyMitigation"), [["Mode", "off"]]) &&
	!X.isDangerous(of("ModifyMitigation"), [["Mode", "watch"]]));

// ---- shapes of JSON parameters: what is said of them is what the control reads
const labKey = await X.importKey(lab.access_key_id, lab.access_key_secret);
const real = (name, pairs) => pageCall(X, labKey, lab.api, of(name), pairs);
const plan = [["ServicePartner", "coop-line-001"], ["PortCount", "50"], ["DomainCount", "50"], ["BaseBandwidth", "30"],
	["Bandwidth", "30"], ["ServiceBandwidth", "100"], ["NormalQps", "3000"], ["FunctionVersion", "1"], ["AddressType", "Ipv4"]];
const bought = await real("CreateInstance", [["ProductCode", "ddos"], ["ProductType", "ddoscoo"], ["SubscriptionType", "Subscription"],
	["Period", "1"], ...plan.flatMap(([code, value], i) => [[`Parameter.${i + 1}.Code`, code], [`Parameter.${i + 1}.Value`, value]])]);
const instance = bought.body.Data?.InstanceId ?? "";
const DOMAIN = "shapes.example.com";
const at = { ...world, instance, domain: DOMAIN, address: lab.origin.ipv4 };
check("an instance to try on", instance.startsWith("ddoscoo-cn-"), bought.text);
/** Some of what is tried deletes them. */
async function ensure() {
	await real("CreatePort", [["InstanceId", instance], ["FrontendProtocol", "tcp"], ["FrontendPort", "8080"], ["BackendPort", "80"],
		["RealServers.1", lab.origin.ipv4]]);
	return real("CreateWebRule", [["Domain", DOMAIN], ["InstanceIds.1", instance], ["RsType", "0"],
		["Rules", JSON.stringify([{ ProxyType: "http", ProxyRules: [{ ProxyPort: 80, RealServers: [lab.origin.ipv4] }] }])]]);
}
const made = await ensure();
check("a web site to try on", made.status === 200, made.text);

/** The action's example with one parameter replaced. */
async function tried(action, param, document) {
	const values = X.exampleValues(action, at);
	values[param.name] = { is: "text", text: JSON.stringify(document) };
	for (const other of action.parameters) {
		if (other.name === "FrontendPort")
			values[other.name] = { is: "text", text: "8080" };
		if (other.name === "ForwardProtocol")
			values[other.name] = { is: "text", text: "tcp" };
		if (/^(HttpsExt|ExpireTime|Expires)$/.test(other.name) && !other.required && other !== param)
			values[other.name] = { is: "text", text: "" };
		if (other.name === "InstanceIds")
			values[other.name] = { is: "list", items: [instance] };
		if (other.name === "Domain")
			values[other.name] = { is: "text", text: DOMAIN };
	}
	for (let again = 0; ; again++) {
		const reply = await real(action.name, X.pairsOf(action, values));
		if (reply.code !== "Throttling.User" || again === 20)
			return { ...reply, message: reply.body.Message ?? "" };
		await new Promise((wake) => setTimeout(wake, 100));
	}
}
/** All objects of a shape, with the way to put a replacement there. */
function* objectsOf(shape, document, put) {
	if (shape.kind === "array" && Array.isArray(document) && document.length > 0)
		yield* objectsOf(shape.item, document[0], (item) => put([item]));
	if (shape.kind !== "object")
		return;
	yield { shape, document, put };
	for (const member of shape.members)
		if (document?.[member.name] !== undefined)
			yield* objectsOf(member.shape, document[member.name], (value) => put({ ...document, [member.name]: value }));
}
/* Documents that fit in form and are refused for what they say; or whose refusal comes before their form is looked at. */
const MEANS = /DomainExist|3303|is not a|no rule|not enforceable|must stay|is no origin|is given more|NotExist|NotFound|is not for|header_name|in force|needs|Region|Enhanced|at most|mandatory for the field/i;
let documents = 0;
for (const action of actions) {
	for (const param of action.parameters.filter((row) => row.kind === "json")) {
		documents++;
		await ensure();
		const shape = X.parseShape(param.shape);
		const name = `${action.name} ${param.name}`;
		const whole = X.example(shape, at, true);
		/* Unknown names are refused with the list of known ones: the shape's, no more and no less. */
		for (const place of objectsOf(shape, whole, (value) => value)) {
			if (place.shape.rest)
				continue;
			const reply = await tried(action, param, place.put({ ...place.document, Nothing_: 1 }));
			const known = /known are (.*)\.$/.exec(reply.message)?.[1] ?? /Nothing_/.exec(reply.message)?.[0];
			const mine = place.shape.members.map((member) => member.name).sort().join(" ");
			check(`${name}: an unknown name is refused, and known are ${mine.slice(0, 60)}`, known !== undefined && (known === "Nothing_" ||
				known.split(" ").sort().join(" ") === mine), reply.text);
		}
		/* What is required is missed. */
		const least = X.example(shape, at);
		for (const place of objectsOf(shape, least, (value) => value)) {
			for (const member of place.shape.members.filter((row) => row.required)) {
				const { [member.name]: _gone, ...rest } = place.document;
				const reply = await tried(action, param, place.put(rest));
				check(`${name}: without ${member.name} it is refused`, reply.status >= 400 && (reply.message.includes(member.name) ||
					(place.shape.mayBeEmpty && Object.keys(rest).length === 0)), reply.text);
			}
		}
		/* What fits is taken, or refused for what it means. */
		const reply = await tried(action, param, least);
		check(`${name}: the example is taken`, reply.status === 200 || MEANS.test(`${reply.code} ${reply.message}`), reply.text);
	}
}
check("there are JSON parameters", documents >= 40, documents);

// ---- the lab is left as it was
await real("DeleteWebRule", [["Domain", DOMAIN]]);
await real("DeletePort", [["InstanceId", instance], ["FrontendProtocol", "tcp"], ["FrontendPort", "8080"]]);
polder("lab", "clock", "+40d");
try {
	const gone = await real("ReleaseInstance", [["InstanceId", instance]]);
	check("the instance is released again", gone.status === 200, gone.text);
} finally {
	polder("lab", "clock", "reset");
}
done();
