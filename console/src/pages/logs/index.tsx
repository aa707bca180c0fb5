// SPDX-License-Identifier: BSD-2-Clause
// Access logs: a question to the nodes, and their answers as they come.
import { useEffect, useState } from "react";
import { ApiError, call, machineNow, send } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { mayBe, useCaller } from "../../api/session";
import { Badge, Button, Dialog, Empty, ErrorNotice, Fact, Facts, Field, LinkButton, Notice, PageHead, SelectField, Table, type Tone } from "../../components";
import { SiteSelect } from "../../components/settings";
import { useTexts } from "../../i18n";
import { checkName } from "../../i18n/checks";
import { logTexts } from "../../i18n/logs";
import { shell } from "../../i18n/shell";
import { go, href, type Route } from "../../router";
import "../../components/settings.css";
import "./logs.css";

type LogLine = Record<string, string | number | boolean>;
interface Answer { Complete: boolean; NodesAsked: number; NodesAnswered: number; Partial: boolean; TotalCount: number; Records: LogLine[] }
const POLL_MS = 500, LIMIT = 200;
const VERDICTS = ["none", "watch", "close", "challenge", "redirect", "cache"] as const;
const TONES: Record<string, Tone> = { close: "bad", challenge: "info", watch: "warn", cache: "good" };

/** An action that a control older than access logs does not have. */
async function ask<T>(action: string, parameters: Record<string, unknown>): Promise<T> {
	const { response, text } = await send(action, "2026-11-01", parameters);
	const body = JSON.parse(text) as T & { Code?: string; Message?: string; RequestId?: string };
	if (!response.ok)
		throw new ApiError(body.Code ?? "", body.Message ?? "", action, response.status, body.RequestId ?? "", "");
	return body;
}

function Logging({ domain, readOnly }: { domain: string; readOnly: boolean }) {
	const t = useTexts(logTexts);
	const reply = useCall("DescribeWebAccessLogStatus", { Domain: domain });
	const on = reply.data && Boolean((reply.data as { SlsStatus?: boolean }).SlsStatus);
	const turn = useAct((next: boolean) => call(next ? "EnableWebAccessLogConfig" : "DisableWebAccessLogConfig", { Domain: domain }));
	if (on === undefined)
		return <ErrorNotice error={reply.error} />;
	return on ? !readOnly && <div><Button look="quiet" busy={turn.busy} onPress={() => void turn.run(false)}>{t("turnOff")}</Button></div>
		: <Notice tone="info" title={t("loggingOff")}>{!readOnly && <Button busy={turn.busy} onPress={() => void turn.run(true)}>{t("turnOn")}</Button>}<ErrorNotice error={turn.error} /></Notice>;
}

