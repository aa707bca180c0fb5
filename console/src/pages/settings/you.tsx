// SPDX-License-Identifier: BSD-2-Clause
// Who is logged in, with what rights, and what the service says about itself.
import { useState } from "react";
import { machineNow } from "../../api/client";
import { lifeNow, useCaller } from "../../api/session";
import { Button, Card, Fact, Facts, Field, Time, toast, useNow } from "../../components";
import { text, useTexts } from "../../i18n";
import { settings as texts } from "../../i18n/settings";
import { shell } from "../../i18n/shell";
import { dateTime, zone } from "../../time";
import { ManagedDialog } from "./managed";

export const PASSWORD_MIN = 12;

function PasswordDialog({ name, onClose }: { name: string; onClose: () => void }) {
	const t = useTexts(texts);
	const [password, setPassword] = useState("");
	return <ManagedDialog title={t("changePassword")} onClose={onClose} submit={t("changePassword")} ready={password.length >= PASSWORD_MIN}
		act={async (managed) => {
			await managed("ModifyUserPassword", { Name: name, Password: password });
			toast.done(text(texts.passwordChanged));
		}}>
		<Field label={t("newPassword")} type="password" autoComplete="new-password" name="new-password" value={password} onChange={setPassword} required help={t("passwordHelp")} />
	</ManagedDialog>;
}

export function You() {
	const t = useTexts(texts);
	const ts = useTexts(shell);
	const caller = useCaller();
	const [changing, setChanging] = useState(false);
	useNow();
	return <div className="cards">
		<Card title={t("you")} actions={caller.UserName && <Button onPress={() => setChanging(true)}>{t("changePassword")}</Button>}>
			<Facts>
				<Fact name={t("signedInAs")}>{caller.UserName || <code>{caller.AccessKeyId}</code>}</Fact>
				<Fact name={t("permission")}>{ts(`role.${caller.Permission}`)}</Fact>
				<Fact name={t("account")}>{caller.AccountName ? `${caller.AccountName} (${caller.AccountId})` : caller.AccountId}</Fact>
				<Fact name={t("limited")}>{caller.InstanceIds.length > 0 ? caller.InstanceIds.map((id) => <div key={id}><code>{id}</code></div>) : t("allInstances")}</Fact>
				{caller.LastExpiration && <Fact name={t("sessionEnds")}><Time at={Date.parse(caller.LastExpiration)} /></Fact>}
				<Fact name={t("from")}><code>{caller.SourceIp || "–"}</code></Fact>
			</Facts>
		</Card>
		<Card title="Polder">
			<Facts>
				<Fact name={t("version")}>{caller.ProductVersion}</Fact>
				<Fact name={t("dnsZone")}>{caller.DnsZone ? <code>{caller.DnsZone}</code> : t("off")}</Fact>
				<Fact name={t("machineClock")}><span className="number">{dateTime(machineNow())}</span></Fact>
				<Fact name={t("lifeClock")}><span className="number">{dateTime(lifeNow())}</span></Fact>
				<Fact name={t("zone")}>{zone(machineNow())}</Fact>
			</Facts>
		</Card>
		{changing && <PasswordDialog name={caller.UserName} onClose={() => setChanging(false)} />}
	</div>;
}
