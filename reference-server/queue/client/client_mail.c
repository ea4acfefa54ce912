/* Messages over a session that is ready: MAIL, RCPT, DATA, the text, and what the replies mean for
 * each recipient. RFC 5321, 3.3; RFC 2033 (LMTP: a reply for each recipient).
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "queue/client/client_state.h"
#include "queue/message.h"

enum { RECIPIENTS_AT_ONCE = 100 }; /* RFC 5321, 4.5.3.1.8: so many are taken anywhere */

static char refused_by[DNS_NAME_MAX + 1]; /* for one fault */

static void begin_transaction(struct client *c);

/* Seconds until the time by which it is wanted there; none left counts as little as it is. */
static int64_t time_left(const struct client *c)
{
    if (fault(FAULT_QUEUE_BY_NOT_COUNTED))
        return c->mail->wishes->by_s - c->mail->arrival_s;
    return c->mail->wishes->by_s - clock_wall_s(c->o.clock);
}

/* The exact value; a fault knows three. */
static int told_priority(const struct wishes *w)
{
    if (!fault(FAULT_QUEUE_PRIORITY_ROUNDED))
        return w->priority;
    return w->priority < -4 ? -9 : w->priority > 4 ? 9 : 0;
}

static size_t add_wishes(const struct client *c, char *line, size_t size)
{
    const struct wishes *w = c->mail->wishes;
    size_t n = 0;
    line[0] = '\0';
    if (c->offers.requiretls && c->secure && w->requiretls &&
        !fault(FAULT_QUEUE_REQUIRETLS_NOT_PASSED))
        n += (size_t)snprintf(line + n, size - n, " REQUIRETLS");
    bool by = c->offers.by || fault(FAULT_QUEUE_BY_UNASKED);
    if (by && w->by != BY_NOT_ASKED && !fault(FAULT_QUEUE_BY_NOT_PASSED))
        n += (size_t)snprintf(line + n, size - n, " BY=%lld;%c%s", (long long)time_left(c),
                              w->by == BY_RETURN ? 'R' : 'N',
                              w->by_trace && !fault(FAULT_QUEUE_BY_TRACE_IGNORED) ? "T" : "");
    bool priority = (c->offers.priority && !fault(FAULT_QUEUE_PRIORITY_NOT_PASSED)) ||
                    (w->priority_said && fault(FAULT_QUEUE_PRIORITY_UNASKED));
    if (priority) /* RFC 6710, 4.2 */
        n += (size_t)snprintf(line + n, size - n, " MT-PRIORITY=%d", told_priority(w));
    return n;
}

/* Binary text goes by BDAT (RFC 3030, 3). */
static bool in_chunks(const struct client *c)
{
    return c->mail->binary && c->offers.binarymime && c->offers.chunking &&
           !fault(FAULT_QUEUE_BINARY_UNASKED);
}

static void say_mail(struct client *c)
{
    const struct client_mail *m = c->mail;
    char line[COMMAND_BYTES];
    const char *sender =
        fault(FAULT_QUEUE_KEEPS_SOURCE_ROUTE) ? m->sender : address_after_route(m->sender);
    bool dsn = c->offers.dsn || fault(FAULT_QUEUE_DSN_UNASKED);
    size_t n = (size_t)snprintf(line, sizeof line, "MAIL FROM:<%s>", sender);
    if (n >= sizeof line - 512) {
        c->broken = true;
        return;
    }
    if (c->offers.has_size || fault(FAULT_QUEUE_SIZE_UNASKED))
        n += (size_t)snprintf(line + n, sizeof line - n, " SIZE=%zu",
                              fault(FAULT_QUEUE_SIZE_TOO_SMALL) ? 1 : m->len);
    if (in_chunks(c))
        n += (size_t)snprintf(line + n, sizeof line - n, " BODY=BINARYMIME");
    else if (c->offers.eight_bit && m->eight_bit && !fault(FAULT_QUEUE_8BIT_BODY_MISSING))
        n += (size_t)snprintf(line + n, sizeof line - n, " BODY=8BITMIME");
    if (c->offers.utf8 && m->utf8 && !fault(FAULT_QUEUE_UTF8_WORD_MISSING))
        n += (size_t)snprintf(line + n, sizeof line - n, " SMTPUTF8");
    n += add_wishes(c, line + n, sizeof line - n);
    if (dsn && m->ret != NULL && !fault(FAULT_QUEUE_DROPS_RET))
        n += (size_t)snprintf(line + n, sizeof line - n, " RET=%s", m->ret);
    if (dsn && m->envid != NULL && !fault(FAULT_QUEUE_DROPS_ENVID))
        n += (size_t)snprintf(line + n, sizeof line - n, " ENVID=%s", m->envid);
    client_command(c, "%s", line);
}

