// SPDX-License-Identifier: BSD-2-Clause
// Instances: the list; "#/instances/ID" is one of them, "#/instances/new" an order.
import { useMemo, useState } from "react";
import { call } from "../../api/client";
import { useFollow, usePaged } from "../../api/hooks";
import type { Instance, Order } from "../../api/replies";
import { mayCall, useCaller } from "../../api/session";
import { Badge, Button, Code, Countdown, Empty, ErrorNotice, Field, LinkButton, Loading, PageHead, Paging, SelectField, Table,
	Time, type Column } from "../../components";
import { instanceFilter } from "../../components/settings";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { instances as texts } from "../../i18n/instances";
import { amend, href, type Route } from "../../router";
import { CreatePage } from "./create";
import { DetailPage } from "./detail";
import { stateOf, toneOf } from "./model";
import { RenewDialog } from "./renew";

function ListPage({ route }: { route: Route }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const caller = useCaller();
	// In the address: whoever comes back from an instance finds the list as it was.
	const typed = route.query.get("search") ?? "", state = route.query.get("state") ?? "";
	const setTyped = (search: string) => amend({ search }), setState = (next: string) => amend({ state: next });
	const [renewing, setRenewing] = useState<Instance>();
	const list = usePaged("DescribeInstances", { ...instanceFilter(typed), ...(state ? { Status: [Number(state)] } : {}) }, { every: 5000, kept: "page" });
	const rows = list.data?.Instances ?? [];
	const ids = rows.map((row) => row.InstanceId).join(",");
	const orders = useFollow(ids || undefined, async (signal) => {
		const reply = await call("QueryAvailableInstances", { InstanceIDs: ids, PageSize: 50 }, { signal });
		return new Map(reply.Data.InstanceList.map((order) => [order.InstanceID, order]));
	});
	const renewalOf = (order: Order | undefined) => order
		? t(`renewal.${order.RenewStatus as "AutoRenewal"}`, { n: order.RenewalDuration * (order.RenewalDurationUnit === "Y" ? 12 : 1) }) : "…";
	const columns = useMemo<Column<Instance>[]>(() => [
		{ id: "id", head: t("instance"), main: true, sort: (row) => row.InstanceId, cell: (row) => row.InstanceId },
		{ id: "ip", head: t("address"), sort: (row) => row.Ip, cell: (row) => <Code>{row.Ip}</Code> },
		{ id: "state", head: t("state"), sort: stateOf, cell: (row) => <Badge tone={toneOf[stateOf(row)]}>{t(`state.${stateOf(row)}`)}</Badge> },
		{ id: "left", head: t("left"), sort: (row) => row.ExpireTime, cell: (row) => <div>
			<Countdown to={row.ExpireTime} /><div className="help nowrap"><Time at={row.ExpireTime} clock="life" brief /></div></div> },
		{ id: "renewal", head: t("renewal"), cell: (row) => renewalOf(orders.data?.get(row.InstanceId)) },
		{ id: "remark", head: t("remark"), sort: (row) => row.Remark, cell: (row) => <span className="anywhere">{row.Remark || "–"}</span> },
		...(mayCall(caller, "RenewInstance") ? [{ id: "act", head: tc("actions"),
			cell: (row: Instance) => <Button onPress={() => setRenewing(row)}>{t("renew")}</Button> }] : []),
	], [t, tc, orders.data, caller]);
	const mayCreate = mayCall(caller, "CreateInstance") && caller.InstanceIds.length === 0;
	const create = mayCreate && <LinkButton to={href("instances", "new")} look="primary">{t("create")}</LinkButton>;
	const filtered = typed !== "" || state !== "";
	return <>
		<PageHead title={t("title")} hint={t("hint")} actions={create} />
		<div className="filters">
			<Field label={tc("search")} value={typed} onChange={setTyped} type="search" placeholder={t("search")} required />
			<SelectField label={t("state")} value={state} onChange={setState}
				choices={[{ id: "", label: t("anyState") }, { id: "1", label: t("filterNormal") }, { id: "2", label: t("filterExpired") }]} />
		</div>
		<ErrorNotice error={list.error} retry={list.refresh} />
		{list.loading ? <Loading /> : <Table label={t("title")} rows={rows} columns={columns} rowKey={(row) => row.InstanceId}
			onRow={(row) => href("instances", row.InstanceId)}
			empty={!list.error && (filtered ? <Empty title={t("noMatch")} /> : <Empty title={t("none")} action={create}>{t("noneHint")}</Empty>)} />}
		{list.data && list.data.TotalCount > 0 && <Paging page={list.page} pageSize={list.pageSize} setPage={list.setPage} total={list.data.TotalCount} />}
		{renewing && <RenewDialog instance={renewing} onClose={() => setRenewing(undefined)} />}
	</>;
}

export default function InstancesPage({ route }: { route: Route }) {
	const id = route.path[1];
	if (id === "new")
		return <CreatePage />;
	return id ? <DetailPage key={id} id={id} /> : <ListPage route={route} />;
}
