// SPDX-License-Identifier: BSD-2-Clause
// The table of actions as `polder-control --describe` prints it. It is a file of its own that is fetched when the
// Explorer opens; nothing else of the console needs it.

export type ParamKind =
	| "int"
	| "text"
	| "choice"
	| "bool"
	| "json"
	| "text-list"
	| "int-list"
	| "pair-list"
	| "object-list";

export interface Param {
	name: string;
	/** as published: "String" also for a number that clients send in quotes */
	type: string;
	kind: ParamKind;
	required: boolean;
	/** of an int: value; of texts: bytes; of lists: items. 0 as max: no bound that is said */
	min: number;
	max: number;
	itemMin?: number;
	itemMax?: number;
	/** by spaces; of a pair-list the two names, of an object-list the two parts */
	choices: string;
	/** of JSON: see base/spec.h and shape.ts */
	shape?: string;
	default?: string | number;
	help: string;
}

export interface Action {
	version: string;
	name: string;
	group: string;
	mode: "read" | "write";
	permission: "read-only" | "full" | "operator";
	summary: string;
	callsPerSecond?: number;
	parameters: Param[];
	lists: Record<string, string>;
}

export interface Filter {
	words: string;
	mode: "all" | "read" | "write";
	group: string;
}

export const everything: Filter = { words: "", mode: "all", group: "" };

/** An action has one name in one version only, so the name alone finds it. */
export function findAction(actions: readonly Action[], name: string): Action | undefined {
	return actions.find((action) => action.name === name);
}

export function groupsOf(actions: readonly Action[]): string[] {
	return [...new Set(actions.map((action) => action.group))];
}

/** "describePort" is also found by "describe port", "port describe" and words of what it does. */
function haystack(action: Action): string {
	const parameters = action.parameters.map((param) => param.name).join(" ");
	return `${action.name} ${action.group} ${action.summary} ${parameters}`.toLowerCase();
}

/** Those that hold every word; those whose name does come first. */
export function search(actions: readonly Action[], filter: Filter): Action[] {
	const words = filter.words.toLowerCase().split(/\s+/).filter((word) => word !== "");
	const fits = actions.filter(
		(action) =>
			(filter.mode === "all" || action.mode === filter.mode) &&
			(filter.group === "" || action.group === filter.group) &&
			words.every((word) => haystack(action).includes(word)),
	);
	const byName = (action: Action) =>
		words.every((word) => action.name.toLowerCase().includes(word)) ? 0 : 1;
	return fits
		.map((action, index) => ({ action, index }))
		.sort((a, b) => byName(a.action) - byName(b.action) || a.index - b.index)
		.map((item) => item.action);
}

/** Of the command line client and of endpoints: which product an API version belongs to. */
export function productOf(version: string): string {
	return version === "2017-12-14" ? "bssopenapi" : "ddoscoo";
}

/**
 * What stops traffic or cannot be undone: the page asks for the name and shows the packets of the last minute.
 * Names by pattern, so that a new Delete or Disable is guarded before anybody thinks of it.
 */
export function isDangerous(action: Action, pairs: readonly (readonly [string, string])[]): boolean {
	if (action.mode !== "write")
		return false;
	if (/^(Release|Delete|Disable|Empty|Detach)/.test(action.name))
		return true;
	const value = (name: string) => pairs.find(([key]) => key === name)?.[1];
	if (action.name === "ModifyMitigation" || action.name === "ModifyWebCheck")
		return value("Mode") === "off";
	return (
		(action.name === "ModifyBlockStatus" && value("Status") === "do") ||
		(action.name === "ModifyBlackholeStatus" && value("BlackholeStatus") === "do") ||
		(action.name === "ConfigNetworkRegionBlock" && /"on"/.test(value("Config") ?? "")) ||
		(action.name === "ModifyWebCCGlobalSwitch" && value("CcGlobalSwitch") === "close") ||
		(action.name === "ModifyAccessKey" && value("Status") === "Inactive")
	);
}

/** What a person types to confirm: the object that the call is about, else the action. */
export function objectOf(action: Action, pairs: readonly (readonly [string, string])[]): string {
	for (const name of ["InstanceId", "Domain", "PolicyId", "UserAccessKeyId"]) {
		const value = pairs.find(([key]) => key === name)?.[1];
		if (value)
			return value;
	}
	return action.name;
}

/** Parameters whose value is nobody else's business: in no link, and in sample code by the environment. */
export function isSecret(name: string): boolean {
	return /^(Password|NewPassword|Key|AccessKeySecret|SecurityToken)$/.test(name);
}
