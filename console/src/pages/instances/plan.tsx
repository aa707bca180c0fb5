// SPDX-License-Identifier: BSD-2-Clause
// What the plan grants and what is used of it; what arrives now.
import { useState } from "react";
import { call } from "../../api/client";
import { useCall, useFollow } from "../../api/hooks";
import type { Instance, InstanceSpec } from "../../api/replies";
import { Button, Card, ErrorNotice, Fact, Facts, Field, FormDialog, Loading, QuotaBar, SelectField, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { reasonName, reasonText } from "../../i18n/reasons";
import { instances as texts } from "../../i18n/instances";
import { bitRate, count, packetRate } from "../../time";
import { BANDWIDTHS } from "./model";

const REASONS_SHOWN = 6;

export function TrafficCard({ id }: { id: string }) {
	const t = useTexts(texts);
	const { data, error } = useCall("DescribeReasons", { InstanceId: id }, { every: 1000 });
	const reasons = [...data?.Reasons ?? []].filter((row) => row.PacketsPerSecond > 0)
		.sort((a, b) => b.PacketsPerSecond - a.PacketsPerSecond).slice(0, REASONS_SHOWN);
	return <Card title={t("traffic")}>
		<ErrorNotice error={error} />
		{data && <div className="figures">
			{([["inNow", "In"], ["dropNow", "Dropped"], ["outNow", "Out"]] as const).map(([label, side]) => <div key={side}>
				<div className="figure-name">{t(label)}</div>
				<div className="figure-value">{packetRate(data[`${side}PacketsPerSecond`])}</div>
				<div className="figure-note">{bitRate(data[`${side}BytesPerSecond`])}</div>
			</div>)}
		</div>}
		{data && (reasons.length === 0 ? <p className="help">{t("noTraffic")}</p> : <>
			<h3>{t("why")}</h3>
			<ul className="history">{reasons.map((row) => <li key={row.Name}><span title={reasonText(row.Name)}>{reasonName(row.Name)} <code className="quiet-text">{row.Name}</code></span><span className="number">{packetRate(row.PacketsPerSecond)}</span></li>)}</ul></>)}
	</Card>;
}

function PlanDialog({ instance, spec, onClose }: { instance: Instance; spec: InstanceSpec; onClose: () => void }) {
	const t = useTexts(texts);
	const premium = instance.Edition !== 9;
	const first: Record<string, string> = { PortCount: String(spec.PortLimit), DomainCount: String(spec.DomainLimit),
		NormalBandwidth: String(spec.BandwidthMbps), NormalQps: String(spec.QpsLimit),
		...(premium ? {} : { BaseBandwidth: String(spec.BaseBandwidth), Bandwidth: String(spec.ElasticBandwidth) }),
		FunctionVersion: spec.FunctionVersion === "enhance" || spec.FunctionVersion === "enhanced" ? "1" : "0" };
	const [wish, setWish] = useState(first);
	const changed = Object.entries(wish).filter(([code, value]) => value !== first[code]);
	const grows = changed.some(([code, value]) => Number(value) > Number(first[code]));
	const set = (code: string) => (value: string) => setWish({ ...wish, [code]: value });
	const gbps = BANDWIDTHS.map((n) => ({ id: String(n), label: t("gbps", { n }) }));
	const act = async () => {
		// Pro names its clean bandwidth ServiceBandwidth, Premium NormalBandwidth.
		const sent = Object.fromEntries(changed.map(([code, value]) => [code === "NormalBandwidth" && !premium ? "ServiceBandwidth" : code, value]));
		await call("ModifyInstance", { InstanceId: instance.InstanceId, ModifyType: grows ? "UPGRADE" : "DOWNGRADE",
			ProductType: premium ? "ddosDip" : "ddoscoo", ...sent });
		toast.done(text(texts.planChanged));
	};
	return <FormDialog title={t("changePlan")} open onClose={onClose} act={act} submit={t(grows || changed.length === 0 ? "upgrade" : "downgrade")} ready={changed.length > 0}>
		<p className="help">{t("planHint")}</p>
		<div className="fields">
			{!premium && <SelectField label={t("base")} value={wish.BaseBandwidth!} onChange={set("BaseBandwidth")} choices={gbps} />}
			{!premium && <SelectField label={t("elastic")} value={wish.Bandwidth!} onChange={set("Bandwidth")} choices={gbps} />}
			<Field label={`${t("clean")} (Mbit/s)`} value={wish.NormalBandwidth!} onChange={set("NormalBandwidth")} required inputMode="numeric" />
			<Field label={t("qps")} value={wish.NormalQps!} onChange={set("NormalQps")} required inputMode="numeric" />
			<Field label={t("ports")} value={wish.PortCount!} onChange={set("PortCount")} required inputMode="numeric" />
			<Field label={t("domains")} value={wish.DomainCount!} onChange={set("DomainCount")} required inputMode="numeric" />
		</div>
	</FormDialog>;
}

export function PlanCard({ instance, mayWrite }: { instance: Instance; mayWrite: boolean }) {
	const t = useTexts(texts);
	const id = instance.InstanceId;
	const [changing, setChanging] = useState(false);
	const plan = useFollow(id, async (signal) => {
		const [specs, uses] = await Promise.all([call("DescribeInstanceSpecs", { InstanceIds: [id] }, { signal }),
			call("DescribeInstanceStatistics", { InstanceIds: [id] }, { signal })]);
		return { spec: specs.InstanceSpecs[0], use: uses.InstanceStatistics[0] };
	});
	const now = useCall("DescribeReasons", { InstanceId: id }, { every: 2000 });
	const spec = plan.data?.spec, use = plan.data?.use;
	return <Card title={t("quotas")} actions={spec && mayWrite && <Button onPress={() => setChanging(true)}>{t("changePlan")}</Button>}>
		<ErrorNotice error={plan.error} retry={plan.refresh} />
		{plan.loading && <Loading />}
		{spec && use && <>
			<QuotaBar label={t("ports")} used={use.PortUsage} limit={spec.PortLimit} />
			<QuotaBar label={t("domains")} used={use.DomainUsage} limit={spec.DomainLimit} />
			<QuotaBar label={t("sites")} used={use.SiteUsage} limit={spec.SiteLimit} />
			<QuotaBar label={t("cleanNow")} used={Math.round((now.data?.OutBytesPerSecond ?? 0) * 8 / 1e6)} limit={spec.BandwidthMbps + spec.ElasticBw} unit="Mbit/s" />
			<Facts>
				<Fact name={t("base")}>{t("gbps", { n: spec.BaseBandwidth })}</Fact>
				<Fact name={t("elastic")}>{t("gbps", { n: spec.ElasticBandwidth })}</Fact>
				<Fact name={t("qps")}>{t("perSecond", { n: count(spec.QpsLimit) })}</Fact>
				{spec.ElasticBw > 0 && <Fact name={t("burst")}>{t("mbps", { n: spec.ElasticBw })}</Fact>}
				{spec.ElasticQps > 0 && <Fact name={t("burstQps")}>{t("perSecond", { n: count(spec.ElasticQps) })}</Fact>}
				<Fact name={t("functions")}>{spec.FunctionVersion === "default" ? t("standard") : t("enhanced")}</Fact>
			</Facts>
		</>}
		{changing && spec && <PlanDialog instance={instance} spec={spec} onClose={() => setChanging(false)} />}
	</Card>;
}
