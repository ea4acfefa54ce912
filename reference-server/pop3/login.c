/* Who it is: USER and PASS, APOP, AUTH. RFC 1939, 7; RFC 5034; response codes of RFC 2449, 8 and
 * RFC 3206. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/trace.h"
#include "fault.h"
#include "net/guard.h"
#include "pop3/state.h"
#include "sasl/saslprep.h"
#include "server.h"

void pop3_forget_login(struct pop3 *p)
{
    free(p->user);
    p->user = NULL;
    sasl_free(p->sasl);
    p->sasl = NULL;
    p->sasl_final = false;
}

/* A message-id that never comes twice (RFC 1939, 7): process, time, and a count of sessions. */
void pop3_make_stamp(struct pop3 *p)
{
    struct server *s = p->conn->server;
    if (!accounts_have_secrets(s->accounts))
        return;
    long long now = (long long)clock_wall_s(s->clock);
    unsigned number = p->conn->number;
    if (fault(FAULT_POP3_APOP_STAMP_CONSTANT)) {
        now = 0;
        number = 0;
    }
    snprintf(p->stamp, sizeof p->stamp, "<%ld.%lld.%u@%s>", (long)getpid(), now, number,
             s->hostname);
    if (fault(FAULT_POP3_APOP_STAMP_FORM))
        snprintf(p->stamp, sizeof p->stamp, "<%ld%u.%lld>", (long)getpid(), number, now);
}

static bool clear_login_allowed(const struct pop3 *p)
{
    return p->conn->tls || p->conn->server->plaintext_login || fault(FAULT_POP3_USER_IN_CLEAR);
}

void pop3_let_go(struct pop3 *p)
{
    if (p->held == NULL)
        return;
    if (p->held->pop3_lock == p && p->drop.mailbox != p->held)
        p->held->pop3_lock = NULL;
    mailbox_close(p->held);
    p->held = NULL;
}

/* For a fault: the maildrop is ours although the password was wrong. */
static void hold(struct pop3 *p, const char *user)
{
    const struct server *s = p->conn->server;
    const struct account *a = user != NULL ? account_find(s->accounts, user) : NULL;
    pop3_let_go(p);
    if (a == NULL || mailbox_open(s->store, a->id, "INBOX", &p->held) != 0)
        return;
    if (p->held->pop3_lock == NULL)
        p->held->pop3_lock = p;
}

/* Seconds that still have to pass before this account may log in again (RFC 2449, 6.5). */
static long too_soon(const struct pop3 *p, const struct account *a)
{
    const struct server *s = p->conn->server;
    long delay = per_account_get(&s->policy.login_delay, a->name);
    if (delay == 0 || a->pop3_login_ms == 0 || fault(FAULT_POP3_LOGIN_DELAY_NOT_KEPT))
        return 0;
    int64_t left = a->pop3_login_ms + delay * 1000 - clock_now_ms(s->clock);
    return left > 0 ? (long)((left + 999) / 1000) : 0;
}

static void refuse_haste(struct pop3 *p, struct account *a, long wait)
{
    trace(p->conn, "rfc2449-6.5-2", "%s logged in a moment ago", a->name);
    if (fault(FAULT_POP3_LOGIN_DELAY_RESTARTS))
        a->pop3_login_ms = clock_now_ms(p->conn->server->clock);
    pop3_err(p, "%stoo soon after the last login: wait %ld seconds",
             fault(FAULT_POP3_LOGIN_DELAY_NO_CODE) ? "" : "[LOGIN-DELAY] ", wait);
}

/* For faults: a login that fails has to do with the delay, too. True: it was answered. */
static bool failed_in_haste(struct pop3 *p, const char *user)
{
    struct account *a = user != NULL ? account_find(p->conn->server->accounts, user) : NULL;
    long wait = a != NULL ? too_soon(p, a) : 0;
    if (a != NULL && fault(FAULT_POP3_LOGIN_DELAY_RESTARTS))
        a->pop3_login_ms = clock_now_ms(p->conn->server->clock);
    if (wait == 0 || !fault(FAULT_POP3_LOGIN_DELAY_WRONG_PASSWORD))
        return false;
    refuse_haste(p, a, wait);
    return true;
}

