/* The client's side of SMTP as a state machine: each state waits for one reply. With PIPELINING the
 * commands of a transaction go out at once and the replies are awaited in the same order; a state
 * is then entered with its command said already. SPDX-License-Identifier: MIT */
#include "queue/client.h"
#include "queue/client_tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "queue/link.h"
#include "queue/reply.h"
#include "sasl.h"

enum state {
    CONNECTING,
    GREETING,
    EHLO,
    HELO,
    STARTTLS,
    SHAKING,
    AUTH,
    IDLE,
    MAIL,
    RCPT,
    DATA,
    SENDING, /* the text, until it has gone */
    FINAL,
    RSET,
    QUITTING, /* closed by its owner: waits for the answer to QUIT */
    OVER,
};

/* RFC 5321, 4.5.3.2: the least a client has to wait. */
enum {
    MINUTE = 60000,
    GREETING_MS = 5 * MINUTE,
    COMMAND_MS = 5 * MINUTE,
    DATA_MS = 2 * MINUTE,
    BLOCK_MS = 3 * MINUTE,
    FINAL_MS = 10 * MINUTE,
    QUIT_MS = 10000,
    COMMAND_BYTES = 4096,
};

struct client {
    struct client_options o;
    char *hostname, *peer_name, *tlsa_base, *user, *password;
    struct link link;
    struct timer timer;
    struct reply reply;
    enum state state;
    struct client *next, **at_list;
    struct loop_call call; /* frees it: events may be on the stack before that */
    bool closed;           /* client_close was called: nobody is told anything any more */
    bool secure, refused_tls, tls_broke, broken;
    /* What EHLO offers. */
    bool pipelining, eight_bit, utf8, dsn, starttls, requiretls, has_size, auth_plain, auth_login;
    unsigned long long size;
    unsigned long most_recipients; /* RFC 9422; 0: no limit known */
    unsigned auth_step, sent;