export default function LogsPage({ route }: { route: Route }) {
	const t = useTexts(logTexts);
	const ts = useTexts(shell);
	const readOnly = !mayBe(useCaller(), "full");
	const domains = useCall("DescribeDomains", {});
	const all = (domains.data?.Domains ?? []) as string[];
	const domain = route.path[1] ?? all[0];
	const checks = useCall("DescribeWebChecks", domain ? { Domain: domain } : undefined);
	const [filter, setFilter] = useState({ minutes: "60", source: route.query.get("source") ?? "", status: "", url: "", verdict: "", check: "" });
	const [answer, setAnswer] = useState<Answer>();
	const [line, setLine] = useState<LogLine>();
	const [query, setQuery] = useState<number>();
	const set = (part: Partial<typeof filter>) => setFilter({ ...filter, ...part });
	const start = useAct(async () => {
		setAnswer(undefined);
		const end = Math.floor(machineNow());
		const { QueryId } = await ask<{ QueryId: number }>("StartAccessLogQuery", { Domain: domain, StartTime: end - Number(filter.minutes) * 60000, EndTime: end, Limit: LIMIT,
			...(filter.source.trim() ? { Source: filter.source.trim() } : {}), ...(filter.status.trim() ? { Status: filter.status.trim() } : {}), ...(filter.url ? { UrlPrefix: filter.url } : {}),
			...(filter.verdict ? { Verdict: filter.verdict } : {}), ...(filter.check ? { Reason: filter.check } : {}) });
		setQuery(QueryId);
	});
	const poll = useAct(async (id: number, isOver: () => boolean) => {
		for (;;) {
			const next = await ask<Answer>("DescribeAccessLog", { QueryId: id });
			if (isOver())
				return;
			setAnswer(next);
			if (next.Complete)
				return;
			await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	});
	useEffect(() => {
		if (query === undefined)
			return;
		let over = false;
		void poll.run(query, () => over);
		return () => { over = true; };
	}, [query]);
	useEffect(() => { setAnswer(undefined); setQuery(undefined); }, [domain]);
	if (!domain)
		return <><PageHead title={ts("logs")} hint={t("hint")} /><ErrorNotice error={domains.error} />{domains.data && <Empty title={t("noSite")} action={<LinkButton to={href("websites")} look="primary">{t("toSites")}</LinkButton>} />}</>;
	const text = (name: string) => String(line?.[name] ?? "");
	return <>
		<PageHead title={ts("logs")} hint={t("hint")} />
		<SiteSelect label={t("site")} domain={domain} all={all} onChange={(next) => go("logs", next)} />
		<Logging key={domain} domain={domain} readOnly={readOnly} />
		<form className="card" noValidate onSubmit={(event) => { event.preventDefault(); void start.run(); }}>
			<div className="fields">
				<SelectField label={t("period")} value={filter.minutes} onChange={(minutes) => set({ minutes })} choices={[{ id: "10", label: t("p10") }, { id: "60", label: t("p60") }, { id: "1440", label: t("p1440") }]} />
				<Field label={t("source")} help={t("sourceHelp")} value={filter.source} onChange={(source) => set({ source })} />
				<Field label={t("status")} help={t("statusHelp")} value={filter.status} onChange={(status) => set({ status })} maxLength={3} />
				<Field label={t("url")} value={filter.url} onChange={(url) => set({ url })} />
				<SelectField label={t("verdict")} value={filter.verdict} onChange={(verdict) => set({ verdict })} choices={[{ id: "", label: t("any") }, ...VERDICTS.map((id) => ({ id, label: t(`v.${id}`) }))]} />
				<SelectField label={t("check")} value={filter.check} onChange={(check) => set({ check })} choices={[{ id: "", label: t("any") }, ...((checks.data as { Checks: { Name: string }[] } | undefined)?.Checks ?? []).map(({ Name }) => ({ id: Name, label: checkName(Name) }))]} />
			</div>
			<div className="row"><Button type="submit" look="primary" busy={start.busy || poll.busy}>{t("search")}</Button>
				<span role="status">{answer && (answer.Complete ? t("found", { n: answer.TotalCount }) : t("asking", { n: answer.NodesAnswered, all: answer.NodesAsked }))}</span></div>
		</form>
		<ErrorNotice error={start.error ?? poll.error} />
		{answer?.Partial && <Notice tone="warn">{t("partial")}</Notice>}
		{answer?.Complete && <Table label={ts("logs")} rows={answer.Records.map((row, i) => ({ row, i }))} rowKey={({ i }) => i} empty={<Empty title={t("nothing")} />} columns={[
			{ id: "time", head: t("time"), cell: ({ row }) => <span className="number">{String(row.time).slice(11, 19)}</span>, sort: ({ row }) => String(row.time) },
			{ id: "client", head: t("client"), cell: ({ row }) => <code>{String(row.real_client_ip)}</code>, sort: ({ row }) => String(row.real_client_ip) },
			{ id: "request", head: t("request"), main: true, cell: ({ row, i }) => <button type="button" className="log-request" onClick={() => setLine(answer.Records[i])} title={t("all")}>{`${row.request_method} ${row.request_path}${row.querystring && row.querystring !== "-" ? `?${row.querystring}` : ""}`}</button> },
			{ id: "status", head: t("status"), number: true, cell: ({ row }) => String(row.status), sort: ({ row }) => Number(row.status) },
			{ id: "verdict", head: t("verdict"), cell: ({ row }) => { const verdict = String(row.cc_action || "none"); return <span>{TONES[verdict] ? <Badge tone={TONES[verdict]!}>{t(`v.${verdict}` as "v.close")}</Badge> : <span className="quiet-text">{t("v.none")}</span>} {row.cc_phase && row.cc_phase !== "-" ? <span className="quiet-text">{checkName(String(row.cc_phase))}</span> : null}</span>; } },
			{ id: "took", head: t("took"), number: true, cell: ({ row }) => t("ms", { n: Number(row.request_time_msec) || 0 }), sort: ({ row }) => Number(row.request_time_msec) || 0 }]} />}
		<Dialog title={`${text("request_method")} ${text("request_path")}`} open={!!line} onClose={() => setLine(undefined)} wide>
			<Facts>{Object.entries(line ?? {}).map(([name, value]) => <Fact key={name} name={name}><code>{String(value) || "–"}</code></Fact>)}</Facts></Dialog>
	</>;
}
