/* From the greeting to the login: STARTTLS, LOGIN, AUTHENTICATE. RFC 3501, 6.2; RFC 4959 (initial
 * response). SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap/misbehave.h"
#include "imap/state.h"
#include "net/guard.h"

void run_starttls(struct imap *s)
{
    struct conn *c = s->conn;
    if (s->state != IMAP_GREETED && !fault(FAULT_IMAP_STARTTLS_AFTER_LOGIN)) {
        imap_bad(s, "STARTTLS has no place after the login");
        return;
    }
    if (c->tls && fault(FAULT_STARTTLS_TWICE)) {
        imap_ok(s, "Begin TLS again");
        return;
    }
    if (!c->tls && fault(FAULT_STARTTLS_REFUSED)) {
        imap_no(s, "[UNAVAILABLE] TLS cannot be had now");
        return;
    }
    if (c->tls) {
        imap_bad(s, "TLS is active already");
        return;
    }
    if (c->server->tls == NULL) {
        imap_no(s, "[UNAVAILABLE] There is no TLS here");
        return;
    }
    /* The OK is the last thing in clear; whatever the client sent behind STARTTLS is dropped by
     * conn_starttls. */
    imap_ok(s, "Begin TLS now");
    if (conn_starttls(c) != 0) {
        conn_text(c, "* BYE TLS cannot be had here\r\n");
        conn_close(c);
    }
}

bool imap_logged_in(struct imap *s, struct account *account)
{
    struct conn *c = s->conn;
    s->account = account;
    if (account != NULL) {
        s->account_id = account->id;
    } else if (store_account(c->server->store, "anonymous", true, &s->account_id, NULL) != 0) {
        imap_no(s, "[UNAVAILABLE] The mail store cannot be reached");
        return false;
    }
    s->state = IMAP_LOGGED_IN;
    guard_login_succeeded(c, account != NULL ? account->name : "anonymous");
    if (fault(FAULT_IMAP_RESUMES_LOGIN)) {
        misbehave_remember(account != NULL ? account->name : "");
    }
    if (fault(FAULT_IMAP_PREAUTH_LATE)) {
        conn_text(s->conn, "* PREAUTH You are known\r\n");
    }
    struct buf caps;
    buf_init(&caps, 4096);
    imap_capabilities(s, &caps);
    imap_ok(s, "[CAPABILITY %.*s] Logged in", (int)caps.len, caps.data);
    buf_free(&caps);
    return true;
}

static void login_failed(struct imap *s, const char *why)
{
    s->failed_logins++;
    imap_no(s, "[AUTHENTICATIONFAILED] %s", why);
    if (s->failed_logins >= s->conn->server->limits.imap_failed_logins) {
        conn_text(s->conn, "* BYE Too many logins failed\r\n");
        s->state = IMAP_ENDED;
        conn_close(s->conn);
    }
}

/* --- LOGIN --- */

struct login {
    struct str user, password;
};

void parse_login(struct imap *s, struct args *a)
{
    struct login *l = arena_alloc(&s->arena, sizeof *l);
    s->args = l;
    if (!s->conn->tls && !s->conn->server->plaintext_login &&
        !fault(FAULT_IMAP_LOGINDISABLED_IGNORED)) {
        s->refuse = "[PRIVACYREQUIRED] A password is taken under TLS only";
    }
    if (args_sp(a) && args_astring(a, &l->user) && args_sp(a) && args_astring(a, &l->password)) {
        args_end(a);
        if (s->refuse != NULL && fault(FAULT_IMAP_CLEAR_ORACLE) &&
            account_check(s->conn->server->accounts, l->user.p, l->password.p) != NULL) {
            s->refuse = "[PRIVACYREQUIRED] The password is right, but taken under TLS only";
        }
        if (s->refuse != NULL && fault(FAULT_SASL_CLEAR_ORACLE) &&
            account_check(s->conn->server->accounts, l->user.p, l->password.p) == NULL) {
            s->refuse = "[AUTHENTICATIONFAILED] Name or password is wrong";
        }
    }
}

/* A fault begins TLS whatever stands behind the command. */
void parse_starttls(struct imap *s, struct args *a)
{
    struct str any;
    (void)s;
    if (fault(FAULT_IMAP_STARTTLS_TAKES_ARGUMENT) && args_maybe(a, ' ')) {
        args_atom(a, &any);
    }
    args_end(a);
}

void run_login(struct imap *s)
{
    const struct login *l = s->args;
    struct accounts *accounts = s->conn->server->accounts;
    struct account *account = account_check(accounts, l->user.p, l->password.p);
    if (account == NULL && fault(FAULT_IMAP_ANY_PASSWORD)) {
        account = account_find(accounts, l->user.p);
    }
    if (account == NULL) {
        guard_login_failed(s->conn, l->user.p);
    }
    if (account != NULL) {
        imap_logged_in(s, account);
    } else if (fault(FAULT_IMAP_LOGIN_TELLS) && account_find(accounts, l->user.p) == NULL) {
        login_failed(s, "There is no such user");
    } else {
        login_failed(s, "Name or password is wrong");
    }
}

