/* A port's findings, and the order in which it is looked at. SPDX-License-Identifier: MIT */
#include "ports/port.h"

#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

static double now_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void port_init(struct port *p, const struct ports_options *o, const char *address, int family,
               uint16_t number, enum port_protocol protocol, enum port_mode mode)
{
    *p = (struct port){.o = o,
                       .family = family,
                       .port = number,
                       .want_protocol = protocol,
                       .protocol = protocol,
                       .want_mode = mode,
                       .mode = mode,
                       .quiet_ms = 150};
    (void)snprintf(p->address, sizeof p->address, "%s", address);
    if (o->source != NULL)
        (void)snprintf(p->source, sizeof p->source, "%s", o->source);
    else if (strcmp(address, "127.0.0.1") == 0)
        /* Dovecot takes a connection between equal addresses for a secure one: checks of what is
         * refused in clear would see a server that nobody else sees. */
        (void)snprintf(p->source, sizeof p->source, "127.0.0.2");
    p->mx = number == 25;
    p->events = err_need(json_array());
}

void port_clear(struct port *p)
{
    for (int i = 0; i < CHECKS; i++)
        free(p->found[i].why);
    loop_free(p->loop);
    json_decref(p->events);
    SSL_SESSION_free(p->session12);
    SSL_SESSION_free(p->session13);
    sk_X509_pop_free(p->chain, X509_free);
    sk_X509_pop_free(p->other_chain, X509_free);
    *p = (struct port){0};
}

void port_again(struct port *p)
{
    const struct ports_options *o = p->o;
    char address[sizeof p->address];
    struct port old = *p;
    (void)snprintf(address, sizeof address, "%s", p->address);
    port_clear(p);
    port_init(p, o, address, old.family, old.port, old.want_protocol, old.want_mode);
    p->mx = old.mx;
    p->used = old.used;
}

const char *port_protocol_word(enum port_protocol p)
{
    static const char *const words[] = {"unknown", "SMTP", "IMAP", "POP3"};
    return words[p];
}

const char *port_mode_word(enum port_mode m)
{
    static const char *const words[] = {"unknown", "STARTTLS", "implicit TLS"};
    return words[m];
}

const char *port_service(const struct port *p)
{
    bool implicit = p->mode == MODE_IMPLICIT;
    switch (p->protocol) {
    case PROTOCOL_SMTP:
        return implicit ? "submissions" : p->mx ? "smtp" : "submission";
    case PROTOCOL_IMAP:
        return implicit ? "imaps" : "imap";
    case PROTOCOL_POP3:
        return implicit ? "pop3s" : "pop3";
    case PROTOCOL_UNKNOWN:
        break;
    }
    return "smtp";
}

bool port_applies(const struct port *p, enum check_id id)
{
    bool smtp = p->protocol == PROTOCOL_SMTP, imap = p->protocol == PROTOCOL_IMAP,
         pop3 = p->protocol == PROTOCOL_POP3;
    /* Until the mode is known, and where it is the wrong one, what is asked of the port as it
     * should be is asked. */
    bool implicit = p->mode == MODE_IMPLICIT, clear = p->mode == MODE_CLEAR;
    switch (checks[id].where) {
    case WHERE_ANY:
        return true;
    case WHERE_CLEAR:
        return clear || (id == CHECK_P02 && p->want_mode == MODE_CLEAR) ||
               (id == CHECK_P06 && p->want_mode == MODE_CLEAR);
    case WHERE_IMPLICIT:
        return implicit || ((id == CHECK_P03 || id == CHECK_P04) && p->want_mode == MODE_IMPLICIT);
    case WHERE_SMTP:
        return smtp;
    case WHERE_SMTP_CLEAR:
        return smtp && clear;
    case WHERE_IMAP:
        return imap;
    case WHERE_IMAP_CLEAR:
        return imap && clear;
    case WHERE_POP3_CLEAR:
        return pop3 && clear;
    case WHERE_MAILBOX:
        return imap || pop3;
    case WHERE_MAILBOX_CLEAR:
        return (imap || pop3) && (clear || (id == CHECK_P13 && p->want_mode == MODE_CLEAR));
    case WHERE_MX:
        return smtp && p->mx;
    case WHERE_SUBMIT:
        return smtp && !p->mx;
    case WHERE_SUBMIT_CLEAR:
        return smtp && !p->mx && clear;
    case WHERE_SUBMISSIONS:
        return smtp && implicit;
    case WHERE_LOGIN:
        return !(smtp && p->mx);
    case WHERE_LOGIN_CLEAR:
        return !(smtp && p->mx) && clear;
    case WHERE_HOST:
    case WHERE_CLIENT:
        return false;
    }
    return false;
}

