/* AUTH (RFC 4954): base64 and replies around the mechanisms of sasl.c.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "net/guard.h"
#include "server.h"
#include "smtp/state.h"

enum { CHALLENGE_MAX = 65536, MECHANISM_MAX = 20 /* RFC 4422, 3.1 */ };

void smtp_auth_mechanisms(struct smtp *s, struct buf *out)
{
    sasl_mechanisms(s->conn, out);
}

static void over(struct smtp *s)
{
    sasl_free(s->sasl);
    s->sasl = NULL;
    s->sasl_said_all = false;
    s->doing = SMTP_COMMAND;
    s->scanned = 0;
}

/* 334 with the challenge in base64 and nothing else (RFC 4954, 4). */
static void challenge(struct smtp *s, const struct buf *out)
{
    struct buf text;
    buf_init(&text, CHALLENGE_MAX);
    base64_encode(&text, out->data, out->len);
    s->doing = SMTP_AUTH;
    if (out->len == 0 && fault(FAULT_SMTP_AUTH_CHALLENGE_HAS_TEXT))
        conn_text(s->conn, "334 Go ahead\r\n");
    else if (out->len == 0 && fault(FAULT_SMTP_AUTH_CHALLENGE_NO_SPACE))
        conn_text(s->conn, "334\r\n");
    else if (out->len > 0 && fault(FAULT_SMTP_CHALLENGE_NOT_BASE64))
        conn_printf(s->conn, "334 %.*s\r\n", (int)out->len, (const char *)out->data);
    else
        conn_printf(s->conn, "334 %.*s\r\n", (int)text.len,
                    text.len > 0 ? (const char *)text.data : "");
    buf_free(&text);
}

static void logged_in(struct smtp *s, struct account *account)
{
    s->account = account;
    s->logged_in = true;
    guard_login_succeeded(s->conn, account != NULL ? account->name : "anonymous");
    over(s);
    smtp_reply(s, 235, "2.7.0", "Welcome");
    if (fault(FAULT_SMTP_AUTH_DROPS_BATCH))
        buf_empty(&s->conn->in);
}

static void bad_login(struct smtp *s)
{
    const char *user = sasl_user(s->sasl);
    struct account *account = user == NULL ? NULL : account_find(s->conn->server->accounts, user);
    if (account != NULL && fault(FAULT_SMTP_AUTH_ACCEPTS_ANY_PASSWORD)) {
        logged_in(s, account);
        return;
    }
    bool tell = account == NULL && fault(FAULT_SMTP_AUTH_USER_ORACLE);
    guard_login_failed(s->conn, user);
    over(s);
    if (tell)
        smtp_reply(s, 550, "5.1.1", "There is no such user");
    else
        smtp_reply(s, 535, "5.7.8", "Wrong name or password");
    if (++s->failed_logins >= (unsigned)s->conn->server->limits.smtp_failed_logins)
        smtp_goodbye(s, "4.7.0", "too many failed logins");
    else if (fault(FAULT_SMTP_AUTH_FAILURE_CLOSES))
        conn_close(s->conn);
}

static void step(struct smtp *s, const unsigned char *in, size_t n, bool initial)
{
    struct buf out;
    buf_init(&out, CHALLENGE_MAX);
    bool server_first = strcmp(sasl_mechanism(s->sasl), "CRAM-MD5") == 0;
    switch (sasl_step(s->sasl, in, n, &out)) {
    case SASL_CHALLENGE:
        challenge(s, &out);
        break;
    case SASL_OK:
        if (out.len > 0 && !fault(FAULT_SMTP_SCRAM_NO_SERVER_SIGNATURE)) {
            s->sasl_said_all = true; /* 235 has no room for it: RFC 4954, 4 */
            challenge(s, &out);
        } else {
            logged_in(s, sasl_account(s->sasl));
        }
        break;
    case SASL_BAD_LOGIN:
        bad_login(s);
        break;
    case SASL_MALFORMED:
        over(s);
        if (initial && server_first)
            smtp_reply(s, 501, "5.7.0", "In this mechanism the server speaks first");
        else
            smtp_reply(s, 501, "5.5.2", "This is not what the mechanism expects");
        break;
    case SASL_TEMPORARY:
        over(s);
        smtp_reply(s, 454, "4.7.0", "Cannot check that at the moment");
        break;
    }
    buf_free(&out);
}

/* What a lax decoder makes of it: everything outside the alphabet is skipped. */
static int decode(const char *text, size_t n, unsigned char **out, size_t *len)
{
    bool pads = n % 4 != 0 && fault(FAULT_SMTP_AUTH_PADDING_OPTIONAL);
    if (!fault(FAULT_SMTP_AUTH_BAD_BASE64_ACCEPTED) && !pads)
        return base64_decode(text, n, out, len);
    struct buf clean;
    buf_init(&clean, CHALLENGE_MAX);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '+' || c == '/')
            buf_add(&clean, &c, 1);
    }
    while (clean.len % 4 != 0)
        buf_text(&clean, "=");
    int rc = base64_decode((const char *)clean.data, clean.len, out, len);
    buf_free(&clean);
    return rc;
}

