/* Mail with UTF-8 in its header, for clients that cannot read it (RFC 6856, 2.1; RFC 6858).
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_POP3_SURROGATE_H
#define SERVER_POP3_SURROGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Most octets that one octet becomes: an address of two of them gives way to nobody's. */
enum { SURROGATE_GROWTH = 64 };

/* Whether the header of the message or of one of its parts holds octets above 127. */
bool surrogate_needed(const unsigned char *p, size_t n);
/* A message that says as much as ASCII can: text in encoded words, addresses that cannot be written
 * replaced by one that belongs to nobody, parameters and fields beyond that left out. Bodies stay
 * as they are. RFC 6858, 2. */
void surrogate_make(const unsigned char *p, size_t n, struct buf *out);

#endif
