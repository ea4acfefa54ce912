/* SPDX-License-Identifier: MIT */
#include "mime/content.h"

#include <string.h>
#include <strings.h>

#define MOST_PARAMS 200

struct reader {
    struct arena *arena;
    const unsigned char *p;
    size_t at, n;
};

static int peek(const struct reader *r)
{
    return r->at < r->n ? r->p[r->at] : -1;
}

static void skip_space(struct reader *r)
{
    int depth = 0;
    for (; r->at < r->n; r->at++) {
        unsigned char c = r->p[r->at];
        if (depth > 0 && c == '\\') {
            r->at++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && depth > 0) {
            depth--;
        } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\0') {
            return;
        }
    }
    r->at = r->at > r->n ? r->n : r->at;
}

static bool token_char(int c)
{
    return c > 0x20 && c != 0x7f && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static char *token(struct reader *r)
{
    size_t from = r->at;
    while (token_char(peek(r))) {
        r->at++;
    }
    return r->at > from ? arena_copy(r->arena, r->p + from, r->at - from) : NULL;
}

/* A parameter's value: a token, a quoted string, or whatever a careless sender left unquoted. */
static char *param_value(struct reader *r)
{
    if (peek(r) != '"') {
        size_t from = r->at;
        while (peek(r) >= 0 && peek(r) != ';' && peek(r) > ' ' && peek(r) != '(') {
            r->at++;
        }
        return arena_copy(r->arena, r->p + from, r->at - from);
    }
    size_t from = ++r->at, n = 0;
    while (r->at < r->n && r->p[r->at] != '"') {
        r->at += r->p[r->at] == '\\' ? 2 : 1;
    }
    r->at = r->at > r->n ? r->n : r->at;
    char *out = arena_alloc(r->arena, r->at - from + 1);
    for (size_t i = from; i < r->at; i++) {
        if (r->p[i] == '\\' && i + 1 < r->at) {
            i++;
        }
        if (r->p[i] != '\r' && r->p[i] != '\n' && r->p[i] != '\0') {
            out[n++] = (char)r->p[i];
        }
    }
    r->at += r->at < r->n;
    return out;
}

bool content_parse(struct arena *a, const unsigned char *p, size_t n, struct content *out)
{
    struct reader r = {.arena = a, .p = p, .n = n};
    struct param **end = &out->params;
    *out = (struct content){0};
    skip_space(&r);
    out->type = token(&r);
    if (out->type == NULL) {
        return false;
    }
    skip_space(&r);
    if (peek(&r) == '/') {
        r.at++;
        skip_space(&r);
        out->subtype = token(&r);
    }
    for (int count = 0; count < MOST_PARAMS; count++) {
        while (peek(&r) >= 0 && peek(&r) != ';') {
            r.at++;
        }
        if (peek(&r) < 0) {
            break;
        }
        r.at++;
        skip_space(&r);
        char *name = token(&r);
        skip_space(&r);
        if (name == NULL || peek(&r) != '=') {
            continue;
        }
        r.at++;
        skip_space(&r);
        struct param *one = arena_alloc(a, sizeof *one);
        one->name = name;
        one->value = param_value(&r);
        *end = one;
        end = &one->next;
    }
    return true;
}

const char *content_param(const struct content *c, const char *name)
{
    for (const struct param *p = c->params; p != NULL; p = p->next) {
        if (strcasecmp(p->name, name) == 0) {
            return p->value;
        }
    }
    return NULL;
}

char *content_token(struct arena *a, const unsigned char *p, size_t n)
{
    struct reader r = {.arena = a, .p = p, .n = n};
    skip_space(&r);
    return token(&r);
}

struct param *content_list(struct arena *a, const unsigned char *p, size_t n)
{
    struct reader r = {.arena = a, .p = p, .n = n};
    struct param *first = NULL, **end = &first;
    for (int count = 0; count < MOST_PARAMS && peek(&r) >= 0; count++) {
        skip_space(&r);
        char *name = token(&r);
        if (name != NULL) {
            *end = arena_alloc(a, sizeof **end);
            (*end)->name = name;
            end = &(*end)->next;
        }
        while (peek(&r) >= 0 && peek(&r) != ',') {
            r.at++;
        }
        r.at += peek(&r) == ',';
    }
    return first;
}
