/* Faults in the keeping of message text: here together, so that the way of a message through
 * deliver.c is plain.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/spoil.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "smtp/header.h"

static size_t filter(unsigned char *text, size_t n, size_t most)
{
    bool controls = fault(FAULT_SMTP_STRIPS_CONTROL_CHARACTERS);
    bool eighth = fault(FAULT_SMTP_STRIPS_EIGHTH_BIT);
    size_t used = 0, column = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = text[i];
        bool line_end = c == '\r' || c == '\n';
        if (controls && (c < 32 || c == 127) && c != '\t' && !line_end)
            continue;
        column = line_end ? 0 : column + 1;
        if (column > most)
            continue;
        text[used++] = eighth ? c & 0x7f : c;
    }
    return used;
}

unsigned char *smtp_spoil_text(unsigned char *text, size_t *n, bool by_data)
{
    size_t most = fault(FAULT_SMTP_TRUNCATES_LONG_LINE)           ? 500
                  : by_data && fault(FAULT_SMTP_CUTS_BEYOND_1000) ? 1000
                                                                  : SIZE_MAX;
    if (fault(FAULT_SMTP_STRIPS_RECEIVED))
        *n = smtp_header_remove(text, *n, "Received");
    if (fault(FAULT_SMTP_STRIPS_CONTROL_CHARACTERS) || fault(FAULT_SMTP_STRIPS_EIGHTH_BIT) ||
        most != SIZE_MAX)
        *n = filter(text, *n, most);
    if (fault(FAULT_SMTP_ADDS_EMPTY_LINE)) {
        text = realloc(text, *n + 2);
        if (text == NULL)
            abort();
        memcpy(text + *n, "\r\n", 2);
        *n += 2;
    }
    return text;
}

/* What two faults do to octets above 127: in the header only, or everywhere. */
void smtp_spoil_header(unsigned char *text, size_t n)
{
    size_t end;
    if (!fault(FAULT_SMTP_UTF8_HEADER_QUESTION_MARKS))
        return;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0; at = end)
        for (size_t i = at; i < end; i++)
            text[i] = text[i] > 127 ? '?' : text[i];
}

/* How often a character stands in the fields of that name. */
static size_t count_in(const unsigned char *text, size_t n, const char *name, char what)
{
    size_t count = 0, end;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0; at = end)
        for (size_t i = at; smtp_header_named(text, at, end, name) && i < end; i++)
            count += text[i] == (unsigned char)what;
    return count;
}

static bool is_mime_one(const unsigned char *text, size_t n)
{
    size_t end;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0; at = end)
        if (smtp_header_named(text, at, end, "MIME-Version") &&
            memmem(text + at, end - at, "1.0", 3) == NULL)
            return false;
    return true;
}

bool smtp_dislikes(const unsigned char *text, size_t n)
{
    if (fault(FAULT_SMTP_COUNTS_HEADER_ADDRESSES) &&
        count_in(text, n, "To", '@') + count_in(text, n, "Cc", '@') > 100)
        return true;
    if (!fault(FAULT_SMTP_JUDGES_HEADERS))
        return false;
    return !is_mime_one(text, n) || (smtp_header_count(text, n, "Resent-To") > 0 &&
                                     smtp_header_count(text, n, "Resent-From") == 0);
}
