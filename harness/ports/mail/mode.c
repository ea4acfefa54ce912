/* Is the port open, does the server or the client speak first, and which protocol is it? Nobody has
 * to say: of two connections one stays silent, the other sends a ClientHello, and the first that is
 * answered tells. RFC 8314, 3. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { PATIENCE_MS = 2000, PATIENCE_UNTOLD_MS = 300 };

static void say_state(struct port *p)
{
    if (strcasestr(p->state_why, "refused") != NULL)
        p->state = PORT_REFUSED;
    else if (strcasestr(p->state_why, "timed out") != NULL ||
             strcasestr(p->state_why, "no answer") != NULL ||
             strcasestr(p->state_why, " in ") != NULL)
        p->state = PORT_FILTERED;
    else
        p->state = PORT_UNREACHABLE;
}

static enum port_protocol sniff(const char *text)
{
    if (strncmp(text, "* ", 2) == 0)
        return PROTOCOL_IMAP;
    if (strncmp(text, "+OK", 3) == 0 || strncmp(text, "-ERR", 4) == 0)
        return PROTOCOL_POP3;
    if (text[0] >= '2' && text[0] <= '5' && strspn(text, "0123456789") == 3)
        return PROTOCOL_SMTP;
    return PROTOCOL_UNKNOWN;
}

/* As a greeting: who says 200 speaks another protocol. RFC 5321, 4.3.1. */
static enum port_protocol sniff_greeting(const char *text)
{
    enum port_protocol seen = sniff(text);
    bool other = seen == PROTOCOL_SMTP && text[0] < '4' && strncmp(text, "220", 3) != 0;
    return other ? PROTOCOL_UNKNOWN : seen;
}

/* Which of the two was answered by then: the silent one (0), the hello (1), none (-1). */
static int first_word(struct port *p, struct conn *a, struct conn *b, double until)
{
    const unsigned char *in;
    while (loop_now(p->loop) < until) {
        if (conn_input(a, &in, NULL) > 0)
            return 0;
        if (b != NULL && conn_input(b, &in, NULL) > 0)
            return 1;
        if (conn_ended(a) != CONN_OPEN && (b == NULL || conn_ended(b) != CONN_OPEN))
            return -1;
        if (conn_ended(a) == CONN_OPEN)
            (void)conn_fill(a, 0, 20, NULL);
        else
            (void)conn_fill(b, 0, 20, NULL);
    }
    return -1;
}

/* The first line, however many pieces it comes in. False: time or the connection ended before it.
 */
static bool whole_line(struct port *p, struct conn *c, double until, char *out, size_t size)
{
    const unsigned char *in;
    size_t n;
    bool whole, more = true;
    do {
        n = conn_input(c, &in, NULL);
        whole = n >= size || (n > 0 && memchr(in, '\n', n) != NULL);
        int left = (int)((until - loop_now(p->loop)) * 1000);
        if (!whole)
            more = left > 0 && conn_fill(c, n, left, NULL) > 0;
    } while (!whole && (more || conn_input(c, &in, NULL) > n));
    n = conn_input(c, &in, NULL);
    if (n > size - 1)
        n = size - 1;
    if (n > 0)
        memcpy(out, in, n);
    out[n] = '\0';
    return whole;
}

/* Something was said in clear, to the connection that was silent or to the one with the hello:
 * protocol and greeting are known. */
static void greeted(struct port *p, struct conn *c, bool to_hello)
{
    char *text = p->facts.greeting;
    bool whole = whole_line(p, c, loop_now(p->loop) + p->o->greeting_ms / 1000.0, text,
                            sizeof p->facts.greeting);
    enum port_protocol seen = whole ? sniff_greeting(text) : PROTOCOL_UNKNOWN;
    int line = (int)strcspn(text, "\r\n");
    p->facts.greeting_s = conn_when(c, 0);
    p->mode = MODE_CLEAR;
    p->protocol = seen;
    if (p->want_mode == MODE_IMPLICIT) {
        if (!to_hello)
            port_bad(p, CHECK_P03, c, "mode swapped: port %u speaks %s in clear, %s was expected",
                     p->port, seen != PROTOCOL_UNKNOWN ? port_protocol_word(seen) : "first, and",
                     port_mode_word(MODE_IMPLICIT));
        port_bad(p, CHECK_P04, c, "%sno TLS, but \"%.*s\"",
                 seen != PROTOCOL_UNKNOWN ? "mode swapped: " : "", line, text);
    }
    if (seen == PROTOCOL_UNKNOWN) {
        if (whole)
            port_bad(p, CHECK_P02, c, "\"%.*s\"%s is no greeting of SMTP, IMAP or POP3", line, text,
                     to_hello ? ", which a ClientHello got," : "");
        else
            port_bad(p, CHECK_P02, c, "the line of the greeting had no end: \"%.*s\"", line, text);
        return;
    }
    if (p->want_protocol != PROTOCOL_UNKNOWN && p->want_protocol != seen)
        port_bad(p, CHECK_P02, c, "%s greets where %s was expected: \"%.*s\"",
                 port_protocol_word(seen), port_protocol_word(p->want_protocol), line, text);
    if (text[0] == '4' || text[0] == '5' || strncasecmp(text, "* BYE", 5) == 0 || text[0] == '-') {
        dial_turned_away(p, CHECK_P02, text);
        return;
    }
    port_good(p, CHECK_P02, c);
    port_good(p, CHECK_P06, c);
}

