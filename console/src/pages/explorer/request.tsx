// SPDX-License-Identifier: BSD-2-Clause
// The signature as steps. Each line is a button that tells what it was made of.
import { useEffect, useState } from "react";
import { connection, machineNow } from "../../api/client";
import { type Pair } from "../../api/sign";
import { CopyButton, Notice } from "../../components";
import { sign, type Exchange, type How } from "../../explorer/call";
import { type Action } from "../../explorer/schema";
import { type Line, type Signed, type Step } from "../../explorer/steps";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { dateTime } from "../../time";

/** What a call would send now; signed anew whenever the form or the way of sending changes. */
export function usePreview(action: Action, pairs: readonly Pair[], how: How): Signed | undefined {
	const [signed, setSigned] = useState<Signed>();
	const key = JSON.stringify([action.name, pairs, how]);
	useEffect(() => {
		let over = false;
		if (connection.key)
			void sign(action, pairs, how, connection.key, location.host, machineNow()).then((next) => { if (!over) setSigned(next); });
		return () => { over = true; };
	}, [key]); // which says all that matters of action, pairs and how
	return signed;
}

function StepLine({ line, at, chosen, onChoose }: { line: Line; at: string; chosen: string; onChoose: (at: string) => void }) {
	const t = useTexts(explorer);
	const on = at === chosen;
	return <li className={on ? "chosen" : undefined}>
		<button type="button" className={`x-line from-${line.origin}`} aria-expanded={on} onClick={() => onChoose(on ? "" : at)}>
			{line.text === "" ? <span className="quiet-text">↵</span> : line.text}</button>
		{on && <div className="x-origin">
			{line.name && <><code>{line.name}</code> · </>}
			{t(`from.${line.origin}`)}
			{line.raw !== undefined && <div className="x-raw">{t("raw")}: <code>{line.raw}</code></div>}
		</div>}
	</li>;
}

function StepView({ step, chosen, onChoose }: { step: Step; chosen: string; onChoose: (at: string) => void }) {
	const t = useTexts(explorer);
	return <section className="x-step">
		<div className="x-step-head"><h3>{t(`step.${step.name}`)}</h3><CopyButton value={step.text} what={t(`step.${step.name}`)} /></div>
		{step.lines.length === 0 ? <p className="quiet-text">∅</p> : <ol className="x-lines">{step.lines.map((line, i) =>
			<StepLine key={i} line={line} at={`${step.name} ${i}`} chosen={chosen} onChoose={onChoose} />)}</ol>}
	</section>;
}

export function RequestView({ signed, exchange }: { signed: Signed | undefined; exchange: Exchange | undefined }) {
	const t = useTexts(explorer);
	const [chosen, setChosen] = useState("");
	const shown = exchange?.signed ?? signed;
	if (!shown)
		return null;
	return <div className="stack">
		<Notice tone="info">{exchange ? t("sentAt", { time: dateTime(exchange.at) }) : t("preview")} {t("explain")}</Notice>
		{shown.steps.map((step) => <StepView key={step.name} step={step} chosen={chosen} onChoose={setChosen} />)}
	</div>;
}
