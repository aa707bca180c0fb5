// SPDX-License-Identifier: BSD-2-Clause
// Limits of the instance as a whole, automatic blocking, and what keeps traffic away altogether.
import { useState } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, Button, DangerDialog, ErrorNotice, Field, Switch } from "../../components";
import { ChoiceCards } from "../../components/choices";
import { SettingsCard } from "../../components/settings";
import { useTexts } from "../../i18n";
import { mitigation as texts } from "../../i18n/mitigation";
import { dateTime } from "../../time";

const LINES = ["ct", "cut"];

export function Limits({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const reply = useCall("DescribeMitigations", { InstanceId: id });
	const specs = useCall("DescribeInstanceSpecs", { InstanceIds: [id] });
	const spec = specs.data?.InstanceSpecs[0] as { BandwidthMbps: number; RealLimitBw: number } | undefined;
	if (!reply.data || !spec)
		return <ErrorNotice error={reply.error ?? specs.error} />;
	const { SynThreshold, UnprovenPackets, Packets } = reply.data.Limits;
	const whole = (text: string) => Math.max(0, Math.trunc(Number(text)) || 0);
	return <SettingsCard title={t("limitsTitle")} hint={t("limitsHint")} readOnly={readOnly} value={{ SynThreshold, UnprovenPackets, Packets, real: spec.RealLimitBw }}
		save={async (draft, before) => {
			const changed = (["SynThreshold", "UnprovenPackets", "Packets"] as const).filter((name) => draft[name] !== before[name]);
			if (changed.length > 0)
				await call("ModifyInstanceLimits", { InstanceId: id, ...Object.fromEntries(changed.map((name) => [name, draft[name]])) });
			if (draft.real !== before.real)
				await call("ConfigLayer4RealLimit", { InstanceId: id, LimitValue: draft.real });
		}}>
		{(draft, set) => <div className="fields">
			<Field label={t("synThreshold")} value={String(draft.SynThreshold)} onChange={(text) => set({ SynThreshold: whole(text) })} inputMode="numeric" required />
			<Field label={t("unproven")} value={String(draft.UnprovenPackets)} onChange={(text) => set({ UnprovenPackets: whole(text) })} inputMode="numeric" required />
			<Field label={t("packetsMax")} value={String(draft.Packets)} onChange={(text) => set({ Packets: whole(text) })} inputMode="numeric" required />
			<Field label={t("realLimit")} help={t("planLimit", { n: spec.BandwidthMbps })} value={String(draft.real)} onChange={(text) => set({ real: whole(text) })} inputMode="numeric" required />
		</div>}
	</SettingsCard>;
}

export function Automatic({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const reply = useCall("DescribePortAutoCcStatus", { InstanceIds: [id] });
	const now = reply.data?.PortAutoCcStatus[0];
	if (!now)
		return <ErrorNotice error={reply.error} />;
	return <SettingsCard title={t("autoTitle")} hint={t("autoHint")} readOnly={readOnly} value={{ mode: now.Mode, on: now.Switch === "on" }}
		save={({ mode, on }) => call("ModifyPortAutoCcStatus", { InstanceId: id, Mode: mode, Switch: on ? "on" : "off" })}>
		{(draft, set) => <>
			<Switch label={t("autoOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<ChoiceCards label={t("mode")} value={draft.mode} onChange={(mode) => set({ mode: mode as typeof draft.mode })} isDisabled={readOnly || !draft.on}
				choices={(["loose", "normal", "strict"] as const).map((mode) => ({ id: mode, label: t(mode), text: t(`${mode}.text`) }))} />
		</>}
	</SettingsCard>;
}

/** The blackhole, and traffic from abroad. */
export function Away({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const [asking, setAsking] = useState(false);
	const [minutes, setMinutes] = useState("60");
	const hole = useCall("DescribeBlackholeStatus", { InstanceIds: [id] }, { every: 5000 });
	const abroad = useCall("DescribeBlockStatus", { InstanceIds: [id] }, { every: 5000 });
	const undoHole = useAct(() => call("ModifyBlackholeStatus", { InstanceId: id, BlackholeStatus: "undo" }));
	const undoAbroad = useAct(() => call("ModifyBlockStatus", { InstanceId: id, Status: "undo", Lines: LINES }));
	const black = hole.data?.BlackholeStatus[0];
	const lines = abroad.data?.StatusList[0]?.BlockStatusList ?? [];
	const blocked = lines.find((line) => line.BlockStatus !== "normal");
	return <div className="cards">
		<section className="card" aria-label={t("blackhole")}><h2>{t("blackhole")}</h2>
			{black && (black.BlackStatus === "normal" ? <p><Badge tone="good">{t("blackholeNormal")}</Badge></p> : <>
				<p><Badge tone="bad">{t("blackholeSince", { time: dateTime(black.EndTime * 1000) })}</Badge></p>
				{!readOnly && <div><Button busy={undoHole.busy} onPress={() => void undoHole.run()}>{t("blackholeEnd")}</Button></div>}</>)}
			<ErrorNotice error={hole.error ?? undoHole.error} /></section>
		<section className="card" aria-label={t("abroad")}><h2>{t("abroad")}</h2>
			<p>{blocked ? <Badge tone="warn">{t("abroadBlocked", { time: dateTime(blocked.EndTime * 1000) })}</Badge> : <Badge tone="good">{t("abroadNormal")}</Badge>}</p>
			{!readOnly && <div>{blocked ? <Button busy={undoAbroad.busy} onPress={() => void undoAbroad.run()}>{t("abroadUndo")}</Button> : <Button onPress={() => setAsking(true)}>{t("abroadBlock")}</Button>}</div>}
			<ErrorNotice error={abroad.error ?? undoAbroad.error} />
			<DangerDialog title={t("abroadBlock")} open={asking} onClose={() => setAsking(false)} name={id} instanceId={id} submit={t("abroadBlock")}
				act={() => call("ModifyBlockStatus", { InstanceId: id, Status: "do", Lines: LINES, Duration: Number(minutes) })}>
				<p>{t("abroadText")}</p><Field label={t("minutesFor")} value={minutes} onChange={setMinutes} inputMode="numeric" required /></DangerDialog>
		</section>
	</div>;
}
