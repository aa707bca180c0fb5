// SPDX-License-Identifier: BSD-2-Clause
// Records of attacks: when, how large, what, by what refused, how soon.
import { useState } from "react";
import { machineNow } from "../../api/client";
import { usePaged } from "../../api/hooks";
import { Badge, Button, ErrorNotice, Paging, Table, Time } from "../../components";
import { kindOf, mitigateOf, peakOf, sharesOf, targetOf, typesOf, type Attack } from "../../components/attacks";
import { useTexts } from "../../i18n";
import { attacks as texts } from "../../i18n/attacks";
import { href } from "../../router";
import { count, duration, packetRate } from "../../time";
import { AttackSources } from "./sources";

const PAGE = 10;

export function Records({ instance }: { instance: string | undefined }) {
	const t = useTexts(texts);
	const reply = usePaged("DescribeAttacks", instance ? { InstanceId: instance } : {}, { every: 1000, pageSize: PAGE });
	const [shown, setShown] = useState(0);
	const rows = reply.data?.Attacks ?? [];
	if (!reply.data || reply.data.TotalCount === 0)
		return <ErrorNotice error={reply.error} />;
	return <section className="stack" aria-label={t("title")}><h2>{t("title")}</h2><p className="help">{t("hint")}</p>
		<ErrorNotice error={reply.error} />
		<Table label={t("title")} rows={rows} rowKey={(row) => row.Number} columns={[
			{ id: "target", head: t("target"), main: true, cell: (row: Attack) => <><Badge tone={row.EndTime ? "neutral" : "bad"}>{kindOf(row)}</Badge> <a href={href("events", row.InstanceId, { kinds: "attacks" })}>{targetOf(row)}</a></> },
			{ id: "begin", head: t("begin"), cell: (row) => <Time at={row.BeginTime} clock="machine" />, sort: (row) => row.BeginTime },
			{ id: "end", head: t("end"), cell: (row) => row.EndTime ? <><Time at={row.EndTime} clock="machine" /> <span className="quiet-text">{t("took", { time: duration(row.EndTime - row.BeginTime) })}</span></> : <strong>{t("goesOn", { time: duration(machineNow() - row.BeginTime) })}</strong> },
			{ id: "peak", head: t("peak"), number: true, cell: (row) => <>{peakOf(row)}{row.EventType === "defense" && <> <span className="quiet-text">{t("peakIn", { rate: packetRate(row.PeakInPacketsPerSecond) })}</span></>}</>, sort: (row) => row.PeakRefusedPacketsPerSecond },
			{ id: "types", head: t("types"), cell: (row) => typesOf(row) },
			{ id: "shares", head: t("shares"), prose: true, cell: (row) => <>{sharesOf(row).map(([name, n]) => t("share", { name, n })).join(", ")}
				<div><Button look="quiet" onPress={() => setShown(shown === row.Number ? 0 : row.Number)} aria-expanded={shown === row.Number}>{t(shown === row.Number ? "whoLess" : "whoMore")}</Button></div></> },
			{ id: "total", head: t("total"), number: true, cell: (row) => count(row.RefusedPackets), sort: (row) => row.RefusedPackets },
			{ id: "mitigate", head: t("mitigate"), cell: (row) => mitigateOf(row), sort: (row) => row.SecondsToMitigate },
		]} />
		{rows.filter((row) => row.Number === shown).map((row) => <AttackSources key={row.Number} number={row.Number} goesOn={row.EndTime === 0} ofRequests={row.EventType === "web-cc"} />)}
		<Paging page={reply.page} pageSize={PAGE} total={reply.data.TotalCount} setPage={reply.setPage} />
	</section>;
}
