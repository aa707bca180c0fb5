// SPDX-License-Identifier: BSD-2-Clause
// The API Explorer: a list of actions, the form of one, and beside it request, reply, code, documents, errors, history.
// Which action it is, and what a link filled in, is in the address; what was typed stays in the tab's memory.
import { useEffect, useMemo, useState } from "react";
import { Tab, TabList, TabPanel, Tabs, ToggleButton, ToggleButtonGroup } from "react-aria-components";
import { machineNow } from "../../api/client";
import { useCall } from "../../api/hooks";
import { mayCall, useCaller } from "../../api/session";
import { Badge, Button, Card, DangerDialog, Empty, LinkButton, Loading, Notice, PageHead, toast } from "../../components";
import { type Exchange, type How } from "../../explorer/call";
import { exampleValues, emptyValue, pairsOf, problems as problemsOf, shareLink, unflatten, type Values } from "../../explorer/form";
import { findAction, isDangerous, objectOf, type Action } from "../../explorer/schema";
import type { ActionName } from "../../gen/actions";
import { useTexts } from "../../i18n";
import { explorer } from "../../i18n/explorer";
import { go, href, type Route } from "../../router";
import { CodeView } from "./code";
import { DocsView, ErrorsView } from "./docs";
import { ActionForm, type Known } from "./fields";
import { DiagnoseView, HistoryView } from "./history";
import { ActionList } from "./list";
import { RequestView, usePreview } from "./request";
import { ResponseView } from "./response";
import { kept, perform, setHow, useActions, useHistory, useHow } from "./state";
import "./explorer.css";

/** Ids that exist, and an example of each for what has none. */
function useKnown(): Known {
	const instances = useCall("DescribeInstanceIds", {});
	const domains = useCall("DescribeDomains", {});
	return useMemo(() => {
		const ids = ((instances.data as { InstanceIds?: { InstanceId: string }[] } | undefined)?.InstanceIds ?? []).map((row) => row.InstanceId);
		const names = (domains.data as { Domains?: string[] } | undefined)?.Domains ?? [];
		return { instances: ids, domains: names, nowMs: machineNow(), sample: { instance: ids[0] ?? "ddoscoo-cn-0000000000",
			domain: names[0] ?? "www.example.com", address: "203.0.113.10" } };
	}, [instances.data, domains.data]);
}

function HowRow() {
	const t = useTexts(explorer);
	const how = useHow();
	const one = <K extends keyof How>(name: K, label: string, choices: readonly How[K][]) =>
		<ToggleButtonGroup className="x-toggle" aria-label={label} selectionMode="single" disallowEmptySelection selectedKeys={[how[name]]}
			onSelectionChange={(keys) => { for (const key of keys) setHow({ [name]: key }); }}>
			{choices.map((choice) => <ToggleButton key={choice} id={choice} className="x-toggle-item">{choice}</ToggleButton>)}
		</ToggleButtonGroup>;
	return <div className="row x-how">{one("form", t("signature"), ["V3", "V1"])}{one("method", t("method"), ["POST", "GET"])}
		{one("format", t("format"), ["JSON", "XML"])}</div>;
}

function valuesFor(action: Action, query: URLSearchParams): Values {
	if ([...query].length > 0)
		return unflatten(action, [...query].slice(0, 1000));
	return kept.get(action.name) ?? Object.fromEntries(action.parameters.map((param) => [param.name, emptyValue(param)]));
}

function ActionHead({ action }: { action: Action }) {
	const t = useTexts(explorer);
	return <header className="stack x-action-head">
		<h2 className="x-name">{action.name}</h2>
		<p>{action.summary}</p>
		<div className="row"><Badge tone={action.mode === "write" ? "warn" : "info"}>{t(action.mode)}</Badge>
			<Badge tone="neutral">{action.version}</Badge>
			{action.permission === "operator" && <Badge tone="neutral">{t("needs", { permission: action.permission })}</Badge>}
			{isDangerous(action, []) && <Badge tone="bad">{t("danger")}</Badge>}</div>
	</header>;
}

