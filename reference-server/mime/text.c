/* SPDX-License-Identifier: MIT */
#include "mime/text.h"

#include <iconv.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

static int base64_digit(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static struct text base64(struct arena *a, const unsigned char *p, size_t n)
{
    unsigned char *out = arena_alloc(a, n / 4 * 3 + 4);
    size_t len = 0;
    unsigned bits = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        int d = base64_digit(p[i]);
        if (p[i] == '=') {
            have = 0; /* padding ends a group; another may follow where pieces were put together */
            continue;
        }
        if (d < 0) {
            continue;
        }
        bits = bits << 6 | (unsigned)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (unsigned char)(bits >> have);
        }
    }
    return (struct text){out, len};
}

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* word: an encoded word's Q, where "_" is a space. */
static struct text quoted_printable(struct arena *a, const unsigned char *p, size_t n, bool word)
{
    unsigned char *out = arena_alloc(a, n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '=' && i + 2 < n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
            out[len++] = (unsigned char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
            i += 2;
        } else if (p[i] == '=' && !word) {
            size_t k = i + 1; /* a soft line break, perhaps with white space before the line end */
            while (k < n && (p[k] == ' ' || p[k] == '\t' || p[k] == '\r')) {
                k++;
            }
            if (k < n && p[k] == '\n') {
                i = k;
            } else {
                out[len++] = p[i];
            }
        } else {
            out[len++] = word && p[i] == '_' ? ' ' : p[i];
        }
    }
    return (struct text){out, len};
}

struct text text_decode(struct arena *a, const unsigned char *p, size_t n, const char *encoding)
{
    if (encoding != NULL && strcasecmp(encoding, "base64") == 0) {
        return base64(a, p, n);
    }
    if (encoding != NULL && strcasecmp(encoding, "quoted-printable") == 0) {
        return quoted_printable(a, p, n, false);
    }
    return (struct text){p, n};
}

struct text text_utf8(struct arena *a, struct text in, const char *charset)
{
    if (charset == NULL || strcasecmp(charset, "us-ascii") == 0 ||
        strcasecmp(charset, "utf-8") == 0 || strlen(charset) > 60 || strchr(charset, '/') != NULL) {
        return in;
    }
    iconv_t cd = iconv_open("UTF-8", charset);
    if (cd == (iconv_t)-1) {
        return in;
    }
    size_t room = in.n * 4 + 16, left = room, rest = in.n;
    char *out = arena_alloc(a, room), *to = out;
    char *from = (char *)(uintptr_t)in.p;
    while (rest > 0 && left > 4) {
        if (iconv(cd, &from, &rest, &to, &left) != (size_t)-1) {
            break;
        }
        if (rest > 0 && left > 4) { /* an octet that means nothing: pass over it */
            from++;
            rest--;
            *to++ = '?';
            left--;
        }
    }
    iconv_close(cd);
    return (struct text){(unsigned char *)out, room - left};
}

/* =?charset?Q?text?= at p; *used its length, or 0. */
static struct text encoded_word(struct arena *a, const unsigned char *p, size_t n, size_t *used)
{
    struct text none = {0};
    const unsigned char *part[4];
    size_t k = 2;
    *used = 0;
    part[0] = p + 2;
    if (n < 8 || p[0] != '=' || p[1] != '?') {
        return none;
    }
    for (int i = 1; i < 3; i++) {
        const unsigned char *q = memchr(p + k, '?', n - k);
        if (q == NULL || q - p > 200) {
            return none;
        }
        part[i] = q + 1;
        k = (size_t)(q - p) + 1;
    }
    const unsigned char *end = p + k;
    while (end + 1 < p + n && !(end[0] == '?' && end[1] == '=')) {
        if (*end == ' ' || *end == '\t') {
            return none;
        }
        end++;
    }
    if (end + 1 >= p + n || part[2] - part[1] != 2) {
        return none;
    }
    char *charset = arena_copy(a, part[0], (size_t)(part[1] - part[0]) - 1);
    char *language = strchr(charset, '*');
    if (language != NULL) {
        *language = '\0';
    }
    size_t len = (size_t)(end - part[2]);
    unsigned char how = part[1][0] | 32;
    if (how != 'q' && how != 'b') {
        return none;
    }
    *used = (size_t)(end - p) + 2;
    struct text raw =
        how == 'b' ? base64(a, part[2], len) : quoted_printable(a, part[2], len, true);
    return text_utf8(a, raw, charset);
}

