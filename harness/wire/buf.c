/* Bytes with a limit; see buf.h. Used for what is kept (a server's talk) and for what waits to
 * leave. SPDX-License-Identifier: MIT */
#include "wire/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void buf_clear(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.limit = b->limit};
}

/* Makes room for n more bytes; the caller has checked the limit. Doubling keeps the copying linear.
 */
static void grow(struct buf *b, size_t n)
{
    if (n <= b->room - b->len)
        return;
    size_t room = b->room < FIRST_ROOM ? FIRST_ROOM : b->room;
    while (room - b->len < n)
        room = room > SIZE_MAX / 2 ? SIZE_MAX : room * 2;
    if (room > b->limit)
        room = b->limit;
    b->data = err_need(realloc(b->data, room));
    b->room = room;
}

bool buf_add(struct buf *b, const void *src, size_t n)
{
    if (n > b->limit - b->len)
        return false;
    if (n == 0)
        return true;
    grow(b, n);
    memcpy(b->data + b->len, src, n);
    b->len += n;
    return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        err_need(NULL);
    bool fits = buf_add(b, text, (size_t)n);
    free(text);
    return fits;
}

unsigned char *buf_take(struct buf *b, size_t *len)
{
    unsigned char *data = b->data;
    *len = b->len;
    *b = (struct buf){.limit = b->limit};
    return data;
}
