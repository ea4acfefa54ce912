/* Writes values in the spelling that the grammar of responses wants. RFC 3501, 9.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

/* Quoted where a quoted string may hold it, else a literal. utf8: UTF-8 may be quoted (RFC 9051).
 */
void write_string(struct buf *out, const void *p, size_t n, bool utf8);
void write_nstring(struct buf *out, const void *p, size_t n, bool utf8); /* p NULL: NIL */
/* A mailbox name (UTF-8 inside) as an astring; utf8: as UTF-8, else in modified UTF-7. */
void write_mailbox(struct buf *out, const char *name, bool utf8);
void write_astring(struct buf *out, const void *p, size_t n);
/* (\Seen \Flagged keyword …) */
void write_flags(struct buf *out, const struct mailbox *m, uint64_t flags);
/* "17-Jul-1996 02:44:25 -0700" with its quotes */
void write_date_time(struct buf *out, int64_t seconds, int zone_minutes);

/* What is shown for a UIDVALIDITY: itself. */
uint64_t write_uidvalidity(uint32_t uidvalidity);

#endif
