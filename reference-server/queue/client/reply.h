/* One reply of another SMTP server, read from bytes as they come. RFC 5321, 4.2; RFC 2034.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_REPLY_H
#define SERVER_QUEUE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum { REPLY_LINE_BYTES = 2048, REPLY_LINES = 128, REPLY_TEXT_BYTES = 16384 };

enum reply_step { REPLY_MORE, REPLY_DONE, REPLY_BAD };

/* Zero it before the first byte of each reply. */
struct reply {
    int code;
    char enhanced[12];           /* "5.1.1"; "" when there is none */
    char text[REPLY_TEXT_BYTES]; /* the lines without their codes, separated by LF */
    size_t text_len;
    unsigned lines;
    char line[REPLY_LINE_BYTES];
    size_t line_len;
    const char *why; /* REPLY_BAD */
};

/* Takes one line or what there is of it; *used says how much. REPLY_DONE leaves the rest for the
 * next reply. A line that ends with LF alone is taken: refusing it would lose mail. */
enum reply_step reply_feed(struct reply *r, const unsigned char *p, size_t n, size_t *used);
/* The words behind an EHLO keyword, up to the line's end; NULL: it is not offered. Copied to out.
 */
const char *reply_keyword(const struct reply *r, const char *keyword, char *out, size_t size);
/* The reply on one line, as a Diagnostic-Code shows it (RFC 3464, 2.3.6): printable, cut if long.
 */
void reply_diagnostic(const struct reply *r, char *out, size_t size);

#endif
