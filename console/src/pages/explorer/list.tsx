// SPDX-License-Identifier: BSD-2-Clause
// The list of actions: search, filters, groups.
import { useMemo, useState } from "react";
import { SearchField, Input, Label, ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { SelectField } from "../../components";
import { everything, groupsOf, search, type Action, type Filter } from "../../explorer/schema";
import { format, useLanguage, useTexts } from "../../i18n";
import { explorer, groupNames } from "../../i18n/explorer";
import { href } from "../../router";

export function ActionList({ actions, current }: { actions: readonly Action[]; current: string }) {
	const t = useTexts(explorer);
	const language = useLanguage();
	const groupName = (id: string) => (groupNames[id] ? format(groupNames[id], language) : id);
	const [filter, setFilter] = useState<Filter>(everything);
	const found = useMemo(() => search(actions, filter), [actions, filter]);
	const groups = useMemo(() => groupsOf(found), [found]);
	const change = (next: Partial<Filter>) => setFilter({ ...filter, ...next });
	return <div className="x-list">
		<SearchField className="field" value={filter.words} onChange={(words) => change({ words })}>
			<Label className="label">{t("searchLabel")}</Label>
			<Input className="input" placeholder={t("searchHint")} spellCheck={false} />
		</SearchField>
		<div className="row x-filters">
			<ToggleButtonGroup className="x-toggle" aria-label={t("mode")} selectionMode="single" disallowEmptySelection
				selectedKeys={[filter.mode]} onSelectionChange={(keys) => { for (const key of keys) change({ mode: key as Filter["mode"] }); }}>
				<ToggleButton id="all" className="x-toggle-item">{t("all")}</ToggleButton>
				<ToggleButton id="read" className="x-toggle-item">{t("reads")}</ToggleButton>
				<ToggleButton id="write" className="x-toggle-item">{t("writes")}</ToggleButton>
			</ToggleButtonGroup>
			<span className="quiet-text" aria-live="polite">{t("found", { n: found.length })}</span>
		</div>
		<SelectField label={t("group")} hideLabel value={filter.group || "all"} onChange={(id) => change({ group: id === "all" ? "" : id })}
			choices={[{ id: "all", label: t("allGroups") }, ...groupsOf(actions).map((id) => ({ id, label: groupName(id) }))]} />
		{found.length === 0 && <p className="quiet-text">{t("nothing")}</p>}
		<nav className="x-groups" aria-label={t("actions")} tabIndex={0}>
			{groups.map((group) => <div key={group}>
				<h3 className="x-group">{groupName(group)}</h3>
				<ul>{found.filter((action) => action.group === group).map((action) => <li key={action.name}>
					<a href={href("explorer", action.name)} aria-current={action.name === current ? "page" : undefined} title={action.summary}>
						<span className={`x-mark ${action.mode}`} aria-hidden="true" />{action.name}
						<span className="visually-hidden"> ({t(action.mode)})</span></a>
				</li>)}</ul>
			</div>)}
		</nav>
	</div>;
}
