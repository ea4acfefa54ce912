/* Memory that grows as bytes arrive, for the parsers of this room. Running out of it ends the
 * process. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_MEMORY_H
#define HARNESS_PROTOCOL_MEMORY_H

#include <stddef.h>

/* Makes *old (room elements of size bytes; NULL, 0 at first) hold at least need elements and
 * returns it, moved or not; *room is what it holds now. Grows by doubling, so that feeding single
 * bytes stays linear. */
void *memory_grow(void *old, size_t *room, size_t need, size_t size);

/* malloc that does not fail. */
void *memory_new(size_t bytes);

#endif
