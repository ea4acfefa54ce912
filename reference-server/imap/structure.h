/* ENVELOPE, BODY and BODYSTRUCTURE. RFC 3501, 7.4.2.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_STRUCTURE_H
#define IMAP_STRUCTURE_H

#include "base/buf.h"
#include "mime/part.h"

/* header[0..n) is a message's header. */
void structure_envelope(struct buf *out, struct arena *a, const unsigned char *header, size_t n,
                        bool rev2);
/* message is what the offsets of part refer to; extended: BODYSTRUCTURE, else BODY. */
void structure_body(struct buf *out, struct arena *a, const unsigned char *message,
                    const struct part *part, bool extended, bool rev2);

#endif
