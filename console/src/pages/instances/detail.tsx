// SPDX-License-Identifier: BSD-2-Clause
// One instance: what state it is in and until when, what its plan grants, what arrives, and everything that can be set
// for it as a whole.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall, useFollow } from "../../api/hooks";
import type { Instance, Order } from "../../api/replies";
import { mayCall, useCaller } from "../../api/session";
import { Badge, Button, Card, Checkbox, Code, DangerDialog, Dialog, Empty, ErrorNotice, Fact, Facts, Field, FormDialog, LinkButton,
	Loading, Notice, PageHead, SelectField, Switch, Time, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { instances as texts } from "../../i18n/instances";
import { pages } from "../../pages";
import { go, href } from "../../router";
import { dateTime } from "../../time";
import { Lifecycle } from "./lifecycle";
import { RELEASE_AFTER, STOP_AFTER, stateOf, toneOf } from "./model";
import { PlanCard, TrafficCard } from "./plan";
import { RenewDialog, usePeriods } from "./renew";

function ReleaseDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
	const t = useTexts(texts);
	const [drained, setDrained] = useState(true);
	const id = instance.InstanceId;
	if (instance.Status === 1)
		return <Dialog title={t("releaseTitle", { id })} open onClose={onClose}>
			<Notice tone="info">{t("releaseNot", { time: dateTime(instance.ExpireTime) })}</Notice>
			<SwitchSteps />
		</Dialog>;
	const act = async () => {
		await call("ReleaseInstance", { InstanceId: id, ...(drained ? { RequireDrained: true } : {}) });
		toast.done(text(texts.released, { id }));
		go("instances");
	};
	return <DangerDialog title={t("releaseTitle", { id })} open onClose={onClose} name={id} instanceId={id} act={act} submit={t("release")}>
		<div className="stack"><p>{t("releaseText")}</p><Checkbox label={t("drained")} value={drained} onChange={setDrained} /></div>
	</DangerDialog>;
}

function SwitchSteps() {
	const t = useTexts(texts);
	return <div className="stack"><h3>{t("steps")}</h3>
		<ol className="steps"><li>{t("step1")}</li><li>{t("step2")}</li><li>{t("step3")}</li></ol></div>;
}

function RenewalCard({ order, mayWrite }: { order: Order; mayWrite: boolean }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const periods = usePeriods();
	const [wish, setWish] = useState<{ who: string; months: string }>();
	const now = { who: order.RenewStatus, months: String(order.RenewalDuration * (order.RenewalDurationUnit === "Y" ? 12 : 1) || 1) };
	const shown = wish ?? now;
	const save = useAct(async () => {
		const months = Number(shown.months);
		await call("SetRenewal", { InstanceIDs: order.InstanceID, ProductCode: "ddos", RenewalStatus: shown.who as "AutoRenewal",
			...(shown.who === "AutoRenewal" ? { RenewalPeriod: months > 12 ? months / 12 : months, RenewalPeriodUnit: months > 12 ? "Y" : "M" } : {}) });
		toast.done(text(texts.renewalSaved));
		setWish(undefined);
	});
	return <Card title={t("autoRenewal")}>
		<div className="fields">
			<SelectField label={t("setRenewal")} value={shown.who} isDisabled={!mayWrite} onChange={(who) => setWish({ ...shown, who })}
				choices={[{ id: "AutoRenewal", label: t("auto") }, { id: "ManualRenewal", label: t("byHand") }, { id: "NotRenewal", label: t("not") }]} />
			{shown.who === "AutoRenewal" && <SelectField label={t("every")} value={shown.months} isDisabled={!mayWrite}
				onChange={(months) => setWish({ ...shown, months })} choices={periods} />}
		</div>
		<ErrorNotice error={save.error} />
		{wish && <div className="row"><Button look="primary" busy={save.busy} onPress={() => void save.run()}>{tc("save")}</Button>
			<Button onPress={() => setWish(undefined)}>{tc("cancel")}</Button></div>}
	</Card>;
}

