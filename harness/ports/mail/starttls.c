/* The dialogue around STARTTLS and STLS: arguments, order, case, line ends, what is forgotten. S.
 * RFC 3207, RFC 2595, RFC 9051 6.2.1. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { BARE_LF_MS = 1000 };

static int line_of(const char *text)
{
    return (int)strcspn(text, "\r\n");
}

static void send_text(struct port *p, struct conn *c, const char *text)
{
    (void)conn_write(c, text, strlen(text), p->o->answer_ms, NULL);
}

static void with_argument(struct port *p)
{
    struct reply r;
    enum check_id id = p->protocol == PROTOCOL_SMTP   ? CHECK_S05
                       : p->protocol == PROTOCOL_IMAP ? CHECK_S06
                                                      : CHECK_S07;
    if (!port_wants(p, id))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    (void)dial_say(p, c, false, &r, "%s x", dial_starttls_word(p));
    bool right = p->protocol == PROTOCOL_SMTP   ? r.code == 501
                 : p->protocol == PROTOCOL_IMAP ? r.kind == REPLY_BAD
                                                : r.kind == REPLY_NO;
    port_judge(p, id, right, c, "%s x got: %.*s", dial_starttls_word(p), line_of(r.text), r.text);
    dial_close(p, c);
}

static void any_case(struct port *p)
{
    struct reply r;
    if (!port_wants(p, CHECK_S23))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    enum reply_kind k =
        dial_say(p, c, false, &r, "%s", p->protocol == PROTOCOL_POP3 ? "sTlS" : "sTaRtTlS");
    port_judge(p, CHECK_S23, k == REPLY_OK, c, "in mixed case it got: %.*s", line_of(r.text),
               r.text);
    dial_close(p, c);
}

static bool goes_ahead(const char *text)
{
    return strncmp(text, "220", 3) == 0 || strncmp(text, "+OK", 3) == 0 ||
           strncasecmp(text, "s1 OK", 5) == 0;
}

static void bare_lf(struct port *p)
{
    char text[512], line[64];
    struct reply r;
    if (!port_wants(p, CHECK_S24))
        return;
    (void)snprintf(line, sizeof line, "%s%s\n", p->protocol == PROTOCOL_IMAP ? "s1 " : "",
                   dial_starttls_word(p));
    struct conn *c = NULL;
    bool began = false;
    /* Silence means that the line has not ended yet, and then CRLF ends it: what is answered now is
     * STARTTLS with a bare LF inside. Only a go-ahead is odd, from a server that may be slow: it
     * gets more time. */
    for (int i = 0; i < 2 && !began; i++) {
        dial_close(p, c);
        c = dial_clear(p);
        if (c == NULL)
            return;
        send_text(p, c, line);
        (void)dial_rest(p, c, i == 0 ? dial_quiet_ms(p) : BARE_LF_MS, text, sizeof text);
        began = goes_ahead(text);
        if (text[0] != '\0')
            break;
        send_text(p, c, "\r\n");
        (void)dial_reply(p, c, p->protocol == PROTOCOL_IMAP ? "s1" : NULL, false, p->o->answer_ms,
                         &r);
        if (!goes_ahead(r.text))
            break;
    }
    /* Only SMTP says that nothing else may be taken for a line's end; IMAP and POP3 leave a server
     * free to be lenient. */
    if (began && p->protocol != PROTOCOL_SMTP) {
        port_fact(p, CHECK_S24, c, "a bare LF ends a line here, and STARTTLS too");
        dial_close(p, c);
        return;
    }
    port_judge(p, CHECK_S24, !began, c, "a line that ended in a bare LF got: %.*s", line_of(text),
               text);
    dial_close(p, c);
}

/* Behind the go-ahead comes no ClientHello but a command, or a handshake that is none: nothing is
 * obeyed any more. */
