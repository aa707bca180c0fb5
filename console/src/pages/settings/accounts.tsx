// SPDX-License-Identifier: BSD-2-Clause
// Accounts, that is tenants: who there is and how much each has. A new one is made by somebody who proves who he is.
import { useState } from "react";
import { usePaged } from "../../api/hooks";
import { Button, Card, ErrorNotice, Field, Loading, Paging, Table, Time, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { settings as texts } from "../../i18n/settings";
import { count } from "../../time";
import { ManagedDialog } from "./managed";

function CreateAccount({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
	const t = useTexts(texts);
	const [name, setName] = useState("");
	return <ManagedDialog title={t("createAccount")} onClose={onClose} submit={t("createAccount")} ready={name !== ""} act={async (managed) => {
		const reply = await managed("CreateAccount", { Name: name });
		toast.done(text(texts.accountCreated, { n: Number(reply.AccountId) }));
		onMade();
	}}>
		<p className="help">{t("accountHint")}</p>
		<Field label={t("accountName")} value={name} onChange={setName} required maxLength={128} />
	</ManagedDialog>;
}

export function Accounts() {
	const t = useTexts(texts);
	const list = usePaged("DescribeAccounts", {});
	const [creating, setCreating] = useState(false);
	return <Card title={t("accounts")} actions={<Button look="primary" onPress={() => setCreating(true)}>{t("createAccount")}</Button>}>
		<p className="help">{t("accountHint")}</p>
		<ErrorNotice error={list.error} retry={list.refresh} />
		{list.loading ? <Loading /> : <Table label={t("accounts")} rows={list.data?.Accounts ?? []} rowKey={(row) => String(row.AccountId)} columns={[
			{ id: "name", head: t("accountName"), main: true, cell: (row) => <span className="anywhere">{row.Name}</span> },
			{ id: "number", head: t("account"), number: true, cell: (row) => row.AccountId },
			{ id: "instances", head: t("instances"), number: true, cell: (row) => count(row.InstanceCount) },
			{ id: "keys", head: t("keys"), number: true, cell: (row) => count(row.AccessKeyCount) },
			{ id: "users", head: t("users"), number: true, cell: (row) => count(row.UserCount) },
			{ id: "created", head: t("created"), cell: (row) => <Time at={Date.parse(row.CreateTime)} brief /> },
		]} />}
		{list.data && <Paging page={list.page} pageSize={list.pageSize} setPage={list.setPage} total={list.data.TotalCount} />}
		{creating && <CreateAccount onClose={() => setCreating(false)} onMade={list.refresh} />}
	</Card>;
}
