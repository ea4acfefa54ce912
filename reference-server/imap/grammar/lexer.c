/* A line ends at CR LF and nowhere else; a bare LF stays in the text, where the grammar refuses it.
 * SPDX-License-Identifier: MIT */
#include "imap/grammar/lexer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/budget.h"

void lexer_init(struct lexer *lx, size_t line_limit)
{
    memset(lx, 0, sizeof *lx);
    buf_init(&lx->text, line_limit);
}

void lexer_reset(struct lexer *lx)
{
    for (size_t i = 0; i < lx->literal_count; i++) {
        free(lx->literals[i].data);
    }
    lx->literal_count = 0;
    if (lx->taken > 0) {
        budget_give(lx->budget, lx->taken);
    }
    lx->taken = 0;
    lx->budget = NULL;
    lx->denied = false;
    buf_empty(&lx->text);
    lx->line_at = lx->scanned = lx->long_by = lx->tail_len = 0;
    lx->too_long = false;
    lx->state = LEXER_IN_LINE;
}

void lexer_free(struct lexer *lx)
{
    lexer_reset(lx);
    free(lx->literals);
    lx->literals = NULL;
    lx->literal_room = 0;
    buf_free(&lx->text);
}

bool lexer_idle(const struct lexer *lx)
{
    return lx->state == LEXER_IN_LINE && lx->text.len == 0 && lx->literal_count == 0 &&
           !lx->too_long;
}

unsigned char *lexer_give(struct literal *l, size_t *len)
{
    unsigned char *data = l->data;
    *len = l->len;
    l->data = NULL;
    l->len = l->room = 0;
    return data;
}

/* Looks for {n} or {n+}, perhaps behind ~, at the end of a line that ends with CR LF. */
static bool announces(const unsigned char *p, size_t n, struct literal *out)
{
    size_t i = n - 2;
    *out = (struct literal){.sync = true};
    if (n < 5 || p[i - 1] != '}') {
        return false;
    }
    i--;
    if (p[i - 1] == '+') {
        out->sync = false;
        i--;
    }
    size_t end = i;
    while (i > 0 && p[i - 1] >= '0' && p[i - 1] <= '9') {
        i--;
    }
    if (i == end || i == 0 || p[i - 1] != '{') {
        return false;
    }
    for (size_t k = i; k < end; k++) {
        if (out->announced > UINT32_MAX) {
            out->announced = SIZE_MAX;
            break;
        }
        out->announced = out->announced * 10 + (size_t)(p[k] - '0');
    }
    if (out->announced > UINT32_MAX) {
        out->announced = SIZE_MAX;
    }
    out->binary = i >= 2 && p[i - 2] == '~';
    return true;
}

static void literal_push(struct lexer *lx, const struct literal *l)
{
    if (lx->literal_count == lx->literal_room) {
        size_t room = lx->literal_room ? lx->literal_room * 2 : 4;
        struct literal *list = realloc(lx->literals, room * sizeof *list);
        if (list == NULL) {
            fputs("mailproofd: out of memory\n", stderr);
            abort();
        }
        lx->literals = list;
        lx->literal_room = room;
    }
    lx->literals[lx->literal_count++] = *l;
}

/* The last bytes of a line past the limit are kept: if they announce a literal, its octets are no
 * commands. */
static void tail_add(struct lexer *lx, const unsigned char *p, size_t n)
{
    size_t size = sizeof lx->tail;
    lx->long_by += n;
    if (n >= size) {
        memcpy(lx->tail, p + n - size, size);
        lx->tail_len = size;
        return;
    }
    size_t keep = lx->tail_len + n > size ? size - n : lx->tail_len;
    memmove(lx->tail, lx->tail + lx->tail_len - keep, keep);
    memcpy(lx->tail + keep, p, n);
    lx->tail_len = keep + n;
}