/* --- AUTHENTICATE --- */

struct authenticate {
    struct str mechanism;
    struct str initial; /* p NULL: none */
};

void parse_authenticate(struct imap *s, struct args *a)
{
    struct authenticate *auth = arena_alloc(&s->arena, sizeof *auth);
    s->args = auth;
    if (!args_sp(a) || !args_atom(a, &auth->mechanism)) {
        return;
    }
    if (args_maybe(a, ' ')) {
        /* Base64 or "=": every octet of both is an atom's. */
        args_atom(a, &auth->initial);
    }
    args_end(a);
}

static void sasl_over(struct imap *s)
{
    sasl_free(s->sasl);
    s->sasl = NULL;
    s->mode = MODE_COMMAND;
}

static void challenge(struct imap *s, const struct buf *data)
{
    struct buf line;
    buf_init(&line, 65536);
    if (data->len > 0) {
        buf_text(&line, "+ ");
        base64_encode(&line, data->data, data->len);
    } else if (fault(FAULT_IMAP_AUTHENTICATE_CHALLENGE_HAS_TEXT)) {
        buf_text(&line, "+ go ahead");
    } else {
        buf_text(&line, fault(FAULT_IMAP_CHALLENGE_NO_SPACE) ? "+" : "+ ");
    }
    buf_text(&line, "\r\n");
    imap_send(s, &line);
    buf_free(&line);
}

/* One turn of the exchange; in NULL: there is no initial response. */
static void turn(struct imap *s, const unsigned char *in, size_t n)
{
    struct buf out;
    if (s->sasl_done) {
        /* The last message of the server went out as a challenge (RFC 4422, 5, item 6a); it is
         * answered by nothing. */
        struct account *account = sasl_account(s->sasl);
        sasl_over(s);
        s->sasl_done = false;
        if (n > 0) {
            login_failed(s, "Nothing was left to be said");
        } else {
            imap_logged_in(s, account);
        }
        return;
    }
    buf_init(&out, 32768);
    enum sasl_step step = sasl_step(s->sasl, in, n, &out);
    switch (step) {
    case SASL_CHALLENGE:
        challenge(s, &out);
        break;
    case SASL_OK:
        if (out.len > 0) {
            s->sasl_done = true;
            challenge(s, &out);
        } else {
            struct account *account = sasl_account(s->sasl);
            sasl_over(s);
            imap_logged_in(s, account);
        }
        break;
    case SASL_BAD_LOGIN:
        guard_login_failed(s->conn, sasl_user(s->sasl));
        sasl_over(s);
        login_failed(s, "The login was refused");
        break;
    case SASL_MALFORMED:
        sasl_over(s);
        imap_bad(s, "That is not what the mechanism wants");
        break;
    case SASL_TEMPORARY:
        sasl_over(s);
        imap_no(s, "[UNAVAILABLE] Try again later");
        break;
    }
    buf_free(&out);
}

static void base64_turn(struct imap *s, const char *text, size_t n)
{
    unsigned char *data = NULL;
    size_t len = 0;
    if (base64_decode(text, n, &data, &len) != 0) {
        sasl_over(s);
        s->sasl_done = false;
        imap_bad(s, "That is not base64");
        return;
    }
    turn(s, data, len);
    if (data != NULL) {
        memset(data, 0, len);
    }
    free(data);
}

void run_authenticate(struct imap *s)
{
    const struct authenticate *auth = s->args;
    bool needs_tls = false;
    s->sasl_done = false;
    s->sasl = sasl_begin(s->conn, s->conn->server->accounts, auth->mechanism.p, &needs_tls);
    if (s->sasl == NULL && needs_tls && fault(FAULT_SASL_CLEAR_ORACLE) &&
        !sasl_plain_fits(s->conn->server->accounts, auth->initial.p)) {
        imap_no(s, "[AUTHENTICATIONFAILED] Name or password is wrong");
        return;
    }
    if (s->sasl == NULL) {
        imap_no(s, needs_tls ? "[PRIVACYREQUIRED] That mechanism is offered under TLS only"
                             : "There is no such mechanism here");
        return;
    }
    s->mode = MODE_SASL;
    if (auth->initial.p == NULL) {
        turn(s, NULL, 0);
    } else if (str_is(&auth->initial, "=")) {
        turn(s, (const unsigned char *)"", 0);
    } else {
        base64_turn(s, auth->initial.p, auth->initial.n);
    }
}

void imap_sasl_line(struct imap *s, const unsigned char *line, size_t n)
{
    if (n == 1 && line[0] == '*') {
        if (fault(FAULT_IMAP_AUTHENTICATE_CANCEL_IGNORED)) {
            conn_text(s->conn, "+ \r\n");
            return;
        }
        sasl_over(s);
        s->sasl_done = false;
        imap_bad(s, "Cancelled");
        return;
    }
    base64_turn(s, (const char *)line, n);
}
