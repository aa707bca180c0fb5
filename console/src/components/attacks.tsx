// SPDX-License-Identifier: BSD-2-Clause
// Attacks as the control records them: what is said of one, and those that go on.
import { machineNow } from "../api/client";
import { useCall } from "../api/hooks";
import { currentLanguage, format, useTexts } from "../i18n";
import { attacks as texts } from "../i18n/attacks";
import { reasonName } from "../i18n/reasons";
import { href } from "../router";
import { bitRate, packetRate, short } from "../time";

export interface Attack {
	Number: number; EventType: string; InstanceId: string; Ip: string; Domain: string; BeginTime: number; MitigatedTime: number; LastTime: number; EndTime: number; SecondsToMitigate: number;
	InPackets: number; RefusedPackets: number; RefusedBytes: number; PeakInPacketsPerSecond: number; PeakInBytesPerSecond: number; PeakRefusedPacketsPerSecond: number; PeakRefusedBytesPerSecond: number;
	Types: { AttackType: string; Packets: number }[]; Reasons: { Name: string; Packets: number; Bytes: number }[];
}
declare module "../api/replies" {
	interface Replies { DescribeAttacks: { TotalCount: number; Attacks: Attack[] } }
}

const AFTER_MS = 15000; // a record goes on for a while when nothing comes any more
const REASONS_MAX = 4;

const say = (key: string, fallback: string) => {
	const text = (texts as Record<string, readonly [string, string]>)[key];
	return text ? format(text, currentLanguage()) : fallback;
};
export const kindOf = (attack: Attack) => say(`k.${attack.EventType}`, attack.EventType);
export const targetOf = (attack: Attack) => attack.Domain || attack.Ip;
/** Published names; what counters do not tell is "other". */
export const typesOf = (attack: Attack) => [...attack.Types].sort((a, b) => b.Packets - a.Packets).map(({ AttackType }) => AttackType === "other" ? say("other", "other") : AttackType).join(", ");

/** Refused at the peak, in the kind's own unit. */
export function peakOf(attack: Attack): string {
	if (attack.EventType === "cc" || attack.EventType === "web-cc")
		return format(attack.EventType === "cc" ? texts.pps : texts.qps, currentLanguage(), { n: short(attack.PeakRefusedPacketsPerSecond) });
	return `${packetRate(attack.PeakRefusedPacketsPerSecond)}, ${bitRate(attack.PeakRefusedBytesPerSecond)}`;
}

/** Shares of what was refused, the greatest first. */
export function sharesOf(attack: Attack): readonly (readonly [name: string, percent: number])[] {
	const all = attack.Reasons.reduce((sum, { Packets }) => sum + Packets, 0);
	return [...attack.Reasons].sort((a, b) => b.Packets - a.Packets).slice(0, REASONS_MAX)
		.map(({ Name, Packets }) => [say(`r.${Name}`, reasonName(Name)), Math.round(Packets / all * 1000) / 10] as const);
}

/** Counters are of a second, and so is this. */
export function mitigateOf(attack: Attack): string {
	return attack.SecondsToMitigate === 0 ? say("within", "") : format(texts.seconds, currentLanguage(), { n: attack.SecondsToMitigate });
}

/** Attacks that go on now, of one instance or of all that the caller may see. */
export function useAttacksNow(instance?: string): readonly Attack[] {
	const { data } = useCall("DescribeAttacks", { Open: true, PageNumber: 1, PageSize: 50, ...(instance ? { InstanceId: instance } : {}) }, { every: 1000 });
	return (data?.Attacks ?? []).filter(({ LastTime }) => machineNow() - LastTime < AFTER_MS);
}

export function AttacksNow({ instance }: { instance?: string }) {
	const t = useTexts(texts);
	const now = useAttacksNow(instance);
	if (now.length === 0)
		return null;
	return <section className="notice bad" aria-label={t("now")} role="status"><strong>{t("now")}</strong>
		<ul>{now.map((attack) => <li key={attack.Number}><a href={href("events", attack.InstanceId, { kinds: "attacks" })}>{kindOf(attack)}</a>{" "}
			{t("nowLine", { target: targetOf(attack), types: typesOf(attack), peak: peakOf(attack), mitigate: attack.SecondsToMitigate === 0 ? t("within") : t("afterSeconds", { n: attack.SecondsToMitigate }) })}</li>)}</ul></section>;
}
