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

export function go(...parts: Parameters<typeof href>) {
	location.hash = href(...parts);
}
