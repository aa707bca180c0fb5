// SPDX-License-Identifier: BSD-2-Clause
import { section } from "./index";

export const countryTexts = section({
	none: ["None chosen.", "未选择。"], find: ["Add a country or area", "添加国家或地区"], example: ["Name, or two letters", "名称或两位代码"], nothing: ["Nothing found.", "未找到。"],
});
