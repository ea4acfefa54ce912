/* Mailbox names on the wire: modified UTF-7 of RFC 3501, 5.1.3, against UTF-8 inside.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_UTF7_H
#define IMAP_UTF7_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

/* UTF-8 in the arena, or NULL: 8-bit octets, bad or unfinished base64, a needless shift, printable
 * ASCII in base64, half a surrogate pair, or a control character. Only the one right spelling of a
 * name decodes, so that names compare equal exactly if their spellings do. */
char *utf7_decode(struct arena *a, const char *name, size_t n);
bool utf7_encode(struct buf *out, const char *utf8);
/* A name that IMAP4rev2 takes: UTF-8 in normal form C, without control characters (RFC 9051, 5.1;
 * RFC 5198). */
bool utf8_name(const char *p, size_t n);
bool utf8_valid(const char *p, size_t n); /* RFC 3629: no overlong forms, no surrogates */

#endif
