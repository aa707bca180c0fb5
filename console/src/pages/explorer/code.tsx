// SPDX-License-Identifier: BSD-2-Clause
// Sample code in each language, made from the form as it is.
import { CopyButton, Empty, Notice } from "../../components";
import { SelectField } from "../../components";
import { type Pair } from "../../api/sign";
import { languages } from "../../explorer/samples";
import { type Action } from "../../explorer/schema";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { createStore, useStore } from "../../store";

const chosen = createStore("curl");

export function CodeView({ action, pairs }: { action: Action; pairs: readonly Pair[] }) {
	const t = useTexts(explorer);
	const id = useStore(chosen);
	const language = languages.find((row) => row.id === id) ?? languages[0]!;
	const text = language.write({ action, pairs, endpoint: location.origin });
	return <div className="stack">
		<SelectField label={t("language")} value={language.id} onChange={(next) => chosen.set(next)}
			choices={languages.map((row) => ({ id: row.id, label: row.label }))} />
		{text === null ? <Empty title={t("noTerraform")} /> : <>
			<Notice tone="info">{t("noSecret")}</Notice>
			<div className="x-step-head"><span>{t("runWith", { file: language.file })} <code>{language.run}</code>
				{language.needs && <> · {t("needsFirst")} <code>{language.needs}</code></>}</span><CopyButton value={text} what={t("code")} /></div>
			<pre className="x-code" tabIndex={0}>{text}</pre></>}
	</div>;
}