static bool blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_words(struct arena *a, const unsigned char *p, size_t n)
{
    size_t room = n + 64, len = 0;
    unsigned char *out = arena_alloc(a, room);
    bool after_word = false;
    for (size_t i = 0; i < n;) {
        size_t used = 0;
        struct text t = {p + i, 1};
        /* White space between two encoded words is not part of the text (RFC 2047, 6.2). */
        size_t gap = i;
        while (gap < n && blank(p[gap])) {
            gap++;
        }
        if (p[i] == '=' || (after_word && gap > i && gap < n && p[gap] == '=')) {
            size_t at = p[i] == '=' ? i : gap;
            struct text w = encoded_word(a, p + at, n - at, &used);
            if (used > 0) {
                t = w;
                i = at + used;
            }
        }
        after_word = used > 0;
        if (used == 0) {
            i++;
            if (*t.p == '\r' || *t.p == '\n') {
                continue;
            }
        }
        if (len + t.n > room) {
            size_t more = (len + t.n) * 2;
            out = arena_grow(a, out, len, more);
            room = more;
        }
        if (t.n > 0) {
            memcpy(out + len, t.p, t.n);
        }
        len += t.n;
    }
    return (struct text){out, len};
}

struct text text_fold(struct arena *a, struct text in, bool ascii)
{
    size_t room = ascii ? in.n + 1 : in.n * 2 + 8, len = 0;
    unsigned char *out = arena_alloc(a, room);
    for (size_t i = 0; i < in.n;) {
        unsigned char c = in.p[i];
        if (ascii || c < 0x80) {
            out[len++] = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
            i++;
            continue;
        }
        utf8proc_int32_t point = 0;
        utf8proc_ssize_t used = utf8proc_iterate(in.p + i, (utf8proc_ssize_t)(in.n - i), &point);
        if (used <= 0) {
            out[len++] = c;
            i++;
            continue;
        }
        /* A small letter takes at most one byte more than its capital: 2 for 1 was reserved. */
        len += (size_t)utf8proc_encode_char(utf8proc_tolower(point), out + len);
        i += (size_t)used;
    }
    return (struct text){out, len};
}

bool text_has(struct arena *a, struct text hay, struct text needle, bool needle_ascii)
{
    if (needle.n == 0) {
        return true;
    }
    if (hay.n == 0) {
        return false;
    }
    struct text folded = text_fold(a, hay, needle_ascii);
    return memmem(folded.p, folded.n, needle.p, needle.n) != NULL;
}

/* --- dates --- */

static long days(long year, int month, int day)
{
    long y = year - (month <= 2), era = y / 400, yoe = y - era * 400;
    long doy = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool text_date(const unsigned char *p, size_t n, long *day)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    int mday = 0, month = 0, digits = 0;
    long year = 0;
    size_t i = 0;
    /* The first number is the day; the word behind it the month; the number behind that the year.
     */
    while (i < n && (p[i] < '0' || p[i] > '9')) {
        i++;
    }
    for (; i < n && p[i] >= '0' && p[i] <= '9' && mday < 100; i++) {
        mday = mday * 10 + p[i] - '0';
    }
    while (i < n && (blank(p[i]) || p[i] == '-')) {
        i++;
    }
    for (int m = 0; m < 12 && n - i >= 3; m++) {
        if (strncasecmp((const char *)p + i, months + 3 * m, 3) == 0) {
            month = m + 1;
        }
    }
    while (i < n && ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z')) {
        i++;
    }
    while (i < n && (blank(p[i]) || p[i] == '-' || p[i] == '.')) {
        i++;
    }
    for (; i < n && p[i] >= '0' && p[i] <= '9' && digits < 4; i++, digits++) {
        year = year * 10 + p[i] - '0';
    }
    if (month == 0 || mday < 1 || mday > 31 || digits < 2) {
        return false;
    }
    if (digits == 2) {
        year += year < 50 ? 2000 : 1900; /* RFC 5322, 4.3 */
    } else if (digits == 3) {
        year += 1900;
    }
    *day = days(year, month, mday);
    return true;
}