static void no_handshake(struct port *p, enum check_id id, const char *bytes, size_t n)
{
    char text[1024];
    if (!port_wants(p, id))
        return;
    struct conn *c = dial_ready(p, NULL);
    if (c == NULL)
        return;
    (void)conn_write(c, bytes, n, p->o->answer_ms, NULL);
    (void)dial_rest(p, c, dial_quiet_ms(p), text, sizeof text);
    bool obeyed = strncmp(text, "2", 1) == 0 || strncmp(text, "+OK", 3) == 0 ||
                  strncasecmp(text, "n1 OK", 5) == 0 || strstr(text, "\nn1 OK") != NULL ||
                  strstr(text, "\n250") != NULL;
    /* Complaints in clear are no obedience, but a server that still reads commands says them. */
    port_judge(p, id, !obeyed, c, "obeyed in clear behind the go-ahead: %.*s", line_of(text), text);
    dial_close(p, c);
}

static void instead_of_hello(struct port *p)
{
    const char *noop = p->protocol == PROTOCOL_IMAP   ? "n1 NOOP\r\n"
                       : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                                      : "NOOP\r\n";
    static const char broken[] = "\x16\x03\x01\x00\x04zzzz\r\nNOOP\r\nNOOP\r\n";
    no_handshake(p, CHECK_S16, noop, strlen(noop));
    no_handshake(p, CHECK_S15, broken, sizeof broken - 1);
}

/* A ClientHello in the segment of STARTTLS: thrown away, or taken. */
static void hello_at_once(struct port *p)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0xc030, 0xc02f,
                                      0xc02c, 0xc02b, 0xc014, 0x002f};
    struct hello h;
    struct buf b;
    char text[1024];
    if (!port_wants(p, CHECK_S20))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    buf_init(&b, 65536);
    buf_printf(&b, "%s%s\r\n", p->protocol == PROTOCOL_IMAP ? "s1 " : "", dial_starttls_word(p));
    hello_init(&h, p->facts.versions[5] ? TLS_V_13 : TLS_V_12,
               p->o->host_is_name ? p->o->host : NULL);
    h.suites = suites;
    h.suites_n = sizeof suites / sizeof *suites;
    hello_record(&h, &b);
    (void)conn_write(c, b.data, b.len, p->o->answer_ms, NULL);
    size_t n = dial_rest(p, c, dial_quiet_ms(p), text, sizeof text);
    const char *lf = memchr(text, '\n', n);
    bool accepted = goes_ahead(text);
    size_t after = lf != NULL ? n - (size_t)(lf + 1 - text) : 0;
    bool tls = after > 0 && (lf[1] == 22 || lf[1] == 21);
    port_judge(p, CHECK_S20, !accepted || after == 0 || tls, c,
               "the hello was read as a command: %.*s", (int)(after < 60 ? after : 60),
               lf != NULL ? lf + 1 : "");
    buf_clear(&b);
    dial_close(p, c);
}

static void pipelined(struct port *p)
{
    struct reply first, one, second = {.kind = REPLY_SILENT};
    if (!port_wants(p, CHECK_S19))
        return;
    if (!dial_has(p->facts.clear_caps, "PIPELINING")) {
        port_not_here(p, CHECK_S19, "PIPELINING is not offered");
        return;
    }
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    send_text(p, c, "RSET\r\nSTARTTLS\r\n");
    /* Where TLS is demanded RSET gets 530: STARTTLS behind it has to be taken all the same. */
    enum reply_kind k = dial_reply(p, c, NULL, false, p->o->answer_ms, &first);
    bool refused = k == REPLY_NO || k == REPLY_BAD;
    if (k == REPLY_OK || refused)
        k = dial_reply(p, c, NULL, false, p->o->answer_ms, &second);
    if (k != REPLY_OK) {
        /* Courier takes no STARTTLS behind RSET, however they come: that is no matter of groups. */
        struct conn *alone = dial_clear(p);
        if (alone != NULL && dial_say(p, alone, false, &one, "RSET") != REPLY_END &&
            dial_say(p, alone, false, &one, "STARTTLS") != REPLY_OK) {
            port_fact(p, CHECK_S19, alone, "STARTTLS behind RSET got, one by one too: %.*s",
                      line_of(one.text), one.text);
            dial_close(p, alone);
            dial_close(p, c);
            return;
        }
        dial_close(p, alone);
    }
    port_judge(p, CHECK_S19, k == REPLY_OK && second.code == 220, c,
               "RSET and STARTTLS in one segment got: %.*s, %.*s", line_of(first.text), first.text,
               line_of(second.text), second.text);
    dial_close(p, c);
}

