/* The STARTTLS attacks: what was sent in clear must never act inside TLS, in one segment, in two,
 * as half a line, as a login. Two outcomes are lawful, that the server drops the bytes (Postfix)
 * and that it takes them for TLS and breaks off (Dovecot): RFC 9051, 6.2.1; RFC 3207, 6.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

/* STARTTLS with what follows it, as this port says it. */
static void starttls_line(const struct port *p, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s\r\n", p->protocol == PROTOCOL_IMAP ? "s1 " : "",
                   dial_starttls_word(p));
}

/* How many replies there are in text. */
static int count_replies(const struct port *p, const char *text)
{
    int n = 0;
    for (const char *at = text; at != NULL && *at != '\0';) {
        bool final = false;
        if (p->protocol == PROTOCOL_SMTP)
            final = strspn(at, "0123456789") == 3 && at[3] != '-';
        else if (p->protocol == PROTOCOL_POP3)
            final = strncmp(at, "+OK", 3) == 0 || strncmp(at, "-ERR", 4) == 0;
        else
            final = at[0] != '*' && at[0] != '+' && at[0] != '\r' && at[0] != '\n';
        n += final ? 1 : 0;
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return n;
}

enum outcome { DROPPED, BROKE, OBEYED, IN_CLEAR, NOT_DONE };

/* Whether all that came in clear behind the go-ahead is complaints: Cyrus says in clear that the
 * handshake failed, and reads on. Nobody refuses the NOOP, CAPA or EHLO that was injected: a
 * refusal is not obedience. */
static bool complains(const struct port *p, const char *text)
{
    for (const char *at = text; at != NULL && *at != '\0';) {
        const char *word = at;
        if (p->protocol == PROTOCOL_IMAP) {
            word += strcspn(at, " \n");
            if (strncasecmp(word, " OK", 3) == 0)
                return false;
        } else if (strchr("+23", *at) != NULL) {
            return false;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return *text != '\0';
}

/* Sends STARTTLS and `injected` behind it (gap_ms < 0: in one segment, else that much later), makes
 * the handshake and says `inside`; then QUIT. text: all that came inside TLS. */
static enum outcome inject(struct port *p, const char *injected, int gap_ms, const char *inside,
                           char *text, size_t size, int *number)
{
    char first[256], both[2048];
    struct conn_tls_options o;
    struct err err;
    struct reply r;
    struct conn *c = dial_clear(p);
    *text = '\0';
    if (c == NULL)
        return NOT_DONE;
    *number = conn_number(c);
    starttls_line(p, first, sizeof first);
    if (gap_ms < 0) {
        (void)snprintf(both, sizeof both, "%s%s", first, injected);
        (void)conn_write(c, both, strlen(both), p->o->answer_ms, NULL);
    } else {
        (void)conn_write(c, first, strlen(first), p->o->answer_ms, NULL);
        conn_pause(p->loop, gap_ms);
        (void)conn_write(c, injected, strlen(injected), p->o->answer_ms, NULL);
        /* Time for an answer in clear, which the handshake would cut off. */
        conn_pause(p->loop, gap_ms + 10);
    }
    if (dial_reply(p, c, p->protocol == PROTOCOL_IMAP ? "s1" : NULL, false, p->o->answer_ms, &r) !=
        REPLY_OK) {
        dial_close(p, c);
        /* It sees two commands at once and refuses both: nothing was obeyed. */
        return r.kind == REPLY_SILENT ? NOT_DONE : DROPPED;
    }
    dial_options(p, &o);
    int rc = conn_starttls(c, &o, p->o->answer_ms, &err);
    const unsigned char *in;
    size_t n = conn_input(c, &in, NULL);
    if (conn_plaintext_left(c) > 0 && n > 1 && (in[0] == 21 || in[0] == 22) && in[1] == 3) {
        /* A TLS alert: the injected bytes were taken for a handshake that is none. */
        dial_close(p, c);
        return BROKE;
    }
    if (conn_plaintext_left(c) > 0) {
        (void)snprintf(text, size, "%.*s", (int)(n < size - 1 ? n : size - 1), (const char *)in);
        dial_close(p, c);
        return complains(p, text) ? BROKE : IN_CLEAR;
    }
    if (rc != 0) {
        dial_close(p, c);
        return BROKE;
    }
    (void)conn_write(c, inside, strlen(inside), p->o->answer_ms, NULL);
    (void)dial_rest(p, c, p->o->answer_ms, text, size);
    dial_close(p, c);
    return DROPPED;
}

static const char *fence(const struct port *p)
{
    switch (p->protocol) {
    case PROTOCOL_IMAP:
        return "f1 NOOP\r\nf2 LOGOUT\r\n";
    case PROTOCOL_POP3:
        return "QUIT\r\n";
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        break;
    }
    return "RSET\r\nQUIT\r\n";
}

/* What the table tells: the worst that was seen, else what became of the line in one segment. */
static void note(struct port *p, const char *what, bool bad)
{
    if (bad || p->facts.injection[0] == '\0')
        (void)snprintf(p->facts.injection, sizeof p->facts.injection, "%s", what);
}

static void judge(struct port *p, enum check_id id, enum outcome out, bool obeyed, const char *text,
                  int number)
{
    int line = (int)strcspn(text, "\r\n");
    switch (out) {
    case NOT_DONE:
        return;
    case BROKE:
        note(p, "ends it", false);
        port_good(p, id, NULL);
        break;
    case IN_CLEAR:
        note(p, "ANSWERED", true);
        port_bad(p, id, NULL,
                 "the injected command was answered in clear behind the go-ahead: %.*s", line,
                 text);
        break;
    case DROPPED:
    case OBEYED:
        if (obeyed) {
            note(p, "OBEYED", true);
            port_bad(p, id, NULL, "the injected command was obeyed inside TLS: %.*s", line, text);
        } else {
            note(p, "dropped", false);
            port_good(p, id, NULL);
        }
        break;
    }
    dial_shows(p, id, number);
}

/* More replies than the fence asks for: the injected line had one. */
static bool extra(const struct port *p, const char *text)
{
    if (p->protocol == PROTOCOL_IMAP)
        return strstr(text, "inj1 ") != NULL;
    int expected = p->protocol == PROTOCOL_POP3 ? 1 : 2;
    if (p->mode == MODE_IMPLICIT)
        expected++;
    return count_replies(p, text) > expected;
}

static const char *bait(const struct port *p)
{
    return p->protocol == PROTOCOL_IMAP   ? "inj1 NOOP\r\n"
           : p->protocol == PROTOCOL_POP3 ? "CAPA\r\n"
                                          : "NOOP\r\n";
}

static void whole_and_split(struct port *p)
{
    char text[4096];
    int number = 0;
    enum check_id id = p->protocol == PROTOCOL_SMTP   ? CHECK_J01
                       : p->protocol == PROTOCOL_IMAP ? CHECK_J02
                                                      : CHECK_J03;
    if (port_wants(p, id)) {
        enum outcome out = inject(p, bait(p), -1, fence(p), text, sizeof text, &number);
        judge(p, id, out, extra(p, text), text, number);
    }
    /* The race is won now and then: at once more than once. */
    static const int gaps[] = {0, 0, 1, 5, 30};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps && port_wants(p, CHECK_J04); i++) {
        enum outcome out = inject(p, bait(p), gaps[i], fence(p), text, sizeof text, &number);
        /* A handshake that starts while the line is under way breaks; each gap is looked at. */
        if (i + 1 == sizeof gaps / sizeof *gaps || out == IN_CLEAR || extra(p, text)) {
            /* Behind the 220 the server is in the handshake: bytes in clear end it. */
            judge(p, CHECK_J04, out, extra(p, text), text, number);
        }
    }
}

/* "NO" in clear, "OP" inside: together they would be a command. */
static void partial(struct port *p)
{
    char text[4096];
    int number = 0;
    const char *head = p->protocol == PROTOCOL_IMAP   ? "inj1 NO"
                       : p->protocol == PROTOCOL_POP3 ? "CA"
                                                      : "NO";
    const char *tail = p->protocol == PROTOCOL_IMAP   ? "OP\r\nf2 LOGOUT\r\n"
                       : p->protocol == PROTOCOL_POP3 ? "PA\r\nQUIT\r\n"
                                                      : "OP\r\nQUIT\r\n";
    if (!port_wants(p, CHECK_J05))
        return;
    enum outcome out = inject(p, head, -1, tail, text, sizeof text, &number);
    bool glued = p->protocol == PROTOCOL_IMAP ? strstr(text, "inj1 OK") != NULL
                 : p->protocol == PROTOCOL_POP3
                     ? strncmp(text, "+OK", 3) == 0 && count_replies(p, text) > 1
                     : text[0] == '2' && count_replies(p, text) > 1;
    if (out == BROKE)
        port_good(p, CHECK_J05, NULL);
    else if (out != NOT_DONE)
        port_judge(p, CHECK_J05, !glued, NULL,
                   "the beginning in clear and the end inside TLS made a command: %.*s",
                   (int)strcspn(text, "\r\n"), text);
    if (out != NOT_DONE)
        dial_shows(p, CHECK_J05, number);
}

static void envelope(struct port *p)
{
    char text[4096];
    int number = 0;
    if (!port_wants(p, CHECK_J07))
        return;
    enum outcome out = inject(p, "EHLO attacker.invalid\r\nMAIL FROM:<>\r\n", -1,
                              "RCPT TO:<postmaster>\r\nQUIT\r\n", text, sizeof text, &number);
    if (out == NOT_DONE)
        return;
    if (out == BROKE)
        port_good(p, CHECK_J07, NULL);
    else
        port_judge(p, CHECK_J07, out != IN_CLEAR && text[0] != '2', NULL,
                   "inside TLS RCPT got \"%.*s\" without a MAIL there", (int)strcspn(text, "\r\n"),
                   text);
    dial_shows(p, CHECK_J07, number);
}

/* The attacker's login is injected; if the session has it, the victim's mail goes to him. */
static void fixation(struct port *p)
{
    char text[4096], login[512];
    int number = 0;
    if (!port_wants(p, CHECK_J06))
        return;
    if (p->protocol == PROTOCOL_IMAP)
        (void)snprintf(login, sizeof login, "inj1 LOGIN \"%s\" \"%s\"\r\n", p->o->user,
                       p->o->password);
    else if (p->protocol == PROTOCOL_POP3)
        (void)snprintf(login, sizeof login, "USER %s\r\nPASS %s\r\n", p->o->user, p->o->password);
    else {
        port_not_here(p, CHECK_J06, "what is injected before TLS is judged by J01 here");
        return;
    }
    const char *inside =
        p->protocol == PROTOCOL_IMAP ? "f1 SELECT INBOX\r\nf2 LOGOUT\r\n" : "STAT\r\nQUIT\r\n";
    enum outcome out = inject(p, login, -1, inside, text, sizeof text, &number);
    bool in =
        p->protocol == PROTOCOL_IMAP ? strstr(text, "f1 OK") != NULL : strncmp(text, "+OK", 3) == 0;
    if (out != NOT_DONE) {
        port_judge(p, CHECK_J06, out == BROKE || !in, NULL,
                   "the injected login holds inside TLS: %.*s", (int)strcspn(text, "\r\n"), text);
        dial_shows(p, CHECK_J06, number);
    }
}

void room_injection(struct port *p)
{
    if (p->mode != MODE_CLEAR || p->found[CHECK_S04].kind != FINDING_GOOD)
        return;
    whole_and_split(p);
    partial(p);
    envelope(p);
    fixation(p);
}
