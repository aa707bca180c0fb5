// SPDX-License-Identifier: BSD-2-Clause
// Python and Node.js with nothing but their own libraries, and Node.js with the vendor's published SDK.
import { comment, documentOf, hostOf, KEY_ID, KEY_SECRET, quoted, quotedWide, schemeOf, secretName, title, TOKEN, type Call,
	type Language } from "./sample";

function pythonLiteral(value: unknown): string {
	if (value === null)
		return "None";
	if (typeof value === "boolean")
		return value ? "True" : "False";
	if (typeof value === "number")
		return String(value);
	if (typeof value === "string")
		return quotedWide(value);
	if (Array.isArray(value))
		return `[${value.map(pythonLiteral).join(", ")}]`;
	return `{${Object.entries(value as object).map(([key, item]) => `${quotedWide(key)}: ${pythonLiteral(item)}`).join(", ")}}`;
}

function scriptLiteral(value: unknown): string {
	return quotedJson(JSON.stringify(value, null, 1).replace(/\n\s*/g, " "));
}

/** JSON is JavaScript; only what is beyond ASCII is written as escapes. */
function quotedJson(text: string): string {
	return text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function python(call: Call): string {
	const rows = call.pairs.map(([key, value]) => {
		const secret = secretName(key);
		if (secret)
			return `    ${quotedWide(key)}: os.environ[${quotedWide(secret)}],`;
		const document = documentOf(call, key, value);
		return `    ${quotedWide(key)}: ${document === undefined ? quotedWide(value) : `json.dumps(${pythonLiteral(document)})`},`;
	});
	return `#!/usr/bin/env python3
${comment("#", title(call))}
# Python 3.8 or later, nothing else. The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
# ${TOKEN} for the key of a session.
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

ENDPOINT = ${quoted(call.endpoint)}
ACTION = ${quoted(call.action.name)}
VERSION = ${quoted(call.action.version)}
PARAMETERS = {
${rows.join("\n")}${rows.length > 0 ? "\n" : ""}}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def call(endpoint, action, version, parameters):
    key_id = os.environ[${quoted(KEY_ID)}]
    secret = os.environ[${quoted(KEY_SECRET)}]
    token = os.environ.get(${quoted(TOKEN)})
    body = "&".join(quote(k, safe="~") + "=" + quote(v, safe="~") for k, v in sorted(parameters.items()))
    headers = {
        "host": urlsplit(endpoint).netloc,
        "x-acs-action": action,
        "x-acs-version": version,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-content-sha256": sha256(body),
        "content-type": "application/x-www-form-urlencoded",
    }
    if token:
        headers["x-acs-accesskey-id"] = key_id
        headers["x-acs-security-token"] = token
    names = ";".join(sorted(headers))
    lines = "".join(name + ":" + headers[name] + "\\n" for name in sorted(headers))
    canonical = "\\n".join(["POST", "/", "", lines, names, headers["x-acs-content-sha256"]])
    to_sign = "ACS3-HMAC-SHA256\\n" + sha256(canonical)
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        "ACS3-HMAC-SHA256 Credential=" + key_id + ",SignedHeaders=" + names + ",Signature=" + signature
    )
    headers["accept"] = "application/json"
    request = Request(endpoint + "/", data=body.encode(), headers=headers, method="POST")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except HTTPError as error:
        return error.code, json.load(error)


status, reply = call(ENDPOINT, ACTION, VERSION, PARAMETERS)
print(json.dumps(reply, indent=2, ensure_ascii=False))
sys.exit(0 if status < 400 else 1)
`;
}

function nodeRows(call: Call, indent: string): string {
	return call.pairs.map(([key, value]) => {
		const document = documentOf(call, key, value);
		const secret = secretName(key);
		const text = secret ? `process.env.${secret}` : document === undefined ? quoted(value) : `JSON.stringify(${scriptLiteral(document)})`;
		return `${indent}${quoted(key)}: ${text},\n`;
	}).join("");
}

function node(call: Call): string {
	return `${comment("//", title(call))}
// Node.js 18 or later, nothing else. The key is read from the environment: ${KEY_ID},
// ${KEY_SECRET}, and ${TOKEN} for the key of a session.
import { createHash, createHmac, randomBytes } from "node:crypto";

const endpoint = ${quoted(call.endpoint)};
const action = ${quoted(call.action.name)};
const version = ${quoted(call.action.version)};
const parameters = {
${nodeRows(call, "\t")}};

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g,
	(c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());

async function call() {
	const { ${KEY_ID}: keyId, ${KEY_SECRET}: secret,
		${TOKEN}: token } = process.env;
	if (!keyId || !secret)
		throw new Error("${KEY_ID} and ${KEY_SECRET} must be set");
	const body = Object.keys(parameters).sort()
		.map((name) => encode(name) + "=" + encode(parameters[name])).join("&");
	const headers = {
		"host": new URL(endpoint).host,
		"x-acs-action": action,
		"x-acs-version": version,
		"x-acs-date": new Date().toISOString().replace(/\\.\\d+Z$/, "Z"),
		"x-acs-signature-nonce": randomBytes(16).toString("hex"),
		"x-acs-content-sha256": sha256(body),
		"content-type": "application/x-www-form-urlencoded",
		...(token ? { "x-acs-accesskey-id": keyId, "x-acs-security-token": token } : {}),
	};
	const names = Object.keys(headers).sort();
	const canonical = ["POST", "/", "", ...names.map((name) => name + ":" + headers[name]), "",
		names.join(";"), headers["x-acs-content-sha256"]].join("\\n");
	const signature = createHmac("sha256", secret).update("ACS3-HMAC-SHA256\\n" + sha256(canonical)).digest("hex");
	const { host, ...sent } = headers;
	const reply = await fetch(endpoint + "/", { method: "POST", body, headers: { ...sent, accept: "application/json",
		authorization: "ACS3-HMAC-SHA256 Credential=" + keyId + ",SignedHeaders=" + names.join(";") +
			",Signature=" + signature } });
	console.log(JSON.stringify(await reply.json(), null, 2));
	process.exitCode = reply.ok ? 0 : 1;
}

await call();
`;
}

function nodeSdk(call: Call): string {
	return `${comment("//", title(call))}
// npm install @alicloud/openapi-client @alicloud/tea-util
// The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
// ${TOKEN} for the key of a session.
const { default: Client, Config, OpenApiRequest, Params } = require("@alicloud/openapi-client");
const { RuntimeOptions } = require("@alicloud/tea-util");

const client = new Client(new Config({
	accessKeyId: process.env.${KEY_ID},
	accessKeySecret: process.env.${KEY_SECRET},
	securityToken: process.env.${TOKEN},
	endpoint: ${quoted(hostOf(call.endpoint))},
	protocol: ${quoted(schemeOf(call.endpoint))},
}));
const description = new Params({
	action: ${quoted(call.action.name)},
	version: ${quoted(call.action.version)},
	protocol: ${quoted(schemeOf(call.endpoint).toUpperCase())},
	pathname: "/",
	method: "POST",
	authType: "AK",
	style: "RPC",
	reqBodyType: "formData",
	bodyType: "json",
});
const request = new OpenApiRequest({ body: {
${nodeRows(call, "\t")}} });

client.callApi(description, request, new RuntimeOptions({ autoretry: false })).then(
	(reply) => console.log(JSON.stringify(reply.body, null, 2)),
	(error) => {
		console.log(JSON.stringify(error.data ?? { Code: error.code, Message: error.message }, null, 2));
		process.exitCode = 1;
	},
);
`;
}

export const scriptLanguages: Language[] = [
	{ id: "python", label: "Python", file: "call.py", run: "python3 call.py", needs: "", write: python },
	{ id: "node", label: "Node.js", file: "call.mjs", run: "node call.mjs", needs: "", write: node },
	{ id: "node-sdk", label: "Node.js SDK", file: "call.cjs", run: "node call.cjs",
		needs: "npm install @alicloud/openapi-client @alicloud/tea-util", write: nodeSdk },
];
