// SPDX-License-Identifier: BSD-2-Clause
// Events of attacks and of instances' lives as a timeline that follows by itself: "#/events/INSTANCE".
import { useEffect, useState } from "react";
import { call } from "../../api/client";
import { useCall, useFollow } from "../../api/hooks";
import type { PolderEvent } from "../../api/replies";
import { Badge, Button, Empty, ErrorNotice, LinkButton, Loading, PageHead, SelectField, Table, Time, type Tone } from "../../components";
import { Segments } from "../../components/choices";
import { currentLanguage, format, useTexts } from "../../i18n";
import { eventTexts } from "../../i18n/events";
import { reasonName } from "../../i18n/reasons";
import { shell } from "../../i18n/shell";
import { go, href, type Route } from "../../router";
import { count, date, dateTime, packetRate } from "../../time";
import { Records } from "./records";
import { add, emptyFeed, facts, isLife, isTime, KEPT_MAX, type Feed } from "./feed";
import "./events.css";

const PAGE = 100, PAGES_MAX = 50, EVERY_MS = 1000;
const TONES: Record<string, Tone> = { blackhole: "bad", stopped: "bad", released: "bad", expired: "warn", renewed: "good", blackhole_ended: "good", attack_began: "bad", attack_ended: "good", certificate_issued: "good", certificate_failed: "bad", diversion_ended: "info" };

const textOf = (key: string, fallback: string) => {
	const text = (eventTexts as Record<string, readonly [string, string]>)[key];
	return text ? format(text, currentLanguage()) : fallback;
};

/** The newest that are there, as many as are kept. */
async function first(instance: string | undefined, signal: AbortSignal): Promise<Feed> {
	const events: PolderEvent[] = [];
	let before: number | undefined;
	while (events.length < KEPT_MAX) {
		const { Events, NextNumber } = await call("DescribeEvents", { NewestFirst: true, PageSize: PAGE, ...(before ? { BeforeNumber: before } : {}), ...(instance ? { InstanceId: instance } : {}) }, { signal });
		events.push(...Events);
		// A page may be short, or empty, with more behind it.
		if (!NextNumber)
			break;
		before = NextNumber;
	}
	return add(emptyFeed, events, events[0]?.Number ?? 0);
}

/** Reads what is new, page after page. */
async function more(feed: Feed, instance: string | undefined, signal: AbortSignal): Promise<Feed> {
	if (feed.next === 0)
		return first(instance, signal);
	for (let i = 0; i < PAGES_MAX; i++) {
		const { Events, NextNumber } = await call("DescribeEvents", { AfterNumber: feed.next, PageSize: PAGE, ...(instance ? { InstanceId: instance } : {}) }, { signal });
		feed = add(feed, Events, NextNumber);
		if (Events.length < PAGE)
			break;
	}
	return feed;
}

const feeds = new Map<string, Feed>();

function Dropped({ id }: { id: string }) {
	const t = useTexts(eventTexts);
	const reply = useCall("DescribeReasons", { InstanceId: id }, { every: 1000 });
	if (!reply.data)
		return reply.error ? <ErrorNotice error={reply.error} /> : <Loading />;
	const rows = reply.data.Reasons.filter(({ Packets }) => Packets > 0);
	return <div className="stack"><h3>{t("droppedTitle")}</h3>
		<Table label={t("droppedTitle")} rows={rows} rowKey={(row) => row.Name} order={{ id: "total", down: true }} empty={<p className="quiet-text">{t("nothingDropped")}</p>} columns={[
			{ id: "reason", head: t("reason"), main: true, cell: (row) => <a href={href("mitigation", id, { reason: row.Name })}>{reasonName(row.Name)}</a> },
			{ id: "total", head: t("total"), number: true, cell: (row) => count(row.Packets), sort: (row) => row.Packets },
			{ id: "now", head: t("now"), number: true, cell: (row) => packetRate(row.PacketsPerSecond), sort: (row) => row.PacketsPerSecond }]} /></div>;
}

