// SPDX-License-Identifier: BSD-2-Clause
// What was typed and is not saved yet, in this tab's memory: it outlives the page it was typed into, and a browser that is
// told to leave asks first, since loading the console anew forgets everything.
import { useEffect, useState } from "react";
import { useRoute } from "./router";

const kept = new Map<string, unknown>();
let open = 0; // dialogs with something typed into them

export function forgetDrafts() {
	kept.clear();
}

window.addEventListener("beforeunload", (event) => {
	if (kept.size > 0 || open > 0)
		event.preventDefault();
});

/** Like useState, of what stands under `name` at this address of the console; undefined: nothing is typed. */
export function useDraft<T>(name: string): [T | undefined, (draft: T | undefined) => void] {
	const { path } = useRoute();
	const key = `${path.join("/")} ${name}`;
	const [at] = useState(key); // the address it began at: while a page is left, another's is there already
	const [draft, setDraft] = useState<T | undefined>(() => kept.get(at) as T | undefined);
	return [draft, (next) => {
		if (next === undefined)
			kept.delete(at);
		else
			kept.set(at, next);
		setDraft(next);
	}];
}

/** While `typed`, leaving the console is asked about. */
export function useUnsaved(typed: boolean) {
	useEffect(() => {
		if (!typed)
			return;
		open++;
		return () => void open--;
	}, [typed]);
}
