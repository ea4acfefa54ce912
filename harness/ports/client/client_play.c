/* Plays the server. What a client sends is read line by line; of literals and messages only the end
 * counts. SPDX-License-Identifier: MIT */
#include "ports/client/client_play.h"

#include <ctype.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"

enum { LINE_MOST = 8192, WITHHOLD_MS = 500, LINES_MOST = 2000 };

enum want { WANT_COMMAND, WANT_SASL, WANT_MESSAGE };

struct talk {
    const struct stage *s;
    struct conn *c;
    bool tls, logged_in, over;
    enum want want;
    bool two_steps;         /* LOGIN: name and password come apart */
    int sasl_steps;         /* replies of the client that are still to come */
    size_t literal;         /* bytes of an IMAP literal that are still to come */
    bool literal_ends_line; /* behind the literal the command goes on */
    char tag[64], line[LINE_MOST];
    bool withheld, was_withheld;
    double withheld_at;
    int lines;
};

static void note(int *where, const struct talk *t)
{
    if (*where == 0)
        *where = conn_number(t->c);
}

static void say(struct talk *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct talk *t, const char *fmt, ...)
{
    char text[4096];
    va_list va;
    va_start(va, fmt);
    (void)vsnprintf(text, sizeof text, fmt, va);
    va_end(va);
    (void)conn_write(t->c, text, strlen(text), t->s->answer_ms, NULL);
}

/* The tagged reply of IMAP. */
static void done(struct talk *t, const char *rest)
{
    say(t, "%s %s\r\n", t->tag, rest);
}

static bool offers_starttls(const struct talk *t)
{
    return !t->tls && !t->s->play->no_starttls && t->s->mode == MODE_CLEAR;
}

static const char *mechanisms(const struct talk *t)
{
    const char *list = t->tls ? t->s->play->tls_auth : t->s->play->clear_auth;
    if (list != NULL || !t->tls)
        return list != NULL ? list : "";
    return t->s->protocol == PROTOCOL_POP3 ? "USER PLAIN LOGIN" : "PLAIN LOGIN";
}

static bool listed(const char *list, const char *mechanism)
{
    size_t n = strlen(mechanism);
    for (const char *at = list; (at = strcasestr(at, mechanism)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[n] == '\0' || at[n] == ' '))
            return true;
    return false;
}

/* --- what the client did ------------------------------------------------------------------------
 */

static void saw_login(struct talk *t, const char *words, const char *mechanism)
{
    struct seen *seen = t->s->seen;
    const struct play *p = t->s->play;
    note(t->tls ? &seen->auth_tls : &seen->auth_clear, t);
    if (seen->auth_words[0] == '\0')
        (void)snprintf(seen->auth_words, sizeof seen->auth_words, "%.30s %.30s", words,
                       mechanism != NULL ? mechanism : "");
    if (t->tls && mechanism != NULL && p->clear_auth != NULL && listed(p->clear_auth, mechanism) &&
        !listed(mechanisms(t), mechanism))
        note(&seen->used_clear_list, t);
    t->logged_in = true;
}

static void saw_mail(struct talk *t)
{
    note(t->tls ? &t->s->seen->mail_tls : &t->s->seen->mail_clear, t);
}

/* Every command is counted before it is looked at. */
static void saw_command(struct talk *t, const char *verb)
{
    bool goodbye = strcasecmp(verb, "QUIT") == 0 || strcasecmp(verb, "LOGOUT") == 0;
    if (t->tls && !goodbye)
        note(&t->s->seen->inside, t);
}

/* --- TLS
 * ------------------------------------------------------------------------------------------ */

/* Whether the ClientHello offers an old session, and data with it. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct talk *t = arg;
    const unsigned char *p;
    size_t n;
    (void)alert;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &p, &n) == 1)
        note(&t->s->seen->resumed, t);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_early_data, &p, &n) == 1)
        note(&t->s->seen->early, t);
    return SSL_CLIENT_HELLO_SUCCESS;
}

static void prepare(struct ssl_st *ssl, void *arg)
{
    /* Every connection has a context of its own; tickets have to outlive it. */
    static unsigned char ticket_keys[80] = "mailproof: keys of tickets that guard nothing";
    struct talk *t = arg;
    const struct identities *all = t->s->identities;
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    (void)SSL_use_certificate(ssl, all->leaf[t->s->play->leaf]);
    (void)SSL_use_PrivateKey(ssl, all->key[t->s->play->leaf]);
    if (t->s->play->chain)
        (void)SSL_add1_chain_cert(ssl, all->authority);
    SSL_CTX_set_client_hello_cb(ctx, on_hello, t);
    /* Elsewhere every client is to see the certificate. */
    if (t->s->play->early_data)
        (void)SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_keys, sizeof ticket_keys);
    (void)SSL_set_max_early_data(ssl, t->s->play->early_data ? 16384 : 0);
}

