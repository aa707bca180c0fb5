// SPDX-License-Identifier: BSD-2-Clause
//
// Sample code runs as it is. For every action, the samples for curl (both signatures), Python, Node.js and polder are
// written with example values, run against the lab, and must give the reply that the page's own client gets: equal but
// for RequestId, times, secrets that were just made, and figures that go on. Actions that write are mostly tried on an
// instance and a site that are not there, so the lab stays as it is; some are really done and undone in each language.
// The vendor's SDK for Node.js, and Java and Go where they are installed, run for some actions; Terraform's text is formatted
// by terraform fmt and Go's by gofmt where these are. aliyun and the vendor's SDK for Go are not in Debian: written only.
import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { actions as table, check, done, explorer, lab, O, pageCall, polder, top } from "./explorer.mjs";

const AT_ONCE = 4; // actions; processes that start cost more than the calls they make
const X = await explorer();
const actions = table();
const endpoint = new URL(lab.api).origin;
const of = (name) => X.findAction(actions, name);
const key = await X.importKey(lab.access_key_id, lab.access_key_secret);
const folder = mkdtempSync(join(tmpdir(), "polder-samples-"));
const environment = { PATH: `${O}:/usr/bin:/bin:${process.env.PATH}`, HOME: process.env.HOME ?? "/", LANG: "C.UTF-8",
	NODE_PATH: join(top, "tests/api/node_modules"), 
	POLDER_PARAMETER_KEY: "example", ALIBABA_CLOUD_ACCESS_KEY_ID: lab.access_key_id, ALIBABA_CLOUD_ACCESS_KEY_SECRET: lab.access_key_secret };
const language = Object.fromEntries(X.languages.map((row) => [row.id, row]));
let files = 0;

/** Runs the sample as its language says: { status, body } */
function run(id, action, pairs, environmentMore = {}) {
	const row = language[id];
	const text = row.write({ action, pairs, endpoint });
	if (text === null)
		return Promise.resolve(null);
	const own = join(folder, String(files++));
	mkdirSync(own);
	writeFileSync(join(own, row.file), text);
	const [program, ...rest] = row.run.split(" ");
	if (id in quick && !own.endsWith("0"))
		return quick[id](join(own, row.file), environmentMore).then((stdout) => told(stdout, own, text));
	return new Promise((resolve) => execFile(program, rest, { cwd: own, env: { ...environment, ...environmentMore },
		timeout: 60000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
		resolve(told(`${stdout}`, own, text, stderr));
	}));
}

function told(stdout, own, text, stderr = "") {
	let body;
	try {
		body = JSON.parse(stdout);
	} catch { /* said says what there was */ }
	rmSync(own, { recursive: true });
	return { body, said: `${stdout}\n${stderr}`.slice(0, 2000), text };
}

