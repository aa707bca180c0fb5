// SPDX-License-Identifier: BSD-2-Clause
// The two command lines, and Terraform for what it has resources for.
import { type Pair } from "../../api/sign";
import { productOf } from "../schema";
import { comment, hostOf, KEY_ID, KEY_SECRET, schemeOf, secretName, shellQuoted, title, TOKEN, type Call, type Language } from "./sample";

function options(pairs: readonly Pair[]): string {
	return pairs.map(([key, value]) => ` \\\n\t--${key} ${secretName(key) ? `"$${secretName(key)}"` : shellQuoted(value)}`).join("");
}

function polder(call: Call): string {
	return `#!/bin/sh
${comment("#", title(call))}
# The key is read from the environment. On the machine of a lab "polder call" finds endpoint and key by itself.
export POLDER_ENDPOINT=${shellQuoted(call.endpoint)}
export POLDER_ACCESS_KEY_ID="$${KEY_ID}"
export POLDER_ACCESS_KEY_SECRET="$${KEY_SECRET}"
if [ -n "\${${TOKEN}:-}" ]; then
	export POLDER_SECURITY_TOKEN="$${TOKEN}"
fi
polder call ${call.action.name}${call.action.version === "2020-01-01" ? "" : ` --version ${call.action.version}`}${options(call.pairs)}
`;
}

function aliyun(call: Call): string {
	const known = call.action.version !== "2026-11-01";
	return `#!/bin/sh
${comment("#", title(call))}
# The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
# ${TOKEN} for the key of a session.
export ALIBABA_CLOUD_REGION_ID=cn-hangzhou
aliyun ${productOf(call.action.version)} ${call.action.name} \\
	--endpoint ${shellQuoted(hostOf(call.endpoint))}${schemeOf(call.endpoint) === "http" ? " --insecure" : ""}${
		known ? "" : ` \\\n\t--version ${call.action.version} --force`}${options(call.pairs)}
`;
}

// ---- Terraform

function hclText(text: string): string {
	return JSON.stringify(text).replaceAll("${", "$${").replaceAll("%{", "%%{");
}

class Block {
	private lines: string[] = [];

	/** Numbers and references as they are, texts in quotes. */
	set(name: string, value: string | undefined, plain = false): this {
		if (value !== undefined && value !== "")
			this.lines.push(`${name} = ${plain && /^(\d+|true|false)$/.test(value) ? value : hclText(value)}`);
		return this;
	}

	list(name: string, values: readonly string[], plain = false): this {
		if (values.length > 0)
			this.lines.push(`${name} = [${values.map((v) => (plain ? v : hclText(v))).join(", ")}]`);
		return this;
	}

	block(name: string, fill: (block: Block) => void): this {
		const inner = new Block();
		fill(inner);
		this.lines.push(inner.write(name));
		return this;
	}

	write(head: string): string {
		const body = align(this.lines).map((line) => line.replaceAll("\n", "\n  ")).map((line) => `  ${line}\n`).join("");
		return `${head} {\n${body}}`;
	}
}

/** As terraform fmt does: neighbours' "=" below each other. */
function align(lines: readonly string[]): string[] {
	const out: string[] = [];
	let group: [string, string][] = [];
	const flush = () => {
		const width = Math.max(0, ...group.map(([name]) => name.length));
		out.push(...group.map(([name, value]) => `${name.padEnd(width)} = ${value}`));
		group = [];
	};
	for (const line of lines) {
		const at = line.indexOf(" = ");
		if (line.includes("\n") || at < 0) {
			flush();
			out.push(line);
		} else {
			group.push([line.slice(0, at), line.slice(at + 3)]);
		}
	}
	flush();
	return out;
}

class Given {
	constructor(private readonly pairs: readonly Pair[]) {}

	one(name: string): string | undefined {
		return this.pairs.find(([key]) => key === name)?.[1];
	}

