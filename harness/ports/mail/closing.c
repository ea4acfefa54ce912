/* How sessions end: well, from the client's side, and in the middle of a message. E. RFC 8446, 6.1;
 * RFC 5246, 7.2.1. SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ports/dial/dial.h"
#include "ports/mail/login.h"
#include "ports/rooms.h"

enum { RESETS = 100, TAIL_MS = 4000, HALF_CLOSES = 8 };

static void wait_end(struct port *p, struct conn *c, char *text, size_t size)
{
    (void)dial_rest(p, c, TAIL_MS, text, size);
}

static void notify_first(struct port *p)
{
    struct conn_tls_options o;
    char text[1024];
    if (!port_wants(p, CHECK_E02))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_E02, "no TLS 1.2 here");
        return;
    }
    dial_options(p, &o);
    o.max_version = "TLSv1.2"; /* 1.3 does not ask for an answer */
    struct conn *c = dial_tls(p, &o, NULL);
    if (c == NULL)
        return;
    /* The alert alone, without a FIN: a server that reads an end of file first owes no answer. */
    (void)SSL_shutdown(conn_openssl(c));
    conn_flush_openssl(c);
    wait_end(p, c, text, sizeof text);
    enum conn_end end = conn_ended(c);
    port_judge(p, CHECK_E02, end == CONN_CLOSE_NOTIFY, c, "%s",
               end == CONN_OPEN ? "the connection stayed open" : "it ended without close_notify");
    dial_close(p, c);
}

static void half_closed(struct port *p)
{
    struct conn_tls_options o;
    char text[1024];
    const char *noop = p->protocol == PROTOCOL_IMAP   ? "h1 NOOP\r\n"
                       : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                                      : "NOOP\r\n";
    if (!port_wants(p, CHECK_E03))
        return;
    if (!p->facts.versions[5]) {
        port_not_here(p, CHECK_E03, "no TLS 1.3 here");
        return;
    }
    dial_options(p, &o);
    o.min_version = "TLSv1.3";
    /* Command, close_notify and FIN come in one segment, so that no server can have answered before
     * it knows of the end. In servers of several processes it is luck all the same which of them
     * hears it first (Dovecot): who answers once does not throw replies away on purpose. */
    for (int i = 0; i < HALF_CLOSES; i++) {
        struct conn *c = dial_tls(p, &o, NULL);
        int cork = 1;
        if (c == NULL)
            return;
        (void)setsockopt(conn_fd(c), IPPROTO_TCP, TCP_CORK, &cork, sizeof cork);
        (void)conn_write(c, noop, strlen(noop), p->o->answer_ms, NULL);
        conn_shutdown(c);
        wait_end(p, c, text, sizeof text);
        bool replied = text[0] != '\0';
        if (replied || i == HALF_CLOSES - 1)
            port_judge(p, CHECK_E03, replied, c, "a command before close_notify got no reply");
        dial_close(p, c);
        if (replied)
            return;
    }
}

/* A message that is cut is not accepted: no 250 comes for it. */
static void cut_message(struct port *p, enum check_id id, bool notify)
{
    static const char half[] = "Subject: mailproof, cut\r\n\r\nThis message has no en";
    struct reply r;
    char text[1024];
    if (!port_wants(p, id))
        return;
    struct conn *c = p->mx ? dial_tls(p, NULL, NULL) : login_session(p);
    if (c == NULL) {
        if (!p->mx)
            port_untested(p, id, "not checked: needs an account, --user NAME:PASSWORD");
        return;
    }
    if (dial_say(p, c, false, &r, "MAIL FROM:<%s>", p->mx ? "" : p->o->recipient) != REPLY_OK ||
        dial_say(p, c, false, &r, "RCPT TO:<%s>", p->o->recipient) != REPLY_OK ||
        dial_say(p, c, false, &r, "DATA") != REPLY_MORE) {
        port_untested(p, id, "not checked: the envelope was refused: %.*s",
                      (int)strcspn(r.text, "\r\n"), r.text);
        dial_close(p, c);
        return;
    }
    (void)conn_write(c, half, sizeof half - 1, p->o->answer_ms, NULL);
    if (notify)
        conn_shutdown(c);
    else
        (void)shutdown(conn_fd(c), SHUT_WR);
    wait_end(p, c, text, sizeof text);
    port_judge(p, id, text[0] != '2', c, "the half message was accepted: %.*s",
               (int)strcspn(text, "\r\n"), text);
    dial_close(p, c);
}

static int messages(struct port *p)
{
    struct reply r;
    int n = -1;
    struct conn *c = login_session(p);
    if (c == NULL)
        return -1;
    if (dial_say(p, c, false, &r, "STATUS INBOX (MESSAGES)") == REPLY_OK) {
        const char *at = strstr(r.text, "MESSAGES ");
        if (at != NULL && sscanf(at, "MESSAGES %d", &n) != 1)
            n = -1;
    }
    dial_close(p, c);
    return n;
}

static void cut_append(struct port *p)
{
    struct reply r;
    char text[512];
    if (!port_wants(p, CHECK_E06))
        return;
    int before = messages(p);
    struct conn *c = before >= 0 ? login_session(p) : NULL;
    if (c == NULL) {
        port_untested(p, CHECK_E06, "not checked: the login was refused");
        return;
    }
    if (dial_say(p, c, false, &r, "APPEND INBOX {400}") == REPLY_MORE) {
        static const char part[] = "Subject: mailproof, cut\r\n\r\nhalf";
        (void)conn_write(c, part, sizeof part - 1, p->o->answer_ms, NULL);
        (void)shutdown(conn_fd(c), SHUT_WR);
        wait_end(p, c, text, sizeof text);
        int after = messages(p);
        if (after >= 0)
            port_judge(p, CHECK_E06, after == before, c,
                       "INBOX had %d messages before, and %d after", before, after);
    }
    dial_close(p, c);
}

static void resets(struct port *p)
{
    if (!port_wants(p, CHECK_E07))
        return;
    for (int i = 0; i < RESETS; i++) {
        struct conn *c = dial_ready(p, NULL);
        if (c == NULL)
            break;
        (void)conn_write(c, "\x16\x03\x01", 3, p->o->answer_ms, NULL);
        dial_forget(p, c);
    }
    struct conn *c = dial_tls(p, NULL, NULL);
    if (c != NULL)
        port_good(p, CHECK_E07, c);
    else if (!p->limited)
        port_bad(p, CHECK_E07, NULL, "after a hundred resets there is no session any more");
    dial_close(p, c);
}

void room_closing(struct port *p)
{
    if (p->o->depth < DEPTH_NORMAL)
        return;
    notify_first(p);
    half_closed(p);
    cut_message(p, CHECK_E04, false);
    cut_message(p, CHECK_E05, true);
    cut_append(p);
    resets(p);
}
