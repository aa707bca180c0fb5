// SPDX-License-Identifier: BSD-2-Clause
// Light or dark: the system's choice unless the reader made one. Kept in this browser; it is no secret.
import { createStore, useStore } from "./store";

export type Theme = "system" | "light" | "dark";
const KEPT = "polder.theme";
const kept = localStorage.getItem(KEPT);
const theme = createStore<Theme>(kept === "light" || kept === "dark" ? kept : "system");
const system = matchMedia("(prefers-color-scheme: dark)");

function apply() {
	const now = theme.get();
	document.documentElement.dataset.theme = now === "system" ? system.matches ? "dark" : "light" : now;
}

apply();
system.addEventListener("change", apply);
theme.subscribe(apply);

export const useTheme = () => useStore(theme);
export function setTheme(next: Theme) {
	localStorage.setItem(KEPT, next);
	theme.set(next);
}

/** Which of the two is shown now; plots redraw when it changes. */
const shown = createStore<"light" | "dark">(document.documentElement.dataset.theme as "light" | "dark");
new MutationObserver(() => shown.set(document.documentElement.dataset.theme as "light" | "dark"))
	.observe(document.documentElement, { attributeFilter: ["data-theme"] });
export const useShownTheme = () => useStore(shown);
