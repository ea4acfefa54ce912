/* Reads one SMTP or LMTP reply as its bytes arrive. RFC 5321, 4.2.
 *
 * What a reader can still understand is flagged and kept as it came; only bytes that cannot belong
 * to a reply end the parsing. lint_smtp.c turns the flags into verdicts. SPDX-License-Identifier:
 * MIT */
#include "protocol/smtp_reply.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/memory.h"

enum { AT_CODE, AT_SEPARATOR, AT_TEXT, AT_LF, AT_END, AT_ERROR };

void smtp_reply_init(struct smtp_reply *r)
{
    *r = (struct smtp_reply){.state = AT_CODE, .first_code = -1};
}

void smtp_reply_clear(struct smtp_reply *r)
{
    free(r->raw);
    free(r->lines);
    smtp_reply_init(r);
}

static enum parse_step bad(struct smtp_reply *r, const char *why)
{
    r->state = AT_ERROR;
    r->why = why;
    return PARSE_BAD;
}

static void keep(struct smtp_reply *r, unsigned char c)
{
    r->raw = memory_grow(r->raw, &r->raw_room, r->raw_len + 2, 1);
    r->raw[r->raw_len++] = c;
    r->raw[r->raw_len] = '\0';
}

/* The text of the line in work begins at the byte that was kept last, or after it. */
static void begin_text(struct smtp_reply *r, size_t start)
{
    r->lines = memory_grow(r->lines, &r->line_room, r->line_count + 1, sizeof *r->lines);
    r->lines[r->line_count++] =
        (struct smtp_line){.start = start, .begin = r->line_begin, .code = r->line_code};
    r->state = AT_TEXT;
}

static void note_text(struct smtp_reply *r, unsigned char c)
{
    if (c == '\0')
        r->nul = true;
    else if (c >= 0x80)
        r->eight_bit = true;
    else if ((c < 0x20 && c != '\t') || c == 0x7f)
        r->control = true;
}

/* The line has ended; end_bytes is 2 for CRLF, 1 for a bare LF. */
static enum parse_step end_line(struct smtp_reply *r, size_t end_bytes)
{
    struct smtp_line *line = &r->lines[r->line_count - 1];
    line->len = r->raw_len - end_bytes - line->start;
    if (end_bytes == 1)
        r->bare_lf = true;
    if (r->raw_len - r->line_begin > SMTP_REPLY_LINE_BYTES)
        r->long_line = true;
    if (r->first_code < 0)
        r->first_code = r->line_code;
    else if (r->line_code != r->first_code)
        r->codes_differ = true;
    r->code = r->line_code;
    if (!r->more) {
        r->state = AT_END;
        return PARSE_DONE;
    }
    if (r->line_count == SMTP_REPLY_LIMIT_LINES)
        return bad(r, "the reply has more lines than the driver's limit");
    r->line_begin = r->raw_len;
    r->digits = 0;
    r->line_code = 0;
    r->state = AT_CODE;
    return PARSE_MORE;
}

static enum parse_step at_separator(struct smtp_reply *r, unsigned char c)
{
    r->more = c == '-';
    switch (c) {
    case '-':
    case ' ':
        begin_text(r, r->raw_len);
        return PARSE_MORE;
    case '\r': /* a code alone is a whole line: RFC 5321, 4.2 */
        begin_text(r, r->raw_len - 1);
        r->state = AT_LF;
        return PARSE_MORE;
    case '\n':
        begin_text(r, r->raw_len - 1);
        return end_line(r, 1);
    default:
        if (c >= '0' && c <= '9')
            return bad(r, "a reply code has three digits, this one has more");
        r->no_space_before_text = true;
        begin_text(r, r->raw_len - 1);
        note_text(r, c);
        return PARSE_MORE;
    }
}

static enum parse_step at_text(struct smtp_reply *r, unsigned char c)
{
    if (c == '\n')
        return end_line(r, 1);
    if (c == '\r')
        r->state = AT_LF;
    else
        note_text(r, c);
    return PARSE_MORE;
}

static enum parse_step at_lf(struct smtp_reply *r, unsigned char c)
{
    if (c == '\n')
        return end_line(r, 2);
    r->bare_cr = true; /* the CR before this byte was text */
    if (c != '\r') {
        r->state = AT_TEXT;
        note_text(r, c);
    }
    return PARSE_MORE;
}

static enum parse_step take(struct smtp_reply *r, unsigned char c)
{
    keep(r, c);
    if (r->raw_len > SMTP_REPLY_LIMIT_BYTES)
        return bad(r, "the reply is longer than the driver's limit");
    switch (r->state) {
    case AT_CODE:
        if (c < '0' || c > '9')
            return bad(r, r->digits == 0 ? "a reply line has to begin with a digit"
                                         : "expected a digit of the reply code");
        r->line_code = r->line_code * 10 + (c - '0');
        if (++r->digits == 3)
            r->state = AT_SEPARATOR;
        return PARSE_MORE;
    case AT_SEPARATOR:
        return at_separator(r, c);
    case AT_TEXT:
        return at_text(r, c);
    default:
        return at_lf(r, c);
    }
}

enum parse_step smtp_reply_feed(struct smtp_reply *r, const unsigned char *p, size_t n,
                                size_t *used)
{
    *used = 0;
    if (r->state == AT_END)
        return PARSE_DONE;
    if (r->state == AT_ERROR)
        return PARSE_BAD;
    while (*used < n) {
        enum parse_step step = take(r, p[(*used)++]);
        if (step != PARSE_MORE)
            return step;
    }
    return PARSE_MORE;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* One to three digits at *at; moves *at behind them. */
static bool take_number(const unsigned char *p, size_t n, size_t *at)
{
    size_t begin = *at;
    while (*at < n && is_digit(p[*at]))
        (*at)++;
    return *at > begin && *at - begin <= 3;
}

bool smtp_reply_line_enhanced(const struct smtp_reply *r, size_t line, char out[16])
{
    out[0] = '\0';
    if (line >= r->line_count)
        return false;
    const unsigned char *p = r->raw + r->lines[line].start;
    size_t n = r->lines[line].len, at = 0;
    if (n == 0 || (p[0] != '2' && p[0] != '4' && p[0] != '5'))
        return false;
    for (int part = 0; part < 3; part++) {
        if (part > 0 && (at == n || p[at++] != '.'))
            return false;
        if (!take_number(p, n, &at))
            return false;
    }
    if (at < n && p[at] != ' ' && p[at] != '\t')
        return false;
    snprintf(out, 16, "%.*s", (int)at, (const char *)p);
    return at <= 9;
}

bool smtp_reply_enhanced(const struct smtp_reply *r, char out[16])
{
    return smtp_reply_line_enhanced(r, 0, out);
}
