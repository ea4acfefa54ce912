/* Chunks in a list, the newest first; a large request gets a chunk of its own.
 * SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 4064

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, room;
    max_align_t data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    size_t want = n + (sizeof(max_align_t) - n % sizeof(max_align_t)) % sizeof(max_align_t);
    struct arena_chunk *c = a->chunks;
    if (want < n) {
        abort();
    }
    if (c == NULL || c->room - c->used < want) {
        size_t room = want > CHUNK_BYTES ? want : CHUNK_BYTES;
        c = malloc(sizeof *c + room);
        if (c == NULL) {
            fputs("mailproofd: out of memory\n", stderr);
            abort();
        }
        c->used = 0;
        c->room = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = (char *)c->data + c->used;
    c->used += want;
    memset(p, 0, want);
    return p;
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
    char *s = arena_alloc(a, n + 1);
    if (n > 0) {
        memcpy(s, p, n);
    }
    return s;
}

void *arena_grow(struct arena *a, const void *p, size_t old_size, size_t new_size)
{
    void *q = arena_alloc(a, new_size);
    if (old_size > 0) {
        memcpy(q, p, old_size);
    }
    return q;
}

void arena_empty(struct arena *a)
{
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *c = a->chunks, *next; c != NULL; c = next) {
        next = c->next;
        if (keep == NULL && c->room == CHUNK_BYTES) {
            keep = c;
            keep->used = 0;
        } else {
            free(c);
        }
    }
    if (keep != NULL) {
        keep->next = NULL;
    }
    a->chunks = keep;
}

void arena_free(struct arena *a)
{
    arena_empty(a);
    free(a->chunks);
    a->chunks = NULL;
}
