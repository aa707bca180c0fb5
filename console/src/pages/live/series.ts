// SPDX-License-Identifier: BSD-2-Clause
// A bounded history of one second after the other, and the columns that plots draw of it. No clock and no calls here.
//
// Reasons come and go. Each that is shown on its own keeps its slot, and so its colour, for as long as it is among
// the greatest; the rest is one layer.
import type { Columns } from "../../components/plot";

export const HISTORY_MAX = 600; // seconds
export const SLOTS = 6;
const GAP_S = 3; // farther apart: something between is missing

/** Packets and bytes a second. */
export type Rate = readonly [packets: number, bytes: number];
export interface Sample {
	/** Seconds since 1970. */
	time: number;
	passed: Rate;
	challenged: Rate;
	/** By reason. */
	dropped: Readonly<Record<string, Rate>>;
	/** What mitigations that only watch would have dropped; it passed. */
	watched: Rate;
	/** Connections and requests of web sites, by the names of their layers; where the control tells them. */
	more?: Readonly<Record<string, number>>;
}

export const NOTHING: Rate = [0, 0];
export const sum = (rates: Iterable<Rate>): Rate => {
	let packets = 0, bytes = 0;
	for (const rate of rates) {
		packets += rate[0];
		bytes += rate[1];
	}
	return [packets, bytes];
};
export const droppedOf = (sample: Sample) => sum(Object.values(sample.dropped));
export const arrivedOf = (sample: Sample) => sum([sample.passed, sample.challenged, droppedOf(sample)]);

export class History {
	readonly samples: Sample[] = [];
	private readonly slots: (string | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);

	/** One sample a second; a later one of the same second replaces it, an older one is dropped. */
	add(sample: Sample) {
		const last = this.samples[this.samples.length - 1];
		if (last && sample.time < last.time)
			return;
		if (last?.time === sample.time)
			this.samples.pop();
		this.samples.push(sample);
		if (this.samples.length > HISTORY_MAX)
			this.samples.splice(0, this.samples.length - HISTORY_MAX);
	}

	get last(): Sample | undefined {
		return this.samples[this.samples.length - 1];
	}

	window(span: number): Sample[] {
		const end = this.last?.time ?? 0;
		return this.samples.filter(({ time }) => time > end - span);
	}

	/** The reasons that are shown on their own, by slot. */
	assign(samples: readonly Sample[]): readonly (string | undefined)[] {
		const total = new Map<string, number>();
		for (const { dropped } of samples)
			for (const [name, [packets]] of Object.entries(dropped))
				total.set(name, (total.get(name) ?? 0) + packets);
		const greatest = new Set([...total].filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]).slice(0, SLOTS).map(([name]) => name));
		this.slots.forEach((name, i) => {
			if (name !== undefined && !greatest.delete(name))
				this.slots[i] = undefined;
		});
		for (const name of greatest)
			this.slots[this.slots.indexOf(undefined)] = name;
		return [...this.slots];
	}
}

/** Columns: time, passed, challenged, a layer per slot, the other reasons, watched. which: 0 packets, 1 bits. */
export function columns(samples: readonly Sample[], slots: readonly (string | undefined)[], which: 0 | 1,
	hidden: ReadonlySet<string> = new Set()): Columns {
	const out: (number | null)[][] = Array.from({ length: slots.length + 5 }, () => []);
	const scale = which === 1 ? 8 : 1;
	let before: number | undefined;
	for (const sample of samples) {
		if (before !== undefined && sample.time - before > GAP_S) {
			out[0]!.push(before + 1);
			out.slice(1).forEach((column) => column.push(null));
		}
		before = sample.time;
		const put = (at: number, id: string, rate: Rate | undefined) => out[at]!.push(hidden.has(id) ? 0 : (rate?.[which] ?? 0) * scale);
		out[0]!.push(sample.time);
		put(1, "passed", sample.passed);
		put(2, "challenged", sample.challenged);
		slots.forEach((name, i) => put(3 + i, name ?? "", name === undefined ? undefined : sample.dropped[name]));
		put(3 + slots.length, "other", sum(Object.entries(sample.dropped).filter(([name]) => !slots.includes(name)).map(([, rate]) => rate)));
		put(4 + slots.length, "watched", sample.watched);
	}
	return out;
}

/** Columns of what a sample has beside packets. */
export function moreColumns(samples: readonly Sample[], names: readonly string[]): Columns {
	const out: (number | null)[][] = Array.from({ length: names.length + 1 }, () => []);
	let before: number | undefined;
	for (const { time, more } of samples) {
		if (before !== undefined && time - before > GAP_S) {
			out[0]!.push(before + 1);
			out.slice(1).forEach((column) => column.push(null));
		}
		before = time;
		out[0]!.push(time);
		names.forEach((name, i) => out[i + 1]!.push(more ? more[name] ?? 0 : null));
	}
	return out;
}
