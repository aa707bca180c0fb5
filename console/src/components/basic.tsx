// SPDX-License-Identifier: BSD-2-Clause
// Small pieces: buttons, badges, bars, times, copying, headings. Anything that acts is react-aria's, so keyboard,
// touch and screen readers are its business.
import { useEffect, useState, type ReactNode } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components";
import { machineNow } from "../api/client";
import { lifeNow, useLifeOffset } from "../api/session";
import { common } from "../i18n/common";
import { useLanguage, useTexts } from "../i18n";
import { count, dateTime, duration, zone } from "../time";

export function Button({ look = "plain", busy, children, ...rest }: ButtonProps & {
	look?: "plain" | "primary" | "danger" | "quiet"; busy?: boolean; children?: ReactNode }) {
	return <AriaButton {...rest} isDisabled={rest.isDisabled || busy} className={`button ${look}`}>
		{busy && <span className="spinner" aria-hidden="true" />}{children}
	</AriaButton>;
}

/** A link that looks like a button. */
export function LinkButton({ to, look = "plain", children }: { to: string; look?: "plain" | "primary" | "quiet"; children: ReactNode }) {
	return <a className={`button ${look}`} href={to}>{children}</a>;
}

export type Tone = "good" | "warn" | "bad" | "info" | "neutral";

/** A state: never by colour alone. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
	return <span className={`badge ${tone}`}><span className="dot" aria-hidden="true" />{children}</span>;
}

/** How much of a limit is used. Limit 0: none. */
export function QuotaBar({ label, used, limit, unit = "" }: { label: string; used: number; limit: number; unit?: string }) {
	const t = useTexts(common);
	const part = limit > 0 ? Math.min(1, used / limit) : 0;
	const tone = part >= 1 ? "bad" : part >= 0.8 ? "warn" : "good";
	const value = limit > 0 ? t("used", { used: count(used), limit: count(limit) }) : `${count(used)} · ${t("unlimited")}`;
	return <div className="quota">
		<div className="quota-head"><span>{label}</span><span className="number">{value}{unit && ` ${unit}`}</span></div>
		<div className={`bar ${tone}`} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={limit || Math.max(1, used)}
			aria-valuenow={used} aria-valuetext={value}><span style={{ width: `${part * 100}%` }} /></div>
	</div>;
}

/** The current time, once a second while the tab is visible. */
export function useNow(every = 1000): number {
	const [now, setNow] = useState(Date.now());
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) setNow(Date.now()); }, every);
		return () => clearInterval(timer);
	}, [every]);
	return now;
}

/** A moment. The life cycle's may be of a moved clock, and says so. */
export function Time({ at, clock = "machine", relative, brief }: {
	at: number; clock?: "machine" | "life"; relative?: boolean; brief?: boolean }) {
	const t = useTexts(common);
	useLanguage();
	const offset = useLifeOffset();
	useNow(relative ? 1000 : 60000);
	if (!at)
		return <span>–</span>;
	const left = at - (clock === "life" ? lifeNow() : machineNow());
	const exact = dateTime(at);
	const title = [`${exact} ${zone(at)}`, new Date(at).toISOString(), ...(clock === "life" && offset ? [t("lifeTime")] : [])].join(" · ");
	if (!relative)
		return <time dateTime={new Date(at).toISOString()} title={title}>{brief ? dateTime(at, false) : exact}</time>;
	return <time dateTime={new Date(at).toISOString()} title={title}>
		{left >= 0 ? t("inTime", { time: duration(left) }) : t("ago", { time: duration(-left) })}</time>;
}

/** Counts down to a moment of the life cycle. */
export function Countdown({ to }: { to: number }) {
	useNow();
	useLanguage();
	const left = to - lifeNow();
	const tone = left <= 0 ? "bad" : left < 7 * 86400000 ? "warn" : "good";
	return <span className={`countdown ${tone}`}>{left > 0 ? duration(left) : `−${duration(-left)}`}</span>;
}

export function CopyButton({ value, what }: { value: string; what?: string }) {
	const t = useTexts(common);
	const [done, setDone] = useState(false);
	useEffect(() => {
		if (!done)
			return;
		const timer = setTimeout(() => setDone(false), 1500);
		return () => clearTimeout(timer);
	}, [done]);
	return <AriaButton className="copy" aria-label={t("copyOf", { what: what ?? value })}
		onPress={() => void navigator.clipboard.writeText(value).then(() => setDone(true), () => undefined)}>
		<span aria-live="polite">{done ? t("copied") : t("copy")}</span>
	</AriaButton>;
}

/** An id or address with its copy button. */
export function Code({ children, copy = true }: { children: string; copy?: boolean }) {
	return <span className="code"><code>{children}</code>{copy && <CopyButton value={children} />}</span>;
}

/** Head of a page: one h1, a sentence, and what one can do. */
export function PageHead({ title, hint, actions }: { title: ReactNode; hint?: ReactNode; actions?: ReactNode }) {
	return <header className="page-head">
		<div><h1>{title}</h1>{hint && <p className="hint">{hint}</p>}</div>
		{actions && <div className="page-actions">{actions}</div>}
	</header>;
}

export function Card({ title, actions, children, wide }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
	return <section className={`card${wide ? " wide" : ""}`}>
		{title && <div className="card-head"><h2>{title}</h2>{actions && <div className="card-actions">{actions}</div>}</div>}
		{children}
	</section>;
}

/** Names and values. */
export function Facts({ children }: { children: ReactNode }) {
	return <dl className="facts">{children}</dl>;
}
export function Fact({ name, children, wide }: { name: ReactNode; children: ReactNode; wide?: boolean }) {
	return <div className={wide ? "wide" : undefined}><dt>{name}</dt><dd>{children}</dd></div>;
}

/** Nothing there yet, and what to do about it. */
export function Empty({ title, children, action }: { title: ReactNode; children?: ReactNode; action?: ReactNode }) {
	return <div className="empty"><p className="empty-title">{title}</p>{children && <p>{children}</p>}{action}</div>;
}

export function Loading() {
	const t = useTexts(common);
	return <div className="loading" role="status"><span className="spinner" aria-hidden="true" /> {t("loading")}</div>;
}

/** Something to notice, in the page. */
export function Notice({ tone, title, children }: { tone: Tone; title?: ReactNode; children?: ReactNode }) {
	return <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "note"}>
		{title && <strong>{title}</strong>}{children && <div>{children}</div>}
	</div>;
}
