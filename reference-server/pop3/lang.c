/* Replies in the language that the client asked for. RFC 6856, 3. SPDX-License-Identifier: MIT */
#include "pop3/lang.h"

#include <string.h>
#include <strings.h>

#include "fault.h"

const struct pop3_language_info pop3_languages[POP3_LANGUAGES] = {
    [POP3_I_DEFAULT] = {"i-default", ""},
    [POP3_EN] = {"en", "English"},
    [POP3_DE] = {"de", "Deutsch"},
};

static const struct {
    const char *english, *german;
} texts[] = {
#define TEXT(english, german) {english, german},
#include "pop3/texts.def"
#undef TEXT
};

int pop3_language_find(const char *range, enum pop3_language preferred)
{
    if (strcmp(range, "*") == 0)
        return (int)preferred;
    bool exact_case = fault(FAULT_POP3_LANG_CASE_SENSITIVE);
    for (size_t n = strlen(range); n > 0;) {
        for (int i = 0; i < POP3_LANGUAGES; i++) {
            const char *tag = pop3_languages[i].tag;
            if (strlen(tag) == n &&
                (exact_case ? strncmp(tag, range, n) == 0 : strncasecmp(tag, range, n) == 0))
                return i;
        }
        do
            n--;
        while (n > 0 && range[n] != '-');
    }
    return -1;
}

const char *pop3_text(enum pop3_language language, const char *english)
{
    if (language != POP3_DE)
        return english;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].english, english) == 0)
            return texts[i].german;
    return english;
}
