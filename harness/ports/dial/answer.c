/* Reads what a server says to a ClientHello: records are put together, messages are walked, every
 * length is held against what is there. SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "ports/dial/hello.h"
#include "ports/dial/suites.h"
#include "wire/tls_facts.h"

/* A cursor over bytes that never reads past their end: `bad` is set instead. */
struct cursor {
    const unsigned char *p;
    size_t left;
    bool bad;
};

static unsigned take(struct cursor *c, int width)
{
    unsigned v = 0;
    if (c->left < (size_t)width) {
        c->bad = true;
        c->left = 0;
        return 0;
    }
    for (int i = 0; i < width; i++)
        v = v << 8 | c->p[i];
    c->p += width;
    c->left -= (size_t)width;
    return v;
}

/* The next n bytes as a cursor of their own. */
static struct cursor part(struct cursor *c, size_t n)
{
    struct cursor in = {c->p, n, false};
    if (c->left < n) {
        c->bad = true;
        in.left = c->left;
    }
    c->p += in.left;
    c->left -= in.left;
    return in;
}

static void read_extension(struct answer *a, unsigned type, struct cursor e)
{
    switch (type) {
    case 0:
        a->sni = true;
        break;
    case 4:
        a->truncated_hmac = true;
        break;
    case 5:
        a->status = true;
        break;
    case 15:
        a->heartbeat = true;
        break;
    case 16: {
        (void)take(&e, 2);
        size_t n = take(&e, 1);
        struct cursor s = part(&e, n);
        (void)snprintf(a->alpn, sizeof a->alpn, "%.*s", (int)s.left, (const char *)s.p);
        break;
    }
    case 22:
        a->etm = true;
        break;
    case 23:
        a->ems = true;
        break;
    case 35:
        a->ticket = true;
        break;
    case 43:
        a->version = (int)take(&e, 2);
        break;
    case 51:
        a->group = (uint16_t)take(&e, 2);
        break;
    case 0xff01:
        a->renegotiation_info = true;
        break;
    default:
        break;
    }
}

