// SPDX-License-Identifier: BSD-2-Clause
export * from "./basic";
export * from "./dialog";
export * from "./error";
export * from "./fields";
export * from "./parameter";
export * from "./table";
