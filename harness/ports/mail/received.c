/* What a submission server writes about TLS into the mail it takes: a message is sent to the
 * recipient, read back from the mailbox of the account, and taken away again. B09. RFC 8314, 4.3;
 * RFC 3848. Called when every port was looked at. SPDX-License-Identifier: MIT */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/host.h"
#include "ports/mail/login.h"
#include "ports/rooms.h"

enum { DELIVERY_MS = 5000, LOOK_MS = 250, HEADER_BYTES = 16 * 1024 };

/* Sends one message. False: B09 is judged, or nothing can be said. */
static bool submit(struct port *p, const char *token)
{
    struct reply r;
    const char *to = p->o->recipient;
    bool sent = false;
    struct conn *c = login_session(p);
    if (c == NULL) {
        port_untested(p, CHECK_B09, "not tested: the login was refused");
        return false;
    }
    if (dial_say(p, c, false, &r, "MAIL FROM:<%s>", to) == REPLY_OK &&
        dial_say(p, c, false, &r, "RCPT TO:<%s>", to) == REPLY_OK &&
        dial_say(p, c, false, &r, "DATA") == REPLY_MORE &&
        dial_say(p, c, false, &r,
                 "From: <%s>\r\nTo: <%s>\r\nSubject: mailproof %s\r\n\r\nA test of port %u by "
                 "mailproof; it is deleted again.\r\n.",
                 to, to, token, p->port) == REPLY_OK)
        sent = true;
    else
        port_untested(p, CHECK_B09, "not tested: the message was refused: %.*s",
                      (int)strcspn(r.text, "\r\n"), r.text);
    dial_close(p, c);
    return sent;
}

/* The uid of the message with this subject; 0: it is not there. */
static unsigned long find_imap(struct port *q, struct conn *c, const char *token)
{
    struct reply r;
    if (dial_say(q, c, false, &r, "UID SEARCH SUBJECT \"mailproof %s\"", token) != REPLY_OK)
        return 0;
    const char *at = strcasestr(r.text, "* SEARCH ");
    return at != NULL ? strtoul(at + 9, NULL, 10) : 0;
}

/* Its Received fields: they come as a literal, which is no line of a reply. */
static void fetch_imap(struct port *q, struct conn *c, unsigned long uid, char *out, size_t size)
{
    static const char end[] = "\nrc1 ";
    char command[128];
    const unsigned char *in;
    double until = loop_now(q->loop) + q->o->answer_ms / 1000.0;
    int n = snprintf(command, sizeof command,
                     "rc1 UID FETCH %lu (BODY.PEEK[HEADER.FIELDS (RECEIVED)])\r\n", uid);
    *out = '\0';
    if (conn_write(c, command, (size_t)n, q->o->answer_ms, NULL) != 0)
        return;
    for (;;) {
        size_t have = conn_input(c, &in, NULL);
        const unsigned char *tag = have > 0 ? memmem(in, have, end, sizeof end - 1) : NULL;
        if (tag != NULL && memchr(tag + 1, '\n', have - (size_t)(tag + 1 - in)) != NULL)
            break;
        int left = (int)((until - loop_now(q->loop)) * 1000);
        if (left <= 0 || conn_fill(c, have, left, NULL) <= 0)
            break;
    }
    size_t have = conn_input(c, &in, NULL);
    (void)snprintf(out, size, "%.*s", (int)(have < size ? have : size - 1),
                   have > 0 ? (const char *)in : "");
    conn_took(c, have);
}

/* Fetches its header and deletes it. */
static bool take_imap(struct port *q, struct conn *c, const char *token, char *out, size_t size)
{
    struct reply r;
    unsigned long uid = find_imap(q, c, token);
    if (uid == 0)
        return false;
    fetch_imap(q, c, uid, out, size);
    (void)dial_say(q, c, false, &r, "UID STORE %lu +FLAGS.SILENT (\\Deleted)", uid);
    /* Without UIDPLUS an EXPUNGE would take messages that are not ours: ours stays marked. */
    (void)dial_say(q, c, false, &r, "UID EXPUNGE %lu", uid);
    return true;
}

static bool take_pop3(struct port *q, struct conn *c, const char *token, char *out, size_t size)
{
    struct reply r;
    char subject[64];
    int n = 0;
    (void)snprintf(subject, sizeof subject, "Subject: mailproof %s", token);
    if (dial_say(q, c, false, &r, "STAT") != REPLY_OK || sscanf(r.text, "+OK %d", &n) != 1)
        return false;
    for (int i = n; i > 0 && i > n - 20; i--) {
        if (dial_say(q, c, true, &r, "TOP %d 0", i) != REPLY_OK || strstr(r.text, subject) == NULL)
            continue;
        (void)snprintf(out, size, "%s", r.text);
        (void)dial_say(q, c, false, &r, "DELE %d", i);
        (void)dial_say(q, c, false, &r, "QUIT");
        return true;
    }
    return false;
}

