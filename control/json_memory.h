/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of JSON documents. The library may go on without a piece that it found no memory for: a string
 * is cut or a member missing, and no error tells. A document that is wrong could be committed as an audit
 * record. So memory that is out ends the process at once: the open transaction is never committed, and
 * whoever started the control starts it again.
 */
#ifndef CONTROL_JSON_MEMORY_H
#define CONTROL_JSON_MEMORY_H

/* Before the first document is made. */
void json_memory_start(void);

#endif
