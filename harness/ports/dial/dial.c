/* Opens connections within the budget and speaks just enough of each protocol.
 * SPDX-License-Identifier: MIT */
#include "ports/dial/dial.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/suites.h"

enum { QUIET_MOST_MS = 2000 };

#define HELLO_BYTES ((size_t)1 << 18)

static void limited(struct port *p, const char *why)
{
    if (p->limited)
        return;
    p->limited = true;
    p->limited_at = p->used;
    (void)snprintf(p->limited_why, sizeof p->limited_why, "%.*s", (int)strcspn(why, "\r\n"), why);
}

void dial_turned_away(struct port *p, enum check_id id, const char *why)
{
    limited(p, why);
    port_untested(p, id, "not tested, sent away: %s", p->limited_why);
}

int dial_last(const struct port *p)
{
    return p->last;
}

void dial_shows(struct port *p, enum check_id id, int number)
{
    p->found[id].conns[0] = number;
    p->found[id].until = 0;
}

struct conn *dial_from(struct port *p, const char *source)
{
    struct conn_address to = {.host = p->address,
                              .port = p->port,
                              .source = source[0] != '\0' ? source : NULL,
                              .family = p->family};
    struct conn *c = NULL;
    struct err err;
    char name[16];
    if (p->limited || (p->o->budget > 0 && p->used >= p->o->budget))
        return NULL;
    p->used++;
    (void)snprintf(name, sizeof name, "c%d", p->used);
    if (conn_open(p->loop, name, &to, p->o->connect_ms, &c, &err) != 0) {
        /* It was open before: now it does not want us. */
        if (p->state == PORT_OPEN)
            limited(p, err.text);
        else
            (void)snprintf(p->state_why, sizeof p->state_why, "%.*s", (int)sizeof p->state_why - 1,
                           err.text);
        return NULL;
    }
    p->last = conn_number(c);
    conn_limit(c, (size_t)4 << 20);
    return c;
}

struct conn *dial_open(struct port *p)
{
    return dial_from(p, p->source);
}

void dial_forget(struct port *p, struct conn *c)
{
    int number;
    if (c == NULL)
        return;
    number = conn_number(c);
    conn_reset(c);
    conn_free(c);
    size_t n = json_array_size(p->events);
    while (n > 0 &&
           json_integer_value(json_object_get(json_array_get(p->events, n - 1), "conn")) == number)
        (void)json_array_remove(p->events, --n);
}

void dial_close(struct port *p, struct conn *c)
{
    (void)p;
    if (c == NULL)
        return;
    conn_close(c);
    conn_free(c);
}

/* Takes one line out of what arrived, waiting for it. 1: there; 0: time; -1: ended. */
static int line(struct port *p, struct conn *c, double until, char *out, size_t size)
{
    const unsigned char *in;
    for (;;) {
        size_t n = conn_input(c, &in, NULL);
        const unsigned char *lf = n > 0 ? memchr(in, '\n', n) : NULL;
        if (lf != NULL) {
            size_t len = (size_t)(lf - in) + 1, keep = len < size ? len : size - 1;
            memcpy(out, in, keep);
            out[keep] = '\0';
            for (size_t i = 0; i < keep; i++)
                if (out[i] == '\0')
                    out[i] = '?';
            conn_took(c, len);
            return 1;
        }
        int left = (int)((until - loop_now(p->loop)) * 1000);
        int rc = conn_fill(c, n, left > 0 ? left : 0, NULL);
        if (rc < 0 && conn_input(c, &in, NULL) <= n)
            return -1;
        if (rc == 0 && left <= 0)
            return 0;
    }
}

static void keep_line(struct reply *r, const char *text)
{
    size_t have = strlen(r->text);
    (void)snprintf(r->text + have, sizeof r->text - have, "%s", text);
}

