/* The decoder of DATA. Lines end with CR LF only: a lone CR or LF is noted and kept, so that
 * whoever reads the message next sees what was sent, and cannot be told another end of it than we
 * saw (SMTP smuggling). Where it is to be normalized, it is made CR LF; then, too, whoever reads
 * the message next sees the one end that we saw, as a dot on a line of its own stays doubled there.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/dot.h"

#include <string.h>

#include "fault.h"

void smtp_dot_init(struct smtp_dot *d)
{
    *d = (struct smtp_dot){.state = DOT_AT_LINE, .last = {0, 0, 0, '\r', '\n'}};
}

static void put(struct smtp_dot *d, struct buf *out, const void *p, size_t n)
{
    if (!d->too_long && !buf_add(out, p, n))
        d->too_long = true;
}

/* A bare CR or LF that ends a line. */
static void soft_end(struct smtp_dot *d, struct buf *out)
{
    put(d, out, "\r\n", 2);
    d->state = DOT_AT_LINE;
    d->soft = true;
}

/* Text up to the next CR, in one go. Returns how many bytes it took: at least one. */
static size_t text_run(struct smtp_dot *d, const unsigned char *p, size_t n, struct buf *out)
{
    if (p[0] == '\r') {
        d->state = DOT_AFTER_CR;
        return 1;
    }
    const unsigned char *cr = memchr(p, '\r', n);
    size_t run = cr == NULL ? n : (size_t)(cr - p);
    const unsigned char *lf = memchr(p, '\n', run);
    d->bare_lf = d->bare_lf || lf != NULL;
    if (lf == p && d->normalize_lf) {
        soft_end(d, out);
        return 1;
    }
    if (lf != NULL && d->normalize_lf)
        run = (size_t)(lf - p);
    put(d, out, p, run);
    d->state = DOT_IN_TEXT;
    return run;
}

/* Whole lines that nothing has to be done to, in one go: none begins with a dot, none has a CR or
 * LF that stands alone. Returns how many bytes it took; 0: the first line wants a closer look. */
static size_t plain_lines(struct smtp_dot *d, const unsigned char *p, size_t n, struct buf *out)
{
    size_t end = 0;
    while (end < n && p[end] != '.') {
        const unsigned char *line = p + end, *cr = memchr(line, '\r', n - end);
        if (cr == NULL || cr + 1 == p + n || cr[1] != '\n' ||
            memchr(line, '\n', (size_t)(cr - line)) != NULL)
            break;
        end = (size_t)(cr - p) + 2;
    }
    if (end > 0) {
        put(d, out, p, end);
        d->soft = false;
    }
    return end;
}

static bool every_byte_counts(void)
{
    return fault(FAULT_SMTP_LF_ENDS_DATA) || fault(FAULT_SMTP_LF_DOT_CRLF_ENDS_DATA) ||
           fault(FAULT_SMTP_CRLF_DOT_LF_ENDS_DATA) || fault(FAULT_SMTP_CR_ENDS_LINE) ||
           fault(FAULT_SMTP_DOT_ENDS_LONG_LINE) || fault(FAULT_SMTP_UNSTUFF_MISSES_SEAM);
}

enum { PIECE = 512 }; /* in which two faults read */

/* Whether a line of whole pieces is followed by one that is a dot: its CR LF has just come. */
static bool dot_piece(const struct smtp_dot *d)
{
    return fault(FAULT_SMTP_DOT_ENDS_LONG_LINE) && memcmp(d->last + 2, ".\r\n", 3) == 0 &&
           d->column > 3 && (d->column - 3) % PIECE == 0;
}

/* Whether the newest bytes are the end of text that one of the faults believes in. */
static bool false_end(const unsigned char *last)
{
    if (fault(FAULT_SMTP_LF_ENDS_DATA) && memcmp(last + 2, "\n.\n", 3) == 0 && last[1] != '\r')
        return true;
    if (fault(FAULT_SMTP_LF_DOT_CRLF_ENDS_DATA) && memcmp(last + 1, "\n.\r\n", 4) == 0 &&
        last[0] != '\r')
        return true;
    if (fault(FAULT_SMTP_CRLF_DOT_LF_ENDS_DATA) && memcmp(last + 1, "\r\n.\n", 4) == 0)
        return true;
    return fault(FAULT_SMTP_CR_ENDS_LINE) && memcmp(last + 2, "\r.\r", 3) == 0;
}