/* The hello was answered by TLS: what is inside is found by a handshake, if nobody said. */
static void answered(struct port *p, struct conn *b)
{
    p->mode = MODE_IMPLICIT;
    if (p->want_mode == MODE_CLEAR) {
        port_bad(p, CHECK_P02, b, "mode swapped: the port is silent and wants TLS at once");
        port_bad(p, CHECK_P06, b, "mode swapped: port %u speaks implicit TLS, %s was expected",
                 p->port, port_mode_word(MODE_CLEAR));
    }
    port_good(p, CHECK_P04, b);
    if (p->protocol != PROTOCOL_UNKNOWN)
        return;
    struct conn_tls_options o;
    struct err err;
    dial_options(p, &o);
    struct conn *c = dial_open(p);
    if (c != NULL && conn_starttls(c, &o, p->o->answer_ms, &err) == 0) {
        char text[512];
        (void)conn_fill(c, 0, p->o->greeting_ms, NULL);
        (void)dial_rest(p, c, 20, text, sizeof text);
        p->protocol = sniff(text);
    }
    dial_close(p, c);
}

/* A plaintext command on a port of implicit TLS: whatever comes, it is no mail reply. */
static void plain_command(struct port *p)
{
    static const char *const words[] = {"NOOP\r\n", "EHLO mailproof.invalid\r\n",
                                        "a1 CAPABILITY\r\n", "CAPA\r\n"};
    char text[512];
    if (!port_wants(p, CHECK_P05))
        return;
    struct conn *c = dial_open(p);
    if (c == NULL)
        return;
    (void)conn_write(c, words[p->protocol], strlen(words[p->protocol]), p->o->answer_ms, NULL);
    (void)dial_rest(p, c, dial_quiet_ms(p), text, sizeof text);
    port_judge(p, CHECK_P05, sniff(text) == PROTOCOL_UNKNOWN, c, "answered in clear: %.*s",
               (int)strcspn(text, "\r\n"), text);
    dial_close(p, c);
}

void room_mode(struct port *p)
{
    double began = loop_now(p->loop);
    struct conn *silent = dial_open(p);
    if (silent == NULL) {
        say_state(p);
        port_fact(p, CHECK_P01, NULL, "%s", p->state_why);
        return;
    }
    p->state = PORT_OPEN;
    p->facts.rtt_ms = (loop_now(p->loop) - began) * 1000;
    p->quiet_ms = 120 + (int)(p->facts.rtt_ms * 10);
    port_fact(p, CHECK_P01, silent, "open, %.1f ms", p->facts.rtt_ms);
    /* Servers that greet late take what comes before the greeting for abuse: where mail in clear is
     * expected the hello gives them time. */
    int patience = p->want_mode == MODE_IMPLICIT ? 0
                   : p->want_mode == MODE_CLEAR  ? PATIENCE_MS
                                                 : PATIENCE_UNTOLD_MS;
    double until = began + p->o->greeting_ms / 1000.0, hello = began + patience / 1000.0;
    int who = first_word(p, silent, NULL, hello < until ? hello : until);
    struct conn *eager = who < 0 ? dial_say_hello(p) : NULL;
    if (eager != NULL)
        who = first_word(p, silent, eager, until);
    const unsigned char *in;
    size_t n = who == 1 ? conn_input(eager, &in, NULL) : 0;
    if (n > 0 && in[0] != 21 && in[0] != 22) {
        /* A greeting or a complaint in clear. If it is of mail the silent one will be greeted, too;
         * nobody else speaks first. */
        char text[512];
        (void)whole_line(p, eager, until, text, sizeof text);
        if (sniff(text) != PROTOCOL_UNKNOWN && first_word(p, silent, NULL, until) == 0)
            greeted(p, silent, false);
        else
            greeted(p, eager, true);
        dial_close(p, silent);
    } else if (who == 0) {
        greeted(p, silent, false);
        dial_close(p, silent);
    } else if (who == 1) {
        p->silent = silent;
        answered(p, eager);
    } else {
        bool closed = conn_ended(silent) != CONN_OPEN;
        enum check_id asked = p->want_mode == MODE_IMPLICIT ? CHECK_P04 : CHECK_P02;
        (void)snprintf(p->state_why, sizeof p->state_why, "%s",
                       closed ? "closes every connection without a word: limits on this address?"
                              : "neither greets nor answers a ClientHello");
        dial_turned_away(p, asked, p->state_why);
        if (!closed)
            port_bad(p, asked, silent, "%s within %.0f s", p->state_why,
                     p->o->greeting_ms / 1000.0);
        p->mode = MODE_UNKNOWN;
        dial_close(p, silent);
    }
    dial_close(p, eager);
    if (p->protocol != PROTOCOL_UNKNOWN)
        port_fact(p, CHECK_P14, NULL, "%s with %s", port_protocol_word(p->protocol),
                  port_mode_word(p->mode));
    p->sink.protocol = p->protocol == PROTOCOL_IMAP   ? "imap"
                       : p->protocol == PROTOCOL_POP3 ? "pop3"
                                                      : "smtp";
    p->sink.service = port_service(p);
    plain_command(p);
}

void room_silence(struct port *p)
{
    const unsigned char *in;
    double least = p->o->depth == DEPTH_GENTLE ? 0.3 : 2.0;
    if (p->silent == NULL)
        return;
    while (loop_now(p->loop) < least && conn_ended(p->silent) == CONN_OPEN &&
           conn_input(p->silent, &in, NULL) == 0)
        conn_pause(p->loop, 20);
    size_t n = conn_input(p->silent, &in, NULL);
    port_judge(p, CHECK_P03, n == 0, p->silent, "greets in clear before the handshake");
    dial_close(p, p->silent);
    p->silent = NULL;
}
