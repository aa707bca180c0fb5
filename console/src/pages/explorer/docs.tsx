// SPDX-License-Identifier: BSD-2-Clause
// What the control's table says of an action, and the errors it can give.
import { Badge, Empty, ErrorNotice, Fact, Facts, Loading } from "../../components";
import { useFollow } from "../../api/hooks";
import { send } from "../../api/client";
import { type Action, type Param } from "../../explorer/schema";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { href } from "../../router";

function ParamDocs({ param }: { param: Param }) {
	const t = useTexts(explorer);
	const list = /list$/.test(param.kind);
	return <li>
		<div className="row"><strong><code>{param.name}{list ? ".N" : ""}</code></strong><span className="quiet-text">{param.type}</span>
			{param.required && <Badge tone="info">{t("required")}</Badge>}</div>
		<p>{param.help}</p>
		{param.kind === "choice" && <p><code>{param.choices.split(" ").join(" | ")}</code></p>}
		{param.kind === "int" && param.max !== 0 && <p><code>{param.min}..{param.max > 2 ** 53 ? "" : param.max}</code></p>}
		{param.default !== undefined && <p className="quiet-text">{t("byDefault", { value: param.default })}</p>}
		{param.shape && <pre className="x-shape">{param.shape}</pre>}
	</li>;
}

export function DocsView({ action }: { action: Action }) {
	const t = useTexts(explorer);
	const lists = Object.entries(action.lists).filter(([, item]) => item);
	return <div className="stack">
		<Facts>
			<Fact name={t("version")}>{action.version}</Fact>
			<Fact name={t("permission")}>{action.permission}</Fact>
			{action.callsPerSecond && <Fact name={t("rate")}>{t("perSecond", { n: action.callsPerSecond })}</Fact>}
			{lists.length > 0 && <Fact name={t("xmlItems")}>{lists.map(([list, item]) => `${list}/${item}`).join(", ")}</Fact>}
		</Facts>
		{action.parameters.length === 0 ? <p>{t("noParameters")}</p> : <ul className="x-errors" aria-label={t("parameters")}>
			{action.parameters.map((param) => <ParamDocs key={param.name} param={param} />)}</ul>}
	</div>;
}

interface ErrorRow {
	Code: string; HttpStatus: number; Message: string; Cause: string; Remedy: string; Everywhere: boolean; Actions: string[];
}

/** The catalogue is of the running service, which may be of another build than this page. */
export function ErrorsView({ action }: { action: Action }) {
	const t = useTexts(explorer);
	const followed = useFollow("errors", async (signal) => {
		const reply = await send("DescribeErrors", "2026-11-01", {}, { signal });
		return reply.response.ok ? (JSON.parse(reply.text) as { Errors: ErrorRow[] }).Errors : [];
	});
	if (followed.loading)
		return <Loading />;
	if (followed.error)
		return <ErrorNotice error={followed.error} />;
	const rows = followed.data ?? [];
	/* No table: two columns of sentences find no room beside the form. */
	const list = (label: string, shown: ErrorRow[]) => <section className="stack" aria-label={label}><h3>{label}</h3>
		<ul className="x-errors">{shown.map((row) => <li key={`${row.Code} ${row.Message}`}>
			<div className="row"><a href={href("errors", row.Code)}><code>{row.Code}</code></a>
				<Badge tone={row.HttpStatus >= 500 ? "bad" : "warn"}>{row.HttpStatus}</Badge></div>
			<p>{row.Cause || row.Message}</p>
			{row.Remedy && <p className="quiet-text">{row.Remedy}</p>}
		</li>)}</ul></section>;
	const own = rows.filter((row) => !row.Everywhere && row.Actions.includes(action.name));
	return <div className="stack">
		{own.length > 0 ? list(t("ofAction"), own) : <Empty title={t("noErrors")} />}
		{rows.some((row) => row.Everywhere) && list(t("everywhere"), rows.filter((row) => row.Everywhere))}
	</div>;
}