static bool read_server_hello(struct answer *a, struct cursor m)
{
    static const unsigned char retry[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                            0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                            0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                            0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    a->version = (int)take(&m, 2);
    struct cursor random = part(&m, 32);
    if (random.left == 32)
        memcpy(a->random, random.p, 32);
    struct cursor session = part(&m, take(&m, 1));
    a->session_len = session.left < sizeof a->session ? session.left : sizeof a->session;
    if (a->session_len > 0)
        memcpy(a->session, session.p, a->session_len);
    a->suite = (uint16_t)take(&m, 2);
    a->compression = (int)take(&m, 1);
    if (m.bad)
        return false;
    a->kind = memcmp(a->random, retry, 32) == 0 ? ANSWER_RETRY : ANSWER_SERVER;
    a->downgrade12 = memcmp(a->random + 24, "DOWNGRD\x01", 8) == 0;
    a->downgrade11 = memcmp(a->random + 24, "DOWNGRD\x00", 8) == 0;
    if (m.left > 2) {
        struct cursor all = part(&m, take(&m, 2));
        while (all.left >= 4 && !all.bad) {
            unsigned type = take(&all, 2);
            read_extension(a, type, part(&all, take(&all, 2)));
        }
    }
    return true;
}

static void read_certificate(struct answer *a, struct cursor m)
{
    struct cursor list = part(&m, take(&m, 3));
    free(a->certificates);
    a->certificates = err_need(malloc(list.left + 1));
    memcpy(a->certificates, list.p, list.left);
    a->certificates_len = list.left;
}

static void keep_public(struct answer *a, struct cursor key)
{
    a->dh_public_len = key.left < sizeof a->dh_public ? key.left : sizeof a->dh_public;
    memcpy(a->dh_public, key.p, a->dh_public_len);
}

static void read_key_exchange(struct answer *a, struct cursor m)
{
    const struct suite *s = suite_of(a->suite);
    if (s == NULL)
        return;
    if (strstr(s->name, "_ECDH") != NULL) {
        if (take(&m, 1) != 3)
            return;
        a->group = (uint16_t)take(&m, 2);
        keep_public(a, part(&m, take(&m, 1)));
    } else if (s->family == FAMILY_DHE || s->family == FAMILY_ANON) {
        struct cursor p = part(&m, take(&m, 2));
        while (p.left > 0 && *p.p == 0)
            (void)take(&p, 1);
        a->dh_bits = (int)p.left * 8;
        for (unsigned top = p.left > 0 ? *p.p : 0x80; (top & 0x80) == 0 && a->dh_bits > 0;
             top <<= 1)
            a->dh_bits--;
        (void)part(&m, take(&m, 2));
        keep_public(a, part(&m, take(&m, 2)));
    }
}

/* One handshake message. True when there is nothing more to read. */
static bool read_message(struct answer *a, unsigned type, struct cursor m, bool flight)
{
    switch (type) {
    case 2:
        if (!read_server_hello(a, m))
            return false;
        return !flight || a->kind == ANSWER_RETRY || a->version >= TLS_V_13;
    case 11:
        read_certificate(a, m);
        return false;
    case 12:
        read_key_exchange(a, m);
        return false;
    case 13:
        a->certificate_request = true;
        return false;
    case 14:
        a->done = true;
        return true;
    case 22:
        a->stapled = true;
        return false;
    default:
        return false;
    }
}

static enum answer_kind read_ssl2(const unsigned char *p, size_t n, struct answer *a)
{
    size_t head = (p[0] & 0x80) != 0 ? 2 : 3;
    if (n > head + 10 && p[head] == 4 && p[head + 3] == 0 && p[head + 4] == 2) {
        unsigned specs = (unsigned)p[head + 7] << 8 | p[head + 8];
        a->version = 2;
        /* OpenSSL of long ago says SERVER-HELLO without any cipher when all of them are off. */
        return a->kind = specs > 0 ? ANSWER_SSL2 : ANSWER_ALERT;
    }
    return a->kind = n < head + 11 ? ANSWER_MORE : ANSWER_TEXT;
}

/* Walks the messages of the records that are there. */
static bool read_messages(struct answer *a, const struct buf *b, bool flight)
{
    struct cursor c = {b->data, b->len, false};
    while (c.left >= 4) {
        struct cursor before = c;
        unsigned type = take(&c, 1);
        size_t n = take(&c, 3);
        if (c.left < n) {
            c = before;
            break;
        }
        if (read_message(a, type, part(&c, n), flight))
            return true;
    }
    return false;
}

enum answer_kind hello_read(const unsigned char *p, size_t n, bool flight, struct answer *a)
{
    struct cursor c = {p, n, false};
    struct buf messages;
    bool enough = false;
    answer_clear(a);
    if (n > 0 && ((p[0] & 0x80) != 0 || (n > 2 && p[2] == 4 && p[0] < 20)))
        return read_ssl2(p, n, a);
    if (n > 0 && (p[0] < 20 || p[0] > 24))
        return a->kind = ANSWER_TEXT;
    if (n > 1 && p[1] != 3)
        return a->kind = ANSWER_TEXT;
    buf_init(&messages, (size_t)1 << 20);
    while (c.left >= 5) {
        unsigned type = take(&c, 1);
        (void)take(&c, 2);
        size_t len = take(&c, 2);
        if (c.left < len)
            break;
        struct cursor r = part(&c, len);
        if (type == 22) {
            buf_add(&messages, r.p, r.left);
        } else if (type == 21 && r.left >= 2) {
            if (r.p[0] == 1 && r.p[1] != 0) {
                a->warning = true;
                a->warning_alert = r.p[1];
            } else if (a->alert < 0) {
                a->alert = r.p[1];
            }
        }
    }
    enough = read_messages(a, &messages, flight);
    buf_clear(&messages);
    if (a->alert >= 0 && (a->kind == ANSWER_MORE || flight))
        return a->kind = a->kind == ANSWER_MORE ? ANSWER_ALERT : a->kind;
    return enough ? a->kind : (a->kind = ANSWER_MORE);
}

void answer_clear(struct answer *a)
{
    free(a->certificates);
    *a = (struct answer){.alert = -1};
}

void answer_words(const struct answer *a, char *out, size_t size)
{
    const struct suite *s = suite_of(a->suite);
    const char *name = tls_alert_name(a->alert);
    switch (a->kind) {
    case ANSWER_MORE:
        (void)snprintf(out, size, "an answer that was cut short");
        break;
    case ANSWER_SERVER:
    case ANSWER_RETRY:
        if (s != NULL)
            (void)snprintf(out, size, "%s, %s", tls_version_word(a->version), s->name);
        else
            (void)snprintf(out, size, "%s, suite 0x%04x", tls_version_word(a->version), a->suite);
        break;
    case ANSWER_SSL2:
        (void)snprintf(out, size, "SSL 2");
        break;
    case ANSWER_ALERT:
        if (a->alert < 0)
            (void)snprintf(out, size, "no cipher");
        else
            (void)snprintf(out, size, "alert %d, %s", a->alert,
                           name != NULL ? name : "an alert without a name here");
        break;
    case ANSWER_TEXT:
        (void)snprintf(out, size, "something that is no TLS");
        break;
    case ANSWER_CLOSED:
        (void)snprintf(out, size, "closed without an alert");
        break;
    case ANSWER_RESET:
        (void)snprintf(out, size, "reset without an alert");
        break;
    case ANSWER_SILENT:
        (void)snprintf(out, size, "no answer in time");
        break;
    case ANSWER_LIMITED:
        (void)snprintf(out, size, "rate-limited");
        break;
    case ANSWER_REFUSED:
        (void)snprintf(out, size, "STARTTLS was refused");
        break;
    }
}
