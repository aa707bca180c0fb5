// SPDX-License-Identifier: BSD-2-Clause
// Live: what arrives now at an instance, a node, or all, stacked by what became of it; or all instances side by side.
import { useMemo, useState } from "react";
import { mayBe, useCaller } from "../../api/session";
import { useCall } from "../../api/hooks";
import { Button, Empty, ErrorNotice, PageHead, SelectField, Table } from "../../components";
import { Plot, type Layer } from "../../components/plot";
import { FOUND_MAX, PickField } from "../../components/pick";
import { findInstances } from "../../components/settings";
import { useTexts } from "../../i18n";
import { live } from "../../i18n/live";
import { shell } from "../../i18n/shell";
import { reasonName, reasonText } from "../../i18n/reasons";
import { go, href, type Route } from "../../router";
import { bitRate, packetRate } from "../../time";
import { arrivedOf, columns, droppedOf, type History, type Rate, type Sample } from "./series";
import { useHistory, type Scope } from "./source";
import { More } from "./more";
import { Wall } from "./wall";
import "./live.css";

const LIST_MS = 5000;
const SPANS = [60, 120, 300, 600];
const bits = (value: number) => bitRate(value / 8);
const share = (part: number, whole: number) => whole > 0 ? Math.round(part / whole * 1000) / 10 : 0;

/** Where a reason can be looked into. */
const reasonHref = (scope: Scope, name: string) => scope.kind === "instance" ? href("mitigation", scope.id, { reason: name }) : undefined;

function layersOf(slots: readonly (string | undefined)[], t: ReturnType<typeof useTexts<keyof typeof live>>, challenges: boolean): Layer[] {
	return [
		{ id: "passed", label: t(challenges ? "passed" : "passedAnswered"), colour: "--plot-pass" },
		{ id: "challenged", label: t("challenged"), colour: "--plot-challenge" },
		...slots.map((name, i) => ({ id: name ?? `slot${i}`, label: name ? name === "dropped" ? t("droppedAll") : reasonName(name) : "", colour: `--plot-${i + 1}` })),
		{ id: "other", label: t("other"), colour: "--plot-other" },
		{ id: "watched", label: t("watched"), colour: "--plot-watch", line: true },
	];
}

function Figures({ samples, challenges }: { samples: readonly Sample[]; challenges: boolean }) {
	const t = useTexts(live);
	const last = samples[samples.length - 1]!;
	const arrived = arrivedOf(last);
	const dropped = droppedOf(last);
	let peak: Rate = [0, 0];
	for (const sample of samples) {
		const now = arrivedOf(sample);
		peak = [Math.max(peak[0], now[0]), Math.max(peak[1], now[1])];
	}
	const figure = (name: string, [packets, bytes]: Rate, note?: string, tone?: string) => <div className={`figure ${tone ?? ""}`}>
		<div className="figure-name">{name}</div>
		<div className="figure-value">{packetRate(packets)}</div>
		<div className="figure-note">{bitRate(bytes)}{note && ` · ${note}`}</div>
	</div>;
	return <div className="figures card" aria-live="off">
		{figure(t("arriving"), arrived)}
		{figure(t(challenges ? "passed" : "passedAnswered"), last.passed)}
		{challenges && figure(t("challenged"), last.challenged)}
		{figure(t("droppedAll"), dropped, arrived[0] > 0 ? t("ofAll", { n: share(dropped[0], arrived[0]) }) : undefined, dropped[0] > 0 ? "dropped" : "")}
		{figure(t("peak"), peak)}
	</div>;
}

