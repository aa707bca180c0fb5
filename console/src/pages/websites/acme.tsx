// SPDX-License-Identifier: BSD-2-Clause
// Whether the certificate comes by itself: the switch, and how it goes.
import { useEffect } from "react";
import { call } from "../../api/client";
import { useAct, useCall } from "../../api/hooks";
import { Badge, ErrorNotice, Switch } from "../../components";
import { useTexts } from "../../i18n";
import { websites } from "../../i18n/websites";
import { dateTime } from "../../time";
import type { Site } from "./replies";

const LOOK_MS = 3000; // an order takes some seconds
const TONES = { off: "info", waiting: "info", ordering: "info", valid: "good", failed: "bad", stopped: "bad" } as const;

export function Acme({ site, readOnly, refresh }: { site: Site; readOnly: boolean; refresh: () => void }) {
	const t = useTexts(websites);
	const reply = useCall("DescribeWebAcme", { Domain: site.Domain }, { every: LOOK_MS });
	const turn = useAct((on: boolean) => call("ConfigWebAcme", { Domain: site.Domain, Enable: Number(on) }));
	const came = reply.data?.State === "valid" ? reply.data.ExpireTime : 0;
	useEffect(() => {
		if (came && came !== site.CertExpireTime)
			refresh(); // once for each that came: the rest of the page is about the old one
	}, [came]);
	if (!reply.data)
		return <ErrorNotice error={reply.error} />;
	const { Available, Enabled, State, LastError, NextTry, Directory } = reply.data;
	const wildcard = site.Domain.startsWith("*");
	const reached = site.ProxyTypes.some(({ ProxyType, ProxyPorts }) => ProxyType === "http" && ProxyPorts.includes("80"));
	const why = !Available ? t("acmeOff") : wildcard ? t("acmeWildcard") : !reached ? t("acmePort") : undefined;
	return <div className="stack acme">
		<div className="row"><Switch label={t("acme")} value={Enabled} onChange={(on) => void turn.run(on)} isDisabled={readOnly || turn.busy || (!Enabled && why !== undefined)} />
			{Enabled && <Badge tone={TONES[State]}>{t(`acme.${State}`)}</Badge>}</div>
		{why ? <p className="quiet-text">{why}</p> : <p className="quiet-text">{t("acmeHint", { directory: Directory })}</p>}
		{Enabled && NextTry > 0 && <p className="quiet-text">{t("acmeNext", { time: dateTime(NextTry) })}</p>}
		{Enabled && LastError && <p role="status">{t("acmeError", { reason: LastError })}</p>}
		<ErrorNotice error={turn.error} />
	</div>;
}
