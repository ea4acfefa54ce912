/* Memory for one command: handed out in pieces, given back all at once when the command ends.
 * Running out of memory ends the process; what a client can make us keep is limited where it is
 * read. SPDX-License-Identifier: MIT */
#ifndef SERVER_ARENA_H
#define SERVER_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena { /* zero it to begin */
    struct arena_chunk *chunks;
};

void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for anything; n may be 0 */
/* A NUL-terminated copy of n bytes. */
char *arena_copy(struct arena *a, const void *p, size_t n);
/* room doubles from old bytes: a moved copy of p with at least new_size bytes, the new part zeroed.
 */
void *arena_grow(struct arena *a, const void *p, size_t old_size, size_t new_size);
void arena_empty(
    struct arena *a); /* gives everything back, but keeps one small piece for the next command */
void arena_free(struct arena *a);

#endif
