/* Header fields of a message or part, found in the bytes as they were stored. RFC 5322, 2.2.
 * SPDX-License-Identifier: MIT */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct header_field {
    const unsigned char *whole; /* name, colon, value, all its lines with their ends */
    size_t whole_len;
    const unsigned char *name; /* name_len 0: a line that is no field */
    size_t name_len;
    const unsigned char *value; /* behind the colon, still folded, without the last line end */
    size_t value_len;
};

/* Steps through p[0..n), a header with or without its closing empty line; *pos is 0 at first.
 * false: no more. */
bool header_next(const unsigned char *p, size_t n, size_t *pos, struct header_field *f);
bool header_is(const struct header_field *f, const char *name,
               size_t n); /* without regard to case */
/* Bytes of the header at p, its closing empty line included if there is one. */
size_t header_size(const unsigned char *p, size_t n);
/* The first field of that name; false: there is none. */
bool header_find(const unsigned char *p, size_t n, const char *name, struct header_field *f);
/* The value on one line: line ends dropped, outer white space trimmed; NUL-terminated, *len without
 * the NUL. */
char *header_unfold(struct arena *a, const struct header_field *f, size_t *len);

#endif
