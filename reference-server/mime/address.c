/* SPDX-License-Identifier: MIT */
#include "mime/address.h"

#include <string.h>

#define DEEPEST_COMMENT 100

struct reader {
    struct arena *arena;
    const unsigned char *p;
    size_t at, n;
    const unsigned char *comment; /* the last one passed over, inside its parentheses */
    size_t comment_len;
};

static int peek(const struct reader *r)
{
    return r->at < r->n ? r->p[r->at] : -1;
}

static void skip_comment(struct reader *r)
{
    size_t from = ++r->at;
    for (int depth = 1; r->at < r->n; r->at++) {
        unsigned char c = r->p[r->at];
        if (c == '\\' && r->at + 1 < r->n) {
            r->at++;
        } else if (c == '(' && depth < DEEPEST_COMMENT) {
            depth++;
        } else if (c == ')' && --depth == 0) {
            break;
        }
    }
    r->comment = r->p + from;
    r->comment_len = r->at - from;
    r->at += r->at < r->n;
}

static void skip_space(struct reader *r)
{
    for (;;) {
        int c = peek(r);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0') {
            r->at++;
        } else if (c == '(') {
            skip_comment(r);
        } else {
            return;
        }
    }
}

/* Text that grows; words of a phrase are put together with one space. */
struct text {
    char *p;
    size_t n, room;
    bool any; /* something was there, if only "" */
};

static void add(struct reader *r, struct text *t, const void *p, size_t n)
{
    if (t->n + n + 1 > t->room) {
        size_t room = (t->n + n + 1) * 2;
        t->p = arena_grow(r->arena, t->p, t->n, room);
        t->room = room;
    }
    if (n > 0) {
        memcpy(t->p + t->n, p, n);
    }
    t->n += n;
    t->p[t->n] = '\0';
    t->any = true;
}

/* Adds bytes of a quoted string or comment: backslashes taken off, line ends dropped. */
static void add_unquoted(struct reader *r, struct text *t, const unsigned char *p, size_t n)
{
    add(r, t, "", 0);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\' && i + 1 < n) {
            i++;
        }
        if (p[i] != '\r' && p[i] != '\n' && p[i] != '\0') {
            add(r, t, p + i, 1);
        }
    }
}

