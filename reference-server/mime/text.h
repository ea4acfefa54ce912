/* Text as people read it: transfer encodings and charsets undone, encoded words decoded, case
 * folded. For SEARCH. RFC 2045, 6; RFC 2047; RFC 2231, 5. SPDX-License-Identifier: MIT */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct text { /* in an arena, or borrowed from what was passed in */
    const unsigned char *p;
    size_t n;
};

/* Undoes base64 or quoted-printable (encoding NULL or another: nothing to undo). Stray characters
 * are passed over. */
struct text text_decode(struct arena *a, const unsigned char *p, size_t n, const char *encoding);
/* Into UTF-8; what is unknown or cannot be converted stays as it is. charset NULL: US-ASCII. */
struct text text_utf8(struct arena *a, struct text in, const char *charset);
/* A header field's value: unfolded, encoded words turned into UTF-8. */
struct text text_words(struct arena *a, const unsigned char *p, size_t n);
/* Folds case. With ascii only A to Z are touched, which is enough to look for an ASCII needle. */
struct text text_fold(struct arena *a, struct text in, bool ascii);
/* Whether the folded needle is in it; hay is folded on the way. */
bool text_has(struct arena *a, struct text hay, struct text needle, bool needle_ascii);

/* The day of a Date field in days since 1970-01-01, as written (time and zone disregarded). RFC
 * 5322, 3.3, 4.3. */
bool text_date(const unsigned char *p, size_t n, long *day);

#endif
