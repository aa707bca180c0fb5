/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking addresses from the pool and giving them back; only instance.c does.
 */
#ifndef CONTROL_STORE_VIP_H
#define CONTROL_STORE_VIP_H

#include "control/store/db.h"

/* The lowest free address of that IP version: ERR_VIP_EXHAUSTED. */
enum err vip_take(struct db *db, bool ipv6, uint8_t out[16]) MUST_USE;
/* An address that belongs to no prefix of the pool is just forgotten. */
enum err vip_give(struct db *db, const uint8_t address[16]) MUST_USE;

#endif