/* The moment from which the delay counts. */
static void note_login(struct pop3 *p, struct account *a)
{
    const struct server *s = p->conn->server;
    a->pop3_login_ms = clock_now_ms(s->clock);
    for (size_t i = 0;
         fault(FAULT_POP3_LOGIN_DELAY_FOR_EVERYONE) && i < accounts_count(s->accounts); i++)
        accounts_at(s->accounts, i)->pop3_login_ms = a->pop3_login_ms;
}

static void failed(struct pop3 *p, const char *user, bool with_code)
{
    if (failed_in_haste(p, user))
        return;
    guard_login_failed(p->conn, user);
    p->failed_logins++;
    if (fault(FAULT_POP3_FAILED_LOGIN_LOCKS))
        hold(p, user);
    pop3_err(p, fault(FAULT_POP3_RESPONSE_CODE_SYNTAX) ? "[AUTH name or password is wrong"
                : with_code                            ? "[AUTH] name or password is wrong"
                                                       : "name or password is wrong");
    if (p->failed_logins >= p->conn->server->limits.pop3_failed_logins)
        conn_close(p->conn);
}

/* What arrived before is not kept any longer; 0: everything is. */
static int64_t kept_since(const struct pop3 *p, const struct account *a)
{
    const struct server *s = p->conn->server;
    long days = per_account_get(&s->policy.expire, a->name) - 1;
    int64_t day = fault(FAULT_POP3_EXPIRE_EARLY) ? 43200 : 86400;
    return days <= 0 ? 0 : clock_wall_s(s->clock) - days * day;
}

/* The secret was right: the maildrop still has to be ours (RFC 1939, 4). */
static void enter(struct pop3 *p, struct account *a)
{
    if (a == NULL) {
        pop3_err(p, "[AUTH] this login has no maildrop");
        return;
    }
    long wait = too_soon(p, a);
    if (wait > 0) {
        refuse_haste(p, a, wait);
        return;
    }
    switch (maildrop_open(&p->drop, p->conn->server->store, a->id, kept_since(p, a), p)) {
    case MAILDROP_IN_USE:
        trace(p->conn, "rfc1939-4-3", "the maildrop of %s is in use", a->name);
        pop3_err(p, fault(FAULT_POP3_IN_USE_WITHOUT_CODE)
                        ? "another session has this maildrop"
                        : "[IN-USE] another session has this maildrop");
        return;
    case MAILDROP_MISSING:
        pop3_err(p, "[SYS/TEMP] the maildrop cannot be opened");
        return;
    case MAILDROP_OPEN:
        break;
    }
    p->state = POP3_TRANSACTION;
    p->account = a;
    note_login(p, a);
    p->failed_logins = 0;
    bool surrogates = !p->utf8 && p->conn->server->policy.utf8_mail == UTF8_MAIL_SURROGATE;
    if (fault(FAULT_POP3_UTF8_SIZE_OF_ORIGINAL))
        surrogates = p->utf8;
    if (surrogates)
        pop3_size_surrogates(p);
    guard_login_succeeded(p->conn, a->name);
    pop3_ok(p, "%zu messages, %llu octets", p->drop.count, (unsigned long long)p->drop.total);
}

/* For a fault. */
static void drop_high_octets(char *name)
{
    char *to = name;
    for (const char *from = name; *from != '\0'; from++)
        if ((unsigned char)*from < 0x80)
            *to++ = *from;
    *to = '\0';
}

