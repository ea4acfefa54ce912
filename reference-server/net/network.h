/* Lists of networks: whose word counts. SPDX-License-Identifier: MIT */
#ifndef SERVER_NETWORK_H
#define SERVER_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct network {
    int family;
    unsigned char address[16];
    unsigned bits;
};

struct networks {
    struct network *list;
    size_t count;
};

/* Adds "ADDRESS" or "ADDRESS/BITS"; -1 with words for anything else. */
int networks_add(struct networks *n, const char *text, struct err *err);
/* address is numeric; one that is none is in no network. */
bool networks_hold(const struct networks *n, const char *address);
void networks_free(struct networks *n); /* empty and reusable after it */

#endif
