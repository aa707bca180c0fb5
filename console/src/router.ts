// SPDX-License-Identifier: BSD-2-Clause
// Addresses within the console are behind the #: "#/instances/ID?tab=plan". They never reach the server.
import { createStore, useStore } from "./store";

export interface Route {
	/** Parts between the slashes, decoded: ["instances", "ID"]. */
	readonly path: readonly string[];
	readonly query: URLSearchParams;
}

function parse(hash: string): Route {
	const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
	const parts = path.split("/").filter(Boolean).map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});
	return { path: parts, query: new URLSearchParams(query) };
}

const current = createStore<Route>(parse(location.hash));
window.addEventListener("hashchange", () => current.set(parse(location.hash)));

export const useRoute = () => useStore(current);

/** href("instances", id) is "#/instances/ID". */
export function href(...parts: (string | Readonly<Record<string, string>>)[]): string {
	const query = parts.find((part) => typeof part !== "string");
	const path = parts.filter((part) => typeof part === "string").map(encodeURIComponent).join("/");
	return `#/${path}${query ? `?${new URLSearchParams(query)}` : ""}`;
}

/** Another query at the same address, without a new entry in the browser's history: what a list shows while one types. "" leaves a name out. */
export function amend(query: Readonly<Record<string, string>>) {
	const { path, query: before } = current.get();
	const next = new URLSearchParams(before);
	for (const [name, value] of Object.entries(query))
		if (value === "")
			next.delete(name);
		else
			next.set(name, value);
	history.replaceState(null, "", href(...path, ...(next.size > 0 ? [Object.fromEntries(next)] : [])));
	current.set(parse(location.hash));
}

export function go(...parts: Parameters<typeof href>) {
	location.hash = href(...parts);
}
