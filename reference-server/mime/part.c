/* SPDX-License-Identifier: MIT */
#include "mime/part.h"

#include <string.h>
#include <strings.h>

void part_begin(struct part_parser *p, struct arena *a)
{
    *p = (struct part_parser){.arena = a, .in_header = true, .depth = 1, .parts = 1};
    p->root = p->at = arena_alloc(a, sizeof *p->root);
}

static struct part *child(struct part_parser *p, struct part *parent, size_t header_at)
{
    struct part *c = arena_alloc(p->arena, sizeof *c);
    c->parent = parent;
    c->header_at = header_at;
    if (parent->last != NULL) {
        parent->last->next = c;
    } else {
        parent->first = c;
    }
    parent->last = c;
    parent->children++;
    c->digest = parent->kind == PART_MULTIPART && parent->type.subtype != NULL &&
                strcasecmp(parent->type.subtype, "digest") == 0;
    p->at = c;
    p->in_header = true;
    p->in_type = p->type_seen = false;
    p->field_len = 0;
    p->parts++;
    return c;
}

/* The header of `at` is over, its body begins at body_at: what kind of part is it? */
static void header_over(struct part_parser *p, size_t header_end, size_t body_at, size_t lines)
{
    struct part *part = p->at;
    part->header_len = header_end - part->header_at;
    part->body_at = body_at;
    part->lines_at = lines;
    p->in_header = false;
    if (p->field_len > 0 && content_parse(p->arena, p->field, p->field_len, &part->type) &&
        part->type.subtype == NULL) {
        part->type = (struct content){0};
    }
    const char *type = part->type.type, *subtype = part->type.subtype;
    bool message = type == NULL
                       ? part->digest
                       : strcasecmp(type, "message") == 0 && (strcasecmp(subtype, "rfc822") == 0 ||
                                                              strcasecmp(subtype, "global") == 0);
    bool multipart = type != NULL && strcasecmp(type, "multipart") == 0;
    if ((message || multipart) && (p->depth >= PART_DEPTH || p->parts >= PART_COUNT)) {
        part->opaque = true;
        return;
    }
    if (multipart) {
        const char *boundary = content_param(&part->type, "boundary");
        size_t n = boundary ? strlen(boundary) : 0;
        part->kind = PART_MULTIPART;
        if (n > 0 && n <= sizeof p->head - 8) {
            part->boundary = arena_copy(p->arena, boundary, n);
            part->boundary_len = n;
        }
        p->depth++;
    } else if (message) {
        part->kind = PART_MESSAGE;
        p->depth++;
        child(p, part, body_at);
    }
}

/* The body of part, and of every open part below it, ends at offset end. */
static void close_to(struct part_parser *p, const struct part *until, size_t end, size_t lines)
{
    while (p->at != until) {
        struct part *part = p->at;
        if (p->in_header) {
            size_t stop = end < part->header_at ? part->header_at : end;
            header_over(p, stop, stop, lines);
            if (p->at != part) {
                continue; /* a message part without a body has an empty message inside */
            }
        }
        size_t body_end = end < part->body_at ? part->body_at : end;
        part->body_len = body_end - part->body_at;
        part->body_lines = lines > part->lines_at ? lines - part->lines_at : 0;
        p->depth -= part->kind != PART_LEAF;
        p->at = part->parent;
        p->in_header = false;
    }
}

/* Is the present line a delimiter of an open multipart? The innermost one is asked first. */
static struct part *delimiter(const struct part_parser *p, size_t text_len, bool *closing)
{
    if (text_len < 3 || p->head[0] != '-' || p->head[1] != '-') {
        return NULL;
    }
    for (struct part *m = p->at; m != NULL; m = m->parent) {
        size_t n = m->boundary_len;
        if (m->boundary == NULL || m->closed || text_len < n + 2 || p->head_len < n + 2 ||
            memcmp(p->head + 2, m->boundary, n) != 0) {
            continue;
        }
        size_t i = n + 2;
        *closing =
            i + 2 <= text_len && i + 2 <= p->head_len && p->head[i] == '-' && p->head[i + 1] == '-';
        i += *closing ? 2 : 0;
        while (i < p->head_len && (p->head[i] == ' ' || p->head[i] == '\t')) {
            i++;
        }
        if (i >= text_len || i == p->head_len) {
            return m;
        }
    }
    return NULL;
}

static void field_add(struct part_parser *p, const unsigned char *data, size_t n)
{
    if (p->field_len + n > PART_FIELD_BYTES) {
        n = PART_FIELD_BYTES - p->field_len;
    }
    if (p->field_len + n > p->field_room) {
        size_t room = (p->field_len + n) * 2;
        p->field = arena_grow(p->arena, p->field, p->field_len, room);
        p->field_room = room;
    }
    if (n > 0) {
        memcpy(p->field + p->field_len, data, n);
    }
    p->field_len += n;
}