function Legend({ scope, layers, samples, at, hidden, setHidden, data }: { scope: Scope; layers: readonly Layer[]; samples: readonly Sample[];
	at: number | undefined; hidden: ReadonlySet<string>; setHidden: (next: ReadonlySet<string>) => void; data: readonly ReturnType<typeof columns>[] }) {
	const t = useTexts(live);
	const [packets, bitColumns] = data as [ReturnType<typeof columns>, ReturnType<typeof columns>];
	const point = at ?? (packets[0]?.length ?? 1) - 1;
	const rows = layers.map((layer, i) => ({ layer, pps: packets[i + 1]!, bps: bitColumns[i + 1]! }))
		.filter(({ layer, pps }) => layer.id === "passed" || (!layer.id.startsWith("slot") && (hidden.has(layer.id) || pps.some((value) => value))));
	const mean = (column: readonly (number | null)[]) => column.reduce<number>((a, b) => a + (b ?? 0), 0) / Math.max(1, samples.length);
	const toggle = (id: string) => {
		const next = new Set(hidden);
		if (!next.delete(id))
			next.add(id);
		setHidden(next);
	};
	return <div className="table-wrap"><table className="table legend" aria-label={t("legend")}>
		<thead><tr><th scope="col">{t("layer")}</th><th scope="col" className="number">{t(at === undefined ? "now" : "then")}</th><th scope="col" className="number" />
			<th scope="col" className="number">{t("mean")}</th><th scope="col" className="number">{t("max")}</th></tr></thead>
		<tbody>{rows.map(({ layer, pps, bps }) => <tr key={layer.id} className={hidden.has(layer.id) ? "hidden-layer" : ""}>
			<th scope="row" data-head={t("layer")}><button type="button" className="legend-key" aria-pressed={!hidden.has(layer.id)} title={t("hide", { name: layer.label })} onClick={() => toggle(layer.id)}>
				<span className={`swatch${layer.line ? " line" : ""}`} aria-hidden="true" style={layer.line ? { borderColor: `var(${layer.colour})` } : { background: `var(${layer.colour})` }} />{layer.label}</button>
				{reasonName(layer.id) !== layer.id && <span className="quiet-text legend-text">{reasonText(layer.id)}{reasonHref(scope, layer.id) && <> · <a href={reasonHref(scope, layer.id)}>{t("reasonLink")}</a></>}</span>}</th>
			<td className="number" data-head={t(at === undefined ? "now" : "then")}>{packetRate(pps[point] ?? 0)}</td>
			<td className="number" data-head="">{bits(bps[point] ?? 0)}</td>
			<td className="number" data-head={t("mean")}>{packetRate(mean(pps))}</td>
			<td className="number" data-head={t("max")}>{packetRate(Math.max(0, ...pps.map((value) => value ?? 0)))}</td>
		</tr>)}</tbody>
	</table></div>;
}

function Plots({ history, scope, span, challenges, scopeName }: { history: History; scope: Scope; span: number; challenges: boolean; scopeName: string }) {
	const t = useTexts(live);
	const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
	const [at, setAt] = useState<number>();
	const last = history.last;
	const [samples, slots, pps, bps, shownPps, shownBps] = useMemo(() => {
		const samples = history.window(span);
		const slots = history.assign(samples);
		const all = [columns(samples, slots, 0), columns(samples, slots, 1)] as const;
		return [samples, slots, ...all, ...(hidden.size > 0 ? [columns(samples, slots, 0, hidden), columns(samples, slots, 1, hidden)] as const : all)] as const;
	}, [history, last, span, hidden]);
	const layers = layersOf(slots, t, challenges);
	if (samples.length === 0)
		return <p className="loading" role="status"><span className="spinner" aria-hidden="true" /> {t("waiting")}</p>;
	const summary = (which: 0 | 1, format: (value: number) => string) => {
		const totals = samples.map((sample) => arrivedOf(sample)[which] * (which ? 8 : 1));
		return { scope: scopeName, now: format(totals[totals.length - 1] ?? 0), max: format(Math.max(0, ...totals)) };
	};
	return <>
		<Figures samples={samples} challenges={challenges} />
		{([["packets", shownPps, packetRate, 0], ["bits", shownBps, bits, 1]] as const).map(([what, data, format, which]) => <section key={what} className="card">
			<h2>{t(what)}</h2>
			<Plot label={t("plotOf", { what: t(what), ...summary(which, format) })} columns={data} layers={layers} format={format} span={span} sync="live" height={which ? 170 : 230}
				onCursor={(next) => setAt(next)} />
		</section>)}
		<Legend scope={scope} layers={layers} samples={samples} at={at} hidden={hidden} setHidden={setHidden} data={[pps, bps]} />
		<More samples={samples} span={span} scopeName={scopeName} />
	</>;
}