static enum reply_kind smtp_line(struct reply *r, const char *l, bool *last)
{
    *last = true;
    if (!isdigit((unsigned char)l[0]) || !isdigit((unsigned char)l[1]) ||
        !isdigit((unsigned char)l[2]))
        return REPLY_ODD;
    *last = l[3] != '-';
    r->code = (l[0] - '0') * 100 + (l[1] - '0') * 10 + (l[2] - '0');
    switch (l[0]) {
    case '2':
        return REPLY_OK;
    case '3':
        return REPLY_MORE;
    case '4':
        return REPLY_NO;
    case '5':
        return r->code >= 500 && r->code <= 504 ? REPLY_BAD : REPLY_NO;
    default:
        return REPLY_ODD;
    }
}

static enum reply_kind imap_line(const char *l, const char *tag, bool *last)
{
    size_t n = tag != NULL ? strlen(tag) : 1;
    *last = true;
    if (l[0] == '+')
        return REPLY_MORE;
    if (strncasecmp(l, tag != NULL ? tag : "*", n) != 0 || l[n] != ' ') {
        *last = l[0] != '*';
        return REPLY_ODD;
    }
    const char *word = l + n + 1;
    if (strncasecmp(word, "OK", 2) == 0 || (tag == NULL && strncasecmp(word, "PREAUTH", 7) == 0))
        return REPLY_OK;
    if (strncasecmp(word, "NO", 2) == 0)
        return REPLY_NO;
    if (strncasecmp(word, "BAD", 3) == 0)
        return REPLY_BAD;
    return tag == NULL && strncasecmp(word, "BYE", 3) == 0 ? REPLY_NO : REPLY_ODD;
}

static enum reply_kind pop3_line(const char *l)
{
    return strncmp(l, "+OK", 3) == 0    ? REPLY_OK
           : strncmp(l, "-ERR", 4) == 0 ? REPLY_NO
           : l[0] == '+'                ? REPLY_MORE
                                        : REPLY_ODD;
}

enum reply_kind dial_reply(struct port *p, struct conn *c, const char *tag, bool multi, int wait_ms,
                           struct reply *r)
{
    double until = loop_now(p->loop) + wait_ms / 1000.0;
    bool body = false;
    *r = (struct reply){.kind = REPLY_ODD};
    for (int lines = 0; lines < 512; lines++) {
        char l[2048];
        bool last = true;
        int rc = line(p, c, until, l, sizeof l);
        if (rc <= 0)
            return r->kind = rc < 0 ? REPLY_END : REPLY_SILENT;
        keep_line(r, l);
        if (body) {
            if (strcmp(l, ".\r\n") == 0 || strcmp(l, ".\n") == 0)
                return r->kind;
            continue;
        }
        if (p->protocol == PROTOCOL_IMAP)
            r->kind = imap_line(l, tag, &last);
        else if (p->protocol == PROTOCOL_POP3)
            r->kind = pop3_line(l);
        else
            r->kind = smtp_line(r, l, &last);
        body = multi && p->protocol == PROTOCOL_POP3 && r->kind == REPLY_OK;
        if (last && !body)
            return r->kind;
    }
    return r->kind = REPLY_ODD;
}

static enum reply_kind say(struct port *p, struct conn *c, bool multi, int wait_ms, struct reply *r,
                           const char *text)
{
    char whole[2100], tag[16] = "";
    if (p->protocol == PROTOCOL_IMAP)
        (void)snprintf(tag, sizeof tag, "a%d", ++p->tags);
    (void)snprintf(whole, sizeof whole, "%s%s%s\r\n", tag, tag[0] != '\0' ? " " : "", text);
    if (conn_write(c, whole, strlen(whole), p->o->answer_ms, NULL) != 0) {
        *r = (struct reply){.kind = REPLY_END};
        return REPLY_END;
    }
    double began = loop_now(p->loop);
    enum reply_kind k = dial_reply(p, c, tag[0] != '\0' ? tag : NULL, multi, wait_ms, r);
    int took = (int)((loop_now(p->loop) - began) * 1000);
    if (wait_ms == p->o->answer_ms && k != REPLY_SILENT && took > p->slow_ms)
        p->slow_ms = took;
    return k;
}

