// SPDX-License-Identifier: BSD-2-Clause
import { commandLanguages } from "./command";
import { compiledLanguages } from "./compiled";
import { type Language } from "./sample";
import { scriptLanguages } from "./script";
import { shellLanguages } from "./shell";

export const languages: Language[] = [...shellLanguages, ...scriptLanguages, ...compiledLanguages, ...commandLanguages];
export type { Call, Language } from "./sample";
