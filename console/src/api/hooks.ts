// SPDX-License-Identifier: BSD-2-Clause
// Replies as components follow them: fetched when shown, again at an interval while the tab is visible, and again
// after any call that wrote. What was fetched before stays until the new reply is there. While the server is silent or
// nobody is logged in, the frame says so; what was waiting is fetched when that has passed.
import { useCallback, useEffect, useRef, useState } from "react";
import { call, connection, onBack, type ActionName, ApiError, type Parameters, type Reply } from "./client";

export interface Followed<T> {
	data: T | undefined;
	error: ApiError | undefined;
	/** Nothing to show yet. */
	loading: boolean;
	refresh: () => void;
}

const CAUGHT = (error: unknown) => error instanceof ApiError ? error
	: new ApiError("Page", error instanceof Error ? error.message : String(error), "", 0, "", "");

/** Follows any asynchronous reading. It runs anew when `key` changes; key undefined: not at all. */
export function useFollow<T>(key: string | undefined, read: (signal: AbortSignal) => Promise<T>,
	every?: number): Followed<T> {
	const [state, setState] = useState<{ key?: string; data?: T; error?: ApiError }>({});
	const [round, setRound] = useState(0);
	const reader = useRef(read);
	reader.current = read;
	const refresh = useCallback(() => setRound((n) => n + 1), []);

	useEffect(() => {
		if (key === undefined)
			return;
		const abort = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		let running = false, again = false, waiting = false;
		const run = async () => {
			if (abort.signal.aborted)
				return;
			if (running) {
				again = true; // what is under way may have been read before the write
				return;
			}
			running = true;
			again = waiting = false;
			clearTimeout(timer);
			try {
				const data = await reader.current(abort.signal);
				if (!abort.signal.aborted)
					setState({ key, data });
			} catch (error) {
				const caught = CAUGHT(error);
				waiting = caught.code === "Network" || caught.code === "LoggedOut";
				if (!abort.signal.aborted)
					setState((old) => old.key === key && old.data !== undefined && waiting ? old
						: { key, error: caught, ...(old.key === key ? { data: old.data } : {}) });
			}
			running = false;
			if (again)
				void run();
			else if (every && !document.hidden && !abort.signal.aborted)
				timer = setTimeout(() => void run(), every);
		};
		const shown = () => {
			if (!document.hidden && every)
				void run();
			else
				clearTimeout(timer);
		};
		const written = () => void run();
		const back = () => { if (waiting) void run(); };
		connection.onWritten.add(written);
		onBack.add(back);
		document.addEventListener("visibilitychange", shown);
		void run();
		return () => {
			abort.abort();
			clearTimeout(timer);
			connection.onWritten.delete(written);
			onBack.delete(back);
			document.removeEventListener("visibilitychange", shown);
		};
	}, [key, every, round]);

	const fresh = state.key === key;
	return { data: fresh ? state.data : undefined, error: fresh ? state.error : undefined,
		loading: key !== undefined && (!fresh || (state.data === undefined && !state.error)), refresh };
}

/** Follows one action. Parameters undefined: not yet. */
export function useCall<A extends ActionName>(action: A, parameters: Parameters[A] | undefined,
	options: { every?: number } = {}): Followed<Reply<A>> {
	return useFollow(parameters && `${action} ${JSON.stringify(parameters)}`,
		(signal) => call(action, parameters!, { signal }), options.every);
}

export interface Paged<T> extends Followed<T> { page: number; setPage: (page: number) => void; pageSize: number }

/** One page of a list that has PageNumber and PageSize; page 1 whenever other parameters change. */
export function usePaged<A extends ActionName>(action: A, parameters: Omit<Parameters[A], "PageNumber" | "PageSize"> | undefined,
	options: { every?: number; pageSize?: number } = {}): Paged<Reply<A>> {
	const { pageSize = 20, every } = options;
	const filter = JSON.stringify(parameters);
	const [at, setAt] = useState({ filter, page: 1 });
	const page = at.filter === filter ? at.page : 1;
	const followed = useCall(action, parameters &&
		{ ...parameters, PageNumber: page, PageSize: pageSize } as unknown as Parameters[A], every ? { every } : {});
	return { ...followed, page, pageSize, setPage: (next) => setAt({ filter, page: next }) };
}

/** An act: busy while it runs, its error kept until the next try. Resolves to undefined when it failed. */
export function useAct<I extends unknown[], T>(act: (...input: I) => Promise<T>) {
	const [state, setState] = useState<{ busy: boolean; error?: ApiError }>({ busy: false });
	const run = async (...input: I): Promise<T | undefined> => {
		setState({ busy: true });
		try {
			const done = await act(...input);
			setState({ busy: false });
			return done;
		} catch (error) {
			setState({ busy: false, error: CAUGHT(error) });
			return undefined;
		}
	};
	return { run, ...state, clear: () => setState({ busy: false }) };
}
