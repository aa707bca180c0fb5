// SPDX-License-Identifier: BSD-2-Clause
// What would become of a packet, and packets as they were.
import { useState } from "react";
import { call, callAll, machineNow } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, Button, ErrorNotice, Field, Notice, SelectField, Table, type Tone } from "../../components";
import { Segments } from "../../components/choices";
import { reasons } from "../../gen/tables";
import { useTexts } from "../../i18n";
import { mitigation as texts } from "../../i18n/mitigation";
import { reasonName } from "../../i18n/reasons";
import { count } from "../../time";
import { describe, pcapng } from "./frames";

const TONES: Record<string, Tone> = { pass: "good", allow: "good", depends: "info", watch: "warn", drop: "bad" };
const SHOWN = 20, CAPTURE_MAX = 1000;

export function Explain({ ip }: { ip: string }) {
	const t = useTexts(texts);
	const [draft, setDraft] = useState({ source: "", destination: ip, protocol: "tcp" as "tcp" | "udp", port: "80", sourcePort: "" });
	const [answer, setAnswer] = useState<Awaited<ReturnType<typeof ask>>>();
	const ask = () => call("ExplainPacket", { Source: draft.source.trim(), Destination: draft.destination.trim(), Protocol: draft.protocol, Port: Number(draft.port), ...(draft.sourcePort ? { SourcePort: Number(draft.sourcePort) } : {}) });
	const doing = useAct(async () => setAnswer(await ask()));
	const set = (part: Partial<typeof draft>) => setDraft({ ...draft, ...part });
	const names: Record<string, string> = { mitigation: t("instanceStep"), service: t("serviceStep"), origins: t("originsStep") };
	return <section className="card" aria-label={t("explainTitle")}><h2>{t("explainTitle")}</h2><p className="quiet-text">{t("explainHint")}</p>
		<form className="form" noValidate onSubmit={(event) => { event.preventDefault(); void doing.run(); }}>
			<div className="fields">
				<Field label={t("source")} name="source" value={draft.source} onChange={(source) => set({ source })} placeholder="198.51.100.7" required />
				<Field label={t("dest")} value={draft.destination} onChange={(destination) => set({ destination })} required />
				<Field label={t("port").replace(/ ?[（(].*/, "")} value={draft.port} onChange={(port) => set({ port })} inputMode="numeric" required />
				<Field label={t("sourcePort")} value={draft.sourcePort} onChange={(sourcePort) => set({ sourcePort })} inputMode="numeric" />
			</div>
			<div className="row"><Segments label={t("protocol")} value={draft.protocol} onChange={(protocol) => set({ protocol: protocol as "tcp" })} choices={[{ id: "tcp", label: "TCP" }, { id: "udp", label: "UDP" }]} />
				<Button type="submit" look="primary" busy={doing.busy} isDisabled={!draft.source.trim()}>{t("explain")}</Button></div>
		</form>
		<ErrorNotice error={doing.error} />
		{answer && <div className="stack" aria-live="polite">
			<Notice tone={TONES[answer.Verdict] ?? "info"} title={answer.Verdict === "drop" ? t("verdict.drop", { reason: reasonName(answer.Reason) }) : t(`verdict.${answer.Verdict}`)} />
			<Table label={t("explainTitle")} rows={answer.Steps.map((step, i) => ({ ...step, i }))} rowKey={(row) => row.i} columns={[
				{ id: "step", head: t("step"), main: true, cell: (row) => names[row.Name] ?? reasonName(row.Name) },
				{ id: "result", head: t("result"), cell: (row) => <Badge tone={TONES[row.Result] ?? "neutral"}>{t(`result.${row.Result}`)}</Badge> },
				{ id: "why", head: t("why"), cell: (row) => row.Detail }]} />
		</div>}
	</section>;
}

export function Capture({ id }: { id: string }) {
	const t = useTexts(texts);
	const [draft, setDraft] = useState({ reason: "", packets: "100", seconds: "30" });
	const capture = useCall("DescribeCapture", { InstanceId: id, PageNumber: 1, PageSize: SHOWN }, { every: 1000 });
	const now = capture.data;
	const running = !!now?.Running && now.EndTime > machineNow();
	const start = useAct(() => call("StartCapture", { InstanceId: id, Packets: Number(draft.packets), Seconds: Number(draft.seconds), ...(draft.reason ? { Reasons: [draft.reason] } : {}) }));
	const stop = useAct(() => call("StopCapture", { InstanceId: id }));
	const download = useAct(async () => {
		const packets = await callAll("DescribeCapture", { InstanceId: id }, (reply) => reply.Packets, { pageSize: 100, limit: CAPTURE_MAX });
		const address = URL.createObjectURL(new Blob([pcapng(packets)], { type: "application/octet-stream" }));
		const link = document.createElement("a");
		link.href = address;
		link.download = `${id}-${now!.CaptureId}.pcapng`;
		link.click();
		setTimeout(() => URL.revokeObjectURL(address), 1000);
	});
	const missing = capture.error?.code === "CaptureNotFound";
	return <section className="card" aria-label={t("captureTitle")}><h2>{t("captureTitle")}</h2><p className="quiet-text">{t("captureHint")}</p>
		<div className="fields">
			<SelectField label={t("reason")} value={draft.reason || "all"} onChange={(reason) => setDraft({ ...draft, reason: reason === "all" ? "" : reason })}
				choices={[{ id: "all", label: t("allDrops") }, ...reasons.filter(({ name }) => name !== "host").map(({ name }) => ({ id: name, label: reasonName(name) }))]} />
			<Field label={t("howMany")} value={draft.packets} onChange={(packets) => setDraft({ ...draft, packets })} inputMode="numeric" required />
			<Field label={t("howLong")} value={draft.seconds} onChange={(seconds) => setDraft({ ...draft, seconds })} inputMode="numeric" required />
		</div>
		<div className="row">{running ? <Button busy={stop.busy} onPress={() => void stop.run()}>{t("stop")}</Button> : <Button look="primary" busy={start.busy} onPress={() => void start.run()}>{t("start")}</Button>}
			{now && now.TotalCount > 0 && <Button busy={download.busy} onPress={() => void download.run()}>{t("download")}</Button>}
			<span role="status">{now && t(running ? "running" : "finished", { n: count(now.TotalCount) })}{missing && t("noCapture")}</span></div>
		<ErrorNotice error={(missing ? undefined : capture.error) ?? start.error ?? stop.error ?? download.error} />
		{now && now.Packets.length > 0 && <>
			<Table label={t("captureTitle")} rows={now.Packets.map((packet, i) => ({ ...packet, i }))} rowKey={(row) => row.i} columns={[
				{ id: "time", head: t("time"), cell: (row) => <code>{new Date(row.Time).toISOString().slice(11, 23)}</code> },
				{ id: "reason", head: t("reason"), main: true, cell: (row) => <>{reasonName(row.Reason)}{row.Watched && <span className="quiet-text"> · {t("wasWatched")}</span>}</> },
				{ id: "what", head: t("what"), cell: (row) => <code>{describe(row.Frame) || "–"}</code> },
				{ id: "length", head: t("length"), number: true, cell: (row) => row.Length }]} />
			{now.TotalCount > SHOWN && <p className="quiet-text">{t("shownOf", { n: SHOWN })}</p>}
		</>}
	</section>;
}