/* A response or an initial response, still in base64. */
static void respond(struct smtp *s, const char *text, size_t n, bool initial)
{
    unsigned char *plain = NULL;
    size_t len = 0;
    if (decode(text, n, &plain, &len) != 0) {
        over(s);
        smtp_reply(s, 501, "5.5.2", "This is not base64");
        return;
    }
    if (!s->sasl_said_all) {
        step(s, plain, len, initial);
    } else if (len == 0) {
        logged_in(s, sasl_account(s->sasl));
    } else {
        over(s);
        smtp_reply(s, 501, "5.5.2", "Nothing was left to say");
    }
    free(plain);
}

void smtp_auth(struct smtp *s, const char *arg, size_t n)
{
    char mechanism[MECHANISM_MAX + 1];
    size_t len = strcspn(arg, " ");
    const char *initial = len < n ? arg + len + 1 : NULL;
    bool needs_tls = false;
    if (s->helo == NULL) {
        smtp_reply(s, 503, "5.5.1", "Say hello first");
        return;
    }
    if (s->logged_in && !fault(FAULT_SMTP_AUTH_TWICE)) {
        smtp_reply(s, 503, "5.5.1", "You are logged in already");
        return;
    }
    if (s->envelope.open && !fault(FAULT_SMTP_AUTH_IN_TRANSACTION)) {
        smtp_reply(s, 503, "5.5.1", "Not inside a transaction");
        return;
    }
    char *words =
        initial != NULL && fault(FAULT_SMTP_AUTH_THIRD_WORD) ? strchr(initial, ' ') : NULL;
    if (words != NULL)
        *words = '\0';
    if (initial != NULL && (*initial == '\0' || strchr(initial, ' ') != NULL)) {
        smtp_reply(s, 501, "5.5.4", "AUTH takes a mechanism, and perhaps one initial response");
        return;
    }
    if (len <= MECHANISM_MAX) {
        memcpy(mechanism, arg, len);
        mechanism[len] = '\0';
        bool small = fault(FAULT_SMTP_AUTH_CASE_SENSITIVE) &&
                     mechanism[strcspn(mechanism, "abcdefghijklmnopqrstuvwxyz")] != '\0';
        s->sasl =
            small ? NULL : sasl_begin(s->conn, s->conn->server->accounts, mechanism, &needs_tls);
    }
    if (s->sasl == NULL && needs_tls && initial != NULL && fault(FAULT_SASL_CLEAR_ORACLE)) {
        bool right = sasl_plain_fits(s->conn->server->accounts, initial);
        smtp_reply(s, right ? 538 : 535, right ? "5.7.11" : "5.7.8", "Not in clear");
        return;
    }
    if (s->sasl == NULL) {
        smtp_reply(s, fault(FAULT_SMTP_AUTH_UNKNOWN_MECHANISM_CODE) ? 535 : 504,
                   fault(FAULT_SMTP_AUTH_504_BARE) ? "5.0.0" : "5.5.4", "%s",
                   needs_tls ? "That needs TLS: STARTTLS first"
                             : "There is no such mechanism here");
        return;
    }
    bool server_first = strcasecmp(mechanism, "CRAM-MD5") == 0;
    if (initial == NULL || (server_first && fault(FAULT_SMTP_AUTH_CRAM_INITIAL_IGNORED)) ||
        (strcmp(initial, "=") == 0 && fault(FAULT_SMTP_AUTH_EQUALS_IGNORED)))
        step(s, NULL, 0, false);
    else if (strcmp(initial, "=") == 0)
        respond(s, "", 0, true);
    else
        respond(s, initial, strlen(initial), true);
}

void smtp_auth_response(struct smtp *s, char *line, size_t n, bool too_long)
{
    static const struct buf nothing;
    if (!too_long && fault(FAULT_SMTP_AUTH_OBEYS_COMMANDS) && smtp_knows_command(s, line)) {
        smtp_command(s, line, n);
        return;
    }
    if (too_long) {
        over(s);
        smtp_reply(s, 500, "5.5.6", "The response is too long");
    } else if (n == 1 && line[0] == '*') {
        if (fault(FAULT_SMTP_AUTH_CANCEL_IGNORED)) {
            challenge(s, &nothing);
            return;
        }
        over(s);
        smtp_reply(s, 501, "5.7.0", "Given up, as you wish");
    } else {
        respond(s, line, n, false);
    }
}