// Starting Python and Node.js costs most of the time, so nine of ten samples run, as they are, in a thread of this Node.js and
// in a child of a Python that has loaded its libraries; each tenth is a program of its own.
const FORKS = `
import hashlib, hmac, io, json, os, runpy, secrets, sys, time, urllib.request
for line in sys.stdin:
    path, environment = json.loads(line)
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(write, 1)
        os.environ.update(environment)
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit:
            pass
        except BaseException as error:
            print(repr(error))
        sys.stdout.flush()
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.wait()
    print(json.dumps(said), flush=True)
`;
const pythons = [];
function python() {
	const child = spawn("python3", ["-u", "-c", FORKS], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	return { child, lines };
}
const idle = [];
const quick = {
	async python(path, more) {
		const one = idle.pop() ?? pythons[pythons.push(python()) - 1];
		one.child.stdin.write(`${JSON.stringify([path, more])}\n`);
		const { value } = await one.lines.next();
		idle.push(one);
		return JSON.parse(value);
	},
	node: (path, more) => new Promise((resolve) => {
		const worker = new Worker(path, { env: { ...environment, ...more }, stdout: true, stderr: true });
		let said = "";
		worker.stdout.on("data", (data) => { said += data; });
		worker.on("error", (error) => { said += error.stack; });
		worker.on("exit", () => setImmediate(() => resolve(said)));
	}),
};

// Where a call is answered with what goes on by itself, only the form of replies is compared.
const GOES_ON = new Set(["DescribeNodes", "DescribeTraffic", "DescribeEvents", "DescribeAuditLog", "DescribeOpEntities",
	"DescribeReasons", "DescribeTopInstances", "VerifyAuditLog", "CreateSecurityToken", "CreateAccessKey", "DescribeApiCalls",
	"CreateSession", "ExtendSession", "DescribeCaller", "DescribeAccessKeys", "DescribeCapture", "DescribeHealthCheckStatus",
	"DescribeInstanceStatistics"]);
const goesOn = (action) => GOES_ON.has(action.name) || /Traffic|Series|Live|Log|Stat(istic)?s$|Calls|Diagnose/.test(action.name);

/** A document without what differs between two calls; onlyForm: names and types. */
function plain(value, onlyForm) {
	if (Array.isArray(value))
		return onlyForm ? value.slice(0, 1).map((item) => plain(item, true)) : value.map((item) => plain(item, false));
	if (typeof value !== "object" || value === null)
		return onlyForm ? typeof value : value;
	return Object.fromEntries(Object.entries(value).filter(([name]) => !/^(RequestId|Recommend|OrderId|Credentials)$/.test(name))
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([name, item]) => [name, onlyForm || !/Time$|^Time$|^Now$/.test(name) ? plain(item, onlyForm) : typeof item]));
}
/** Lists are empty in one call and not in the next when figures go on. */
function sameForm(a, b) {
	if (Array.isArray(a) && Array.isArray(b))
		return a.length === 0 || b.length === 0 || sameForm(a[0], b[0]);
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
		return a === b;
	return Object.keys(a).join() === Object.keys(b).join() && Object.keys(a).every((name) => sameForm(a[name], b[name]));
}
function alike(action, a, b) {
	if (!a || !b)
		return false;
	if (goesOn(action) && !a.Code && !b.Code)
		return sameForm(plain(a, true), plain(b, true));
	return JSON.stringify(plain(a, false)) === JSON.stringify(plain(b, false));
}

const throttled = (body) => body?.Code === "Throttling.User";
async function patiently(make) {
	for (let again = 0; ; again++) {
		const made = await make();
		if (!made || !throttled(made.body) || again === 30)
			return made;
		await new Promise((wake) => setTimeout(wake, 120));
	}
}
const page = (action, pairs) => patiently(() => pageCall(X, key, lab.api, action, pairs));
const real = (name, pairs) => page(of(name), pairs);

// ---- something to look at
const plan = [["ServicePartner", "coop-line-001"], ["PortCount", "50"], ["DomainCount", "50"], ["BaseBandwidth", "30"],
	["Bandwidth", "30"], ["ServiceBandwidth", "100"], ["NormalQps", "3000"], ["FunctionVersion", "1"], ["AddressType", "Ipv4"]];
const bought = await real("CreateInstance", [["ProductCode", "ddos"], ["ProductType", "ddoscoo"], ["SubscriptionType", "Subscription"],
	["Period", "1"], ...plan.flatMap(([code, value], i) => [[`Parameter.${i + 1}.Code`, code], [`Parameter.${i + 1}.Value`, value]])]);
const instance = bought.body.Data?.InstanceId ?? "";
const domain = "samples.example.com";
check("an instance to look at", instance.startsWith("ddoscoo-cn-"), bought.text);
const address = (await real("DescribeInstances", [["PageNumber", "1"], ["PageSize", "10"], ["InstanceIds.1", instance]])).body.Instances[0].Ip;
const rule = [["InstanceId", instance], ["FrontendProtocol", "tcp"], ["FrontendPort", "8080"]];
await real("CreatePort", [...rule, ["BackendPort", "80"], ["RealServers.1", lab.origin.ipv4]]);
await real("CreateWebRule", [["Domain", domain], ["InstanceIds.1", instance], ["RsType", "0"],
	["Rules", JSON.stringify([{ ProxyType: "http", ProxyRules: [{ ProxyPort: 80, RealServers: [lab.origin.ipv4] }] }])]]);