function SwitchBackCard({ id, mayWrite }: { id: string; mayWrite: boolean }) {
	const t = useTexts(texts);
	const names = useCall("DescribeSwitchBack", { InstanceId: id }, { every: 15000 });
	const save = useAct((on: boolean) => call("ConfigSwitchBack", { InstanceId: id, SwitchBack: on ? "origin" : "none" }));
	return <Card title={t("switchBack")}>
		<p className="help">{t("switchBackHint")}</p>
		<ErrorNotice error={names.error ?? save.error} />
		{names.data && <>
			{names.data.Name ? <Facts>
				<Fact name={t("name")} wide><Code>{names.data.Name}</Code></Fact>
				<Fact name={t("answers")}>{names.data.Answers.length > 0 ? names.data.Answers.map((answer) => <div key={answer}><code>{answer}</code></div>) : t("nothing")}
					{names.data.SwitchedBack && <Badge tone="info">{t("switchedBack")}</Badge>}</Fact>
			</Facts> : <Notice tone="info">{t("noDns")}</Notice>}
			<Switch label={t("switchBackOn")} value={names.data.SwitchBack === "origin"} isDisabled={!mayWrite || save.busy} onChange={(on) => void save.run(on)} />
		</>}
		<SwitchSteps />
	</Card>;
}

function TagsCard({ id, mayWrite }: { id: string; mayWrite: boolean }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const of = { RegionId: "cn-hangzhou", ResourceType: "INSTANCE", ResourceIds: [id] } as const;
	const tags = useCall("DescribeTagResources", { ...of, ResourceIds: [id] });
	const [adding, setAdding] = useState(false);
	const [key, setKey] = useState("");
	const [value, setValue] = useState("");
	const remove = useAct((gone: string) => call("DeleteTagResources", { ...of, ResourceIds: [id], TagKey: [gone] }));
	const list = tags.data?.TagResources.TagResource ?? [];
	const add = async () => {
		await call("CreateTagResources", { ...of, ResourceIds: [id], Tags: [{ Key: key, Value: value }] });
		setKey("");
		setValue("");
	};
	return <Card title={t("tags")} actions={mayWrite && <Button onPress={() => setAdding(true)}>{t("addTag")}</Button>}>
		<ErrorNotice error={tags.error ?? remove.error} />
		{tags.data && list.length === 0 && <p className="help">{t("noTags")}</p>}
		<ul className="row">{list.map((tag) => <li key={tag.TagKey} className="tag"><span>{tag.TagKey}{tag.TagValue && `: ${tag.TagValue}`}</span>
			{mayWrite && <button type="button" aria-label={t("removeTag", { key: tag.TagKey })} onClick={() => void remove.run(tag.TagKey)}>×</button>}</li>)}</ul>
		<FormDialog title={t("addTag")} open={adding} onClose={() => setAdding(false)} act={add} submit={tc("add")} ready={key !== ""}>
			<Field label={t("tagKey")} value={key} onChange={setKey} required autoFocus />
			<Field label={t("tagValue")} value={value} onChange={setValue} />
		</FormDialog>
	</Card>;
}

function HistoryCard({ id }: { id: string }) {
	const t = useTexts(texts);
	const log = useCall("DescribeAuditLog", { Object: id, PageSize: 6 });
	return <Card title={t("history")} actions={<a href={href("audit", { object: id })}>{t("allHistory")}</a>}>
		<ErrorNotice error={log.error} />
		{log.data?.Records.length === 0 && <p className="help">{t("noHistory")}</p>}
		<ul className="history">{log.data?.Records.map((record) => <li key={record.Sequence}>
			<code>{record.ActionName}</code><span className="quiet-text"><Time at={record.Time} relative /></span></li>)}</ul>
	</Card>;
}

/** An address that leads nowhere: what to do first. */
function NextStep({ instance, mayWrite }: { instance: Instance; mayWrite: boolean }) {
	const t = useTexts(texts);
	const id = instance.InstanceId;
	const use = useCall("DescribeInstanceStatistics", { InstanceIds: [id] }, { every: 3000 }).data?.InstanceStatistics[0];
	if (!use || use.PortUsage > 0 || use.DomainUsage > 0 || stateOf(instance) === "stopped")
		return null;
	return <Notice tone="info" title={t("nextTitle")}><div className="stack"><p>{t("nextText", { ip: instance.Ip })}</p>
		{mayWrite && <div className="row"><LinkButton to={href("ports", id)} look="primary">{t("nextPort")}</LinkButton><LinkButton to={href("websites")}>{t("nextSite")}</LinkButton></div>}</div></Notice>;
}

