/* One whole session as a good client would have it: greeting, capabilities, STARTTLS, handshake,
 * certificate, capabilities again, goodbye. It answers some thirty checks with one connection.
 * SPDX-License-Identifier: MIT */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

/* The line of EHLO that begins with word: its rest; NULL when there is none. */
static const char *ehlo_line(const char *caps, const char *word, char *out, size_t size)
{
    size_t n = strlen(word);
    for (const char *at = caps; at != NULL && *at != '\0';) {
        if (strlen(at) > 4 && strncasecmp(at + 4, word, n) == 0 &&
            strchr(" =\r\n", at[4 + n]) != NULL) {
            (void)snprintf(out, size, "%.*s", (int)strcspn(at + 4 + n, "\r\n"), at + 4 + n);
            return out;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

/* Whether a password mechanism that sends the password is offered. */
static bool offers_password(const struct port *p, const char *caps)
{
    char rest[512];
    switch (p->protocol) {
    case PROTOCOL_SMTP:
        return ehlo_line(caps, "AUTH", rest, sizeof rest) != NULL &&
               (dial_has(rest, "PLAIN") || dial_has(rest, "LOGIN"));
    case PROTOCOL_IMAP:
        return !dial_has(caps, "LOGINDISABLED") || strcasestr(caps, "AUTH=PLAIN") != NULL ||
               strcasestr(caps, "AUTH=LOGIN") != NULL;
    case PROTOCOL_POP3: {
        const char *sasl = strcasestr(caps, "\nSASL");
        bool user = strcasestr(caps, "\nUSER") != NULL;
        if (sasl == NULL)
            return user;
        (void)snprintf(rest, sizeof rest, "%.*s", (int)strcspn(sasl + 1, "\r\n"), sasl + 1);
        return user || dial_has(rest, "PLAIN") || dial_has(rest, "LOGIN");
    }
    case PROTOCOL_UNKNOWN:
        break;
    }
    return false;
}

static void before_tls(struct port *p, const struct conn *c, const char *caps)
{
    char rest[256];
    bool offered = dial_has(caps, dial_starttls_word(p));
    bool password = offers_password(p, caps);
    p->facts.starttls_offered = offered;
    p->facts.login_in_clear = password;
    if (p->protocol == PROTOCOL_SMTP) {
        const char *with = ehlo_line(caps, "STARTTLS", rest, sizeof rest);
        port_judge(p, CHECK_S01, with != NULL && *with == '\0', c, "%s",
                   with == NULL ? "EHLO does not offer STARTTLS"
                                : "STARTTLS is offered with a parameter");
        port_judge(p, CHECK_J14, !password, c, "EHLO offers AUTH PLAIN or LOGIN before TLS");
    } else if (p->protocol == PROTOCOL_IMAP) {
        port_judge(p, CHECK_S02, offered, c, "CAPABILITY does not offer STARTTLS");
        port_judge(p, CHECK_J09, strncasecmp(p->facts.greeting, "* PREAUTH", 9) != 0, c,
                   "the greeting is PREAUTH: nobody can begin TLS");
        port_judge(p, CHECK_J10, !password, c, "before TLS CAPABILITY has %s%s",
                   dial_has(caps, "LOGINDISABLED") ? "LOGINDISABLED" : "no LOGINDISABLED",
                   strcasestr(caps, "AUTH=PLAIN") != NULL ? ", and AUTH=PLAIN" : "");
    } else {
        port_judge(p, CHECK_S03, offered, c, "CAPA does not offer STLS");
        port_judge(p, CHECK_J13, !password, c, "CAPA offers USER or SASL PLAIN before TLS");
    }
    port_judge(p, CHECK_P13, offered && !password, c, "%s",
               offered ? "TLS is offered, but a login in clear is not refused"
                       : "TLS is not offered");
    port_judge(p, CHECK_B10, !dial_has(caps, "REQUIRETLS"), c, "REQUIRETLS is offered before TLS");
}

static void inside_tls(struct port *p, const struct conn *c, const char *caps)
{
    bool offered = dial_has(caps, dial_starttls_word(p));
    bool plain = strcasestr(caps, "PLAIN") != NULL;
    bool plus = strcasestr(caps, "SCRAM-SHA-256-PLUS") != NULL;
    bool smtp_auth = p->protocol != PROTOCOL_SMTP || strcasestr(caps, "AUTH") != NULL;
    if (p->mode == MODE_IMPLICIT)
        port_judge(p, CHECK_P08, !offered, c, "%s is offered inside TLS", dial_starttls_word(p));
    else if (p->protocol == PROTOCOL_SMTP)
        port_judge(p, CHECK_S08, !offered, c, "STARTTLS is offered again inside TLS");
    else
        port_judge(p, CHECK_S09, !offered && !dial_has(caps, "LOGINDISABLED"), c,
                   "inside TLS there is %s",
                   offered ? "still an offer of TLS" : "still LOGINDISABLED");
    if (port_applies(p, CHECK_B01)) {
        port_judge(p, CHECK_B01, plain && smtp_auth, c, "PLAIN is not offered inside TLS");
        if (strcasestr(p->facts.clear_caps, "-PLUS") != NULL)
            port_bad(p, CHECK_B02, c,
                     "a -PLUS mechanism is offered before TLS, where it cannot work");
        else
            port_judge(p, CHECK_B02, plus, c, "SCRAM-SHA-256-PLUS is not offered inside TLS");
        port_judge(p, CHECK_B08, strcasestr(caps, "EXTERNAL") == NULL, c,
                   "EXTERNAL is offered to a client without a certificate");
    }
    if (port_applies(p, CHECK_B10) && p->found[CHECK_B10].kind != FINDING_BAD)
        port_fact(p, CHECK_B10, c, "REQUIRETLS is %soffered inside TLS",
                  dial_has(caps, "REQUIRETLS") ? "" : "not ");
}

/* STARTTLS inside TLS is refused, and the session lives on. */
static void again_inside(struct port *p, struct conn *c)
{
    struct reply r, after;
    enum check_id id = p->mode == MODE_IMPLICIT ? CHECK_P09 : CHECK_S10;
    if (!port_wants(p, id))
        return;
    (void)dial_say(p, c, false, &r, "%s", dial_starttls_word(p));
    if (r.kind == REPLY_OK) {
        port_bad(p, id, c, "accepted: %.*s", (int)strcspn(r.text, "\r\n"), r.text);
        return; /* it waits for a ClientHello now */
    }
    enum reply_kind k = dial_say(p, c, p->protocol == PROTOCOL_POP3, &after, "%s", dial_noop(p));
    port_judge(p, id, (r.kind == REPLY_NO || r.kind == REPLY_BAD) && k == REPLY_OK, c,
               r.kind == REPLY_NO || r.kind == REPLY_BAD
                   ? "refused, but the session did not live on"
                   : "no refusal came");
}

static void goodbye(struct port *p, struct conn *c)
{
    struct reply r;
    bool said;
    if (p->protocol == PROTOCOL_IMAP) {
        static const char logout[] = "z9 LOGOUT\r\n";
        (void)conn_write(c, logout, sizeof logout - 1, p->o->answer_ms, NULL);
        said = dial_reply(p, c, "z9", false, p->o->answer_ms, &r) == REPLY_OK;
    } else {
        said = dial_say(p, c, false, &r, "QUIT") == REPLY_OK;
    }
    double until = loop_now(p->loop) + 1;
    while (conn_ended(c) == CONN_OPEN && loop_now(p->loop) < until)
        (void)conn_fill(c, 0, 50, NULL);
    enum conn_end end = conn_ended(c);
    port_judge(p, CHECK_E01, said && end == CONN_CLOSE_NOTIFY, c, "%s",
               !said               ? "no reply to the goodbye"
               : end == CONN_OPEN  ? "the reply came, but neither close_notify nor FIN within 1 s"
               : end == CONN_FIN   ? "FIN without close_notify before it"
               : end == CONN_RESET ? "reset without close_notify before it"
                                   : "it ended in another way");
}

static int on_certificate_request(SSL *ssl, void *arg)
{
    (void)ssl;
    *(bool *)arg = true;
    return 1;
}

/* OpenSSL calls the certificate callback once before the ClientHello; only a call during the
 * handshake is the server's request. So it looks at the state. */
static int maybe_request(SSL *ssl, void *arg)
{
    return SSL_in_before(ssl) ? 1 : on_certificate_request(ssl, arg);
}

static void watch_request(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, NULL);
    SSL_set_cert_cb(ssl, maybe_request, arg);
    (void)SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
}

static void negotiated(struct port *p, const struct conn *c)
{
    const struct conn_tls *t = conn_tls_facts(c);
    int v = SSL_version(conn_openssl(c));
    if (v >= TLS_V_SSL3 && v <= TLS_V_13) {
        p->facts.versions[v - TLS_V_SSL3 + 1] = true;
        p->facts.version_known[v - TLS_V_SSL3 + 1] = true;
    }
    (void)snprintf(p->facts.best_version, sizeof p->facts.best_version, "%s", tls_version_word(v));
    const struct suite *s =
        suite_of((uint16_t)SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(conn_openssl(c))));
    (void)snprintf(p->facts.best_suite, sizeof p->facts.best_suite, "%s",
                   s != NULL ? s->name : t->cipher);
    (void)snprintf(p->facts.group, sizeof p->facts.group, "%s", t->group);
    if (v == TLS_V_13)
        port_good(p, CHECK_V07, c);
}

static void keep_session(struct port *p, const struct conn *c)
{
    SSL *ssl = conn_openssl(c);
    SSL_SESSION *s = SSL_get1_session(ssl),
                **to = SSL_version(ssl) == TLS_V_13 ? &p->session13 : &p->session12;
    SSL_SESSION_free(*to);
    *to = s;
}

/* STARTTLS was offered and did not come about: the certificate may be gone. RFC 3207, 4. */
static void refused(struct port *p, struct conn *c, const struct reply *first)
{
    struct reply r;
    bool on = dial_say(p, c, false, &r, "NOOP") == REPLY_OK;
    port_judge(p, CHECK_S21, first->code == 454 && on, c, "%s",
               !on ? "the session did not go on" : "STARTTLS was refused by another code than 454");
}

/* As far as STARTTLS, with the capabilities on the way. */
static struct conn *up_to_tls(struct port *p)
{
    struct reply r;
    struct conn *c = dial_open(p);
    if (c == NULL || p->mode == MODE_IMPLICIT)
        return c;
    /* Until the go-ahead has come. */
    p->starttls_refused = true;
    if (!dial_greeting(p, c, &r)) {
        if (!p->limited)
            port_bad(p, CHECK_P02, NULL, "the greeting is none, or has no end: %.60s",
                     r.text[0] != '\0' ? r.text : "nothing came");
        return NULL;
    }
    (void)snprintf(p->facts.greeting, sizeof p->facts.greeting, "%.500s", r.text);
    if (dial_capabilities(p, c, &r) == REPLY_OK) {
        (void)snprintf(p->facts.clear_caps, sizeof p->facts.clear_caps, "%.4000s", r.text);
    } else if (p->protocol != PROTOCOL_POP3) {
        port_bad(p, CHECK_S04, c, "it cannot be offered: %s got %.*s",
                 p->protocol == PROTOCOL_IMAP ? "CAPABILITY" : "EHLO",
                 r.text[0] != '\0' ? (int)strcspn(r.text, "\r\n") : 8,
                 r.text[0] != '\0' ? r.text : "no reply");
        dial_close(p, c);
        return NULL;
    }
    before_tls(p, c, p->facts.clear_caps);
    if (dial_say(p, c, false, &r, "%s", dial_starttls_word(p)) != REPLY_OK) {
        port_bad(p, CHECK_S04, c, "%s was refused: %.*s", dial_starttls_word(p),
                 (int)strcspn(r.text, "\r\n"), r.text);
        if (p->facts.starttls_offered && port_applies(p, CHECK_S21))
            refused(p, c, &r);
        dial_close(p, c);
        return NULL;
    }
    p->starttls_refused = false;
    return c;
}

/* The server has asked for a client certificate, and broke off without one. What can be seen before
 * that is looked at all the same. RFC 8446, 4.4.2.4. */
static void wants_certificate(struct port *p, struct conn *c)
{
    static const enum check_id ids[] = {CHECK_S04, CHECK_P04, CHECK_P07};
    p->needs_certificate = true;
    port_fact(p, CHECK_H17, c,
              "a client certificate is asked for, and without one the session ends: %s",
              conn_tls_facts(c)->alert[0] != '\0' ? conn_tls_facts(c)->alert : "closed");
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (p->found[ids[i]].kind == FINDING_NONE || ids[i] == CHECK_S04)
            port_untested(p, ids[i], "not tested: the server wants a client certificate");
}

void room_session(struct port *p)
{
    struct conn_tls_options o;
    struct reply r;
    struct err err;
    bool request = false;
    struct conn *c = up_to_tls(p);
    if (c == NULL)
        return;
    dial_options(p, &o);
    o.prepare = watch_request;
    o.prepare_arg = &request;
    int rc = conn_starttls(c, &o, p->o->answer_ms, &err);
    if (rc != 0 && p->mode == MODE_IMPLICIT && conn_ended(c) != CONN_OPEN && !request &&
        conn_tls_facts(c)->alert[0] == '\0' && !dial_sent_away(p)) {
        /* Without a word, and it talks again: that may have been a limit of a moment. */
        dial_close(p, c);
        c = dial_open(p);
        if (c == NULL)
            return;
        rc = conn_starttls(c, &o, p->o->answer_ms, &err);
    }
    if (rc != 0) {
        if (request)
            wants_certificate(p, c);
        else if (p->mode == MODE_CLEAR)
            port_bad(p, CHECK_S04, c, "the handshake failed: %s", err.text);
        else if (conn_ended(c) == CONN_OPEN || !dial_sent_away(p))
            port_bad(p, CHECK_P04, c, "the handshake failed: %s", err.text);
        dial_close(p, c);
        return;
    }
    port_good(p, CHECK_S04, c);
    if (port_applies(p, CHECK_S21))
        port_untested(p, CHECK_S21,
                      "not checked: STARTTLS works here; what comes without a certificate can be "
                      "seen on a server whose certificate was taken away");
    negotiated(p, c);
    room_certificate(p, c);
    port_judge(p, CHECK_H17, !request, c,
               "a client certificate is asked for: lawful only where it can log somebody in, which "
               "cannot be seen "
               "from here");
    if (p->mode == MODE_IMPLICIT) {
        double began = loop_now(p->loop);
        enum reply_kind k = dial_reply(p, c, NULL, false, p->o->greeting_ms, &r);
        p->facts.greeting_s = loop_now(p->loop) - began;
        (void)snprintf(p->facts.greeting, sizeof p->facts.greeting, "%.500s", r.text);
        if (k == REPLY_END && request)
            wants_certificate(p, c);
        else if (k == REPLY_NO || k == REPLY_BAD)
            dial_turned_away(p, CHECK_P07, r.text);
        else
            port_judge(p, CHECK_P07, k == REPLY_OK, c,
                       "inside TLS no greeting of %s came, but \"%.*s\"",
                       port_protocol_word(p->protocol), (int)strcspn(r.text, "\r\n"), r.text);
        if (k != REPLY_OK) {
            dial_close(p, c);
            return;
        }
    }
    if (dial_capabilities(p, c, &r) == REPLY_OK) {
        (void)snprintf(p->facts.tls_caps, sizeof p->facts.tls_caps, "%.4000s", r.text);
        inside_tls(p, c, p->facts.tls_caps);
    } else if (r.kind == REPLY_END && request) {
        wants_certificate(p, c);
        dial_close(p, c);
        return;
    }
    keep_session(p, c);
    again_inside(p, c);
    goodbye(p, c);
    dial_close(p, c);
}