    struct client_mail *mail;
    size_t first, end, at; /* the recipients of this transaction, and whose reply is next */
    size_t taken;          /* of them */
    bool data_said;        /* DATA went out with the rest */
    bool mail_failed;
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static char *copy(const char *s)
{
    return s != NULL ? must_have(strdup(s)) : NULL;
}

void client_says(struct client_outcome *o, enum client_verdict verdict, const char *status,
                 const char *fmt, ...)
{
    va_list args;
    o->verdict = verdict;
    o->from_server = false;
    snprintf(o->status, sizeof o->status, "%s", status);
    va_start(args, fmt);
    vsnprintf(o->diagnostic, sizeof o->diagnostic, fmt, args);
    va_end(args);
}

/* What a reply means. Codes that have no place here count as trouble for now (RFC 5321, 4.2.1: the
 * first digit decides); 3yz where it was not asked for is the same. */
static void judge(const struct client *c, struct client_outcome *o, const char *usual)
{
    const struct reply *r = &c->reply;
    int class = r->code / 100;
    o->verdict = class == 2 ? CLIENT_TAKEN : class == 5 ? CLIENT_NEVER : CLIENT_LATER;
    o->from_server = true;
    if (r->enhanced[0] != '\0')
        snprintf(o->status, sizeof o->status, "%s", r->enhanced);
    else
        snprintf(o->status, sizeof o->status, "%d.%s", class == 3 ? 4 : class, usual);
    reply_diagnostic(r, o->diagnostic, sizeof o->diagnostic);
}

/* --- the end of a session, or of a message --- */

static void free_now(void *arg)
{
    struct client *c = arg;
    free(c->hostname);
    free(c->peer_name);
    free(c->tlsa_base);
    free(c->user);
    free(c->password);
    free(c);
}

static void release(struct client *c)
{
    c->state = OVER;
    clock_cancel(c->o.clock, &c->timer);
    link_close(&c->link);
    *c->at_list = c->next;
    if (c->next != NULL)
        c->next->at_list = c->at_list;
    c->call = (struct loop_call){.call = free_now, .arg = c};
    loop_post(c->o.loop, &c->call);
}

static void mail_done(struct client *c)
{
    struct client_mail *m = c->mail;
    c->mail = NULL;
    m->done(m->arg);
}

/* No session any more: what is open gets this outcome. */
static void give_up(struct client *c, const struct client_outcome *why)
{
    struct client_outcome kept = *why; /* it may be a recipient's */
    if (c->state == OVER)
        return;
    if (c->closed) {
        release(c);
        return;
    }
    c->state = OVER;
    clock_cancel(c->o.clock, &c->timer);
    link_close(&c->link);
    if (c->mail != NULL) {
        for (size_t i = 0; i < c->mail->count; i++) {
            struct client_outcome *o = &c->mail->recipients[i].outcome;
            /* A recipient that was taken is not delivered to before the final dot. */
            bool open = i >= c->first && i < c->end && o->verdict == CLIENT_TAKEN;
            if (o->verdict == CLIENT_NOTHING || open)
                *o = kept;
        }
        mail_done(c);
    }
    if (!c->closed)
        c->o.ended(c->o.arg, &kept);
}

static void lost(struct client *c, const char *why)
{
    struct client_outcome o;
    client_says(&o, CLIENT_LATER, c->state == CONNECTING ? "4.4.1" : "4.4.2", "%s", why);
    give_up(c, &o);
}

/* --- saying --- */

static void wait_for(struct client *c, enum state state, int64_t ms)
{
    c->state = state;
    memset(&c->reply, 0, offsetof(struct reply, text));
    c->reply.text[0] = '\0';
    c->reply.text_len = c->reply.line_len = 0;
    c->reply.lines = 0;
    clock_set(c->o.clock, &c->timer, ms);
}

/* Between messages; how long that may be is the owner's decision. */
static void rest(struct client *c)
{
    wait_for(c, IDLE, 0);
    clock_cancel(c->o.clock, &c->timer);
}

__attribute__((format(printf, 2, 3))) static void say(struct client *c, const char *fmt, ...)
{
    char line[COMMAND_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line - 2, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line - 2) {
        c->broken = true; /* nothing that long is ever made here */
        return;
    }
    memcpy(line + n, "\r\n", 2);
    if (!link_write(&c->link, line, (size_t)n + 2))
        c->broken = true;
}

/* --- a transaction --- */

static void begin_transaction(struct client *c);

static void say_mail(struct client *c)
{
    const struct client_mail *m = c->mail;
    char line[COMMAND_BYTES];
    size_t n = (size_t)snprintf(line, sizeof line, "MAIL FROM:<%s>", m->sender);
    if (n >= sizeof line - 512) {
        c->broken = true;
        return;
    }
    if (c->has_size)
        n += (size_t)snprintf(line + n, sizeof line - n, " SIZE=%zu", m->len);
    if (c->eight_bit && m->eight_bit)
        n += (size_t)snprintf(line + n, sizeof line - n, " BODY=8BITMIME");
    if (c->utf8 && m->utf8)
        n += (size_t)snprintf(line + n, sizeof line - n, " SMTPUTF8");
    if (c->requiretls && m->requiretls)
        n += (size_t)snprintf(line + n, sizeof line - n, " REQUIRETLS");
    if (c->dsn && m->ret != NULL)
        n += (size_t)snprintf(line + n, sizeof line - n, " RET=%s", m->ret);
    if (c->dsn && m->envid != NULL)
        n += (size_t)snprintf(line + n, sizeof line - n, " ENVID=%s", m->envid);
    say(c, "%s", line);
}

static void say_rcpt(struct client *c, const struct client_recipient *r)
{
    bool orcpt = c->dsn && r->orcpt != NULL && !fault(FAULT_QUEUE_NO_ORCPT);
    bool notify = c->dsn && r->notify != NULL && !fault(FAULT_QUEUE_DROPS_NOTIFY);
    say(c, "RCPT TO:<%s>%s%s%s%s", r->address, notify ? " NOTIFY=" : "", notify ? r->notify : "",
        orcpt ? " ORCPT=" : "", orcpt ? r->orcpt : "");
}

/* The text, with the dots that begin lines doubled (RFC 5321, 4.5.2), and the end. */
static void say_text(struct client *c)
{
    const unsigned char *p = c->mail->data, *end = p + c->mail->len;
    bool fine = true, stuff = !fault(FAULT_QUEUE_DOTS_NOT_DOUBLED);
    while (fine && p < end) {
        const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));
        const unsigned char *next = lf == NULL ? end : lf + 1;
        if (*p == '.' && stuff)
            fine = link_write(&c->link, ".", 1);
        fine = fine && link_write(&c->link, p, (size_t)(next - p));
        p = next;
    }
    size_t n = c->mail->len;
    if (n > 0 && (n < 2 || memcmp(c->mail->data + n - 2, "\r\n", 2) != 0))
        fine = fine && link_write(&c->link, "\r\n", 2);
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