function Workbench({ action, route, known, hasDiagnosis, hasErrors }: { action: Action; route: Route; known: Known; hasDiagnosis: boolean;
	hasErrors: boolean }) {
	const t = useTexts(explorer);
	const caller = useCaller();
	const how = useHow();
	const [values, setValues] = useState<Values>(() => valuesFor(action, route.query));
	const [tab, setTab] = useState("request");
	const [tried, setTried] = useState(false);
	const [busy, setBusy] = useState(false);
	const [guard, setGuard] = useState(false);
	const [exchange, setExchange] = useState<Exchange>();
	const [failure, setFailure] = useState<string>();
	const [suspect, setSuspect] = useState({ callId: "", text: "", n: 0 });
	const pairs = useMemo(() => pairsOf(action, values), [action, values]);
	const problems = useMemo(() => problemsOf(action, values), [action, values]);
	const preview = usePreview(action, pairs, how);
	const fresh = exchange && exchange.pairs === pairs && exchange.how === how;
	useEffect(() => kept.set(action.name, values), [action.name, values]);

	const run = async (by: How) => {
		setBusy(true);
		setFailure(undefined);
		setTried(true);
		try {
			setExchange(await perform(action, pairs, by));
		} catch (error) {
			setFailure(error instanceof Error ? error.message : String(error));
		}
		setBusy(false);
		setTab("response");
	};
	const press = () => (isDangerous(action, pairs) ? setGuard(true) : void run(how));
	const share = () => {
		const link = shareLink(action, values);
		if (!link)
			return toast.done(t("tooLong"));
		void navigator.clipboard.writeText(`${location.origin}${location.pathname}${link}`).then(() => toast.done(t("shared")));
	};
	const again = (format: How["format"]) => { setHow({ format }); void run({ ...how, format }); };
	const open = (old: Exchange, replay: boolean) => {
		setHow(old.how);
		kept.set(old.action.name, unflatten(old.action, old.pairs));
		if (old.action.name !== action.name)
			return go("explorer", old.action.name);
		setValues(unflatten(old.action, old.pairs));
		setExchange(old);
		setTab(replay ? "request" : "response");
	};
	const replay = (old: Exchange) => {
		open(old, true);
		if (old.action.name === action.name && !isDangerous(old.action, old.pairs)) {
			setBusy(true);
			void perform(old.action, old.pairs, old.how).then((next) => { setExchange(next); setTab("response"); },
				(error) => setFailure(String(error))).finally(() => setBusy(false));
		}
	};
	const allowed = mayCall(caller, action.name as ActionName);
	const tabs = (["request", "response", "code", "docs", "errors", "history", "diagnose"] as const)
		.filter((id) => (id !== "diagnose" || hasDiagnosis) && (id !== "errors" || hasErrors));
	return <>
		<section className="card x-form" aria-label={t("parameters")}>
			<ActionHead action={action} />
			<div className="row x-tools">
				<Button look="quiet" onPress={() => setValues(exampleValues(action, { ...known.sample, nowMs: machineNow() }))}>{t("example")}</Button>
				<Button look="quiet" onPress={() => { setValues(unflatten(action, [])); setTried(false); }}>{t("clear")}</Button>
				<Button look="quiet" onPress={share}>{t("share")}</Button>
			</div>
			<form className="form" onSubmit={(event) => { event.preventDefault(); if (!busy && allowed) press(); }}>
				<ActionForm action={action} values={values} problems={problems} tried={tried} known={known} onChange={setValues} />
				{!allowed && <Notice tone="warn">{t("notAllowed")}</Notice>}
				{tried && problems.length > 0 && <Notice tone="warn">{t("problems", { n: problems.length })}</Notice>}
				<div className="x-send"><HowRow />
					<Button type="submit" look={isDangerous(action, pairs) ? "danger" : "primary"} busy={busy} isDisabled={!allowed}>
						{tried && problems.length > 0 ? t("callAnyway") : t("call")}</Button></div>
			</form>
		</section>
		<section className="card x-result">
			<Tabs className="tabs" selectedKey={tab} onSelectionChange={(key) => setTab(String(key))}>
				<TabList className="tab-list" aria-label={action.name}>
					{tabs.map((id) => <Tab key={id} id={id} className="tab x-tab">{t(id)}</Tab>)}
				</TabList>
				<TabPanel id="request" className="tab-panel"><RequestView signed={preview} exchange={fresh ? exchange : undefined} /></TabPanel>
				<TabPanel id="response" className="tab-panel"><ResponseView exchange={exchange} failure={failure} onAgain={again}
					onDiagnose={hasDiagnosis ? (callId, text) => { setSuspect({ callId, text, n: suspect.n + 1 }); setTab("diagnose"); } : undefined} /></TabPanel>
				<TabPanel id="code" className="tab-panel"><CodeView action={action} pairs={pairs} /></TabPanel>
				<TabPanel id="docs" className="tab-panel"><DocsView action={action} /></TabPanel>
				{hasErrors && <TabPanel id="errors" className="tab-panel"><ErrorsView action={action} /></TabPanel>}
				<TabPanel id="history" className="tab-panel"><HistoryView onOpen={(old) => open(old, false)} onReplay={replay} /></TabPanel>
				{hasDiagnosis && <TabPanel id="diagnose" className="tab-panel"><DiagnoseView key={suspect.n} first={suspect} /></TabPanel>}
			</Tabs>
		</section>
		<DangerDialog title={t("confirmTitle", { name: action.name })} open={guard} onClose={() => setGuard(false)} name={objectOf(action, pairs)}
			instanceId={known.instances.find((id) => pairs.some(([, value]) => value === id)) ?? ""} submit={t("call")} act={() => run(how)}>
			<p>{t("confirmText")}</p></DangerDialog>
	</>;
}