/* One byte; true at the end of the text. */
static bool step(struct smtp_dot *d, unsigned char c, struct buf *out)
{
    switch (d->state) {
    case DOT_AT_LINE:
        if (c == '.') {
            d->state = DOT_AFTER_DOT;
            return false;
        }
        break;
    case DOT_IN_TEXT:
        break;
    case DOT_AFTER_CR:
        if (c == '\n') {
            put(d, out, "\r\n", 2);
            d->state = DOT_AT_LINE;
            d->soft = false;
            return false;
        }
        d->bare_cr = true;
        if (d->normalize_cr) {
            soft_end(d, out);
            return step(d, c, out);
        }
        put(d, out, "\r", 1);
        break;
    case DOT_AFTER_DOT: {
        if (c == '\r') {
            d->state = DOT_AFTER_DOT_CR;
            return false;
        }
        if (c == '\n' && d->normalize_lf)
            put(d, out, ".", 1); /* a line of one dot, and not the end */
        bool at_seam = c == '.' && d->count > PIECE && (d->count - 1) % PIECE == 0;
        if (fault(FAULT_SMTP_NO_DOT_UNSTUFFING) ||
            (at_seam && fault(FAULT_SMTP_UNSTUFF_MISSES_SEAM)))
            put(d, out, ".", 1);
        if (c == '.' && fault(FAULT_SMTP_DOUBLE_UNSTUFFING)) {
            d->state = DOT_IN_TEXT;
            return false;
        }
        break;
    }
    case DOT_AFTER_DOT_CR:
        if (c == '\n' && !d->soft) {
            d->state = DOT_DONE;
            return true;
        }
        if (c == '\n' || d->normalize_cr)
            put(d, out, ".", 1);
        if (c == '\n') {
            d->state = DOT_AFTER_CR;
            return step(d, c, out);
        }
        d->bare_cr = true;
        if (d->normalize_cr) {
            soft_end(d, out);
            return step(d, c, out);
        }
        put(d, out, "\r", 1);
        break;
    case DOT_DONE:
        return true;
    }
    text_run(d, &c, 1, out);
    return false;
}

bool smtp_dot_feed(struct smtp_dot *d, const unsigned char *p, size_t n, size_t *used,
                   struct buf *out)
{
    bool slow = every_byte_counts();
    for (*used = 0; *used < n;) {
        if (d->state == DOT_IN_TEXT && !slow) {
            *used += text_run(d, p + *used, n - *used, out);
            continue;
        }
        if (d->state == DOT_AT_LINE && !slow) {
            size_t lines = plain_lines(d, p + *used, n - *used, out);
            *used += lines;
            if (lines > 0)
                continue;
        }
        unsigned char c = p[(*used)++];
        bool done = step(d, c, out);
        memmove(d->last, d->last + 1, sizeof d->last - 1);
        d->last[sizeof d->last - 1] = c;
        d->count++;
        d->column++;
        if (slow && !done && (false_end(d->last) || dot_piece(d))) {
            d->state = DOT_DONE;
            d->overridden = done = true;
        }
        if (done)
            return true;
        if (memcmp(d->last + 3, "\r\n", 2) == 0)
            d->column = 0;
    }
    return false;
}

bool smtp_dot_normalize(const unsigned char *p, size_t n, bool cr, bool lf, struct buf *out)
{
    bool fits = true;
    for (size_t i = 0; fits && i < n; i++) {
        bool after_cr = i > 0 && p[i - 1] == '\r', before_lf = i + 1 < n && p[i + 1] == '\n';
        if ((p[i] == '\n' && !after_cr && lf) || (p[i] == '\r' && !before_lf && cr))
            fits = buf_add(out, "\r\n", 2);
        else
            fits = buf_add(out, p + i, 1);
    }
    return fits;
}
