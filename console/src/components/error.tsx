// SPDX-License-Identifier: BSD-2-Clause
// Errors: in the page, beside what failed; or as a toast, for acts whose place is gone by then. Each tells the
// code's page in the error centre and the id by which an operator finds the call.
import { useEffect, type ReactNode } from "react";
import { Button as AriaButton } from "react-aria-components";
import type { ApiError } from "../api/client";
import { common } from "../i18n/common";
import { text, useTexts } from "../i18n";
import { href } from "../router";
import { createStore, useStore } from "../store";
import { duration } from "../time";
import { Button, CopyButton } from "./basic";

function ErrorBody({ error }: { error: ApiError }) {
	const t = useTexts(common);
	if (error.code === "Network")
		return <p>{t("network")}</p>;
	return <>
		<p><code>{error.code}</code> {error.message}{error.retryAfterMs > 0 && <> {t("retryAfter", { time: duration(error.retryAfterMs) })}</>}</p>
		<p className="error-foot">
			{error.status > 0 && <a href={href("errors", error.code)}>{t("whatItMeans")}</a>}
			{error.requestId && <span>{t("requestId")} <code>{error.requestId}</code> <CopyButton value={error.requestId} what={t("requestId")} /></span>}
		</p>
	</>;
}

export function ErrorNotice({ error, retry }: { error: ApiError | undefined; retry?: () => void }) {
	const t = useTexts(common);
	if (!error)
		return null;
	return <div className="notice bad" role="alert">
		<strong>{t("failed", { action: error.action })}</strong>
		<ErrorBody error={error} />
		{retry && <Button onPress={retry}>{t("retry")}</Button>}
	</div>;
}

interface Toast { id: number; tone: "good" | "bad"; body: ReactNode }
const toasts = createStore<readonly Toast[]>([]);
const TOASTS_MAX = 4;
const GOOD_MS = 4500;
let nextId = 1;

const drop = (id: number) => toasts.set(toasts.get().filter((toast) => toast.id !== id));
const show = (tone: Toast["tone"], body: ReactNode) =>
	toasts.set([...toasts.get(), { id: nextId++, tone, body }].slice(-TOASTS_MAX));

export const toast = {
	done: (message: string) => show("good", message),
	/** Stays until it is dismissed. */
	failed: (error: ApiError) => show("bad", <>
		<strong>{text(common.failed, { action: error.action })}</strong><ErrorBody error={error} /></>),
};

function ToastItem({ toast: { id, tone, body } }: { toast: Toast }) {
	const t = useTexts(common);
	useEffect(() => {
		if (tone !== "good")
			return;
		const timer = setTimeout(() => drop(id), GOOD_MS);
		return () => clearTimeout(timer);
	}, [id, tone]);
	return <div className={`toast ${tone}`} role={tone === "bad" ? "alert" : "status"}>
		<div className="toast-body">{body}</div>
		<AriaButton className="toast-close" aria-label={t("dismiss")} onPress={() => drop(id)}>×</AriaButton>
	</div>;
}

export function Toasts() {
	const list = useStore(toasts);
	return <div className="toasts" aria-live="polite">{list.map((item) => <ToastItem key={item.id} toast={item} />)}</div>;
}