/* This transaction is over; more recipients make another one. */
static void transaction_over(struct client *c)
{
    c->sent++;
    c->first = c->end;
    if (c->first < c->mail->count) {
        begin_transaction(c);
        return;
    }
    rest(c);
    mail_done(c);
}

static void reset(struct client *c)
{
    say(c, "RSET");
    wait_for(c, RSET, COMMAND_MS);
    link_flush(&c->link);
}

static void begin_transaction(struct client *c)
{
    size_t most = c->most_recipients > 0 && c->most_recipients < 100 ? c->most_recipients : 100;
    size_t left = c->mail->count - c->first;
    c->end = c->first + (left < most ? left : most);
    c->at = c->first;
    c->taken = 0;
    c->mail_failed = c->data_said = false;
    say_mail(c);
    if (c->pipelining) {
        for (size_t i = c->first; i < c->end; i++)
            say_rcpt(c, &c->mail->recipients[i]);
        say(c, "DATA");
        c->data_said = true;
    }
    wait_for(c, MAIL, COMMAND_MS);
    link_flush(&c->link);
}

static void next_rcpt(struct client *c)
{
    if (c->at < c->end) {
        if (!c->pipelining)
            say_rcpt(c, &c->mail->recipients[c->at]);
        wait_for(c, RCPT, COMMAND_MS);
    } else if (c->taken == 0 && !c->data_said) {
        reset(c);
        return;
    } else {
        if (!c->data_said)
            say(c, "DATA");
        wait_for(c, DATA, DATA_MS);
    }
    link_flush(&c->link);
}

static void mail_replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code / 100 != 2) {
        judge(c, &o, "0.0");
        c->mail_failed = true;
        outcome_for_open(c, &o);
        if (!c->pipelining) {
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
        judge(c, &r->outcome, c->reply.code / 100 == 5 ? "1.1" : "0.0");
        /* RFC 5321, 4.5.3.1.10: 552 in the place of 452 means too many recipients, for now. */
        if (c->reply.code == 552 && c->taken > 0)
            r->outcome.verdict = CLIENT_LATER;
        if (r->outcome.verdict == CLIENT_TAKEN)
            c->taken++;
    }
    next_rcpt(c);
}

static void data_replied(struct client *c)
{
    if (c->reply.code == 354 && c->taken > 0 && !c->mail_failed) {
        say_text(c);
        wait_for(c, SENDING, BLOCK_MS);
        link_flush(&c->link);
        return;
    }
    if (c->reply.code / 100 == 3) {
        /* The server wants a text though nobody was accepted: it gets none (RFC 2920, 3.1). */
        say(c, ".");
        wait_for(c, FINAL, FINAL_MS);
        link_flush(&c->link);
        return;
    }
    if (c->taken > 0) {
        struct client_outcome o;
        judge(c, &o, "0.0");
        if (o.verdict == CLIENT_TAKEN)
            client_says(&o, CLIENT_LATER, "4.5.0", "DATA was answered with %d", c->reply.code);
        outcome_for_open(c, &o);
    }
    reset(c);
}

static void final_replied(struct client *c)
{
    if (c->taken > 0 && !c->mail_failed) {
        struct client_outcome o;
        judge(c, &o, "0.0");
        outcome_for_open(c, &o);
        c->mail->passed_dsn = c->dsn;
    }
    transaction_over(c);
}