static bool word_char(int c)
{
    return c > 0x20 && c != 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* One word: a quoted string or a run of atom characters and dots. */
static bool word(struct reader *r, struct text *t)
{
    int c = peek(r);
    if (c == '"') {
        size_t from = ++r->at;
        while (r->at < r->n && r->p[r->at] != '"') {
            r->at += r->p[r->at] == '\\' ? 2 : 1;
        }
        r->at = r->at > r->n ? r->n : r->at;
        add_unquoted(r, t, r->p + from, r->at - from);
        r->at += r->at < r->n;
        return true;
    }
    size_t from = r->at;
    while (word_char(peek(r))) {
        r->at++;
    }
    if (r->at > from) {
        add(r, t, r->p + from, r->at - from);
    }
    return r->at > from;
}

/* Behind "@": a dot-atom or a domain literal; white space and comments within it are dropped (4.4).
 */
static void domain(struct reader *r, struct text *t)
{
    add(r, t, "", 0);
    for (;;) {
        skip_space(r);
        if (peek(r) == '[') {
            size_t from = r->at;
            while (r->at < r->n && r->p[r->at] != ']') {
                r->at += r->p[r->at] == '\\' ? 2 : 1;
            }
            r->at = r->at >= r->n ? r->n : r->at + 1;
            for (size_t i = from; i < r->at; i++) {
                if (r->p[i] > ' ') {
                    add(r, t, r->p + i, 1);
                }
            }
        } else if (!(t->n == 0 || t->p[t->n - 1] == '.' || peek(r) == '.') || !word_char(peek(r))) {
            return;
        } else {
            word(r, t);
        }
    }
}

static struct address *push(struct reader *r, struct address ***end)
{
    struct address *one = arena_alloc(r->arena, sizeof *one);
    **end = one;
    *end = &one->next;
    return one;
}

/* <@route:local@domain>, from behind "<". */
static void angle(struct reader *r, struct address *out)
{
    struct text route = {0}, local = {0}, host = {0};
    skip_space(r);
    while (peek(r) == '@' || (peek(r) == ',' && route.any)) {
        if (peek(r) == ',') {
            r->at++;
            add(r, &route, ",", 1);
        } else {
            r->at++;
            struct text one = {0};
            domain(r, &one);
            add(r, &route, "@", 1);
            add(r, &route, one.p, one.n);
        }
        skip_space(r);
    }
    if (route.any && peek(r) == ':') {
        r->at++;
    }
    for (;;) {
        skip_space(r);
        if (!word(r, &local)) {
            break;
        }
    }
    if (peek(r) == '@') {
        r->at++;
        domain(r, &host);
    }
    while (peek(r) >= 0 && peek(r) != '>') {
        r->at++;
    }
    r->at += peek(r) == '>';
    out->route = route.p;
    out->mailbox = local.any ? local.p : arena_copy(r->arena, "", 0);
    out->host = host.any ? host.p : arena_copy(r->arena, "", 0);
}

/* The name of an address without a phrase is in the comment behind it: user@host (Full Name). */
static void name_from_comment(struct reader *r, struct address *out)
{
    if (out->name == NULL && r->comment != NULL) {
        struct text t = {0};
        add_unquoted(r, &t, r->comment, r->comment_len);
        out->name = t.p;
    }
}

struct address *address_parse(struct arena *a, const unsigned char *p, size_t n)
{
    struct reader r = {.arena = a, .p = p, .n = n};
    struct address *first = NULL, **end = &first;
    bool in_group = false;
    for (int count = 0; count < ADDRESS_MOST; count++) {
        struct text phrase = {0}, joined = {0};
        int words = 0;
        bool spaced = false;
        r.comment = NULL;
        /* Words, until something says what they are. joined has them without spaces: a local part.
         */
        for (;;) {
            size_t from = r.at;
            skip_space(&r);
            spaced = r.at > from;
            struct text one = {0};
            if (!word(&r, &one)) {
                break;
            }
            if (words > 0 && spaced) {
                add(&r, &phrase, " ", 1);
            }
            add(&r, &phrase, one.p, one.n);
            add(&r, &joined, one.p, one.n);
            words++;
        }
        int c = peek(&r);
        if (c == ':' && words > 0 && !in_group) {
            push(&r, &end)->mailbox = phrase.p;
            in_group = true;
            r.at++;
            continue;
        }
        if (c == '<') {
            struct address *one = push(&r, &end);
            r.at++;
            angle(&r, one);
            one->name = phrase.p;
            skip_space(&r);
        } else if (c == '@') {
            struct address *one = push(&r, &end);
            struct text host = {0};
            r.at++;
            r.comment = NULL;
            domain(&r, &host);
            one->mailbox = joined.any ? joined.p : arena_copy(a, "", 0);
            one->host = host.p;
            skip_space(&r);
            name_from_comment(&r, one);
        } else if (words > 0) {
            struct address *one = push(&r, &end);
            one->mailbox = phrase.p;
            one->host = arena_copy(a, "", 0); /* NULL would make it a group */
            name_from_comment(&r, one);
        }
        /* On to the next one. */
        while ((c = peek(&r)) >= 0 && c != ',' && !(c == ';' && in_group)) {
            if (c == '"') {
                struct text drop = {0};
                word(&r, &drop);
            } else if (c == '(') {
                skip_comment(&r);
            } else {
                r.at++;
            }
        }
        if (c == ';') {
            push(&r, &end);
            in_group = false;
            r.at++;
            continue;
        }
        if (c < 0) {
            break;
        }
        r.at++;
    }
    if (in_group) {
        push(&r, &end);
    }
    return first;
}
