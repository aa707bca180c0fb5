// SPDX-License-Identifier: BSD-2-Clause
// Texts in English and Chinese. Each area has a file of its own beside this one:
//
//	export const texts = section({ title: ["Instances", "实例"], left: ["{n} days left", "还剩 {n} 天"] });
//	const t = useTexts(texts);   t("title")   t("left", { n: 3 })
//
// A text without its translation does not compile, nor does the use of a key that is not there. A page's texts
// travel with the page, so the first load carries only the shell's.
import { createStore, useStore } from "../store";

export const languages = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof languages;
export type Text = readonly [en: string, zh: string];

const KEPT = "polder.language";

function first(): Language {
	const kept = localStorage.getItem(KEPT);
	if (kept === "en" || kept === "zh")
		return kept;
	return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

const language = createStore<Language>(first());
const apply = () => document.documentElement.lang = language.get() === "zh" ? "zh-CN" : "en";
apply();

export const useLanguage = () => useStore(language);
export const currentLanguage = () => language.get();
export function setLanguage(next: Language) {
	localStorage.setItem(KEPT, next);
	language.set(next);
	apply();
}

export function section<K extends string>(texts: Record<K, Text>): Record<K, Text> {
	return texts;
}

export type Values = Readonly<Record<string, string | number>>;

export function format(text: Text, inLanguage: Language, values?: Values): string {
	const chosen = text[inLanguage === "zh" ? 1 : 0];
	return values ? chosen.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all)) : chosen;
}

export function useTexts<K extends string>(texts: Record<K, Text>): (key: K, values?: Values) => string {
	const now = useLanguage();
	return (key, values) => format(texts[key], now, values);
}

/** Outside of components. */
export const text = (chosen: Text, values?: Values) => format(chosen, language.get(), values);