/* What this server cannot take is not offered to it. */
static bool impossible(const struct client *c, struct client_outcome *why)
{
    const struct client_mail *m = c->mail;
    if (m->requiretls && (!c->secure || !c->requiretls || c->o.tls < CLIENT_TLS_VERIFIED))
        client_says(why, CLIENT_NEVER, "5.7.30", "%s offers no REQUIRETLS that can be trusted",
                    c->peer_name);
    else if (c->has_size && c->size > 0 && m->len > c->size)
        client_says(why, CLIENT_NEVER, "5.3.4", "%s takes messages of up to %llu octets",
                    c->peer_name, c->size);
    else if (m->utf8 && !c->utf8)
        client_says(why, CLIENT_NEVER, "5.6.7", "%s does not know SMTPUTF8", c->peer_name);
    else if (m->eight_bit && !c->eight_bit && !fault(FAULT_QUEUE_8BIT_UNASKED))
        client_says(why, CLIENT_NEVER, "5.6.3", "%s takes no 8bit text, and none is converted here",
                    c->peer_name);
    else
        return false;
    return true;
}

void client_send(struct client *c, struct client_mail *m)
{
    struct client_outcome why;
    c->mail = m;
    c->first = 0;
    for (size_t i = 0; i < m->count; i++)
        m->recipients[i].outcome.verdict = CLIENT_NOTHING;
    if (c->state != IDLE) {
        c->end = m->count;
        client_says(&why, CLIENT_LATER, "4.4.2", "the connection is gone");
        outcome_for_open(c, &why);
        mail_done(c);
    } else if (impossible(c, &why)) {
        c->end = m->count;
        outcome_for_open(c, &why);
        mail_done(c);
    } else {
        begin_transaction(c);
    }
}

/* --- the beginning --- */

static void greet(struct client *c)
{
    say(c, "EHLO %s", c->hostname);
    wait_for(c, EHLO, COMMAND_MS);
    link_flush(&c->link);
}

static void usable(struct client *c)
{
    rest(c);
    c->o.ready(c->o.arg);
}

static void encode(struct buf *out, const char *user, const char *password)
{
    struct buf plain;
    buf_init(&plain, COMMAND_BYTES);
    buf_init(out, COMMAND_BYTES);
    buf_add(&plain, "", 1);
    buf_add(&plain, user, strlen(user) + 1);
    buf_add(&plain, password, strlen(password));
    base64_encode(out, plain.data, plain.len);
    buf_add(out, "", 1);
    buf_free(&plain);
}

static void say_base64(struct client *c, const char *text)
{
    struct buf out;
    buf_init(&out, COMMAND_BYTES);
    base64_encode(&out, (const unsigned char *)text, strlen(text));
    buf_add(&out, "", 1);
    say(c, "%s", (const char *)out.data);
    buf_free(&out);
}

static bool loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        return false;
    const unsigned char *p = (const unsigned char *)a->sa_data + 2;
    return p[0] == 127;
}

static void log_in(struct client *c)
{
    struct client_outcome o;
    struct buf out;
    if (!c->secure && !loopback(c->o.address)) {
        client_says(&o, CLIENT_LATER, "4.7.0", "%s has no TLS: the password is not shown to it",
                    c->peer_name);
        give_up(c, &o);
        return;
    }
    c->auth_step = 0;
    if (c->auth_plain) {
        encode(&out, c->user, c->password);
        say(c, "AUTH PLAIN %s", (const char *)out.data);
        buf_free(&out);
        c->auth_step = 2;
    } else if (c->auth_login) {
        say(c, "AUTH LOGIN");
    } else {
        client_says(&o, CLIENT_LATER, "4.7.0", "%s offers neither AUTH PLAIN nor LOGIN",
                    c->peer_name);
        give_up(c, &o);
        return;
    }
    wait_for(c, AUTH, COMMAND_MS);
    link_flush(&c->link);
}

static void auth_replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code == 334 && c->auth_step < 2) {
        say_base64(c, c->auth_step == 0 ? c->user : c->password);
        c->auth_step++;
        wait_for(c, AUTH, COMMAND_MS);
        link_flush(&c->link);
    } else if (c->reply.code == 235) {
        usable(c);
    } else {
        /* The account is wrong, not the mail: it waits until someone puts that right. */
        judge(c, &o, "7.8");
        o.verdict = CLIENT_LATER;
        if (o.status[0] == '5')
            o.status[0] = '4';
        give_up(c, &o);
    }
}