function EventItem({ event, isNew }: { event: PolderEvent; isNew: boolean }) {
	const t = useTexts(eventTexts);
	const [open, setOpen] = useState(false);
	const life = isLife(event.Kind);
	return <li className={`event ${TONES[event.Kind] ?? (life ? "info" : "warn")}`}>
		<div className="event-head"><Badge tone={TONES[event.Kind] ?? (life ? "info" : "warn")}>{textOf(`k.${event.Kind}`, event.Kind)}</Badge>
			{event.InstanceId && <a href={href("events", event.InstanceId)}><code>{event.InstanceId}</code></a>}{isNew && <span className="event-new">{t("newOnes")}</span>}
			<span className="event-time"><Time at={event.Time} clock={life ? "life" : "machine"} /></span></div>
		<p className="event-facts">{facts(event.Detail).map(([name, value]) => <span key={name}>{name && `${textOf(`d.${name}`, name)}: `}<strong>{isTime(name, value) ? dateTime(value) : typeof value === "number" ? count(value) : value}</strong></span>)}</p>
		{event.InstanceId && event.Kind !== "released" && <p className="event-links"><a href={href("live", event.InstanceId)}>{t("toLive")}</a> <a href={href("instances", event.InstanceId)}>{t("toInstance")}</a> <a href={href("mitigation", event.InstanceId)}>{t("toMitigation")}</a>
			{!life && <Button look="quiet" onPress={() => setOpen(!open)} aria-expanded={open}>{t(open ? "less" : "more")}</Button>}</p>}
		{open && <Dropped id={event.InstanceId} />}
	</li>;
}

export default function EventsPage({ route }: { route: Route }) {
	const t = useTexts(eventTexts);
	const ts = useTexts(shell);
	const instance = route.path[1];
	const kinds = route.query.get("kinds") ?? "all";
	const key = `events ${instance ?? ""}`;
	const instances = useCall("DescribeInstances", { PageNumber: 1, PageSize: 50 });
	const followed = useFollow(key, async (signal) => {
		const before = feeds.get(key);
		const feed = await more(before ?? emptyFeed, instance, signal);
		// What was there when the page was opened is not new.
		const now = before ? feed : { ...feed, since: feed.next };
		feeds.set(key, now);
		return now;
	}, EVERY_MS);
	useEffect(() => () => { // next time, what was seen is old
		const feed = feeds.get(key);
		if (feed)
			feeds.set(key, { ...feed, since: feed.next });
	}, [key]);
	const feed = followed.data ?? feeds.get(key) ?? emptyFeed;
	const shown = feed.events.filter((event) => kinds === "all" || (kinds === "life") === isLife(event.Kind));
	const choices = [{ id: "", label: t("all") }, ...(instances.data?.Instances ?? []).map((row) => ({ id: row.InstanceId, label: `${row.Ip} · ${row.Remark || row.InstanceId}` }))];
	if (instance && !choices.some(({ id }) => id === instance))
		choices.push({ id: instance, label: instance });
	const days = new Map<string, PolderEvent[]>();
	for (const event of shown)
		days.set(date(event.Time), [...days.get(date(event.Time)) ?? [], event]);
	return <>
		<PageHead title={ts("events")} hint={t("hint")} actions={<>{!followed.error && <Badge tone="good">{t("following")}</Badge>}{instance && <LinkButton to={href("events")}>{t("all")}</LinkButton>}</>} />
		<div className="row event-bar"><div className="instance-select"><SelectField label={ts("instances")} value={instance ?? ""} onChange={(id) => id ? go("events", id, { kinds }) : go("events", { kinds })} choices={choices} /></div>
			<Segments label={t("kinds")} value={kinds} onChange={(next) => instance ? go("events", instance, { kinds: next }) : go("events", { kinds: next })} choices={[{ id: "all", label: t("allKinds") }, { id: "attacks", label: t("attacks") }, { id: "life", label: t("life") }]} /></div>
		{kinds !== "life" && <Records instance={instance} />}
		<ErrorNotice error={followed.error} />
		{followed.loading && shown.length === 0 ? <Loading /> : shown.length === 0 ? <Empty title={t("none")}>{t("noneText")}</Empty>
			: [...days].map(([day, events]) => <section key={day} className="stack" aria-label={day}><h2 className="event-day">{day}</h2>
				<ol className="timeline">{events.map((event) => <EventItem key={event.Number} event={event} isNew={event.Number > feed.since} />)}</ol></section>)}
	</>;
}
