/* Headers in ASCII made from headers in UTF-8. RFC 6858, 2. SPDX-License-Identifier: MIT */
#include "pop3/surrogate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mime/address.h"
#include "mime/header.h"
#include "mime/part.h"
#include "mime/text.h"
#include "sasl/sasl.h"

/* 45 octets make 60 of base64, and a word of 72: RFC 2047, 2 allows 75. */
enum { WORD_OCTETS = 45, ROUNDS = 5 };

static bool eight_bit(const unsigned char *p, size_t n)
{
    uint64_t all = 0, eight;
    size_t i = 0;
    for (; n - i >= sizeof eight; i += sizeof eight) { /* every message goes through here */
        memcpy(&eight, p + i, sizeof eight);
        all |= eight;
    }
    for (; i < n; i++)
        all |= p[i];
    return (all & UINT64_C(0x8080808080808080)) != 0;
}

static bool eight_bit_text(const char *text)
{
    return text != NULL && eight_bit((const unsigned char *)text, strlen(text));
}

/* The parts in the order of their offsets. */
static const struct part *next_part(const struct part *p)
{
    if (p->first != NULL)
        return p->first;
    while (p != NULL && p->next == NULL)
        p = p->parent;
    return p != NULL ? p->next : NULL;
}

bool surrogate_needed(const unsigned char *p, size_t n)
{
    struct arena a = {.chunks = NULL};
    bool found = false;
    if (!eight_bit(p, n))
        return false;
    for (const struct part *part = part_parse(&a, p, n); part != NULL && !found;
         part = next_part(part))
        found = eight_bit(p + part->header_at, part->header_len);
    arena_free(&a);
    return found;
}

/* --- words --- */

/* How many octets of p go into one word: whole characters. */
static size_t word_octets(const unsigned char *p, size_t n)
{
    if (n <= WORD_OCTETS)
        return n;
    size_t take = WORD_OCTETS;
    while (take > WORD_OCTETS - 4 && (p[take] & 0xc0) == 0x80)
        take--;
    return take;
}

