// SPDX-License-Identifier: BSD-2-Clause
// Acts that need somebody to prove anew who he is: users, keys, accounts. What was typed signs the act and is dropped.
import { useState, type ReactNode } from "react";
import type { ActionName, Parameters, Reply } from "../../api/client";
import { manage, useCaller, type Login } from "../../api/session";
import { FormDialog } from "../../components";
import { useTexts } from "../../i18n";
import { shell } from "../../i18n/shell";
import { CredentialFields, isComplete, trimmed } from "../login";

export type Managed = <A extends ActionName>(action: A, parameters: Parameters[A]) => Promise<Reply<A>>;

/** A form whose act is signed with what is typed below it. Shown only while it is open. */
export function ManagedDialog({ title, onClose, act, submit, danger, ready = true, children }: {
	title: ReactNode; onClose: () => void; act: (managed: Managed) => Promise<unknown>; submit: string; danger?: boolean; ready?: boolean;
	children?: ReactNode }) {
	const t = useTexts(shell);
	const caller = useCaller();
	const [login, setLogin] = useState<Login>(caller.UserName ? { kind: "password", name: caller.UserName, password: "" } : { kind: "key", id: "", secret: "" });
	const run = async () => {
		await manage(trimmed(login), act);
		setLogin({ kind: "password", name: "", password: "" });
	};
	return <FormDialog title={title} open onClose={onClose} act={run} submit={submit} danger={danger ?? false} ready={ready && isComplete(login)}>
		{children}
		<fieldset className="step-up"><legend>{t("stepUp")}</legend>
			<p className="help">{t("stepUpHint")}</p>
			<CredentialFields login={login} onChange={setLogin} />
		</fieldset>
	</FormDialog>;
}
