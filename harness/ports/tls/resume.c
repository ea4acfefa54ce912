/* Tickets, renegotiation and early data. R. SPDX-License-Identifier: MIT */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/mail/login.h"
#include "ports/rooms.h"

enum { WEEK_S = 7 * 24 * 3600 };

static void use_session(struct ssl_st *ssl, void *arg)
{
    dial_no_refusal(ssl, NULL);
    (void)SSL_set_session(ssl, arg);
}

/* A session of 1.2, kept for resumption; the connection shows renegotiation too. */
static struct conn *session12(struct port *p)
{
    struct conn_tls_options o;
    dial_options(p, &o);
    o.max_version = "TLSv1.2";
    struct conn *c = dial_tls(p, &o, NULL);
    /* A copy: what is done to the connection, and a fatal alert to a renegotiation above all, makes
     * the session itself one that OpenSSL does not resume. */
    if (c != NULL && p->session12 == NULL)
        p->session12 = SSL_SESSION_dup(SSL_get0_session(conn_openssl(c)));
    return c;
}

static void renegotiation(struct port *p)
{
    struct reply r;
    if (!port_wants(p, CHECK_R02))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_R02, "no TLS 1.2 here");
        port_not_here(p, CHECK_R03, "no TLS 1.2 here");
        return;
    }
    struct conn *c = session12(p);
    if (c == NULL)
        return;
    SSL *ssl = conn_openssl(c);
    bool legacy = SSL_get_secure_renegotiation_support(ssl) != 1;
    (void)SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
    if (legacy)
        (void)SSL_set_options(ssl, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    bool begun = SSL_renegotiate(ssl) == 1;
    (void)SSL_do_handshake(ssl);
    conn_flush_openssl(c);
    double until = loop_now(p->loop) + p->o->answer_ms / 1000.0;
    while (begun && SSL_renegotiate_pending(ssl) && conn_ended(c) == CONN_OPEN &&
           loop_now(p->loop) < until)
        conn_pause(p->loop, 10);
    bool through = begun && !SSL_renegotiate_pending(ssl) && conn_ended(c) == CONN_OPEN;
    if (through)
        through = dial_say(p, c, p->protocol == PROTOCOL_POP3, &r, "%s", dial_noop(p)) == REPLY_OK;
    port_judge(p, CHECK_R02, !through, c, "a renegotiation begun by the client went through");
    if (!through)
        port_good(p, CHECK_R03, c);
    else if (legacy)
        port_bad(p, CHECK_R03, c, "a renegotiation without the extension went through");
    else
        port_untested(
            p, CHECK_R03,
            "not tested: renegotiation is allowed here, with the extension; a client that "
            "has the extension cannot renegotiate without it on the same connection");
    dial_close(p, c);
}

struct early {
    SSL_SESSION *session;
    const char *command;
    bool sent;
};

static void send_early(struct ssl_st *ssl, void *arg)
{
    struct early *e = arg;
    size_t n;
    use_session(ssl, e->session);
    e->sent = SSL_write_early_data(ssl, e->command, strlen(e->command), &n) == 1;
}

/* What follows the greeting. */
static const char *behind_greeting(const struct port *p, const char *text)
{
    if (p->mode != MODE_IMPLICIT)
        return text;
    do {
        text += strcspn(text, "\n");
        text += *text == '\n';
    } while (p->protocol == PROTOCOL_SMTP && strncmp(text, "220", 3) == 0);
    return text;
}

/* R08: a command goes with the ClientHello, and nothing after it. */
static void early_command(struct port *p, SSL_SESSION *s)
{
    struct conn_tls_options o;
    struct early e = {.session = s,
                      .command = p->protocol == PROTOCOL_IMAP   ? "early NOOP\r\n"
                                 : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                                                : "NOOP\r\n"};
    char text[2048] = "";
    if (!port_wants(p, CHECK_R08))
        return;
    dial_options(p, &o);
    o.prepare = send_early;
    o.prepare_arg = &e;
    struct conn *c = dial_handshake(p, &o, NULL);
    if (c == NULL)
        return;
    bool taken = e.sent && SSL_get_early_data_status(conn_openssl(c)) == SSL_EARLY_DATA_ACCEPTED;
    if (taken)
        (void)dial_rest(p, c, p->quiet_ms, text, sizeof text);
    const char *reply = behind_greeting(p, text);
    port_judge(p, CHECK_R08, *reply == '\0', c, "a command in early data got: %.*s",
               (int)strcspn(reply, "\r\n"), reply);
    dial_close(p, c);
}

