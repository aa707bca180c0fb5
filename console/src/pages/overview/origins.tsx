// SPDX-License-Identifier: BSD-2-Clause
// Whether the origins behind port rules answer. Only rules with a health check count: of others nobody knows.
import { call, callAll } from "../../api/client";
import { useFollow } from "../../api/hooks";
import { Badge, Card, ErrorNotice, Loading } from "../../components";
import { useTexts } from "../../i18n";
import { overview as texts } from "../../i18n/overview";
import { href } from "../../router";

declare module "../../api/replies" {
	interface Replies {
	}
}

const INSTANCES_MAX = 20; // whose rules are looked at: three calls and one for each
const SHOWN = 6;

async function look(signal: AbortSignal) {
	const { Instances, TotalCount } = await call("DescribeInstances", { PageNumber: 1, PageSize: INSTANCES_MAX }, { signal });
	const rules = (await Promise.all(Instances.map(({ InstanceId }) =>
		callAll("DescribeNetworkRules", { InstanceId }, (reply) => reply.NetworkRules, { signal, pageSize: 100 })))).flat();
	if (rules.length === 0)
		return { rules: 0, probed: [], limited: TotalCount > INSTANCES_MAX };
	const asked = JSON.stringify(rules.map(({ InstanceId, Protocol, FrontendPort }) => ({ InstanceId, Protocol, FrontendPort })));
	const [checks, states] = await Promise.all([call("DescribeHealthCheckList", { NetworkRules: asked }, { signal }),
		call("DescribeHealthCheckStatus", { NetworkRules: asked }, { signal })]);
	const nameOf = (row: { InstanceId: string; Protocol: string; FrontendPort: number }) => `${row.InstanceId} ${row.Protocol} ${row.FrontendPort}`;
	const checked = new Set(checks.HealthCheckList.filter((row) => row.HealthCheck.Type).map(nameOf));
	const probed = states.HealthCheckStatus.filter((row) => checked.has(nameOf(row))).flatMap((row) =>
		row.RealServerStatusList.map((origin) => ({ ...origin, InstanceId: row.InstanceId, port: `${row.Protocol}/${row.FrontendPort}` })));
	return { rules: rules.length, probed, limited: TotalCount > INSTANCES_MAX };
}

export function OriginsCard() {
	const t = useTexts(texts);
	const { data, error, loading } = useFollow("origins", look, 10000);
	const bad = data?.probed.filter((origin) => origin.Status !== "normal") ?? [];
	return <Card title={t("origins")}>
		<ErrorNotice error={error} />
		{loading && <Loading />}
		{data && (data.rules === 0 ? <p className="help">{t("noRules")}</p>
			: data.probed.length === 0 ? <p className="help">{t("originsNone")}</p>
			: bad.length === 0 ? <p><Badge tone="good">{t("originsGood", { n: data.probed.length })}</Badge></p>
			: <><p><Badge tone="bad">{t("originsBad", { n: bad.length, all: data.probed.length })}</Badge></p>
				<ul className="history">{bad.slice(0, SHOWN).map((origin, i) => <li key={i}><code>{origin.Address}</code>
					<a href={href("instances", origin.InstanceId)}>{t("originOf", { instance: origin.InstanceId, port: origin.port })}</a></li>)}</ul></>)}
		{data?.limited && <p className="help">{t("originsLimit", { n: INSTANCES_MAX })}</p>}
	</Card>;
}
