// SPDX-License-Identifier: BSD-2-Clause
// The lab's drill button: bounded attacks by the lab's own generator, and at once what the node does with them.
import { useEffect, useRef, useState } from "react";
import { call, machineNow } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, Button, Card, Code, Empty, ErrorNotice, LinkButton, Loading, PageHead, SelectField, Table, Time } from "../../components";
import { InstanceSelect, useInstances } from "../../components/settings";
import { drill } from "../../i18n/drill";
import { useTexts } from "../../i18n";
import { href, type Route } from "../../router";
import { duration, packetRate } from "../../time";
import { tourStep } from "./tour-state";
import "./drill.css";

interface Drill { Name: string; Summary: string; PacketsPerSecond: number; IpVersion: number }
interface Running {
	Running: boolean; Name: string; Ip: string; Seconds: number; PacketsPerSecond: number; StartTime: number; EndTime: number;
	Succeeded: boolean; Said: string;
}
declare module "../../api/replies" {
	interface Replies {
		DescribeDrills: { Drills: Drill[]; SecondsMax: number };
		DescribeDrill: Running; StartDrill: Running; StopDrill: Running;
	}
}

const EVERY = 1000;
const KEPT = 60; // seconds of the plot
const LENGTHS = ["5", "10", "20", "60"];

interface Point { at: number; arrived: number; dropped: number }

/** Two areas over the last minute: all that arrived, and of it what was dropped. */
function Plot({ points, label }: { points: readonly Point[]; label: string }) {
	const most = Math.max(1, ...points.map(({ arrived }) => arrived));
	const area = (value: (point: Point) => number) => {
		const from = KEPT - points.length;
		const line = points.map((point, i) => `${(from + i) * 10},${(100 - value(point) / most * 96).toFixed(1)}`).join(" ");
		return points.length ? `${from * 10},100 ${line} ${(KEPT - 1) * 10},100` : "";
	};
	return <svg className="drill-plot" viewBox={`0 0 ${(KEPT - 1) * 10} 100`} preserveAspectRatio="none" role="img" aria-label={label}>
		<polygon className="arrived" points={area(({ arrived }) => arrived)} />
		<polygon className="dropped" points={area(({ dropped }) => dropped)} />
	</svg>;
}

function Effect({ id }: { id: string }) {
	const t = useTexts(drill);
	const now = useCall("DescribeReasons", { InstanceId: id }, { every: EVERY });
	const events = useCall("DescribeEvents", { InstanceId: id, PageSize: 100 }, { every: EVERY });
	const points = useRef<Point[]>([]);
	const data = now.data as { Time: number; InPacketsPerSecond: number; DroppedPacketsPerSecond: number; OutPacketsPerSecond: number;
		Reasons: { Name: string; PacketsPerSecond: number }[] } | undefined;
	useEffect(() => { points.current = []; }, [id]);
	useEffect(() => {
		if (data && points.current.at(-1)?.at !== data.Time)
			points.current = [...points.current, { at: data.Time, arrived: data.InPacketsPerSecond, dropped: data.DroppedPacketsPerSecond }].slice(-KEPT);
	}, [data]);
	if (now.error)
		return <ErrorNotice error={now.error} retry={now.refresh} />;
	if (!data)
		return <Loading />;
	const figures = [["arrived", data.InPacketsPerSecond], ["dropped", data.DroppedPacketsPerSecond],
		["passed", Math.max(0, data.InPacketsPerSecond - data.DroppedPacketsPerSecond)]] as const;
	const reasons = data.Reasons.filter(({ PacketsPerSecond }) => PacketsPerSecond > 0)
		.sort((a, b) => b.PacketsPerSecond - a.PacketsPerSecond).slice(0, 5);
	const list = ((events.data as { Events: { Number: number; Time: number; Kind: string }[] } | undefined)?.Events ?? []).slice(-6).reverse();
	return <>
		<div className="figures" data-testid="effect">{figures.map(([name, value]) => <div key={name}>
			<div className="figure-name"><span className={`drill-key ${name}`} aria-hidden="true" />{t(name)}</div>
			<div className="figure-value">{packetRate(value)}</div>
		</div>)}</div>
		<Plot points={points.current} label={t("plot")} />
		<p className="help">{t("effectHint")}</p>
		<h3>{t("reasons")}</h3>
		{reasons.length ? <ul className="drill-reasons">{reasons.map(({ Name, PacketsPerSecond }) =>
			<li key={Name}><code>{Name}</code><span className="number">{packetRate(PacketsPerSecond)}</span></li>)}</ul>
			: <p className="quiet-text">{t("noReasons")}</p>}
		<h3>{t("events")}</h3>
		{list.length ? <ul className="drill-reasons" data-testid="events">{list.map((event) =>
			<li key={event.Number}><code>{event.Kind}</code><Time at={event.Time} clock="life" relative /></li>)}</ul>
			: <p className="quiet-text">{t("noEvents")}</p>}
	</>;
}

