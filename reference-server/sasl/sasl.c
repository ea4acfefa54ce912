/* SASL's mechanisms and when they are offered. SMTP, IMAP and POP3 call it with decoded messages;
 * the SCRAM family is in sasl_scram.c, the passwords are in account.c.
 *
 * SPDX-License-Identifier: MIT */
#include "sasl/sasl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "fault.h"
#include "sasl/sasl_mech.h"
#include "sasl/saslprep.h"
#include "server.h"

struct mechanism {
    const char *name;
    /* Whether it makes sense here at all, TLS or not. */
    bool (*offered)(const struct conn *c, const struct accounts *a);
    bool needs_tls; /* shows the password or a token: TLS, or a server that allows plaintext logins
                     */
    bool server_first; /* an initial response is against its rules (RFC 4422, 5.1) */
    enum sasl_step (*step)(struct sasl *s, const unsigned char *in, size_t n, struct buf *out);
    enum scram_hash hash;
    bool plus;
};

static bool always(const struct conn *c, const struct accounts *a)
{
    (void)c;
    (void)a;
    return true;
}

static bool with_tls(const struct conn *c, const struct accounts *a)
{
    (void)a;
    return c->tls;
}

static bool with_certificate(const struct conn *c, const struct accounts *a)
{
    (void)a;
    return c->tls && c->tls_client_subject[0] != '\0';
}

static bool with_secrets(const struct conn *c, const struct accounts *a)
{
    (void)c;
    return accounts_have_secrets(a);
}

/* RFC 7628, 5: never without TLS, whatever is allowed to passwords. */
static bool with_tokens(const struct conn *c, const struct accounts *a)
{
    return (c->tls || fault(FAULT_SASL_OAUTH_IN_CLEAR)) &&
           (accounts_have_tokens(a) || c->server->policy.oauth_tokens.count > 0);
}

static bool with_anonymous(const struct conn *c, const struct accounts *a)
{
    if (c->protocol == &pop3_protocol)
        return false; /* nobody's maildrop is none */
    return accounts_anonymous(a) || c->server->policy.anonymous == 1 ||
           fault(FAULT_SASL_ANONYMOUS_ALWAYS);
}

char *sasl_copy(const void *p, size_t n)
{
    char *made = malloc(n + 1);
    if (made == NULL)
        abort();
    if (n > 0)
        memcpy(made, p, n);
    made[n] = '\0';
    return made;
}

bool sasl_text_ok(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = p[i++];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
        if (c == 0 || (c >= 0x80 && c < 0xc2) || c > 0xf4 || more > n - i)
            return false;
        unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, low = 0x80, high = 0xbf, i++)
            if (p[i] < low || p[i] > high)
                return false;
    }
    return true;
}

bool sasl_may_be(const struct account *account, const char *authzid)
{
    return *authzid == '\0' || strcmp(authzid, account->name) == 0 ||
           strcasecmp(authzid, account->address) == 0;
}

static void remember_user(struct sasl *s, const void *p, size_t n)
{
    free(s->user);
    s->user = sasl_copy(p, n);
}

/* For a fault: whether preparing would change it. */
static bool prepared_already(const char *text)
{
    char *prepared = saslprep(text);
    bool same = prepared != NULL && strcmp(prepared, text) == 0;
    free(prepared);
    return same;
}

/* The account of a name and a password, as the faults let it be found. */
static struct account *check(struct sasl *s, const char *secret)
{
    if (fault(FAULT_SASL_NO_SASLPREP) && (!prepared_already(s->user) || !prepared_already(secret)))
        return NULL;
    return account_check(s->accounts, s->user, secret);
}

