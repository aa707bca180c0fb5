// SPDX-License-Identifier: BSD-2-Clause
// The life of an instance as a line: until its expiry protected, seven days more forwarded, released after thirty.
import type { Instance } from "../../api/replies";
import { lifeNow } from "../../api/session";
import { Countdown, Time, useNow } from "../../components";
import { useTexts } from "../../i18n";
import { instances as texts } from "../../i18n/instances";
import { RELEASE_AFTER, STOP_AFTER } from "./model";

export function Lifecycle({ instance }: { instance: Instance }) {
	const t = useTexts(texts);
	useNow();
	const now = lifeNow();
	const moments = [
		{ id: "created", at: instance.CreateTime, name: t("created"), tone: "good" },
		{ id: "expires", at: instance.ExpireTime, name: t("expires"), tone: "warn" },
		{ id: "stops", at: instance.ExpireTime + STOP_AFTER, name: t("stopsAt"), tone: "bad" },
		{ id: "releases", at: instance.ExpireTime + RELEASE_AFTER, name: t("releasesAt"), tone: "end" },
	];
	const next = moments.find(({ at }) => at > now);
	return <ol className="lifecycle" aria-label={t("lifecycle")}>{moments.map(({ id, at, name, tone }, i) => {
		const until = moments[i + 1]?.at;
		const part = until === undefined || now < at ? 0 : Math.min(1, (now - at) / (until - at));
		return <li key={id} className={`${tone}${now >= at ? " passed" : ""}`}>
			<span className="point" aria-hidden="true" />
			{until !== undefined && <progress className="stretch" max={1} value={part} aria-hidden="true" />}
			<span className="moment-name">{name}</span>
			<span className="moment-time"><Time at={at} clock="life" /></span>
			{next?.id === id && <span className="moment-left"><Countdown to={at} /></span>}
		</li>;
	})}</ol>;
}
