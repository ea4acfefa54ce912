/* Bytes with a limit, consumed from the front. Consuming only moves a pointer; the front is closed
 * up when room is needed, so that a batch of small commands costs no copying.
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/budget.h"

enum { SMALLEST = 256 };

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void buf_free(struct buf *b)
{
    if (b->budget != NULL)
        budget_give(b->budget, b->room);
    free(b->base);
    *b = (struct buf){.limit = b->limit, .budget = b->budget};
}

/* Makes room for n more bytes and a final NUL behind them. */
static bool make_room(struct buf *b, size_t n)
{
    if (b->len > b->limit || n > b->limit - b->len)
        return false;
    size_t front = b->base != NULL ? (size_t)(b->data - b->base) : 0;
    size_t want = b->len + n + 1;
    if (b->base != NULL && front + want <= b->room)
        return true;
    /* Closing up is worth it only when the front is large against what has to move. */
    if (b->base != NULL && want <= b->room && front >= b->len) {
        memmove(b->base, b->data, b->len);
        b->data = b->base;
        return true;
    }
    size_t room = b->room < SMALLEST ? SMALLEST : b->room;
    while (room < want)
        room *= 2;
    if (b->budget != NULL && !budget_take(b->budget, room - b->room)) {
        b->denied = true;
        return false;
    }
    unsigned char *base = malloc(room);
    if (base == NULL)
        abort();
    if (b->len > 0)
        memcpy(base, b->data, b->len);
    free(b->base);
    b->base = b->data = base;
    b->room = room;
    return true;
}

bool buf_add(struct buf *b, const void *src, size_t n)
{
    if (!make_room(b, n))
        return false;
    if (n > 0)
        memcpy(b->data + b->len, src, n);
    b->len += n;
    return true;
}

bool buf_text(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    char *end = b->base != NULL ? (char *)b->data + b->len : NULL;
    size_t room = end != NULL ? b->room - (size_t)(end - (char *)b->base) : 0;
    va_start(args, fmt);
    int n = vsnprintf(end, room, fmt, args);
    va_end(args);
    if (n < 0 || !make_room(b, (size_t)n))
        return false;
    if ((size_t)n >= room) { /* it did not fit, and there is room now */
        va_start(args, fmt);
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    b->len += (size_t)n;
    return true;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        abort(); /* a caller that counts wrongly would read what it has not got */
    b->len -= n;
    b->data = b->len > 0 ? b->data + n : b->base;
}

void buf_empty(struct buf *b)
{
    b->data = b->base;
    b->len = 0;
}

unsigned char *buf_take(struct buf *b, size_t *len)
{
    struct budget *budget = b->budget;
    size_t counted = b->room;
    b->budget = NULL; /* room for the NUL is made in any case */
    make_room(b, 0);
    if (b->data != b->base)
        memmove(b->base, b->data, b->len);
    b->base[b->len] = '\0';
    *len = b->len;
    unsigned char *data = b->base;
    if (budget != NULL)
        budget_give(budget, counted);
    *b = (struct buf){.limit = b->limit, .budget = budget};
    return data;
}
