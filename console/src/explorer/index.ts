// SPDX-License-Identifier: BSD-2-Clause
// The Explorer without its page: what tests use.
export * from "./schema";
export * from "./shape";
export * from "./form";
export * from "./steps";
export { send, sign } from "./call";
export * from "./samples";
export { curlV1, curlV3 } from "./samples/shell";
export { terraformActions } from "./samples/command";
export * from "../api/sign";
