// SPDX-License-Identifier: BSD-2-Clause
// The choice of what a port's payloads have to look like.
import { ChoiceCards } from "../../components/choices";
import { forms } from "../../gen/tables";
import { currentLanguage, useTexts } from "../../i18n";
import { formTexts } from "../../i18n/forms";
import { ports } from "../../i18n/ports";

// Games first: whoever has to choose here mostly runs one.
const FIRST = ["a2s", "raknet", "fivem", "minecraft", "teamspeak"];
type Known = keyof typeof formTexts;

export function formName(name: string): string {
	return (formTexts as Record<string, readonly [string, string]>)[name]?.[currentLanguage() === "zh" ? 1 : 0] ?? name;
}

export function TemplateChoice({ protocol, value, onChange, isDisabled }: { protocol: "tcp" | "udp"; value: string; onChange: (value: string) => void; isDisabled?: boolean }) {
	const t = useTexts(ports);
	const tf = useTexts(formTexts);
	const fitting = forms.filter(({ transport }) => transport === "BOTH" || transport.toLowerCase() === protocol);
	const rank = ({ name }: { name: string }) => FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
	const textOf = (name: string, fallback: string) => `${name}.text` in formTexts ? tf(`${name}.text` as Known) : fallback;
	return <><ChoiceCards label={t("templateLabel")} value={value} onChange={onChange} isDisabled={isDisabled ?? false}
		choices={[{ id: "none", label: tf("none"), text: tf("none.text") },
			...[...fitting].sort((a, b) => rank(a) - rank(b)).map(({ name, text }) => ({ id: name, label: formName(name), text: textOf(name, text) }))]} />
		{value === "none" && <p className="help">{t(protocol === "udp" ? "ownUdp" : "ownTcp")}</p>}</>;
}