	list(name: string): string[] {
		return this.pairs.filter(([key]) => new RegExp(`^${name}\\.\\d+$`).test(key)).map(([, value]) => value);
	}

	json(name: string): Record<string, unknown>[] {
		try {
			const value: unknown = JSON.parse(this.one(name) ?? "[]");
			return (Array.isArray(value) ? value : [value]) as Record<string, unknown>[];
		} catch {
			return [];
		}
	}

	/** Parameter.1.Code and .Value of an order */
	component(code: string): string | undefined {
		const found = this.pairs.find(([key, value]) => /^Parameter\.\d+\.Code$/.test(key) && value === code);
		return found && this.one(found[0].replace(/Code$/, "Value"));
	}
}

type Writer = (given: Given) => string;
const text = (value: unknown) => (value === undefined ? undefined : String(value));

const instance: Writer = (given) => new Block()
	.set("name", "example").set("product_type", given.one("ProductType") ?? "ddoscoo")
	.set("period", given.one("Period") ?? "1", true)
	.set("edition_sale", given.component("Edition") ?? "coop")
	.set("address_type", given.component("AddressType") ?? "Ipv4")
	.set("bandwidth_mode", given.component("95BurstBandwidthMode"))
	.set("base_bandwidth", given.component("BaseBandwidth") ?? "30")
	.set("bandwidth", given.component("Bandwidth") ?? "30")
	.set("service_bandwidth", given.component("ServiceBandwidth") ?? "100")
	.set("normal_qps", given.component("NormalQps"))
	.set("port_count", given.component("PortCount") ?? "50")
	.set("domain_count", given.component("DomainCount") ?? "50")
	.set("function_version", given.component("FunctionVersion"))
	.write('resource "alicloud_ddoscoo_instance" "example"');

const port: Writer = (given) => new Block()
	.set("instance_id", given.one("InstanceId"))
	.set("frontend_port", given.one("FrontendPort"))
	.set("frontend_protocol", given.one("FrontendProtocol"))
	.set("backend_port", given.one("BackendPort") ?? given.one("FrontendPort"))
	.list("real_servers", given.list("RealServers"))
	.write('resource "alicloud_ddoscoo_port" "example"');

function proxyTypes(given: Given): { type: string; ports: string[] }[] {
	const out: { type: string; ports: string[] }[] = [];
	for (let i = 1; given.one(`ProxyTypes.${i}.ProxyType`); i++)
		out.push({ type: given.one(`ProxyTypes.${i}.ProxyType`)!, ports: given.list(`ProxyTypes.${i}.ProxyPorts`) });
	if (out.length > 0)
		return out;
	return given.json("ProxyTypes").map((row) => ({ type: String(row.ProxyType),
		ports: Array.isArray(row.ProxyPorts) ? row.ProxyPorts.map(String) : [] }));
}

const site: Writer = (given) => {
	const block = new Block()
		.set("domain", given.one("Domain")).set("rs_type", given.one("RsType"), true)
		.list("instance_ids", given.list("InstanceIds"))
		.list("real_servers", given.list("RealServers"))
		.set("https_ext", given.one("HttpsExt"));
	for (const row of proxyTypes(given))
		block.block("proxy_types", (inner) => inner.set("proxy_type", row.type).list("proxy_ports", row.ports, true));
	return block.write('resource "alicloud_ddoscoo_domain_resource" "example"');
};

function condition(block: Block, row: Record<string, unknown>): void {
	block.set("field", text(row.field)).set("match_method", text(row.match_method)).set("content", text(row.content))
		.set("header_name", text(row.header_name));
}

const rows = (value: unknown) => (Array.isArray(value) ? value : []) as Record<string, unknown>[];

const precise: Writer = (given) => given.json("Rules").map((rule, i) => {
	const block = new Block().set("domain", given.one("Domain")).set("name", text(rule.name))
		.set("action", text(rule.action)).set("expires", given.one("Expires") ?? "0");
	for (const row of rows(rule.condition))
		block.block("condition", (inner) => condition(inner, row));
	return block.write(`resource "alicloud_ddoscoo_domain_precise_access_rule" "example${i || ""}"`);
}).join("\n\n");