/** What runs now, or what became of the last one. */
function State({ now }: { now: Running }) {
	const t = useTexts(drill);
	const stop = useAct(() => call("StopDrill", {}));
	const left = now.StartTime + now.Seconds * 1000 - machineNow();
	if (!now.Name)
		return null;
	if (now.Running)
		return <div className="stack">
			<div className="row drill-state"><span role="status">{left > 0 ? t("running", { name: now.Name, ip: now.Ip, left: duration(left) })
				: t("finishing", { name: now.Name })}</span>
				<Button look="danger" busy={stop.busy} onPress={() => void stop.run()}>{t("stop")}</Button></div>
			<progress className="drill-progress" max={now.Seconds * 1000} value={Math.min(now.Seconds * 1000, machineNow() - now.StartTime)} aria-label={now.Name} />
		</div>;
	return <div className="stack">
		<div role="status"><Badge tone={now.Succeeded ? "good" : "neutral"}>{t(now.Succeeded ? "over" : "stopped", { name: now.Name })}</Badge></div>
		{now.Said && <pre className="drill-said" tabIndex={0} aria-label={now.Name}>{now.Said.trim()}</pre>}
	</div>;
}

export default function DrillPage({ route }: { route: Route }) {
	const t = useTexts(drill);
	const drills = useCall("DescribeDrills", {});
	const now = useCall("DescribeDrill", {}, { every: EVERY });
	const [chosen, choose] = useState("");
	const [seconds, setSeconds] = useState("10");
	const start = useAct((id: string, name: string) => call("StartDrill", { InstanceId: id, DrillName: name, Seconds: Number(seconds) }));
	const { instance: target, instances, total, followed } = useInstances(chosen || (route.query.get("instance") ?? undefined));
	const failed = drills.error ?? followed.error ?? now.error;

	const head = <PageHead title={t("title")} hint={t("hint")}
		actions={<Button onPress={() => tourStep(0)}>{t("takeTour")}</Button>} />;
	if (failed && !drills.data)
		return <>{head}<ErrorNotice error={failed} retry={drills.refresh} /></>;
	if (!drills.data || !followed.data || !now.data)
		return <>{head}<Loading /></>;
	if (!target)
		return <>{head}<Empty title={t("noTarget")} action={<LinkButton to={href("instances")}>{t("target")}</LinkButton>}>
			{t("noTargetHint")} <Code>polder buy</Code></Empty></>;
	const version = target.IpVersion === "Ipv6" ? 6 : 4;
	const offered = drills.data.Drills.filter(({ IpVersion }) => IpVersion === version);
	const say = ({ Name, Summary }: Drill) => Name in drill ? t(Name as "syn-flood") : Summary;
	return <>
		{head}
		<div className="cards">
			<Card title={t("title")}>
				<div className="fields">
					<InstanceSelect label={t("target")} id={target.InstanceId} instance={target} instances={instances} total={total} onChange={choose} />
					<SelectField label={t("length")} value={seconds} onChange={setSeconds}
						choices={LENGTHS.map((n) => ({ id: n, label: t("seconds", { n }) }))} />
				</div>
				{start.error && <ErrorNotice error={start.error} />}
				<Table label={t("title")} rows={offered} rowKey={({ Name }) => Name} columns={[
					{ id: "name", head: t("name"), main: true, cell: (row) => <div className="drill-name"><code>{row.Name}</code>
						<span>{say(row)}</span></div> },
					{ id: "rate", head: t("rate"), number: true, cell: ({ PacketsPerSecond }) => packetRate(PacketsPerSecond) },
					{ id: "start", head: t("start"), cell: ({ Name }) => <Button look="primary" aria-label={t("startOf", { name: Name })}
						isDisabled={now.data!.Running || start.busy} onPress={() => void start.run(target.InstanceId, Name)}>{t("start")}</Button> },
				]} />
			</Card>
			<Card title={t("effect")}>
				<State now={now.data} />
				<Effect id={target.InstanceId} />
			</Card>
		</div>
	</>;
}
