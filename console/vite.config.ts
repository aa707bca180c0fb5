// SPDX-License-Identifier: BSD-2-Clause
// Builds static files below /console/. The Makefile says where to; nothing is inlined, because the pages'
// Content-Security-Policy allows no inline script, no inline style and no data: but images.
import { defineConfig } from "vite";

export default defineConfig({
	base: "/console/",
	publicDir: "public",
	build: {
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		target: "es2022",
		reportCompressedSize: false,
	},
});
