/* STATUS items, as STATUS and LIST ask for them. RFC 9051, 6.3.11, 6.3.9.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "imap/state.h"

enum { STATUS_MOST_ITEMS = 20 };

struct status_items {
    int items[STATUS_MOST_ITEMS];
    int count;
};

bool status_parse(struct args *a, struct status_items *out); /* with the parentheses */
/* Sends the STATUS response; else what mailbox_open said. */
int status_tell(struct imap *s, const char *name, const struct status_items *items);

#endif
