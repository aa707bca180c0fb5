// SPDX-License-Identifier: BSD-2-Clause
// Five steps through the lab: a bar at the foot of whatever page the step is about. Where it stands is of this tab alone.
import { useEffect } from "react";
import { Button, Code } from "../../components";
import { drill } from "../../i18n/drill";
import { useTexts } from "../../i18n";
import { go } from "../../router";
import { pages } from "..";
import { tourStep, useTour } from "./tour-state";
import "./drill.css";

/** The first of these pages that this console has. */
const first = (...ids: string[]) => ids.find((id) => pages.some((page) => page.id === id)) ?? "drill";

const steps = [
	{ title: "tourOverview", text: "tourOverviewText", page: first("overview") },
	{ title: "tourInstance", text: "tourInstanceText", page: first("instances", "overview") },
	{ title: "tourDrill", text: "tourDrillText", page: "drill" },
	{ title: "tourEvent", text: "tourEventText", page: first("events", "drill") },
	{ title: "tourExpire", text: "tourExpireText", page: first("instances", "overview"), command: "polder lab clock +32d" },
] as const;

export default function TourBar() {
	const t = useTexts(drill);
	const at = useTour();
	const step = at === undefined ? undefined : steps[at];
	useEffect(() => {
		if (step)
			go(step.page);
	}, [step]);
	if (at === undefined || !step)
		return null;
	return <aside className="tour" aria-label={t("tour")}>
		<div className="tour-text" role="status">
			<span className="tour-number">{t("step", { n: at + 1, all: steps.length })}</span>
			<strong>{t(step.title)}</strong>
			<p>{t(step.text)}</p>
			{"command" in step && <Code>{step.command}</Code>}
		</div>
		<div className="row tour-buttons">
			<Button look="quiet" onPress={() => tourStep(undefined)}>{t("end")}</Button>
			<Button isDisabled={at === 0} onPress={() => tourStep(at - 1)}>{t("back")}</Button>
			{at + 1 < steps.length && <Button look="primary" onPress={() => tourStep(at + 1)}>{t("next")}</Button>}
		</div>
	</aside>;
}
