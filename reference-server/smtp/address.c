/* The address grammar of RFC 5321, 4.1.2 and 4.1.3, strictly, with the UTF-8 of RFC 6531, 3.3. It
 * knows no accounts and no domains of ours: cmd_mail.c and cmd_session.c ask those.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/address.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

enum { LABEL_MAX = 63 };

struct reader {
    const unsigned char *p;
    size_t n, at;
    const char *why;
};

static bool fail(struct reader *r, const char *why)
{
    r->why = why;
    return false;
}

static int peek(const struct reader *r)
{
    return r->at < r->n ? r->p[r->at] : -1;
}

static bool take(struct reader *r, int c)
{
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool let_dig(int c)
{
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool atext(int c)
{
    return let_dig(c) || (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Length of the UTF-8 sequence beyond ASCII at r->at; 0: none that is well formed. RFC 3629, 4. */
static size_t utf8_beyond(const struct reader *r)
{
    const unsigned char *p = r->p + r->at;
    size_t left = r->n - r->at;
    if (left > 0 && p[0] >= 0x80 && fault(FAULT_SMTP_UTF8_INVALID_ACCEPTED))
        return 1;
    if (left < 2 || p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (len > left || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

/* Labels with dots between them. A label begins and ends with a letter or digit. */
static bool domain(struct reader *r, bool utf8)
{
    size_t start = r->at;
    for (;;) {
        size_t label = r->at;
        bool edge = false; /* the label may end here */
        for (;;) {
            int c = peek(r);
            size_t beyond = utf8 && c >= 0x80 ? utf8_beyond(r) : 0;
            if (let_dig(c) || beyond > 0) {
                edge = true;
                r->at += beyond > 0 ? beyond : 1;
            } else if (c == '-' && r->at > label) {
                edge = false;
                r->at++;
            } else {
                break;
            }
        }
        if (!edge)
            return fail(r, "a label of the domain has to begin and end with a letter or digit");
        if (r->at - label > LABEL_MAX)
            return fail(r, "a label of the domain is longer than 63 octets");
        if (!take(r, '.'))
            break;
    }
    if (r->at - start > SMTP_DOMAIN_MAX)
        return fail(r, "the domain is longer than 255 octets");
    return true;
}

/* Four numbers from 0 to 255 and nothing after them. */
static bool ipv4(const unsigned char *p, size_t n)
{
    int numbers = 0;
    size_t i = 0;
    for (;;) {
        int value = 0, digits = 0;
        while (i < n && digit(p[i]) && digits < 3) {
            value = value * 10 + (p[i++] - '0');
            digits++;
        }
        if (digits == 0 || value > 255)
            return false;
        if (++numbers == 4)
            return i == n;
        if (i == n || p[i++] != '.')
            return false;
    }
}

static bool hex(int c)
{
    return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* IPv6-full, -comp, v4-full and v4-comp of 4.1.3: where "::" stands it replaces at least two
 * groups. */
static bool ipv6(const unsigned char *p, size_t n)
{
    int groups = 0;
    bool gap = false;
    size_t i = 0;
    if (n >= 2 && p[0] == ':' && p[1] == ':') {
        gap = true;
        i = 2;
    }
    while (i < n) {
        size_t start = i;
        while (i < n && hex(p[i]))
            i++;
        if (i < n && p[i] == '.') {
            if (!ipv4(p + start, n - start))
                return false;
            groups += 2;
            break;
        }
        if (i == start || i - start > 4)
            return false;
        groups++;
        if (i == n)
            break;
        if (p[i++] != ':' || i == n)
            return false;
        if (p[i] == ':') {
            if (gap)
                return false;
            gap = true;
            i++;
        }
    }
    return gap ? groups <= 6 : groups == 8;
}

static bool literal_content(const unsigned char *p, size_t n)
{
    if (n > 5 && strncasecmp((const char *)p, "IPv6:", 5) == 0)
        return ipv6(p + 5, n - 5);
    const unsigned char *colon = n == 0 ? NULL : memchr(p, ':', n);
    if (colon == NULL)
        return ipv4(p, n);
    /* General-address-literal: a registered tag, of which there is none but IPv6; its syntax is
     * good all the same. */
    size_t tag = (size_t)(colon - p);
    if (tag == 0 || !let_dig(p[tag - 1]) || tag + 1 == n)
        return false;
    for (size_t i = 0; i < tag; i++)
        if (!let_dig(p[i]) && p[i] != '-')
            return false;
    for (size_t i = tag + 1; i < n; i++)
        if (p[i] < 33 || p[i] > 126 || p[i] == '[' || p[i] == ']' || p[i] == '\\')
            return false;
    return true;
}

static bool literal(struct reader *r)
{
    const unsigned char *end = memchr(r->p + r->at, ']', r->n - r->at);
    if (end == NULL)
        return fail(r, "the address literal has no closing bracket");
    const unsigned char *inside = r->p + r->at + 1;
    if (!literal_content(inside, (size_t)(end - inside)))
        return fail(r, "the address literal is neither IPv4 nor IPv6");
    r->at = (size_t)(end - r->p) + 1;
    return true;
}

/* "text" with \ before any printable character; writes the text without quoting. */
static bool quoted_string(struct reader *r, struct smtp_path *out, size_t *len)
{
    r->at++;
    for (;;) {
        int c = peek(r);
        if (c == '"') {
            r->at++;
            return true;
        }
        if (c == '\\') {
            r->at++;
            c = peek(r);
        } else if (c >= 0x80) {
            size_t beyond = utf8_beyond(r);
            if (beyond == 0)
                return fail(r, "the local part is not UTF-8");
            for (; beyond > 1 && *len < SMTP_LOCAL_MAX; beyond--)
                out->local[(*len)++] = (char)r->p[r->at++];
            c = peek(r);
        }
        if (c < 0)
            return fail(r, "the quoted string has no end");
        if (c < 32 || c == 127)
            return fail(r, "there is a control character in the quoted string");
        if (*len >= SMTP_LOCAL_MAX)
            return fail(r, "the local part is longer than 64 octets");
        out->local[(*len)++] = (char)c;
        r->at++;
    }
}

static bool dot_string(struct reader *r, struct smtp_path *out, size_t *len)
{
    do {
        size_t start = r->at;
        for (;;) {
            int c = peek(r);
            size_t beyond = c >= 0x80 ? utf8_beyond(r) : 0;
            size_t step = atext(c) ? 1 : beyond;
            if (step == 0)
                break;
            if (*len + step > SMTP_LOCAL_MAX)
                return fail(r, "the local part is longer than 64 octets");
            memcpy(out->local + *len, r->p + r->at, step);
            *len += step;
            r->at += step;
        }
        if (r->at == start)
            return fail(r, "the local part lacks an atom");
        if (peek(r) == '.' && *len < SMTP_LOCAL_MAX)
            out->local[(*len)++] = '.';
        else if (peek(r) == '.')
            return fail(r, "the local part is longer than 64 octets");
    } while (take(r, '.'));
    return true;
}

static bool mailbox(struct reader *r, bool bare_postmaster, struct smtp_path *out)
{
    size_t start = r->at, len = 0;
    out->quoted = peek(r) == '"';
    if (!(out->quoted ? quoted_string(r, out, &len) : dot_string(r, out, &len)))
        return false;
    if (r->at - start > SMTP_LOCAL_MAX)
        return fail(r, "the local part is longer than 64 octets");
    out->local[len] = '\0';
    if (bare_postmaster && peek(r) == '>' && strcasecmp(out->local, "postmaster") == 0) {
        memcpy(out->mailbox, r->p + start, r->at - start);
        out->mailbox[r->at - start] = '\0';
        return true;
    }
    if (!take(r, '@'))
        return fail(r, "the address has no domain");
    size_t at = r->at;
    out->literal = peek(r) == '[';
    if (!(out->literal ? literal(r) : domain(r, true)))
        return false;
    if (r->at - at > SMTP_DOMAIN_MAX)
        return fail(r, "the domain is longer than 255 octets");
    if (r->at - start > SMTP_PATH_MAX - 2)
        return fail(r, "the path is longer than 256 octets");
    memcpy(out->domain, r->p + at, r->at - at);
    out->domain[r->at - at] = '\0';
    memcpy(out->mailbox, r->p + start, r->at - start);
    out->mailbox[r->at - start] = '\0';
    for (size_t i = start; i < r->at; i++)
        out->eight_bit = out->eight_bit || r->p[i] >= 0x80;
    return true;
}

/* @one.example,@two.example: in front of the mailbox: must be understood, and is ignored (RFC 5321,
 * C). */
static bool route(struct reader *r)
{
    while (take(r, '@')) {
        if (!domain(r, true))
            return false;
        if (take(r, ':'))
            return true;
        if (!take(r, ','))
            break;
    }
    return fail(r, "the source route is broken");
}

int smtp_path_parse(const char *text, size_t n, int allowed, struct smtp_path *out, size_t *used,
                    const char **why)
{
    struct reader r = {.p = (const unsigned char *)text, .n = n};
    struct smtp_path made = {0};
    if (!take(&r, '<')) {
        fail(&r, "the path has to stand in angle brackets, right behind the colon");
        goto bad;
    }
    if ((allowed & SMTP_PATH_NULL) != 0 && take(&r, '>')) {
        made.null = true;
        goto done;
    }
    if (peek(&r) == '@' && !route(&r))
        goto bad;
    if (!mailbox(&r, (allowed & SMTP_PATH_POSTMASTER) != 0, &made))
        goto bad;
    if (!take(&r, '>')) {
        fail(&r, "the path has no closing angle bracket");
        goto bad;
    }
done:
    *used = r.at;
    *out = made;
    return 0;
bad:
    *why = r.why;
    return -1;
}

int smtp_mailbox_parse(const char *text, size_t n, struct smtp_path *out, const char **why)
{
    struct reader r = {.p = (const unsigned char *)text, .n = n};
    struct smtp_path made = {0};
    if (mailbox(&r, false, &made) && r.at != r.n)
        fail(&r, "something follows the address");
    if (r.why != NULL) {
        *why = r.why;
        return -1;
    }
    *out = made;
    return 0;
}

bool smtp_domain_ok(const char *text, size_t n)
{
    struct reader r = {.p = (const unsigned char *)text, .n = n};
    return domain(&r, false) && r.at == n;
}

bool smtp_literal_ok(const char *text, size_t n)
{
    struct reader r = {.p = (const unsigned char *)text, .n = n};
    return n > 0 && text[0] == '[' && n <= SMTP_DOMAIN_MAX && literal(&r) && r.at == n;
}
