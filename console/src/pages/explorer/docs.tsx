// SPDX-License-Identifier: BSD-2-Clause
// What the control's table says of an action, and the errors it can give.
import { Badge, Empty, ErrorNotice, Fact, Facts, Loading, Table } from "../../components";
import { useFollow } from "../../api/hooks";
import { send } from "../../api/client";
import { type Action, type Param } from "../../explorer/schema";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { href } from "../../router";

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
		{action.parameters.length === 0 ? <p>{t("noParameters")}</p> : <Table label={t("parameters")} rows={action.parameters}
			rowKey={(param) => param.name} columns={[
				{ id: "name", head: t("name"), main: true, cell: (param: Param) => <code>{param.name}{/list$/.test(param.kind) ? ".N" : ""}</code> },
				{ id: "kind", head: t("kind"), cell: (param) => param.type },
				{ id: "required", head: t("required"), cell: (param) => (param.required ? t("yes") : "–") },
				{ id: "about", head: t("about"), cell: (param) => <div className="x-about">{param.help}
					{param.kind === "choice" && <div><code>{param.choices.split(" ").join(" | ")}</code></div>}
					{param.kind === "int" && param.max !== 0 && <div><code>{param.min}..{param.max > 2 ** 53 ? "" : param.max}</code></div>}
					{param.default !== undefined && <div>{t("byDefault", { value: param.default })}</div>}
					{param.shape && <pre className="x-shape">{param.shape}</pre>}</div> },
			]} />}
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
	const table = (label: string, shown: ErrorRow[]) => <section className="stack"><h3>{label}</h3>
		<Table label={label} rows={shown} rowKey={(row) => `${row.Code} ${row.Message}`} onRow={(row) => href("errors", row.Code)} columns={[
			{ id: "code", head: t("errorCode"), main: true, cell: (row: ErrorRow) => <code>{row.Code}</code> },
			{ id: "status", head: t("status"), cell: (row) => <Badge tone={row.HttpStatus >= 500 ? "bad" : "warn"}>{row.HttpStatus}</Badge> },
			{ id: "cause", head: t("cause"), cell: (row) => <div className="x-about">{row.Cause || row.Message}</div> },
			{ id: "remedy", head: t("remedy"), cell: (row) => <div className="x-about">{row.Remedy}</div> },
		]} /></section>;
	const own = rows.filter((row) => !row.Everywhere && row.Actions.includes(action.name));
	return <div className="stack">
		{own.length > 0 ? table(t("ofAction"), own) : <Empty title={t("noErrors")} />}
		{rows.some((row) => row.Everywhere) && table(t("everywhere"), rows.filter((row) => row.Everywhere))}
	</div>;
}
