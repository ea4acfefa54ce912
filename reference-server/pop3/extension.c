/* CAPA and what it announces besides logins: STLS, UTF8, LANG. RFC 2449, 5; RFC 2595, 4; RFC 6856.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/trace.h"
#include "control/script.h"
#include "fault.h"
#include "pop3/state.h"
#include "server.h"

static bool stls_possible(const struct pop3 *p)
{
    return p->conn->server->tls != NULL && !p->conn->tls && p->state == POP3_AUTHORIZATION &&
           !fault(FAULT_STARTTLS_NOT_OFFERED);
}

/* One capability, unless a rule takes it away. */
__attribute__((format(printf, 2, 3))) static void list(struct pop3 *p, const char *fmt, ...)
{
    char line[1100];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (script_lists(p->conn, line))
        pop3_line(p, "%s", line);
}

/* Before the login the strictest value that anyone can have; after it, this user's (RFC 2449, 6.5
 * and 6.7). */
/* For faults: the least of all numbers, or, where 0 is for ever, the longest of all times. */
static long wrong_extreme(const struct per_account *n, bool times)
{
    long found = n->value;
    for (size_t i = 0; i < n->count; i++) {
        long other = n->others[i].value;
        if (times ? found != 0 && (other == 0 || other > found) : other < found)
            found = other;
    }
    return found;
}

static void list_expire(struct pop3 *p)
{
    const struct per_account *days = &p->conn->server->policy.expire;
    bool differs = false, after = p->state == POP3_TRANSACTION;
    long value = after && !fault(FAULT_POP3_EXPIRE_SAME_FOR_ALL)
                     ? per_account_get(days, p->account->name)
                     : per_account_soonest(days, &differs);
    differs = differs && !after && !fault(FAULT_POP3_EXPIRE_NO_USER);
    if (!after && fault(FAULT_POP3_EXPIRE_MOST))
        value = wrong_extreme(days, true);
    const char *user = differs ? " USER" : "", *space = fault(FAULT_POP3_CAPA_FORM) ? "  " : " ";
    if (fault(FAULT_POP3_EXPIRE_FORM))
        list(p, "EXPIRE in 7 days");
    else if (value == 0 || fault(FAULT_POP3_EXPIRE_ANNOUNCED_NEVER))
        list(p, "EXPIRE%sNEVER%s", space, user);
    else
        list(p, "EXPIRE%s%ld%s", space, value - 1, user);
}

static void list_login_delay(struct pop3 *p)
{
    const struct per_account *delay = &p->conn->server->policy.login_delay;
    bool differs = false, after = p->state == POP3_TRANSACTION;
    long value = after && !fault(FAULT_POP3_LOGIN_DELAY_SAME_FOR_ALL)
                     ? per_account_get(delay, p->account->name)
                     : per_account_most(delay, &differs);
    differs = differs && !after && !fault(FAULT_POP3_LOGIN_DELAY_NO_USER);
    if (value > 0 && !after && fault(FAULT_POP3_LOGIN_DELAY_LEAST))
        list(p, "LOGIN-DELAY %ld%s", wrong_extreme(delay, false), differs ? " USER" : "");
    else if (value > 0)
        list(p, "LOGIN-DELAY %ld%s", value, differs ? " USER" : "");
}