const there = { instance, domain, address: lab.origin.ipv4, nowMs: Date.now() };
const notThere = { instance: "ddoscoo-cn-notthere0001", domain: "nothere.example.com", address: lab.origin.ipv4, nowMs: Date.now() };
/* Writes that name no object, with what makes them be refused; null: the example is what is done, and changes nothing. */
const REFUSED = {
	CreateInstance: { ProductCode: "nothing" }, RenewInstance: { ProductCode: "ddos" }, CreateSecurityToken: { DurationSeconds: "1" },
	CreateAccount: { Name: "x".repeat(2000) }, CreateAccessKey: { AccountId: "999999" }, CreateUser: { AccountId: "999999", Name: "no one" },
	CreateSceneDefensePolicy: { EndTime: "1" }, ModifyFullLogTtl: { Ttl: "1" }, StopDrill: null, CreateSession: null, EmptySlsLogstore: { ResourceGroupId: "x".repeat(100) }, ModifyInstanceLimits: { Pps: "-1" },
};
/* What needs to know more than an instance or a site; failed log-ins would count against the tests that follow. */
const READS = { CreateSession: { UserName: lab.user, Password: lab.password }, ExplainPacket: { Destination: address, Port: "8080" }, DescribeInstanceStatus: { ProductType: "1" } };

function pairsFor(action) {
	const values = X.exampleValues(action, action.mode === "read" ? there : notThere);
	const fixed = { ...(REFUSED[action.name] ?? {}), ...(READS[action.name] ?? {}) };
	for (const [name, text] of Object.entries(fixed))
		if (action.parameters.some((param) => param.name === name))
			values[name] = { is: "text", text };
	return X.pairsOf(action, values);
}

const ALL = ["curl", "python", "node", "polder"];
const V1_EVERY = 6; // the second signature of curl differs from the first in the same lines for all actions
async function compare(action, ids) {
	const pairs = pairsFor(action);
	const expected = await page(action, pairs);
	const password = { POLDER_PARAMETER_PASSWORD: pairs.find(([name]) => name === "Password")?.[1] ?? "" };
	const bad = [];
	for (const id of ids) {
		const got = await patiently(() => run(id, action, pairs, password));
		if (got && !alike(action, expected.body, got.body))
			bad.push(`${id}: ${got.said}\n  page: ${expected.text.slice(0, 800)}`);
	}
	/* The first call may have changed what the next ones meet: what is tried must not write. */
	const wrote = action.mode === "write" && expected.status === 200 && REFUSED[action.name] !== null;
	check(`${action.name}: ${ids.join(", ")} reply as the page (${expected.code || "OK"})`, bad.length === 0 && !wrote,
		wrote ? `it was done, not refused: ${expected.text}` : bad.join("\n"));
}
async function pool(jobs) {
	const waiting = [...jobs];
	await Promise.all(Array.from({ length: AT_ONCE }, async () => {
		while (waiting.length > 0)
			await waiting.shift()();
	}));
}
await pool(actions.map((action, i) => () => compare(action, i % V1_EVERY ? ALL : [...ALL, "curl-v1"])));

// ---- done and undone, in each language
const COMPILED = { java: ["java", "-version"], go: ["go", "version"] }; // some seconds each time
const isThere = ([program, ...rest]) => spawnSync(program, rest).status === 0;
const TO = ["curl", "curl-v1", "python", "node", "node-sdk", "java", "go", "polder"].filter((id) =>
	(id !== "node-sdk" || existsSync(join(top, "tests/api/node_modules"))) && (!COMPILED[id] || isThere(COMPILED[id])));
for (const id of Object.keys(COMPILED).filter((name) => !TO.includes(name)))
	console.log(`ok - ${id}: samples run # SKIP ${id} is not installed`);