static bool begin_tls(struct talk *t)
{
    struct conn_tls_options o = {.accept = true, .prepare = prepare, .prepare_arg = t};
    struct err err = {""};
    if (conn_starttls(t->c, &o, t->s->answer_ms, &err) != 0) {
        note(&t->s->seen->wrong, t);
        if (t->s->seen->wrong_why[0] == '\0')
            (void)snprintf(t->s->seen->wrong_why, sizeof t->s->seen->wrong_why, "%.250s", err.text);
        return false;
    }
    t->tls = true;
    t->logged_in = false;
    note(&t->s->seen->tls, t);
    return true;
}

bool talk_next_tag(const char *tag, char *out, size_t size)
{
    size_t n = strlen(tag), first = n;
    while (first > 0 && isdigit((unsigned char)tag[first - 1]))
        first--;
    if (first == n || n >= size || n - first > 9)
        return false;
    (void)snprintf(out, size, "%.*s%0*lu", (int)first, tag, (int)(n - first),
                   strtoul(tag + first, NULL, 10) + 1);
    return true;
}

/* The reply to STARTTLS, and what a man in the middle would put behind it. */
static void accept_starttls(struct talk *t)
{
    char more[1024] = "", next[64];
    switch (t->s->protocol) {
    case PROTOCOL_IMAP:
        if (talk_next_tag(t->tag, next, sizeof next))
            (void)snprintf(more, sizeof more,
                           "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN XINJECTED\r\n%s OK "
                           "injected\r\n",
                           next);
        else
            (void)snprintf(more, sizeof more, "* CAPABILITY IMAP4rev1 AUTH=PLAIN XINJECTED\r\n");
        say(t, "%s OK begin\r\n%s", t->tag, t->s->play->inject ? more : "");
        break;
    case PROTOCOL_POP3:
        say(t, "+OK begin\r\n%s",
            t->s->play->inject ? "+OK injected\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n" : "");
        break;
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        say(t, "220 2.0.0 begin\r\n%s",
            t->s->play->inject ? "250-injected.example\r\n250-AUTH PLAIN LOGIN\r\n250 XINJECTED\r\n"
                               : "");
    }
}

static void on_starttls(struct talk *t)
{
    const char *no = t->s->protocol == PROTOCOL_IMAP   ? "NO not now"
                     : t->s->protocol == PROTOCOL_POP3 ? "-ERR not now\r\n"
                                                       : "454 4.7.0 TLS not available\r\n";
    note(&t->s->seen->starttls, t);
    if (t->tls || !offers_starttls(t) || t->s->play->refuse_starttls || t->s->play->preauth) {
        if (t->s->protocol == PROTOCOL_IMAP)
            done(t, t->s->play->refuse_starttls ? no : "BAD not here");
        else
            say(t, "%s", no);
        return;
    }
    accept_starttls(t);
    t->over = !begin_tls(t);
}

/* --- SMTP
 * ----------------------------------------------------------------------------------------- */

static void sasl_begin(struct talk *t, const char *args, const char *words)
{
    char mechanism[64];
    size_t n = strcspn(args, " ");
    bool initial = args[n] == ' ';
    (void)snprintf(mechanism, sizeof mechanism, "%.*s", (int)(n < 63 ? n : 63), args);
    saw_login(t, words, mechanism);
    t->two_steps = strcasecmp(mechanism, "LOGIN") == 0;
    t->sasl_steps = t->two_steps ? 2 : 1;
    if (initial)
        t->sasl_steps--;
    t->want = WANT_SASL;
}

static const char *sasl_prompt(const struct talk *t)
{
    bool smtp = t->s->protocol == PROTOCOL_SMTP;
    if (!t->two_steps)
        return smtp ? "334 \r\n" : "+ \r\n";
    if (t->sasl_steps == 2)
        return smtp ? "334 VXNlcm5hbWU6\r\n" : "+ VXNlcm5hbWU6\r\n";
    return smtp ? "334 UGFzc3dvcmQ6\r\n" : "+ UGFzc3dvcmQ6\r\n";
}

