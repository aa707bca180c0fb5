// SPDX-License-Identifier: BSD-2-Clause
// Where samples come from: one instance, or a node, or all of both, asked once a second while somebody looks.
// Histories outlive the page, so coming back shows what was there before, and a gap.
import { useSyncExternalStore } from "react";
import { ApiError, call, type Reply, send } from "../../api/client";
import { useFollow } from "../../api/hooks";
import type { Uplink } from "../../api/replies";
import { actions } from "../../gen/actions";
import { isChallenge, isDrop } from "../../i18n/reasons";
import { History, NOTHING, type Rate, type Sample } from "./series";

declare module "../../api/replies" {
	interface Reason { Text: string; WatchedPacketsPerSecond: number; WatchedBytesPerSecond: number }
}

export type Scope = { kind: "all" } | { kind: "instance"; id: string } | { kind: "node"; name: string };
const EVERY_MS = 1000;
const HISTORIES_MAX = 12;
const nameOf = (scope: Scope) => scope.kind === "all" ? "all" : scope.kind === "instance" ? `instance ${scope.id}` : `node ${scope.name}`;

const histories = new Map<string, History>();
export function historyOf(name: string): History {
	let history = histories.get(name);
	if (!history) {
		if (histories.size >= HISTORIES_MAX)
			histories.delete(histories.keys().next().value!);
		histories.set(name, history = new History());
	}
	return history;
}

function ofInstance(reply: Reply<"DescribeReasons">): Sample {
	const dropped: Record<string, Rate> = {};
	let watched: Rate = NOTHING;
	for (const reason of reply.Reasons) {
		if (reason.PacketsPerSecond > 0)
			dropped[reason.Name] = [reason.PacketsPerSecond, reason.BytesPerSecond];
		watched = [watched[0] + reason.WatchedPacketsPerSecond, watched[1] + reason.WatchedBytesPerSecond];
	}
	return { time: Math.floor(reply.Time / 1000), dropped, watched, challenged: NOTHING,
		passed: [Math.max(0, reply.InPacketsPerSecond - reply.DroppedPacketsPerSecond), Math.max(0, reply.InBytesPerSecond - reply.DroppedBytesPerSecond)] };
}

/** Nodes tell totals by reason; rates are what was added since the report before. */
interface NodeTotals { seen: number; totals: Map<string, Rate>; rates: Map<string, Rate> }
const nodesSeen = new Map<string, NodeTotals>();
// Left to the host: not for a protected address, so no traffic of any instance.
const NOT_OURS = "host";

function ofNodes(nodes: Reply<"DescribeNodes">["Nodes"]): Sample {
	const dropped: Record<string, Rate> = {};
	let passed: Rate = NOTHING, challenged: Rate = NOTHING, time = 0;
	for (const node of nodes) {
		const before = nodesSeen.get(node.NodeName);
		let now = before;
		if (!before || node.SeenTime > before.seen) {
			const totals = new Map(node.Reasons.map(({ Name, Packets, Bytes }) => [Name, [Packets, Bytes] as const]));
			const seconds = before ? (node.SeenTime - before.seen) / 1000 : 0;
			const rates = new Map<string, Rate>();
			for (const [name, [packets, bytes]] of totals) {
				const old = before?.totals.get(name);
				// A node that began anew counts from zero.
				if (old && packets >= old[0] && seconds > 0)
					rates.set(name, [Math.round((packets - old[0]) / seconds), Math.round((bytes - old[1]) / seconds)]);
			}
			nodesSeen.set(node.NodeName, now = { seen: node.SeenTime, totals, rates });
		}
		time = Math.max(time, node.SeenTime);
		for (const [name, rate] of now!.rates) {
			const add = (to: Rate): Rate => [to[0] + rate[0], to[1] + rate[1]];
			if (isDrop(name)) {
				if (rate[0] > 0)
					dropped[name] = add(dropped[name] ?? NOTHING);
			} else if (isChallenge(name)) {
				challenged = add(challenged);
			} else if (name !== NOT_OURS) {
				passed = add(passed);
			}
		}
	}
	return { time: Math.floor(time / 1000), passed, challenged, dropped, watched: NOTHING };
}