/* Waits until the message is in the mailbox. */
static bool collect(struct port *q, const char *token, char *out, size_t size)
{
    double until = loop_now(q->loop) + DELIVERY_MS / 1000.0;
    struct reply r;
    bool there = false;
    do {
        struct conn *c = login_session(q);
        if (c == NULL)
            return false;
        if (q->protocol == PROTOCOL_POP3)
            there = take_pop3(q, c, token, out, size);
        else if (dial_say(q, c, false, &r, "SELECT INBOX") == REPLY_OK)
            do {
                there = take_imap(q, c, token, out, size);
                if (!there)
                    conn_pause(q->loop, LOOK_MS);
            } while (!there && loop_now(q->loop) < until &&
                     dial_say(q, c, false, &r, "NOOP") == REPLY_OK);
        dial_close(q, c);
        if (!there)
            conn_pause(q->loop, LOOK_MS);
    } while (!there && loop_now(q->loop) < until);
    return there;
}

/* The newest Received field, unfolded. */
static void newest(const char *text, char *out, size_t size)
{
    const char *at = strcasestr(text, "Received:");
    size_t n = 0;
    while (at != NULL && *at != '\0' && n + 1 < size) {
        if (*at == '\r' || *at == '\n') {
            while (*at == '\r' || *at == '\n')
                at++;
            if (*at != ' ' && *at != '\t')
                break;
            while (*at == ' ' || *at == '\t')
                at++;
            out[n++] = ' ';
            continue;
        }
        out[n++] = *at++;
    }
    out[n] = '\0';
}

static void judge(struct port *p, const char *text)
{
    char line[1024];
    newest(text, line, sizeof line);
    bool with =
        strcasestr(line, "with ESMTPSA") != NULL || strcasestr(line, "with UTF8SMTPSA") != NULL;
    bool suite = strcasestr(line, "tls") != NULL &&
                 (strcasestr(line, "TLS_") != NULL || strcasestr(line, "AES") != NULL ||
                  strcasestr(line, "CHACHA20") != NULL || strcasestr(line, "cipher") != NULL);
    port_judge(p, CHECK_B09, with && suite, NULL, "%s: %s",
               line[0] == '\0' ? "there is no Received field"
               : !with         ? "it does not say \"with ESMTPSA\""
                               : "it does not tell the suite of TLS",
               line);
}

/* A session of TLS and login stands for the whole port: its loop is made for this alone. */
static void borrow_loop(struct port *p)
{
    p->loop = loop_new(NULL);
}

static void give_back(struct port *p)
{
    loop_free(p->loop);
    p->loop = NULL;
}

static bool usable(const struct port *p)
{
    return p->state == PORT_OPEN && !p->limited && p->facts.best_version[0] != '\0';
}

void room_received(struct host *h)
{
    struct port *box = NULL;
    char text[HEADER_BYTES];
    for (size_t i = 0; i < h->n; i++) {
        struct port *q = &h->ports[i];
        if (usable(q) &&
            (q->protocol == PROTOCOL_IMAP || (q->protocol == PROTOCOL_POP3 && box == NULL)))
            if (box == NULL || box->protocol != PROTOCOL_IMAP)
                box = q;
    }
    for (size_t i = 0; i < h->n; i++) {
        struct port *p = &h->ports[i];
        char token[24] = "";
        unsigned char raw[8];
        if (!usable(p) || !port_applies(p, CHECK_B09) || h->o.depth < DEPTH_NORMAL ||
            h->o.user == NULL)
            continue;
        port_forget(p, CHECK_B09);
        if (h->o.recipient == NULL) {
            port_untested(p, CHECK_B09,
                          "not checked: needs the account's own address, --recipient ADDRESS");
            continue;
        }
        if (box == NULL) {
            port_untested(p, CHECK_B09,
                          "not tested: no IMAP or POP3 port was reached, to read the message");
            continue;
        }
        (void)RAND_bytes(raw, sizeof raw);
        for (size_t k = 0; k < sizeof raw; k++)
            (void)snprintf(token + 2 * k, 3, "%02x", raw[k]);
        borrow_loop(p);
        if (submit(p, token)) {
            borrow_loop(box);
            bool there = collect(box, token, text, sizeof text);
            give_back(box);
            if (there)
                judge(p, text);
            else
                port_untested(p, CHECK_B09,
                              "not tested: the message did not come into the INBOX of %s within "
                              "%d s",
                              h->o.user, DELIVERY_MS / 1000);
        }
        give_back(p);
    }
}
