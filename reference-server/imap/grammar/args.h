/* Takes a command's arguments apart, one grammar word at a time. RFC 3501, 9.
 *
 * Errors stick: after the first, every function returns false and changes nothing, so that a parser
 * may be written straight down and ask once. A parser that comes to a literal whose octets are not
 * here yet ends in ARGS_PENDING: so far the command is right, and the client may be told to go on.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_ARGS_H
#define IMAP_ARGS_H

#include <stdint.h>

#include "base/arena.h"
#include "imap/grammar/lexer.h"
#include "imap/grammar/seqset.h"

struct str { /* in the arena, NUL-terminated besides; p NULL: NIL */
    char *p;
    size_t n;
};

enum args_state { ARGS_FINE, ARGS_BAD, ARGS_PENDING };

struct args {
    struct lexer *lexer;
    struct arena *arena;
    size_t at, end;
    size_t literal; /* the next one */
    enum args_state state;
    const char *why; /* a sentence for BAD */
    bool utf8;       /* 8-bit octets may stand in quoted strings (RFC 9051, RFC 6855) */
};

void args_init(struct args *a, struct lexer *lx, struct arena *arena);
bool args_bad(struct args *a, const char *why); /* false, always */
int args_peek(const struct args *a);            /* next octet, -1 at the end or after an error */
bool args_char(struct args *a, char c);         /* exactly this octet */
bool args_maybe(struct args *a, char c);        /* takes it if it is there; no error */
bool args_sp(struct args *a);
bool args_end(struct args *a);
bool args_tag(struct args *a, struct str *out);
bool args_atom(struct args *a, struct str *out);
bool args_word(struct args *a,
               struct str *out); /* atom without "[": names of FETCH items and the like */
bool args_astring(struct args *a, struct str *out);
bool args_string(struct args *a, struct str *out); /* quoted or literal */
bool args_nstring(struct args *a, struct str *out);
bool args_list_mailbox(struct args *a, struct str *out); /* astring with wildcards */
bool args_number(struct args *a, uint32_t *out);
bool args_nznumber(struct args *a, uint32_t *out);
bool args_seqset(struct args *a, struct seqset *out);
/* A literal of any size and content, as in APPEND. */
bool args_literal(struct args *a, struct literal **out);
bool args_date(struct args *a, int64_t *day); /* days since 1970-01-01 */
bool args_date_time(struct args *a, int64_t *seconds, int *zone_minutes);
/* Flags as FLAG_ bits and keywords (NULL-terminated, in the arena). \Recent is left out, as nobody
 * can store it. */
struct flag_list {
    uint64_t flags;
    char **keywords;
    size_t keyword_count;
};
bool args_flag(struct args *a, struct flag_list *out);
bool args_flag_list(struct args *a, struct flag_list *out); /* in parentheses */

bool str_is(const struct str *s, const char *word); /* without regard to case */

#endif
