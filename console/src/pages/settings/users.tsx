// SPDX-License-Identifier: BSD-2-Clause
// Users: people who log in with a password.
import { useState } from "react";
import { useCall } from "../../api/hooks";
import { Button, Card, ErrorNotice, Field, Loading, Table, Time, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { settings as texts } from "../../i18n/settings";
import { shell } from "../../i18n/shell";
import { ManagedDialog } from "./managed";
import { NO_RIGHTS, RightsFields, rightsOf } from "./rights";
import { PASSWORD_MIN } from "./you";

interface User {
	Name: string; AccountId: number; Permission: "read-only" | "full" | "operator"; InstanceIds: string[]; CreateTime: string; LastLoginTime: string;
	SessionCount: number;
}
declare module "../../api/replies" {
	interface Replies { DescribeUsers: { Users: User[]; TotalCount: number } }
}

type Act = { kind: "create" } | { kind: "password" | "delete"; name: string };

function CreateUser({ onClose }: { onClose: () => void }) {
	const t = useTexts(texts);
	const [name, setName] = useState("");
	const [password, setPassword] = useState("");
	const [rights, setRights] = useState(NO_RIGHTS);
	const good = /^[A-Za-z0-9._@-]{1,32}$/.test(name);
	return <ManagedDialog title={t("createUser")} onClose={onClose} submit={t("createUser")} ready={good && password.length >= PASSWORD_MIN} act={async (managed) => {
		await managed("CreateUser", { Name: name, Password: password, ...rightsOf(rights) });
		toast.done(text(texts.done));
	}}>
		<Field label={t("userName")} value={name} onChange={setName} required help={t("userNameHelp")} error={name && !good ? t("userNameHelp") : undefined} />
		<Field label={t("newPassword")} type="password" autoComplete="new-password" name="new-password" value={password} onChange={setPassword} required help={t("passwordHelp")} />
		<RightsFields rights={rights} onChange={setRights} />
	</ManagedDialog>;
}

function SetPassword({ name, onClose }: { name: string; onClose: () => void }) {
	const t = useTexts(texts);
	const [password, setPassword] = useState("");
	return <ManagedDialog title={<>{t("setPassword")}: {name}</>} onClose={onClose} submit={t("setPassword")} ready={password.length >= PASSWORD_MIN} act={async (managed) => {
		await managed("ModifyUserPassword", { Name: name, Password: password });
		toast.done(text(texts.passwordChanged));
	}}>
		<Field label={t("newPassword")} type="password" autoComplete="new-password" name="new-password" value={password} onChange={setPassword} required help={t("passwordHelp")} />
	</ManagedDialog>;
}

export function Users() {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const ts = useTexts(shell);
	const users = useCall("DescribeUsers", {}, { every: 15000 });
	const [act, setAct] = useState<Act>();
	const close = () => setAct(undefined);
	return <Card title={t("users")} actions={<Button look="primary" onPress={() => setAct({ kind: "create" })}>{t("createUser")}</Button>}>
		<ErrorNotice error={users.error} retry={users.refresh} />
		{users.loading ? <Loading /> : <Table label={t("users")} rows={users.data?.Users ?? []} rowKey={(user) => user.Name} columns={[
			{ id: "name", head: t("userName"), main: true, sort: (user) => user.Name, cell: (user) => user.Name },
			{ id: "account", head: t("account"), number: true, sort: (user) => user.AccountId, cell: (user) => user.AccountId },
			{ id: "permission", head: t("permission"), sort: (user) => user.Permission, cell: (user) => <>{ts(`role.${user.Permission}`)}
				{user.InstanceIds.length > 0 && <div className="help">{ts("limitedTo", { n: user.InstanceIds.length })}</div>}</> },
			{ id: "last", head: t("lastLogin"), sort: (user) => user.LastLoginTime, cell: (user) => user.LastLoginTime ? <Time at={Date.parse(user.LastLoginTime)} relative /> : t("never") },
			{ id: "sessions", head: t("sessions"), number: true, cell: (user) => user.SessionCount },
			{ id: "act", head: tc("actions"), cell: (user) => <span className="row">
				<Button onPress={() => setAct({ kind: "password", name: user.Name })}>{t("setPassword")}</Button>
				<Button onPress={() => setAct({ kind: "delete", name: user.Name })}>{tc("delete")}</Button></span> },
		]} />}
		{act?.kind === "create" && <CreateUser onClose={close} />}
		{act?.kind === "password" && <SetPassword name={act.name} onClose={close} />}
		{act?.kind === "delete" && <ManagedDialog title={t("deleteUser", { name: act.name })} onClose={close} submit={tc("delete")} danger act={async (managed) => {
			await managed("DeleteUser", { Name: act.name });
			toast.done(text(texts.done));
		}}><p>{t("deleteUserText")}</p></ManagedDialog>}
	</Card>;
}
