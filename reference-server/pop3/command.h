/* One POP3 command line: keyword and arguments. RFC 1939, 3 and the grammar of RFC 2449, 3.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_POP3_COMMAND_H
#define SERVER_POP3_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POP3_ARGUMENTS = 3 };

struct pop3_command {
    char keyword[16]; /* as sent; "" when it is longer than any command */
    const char
        *rest; /* everything behind the first space, spaces included; NULL: there was no space */
    char *arguments[POP3_ARGUMENTS];
    size_t count; /* of them; POP3_ARGUMENTS + 1: more than any command takes */
    bool spaced;  /* an argument is empty: two spaces in a row, or one at the end */
};

/* Takes a line apart; text (n bytes, without its CRLF) is what the arguments point into, and is
 * written to: scratch has room for n + 1 bytes. false: the line holds bytes that no command has
 * (NUL, CR, LF, other controls). */
bool pop3_command_parse(const unsigned char *text, size_t n, char *scratch, char *rest,
                        struct pop3_command *out);

/* A number of decimal digits that fits, and nothing else. */
bool pop3_number(const char *text, uint32_t *out);

#endif
