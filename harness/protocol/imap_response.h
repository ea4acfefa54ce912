/* One IMAP response (a whole logical line with its literals), fed as its bytes arrive, as a tree.
 * The complete grammar of RFC 9051, 9 and RFC 3501, 9 responses, extensions included; literal8 is
 * RFC 3516, non-synchronising literal marks in server literals are tolerated and flagged.
 *
 * Reading and judging are two things: the parser builds the tree of any response whose values can
 * be told apart, whatever its name, and imap_grammar.h says whether the tree has the shape that its
 * name asks for. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_IMAP_RESPONSE_H
#define HARNESS_PROTOCOL_IMAP_RESPONSE_H

#include <stdint.h>

#include "protocol/smtp_reply.h"

#define IMAP_RESPONSE_LIMIT_BYTES ((size_t)64 * 1024 * 1024)
#define IMAP_RESPONSE_LIMIT_VALUES ((size_t)1 << 20)
#define IMAP_RESPONSE_DEPTH 128

enum imap_kind {
    IMAP_NIL,
    IMAP_ATOM,   /* flags (\Seen), BODY[TEXT]<0> and other words too: bytes are the spelling */
    IMAP_NUMBER, /* an atom of digits only that fits 63 bits; bytes are the spelling */
    IMAP_QUOTED, /* bytes without quotes, escapes undone */
    IMAP_LITERAL,
    IMAP_LITERAL8,
    IMAP_LIST,
    IMAP_TEXT /* human-readable rest of a status line; arguments of a code that is no list of values
               */
};

struct imap_value {
    enum imap_kind kind;
    const unsigned char *bytes; /* into the response's own memory, never NULL but for lists */
    size_t len;
    int64_t number;
    struct imap_value *items; /* lists; NULL when empty */
    size_t count;
    bool spaced; /* a list: a space stood before it */
};

enum imap_role { IMAP_TAGGED, IMAP_UNTAGGED, IMAP_CONTINUE };

struct imap_response {
    enum imap_role role;
    const char *tag;  /* TAGGED: NUL-terminated; else "" */
    const char *name; /* upper case: OK NO BAD PREAUTH BYE FETCH EXISTS LIST …; "" for CONTINUE */
    bool has_number;  /* untagged "* 12 EXISTS" */
    int64_t number;
    bool
        has_code; /* "[UIDNEXT 5]" of OK NO BAD PREAUTH BYE and of "+": code.items[0] is its name */
    struct imap_value code;
    struct imap_value text; /* IMAP_TEXT of status responses and of CONTINUE; else len 0 */
    struct imap_value
        data;           /* IMAP_LIST of everything after the name, for data responses:
                           "* 1 FETCH (UID 3)" -> { (UID 3) }; "* LIST () "/" INBOX" -> { (), "/", INBOX };
                           "* SEARCH 2 3" -> { 2, 3 } */
    unsigned char *raw; /* every byte, literals and line ends included, NUL-terminated besides */
    size_t raw_len;
    const char *why; /* set when PARSE_BAD */
    size_t why_at;   /* offset in raw */
    /* things that are wrong but leave the response readable */
    bool bare_lf, nul, eight_bit_quoted, literal_plus, double_space, trailing_space;
    bool bare_cr;       /* a CR in text or in a quoted string that no LF followed */
    bool control;       /* another control character outside of literals */
    bool eight_bit;     /* a byte above 127 in an atom or in text */
    bool missing_space; /* two values, or a response code and its text, with nothing between them */
    bool bad_escape;    /* a backslash in a quoted string before something else than " and \ */
    bool bad_code;      /* the text begins with [ but no response code can be read */
    bool no_text; /* a status response or "+" whose line ends without the space before its text */
    struct imap_parser *parser; /* its own state and memory */
};

void imap_response_init(struct imap_response *r);
/* Frees everything; the response is as after init and takes the next one. */
void imap_response_clear(struct imap_response *r);
/* Takes bytes as they come; *used says how many it took. Everything but raw, why and why_at is set
 * only when PARSE_DONE is returned. */
enum parse_step imap_response_feed(struct imap_response *r, const unsigned char *p, size_t n,
                                   size_t *used);

/* Whether the value is a word or string of exactly these bytes; ASCII case does not count. */
bool imap_value_is(const struct imap_value *v, const char *word);
/* QUOTED, LITERAL or LITERAL8. */
bool imap_value_is_string(const struct imap_value *v);

#endif
