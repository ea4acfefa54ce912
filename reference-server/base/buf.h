/* Bytes with a limit, consumed from the front: the server's input and output queues and its scratch
 * text. SPDX-License-Identifier: MIT */
#ifndef SERVER_BUF_H
#define SERVER_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct budget;

struct buf {
    unsigned char *data; /* first unconsumed byte; NULL while empty and never used */
    size_t len;          /* unconsumed bytes */
    size_t limit;        /* most bytes it may hold */
    unsigned char *base; /* the allocation */
    size_t room;
    struct budget *budget; /* its room is part of this one; NULL: of none. Set while it is empty */
    bool denied;           /* the budget did not allow for more; until buf_free or buf_take */
};

void buf_init(struct buf *b, size_t limit);
void buf_free(struct buf *b);                           /* frees; reusable with the same limit */
bool buf_add(struct buf *b, const void *src, size_t n); /* all or nothing: false past the limit */
bool buf_text(struct buf *b, const char *s);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t n); /* n <= len */
void buf_empty(struct buf *b);             /* drops the bytes, keeps the room */
/* Gives the bytes away: malloc'd, with a NUL behind them. */
unsigned char *buf_take(struct buf *b, size_t *len);

#endif