/** For who may not ask nodes: the sum of the busiest instances, without reasons. */
function ofInstances(reply: Reply<"DescribeTopInstances">): Sample {
	const add = (read: (row: typeof reply.Instances[number]) => Rate) => reply.Instances.map(read)
		.reduce<Rate>((a, b) => [a[0] + b[0], a[1] + b[1]], NOTHING);
	const arrived = add((row) => [row.InPacketsPerSecond, row.InBytesPerSecond]);
	const dropped = add((row) => [row.DroppedPacketsPerSecond, row.DroppedBytesPerSecond]);
	return { time: Math.floor(reply.Time / 1000), challenged: NOTHING, watched: NOTHING, dropped: dropped[0] > 0 ? { dropped } : {},
		passed: [Math.max(0, arrived[0] - dropped[0]), Math.max(0, arrived[1] - dropped[1])] };
}

// ---- one reply with all of it, where the control has it

const FIGURES = "DescribeLiveFigures";
export const hasFigures = FIGURES in actions;
type Statuses = Readonly<Record<string, number>>;
interface Requests {
	RequestsPerSecond: number; RefusedPerSecond: number; ChallengedPerSecond: number; OriginRequestsPerSecond: number; CacheHitsPerSecond: number;
	MeanMilliseconds: number; OriginMeanMilliseconds: number; Status: Statuses; OriginStatus: Statuses;
}
interface Figures {
	Time: number; Traffic: { InPacketsPerSecond: number; InBytesPerSecond: number; DroppedPacketsPerSecond: number; DroppedBytesPerSecond: number };
	Reasons: { Name: string; PacketsPerSecond: number; BytesPerSecond: number; WatchedPacketsPerSecond: number; WatchedBytesPerSecond: number }[];
	Connections: { Open: number; OpenedPerSecond: number }; Requests: Requests;
	Nodes?: { Uplinks?: Uplink[] }[];
}

/** How full the fullest line of the nodes is, in per cent each way; nothing where no speed is known. */
export function fillOf(nodes: readonly { Uplinks?: readonly Uplink[] }[]): Record<string, number> {
	const known = nodes.flatMap(({ Uplinks }) => Uplinks ?? []).filter(({ Mbps }) => Mbps > 0);
	const most = (of: (uplink: Uplink) => number) => Math.max(...known.map((uplink) => of(uplink) * 8 / uplink.Mbps / 1e4));
	return known.length > 0 ? { uplinkIn: most(({ InBytesPerSecond }) => InBytesPerSecond), uplinkOut: most(({ OutBytesPerSecond }) => OutBytesPerSecond) } : {};
}

/** Requests that were neither refused, challenged nor answered by the cache went to origins. */
function moreOf({ Connections, Requests, Nodes }: Figures): Record<string, number> {
	const more: Record<string, number> = { ...fillOf(Nodes ?? []), open: Connections.Open, opened: Connections.OpenedPerSecond, refused: Requests.RefusedPerSecond, challengedRequests: Requests.ChallengedPerSecond,
		cached: Requests.CacheHitsPerSecond, ms: Requests.MeanMilliseconds, originMs: Requests.OriginMeanMilliseconds,
		served: Math.max(0, Requests.RequestsPerSecond - Requests.RefusedPerSecond - Requests.ChallengedPerSecond - Requests.CacheHitsPerSecond) };
	for (const name of ["2xx", "3xx", "4xx", "5xx"]) {
		more[`edge${name}`] = Requests.Status[name] ?? 0;
		more[`origin${name}`] = Requests.OriginStatus[name] ?? 0;
	}
	return more;
}