static enum lexer_step line_done(struct lexer *lx)
{
    struct literal l;
    bool found = lx->too_long
                     ? lx->tail_len >= 2 && announces(lx->tail, lx->tail_len, &l)
                     : announces(lx->text.data + lx->line_at, lx->text.len - lx->line_at, &l);
    lx->tail_len = 0;
    if (found) {
        l.at = lx->text.len;
        literal_push(lx, &l);
        lx->line_at = lx->scanned = lx->text.len;
        lx->state = LEXER_AT_LITERAL;
        return LEXER_LITERAL;
    }
    lx->state = LEXER_COMPLETE;
    return lx->too_long ? LEXER_LONG : LEXER_DONE;
}

/* Takes text up to and including the line end, if it is there. */
static enum lexer_step line_feed(struct lexer *lx, const unsigned char *p, size_t n, size_t *used)
{
    while (*used < n) {
        const unsigned char *from = p + *used;
        const unsigned char *lf = memchr(from, '\n', n - *used);
        size_t take = lf ? (size_t)(lf - from) + 1 : n - *used;
        unsigned char before = 0; /* the byte before the LF, perhaps from an earlier piece */
        if (take >= 2) {
            before = from[take - 2];
        } else if (lx->too_long && lx->tail_len > 0) {
            before = lx->tail[lx->tail_len - 1];
        } else if (!lx->too_long && lx->text.len > lx->line_at) {
            before = lx->text.data[lx->text.len - 1];
        }
        *used += take;
        if (!lx->too_long) {
            size_t fits = lx->text.limit - lx->text.len;
            lx->too_long = take > fits;
            buf_add(&lx->text, from, take < fits ? take : fits);
            lx->tail_len = 0;
        }
        if (lx->too_long) {
            tail_add(lx, from, take);
        }
        if (lf != NULL && before == '\r') {
            return line_done(lx);
        }
    }
    return LEXER_MORE;
}

/* Whether everyone's messages together leave room for n octets more; if not, this literal and those
 * behind it are read past. */
static bool affordable(struct lexer *lx, struct literal *l, size_t n)
{
    if (lx->budget == NULL) {
        return true;
    }
    if (budget_take(lx->budget, n)) {
        lx->taken += n;
        return true;
    }
    free(l->data);
    l->data = NULL;
    l->dropped = lx->denied = true;
    return false;
}

static void literal_feed(struct lexer *lx, const unsigned char *p, size_t n, size_t *used)
{
    struct literal *l = &lx->literals[lx->literal_count - 1];
    size_t want = l->announced - l->len;
    size_t take = n - *used < want ? n - *used : want;
    /* Memory follows what has arrived, not what was promised. */
    size_t need = l->len + take + 1, room = l->room ? l->room * 2 : 64;
    room = room > l->announced ? l->announced + 1 : room;
    room = room < need ? need : room;
    if (!l->dropped && (need <= l->room || affordable(lx, l, room - l->room))) {
        if (need > l->room) {
            unsigned char *data = realloc(l->data, room);
            if (data == NULL) {
                fputs("mailproofd: out of memory\n", stderr);
                abort();
            }
            l->data = data;
            l->room = room;
        }
        memcpy(l->data + l->len, p + *used, take);
        l->data[l->len + take] = '\0';
    }
    l->len += take;
    *used += take;
}

enum lexer_step lexer_feed(struct lexer *lx, const unsigned char *p, size_t n, size_t *used)
{
    *used = 0;
    for (;;) {
        switch (lx->state) {
        case LEXER_IN_LINE:
            return line_feed(lx, p, n, used);
        case LEXER_AT_LITERAL:
            return LEXER_LITERAL;
        case LEXER_IN_LITERAL: {
            literal_feed(lx, p, n, used);
            const struct literal *l = &lx->literals[lx->literal_count - 1];
            if (l->len < l->announced) {
                return LEXER_MORE;
            }
            lx->state = LEXER_IN_LINE;
            break;
        }
        case LEXER_COMPLETE:
            return lx->too_long ? LEXER_LONG : LEXER_DONE;
        }
    }
}

void lexer_take(struct lexer *lx)
{
    lx->state = LEXER_IN_LITERAL;
}

void lexer_drop(struct lexer *lx)
{
    lx->literals[lx->literal_count - 1].dropped = true;
    lx->state = LEXER_IN_LITERAL;
}
