// SPDX-License-Identifier: BSD-2-Clause
// The error centre: every code of the control's own table. "#/errors/CODE" is where each error reply's Recommend points.
import { useState } from "react";
import { useCall } from "../../api/hooks";
import { Card, Code, Empty, ErrorNotice, Fact, Facts, Field, LinkButton, Loading, PageHead, Table } from "../../components";
import { useTexts } from "../../i18n";
import { errors as texts } from "../../i18n/audit";
import { pages } from "../../pages";
import { href, type Route } from "../../router";
import "./errors.css";

interface Described {
	Code: string; HttpStatus: number; Message: string; Cause: string; Remedy: string; Example: string; Everywhere: boolean; Actions: string[];
}
declare module "../../api/replies" {
	interface Replies { DescribeErrors: { Errors: Described[]; TotalCount: number } }
}

/** The action's page in the API Explorer, where there is one. */
function ActionLink({ name }: { name: string }) {
	return pages.some((page) => page.id === "explorer") ? <a href={href("explorer", name)}><code>{name}</code></a> : <code>{name}</code>;
}

function ErrorCard({ error }: { error: Described }) {
	const t = useTexts(texts);
	return <Card>
		<p className="error-message">{error.Message}</p>
		<Facts>
			<Fact name={t("cause")}>{error.Cause}</Fact>
			<Fact name={t("remedy")}>{error.Remedy}</Fact>
			<Fact name={t("status")}>{error.HttpStatus}</Fact>
		</Facts>
		{error.Example && error.Example !== error.Message && <><h2>{t("example")}</h2><pre className="pre" tabIndex={0}>{error.Example}</pre></>}
		<h2>{t("actions")}</h2>
		{error.Everywhere ? <p className="help">{t("everywhere")}</p>
			: <ul className="action-names">{[...error.Actions].sort().map((name) => <li key={name}><ActionLink name={name} /></li>)}</ul>}
	</Card>;
}

function CodePage({ code }: { code: string }) {
	const t = useTexts(texts);
	const { data, error, loading, refresh } = useCall("DescribeErrors", { Code: code });
	return <>
		<PageHead title={<Code>{code}</Code>} actions={<LinkButton to={href("errors")}>{t("all")}</LinkButton>} />
		<ErrorNotice error={error} retry={refresh} />
		{loading && <Loading />}
		{data?.Errors.length === 0 && <Empty title={t("notFound", { code })} action={<LinkButton to={href("errors")} look="primary">{t("all")}</LinkButton>} />}
		{data?.Errors.map((row, i) => <ErrorCard key={i} error={row} />)}
	</>;
}

function ListPage() {
	const t = useTexts(texts);
	const [typed, setTyped] = useState("");
	const { data, error, loading, refresh } = useCall("DescribeErrors", {});
	const words = typed.trim().toLowerCase().split(/\s+/);
	const rows = (data?.Errors ?? []).filter((row) => {
		const all = `${row.Code} ${row.HttpStatus} ${row.Message} ${row.Cause} ${row.Remedy}`.toLowerCase();
		return words.every((word) => all.includes(word));
	});
	return <>
		<PageHead title={t("title")} hint={t("hint")} />
		<div className="filters"><Field label={t("search")} value={typed} onChange={setTyped} type="search" required /></div>
		<ErrorNotice error={error} retry={refresh} />
		{loading ? <Loading /> : data && <div className="error-list"><Table label={t("title")} rows={rows} rowKey={(row) => `${row.Code} ${row.Message}`} order={{ id: "code", down: false }}
			onRow={(row) => href("errors", row.Code)} empty={<Empty title={t("none")} />} columns={[
				{ id: "code", head: t("code"), main: true, sort: (row) => row.Code, cell: (row) => row.Code },
				{ id: "status", head: t("status"), number: true, sort: (row) => row.HttpStatus, cell: (row) => row.HttpStatus },
				{ id: "cause", head: t("cause"), prose: true, cell: (row) => row.Cause },
				{ id: "remedy", head: t("remedy"), prose: true, cell: (row) => row.Remedy },
			]} /></div>}
	</>;
}

export default function ErrorsPage({ route }: { route: Route }) {
	const code = route.path[1];
	return code ? <CodePage key={code} code={code} /> : <ListPage />;
}
