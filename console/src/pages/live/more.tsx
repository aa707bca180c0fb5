// SPDX-License-Identifier: BSD-2-Clause
// What happens behind the packets: connections, and requests of web sites with their answers and times. Each plot is
// there once it has something to show.
import { useMemo } from "react";
import { Plot, type Layer } from "../../components/plot";
import { useTexts } from "../../i18n";
import { live } from "../../i18n/live";
import { short } from "../../time";
import { moreColumns, type Sample } from "./series";

type Key = keyof typeof live;
interface MorePlot { title: Key; layers: readonly (readonly [name: string, colour: string, text?: Key])[]; lines?: boolean; unit?: "ms" | "percent"; }

const STATUS = [["2xx", "--plot-pass"], ["3xx", "--plot-challenge"], ["4xx", "--plot-2"], ["5xx", "--plot-1"]] as const;
const PLOTS: readonly MorePlot[] = [
	{ title: "uplink", lines: true, unit: "percent", layers: [["uplinkIn", "--plot-line-1", "uplinkIn"], ["uplinkOut", "--plot-line-2", "uplinkOut"]] },
	{ title: "connections", lines: true, layers: [["open", "--plot-line-1", "open"], ["opened", "--plot-line-2", "opened"]] },
	{ title: "requests", layers: [["served", "--plot-pass", "served"], ["cached", "--plot-5", "cached"], ["challengedRequests", "--plot-challenge", "challengedRequests"], ["refused", "--plot-1", "refused"]] },
	{ title: "edgeStatus", layers: STATUS.map(([name, colour]) => [`edge${name}`, colour] as const) },
	{ title: "originStatus", layers: STATUS.map(([name, colour]) => [`origin${name}`, colour] as const) },
	{ title: "latency", lines: true, unit: "ms", layers: [["ms", "--plot-line-1", "ms"], ["originMs", "--plot-line-2", "originMs"]] },
];

function OnePlot({ plot, samples, span, scopeName }: { plot: MorePlot; samples: readonly Sample[]; span: number; scopeName: string }) {
	const t = useTexts(live);
	const data = useMemo(() => moreColumns(samples, plot.layers.map(([name]) => name)), [samples, plot]);
	const layers: Layer[] = plot.layers.map(([name, colour, text]) => ({ id: name, colour, label: text ? t(text) : name.slice(-3), ...(plot.lines ? { line: "solid" as const } : {}) }));
	const format = (value: number) => plot.unit === "ms" ? t("msUnit", { n: Math.round(value * 10) / 10 }) : plot.unit === "percent" ? `${value < 1 ? Math.round(value * 1000) / 1000 : Math.round(value * 10) / 10} %` : short(value);
	const last = (i: number) => data[i + 1]!.at(-1) ?? 0;
	const most = Math.max(0, ...data.slice(1).flat().map((value) => value ?? 0));
	if (most === 0)
		return null;
	return <section className="card more-card" aria-label={t(plot.title)}><h2>{t(plot.title)}</h2>
		<Plot label={t("plotOf", { what: t(plot.title), scope: scopeName, now: format(plot.layers.reduce((sum, _, i) => sum + (plot.lines ? 0 : last(i)), plot.lines ? last(0) : 0)), max: format(most) })}
			columns={data} layers={layers} format={format} span={span} sync="live" height={150} />
		<ul className="more-legend">{layers.map((layer, i) => <li key={layer.id}><span className={`swatch${layer.line ? " line solid" : ""}`} aria-hidden="true" style={layer.line ? { borderColor: `var(${layer.colour})` } : { background: `var(${layer.colour})` }} />{layer.label} <strong className="number">{format(last(i))}</strong></li>)}</ul></section>;
}

export function More({ samples, span, scopeName }: { samples: readonly Sample[]; span: number; scopeName: string }) {
	if (!samples.some(({ more }) => more))
		return null;
	return <div className="more">{PLOTS.map((plot) => <OnePlot key={plot.title} plot={plot} samples={samples} span={span} scopeName={scopeName} />)}</div>;
}
