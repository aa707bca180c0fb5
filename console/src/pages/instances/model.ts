// SPDX-License-Identifier: BSD-2-Clause
// What an instance is in, by what DescribeInstances says; and what plans can be. The control decides; this only names it.
import type { Instance } from "../../api/replies";
import type { Tone } from "../../components";

export type State = "normal" | "starting" | "expired" | "stopped";

export function stateOf(instance: Instance): State {
	if (instance.Status === 1)
		return instance.Enabled ? "normal" : "starting";
	return instance.Enabled ? "expired" : "stopped";
}

export const toneOf: Record<State, Tone> = { normal: "good", starting: "info", expired: "bad", stopped: "bad" };

const DAY = 86400000;
/** Published deadlines after the expiry. */
export const STOP_AFTER = 7 * DAY;
export const RELEASE_AFTER = 30 * DAY;

export const PERIODS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36];

/** The same day some months on, or that month's last. */
export function addMonths(ms: number, months: number): number {
	const date = new Date(ms);
	const day = date.getUTCDate();
	date.setUTCDate(1);
	date.setUTCMonth(date.getUTCMonth() + months);
	const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
	date.setUTCDate(Math.min(day, last));
	return date.getTime();
}

export const BANDWIDTHS = [30, 60, 100, 300, 400, 500, 600];

/** Limits of a plan that are ranges: code of the order, and bounds for Pro and Premium. */
export const RANGES = [
	{ code: "PortCount", label: "ports", pro: [50, 400, 5], premium: [5, 400, 5] },
	{ code: "DomainCount", label: "domains", pro: [50, 200, 5], premium: [10, 200, 5] },
	{ code: "NormalBandwidth", label: "clean", pro: [100, 10000, 50], premium: [100, 10000, 50] },
	{ code: "NormalQps", label: "qps", pro: [3000, 1000000, 1], premium: [500, 1000000, 1], least: 500 },
] as const;

export function inRange(value: string, [min, max, step]: readonly [number, number, number]): boolean {
	const number = Number(value);
	return /^\d+$/.test(value) && number >= min && number <= max && (number - min) % step === 0;
}
