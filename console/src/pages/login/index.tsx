// SPDX-License-Identifier: BSD-2-Clause
// Log-in: a user's password or an access key, exchanged for a session key.
import { useState, type FormEvent } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { useAct } from "../../api/hooks";
import { logIn, type Caller, type Login } from "../../api/session";
import { ViewMenu } from "../../app";
import { Button, ErrorNotice, Field, Notice } from "../../components";
import { useTexts } from "../../i18n";
import { shell } from "../../i18n/shell";

/** The fields of either way to prove who one is; also asked for before users and keys are changed. */
export function CredentialFields({ login, onChange }: { login: Login; onChange: (login: Login) => void }) {
	const t = useTexts(shell);
	return <Tabs className="tabs" selectedKey={login.kind}
		onSelectionChange={(kind) => onChange(kind === "key" ? { kind: "key", id: "", secret: "" } : { kind: "password", name: "", password: "" })}>
		<TabList className="tab-list" aria-label={t("loginTitle")}>
			<Tab id="password" className="tab">{t("byPassword")}</Tab>
			<Tab id="key" className="tab">{t("byKey")}</Tab>
		</TabList>
		<TabPanel id="password" className="tab-panel">{login.kind === "password" && <>
			<Field label={t("user")} value={login.name} onChange={(name) => onChange({ ...login, name })} required autoComplete="username" name="name" />
			<Field label={t("password")} type="password" value={login.password} required name="password"
				onChange={(password) => onChange({ ...login, password })} autoComplete="current-password" />
		</>}</TabPanel>
		<TabPanel id="key" className="tab-panel">{login.kind === "key" && <>
			<Field label={t("keyId")} value={login.id} onChange={(id) => onChange({ ...login, id })} required name="id" />
			<Field label={t("keySecret")} type="password" value={login.secret} required name="secret" help={t("keyHint")}
				onChange={(secret) => onChange({ ...login, secret })} />
		</>}</TabPanel>
	</Tabs>;
}

export const isComplete = (login: Login) => login.kind === "key" ? login.id !== "" && login.secret !== ""
	: login.name !== "" && login.password !== "";

export const trimmed = (login: Login): Login => login.kind === "key" ? { ...login, id: login.id.trim(), secret: login.secret.trim() }
	: { ...login, name: login.name.trim() };

export function LoginPage({ why, kept }: { why: "idle" | "ended" | "asked" | undefined; kept: Caller | undefined }) {
	const t = useTexts(shell);
	const [login, setLogin] = useState<Login>(kept && !kept.UserName ? { kind: "key", id: "", secret: "" }
		: { kind: "password", name: kept?.UserName ?? "", password: "" });
	const doing = useAct(logIn);
	const send = (event: FormEvent) => {
		event.preventDefault();
		if (isComplete(login))
			void doing.run(trimmed(login));
	};
	return <main className="login">
		<div className="login-view"><ViewMenu /></div>
		<div className="login-card">
			<div className="login-brand"><img src="/console/icon.svg" alt="" width="44" height="44" />
				<div><h1>{t("product")}</h1><p>{t("tagline")}</p></div></div>
			{!window.isSecureContext && <Notice tone="bad">{t("insecure")}</Notice>}
			{(why === "idle" || why === "ended") && <Notice tone="info">{t(why)}
				{kept && <> {t("waits", { name: kept.UserName || t("accountNumber", { n: kept.AccountId }) })}</>}</Notice>}
			<form className="form" onSubmit={send} noValidate>
				<CredentialFields login={login} onChange={(next) => { doing.clear(); setLogin(next); }} />
				<ErrorNotice error={doing.error} />
				<Button type="submit" look="primary" busy={doing.busy} isDisabled={!isComplete(login) || !window.isSecureContext}>{t("doLogin")}</Button>
			</form>
			<p className="login-foot">{t("labHint")} <code>polder lab status</code></p>
		</div>
	</main>;
}