/* MAIL before STARTTLS, RCPT after it, and no EHLO between that would reset the envelope by itself.
 */
static void forgets_envelope(struct port *p)
{
    struct conn_tls_options o;
    struct reply r;
    if (!port_wants(p, CHECK_S11))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    if (dial_say(p, c, false, &r, "MAIL FROM:<>") != REPLY_OK) {
        port_not_here(p, CHECK_S11, "MAIL is refused before TLS");
        dial_close(p, c);
        return;
    }
    if (dial_say(p, c, false, &r, "STARTTLS") != REPLY_OK) {
        /* To refuse it in the middle of a transaction is lawful: nothing is carried over. */
        port_good(p, CHECK_S11, c);
        dial_close(p, c);
        return;
    }
    dial_options(p, &o);
    if (conn_starttls(c, &o, p->o->answer_ms, NULL) == 0) {
        enum reply_kind k = dial_say(p, c, false, &r, "RCPT TO:<postmaster>");
        port_judge(p, CHECK_S11, k != REPLY_OK, c, "RCPT inside TLS got: %.*s", line_of(r.text),
                   r.text);
    }
    dial_close(p, c);
}

static void mail_in_clear(struct port *p)
{
    struct reply r;
    enum check_id id = p->mx ? CHECK_S17 : CHECK_S18;
    if (!port_wants(p, id))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    enum reply_kind k = dial_say(p, c, false, &r, "MAIL FROM:<>");
    if (p->mx)
        port_judge(p, id, k == REPLY_OK || r.code != 530, c, "MAIL without TLS got: %.*s",
                   line_of(r.text), r.text);
    else
        port_judge(p, id, k != REPLY_OK, c, "MAIL without TLS got: %.*s", line_of(r.text), r.text);
    dial_close(p, c);
}

/* 465 is for users: a stranger cannot relay through it. */
static void relay(struct port *p)
{
    struct reply r;
    if (!port_wants(p, CHECK_P10))
        return;
    struct conn *c = dial_tls(p, NULL, NULL);
    if (c == NULL)
        return;
    enum reply_kind k = dial_say(p, c, false, &r, "MAIL FROM:<mailproof@example.com>");
    if (k == REPLY_OK)
        k = dial_say(p, c, false, &r, "RCPT TO:<mailproof@example.org>");
    port_judge(p, CHECK_P10, k != REPLY_OK, c, "a stranger may relay: %.*s", line_of(r.text),
               r.text);
    dial_close(p, c);
}

/* One client stops in the middle; another is served all the same. */
static void stopper(struct port *p)
{
    if (!port_wants(p, CHECK_S22))
        return;
    struct conn *stopped = dial_ready(p, NULL),
                *c = stopped != NULL ? dial_tls(p, NULL, NULL) : NULL;
    if (stopped != NULL)
        port_judge(p, CHECK_S22, c != NULL, stopped,
                   "while one client stops behind STARTTLS another is not served");
    dial_close(p, c);
    dial_close(p, stopped);
}

void room_starttls(struct port *p)
{
    relay(p);
    if (p->mode != MODE_CLEAR || p->o->depth < DEPTH_NORMAL ||
        p->found[CHECK_S04].kind != FINDING_GOOD)
        return;
    with_argument(p);
    any_case(p);
    bare_lf(p);
    instead_of_hello(p);
    hello_at_once(p);
    if (p->protocol == PROTOCOL_SMTP) {
        pipelined(p);
        forgets_envelope(p);
        mail_in_clear(p);
    }
    stopper(p);
}
