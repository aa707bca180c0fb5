// SPDX-License-Identifier: BSD-2-Clause
// Is there an attack, is anything about to end, do origins and nodes work: the page to leave open.
import { useRef } from "react";
import { call, machineNow } from "../../api/client";
import { useCall, useFollow } from "../../api/hooks";
import type { Rates } from "../../api/replies";
import { lifeNow, mayBe, mayCall, useCaller } from "../../api/session";
import { Card, Countdown, Empty, ErrorNotice, LinkButton, Loading, PageHead, Table } from "../../components";
import { mitigateOf, targetOf, typesOf, useAttacksNow, type Attack } from "../../components/attacks";
import { useTexts } from "../../i18n";
import { overview as texts } from "../../i18n/overview";
import { shell } from "../../i18n/shell";
import { href } from "../../router";
import { bitRate, packetRate } from "../../time";
import { NodesCard } from "./nodes";
import { OriginsCard } from "./origins";
import "./overview.css";

const ATTACK_PPS = 1000;
const SOON_MS = 30 * 86400000;
const SOON_SHOWN = 6;
const BUSIEST_SHOWN = 6;
const ATTACKED_SHOWN = 3;
const REASONS_SHOWN = 3;
const ANSWERS = ["cookie_sent", "challenge_sent"];
const SILENT_MS = 15000;

const refused = (row: Rates) => ({ packets: row.DroppedPacketsPerSecond, bytes: row.DroppedBytesPerSecond });
const arrives = (row: Rates) => ({ packets: row.InPacketsPerSecond, bytes: row.InBytesPerSecond });
const sent = (row: Rates) => ({ packets: row.OutPacketsPerSecond, bytes: row.OutBytesPerSecond });
const FIGURES = [["arrives", arrives], ["refused", refused], ["sent", sent]] as const;

const isAttacked = (row: Rates) => refused(row).packets >= ATTACK_PPS && refused(row).packets >= arrives(row).packets / 2;
const sum = (rows: readonly Rates[], of: typeof arrives, unit: "packets" | "bytes") =>
	rows.reduce((total, row) => total + of(row)[unit], 0);

/** SYNs and UDP requests a second that all nodes answer with a cookie or a challenge: floods of them are no drops. Only
 * operators may ask nodes. Rates are differences of counters over the time between the nodes' own reports. */
function useAnswered(allowed: boolean): number {
	const nodes = useCall("DescribeNodes", allowed ? {} : undefined, { every: 1000 });
	const last = useRef(new Map<string, { at: number; packets: number; rate: number }>());
	let sum = 0;
	for (const node of nodes.data?.Nodes ?? []) {
		const packets = node.Reasons.filter(({ Name }) => ANSWERS.includes(Name)).reduce((total, row) => total + row.Packets, 0);
		const before = last.current.get(node.NodeName);
		const span = before ? node.SeenTime - before.at : 0;
		// A node that started anew counts from 0 again.
		const rate = !before || span === 0 ? before?.rate ?? 0 : Math.max(0, packets - before.packets) * 1000 / span;
		if (!before || span > 0)
			last.current.set(node.NodeName, { at: node.SeenTime, packets, rate });
		sum += machineNow() - node.SeenTime < SILENT_MS ? rate : 0;
	}
	return sum;
}

/** One address under attack, what its packets end by, and what the record of the attack says. */
function Attacked({ id, ip, attack }: { id: string; ip: string; attack: Attack | undefined }) {
	const { data } = useCall("DescribeReasons", { InstanceId: id }, { every: 2000 });
	const reasons = [...data?.Reasons ?? []].filter((row) => row.PacketsPerSecond > 0)
		.sort((a, b) => b.PacketsPerSecond - a.PacketsPerSecond).slice(0, REASONS_SHOWN);
	return <li><a href={href("instances", id)}>{ip || id}</a>
		{reasons.map((row) => <div key={row.Name} className="reason"><code>{row.Name}</code> {packetRate(row.PacketsPerSecond)}</div>)}
		{attack && <div className="reason"><a href={href("events", id, { kinds: "attacks" })}>{typesOf(attack)}</a> {mitigateOf(attack)}</div>}</li>;
}

