/* The target's accounts, and which scenario holds them: an account is lent to one scenario at a
 * time. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_ACCOUNT_H
#define HARNESS_RUN_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

enum { ACCOUNTS_MOST = 1000 };

struct accounts {
    bool *lent;
    size_t n, free, next; /* next: where the search begins */
};

void accounts_init(struct accounts *a, size_t n);
void accounts_clear(struct accounts *a);

/* Lends `want` accounts and puts their numbers, from 0, into out; or lends nothing and says false.
 */
bool accounts_lease(struct accounts *a, size_t want, int *out);
void accounts_return(struct accounts *a, const int *held, size_t n);

#endif
