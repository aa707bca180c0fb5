// SPDX-License-Identifier: BSD-2-Clause
// Times and numbers as people read them. Two clocks are shown: the machine's (logs, traffic) and the life cycle's
// (expiry), which a lab may have moved.
import { common } from "./i18n/common";
import { currentLanguage, text } from "./i18n";

const locale = () => currentLanguage() === "zh" ? "zh-CN" : "en-GB";

/** 29 Nov 2026, 14:33:59 in the browser's zone. */
export function dateTime(ms: number, withSeconds = true): string {
	return new Date(ms).toLocaleString(locale(), { year: "numeric", month: "short", day: "numeric", hour: "2-digit",
		minute: "2-digit", ...(withSeconds ? { second: "2-digit" } : {}), hour12: false });
}

/** The browser's zone, in which all moments are shown: "Europe/Berlin (GMT+2)". */
export function zone(ms: number): string {
	const format = new Intl.DateTimeFormat(locale(), { timeZoneName: "shortOffset" });
	const offset = format.formatToParts(new Date(ms)).find(({ type }) => type === "timeZoneName")?.value ?? "";
	const { timeZone } = format.resolvedOptions();
	return timeZone === offset ? timeZone : `${timeZone} (${offset})`;
}

export function date(ms: number): string {
	return new Date(ms).toLocaleDateString(locale(), { year: "numeric", month: "short", day: "numeric" });
}

const UNITS = [[86400, common.days], [3600, common.hours], [60, common.minutes], [1, common.seconds]] as const;

/** The two largest units: 3 d 4 h. */
export function duration(ms: number): string {
	let seconds = Math.max(0, Math.floor(ms / 1000));
	const out: string[] = [];
	for (const [unit, words] of UNITS) {
		if (seconds >= unit || (unit === 1 && out.length === 0)) {
			out.push(text(words, { n: Math.floor(seconds / unit) }));
			seconds %= unit;
		} else if (out.length > 0) {
			break;
		}
		if (out.length === 2)
			break;
	}
	return out.join(" ");
}

function scaled(value: number, base: number, units: readonly string[]): string {
	let step = 0;
	while (Math.abs(value) >= base && step < units.length - 1) {
		value /= base;
		step++;
	}
	const digits = step === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
	return `${value.toFixed(digits)}${units[step]! && ` ${units[step]}`}`;
}

export const count = (n: number) => n.toLocaleString(locale());
/** 12.3 k */
export const short = (n: number) => scaled(n, 1000, ["", "k", "M", "G", "T"]);
export const packetRate = (n: number) => scaled(n, 1000, ["pps", "kpps", "Mpps", "Gpps"]);
export const bitRate = (bytesPerSecond: number) => scaled(bytesPerSecond * 8, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
export const bytes = (n: number) => scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
