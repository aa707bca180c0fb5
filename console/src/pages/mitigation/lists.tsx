// SPDX-License-Identifier: BSD-2-Clause
// The instance's block-list and allow-list.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, usePaged } from "../../api/hooks";
import { Button, DangerDialog, Empty, ErrorNotice, Field, FormDialog, Loading, Paging, SelectField, Table, Time, toast } from "../../components";
import { linesOf } from "../../components/settings";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { mitigation as texts } from "../../i18n/mitigation";
import type { ListEntry } from "./replies";

const KEYWORD_MIN = 4;
const TIMES = [[300, "m5"], [3600, "h1"], [86400, "d1"], [604800, "d7"]] as const;
const json = (sources: readonly string[]) => JSON.stringify(sources.map((src) => ({ src })));

export function List({ id, kind, readOnly }: { id: string; kind: "block" | "allow"; readOnly: boolean }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const block = kind === "block";
	const title = t(block ? "blockList" : "allowList");
	const [search, setSearch] = useState("");
	const [adding, setAdding] = useState(false);
	const [emptying, setEmptying] = useState(false);
	const [draft, setDraft] = useState({ text: "", ttl: "3600" });
	const filter = { InstanceId: id, ...(search.trim().length >= KEYWORD_MIN ? { KeyWord: search.trim() } : {}) };
	const blocked = usePaged("DescribeAutoCcBlacklist", block ? filter : undefined, { every: 5000 });
	const allowed = usePaged("DescribeAutoCcWhitelist", block ? undefined : filter, { every: 5000 });
	const paged = block ? blocked : allowed;
	const rows: ListEntry[] = (block ? blocked.data?.AutoCcBlacklist : allowed.data?.AutoCcWhitelist) ?? [];
	const remove = useAct(async (row: ListEntry) => {
		const sources = json([row.SourceIp]);
		await (block ? call("DeleteAutoCcBlacklist", { InstanceId: id, Blacklist: sources, QueryType: row.Type }) : call("DeleteAutoCcWhitelist", { InstanceId: id, Whitelist: sources }));
		toast.done(t("removed", { what: row.SourceIp }));
	});
	return <section className="card" aria-label={title}>
		<div className="card-head"><h2>{title}</h2>{!readOnly && <div className="card-actions">
			{rows.length > 0 && <Button onPress={() => setEmptying(true)}>{t("empty")}</Button>}<Button look="primary" onPress={() => setAdding(true)}>{tc("add")}</Button></div>}</div>
		<p className="quiet-text">{t(block ? "blockListHint" : "allowListHint")}</p>
		<Field label={t("searchList")} type="search" value={search} onChange={setSearch} />
		<ErrorNotice error={paged.error ?? remove.error} />
		{paged.loading ? <Loading /> : <Table label={title} rows={rows} rowKey={(row) => `${row.SourceIp} ${row.Type}`} empty={<Empty title={t("noEntries")} />} columns={[
			{ id: "source", head: t("source"), main: true, cell: (row) => <code>{row.SourceIp}</code>, sort: (row) => row.SourceIp },
			{ id: "until", head: t("until"), cell: (row) => row.EndTime ? <Time at={row.EndTime * 1000} relative /> : t("forever"), sort: (row) => row.EndTime || Infinity },
			{ id: "by", head: t("from"), cell: (row) => t(row.Type === "auto" ? "auto" : "manual"), sort: (row) => row.Type },
			...(readOnly ? [] : [{ id: "act", head: tc("actions"), number: true, cell: (row: ListEntry) => <Button look="quiet" isDisabled={remove.busy} onPress={() => void remove.run(row)} aria-label={`${tc("remove")}: ${row.SourceIp}`}>{tc("remove")}</Button> }]),
		]} />}
		{paged.data && <Paging {...paged} total={paged.data.TotalCount} />}
		<FormDialog title={t(block ? "addTo" : "addToAllow")} open={adding} onClose={() => setAdding(false)} submit={tc("add")} ready={linesOf(draft.text).length > 0}
			act={async () => {
				const sources = linesOf(draft.text);
				await (block ? call("AddAutoCcBlacklist", { InstanceId: id, Blacklist: json(sources), ExpireTime: Number(draft.ttl) }) : call("AddAutoCcWhitelist", { InstanceId: id, Whitelist: json(sources) }));
				toast.done(t("added", { n: sources.length }));
				setDraft({ ...draft, text: "" });
			}}>
			<Field label={t("addresses")} help={t("addressesHelp")} rows={5} value={draft.text} onChange={(text) => setDraft({ ...draft, text })} required autoFocus />
			{block && <SelectField label={t("ttl")} value={draft.ttl} onChange={(ttl) => setDraft({ ...draft, ttl })} choices={TIMES.map(([seconds, name]) => ({ id: String(seconds), label: t(name) }))} />}
		</FormDialog>
		<DangerDialog title={t("empty")} open={emptying} onClose={() => setEmptying(false)} name={id} instanceId={id} submit={t("empty")}
			act={() => block ? call("EmptyAutoCcBlacklist", { InstanceId: id }) : call("EmptyAutoCcWhitelist", { InstanceId: id })}>
			<p>{t(block ? "emptyBlockText" : "emptyAllowText")}</p></DangerDialog>
	</section>;
}
