// SPDX-License-Identifier: BSD-2-Clause
// The console's pages: one row each. A row is the entry in the navigation, the address behind "#/", who may see it, and
// where its code is, which is fetched when it is first shown.
import type { ComponentType } from "react";
import { actions, type Permission } from "../gen/actions";
import type { Text } from "../i18n";
import { shell } from "../i18n/shell";
import type { Route } from "../router";

export type Group = "watch" | "protect" | "examine" | "manage";
export const groups: readonly Group[] = ["watch", "protect", "examine", "manage"];

/** A page gets its route: path[0] is its id, what follows is its own. */
export type PageComponent = ComponentType<{ route: Route }>;

export interface Page {
	id: string;
	group: Group;
	title: Text;
	/** The least permission that sees it. */
	needs: Permission;
	/** Only in a lab, whose drills the caller may start. */
	lab?: true;
	/** Path of a 24x24 line drawing. */
	icon: string;
	load: () => Promise<{ default: PageComponent }>;
}

export const pages: readonly Page[] = [
	{ id: "overview", group: "watch", title: shell.overview, needs: "read-only",
		icon: "M4 13h6V4H4zM14 9h6V4h-6zM14 20h6v-7h-6zM4 20h6v-3H4z", load: () => import("./overview") },
	{ id: "live", group: "watch", title: shell.live, needs: "read-only",
		icon: "M3 12h4l3-8 4 16 3-8h4", load: () => import("./live") },
	{ id: "events", group: "watch", title: shell.events, needs: "read-only",
		icon: "M6 4v16M6 7h11l-2 3 2 3H6", load: () => import("./events") },
	{ id: "drill", group: "watch", title: shell.drill, needs: "operator", lab: true,
		icon: "M12 3v4M12 17v4M3 12h4M17 12h4M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8z", load: () => import("./drill") },
	{ id: "instances", group: "protect", title: shell.instances, needs: "read-only",
		icon: "M12 3l8 3v6c0 5-3.4 8.2-8 9.5C7.4 20.2 4 17 4 12V6zM9 12l2 2 4-4", load: () => import("./instances") },
	{ id: "ports", group: "protect", title: shell.ports, needs: "read-only",
		icon: "M4 8h12M12 4l4 4-4 4M20 16H8M12 12l-4 4 4 4", load: () => import("./ports") },
	{ id: "mitigation", group: "protect", title: shell.mitigation, needs: "read-only",
		icon: "M4 5h16l-6 8v6l-4-2v-4z", load: () => import("./mitigation") },
	{ id: "websites", group: "protect", title: shell.websites, needs: "read-only",
		icon: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18", load: () => import("./websites") },
	{ id: "sitemitigation", group: "protect", title: shell.sitemitigation, needs: "read-only",
		icon: "M4 4h16v5H4zM4 9v11h7M8 14h3M15 13l4 1.5v2.5c0 2-1.6 3.3-4 4c-2.4-.7-4-2-4-4v-2.5z", load: () => import("./sitemitigation") },
	{ id: "scenes", group: "protect", title: shell.scenes, needs: "read-only",
		icon: "M4 6h16v14H4zM8 3v5M16 3v5M4 11h16M12 14v3h3", load: () => import("./scenes") },
	// Only where the control has them.
	...("StartAccessLogQuery" in actions ? [{ id: "logs", group: "examine", title: shell.logs, needs: "read-only",
		icon: "M5 4h14v16H5zM8 8h8M8 12h8M8 16h5", load: () => import("./logs") } as const] : []),
	{ id: "explorer", group: "examine", title: shell.explorer, needs: "read-only",
		icon: "M8 8l-4 4 4 4M16 8l4 4-4 4M13.5 6l-3 12", load: () => import("./explorer") },
	{ id: "audit", group: "examine", title: shell.audit, needs: "read-only",
		icon: "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5", load: () => import("./audit") },
	{ id: "errors", group: "examine", title: shell.errors, needs: "read-only",
		icon: "M12 3l9 16H3zM12 9v5M12 16.5v.5", load: () => import("./errors") },
	{ id: "settings", group: "manage", title: shell.settings, needs: "read-only",
		icon: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5", load: () => import("./settings") },
];