void pop3_user(struct pop3 *p, const struct pop3_command *c)
{
    if (p->state == POP3_TRANSACTION) { /* only a fault lets it come here */
        pop3_ok(p, "again");
        return;
    }
    if (!clear_login_allowed(p)) {
        trace(p->conn, "rfc2595-2.3-1", "USER needs TLS here");
        pop3_err(p, "a password in clear is not taken here; STLS comes first");
        if (fault(FAULT_SASL_CLEAR_ORACLE)) {
            free(p->user);
            p->user = strdup(c->arguments[0]);
        }
        return;
    }
    free(p->user);
    p->user = NULL;
    char *prepared = saslprep(c->arguments[0]);
    bool well_formed = prepared != NULL;
    free(prepared);
    if (!well_formed && !fault(FAULT_POP3_UTF8_USER_BAD_UTF8)) { /* RFC 6856, 2.2; it tells nothing
                                                                    about who is known */
        pop3_err(p, "a name in UTF-8, of characters that SASLprep allows, is wanted");
        return;
    }
    if (fault(FAULT_POP3_USER_TELLS) &&
        account_find(p->conn->server->accounts, c->arguments[0]) == NULL) {
        pop3_err(p, "[AUTH] nobody has that name");
        return;
    }
    struct account *hasty = fault(FAULT_POP3_LOGIN_DELAY_AT_USER)
                                ? account_find(p->conn->server->accounts, c->arguments[0])
                                : NULL;
    long wait = hasty != NULL ? too_soon(p, hasty) : 0;
    if (wait > 0) {
        refuse_haste(p, hasty, wait);
        return;
    }
    p->user = strdup(c->arguments[0]);
    if (!well_formed)
        drop_high_octets(p->user);
    pop3_ok(p, "and the password?"); /* known or not: RFC 1939, 7, USER leaves it open */
}

static bool told_in_use(struct pop3 *p, const char *user)
{
    struct mailbox *m;
    const struct account *a = account_find(p->conn->server->accounts, user);
    if (a == NULL || mailbox_open(p->conn->server->store, a->id, "INBOX", &m) != 0)
        return false;
    bool locked = m->pop3_lock != NULL;
    mailbox_close(m);
    if (locked)
        pop3_err(p, "[IN-USE] another session has this maildrop");
    return locked;
}

void pop3_pass(struct pop3 *p, const struct pop3_command *c)
{
    if (p->user == NULL && fault(FAULT_POP3_PASS_WITHOUT_USER)) {
        pop3_ok(p, "whoever you are");
        return;
    }
    if (p->user == NULL) {
        pop3_err(p, "USER comes first, right before PASS");
        return;
    }
    char *user = p->user;
    p->user = NULL;
    if (!clear_login_allowed(p)) { /* only a fault lets it come here */
        pop3_err(p, account_check(p->conn->server->accounts, user, c->rest) != NULL
                        ? "a password in clear is not taken here; STLS comes first"
                        : "[AUTH] name or password is wrong");
        free(user);
        return;
    }
    if (!(fault(FAULT_POP3_IN_USE_TOLD) && told_in_use(p, user))) {
        /* Everything behind the first space: a password may hold spaces. */
        struct accounts *all = p->conn->server->accounts;
        struct account *a = account_check(all, user, c->rest);
        if (a == NULL && fault(FAULT_POP3_ANY_PASSWORD))
            a = account_find(all, user);
        if (a == NULL)
            failed(p, user, true);
        else
            enter(p, a);
        if (a == NULL && fault(FAULT_POP3_PASS_AGAIN)) {
            p->user = user;
            return;
        }
    }
    free(user);
}

static bool digest_matches(const struct pop3 *p, const char *secret, const char *digest)
{
    unsigned char md5[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    char hex[33] = "";
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, p->stamp, strlen(p->stamp)) == 1 &&
              EVP_DigestUpdate(ctx, secret, strlen(secret)) == 1 &&
              EVP_DigestFinal_ex(ctx, md5, &n) == 1 && n == 16;
    EVP_MD_CTX_free(ctx);
    if (!ok)
        return false;
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", md5[i]);
    return CRYPTO_memcmp(hex, digest, 32) == 0;
}

