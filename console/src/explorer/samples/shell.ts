// SPDX-License-Identifier: BSD-2-Clause
// curl and openssl: one script of POSIX sh that signs by itself. Values are encoded here, so that the script needs no
// function for that; what differs from call to call (nonce, time, key) holds unreserved characters only.
import { canonicalQuery, encode, type Pair } from "../../api/sign";
import { comment, hostOf, KEY_ID, KEY_SECRET, secretName, shellQuoted, title, TOKEN, type Call, type Language } from "./sample";

/** Fixed values, for tests that compare signatures. */
export interface Fixed {
	nonce: string;
	date: string;
	/** the script prints the signature instead of calling */
	printOnly: boolean;
}

function head(call: Call, form: string): string[] {
	return [
		"#!/bin/sh",
		comment("#", title(call)),
		`# Signed with ${form}. The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and`,
		`# ${TOKEN} for the key of a session.`,
		"set -eu",
		`endpoint=${shellQuoted(call.endpoint)}`,
		`key_id=$${KEY_ID}`,
		`secret=$${KEY_SECRET}`,
		`token=\${${TOKEN}:-}`,
	];
}

function times(fixed: Fixed | undefined): string[] {
	return fixed
		? [`date='${fixed.date}'`, `nonce='${fixed.nonce}'`]
		: ["date=$(date -u +%Y-%m-%dT%H:%M:%SZ)", "nonce=$(openssl rand -hex 16)"];
}

/** What is secret is encoded when the script runs: every byte, which means the same in a form. */
function bodyLines(pairs: readonly Pair[]): string[] {
	const open = pairs.filter(([key]) => !secretName(key));
	const lines = [`body='${canonicalQuery(open)}'`];
	pairs.filter(([key]) => secretName(key)).forEach(([key], i) => lines.push(
		`body="$body${i + open.length > 0 ? "&" : ""}${encode(key)}=$(printf %s "$${secretName(key)}" | od -An -v -tx1 | tr -d ' \\n' | sed 's/../%&/g')"`));
	return lines;
}

function parametersAsComments(pairs: readonly Pair[]): string[] {
	return pairs.map(([key, value]) => comment("#", secretName(key) ? `  ${key} = $${secretName(key)}` : `  ${key} = ${value.length > 200 ? `${value.slice(0, 200)}...` : value}`));
}

export function curlV3(call: Call, fixed?: Fixed): string {
	const names = ["content-type", "host"];
	const behind = ["x-acs-action", "x-acs-content-sha256", "x-acs-date"];
	const hasBody = call.pairs.length > 0;
	const type = "application/x-www-form-urlencoded";
	return [
		...head(call, "ACS3-HMAC-SHA256"),
		`host=${shellQuoted(hostOf(call.endpoint))}`,
		"",
		...(hasBody ? ["# Parameters, encoded:"] : ["# There are no parameters."]),
		...parametersAsComments(call.pairs),
		...bodyLines(call.pairs),
		"",
		...times(fixed),
		`hash=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d ' ' -f 1)`,
		`names='${[...(hasBody ? names : ["host"])].join(";")}'`,
		`headers="${hasBody ? `content-type:${type}\n` : ""}host:$host"`,
		'if [ -n "$token" ]; then',
		'\tnames="$names;x-acs-accesskey-id"',
		'\theaders="$headers',
		'x-acs-accesskey-id:$key_id"',
		"fi",
		`names="$names;${behind.join(";")}"`,
		'headers="$headers',
		`x-acs-action:${call.action.name}`,
		"x-acs-content-sha256:$hash",
		'x-acs-date:$date"',
		'if [ -n "$token" ]; then',
		'\tnames="$names;x-acs-security-token"',
		'\theaders="$headers',
		'x-acs-security-token:$token"',
		"fi",
		'names="$names;x-acs-signature-nonce;x-acs-version"',
		'headers="$headers',
		"x-acs-signature-nonce:$nonce",
		`x-acs-version:${call.action.version}"`,
		"",
		"# The canonical request: method, path, query, headers, their names, hash of the body.",
		`canonical=$(printf 'POST\\n/\\n\\n%s\\n\\n%s\\n%s' "$headers" "$names" "$hash")`,
		`to_sign=$(printf 'ACS3-HMAC-SHA256\\n%s' "$(printf %s "$canonical" | openssl dgst -sha256 -r | cut -d ' ' -f 1)")`,
		`signature=$(printf %s "$to_sign" | openssl dgst -sha256 -hmac "$secret" -r | cut -d ' ' -f 1)`,
		...(fixed?.printOnly ? [`printf '%s\\n' "$signature"`] : [
			"",
			'curl -sS -X POST "$endpoint/" \\',
			...(hasBody ? [`\t-H 'content-type: ${type}' \\`] : [`\t-H 'content-type:' \\`]),
			`\t-H 'accept: application/json' -H 'x-acs-action: ${call.action.name}' \\`,
			`\t-H 'x-acs-version: ${call.action.version}' -H "x-acs-date: $date" -H "x-acs-signature-nonce: $nonce" \\`,
			'\t-H "x-acs-content-sha256: $hash" ${token:+-H "x-acs-accesskey-id: $key_id"} \\',
			'\t${token:+-H "x-acs-security-token: $token"} \\',
			'\t-H "Authorization: ACS3-HMAC-SHA256 Credential=$key_id,SignedHeaders=$names,Signature=$signature" \\',
			'\t--data-binary "$body"',
			"echo",
		]),
		"",
	].join("\n");
}