/* RFC 4616: authzid NUL authcid NUL password, all UTF-8. */
static enum sasl_step plain(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    (void)out;
    const unsigned char *end = in + n;
    const unsigned char *first = memchr(in, 0, n);
    const unsigned char *second =
        first == NULL ? NULL : memchr(first + 1, 0, (size_t)(end - first - 1));
    if (second == NULL)
        return SASL_MALFORMED;
    const unsigned char *user = first + 1, *password = second + 1;
    size_t user_len = (size_t)(second - user), password_len = (size_t)(end - password);
    if (n > 256 && fault(FAULT_SASL_PLAIN_SHORT))
        conn_abort(s->conn);
    if (fault(FAULT_SASL_PLAIN_NUL_COUNT))
        password_len = strnlen((const char *)password, password_len);
    bool nothing = password_len == 0 && !fault(FAULT_SASL_PLAIN_EMPTY_PASSWORD);
    if (user_len == 0 || nothing || !sasl_text_ok(in, (size_t)(first - in)) ||
        !sasl_text_ok(user, user_len) || !sasl_text_ok(password, password_len))
        return SASL_MALFORMED;
    remember_user(s, user, user_len);
    char *secret = sasl_copy(password, password_len),
         *authzid = sasl_copy(in, (size_t)(first - in));
    s->account = password_len > 0 ? check(s, secret) : account_find(s->accounts, s->user);
    if (s->account == NULL && fault(FAULT_SASL_PASSWORD_CASE)) {
        struct account *named = account_find(s->accounts, s->user);
        if (named != NULL && named->secret != NULL && strcasecmp(named->secret, secret) == 0)
            s->account = named;
    }
    bool fine = s->account != NULL &&
                (sasl_may_be(s->account, authzid) || fault(FAULT_SASL_PLAIN_AUTHZID_IGNORED));
    struct account *other = fine || s->account == NULL || !fault(FAULT_SASL_PLAIN_AUTHZID_OBEYED)
                                ? NULL
                                : account_find(s->accounts, authzid);
    if (other != NULL) {
        s->account = other;
        fine = true;
    }
    OPENSSL_cleanse(secret, password_len);
    free(secret);
    free(authzid);
    return fine ? SASL_OK : SASL_BAD_LOGIN;
}

/* Never standardised. The prompts are those that clients look for; an initial response is the user
 * name. */
static enum sasl_step login(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    enum { ASK_USER, USER, PASSWORD };
    if (in == NULL) {
        s->state = USER;
        buf_text(out, "Username:");
        return SASL_CHALLENGE;
    }
    if (!sasl_text_ok(in, n))
        return SASL_MALFORMED;
    if (s->state != PASSWORD) {
        if (n == 0)
            return SASL_MALFORMED;
        remember_user(s, in, n);
        s->state = PASSWORD;
        buf_text(out, "Password:");
        return SASL_CHALLENGE;
    }
    char *secret = sasl_copy(in, n);
    s->account = check(s, secret);
    OPENSSL_cleanse(secret, n);
    free(secret);
    return s->account != NULL ? SASL_OK : SASL_BAD_LOGIN;
}

