/* One POP3 response, single-line or multi-line, fed as its bytes arrive. RFC 1939, 3; RFC 2449, 8.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_POP3_REPLY_H
#define HARNESS_PROTOCOL_POP3_REPLY_H

#include "protocol/smtp_reply.h"

#define POP3_REPLY_LIMIT_BYTES ((size_t)64 * 1024 * 1024)
#define POP3_REPLY_LINE_BYTES 512 /* RFC 1939, 3: the longest lawful first line, CRLF included */

enum pop3_status {
    POP3_NONE,
    POP3_OK,
    POP3_ERR,
    POP3_CONTINUE
}; /* CONTINUE: "+ " of SASL, RFC 5034 */

struct pop3_reply {
    enum pop3_status status;
    bool multiline;     /* asked for, and status was +OK; as asked until the status is known */
    const char *text;   /* of the first line, after status and space; points into raw. Set once the
                           first   line is complete and then moved along with raw */
    size_t text_len;    /* without the line end */
    char resp_code[64]; /* "IN-USE", "SYS/TEMP" without brackets (RFC 2449, 8; 3206); "" none */
    unsigned char *raw; /* every byte, NUL-terminated besides */
    size_t raw_len;
    unsigned char *body; /* multi-line: lines after the first, dots unstuffed, line ends as sent,
                            without the final "." line; NUL-terminated besides, NULL while empty */
    size_t body_len;
    const char *why;
    bool bare_lf, bare_cr, nul, long_first_line, lower_case_status;
    bool no_space_before_text; /* "+OKhello" */
    bool unstuffed_dot;        /* a line began with a dot that nobody had doubled */
    bool body_bare_lf; /* a line of the body ended in LF alone (such a line does not end for the
                          parser: only CRLF does, unless the first line ended in LF too) */
    /* the parser's own */
    int state;
    bool lf_ends; /* the first line ended in a bare LF: so do the others, for us */
    size_t raw_room, body_room, text_start;
};

/* multiline: whether +OK is followed by lines up to "." CRLF; the command decides, RFC 1939, 3. */
void pop3_reply_init(struct pop3_reply *r, bool multiline);
/* Frees everything. Call init before the next reply: it has to be told whether lines follow. */
void pop3_reply_clear(struct pop3_reply *r);
enum parse_step pop3_reply_feed(struct pop3_reply *r, const unsigned char *p, size_t n,
                                size_t *used);

#endif
