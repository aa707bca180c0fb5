// SPDX-License-Identifier: BSD-2-Clause
// Mitigation of an instance: "#/mitigation/INSTANCE?tab=lists".
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { mayBe, useCaller } from "../../api/session";
import { ErrorNotice, LinkButton, Loading, PageHead } from "../../components";
import { InstanceSelect, NoInstance, useInstances } from "../../components/settings";
import { useTexts } from "../../i18n";
import { mitigation as texts } from "../../i18n/mitigation";
import { shell } from "../../i18n/shell";
import { go, href, type Route } from "../../router";
import { Capture, Explain } from "./examine";
import { Automatic, Away, Limits } from "./limits";
import { List } from "./lists";
import { Modes } from "./modes";
import { Patterns, Reflection, Regions } from "./sources";
import "./mitigation.css";

const TABS = ["modes", "lists", "sources", "limits", "examine"] as const;

export default function MitigationPage({ route }: { route: Route }) {
	const t = useTexts(texts);
	const ts = useTexts(shell);
	const readOnly = !mayBe(useCaller(), "full");
	const { id, instance, instances, total, followed } = useInstances(route.path[1]);
	const tab = route.query.get("tab") ?? "modes";
	if (!id)
		return <><PageHead title={ts("mitigation")} hint={t("hint")} /><ErrorNotice error={followed.error} />{followed.loading ? <Loading /> : !followed.error && <NoInstance />}</>;
	return <>
		<PageHead title={ts("mitigation")} hint={t("hint")} actions={<LinkButton to={href("live", id)}>{ts("live")}</LinkButton>} />
		<ErrorNotice error={followed.error} />
		<InstanceSelect id={id} instance={instance} instances={instances} total={total} onChange={(next) => go("mitigation", next, { tab })} />
		<Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => go("mitigation", id, { tab: String(key) })} key={id}>
			<TabList className="tab-list" aria-label={ts("mitigation")}>{TABS.map((name) => <Tab key={name} id={name} className="tab">{t(name)}</Tab>)}</TabList>
			<TabPanel id="modes" className="tab-panel"><Modes id={id} wanted={route.query.get("reason") ?? undefined} readOnly={readOnly} /></TabPanel>
			<TabPanel id="lists" className="tab-panel"><List id={id} kind="block" readOnly={readOnly} /><List id={id} kind="allow" readOnly={readOnly} /></TabPanel>
			<TabPanel id="sources" className="tab-panel"><Regions id={id} readOnly={readOnly} /><Reflection id={id} readOnly={readOnly} /><Patterns id={id} readOnly={readOnly} /></TabPanel>
			<TabPanel id="limits" className="tab-panel"><Limits id={id} readOnly={readOnly} /><Automatic id={id} readOnly={readOnly} /><Away id={id} readOnly={readOnly} /></TabPanel>
			<TabPanel id="examine" className="tab-panel">{instance && <Explain ip={instance.Ip} />}{!readOnly && <Capture id={id} />}</TabPanel>
		</Tabs>
	</>;
}
