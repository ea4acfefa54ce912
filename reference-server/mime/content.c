/* SPDX-License-Identifier: MIT */
#include "mime/content.h"

#include <string.h>
#include <strings.h>

#include "mime/text.h"

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

/* --- RFC 2231 --- */

struct piece { /* name*number* */
    size_t name_len;
    int number; /* -1: not one of several */
    bool escaped;
};

static struct piece piece(const char *name)
{
    struct piece p = {.name_len = strcspn(name, "*"), .number = -1};
    const char *rest = name + p.name_len;
    if (*rest == '*' && rest[1] >= '0' && rest[1] <= '9') {
        p.number = 0;
        for (rest++; *rest >= '0' && *rest <= '9' && p.number < 10000; rest++) {
            p.number = p.number * 10 + *rest - '0';
        }
    }
    p.escaped = *rest == '*' && rest[1] == '\0';
    if (*rest != '\0' && !p.escaped) {
        p.name_len = strlen(name); /* an odd name, left as it is */
        p.number = -1;
    }
    return p;
}

static int hex(char c)
{
    c |= 32;
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct joined {
    char *text;
    size_t len;
    const char *charset;
};

static void add_piece(struct arena *a, struct joined *j, const char *value, bool escaped,
                      bool first)
{
    const char *quote = first && escaped ? strchr(value, '\'') : NULL;
    const char *second = quote ? strchr(quote + 1, '\'') : NULL;
    if (second != NULL) { /* charset'language'text */
        j->charset = arena_copy(a, value, (size_t)(quote - value));
        value = second + 1;
    }
    size_t n = strlen(value);
    j->text = arena_grow(a, j->text, j->len, j->len + n + 1);
    for (size_t i = 0; i < n; i++) {
        if (escaped && value[i] == '%' && i + 2 < n && hex(value[i + 1]) >= 0 &&
            hex(value[i + 2]) >= 0) {
            j->text[j->len++] = (char)(hex(value[i + 1]) * 16 + hex(value[i + 2]));
            i += 2;
        } else {
            j->text[j->len++] = value[i];
        }
    }
}

/* All pieces of the parameter that begins with first. */
static const char *join(struct arena *a, const struct param *list, const char *name, struct piece p)
{
    struct joined j = {.text = arena_alloc(a, 1)};
    for (int number = p.number; number < MOST_PARAMS; number++) {
        const struct param *found = NULL;
        for (const struct param *q = list; q != NULL && found == NULL; q = q->next) {
            struct piece other = piece(q->name);
            if (other.number == number && other.name_len == p.name_len &&
                strncasecmp(q->name, name, p.name_len) == 0) {
                found = q;
                add_piece(a, &j, q->value, other.escaped, number == p.number);
            }
        }
        if (found == NULL || number < 0) {
            break;
        }
    }
    struct text t = {(const unsigned char *)j.text, j.len};
    t = text_utf8(a, t, j.charset);
    const char *nul = t.n > 0 ? memchr(t.p, '\0', t.n) : NULL;
    return arena_copy(a, t.p, nul ? (size_t)(nul - (const char *)t.p) : t.n);
}

struct param *content_joined(struct arena *a, const struct param *list)
{
    struct param *first = NULL, **end = &first;
    for (const struct param *p = list; p != NULL; p = p->next) {
        struct piece one = piece(p->name);
        if (one.number > 0) {
            continue; /* it is with the first piece */
        }
        *end = arena_alloc(a, sizeof **end);
        (*end)->name = arena_copy(a, p->name, one.name_len);
        (*end)->value = one.number == 0 || one.escaped ? join(a, list, p->name, one) : p->value;
        end = &(*end)->next;
    }
    return first;
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