const ports = { InstanceId: instance, FrontendProtocol: "udp", FrontendPort: "9000" };
const listed = { InstanceId: instance, Blacklist: JSON.stringify([{ src: "198.51.100.7" }, { src: "203.0.113.0/24" }]) };
const PAIRS = [
	["CreatePort", { ...ports, BackendPort: "7", "RealServers.1": lab.origin.ipv4 }, "DeletePort", ports],
	["AddAutoCcBlacklist", { ...listed, ExpireTime: "600" }, "DeleteAutoCcBlacklist", listed],
	["ModifyInstanceRemark", { InstanceId: instance, Remark: "a b*c~é+'\"$`\\ %\n中😀" }, "ModifyInstanceRemark", { InstanceId: instance, Remark: "-" }],
	["CreateTagResources", { RegionId: "cn-hangzhou", ResourceType: "INSTANCE", "ResourceIds.1": instance, "Tags.1.Key": "k 1", "Tags.1.Value": "v*~é/" },
		"DeleteTagResources", { RegionId: "cn-hangzhou", ResourceType: "INSTANCE", "ResourceIds.1": instance, "TagKey.1": "k 1" }],
	["CreateDomainResource", { Domain: "made.example.com", "InstanceIds.1": instance, "ProxyTypes.1.ProxyType": "http",
		"ProxyTypes.1.ProxyPorts.1": "80", RsType: "0", "RealServers.1": lab.origin.ipv4 }, "DeleteDomainResource", { Domain: "made.example.com" }],
];
for (const id of TO) {
	for (const [make, makeWith, undo, undoWith] of PAIRS.slice(COMPILED[id] ? 2 : 0, COMPILED[id] ? 3 : PAIRS.length)) {
		const made = await patiently(() => run(id, of(make), Object.entries(makeWith)));
		const undone = await real(undo, Object.entries(undoWith));
		check(`${id}: ${make} is done, and ${undo} undoes it`, made.body?.RequestId && !made.body.Code && undone.status === 200,
			`${made.said}\n${undone.text}`);
	}
}
await real("ModifyInstanceRemark", [["InstanceId", instance], ["Remark", "é*~ +"]]);
const remark = [["PageNumber", "1"], ["PageSize", "10"], ["InstanceIds.1", instance]];
for (const id of TO) {
	const got = await patiently(() => run(id, of("DescribeInstances"), remark));
	check(`${id}: what is read is not damaged`, got.body?.Instances?.[0]?.Remark === "é*~ +", got.said);
}

// ---- with the key of a session
const token = (await real("CreateSecurityToken", [])).body.Credentials;
const session = { ALIBABA_CLOUD_ACCESS_KEY_ID: token.AccessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: token.AccessKeySecret,
	ALIBABA_CLOUD_SECURITY_TOKEN: token.SecurityToken };
for (const id of TO) {
	const got = await patiently(() => run(id, of("DescribeInstanceIds"), [], session));
	check(`${id}: works with a session's key`, Array.isArray(got.body?.InstanceIds), got.said);
}

// ---- secrets are in no text
const forged = { ...of("ReleaseInstance"), name: "CreateUser", parameters: [] };
check("a password is in no sample", X.languages.every((row) => !(row.write({ action: forged, endpoint,
	pairs: [["Name", "a"], ["Password", "correct horse battery"]] }) ?? "").includes("correct horse")));

// ---- what cannot run here
if (spawnSync("terraform", ["version"]).status === 0) {
	for (const name of X.terraformActions) {
		const action = of(name);
		const text = language.terraform.write({ action, endpoint, pairs: X.pairsOf(action, X.exampleValues(action, { ...there, whole: true })) });
		const fmt = spawnSync("terraform", ["fmt", "-check", "-diff", "-"], { input: text, encoding: "utf8" });
		check(`${name}: Terraform reads it, and would write it the same`, fmt.status === 0, fmt.stdout + fmt.stderr);
	}
} else {
	console.log("ok - Terraform's samples # SKIP terraform is not installed");
}
if (spawnSync("gofmt", ["-h"]).error) {
	console.log("ok - Go's samples are as gofmt writes them # SKIP go is not installed");
} else {
	for (const id of ["go", "go-sdk"]) {
		const bad = actions.filter((action) => {
			const { status, stdout } = spawnSync("gofmt", ["-l"], { encoding: "utf8",
				input: language[id].write({ action, pairs: pairsFor(action), endpoint }) });
			return status !== 0 || stdout !== "";
		});
		check(`${id}: samples are as gofmt writes them`, bad.length === 0, bad.map((action) => action.name));
	}
}
const shellBad = actions.filter((action) => spawnSync("sh", ["-n"], {
	input: language.aliyun.write({ action, pairs: pairsFor(action), endpoint }) }).status !== 0);
check("aliyun's samples are sh", shellBad.length === 0, shellBad.map((action) => action.name));

// ---- the lab is left as it was
for (const { child } of pythons)
	child.stdin.end();
rmSync(folder, { recursive: true });
await real("DeleteWebRule", [["Domain", domain]]);
await real("DeletePort", rule);
polder("lab", "clock", "+40d");
try {
	const gone = await real("ReleaseInstance", [["InstanceId", instance]]);
	check("the instance is released again", gone.status === 200, gone.text);
} finally {
	polder("lab", "clock", "reset");
}
done();
