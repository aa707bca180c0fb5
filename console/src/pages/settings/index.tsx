// SPDX-License-Identifier: BSD-2-Clause
// Settings: who one is; for operators also users, keys, accounts and nodes. "#/settings/TAB".
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { mayBe, useCaller } from "../../api/session";
import { PageHead } from "../../components";
import { useTexts } from "../../i18n";
import { settings as texts } from "../../i18n/settings";
import { go, type Route } from "../../router";
import { NodesCard } from "../overview/nodes";
import { Accounts } from "./accounts";
import { Keys } from "./keys";
import { Users } from "./users";
import { You } from "./you";
import "./settings.css";

export default function SettingsPage({ route }: { route: Route }) {
	const t = useTexts(texts);
	const caller = useCaller();
	const operator = mayBe(caller, "operator");
	const tabs = operator ? ["you", "users", "keys", "accounts", "nodes"] as const : ["you"] as const;
	const chosen = tabs.find((tab) => tab === route.path[1]) ?? "you";
	return <>
		<PageHead title={t("title")} />
		<Tabs className="tabs" selectedKey={chosen} onSelectionChange={(tab) => go("settings", String(tab))}>
			<TabList className="tab-list" aria-label={t("title")}>{tabs.map((tab) => <Tab key={tab} id={tab} className="tab">{t(tab)}</Tab>)}</TabList>
			<TabPanel id="you" className="tab-panel"><You /></TabPanel>
			{operator && <TabPanel id="users" className="tab-panel"><Users /></TabPanel>}
			{operator && <TabPanel id="keys" className="tab-panel"><Keys /></TabPanel>}
			{operator && <TabPanel id="accounts" className="tab-panel"><Accounts /></TabPanel>}
			{operator && <TabPanel id="nodes" className="tab-panel"><NodesCard wide /></TabPanel>}
		</Tabs>
	</>;
}
