/* One SMTP or LMTP reply, fed as its bytes arrive. RFC 5321, 4.2; enhanced codes RFC 2034.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_SMTP_REPLY_H
#define HARNESS_PROTOCOL_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* What a parser says after it was fed: all three parsers use these words. */
enum parse_step {
    PARSE_MORE, /* took everything, wants more */
    PARSE_DONE, /* one unit is complete; the rest of the bytes were not looked at */
    PARSE_BAD /* this is not the protocol; `why` says what was wrong, *used where: the byte that was
                 wrong is the last one taken. The parser takes nothing more until it is cleared */
};

struct smtp_line {
    size_t start; /* offset in raw of the first byte after code and separator */
    size_t len;   /* without CRLF */
    size_t begin; /* offset in raw of the code's first digit */
    int code;     /* of this line */
};

#define SMTP_REPLY_LIMIT_BYTES ((size_t)1024 * 1024)
#define SMTP_REPLY_LIMIT_LINES 4096
/* The longest lawful line, CRLF included. RFC 5321, 4.5.3.1.5. */
#define SMTP_REPLY_LINE_BYTES 512

struct smtp_reply {
    int code; /* of the last line, which is the one a client obeys (RFC 5321, 4.2.1); 0–999: lint
                 judges */
    struct smtp_line *lines;
    size_t line_count;
    unsigned char *raw; /* every byte of the reply, line ends included, NUL-terminated besides */
    size_t raw_len;
    const char *why; /* set when PARSE_BAD: a static sentence */
    /* things that are wrong but leave the reply readable; reported by lint, never repaired */
    bool bare_lf, bare_cr, nul, eight_bit, codes_differ, long_line, no_space_before_text;
    bool control; /* text holds a control character other than tab, NUL, CR and LF */
    /* the parser's own */
    int state, digits, line_code, first_code;
    bool more; /* the line in work is followed by others */
    size_t raw_room, line_room, line_begin;
};

void smtp_reply_init(struct smtp_reply *r);
/* Frees everything; the reply is as after init and takes the next one. */
void smtp_reply_clear(struct smtp_reply *r);
/* Takes bytes as they come, in pieces of any size; *used says how many it took. A line that ends in
 * a bare LF ends the line (flagged): the driver has to go on with servers that do it. */
enum parse_step smtp_reply_feed(struct smtp_reply *r, const unsigned char *p, size_t n,
                                size_t *used);
/* Enhanced status code of the first line, "2.1.5"; false when it has none. RFC 3463. */
bool smtp_reply_enhanced(const struct smtp_reply *r, char out[16]);
/* The same for any line (0 is the first). */
bool smtp_reply_line_enhanced(const struct smtp_reply *r, size_t line, char out[16]);

#endif
