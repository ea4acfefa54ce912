/* Bytes with a limit: grows as it is filled, never past `limit`. The driver keeps what a server
 * said in one of these for ever, so nothing is ever taken out of the middle.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_BUF_H
#define HARNESS_WIRE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    unsigned char *data; /* NULL while empty */
    size_t len;          /* bytes in use */
    size_t room;         /* bytes allocated */
    size_t limit;        /* most bytes it may ever hold */
};

/* An empty buffer that will hold at most limit bytes. Nothing is allocated yet. */
void buf_init(struct buf *b, size_t limit);

/* Frees the bytes; the buffer is empty and usable again with the same limit. */
void buf_clear(struct buf *b);

/* Appends n bytes, or nothing at all: false means the limit would be passed. */
bool buf_add(struct buf *b, const void *src, size_t n);

/* Appends printf text under the same rule. */
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Gives the bytes away: the caller frees them, the buffer is empty and reusable. */
unsigned char *buf_take(struct buf *b, size_t *len);

#endif
