// SPDX-License-Identifier: BSD-2-Clause
// The console's pages: one row each. A row is the entry in the navigation, the address behind "#/", who may see it, and
// where its code is, which is fetched when it is first shown.
import type { ComponentType } from "react";
import type { Permission } from "../gen/actions";
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
	/** Path of a 24x24 line drawing. */
	icon: string;
	load: () => Promise<{ default: PageComponent }>;
}

export const pages: readonly Page[] = [
	{ id: "overview", group: "watch", title: shell.overview, needs: "read-only",
		icon: "M4 13h6V4H4zM14 9h6V4h-6zM14 20h6v-7h-6zM4 20h6v-3H4z", load: () => import("./overview") },
	{ id: "instances", group: "protect", title: shell.instances, needs: "read-only",
		icon: "M12 3l8 3v6c0 5-3.4 8.2-8 9.5C7.4 20.2 4 17 4 12V6zM9 12l2 2 4-4", load: () => import("./instances") },
];
