/* Lends accounts. The one that waited longest comes first, so that a server which still tidies up
 * after a session is given time to finish. SPDX-License-Identifier: MIT */
#include "run/account.h"

#include <stdlib.h>

void accounts_init(struct accounts *a, size_t n)
{
    if (n > ACCOUNTS_MOST)
        n = ACCOUNTS_MOST;
    *a = (struct accounts){.lent = calloc(n + 1, sizeof(bool)), .n = n, .free = n};
    if (a->lent == NULL)
        abort();
}

void accounts_clear(struct accounts *a)
{
    free(a->lent);
    *a = (struct accounts){0};
}

bool accounts_lease(struct accounts *a, size_t want, int *out)
{
    if (want > a->free)
        return false;
    size_t got = 0;
    for (size_t i = 0; i < a->n && got < want; i++) {
        size_t at = (a->next + i) % a->n;
        if (!a->lent[at]) {
            a->lent[at] = true;
            out[got++] = (int)at;
        }
    }
    if (want > 0)
        a->next = ((size_t)out[got - 1] + 1) % a->n;
    a->free -= want;
    return true;
}

void accounts_return(struct accounts *a, const int *held, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a->lent[held[i]]) {
            a->lent[held[i]] = false;
            a->free++;
        }
}
