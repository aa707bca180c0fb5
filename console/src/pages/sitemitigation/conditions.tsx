// SPDX-License-Identifier: BSD-2-Clause
// Conditions of a rule: the fields of the control's own table, with the methods that are for each.
import { Button, Field, SelectField } from "../../components";
import { webFields } from "../../gen/tables";
import { format, currentLanguage, useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { siteTexts } from "../../i18n/sitemitigation";
import { hasContent, methodsOf, type Condition } from "./replies";

const CONDITIONS_MAX = 8;
export const methodName = (method: string) => {
	const text = (siteTexts as Record<string, readonly [string, string]>)[`m.${method}`];
	return text ? format(text, currentLanguage()) : method;
};
export const conditionText = (list: readonly Condition[]) => list.map(({ Field, HeaderName, MatchMethod, Content, ContentList }) =>
	`${Field}${HeaderName && ` ${HeaderName}`} ${methodName(MatchMethod)} ${ContentList.length > 0 ? ContentList.join(", ") : Content}`.trim()).join(" · ");
export const emptyCondition: Condition = { Field: "uri", MatchMethod: "contain", HeaderName: "", Content: "", ContentList: [] };

export function Conditions({ value, onChange, least }: { value: readonly Condition[]; onChange: (value: Condition[]) => void; least: number }) {
	const t = useTexts(siteTexts);
	const tc = useTexts(common);
	const change = (at: number, part: Partial<Condition>) => onChange(value.map((row, i) => i === at ? { ...row, ...part } : row));
	return <div className="stack" role="group" aria-label={t("conditions")}>
		<div className="label">{t("conditions")}</div>
		{value.map((row, i) => <div key={i} className="condition">
			<SelectField label={t("field")} value={row.Field} onChange={(Field) => change(i, { Field, HeaderName: "", MatchMethod: methodsOf(Field).includes(row.MatchMethod) ? row.MatchMethod : methodsOf(Field)[0]! })}
				choices={webFields.map(({ name, enhanced }) => ({ id: name, label: enhanced ? `${name} (${t("enhancedOnly")})` : name }))} />
			<SelectField label={t("method")} value={row.MatchMethod} onChange={(MatchMethod) => change(i, { MatchMethod })} choices={methodsOf(row.Field).map((id) => ({ id, label: methodName(id) }))} />
			{row.Field === "header" && <Field label={t("header")} value={row.HeaderName} onChange={(HeaderName) => change(i, { HeaderName })} required />}
			{hasContent(row.MatchMethod) && <Field label={t("content")} value={row.ContentList.length > 0 ? row.ContentList.join(", ") : row.Content} onChange={(Content) => change(i, { Content, ContentList: [] })} required />}
			{value.length > least && <Button look="quiet" onPress={() => onChange(value.filter((_, at) => at !== i))}>{tc("remove")}</Button>}
		</div>)}
		{value.length < CONDITIONS_MAX && <div><Button onPress={() => onChange([...value, emptyCondition])}>{t("addCondition")}</Button></div>}
	</div>;
}
