/* SPDX-License-Identifier: MIT */
#include "imap/grammar/utf7.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* One code point of valid UTF-8; *used is its length, 0 if the bytes are no UTF-8. */
static uint32_t utf8_next(const unsigned char *p, size_t n, size_t *used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    *used = 0;
    if (len == 0 || len > n || p[0] > 0xf4) {
        return 0;
    }
    uint32_t c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }
    *used = len;
    return c;
}

bool utf8_valid(const char *p, size_t n)
{
    for (size_t i = 0, used; i < n; i += used) {
        utf8_next((const unsigned char *)p + i, n - i, &used);
        if (used == 0) {
            return false;
        }
    }
    return true;
}

bool utf8_name(const char *p, size_t n)
{
    if (!utf8_valid(p, n)) {
        return false;
    }
    for (size_t i = 0, used; i < n; i += used) {
        uint32_t c = utf8_next((const unsigned char *)p + i, n - i, &used);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            return false;
        }
    }
    utf8proc_uint8_t *normal = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &normal,
                                        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    bool same = len == (utf8proc_ssize_t)n && memcmp(normal, p, n) == 0;
    free(normal);
    return same;
}

static size_t utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* One shifted run, from behind "&" up to "-". Returns the octets read, "-" included, or 0. */
static size_t shifted(const char *p, size_t n, char *out, size_t *out_len)
{
    uint32_t bits = 0, high = 0;
    int have = 0;
    size_t i = 0;
    for (; i < n && p[i] != '-'; i++) {
        const char *d = p[i] ? strchr(digits, p[i]) : NULL;
        if (d == NULL) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)(d - digits);
        have += 6;
        if (have < 16) {
            continue;
        }
        have -= 16;
        uint32_t unit = bits >> have & 0xffff;
        bits &= (1u << have) - 1;
        if (unit >= 0xdc00 && unit <= 0xdfff) {
            if (high == 0) {
                return 0;
            }
            *out_len +=
                utf8_put(out + *out_len, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
            high = 0;
        } else if (high != 0) {
            return 0;
        } else if (unit >= 0xd800 && unit <= 0xdbff) {
            high = unit;
        } else if (unit < 0xa0) {
            return 0; /* controls, and ASCII that stands for itself */
        } else {
            *out_len += utf8_put(out + *out_len, unit);
        }
    }
    if (i == n || i == 0 || high != 0 || have >= 6 || bits != 0) {
        return 0;
    }
    return i + 1;
}

char *utf7_decode(struct arena *a, const char *name, size_t n)
{
    char *out = arena_alloc(
        a, n * 2 + 8); /* three digits of base64 give at most two units: six bytes for eight */
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c >= 0x7f) {
            return NULL;
        }
        i++;
        if (c != '&') {
            out[len++] = (char)c;
        } else if (i < n && name[i] == '-') {
            out[len++] = '&';
            i++;
        } else {
            size_t used = shifted(name + i, n - i, out, &len);
            if (used == 0) {
                return NULL;
            }
            i += used;
            if (i + 1 < n && name[i] == '&' && name[i + 1] != '-') {
                return NULL; /* "-&": the shift out was needless */
            }
        }
    }
    out[len] = '\0';
    return out;
}

struct shifter {
    struct buf *out;
    uint32_t bits;
    int have;
    bool on, ok;
};

static void shift_unit(struct shifter *s, uint32_t unit)
{
    if (!s->on) {
        s->ok = s->ok && buf_text(s->out, "&");
        s->on = true;
    }
    s->bits = s->bits << 16 | unit;
    s->have += 16;
    while (s->have >= 6) {
        s->have -= 6;
        s->ok = s->ok && buf_add(s->out, &digits[s->bits >> s->have & 0x3f], 1);
    }
    s->bits &= (1u << s->have) - 1;
}

static void shift_out(struct shifter *s)
{
    if (s->on && s->have > 0) {
        s->ok = s->ok && buf_add(s->out, &digits[s->bits << (6 - s->have) & 0x3f], 1);
    }
    if (s->on) {
        s->ok = s->ok && buf_text(s->out, "-");
    }
    s->on = false;
    s->bits = 0;
    s->have = 0;
}

bool utf7_encode(struct buf *out, const char *utf8)
{
    const unsigned char *p = (const unsigned char *)utf8;
    size_t n = strlen(utf8);
    struct shifter s = {.out = out, .ok = true};
    for (size_t i = 0, used; i < n && s.ok; i += used) {
        uint32_t c = utf8_next(p + i, n - i, &used);
        if (used == 0) {
            c = 0xfffd;
            used = 1;
        }
        if (c >= 0x20 && c < 0x7f) {
            shift_out(&s);
            char ascii = (char)c;
            s.ok = s.ok && (c == '&' ? buf_text(out, "&-") : buf_add(out, &ascii, 1));
        } else if (c >= 0x10000) {
            shift_unit(&s, 0xd800 + ((c - 0x10000) >> 10));
            shift_unit(&s, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            shift_unit(&s, c);
        }
    }
    shift_out(&s);
    return s.ok;
}
