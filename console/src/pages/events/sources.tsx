// SPDX-License-Identifier: BSD-2-Clause
// Who attacked: sources, countries, providers, ports and lengths of an attack, as samples of refused packets tell, or refused requests.
import { useCall } from "../../api/hooks";
import { ErrorNotice, Loading, Table } from "../../components";
import { countryName } from "../../components/countries";
import { useLanguage, useTexts, type Language } from "../../i18n";
import { attacks as texts } from "../../i18n/attacks";
import { checkName } from "../../i18n/checks";
import { reasonName } from "../../i18n/reasons";
import { count } from "../../time";

interface Source { Source: string; Country: string; Provider: string; Organisation: string; Packets: number; Reason: string; Protocol: string; Port: number }
interface Port { Protocol: string; Port: number; Packets: number }
interface Sources {
	Sources: Source[]; Countries: { Country: string; Packets: number }[];
	Providers: { Provider: string; Organisation: string; Packets: number }[]; Ports: Port[]; Lengths: { Bytes: number; Packets: number }[];
}
declare module "../../api/replies" {
	interface Replies { DescribeAttackSources: Sources }
}

const SHOWN = 20, UNKNOWN = "unknown";

const portOf = ({ Protocol, Port }: { Protocol: string; Port: number }) => Port ? `${Protocol} ${Port}` : Protocol;
const providerOf = ({ Provider, Organisation }: { Provider: string; Organisation: string }, unknown: string) => Provider === UNKNOWN ? unknown : `${Provider} ${Organisation}`;
const countryOf = (code: string, unknown: string, language: Language) => code === UNKNOWN ? unknown : countryName(code.toUpperCase(), language);

/** A list in words: the first of them with their shares. */
function Shares({ label, rows }: { label: string; rows: readonly { name: string; packets: number }[] }) {
	const all = rows.reduce((sum, { packets }) => sum + packets, 0);
	if (all === 0)
		return null;
	return <p><strong>{label}</strong>{": "}{rows.slice(0, 8).map(({ name, packets }) => `${name} ${Math.round(packets / all * 1000) / 10} %`).join(", ")}</p>;
}

/** ofRequests: of a web site, where checks refuse requests, and not reasons packets. */
export function AttackSources({ number, goesOn, ofRequests }: { number: number; goesOn: boolean; ofRequests: boolean }) {
	const t = useTexts(texts);
	const language = useLanguage();
	const reply = useCall("DescribeAttackSources", { Number: number }, goesOn ? { every: 5000 } : {});
	if (!reply.data)
		return reply.error ? <ErrorNotice error={reply.error} /> : <Loading />;
	const { Sources, Countries, Providers, Ports, Lengths } = reply.data;
	const nothing = Sources.length === 0 && Ports.length === 0 && Lengths.length === 0;
	return <section className="stack" aria-label={t("who")}><h3>{t("who")}</h3><p className="help">{t(ofRequests ? "whoWebHint" : "whoHint")}</p>
		<Table label={t("who")} rows={Sources.slice(0, SHOWN)} rowKey={(row) => row.Source} empty={<p className="quiet-text">{t(goesOn && nothing ? "whoNotYet" : "whoNobody")}</p>} columns={[
			{ id: "source", head: t("source"), main: true, cell: (row) => <code>{row.Source}</code> },
			{ id: "country", head: t("country"), cell: (row) => countryOf(row.Country, t("unknown"), language) },
			{ id: "provider", head: t("provider"), cell: (row) => providerOf(row, t("unknown")) },
			{ id: "packets", head: t(ofRequests ? "requestsOf" : "packetsOf"), number: true, cell: (row) => count(row.Packets), sort: (row) => row.Packets },
			{ id: "reason", head: t("shares"), cell: (row) => ofRequests ? checkName(row.Reason) : reasonName(row.Reason) },
			{ id: "port", head: t("mostTo"), cell: (row) => portOf(row) },
		]} />
		<Shares label={t("countries")} rows={Countries.map(({ Country, Packets }) => ({ name: countryOf(Country, t("unknown"), language), packets: Packets }))} />
		<Shares label={t("providers")} rows={Providers.length > 1 || Providers[0]?.Provider !== UNKNOWN ? Providers.map((row) => ({ name: providerOf(row, t("unknown")), packets: row.Packets })) : []} />
		<Shares label={t("ports")} rows={Ports.map((port) => ({ name: portOf(port), packets: port.Packets }))} />
		<Shares label={t("lengths")} rows={Lengths.map(({ Bytes, Packets }) => ({ name: t("bytes", { n: Bytes }), packets: Packets }))} />
	</section>;
}
