// SPDX-License-Identifier: BSD-2-Clause
import { PageHead } from "../../components";
import { useTexts } from "../../i18n";
import { shell } from "../../i18n/shell";

export default function OverviewPage() {
	const t = useTexts(shell);
	return <PageHead title={t("overview")} />;
}