static void take_offers(struct client *c)
{
    const struct reply *r = &c->reply;
    char rest[512];
    c->pipelining = reply_keyword(r, "PIPELINING", rest, sizeof rest) != NULL;
    c->eight_bit = reply_keyword(r, "8BITMIME", rest, sizeof rest) != NULL;
    c->utf8 = reply_keyword(r, "SMTPUTF8", rest, sizeof rest) != NULL;
    c->dsn = reply_keyword(r, "DSN", rest, sizeof rest) != NULL;
    c->starttls = reply_keyword(r, "STARTTLS", rest, sizeof rest) != NULL;
    c->requiretls = reply_keyword(r, "REQUIRETLS", rest, sizeof rest) != NULL;
    c->has_size = reply_keyword(r, "SIZE", rest, sizeof rest) != NULL;
    c->size = c->has_size ? strtoull(rest, NULL, 10) : 0;
    c->most_recipients = 0;
    if (reply_keyword(r, "LIMITS", rest, sizeof rest) != NULL) {
        const char *most = strcasestr(rest, "RCPTMAX=");
        c->most_recipients = most != NULL ? strtoul(most + 8, NULL, 10) : 0;
    }
    c->auth_plain = c->auth_login = false;
    if (reply_keyword(r, "AUTH", rest, sizeof rest) != NULL) {
        c->auth_plain = strcasestr(rest, "PLAIN") != NULL;
        c->auth_login = strcasestr(rest, "LOGIN") != NULL;
    }
}

/* After hello: TLS if it is wanted, login, ready. */
static void go_on(struct client *c)
{
    struct client_outcome o;
    enum client_tls want = c->o.ctx != NULL ? c->o.tls : CLIENT_TLS_NEVER;
    if (!c->secure && want != CLIENT_TLS_NEVER && c->starttls && !c->refused_tls) {
        say(c, "STARTTLS");
        wait_for(c, STARTTLS, COMMAND_MS);
        link_flush(&c->link);
    } else if (!c->secure && c->o.tls >= CLIENT_TLS_MUST &&
               !(c->o.tls == CLIENT_TLS_DANE && fault(FAULT_QUEUE_DANE_DOWNGRADE))) {
        client_says(&o, CLIENT_LATER, "4.7.4", "%s has no TLS, and mail for it has to be encrypted",
                    c->peer_name);
        give_up(c, &o);
    } else if (c->user != NULL) {
        log_in(c);
    } else {
        usable(c);
    }
}

static void greeted(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code / 100 == 2) {
        greet(c);
        return;
    }
    judge(c, &o, c->reply.code == 521 || c->reply.code == 554 ? "3.2" : "3.0");
    give_up(c, &o);
}

static void hello_replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code / 100 == 2) {
        if (c->state == EHLO)
            take_offers(c);
        go_on(c);
    } else if (c->state == EHLO && c->reply.code / 100 == 5 && c->reply.code != 521) {
        say(c, "HELO %s", c->hostname); /* RFC 5321, 3.2 */
        wait_for(c, HELO, COMMAND_MS);
        link_flush(&c->link);
    } else {
        judge(c, &o, "3.0");
        give_up(c, &o);
    }
}

/* --- TLS --- */

static void starttls_replied(struct client *c)
{
    if (c->reply.code / 100 != 2) {
        c->refused_tls = true;
        go_on(c);
        return;
    }
    if (c->link.in.len > 0) {
        lost(c, "the server said something in clear behind its 220 to STARTTLS");
        return;
    }
    const struct client_tls_wish wish = {c->o.tls,  c->o.ctx,        c->peer_name,
                                         c->o.tlsa, c->o.tlsa_count, c->tlsa_base};
    SSL *ssl = client_tls_session(&wish);
    if (ssl == NULL) {
        lost(c, "no TLS session");
        return;
    }
    wait_for(c, SHAKING, COMMAND_MS);
    link_secure(&c->link, ssl);
}

/* --- driving --- */

