/* Growth by doubling for the parsers' buffers; the callers keep their own limits.
 * SPDX-License-Identifier: MIT */
#include "protocol/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *or_die(void *p)
{
    if (p == NULL) {
        fputs("mailproof: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *memory_new(size_t bytes)
{
    return or_die(malloc(bytes != 0 ? bytes : 1));
}

void *memory_grow(void *old, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return old;
    size_t more = *room != 0 ? *room : 64;
    while (more < need)
        more = more <= SIZE_MAX / 2 ? more * 2 : need;
    if (more > SIZE_MAX / size)
        or_die(NULL);
    void *p = or_die(realloc(old, more * size));
    *room = more;
    return p;
}