/** Where people begin: some actions, what they called before, a call that failed elsewhere. */
const FIRST = ["DescribeInstances", "CreateInstance", "CreatePort", "CreateWebRule", "DescribeTraffic", "ReleaseInstance"];

function Welcome({ actions, name }: { actions: readonly Action[]; name: string }) {
	const t = useTexts(explorer);
	const history = useHistory();
	const open = (old: Exchange) => {
		setHow(old.how);
		kept.set(old.action.name, unflatten(old.action, old.pairs));
		go("explorer", old.action.name);
	};
	return <div className="x-welcome stack">
		<Empty title={name ? t("noSuch", { name }) : t("choose")} action={<div className="x-first">{FIRST.filter((id) => findAction(actions, id))
			.map((id) => <LinkButton key={id} to={href("explorer", id)}>{id}</LinkButton>)}</div>}>{t("chooseHint", { n: actions.length })}</Empty>
		{findAction(actions, "DiagnoseRequest") && <Card title={t("diagnose")}><DiagnoseView first={{ callId: "", text: "" }} /></Card>}
		{history.length > 0 && <Card title={t("history")}><HistoryView onOpen={open} onReplay={open} /></Card>}
	</div>;
}

export default function ExplorerPage({ route }: { route: Route }) {
	const t = useTexts(explorer);
	const actions = useActions();
	const known = useKnown();
	const name = route.path[1] ?? "";
	if (!actions)
		return <Loading />;
	const action = findAction(actions, name);
	return <>
		<PageHead title={t("title")} hint={action ? undefined : t("hint")} />
		<div className={`x-page${action ? " chosen" : ""}`}>
			<div className="card x-side"><ActionList actions={actions} current={name} /></div>
			{action ? <>
				<a className="x-back" href={href("explorer")}>← {t("toList")}</a>
				<Workbench key={`${name}?${route.query}`} action={action} route={route} known={known}
					hasDiagnosis={findAction(actions, "DiagnoseRequest") !== undefined}
					hasErrors={findAction(actions, "DescribeErrors") !== undefined} />
			</> : <Welcome actions={actions} name={name} />}
		</div>
	</>;
}
