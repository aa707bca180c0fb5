// SPDX-License-Identifier: BSD-2-Clause
// The audit log: who did what, what changed by it, and whether the chain of records is whole.
import { useMemo, useState } from "react";
import { call, machineNow } from "../../api/client";
import { useAct, useFollow, usePaged } from "../../api/hooks";
import type { AuditRecord } from "../../api/replies";
import { mayCall, useCaller } from "../../api/session";
import { Button, Code, Dialog, Empty, ErrorNotice, Fact, Facts, Field, Loading, Notice, PageHead, Paging, SelectField, Table, Time,
	type Column } from "../../components";
import { useTexts } from "../../i18n";
import { audit as texts } from "../../i18n/audit";
import { common } from "../../i18n/common";
import { amend, type Route } from "../../router";
import { count } from "../../time";
import { changesOf } from "./changes";

const PERIODS = { hour: 3600000, day: 86400000, week: 7 * 86400000 } as const;
const SAME_TIME_MAX = 20; // records of one millisecond among which one is looked for

/** A list leaves long details out; alone on its page a record comes whole. */
async function whole(record: AuditRecord, signal: AbortSignal): Promise<AuditRecord> {
	if (record.Detail)
		return record;
	for (let page = 1; page <= SAME_TIME_MAX; page++) {
		const { Records } = await call("DescribeAuditLog", { StartTime: record.Time, EndTime: record.Time, PageNumber: page, PageSize: 1 }, { signal });
		if (!Records[0] || Records[0].Sequence === record.Sequence)
			return Records[0] ?? record;
	}
	return record;
}

function RecordDialog({ record, onClose }: { record: AuditRecord; onClose: () => void }) {
	const t = useTexts(texts);
	const full = useFollow(String(record.Sequence), (signal) => whole(record, signal));
	const detail = useMemo(() => {
		try {
			return JSON.parse(full.data?.Detail ?? "");
		} catch {
			return undefined;
		}
	}, [full.data]);
	const changes = detail ? changesOf(detail.oldEntity, detail.newEntity) : [];
	return <Dialog title={t("record", { n: record.Sequence })} open onClose={onClose} wide>
		<Facts>
			<Fact name={t("action")}><code>{record.ActionName}</code></Fact>
			<Fact name={t("when")}><Time at={record.Time} /></Fact>
			<Fact name={t("who")}>{record.Actor ? <code>{record.Actor}</code> : t("engine")}</Fact>
			<Fact name={t("account")}>{record.AccountId}</Fact>
			{record.Object && <Fact name={t("object")}><Code>{record.Object}</Code></Fact>}
			{record.CallId && <Fact name={t("call")}><Code>{record.CallId}</Code></Fact>}
		</Facts>
		<ErrorNotice error={full.error} />
		{full.loading && <Loading />}
		{full.data && !detail && <p className="help">{t("noDetail")}</p>}
		{changes.length > 0 && <><h3>{t("changed")}</h3>
			<Table label={t("changed")} rows={changes} rowKey={(row) => row.path} columns={[
				{ id: "path", head: t("field"), main: true, cell: (row) => <code>{row.path}</code> },
				{ id: "before", head: t("before"), cell: (row) => <code>{row.before}</code> },
				{ id: "after", head: t("after"), cell: (row) => <code>{row.after}</code> },
			]} /></>}
		{detail?.parameters && Object.keys(detail.parameters).length > 0 && <><h3>{t("parameters")}</h3>
			<pre className="pre" tabIndex={0}>{JSON.stringify(detail.parameters, null, 2)}</pre></>}
	</Dialog>;
}

function Verify() {
	const t = useTexts(texts);
	const act = useAct(() => call("VerifyAuditLog", {}));
	const [result, setResult] = useState<Awaited<ReturnType<typeof act.run>>>();
	return <>
		<Button busy={act.busy} onPress={() => void act.run().then(setResult)}>{t("verify")}</Button>
		<ErrorNotice error={act.error} />
		{result && !act.error && (result.Intact ? <Notice tone="good">{t("intact", { n: count(result.Checked) })}</Notice>
			: <Notice tone="bad">{t("broken", { at: result.FirstBroken, n: count(result.Checked) })}</Notice>)}
	</>;
}

export default function AuditPage({ route }: { route: Route }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const caller = useCaller();
	const object = route.query.get("object") ?? "", action = route.query.get("action") ?? "";
	const setObject = (text: string) => amend({ object: text }), setAction = (text: string) => amend({ action: text });
	const [period, setPeriod] = useState<"" | keyof typeof PERIODS>("");
	const [since, setSince] = useState(0);
	const [opened, setOpened] = useState<AuditRecord>();
	const log = usePaged("DescribeAuditLog", { ...(object.trim() ? { Object: object.trim() } : {}), ...(action.trim() ? { ActionName: action.trim() } : {}),
		...(period ? { StartTime: since } : {}) }, { every: 10000, kept: "page" });
	const columns: Column<AuditRecord>[] = [
		{ id: "n", head: t("number"), number: true, cell: (row) => row.Sequence },
		{ id: "when", head: t("when"), cell: (row) => <Time at={row.Time} /> },
		{ id: "action", head: t("action"), main: true, cell: (row) => <button type="button" className="text-button" onClick={() => setOpened(row)}><code>{row.ActionName}</code></button> },
		{ id: "object", head: t("object"), cell: (row) => row.Object ? <code>{row.Object}</code> : "–" },
		{ id: "who", head: t("who"), cell: (row) => row.Actor ? <code>{row.Actor}</code> : t("engine") },
	];
	return <>
		<PageHead title={t("title")} hint={t("hint")} actions={mayCall(caller, "VerifyAuditLog") && <Verify />} />
		<div className="filters three">
			<Field label={t("object")} value={object} onChange={setObject} placeholder={t("filterObject")} required />
			<Field label={t("filterAction")} value={action} onChange={setAction} placeholder="CreatePort" required />
			<SelectField label={t("period")} value={period} onChange={(next) => {
				setPeriod(next as typeof period);
				setSince(next ? Math.floor(machineNow() - PERIODS[next as "hour"]) : 0);
			}} choices={[{ id: "", label: t("anyTime") }, { id: "hour", label: t("hour") }, { id: "day", label: t("day") }, { id: "week", label: t("week") }]} />
		</div>
		<ErrorNotice error={log.error} retry={log.refresh} />
		{log.loading ? <Loading /> : log.data && <>
			<Table label={t("title")} rows={log.data.Records} columns={columns} rowKey={(row) => row.Sequence} empty={<Empty title={t("none")} action={
				<Button onPress={() => { amend({ object: "", action: "" }); setPeriod(""); }}>{tc("all")}</Button>} />} />
			{log.data.TotalCount > 0 && <Paging page={log.page} pageSize={log.pageSize} setPage={log.setPage} total={log.data.TotalCount} />}
		</>}
		{opened && <RecordDialog record={opened} onClose={() => setOpened(undefined)} />}
	</>;
}
