// SPDX-License-Identifier: BSD-2-Clause
// Calls of this tab, and the diagnosis of any call by its id.
import { useState } from "react";
import { send } from "../../api/client";
import { useAct } from "../../api/hooks";
import { ApiError } from "../../api/client";
import { Badge, Button, Empty, ErrorNotice, Field, Notice } from "../../components";
import { type Exchange } from "../../explorer/call";
import { firstDifference } from "../../explorer/steps";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { dateTime } from "../../time";
import { useHistory } from "./state";

export function HistoryView({ onOpen, onReplay }: { onOpen: (exchange: Exchange) => void; onReplay: (exchange: Exchange) => void }) {
	const t = useTexts(explorer);
	const history = useHistory();
	if (history.length === 0)
		return <Empty title={t("noHistory")} />;
	return <ul className="x-history">{history.map((exchange) => <li key={exchange.signed.signature}>
		<div className="x-history-what"><strong>{exchange.action.name}</strong>
			<span className="quiet-text">{dateTime(exchange.at)} · {exchange.how.form} {exchange.how.method} {exchange.how.format} · {t("latency", { ms: Math.round(exchange.reply.ms) })}</span></div>
		<Badge tone={exchange.reply.code ? "bad" : "good"}>{exchange.reply.status} {exchange.reply.code || t("ok")}</Badge>
		<Button look="quiet" aria-label={`${t("open")} ${exchange.action.name}`} onPress={() => onOpen(exchange)}>{t("open")}</Button>
		<Button look="quiet" aria-label={`${t("replay")} ${exchange.action.name}`} onPress={() => onReplay(exchange)}>{t("replay")}</Button>
	</li>)}</ul>;
}

interface Diagnosis {
	Call: { ActionName: string; SignatureForm: string; Method: string; HttpStatus: number; Code: string; Message: string; Time: number; SourceIp: string };
	CanonicalRequest: string; StringToSign: string; Redacted?: string[]; Cause: string; Remedy: string;
	Difference?: { Equal: boolean; Compared: "CanonicalRequest" | "StringToSign"; Cause?: string; Explanation?: string };
}

/** Without what pasting adds, as the server compares it. */
const pasted = (text: string) => text.replaceAll("\r", "").replace(/[\n ]+$/, "");

/** Both texts with the first byte that differs marked in each. */
function Beside({ server, client }: { server: string; client: string }) {
	const t = useTexts(explorer);
	const difference = firstDifference(server, client);
	if (!difference)
		return <Notice tone="good">{t("equal")}</Notice>;
	const left = [...server];
	const right = [...client];
	const at = left.findIndex((letter, i) => letter !== right[i]);
	const cut = at < 0 ? left.length : at;
	const marked = (text: string) => {
		const letters = [...text];
		const here = letters[cut];
		return <pre className="x-code x-compared" tabIndex={0}>{letters.slice(0, cut).join("")}<mark>{here === undefined ? "⌁" : here === "\n" ? "↵\n" : here === "\r" ? "␍" : here === " " ? "␠" : here}</mark>{letters.slice(cut + 1).join("")}</pre>;
	};
	return <div className="stack">
		<Notice tone="warn">{t("differs", { offset: difference.offset, line: difference.line, column: difference.column })}</Notice>
		<div className="x-beside"><div><h3>{t("servers")}</h3>{marked(server)}</div><div><h3>{t("yours")}</h3>{marked(client)}</div></div>
	</div>;
}

export function DiagnoseView({ first }: { first: { callId: string; text: string } }) {
	const t = useTexts(explorer);
	const [callId, setCallId] = useState(first.callId);
	const [client, setClient] = useState(first.text);
	const [found, setFound] = useState<{ diagnosis: Diagnosis; client: string }>();
	const looking = useAct(async () => {
		setFound(undefined);
		const reply = await send("DiagnoseRequest", "2026-11-01", { CallId: callId.trim(), ...(client ? { ClientString: client } : {}) });
		const body = JSON.parse(reply.text) as Diagnosis & { Code?: string; Message?: string; RequestId: string };
		if (!reply.response.ok)
			throw new ApiError(body.Code ?? "", body.Message ?? "", "DiagnoseRequest", reply.response.status, body.RequestId, "");
		setFound({ diagnosis: body, client });
	});
	const server = found && (found.diagnosis.Difference?.Compared === "CanonicalRequest" ? found.diagnosis.CanonicalRequest : found.diagnosis.StringToSign);
	return <div className="stack">
		<form className="form" onSubmit={(event) => { event.preventDefault(); void looking.run(); }}>
			<Field label={t("requestId")} required value={callId} onChange={setCallId} />
			<Field label={t("clientString")} help={t("clientHint")} rows={4} value={client} onChange={setClient} />
			<div className="row"><Button type="submit" look="primary" busy={looking.busy} isDisabled={callId.trim() === ""}>{t("doDiagnose")}</Button></div>
		</form>
		<ErrorNotice error={looking.error} />
		{found && server !== undefined && <>
			<div className="row"><strong>{found.diagnosis.Call.ActionName}</strong>
				<Badge tone={found.diagnosis.Call.Code ? "bad" : "good"}>{found.diagnosis.Call.HttpStatus} {found.diagnosis.Call.Code || t("ok")}</Badge>
				<span className="quiet-text">{dateTime(found.diagnosis.Call.Time)} · {found.diagnosis.Call.SignatureForm} {found.diagnosis.Call.Method} · {found.diagnosis.Call.SourceIp}</span></div>
			{found.diagnosis.Cause && <Notice tone="info" title={found.diagnosis.Cause}>{found.diagnosis.Remedy}</Notice>}
			{found.diagnosis.Difference?.Explanation && <Notice tone="warn" title={found.diagnosis.Difference.Cause}>{found.diagnosis.Difference.Explanation}</Notice>}
			{(found.diagnosis.Redacted ?? []).length > 0 && <p className="quiet-text">{t("redacted", { names: (found.diagnosis.Redacted ?? []).join(", ") })}</p>}
			{found.client ? <Beside server={server} client={pasted(found.client)} /> : <><h3>{t("servers")}</h3>
				{found.diagnosis.CanonicalRequest && <pre className="x-code" tabIndex={0}>{found.diagnosis.CanonicalRequest}</pre>}
				<pre className="x-code" tabIndex={0}>{found.diagnosis.StringToSign}</pre></>}
		</>}
	</div>;
}
