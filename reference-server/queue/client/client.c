/* The client's side of SMTP as a state machine: each state waits for one reply. With PIPELINING the
 * commands of a transaction go out at once and the replies are awaited in the same order; a state
 * is then entered with its command said already. Here is everything but mail, which is in
 * client_mail.c. SPDX-License-Identifier: MIT */
#include "queue/client/client_state.h"
#include "queue/client/client_tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "sasl/sasl.h"

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
 * first digit decides); 3yz where it was not asked for is the same. What no code of SMTP begins
 * with is the end of a mail transaction (4.2). */
void client_judge(const struct client *c, struct client_outcome *o, const char *usual)
{
    const struct reply *r = &c->reply;
    int class = r->code / 100;
    if (class < 4 && fault(FAULT_QUEUE_KNOWS_ONLY_250) && r->code != 250 && r->code != 251 &&
        r->code != 220 && r->code != 221 && r->code != 354)
        class = 4;
    if (class < 2 || class > 5)
        class = c->state < MAIL || fault(FAULT_QUEUE_6YZ_WAITS) ? 4 : 5;
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

void client_mail_done(struct client *c)
{
    struct client_mail *m = c->mail;
    c->mail = NULL;
    m->done(m->arg);
}

/* What two faults make of a connection that ends inside a transaction. */
static enum client_verdict cut_off(enum state state, enum client_verdict verdict)
{
    if (verdict == CLIENT_LATER && fault(FAULT_QUEUE_CUT_OFF_IS_FINAL))
        return CLIENT_NEVER;
    if ((state == FINAL || state == SENDING) && fault(FAULT_QUEUE_CUT_OFF_IS_SUCCESS))
        return CLIENT_TAKEN;
    return verdict;
}

/* No session any more: what is open gets this outcome. */
void client_give_up(struct client *c, const struct client_outcome *why)
{
    struct client_outcome kept = *why; /* it may be a recipient's */
    if (c->state == OVER)
        return;
    if (c->closed) {
        release(c);
        return;
    }
    const enum state state = c->state;
    c->state = OVER;
    clock_cancel(c->o.clock, &c->timer);
    link_close(&c->link);
    if (c->mail != NULL) {
        enum client_verdict open_verdict = cut_off(state, kept.verdict);
        for (size_t i = 0; i < c->mail->count; i++) {
            struct client_outcome *o = &c->mail->recipients[i].outcome;
            /* A recipient that was taken is not delivered to before the final dot. */
            bool open = i >= c->first && i < c->end && o->verdict == CLIENT_TAKEN;
            if (o->verdict == CLIENT_NOTHING || open)
                *o = kept, o->verdict = open ? open_verdict : cut_off(CONNECTING, kept.verdict);
        }
        client_mail_done(c);
    }
    if (!c->closed)
        c->o.ended(c->o.arg, &kept);
}

void client_lost(struct client *c, const char *why)
{
    struct client_outcome o;
    client_says(&o, CLIENT_LATER, c->state == CONNECTING ? "4.4.1" : "4.4.2", "%s", why);
    client_give_up(c, &o);
}

/* --- saying --- */

void client_wait_for(struct client *c, enum state state, int64_t ms)
{
    c->state = state;
    memset(&c->reply, 0, offsetof(struct reply, text));
    c->reply.text[0] = '\0';
    c->reply.text_len = c->reply.line_len = 0;
    c->reply.lines = 0;
    if (state != CONNECTING && fault(FAULT_QUEUE_WAITS_FOR_EVER)) {
        clock_cancel(c->o.clock, &c->timer);
        return;
    }
    clock_set(c->o.clock, &c->timer, fault(FAULT_QUEUE_NO_PATIENCE) && ms > MINUTE ? MINUTE : ms);
}

/* Between messages; how long that may be is the owner's decision. */
void client_rest(struct client *c)
{
    client_wait_for(c, IDLE, 0);
    clock_cancel(c->o.clock, &c->timer);
}

void client_command(struct client *c, const char *fmt, ...)
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

/* --- the beginning --- */

static void say_hello(struct client *c)
{
    client_command(c, "%s %s", c->o.lmtp ? "LHLO" : "EHLO",
                   fault(FAULT_QUEUE_EHLO_SHORT_NAME) ? "localhost" : c->hostname);
}

static void greet(struct client *c)
{
    bool said = c->state == GREETING && fault(FAULT_QUEUE_TALKS_FIRST);
    if (!said)
        say_hello(c);
    client_wait_for(c, EHLO, COMMAND_MS);
    link_flush(&c->link);
}

/* A host that will not do is left with QUIT (RFC 8689, 4.2.1), whose answer nobody needs. */
static void leave(struct client *c, const struct client_outcome *why)
{
    client_command(c, "QUIT");
    link_flush(&c->link);
    client_give_up(c, why);
}

static void usable(struct client *c)
{
    struct client_outcome o;
    if (c->o.requiretls && !c->offers.requiretls) {
        client_says(&o, CLIENT_NEVER, "5.7.30", "%s offers no REQUIRETLS", c->peer_name);
        leave(c, &o);
        return;
    }
    client_rest(c);
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
    client_command(c, "%s", (const char *)out.data);
    buf_free(&out);
}

static bool loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_UNIX)
        return true;
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
        client_give_up(c, &o);
        return;
    }
    c->auth_step = 0;
    if (c->offers.auth_plain) {
        encode(&out, c->user, c->password);
        client_command(c, "AUTH PLAIN %s", (const char *)out.data);
        buf_free(&out);
        c->auth_step = 2;
    } else if (c->offers.auth_login) {
        client_command(c, "AUTH LOGIN");
    } else {
        client_says(&o, CLIENT_LATER, "4.7.0", "%s offers neither AUTH PLAIN nor LOGIN",
                    c->peer_name);
        client_give_up(c, &o);
        return;
    }
    client_wait_for(c, AUTH, COMMAND_MS);
    link_flush(&c->link);
}

