// SPDX-License-Identifier: BSD-2-Clause
// The choice of countries: those chosen as tags, all others found by their name in the reader's language or by code.
import { useMemo, useState } from "react";
import { countries } from "../gen/tables";
import { useLanguage, useTexts, type Language } from "../i18n";
import { countryTexts } from "../i18n/countries";
import { common } from "../i18n/common";
import { Field } from "./fields";
import "./countries.css";

const FOUND_MAX = 40;

/** What a web site's areas are called beside two letters of a country. */
export const AREAS = { "CN-HONGKONG": "HK", "CN-MACAO": "MO", "CN-TAIWAN": "TW" } as const;

export function countryName(code: string, language: Language): string {
	const plain = (AREAS as Record<string, string>)[code] ?? code;
	try {
		const name = new Intl.DisplayNames([language === "zh" ? "zh-CN" : "en-GB"], { type: "region" }).of(plain);
		if (name && name !== plain)
			return name;
	} catch { /* not a code that browsers know */ }
	return countries.find((row) => row.code === plain)?.name ?? code;
}

export function CountryChoice({ label, value, onChange, codes = countries.map(({ code }) => code), isDisabled }: {
	label: string; value: readonly string[]; onChange: (value: string[]) => void; codes?: readonly string[]; isDisabled?: boolean }) {
	const t = useTexts(countryTexts);
	const tc = useTexts(common);
	const language = useLanguage();
	const [search, setSearch] = useState("");
	const named = useMemo(() => codes.map((code) => ({ code, name: countryName(code, language) })).sort((a, b) => a.name.localeCompare(b.name, language)), [codes, language]);
	const wanted = search.trim().toLowerCase();
	const found = wanted === "" ? [] : named.filter(({ code, name }) => !value.includes(code) && (name.toLowerCase().includes(wanted) || code.toLowerCase() === wanted));
	return <div className="countries" role="group" aria-label={label}>
		<div className="label">{label}</div>
		<ul className="tags">{value.length === 0 && <li className="quiet-text">{t("none")}</li>}
			{value.map((code) => <li key={code} className="tag">{countryName(code, language)}
				{!isDisabled && <button type="button" aria-label={`${tc("remove")}: ${countryName(code, language)}`} onClick={() => onChange(value.filter((other) => other !== code))}>×</button>}</li>)}</ul>
		{!isDisabled && <>
			<Field label={t("find")} value={search} onChange={setSearch} placeholder={t("example")} type="search" />
			{wanted !== "" && <ul className="found" aria-live="polite">{found.length === 0 && <li className="quiet-text">{t("nothing")}</li>}
				{found.slice(0, FOUND_MAX).map(({ code, name }) => <li key={code}><button type="button" className="button" onClick={() => { onChange([...value, code]); setSearch(""); }}>+ {name}</button></li>)}</ul>}
		</>}
	</div>;
}
