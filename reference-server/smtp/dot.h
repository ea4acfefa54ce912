/* The text behind DATA: finds its end and takes the doubled dots off (RFC 5321, 4.1.1.4 and 4.5.2).
 * CR LF . CR LF is the end and nothing else is, however bare CR and LF are taken.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SMTP_DOT_H
#define SERVER_SMTP_DOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum smtp_dot_state {
    DOT_AT_LINE,
    DOT_IN_TEXT,
    DOT_AFTER_CR,
    DOT_AFTER_DOT,
    DOT_AFTER_DOT_CR,
    DOT_DONE
};

struct smtp_dot {
    enum smtp_dot_state state;
    bool bare_cr, bare_lf; /* a CR or an LF stood alone: kept as they came, or made CR LF */
    bool normalize_cr, normalize_lf; /* make them that: set behind smtp_dot_init */
    bool soft;                       /* this line begins behind such a one: its dot is no end */
    bool too_long;                   /* out is full: the rest was read and dropped */
    bool overridden;                 /* a fault ended the text */
    unsigned char last[5];           /* the newest bytes, for faults */
    size_t count, column;            /* octets so far, of all and of this line; for faults */
};

void smtp_dot_init(struct smtp_dot *d);
/* Takes bytes as they come, cut anywhere; *used says how many. True: the end was found, what
 * follows belongs to the next command. The text goes to out. */
bool smtp_dot_feed(struct smtp_dot *d, const unsigned char *p, size_t n, size_t *used,
                   struct buf *out);

/* The same for text that came otherwise: bare ends of lines are made CR LF. False: out is full. */
bool smtp_dot_normalize(const unsigned char *p, size_t n, bool cr, bool lf, struct buf *out);

#endif