enum reply_kind dial_say(struct port *p, struct conn *c, bool multi, struct reply *r,
                         const char *fmt, ...)
{
    char text[2048];
    va_list va;
    va_start(va, fmt);
    (void)vsnprintf(text, sizeof text, fmt, va);
    va_end(va);
    return say(p, c, multi, p->o->answer_ms, r, text);
}

enum reply_kind dial_say_password(struct port *p, struct conn *c, struct reply *r, const char *fmt,
                                  ...)
{
    char text[2048];
    va_list va;
    va_start(va, fmt);
    (void)vsnprintf(text, sizeof text, fmt, va);
    va_end(va);
    return say(p, c, false, dial_password_ms(p), r, text);
}

int dial_password_ms(const struct port *p)
{
    return p->o->answer_ms * 4;
}

int dial_quiet_ms(const struct port *p)
{
    int ms = p->quiet_ms + 3 * p->slow_ms;
    return ms < QUIET_MOST_MS ? ms : QUIET_MOST_MS;
}

const char *dial_noop(const struct port *p)
{
    return p->protocol == PROTOCOL_POP3 ? "CAPA" : "NOOP";
}

const char *dial_quit(const struct port *p)
{
    return p->protocol == PROTOCOL_IMAP ? "LOGOUT" : "QUIT";
}

const char *dial_starttls_word(const struct port *p)
{
    return p->protocol == PROTOCOL_POP3 ? "STLS" : "STARTTLS";
}

enum reply_kind dial_capabilities(struct port *p, struct conn *c, struct reply *r)
{
    switch (p->protocol) {
    case PROTOCOL_IMAP:
        return dial_say(p, c, false, r, "CAPABILITY");
    case PROTOCOL_POP3:
        return dial_say(p, c, true, r, "CAPA");
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        break;
    }
    return dial_say(p, c, false, r, "EHLO mailproof.invalid");
}

bool dial_greeting(struct port *p, struct conn *c, struct reply *r)
{
    double began = loop_now(p->loop);
    enum reply_kind k = dial_reply(p, c, NULL, false, p->o->greeting_ms, r);
    double took = loop_now(p->loop) - began;
    if (k == REPLY_OK && took > p->facts.greeting_s)
        p->facts.greeting_s = took;
    if (k == REPLY_OK)
        return true;
    if (k == REPLY_NO || k == REPLY_BAD)
        limited(p, r->text);
    else if (k == REPLY_END && p->facts.greeting[0] != '\0')
        limited(p, "the connection ended before a greeting");
    else if (k == REPLY_SILENT && p->facts.greeting[0] != '\0')
        limited(p, "no greeting in time");
    dial_close(p, c);
    return false;
}

struct conn *dial_clear(struct port *p)
{
    struct reply r;
    struct conn *c = dial_open(p);
    if (c == NULL || !dial_greeting(p, c, &r))
        return NULL;
    if (p->protocol == PROTOCOL_SMTP && dial_capabilities(p, c, &r) != REPLY_OK) {
        if (r.code == 421)
            limited(p, r.text);
        dial_close(p, c);
        return NULL;
    }
    return c;
}

struct conn *dial_ready(struct port *p, bool *refused)
{
    struct reply r;
    if (refused != NULL)
        *refused = false;
    if (p->mode == MODE_IMPLICIT)
        return dial_open(p);
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return NULL;
    if (dial_say(p, c, false, &r, "%s", dial_starttls_word(p)) == REPLY_OK)
        return c;
    if (r.code == 421)
        limited(p, r.text);
    if (refused != NULL)
        *refused = r.kind == REPLY_NO || r.kind == REPLY_BAD;
    dial_close(p, c);
    return NULL;
}

