// SPDX-License-Identifier: BSD-2-Clause
// The feed of events: what came after the last number seen, kept within a bound, newest first.
import type { PolderEvent } from "../../api/replies";

export const KEPT_MAX = 500;

export interface Feed { events: readonly PolderEvent[]; next: number; /** Events with a higher number came while the page was open. */ since: number }

export const emptyFeed: Feed = { events: [], next: 0, since: 0 };

export function add(feed: Feed, events: readonly PolderEvent[], next: number): Feed {
	const fresh = events.filter((event) => event.Number > feed.next).sort((a, b) => b.Number - a.Number);
	if (fresh.length === 0)
		return feed;
	return { events: [...fresh, ...feed.events].slice(0, KEPT_MAX), next: Math.max(feed.next, next, fresh[0]!.Number), since: feed.since };
}

/** Those about expiry carry the life cycle's time, all others the machine's. */
const LIFE = new Set(["expired", "stopped", "released", "renewed", "expiring", "automatic_release_paused"]);
export const isLife = (kind: string) => LIFE.has(kind) || kind.startsWith("expir");

/** What a detail says, one name and value after the other. A text that is no JSON is itself. */
export function facts(detail: string): readonly (readonly [name: string, value: string | number])[] {
	if (detail === "")
		return [];
	try {
		const read = JSON.parse(detail) as unknown;
		if (read && typeof read === "object" && !Array.isArray(read))
			return Object.entries(read).map(([name, value]) => [name, typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value)] as const);
	} catch { /* a text */ }
	return [["", detail]];
}

/** Milliseconds of a time in a detail, by its size: between 2001 and 2286. */
export const isTime = (name: string, value: string | number): value is number => typeof value === "number" && value > 1e12 && value < 1e13 && /time|until|from|begin|end|since/i.test(name);