/* What two faults do; up to the end, or to a character. */
static void lower(char *text, char end)
{
    for (; *text != '\0' && *text != end; text++)
        *text = (char)tolower((unsigned char)*text);
}

/* One fault cannot wait for replies that come after the one that ends it. */
static bool pipelined(const struct client *c)
{
    return c->offers.pipelining && !fault(FAULT_QUEUE_4YZ_ENDS_TRANSACTION);
}

static void say_rcpt(struct client *c, const struct client_recipient *r)
{
    const struct wishes *w = c->mail->wishes;
    bool in_time = w->by == BY_NOTIFY && !c->offers.by && time_left(c) > 0;
    const char *words = in_time ? r->notify_by : r->notify;
    bool dsn = c->offers.dsn || fault(FAULT_QUEUE_DSN_UNASKED);
    bool orcpt = dsn && r->orcpt != NULL && !fault(FAULT_QUEUE_NO_ORCPT);
    bool notify = dsn && words != NULL && !fault(FAULT_QUEUE_DROPS_NOTIFY);
    char address[COMMAND_BYTES / 4], original[COMMAND_BYTES / 4];
    bool along = fault(FAULT_QUEUE_KEEPS_SOURCE_ROUTE) || fault(FAULT_QUEUE_REPORT_ALONG_ROUTE);
    snprintf(address, sizeof address, "%s", along ? r->address : address_after_route(r->address));
    snprintf(original, sizeof original, "%s", orcpt ? r->orcpt : "");
    if (fault(FAULT_QUEUE_LOWERS_LOCAL_PART))
        lower(address, '@');
    if (fault(FAULT_QUEUE_ORCPT_LOWERED))
        lower(original, '\0');
    client_command(c, "RCPT TO:<%s>%s%s%s%s", address, notify ? " NOTIFY=" : "",
                   notify ? words : "", orcpt ? " ORCPT=" : "", original);
}

/* Where the line ends that begins here, and what ends it: CR LF, or a CR or LF that stands alone;
 * nothing where the text is over. */
static const unsigned char *line_end(const unsigned char *p, const unsigned char *end, size_t *n)
{
    bool whole = fault(FAULT_QUEUE_SENDS_BARE_LF);
    for (; p < end; p++) {
        bool crlf = *p == '\r' && p + 1 < end && p[1] == '\n';
        if (crlf || (!whole && (*p == '\r' || *p == '\n'))) {
            *n = crlf ? 2 : 1;
            return p;
        }
        if (*p == '\n' && p + 1 < end && p[1] == '.') { /* whoever takes it for the end of a line */
            *n = 0;
            return p + 1;
        }
    }
    *n = 0;
    return end;
}

/* The text, with the dots that begin lines doubled (RFC 5321, 4.5.2), and the end. A CR or LF that
 * stands alone is not sent to anybody (2.3.8): it was taken for the end of a line, and becomes one.
 */
static void say_text(struct client *c)
{
    const unsigned char *p = c->mail->data, *end = p + c->mail->len;
    bool fine = true, stuff = !fault(FAULT_QUEUE_DOTS_NOT_DOUBLED);
    while (fine && p < end) {
        size_t n;
        const unsigned char *stop = line_end(p, end, &n);
        if (*p == '.' && stuff)
            fine = link_write(&c->link, ".", 1);
        fine = fine && link_write(&c->link, p, (size_t)(stop - p));
        if (n > 0 || stop == end)
            fine = fine && link_write(&c->link, "\r\n", 2);
        p = stop + n;
    }
    fine = fine && link_write(&c->link, ".\r\n", 3);
    c->broken = c->broken || !fine;
}

static void outcome_for_open(struct client *c, const struct client_outcome *why)
{
    for (size_t i = c->first; i < c->end; i++)
        if (c->mail->recipients[i].outcome.verdict == CLIENT_NOTHING ||
            c->mail->recipients[i].outcome.verdict == CLIENT_TAKEN)
            c->mail->recipients[i].outcome = *why;
}

bool client_spent(const struct client *c)
{
    return c->offers.most_mails > 0 && c->sent >= c->offers.most_mails &&
           !fault(FAULT_QUEUE_MAILMAX_IGNORED);
}

/* This transaction is over; more recipients make another one, in this session while the server
 * takes one (RFC 9422, 4.1). */
static void transaction_over(struct client *c)
{
    c->first = c->mail->settled = c->end;
    if (c->first < c->mail->count && !client_spent(c)) {
        begin_transaction(c);
        return;
    }
    client_rest(c);
    client_mail_done(c);
}

