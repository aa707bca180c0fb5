// SPDX-License-Identifier: BSD-2-Clause
// Ordering an instance.
import { useState, type FormEvent } from "react";
import { call } from "../../api/client";
import { useAct } from "../../api/hooks";
import { lifeNow } from "../../api/session";
import { nonce } from "../../api/sign";
import { Button, Card, ErrorNotice, Fact, Facts, Field, LinkButton, PageHead, SelectField, toast } from "../../components";
import { text, useTexts } from "../../i18n";
import { common } from "../../i18n/common";
import { instances as texts } from "../../i18n/instances";
import { go, href } from "../../router";
import { dateTime } from "../../time";
import { addMonths, BANDWIDTHS, inRange, RANGES } from "./model";
import { usePeriods } from "./renew";

interface Wish {
	product: "ddoscoo" | "ddosDip"; months: string; renewal: "AutoRenewal" | "ManualRenewal"; address: "Ipv4" | "Ipv6";
	base: string; elastic: string; functions: string; ranges: Record<string, string>;
}

const rangesOf = (product: Wish["product"]) =>
	Object.fromEntries(RANGES.map((row) => [row.code, String((product === "ddoscoo" ? row.pro : row.premium)[0])]));

const FIRST: Wish = { product: "ddoscoo", months: "1", renewal: "ManualRenewal", address: "Ipv4", base: "30", elastic: "30", functions: "0",
	ranges: rangesOf("ddoscoo") };

function parametersOf(wish: Wish): { Code: string; Value: string }[] {
	const list = Object.entries({ ...wish.ranges, FunctionVersion: wish.functions, AddressType: wish.address,
		...(wish.product === "ddoscoo" ? { BaseBandwidth: wish.base, Bandwidth: wish.elastic } : {}) });
	return list.map(([Code, Value]) => ({ Code, Value }));
}

export function CreatePage() {
	const t = useTexts(texts);
	const tc = useTexts(common);
	const periods = usePeriods();
	const [wish, setWish] = useState(FIRST);
	// One order for however many presses; another once something was changed.
	const [token, setToken] = useState(nonce);
	const set = (change: Partial<Wish>) => { setWish({ ...wish, ...change }); setToken(nonce()); };
	const boundsOf = (row: typeof RANGES[number]) => {
		const [min, max, step] = wish.product === "ddoscoo" ? row.pro : row.premium;
		return ["least" in row ? row.least : min, max, step] as const;
	};
	const ready = RANGES.every((row) => inRange(wish.ranges[row.code] ?? "", boundsOf(row)));
	const order = useAct(async () => {
		const { Data } = await call("CreateInstance", { ProductCode: "ddos", ProductType: wish.product, SubscriptionType: "Subscription",
			Period: Number(wish.months), RenewalStatus: wish.renewal, RenewPeriod: wish.renewal === "AutoRenewal" ? 1 : undefined,
			ClientToken: token, Parameter: parametersOf(wish) });
		const { Instances } = await call("DescribeInstances", { PageNumber: 1, PageSize: 1, InstanceIds: [Data.InstanceId] });
		toast.done(text(texts.ordered, { id: Data.InstanceId, ip: Instances[0]?.Ip ?? "" }));
		go("instances", Data.InstanceId);
	});
	const send = (event: FormEvent) => { event.preventDefault(); if (ready) void order.run(); };
	const gbps = BANDWIDTHS.map((n) => ({ id: String(n), label: t("gbps", { n }) }));
	return <>
		<PageHead title={t("createTitle")} hint={t("createHint")} />
		<form onSubmit={send} noValidate className="stack">
			<Card title={t("product")}><div className="fields">
				<SelectField label={t("product")} value={wish.product} choices={[{ id: "ddoscoo", label: t("pro") }, { id: "ddosDip", label: t("premium") }]}
					onChange={(product) => set({ product: product as Wish["product"], ranges: rangesOf(product as Wish["product"]) })} />
				<SelectField label={t("ipVersion")} value={wish.address} choices={[{ id: "Ipv4", label: "IPv4" }, { id: "Ipv6", label: "IPv6" }]}
					onChange={(address) => set({ address: address as Wish["address"] })} />
				<SelectField label={t("functions")} value={wish.functions} choices={[{ id: "0", label: t("standard") }, { id: "1", label: t("enhanced") }]}
					onChange={(functions) => set({ functions })} />
			</div></Card>
			<Card title={t("limits")}><div className="fields">
				{wish.product === "ddoscoo" && <>
					<SelectField label={t("base")} value={wish.base} choices={gbps}
						onChange={(base) => set({ base, elastic: String(Math.max(Number(base), Number(wish.elastic))) })} />
					<SelectField label={t("elastic")} value={wish.elastic} choices={gbps.filter(({ id }) => Number(id) >= Number(wish.base))}
						onChange={(elastic) => set({ elastic })} /></>}
				{RANGES.map((row) => {
					const [min, max, step] = boundsOf(row);
					const value = wish.ranges[row.code] ?? "";
					const bounds = t("step", { min, max, step });
					return <Field key={row.code} label={row.code === "NormalBandwidth" ? `${t(row.label)} (Mbit/s)` : t(row.label)} value={value} required inputMode="numeric"
						onChange={(next) => set({ ranges: { ...wish.ranges, [row.code]: next } })} help={bounds}
						error={inRange(value, [min, max, step]) ? undefined : bounds} />;
				})}
			</div></Card>
			<Card title={t("term")}><div className="fields">
				<SelectField label={t("period")} value={wish.months} choices={periods} onChange={(months) => set({ months })} />
				<SelectField label={t("setRenewal")} value={wish.renewal} onChange={(renewal) => set({ renewal: renewal as Wish["renewal"] })}
					choices={[{ id: "ManualRenewal", label: t("byHand") }, { id: "AutoRenewal", label: t("auto") }]} />
			</div>
			<Facts><Fact name={t("expires")}><strong>{dateTime(addMonths(lifeNow(), Number(wish.months)), false)}</strong></Fact></Facts></Card>
			<ErrorNotice error={order.error} />
			<div className="row">
				<Button type="submit" look="primary" busy={order.busy} isDisabled={!ready}>{t("order")}</Button>
				<LinkButton to={href("instances")}>{tc("cancel")}</LinkButton>
			</div>
		</form>
	</>;
}
