/* Reads replies. Every line has to bear the same code; the last one has a space behind it, or
 * nothing at all. SPDX-License-Identifier: MIT */
#include "queue/client/reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

static enum reply_step bad(struct reply *r, const char *why)
{
    r->why = why;
    return REPLY_BAD;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 3463, 2: class, subject and detail, then a space; the class is the code's own. */
static size_t enhanced_len(const char *text, int code)
{
    size_t n = 0;
    if (text[0] != (char)('0' + code / 100) || text[1] != '.')
        return 0;
    n = 2;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        while (digits < 4 && digit(text[n + digits]))
            digits++;
        if (digits == 0 || digits > 3)
            return 0;
        n += digits;
        if (part == 0 && text[n++] != '.')
            return 0;
    }
    return text[n] == ' ' || text[n] == '\0' ? n : 0;
}

static enum reply_step take_line(struct reply *r)
{
    char *line = r->line;
    size_t n = r->line_len;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
    r->line_len = 0;
    if (n < 3 || !digit(line[0]) || !digit(line[1]) || !digit(line[2]) ||
        (n > 3 && line[3] != ' ' && line[3] != '-'))
        return bad(r, "a line that does not begin with a code");
    int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (r->lines > 0 && code != r->code)
        return bad(r, "lines of one reply with different codes");
    if (++r->lines > REPLY_LINES)
        return bad(r, "a reply of too many lines");
    r->code = code;
    const char *text = n > 3 ? line + 4 : "";
    size_t skip = enhanced_len(text, code);
    if (skip > 0 && skip < sizeof r->enhanced) {
        memcpy(r->enhanced, text, skip);
        r->enhanced[skip] = '\0';
        text += skip + (text[skip] == ' ');
    }
    size_t len = strlen(text), room = sizeof r->text - r->text_len;
    if (len + 2 > room)
        return bad(r, "a reply that is too long");
    if (r->text_len > 0 || r->lines > 1)
        r->text[r->text_len++] = '\n';
    memcpy(r->text + r->text_len, text, len);
    r->text_len += len;
    r->text[r->text_len] = '\0';
    return n > 3 && line[3] == '-' ? REPLY_MORE : REPLY_DONE;
}

enum reply_step reply_feed(struct reply *r, const unsigned char *p, size_t n, size_t *used)
{
    for (*used = 0; *used < n;) {
        unsigned char c = p[(*used)++];
        if (c == '\n') {
            enum reply_step step = take_line(r);
            if (step != REPLY_MORE)
                return step;
        } else if (c == '\0' || r->line_len + 2 > sizeof r->line) {
            return bad(r, "a line that is too long, or holds a NUL");
        } else {
            r->line[r->line_len++] = (char)c;
        }
    }
    return REPLY_MORE;
}

const char *reply_keyword(const struct reply *r, const char *keyword, char *out, size_t size)
{
    size_t len = strlen(keyword);
    const char *line = strchr(r->text, '\n'); /* the first line is the greeting */
    while (line != NULL) {
        line++;
        if (strncasecmp(line, keyword, len) == 0 &&
            (line[len] == '\0' || line[len] == '\n' || line[len] == ' ')) {
            const char *rest = line + len;
            rest += strspn(rest, " ");
            snprintf(out, size, "%.*s", (int)strcspn(rest, "\n"), rest);
            return out;
        }
        line = strchr(line, '\n');
    }
    return NULL;
}

void reply_diagnostic(const struct reply *r, char *out, size_t size)
{
    int most = (int)sizeof r->text;
    if (fault(FAULT_QUEUE_DIAGNOSTIC_FIRST_LINE))
        most = (int)strcspn(r->text, "\n");
    int n = snprintf(out, size, "%03d %s%s%.*s", r->code, r->enhanced,
                     r->enhanced[0] != '\0' ? " " : "", most, r->text);
    for (char *p = out; n > 0 && *p != '\0'; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126)
            *p = ' ';
}
