/* Collects one IMAP command: lines and the literals between them, cut anywhere by the network. RFC
 * 3501, 2.2.1, 4.3.
 *
 * The lexer knows nothing of commands: at each literal it stops, and the session says whether to
 * take its octets, to drop them (a non-synchronising one has to be read past, RFC 7888) or to give
 * the command up. SPDX-License-Identifier: MIT */
#ifndef IMAP_LEXER_H
#define IMAP_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct literal {
    size_t at;           /* where the text goes on: just behind its "}" CR LF */
    unsigned char *data; /* malloc'd, or NULL while empty or dropped */
    size_t len, room;    /* octets here now; octets allocated */
    size_t announced;    /* octets the client promised; SIZE_MAX: more than any number we read */
    bool sync;           /* the client waits for "+" */
    bool binary;         /* ~{n}: literal8, RFC 3516 */
    bool dropped;        /* read past, not kept */
};

enum lexer_step {
    LEXER_MORE,    /* wants more input */
    LEXER_LITERAL, /* stopped at the last of literals: lexer_take, lexer_drop or lexer_reset */
    LEXER_DONE,    /* a whole command is in text and literals, until lexer_reset */
    LEXER_LONG, /* the lines passed the limit; text holds their beginning. lexer_reset, or it goes
                   on reading past */
};

enum lexer_state { LEXER_IN_LINE, LEXER_AT_LITERAL, LEXER_IN_LITERAL, LEXER_COMPLETE };

struct lexer {
    struct buf text; /* all lines, CR LF included */
    struct literal *literals;
    size_t literal_count, literal_room;
    size_t line_at; /* where the present line begins in text */
    size_t scanned; /* text before this holds no line end of the present line */
    size_t long_by; /* bytes of the lines that were read past the limit */
    bool too_long;
    unsigned char tail[32]; /* the last bytes of a line past the limit, for its literal */
    size_t tail_len;
    enum lexer_state state;
    struct budget *budget; /* what literals take is part of this one; NULL: of none */
    size_t taken;          /* of the budget, until lexer_reset */
    bool denied;           /* it did not allow for more: a literal was dropped */
};

void lexer_init(struct lexer *lx, size_t line_limit);
void lexer_free(struct lexer *lx);
void lexer_reset(struct lexer *lx);      /* forgets the command; the next byte begins another */
bool lexer_idle(const struct lexer *lx); /* nothing of a command has been read */
/* Takes input; *used says how much. Bytes behind a finished command are left alone. */
enum lexer_step lexer_feed(struct lexer *lx, const unsigned char *p, size_t n, size_t *used);
void lexer_take(struct lexer *lx); /* after LEXER_LITERAL: keep the octets */
void lexer_drop(struct lexer *lx); /* after LEXER_LITERAL: read past them */
/* Gives a literal's octets away: the caller frees them. */
unsigned char *lexer_give(struct literal *l, size_t *len);

#endif