void pop3_apop(struct pop3 *p, const struct pop3_command *c)
{
    const char *digest = c->arguments[1];
    if (p->stamp[0] == '\0') {
        pop3_err(p, "APOP is not offered: the greeting had no timestamp");
        return;
    }
    if (strlen(digest) != 32 || strspn(digest, "0123456789abcdef") != 32) {
        pop3_err(p, "a digest is 32 lower-case hexadecimal digits");
        return;
    }
    struct account *a = account_find(p->conn->server->accounts, c->arguments[0]);
    /* A name that is not known costs the same time as one that is. */
    const char *secret = a != NULL && a->secret != NULL ? a->secret : "";
    bool right = digest_matches(p, secret, digest) && secret[0] != '\0';
    if (right && p->state == POP3_TRANSACTION) /* only a fault lets it come here */
        pop3_ok(p, "again");
    else if (right || (a != NULL && fault(FAULT_POP3_APOP_ANY_DIGEST)))
        enter(p, a);
    else
        failed(p, c->arguments[0], !fault(FAULT_POP3_APOP_CODE_MISSING));
}

/* --- AUTH, RFC 5034 --- */

static void challenge(struct pop3 *p, const struct buf *data)
{
    struct buf line;
    buf_init(&line, (size_t)p->conn->server->limits.pop3_sasl_bytes);
    if (data->len == 0 && fault(FAULT_POP3_AUTH_BARE_PLUS)) {
        conn_text(p->conn, "+\r\n");
    } else if (data->len == 0 && fault(FAULT_POP3_AUTH_CHALLENGE_HAS_TEXT)) {
        conn_text(p->conn, "+ go ahead\r\n");
    } else if (buf_text(&line, "+ ") && base64_encode(&line, data->data, data->len) &&
               buf_text(&line, "\r\n")) {
        conn_write(p->conn, line.data, line.len);
    }
    buf_free(&line);
}

static void succeed(struct pop3 *p)
{
    enter(p, sasl_account(p->sasl));
    pop3_forget_login(p);
}

/* One step with the client's decoded response; in NULL: it sent none with AUTH. */
static void step(struct pop3 *p, const unsigned char *in, size_t n)
{
    struct buf out;
    buf_init(&out, (size_t)p->conn->server->limits.pop3_sasl_bytes);
    switch (sasl_step(p->sasl, in, n, &out)) {
    case SASL_CHALLENGE:
        challenge(p, &out);
        break;
    case SASL_OK:
        if (out.len > 0 && !fault(FAULT_POP3_AUTH_DATA_IN_OK)) {
            /* +OK carries no data here: it goes into a challenge that the client answers empty (RFC
             * 5034, 4). */
            challenge(p, &out);
            p->sasl_final = true;
        } else if (out.len > 0) {
            struct buf text;
            buf_init(&text, 1024);
            base64_encode(&text, out.data, out.len);
            pop3_ok(p, "%.*s", (int)text.len, (const char *)text.data);
            buf_free(&text);
            p->account = sasl_account(p->sasl);
            if (p->account != NULL && maildrop_open(&p->drop, p->conn->server->store,
                                                    p->account->id, 0, p) == MAILDROP_OPEN)
                p->state = POP3_TRANSACTION;
            pop3_forget_login(p);
        } else {
            succeed(p);
        }
        break;
    case SASL_BAD_LOGIN:
        failed(p, sasl_user(p->sasl), !fault(FAULT_POP3_AUTH_CODE_MISSING));
        pop3_forget_login(p);
        break;
    case SASL_MALFORMED:
        pop3_forget_login(p);
        pop3_err(p, "this is not how the mechanism goes");
        break;
    case SASL_TEMPORARY:
        pop3_forget_login(p);
        pop3_err(p, "[SYS/TEMP] the login cannot be judged now");
        break;
    }
    buf_free(&out);
}

/* For a fault: what is left of the text when everything that is no base64 is dropped, padded anew.
 */
static int decode_loosely(const char *text, size_t n, unsigned char **out, size_t *len)
{
    struct buf kept;
    buf_init(&kept, n + 4);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            c == '+' || c == '/')
            buf_add(&kept, &c, 1);
    }
    if (kept.len % 4 == 1)
        kept.len--;
    while (kept.len % 4 != 0)
        buf_add(&kept, "=", 1);
    int rc = kept.len > 0 ? base64_decode((const char *)kept.data, kept.len, out, len) : -1;
    buf_free(&kept);
    return rc;
}

