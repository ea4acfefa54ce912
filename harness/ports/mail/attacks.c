/* What a listener or a proxy on the way could get: logins that are taken in clear, and whether that
 * depends on where the client comes from. J08 to J18. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

enum { SHOWN = 160 };

/* So much of a reply as a sentence bears. */
static int line_of(const char *text)
{
    size_t n = strcspn(text, "\r\n");
    return (int)(n < SHOWN ? n : SHOWN);
}

/* Nobody gets in by a refusal, nor where the connection ends: stunnel does that. */
static void judge_refusal(struct port *p, enum check_id id, enum reply_kind k, const struct conn *c,
                          const struct reply *r, const char *what)
{
    if (k == REPLY_SILENT)
        port_untested(p, id, "not tested: no answer to %s in time", what);
    else
        port_judge(p, id, k == REPLY_NO || k == REPLY_BAD || k == REPLY_END, c,
                   "%s in clear got: %.*s", what, line_of(r->text), r->text);
}

static void imap_login(struct port *p)
{
    struct reply r;
    if (port_wants(p, CHECK_J11)) {
        struct conn *c = dial_clear(p);
        if (c == NULL)
            return;
        /* Nobody's name and no password: nothing is given away, and nobody is locked out. */
        enum reply_kind k = dial_say_password(p, c, &r, "LOGIN mailproof-nobody wrong");
        bool code = strcasestr(r.text, "[PRIVACYREQUIRED]") != NULL;
        bool disabled = dial_has(p->facts.clear_caps, "LOGINDISABLED");
        /* Whoever finds the password wrong has looked at it, whatever is listed. */
        bool judged = strcasestr(r.text, "[AUTHENTICATIONFAILED]") != NULL;
        if (k == REPLY_SILENT)
            port_untested(p, CHECK_J11, "not tested: no answer to a password in time");
        else if (k == REPLY_BAD || k == REPLY_END) {
            /* Not the reply that was asked for, but nobody got in by it, either. */
            p->facts.login_refused = true;
            port_bad(p, CHECK_J11, c, "LOGIN in clear got no NO, but %s%.*s",
                     k == REPLY_END ? "an end of the connection " : "", line_of(r.text), r.text);
        } else
            port_judge(p, CHECK_J11, k == REPLY_NO && (code || (disabled && !judged)), c,
                       "LOGIN in clear was looked at: %.*s", line_of(r.text), r.text);
        dial_close(p, c);
    }
    if (port_wants(p, CHECK_J12)) {
        struct conn *c = dial_clear(p);
        if (c == NULL)
            return;
        enum reply_kind k = dial_say(p, c, false, &r, "AUTHENTICATE PLAIN");
        judge_refusal(p, CHECK_J12, k, c, &r, "AUTHENTICATE PLAIN");
        dial_close(p, c);
    }
    if (port_wants(p, CHECK_J08)) {
        struct conn *c = dial_clear(p);
        char text[1024];
        if (c == NULL)
            return;
        static const char open[] = "j1 LOGIN {13}\r\n", inner[] = "x1 STARTTLS\r\n {1}\r\n";
        (void)conn_write(c, open, sizeof open - 1, p->o->answer_ms, NULL);
        if (dial_reply(p, c, "j1", false, p->o->answer_ms, &r) == REPLY_MORE) {
            (void)conn_write(c, inner, sizeof inner - 1, p->o->answer_ms, NULL);
            (void)dial_rest(p, c, dial_quiet_ms(p), text, sizeof text);
            port_judge(p, CHECK_J08, strcasestr(text, "x1 OK") == NULL, c,
                       "what stood in a literal began TLS: %.*s", line_of(text), text);
        } else {
            port_good(p, CHECK_J08, c);
        }
        dial_close(p, c);
    }
}

static void pop3_login(struct port *p)
{
    struct reply r;
    if (!port_applies(p, CHECK_J13) || p->o->depth < DEPTH_NORMAL || p->limited)
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    if (dial_say(p, c, false, &r, "USER mailproof-nobody") == REPLY_OK)
        port_bad(p, CHECK_J13, c, "USER in clear got: %.*s", line_of(r.text), r.text);
    dial_close(p, c);
}

static void smtp_login(struct port *p)
{
    struct reply r;
    if (!port_wants(p, CHECK_J15))
        return;
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    enum reply_kind k = dial_say(p, c, false, &r, "AUTH PLAIN");
    judge_refusal(p, CHECK_J15, k, c, &r, "AUTH PLAIN");
    dial_close(p, c);
}

