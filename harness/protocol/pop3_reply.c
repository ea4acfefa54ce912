/* Reads one POP3 response as its bytes arrive. RFC 1939, 3; RFC 5034, 4 for "+ ".
 *
 * A line ends at CRLF and nowhere else, so that LF . LF inside a message stays part of it; a server
 * that ends even its first line with a bare LF is taken at its word for the rest of the response.
 * SPDX-License-Identifier: MIT */
#include "protocol/pop3_reply.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/memory.h"

enum {
    AT_STATUS,  /* "+", "+OK", "-ERR" */
    AT_TEXT,    /* rest of the first line */
    AT_TEXT_LF, /* CR seen there */
    AT_LINE,    /* first byte of a line of the body */
    AT_DOT,     /* that byte was a dot */
    AT_DOT_LF,  /* dot and CR */
    AT_BODY,    /* inside a line of the body */
    AT_BODY_LF, /* CR seen there */
    AT_END,
    AT_ERROR
};

void pop3_reply_init(struct pop3_reply *r, bool multiline)
{
    *r = (struct pop3_reply){.state = AT_STATUS, .multiline = multiline, .text = ""};
}

void pop3_reply_clear(struct pop3_reply *r)
{
    free(r->raw);
    free(r->body);
    pop3_reply_init(r, false);
}

static enum parse_step bad(struct pop3_reply *r, const char *why)
{
    r->state = AT_ERROR;
    r->why = why;
    return PARSE_BAD;
}

static void keep(struct pop3_reply *r, const unsigned char *p, size_t n)
{
    r->raw = memory_grow(r->raw, &r->raw_room, r->raw_len + n + 1, 1);
    memcpy(r->raw + r->raw_len, p, n);
    r->raw_len += n;
    r->raw[r->raw_len] = '\0';
}

static void keep_body(struct pop3_reply *r, const unsigned char *p, size_t n)
{
    r->body = memory_grow(r->body, &r->body_room, r->body_len + n + 1, 1);
    memcpy(r->body + r->body_len, p, n);
    r->body_len += n;
    r->body[r->body_len] = '\0';
}

/* RFC 2449, 8: a response code in brackets opens the text. */
static void find_resp_code(struct pop3_reply *r)
{
    if (r->text_len < 2 || r->text[0] != '[')
        return;
    const char *end = memchr(r->text, ']', r->text_len);
    if (end == NULL)
        return;
    size_t n = (size_t)(end - r->text) - 1;
    if (n >= sizeof r->resp_code || memchr(r->text + 1, '\0', n) != NULL)
        return;
    memcpy(r->resp_code, r->text + 1, n);
    r->resp_code[n] = '\0';
}

static void point_at_text(struct pop3_reply *r)
{
    r->text = r->raw != NULL ? (const char *)r->raw + r->text_start : "";
}

static enum parse_step end(struct pop3_reply *r)
{
    point_at_text(r);
    r->state = AT_END;
    return PARSE_DONE;
}

static enum parse_step end_first_line(struct pop3_reply *r, size_t end_bytes)
{
    r->text_len = r->raw_len - end_bytes - r->text_start;
    point_at_text(r);
    if (end_bytes == 1)
        r->bare_lf = r->lf_ends = true;
    if (r->raw_len > POP3_REPLY_LINE_BYTES)
        r->long_first_line = true;
    find_resp_code(r);
    if (r->status != POP3_OK)
        r->multiline = false;
    if (!r->multiline)
        return end(r);
    r->state = AT_LINE;
    return PARSE_MORE;
}

static bool spells(const struct pop3_reply *r, const char *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = r->raw[i];
        if (c >= 'a' && c <= 'z')
            c = (unsigned char)(c - 'a' + 'A');
        if (c != (unsigned char)word[i])
            return false;
    }
    return true;
}

/* The status word is complete and c is the byte after it. */
static enum parse_step begin_text(struct pop3_reply *r, enum pop3_status status, unsigned char c)
{
    r->status = status;
    for (size_t i = 0; i + 1 < r->raw_len; i++)
        if (r->raw[i] >= 'a' && r->raw[i] <= 'z')
            r->lower_case_status = true;
    r->state = AT_TEXT;
    r->text_start = c == ' ' ? r->raw_len : r->raw_len - 1;
    if (c == '\n')
        return end_first_line(r, 1);
    if (c == '\r')
        r->state = AT_TEXT_LF;
    else if (c != ' ')
        r->no_space_before_text = true;
    if (c == '\0')
        r->nul = true;
    return PARSE_MORE;
}

