// SPDX-License-Identifier: BSD-2-Clause
// What differs between two documents, as paths with the values before and after.

export interface Change { path: string; before: string; after: string }

const show = (value: unknown) => value === undefined ? "–" : typeof value === "string" && value !== "" ? value : JSON.stringify(value);

export function changesOf(before: unknown, after: unknown, path = ""): Change[] {
	if (JSON.stringify(before) === JSON.stringify(after))
		return [];
	const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
	if ((isObject(before) || before === undefined) && (isObject(after) || after === undefined) && (isObject(before) || isObject(after))) {
		const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
		return names.flatMap((name) => changesOf((before as Record<string, unknown> | undefined)?.[name],
			(after as Record<string, unknown> | undefined)?.[name], path ? `${path}.${name}` : name));
	}
	return [{ path, before: show(before), after: show(after) }];
}
