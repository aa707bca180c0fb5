// SPDX-License-Identifier: BSD-2-Clause
// The reply: status, time, tree or text, headers.
import { useState } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { Badge, Button, Code, CopyButton, Empty, LinkButton } from "../../components";
import { type Exchange } from "../../explorer/call";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { href } from "../../router";
import { count } from "../../time";

const CHILDREN_MAX = 500; // of one node that are drawn: a reply of megabytes is read as text

function Tree({ name, value, depth }: { name: string; value: unknown; depth: number }) {
	const t = useTexts(explorer);
	if (typeof value !== "object" || value === null)
		return <div className="x-tree-leaf"><span className="x-key">{name}</span>
			<span className={`x-value ${value === null ? "null" : typeof value}`}>{typeof value === "string" ? `"${value}"` : String(value)}</span></div>;
	const entries = Object.entries(value).slice(0, CHILDREN_MAX);
	return <details className="x-tree" open={depth < 3}>
		<summary><span className="x-key">{name}</span> <span className="quiet-text">{Array.isArray(value)
			? `[${t("expand", { n: value.length })}]` : "{…}"}</span></summary>
		<div className="x-children">{entries.map(([key, item]) => <Tree key={key} name={key} value={item} depth={depth + 1} />)}</div>
	</details>;
}

/** XML with a line for each element: for reading, not for parsing. */
function prettyXml(text: string): string {
	let depth = 0;
	return text.replace(/></g, ">\n<").split("\n").map((line) => {
		const closes = /^<\//.test(line);
		const opens = /^<[^!?/][^>]*[^/]>$/.test(line);
		if (closes)
			depth = Math.max(0, depth - 1);
		const out = "  ".repeat(depth) + line;
		if (opens)
			depth++;
		return out;
	}).join("\n");
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

export function ResponseView({ exchange, failure, onAgain, onDiagnose }: { exchange: Exchange | undefined; failure: string | undefined;
	onAgain: (format: "JSON" | "XML") => void; onDiagnose: ((callId: string, text: string) => void) | undefined }) {
	const t = useTexts(explorer);
	const [view, setView] = useState<"tree" | "text" | "headers">("tree");
	if (failure)
		return <Empty title={t("notReached", { why: failure })} />;
	if (!exchange)
		return <Empty title={t("noReply")} />;
	const { reply, how } = exchange;
	const document = how.format === "JSON" ? parse(reply.text) : undefined;
	const shown = view === "tree" && document === undefined ? "text" : view;
	const other = how.format === "JSON" ? "XML" : "JSON";
	const text = document === undefined ? how.format === "XML" ? prettyXml(reply.text) : reply.text : JSON.stringify(document, null, 2);
	return <div className="stack x-response">
		<div className="row">
			<Badge tone={reply.code ? "bad" : "good"}>{reply.status} {reply.code || t("ok")}</Badge>
			<span className="number">{t("latency", { ms: reply.ms < 10 ? reply.ms.toFixed(1) : Math.round(reply.ms) })}</span>
			<span className="number quiet-text">{t("size", { n: count(new TextEncoder().encode(reply.text).length) })}</span>
		</div>
		<div className="row"><span className="quiet-text">{t("requestId")}</span> <Code>{reply.requestId || "–"}</Code></div>
		{reply.code && <div className="row">
			<LinkButton to={href("errors", reply.code)}>{t("errorPage")}</LinkButton>
			{onDiagnose && reply.requestId && <Button onPress={() => onDiagnose(reply.requestId, how.form === "V3" ? exchange.signed.canonical : exchange.signed.stringToSign)}>{t("diagnoseThis")}</Button>}
		</div>}
		<div className="row">
			<ToggleButtonGroup className="x-toggle" aria-label={t("view")} selectionMode="single" disallowEmptySelection
				selectedKeys={[shown]} onSelectionChange={(keys) => { for (const key of keys) setView(key as typeof view); }}>
				<ToggleButton id="tree" className="x-toggle-item" isDisabled={document === undefined}>{t("tree")}</ToggleButton>
				<ToggleButton id="text" className="x-toggle-item">{t("text")}</ToggleButton>
				<ToggleButton id="headers" className="x-toggle-item">{t("headers")}</ToggleButton>
			</ToggleButtonGroup>
			{exchange.action.mode === "read" && <Button look="quiet" onPress={() => onAgain(other)}>{t("again", { format: other })}</Button>}
			<CopyButton value={shown === "headers" ? reply.headers.map((pair) => pair.join(": ")).join("\n") : text} what={t("response")} />
		</div>
		{shown === "tree" && <div className="x-code x-tree-root" tabIndex={0} role="group" aria-label={t("tree")}>
			{Object.entries(document as object).map(([key, item]) => <Tree key={key} name={key} value={item} depth={1} />)}</div>}
		{shown === "text" && <pre className="x-code" tabIndex={0}>{text}</pre>}
		{shown === "headers" && <dl className="x-headers">{reply.headers.map(([name, value], i) =>
			<div key={i}><dt>{name}</dt><dd><code>{value}</code></dd></div>)}</dl>}
	</div>;
}