static void sasl_go(struct talk *t)
{
    if (t->sasl_steps > 0) {
        say(t, "%s", sasl_prompt(t));
        return;
    }
    t->want = WANT_COMMAND;
    if (t->s->protocol == PROTOCOL_IMAP)
        done(t, "OK welcome");
    else
        say(t, "%s", t->s->protocol == PROTOCOL_SMTP ? "235 2.7.0 welcome\r\n" : "+OK welcome\r\n");
}

static void smtp_command(struct talk *t, const char *verb, const char *args)
{
    if (strcasecmp(verb, "EHLO") == 0) {
        const char *list = mechanisms(t);
        if (t->tls)
            note(&t->s->seen->caps_inside, t);
        say(t, "250-server.example\r\n%s%s%s%s%s250 8BITMIME\r\n",
            offers_starttls(t) ? "250-STARTTLS\r\n" : "", *list != '\0' ? "250-AUTH " : "", list,
            *list != '\0' ? "\r\n" : "",
            t->tls && t->s->play->requiretls ? "250-REQUIRETLS\r\n" : "");
    } else if (strcasecmp(verb, "HELO") == 0) {
        say(t, "250 server.example\r\n");
    } else if (strcasecmp(verb, "STARTTLS") == 0) {
        on_starttls(t);
    } else if (strcasecmp(verb, "AUTH") == 0) {
        sasl_begin(t, args, "AUTH");
        sasl_go(t);
    } else if (strcasecmp(verb, "MAIL") == 0) {
        saw_mail(t);
        if (strcasestr(args, " REQUIRETLS") != NULL)
            note(&t->s->seen->requiretls, t);
        say(t, "250 2.1.0 go on\r\n");
    } else if (strcasecmp(verb, "DATA") == 0) {
        t->want = WANT_MESSAGE;
        say(t, "354 go on\r\n");
    } else if (strcasecmp(verb, "QUIT") == 0) {
        say(t, "221 2.0.0 bye\r\n");
        t->over = true;
    } else if (strcasecmp(verb, "RCPT") == 0 || strcasecmp(verb, "RSET") == 0 ||
               strcasecmp(verb, "NOOP") == 0) {
        say(t, "250 2.0.0 fine\r\n");
    } else {
        say(t, "502 5.5.1 not here\r\n");
    }
}

/* --- POP3
 * ----------------------------------------------------------------------------------------- */

static void pop3_capabilities(struct talk *t)
{
    const char *list = mechanisms(t);
    /* Not a SASL mechanism, but offered like one here: it stands first. */
    bool user = listed(list, "USER");
    if (user)
        list += list[4] == ' ' ? 5 : 4;
    if (t->tls)
        note(&t->s->seen->caps_inside, t);
    say(t, "+OK\r\nUIDL\r\n%s%s%s%s%s.\r\n", user ? "USER\r\n" : "",
        offers_starttls(t) ? "STLS\r\n" : "", *list != '\0' ? "SASL " : "", list,
        *list != '\0' ? "\r\n" : "");
}

static void pop3_command(struct talk *t, const char *verb, const char *args)
{
    if (strcasecmp(verb, "CAPA") == 0) {
        pop3_capabilities(t);
    } else if (strcasecmp(verb, "STLS") == 0) {
        on_starttls(t);
    } else if (strcasecmp(verb, "USER") == 0 || strcasecmp(verb, "PASS") == 0 ||
               strcasecmp(verb, "APOP") == 0) {
        saw_login(t, verb, "USER");
        say(t, "+OK\r\n");
    } else if (strcasecmp(verb, "AUTH") == 0 && *args != '\0') {
        sasl_begin(t, args, "AUTH");
        sasl_go(t);
    } else if (strcasecmp(verb, "STAT") == 0) {
        say(t, "+OK 0 0\r\n");
    } else if (strcasecmp(verb, "LIST") == 0 || strcasecmp(verb, "UIDL") == 0) {
        say(t, *args == '\0' ? "+OK\r\n.\r\n" : "-ERR no such message\r\n");
    } else if (strcasecmp(verb, "QUIT") == 0) {
        say(t, "+OK bye\r\n");
        t->over = true;
    } else if (strcasecmp(verb, "NOOP") == 0 || strcasecmp(verb, "RSET") == 0) {
        say(t, "+OK\r\n");
    } else {
        say(t, "-ERR not here\r\n");
    }
}

/* --- IMAP
 * ----------------------------------------------------------------------------------------- */

