/* SPDX-License-Identifier: MIT */
#include "mime/header.h"

#include <string.h>
#include <strings.h>

/* Length of the line at p with its end. */
static size_t line_len(const unsigned char *p, size_t n)
{
    const unsigned char *lf = memchr(p, '\n', n);
    return lf ? (size_t)(lf - p) + 1 : n;
}

static size_t without_end(const unsigned char *p, size_t n)
{
    n -= n > 0 && p[n - 1] == '\n';
    n -= n > 0 && p[n - 1] == '\r';
    return n;
}

size_t header_size(const unsigned char *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        size_t len = line_len(p + at, n - at);
        at += len;
        if (p[at - 1] == '\n' && (len == 1 || (len == 2 && p[at - 2] == '\r'))) {
            break;
        }
    }
    return at;
}

bool header_next(const unsigned char *p, size_t n, size_t *pos, struct header_field *f)
{
    if (*pos >= n) {
        return false;
    }
    size_t at = *pos;
    size_t len = line_len(p + at, n - at);
    if (without_end(p + at, len) == 0) {
        return false; /* the empty line */
    }
    /* Lines that begin with white space go on with the field. */
    while (at + len < n && (p[at + len] == ' ' || p[at + len] == '\t')) {
        len += line_len(p + at + len, n - at - len);
    }
    *pos = at + len;
    *f = (struct header_field){.whole = p + at, .whole_len = len, .name = p + at};
    size_t text = without_end(p + at, len);
    const unsigned char *colon = memchr(p + at, ':', text);
    if (colon == NULL) {
        f->value = p + at;
        f->value_len = text;
        return true;
    }
    f->name_len = (size_t)(colon - f->name);
    while (f->name_len > 0 &&
           (f->name[f->name_len - 1] == ' ' || f->name[f->name_len - 1] == '\t')) {
        f->name_len--; /* RFC 5322, 4.5.8 */
    }
    f->value = colon + 1;
    f->value_len = text - (size_t)(f->value - f->whole);
    return true;
}

bool header_is(const struct header_field *f, const char *name, size_t n)
{
    return f->name_len == n && n > 0 && strncasecmp((const char *)f->name, name, n) == 0;
}

bool header_find(const unsigned char *p, size_t n, const char *name, struct header_field *f)
{
    size_t len = strlen(name);
    for (size_t pos = 0; header_next(p, n, &pos, f);) {
        if (header_is(f, name, len)) {
            return true;
        }
    }
    return false;
}

static bool space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *header_unfold(struct arena *a, const struct header_field *f, size_t *len)
{
    char *out = arena_alloc(a, f->value_len + 1);
    const unsigned char *p = f->value;
    size_t n = f->value_len, k = 0;
    while (n > 0 && space(*p)) {
        p++;
        n--;
    }
    while (n > 0 && space(p[n - 1])) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r' || p[i] == '\n' || p[i] == '\0') {
            continue; /* a NUL can be in no response */
        }
        out[k++] = (char)p[i];
    }
    out[k] = '\0';
    *len = k;
    return out;
}