static void replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code == 421 && c->state != GREETING) { /* RFC 5321, 3.8: it hangs up */
        judge(c, &o, "3.2");
        give_up(c, &o);
        return;
    }
    switch (c->state) {
    case GREETING:
        greeted(c);
        break;
    case EHLO:
    case HELO:
        hello_replied(c);
        break;
    case STARTTLS:
        starttls_replied(c);
        break;
    case AUTH:
        auth_replied(c);
        break;
    case MAIL:
        mail_replied(c);
        break;
    case RCPT:
        rcpt_replied(c);
        break;
    case DATA:
        data_replied(c);
        break;
    case SENDING: /* it answers before it has all: nothing good, and the rest is still to be said */
    case FINAL:
        final_replied(c);
        break;
    case RSET:
        transaction_over(c);
        break;
    case CONNECTING:
    case SHAKING:
    case IDLE:
    case QUITTING:
    case OVER:
        lost(c, "the server spoke out of turn");
        break;
    }
}

static bool listens(const struct client *c)
{
    return c->state != OVER && c->state != CONNECTING && c->state != SHAKING;
}

static void take_replies(struct client *c)
{
    while (listens(c) && c->link.in.len > 0) {
        size_t used;
        enum reply_step step = reply_feed(&c->reply, c->link.in.data, c->link.in.len, &used);
        buf_consume(&c->link.in, used);
        if (step == REPLY_BAD) {
            char why[200];
            snprintf(why, sizeof why, "the server's reply cannot be read: %s", c->reply.why);
            lost(c, why);
        } else if (step == REPLY_DONE) {
            replied(c);
        }
        if (c->broken && c->state != OVER)
            lost(c, "a command was too long, or the output");
    }
}

static void happened(void *arg, enum link_event e)
{
    struct client *c = arg;
    switch (e) {
    case LINK_CONNECTED:
        wait_for(c, GREETING, GREETING_MS);
        break;
    case LINK_SECURED:
        c->secure = true;
        /* What was offered in clear counts no more (RFC 3207, 4.2). */
        c->starttls = false;
        greet(c);
        break;
    case LINK_SENT:
        if (c->state == SENDING && c->link.out.len == 0)
            wait_for(c, FINAL, FINAL_MS);
        else if (c->state == SENDING)
            clock_set(c->o.clock, &c->timer, BLOCK_MS);
        break;
    case LINK_INPUT:
        take_replies(c);
        break;
    case LINK_ENDED:
        c->tls_broke = c->link.tls_failed;
        lost(c, c->link.why);
        break;
    }
}

static void too_long(void *arg)
{
    struct client *c = arg;
    lost(c, c->state == CONNECTING ? "no connection in time" : "no answer in time");
}

struct client *client_open(const struct client_options *o, struct client_outcome *why)
{
    struct err err;
    struct client *c = must_have(calloc(1, sizeof *c));
    c->o = *o;
    c->hostname = copy(o->hostname);
    c->peer_name = copy(o->peer_name);
    c->tlsa_base = copy(o->tlsa_base);
    c->user = copy(o->user);
    c->password = copy(o->password);
    c->next = *o->all;
    c->at_list = o->all;
    if (c->next != NULL)
        c->next->at_list = &c->next;
    *o->all = c;
    c->timer = (struct timer){.fire = too_long, .arg = c};
    c->link = (struct link){.event = happened, .arg = c, .source = {.fd = -1}};
    if (link_open(&c->link, o->loop, o->address, o->address_len, o->most_output, &err) != 0) {
        client_says(why, CLIENT_LATER, "4.4.1", "%s", err.text);
        release(c);
        return NULL;
    }
    wait_for(c, CONNECTING, o->connect_ms);
    return c;
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    c->closed = true;
    c->mail = NULL;
    if (c->state != IDLE) {
        release(c);
        return;
    }
    say(c, "QUIT"); /* RFC 5321, 4.1.1.10: the answer is waited for, though it changes nothing */
    wait_for(c, QUITTING, QUIT_MS);
    link_flush(&c->link);
}

void client_abort_all(struct client **all)
{
    while (*all != NULL) {
        (*all)->closed = true;
        (*all)->mail = NULL;
        release(*all);
    }
}

bool client_secure(const struct client *c)
{
    return c->secure;
}

bool client_tls_broke(const struct client *c)
{
    return c->tls_broke;
}

unsigned client_sent(const struct client *c)
{
    return c->sent;
}

bool client_idle(const struct client *c)
{
    return c->state == IDLE && c->mail == NULL;
}
