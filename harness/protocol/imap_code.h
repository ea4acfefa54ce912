/* The response code at the begin of a status response's text: "[UIDNEXT 5] …". RFC 9051, 7.1.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_IMAP_CODE_H
#define HARNESS_PROTOCOL_IMAP_CODE_H

#include "protocol/imap_tree.h"

/* Looks for a code in raw[at..end) and builds its name and arguments as the root's values of t.
 * Returns the offset behind its "]", or 0 when there is none that can be read (t is empty then).
 * Arguments that are no list of values (RFC 9051 lets an extension put any text there) become one
 * IMAP_TEXT. */
size_t imap_code_read(struct imap_tree *t, const unsigned char *raw, size_t at, size_t end);

#endif