static void auth_replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code == 334 && c->auth_step < 2) {
        say_base64(c, c->auth_step == 0 ? c->user : c->password);
        c->auth_step++;
        client_wait_for(c, AUTH, COMMAND_MS);
        link_flush(&c->link);
    } else if (c->reply.code == 235) {
        usable(c);
    } else {
        /* The account is wrong, not the mail: it waits until someone puts that right. */
        client_judge(c, &o, "7.8");
        o.verdict = CLIENT_LATER;
        if (o.status[0] == '5')
            o.status[0] = '4';
        client_give_up(c, &o);
    }
}

/* After hello: TLS if it is wanted, login, ready. */
static void go_on(struct client *c)
{
    struct client_outcome o;
    enum client_tls want = c->o.ctx != NULL ? c->o.tls : CLIENT_TLS_NEVER;
    if ((!c->secure || fault(FAULT_QUEUE_STARTTLS_IN_TLS)) && want != CLIENT_TLS_NEVER &&
        c->offers.starttls && !c->refused_tls) {
        client_command(c, "STARTTLS");
        client_wait_for(c, STARTTLS, COMMAND_MS);
        link_flush(&c->link);
    } else if (!c->secure && c->o.tls >= CLIENT_TLS_MUST &&
               !(c->o.tls == CLIENT_TLS_DANE && fault(FAULT_QUEUE_DANE_DOWNGRADE))) {
        client_says(&o, c->o.requiretls ? CLIENT_NEVER : CLIENT_LATER,
                    c->o.requiretls ? "5.7.10" : "4.7.4",
                    "%s has no TLS, and mail for it has to be encrypted", c->peer_name);
        leave(c, &o);
    } else if (c->user != NULL) {
        log_in(c);
    } else {
        usable(c);
    }
}

static void greeted(struct client *c)
{
    struct client_outcome o;
    bool dummy = c->reply.code == 521 || c->reply.code == 554;
    if (c->reply.code / 100 == 2 || (dummy && fault(FAULT_QUEUE_521_IGNORED))) {
        greet(c);
        return;
    }
    client_judge(c, &o, dummy ? "3.2" : "3.0");
    if (c->reply.code == 521 && fault(FAULT_QUEUE_RETRIES_521))
        o.verdict = CLIENT_LATER;
    client_give_up(c, &o);
}

