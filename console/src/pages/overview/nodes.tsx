// SPDX-License-Identifier: BSD-2-Clause
// What nodes there are and whether they have what they should.
import { machineNow } from "../../api/client";
import { useCall } from "../../api/hooks";
import type { PolderNode } from "../../api/replies";
import { Badge, Card, Empty, ErrorNotice, Loading, Table, Time } from "../../components";
import { useTexts } from "../../i18n";
import { overview as texts } from "../../i18n/overview";
import { bytes, count } from "../../time";

const SILENT_MS = 15000;

export function NodesCard({ wide }: { wide?: boolean }) {
	const t = useTexts(texts);
	const { data, error, loading } = useCall("DescribeNodes", {}, { every: 3000 });
	const stateOf = (node: PolderNode) => machineNow() - node.SeenTime > SILENT_MS ? <Badge tone="bad">{t("silent")}</Badge>
		: node.UpToDate ? <Badge tone="good">{t("upToDate")}</Badge> : <Badge tone="warn">{t("behind")}</Badge>;
	return <Card title={t("nodes")} {...(wide ? { wide } : {})}>
		<ErrorNotice error={error} />
		{loading && <Loading />}
		{data && <Table label={t("nodes")} rows={data.Nodes} rowKey={(node) => node.NodeName} empty={<Empty title={t("noNodes")} />} columns={[
			{ id: "name", head: t("node"), main: true, cell: (node) => node.NodeName },
			{ id: "state", head: t("nodeState"), cell: stateOf },
			{ id: "seen", head: t("seen"), cell: (node) => <Time at={node.SeenTime} relative /> },
			...(wide ? [
				{ id: "xdp", head: t("xdp"), cell: (node: PolderNode) => node.XdpMode },
				{ id: "vips", head: t("addresses"), number: true, cell: (node: PolderNode) => count(node.VipCount) },
				{ id: "services", head: t("services"), number: true, cell: (node: PolderNode) => count(node.ServiceCount) },
				{ id: "memory", head: t("memory"), number: true, cell: (node: PolderNode) => bytes(node.MapBytes) },
			] : []),
		]} />}
	</Card>;
}
