/* The languages of POP3 replies. RFC 6856, 3. SPDX-License-Identifier: MIT */
#ifndef SERVER_POP3_LANG_H
#define SERVER_POP3_LANG_H

#include <stddef.h>

enum pop3_language {
    POP3_I_DEFAULT /* RFC 2277, 4.5: English */,
    POP3_EN,
    POP3_DE,
    POP3_LANGUAGES
};

struct pop3_language_info {
    const char *tag;  /* RFC 5646 */
    const char *name; /* in the language itself; "" where it has none */
};
extern const struct pop3_language_info pop3_languages[POP3_LANGUAGES];

/* The language that a language range asks for: the tag itself, or what is left when its subtags are
 * taken off from the end (RFC 4647, 3.4); "*" is preferred. -1: nobody here speaks it. */
int pop3_language_find(const char *range, enum pop3_language preferred);

/* A reply's text, in English with its printf directives, in that language; what is not in texts.def
 * stays as it is. */
const char *pop3_text(enum pop3_language language, const char *english);

#endif
