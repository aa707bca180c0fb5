// SPDX-License-Identifier: BSD-2-Clause
// What the Explorer keeps while the tab is open: what was filled in for each action, and the calls that were made.
import { useEffect, useState } from "react";
import { connection, machineNow } from "../../api/client";
import type { Pair } from "../../api/sign";
import type { ActionName } from "../../gen/actions";
import { loadSchema } from "../../components";
import { send, sign, type Exchange, type How } from "../../explorer/call";
import { isSecret, type Action } from "../../explorer/schema";
import { type Values } from "../../explorer/form";
import { createStore, useStore } from "../../store";

const HISTORY_MAX = 50;

const filled = new Map<string, Values>();
const history = createStore<readonly Exchange[]>([]);
export const useHistory = () => useStore(history);

export const kept = { get: (name: string) => filled.get(name), set: (name: string, values: Values) => void filled.set(name, values) };

const how = createStore<How>({ form: "V3", method: "POST", format: "JSON" });
export const useHow = () => useStore(how);
export const setHow = (next: Partial<How>) => how.set({ ...how.get(), ...next });

/** All actions, in the order of the control's tables. */
export function useActions(): readonly Action[] | undefined {
	const [rows, setRows] = useState<readonly Action[]>();
	useEffect(() => void loadSchema().then((map) => setRows([...map.values()] as unknown as Action[])), []);
	return rows;
}

/** Signs and sends with the session's key; throws only when nothing came back. */
export async function perform(action: Action, pairs: readonly Pair[], by: How): Promise<Exchange> {
	const key = connection.key;
	if (!key)
		throw new Error("nobody is logged in");
	/* What is secret must not be in an address, which servers log. */
	const safe: How = pairs.some(([name]) => isSecret(name)) ? { ...by, method: "POST" } : by;
	const signed = await sign(action, pairs, safe, key, location.host, machineNow());
	const reply = await send(signed, by.format, "");
	const exchange = { action, pairs, how: by, signed, reply, at: machineNow() };
	history.set([exchange, ...history.get()].slice(0, HISTORY_MAX));
	if (action.mode === "write" && reply.code === "")
		connection.onWritten.forEach((listener) => listener(action.name as ActionName));
	return exchange;
}
