/* Finds, counts and removes header fields. A line that cannot be a field ends the header: what is
 * no header is not touched (RFC 5321, 3.3: nothing is refused for its header).
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/header.h"

#include <string.h>
#include <strings.h>

static size_t line_end(const unsigned char *text, size_t n, size_t at)
{
    const unsigned char *lf = at < n ? memchr(text + at, '\n', n - at) : NULL;
    return lf == NULL ? n : (size_t)(lf - text) + 1;
}

size_t smtp_header_field(const unsigned char *text, size_t n, size_t at)
{
    size_t i = at;
    while (i < n && text[i] > 32 && text[i] < 127 && text[i] != ':')
        i++;
    if (i == at)
        return 0;
    while (i < n &&
           (text[i] == ' ' || text[i] == '\t')) /* obsolete, and still seen: RFC 5322, 4.5 */
        i++;
    if (i >= n || text[i] != ':')
        return 0;
    size_t end = line_end(text, n, i);
    while (end < n && (text[end] == ' ' || text[end] == '\t'))
        end = line_end(text, n, end);
    return end;
}

bool smtp_header_named(const unsigned char *text, size_t at, size_t end, const char *name)
{
    size_t len = strlen(name);
    if (end - at <= len || strncasecmp((const char *)text + at, name, len) != 0)
        return false;
    unsigned char c = text[at + len];
    return c == ':' || c == ' ' || c == '\t';
}

size_t smtp_header_count(const unsigned char *text, size_t n, const char *name)
{
    size_t count = 0, end;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0; at = end)
        if (smtp_header_named(text, at, end, name))
            count++;
    return count;
}

size_t smtp_header_remove(unsigned char *text, size_t n, const char *name)
{
    size_t end;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0;) {
        if (smtp_header_named(text, at, end, name)) {
            memmove(text + at, text + end, n - end);
            n -= end - at;
        } else {
            at = end;
        }
    }
    return n;
}