static void hello_replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code / 100 == 2) {
        if (c->state == EHLO && !(c->secure && fault(FAULT_QUEUE_STARTTLS_KEEPS_EXTENSIONS)))
            offers_take(&c->offers, &c->reply);
        go_on(c);
    } else if (c->state == EHLO && c->reply.code / 100 == 5 && c->reply.code != 521 && !c->o.lmtp &&
               !fault(FAULT_QUEUE_NO_HELO)) {
        client_command(c, "HELO %s", c->hostname); /* RFC 5321, 3.2 */
        client_wait_for(c, HELO, COMMAND_MS);
        link_flush(&c->link);
    } else {
        client_judge(c, &o, "3.0");
        if (fault(FAULT_QUEUE_NO_HELO))
            o.verdict = CLIENT_LATER;
        client_give_up(c, &o);
    }
}

/* --- TLS --- */

static void starttls_replied(struct client *c)
{
    if (c->reply.code == 454 && fault(FAULT_QUEUE_STARTTLS_454_RETURNS)) {
        struct client_outcome o;
        client_judge(c, &o, "7.4");
        o.verdict = CLIENT_NEVER;
        leave(c, &o);
        return;
    }
    if (c->reply.code / 100 != 2 || c->secure) {
        c->refused_tls = true;
        go_on(c);
        return;
    }
    if (c->link.in.len > 0 && !fault(FAULT_QUEUE_STARTTLS_KEEPS_REPLIES)) {
        client_lost(c, "the server said something in clear behind its 220 to STARTTLS");
        return;
    }
    const struct client_tls_wish wish = {c->o.tls,  c->o.ctx,        c->peer_name,
                                         c->o.tlsa, c->o.tlsa_count, c->tlsa_base};
    SSL *ssl = client_tls_session(&wish);
    if (ssl == NULL) {
        client_lost(c, "no TLS session");
        return;
    }
    client_wait_for(c, SHAKING, COMMAND_MS);
    link_secure(&c->link, ssl);
}

/* --- driving --- */

static void replied(struct client *c)
{
    struct client_outcome o;
    if (c->reply.code == 421 && c->state != GREETING) { /* RFC 5321, 3.8: it hangs up */
        client_judge(c, &o, "3.2");
        client_give_up(c, &o);
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
    default:
        if (!client_mail_replied(c))
            client_lost(c, "the server spoke out of turn");
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
            client_lost(c, why);
        } else if (step == REPLY_DONE) {
            replied(c);
        }
        if (c->broken && c->state != OVER)
            client_lost(c, "a command was too long, or the output");
    }
}

static void happened(void *arg, enum link_event e)
{
    struct client *c = arg;
    switch (e) {
    case LINK_CONNECTED:
        client_wait_for(c, GREETING, GREETING_MS);
        if (fault(FAULT_QUEUE_TALKS_FIRST)) {
            say_hello(c);
            link_flush(&c->link);
        }
        break;
    case LINK_SECURED:
        c->secure = true;
        /* What was offered in clear counts no more (RFC 3207, 4.2). */
        if (!fault(FAULT_QUEUE_LIMITS_KEPT) && !fault(FAULT_QUEUE_STARTTLS_KEEPS_EXTENSIONS) &&
            !fault(FAULT_QUEUE_STARTTLS_NO_EHLO))
            c->offers = (struct offers){0};
        c->offers.starttls = false;
        if (fault(FAULT_QUEUE_STARTTLS_NO_EHLO))
            go_on(c);
        else
            greet(c);
        if (c->link.in.len > 0) /* only a fault has left it there */
            take_replies(c);
        break;
    case LINK_FELL_BACK:
        c->refused_tls = true;
        greet(c);
        break;
    case LINK_SENT:
        if (c->state == SENDING && c->link.out.len == 0)
            client_wait_for(c, FINAL, FINAL_MS);
        else if (c->state == SENDING)
            clock_set(c->o.clock, &c->timer, BLOCK_MS);
        break;
    case LINK_INPUT:
        take_replies(c);
        break;
    case LINK_ENDED:
        c->tls_broke = c->link.tls_failed;
        client_lost(c, c->link.why);
        break;
    }
}

static void too_long(void *arg)
{
    struct client *c = arg;
    client_lost(c, c->state == CONNECTING ? "no connection in time" : "no answer in time");
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
    client_wait_for(c, CONNECTING, o->connect_ms);
    return c;
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    c->closed = true;
    c->mail = NULL;
    if (c->state != IDLE || fault(FAULT_QUEUE_NO_QUIT)) {
        release(c);
        return;
    }
    /* RFC 5321, 4.1.1.10: the answer is waited for, though it changes nothing */
    client_command(c, "QUIT");
    client_wait_for(c, QUITTING, QUIT_MS);
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
