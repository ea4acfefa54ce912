/* SCRAM with channel binding, rightly and wrongly: does the server hold the login against its own
 * TLS session? B03 to B07. RFC 5802, 6; RFC 9266; RFC 5929. SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/mail/login.h"
#include "ports/rooms.h"
#include "protocol/sasl.h"

enum { ROUNDS = 6, TOKEN = 2048 };

/* The base64 behind "334 " or "+ ", decoded. */
static size_t challenge(const char *text, unsigned char *out, size_t size)
{
    char token[TOKEN];
    const char *at = strchr(text, ' ');
    if (at == NULL)
        return 0;
    int n = (int)strcspn(at + 1, "\r\n"), pad = 0;
    if (n % 4 != 0 || (size_t)n >= sizeof token || (size_t)n > size)
        return 0;
    memcpy(token, at + 1, (size_t)n);
    while (pad < 2 && pad < n && token[n - 1 - pad] == '=')
        pad++;
    int got = EVP_DecodeBlock(out, (unsigned char *)token, n);
    return got > pad ? (size_t)(got - pad) : 0;
}

static bool send_token(struct port *p, struct conn *c, const unsigned char *token, size_t n)
{
    char text[TOKEN * 2];
    if (n > TOKEN)
        return false;
    int len = EVP_EncodeBlock((unsigned char *)text, token, (int)n);
    text[len++] = '\r';
    text[len++] = '\n';
    return conn_write(c, text, (size_t)len, p->o->answer_ms, NULL) == 0;
}

/* A whole exchange; what the server said last. */
static enum reply_kind exchange(struct port *p, struct conn *c, const char *mechanism,
                                const struct sasl_options *o, struct reply *r)
{
    char command[128];
    unsigned char in[TOKEN];
    struct sasl *s = sasl_new(mechanism, o, NULL);
    if (s == NULL)
        return REPLY_ODD;
    (void)snprintf(command, sizeof command, "%s%s %s\r\n",
                   p->protocol == PROTOCOL_IMAP ? "b1 AUTHENTICATE" : "AUTH", "", mechanism);
    (void)conn_write(c, command, strlen(command), p->o->answer_ms, NULL);
    enum reply_kind k = dial_reply(p, c, "b1", false, p->o->answer_ms, r);
    for (int round = 0; k == REPLY_MORE && round < ROUNDS; round++) {
        unsigned char *out = NULL;
        size_t n = challenge(r->text, in, sizeof in), len = 0;
        int rc = sasl_step(s, round == 0 ? NULL : in, round == 0 ? 0 : n, &out, &len, NULL);
        bool sent = rc == 0 && send_token(p, c, out, len);
        free(out);
        if (rc != 0)
            (void)conn_write(c, "*\r\n", 3, p->o->answer_ms, NULL);
        else if (!sent)
            break;
        k = dial_reply(p, c, "b1", false, dial_password_ms(p), r);
    }
    sasl_free(s);
    return k;
}

struct attempt {
    enum check_id id;
    const char *version; /* TLS version to insist on */
    const char *mechanism;
    const char *binding;
    bool wrong;  /* the binding's data is spoilt */
    bool unused; /* the flag y */
    bool login;  /* whether it has to work */
    const char *what;
};

static void attempt(struct port *p, const struct attempt *a)
{
    struct conn_tls_options o;
    struct reply r;
    unsigned char data[64];
    size_t n = 0;
    if (!port_wants(p, a->id))
        return;
    dial_options(p, &o);
    o.min_version = a->version;
    o.max_version = a->version;
    struct conn *c = dial_tls(p, &o, NULL);
    if (c == NULL)
        return;
    const struct conn_tls *t = conn_tls_facts(c);
    if (a->binding != NULL && strcmp(a->binding, "tls-exporter") == 0) {
        n = sizeof t->binding_exporter;
        memcpy(data, t->binding_exporter, n);
    } else if (a->binding != NULL && strcmp(a->binding, "tls-server-end-point") == 0) {
        n = t->binding_end_point_len;
        memcpy(data, t->binding_end_point, n);
    } else if (a->binding != NULL) {
        /* tls-unique has no value in 1.3. A server that does not know that takes the first
         * Finished, as in 1.2. */
        n = SSL_get_finished(conn_openssl(c), data, sizeof data);
    }
    if (a->wrong && n > 0)
        data[0] ^= 0xff;
    struct sasl_options s = {.user = p->o->user,
                             .password = p->o->password,
                             .binding = a->binding,
                             .binding_data = data,
                             .binding_len = n,
                             .binding_unused = a->unused};
    enum reply_kind k = exchange(p, c, a->mechanism, &s, &r);
    struct conn *plain = NULL;
    if (a->login && k == REPLY_NO) {
        /* Is it the binding, or is it the password? */
        plain = login_session(p);
        dial_close(p, plain);
    }
    if (k == REPLY_END || k == REPLY_SILENT)
        port_untested(p, a->id, "not checked: the connection ended in the exchange");
    else if (a->login && k == REPLY_NO && plain == NULL)
        port_untested(p, a->id, "not checked: the login was refused without it, too");
    else
        port_judge(p, a->id, (k == REPLY_OK) == a->login, c, "%s %s: %.*s", a->what,
                   k == REPLY_OK ? "logs in" : "is refused", (int)strcspn(r.text, "\r\n"), r.text);
    dial_close(p, c);
}

void room_binding(struct port *p)
{
    static const struct attempt attempts[] = {
        {CHECK_B03, "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", false, false, true,
         "tls-exporter in 1.3"},
        {CHECK_B04, "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-unique", false, false, false,
         "tls-unique in 1.3"},
        {CHECK_B05, "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-server-end-point", false, false, true,
         "tls-server-end-point"},
        {CHECK_B06, "TLSv1.3", "SCRAM-SHA-256-PLUS", "tls-exporter", true, false, false,
         "a wrong binding"},
        {CHECK_B07, "TLSv1.3", "SCRAM-SHA-256", NULL, false, true, false, "the flag y"},
    };
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (!port_wants(p, attempts[i].id))
            continue;
        if (strcasestr(p->facts.tls_caps, "SCRAM-SHA-256-PLUS") == NULL)
            port_not_here(p, attempts[i].id, "SCRAM-SHA-256-PLUS is not offered");
        else if (!p->facts.versions[5])
            port_not_here(p, attempts[i].id, "no TLS 1.3 here");
        else
            attempt(p, &attempts[i]);
    }
}