/** With all shown: which of them it is. */
function Busiest() {
	const t = useTexts(live);
	const top = useCall("DescribeTopInstances", { PageSize: 10 }, { every: 1000 });
	if (!top.data || top.data.Instances.length === 0)
		return null;
	return <section className="stack"><h2>{t("busiest")}</h2><Table label={t("busiest")} rows={top.data.Instances} rowKey={(row) => row.InstanceId}
		onRow={(row) => href("live", row.InstanceId)} columns={[
			{ id: "id", head: t("instance"), main: true, cell: (row) => <>{row.InstanceId} <span className="quiet-text">{row.Ip}</span></> },
			{ id: "in", head: t("arriving"), number: true, cell: (row) => packetRate(row.InPacketsPerSecond), sort: (row) => row.InPacketsPerSecond },
			{ id: "bits", head: t("bits"), number: true, cell: (row) => bitRate(row.InBytesPerSecond), sort: (row) => row.InBytesPerSecond },
			{ id: "dropped", head: t("dropShare"), number: true, cell: (row) => `${packetRate(row.DroppedPacketsPerSecond)} (${share(row.DroppedPacketsPerSecond, row.InPacketsPerSecond)} %)`, sort: (row) => row.DroppedPacketsPerSecond },
		]} /></section>;
}

export default function LivePage({ route }: { route: Route }) {
	const t = useTexts(live);
	const ts = useTexts(shell);
	const caller = useCaller();
	const operator = mayBe(caller, "operator");
	const [paused, setPaused] = useState(false);
	const [span, setSpan] = useState(120);
	const [kind, id] = [route.path[1], route.path[2]];
	const wall = kind === "wall";
	const scope: Scope = kind === "node" && id && operator ? { kind: "node", name: id } : kind && !wall && kind !== "node" ? { kind: "instance", id: kind } : { kind: "all" };
	const instances = useCall("DescribeInstances", { PageNumber: 1, PageSize: 50 }, { every: LIST_MS }); // others make some, too
	const nodes = useCall("DescribeNodes", operator ? {} : undefined);
	const { history, error } = useHistory(scope, operator, !paused && !wall);
	const challenges = scope.kind !== "instance" && operator;
	const fixed = [{ id: "all", label: t("all") }, ...(nodes.data?.Nodes ?? []).map(({ NodeName }) => ({ id: `n ${NodeName}`, label: t("node", { name: NodeName }) }))];
	const find = async (typed: string, signal: AbortSignal) => [...fixed.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase())),
		...(await findInstances(typed, signal)).map(({ id, label }) => ({ id: `i ${id}`, label }))];
	const choices = [{ id: "all", label: t("all") },
		...(instances.data?.Instances ?? []).map((row) => ({ id: `i ${row.InstanceId}`, label: `${row.Ip} · ${row.Remark || row.InstanceId}` })),
		...(scope.kind === "instance" && instances.data && !instances.data.Instances.some((row) => row.InstanceId === scope.id) ? [{ id: `i ${scope.id}`, label: scope.id }] : []),
		...(nodes.data?.Nodes ?? []).map(({ NodeName }) => ({ id: `n ${NodeName}`, label: t("node", { name: NodeName }) }))];
	const chosen = scope.kind === "all" ? "all" : scope.kind === "instance" ? `i ${scope.id}` : `n ${scope.name}`;
	const choose = (key: string) => key === "all" ? go("live") : key.startsWith("n ") ? go("live", "node", key.slice(2)) : go("live", key.slice(2));

	return <>
		<PageHead title={ts("live")} hint={t("hint")} actions={<>
			{wall ? <Button onPress={() => go("live")}>{t("one")}</Button> : <Button onPress={() => go("live", "wall")}>{t("wall")}</Button>}
			<Button onPress={() => setPaused(!paused)}>{t(paused ? "go" : "pause")}</Button></>} />
		<div className="live-bar">
			{!wall && ((instances.data?.TotalCount ?? 0) <= FOUND_MAX ? <SelectField label={t("scope")} value={chosen} onChange={choose} choices={choices} />
				: <PickField label={t("scope")} value={chosen} valueLabel={choices.find(({ id }) => id === chosen)?.label ?? chosen} onChange={choose} given={`scopes ${fixed.length}`} find={find} />)}
			<SelectField label={t("span")} value={String(span)} onChange={(value) => setSpan(Number(value))} choices={SPANS.map((n) => ({ id: String(n), label: t("minutes", { n: n / 60 }) }))} />
		</div>
		<ErrorNotice error={error ?? instances.error} />
		{instances.data?.TotalCount === 0 && scope.kind === "all" ? <Empty title={t("noInstance")} action={<a className="button primary" href={href("instances")}>{ts("instances")}</a>} />
			: wall ? <Wall span={span} running={!paused} />
			: <><Plots key={chosen} history={history} scope={scope} span={span} challenges={challenges} scopeName={choices.find((choice) => choice.id === chosen)?.label ?? chosen} />
				{scope.kind === "all" && <Busiest />}</>}
	</>;
}