function Now() {
	const t = useTexts(texts);
	const peaks = useRef<Record<string, number>>({});
	const top = useCall("DescribeTopInstances", { PageSize: 100 }, { every: 1000 });
	const rows = top.data?.Instances ?? [];
	const attacks = useAttacksNow();
	// Floods that are answered, not dropped, and those of web sites are known by their records.
	const attacked = [...rows.filter(isAttacked).map((row) => ({ id: row.InstanceId, ip: row.Ip, attack: attacks.find(({ InstanceId }) => InstanceId === row.InstanceId) })),
		...attacks.filter((attack, i) => !rows.some((row) => isAttacked(row) && row.InstanceId === attack.InstanceId) && attacks.findIndex(({ InstanceId }) => InstanceId === attack.InstanceId) === i)
			.map((attack) => ({ id: attack.InstanceId, ip: targetOf(attack), attack }))];
	const answered = useAnswered(mayBe(useCaller(), "operator"));
	const alarmed = attacked.length > 0 || answered >= ATTACK_PPS;
	const busiest = [...rows].sort((a, b) => b.InPacketsPerSecond - a.InPacketsPerSecond).slice(0, BUSIEST_SHOWN);
	return <>
		<section className={`hero ${alarmed ? "attacked" : "quiet"}`}>
			<div className="hero-word" aria-live="polite">
				<h2>{!top.data ? "…" : attacked.length > 0 ? t("attack", { n: attacked.length }) : alarmed ? t("flood") : t("quiet")}</h2>
				{attacked.length > 0 && <ul className="attacked-list">{attacked.slice(0, ATTACKED_SHOWN).map((row) => <Attacked key={row.id} {...row} />)}</ul>}
				{answered >= ATTACK_PPS && <p>{t("answered", { rate: packetRate(answered) })}</p>}
				{!alarmed && <p>{t("quietHint", { pps: ATTACK_PPS.toLocaleString() })}</p>}
			</div>
			<div className="figures">{FIGURES.map(([label, of]) => {
				const packets = sum(rows, of, "packets");
				peaks.current[label] = Math.max(peaks.current[label] ?? 0, packets);
				return <div key={label}>
					<div className="figure-name">{t(label)}</div>
					<div className="figure-value">{packetRate(packets)}</div>
					<div className="figure-note">{bitRate(sum(rows, of, "bytes"))}</div>
					<div className="figure-note" title={t("peakOf")}>{t("peak", { rate: packetRate(peaks.current[label]) })}</div>
				</div>;
			})}</div>
		</section>
		<ErrorNotice error={top.error} />
		{busiest.length > 0 && <Card title={t("busiest")} wide>
			<Table label={t("busiest")} rows={busiest} rowKey={(row) => row.InstanceId} onRow={(row) => href("instances", row.InstanceId)} columns={[
				{ id: "id", head: t("instance"), main: true, cell: (row) => row.InstanceId },
				...FIGURES.map(([label, of]) => ({ id: label, head: t(label), number: true, cell: (row: Rates) => <>
					{packetRate(of(row).packets)} <span className="quiet-text">{bitRate(of(row).bytes)}</span></> })),
			]} />
		</Card>}
	</>;
}

function StatesCard() {
	const t = useTexts(texts);
	const caller = useCaller();
	const counts = useFollow("states", async (signal) => {
		const counted = (filter: { Status: number[]; Enabled?: number }) =>
			call("DescribeInstances", { PageNumber: 1, PageSize: 1, ...filter }, { signal }).then((reply) => reply.TotalCount);
		const [normal, expired, stopped] = await Promise.all([counted({ Status: [1] }), counted({ Status: [2], Enabled: 1 }), counted({ Status: [2], Enabled: 0 })]);
		return { normal, expired, stopped };
	}, 5000);
	if (counts.data && counts.data.normal + counts.data.expired + counts.data.stopped === 0)
		return <Empty title={t("first")} action={mayCall(caller, "CreateInstance") && <LinkButton to={href("instances", "new")} look="primary">{t("create")}</LinkButton>}>{t("firstHint")}</Empty>;
	return <Card title={t("byState")}>
		<ErrorNotice error={counts.error} />
		{counts.loading && <Loading />}
		{counts.data && <ul className="states">{([["normal", "good", "protectedNow", "1"], ["expired", "bad", "expired", "2"], ["stopped", "bad", "stopped", "2"]] as const).map(([state, tone, label, status]) =>
			<li key={state}><a href={href("instances", { state: status })}><span className={`figure-value ${counts.data![state] > 0 ? tone : ""}`}>{counts.data![state]}</span><span>{t(label)}</span></a></li>)}</ul>}
	</Card>;
}

function SoonCard() {
	const t = useTexts(texts);
	const soon = useFollow("soon", (signal) => {
		const now = Math.floor(lifeNow());
		return call("DescribeInstances", { PageNumber: 1, PageSize: 50, Status: [1], ExpireStartTime: now, ExpireEndTime: now + SOON_MS }, { signal });
	}, 15000);
	const rows = [...soon.data?.Instances ?? []].sort((a, b) => a.ExpireTime - b.ExpireTime);
	return <Card title={t("soon")}>
		<ErrorNotice error={soon.error} />
		{soon.loading && <Loading />}
		{soon.data && rows.length === 0 && <p className="help">{t("soonNone")}</p>}
		<ul className="history">{rows.slice(0, SOON_SHOWN).map((row) => <li key={row.InstanceId}>
			<span><a href={href("instances", row.InstanceId)}>{row.InstanceId}</a>{row.Remark && <span className="quiet-text"> {row.Remark}</span>}</span><Countdown to={row.ExpireTime} /></li>)}</ul>
		{soon.data && soon.data.TotalCount > SOON_SHOWN && <a href={href("instances")}>{t("more", { n: soon.data.TotalCount - SOON_SHOWN })}</a>}
	</Card>;
}

export default function OverviewPage() {
	const t = useTexts(shell);
	const caller = useCaller();
	return <>
		<PageHead title={t("overview")} />
		<Now />
		<div className="columns">
			<StatesCard />
			<SoonCard />
			<OriginsCard />
			{mayBe(caller, "operator") && <NodesCard />}
		</div>
	</>;
}