/* R09: the session of somebody who had logged in, resumed by somebody who has not. */
static void resumed_login(struct port *p)
{
    struct conn_tls_options o;
    struct reply r;
    SSL_SESSION *s = NULL;
    if (!port_wants(p, CHECK_R09))
        return;
    struct conn *c = login_session(p);
    if (c == NULL) {
        port_untested(p, CHECK_R09, "not checked: the login was refused");
        return;
    }
    s = SSL_SESSION_dup(SSL_get0_session(conn_openssl(c)));
    dial_close(p, c);
    dial_options(p, &o);
    o.prepare = use_session;
    o.prepare_arg = s;
    if (s != NULL && SSL_SESSION_get_protocol_version(s) == TLS1_2_VERSION)
        o.max_version = "TLSv1.2";
    c = s != NULL && SSL_SESSION_is_resumable(s) ? dial_tls(p, &o, NULL) : NULL;
    if (c == NULL || !conn_tls_facts(c)->resumed) {
        port_not_here(p, CHECK_R09, "the session of a login was not resumed");
    } else {
        bool in = p->protocol == PROTOCOL_SMTP
                      ? login_again(p, c, &r) != REPLY_OK && r.code == 503
                      : dial_say(p, c, false, &r, "%s",
                                 p->protocol == PROTOCOL_IMAP ? "STATUS INBOX (MESSAGES)"
                                                              : "STAT") == REPLY_OK;
        port_judge(p, CHECK_R09, !in, c, "who resumes the session of a login is logged in: %.*s",
                   (int)strcspn(r.text, "\r\n"), r.text);
    }
    dial_close(p, c);
    SSL_SESSION_free(s);
}

static void resumption(struct port *p)
{
    struct conn_tls_options o;
    SSL_SESSION *s = p->session13 != NULL ? p->session13 : p->session12;
    if (s != NULL && !SSL_SESSION_is_resumable(s) && p->session12 != NULL)
        s = p->session12;
    if (!port_wants(p, CHECK_R04) || s == NULL)
        return;
    if (!SSL_SESSION_is_resumable(s)) {
        port_bad(p, CHECK_R04, NULL, "no ticket and no session id was given");
        port_not_here(p, CHECK_R05, "no ticket here");
        port_good(p, CHECK_R07, NULL);
        port_not_here(p, CHECK_R08, "no ticket here");
        return;
    }
    unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(s);
    if (SSL_SESSION_has_ticket(s))
        port_judge(p, CHECK_R05, hint <= WEEK_S, NULL, "a ticket says that it lives for %.1f days",
                   (double)hint / 86400);
    else
        port_not_here(p, CHECK_R05, "sessions are resumed without tickets");
    uint32_t early = SSL_SESSION_get_max_early_data(s);
    port_judge(p, CHECK_R07, early == 0, NULL, "a ticket allows %u bytes of early data", early);
    if (early == 0)
        port_good(p, CHECK_R08, NULL);
    else
        early_command(p, s);
    dial_options(p, &o);
    o.prepare = use_session;
    o.prepare_arg = s;
    if (SSL_SESSION_get_protocol_version(s) == TLS1_2_VERSION)
        o.max_version = "TLSv1.2";
    struct conn *c = dial_handshake(p, &o, NULL);
    if (c == NULL)
        return;
    port_judge(p, CHECK_R04, conn_tls_facts(c)->resumed, c,
               "a session that was offered was not resumed");
    dial_close(p, c);
}

void room_resume(struct port *p)
{
    if (p->o->depth < DEPTH_NORMAL)
        return;
    renegotiation(p);
    resumption(p);
    resumed_login(p);
}

bool port_takes_session(struct port *p, struct ssl_session_st *s, bool *tried)
{
    struct conn_tls_options o;
    bool taken = false;
    p->loop = loop_new(NULL);
    dial_options(p, &o);
    o.prepare = use_session;
    o.prepare_arg = s;
    struct conn *c = dial_handshake(p, &o, NULL);
    *tried = c != NULL;
    taken = c != NULL && conn_tls_facts(c)->resumed;
    dial_close(p, c);
    loop_free(p->loop);
    p->loop = NULL;
    return taken;
}
