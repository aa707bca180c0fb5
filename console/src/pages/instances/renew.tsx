// SPDX-License-Identifier: BSD-2-Clause
// Renewing an instance, expired or not.
import { useState } from "react";
import { call } from "../../api/client";
import type { Instance } from "../../api/replies";
import { lifeNow } from "../../api/session";
import { nonce } from "../../api/sign";
import { Fact, Facts, FormDialog, SelectField, toast, Time } from "../../components";
import { text, useTexts } from "../../i18n";
import { instances as texts } from "../../i18n/instances";
import { dateTime } from "../../time";
import { addMonths, PERIODS } from "./model";

export function usePeriods() {
	const t = useTexts(texts);
	return PERIODS.map((n) => ({ id: String(n), label: n === 1 ? t("month") : t("months", { n }) }));
}

export function RenewDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
	const t = useTexts(texts);
	const periods = usePeriods();
	const [months, setMonths] = useState("1");
	// Pressing twice must not renew twice.
	const [token] = useState(nonce);
	const from = Math.max(instance.ExpireTime, lifeNow());
	const act = async () => {
		await call("RenewInstance", { InstanceId: instance.InstanceId, ProductCode: "ddos", RenewPeriod: Number(months), ClientToken: token });
		const { Instances } = await call("DescribeInstances", { PageNumber: 1, PageSize: 1, InstanceIds: [instance.InstanceId] });
		toast.done(text(texts.renewed, { time: dateTime(Instances[0]?.ExpireTime ?? 0, false) }));
	};
	return <FormDialog title={t("renewTitle", { id: instance.InstanceId })} open onClose={onClose} act={act} submit={t("renew")}>
		<p className="help">{t("renewHint")}</p>
		<SelectField label={t("period")} value={months} onChange={setMonths} choices={periods} />
		<Facts>
			<Fact name={t("expires")}><Time at={instance.ExpireTime} clock="life" /></Fact>
			<Fact name={t("newExpiry")}><strong><Time at={addMonths(from, Number(months))} clock="life" /></strong></Fact>
		</Facts>
	</FormDialog>;
}