void dial_no_refusal(struct ssl_st *ssl, void *arg)
{
    (void)arg;
    SSL_set_security_level(ssl, 0);
}

void dial_options(const struct port *p, struct conn_tls_options *o)
{
    *o = (struct conn_tls_options){.sni = p->o->host_is_name ? p->o->host : NULL,
                                   .verify_name = p->o->host,
                                   .ca_file = p->o->ca_file,
                                   .min_version = "TLSv1",
                                   .prepare = dial_no_refusal};
}

struct conn *dial_handshake(struct port *p, const struct conn_tls_options *o, struct err *err)
{
    struct conn_tls_options usual;
    bool refused;
    if (o == NULL) {
        dial_options(p, &usual);
        o = &usual;
    }
    if (p->needs_certificate) {
        (void)err_set(err, "the server wants a client certificate");
        return NULL;
    }
    struct conn *c = dial_ready(p, &refused);
    if (c == NULL) {
        (void)err_set(err, "%s",
                      refused      ? "STARTTLS was refused"
                      : p->limited ? p->limited_why
                                   : "no connection");
        return NULL;
    }
    if (conn_starttls(c, o, p->o->answer_ms, err) != 0) {
        dial_close(p, c);
        return NULL;
    }
    return c;
}

struct conn *dial_tls(struct port *p, const struct conn_tls_options *o, struct err *err)
{
    struct reply r;
    struct conn *c = dial_handshake(p, o, err);
    if (c == NULL)
        return NULL;
    if (p->mode == MODE_IMPLICIT && !dial_greeting(p, c, &r)) {
        (void)err_set(err, "no greeting inside TLS");
        return NULL;
    }
    if (p->protocol == PROTOCOL_SMTP && dial_capabilities(p, c, &r) != REPLY_OK) {
        (void)err_set(err, "EHLO inside TLS was refused: %.*s", (int)strcspn(r.text, "\r\n"),
                      r.text);
        dial_close(p, c);
        return NULL;
    }
    return c;
}

enum answer_kind dial_answer(struct port *p, struct conn *c, bool flight, struct answer *a)
{
    double until = loop_now(p->loop) + p->o->answer_ms / 1000.0;
    const unsigned char *in;
    for (;;) {
        size_t n = conn_input(c, &in, NULL);
        if (hello_read(in, n, flight, a) != ANSWER_MORE)
            return a->kind;
        int left = (int)((until - loop_now(p->loop)) * 1000);
        int rc = conn_fill(c, n, left > 0 ? left : 0, NULL);
        if (rc < 0 && conn_input(c, &in, NULL) <= n) {
            if (a->warning)
                a->alert = a->warning_alert;
            if (a->warning)
                return a->kind = ANSWER_ALERT;
            return a->kind = conn_ended(c) == CONN_RESET ? ANSWER_RESET : ANSWER_CLOSED;
        }
        if (rc == 0 && left <= 0)
            return a->kind = ANSWER_SILENT;
    }
}

struct conn *dial_say_hello(struct port *p)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c,
                                      0xc02f, 0xc030, 0xcca8, 0xcca9, 0xc013,
                                      0xc014, 0x009e, 0x009c, 0x002f, 0x0035};
    struct hello h;
    struct buf b;
    struct conn *c = dial_open(p);
    if (c == NULL)
        return NULL;
    buf_init(&b, HELLO_BYTES);
    hello_init(&h, TLS_V_13, p->o->host_is_name ? p->o->host : NULL);
    h.lowest = TLS_V_10;
    h.suites = suites;
    h.suites_n = sizeof suites / sizeof *suites;
    hello_record(&h, &b);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    buf_clear(&b);
    return c;
}

/* Whether the server still says anything at all. */
static bool still_talks(struct port *p, bool *silent)
{
    struct answer a = {0};
    struct conn *c = dial_say_hello(p);
    if (c == NULL)
        return false;
    enum answer_kind k = dial_answer(p, c, false, &a);
    answer_clear(&a);
    conn_reset(c);
    conn_free(c);
    *silent = k == ANSWER_SILENT;
    return k != ANSWER_CLOSED && k != ANSWER_RESET && k != ANSWER_SILENT;
}

