/* Builds the values of one IMAP response. Lists are built on a stack and copied once, when they
 * close. SPDX-License-Identifier: MIT */
#include "protocol/imap_tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/memory.h"

#define BLOCK_VALUES 64

struct imap_block {
    struct imap_block *next;
    size_t used, room;
    struct imap_value values[];
};

void imap_tree_init(struct imap_tree *t)
{
    memset(t, 0, sizeof *t);
}

static void free_blocks(struct imap_tree *t)
{
    while (t->blocks != NULL) {
        struct imap_block *next = t->blocks->next;
        free(t->blocks);
        t->blocks = next;
    }
}

void imap_tree_clear(struct imap_tree *t)
{
    free_blocks(t);
    free(t->stack);
    free(t->cooked);
    imap_tree_init(t);
}

void imap_tree_reset(struct imap_tree *t)
{
    free_blocks(t);
    t->count = t->depth = t->values = t->cooked_len = 0;
}

static struct imap_value *new_values(struct imap_tree *t, size_t n)
{
    struct imap_block *b = t->blocks;
    if (b == NULL || b->room - b->used < n) {
        size_t room = n > BLOCK_VALUES ? n : BLOCK_VALUES;
        b = memory_new(sizeof *b + room * sizeof b->values[0]);
        b->next = t->blocks;
        b->used = 0;
        b->room = room;
        t->blocks = b;
    }
    b->used += n;
    return b->values + b->used - n;
}

static bool push(struct imap_tree *t, struct imap_value v)
{
    if (t->values == IMAP_RESPONSE_LIMIT_VALUES)
        return false;
    t->values++;
    t->stack = memory_grow(t->stack, &t->room, t->count + 1, sizeof *t->stack);
    t->stack[t->count++] = v;
    return true;
}

bool imap_tree_open(struct imap_tree *t, bool spaced)
{
    if (t->depth == IMAP_RESPONSE_DEPTH)
        return false;
    t->frames[++t->depth] = t->count;
    t->spaced[t->depth] = spaced;
    return true;
}

size_t imap_tree_innermost(const struct imap_tree *t)
{
    return t->count - t->frames[t->depth];
}

static struct imap_value innermost_list(struct imap_tree *t)
{
    size_t n = imap_tree_innermost(t);
    struct imap_value list = {.kind = IMAP_LIST, .count = n, .spaced = t->spaced[t->depth]};
    if (n > 0) {
        list.items = new_values(t, n);
        memcpy(list.items, t->stack + t->frames[t->depth], n * sizeof *list.items);
    }
    return list;
}

bool imap_tree_close(struct imap_tree *t)
{
    if (t->depth == 0)
        return false;
    struct imap_value list = innermost_list(t);
    t->count = t->frames[t->depth--];
    return push(t, list);
}

/* Whether all bytes are digits and the number fits 63 bits. */
static bool read_number(const unsigned char *p, size_t n, int64_t *out)
{
    int64_t v = 0;
    if (n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        int digit = p[i] - '0';
        if (v > (INT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

bool imap_tree_add(struct imap_tree *t, enum imap_kind kind, const unsigned char *raw, size_t at,
                   size_t len)
{
    struct imap_value v = {.kind = kind, .count = at, .len = len};
    if (kind == IMAP_ATOM) {
        if (len == 3 && strncasecmp((const char *)raw + at, "NIL", 3) == 0)
            v.kind = IMAP_NIL;
        else if (read_number(raw + at, len, &v.number))
            v.kind = IMAP_NUMBER;
    }
    return push(t, v);
}

void imap_tree_cook(struct imap_tree *t, unsigned char c)
{
    t->cooked = memory_grow(t->cooked, &t->cooked_room, t->cooked_len + 1, 1);
    t->cooked[t->cooked_len++] = c;
}

static void point(struct imap_tree *t, const unsigned char *raw, struct imap_value *v)
{
    if (v->kind == IMAP_LIST) {
        for (size_t i = 0; i < v->count; i++)
            point(t, raw, &v->items[i]);
        return;
    }
    const unsigned char *base = v->kind == IMAP_QUOTED ? t->cooked : raw;
    v->bytes = base != NULL ? base + v->count : (const unsigned char *)"";
    v->count = 0;
}

void imap_tree_finish(struct imap_tree *t, const unsigned char *raw, struct imap_value *out)
{
    *out = innermost_list(t);
    t->count = 0;
    point(t, raw, out);
}
