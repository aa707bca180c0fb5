// SPDX-License-Identifier: BSD-2-Clause
// Access keys: listed, made, turned off and on, deleted. A session may not even list keys, so the list is read when somebody
// has proven who he is, and again with each act.
import { useState } from "react";
import type { AccessKey } from "../../api/replies";
import { Badge, Button, Card, Code, Dialog, Empty, Fact, Facts, Field, Notice, Switch, Table, Time, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { settings as texts } from "../../i18n/settings";
import { shell } from "../../i18n/shell";
import { ManagedDialog, type Managed } from "./managed";
import { NO_RIGHTS, RightsFields, rightsOf } from "./rights";

type Act = { kind: "list" } | { kind: "create" } | { kind: "switch" | "delete"; key: AccessKey };

type Read = (managed: Managed) => Promise<void>;

function CreateKey({ onClose, onMade, read }: { onClose: () => void; onMade: (made: { id: string; secret: string }) => void; read: Read }) {
	const t = useTexts(texts);
	const [rights, setRights] = useState(NO_RIGHTS);
	const [remark, setRemark] = useState("");
	return <ManagedDialog title={t("createKey")} onClose={onClose} submit={t("createKey")} act={async (managed) => {
		const { AccessKey: made } = await managed("CreateAccessKey", { ...rightsOf(rights), ...(remark ? { Remark: remark } : {}) });
		onMade({ id: made.AccessKeyId, secret: made.AccessKeySecret });
		await read(managed);
	}}>
		<RightsFields rights={rights} onChange={setRights} />
		<Field label={t("remark")} value={remark} onChange={setRemark} maxLength={128} />
	</ManagedDialog>;
}

export function Keys() {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const ts = useTexts(shell);
	const [list, setList] = useState<AccessKey[]>();
	const [act, setAct] = useState<Act>();
	const [made, setMade] = useState<{ id: string; secret: string }>();
	const [sessions, setSessions] = useState(false);
	const close = () => setAct(undefined);
	const rows = (list ?? []).filter((key) => sessions || !key.Expiration);
	const read: Read = async (managed) => setList((await managed("DescribeAccessKeys", {})).AccessKeys);
	return <Card title={t("keys")} actions={
		<Button look="primary" onPress={() => setAct({ kind: "create" })}>{t("createKey")}</Button>}>
		{!list && <Empty title={t("keysHidden")} action={<Button onPress={() => setAct({ kind: "list" })}>{t("showKeys")}</Button>} />}
		{list && <Switch label={t("showSessions")} value={sessions} onChange={setSessions} />}
		{list && <Table label={t("keys")} rows={rows} rowKey={(key) => key.AccessKeyId} columns={[
			{ id: "id", head: t("id"), main: true, sort: (key) => key.AccessKeyId, cell: (key) => <code>{key.AccessKeyId}</code> },
			{ id: "account", head: t("account"), number: true, sort: (key) => key.AccountId, cell: (key) => key.AccountId },
			{ id: "permission", head: t("permission"), sort: (key) => key.Permission, cell: (key) => <>{ts(`role.${key.Permission as "full"}`)}
				{key.InstanceIds.length > 0 && <div className="help">{ts("limitedTo", { n: key.InstanceIds.length })}</div>}</> },
			{ id: "status", head: t("status"), cell: (key) => key.Status === "Active" ? <Badge tone="good">{t("active")}</Badge> : <Badge tone="neutral">{t("inactive")}</Badge> },
			{ id: "created", head: t("created"), sort: (key) => key.CreateTime, cell: (key) => <Time at={Date.parse(key.CreateTime)} brief /> },
			...(sessions ? [{ id: "expires", head: t("expires"), cell: (key: AccessKey) => key.Expiration ? <Time at={Date.parse(key.Expiration)} relative /> : "–" }] : []),
			{ id: "remark", head: t("remark"), cell: (key) => key.Remark || "–" },
			{ id: "act", head: tc("actions"), cell: (key) => <span className="row">
				{!key.Expiration && <Button onPress={() => setAct({ kind: "switch", key })}>{t(key.Status === "Active" ? "turnOff" : "turnOn")}</Button>}
				<Button onPress={() => setAct({ kind: "delete", key })}>{tc("delete")}</Button></span> },
		]} />}
		{act?.kind === "list" && <ManagedDialog title={t("showKeys")} onClose={close} submit={t("showKeys")} act={read} />}
		{act?.kind === "create" && <CreateKey onClose={close} onMade={setMade} read={read} />}
		{act?.kind === "switch" && <ManagedDialog title={<>{t(act.key.Status === "Active" ? "turnOff" : "turnOn")} {act.key.AccessKeyId}</>} onClose={close}
			submit={t(act.key.Status === "Active" ? "turnOff" : "turnOn")} danger={act.key.Status === "Active"}
			act={async (managed) => {
				await managed("ModifyAccessKey", { UserAccessKeyId: act.key.AccessKeyId, Status: act.key.Status === "Active" ? "Inactive" : "Active" });
				await read(managed);
				toast.done(text(texts.done));
			}} />}
		{act?.kind === "delete" && <ManagedDialog title={t("deleteKey", { id: act.key.AccessKeyId })} onClose={close} submit={tc("delete")} danger
			act={async (managed) => {
				await managed("DeleteAccessKey", { UserAccessKeyId: act.key.AccessKeyId });
				await read(managed);
				toast.done(text(texts.done));
			}}><p>{t("deleteKeyText")}</p></ManagedDialog>}
		<Dialog title={t("keyCreated")} open={made !== undefined} onClose={() => setMade(undefined)}>
			<Notice tone="warn">{t("keyOnce")}</Notice>
			{made && <Facts><Fact name={t("id")}><Code>{made.id}</Code></Fact><Fact name={t("secret")}><Code>{made.secret}</Code></Fact></Facts>}
			<div className="dialog-actions"><Button look="primary" onPress={() => setMade(undefined)}>{tc("close")}</Button></div>
		</Dialog>
	</Card>;
}
