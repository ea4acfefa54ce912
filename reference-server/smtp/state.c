/* Drives an SMTP session: cuts the input into lines, text and chunks, writes replies, and ends what
 * has to end. The core calls it through smtp_protocol.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "server.h"

enum {
    REPLY_TEXT_MAX = 480,
    HELD_MAX = 65536
}; /* a reply line has 512 octets at most: RFC 5321, 4.5.3.1.5 */

struct smtp *smtp_of(struct conn *c)
{
    return c->session;
}

void smtp_rearm(struct smtp *s)
{
    long seconds = s->conn->server->limits.smtp_idle_seconds;
    if (seconds > 120 && fault(FAULT_SMTP_TIMEOUT_SHORT))
        seconds = 120;
    conn_deadline(s->conn, seconds * 1000);
}

/* --- replies --- */

static void let_go(struct smtp *s)
{
    if (s->held.len > 0)
        conn_write(s->conn, s->held.data, s->held.len);
    buf_empty(&s->held);
}

static void write_line(struct smtp *s, int code, char separator, const char *enhanced,
                       const char *text)
{
    char line[REPLY_TEXT_MAX + 32];
    if (s->helo != NULL && !s->esmtp && fault(FAULT_SMTP_ENHANCED_NOT_AFTER_HELO))
        enhanced = NULL;
    int n = snprintf(line, sizeof line, "%03d%c%s%s%s\r\n", code, separator,
                     enhanced == NULL ? "" : enhanced, enhanced == NULL ? "" : " ", text);
    if (separator == ' ' && trace_wanted())
        trace(s->conn, trace_reason(smtp_reasons, s->verb, line), "%s: %.*s", s->verb, n - 2, line);
    if (!s->holding) {
        let_go(s);
        conn_write(s->conn, line, (size_t)n);
        return;
    }
    if (fault(FAULT_SMTP_RCPT_REPLY_HELD_BACK)) {
        let_go(s);
        buf_add(&s->held, line, (size_t)n);
        return;
    }
    /* The newest goes to the front: that is the fault. */
    struct buf older = s->held;
    buf_init(&s->held, HELD_MAX);
    buf_add(&s->held, line, (size_t)n);
    buf_add(&s->held, older.data, older.len);
    buf_free(&older);
}

/* Client text may be quoted in a reply; only printable ASCII goes out (RFC 5321, 4.2). */
static void make_printable(char *text)
{
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126)
            *p = '?';
}

