/* SPDX-License-Identifier: MIT */
#include "imap/grammar/seqset.h"

#include <stdlib.h>

void seqset_add(struct seqset *s, struct arena *a, uint32_t first, uint32_t last)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 4;
        s->ranges =
            arena_grow(a, s->ranges, s->count * sizeof *s->ranges, room * sizeof *s->ranges);
        s->room = room;
    }
    s->ranges[s->count++] = (struct seqrange){first, last};
}

static int by_first(const void *a, const void *b)
{
    const struct seqrange *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

void seqset_resolve(struct seqset *s, uint32_t star)
{
    for (size_t i = 0; i < s->count; i++) {
        struct seqrange *r = &s->ranges[i];
        r->first = r->first ? r->first : star;
        r->last = r->last ? r->last : star;
        if (r->first > r->last) {
            *r = (struct seqrange){r->last, r->first};
        }
    }
    if (s->count == 0) {
        return;
    }
    qsort(s->ranges, s->count, sizeof *s->ranges, by_first);
    size_t kept = 0;
    for (size_t i = 1; i < s->count; i++) {
        struct seqrange *r = &s->ranges[kept];
        if (r->last == UINT32_MAX || s->ranges[i].first <= r->last + 1) {
            r->last = s->ranges[i].last > r->last ? s->ranges[i].last : r->last;
        } else {
            s->ranges[++kept] = s->ranges[i];
        }
    }
    s->count = kept + 1;
}

bool seqset_has(const struct seqset *s, uint32_t n)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->ranges[mid].last < n) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < s->count && s->ranges[low].first <= n;
}

bool seqset_write(struct buf *out, const uint32_t *numbers, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count && ok;) {
        size_t run = i;
        while (run + 1 < count && numbers[run + 1] == numbers[run] + 1) {
            run++;
        }
        ok = buf_printf(out, "%s%u", i ? "," : "", numbers[i]);
        if (run > i) {
            ok = ok && buf_printf(out, ":%u", numbers[run]);
        }
        i = run + 1;
    }
    return ok;
}
