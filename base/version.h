/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Polder this is. Semantic versioning; the API's versions are apart from it.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define POLDER_PRODUCT_VERSION "0.1.0"

#endif
