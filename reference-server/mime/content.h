/* Content-Type and its relatives: a value and parameters. RFC 2045, 5.1; RFC 2183.
 * SPDX-License-Identifier: MIT */
#ifndef MIME_CONTENT_H
#define MIME_CONTENT_H

#include "mime/header.h"

struct param {
    const char *name, *value;
    struct param *next;
};

struct content {                /* type/subtype; param … or, for a disposition, type alone */
    const char *type, *subtype; /* as written; subtype NULL where there is no "/" */
    struct param *params;
};

/* false: there is no value that could be read; *out is empty then. */
bool content_parse(struct arena *a, const unsigned char *p, size_t n, struct content *out);
/* The parameters with the pieces name*0, name*1 joined and percent escapes and charsets undone, in
 * UTF-8 (RFC 2231). */
struct param *content_joined(struct arena *a, const struct param *list);
const char *content_param(const struct content *c, const char *name); /* NULL: none */
/* A lone token, as of Content-Transfer-Encoding; NULL: none. */
char *content_token(struct arena *a, const unsigned char *p, size_t n);
/* Comma-separated words, as of Content-Language. Each calls each. */
struct param *content_list(struct arena *a, const unsigned char *p, size_t n); /* names only */

#endif