void pop3_capa(struct pop3 *p, const struct pop3_command *c)
{
    const struct server *s = p->conn->server;
    bool after = p->state == POP3_TRANSACTION;
    struct buf mechanisms;
    (void)c;
    if (after && fault(FAULT_POP3_CAPA_AFTER_LOGIN_REFUSED)) {
        pop3_err(p, "this is for before the login");
        return;
    }
    pop3_ok(p, "what this server can do");
    if (fault(FAULT_POP3_BODY_BARE_LF))
        conn_text(p->conn, "X-LF\n");
    if (!(after && fault(FAULT_POP3_CAPA_FORGETS_TOP)))
        list(p, "TOP");
    if (fault(FAULT_POP3_CAPA_LISTS_APOP))
        list(p, "APOP");
    if (p->conn->tls || s->plaintext_login || fault(FAULT_POP3_USER_IN_CLEAR))
        list(p, "USER");
    buf_init(&mechanisms, 1024);
    sasl_mechanisms(p->conn, &mechanisms);
    if (mechanisms.len > 0 && !(after && fault(FAULT_POP3_CAPA_FORGETS_SASL)))
        list(p, "SASL %.*s%s", (int)mechanisms.len, (const char *)mechanisms.data,
             fault(FAULT_POP3_AUTH_LISTS_MISSING_MECHANISM) ? " DIGEST-MD5" : "");
    buf_free(&mechanisms);
    if (!fault(FAULT_POP3_UNANNOUNCED_CODES) && !(after && fault(FAULT_POP3_CAPA_FORGETS_CODES))) {
        list(p, "RESP-CODES");
        list(p, "AUTH-RESP-CODE");
    }
    list(p, "PIPELINING");
    if (!(after && fault(FAULT_POP3_CAPA_FORGETS_UTF8))) {
        list(p, "UTF8 USER");
        list(p, "LANG");
    }
    list_expire(p);
    list_login_delay(p);
    list(p, "UIDL");
    if (stls_possible(p) || fault(FAULT_POP3_STLS_LISTED_IN_TLS))
        list(p, "STLS");
    if (fault(FAULT_POP3_IMPLEMENTATION_EMPTY))
        list(p, "IMPLEMENTATION");
    else
        list(p, "IMPLEMENTATION mailproofd-%s", MAILPROOF_VERSION);
    const char *more;
    for (size_t i = 0; (more = script_lists_too(p->conn, i)) != NULL; i++)
        pop3_line(p, "%s", more);
    pop3_dot(p);
}

void pop3_stls(struct pop3 *p, const struct pop3_command *c)
{
    (void)c;
    if (p->conn->tls && fault(FAULT_STARTTLS_TWICE)) {
        pop3_ok(p, "begin TLS again");
        return;
    }
    if (!p->conn->tls && fault(FAULT_STARTTLS_REFUSED)) {
        pop3_err(p, "TLS cannot be had now");
        return;
    }
    if (p->conn->tls) {
        pop3_err(p, "TLS is active already");
        return;
    }
    if (p->conn->server->tls == NULL) {
        pop3_err(p, "there is no TLS here");
        return;
    }
    if (p->utf8) { /* as RFC 6856, 2.1 allows: the client has gone wrong */
        pop3_err(p, "UTF8 was said already: STLS had to come before it");
        return;
    }
    pop3_ok(p, "begin TLS");
    conn_starttls(p->conn);
}

/* --- UTF8 and LANG --- */

void pop3_utf8(struct pop3 *p, const struct pop3_command *c)
{
    (void)c;
    if (p->state == POP3_AUTHORIZATION) /* only a fault lets it come later */
        p->utf8 = true;
    pop3_ok(p, "UTF-8 from now on");
}

static void list_languages(struct pop3 *p)
{
    pop3_ok(p, "languages follow");
    for (int i = 0; i < POP3_LANGUAGES; i++) {
        const struct pop3_language_info *l = &pop3_languages[i];
        if (fault(FAULT_POP3_LANG_LIST_FORM))
            pop3_line(p, "%d %s %s", i + 1, l->tag, l->name);
        else
            pop3_line(p, "%s%s%s", l->tag, *l->name == '\0' ? "" : " ", l->name);
    }
    pop3_dot(p);
}

void pop3_lang(struct pop3 *p, const struct pop3_command *c)
{
    if (c->count == 0) {
        list_languages(p);
        return;
    }
    enum pop3_language preferred = (enum pop3_language)p->conn->server->policy.language;
    int found = pop3_language_find(c->arguments[0], preferred);
    trace(p->conn, "rfc6856-3.2-x1", "language %s",
          found >= 0 ? pop3_languages[found].tag : "none");
    if (found < 0 && fault(FAULT_POP3_LANG_UNKNOWN_OK))
        found = (int)preferred;
    if (strcmp(c->arguments[0], "*") == 0 && fault(FAULT_POP3_LANG_NO_STAR))
        found = -1;
    if (found < 0) {
        if (fault(FAULT_POP3_LANG_FAILURE_RESETS))
            p->language = POP3_I_DEFAULT;
        pop3_err(p, "nobody here speaks that language");
    } else {
        p->language = (enum pop3_language)found;
        if (fault(FAULT_POP3_LANG_NO_TAG))
            pop3_ok(p, "language chosen");
        else
            pop3_ok(p, "%s language chosen", pop3_languages[found].tag);
    }
}