/* RFC 2195: HMAC-MD5 of our stamp under the password, as "user hexdigits". */
static enum sasl_step cram_md5(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    if (in == NULL) {
        unsigned char noise[12];
        if (RAND_bytes(noise, sizeof noise) != 1)
            abort();
        long long now = (long long)clock_wall_s(s->conn->server->clock);
        if (fault(FAULT_SASL_CRAM_CHALLENGE_CONSTANT)) {
            memset(noise, 0, sizeof noise);
            now = 0;
        }
        buf_text(out, "<");
        for (size_t i = 0; i < sizeof noise; i++)
            buf_printf(out, "%02x", noise[i]);
        buf_printf(out, ".%lld@%s>", now, s->conn->server->hostname);
        s->stamp = sasl_copy(out->data, out->len);
        return SASL_CHALLENGE;
    }
    const unsigned char *space = NULL; /* the last one: a user name may hold spaces */
    for (size_t i = n; i > 0 && space == NULL; i--)
        if (in[i - 1] == ' ')
            space = in + i - 1;
    size_t digits = space != NULL ? n - (size_t)(space + 1 - in) : 0;
    bool some = digits >= 8 && digits < 32 && fault(FAULT_SASL_CRAM_PREFIX);
    if (space == NULL || space == in || (digits != 32 && !some) || !sasl_text_ok(in, n))
        return SASL_MALFORMED;
    remember_user(s, in, (size_t)(space - in));
    struct account *account = account_find(s->accounts, s->user);
    const char *secret = account != NULL && account->secret != NULL ? account->secret : "";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (HMAC(EVP_md5(), secret, (int)strlen(secret), (const unsigned char *)s->stamp,
             strlen(s->stamp), digest, &len) == NULL)
        return SASL_TEMPORARY; /* a library without MD5 */
    unsigned char hex[33];
    for (size_t i = 0; i < 16; i++) {
        hex[2 * i] = (unsigned char)"0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = (unsigned char)"0123456789abcdef"[digest[i] & 15];
    }
    bool same = CRYPTO_memcmp(hex, space + 1, digits) == 0 || fault(FAULT_SASL_CRAM_ANY_DIGEST);
    s->account = account;
    return same && account != NULL && account->secret != NULL ? SASL_OK : SASL_BAD_LOGIN;
}

/* RFC 4422, appendix A: who one is was said in the TLS handshake. */
static enum sasl_step external(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    (void)out;
    if (!sasl_text_ok(in, n))
        return SASL_MALFORMED;
    remember_user(s, s->conn->tls_client_subject, strlen(s->conn->tls_client_subject));
    s->account = account_find(s->accounts, s->user);
    if (s->account == NULL && accounts_count(s->accounts) > 0 &&
        fault(FAULT_SASL_EXTERNAL_ANY_NAME)) {
        remember_user(s, in, n);
        s->account = n > 0 ? account_find(s->accounts, s->user) : accounts_at(s->accounts, 0);
        return s->account != NULL ? SASL_OK : SASL_BAD_LOGIN;
    }
    char *authzid = sasl_copy(in, n);
    if (n > 0 && fault(FAULT_SASL_EXTERNAL_AUTHZID_OBEYED))
        s->account = account_find(s->accounts, authzid);
    bool fine = s->account != NULL &&
                (sasl_may_be(s->account, authzid) || fault(FAULT_SASL_EXTERNAL_AUTHZID_IGNORED));
    free(authzid);
    return fine ? SASL_OK : SASL_BAD_LOGIN;
}

/* RFC 4505: the trace text is looked at for its syntax only. */
static enum sasl_step anonymous(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    (void)out;
    s->account = NULL;
    if (fault(FAULT_SASL_ANONYMOUS_READS_MAIL) && accounts_count(s->accounts) > 0)
        s->account = accounts_at(s->accounts, 0);
    if ((fault(FAULT_SASL_ANONYMOUS_NEEDS_TRACE) && n == 0) ||
        (fault(FAULT_SASL_ANONYMOUS_SHORT_TRACE) && n > 255))
        return SASL_BAD_LOGIN;
    return n <= 1020 && sasl_text_ok(in, n) ? SASL_OK : SASL_MALFORMED;
}

/* A failed token is told in JSON; the client has to answer once more, with something empty, before
 * it is refused (RFC 7628, 3.2.3). */
static enum sasl_step refuse_token(struct sasl *s, const char *json, struct buf *out)
{
    if (fault(FAULT_SASL_OAUTH_NO_ERROR_CHALLENGE))
        return SASL_BAD_LOGIN;
    s->state = 1;
    buf_text(out, fault(FAULT_SASL_OAUTH_ERROR_NO_STATUS) ? "{\"error\":\"invalid_token\"}" : json);
    return SASL_CHALLENGE;
}

/* What the pairs of a message say. */
struct bearer {
    char *token; /* malloc'd; NULL: none */
    bool malformed, elsewhere;
};