/* The offer to a client of the same address against that to a stranger. */
static void other_source(struct port *p)
{
    struct reply r;
    if (!port_wants(p, CHECK_J17))
        return;
    if (p->source[0] == '\0') {
        port_untested(p, CHECK_J17, "not checked: needs a second source address");
        return;
    }
    struct conn *c = dial_from(p, "");
    if (c == NULL || !dial_greeting(p, c, &r))
        return;
    if (dial_capabilities(p, c, &r) != REPLY_OK) {
        dial_close(p, c);
        return;
    }
    /* The number in a tag and the client's address in EHLO's answer differ by themselves. */
    static const char *const words[] = {"LOGINDISABLED", "AUTH=PLAIN", "USER", "PLAIN",
                                        "LOGIN",         "STARTTLS",   "STLS"};
    const char *differs = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words && differs == NULL; i++)
        if ((strcasestr(r.text, words[i]) != NULL) !=
            (strcasestr(p->facts.clear_caps, words[i]) != NULL))
            differs = words[i];
    if (differs != NULL)
        port_fact(p, CHECK_J17, c,
                  "%s is offered to %s and not to %s: equal addresses count as secure", differs,
                  strcasestr(r.text, differs) != NULL ? "a client on the same address" : p->source,
                  strcasestr(r.text, differs) != NULL ? p->source : "a client on the same address");
    else
        port_good(p, CHECK_J17, c);
    dial_close(p, c);
}

/* A proxy that takes STARTTLS out of the list sees what clients of little care say next. What
 * counts is what the server answers to a login, and not what it offers (J10, J14). */
static void stripped(struct port *p)
{
    static const enum check_id parts[] = {CHECK_J11, CHECK_J12, CHECK_J13, CHECK_J15};
    if (!port_wants(p, CHECK_J18))
        return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (p->found[parts[i]].kind == FINDING_BAD &&
            !(parts[i] == CHECK_J11 && p->facts.login_refused)) {
            port_bad(p, CHECK_J18, NULL, "a login in clear is not refused: see %s",
                     checks[parts[i]].id);
            dial_shows(p, CHECK_J18, p->found[parts[i]].conns[0]);
            return;
        }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (p->found[parts[i]].kind == FINDING_GOOD || p->facts.login_refused) {
            p->facts.login_refused = true;
            port_good(p, CHECK_J18, NULL);
            return;
        }
}

/* Whether two replies say the same. Times, and IMAP's tags, differ by themselves. */
static bool same_words(const char *a, const char *b)
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b)
            return false;
        if (*a == '\0')
            break;
    }
    return true;
}

/* The right password and a wrong one. Only where nobody listens, for the password goes in clear. */
static void oracle(struct port *p)
{
    struct reply good, bad;
    if (!port_wants(p, CHECK_J16))
        return;
    if (strncmp(p->address, "127.", 4) != 0 && strcmp(p->address, "::1") != 0) {
        port_untested(p, CHECK_J16, "not checked: the password would go in clear over a network");
        return;
    }
    if (p->protocol == PROTOCOL_SMTP) {
        port_untested(p, CHECK_J16, "not checked: AUTH is judged by J15");
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct reply *r = i == 0 ? &good : &bad;
        const char *password = i == 0 ? p->o->password : "mailproof-wrong";
        struct conn *c = dial_clear(p);
        if (c == NULL)
            return;
        if (p->protocol == PROTOCOL_IMAP)
            (void)dial_say_password(p, c, r, "LOGIN \"%s\" \"%s\"", p->o->user, password);
        else if (dial_say(p, c, false, r, "USER %s", p->o->user) == REPLY_OK)
            (void)dial_say_password(p, c, r, "PASS %s", password);
        if (i == 0 && r->kind == REPLY_OK) {
            /* A wrong one would tell nothing more, and a server makes us wait for that. */
            port_bad(p, CHECK_J16, c, "the right password is taken: %.*s", line_of(r->text),
                     r->text);
            dial_close(p, c);
            return;
        }
        dial_close(p, c);
        if (r->kind == REPLY_SILENT) {
            port_untested(p, CHECK_J16, "not tested: no answer to a password in time");
            return;
        }
    }
    port_judge(p, CHECK_J16, good.kind == bad.kind && same_words(good.text, bad.text), NULL,
               "the right password got \"%.*s\", a wrong one \"%.*s\"", line_of(good.text),
               good.text, line_of(bad.text), bad.text);
    dial_shows(p, CHECK_J16, dial_last(p));
}

void room_attacks(struct port *p)
{
    if (p->mode != MODE_CLEAR || p->o->depth < DEPTH_NORMAL)
        return;
    if (p->protocol == PROTOCOL_IMAP)
        imap_login(p);
    else if (p->protocol == PROTOCOL_POP3)
        pop3_login(p);
    else
        smtp_login(p);
    other_source(p);
    stripped(p);
    oracle(p);
}