static void reset(struct client *c)
{
    client_command(c, "RSET");
    client_wait_for(c, RSET, COMMAND_MS);
    link_flush(&c->link);
}

static void begin_transaction(struct client *c)
{
    size_t most = RECIPIENTS_AT_ONCE;
    if (c->offers.most_recipients > 0 && c->offers.most_recipients < most &&
        !fault(FAULT_QUEUE_LIMITS_IGNORED))
        most = c->offers.most_recipients;
    if (fault(FAULT_QUEUE_ONE_BY_ONE))
        most = 1;
    size_t left = c->mail->count - c->first;
    c->end = c->first + (left < most ? left : most);
    c->at = c->first;
    c->taken = 0;
    c->mail_failed = c->data_said = false;
    c->sent++;
    say_mail(c);
    if (pipelined(c)) {
        for (size_t i = c->first; i < c->end; i++)
            say_rcpt(c, &c->mail->recipients[i]);
        c->data_said = !in_chunks(c);
        if (c->data_said)
            client_command(c, "DATA");
    }
    client_wait_for(c, MAIL, COMMAND_MS);
    link_flush(&c->link);
}

/* LMTP answers for each recipient that it took, in their order (RFC 2033, 4.2). */
static bool next_answer(struct client *c)
{
    while (c->at < c->end && c->mail->recipients[c->at].outcome.verdict != CLIENT_TAKEN)
        c->at++;
    return c->at < c->end;
}

static void next_rcpt(struct client *c)
{
    if (c->at < c->end) {
        if (!pipelined(c))
            say_rcpt(c, &c->mail->recipients[c->at]);
        client_wait_for(c, RCPT, COMMAND_MS);
    } else if (c->taken == 0 && !c->data_said) {
        reset(c);
        return;
    } else if (in_chunks(c)) {
        client_command(c, "BDAT %zu LAST", c->mail->len);
        c->broken = c->broken || !link_write(&c->link, c->mail->data, c->mail->len);
        c->at = c->first;
        next_answer(c);
        client_wait_for(c, SENDING, BLOCK_MS);
    } else {
        if (!c->data_said)
            client_command(c, "DATA");
        client_wait_for(c, DATA, DATA_MS);
    }
    link_flush(&c->link);
}

static void mail_replied(struct client *c)
{
    struct client_outcome o;
    client_judge(c, &o, "0.0");
    if (o.verdict != CLIENT_TAKEN) {
        if (o.verdict == CLIENT_NEVER)
            snprintf(refused_by, sizeof refused_by, "%s", c->peer_name);
        c->mail_failed = true;
        outcome_for_open(c, &o);
        if (!pipelined(c)) {
            reset(c);
            return;
        }
    }
    next_rcpt(c);
}

static void rcpt_replied(struct client *c)
{
    struct client_recipient *r = &c->mail->recipients[c->at++];
    if (!c->mail_failed) {
        client_judge(c, &r->outcome, c->reply.code / 100 == 5 ? "1.1" : "0.0");
        /* RFC 5321, 4.5.3.1.10: 552 in the place of 452 means too many recipients, for now. */
        if (c->reply.code == 552 && c->taken > 0 && !fault(FAULT_QUEUE_552_IS_FINAL))
            r->outcome.verdict = CLIENT_LATER;
        if (r->outcome.verdict == CLIENT_TAKEN)
            c->taken++;
        if (r->outcome.verdict == CLIENT_LATER && fault(FAULT_QUEUE_4YZ_ENDS_TRANSACTION)) {
            const struct client_outcome o = r->outcome;
            outcome_for_open(c, &o);
            reset(c);
            return;
        }
    }
    next_rcpt(c);
}

static void data_replied(struct client *c)
{
    bool go = c->reply.code == 354 || fault(FAULT_QUEUE_TEXT_WITHOUT_354);
    if (go && c->taken > 0 && !c->mail_failed) {
        say_text(c);
        c->at = c->first;
        next_answer(c);
        client_wait_for(c, SENDING, BLOCK_MS);
        link_flush(&c->link);
        return;
    }
    if (c->reply.code / 100 == 3 && c->o.lmtp) {
        client_lost(c, "it wants a text for nobody");
        return;
    }
    if (c->reply.code / 100 == 3) {
        /* The server wants a text though nobody was accepted: it gets none (RFC 2920, 3.1). */
        client_command(c, ".");
        client_wait_for(c, FINAL, FINAL_MS);
        link_flush(&c->link);
        return;
    }
    if (c->taken > 0) {
        struct client_outcome o;
        client_judge(c, &o, "0.0");
        if (o.verdict == CLIENT_TAKEN)
            client_says(&o, CLIENT_LATER, "4.5.0", "DATA was answered with %d", c->reply.code);
        outcome_for_open(c, &o);
    }
    reset(c);
}