/* The token behind a scheme: Bearer, in any case. */
static const char *behind_scheme(const char *value)
{
    const char *space = strchr(value, ' ');
    bool bearer = strncasecmp(value, "bearer ", 7) == 0;
    return space != NULL && (bearer || fault(FAULT_SASL_OAUTH_ANY_SCHEME)) ? space + 1 : NULL;
}

/* One pair, key=value. */
static void take_pair(const struct sasl *s, const char *pair, struct bearer *b)
{
    const struct conn *c = s->conn;
    const char *value = strchr(pair, '=') + 1;
    const char *token = strncasecmp(pair, "auth=", 5) == 0 ? behind_scheme(value) : NULL;
    if (token != NULL && b->token == NULL)
        b->token = sasl_copy(token, strlen(token));
    /* RFC 7628, 3.2: a port that we know to be another one. */
    if (strncasecmp(pair, "port=", 5) == 0 && c->local_port != 0 &&
        strtoul(value, NULL, 10) != c->local_port && !fault(FAULT_SASL_OAUTH_PORT_IGNORED))
        b->elsewhere = true;
    if (strncasecmp(pair, "auth=", 5) != 0 && strncasecmp(pair, "host=", 5) != 0 &&
        strncasecmp(pair, "port=", 5) != 0 && fault(FAULT_SASL_OAUTH_UNKNOWN_KEY_REFUSED))
        b->malformed = true;
}

/* A list of key=value, each ended by 0x01 and the list by one more. */
static struct bearer bearer_of(const struct sasl *s, const char *list)
{
    struct bearer b = {.token = NULL};
    while (*list != '\0' && *list != 1 && !b.malformed) {
        const char *end = strchr(list, 1), *equals = strchr(list, '=');
        if (end == NULL || equals == NULL || equals > end) {
            b.malformed = true;
            break;
        }
        char *pair = sasl_copy(list, (size_t)(end - list));
        take_pair(s, pair, &b);
        free(pair);
        list = end + 1;
    }
    bool ended = list[0] == 1 && list[1] == '\0';
    if (!ended && !(list[0] == '\0' && fault(FAULT_SASL_OAUTH_NO_END)))
        b.malformed = true;
    if (b.malformed || b.elsewhere) {
        free(b.token);
        b.token = NULL;
    }
    return b;
}

static bool same_token(const char *one, const char *other)
{
    return one != NULL && strlen(one) == strlen(other) &&
           CRYPTO_memcmp(one, other, strlen(other)) == 0;
}

/* The account's own, or one that was set for it. */
static bool token_fits(const struct sasl *s, const struct account *account, const char *token)
{
    const struct texts *set = &s->conn->server->policy.oauth_tokens;
    if (account == NULL)
        return false;
    bool fits = same_token(account->token, token);
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->list[i].name, account->name) == 0)
            fits = same_token(set->list[i].text, token) || fits;
    return fits;
}

/* Who is meant: by name, or (without one) by the token alone. */
static struct account *owner_of(const struct sasl *s, const char *user, const char *token)
{
    if (user != NULL && !fault(FAULT_SASL_OAUTH_NAME_IGNORED))
        return account_find(s->accounts, user);
    for (size_t i = 0; token != NULL && i < accounts_count(s->accounts); i++)
        if (token_fits(s, accounts_at(s->accounts, i), token))
            return accounts_at(s->accounts, i);
    return NULL;
}

