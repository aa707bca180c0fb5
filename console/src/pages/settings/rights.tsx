// SPDX-License-Identifier: BSD-2-Clause
// Fields that users and keys have in common: what they may do, for whom, and where.
import { Field, SelectField } from "../../components";
import { useTexts } from "../../i18n";
import { settings as texts } from "../../i18n/settings";
import { shell } from "../../i18n/shell";

export interface Rights { permission: "read-only" | "full" | "operator"; account: string; instances: string }

export const NO_RIGHTS: Rights = { permission: "read-only", account: "", instances: "" };

/** As parameters of CreateUser and CreateAccessKey. */
export function rightsOf({ permission, account, instances }: Rights) {
	const ids = instances.split(/[\s,]+/).filter(Boolean);
	return { Permission: permission, ...(account ? { AccountId: Number(account) } : {}), ...(ids.length > 0 ? { InstanceIds: ids } : {}) };
}

export function RightsFields({ rights, onChange }: { rights: Rights; onChange: (rights: Rights) => void }) {
	const t = useTexts(texts);
	const ts = useTexts(shell);
	return <>
		<SelectField label={t("permission")} value={rights.permission} onChange={(permission) => onChange({ ...rights, permission: permission as Rights["permission"] })}
			choices={(["read-only", "full", "operator"] as const).map((id) => ({ id, label: ts(`role.${id}`) }))} />
		<Field label={t("account")} value={rights.account} inputMode="numeric" help={t("accountHelp")}
			error={/^\d*$/.test(rights.account) ? undefined : t("accountHelp")} onChange={(account) => onChange({ ...rights, account })} />
		<Field label={t("onlyInstances")} value={rights.instances} help={t("onlyHelp")} onChange={(instances) => onChange({ ...rights, instances })} />
	</>;
}