static void final_replied(struct client *c)
{
    struct client_outcome o;
    if (c->taken > 0 && !c->mail_failed) {
        client_judge(c, &o, "0.0");
        c->mail->passed_dsn = c->offers.dsn;
        c->mail->passed_by = c->offers.by;
        if (!c->o.lmtp) {
            outcome_for_open(c, &o);
        } else {
            c->mail->recipients[c->at++].outcome = o;
            if (next_answer(c)) {
                client_wait_for(c, FINAL, FINAL_MS);
                return;
            }
        }
    }
    transaction_over(c);
}

/* RFC 2852, 4.1.4.1: mode R goes only where its time is kept. */
static bool too_slow(const struct client *c, struct client_outcome *why)
{
    if (c->mail->wishes->by != BY_RETURN || fault(FAULT_QUEUE_BY_TIME_IGNORED))
        return false;
    if (!c->offers.by && !fault(FAULT_QUEUE_BY_RETURN_TO_ANYONE))
        client_says(why, CLIENT_NEVER, "5.3.3", "%s does not know DELIVERBY", c->peer_name);
    else if (c->offers.least_by > time_left(c) && !fault(FAULT_QUEUE_BY_MINIMUM_IGNORED))
        client_says(why, CLIENT_NEVER, "5.3.3", "%s promises nothing within less than %ld seconds",
                    c->peer_name, c->offers.least_by);
    else if (time_left(c) <= 0)
        client_says(why, CLIENT_LATER, "4.4.7", "there was no time left");
    else
        return false;
    return true;
}

/* What this server cannot take is not offered to it. */
static bool impossible(const struct client *c, struct client_outcome *why)
{
    const struct client_mail *m = c->mail;
    if (fault(FAULT_QUEUE_REMEMBERS_REFUSAL) && strcmp(refused_by, c->peer_name) == 0)
        client_says(why, CLIENT_NEVER, "5.0.0", "%s does not like our mail", c->peer_name);
    else if (c->offers.has_size && c->offers.size > 0 && m->len > c->offers.size)
        client_says(why, CLIENT_NEVER, "5.3.4", "%s takes messages of up to %llu octets",
                    c->peer_name, c->offers.size);
    else if (m->utf8 && !c->offers.utf8 && !fault(FAULT_QUEUE_UTF8_UNASKED))
        client_says(why, CLIENT_NEVER, "5.6.7", "%s does not know SMTPUTF8", c->peer_name);
    else if (m->binary && !in_chunks(c) && !fault(FAULT_QUEUE_BINARY_UNASKED))
        client_says(why, CLIENT_NEVER, "5.6.3", "%s takes no binary text, and none is converted",
                    c->peer_name);
    else if (!m->binary && m->eight_bit && !c->offers.eight_bit && !fault(FAULT_QUEUE_8BIT_UNASKED))
        client_says(why, CLIENT_NEVER, "5.6.3", "%s takes no 8bit text, and none is converted here",
                    c->peer_name);
    else
        return too_slow(c, why);
    return true;
}

void client_send(struct client *c, struct client_mail *m)
{
    struct client_outcome why;
    c->mail = m;
    c->first = m->settled;
    for (size_t i = c->first; i < m->count; i++)
        m->recipients[i].outcome.verdict = CLIENT_NOTHING;
    if (c->state != IDLE) {
        c->end = m->settled = m->count;
        client_says(&why, CLIENT_LATER, "4.4.2", "the connection is gone");
        outcome_for_open(c, &why);
        client_mail_done(c);
    } else if (impossible(c, &why)) {
        c->end = m->settled = m->count;
        outcome_for_open(c, &why);
        client_mail_done(c);
    } else {
        begin_transaction(c);
    }
}

bool client_mail_replied(struct client *c)
{
    switch (c->state) {
    case MAIL:
        mail_replied(c);
        return true;
    case RCPT:
        rcpt_replied(c);
        return true;
    case DATA:
        data_replied(c);
        return true;
    case SENDING: /* it answers before it has all: nothing good, and the rest is still to be said */
    case FINAL:
        final_replied(c);
        return true;
    case RSET:
        transaction_over(c);
        return true;
    default:
        return false;
    }
}

/* The domains of a smarthost's recipients count over the session (RFC 9422, 4.3). */
bool client_fits(struct client *c, const char *domain)
{
    if (client_spent(c))
        return false;
    if (strcasecmp(domain, c->last_domain) == 0)
        return true;
    if (c->offers.most_domains > 0 && c->domains >= c->offers.most_domains)
        return false;
    snprintf(c->last_domain, sizeof c->last_domain, "%s", domain);
    c->domains++;
    return true;
}