/* RFC 7628: a GS2 header (n,a=user,) and the list. Without a= the token alone says who it is. */
static enum sasl_step oauthbearer(struct sasl *s, const unsigned char *in, size_t n,
                                  struct buf *out)
{
    if (s->state == 1 && !fault(FAULT_SASL_OAUTH_SECOND_CHANCE))
        return SASL_BAD_LOGIN;
    if (!sasl_text_ok(in, n) || n < 3 || (in[0] != 'n' && in[0] != 'y') || in[1] != ',')
        return SASL_MALFORMED;
    char *message = sasl_copy(in, n);
    char *user = message + 2, *comma = strchr(user, ',');
    enum sasl_step step = SASL_MALFORMED;
    struct bearer b = {.malformed = true};
    if (comma != NULL && comma[1] == 1 && (comma == user || strncmp(user, "a=", 2) == 0)) {
        *comma = '\0';
        b = bearer_of(s, comma + 2);
    }
    if (b.malformed)
        goto out;
    if (*user != '\0')
        remember_user(s, user + 2, strlen(user + 2));
    struct account *account = owner_of(s, *user != '\0' ? s->user : NULL, b.token);
    s->account = account;
    step = b.token != NULL && token_fits(s, account, b.token)
               ? SASL_OK
               : refuse_token(s, "{\"status\":\"invalid_token\",\"scope\":\"mail\"}", out);
out:
    free(message);
    free(b.token);
    return step;
}

/* Google's older form: user=… 0x01 auth=Bearer … 0x01 0x01. */
static enum sasl_step xoauth2(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    if (s->state == 1 && !fault(FAULT_SASL_OAUTH_SECOND_CHANCE))
        return SASL_BAD_LOGIN;
    const unsigned char *end = n == 0 ? NULL : memchr(in, 1, n);
    if (end == NULL || end - in < 6 || memcmp(in, "user=", 5) != 0 || !sasl_text_ok(in, n))
        return SASL_MALFORMED;
    remember_user(s, in + 5, (size_t)(end - in - 5));
    char *rest = sasl_copy(end + 1, n - (size_t)(end + 1 - in));
    struct bearer b = bearer_of(s, rest);
    free(rest);
    if (b.malformed)
        return SASL_MALFORMED;
    s->account = owner_of(s, s->user, b.token);
    bool fine = b.token != NULL && token_fits(s, s->account, b.token);
    free(b.token);
    return fine ? SASL_OK
                : refuse_token(s, "{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"mail\"}",
                               out);
}

static enum sasl_step scram(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    if (!sasl_text_ok(in, n))
        return SASL_MALFORMED;
    s->scram.hash = s->mechanism->hash;
    s->scram.plus = s->mechanism->plus;
    char *text = sasl_copy(in, n);
    enum sasl_step step = sasl_scram_step(s, text, n, out);
    free(text);
    return step;
}

/* In order of preference. */
static const struct mechanism mechanisms[] = {
    {"EXTERNAL", with_certificate, false, false, external, SCRAM_SHA1, false},
    {"SCRAM-SHA-256-PLUS", with_tls, false, false, scram, SCRAM_SHA256, true},
    {"SCRAM-SHA-1-PLUS", with_tls, false, false, scram, SCRAM_SHA1, true},
    {"SCRAM-SHA-256", always, false, false, scram, SCRAM_SHA256, false},
    {"SCRAM-SHA-1", always, false, false, scram, SCRAM_SHA1, false},
    {"OAUTHBEARER", with_tokens, true, false, oauthbearer, SCRAM_SHA1, false},
    {"XOAUTH2", with_tokens, true, false, xoauth2, SCRAM_SHA1, false},
    {"CRAM-MD5", with_secrets, false, true, cram_md5, SCRAM_SHA1, false},
    {"PLAIN", always, true, false, plain, SCRAM_SHA1, false},
    {"LOGIN", always, true, false, login, SCRAM_SHA1, false},
    {"ANONYMOUS", with_anonymous, false, false, anonymous, SCRAM_SHA1, false},
};
enum { MECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };

static bool may_show_password(const struct conn *c)
{
    bool smtp = c->protocol == &smtp_protocol;
    return c->tls || c->server->plaintext_login ||
           (smtp && fault(FAULT_SMTP_PLAINTEXT_LOGIN_IN_CLEAR)) ||
           (c->protocol == &imap_protocol && fault(FAULT_IMAP_PLAIN_IN_CLEAR)) ||
           (c->protocol == &pop3_protocol && fault(FAULT_POP3_PLAIN_IN_CLEAR));
}

