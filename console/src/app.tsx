// SPDX-License-Identifier: BSD-2-Clause
// The frame: log-in or navigation and page. Which pages there are is a table, pages/index.ts.
import { Component, lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { Button as AriaButton, Menu, MenuItem, MenuSection, MenuTrigger, Header, Popover, Separator } from "react-aria-components";
import { useSilence } from "./api/client";
import { callerOf, lifeNow, logOut, mayBe, ownerOf, updateCaller, useCaller, useLifeOffset, useSession } from "./api/session";
import { Button, Empty, LinkButton, Loading, Notice, Toasts, useNow } from "./components";
import { languages, setLanguage, useLanguage, useTexts, format, type Language } from "./i18n";
import { common } from "./i18n/common";
import { shell } from "./i18n/shell";
import { LoginPage } from "./pages/login";
import { groups, pages, type Page, type PageComponent } from "./pages";
import { useTour } from "./pages/drill/tour-state";
import { href, useRoute } from "./router";
import { setTheme, useTheme, type Theme } from "./theme";
import { dateTime, duration } from "./time";

const TourBar = lazy(() => import("./pages/drill/tour"));

const CALLER_MS = 5000; // how often the clocks are compared: a lab moves one of them

const loaded = new Map<string, PageComponent>(pages.map((page) => [page.id, lazy(page.load)]));

/** A page that throws, or whose code could not be fetched, must not take the frame with it. */
class Boundary extends Component<{ children: ReactNode; failed: (again: () => void) => ReactNode }, { failed: boolean }> {
	override state = { failed: false };
	static getDerivedStateFromError() {
		return { failed: true };
	}
	override render() {
		return this.state.failed ? this.props.failed(() => location.reload()) : this.props.children;
	}
}

function Icon({ path }: { path: string }) {
	return <svg className="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={path} /></svg>;
}

function Navigation({ current, onChosen }: { current: string; onChosen: () => void }) {
	const t = useTexts(shell);
	const language = useLanguage();
	const caller = useCaller();
	return <nav className="nav" aria-label={t("navigation")}>
		{groups.map((group) => {
			const shown = pages.filter((page) => page.group === group && mayBe(caller, page.needs) && (!page.lab || caller.Drills));
			return shown.length > 0 && <div key={group} className="nav-group">
				<h2 className="nav-title">{t(group)}</h2>
				<ul>{shown.map((page) => <li key={page.id}>
					<a href={href(page.id)} aria-current={page.id === current ? "page" : undefined} onClick={onChosen}>
						<Icon path={page.icon} />{format(page.title, language)}</a>
				</li>)}</ul>
			</div>;
		})}
	</nav>;
}

export function ViewMenu() {
	const t = useTexts(shell);
	const theme = useTheme();
	const language = useLanguage();
	return <MenuTrigger>
		<AriaButton className="button quiet icon-button" aria-label={`${t("theme")}, ${t("language")}`}>
			<Icon path="M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18" /></AriaButton>
		<Popover className="popover" placement="bottom end"><Menu className="list-box">
			<MenuSection selectionMode="single" selectedKeys={[theme]}
				onSelectionChange={(keys) => { for (const key of keys) setTheme(key as Theme); }}>
				<Header className="list-head">{t("theme")}</Header>
				{(["system", "light", "dark"] as const).map((id) => <MenuItem key={id} id={id} className="list-item">{t(id)}</MenuItem>)}
			</MenuSection>
			<MenuSection selectionMode="single" selectedKeys={[language]}
				onSelectionChange={(keys) => { for (const key of keys) setLanguage(key as Language); }}>
				<Header className="list-head">{t("language")}</Header>
				{Object.entries(languages).map(([id, name]) => <MenuItem key={id} id={id} className="list-item">{name}</MenuItem>)}
			</MenuSection>
		</Menu></Popover>
	</MenuTrigger>;
}

function AccountMenu() {
	const t = useTexts(shell);
	const caller = useCaller();
	const name = caller.UserName || caller.AccountName || t("accountNumber", { n: caller.AccountId });
	return <MenuTrigger>
		<AriaButton className="button quiet account" aria-label={`${t("account")}: ${name}`}><span className="avatar" data-letter={name.slice(0, 1).toUpperCase()} aria-hidden="true" />
			<span className="account-name">{name}</span></AriaButton>
		<Popover className="popover" placement="bottom end">
			<div className="account-facts">
				<strong>{name}</strong>
				<span>{t("accountNumber", { n: caller.AccountId })} · {t(`role.${caller.Permission}`)}</span>
				{caller.InstanceIds.length > 0 && <span>{t("limitedTo", { n: caller.InstanceIds.length })}</span>}
				{caller.LastExpiration && <span>{t("lastUntil", { time: dateTime(Date.parse(caller.LastExpiration), false) })}</span>}
			</div>
			<Separator className="line" />
			<Menu className="list-box" onAction={() => logOut()}>
				<MenuItem id="out" className="list-item">{t("logOut")}</MenuItem>
			</Menu>
		</Popover>
	</MenuTrigger>;
}

/** Only where the clock was moved: what expires, expires by another time than the machine's. */
function ClockNotice() {
	const t = useTexts(shell);
	const offset = useLifeOffset();
	useNow();
	if (!offset)
		return null;
	return <Notice tone="info">{t("clockMoved", { time: t(offset > 0 ? "ahead" : "behind", { time: duration(Math.abs(offset)) }), now: dateTime(lifeNow()) })}</Notice>;
}

/** Figures that nobody renews must not be taken for the present's. */
function SilenceNotice() {
	const t = useTexts(shell);
	const since = useSilence();
	const now = useNow();
	if (since === undefined)
		return null;
	return <div className="silence"><Notice tone="bad" title={t("silent")}>{t("silentText", { time: duration(now - since) })}</Notice></div>;
}

function PageOf({ page }: { page: Page | undefined }) {
	const t = useTexts(shell);
	const tc = useTexts(common);
	const caller = useCaller();
	const route = useRoute();
	const Shown = page && loaded.get(page.id);
	if (!page || !Shown)
		return <Empty title={t("notFound")} action={<LinkButton to={href("overview")} look="primary">{t("toOverview")}</LinkButton>} />;
	if (!mayBe(caller, page.needs) || (page.lab && !caller.Drills))
		return <Empty title={t("notAllowed")} />;
	return <Boundary key={page.id} failed={(again) => <Empty title={tc("pageFailed")} action={<Button look="primary" onPress={again}>{tc("reload")}</Button>} />}>
		<Suspense fallback={<Loading />}><Shown route={route} /></Suspense>
	</Boundary>;
}

function Frame() {
	const t = useTexts(shell);
	const language = useLanguage();
	const route = useRoute();
	const [open, setOpen] = useState(false);
	const main = useRef<HTMLElement>(null);
	const tour = useTour();
	const silent = useSilence() !== undefined;
	const id = route.path[0] ?? "overview";
	const page = pages.find((row) => row.id === id);
	const title = page ? format(page.title, language) : t("notFound");
	const place = route.path.join("/");

	useEffect(() => { document.title = `${title} · Polder`; }, [title]);
	// A reader by keyboard or screen reader is taken to the new page.
	const seen = useRef(place);
	useEffect(() => {
		if (seen.current !== place) {
			seen.current = place;
			main.current?.focus({ preventScroll: true });
			window.scrollTo(0, 0);
		}
	}, [place]);
	useEffect(() => {
		const timer = setInterval(() => { if (!document.hidden) void updateCaller().catch(() => undefined); }, CALLER_MS);
		return () => clearInterval(timer);
	}, []);
	useEffect(() => {
		if (!open)
			return;
		const close = (event: KeyboardEvent) => { if (event.key === "Escape") setOpen(false); };
		window.addEventListener("keydown", close);
		return () => window.removeEventListener("keydown", close);
	}, [open]);

	return <div className={`frame${open ? " nav-open" : ""}${silent ? " silent" : ""}`}>
		<a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t("skip")}</a>
		<header className="topbar">
			<AriaButton className="button quiet icon-button menu-button" aria-label={t("menu")} aria-expanded={open} onPress={() => setOpen(!open)}>
				<Icon path="M4 7h16M4 12h16M4 17h16" /></AriaButton>
			<a className="brand" href={href("overview")}><img src="/console/icon.svg" alt="" width="26" height="26" /> {t("product")}</a>
			<div className="topbar-end"><ViewMenu /><AccountMenu /></div>
		</header>
		<div className="side"><Navigation current={id} onChosen={() => setOpen(false)} /></div>
		<div className="shade" onClick={() => setOpen(false)} aria-hidden="true" />
		<main className="main" id="main" ref={main} tabIndex={-1}><SilenceNotice /><ClockNotice /><PageOf page={page} /></main>
		{tour !== undefined && <Suspense fallback={null}><TourBar /></Suspense>}
	</div>;
}

/** A session that ended by itself takes nothing from whom it belonged to: his page waits, unseen, until he is back. */
export function App() {
	const session = useSession();
	const caller = callerOf(session);
	const out = session.state === "out";
	return <>
		{caller && <div key={ownerOf(caller)} hidden={out} inert={out}><Frame /></div>}
		{out ? <LoginPage why={session.why} kept={session.kept} /> : <Toasts />}
	</>;
}