const frequency: Writer = (given) => given.json("RuleList").map((rule, i) => {
	const block = new Block().set("domain", given.one("Domain")).set("name", text(rule.name));
	block.block("rule_detail", (detail) => {
		detail.set("action", text(rule.action));
		const rate = (rule.ratelimit ?? {}) as Record<string, unknown>;
		if (rule.ratelimit)
			detail.block("rate_limit", (inner) => inner.set("interval", text(rate.interval), true)
				.set("ttl", text(rate.ttl), true).set("threshold", text(rate.threshold), true)
				.set("target", text(rate.target)).set("sub_key", text(rate.subkey)));
		for (const row of rows(rule.condition))
			detail.block("condition", (inner) => condition(inner, row));
		const statistics = rule.statistics as Record<string, unknown> | undefined;
		if (statistics)
			detail.block("statistics", (inner) => inner.set("mode", text(statistics.mode))
				.set("field", text(statistics.field)).set("header_name", text(statistics.header_name)));
		const status = rule.status_code as Record<string, unknown> | undefined;
		if (status)
			detail.block("status_code", (inner) => inner.set("enabled", text(status.enabled), true)
				.set("code", text(status.code), true).set("use_ratio", text(status.use_ratio), true)
				.set("count_threshold", text(status.count_threshold), true)
				.set("ratio_threshold", text(status.ratio_threshold), true));
	});
	return block.write(`resource "alicloud_ddoscoo_web_cc_rule" "example${i || ""}"`);
}).join("\n\n");

const instances: Writer = (given) => new Block().list("ids", given.list("InstanceIds"))
	.write('data "alicloud_ddoscoo_instances" "example"');
const ports: Writer = (given) => new Block().set("instance_id", given.one("InstanceId"))
	.set("frontend_port", given.one("FrontendPort")).set("frontend_protocol", given.one("FrontendProtocol"))
	.write('data "alicloud_ddoscoo_ports" "example"');
const sites: Writer = (given) => new Block().list("instance_ids", given.list("InstanceIds"))
	.set("query_domain_pattern", given.one("QueryDomainPattern"))
	.write('data "alicloud_ddoscoo_domain_resources" "example"');

const resources: Record<string, Writer> = {
	CreateInstance: instance, CreatePort: port, ModifyPort: port, CreateDomainResource: site,
	ModifyDomainResource: site, ModifyWebRule: site, ModifyWebPreciseAccessRule: precise, ConfigWebCCRuleV2: frequency,
	DescribeInstances: instances, DescribePort: ports, DescribeDomainResource: sites,
};

export const terraformActions = Object.keys(resources);

function terraform(call: Call): string | null {
	const write = resources[call.action.name];
	if (!write)
		return null;
	const host = hclText(hostOf(call.endpoint));
	return `${comment("#", title(call))}
# The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}.
terraform {
  required_providers {
    alicloud = {
      source = "aliyun/alicloud"
    }
  }
}

provider "alicloud" {
  region       = "cn-hangzhou"
  account_type = "Domestic"
  protocol     = "${schemeOf(call.endpoint).toUpperCase()}"
  endpoints {
    ddoscoo    = ${host}
    bssopenapi = ${host}
  }
}

${write(new Given(call.pairs))}
`;
}

export const commandLanguages: Language[] = [
	{ id: "aliyun", label: "aliyun", file: "call.sh", run: "sh call.sh", needs: "aliyun (the vendor's CLI)", write: aliyun },
	{ id: "polder", label: "polder", file: "call.sh", run: "sh call.sh", needs: "polder", write: polder },
	{ id: "terraform", label: "Terraform", file: "main.tf", run: "terraform init && terraform plan",
		needs: "terraform", write: terraform },
];
