// SPDX-License-Identifier: BSD-2-Clause
// Who is logged in. The session's secret is a WebCrypto key in this tab's memory: nothing that could be read back, and
// nothing in any storage. Closing or reloading the tab therefore logs out.
//
// Ways in: an access key, which signs one CreateSecurityToken and is forgotten; or user and password by CreateSession.
// Both give a key for 15 minutes that ExtendSession keeps alive while somebody is at work, at most for 12 hours: so
// the service itself ends an idle session, whether or not this page still runs.
//
// Users, keys and accounts may be managed only by a key or password that was typed in just now: manage() asks
// its caller for it, and gives a key for that one act.
import { forgetDrafts } from "../drafts";
import { createStore, useStore } from "../store";
import { actions, type ActionName, type Parameters, type Permission } from "../gen/actions";
import { ApiError, call, connection, machineNow, onBack, type CallOptions, type Reply } from "./client";
import { importKey, type SigningKey } from "./sign";

export const IDLE_MS = 15 * 60 * 1000;
const EXTEND_MS = 4 * 60 * 1000; // an active session is extended this often
const TICK_MS = 5000;

export type Login = { kind: "key"; id: string; secret: string } | { kind: "password"; name: string; password: string };

export interface Caller {
	AccessKeyId: string; UserName: string; AccountId: number; AccountName: string; Permission: Exclude<Permission, "none">;
	InstanceIds: string[]; Temporary: boolean; Extendable: boolean; MayManage: boolean; Expiration: string;
	LastExpiration: string; LifeTime: number; MachineTime: number; DnsZone: string; ProductVersion: string; SourceIp: string;
	/** A lab that offers drills to this caller. */
	Drills?: boolean;
}

/** kept: who was logged in until the session ended by itself. The page stays in memory, hidden, for when he is back. */
export type Session = { state: "out"; why?: "idle" | "ended" | "asked"; kept?: Caller } | { state: "in"; caller: Caller };

const session = createStore<Session>({ state: "out" });
export const useSession = () => useStore(session);

export const callerOf = (now: Session) => now.state === "in" ? now.caller : now.kept;
/** Whose page it is: what somebody else may log in to is another. */
export const ownerOf = ({ AccountId, UserName, Permission, InstanceIds }: Caller) => JSON.stringify([AccountId, UserName, Permission, InstanceIds]);

/** The caller; only for what is shown to somebody who is, or just was, logged in. */
export function useCaller(): Caller {
	const caller = callerOf(useSession());
	if (!caller)
		throw new Error("nobody is logged in");
	return caller;
}

let timer: ReturnType<typeof setInterval> | undefined;
let lastActive = 0;
let lastExtended = 0;
/** Life-cycle clock minus machine's clock, ms: not zero in a lab whose clock was moved. */
const lifeOffset = createStore(0);
export const useLifeOffset = () => useStore(lifeOffset);
export const lifeNow = () => machineNow() + lifeOffset.get();

interface Credentials { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string }

const keyOf = (given: Credentials) => importKey(given.AccessKeyId, given.AccessKeySecret, given.SecurityToken);

async function obtain(login: Login, manage: boolean): Promise<SigningKey> {
	if (login.kind === "password") {
		const reply = await call("CreateSession",
			{ UserName: login.name, Password: login.password, Manage: manage }, { unsigned: true });
		return keyOf(reply.Credentials);
	}
	const key = await importKey(login.id, login.secret);
	return manage ? key : keyOf((await call("CreateSecurityToken", { Extendable: true }, { key })).Credentials);
}

async function refreshCaller(options: CallOptions = {}): Promise<Caller> {
	const caller = await call("DescribeCaller", {}, options);
	lifeOffset.set(Math.abs(caller.LifeTime - caller.MachineTime) < 2000 ? 0 : caller.LifeTime - caller.MachineTime);
	return caller;
}

/** Throws ApiError. */
export async function logIn(login: Login): Promise<void> {
	const key = await obtain(login, false);
	const caller = await refreshCaller({ key });
	const before = callerOf(session.get());
	if (before && ownerOf(before) !== ownerOf(caller))
		forgetDrafts();
	connection.key = key;
	lastActive = lastExtended = Date.now();
	session.set({ state: "in", caller });
	timer ??= setInterval(tick, TICK_MS);
	onBack.forEach((listener) => listener());
}

export function logOut(why: "idle" | "ended" | "asked" = "asked") {
	const key = connection.key;
	connection.key = undefined;
	clearInterval(timer);
	timer = undefined;
	const now = session.get();
	if (why === "asked")
		forgetDrafts();
	session.set({ state: "out", why, ...(why !== "asked" && now.state === "in" ? { kept: now.caller } : {}) });
	if (key && why !== "ended")
		void call("EndSession", {}, { key }).catch(() => undefined); // it ends by itself within 15 minutes
}

connection.onRefused = () => {
	if (session.get().state === "in")
		logOut("ended");
};

function tick() {
	const now = Date.now();
	if (now - lastActive >= IDLE_MS)
		return logOut("idle");
	if (now - lastExtended >= EXTEND_MS && lastActive > lastExtended) {
		lastExtended = now;
		void call("ExtendSession", {}).then(refreshCaller).catch(() => undefined);
	}
}

for (const event of ["pointerdown", "keydown", "wheel", "touchstart"])
	window.addEventListener(event, () => { lastActive = Date.now(); }, { passive: true, capture: true });

/** Looks again at who the caller is, and so at the clocks. */
export async function updateCaller(): Promise<void> {
	if (session.get().state !== "in")
		return;
	const caller = await refreshCaller();
	if (session.get().state === "in")
		session.set({ state: "in", caller });
}

const rank: Record<Permission, number> = { "none": 0, "read-only": 1, "full": 2, "operator": 3 };

/** Whether the caller's permission suffices for an action. The API decides anew at each call. */
export function mayCall(caller: Caller, action: ActionName): boolean {
	return rank[caller.Permission] >= rank[actions[action][2]];
}

export const mayBe = (caller: Caller, permission: Permission) => rank[caller.Permission] >= rank[permission];

/** Signs one or more calls with what was typed in just now; what it obtained is ended afterwards. */
export async function manage<T>(login: Login,
	work: (managed: <A extends ActionName>(action: A, parameters: Parameters[A]) => Promise<Reply<A>>) => Promise<T>): Promise<T> {
	const key = await obtain(login, true);
	try {
		return await work((action, parameters) => call(action, parameters, { key }));
	} finally {
		if (login.kind === "password")
			void call("EndSession", {}, { key }).catch(() => undefined);
	}
}

export { ApiError };
