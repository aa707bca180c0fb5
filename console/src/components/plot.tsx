// SPDX-License-Identifier: BSD-2-Clause
// Plots over time by uPlot. Not in components/index: whoever imports this brings uPlot along, which only pages that
// draw may do.
//
// Layers are stacked: the first is at the bottom. uPlot draws each layer's upper edge filled down to zero, the topmost
// layer first, so that lower layers cover it; fills are therefore opaque. New data redraw the canvas only: nothing of
// React runs, which is what lets sixty of them follow once a second.
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLanguage } from "../i18n";
import { useShownTheme } from "../theme";
import "./plot.css";

/** Columns: seconds since 1970, then one per layer. null: nothing known of that second. */
export type Columns = readonly (readonly (number | null)[])[];

export interface Layer {
	id: string;
	label: string;
	/** A variable of the style sheets: "--plot-pass". */
	colour: string;
	/** A line of its own instead of a layer of the stack: dashed, or solid. */
	line?: boolean | "solid";
}

/** Running sums of the stacked layers; lines are as they are. */
export function stack(columns: Columns, layers: readonly Pick<Layer, "line">[]): (number | null)[][] {
	const [time = [], ...values] = columns;
	let below: readonly (number | null)[] | undefined;
	return [[...time], ...values.map((column, i) => {
		if (layers[i]?.line) // one that never left zero is none
			return column.some((value) => value) ? [...column] : column.map(() => null);
		const sum: (number | null)[] = column.map((value, at) => value === null ? null : value + (below?.[at] ?? 0));
		below = sum;
		return sum;
	})];
}

const TOP_MIN = 1; // a quiet plot's scale still has a height

export function Plot({ label, columns, layers, height = 200, format, bare, span, sync, onCursor }: {
	label: string; columns: Columns; layers: readonly Layer[]; height?: number; format: (value: number) => string;
	/** No axes: for many small ones. */
	bare?: boolean;
	/** Seconds shown, up to the newest. */
	span: number;
	/** Plots of one name move their cursors together. */
	sync?: string;
	/** Which of the columns' entries the cursor is at; undefined: none. */
	onCursor?: (at: number | undefined) => void }) {
	const place = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>(undefined);
	const theme = useShownTheme();
	const language = useLanguage();
	const now = useRef({ format, onCursor, span });
	now.current = { format, onCursor, span };
	const shape = layers.map(({ id, colour, line }) => `${id} ${colour} ${line}`).join();

	useEffect(() => {
		const element = place.current!;
		const style = getComputedStyle(element);
		const colour = (name: string) => style.getPropertyValue(name).trim();
		const axis = { stroke: colour("--text-2"), font: `12px ${colour("--font")}`, ticks: { show: false },
			grid: { stroke: colour("--line"), width: 1 } };
		const series = layers.map(({ label, colour: name, line }): uPlot.Series => line
			? { label, stroke: colour(name), width: 2, ...(line === "solid" ? {} : { dash: [6, 4] }), points: { show: false } }
			: { label, stroke: colour(name), fill: colour(name), width: 1, points: { show: false } });
		// The topmost layer is drawn first; lines last.
		const order = layers.map((layer, i) => ({ layer, i })).sort((a, b) => Number(!!a.layer.line) - Number(!!b.layer.line) || b.i - a.i);
		const made = new uPlot({
			width: Math.max(60, element.clientWidth), height, legend: { show: false }, padding: bare ? [2, 0, 0, 0] : [8, 8, 0, 0],
			scales: { x: { time: true, range: (self) => {
				const times = self.data[0] ?? [];
				const last = times[times.length - 1] ?? Date.now() / 1000;
				return [last - now.current.span, last];
			} }, y: { range: (_self, _min, max) => [0, Math.max(TOP_MIN, (max ?? 0) * 1.08)] } },
			axes: bare ? [{ show: false }, { show: false }] : [
				{ ...axis, space: 80, size: 28, gap: 6, values: (_self, ticks) => ticks.map((at) => new Date(at * 1000)
					.toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { hour12: false })) },
				{ ...axis, size: 84, space: 36, values: (_self, ticks) => ticks.map((value) => now.current.format(value)) }],
			cursor: { show: !bare, drag: { x: false, y: false }, points: { show: false }, y: false,
				...(sync ? { sync: { key: sync } } : {}) },
			hooks: { setCursor: [(self) => now.current.onCursor?.(self.cursor.left === undefined || self.cursor.left < 0 ? undefined : self.cursor.idx ?? undefined)] },
			series: [{}, ...order.map(({ i }) => series[i]!)],
		}, [[], ...layers.map(() => [])], element);
		plot.current = made;
		drawn.current = order.map(({ i }) => i);
		const resize = new ResizeObserver(() => {
			if (Math.abs(made.width - element.clientWidth) > 1)
				made.setSize({ width: Math.max(60, element.clientWidth), height });
		});
		resize.observe(element);
		return () => {
			resize.disconnect();
			made.destroy();
			plot.current = undefined;
		};
	}, [shape, height, bare, theme, language, sync]);
	const drawn = useRef<number[]>([]);

	useEffect(() => {
		if (!plot.current)
			return;
		const [time, ...sums] = stack(columns, layers);
		plot.current.setData([time, ...drawn.current.map((i) => sums[i] ?? [])] as uPlot.AlignedData);
	}, [columns, shape, height, bare, theme, language, sync, span]);

	return <div className={`plot${bare ? " bare" : ""}`} ref={place} role="img" aria-label={label} />;
}