bool port_wants(const struct port *p, enum check_id id)
{
    enum check_depth d = checks[id].depth;
    if (!port_applies(p, id) || p->limited || p->found[id].kind != FINDING_NONE)
        return false;
    if (d == DEPTH_ACCOUNT)
        return p->o->user != NULL && p->o->depth >= DEPTH_NORMAL && !p->account_refused;
    if (d == DEPTH_RECIPIENT)
        return p->o->recipient != NULL && p->o->depth >= DEPTH_NORMAL;
    return d <= p->o->depth;
}

static void found(struct port *p, enum check_id id, enum finding_kind kind, const struct conn *c,
                  const char *fmt, va_list va)
{
    struct finding *f = &p->found[id];
    /* The first offence stays: what comes later does not make it better. */
    if (f->kind == FINDING_BAD && kind != FINDING_BAD)
        return;
    free(f->why);
    f->why = NULL;
    f->kind = kind;
    f->conns[0] = c != NULL ? conn_number(c) : 0;
    f->until = c != NULL && p->loop != NULL ? loop_now(p->loop) : 0;
    if (fmt != NULL && vasprintf(&f->why, fmt, va) < 0)
        abort();
}

void port_forget(struct port *p, enum check_id id)
{
    free(p->found[id].why);
    p->found[id] = (struct finding){0};
}

void port_good(struct port *p, enum check_id id, const struct conn *c)
{
    if (p->found[id].kind == FINDING_NONE) {
        p->found[id].kind = FINDING_GOOD;
        p->found[id].conns[0] = c != NULL ? conn_number(c) : 0;
    }
}

void port_bad(struct port *p, enum check_id id, const struct conn *c, const char *fmt, ...)
{
    va_list va;
    va_start(va, fmt);
    found(p, id, FINDING_BAD, c, fmt, va);
    va_end(va);
}

void port_fact(struct port *p, enum check_id id, const struct conn *c, const char *fmt, ...)
{
    va_list va;
    va_start(va, fmt);
    found(p, id, FINDING_FACT, c, fmt, va);
    va_end(va);
}

void port_untested(struct port *p, enum check_id id, const char *fmt, ...)
{
    va_list va;
    va_start(va, fmt);
    found(p, id, FINDING_UNTESTED, NULL, fmt, va);
    va_end(va);
}

void port_not_here(struct port *p, enum check_id id, const char *fmt, ...)
{
    va_list va;
    va_start(va, fmt);
    found(p, id, FINDING_NOT_HERE, NULL, fmt, va);
    va_end(va);
}

void port_judge(struct port *p, enum check_id id, bool ok, const struct conn *c, const char *fmt,
                ...)
{
    va_list va;
    if (ok) {
        port_good(p, id, c);
        return;
    }
    va_start(va, fmt);
    found(p, id, FINDING_BAD, c, fmt, va);
    va_end(va);
}

