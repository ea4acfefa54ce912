/* Address lists of header fields, as ENVELOPE wants them. RFC 5322, 3.4 and 4.4.
 *
 * Nothing is refused: what is no address by the grammar is kept as well as it can be, as a client
 * asked for it. SPDX-License-Identifier: MIT */
#ifndef MIME_ADDRESS_H
#define MIME_ADDRESS_H

#include "mime/header.h"

struct address { /* each NUL-terminated in the arena, or NULL for none */
    char *name, *route, *mailbox, *host;
    /* A group begins with host NULL and mailbox its name, and ends with both NULL (RFC
     * 3501, 7.4.2). */
    struct address *next;
};

#define ADDRESS_MOST 10000

/* The first ADDRESS_MOST addresses of a field's value (still folded); NULL: there is none. */
struct address *address_parse(struct arena *a, const unsigned char *p, size_t n);

#endif