void sasl_mechanisms(const struct conn *c, struct buf *out)
{
    const char *between = "";
    for (size_t i = 0; i < MECHANISMS; i++) {
        const struct mechanism *m = &mechanisms[i];
        bool offered =
            m->offered(c, c->server->accounts) || (m->plus && fault(FAULT_SASL_PLUS_IN_CLEAR));
        if (m->step == scram && !m->plus && c->tls && fault(FAULT_SASL_PLUS_ONLY))
            offered = false;
        if ((m->step == plain && fault(FAULT_SASL_NO_PLAIN)) ||
            (m->plus && fault(FAULT_SASL_NO_PLUS)))
            offered = false;
        if (m->step == external && fault(FAULT_SASL_EXTERNAL_NOT_LISTED))
            offered = false;
        if (m->step == external && c->tls && fault(FAULT_SASL_LISTS_EXTERNAL))
            offered = true;
        if (!offered || (m->needs_tls && !may_show_password(c)))
            continue;
        buf_printf(out, "%s%s", between, m->name);
        between = " ";
    }
}

struct sasl *sasl_begin(struct conn *c, struct accounts *a, const char *mechanism, bool *needs_tls)
{
    *needs_tls = false;
    for (size_t i = 0; i < MECHANISMS; i++) {
        const struct mechanism *m = &mechanisms[i];
        if (strcasecmp(m->name, mechanism) != 0)
            continue;
        bool offered =
            m->offered(c, a) || (m->step == external && fault(FAULT_SASL_EXTERNAL_ANY_NAME));
        if (!offered || (m->needs_tls && !may_show_password(c))) {
            *needs_tls = !c->tls && (m->needs_tls || m->plus);
            return NULL;
        }
        struct sasl *s = calloc(1, sizeof *s);
        if (s == NULL)
            abort();
        s->mechanism = m;
        s->conn = c;
        s->accounts = a;
        return s;
    }
    return NULL;
}

enum sasl_step sasl_step(struct sasl *s, const unsigned char *in, size_t n, struct buf *out)
{
    static const unsigned char nothing[1] = {0};
    const struct mechanism *m = s->mechanism;
    bool first = s->stamp == NULL && s->state == 0 && s->user == NULL;
    buf_empty(out);
    if (n > SASL_MESSAGE_BYTES || (n > 384 && fault(FAULT_SASL_LONG_RESPONSE_REFUSED)))
        return SASL_MALFORMED;
    if (in == NULL && first && m->step != login && !m->server_first)
        return SASL_CHALLENGE; /* the client's turn: an empty challenge asks for its first message
                                */
    if (in == NULL && !first)
        return SASL_MALFORMED;
    if (in != NULL && first && m->server_first)
        return SASL_MALFORMED;
    if (in != NULL && n == 0)
        in = nothing;
    return m->step(s, in, n, out);
}

struct account *sasl_account(const struct sasl *s)
{
    return s->account;
}

const char *sasl_user(const struct sasl *s)
{
    return s->user;
}

const char *sasl_mechanism(const struct sasl *s)
{
    return s->mechanism->name;
}

void sasl_free(struct sasl *s)
{
    if (s == NULL)
        return;
    sasl_scram_clear(&s->scram);
    free(s->user);
    free(s->stamp);
    free(s);
}

bool sasl_plain_fits(struct accounts *a, const char *text)
{
    unsigned char *data = NULL;
    size_t len = 0;
    if (text == NULL || base64_decode(text, strlen(text), &data, &len) != 0)
        return false;
    char *plain = sasl_copy(data, len);
    size_t user = strlen(plain) + 1;
    size_t password = user <= len ? user + strlen(plain + user) + 1 : len + 1;
    bool fits = password <= len && account_check(a, plain + user, plain + password) != NULL;
    free(plain);
    free(data);
    return fits;
}