/* What nobody looked at says why. */
static void explain_rest(struct port *p)
{
    for (int i = 0; i < CHECKS; i++) {
        enum check_id id = (enum check_id)i;
        const struct check *k = &checks[i];
        bool deep = k->depth <= DEPTH_DEEP && k->depth > p->o->depth;
        if (!port_applies(p, id) || p->found[i].kind != FINDING_NONE)
            continue;
        if (p->state != PORT_OPEN)
            port_untested(p, id, "not tested: the port is %s",
                          p->state == PORT_FILTERED  ? "filtered"
                          : p->state == PORT_REFUSED ? "closed"
                                                     : "unreachable");
        else if (deep || k->depth >= DEPTH_DNS ||
                 (k->depth == DEPTH_ACCOUNT && p->o->user == NULL) ||
                 (k->depth == DEPTH_RECIPIENT && p->o->recipient == NULL))
            port_untested(p, id, "%s", check_depth_words(k->depth));
        else if (p->limited)
            port_untested(p, id, "not tested, rate-limited at connection %d: %s", p->limited_at,
                          p->limited_why);
        else if (p->o->budget > 0 && p->used >= p->o->budget) {
            port_untested(p, id, "not tested: the budget of %d connections was spent",
                          p->o->budget);
            p->left_unasked++;
        } else if (k->depth == DEPTH_ACCOUNT && p->account_refused)
            port_untested(p, id, "not checked: the login was refused");
        else if ((k->depth == DEPTH_ACCOUNT || k->depth == DEPTH_RECIPIENT) &&
                 p->o->depth < DEPTH_NORMAL)
            port_untested(p, id, "not tested: needs --depth normal");
        else if (p->needs_certificate)
            port_untested(p, id, "not tested: the server wants a client certificate");
        else
            port_untested(p, id, "not tested: what it builds on did not come about");
    }
}

static void conclude(struct port *p)
{
    if (p->limited)
        port_fact(p, CHECK_O01, NULL, "rate-limited at connection %d: %s", p->limited_at,
                  p->limited_why);
    else
        port_good(p, CHECK_O01, NULL);
    if (p->facts.greeting_s > 1)
        port_fact(p, CHECK_O02, NULL, "the greeting came after %.1f s", p->facts.greeting_s);
    else
        port_good(p, CHECK_O02, NULL);
    port_good(p, CHECK_O03, NULL);
    if (p->o->budget > 0)
        port_fact(p, CHECK_O04, NULL, "%d of %d connections", p->used, p->o->budget);
    else
        port_fact(p, CHECK_O04, NULL, "%d connections, no limit", p->used);
}

void port_examine(struct port *p)
{
    double began = now_of(CLOCK_MONOTONIC), cpu = now_of(CLOCK_THREAD_CPUTIME_ID);
    p->started = now_of(CLOCK_REALTIME);
    p->sink = (struct event_sink){.list = p->events,
                                  .scenario = "",
                                  .fd = -1,
                                  .protocol = "smtp",
                                  .service = port_service(p),
                                  .host = p->o->host};
    struct conn_watch watch = event_watch(&p->sink);
    p->loop = loop_new(&watch);
    room_mode(p);
    if (p->state == PORT_OPEN && p->protocol != PROTOCOL_UNKNOWN && p->mode != MODE_UNKNOWN) {
        room_session(p);
        /* Where STARTTLS is refused nothing can be learnt about TLS: S04 has said it. */
        bool tls = p->mode == MODE_IMPLICIT || !p->starttls_refused;
        if (tls) {
            room_versions(p);
            room_other_certificate(p);
            room_injection(p);
            room_weak_suites(p);
        }
        room_starttls(p);
        room_attacks(p);
        bool sessions = tls && !p->needs_certificate;
        if (sessions)
            room_login(p);
        if (tls)
            room_names(p);
        if (sessions) {
            room_resume(p);
            room_closing(p);
        }
        if (tls) {
            room_records(p);
            room_suites(p);
        }
        if (sessions)
            room_oracles(p);
    }
    room_silence(p);
    if (p->state == PORT_REFUSED)
        port_good(p, CHECK_P13, NULL);
    conclude(p);
    explain_rest(p);
    loop_free(p->loop);
    p->loop = NULL;
    p->seconds = now_of(CLOCK_MONOTONIC) - began;
    p->cpu_ms = (now_of(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1000;
}
