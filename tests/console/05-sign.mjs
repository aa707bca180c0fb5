// SPDX-License-Identifier: BSD-2-Clause
// The browser's signatures against the vectors that two official libraries agree on.
import { assert, done, load, test } from "./lib.mjs";

const { canonicalQuery, flatten, headersV3, importKey, sha256, signV1, signV3, timestamp } = await load("api/sign.ts");
const key = await importKey("testid", "testsecret");
const common = { Format: "JSON", Version: "2020-01-01", AccessKeyId: "testid", SignatureMethod: "HMAC-SHA1", SignatureVersion: "1.0",
	SignatureNonce: "f00dfeed00000000000000000000000a", Timestamp: "2026-01-02T03:04:05Z" };
const id = "ddoscoo-cn-mp91j1ao0001";
const release = { ...common, Action: "ReleaseInstance", InstanceId: id, RegionId: "cn-hangzhou" };
const old = { ...common, Format: "XML", SignatureNonce: "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf" };

for (const [name, method, parameters, signature] of [
	["V1: GET", "GET", release, "tOD6AFDPpVKa7rFXYwWCb20uIVM="],
	["V1: POST", "POST", release, "7xcjkr8ZDxWvWD7xlKvLIVnMuBE="],
	["V1: lists, tags, a token, every odd character", "POST", { ...common, Action: "DescribeInstances", PageNumber: 1, PageSize: 10,
		InstanceIds: [id, "ddoscoo-cn-mp91j1ao0002"], Tag: [{ Key: "k 1", Value: "v*~é/'()!&=+%" }], SecurityToken: "STS.tok+en/=",
		SignatureType: "" }, "fdbwKBKGM9Dl2jtwN4ZFgP9GEkI="],
	["V1: as the product's page has it", "GET", { ...old, Timestamp: "2020-01-01T12:00:00Z", Action: "DescribeInstanceIds" }, "See6gAao4jkOjQStAWi1O8fhnr8="],
	["V1: the classic of ECS", "GET", { ...old, Timestamp: "2016-02-23T12:46:24Z", Action: "DescribeRegions", Version: "2014-05-26" }, "OLeaidS1JvxuMvnyHOwuJ+uX5qY="],
])
	await test(name, async () => assert.equal((await signV1(method, flatten(parameters), key)).signature, signature));

await test("V1: the string to sign is the published one", async () => {
	const { stringToSign } = await signV1("GET", flatten(release), key);
	assert.ok(stringToSign.startsWith(`GET&%2F&AccessKeyId%3Dtestid%26Action%3DReleaseInstance%26Format%3DJSON%26InstanceId%3D${id}%26`), stringToSign);
	assert.ok(stringToSign.endsWith("%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2020-01-01"), stringToSign);
});

const call = { host: "ddoscoo.cn-hangzhou.aliyuncs.com", version: "2020-01-01", date: "2026-01-02T03:04:05Z",
	nonce: "f00dfeed00000000000000000000000a", body: "", key };

await test("V3: the published sample", async () => {
	const its = await importKey("YourAccessKeyId", "YourAccessKeySecret");
	const headers = await headersV3({ ...call, host: "ecs.cn-shanghai.aliyuncs.com", action: "RunInstances", version: "2014-05-26",
		date: "2023-10-26T10:22:32Z", nonce: "3156853299f313e23d1673dc12e1703d", key: its });
	const signed = await signV3("POST", headers, flatten({ ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", RegionId: "cn-shanghai" }), its);
	assert.equal(signed.signature, "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");
});
await test("V3: A, an empty body", async () => {
	const signed = await signV3("POST", await headersV3({ ...call, action: "ReleaseInstance" }), flatten({ InstanceId: id }), key);
	assert.equal(await sha256(signed.canonicalRequest), "756d320e119161d996ae9689893d0c6438b76f7a69bfb5900414b34377a26adf");
	assert.equal(signed.signature, "28600b01cd42a3948f32fed8a6e72c286d5e891507a9fbc506d3f5bbfcb1eeb7");
});
await test("V3: B, a token and every odd character", async () => {
	// The vector's client did not sign x-acs-accesskey-id; the verifier goes by the list that the client names.
	const headers = { ...await headersV3({ ...call, action: "DescribeInstances" }), "x-acs-security-token": "STS.tok+en/=" };
	const signed = await signV3("GET", headers, flatten({ PageNumber: 1, PageSize: 10, InstanceIds: [id], Tag: [{ Key: "k 1", Value: "v*~é/" }] }), key);
	assert.equal(signed.canonicalQuery, `InstanceIds.1=${id}&PageNumber=1&PageSize=10&Tag.1.Key=k%201&Tag.1.Value=v%2A~%C3%A9%2F`);
	assert.equal(signed.signature, "9e2bee5085dd392255aab6c7b3931f821a170c687a3f14a0ed82c01767cccd96");
});
await test("V3: C, a form as body", async () => {
	const headers = await headersV3({ ...call, action: "AssociateWebCert", body: "Domain=www.example.com&CertName=a%20b*c~d" });
	assert.equal((await signV3("POST", headers, [], key)).signature, "e030807b65bae2c490cc98496e36414c3cb14c71158fcf78857c2275cb91c306");
});
await test("names are sorted by bytes, not by UTF-16", () => {
	assert.equal(canonicalQuery([["\u{10000}", "b"], ["\uffff", "a"]]), "%EF%BF%BF=a&%F0%90%80%80=b");
});
await test("a secret cannot be read back", async () => {
	await assert.rejects(crypto.subtle.exportKey("raw", key.v3));
	await assert.rejects(crypto.subtle.exportKey("raw", key.v1));
});
await test("a token is signed together with its key's id", async () => {
	const headers = await headersV3({ ...call, action: "A", key: await importKey("STS.x", "s", "STS.tok") });
	assert.equal(headers["x-acs-security-token"], "STS.tok");
	assert.equal(headers["x-acs-accesskey-id"], "STS.x");
});
await test("times are whole seconds in UTC", () => assert.equal(timestamp(1767323045999), "2026-01-02T03:04:05Z"));
await done();