static enum parse_step at_status(struct pop3_reply *r, unsigned char c)
{
    size_t n = r->raw_len;
    if (n == 1)
        return c == '+' || c == '-' ? PARSE_MORE
                                    : bad(r, "a response has to begin with \"+OK\" or \"-ERR\"");
    if (r->raw[0] == '+') {
        if (n == 2 && (c == ' ' || c == '\r' || c == '\n'))
            return begin_text(r, POP3_CONTINUE, c);
        if (n == 4)
            return begin_text(r, POP3_OK, c);
        return spells(r, "+OK", n) ? PARSE_MORE
                                   : bad(r, "after \"+\" only \"OK\" or a space may come");
    }
    if (n == 5)
        return begin_text(r, POP3_ERR, c);
    return spells(r, "-ERR", n) ? PARSE_MORE : bad(r, "after \"-\" only \"ERR\" may come");
}

static enum parse_step at_text(struct pop3_reply *r, unsigned char c)
{
    if (c == '\n')
        return end_first_line(r, r->state == AT_TEXT_LF ? 2 : 1);
    if (r->state == AT_TEXT_LF)
        r->bare_cr = true;
    if (c == '\0')
        r->nul = true;
    r->state = c == '\r' ? AT_TEXT_LF : AT_TEXT;
    return PARSE_MORE;
}

/* A byte of the body that is not at the begin of its line. */
static enum parse_step body_byte(struct pop3_reply *r, unsigned char c)
{
    if (c == '\n') {
        bool crlf = r->state == AT_BODY_LF;
        if (!crlf)
            r->body_bare_lf = true;
        r->state = crlf || r->lf_ends ? AT_LINE : AT_BODY;
    } else {
        if (r->state == AT_BODY_LF)
            r->bare_cr = true;
        if (c == '\0')
            r->nul = true;
        r->state = c == '\r' ? AT_BODY_LF : AT_BODY;
    }
    keep_body(r, &c, 1);
    return PARSE_MORE;
}

static enum parse_step at_line(struct pop3_reply *r, unsigned char c)
{
    if (c == '.') {
        r->state = AT_DOT;
        return PARSE_MORE;
    }
    r->state = AT_BODY;
    return body_byte(r, c);
}

/* The dot that opens a line is never part of the text: RFC 1939, 3. */
static enum parse_step at_dot(struct pop3_reply *r, unsigned char c)
{
    if (r->state == AT_DOT_LF) {
        if (c == '\n')
            return end(r);
        r->unstuffed_dot = true;
        keep_body(r, (const unsigned char *)"\r", 1);
        r->state = AT_BODY_LF;
        return body_byte(r, c);
    }
    if (c == '\r') {
        r->state = AT_DOT_LF;
        return PARSE_MORE;
    }
    if (c == '\n' && r->lf_ends)
        return end(r);
    if (c != '.')
        r->unstuffed_dot = true;
    r->state = AT_BODY;
    return body_byte(r, c);
}

static enum parse_step take(struct pop3_reply *r, unsigned char c)
{
    switch (r->state) {
    case AT_STATUS:
        return at_status(r, c);
    case AT_TEXT:
    case AT_TEXT_LF:
        return at_text(r, c);
    case AT_LINE:
        return at_line(r, c);
    case AT_DOT:
    case AT_DOT_LF:
        return at_dot(r, c);
    default:
        return body_byte(r, c);
    }
}

/* How many bytes from p on are plain text of a body line: they are copied in one go. */
static size_t plain_run(const unsigned char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] != '\r' && p[i] != '\n' && p[i] != '\0')
        i++;
    return i;
}

enum parse_step pop3_reply_feed(struct pop3_reply *r, const unsigned char *p, size_t n,
                                size_t *used)
{
    *used = 0;
    if (r->state == AT_END)
        return PARSE_DONE;
    if (r->state == AT_ERROR)
        return PARSE_BAD;
    enum parse_step step = PARSE_MORE;
    while (*used < n && step == PARSE_MORE) {
        size_t room = POP3_REPLY_LIMIT_BYTES - r->raw_len;
        if (room == 0)
            return bad(r, "the response is longer than the driver's limit");
        size_t left = n - *used < room ? n - *used : room;
        size_t run = r->state == AT_BODY ? plain_run(p + *used, left) : 0;
        if (run > 0) {
            keep(r, p + *used, run);
            keep_body(r, p + *used, run);
            *used += run;
            continue;
        }
        unsigned char c = p[(*used)++];
        keep(r, &c, 1);
        step = take(r, c);
    }
    if (r->state > AT_TEXT_LF)
        point_at_text(r);
    return step;
}
