// SPDX-License-Identifier: BSD-2-Clause
// Each mitigation: what it does, what it met, what it would have dropped while it only watched.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Button, DangerDialog, ErrorNotice, Loading, Notice, Switch, toast } from "../../components";
import { Segments } from "../../components/choices";
import { useTexts } from "../../i18n";
import { mitigation as texts } from "../../i18n/mitigation";
import { reasonName, reasonText } from "../../i18n/reasons";
import { settingsTexts } from "../../i18n/settings-card";
import { bytes, count } from "../../time";
import type { Mitigation, Mode } from "./replies";

const EVERY_MS = 2000;
const total = (rows: readonly Mitigation[]) => rows.reduce((sum, row) => sum + row.WatchedPackets, 0);

export function Modes({ id, wanted, readOnly }: { id: string; wanted: string | undefined; readOnly: boolean }) {
	const t = useTexts(texts);
	const ts = useTexts(settingsTexts);
	const [onlyMet, setOnlyMet] = useState(false);
	const [asking, setAsking] = useState<Mitigation>();
	const reply = useCall("DescribeMitigations", { InstanceId: id }, { every: EVERY_MS });
	const rows = reply.data?.Mitigations ?? [];
	const set = useAct(async (row: Mitigation, mode: Mode | "default") => {
		await call("ModifyMitigation", { InstanceId: id, Mitigation: row.Name as "icmp", Mode: mode });
		toast.done(t("changed", { name: reasonName(row.Name), mode: ts(mode === "default" ? row.DefaultMode : mode) }));
	});
	// What watched and met packets blocks only after somebody has read what that would mean.
	const choose = (row: Mitigation, mode: Mode) => mode === "block" && row.Mode === "watch" && row.WatchedPackets > 0 ? setAsking(row) : void set.run(row, mode);
	const watching = rows.filter(({ Mode }) => Mode === "watch");
	const shown = onlyMet ? rows.filter((row) => row.DroppedPackets + row.WatchedPackets > 0) : rows;
	if (reply.loading)
		return <Loading />;
	return <>
		<ErrorNotice error={reply.error ?? set.error} />
		{watching.length > 0 && <Notice tone={total(watching) > 0 ? "warn" : "info"} title={t("watchTitle")}>
			<p>{t(total(watching) > 0 ? "watchSome" : "watchNothing", { n: watching.length })}</p>
			{total(watching) > 0 && <ul className="watch-report">{watching.filter((row) => row.WatchedPackets > 0).map((row) => <li key={row.Name}>
				<strong>{reasonName(row.Name)}</strong> <span>{t("packetsBytes", { n: count(row.WatchedPackets), bytes: bytes(row.WatchedBytes) })}</span>
				{!readOnly && <Button onPress={() => setAsking(row)}>{t("toBlock")}</Button>}</li>)}</ul>}
		</Notice>}
		<Switch label={t("met")} value={onlyMet} onChange={setOnlyMet} />
		<div className="table-wrap"><table className="table mitigations" aria-label={t("modes")}>
			<thead><tr><th scope="col">{t("name")}</th><th scope="col">{t("mode")}</th><th scope="col" className="number">{t("dropped")}</th><th scope="col" className="number">{t("wouldDrop")}</th></tr></thead>
			<tbody>{shown.map((row) => <tr key={row.Name} className={row.Name === wanted ? "wanted" : ""} ref={row.Name === wanted ? (element) => { if (element && !element.dataset.seen) { element.dataset.seen = "1"; element.scrollIntoView({ block: "center" }); } } : undefined}>
				<th scope="row" data-head={t("name")}><div>{reasonName(row.Name)} <code className="quiet-text">{row.Name}</code></div><div className="mitigation-text">{reasonText(row.Name)}</div></th>
				<td data-head={t("mode")}><div className="mitigation-mode"><Segments label={t("modeOf", { name: reasonName(row.Name) })} value={row.Mode} isDisabled={readOnly || set.busy} onChange={(mode) => choose(row, mode as Mode)}
					choices={(["off", "watch", "block"] as const).map((mode) => ({ id: mode, label: ts(mode) }))} />
					{row.Chosen && row.Mode !== row.DefaultMode && !readOnly && <Button look="quiet" onPress={() => void set.run(row, "default")}>{t("toDefault", { mode: ts(row.DefaultMode) })}</Button>}</div></td>
				<td data-head={t("dropped")} className={`number${row.DroppedPackets ? "" : " quiet-text"}`} title={bytes(row.DroppedBytes)}>{count(row.DroppedPackets)}</td>
				<td data-head={t("wouldDrop")} className={`number${row.WatchedPackets ? "" : " quiet-text"}`} title={bytes(row.WatchedBytes)}>{count(row.WatchedPackets)}</td>
			</tr>)}</tbody></table></div>
		<DangerDialog title={t("blockTitle", { name: asking ? reasonName(asking.Name) : "" })} open={!!asking} onClose={() => setAsking(undefined)} name={asking?.Name ?? ""} instanceId={id} submit={ts("block")}
			act={() => call("ModifyMitigation", { InstanceId: id, Mitigation: asking!.Name as "icmp", Mode: "block" })}>
			<p>{t("blockText", { n: count(asking?.WatchedPackets ?? 0) })}</p></DangerDialog>
	</>;
}
