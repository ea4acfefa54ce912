/* The parts of a message: where each one's header and body are. RFC 2045, RFC 2046.
 *
 * A push parser: it is fed the message in pieces of any size and keeps offsets, not bytes. Lines
 * end with LF, with or without CR before it. What is broken is read the way that loses least: a
 * missing boundary or closing delimiter makes no error. SPDX-License-Identifier: MIT */
#ifndef MIME_PART_H
#define MIME_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "mime/content.h"

#define PART_DEPTH 100
#define PART_COUNT 10000
#define PART_FIELD_BYTES 65536 /* of a Content-Type field that are looked at */

enum part_kind {
    PART_LEAF,
    PART_MULTIPART,
    PART_MESSAGE, /* message/rfc822 or message/global: one child, the message inside */
};

struct part {
    enum part_kind kind;
    size_t header_at, header_len; /* the empty line included */
    size_t body_at, body_len;
    size_t body_lines;   /* line ends in the body */
    struct content type; /* type.type NULL: there was no Content-Type that could be read */
    bool digest;         /* in a multipart/digest: message/rfc822 unless it says otherwise */
    bool opaque;         /* deeper than PART_DEPTH: not taken apart */
    struct part *parent, *first, *last, *next;
    size_t children;
    size_t lines_at; /* the parser's own: line ends before the body */
    char *boundary;
    size_t boundary_len;
    bool closed; /* its closing delimiter was seen */
};

struct part_parser {
    struct arena *arena;
    struct part *root, *at; /* at: the part whose header or body is being read */
    bool in_header;
    size_t depth, parts;
    size_t offset;           /* bytes taken */
    size_t line_at;          /* offset of the present line */
    size_t lines;            /* line ends before it */
    size_t last_end;         /* bytes of the line end before it: 0, 1 or 2 */
    unsigned char head[128]; /* its first bytes */
    size_t head_len;
    bool long_line;     /* more came than head holds */
    unsigned char last; /* the byte before the next one */
    /* The Content-Type field of the present header. */
    bool in_type, type_seen;
    unsigned char *field;
    size_t field_len, field_room;
};

/* Everything is kept in the arena. */
void part_begin(struct part_parser *p, struct arena *a);
void part_feed(struct part_parser *p, const unsigned char *data, size_t n);
struct part *part_end(struct part_parser *p); /* the root: the message itself */
struct part *part_parse(struct arena *a, const unsigned char *data, size_t n); /* all at once */

/* Part number path[0..depth) of a message: its root, or the message inside a part. NULL: there is
 * none. In a message that is no multipart, part 1 is the message itself. RFC 3501, 6.4.5. */
const struct part *part_at(const struct part *message, const unsigned *path, size_t depth);

#endif
