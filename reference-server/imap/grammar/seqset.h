/* Sequence sets: 1:3,7,9:* of message numbers or UIDs. RFC 3501, 9.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_SEQSET_H
#define IMAP_SEQSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct seqrange {
    uint32_t first, last; /* 0 stands for "*" until resolved */
};

struct seqset {
    struct seqrange *ranges; /* in the arena */
    size_t count, room;
    bool saved; /* "$", the result of the last SEARCH (RFC 5182) */
};

void seqset_add(struct seqset *s, struct arena *a, uint32_t first, uint32_t last);
/* Puts star in for "*", the smaller end first, ranges ascending and merged. */
void seqset_resolve(struct seqset *s, uint32_t star);
bool seqset_has(const struct seqset *s, uint32_t n); /* resolved sets only */
/* Writes numbers as a set, runs of neighbours as ranges; order is kept. */
bool seqset_write(struct buf *out, const uint32_t *numbers, size_t count);

#endif