const ELSEWHERE = [["live", "toLive"], ["ports", "toPorts"], ["mitigation", "toMitigation"], ["websites", "toWebsites"]] as const;

function Shown({ instance, order }: { instance: Instance; order: Order | undefined }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const caller = useCaller();
	const id = instance.InstanceId;
	const state = stateOf(instance);
	const [open, setOpen] = useState<"renew" | "release" | "remark">();
	const [remark, setRemark] = useState(instance.Remark);
	const mayWrite = mayCall(caller, "ModifyInstanceRemark");
	const close = () => setOpen(undefined);
	const saveRemark = async () => {
		await call("ModifyInstanceRemark", { InstanceId: id, Remark: remark });
		toast.done(text(texts.remarkSaved));
	};
	const stop = instance.ExpireTime + STOP_AFTER, release = instance.ExpireTime + RELEASE_AFTER;
	return <>
		<PageHead title={id} hint={<>{instance.Remark && <>{instance.Remark} · </>}{mayWrite &&
			<button type="button" className="text-button" onClick={() => { setRemark(instance.Remark); setOpen("remark"); }}>{t("editRemark")}</button>}</>}
			actions={mayWrite && <>
				<Button look="primary" onPress={() => setOpen("renew")}>{t("renew")}</Button>
				<Button onPress={() => setOpen("release")}>{t("release")}…</Button></>} />
		<Card wide>
			<div className="row"><Badge tone={toneOf[state]}>{t(`state.${state}`)}</Badge><Code>{instance.Ip}</Code></div>
			<p>{t(`says.${state}`, { time: dateTime(state === "expired" ? stop : release) })}</p>
			<Lifecycle instance={instance} />
			<div className="row">{ELSEWHERE.filter(([page]) => pages.some((row) => row.id === page)).map(([page, label]) =>
				<LinkButton key={page} to={href(page, id)}>{t(label)}</LinkButton>)}</div>
		</Card>
		<NextStep instance={instance} mayWrite={mayWrite} />
		<div className="columns">
			<TrafficCard id={id} />
			<PlanCard instance={instance} mayWrite={mayWrite} />
			{order && <RenewalCard order={order} mayWrite={mayWrite} />}
			<SwitchBackCard id={id} mayWrite={mayWrite} />
			<TagsCard id={id} mayWrite={mayWrite} />
			<HistoryCard id={id} />
		</div>
		{open === "renew" && <RenewDialog instance={instance} onClose={close} />}
		{open === "release" && <ReleaseDialog instance={instance} onClose={close} />}
		<FormDialog title={t("editRemark")} open={open === "remark"} onClose={close} act={saveRemark} submit={tc("save")}>
			<Field label={t("remark")} value={remark} onChange={setRemark} rows={3} help={t("remarkHelp")} autoFocus />
		</FormDialog>
	</>;
}

export function DetailPage({ id }: { id: string }) {
	const t = useTexts(texts);
	const found = useFollow(id, async (signal) => {
		const [list, orders] = await Promise.all([
			call("DescribeInstances", { PageNumber: 1, PageSize: 1, InstanceIds: [id] }, { signal }),
			call("QueryAvailableInstances", { InstanceIDs: id }, { signal })]);
		return { instance: list.Instances[0], order: orders.Data.InstanceList[0] };
	}, 3000);
	if (found.loading)
		return <><PageHead title={id} /><Loading /></>;
	if (!found.data)
		return <><PageHead title={id} /><ErrorNotice error={found.error} retry={found.refresh} /></>;
	if (!found.data.instance)
		return <Empty title={t("notFound", { id })} action={<LinkButton to={href("instances")} look="primary">{t("back")}</LinkButton>} />;
	return <><ErrorNotice error={found.error} /><Shown instance={found.data.instance} order={found.data.order} /></>;
}
