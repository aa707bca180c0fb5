// SPDX-License-Identifier: BSD-2-Clause
// Dialogs. FormDialog holds fields and one act; DangerDialog guards what stops traffic or cannot be undone.
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { Button as AriaButton, Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { machineNow, type ApiError } from "../api/client";
import { useAct, useCall } from "../api/hooks";
import { useSession } from "../api/session";
import { useUnsaved } from "../drafts";
import { common } from "../i18n/common";
import { useTexts } from "../i18n";
import { count, duration, short } from "../time";
import { Button, Notice } from "./basic";
import { ErrorNotice } from "./error";
import { Field } from "./fields";

/** `sticky`: a press beside it, which happens by mistake, does not close it. */
export function Dialog({ title, open, onClose, children, wide, sticky }: {
	title: ReactNode; open: boolean; onClose: () => void; children: ReactNode; wide?: boolean; sticky?: boolean }) {
	const t = useTexts(common);
	const { state } = useSession();
	const shown = open && state === "in"; // it would stand over the log-in
	return <ModalOverlay className="overlay" isOpen={shown} onOpenChange={(now) => { if (!now) onClose(); }} isDismissable={!sticky}>
		<Modal className={`modal${wide ? " wide" : ""}`}><AriaDialog className="dialog">
			<div className="dialog-head"><Heading slot="title" className="dialog-title">{title}</Heading>
				<AriaButton className="dialog-close" aria-label={t("closeDialog")} onPress={onClose}>×</AriaButton></div>
			{children}
		</AriaDialog></Modal>
	</ModalOverlay>;
}

/** Fields and one act. `act` throws ApiError to stay open and show it. */
export function FormDialog({ title, open, onClose, act, submit, danger, ready = true, wide, children }: {
	title: ReactNode; open: boolean; onClose: () => void; act: () => Promise<unknown>; submit: string; danger?: boolean;
	ready?: boolean; wide?: boolean; children: ReactNode }) {
	const t = useTexts(common);
	const [typed, setTyped] = useState(false);
	useUnsaved(open && typed);
	useEffect(() => setTyped(false), [open]);
	const doing = useAct(async () => { await act(); onClose(); });
	const close = () => { doing.clear(); onClose(); };
	const send = (event: FormEvent) => {
		event.preventDefault();
		if (ready && !doing.busy)
			void doing.run();
	};
	return <Dialog title={title} open={open} onClose={close} sticky wide={wide ?? false}>
		<form className="form" onSubmit={send} onInput={() => setTyped(true)} noValidate>
			{children}
			<div className="dialog-foot"><ErrorNotice error={doing.error} />
			<div className="dialog-actions">
				<Button onPress={close}>{t("cancel")}</Button>
				<Button type="submit" look={danger ? "danger" : "primary"} isDisabled={!ready} busy={doing.busy}>{submit}</Button>
			</div></div>
		</form>
	</Dialog>;
}

/** What still arrives at an instance: the guard of what would stop it. */
export function PacketsOfMinute({ instanceId }: { instanceId: string }) {
	const t = useTexts(common);
	const traffic = useCall("DescribeTraffic", { InstanceId: instanceId }, { every: 1000 });
	const reasons = useCall("DescribeReasons", { InstanceId: instanceId }, { every: 1000 });
	const first = useRef<number | undefined>(undefined);
	if (traffic.error)
		return <ErrorNotice error={traffic.error} />;
	if (!traffic.data)
		return null;
	first.current ??= traffic.data.InPackets;
	const age = machineNow() - traffic.data.LastPacketTime;
	const since = traffic.data.InPackets - first.current;
	if (!traffic.data.Reported)
		return <Notice tone="info" title={t("packetsMinute")}>{t("packetsUnknown")}</Notice>;
	if (!traffic.data.LastPacketTime || age > 60000)
		return <Notice tone="good" title={t("packetsMinute")}>{t("packetsNone")}</Notice>;
	return <Notice tone="warn" title={t("packetsMinute")}>
		{t("packetsSome", { rate: short(reasons.data?.InPacketsPerSecond ?? 0), ago: duration(age) })}
		{since > 0 && <> {t("packetsSince", { n: count(since) })}</>}
	</Notice>;
}

/** Asks for the name typed and, where an instance is concerned, shows the packets that still arrive. */
export function DangerDialog({ title, open, onClose, name, instanceId, act, submit, children }: {
	title: ReactNode; open: boolean; onClose: () => void; name: string; instanceId?: string; act: () => Promise<unknown>;
	submit: string; children: ReactNode }) {
	const t = useTexts(common);
	const [typed, setTyped] = useState("");
	useEffect(() => setTyped(""), [open, name]);
	return <FormDialog title={title} open={open} onClose={onClose} act={act} submit={submit} danger ready={typed === name}>
		<div>{children}</div>
		{open && instanceId && <PacketsOfMinute instanceId={instanceId} />}
		<Field label={t("typeName", { name })} value={typed} onChange={setTyped} required autoFocus />
	</FormDialog>;
}

export type { ApiError };