/* For a fault. */
static int decode_unpadded(const char *text, size_t n, unsigned char **out, size_t *len)
{
    struct buf padded;
    buf_init(&padded, n + 4);
    buf_add(&padded, text, n);
    while (padded.len % 4 != 0)
        buf_text(&padded, "=");
    int rc = base64_decode((const char *)padded.data, padded.len, out, len);
    buf_free(&padded);
    return rc;
}

/* The reply to what is no matter of name and password. */
static void give_up(struct pop3 *p, const char *why)
{
    pop3_forget_login(p);
    if (fault(FAULT_POP3_AUTH_CODE_AT_CANCEL))
        pop3_err(p, "[AUTH] %s", why);
    else
        pop3_err(p, "%s", pop3_text(p->language, why));
}

static void decode_and_step(struct pop3 *p, const char *text, size_t n)
{
    unsigned char *data = NULL;
    size_t len = 0;
    int rc = base64_decode(text, n, &data, &len);
    if (rc != 0 && fault(FAULT_POP3_AUTH_BAD_BASE64_ACCEPTED))
        rc = decode_loosely(text, n, &data, &len);
    if (rc != 0 && n > 0 && fault(FAULT_POP3_AUTH_PADDING_OPTIONAL))
        rc = decode_unpadded(text, n, &data, &len);
    if (rc != 0) {
        trace(p->conn, "rfc5034-4-12", "no base64");
        give_up(p, "this is no base64");
        return;
    }
    step(p, data, len);
    free(data);
}

static bool in_small_letters(const char *name)
{
    return strpbrk(name, "abcdefghijklmnopqrstuvwxyz") != NULL;
}

void pop3_auth(struct pop3 *p, const struct pop3_command *c)
{
    bool needs_tls = false;
    if (p->state == POP3_TRANSACTION) { /* only a fault lets it come here */
        pop3_ok(p, "again");
        return;
    }
    pop3_forget_login(p);
    if (c->count > 1 && fault(FAULT_POP3_AUTH_NO_INITIAL_RESPONSE)) {
        pop3_err(p, "the mechanism alone is wanted");
        return;
    }
    if (!(in_small_letters(c->arguments[0]) && fault(FAULT_POP3_AUTH_CASE_SENSITIVE)))
        p->sasl = sasl_begin(p->conn, p->conn->server->accounts, c->arguments[0], &needs_tls);
    if (p->sasl == NULL) {
        p->doomed = !needs_tls && fault(FAULT_POP3_AUTH_UNKNOWN_CHALLENGED);
        if (p->doomed)
            conn_text(p->conn, "+ \r\n");
        else
            give_up(p, needs_tls ? "this mechanism needs TLS; STLS comes first"
                                 : "there is no such mechanism here");
        return;
    }
    const char *initial = c->count > 1 ? c->arguments[1] : NULL;
    bool ignored =
        initial != NULL && ((strcmp(initial, "=") == 0 && fault(FAULT_POP3_AUTH_EQUALS_IGNORED)) ||
                            (strcmp(sasl_mechanism(p->sasl), "CRAM-MD5") == 0 &&
                             fault(FAULT_POP3_AUTH_CRAM_INITIAL_IGNORED)));
    if (ignored)
        initial = NULL;
    if (initial == NULL)
        step(p, NULL, 0);
    else if (strcmp(initial, "=") == 0)
        step(p, (const unsigned char *)"", 0); /* present, and empty */
    else
        decode_and_step(p, initial, strlen(initial));
}

void pop3_auth_line(struct pop3 *p, const char *line, size_t n)
{
    if (p->doomed) {
        p->doomed = false;
        pop3_err(p, "there is no such mechanism here");
        return;
    }
    if (n == 1 && line[0] == '*' && !fault(FAULT_POP3_AUTH_CANCEL_IGNORED)) {
        give_up(p, "cancelled");
        return;
    }
    if (n == 1 && line[0] == '*') {
        challenge(p, &(struct buf){.len = 0});
        return;
    }
    if (p->sasl_final) {
        if (n == 0) {
            succeed(p);
        } else {
            pop3_forget_login(p);
            pop3_err(p, "an empty response was wanted");
        }
        return;
    }
    decode_and_step(p, line, n);
}
