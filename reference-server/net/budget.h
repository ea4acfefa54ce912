/* Bytes that many may take together, up to a limit: the messages that are on their way into the
 * store. One client has limits of its own; ten thousand of them at once have this one. Loop thread
 * only. SPDX-License-Identifier: MIT */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct budget {
    size_t used;
    const long *most; /* a setting, which may change; NULL: no limit */
};

/* False: that would be too much, and nothing is taken. */
static inline bool budget_take(struct budget *b, size_t n)
{
    size_t most = b->most != NULL && *b->most > 0 ? (size_t)*b->most : (size_t)-1;
    if (b->used > most || n > most - b->used)
        return false;
    b->used += n;
    return true;
}

/* What is there already, whatever the limit says. */
static inline void budget_force(struct budget *b, size_t n)
{
    b->used += n;
}

static inline void budget_give(struct budget *b, size_t n)
{
    b->used -= n < b->used ? n : b->used;
}

#endif