static void imap_words(const struct talk *t, char *out, size_t size)
{
    char list[256], *save = NULL;
    size_t n =
        (size_t)snprintf(out, size, "IMAP4rev1 SASL-IR%s%s", offers_starttls(t) ? " STARTTLS" : "",
                         !t->tls && *mechanisms(t) == '\0' ? " LOGINDISABLED" : "");
    (void)snprintf(list, sizeof list, "%s", mechanisms(t));
    for (char *one = strtok_r(list, " ", &save); one != NULL && n < size;
         one = strtok_r(NULL, " ", &save))
        n += (size_t)snprintf(out + n, size - n, " AUTH=%s", one);
}

static void imap_capability(struct talk *t)
{
    char words[512];
    imap_words(t, words, sizeof words);
    if (t->tls)
        note(&t->s->seen->caps_inside, t);
    say(t, "* CAPABILITY %s\r\n", words);
    if (!t->tls && t->s->play->noise) {
        say(t, "* LIST () \"/\" mailproof-noise-mailbox\r\n* 77 EXISTS\r\n"
               "* OK [ALERT] mailproof-noise-alert\r\n");
        say(t, "%s OK [REFERRAL imap://ann@127.0.0.1:%u/] done\r\n", t->tag, t->s->play->referral);
        return;
    }
    done(t, "OK done");
}