/* A header line whose first bytes are in head: does Content-Type begin with it, or go on? */
static void header_line_begins(struct part_parser *p)
{
    static const char name[] = "content-type";
    if (p->head[0] == ' ' || p->head[0] == '\t') {
        if (p->in_type) {
            field_add(p, p->head, p->head_len);
        }
        return;
    }
    size_t n = sizeof name - 1;
    p->in_type = false;
    if (!p->type_seen && p->head_len > n && strncasecmp((const char *)p->head, name, n) == 0) {
        size_t i = n;
        while (i < p->head_len && (p->head[i] == ' ' || p->head[i] == '\t')) {
            i++;
        }
        if (i < p->head_len && p->head[i] == ':') {
            p->in_type = p->type_seen = true;
            field_add(p, p->head + i + 1, p->head_len - i - 1);
        }
    }
}

/* The present line is complete: text_len bytes and its end of end_len bytes (0 at the end of the
 * message). */
static void line_over(struct part_parser *p, size_t text_len, size_t end_len)
{
    bool closing = false;
    struct part *m = delimiter(p, text_len, &closing);
    size_t next = p->line_at + text_len + end_len;
    if (m != NULL) {
        /* The line end before a delimiter belongs to the delimiter (RFC 2046, 5.1.1). */
        size_t lines = p->lines - (p->last_end > 0 && p->lines > 0);
        close_to(p, m, p->line_at - p->last_end, lines);
        if (closing) {
            m->closed = true;
        } else if (p->parts < PART_COUNT) {
            child(p, m, next);
        }
    } else if (p->in_header && text_len == 0 && end_len > 0) {
        header_over(p, next, next, p->lines + 1);
    } else if (p->in_header && !p->long_line) {
        header_line_begins(p);
    }
    p->lines += end_len > 0;
    p->last_end = end_len;
    p->line_at = next;
    p->head_len = 0;
    p->long_line = false;
}

void part_feed(struct part_parser *p, const unsigned char *data, size_t n)
{
    size_t i = 0;
    while (i < n) {
        const unsigned char *lf = memchr(data + i, '\n', n - i);
        size_t take = (lf ? (size_t)(lf - data) : n) - i; /* bytes before the LF */
        size_t line_len = p->offset - p->line_at;         /* of this line, taken earlier */
        size_t keep = sizeof p->head - p->head_len < take ? sizeof p->head - p->head_len : take;
        memcpy(p->head + p->head_len, data + i, keep);
        p->head_len += keep;
        if (take > keep && p->in_header) {
            if (!p->long_line) {
                header_line_begins(p); /* the rest of a long line goes straight to the field */
                p->long_line = true;
            }
            if (p->in_type) {
                field_add(p, data + i + keep, take - keep);
            }
        }
        if (take > 0) {
            p->last = data[i + take - 1];
        }
        i += take;
        p->offset += take;
        line_len += take;
        if (lf == NULL) {
            break;
        }
        bool cr = line_len > 0 && p->last == '\r';
        if (cr && p->head_len == line_len) {
            p->head_len--;
        }
        p->offset++;
        i++;
        line_over(p, line_len - cr, 1u + cr);
    }
}

struct part *part_end(struct part_parser *p)
{
    if (p->offset > p->line_at) {
        line_over(p, p->offset - p->line_at, 0);
    }
    close_to(p, NULL, p->offset, p->lines);
    return p->root;
}

struct part *part_parse(struct arena *a, const unsigned char *data, size_t n)
{
    struct part_parser p;
    part_begin(&p, a);
    part_feed(&p, data, n);
    return part_end(&p);
}

const struct part *part_at(const struct part *message, const unsigned *path, size_t depth)
{
    const struct part *at = message;
    for (size_t i = 0; i < depth; i++) {
        if (i > 0 && at->kind == PART_MESSAGE) {
            at = at->first; /* 2.1: within message part 2 */
        } else if (i > 0 && at->kind == PART_LEAF) {
            return NULL; /* a leaf has nothing below */
        }
        if (at->kind != PART_MULTIPART) {
            if (path[i] != 1) {
                return NULL;
            }
            /* Part 1 of a message that is no multipart is the message itself. */
            if (i + 1 < depth && at->kind == PART_LEAF) {
                return NULL;
            }
            continue;
        }
        const struct part *c = at->first;
        for (unsigned k = 1; c != NULL && k < path[i]; k++) {
            c = c->next;
        }
        if (c == NULL) {
            return NULL;
        }
        at = c;
    }
    return at;
}