void smtp_reply_line(struct smtp *s, int code, bool more, const char *enhanced, const char *fmt,
                     ...)
{
    char text[REPLY_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_printable(text);
    write_line(s, code, more ? '-' : ' ', enhanced, text);
}

void smtp_reply(struct smtp *s, int code, const char *enhanced, const char *fmt, ...)
{
    char text[REPLY_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_printable(text);
    if (code == 503 && fault(FAULT_SMTP_ENHANCED_WRONG_ORDER))
        enhanced = "5.1.0";
    else if (code == 501 && fault(FAULT_SMTP_ENHANCED_WRONG_ARGUMENT))
        enhanced = "5.3.0";
    else if (code == 354 && fault(FAULT_SMTP_ENHANCED_IN_354))
        enhanced = "3.0.0";
    write_line(s, code, ' ', enhanced, text);
    if (code >= 500)
        s->errors++;
    if (s->errors >= (unsigned)s->conn->server->limits.smtp_errors && !s->conn->closing)
        smtp_goodbye(s, "4.7.0", "too many errors");
}

void smtp_refuse_echo(struct smtp *s, int code, const char *enhanced, const char *why,
                      const char *text)
{
    if (fault(FAULT_SMTP_UTF8_ECHOES))
        conn_printf(s->conn, "%03d %s %s: %.200s\r\n", code, enhanced, why, text);
    else
        smtp_reply(s, code, enhanced, "%s", why);
}

void smtp_goodbye(struct smtp *s, const char *enhanced, const char *why)
{
    smtp_reply_line(s, 421, false, enhanced, "%s %s", s->conn->server->hostname, why);
    conn_close(s->conn);
}

/* --- what the session remembers --- */

void smtp_envelope_clear(struct smtp_envelope *e)
{
    for (size_t i = 0; i < e->count; i++) {
        free(e->recipients[i].mailbox);
        free(e->recipients[i].orcpt);
        free(e->recipients[i].owner);
        free(e->recipients[i].alias);
    }
    free(e->recipients);
    free(e->sender);
    free(e->envid);
    *e = (struct smtp_envelope){0};
}

static void drop_message(struct smtp *s)
{
    if (!s->text_stays)
        buf_free(&s->message);
    s->chunk_left = 0;
    s->chunk_last = s->chunks_begun = s->chunks_failed = s->chunks_lost = false;
    s->chunk_refusal = NULL;
}

void smtp_reset(struct smtp *s)
{
    smtp_envelope_clear(&s->envelope);
    drop_message(s);
}

void smtp_forget(struct smtp *s)
{
    smtp_reset(s);
    while (s->domain_count > 0)
        free(s->domains[--s->domain_count]);
    free(s->domains);
    s->domains = NULL;
    free(s->helo);
    s->helo = NULL;
    s->esmtp = false;
    sasl_free(s->sasl);
    s->sasl = NULL;
    s->sasl_said_all = false;
    if (!fault(FAULT_SMTP_STARTTLS_KEEPS_LOGIN))
        s->logged_in = false;
    s->account = s->logged_in ? s->account : NULL;
    s->doing = SMTP_COMMAND;
    s->skipping = false;
    s->scanned = 0;
}

/* --- lines --- */

static size_t line_limit(const struct smtp *s)
{
    const struct limits *limits = &s->conn->server->limits;
    if (s->doing == SMTP_AUTH)
        return (size_t)limits->smtp_auth_line_bytes;
    if (fault(FAULT_SMTP_SHORT_COMMAND_LINE))
        return 256;
    return (size_t)limits->smtp_line_bytes;
}

/* The bytes up to the first CR LF, that included; 0: it has not come yet. */
static size_t find_line(struct smtp *s)
{
    const struct buf *in = &s->conn->in;
    size_t at = s->scanned;
    while (at < in->len) {
        const unsigned char *lf = memchr(in->data + at, '\n', in->len - at);
        if (lf == NULL)
            break;
        at = (size_t)(lf - in->data) + 1;
        if (at >= 2 && in->data[at - 2] == '\r')
            return at;
    }
    s->scanned = in->len;
    return 0;
}

/* For a fault: the first lone CR, if it comes before the first line end, becomes one. */
static void lone_cr_ends_line(struct buf *in, size_t *scanned)
{
    for (size_t i = 0; i + 1 < in->len; i++) {
        if (in->data[i] != '\r')
            continue;
        if (in->data[i + 1] == '\n')
            return;
        size_t n = in->len;
        unsigned char *rest = buf_take(in, &n);
        buf_add(in, rest, i + 1);
        buf_add(in, "\n", 1);
        buf_add(in, rest + i + 1, n - i - 1);
        free(rest);
        *scanned = 0;
        return;
    }
}

/* text is NUL-terminated besides its n bytes. */
static void obey(struct smtp *s, char *text, size_t n)
{
    if (s->doing == SMTP_AUTH)
        smtp_auth_response(s, text, n, false);
    else if (conn_allows(s->conn, text, NULL, 1))
        smtp_command(s, text, n);
    else
        smtp_bdat_skip(s, text);
}

static void refuse_long_line(struct smtp *s)
{
    s->verb = s->doing == SMTP_AUTH ? "AUTH" : "?";
    if (s->doing == SMTP_AUTH)
        smtp_auth_response(s, NULL, 0, true);
    else
        smtp_reply(s, 500, "5.5.2", "Line too long");
}

/* One line, or a part of one that is too long. False: more input is needed. */
static bool take_line(struct smtp *s)
{
    struct buf *in = &s->conn->in;
    if (fault(FAULT_SMTP_STARTTLS_BARE_LF) && s->doing == SMTP_COMMAND && in->len == 9 &&
        memcmp(in->data, "STARTTLS\n", 9) == 0) {
        char line[] = "STARTTLS";
        buf_consume(in, 9);
        smtp_command(s, line, 8);
        return true;
    }
    if (s->doing == SMTP_COMMAND && fault(FAULT_SMTP_COMMAND_CR_ENDS_LINE))
        lone_cr_ends_line(in, &s->scanned);
    size_t n = find_line(s);
    if (s->to_line_end) {
        buf_consume(in, n > 0 ? n : in->len);
        s->to_line_end = n == 0;
        s->scanned = 0;
        return n > 0;
    }
    if (fault(FAULT_SMTP_SEGMENT_IS_LINE) && s->doing == SMTP_COMMAND)
        n = in->len;
    size_t limit = line_limit(s);
    if (n == 0 && !s->skipping && in->len <= limit)
        return false;
    if (s->skipping || n == 0 || n > limit) {
        /* Past the limit nothing is kept but a CR that may be half of the line's end; one reply
         * when that has come. */
        s->splitting =
            (s->splitting || s->doing == SMTP_AUTH) && fault(FAULT_SMTP_AUTH_LONG_LINE_SPLIT);
        bool tail = (fault(FAULT_SMTP_LONG_LINE_TAIL_OBEYED) || s->splitting) && !s->skipping;
        if (tail) {
            buf_consume(in, limit);
            s->scanned = 0;
            refuse_long_line(s);
            return true;
        }
        s->skipping = n == 0;
        size_t keep = n == 0 && in->data[in->len - 1] == '\r' ? 1 : 0;
        size_t drop = n == 0 ? in->len - keep : n;
        buf_consume(in, drop);
        s->scanned = 0;
        if (n > 0)
            refuse_long_line(s);
        return n > 0;
    }
    s->splitting = false;
    unsigned char *p = in->data;
    size_t len = n;
    while (len > 0 && fault(FAULT_SMTP_SEGMENT_IS_LINE) &&
           (p[len - 1] == '\n' || p[len - 1] == '\r'))
        len--;
    if (len == n)
        len -= 2;
    s->scanned = 0;
    conn_command(s->conn);
    /* The line is copied before the input moves on: a command may park, and the input then grows.
     */
    char *copy = malloc(len + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, p, len);
    copy[len] = '\0';
    buf_consume(in, n);
    obey(s, copy, len);
    free(copy);
    return true;
}

/* --- the protocol --- */

enum { WAITING_MOST = 16 };
static struct smtp *at_text, *waiting[WAITING_MOST]; /* for one fault */

void smtp_queue_moves(struct smtp *s)
{
    for (size_t i = 0; i < WAITING_MOST; i++)
        if (waiting[i] == s)
            waiting[i] = NULL;
    if (at_text != s)
        return;
    at_text = NULL;
    for (size_t i = 0; i < WAITING_MOST; i++) {
        struct smtp *next = waiting[i];
        waiting[i] = NULL;
        if (next != NULL) {
            smtp_greet(next);
            conn_hold(next->conn, 1); /* whose end sends it */
        }
    }
}

static bool has_to_wait(struct smtp *s)
{
    if (at_text == NULL || !fault(FAULT_SMTP_ONE_AT_A_TIME))
        return false;
    for (size_t i = 0; i < WAITING_MOST; i++)
        if (waiting[i] == NULL) {
            waiting[i] = s;
            return true;
        }
    return false;
}

static void smtp_open(struct conn *c)
{
    struct smtp *s = smtp_of(c);
    s->conn = c;
    s->verb = "greeting";
    s->lmtp = c->service == SERVICE_LMTP;
    s->submission = c->service == SERVICE_SUBMISSION || c->service == SERVICE_SUBMISSIONS;
    buf_init(&s->message, (size_t)c->server->limits.message_bytes);
    s->message.budget = &c->server->incoming;
    c->server->incoming.most = &c->server->limits.incoming_bytes;
    buf_init(&s->held, HELD_MAX);
    s->xclient = networks_hold(&c->server->policy.xclient_from, c->peer);
    if (!has_to_wait(s))
        smtp_greet(s);
    smtp_rearm(s);
}

void smtp_greet(struct smtp *s)
{
    const struct conn *c = s->conn;
    int code = fault(FAULT_SMTP_GREETING_WRONG_CODE) ? 250 : 220;
    const char *host = fault(FAULT_SMTP_GREETING_NO_HOST) ? "***" : c->server->hostname;
    if (fault(FAULT_SMTP_GREETING_CODES_DIFFER)) {
        smtp_reply_line(s, 220, true, NULL, "%s one", host);
        code = 554;
    }
    smtp_reply_line(s, code, false, NULL, "%s %s mailproofd " MAILPROOF_VERSION, host,
                    s->lmtp ? "LMTP" : "ESMTP");
}

static bool may_go_on(const struct conn *c)
{
    return !c->parked && !c->closing && !conn_starting_tls(c) && !conn_full(c);
}

static void smtp_input(struct conn *c)
{
    struct smtp *s = smtp_of(c);
    smtp_rearm(s);
    if (fault(FAULT_SMTP_END_NEEDS_ONE_SEGMENT) && s->doing == SMTP_TEXT && s->message.len > 0) {
        if (s->dot.state == DOT_AFTER_CR || s->dot.state == DOT_AFTER_DOT_CR)
            buf_add(&s->message, "\r", 1);
        s->dot.state = DOT_IN_TEXT;
    }
    bool more = true;
    unsigned commands = 0; /* for a fault */
    while (more && may_go_on(c) && c->in.len > 0) {
        size_t used = 0;
        switch (s->doing) {
        case SMTP_COMMAND:
        case SMTP_AUTH:
            more = take_line(s);
            if (++commands == 16 && fault(FAULT_SMTP_GROUP_OF_SIXTEEN))
                buf_empty(&c->in);
            continue;
        case SMTP_TEXT:
            used = smtp_text(s, c->in.data, c->in.len);
            break;
        case SMTP_CHUNK:
            used = smtp_chunk(s, c->in.data, c->in.len);
            break;
        }
        /* A command that parked or closed may have been reached inside: the input is still ours to
         * consume. */
        buf_consume(&c->in, used);
        more = used > 0;
    }
    bool unfinished = c->in.len > 0 && s->doing == SMTP_COMMAND;
    if (!unfinished || !fault(FAULT_SMTP_RCPT_REPLY_HELD_BACK))
        let_go(s);
    if (s->doing == SMTP_TEXT && fault(FAULT_SMTP_ONE_AT_A_TIME))
        at_text = s;
    if (c->eof && !c->parked && !c->closing && (c->in.len == 0 || !more)) {
        /* What the client had not finished counts as never said (RFC 5321, 4.1.1.5). */
        if (s->doing == SMTP_TEXT && fault(FAULT_SMTP_DELIVERS_UNFINISHED))
            smtp_text_cut(s);
        else
            conn_close(c);
    }
    c->receiving = s->doing == SMTP_TEXT || s->doing == SMTP_CHUNK;
}

static void smtp_secured(struct conn *c)
{
    struct smtp *s = smtp_of(c);
    struct smtp_envelope kept = {0};
    if (fault(FAULT_SMTP_STARTTLS_KEEPS_TRANSACTION)) {
        kept = s->envelope;
        s->envelope = (struct smtp_envelope){0};
    }
    smtp_forget(s);
    s->envelope = kept;
    if (fault(FAULT_SMTP_STARTTLS_GREETS_AGAIN))
        smtp_reply_line(s, 220, false, NULL, "%s ESMTP", c->server->hostname);
    smtp_rearm(s);
}

static void smtp_timeout(struct conn *c)
{
    smtp_goodbye(smtp_of(c), "4.4.2", "nothing came for too long, closing");
}

static void smtp_shutdown(struct conn *c)
{
    smtp_goodbye(smtp_of(c), "4.3.2", "shutting down");
}

static void smtp_close(struct conn *c)
{
    struct smtp *s = smtp_of(c);
    smtp_queue_moves(s);
    smtp_forget(s);
    free(s->told_name);
    free(s->told_helo);
    buf_free(&s->held);
}

const struct protocol smtp_protocol = {
    .name = "smtp",
    .session_size = sizeof(struct smtp),
    .open = smtp_open,
    .input = smtp_input,
    .secured = smtp_secured,
    .timeout = smtp_timeout,
    .shutdown = smtp_shutdown,
    .close = smtp_close,
};
