// SPDX-License-Identifier: BSD-2-Clause
// All instances side by side: two small plots each, all from one call a second.
import { memo } from "react";
import { Badge, ErrorNotice, Loading } from "../../components";
import { Plot, type Layer } from "../../components/plot";
import { useTexts } from "../../i18n";
import { live } from "../../i18n/live";
import { href } from "../../router";
import { bitRate, packetRate } from "../../time";
import { arrivedOf, columns, droppedOf, NOTHING } from "./series";
import { useWall, wallHistory, type WallRow } from "./source";

const SLOT = ["dropped"];
const LAYERS: readonly Layer[] = [{ id: "passed", label: "", colour: "--plot-pass" }, { id: "challenged", label: "", colour: "--plot-challenge" },
	{ id: "dropped", label: "", colour: "--plot-1" }, { id: "other", label: "", colour: "--plot-other" }];
const bits = (value: number) => bitRate(value / 8);

const WallCard = memo(function WallCard({ row, span }: { row: WallRow; span: number; time: number }) {
	const t = useTexts(live);
	const history = wallHistory(row.InstanceId);
	const samples = history?.window(span) ?? [];
	const last = history?.last;
	const arrived = last ? arrivedOf(last) : NOTHING;
	const dropped = last ? droppedOf(last) : NOTHING;
	const state = dropped[0] > 0 ? "attacked" : arrived[0] > 0 ? "calm" : "silent";
	const name = row.Remark || row.InstanceId;
	return <article className="card wall-card">
		<div className="wall-head"><a href={href("live", row.InstanceId)}>{row.Ip}</a><Badge tone={state === "attacked" ? "warn" : state === "calm" ? "good" : "neutral"}>{t(state)}</Badge></div>
		<p className="quiet-text wall-name">{name}</p>
		<Plot bare height={44} span={span} layers={LAYERS} columns={columns(samples, SLOT, 0)} format={packetRate} label={`${t("packets")}, ${name}: ${packetRate(arrived[0])}`} />
		<Plot bare height={34} span={span} layers={LAYERS} columns={columns(samples, SLOT, 1)} format={bits} label={`${t("bits")}, ${name}: ${bitRate(arrived[1])}`} />
		<p className="wall-figures"><span>{packetRate(arrived[0])}</span><span>{bitRate(arrived[1])}</span></p>
		<p className={`wall-figures ${dropped[0] > 0 ? "wall-dropped" : "quiet-text"}`}>{t("dropping", { rate: packetRate(dropped[0]) })}</p>
	</article>;
});

export function Wall({ span, running }: { span: number; running: boolean }) {
	const t = useTexts(live);
	const wall = useWall(running);
	// Who lost packets in this period comes first. Nothing moves but when that changes.
	const attacked = (row: WallRow) => wallHistory(row.InstanceId)?.window(span).some((sample) => droppedOf(sample)[0] > 0);
	const ordered = [...wall.rows.filter(attacked), ...wall.rows.filter((row) => !attacked(row))];
	return <>
		<p className="quiet-text">{t("wallHint")}</p>
		<ErrorNotice error={wall.error} />
		{wall.loading && wall.rows.length === 0 && <Loading />}
		<div className="wall">{ordered.map((row) => <WallCard key={row.InstanceId} row={row} span={span} time={wall.time} />)}</div>
	</>;
}
