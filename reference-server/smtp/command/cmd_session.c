/* EHLO, LHLO, HELO, STARTTLS and the commands outside transactions: RSET, NOOP, QUIT, VRFY, EXPN,
 * HELP. RFC 5321, 4.1.1; RFC 3207; RFC 2033, 4.1.
 *
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "control/script.h"
#include "fault.h"
#include "server.h"
#include "smtp/alias.h"
#include "smtp/param.h"
#include "smtp/recipient.h"
#include "smtp/state.h"

enum { KEYWORDS_MAX = 32, KEYWORD_BYTES = 256 };

/* The lines of an EHLO reply: all have to be there before the first is written, for the last one
 * looks different. */
struct keywords {
    char line[KEYWORDS_MAX][KEYWORD_BYTES];
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct keywords *k, const char *fmt, ...)
{
    if (k->count == KEYWORDS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(k->line[k->count++], KEYWORD_BYTES, fmt, args);
    va_end(args);
}

static void lower(char *p)
{
    for (; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
}

static void list_auth(struct smtp *s, struct keywords *k)
{
    struct buf names;
    buf_init(&names, KEYWORD_BYTES - 32);
    smtp_auth_mechanisms(s, &names);
    if (names.len > 0)
        add(k, "AUTH %.*s%s", (int)names.len, (const char *)names.data,
            fault(FAULT_SMTP_AUTH_LISTS_MISSING_MECHANISM) ? " DIGEST-MD5" : "");
    if (names.len > 0 && fault(FAULT_SMTP_EHLO_MECHANISM_LOWER_CASE))
        lower(k->line[k->count - 1] + 5);
    buf_free(&names);
}

/* Who may send to other hosts may also start what waits for them, and so may hosts that are listed
 * for that alone: the answers tell a stranger how much mail waits for whom (RFC 1985, 5.3). */
bool smtp_may_etrn(const struct smtp *s)
{
    return smtp_may_relay(s) || networks_hold(&s->conn->server->policy.etrn_from, s->conn->peer);
}

/* RFC 6409, 7 keeps it from submission. */
bool smtp_has_etrn(const struct smtp *s)
{
    return s->conn->server->queue != NULL && !s->lmtp &&
           (!s->submission || fault(FAULT_SUBMISSION_OFFERS_ETRN));
}

struct smtp_offer smtp_offers(const struct smtp *s)
{
    const struct server *server = s->conn->server;
    return (struct smtp_offer){
        .limits = &server->limits,
        .esmtp = s->esmtp,
        .requiretls = s->conn->tls || fault(FAULT_SMTP_REQUIRETLS_IN_CLEAR),
        .by = !s->lmtp && server->queue != NULL,
        .hold = server->queue != NULL && (s->submission || fault(FAULT_SMTP_HOLD_OFFERED_ON_25)),
        .now_s = clock_wall_s(server->clock),
    };
}

/* The most that can be asked for, as seconds and as a moment (RFC 4865, 3). */
static void list_future_release(const struct smtp_offer *offer, struct keywords *k)
{
    char until[32];
    time_t most = (time_t)(offer->now_s + offer->limits->future_release_seconds);
    struct tm tm;
    gmtime_r(&most, &tm);
    strftime(until, sizeof until,
             fault(FAULT_SMTP_HOLD_DATE_LOCAL) ? "%Y-%m-%dT%H:%M:%S+01:00" : "%Y-%m-%dT%H:%M:%SZ",
             &tm);
    add(k, "FUTURERELEASE %ld %s", offer->limits->future_release_seconds, until);
}

static void list_wishes(struct smtp *s, struct keywords *k)
{
    const struct smtp_offer offer = smtp_offers(s);
    const struct limits *limits = offer.limits;
    if (!(s->submission && fault(FAULT_SUBMISSION_FEWER_EXTENSIONS)))
        add(k, "DSN");
    if (offer.requiretls && !fault(FAULT_SMTP_REQUIRETLS_NOT_OFFERED))
        add(k, "REQUIRETLS");
    if (offer.by)
        add(k, "DELIVERBY %ld", limits->deliver_by_least_seconds);
    if (offer.hold)
        list_future_release(&offer, k);
    add(k, "MT-PRIORITY%s%s", s->conn->server->priority_policy != NULL ? " " : "",
        s->conn->server->priority_policy != NULL ? s->conn->server->priority_policy : "");
    add(k, "LIMITS MAILMAX=%ld RCPTMAX=%ld RCPTDOMAINMAX=%ld%s%s", limits->smtp_transactions,
        limits->recipients, limits->recipient_domains,
        fault(FAULT_SMTP_LIMITS_UNREGISTERED) ? " SPEEDMAX=9" : "",
        fault(FAULT_SMTP_LIMITS_TWICE) ? " RCPTMAX=9" : "");
    if (smtp_has_etrn(s) && smtp_may_etrn(s))
        add(k, "ETRN");
}

static void list_extensions(struct smtp *s, struct keywords *k)
{
    const struct conn *c = s->conn;
    bool fewer = s->submission && fault(FAULT_SUBMISSION_FEWER_EXTENSIONS);
    if (!fewer)
        add(k, "PIPELINING");
    add(k, "SIZE %ld", c->server->limits.message_bytes);
    if (!fault(FAULT_SMTP_UTF8_WITHOUT_8BITMIME))
        add(k, "8BITMIME");
    add(k, "ENHANCEDSTATUSCODES");
    if (c->server->tls != NULL && (!c->tls || fault(FAULT_SMTP_STARTTLS_OFFERED_IN_TLS)) &&
        !fault(FAULT_STARTTLS_NOT_OFFERED))
        add(k, "STARTTLS");
    if (!s->lmtp && !(s->submission && fault(FAULT_SUBMISSION_NO_AUTH)))
        list_auth(s, k);
    if (!fault(FAULT_SMTP_BINARYMIME_WITHOUT_CHUNKING))
        add(k, "CHUNKING");
    add(k, "BINARYMIME");
    add(k, "SMTPUTF8%s", fault(FAULT_SMTP_UTF8_WITH_PARAMETER) ? " 1" : "");
    list_wishes(s, k);
    if (s->xclient || fault(FAULT_XCLIENT_LISTED_TO_STRANGERS))
        add(k, "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
    if (fault(FAULT_SMTP_EHLO_KEYWORD_SYNTAX))
        add(k, "SIZE=%ld", c->server->limits.message_bytes);
    add(k, "VRFY");
    if (!fault(FAULT_SMTP_EXPN_UNLISTED))
        add(k, "EXPN");
    if (fault(FAULT_SMTP_TURN))
        add(k, "TURN");
    if (fault(FAULT_SMTP_EHLO_UNREGISTERED))
        add(k, "MAILPROOF");
    add(k, "HELP");
}

/* Rules (rule.h) may take keywords away and add others. */
static void apply_rules(const struct conn *c, struct keywords *k)
{
    size_t kept = 1; /* the first line is the greeting */
    for (size_t i = 1; i < k->count; i++)
        if (script_lists(c, k->line[i]) && kept++ != i)
            memcpy(k->line[kept - 1], k->line[i], KEYWORD_BYTES);
    k->count = kept;
    const char *more;
    for (size_t i = 0; (more = script_lists_too(c, i)) != NULL; i++)
        add(k, "%s", more);
}

static void say_hello(struct smtp *s, bool extensions)
{
    struct keywords *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    if (fault(FAULT_SMTP_EHLO_NO_DOMAIN))
        add(k, "(hello)");
    else
        add(k, "%s greets you", s->conn->server->hostname);
    if (extensions) {
        list_extensions(s, k);
        apply_rules(s->conn, k);
    }
    for (size_t i = 0; i < k->count; i++) {
        bool last = i + 1 == k->count;
        int code = i == 1 && !last && fault(FAULT_SMTP_CODES_DIFFER) ? 251 : 250;
        bool hyphen = !last || (i > 0 && fault(FAULT_SMTP_EHLO_LAST_LINE_HYPHEN));
        if (last && i > 0 && fault(FAULT_SMTP_REPLY_NO_SPACE))
            conn_printf(s->conn, "250=%s\r\n", k->line[i]);
        else
            smtp_reply_line(s, code, hyphen, NULL, "%s", k->line[i]);
    }
    free(k);
}

static void hello(struct smtp *s, const char *arg, size_t n, bool esmtp)
{
    if ((!smtp_domain_ok(arg, n) && !smtp_literal_ok(arg, n)) ||
        (n > 64 && fault(FAULT_SMTP_SHORT_DOMAIN))) {
        smtp_reply(s, 501, "5.5.4", "This is neither a domain nor an address literal");
        return;
    }
    char *name = strdup(arg);
    if (name == NULL)
        abort();
    s->text_stays = s->chunks_begun && fault(FAULT_SMTP_BDAT_RSET_KEEPS_TEXT);
    if (!fault(FAULT_SMTP_EHLO_KEEPS_TRANSACTION) &&
        !(!esmtp && fault(FAULT_SMTP_HELO_KEEPS_TRANSACTION)))
        smtp_reset(s); /* RFC 5321, 4.1.4: as RSET does */
    free(s->helo);
    s->helo = name;
    s->esmtp = esmtp;
    say_hello(s, esmtp || fault(FAULT_SMTP_HELO_LIKE_EHLO));
}

void smtp_ehlo(struct smtp *s, const char *arg, size_t n)
{
    if (fault(FAULT_SMTP_EHLO_REFUSED))
        smtp_reply(s, 500, "5.5.1", "What is EHLO?");
    else
        hello(s, arg, n, true);
}

void smtp_helo(struct smtp *s, const char *arg, size_t n)
{
    if (fault(FAULT_SMTP_HELO_REFUSED))
        smtp_reply(s, 502, "5.5.1", "Nobody says HELO any more");
    else
        hello(s, arg, n, false);
}

void smtp_starttls(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    (void)n;
    if (s->conn->tls && fault(FAULT_STARTTLS_TWICE))
        smtp_reply(s, 220, "2.0.0", "Begin TLS again");
    else if (s->conn->tls)
        smtp_reply(s, 503, "5.5.1", "TLS is running already");
    else if (fault(FAULT_STARTTLS_REFUSED) ||
             (fault(FAULT_SMTP_STARTTLS_REFUSES_GROUP) && conn_queued(s->conn) > 0))
        smtp_reply(s, 454, "4.7.0", "TLS cannot be had now");
    else if (s->conn->server->tls == NULL)
        smtp_reply(s, 502, "5.5.1", "There is no TLS here");
    else {
        smtp_reply(s, 220, "2.0.0", "Begin TLS now");
        conn_starttls(s->conn);
    }
}

/* Commands that work without a hello (RFC 5321, 4.1.4), unless a fault says otherwise. */
static bool wants_hello(struct smtp *s)
{
    if (s->helo != NULL || !fault(FAULT_SMTP_NOOP_NEEDS_EHLO))
        return false;
    smtp_reply(s, 503, "5.5.1", "Say hello first");
    return true;
}

void smtp_rset(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    (void)n;
    if (wants_hello(s))
        return;
    struct smtp_envelope *e = &s->envelope;
    struct smtp_envelope kept = {0};
    if (fault(FAULT_SMTP_RSET_KEEPS_SENDER) && e->open) {
        kept.open = true;
        kept.sender = e->sender;
        e->sender = NULL;
    }
    if (fault(FAULT_SMTP_RSET_KEEPS_RECIPIENTS)) {
        kept.recipients = e->recipients;
        kept.count = e->count;
        kept.room = e->room;
        e->recipients = NULL;
        e->count = 0;
    }
    s->text_stays = s->chunks_begun && fault(FAULT_SMTP_BDAT_RSET_KEEPS_TEXT);
    smtp_reset(s);
    s->envelope = kept;
    smtp_reply(s, 250, "2.0.0", "Forgotten");
    if (fault(FAULT_SMTP_RSET_CLOSES))
        conn_close(s->conn);
}

/* The faults in the form of replies show here: NOOP means nothing else. */
static bool spoiled_noop(struct smtp *s)
{
    if (fault(FAULT_SMTP_REPLY_BARE_LF)) {
        conn_text(s->conn, "250 2.0.0 Ok\n");
    } else if (fault(FAULT_SMTP_REPLY_CONTROL)) {
        conn_text(s->conn, "250 2.0.0 Ok\a\r\n");
    } else if (fault(FAULT_SMTP_REPLY_TOO_LONG)) {
        char line[601];
        memset(line, 'x', sizeof line);
        memcpy(line, "250 2.0.0 ", 10);
        memcpy(line + 598, "\r\n", 3);
        conn_text(s->conn, line);
    } else if (fault(FAULT_SMTP_ENHANCED_MISSING)) {
        conn_text(s->conn, "250 Ok\r\n");
    } else if (fault(FAULT_SMTP_ENHANCED_CLASS)) {
        conn_text(s->conn, "250 5.0.0 Ok\r\n");
    } else if (fault(FAULT_SMTP_ENHANCED_DIFFER)) {
        conn_text(s->conn, "250-2.0.0 Ok\r\n250 2.1.0 Ok\r\n");
    } else {
        return false;
    }
    return true;
}

void smtp_noop(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    if (wants_hello(s))
        return;
    if (fault(FAULT_SMTP_NOOP_RESETS))
        smtp_reset(s);
    if (n > 0 && fault(FAULT_SMTP_NOOP_ARGUMENT_501))
        smtp_reply(s, 501, "5.5.4", "NOOP takes no argument");
    else if (!spoiled_noop(s))
        smtp_reply(s, 250, "2.0.0", "Ok");
}

void smtp_quit(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    (void)n;
    smtp_reset(s);
    if (!fault(FAULT_SMTP_QUIT_NO_REPLY))
        smtp_reply(s, 221, "2.0.0", "%s closing", s->conn->server->hostname);
    if (!fault(FAULT_SMTP_QUIT_STAYS_OPEN))
        conn_close(s->conn);
}

/* The local part that stands for others; "" none. path NULL: text is a name. */
static const char *alias_of(const struct smtp *s, const struct smtp_path *path, const char *text,
                            size_t n)
{
    static char local[SMTP_LOCAL_MAX + 1];
    struct smtp_path own = {.null = false};
    local[0] = '\0';
    if (path == NULL && n <= SMTP_LOCAL_MAX) {
        snprintf(own.local, sizeof own.local, "%.*s", (int)n, text);
        snprintf(own.domain, sizeof own.domain, "%s", s->conn->server->domain);
        path = &own;
    }
    if (path != NULL && smtp_names_alias(s, path))
        snprintf(local, sizeof local, "%s", path->local);
    return local;
}

static bool names_alias(const struct smtp *s, const struct smtp_path *path, const char *text,
                        size_t n)
{
    return *alias_of(s, path, text, n) != '\0';
}

/* A user name, an address, or an address in angle brackets (RFC 5321, 3.5.1). */
static void look_up(struct smtp *s, const char *arg, size_t n)
{
    struct smtp_path path;
    const char *why = NULL;
    size_t used = 0;
    struct account *account = NULL;
    bool ours = true;
    /* VRFY takes SMTPUTF8 behind its string (RFC 6531, 3.7.4.2). */
    if (n > 9 && strcasecmp(arg + n - 9, " SMTPUTF8") == 0)
        n -= 9;
    bool whole = smtp_mailbox_parse(arg, n, &path, &why) == 0;
    if (!whole && smtp_path_parse(arg, n, SMTP_PATH_POSTMASTER, &path, &used, &why) == 0)
        whole = used == n;
    if (names_alias(s, whole ? &path : NULL, arg, n)) {
        smtp_reply(s, 250, "2.1.5", "<%.*s>", (int)n, arg);
        return;
    }
    if (whole) {
        account = smtp_account_of(s, &path, &ours);
    } else {
        char *name = strndup(arg, n);
        if (name == NULL)
            abort();
        account = account_find(s->conn->server->accounts, name);
        if (account == NULL && strchr(name, '@') == NULL)
            account =
                account_by_address(s->conn->server->accounts, name, s->conn->server->domain, &ours);
        ours = true;
        free(name);
    }
    if (account != NULL && !fault(FAULT_SMTP_VRFY_KNOWS_NOBODY))
        smtp_reply(s, 250, "2.1.5", "<%.*s>",
                   (int)(fault(FAULT_SMTP_VRFY_HALF_ADDRESS) ? strcspn(account->address, "@")
                                                             : strlen(account->address)),
                   account->address);
    else if (!ours && fault(FAULT_SMTP_VRFY_CONFIRMS_ELSEWHERE))
        smtp_reply(s, 250, "2.1.5", "<%s>", path.mailbox);
    else if (!ours)
        smtp_reply(s, 252, "2.5.2", "Cannot say, that is another host's");
    else if (fault(FAULT_SMTP_VRFY_UNKNOWN_250))
        smtp_reply(s, 250, "2.1.5", "<nobody@%s>", s->conn->server->domain);
    else
        smtp_refuse_echo(s, 550, "5.1.1", "There is no such user", arg);
}

void smtp_vrfy(struct smtp *s, const char *arg, size_t n)
{
    if (wants_hello(s))
        return;
    if (fault(FAULT_SMTP_CODE_RANGE))
        smtp_reply_line(s, 652, false, NULL, "Cannot say");
    else if (fault(FAULT_SMTP_LISTED_COMMAND_502))
        smtp_reply(s, 502, "5.5.1", "Not here");
    else if (fault(FAULT_SMTP_CODE_SECOND_DIGIT))
        smtp_reply_line(s, 262, false, "2.5.2", "Cannot say");
    else
        look_up(s, arg, n);
}

/* The members of a list or an alias. False: it is none. */
static bool tell_members(struct smtp *s, const char *arg, size_t n)
{
    struct smtp_path path;
    const char *why = NULL;
    size_t used = 0;
    bool whole =
        smtp_mailbox_parse(arg, n, &path, &why) == 0 ||
        (smtp_path_parse(arg, n, SMTP_PATH_POSTMASTER, &path, &used, &why) == 0 && used == n);
    const char *local = alias_of(s, whole ? &path : NULL, arg, n);
    struct smtp_members *m = *local != '\0' ? smtp_alias_members(s->conn->server, local) : NULL;
    size_t count = m != NULL ? m->count : 0;
    if (count > 1 && fault(FAULT_SMTP_EXPN_FIRST_MEMBER))
        count = 1;
    for (size_t i = 0; i < count; i++)
        smtp_reply_line(s, 250, i + 1 < count, "2.1.5", "<%s>", m->list[i].address);
    smtp_members_free(m);
    return count > 0;
}

/* A single user is a list of one (RFC 5321, 3.5.1). */
void smtp_expn(struct smtp *s, const char *arg, size_t n)
{
    if (fault(FAULT_SMTP_EXPN_RESETS))
        smtp_reset(s);
    if (fault(FAULT_SMTP_LISTED_COMMAND_502))
        smtp_reply(s, 502, "5.5.1", "Not here");
    else if (!tell_members(s, arg, n))
        look_up(s, arg, n);
}

void smtp_help(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    (void)n;
    if (fault(FAULT_SMTP_HELP_CODE)) {
        smtp_reply(s, 250, "2.0.0", "Help yourself");
        return;
    }
    smtp_reply_line(s, 214, true, "2.0.0", "mailproofd " MAILPROOF_VERSION " knows");
    smtp_reply_line(s, 214, true, "2.0.0", "%s MAIL RCPT DATA BDAT RSET NOOP QUIT",
                    s->lmtp ? "LHLO" : "EHLO HELO");
    smtp_reply(s, 214, "2.0.0", "VRFY EXPN HELP STARTTLS%s",
               s->lmtp                                ? ""
               : smtp_has_etrn(s) && smtp_may_etrn(s) ? " AUTH ETRN"
                                                      : " AUTH");
}