bool dial_sent_away(struct port *p)
{
    bool silent = false;
    if (p->mode != MODE_IMPLICIT || still_talks(p, &silent))
        return false;
    limited(p, silent ? "it answers no ClientHello any more"
                      : "it ends every connection without a word");
    return true;
}

/* Where TLS comes first a server that has had enough of us cannot say 421: it closes, or lets us
 * wait. So does one that dislikes the hello and sends no alert. A hello that it has liked before
 * tells them apart; it is asked at once, or after two in a row where silence is known to be the
 * custom. */
bool dial_gone(struct port *p, enum answer_kind k)
{
    if (k == ANSWER_SILENT)
        return dial_sent_away(p);
    if (k != ANSWER_CLOSED && k != ANSWER_RESET) {
        p->alerts = p->alerts || k == ANSWER_ALERT;
        p->cut_off = 0;
        return false;
    }
    if (p->mute && ++p->cut_off < 2)
        return false;
    p->cut_off = 0;
    if (dial_sent_away(p))
        return true;
    p->mute = !p->alerts;
    return false;
}

static enum answer_kind ask_once(struct port *p, const struct buf *bytes, bool flight,
                                 struct answer *a)
{
    bool refused;
    struct conn *c = dial_ready(p, &refused);
    answer_clear(a);
    if (c == NULL)
        return a->kind = refused ? ANSWER_REFUSED : ANSWER_LIMITED;
    (void)conn_write(c, bytes->data, bytes->len, p->o->answer_ms, NULL);
    enum answer_kind k = dial_answer(p, c, flight, a);
    conn_reset(c);
    conn_free(c);
    if (dial_gone(p, k))
        k = a->kind = ANSWER_LIMITED;
    return k;
}

enum answer_kind dial_ask_bytes(struct port *p, const struct buf *bytes, bool flight,
                                struct answer *a)
{
    enum answer_kind k = ask_once(p, bytes, flight, a);
    /* Not its way, for it has sent alerts, and it talks again: a limit on connections at a time? */
    if ((k == ANSWER_CLOSED || k == ANSWER_RESET) && p->mode == MODE_IMPLICIT && p->alerts)
        k = ask_once(p, bytes, flight, a);
    return k;
}

enum answer_kind dial_ask(struct port *p, const struct hello *h, bool flight, struct answer *a)
{
    struct buf b;
    buf_init(&b, HELLO_BYTES);
    hello_record(h, &b);
    enum answer_kind k = dial_ask_bytes(p, &b, flight, a);
    buf_clear(&b);
    return k;
}

bool dial_has(const char *caps, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = caps; (at = strcasestr(at, word)) != NULL; at++) {
        bool begins = at == caps || strchr(" -\r\n=", at[-1]) != NULL;
        if (begins && (at[n] == '\0' || strchr(" \r\n=", at[n]) != NULL))
            return true;
    }
    return false;
}

size_t dial_rest(struct port *p, struct conn *c, int wait_ms, char *out, size_t size)
{
    double until = loop_now(p->loop) + wait_ms / 1000.0;
    const unsigned char *in;
    for (;;) {
        size_t n = conn_input(c, &in, NULL);
        int left = (int)((until - loop_now(p->loop)) * 1000);
        int rc = left > 0 ? conn_fill(c, n, left, NULL) : 0;
        if ((rc < 0 && conn_input(c, &in, NULL) <= n) || left <= 0)
            break;
    }
    size_t n = conn_input(c, &in, NULL);
    size_t keep = n < size ? n : size - 1;
    if (keep > 0)
        memcpy(out, in, keep);
    out[keep] = '\0';
    conn_took(c, n);
    return keep;
}