async function ofFigures(id: string | undefined, signal: AbortSignal): Promise<Sample> {
	const { response, text } = await send(FIGURES, "2026-11-01", id ? { InstanceId: id } : {}, { signal });
	const figures = JSON.parse(text) as Figures & { Code?: string; Message?: string; RequestId?: string };
	if (!response.ok)
		throw new ApiError(figures.Code ?? "", figures.Message ?? "", FIGURES, response.status, figures.RequestId ?? "", "");
	const { Traffic } = figures;
	return { ...ofInstance({ ...Traffic, Time: figures.Time, Reasons: figures.Reasons.filter(({ Name }) => isDrop(Name)) } as unknown as Reply<"DescribeReasons">), more: moreOf(figures) };
}

async function read(scope: Scope, operator: boolean, signal: AbortSignal): Promise<Sample> {
	if (hasFigures && scope.kind === "instance")
		return ofFigures(scope.id, signal);
	if (hasFigures && scope.kind === "all") {
		const figures = await ofFigures(undefined, signal);
		if (!operator)
			return figures;
		// Challenges are told by nodes only.
		const nodes = ofNodes((await call("DescribeNodes", {}, { signal })).Nodes);
		return figures.more ? { ...nodes, more: figures.more } : nodes;
	}
	if (scope.kind === "instance")
		return ofInstance(await call("DescribeReasons", { InstanceId: scope.id }, { signal }));
	if (!operator)
		return ofInstances(await call("DescribeTopInstances", { PageSize: 100 }, { signal }));
	const { Nodes } = await call("DescribeNodes", {}, { signal });
	const chosen = scope.kind === "all" ? Nodes : Nodes.filter(({ NodeName }) => NodeName === scope.name);
	return { ...ofNodes(chosen), more: fillOf(chosen) };
}

/** Follows a scope; running false: what is there stays. */
export function useHistory(scope: Scope, operator: boolean, running: boolean) {
	const name = nameOf(scope);
	const followed = useFollow(running ? name : undefined, async (signal) => {
		const history = historyOf(name);
		history.add(await read(scope, operator, signal));
		return history.samples.length;
	}, EVERY_MS);
	return { history: historyOf(name), error: followed.error, loading: followed.loading };
}

// ---- all instances at once, for the wall: one call for all of them

export interface WallRow { InstanceId: string; Ip: string; Remark: string }
let wallRows: readonly WallRow[] = [];
const wallListeners = new Set<() => void>();
const wallHistories = new Map<string, History>();
export const wallHistory = (id: string) => wallHistories.get(id);
export const WALL_MAX = 100; // as many as one call tells of

export function useWall(running: boolean) {
	const list = useFollow(running ? "wall" : undefined, async (signal) =>
		(await call("DescribeInstances", { PageNumber: 1, PageSize: 50, Status: [1] }, { signal })).Instances, 30000);
	const followed = useFollow(running && list.data ? `wall ${list.data.length}` : undefined, async (signal) => {
		const reply = await call("DescribeTopInstances", { PageSize: WALL_MAX }, { signal });
		const busy = new Map(reply.Instances.map((row) => [row.InstanceId, row]));
		const rows = new Map<string, WallRow>((list.data ?? []).map((row) => [row.InstanceId, row]));
		for (const row of reply.Instances)
			if (!rows.has(row.InstanceId))
				rows.set(row.InstanceId, { Remark: "", ...row });
		for (const id of wallHistories.keys())
			if (!rows.has(id))
				wallHistories.delete(id);
		for (const id of rows.keys()) {
			const row = busy.get(id);
			if (!wallHistories.has(id))
				wallHistories.set(id, new History());
			wallHistories.get(id)!.add({ ...ofInstances({ Time: reply.Time, Instances: row ? [row] : [] } as Reply<"DescribeTopInstances">) });
		}
		wallRows = [...rows.values()];
		wallListeners.forEach((listener) => listener());
		return reply.Time;
	}, EVERY_MS);
	const rows = useSyncExternalStore((listener) => {
		wallListeners.add(listener);
		return () => void wallListeners.delete(listener);
	}, () => wallRows);
	return { rows, time: followed.data ?? 0, error: list.error ?? followed.error, loading: list.loading || followed.loading };
}