/* What a client does that is logged in. */
static void imap_work(struct talk *t, const char *verb, const char *args)
{
    if (!t->tls)
        note(&t->s->seen->busy_clear, t);
    if (strcasecmp(verb, "SELECT") == 0 || strcasecmp(verb, "EXAMINE") == 0)
        say(t, "* FLAGS (\\Seen \\Deleted)\r\n* 0 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1] "
               "fine\r\n* OK [UIDNEXT 1] fine\r\n");
    else if (strcasecmp(verb, "LIST") == 0 || strcasecmp(verb, "LSUB") == 0)
        say(t, "* %s () \"/\" INBOX\r\n", verb);
    else if (strcasecmp(verb, "SEARCH") == 0 || strncasecmp(args, "SEARCH", 6) == 0)
        say(t, "* SEARCH\r\n");
    else if (strcasecmp(verb, "STATUS") == 0)
        say(t, "* STATUS INBOX (MESSAGES 0 RECENT 0 UIDNEXT 1 UIDVALIDITY 1 UNSEEN 0)\r\n");
    else if (strcasecmp(verb, "NAMESPACE") == 0)
        say(t, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
    done(t, "OK done");
}

static void imap_command(struct talk *t, const char *verb, const char *args)
{
    if (strcasecmp(verb, "CAPABILITY") == 0) {
        imap_capability(t);
    } else if (strcasecmp(verb, "STARTTLS") == 0) {
        on_starttls(t);
    } else if (strcasecmp(verb, "LOGIN") == 0) {
        saw_login(t, "LOGIN", NULL);
        done(t, "OK welcome");
    } else if (strcasecmp(verb, "AUTHENTICATE") == 0) {
        sasl_begin(t, args, "AUTHENTICATE");
        sasl_go(t);
    } else if (strcasecmp(verb, "LOGOUT") == 0) {
        say(t, "* BYE bye\r\n");
        done(t, "OK bye");
        t->over = true;
    } else if (strcasecmp(verb, "NOOP") == 0 || strcasecmp(verb, "ID") == 0) {
        done(t, "OK done");
    } else if (strcasecmp(verb, "IDLE") == 0) {
        done(t, "BAD not here");
    } else {
        imap_work(t, verb, args);
    }
}

/* --- lines
 * ---------------------------------------------------------------------------------------- */

static void command(struct talk *t, char *line)
{
    char *verb = line;
    if (t->s->protocol == PROTOCOL_IMAP) {
        size_t n = strcspn(line, " ");
        (void)snprintf(t->tag, sizeof t->tag, "%.*s", (int)(n < 63 ? n : 63), line);
        verb = line + n + (line[n] == ' ');
    }
    char *args = verb + strcspn(verb, " ");
    if (*args == ' ')
        *args++ = '\0';
    saw_command(t, verb);
    if (t->s->protocol == PROTOCOL_IMAP)
        imap_command(t, verb, args);
    else if (t->s->protocol == PROTOCOL_POP3)
        pop3_command(t, verb, args);
    else
        smtp_command(t, verb, args);
}

/* The size of a literal that ends an IMAP line, or -1. */
static long literal_of(const char *line, bool *waits)
{
    size_t n = strlen(line);
    const char *open = strrchr(line, '{');
    char *end = NULL;
    if (n < 3 || line[n - 1] != '}' || open == NULL)
        return -1;
    long size = strtol(open + 1, &end, 10);
    *waits = *end != '+';
    return end != open + 1 && size >= 0 && size < (long)1 << 26 ? size : -1;
}

static void one_line(struct talk *t, char *line)
{
    bool waits = true;
    long literal =
        t->s->protocol == PROTOCOL_IMAP && t->want == WANT_COMMAND ? literal_of(line, &waits) : -1;
    if (t->want == WANT_MESSAGE) {
        if (strcmp(line, ".") == 0) {
            t->want = WANT_COMMAND;
            say(t, "250 2.0.0 queued\r\n");
        }
        return;
    }
    if (t->want == WANT_SASL) {
        if (strcmp(line, "*") == 0) {
            t->want = WANT_COMMAND;
            if (t->s->protocol == PROTOCOL_IMAP)
                done(t, "BAD cancelled");
            else
                say(t, t->s->protocol == PROTOCOL_SMTP ? "501 5.7.0 cancelled\r\n"
                                                       : "-ERR cancelled\r\n");
            return;
        }
        t->sasl_steps--;
        sasl_go(t);
        return;
    }
    size_t have = strlen(t->line), n = strlen(line);
    if (have + n + 1 < sizeof t->line)
        memcpy(t->line + have, line, n + 1);
    if (literal >= 0) { /* the command goes on behind it */
        t->literal = (size_t)literal;
        if (waits)
            say(t, "+ go on\r\n");
        return;
    }
    char whole[LINE_MOST];
    memcpy(whole, t->line, sizeof whole);
    t->line[0] = '\0';
    command(t, whole);
}

/* Takes a line without its end; false: none is there. */
static bool take_line(struct talk *t, char *out, size_t size)
{
    const unsigned char *in;
    size_t n = conn_input(t->c, &in, NULL);
    if (t->literal > 0 && n > 0) {
        size_t take = n < t->literal ? n : t->literal;
        conn_took(t->c, take);
        t->literal -= take;
        n = conn_input(t->c, &in, NULL);
    }
    const unsigned char *lf = n > 0 && t->literal == 0 ? memchr(in, '\n', n) : NULL;
    if (lf == NULL)
        return false;
    size_t len = (size_t)(lf - in), keep = len;
    if (keep > 0 && in[keep - 1] == '\r')
        keep--;
    if (keep >= size)
        keep = size - 1;
    memcpy(out, in, keep);
    out[keep] = '\0';
    conn_took(t->c, len + 1);
    return true;
}

/* Whether the reply to the first command inside TLS is still kept back; sees who does not wait. */
static bool withholding(struct talk *t)
{
    const unsigned char *in;
    size_t n = conn_input(t->c, &in, NULL);
    const unsigned char *lf = n > 0 ? memchr(in, '\n', n) : NULL;
    if (!t->s->play->withhold || !t->tls || t->was_withheld)
        return false;
    if (!t->withheld) {
        if (lf == NULL)
            return true;
        t->withheld = true;
        t->withheld_at = loop_now(t->s->loop);
    }
    if (lf != NULL && lf + 1 < in + n) {
        note(&t->s->seen->ahead, t);
        t->was_withheld = true;
    } else if (loop_now(t->s->loop) - t->withheld_at > WITHHOLD_MS / 1000.0) {
        t->was_withheld = true;
    }
    return !t->was_withheld;
}

bool talk_go(struct talk *t)
{
    char line[LINE_MOST];
    while (!t->over && !withholding(t) && take_line(t, line, sizeof line)) {
        one_line(t, line);
        t->over = t->over || ++t->lines > LINES_MOST;
    }
    if (conn_ended(t->c) != CONN_OPEN)
        t->over = true;
    return !t->over;
}

static void greet(struct talk *t)
{
    char words[512];
    switch (t->s->protocol) {
    case PROTOCOL_IMAP:
        imap_words(t, words, sizeof words);
        say(t, "* %s [CAPABILITY %s] mailproof\r\n", t->s->play->preauth ? "PREAUTH" : "OK", words);
        break;
    case PROTOCOL_POP3:
        say(t, "+OK mailproof\r\n");
        break;
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        say(t, "220 server.example ESMTP mailproof\r\n");
    }
}

struct talk *talk_new(const struct stage *s, struct conn *c)
{
    struct talk *t = err_need(calloc(1, sizeof *t));
    t->s = s;
    t->c = c;
    s->seen->connections++;
    note(&s->seen->first, t);
    conn_limit(c, (size_t)4 << 20);
    if (s->mode == MODE_IMPLICIT)
        t->over = !begin_tls(t);
    if (!t->over)
        greet(t);
    return t;
}

void talk_free(struct talk *t)
{
    if (t == NULL)
        return;
    conn_close(t->c);
    conn_free(t->c);
    free(t);
}