/** Signatures and tokens are Base64. */
const ENCODE_BASE64 = "s/+/%2B/g; s|/|%2F|g; s/=/%3D/g";

/** Pieces of the canonical query in the order of their keys; the script fills in what differs. */
export function curlV1(call: Call, fixed?: Fixed): string {
	const own: [string, string][] = [
		["AccessKeyId", "AccessKeyId=$key_id"],
		["Action", `Action=${call.action.name}`],
		["Format", "Format=JSON"],
		["SignatureMethod", "SignatureMethod=HMAC-SHA1"],
		["SignatureNonce", "SignatureNonce=$nonce"],
		["SignatureVersion", "SignatureVersion=1.0"],
		["Timestamp", "Timestamp=$timestamp"],
		["Version", `Version=${call.action.version}`],
	];
	const pieces: [string, string][] = [
		...own,
		...call.pairs.map(([key, value]): [string, string] => [key, `${encode(key)}=${encode(value)}`]),
	];
	pieces.sort(([a], [b]) => (a < b ? -1 : 1));
	/* Joined by "&"; the token's comes with its own, because it may not be there. */
	const at = pieces.findIndex(([key]) => key > "SecurityToken");
	const before = pieces.slice(0, at).map(([, text]) => text).join("&");
	const after = pieces.slice(at).map(([, text]) => text).join("&");
	return [
		...head(call, "HMAC-SHA1 (version 1.0)"),
		"",
		...(call.pairs.length > 0 ? ["# Parameters, encoded in the canonical query below:"] : []),
		...parametersAsComments(call.pairs),
		...times(fixed),
		`timestamp=$(printf %s "$date" | sed 's/:/%3A/g')`,
		`token_part=''`,
		'if [ -n "$token" ]; then',
		`\ttoken_part="SecurityToken=$(printf %s "$token" | sed '${ENCODE_BASE64}')&"`,
		"fi",
		`canonical="${before}&\${token_part}${after}"`,
		"",
		"# What is signed: the method, the path and the canonical query, each encoded.",
		`to_sign="POST&%2F&$(printf %s "$canonical" | sed 's/%/%25/g; s/&/%26/g; s/=/%3D/g')"`,
		`signature=$(printf %s "$to_sign" | openssl dgst -sha1 -hmac "$secret&" -binary | openssl base64 -A)`,
		...(fixed?.printOnly ? [`printf '%s\\n' "$signature"`] : [
			"",
			`encoded=$(printf %s "$signature" | sed '${ENCODE_BASE64}')`,
			'curl -sS "$endpoint/" --data-binary "$canonical&Signature=$encoded"',
			"echo",
		]),
		"",
	].join("\n");
}

export const shellLanguages: Language[] = [
	{ id: "curl", label: "curl + openssl", file: "call.sh", run: "sh call.sh", needs: "",
		write: (call) => curlV3(call) },
	{ id: "curl-v1", label: "curl + openssl (V1)", file: "call.sh", run: "sh call.sh", needs: "",
		write: (call) => (call.pairs.some(([key]) => secretName(key)) ? null : curlV1(call)) },
];
