// SPDX-License-Identifier: BSD-2-Clause
// Where packets may come from and what may be in them: countries, ports of reflectors, patterns of payloads.
import { call } from "../../api/client";
import { useCall } from "../../api/hooks";
import { Button, ErrorNotice, Field, SelectField, Switch } from "../../components";
import { CountryChoice } from "../../components/countries";
import { linesOf, SettingsCard } from "../../components/settings";
import { countries } from "../../gen/tables";
import { useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { mitigation as texts } from "../../i18n/mitigation";
import type { Pattern } from "./replies";

const codeOf = new Map(countries.map(({ code, number }) => [number, code]));
const PATTERNS_MAX = 8;
// Chargen, DNS, TFTP, portmapper, NTP, NetBIOS, SNMP, CLDAP, RIP, SSDP, WS-Discovery, mDNS, memcached.
const REFLECTORS = [19, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 3702, 5353, 11211];
const isHex = (text: string) => /^([0-9a-f]{2})+$/i.test(text);

export function Regions({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const reply = useCall("DescribeNetworkRegionBlock", { InstanceId: id });
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	const { Config } = reply.data;
	return <SettingsCard title={t("regionTitle")} hint={t("regionHint")} readOnly={readOnly}
		value={{ on: Config.RegionBlockSwitch === "on", codes: Config.Countries.map((number) => codeOf.get(number) ?? String(number)) }}
		save={({ on, codes }) => call("ConfigNetworkRegionBlock", { InstanceId: id, Config: JSON.stringify({ RegionBlockSwitch: on ? "on" : "off", Countries: codes, Provinces: Config.Provinces }) })}>
		{(draft, set) => <>
			<Switch label={t("regionOn")} value={draft.on} onChange={(on) => set({ on })} isDisabled={readOnly} />
			<CountryChoice label={t("regionTitle")} value={draft.codes} onChange={(codes) => set({ codes, on: codes.length > 0 })} isDisabled={readOnly} />
		</>}
	</SettingsCard>;
}

export function Reflection({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const reply = useCall("DescribeUdpReflect", { InstanceId: id });
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	return <SettingsCard title={t("reflectionTitle")} hint={t("reflectionHint")} readOnly={readOnly} value={{ ports: reply.data.UdpSports.join(" ") }}
		save={({ ports }) => call("ConfigUdpReflect", { InstanceId: id, Config: JSON.stringify({ UdpSports: linesOf(ports).map(Number) }) })}>
		{(draft, set) => <>
			<Field label={t("reflectionPorts")} value={draft.ports} onChange={(ports) => set({ ports })} placeholder="53 123 1900" />
			{!readOnly && <div><Button onPress={() => set({ ports: [...new Set([...linesOf(draft.ports).map(Number), ...REFLECTORS])].sort((a, b) => a - b).join(" ") })}>{t("reflectionUsual")}</Button></div>}
		</>}
	</SettingsCard>;
}

export function Patterns({ id, readOnly }: { id: string; readOnly: boolean }) {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const reply = useCall("DescribePayloadPatterns", { InstanceId: id });
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	return <SettingsCard title={t("patternsTitle")} hint={t("patternsHint")} readOnly={readOnly} value={{ rows: reply.data.Patterns }}
		ready={({ rows }) => rows.every((row) => isHex(row.Value) && (row.Mask === "" || (isHex(row.Mask) && row.Mask.length === row.Value.length)))}
		save={({ rows }) => call("ConfigPayloadPatterns", { InstanceId: id, Patterns: JSON.stringify(rows.map(({ Mask, ...row }) => ({ ...row, ...(Mask ? { Mask } : {}) }))) })}>
		{(draft, set) => {
			const change = (at: number, part: Partial<Pattern>) => set({ rows: draft.rows.map((row, i) => i === at ? { ...row, ...part } : row) });
			return <>
				{draft.rows.map((row, i) => <div key={i} className="pattern">
					<SelectField label={t("protocol")} value={row.Protocol} onChange={(Protocol) => change(i, { Protocol })} choices={["tcp", "udp", "any"].map((name) => ({ id: name, label: name === "any" ? t("any") : name.toUpperCase() }))} />
					<Field label={t("port")} value={String(row.Port)} onChange={(text) => change(i, { Port: Number(text) || 0 })} inputMode="numeric" required />
					<Field label={t("offset")} value={String(row.Offset)} onChange={(text) => change(i, { Offset: Number(text) || 0 })} inputMode="numeric" required />
					<Field label={t("value")} value={row.Value} onChange={(Value) => change(i, { Value })} required error={row.Value && !isHex(row.Value) ? t("badHex") : undefined} />
					<Field label={t("mask")} value={row.Mask} onChange={(Mask) => change(i, { Mask })} error={row.Mask && !isHex(row.Mask) ? t("badHex") : undefined} />
					{!readOnly && <Button look="quiet" onPress={() => set({ rows: draft.rows.filter((_, at) => at !== i) })}>{tc("remove")}</Button>}
				</div>)}
				{!readOnly && draft.rows.length < PATTERNS_MAX && <div><Button onPress={() => set({ rows: [...draft.rows, { Protocol: "udp", Port: 0, Offset: 0, Value: "", Mask: "" }] })}>{t("addPattern")}</Button></div>}
			</>;
		}}
	</SettingsCard>;
}