static void put_words(const char *text, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = strlen(text);
    for (bool first = true; n > 0 || first; first = false) {
        size_t take = word_octets(p, n);
        buf_text(out, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_encode(out, p, take);
        buf_text(out, "?=");
        p += take;
        n -= take;
    }
}

/* As words where it has to be; else in quotes. */
static void put_phrase(const char *text, struct buf *out)
{
    if (eight_bit_text(text)) {
        put_words(text, out);
        return;
    }
    buf_text(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_text(out, "\\");
        buf_add(out, text, 1);
    }
    buf_text(out, "\"");
}

/* --- fields --- */

static void put_name(const struct header_field *f, struct buf *out)
{
    buf_add(out, f->name, f->name_len);
    buf_text(out, ": ");
}

/* The display name says which address it was; the address itself is nobody's (RFC 6858, 2.1). */
static void put_address(const struct address *a, struct buf *out)
{
    bool whole = a->host[0] != '\0'; /* else it is a phrase that no address follows */
    bool foreign = !whole || eight_bit_text(a->mailbox) || eight_bit_text(a->host);
    if (foreign && a->name == NULL) {
        char *text = malloc(strlen(a->mailbox) + strlen(a->host) + 2);
        if (text == NULL)
            abort();
        stpcpy(stpcpy(stpcpy(text, a->mailbox), whole ? "@" : ""), a->host);
        put_phrase(text, out);
        free(text);
    } else if (a->name != NULL) {
        put_phrase(a->name, out);
    }
    if (foreign) {
        buf_text(out, " <invalid@internationalized-address.invalid>");
        return;
    }
    bool atoms = a->mailbox[0] != '\0' && strpbrk(a->mailbox, " \t\"\\()<>[]:;,@") == NULL;
    buf_text(out, a->name != NULL ? " <" : "<");
    if (atoms)
        buf_text(out, a->mailbox);
    else
        put_phrase(a->mailbox, out);
    buf_printf(out, "@%s>", a->host);
}

static void put_addresses(struct arena *arena, const struct header_field *f, struct buf *out)
{
    bool comma = false;
    put_name(f, out);
    for (const struct address *a = address_parse(arena, f->value, f->value_len); a != NULL;
         a = a->next) {
        if (a->host == NULL && a->mailbox == NULL) {
            buf_text(out, ";");
            comma = true;
            continue;
        }
        if (comma)
            buf_text(out, ",\r\n ");
        comma = a->host != NULL;
        if (a->host == NULL) {
            put_phrase(a->mailbox, out);
            buf_text(out, ": ");
        } else if (a->mailbox != NULL) {
            put_address(a, out);
        }
    }
    buf_text(out, "\r\n");
}

static void put_text(struct arena *arena, const struct header_field *f, struct buf *out)
{
    size_t n;
    const char *plain = header_unfold(arena, f, &n);
    struct text words = text_words(arena, (const unsigned char *)plain, n);
    put_name(f, out);
    put_words(arena_copy(arena, words.p, words.n), out);
    buf_text(out, "\r\n");
}

/* A parameter that ASCII cannot write is left out (RFC 6858, 2.2). */
static void put_parameters(struct arena *arena, const struct header_field *f, struct buf *out)
{
    size_t n;
    const char *p = header_unfold(arena, f, &n);
    if (eight_bit((const unsigned char *)p, strcspn(p, ";")))
        return; /* not a parameter, but what they belong to */
    put_name(f, out);
    for (bool first = true; *p != '\0'; first = false) {
        const char *end = p;
        for (bool quoted = false; *end != '\0' && (quoted || *end != ';'); end++) {
            if (*end == '"')
                quoted = !quoted;
            else if (*end == '\\' && end[1] != '\0')
                end++;
        }
        size_t len = (size_t)(end - p);
        if (!eight_bit((const unsigned char *)p, len)) {
            if (!first)
                buf_text(out, *p == ' ' || *p == '\t' ? ";\r\n" : ";\r\n ");
            buf_add(out, p, len);
        }
        p = *end == ';' ? end + 1 : end;
    }
    buf_text(out, "\r\n");
}

static bool one_of(const struct header_field *f, const char *const *names)
{
    for (; *names != NULL; names++)
        if (header_is(f, *names, strlen(*names)))
            return true;
    return false;
}

static void put_field(struct arena *arena, const struct header_field *f, struct buf *out)
{
    static const char *const addresses[] = {
        "Bcc",         "Cc",        "From",        "Reply-To", "Resent-Bcc", "Resent-Cc",
        "Resent-From", "Resent-To", "Return-Path", "Sender",   "To",         "Resent-Sender",
        NULL};
    static const char *const parameters[] = {"Content-Type", "Content-Disposition", NULL};
    static const char *const texts[] = {"Subject", NULL};
    if (!eight_bit(f->whole, f->whole_len))
        buf_add(out, f->whole, f->whole_len);
    else if (one_of(f, addresses) && !eight_bit(f->name, f->name_len))
        put_addresses(arena, f, out);
    else if (one_of(f, parameters))
        put_parameters(arena, f, out);
    else if (one_of(f, texts))
        put_text(arena, f, out);
    /* Anything else is left out (RFC 6858, 2.4). */
}

static void put_header(struct arena *arena, const unsigned char *p, size_t n, struct buf *out)
{
    struct header_field f;
    size_t at = 0;
    while (header_next(p, n, &at, &f))
        put_field(arena, &f, out);
    buf_add(out, p + at, n - at);
}

static void rewrite(const unsigned char *p, size_t n, struct buf *out)
{
    struct arena a = {.chunks = NULL};
    size_t at = 0;
    for (const struct part *part = part_parse(&a, p, n); part != NULL; part = next_part(part)) {
        struct arena fields = {.chunks = NULL};
        if (part->header_at < at)
            continue;
        buf_add(out, p + at, part->header_at - at);
        put_header(&fields, p + part->header_at, part->header_len, out);
        at = part->header_at + part->header_len;
        arena_free(&fields);
    }
    buf_add(out, p + at, n - at);
    arena_free(&a);
}

/* What was left out may let a later field count, a second Content-Type say, so that what was a body
 * has parts now: hence the rounds. What is broken beyond that becomes question marks. */
void surrogate_make(const unsigned char *p, size_t n, struct buf *out)
{
    rewrite(p, n, out);
    for (int i = 0; i < ROUNDS && surrogate_needed(out->data, out->len); i++) {
        struct buf before = *out;
        buf_init(out, before.limit);
        rewrite(before.data, before.len, out);
        buf_free(&before);
    }
    if (surrogate_needed(out->data, out->len))
        for (size_t i = 0; i < out->len; i++)
            if (out->data[i] > 0x7f)
                out->data[i] = '?';
}
